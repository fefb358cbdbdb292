#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/plan/catalog/measure/fingerprint.h"
#include "proto/base/error.h"
#include "proto/base/hash.h"
#include "tests/core/catalog_fixture.h"
#include "tests/support/chance.h"
#include "tests/support/plex_fixture.h"

#define FILM "/media/Movies/Ark (1984)/Ark.mkv"

static int set_up(void **state) {
        (void)world_set_up(state);
        World *world = *state;
        world->map = g_strdup_printf("/media=%s", world->media);
        return 0;
}

/* --- what is there ------------------------------------------------------------------------------------------------ */

static char *here(const World *world, const char *plex_path) {
        return g_strconcat(world->media, plex_path + strlen("/media"), NULL);
}

static void make_file(const World *world, const char *plex_path) {
        g_autofree char *path = here(world, plex_path), *dir = g_path_get_dirname(path);
        assert_int_equal(g_mkdir_with_parents(dir, 0755), 0);
        assert_true(g_file_set_contents(path, "film", -1, NULL));
}

static void remove_file(const World *world, const char *plex_path) {
        g_autofree char *path = here(world, plex_path);
        assert_int_equal(g_unlink(path), 0);
}

/* One film and one episode. */
static PlexFixture *small_library(const World *world, PlexAge age) {
        PlexFixture *plex = plex_fixture_new(world->library, age);
        const int64_t movies = plex_fixture_section(plex, "Movies", 1, "/media/Movies");
        const int64_t tv = plex_fixture_section(plex, "TV Shows", 2, "/media/TV");
        const int64_t film = plex_fixture_movie(plex, movies, "The Ark", 1984);
        plex_fixture_file(plex, film, FILM, 1920);
        plex_fixture_tag(plex, film, 1, "Adventure");
        plex_fixture_tag(plex, film, 2, "Boats");
        const int64_t show = plex_fixture_show(plex, tv, "Tales & Tails");
        plex_fixture_tag(plex, show, 1, "Comedy");
        plex_fixture_tag(plex, show, 11, "Late Night");
        const int64_t season = plex_fixture_season(plex, tv, show, 2);
        const int64_t episode = plex_fixture_episode(plex, tv, season, 7, "The Fish");
        plex_fixture_file(plex, episode, "/media/TV/Tales/Season 02/07.mkv", 720);
        return plex;
}

static void make_small_library(const World *world) {
        plex_fixture_close(small_library(world, PLEX_TODAY));
        make_file(world, FILM);
        make_file(world, "/media/TV/Tales/Season 02/07.mkv");
}

/* --- doing -------------------------------------------------------------------------------------------------------- */

/* As a scan would have left them. */
static void measure(const World *world) {
        sql_run(world->store,
                "UPDATE asset SET state = 2, approved = 1, duration_ms = 60000, size = 4 WHERE present = 1");
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

static void a_film_is_what_plex_says(void **state) {
        World *world = *state;
        make_small_library(world);
        import(world);
        assert_int_equal(world->report.found, 2);
        assert_int_equal(world->report.added, 2);
        assert_int_equal(world->report.missing, 0);
        g_autoptr(CatalogSnapshot) catalog = load(world);
        const Asset *film = asset_titled(catalog, "The Ark");
        g_autofree char *path = here(world, FILM);
        assert_int_equal(film->kind, ASSET_MOVIE);
        assert_int_equal(film->state, ASSET_NEW);
        assert_string_equal(film->uri, path);
        assert_string_equal(film->source, "plex");
        assert_string_equal(film->library, "Movies");
        assert_string_equal(film->studio, "House Pictures");
        assert_string_equal(film->genres[0], "Adventure");
        assert_string_equal(film->collections[0], "Boats");
        assert_int_equal(film->year, 1984);
        assert_null(film->series);
        assert_non_null(strstr(film->description, "In which The Ark comes to an end"));
        assert_int_equal(film->duration_ms, 0);
        assert_true(film->hint_ms > 0);
        assert_true(film->added_utc_ms < NOW_UTC_MS);
        assert_false(asset_eligible(film));
}

static void an_episode_has_what_its_show_has(void **state) {
        World *world = *state;
        make_small_library(world);
        import(world);
        g_autoptr(CatalogSnapshot) catalog = load(world);
        const Asset *episode = asset_titled(catalog, "The Fish");
        assert_int_equal(episode->kind, ASSET_EPISODE);
        assert_string_equal(episode->series, "Tales & Tails");
        assert_int_equal(episode->season, 2);
        assert_int_equal(episode->episode, 7);
        assert_string_equal(episode->genres[0], "Comedy");
        assert_string_equal(episode->studio, "House Pictures");
        assert_true(g_strv_contains((const char *const *)episode->tags, "late night"));
        assert_true(g_strv_contains((const char *const *)episode->tags, "tales"));
        assert_int_equal(
                sql_int(world->store, "SELECT count(*) FROM asset_alias WHERE alias = 'asset.tales-tails.s02e07'"), 1);
        assert_int_equal(sql_int(world->store, "SELECT count(*) FROM asset_alias WHERE alias LIKE 'plex://episode/%'"),
                         1);
}

static void an_old_database_is_read_too(void **state) {
        World *world = *state;
        PlexFixture *plex = small_library(world, PLEX_OF_2014);
        plex_fixture_run(plex, "DELETE FROM taggings; UPDATE metadata_items SET tags_genre = 'Comedy|Drama', "
                               "originally_available_at = '1994-09-22 00:00:00'");
        plex_fixture_close(plex);
        import(world);
        g_autoptr(CatalogSnapshot) catalog = load(world);
        const Asset *film = asset_titled(catalog, "The Ark");
        assert_string_equal(film->air_date, "1994-09-22");
        assert_string_equal(film->genres[1], "Drama");
}

static void dates_before_1970_and_of_no_calendar(void **state) {
        World *world = *state;
        PlexFixture *plex = small_library(world, PLEX_TODAY);
        plex_fixture_run(plex,
                         "UPDATE metadata_items SET originally_available_at = -631152000 WHERE title = 'The Ark'");
        plex_fixture_run(plex, "UPDATE metadata_items SET originally_available_at = 9e18, added_at = 'never', year = "
                               "-7 WHERE title = 'The Fish'");
        plex_fixture_close(plex);
        import(world);
        g_autoptr(CatalogSnapshot) catalog = load(world);
        assert_string_equal(asset_titled(catalog, "The Ark")->air_date, "1950-01-01");
        assert_null(asset_titled(catalog, "The Fish")->air_date);
        assert_int_equal(asset_titled(catalog, "The Fish")->year, 0);
}

static void of_two_versions_the_best_that_is_there_is_taken(void **state) {
        World *world = *state;
        PlexFixture *plex = plex_fixture_new(world->library, PLEX_TODAY);
        const int64_t movies = plex_fixture_section(plex, "Movies", 1, "/media/Movies");
        const int64_t film = plex_fixture_movie(plex, movies, "Ark", 1984);
        plex_fixture_file(plex, film, "/media/Movies/small.mkv", 640);
        plex_fixture_file(plex, film, "/media/Movies/gone.mkv", 3840);
        plex_fixture_file(plex, film, "/media/Movies/large.mkv", 1920);
        plex_fixture_close(plex);
        make_file(world, "/media/Movies/small.mkv");
        make_file(world, "/media/Movies/large.mkv");
        import(world);
        g_autoptr(CatalogSnapshot) catalog = load(world);
        assert_int_equal(catalog->n_assets, 1);
        assert_true(g_str_has_suffix(catalog->assets[0]->uri, "/large.mkv"));
}

static void a_film_in_parts_is_told_and_left_out(void **state) {
        World *world = *state;
        PlexFixture *plex = small_library(world, PLEX_TODAY);
        plex_fixture_run(plex, "INSERT INTO media_parts (media_item_id, file) SELECT media_item_id, "
                               "'/media/Movies/cd2.avi' FROM media_parts WHERE file LIKE '%%Ark.mkv'");
        plex_fixture_close(plex);
        import(world);
        assert_int_equal(world->report.found, 1);
        assert_int_equal(world->report.skipped, 2);
        g_autofree char *notes = g_strjoinv("\n", world->report.notes);
        assert_non_null(strstr(notes, "join them in one file"));
}

static void one_file_of_two_episodes_has_both_names(void **state) {
        World *world = *state;
        PlexFixture *plex = small_library(world, PLEX_TODAY);
        const int64_t second = plex_fixture_episode(plex, 2, 3, 8, "The Bird");
        plex_fixture_file(plex, second, "/media/TV/Tales/Season 02/07.mkv", 720);
        plex_fixture_close(plex);
        import(world);
        assert_int_equal(sql_int(world->store, "SELECT count(*) FROM asset"), 2);
        assert_int_equal(sql_int(world->store,
                                 "SELECT count(*) FROM asset_alias a JOIN asset_alias b USING (asset_id) WHERE "
                                 "a.alias = 'asset.tales-tails.s02e07' AND b.alias = 'asset.tales-tails.s02e08'"),
                         1);
}

static void what_is_deleted_or_in_other_libraries_is_left_out(void **state) {
        World *world = *state;
        PlexFixture *plex = small_library(world, PLEX_TODAY);
        plex_fixture_run(plex, "UPDATE metadata_items SET deleted_at = 1700000000 WHERE title = 'The Ark'");
        plex_fixture_close(plex);
        g_autoptr(GError) error = NULL;
        assert_false(try_import(world, "Music", &error));
        assert_non_null(strstr(error->message, "no library \"Music\"; there are: \"Movies\", \"TV Shows\""));
        assert_true(try_import(world, "movies", NULL));
        assert_int_equal(world->report.found, 0);
        assert_true(try_import(world, "TV Shows", NULL));
        assert_int_equal(world->report.found, 1);
}

static void folders_of_interstitials_are_what_they_are_called(void **state) {
        World *world = *state;
        PlexFixture *plex = plex_fixture_new(world->library, PLEX_TODAY);
        const int64_t spots = plex_fixture_section(plex, "Commercials", 1, "/media/spots");
        plex_fixture_file(plex, plex_fixture_movie(plex, spots, "Cola", 1987), "/media/spots/cola.mp4", 640);
        plex_fixture_close(plex);
        import(world);
        g_autoptr(CatalogSnapshot) catalog = load(world);
        assert_int_equal(catalog->assets[0]->kind, ASSET_COMMERCIAL);
}

static void a_path_of_windows_is_found_by_its_map(void **state) {
        World *world = *state;
        PlexFixture *plex = plex_fixture_new(world->library, PLEX_TODAY);
        const int64_t movies = plex_fixture_section(plex, "Movies", 1, "D:\\Films");
        plex_fixture_file(plex, plex_fixture_movie(plex, movies, "Ark", 1984), "D:\\Films\\Ark\\Ark.mkv", 640);
        plex_fixture_close(plex);
        make_file(world, "/media/Ark/Ark.mkv");
        g_free(world->map);
        world->map = g_strdup_printf("d:\\films\\=%s/", world->media);
        import(world);
        assert_int_equal(world->report.missing, 0);
        g_free(world->map);
        world->map = g_strdup("no map");
        g_autoptr(GError) error = NULL;
        assert_false(try_import(world, NULL, &error));
        assert_non_null(strstr(error->message, "FROM=TO"));
}

/* --- again and again ---------------------------------------------------------------------------------------------- */

static void INV_CATALOG_008_a_second_import_changes_nothing(void **state) {
        World *world = *state;
        PlexFixture *plex = plex_fixture_new(world->library, PLEX_TODAY);
        plex_fixture_generate(plex, "/media", 200, 20, false);
        plex_fixture_close(plex);
        import(world);
        assert_int_equal(world->report.added, 220);
        assert_int_equal(sql_int(world->store, "SELECT count(*) FROM asset_alias"), 2 * 200 + 20);
        const int64_t revision = sql_int(world->store, "SELECT revision FROM catalog_revision");
        import(world);
        assert_int_equal(world->report.unchanged, 220);
        assert_int_equal(world->report.added + world->report.changed + world->report.vanished, 0);
        assert_int_equal(sql_int(world->store, "SELECT revision FROM catalog_revision"), revision);
}

static void INV_CATALOG_008_what_was_measured_stays_measured(void **state) {
        World *world = *state;
        make_small_library(world);
        import(world);
        measure(world);
        g_autoptr(CatalogSnapshot) before = load(world);
        g_autofree char *id = g_strdup(asset_titled(before, "The Ark")->id);
        assert_true(asset_eligible(asset_titled(before, "The Ark")));
        assert_int_equal(g_unlink(world->library), 0);
        PlexFixture *plex = small_library(world, PLEX_TODAY);
        plex_fixture_run(plex, "UPDATE metadata_items SET title = 'The Ark Royal' WHERE title = 'The Ark'");
        plex_fixture_close(plex);
        import(world);
        assert_int_equal(world->report.changed, 1);
        assert_int_equal(world->report.unchanged, 1);
        g_autoptr(CatalogSnapshot) after = load(world);
        const Asset *film = asset_titled(after, "The Ark Royal");
        assert_string_equal(film->id, id);
        assert_true(asset_eligible(film));
        assert_int_equal(film->duration_ms, 60000);
}

static void a_failed_import_changes_nothing(void **state) {
        World *world = *state;
        make_small_library(world);
        import(world);
        assert_true(
                g_file_set_contents(world->library, "no database at all, but a text that is long enough", -1, NULL));
        assert_false(try_import(world, NULL, NULL));
        assert_int_equal(sql_int(world->store, "SELECT count(*) FROM asset WHERE present = 1"), 2);
}

/* --- what is not there -------------------------------------------------------------------------------------------- */

static void INV_CATALOG_009_a_file_that_is_not_there_is_missing(void **state) {
        World *world = *state;
        plex_fixture_close(small_library(world, PLEX_TODAY));
        import(world);
        assert_int_equal(world->report.missing, 2);
        assert_non_null(strstr(world->report.notes[0], "--map /media/Movies=FOLDER"));
        g_autoptr(CatalogSnapshot) catalog = load(world);
        const Asset *film = asset_titled(catalog, "The Ark");
        assert_int_equal(film->state, ASSET_MISSING);
        assert_non_null(strstr(film->reason, "Plex says that it is " FILM));
        make_file(world, FILM);
        import(world);
        assert_int_equal(world->report.changed, 1);
        g_autoptr(CatalogSnapshot) later = load(world);
        assert_int_equal(asset_titled(later, "The Ark")->state, ASSET_NEW);
        assert_null(asset_titled(later, "The Ark")->reason);
}

static void INV_CATALOG_009_what_plex_no_longer_has_is_missing(void **state) {
        World *world = *state;
        make_small_library(world);
        import(world);
        measure(world);
        sql_run(world->store, "UPDATE asset SET state = 1, approved = 0, duration_ms = 0 WHERE title = 'The Fish'");
        assert_int_equal(g_unlink(world->library), 0);
        PlexFixture *plex = small_library(world, PLEX_TODAY);
        plex_fixture_run(plex, "DELETE FROM media_parts");
        plex_fixture_close(plex);
        import(world);
        assert_int_equal(world->report.vanished, 2);
        g_autoptr(CatalogSnapshot) catalog = load(world);
        assert_int_equal(catalog->n_assets, 1); /* the one that was never measured is forgotten */
        assert_int_equal(catalog->assets[0]->state, ASSET_MISSING);
        assert_string_equal(catalog->assets[0]->reason, "Plex no longer has it in its library.");
        assert_int_equal(g_unlink(world->library), 0);
        plex_fixture_close(small_library(world, PLEX_TODAY));
        import(world);
        g_autoptr(CatalogSnapshot) back = load(world);
        assert_true(asset_eligible(asset_titled(back, "The Ark")));
}

/* The disk was away for an import, and is back as it was. */
static void INV_CATALOG_009_a_disk_that_is_back_has_its_files_again(void **state) {
        World *world = *state;
        g_autofree char *away = g_strconcat(world->media, "-away", NULL);
        make_small_library(world);
        import(world);
        measure(world);
        for (unsigned i = 0; i < 2; i++) {
                assert_int_equal(g_rename(world->media, away), 0);
                import(world);
                g_autoptr(CatalogSnapshot) gone = load(world);
                assert_int_equal(asset_titled(gone, "The Ark")->state, ASSET_MISSING);
                assert_int_equal(g_rename(away, world->media), 0);
                if (i == 0)
                        import(world);
                else
                        scan(world);
                g_autoptr(CatalogSnapshot) back = load(world);
                assert_int_not_equal(asset_titled(back, "The Ark")->state, ASSET_MISSING);
                assert_int_not_equal(asset_titled(back, "The Fish")->state, ASSET_MISSING);
        }
}

static void INV_CATALOG_009_only_libraries_that_were_read_lose_anything(void **state) {
        World *world = *state;
        make_small_library(world);
        import(world);
        assert_int_equal(g_unlink(world->library), 0);
        PlexFixture *plex = small_library(world, PLEX_TODAY);
        plex_fixture_run(plex, "DELETE FROM media_parts");
        plex_fixture_close(plex);
        assert_true(try_import(world, "Movies", NULL));
        assert_int_equal(world->report.vanished, 1);
        assert_int_equal(sql_int(world->store, "SELECT count(*) FROM asset WHERE title = 'The Fish'"), 1);
}

static void a_retired_asset_stays_retired(void **state) {
        World *world = *state;
        make_small_library(world);
        import(world);
        sql_run(world->store, "UPDATE asset SET state = 5");
        remove_file(world, FILM);
        import(world);
        g_autoptr(CatalogSnapshot) catalog = load(world);
        assert_int_equal(asset_titled(catalog, "The Ark")->state, ASSET_RETIRED);
}

/* --- the other program's database --------------------------------------------------------------------------------- */

static char *listing(const World *world) {
        g_autofree char *dir = g_path_get_dirname(world->library);
        g_autoptr(GDir) open = g_dir_open(dir, 0, NULL);
        g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
        for (const char *name; (name = g_dir_read_name(open));)
                g_ptr_array_add(names, g_strdup(name));
        g_ptr_array_add(names, NULL);
        return g_strjoinv(" ", (char **)names->pdata);
}

static void digest(const World *world, char ret_hex[RV_SHA256_HEX_SIZE]) {
        g_autofree char *data = NULL;
        size_t size = 0;
        assert_true(g_file_get_contents(world->library, &data, &size, NULL));
        rv_sha256_hex(data, size, ret_hex);
}

static void INV_CATALOG_007_a_database_at_rest_is_left_as_it_is(void **state) {
        World *world = *state;
        char before[RV_SHA256_HEX_SIZE], after[RV_SHA256_HEX_SIZE];
        plex_fixture_close(small_library(world, PLEX_TODAY));
        digest(world, before);
        import(world);
        digest(world, after);
        g_autofree char *names = listing(world);
        assert_string_equal(names, "library.db");
        assert_string_equal(before, after);
}

static void INV_CATALOG_007_a_writer_at_work_is_neither_disturbed_nor_half_seen(void **state) {
        World *world = *state;
        PlexFixture *plex = small_library(world, PLEX_TODAY);
        plex_fixture_run(plex, "BEGIN IMMEDIATE; DELETE FROM media_parts WHERE id = 1; "
                               "UPDATE metadata_items SET title = 'Half'");
        import(world);
        assert_int_equal(world->report.found, 2);
        assert_int_equal(sql_int(world->store, "SELECT count(*) FROM asset WHERE title = 'Half'"), 0);
        plex_fixture_run(plex, "COMMIT");
        import(world);
        assert_int_equal(world->report.found, 1);
        assert_int_equal(sql_int(world->store, "SELECT count(*) FROM asset WHERE title = 'Half'"), 1);
        plex_fixture_close(plex);
}

static void INV_CATALOG_007_one_without_its_log_is_read_as_a_file(void **state) {
        World *world = *state;
        PlexFixture *plex = small_library(world, PLEX_TODAY);
        plex_fixture_run(plex, "PRAGMA wal_checkpoint(TRUNCATE)");
        g_autofree char *copy = g_strconcat(world->library, "-copy", NULL);
        g_autofree char *data = NULL;
        size_t size = 0;
        assert_true(g_file_get_contents(world->library, &data, &size, NULL));
        plex_fixture_close(plex);
        assert_true(g_file_set_contents(copy, data, (gssize)size, NULL));
        g_free(world->library);
        world->library = g_steal_pointer(&copy);
        import(world);
        assert_int_equal(world->report.found, 2);
}

/* --- hostile databases -------------------------------------------------------------------------------------------- */

static void INV_CATALOG_006_what_is_no_such_database_is_told(void **state) {
        World *world = *state;
        g_autoptr(GError) absent = NULL, directory = NULL, text = NULL, empty = NULL;
        assert_false(try_import(world, NULL, &absent));
        assert_non_null(strstr(absent->message, "No such file"));
        assert_int_equal(g_mkdir(world->library, 0755), 0);
        assert_false(try_import(world, NULL, &directory));
        assert_non_null(strstr(directory->message, "is not a file"));
        assert_int_equal(g_rmdir(world->library), 0);
        assert_true(g_file_set_contents(world->library, "this is a text and no database at all", -1, NULL));
        assert_false(try_import(world, NULL, &text));
        assert_int_equal(text->code, RV_ERROR_INVALID);
        assert_non_null(strstr(text->message, "not a database; it is no SQLite database or is encrypted"));
        assert_true(g_file_set_contents(world->library, "", 0, NULL));
        assert_false(try_import(world, NULL, &empty));
        assert_non_null(strstr(empty->message, "it has no table metadata_items"));
}

static void INV_CATALOG_006_a_column_that_is_needed_and_lacking_is_named(void **state) {
        World *world = *state;
        PlexFixture *plex = plex_fixture_new(world->library, PLEX_TODAY);
        plex_fixture_run(plex, "ALTER TABLE media_parts RENAME COLUMN file TO path");
        plex_fixture_close(plex);
        g_autoptr(GError) error = NULL;
        assert_false(try_import(world, NULL, &error));
        assert_non_null(strstr(error->message, "it lacks media_parts.file"));
}

static void INV_CATALOG_006_a_view_is_no_table(void **state) {
        World *world = *state;
        PlexFixture *plex = small_library(world, PLEX_TODAY);
        plex_fixture_run(plex, "DROP TABLE media_parts; CREATE VIEW media_parts AS WITH RECURSIVE n(id) AS (SELECT 1 "
                               "UNION ALL SELECT id + 1 FROM n) SELECT id, id AS media_item_id, 'x' AS file FROM n");
        plex_fixture_close(plex);
        g_autoptr(GError) error = NULL;
        assert_false(try_import(world, NULL, &error));
        assert_non_null(strstr(error->message, "no table media_parts"));
}

static void INV_CATALOG_006_wrong_types_and_loops_are_harmless(void **state) {
        World *world = *state;
        PlexFixture *plex = small_library(world, PLEX_TODAY);
        plex_fixture_run(plex, "UPDATE metadata_items SET parent_id = id WHERE metadata_type IN (2, 3); "
                               "UPDATE metadata_items SET title = x'fffe00ff', year = 'MCMLXXXIV', summary = 1e300, "
                               "\"index\" = 'seven', content_rating = zeroblob(9), studio = x'' "
                               "WHERE metadata_type IN (1, 4); "
                               "UPDATE taggings SET tag_id = 'x', metadata_item_id = x'00'; "
                               "UPDATE media_items SET width = 'wide', duration = -9e18; "
                               "UPDATE media_parts SET duration = 9223372036854775807; "
                               "UPDATE library_sections SET name = x'01'; UPDATE section_locations SET root_path = 7");
        plex_fixture_close(plex);
        import(world);
        g_autoptr(CatalogSnapshot) catalog = load(world);
        assert_int_equal(catalog->n_assets, 2);
        for (uint32_t i = 0; i < 2; i++) {
                const Asset *asset = catalog->assets[i];
                assert_true(g_utf8_validate(asset->title, -1, NULL));
                assert_int_equal(asset->year, asset->air_date ? (int)g_ascii_strtoll(asset->air_date, NULL, 10) : 0);
                assert_true(asset->hint_ms <= 48 * 3600 * INT64_C(1000));
        }
}

static void INV_CATALOG_006_paths_that_are_none_are_skipped(void **state) {
        static const char *const paths[] = {"NULL", "''", "x'2f6d00612e6d6b76'", "x'2fff2e6d6b76'"};
        World *world = *state;
        PlexFixture *plex = small_library(world, PLEX_TODAY);
        for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
                const int64_t film = plex_fixture_movie(plex, 1, "Nowhere", 1999);
                const int64_t media = plex_fixture_file(plex, film, "/x", 640);
                plex_fixture_run(plex, "UPDATE media_parts SET file = %s WHERE media_item_id = %d", paths[i],
                                 (int)media);
        }
        plex_fixture_close(plex);
        import(world);
        assert_int_equal(world->report.skipped, G_N_ELEMENTS(paths));
        assert_int_equal(world->report.found, 2);
}

static void INV_CATALOG_006_huge_texts_are_cut_or_refused(void **state) {
        World *world = *state;
        PlexFixture *plex = small_library(world, PLEX_TODAY);
        plex_fixture_run(plex, "UPDATE metadata_items SET title = replace(hex(zeroblob(1000000)), '0', 'ab '), summary "
                               "= hex(zeroblob(5000000)) WHERE title = 'The Ark'");
        plex_fixture_close(plex);
        import(world);
        g_autoptr(CatalogSnapshot) catalog = load(world);
        for (uint32_t i = 0; i < catalog->n_assets; i++) {
                assert_true(strlen(catalog->assets[i]->title) <= 200);
                assert_true(strlen(catalog->assets[i]->description) <= 4000);
        }
        assert_int_equal(g_unlink(world->library), 0);
        plex = small_library(world, PLEX_TODAY);
        plex_fixture_run(plex, "UPDATE metadata_items SET summary = hex(zeroblob(10000000)) WHERE title = 'The Ark'");
        plex_fixture_close(plex);
        g_autoptr(GError) error = NULL;
        assert_false(try_import(world, NULL, &error));
        assert_int_equal(error->code, RV_ERROR_LIMIT);
        assert_non_null(strstr(error->message, "longer than 16 MiB"));
}

/* Cut anywhere, and with bytes changed anywhere: an import or an error, and the store is as it was or whole. */
static void INV_CATALOG_006_damage_is_an_error_or_harmless(void **state) {
        World *world = *state;
        PlexFixture *plex = plex_fixture_new(world->library, PLEX_TODAY);
        plex_fixture_generate(plex, "/media", 60, 10, false);
        plex_fixture_close(plex);
        g_autofree char *data = NULL;
        size_t size = 0;
        assert_true(g_file_get_contents(world->library, &data, &size, NULL));
        g_autoptr(GRand) chance = chance_new();
        for (int round = 0; round < 150; round++) {
                g_autofree char *damaged = g_memdup2(data, size);
                g_autoptr(GError) error = NULL;
                const bool cut = round % 3 == 0;
                const size_t left = cut ? (size_t)g_rand_int_range(chance, 0, (gint32)size) : size;
                for (int i = 0; !cut && i < 1 + round % 40; i++)
                        damaged[g_rand_int_range(chance, 0, (gint32)size)] = (char)g_rand_int_range(chance, 0, 256);
                assert_true(g_file_set_contents(world->library, damaged, (gssize)left, NULL));
                if (!try_import(world, NULL, &error))
                        assert_true(error->message[0] != '\0');
                g_autoptr(CatalogSnapshot) catalog = load(world);
                assert_true(catalog->n_assets <= 1000000);
        }
}

/* Its administrator has moved the file, and the other program has seen it. */
static void INV_CATALOG_011_a_file_that_plex_names_elsewhere_is_the_same_asset(void **state) {
        World *world = *state;
        make_small_library(world);
        import(world);
        measure(world);
        g_autofree char *from = here(world, FILM), *to = here(world, "/media/Movies/The Ark.mkv");
        g_autofree char *fingerprint = fingerprint_of(from, 4);
        assert_true(store_run(world->store, NULL, "UPDATE asset SET fingerprint = ? WHERE uri = ?", "ss", fingerprint,
                              from));
        g_autoptr(CatalogSnapshot) before = load(world);
        assert_int_equal(g_rename(from, to), 0);
        sqlite3 *db = NULL;
        assert_int_equal(sqlite3_open(world->library, &db), SQLITE_OK);
        assert_int_equal(
                sqlite3_exec(db, "UPDATE media_parts SET file = '/media/Movies/The Ark.mkv' WHERE file = '" FILM "'",
                             NULL, NULL, NULL),
                SQLITE_OK);
        sqlite3_close(db);
        import(world);
        assert_int_equal(world->report.added + world->report.vanished, 0);
        assert_int_equal(world->report.changed, 1);
        g_autoptr(CatalogSnapshot) after = load(world);
        assert_int_equal(after->n_assets, 2);
        assert_string_equal(asset_titled(after, "The Ark")->id, asset_titled(before, "The Ark")->id);
        assert_string_equal(asset_titled(after, "The Ark")->uri, to);
        assert_true(asset_eligible(asset_titled(after, "The Ark")));
}

static void an_import_that_is_stopped_changes_nothing(void **state) {
        World *world = *state;
        const atomic_bool stop = true;
        const CatalogImportOptions options = {
                .kind = CATALOG_PLEX, .path = world->library, .clock = world->clock, .stop = &stop};
        plex_fixture_close(small_library(world, PLEX_TODAY));
        assert_false(catalog_import(world->store, &options, &world->report, NULL));
        assert_int_equal(sql_int(world->store, "SELECT count(*) FROM asset"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, world_tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(a_film_is_what_plex_says),
                TEST(an_episode_has_what_its_show_has),
                TEST(an_old_database_is_read_too),
                TEST(dates_before_1970_and_of_no_calendar),
                TEST(of_two_versions_the_best_that_is_there_is_taken),
                TEST(a_film_in_parts_is_told_and_left_out),
                TEST(one_file_of_two_episodes_has_both_names),
                TEST(what_is_deleted_or_in_other_libraries_is_left_out),
                TEST(folders_of_interstitials_are_what_they_are_called),
                TEST(a_path_of_windows_is_found_by_its_map),
                TEST(INV_CATALOG_008_a_second_import_changes_nothing),
                TEST(INV_CATALOG_008_what_was_measured_stays_measured),
                TEST(a_failed_import_changes_nothing),
                TEST(INV_CATALOG_009_a_file_that_is_not_there_is_missing),
                TEST(INV_CATALOG_009_what_plex_no_longer_has_is_missing),
                TEST(INV_CATALOG_009_a_disk_that_is_back_has_its_files_again),
                TEST(INV_CATALOG_009_only_libraries_that_were_read_lose_anything),
                TEST(a_retired_asset_stays_retired),
                TEST(INV_CATALOG_007_a_database_at_rest_is_left_as_it_is),
                TEST(INV_CATALOG_007_a_writer_at_work_is_neither_disturbed_nor_half_seen),
                TEST(INV_CATALOG_007_one_without_its_log_is_read_as_a_file),
                TEST(INV_CATALOG_006_what_is_no_such_database_is_told),
                TEST(INV_CATALOG_006_a_column_that_is_needed_and_lacking_is_named),
                TEST(INV_CATALOG_006_a_view_is_no_table),
                TEST(INV_CATALOG_006_wrong_types_and_loops_are_harmless),
                TEST(INV_CATALOG_006_paths_that_are_none_are_skipped),
                TEST(INV_CATALOG_006_huge_texts_are_cut_or_refused),
                TEST(INV_CATALOG_006_damage_is_an_error_or_harmless),
                TEST(INV_CATALOG_011_a_file_that_plex_names_elsewhere_is_the_same_asset),
                TEST(an_import_that_is_stopped_changes_nothing),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
