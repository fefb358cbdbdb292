/*
 * Output: pictures and sound of the house format in, one never-ending MPEG transport stream out.
 *
 * GStreamer encodes (H.264 by x264, AAC-LC) and multiplexes; nothing of it sees a clock: the caller paces. All time stamps
 * are computed from the tick and sample numbers. Bytes go to a unix stream socket through a bounded ring and a writer
 * thread, so that a reader which stalls or goes away never delays the caller: when the ring is full whole access units are
 * dropped up to the next random access point, and counted. The encoder settings that shape SPS and PPS live in one place
 * (encoder.c); the multiplexing stage takes coded access units, so that another maker of them can be put in front of it.
 *
 * Standards: ISO/IEC 13818-1 (TS), 14496-10 (H.264), 13818-7 ADTS (AAC).
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/block_plan/house_format.h"

typedef struct Output Output;

typedef struct {
        HouseFormat format;
        uint32_t lead_ticks;      /* sound runs ahead of its picture by this many ticks inside the output (3) */
        size_t ring_bytes;        /* bound of unsent bytes; 0 = 8 MiB */
        void (*on_failed)(void *user, const char *detail); /* encoder or muxer died; any thread, at most once; may be NULL */
        void *user;
} OutputOptions;

typedef struct {
        uint64_t bytes_sent, bytes_dropped, frames_in, frames_repeated; /* repeated: encoder was behind */
        bool connected;                                                 /* to a stream reader */
} OutputStats;

/* Once per process, before any other thread: loads GStreamer from the plug-ins we name only. cache_dir holds the registry
 * (made if missing; NULL = system registry). */
bool output_init(const char *cache_dir, GError **error);

/* Builds and starts the pipeline (10..60 ms). */
Output *output_new(const OutputOptions *options, GError **error);
/* Drains what was pushed (bounded, 1 s), closes the stream, frees. */
void output_free(Output *output);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Output, output_free)

/* Control loop: connects to a listening unix stream socket and sends from the next PAT + IDR on. Replaces the one before. */
bool output_attach(Output *output, const char *socket_path, GError **error);
void output_detach(Output *output);

typedef struct {
        int64_t tick;              /* 0, 1, 2 ... exactly one call each */
        const uint8_t *data;       /* I420, GstVideoInfo's default strides and offsets for the format */
        size_t size;
        void *picture;             /* released by release(picture) when GStreamer has done with data */
        void (*release)(void *picture);
        const float *samples;      /* interleaved stereo; copied */
        uint32_t n_samples;        /* rv_tick_to_sample(tick + 1) - rv_tick_to_sample(tick) */
        bool idr;                  /* this picture starts a random access point: PAT, PMT, SPS, PPS, IDR */
} OutputFrame;

/* Tick thread. Never blocks for I/O. When the encoder is more than a dozen frames behind, the previous picture is pushed
 * again in place of this one (frame count stays exact). Tick 0 is always an IDR. */
void output_push(Output *output, const OutputFrame *take_frame);

OutputStats output_stats(Output *output);
