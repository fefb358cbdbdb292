/*
 * Sender: a bounded ring of transport stream units and the thread that writes to a unix stream socket what this does
 * not take at once, so that a reader which stalls or goes away never delays whoever makes them.
 *
 * What a reader gets begins with PAT, PMT and a picture it can decode, at the start and after every loss (a loss shows
 * as a jump of continuity counters). Without a reader everything is let go. Nothing here connects again by itself.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "air/output/mux.h"

typedef struct Sender Sender;

typedef struct {
        uint64_t bytes_sent;
        uint64_t bytes_dropped; /* because the reader was slow, or gone with them unsent; not what had no reader at all
                                 */
        bool connected;
} SenderStats;

/* ring_bytes: bound of what waits. A single unit larger than that waits alone. */
Sender *sender_new(size_t ring_bytes, GError **error);
/* Closes the stream, whatever waits in the ring. */
void sender_free(Sender *sender);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Sender, sender_free)

/* Control loop; does not wait. Replaces the reader there was, only when it succeeds. RV_ERROR_UNAVAILABLE: nobody
 * listens. */
bool sender_attach(Sender *sender, const char *socket_path, GError **error);
/* The reader sees the end of the stream at once. */
void sender_detach(Sender *sender);

/* A GStreamer thread, in stream order; never waits for the reader. */
void sender_put(Sender *sender, uint8_t *take_data, size_t size, MuxUnitKind kind);

/* Waits until the ring is empty, the reader gone or the monotonic instant come. */
void sender_drain(Sender *sender, int64_t until_mono_ns);

/* More than half of the ring waits for the reader: who may wait should, before any of it is lost. */
bool sender_is_behind(Sender *sender);

SenderStats sender_stats(Sender *sender);
