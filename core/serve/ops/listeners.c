#include "core/serve/ops/ops_private.h"
#include "proto/base/log.h"
#include "proto/base/mailbox.h"

#define TICK_MS 100
#define CHANNELS_TICKS 5 /* between looks at channels */
#define STALLED_NS (INT64_C(30) * 1000000000)

static void listener_end(Listener *listener, RpcStatus status) {
        if (listener->flow)
                rpc_flow_finish(g_steal_pointer(&listener->flow), status);
}

bool listener_write(Listener *listener, const void *message) {
        if (!listener->full)
                listener->full_since_ns = rv_clock_mono_ns(listener->ops->options.clock);
        listener->full = true;
        return listener->flow && rpc_flow_write(listener->flow, message);
}

bool listener_wants(const Listener *listener, const char *channel_id) {
        return !listener->channels || g_hash_table_contains(listener->channels, channel_id);
}

static void tell(Listener *listener) {
        if (!listener->flow || listener->full)
                return;
        const RpcStatus status = listener->tell(listener);
        if (status.code != RPC_CODE_OK)
                listener_end(listener, status);
}

/* --- as time goes on ---------------------------------------------------------------------------------------------- */

/* INV-OPS-003: who reads nothing keeps what it has asked for, and costs two parts of it in memory, for so long. */
static void cut_if_stalled(Listener *listener) {
        const int64_t now_ns = rv_clock_mono_ns(listener->ops->options.clock);
        if (!listener->flow || !listener->full || now_ns - listener->full_since_ns < STALLED_NS)
                return;
        rv_warning("ops.cut", RV_S("reason", "does_not_read"));
        rpc_flow_cut(listener->flow);
        listener_end(listener, rpc_status(RPC_CODE_RESOURCE_EXHAUSTED, "nothing was read for half a minute"));
}

static void look_at_events(Ops *ops) {
        g_autoptr(GError) error = NULL;
        int64_t newest;
        if (ops_store_newest(ops->store, &newest, &error))
                ops->newest = newest;
        else
                rv_error("ops.unreadable", RV_S("error", error->message));
}

static gboolean tick(void *user) {
        Ops *ops = user;
        const int64_t before = ops->newest;
        const bool channels = ops->ticks++ % CHANNELS_TICKS == 0;
        look_at_events(ops);
        for (guint i = 0; i < ops->listeners->len; i++) {
                Listener *listener = g_ptr_array_index(ops->listeners, i);
                if (listener->told ? channels : ops->newest != before)
                        tell(listener);
                cut_if_stalled(listener);
        }
        return G_SOURCE_CONTINUE;
}

static void set_tick(Ops *ops) {
        if (ops->listeners->len > 0 && !ops->tick) {
                ops->tick = g_timeout_source_new(TICK_MS);
                g_source_set_callback(ops->tick, tick, ops, NULL);
                g_source_attach(ops->tick, ops->context);
        } else if (ops->listeners->len == 0 && ops->tick) {
                g_source_destroy(ops->tick);
                g_clear_pointer(&ops->tick, g_source_unref);
        }
}

void listeners_end(Ops *ops) {
        look_at_events(ops);
        for (guint i = 0; i < ops->listeners->len; i++) {
                Listener *listener = g_ptr_array_index(ops->listeners, i);
                tell(listener);
                listener_end(listener, ops_stopping());
        }
}

/* --- coming and going: asked on the server's thread, done on ours ------------------------------------------------- */

static void join(void *user) {
        Listener *listener = user;
        g_ptr_array_add(listener->ops->listeners, listener);
        set_tick(listener->ops);
        tell(listener);
}

static void go_on(void *user) {
        Listener *listener = user;
        if (!listener->flow || !rpc_flow_has_room(listener->flow))
                return;
        listener->full = false;
        tell(listener);
}

static void leave(void *user) {
        Listener *listener = user;
        g_ptr_array_remove_fast(listener->ops->listeners, listener);
        set_tick(listener->ops);
        listener_end(listener, RPC_OK);
        g_clear_pointer(&listener->channels, g_hash_table_unref);
        g_clear_pointer(&listener->told, g_hash_table_unref);
        g_free(listener);
}

static void *take(Ops *ops, RpcFlow *flow, char *const *channel_ids, size_t n) {
        Listener *listener = g_new0(Listener, 1);
        listener->ops = ops;
        listener->flow = flow;
        if (n > 0)
                listener->channels = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        for (size_t i = 0; i < n; i++)
                g_hash_table_add(listener->channels, g_strdup(channel_ids[i]));
        return listener;
}

static void *events_asked(void *user, RpcFlow *flow, const void *request) {
        const Retrovue__Operations__V1__SubscribeRequest *asked = request;
        Ops *ops = user;
        Listener *listener = take(ops, flow, asked->channel_ids, asked->n_channel_ids);
        listener->tell = events_tell;
        listener->after = asked->after;
        rv_mailbox_call(ops->context, join, listener);
        return listener;
}

static void *channels_asked(void *user, RpcFlow *flow, const void *request) {
        const Retrovue__Operations__V1__WatchChannelsRequest *asked = request;
        Ops *ops = user;
        Listener *listener = take(ops, flow, asked->channel_ids, asked->n_channel_ids);
        listener->tell = channels_tell;
        listener->told = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_bytes_unref);
        rv_mailbox_call(ops->context, join, listener);
        return listener;
}

static void listener_ended(void *user) {
        Listener *listener = user;
        rv_mailbox_call(listener->ops->context, leave, listener);
}

static void listener_room(void *user) {
        Listener *listener = user;
        rv_mailbox_call(listener->ops->context, go_on, listener);
}

const RpcFlowOps listener_events = {.asked = events_asked, .ended = listener_ended, .room = listener_room};
const RpcFlowOps listener_channels = {.asked = channels_asked, .ended = listener_ended, .room = listener_room};
