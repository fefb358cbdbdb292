#include "proto/block_plan/block_plan.h"

#include <string.h>

typedef Retrovue__Playout__V1__BlockPlan BlockMessage;
typedef Retrovue__Playout__V1__Segment SegmentMessage;
typedef Retrovue__Playout__V1__Snipe SnipeMessage;

/* A message that borrows the strings of a block, and keeps the block for them: one allocation for all of it, and one
 * for the snipes, which few blocks have. */
typedef struct {
        BlockMessage message;
        BlockPlan *block;
        SnipeMessage **snipes;      /* then the snipes themselves; NULL: none */
        SegmentMessage *segments[]; /* then the segments themselves */
} Borrowed;

/* What a message says with an empty string: nothing. It is only read, but not const to its type. */
static char *to_text(const char *text) {
        return text && *text != '\0' ? (char *)text : (char *)protobuf_c_empty_string;
}

static void segment_to_message(const BlockSegment *segment, SegmentMessage *message) {
        retrovue__playout__v1__segment__init(message);
        message->segment_index = segment->index;
        message->event_id = to_text(segment->event_id);
        message->segment_uuid = to_text(segment->segment_uuid);
        message->asset_uuid = to_text(segment->asset_uuid);
        message->type = (Retrovue__Playout__V1__SegmentType)segment->type;
        message->title = to_text(segment->title);
        message->asset_uri = to_text(segment->asset_uri);
        message->asset_start_offset_ms = segment->asset_start_offset_ms;
        message->duration_ms = segment->duration_ms;
        message->gain_millibel = segment->gain_millibel;
        message->fade_in_ms = segment->fade_in_ms;
        message->fade_out_ms = segment->fade_out_ms;
        message->logo = segment->logo;
}

static void snipe_to_message(const BlockSnipe *snipe, SnipeMessage *message) {
        retrovue__playout__v1__snipe__init(message);
        message->start_ms = snipe->start_ms;
        message->duration_ms = snipe->duration_ms;
        message->headline = to_text(snipe->headline);
        message->detail = to_text(snipe->detail);
}

static void lend_snipes(Borrowed *borrowed) {
        const BlockPlan *block = borrowed->block;
        size_t n = 0;
        for (uint32_t i = 0; i < block->n_segments; i++)
                n += block->segments[i].n_snipes;
        if (n == 0)
                return;
        borrowed->snipes = g_malloc(n * (sizeof(SnipeMessage *) + sizeof(SnipeMessage)));
        SnipeMessage **next = borrowed->snipes;
        SnipeMessage *message = (SnipeMessage *)(void *)&borrowed->snipes[n];
        for (uint32_t i = 0; i < block->n_segments; i++) {
                const BlockSegment *segment = &block->segments[i];
                borrowed->segments[i]->n_snipes = segment->n_snipes;
                borrowed->segments[i]->snipes = next;
                for (uint32_t k = 0; k < segment->n_snipes; k++) {
                        snipe_to_message(&segment->snipes[k], message);
                        *next++ = message++;
                }
        }
}

BlockMessage *block_plan_to_message(const BlockPlan *block) {
        const size_t n = block->n_segments;
        Borrowed *borrowed = g_malloc(sizeof *borrowed + n * (sizeof(SegmentMessage *) + sizeof(SegmentMessage)));
        SegmentMessage *segments = (SegmentMessage *)(void *)&borrowed->segments[n];
        BlockMessage *message = &borrowed->message;
        borrowed->block = block_plan_ref(block);
        borrowed->snipes = NULL;
        retrovue__playout__v1__block_plan__init(message);
        message->block_id = to_text(block->block_id);
        message->channel_id = to_text(block->channel_id);
        message->title = to_text(block->title);
        message->start_utc_ms = block->start_utc_ms;
        message->end_utc_ms = block->end_utc_ms;
        message->join_in_progress = block->join_in_progress;
        message->n_segments = n;
        message->segments = borrowed->segments;
        for (size_t i = 0; i < n; i++) {
                borrowed->segments[i] = &segments[i];
                segment_to_message(&block->segments[i], &segments[i]);
        }
        lend_snipes(borrowed);
        return message;
}

void block_plan_message_free(BlockMessage *message) {
        Borrowed *borrowed = (Borrowed *)(void *)message;
        if (!borrowed)
                return;
        block_plan_unref(borrowed->block);
        g_free(borrowed->snipes);
        g_free(borrowed);
}

/* protobuf-c does not look into strings: an unset one may be NULL and any bytes may be in it. INV-BLOCK-PLAN-008 */
static bool valid(const char *text) {
        return text && g_utf8_validate(text, -1, NULL);
}

static bool snipes_valid(const SegmentMessage *segment) {
        for (size_t i = 0; i < segment->n_snipes; i++) {
                const SnipeMessage *snipe = segment->snipes[i];
                if (!snipe || !valid(snipe->headline) || !valid(snipe->detail))
                        return false;
        }
        return segment->n_snipes <= UINT32_MAX;
}

static bool strings_valid(const BlockMessage *message) {
        if (!valid(message->block_id) || !valid(message->channel_id) || !valid(message->title))
                return false;
        for (size_t i = 0; i < message->n_segments; i++) {
                const SegmentMessage *segment = message->segments[i];
                if (!segment || !valid(segment->event_id) || !valid(segment->segment_uuid) ||
                    !valid(segment->asset_uuid) || !valid(segment->title) || !valid(segment->asset_uri) ||
                    !snipes_valid(segment))
                        return false;
        }
        return true;
}

static const char *or_null(BlockPlan *block, const char *text) {
        return *text != '\0' ? block_plan_text(block, text) : NULL;
}

static void snipes_from_message(BlockPlan *block, BlockSegment *segment, const SegmentMessage *message) {
        g_autofree BlockSnipe *snipes = g_new(BlockSnipe, message->n_snipes);
        for (size_t i = 0; i < message->n_snipes; i++) {
                const SnipeMessage *snipe = message->snipes[i];
                const char *detail = *snipe->detail != '\0' ? snipe->detail : NULL;
                snipes[i] = (BlockSnipe){snipe->start_ms, snipe->duration_ms, snipe->headline, detail};
        }
        segment->n_snipes = (uint32_t)message->n_snipes;
        segment->snipes = block_plan_snipes(block, snipes, segment->n_snipes);
}

static void segment_from_message(BlockPlan *block, BlockSegment *segment, const SegmentMessage *message) {
        segment->index = message->segment_index;
        segment->type = (SegmentType)message->type;
        segment->event_id = block_plan_text(block, message->event_id);
        segment->segment_uuid = block_plan_text(block, message->segment_uuid);
        segment->asset_uuid = or_null(block, message->asset_uuid);
        segment->title = block_plan_text(block, message->title);
        segment->asset_uri = or_null(block, message->asset_uri);
        segment->asset_start_offset_ms = message->asset_start_offset_ms;
        segment->duration_ms = message->duration_ms;
        segment->gain_millibel = message->gain_millibel;
        segment->fade_in_ms = message->fade_in_ms;
        segment->fade_out_ms = message->fade_out_ms;
        segment->logo = message->logo;
        snipes_from_message(block, segment, message);
}

BlockPlan *block_plan_from_message(const BlockMessage *message) {
        if (!message || message->n_segments > UINT32_MAX || !strings_valid(message))
                return NULL;
        BlockPlan *block = block_plan_new(message->block_id, message->channel_id, message->title, message->start_utc_ms,
                                          message->end_utc_ms, (uint32_t)message->n_segments);
        block->join_in_progress = message->join_in_progress;
        for (uint32_t i = 0; i < block->n_segments; i++)
                segment_from_message(block, &block->segments[i], message->segments[i]);
        return block;
}
