/* Files that were renamed or moved: they are known by their content. */
#include <errno.h>
#include <sys/stat.h>

#include "core/plan/catalog/catalog_store.h"
#include "core/plan/catalog/measure/fingerprint.h"
#include "proto/base/log.h"

static bool is_away(const char *path) {
        struct stat status;
        return lstat(path, &status) != 0 && (errno == ENOENT || errno == ENOTDIR);
}

/* The paths of those that may be it; the ones of the same name first. NULL on failure. */
static char **away_candidates(Store *store, const char *uri, int64_t size, const char *fingerprint, GError **error) {
        g_autofree char *name = g_path_get_basename(uri);
        g_autofree char *end = g_strconcat("/", name, NULL);
        g_autoptr(GStrvBuilder) paths = g_strv_builder_new();
        g_autoptr(GError) failure = NULL;
        sqlite3_stmt *query = store_query(store, error,
                                          "SELECT uri FROM asset WHERE size = ? AND fingerprint = ? AND uri <> ? "
                                          "ORDER BY substr(uri, -length(?4)) <> ?4, uri",
                                          "isss", size, fingerprint, uri, end);
        if (!query)
                return NULL;
        while (store_row(store, query, &failure))
                if (is_away(store_text(query, 0)))
                        g_strv_builder_add(paths, store_text(query, 0));
        if (!failure)
                return g_strv_builder_end(paths);
        g_propagate_error(error, g_steal_pointer(&failure));
        return NULL;
}

static bool any_of_size(Store *store, const char *uri, int64_t size, GError **error) {
        sqlite3_stmt *query =
                store_query(store, error, "SELECT 1 FROM asset WHERE size = ? AND fingerprint IS NOT NULL AND uri <> ?",
                            "is", size, uri);
        const bool any = query && store_row(store, query, error);
        if (query)
                store_reset(query);
        return any;
}

CatalogRow *catalog_store_find_moved(Store *store, const char *uri, int64_t size, const char *below, GError **error) {
        g_autoptr(GError) failure = NULL;
        g_autofree char *fingerprint = any_of_size(store, uri, size, &failure) ? fingerprint_of(uri, size) : NULL;
        g_auto(GStrv) paths = fingerprint ? away_candidates(store, uri, size, fingerprint, &failure) : NULL;
        for (size_t i = 0; paths && paths[i] && !failure; i++) {
                g_autoptr(CatalogRow) row = catalog_store_find(store, paths[i], &failure);
                if (row && (!below || (row->origin && g_str_has_prefix(row->origin, below))))
                        return g_steal_pointer(&row);
        }
        if (failure)
                g_propagate_error(error, g_steal_pointer(&failure));
        return NULL;
}

/* INV-CATALOG-011 */
bool catalog_store_move(Store *store, CatalogRow *row, const char *uri, int64_t mtime_ns, GError **error) {
        Asset *asset = row->asset;
        rv_info("catalog.moved", RV_S("asset", asset->id), RV_S("from", asset->uri), RV_S("to", uri));
        g_free(asset->uri);
        asset->uri = g_strdup(uri);
        row->mtime_ns = mtime_ns;
        return store_run(store, error,
                         "UPDATE asset_survey SET mtime_ns = ?2 WHERE asset_id = ?1 AND EXISTS (SELECT 1 FROM asset a "
                         "WHERE a.id = ?1 AND a.size = asset_survey.size AND a.mtime_ns = asset_survey.mtime_ns)",
                         "si", asset->id, mtime_ns) &&
               store_run(store, error, "UPDATE asset SET uri = ?, mtime_ns = ? WHERE id = ?", "sis", uri, mtime_ns,
                         asset->id);
}
