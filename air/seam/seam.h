/*
 * Seam: the output-frame clock. One thread counts ticks; for each it takes exactly one cell from exactly one source and
 * hands it to the sink. Boundaries are ticks computed once from the plan: ceil((t_ms - epoch_ms) * num / (den * 1000))
 * of cumulative plan times, so they do not drift and no end of file or late decoder can move them.
 *
 * A preparer thread starts the producers of every segment that begins within the next SEAM_PREPARE_TICKS. The tick
 * thread neither opens, allocates, logs nor waits for any of them: a missing cell is the last picture of the segment
 * for at most SEAM_HOLD_MS, then black, and silence at once. When the queue is dry it is black and silence until a
 * block comes, which is then joined where it should be by that time. Where black lasts, the style's slate stands in its
 * place; a slate thread draws it. What happened is told in order, as SeamReports, on the control loop.
 *
 * Wall time is read once, in seam_new; from there on only monotonic time paces, so steps of the clock move nothing.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "air/producer/producer.h"
#include "air/queue/queue.h"
#include "air/seam/lateness.h"
#include "proto/base/clock.h"
#include "proto/house/house_format.h"
#include "proto/house/house_style.h"

#define SEAM_PREPARE_TICKS 90      /* how far ahead of its first tick a source is started */
#define SEAM_PREPARED_SOURCES 2    /* at most so many files ahead of the one on the air (memory) */
#define SEAM_RING_BYTES (11 << 20) /* finished cells a source may hold: so much memory, but ... */
#define SEAM_RING_CELLS_MIN 8      /* ... this many at least, and ... */
#define SEAM_RING_CELLS_MAX 12     /* ... this many at most; and ... */
#define SEAM_EARLY_CELLS 2         /* ... so many before it is the next one and its time is near: */
#define SEAM_NEAR_TICKS 30         /* so near */
#define SEAM_HOLD_MS 250           /* a picture is held for so long at most */
#define SEAM_START_WAIT_MS 150     /* the start waits for cells so long, and twice as long as tick 0 is in the past */
#define SEAM_GAIN_WORTH 6          /* ... and so many times what has been caught up with of that */
#define SEAM_CELL_WAIT_MS 4000     /* of that for one cell; core takes 5 s without a byte for a dead engine */
#define SEAM_PATIENT_WAIT_MS 20000 /* for one cell when nobody is watching */

typedef struct Seam Seam;

/* Where cells go; called on the tick thread only, must not block. idr: the picture must start a random access point
 * (tick 0, each GOP from tick 0, each seam between sources, each fence). The cell and its picture are borrowed. */
typedef struct {
        bool (*push)(void *user, const Cell *cell, bool idr); /* false: seen is the picture before it, again */
        bool (*has_room)(void *user); /* false: better not yet. Asked only for ticks of the past; NULL: always */
        void *user;
} SeamSink;

typedef enum {
        SEAM_BLOCK_START,
        SEAM_SEGMENT_START,
        SEAM_SEGMENT_END, /* also, without a start, for a segment of which nothing was shown: frames is 0 */
        SEAM_BLOCK_FENCE,
        SEAM_DRY,   /* from this tick on there is no block: black until one comes */
        SEAM_ENDED, /* the last report: stop was asked for; an open block has had no fence */
} SeamReportKind;

/* A fact about the output, in tick order. Valid during the call; block is borrowed, NULL for DRY and ENDED. */
typedef struct {
        SeamReportKind kind;
        BlockPlan *block;
        uint32_t segment_index;
        int64_t tick; /* BLOCK_START, SEGMENT_START, DRY: first tick; SEGMENT_END, BLOCK_FENCE, ENDED: first tick after
                       */
        int64_t start_tick;     /* SEGMENT_END, BLOCK_FENCE: where it began */
        int64_t fence_tick;     /* BLOCK_START, BLOCK_FENCE: as planned */
        int64_t frames;         /* SEGMENT_END, BLOCK_FENCE: emitted; the sum of the next four */
        int64_t own_frames;     /* the source's own pictures */
        int64_t held_frames;    /* the last picture again, because no cell was there in time, or the sink had none */
        int64_t missing_frames; /* black, because no cell was there in time */
        int64_t black_frames;   /* black, because the material was over or unusable (pad's own black is own) */
        int64_t first_source_frame, last_source_frame; /* SEGMENT_START, SEGMENT_END: shown; -1 when none */
        bool primed; /* BLOCK_START, SEGMENT_START: a cell was there at the first tick; BLOCK_FENCE: of what follows */
        bool late;   /* SEGMENT_END: began after its planned start, because its block came late */
        bool cut;    /* SEGMENT_END: ended before its planned end */
        bool exhausted;     /* BLOCK_FENCE: the last segment's material was over before the fence */
        bool behind;        /* BLOCK_FENCE: the last segment's source was behind at the fence; its rest is lost */
        const char *reason; /* SEGMENT_END: the producer's code when it failed, else NULL */
        const char *detail; /* and its sentence */
} SeamReport;

/* Where cells come from. The real one is the producer noun; a test may put its own in place. */
typedef struct {
        Producer *(*make)(const ProducerOptions *options);
        bool (*settled)(const Producer *producer,
                        int64_t tick); /* take is not too early for tick; does not ask for it */
        bool (*take)(Producer *producer, int64_t tick, const Cell **ret_cell); /* also black ones, of material's end */
        void (*near)(Producer *producer); /* it is the next one, and begins within SEAM_NEAR_TICKS */
        ProducerState (*state)(const Producer *producer);
        ProducerResult (*result)(const Producer *producer);
        void (*free)(Producer *producer);
} SeamSources;

typedef struct {
        HouseFormat format;
        const HouseStyle *style; /* a reference is taken; NULL: that of house_style_new */
        int64_t epoch_utc_ms;    /* wall time of tick 0 */
        uint32_t lead_ticks;     /* cells are taken this many ticks before their time */
        bool patient;            /* a replay: ticks of the past wait for cells and sink as long as those need */
        BlockQueue *queue;       /* borrowed, outlives the seam; the seam pops blocks whose fence has been reported */
        RvClock *clock;
        GMainContext *context;      /* where reports are delivered; NULL = default */
        const SeamSources *sources; /* NULL = the producer noun */
        void (*on_report)(void *user, const SeamReport *report);
        void *user;
} SeamOptions;

typedef struct {
        int64_t ticks;      /* made */
        int64_t fallback;   /* of those: held, missing, or black for want of a block */
        int64_t late_ticks; /* begun more than one period after their time, once caught up */
        Lateness lateness;  /* of all ticks since then */
} SeamStats;

/* Starts preparing what is in the queue at once; nothing is output yet. */
Seam *seam_new(const SeamOptions *options, GError **error);

/*
 * Starts the ticks, once. Ticks whose time has passed already are made as soon as there is a cell and the sink has
 * room, until time is caught up with or patience is over; from there on each at its time, and none waits.
 */
bool seam_run(Seam *seam, const SeamSink *sink, GError **error);

/* Tells the preparer that the queue has grown. Control loop. */
void seam_queue_changed(Seam *seam);
/* Any thread: the tick made last; -1 before the first. */
int64_t seam_tick(const Seam *seam);
/* Any thread. */
SeamStats seam_stats(const Seam *seam);

/* Asks for the end before the next tick; returns at once. Any thread. */
void seam_stop(Seam *seam);
/* Stops, delivers every outstanding report and ENDED (if it ever ran) from inside this call, frees. On the context's
 * thread; takes a tick's time. NULL is allowed. */
void seam_free(Seam *seam);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Seam, seam_free)
