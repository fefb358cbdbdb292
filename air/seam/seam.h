/*
 * Seam: the output-frame clock. One thread counts ticks; for each it takes exactly one cell from exactly one source and
 * hands it to the sink. Boundaries are ticks computed once from the plan: ceil((t_ms - epoch_ms) * num / (den * 1000)) of
 * cumulative plan times, so they do not drift and no end of file or late decoder can move them.
 *
 * A preparer thread starts the producers of every segment that begins within the next PREPARE_TICKS. The tick thread neither
 * opens, allocates, logs nor waits for any of them: a missing cell is the held picture (then black) with silence.
 * What happened is told in order, as SeamReport records, on the main context given.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "air/producer/cell.h"
#include "air/queue/queue.h"
#include "proto/base/clock.h"
#include "proto/block_plan/house_format.h"

typedef struct Seam Seam;

/* Where cells go; called on the tick thread only, must not block. idr: the picture must start a random access point
 * (tick 0, each GOP, each seam between sources, each fence). The cell's picture is borrowed. */
typedef struct {
        void (*push)(void *user, const Cell *cell, bool idr);
        void *user;
} SeamSink;

typedef enum {
        SEAM_BLOCK_START,
        SEAM_SEGMENT_START,
        SEAM_SEGMENT_END,
        SEAM_BLOCK_FENCE,
        SEAM_ENDED, /* the last report: stop was asked for */
} SeamReportKind;

/* A fact about the output, in tick order. block is a reference that lives as long as the report. */
typedef struct {
        SeamReportKind kind;
        const BlockPlan *block;      /* NULL for ENDED */
        uint32_t segment_index;
        int64_t tick;                /* BLOCK_START, SEGMENT_START: first tick; SEGMENT_END, BLOCK_FENCE: first tick after */
        int64_t start_tick;          /* SEGMENT_END, BLOCK_FENCE: where it began */
        int64_t fence_tick;          /* BLOCK_START */
        int64_t frames;              /* SEGMENT_END, BLOCK_FENCE: emitted */
        int64_t own_frames;          /* of those: the source's own pictures */
        int64_t fallback_frames;     /* of those: held or black because no cell was there in time */
        int64_t black_frames;        /* of those: black because the material was over or unusable (not pad segments) */
        int64_t first_source_frame, last_source_frame; /* shown; -1 when none */
        bool primed;                 /* BLOCK_START, SEGMENT_START: a cell was there at the first tick */
        bool cut;                    /* SEGMENT_END: ended before its planned end */
        char reason[48];             /* SEGMENT_END: producer's reason when it failed */
        char detail[160];
} SeamReport;

typedef struct {
        HouseFormat format;
        int64_t epoch_utc_ms;        /* wall time of tick 0 */
        uint32_t lead_ticks;         /* cells are taken this many ticks before their time */
        BlockQueue *queue;           /* borrowed, outlives the seam; not empty at start */
        SeamSink sink;
        RvClock *clock;
        GMainContext *context;       /* where reports are delivered; NULL = default */
        void (*on_report)(void *user, const SeamReport *report);
        void *user;
} SeamOptions;

/* Starts preparing at once, the tick thread as soon as the first cell is there or 150 ms have gone. Ticks that are already
 * in the past are made as fast as the sink takes them (burst), later ones at their time. */
Seam *seam_start(const SeamOptions *options, GError **error);

/* Tells the preparer that the queue has grown. Control loop. */
void seam_queue_changed(Seam *seam);
/* Any thread: the tick now being made. */
int64_t seam_tick(const Seam *seam);

/* Ends after the current tick: open segment and block are reported as cut, then ENDED is delivered before this returns
 * (on the calling thread, which must be the context's). Frees. Bounded: 1 s. */
void seam_stop(Seam *seam);
