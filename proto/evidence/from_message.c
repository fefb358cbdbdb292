#include "proto/evidence/evidence.h"

typedef Retrovue__Evidence__V1__EvidenceFromAir Message;

/* protobuf-c does not look into strings: an unset one may be NULL and any bytes may be in it. */
static bool take_text(const char *text, char **to) {
        if (!text || !g_utf8_validate(text, -1, NULL))
                return false;
        *to = g_strdup(text);
        return true;
}

/* Of what pad does not have, an empty string says "none". */
static bool take_optional(const char *text, char **to) {
        if (text && *text == '\0')
                return true;
        return take_text(text, to);
}

static bool take_type(Retrovue__Playout__V1__SegmentType type, SegmentType *to) {
        *to = (SegmentType)type;
        return *to >= SEGMENT_CONTENT && *to <= SEGMENT_PAD;
}

static bool take_status(Retrovue__Evidence__V1__SegmentStatus status, SegmentStatus *to) {
        *to = (SegmentStatus)status;
        return *to >= SEGMENT_STATUS_AIRED && *to <= SEGMENT_STATUS_ERROR;
}

static bool take_hello(EvidenceEvent *event, const Retrovue__Evidence__V1__Hello *hello) {
        event->kind = EVIDENCE_HELLO;
        event->first_sequence_available = hello->first_sequence_available;
        event->last_sequence_emitted = hello->last_sequence_emitted;
        return true;
}

static bool take_block_start(EvidenceEvent *event, const Retrovue__Evidence__V1__BlockStart *start) {
        event->kind = EVIDENCE_BLOCK_START;
        event->tick = start->tick;
        event->fence_tick = start->fence_tick;
        event->start_utc_ms = start->actual_start_utc_ms;
        event->primed = start->primed;
        return take_text(start->block_id, &event->block_id) && take_text(start->title, &event->title);
}

static bool take_segment_start(EvidenceEvent *event, const Retrovue__Evidence__V1__SegmentStart *start) {
        event->kind = EVIDENCE_SEGMENT_START;
        event->segment_index = start->segment_index;
        event->tick = start->tick;
        event->start_utc_ms = start->actual_start_utc_ms;
        event->asset_start_frame = start->asset_start_frame;
        event->scheduled_duration_ms = start->scheduled_duration_ms;
        event->join_in_progress = start->join_in_progress;
        return take_type(start->type, &event->type) && take_text(start->block_id, &event->block_id) &&
               take_text(start->event_id, &event->event_id) && take_text(start->segment_uuid, &event->segment_uuid) &&
               take_optional(start->asset_uuid, &event->asset_uuid) && take_text(start->title, &event->title) &&
               take_optional(start->asset_uri, &event->asset_uri);
}

static bool take_segment_end(EvidenceEvent *event, const Retrovue__Evidence__V1__SegmentEnd *end) {
        event->kind = EVIDENCE_SEGMENT_END;
        event->segment_index = end->segment_index;
        event->start_tick = end->start_tick;
        event->end_tick = end->end_tick;
        event->start_utc_ms = end->actual_start_utc_ms;
        event->end_utc_ms = end->actual_end_utc_ms;
        event->asset_start_frame = end->asset_start_frame;
        event->asset_end_frame = end->asset_end_frame;
        event->frames = end->frames;
        event->fallback_frames = end->fallback_frames;
        return take_type(end->type, &event->type) && take_status(end->status, &event->status) &&
               take_text(end->block_id, &event->block_id) && take_text(end->event_id, &event->event_id) &&
               take_text(end->segment_uuid, &event->segment_uuid) &&
               take_optional(end->asset_uuid, &event->asset_uuid) && take_text(end->reason, &event->reason);
}

static bool take_block_fence(EvidenceEvent *event, const Retrovue__Evidence__V1__BlockFence *fence) {
        event->kind = EVIDENCE_BLOCK_FENCE;
        event->end_tick = fence->swap_tick;
        event->end_utc_ms = fence->actual_end_utc_ms;
        event->frames = fence->frames_emitted;
        event->truncated_by_fence = fence->truncated_by_fence;
        event->early_exhaustion = fence->early_exhaustion;
        event->primed = fence->primed;
        return take_text(fence->block_id, &event->block_id);
}

static bool take_channel_terminated(EvidenceEvent *event, const Retrovue__Evidence__V1__ChannelTerminated *end) {
        event->kind = EVIDENCE_CHANNEL_TERMINATED;
        event->end_utc_ms = end->utc_ms;
        return take_text(end->reason, &event->reason) && take_text(end->detail, &event->detail);
}

static bool take_payload(EvidenceEvent *event, const Message *message) {
        switch (message->payload_case) {
        case RETROVUE__EVIDENCE__V1__EVIDENCE_FROM_AIR__PAYLOAD_HELLO:
                return take_hello(event, message->hello);
        case RETROVUE__EVIDENCE__V1__EVIDENCE_FROM_AIR__PAYLOAD_BLOCK_START:
                return take_block_start(event, message->block_start);
        case RETROVUE__EVIDENCE__V1__EVIDENCE_FROM_AIR__PAYLOAD_SEGMENT_START:
                return take_segment_start(event, message->segment_start);
        case RETROVUE__EVIDENCE__V1__EVIDENCE_FROM_AIR__PAYLOAD_SEGMENT_END:
                return take_segment_end(event, message->segment_end);
        case RETROVUE__EVIDENCE__V1__EVIDENCE_FROM_AIR__PAYLOAD_BLOCK_FENCE:
                return take_block_fence(event, message->block_fence);
        case RETROVUE__EVIDENCE__V1__EVIDENCE_FROM_AIR__PAYLOAD_CHANNEL_TERMINATED:
                return take_channel_terminated(event, message->channel_terminated);
        case RETROVUE__EVIDENCE__V1__EVIDENCE_FROM_AIR__PAYLOAD__NOT_SET:
        case _RETROVUE__EVIDENCE__V1__EVIDENCE_FROM_AIR__PAYLOAD__CASE_IS_INT_SIZE:
                break;
        }
        return false;
}

/* Only a hello is outside the count that begins at 1. */
static bool sequence_fits(const EvidenceEvent *event) {
        return event->kind == EVIDENCE_HELLO ? event->sequence == 0 : event->sequence > 0;
}

EvidenceEvent *evidence_event_from_message(const Message *message) {
        if (!message || message->schema_version != EVIDENCE_SCHEMA_VERSION)
                return NULL;
        g_autoptr(EvidenceEvent) event = evidence_event_new(0);
        event->sequence = message->sequence;
        event->emitted_utc_ms = message->emitted_utc_ms;
        event->events_refused = message->events_refused;
        if (!take_text(message->channel_id, &event->channel_id) ||
            !take_text(message->playout_session_id, &event->session_id) ||
            !take_text(message->event_uuid, &event->event_uuid) || !take_payload(event, message) ||
            !sequence_fits(event))
                return NULL;
        return g_steal_pointer(&event);
}

EvidenceEvent *evidence_event_unpack(const void *data, size_t size) {
        Message *message = retrovue__evidence__v1__evidence_from_air__unpack(NULL, size, data);
        if (!message)
                return NULL;
        EvidenceEvent *event = evidence_event_from_message(message);
        evidence_message_free(message);
        return event;
}
