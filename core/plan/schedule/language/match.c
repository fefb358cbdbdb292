#include <string.h>

#include "core/plan/schedule/language/language.h"

static const char *const pool_keys[] = {"match", "select", "order", "min_duration_sec", "max_duration_sec", NULL};
static const char *const match_keys[] = {
        "type",   "title",      "series_title", "season", "episode",          "genre",
        "rating", "year_range", "year",         "decade", "min_duration_sec", "max_duration_sec",
        "tags",   "source",     "collection",   "studio", "added_within",     NULL};
#define MAX_ADDED_MS (3660 * 24 * HOUR_MS)

static const char *const order_words[] = {"default", "random", "newest", "air_date", NULL};

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

void filter_read_durations(AssetFilter *filter, const YamlNode *min, const YamlNode *max, Diag *diag) {
        read_seconds(min, &filter->min_ms, diag);
        read_seconds(max, &filter->max_ms, diag);
        if (max && filter->max_ms > 0 && filter->max_ms < filter->min_ms)
                yaml_fault(max, diag, "max_duration_sec is below min_duration_sec: nothing can match");
}

void pool_read_kinds(Pool *pool, const YamlNode *node, Diag *diag) {
        const char *names[ASSET_KINDS] = {NULL};
        for (int kind = ASSET_EPISODE; kind < ASSET_KINDS; kind++)
                names[kind - 1] = asset_kind_name(kind);
        if (!node) {
                pool->kinds[ASSET_EPISODE] = pool->kinds[ASSET_MOVIE] = true;
                return;
        }
        const bool list = yaml_kind(node) == YAML_SEQUENCE;
        memset(pool->kinds, 0, sizeof(pool->kinds));
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
                {"title", &pool->titles, NULL},     {"series_title", &pool->series, NULL},
                {"genre", &pool->genres, NULL},     {"tags", &pool->tags, NULL},
                {"source", &pool->sources, NULL},   {"collection", &pool->collections, NULL},
                {"studio", &pool->studios, NULL},   {"season", NULL, &pool->seasons},
                {"episode", NULL, &pool->episodes},
        };
        yaml_check_keys(match, "match", match_keys, diag);
        for (size_t i = 0; i < G_N_ELEMENTS(fields); i++) {
                const YamlNode *node = yaml_get(match, fields[i].key);
                if (node && fields[i].strings)
                        *fields[i].strings = reader_strings(node, diag);
                else if (node)
                        *fields[i].numbers = reader_numbers(node, diag);
        }
        pool_read_kinds(pool, yaml_get(match, "type"), diag);
        read_years(pool, match, diag);
        filter_read_rating(&pool->filter, yaml_get(match, "rating"), diag);
        const YamlNode *added = yaml_get(match, "added_within");
        if (added)
                (void)yaml_read_duration_ms(added, HOUR_MS, MAX_ADDED_MS, &pool->added_within_ms, diag);
}

/* --- `select: {where: {FIELD: {OPERATOR: VALUE}}}`, as the original's later files have it ---------------------------
 */

static const char *const select_keys[] = {"where", NULL};
static const char *const field_names[] = {"type",   "title", "series_title", "season",     "episode", "genre",
                                          "rating", "year",  "duration_sec", "collection", "tags",    "source",
                                          "studio", NULL};
static const char *const list_operators[] = {"eq",     "in", "contains_any", "contains_all", "excludes_any",
                                             "not_in", NULL};
static const char *const word_operators[] = {"eq", "in", NULL};
static const char *const rating_operators[] = {"eq", "in", "ne", "not_in", NULL};
static const char *const number_operators[] = {"eq", "in", "gte", "lte", NULL};
static const char *const length_operators[] = {"gte", "lte", NULL};

#define NUMBER_MOST 100000

static void put_strings(char ***strings, const YamlNode *node, Diag *diag) {
        g_strfreev(*strings);
        *strings = reader_strings(node, diag);
}

static void read_tags(Pool *pool, const char *operator, const YamlNode * value, Diag *diag) {
        if (strcmp(operator, "contains_all") == 0)
                put_strings(&pool->tags_all, value, diag);
        else if (strcmp(operator, "excludes_any") == 0 || strcmp(operator, "not_in") == 0)
                put_strings(&pool->tags_none, value, diag);
        else
                put_strings(&pool->tags, value, diag);
}

static void read_numbers(GArray **numbers, const char *operator, const YamlNode * value, Diag *diag) {
        int64_t bound = 0;
        NumberRange range = {0, NUMBER_MOST};
        if (strcmp(operator, "eq") == 0 || strcmp(operator, "in") == 0) {
                g_clear_pointer(numbers, g_array_unref);
                *numbers = reader_numbers(value, diag);
                return;
        }
        if (!yaml_read_int(value, 0, NUMBER_MOST, &bound, diag))
                return;
        if (*numbers && (*numbers)->len == 1) /* gte and lte, whichever comes first */
                range = g_array_index(*numbers, NumberRange, 0);
        if (strcmp(operator, "gte") == 0)
                range.low = MAX(range.low, bound);
        else
                range.high = MIN(range.high, bound);
        g_clear_pointer(numbers, g_array_unref);
        *numbers = g_array_new(false, false, sizeof(NumberRange));
        g_array_append_val(*numbers, range);
        if (range.high < range.low)
                yaml_fault(value, diag, "nothing is both: lte is below gte");
}

static void read_rating(Pool *pool, const char *operator, const YamlNode * value, Diag *diag) {
        const bool without = strcmp(operator, "ne") == 0 || strcmp(operator, "not_in") == 0;
        put_strings(without ? &pool->filter.rating_exclude : &pool->filter.rating_include, value, diag);
}

static char ***words_of(Pool *pool, const char *field) {
        const struct {
                const char *field;
                char ***words;
        } fields[] = {{"title", &pool->titles},           {"series_title", &pool->series}, {"genre", &pool->genres},
                      {"collection", &pool->collections}, {"source", &pool->sources},      {"studio", &pool->studios}};
        for (size_t i = 0; i < G_N_ELEMENTS(fields); i++)
                if (strcmp(fields[i].field, field) == 0)
                        return fields[i].words;
        return NULL;
}

static GArray **numbers_of(Pool *pool, const char *field) {
        if (strcmp(field, "season") == 0)
                return &pool->seasons;
        if (strcmp(field, "episode") == 0)
                return &pool->episodes;
        return strcmp(field, "year") == 0 ? &pool->years : NULL;
}

static const char *const *operators_of(Pool *pool, const char *field) {
        if (strcmp(field, "tags") == 0)
                return list_operators;
        if (strcmp(field, "rating") == 0)
                return rating_operators;
        if (strcmp(field, "duration_sec") == 0)
                return length_operators;
        return numbers_of(pool, field) ? number_operators : word_operators;
}

static void read_condition(Pool *pool, const char *field, const char *operator, const YamlNode * value, Diag *diag) {
        if (strcmp(field, "type") == 0)
                pool_read_kinds(pool, value, diag);
        else if (strcmp(field, "tags") == 0)
                read_tags(pool, operator, value, diag);
        else if (strcmp(field, "rating") == 0)
                read_rating(pool, operator, value, diag);
        else if (strcmp(field, "duration_sec") == 0 && strcmp(operator, "gte") == 0)
                filter_read_durations(&pool->filter, value, NULL, diag);
        else if (strcmp(field, "duration_sec") == 0)
                filter_read_durations(&pool->filter, NULL, value, diag);
        else if (numbers_of(pool, field))
                read_numbers(numbers_of(pool, field), operator, value, diag);
        else if (words_of(pool, field))
                put_strings(words_of(pool, field), value, diag);
}

static void read_field(Pool *pool, const YamlNode *key, const YamlNode *value, Diag *diag) {
        const char *field = yaml_text(key);
        if (!g_strv_contains(field_names, field)) /* told by the caller */
                return;
        const char *const *operators = operators_of(pool, field);
        if (yaml_kind(value) != YAML_MAPPING) {
                yaml_fault(value, diag, "\"%s\" of where needs an operator, like %s: {%s: ...}", field, field,
                           operators[0]);
                return;
        }
        g_autofree char *where = g_strdup_printf("where.%s", field);
        yaml_check_keys(value, where, operators, diag);
        if (yaml_size(value) == 0)
                yaml_fault(value, diag, "where.%s is empty: it needs an operator, like %s", field, operators[0]);
        for (unsigned i = 0; i < yaml_size(value); i++)
                if (g_strv_contains(operators, yaml_key(value, i)))
                        read_condition(pool, field, yaml_key(value, i), yaml_value(value, i), diag);
}

void where_read(Pool *pool, const YamlNode *select, Diag *diag) {
        if (!reader_want(select, YAML_MAPPING, "select", diag))
                return;
        yaml_check_keys(select, "select", select_keys, diag);
        const YamlNode *where = yaml_get(select, "where");
        if (!where) {
                yaml_fault(select, diag, "select needs \"where\", like where: {type: {eq: movie}}");
                return;
        }
        if (!reader_want(where, YAML_MAPPING, "where", diag))
                return;
        yaml_check_keys(where, "where", field_names, diag);
        for (unsigned i = 0; i < yaml_size(where); i++)
                read_field(pool, yaml_key_node(where, i), yaml_value(where, i), diag);
}

/* --- pools ----------------------------------------------------------------------------------------------------------
 */

/* Beside `match` as well as in it. */
static void read_lengths(Pool *pool, const YamlNode *node, const YamlNode *match, Diag *diag) {
        static const char *const keys[] = {"min_duration_sec", "max_duration_sec"};
        const YamlNode *nodes[2] = {NULL};
        for (int i = 0; i < 2; i++) {
                nodes[i] = yaml_get(match, keys[i]) ? yaml_get(match, keys[i]) : yaml_get(node, keys[i]);
                if (yaml_get(match, keys[i]) && yaml_get(node, keys[i]))
                        yaml_fault(yaml_get(node, keys[i]), diag, "%s is given in \"match\" already", keys[i]);
        }
        filter_read_durations(&pool->filter, nodes[0], nodes[1], diag);
}

Pool *pool_new_unwritten(const char *name, const YamlNode *node) {
        Pool *pool = g_new0(Pool, 1);
        pool->name = g_strdup(name);
        pool->unwritten = true;
        for (int kind = 0; kind < ASSET_KINDS; kind++)
                pool->kinds[kind] = true;
        place_set(&pool->place, node);
        return pool;
}

/* Without a `type` episodes and films, as with `match`. */
static void read_select(Pool *pool, const YamlNode *select, Diag *diag) {
        if (!yaml_get(yaml_get(select, "where"), "type"))
                pool_read_kinds(pool, NULL, diag);
        where_read(pool, select, diag);
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
        const YamlNode *select = yaml_get(node, "select");
        if (match && select)
                yaml_fault(select, diag, "give either \"match\" or \"select\" in %s", where);
        else if (select)
                read_select(pool, select, diag);
        else if (!match)
                yaml_fault(node, diag, "%s has no \"match\": say what it holds, like match: {type: movie}", where);
        else if (reader_want(match, YAML_MAPPING, "match", diag))
                read_match(pool, match, diag);
        read_lengths(pool, node, match, diag);
        const int choice = order ? reader_choice(order, order_words, diag) : ORDER_DEFAULT;
        if (choice >= 0)
                pool->order = (PoolOrder)choice;
        return diag_errors(diag) == errors ? g_steal_pointer(&pool) : NULL;
}
