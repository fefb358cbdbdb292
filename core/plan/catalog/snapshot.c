#include <string.h>

#include "core/plan/catalog/catalog.h"

static int compare_ids(const void *a, const void *b) {
        return strcmp((*(Asset *const *)a)->id, (*(Asset *const *)b)->id);
}

/* Planning asks for the same few series every day: it must not look through all there is each time. */
static void index_asset(CatalogSnapshot *snapshot, Asset *asset) {
        g_ptr_array_add(snapshot->kinds[asset->kind], asset);
        if (!asset->series)
                return;
        g_autofree char *folded = g_utf8_casefold(asset->series, -1);
        GPtrArray *assets = g_hash_table_lookup(snapshot->series, folded);
        if (!assets) {
                assets = g_ptr_array_new();
                g_hash_table_insert(snapshot->series, g_steal_pointer(&folded), assets);
        }
        g_ptr_array_add(assets, asset);
}

CatalogSnapshot *catalog_snapshot_new(Asset **take_assets, uint32_t n_assets, int64_t revision) {
        CatalogSnapshot *snapshot = g_new0(CatalogSnapshot, 1);
        if (n_assets > 0)
                qsort(take_assets, n_assets, sizeof(Asset *), compare_ids);
        snapshot->assets = take_assets;
        snapshot->n_assets = n_assets;
        snapshot->revision = revision;
        g_atomic_ref_count_init(&snapshot->refs);
        snapshot->series = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
        for (int kind = 0; kind < ASSET_KINDS; kind++)
                snapshot->kinds[kind] = g_ptr_array_new();
        for (uint32_t i = 0; i < n_assets; i++)
                index_asset(snapshot, take_assets[i]);
        return snapshot;
}

CatalogSnapshot *catalog_snapshot_ref(CatalogSnapshot *snapshot) {
        g_atomic_ref_count_inc(&snapshot->refs);
        return snapshot;
}

void catalog_snapshot_unref(CatalogSnapshot *snapshot) {
        if (!snapshot || !g_atomic_ref_count_dec(&snapshot->refs))
                return;
        g_hash_table_unref(snapshot->series);
        for (int kind = 0; kind < ASSET_KINDS; kind++)
                g_ptr_array_unref(snapshot->kinds[kind]);
        for (uint32_t i = 0; i < snapshot->n_assets; i++)
                asset_free(snapshot->assets[i]);
        g_free(snapshot->assets);
        g_free(snapshot);
}

const Asset *catalog_snapshot_find(const CatalogSnapshot *snapshot, const char *asset_id) {
        uint32_t low = 0, high = snapshot->n_assets;
        while (low < high) {
                const uint32_t middle = low + (high - low) / 2;
                const int order = strcmp(asset_id, snapshot->assets[middle]->id);
                if (order == 0)
                        return snapshot->assets[middle];
                if (order < 0)
                        high = middle;
                else
                        low = middle + 1;
        }
        return NULL;
}

const GPtrArray *catalog_snapshot_series(const CatalogSnapshot *snapshot, const char *series) {
        static const GPtrArray none;
        g_autofree char *folded = g_utf8_casefold(series, -1);
        const GPtrArray *assets = g_hash_table_lookup(snapshot->series, folded);
        return assets ? assets : &none;
}

const GPtrArray *catalog_snapshot_kind(const CatalogSnapshot *snapshot, AssetKind kind) {
        return snapshot->kinds[kind];
}
