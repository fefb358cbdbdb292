#include "proto/block_plan/block_plan.h"

#include <string.h>

#define SEGMENT_TEXT_BYTES 128 /* usual, of a segment; a block's strings are a few allocations, not five a segment */
#define MAX_TEXT_BYTES 65536   /* at once */

static const char *const type_names[] = {
        [SEGMENT_CONTENT] = "content", [SEGMENT_COMMERCIAL] = "commercial", [SEGMENT_PROMO] = "promo",
        [SEGMENT_BUMPER] = "bumper",   [SEGMENT_STATION_ID] = "station_id", [SEGMENT_PSA] = "psa",
        [SEGMENT_STINGER] = "stinger", [SEGMENT_TRAILER] = "trailer",       [SEGMENT_FILLER] = "filler",
        [SEGMENT_PAD] = "pad",
};

const char *segment_type_name(SegmentType type) {
        if (type < SEGMENT_CONTENT || type > SEGMENT_PAD)
                return "unknown";
        return type_names[type];
}

SegmentType segment_type_from_name(const char *name) {
        for (SegmentType type = SEGMENT_CONTENT; name && type <= SEGMENT_PAD; type++)
                if (strcmp(type_names[type], name) == 0)
                        return type;
        return 0;
}

BlockPlan *block_plan_new(const char *block_id, const char *channel_id, const char *title, int64_t start_utc_ms,
                          int64_t end_utc_ms, uint32_t n_segments) {
        BlockPlan *block = g_new0(BlockPlan, 1);
        block->refs = 1;
        block->text = g_string_chunk_new(MIN(SEGMENT_TEXT_BYTES * ((size_t)n_segments + 1), MAX_TEXT_BYTES));
        block->block_id = block_plan_text(block, block_id);
        block->channel_id = block_plan_text(block, channel_id);
        block->title = block_plan_text(block, title);
        block->start_utc_ms = start_utc_ms;
        block->end_utc_ms = end_utc_ms;
        block->n_segments = n_segments;
        block->segments = g_new0(BlockSegment, n_segments);
        for (uint32_t i = 0; i < n_segments; i++)
                block->segments[i].index = (int32_t)i;
        return block;
}

const char *block_plan_text(BlockPlan *block, const char *text) {
        return text ? g_string_chunk_insert_len(block->text, text, (gssize)strlen(text)) : NULL;
}

const BlockSnipe *block_plan_snipes(BlockPlan *block, const BlockSnipe *snipes, uint32_t n_snipes) {
        if (n_snipes == 0)
                return NULL;
        BlockSnipe *mine = g_memdup2(snipes, n_snipes * sizeof *snipes);
        for (uint32_t i = 0; i < n_snipes; i++) {
                mine[i].headline = block_plan_text(block, snipes[i].headline);
                mine[i].detail = block_plan_text(block, snipes[i].detail);
        }
        block->arrays = g_slist_prepend(block->arrays, mine);
        return mine;
}

/* The macros of g_atomic_int are compiled here, where thread sanitizer sees them; those of GLib's refcounts are not. */
BlockPlan *block_plan_ref(const BlockPlan *block) {
        BlockPlan *mine = (BlockPlan *)block; /* const to its readers; the count is nobody's business but ours */
        g_atomic_int_inc(&mine->refs);
        return mine;
}

void block_plan_unref(BlockPlan *block) {
        if (!block || !g_atomic_int_dec_and_test(&block->refs))
                return;
        g_string_chunk_free(block->text);
        g_slist_free_full(block->arrays, g_free);
        g_free(block->segments);
        g_free(block);
}

static void segment_copy(BlockPlan *block, BlockSegment *to, const BlockSegment *from) {
        const int32_t index = to->index;
        *to = *from;
        to->index = index;
        to->event_id = block_plan_text(block, from->event_id);
        to->segment_uuid = block_plan_text(block, from->segment_uuid);
        to->asset_uuid = block_plan_text(block, from->asset_uuid);
        to->title = block_plan_text(block, from->title);
        to->asset_uri = block_plan_text(block, from->asset_uri);
        to->snipes = block_plan_snipes(block, from->snipes, from->n_snipes);
}

static void snipes_trim(BlockPlan *block, BlockSegment *segment, int64_t elapsed_ms) {
        g_autoptr(GArray) left = g_array_new(FALSE, FALSE, sizeof(BlockSnipe));
        for (uint32_t i = 0; i < segment->n_snipes; i++) {
                BlockSnipe snipe = segment->snipes[i];
                const int64_t end_ms = snipe.start_ms + snipe.duration_ms - elapsed_ms;
                snipe.start_ms = MAX(0, snipe.start_ms - elapsed_ms);
                snipe.duration_ms = end_ms - snipe.start_ms;
                if (snipe.duration_ms > 0)
                        g_array_append_val(left, snipe);
        }
        segment->snipes = block_plan_snipes(block, (const BlockSnipe *)(void *)left->data, left->len);
        segment->n_snipes = left->len;
}

static void segment_trim(BlockPlan *block, BlockSegment *segment, int64_t elapsed_ms) {
        if (elapsed_ms == 0)
                return;
        snipes_trim(block, segment, elapsed_ms);
        segment->duration_ms -= elapsed_ms;
        if (segment->type != SEGMENT_PAD)
                segment->asset_start_offset_ms += elapsed_ms;
        segment->fade_in_ms = 0;
        segment->fade_out_ms = (int32_t)MIN(segment->fade_out_ms, segment->duration_ms);
}

BlockPlan *block_plan_join(const BlockPlan *block, int64_t utc_ms) {
        g_assert(utc_ms >= block->start_utc_ms && utc_ms < block->end_utc_ms);
        if (utc_ms == block->start_utc_ms)
                return block_plan_ref(block);

        uint32_t entered = 0;
        int64_t elapsed_ms = utc_ms - block->start_utc_ms;
        while (elapsed_ms >= block->segments[entered].duration_ms) {
                elapsed_ms -= block->segments[entered++].duration_ms;
                g_assert(entered < block->n_segments); /* the segments sum to the window */
        }

        /* The end stays: only what has elapsed is gone. INV-BLOCK-PLAN-005 */
        BlockPlan *joined = block_plan_new(block->block_id, block->channel_id, block->title, utc_ms, block->end_utc_ms,
                                           block->n_segments - entered);
        joined->join_in_progress = true;
        for (uint32_t i = 0; i < joined->n_segments; i++)
                segment_copy(joined, &joined->segments[i], &block->segments[entered + i]);
        segment_trim(joined, &joined->segments[0], elapsed_ms); /* INV-BLOCK-PLAN-006 */
        return joined;
}
