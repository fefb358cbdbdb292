/*
 * BlockQueue: the blocks that core has fed and the playhead has not passed, in order and without a hole between them.
 *
 * The control loop puts blocks in and asks for credits; the seam's preparer looks at them; the tick thread only tells
 * when a block began or ended. A short mutex guards the list; it is never held across I/O. Capacity is fixed at
 * construction (>= 3, INV-RUNWAY-MIN-001): the block on the air counts, blocks that are over do not.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "proto/block_plan/block_plan.h"

typedef struct BlockQueue BlockQueue;

typedef enum { QUEUE_OK = 0, QUEUE_INVALID_BLOCK, QUEUE_NOT_CONTIGUOUS, QUEUE_FULL } QueueResult;

#define BLOCK_QUEUE_DEPTH 4

BlockQueue *block_queue_new(unsigned depth);
void block_queue_free(BlockQueue *queue);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BlockQueue, block_queue_free)

/*
 * Appends a reference to block. Judged at once (block_plan_validate, channel, block id not in the queue already, start ==
 * end of the one fed before). After an underrun (the queue ran empty) a block may also start in the past or later than
 * the last end: contiguity is then asked only in the sense start >= the last end. ret_detail may be NULL; g_free it.
 */
QueueResult block_queue_push(BlockQueue *queue, const BlockPlan *block, char **ret_detail) G_GNUC_WARN_UNUSED_RESULT;

/* How many blocks may be pushed now. */
unsigned block_queue_credits(BlockQueue *queue);
/* The i-th block from the front (0 = on the air or next), with a new reference; NULL when there is none. */
BlockPlan *block_queue_peek(BlockQueue *queue, unsigned i);
/* The front block's time is over: removes it. */
void block_queue_pop(BlockQueue *queue);
/* End of the last block ever pushed; 0 when none was. */
int64_t block_queue_end_utc_ms(BlockQueue *queue);
