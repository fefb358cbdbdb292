#include "proto/evidence/evidence.h"

typedef Retrovue__Evidence__V1__EvidenceFromAir Message;

/* Repaired rather than refused: a fact is not lost because a file's name or an error's text is not UTF-8. */
static char *to_text(const char *text) {
        return text && *text != '\0' ? g_utf8_make_valid(text, -1) : (char *)protobuf_c_empty_string;
}

static void put_hello(Message *message, const EvidenceEvent *event) {
        Retrovue__Evidence__V1__Hello *hello = g_new(Retrovue__Evidence__V1__Hello, 1);
        retrovue__evidence__v1__hello__init(hello);
        hello->first_sequence_available = event->first_sequence_available;
        hello->last_sequence_emitted = event->last_sequence_emitted;
        message->payload_case = RETROVUE__EVIDENCE__V1__EVIDENCE_FROM_AIR__PAYLOAD_HELLO;
        message->hello = hello;
}

static void put_block_start(Message *message, const EvidenceEvent *event) {
        Retrovue__Evidence__V1__BlockStart *start = g_new(Retrovue__Evidence__V1__BlockStart, 1);
        retrovue__evidence__v1__block_start__init(start);
        start->block_id = to_text(event->block_id);
        start->tick = event->tick;
        start->fence_tick = event->fence_tick;
        start->actual_start_utc_ms = event->start_utc_ms;
        start->primed = event->primed;
        start->title = to_text(event->title);
        message->payload_case = RETROVUE__EVIDENCE__V1__EVIDENCE_FROM_AIR__PAYLOAD_BLOCK_START;
        message->block_start = start;
}

static void put_segment_start(Message *message, const EvidenceEvent *event) {
        Retrovue__Evidence__V1__SegmentStart *start = g_new(Retrovue__Evidence__V1__SegmentStart, 1);
        retrovue__evidence__v1__segment_start__init(start);
        start->block_id = to_text(event->block_id);
        start->event_id = to_text(event->event_id);
        start->segment_index = event->segment_index;
        start->segment_uuid = to_text(event->segment_uuid);
        start->asset_uuid = to_text(event->asset_uuid);
        start->type = (Retrovue__Playout__V1__SegmentType)event->type;
        start->title = to_text(event->title);
        start->asset_uri = to_text(event->asset_uri);
        start->tick = event->tick;
        start->actual_start_utc_ms = event->start_utc_ms;
        start->asset_start_frame = event->asset_start_frame;
        start->scheduled_duration_ms = event->scheduled_duration_ms;
        start->join_in_progress = event->join_in_progress;
        message->payload_case = RETROVUE__EVIDENCE__V1__EVIDENCE_FROM_AIR__PAYLOAD_SEGMENT_START;
        message->segment_start = start;
}

static void put_segment_end(Message *message, const EvidenceEvent *event) {
        Retrovue__Evidence__V1__SegmentEnd *end = g_new(Retrovue__Evidence__V1__SegmentEnd, 1);
        retrovue__evidence__v1__segment_end__init(end);
        end->block_id = to_text(event->block_id);
        end->event_id = to_text(event->event_id);
        end->segment_index = event->segment_index;
        end->segment_uuid = to_text(event->segment_uuid);
        end->asset_uuid = to_text(event->asset_uuid);
        end->type = (Retrovue__Playout__V1__SegmentType)event->type;
        end->start_tick = event->start_tick;
        end->end_tick = event->end_tick;
        end->actual_start_utc_ms = event->start_utc_ms;
        end->actual_end_utc_ms = event->end_utc_ms;
        end->asset_start_frame = event->asset_start_frame;
        end->asset_end_frame = event->asset_end_frame;
        end->frames = event->frames;
        end->status = (Retrovue__Evidence__V1__SegmentStatus)event->status;
        end->reason = to_text(event->reason);
        end->fallback_frames = event->fallback_frames;
        message->payload_case = RETROVUE__EVIDENCE__V1__EVIDENCE_FROM_AIR__PAYLOAD_SEGMENT_END;
        message->segment_end = end;
}

static void put_block_fence(Message *message, const EvidenceEvent *event) {
        Retrovue__Evidence__V1__BlockFence *fence = g_new(Retrovue__Evidence__V1__BlockFence, 1);
        retrovue__evidence__v1__block_fence__init(fence);
        fence->block_id = to_text(event->block_id);
        fence->swap_tick = event->end_tick;
        fence->actual_end_utc_ms = event->end_utc_ms;
        fence->frames_emitted = event->frames;
        fence->truncated_by_fence = event->truncated_by_fence;
        fence->early_exhaustion = event->early_exhaustion;
        fence->primed = event->primed;
        message->payload_case = RETROVUE__EVIDENCE__V1__EVIDENCE_FROM_AIR__PAYLOAD_BLOCK_FENCE;
        message->block_fence = fence;
}

static void put_channel_terminated(Message *message, const EvidenceEvent *event) {
        Retrovue__Evidence__V1__ChannelTerminated *end = g_new(Retrovue__Evidence__V1__ChannelTerminated, 1);
        retrovue__evidence__v1__channel_terminated__init(end);
        end->utc_ms = event->end_utc_ms;
        end->reason = to_text(event->reason);
        end->detail = to_text(event->detail);
        message->payload_case = RETROVUE__EVIDENCE__V1__EVIDENCE_FROM_AIR__PAYLOAD_CHANNEL_TERMINATED;
        message->channel_terminated = end;
}

static void put_payload(Message *message, const EvidenceEvent *event) {
        switch (event->kind) {
        case EVIDENCE_HELLO:
                put_hello(message, event);
                return;
        case EVIDENCE_BLOCK_START:
                put_block_start(message, event);
                return;
        case EVIDENCE_SEGMENT_START:
                put_segment_start(message, event);
                return;
        case EVIDENCE_SEGMENT_END:
                put_segment_end(message, event);
                return;
        case EVIDENCE_BLOCK_FENCE:
                put_block_fence(message, event);
                return;
        case EVIDENCE_CHANNEL_TERMINATED:
                put_channel_terminated(message, event);
                return;
        }
        g_assert_not_reached();
}

Message *evidence_event_to_message(const EvidenceEvent *event) {
        Message *message = g_new(Message, 1);
        retrovue__evidence__v1__evidence_from_air__init(message);
        message->schema_version = EVIDENCE_SCHEMA_VERSION;
        message->channel_id = to_text(event->channel_id);
        message->playout_session_id = to_text(event->session_id);
        message->sequence = event->sequence;
        message->event_uuid = to_text(event->event_uuid);
        message->emitted_utc_ms = event->emitted_utc_ms;
        message->events_refused = event->events_refused;
        put_payload(message, event);
        return message;
}

void evidence_message_free(Message *message) {
        retrovue__evidence__v1__evidence_from_air__free_unpacked(message, NULL);
}

GBytes *evidence_event_pack(const EvidenceEvent *event) {
        Message *message = evidence_event_to_message(event);
        const size_t size = retrovue__evidence__v1__evidence_from_air__get_packed_size(message);
        uint8_t *bytes = g_malloc(size);
        retrovue__evidence__v1__evidence_from_air__pack(message, bytes);
        evidence_message_free(message);
        return g_bytes_new_take(bytes, size); /* NOLINT(clang-analyzer-unix.Malloc): free_unpacked is unknown to it */
}
