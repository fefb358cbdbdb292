#include <string.h>

#include "core/plan/catalog/catalog.h"

static int compare_ids(const void *a, const void *b) {
        return strcmp((*(Asset *const *)a)->id, (*(Asset *const *)b)->id);
}

static int compare_names(const void *a, const void *b) {
        return strcmp(*(char *const *)a, *(char *const *)b);
}

static int compare_reading(const void *a, const void *b) {
        return asset_compare(*(Asset *const *)a, *(Asset *const *)b);
}

/* Planning asks for the same few series every day: it must not look through all there is each time. */
static void index_series(CatalogSnapshot *snapshot, const char *name, const GPtrArray *group) {
        g_autofree char *folded = g_utf8_casefold(name, -1);
        GPtrArray *assets = g_hash_table_lookup(snapshot->series, folded);
        if (!assets) {
                assets = g_ptr_array_new();
                g_hash_table_insert(snapshot->series, g_steal_pointer(&folded), assets);
        }
        g_ptr_array_extend(assets, (GPtrArray *)group, NULL, NULL);
}

static void read_group(CatalogSnapshot *snapshot, GPtrArray *group) {
        g_ptr_array_sort(group, compare_reading);
        g_ptr_array_extend(snapshot->reading, group, NULL, NULL);
        for (guint i = 0; i < group->len; i++)
                g_ptr_array_add(snapshot->kinds[((const Asset *)group->pdata[i])->kind], group->pdata[i]);
}

/* Series by series: that compares some thousand names, not each asset's with each. */
static void put_in_order(CatalogSnapshot *snapshot) {
        g_autoptr(GPtrArray) single = g_ptr_array_new();
        g_autoptr(GHashTable) groups =
                g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)g_ptr_array_unref);
        guint n_names = 0;
        for (uint32_t i = 0; i < snapshot->n_assets; i++) {
                Asset *asset = snapshot->assets[i];
                GPtrArray *group = asset->series ? g_hash_table_lookup(groups, asset->series) : single;
                if (!group) {
                        group = g_ptr_array_new();
                        g_hash_table_insert(groups, asset->series, group);
                }
                g_ptr_array_add(group, asset);
        }
        g_autofree gpointer *names = g_hash_table_get_keys_as_array(groups, &n_names);
        if (n_names > 0)
                qsort(names, n_names, sizeof(gpointer), compare_names);
        read_group(snapshot, single);
        for (guint i = 0; i < n_names; i++) {
                GPtrArray *group = g_hash_table_lookup(groups, names[i]);
                read_group(snapshot, group);
                index_series(snapshot, names[i], group);
        }
}

CatalogSnapshot *catalog_snapshot_new(Asset **take_assets, uint32_t n_assets, int64_t revision) {
        CatalogSnapshot *snapshot = g_new0(CatalogSnapshot, 1);
        if (n_assets > 0)
                qsort(take_assets, n_assets, sizeof(Asset *), compare_ids);
        snapshot->assets = take_assets;
        snapshot->n_assets = n_assets;
        snapshot->revision = revision;
        g_atomic_ref_count_init(&snapshot->refs);
        snapshot->reading = g_ptr_array_sized_new(n_assets);
        snapshot->series = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
        for (int kind = 0; kind < ASSET_KINDS; kind++)
                snapshot->kinds[kind] = g_ptr_array_new();
        put_in_order(snapshot);
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
        g_ptr_array_unref(snapshot->reading);
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

const GPtrArray *catalog_snapshot_all(const CatalogSnapshot *snapshot) {
        return snapshot->reading;
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

/* ASCII, which is nearly everything, without allocating. */
bool catalog_same_name(const char *a, const char *b) {
        if (g_ascii_tolower(*a) != g_ascii_tolower(*b) && (*a & 0x80) == 0 && (*b & 0x80) == 0)
                return false; /* nearly all that differ */
        if (g_ascii_strcasecmp(a, b) == 0)
                return true;
        if (g_str_is_ascii(a) || g_str_is_ascii(b))
                return false;
        g_autofree char *folded_a = g_utf8_casefold(a, -1), *folded_b = g_utf8_casefold(b, -1);
        return strcmp(folded_a, folded_b) == 0;
}

/* INV-LANGUAGE-NAMED-001 */
GPtrArray *catalog_snapshot_named(const CatalogSnapshot *snapshot, const char *name) {
        g_autoptr(GPtrArray) programmes = g_ptr_array_new();
        g_autoptr(GPtrArray) others = g_ptr_array_new();
        const Asset *itself = catalog_snapshot_find(snapshot, name);
        if (itself) {
                g_ptr_array_add(others, (gpointer)itself);
                return g_steal_pointer(&others);
        }
        for (guint i = 0; i < snapshot->reading->len; i++) {
                const Asset *asset = snapshot->reading->pdata[i];
                if (catalog_same_name(name, asset->title))
                        g_ptr_array_add(asset_is_programme(asset) ? programmes : others, (gpointer)asset);
        }
        return programmes->len > 0 ? g_steal_pointer(&programmes) : g_steal_pointer(&others);
}
