/*
 * Timing: where a source's pictures and sound fall among the output's ticks and samples. Pure integer arithmetic; the
 * result depends on stamps, offset and rates alone, never on where decoding began. Ticks and samples here are relative
 * to the segment's first (k = tick - start_tick).
 */
#pragma once

#include <stdint.h>

#include "proto/base/rational.h"

/* An instant or a span: num / den seconds, exact. den > 0. */
typedef struct {
        int64_t num;
        int64_t den;
} MediaTime;

/* What a source's picture stamps mean: their unit, and the rate that the source claims. */
typedef struct {
        MediaTime unit;
        RvRational rate;
} FrameGrid;

/* The rate that num/den stands for: a whole number or a 1000/1001 of one when within 2e-5 (Matroska says 19001/317 for
 * 60000/1001). 25 when it is no frame rate at all. */
RvRational timing_nominal_rate(int64_t num, int64_t den);

/*
 * Time of a picture whose stamp is pts units after the first picture's: on the nominal grid when not farther from it
 * than one unit (at most 2 ms), else as stamped. ret_index: its nominal position.
 */
MediaTime timing_frame(const FrameGrid *grid, int64_t pts, int64_t *ret_index);
/* When it has had its time; duration in units, <= 0: one period of the rate. */
MediaTime timing_frame_end(const FrameGrid *grid, int64_t pts, int64_t duration);

/* First tick that shows what happens at time: floor((time - offset) * rate + 1/2). */
int64_t timing_tick(MediaTime time, int64_t offset_ms, RvRational rate);
/* The same for time - zero. */
int64_t timing_tick_since(MediaTime time, MediaTime zero, int64_t offset_ms, RvRational rate);
/* Sample of the segment at which time - zero falls: floor((time - zero - offset) * sample_rate + 1/2). */
int64_t timing_sample(MediaTime time, MediaTime zero, int64_t offset_ms, int32_t sample_rate_hz);

#define TIMING_FULL 65536
/*
 * Level, 0..TIMING_FULL, at the boundary before relative tick k of a segment of n_ticks: rises linearly over fade_in_ms
 * from 0 at boundary 0, falls to 0 at boundary n_ticks over fade_out_ms.
 */
int32_t timing_level(int64_t k, int64_t n_ticks, RvRational rate, int32_t fade_in_ms, int32_t fade_out_ms);
