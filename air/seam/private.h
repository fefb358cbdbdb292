/* What the three threads of a seam share, and what each has for itself. */
#pragma once

#include <semaphore.h>
#include <stdatomic.h>

#include "air/seam/reports.h"
#include "air/seam/seam.h"
#include "air/seam/slate.h"
#include "air/seam/turns.h"
#include "proto/base/thread.h"

/* Frames shown, by what they were. */
typedef struct {
        int64_t own, held, missing, black;
        int64_t first_source_frame, last_source_frame; /* -1 when none */
} Tally;

/* What the last tick showed. */
typedef enum { SHOWN_OWN, SHOWN_HELD, SHOWN_MISSING, SHOWN_BLACK } Shown;

struct Seam {
        /* Fixed before any thread runs. */
        HouseFormat format;
        HouseStyle *style;
        int64_t epoch_utc_ms;
        int64_t tick0_mono_ns;
        int64_t hold_ticks, slate_ticks;
        bool patient;
        uint32_t lead_ticks;
        BlockQueue *queue;
        RvClock *clock;
        const SeamSources *sources;
        Picture *black;
        float *silence;
        SeamSink sink; /* by seam_run */

        /* Handed from thread to thread: preparer -> tick thread -> control loop. */
        Turns turns;
        Reports reports;
        Slate slate;

        /* Any thread. */
        sem_t news;              /* the preparer has something to look at */
        _Atomic uint32_t asked;  /* how often it was asked to, and ... */
        _Atomic uint32_t looked; /* ... how often it had been when it last began a look that is over */
        _Atomic bool stopping;
        _Atomic int64_t tick;      /* made last */
        _Atomic int64_t wake_tick; /* the preparer wants to know when this one is made */
        _Atomic uint32_t released; /* files that the tick thread has taken over from the preparer */
        _Atomic int64_t fallback, late_ticks;
        LatenessCounters lateness;

        struct {
                BlockPlan *block; /* being cut into turns; NULL: the next one is to be fetched */
                uint32_t next_segment;
                int64_t elapsed_ms; /* of block, up to next_segment */
                Turn turn;          /* the next one to hand over; block NULL: none yet */
                uint32_t prepared;  /* files opened, ever */
        } prep;                     /* the preparer's */

        struct {
                Turn turn;          /* on the air; block NULL: none */
                uint32_t announced; /* which turn, by count, was last told that it is near; 0: none */
                bool dry;           /* reported */
                int64_t start_tick; /* when turn really began */
                int64_t block_start_tick;
                Tally segment, block;
                Shown shown;
                Picture *held;              /* last own picture of this turn; a reference */
                int64_t held_tick;          /* when it was fresh */
                int64_t turns;              /* begun so far */
                int64_t hole_tick;          /* where pictures began to be missing; -1: they are not */
                Picture *slate;             /* the last answer; a reference */
                int64_t slate_of, asked_of; /* the cause it is about; that of the last question */
                CaptionGuard captions;
                bool blank;                           /* the last tick had nothing of a source to show */
                bool hangs;                           /* the source on the air has used up the wait for one cell */
                bool caught_up;                       /* with time, after the start */
                int64_t behind_ns, patient_until_ns;  /* at the start, and until when for one who gains nothing */
                int64_t give_up_ns, give_up_cells_ns; /* before that: until when the sink and cells may be waited for */
        } rt;                                         /* the tick thread's */

        struct {
                RvThread *preparer, *ticker;
                GSource *source;
                void (*on_report)(void *user, const SeamReport *report);
                void *user;
        } loop; /* the control loop's */
};

/* Any thread. */
void seam_ask_preparer(Seam *seam);

/* Tick thread, when shown is known: what stands in place of black at this tick, lent until the next; NULL: nothing. */
Picture *seam_slate(Seam *seam, int64_t tick);

/* Bodies of the two threads. */
void seam_prepare(void *seam);
void seam_count_ticks(void *seam);
