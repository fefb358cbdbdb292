#include <stdlib.h>

#include "core/plan/traffic/traffic.h"

#define HALF_HOUR_MS INT64_C(1800000)
#define QUIET_NEAR_MS INT64_C(60000) /* how far a break is moved to a quiet point, and a third of an act at most */

typedef struct {
        int64_t at_ms;
        int32_t fade_ms; /* 0 = a clean cut */
} Point;

typedef struct {
        int64_t low, high;
} NumberBounds;

/* How many breaks the slot's length and the spare time in it call for. */
static int64_t breaks_wanted(const BreakPolicy *policy, int64_t slot_ms, int64_t spare_ms) {
        const int64_t per_hour = policy->breaks_per_hour ? policy->breaks_per_hour : 2 * policy->breaks_per_half_hour;
        const int64_t by_length = (per_hour * slot_ms + HALF_HOUR_MS) / (2 * HALF_HOUR_MS);
        const int64_t least = per_hour > 0 ? 1 : 0;
        return MIN(MAX(by_length, least), spare_ms / policy->min_break_ms);
}

/* Chapters that leave no act shorter than the policy's, from the front. Element type Point. */
static GArray *usable_chapters(const BreakPolicy *policy, const TrafficContent *content) {
        GArray *points = g_array_new(false, true, sizeof(Point));
        int64_t last = 0;
        for (uint32_t i = 0; i < content->n_chapters; i++) {
                const Point point = {.at_ms = content->chapter_ms[i]};
                if (point.at_ms - last < policy->min_act_ms || content->duration_ms - point.at_ms < policy->min_act_ms)
                        continue;
                g_array_append_val(points, point);
                last = point.at_ms;
        }
        return points;
}

static int64_t point_at(const GArray *points, guint i) {
        return g_array_index(points, Point, i).at_ms;
}

/* Of more chapters than breaks are wanted: those nearest to where the breaks would ideally be. */
static void thin_out(GArray *points, guint wanted, int64_t content_ms) {
        for (guint kept = 0; kept < wanted; kept++) {
                const int64_t ideal = content_ms * (kept + 1) / (wanted + 1);
                guint best = kept;
                /* As many must remain behind it as are still wanted. */
                for (guint i = kept; i + (wanted - kept) <= points->len; i++)
                        if (llabs(point_at(points, i) - ideal) < llabs(point_at(points, best) - ideal))
                                best = i;
                g_array_remove_range(points, kept, best - kept);
        }
        g_array_set_size(points, MIN(points->len, wanted));
}

/* The quiet point nearest to the ideal one, within reach and between the bounds; the ideal, faded, when there is none.
 */
static Point quiet_near(const TrafficContent *content, Point ideal, int64_t reach_ms, NumberBounds bounds) {
        Point best = ideal;
        int64_t best_distance = reach_ms + 1;
        for (uint32_t i = 0; i < content->n_quiet; i++) {
                const int64_t at = content->quiet_ms[i], distance = llabs(at - ideal.at_ms);
                if (at < bounds.low || at > bounds.high || distance >= best_distance)
                        continue;
                best = (Point){.at_ms = at};
                best_distance = distance;
        }
        return best;
}

static GArray *computed_points(const BreakPolicy *policy, const TrafficContent *content, int64_t wanted) {
        GArray *points = g_array_new(false, true, sizeof(Point));
        const int64_t n = MIN(wanted, content->duration_ms / policy->min_act_ms - 1);
        const int64_t act_ms = content->duration_ms / (MAX(n, 0) + 1);
        int64_t last = 0;
        for (int64_t i = 1; i <= n; i++) {
                const Point ideal = {.at_ms = content->duration_ms * i / (n + 1), .fade_ms = policy->fade_ms};
                const int64_t next = content->duration_ms * (i + 1) / (n + 1);
                /* The next point may stay where it is, and none comes too near to the last one. */
                const NumberBounds bounds = {last + policy->min_act_ms, next - policy->min_act_ms};
                const Point point = quiet_near(content, ideal, MIN(QUIET_NEAR_MS, act_ms / 3), bounds);
                g_array_append_val(points, point);
                last = point.at_ms;
        }
        return points;
}

/* Acts between the points; breaks share the spare time, the first ones get the odd milliseconds. */
static GArray *acts_between(const GArray *points, int64_t content_ms, int64_t spare_ms) {
        GArray *acts = g_array_new(false, true, sizeof(TrafficAct));
        int64_t offset = 0;
        int32_t fade_in_ms = 0;
        for (guint i = 0; i <= points->len; i++) {
                const bool last = i == points->len;
                const Point end = last ? (Point){.at_ms = content_ms} : g_array_index(points, Point, i);
                TrafficAct act = {.offset_ms = offset, .duration_ms = end.at_ms - offset};
                if (!last)
                        act.break_ms = spare_ms / points->len + (i < spare_ms % points->len);
                act.fade_in_ms = fade_in_ms;   /* INV-TRANSITION-002 */
                act.fade_out_ms = end.fade_ms; /* INV-TRANSITION-001: never but where a break follows */
                g_array_append_val(acts, act);
                offset = end.at_ms;
                fade_in_ms = end.fade_ms;
        }
        if (points->len == 0)
                g_array_index(acts, TrafficAct, 0).break_ms = spare_ms;
        return acts;
}

GArray *traffic_acts(const BreakPolicy *policy, ChannelType type, const TrafficContent *content, int64_t slot_ms) {
        const int64_t spare_ms = slot_ms - content->duration_ms;
        if (spare_ms < 0 || content->duration_ms <= 0)
                return NULL;
        /* INV-CHANNEL-TYPE-BREAK-PLACEMENT: films are not interrupted on a film channel. */
        const int64_t wanted = type == CHANNEL_MOVIE ? 0 : breaks_wanted(policy, slot_ms, spare_ms);
        g_autoptr(GArray) points = usable_chapters(policy, content);
        if (wanted == 0)
                g_array_set_size(points, 0);
        else if (points->len > wanted) /* INV-NO-MID-PROGRAM-CUT-001 */
                thin_out(points, (guint)wanted, content->duration_ms);
        if (wanted == 0 || points->len > 0)
                return acts_between(points, content->duration_ms, spare_ms);
        g_autoptr(GArray) computed = computed_points(policy, content, wanted);
        return acts_between(computed, content->duration_ms, spare_ms);
}
