/*
 * Subtitles: those of one source that the channel shows, if any: chosen, read as the pictures are read (or whole, where
 * they have a file of their own), and drawn over the house picture. What is shown at a tick depends on the material and
 * the tick only. Used by the source's thread. Whatever is wrong with them, the programme goes on without.
 */
#pragma once

#include <glib.h>
#include <stdatomic.h>
#include <stdint.h>

#include "air/producer/demux.h"
#include "air/producer/picture/picture.h"
#include "air/producer/picture/place.h"
#include "air/producer/timing.h"
#include "proto/block_plan/block_plan.h"

typedef struct Subtitles Subtitles;

typedef struct {
        Demux *demux; /* nothing has been read of it; outlives the subtitles, as does all else here */
        const BlockSegment *segment;
        const HouseStyle *style; /* NULL: nothing is wished */
        RvRational rate;
        const atomic_bool *abort;
} SubtitlesOptions;

/* NULL: there are none to be shown. */
Subtitles *subtitles_open(const SubtitlesOptions *options);
void subtitles_free(Subtitles *subtitles);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Subtitles, subtitles_free)

/* Tick 0 is offset_ms after zero, a time of the container. Before the calls below. */
void subtitles_start(Subtitles *subtitles, MediaTime zero, int64_t offset_ms);

/* Before the demuxer is sent to another place: what began before it is read, as far back as is worth it. */
void subtitles_look_back(Subtitles *subtitles, int64_t container_us);

/* A picture as it stands in the house's. */
typedef struct {
        PlaceRect at;
        int32_t source_width, source_height;
        int32_t house_height;
} SubtitlesFrame;

/* What is over the picture at relative tick k, at rising k: the same number as long as it looks the same, 0 nothing. */
uint32_t subtitles_at(Subtitles *subtitles, int64_t k, const SubtitlesFrame *frame);
/* Draws that. */
void subtitles_draw(const Subtitles *subtitles, Picture *into);
