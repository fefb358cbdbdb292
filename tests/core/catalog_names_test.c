#include "tests/support/cmocka.h"

#include <string.h>

#include "core/plan/catalog/names.h"
#include "core/plan/catalog/nfo.h"
#include "tests/support/chance.h"
#include "tests/support/temp_dir.h"

#define MINUTE_MS (60 * INT64_C(1000))
#define N_RANDOM 2000

/* What names say of a file that is the n-th of its folder. */
static Asset *named(const char *relative, uint32_t position, bool alone, int64_t duration_ms) {
        Asset *asset = asset_new();
        const WalkFile file = {
                .root_name = (char *)"videos", .relative = (char *)relative, .position = position, .alone = alone};
        names_read(asset, &file);
        asset->duration_ms = duration_ms;
        names_settle(asset);
        return asset;
}

static void kinds_series_and_numbers_are_read_from_names(void **state) {
        static const struct {
                const char *relative;
                int64_t kind; /* AssetKind */
                const char *series, *title;
                int season, episode, year;
        } cases[] = {
                {"Cheers/Season 01/Cheers - S01E02 - Sam's Women.mkv", ASSET_EPISODE, "Cheers", "Sam's Women", 1, 2, 0},
                {"Cheers (1982)/Season 1/s01e02.mkv", ASSET_EPISODE, "Cheers", "Episode 2", 1, 2, 1982},
                {"Cheers/cheers.s11e25.one.for.the.road.1080p.web-dl.mkv", ASSET_EPISODE, "cheers", "one for the road",
                 11, 25, 0},
                {"Cheers/1x02 Sam's Women.avi", ASSET_EPISODE, "Cheers", "Sam's Women", 1, 2, 0},
                {"Cheers - 3x07 - Title.avi", ASSET_EPISODE, "Cheers", "Title", 3, 7, 0},
                {"Show/Show S02E05E06 Double.mkv", ASSET_EPISODE, "Show", "Double", 2, 5, 0},
                {"Show/Show S02E05-E06 - Double.mkv", ASSET_EPISODE, "Show", "Double", 2, 5, 0},
                {"Show/Season 2/03 - Third.mkv", ASSET_EPISODE, "Show", "Third", 2, 3, 0},
                {"Show/Specials/Reunion.mkv", ASSET_EPISODE, "Show", "Reunion", 0, 7, 0},
                {"Show/Show Season 1 Episode 4.mp4", ASSET_EPISODE, "Show", "Episode 4", 1, 4, 0},
                {"Movies/Alien (1979)/alien.mkv", ASSET_MOVIE, NULL, "alien", 0, 0, 0},
                {"Movies/Alien (1979).mkv", ASSET_MOVIE, NULL, "Alien", 0, 0, 1979},
                {"Films/The Thing.mkv", ASSET_MOVIE, NULL, "The Thing", 0, 0, 0},
                {"Horror/The.Thing.1982.1080p.BluRay.x264.mkv", ASSET_MOVIE, NULL, "The Thing", 0, 0, 1982},
                {"Horror/Dr. No (1962) [1080p].mkv", ASSET_MOVIE, NULL, "Dr. No", 0, 0, 1962},
                {"commercials/80s/Cola_spot.mp4", ASSET_COMMERCIAL, NULL, "Cola spot", 0, 0, 0},
                {"Station IDs/id1.mp4", ASSET_STATION_ID, NULL, "id1", 0, 0, 0},
                {"station_ids/id1.mp4", ASSET_STATION_ID, NULL, "id1", 0, 0, 0},
                {"idents/id1.mp4", ASSET_STATION_ID, NULL, "id1", 0, 0, 0},
                {"Promos/s01e01.mp4", ASSET_PROMO, NULL, "s01e01", 0, 0, 0},
                {"bumpers/b.mp4", ASSET_BUMPER, NULL, "b", 0, 0, 0},
                {"PSAs/b.mp4", ASSET_PSA, NULL, "b", 0, 0, 0},
                {"stingers/b.mp4", ASSET_STINGER, NULL, "b", 0, 0, 0},
                {"Movies/Alien (1979)/trailers/b.mp4", ASSET_TRAILER, NULL, "b", 0, 0, 0},
                {"filler/b.mp4", ASSET_FILLER, NULL, "b", 0, 0, 0},
                {"Talks/07 - Pilot.mp4", ASSET_EPISODE, "Talks", "Pilot", 1, 7, 0},
                {"Clips/720x480 test.mp4", ASSET_EPISODE, "Clips", "720x480 test", 1, 7, 0},
                {"Clips/...mp4", ASSET_EPISODE, "Clips", "..", 1, 7, 0},
                {"Clips/\x01\t.mp4", ASSET_EPISODE, "Clips", "Untitled", 1, 7, 0},
        };
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                Asset *asset = named(cases[i].relative, 7, false, 20 * MINUTE_MS);
                if (asset->kind != (AssetKind)cases[i].kind || g_strcmp0(asset->series, cases[i].series) != 0 ||
                    g_strcmp0(asset->title, cases[i].title) != 0 || asset->season != cases[i].season ||
                    asset->episode != cases[i].episode || asset->year != cases[i].year)
                        fail_msg("%s: %s of \"%s\" %d x %d \"%s\" %d", cases[i].relative, asset_kind_name(asset->kind),
                                 asset->series, asset->season, asset->episode, asset->title, asset->year);
                asset_free(asset);
        }
}

static void length_tells_a_film_on_its_own(void **state) {
        static const struct {
                const char *relative;
                bool alone;
                int minutes;
                AssetKind kind;
        } cases[] = {
                {"loose.mp4", false, 39, ASSET_EPISODE},      {"loose.mp4", false, 40, ASSET_MOVIE},
                {"Folder/only.mp4", true, 90, ASSET_MOVIE},   {"Folder/only.mp4", true, 20, ASSET_EPISODE},
                {"Folder/one.mp4", false, 90, ASSET_EPISODE}, {"TV Shows/Folder/only.mp4", true, 90, ASSET_EPISODE},
        };
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                Asset *asset = named(cases[i].relative, 1, cases[i].alone, cases[i].minutes * MINUTE_MS);
                assert_int_equal(asset->kind, cases[i].kind);
                assert_int_equal(asset->series != NULL, asset->kind == ASSET_EPISODE);
                asset_free(asset);
        }
        Asset *asset = named("loose.mp4", 3, false, 20 * MINUTE_MS);
        assert_string_equal(asset->series, "videos");
        assert_int_equal(asset->episode, 3);
        asset_free(asset);
        asset = named("Alien (1979)/main.mkv", 1, true, 100 * MINUTE_MS);
        assert_int_equal(asset->kind, ASSET_MOVIE);
        assert_string_equal(asset->title, "Alien");
        assert_int_equal(asset->year, 1979);
        asset_free(asset);
}

static void INV_INGEST_PATH_SEGMENT_TAG_001_folders_are_tags(void **state) {
        Asset *asset = named("Horror/Night Owls/Season 1/a.mkv", 1, false, 0);
        g_autofree char *tags = g_strjoinv("|", asset->tags);
        assert_string_equal(tags, "videos|horror|night owls");
        asset_free(asset);
}

static void any_name_gives_a_title_that_can_be_shown(void **state) {
        GRand *rand = chance_new();
        for (int i = 0; i < N_RANDOM; i++) {
                g_autofree char *bytes = chance_bytes(rand, 60);
                g_autofree char *valid = g_utf8_make_valid(bytes, -1);
                g_autofree char *relative = g_strdup_printf("%s%s.mkv", i % 2 ? "Season 1/" : "", valid);
                Asset *asset = named(relative, 1, false, 0);
                assert_true(g_utf8_validate(asset->title, -1, NULL) && *asset->title != '\0');
                assert_true(g_utf8_strlen(asset->title, -1) <= 200);
                for (const char *p = asset->title; *p != '\0'; p++)
                        assert_true((unsigned char)*p >= ' ');
                asset_free(asset);
        }
        g_rand_free(rand);
}

static void natural_order_counts_and_is_total(void **state) {
        static const char *const rising[] = {"", "01", "1", "2", "10", "a", "A1", "a2", "a10", "a10b", "b"};
        for (size_t i = 0; i < G_N_ELEMENTS(rising); i++)
                for (size_t j = 0; j < G_N_ELEMENTS(rising); j++) {
                        const int order = walk_natural_order(rising[i], rising[j]);
                        if ((order > 0) - (order < 0) != (i > j) - (i < j))
                                fail_msg("%s and %s: %d", rising[i], rising[j], order);
                        assert_int_equal(order == 0, i == j);
                }
}

static char *put(const char *dir, const char *name, const char *text) {
        char *path = g_build_filename(dir, name, NULL);
        assert_true(g_file_set_contents(path, text, -1, NULL));
        return path;
}

static void sets_and_studios_are_read(void **state) {
        char *dir = temp_dir_new();
        g_autofree char *film =
                put(dir, "m.nfo",
                    "<movie><title>Alien</title><set>\n <name>Alien Saga</name><overview>Xy</overview></set>"
                    "<set>Space</set><studio>Fox</studio><studio>Other</studio></movie>");
        Asset *asset = named("x/a.mkv", 1, false, 0);
        nfo_apply(asset, film);
        g_autofree char *sets = g_strjoinv("|", asset->collections);
        assert_string_equal(sets, "Space|Alien Saga");
        assert_string_equal(asset->studio, "Fox");
        asset_free(asset);
        temp_dir_free(dir);
}

static void sidecars_replace_what_names_said(void **state) {
        char *dir = temp_dir_new();
        g_autofree char *episode =
                put(dir, "e.nfo",
                    "<?xml version=\"1.0\"?><episodedetails><title>Sam &amp; Eve</title>"
                    "<showtitle>Cheers</showtitle><season>3</season><episode>4</episode>"
                    "<plot>First line.\n  Second.</plot><mpaa>US:TV-PG</mpaa><aired>1984-10-18</aired>"
                    "<genre>Comedy / Drama</genre><genre>Comedy</genre><tag>bar</tag>"
                    "</episodedetails>\nhttps://example.org/42\n");
        g_autofree char *show = put(dir, "tvshow.nfo",
                                    "<tvshow><title>Cheers!</title><mpaa>TV-14</mpaa><year>1982</year>"
                                    "<genre>Sitcom</genre></tvshow>");
        g_autofree char *film =
                put(dir, "m.nfo", "<movie><title>Alien</title><year>1979</year><mpaa>Rated R</mpaa></movie>");
        Asset *asset = named("x/a.mkv", 1, false, 0);
        nfo_apply(asset, episode);
        nfo_apply_show(asset, show);
        assert_string_equal(asset->title, "Sam & Eve");
        assert_string_equal(asset->series, "Cheers!");
        assert_int_equal(asset->season, 3);
        assert_int_equal(asset->episode, 4);
        assert_int_equal(asset->year, 1984);
        assert_string_equal(asset->air_date, "1984-10-18");
        assert_string_equal(asset->rating, "TV-PG");
        assert_string_equal(asset->description, "First line. Second.");
        g_autofree char *genres = g_strjoinv("|", asset->genres), *tags = g_strjoinv("|", asset->tags);
        assert_string_equal(genres, "Comedy|Drama|Sitcom");
        assert_string_equal(tags, "videos|x|bar");
        nfo_apply(asset, film);
        assert_int_equal(asset->kind, ASSET_MOVIE);
        assert_null(asset->series);
        assert_string_equal(asset->rating, "R");
        asset_free(asset);

        asset = named("promos/a.mkv", 1, false, 0);
        nfo_apply(asset, film);
        assert_int_equal(asset->kind, ASSET_PROMO);
        assert_string_equal(asset->title, "Alien");
        asset_free(asset);
        temp_dir_free(dir);
}

static void INV_ASSET_PROBE_ONLY_FIELD_AUTHORITY_001_sidecars_cannot_claim_lengths(void **state) {
        char *dir = temp_dir_new();
        g_autofree char *film = put(dir, "m.nfo",
                                    "<movie><title>A</title><runtime>120</runtime><duration>7200000</duration>"
                                    "<fileinfo><streamdetails><video><width>99</width>"
                                    "<durationinseconds>7200</durationinseconds></video></streamdetails></fileinfo>"
                                    "<approved>true</approved><state>ready</state></movie>");
        Asset *asset = asset_new();
        nfo_apply(asset, film);
        assert_string_equal(asset->title, "A");
        assert_int_equal(asset->duration_ms, 0);
        assert_int_equal(asset->width, 0);
        assert_false(asset->approved);
        assert_int_equal(asset->state, ASSET_NEW);
        asset_free(asset);
        temp_dir_free(dir);
}

static void hostile_sidecars_say_nothing(void **state) {
        char *dir = temp_dir_new();
        g_autofree char *large = g_strnfill(300 * 1024, ' ');
        static const char bomb[] = "<!DOCTYPE movie [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">"
                                   "<!ENTITY f SYSTEM \"file:///etc/passwd\">]>"
                                   "<movie><title>&b;&f;</title><plot>&f;</plot></movie>";
        const char *const texts[] = {"", "https://example.org", "<movie>", "\xff\xfe<", "<tvshow/>", large, bomb};
        for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
                g_autofree char *path = put(dir, "m.nfo", texts[i]);
                Asset *asset = named("Films/a.mkv", 1, false, 0);
                nfo_apply(asset, path);
                assert_string_equal(asset->title, "a");
                assert_null(asset->description);
                asset_free(asset);
        }
        Asset *asset = asset_new();
        nfo_apply(asset, dir);
        nfo_apply(asset, "/nowhere");
        nfo_apply_show(asset, "/dev/zero");
        asset_free(asset);
        temp_dir_free(dir);
}

int main(void) {
        nfo_init();
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(kinds_series_and_numbers_are_read_from_names),
                cmocka_unit_test(length_tells_a_film_on_its_own),
                cmocka_unit_test(INV_INGEST_PATH_SEGMENT_TAG_001_folders_are_tags),
                cmocka_unit_test(any_name_gives_a_title_that_can_be_shown),
                cmocka_unit_test(natural_order_counts_and_is_total),
                cmocka_unit_test(sets_and_studios_are_read),
                cmocka_unit_test(sidecars_replace_what_names_said),
                cmocka_unit_test(INV_ASSET_PROBE_ONLY_FIELD_AUTHORITY_001_sidecars_cannot_claim_lengths),
                cmocka_unit_test(hostile_sidecars_say_nothing),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
