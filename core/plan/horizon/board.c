/* Views and the board they are published on. */
#include <pthread.h>
#include <string.h>

#include "core/plan/horizon/horizon.h"

struct PlanBoard {
        gatomicrefcount refs;
        pthread_mutex_t lock; /* guards what follows; never held across I/O or planning */
        GHashTable *views;    /* channel id (the view's own) -> PlanView */
        GHashTable *held;     /* channel id -> int64_t: nothing that ends later is handed out for now */
        GPtrArray *readers;   /* PlanReader, borrowed */
        GHashTable *faults;   /* channel id -> int64_t, planning faults so far */
        int64_t generation;
};

struct PlanReader {
        PlanBoard *board;
        char *channel_id;
        int64_t handed_until_utc_ms; /* guarded by the board's lock; INT64_MIN = nothing was */
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
        g_strfreev(view->notices);
        g_strfreev(view->lost);
        g_free(view->empty_breaks);
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
        board->held = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        board->readers = g_ptr_array_new();
        board->faults = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
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
        g_hash_table_unref(board->held);
        g_ptr_array_unref(board->readers);
        g_hash_table_unref(board->faults);
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
        g_hash_table_remove(board->held, take_view->spec->id);
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

/* --- handing out ----------------------------------------------------------------------------------------------------
 */

PlanReader *plan_reader_new(PlanBoard *board, const char *channel_id) {
        PlanReader *reader = g_new(PlanReader, 1);
        *reader = (PlanReader){plan_board_ref(board), g_strdup(channel_id), INT64_MIN};
        pthread_mutex_lock(&board->lock);
        g_ptr_array_add(board->readers, reader);
        pthread_mutex_unlock(&board->lock);
        return reader;
}

void plan_reader_free(PlanReader *reader) {
        if (!reader)
                return;
        pthread_mutex_lock(&reader->board->lock);
        g_ptr_array_remove_fast(reader->board->readers, reader);
        pthread_mutex_unlock(&reader->board->lock);
        plan_board_unref(reader->board);
        g_free(reader->channel_id);
        g_free(reader);
}

/* INV-HORIZON-HANDED-OUT-001: under the lock that the planner's hold takes, so that a block is either handed out, and
 * stays, or changed before anybody has it. */
PlanResult plan_reader_take(PlanReader *reader, int64_t utc_ms, BlockPlan **ret_block) {
        PlanBoard *board = reader->board;
        BlockPlan *block = NULL;
        pthread_mutex_lock(&board->lock);
        PlanResult result = plan_view_block_at(g_hash_table_lookup(board->views, reader->channel_id), utc_ms, &block);
        const int64_t *held_utc_ms = g_hash_table_lookup(board->held, reader->channel_id);
        if (block && held_utc_ms && block->end_utc_ms > *held_utc_ms) {
                g_clear_pointer(&block, block_plan_unref);
                result = PLAN_NO_SCHEDULE_DATA;
        }
        if (block)
                reader->handed_until_utc_ms = MAX(reader->handed_until_utc_ms, block->end_utc_ms);
        pthread_mutex_unlock(&board->lock);
        if (block)
                *ret_block = block;
        return result;
}

bool plan_board_hold(PlanBoard *board, const char *channel_id, int64_t from_utc_ms, int64_t *ret_handed_until_utc_ms) {
        int64_t handed_until = INT64_MIN;
        pthread_mutex_lock(&board->lock);
        for (guint i = 0; i < board->readers->len; i++) {
                const PlanReader *reader = board->readers->pdata[i];
                if (strcmp(reader->channel_id, channel_id) == 0)
                        handed_until = MAX(handed_until, reader->handed_until_utc_ms);
        }
        const bool free_to_change = handed_until <= from_utc_ms;
        const int64_t *held_utc_ms = g_hash_table_lookup(board->held, channel_id);
        if (free_to_change && (!held_utc_ms || *held_utc_ms > from_utc_ms))
                g_hash_table_replace(board->held, g_strdup(channel_id), g_memdup2(&from_utc_ms, sizeof(from_utc_ms)));
        pthread_mutex_unlock(&board->lock);
        if (!free_to_change)
                *ret_handed_until_utc_ms = handed_until;
        return free_to_change;
}

void plan_board_release(PlanBoard *board, const char *channel_id) {
        pthread_mutex_lock(&board->lock);
        g_hash_table_remove(board->held, channel_id);
        pthread_mutex_unlock(&board->lock);
}

/* --- faults ---------------------------------------------------------------------------------------------------------
 */

void plan_board_count_fault(PlanBoard *board, const char *channel_id) {
        pthread_mutex_lock(&board->lock);
        int64_t *n = g_hash_table_lookup(board->faults, channel_id);
        if (!n) {
                n = g_new0(int64_t, 1);
                g_hash_table_insert(board->faults, g_strdup(channel_id), n);
        }
        ++*n; /* INV-HORIZON-FAULTS-001 */
        pthread_mutex_unlock(&board->lock);
}

int64_t plan_board_faults(PlanBoard *board, const char *channel_id) {
        pthread_mutex_lock(&board->lock);
        const int64_t *n = g_hash_table_lookup(board->faults, channel_id);
        const int64_t faults = n ? *n : 0;
        pthread_mutex_unlock(&board->lock);
        return faults;
}
