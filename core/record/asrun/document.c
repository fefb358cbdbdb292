#include <string.h>

#include "core/record/asrun/asrun_private.h"

int64_t asrun_event_start_utc_ms(const EvidenceEvent *event) {
        if (event->kind == EVIDENCE_CHANNEL_TERMINATED)
                return event->end_utc_ms;
        if (event->kind == EVIDENCE_BLOCK_FENCE) /* a fence is a point: where the block ended */
                return event->end_utc_ms;
        return event->start_utc_ms;
}

/* INV-ASRUN-DAY-001: a fence is the first tick after its block, up to a frame late, and belongs to what it ends. */
int64_t asrun_event_day_utc_ms(const EvidenceEvent *event) {
        const int64_t longer_than_a_frame_ms = 50;
        const int64_t start_utc_ms = asrun_event_start_utc_ms(event);
        return event->kind == EVIDENCE_BLOCK_FENCE ? start_utc_ms - longer_than_a_frame_ms : start_utc_ms;
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

json_t *asrun_document(const EvidenceEvent *event, const char *day) {
        json_t *document = json_object();
        set_text(document, "kind", evidence_kind_name(event->kind));
        set_text(document, "channel_id", event->channel_id);
        set_text(document, "broadcast_day", day);
        set_text(document, "session_id", event->session_id);
        set_int(document, "sequence", event->sequence);
        set_text(document, "event_uuid", event->event_uuid);
        set_int(document, "emitted_utc_ms", event->emitted_utc_ms);
        if (event->events_refused > 0)
                set_int(document, "events_refused", event->events_refused);
        if (event->block_id && event->block_id[0])
                set_text(document, "block_id", event->block_id);
        set_payload(document, event);
        return document;
}

/* --- the line: ACTUAL 8, DUR 8, STATUS 10, TYPE 8, EVENT_ID 32, NOTES ------------------------------------------------
 */

static const char *text_of(const json_t *document, const char *key) {
        const char *text = json_string_value(json_object_get(document, key));
        return text ? text : "";
}

static int64_t int_of(const json_t *document, const char *key) {
        return json_integer_value(json_object_get(document, key));
}

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

typedef struct {
        const char *time, *status, *type, *id;
        int64_t duration_ms;
} Columns;

/* Columns are fixed: what is longer is cut. It stands whole in the JSON. */
static char *line_of(const Columns *columns, const char *notes) {
        char duration[16];
        format_duration(columns->duration_ms, duration);
        return g_strdup_printf("%-8s %-8s %-10.10s %-8.8s %-32.32s %s\n", columns->time, duration, columns->status,
                               columns->type, columns->id[0] ? columns->id : "-", notes);
}

static char *segment_line(const json_t *document, const char *time) {
        const char *reason = text_of(document, "reason");
        g_autofree char *notes = notes_of("%s%s%s", text_of(document, "title"), reason[0] ? " reason=" : "", reason);
        const Columns columns = {
                .time = time,
                .status = text_of(document, "status"),
                .type = text_of(document, "type"),
                .id = text_of(document, "event_id"),
                .duration_ms = int_of(document, "actual_end_utc_ms") - int_of(document, "actual_start_utc_ms"),
        };
        return line_of(&columns, notes);
}

static char *fence_line(const json_t *document, const char *time) {
        g_autofree char *notes =
                notes_of("frames=%" G_GINT64_FORMAT "%s%s", int_of(document, "frames_emitted"),
                         json_is_true(json_object_get(document, "truncated_by_fence")) ? " truncated_by_fence" : "",
                         json_is_true(json_object_get(document, "early_exhaustion")) ? " early_exhaustion" : "");
        return line_of(&(Columns){time, "FENCE", "block", text_of(document, "block_id"), 0}, notes);
}

static char *session_line(const json_t *document, const char *time) {
        const char *status = int_of(document, "sequence") < 0 ? "ERROR" : "END";
        g_autofree char *notes = notes_of("%s %s", text_of(document, "reason"), text_of(document, "detail"));
        return line_of(&(Columns){time, status, "session", text_of(document, "session_id"), 0}, notes);
}

char *asrun_line(const json_t *document, const char time[9]) {
        const char *kind = text_of(document, "kind");
        if (g_str_equal(kind, evidence_kind_name(EVIDENCE_SEGMENT_END)))
                return segment_line(document, time);
        if (g_str_equal(kind, evidence_kind_name(EVIDENCE_BLOCK_FENCE)))
                return fence_line(document, time);
        if (g_str_equal(kind, evidence_kind_name(EVIDENCE_CHANNEL_TERMINATED)))
                return session_line(document, time);
        if (!g_str_equal(kind, evidence_kind_name(EVIDENCE_BLOCK_START)))
                return NULL;
        g_autofree char *notes = notes_of("%s", text_of(document, "title"));
        return line_of(&(Columns){time, "START", "block", text_of(document, "block_id"), 0}, notes);
}

int64_t asrun_document_start_utc_ms(const json_t *document) {
        static const char *const keys[] = {"actual_start_utc_ms", "actual_end_utc_ms", "utc_ms"};
        for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
                if (json_object_get(document, keys[i]))
                        return int_of(document, keys[i]);
        return 0;
}
