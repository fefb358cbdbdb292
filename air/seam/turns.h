/* Turns: what is to be on the air, in order, from the preparer (the only writer) to the tick thread (the only reader).
 */
#pragma once

#include <stdatomic.h>

#include "air/producer/producer.h"

/* A segment's time on the output. Whoever holds a turn owns its reference and its producer. */
typedef struct {
        BlockPlan *block;
        uint32_t segment_index;
        int64_t start_tick, end_tick; /* as planned; equal when the segment rounds to no tick at all */
        int64_t fence_tick;           /* of the block */
        bool first, last;             /* in the block */
        bool pad;
        Producer *producer; /* NULL when there was nothing left to show of it */
} Turn;

#define TURNS_MAX 64 /* a power of two */

typedef struct {
        Turn slots[TURNS_MAX];
        _Atomic uint32_t head; /* moved by the tick thread; counts without end */
        _Atomic uint32_t tail; /* moved by the preparer */
} Turns;

static inline uint32_t turns_waiting(const Turns *turns) {
        return atomic_load_explicit(&turns->tail, memory_order_acquire) -
               atomic_load_explicit(&turns->head, memory_order_acquire);
}

/* Preparer; there is room. */
static inline void turns_append(Turns *turns, const Turn *take_turn) {
        const uint32_t tail = atomic_load_explicit(&turns->tail, memory_order_relaxed);
        turns->slots[tail % TURNS_MAX] = *take_turn;
        atomic_store_explicit(&turns->tail, tail + 1, memory_order_release);
}

/* Tick thread: the i-th waiting turn; NULL when there is none. */
static inline const Turn *turns_at(const Turns *turns, uint32_t i) {
        if (i >= turns_waiting(turns))
                return NULL;
        return &turns->slots[(atomic_load_explicit(&turns->head, memory_order_relaxed) + i) % TURNS_MAX];
}

/* Tick thread: the first waiting turn, which must exist, is the caller's from now on. */
static inline Turn turns_take(Turns *turns) {
        const uint32_t head = atomic_load_explicit(&turns->head, memory_order_relaxed);
        const Turn turn = turns->slots[head % TURNS_MAX];
        atomic_store_explicit(&turns->head, head + 1, memory_order_release);
        return turn;
}
