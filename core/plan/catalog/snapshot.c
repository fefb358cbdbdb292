#include <string.h>

#include "core/plan/catalog/catalog.h"

static int compare_ids(const void *a, const void *b) {
        return strcmp((*(Asset *const *)a)->id, (*(Asset *const *)b)->id);
}

CatalogSnapshot *catalog_snapshot_new(Asset **take_assets, uint32_t n_assets, int64_t revision) {
        CatalogSnapshot *snapshot = g_new0(CatalogSnapshot, 1);
        if (n_assets > 0)
                qsort(take_assets, n_assets, sizeof(Asset *), compare_ids);
        snapshot->assets = take_assets;
        snapshot->n_assets = n_assets;
        snapshot->revision = revision;
        g_atomic_ref_count_init(&snapshot->refs);
        return snapshot;
}

CatalogSnapshot *catalog_snapshot_ref(CatalogSnapshot *snapshot) {
        g_atomic_ref_count_inc(&snapshot->refs);
        return snapshot;
}

void catalog_snapshot_unref(CatalogSnapshot *snapshot) {
        if (!snapshot || !g_atomic_ref_count_dec(&snapshot->refs))
                return;
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
