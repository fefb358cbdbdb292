#include <stdlib.h>

#include "core/plan/traffic/traffic.h"

#define HALF_HOUR_MS INT64_C(1800000)

/* How many breaks the slot's length and the spare time in it call for. */
static int64_t breaks_wanted(const BreakPolicy *policy, int64_t slot_ms, int64_t spare_ms) {
        const int64_t by_length = (policy->breaks_per_half_hour * slot_ms + HALF_HOUR_MS / 2) / HALF_HOUR_MS;
        const int64_t least = policy->breaks_per_half_hour > 0 ? 1 : 0;
        return MIN(MAX(by_length, least), spare_ms / policy->min_break_ms);
}

/* Chapters that leave no act shorter than the policy's, from the front. Element type int64_t. */
static GArray *usable_chapters(const BreakPolicy *policy, const Asset *content) {
        GArray *points = g_array_new(false, false, sizeof(int64_t));
        int64_t last = 0;
        for (uint32_t i = 0; i < content->n_chapters; i++) {
                const int64_t at = content->chapter_ms[i];
                if (at - last < policy->min_act_ms || content->duration_ms - at < policy->min_act_ms)
                        continue;
                g_array_append_val(points, at);
                last = at;
        }
        return points;
}

/* Of more chapters than breaks are wanted: those nearest to where the breaks would ideally be. */
static void thin_out(GArray *points, guint wanted, int64_t content_ms) {
        for (guint kept = 0; kept < wanted; kept++) {
                const int64_t ideal = content_ms * (kept + 1) / (wanted + 1);
                guint best = kept;
                /* As many must remain behind it as are still wanted. */
                for (guint i = kept; i + (wanted - kept) <= points->len; i++)
                        if (llabs(g_array_index(points, int64_t, i) - ideal) <
                            llabs(g_array_index(points, int64_t, best) - ideal))
                                best = i;
                g_array_remove_range(points, kept, best - kept);
        }
        g_array_set_size(points, MIN(points->len, wanted));
}

static GArray *computed_points(const BreakPolicy *policy, int64_t content_ms, int64_t wanted) {
        GArray *points = g_array_new(false, false, sizeof(int64_t));
        const int64_t n = MIN(wanted, content_ms / policy->min_act_ms - 1);
        for (int64_t i = 1; i <= n; i++) {
                const int64_t at = content_ms * i / (n + 1);
                g_array_append_val(points, at);
        }
        return points;
}

/* Acts between the points; breaks share the spare time, the first ones get the odd milliseconds. fade_ms: at every
 * point. */
static GArray *acts_between(const GArray *points, int64_t content_ms, int64_t spare_ms, int32_t fade_ms) {
        GArray *acts = g_array_new(false, true, sizeof(TrafficAct));
        int64_t offset = 0;
        for (guint i = 0; i <= points->len; i++) {
                const bool last = i == points->len;
                const int64_t end = last ? content_ms : g_array_index(points, int64_t, i);
                TrafficAct act = {.offset_ms = offset, .duration_ms = end - offset};
                if (!last)
                        act.break_ms = spare_ms / points->len + (i < spare_ms % points->len);
                act.fade_in_ms = i > 0 ? fade_ms : 0;  /* INV-TRANSITION-002 */
                act.fade_out_ms = !last ? fade_ms : 0; /* INV-TRANSITION-001: never but where a break follows */
                g_array_append_val(acts, act);
                offset = end;
        }
        if (points->len == 0)
                g_array_index(acts, TrafficAct, 0).break_ms = spare_ms;
        return acts;
}

GArray *traffic_acts(const BreakPolicy *policy, ChannelType type, const Asset *content, int64_t slot_ms) {
        const int64_t spare_ms = slot_ms - content->duration_ms;
        if (spare_ms < 0 || content->duration_ms <= 0)
                return NULL;
        /* INV-CHANNEL-TYPE-BREAK-PLACEMENT: films are not interrupted on a film channel. */
        const int64_t wanted = type == CHANNEL_MOVIE ? 0 : breaks_wanted(policy, slot_ms, spare_ms);
        g_autoptr(GArray) points = usable_chapters(policy, content);
        if (wanted == 0) {
                g_array_set_size(points, 0);
        } else if (points->len > 0) { /* INV-NO-MID-PROGRAM-CUT-001 */
                if (points->len > wanted)
                        thin_out(points, (guint)wanted, content->duration_ms);
        } else {
                g_autoptr(GArray) computed = computed_points(policy, content->duration_ms, wanted);
                return acts_between(computed, content->duration_ms, spare_ms, policy->fade_ms);
        }
        return acts_between(points, content->duration_ms, spare_ms, 0);
}
