/* Where pictures are missing, and what stands there instead. Tick thread. */
#include "air/seam/private.h"

/* Whether a picture should be there and is not. Pad's black is its own. */
static bool is_hole(const Seam *seam) {
        if (!seam->rt.turn.block)
                return true;
        return !seam->rt.turn.pad && (seam->rt.shown == SHOWN_MISSING || seam->rt.shown == SHOWN_BLACK);
}

/*
 * INV-SEAM-107: a hole is worth a slate from its beginning on when it is sure to last; else when it has lasted.
 */
static bool wants_slate(Seam *seam, int64_t tick) {
        if (!is_hole(seam)) {
                seam->rt.hole_tick = -1;
                return false;
        }
        if (seam->rt.hole_tick < 0)
                seam->rt.hole_tick = tick;
        const bool lasts = seam->rt.turn.block && seam->rt.shown == SHOWN_BLACK;
        const int64_t until_tick = lasts ? seam->rt.turn.end_tick : tick;
        return until_tick - seam->rt.hole_tick >= seam->slate_ticks;
}

/* Why there is no picture. Nobody else asks the producer while its turn is on the air. */
static ProducerResult cause_of(const Seam *seam) {
        const Turn *turn = &seam->rt.turn;
        if (turn->producer && seam->sources->state(turn->producer) == PRODUCER_FAILED)
                return seam->sources->result(turn->producer);
        if (seam->rt.shown == SHOWN_BLACK)
                return (ProducerResult){.reason = "MATERIAL_OVER", .detail = "the file ended before its time was over"};
        return (ProducerResult){.reason = "LATE", .detail = "pictures do not come in time"};
}

/* The slate of what is wrong now; NULL: not drawn yet. */
static Picture *told_slate(Seam *seam) {
        Slate *slate = &seam->slate;
        const int64_t cause = 2 * seam->rt.turns + (seam->rt.shown == SHOWN_BLACK);
        if (atomic_load(&slate->question) == SLATE_DRAWN) {
                picture_unref(seam->rt.slate);
                seam->rt.slate = slate_take(slate);
                seam->rt.slate_of = seam->rt.asked_of;
        }
        if (seam->rt.asked_of != cause && atomic_load(&slate->question) == SLATE_FREE) {
                const ProducerResult result = cause_of(seam);
                slate_ask(slate, seam->rt.turn.block, seam->rt.turn.segment_index, &result);
                seam->rt.asked_of = cause;
        }
        return seam->rt.slate_of / 2 == seam->rt.turns ? seam->rt.slate : NULL;
}

Picture *seam_slate(Seam *seam, int64_t tick) {
        if (!seam->slate.slates || !wants_slate(seam, tick))
                return NULL;
        return seam->slate.tells && seam->rt.turn.block ? told_slate(seam) : atomic_load(&seam->slate.general);
}
