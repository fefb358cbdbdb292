/*
 * Audio: the sound of a source as house samples, each at its place among the segment's samples. Samples are counted;
 * the container's stamps place the first one and are believed again only when they differ by more than 50 ms. Holes are
 * silence, overlaps are dropped.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "air/producer/decoder.h"
#include "air/producer/timing.h"

typedef struct Audio Audio;

#define AUDIO_CHANNELS 2
#define AUDIO_EDGE 144 /* samples; 3 ms */

Audio *audio_new(Demux *demux, int32_t sample_rate_hz, const atomic_bool *abort, Fault *fault);
void audio_free(Audio *audio);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Audio, audio_free)

/* Sample 0 of the segment is offset_ms after zero, a time of the container. */
void audio_set_zero(Audio *audio, MediaTime zero, int64_t offset_ms);
/* The container's time of the next sound to come; false: unknown, none near, or none at all. */
bool audio_peek_time(Audio *audio, MediaTime *ret_time);
/* After a seek. */
void audio_flush(Audio *audio);

/* Samples [at, at + n), at rising from call to call. False: the sound had ended before at, into is silence. */
bool audio_read(Audio *audio, int64_t at, uint32_t n, float *into);

/*
 * Samples that are at, at + step ... of AUDIO_EDGE away from the edge of what is heard (step 1 after it, -1 before it)
 * are led linearly out of or into silence, so that a hard cut does not click. What is further away stays as it is.
 */
void audio_soften(float *samples, uint32_t n, int64_t at, int step);

/* Gain as a factor, times a level (of TIMING_FULL) that moves linearly over the n samples; clipped to -1..+1. */
void audio_shape(float *samples, uint32_t n, float gain, int32_t level_from, int32_t level_to);
