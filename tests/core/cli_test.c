#include <glib/gstdio.h>
#include <stdio.h>
#include <unistd.h>

#include "core/last_good.h"
#include "core/plan/catalog/catalog_store.h"
#include "core/plan/horizon/horizon.h"
#include "core/plan/transmission_log/transmission_log.h"
#include "proto/base/log.h"
#include "tests/core/cli_fixture.h"
#include "tests/core/plan_fixture.h"

#define CHANNEL                                                                                                        \
        "channel: cheers\nchannel_number: 5\nname: All Cheers\ntimezone: America/New_York\n"                           \
        "pools: {cheers: {match: {type: episode, series_title: Cheers}}}\n"                                            \
        "schedule: {all_day: [{block: {start: \"06:00\", duration: 24h, pool: cheers}}]}\n"

typedef struct {
        Fixture fixture;
        char *data, *channels;
        char *out, *err; /* of the last command */
        char episode[RV_UUID_SIZE];
} World;

static int set_up(void **state) {
        World *world = g_new0(World, 1);
        fixture_begin(&world->fixture);
        world->data = g_build_filename(world->fixture.dir, "data", NULL);
        world->channels = g_build_filename(world->data, "channels", NULL);
        assert_int_equal(g_mkdir_with_parents(world->channels, 0700), 0);
        *state = world;
        return 0;
}

static int tear_down(void **state) {
        World *world = *state;
        fixture_end(&world->fixture);
        g_free(world->data);
        g_free(world->channels);
        g_free(world->out);
        g_free(world->err);
        g_free(world);
        return 0;
}

static void write_channel(const World *world, const char *name, const char *text) {
        g_autofree char *path = g_build_filename(world->channels, name, NULL);
        assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void store_catalog(Store *store, const CatalogSnapshot *catalog) {
        assert_true(store_begin(store, NULL));
        for (uint32_t i = 0; i < catalog->n_assets; i++) {
                const CatalogRow row = {.asset = catalog->assets[i], .size = 1, .stamp = (char *)"", .present = true};
                assert_true(catalog_store_put(store, &row, NULL));
        }
        assert_true(store_commit(store, NULL));
}

/* Plans the channel as the daemon would, now. */
static void evaluate(World *world) {
        g_autofree char *store_path = g_build_filename(world->data, "retrovue.db", NULL);
        g_autoptr(Store) store = store_open(store_path, NULL);
        g_autoptr(PlanBoard) board = plan_board_new();
        g_autoptr(Diag) diag = diag_new();
        g_autoptr(CatalogSnapshot) catalog = catalog_load(store, NULL);
        g_autoptr(GPtrArray) specs = channel_specs_load(world->channels, catalog, diag);
        assert_int_equal(diag_count(diag), 0);
        const HorizonOptions options = {.store = store,
                                        .board = board,
                                        .clock = rv_clock_system(),
                                        .min_epg_ms = 72 * HOUR,
                                        .min_execution_ms = 6 * HOUR,
                                        .logs_dir = world->fixture.dir};
        g_autoptr(Horizon) horizon = horizon_new(&options);
        horizon_set_inputs(horizon, specs, catalog);
        horizon_evaluate(horizon);
}

static void plan_channel(World *world, const char *channel) {
        g_autofree char *store_path = g_build_filename(world->data, "retrovue.db", NULL);
        g_autoptr(Store) store = store_open(store_path, NULL);
        fixture_series(&world->fixture, "Cheers", 30, 22 * MINUTE);
        g_autoptr(CatalogSnapshot) catalog = fixture_catalog(&world->fixture);
        store_catalog(store, catalog);
        g_strlcpy(world->episode, catalog->assets[catalog->n_assets - 1]->id, sizeof(world->episode));
        write_channel(world, "cheers.yaml", channel);
        evaluate(world);
}

static void plan(World *world) {
        plan_channel(world, CHANNEL);
}

static int run(World *world, const char *words) {
        return cli_run(world->data, words, &world->out, &world->err);
}

/* --- wrong use ---------------------------------------------------------------------------------------------------- */

static void wrong_use_ends_with_2(void **state) {
        static const char *const wrong[] = {
                "nosuch",
                "serve folder",
                "serve --port x",
                "serve --port 65536",
                "serve --port -5",
                "scan --port 1",
                "scan folder",
                "channels x",
                "channels --what",
                "plan",
                "plan a b",
                "plan a --day 1",
                "plan show",
                "plan show a --days 61",
                "plan show a --days -1",
                "plan show a --days 0",
                "plan show a --spots --json",
                "plan a --day 9999-12-31",
                "plan a --day 2101-01-01",
                "plan nosuch a",
                "plan compile a b",
                "plan explain a 20:30 b",
                "plan explain a 25:00",
                "plan explain a 8:30",
                "plan explain a --day 2026-01-01",
                "pool",
                "pool eval a",
                "pool nosuch a b",
                "plan a --day 2026-2-3",
                "plan a --day 2026-02-30",
                "override",
                "override change cheers",
                "override skip cheers",
                "override replace cheers 20:00",
                "guide a b",
                "guide --hours x",
                "guide --hours -1",
                "guide --hours 100000",
                "version --json",
                "version x",
                "scan --media ",
                "guide --config ",
        };
        World *world = *state;
        for (unsigned i = 0; i < G_N_ELEMENTS(wrong); i++) {
                int status = run(world, wrong[i]);
                if (status != 2 || world->out[0] || !world->err[0])
                        fail_msg("%s: status %d, stdout %s, stderr %s", wrong[i], status, world->out, world->err);
        }
}

static void every_command_has_help(void **state) {
        static const char *const names[] = {"serve", "scan",     "channels", "pool",
                                            "plan",  "override", "guide",    "version"};
        World *world = *state;
        assert_int_equal(run(world, "--help"), 0);
        for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
                assert_non_null(strstr(world->out, names[i]));
                g_autofree char *words = g_strconcat(names[i], " --nosuch --help", NULL);
                g_free(g_steal_pointer(&world->err));
                char *all = g_steal_pointer(&world->out);
                assert_int_equal(run(world, words), 0);
                assert_non_null(strstr(world->out, "Usage:"));
                assert_non_null(strstr(world->out, names[i]));
                g_free(world->out);
                world->out = all;
        }
}

/* Each option that a command has is on the page about commands, and so is the command. */
static void the_page_about_commands_has_them_all(void **state) {
        static const char *const names[] = {
                "serve",          "scan",         "channels",      "pool",           "plan",
                "override",       "guide",        "version",       "catalog import", "catalog measure",
                "catalog search", "catalog show", "catalog doctor"};
        World *world = *state;
        g_autofree char *page = NULL;
        assert_true(g_file_get_contents(RV_SOURCE_DIR "/docs/COMMANDS.md", &page, NULL, NULL));
        for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
                g_autofree char *words = g_strconcat(names[i], " --help", NULL);
                g_autofree char *line = g_strconcat("    retrovue ", names[i], NULL);
                assert_int_equal(run(world, words), 0);
                if (!strstr(page, line))
                        fail_msg("docs/COMMANDS.md has no line \"%s\"", line);
                for (const char *at = world->out; (at = strstr(at, "  --")); at += 4) {
                        g_autofree char *option = g_strndup(at + 2, 2 + strcspn(at + 4, "= \n"));
                        if (!strstr(page, option))
                                fail_msg("docs/COMMANDS.md has no %s, which is an option of %s", option, names[i]);
                }
        }
}

/* --- looking ------------------------------------------------------------------------------------------------------ */

static void a_look_without_a_database_says_so_and_makes_none(void **state) {
        static const char *const looks[] = {"plan cheers", "guide", "guide cheers --json"};
        World *world = *state;
        g_autofree char *store_path = g_build_filename(world->data, "retrovue.db", NULL);
        for (unsigned i = 0; i < G_N_ELEMENTS(looks); i++) {
                assert_int_equal(run(world, looks[i]), 1);
                assert_has(world->err, "nothing is planned yet");
                assert_string_equal(world->out, "");
                assert_false(g_file_test(store_path, G_FILE_TEST_EXISTS));
        }
}

static void a_database_that_is_none_is_told(void **state) {
        static const char *const looks[] = {"plan cheers", "guide", "channels"};
        World *world = *state;
        g_autofree char *store_path = g_build_filename(world->data, "retrovue.db", NULL);
        assert_true(g_file_set_contents(store_path, "this is a text and no database at all", -1, NULL));
        for (unsigned i = 0; i < G_N_ELEMENTS(looks); i++) {
                assert_int_equal(run(world, looks[i]), 1);
                assert_has(world->err, store_path);
        }
}

static void an_unknown_channel_is_told_with_those_there_are(void **state) {
        World *world = *state;
        plan(world);
        assert_int_equal(run(world, "plan nosuch"), 1);
        assert_has(world->err, "no channel \"nosuch\"; there is cheers");
        assert_int_equal(run(world, "guide nosuch --hours 2"), 1);
        assert_has(world->err, "no channel \"nosuch\"");
}

static void plan_shows_the_locked_blocks(void **state) {
        World *world = *state;
        plan(world);
        assert_int_equal(run(world, "plan cheers --json"), 0);
        json_t *document = json_loads(world->out, 0, NULL);
        assert_non_null(document);
        const json_t *blocks = json_object_get(document, "blocks"), *block;
        assert_true(json_array_size(blocks) > 0);
        size_t i;
        json_array_foreach(blocks, i, block) {
                int64_t length = 0, start = json_integer_value(json_object_get(block, "start_utc_ms"));
                const json_t *segment;
                size_t j;
                json_array_foreach(json_object_get(block, "segments"), j, segment) {
                        length += json_integer_value(json_object_get(segment, "duration_ms"));
                }
                assert_int_equal(start + length, json_integer_value(json_object_get(block, "end_utc_ms")));
        }
        assert_true(json_array_size(json_object_get(document, "programmes")) >= json_array_size(blocks));
        json_decref(document);
        assert_int_equal(run(world, "plan cheers"), 0);
        assert_non_null(strstr(world->out, "times of America/New_York"));
        assert_non_null(strstr(world->out, " break"));
        assert_null(strstr(world->out, "content"));
        assert_int_equal(run(world, "plan show cheers --spots"), 0);
        assert_non_null(strstr(world->out, "content"));
        assert_int_equal(run(world, "plan show cheers --days 2 --json"), 0);
        document = json_loads(world->out, 0, NULL);
        assert_int_equal(json_array_size(json_object_get(document, "days")), 2);
        json_decref(document);
}

/* What is planned is what the rules and the catalog would make of it again; a changed file shows as differences. */
static void plan_compiles_compares_and_explains(void **state) {
        World *world = *state;
        plan(world);
        assert_int_equal(run(world, "plan show cheers --json"), 0);
        assert_int_equal(run(world, "plan compile cheers"), 0);
        assert_has(world->out, "from where the stored day begins");
        assert_has(world->out, "all_day@06:00");
        assert_has(world->out, "sha256 ");
        assert_int_equal(run(world, "plan diff cheers"), 0);
        assert_string_equal(world->out, "0 differences\n");
        assert_int_equal(run(world, "plan explain cheers"), 0);
        assert_has(world->out, "cheers.yaml:6:");
        assert_has(world->out, "the first after the pool's cursor that fits");
        assert_null(strstr(world->out, "not what is stored"));
        assert_int_equal(run(world, "plan explain cheers 12:10 --json"), 0);
        json_t *why = json_loads(world->out, 0, NULL);
        assert_string_equal(json_string_value(json_object_get(why, "mode")), "sequential");
        assert_string_equal(json_string_value(json_object_get(why, "pool")), "cheers");
        assert_int_equal(json_integer_value(json_object_get(why, "held")), 30);
        assert_true(json_is_true(json_object_get(why, "stored")));
        json_decref(why);
        assert_int_equal(run(world, "plan explain cheers noon"), 2);
        assert_has(world->err, "such as 20:30 or 20:30:15, not \"noon\"");
        g_autofree char *other = g_strdup(CHANNEL);
        memcpy(strstr(other, "24h"), "12h", 3);
        write_channel(world, "cheers.yaml", other);
        assert_int_equal(run(world, "plan diff cheers"), 0);
        assert_has(world->out, " differences (- stored, + as rules and catalog are now)");
        assert_int_equal(run(world, "plan compile cheers --day 2020-01-01"), 0);
        assert_has(world->out, "from the beginning");
        assert_int_equal(run(world, "plan diff cheers --day 2020-01-01"), 1);
        assert_has(world->err, "not planned yet");
}

/* The first spot that the plan of today has locked: its title, and when it is on, on the channel's clocks. */
static char *first_spot(World *world, char ret_clock[9]) {
        assert_int_equal(run(world, "plan cheers --json"), 0);
        json_t *document = json_loads(world->out, 0, NULL);
        const json_t *block = json_array_get(json_object_get(document, "blocks"), 0);
        json_t *segment;
        char *title = NULL;
        size_t i;
        int64_t at_utc_ms = json_integer_value(json_object_get(block, "start_utc_ms"));
        json_array_foreach(json_object_get(block, "segments"), i, segment) {
                if (!title && strcmp(json_string_value(json_object_get(segment, "type")), "commercial") == 0)
                        title = g_strdup(json_string_value(json_object_get(segment, "title")));
                if (!title)
                        at_utc_ms += json_integer_value(json_object_get(segment, "duration_ms"));
        }
        assert_non_null(title);
        g_autoptr(GTimeZone) zone = g_time_zone_new_identifier("America/New_York");
        g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(at_utc_ms / 1000 + 1);
        g_autoptr(GDateTime) local = g_date_time_to_timezone(utc, zone);
        g_autofree char *clock = g_date_time_format(local, "%H:%M:%S");
        g_strlcpy(ret_clock, clock, 9);
        json_decref(document);
        return title;
}

static void plan_explains_what_stands_in_a_break(void **state) {
        World *world = *state;
        char clock[9];
        for (int i = 0; i < 9; i++) {
                g_autofree char *name = g_strdup_printf("Ad %d", i);
                fixture_asset(&world->fixture, i < 7 ? ASSET_COMMERCIAL : ASSET_PSA, name, i == 0 ? 2 * HOUR : 30000);
        }
        plan(world);
        g_autofree char *title = first_spot(world, clock), *words = g_strdup_printf("plan explain cheers %s", clock);
        assert_int_equal(run(world, words), 0);
        g_autofree char *spot = g_strdup_printf("commercial %s, in the break of ", title);
        assert_has(world->out, spot);
        assert_has(world->out, "  place      in the body, which any allowed type may fill\n"
                               "  asked by   no campaign: one of the house's own\n"
                               "  rested     it was not planned in the eight days before\n"
                               "  today      play 1 of the broadcast day\n");
        assert_has(world->out, "  others     1 longer than the break\n");
        g_autofree char *json = g_strconcat(words, " --json", NULL);
        assert_int_equal(run(world, json), 0);
        json_t *why = json_loads(world->out, 0, NULL);
        const json_t *explained = json_object_get(json_object_get(why, "break"), "spot");
        assert_string_equal(json_string_value(json_object_get(explained, "kind")), "commercial");
        assert_int_equal(json_integer_value(json_object_get(json_object_get(explained, "others"), "too_long")), 1);
        json_decref(why);
}

static void plan_tells_what_stands_over_the_picture(void **state) {
        World *world = *state;
        write_channel(world, "logo.png", "png");
        plan_channel(world, CHANNEL "graphics: {logo: {file: logo.png}, title: {after: 5s}}\n");
        assert_int_equal(run(world, "plan show cheers --spots"), 0);
        assert_has(world->out, "  [logo]\n");
        assert_has(world->out, "   0:08    text        Cheers ");
        assert_int_equal(run(world, "plan cheers --json"), 0);
        json_t *document = json_loads(world->out, 0, NULL);
        const json_t *block = json_array_get(json_object_get(document, "blocks"), 0);
        const json_t *segment = json_array_get(json_object_get(block, "segments"), 0);
        const json_t *snipe = json_array_get(json_object_get(segment, "snipes"), 0);
        assert_true(json_is_true(json_object_get(segment, "logo")));
        assert_int_equal(json_integer_value(json_object_get(snipe, "start_ms")), 5000);
        assert_string_equal(json_string_value(json_object_get(snipe, "headline")), "Cheers");
        g_autoptr(GTimeZone) zone = g_time_zone_new_identifier("America/New_York");
        g_autoptr(GDateTime) utc =
                g_date_time_new_from_unix_utc(json_integer_value(json_object_get(block, "start_utc_ms")) / 1000);
        g_autoptr(GDateTime) local = g_date_time_to_timezone(utc, zone);
        g_autofree char *words = g_date_time_format(local, "plan explain cheers %H:%M");
        json_decref(document);
        assert_int_equal(run(world, words), 0);
        assert_has(world->out, "  graphics   the logo stands over it\n  text       ");
        assert_has(world->out, ":05 for 0:00:08: Cheers ");
        g_autofree char *json = g_strconcat(words, " --json", NULL);
        assert_int_equal(run(world, json), 0);
        json_t *why = json_loads(world->out, 0, NULL);
        assert_true(json_is_true(json_object_get(json_object_get(why, "graphics"), "logo")));
        json_decref(why);
}

static void a_pool_is_shown_in_its_order(void **state) {
        World *world = *state;
        plan(world);
        assert_int_equal(run(world, "pool eval cheers cheers"), 0);
        assert_has(world->out, "    1  0:22:00  Cheers S01E01 Cheers 1x01\n    2  0:22:00  Cheers S01E02");
        assert_has(world->out, "30 assets, 11.0 hours");
        assert_int_equal(run(world, "pool eval cheers cheers --json"), 0);
        json_t *pool = json_loads(world->out, 0, NULL);
        assert_int_equal(json_integer_value(json_object_get(pool, "count")), 30);
        json_decref(pool);
        assert_int_equal(run(world, "pool eval cheers chears"), 1);
        assert_has(world->err, "cheers has no pool \"chears\": did you mean \"cheers\"?");
}

static void a_virtual_asset_is_shown_with_its_parts(void **state) {
        World *world = *state;
        plan(world);
        write_channel(world, "pairs.yaml",
                      "channel: pairs\ntimezone: UTC\npools: {cheers: {match: {series_title: Cheers}}}\n"
                      "virtual_assets: {two: {compose: pair, from: cheers}}\n"
                      "schedule: {all_day: [{start: \"06:00\", pool: two}]}\n");
        assert_int_equal(run(world, "pool eval pairs two"), 0);
        assert_has(world->out, "    1  0:44:00  Cheers: Cheers 1x01 / Cheers 1x02\n"
                               "       0:22:00    Cheers S01E01 Cheers 1x01\n       0:22:00    Cheers S01E02");
        assert_has(world->out, "15 units, 11.0 hours");
        assert_int_equal(run(world, "pool eval pairs two --json"), 0);
        json_t *pool = json_loads(world->out, 0, NULL);
        const json_t *unit = json_array_get(json_object_get(pool, "units"), 14);
        assert_int_equal(json_array_size(json_object_get(unit, "parts")), 2);
        assert_int_equal(json_integer_value(json_object_get(unit, "duration_ms")), 44 * MINUTE);
        json_decref(pool);
        assert_int_equal(run(world, "pool eval pairs tow"), 1);
        assert_has(world->err, "did you mean \"two\"?");
}

/* Warnings are for those who lint; who looks at the plan is told of what hides a channel alone. */
static void a_look_tells_errors_and_not_warnings(void **state) {
        World *world = *state;
        plan(world);
        write_channel(world, "warned.yaml",
                      "channel: warned\ntimezone: UTC\npools: {cheers: {match: {series_title: Cheers}}}\n"
                      "presentation: {}\nschedule: {all_day: [{start: \"06:00\", pool: cheers}]}\n");
        assert_int_equal(run(world, "guide warned"), 0);
        assert_string_equal(world->err, "");
        assert_int_equal(run(world, "channels lint"), 0);
        assert_has(world->out, "warned.yaml:4:15: warning: \"presentation\" is not played");
        assert_has(world->out, "2 good channels, 0 errors, 1 warning\n");
        write_channel(world, "warned.yaml",
                      "channel: warned\ntimezone: UTC\npools: {cheers: {match: {series_title: Cheers}}}\n"
                      "filler: {path: no-such.mp4, duration_ms: 60000}\n"
                      "schedule: {all_day: [{start: \"06:00\", pool: cheers}]}\n");
        assert_int_equal(run(world, "channels lint"), 0);
        assert_has(world->out, "warned.yaml: warning: filler: ");
        assert_has(world->out, "no-such.mp4 cannot be read: No such file");
}

static void lint_tells_all_faults_of_files(void **state) {
        World *world = *state;
        write_channel(world, "good.yaml", CHANNEL);
        assert_int_equal(run(world, "channels lint"), 0);
        assert_has(world->out, "1 good channel, 0 errors, 0 warnings (there is no catalog yet");
        write_channel(world, "bad.yaml", "channel: Bad One\ntimzone: UTC\nschedule: {all_day: []}\n");
        assert_int_equal(run(world, "channels lint"), 1);
        assert_has(world->out, "bad.yaml:1:10: \"Bad One\" cannot name a channel");
        assert_has(world->out, "bad.yaml:2:1: unknown key \"timzone\" in the channel file: did you mean \"timezone\"?");
        assert_has(world->out, "bad.yaml:3:21: schedule.all_day is empty");
        g_autofree char *of_good = g_strdup_printf("channels lint %s/good.yaml", world->channels);
        assert_int_equal(run(world, of_good), 0);
        g_autofree char *of_both =
                g_strdup_printf("channels lint %s/good.yaml %s/bad.yaml --json", world->channels, world->channels);
        assert_int_equal(run(world, of_both), 1);
        json_t *document = json_loads(world->out, 0, NULL);
        assert_true(json_integer_value(json_object_get(document, "errors")) >= 4);
        json_decref(document);
        assert_int_equal(run(world, "channels lint nosuch.yaml"), 1);
        assert_has(world->out, "nosuch.yaml: cannot be read");
}

static void plan_of_another_day(void **state) {
        World *world = *state;
        plan(world);
        g_autoptr(GTimeZone) zone = g_time_zone_new_identifier("America/New_York");
        g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(rv_clock_utc_ms(rv_clock_system()) / 1000);
        g_autoptr(GDateTime) in_two_days = g_date_time_add_days(utc, 2);
        g_autofree char *day = g_date_time_format(in_two_days, "%Y-%m-%d");
        g_autofree char *words = g_strconcat("plan cheers --day ", day, NULL);
        assert_int_equal(run(world, words), 0);
        assert_null(strstr(world->out, "content")); /* planned, not locked */
        assert_non_null(strstr(world->out, "planned"));
        assert_int_equal(run(world, "plan cheers --day 1999-12-31"), 1);
        assert_has(world->err, "nothing is planned for channel cheers on 1999-12-31; the plan begins on");
        assert_int_equal(run(world, "plan cheers --day 2099-12-31"), 1);
        assert_has(world->err, "nothing is planned");
}

static void guide_shows_now_and_next(void **state) {
        World *world = *state;
        plan(world);
        assert_int_equal(run(world, "guide"), 0);
        assert_non_null(strstr(world->out, "   5  All Cheers (cheers, America/New_York)"));
        assert_non_null(strstr(world->out, "now   "));
        assert_non_null(strstr(world->out, "Cheers - Cheers "));
        assert_int_equal(run(world, "guide --json"), 0);
        json_t *document = json_loads(world->out, 0, NULL);
        const json_t *channel = json_array_get(json_object_get(document, "channels"), 0);
        int64_t now = rv_clock_utc_ms(rv_clock_system());
        const json_t *on = json_object_get(channel, "now");
        assert_true(json_integer_value(json_object_get(on, "start_utc_ms")) <= now);
        assert_true(json_integer_value(json_object_get(on, "end_utc_ms")) > now - HOUR);
        json_decref(document);
        assert_int_equal(run(world, "guide cheers --hours 24"), 0);
        g_auto(GStrv) lines = g_strsplit(world->out, "\n", -1);
        assert_in_range(g_strv_length(lines), 48, 52); /* half hours, the channel's line, an empty one */
        assert_int_equal(run(world, "guide cheers --hours 24 --json"), 0);
        document = json_loads(world->out, 0, NULL);
        assert_non_null(json_object_get(document, "channels"));
        json_decref(document);
}

static void a_faulty_channel_file_is_named_and_the_rest_shown(void **state) {
        World *world = *state;
        plan(world);
        write_channel(world, "broken.yaml", "channel: [\n");
        assert_int_equal(run(world, "guide"), 0);
        assert_has(world->err, "broken.yaml:");
        assert_non_null(strstr(world->out, "All Cheers"));
        assert_int_equal(run(world, "channels"), 1);
        assert_has(world->err, "broken.yaml:");
}

static void a_channel_with_a_faulty_file_is_shown_by_its_last_good_one(void **state) {
        static const char *const looks[] = {"plan show cheers", "plan explain cheers", "guide cheers",
                                            "override list cheers", "override skip cheers 2099-12-31T20:00"};
        World *world = *state;
        g_autofree char *good = g_build_filename(world->data, "last_good_channels", NULL);
        plan(world);
        assert_true(last_good_keep(good, world->channels, 1, NULL));
        write_channel(world, "broken.yaml", "channel: [\n");
        for (unsigned i = 0; i < G_N_ELEMENTS(looks); i++) {
                assert_int_equal(run(world, looks[i]), 0);
                assert_string_equal(world->err, ""); /* the other's fault is no matter here */
        }
        write_channel(world, "cheers.yaml", "channel: cheers\nschedule: [\n");
        for (unsigned i = 0; i < G_N_ELEMENTS(looks); i++) {
                if (run(world, looks[i]) != 0)
                        fail_msg("%s: %s", looks[i], world->err);
                assert_has(world->err, "cheers.yaml:");
                assert_has(world->err, "last good file");
                assert_null(strstr(world->err, "broken.yaml"));
        }
        g_autofree char *path = g_build_filename(world->channels, "cheers.yaml", NULL);
        assert_int_equal(g_remove(path), 0);
        assert_int_equal(run(world, "plan show cheers"), 1);
        assert_has(world->err, "no channel \"cheers\"");
}

/* --- overriding --------------------------------------------------------------------------------------------------- */

static void overrides_are_recorded_listed_and_taken_back(void **state) {
        World *world = *state;
        plan(world);
        assert_int_equal(run(world, "override list cheers"), 0);
        assert_string_equal(world->out, "");
        assert_int_equal(run(world, "override skip cheers 2099-12-31T20:00"), 0);
        assert_non_null(strstr(world->out, "override 1 is recorded: skip cheers at 2099-12-31 20:00"));
        assert_non_null(strstr(world->out, "the guide does not reach that far yet"));
        assert_int_equal(run(world, "override skip cheers 20:00"), 0);
        assert_non_null(strstr(world->out, "override 2 is recorded"));
        assert_non_null(strstr(world->out, "20:00, where \"Cheers "));
        assert_int_equal(run(world, "override list cheers"), 0);
        assert_non_null(strstr(world->out, "    1  2099-12-31 20:00  skip      asked"));
        assert_int_equal(run(world, "override cancel cheers 1"), 0);
        assert_int_equal(run(world, "override cancel cheers 1"), 1);
        assert_has(world->err, "no override 1 that is asked for, in force or refused");
        assert_int_equal(run(world, "override list cheers --json"), 0);
        json_t *list = json_loads(world->out, 0, NULL);
        assert_int_equal(json_array_size(list), 2);
        assert_string_equal(json_string_value(json_object_get(json_array_get(list, 0), "state")), "cancelled");
        json_decref(list);
}

static void overrides_that_cannot_be_are_told(void **state) {
        World *world = *state;
        plan(world);
        assert_int_equal(run(world, "override skip nosuch 20:00"), 1);
        assert_has(world->err, "no channel \"nosuch\"");
        assert_int_equal(run(world, "override skip cheers 24:00"), 2);
        assert_has(world->err, "is no time");
        assert_int_equal(run(world, "override skip cheers 2026-02-30T20:00"), 2);
        assert_int_equal(run(world, "override skip cheers 1999-12-31T20:00"), 1);
        assert_has(world->err, "is past");
        assert_int_equal(run(world, "override insert cheers 20:00 Alien"), 1);
        assert_has(world->err, "nothing in the catalog");
        assert_int_equal(run(world, "override cancel cheers x"), 2);
        assert_int_equal(run(world, "override list cheers"), 0);
        assert_string_equal(world->out, "");
}

/* What an override is asked of: the start of a programme (as TIME in UTC) some hours from now. */
static char *a_start(World *world, int64_t after_ms) {
        g_autofree char *store_path = g_build_filename(world->data, "retrovue.db", NULL);
        g_autoptr(Store) store = store_open(store_path, NULL);
        g_autoptr(GPtrArray) days = schedule_store_days(store, "cheers", "1970-01-01", NULL);
        const int64_t after = rv_clock_utc_ms(rv_clock_system()) + after_ms;
        for (guint i = 0; i < days->len; i++) {
                const ScheduleDay *day = days->pdata[i];
                for (guint j = 0; j < day->programmes->len; j++) {
                        const Programme *programme = day->programmes->pdata[j];
                        if (programme->start_utc_ms < after)
                                continue;
                        g_autoptr(GDateTime) at = g_date_time_new_from_unix_utc(programme->start_utc_ms / 1000);
                        return g_date_time_format(at, "%Y-%m-%dT%H:%MZ");
                }
        }
        fail_msg("nothing is planned");
        return NULL;
}

static int run_with(World *world, const char *format, const char *first, const char *second) {
        g_auto(GStrv) parts = g_strsplit(format, "@", 3);
        g_autofree char *words = g_strconcat(parts[0], first, parts[1], second, parts[2], NULL);
        return run(world, words);
}

static void a_title_is_a_programme_and_a_spot_is_taken_by_its_id(void **state) {
        World *world = *state;
        const char *spot = fixture_asset(&world->fixture, ASSET_PROMO, "Tavern", 30000)->id;
        fixture_asset(&world->fixture, ASSET_PROMO, "Twice", 30000);
        fixture_asset(&world->fixture, ASSET_MOVIE, "Twice", 20 * MINUTE);
        g_autofree char *id = g_strdup(spot);
        plan(world);
        g_autofree char *at = a_start(world, 20 * HOUR);
        assert_int_equal(run_with(world, "override replace cheers @ @", at, "Tavern"), 1);
        assert_has(world->err, "a spot is taken by its id");
        assert_has(world->err, id);
        assert_int_equal(run_with(world, "override replace cheers @ @", at, id), 0);
        assert_has(world->out, "\"Tavern\" (promo) is 0:00:30 long in a slot of 0:30:00; 0:29:30 stay for breaks");
        assert_has(world->err, "less than half");
        assert_int_equal(run_with(world, "override replace cheers @ @", at, "Twice"), 0);
        assert_has(world->out, "(movie)");
        assert_string_equal(world->err, "");
}

static void what_would_be_refused_is_not_recorded(void **state) {
        World *world = *state;
        fixture_asset(&world->fixture, ASSET_MOVIE, "Lost", 20 * MINUTE)->approved = false;
        fixture_asset(&world->fixture, ASSET_MOVIE, "Heat", 100 * MINUTE);
        plan(world);
        g_autofree char *at = a_start(world, 20 * HOUR);
        g_autofree char *within = g_strdup(at);
        within[15] = '7'; /* 20:07: on no start */
        assert_int_equal(run_with(world, "override insert cheers @ @", within, "Heat"), 1);
        assert_has(world->err, "no programme begins then; one begins at");
        assert_int_equal(run_with(world, "override replace cheers @ @", at, "Heat"), 1);
        assert_has(world->err, "needs 120 minutes");
        assert_int_equal(run_with(world, "override insert cheers @ @", at, "Lost"), 1);
        assert_has(world->err, "may not be planned");
        assert_int_equal(run(world, "override insert cheers 2099-12-31T20:00 Lost"), 1);
        assert_int_equal(run(world, "override list cheers"), 0);
        assert_string_equal(world->out, "");
}

static void a_time_is_read_as_the_page_says(void **state) {
        World *world = *state;
        plan(world);
        assert_int_equal(run(world, "override skip cheers 2099-11-22T15:00Z"), 0);
        assert_has(world->out, "2099-11-22 10:00");
        assert_int_equal(run(world, "override skip cheers 2099-11-22T15:00+01:00"), 0);
        assert_has(world->out, "2099-11-22 09:00");
        assert_int_equal(run(world, "override skip cheers 2099-11-22T15:00:00Z"), 0);
        assert_int_equal(run(world, "override skip cheers 2030-03-10T02:30"), 2);
        assert_has(world->err, "clocks are put forward");
        assert_int_equal(run(world, "override skip cheers 2101-01-01T02:30"), 2);
        assert_int_equal(run(world, "override skip cheers 2099-11-22T15"), 2);
        assert_int_equal(run(world, "override skip cheers 2099-326T20:00"), 2);
        assert_has(world->err, "is no time");
}

static void the_same_planned_nearby_is_a_warning(void **state) {
        World *world = *state;
        plan(world);
        g_autofree char *at = a_start(world, 20 * HOUR);
        assert_int_equal(run_with(world, "override replace cheers @ @", at, world->episode), 0);
        assert_has(world->err, ", too, ");
}

static void an_override_is_explained_and_no_difference(void **state) {
        World *world = *state;
        plan(world);
        g_autofree char *at = a_start(world, 20 * HOUR);
        assert_int_equal(run_with(world, "override skip cheers @@", at, ""), 0);
        evaluate(world);
        g_autoptr(GTimeZone) zone = g_time_zone_new_identifier("America/New_York");
        g_autoptr(GDateTime) utc = g_date_time_new_from_iso8601(at, NULL);
        if (!utc) {
                g_autofree char *whole = g_strdup_printf("%.16s:00Z", at);
                utc = g_date_time_new_from_iso8601(whole, NULL);
        }
        g_autoptr(GDateTime) local = g_date_time_to_timezone(utc, zone), day = g_date_time_add_hours(local, -6);
        g_autofree char *explain = g_date_time_format(local, "plan explain cheers %H:%M --day=");
        g_autofree char *date = g_date_time_format(day, "%F");
        if (run_with(world, "@@", explain, date) != 0)
                fail_msg("%s%s: %s", explain, date, world->err);
        assert_has(world->out, "override   1, skip, asked for at ");
        assert_has(world->out, "replaced ");
        assert_int_equal(run_with(world, "@@ --json", explain, date), 0);
        json_t *document = json_loads(world->out, 0, NULL);
        json_t *record = json_object_get(document, "override");
        assert_int_equal(json_array_size(json_object_get(record, "replaced")), 1);
        json_decref(document);
        assert_int_equal(run_with(world, "plan diff cheers --day=@@", date, ""), 0);
        assert_has(world->out, "override 1 (skip) lies over it");
        assert_has(world->out, "0 differences");
}

/* --- scanning ----------------------------------------------------------------------------------------------------- */

static void scan_says_what_it_cannot_do(void **state) {
        World *world = *state;
        g_autofree char *missing = g_strdup_printf("scan --media %s/nosuch", world->fixture.dir);
        g_autofree char *bad = g_build_filename(world->fixture.dir, "media", "bad.mp4", NULL);
        g_autofree char *media = g_path_get_dirname(bad);
        g_autofree char *words = g_strdup_printf("scan --media %s", media);
        assert_int_equal(run(world, "scan"), 1);
        assert_has(world->err, "--media");
        assert_int_equal(run(world, missing), 1);
        assert_has(world->err, "nosuch");
        assert_int_equal(g_mkdir(media, 0700), 0);
        assert_true(g_file_set_contents(bad, "not a film", -1, NULL));
        assert_int_equal(run(world, words), 0);
        assert_non_null(strstr(world->out, "refused"));
        assert_non_null(strstr(world->out, "1 assets, 0 of them"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
        rv_log_init("retrovue", rv_clock_system());
        rv_log_set_level(RV_LOG_ERROR);
        const struct CMUnitTest tests[] = {
                TEST(wrong_use_ends_with_2),
                TEST(every_command_has_help),
                TEST(the_page_about_commands_has_them_all),
                TEST(a_look_without_a_database_says_so_and_makes_none),
                TEST(a_database_that_is_none_is_told),
                TEST(an_unknown_channel_is_told_with_those_there_are),
                TEST(plan_shows_the_locked_blocks),
                TEST(plan_compiles_compares_and_explains),
                TEST(plan_explains_what_stands_in_a_break),
                TEST(plan_tells_what_stands_over_the_picture),
                TEST(a_pool_is_shown_in_its_order),
                TEST(a_virtual_asset_is_shown_with_its_parts),
                TEST(a_look_tells_errors_and_not_warnings),
                TEST(lint_tells_all_faults_of_files),
                TEST(plan_of_another_day),
                TEST(guide_shows_now_and_next),
                TEST(a_faulty_channel_file_is_named_and_the_rest_shown),
                TEST(a_channel_with_a_faulty_file_is_shown_by_its_last_good_one),
                TEST(overrides_are_recorded_listed_and_taken_back),
                TEST(overrides_that_cannot_be_are_told),
                TEST(a_title_is_a_programme_and_a_spot_is_taken_by_its_id),
                TEST(what_would_be_refused_is_not_recorded),
                TEST(a_time_is_read_as_the_page_says),
                TEST(the_same_planned_nearby_is_a_warning),
                TEST(an_override_is_explained_and_no_difference),
                TEST(scan_says_what_it_cannot_do),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
