#include "core/plan/traffic/coming.h"

#include <string.h>

#define EVENING_MINUTE (17 * 60)

struct TrafficComing {
        GHashTable *starts; /* folded title -> GArray of int64_t, rising */
        GHashTable *known;  /* title as it is written -> the same GArray */
};

TrafficComing *traffic_coming_new(void) {
        TrafficComing *coming = g_new0(TrafficComing, 1);
        coming->starts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_array_unref);
        coming->known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        return coming;
}

void traffic_coming_free(TrafficComing *coming) {
        if (!coming)
                return;
        g_hash_table_unref(coming->known);
        g_hash_table_unref(coming->starts);
        g_free(coming);
}

static GArray *starts_of(TrafficComing *coming, const char *title) {
        GArray *starts = g_hash_table_lookup(coming->known, title);
        if (starts)
                return starts;
        g_autofree char *folded = promo_title_fold(title);
        starts = g_hash_table_lookup(coming->starts, folded);
        if (!starts) {
                starts = g_array_new(false, false, sizeof(int64_t));
                g_hash_table_insert(coming->starts, g_steal_pointer(&folded), starts);
        }
        g_hash_table_insert(coming->known, g_strdup(title), starts);
        return starts;
}

static void add_title(TrafficComing *coming, const char *title, int64_t start_utc_ms) {
        GArray *starts = starts_of(coming, title);
        const bool again = starts->len > 0 && g_array_index(starts, int64_t, starts->len - 1) >= start_utc_ms;
        if (!again)
                g_array_append_val(starts, start_utc_ms);
}

void traffic_coming_add(TrafficComing *coming, const Programme *programme, const CatalogSnapshot *catalog) {
        if (!programme->asset_id)
                return; /* filler is nothing to look forward to */
        g_autoptr(GPtrArray) parts = programme->part_ids ? programme_parts(programme, catalog) : NULL;
        add_title(coming, programme->series ? programme->series : programme->title, programme->start_utc_ms);
        for (guint i = 0; parts && i < parts->len; i++) {
                const Asset *part = parts->pdata[i];
                add_title(coming, part->series ? part->series : part->title, programme->start_utc_ms);
        }
}

/* --- when it is on next ---------------------------------------------------------------------------------------------
 */

static bool is_evening(const ChannelSpec *spec, int64_t utc_ms) {
        g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(utc_ms / 1000);
        g_autoptr(GDateTime) local = g_date_time_to_timezone(utc, spec->zone);
        const int minute = g_date_time_get_hour(local) * 60 + g_date_time_get_minute(local);
        return minute >= EVENING_MINUTE || minute < spec->day_start_minutes;
}

static int weekday_of(const char *day) {
        GDate date;
        g_date_set_dmy(&date, (GDateDay)g_ascii_strtoll(day + 8, NULL, 10),
                       (GDateMonth)g_ascii_strtoll(day + 5, NULL, 10), (GDateYear)g_ascii_strtoll(day, NULL, 10));
        return (int)g_date_get_weekday(&date) - 1;
}

/* Whether a promo that says when may be shown at an instant for what is on at another. */
static bool says_right(const ChannelSpec *spec, PromoWhen when, int64_t at_utc_ms, int64_t airing_utc_ms) {
        char today[11], day[11], tomorrow[11];
        if (when <= PROMO_ANY_TIME)
                return true;
        schedule_day_of(spec, at_utc_ms, today);
        schedule_day_of(spec, airing_utc_ms, day);
        schedule_day_step(today, 1, tomorrow);
        if (when == PROMO_TOMORROW)
                return strcmp(day, tomorrow) == 0;
        if (when >= PROMO_MONDAY)
                return weekday_of(day) == (int)when - PROMO_MONDAY;
        return strcmp(day, today) == 0 && (when == PROMO_TODAY || is_evening(spec, airing_utc_ms));
}

static guint first_from(const GArray *starts, int64_t utc_ms) {
        guint low = 0, high = starts->len;
        while (low < high) {
                const guint middle = low + (high - low) / 2;
                if (g_array_index(starts, int64_t, middle) < utc_ms)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

/* The next airing of one title; 0: none that counts, -1: it is on now, or right after. */
static int64_t title_airing(const GArray *starts, const ChannelSpec *spec, const Subject *subject,
                            const Programme *programme) {
        const int64_t now = programme->start_utc_ms;
        guint at = first_from(starts, now);
        if (at < starts->len && g_array_index(starts, int64_t, at) <= programme->end_utc_ms)
                return -1;
        for (; at < starts->len && g_array_index(starts, int64_t, at) <= now + subject->within_ms; at++)
                if (says_right(spec, subject->when, now, g_array_index(starts, int64_t, at)))
                        return g_array_index(starts, int64_t, at);
        return 0;
}

/* INV-TRAFFIC-PROMO-001 */
int64_t coming_airing(const TrafficComing *coming, const ChannelSpec *spec, const Subject *subject,
                      const Programme *programme) {
        int64_t next = 0;
        for (size_t i = 0; coming && subject->titles[i]; i++) {
                const GArray *starts = g_hash_table_lookup(coming->starts, subject->titles[i]);
                const int64_t airing = starts ? title_airing(starts, spec, subject, programme) : 0;
                if (airing < 0)
                        return 0;
                if (airing > 0 && (next == 0 || airing < next))
                        next = airing;
        }
        return next;
}
