/* Who watches. HTTP workers report, the control loop counts; a report that changes the count wakes it. */
#include "core/play/channel/channel_private.h"

#include "proto/base/mailbox.h"

/* Keys are of strangers' making: so many are told apart, more count as one. */
#define MAX_SEEN 20000

struct ChannelViewer {
        Channel *channel;
};

static void evaluate(void *user) {
        g_autoptr(Channel) channel = user;
        channel_hub_poll(channel->hub);
}

static void wake_control_loop(Channel *channel) {
        rv_mailbox_call(channel->hub->options.context, evaluate, channel_ref(channel));
}

ChannelViewer *channel_join(Channel *channel) {
        ChannelViewer *viewer = g_new0(ChannelViewer, 1);
        viewer->channel = channel_ref(channel);
        pthread_mutex_lock(&channel->lock);
        channel->connected++;
        pthread_mutex_unlock(&channel->lock);
        wake_control_loop(channel);
        return viewer;
}

void channel_leave(ChannelViewer *viewer) {
        Channel *channel = viewer->channel;
        pthread_mutex_lock(&channel->lock);
        channel->connected--;
        pthread_mutex_unlock(&channel->lock);
        wake_control_loop(channel);
        channel_unref(channel);
        g_free(viewer);
}

void channel_seen(Channel *channel, const char *viewer_key) {
        int64_t now = rv_clock_mono_ns(channel->hub->options.clock);
        pthread_mutex_lock(&channel->lock);
        int64_t *last = g_hash_table_lookup(channel->seen, viewer_key);
        bool is_new = !last && g_hash_table_size(channel->seen) < MAX_SEEN;
        if (is_new) {
                last = g_new(int64_t, 1);
                g_hash_table_insert(channel->seen, g_strdup(viewer_key), last);
        }
        if (last)
                *last = now;
        pthread_mutex_unlock(&channel->lock);
        if (is_new)
                wake_control_loop(channel);
}

/* INV-CHANNEL-003 */
static gboolean has_left(gpointer key, gpointer value, gpointer user) {
        return *(const int64_t *)value < *(const int64_t *)user;
}

unsigned channel_count_viewers(Channel *channel) {
        const ChannelHubOptions *options = &channel->hub->options;
        int64_t since = rv_clock_mono_ns(options->clock) - options->viewer_timeout_ms * 1000000;
        pthread_mutex_lock(&channel->lock);
        g_hash_table_foreach_remove(channel->seen, has_left, &since);
        unsigned n = channel->connected + g_hash_table_size(channel->seen);
        pthread_mutex_unlock(&channel->lock);
        return n;
}
