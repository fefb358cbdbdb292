#include "proto/block_plan/block_plan.h"

#include <string.h>

#include "proto/base/id.h"

#define MAX_ID_BYTES 200
#define MAX_TITLE_BYTES 1000
#define MAX_WINDOW_MS (INT64_C(26) * 60 * 60 * 1000) /* the longest broadcast day and an hour to spare */
#define MAX_SEGMENTS 4096
#define MAX_OFFSET_MS (INT64_C(1000) * 60 * 60 * 1000)
#define MIN_GAIN_MILLIBEL (-6000)
#define MAX_GAIN_MILLIBEL 2400
#define MAX_SNIPES 64
#define MAX_SNIPE_BYTES 200

static bool text_ok(const char *text, size_t max_bytes) {
        return strlen(text) <= max_bytes && g_utf8_validate(text, -1, NULL);
}

static bool present(const char *text) {
        return text && *text != '\0';
}

static bool ids_ok(const BlockPlan *block) {
        return present(block->block_id) && text_ok(block->block_id, MAX_ID_BYTES) && present(block->channel_id) &&
               text_ok(block->channel_id, MAX_ID_BYTES);
}

static bool window_ok(const BlockPlan *block) {
        int64_t length_ms;
        return !__builtin_sub_overflow(block->end_utc_ms, block->start_utc_ms, &length_ms) && length_ms > 0 &&
               length_ms <= MAX_WINDOW_MS;
}

static bool count_ok(const BlockPlan *block) {
        return block->n_segments > 0 && block->n_segments <= MAX_SEGMENTS;
}

static bool index_ok(const BlockSegment *segment, uint32_t position) {
        return segment->index == (int32_t)position;
}

static bool duration_ok(const BlockSegment *segment, uint32_t position) {
        return segment->duration_ms > 0;
}

/* Durations are positive and the window is bounded by now; the sum leaves the window before it can overflow. */
static bool sum_ok(const BlockPlan *block) {
        int64_t left_ms = block->end_utc_ms - block->start_utc_ms;
        for (uint32_t i = 0; i < block->n_segments; i++) {
                if (block->segments[i].duration_ms > left_ms)
                        return false;
                left_ms -= block->segments[i].duration_ms;
        }
        return left_ms == 0;
}

static bool is_pad(const BlockSegment *segment) {
        return segment->type == SEGMENT_PAD;
}

/* The bound keeps offset + duration, and both in microseconds, within 64 bits for whoever plays it. */
static bool offset_ok(const BlockSegment *segment, uint32_t position) {
        const int64_t offset_ms = segment->asset_start_offset_ms;
        return is_pad(segment) ? offset_ms == 0 : offset_ms >= 0 && offset_ms <= MAX_OFFSET_MS;
}

static bool asset_ok(const BlockSegment *segment, uint32_t position) {
        if (is_pad(segment))
                return !segment->asset_uuid && !segment->asset_uri;
        return present(segment->asset_uuid) && segment->asset_uri && segment->asset_uri[0] == '/' &&
               g_utf8_validate(segment->asset_uri, -1, NULL) && g_utf8_validate(segment->asset_uuid, -1, NULL);
}

static bool segment_id_ok(const BlockSegment *segment, uint32_t position) {
        return present(segment->event_id) && g_utf8_validate(segment->event_id, -1, NULL) &&
               rv_uuid_valid(segment->segment_uuid);
}

static bool uuids_differ(const BlockPlan *block) {
        g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
        for (uint32_t i = 0; i < block->n_segments; i++)
                if (!g_hash_table_add(seen, (char *)block->segments[i].segment_uuid))
                        return false;
        return true;
}

static bool type_ok(const BlockSegment *segment, uint32_t position) {
        return segment->type >= SEGMENT_CONTENT && segment->type <= SEGMENT_PAD;
}

static bool fades_ok(const BlockSegment *segment, uint32_t position) {
        return segment->fade_in_ms >= 0 && segment->fade_out_ms >= 0 &&
               (int64_t)segment->fade_in_ms + segment->fade_out_ms <= segment->duration_ms;
}

static bool gain_ok(const BlockSegment *segment, uint32_t position) {
        return segment->gain_millibel >= MIN_GAIN_MILLIBEL && segment->gain_millibel <= MAX_GAIN_MILLIBEL;
}

static bool snipe_text_ok(const BlockSnipe *snipe) {
        return present(snipe->headline) && text_ok(snipe->headline, MAX_SNIPE_BYTES) &&
               (!snipe->detail || text_ok(snipe->detail, MAX_SNIPE_BYTES));
}

/* Durations are known to be sound by now. */
static bool snipes_ok(const BlockSegment *segment, uint32_t position) {
        int64_t free_from_ms = 0;
        if (segment->n_snipes > (is_pad(segment) ? 0 : MAX_SNIPES))
                return false;
        for (uint32_t i = 0; i < segment->n_snipes; i++) {
                const BlockSnipe *snipe = &segment->snipes[i];
                if (snipe->start_ms < free_from_ms || snipe->start_ms > segment->duration_ms ||
                    snipe->duration_ms <= 0 || snipe->duration_ms > segment->duration_ms - snipe->start_ms ||
                    !snipe_text_ok(snipe))
                        return false;
                free_from_ms = snipe->start_ms + snipe->duration_ms;
        }
        return true;
}

static bool block_title_ok(const BlockPlan *block) {
        return !block->title || text_ok(block->title, MAX_TITLE_BYTES);
}

static bool segment_title_ok(const BlockSegment *segment, uint32_t position) {
        return !segment->title || text_ok(segment->title, MAX_TITLE_BYTES);
}

typedef struct {
        BlockPlanFault fault;
        bool (*block_ok)(const BlockPlan *block); /* one of the two */
        bool (*segment_ok)(const BlockSegment *segment, uint32_t position);
        const char *rule;
} Rule;

/* In the order in which they are judged: each may rely on those before it. */
static const Rule rules[] = {
        /* INV-BLOCK-PLAN-002 */
        {BLOCK_PLAN_BAD_ID, ids_ok, NULL, "block and channel need ids of 1 to 200 bytes of UTF-8"},
        {BLOCK_PLAN_BAD_WINDOW, window_ok, NULL, "the end must follow the start by at most 26 hours"},
        {BLOCK_PLAN_NO_SEGMENTS, count_ok, NULL, "a block has 1 to 4096 segments"},
        /* INV-BLOCK-PLAN-001 */
        {BLOCK_PLAN_BAD_INDEX, NULL, index_ok, "segments are numbered 0, 1, 2 and so on"},
        {BLOCK_PLAN_BAD_DURATION, NULL, duration_ok, "a segment lasts longer than nothing"},
        {BLOCK_PLAN_BAD_SUM, sum_ok, NULL, "the segments must sum exactly to the block's length"},
        /* INV-BLOCK-PLAN-004 */
        {BLOCK_PLAN_BAD_OFFSET, NULL, offset_ok, "the offset into the asset is 0 to 1000 hours, and 0 for pad"},
        /* INV-BLOCK-PLAN-003 */
        {BLOCK_PLAN_BAD_ASSET, NULL, asset_ok, "pad has no asset; all else has an id and an absolute path in UTF-8"},
        {BLOCK_PLAN_BAD_SEGMENT_ID, NULL, segment_id_ok, "a segment needs an event id and a canonical UUID"},
        {BLOCK_PLAN_BAD_SEGMENT_ID, uuids_differ, NULL, "two segments share a UUID"},
        /* INV-BLOCK-PLAN-004 */
        {BLOCK_PLAN_BAD_TYPE, NULL, type_ok, "there is no such segment type"},
        {BLOCK_PLAN_BAD_FADE, NULL, fades_ok, "fades are not negative and fit into the segment together"},
        {BLOCK_PLAN_BAD_GAIN, NULL, gain_ok, "gain lies between -6000 and +2400 millibel"},
        /* INV-BLOCK-PLAN-002 */
        {BLOCK_PLAN_BAD_TITLE, block_title_ok, NULL, "a title is at most 1000 bytes of UTF-8"},
        {BLOCK_PLAN_BAD_TITLE, NULL, segment_title_ok, "a title is at most 1000 bytes of UTF-8"},
        /* INV-BLOCK-PLAN-004 */
        {BLOCK_PLAN_BAD_SNIPE, NULL, snipes_ok,
         "at most 64 snipes, none over pad, follow each other within the segment and have headlines of 1 to 200 bytes"},
};

/* ret_position: the first segment that breaks the rule. */
static bool broken(const Rule *rule, const BlockPlan *block, uint32_t *ret_position) {
        if (rule->block_ok)
                return !rule->block_ok(block);
        for (uint32_t i = 0; i < block->n_segments; i++)
                if (!rule->segment_ok(&block->segments[i], i)) {
                        *ret_position = i;
                        return true;
                }
        return false;
}

static char *sentence(const Rule *rule, const BlockPlan *block, uint32_t position) {
        const char *id = block->block_id ? block->block_id : "";
        g_autofree char *text = rule->block_ok
                                        ? g_strdup_printf("block \"%s\": %s", id, rule->rule)
                                        : g_strdup_printf("block \"%s\" segment %u: %s", id, position, rule->rule);
        return g_utf8_make_valid(text, -1);
}

BlockPlanFault block_plan_validate(const BlockPlan *block, char **ret_detail) {
        for (size_t i = 0; i < G_N_ELEMENTS(rules); i++) {
                uint32_t position = 0;
                if (!broken(&rules[i], block, &position))
                        continue;
                if (ret_detail)
                        *ret_detail = sentence(&rules[i], block, position);
                return rules[i].fault;
        }
        return BLOCK_PLAN_OK;
}

const char *block_plan_fault_name(BlockPlanFault fault) {
        static const char *const names[] = {
                [BLOCK_PLAN_OK] = "ok",
                [BLOCK_PLAN_BAD_ID] = "bad_id",
                [BLOCK_PLAN_BAD_WINDOW] = "bad_window",
                [BLOCK_PLAN_NO_SEGMENTS] = "no_segments",
                [BLOCK_PLAN_BAD_INDEX] = "bad_index",
                [BLOCK_PLAN_BAD_DURATION] = "bad_duration",
                [BLOCK_PLAN_BAD_SUM] = "bad_sum",
                [BLOCK_PLAN_BAD_OFFSET] = "bad_offset",
                [BLOCK_PLAN_BAD_ASSET] = "bad_asset",
                [BLOCK_PLAN_BAD_SEGMENT_ID] = "bad_segment_id",
                [BLOCK_PLAN_BAD_TYPE] = "bad_type",
                [BLOCK_PLAN_BAD_FADE] = "bad_fade",
                [BLOCK_PLAN_BAD_GAIN] = "bad_gain",
                [BLOCK_PLAN_BAD_TITLE] = "bad_title",
                [BLOCK_PLAN_BAD_SNIPE] = "bad_snipe",
        };
        return fault < G_N_ELEMENTS(names) ? names[fault] : "unknown";
}
