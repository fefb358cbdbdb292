#include "tests/core/catalog_fixture.h"
#include "tests/core/cli_fixture.h"
#include "tests/support/plex_fixture.h"

static char *out, *err; /* of the last command */

/* Three films, of which the files of two are there; they cannot be played. */
static int set_up(void **state) {
        World *world = world_new();
        PlexFixture *plex = plex_fixture_new(world->library, PLEX_TODAY);
        const int64_t movies = plex_fixture_section(plex, "Movies", 1, "/films");
        static const char *const titles[] = {"Ark", "Zebra", "Gone"};
        for (size_t i = 0; i < G_N_ELEMENTS(titles); i++) {
                g_autofree char *file = g_strdup_printf("/films/%s.mkv", titles[i]);
                g_autofree char *here = g_strdup_printf("%s/%s.mkv", world->media, titles[i]);
                plex_fixture_file(plex, plex_fixture_movie(plex, movies, titles[i], 1984), file, 640);
                assert_true(i == 2 || g_file_set_contents(here, "no film", -1, NULL));
        }
        plex_fixture_close(plex);
        *state = world;
        return 0;
}

static int tear_down(void **state) {
        g_clear_pointer(&out, g_free);
        g_clear_pointer(&err, g_free);
        return world_tear_down(state);
}

/* The data directory, not made yet; g_free it. */
static char *data_of(const World *world) {
        return g_build_filename(world->dir, "data", NULL);
}

/* `retrovue catalog WORDS...`; a word "PLEX" is the database's path. */
static int run(const World *world, const char *words) {
        g_autofree char *data = data_of(world);
        g_autoptr(GString) all = g_string_new("catalog");
        g_string_append_printf(all, "%s%s", words[0] ? " " : "", words);
        g_string_replace(all, "PLEX", world->library, 0);
        return cli_run(data, all->str, &out, &err);
}

static void import_films(const World *world) {
        g_autofree char *words = g_strdup_printf("import plex PLEX --map /films=%s", world->media);
        if (run(world, words) != 0)
                fail_msg("%s", err);
}

static void wrong_use_ends_with_2(void **state) {
        static const char *const wrong[] = {
                "",
                "nosuch",
                "import",
                "import plex",
                "import kodi PLEX",
                "import plex PLEX more",
                "import plex PLEX --map",
                "import plex PLEX --section=",
                "search",
                "show",
                "show a b",
                "show a --hours 2",
                "approve",
                "retire --json x",
                "doctor x",
                "measure x",
        };
        const World *world = *state;
        for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
                /* --data goes last, so an option that lacks its value is given one: that is wrong as well. */
                const int status = run(world, wrong[i]);
                if (status != 2 || out[0] || !err[0])
                        fail_msg("catalog %s: status %d, stdout %s, stderr %s", wrong[i], status, out, err);
        }
}

static void every_subcommand_has_help(void **state) {
        static const char *const names[] = {"import", "measure", "search", "show", "approve", "retire", "doctor"};
        const World *world = *state;
        assert_int_equal(run(world, "--help"), 0);
        g_autofree char *all = g_strdup(out);
        for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
                g_autofree char *words = g_strconcat(names[i], " --help", NULL);
                assert_has(all, names[i]);
                assert_int_equal(run(world, words), 0);
                assert_has(out, "Usage:");
        }
}

static void without_a_catalog_nothing_is_made(void **state) {
        static const char *const looks[] = {"search x", "show x", "approve x", "retire x", "doctor", "measure"};
        const World *world = *state;
        g_autofree char *data = data_of(world);
        for (size_t i = 0; i < G_N_ELEMENTS(looks); i++) {
                assert_int_equal(run(world, looks[i]), 1);
                assert_has(err, "there is no catalog in");
                assert_false(g_file_test(data, G_FILE_TEST_EXISTS));
        }
}

static void an_import_tells_what_it_did_and_measures(void **state) {
        const World *world = *state;
        import_films(world);
        assert_has(out, "3 files: 3 added, 0 changed, 0 unchanged; 1 are not there");
        assert_has(out, "3 assets, 0 of them can be scheduled");
        g_autofree char *again =
                g_strdup_printf("import plex PLEX --no-measure --json --map=/films=%s --section Movies", world->media);
        assert_int_equal(run(world, again), 0);
        json_t *report = json_loads(out, 0, NULL);
        assert_int_equal(json_integer_value(json_object_get(report, "unchanged")), 3);
        json_decref(report);
        assert_int_equal(run(world, "import plex PLEX --section Music"), 1);
        assert_has(err, "there is no library \"Music\"; there are: \"Movies\"");
        assert_int_equal(run(world, "import jellyfin PLEX"), 1);
        assert_has(err, "is no Jellyfin database");
}

static void assets_are_found_shown_and_retired(void **state) {
        const World *world = *state;
        import_films(world);
        assert_int_equal(run(world, "search zebra movie"), 0);
        assert_has(out, "Zebra (1984)");
        assert_null(strstr(out, "Ark"));
        g_autofree char *id = g_strndup(out, 36);
        g_autofree char *show = g_strdup_printf("show %s", id), *retire = g_strdup_printf("retire %s nosuch", id);
        g_autofree char *approve = g_strdup_printf("approve %s", id);
        assert_int_equal(run(world, show), 0);
        assert_has(out, "refused, not approved");
        assert_has(out, "plex://movie/");
        assert_int_equal(run(world, approve), 1);
        assert_has(out, "it was refused");
        assert_int_equal(run(world, retire), 1); /* of two that are named one is not there; the other is done */
        assert_has(out, "done");
        assert_has(err, "there is no asset \"nosuch\"");
        assert_int_equal(run(world, "search retired --json"), 0);
        json_t *found = json_loads(out, 0, NULL);
        assert_int_equal(json_array_size(found), 1);
        json_decref(found);
}

static void the_doctor_names_what_is_wrong(void **state) {
        const World *world = *state;
        import_films(world);
        assert_int_equal(run(world, "doctor"), 1);
        assert_has(out, "2 cannot be played");
        assert_has(out, "1 are not there");
        assert_has(out, "Plex says that it is /films/Gone.mkv");
        assert_int_equal(run(world, "doctor --json"), 1);
        json_t *report = json_loads(out, 0, NULL);
        assert_int_equal(json_integer_value(json_object_get(report, "assets")), 3);
        json_decref(report);
        assert_int_equal(run(world, "search ark"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(wrong_use_ends_with_2),
                TEST(every_subcommand_has_help),
                TEST(without_a_catalog_nothing_is_made),
                TEST(an_import_tells_what_it_did_and_measures),
                TEST(assets_are_found_shown_and_retired),
                TEST(the_doctor_names_what_is_wrong),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
