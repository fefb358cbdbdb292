/* Virtual assets: what a composition makes of pools, and the content of a programme that is made of several assets. */
#include <string.h>

#include "core/plan/schedule/rules.h"
#include "proto/base/id.h"

#define UNITS_MAX 20000

void composition_free(Composition *composition) {
        if (!composition)
                return;
        g_strfreev(composition->names);
        for (guint i = 0; composition->places && i < composition->places->len; i++)
                place_clear(&g_array_index(composition->places, Place, i));
        g_clear_pointer(&composition->places, g_array_unref);
        g_free(composition->title);
        g_free(composition);
}

void unit_free(Unit *unit) {
        asset_free(unit->asset);
        g_ptr_array_unref(unit->parts);
        g_free(unit);
}

/* --- one asset of several -------------------------------------------------------------------------------------------
 */

static void add_chapters(GArray *chapters, const Asset *part, int64_t offset_ms) {
        if (offset_ms > 0) /* INV-LANGUAGE-VIRTUAL-001: a joint is a natural breakpoint */
                g_array_append_val(chapters, offset_ms);
        for (uint32_t i = 0; i < part->n_chapters; i++) {
                const int64_t at = offset_ms + part->chapter_ms[i];
                g_array_append_val(chapters, at);
        }
}

/* The parts as a single asset, with lengths and chapters of them all; the rest is the first one's. */
static Asset *compose_asset(const char *id, const GPtrArray *parts) {
        const Asset *first = parts->pdata[0];
        Asset *asset = asset_new();
        g_autoptr(GArray) chapters = g_array_new(false, false, sizeof(int64_t));
        for (guint i = 0; i < parts->len; i++) {
                add_chapters(chapters, parts->pdata[i], asset->duration_ms);
                asset->duration_ms += ((const Asset *)parts->pdata[i])->duration_ms;
        }
        g_free(asset->id);
        asset->id = g_strdup(id);
        asset->kind = first->kind;
        asset->state = ASSET_READY;
        asset->approved = true;
        asset->year = first->year;
        asset->rating = g_strdup(first->rating);
        asset->description = g_strdup(first->description);
        asset->n_chapters = chapters->len;
        asset->chapter_ms = g_memdup2(chapters->data, chapters->len * sizeof(int64_t));
        return asset;
}

/* Episodes of one series stay such: "Title / Title". Anything else has the composition's name. */
static void name_asset(Asset *asset, const Pool *pool, const GPtrArray *parts) {
        const Asset *first = parts->pdata[0];
        g_autoptr(GString) titles = g_string_new(NULL);
        bool one_series = first->kind == ASSET_EPISODE && first->series;
        for (guint i = 0; i < parts->len; i++) {
                const Asset *part = parts->pdata[i];
                one_series = one_series && part->kind == ASSET_EPISODE && g_strcmp0(part->series, first->series) == 0;
                g_string_append_printf(titles, "%s%s", i ? " / " : "", part->title);
        }
        g_free(asset->title);
        if (one_series && !pool->composition->title) {
                asset->title = g_string_free(g_steal_pointer(&titles), false);
                asset->series = g_strdup(first->series);
                asset->season = first->season;
                asset->episode = first->episode;
        } else {
                asset->title = g_strdup(pool->composition->title ? pool->composition->title : pool->name);
        }
        g_strfreev(asset->genres);
        asset->genres = first->genres ? g_strdupv(first->genres) : g_new0(char *, 1);
}

/* Of the same parts the same id, in every process. */
static Unit *unit_new(const Pool *pool, GPtrArray *take_parts) {
        g_autoptr(GString) name = g_string_new("virtual/");
        char id[RV_UUID_SIZE];
        g_string_append(name, pool->name);
        for (guint i = 0; i < take_parts->len; i++)
                g_string_append_printf(name, "/%s", ((const Asset *)take_parts->pdata[i])->id);
        rv_uuid_named(name->str, id);
        Unit *unit = g_new0(Unit, 1);
        unit->parts = take_parts;
        unit->asset = compose_asset(id, take_parts);
        name_asset(unit->asset, pool, take_parts);
        return unit;
}

/* --- compositions ---------------------------------------------------------------------------------------------------
 */

typedef struct {
        uint64_t seed;
} Deal;

static int compare_dealt(gconstpointer a_at, gconstpointer b_at, gpointer user) {
        const Asset *a = *(const Asset *const *)a_at, *b = *(const Asset *const *)b_at;
        const Deal *deal = user;
        const uint64_t key_a = seed_mix(deal->seed, a->id), key_b = seed_mix(deal->seed, b->id);
        return key_a != key_b ? (key_a < key_b ? -1 : 1) : strcmp(a->id, b->id);
}

/* (1 + 2), (3 + 4), ... */
static void compose_pairs(const Pool *pool, const GPtrArray *source, uint64_t seed, GPtrArray *units) {
        const guint count = (guint)pool->composition->count;
        g_autoptr(GPtrArray) dealt = g_ptr_array_copy((GPtrArray *)source, NULL, NULL);
        Deal deal = {seed};
        if (pool->composition->random)
                g_ptr_array_sort_with_data(dealt, compare_dealt, &deal);
        for (guint i = 0; i < dealt->len; i += count) {
                const guint n = MIN(count, dealt->len - i);
                if (n < count && !pool->composition->allow_short)
                        break;
                GPtrArray *parts = g_ptr_array_new();
                for (guint j = 0; j < n; j++)
                        g_ptr_array_add(parts, dealt->pdata[i + j]);
                g_ptr_array_add(units, unit_new(pool, parts));
        }
}

/* What stands there in a source, or the first after it that the parts do not have yet. */
static gpointer next_new(const GPtrArray *source, uint64_t at, const GPtrArray *parts) {
        for (guint i = 0; i < source->len; i++) {
                gpointer asset = source->pdata[(at % source->len + i) % source->len];
                if (!g_ptr_array_find((GPtrArray *)parts, asset, NULL))
                        return asset;
        }
        return source->pdata[at % source->len];
}

/* How many segments before the one of that number, or in all of them, are of its pool. */
static guint same_segments(char **names, const char *name, guint before) {
        guint n = 0;
        for (guint i = 0; names[i] && i < before; i++)
                n += g_strcmp0(names[i], name) == 0;
        return n;
}

/* Where a segment's pool has come to in the block of that number. */
static uint64_t block_position(char **names, guint segment, guint block) {
        return (uint64_t)block * same_segments(names, names[segment], G_MAXUINT) +
               same_segments(names, names[segment], segment);
}

/* One of each source, as often as the longest has something new; segments of one pool go on in it. */
static void compose_blocks(const Pool *pool, const GPtrArray *sources, uint64_t seed, GPtrArray *units) {
        char **names = pool->composition->names;
        guint n = 0;
        for (guint i = 0; i < sources->len; i++) {
                const guint held = ((const GPtrArray *)sources->pdata[i])->len;
                const guint takes = MAX(same_segments(names, names[i], G_MAXUINT), 1);
                if (held == 0)
                        return; /* a block without one of its parts is none */
                n = MAX(n, (held + takes - 1) / takes);
        }
        for (guint k = 0; k < MIN(n, UNITS_MAX); k++) {
                GPtrArray *parts = g_ptr_array_new();
                for (guint i = 0; i < sources->len; i++) {
                        const GPtrArray *source = sources->pdata[i];
                        const uint64_t at = pool->composition->random ? seed_mix_int(seed, k * INT64_C(64) + i)
                                                                      : block_position(names, i, k);
                        g_ptr_array_add(parts, next_new(source, at, parts));
                }
                g_ptr_array_add(units, unit_new(pool, parts));
        }
}

/* The first of those that the name means. */
static Asset *find_named(const CatalogSnapshot *catalog, const GHashTable *excluded, const char *name) {
        g_autoptr(GPtrArray) named = catalog_snapshot_named(catalog, name);
        for (guint i = 0; i < named->len; i++) {
                Asset *asset = named->pdata[i];
                if (asset_eligible(asset) && !(excluded && g_hash_table_contains((GHashTable *)excluded, asset->id)))
                        return asset;
        }
        return NULL;
}

static void compose_sequence(const Pool *pool, const CatalogSnapshot *catalog, const GHashTable *excluded,
                             GPtrArray *units) {
        g_autoptr(GPtrArray) parts = g_ptr_array_new();
        for (char **name = pool->composition->names; *name; name++) {
                Asset *asset = find_named(catalog, excluded, *name);
                if (!asset)
                        return; /* a sequence with a hole is none */
                g_ptr_array_add(parts, asset);
        }
        if (parts->len > 0)
                g_ptr_array_add(units, unit_new(pool, g_steal_pointer(&parts)));
}

GPtrArray *composition_units(const Pool *pool, const GPtrArray *sources, const char *channel_id,
                             const CatalogSnapshot *catalog, const GHashTable *excluded) {
        const uint64_t seed = seed_mix(seed_mix(0, channel_id), pool->name);
        GPtrArray *units = g_ptr_array_new_with_free_func((GDestroyNotify)unit_free);
        switch (pool->composition->kind) {
        case COMPOSE_PAIR:
                if (sources->len > 0)
                        compose_pairs(pool, sources->pdata[0], seed, units);
                break;
        case COMPOSE_BLOCK:
                compose_blocks(pool, sources, seed, units);
                break;
        case COMPOSE_SEQUENCE:
                compose_sequence(pool, catalog, excluded, units);
                break;
        }
        for (guint i = units->len; excluded && i > 0; i--)
                if (g_hash_table_contains((GHashTable *)excluded, ((const Unit *)units->pdata[i - 1])->asset->id))
                        g_ptr_array_remove_index(units, i - 1);
        return units;
}

GPtrArray *channel_spec_units(const ChannelSpec *spec, const char *virtual_asset, const CatalogSnapshot *catalog) {
        const Pool *pool = rules_pool(spec->rules, virtual_asset);
        if (!pool || !pool->composition)
                return NULL;
        g_autoptr(GPtrArray) sources = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);
        for (char **name = pool->composition->names; pool->composition->kind != COMPOSE_SEQUENCE && *name; name++)
                g_ptr_array_add(sources, pool_evaluate(rules_pool(spec->rules, *name), spec->id, catalog, NULL));
        return composition_units(pool, sources, spec->id, catalog, NULL);
}

/* --- programmes -----------------------------------------------------------------------------------------------------
 */

GPtrArray *programme_parts(const Programme *programme, const CatalogSnapshot *catalog) {
        g_autoptr(GPtrArray) parts = g_ptr_array_new();
        for (char **id = programme->part_ids; id && *id; id++) {
                const Asset *asset = catalog_snapshot_find(catalog, *id);
                if (!asset || !asset_eligible(asset))
                        return NULL;
                g_ptr_array_add(parts, (gpointer)asset);
        }
        return parts->len > 0 ? g_steal_pointer(&parts) : NULL;
}

Asset *programme_composed(const Programme *programme, const GPtrArray *parts) {
        return compose_asset(programme->asset_id, parts);
}
