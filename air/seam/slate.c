#include "air/seam/slate.h"

#include <errno.h>

static void answer(Slate *slate) {
        const SlateCause cause = {
                .block = slate->block,
                .segment_index = slate->segment_index,
                .reason = slate->result.reason,
                .detail = slate->result.detail,
        };
        slate->answer = slates_draw(slate->slates, &cause);
        g_clear_pointer(&slate->block, block_plan_unref);
        atomic_store(&slate->question, SLATE_DRAWN);
}

/* INV-SEAM-107: all the drawing is done here. */
static void draw_slates(void *user) {
        Slate *slate = user;
        const SlateCause dry = {.reason = "NO_BLOCK", .detail = "no block is there to be played"};
        atomic_store(&slate->general, slates_draw(slate->slates, &dry));
        while (!atomic_load(&slate->ending)) {
                if (atomic_load(&slate->question) == SLATE_ASKED)
                        answer(slate);
                while (sem_wait(&slate->news) < 0 && errno == EINTR)
                        ;
        }
}

bool slate_init(Slate *slate, const HouseFormat *format, const HouseStyle *style, GError **error) {
        if (style->slate == SLATE_OFF)
                return true;
        slate->tells = style->slate == SLATE_OPERATOR;
        sem_init(&slate->news, 0, 0);
        slate->slates = slates_new(format, style);
        slate->thread = rv_thread_start("slate", RV_PRIORITY_BACKGROUND, draw_slates, slate, error);
        if (slate->thread)
                return true;
        slate_clear(slate);
        return false;
}

void slate_clear(Slate *slate) {
        if (!slate->slates)
                return;
        atomic_store(&slate->ending, true);
        slates_end(slate->slates);
        sem_post(&slate->news);
        rv_thread_join(slate->thread);
        block_plan_unref(slate->block);
        picture_unref(slate->answer);
        picture_unref(atomic_load(&slate->general));
        sem_destroy(&slate->news);
        g_clear_pointer(&slate->slates, slates_free);
}

void slate_ask(Slate *slate, BlockPlan *block, uint32_t segment_index, const ProducerResult *result) {
        slate->block = block_plan_ref(block);
        slate->segment_index = segment_index;
        slate->result = *result;
        atomic_store(&slate->question, SLATE_ASKED);
        sem_post(&slate->news);
}

Picture *slate_take(Slate *slate) {
        Picture *picture = g_steal_pointer(&slate->answer);
        atomic_store(&slate->question, SLATE_FREE);
        return picture;
}
