#include "tests/support/cmocka.h"

#include "proto/base/rational.h"
#include "tests/support/chance.h"

#define ROUNDS 200000
#define DAY_MS INT64_C(86400000)

static const RvRational rates[] = {{30000, 1001}, {24000, 1001}, {60000, 1001}, {25, 1}, {24, 1}, {1, 1}, {240, 1}};

/* Whether q is the floor of product / c, by the definition of it and without a division. */
static bool is_floor(__int128 product, int64_t c, __int128 q) {
        return q * c <= product && product < (q + 1) * c;
}

static bool fits(__int128 product, int64_t c) {
        const __int128 bound = (__int128)1 << 62;
        return product > -bound * c && product < bound * c;
}

static void INV_BASE_001_products_are_exact_and_rounded_once(void **state) {
        GRand *rand = chance_new();
        int tried = 0, negative = 0;
        for (int i = 0; i < ROUNDS; i++) {
                const int64_t a = chance_int64(rand), b = chance_int64(rand);
                const int64_t c = (chance_int64(rand) & (INT64_MAX >> 1)) + 1;
                const __int128 product = (__int128)a * b;
                if (!fits(product, c))
                        continue;
                tried++;
                negative += product < 0;
                assert_true(is_floor(product, c, rv_mul_div_floor(a, b, c)));
                /* ceil(x) = -floor(-x) */
                assert_true(is_floor(-product, c, -(__int128)rv_mul_div_ceil(a, b, c)));
        }
        assert_true(tried > ROUNDS / 4 && negative > tried / 4);
        g_rand_free(rand);
}

static void INV_BASE_001_signs_and_limits(void **state) {
        assert_int_equal(rv_mul_div_floor(7, 1, 2), 3);
        assert_int_equal(rv_mul_div_ceil(7, 1, 2), 4);
        assert_int_equal(rv_mul_div_floor(-7, 1, 2), -4);
        assert_int_equal(rv_mul_div_ceil(-7, 1, 2), -3);
        assert_int_equal(rv_mul_div_floor(7, -1, 2), -4);
        assert_int_equal(rv_mul_div_ceil(-8, 1, 2), -4);
        assert_int_equal(rv_mul_div_floor(0, -5, 3), 0);
        assert_int_equal(rv_mul_div_floor(INT64_MAX, INT64_MAX, INT64_MAX), INT64_MAX);
        assert_int_equal(rv_mul_div_floor(INT64_MIN, INT64_MAX, INT64_MAX), INT64_MIN);
        assert_int_equal(rv_mul_div_ceil(INT64_MIN, 1, 1), INT64_MIN);
}

static void INV_BASE_002_a_day_of_half_hours_ends_on_its_tick(void **state) {
        const RvRational ntsc = {30000, 1001};
        int64_t fence = 0;
        for (int block = 1; block <= 48; block++) {
                const int64_t next = rv_tick_at_ms(block * DAY_MS / 48, ntsc);
                const int64_t length = next - fence;
                assert_true(length == 53946 || length == 53947); /* 53946.05 on average: never one off twice */
                fence = next;
        }
        assert_int_equal(fence, 2589411);
}

static void INV_BASE_002_a_tick_at_an_instant_is_the_first_not_before_it(void **state) {
        GRand *rand = chance_new();
        for (int i = 0; i < ROUNDS; i++) {
                const RvRational rate = rates[g_rand_int_range(rand, 0, G_N_ELEMENTS(rates))];
                const int64_t delta_ms = chance_int64(rand) >> 16;
                const int64_t tick = rv_tick_at_ms(delta_ms, rate);
                /* Start of a tick in units of 1 / num ms: tick * 1000 * den. */
                const __int128 instant = (__int128)delta_ms * rate.num, period = (__int128)1000 * rate.den;
                assert_true(tick * period >= instant);
                assert_true((tick - 1) * period < instant);
                assert_true(is_floor(tick * period, rate.num, rv_tick_to_ms(tick, rate)));
        }
        g_rand_free(rand);
}

static void ticks_in_other_units(void **state) {
        const RvRational ntsc = {30000, 1001}, pal = {25, 1};
        assert_int_equal(rv_tick_to_ms(1, ntsc), 33);
        assert_int_equal(rv_tick_to_ms(-1, ntsc), -34);
        assert_int_equal(rv_tick_to_ms(30000, ntsc), 1001000);
        assert_int_equal(rv_tick_to_ns(1, ntsc), 33366666);
        assert_int_equal(rv_tick_to_ns(30000, ntsc), INT64_C(1001000000000));
        assert_int_equal(rv_tick_to_ns(INT64_C(25) * 86400 * 366, pal), INT64_C(86400) * 366 * 1000000000);
        assert_int_equal(rv_tick_to_sample(1, pal, 48000), 1920);
        /* 1601.6 samples a tick: 1601 or 1602, 8008 every five. */
        assert_int_equal(rv_tick_to_sample(1, ntsc, 48000), 1601);
        assert_int_equal(rv_tick_to_sample(2, ntsc, 48000), 3203);
        assert_int_equal(rv_tick_to_sample(5, ntsc, 48000), 8008);
        assert_int_equal(rv_tick_to_sample(2589411, ntsc, 48000), INT64_C(4147200657));
}

static void check_rate(const char *text, int32_t num, int32_t den) {
        RvRational rate = {0, 0};
        assert_true(rv_rational_parse(text, &rate));
        assert_int_equal(rate.num, num);
        assert_int_equal(rate.den, den);
}

static void rates_are_read_and_reduced(void **state) {
        check_rate("30000/1001", 30000, 1001);
        check_rate("25", 25, 1);
        check_rate("25/1", 25, 1);
        check_rate("50/2", 25, 1);
        check_rate("1", 1, 1);
        check_rate("240", 240, 1);
        check_rate("2147483647/2147483647", 1, 1);
        check_rate("0030", 30, 1);
}

static void what_is_not_a_rate_is_refused(void **state) {
        static const char *const bad[] = {"",
                                          "/",
                                          "25/",
                                          "/1",
                                          "0",
                                          "25/0",
                                          "-25",
                                          "25/-1",
                                          "+25",
                                          " 25",
                                          "25 ",
                                          "25fps",
                                          "29.97",
                                          "1/2",
                                          "241",
                                          "481/2",
                                          "25//1",
                                          "25/1/1",
                                          "2147483648",
                                          "0x19",
                                          "1e2",
                                          "٢٥",
                                          "999999999999999999999999999"};
        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
                RvRational rate = {7, 7};
                if (rv_rational_parse(bad[i], &rate))
                        fail_msg("\"%s\" was taken for a rate", bad[i]);
                assert_true(rate.num == 7 && rate.den == 7);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(INV_BASE_001_products_are_exact_and_rounded_once),
                cmocka_unit_test(INV_BASE_001_signs_and_limits),
                cmocka_unit_test(INV_BASE_002_a_day_of_half_hours_ends_on_its_tick),
                cmocka_unit_test(INV_BASE_002_a_tick_at_an_instant_is_the_first_not_before_it),
                cmocka_unit_test(ticks_in_other_units),
                cmocka_unit_test(rates_are_read_and_reduced),
                cmocka_unit_test(what_is_not_a_rate_is_refused),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
