#include "air/control/outlook.h"

#include "proto/base/id.h"

/* The break that is being put together. */
typedef struct {
        OutputBreak it;
        bool open;    /* it has begun */
        bool growing; /* the last segment was of it */
} Run;

static int64_t tick_at(const FrameClock *frames, int64_t utc_ms) {
        return rv_tick_at_ms(utc_ms - frames->epoch_utc_ms, frames->rate);
}

/* All of a UUID folded into 32 bits: wherever two differ in a few of them, so do their numbers. */
static uint32_t number_of(const char *uuid) {
        uint32_t number = 0;
        int digits = 0;
        for (; *uuid; uuid++)
                if (g_ascii_isxdigit(*uuid))
                        number ^= (uint32_t)g_ascii_xdigit_value(*uuid) << 4 * (digits++ % 8);
        return number;
}

static void add_programme(GArray *programmes, const BlockPlan *block, const FrameClock *frames) {
        char uuid[RV_UUID_SIZE];
        rv_uuid_named(block->block_id, uuid);
        const OutputProgramme programme = {
                .title = block->title,
                .id = number_of(uuid),
                .start_tick = tick_at(frames, block->start_utc_ms),
                .end_tick = tick_at(frames, block->end_utc_ms),
                .start_utc_ms = block->start_utc_ms,
                .end_utc_ms = block->end_utc_ms,
                .begun_before = block->join_in_progress,
        };
        g_array_append_val(programmes, programme);
}

static bool is_spot(SegmentType type) {
        return type == SEGMENT_COMMERCIAL || type == SEGMENT_PROMO || type == SEGMENT_PSA || type == SEGMENT_TRAILER ||
               type == SEGMENT_FILLER;
}

static void end_run(GArray *breaks, Run *run) {
        if (run->open && run->it.end_tick > run->it.start_tick)
                g_array_append_val(breaks, run->it);
        *run = (Run){0};
}

/* Named after its last spot: that one is left when the break is joined in its midst. INV-CONTROL-008 */
static void add_segment(Run *run, const BlockSegment *segment, int64_t start_tick, int64_t end_tick) {
        if (is_spot(segment->type)) {
                run->it.start_tick = run->open ? run->it.start_tick : start_tick;
                run->it.id = number_of(segment->segment_uuid);
                run->open = run->growing = true;
        } else if (segment->type != SEGMENT_PAD) {
                run->growing = false;
        }
        if (run->growing)
                run->it.end_tick = end_tick;
}

static void add_breaks(GArray *breaks, Run *run, const BlockPlan *block, const FrameClock *frames) {
        int64_t at_ms = block->start_utc_ms;
        for (uint32_t i = 0; i < block->n_segments; i++) {
                const BlockSegment *segment = &block->segments[i];
                if (segment->type == SEGMENT_CONTENT)
                        end_run(breaks, run);
                else
                        add_segment(run, segment, tick_at(frames, at_ms),
                                    tick_at(frames, at_ms + segment->duration_ms));
                at_ms += segment->duration_ms;
        }
}

Outlook outlook_of(const GPtrArray *blocks, const FrameClock *frames) {
        const Outlook outlook = {
                .programmes = g_array_new(FALSE, FALSE, sizeof(OutputProgramme)),
                .breaks = g_array_new(FALSE, FALSE, sizeof(OutputBreak)),
        };
        Run run = {0};
        for (guint i = 0; i < blocks->len; i++) {
                const BlockPlan *block = blocks->pdata[i], *before = i > 0 ? blocks->pdata[i - 1] : NULL;
                if (before && before->end_utc_ms != block->start_utc_ms)
                        end_run(outlook.breaks, &run);
                add_programme(outlook.programmes, block, frames);
                add_breaks(outlook.breaks, &run, block, frames);
        }
        end_run(outlook.breaks, &run);
        return outlook;
}

void outlook_clear(Outlook *outlook) {
        g_clear_pointer(&outlook->programmes, g_array_unref);
        g_clear_pointer(&outlook->breaks, g_array_unref);
}
