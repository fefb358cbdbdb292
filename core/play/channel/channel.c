#include "core/play/channel/channel_private.h"

#include <string.h>

#include "proto/base/log.h"

#define MS INT64_C(1000000) /* in ns */
#define START_TIMEOUT_MS 15000
/* An engine that has been on the air for so long did not die of being started: the next one may start at once. */
#define HEALTHY_MS 3000
#define BACKOFF_FIRST_MS 1000
#define BACKOFF_MAX_MS 16000
/* A wall clock that was set by so much leaves a session beside the plan: it is begun anew. */
#define CLOCK_STEP_MS 1000

static int64_t now_mono_ns(const Channel *channel) {
        return rv_clock_mono_ns(channel->hub->options.clock);
}

static int64_t wall_ahead_ms(const Channel *channel) {
        return rv_clock_utc_ms(channel->hub->options.clock) - now_mono_ns(channel) / MS;
}

const char *channel_state_name(ChannelState state) {
        static const char *const names[] = {
                [CHANNEL_OFF] = "off",       [CHANNEL_STARTING] = "starting", [CHANNEL_LIVE] = "live",
                [CHANNEL_LINGER] = "linger", [CHANNEL_STOPPING] = "stopping", [CHANNEL_BACKOFF] = "backoff",
        };
        return names[state];
}

static void publish(Channel *channel) {
        const EngineOps *ops = channel->hub->ops;
        bool on_air = channel->state == CHANNEL_LIVE || channel->state == CHANNEL_LINGER;
        pthread_mutex_lock(&channel->lock);
        ChannelStatus *status = &channel->status;
        status->state = channel->state;
        status->pid = channel->engine ? ops->pid(channel->engine) : 0;
        g_strlcpy(status->session_id, channel->engine ? ops->session_id(channel->engine) : "",
                  sizeof status->session_id);
        if (!on_air)
                status->live_since_utc_ms = 0;
        else if (status->live_since_utc_ms == 0)
                status->live_since_utc_ms = rv_clock_utc_ms(channel->hub->options.clock);
        pthread_mutex_unlock(&channel->lock);
}

static void enter(Channel *channel, ChannelState state) {
        if (channel->state == state)
                return;
        rv_info("channel.state", RV_S("channel", channel->id), RV_S("from", channel_state_name(channel->state)),
                RV_S("to", channel_state_name(state)));
        channel->state = state;
        channel->since_mono_ns = now_mono_ns(channel);
        publish(channel);
}

static void set_fault(Channel *channel, const char *fault) {
        pthread_mutex_lock(&channel->lock);
        g_strlcpy(channel->status.fault, fault ? fault : "", sizeof channel->status.fault);
        channel->status.no_room = false;
        pthread_mutex_unlock(&channel->lock);
}

static void set_second_lost(Channel *channel, bool lost) {
        channel->second_lost = lost;
        pthread_mutex_lock(&channel->lock);
        channel->status.second_lost = lost;
        pthread_mutex_unlock(&channel->lock);
}

/* --- engines come and go ----------------------------------------------------------------------------------------- */

/* INV-CHANNEL-LIVENESS-RECOVERY-001: 1, 2, 4, 8, 16, 16 ... seconds; at once after an engine that was on the air. */
static void back_off(Channel *channel, const char *why) {
        unsigned doublings = MIN(channel->failures, 8);
        int64_t wait_ms = channel->failures == 0 ? 0 : MIN(BACKOFF_FIRST_MS << (doublings - 1), BACKOFF_MAX_MS);
        channel->deadline_mono_ns = now_mono_ns(channel) + wait_ms * MS;
        set_fault(channel, why);
        rv_warning("channel.retry", RV_S("channel", channel->id), RV_S("why", why), RV_I("in_ms", wait_ms));
        enter(channel, CHANNEL_BACKOFF);
}

static void on_live(void *user) {
        Channel *channel = user;
        if (channel->state != CHANNEL_STARTING)
                return;
        channel->live_mono_ns = now_mono_ns(channel);
        set_fault(channel, NULL);
        enter(channel, CHANNEL_LIVE);
        channel_evaluate(channel);
}

static void count_failure(Channel *channel, EngineEnd end) {
        bool healthy = channel->live_mono_ns && now_mono_ns(channel) - channel->live_mono_ns >= HEALTHY_MS * MS;
        channel->failures = healthy ? 0 : channel->failures + 1;
        pthread_mutex_lock(&channel->lock);
        channel->status.crashes += end == ENGINE_DIED; /* INV-HORIZON-FAULTS-001: the plan's faults are counted there */
        pthread_mutex_unlock(&channel->lock);
}

static void on_gone(void *user, EngineEnd end, const char *detail) {
        Channel *channel = user;
        ChannelHub *hub = channel->hub;
        g_autofree char *why = g_strdup(detail);
        g_autofree char *session_id = g_strdup(hub->ops->session_id(channel->engine));
        g_clear_pointer(&channel->engine, hub->ops->free);
        hub->running--;
        if (end != ENGINE_ENDED && hub->options.on_engine_died)
                hub->options.on_engine_died(hub->options.user, channel->id, session_id, why);
        if (end == ENGINE_DIED || end == ENGINE_UNPLANNED) {
                count_failure(channel, end);
                back_off(channel, why);
        } else {
                channel->failures = 0;
                if (!channel->replacing) /* else viewers keep what they have, as after a crash */
                        hub->options.streams.rest(channel->streams);
                enter(channel, CHANNEL_OFF);
        }
        channel_evaluate(channel);
        channel_unref(channel); /* the engine's */
}

static bool read_house(Channel *channel, EngineOptions *options) {
        g_autoptr(PlanView) view = plan_board_view(channel->hub->options.board, channel->id);
        if (!view)
                return false;
        options->rate = view->spec->format.rate;
        options->has_second = house_format_has_second(&view->spec->format);
        return true;
}

static void start(Channel *channel) {
        ChannelHub *hub = channel->hub;
        g_autoptr(GError) error = NULL;
        EngineOptions options = {
                .hub = &hub->options,
                .channel_id = channel->id,
                .streams = channel->streams,
                .on_live = on_live,
                .on_gone = on_gone,
                .user = channel,
        };
        channel->replacing = false;
        channel->live_mono_ns = 0;
        channel->wall_ahead_ms = wall_ahead_ms(channel);
        set_second_lost(channel, false);
        if (!read_house(channel, &options)) {
                channel->failures++;
                back_off(channel, "nothing is planned for this channel");
                return;
        }
        if (hub->running >= (unsigned)hub->options.max_running) { /* INV-CHANNEL-005 */
                channel->failures++;
                back_off(channel, "as many channels as max_channels_running allows are on the air");
                pthread_mutex_lock(&channel->lock);
                channel->status.no_room = true;
                pthread_mutex_unlock(&channel->lock);
                return;
        }
        channel->engine = hub->ops->start(&options, &error);
        if (!channel->engine) {
                channel->failures++;
                rv_error("channel.start_failed", RV_S("channel", channel->id), RV_S("error", error->message));
                back_off(channel, error->message);
                return;
        }
        channel_ref(channel); /* the engine's, until on_gone */
        channel->start_mono_ns = now_mono_ns(channel);
        channel->no_bytes_mono_ns = hub->ops->last_bytes_mono_ns(channel->engine);
        hub->running++;
        pthread_mutex_lock(&channel->lock);
        channel->status.starts++;
        pthread_mutex_unlock(&channel->lock);
        enter(channel, CHANNEL_STARTING);
}

static void stop(Channel *channel, const char *reason) {
        enter(channel, CHANNEL_STOPPING);
        channel->hub->ops->stop(channel->engine, reason);
}

/* INV-CHANNEL-004: a stream that does not flow is worse than none. The first bytes may take as long as a machine under
 * load needs to bring them forth; time in which nobody could have seen them come does not count. */
static const char *stream_fault(const Channel *channel) {
        const ChannelHub *hub = channel->hub;
        int64_t last = hub->ops->last_bytes_mono_ns(channel->engine), now = now_mono_ns(channel);
        bool came_up = channel->live_mono_ns > 0 && last != channel->no_bytes_mono_ns;
        if (!came_up && now - MAX(channel->start_mono_ns, hub->woke_mono_ns) > START_TIMEOUT_MS * MS)
                return "the engine did not come up in time";
        if (came_up && now - MAX(last, hub->woke_mono_ns) > hub->options.stall_ms * MS)
                return "the engine sent nothing for too long";
        return NULL;
}

/* INV-CHANNEL-008: told once a session. */
static void watch_second(Channel *channel) {
        const ChannelHub *hub = channel->hub;
        const int64_t last = hub->ops->second_last_bytes_mono_ns(channel->engine), now = now_mono_ns(channel);
        const int64_t since = MAX(MAX(last, channel->live_mono_ns), hub->woke_mono_ns);
        if (last == ENGINE_NO_SECOND || channel->live_mono_ns == 0 || channel->second_lost ||
            now - since <= hub->options.stall_ms * MS)
                return;
        set_second_lost(channel, true);
        rv_warning("channel.rendition_lost", RV_S("channel", channel->id),
                   RV_S("session", hub->ops->session_id(channel->engine)));
}

static void watch_stream(Channel *channel) {
        int64_t step_ms = wall_ahead_ms(channel) - channel->wall_ahead_ms;
        const char *fault = stream_fault(channel);
        if (fault) {
                channel->hub->ops->kill(channel->engine, fault);
        } else if (channel->state != CHANNEL_STARTING && ABS(step_ms) >= CLOCK_STEP_MS &&
                   !channel->hub->options.led) { /* INV-CHANNEL-007 */
                rv_warning("channel.clock_set", RV_S("channel", channel->id), RV_I("by_ms", step_ms));
                channel->replacing = true;
                stop(channel, "clock_set");
        } else {
                watch_second(channel);
        }
}

/* --- what is due ------------------------------------------------------------------------------------------------- */

static bool is_wanted(const Channel *channel, unsigned viewers) {
        return viewers > 0 && !channel->gone && !channel->hub->ending;
}

/* INV-VIEWER-LIFECYCLE-002: once, after the linger. */
static void evaluate_running(Channel *channel, unsigned viewers) {
        bool wanted = is_wanted(channel, viewers);
        if (channel->state == CHANNEL_LINGER && wanted) {
                enter(channel, CHANNEL_LIVE);
        } else if (channel->state == CHANNEL_LIVE && !wanted) {
                channel->deadline_mono_ns =
                        now_mono_ns(channel) + (channel->gone ? 0 : channel->hub->options.linger_ms * MS);
                enter(channel, CHANNEL_LINGER);
        }
        if (channel->state == CHANNEL_LINGER && now_mono_ns(channel) >= channel->deadline_mono_ns)
                stop(channel, channel->gone ? "channel_removed" : "last_viewer_left");
        else
                watch_stream(channel);
}

static void evaluate_idle(Channel *channel, unsigned viewers) {
        bool wanted = is_wanted(channel, viewers);
        if (!wanted && channel->state == CHANNEL_BACKOFF) {
                channel->failures = 0;
                set_fault(channel, NULL);
                channel->hub->options.streams.rest(channel->streams);
                enter(channel, CHANNEL_OFF);
        } else if (wanted && (channel->state == CHANNEL_OFF || now_mono_ns(channel) >= channel->deadline_mono_ns)) {
                start(channel); /* INV-VIEWER-LIFECYCLE-001: state is not idle any more when the next viewer asks */
        }
}

void channel_evaluate(Channel *channel) {
        unsigned viewers = channel_count_viewers(channel);
        if (channel->engine)
                channel->hub->ops->poll(channel->engine);
        switch (channel->state) {
        case CHANNEL_OFF:
        case CHANNEL_BACKOFF:
                evaluate_idle(channel, viewers);
                break;
        case CHANNEL_STARTING:
        case CHANNEL_LIVE:
        case CHANNEL_LINGER:
                evaluate_running(channel, viewers);
                break;
        case CHANNEL_STOPPING:
                break;
        }
}

void channel_shut(Channel *channel, const char *reason) {
        channel->gone = true;
        if (channel->engine && channel->state != CHANNEL_STOPPING)
                stop(channel, reason);
        else
                channel_evaluate(channel);
}

/* --- the object -------------------------------------------------------------------------------------------------- */

Channel *channel_new(ChannelHub *hub, const char *id) {
        Channel *channel = g_new0(Channel, 1);
        g_atomic_ref_count_init(&channel->refs);
        channel->hub = hub;
        channel->id = g_strdup(id);
        channel->seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        pthread_mutex_init(&channel->lock, NULL);
        channel->streams = hub->options.streams.new(hub->options.streams.user, id);
        return channel;
}

Channel *channel_ref(Channel *channel) {
        g_atomic_ref_count_inc(&channel->refs);
        return channel;
}

void channel_unref(Channel *channel) {
        if (!channel || !g_atomic_ref_count_dec(&channel->refs))
                return;
        channel->hub->options.streams.free(channel->streams);
        g_hash_table_unref(channel->seen);
        pthread_mutex_destroy(&channel->lock);
        g_free(channel->id);
        g_free(channel);
}

void *channel_streams(Channel *channel) {
        return channel->streams;
}

ChannelStatus channel_status(Channel *channel) {
        unsigned viewers = channel_count_viewers(channel);
        pthread_mutex_lock(&channel->lock);
        ChannelStatus status = channel->status;
        pthread_mutex_unlock(&channel->lock);
        status.viewers = viewers;
        return status;
}
