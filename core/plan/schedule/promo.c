#include <string.h>

#include "core/plan/schedule/reader.h"

static const char *const promo_keys[] = {"assets", "tags", "for", "when", "within_hours", NULL};

#define WITHIN_MAX_H 336

static void promo_rule_free(gpointer pointer) {
        PromoRule *rule = pointer;
        g_free(rule->spots.name);
        g_free(rule->spots.file);
        g_strfreev(rule->spots.assets);
        g_strfreev(rule->spots.tags);
        g_strfreev(rule->titles);
        g_free(rule);
}

/* A title, several, or "none": for nothing in particular. */
static char **read_titles(const YamlNode *node, Diag *diag) {
        char **titles = reader_strings(node, diag);
        if (titles && titles[0] && !titles[1] && strcmp(titles[0], "none") == 0)
                g_clear_pointer(&titles[0], g_free);
        return titles;
}

static void read_within(const YamlNode *node, int64_t *within_ms, Diag *diag) {
        int64_t hours = 0;
        if (node && yaml_read_int(node, 1, WITHIN_MAX_H, &hours, diag))
                *within_ms = hours * 60 * MINUTE_MS;
}

static void read_rule(PromoRule *rule, const YamlNode *key, const YamlNode *value, Diag *diag) {
        /* In the order of PromoWhen. */
        static const char *const whens[] = {"any",       "today",    "tonight", "tomorrow", "monday", "tuesday",
                                            "wednesday", "thursday", "friday",  "saturday", "sunday", NULL};
        const YamlNode *assets = yaml_get(value, "assets"), *tags = yaml_get(value, "tags");
        const YamlNode *titles = yaml_get(value, "for"), *when = yaml_get(value, "when");
        yaml_check_keys(value, "traffic.promos", promo_keys, diag);
        rule->spots.assets = assets ? reader_strings(assets, diag) : NULL;
        rule->spots.tags = tags ? reader_strings(tags, diag) : NULL;
        rule->titles = titles ? read_titles(titles, diag) : NULL;
        if (when)
                rule->when = (PromoWhen)(PROMO_ANY_TIME + MAX(reader_choice(when, whens, diag), 0));
        read_within(yaml_get(value, "within_hours"), &rule->within_ms, diag);
        if (!assets && !tags)
                yaml_fault(key, diag, "\"%s\" has no spots: add \"assets\" or \"tags\"", rule->spots.name);
}

static void put_rule(BreakPolicy *policy, PromoRule *take_rule) {
        if (!policy->promos)
                policy->promos = g_ptr_array_new_with_free_func(promo_rule_free);
        for (guint i = 0; i < policy->promos->len; i++)
                if (strcmp(((PromoRule *)policy->promos->pdata[i])->spots.name, take_rule->spots.name) == 0) {
                        promo_rule_free(policy->promos->pdata[i]);
                        policy->promos->pdata[i] = take_rule;
                        return;
                }
        g_ptr_array_add(policy->promos, take_rule);
}

void promo_rules_read(BreakPolicy *policy, const YamlNode *traffic, Diag *diag) {
        const YamlNode *node = yaml_get(traffic, "promos");
        read_within(yaml_get(traffic, "promo_within_hours"), &policy->promo_within_ms, diag);
        if (!node || !reader_want(node, YAML_MAPPING, "traffic.promos", diag))
                return;
        for (unsigned i = 0; i < yaml_size(node); i++) {
                const YamlNode *key = yaml_key_node(node, i), *value = yaml_value(node, i);
                if (!reader_want(value, YAML_MAPPING, "traffic.promos", diag))
                        continue;
                PromoRule *rule = g_new0(PromoRule, 1);
                rule->spots.name = g_strdup(yaml_text(key));
                rule->spots.file = g_strdup(yaml_file(key));
                rule->spots.line = yaml_line(key);
                rule->spots.column = yaml_column(key);
                read_rule(rule, key, value, diag);
                put_rule(policy, rule);
        }
}

const PromoRule *promo_rule_of(const BreakPolicy *policy, const Asset *asset) {
        for (guint i = 0; policy->promos && i < policy->promos->len; i++) {
                const PromoRule *rule = policy->promos->pdata[i];
                if (spot_group_holds(NULL, &rule->spots, asset))
                        return rule;
        }
        return NULL;
}

/* --- titles ---------------------------------------------------------------------------------------------------------
 */

char *promo_title_fold(const char *title) {
        g_autofree char *folded = g_utf8_casefold(title, -1);
        GString *words = g_string_sized_new(strlen(folded));
        bool space = false;
        for (const char *p = folded; *p; p = g_utf8_next_char(p)) {
                const gunichar c = g_utf8_get_char(p);
                if (c == '\'' || c == 0x2019)
                        continue; /* "Bob's" is "bobs" */
                if (!g_unichar_isalnum(c)) {
                        space = words->len > 0;
                        continue;
                }
                if (space)
                        g_string_append_c(words, ' ');
                space = false;
                g_string_append_unichar(words, c);
        }
        return g_string_free(words, false);
}

static bool is_called(const Asset *asset, const char *folded) {
        const char *name = asset->kind == ASSET_MOVIE ? asset->title : asset->series;
        g_autofree char *title = name ? promo_title_fold(name) : NULL;
        return title && strcmp(title, folded) == 0;
}

static bool has_title(const CatalogSnapshot *catalog, const char *title) {
        g_autofree char *folded = promo_title_fold(title);
        for (uint32_t i = 0; i < catalog->n_assets; i++)
                if (is_called(catalog->assets[i], folded))
                        return true;
        return false;
}

void promo_rules_check(const BreakPolicy *policy, const CatalogSnapshot *catalog, Diag *diag) {
        for (guint i = 0; policy->promos && i < policy->promos->len; i++) {
                const PromoRule *rule = policy->promos->pdata[i];
                for (size_t j = 0; rule->titles && rule->titles[j]; j++)
                        if (!has_title(catalog, rule->titles[j]))
                                diag_add(diag, DIAG_WARNING, rule->spots.file, rule->spots.line, rule->spots.column,
                                         "promos \"%s\": the catalog has neither a series nor a film \"%s\", so that "
                                         "they are "
                                         "not shown for it",
                                         rule->spots.name, rule->titles[j]);
        }
}
