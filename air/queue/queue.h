/*
 * BlockQueue: the blocks that core has fed and the playhead has not passed, in order and without a hole between them.
 *
 * The control loop puts blocks in, asks for credits and takes the front one out when its fence was reported; the seam's
 * preparer walks ahead with block_queue_next. A short mutex guards the list; it is never held across I/O and the tick
 * thread never takes it. Capacity is fixed at construction: the block on the air counts, blocks that are over do not.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "proto/block_plan/block_plan.h"

typedef struct BlockQueue BlockQueue;

typedef enum { QUEUE_OK = 0, QUEUE_INVALID_BLOCK, QUEUE_NOT_CONTIGUOUS, QUEUE_FULL } QueueResult;

#define BLOCK_QUEUE_DEPTH 4
#define BLOCK_QUEUE_MIN_DEPTH 3

/* A queue for blocks of this channel. depth >= BLOCK_QUEUE_MIN_DEPTH. */
BlockQueue *block_queue_new(const char *channel_id, unsigned depth);
void block_queue_free(BlockQueue *queue);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BlockQueue, block_queue_free)

/*
 * Appends a reference to block. Judged at once: the rules of block_plan_validate, the channel, an id that is not in the
 * queue already, a start that is the end of the block fed before. Once the queue has run empty time has gone on without
 * a plan: then the start may be any instant from the last end on. Refused blocks change nothing. ret_detail (may be
 * NULL): a sentence for the log unless QUEUE_OK; g_free it.
 */
QueueResult block_queue_push(BlockQueue *queue, const BlockPlan *block, char **ret_detail) G_GNUC_WARN_UNUSED_RESULT;

/* How many blocks may be pushed now. */
unsigned block_queue_credits(BlockQueue *queue);
unsigned block_queue_depth(const BlockQueue *queue);

/* The first block that this function has not returned yet, with a new reference; NULL when there is none. One caller.
 */
BlockPlan *block_queue_next(BlockQueue *queue);
/* All blocks in it, in order, for whoever looks and takes none. Unref the array; it holds references. */
GPtrArray *block_queue_look(BlockQueue *queue);
/* The front block's time is over: removes it. It was returned by block_queue_next. */
void block_queue_pop(BlockQueue *queue);
