#include "core/plan/traffic/traffic.h"

struct TrafficHistory {
        GHashTable *plays; /* asset id -> GArray of int64_t starts, rising */
};

TrafficHistory *traffic_history_new(void) {
        TrafficHistory *history = g_new0(TrafficHistory, 1);
        history->plays = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_array_unref);
        return history;
}

void traffic_history_free(TrafficHistory *history) {
        if (!history)
                return;
        g_hash_table_unref(history->plays);
        g_free(history);
}

void traffic_history_add(TrafficHistory *history, const char *asset_id, int64_t start_utc_ms) {
        GArray *starts = g_hash_table_lookup(history->plays, asset_id);
        if (!starts) {
                starts = g_array_new(false, false, sizeof(int64_t));
                g_hash_table_insert(history->plays, g_strdup(asset_id), starts);
        }
        g_array_append_val(starts, start_utc_ms);
}

/* Where a play at the instant would stand: the number of those before it. */
static guint plays_before(const GArray *starts, int64_t utc_ms) {
        guint n = starts->len;
        while (n > 0 && g_array_index(starts, int64_t, n - 1) >= utc_ms)
                n--;
        return n;
}

void traffic_history_forget_from(TrafficHistory *history, int64_t utc_ms) {
        GHashTableIter iter;
        gpointer starts;
        g_hash_table_iter_init(&iter, history->plays);
        while (g_hash_table_iter_next(&iter, NULL, &starts)) {
                g_array_set_size(starts, plays_before(starts, utc_ms));
                if (((GArray *)starts)->len == 0)
                        g_hash_table_iter_remove(&iter);
        }
}

void traffic_history_forget_before(TrafficHistory *history, int64_t utc_ms) {
        GHashTableIter iter;
        gpointer starts;
        g_hash_table_iter_init(&iter, history->plays);
        while (g_hash_table_iter_next(&iter, NULL, &starts)) {
                g_array_remove_range(starts, 0, plays_before(starts, utc_ms));
                if (((GArray *)starts)->len == 0)
                        g_hash_table_iter_remove(&iter);
        }
}

int64_t traffic_history_last(const TrafficHistory *history, const char *asset_id) {
        const GArray *starts = g_hash_table_lookup(history->plays, asset_id);
        return starts ? g_array_index(starts, int64_t, starts->len - 1) : INT64_MIN;
}

uint32_t traffic_history_count(const TrafficHistory *history, const char *asset_id, int64_t since_utc_ms) {
        const GArray *starts = g_hash_table_lookup(history->plays, asset_id);
        return starts ? starts->len - plays_before(starts, since_utc_ms) : 0;
}
