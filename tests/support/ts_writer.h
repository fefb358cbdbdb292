/*
 * A transport stream written by hand (ISO/IEC 13818-1), packet by packet, for the tests of what reads one: PAT, PMT,
 * one H.264 picture stream on PID 0x41 and one AAC stream on 0x42. What the pictures hold is not worth decoding, but
 * their headers are right: access unit delimiter, sequence parameter set (High 3.1), slice type.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "proto/base/rational.h"

#define TS_WRITER_CODECS "avc1.64001f,mp4a.40.2"

typedef enum { TS_WRITER_AAC, TS_WRITER_AC3, TS_WRITER_MP2 } TsWriterSound;

typedef struct {
        RvRational rate;
        int64_t first_pts;   /* of frame 0; taken modulo 2^33 */
        TsWriterSound sound; /* AAC unless it is set */
        bool splices;        /* the tables have PID 0x43 for them */
        uint8_t counters[8192];
        GByteArray *bytes; /* what was written; take from it as you like */
} TsWriter;

TsWriter *ts_writer_new(RvRational rate, int64_t first_pts);
void ts_writer_free(TsWriter *writer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TsWriter, ts_writer_free)

/* A PAT packet and a PMT packet. */
void ts_writer_tables(TsWriter *writer);
#define TS_WRITER_NOW (-1)
/* One packet with a splice_insert (SCTE 35) for a frame, or at once; duration -1: not said. Begins to be heard of with
 * the tables behind it if splices is set. */
void ts_writer_splice(TsWriter *writer, bool out, uint32_t event_id, int64_t frame, int64_t duration_90khz);
/* The packets of one picture of about so many bytes; an IDR has the random access indicator. */
void ts_writer_picture(TsWriter *writer, int64_t frame, bool idr, size_t size);
/* One packet of sound at the time of a frame. */
void ts_writer_sound(TsWriter *writer, int64_t frame);
/* Frames [from, to): tables and an IDR in front of every gop_frames-th, counted from 0; sound with each. */
void ts_writer_frames(TsWriter *writer, int64_t from, int64_t to, int gop_frames);
