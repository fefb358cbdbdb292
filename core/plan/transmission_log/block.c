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
        uint32_t tail;           /* its last 32 bits */
} BlockName;

#define EVENT_BIT UINT32_C(0x80000000) /* segments have it clear: an index is far below */
#define TAIL_AT (RV_UUID_SIZE - 1 - 8)

static BlockName name_block(const char *channel_id, const char *block_id) {
        BlockName name = {0};
        g_autofree char *text = g_strdup_printf("block/%s/%s", channel_id, block_id);
        rv_uuid_named(text, name.uuid);
        name.tail = (uint32_t)g_ascii_strtoull(name.uuid + TAIL_AT, NULL, 16) & ~EVENT_BIT;
        return name;
}

static void write_tail(char *digits, uint32_t tail) {
        for (int i = 7; i >= 0; i--, tail >>= 4)
                digits[i] = "0123456789abcdef"[tail & 15];
}

/* INV-TL-ID-001: from what the segment is, so that as-run and log speak of the same event whenever they were made. */
static void segment_ids(BlockSegment *segment, const BlockName *name) {
        char *event = g_malloc(EVENT_ID_SIZE), *to = event;
        segment->segment_uuid = g_strdup(name->uuid);
        write_tail(segment->segment_uuid + TAIL_AT, name->tail ^ (uint32_t)segment->index);
        for (const char *from = name->uuid; *from; from++)
                if (*from != '-')
                        *to++ = *from;
        *to = '\0';
        write_tail(event + EVENT_ID_SIZE - 1 - 8, name->tail ^ (uint32_t)segment->index ^ EVENT_BIT);
        segment->event_id = event;
}

static void fill_segment(BlockSegment *segment, const TrafficItem *item) {
        segment->type = segment_type(item);
        segment->duration_ms = item->duration_ms;
        segment->fade_in_ms = item->fade_in_ms;
        segment->fade_out_ms = item->fade_out_ms;
        segment->title = g_strdup(item->asset ? item->asset->title : "");
        if (!item->asset)
                return;
        segment->asset_uuid = g_strdup(item->asset->id);
        segment->asset_uri = g_strdup(item->asset->uri);
        segment->asset_start_offset_ms = item->offset_ms;
        segment->gain_millibel = item->asset->gain_millibel;
}

BlockPlan *transmission_log_block(const ChannelSpec *spec, const Programme *programme, const GArray *items) {
        BlockPlan *block = block_plan_new(programme->id, spec->id, programme->title, programme->start_utc_ms,
                                          programme->end_utc_ms, items->len);
        const BlockName name = name_block(spec->id, programme->id);
        for (guint i = 0; i < items->len; i++) {
                fill_segment(&block->segments[i], &g_array_index(items, TrafficItem, i));
                segment_ids(&block->segments[i], &name);
        }
        return block;
}
