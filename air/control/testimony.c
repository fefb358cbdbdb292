#include "air/control/testimony.h"

int64_t frame_clock_utc_ms(const FrameClock *clock, int64_t tick) {
        return clock->epoch_utc_ms + rv_tick_to_ms(tick, clock->rate);
}

static EvidenceEvent *block_event(EvidenceKind kind, const SeamReport *report) {
        EvidenceEvent *event = evidence_event_new(kind);
        event->block_id = g_strdup(report->block->block_id);
        return event;
}

static EvidenceEvent *of_block_start(const SeamReport *report, const FrameClock *clock) {
        EvidenceEvent *event = block_event(EVIDENCE_BLOCK_START, report);
        event->title = g_strdup(report->block->title);
        event->tick = report->tick;
        event->fence_tick = report->fence_tick;
        event->start_utc_ms = frame_clock_utc_ms(clock, report->tick);
        event->primed = report->primed;
        return event;
}

static EvidenceEvent *of_fence(const SeamReport *report, const FrameClock *clock) {
        EvidenceEvent *event = block_event(EVIDENCE_BLOCK_FENCE, report);
        event->end_tick = report->tick;
        event->end_utc_ms = frame_clock_utc_ms(clock, report->tick);
        event->frames = report->frames;
        event->truncated_by_fence = report->behind;
        event->early_exhaustion = report->exhausted;
        event->primed = report->primed;
        return event;
}

/* The ids that a segment's start and end have in common. */
static EvidenceEvent *segment_event(EvidenceKind kind, const SeamReport *report) {
        const BlockSegment *segment = &report->block->segments[report->segment_index];
        EvidenceEvent *event = block_event(kind, report);
        event->event_id = g_strdup(segment->event_id); /* INV-AIR-SEGMENT-ID-001 */
        event->segment_index = segment->index;
        event->segment_uuid = g_strdup(segment->segment_uuid);
        event->asset_uuid = g_strdup(segment->asset_uuid);
        event->type = segment->type;
        event->asset_start_frame = report->first_source_frame;
        return event;
}

static EvidenceEvent *of_segment_start(const SeamReport *report, const FrameClock *clock) {
        const BlockSegment *segment = &report->block->segments[report->segment_index];
        EvidenceEvent *event = segment_event(EVIDENCE_SEGMENT_START, report);
        event->title = g_strdup(segment->title);
        event->asset_uri = g_strdup(segment->asset_uri);
        event->tick = report->tick;
        event->start_utc_ms = frame_clock_utc_ms(clock, report->tick);
        event->scheduled_duration_ms = segment->duration_ms;
        event->join_in_progress = report->block->join_in_progress && report->segment_index == 0;
        return event;
}

typedef struct {
        SegmentStatus status;
        const char *reason; /* empty when AIRED */
} Verdict;

/* The worst that is true of it, in the order in which a viewer would name it. */
static Verdict judge(const SeamReport *report) { /* INV-CONTROL-005 */
        if (report->frames == 0)
                return (Verdict){SEGMENT_STATUS_SKIPPED, "NO_TIME_LEFT"};
        if (report->reason && report->black_frames > 0)
                return (Verdict){SEGMENT_STATUS_ERROR, report->reason};
        if (report->cut)
                return (Verdict){SEGMENT_STATUS_TRUNCATED, "STOPPED"};
        if (report->black_frames > 0)
                return (Verdict){SEGMENT_STATUS_SHORT, "MATERIAL_ENDED"};
        if (report->own_frames * 2 < report->frames)
                return (Verdict){SEGMENT_STATUS_SUBSTITUTED, "UNDERRUN"};
        if (report->late)
                return (Verdict){SEGMENT_STATUS_TRUNCATED, "BLOCK_CAME_LATE"};
        return (Verdict){SEGMENT_STATUS_AIRED, NULL};
}

static EvidenceEvent *of_segment_end(const SeamReport *report, const FrameClock *clock) {
        const Verdict verdict = judge(report);
        EvidenceEvent *event = segment_event(EVIDENCE_SEGMENT_END, report);
        event->start_tick = report->start_tick;
        event->end_tick = report->tick;
        event->start_utc_ms = frame_clock_utc_ms(clock, report->start_tick);
        event->end_utc_ms = frame_clock_utc_ms(clock, report->tick);
        event->asset_end_frame = report->last_source_frame;
        event->frames = report->frames;
        event->fallback_frames = report->frames - report->own_frames;
        event->status = verdict.status;
        event->reason = g_strdup(verdict.reason);
        return event;
}

EvidenceEvent *testimony_of(const SeamReport *report, const FrameClock *clock) {
        switch (report->kind) {
        case SEAM_BLOCK_START:
                return of_block_start(report, clock);
        case SEAM_SEGMENT_START:
                return of_segment_start(report, clock);
        case SEAM_SEGMENT_END:
                return of_segment_end(report, clock);
        case SEAM_BLOCK_FENCE:
                return of_fence(report, clock);
        case SEAM_DRY:
        case SEAM_ENDED:
                break;
        }
        return NULL;
}

EvidenceEvent *testimony_of_end(const char *reason, const char *detail, int64_t utc_ms) {
        EvidenceEvent *event = evidence_event_new(EVIDENCE_CHANNEL_TERMINATED);
        event->reason = g_strdup(reason);
        event->detail = g_strdup(detail);
        event->end_utc_ms = utc_ms;
        return event;
}
