#include <string.h>

#include "core/record/asrun/asrun_private.h"

int64_t asrun_event_start_utc_ms(const EvidenceEvent *event) {
        if (event->kind == EVIDENCE_CHANNEL_TERMINATED)
                return event->end_utc_ms;
        if (event->kind == EVIDENCE_BLOCK_FENCE) /* a fence is a point: where the block ended */
                return event->end_utc_ms;
        return event->start_utc_ms;
}

/* --- JSON -------------------------------------------------------------------------------------------------------- */

static void set_text(json_t *document, const char *key, const char *text) {
        json_object_set_new(document, key, text && text[0] ? json_string(text) : json_null());
}

static void set_int(json_t *document, const char *key, int64_t value) {
        json_object_set_new(document, key, json_integer(value));
}

static void set_bool(json_t *document, const char *key, bool value) {
        json_object_set_new(document, key, json_boolean(value));
}

static void set_segment(json_t *document, const EvidenceEvent *event) {
        set_text(document, "event_id", event->event_id);
        set_int(document, "segment_index", event->segment_index);
        set_text(document, "segment_uuid", event->segment_uuid);
        set_text(document, "asset_uuid", event->asset_uuid);
        set_text(document, "type", segment_type_name(event->type));
        set_text(document, "title", event->title);
        set_text(document, "asset_uri", event->asset_uri);
        set_int(document, "actual_start_utc_ms", event->start_utc_ms);
        set_int(document, "asset_start_frame", event->asset_start_frame);
}

static void set_segment_end(json_t *document, const EvidenceEvent *event) {
        set_int(document, "start_tick", event->start_tick);
        set_int(document, "end_tick", event->end_tick);
        set_int(document, "actual_end_utc_ms", event->end_utc_ms);
        set_int(document, "asset_end_frame", event->asset_end_frame);
        set_int(document, "frames", event->frames);
        set_int(document, "fallback_frames", event->fallback_frames);
        set_text(document, "status", segment_status_name(event->status));
        set_text(document, "reason", event->reason);
}

static void set_payload(json_t *document, const EvidenceEvent *event) {
        switch (event->kind) {
        case EVIDENCE_HELLO:
                break;
        case EVIDENCE_BLOCK_START:
                set_text(document, "title", event->title);
                set_int(document, "tick", event->tick);
                set_int(document, "fence_tick", event->fence_tick);
                set_int(document, "actual_start_utc_ms", event->start_utc_ms);
                set_bool(document, "primed", event->primed);
                break;
        case EVIDENCE_SEGMENT_START:
                set_segment(document, event);
                set_int(document, "tick", event->tick);
                set_int(document, "scheduled_duration_ms", event->scheduled_duration_ms);
                set_bool(document, "join_in_progress", event->join_in_progress);
                break;
        case EVIDENCE_SEGMENT_END:
                set_segment(document, event);
                set_segment_end(document, event);
                break;
        case EVIDENCE_BLOCK_FENCE:
                set_int(document, "swap_tick", event->end_tick);
                set_int(document, "actual_end_utc_ms", event->end_utc_ms);
                set_int(document, "frames_emitted", event->frames);
                set_bool(document, "truncated_by_fence", event->truncated_by_fence);
                set_bool(document, "early_exhaustion", event->early_exhaustion);
                set_bool(document, "primed", event->primed);
                break;
        case EVIDENCE_CHANNEL_TERMINATED:
                set_int(document, "utc_ms", event->end_utc_ms);
                set_text(document, "reason", event->reason);
                set_text(document, "detail", event->detail);
                break;
        }
}

json_t *asrun_document(const EvidenceEvent *event) {
        json_t *document = json_object();
        set_text(document, "kind", evidence_kind_name(event->kind));
        set_text(document, "channel_id", event->channel_id);
        set_text(document, "session_id", event->session_id);
        set_int(document, "sequence", event->sequence);
        set_text(document, "event_uuid", event->event_uuid);
        set_int(document, "emitted_utc_ms", event->emitted_utc_ms);
        if (event->block_id && event->block_id[0])
                set_text(document, "block_id", event->block_id);
        set_payload(document, event);
        return document;
}

/* --- the line: ACTUAL 8, DUR 8, STATUS 10, TYPE 8, EVENT_ID 32, NOTES ------------------------------------------------
 */

static void format_duration(int64_t ms, char ret_text[16]) {
        int64_t s = (MAX(ms, 0) + 500) / 1000;
        g_snprintf(ret_text, 16, "%02d:%02d:%02d", (int)(s / 3600 % 100), (int)(s / 60 % 60), (int)(s % 60));
}

/* One line stays one line, whatever a title holds. */
static char *notes_of(const char *format, ...) G_GNUC_PRINTF(1, 2);
static char *notes_of(const char *format, ...) {
        va_list arguments;
        va_start(arguments, format);
        char *notes = g_strdup_vprintf(format, arguments);
        va_end(arguments);
        for (char *c = notes; *c; c++)
                if ((unsigned char)*c < 0x20)
                        *c = ' ';
        return notes;
}

static char *line_of(const AsRunPlace *place, int64_t duration_ms, const char *status, const char *type, const char *id,
                     const char *notes) {
        char duration[16];
        format_duration(duration_ms, duration);
        return g_strdup_printf("%-8s %-8s %-10s %-8.8s %-32s %s\n", place->time, duration, status, type, id ? id : "-",
                               notes);
}

char *asrun_line(const EvidenceEvent *event, const AsRunPlace *place) {
        g_autofree char *notes = NULL;
        switch (event->kind) {
        case EVIDENCE_BLOCK_START:
                notes = notes_of("%s", event->title ? event->title : "");
                return line_of(place, 0, "START", "block", event->block_id, notes);
        case EVIDENCE_SEGMENT_END:
                notes = notes_of("%s%s%s", event->title ? event->title : "",
                                 event->reason && event->reason[0] ? " reason=" : "",
                                 event->reason ? event->reason : "");
                return line_of(place, event->end_utc_ms - event->start_utc_ms, segment_status_name(event->status),
                               segment_type_name(event->type), event->event_id, notes);
        case EVIDENCE_BLOCK_FENCE:
                notes = notes_of("frames=%" G_GINT64_FORMAT "%s%s", event->frames,
                                 event->truncated_by_fence ? " truncated_by_fence" : "",
                                 event->early_exhaustion ? " early_exhaustion" : "");
                return line_of(place, 0, "FENCE", "block", event->block_id, notes);
        case EVIDENCE_CHANNEL_TERMINATED:
                notes = notes_of("%s %s", event->reason ? event->reason : "", event->detail ? event->detail : "");
                return line_of(place, 0, event->sequence < 0 ? "ERROR" : "END", "session", event->session_id, notes);
        case EVIDENCE_HELLO:
        case EVIDENCE_SEGMENT_START:
                break;
        }
        return NULL;
}
