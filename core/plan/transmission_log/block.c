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

/* INV-TL-ID-001: from what the segment is, so that as-run and log speak of the same event whenever they were made. */
static void segment_ids(BlockSegment *segment, const char *channel_id, const char *block_id) {
        char uuid[RV_UUID_SIZE];
        g_autofree char *name = g_strdup_printf("segment/%s/%s/%d", channel_id, block_id, segment->index);
        rv_uuid_named(name, uuid);
        segment->segment_uuid = g_strdup(uuid);
        g_autofree char *event = g_strdup_printf("event/%s/%s/%d", channel_id, block_id, segment->index);
        rv_uuid_named(event, uuid);
        segment->event_id = g_strdup_printf("%.8s%.4s%.4s%.4s%s", uuid, uuid + 9, uuid + 14, uuid + 19, uuid + 24);
        g_assert(strlen(segment->event_id) == EVENT_ID_SIZE - 1);
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
        for (guint i = 0; i < items->len; i++) {
                fill_segment(&block->segments[i], &g_array_index(items, TrafficItem, i));
                segment_ids(&block->segments[i], spec->id, programme->id);
        }
        return block;
}
