#include "tests/support/cmocka.h"

#include <string.h>

#include "core/plan/catalog/catalog.h"

static Asset *ready_asset(const char *id) {
        Asset *asset = asset_new();
        asset->id = g_strdup(id);
        asset->uri = g_strdup_printf("/media/%s.mkv", id);
        asset->title = g_strdup("A title");
        asset->state = ASSET_READY;
        asset->approved = true;
        asset->duration_ms = 1000;
        return asset;
}

static void names_of_kinds_go_both_ways(void **state) {
        for (AssetKind kind = ASSET_EPISODE; kind <= ASSET_FILLER; kind++)
                assert_int_equal(asset_kind_from_name(asset_kind_name(kind)), kind);
        assert_int_equal(asset_kind_from_name("Episode"), 0);
        assert_int_equal(asset_kind_from_name(""), 0);
        assert_string_equal(asset_kind_name(ASSET_STATION_ID), "station_id");
        assert_string_equal(asset_state_name(ASSET_MISSING), "missing");
}

/* Every combination of state, approval and length: one passes. */
static void LAW_ELIGIBILITY_only_ready_approved_measured_assets_pass(void **state) {
        for (AssetState s = ASSET_NEW; s <= ASSET_RETIRED; s++)
                for (int approved = 0; approved <= 1; approved++)
                        for (int64_t duration_ms = -1; duration_ms <= 1; duration_ms++) {
                                Asset *asset = ready_asset("a");
                                asset->state = s;
                                asset->approved = approved;
                                asset->duration_ms = duration_ms;
                                assert_int_equal(asset_eligible(asset),
                                                 s == ASSET_READY && approved && duration_ms == 1);
                                asset_free(asset);
                        }
}

static void INV_ASSET_SCHEDULABLE_TRIPLE_GATE_001_each_condition_counts(void **state) {
        Asset *asset = ready_asset("a");
        assert_true(asset_eligible(asset));
        asset->approved = false;
        assert_false(asset_eligible(asset));
        asset->approved = true;
        asset->state = ASSET_RETIRED;
        assert_false(asset_eligible(asset));
        asset->state = ASSET_MISSING;
        assert_false(asset_eligible(asset));
        asset_free(asset);
}

static void a_snapshot_finds_every_asset_by_id(void **state) {
        enum { N = 1000 };
        Asset **assets = g_new0(Asset *, N);
        for (int i = 0; i < N; i++) {
                g_autofree char *id = g_strdup_printf("%04d", i * 7919 % N);
                assets[i] = ready_asset(id);
        }
        g_autoptr(CatalogSnapshot) snapshot = catalog_snapshot_new(assets, N, 42);
        assert_int_equal(snapshot->revision, 42);
        for (int i = 0; i < N; i++) {
                g_autofree char *id = g_strdup_printf("%04d", i);
                assert_string_equal(snapshot->assets[i]->id, id);
                assert_ptr_equal(catalog_snapshot_find(snapshot, id), snapshot->assets[i]);
        }
        assert_null(catalog_snapshot_find(snapshot, "0000x"));
        assert_null(catalog_snapshot_find(snapshot, ""));
        g_autoptr(CatalogSnapshot) empty = catalog_snapshot_new(NULL, 0, 0);
        assert_null(catalog_snapshot_find(empty, "0000"));
        CatalogSnapshot *again = catalog_snapshot_ref(snapshot);
        catalog_snapshot_unref(again);
        assert_non_null(catalog_snapshot_find(snapshot, "0001"));
}

static void json_shows_what_is_known(void **state) {
        Asset *asset = ready_asset("a");
        asset->kind = ASSET_MOVIE;
        asset->rate = (RvRational){30000, 1001};
        asset->n_chapters = 1;
        asset->chapter_ms = g_new0(int64_t, 1);
        asset->chapter_ms[0] = 500;
        json_t *json = asset_json(asset);
        assert_string_equal(json_string_value(json_object_get(json, "kind")), "movie");
        assert_string_equal(json_string_value(json_object_get(json, "state")), "ready");
        assert_string_equal(json_string_value(json_object_get(json, "rate")), "30000/1001");
        assert_true(json_is_true(json_object_get(json, "eligible")));
        assert_true(json_is_null(json_object_get(json, "series")));
        assert_int_equal(json_integer_value(json_array_get(json_object_get(json, "chapter_ms"), 0)), 500);
        json_decref(json);
        asset_free(asset);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(names_of_kinds_go_both_ways),
                cmocka_unit_test(LAW_ELIGIBILITY_only_ready_approved_measured_assets_pass),
                cmocka_unit_test(INV_ASSET_SCHEDULABLE_TRIPLE_GATE_001_each_condition_counts),
                cmocka_unit_test(a_snapshot_finds_every_asset_by_id),
                cmocka_unit_test(json_shows_what_is_known),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
