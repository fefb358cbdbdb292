/* A catalog, a channel file's spec and the days compiled from it, for the tests of schedule. */
#pragma once

#include "tests/core/plan_fixture.h"
#include "tests/support/cmocka.h"

#define HEAD                                                                                                           \
        "channel: one\n"                                                                                               \
        "timezone: America/New_York\n"
#define POOLS                                                                                                          \
        "pools:\n"                                                                                                     \
        "  a: {match: {type: episode, series_title: A}}\n"                                                             \
        "  b: {match: {type: episode, series_title: [b]}}\n"                                                           \
        "  c: {match: {type: episode, series_title: C}}\n"                                                             \
        "  films: {match: {type: movie}}\n"

typedef struct {
        Fixture fixture;
        CatalogSnapshot *catalog;
        ChannelSpec *spec;
} World;

static inline int world_set_up(void **state) {
        World *world = g_new0(World, 1);
        fixture_begin(&world->fixture);
        *state = world;
        return 0;
}

static inline int world_tear_down(void **state) {
        World *world = *state;
        g_clear_pointer(&world->spec, channel_spec_unref);
        g_clear_pointer(&world->catalog, catalog_snapshot_unref);
        fixture_end(&world->fixture);
        g_free(world);
        return 0;
}

/* The assets so far become the catalog, the first time; the text the spec. */
static inline void ready(World *world, const char *yaml) {
        g_clear_pointer(&world->spec, channel_spec_unref);
        if (!world->catalog)
                world->catalog = fixture_catalog(&world->fixture);
        world->spec = fixture_spec(&world->fixture, yaml);
}

/* A day without a hole. */
static inline ScheduleDay *compile(const World *world, const char *day, const ScheduleFrom *from) {
        g_autoptr(Diag) diag = diag_new();
        ScheduleDay *compiled = schedule_compile(world->spec, world->catalog, day, from, diag);
        if (!compiled) {
                g_autofree char *text = diag_text(diag);
                print_error("%s\n", text);
        }
        assert_non_null(compiled);
        for (guint i = 1; i < compiled->programmes->len; i++)
                assert_int_equal(((Programme *)compiled->programmes->pdata[i])->start_utc_ms,
                                 ((Programme *)compiled->programmes->pdata[i - 1])->end_utc_ms);
        return compiled;
}

static inline const Programme *at(const ScheduleDay *day, const char *iso) {
        const int64_t utc_ms = fixture_utc(iso);
        for (guint i = 0; i < day->programmes->len; i++) {
                const Programme *programme = day->programmes->pdata[i];
                if (programme->start_utc_ms <= utc_ms && utc_ms < programme->end_utc_ms)
                        return programme;
        }
        return NULL;
}
