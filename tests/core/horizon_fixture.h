/* A horizon on a store and a fake clock, for the tests of what it keeps. Each test file brings catalog and channels. */
#pragma once

#include "core/plan/horizon/horizon.h"
#include "tests/core/plan_fixture.h"
#include "tests/support/cmocka.h"

/* Cheers in order, all day. */
#define ALL_DAY                                                                                                        \
        "channel: cheers\nchannel_number: 5\ntimezone: America/New_York\n"                                             \
        "pools: {cheers: {match: {type: episode, series_title: Cheers}}}\n"                                            \
        "schedule: {all_day: [{block: {start: \"06:00\", duration: 24h, pool: cheers}}]}\n"

typedef struct {
        Fixture fixture;
        RvClock *clock;
        int64_t min_epg_ms, min_execution_ms;
        Store *store;
        PlanBoard *board;
        Horizon *horizon;
        CatalogSnapshot *catalog;
        GPtrArray *specs;
        int n_published;
} World;

static void world_published(void *user, const char *channel_id) {
        ((World *)user)->n_published++;
}

static inline void open_world(World *world) {
        g_autofree char *path = g_build_filename(world->fixture.dir, "retrovue.db", NULL);
        world->store = store_open(path, NULL);
        assert_non_null(world->store);
        world->board = plan_board_new();
        const HorizonOptions options = {.store = world->store,
                                        .board = world->board,
                                        .clock = world->clock,
                                        .min_epg_ms = world->min_epg_ms,
                                        .min_execution_ms = world->min_execution_ms,
                                        .logs_dir = world->fixture.dir,
                                        .on_published = world_published,
                                        .user = world};
        world->horizon = horizon_new(&options);
}

static inline void close_world(World *world) {
        g_clear_pointer(&world->horizon, horizon_free);
        g_clear_pointer(&world->board, plan_board_unref);
        g_clear_pointer(&world->store, store_close);
}

static inline void set_inputs(World *world) {
        horizon_set_inputs(world->horizon, world->specs, world->catalog);
}

/* The program ends and starts again at once. */
static inline void restart(World *world) {
        close_world(world);
        open_world(world);
        set_inputs(world);
}

/* Without catalog, channels and horizon: add them, then open_world. */
static inline World *world_new(const char *now, int64_t min_epg_ms, int64_t min_execution_ms) {
        World *world = g_new0(World, 1);
        fixture_begin(&world->fixture);
        world->clock = rv_clock_fake_new(fixture_utc(now));
        world->min_epg_ms = min_epg_ms;
        world->min_execution_ms = min_execution_ms;
        world->specs = g_ptr_array_new_with_free_func((GDestroyNotify)channel_spec_unref);
        return world;
}

static inline void add_channel(World *world, const char *yaml) {
        g_ptr_array_add(world->specs, fixture_spec(&world->fixture, yaml));
}

/* The assets so far become the catalog, and the horizon is open, with this channel. */
static inline void begin(World *world, const char *yaml) {
        world->catalog = fixture_catalog(&world->fixture);
        add_channel(world, yaml);
        open_world(world);
        set_inputs(world);
}

/* Nothing is amiss: no hole and no overlap, and each block is that of a programme. */
static inline void assert_planned(const PlanView *view) {
        if (view->fault)
                print_error("%s\n", view->fault);
        assert_null(view->fault);
        for (guint i = 1; i < view->programmes->len; i++)
                assert_int_equal(((Programme *)view->programmes->pdata[i])->start_utc_ms,
                                 ((Programme *)view->programmes->pdata[i - 1])->end_utc_ms);
        for (guint i = 0; i < view->blocks->len; i++) {
                const BlockPlan *block = view->blocks->pdata[i];
                g_autoptr(Programme) programme = NULL;
                assert_int_equal(block_plan_validate(block, NULL), BLOCK_PLAN_OK);
                assert_int_equal(plan_view_programme_at(view, block->start_utc_ms, &programme), PLAN_OK);
                assert_string_equal(programme->id, block->block_id);
                assert_int_equal(programme->end_utc_ms, block->end_utc_ms);
                if (i > 0)
                        assert_int_equal(block->start_utc_ms, ((BlockPlan *)view->blocks->pdata[i - 1])->end_utc_ms);
        }
}

static inline int tear_down(void **state) {
        World *world = *state;
        close_world(world);
        g_ptr_array_unref(world->specs);
        catalog_snapshot_unref(world->catalog);
        rv_clock_fake_free(world->clock);
        fixture_end(&world->fixture);
        g_free(world);
        return 0;
}
