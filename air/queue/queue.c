#include "air/queue/queue.h"

#include <pthread.h>
#include <string.h>

struct BlockQueue {
        char *channel_id;
        unsigned depth;

        pthread_mutex_t lock; /* guards everything below */
        GQueue blocks;        /* of BlockPlan, front = on the air or next */
        unsigned walked;      /* how many from the front block_queue_next has returned */
        bool fed;             /* a block was pushed, ever */
        int64_t end_utc_ms;   /* of the last block pushed */
};

BlockQueue *block_queue_new(const char *channel_id, unsigned depth) {
        g_assert(depth >= BLOCK_QUEUE_MIN_DEPTH); /* INV-RUNWAY-MIN-001 */
        BlockQueue *queue = g_new0(BlockQueue, 1);
        queue->channel_id = g_strdup(channel_id);
        queue->depth = depth;
        pthread_mutex_init(&queue->lock, NULL);
        g_queue_init(&queue->blocks);
        return queue;
}

static void unref_block(gpointer block) {
        block_plan_unref(block);
}

void block_queue_free(BlockQueue *queue) {
        if (!queue)
                return;
        g_queue_clear_full(&queue->blocks, unref_block);
        pthread_mutex_destroy(&queue->lock);
        g_free(queue->channel_id);
        g_free(queue);
}

/* Everything that can be said of the block without knowing its neighbours. */
static QueueResult judge_alone(const BlockQueue *queue, const BlockPlan *block, char **ret_detail) {
        if (block_plan_validate(block, ret_detail) != BLOCK_PLAN_OK) /* INV-QUEUE-001 */
                return QUEUE_INVALID_BLOCK;
        if (strcmp(block->channel_id, queue->channel_id) != 0) {
                *ret_detail = g_strdup_printf("block %s is of channel %s, this engine plays %s", block->block_id,
                                              block->channel_id, queue->channel_id);
                return QUEUE_INVALID_BLOCK;
        }
        return QUEUE_OK;
}

static bool holds_id(const BlockQueue *queue, const char *block_id) {
        for (const GList *l = queue->blocks.head; l; l = l->next)
                if (strcmp(((const BlockPlan *)l->data)->block_id, block_id) == 0)
                        return true;
        return false;
}

static bool follows(const BlockQueue *queue, const BlockPlan *block) {
        if (!queue->fed)
                return true;
        if (queue->blocks.length == 0)
                return block->start_utc_ms >= queue->end_utc_ms; /* INV-QUEUE-003 */
        return block->start_utc_ms == queue->end_utc_ms;         /* INV-QUEUE-002 */
}

/* Lock held. */
static QueueResult judge_place(const BlockQueue *queue, const BlockPlan *block, char **ret_detail) {
        if (holds_id(queue, block->block_id)) {
                *ret_detail = g_strdup_printf("block %s is in the queue already", block->block_id);
                return QUEUE_INVALID_BLOCK;
        }
        if (!follows(queue, block)) {
                *ret_detail = g_strdup_printf("block %s starts at %" G_GINT64_FORMAT
                                              ", the one before ends at %" G_GINT64_FORMAT,
                                              block->block_id, block->start_utc_ms, queue->end_utc_ms);
                return QUEUE_NOT_CONTIGUOUS;
        }
        if (queue->blocks.length >= queue->depth) { /* INV-QUEUE-004 */
                *ret_detail = g_strdup_printf("all %u places are taken", queue->depth);
                return QUEUE_FULL;
        }
        return QUEUE_OK;
}

static QueueResult append_if_it_fits(BlockQueue *queue, const BlockPlan *block, char **ret_detail) {
        pthread_mutex_lock(&queue->lock);
        QueueResult result = judge_place(queue, block, ret_detail);
        if (result == QUEUE_OK) {
                g_queue_push_tail(&queue->blocks, block_plan_ref(block));
                queue->fed = true;
                queue->end_utc_ms = block->end_utc_ms;
        }
        pthread_mutex_unlock(&queue->lock);
        return result;
}

QueueResult block_queue_push(BlockQueue *queue, const BlockPlan *block, char **ret_detail) {
        g_autofree char *detail = NULL;
        QueueResult result = judge_alone(queue, block, &detail);
        if (result == QUEUE_OK)
                result = append_if_it_fits(queue, block, &detail);
        if (ret_detail && result != QUEUE_OK)
                *ret_detail = g_steal_pointer(&detail);
        return result;
}

unsigned block_queue_credits(BlockQueue *queue) {
        pthread_mutex_lock(&queue->lock);
        unsigned credits = queue->depth - queue->blocks.length;
        pthread_mutex_unlock(&queue->lock);
        return credits;
}

unsigned block_queue_depth(const BlockQueue *queue) {
        return queue->depth;
}

BlockPlan *block_queue_next(BlockQueue *queue) {
        BlockPlan *block = NULL;
        pthread_mutex_lock(&queue->lock);
        if (queue->walked < queue->blocks.length)
                block = block_plan_ref(g_queue_peek_nth(&queue->blocks, queue->walked++)); /* INV-QUEUE-005 */
        pthread_mutex_unlock(&queue->lock);
        return block;
}

GPtrArray *block_queue_look(BlockQueue *queue) {
        GPtrArray *blocks = g_ptr_array_new_with_free_func(unref_block);
        pthread_mutex_lock(&queue->lock);
        for (const GList *l = queue->blocks.head; l; l = l->next)
                g_ptr_array_add(blocks, block_plan_ref(l->data));
        pthread_mutex_unlock(&queue->lock);
        return blocks;
}

void block_queue_pop(BlockQueue *queue) {
        pthread_mutex_lock(&queue->lock);
        g_assert(queue->walked > 0);
        BlockPlan *over = g_queue_pop_head(&queue->blocks);
        queue->walked--;
        pthread_mutex_unlock(&queue->lock);
        block_plan_unref(over);
}
