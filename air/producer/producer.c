#include "air/producer/producer.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "air/producer/picture/picture.h"
#include "air/producer/shortage.h"
#include "air/producer/source.h"
#include "proto/base/log.h"
#include "proto/base/thread.h"

/* Pictures that others may keep at once, over those in the ring: the output's lead, its encoder, the held one. */
#define PICTURES_OUTSIDE 24
/* A thread that cannot be ended costs memory; with so many of them the file system is gone, and more would not help. */
#define MAX_STUCK_THREADS 64
/* Behind by more than this, a new place in the file is sought instead of decoding what nobody will see ... */
#define SEEK_WHEN_LATE_MS 1000
/* ... so far ahead of the playhead, for that takes time too; half as long again as it took when that was not enough. */
#define SEEK_AHEAD_MS 500
#define SEEK_AHEAD_MAX_MS 8000

#define NEVER INT64_MAX

enum { LET_GO = 1, ENDED = 2 };

struct Producer {
        /* Constant after construction. */
        ProducerOptions options;
        BlockPlan *block;
        HouseStyle *style;
        const BlockSegment *segment;
        bool is_pad;
        uint32_t tick_samples; /* room for a tick's samples, per channel */

        atomic_int refs;   /* the user's and the thread's */
        atomic_int ends;   /* LET_GO, ENDED */
        atomic_bool abort; /* set once by free */
        atomic_int state;  /* ProducerState; written by the thread */
        PicturePool *pool; /* NULL for pad. Its wake is the thread's: pictures, space and abort all wake it */

        /* The ring: cells [tail, head) are finished. The thread writes slots at head, the tick thread reads at tail. */
        Cell *slots;
        float *storage;
        atomic_uint head; /* by the thread */
        atomic_uint tail; /* by the tick thread */

        atomic_bool near;              /* by the tick thread, once: the whole ring may be filled */
        atomic_int_fast64_t playhead;  /* by the tick thread: the last tick asked for */
        atomic_int_fast64_t made_tick; /* by the thread: the last tick made */
        atomic_int_fast64_t over_tick; /* by the thread: black from here to end_tick; NEVER: not known */
        Wake progress;                 /* for producer_wait: made_tick or state has changed */

        struct {
                bool lent; /* the slot at tail */
                Cell black;
        } rt; /* tick thread only */

        pthread_mutex_t ready_lock; /* also held while on_ready runs, so that free can wait for it */
        void (*on_ready)(void *user);
        void *on_ready_user;

        pthread_mutex_t result_lock;
        ProducerResult result;
};

static atomic_uint stuck_threads;
static float silence[CELL_MAX_SAMPLES * 2];

/* ---- life --------------------------------------------------------------------------------------------------- */

static void producer_unref(Producer *producer) {
        if (atomic_fetch_sub(&producer->refs, 1) != 1)
                return;
        const unsigned head = atomic_load(&producer->head);
        for (unsigned i = atomic_load(&producer->tail); i != head; i++)
                picture_unref(producer->slots[i % producer->options.ring_cells].picture);
        picture_unref(producer->rt.black.picture);
        picture_pool_release(producer->pool);
        block_plan_unref(producer->block);
        house_style_unref(producer->style);
        wake_clear(&producer->progress);
        pthread_mutex_destroy(&producer->ready_lock);
        pthread_mutex_destroy(&producer->result_lock);
        g_free(producer->slots);
        g_free(producer->storage);
        g_free(producer);
}

static void set_state(Producer *producer, ProducerState state) {
        pthread_mutex_lock(&producer->ready_lock);
        const bool first = atomic_exchange(&producer->state, (int)state) == PRODUCER_PREPARING;
        if (first && producer->on_ready)
                producer->on_ready(producer->on_ready_user);
        pthread_mutex_unlock(&producer->ready_lock);
        wake_up(&producer->progress);
}

static void finish(Producer *producer, ProducerState state, const Fault *fault) {
        pthread_mutex_lock(&producer->result_lock);
        producer->result.state = state;
        g_strlcpy(producer->result.reason, fault->code, sizeof(producer->result.reason));
        g_strlcpy(producer->result.detail, fault->detail, sizeof(producer->result.detail));
        pthread_mutex_unlock(&producer->result_lock);
        if (state == PRODUCER_FAILED)
                rv_warning("producer.failed", RV_S("segment", producer->segment->segment_uuid),
                           RV_S("reason", fault->code), RV_S("detail", fault->detail));
        set_state(producer, state);
}

/* ---- the thread --------------------------------------------------------------------------------------------- */

/* INV-PRODUCER-009: what will be needed later waits as a file that is open and few pictures of it. */
static bool has_space(Producer *producer) {
        const ProducerOptions *options = &producer->options;
        const uint32_t limit =
                options->early_cells > 0 && !atomic_load(&producer->near) ? options->early_cells : options->ring_cells;
        return atomic_load(&producer->head) - atomic_load(&producer->tail) < limit;
}

/* False: let go. */
static bool wait_for_space(Producer *producer) {
        Wake *wake = picture_pool_wake(producer->pool);
        while (!atomic_load(&producer->abort)) {
                if (has_space(producer))
                        return true;
                wake_announce(wake);
                if (has_space(producer) || atomic_load(&producer->abort))
                        wake_cancel(wake);
                else
                        wake_wait(wake);
        }
        return false;
}

/* How the making keeps up with the playhead; the thread's. */
typedef struct {
        int64_t tick; /* to be made next */
        int64_t ahead_ticks;
        int64_t sought_at; /* the playhead when a place was last sought */
        bool unproven;     /* no cell has been in time since */
} Pace;

static void look_ahead(Pace *pace, int64_t due, RvRational rate) {
        if (pace->unproven)
                pace->ahead_ticks = CLAMP((due - pace->sought_at) * 3 / 2, pace->ahead_ticks,
                                          rv_tick_at_ms(SEEK_AHEAD_MAX_MS, rate));
        pace->sought_at = due;
        pace->unproven = true;
        pace->tick = due + pace->ahead_ticks;
}

/* Moves on to a tick that has not passed. INV-PRODUCER-012: late or not, it is made as it always would be. */
static bool catch_up(Producer *producer, Source *source, Pace *pace, Fault *fault) {
        const ProducerOptions *options = &producer->options;
        const RvRational rate = options->format.rate;
        const int64_t due = atomic_load(&producer->playhead); /* not the one after: its user may be waiting for it */
        const int64_t late_most = pace->unproven ? 0 : rv_tick_at_ms(SEEK_WHEN_LATE_MS, rate);
        const bool first = producer_state(producer) == PRODUCER_PREPARING;
        const bool far_behind = !first && due - pace->tick > late_most;
        if (far_behind)
                look_ahead(pace, due, rate);
        pace->tick = MAX(pace->tick, due);
        if (pace->tick >= options->end_tick || !(first || far_behind))
                return true;
        return source_seek(source, pace->tick - options->start_tick, fault);
}

static void publish(Producer *producer, Pace *pace) {
        atomic_fetch_add(&producer->head, 1);
        atomic_store(&producer->made_tick, pace->tick);
        pace->unproven &= pace->tick <= atomic_load(&producer->playhead);
        pace->tick++;
        if (producer_state(producer) == PRODUCER_PREPARING)
                set_state(producer, PRODUCER_READY);
        else
                wake_up(&producer->progress);
}

static bool has_memory(const Producer *producer, Fault *fault) { /* INV-PRODUCER-006 */
        if (!shortage_seen())
                return true;
        fault_set(fault, "OUT_OF_MEMORY", "%s: memory ran out", producer->segment->asset_uri);
        return false;
}

static SourceResult make_cell(const Producer *producer, Source *source, int64_t tick, Cell *cell, Fault *fault) {
        const SourceResult result = source_make(source, tick - producer->options.start_tick, cell, fault);
        if (has_memory(producer, fault))
                return result;
        if (result == SOURCE_CELL)
                picture_unref(cell->picture);
        return SOURCE_FAILED;
}

/* Until end_tick, the end of the material, a fault, or the user's end. */
static ProducerState make_cells(Producer *producer, Source *source, Fault *fault) {
        const ProducerOptions *options = &producer->options;
        Pace pace = {.tick = options->start_tick, .ahead_ticks = rv_tick_at_ms(SEEK_AHEAD_MS, options->format.rate)};
        while (wait_for_space(producer)) {
                shortage_forget();
                if (!catch_up(producer, source, &pace, fault) || !has_memory(producer, fault))
                        return PRODUCER_FAILED;
                if (pace.tick >= options->end_tick)
                        return PRODUCER_OVER;
                Cell *cell = &producer->slots[atomic_load(&producer->head) % options->ring_cells];
                const SourceResult result = make_cell(producer, source, pace.tick, cell, fault);
                if (result == SOURCE_FAILED)
                        return PRODUCER_FAILED;
                if (result == SOURCE_OVER) {
                        atomic_store(&producer->over_tick, pace.tick);
                        return PRODUCER_OVER;
                }
                publish(producer, &pace);
        }
        return PRODUCER_OVER;
}

/* Whether material runs on over the seam between two segments of the block, as where a break had nothing in it. */
static bool runs_on(const BlockPlan *block, int64_t first) {
        if (first < 0 || first + 1 >= block->n_segments)
                return false;
        const BlockSegment *a = &block->segments[first], *b = &block->segments[first + 1];
        return a->asset_uri && b->asset_uri && strcmp(a->asset_uri, b->asset_uri) == 0 &&
               a->asset_start_offset_ms + a->duration_ms == b->asset_start_offset_ms && a->fade_out_ms == 0 &&
               b->fade_in_ms == 0 && a->gain_millibel == b->gain_millibel;
}

static Graphics *new_graphics(const Producer *producer) {
        const GraphicsOptions options = {
                .format = producer->options.format,
                .style = producer->style,
                .block = producer->block,
                .segment_index = producer->options.segment_index,
                .n_ticks = producer->options.end_tick - producer->options.start_tick,
        };
        return graphics_new(&options);
}

static void run(void *user) {
        Producer *producer = user;
        g_autoptr(Graphics) graphics = new_graphics(producer);
        const SourceOptions options = {
                .format = producer->options.format,
                .style = producer->style,
                .segment = producer->segment,
                .start_tick = producer->options.start_tick,
                .end_tick = producer->options.end_tick,
                .goes_on_before = runs_on(producer->block, (int64_t)producer->options.segment_index - 1),
                .goes_on_after = runs_on(producer->block, producer->options.segment_index),
                .graphics = graphics,
                .pool = producer->pool,
                .abort = &producer->abort,
        };
        Fault fault = {0};
        shortage_forget();
        Source *source = source_open(&options, &fault);
        const bool usable = has_memory(producer, &fault) && source;
        ProducerState state = usable ? make_cells(producer, source, &fault) : PRODUCER_FAILED;
        source_free(source);
        picture_pool_trim(producer->pool);
        if (atomic_load(&producer->abort))
                state = PRODUCER_OVER;
        if (state == PRODUCER_OVER)
                fault = (Fault){0};
        finish(producer, state, &fault);
        if (atomic_fetch_or(&producer->ends, ENDED) & LET_GO)
                atomic_fetch_sub(&stuck_threads, 1);
        producer_unref(producer);
}

static void start_thread(Producer *producer) {
        g_autoptr(GError) error = NULL;
        Fault fault = {0};
        if (!producer->segment->asset_uri) {
                fault_set(&fault, "NOT_FOUND", "the segment names no file");
        } else if (atomic_load(&stuck_threads) >= MAX_STUCK_THREADS) {
                fault_set(&fault, "STORAGE_STUCK", "%d reads of files do not return", MAX_STUCK_THREADS);
        } else {
                atomic_fetch_add(&producer->refs, 1);
                RvThread *thread = rv_thread_start("producer", RV_PRIORITY_PRODUCER, run, producer, &error);
                if (thread) {
                        rv_thread_detach(thread); /* INV-PRODUCER-008: nobody ever waits for it */
                        return;
                }
                atomic_fetch_sub(&producer->refs, 1);
                fault_set(&fault, "NO_THREAD", "%s", error->message);
        }
        atomic_fetch_or(&producer->ends, ENDED);
        finish(producer, PRODUCER_FAILED, &fault);
}

/* ---- the user's side ---------------------------------------------------------------------------------------- */

static void new_ring(Producer *producer) {
        const HouseFormat *format = &producer->options.format;
        const uint32_t n = producer->options.ring_cells;
        const size_t stride = (size_t)producer->tick_samples * 2;
        producer->slots = g_new0(Cell, n);
        producer->storage = g_new(float, n *stride);
        for (uint32_t i = 0; i < n; i++)
                producer->slots[i].samples = producer->storage + i * stride;
        producer->pool = picture_pool_new(format->width, format->height, n + PICTURES_OUTSIDE);
}

Producer *producer_new(const ProducerOptions *options) {
        g_assert(options->segment_index < options->block->n_segments);
        g_assert(options->ring_cells > 0 && options->start_tick < options->end_tick);
        Producer *producer = g_new0(Producer, 1);
        producer->options = *options;
        producer->block = block_plan_ref(options->block);
        producer->style = options->style ? house_style_ref(options->style) : house_style_new();
        producer->segment = &producer->block->segments[options->segment_index];
        producer->is_pad = producer->segment->type == SEGMENT_PAD;
        const HouseFormat *format = &options->format;
        producer->tick_samples = (uint32_t)rv_mul_div_ceil(format->sample_rate_hz, format->rate.den, format->rate.num);
        g_assert(producer->tick_samples <= CELL_MAX_SAMPLES);
        atomic_init(&producer->refs, 1);
        atomic_init(&producer->state, PRODUCER_PREPARING);
        atomic_init(&producer->playhead, options->start_tick - 1);
        atomic_init(&producer->made_tick, options->start_tick - 1);
        wake_init(&producer->progress);
        atomic_init(&producer->over_tick, producer->is_pad ? options->start_tick : NEVER);
        pthread_mutex_init(&producer->ready_lock, NULL);
        pthread_mutex_init(&producer->result_lock, NULL);
        producer->rt.black =
                (Cell){.kind = CELL_BLACK, .source_frame = -1, .picture = producer_black(format), .samples = silence};
        if (producer->is_pad) {
                atomic_init(&producer->ends, ENDED);
                finish(producer, PRODUCER_READY, &(Fault){0});
        } else {
                new_ring(producer);
                start_thread(producer);
        }
        return producer;
}

static void drop_tail(Producer *producer) {
        const unsigned tail = atomic_load(&producer->tail);
        picture_unref(producer->slots[tail % producer->options.ring_cells].picture);
        atomic_store(&producer->tail, tail + 1);
        wake_up(picture_pool_wake(producer->pool));
}

/* INV-PRODUCER-008: neither lock nor system call but for the wake-up. */
static bool take_from_ring(Producer *producer, int64_t tick, const Cell **ret_cell) {
        if (producer->rt.lent)
                drop_tail(producer);
        producer->rt.lent = false;
        while (atomic_load(&producer->tail) != atomic_load(&producer->head)) {
                const Cell *cell = &producer->slots[atomic_load(&producer->tail) % producer->options.ring_cells];
                if (cell->tick > tick)
                        return false;
                if (cell->tick == tick) {
                        producer->rt.lent = true;
                        *ret_cell = cell;
                        return true;
                }
                drop_tail(producer);
        }
        return false;
}

void producer_near(Producer *producer) {
        if (!atomic_exchange(&producer->near, true) && producer->pool)
                wake_up(picture_pool_wake(producer->pool));
}

bool producer_take(Producer *producer, int64_t tick, const Cell **ret_cell) {
        const ProducerOptions *options = &producer->options;
        atomic_store(&producer->playhead, tick);
        if (!atomic_load(&producer->near))
                producer_near(producer);
        if (!producer->is_pad && take_from_ring(producer, tick, ret_cell))
                return true;
        if (tick < atomic_load(&producer->over_tick) || tick < options->start_tick || tick >= options->end_tick)
                return false;
        Cell *black = &producer->rt.black;
        const HouseFormat *format = &options->format;
        black->tick = tick;
        black->n_samples = (uint32_t)(rv_tick_to_sample(tick + 1, format->rate, format->sample_rate_hz) -
                                      rv_tick_to_sample(tick, format->rate, format->sample_rate_hz));
        *ret_cell = black;
        return true;
}

ProducerState producer_state(const Producer *producer) {
        return (ProducerState)atomic_load(&producer->state);
}

ProducerResult producer_result(const Producer *producer) {
        pthread_mutex_t *lock = &((Producer *)producer)->result_lock;
        pthread_mutex_lock(lock);
        ProducerResult result = producer->result;
        pthread_mutex_unlock(lock);
        return result;
}

void producer_on_ready(Producer *producer, void (*f)(void *user), void *user) {
        pthread_mutex_lock(&producer->ready_lock);
        const bool is_past = producer_state(producer) != PRODUCER_PREPARING;
        producer->on_ready = f;
        producer->on_ready_user = user;
        if (is_past && f)
                f(user);
        pthread_mutex_unlock(&producer->ready_lock);
}

bool producer_settled(const Producer *producer, int64_t tick) {
        const ProducerState state = producer_state(producer);
        return state == PRODUCER_FAILED || state == PRODUCER_OVER || producer->is_pad ||
               atomic_load(&producer->made_tick) >= tick;
}

void producer_wait(Producer *producer, int64_t tick) {
        while (!producer_settled(producer, tick)) {
                wake_announce(&producer->progress);
                if (producer_settled(producer, tick))
                        wake_cancel(&producer->progress);
                else
                        wake_wait(&producer->progress);
        }
}

void producer_free(Producer *producer) {
        if (!producer)
                return;
        producer_on_ready(producer, NULL, NULL);
        atomic_fetch_add(&stuck_threads, 1);
        if (atomic_fetch_or(&producer->ends, LET_GO) & ENDED)
                atomic_fetch_sub(&stuck_threads, 1);
        atomic_store(&producer->abort, true);
        if (producer->pool)
                wake_up(picture_pool_wake(producer->pool));
        producer_unref(producer);
}

unsigned producer_stuck_threads(void) {
        return atomic_load(&stuck_threads);
}

Picture *producer_black(const HouseFormat *format) {
        return picture_black(format->width, format->height);
}
