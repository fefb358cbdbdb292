/*
 * Producer: turns a segment of any file, or nothing at all, into finished cells for the ticks [start_tick, end_tick).
 *
 * Each producer has a thread of its own, which opens, seeks, decodes, scales, fades and levels ahead of the playhead
 * into a small ring. The tick thread takes cells and never waits; the mapping from source time to ticks depends on
 * nothing but the asset, its offset and start_tick, so it is the same whenever the producer is started. Whatever is
 * wrong with the material, a producer yields cells or says that none will come; it never blocks, crashes or delays its
 * user.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "air/graphics/graphics.h"
#include "air/producer/cell.h"
#include "proto/base/clock.h"
#include "proto/block_plan/block_plan.h"
#include "proto/house/house_format.h"
#include "proto/house/house_style.h"

typedef struct Producer Producer;

typedef struct {
        HouseFormat format;
        const HouseStyle *style; /* borrowed for the call, like the block; NULL: that of house_style_new */
        const BlockPlan *block;  /* borrowed for the call: the producer takes its own reference */
        uint32_t segment_index;  /* in block */
        int64_t start_tick;      /* first tick of the segment's time, also when join_tick is later */
        int64_t end_tick;        /* first tick after it */
        uint32_t ring_cells;     /* how many finished cells may wait; 8..16 */
        uint32_t early_cells;    /* how many of them before its time is near; 0: all */
} ProducerOptions;

typedef enum {
        PRODUCER_PREPARING, /* no cell yet */
        PRODUCER_READY,     /* at least one cell has been made */
        PRODUCER_FAILED,    /* the material cannot be opened or decoded any further; no more cells will come */
        PRODUCER_OVER,      /* the material has ended, or end_tick is reached; no more CELL_CONTENT will come */
} ProducerState;

/* What a producer knows once it is over, for evidence. */
typedef struct {
        ProducerState state;
        char reason[48];  /* UPPER_CASE code when FAILED, e.g. OPEN_FAILED, DECODE_FAILED, NOT_A_FILE; else empty */
        char detail[160]; /* a sentence for the log */
} ProducerResult;

/* Starts the thread at once. For a pad segment there is no thread and every cell is black. Never NULL. */
Producer *producer_new(const ProducerOptions *options);

/*
 * Tick thread: the cell for exactly this tick, if it is finished; older ones in the ring are thrown away. False: none
 * (yet). *ret_cell is lent until the next call of take or free; picture is a borrowed reference. Never blocks, never
 * allocates. Ticks are asked for in rising order. A tick that has been asked for has passed: its cell will not be made
 * any more, and a producer that is behind goes on with the next one.
 */
bool producer_take(Producer *producer, int64_t tick, const Cell **ret_cell);

/* Tick thread: its time is near, or there: from now on all cells may wait. The first take says so, too. Never blocks.
 */
void producer_near(Producer *producer);

/* Any thread: whether take can no longer be too early for tick: its cell is finished, or none will come. Does not ask
 * for it. Nothing beyond ring_cells ahead of the last one taken ever is. */
bool producer_settled(const Producer *producer, int64_t tick);

/* Waits until it is settled. For one user that is not bound to time (compressed runs, tests). */
void producer_wait(Producer *producer, int64_t tick);

/* Any thread. READY, FAILED and OVER tell of the making: cells may still be in the ring. */
ProducerState producer_state(const Producer *producer);
ProducerResult producer_result(const Producer *producer);

/* Tells when the state first leaves PREPARING: called once on the producer's thread (for pad: within set). Set before
 * or after the fact; used to fix the epoch only when the first picture is there. */
void producer_on_ready(Producer *producer, void (*f)(void *user), void *user);

/*
 * Asks the thread to end and lets go; returns at once. The thread frees what it holds when it comes out of the library
 * or the kernel; one that stays stuck there is counted by producer_stuck_threads. Not on the tick thread.
 */
void producer_free(Producer *producer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Producer, producer_free)

/* Threads that were let go and have not ended yet. */
unsigned producer_stuck_threads(void);

/* The one black picture of a format, shared by all pads. A new reference. */
Picture *producer_black(const HouseFormat *format);

/* Slates: pictures for where one should be and is not (air/graphics says what is on them). Used by one thread, which is
 * not the tick thread: drawing takes tens of milliseconds. */
typedef struct Slates Slates;

/* For the style's mode, which is not SLATE_OFF. */
Slates *slates_new(const HouseFormat *format, const HouseStyle *style);
void slates_free(Slates *slates);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Slates, slates_free)

/* A new reference; cause may be NULL. Waits while all the pictures that there are for it are in use; NULL: ended. */
Picture *slates_draw(Slates *slates, const SlateCause *cause);
/* Any thread: nothing is waited for any more. */
void slates_end(Slates *slates);
