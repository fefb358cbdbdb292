/*
 * Exact time arithmetic: frame rates are fractions, products are taken in 128 bits, nothing is ever rounded twice.
 * Pure functions, any thread. A rate is frames per second, num > 0 and den > 0.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef struct {
        int32_t num;
        int32_t den;
} RvRational;

/* "30000/1001", "25", "25/1": reduced; false when it is neither, or not within 1..240 frames per second. */
bool rv_rational_parse(const char *text, RvRational *ret_rate);

/* floor(a * b / c) and ceil(a * b / c) for c > 0, exact for any sign of a * b. */
int64_t rv_mul_div_floor(int64_t a, int64_t b, int64_t c);
int64_t rv_mul_div_ceil(int64_t a, int64_t b, int64_t c);

/* First tick at or after delta_ms from tick 0: ceil(delta_ms * num / (den * 1000)). Fences and seams. */
int64_t rv_tick_at_ms(int64_t delta_ms, RvRational rate);
/* Start of a tick after tick 0, rounded down. */
int64_t rv_tick_to_ms(int64_t tick, RvRational rate);
int64_t rv_tick_to_ns(int64_t tick, RvRational rate);
/* First audio sample of a tick: floor(tick * sample_rate * den / num). Tick n holds [at(n), at(n + 1)). */
int64_t rv_tick_to_sample(int64_t tick, RvRational rate, int32_t sample_rate_hz);
