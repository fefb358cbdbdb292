/*
 * Lateness: how late ticks began, counted in fixed steps from 10 us to half a second, so that it takes the tick thread
 * an addition and can be told, summed over sessions and drawn at any time. A plain value; the counters that it comes
 * from are the tick thread's to write and anybody's to read.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#define LATENESS_STEPS 16

/* Upper bounds, in us; the last step has none and holds INT64_MAX. */
extern const int64_t lateness_bounds_us[LATENESS_STEPS];

typedef struct {
        int64_t counts[LATENESS_STEPS];
        int64_t max_us;
} Lateness;

/* How many there are. */
int64_t lateness_count(const Lateness *lateness);
/* What so many per mille of them do not exceed: a bound of the step that holds it, or max_us where that is less. */
int64_t lateness_percentile_us(const Lateness *lateness, int per_mille);
/* "10:8812,20:91,...,inf:0", for a log; g_free it. */
char *lateness_text(const Lateness *lateness);

typedef struct {
        _Atomic int64_t counts[LATENESS_STEPS];
        _Atomic int64_t max_us;
} LatenessCounters;

/* Tick thread. Neither allocates nor waits. */
void lateness_note(LatenessCounters *counters, int64_t late_us);
/* Any thread. */
Lateness lateness_read(const LatenessCounters *counters);
