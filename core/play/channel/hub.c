#include "core/play/channel/channel_private.h"

#include "proto/base/log.h"

#define POLL_MS 100 /* while any channel is not off: linger, back-off and watchdog are this exact */
/* Later than this, the whole process or machine stood still: what engines sent meanwhile is yet to be read. */
#define PAUSE_NS INT64_C(1000000000)

ChannelHub *channel_hub_new_with(const ChannelHubOptions *options, const EngineOps *ops) {
        ChannelHub *hub = g_new0(ChannelHub, 1);
        hub->options = *options;
        hub->ops = ops;
        pthread_mutex_init(&hub->lock, NULL);
        hub->channels = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)channel_unref);
        hub->leaving = g_ptr_array_new_with_free_func((GDestroyNotify)channel_unref);
        return hub;
}

ChannelHub *channel_hub_new(const ChannelHubOptions *options) {
        return channel_hub_new_with(options, &engine_process_ops);
}

Channel *channel_hub_find(ChannelHub *hub, const char *channel_id) {
        pthread_mutex_lock(&hub->lock);
        Channel *channel = g_hash_table_lookup(hub->channels, channel_id);
        if (channel)
                channel_ref(channel);
        pthread_mutex_unlock(&hub->lock);
        return channel;
}

/* References to all channels, leaving ones included, taken so that they may be visited whatever happens meanwhile. */
static GPtrArray *all_channels(ChannelHub *hub) {
        GPtrArray *channels = g_ptr_array_new_with_free_func((GDestroyNotify)channel_unref);
        GHashTableIter iter;
        gpointer channel;
        pthread_mutex_lock(&hub->lock);
        g_hash_table_iter_init(&iter, hub->channels);
        while (g_hash_table_iter_next(&iter, NULL, &channel))
                g_ptr_array_add(channels, channel_ref(channel));
        pthread_mutex_unlock(&hub->lock);
        for (unsigned i = 0; i < hub->leaving->len; i++)
                g_ptr_array_add(channels, channel_ref(g_ptr_array_index(hub->leaving, i)));
        return channels;
}

/* --- the timer --------------------------------------------------------------------------------------------------- */

static gboolean tick(void *user) {
        channel_hub_poll(user);
        return G_SOURCE_CONTINUE;
}

static void set_timer(ChannelHub *hub, bool needed) {
        if (needed && !hub->timer) {
                hub->timer = g_timeout_source_new(POLL_MS);
                g_source_set_callback(hub->timer, tick, hub, NULL);
                g_source_attach(hub->timer, hub->options.context);
        } else if (!needed && hub->timer) {
                g_source_destroy(hub->timer);
                g_clear_pointer(&hub->timer, g_source_unref);
        }
}

static void note_pause(ChannelHub *hub) {
        int64_t now = rv_clock_mono_ns(hub->options.clock);
        if (now - hub->poll_mono_ns > PAUSE_NS)
                hub->woke_mono_ns = now;
        hub->poll_mono_ns = now;
}

void channel_hub_poll(ChannelHub *hub) {
        g_autoptr(GPtrArray) channels = all_channels(hub);
        bool busy = false;
        note_pause(hub);
        for (unsigned i = 0; i < channels->len; i++) {
                Channel *channel = g_ptr_array_index(channels, i);
                channel_evaluate(channel);
                busy |= channel->state != CHANNEL_OFF;
                if (channel->gone && channel->state == CHANNEL_OFF)
                        g_ptr_array_remove(hub->leaving, channel);
        }
        set_timer(hub, busy);
}

/* --- the set of channels ----------------------------------------------------------------------------------------- */

/* One that was leaving stays, or NULL. */
static Channel *recall_channel(ChannelHub *hub, const char *id) {
        for (unsigned i = 0; i < hub->leaving->len; i++) {
                Channel *channel = g_ptr_array_index(hub->leaving, i);
                if (!g_str_equal(channel->id, id))
                        continue;
                channel->gone = false;
                return g_ptr_array_steal_index(hub->leaving, i);
        }
        return NULL;
}

static void add_channel(ChannelHub *hub, const char *id) {
        g_autoptr(Channel) known = channel_hub_find(hub, id);
        if (known)
                return;
        Channel *channel = recall_channel(hub, id);
        if (!channel)
                channel = channel_new(hub, id);
        pthread_mutex_lock(&hub->lock);
        g_hash_table_insert(hub->channels, g_strdup(id), channel);
        pthread_mutex_unlock(&hub->lock);
}

/* Nobody finds it any more; its engine, if it has one, is asked to end. */
static void remove_channel(ChannelHub *hub, Channel *channel) {
        if (channel->gone)
                return;
        g_ptr_array_add(hub->leaving, channel_ref(channel));
        pthread_mutex_lock(&hub->lock);
        g_hash_table_remove(hub->channels, channel->id);
        pthread_mutex_unlock(&hub->lock);
        channel_shut(channel, "channel_removed");
}

void channel_hub_sync(ChannelHub *hub) {
        if (hub->ending)
                return;
        g_autoptr(GPtrArray) views = plan_board_views(hub->options.board);
        for (unsigned i = 0; i < views->len; i++)
                add_channel(hub, ((PlanView *)g_ptr_array_index(views, i))->spec->id);

        g_autoptr(GPtrArray) channels = all_channels(hub);
        for (unsigned i = 0; i < channels->len; i++) {
                Channel *channel = g_ptr_array_index(channels, i);
                g_autoptr(PlanView) view = plan_board_view(hub->options.board, channel->id);
                if (!view)
                        remove_channel(hub, channel);
                else if (channel->engine)
                        hub->ops->plan_changed(channel->engine);
        }
        channel_hub_poll(hub);
}

void channel_hub_free(ChannelHub *hub) {
        if (!hub)
                return;
        hub->ending = true; /* INV-CHANNEL-006: what viewers and plans say from now on starts nothing */
        g_autoptr(GPtrArray) channels = all_channels(hub);
        for (unsigned i = 0; i < channels->len; i++)
                channel_shut(g_ptr_array_index(channels, i), "shutdown");
        set_timer(hub, hub->running > 0);
        while (hub->running > 0) /* bounded: an engine that does not end is killed after 3 s (engine_poll) */
                g_main_context_iteration(hub->options.context, TRUE);
        while (g_main_context_iteration(hub->options.context,
                                        FALSE)) /* reports of viewers that are still in the mail */
                ;
        set_timer(hub, false);
        g_ptr_array_set_size(channels, 0);
        g_hash_table_unref(hub->channels);
        g_ptr_array_unref(hub->leaving);
        pthread_mutex_destroy(&hub->lock);
        g_free(hub);
}
