/*
 * The one source of "now" (LAW-CLOCK). Everything that asks for time is given an RvClock; only clock.c asks the
 * operating system, so a test that passes a fake clock owns time altogether.
 *
 * Wall time is milliseconds since 1970-01-01T00:00:00Z. Monotonic time is nanoseconds since an arbitrary origin and
 * never steps; it paces, it never decides a boundary. All functions may be called from any thread.
 */
#pragma once

#include <glib.h>
#include <stdint.h>

typedef struct RvClock RvClock;

/* The operating system's clock. Lives as long as the program; never free it. */
RvClock *rv_clock_system(void);

/* A clock that stands still until it is moved. Free with rv_clock_fake_free. */
RvClock *rv_clock_fake_new(int64_t utc_ms);
void rv_clock_fake_free(RvClock *clock);
/* Moves wall and monotonic time on together and wakes the sleepers whose time has come. ms >= 0. */
void rv_clock_fake_advance_ms(RvClock *clock, int64_t ms);
/* Steps wall time only, as NTP or an operator does. */
void rv_clock_fake_step_utc_ms(RvClock *clock, int64_t ms);
/* Returns once at least n threads sleep on the clock: then an advance is sure to find them. */
void rv_clock_fake_await_sleepers(RvClock *clock, int n);

/*
 * The operating system's clock, but for wall time, which is the int64_t at the beginning of the file: whoever holds the
 * file leads us through a day in minutes (docs/decisions/014). NULL on error. Free with rv_clock_led_free.
 */
RvClock *rv_clock_led_new(const char *path, GError **error);
void rv_clock_led_free(RvClock *clock);
/* For who leads: wall time from now on. */
void rv_clock_led_set_utc_ms(RvClock *clock, int64_t utc_ms);

int64_t rv_clock_utc_ms(RvClock *clock);
int64_t rv_clock_mono_ns(RvClock *clock);

/* Sleeps until the monotonic instant, at once if it has passed. Not a synchronisation: for pacing threads only. */
void rv_clock_sleep_until_mono_ns(RvClock *clock, int64_t mono_ns);
