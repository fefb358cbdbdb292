/*
 * Multiplexer: coded access units in, an MPEG-2 transport stream of one programme out (ISO/IEC 13818-1), in units:
 * the packets of one access unit, with the tables that go in front of it. It does not care who coded the access units:
 * whoever links a source of H.264 (byte-stream, one access unit a buffer) and one of framed AAC, both stamped in
 * running time, is served.
 *
 * Pictures on PID 65, which carries the PCR, sound on PID 66, and what its caller puts there on MUX_SPLICE_PID. Not
 * constant bit rate: the PCR runs a fixed 125 ms ahead of the decoding times, which in 1.22 no stuffing mode of the
 * element keeps.
 */
#pragma once

#include <glib.h>
#include <gst/gst.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
        MUX_CONTINUES,     /* more of what went before */
        MUX_RANDOM_ACCESS, /* begins with PAT and PMT, followed by a picture that needs none before it */
} MuxUnitKind;

typedef struct {
        /* On GStreamer's thread, in stream order; must not block. take_data: g_free; whole packets. */
        void (*unit)(void *user, uint8_t *take_data, size_t size, MuxUnitKind kind);
        /* Likewise, behind each unit in which a picture begins; what is put there stands between access units. */
        void (*behind_picture)(void *user);
        void *user;
} MuxSink;

typedef struct {
        MuxSink sink;
        int32_t service_id; /* the programme's number */
        bool splices;       /* MUX_SPLICE_PID is announced in the PMT, as SCTE 35 wants it */
} MuxOptions;

#define MUX_SPLICE_PID 67

typedef struct {
        MuxSink sink;
        GstElement *muxer, *outlet; /* owned by the pipeline */
} Mux;

/* Adds the elements to the pipeline; *ret_mux must not move afterwards. Fails when an element is missing. */
bool mux_init(Mux *ret_mux, GstBin *pipeline, const MuxOptions *options, GError **error);
/* Links the "src" pads of the two makers of access units. */
bool mux_link(Mux *mux, GstElement *pictures, GstElement *sound, GError **error);
