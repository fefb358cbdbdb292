#include <string.h>

#include "core/plan/traffic/lineup.h"
#include "proto/base/error.h"

#define SPOT_MIN_MS 1000
#define SPOTS_MAX 1500 /* in a block: with a pad after each and the filler it stays within a block's bound */
#define ITEMS_USUAL 64
#define ITEMS_MAX 2300 /* spots and filler together */
#define END_PART 3     /* an end of a break takes at most this part of it */

/* Filling one programme. */
typedef struct {
        const TrafficInventory *inventory;
        TrafficHistory *history;
        Lineup *lineup;
        LineupDay day;
        GArray *items;     /* TrafficItem */
        int64_t at_utc_ms; /* where the next item starts */
        uint64_t seed;
        const int64_t *airings; /* by subject */
        unsigned chosen;        /* spots and filler so far */
        TrafficReport report;
} Fill;

/* --- items ----------------------------------------------------------------------------------------------------------
 */

static void add_item(Fill *fill, TrafficItem item) {
        if (item.duration_ms == 0)
                return;
        g_assert(item.duration_ms > 0);
        if (!item.asset)
                fill->report.pad_ms += item.duration_ms;
        g_array_append_val(fill->items, item);
        fill->at_utc_ms += item.duration_ms;
}

static void add_pad(Fill *fill, int64_t duration_ms) {
        add_item(fill, (TrafficItem){.duration_ms = duration_ms});
}

static void add_play(Fill *fill, const Asset *asset, int64_t duration_ms) {
        lineup_play(fill->lineup, asset, fill->at_utc_ms);
        add_item(fill, (TrafficItem){.asset = asset, .duration_ms = duration_ms});
}

/* --- filler ---------------------------------------------------------------------------------------------------------
 */

/* The filler that was not used for longest; the first in order among equals. */
static const Asset *next_filler(const Fill *fill) {
        const GPtrArray *filler = fill->inventory->filler;
        const Asset *best = NULL;
        for (guint i = 0; i < filler->len; i++) {
                const Asset *asset = filler->pdata[i];
                if (!best ||
                    traffic_history_last(fill->history, asset->id) < traffic_history_last(fill->history, best->id))
                        best = asset;
        }
        return best;
}

/* Filler of exactly the length: whole clips and a last one cut short. INV-SCHED-GRID-FILLER-PADDING */
static void add_filler(Fill *fill, int64_t length_ms) {
        const Asset *filler = next_filler(fill);
        while (filler && length_ms >= SPOT_MIN_MS && fill->chosen < ITEMS_MAX) {
                const int64_t piece = MIN(length_ms, filler->duration_ms);
                add_play(fill, filler, piece);
                fill->report.filler_ms += piece;
                fill->chosen++;
                length_ms -= piece;
                filler = next_filler(fill);
        }
        add_pad(fill, length_ms);
}

/* --- breaks ---------------------------------------------------------------------------------------------------------
 */

/* What a break is made of: spots in order of time, where the filler goes, and what nothing was found for. */
typedef struct {
        GPtrArray *spots; /* const Asset */
        guint n_before_close;
        int64_t left_ms;
} BreakPlan;

static const Asset *spot_asset(const Fill *fill, int spot) {
        return spot < 0 ? NULL : g_array_index(fill->inventory->spots, Spot, spot).asset;
}

/* A bumper before the spots, a station id or bumper after them: the first kind that has something to offer. */
static const Asset *pick_end(Fill *fill, const Frame *frame, const AssetKind *kinds, LineupAsk ask) {
        for (; *kinds; kinds++) {
                bool only[ASSET_KINDS] = {false};
                only[*kinds] = frame->rules.allowed[*kinds];
                ask.kinds = only;
                const int spot = lineup_pick(fill->lineup, &ask);
                if (spot >= 0)
                        return spot_asset(fill, spot);
        }
        return NULL;
}

static void pick_body(Fill *fill, BreakPlan *plan, int64_t at_utc_ms) {
        while (plan->left_ms >= SPOT_MIN_MS && fill->chosen < SPOTS_MAX) {
                const int spot = lineup_pick_body(fill->lineup, at_utc_ms, plan->left_ms);
                if (spot < 0)
                        break;
                const Asset *asset = spot_asset(fill, spot);
                g_ptr_array_add(plan->spots, (Asset *)asset);
                fill->chosen++;
                at_utc_ms += asset->duration_ms;
                plan->left_ms -= asset->duration_ms;
        }
}

typedef enum { NO_END, OPEN_ONLY, BOTH_ENDS } Ends;

/* INV-TRAFFIC-STRUCTURE-001. Whether there is something between the ends, or nothing to be an end of. */
static bool try_spots(Fill *fill, const Frame *frame, int64_t length_ms, Ends ends, BreakPlan *plan) {
        const int64_t start = fill->at_utc_ms;
        /* The pads are not known yet: an end is judged as of the break's begin, when it has rested least. */
        LineupAsk ask = {.at_utc_ms = start, .room_ms = length_ms / END_PART};
        const Asset *open = ends >= OPEN_ONLY ? pick_end(fill, frame, frame->rules.open, ask) : NULL;
        const int64_t open_ms = open ? open->duration_ms : 0;
        ask.until_utc_ms = start + length_ms;
        const Asset *close = ends == BOTH_ENDS ? pick_end(fill, frame, frame->rules.close, ask) : NULL;
        plan->left_ms = length_ms - open_ms - (close ? close->duration_ms : 0);
        if (open)
                g_ptr_array_add(plan->spots, (Asset *)open);
        const guint before = plan->spots->len;
        pick_body(fill, plan, start + open_ms);
        plan->n_before_close = plan->spots->len;
        if (close)
                g_ptr_array_add(plan->spots, (Asset *)close);
        return plan->n_before_close > before || !(open || close);
}

/* Nothing of the plan is used. */
static void forget_spots(Fill *fill, int64_t length_ms, BreakPlan *plan) {
        g_ptr_array_set_size(plan->spots, 0);
        plan->n_before_close = 0;
        plan->left_ms = length_ms;
        lineup_take_back(fill->lineup);
}

/* A break too short for its ends and a spot goes without one of them, or both: the spot is what it is there for. */
static void choose_spots(Fill *fill, const Frame *frame, int64_t length_ms, BreakPlan *plan) {
        for (Ends ends = BOTH_ENDS; !try_spots(fill, frame, length_ms, ends, plan) && ends > NO_END; ends--)
                forget_spots(fill, length_ms, plan);
}

/* One pad after each spot; the last ones get the odd milliseconds. INV-BREAK-PAD-DISTRIBUTED-001 */
static void add_spot(Fill *fill, const BreakPlan *plan, guint i, int64_t pads_ms) {
        const Asset *spot = plan->spots->pdata[i];
        const guint n = plan->spots->len;
        g_assert(i < n);
        add_play(fill, spot, spot->duration_ms);
        fill->report.spots_ms += spot->duration_ms;
        add_pad(fill, pads_ms / n + (i >= n - pads_ms % n));
}

static void fill_break(Fill *fill, int64_t length_ms) {
        const int64_t end_utc_ms = fill->at_utc_ms + length_ms;
        const Frame *frame = inventory_frame(fill->inventory, fill->at_utc_ms);
        g_autoptr(GPtrArray) spots = g_ptr_array_new();
        BreakPlan plan = {.spots = spots};
        lineup_begin_break(fill->lineup, frame);
        choose_spots(fill, frame, length_ms, &plan);
        lineup_end_break(fill->lineup);
        const bool with_filler =
                fill->inventory->filler->len > 0 && (spots->len == 0 || plan.left_ms > LINEUP_ROOM_LEFT_MS);
        const int64_t pads_ms = with_filler ? 0 : plan.left_ms;
        for (guint i = 0; i < plan.n_before_close; i++)
                add_spot(fill, &plan, i, pads_ms);
        if (with_filler)
                add_filler(fill, plan.left_ms);
        else if (spots->len == 0)
                add_pad(fill, plan.left_ms);
        for (guint i = plan.n_before_close; i < spots->len; i++)
                add_spot(fill, &plan, i, pads_ms);
        fill->report.empty_breaks += spots->len == 0 && !with_filler;
        g_assert(fill->at_utc_ms == end_utc_ms); /* INV-BREAK-PAD-EXACT-001 */
}

/* --- programmes -----------------------------------------------------------------------------------------------------
 */

/* What a programme shows: an asset, or several that stand as one. */
typedef struct {
        const Asset *asset; /* NULL: filler only */
        Asset *composed;    /* owned; NULL unless there are parts */
        GPtrArray *parts;   /* const Asset *; NULL: one asset */
} Content;

static void content_clear(Content *content) {
        g_clear_pointer(&content->composed, asset_free);
        g_clear_pointer(&content->parts, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Content, content_clear)

static void find_content(const TrafficInventory *inventory, const Programme *programme, Content *content) {
        if (!programme->part_ids) {
                content->asset = channel_spec_asset(inventory->spec, inventory->catalog, programme->asset_id);
                return;
        }
        content->parts = programme_parts(programme, inventory->catalog);
        content->composed = content->parts ? programme_composed(programme, content->parts) : NULL;
        content->asset = content->composed;
}

/* The content as it is now; false and GError when it cannot be shown. */
static bool content_of(const TrafficInventory *inventory, const Programme *programme, Content *content,
                       GError **error) {
        find_content(inventory, programme, content);
        const Asset *asset = content->asset;
        if (!asset || !asset_eligible(asset))
                g_set_error(error, RV_ERROR, RV_ERROR_NOT_FOUND, "\"%s\" (asset %s) is %s", programme->title,
                            programme->asset_id, asset ? "not eligible any more" : "not in the catalog any more");
        else if (asset->duration_ms > programme->end_utc_ms - programme->start_utc_ms)
                g_set_error(error, RV_ERROR, RV_ERROR_INVALID,
                            "\"%s\" plays longer (%" G_GINT64_FORMAT " ms) than its slot", programme->title,
                            asset->duration_ms);
        else
                return true;
        return false;
}

/* An act of several assets is as many items: cuts at the joints, the act's fades at its ends. */
static void add_parts(Fill *fill, const GPtrArray *parts, const TrafficAct *act) {
        const int64_t end_ms = act->offset_ms + act->duration_ms;
        int64_t part_ms = 0;
        for (guint i = 0; i < parts->len; i++) {
                const Asset *part = parts->pdata[i];
                const int64_t from = MAX(act->offset_ms, part_ms), to = MIN(end_ms, part_ms + part->duration_ms);
                if (from < to)
                        add_item(fill, (TrafficItem){.asset = part,
                                                     .content = true,
                                                     .offset_ms = from - part_ms,
                                                     .duration_ms = to - from,
                                                     .fade_in_ms = from == act->offset_ms ? act->fade_in_ms : 0,
                                                     .fade_out_ms = to == end_ms ? act->fade_out_ms : 0});
                part_ms += part->duration_ms;
        }
}

static void fill_acts(Fill *fill, const Content *content, const GArray *acts) {
        for (guint i = 0; i < acts->len; i++) {
                const TrafficAct *act = &g_array_index(acts, TrafficAct, i);
                if (content->parts)
                        add_parts(fill, content->parts, act);
                else
                        add_item(fill, (TrafficItem){.asset = content->asset,
                                                     .content = true,
                                                     .offset_ms = act->offset_ms,
                                                     .duration_ms = act->duration_ms,
                                                     .fade_in_ms = act->fade_in_ms,
                                                     .fade_out_ms = act->fade_out_ms});
                if (act->break_ms > 0)
                        fill_break(fill, act->break_ms);
        }
}

static void begin_day(Fill *fill) {
        const ChannelSpec *spec = fill->inventory->spec;
        char day[11];
        fill->day = lineup_day(fill->history, fill->inventory);
        if (fill->at_utc_ms < fill->day.start_utc_ms || fill->at_utc_ms >= fill->day.end_utc_ms) {
                schedule_day_of(spec, fill->at_utc_ms, day);
                schedule_day_bounds(spec, day, &fill->day.start_utc_ms, &fill->day.end_utc_ms);
        }
        fill->lineup = lineup_of(fill->history, fill->inventory, fill->day);
        lineup_begin_programme(fill->lineup, fill->seed, fill->airings);
}

GArray *traffic_fill(const TrafficInventory *inventory, TrafficHistory *history, const TrafficComing *coming,
                     const Programme *programme, TrafficReport *ret_report, GError **error) {
        const ChannelSpec *spec = inventory->spec;
        const int64_t slot_ms = programme->end_utc_ms - programme->start_utc_ms;
        g_auto(Content) content = {0};
        if (programme->asset_id && !content_of(inventory, programme, &content, error))
                return NULL;
        g_autofree int64_t *airings = inventory_airings(inventory, coming, programme);
        Fill fill = {.inventory = inventory,
                     .history = history,
                     .items = g_array_sized_new(false, true, sizeof(TrafficItem), ITEMS_USUAL),
                     .at_utc_ms = programme->start_utc_ms,
                     .seed = seed_mix(seed_mix(0, spec->id), programme->id),
                     .airings = airings};
        begin_day(&fill);
        if (content.asset) {
                const TrafficContent points = {.duration_ms = content.asset->duration_ms,
                                               .chapter_ms = content.asset->chapter_ms,
                                               .n_chapters = content.asset->n_chapters,
                                               .quiet_ms = content.asset->quiet_ms,
                                               .n_quiet = content.asset->n_quiet};
                g_autoptr(GArray) acts = traffic_acts(channel_spec_policy(spec), spec->type, &points, slot_ms);
                fill_acts(&fill, &content, acts);
        } else if (inventory->filler->len > 0) {
                add_filler(&fill, slot_ms);
        } else {
                fill_break(&fill, slot_ms);
        }
        g_assert(fill.at_utc_ms == programme->end_utc_ms);
        if (ret_report)
                *ret_report = fill.report;
        return fill.items;
}
