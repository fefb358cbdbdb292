#include "core/plan/horizon/horizon.h"

#include "tests/core/plan_fixture.h"
#include "tests/support/cmocka.h"

#define NOW "2026-11-22T04:28:00Z"

static const char *const cheers_yaml = "channel: cheers\n"
                                       "channel_number: 5\n"
                                       "timezone: America/New_York\n"
                                       "pools:\n"
                                       "  cheers:\n"
                                       "    match: {type: episode, series_title: Cheers}\n"
                                       "schedule:\n"
                                       "  all_day:\n"
                                       "    - block: {start: \"06:00\", duration: 24h, pool: cheers, mode: sequential}\n";

typedef struct {
        Fixture fixture;
        RvClock *clock;
        Store *store;
        PlanBoard *board;
        Horizon *horizon;
        CatalogSnapshot *catalog;
} World;

static void open_world(World *world) {
        g_autofree char *path = g_build_filename(world->fixture.dir, "retrovue.db", NULL);
        g_autoptr(GError) error = NULL;
        world->store = store_open(path, &error);
        assert_non_null(world->store);
        world->board = plan_board_new();
        const HorizonOptions options = {.store = world->store,
                                        .board = world->board,
                                        .clock = world->clock,
                                        .min_epg_ms = 72 * HOUR,
                                        .min_execution_ms = 6 * HOUR,
                                        .logs_dir = world->fixture.dir};
        world->horizon = horizon_new(&options);
}

static void close_world(World *world) {
        g_clear_pointer(&world->horizon, horizon_free);
        g_clear_pointer(&world->board, plan_board_unref);
        g_clear_pointer(&world->store, store_close);
}

static int set_up(void **state) {
        World *world = g_new0(World, 1);
        fixture_begin(&world->fixture);
        world->clock = rv_clock_fake_new(fixture_utc(NOW));
        open_world(world);
        *state = world;
        return 0;
}

static int tear_down(void **state) {
        World *world = *state;
        close_world(world);
        g_clear_pointer(&world->catalog, catalog_snapshot_unref);
        rv_clock_fake_free(world->clock);
        fixture_end(&world->fixture);
        g_free(world);
        return 0;
}

static void set_channel(World *world, const char *yaml) {
        g_autoptr(GPtrArray) specs = g_ptr_array_new_with_free_func((GDestroyNotify)channel_spec_unref);
        g_ptr_array_add(specs, fixture_spec(&world->fixture, yaml));
        horizon_set_inputs(world->horizon, specs, world->catalog);
}

static void first_evaluation_covers_now(void **state) {
        World *world = *state;
        fixture_series(&world->fixture, "Cheers", 30, 22 * MINUTE);
        fixture_asset(&world->fixture, ASSET_COMMERCIAL, "Soap", 30000);
        world->catalog = fixture_catalog(&world->fixture);
        set_channel(world, cheers_yaml);
        const int64_t now = rv_clock_utc_ms(world->clock);
        assert_true(horizon_evaluate(world->horizon) <= now + 60000);
        g_autoptr(PlanView) view = plan_board_view(world->board, "cheers");
        assert_non_null(view);
        if (view->fault)
                print_error("%s\n", view->fault);
        assert_null(view->fault);
        assert_true(view->epg_end_utc_ms >= now + 72 * HOUR);
        assert_true(view->execution_end_utc_ms >= now + 6 * HOUR);
        g_autoptr(BlockPlan) block = NULL;
        assert_int_equal(plan_view_block_at(view, now, &block), PLAN_OK);
        assert_int_equal(block->start_utc_ms, fixture_utc("2026-11-22T04:00:00Z"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(first_evaluation_covers_now, set_up, tear_down),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
