/*
 * Fan-out: one channel's transport stream to any number of raw viewers, each at its own pace, from one bounded ring.
 *
 * Written by the channel's intake (as an IntakeSink), read by HTTP workers. A viewer begins at the newest random access
 * point and is sent what has come since at once. Who falls behind the ring's start jumps to the newest random access
 * point: whole packets are lost to that viewer only, and nobody waits for anybody.
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
Fanout *fanout_ref(Fanout *fanout);
void fanout_unref(Fanout *fanout);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Fanout, fanout_unref)

IntakeSink fanout_sink(Fanout *fanout);
/* The channel has gone to rest: viewers reach the end. A stream that ends without rest (engine crash) leaves them
 * waiting for the next session's first random access point. */
void fanout_rest(Fanout *fanout);

/* wake(user): see fanout_arm; on any thread, must not call back into fanout. */
FanoutViewer *fanout_join(Fanout *fanout, void (*wake)(void *user), void *user);
void fanout_leave(FanoutViewer *viewer);

typedef enum { FANOUT_DATA, FANOUT_EMPTY, FANOUT_END } FanoutResult;
/* Copies up to size bytes, whole packets only. *ret_size > 0 exactly for FANOUT_DATA. */
FanoutResult fanout_read(FanoutViewer *viewer, uint8_t *buffer, size_t size, size_t *ret_size);
/* After FANOUT_EMPTY: wake is called once when bytes or the end have come; within this call if they are there already.
 * Apart from reading, so that a reader can first put itself to sleep and then ask to be woken. */
void fanout_arm(FanoutViewer *viewer);

typedef struct {
        unsigned viewers;
        uint64_t bytes_in, bytes_out, bytes_skipped;
} FanoutStats;
FanoutStats fanout_stats(Fanout *fanout);
