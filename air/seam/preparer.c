/* Cuts queued blocks into turns, and starts the source of each shortly before its time. */
#include <errno.h>

#include "air/seam/private.h"

static int64_t tick_at(const Seam *seam, int64_t utc_ms) {
        return rv_tick_at_ms(utc_ms - seam->epoch_utc_ms, seam->format.rate); /* INV-BLOCK-WALLFENCE-001 */
}

/* The next turn of the block in hand. Ticks come from cumulative times, never from adding up rounded lengths. */
static Turn cut_turn(Seam *seam) {
        BlockPlan *block = seam->prep.block;
        const BlockSegment *segment = &block->segments[seam->prep.next_segment];
        const int64_t start_ms = block->start_utc_ms + seam->prep.elapsed_ms;
        return (Turn){
                .block = block_plan_ref(block),
                .segment_index = seam->prep.next_segment,
                .start_tick = tick_at(seam, start_ms), /* INV-SEAM-SEG-004 */
                .end_tick = tick_at(seam, start_ms + segment->duration_ms),
                .fence_tick = tick_at(seam, block->end_utc_ms),
                .first = seam->prep.next_segment == 0,
                .last = seam->prep.next_segment + 1 == block->n_segments,
                .pad = segment->type == SEGMENT_PAD,
        };
}

/* Goes on to the following segment, or lets go of a block that is all cut. */
static void step(Seam *seam) {
        seam->prep.elapsed_ms += seam->prep.block->segments[seam->prep.next_segment].duration_ms;
        if (++seam->prep.next_segment == seam->prep.block->n_segments)
                g_clear_pointer(&seam->prep.block, block_plan_unref);
}

static bool has_turn(Seam *seam) {
        if (seam->prep.turn.block)
                return true;
        if (!seam->prep.block) {
                seam->prep.block = block_queue_next(seam->queue);
                seam->prep.next_segment = 0;
                seam->prep.elapsed_ms = 0;
        }
        if (!seam->prep.block)
                return false;
        seam->prep.turn = cut_turn(seam);
        step(seam);
        return true;
}

/* Asks to be woken before it looks, so that the tick cannot slip by in between. */
static bool is_due(Seam *seam) {
        const int64_t from_tick = seam->prep.turn.start_tick - SEAM_PREPARE_TICKS;
        atomic_store(&seam->wake_tick, from_tick);
        return atomic_load(&seam->tick) >= from_tick;
}

static bool has_room(const Seam *seam) {
        return turns_waiting(&seam->turns) < TURNS_MAX &&
               seam->prep.prepared - atomic_load(&seam->released) < SEAM_PREPARED_SOURCES;
}

/* Runway costs memory: as much of it as pictures of this size allow. */
static uint32_t ring_cells(const HouseFormat *format) {
        const int32_t picture_bytes = format->width * format->height * 3 / 2;
        return CLAMP(SEAM_RING_BYTES / picture_bytes, SEAM_RING_CELLS_MIN, SEAM_RING_CELLS_MAX);
}

static void start_source(Seam *seam, Turn *turn) {
        const ProducerOptions options = {
                .format = seam->format,
                .style = seam->style,
                .block = turn->block,
                .segment_index = turn->segment_index,
                .start_tick = turn->start_tick,
                .end_tick = turn->end_tick,
                .ring_cells = ring_cells(&seam->format),
                .early_cells = SEAM_EARLY_CELLS,
        };
        turn->producer = seam->sources->make(&options);
        seam->prep.prepared += !turn->pad;
}

static void hand_over(Seam *seam) {
        Turn *turn = &seam->prep.turn;
        if (turn->end_tick > MAX(turn->start_tick, atomic_load(&seam->tick)))
                start_source(seam, turn);
        turns_append(&seam->turns, turn);
        *turn = (Turn){0};
}

void seam_ask_preparer(Seam *seam) {
        atomic_fetch_add(&seam->asked, 1);
        sem_post(&seam->news);
}

void seam_prepare(void *user) {
        Seam *seam = user;
        while (!atomic_load(&seam->stopping)) {
                const uint32_t asked = atomic_load(&seam->asked);
                while (has_turn(seam) && is_due(seam) && has_room(seam)) /* INV-SEAM-006 */
                        hand_over(seam);
                atomic_store(&seam->looked, asked);
                while (sem_wait(&seam->news) < 0 && errno == EINTR)
                        ;
        }
        g_clear_pointer(&seam->prep.turn.block, block_plan_unref);
        g_clear_pointer(&seam->prep.block, block_plan_unref);
}
