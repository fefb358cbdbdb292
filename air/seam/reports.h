/*
 * Reports: records of a fixed size from the tick thread (the only writer) to the control loop, none ever lost: the tick
 * thread looks for room before it changes sources. The end of a segment carries the segment's producer with it, so that
 * the control loop learns how it went and frees it.
 */
#pragma once

#include <stdatomic.h>

#include "air/seam/seam.h"

#define REPORTS_MAX 1024 /* a power of two */

typedef struct {
        SeamReport report;
        Producer *producer; /* SEGMENT_END only; may be NULL */
} Record;

typedef struct {
        Record *slots;
        int event_fd;
        _Atomic uint32_t head; /* moved by the control loop; counts without end */
        _Atomic uint32_t tail; /* moved by the tick thread */
} Reports;

bool reports_init(Reports *reports, GError **error);
void reports_clear(Reports *reports);

/* Tick thread. */
uint32_t reports_room(const Reports *reports);
/* The next record, zeroed but for kind, block (a reference is taken) and segment; there is room. */
Record *reports_begin(Reports *reports, SeamReportKind kind, BlockPlan *block, uint32_t segment_index);
void reports_commit(Reports *reports);
/* Wakes the control loop. */
void reports_notify(Reports *reports);

/* Control loop: the oldest record; NULL when there is none. It is lent until reports_drop, which gives up its block. */
Record *reports_front(Reports *reports);
void reports_drop(Reports *reports);
void reports_forget_notice(Reports *reports);
