/* Blocks for the tests of the engine's nouns. */
#pragma once

#include "proto/base/id.h"
#include "proto/block_plan/block_plan.h"

#define BLOCKS_CHANNEL "retro"

/* A valid block of segments with these durations: content of the file uri, or pad where uri is NULL. */
static inline BlockPlan *blocks_make(const char *id, int64_t start_utc_ms, const char *uri, const int64_t *durations_ms,
                                     uint32_t n) {
        int64_t end_utc_ms = start_utc_ms;
        for (uint32_t i = 0; i < n; i++)
                end_utc_ms += durations_ms[i];
        BlockPlan *block = block_plan_new(id, BLOCKS_CHANNEL, "A programme", start_utc_ms, end_utc_ms, n);
        for (uint32_t i = 0; i < n; i++) {
                BlockSegment *segment = &block->segments[i];
                char uuid[RV_UUID_SIZE];
                g_autofree char *name = g_strdup_printf("%s/%u", id, i);
                rv_uuid_named(name, uuid);
                segment->type = uri ? SEGMENT_CONTENT : SEGMENT_PAD;
                g_autofree char *event_id = g_strdup_printf("event-%s-%u", id, i);
                segment->event_id = block_plan_text(block, event_id);
                segment->segment_uuid = block_plan_text(block, uuid);
                segment->asset_uuid = uri ? segment->segment_uuid : NULL;
                segment->title = uri ? "A film" : "Pad";
                segment->asset_uri = block_plan_text(block, uri);
                segment->duration_ms = durations_ms[i];
        }
        return block;
}

/* One segment. */
static inline BlockPlan *blocks_one(const char *id, int64_t start_utc_ms, int64_t duration_ms) {
        return blocks_make(id, start_utc_ms, "/media/film.mkv", &duration_ms, 1);
}
