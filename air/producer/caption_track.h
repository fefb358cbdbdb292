/*
 * Caption track: closed captions that a file has in a track of their own and not in its pictures, as QuickTime and MP4
 * do (c608: pairs of line 21 in atoms "cdat", field 1, and "cdt2", field 2). The pairs of a packet are spread evenly
 * over its time. Used by one thread.
 *
 * Standards: QuickTime File Format, closed captioning media; CEA-608-E (pairs).
 */
#pragma once

#include <glib.h>

#include "air/captions/captions.h"
#include "air/producer/demux.h"
#include "air/producer/timing.h"

typedef struct CaptionTrack CaptionTrack;

/* NULL: the file has none. Lives no longer than demux. */
CaptionTrack *caption_track_open(Demux *demux);
void caption_track_free(CaptionTrack *track);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CaptionTrack, caption_track_free)

/* Elsewhere in the file: what was read is forgotten. */
void caption_track_flush(CaptionTrack *track);

typedef struct {
        MediaTime zero;    /* of the asset */
        int64_t offset_ms; /* of tick 0 after zero */
        RvRational rate;
        int64_t from_k;  /* pairs of ticks before it are left out, ... */
        int64_t until_k; /* ... and those of ticks after it wait */
} CaptionSpan;

/* Puts the pairs that have been read of a stretch of time into the queue, each once, in order. */
void caption_track_pull(CaptionTrack *track, const CaptionSpan *span, CaptionQueue *queue);
