/*
 * EvidenceEvent: one fact about what an engine did. Made by air (tick thread's reports, turned into events on the
 * control loop), spooled, sent to core, recorded as as-run. Immutable after construction; owned by one holder at a
 * time. Field meanings, units and value sets are those of proto/evidence.proto.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/block_plan/block_plan.h"
#include "proto/evidence.pb-c.h"

#define EVIDENCE_SCHEMA_VERSION 1

typedef enum {
        EVIDENCE_HELLO = 1,
        EVIDENCE_BLOCK_START,
        EVIDENCE_SEGMENT_START,
        EVIDENCE_SEGMENT_END,
        EVIDENCE_BLOCK_FENCE,
        EVIDENCE_CHANNEL_TERMINATED,
} EvidenceKind;

typedef enum {
        SEGMENT_STATUS_AIRED = 1,
        SEGMENT_STATUS_TRUNCATED,
        SEGMENT_STATUS_SHORT,
        SEGMENT_STATUS_SKIPPED,
        SEGMENT_STATUS_SUBSTITUTED,
        SEGMENT_STATUS_ERROR,
} SegmentStatus;

const char *evidence_kind_name(EvidenceKind kind);     /* "hello", "block_start" ... */
const char *segment_status_name(SegmentStatus status); /* "AIRED" ... */

typedef struct {
        EvidenceKind kind;
        char *channel_id;
        char *session_id;
        int64_t sequence;
        char *event_uuid;
        int64_t emitted_utc_ms;
        int64_t events_refused;

        /* Which of the rest are meaningful follows from kind, exactly as in evidence.proto; others are 0 or NULL. */
        int64_t first_sequence_available, last_sequence_emitted; /* hello */
        char *block_id;
        char *event_id; /* segment_* */
        char *segment_uuid;
        char *asset_uuid; /* NULL for pad */
        char *title;
        char *asset_uri; /* NULL for pad */
        char *reason;    /* segment_end, channel_terminated */
        char *detail;    /* channel_terminated */
        int32_t segment_index;
        SegmentType type;
        SegmentStatus status;
        int64_t tick, fence_tick;         /* block_start; segment_start: tick */
        int64_t start_tick, end_tick;     /* segment_end; block_fence: end_tick = swap_tick */
        int64_t start_utc_ms, end_utc_ms; /* actual; channel_terminated: end_utc_ms */
        int64_t scheduled_duration_ms;
        int64_t asset_start_frame, asset_end_frame;
        int64_t frames, fallback_frames; /* block_fence: frames = frames_emitted */
        bool primed, join_in_progress, truncated_by_fence, early_exhaustion;
} EvidenceEvent;

EvidenceEvent *evidence_event_new(EvidenceKind kind); /* zeroed but for kind; strings in it are owned (g_strdup) */
EvidenceEvent *evidence_event_copy(const EvidenceEvent *event);
void evidence_event_free(EvidenceEvent *event);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EvidenceEvent, evidence_event_free)

/*
 * Codec to the message and to its bytes on the wire and in the spool. To: text that is not UTF-8 is repaired, so that
 * what air writes core can read. From: NULL when malformed: another schema version, no known kind, segment type or
 * status, a sequence outside the count (0 for hello, else from 1), a string that is NULL or not UTF-8.
 */
Retrovue__Evidence__V1__EvidenceFromAir *evidence_event_to_message(const EvidenceEvent *event);
void evidence_message_free(Retrovue__Evidence__V1__EvidenceFromAir *message);
EvidenceEvent *evidence_event_from_message(const Retrovue__Evidence__V1__EvidenceFromAir *message);
GBytes *evidence_event_pack(const EvidenceEvent *event);
EvidenceEvent *evidence_event_unpack(const void *data, size_t size);
