/* Video: the pictures of a source with their exact times, progressive and upright. */
#pragma once

#include <glib.h>
#include <libavutil/frame.h>

#include "air/producer/decoder.h"
#include "air/producer/timing.h"

typedef struct Video Video;

typedef struct {
        MediaTime time, end; /* since the source's first picture */
        int64_t index;       /* nominal: time * rate */
} VideoStamp;

Video *video_new(Demux *demux, const atomic_bool *abort, Fault *fault);
void video_free(Video *video);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Video, video_free)

/* The next picture, later than the one before. into is unreferenced first. The first picture ever taken fixes the zero
 * of all times, so it must be the file's first. */
DecoderResult video_next(Video *video, AVFrame *into, VideoStamp *ret_stamp);
/* After a seek. */
void video_flush(Video *video);
/* After a seek: pictures earlier than so long after zero need not come. */
void video_skip_before(Video *video, int64_t ms);

/* After a seek, the first pictures are right when they begin so much before the one wanted: 0, or two periods. */
int64_t video_memory_ms(const Video *video);

/* The first picture's time in the container's own reckoning. */
MediaTime video_zero(const Video *video);
/* The container stamps pictures late by the decoder's delay and cannot say when the first one is shown. */
bool video_zero_is_vague(const Video *video);
unsigned video_damaged(const Video *video);
