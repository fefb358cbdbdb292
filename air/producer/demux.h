/*
 * Demux: a regular file, taken apart into the packets of one video, one audio, one subtitle and one caption stream. The
 * file is opened without ever blocking on what is not one, and nothing that its content names is opened. Used by one
 * thread; every read is cut short when *abort becomes true.
 */
#pragma once

#include <glib.h>
#include <libavformat/avformat.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "air/producer/fault.h"
#include "proto/house/house_style.h"

typedef struct Demux Demux;

typedef enum { DEMUX_VIDEO, DEMUX_AUDIO, DEMUX_SUBTITLES, DEMUX_CAPTIONS, DEMUX_N_STREAMS } DemuxStream;

typedef enum {
        DEMUX_PACKET,
        DEMUX_NOT_NEAR, /* none within reach: the other stream is far ahead. Take of that one first */
        DEMUX_END,      /* no more, or *abort */
} DemuxResult;

typedef struct {
        const char *path;
        const HouseStyle *style; /* whose languages decide which sound it is; NULL: the file decides */
        const atomic_bool *abort;
} DemuxOptions;

/* NULL and *fault when there is nothing in it to play. path and style are borrowed for the call. */
Demux *demux_open(const DemuxOptions *options, Fault *fault);
void demux_free(Demux *demux);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Demux, demux_free)

/* NULL: the file has no such stream. */
AVStream *demux_stream(const Demux *demux, DemuxStream which);
AVFormatContext *demux_format(const Demux *demux);

/* The next packet of pictures or sound in file order; into is unreferenced first. */
DemuxResult demux_read(Demux *demux, DemuxStream which, AVPacket *into);
/* Subtitles are few: nothing is ever read for their sake, or that of captions. To be called before the first packet is
 * read, with the index of the stream; from then on demux_waiting gives its packets. */
void demux_use_subtitles(Demux *demux, int index);
/* The next packet of subtitles or captions, in file order, as others were read past them. False: none has been read.
 * into is unreferenced first. */
bool demux_waiting(Demux *demux, DemuxStream which, AVPacket *into);
/* Reads what was before a place, for its subtitles only, which then are waiting; a seek must follow. It is no more than
 * a bounded amount of data that ends at the place. */
void demux_look_back(Demux *demux, int64_t container_us);
/* The stamp of the stream's next packet as far as it has been read, without reading; false: none has. */
bool demux_peek_pts(Demux *demux, DemuxStream which, int64_t *ret_pts);
/* To a key picture (or packet of sound) at or before the instant, as well as the container can. */
bool demux_seek_us(Demux *demux, int64_t container_us);

/* The stream is used no more: its packets are dropped from now on. */
void demux_drop(Demux *demux, DemuxStream which);
/* Reading ended with an error of the file, not with its end; 0: no. */
int demux_error(const Demux *demux);
