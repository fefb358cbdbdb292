#include "proto/base/mailbox.h"

#include <pthread.h>
#include <stdatomic.h>

/* The box is its own GSource: GLib keeps it alive while it is dispatched, so a handler may free it. */
struct RvMailbox {
        GSource source;
        RvMailboxHandler handler;
        void *user;
        GDestroyNotify free_message;

        /* Any thread; protected by lock. */
        pthread_mutex_t lock;
        GQueue messages;
};

static void *take(RvMailbox *mailbox) {
        pthread_mutex_lock(&mailbox->lock);
        void *message = g_queue_pop_head(&mailbox->messages);
        pthread_mutex_unlock(&mailbox->lock);
        return message;
}

static guint count(RvMailbox *mailbox) {
        pthread_mutex_lock(&mailbox->lock);
        const guint n = g_queue_get_length(&mailbox->messages);
        pthread_mutex_unlock(&mailbox->lock);
        return n;
}

/* Hands over what was there at the beginning and no more, so that busy posters do not starve the loop's other sources.
 */
static gboolean dispatch(GSource *source, GSourceFunc callback, gpointer data) {
        RvMailbox *mailbox = (RvMailbox *)source;
        g_source_set_ready_time(source, -1);
        for (guint n = count(mailbox); n > 0 && !g_source_is_destroyed(source); n--)
                mailbox->handler(mailbox->user, take(mailbox)); /* INV-BASE-003 */
        if (!g_source_is_destroyed(source) && count(mailbox) > 0)
                g_source_set_ready_time(source, 0);
        return G_SOURCE_CONTINUE;
}

static void finalize(GSource *source) {
        RvMailbox *mailbox = (RvMailbox *)source;
        pthread_mutex_destroy(&mailbox->lock);
}

static GSourceFuncs mailbox_funcs = {.dispatch = dispatch, .finalize = finalize};

RvMailbox *rv_mailbox_new(GMainContext *context, RvMailboxHandler handler, void *user, GDestroyNotify free_message) {
        GSource *source = g_source_new(&mailbox_funcs, sizeof(RvMailbox));
        RvMailbox *mailbox = (RvMailbox *)source;
        mailbox->handler = handler;
        mailbox->user = user;
        mailbox->free_message = free_message;
        g_assert(pthread_mutex_init(&mailbox->lock, NULL) == 0);
        g_queue_init(&mailbox->messages);
        g_source_set_static_name(source, "rv-mailbox");
        g_source_attach(source, context);
        return mailbox;
}

void rv_mailbox_free(RvMailbox *mailbox) {
        if (!mailbox)
                return;
        g_source_destroy(&mailbox->source);
        void *message;
        while ((message = take(mailbox)))
                if (mailbox->free_message)
                        mailbox->free_message(message);
        g_source_unref(&mailbox->source);
}

void rv_mailbox_post(RvMailbox *mailbox, void *take_message) {
        g_assert(take_message);
        pthread_mutex_lock(&mailbox->lock);
        const bool was_empty = g_queue_is_empty(&mailbox->messages);
        g_queue_push_tail(&mailbox->messages, take_message);
        pthread_mutex_unlock(&mailbox->lock);
        /* A box that was not empty has been rung for already, or dispatch looks again before it ends. */
        if (was_empty)
                g_source_set_ready_time(&mailbox->source, 0);
}

typedef struct {
        void (*f)(void *user);
        void *user;
        /* Released by the caller, acquired by the context's thread: the hand-over, in terms thread sanitizer knows. */
        atomic_bool written;
} Call;

static gboolean run_call(gpointer data) {
        Call *call = data;
        g_assert(atomic_load_explicit(&call->written, memory_order_acquire));
        call->f(call->user);
        return G_SOURCE_REMOVE;
}

void rv_mailbox_call(GMainContext *context, void (*f)(void *user), void *user) {
        Call *call = g_new0(Call, 1);
        call->f = f;
        call->user = user;
        atomic_store_explicit(&call->written, true, memory_order_release);

        /* Not g_main_context_invoke: that may run f here, in the caller's thread. */
        g_autoptr(GSource) source = g_idle_source_new();
        g_source_set_priority(source, G_PRIORITY_DEFAULT);
        g_source_set_callback(source, run_call, call, g_free);
        g_source_attach(source, context);
}
