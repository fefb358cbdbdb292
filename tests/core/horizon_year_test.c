/*
 * A simulated year of twenty channels in three zones: depth is never short, nothing is missing or planned twice, over
 * both changes of clock in each zone, a leap day and the year's end.
 *
 * By itself it runs over the days of the year that are unlike others; RETROVUE_TEST_YEAR=1 has it run over all of them.
 */
#include <glib/gstdio.h>
#include <stdlib.h>

#include "core/plan/horizon/horizon.h"
#include "proto/base/log.h"
#include "tests/core/plan_fixture.h"
#include "tests/support/cmocka.h"

#define N_CHANNELS 20
#define DAY (24 * HOUR)
#define PACE_MS (53 * MINUTE) /* meets every phase of an hour */
#define EPG_MS (72 * HOUR)
#define EXECUTION_MS (6 * HOUR)

static const char *const zones[] = {"America/New_York", "Europe/Berlin", "Australia/Lord_Howe"};

static const char *const schedules[] = {
        "schedule: {all_day: [{block: {start: \"06:00\", duration: 24h, pool: cheers}}]}\n",
        "schedule: {all_day: [{block: {start: \"06:00\", duration: 24h, pools: [cheers, frasier], mode: shuffle}}]}\n",
        "channel_type: movie\nschedule: {all_day: [{movie_marathon: {start: \"06:00\", end: \"06:00\", "
        "movie_selector: {pool: films}, allow_bleed: true}}]}\n",
        "schedule:\n  all_day:\n    - block: {start: \"06:00\", end: \"20:00\", pools: [cheers, frasier], mode: "
        "random}\n"
        "    - movie_marathon: {start: \"20:00\", end: \"02:00\", movie_selector: {pool: films}, allow_bleed: true}\n"
        "    - block: {start: \"02:00\", end: \"06:00\", pool: frasier}\n",
        "format: {grid_minutes: 15}\nschedule:\n  all_day: [{block: {start: \"01:30\", duration: 24h, pool: "
        "frasier}}]\n"
        "  weekends: [{block: {start: \"02:00\", end: \"03:00\", pool: cheers}}]\n",
};

/* How far a channel has been seen. */
typedef struct {
        char id[16];
        int64_t generation;
        int64_t blocks_end_utc_ms, programmes_end_utc_ms; /* 0 = nothing yet */
} Seen;

typedef struct {
        Fixture fixture;
        char *logs;
        RvClock *clock;
        Store *store;
        PlanBoard *board;
        Horizon *horizon;
        CatalogSnapshot *catalog;
        GPtrArray *specs;
        Seen seen[N_CHANNELS];
        int64_t n_blocks;
} World;

static void add_channels(World *world) {
        for (int i = 0; i < N_CHANNELS; i++) {
                g_snprintf(world->seen[i].id, sizeof(world->seen[i].id), "ch%02d", i);
                g_autofree char *text =
                        g_strdup_printf("channel: %s\nchannel_number: %d\ntimezone: %s\n"
                                        "pools:\n  cheers: {match: {type: episode, series_title: Cheers}}\n"
                                        "  frasier: {match: {type: episode, series_title: Frasier}}\n  films: {match: "
                                        "{type: movie}}\n%s",
                                        world->seen[i].id, i + 1, zones[i % 3], schedules[i % G_N_ELEMENTS(schedules)]);
                g_ptr_array_add(world->specs, fixture_spec(&world->fixture, text));
        }
}

static int set_up(void **state) {
        World *world = g_new0(World, 1);
        fixture_begin(&world->fixture);
        world->specs = g_ptr_array_new_with_free_func((GDestroyNotify)channel_spec_unref);
        fixture_variety(&world->fixture);
        world->catalog = fixture_catalog(&world->fixture);
        add_channels(world);
        *state = world;
        return 0;
}

static int tear_down(void **state) {
        World *world = *state;
        g_ptr_array_unref(world->specs);
        catalog_snapshot_unref(world->catalog);
        fixture_end(&world->fixture);
        g_free(world);
        return 0;
}

static void open_world(World *world, const char *start) {
        g_autofree char *path = g_strdup_printf("%s/%s.db", world->fixture.dir, start);
        world->clock = rv_clock_fake_new(fixture_utc(start));
        world->store = store_open(path, NULL);
        world->board = plan_board_new();
        world->logs = g_strdup_printf("%s/%s-logs", world->fixture.dir, start);
        const HorizonOptions options = {.store = world->store,
                                        .board = world->board,
                                        .clock = world->clock,
                                        .min_epg_ms = EPG_MS,
                                        .min_execution_ms = EXECUTION_MS,
                                        .logs_dir = world->logs};
        world->horizon = horizon_new(&options);
        horizon_set_inputs(world->horizon, world->specs, world->catalog);
        for (int i = 0; i < N_CHANNELS; i++)
                world->seen[i].generation = world->seen[i].blocks_end_utc_ms = world->seen[i].programmes_end_utc_ms = 0;
}

static void close_world(World *world) {
        horizon_free(world->horizon);
        plan_board_unref(world->board);
        store_close(world->store);
        rv_clock_fake_free(world->clock);
        g_free(world->logs);
}

static void see_programme(Seen *seen, const ChannelSpec *spec, const Programme *programme) {
        if (seen->programmes_end_utc_ms != 0)
                assert_int_equal(programme->start_utc_ms, seen->programmes_end_utc_ms);
        assert_true(programme->end_utc_ms > programme->start_utc_ms);
        assert_int_equal((programme->end_utc_ms - programme->start_utc_ms) % (spec->grid_minutes * MINUTE), 0);
        assert_true(schedule_on_grid(spec, programme->start_utc_ms));
        seen->programmes_end_utc_ms = programme->end_utc_ms;
}

static void see_block(World *world, Seen *seen, const PlanView *view, const BlockPlan *block) {
        g_autoptr(Programme) programme = NULL;
        if (seen->blocks_end_utc_ms != 0)
                assert_int_equal(block->start_utc_ms, seen->blocks_end_utc_ms);
        assert_int_equal(block_plan_validate(block, NULL), BLOCK_PLAN_OK);
        assert_int_equal(plan_view_programme_at(view, block->start_utc_ms, &programme), PLAN_OK);
        assert_string_equal(programme->id, block->block_id);
        assert_int_equal(programme->end_utc_ms, block->end_utc_ms);
        seen->blocks_end_utc_ms = block->end_utc_ms;
        world->n_blocks++;
}

/* What is new in the view goes on where the last one ended; what is there is deep enough until a minute from now. */
static void see_channel(World *world, Seen *seen) {
        const int64_t now = rv_clock_utc_ms(world->clock);
        g_autoptr(PlanView) view = plan_board_view(world->board, seen->id);
        assert_non_null(view);
        assert_null(view->fault);
        const PlanHealth health = plan_view_health(view, now + MINUTE);
        assert_int_equal(health.epg_short_ms, 0);
        assert_int_equal(health.execution_short_ms, 0);
        g_autoptr(BlockPlan) on_air = NULL;
        assert_int_equal(plan_view_block_at(view, now, &on_air), PLAN_OK);
        if (view->generation == seen->generation)
                return;
        assert_true(view->generation > seen->generation);
        seen->generation = view->generation;
        for (guint i = 0; i < view->programmes->len; i++) {
                const Programme *programme = view->programmes->pdata[i];
                if (programme->end_utc_ms > seen->programmes_end_utc_ms)
                        see_programme(seen, view->spec, programme);
        }
        for (guint i = 0; i < view->blocks->len; i++) {
                const BlockPlan *block = view->blocks->pdata[i];
                if (block->end_utc_ms > seen->blocks_end_utc_ms)
                        see_block(world, seen, view, block);
        }
}

static void live_through(World *world, const char *start, int64_t length_ms) {
        open_world(world, start);
        const int64_t until = rv_clock_utc_ms(world->clock) + length_ms;
        while (rv_clock_utc_ms(world->clock) < until) {
                horizon_evaluate(world->horizon);
                for (int i = 0; i < N_CHANNELS; i++)
                        see_channel(world, &world->seen[i]);
                rv_clock_fake_advance_ms(world->clock, PACE_MS);
        }
        close_world(world);
}

static void INV_HORIZON_CONTINUOUS_COVERAGE_001_a_year_of_twenty_channels_in_three_zones(void **state) {
        /* Each stretch begins some days early, so that the night in question is met as guide, as block and on the air.
         */
        static const char *const nights[] = {
                "2027-12-31T10:00:00Z", /* the year's end */
                "2028-02-28T20:00:00Z", /* leap day */
                "2028-03-11T20:00:00Z", /* New York, an hour forward, 12 March */
                "2028-03-25T20:00:00Z", /* Berlin, an hour forward, 26 March */
                "2028-04-01T03:00:00Z", /* Lord Howe, half an hour back, 2 April */
                "2028-09-30T03:00:00Z", /* Lord Howe, half an hour forward, 1 October */
                "2028-10-28T20:00:00Z", /* Berlin, an hour back, 29 October */
                "2028-11-04T20:00:00Z", /* New York, an hour back, 5 November */
        };
        World *world = *state;
        if (g_getenv("RETROVUE_TEST_YEAR"))
                live_through(world, "2027-12-28T05:00:00Z", 370 * DAY);
        else
                for (size_t i = 0; i < G_N_ELEMENTS(nights); i++)
                        live_through(world, nights[i], DAY + 12 * HOUR);
        print_message("%" G_GINT64_FORMAT " blocks\n", world->n_blocks);
        assert_true(world->n_blocks > 5000);
}

int main(void) {
        rv_log_init("test", rv_clock_system());
        rv_log_set_level((RvLogLevel)(RV_LOG_ERROR + 1));
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(
                        INV_HORIZON_CONTINUOUS_COVERAGE_001_a_year_of_twenty_channels_in_three_zones, set_up,
                        tear_down),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
