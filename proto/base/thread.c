#include "proto/base/thread.h"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "proto/base/error.h"

#define NAME_SIZE 16 /* the kernel's, with the NUL */
#define TICK_RR_PRIORITY 10

struct RvThread {
        pthread_t handle;
};

/* What a new thread needs to know; its own, so that the handle may be detached before it has begun. */
typedef struct {
        char name[NAME_SIZE];
        RvPriority priority;
        void (*f)(void *user);
        void *user;
} Start;

static int nice_of(RvPriority priority) {
        switch (priority) {
        case RV_PRIORITY_BACKGROUND:
                return 10;
        case RV_PRIORITY_PRODUCER:
                return 4;
        case RV_PRIORITY_TICK:
                return -10;
        case RV_PRIORITY_NORMAL:
                break;
        }
        return 0;
}

/*
 * A thread inherits the policy and niceness of the one that started it, so both are always set, relative to the
 * process's own. What is not permitted is left as it is: a stated place is a wish, not a condition.
 */
static void take_place(RvPriority priority) {
        const struct sched_param round_robin = {.sched_priority = TICK_RR_PRIORITY}, other = {.sched_priority = 0};
        if (priority == RV_PRIORITY_TICK && pthread_setschedparam(pthread_self(), SCHED_RR, &round_robin) == 0)
                return;
        pthread_setschedparam(pthread_self(), SCHED_OTHER, &other);
        const int of_process = getpriority(PRIO_PROCESS, (id_t)getpid());
        (void)setpriority(PRIO_PROCESS, (id_t)gettid(), of_process + nice_of(priority));
}

static void *run(void *take_start) {
        g_autofree Start *start = take_start;
        pthread_setname_np(pthread_self(), start->name);
        take_place(start->priority);
        start->f(start->user);
        return NULL;
}

RvThread *rv_thread_start(const char *name, RvPriority priority, void (*f)(void *user), void *user, GError **error) {
        Start *start = g_new0(Start, 1);
        g_strlcpy(start->name, name, sizeof(start->name));
        start->priority = priority;
        start->f = f;
        start->user = user;

        RvThread *thread = g_new0(RvThread, 1);
        sigset_t all, before;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before); /* INV-BASE-007: the new thread inherits the mask */
        const int result = pthread_create(&thread->handle, NULL, run, start);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        if (result != 0) {
                rv_error_set_errno(error, result, "cannot start thread %s", name);
                g_free(start);
                g_free(thread);
                return NULL;
        }
        return thread;
}

void rv_thread_join(RvThread *thread) {
        if (!thread)
                return;
        g_assert(pthread_join(thread->handle, NULL) == 0);
        g_free(thread);
}

void rv_thread_detach(RvThread *thread) {
        if (!thread)
                return;
        g_assert(pthread_detach(thread->handle) == 0);
        g_free(thread);
}
