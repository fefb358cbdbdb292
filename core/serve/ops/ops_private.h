/* What ops.c (life), listeners.c (who is told as it happens), events.c (what happened to blocks), channels.c (how they
 * are), plan.c (what is planned), overrides.c and ops_store.c share. All of it is the ops thread's, but for what says
 * otherwise. */
#pragma once

#include <pthread.h>

#include "core/base/store.h"
#include "core/base/tokens.h"
#include "core/serve/ops/ops.h"
#include "proto/base/thread.h"
#include "proto/operations.pb-c.h"
#include "proto/rpc/rpc.h"
#include "proto/rpc/tls/tls.h"

typedef Retrovue__Operations__V1__Channel ChannelMessage;
typedef Retrovue__Operations__V1__Event EventMessage;
typedef Retrovue__Operations__V1__Horizon HorizonMessage;
#define EVENT(name) RETROVUE__OPERATIONS__V1__EVENT_KIND__EVENT_KIND_##name

typedef struct Listener Listener;

struct Ops {
        OpsOptions options;
        Store *store;
        uint32_t store_id;
        GMainContext *context;
        GMainLoop *loop;
        RpcServer *server;
        RpcTls *tls; /* NULL: not served by TCP, as: */
        Tokens *tokens;
        RvThread *thread;
        GPtrArray *listeners; /* Listener */
        GSource *tick;        /* NULL: nobody listens */
        unsigned ticks;
        int64_t newest; /* sequence, as it was seen last */

        pthread_mutex_t lock; /* held while board, hub or extend are used; guards: */
        bool stopped;
};

/* True, with the lock held, unless ops is stopped: ops_release it. Any thread. */
bool ops_hold(Ops *ops) G_GNUC_WARN_UNUSED_RESULT;
void ops_release(Ops *ops);
RpcStatus ops_stopping(void);
RpcStatus ops_no_channel(const char *channel_id);
/* With the lock held; NULL after *ret_status was set. */
PlanView *ops_view(Ops *ops, const char *channel_id, RpcStatus *ret_status);

/* --- listeners.c -------------------------------------------------------------------------------------------------- */

/* Messages that are written to a listener before those on their way are gone: with those of a second part, fewer than
 * a flow holds. */
#define LISTENER_PART 20

/* Somebody who is told of something as it happens. At most two parts wait in memory for who does not read: the rest is
 * read, or looked at, when there is room. */
struct Listener {
        Ops *ops;
        RpcFlow *flow; /* NULL: finished */
        /* Tells what there is to tell, LISTENER_PART messages at most. RPC_OK: that was it, for now; anything else ends
         * the listener so. */
        RpcStatus (*tell)(Listener *listener);
        GHashTable *channels;  /* ids; NULL = all */
        int64_t after;         /* events: sequence of the last one told, or as asked */
        GHashTable *told;      /* channels: id -> GBytes, as told last; NULL for events */
        bool begun;            /* events: subscribed was told */
        bool full;             /* waits until what was written is on its way */
        int64_t full_since_ns; /* mono */
};

extern const RpcFlowOps listener_events, listener_channels;
/* False: there is nobody any more. */
bool listener_write(Listener *listener, const void *message);
bool listener_wants(const Listener *listener, const char *channel_id);
/* Tells everybody what there is now, then that it is over. */
void listeners_end(Ops *ops);

/* --- events.c, channels.c ----------------------------------------------------------------------------------------- */

RpcStatus events_tell(Listener *listener);
RpcStatus channels_tell(Listener *listener);
/* With the lock held. */
void ops_fill_horizon(Ops *ops, HorizonMessage *message, const PlanView *view);
RpcStatus ops_list_channels(void *user, const void *request, void *response);
RpcStatus ops_get_channel(void *user, const void *request, void *response);

/* --- plan.c, overrides.c ------------------------------------------------------------------------------------------ */

RpcStatus ops_get_plan(void *user, const void *request, void *response);
RpcStatus ops_get_horizon(void *user, const void *request, void *response);
extern const RpcFlowOps ops_extension;
RpcStatus ops_add_override(void *user, const void *request, void *response);
RpcStatus ops_list_overrides(void *user, const void *request, void *response);
RpcStatus ops_cancel_override(void *user, const void *request, void *response);

/* --- ops_store.c -------------------------------------------------------------------------------------------------- */

/* Of what is kept; 0: nothing is. */
bool ops_store_oldest(Store *store, int64_t *ret_sequence, GError **error);
/* Of what has ever been told; 0: nothing was. */
bool ops_store_newest(Store *store, int64_t *ret_sequence, GError **error);
/* Calls told (message is borrowed) for events in (*after, until], in order, while it returns true, and sets *after to
 * the sequence up to which it went: until when that was all of them. Untouched on failure. */
bool ops_store_each(Store *store, int64_t *after, int64_t until, bool (*told)(void *user, const EventMessage *message),
                    void *user, GError **error);
