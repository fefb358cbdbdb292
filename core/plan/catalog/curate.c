/* What people do with the catalog: look for assets, approve of them, retire them. */
#include <string.h>
#include <sys/stat.h>

#include "core/plan/catalog/catalog_store.h"
#include "core/plan/catalog/walk.h"
#include "proto/base/error.h"
#include "proto/base/log.h"

#define MIN_ID_DIGITS 8

/* --- searching --------------------------------------------------------------------------------------------------- */

static void append(GString *text, const char *part) {
        if (part)
                g_string_append_printf(text, "%s\n", part);
}

static void append_all(GString *text, char *const *parts) {
        for (size_t i = 0; parts[i]; i++)
                append(text, parts[i]);
}

/* All that can be searched for, folded. */
static char *searchable(const Asset *asset) {
        g_autoptr(GString) text = g_string_new(NULL);
        append(text, asset->title);
        append(text, asset->series);
        append(text, asset->library);
        append(text, asset->studio);
        append(text, asset->uri);
        append(text, asset_kind_name(asset->kind));
        append(text, asset_state_name(asset->state));
        append_all(text, asset->genres);
        append_all(text, asset->tags);
        append_all(text, asset->collections);
        return g_utf8_casefold(text->str, -1);
}

static bool has_all(const char *text, char *const *words) {
        for (size_t i = 0; words[i]; i++)
                if (!strstr(text, words[i]))
                        return false;
        return true;
}

static int compare_assets(const void *a, const void *b) {
        const Asset *left = *(const Asset *const *)a, *right = *(const Asset *const *)b;
        int order = g_strcmp0(left->series, right->series);
        if (order == 0)
                order = (left->season > right->season) - (left->season < right->season);
        if (order == 0)
                order = (left->episode > right->episode) - (left->episode < right->episode);
        if (order == 0)
                order = walk_natural_order(left->title, right->title);
        return order != 0 ? order : strcmp(left->id, right->id);
}

GPtrArray *catalog_search(const CatalogSnapshot *snapshot, const char *const *words) {
        GPtrArray *found = g_ptr_array_new();
        g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
        for (size_t i = 0; words[i]; i++) {
                g_autofree char *valid = g_utf8_make_valid(words[i], -1), *folded = g_utf8_casefold(valid, -1);
                g_strv_builder_add(builder, folded);
        }
        g_auto(GStrv) folded = g_strv_builder_end(builder);
        for (uint32_t i = 0; i < snapshot->n_assets; i++) {
                g_autofree char *text = searchable(snapshot->assets[i]);
                if (has_all(text, folded))
                        g_ptr_array_add(found, snapshot->assets[i]);
        }
        g_ptr_array_sort(found, compare_assets);
        return found;
}

/* --- naming ------------------------------------------------------------------------------------------------------ */

static char **texts(Store *store, sqlite3_stmt *query, GError **error) {
        g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
        g_autoptr(GError) failure = NULL;
        if (!query)
                return NULL;
        while (store_row(store, query, &failure))
                g_strv_builder_add(builder, store_text(query, 0));
        if (!failure)
                return g_strv_builder_end(builder);
        g_propagate_error(error, g_steal_pointer(&failure));
        return NULL;
}

char **catalog_aliases(Store *store, const char *asset_id, GError **error) {
        return texts(
                store,
                store_query(store, error, "SELECT alias FROM asset_alias WHERE asset_id = ? ORDER BY 1", "s", asset_id),
                error);
}

static bool is_id_start(const char *word) {
        return strlen(word) >= MIN_ID_DIGITS && word[strspn(word, "0123456789abcdef-")] == '\0';
}

static char **candidates(Store *store, const char *word, GError **error) {
        g_autofree char *path = g_canonicalize_filename(word, NULL);
        char **found = texts(store,
                             store_query(store, error,
                                         "SELECT id FROM asset WHERE id = ? OR uri IN (?, ?) UNION "
                                         "SELECT asset_id FROM asset_alias WHERE alias = ?",
                                         "ssss", word, word, path, word),
                             error);
        if (!found || found[0] || !is_id_start(word))
                return found;
        g_strfreev(found);
        return texts(store,
                     store_query(store, error, "SELECT id FROM asset WHERE substr(id, 1, ?) = ? LIMIT 2", "is",
                                 (int64_t)strlen(word), word),
                     error);
}

char *catalog_resolve(Store *store, const char *word, GError **error) {
        g_auto(GStrv) found = candidates(store, word, error);
        if (!found)
                return NULL;
        const guint n = g_strv_length(found);
        if (n == 1)
                return g_strdup(found[0]);
        if (n == 0)
                g_set_error(error, RV_ERROR, RV_ERROR_NOT_FOUND,
                            "there is no asset \"%s\" (`retrovue catalog search` finds ids)", word);
        else
                g_set_error(error, RV_ERROR, RV_ERROR_INVALID, "\"%s\" is the beginning of several ids", word);
        return NULL;
}

/* --- deciding ---------------------------------------------------------------------------------------------------- */

typedef struct {
        AssetState state;
        bool approved, unchanged; /* its file is the one that was measured */
        bool faulty;              /* it cannot be decoded */
        int64_t duration_ms;
} Standing;

static bool is_unchanged(const char *uri, int64_t size, int64_t mtime_ns) {
        struct stat st;
        return stat(uri, &st) == 0 && st.st_size == size &&
               st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec == mtime_ns;
}

static bool read_standing(Store *store, const char *asset_id, Standing *ret_standing, GError **error) {
        sqlite3_stmt *query = store_query(
                store, error,
                "SELECT state, approved, duration_ms, uri, size, mtime_ns, EXISTS (SELECT 1 FROM asset_survey s WHERE "
                "s.asset_id = asset.id AND s.size = asset.size AND s.mtime_ns = asset.mtime_ns AND s.fault NOT NULL) "
                "FROM asset WHERE id = ?",
                "s", asset_id);
        g_autoptr(GError) failure = NULL;
        if (!query)
                return false;
        if (!store_row(store, query, &failure)) {
                if (failure)
                        g_propagate_error(error, g_steal_pointer(&failure));
                else
                        g_set_error(error, RV_ERROR, RV_ERROR_NOT_FOUND, "there is no asset %s", asset_id);
                return false;
        }
        ret_standing->state = (AssetState)store_int(query, 0);
        ret_standing->approved = store_int(query, 1) != 0;
        ret_standing->duration_ms = store_int(query, 2);
        ret_standing->unchanged = is_unchanged(store_text(query, 3), store_int(query, 4), store_int(query, 5));
        ret_standing->faulty = store_int(query, 6) != 0;
        store_reset(query);
        return true;
}

static bool decide(Store *store, const char *asset_id, AssetState state, bool approved, GError **error) {
        rv_info("catalog.decided", RV_S("asset", asset_id), RV_S("state", asset_state_name(state)));
        return catalog_store_decide(store, asset_id, state, approved, error) && catalog_store_bump(store, error);
}

/* INV-CATALOG-010: approval is of what was measured; what was not has to be first. */
static bool approve(Store *store, const char *asset_id, CatalogVerdict *ret_verdict, GError **error) {
        Standing standing;
        if (!read_standing(store, asset_id, &standing, error))
                return false;
        *ret_verdict = CATALOG_DONE;
        if (standing.state == ASSET_REFUSED || (standing.faulty && standing.unchanged))
                *ret_verdict = CATALOG_UNFIT;
        else if (standing.state == ASSET_NEW)
                *ret_verdict = CATALOG_WAITS;
        else if (standing.state == ASSET_READY && standing.approved)
                *ret_verdict = CATALOG_ALREADY;
        if (*ret_verdict != CATALOG_DONE)
                return true;
        if (standing.duration_ms > 0 && (standing.state == ASSET_READY || standing.unchanged))
                return decide(store, asset_id, ASSET_READY, true, error);
        *ret_verdict = CATALOG_WAITS;
        return decide(store, asset_id, ASSET_NEW, false, error);
}

static bool retire(Store *store, const char *asset_id, CatalogVerdict *ret_verdict, GError **error) {
        Standing standing;
        if (!read_standing(store, asset_id, &standing, error))
                return false;
        *ret_verdict = standing.state == ASSET_RETIRED ? CATALOG_ALREADY : CATALOG_DONE;
        return *ret_verdict == CATALOG_ALREADY || decide(store, asset_id, ASSET_RETIRED, false, error);
}

static bool in_transaction(Store *store, const char *asset_id, CatalogVerdict *ret_verdict,
                           bool (*f)(Store *, const char *, CatalogVerdict *, GError **), GError **error) {
        if (!store_begin(store, error))
                return false;
        if (f(store, asset_id, ret_verdict, error))
                return store_commit(store, error);
        store_rollback(store);
        return false;
}

bool catalog_approve(Store *store, const char *asset_id, CatalogVerdict *ret_verdict, GError **error) {
        return in_transaction(store, asset_id, ret_verdict, approve, error);
}

bool catalog_retire(Store *store, const char *asset_id, CatalogVerdict *ret_verdict, GError **error) {
        return in_transaction(store, asset_id, ret_verdict, retire, error);
}
