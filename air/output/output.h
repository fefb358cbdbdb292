/*
 * Output: pictures and sound of the house format in, one never-ending MPEG transport stream out.
 *
 * GStreamer encodes (H.264; AAC-LC, AC-3 or MP2) and multiplexes; nothing of it sees a clock: the caller paces. All
 * time stamps are computed from the tick and sample numbers. Bytes go to a unix stream socket through a bounded ring
 * and a writer thread, so that a reader which stalls or goes away never delays the caller: when the ring is full whole
 * access units are dropped up to the next random access point, and counted. The encoder settings that shape SPS and PPS
 * live in one place (encoder.c); the multiplexing stage takes coded access units, so that another maker of them can be
 * put in front of it.
 *
 * The stream tells what it is and what is on (signals/): tables of the service, of the programme on the air and the
 * next, and of the time, always; breaks and programmes as splice messages on a PID of their own, if the style asks for
 * them.
 *
 * Standards: ISO/IEC 13818-1 (TS), 14496-10 (H.264), 13818-7 ADTS (AAC), 11172-3 (MP2), ATSC A/52 (AC-3), EN 300
 * 468 (tables), SCTE 35 (splices).
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/house/house_format.h"
#include "proto/house/house_style.h"

typedef struct Output Output;

typedef struct {
        HouseFormat format;
        const HouseStyle *style; /* borrowed for output_new; NULL: that of house_style_new */
        int64_t epoch_utc_ms;    /* wall time of tick 0, for the tables */
        uint32_t lead_ticks; /* sound runs ahead of its picture by so many ticks inside the output; 3, at most 240 */
        size_t ring_bytes;   /* bound of unsent bytes; 0 = 8 MiB */
        /* Encoder or multiplexer died: nothing more will come out. Any thread, at most once, not after output_free has
         * returned. May be NULL. */
        void (*on_failed)(void *user, const char *detail);
        void *user;
} OutputOptions;

typedef struct {
        uint64_t bytes_sent;
        uint64_t bytes_dropped;   /* a reader was there but too slow, or left them unread; not what had no reader */
        uint64_t frames_in;       /* calls of output_push */
        uint64_t frames_repeated; /* of those: the picture before was shown again, because the encoder was behind */
        bool connected;           /* to a stream reader */
} OutputStats;

/*
 * Once per process, before there is any other thread, because it changes the environment: GStreamer will know the
 * plug-ins we name only. cache_dir (made if missing) gets the registry that makes later starts fast; engines may share
 * it. When it cannot be used, or this is not called, the system's registry serves.
 */
void output_prepare(const char *cache_dir);
/*
 * Once per process, on any thread: starts GStreamer and sends its messages to the log (`gstreamer.message`).
 * RV_ERROR_UNAVAILABLE: something of it is not installed. FFmpeg's log callback is GStreamer's from the first
 * output_new on.
 */
bool output_init(GError **error);

/* Builds and starts the pipeline (10..60 ms). RV_ERROR_INVALID: not a house format. */
Output *output_new(const OutputOptions *options, GError **error);
/*
 * Sends what was pushed if there is a reader, closes the stream, frees. At most 0.8 s pass in waiting. The thread that
 * pushes must have ended.
 */
void output_free(Output *output);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Output, output_free)

/*
 * Control loop; does not wait. Connects to a listening unix stream socket and sends from the next PAT, PMT and IDR on,
 * so attach before the first push to lose nothing. Replaces the reader before, but only when it succeeds; a reader that
 * leaves is not sought again. RV_ERROR_UNAVAILABLE: nobody listens there, RV_ERROR_INVALID: no possible path.
 */
bool output_attach(Output *output, const char *socket_path, GError **error);
/*
 * Likewise, to whoever reads the second rendition. Its pictures have the same times and random access points, its sound
 * is the same; whatever becomes of it, the first is not touched: when it fails, its stream ends (`output.rendition_
 * failed`) and RV_ERROR_UNAVAILABLE is what there is from then on, as in a format without one.
 */
bool output_attach_second(Output *output, const char *socket_path, GError **error);
/* The readers see the end of their streams at once; the output goes on. */
void output_detach(Output *output);

/* What is to come, in ticks, in order. An id is the same in every session that shows the same. */
typedef struct {
        const char *title; /* UTF-8 */
        uint32_t id;
        int64_t start_tick, end_tick;
        int64_t start_utc_ms, end_utc_ms;
        bool begun_before; /* the session began, or the channel was tuned to, in its midst */
} OutputProgramme;

/* A time in which others may show their own. */
typedef struct {
        uint32_t id;
        int64_t start_tick, end_tick; /* random access points both */
} OutputBreak;

typedef struct {
        const OutputProgramme *programmes;
        size_t n_programmes;
        const OutputBreak *breaks;
        size_t n_breaks;
} OutputOutlook;

/*
 * Control loop; copied. Replaces what was announced before, but for a break that the stream has begun to tell, which it
 * does 8 s ahead: that one stays as it was. What is past is let be; a break that has begun and was not told is told at
 * once, with what remains of it.
 */
void output_announce(Output *output, const OutputOutlook *outlook);

typedef struct {
        int64_t tick;        /* the first call's is any >= 0, each later one's is one more */
        const uint8_t *data; /* as house_picture_layout has it for the format */
        size_t size;
        void *picture;                  /* released by release(picture) when GStreamer has done with data: exactly */
        void (*release)(void *picture); /* once, on any thread, at the latest in output_free. May be NULL */
        const float *samples;           /* interleaved stereo; copied */
        uint32_t n_samples;             /* rv_tick_to_sample(tick + 1) - rv_tick_to_sample(tick) */
        const uint8_t *captions;        /* cc_data triplets (ATSC A/53 part 4) that this picture carries; copied */
        size_t captions_size;           /* 0: none, and nothing is said about captions */
        bool idr;                       /* this picture starts a random access point: PAT, PMT, SPS, PPS, IDR */
} OutputFrame;

/*
 * Tick thread. Never blocks for I/O. The picture leaves lead_ticks calls later than its sound, but for the first, which
 * is coded at once. When the encoder is more than a dozen pictures behind, the previous one is pushed again in place of
 * this one (the count of frames stays exact, an IDR asked for stays one). The first picture is always an IDR. After
 * on_failed pictures are only released. True: this is what is seen at its tick, or will be unless the output fails
 * first.
 *
 * Picture n has PTS = DTS = 324000000 + 90000 + floor(n * 90000 * den / num + 1/2), modulo 2^33, in the stream, and
 * sample s is heard at 324000000 + 90000 + s * 90000 / 48000.
 */
bool output_push(Output *output, const OutputFrame *take_frame);

/* Tick thread. False while the encoder has enough to do: who makes pictures faster than in real time waits, so that
 * none is replaced by the one before it. */
bool output_has_room(const Output *output);

OutputStats output_stats(Output *output);
