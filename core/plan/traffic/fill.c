#include "core/plan/schedule/policy.h"
#include "core/plan/traffic/traffic.h"
#include "proto/base/error.h"

#define SPOT_MIN_MS 1000
#define SPOTS_MAX 1500       /* in a block: with a pad after each and the filler it stays within a block's bound */
#define ITEMS_MAX 2300       /* spots and filler together */
#define FILLER_FROM_MS 15000 /* left-over time above this is filler's, not pads' */

struct TrafficInventory {
        ChannelSpec *spec;
        CatalogSnapshot *catalog;
        GHashTable *excluded;
        GPtrArray *spots, *filler; /* const Asset */
};

/* Filling one programme. */
typedef struct {
        const TrafficInventory *inventory;
        const BreakPolicy *policy;
        TrafficHistory *history;
        GArray *items; /* TrafficItem */
        int64_t day_start_utc_ms;
        int64_t at_utc_ms; /* where the next item starts */
        uint64_t seed;
        const Asset *last; /* spot: not to be the next one too */
        unsigned chosen;   /* spots and filler so far */
        TrafficReport report;
} Fill;

/* --- inventory ------------------------------------------------------------------------------------------------------
 */

static bool is_excluded(const TrafficInventory *inventory, const Asset *asset) {
        return inventory->excluded && g_hash_table_contains(inventory->excluded, asset->id);
}

static GHashTable *copy_set(const GHashTable *set) {
        GHashTable *copy = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        GHashTableIter iter;
        gpointer key;
        g_hash_table_iter_init(&iter, (GHashTable *)set);
        while (g_hash_table_iter_next(&iter, &key, NULL))
                g_hash_table_add(copy, g_strdup(key));
        return copy;
}

TrafficInventory *traffic_inventory_new(ChannelSpec *spec, CatalogSnapshot *catalog, const GHashTable *excluded) {
        const BreakPolicy *policy = channel_spec_policy(spec);
        TrafficInventory *inventory = g_new0(TrafficInventory, 1);
        inventory->spec = channel_spec_ref(spec);
        inventory->catalog = catalog_snapshot_ref(catalog);
        inventory->excluded = excluded ? copy_set(excluded) : NULL;
        inventory->spots = g_ptr_array_new();
        for (uint32_t i = 0; i < catalog->n_assets; i++) {
                Asset *asset = catalog->assets[i];
                if (policy->allowed[asset->kind] && asset_eligible(asset) && asset->duration_ms >= SPOT_MIN_MS &&
                    !is_excluded(inventory, asset)) /* INV-TRAFFIC-POLICY-SOURCE-001 */
                        g_ptr_array_add(inventory->spots, asset);
        }
        g_autoptr(GPtrArray) filler = channel_spec_filler(spec, catalog);
        inventory->filler = g_ptr_array_new();
        for (guint i = 0; i < filler->len; i++) {
                const Asset *asset = filler->pdata[i];
                if (asset->duration_ms >= SPOT_MIN_MS && !is_excluded(inventory, asset))
                        g_ptr_array_add(inventory->filler, filler->pdata[i]);
        }
        return inventory;
}

void traffic_inventory_free(TrafficInventory *inventory) {
        if (!inventory)
                return;
        g_ptr_array_unref(inventory->spots);
        g_ptr_array_unref(inventory->filler);
        g_clear_pointer(&inventory->excluded, g_hash_table_unref);
        catalog_snapshot_unref(inventory->catalog);
        channel_spec_unref(inventory->spec);
        g_free(inventory);
}

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
        traffic_history_add(fill->history, asset->id, fill->at_utc_ms);
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

/* --- spots ----------------------------------------------------------------------------------------------------------
 */

/* How good a choice a spot is: the smaller, field by field, the better. */
typedef struct {
        unsigned in_break; /* times it is in this break already */
        bool adjacent;
        int64_t last_utc_ms;
        uint64_t lot;
} Rank;

static bool rank_below(const Rank *a, const Rank *b) {
        if (a->in_break != b->in_break)
                return a->in_break < b->in_break;
        if (a->adjacent != b->adjacent)
                return a->adjacent < b->adjacent;
        return a->last_utc_ms != b->last_utc_ms ? a->last_utc_ms < b->last_utc_ms : a->lot < b->lot;
}

static unsigned times_in(const GPtrArray *spots, const Asset *asset) {
        unsigned n = 0;
        for (guint i = 0; i < spots->len; i++)
                n += spots->pdata[i] == asset;
        return n;
}

/* Cooldown and daily cap, plays of this break counted in. INV-TRAFFIC-CAPS-001 */
static bool may_play(const Fill *fill, const Asset *spot, int64_t at_utc_ms, unsigned in_break) {
        const int64_t cooldown = fill->policy->cooldown_ms[spot->kind],
                      last = traffic_history_last(fill->history, spot->id);
        const int32_t most = fill->policy->max_plays_per_day;
        if (cooldown > 0 && (in_break > 0 || (last != INT64_MIN && at_utc_ms - last < cooldown)))
                return false;
        return most == 0 ||
               traffic_history_count(fill->history, spot->id, fill->day_start_utc_ms) + in_break < (uint32_t)most;
}

static const Asset *next_spot(const Fill *fill, const GPtrArray *spots, int64_t room_ms, int64_t at_utc_ms) {
        const GPtrArray *all = fill->inventory->spots;
        const Asset *last = spots->len > 0 ? spots->pdata[spots->len - 1] : fill->last;
        const uint64_t seed = seed_mix_int(fill->seed, at_utc_ms); /* INV-TRAFFIC-FILL-DETERMINISTIC-001 */
        const Asset *best = NULL;
        Rank best_rank = {0};
        for (guint i = 0; i < all->len; i++) {
                const Asset *spot = all->pdata[i];
                const unsigned in_break = times_in(spots, spot);
                if (spot->duration_ms > room_ms || !may_play(fill, spot, at_utc_ms, in_break))
                        continue;
                const Rank rank = {.in_break = in_break,
                                   .adjacent = spot == last,
                                   .last_utc_ms = traffic_history_last(fill->history, spot->id),
                                   .lot = seed_mix(seed, spot->id)};
                if (best && !rank_below(&rank, &best_rank))
                        continue;
                best = spot;
                best_rank = rank;
        }
        return best;
}

static GPtrArray *choose_spots(Fill *fill, int64_t length_ms, int64_t *ret_left_ms) {
        GPtrArray *spots = g_ptr_array_new();
        int64_t left = length_ms;
        while (left >= SPOT_MIN_MS && fill->chosen < SPOTS_MAX) {
                const Asset *spot = next_spot(fill, spots, left, fill->at_utc_ms + length_ms - left);
                if (!spot)
                        break;
                g_ptr_array_add(spots, (Asset *)spot);
                fill->chosen++;
                left -= spot->duration_ms;
        }
        *ret_left_ms = left;
        return spots;
}

/* One pad after each spot; the last ones get the odd milliseconds. INV-BREAK-PAD-DISTRIBUTED-001 */
static void add_spots(Fill *fill, const GPtrArray *spots, int64_t pads_ms) {
        for (guint i = 0; i < spots->len; i++) {
                const Asset *spot = spots->pdata[i];
                add_play(fill, spot, spot->duration_ms);
                fill->report.spots_ms += spot->duration_ms;
                add_pad(fill, pads_ms / spots->len + (i >= spots->len - pads_ms % spots->len));
                fill->last = spot;
        }
}

static void fill_break(Fill *fill, int64_t length_ms) {
        const int64_t end_utc_ms = fill->at_utc_ms + length_ms;
        int64_t left = 0;
        g_autoptr(GPtrArray) spots = choose_spots(fill, length_ms, &left);
        const bool with_filler = fill->inventory->filler->len > 0 && (spots->len == 0 || left > FILLER_FROM_MS);
        add_spots(fill, spots, with_filler ? 0 : left);
        if (with_filler)
                add_filler(fill, left);
        else if (spots->len == 0)
                add_pad(fill, left);
        fill->report.empty_breaks += spots->len == 0 && !with_filler;
        g_assert(fill->at_utc_ms == end_utc_ms); /* INV-BREAK-PAD-EXACT-001 */
}

/* --- programmes -----------------------------------------------------------------------------------------------------
 */

/* The content as it is now, or NULL and GError. */
static const Asset *content_of(const TrafficInventory *inventory, const Programme *programme, GError **error) {
        const Asset *asset = channel_spec_asset(inventory->spec, inventory->catalog, programme->asset_id);
        if (!asset || !asset_eligible(asset))
                g_set_error(error, RV_ERROR, RV_ERROR_NOT_FOUND, "\"%s\" (asset %s) is %s", programme->title,
                            programme->asset_id, asset ? "not eligible any more" : "not in the catalog any more");
        else if (asset->duration_ms > programme->end_utc_ms - programme->start_utc_ms)
                g_set_error(error, RV_ERROR, RV_ERROR_INVALID,
                            "\"%s\" plays longer (%" G_GINT64_FORMAT " ms) than its slot", programme->title,
                            asset->duration_ms);
        else
                return asset;
        return NULL;
}

static void fill_acts(Fill *fill, const Asset *content, const GArray *acts) {
        for (guint i = 0; i < acts->len; i++) {
                const TrafficAct *act = &g_array_index(acts, TrafficAct, i);
                add_item(fill, (TrafficItem){.asset = content,
                                             .content = true,
                                             .offset_ms = act->offset_ms,
                                             .duration_ms = act->duration_ms,
                                             .fade_in_ms = act->fade_in_ms,
                                             .fade_out_ms = act->fade_out_ms});
                if (act->break_ms > 0)
                        fill_break(fill, act->break_ms);
        }
}

GArray *traffic_fill(const TrafficInventory *inventory, TrafficHistory *history, const Programme *programme,
                     TrafficReport *ret_report, GError **error) {
        const ChannelSpec *spec = inventory->spec;
        const int64_t slot_ms = programme->end_utc_ms - programme->start_utc_ms;
        const Asset *content = programme->asset_id ? content_of(inventory, programme, error) : NULL;
        if (programme->asset_id && !content)
                return NULL;
        Fill fill = {.inventory = inventory,
                     .policy = channel_spec_policy(spec),
                     .history = history,
                     .items = g_array_new(false, true, sizeof(TrafficItem)),
                     .at_utc_ms = programme->start_utc_ms,
                     .seed = seed_mix(seed_mix(0, spec->id), programme->id)};
        char day[11];
        int64_t day_end_utc_ms = 0;
        schedule_day_of(spec, programme->start_utc_ms, day);
        schedule_day_bounds(spec, day, &fill.day_start_utc_ms, &day_end_utc_ms);
        if (content) {
                g_autoptr(GArray) acts = traffic_acts(fill.policy, spec->type, content, slot_ms);
                fill_acts(&fill, content, acts);
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
