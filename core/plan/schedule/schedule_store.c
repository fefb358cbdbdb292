#include <string.h>

#include "core/plan/schedule/rules.h"
#include "proto/base/error.h"

static char *dump(const json_t *json) {
        char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
        char *copy = g_strdup(text);
        free(text);
        return copy;
}

bool schedule_store_put(Store *store, const ScheduleDay *day, GError **error) {
        g_autofree char *text = schedule_day_text(day), *before = dump(day->state_before),
                        *after = dump(day->state_after);
        /* INV-SCHEDULEDAY-ONE-PER-DATE-001 */
        return store_run(
                store, error,
                "INSERT OR REPLACE INTO schedule_day (channel_id, day, start_utc_ms, end_utc_ms, sha256, document, "
                "state_before, state_after) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                "ssiissss", day->channel_id, day->day, day->start_utc_ms, day->end_utc_ms, day->sha256, text, before,
                after);
}

static json_t *parse(const char *text) {
        return text ? json_loads(text, 0, NULL) : NULL;
}

/* Columns: document, state_before, state_after. */
static ScheduleDay *read_day(sqlite3_stmt *row, GError **error) {
        json_t *document = parse(store_text(row, 0)), *before = parse(store_text(row, 1)),
               *after = parse(store_text(row, 2));
        ScheduleDay *day = schedule_day_from_json(document, before, after, error);
        json_decref(document);
        json_decref(before);
        json_decref(after);
        return day;
}

static GPtrArray *read_days(Store *store, sqlite3_stmt *query, GError **error) {
        g_autoptr(GPtrArray) days = g_ptr_array_new_with_free_func((GDestroyNotify)schedule_day_free);
        g_autoptr(GError) failure = NULL;
        while (store_row(store, query, &failure)) {
                ScheduleDay *day = read_day(query, error);
                if (!day) {
                        store_reset(query);
                        return NULL;
                }
                g_ptr_array_add(days, day);
        }
        if (failure) {
                g_propagate_error(error, g_steal_pointer(&failure));
                return NULL;
        }
        return g_steal_pointer(&days);
}

GPtrArray *schedule_store_days(Store *store, const char *channel_id, const char *from_day, GError **error) {
        sqlite3_stmt *query = store_query(store, error,
                                          "SELECT document, state_before, state_after FROM schedule_day "
                                          "WHERE channel_id = ? AND day >= ? ORDER BY day",
                                          "ss", channel_id, from_day);
        return query ? read_days(store, query, error) : NULL;
}

bool schedule_store_last(Store *store, const char *channel_id, ScheduleDay **ret_day, GError **error) {
        sqlite3_stmt *query = store_query(store, error,
                                          "SELECT document, state_before, state_after FROM schedule_day "
                                          "WHERE channel_id = ? ORDER BY day DESC LIMIT 1",
                                          "s", channel_id);
        g_autoptr(GPtrArray) days = query ? read_days(store, query, error) : NULL;
        if (!days)
                return false;
        *ret_day = days->len > 0 ? g_ptr_array_steal_index(days, 0) : NULL;
        return true;
}

bool schedule_store_purge(Store *store, const char *channel_id, const char *before_day, GError **error) {
        return store_run(store, error, "DELETE FROM schedule_day WHERE channel_id = ? AND day < ?", "ss", channel_id,
                         before_day);
}

bool schedule_store_truncate(Store *store, const char *channel_id, const char *after_day, GError **error) {
        return store_run(store, error, "DELETE FROM schedule_day WHERE channel_id = ? AND day > ?", "ss", channel_id,
                         after_day);
}

/* Writes only what is new: every look at the channel files comes by here. */
bool schedule_store_keep_clock(Store *store, const ChannelSpec *spec, GError **error) {
        return store_run(store, error,
                         "INSERT INTO channel_clock (channel_id, timezone, day_start_minutes) VALUES (?1, ?2, ?3) "
                         "ON CONFLICT (channel_id) DO UPDATE SET timezone = ?2, day_start_minutes = ?3 "
                         "WHERE timezone <> ?2 OR day_start_minutes <> ?3",
                         "ssi", spec->id, spec->timezone, (int64_t)spec->day_start_minutes);
}

bool schedule_store_clock(Store *store, const char *channel_id, GTimeZone **ret_zone, int32_t *ret_day_start_minutes) {
        sqlite3_stmt *row =
                store_query(store, NULL, "SELECT timezone, day_start_minutes FROM channel_clock WHERE channel_id = ?",
                            "s", channel_id);
        if (!row || !store_row(store, row, NULL))
                return false;
        *ret_zone = g_time_zone_new_identifier(store_text(row, 0));
        *ret_day_start_minutes = (int32_t)store_int(row, 1);
        store_reset(row);
        return *ret_zone != NULL;
}
