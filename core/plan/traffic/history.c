#include "core/plan/traffic/history.h"

/* Plays are kept in order of time; nearly all are added at the end. */

struct TrafficHistory {
        GHashTable *plays; /* asset id -> TrafficPlays */
        uint64_t version;  /* rises with every change */
        TrafficHistoryMark mark;
        gpointer lineup; /* see traffic_history_lineup */
        GDestroyNotify lineup_free;
};

static void plays_free(TrafficPlays *plays) {
        g_array_unref(plays->starts);
        g_array_unref(plays->aired);
        g_free(plays);
}

TrafficHistory *traffic_history_new(void) {
        TrafficHistory *history = g_new0(TrafficHistory, 1);
        history->plays = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)plays_free);
        return history;
}

void traffic_history_free(TrafficHistory *history) {
        if (!history)
                return;
        traffic_history_set_lineup(history, NULL, NULL);
        g_hash_table_unref(history->plays);
        g_free(history);
}

TrafficPlays *traffic_history_plays(TrafficHistory *history, const char *asset_id) {
        TrafficPlays *plays = g_hash_table_lookup(history->plays, asset_id);
        if (!plays) {
                plays = g_new0(TrafficPlays, 1);
                plays->starts = g_array_new(false, false, sizeof(int64_t));
                plays->aired = g_array_new(false, false, sizeof(bool));
                g_hash_table_insert(history->plays, g_strdup(asset_id), plays);
        }
        return plays;
}

/* The number of plays before the instant. */
static guint plays_before(const TrafficPlays *plays, int64_t utc_ms) {
        guint n = plays->starts->len;
        while (n > 0 && g_array_index(plays->starts, int64_t, n - 1) >= utc_ms)
                n--;
        return n;
}

static bool has_play(const TrafficPlays *plays, guint i, int64_t start_utc_ms) {
        return i < plays->starts->len && g_array_index(plays->starts, int64_t, i) == start_utc_ms;
}

void traffic_plays_add(TrafficPlays *plays, int64_t start_utc_ms) {
        static const bool aired = false;
        const guint at = plays_before(plays, start_utc_ms);
        if (has_play(plays, at, start_utc_ms))
                return;
        g_array_insert_val(plays->starts, at, start_utc_ms);
        g_array_insert_val(plays->aired, at, aired);
}

int64_t traffic_plays_last(const TrafficPlays *plays) {
        return plays->starts->len > 0 ? g_array_index(plays->starts, int64_t, plays->starts->len - 1) : INT64_MIN;
}

uint32_t traffic_plays_since(const TrafficPlays *plays, int64_t utc_ms) {
        return plays->starts->len - plays_before(plays, utc_ms);
}

uint32_t traffic_plays_delivered(const TrafficPlays *plays, int64_t from_utc_ms, int64_t to_utc_ms,
                                 int64_t settled_utc_ms) {
        uint32_t n = 0;
        for (guint i = plays_before(plays, from_utc_ms); i < plays->starts->len; i++) {
                const int64_t start = g_array_index(plays->starts, int64_t, i);
                n += start < to_utc_ms && (start >= settled_utc_ms || g_array_index(plays->aired, bool, i));
        }
        return n;
}

void traffic_history_add(TrafficHistory *history, const char *asset_id, int64_t start_utc_ms) {
        traffic_plays_add(traffic_history_plays(history, asset_id), start_utc_ms);
        history->version++;
}

void traffic_history_note(TrafficHistory *history, const char *asset_id, int64_t start_utc_ms, TrafficPlayState state) {
        TrafficPlays *plays = traffic_history_plays(history, asset_id);
        if (state != TRAFFIC_PLAY_LOST)
                traffic_plays_add(plays, start_utc_ms);
        const guint at = plays_before(plays, start_utc_ms);
        if (state == TRAFFIC_PLAY_AIRED) {
                g_array_index(plays->aired, bool, at) = true;
        } else if (state == TRAFFIC_PLAY_LOST && has_play(plays, at, start_utc_ms)) {
                g_array_remove_index(plays->starts, at);
                g_array_remove_index(plays->aired, at);
        }
        history->version++;
}

static void keep(TrafficPlays *plays, guint first, guint n) {
        g_array_set_size(plays->starts, first + n);
        g_array_set_size(plays->aired, first + n);
        g_array_remove_range(plays->starts, 0, first);
        g_array_remove_range(plays->aired, 0, first);
}

/* The lineup points into what goes. */
static void begin_forgetting(TrafficHistory *history) {
        traffic_history_set_lineup(history, NULL, NULL);
        history->version++;
}

void traffic_history_forget_from(TrafficHistory *history, int64_t utc_ms) {
        GHashTableIter iter;
        gpointer value;
        begin_forgetting(history);
        if (utc_ms == INT64_MIN)
                history->mark = (TrafficHistoryMark){0};
        g_hash_table_iter_init(&iter, history->plays);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                TrafficPlays *plays = value;
                keep(plays, 0, plays_before(plays, utc_ms));
                if (plays->starts->len == 0)
                        g_hash_table_iter_remove(&iter);
        }
}

void traffic_history_forget_before(TrafficHistory *history, int64_t utc_ms) {
        GHashTableIter iter;
        gpointer value;
        begin_forgetting(history);
        g_hash_table_iter_init(&iter, history->plays);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                TrafficPlays *plays = value;
                const guint first = plays_before(plays, utc_ms);
                keep(plays, first, plays->starts->len - first);
                if (plays->starts->len == 0)
                        g_hash_table_iter_remove(&iter);
        }
}

int64_t traffic_history_last(const TrafficHistory *history, const char *asset_id) {
        const TrafficPlays *plays = g_hash_table_lookup(history->plays, asset_id);
        return plays ? traffic_plays_last(plays) : INT64_MIN;
}

uint32_t traffic_history_count(const TrafficHistory *history, const char *asset_id, int64_t since_utc_ms) {
        const TrafficPlays *plays = g_hash_table_lookup(history->plays, asset_id);
        return plays ? traffic_plays_since(plays, since_utc_ms) : 0;
}

uint64_t traffic_history_version(const TrafficHistory *history) {
        return history->version;
}

TrafficHistoryMark *traffic_history_mark(TrafficHistory *history) {
        return &history->mark;
}

gpointer traffic_history_lineup(const TrafficHistory *history) {
        return history->lineup;
}

void traffic_history_set_lineup(TrafficHistory *history, gpointer take_lineup, GDestroyNotify free_lineup) {
        if (history->lineup)
                history->lineup_free(history->lineup);
        history->lineup = take_lineup;
        history->lineup_free = free_lineup;
}
