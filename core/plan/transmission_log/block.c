#include "core/plan/transmission_log/transmission_log.h"
#include "proto/base/id.h"

#define EVENT_ID_SIZE 33 /* 32 hex digits: the width of a log's column */

static SegmentType segment_type(const TrafficItem *item) {
        if (!item->asset)
                return SEGMENT_PAD;
        if (item->content)
                return SEGMENT_CONTENT;
        switch (item->asset->kind) {
        case ASSET_COMMERCIAL:
                return SEGMENT_COMMERCIAL;
        case ASSET_PROMO:
                return SEGMENT_PROMO;
        case ASSET_BUMPER:
                return SEGMENT_BUMPER;
        case ASSET_STATION_ID:
                return SEGMENT_STATION_ID;
        case ASSET_PSA:
                return SEGMENT_PSA;
        case ASSET_STINGER:
                return SEGMENT_STINGER;
        case ASSET_TRAILER:
                return SEGMENT_TRAILER;
        case ASSET_EPISODE:
        case ASSET_MOVIE:
        case ASSET_FILLER:
                break;
        }
        return SEGMENT_FILLER;
}

/* The ids of a block's segments and events differ from the one made for the block in their last 32 bits: one name is
 * hashed for each block, not two for each segment. */
typedef struct {
        char uuid[RV_UUID_SIZE]; /* of the block */
        char event[EVENT_ID_SIZE];
        uint32_t tail; /* their last 32 bits */
} BlockName;

#define EVENT_BIT UINT32_C(0x80000000) /* segments have it clear: an index is far below */
#define TAIL_DIGITS 8

static BlockName name_block(const char *channel_id, const char *block_id) {
        BlockName name = {0};
        g_autofree char *text = g_strdup_printf("block/%s/%s", channel_id, block_id);
        rv_uuid_named(text, name.uuid);
        name.tail = (uint32_t)g_ascii_strtoull(name.uuid + RV_UUID_SIZE - 1 - TAIL_DIGITS, NULL, 16) & ~EVENT_BIT;
        char *to = name.event;
        for (const char *from = name.uuid; *from; from++)
                if (*from != '-')
                        *to++ = *from;
        return name;
}

static void write_tail(char *end, uint32_t tail) {
        for (int i = 1; i <= TAIL_DIGITS; i++, tail >>= 4)
                end[-i] = "0123456789abcdef"[tail & 15];
}

/* INV-TL-ID-001: from what the segment is, so that as-run and log speak of the same event whenever they were made. */
static void give_ids(BlockPlan *block, BlockSegment *segment, BlockName *name) {
        write_tail(name->uuid + RV_UUID_SIZE - 1, name->tail ^ (uint32_t)segment->index);
        write_tail(name->event + EVENT_ID_SIZE - 1, name->tail ^ (uint32_t)segment->index ^ EVENT_BIT);
        segment->segment_uuid = block_plan_text(block, name->uuid);
        segment->event_id = block_plan_text(block, name->event);
}

static void fill_segment(BlockPlan *block, BlockSegment *segment, const TrafficItem *item) {
        segment->type = segment_type(item);
        segment->duration_ms = item->duration_ms;
        segment->fade_in_ms = item->fade_in_ms;
        segment->fade_out_ms = item->fade_out_ms;
        segment->title = block_plan_text(block, item->asset ? item->asset->title : "");
        if (!item->asset)
                return;
        segment->asset_uuid = block_plan_text(block, item->asset->id);
        segment->asset_uri = block_plan_text(block, item->asset->uri);
        segment->asset_start_offset_ms = item->offset_ms;
        segment->gain_millibel = item->asset->gain_millibel;
}

BlockPlan *transmission_log_block(const ChannelSpec *spec, const Programme *programme, const GArray *items) {
        BlockPlan *block = block_plan_new(programme->id, spec->id, programme->title, programme->start_utc_ms,
                                          programme->end_utc_ms, items->len);
        BlockName name = name_block(spec->id, programme->id);
        for (guint i = 0; i < items->len; i++) {
                fill_segment(block, &block->segments[i], &g_array_index(items, TrafficItem, i));
                give_ids(block, &block->segments[i], &name);
        }
        return block;
}
