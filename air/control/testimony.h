/* Testimony: what the seam reports, in evidence's words. Pure functions; nothing is inferred that was not reported. */
#pragma once

#include "air/seam/seam.h"
#include "proto/evidence/evidence.h"

/* When tick 0 was, and how long a tick lasts. */
typedef struct {
        int64_t epoch_utc_ms;
        RvRational rate;
} FrameClock;

int64_t frame_clock_utc_ms(const FrameClock *clock, int64_t tick);

/* The event for a report, or NULL for reports that are no evidence (DRY, ENDED). */
EvidenceEvent *testimony_of(const SeamReport *report, const FrameClock *clock);
EvidenceEvent *testimony_of_end(const char *reason, const char *detail, int64_t utc_ms);
