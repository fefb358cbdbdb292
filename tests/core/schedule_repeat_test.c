/* What is on again, and how soon: across entries that share a pool, over the day line, within one programme. */
#include <string.h>

#include "tests/core/schedule_fixture.h"

/* Days one after the other, from 2026-06-01 on. Element type ScheduleDay. */
static GPtrArray *compile_days(const World *world, guint n) {
        GPtrArray *days = g_ptr_array_new_with_free_func((GDestroyNotify)schedule_day_free);
        char day[11] = "2026-06-01";
        ScheduleFrom from = {0};
        for (guint i = 0; i < n; i++) {
                ScheduleDay *compiled = compile(world, day, &from);
                g_ptr_array_add(days, compiled);
                from = (ScheduleFrom){.carry_in_utc_ms = compiled->end_utc_ms, .state = compiled->state_after};
                schedule_day_step(day, 1, day);
        }
        return days;
}

/* How many draws of the days show what the programme right before them shows. */
static guint draws_twice_running(const GPtrArray *days, const char *drawing) {
        const char *last = "";
        guint n = 0;
        for (guint d = 0; d < days->len; d++) {
                const GPtrArray *programmes = ((const ScheduleDay *)days->pdata[d])->programmes;
                for (guint i = 0; i < programmes->len; i++) {
                        const Programme *programme = programmes->pdata[i];
                        n += strstr(drawing, programme->entry) && strcmp(programme->asset_id, last) == 0;
                        last = programme->asset_id;
                }
        }
        return n;
}

#define DRAWS                                                                                                          \
        HEAD POOLS "schedule:\n  all_day:\n"                                                                           \
                   "    - block: {start: \"06:00\", end: \"08:00\", pool: a, mode: %s}\n"                              \
                   "    - block: {start: \"08:00\", end: \"09:00\", pool: a, mode: sequential}\n"                      \
                   "    - block: {start: \"09:00\", end: \"10:00\", pool: a, mode: %s}\n"                              \
                   "    - block: {start: \"10:00\", end: \"11:00\", pool: a, mode: sequential}\n"                      \
                   "    - block: {start: \"11:00\", end: \"06:00\", pool: a, mode: %s}\n"

static void INV_SCHEDULE_NO_TWICE_RUNNING_001_no_draw_shows_what_was_on_right_before(void **state) {
        World *world = *state;
        static const char *const modes[] = {"random", "random_no_repeat"};
        fixture_series(&world->fixture, "A", 3, 22 * MINUTE);
        for (guint i = 0; i < G_N_ELEMENTS(modes); i++) {
                g_autofree char *yaml = g_strdup_printf(DRAWS, modes[i], modes[1 - i], modes[i]);
                ready(world, yaml);
                g_autoptr(GPtrArray) days = compile_days(world, 60);
                assert_int_equal(draws_twice_running(days, "all_day@06:00 all_day@09:00 all_day@11:00"), 0);
        }
}

static void INV_SCHEDULE_NO_TWICE_RUNNING_001_a_pool_is_not_drawn_for_what_was_on_right_before(void **state) {
        World *world = *state;
        fixture_series(&world->fixture, "A", 1, 22 * MINUTE);
        fixture_series(&world->fixture, "B", 2, 22 * MINUTE);
        ready(world, HEAD POOLS "schedule: {all_day: [{block: {start: \"06:00\", duration: 24h, pools: {a: 3, b: 1},"
                                " mode: weighted}}]}\n");
        g_autoptr(GPtrArray) days = compile_days(world, 20);
        assert_int_equal(draws_twice_running(days, "all_day@06:00"), 0);
}

/* One asset alone is better than filler. */
static void what_is_alone_is_on_again(void **state) {
        World *world = *state;
        fixture_series(&world->fixture, "A", 1, 22 * MINUTE);
        g_autofree char *yaml = g_strdup_printf(DRAWS, "random", "random_no_repeat", "random");
        ready(world, yaml);
        g_autoptr(GPtrArray) days = compile_days(world, 3);
        assert_int_equal(draws_twice_running(days, "all_day@06:00 all_day@09:00 all_day@11:00"), 3 * 44 - 1);
}

/* The evening draws from what the morning went through in order: 8 of 12, of which none is drawn. */
static void a_draw_knows_what_other_entries_showed_today(void **state) {
        World *world = *state;
        static const char *const modes[] = {"random", "random_no_repeat"};
        fixture_series(&world->fixture, "A", 12, 22 * MINUTE);
        fixture_series(&world->fixture, "B", 50, 22 * MINUTE);
        for (guint m = 0; m < G_N_ELEMENTS(modes); m++) {
                g_autofree char *yaml = g_strdup_printf(
                        HEAD POOLS "schedule:\n  all_day:\n"
                                   "    - block: {start: \"06:00\", end: \"10:00\", pool: a, mode: sequential}\n"
                                   "    - block: {start: \"10:00\", end: \"04:00\", pool: b, mode: sequential}\n"
                                   "    - block: {start: \"04:00\", end: \"06:00\", pool: a, mode: %s}\n",
                        modes[m]);
                ready(world, yaml);
                g_autoptr(ScheduleDay) day = compile(world, "2026-06-01", NULL);
                g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
                for (guint i = 0; i < day->programmes->len; i++) {
                        const Programme *programme = day->programmes->pdata[i];
                        if (strcmp(programme->title, "A") == 0)
                                assert_true(g_hash_table_add(seen, programme->asset_id));
                }
                assert_int_equal(g_hash_table_size(seen), 12);
        }
}

/* 14 films, three a day: most of the others come between. */
static void films_drawn_without_a_cooldown_take_turns(void **state) {
        World *world = *state;
        guint n = 0;
        for (int i = 0; i < 14; i++) {
                g_autofree char *title = g_strdup_printf("Film %d", i);
                fixture_asset(&world->fixture, ASSET_MOVIE, title, (100 + i) * MINUTE);
        }
        fixture_series(&world->fixture, "A", 3, 22 * MINUTE);
        ready(world, HEAD POOLS "schedule:\n  all_day:\n"
                                "    - block: {start: \"06:00\", end: \"20:00\", pool: a}\n"
                                "    - movie_marathon: {start: \"20:00\", end: \"02:00\","
                                " movie_selector: {pool: films, mode: random}}\n"
                                "    - block: {start: \"02:00\", end: \"06:00\", pool: a}\n");
        g_autoptr(GPtrArray) days = compile_days(world, 60);
        g_autoptr(GHashTable) last = g_hash_table_new(g_str_hash, g_str_equal);
        for (guint d = 0; d < days->len; d++) {
                const GPtrArray *programmes = ((const ScheduleDay *)days->pdata[d])->programmes;
                for (guint i = 0; i < programmes->len; i++) {
                        const Programme *programme = programmes->pdata[i];
                        if (programme->kind != ASSET_MOVIE)
                                continue;
                        const guint before = GPOINTER_TO_UINT(g_hash_table_lookup(last, programme->asset_id));
                        assert_true(before == 0 || n - before >= 7);
                        g_hash_table_insert(last, programme->asset_id, GUINT_TO_POINTER(++n));
                }
        }
        assert_int_equal(n, 180);
        assert_int_equal(g_hash_table_size(last), 14);
}

/* Two segments of one pool go on in it, in order and drawn; five of them make three blocks, the last of which begins
 * the pool anew. */
static void INV_LANGUAGE_VIRTUAL_001_segments_of_one_pool_go_on_in_it(void **state) {
        World *world = *state;
        fixture_series(&world->fixture, "A", 5, 22 * MINUTE);
        ready(world,
              HEAD POOLS "virtual_assets:\n"
                         "  two: {compose: block, segments: [a, {pool: a}]}\n"
                         "  drawn: {compose: block, segments: [a, {pool: a}], mode: random}\n"
                         "schedule: {all_day: [{block: {start: \"06:00\", duration: 24h, pools: [two, drawn]}}]}\n");
        static const char *const names[] = {"two", "drawn"};
        for (guint v = 0; v < G_N_ELEMENTS(names); v++) {
                g_autoptr(GPtrArray) units = channel_spec_units(world->spec, names[v], world->catalog);
                assert_int_equal(units->len, 3);
                for (guint i = 0; i < units->len; i++) {
                        const GPtrArray *parts = ((const Unit *)units->pdata[i])->parts;
                        assert_int_equal(parts->len, 2);
                        assert_ptr_not_equal(parts->pdata[0], parts->pdata[1]);
                        for (guint j = 0; v == 0 && j < parts->len; j++)
                                assert_int_equal(((const Asset *)parts->pdata[j])->episode, (i * 2 + j) % 5 + 1);
                }
        }
}

/* --- zones in which nothing fits ---------------------------------------------------------------------------------- */

#define MARATHON(rest)                                                                                                 \
        HEAD POOLS "schedule:\n  all_day:\n"                                                                           \
                   "    - movie_marathon: {start: \"20:00\", end: \"21:00\", movie_selector: {pool: films}" rest "}\n"

/* What is said of the file, with a catalog and when a day is compiled. */
static char *told_of(World *world, const char *yaml, bool expect) {
        g_autofree char *faults = NULL;
        ready(world, yaml);
        g_autoptr(ChannelSpec) spec = fixture_try_spec(&world->fixture, yaml, world->catalog, &faults);
        assert_non_null(spec); /* a warning, no fault */
        g_autoptr(Diag) diag = diag_new();
        g_autoptr(ScheduleDay) day = schedule_compile(spec, world->catalog, "2026-06-01", NULL, diag);
        assert_non_null(day);
        g_autofree char *text = diag_text(diag);
        assert_int_equal(strstr(text, "ever fits") != NULL, expect);
        assert_int_equal(strstr(faults, "ever fits") != NULL, expect);
        return g_steal_pointer(&faults);
}

static void INV_SCHEDULE_FAULTS_001_a_zone_in_which_nothing_fits_is_told(void **state) {
        World *world = *state;
        for (int i = 0; i < 3; i++)
                fixture_asset(&world->fixture, ASSET_MOVIE, "Film", (95 + i) * MINUTE);
        fixture_series(&world->fixture, "A", 2, 750 * MINUTE);
        g_autofree char *told = told_of(world, MARATHON(""), true);
        assert_non_null(strstr(told, "channel.yaml:10:23: warning: nothing in pool \"films\" ever fits all_day@20:00: "
                                     "its shortest takes 120 minutes of the grid, and there are 60"));
        g_autofree char *bleeding = told_of(world, MARATHON(", allow_bleed: true"), false);
        g_autofree char *pair = told_of(world,
                                        HEAD POOLS "virtual_assets: {two: {compose: pair, from: a}}\n"
                                                   "schedule: {all_day: [{block: {start: \"06:00\", duration: 24h,"
                                                   " pool: two}}]}\n",
                                        true);
        assert_non_null(strstr(pair, "its shortest takes 1500 minutes of the grid, and there are 1440 at most"));
}

#define T(f) cmocka_unit_test_setup_teardown(f, world_set_up, world_tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                T(INV_SCHEDULE_NO_TWICE_RUNNING_001_no_draw_shows_what_was_on_right_before),
                T(INV_SCHEDULE_NO_TWICE_RUNNING_001_a_pool_is_not_drawn_for_what_was_on_right_before),
                T(what_is_alone_is_on_again),
                T(a_draw_knows_what_other_entries_showed_today),
                T(films_drawn_without_a_cooldown_take_turns),
                T(INV_LANGUAGE_VIRTUAL_001_segments_of_one_pool_go_on_in_it),
                T(INV_SCHEDULE_FAULTS_001_a_zone_in_which_nothing_fits_is_told),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
