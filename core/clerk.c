#include "core/clerk.h"

#include "proto/base/mailbox.h"
#include "proto/base/thread.h"

struct Clerk {
        GMainContext *context;
        GMainLoop *loop;
        RvThread *thread;
};

static void run(void *user) {
        Clerk *clerk = user;
        g_main_context_push_thread_default(clerk->context);
        g_main_loop_run(clerk->loop);
        g_main_context_pop_thread_default(clerk->context);
}

static void quit(void *user) {
        g_main_loop_quit(user);
}

Clerk *clerk_start(GError **error) {
        Clerk *clerk = g_new0(Clerk, 1);
        clerk->context = g_main_context_new();
        clerk->loop = g_main_loop_new(clerk->context, FALSE);
        clerk->thread = rv_thread_start("clerk", RV_PRIORITY_NORMAL, run, clerk, error);
        if (clerk->thread)
                return clerk;
        clerk_free(clerk);
        return NULL;
}

void clerk_do(Clerk *clerk, void (*f)(void *user), void *user) {
        rv_mailbox_call(clerk->context, f, user);
}

void clerk_free(Clerk *clerk) {
        if (!clerk)
                return;
        if (clerk->thread)
                clerk_do(clerk, quit, clerk->loop); /* in turn: behind all that was asked for */
        rv_thread_join(clerk->thread);
        g_main_loop_unref(clerk->loop);
        g_main_context_unref(clerk->context);
        g_free(clerk);
}
