#include "air/producer/timing.h"

#include <glib.h>

#define SNAP_MAX_US 2000
#define RATE_MAX 1000

static __int128 floor_div(__int128 a, __int128 b) {
        const __int128 quotient = a / b;
        return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

static __int128 magnitude(__int128 a) {
        return a < 0 ? -a : a;
}

/* floor(num / den + 1/2), held within what callers can add to without overflow. */
static int64_t round_half_up(__int128 num, __int128 den) {
        const __int128 limit = INT64_MAX / 4;
        return (int64_t)CLAMP(floor_div(2 * num + den, 2 * den), -limit, limit);
}

/* |num / den - whole / part| <= 2e-5 * whole / part */
static bool nearly(int64_t num, int64_t den, int64_t whole, int64_t part) {
        const __int128 ours = (__int128)num * part;
        const __int128 nominal = (__int128)whole * den;
        return magnitude(ours - nominal) * 50000 <= nominal;
}

RvRational timing_nominal_rate(int64_t num, int64_t den) {
        if (num <= 0 || den <= 0 || num > INT32_MAX || den > INT32_MAX || num > den * RATE_MAX)
                return (RvRational){25, 1};
        const int64_t whole = round_half_up(num, den);
        if (nearly(num, den, whole, 1))
                return (RvRational){(int32_t)whole, 1};
        const int64_t ntsc = round_half_up((__int128)num * 1001, (__int128)den * 1000);
        if (nearly(num, den, ntsc * 1000, 1001))
                return (RvRational){(int32_t)ntsc * 1000, 1001};
        return (RvRational){(int32_t)num, (int32_t)den};
}

static bool snap(const FrameGrid *grid, int64_t pts, int64_t *ret_index) {
        const __int128 stamp = (__int128)pts * grid->unit.num * grid->rate.num;
        const __int128 period = (__int128)grid->unit.den * grid->rate.den;
        const __int128 unit = (__int128)grid->unit.num * grid->rate.num;
        const __int128 most = (__int128)grid->unit.den * grid->rate.num * SNAP_MAX_US / 1000000;
        *ret_index = round_half_up(stamp, period);
        return magnitude(stamp - *ret_index * period) <= MIN(unit, most);
}

MediaTime timing_frame(const FrameGrid *grid, int64_t pts, int64_t *ret_index) {
        /* INV-PRODUCER-002: stamps are rounded by containers, and many conversions sit on exact ties: use the true time
         */
        if (snap(grid, pts, ret_index))
                return (MediaTime){*ret_index * grid->rate.den, grid->rate.num};
        return (MediaTime){pts * grid->unit.num, grid->unit.den};
}

/* Two units apart: a stamp and the next one may each be rounded. */
static bool is_one_period(const FrameGrid *grid, int64_t duration) {
        const __int128 span = (__int128)duration * grid->unit.num * grid->rate.num;
        const __int128 period = (__int128)grid->unit.den * grid->rate.den;
        return magnitude(span - period) <= (__int128)2 * grid->unit.num * grid->rate.num;
}

MediaTime timing_frame_end(const FrameGrid *grid, int64_t pts, int64_t duration) {
        int64_t index;
        const bool periodic = duration <= 0 || is_one_period(grid, duration);
        if (periodic && snap(grid, pts, &index))
                return (MediaTime){(index + 1) * grid->rate.den, grid->rate.num};
        if (duration > 0)
                return (MediaTime){(pts + duration) * grid->unit.num, grid->unit.den};
        return (MediaTime){pts * grid->unit.num * grid->rate.num + grid->rate.den * grid->unit.den,
                           grid->unit.den * grid->rate.num};
}

int64_t timing_tick(MediaTime time, int64_t offset_ms, RvRational rate) {
        const __int128 since = (__int128)time.num * 1000 - (__int128)offset_ms * time.den;
        /* INV-PRODUCER-001 */
        return round_half_up(since * rate.num, (__int128)time.den * 1000 * rate.den);
}

int64_t timing_tick_since(MediaTime time, MediaTime zero, int64_t offset_ms, RvRational rate) {
        const __int128 den = (__int128)time.den * zero.den;
        const __int128 since = ((__int128)time.num * zero.den - (__int128)zero.num * time.den) * 1000 - offset_ms * den;
        return round_half_up(since * rate.num, den * 1000 * rate.den);
}

int64_t timing_sample(MediaTime time, MediaTime zero, int64_t offset_ms, int32_t sample_rate_hz) {
        const __int128 den = (__int128)time.den * zero.den;
        const __int128 since = (__int128)time.num * zero.den - (__int128)zero.num * time.den;
        return round_half_up((since * 1000 - offset_ms * den) * sample_rate_hz, den * 1000);
}

static int32_t ramp(int64_t ticks, RvRational rate, int32_t fade_ms) {
        if (fade_ms <= 0)
                return TIMING_FULL;
        const __int128 level = (__int128)ticks * rate.den * 1000 * TIMING_FULL / ((__int128)rate.num * fade_ms);
        return (int32_t)CLAMP(level, 0, TIMING_FULL);
}

/* INV-PRODUCER-011 */
int32_t timing_level(int64_t k, int64_t n_ticks, RvRational rate, int32_t fade_in_ms, int32_t fade_out_ms) {
        return MIN(ramp(k, rate, fade_in_ms), ramp(n_ticks - k, rate, fade_out_ms));
}
