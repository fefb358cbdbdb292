#include "tests/support/cmocka.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "proto/base/mailbox.h"
#include "proto/base/thread.h"

typedef struct {
        char name[16];
        sigset_t blocked;
        int niceness;
        int policy;
} Report;

static void report(void *user) {
        Report *mine = user;
        struct sched_param param;
        pthread_getname_np(pthread_self(), mine->name, sizeof(mine->name));
        pthread_sigmask(SIG_SETMASK, NULL, &mine->blocked);
        mine->niceness = getpriority(PRIO_PROCESS, (id_t)gettid());
        pthread_getschedparam(pthread_self(), &mine->policy, &param);
}

static Report report_of(RvPriority priority) {
        Report mine = {0};
        RvThread *thread = rv_thread_start("a-name-too-long-for-it", priority, report, &mine, NULL);
        assert_non_null(thread);
        rv_thread_join(thread);
        return mine;
}

static void INV_BASE_007_threads_take_no_signals(void **state) {
        sigset_t before, after;
        pthread_sigmask(SIG_SETMASK, NULL, &before);
        const Report mine = report_of(RV_PRIORITY_NORMAL);
        pthread_sigmask(SIG_SETMASK, NULL, &after);
        static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGCHLD, SIGPIPE, SIGUSR1};
        for (size_t i = 0; i < G_N_ELEMENTS(signals); i++) {
                assert_true(sigismember(&mine.blocked, signals[i]));
                assert_int_equal(sigismember(&before, signals[i]), sigismember(&after, signals[i]));
        }
        assert_string_equal(mine.name, "a-name-too-long");
}

static void threads_take_their_place(void **state) {
        const int own = getpriority(PRIO_PROCESS, (id_t)getpid());
        assert_int_equal(report_of(RV_PRIORITY_NORMAL).niceness, own);
        assert_int_equal(report_of(RV_PRIORITY_PRODUCER).niceness, MIN(own + 4, 19));
        assert_int_equal(report_of(RV_PRIORITY_BACKGROUND).niceness, MIN(own + 10, 19));
        const Report tick = report_of(RV_PRIORITY_TICK);
        assert_true(tick.policy == SCHED_RR || tick.niceness == own - 10 || tick.niceness == own);
}

static void report_through_a_tick_thread(void *user) {
        RvThread *thread = rv_thread_start("child", RV_PRIORITY_BACKGROUND, report, user, NULL);
        rv_thread_join(thread);
}

static void a_tick_thread_s_place_is_not_inherited(void **state) {
        Report mine = {0};
        RvThread *thread = rv_thread_start("tick", RV_PRIORITY_TICK, report_through_a_tick_thread, &mine, NULL);
        rv_thread_join(thread);
        assert_int_equal(mine.policy, SCHED_OTHER);
        assert_int_equal(mine.niceness, MIN(getpriority(PRIO_PROCESS, (id_t)getpid()) + 10, 19));
}

static void finish(void *user) {
        *(bool *)user = true;
}

static void call_home(void *user) {
        rv_mailbox_call(NULL, finish, user);
}

static void a_detached_thread_needs_no_handle(void **state) {
        static bool finished;
        rv_thread_detach(rv_thread_start("detached", RV_PRIORITY_NORMAL, call_home, &finished, NULL));
        while (!finished)
                g_main_context_iteration(NULL, TRUE);
        rv_thread_join(NULL);
        rv_thread_detach(NULL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(INV_BASE_007_threads_take_no_signals),
                cmocka_unit_test(threads_take_their_place),
                cmocka_unit_test(a_tick_thread_s_place_is_not_inherited),
                cmocka_unit_test(a_detached_thread_needs_no_handle),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
