/*
 * Probe: opens one media file with libavformat and measures it: the only place outside of playout that ever does. Any
 * thread; every file is bounded in time, memory, streams and picture size, and may be interrupted at any time.
 */
#pragma once

#include <stdatomic.h>

#include "core/plan/catalog/catalog.h"

typedef enum {
        PROBE_OK = 0,
        PROBE_REFUSED, /* the asset's reason says why, in a sentence for people; the same file gives the same answer */
        PROBE_RETRY,   /* as refused, but another time it may work: no permission, a failing disk, too slow */
        PROBE_STOPPED, /* stop was set */
} ProbeResult;

/* Routes libav's messages into the log and bounds its allocations. Once, before the first probe. */
void probe_init(void);

/* As if it had never been measured. */
void probe_forget(Asset *asset);

/*
 * Fills the measured fields of asset (its uri names the file): duration, pictures, sound, chapters; and reason unless
 * OK.
 *
 * The duration is where the last picture or sound really ends, from the packets' timestamps: the whole file is read
 * when it is small or when its end cannot be sought or contradicts its header by more than 100 ms, only its end
 * otherwise.
 */
ProbeResult probe_file(Asset *asset, RvClock *clock, const atomic_bool *stop) G_GNUC_WARN_UNUSED_RESULT;
