#include "tests/support/cmocka.h"

#include <glib.h>
#include <glib/gstdio.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <unistd.h>

#include "proto/base/clock.h"
#include "proto/base/thread.h"

#define START_UTC_MS INT64_C(1795406400000)
#define N_SLEEPERS 8

static void LAW_CLOCK_a_fake_clock_owns_time(void **state) {
        RvClock *clock = rv_clock_fake_new(START_UTC_MS);
        const int64_t origin_ns = rv_clock_mono_ns(clock);
        assert_int_equal(rv_clock_utc_ms(clock), START_UTC_MS);
        assert_int_equal(rv_clock_utc_ms(clock), START_UTC_MS);

        rv_clock_fake_advance_ms(clock, 1500);
        assert_int_equal(rv_clock_utc_ms(clock), START_UTC_MS + 1500);
        assert_int_equal(rv_clock_mono_ns(clock), origin_ns + INT64_C(1500000000));
        rv_clock_fake_free(clock);
}

static void LAW_CLOCK_a_step_of_wall_time_leaves_monotonic_time(void **state) {
        RvClock *clock = rv_clock_fake_new(START_UTC_MS);
        const int64_t origin_ns = rv_clock_mono_ns(clock);
        rv_clock_fake_step_utc_ms(clock, -3600000);
        assert_int_equal(rv_clock_utc_ms(clock), START_UTC_MS - 3600000);
        assert_int_equal(rv_clock_mono_ns(clock), origin_ns);
        rv_clock_fake_free(clock);
}

typedef struct {
        RvClock *clock;
        int64_t until_ns;
        int64_t woke_ns;
        atomic_bool awake;
} Sleeper;

static void sleep_once(void *user) {
        Sleeper *sleeper = user;
        rv_clock_sleep_until_mono_ns(sleeper->clock, sleeper->until_ns);
        sleeper->woke_ns = rv_clock_mono_ns(sleeper->clock);
        atomic_store(&sleeper->awake, true);
}

static void sleepers_wake_each_at_its_instant(void **state) {
        RvClock *clock = rv_clock_fake_new(START_UTC_MS);
        const int64_t origin_ns = rv_clock_mono_ns(clock);
        Sleeper sleepers[N_SLEEPERS];
        RvThread *threads[N_SLEEPERS];
        for (int i = 0; i < N_SLEEPERS; i++) {
                sleepers[i] = (Sleeper){.clock = clock, .until_ns = origin_ns + (i + 1) * INT64_C(10000000)};
                threads[i] = rv_thread_start("sleeper", RV_PRIORITY_NORMAL, sleep_once, &sleepers[i], NULL);
                assert_non_null(threads[i]);
        }
        rv_clock_fake_await_sleepers(clock, N_SLEEPERS);
        for (int i = 0; i < N_SLEEPERS; i++) {
                rv_clock_fake_advance_ms(clock, 10);
                rv_thread_join(threads[i]);
                assert_int_equal(sleepers[i].woke_ns, sleepers[i].until_ns);
                if (i + 1 < N_SLEEPERS)
                        assert_false(atomic_load(&sleepers[i + 1].awake));
        }
        rv_clock_fake_free(clock);
}

#define NAPS 500

static void take_naps(void *user) {
        Sleeper *sleeper = user;
        for (int i = 0; i < NAPS; i++) {
                sleeper->woke_ns = rv_clock_mono_ns(sleeper->clock);
                rv_clock_sleep_until_mono_ns(sleeper->clock, sleeper->woke_ns + 1000000);
        }
}

/* One whose time has come does not sleep any more, though it may not have noticed. */
static void who_waits_for_a_sleeper_finds_it_asleep(void **state) {
        RvClock *clock = rv_clock_fake_new(START_UTC_MS);
        const int64_t origin_ns = rv_clock_mono_ns(clock);
        Sleeper sleeper = {.clock = clock};
        RvThread *thread = rv_thread_start("sleeper", RV_PRIORITY_NORMAL, take_naps, &sleeper, NULL);
        for (int i = 0; i < NAPS; i++) {
                rv_clock_fake_await_sleepers(clock, 1);
                assert_int_equal(sleeper.woke_ns, origin_ns + i * INT64_C(1000000));
                rv_clock_fake_advance_ms(clock, 1);
        }
        rv_thread_join(thread);
        rv_clock_fake_free(clock);
}

static void sleeping_until_the_past_returns_at_once(void **state) {
        RvClock *clock = rv_clock_fake_new(START_UTC_MS);
        rv_clock_sleep_until_mono_ns(clock, rv_clock_mono_ns(clock));
        rv_clock_sleep_until_mono_ns(clock, INT64_MIN);
        rv_clock_fake_free(clock);
        rv_clock_sleep_until_mono_ns(rv_clock_system(), 0);
        rv_clock_sleep_until_mono_ns(rv_clock_system(), INT64_MIN);
}

static void the_system_clock_does_not_wake_early(void **state) {
        RvClock *clock = rv_clock_system();
        assert_true(rv_clock_utc_ms(clock) > START_UTC_MS - INT64_C(10) * 366 * 86400000);
        int64_t until_ns = rv_clock_mono_ns(clock);
        for (int i = 0; i < 5; i++) {
                until_ns += 1000000;
                rv_clock_sleep_until_mono_ns(clock, until_ns);
                assert_true(rv_clock_mono_ns(clock) >= until_ns);
        }
}

static void LAW_CLOCK_a_led_clock_says_what_its_file_says(void **state) {
        g_autofree char *path = NULL;
        const int64_t from = START_UTC_MS;
        close(g_file_open_tmp("rv-clock-XXXXXX", &path, NULL));
        g_autoptr(GError) error = NULL;
        assert_null(rv_clock_led_new(path, &error)); /* it is empty */
        assert_non_null(error);
        assert_true(g_file_set_contents(path, (const char *)&from, sizeof from, NULL));
        RvClock *led = rv_clock_led_new(path, NULL), *follows = rv_clock_led_new(path, NULL);
        assert_int_equal(rv_clock_utc_ms(follows), START_UTC_MS);
        rv_clock_led_set_utc_ms(led, START_UTC_MS + 5);
        assert_int_equal(rv_clock_utc_ms(follows), START_UTC_MS + 5);
        assert_true(rv_clock_mono_ns(follows) <= rv_clock_mono_ns(rv_clock_system()));
        rv_clock_led_free(led);
        rv_clock_led_free(follows);
        assert_int_equal(g_unlink(path), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(LAW_CLOCK_a_fake_clock_owns_time),
                cmocka_unit_test(LAW_CLOCK_a_step_of_wall_time_leaves_monotonic_time),
                cmocka_unit_test(sleepers_wake_each_at_its_instant),
                cmocka_unit_test(who_waits_for_a_sleeper_finds_it_asleep),
                cmocka_unit_test(sleeping_until_the_past_returns_at_once),
                cmocka_unit_test(the_system_clock_does_not_wake_early),
                cmocka_unit_test(LAW_CLOCK_a_led_clock_says_what_its_file_says),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
