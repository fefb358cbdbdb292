/* The catalog's rows in the store. Each call runs on the thread that owns the store; writes belong into a transaction.
 */
#pragma once

#include "core/plan/catalog/catalog.h"

/* An asset with what only scanning needs to know of it. */
typedef struct {
        Asset *asset;     /* its state is what was measured, even where present is false */
        int64_t size;     /* bytes, as measured; 0 with no time: measure again */
        int64_t mtime_ns; /* as measured */
        char *stamp;      /* of its editorial data */
        char *origin;     /* the library that describes it; NULL: its folder does */
        char **aliases;   /* what its library calls it; only written, NULL: leave them as they are */
        bool present;     /* seen by the last scan of its folder */
} CatalogRow;

CatalogRow *catalog_row_new(void);
void catalog_row_free(CatalogRow *row);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CatalogRow, catalog_row_free)

/* uri -> CatalogRow, all of them; NULL on failure. */
GHashTable *catalog_store_rows(Store *store, GError **error);
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
/* The id and canonical key that a folder's file has, always the same. */
void catalog_identity(const char *uri, char ret_id[37], char ret_key[65]);
