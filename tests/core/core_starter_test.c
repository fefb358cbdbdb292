#include "core/starter.h"

#include <glib/gstdio.h>

#include "proto/base/log.h"
#include "tests/core/plan_fixture.h"
#include "tests/support/cmocka.h"

typedef struct {
        Fixture fixture;
        char *channels;
        Starter *starter;
} World;

static int set_up(void **state) {
        World *world = g_new0(World, 1);
        fixture_begin(&world->fixture);
        world->channels = g_build_filename(world->fixture.dir, "channels", NULL);
        assert_int_equal(g_mkdir(world->channels, 0700), 0);
        world->starter = starter_new(world->channels);
        *state = world;
        return 0;
}

static int tear_down(void **state) {
        World *world = *state;
        starter_free(world->starter);
        fixture_end(&world->fixture);
        g_free(world->channels);
        g_free(world);
        return 0;
}

/* What the fixture holds is written, read back and planned with: no fault, or the test fails. */
static GPtrArray *start(World *world, StarterState state) {
        g_autoptr(CatalogSnapshot) catalog = fixture_catalog(&world->fixture);
        g_autoptr(GError) error = NULL;
        g_autoptr(Diag) diag = diag_new();
        if (!starter_write(world->starter, catalog, state, &error))
                fail_msg("%s", error->message);
        GPtrArray *specs = channel_specs_load(world->channels, catalog, diag);
        g_autofree char *faults = diag_text(diag);
        assert_string_equal(faults, "");
        for (unsigned i = 0; i < specs->len; i++) {
                const ScheduleFrom from = {0};
                g_autoptr(ScheduleDay) day =
                        schedule_compile(g_ptr_array_index(specs, i), catalog, "2026-11-22", &from, diag);
                assert_non_null(day);
        }
        return specs;
}

static const ChannelSpec *named(const GPtrArray *specs, const char *id) {
        for (unsigned i = 0; i < specs->len; i++)
                if (g_str_equal(((ChannelSpec *)g_ptr_array_index(specs, i))->id, id))
                        return g_ptr_array_index(specs, i);
        fail_msg("there is no channel %s", id);
        return NULL;
}

static char *text_of(const World *world, const char *name) {
        g_autofree char *path = g_build_filename(world->channels, name, NULL);
        char *text = NULL;
        return g_file_get_contents(path, &text, NULL, NULL) ? text : NULL;
}

static void a_library_gets_a_channel_a_series_and_a_mix(void **state) {
        World *world = *state;
        fixture_series(&world->fixture, "Cheers", 20, 22 * MINUTE);
        fixture_series(&world->fixture, "Pilot", 1, 19 * MINUTE); /* too little for a channel of its own */
        for (int i = 0; i < 3; i++)
                fixture_asset(&world->fixture, ASSET_MOVIE, "Film", 95 * MINUTE);
        for (int i = 0; i < 8; i++)
                fixture_asset(&world->fixture, ASSET_COMMERCIAL, "Soap", 30000);
        g_autoptr(GPtrArray) specs = start(world, STARTER_FINAL);
        assert_int_equal(specs->len, 3);
        assert_int_equal(named(specs, "films")->type, CHANNEL_MOVIE);
        assert_int_equal(named(specs, "cheers")->grid_minutes, 30);
        assert_string_equal(named(specs, "everything")->name, "Everything");
}

/* Programmes that would leave more than a third of their slots to breaks get shorter slots. */
static void slots_are_mostly_content(void **state) {
        static const struct {
                int minutes, grid;
        } cases[] = {{22, 30}, {43, 30}, {31, 5}, {33, 15}, {13, 15}, {9, 5}, {4, 5}};
        for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
                World *world = *state;
                fixture_series(&world->fixture, "Cheers", 20, cases[i].minutes * MINUTE);
                for (int j = 0; j < 8; j++)
                        fixture_asset(&world->fixture, ASSET_COMMERCIAL, "Soap", 30000);
                g_autoptr(GPtrArray) specs = start(world, STARTER_FINAL);
                assert_int_equal(named(specs, "cheers")->grid_minutes, cases[i].grid);
                g_autofree char *path = g_build_filename(world->channels, "cheers.yaml", NULL);
                assert_int_equal(g_remove(path), 0);
                starter_free(world->starter);
                world->starter = starter_new(world->channels);
        }
}

/* Without anything to put into breaks half hours would be a quarter black. */
static void without_spots_slots_end_soon_after_their_content(void **state) {
        World *world = *state;
        fixture_series(&world->fixture, "Cheers", 20, 22 * MINUTE);
        g_autoptr(GPtrArray) specs = start(world, STARTER_FINAL);
        assert_int_equal(specs->len, 1); /* a mix of one series is that series */
        assert_int_equal(named(specs, "cheers")->grid_minutes, 5);
        g_autofree char *text = text_of(world, "cheers.yaml");
        assert_non_null(strstr(text, "per_half_hour: 0"));
}

static void short_clips_fill_what_they_leave(void **state) {
        World *world = *state;
        for (int i = 0; i < 30; i++)
                fixture_asset(&world->fixture, ASSET_MOVIE, "Clip", 1000 + i * 500);
        g_autoptr(GPtrArray) specs = start(world, STARTER_FINAL);
        assert_int_equal(specs->len, 1);
        g_autofree char *text = text_of(world, "everything.yaml");
        assert_non_null(strstr(text, "filler: {pool: clips}"));
}

static void a_library_of_25_frames_a_second_is_shown_so(void **state) {
        World *world = *state;
        fixture_series(&world->fixture, "Derrick", 20, 60 * MINUTE);
        for (unsigned i = 0; i < world->fixture.assets->len; i++)
                ((Asset *)world->fixture.assets->pdata[i])->rate = (RvRational){i % 3 ? 25 : 24000, i % 3 ? 1 : 1001};
        g_autoptr(GPtrArray) specs = start(world, STARTER_FINAL);
        assert_int_equal(named(specs, "derrick")->format.rate.num, 25);
        assert_int_equal(named(specs, "derrick")->format.rate.den, 1);
}

/* Titles that differ by nothing that an id can hold, and titles that YAML would read as something else. */
static void odd_titles_make_files_of_their_own(void **state) {
        static const char *const titles[] = {"Cheers",
                                             "CHEERS!",
                                             "Cheers?",
                                             "Everything",
                                             "Films",
                                             "\"'\\ {}",
                                             "- [a: b] # c",
                                             "\xe6\x94\xbb\xe6\xae\xbb",
                                             "\xe2\x82\xac",
                                             "yes",
                                             "\xef\xbb\xbf"
                                             "bom"};
        World *world = *state;
        for (unsigned i = 0; i < G_N_ELEMENTS(titles); i++)
                fixture_series(&world->fixture, titles[i], 4, 10 * MINUTE);
        fixture_asset(&world->fixture, ASSET_MOVIE, "Film", 95 * MINUTE);
        g_autoptr(GPtrArray) specs = start(world, STARTER_FINAL);
        assert_int_equal(specs->len, G_N_ELEMENTS(titles) + 2);
}

static void a_huge_library_gets_a_dozen_channels(void **state) {
        World *world = *state;
        for (int i = 0; i < 100; i++) {
                g_autofree char *title = g_strdup_printf("Series %d", i);
                fixture_series(&world->fixture, title, 3, (10 + i) * MINUTE);
        }
        g_autoptr(GPtrArray) specs = start(world, STARTER_FINAL);
        assert_int_equal(specs->len, 13);
        named(specs, "series-99"); /* the largest */
}

static void nothing_is_written_of_nothing(void **state) {
        World *world = *state;
        fixture_asset(&world->fixture, ASSET_PROMO, "Promo", 30000);
        g_autoptr(GPtrArray) specs = start(world, STARTER_FINAL);
        assert_int_equal(specs->len, 0);
}

static void files_of_the_operator_are_left_alone(void **state) {
        static const char *const names[] = {"mine.yaml", "mine.yml"};
        World *world = *state;
        for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
                g_autofree char *path = g_build_filename(world->channels, names[i], NULL);
                assert_true(g_file_set_contents(path, "# empty", -1, NULL));
                fixture_series(&world->fixture, "Cheers", 20, 22 * MINUTE);
                g_autoptr(CatalogSnapshot) catalog = fixture_catalog(&world->fixture);
                g_autoptr(Starter) starter = starter_new(world->channels);
                assert_true(starter_write(starter, catalog, STARTER_FINAL, NULL));
                assert_int_equal(g_remove(path), 0); /* they wanted none: they get none */
                assert_true(starter_write(starter, catalog, STARTER_FINAL, NULL));
                g_autofree char *text = text_of(world, "cheers.yaml");
                assert_null(text);
        }
}

static void defaults_alone_are_no_channel(void **state) {
        World *world = *state;
        g_autofree char *path = g_build_filename(world->channels, "_defaults.yaml", NULL);
        assert_true(g_file_set_contents(path, "traffic:\n  breaks: {per_half_hour: 1}\n", -1, NULL));
        fixture_series(&world->fixture, "Cheers", 20, 22 * MINUTE);
        g_autoptr(GPtrArray) specs = start(world, STARTER_FINAL);
        assert_int_equal(specs->len, 1);
}

/* The first files are the short ones; what is made of them must not be all there ever is. */
static void what_is_provisional_is_made_anew(void **state) {
        World *world = *state;
        fixture_asset(&world->fixture, ASSET_MOVIE, "Clip", 5000);
        g_autoptr(GPtrArray) first = start(world, STARTER_PROVISIONAL);
        assert_int_equal(first->len, 1);
        fixture_series(&world->fixture, "Cheers", 20, 22 * MINUTE);
        g_autoptr(GPtrArray) second = start(world, STARTER_FINAL);
        assert_int_equal(second->len, 1);
        named(second, "cheers");
        fixture_series(&world->fixture, "Frasier", 20, 22 * MINUTE);
        fixture_series(&world->fixture, "Cheers", 20, 22 * MINUTE);
        g_autoptr(GPtrArray) third = start(world, STARTER_FINAL); /* they are the operator's now */
        assert_int_equal(third->len, 1);
        named(third, "cheers");
}

static void what_was_changed_meanwhile_stays(void **state) {
        World *world = *state;
        fixture_asset(&world->fixture, ASSET_MOVIE, "Clip", 5000);
        g_autoptr(GPtrArray) first = start(world, STARTER_PROVISIONAL);
        g_autofree char *text = text_of(world, "everything.yaml"), *mine = g_strconcat(text, "# mine\n", NULL);
        g_autofree char *path = g_build_filename(world->channels, "everything.yaml", NULL);
        assert_true(g_file_set_contents(path, mine, -1, NULL));
        fixture_series(&world->fixture, "Cheers", 20, 22 * MINUTE);
        fixture_asset(&world->fixture, ASSET_MOVIE, "Clip", 5000);
        g_autoptr(GPtrArray) second = start(world, STARTER_FINAL);
        assert_int_equal(second->len, 1);
        named(second, "everything");
}

static void a_folder_that_cannot_be_written_is_told(void **state) {
        World *world = *state;
        g_autoptr(GError) error = NULL;
        assert_int_equal(g_rmdir(world->channels), 0);
        fixture_series(&world->fixture, "Cheers", 20, 22 * MINUTE);
        g_autoptr(CatalogSnapshot) catalog = fixture_catalog(&world->fixture);
        assert_false(starter_write(world->starter, catalog, STARTER_FINAL, &error));
        assert_non_null(strstr(error->message, world->channels));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
        rv_log_set_level(RV_LOG_ERROR);
        const struct CMUnitTest tests[] = {
                TEST(a_library_gets_a_channel_a_series_and_a_mix),
                TEST(slots_are_mostly_content),
                TEST(without_spots_slots_end_soon_after_their_content),
                TEST(short_clips_fill_what_they_leave),
                TEST(a_library_of_25_frames_a_second_is_shown_so),
                TEST(odd_titles_make_files_of_their_own),
                TEST(a_huge_library_gets_a_dozen_channels),
                TEST(nothing_is_written_of_nothing),
                TEST(files_of_the_operator_are_left_alone),
                TEST(defaults_alone_are_no_channel),
                TEST(what_is_provisional_is_made_anew),
                TEST(what_was_changed_meanwhile_stays),
                TEST(a_folder_that_cannot_be_written_is_told),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
