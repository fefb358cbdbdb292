/* What an operator should know of the locked blocks ahead: files that are gone, and breaks that stay empty. */
#include <glib/gstdio.h>
#include <unistd.h>

#include "core/plan/horizon/channel_plan.h"
#include "core/plan/schedule/policy.h"

#define FILES_AHEAD_MS INT64_C(3600000) /* so far ahead files are looked for: time enough to bring one back */
#define LOST_MAX 8                      /* files told of by name; the first ones on the air */
#define BREAK_MIN_MS INT64_C(10000)     /* what is shorter is the rest of a slot, and needs no spot */

/* --- files ----------------------------------------------------------------------------------------------------------
 */

/* What is not locked yet is planned without it until it is back. */
static void leave_out(ChannelPlan *plan, const BlockSegment *segment) {
        if (g_hash_table_contains(plan->excluded, segment->asset_uuid))
                return;
        g_hash_table_insert(plan->excluded, g_strdup(segment->asset_uuid), GINT_TO_POINTER(TL_UNRESOLVED));
        g_clear_pointer(&plan->inventory, traffic_inventory_free);
        plan->stale = plan->stale || segment->type == SEGMENT_CONTENT;
}

static void review_segment(ChannelPlan *plan, const BlockSegment *segment, int64_t at_utc_ms) {
        if (g_access(segment->asset_uri, R_OK) == 0)
                return;
        g_autofree char *when = channel_spec_time(plan->spec, at_utc_ms, "%H:%M");
        if (plan->lost->len < LOST_MAX)
                g_ptr_array_add(plan->lost, g_strdup_printf("at %s \"%s\" is to be on the air, and its file cannot be "
                                                            "read: bring %s back, or there is filler or black instead",
                                                            when, segment->title, segment->asset_uri));
        leave_out(plan, segment);
}

/* INV-HORIZON-FAULTS-001 */
void channel_plan_review_files(ChannelPlan *plan, int64_t now_utc_ms) {
        g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
        g_ptr_array_set_size(plan->lost, 0);
        for (guint i = 0; i < plan->blocks->len; i++) {
                const BlockPlan *block = plan->blocks->pdata[i];
                int64_t at = block->start_utc_ms;
                if (at >= now_utc_ms + FILES_AHEAD_MS)
                        break;
                for (uint32_t j = 0; j < block->n_segments; at += block->segments[j++].duration_ms) {
                        const BlockSegment *segment = &block->segments[j];
                        if (segment->asset_uri && at + segment->duration_ms > now_utc_ms &&
                            g_hash_table_add(seen, (gpointer)segment->asset_uri))
                                review_segment(plan, segment, at);
                }
        }
}

/* --- breaks ---------------------------------------------------------------------------------------------------------
 */

typedef struct {
        unsigned n, empty;
} Breaks;

static void end_break(Breaks *breaks, int64_t length_ms, bool filled) {
        if (length_ms < BREAK_MIN_MS)
                return;
        breaks->n++;
        breaks->empty += !filled;
}

/* Between, before and after the acts of a programme; a block without any has nothing to break. */
static void count_breaks(const BlockPlan *block, Breaks *breaks) {
        Breaks found = {0};
        int64_t length_ms = 0;
        bool filled = false, any_act = false;
        for (uint32_t i = 0; i < block->n_segments; i++) {
                const BlockSegment *segment = &block->segments[i];
                if (segment->type == SEGMENT_CONTENT) {
                        end_break(&found, length_ms, filled);
                        length_ms = 0;
                        filled = false;
                        any_act = true;
                        continue;
                }
                length_ms += segment->duration_ms;
                filled = filled || segment->type != SEGMENT_PAD;
        }
        end_break(&found, length_ms, filled);
        breaks->n += any_act ? found.n : 0;
        breaks->empty += any_act ? found.empty : 0;
}

static void count_spots(const ChannelPlan *plan, unsigned n_of[ASSET_KINDS]) {
        for (uint32_t i = 0; i < plan->catalog->n_assets; i++) {
                const Asset *asset = plan->catalog->assets[i];
                if (asset_eligible(asset) && !g_hash_table_contains(plan->excluded, asset->id))
                        n_of[asset->kind]++;
        }
}

/* "3 promo, 0 trailer"; what is allowed, or what is not and there. */
static char *list_spots(const bool allowed[ASSET_KINDS], const unsigned n_of[ASSET_KINDS], bool wanted) {
        GString *text = g_string_new(NULL);
        for (int kind = ASSET_COMMERCIAL; kind < ASSET_FILLER; kind++)
                if (allowed[kind] == wanted && (wanted || n_of[kind] > 0))
                        g_string_append_printf(text, "%s%u %s", text->len > 0 ? ", " : "", n_of[kind],
                                               asset_kind_name((AssetKind)kind));
        return g_string_free(text, false);
}

/* Why, and what to do. */
static char *explain_empty(ChannelPlan *plan) {
        const bool *allowed = channel_spec_policy(plan->spec)->rules.allowed;
        unsigned n_of[ASSET_KINDS] = {0}, n_allowed = 0, n_other = 0;
        count_spots(plan, n_of);
        for (int kind = ASSET_COMMERCIAL; kind < ASSET_FILLER; kind++)
                *(allowed[kind] ? &n_allowed : &n_other) += n_of[kind];
        g_autofree char *may = list_spots(allowed, n_of, true), *others = list_spots(allowed, n_of, false);
        plan->has_spots = n_allowed + n_other > 0;
        if (!plan->has_spots)
                return g_strdup("the library has no spots; put some into folders called Commercials, Promos, "
                                "Trailers or Bumpers, or name a filler");
        if (n_allowed == 0 && may[0])
                return g_strdup_printf("no spot of the types that its traffic rules allow is there (%s); add some, or "
                                       "allow other types (there are: %s)",
                                       may, others);
        if (n_allowed == 0)
                return g_strdup_printf("its traffic rules allow no type of spot (there are: %s)", others);
        return g_strdup_printf("of the spots that its traffic rules allow (%s) none fits or may play again yet; add "
                               "more or shorter ones, or ease cooldowns and limits",
                               may);
}

void channel_plan_review_breaks(ChannelPlan *plan, int64_t now_utc_ms) {
        Breaks breaks = {0};
        g_clear_pointer(&plan->empty_breaks, g_free);
        for (guint i = 0; i < plan->blocks->len; i++) {
                const BlockPlan *block = plan->blocks->pdata[i];
                if (block->end_utc_ms > now_utc_ms)
                        count_breaks(block, &breaks);
        }
        if (breaks.empty == 0)
                return;
        g_autofree char *until = channel_spec_time(plan->spec, channel_plan_execution_end(plan), "%H:%M"),
                        *why = explain_empty(plan);
        plan->empty_breaks =
                g_strdup_printf("%u of the %u breaks planned until %s have nothing to show and are black: %s",
                                breaks.empty, breaks.n, until, why);
}
