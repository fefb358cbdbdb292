#include <string.h>

#include "core/plan/schedule/rules.h"

void pool_free(Pool *pool) {
        if (!pool)
                return;
        g_free(pool->name);
        place_clear(&pool->place);
        composition_free(pool->composition);
        g_free(pool->program);
        g_strfreev(pool->titles);
        g_strfreev(pool->series);
        g_strfreev(pool->genres);
        g_strfreev(pool->tags);
        g_strfreev(pool->tags_all);
        g_strfreev(pool->tags_none);
        g_strfreev(pool->sources);
        g_strfreev(pool->collections);
        g_strfreev(pool->studios);
        g_clear_pointer(&pool->seasons, g_array_unref);
        g_clear_pointer(&pool->episodes, g_array_unref);
        g_clear_pointer(&pool->years, g_array_unref);
        asset_filter_clear(&pool->filter);
        g_free(pool);
}

void asset_filter_clear(AssetFilter *filter) {
        g_clear_pointer(&filter->rating_include, g_strfreev);
        g_clear_pointer(&filter->rating_exclude, g_strfreev);
}

/* NULL list: no condition. */
static bool text_in(char **list, const char *text) {
        if (!list)
                return true;
        for (char **word = list; text && *word; word++)
                if (catalog_same_name(*word, text))
                        return true;
        return false;
}

static bool any_in(char **list, char **texts) {
        if (!list)
                return true;
        for (char **text = texts; text && *text; text++)
                if (text_in(list, *text))
                        return true;
        return false;
}

/* Every word of the list is among the texts. */
static bool all_in(char **list, char **texts) {
        for (char **word = list; word && *word; word++)
                if (!texts || !text_in(texts, *word))
                        return false;
        return true;
}

static bool source_in(char **sources, const Asset *asset) {
        return !sources || text_in(sources, asset->source) || text_in(sources, asset->library);
}

static bool number_in(const GArray *ranges, int64_t number) {
        if (!ranges)
                return true;
        for (guint i = 0; i < ranges->len; i++) {
                const NumberRange *range = &g_array_index(ranges, NumberRange, i);
                if (number >= range->low && number <= range->high)
                        return true;
        }
        return false;
}

bool asset_filter_accepts(const AssetFilter *filter, const Asset *asset) {
        return text_in(filter->rating_include, asset->rating) &&
               !(filter->rating_exclude && text_in(filter->rating_exclude, asset->rating)) &&
               (filter->min_ms == 0 || asset->duration_ms >= filter->min_ms) &&
               (filter->max_ms == 0 || asset->duration_ms <= filter->max_ms);
}

static bool pool_accepts(const Pool *pool, const Asset *asset) {
        return pool->kinds[asset->kind] && text_in(pool->series, asset->series) &&
               text_in(pool->titles, asset->title) && number_in(pool->seasons, asset->season) &&
               number_in(pool->episodes, asset->episode) && number_in(pool->years, asset->year) &&
               any_in(pool->genres, asset->genres) && any_in(pool->tags, asset->tags) &&
               all_in(pool->tags_all, asset->tags) && !(pool->tags_none && any_in(pool->tags_none, asset->tags)) &&
               (!pool->within || pool_accepts(pool->within, asset)) && any_in(pool->collections, asset->collections) &&
               text_in(pool->studios, asset->studio) && source_in(pool->sources, asset) &&
               asset_filter_accepts(&pool->filter, asset);
}

/* --- by name --------------------------------------------------------------------------------------------------------
 */

#define SHOWN_MAX 5

static const char *unfit_word(const Asset *asset) {
        switch (asset->state) {
        case ASSET_NEW:
                return "not measured yet";
        case ASSET_REFUSED:
                return "refused";
        case ASSET_MISSING:
                return "missing";
        case ASSET_RETIRED:
                return "retired";
        case ASSET_READY:
                break;
        }
        return asset->approved ? "not measured yet" : "not approved";
}

/* "2 missing, 1 retired"; NULL: none of them is unfit. */
static char *unfit_text(const GPtrArray *assets) {
        static const char *const words[] = {"missing", "retired", "not approved", "not measured yet", "refused"};
        unsigned counts[G_N_ELEMENTS(words)] = {0}, n = 0;
        g_autoptr(GString) text = g_string_new(NULL);
        for (guint i = 0; i < assets->len; i++) {
                if (asset_eligible(assets->pdata[i]))
                        continue;
                const char *word = unfit_word(assets->pdata[i]);
                for (size_t at = 0; at < G_N_ELEMENTS(words); at++)
                        counts[at] += strcmp(words[at], word) == 0;
                n++;
        }
        g_string_append_printf(text, "%u match%s and none may be planned: ", n, n == 1 ? "es" : "");
        const gsize begun = text->len;
        for (size_t at = 0; at < G_N_ELEMENTS(words); at++)
                if (counts[at] > 0)
                        g_string_append_printf(text, "%s%u %s", text->len > begun ? ", " : "", counts[at], words[at]);
        return n > 0 ? g_string_free(g_steal_pointer(&text), false) : NULL;
}

char *pool_unfit(const Pool *pool, const CatalogSnapshot *catalog) {
        g_autoptr(GPtrArray) matching = g_ptr_array_new();
        const GPtrArray *all = catalog_snapshot_all(catalog);
        for (guint i = 0; i < all->len; i++)
                if (pool_accepts(pool, all->pdata[i]))
                        g_ptr_array_add(matching, all->pdata[i]);
        return unfit_text(matching);
}

static const char *near_title(const CatalogSnapshot *catalog, const char *name) {
        g_autoptr(GPtrArray) titles = g_ptr_array_new();
        const GPtrArray *all = catalog_snapshot_all(catalog);
        for (guint i = 0; i < all->len; i++)
                if (asset_is_programme(all->pdata[i]))
                        g_ptr_array_add(titles, ((const Asset *)all->pdata[i])->title);
        g_ptr_array_add(titles, NULL);
        return diag_nearest(name, (const char *const *)titles->pdata);
}

/* The eligible programmes among them, as "ID (1973), ID (1999)". */
static char *choices_text(const GPtrArray *assets, guint *ret_n) {
        g_autoptr(GString) text = g_string_new(NULL);
        *ret_n = 0;
        for (guint i = 0; i < assets->len; i++) {
                const Asset *asset = assets->pdata[i];
                if (!asset_is_programme(asset) || !asset_eligible(asset) || ++*ret_n > SHOWN_MAX)
                        continue;
                g_string_append_printf(text, "%s%s", text->len > 0 ? ", " : "", asset->id);
                if (asset->series)
                        g_string_append_printf(text, " (%s %dx%02d)", asset->series, asset->season, asset->episode);
                else if (asset->year > 0)
                        g_string_append_printf(text, " (%d)", asset->year);
        }
        if (*ret_n > SHOWN_MAX)
                g_string_append(text, ", ...");
        return g_string_free(g_steal_pointer(&text), false);
}

bool assets_named_fault(const CatalogSnapshot *catalog, const char *name, const char *where, const Place *place,
                        DiagSeverity severity, Diag *diag) {
        g_autoptr(GPtrArray) named = catalog_snapshot_named(catalog, name);
        guint n = 0;
        bool any = false;
        g_autofree char *choices = choices_text(named, &n), *unfit = unfit_text(named);
        for (guint i = 0; i < named->len; i++)
                any = any || asset_eligible(named->pdata[i]);
        if (any && n < 2)
                return false;
        if (any) {
                diag_add(diag, severity, place->file, place->line, place->column,
                         "%u programmes are called \"%s\" (used in %s): give the id of one: %s", n, name, where,
                         choices);
        } else if (unfit) {
                diag_add(diag, severity, place->file, place->line, place->column,
                         "\"%s\" (used in %s) cannot be played: %s", name, where, unfit);
        } else {
                const char *near = near_title(catalog, name);
                diag_add(diag, severity, place->file, place->line, place->column,
                         "no asset has the id or title \"%s\" (used in %s)%s%s%s", name, where,
                         near ? ": did you mean \"" : "", near ? near : "", near ? "\"?" : "");
        }
        return true;
}

/* --- choosing -------------------------------------------------------------------------------------------------------
 */

typedef struct {
        const Pool *pool;
        const GHashTable *excluded;
        int64_t added_from_utc_ms;
        GPtrArray *assets;
} Choice;

static void choose_among(Choice *choice, Asset *const *candidates, guint n) {
        for (guint i = 0; i < n; i++) {
                Asset *asset = candidates[i];
                if (!pool_accepts(choice->pool, asset) ||
                    !asset_eligible(asset)) /* INV-PLAN-ELIGIBLE-ASSETS-ONLY-001 */
                        continue;
                if (asset->added_utc_ms < choice->added_from_utc_ms)
                        continue;
                if (!choice->excluded || !g_hash_table_contains((GHashTable *)choice->excluded, asset->id))
                        g_ptr_array_add(choice->assets, asset);
        }
}

static void choose_from(Choice *choice, const GPtrArray *candidates) {
        choose_among(choice, (Asset *const *)candidates->pdata, candidates->len);
}

static int compare_reading(gconstpointer a_at, gconstpointer b_at) {
        return asset_compare(*(const Asset *const *)a_at, *(const Asset *const *)b_at);
}

/* A series that is named twice gives its assets twice; in order, they stand next to each other. */
static void drop_repeated(GPtrArray *assets) {
        guint n = 0;
        for (guint i = 0; i < assets->len; i++)
                if (n == 0 || assets->pdata[n - 1] != assets->pdata[i])
                        assets->pdata[n++] = assets->pdata[i];
        g_ptr_array_set_size(assets, (int)n);
}

/* In reading order, which is that of the catalog's lists: only several lists have to be sorted into one. */
static void choose(Choice *choice, const CatalogSnapshot *catalog) {
        const Pool *pool = choice->pool;
        AssetKind only = 0;
        guint n_kinds = 0;
        if (pool->program) {
                g_autoptr(GPtrArray) named = catalog_snapshot_named(catalog, pool->program);
                choose_from(choice, named);
                return;
        }
        for (char **series = pool->series; series && *series; series++)
                choose_from(choice, catalog_snapshot_series(catalog, *series));
        if (pool->series) {
                g_ptr_array_sort(choice->assets, compare_reading);
                drop_repeated(choice->assets);
                return;
        }
        if (pool->order == ORDER_RANDOM) { /* lots put it in order; as it was loaded, memory is read through once */
                choose_among(choice, catalog->assets, catalog->n_assets);
                return;
        }
        for (AssetKind kind = 0; kind < ASSET_KINDS; kind++)
                if (pool->kinds[kind]) {
                        only = kind;
                        n_kinds++;
                }
        choose_from(choice, n_kinds == 1 ? catalog_snapshot_kind(catalog, only) : catalog_snapshot_all(catalog));
}

/* --- order ----------------------------------------------------------------------------------------------------------
 */

typedef struct {
        uint64_t key;
        gpointer asset;
} Keyed;

/* By key, byte for byte from the lowest: in linear time, for a pool may be a library, and equals stay in order. */
static void sort_keyed(Keyed *rows, Keyed *spare, size_t n) {
        for (unsigned shift = 0; shift < 64; shift += 8) {
                size_t at[256] = {0}, sum = 0;
                for (size_t i = 0; i < n; i++)
                        at[rows[i].key >> shift & 0xff]++;
                for (size_t digit = 0; digit < G_N_ELEMENTS(at); digit++) {
                        const size_t count = at[digit];
                        at[digit] = sum;
                        sum += count;
                }
                for (size_t i = 0; i < n; i++)
                        spare[at[rows[i].key >> shift & 0xff]++] = rows[i];
                Keyed *sorted = spare;
                spare = rows;
                rows = sorted;
        }
}

/* Undated ones last. */
static gint compare_air_dates(gconstpointer a_at, gconstpointer b_at) {
        const char *a = (*(const Asset *const *)a_at)->air_date, *b = (*(const Asset *const *)b_at)->air_date;
        return a && b ? strcmp(a, b) : !a - !b;
}

static uint64_t order_key(PoolOrder order, uint64_t seed, const Asset *asset) {
        return order == ORDER_RANDOM ? seed_mix(seed, asset->id)
                                     : (uint64_t)INT64_MAX - (uint64_t)asset->added_utc_ms; /* newest first */
}

/* Equals stay in reading order: GLib's sort is stable, too. */
static void put_in_order(GPtrArray *assets, PoolOrder order, uint64_t seed) {
        if (order == ORDER_DEFAULT)
                return;
        if (order == ORDER_AIR_DATE) {
                g_ptr_array_sort(assets, compare_air_dates);
                return;
        }
        g_autofree Keyed *rows = g_new(Keyed, assets->len), *spare = g_new(Keyed, assets->len);
        for (guint i = 0; i < assets->len; i++)
                rows[i] = (Keyed){order_key(order, seed, assets->pdata[i]), assets->pdata[i]};
        sort_keyed(rows, spare, assets->len);
        for (guint i = 0; i < assets->len; i++)
                assets->pdata[i] = rows[i].asset;
}

GPtrArray *pool_evaluate_at(const Pool *pool, const char *seed, const CatalogSnapshot *catalog,
                            const GHashTable *excluded, int64_t utc_ms) {
        Choice choice = {.pool = pool, .excluded = excluded, .assets = g_ptr_array_new()};
        choice.added_from_utc_ms = pool->added_within_ms > 0 ? utc_ms - pool->added_within_ms : INT64_MIN;
        choose(&choice, catalog);
        put_in_order(choice.assets, pool->order, seed_mix(seed_mix(0, seed), pool->name));
        return choice.assets;
}

GPtrArray *pool_evaluate(const Pool *pool, const char *seed, const CatalogSnapshot *catalog,
                         const GHashTable *excluded) {
        int64_t newest_utc_ms = 0;
        for (uint32_t i = 0; pool->added_within_ms > 0 && i < catalog->n_assets; i++)
                newest_utc_ms = MAX(newest_utc_ms, catalog->assets[i]->added_utc_ms);
        return pool_evaluate_at(pool, seed, catalog, excluded, newest_utc_ms);
}

GPtrArray *channel_spec_pool(const ChannelSpec *spec, const char *pool, const CatalogSnapshot *catalog) {
        const Pool *found = rules_pool(spec->rules, pool);
        return found && !found->composition ? pool_evaluate(found, spec->id, catalog, NULL) : NULL;
}

char **channel_spec_pools(const ChannelSpec *spec) {
        const GPtrArray *pools = spec->rules->pools;
        char **names = g_new0(char *, pools->len + 1);
        for (guint i = 0, n = 0; i < pools->len; i++)
                if (!((const Pool *)pools->pdata[i])->unwritten)
                        names[n++] = g_strdup(((const Pool *)pools->pdata[i])->name);
        return names;
}
