/* How channels are: asked once, or watched. */
#include "core/serve/ops/ops_private.h"

static char *valid(const char *text) {
        return g_utf8_make_valid(text ? text : "", -1);
}

void ops_fill_horizon(Ops *ops, HorizonMessage *message, const PlanView *view) {
        const PlanHealth health = plan_view_health(view, rv_clock_utc_ms(ops->options.clock));
        message->channel_id = g_strdup(view->spec->id);
        message->guide_end_utc_ms = view->epg_end_utc_ms;
        message->execution_end_utc_ms = view->execution_end_utc_ms;
        message->guide_depth_ms = health.epg_depth_ms;
        message->execution_depth_ms = health.execution_depth_ms;
        message->guide_short_ms = health.epg_short_ms;
        message->execution_short_ms = health.execution_short_ms;
        message->generation = view->generation;
        message->fault = valid(view->fault);
}

static HorizonMessage *horizon_message(Ops *ops, const PlanView *view) {
        HorizonMessage *message = g_new0(HorizonMessage, 1);
        retrovue__operations__v1__horizon__init(message);
        ops_fill_horizon(ops, message, view);
        return message;
}

static void fill_state(ChannelMessage *message, const ChannelStatus *status) {
        message->state = (Retrovue__Operations__V1__ChannelState)(status->state + 1);
        message->viewers = (int32_t)MIN(status->viewers, INT32_MAX);
        message->session_id = valid(status->session_id);
        message->starts = status->starts;
        message->crashes = status->crashes;
        message->live_since_utc_ms = status->live_since_utc_ms;
        message->fault = valid(status->fault);
}

/* With the lock held. */
static void fill_channel(Ops *ops, ChannelMessage *message, const PlanView *view) {
        g_autoptr(Channel) channel = channel_hub_find(ops->options.hub, view->spec->id);
        const ChannelStatus status = channel ? channel_status(channel) : (ChannelStatus){0};
        Programme *programme = NULL;
        message->channel_id = g_strdup(view->spec->id);
        message->number = view->spec->number;
        message->name = valid(view->spec->name);
        fill_state(message, &status);
        if (plan_view_programme_at(view, rv_clock_utc_ms(ops->options.clock), &programme) == PLAN_OK) {
                message->programme = valid(programme->title);
                message->programme_end_utc_ms = programme->end_utc_ms;
                programme_unref(programme);
        }
        message->horizon = horizon_message(ops, view);
}

static ChannelMessage *channel_message(void) {
        ChannelMessage *message = g_new0(ChannelMessage, 1);
        retrovue__operations__v1__channel__init(message);
        return message;
}

/* --- asked once --------------------------------------------------------------------------------------------------- */

RpcStatus ops_list_channels(void *user, const void *request, void *response) {
        Ops *ops = user;
        Retrovue__Operations__V1__ListChannelsResponse *answer = response;
        if (!ops_hold(ops))
                return ops_stopping();
        g_autoptr(GPtrArray) views = plan_board_views(ops->options.board);
        answer->channels = g_new0(ChannelMessage *, views->len);
        for (; answer->n_channels < views->len; answer->n_channels++) {
                answer->channels[answer->n_channels] = channel_message();
                fill_channel(ops, answer->channels[answer->n_channels], views->pdata[answer->n_channels]);
        }
        ops_release(ops);
        return RPC_OK;
}

RpcStatus ops_get_channel(void *user, const void *request, void *response) {
        Ops *ops = user;
        const Retrovue__Operations__V1__GetChannelRequest *asked = request;
        RpcStatus status = RPC_OK;
        if (!ops_hold(ops))
                return ops_stopping();
        g_autoptr(PlanView) view = ops_view(ops, asked->channel_id, &status);
        if (view)
                fill_channel(ops, response, view);
        ops_release(ops);
        return status;
}

/* --- watched ------------------------------------------------------------------------------------------------------ */

/* What makes it news: everything but what time alone changes. */
static GBytes *signature(ChannelMessage *message) {
        HorizonMessage *horizon = message->horizon;
        const int64_t guide_ms = horizon->guide_depth_ms, execution_ms = horizon->execution_depth_ms;
        const int64_t guide_short_ms = horizon->guide_short_ms, execution_short_ms = horizon->execution_short_ms;
        horizon->guide_depth_ms = horizon->execution_depth_ms = 0;
        horizon->guide_short_ms = horizon->execution_short_ms = 0;
        const size_t size = retrovue__operations__v1__channel__get_packed_size(message);
        uint8_t *data = g_malloc(size);
        retrovue__operations__v1__channel__pack(message, data);
        horizon->guide_depth_ms = guide_ms;
        horizon->execution_depth_ms = execution_ms;
        horizon->guide_short_ms = guide_short_ms;
        horizon->execution_short_ms = execution_short_ms;
        return g_bytes_new_take(data, size);
}

/* True: it was told. */
static bool tell_channel(Listener *listener, const PlanView *view) {
        ChannelMessage *message = channel_message();
        fill_channel(listener->ops, message, view);
        GBytes *news = signature(message);
        const GBytes *before = g_hash_table_lookup(listener->told, view->spec->id);
        const bool changed = !before || !g_bytes_equal(before, news);
        if (changed) {
                g_hash_table_replace(listener->told, g_strdup(view->spec->id), g_steal_pointer(&news));
                (void)listener_write(listener, message);
        }
        g_clear_pointer(&news, g_bytes_unref);
        rpc_message_free(message);
        return changed;
}

static unsigned tell_gone(Listener *listener) {
        GHashTableIter iter;
        gpointer id;
        unsigned n = 0;
        g_hash_table_iter_init(&iter, listener->told);
        while (n < LISTENER_PART && g_hash_table_iter_next(&iter, &id, NULL)) {
                g_autoptr(PlanView) view = plan_board_view(listener->ops->options.board, id);
                if (view)
                        continue;
                ChannelMessage gone = RETROVUE__OPERATIONS__V1__CHANNEL__INIT;
                gone.channel_id = id;
                gone.gone = true;
                (void)listener_write(listener, &gone);
                g_hash_table_iter_remove(&iter);
                n++;
        }
        return n;
}

/* Whoever is asked for by name is there. */
static RpcStatus check_names(const Listener *listener) {
        GHashTableIter iter;
        gpointer id;
        if (!listener->channels || g_hash_table_size(listener->told) > 0)
                return RPC_OK;
        g_hash_table_iter_init(&iter, listener->channels);
        while (g_hash_table_iter_next(&iter, &id, NULL)) {
                g_autoptr(PlanView) view = plan_board_view(listener->ops->options.board, id);
                if (!view)
                        return ops_no_channel(id);
        }
        return RPC_OK;
}

RpcStatus channels_tell(Listener *listener) {
        Ops *ops = listener->ops;
        if (!ops_hold(ops))
                return ops_stopping();
        RpcStatus status = listener->begun ? RPC_OK : check_names(listener);
        listener->begun = true;
        unsigned n = status.code == RPC_CODE_OK ? tell_gone(listener) : LISTENER_PART;
        g_autoptr(GPtrArray) views = plan_board_views(ops->options.board);
        for (guint i = 0; i < views->len && n < LISTENER_PART; i++) {
                const PlanView *view = views->pdata[i];
                if (listener_wants(listener, view->spec->id) && tell_channel(listener, view))
                        n++;
        }
        ops_release(ops);
        return status;
}
