#include "core/play/feed/join.h"

/* The segment on the air, and how long it has been. */
static const BlockSegment *segment_at(const BlockPlan *block, int64_t utc_ms, int64_t *ret_elapsed_ms) {
        int64_t elapsed_ms = utc_ms - block->start_utc_ms;
        for (uint32_t i = 0; i < block->n_segments; i++) {
                const BlockSegment *segment = &block->segments[i];
                if (elapsed_ms < segment->duration_ms) {
                        *ret_elapsed_ms = elapsed_ms;
                        return segment;
                }
                elapsed_ms -= segment->duration_ms;
        }
        return NULL;
}

/*
 * By how much earlier the segment is best entered. Its beginning is as good as any place between it and the key picture
 * before, and needs less decoding than all that follow; the beginning of the file needs none.
 */
static int64_t earlier_ms(const BlockSegment *segment, int64_t elapsed_ms, JoinKeys keys) {
        const int64_t at_ms = segment->asset_start_offset_ms + elapsed_ms;
        const int64_t key_ms = keys.before(keys.user, segment->asset_uuid, MAX(at_ms - JOIN_BEHIND_KEY_MS, 0));
        if (key_ms < 0)
                return 0;
        const int64_t behind_ms = at_ms - (key_ms == 0 ? 0 : key_ms + JOIN_BEHIND_KEY_MS);
        return CLAMP(behind_ms, 0, elapsed_ms);
}

/* INV-JIP-KEY-001 */
int64_t join_instant(const BlockPlan *block, int64_t utc_ms, JoinKeys keys) {
        int64_t elapsed_ms = 0;
        const BlockSegment *segment = segment_at(block, utc_ms, &elapsed_ms);
        if (!keys.before || !segment || segment->type == SEGMENT_PAD || !segment->asset_uuid)
                return utc_ms;
        const int64_t move_ms = earlier_ms(segment, elapsed_ms, keys);
        return move_ms <= JOIN_MAX_EARLIER_MS ? utc_ms - move_ms : utc_ms;
}
