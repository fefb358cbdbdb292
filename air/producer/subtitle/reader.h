/* Reader: what the packets of one subtitle track say, as events. Of any format that FFmpeg decodes. */
#pragma once

#include <libavformat/avformat.h>

#include "air/producer/subtitle/events.h"
#include "air/producer/timing.h"

/* Where a track's times fall among the segment's ticks. */
typedef struct {
        MediaTime zero;
        int64_t offset_ms; /* of tick 0 after zero */
        RvRational rate;
} ReaderClock;

typedef struct Reader Reader;

/* NULL when there is no decoder. stream is borrowed. frame_height: of the pictures beside it, before scaling. */
Reader *reader_new(const AVStream *stream, int frame_height);
void reader_free(Reader *reader);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Reader, reader_free)

/* Only events marked as forced. */
void reader_set_forced_only(Reader *reader);

/* What a packet says goes into events. One that has been read before (since it is met again after a seek) says nothing.
 */
void reader_read(Reader *reader, AVPacket *packet, const ReaderClock *clock, Events *events);
/* What follows is from another place. */
void reader_flush(Reader *reader);

/* The beginning of the ASS script that the events' lines are part of, for a picture of so many of the house's lines. */
char *reader_header(const Reader *reader, int32_t height, int32_t house_height);
/* Packets that could not be decoded. */
unsigned reader_damaged(const Reader *reader);
