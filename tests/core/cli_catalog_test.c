#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/cli/cli.h"
#include "core/plan/catalog/catalog.h"
#include "proto/base/log.h"
#include "tests/support/capture.h"
#include "tests/support/cmocka.h"
#include "tests/support/plex_fixture.h"
#include "tests/support/temp_dir.h"

typedef struct {
        char *dir, *data, *plex, *media;
        char *out, *err; /* of the last command */
} World;

static void no_log(void *user, RvLogLevel level, const char *event, const RvField *fields, size_t n_fields) {
}

/* Three films, of which the files of two are there; they cannot be played. */
static int set_up(void **state) {
        World *world = g_new0(World, 1);
        rv_log_set_sink(no_log, NULL);
        world->dir = temp_dir_new();
        world->data = g_build_filename(world->dir, "data", NULL);
        world->plex = g_build_filename(world->dir, "plex.db", NULL);
        world->media = g_build_filename(world->dir, "media", NULL);
        assert_int_equal(g_mkdir(world->media, 0755), 0);
        PlexFixture *plex = plex_fixture_new(world->plex, PLEX_TODAY);
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
        World *world = *state;
        temp_dir_free(world->dir);
        g_free(world->data);
        g_free(world->plex);
        g_free(world->media);
        g_free(world->out);
        g_free(world->err);
        g_free(world);
        rv_log_set_sink(NULL, NULL);
        return 0;
}

/* `retrovue catalog WORDS... --data DATA`; a word "PLEX" is the database's path. */
static int run(World *world, const char *words) {
        g_auto(GStrv) given = g_strsplit(words, " ", -1);
        g_autoptr(GPtrArray) argv = g_ptr_array_new();
        g_ptr_array_add(argv, (char[]){"retrovue"});
        g_ptr_array_add(argv, (char[]){"catalog"});
        for (unsigned i = 0; given[i]; i++)
                if (given[i][0])
                        g_ptr_array_add(argv, g_str_equal(given[i], "PLEX") ? world->plex : given[i]);
        g_ptr_array_add(argv, (char[]){"--data"});
        g_ptr_array_add(argv, world->data);
        g_ptr_array_add(argv, NULL);
        capture_stdout_begin();
        capture_stderr_begin();
        const int status = cli_main((int)argv->len - 1, (char **)argv->pdata);
        g_free(world->out);
        g_free(world->err);
        world->err = capture_stderr_end();
        world->out = capture_stdout_end();
        return status;
}

static void import(World *world) {
        g_autofree char *words = g_strdup_printf("import plex PLEX --map /films=%s", world->media);
        if (run(world, words) != 0)
                fail_msg("%s", world->err);
}

static void assert_has(const char *text, const char *part) {
        if (!strstr(text, part))
                fail_msg("\"%s\" is not in: %s", part, text);
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
        World *world = *state;
        for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
                /* --data goes last, so an option that lacks its value is given one: that is wrong as well. */
                const int status = run(world, wrong[i]);
                if (status != 2 || world->out[0] || !world->err[0])
                        fail_msg("catalog %s: status %d, stdout %s, stderr %s", wrong[i], status, world->out,
                                 world->err);
        }
}

static void every_subcommand_has_help(void **state) {
        static const char *const names[] = {"import", "measure", "search", "show", "approve", "retire", "doctor"};
        World *world = *state;
        assert_int_equal(run(world, "--help"), 0);
        g_autofree char *all = g_strdup(world->out);
        for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
                g_autofree char *words = g_strconcat(names[i], " --help", NULL);
                assert_has(all, names[i]);
                assert_int_equal(run(world, words), 0);
                assert_has(world->out, "Usage:");
        }
}

static void without_a_catalog_nothing_is_made(void **state) {
        static const char *const looks[] = {"search x", "show x", "approve x", "retire x", "doctor", "measure"};
        World *world = *state;
        for (size_t i = 0; i < G_N_ELEMENTS(looks); i++) {
                assert_int_equal(run(world, looks[i]), 1);
                assert_has(world->err, "there is no catalog in");
                assert_false(g_file_test(world->data, G_FILE_TEST_EXISTS));
        }
}

static void an_import_tells_what_it_did_and_measures(void **state) {
        World *world = *state;
        import(world);
        assert_has(world->out, "3 files: 3 added, 0 changed, 0 unchanged; 1 are not there");
        assert_has(world->out, "3 assets, 0 of them can be scheduled");
        g_autofree char *again =
                g_strdup_printf("import plex PLEX --no-measure --json --map=/films=%s --section Movies", world->media);
        assert_int_equal(run(world, again), 0);
        json_t *report = json_loads(world->out, 0, NULL);
        assert_int_equal(json_integer_value(json_object_get(report, "unchanged")), 3);
        json_decref(report);
        assert_int_equal(run(world, "import plex PLEX --section Music"), 1);
        assert_has(world->err, "there is no library \"Music\"; there are: \"Movies\"");
        assert_int_equal(run(world, "import jellyfin PLEX"), 1);
        assert_has(world->err, "is no Jellyfin database");
}

static void assets_are_found_shown_and_retired(void **state) {
        World *world = *state;
        import(world);
        assert_int_equal(run(world, "search zebra movie"), 0);
        assert_has(world->out, "Zebra (1984)");
        assert_null(strstr(world->out, "Ark"));
        g_autofree char *id = g_strndup(world->out, 36);
        g_autofree char *show = g_strdup_printf("show %s", id), *retire = g_strdup_printf("retire %s nosuch", id);
        g_autofree char *approve = g_strdup_printf("approve %s", id);
        assert_int_equal(run(world, show), 0);
        assert_has(world->out, "refused, not approved");
        assert_has(world->out, "plex://movie/");
        assert_int_equal(run(world, approve), 1);
        assert_has(world->out, "it was refused");
        assert_int_equal(run(world, retire), 1); /* of two that are named one is not there; the other is done */
        assert_has(world->out, "done");
        assert_has(world->err, "there is no asset \"nosuch\"");
        assert_int_equal(run(world, "search retired --json"), 0);
        json_t *found = json_loads(world->out, 0, NULL);
        assert_int_equal(json_array_size(found), 1);
        json_decref(found);
}

static void the_doctor_names_what_is_wrong(void **state) {
        World *world = *state;
        import(world);
        assert_int_equal(run(world, "doctor"), 1);
        assert_has(world->out, "2 cannot be played");
        assert_has(world->out, "1 are not there");
        assert_has(world->out, "Plex says that it is /films/Gone.mkv");
        assert_int_equal(run(world, "doctor --json"), 1);
        json_t *report = json_loads(world->out, 0, NULL);
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
