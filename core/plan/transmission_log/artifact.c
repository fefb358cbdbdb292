#include <jansson.h>
#include <string.h>

#include "core/plan/transmission_log/transmission_log.h"

#define ARTIFACT_VERSION 1

/* Eight columns at most. */
static const char *type_column(SegmentType type) {
        static const char *const names[] = {
                [SEGMENT_CONTENT] = "CONTENT", [SEGMENT_COMMERCIAL] = "COMMERCL", [SEGMENT_PROMO] = "PROMO",
                [SEGMENT_BUMPER] = "BUMPER",   [SEGMENT_STATION_ID] = "STATION",  [SEGMENT_PSA] = "PSA",
                [SEGMENT_STINGER] = "STINGER", [SEGMENT_TRAILER] = "TRAILER",     [SEGMENT_FILLER] = "FILLER",
                [SEGMENT_PAD] = "PAD",
        };
        return names[type];
}

static char *utc_text(int64_t utc_ms) {
        g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(utc_ms / 1000);
        g_autofree char *seconds = g_date_time_format(time, "%Y-%m-%dT%H:%M:%S");
        return g_strdup_printf("%s.%03dZ", seconds, (int)(utc_ms % 1000));
}

/* Titles and paths are one line in the log, whatever is in them. */
static char *one_line(const char *text) {
        char *line = g_strdup(text);
        for (char *p = line; *p; p++)
                if (g_ascii_iscntrl(*p))
                        *p = ' ';
        return line;
}

static void add_row(GString *text, const ChannelSpec *spec, int64_t utc_ms, int64_t duration_ms, const char *type,
                    const char *event_id) {
        g_autofree char *local = channel_spec_time(spec, utc_ms, "%H:%M:%S");
        const int64_t seconds = duration_ms / 1000;
        g_string_append_printf(text, "%-8s %02d:%02d:%02d %-8s %-32s ", local, (int)(seconds / 3600),
                               (int)(seconds / 60 % 60), (int)(seconds % 60), type, event_id);
}

/* What stands over the segment, a row each, at the time at which it appears. */
static void add_graphics(GString *text, const ChannelSpec *spec, const BlockSegment *segment, int64_t start_utc_ms) {
        if (segment->logo) {
                add_row(text, spec, start_utc_ms, segment->duration_ms, "LOGO", segment->event_id);
                g_string_append(text, "-\n");
        }
        for (uint32_t i = 0; i < segment->n_snipes; i++) {
                const BlockSnipe *snipe = &segment->snipes[i];
                g_autofree char *headline = one_line(snipe->headline);
                g_autofree char *detail = one_line(snipe->detail ? snipe->detail : "");
                add_row(text, spec, start_utc_ms + snipe->start_ms, snipe->duration_ms, "SNIPE", segment->event_id);
                g_string_append_printf(text, "%s%s%s\n", detail, *detail ? ": " : "", headline);
        }
}

static void add_block(GString *text, const ChannelSpec *spec, const BlockPlan *block) {
        g_autofree char *start = utc_text(block->start_utc_ms), *end = utc_text(block->end_utc_ms);
        g_autofree char *title = one_line(block->title);
        add_row(text, spec, block->start_utc_ms, block->end_utc_ms - block->start_utc_ms, "BLOCK", block->block_id);
        g_string_append_printf(text, "%s UTC_START=%s UTC_END=%s\n", title, start, end);
        int64_t at = block->start_utc_ms;
        for (uint32_t i = 0; i < block->n_segments; i++) {
                const BlockSegment *segment = &block->segments[i];
                g_autofree char *what = one_line(segment->asset_uri ? segment->asset_uri : "-");
                add_row(text, spec, at, segment->duration_ms, type_column(segment->type), segment->event_id);
                g_string_append_printf(text, "%s\n", what);
                add_graphics(text, spec, segment, at);
                at += segment->duration_ms;
        }
        add_row(text, spec, block->end_utc_ms, 0, "FENCE", block->block_id);
        g_string_append(text, "-\n");
}

char *transmission_log_text(const ChannelSpec *spec, const char *day, const char *log_id, const GPtrArray *blocks,
                            int64_t generated_utc_ms) {
        GString *text = g_string_new("# RetroVue transmission log\n");
        g_autofree char *generated = utc_text(generated_utc_ms);
        g_string_append_printf(text, "# CHANNEL: %s\n# DATE: %s\n# TIMEZONE_DISPLAY: %s\n", spec->id, day,
                               spec->timezone);
        g_string_append_printf(text, "# GENERATED_UTC: %s\n# TRANSMISSION_LOG_ID: %s\n# VERSION: %d\n", generated,
                               log_id, ARTIFACT_VERSION);
        g_string_append_printf(text, "%-8s %-8s %-8s %-32s %s\n", "TIME", "DUR", "TYPE", "EVENT_ID", "TITLE/ASSET");
        for (guint i = 0; i < blocks->len; i++)
                add_block(text, spec, blocks->pdata[i]);
        return g_string_free(text, false);
}

void transmission_log_put_graphics(json_t *object, const BlockSegment *segment) {
        json_t *snipes = segment->n_snipes > 0 ? json_array() : NULL;
        if (segment->logo)
                json_object_set_new(object, "logo", json_true());
        for (uint32_t i = 0; i < segment->n_snipes; i++) {
                const BlockSnipe *snipe = &segment->snipes[i];
                json_array_append_new(snipes,
                                      json_pack("{s:I, s:I, s:s, s:s*}", "start_ms", (json_int_t)snipe->start_ms,
                                                "duration_ms", (json_int_t)snipe->duration_ms, "headline",
                                                snipe->headline, "detail", snipe->detail));
        }
        if (snipes)
                json_object_set_new(object, "snipes", snipes);
}

static json_t *event_json(const BlockPlan *block, const BlockSegment *segment, int64_t start_utc_ms) {
        g_autofree char *start = utc_text(start_utc_ms);
        json_t *event = json_pack("{s:s, s:s, s:s, s:I, s:s, s:s?, s:s?, s:I, s:s, s:s}", "event_id", segment->event_id,
                                  "block_id", block->block_id, "scheduled_start_utc", start, "scheduled_duration_ms",
                                  (json_int_t)segment->duration_ms, "type", segment_type_name(segment->type),
                                  "asset_uri", segment->asset_uri, "asset_uuid", segment->asset_uuid,
                                  "asset_start_offset_ms", (json_int_t)segment->asset_start_offset_ms, "segment_uuid",
                                  segment->segment_uuid, "title", segment->title);
        transmission_log_put_graphics(event, segment);
        return event;
}

char *transmission_log_jsonl(const GPtrArray *blocks) {
        GString *text = g_string_new(NULL);
        for (guint i = 0; i < blocks->len; i++) {
                const BlockPlan *block = blocks->pdata[i];
                int64_t at = block->start_utc_ms;
                for (uint32_t j = 0; j < block->n_segments; j++) {
                        json_t *event = event_json(block, &block->segments[j], at);
                        char *line = json_dumps(event, JSON_COMPACT);
                        g_string_append(text, line);
                        g_string_append_c(text, '\n');
                        free(line);
                        json_decref(event);
                        at += block->segments[j].duration_ms;
                }
        }
        return g_string_free(text, false);
}
