/* Cooldowns and caps as the horizon keeps them: over days, restarts and what evidence says. */
#include "core/plan/traffic/traffic.h"
#include "core/plan/transmission_log/transmission_log.h"
#include "tests/core/horizon_fixture.h"

#define N_SPOTS 40
#define COOLDOWN (45 * MINUTE)
#define CAP 6

static const char *const yaml = "channel: one\n"
                                "channel_number: 1\n"
                                "timezone: America/New_York\n"
                                "pools: {all: {match: {type: episode}}}\n"
                                "schedule: {all_day: [{block: {start: \"06:00\", duration: 24h, pool: all}}]}\n"
                                "traffic: {default_cooldown_seconds: 2700, max_plays_per_day: 6}\n";

static int set_up(void **state) {
        World *world = world_new("2026-10-30T10:00:00Z", 48 * HOUR, 3 * HOUR); /* two days before clocks change */
        fixture_series(&world->fixture, "A", 30, 22 * MINUTE);
        for (int i = 0; i < N_SPOTS; i++)
                fixture_asset(&world->fixture, ASSET_COMMERCIAL, "Spot", 30000);
        begin(world, yaml);
        *state = world;
        return 0;
}

static void pass(World *world, int64_t ms) {
        rv_clock_fake_advance_ms(world->clock, ms);
        (void)horizon_evaluate(world->horizon);
}

typedef struct {
        int64_t last_utc_ms;
        char day[11];
        unsigned today;
} Spot;

/* Every play of the locked blocks, in order. Returns their number. */
static unsigned audit(const World *world) {
        g_autoptr(GPtrArray) blocks = transmission_log_blocks(world->store, "one", 0, NULL);
        g_autoptr(GHashTable) spots = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
        unsigned n = 0;
        for (guint i = 0; i < blocks->len; i++) {
                const BlockPlan *block = blocks->pdata[i];
                int64_t at = block->start_utc_ms;
                char day[11];
                schedule_day_of(world->specs->pdata[0], at, day);
                for (uint32_t j = 0; j < block->n_segments; at += block->segments[j].duration_ms, j++) {
                        if (block->segments[j].type != SEGMENT_COMMERCIAL)
                                continue;
                        Spot *spot = g_hash_table_lookup(spots, block->segments[j].asset_uuid);
                        if (!spot) {
                                spot = g_new0(Spot, 1);
                                g_hash_table_insert(spots, (char *)block->segments[j].asset_uuid, spot);
                        }
                        assert_true(spot->last_utc_ms == 0 || at - spot->last_utc_ms >= COOLDOWN);
                        spot->today = strcmp(spot->day, day) == 0 ? spot->today + 1 : 1;
                        assert_true(spot->today <= CAP);
                        g_strlcpy(spot->day, day, sizeof(spot->day));
                        spot->last_utc_ms = at;
                        n++;
                }
        }
        return n;
}

static void INV_TRAFFIC_CAPS_001_hold_over_days_and_restarts(void **state) {
        World *world = *state;
        for (int hour = 0; hour < 72; hour++) {
                pass(world, HOUR);
                if (hour % 5 == 0) {
                        restart(world);
                }
        }
        assert_in_range(audit(world), 3 * CAP * N_SPOTS, 4 * CAP * N_SPOTS); /* three whole days, and three hours */
}

static void INV_TRAFFIC_STATE_SOURCE_001_a_restart_changes_no_plan(void **state) {
        World *world = *state;
        g_autoptr(GPtrArray) plans = g_ptr_array_new_with_free_func(g_free);
        for (int round = 0; round < 2; round++) {
                GString *plan = g_string_new(NULL);
                for (int hour = 0; hour < 30; hour++) {
                        pass(world, HOUR);
                        if (round == 1 && hour % 3 == 0) {
                                restart(world);
                        }
                }
                g_autoptr(GPtrArray) blocks = transmission_log_blocks(world->store, "one", 0, NULL);
                for (guint i = 0; i < blocks->len; i++) {
                        const BlockPlan *block = blocks->pdata[i];
                        for (uint32_t j = 0; j < block->n_segments; j++)
                                g_string_append_printf(plan, "%s %s\n", block->segments[j].event_id,
                                                       block->segments[j].asset_uuid ? block->segments[j].asset_uuid
                                                                                     : "pad");
                }
                g_ptr_array_add(plans, g_string_free(plan, false));
                void *again = world;
                tear_down(&again);
                set_up(state);
                world = *state;
        }
        assert_string_equal(plans->pdata[0], plans->pdata[1]);
}

static unsigned spots_of_last_block(const World *world) {
        g_autoptr(GPtrArray) blocks = transmission_log_blocks(world->store, "one", 0, NULL);
        const BlockPlan *last = blocks->pdata[blocks->len - 1];
        unsigned n = 0;
        for (uint32_t i = 0; i < last->n_segments; i++)
                n += last->segments[i].type == SEGMENT_COMMERCIAL;
        return n;
}

static void INV_TRAFFIC_STATE_SOURCE_001_a_lost_play_is_free_again(void **state) {
        World *world = *state;
        for (int hour = 0; hour < 12; hour++)
                pass(world, HOUR);
        assert_int_equal(audit(world), CAP * N_SPOTS);
        assert_int_equal(spots_of_last_block(world), 0); /* the day's caps are used up */
        assert_true(store_run(world->store, NULL, "UPDATE play SET state = 3, noted = 1", ""));
        pass(world, HOUR);
        assert_true(spots_of_last_block(world) > 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                T(INV_TRAFFIC_CAPS_001_hold_over_days_and_restarts),
                T(INV_TRAFFIC_STATE_SOURCE_001_a_restart_changes_no_plan),
                T(INV_TRAFFIC_STATE_SOURCE_001_a_lost_play_is_free_again),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
