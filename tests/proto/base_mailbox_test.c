#include "tests/support/cmocka.h"

#include "proto/base/mailbox.h"
#include "proto/base/thread.h"

#define N_POSTERS 8
#define N_MESSAGES 3000

typedef struct {
        int poster;
        int number;
} Message;

typedef struct {
        pthread_t owner;
        int next[N_POSTERS]; /* the number expected of each poster */
        int received;
        RvMailbox *free_this;
} Box;

typedef struct {
        RvMailbox *mailbox;
        GMainContext *context;
        Box *box;
        int poster;
} Poster;

static int freed;

static void count_free(void *message) {
        freed++;
        g_free(message);
}

static Message *message_new(int poster, int number) {
        Message *message = g_new(Message, 1);
        *message = (Message){.poster = poster, .number = number};
        return message;
}

static void take_in_order(void *user, void *take_message) {
        g_autofree Message *message = take_message;
        Box *box = user;
        assert_true(pthread_equal(pthread_self(), box->owner));
        assert_int_equal(message->number, box->next[message->poster]++);
        box->received++;
        if (box->free_this)
                rv_mailbox_free(g_steal_pointer(&box->free_this));
}

static void post_many(void *user) {
        const Poster *poster = user;
        for (int i = 0; i < N_MESSAGES; i++)
                rv_mailbox_post(poster->mailbox, message_new(poster->poster, i));
}

static void INV_BASE_003_every_message_arrives_once_in_the_order_of_its_poster(void **state) {
        g_autoptr(GMainContext) context = g_main_context_new();
        Box box = {.owner = pthread_self()};
        RvMailbox *mailbox = rv_mailbox_new(context, take_in_order, &box, count_free);
        Poster posters[N_POSTERS];
        RvThread *threads[N_POSTERS];
        for (int i = 0; i < N_POSTERS; i++) {
                posters[i] = (Poster){.mailbox = mailbox, .poster = i};
                threads[i] = rv_thread_start("poster", RV_PRIORITY_NORMAL, post_many, &posters[i], NULL);
        }
        while (box.received < N_POSTERS * N_MESSAGES)
                g_main_context_iteration(context, TRUE);
        for (int i = 0; i < N_POSTERS; i++) {
                rv_thread_join(threads[i]);
                assert_int_equal(box.next[i], N_MESSAGES);
        }
        assert_false(g_main_context_iteration(context, FALSE));
        rv_mailbox_free(mailbox);
}

static void what_is_left_in_the_box_is_freed_with_it(void **state) {
        g_autoptr(GMainContext) context = g_main_context_new();
        Box box = {.owner = pthread_self()};
        RvMailbox *mailbox = rv_mailbox_new(context, take_in_order, &box, count_free);
        for (int i = 0; i < 5; i++)
                rv_mailbox_post(mailbox, message_new(0, i));
        freed = 0;
        rv_mailbox_free(mailbox);
        assert_int_equal(freed, 5);
        assert_int_equal(box.received, 0);
        rv_mailbox_free(NULL);
}

static void a_handler_may_free_the_box(void **state) {
        g_autoptr(GMainContext) context = g_main_context_new();
        Box box = {.owner = pthread_self()};
        box.free_this = rv_mailbox_new(context, take_in_order, &box, count_free);
        for (int i = 0; i < 5; i++)
                rv_mailbox_post(box.free_this, message_new(0, i));
        freed = 0;
        while (g_main_context_iteration(context, FALSE))
                ;
        assert_int_equal(box.received, 1);
        assert_int_equal(freed, 4);
}

static int reposts;
static RvMailbox *reposting;

static void post_again(void *user, void *take_message) {
        reposts++;
        rv_mailbox_post(reposting, take_message);
}

static void post_one_more(void *user, void *take_message) {
        int *received = user;
        static int third;
        if (++*received == 1)
                rv_mailbox_post(reposting, &third); /* the second is still in the box: it is not rung for */
}

static void INV_BASE_003_a_message_posted_while_others_wait_is_not_forgotten(void **state) {
        g_autoptr(GMainContext) context = g_main_context_new();
        int received = 0, first, second;
        reposting = rv_mailbox_new(context, post_one_more, &received, NULL);
        rv_mailbox_post(reposting, &first);
        rv_mailbox_post(reposting, &second);
        while (g_main_context_iteration(context, FALSE))
                ;
        assert_int_equal(received, 3);
        rv_mailbox_free(reposting);
}

static gboolean note(gpointer user) {
        *(bool *)user = true;
        return G_SOURCE_REMOVE;
}

static void a_busy_box_does_not_starve_the_loop(void **state) {
        g_autoptr(GMainContext) context = g_main_context_new();
        int message = 0;
        bool seen = false;
        reposting = rv_mailbox_new(context, post_again, NULL, NULL);
        rv_mailbox_post(reposting, &message);
        g_autoptr(GSource) other = g_idle_source_new();
        g_source_set_priority(other, G_PRIORITY_DEFAULT);
        g_source_set_callback(other, note, &seen, NULL);
        g_source_attach(other, context);
        for (int i = 0; i < 4; i++)
                g_main_context_iteration(context, TRUE);
        assert_true(seen);
        assert_true(reposts >= 2 && reposts <= 4);
        rv_mailbox_free(reposting);
}

static void called(void *user) {
        Box *box = user;
        assert_true(pthread_equal(pthread_self(), box->owner));
        box->received++;
}

static void call_many(void *user) {
        const Poster *poster = user;
        for (int i = 0; i < 100; i++)
                rv_mailbox_call(poster->context, called, poster->box);
}

static void INV_BASE_003_a_call_runs_on_the_context_s_thread(void **state) {
        g_autoptr(GMainContext) context = g_main_context_new();
        Box box = {.owner = pthread_self()};
        Poster poster = {.context = context, .box = &box};
        RvThread *thread = rv_thread_start("caller", RV_PRIORITY_NORMAL, call_many, &poster, NULL);
        while (box.received < 100)
                g_main_context_iteration(context, TRUE);
        rv_thread_join(thread);
        rv_mailbox_call(context, called, &box); /* not even the owner runs it in place */
        assert_int_equal(box.received, 100);
        while (g_main_context_iteration(context, FALSE))
                ;
        assert_int_equal(box.received, 101);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(INV_BASE_003_every_message_arrives_once_in_the_order_of_its_poster),
                cmocka_unit_test(INV_BASE_003_a_message_posted_while_others_wait_is_not_forgotten),
                cmocka_unit_test(INV_BASE_003_a_call_runs_on_the_context_s_thread),
                cmocka_unit_test(what_is_left_in_the_box_is_freed_with_it),
                cmocka_unit_test(a_handler_may_free_the_box),
                cmocka_unit_test(a_busy_box_does_not_starve_the_loop),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
