/*
 * Fan-out: one channel's transport stream to any number of raw viewers, each at its own pace, from one bounded ring.
 *
 * Written by the channel's intake (as an IntakeSink), read by HTTP workers. A viewer begins some random access points
 * back (three, or the session's first) and is sent what has come since at once. Who falls behind the ring's start jumps
 * to the newest random access point: whole packets are lost to that viewer only, and nobody waits for anybody.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/play/intake/intake.h"

typedef struct Fanout Fanout;
typedef struct FanoutViewer FanoutViewer;

Fanout *fanout_new(size_t ring_bytes /* 0 = 8 MiB */);
/* From now on the stream waits for viewers that have begun: where time is led (docs/decisions/014), who is slow delays
 * it and loses nothing. Before the first packet. */
void fanout_wait_for_viewers(Fanout *fanout);
Fanout *fanout_ref(Fanout *fanout);
void fanout_unref(Fanout *fanout);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Fanout, fanout_unref)

IntakeSink fanout_sink(Fanout *fanout);
/* The channel has gone to rest: the ring is let go. Viewers, if there are any, wait for the next session, as they do
 * when a stream ends without rest (engine crash). */
void fanout_rest(Fanout *fanout);

/* wake(user): see fanout_arm; on any thread, must not call back into fanout. */
FanoutViewer *fanout_join(Fanout *fanout, void (*wake)(void *user), void *user);
void fanout_leave(FanoutViewer *viewer);
/* Copies up to size (>= 188) bytes, whole packets only; how many, 0 = nothing there yet. */
size_t fanout_read(FanoutViewer *viewer, uint8_t *buffer, size_t size);
/* After fanout_read returned 0: wake is called once when bytes have come; within this call if they are there already.
 * Apart from reading, so that a reader can first put itself to sleep and then ask to be woken. */
void fanout_arm(FanoutViewer *viewer);

typedef struct {
        unsigned viewers;
        uint64_t bytes_in, bytes_out, bytes_skipped;
} FanoutStats;
FanoutStats fanout_stats(Fanout *fanout);
