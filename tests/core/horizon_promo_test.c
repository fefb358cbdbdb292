/* Promos as the horizon has them filled in: of what its days hold, as they are when a block is locked. */
#include "core/plan/transmission_log/transmission_log.h"
#include "tests/core/horizon_fixture.h"

#define CHANNEL                                                                                                        \
        "channel: one\n"                                                                                               \
        "channel_number: 1\n"                                                                                          \
        "timezone: Europe/Berlin\n"                                                                                    \
        "pools:\n"                                                                                                     \
        "  alpha: {match: {series_title: Alpha}}\n"                                                                    \
        "  bravo: {match: {series_title: Bravo}}\n"                                                                    \
        "schedule:\n"                                                                                                  \
        "  all_day:\n"                                                                                                 \
        "    - block: {start: \"06:00\", end: \"20:00\", pool: alpha}\n"

static const char *const with_bravo = CHANNEL "    - block: {start: \"20:00\", end: \"21:00\", pool: bravo}\n"
                                              "    - block: {start: \"21:00\", end: \"06:00\", pool: alpha}\n";
static const char *const without = CHANNEL "    - block: {start: \"20:00\", end: \"06:00\", pool: alpha}\n";

static int set_up(void **state) {
        World *world = world_new("2026-06-01T04:00:00Z", 72 * HOUR, 6 * HOUR); /* 06:00 in Berlin */
        fixture_series(&world->fixture, "Alpha", 30, 22 * MINUTE);
        fixture_series(&world->fixture, "Bravo", 30, 22 * MINUTE);
        for (int i = 0; i < 4; i++)
                fixture_asset(&world->fixture, ASSET_PROMO, i == 0 ? "Tonight: Bravo" : "Stay tuned", 20000);
        begin(world, with_bravo);
        (void)horizon_evaluate(world->horizon);
        *state = world;
        return 0;
}

/* How often Bravo is promised in the locked blocks that start in [from, to). */
static unsigned promises(const World *world, const char *from, const char *to) {
        g_autoptr(GPtrArray) blocks = transmission_log_blocks(world->store, "one", 0, NULL);
        unsigned n = 0;
        for (guint i = 0; i < blocks->len; i++) {
                const BlockPlan *block = blocks->pdata[i];
                for (uint32_t j = 0; j < block->n_segments; j++)
                        n += block->start_utc_ms >= fixture_utc(from) && block->start_utc_ms < fixture_utc(to) &&
                             g_strcmp0(block->segments[j].title, "Tonight: Bravo") == 0;
        }
        return n;
}

static void pass_hours(World *world, int hours) {
        for (int i = 0; i < 2 * hours; i++) {
                rv_clock_fake_advance_ms(world->clock, 30 * MINUTE);
                (void)horizon_evaluate(world->horizon);
        }
}

static void blocks_promise_what_comes_up(void **state) {
        World *world = *state;
        assert_true(promises(world, "2026-06-01T04:00:00Z", "2026-06-01T09:00:00Z") > 0);
        pass_hours(world, 24);
        assert_true(promises(world, "2026-06-01T09:00:00Z", "2026-06-01T17:30:00Z") > 0);
        assert_int_equal(promises(world, "2026-06-01T17:30:00Z", "2026-06-02T04:00:00Z"), 0);
        assert_true(promises(world, "2026-06-02T04:00:00Z", "2026-06-02T09:00:00Z") > 0);
}

/* What is locked stays; what is locked after that promises nothing that is no longer scheduled, nor after a restart. */
static void a_changed_schedule_is_promised_no_more(void **state) {
        World *world = *state;
        g_ptr_array_set_size(world->specs, 0);
        add_channel(world, without);
        set_inputs(world);
        pass_hours(world, 3);
        assert_true(promises(world, "2026-06-01T04:00:00Z", "2026-06-01T10:00:00Z") > 0);
        assert_int_equal(promises(world, "2026-06-01T10:30:00Z", "2026-06-03T04:00:00Z"), 0);
        g_ptr_array_set_size(world->specs, 0);
        add_channel(world, with_bravo);
        restart(world);
        pass_hours(world, 3);
        assert_true(promises(world, "2026-06-01T13:30:00Z", "2026-06-01T17:30:00Z") > 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                T(blocks_promise_what_comes_up),
                T(a_changed_schedule_is_promised_no_more),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
