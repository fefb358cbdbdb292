#include "air/producer/timing.h"

#include <glib.h>

#include "tests/support/chance.h"
#include "tests/support/cmocka.h"

static const RvRational ntsc = {30000, 1001};

static void INV_PRODUCER_002_rates_that_containers_garble_are_recognised(void **state) {
        static const struct {
                int32_t num, den;
                RvRational rate;
        } cases[] = {
                {19001, 317, {60000, 1001}},
                {30000, 1001, {30000, 1001}},
                {2997, 100, {30000, 1001}},
                {24000, 1001, {24000, 1001}},
                {500, 21, {500, 21}},
                {25, 1, {25, 1}},
                {1000000, 40000, {25, 1}},
                {12, 1, {12, 1}},
                {25, 2, {25, 2}},
                {90000, 1, {25, 1}},
                {0, 1, {25, 1}},
                {1, 0, {25, 1}},
                {50000000, 1000001, {50, 1}},
        };
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                const RvRational rate = timing_nominal_rate(cases[i].num, cases[i].den);
                assert_int_equal(rate.num, cases[i].rate.num);
                assert_int_equal(rate.den, cases[i].rate.den);
        }
}

/* Every stamp that a millisecond container can round a picture to is the same picture at the same tick. */
static void INV_PRODUCER_002_rounded_stamps_fall_on_the_same_ticks(void **state) {
        static const RvRational rates[] = {{24000, 1001}, {24, 1}, {30000, 1001}, {60000, 1001}, {60, 1}};
        for (size_t r = 0; r < G_N_ELEMENTS(rates); r++) {
                const FrameGrid grid = {.unit = {1, 1000}, .rate = rates[r]};
                for (int64_t i = 0; i < 5000; i++) {
                        const MediaTime exact = {i * rates[r].den, rates[r].num};
                        const int64_t down = rv_mul_div_floor(i, 1000LL * rates[r].den, rates[r].num);
                        for (int64_t pts = down; pts <= down + 1; pts++) {
                                int64_t index;
                                const MediaTime time = timing_frame(&grid, pts, &index);
                                assert_int_equal(index, i);
                                assert_int_equal(timing_tick(time, 0, ntsc), timing_tick(exact, 0, ntsc));
                                const MediaTime end = timing_frame_end(&grid, pts, 0);
                                assert_int_equal(end.num, (i + 1) * rates[r].den);
                        }
                }
        }
}

static void INV_PRODUCER_002_stamps_off_the_grid_are_kept(void **state) {
        const FrameGrid grid = {.unit = {1, 1000}, .rate = {25, 1}};
        int64_t index;
        const MediaTime time = timing_frame(&grid, 93, &index);
        assert_int_equal(index, 2);
        assert_int_equal(time.num * 1000, 93 * time.den);
        const MediaTime end = timing_frame_end(&grid, 93, 170);
        assert_int_equal(end.num * 1000, 263 * end.den);
}

/* Against the definition: x is the only integer with x - 1/2 <= time * rate < x + 1/2. */
static void INV_PRODUCER_001_tick_is_the_nearest_and_ties_go_up(void **state) {
        GRand *rand = chance_new();
        for (int i = 0; i < 20000; i++) {
                const MediaTime time = {g_rand_int_range(rand, 0, INT32_MAX), g_rand_int_range(rand, 1, 200000)};
                const int64_t offset_ms = g_rand_int_range(rand, 0, 20000000);
                const RvRational rate = {g_rand_int_range(rand, 10, 60001), g_rand_int_range(rand, 1, 1002)};
                const int64_t x = timing_tick(time, offset_ms, rate);
                const __int128 scale = (__int128)2 * time.den * 1000 * rate.den;
                const __int128 at = ((__int128)time.num * 1000 - (__int128)offset_ms * time.den) * rate.num * 2;
                assert_true((2 * (__int128)x - 1) * (scale / 2) <= at);
                assert_true(at < (2 * (__int128)x + 1) * (scale / 2));
        }
        g_rand_free(rand);
        assert_int_equal(timing_tick((MediaTime){1, 60}, 0, (RvRational){30, 1}), 1);
        assert_int_equal(timing_tick((MediaTime){-1, 60}, 0, (RvRational){30, 1}), 0);
}

static void INV_PRODUCER_004_samples_are_counted_from_zero_and_offset(void **state) {
        assert_int_equal(timing_sample((MediaTime){3, 2}, (MediaTime){1, 1}, 500, 48000), 0);
        assert_int_equal(timing_sample((MediaTime){90000 + 3003, 90000}, (MediaTime){90000, 90000}, 0, 48000), 1602);
        assert_int_equal(timing_sample((MediaTime){0, 1}, (MediaTime){7, 1000}, 0, 48000), -336);
        /* Nanosecond stamps of a week do not overflow. */
        const MediaTime late = {604800LL * 1000000000, 1000000000};
        assert_int_equal(timing_sample(late, (MediaTime){1, 1000000000}, 0, 48000), 604800LL * 48000);
}

static void INV_PRODUCER_011_levels_are_linear_and_end_in_black(void **state) {
        const RvRational rate = {25, 1};
        assert_int_equal(timing_level(0, 50, rate, 400, 400), 0);
        assert_int_equal(timing_level(1, 50, rate, 400, 400), TIMING_FULL / 10);
        assert_int_equal(timing_level(5, 50, rate, 400, 400), TIMING_FULL / 2);
        assert_int_equal(timing_level(10, 50, rate, 400, 400), TIMING_FULL);
        assert_int_equal(timing_level(40, 50, rate, 400, 400), TIMING_FULL);
        assert_int_equal(timing_level(45, 50, rate, 400, 400), TIMING_FULL / 2);
        assert_int_equal(timing_level(50, 50, rate, 400, 400), 0);
        assert_int_equal(timing_level(0, 50, rate, 0, 0), TIMING_FULL);
        assert_int_equal(timing_level(50, 50, rate, 0, 0), TIMING_FULL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(INV_PRODUCER_002_rates_that_containers_garble_are_recognised),
                cmocka_unit_test(INV_PRODUCER_002_rounded_stamps_fall_on_the_same_ticks),
                cmocka_unit_test(INV_PRODUCER_002_stamps_off_the_grid_are_kept),
                cmocka_unit_test(INV_PRODUCER_001_tick_is_the_nearest_and_ties_go_up),
                cmocka_unit_test(INV_PRODUCER_004_samples_are_counted_from_zero_and_offset),
                cmocka_unit_test(INV_PRODUCER_011_levels_are_linear_and_end_in_black),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
