/* Whole channel files: those of every shape that the original's users have, and the examples of docs/CHANNELS.md. */
#include "core/plan/schedule/policy.h"
#include "tests/core/plan_fixture.h"
#include "tests/support/cmocka.h"

#define CHANNELS RV_SOURCE_DIR "/tests/core/channels"

typedef struct {
        Fixture fixture;
        CatalogSnapshot *catalog;
} World;

static int set_up(void **state) {
        World *world = g_new0(World, 1);
        static const char *const ratings[] = {"G", "PG", "PG-13", "R"};
        fixture_begin(&world->fixture);
        fixture_series(&world->fixture, "Tavern", 60, 22 * MINUTE);
        fixture_series(&world->fixture, "The Precinct", 40, 43 * MINUTE);
        fixture_series(&world->fixture, "Caped Duo (1966)", 30, 25 * MINUTE);
        for (int i = 0; i < 80; i++) {
                g_autofree char *title = g_strdup_printf("Film %d", i);
                Asset *film = fixture_asset(&world->fixture, ASSET_MOVIE, title, (70 + i) * MINUTE);
                g_free(film->rating);
                film->rating = g_strdup(ratings[i % 4]);
                film->year = 1960 + i;
                g_strfreev(film->genres);
                film->genres = g_strsplit(i % 2 ? "Horror" : "Comedy,Family", ",", -1);
        }
        world->catalog = fixture_catalog(&world->fixture);
        *state = world;
        return 0;
}

static int tear_down(void **state) {
        World *world = *state;
        catalog_snapshot_unref(world->catalog);
        fixture_end(&world->fixture);
        g_free(world);
        return 0;
}

/* Two weeks of the spec, day after day: no gap anywhere, and something to see on each day. */
static void compile_weeks(const World *world, const ChannelSpec *spec) {
        g_autoptr(Diag) diag = diag_new();
        char day[11] = "2026-10-26"; /* with the night on which clocks go back in New York */
        ScheduleDay *before = NULL;
        for (int i = 0; i < 14; i++) {
                const ScheduleFrom from = {.carry_in_utc_ms = before ? before->end_utc_ms : 0,
                                           .state = before ? before->state_after : NULL};
                ScheduleDay *compiled = schedule_compile(spec, world->catalog, day, &from, diag);
                assert_non_null(compiled);
                int64_t at_utc_ms = compiled->start_utc_ms;
                unsigned n_shows = 0;
                for (guint j = 0; j < compiled->programmes->len; j++) {
                        const Programme *programme = compiled->programmes->pdata[j];
                        assert_int_equal(programme->start_utc_ms, at_utc_ms);
                        at_utc_ms = programme->end_utc_ms;
                        n_shows += programme->asset_id != NULL;
                }
                assert_true(n_shows > 0 || !strcmp(spec->id, "water_cooler"));
                schedule_day_free(before);
                before = compiled;
                schedule_day_step(day, 1, day);
        }
        schedule_day_free(before);
        assert_int_equal(diag_count(diag), 0);
}

static ChannelSpec *load(const World *world, const char *path, const char *root_dir) {
        g_autoptr(Diag) diag = diag_new();
        ChannelSpec *spec = channel_spec_load(path, root_dir, world->catalog, diag);
        if (diag_count(diag) > 0) {
                g_autofree char *faults = diag_text(diag);
                print_error("%s\n", faults);
        }
        assert_non_null(spec);
        return spec;
}

static void INV_LANGUAGE_COMPATIBLE_001_files_of_every_known_shape_compile(void **state) {
        static const char *const names[] = {
                "single-series", "several-pools",       "several-series", "film-marathons",
                "mixed",         "slots-and-templates", "layered-days",   "imports",
                "rotation",      "later-series",        "later-films",
        };
        for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
                g_autofree char *path = g_strdup_printf("%s/%s.yaml", CHANNELS, names[i]);
                g_autoptr(ChannelSpec) spec = load(*state, path, CHANNELS);
                compile_weeks(*state, spec);
        }
}

static void INV_LANGUAGE_COMPATIBLE_001_defaults_reach_the_channel(void **state) {
        const World *world = *state;
        g_autoptr(ChannelSpec) series = load(world, CHANNELS "/single-series.yaml", CHANNELS);
        g_autoptr(ChannelSpec) plain = load(world, CHANNELS "/several-series.yaml", CHANNELS);
        g_autoptr(ChannelSpec) films = load(world, CHANNELS "/film-marathons.yaml", CHANNELS);
        g_autoptr(GPtrArray) filler = channel_spec_filler(series, world->catalog);
        g_autoptr(GPtrArray) default_filler = channel_spec_filler(plain, world->catalog);
        assert_int_equal(filler->len, 1);
        assert_string_equal(((const Asset *)filler->pdata[0])->uri, "/opt/retrovue/assets/filler.mp4");
        assert_int_equal(((const Asset *)filler->pdata[0])->duration_ms, 3650000);
        assert_int_equal(default_filler->len, 1); /* nothing is said: that of _defaults.yaml */
        assert_int_equal(plain->format.width, 968);
        assert_int_equal(films->format.width, 1280);
        assert_int_equal(series->format.rate.den, 1001);
}

static void INV_LANGUAGE_COMPATIBLE_001_several_pools_in_order_have_their_turns(void **state) {
        static const char *const turns[] = {"Tavern", "The Precinct", "Caped Duo (1966)"};
        const World *world = *state;
        g_autoptr(ChannelSpec) spec = load(world, CHANNELS "/rotation.yaml", CHANNELS);
        g_autoptr(Diag) diag = diag_new();
        g_autoptr(ScheduleDay) day = schedule_compile(spec, world->catalog, "2026-06-01", NULL, diag);
        for (guint i = 0; i < day->programmes->len; i++)
                assert_string_equal(((const Programme *)day->programmes->pdata[i])->series, turns[i % 3]);
}

/* --- the later files: programs, select.where, profiles ------------------------------------------------------------ */

static ChannelSpec *try_later(const World *world, const char *file, char **ret_faults) {
        g_autofree char *path = g_strdup_printf("%s/%s.yaml", CHANNELS, file);
        g_autoptr(Diag) diag = diag_new();
        ChannelSpec *spec = channel_spec_load(path, CHANNELS, world->catalog, diag);
        *ret_faults = diag_text(diag);
        return spec;
}

static void INV_LANGUAGE_COMPATIBLE_001_what_is_not_done_is_said(void **state) {
        g_autofree char *series_faults = NULL, *film_faults = NULL;
        g_autoptr(ChannelSpec) series = try_later(*state, "later-series", &series_faults);
        g_autoptr(ChannelSpec) films = try_later(*state, "later-films", &film_faults);
        assert_non_null(strstr(series_faults, "warning: \"presentation\" is not played"));
        assert_non_null(strstr(series_faults, "warning: programs.precinct_hour takes as many units of the grid"));
        assert_non_null(strstr(series_faults, "what else pool \"adverts\" asks for is not obeyed"));
        assert_non_null(strstr(series_faults, "warning: traffic_profile of an entry is not obeyed"));
        assert_non_null(strstr(film_faults, "warning: there are no spots of type \"teaser\" here"));
        assert_null(strstr(series_faults, "error"));
        assert_null(strstr(film_faults, "error"));
        assert_int_equal(films->type, CHANNEL_MOVIE);
        assert_int_equal(films->number, 103);
        assert_int_equal(series->number, 101);
}

static void INV_LANGUAGE_COMPATIBLE_001_programmes_take_from_their_pools(void **state) {
        const World *world = *state;
        g_autofree char *faults = NULL, *film_faults = NULL;
        g_autoptr(ChannelSpec) spec = try_later(world, "later-series", &faults);
        g_autoptr(Diag) diag = diag_new();
        g_autoptr(ScheduleDay) day = schedule_compile(spec, world->catalog, "2026-06-01", NULL, diag); /* a Monday */
        assert_int_equal(day->programmes->len, 32 + 8);
        for (guint i = 0; i < day->programmes->len; i++) {
                const Programme *programme = day->programmes->pdata[i];
                assert_string_equal(programme->series, i < 32 ? "Tavern" : "The Precinct");
                assert_true(i < 32 || programme->season <= 2);
                assert_int_equal(programme->episode, (int)(i < 32 ? i : i - 32) % 10 + 1);
        }
        g_autoptr(ChannelSpec) films = try_later(world, "later-films", &film_faults);
        g_autoptr(ScheduleDay) film_day = schedule_compile(films, world->catalog, "2026-06-01", NULL, diag);
        for (guint i = 0; i < film_day->programmes->len; i++) {
                const Programme *programme = film_day->programmes->pdata[i];
                const bool evening = g_str_has_suffix(programme->entry, "20:00");
                const bool morning = g_str_has_suffix(programme->entry, "06:00");
                assert_true(evening == (strcmp(programme->rating, "R") == 0) ||
                            (evening && programme->rating[0] == 'P'));
                assert_true(!morning || strcmp(programme->rating, "G") == 0);
        }
}

static void INV_LANGUAGE_COMPATIBLE_001_a_profile_is_the_channel_s_policy(void **state) {
        const World *world = *state;
        g_autofree char *faults = NULL;
        g_autoptr(ChannelSpec) spec = try_later(world, "later-series", &faults);
        const BreakPolicy *policy = channel_spec_policy(spec);
        assert_true(policy->rules.allowed[ASSET_COMMERCIAL] && policy->rules.allowed[ASSET_PROMO]);
        assert_false(policy->rules.allowed[ASSET_PSA] || policy->rules.allowed[ASSET_TRAILER]);
        assert_int_equal(policy->rules.share[ASSET_COMMERCIAL], 3);
        assert_int_equal(policy->rules.share[ASSET_PROMO], 1);
        assert_int_equal(policy->cooldown_ms[ASSET_PROMO], 3600000);
        assert_int_equal(policy->max_plays_per_day, 0);
}

static void assert_later_fault(const World *world, const char *text, const char *expected) {
        g_autofree char *whole = g_strconcat("channel: a\ntimezone: UTC\n", text, NULL), *faults = NULL;
        g_autoptr(ChannelSpec) spec = fixture_try_spec(&world->fixture, whole, NULL, &faults);
        if (!strstr(faults, expected))
                fail_msg("%s\nexpected \"%s\" among:\n%s", whole, expected, faults);
        assert_null(spec);
}

static void INV_SCHEDULE_FAULTS_001_faults_of_later_files(void **state) {
        static const char pools[] = "pools: {t: {match: {type: movie}}}\n";
        static const struct {
                const char *text, *expected;
        } cases[] = {
                {"programs: {p: {pool: u}}\n", "3:22: no pool \"u\" (used in programs.p)"},
                {"programs: {p: {pol: t}}\n", "unknown key \"pol\" in programs.p: did you mean \"pool\"?"},
                {"programs: {p: {pool: t, grid_blocks: 1, grid_blocks_max: 2}}\n", "either \"grid_blocks\""},
                {"programs: {p: {pool: t, fill_mode: whole}}\n", "\"whole\" is not one of single, accumulate"},
                {"schedule: {all_day: [{start: \"06:00\", slots: 4, program: films}]}\nprograms: {film: {pool: t}}\n",
                 "no program \"films\" (used in schedule.all_day[0]): did you mean \"film\"?"},
                {"schedule: {all_day: [{start: \"06:00\", slots: 49, program: p}]}\nprograms: {p: {pool: t}}\n",
                 "3:46: expected a whole number from 1 to 48"},
                {"schedule: {all_day: [{start: \"06:00\", slots: 4, end: \"09:00\", program: p}]}\nprograms: {p: "
                 "{pool: t}}\n",
                 "give only one of \"slots\""},
                {"schedule: {all_day: [{start: \"06:00\", pool: t, program: p}]}\nprograms: {p: {pool: t}}\n",
                 "\"pool\" does not go with \"program\" (in schedule.all_day[0])"},
                {"schedule: {all_day: [{start: \"06:00\", pool: t, progression: random}]}\n",
                 "\"progression\" goes with \"program\" only"},
                {"schedule: {all_day: [{start: \"06:00\", slots: 4, program: [p, q]}]}\n"
                 "programs: {p: {pool: t}, q: {pool: t, grid_blocks: 4}}\n",
                 "differ in their grid_blocks"},
                {"number: 3\nchannel_number: 4\n", "they are the same"},
                {"traffic: {profiles: {a: {}}}\n", "no \"default_profile\""},
                {"traffic: {profiles: {abcd: {}}, default: abce}\n",
                 "no profile \"abce\" (used in traffic): did you mean"},
                {"traffic: {default: a}\n", "has no \"profiles\""},
                {"programs: {p: {pool: t, select: {where: {season: {gte: 4, lte: 2}}}}}\n", "lte is below gte"},
                {"programs: {p: {pool: t, select: {where: {season: 4}}}}\n",
                 "needs an operator, like season: {eq: ...}"},
                {"programs: {p: {pool: t, select: {where: {genre: {equals: x}}}}}\n",
                 "unknown key \"equals\" in where.genre"},
                {"programs: {p: {pool: t, select: {where: {gener: {eq: x}}}}}\n",
                 "unknown key \"gener\" in where: did you mean \"genre\"?"},
                {"programs: {p: {pool: t, select: {wher: {}}}}\n", "select needs \"where\""},
        };
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *text = g_strconcat(cases[i].text, pools, NULL);
                assert_later_fault(*state, text, cases[i].expected);
        }
}

static void the_original_s_film_template_has_its_grid(void **state) {
        const World *world = *state;
        g_autoptr(ChannelSpec) spec = fixture_spec(
                &world->fixture, "channel: films\ntimezone: UTC\ntemplate: premium_movie\n"
                                 "pools: {f: {match: {type: movie}}}\n"
                                 "schedule: {saturday: [{start: \"20:15\", movie_selector: {pool: f}}]}\n");
        assert_int_equal(spec->grid_minutes, 15);
        assert_int_equal(spec->type, CHANNEL_MOVIE);
}

/* --- what is written about the language --------------------------------------------------------------------------- */

/* Every ```yaml of the text is a channel file that compiles. */
static void the_examples_for_operators_compile(void **state) {
        const World *world = *state;
        g_autofree char *text = NULL;
        unsigned n = 0;
        assert_true(g_file_get_contents(RV_SOURCE_DIR "/docs/CHANNELS.md", &text, NULL, NULL));
        g_auto(GStrv) parts = g_strsplit(text, "```", -1);
        for (unsigned i = 1; parts[i]; i += 2, n++) {
                assert_true(g_str_has_prefix(parts[i], "yaml\n"));
                g_autofree char *path = fixture_write(&world->fixture, "example.yaml", parts[i] + strlen("yaml\n"));
                g_autoptr(ChannelSpec) spec = load(world, path, world->fixture.dir);
                compile_weeks(world, spec);
        }
        assert_in_range(n, 5, 50);
}

/* --- imports ------------------------------------------------------------------------------------------------------ */

static void INV_LANGUAGE_IMPORTS_001_own_parts_go_before_imported_ones(void **state) {
        const World *world = *state;
        g_autoptr(ChannelSpec) spec = load(world, CHANNELS "/imports.yaml", CHANNELS);
        g_autoptr(Diag) diag = diag_new();
        g_autoptr(ScheduleDay) day = schedule_compile(spec, world->catalog, "2026-06-01", NULL, diag);
        unsigned n_films = 0;
        for (guint i = 0; i < day->programmes->len; i++) {
                const Programme *programme = day->programmes->pdata[i];
                n_films += programme->kind == ASSET_MOVIE;
                assert_true(programme->kind != ASSET_MOVIE || strcmp(programme->rating, "R") == 0);
        }
        assert_int_equal(n_films, 1);
}

static void assert_import_fault(const World *world, const char *imports, const char *expected) {
        g_autofree char *text = g_strdup_printf("channel: a\ntimezone: UTC\nimports: %s\n"
                                                "pools: {t: {match: {type: movie}}}\n"
                                                "schedule: {all_day: [{start: \"06:00\", pool: t}]}\n",
                                                imports);
        g_autofree char *faults = NULL;
        g_autoptr(ChannelSpec) spec = fixture_try_spec(&world->fixture, text, NULL, &faults);
        if (!strstr(faults, expected))
                fail_msg("expected \"%s\" among:\n%s", expected, faults);
        assert_null(spec);
}

static void INV_LANGUAGE_IMPORTS_001_faults_of_imports(void **state) {
        const World *world = *state;
        g_autofree char *one = fixture_write(&world->fixture, "one.yaml", "pools: {x: {match: {type: movie}}}\n");
        g_autofree char *two = fixture_write(&world->fixture, "two.yaml", "pools: {x: {match: {type: episode}}}\n");
        g_autofree char *odd = fixture_write(&world->fixture, "odd.yaml", "channel: b\npolls: 1\n");
        g_autofree char *list = fixture_write(&world->fixture, "list.yaml", "- 1\n");
        g_autofree char *self = fixture_write(&world->fixture, "self.yaml", "imports: self.yaml\n");
        assert_import_fault(world, "[../x.yaml]", "channel.yaml:3:11: cannot read ../x.yaml");
        assert_import_fault(world, "[/etc/passwd]", "it is outside of");
        assert_import_fault(world, "[one.yaml, two.yaml]", "two.yaml:1:9: \"x\" of pools is defined in");
        assert_import_fault(world, "odd.yaml", "unknown key \"polls\" in an imported file: did you mean \"pools\"?");
        assert_import_fault(world, "list.yaml", "an imported file must be keys and values");
        assert_import_fault(world, "[[a]]", "expected a text");
        /* In a circle, or by two ways: once is enough. */
        g_autofree char *faults = NULL;
        g_autoptr(ChannelSpec) spec =
                fixture_try_spec(&world->fixture,
                                 "channel: a\ntimezone: UTC\nimports: [self.yaml, one.yaml, ./one.yaml]\n"
                                 "schedule: {all_day: [{start: \"06:00\", pool: x}]}\n",
                                 NULL, &faults);
        assert_string_equal(faults, "");
        assert_non_null(spec);
}

static void INV_LANGUAGE_IMPORTS_001_a_changed_import_is_a_changed_channel(void **state) {
        const World *world = *state;
        static const char text[] = "channel: a\ntimezone: UTC\nimports: part.yaml\n"
                                   "schedule: {all_day: [{start: \"06:00\", pool: x}]}\n";
        g_autofree char *one = fixture_write(&world->fixture, "part.yaml", "pools: {x: {match: {type: movie}}}\n");
        g_autoptr(ChannelSpec) before = fixture_spec(&world->fixture, text);
        g_autofree char *two = fixture_write(&world->fixture, "part.yaml", "pools: {x: {match: {type: episode}}}\n");
        g_autoptr(ChannelSpec) after = fixture_spec(&world->fixture, text);
        assert_string_not_equal(before->source_sha256, after->source_sha256);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                T(INV_LANGUAGE_COMPATIBLE_001_files_of_every_known_shape_compile),
                T(INV_LANGUAGE_COMPATIBLE_001_defaults_reach_the_channel),
                T(INV_LANGUAGE_COMPATIBLE_001_several_pools_in_order_have_their_turns),
                T(INV_LANGUAGE_COMPATIBLE_001_what_is_not_done_is_said),
                T(INV_LANGUAGE_COMPATIBLE_001_programmes_take_from_their_pools),
                T(INV_LANGUAGE_COMPATIBLE_001_a_profile_is_the_channel_s_policy),
                T(INV_SCHEDULE_FAULTS_001_faults_of_later_files),
                T(the_original_s_film_template_has_its_grid),
                T(the_examples_for_operators_compile),
                T(INV_LANGUAGE_IMPORTS_001_own_parts_go_before_imported_ones),
                T(INV_LANGUAGE_IMPORTS_001_faults_of_imports),
                T(INV_LANGUAGE_IMPORTS_001_a_changed_import_is_a_changed_channel),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
