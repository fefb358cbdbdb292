/* What happened to blocks: read from the store, from a sequence on, for each who listens. */
#include "core/serve/ops/ops_private.h"
#include "proto/base/log.h"

typedef struct {
        Listener *listener;
        unsigned n;
} Telling;

static bool tell_event(void *user, const EventMessage *message) {
        Telling *telling = user;
        if (!listener_wants(telling->listener, message->channel_id))
                return true;
        return listener_write(telling->listener, message) && ++telling->n < LISTENER_PART;
}

static RpcStatus unreadable(GError *take_error) {
        g_autoptr(GError) error = take_error;
        rv_error("ops.unreadable", RV_S("error", error->message));
        return rpc_status(RPC_CODE_UNAVAILABLE, "the record cannot be read: %s", error->message);
}

/* INV-OPS-002: a place that cannot be gone on from is an error that says where one can. */
static RpcStatus check_place(int64_t after, int64_t oldest, int64_t newest) {
        if (after > newest)
                return rpc_status(RPC_CODE_OUT_OF_RANGE,
                                  "this store has not come to sequence %" G_GINT64_FORMAT
                                  "; its newest is %" G_GINT64_FORMAT,
                                  after, newest);
        if (after > 0 && after < (oldest > 0 ? oldest : newest + 1) - 1)
                return rpc_status(RPC_CODE_OUT_OF_RANGE,
                                  "what followed sequence %" G_GINT64_FORMAT
                                  " is not kept any more; the oldest kept is %" G_GINT64_FORMAT,
                                  after, oldest);
        return RPC_OK;
}

static RpcStatus begin(Listener *listener) {
        Ops *ops = listener->ops;
        GError *error = NULL;
        int64_t oldest, newest;
        if (!ops_store_oldest(ops->store, &oldest, &error) || !ops_store_newest(ops->store, &newest, &error))
                return unreadable(error);
        const RpcStatus status = check_place(listener->after, oldest, newest);
        if (status.code != RPC_CODE_OK)
                return status;
        if (listener->after < 0)
                listener->after = newest;
        ops->newest = MAX(ops->newest, newest);
        EventMessage subscribed = RETROVUE__OPERATIONS__V1__EVENT__INIT;
        subscribed.kind = EVENT(SUBSCRIBED);
        subscribed.oldest_sequence = oldest;
        subscribed.newest_sequence = newest;
        subscribed.store_id = ops->store_id;
        listener->begun = true;
        (void)listener_write(listener, &subscribed);
        return RPC_OK;
}

/* INV-OPS-001 */
RpcStatus events_tell(Listener *listener) {
        GError *error = NULL;
        Telling telling = {listener, 0};
        if (!listener->begun) {
                const RpcStatus status = begin(listener);
                if (status.code != RPC_CODE_OK)
                        return status;
        }
        if (listener->after >= listener->ops->newest)
                return RPC_OK;
        if (!ops_store_each(listener->ops->store, &listener->after, listener->ops->newest, tell_event, &telling,
                            &error))
                return unreadable(error);
        return RPC_OK;
}
