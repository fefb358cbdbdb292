/*
 * Messages from any thread to the owner of a GLib main context, in the order posted. The only way into state that the
 * control loop owns. Built on pthreads, so that thread sanitizer sees the hand-over.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

typedef struct RvMailbox RvMailbox;

/* Runs on the context's thread for each message; owns it from then on. */
typedef void (*RvMailboxHandler)(void *user, void *take_message);

/*
 * context NULL means the default one. free_message (may be NULL) is for messages still in the box when it is freed.
 * Make and free it on the context's thread, after every poster is gone.
 */
RvMailbox *rv_mailbox_new(GMainContext *context, RvMailboxHandler handler, void *user, GDestroyNotify free_message);
void rv_mailbox_free(RvMailbox *mailbox);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RvMailbox, rv_mailbox_free)

/* Any thread; never blocks for long. The message is consumed. */
void rv_mailbox_post(RvMailbox *mailbox, void *take_message);

/* Closures instead of messages, for owners with many kinds of visitors: f(user) on the context's thread. */
void rv_mailbox_call(GMainContext *context, void (*f)(void *user), void *user);
