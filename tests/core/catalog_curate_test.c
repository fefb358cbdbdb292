#include <sys/stat.h>

#include "core/plan/catalog/catalog_store.h"
#include "proto/base/error.h"
#include "tests/core/catalog_fixture.h"

/* A file and its row, as a scan of it would have left it; the id is the caller's to g_free. */
static char *put(const World *world, const char *name, AssetState asset_state) {
        g_autoptr(CatalogRow) row = catalog_row_new();
        Asset *asset = row->asset;
        char id[37];
        struct stat st;
        asset->uri = g_build_filename(world->dir, name, NULL);
        assert_true(g_file_set_contents(asset->uri, name, -1, NULL));
        assert_int_equal(stat(asset->uri, &st), 0);
        assert_true(catalog_store_name(world->store, asset->uri, id, NULL));
        asset->id = g_strdup(id);
        asset->title = g_strdup(name);
        asset->series = g_strdup("Tales & Tails");
        asset->season = 1;
        asset->episode = (int32_t)strlen(name);
        asset->state = asset_state;
        asset->approved = asset_state == ASSET_READY;
        asset->duration_ms = asset_state == ASSET_READY ? 60000 : 0;
        asset->reason = g_strdup(asset_state == ASSET_REFUSED ? "It is damaged." : NULL);
        row->stamp = g_strdup("");
        row->size = st.st_size;
        row->mtime_ns = st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec;
        assert_true(catalog_store_put(world->store, row, NULL));
        return g_strdup(id);
}

static bool eligible(const World *world, const char *id) {
        g_autoptr(CatalogSnapshot) catalog = load(world);
        return asset_eligible(catalog_snapshot_find(catalog, id));
}

static CatalogVerdict approve(const World *world, const char *id) {
        CatalogVerdict verdict = CATALOG_UNFIT;
        assert_true(catalog_approve(world->store, id, &verdict, NULL));
        return verdict;
}

static CatalogVerdict retire(const World *world, const char *id) {
        CatalogVerdict verdict = CATALOG_UNFIT;
        assert_true(catalog_retire(world->store, id, &verdict, NULL));
        return verdict;
}

static void INV_CATALOG_010_what_is_retired_is_not_planned_until_it_is_approved(void **state) {
        World *world = *state;
        g_autofree char *id = put(world, "a", ASSET_READY);
        g_autoptr(CatalogSnapshot) before = load(world);
        assert_int_equal(approve(world, id), CATALOG_ALREADY);
        assert_int_equal(retire(world, id), CATALOG_DONE);
        assert_int_equal(retire(world, id), CATALOG_ALREADY);
        assert_false(eligible(world, id));
        g_autoptr(CatalogSnapshot) retired = load(world);
        assert_true(retired->revision > before->revision);
        assert_int_equal(approve(world, id), CATALOG_DONE);
        assert_true(eligible(world, id));
        g_autoptr(CatalogSnapshot) approved = load(world);
        assert_true(approved->revision > retired->revision);
}

static void INV_CATALOG_010_another_file_has_to_be_measured_first(void **state) {
        World *world = *state;
        g_autofree char *id = put(world, "a", ASSET_READY);
        g_autofree char *path = g_build_filename(world->dir, "a", NULL);
        assert_int_equal(retire(world, id), CATALOG_DONE);
        assert_true(g_file_set_contents(path, "another film", -1, NULL));
        assert_int_equal(approve(world, id), CATALOG_WAITS);
        assert_false(eligible(world, id));
        g_autoptr(CatalogSnapshot) catalog = load(world);
        assert_int_equal(catalog->assets[0]->state, ASSET_NEW);
}

static void INV_CATALOG_010_what_is_refused_or_unmeasured_cannot_be_approved(void **state) {
        World *world = *state;
        g_autofree char *refused = put(world, "refused", ASSET_REFUSED), *new = put(world, "new", ASSET_NEW);
        assert_int_equal(approve(world, refused), CATALOG_UNFIT);
        assert_int_equal(approve(world, new), CATALOG_WAITS);
        assert_false(eligible(world, refused));
        g_autoptr(CatalogSnapshot) catalog = load(world);
        assert_string_equal(catalog_snapshot_find(catalog, refused)->reason, "It is damaged.");
}

static void deciding_about_what_is_not_there_is_an_error(void **state) {
        World *world = *state;
        CatalogVerdict verdict = CATALOG_DONE;
        g_autoptr(GError) error = NULL;
        assert_false(catalog_retire(world->store, "nothing", &verdict, &error));
        assert_int_equal(error->code, RV_ERROR_NOT_FOUND);
}

static void an_asset_is_named_by_id_path_or_alias(void **state) {
        World *world = *state;
        g_autofree char *id = put(world, "a", ASSET_READY), *path = g_build_filename(world->dir, "a", NULL);
        g_autofree char *start = g_strndup(id, 8);
        const char *const words[] = {id, start, path, "asset.tales-tails.s01e01"};
        for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
                g_autofree char *found = catalog_resolve(world->store, words[i], NULL);
                assert_string_equal(found, id);
        }
        g_autoptr(GError) error = NULL;
        assert_null(catalog_resolve(world->store, "0", &error));
        assert_int_equal(error->code, RV_ERROR_NOT_FOUND);
        g_auto(GStrv) aliases = catalog_aliases(world->store, id, NULL);
        assert_int_equal(g_strv_length(aliases), 1);
}

static void a_search_finds_what_has_every_word(void **state) {
        World *world = *state;
        g_autofree char *one = put(world, "Zebra", ASSET_READY);
        g_free(put(world, "Ark", ASSET_READY));
        g_autoptr(CatalogSnapshot) catalog = load(world);
        const char *const both[] = {"TAILS", "episode", NULL}, *const last[] = {"tales", "zebra", NULL};
        const char *const none[] = {"zebra", "nowhere", NULL};
        g_autoptr(GPtrArray) all = catalog_search(catalog, both);
        g_autoptr(GPtrArray) first = catalog_search(catalog, last);
        g_autoptr(GPtrArray) nothing = catalog_search(catalog, none);
        assert_int_equal(all->len, 2);
        assert_string_equal(((Asset *)all->pdata[0])->title, "Ark");
        assert_int_equal(first->len, 1);
        assert_string_equal(((Asset *)first->pdata[0])->id, one);
        assert_int_equal(nothing->len, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                IN_WORLD(INV_CATALOG_010_what_is_retired_is_not_planned_until_it_is_approved),
                IN_WORLD(INV_CATALOG_010_another_file_has_to_be_measured_first),
                IN_WORLD(INV_CATALOG_010_what_is_refused_or_unmeasured_cannot_be_approved),
                IN_WORLD(deciding_about_what_is_not_there_is_an_error),
                IN_WORLD(an_asset_is_named_by_id_path_or_alias),
                IN_WORLD(a_search_finds_what_has_every_word),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
