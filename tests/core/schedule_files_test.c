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

/* Every key that the schema knows is one that the reader knows: a file of a key alone is refused for other reasons. */
static void assert_known(const World *world, const json_t *properties, const char *frame) {
        g_auto(GStrv) around = g_strsplit(frame, "@", 2);
        const char *key;
        json_t *value;
        json_object_foreach((json_t *)properties, key, value) {
                g_autofree char *text = g_strconcat(around[0], key, around[1], NULL), *faults = NULL;
                g_autoptr(ChannelSpec) spec = fixture_try_spec(&world->fixture, text, NULL, &faults);
                g_autofree char *unknown = g_strdup_printf("unknown key \"%s\"", key);
                if (strstr(faults, unknown))
                        fail_msg("the schema has a key that is none: %s\n%s", text, faults);
        }
}

static const json_t *properties_of(const json_t *schema, const char *definition) {
        return json_object_get(json_object_get(json_object_get(schema, "definitions"), definition), "properties");
}

static void the_schema_and_the_reader_know_the_same_keys(void **state) {
        const World *world = *state;
        json_error_t error;
        json_t *schema = json_load_file(RV_SOURCE_DIR "/docs/channel.schema.json", 0, &error);
        if (!schema)
                fail_msg("%s:%d: %s", error.source, error.line, error.text);
        const json_t *top = json_object_get(schema, "properties");
        const json_t *match = json_object_get(json_object_get(properties_of(schema, "pool"), "match"), "properties");
        assert_known(world, top, "@: {}\n");
        assert_known(world, properties_of(schema, "format"), "format: {@: {}}\n");
        assert_known(world, properties_of(schema, "filler"), "filler: {@: {}}\n");
        assert_known(world, properties_of(schema, "pool"), "pools: {x: {@: {}}}\n");
        assert_known(world, match, "pools: {x: {match: {@: {}}}}\n");
        assert_known(world, properties_of(schema, "schedule"), "schedule: {@: {}}\n");
        assert_known(world, properties_of(schema, "season"), "schedule: {seasons: {x: {dates: 01-01, @: {}}}}\n");
        assert_known(world, properties_of(schema, "entry"), "schedule: {all_day: {start: \"06:00\", @: {}}}\n");
        assert_known(world, properties_of(schema, "block"), "schedule: {all_day: {block: {@: {}}}}\n");
        assert_known(world, properties_of(schema, "films"), "schedule: {all_day: {movie_block: {@: {}}}}\n");
        assert_known(world, properties_of(schema, "movie_selector"),
                     "schedule: {all_day: {start: \"06:00\", movie_selector: {@: {}}}}\n");
        assert_known(world, properties_of(schema, "slot"),
                     "schedule: {all_day: {start: \"06:00\", slots: [{@: {}}]}}\n");
        assert_known(world, properties_of(schema, "virtual_asset"), "virtual_assets: {x: {@: {}}}\n");
        json_decref(schema);
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
                T(the_original_s_film_template_has_its_grid),
                T(the_examples_for_operators_compile),
                T(the_schema_and_the_reader_know_the_same_keys),
                T(INV_LANGUAGE_IMPORTS_001_own_parts_go_before_imported_ones),
                T(INV_LANGUAGE_IMPORTS_001_faults_of_imports),
                T(INV_LANGUAGE_IMPORTS_001_a_changed_import_is_a_changed_channel),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
