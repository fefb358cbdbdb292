/* Views and the board they are published on. */
#include <pthread.h>
#include <string.h>

#include "core/plan/horizon/horizon.h"

struct PlanBoard {
        gatomicrefcount refs;
        pthread_mutex_t lock; /* guards what follows; never held across I/O or planning */
        GHashTable *views;    /* channel id (the view's own) -> PlanView */
        int64_t generation;
};

/* --- views ----------------------------------------------------------------------------------------------------------
 */

PlanView *plan_view_ref(PlanView *view) {
        g_atomic_int_inc(&view->refs);
        return view;
}

void plan_view_unref(PlanView *view) {
        if (!view || !g_atomic_int_dec_and_test(&view->refs))
                return;
        channel_spec_unref(view->spec);
        g_clear_pointer(&view->programmes, g_ptr_array_unref);
        g_clear_pointer(&view->blocks, g_ptr_array_unref);
        g_free(view->fault);
        g_free(view);
}

static int64_t programme_end(gconstpointer programme) {
        return ((const Programme *)programme)->end_utc_ms;
}

static int64_t block_end(gconstpointer block) {
        return ((const BlockPlan *)block)->end_utc_ms;
}

/* The first element that ends after the instant, of elements that touch; NULL: all end before. */
static gpointer first_ending_after(const GPtrArray *elements, int64_t utc_ms, int64_t (*end_of)(gconstpointer)) {
        guint low = 0, high = elements->len;
        while (low < high) {
                const guint middle = low + (high - low) / 2;
                if (end_of(elements->pdata[middle]) > utc_ms)
                        high = middle;
                else
                        low = middle + 1;
        }
        return low < elements->len ? elements->pdata[low] : NULL;
}

PlanResult plan_view_programme_at(const PlanView *view, int64_t utc_ms, Programme **ret_programme) {
        if (!view)
                return PLAN_NO_CHANNEL;
        Programme *programme = first_ending_after(view->programmes, utc_ms, programme_end);
        if (!programme || programme->start_utc_ms > utc_ms)
                return PLAN_NO_SCHEDULE_DATA; /* INV-HORIZON-EXHAUSTION-PLANNING-FAULT-001 */
        *ret_programme = programme_ref(programme);
        return PLAN_OK;
}

PlanResult plan_view_block_at(const PlanView *view, int64_t utc_ms, BlockPlan **ret_block) {
        if (!view)
                return PLAN_NO_CHANNEL;
        BlockPlan *block = first_ending_after(view->blocks, utc_ms, block_end);
        if (!block || block->start_utc_ms > utc_ms)
                return PLAN_NO_SCHEDULE_DATA; /* INV-HORIZON-EXHAUSTION-PLANNING-FAULT-001 */
        *ret_block = block_plan_ref(block);
        return PLAN_OK;
}

PlanHealth plan_view_health(const PlanView *view, int64_t now_utc_ms) {
        PlanHealth health = {.epg_depth_ms = MAX(0, view->epg_end_utc_ms - now_utc_ms),
                             .execution_depth_ms = MAX(0, view->execution_end_utc_ms - now_utc_ms)};
        /* INV-HORIZON-HEALTH-001 */
        health.epg_short_ms = MAX(0, view->min_epg_ms - health.epg_depth_ms);
        health.execution_short_ms = MAX(0, view->min_execution_ms - health.execution_depth_ms);
        return health;
}

const char *extension_reason_name(ExtensionReason reason) {
        switch (reason) {
        case EXTENSION_FIRST:
                return "first";
        case EXTENSION_DUE:
                return "due";
        case EXTENSION_ASKED:
                return "asked";
        case EXTENSION_CHANGED:
                return "changed";
        }
        return "none";
}

/* --- board ----------------------------------------------------------------------------------------------------------
 */

PlanBoard *plan_board_new(void) {
        PlanBoard *board = g_new0(PlanBoard, 1);
        board->refs = 1;
        pthread_mutex_init(&board->lock, NULL);
        board->views = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)plan_view_unref);
        return board;
}

PlanBoard *plan_board_ref(PlanBoard *board) {
        g_atomic_int_inc(&board->refs);
        return board;
}

void plan_board_unref(PlanBoard *board) {
        if (!board || !g_atomic_int_dec_and_test(&board->refs))
                return;
        g_hash_table_unref(board->views);
        pthread_mutex_destroy(&board->lock);
        g_free(board);
}

void plan_board_publish(PlanBoard *board, PlanView *take_view) {
        PlanView *before = NULL;
        pthread_mutex_lock(&board->lock);
        take_view->generation = ++board->generation; /* INV-HORIZON-ATOMIC-PUBLISH-001 */
        if (g_hash_table_lookup_extended(board->views, take_view->spec->id, NULL, (gpointer *)&before))
                g_hash_table_steal(board->views, take_view->spec->id);
        g_hash_table_insert(board->views, take_view->spec->id, take_view);
        pthread_mutex_unlock(&board->lock);
        plan_view_unref(before);
}

void plan_board_unpublish(PlanBoard *board, const char *channel_id) {
        PlanView *before = NULL;
        pthread_mutex_lock(&board->lock);
        if (g_hash_table_lookup_extended(board->views, channel_id, NULL, (gpointer *)&before)) {
                g_hash_table_steal(board->views, channel_id);
                board->generation++;
        }
        pthread_mutex_unlock(&board->lock);
        plan_view_unref(before);
}

PlanView *plan_board_view(PlanBoard *board, const char *channel_id) {
        pthread_mutex_lock(&board->lock);
        PlanView *view = g_hash_table_lookup(board->views, channel_id);
        if (view)
                plan_view_ref(view);
        pthread_mutex_unlock(&board->lock);
        return view;
}

static gint compare_views(gconstpointer a_at, gconstpointer b_at) {
        const ChannelSpec *a = (*(const PlanView *const *)a_at)->spec, *b = (*(const PlanView *const *)b_at)->spec;
        return a->number != b->number ? a->number - b->number : strcmp(a->id, b->id);
}

GPtrArray *plan_board_views(PlanBoard *board) {
        GPtrArray *views = g_ptr_array_new_with_free_func((GDestroyNotify)plan_view_unref);
        GHashTableIter iter;
        gpointer view;
        pthread_mutex_lock(&board->lock);
        g_hash_table_iter_init(&iter, board->views);
        while (g_hash_table_iter_next(&iter, NULL, &view))
                g_ptr_array_add(views, plan_view_ref(view));
        pthread_mutex_unlock(&board->lock);
        g_ptr_array_sort(views, compare_views);
        return views;
}

int64_t plan_board_generation(PlanBoard *board) {
        pthread_mutex_lock(&board->lock);
        const int64_t generation = board->generation;
        pthread_mutex_unlock(&board->lock);
        return generation;
}
