/*
 * Slate: what a seam shows in place of pictures that should be there and are not. A thread of its own draws them: one
 * at the start, for every hole; in SLATE_OPERATOR one more for each cause that the tick thread asks about. The tick
 * thread takes what is there and never waits.
 */
#pragma once

#include <semaphore.h>
#include <stdatomic.h>

#include "air/producer/producer.h"
#include "proto/base/thread.h"

#define SLATE_AFTER_MS 2000 /* a shorter hole stays black */

/* Whose the question is. */
typedef enum {
        SLATE_FREE,  /* the tick thread's: it may ask */
        SLATE_ASKED, /* the slate thread's */
        SLATE_DRAWN, /* the tick thread's: the answer is there */
} SlateQuestion;

typedef struct {
        /* Fixed before any thread runs. */
        bool tells;     /* SLATE_OPERATOR: there is one for each cause */
        Slates *slates; /* NULL: SLATE_OFF, and nothing else is there */
        RvThread *thread;

        /* Any thread. */
        sem_t news;
        _Atomic bool ending;
        _Atomic(Picture *) general; /* set once by the slate thread */
        _Atomic int question;       /* SlateQuestion */

        /* Whoever's the question is. */
        BlockPlan *block;
        uint32_t segment_index;
        ProducerResult result;
        Picture *answer; /* may be NULL */
} Slate;

/* False: there is no thread for it, and nothing to clear. */
bool slate_init(Slate *slate, const HouseFormat *format, const HouseStyle *style, GError **error);
void slate_clear(Slate *slate);

/* Tick thread, when the question is SLATE_FREE: a slate for this segment and how it went. */
void slate_ask(Slate *slate, BlockPlan *block, uint32_t segment_index, const ProducerResult *result);
/* Tick thread, when it is SLATE_DRAWN, which makes it SLATE_FREE: the answer, a reference; may be NULL. */
Picture *slate_take(Slate *slate);
