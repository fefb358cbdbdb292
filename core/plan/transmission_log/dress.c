/* What stands over the pictures of a block: the logo, the programme's title and what comes next. */
#include <string.h>

#include "core/plan/transmission_log/transmission_log.h"

#define EDGE_MS INT64_C(2000)            /* from a seam, on both sides of it */
#define TEXT_BYTES 200                   /* of a headline or the line over it */
#define NEXT_WITHIN_MS INT64_C(43200000) /* further ahead a time of day says little */
#define DAY_S INT64_C(86400)

typedef struct {
        const ChannelSpec *spec;
        const ChannelGraphics *graphics;
        BlockPlan *block;
        const Programme *programme;
} Dress;

/* --- the logo -------------------------------------------------------------------------------------------------------
 */

static AssetKind kind_of(SegmentType type) {
        static const AssetKind kinds[] = {
                [SEGMENT_COMMERCIAL] = ASSET_COMMERCIAL,
                [SEGMENT_PROMO] = ASSET_PROMO,
                [SEGMENT_BUMPER] = ASSET_BUMPER,
                [SEGMENT_STATION_ID] = ASSET_STATION_ID,
                [SEGMENT_PSA] = ASSET_PSA,
                [SEGMENT_STINGER] = ASSET_STINGER,
                [SEGMENT_TRAILER] = ASSET_TRAILER,
                [SEGMENT_FILLER] = ASSET_FILLER,
                [SEGMENT_PAD] = 0,
        };
        return kinds[type];
}

static int local_minute(const ChannelSpec *spec, int64_t utc_ms) {
        const int64_t utc_s = utc_ms / 1000;
        const int interval = g_time_zone_find_interval(spec->zone, G_TIME_TYPE_UNIVERSAL, utc_s);
        return (int)((utc_s + g_time_zone_get_offset(spec->zone, interval) + DAY_S) % DAY_S / 60);
}

static bool within_hours(const Dress *dress, int64_t utc_ms) {
        const GArray *hours = dress->graphics->logo_hours;
        if (!hours)
                return true;
        const int minute = local_minute(dress->spec, utc_ms);
        for (guint i = 0; i < hours->len; i++) {
                const DayHours *range = &g_array_index(hours, DayHours, i);
                const bool after = minute >= range->start, before = minute < range->end;
                if (range->start < range->end ? after && before : after || before)
                        return true;
        }
        return false;
}

/* By the rules, whatever was there. INV-TL-GRAPHICS-001: by the segment's own start, also when hours end within it. */
static void put_logo(const Dress *dress) {
        int64_t at_utc_ms = dress->block->start_utc_ms;
        for (uint32_t i = 0; i < dress->block->n_segments; i++) {
                BlockSegment *segment = &dress->block->segments[i];
                segment->n_snipes = 0;
                segment->snipes = NULL;
                segment->logo = dress->graphics->logo && segment->type != SEGMENT_PAD &&
                                dress->graphics->logo_on[kind_of(segment->type)] && within_hours(dress, at_utc_ms);
                at_utc_ms += segment->duration_ms;
        }
}

/* --- text -----------------------------------------------------------------------------------------------------------
 */

/* One line of UTF-8 within the bound, whatever the text is; NULL: nothing is left. */
static char *line_of(const char *text) {
        g_autofree char *line = g_utf8_make_valid(text ? text : "", -1);
        for (char *at = line; *at; at = g_utf8_next_char(at))
                if (g_ascii_iscntrl(*at))
                        *at = ' ';
        g_strstrip(line);
        if (strlen(line) > TEXT_BYTES)
                *g_utf8_find_prev_char(line, line + TEXT_BYTES + 1) = '\0';
        return *line ? g_steal_pointer(&line) : NULL;
}

static char *next_line(const Dress *dress, const Programme *next) {
        g_autofree char *time = channel_spec_time(dress->spec, next->start_utc_ms, "%H:%M");
        g_autoptr(GString) text = g_string_new(dress->graphics->next_text);
        g_string_replace(text, NEXT_TIME, time, 0); /* first: a title may have braces */
        g_string_replace(text, NEXT_TITLE, next->title, 0);
        return line_of(text->str);
}

/* --- snipes ---------------------------------------------------------------------------------------------------------
 */

/* INV-TL-GRAPHICS-002: over the programme, off its seams and fades. From when to when after the segment's start a snipe
 * of that length may begin; false: never. */
static bool room_for(const BlockSegment *segment, int64_t for_ms, int64_t *ret_first_ms, int64_t *ret_last_ms) {
        *ret_first_ms = MAX(EDGE_MS, segment->fade_in_ms);
        *ret_last_ms = segment->duration_ms - MAX(EDGE_MS, segment->fade_out_ms) - for_ms;
        return segment->type == SEGMENT_CONTENT && *ret_first_ms <= *ret_last_ms;
}

/* As near to the instant as there is room; of two such places the earlier. */
static BlockSegment *place_near(const Dress *dress, int64_t at_ms, int64_t for_ms, int64_t *ret_start_ms) {
        BlockSegment *nearest = NULL;
        int64_t segment_ms = 0, least = INT64_MAX, first = 0, last = 0;
        for (uint32_t i = 0; i < dress->block->n_segments; i++) {
                BlockSegment *segment = &dress->block->segments[i];
                const int64_t wanted = at_ms - segment_ms;
                if (room_for(segment, for_ms, &first, &last) && ABS(CLAMP(wanted, first, last) - wanted) < least) {
                        *ret_start_ms = CLAMP(wanted, first, last);
                        least = ABS(*ret_start_ms - wanted);
                        nearest = segment;
                }
                segment_ms += segment->duration_ms;
        }
        return nearest;
}

static void put_snipes(const Dress *dress, BlockSegment *segment, const BlockSnipe *snipes, uint32_t n) {
        segment->snipes = block_plan_snipes(dress->block, snipes, n);
        segment->n_snipes = n;
}

static void put_next(const Dress *dress, const Programme *next) {
        const ChannelGraphics *graphics = dress->graphics;
        const int64_t length_ms = dress->block->end_utc_ms - dress->block->start_utc_ms;
        if (!next || next->start_utc_ms - dress->block->end_utc_ms > NEXT_WITHIN_MS)
                return;
        g_autofree char *headline = line_of(next->title), *detail = next_line(dress, next);
        BlockSnipe snipe = {.duration_ms = graphics->next_for_ms, .headline = headline, .detail = detail};
        BlockSegment *segment = place_near(dress, MAX(length_ms - graphics->next_at_ms, length_ms / 2),
                                           graphics->next_for_ms, &snipe.start_ms);
        if (headline && segment)
                put_snipes(dress, segment, &snipe, 1);
}

/* What comes next stands there already, if anything does: the title gives way to it. */
static void put_title(const Dress *dress, BlockSegment *segment, const char *headline, const char *detail) {
        const ChannelGraphics *graphics = dress->graphics;
        int64_t first = 0, last = 0;
        if (!room_for(segment, graphics->title_for_ms, &first, &last))
                return;
        BlockSnipe snipes[2] = {{.start_ms = MAX(first, graphics->title_after_ms),
                                 .duration_ms = graphics->title_for_ms,
                                 .headline = headline,
                                 .detail = detail}};
        const BlockSnipe *other = segment->n_snipes > 0 ? segment->snipes : NULL;
        if (snipes[0].start_ms > last ||
            (other && snipes[0].start_ms + snipes[0].duration_ms + EDGE_MS > other->start_ms))
                return;
        if (other)
                snipes[1] = *other;
        put_snipes(dress, segment, snipes, other ? 2 : 1);
}

static void put_titles(const Dress *dress) {
        g_autofree char *headline = line_of(dress->programme->title), *detail = line_of(dress->programme->subtitle);
        bool first = true, after_break = true;
        for (uint32_t i = 0; i < dress->block->n_segments && headline; i++) {
                BlockSegment *segment = &dress->block->segments[i];
                const bool content = segment->type == SEGMENT_CONTENT;
                if (content && (first || (after_break && dress->graphics->title_after_breaks)))
                        put_title(dress, segment, headline, detail);
                first = first && !content;
                after_break = !content;
        }
}

void transmission_log_dress(BlockPlan *block, const ChannelSpec *spec, const Programme *programme,
                            const Programme *next) {
        const Dress dress = {spec, channel_spec_graphics(spec), block, programme};
        if (!dress.graphics) /* INV-TL-GRAPHICS-003 */
                return;
        put_logo(&dress);
        if (dress.graphics->next)
                put_next(&dress, next);
        if (dress.graphics->title)
                put_titles(&dress);
}
