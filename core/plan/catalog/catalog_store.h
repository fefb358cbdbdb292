/* The catalog's rows in the store. Each call runs on the thread that owns the store; writes belong into a transaction.
 */
#pragma once

#include "core/plan/catalog/catalog.h"

/* An asset with what only scanning needs to know of it. */
typedef struct {
        Asset *asset;      /* its state is what was measured, even where present is false */
        int64_t size;      /* bytes, as measured; 0 with no time: measure again */
        int64_t mtime_ns;  /* as measured */
        char *stamp;       /* of its editorial data */
        char *origin;      /* the library that describes it; NULL: its folder does */
        char **aliases;    /* what its library calls it; only written, NULL: leave them as they are */
        bool present;      /* seen by the last scan of its folder */
        char *fingerprint; /* of the file as measured; NULL = not known */
        int64_t end_ms;    /* what the survey says; 0 = nothing else than the asset does */
        char *fault;       /* what it says against the file; NULL = nothing. Both are only read */
} CatalogRow;

CatalogRow *catalog_row_new(void);
void catalog_row_free(CatalogRow *row);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CatalogRow, catalog_row_free)

/* uri -> CatalogRow, all of them; NULL on failure. */
GHashTable *catalog_store_rows(Store *store, GError **error);
/* The row of a path; NULL without an error: there is none. */
CatalogRow *catalog_store_find(Store *store, const char *uri, GError **error);
/* Adds or replaces the row with its markers and aliases. */
bool catalog_store_put(Store *store, const CatalogRow *row, GError **error);
bool catalog_store_set_present(Store *store, const char *asset_id, bool present, GError **error);
/* Nothing refers to an asset that was never measured: it can be forgotten. */
bool catalog_store_forget(Store *store, const char *asset_id, GError **error);
/* "asset.<series>.s01e02", g_free it. */
char *catalog_episode_alias(const char *series, int32_t season, int32_t episode);
/* Within the transaction of a put: one name more. */
bool catalog_store_put_alias(Store *store, const char *asset_id, const char *alias, GError **error);
bool catalog_store_decide(Store *store, const char *asset_id, AssetState state, bool approved, GError **error);
/* The catalog has changed: the next snapshot has a higher revision. */
bool catalog_store_bump(Store *store, GError **error);
/* The id that a new file of this path gets: always the same, unless a file that was there before has moved and taken it
 * along. */
bool catalog_store_name(Store *store, const char *uri, char ret_id[37], GError **error);
/* The file of size bytes at uri is the one that was elsewhere: all that is known of it goes along. */
bool catalog_store_move(Store *store, CatalogRow *row, const char *uri, int64_t mtime_ns, GError **error);
/* Of the rows whose file was of that size and is no longer where it was, the one that is the file at uri; NULL without
 * an error: none is. below: only of this origin's beginning; NULL = any. */
CatalogRow *catalog_store_find_moved(Store *store, const char *uri, int64_t size, const char *below, GError **error);
