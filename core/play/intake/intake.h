/*
 * Intake: takes one engine session's MPEG transport stream from its unix socket and tells what is in it, packet by
 * packet, without decoding: where random access points are and which output frame each of them is, and which frames
 * splice messages mean.
 *
 * One thread a session reads and calls the sinks; they must not block. Frames are counted from the session's first
 * picture by PTS differences (33-bit safe), so a frame's wall time is epoch + frame * den / num exactly. What is not a
 * transport stream (lost sync, garbage) is dropped up to the next packet that another one follows.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/clock.h"
#include "proto/base/rational.h"

#define TS_PACKET 188

/* A break begins or ends, as a splice_insert of the stream says (ANSI/SCTE 35). Each is told several times. */
typedef struct {
        bool out; /* it begins */
        uint32_t event_id;
        int64_t frame;          /* its first one, or the first after it, mostly yet to come; may be off what there is */
        int64_t duration_90khz; /* of the break that begins; -1: not said */
        const uint8_t *section; /* the message, valid during the call */
        size_t size;
} IntakeSplice;

/* Called on the intake's thread, in stream order. */
typedef struct {
        /* The next bytes begin with PAT and PMT, followed by an IDR picture: output frame `frame` of the session. */
        void (*random_access)(void *user, int64_t frame);
        /* Whole packets. Between two random_access calls every picture starts in frame order. */
        void (*packets)(void *user, const uint8_t *packets, size_t size);
        /* A picture (access unit) starts in the next bytes. May be NULL. */
        void (*picture)(void *user, int64_t frame);
        /* A splice is told, behind the picture called last. May be NULL. */
        void (*splice)(void *user, const IntakeSplice *splice);
        /* The stream is over: the intake was stopped. Last call. */
        void (*end)(void *user);
        void *user;
} IntakeSink;

/* The parser by itself, for whoever has bytes (tests, fuzzing). */
typedef struct IntakeParser IntakeParser;
IntakeParser *intake_parser_new(RvRational rate, const IntakeSink *sinks, unsigned n_sinks);
void intake_parser_free(IntakeParser *parser);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(IntakeParser, intake_parser_free)
/* Any sizes, cut anywhere; whole packets go on to the sinks at once. */
void intake_parser_push(IntakeParser *parser, const uint8_t *data, size_t size);
/* The bytes that come next do not continue the ones before (another connection): half a packet is forgotten. */
void intake_parser_cut(IntakeParser *parser);
void intake_parser_end(IntakeParser *parser);
/* How often sync was lost. */
uint64_t intake_parser_syncs_lost(const IntakeParser *parser);

typedef struct {
        uint64_t bytes, syncs_lost;
        int64_t last_bytes_mono_ns; /* when bytes last came; start of the intake before the first */
        bool connected;
} IntakeStats;

typedef struct Intake Intake;

/* Listens on socket_path (made, mode 0600, removed at the end), takes one connection after another (an engine may
 * attach anew), and runs the parser on its own thread. */
Intake *intake_start(const char *socket_path, RvRational rate, const IntakeSink *sinks, unsigned n_sinks,
                     RvClock *clock, GError **error);
IntakeStats intake_stats(Intake *intake); /* any thread */
/* Ends the thread (bounded), the sinks' end is called, frees. NULL is allowed. */
void intake_stop(Intake *intake);
