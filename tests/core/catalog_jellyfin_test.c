#include <sqlite3.h>

#include "proto/base/error.h"
#include "tests/core/catalog_fixture.h"

#define E "MediaBrowser.Controller.Entities."

/* library.db up to 10.10: ids are 16 bytes in .NET's order. */
static const char older[] =
        "CREATE TABLE TypedBaseItems (guid GUID primary key NOT NULL, type TEXT NOT NULL, data BLOB NULL, ParentId "
        "GUID "
        "NULL, Path TEXT NULL, StartDate DATETIME, IsMovie BIT, CommunityRating Float, CustomRating Text, IndexNumber "
        "INT, IsLocked BIT, Name Text, OfficialRating Text, MediaType Text, Overview Text, ParentIndexNumber INT, "
        "PremiereDate DATETIME, ProductionYear INT, Genres Text, SortName Text, ForcedSortName Text, RunTimeTicks "
        "BIGINT, DateCreated DATETIME, DateModified DATETIME, TopParentId Text, Tags Text, Studios Text, IsFolder BIT, "
        "IsVirtualItem BIT, SeriesName Text, SeasonName Text, SeasonId GUID, SeriesId GUID, ExternalSeriesId Text, "
        "PrimaryVersionId Text, ExtraType Text, OwnerId Text, PresentationUniqueKey Text, Width INT, Height INT)";
static const char older_items[] =
        "INSERT INTO TypedBaseItems (guid, type, data, Name) VALUES (x'01', '" E "CollectionFolder', "
        "'{\"PhysicalLocationsList\":[\"%AppDataPath%/root/default/Films\",\"/media/"
        "films\"],\"CollectionType\":\"movies\"}', 'Films'),"
        "(x'02', '" E "CollectionFolder', '{\"PhysicalLocationsList\":[\"/media/tv\",7]}', 'Shows'),"
        "(x'03', '" E "Movies.BoxSet', '{\"LinkedChildren\":[{\"Path\":\"/media/films/Ark.mkv\",\"Type\":\"Manual\"},"
        "{\"ItemId\":\"33221100554477668899aabbccddeeff\"},3]}', 'Boats'), (x'04', '" E
        "Movies.BoxSet', 'no JSON', 'X');"
        "INSERT INTO TypedBaseItems (guid, type, Path, Name, SeriesName, ParentIndexNumber, IndexNumber, Genres, "
        "OfficialRating, ProductionYear, PremiereDate, Studios, Tags, Overview, RunTimeTicks, DateCreated, "
        "IsVirtualItem)"
        " VALUES (x'00112233445566778899aabbccddeeff', '" E "TV.Episode', '/media/tv/Tales/s2e7.mkv', 'The Fish', "
        "'Tales & Tails', 2, 7, 'Comedy|Drama', 'TV-PG', 1994, '1994-09-22 00:00:00Z', 'NBC|Other', 'Late', 'A "
        "story.', 13200000000, '2020-01-02 03:04:05.1234567Z', 0),"
        "(x'10', '" E "Movies.Movie', '/media/films/Ark.mkv', 'Ark', NULL, NULL, NULL, 'Adventure', 'PG', 1984, NULL, "
        "NULL, NULL, NULL, 60000000000, NULL, 0),"
        "(x'11', '" E "TV.Episode', '/media/tv/never.mkv', 'Virtual', 'Tales & Tails', 2, 8, NULL, NULL, NULL, NULL, "
        "NULL, NULL, NULL, NULL, NULL, 1),"
        "(x'12', '" E "TV.Season', '/media/tv/Tales', 'Season 2', NULL, NULL, 2, NULL, NULL, NULL, NULL, NULL, NULL, "
        "NULL, NULL, NULL, 0);"
        "INSERT INTO TypedBaseItems (guid, type, Path, Name, ExtraType, OwnerId, PrimaryVersionId) VALUES "
        "(x'20', '" E "Video', '/media/films/extra.mkv', 'Extra', 'BehindTheScenes', NULL, NULL),"
        "(x'21', '" E "Video', '/media/films/part2.mkv', 'Part', NULL, '00112233445566778899aabbccddeeff', NULL),"
        "(x'22', '" E "Movies.Movie', '/media/films/Ark4k.mkv', 'Ark', NULL, '00000000000000000000000000000000', "
        "'00112233445566778899aabbccddeeff');"
        "INSERT INTO TypedBaseItems (guid, type, Path, Name, data) VALUES (x'30', '" E "Movies.Movie', "
        "'/media/films/cd1.avi', 'Long', '{\"AdditionalParts\":[\"/media/films/cd2.avi\"]}');";

/* jellyfin.db since 10.11: ids are text. */
static const char newer[] =
        "CREATE TABLE BaseItems (Id TEXT NOT NULL CONSTRAINT PK_BaseItems PRIMARY KEY, Type TEXT NOT NULL, Data TEXT "
        "NULL, ParentId TEXT NULL, Path TEXT NULL, IndexNumber INTEGER NULL, Name TEXT NULL, OfficialRating TEXT NULL, "
        "Overview TEXT NULL, ParentIndexNumber INTEGER NULL, PremiereDate TEXT NULL, ProductionYear INTEGER NULL, "
        "Genres "
        "TEXT NULL, RunTimeTicks INTEGER NULL, DateCreated TEXT NULL, Tags TEXT NULL, Studios TEXT NULL, IsVirtualItem "
        "INTEGER NOT NULL, SeriesName TEXT NULL, PrimaryVersionId TEXT NULL, ExtraType INTEGER NULL, OwnerId TEXT "
        "NULL)";
static const char newer_items[] =
        "INSERT INTO BaseItems (Id, Type, Path, Name, SeriesName, ParentIndexNumber, IndexNumber, Genres, "
        "RunTimeTicks, "
        "PremiereDate, IsVirtualItem, OwnerId) VALUES ('33221100-5544-7766-8899-AABBCCDDEEFF', '" E "TV.Episode', "
        "'/media/tv/Tales/s2e7.mkv', 'The Fish', 'Tales & Tails', 2, 7, 'Comedy', 13200000000, "
        "'1994-09-22 00:00:00', 0, '00000000-0000-0000-0000-000000000000')";

static int set_up(void **state) {
        (void)world_set_up(state);
        ((World *)*state)->kind = CATALOG_JELLYFIN;
        return 0;
}

static void run_sql(const World *world, const char *sql) {
        sqlite3 *db = NULL;
        assert_int_equal(sqlite3_open(world->library, &db), SQLITE_OK);
        if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
                fail_msg("%s: %s", sql, sqlite3_errmsg(db));
        sqlite3_close(db);
}

static CatalogSnapshot *import_and_load(World *world) {
        import(world);
        return load(world);
}

static void library_db_of_10_10_is_read(void **state) {
        World *world = *state;
        run_sql(world, older);
        run_sql(world, older_items);
        g_autoptr(CatalogSnapshot) catalog = import_and_load(world);
        assert_int_equal(catalog->n_assets, 2);
        const Asset *episode = asset_titled(catalog, "The Fish"), *film = asset_titled(catalog, "Ark");
        assert_int_equal(episode->kind, ASSET_EPISODE);
        assert_string_equal(episode->source, "jellyfin");
        assert_string_equal(episode->library, "Shows");
        assert_string_equal(episode->series, "Tales & Tails");
        assert_int_equal(episode->season, 2);
        assert_int_equal(episode->episode, 7);
        assert_string_equal(episode->genres[1], "Drama");
        assert_string_equal(episode->studio, "NBC");
        assert_string_equal(episode->air_date, "1994-09-22");
        assert_string_equal(episode->description, "A story.");
        assert_string_equal(episode->collections[0], "Boats");
        assert_true(g_strv_contains((const char *const *)episode->tags, "late"));
        assert_int_equal(episode->hint_ms, 1320000);
        assert_int_equal(film->kind, ASSET_MOVIE);
        assert_string_equal(film->library, "Films");
        assert_string_equal(film->collections[0], "Boats");
        assert_int_equal(film->year, 1984);
        assert_int_equal(film->state, ASSET_MISSING);
        assert_int_equal(world->report.skipped, 1);
        g_autofree char *notes = g_strjoinv("\n", world->report.notes);
        assert_non_null(strstr(notes, "has several parts"));
        assert_non_null(strstr(notes, "--map /media/films=FOLDER"));
        assert_null(strstr(notes, "AppDataPath"));
}

static void jellyfin_db_of_10_11_is_read_and_the_same_item_has_the_same_name(void **state) {
        World *world = *state;
        run_sql(world, older);
        run_sql(world, older_items);
        g_autoptr(CatalogSnapshot) before = import_and_load(world);
        g_auto(GStrv) aliases = catalog_aliases(world->store, asset_titled(before, "The Fish")->id, NULL);
        assert_string_equal(aliases[1], "jellyfin:33221100554477668899aabbccddeeff");
        assert_int_equal(g_unlink(world->library), 0);
        run_sql(world, newer);
        run_sql(world, newer_items);
        g_autoptr(CatalogSnapshot) after = import_and_load(world);
        assert_int_equal(after->n_assets, 1);
        g_auto(GStrv) same = catalog_aliases(world->store, after->assets[0]->id, NULL);
        assert_string_equal(same[1], aliases[1]);
        assert_string_equal(after->assets[0]->library, "Jellyfin");
}

static void a_library_can_be_chosen(void **state) {
        World *world = *state;
        g_autoptr(GError) error = NULL;
        run_sql(world, older);
        run_sql(world, older_items);
        assert_true(try_import(world, "Shows", NULL));
        assert_int_equal(world->report.found, 1);
        assert_false(try_import(world, "Music", &error));
        assert_non_null(strstr(error->message, "there are: \"Films\", \"Shows\""));
}

static void INV_CATALOG_006_another_database_is_told(void **state) {
        World *world = *state;
        g_autoptr(GError) none = NULL, lacking = NULL;
        run_sql(world, "CREATE TABLE films (id)");
        assert_false(try_import(world, NULL, &none));
        assert_int_equal(none->code, RV_ERROR_INVALID);
        assert_non_null(strstr(none->message, "is no Jellyfin database: it has no table TypedBaseItems"));
        run_sql(world, "CREATE TABLE TypedBaseItems (guid, type, Name)");
        assert_false(try_import(world, NULL, &lacking));
        assert_non_null(strstr(lacking->message, "it lacks TypedBaseItems.path"));
}

static void INV_CATALOG_006_wrong_types_are_harmless_here_too(void **state) {
        World *world = *state;
        run_sql(world, older);
        run_sql(world, older_items);
        run_sql(world, "UPDATE TypedBaseItems SET Name = x'ff00', SeriesName = 7.5, IndexNumber = 'x', RunTimeTicks = "
                       "'y', Genres = zeroblob(70000), PremiereDate = 'soon', data = replace(hex(zeroblob(50000)), "
                       "'00', '[') WHERE Path IS NOT NULL OR Name = 'Boats'");
        g_autoptr(CatalogSnapshot) catalog = import_and_load(world);
        for (uint32_t i = 0; i < catalog->n_assets; i++)
                assert_true(g_utf8_validate(catalog->assets[i]->title, -1, NULL));
        run_sql(world, "UPDATE TypedBaseItems SET data = '{\"PhysicalLocationsList\":\"/\"}'");
        g_autoptr(CatalogSnapshot) again = import_and_load(world);
        assert_true(again->n_assets >= 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, world_tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(library_db_of_10_10_is_read),
                TEST(jellyfin_db_of_10_11_is_read_and_the_same_item_has_the_same_name),
                TEST(a_library_can_be_chosen),
                TEST(INV_CATALOG_006_another_database_is_told),
                TEST(INV_CATALOG_006_wrong_types_are_harmless_here_too),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
