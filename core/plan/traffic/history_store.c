#include "core/plan/traffic/history.h"

#define ASK_EVERY_MS INT64_C(30000)
#define PRUNE_EVERY_MS INT64_C(3600000)
#define EVIDENCE_LATE_MS INT64_C(600000)        /* evidence of a play is waited for this long after its start */
#define KEEP_MS (8 * INT64_C(86400000))         /* longer than any cooldown */
#define FLIGHT_MAX_MS (400 * INT64_C(86400000)) /* plays of a longer flight are forgotten */

bool traffic_plays_put(Store *store, const char *channel_id, const TrafficPlanned *planned, GError **error) {
        return store_run(store, error,
                         "INSERT INTO play (segment_uuid, channel_id, asset_id, start_utc_ms, state) "
                         "VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                         "sssii", planned->segment_uuid, channel_id, planned->asset_id, planned->start_utc_ms,
                         (int64_t)TRAFFIC_PLAY_PLANNED);
}

bool traffic_plays_withdraw(Store *store, const char *channel_id, int64_t from_utc_ms, int64_t to_utc_ms,
                            GError **error) {
        return store_run(
                store, error,
                "DELETE FROM play WHERE channel_id = ? AND start_utc_ms >= ? AND start_utc_ms < ? AND state = ?",
                "siii", channel_id, from_utc_ms, to_utc_ms, (int64_t)TRAFFIC_PLAY_PLANNED);
}

/* The first instant that counts for the goal; INT64_MAX: none does now. */
static int64_t goal_begin(const ChannelSpec *spec, const SpotGroup *campaign, int64_t now_utc_ms) {
        int64_t first = campaign->flights ? INT64_MAX : now_utc_ms - FLIGHT_MAX_MS, unused = 0;
        if (!campaign->campaign || campaign->goal_plays == 0)
                return INT64_MAX;
        for (guint i = 0; campaign->flights && i < campaign->flights->len; i++) {
                const Flight *flight = &g_array_index(campaign->flights, Flight, i);
                int64_t start = 0, end = 0;
                schedule_day_bounds(spec, flight->first, &start, &unused);
                schedule_day_bounds(spec, flight->last, &unused, &end);
                if (start <= now_utc_ms && now_utc_ms < end)
                        first = MIN(first, start);
        }
        return MAX(first, now_utc_ms - FLIGHT_MAX_MS);
}

int64_t traffic_history_begin_utc_ms(const ChannelSpec *spec, int64_t now_utc_ms) {
        const GPtrArray *groups = channel_spec_policy(spec)->groups;
        int64_t begin = now_utc_ms - KEEP_MS;
        for (guint i = 0; groups && i < groups->len; i++)
                begin = MIN(begin, goal_begin(spec, groups->pdata[i], now_utc_ms));
        return begin;
}

/* Columns: asset_id, start_utc_ms, state, noted. */
static bool take_rows(TrafficHistory *history, Store *store, sqlite3_stmt *rows, GError **error) {
        g_autoptr(GError) failure = NULL;
        TrafficHistoryMark *mark = traffic_history_mark(history);
        while (rows && store_row(store, rows, &failure)) {
                traffic_history_note(history, store_text(rows, 0), store_int(rows, 1),
                                     (TrafficPlayState)store_int(rows, 2));
                mark->noted = MAX(mark->noted, store_int(rows, 3));
        }
        if (failure)
                g_propagate_error(error, g_steal_pointer(&failure));
        else if (rows)
                return true;
        return false;
}

static bool take_all(TrafficHistory *history, Store *store, const char *channel_id, int64_t from_utc_ms,
                     GError **error) {
        return take_rows(history, store,
                         store_query(store, error,
                                     "SELECT asset_id, start_utc_ms, state, noted FROM play "
                                     "WHERE channel_id = ? AND start_utc_ms >= ? ORDER BY start_utc_ms",
                                     "si", channel_id, from_utc_ms),
                         error);
}

static bool take_noted(TrafficHistory *history, Store *store, const char *channel_id, GError **error) {
        return take_rows(history, store,
                         store_query(store, error, /* INV-TRAFFIC-CHANNEL-SCOPED-001 */
                                     "SELECT asset_id, start_utc_ms, state, noted FROM play "
                                     "WHERE channel_id = ? AND noted > ? ORDER BY noted",
                                     "si", channel_id, traffic_history_mark(history)->noted),
                         error);
}

bool traffic_plays_purge(Store *store, const char *channel_id, int64_t before_utc_ms, GError **error) {
        return store_run(store, error, "DELETE FROM play WHERE channel_id = ? AND start_utc_ms < ?", "si", channel_id,
                         before_utc_ms);
}

static bool prune(TrafficHistory *history, Store *store, const char *channel_id, int64_t before_utc_ms,
                  GError **error) {
        traffic_history_forget_before(history, before_utc_ms);
        return traffic_plays_purge(store, channel_id, before_utc_ms, error);
}

/* INV-TRAFFIC-STATE-SOURCE-001 */
bool traffic_history_take_up(TrafficHistory *history, Store *store, const ChannelSpec *spec, int64_t now_utc_ms,
                             GError **error) {
        TrafficHistoryMark *mark = traffic_history_mark(history);
        const int64_t begin = traffic_history_begin_utc_ms(spec, now_utc_ms);
        if (mark->loaded && ABS(now_utc_ms - mark->asked_utc_ms) < ASK_EVERY_MS)
                return true;
        if (!(mark->loaded ? take_noted(history, store, spec->id, error)
                           : take_all(history, store, spec->id, begin, error)))
                return false;
        mark->loaded = true;
        mark->asked_utc_ms = now_utc_ms;
        mark->settled_utc_ms = now_utc_ms - EVIDENCE_LATE_MS;
        if (ABS(now_utc_ms - mark->pruned_utc_ms) < PRUNE_EVERY_MS)
                return true;
        mark->pruned_utc_ms = now_utc_ms;
        return prune(history, store, spec->id, begin, error);
}
