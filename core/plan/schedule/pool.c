#include <string.h>

#include "core/plan/schedule/reader.h"

static const char *const pool_keys[] = {"match", "order", NULL};
static const char *const match_keys[] = {
        "type",   "title",      "series_title", "season", "episode",          "genre",
        "rating", "year_range", "year",         "decade", "min_duration_sec", "max_duration_sec",
        "tags",   "source",     "collection",   "studio", "added_within",     NULL};
static const char *const match_later[] = {"source", "collection", "studio", "added_within", NULL};
static const char *const order_words[] = {"default", "random", "newest", "air_date", NULL};

void pool_free(Pool *pool) {
        if (!pool)
                return;
        g_free(pool->name);
        place_clear(&pool->place);
        g_strfreev(pool->titles);
        g_strfreev(pool->series);
        g_strfreev(pool->genres);
        g_strfreev(pool->tags);
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

/* --- reading --------------------------------------------------------------------------------------------------------
 */

void filter_read_rating(AssetFilter *filter, const YamlNode *node, Diag *diag) {
        static const char *const keys[] = {"include", "exclude", NULL};
        if (!node)
                return;
        if (yaml_kind(node) != YAML_MAPPING) {
                filter->rating_include = reader_strings(node, diag);
                return;
        }
        yaml_check_keys(node, "rating", keys, diag);
        const YamlNode *include = yaml_get(node, "include"), *exclude = yaml_get(node, "exclude");
        if (include)
                filter->rating_include = reader_strings(include, diag);
        if (exclude)
                filter->rating_exclude = reader_strings(exclude, diag);
}

static void read_seconds(const YamlNode *node, int64_t *ret_ms, Diag *diag) {
        int64_t seconds = 0;
        if (node && yaml_read_int(node, 0, 10 * DAY_MINUTES * 60, &seconds, diag))
                *ret_ms = seconds * 1000;
}

void filter_read_durations(AssetFilter *filter, const YamlNode *mapping, Diag *diag) {
        const YamlNode *max = yaml_get(mapping, "max_duration_sec");
        read_seconds(yaml_get(mapping, "min_duration_sec"), &filter->min_ms, diag);
        read_seconds(max, &filter->max_ms, diag);
        if (max && filter->max_ms > 0 && filter->max_ms < filter->min_ms)
                yaml_fault(max, diag, "max_duration_sec is below min_duration_sec: nothing can match");
}

static void read_kinds(Pool *pool, const YamlNode *node, Diag *diag) {
        const char *names[ASSET_KINDS] = {NULL};
        for (int kind = ASSET_EPISODE; kind < ASSET_KINDS; kind++)
                names[kind - 1] = asset_kind_name(kind);
        if (!node) {
                pool->kinds[ASSET_EPISODE] = pool->kinds[ASSET_MOVIE] = true;
                return;
        }
        const bool list = yaml_kind(node) == YAML_SEQUENCE;
        for (unsigned i = 0; i < (list ? yaml_size(node) : 1); i++) {
                const int choice = reader_choice(list ? yaml_item(node, i) : node, names, diag);
                if (choice >= 0)
                        pool->kinds[choice + 1] = true;
        }
}

/* year_range: [1990, 1999] is a range here, not a list; "1990-1999" and "1990..1999" are the same. */
static void read_year_range(Pool *pool, const YamlNode *node, Diag *diag) {
        int64_t low = 0, high = 0;
        if (yaml_kind(node) != YAML_SEQUENCE) {
                pool->years = reader_numbers(node, diag);
                return;
        }
        if (yaml_size(node) != 2) {
                yaml_fault(node, diag, "year_range takes the first and the last year: [1990, 1999]");
                return;
        }
        if (!yaml_read_int(yaml_item(node, 0), 1880, 2200, &low, diag) ||
            !yaml_read_int(yaml_item(node, 1), 1880, 2200, &high, diag))
                return;
        if (high < low) {
                yaml_fault(node, diag, "year_range ends before it begins");
                return;
        }
        const NumberRange range = {low, high};
        pool->years = g_array_new(false, false, sizeof(NumberRange));
        g_array_append_val(pool->years, range);
}

/* "1990s" or 1990. */
static void read_decade(Pool *pool, const YamlNode *node, Diag *diag) {
        const char *text = NULL;
        if (!yaml_read_text(node, &text, diag))
                return;
        char *end = NULL;
        const gint64 year = g_ascii_strtoll(text, &end, 10);
        if (year < 1880 || year > 2200 || year % 10 != 0 || (*end && strcmp(end, "s") != 0)) {
                yaml_fault(node, diag, "\"%s\" is not a decade: write it like \"1990s\"", text);
                return;
        }
        const NumberRange range = {year, year + 9};
        pool->years = g_array_new(false, false, sizeof(NumberRange));
        g_array_append_val(pool->years, range);
}

static void read_years(Pool *pool, const YamlNode *match, Diag *diag) {
        static const char *const keys[] = {"year_range", "year", "decade", NULL};
        const YamlNode *found = NULL;
        for (int i = 0; keys[i]; i++) {
                const YamlNode *node = yaml_get(match, keys[i]);
                if (node && found) {
                        yaml_fault(node, diag, "give one of year, year_range and decade, not several");
                        return;
                }
                found = node ? node : found;
        }
        if (!found)
                return;
        if (yaml_get(match, "year_range"))
                read_year_range(pool, found, diag);
        else if (yaml_get(match, "decade"))
                read_decade(pool, found, diag);
        else
                pool->years = reader_numbers(found, diag);
}

static void read_match(Pool *pool, const YamlNode *match, Diag *diag) {
        const struct {
                const char *key;
                char ***strings;
                GArray **numbers;
        } fields[] = {
                {"title", &pool->titles, NULL},   {"series_title", &pool->series, NULL},
                {"genre", &pool->genres, NULL},   {"tags", &pool->tags, NULL},
                {"season", NULL, &pool->seasons}, {"episode", NULL, &pool->episodes},
        };
        yaml_check_keys(match, "match", match_keys, diag);
        reader_refuse(match, "match", match_later, diag);
        for (size_t i = 0; i < G_N_ELEMENTS(fields); i++) {
                const YamlNode *node = yaml_get(match, fields[i].key);
                if (node && fields[i].strings)
                        *fields[i].strings = reader_strings(node, diag);
                else if (node)
                        *fields[i].numbers = reader_numbers(node, diag);
        }
        read_kinds(pool, yaml_get(match, "type"), diag);
        read_years(pool, match, diag);
        filter_read_rating(&pool->filter, yaml_get(match, "rating"), diag);
        filter_read_durations(&pool->filter, match, diag);
}

Pool *pool_read(const char *name, const YamlNode *node, Diag *diag) {
        const unsigned errors = diag_errors(diag);
        g_autoptr(Pool) pool = g_new0(Pool, 1);
        pool->name = g_strdup(name);
        place_set(&pool->place, node);
        g_autofree char *where = g_strdup_printf("pools.%s", name);
        if (!reader_want(node, YAML_MAPPING, where, diag))
                return NULL;
        yaml_check_keys(node, where, pool_keys, diag);
        const YamlNode *match = yaml_get(node, "match"), *order = yaml_get(node, "order");
        if (!match)
                yaml_fault(node, diag, "%s has no \"match\": say what it holds, like match: {type: movie}", where);
        else if (reader_want(match, YAML_MAPPING, "match", diag))
                read_match(pool, match, diag);
        const int choice = order ? reader_choice(order, order_words, diag) : ORDER_DEFAULT;
        if (choice >= 0)
                pool->order = (PoolOrder)choice;
        return diag_errors(diag) == errors ? g_steal_pointer(&pool) : NULL;
}

/* --- evaluating -----------------------------------------------------------------------------------------------------
 */

/* Without regard to case; ASCII, which is nearly everything, without allocating. */
static bool same_text(const char *a, const char *b) {
        if (g_ascii_strcasecmp(a, b) == 0)
                return true;
        if (g_str_is_ascii(a) || g_str_is_ascii(b))
                return false;
        g_autofree char *folded_a = g_utf8_casefold(a, -1), *folded_b = g_utf8_casefold(b, -1);
        return strcmp(folded_a, folded_b) == 0;
}

/* NULL list: no condition. */
static bool text_in(char **list, const char *text) {
        if (!list)
                return true;
        for (char **word = list; text && *word; word++)
                if (same_text(*word, text))
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
               asset_filter_accepts(&pool->filter, asset);
}

typedef struct {
        PoolOrder order;
        uint64_t seed;
} Ordering;

static int compare_numbers(int64_t a, int64_t b) {
        return (a > b) - (a < b);
}

static int compare_default(const Asset *a, const Asset *b) {
        int order = g_strcmp0(a->series, b->series);
        if (order == 0)
                order = compare_numbers(a->season, b->season);
        if (order == 0)
                order = compare_numbers(a->episode, b->episode);
        if (order == 0)
                order = g_strcmp0(a->title, b->title);
        return order;
}

static int compare_assets(gconstpointer a_at, gconstpointer b_at, gpointer user) {
        const Asset *a = *(const Asset *const *)a_at, *b = *(const Asset *const *)b_at;
        const Ordering *ordering = user;
        int order = 0;
        switch (ordering->order) {
        case ORDER_RANDOM: {
                const uint64_t key_a = seed_mix(ordering->seed, a->id), key_b = seed_mix(ordering->seed, b->id);
                order = (key_a > key_b) - (key_a < key_b);
                break;
        }
        case ORDER_NEWEST:
                order = compare_numbers(b->added_utc_ms, a->added_utc_ms);
                break;
        case ORDER_AIR_DATE: /* undated ones last */
                order = compare_numbers(!a->air_date, !b->air_date);
                order = order ? order : g_strcmp0(a->air_date, b->air_date);
                break;
        case ORDER_DEFAULT:
                break;
        }
        if (order == 0)
                order = compare_default(a, b);
        return order ? order : strcmp(a->id, b->id);
}

GPtrArray *pool_evaluate(const Pool *pool, const char *seed, const CatalogSnapshot *catalog,
                         const GHashTable *excluded) {
        Ordering ordering = {.order = pool->order, .seed = seed_mix(seed_mix(0, seed), pool->name)};
        GPtrArray *assets = g_ptr_array_new();
        for (uint32_t i = 0; i < catalog->n_assets; i++) {
                Asset *asset = catalog->assets[i];
                if (!pool_accepts(pool, asset) || !asset_eligible(asset)) /* INV-PLAN-ELIGIBLE-ASSETS-ONLY-001 */
                        continue;
                if (!excluded || !g_hash_table_contains((GHashTable *)excluded, asset->id))
                        g_ptr_array_add(assets, asset);
        }
        g_ptr_array_sort_with_data(assets, compare_assets, &ordering);
        return assets;
}
