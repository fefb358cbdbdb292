/*
 * Rotation: what comes next in each pool. All that it knows from one day to the next is in a JSON value:
 *
 *     {"version": 1,
 *      "cursors": {POOLS: {"asset": id, "index": n}},  the last one taken, in order modes; index for when it
 *                                                      has vanished
 *      "turns":   {POOLS: pool},                       the pool that had the last turn of a shuffle
 *      "decks":   {POOLS: [asset, ...]},               what random_no_repeat has shown of this round, in order
 *      "aired":   {asset: start_utc_ms},               films and random draws of late, for cooldowns
 *      "shown":   {asset: start_utc_ms}}               whatever was on in the day, and its parts; the
 *                                                      next day is told of the last
 */
#include <string.h>

#include "core/plan/schedule/rules.h"

#define DAY_MS (24 * HOUR_MS)
#define FILM_DAYS 90 /* how long it is known at least when a film was on */

struct Rotation {
        const ChannelSpec *spec;
        const CatalogSnapshot *catalog;
        json_t *cursors, *turns, *decks, *aired, *shown; /* borrowed from state */
        json_t *state;
        int64_t last_utc_ms; /* start of the latest programme that is no filler; 0 = none */
        int64_t from_utc_ms; /* the day's start, from which "added within" counts back; 0 = as of the newest asset */
        GHashTable *pools;   /* name -> GPtrArray of const Asset: the pool, in its order */
        GHashTable *units;   /* Asset of a virtual asset -> Unit */
        GPtrArray *made;     /* GPtrArray of Unit: what owns them */
        GHashTable *entries; /* Entry -> GPtrArray of GPtrArray: each pool after the entry's own filter */
        GHashTable *keys;    /* Entry.key -> Entry */
};

/* --- set-up ---------------------------------------------------------------------------------------------------------
 */

static json_t *state_part(json_t *state, const char *name) {
        json_t *part = json_object_get(state, name);
        if (!json_is_object(part)) {
                part = json_object();
                json_object_set_new(state, name, part);
        }
        return part;
}

static void open_state(Rotation *rotation, const json_t *before) {
        const char *asset_id;
        json_t *start;
        rotation->state = json_is_object(before) ? json_deep_copy(before) : json_object();
        json_object_set_new(rotation->state, "version", json_integer(1));
        rotation->cursors = state_part(rotation->state, "cursors");
        rotation->turns = state_part(rotation->state, "turns");
        rotation->decks = state_part(rotation->state, "decks");
        rotation->aired = state_part(rotation->state, "aired");
        rotation->shown = state_part(rotation->state, "shown");
        json_object_foreach(rotation->shown, asset_id, start) rotation->last_utc_ms =
                MAX(rotation->last_utc_ms, json_integer_value(start));
}

static GPtrArray *pool_list(Rotation *rotation, const char *name, const GHashTable *excluded);

/* A virtual asset is a pool of units, each of which stands as an asset. */
static GPtrArray *unit_list(Rotation *rotation, const Pool *pool, const GHashTable *excluded) {
        g_autoptr(GPtrArray) sources = g_ptr_array_new();
        GPtrArray *list = g_ptr_array_new();
        if (pool->composition->kind != COMPOSE_SEQUENCE)
                for (char **name = pool->composition->names; *name; name++)
                        g_ptr_array_add(sources, pool_list(rotation, *name, excluded));
        GPtrArray *units = composition_units(pool, sources, rotation->spec->id, rotation->catalog, excluded);
        g_ptr_array_add(rotation->made, units);
        for (guint i = 0; i < units->len; i++) {
                Unit *unit = units->pdata[i];
                g_ptr_array_add(list, unit->asset);
                g_hash_table_insert(rotation->units, unit->asset, unit);
        }
        return list;
}

static GPtrArray *pool_list(Rotation *rotation, const char *name, const GHashTable *excluded) {
        GPtrArray *list = g_hash_table_lookup(rotation->pools, name);
        if (list)
                return list;
        const Pool *pool = rules_pool(rotation->spec->rules, name);
        if (pool->composition)
                list = unit_list(rotation, pool, excluded);
        else if (rotation->from_utc_ms)
                list = pool_evaluate_at(pool, rotation->spec->id, rotation->catalog, excluded, rotation->from_utc_ms);
        else
                list = pool_evaluate(pool, rotation->spec->id, rotation->catalog, excluded);
        g_hash_table_insert(rotation->pools, pool->name, list);
        return list;
}

const GPtrArray *rotation_parts(const Rotation *rotation, const Asset *asset) {
        const Unit *unit = g_hash_table_lookup(rotation->units, asset);
        return unit ? unit->parts : NULL;
}

/* Where the asset of that id stands in a list of assets of the catalog or of units. */
static bool find_id(const Rotation *rotation, const GPtrArray *list, const char *asset_id, guint *ret_position) {
        const Asset *known = catalog_snapshot_find(rotation->catalog, asset_id);
        if (known)
                return g_ptr_array_find((GPtrArray *)list, known, ret_position);
        for (guint i = 0; g_hash_table_size(rotation->units) > 0 && i < list->len; i++)
                if (strcmp(((const Asset *)list->pdata[i])->id, asset_id) == 0) {
                        *ret_position = i;
                        return true;
                }
        return false;
}

static GPtrArray *filtered(const GPtrArray *list, const AssetFilter *filter) {
        GPtrArray *kept = g_ptr_array_sized_new(list->len);
        for (guint i = 0; i < list->len; i++)
                if (asset_filter_accepts(filter, list->pdata[i]))
                        g_ptr_array_add(kept, list->pdata[i]);
        return kept;
}

/* --- what has nothing to play --------------------------------------------------------------------------------------
 */

/* Where and how it is told. */
typedef struct {
        GHashTable *told; /* Pool -> DiagSeverity + 1 of what was told of it as such */
        DiagSeverity severity;
        Diag *diag;
} Tell;

/* A pool is told of once, and again when what was a warning is an error elsewhere. */
static bool tell_once(const Tell *tell, const Pool *pool) {
        const int before = GPOINTER_TO_INT(g_hash_table_lookup(tell->told, pool));
        if (before == DIAG_ERROR + 1 || before == (int)tell->severity + 1)
                return false;
        g_hash_table_insert(tell->told, (gpointer)pool, GINT_TO_POINTER((int)tell->severity + 1));
        return true;
}

/* The pools that a virtual asset is made of, and the assets of a sequence. True: something was told. */
static bool tell_of_parts(const Rotation *rotation, const Pool *pool, const Tell *tell) {
        const Composition *composition = pool->composition;
        bool any = false;
        for (guint i = 0; composition->places && i < composition->places->len; i++)
                any = assets_named_fault(rotation->catalog, composition->names[i], pool->name,
                                         &g_array_index(composition->places, Place, i), tell->severity, tell->diag) ||
                      any;
        return any;
}

/* INV-SCHEDULE-FAULTS-001: a pool with nothing in it is told with its name and where it is used. */
static void report_empty(Rotation *rotation, const Entry *entry, const Pool *pool, const Tell *tell) {
        const Place *place = &entry->place;
        g_autofree char *unfit = pool->composition ? NULL : pool_unfit(pool, rotation->catalog);
        if (unfit)
                diag_add(tell->diag, tell->severity, place->file, place->line, place->column,
                         "pool \"%s\" (used in %s) is empty: of the catalog %s", pool->name, entry->key, unfit);
        else
                diag_add(tell->diag, tell->severity, place->file, place->line, place->column,
                         "pool \"%s\" (used in %s) is empty: nothing in the catalog matches it", pool->name,
                         entry->key);
}

/* What an entry names by title or id, alone or in a sequence. True: a fault of it was told, now or before. */
static bool tell_of_names(const Rotation *rotation, const Entry *entry, const Pool *pool, const Tell *tell) {
        if (!pool->program && !(pool->composition && pool->composition->places))
                return false;
        if (!tell_once(tell, pool))
                return true;
        const bool told = pool->program ? assets_named_fault(rotation->catalog, pool->program, entry->key, &pool->place,
                                                             tell->severity, tell->diag)
                                        : tell_of_parts(rotation, pool, tell);
        if (!told)
                g_hash_table_remove(tell->told, pool);
        return told;
}

static void report_unsuited(const Entry *entry, const char *pool, guint n, const Tell *tell) {
        const Place *place = &entry->place;
        diag_add(tell->diag, tell->severity, place->file, place->line, place->column,
                 "nothing in pool \"%s\" suits %s: none of its %u assets has the rating and length asked for "
                 "(films are 60 minutes or more unless min_duration_sec says otherwise)",
                 pool, entry->key, n);
}

/* False: what the entry plays from is not known, and why is told already. */
static bool is_known(const Rotation *rotation, const Entry *entry) {
        bool known = entry->pools != NULL;
        for (char **name = entry->pools; known && *name; name++) {
                const Pool *pool = rules_pool(rotation->spec->rules, *name);
                known = pool && !pool->faulty;
        }
        return known;
}

/* False with faults when a name means nothing or several. */
static bool check_names(Rotation *rotation, const Entry *entry, const Tell *tell) {
        bool good = true;
        for (char **name = entry->pools; *name; name++)
                good = !tell_of_names(rotation, entry, rules_pool(rotation->spec->rules, *name), tell) && good;
        return good;
}

/* What has none of the entry's assets shorter than its window is filler every day. */
static void report_room(const Rotation *rotation, const Entry *entry, const char *pool, const GPtrArray *list,
                        const Tell *tell) {
        const int64_t window_ms = (entry->end - entry->start) * MINUTE_MS;
        const int64_t room_ms = entry->allow_bleed ? DAY_MS : window_ms;
        const Place *place = &entry->place;
        int64_t least_ms = INT64_MAX;
        for (guint i = 0; i < list->len; i++) {
                const Asset *asset = list->pdata[i];
                const int64_t slot_ms = schedule_slot_ms(rotation->spec, asset->duration_ms);
                if (slot_ms <= room_ms)
                        return; /* nearly always the first one: this is looked at for every day */
                least_ms = MIN(least_ms, slot_ms);
        }
        diag_add(tell->diag, DIAG_WARNING, place->file, place->line, place->column,
                 "nothing in pool \"%s\" ever fits %s: its shortest takes %d minutes of the grid, and there are %d%s",
                 pool, entry->key, (int)(least_ms / MINUTE_MS), (int)(room_ms / MINUTE_MS),
                 room_ms < DAY_MS ? ": make it longer, or add allow_bleed" : " at most");
}

/* False when the entry has nothing to play from any of its pools and that is not allowed. */
static bool open_entry(Rotation *rotation, Entry *entry, const ScheduleFrom *from, Tell *tell) {
        GPtrArray *lists = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);
        const AssetFilter anything = {0}, *filter = entry->faulty ? &anything : &entry->filter;
        bool any = false;
        for (char **pool = entry->pools; *pool; pool++) {
                GPtrArray *list = filtered(pool_list(rotation, *pool, from->excluded), filter);
                g_ptr_array_add(lists, list);
                any = any || list->len > 0;
        }
        g_hash_table_insert(rotation->entries, entry, lists);
        g_hash_table_insert(rotation->keys, entry->key, entry);
        tell->severity = from->allow_empty ? DIAG_WARNING : DIAG_ERROR;
        const bool named = check_names(rotation, entry, tell);
        tell->severity = any || from->allow_empty ? DIAG_WARNING : DIAG_ERROR;
        for (guint i = 0; i < lists->len; i++) {
                const Pool *pool = rules_pool(rotation->spec->rules, entry->pools[i]);
                const guint n = pool_list(rotation, entry->pools[i], from->excluded)->len;
                if (((GPtrArray *)lists->pdata[i])->len > 0) {
                        if (!entry->faulty)
                                report_room(rotation, entry, pool->name, lists->pdata[i], tell);
                } else if (n > 0)
                        report_unsuited(entry, pool->name, n, tell);
                else if (tell_once(tell, pool)) /* else: its name's fault is told */
                        report_empty(rotation, entry, pool, tell);
        }
        return (any && named) || from->allow_empty;
}

/* Whether something of the layer may play on the day: its own entries, or what the day before leaves over. */
static bool layer_concerns(const Layer *layer, const char *day) {
        return !day || layer_applies(layer, day_number(day)) || layer_applies(layer, day_number(day) - 1);
}

Rotation *rotation_new(const ChannelSpec *spec, const CatalogSnapshot *catalog, const ScheduleFrom *from,
                       const char *day, Diag *diag) {
        Rotation *rotation = g_new0(Rotation, 1);
        int64_t end_utc_ms = 0;
        rotation->spec = spec;
        rotation->catalog = catalog;
        rotation->pools = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)g_ptr_array_unref);
        rotation->entries = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_ptr_array_unref);
        rotation->keys = g_hash_table_new(g_str_hash, g_str_equal);
        rotation->units = g_hash_table_new(NULL, NULL);
        rotation->made = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);
        open_state(rotation, from->state);
        if (day)
                schedule_day_bounds(spec, day, &rotation->from_utc_ms, &end_utc_ms);
        bool good = true;
        g_autoptr(GHashTable) told = g_hash_table_new(NULL, NULL);
        Tell tell = {told, DIAG_ERROR, diag};
        for (guint i = 0; i < spec->rules->layers->len; i++) {
                const Layer *layer = spec->rules->layers->pdata[i];
                for (guint j = 0; layer_concerns(layer, day) && j < layer->entries->len; j++)
                        if (is_known(rotation, layer->entries->pdata[j]))
                                good = open_entry(rotation, layer->entries->pdata[j], from, &tell) && good;
        }
        if (!good)
                g_clear_pointer(&rotation, rotation_free);
        return rotation;
}

void rotation_free(Rotation *rotation) {
        if (!rotation)
                return;
        g_hash_table_unref(rotation->entries);
        g_hash_table_unref(rotation->pools);
        g_hash_table_unref(rotation->keys);
        g_hash_table_unref(rotation->units);
        g_ptr_array_unref(rotation->made);
        json_decref(rotation->state);
        g_free(rotation);
}

/* --- picking --------------------------------------------------------------------------------------------------------
 */

static bool fits(const Rotation *rotation, const Entry *entry, const RotationAsk *ask, const Asset *asset) {
        const int64_t slot = schedule_slot_ms(rotation->spec, asset->duration_ms);
        return slot <= (entry->allow_bleed ? DAY_MS : ask->room_ms); /* nothing plays longer than a day */
}

static int64_t id_aired_at(const Rotation *rotation, const char *asset_id) {
        return MAX(json_integer_value(json_object_get(rotation->aired, asset_id)),
                   json_integer_value(json_object_get(rotation->shown, asset_id)));
}

/* When it, or a part of it, was on the last time. */
static int64_t aired_at(const Rotation *rotation, const Asset *asset) {
        int64_t at = id_aired_at(rotation, asset->id);
        const GPtrArray *parts = rotation_parts(rotation, asset);
        for (guint i = 0; parts && i < parts->len; i++)
                at = MAX(at, id_aired_at(rotation, ((const Asset *)parts->pdata[i])->id));
        return at;
}

/* INV-SCHEDULE-NO-TWICE-RUNNING-001: whether the programme right before shows it, in whatever entry or day. */
static bool just_shown(const Rotation *rotation, const Asset *asset) {
        return rotation->last_utc_ms != 0 && aired_at(rotation, asset) == rotation->last_utc_ms;
}

/* Not in this broadcast day, nor within the cooldown. */
static bool rested(const Rotation *rotation, const Entry *entry, const RotationAsk *ask, const Asset *asset) {
        const int64_t last = aired_at(rotation, asset);
        const int64_t since = MIN(ask->day_start_utc_ms, ask->start_utc_ms - entry->cooldown_days * DAY_MS);
        return last == 0 || last < since;
}

static bool is_film_entry(const Entry *entry) {
        return entry->filter.min_ms > 0 || entry->kind == ENTRY_MOVIE_MARATHON || entry->kind == ENTRY_MOVIE_BLOCK;
}

/* Whether repeats are held off: films always, anything that is drawn at random too. */
static bool rests(const Entry *entry) {
        return is_film_entry(entry) || entry->mode == MODE_RANDOM;
}

/* Films for which no cooldown says how soon they may be on again. */
static bool takes_turns(const Entry *entry) {
        return is_film_entry(entry) && entry->cooldown_days == 0;
}

/* When all are tired: the one that has rested longest, the earliest in order among equals. */
static const Asset *most_rested(const Rotation *rotation, const Entry *entry, const RotationAsk *ask,
                                const GPtrArray *list) {
        const Asset *best = NULL;
        for (guint i = 0; i < list->len; i++) {
                const Asset *asset = list->pdata[i];
                if (fits(rotation, entry, ask, asset) &&
                    (!best || aired_at(rotation, asset) < aired_at(rotation, best)))
                        best = asset;
        }
        return best;
}

/* INV-SCHEDULE-SEED-DETERMINISTIC-001: channel, broadcast day, entry and instant decide, in every process alike. */
static uint64_t draw(const Rotation *rotation, const Entry *entry, const RotationAsk *ask) {
        uint64_t seed = seed_mix(0, rotation->spec->id);
        seed = seed_mix(seed, ask->day);
        seed = seed_mix(seed, entry->key);
        return seed_mix_int(seed, ask->start_utc_ms);
}

typedef struct {
        const Asset *asset;
        int64_t aired_utc_ms;
} Tired;

static gint by_airing(gconstpointer a, gconstpointer b) {
        const Tired *x = a, *y = b;
        if (x->aired_utc_ms != y->aired_utc_ms)
                return x->aired_utc_ms < y->aired_utc_ms ? -1 : 1;
        return strcmp(x->asset->id, y->asset->id);
}

/* When all are tired: one of the half that has rested longer, so that the order of the first round is not that of the
 * next. Films wait for their turn. */
static const Asset *draw_rested(const Rotation *rotation, const Entry *entry, const RotationAsk *ask,
                                const GPtrArray *list) {
        g_autoptr(GArray) tired = g_array_new(false, false, sizeof(Tired));
        for (guint i = 0; i < list->len; i++) {
                const Tired one = {list->pdata[i], aired_at(rotation, list->pdata[i])};
                if (fits(rotation, entry, ask, one.asset))
                        g_array_append_val(tired, one);
        }
        if (tired->len == 0)
                return NULL;
        g_array_sort(tired, by_airing);
        return g_array_index(tired, Tired, draw(rotation, entry, ask) % ((tired->len + 1) / 2)).asset;
}

static guint position_after(const Rotation *rotation, const GPtrArray *list, const char *key) {
        const json_t *cursor = json_object_get(rotation->cursors, key);
        const char *asset_id = json_string_value(json_object_get(cursor, "asset"));
        guint position = 0;
        if (!asset_id)
                return 0;
        if (find_id(rotation, list, asset_id, &position))
                return (position + 1) % list->len;
        return (guint)(json_integer_value(json_object_get(cursor, "index")) %
                       list->len); /* it has gone: who took its place */
}

/* INV-SCHEDULE-SEQUENTIAL-ADVANCE-001: the next after the cursor that may be played. */
static const Asset *pick_next(const Rotation *rotation, const Entry *entry, const RotationAsk *ask,
                              const GPtrArray *list, const char *key) {
        if (list->len == 0)
                return NULL;
        const guint from = position_after(rotation, list, key);
        for (guint i = 0; i < list->len; i++) {
                const Asset *asset = list->pdata[(from + i) % list->len];
                if (fits(rotation, entry, ask, asset) && (!rests(entry) || rested(rotation, entry, ask, asset)))
                        return asset;
        }
        return rests(entry) ? most_rested(rotation, entry, ask, list) : NULL;
}

/* The pools one after the other; what is in several of them once. Caller unrefs. */
static GPtrArray *joined(const GPtrArray *lists) {
        if (lists->len == 1)
                return g_ptr_array_ref(lists->pdata[0]);
        g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
        GPtrArray *all = g_ptr_array_new();
        for (guint i = 0; i < lists->len; i++) {
                const GPtrArray *list = lists->pdata[i];
                for (guint j = 0; j < list->len; j++)
                        if (g_hash_table_add(seen, list->pdata[j]))
                                g_ptr_array_add(all, list->pdata[j]);
        }
        return all;
}

static gint by_time(gconstpointer a_at, gconstpointer b_at) {
        const int64_t a = *(const int64_t *)a_at, b = *(const int64_t *)b_at;
        return (a > b) - (a < b);
}

/* Leaves the half that was on longest ago, with all that are equal to the last of it: those never shown, mostly. */
static void keep_longest_rested(const Rotation *rotation, GPtrArray *candidates) {
        g_autoptr(GArray) times = g_array_sized_new(false, false, sizeof(int64_t), candidates->len);
        guint n = 0;
        for (guint i = 0; i < candidates->len; i++) {
                const int64_t at = aired_at(rotation, candidates->pdata[i]);
                g_array_append_val(times, at);
        }
        g_autoptr(GArray) sorted = g_array_copy(times);
        g_array_sort(sorted, by_time);
        const int64_t latest = g_array_index(sorted, int64_t, (sorted->len - 1) / 2);
        for (guint i = 0; i < candidates->len; i++)
                if (g_array_index(times, int64_t, i) <= latest)
                        candidates->pdata[n++] = candidates->pdata[i];
        g_ptr_array_set_size(candidates, (int)n);
}

static const Asset *pick_random(const Rotation *rotation, const Entry *entry, const RotationAsk *ask,
                                const GPtrArray *list) {
        g_autoptr(GPtrArray) candidates = g_ptr_array_new();
        for (guint i = 0; i < list->len; i++)
                if (fits(rotation, entry, ask, list->pdata[i]) && rested(rotation, entry, ask, list->pdata[i]) &&
                    !just_shown(rotation, list->pdata[i]))
                        g_ptr_array_add(candidates, list->pdata[i]);
        if (candidates->len > 1 && takes_turns(entry))
                keep_longest_rested(rotation, candidates);
        if (candidates->len == 0)
                return entry->filter.min_ms > 0 ? most_rested(rotation, entry, ask, list)
                                                : draw_rested(rotation, entry, ask, list);
        return candidates->pdata[draw(rotation, entry, ask) % candidates->len];
}

static bool in_deck(const json_t *deck, const Asset *asset, size_t *ret_at) {
        for (size_t i = 0; i < json_array_size(deck); i++)
                if (g_strcmp0(json_string_value(json_array_get(deck, i)), asset->id) == 0) {
                        *ret_at = i;
                        return true;
                }
        return false;
}

/* A draw of those that this round has not shown, of these of those that were not on today, if there are any. When none
 * of them fits, what was shown longest ago; a new round does not begin with what the last one ended with. */
static const Asset *pick_new(const Rotation *rotation, const Entry *entry, const RotationAsk *ask,
                             const GPtrArray *list) {
        const json_t *deck = json_object_get(rotation->decks, entry->pools_key);
        g_autoptr(GPtrArray) fresh = g_ptr_array_new(), today = g_ptr_array_new();
        const Asset *oldest = NULL, *last = NULL;
        size_t oldest_at = 0, at = 0;
        for (guint i = 0; i < list->len; i++) {
                const Asset *asset = list->pdata[i];
                if (!fits(rotation, entry, ask, asset))
                        continue;
                if (just_shown(rotation, asset)) {
                        last = last ? last : asset;
                } else if (!in_deck(deck, asset, &at)) {
                        g_ptr_array_add(rested(rotation, entry, ask, asset) ? fresh : today, list->pdata[i]);
                } else if (!oldest || at < oldest_at) {
                        oldest = asset;
                        oldest_at = at;
                }
        }
        const GPtrArray *candidates = fresh->len > 0 ? fresh : today;
        if (candidates->len > 0)
                return candidates->pdata[draw(rotation, entry, ask) % candidates->len];
        return oldest ? oldest : last;
}

/* Of what comes next in each pool, what was on right before is left out while there is something else. */
static void drop_just_shown(const Rotation *rotation, GPtrArray *next) {
        bool other = false;
        for (guint i = 0; i < next->len; i++)
                other = other || (next->pdata[i] && !just_shown(rotation, next->pdata[i]));
        for (guint i = 0; other && i < next->len; i++)
                if (next->pdata[i] && just_shown(rotation, next->pdata[i]))
                        next->pdata[i] = NULL;
}

/* Draws a pool by its weight among those that have something to play, and takes what is next in it. */
static const Asset *pick_weighted(const Rotation *rotation, const Entry *entry, const RotationAsk *ask,
                                  const GPtrArray *lists, const char **ret_pool) {
        g_autoptr(GPtrArray) next = g_ptr_array_new();
        int64_t total = 0;
        for (guint i = 0; i < lists->len; i++) {
                const Asset *asset = pick_next(rotation, entry, ask, lists->pdata[i], entry->pools[i]);
                g_ptr_array_add(next, (gpointer)asset);
        }
        drop_just_shown(rotation, next);
        for (guint i = 0; i < next->len; i++)
                total += next->pdata[i] ? g_array_index(entry->weights, int64_t, i) : 0;
        int64_t left = total > 0 ? (int64_t)(draw(rotation, entry, ask) % (uint64_t)total) : 0;
        for (guint i = 0; i < next->len; i++) {
                left -= next->pdata[i] ? g_array_index(entry->weights, int64_t, i) : 0;
                if (!next->pdata[i] || left >= 0)
                        continue;
                *ret_pool = entry->pools[i];
                return next->pdata[i];
        }
        return NULL;
}

/* Round robin: each pool in its turn, an empty one or one with nothing that fits is passed over. */
static const Asset *pick_turn(const Rotation *rotation, const Entry *entry, const RotationAsk *ask,
                              const GPtrArray *lists, const char **ret_pool) {
        const char *last = json_string_value(json_object_get(rotation->turns, entry->pools_key));
        guint turn = 0;
        for (guint i = 0; last && i < lists->len; i++)
                if (strcmp(entry->pools[i], last) == 0)
                        turn = i + 1;
        for (guint i = 0; i < lists->len; i++) {
                const guint at = (turn + i) % lists->len;
                const Asset *asset = pick_next(rotation, entry, ask, lists->pdata[at], entry->pools[at]);
                if (!asset)
                        continue;
                *ret_pool = entry->pools[at];
                return asset;
        }
        return NULL;
}

const Asset *rotation_pick(Rotation *rotation, const Entry *entry, const RotationAsk *ask, const char **ret_pool) {
        const GPtrArray *lists = g_hash_table_lookup(rotation->entries, entry);
        *ret_pool = entry->pools_key;
        if (entry->mode == MODE_SHUFFLE)
                return pick_turn(rotation, entry, ask, lists, ret_pool);
        if (entry->mode == MODE_WEIGHTED)
                return pick_weighted(rotation, entry, ask, lists, ret_pool);
        g_autoptr(GPtrArray) all = joined(lists);
        if (entry->mode == MODE_RANDOM)
                return pick_random(rotation, entry, ask, all);
        if (entry->mode == MODE_RANDOM_NO_REPEAT)
                return pick_new(rotation, entry, ask, all);
        return pick_next(rotation, entry, ask, all, entry->pools_key);
}

/* --- explaining -----------------------------------------------------------------------------------------------------
 */

static const char *mode_name(PickMode mode) {
        static const char *const names[] = {"sequential", "shuffle", "random", "weighted", "random_no_repeat"};
        return names[mode];
}

static const char *mode_rule(const Entry *entry) {
        switch (entry->mode) {
        case MODE_SEQUENTIAL:
                return "the first after the pool's cursor that fits";
        case MODE_SHUFFLE:
                return "the pools have their turns; of the one whose turn it was, the first after its cursor that fits";
        case MODE_RANDOM:
                return takes_turns(entry) ? "drawn of the longer rested half of those that fit and have rested; when "
                                            "none has, the one that rested longest"
                                          : "drawn of those that fit and have rested; when none has, of the longer "
                                            "rested half";
        case MODE_WEIGHTED:
                return "a pool drawn by weight; of it, the first after its cursor that fits";
        case MODE_RANDOM_NO_REPEAT:
                return "drawn of those that fit and were not shown in this round";
        }
        return "";
}

typedef struct {
        json_int_t held, fit, rested;
} Count;

static Count count_assets(const Rotation *rotation, const Entry *entry, const RotationAsk *ask) {
        const GPtrArray *lists = g_hash_table_lookup(rotation->entries, entry);
        g_autoptr(GPtrArray) all = joined(lists);
        Count count = {.held = all->len};
        for (guint i = 0; i < all->len; i++) {
                if (!fits(rotation, entry, ask, all->pdata[i]))
                        continue;
                count.fit++;
                count.rested += rested(rotation, entry, ask, all->pdata[i]);
        }
        return count;
}

json_t *rotation_explain(Rotation *rotation, const Entry *entry, const RotationAsk *ask, const char *pool) {
        const Count count = count_assets(rotation, entry, ask);
        const char *key = entry->mode == MODE_RANDOM_NO_REPEAT ? entry->pools_key : pool;
        json_t *cursor = json_object_get(rotation->cursors, pool),
               *turn = json_object_get(rotation->turns, entry->pools_key);
        json_t *deck = json_object_get(rotation->decks, key);
        g_autofree char *seed = g_strdup_printf("%016" G_GINT64_MODIFIER "x", draw(rotation, entry, ask));
        json_t *object = json_pack("{s:s,s:o,s:s,s:s,s:I,s:I,s:I,s:I}", "rule", mode_rule(entry), "entry",
                                   entry_json(entry), "pool", pool, "mode", mode_name(entry->mode), "held", count.held,
                                   "fit", count.fit, "rested", count.rested, "room_ms", (json_int_t)ask->room_ms);
        json_object_set_new(object, "seed", json_string(seed));
        json_object_set(object, "cursor", cursor ? cursor : json_null());
        if (entry->mode == MODE_SHUFFLE)
                json_object_set(object, "last_turn", turn ? turn : json_null());
        if (entry->mode == MODE_RANDOM_NO_REPEAT)
                json_object_set_new(object, "shown_in_round", json_integer((json_int_t)json_array_size(deck)));
        return object;
}

/* --- moving on ------------------------------------------------------------------------------------------------------
 */

/* Where the asset stands in the list its cursor runs over; 0 when the rules no longer have that list. */
static guint position_of(const Rotation *rotation, const Entry *entry, const Programme *programme) {
        guint position = 0;
        if (!entry)
                return 0;
        const GPtrArray *lists = g_hash_table_lookup(rotation->entries, entry);
        if (entry->mode == MODE_SHUFFLE || entry->mode == MODE_WEIGHTED) {
                for (guint i = 0; i < lists->len; i++)
                        if (strcmp(entry->pools[i], programme->pool) == 0)
                                (void)find_id(rotation, lists->pdata[i], programme->asset_id, &position);
                return position;
        }
        g_autoptr(GPtrArray) all = joined(lists);
        (void)find_id(rotation, all, programme->asset_id, &position);
        return position;
}

/* Behind all others of this round. When it was the last of the round, a new one begins, in which it alone was shown. */
static void record_deck(Rotation *rotation, const Entry *entry, const Programme *programme) {
        const GPtrArray *lists = g_hash_table_lookup(rotation->entries, entry);
        g_autoptr(GPtrArray) all = joined(lists);
        json_t *old = json_object_get(rotation->decks, entry->pools_key), *deck = json_array();
        guint shown = 1;
        size_t at = 0;
        for (size_t i = 0; i < json_array_size(old); i++)
                if (g_strcmp0(json_string_value(json_array_get(old, i)), programme->asset_id) != 0)
                        json_array_append(deck, json_array_get(old, i));
        for (guint i = 0; i < all->len; i++)
                shown += strcmp(((const Asset *)all->pdata[i])->id, programme->asset_id) != 0 &&
                         in_deck(deck, all->pdata[i], &at);
        if (shown >= all->len)
                json_array_clear(deck);
        json_array_append_new(deck, json_string(programme->asset_id));
        json_object_set_new(rotation->decks, entry->pools_key, deck);
}

/* Whoever asked for it: what was on today is not drawn again while there is something else. */
static void record_shown(Rotation *rotation, const Programme *programme) {
        const json_int_t start = programme->start_utc_ms;
        rotation->last_utc_ms = start;
        json_object_set_new(rotation->shown, programme->asset_id, json_integer(start));
        for (char **id = programme->part_ids; id && *id; id++)
                json_object_set_new(rotation->shown, *id, json_integer(start));
}

void rotation_record(Rotation *rotation, const Programme *programme) {
        if (programme->asset_id)
                record_shown(rotation, programme);
        if (!programme->asset_id || !programme->pool)
                return;
        const Entry *entry = programme->entry ? g_hash_table_lookup(rotation->keys, programme->entry) : NULL;
        if (programme->kind == ASSET_MOVIE || (entry && rests(entry)))
                json_object_set_new(rotation->aired, programme->asset_id, json_integer(programme->start_utc_ms));
        if (entry && entry->mode == MODE_RANDOM_NO_REPEAT)
                record_deck(rotation, entry, programme);
        if (entry && (entry->mode == MODE_RANDOM || entry->mode == MODE_RANDOM_NO_REPEAT))
                return; /* a draw does not move the cursor of those who go through the pool in order */
        if (entry && entry->mode == MODE_SHUFFLE)
                json_object_set_new(rotation->turns, entry->pools_key, json_string(programme->pool));
        json_t *cursor = json_object();
        json_object_set_new(cursor, "asset", json_string(programme->asset_id));
        json_object_set_new(cursor, "index", json_integer(position_of(rotation, entry, programme)));
        json_object_set_new(rotation->cursors, programme->pool, cursor);
}

static int64_t longest_cooldown_ms(const Rotation *rotation) {
        int64_t days = 1;
        for (guint i = 0; i < rotation->spec->rules->layers->len; i++) {
                const Layer *layer = rotation->spec->rules->layers->pdata[i];
                for (guint j = 0; j < layer->entries->len; j++)
                        days = MAX(days, ((const Entry *)layer->entries->pdata[j])->cooldown_days);
        }
        return (days + 1) * DAY_MS;
}

static bool is_film(const Rotation *rotation, const char *asset_id) {
        const Asset *asset = catalog_snapshot_find(rotation->catalog, asset_id);
        return asset && asset->kind == ASSET_MOVIE;
}

static void forget(Rotation *rotation, int64_t end_utc_ms) {
        const int64_t cooldown_ms = longest_cooldown_ms(rotation);
        const int64_t film_ms = MAX(cooldown_ms, FILM_DAYS * DAY_MS);
        const char *asset_id;
        json_t *start;
        void *next;
        json_object_foreach_safe(rotation->aired, next, asset_id, start) {
                const int64_t ago_ms = end_utc_ms - json_integer_value(start);
                if (ago_ms > film_ms || (ago_ms > cooldown_ms && !is_film(rotation, asset_id)))
                        json_object_del(rotation->aired, asset_id);
        }
        json_object_foreach_safe(rotation->shown, next, asset_id, start) {
                if (json_integer_value(start) < rotation->last_utc_ms)
                        json_object_del(rotation->shown, asset_id);
        }
}

json_t *rotation_state(Rotation *rotation, int64_t end_utc_ms) {
        forget(rotation, end_utc_ms);
        return json_deep_copy(rotation->state);
}
