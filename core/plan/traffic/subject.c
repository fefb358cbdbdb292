#include <string.h>

#include "core/plan/traffic/coming.h"

#define WORDS_MAX 16      /* of a title */
#define PART_MIN_LENGTH 4 /* of a title that is found among other words: "It" is in everything */

void subject_clear(gpointer subject) {
        g_clear_pointer(&((Subject *)subject)->titles, g_strfreev);
}

GHashTable *subject_titles(const CatalogSnapshot *catalog) {
        GHashTable *titles = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
        const GPtrArray *episodes = catalog_snapshot_kind(catalog, ASSET_EPISODE);
        const GPtrArray *films = catalog_snapshot_kind(catalog, ASSET_MOVIE);
        for (guint i = 0; i < episodes->len; i++) {
                const Asset *episode = episodes->pdata[i];
                if (episode->series && g_hash_table_add(seen, episode->series))
                        g_hash_table_add(titles, promo_title_fold(episode->series));
        }
        for (guint i = 0; i < films->len; i++)
                if (((const Asset *)films->pdata[i])->title)
                        g_hash_table_add(titles, promo_title_fold(((const Asset *)films->pdata[i])->title));
        g_hash_table_remove(titles, "");
        return titles;
}

/* --- what a name says -----------------------------------------------------------------------------------------------
 */

/* The longest title among the words of a text, which are taken out; NULL: none. */
static char *take_title(const GHashTable *titles, GPtrArray *words) {
        g_autofree char *best = NULL;
        guint best_at = 0, best_n = 0;
        for (guint at = 0; at < words->len; at++) {
                g_autoptr(GString) part = g_string_new(NULL);
                for (guint n = 1; n <= WORDS_MAX && at + n <= words->len; n++) {
                        g_string_append_printf(part, "%s%s", n > 1 ? " " : "", (char *)words->pdata[at + n - 1]);
                        const bool long_enough = part->len >= PART_MIN_LENGTH || n == words->len;
                        if (!long_enough || (best && part->len <= strlen(best)) ||
                            !g_hash_table_contains((GHashTable *)titles, part->str))
                                continue;
                        g_free(best);
                        best = g_strdup(part->str);
                        best_at = at;
                        best_n = n;
                }
        }
        if (best)
                g_ptr_array_remove_range(words, best_at, best_n);
        return g_steal_pointer(&best);
}

static PromoWhen when_of(const GPtrArray *words) {
        static const char *const names[] = {"today",     "tonight",  "tomorrow", "monday",   "tuesday",
                                            "wednesday", "thursday", "friday",   "saturday", "sunday"};
        for (guint i = 0; i < words->len; i++)
                for (size_t j = 0; j < G_N_ELEMENTS(names); j++) {
                        const size_t n = strlen(names[j]);
                        const char *word = words->pdata[i];
                        if (strncmp(word, names[j], n) == 0 && (!word[n] || strcmp(word + n, "s") == 0))
                                return (PromoWhen)(PROMO_TODAY + j);
                }
        return PROMO_ANY_TIME;
}

static GPtrArray *words_of(const char *text) {
        g_autofree char *folded = promo_title_fold(text);
        GPtrArray *words = g_ptr_array_new_with_free_func(g_free);
        g_auto(GStrv) parts = g_strsplit(folded, " ", -1);
        for (size_t i = 0; parts[i] && *parts[i]; i++)
                g_ptr_array_add(words, g_strdup(parts[i]));
        return words;
}

/* What the spot's title, file name or tags (each folder it lies in is one) say of what it is for. */
static char *named_title(const GHashTable *titles, const Asset *spot, PromoWhen *ret_when) {
        g_autofree char *stem = spot->uri ? g_path_get_basename(spot->uri) : g_strdup("");
        char *dot = strrchr(stem, '.');
        if (dot)
                *dot = '\0';
        g_autoptr(GPtrArray) title = words_of(spot->title ? spot->title : ""), file = words_of(stem);
        char *found = take_title(titles, title);
        found = found ? found : take_title(titles, file);
        for (size_t i = 0; !found && spot->tags && spot->tags[i]; i++) {
                g_autoptr(GPtrArray) tag = words_of(spot->tags[i]);
                found = take_title(titles, tag);
        }
        *ret_when = when_of(title);
        if (*ret_when == PROMO_ANY_TIME)
                *ret_when = when_of(file);
        return found;
}

bool subject_of(const BreakPolicy *policy, const GHashTable *titles, const Asset *spot, Subject *ret_subject) {
        const PromoRule *rule = promo_rule_of(policy, spot);
        PromoWhen when = PROMO_ANY_TIME;
        g_autoptr(GPtrArray) folded = g_ptr_array_new_with_free_func(g_free);
        if (!rule && spot->kind != ASSET_PROMO)
                return false;
        g_autofree char *named = named_title(titles, spot, &when);
        for (size_t i = 0; rule && rule->titles && rule->titles[i]; i++)
                g_ptr_array_add(folded, promo_title_fold(rule->titles[i]));
        if (!(rule && rule->titles) && named)
                g_ptr_array_add(folded, g_steal_pointer(&named));
        if (folded->len == 0)
                return false;
        g_ptr_array_add(folded, NULL);
        *ret_subject = (Subject){.titles = (char **)g_ptr_array_free(g_steal_pointer(&folded), false),
                                 .when = rule && rule->when ? rule->when : when,
                                 .within_ms = rule && rule->within_ms ? rule->within_ms : policy->promo_within_ms};
        return true;
}
