/* What is stored of channels that are not there any more. */
#include "core/plan/horizon/channel_plan.h"
#include "core/plan/schedule/schedule.h"

#define HOUR_MS INT64_C(3600000)
#define DAY_MS (24 * HOUR_MS)
#define DAYS_KEPT_MS (50 * HOUR_MS) /* after their end: yesterday and today are later in every zone */
/* For a channel that comes back: its last day with the state of its rotation, and plays that count for cooldowns. */
#define MEMORY_MS (31 * DAY_MS)

static GPtrArray *stored_channels(Store *store, GError **error) {
        g_autoptr(GPtrArray) ids = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(GError) failure = NULL;
        sqlite3_stmt *query = store_query(store, error,
                                          "SELECT channel_id FROM schedule_day UNION "
                                          "SELECT channel_id FROM transmission_block UNION "
                                          "SELECT channel_id FROM play",
                                          "");
        while (query && store_row(store, query, &failure))
                g_ptr_array_add(ids, g_strdup(store_text(query, 0)));
        if (failure)
                g_propagate_error(error, g_steal_pointer(&failure));
        else if (query)
                return g_steal_pointer(&ids);
        return NULL;
}

/* INV-SCHEDULE-RETENTION-001 */
static bool purge(Store *store, const char *channel_id, int64_t now_utc_ms, GError **error) {
        return store_run(store, error,
                         "DELETE FROM schedule_day WHERE channel_id = ?1 AND end_utc_ms <= ?2 AND (end_utc_ms <= ?3 OR "
                         "day < (SELECT max(day) FROM schedule_day WHERE channel_id = ?1))",
                         "sii", channel_id, now_utc_ms - DAYS_KEPT_MS, now_utc_ms - MEMORY_MS) &&
               transmission_log_purge(store, channel_id, now_utc_ms - BLOCKS_STORED_MS, error) &&
               traffic_plays_purge(store, channel_id, now_utc_ms - MEMORY_MS, error);
}

bool channel_plans_purge_gone(Store *store, GHashTable *plans, int64_t now_utc_ms, GError **error) {
        g_autoptr(GPtrArray) ids = stored_channels(store, error);
        if (!ids)
                return false;
        for (guint i = 0; i < ids->len; i++)
                if (!g_hash_table_contains(plans, ids->pdata[i]) && !purge(store, ids->pdata[i], now_utc_ms, error))
                        return false;
        return true;
}
