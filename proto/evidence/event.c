#include "proto/evidence/evidence.h"

const char *evidence_kind_name(EvidenceKind kind) {
        static const char *const names[] = {
                [EVIDENCE_HELLO] = "hello",
                [EVIDENCE_BLOCK_START] = "block_start",
                [EVIDENCE_SEGMENT_START] = "segment_start",
                [EVIDENCE_SEGMENT_END] = "segment_end",
                [EVIDENCE_BLOCK_FENCE] = "block_fence",
                [EVIDENCE_CHANNEL_TERMINATED] = "channel_terminated",
        };
        if (kind < EVIDENCE_HELLO || kind > EVIDENCE_CHANNEL_TERMINATED)
                return "unknown";
        return names[kind];
}

const char *segment_status_name(SegmentStatus status) {
        static const char *const names[] = {
                [SEGMENT_STATUS_AIRED] = "AIRED",
                [SEGMENT_STATUS_TRUNCATED] = "TRUNCATED",
                [SEGMENT_STATUS_SHORT] = "SHORT",
                [SEGMENT_STATUS_SKIPPED] = "SKIPPED",
                [SEGMENT_STATUS_SUBSTITUTED] = "SUBSTITUTED",
                [SEGMENT_STATUS_ERROR] = "ERROR",
        };
        if (status < SEGMENT_STATUS_AIRED || status > SEGMENT_STATUS_ERROR)
                return "UNKNOWN";
        return names[status];
}

EvidenceEvent *evidence_event_new(EvidenceKind kind) {
        EvidenceEvent *event = g_new0(EvidenceEvent, 1);
        event->kind = kind;
        return event;
}

EvidenceEvent *evidence_event_copy(const EvidenceEvent *event) {
        EvidenceEvent *copy = g_new(EvidenceEvent, 1);
        *copy = *event;
        copy->channel_id = g_strdup(event->channel_id);
        copy->session_id = g_strdup(event->session_id);
        copy->event_uuid = g_strdup(event->event_uuid);
        copy->block_id = g_strdup(event->block_id);
        copy->event_id = g_strdup(event->event_id);
        copy->segment_uuid = g_strdup(event->segment_uuid);
        copy->asset_uuid = g_strdup(event->asset_uuid);
        copy->title = g_strdup(event->title);
        copy->asset_uri = g_strdup(event->asset_uri);
        copy->reason = g_strdup(event->reason);
        copy->detail = g_strdup(event->detail);
        return copy;
}

void evidence_event_free(EvidenceEvent *event) {
        if (!event)
                return;
        g_free(event->channel_id);
        g_free(event->session_id);
        g_free(event->event_uuid);
        g_free(event->block_id);
        g_free(event->event_id);
        g_free(event->segment_uuid);
        g_free(event->asset_uuid);
        g_free(event->title);
        g_free(event->asset_uri);
        g_free(event->reason);
        g_free(event->detail);
        g_free(event);
}
