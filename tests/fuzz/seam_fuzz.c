/*
 * Sources that do as the input says -> ticks and reports. Each segment is four bytes: how long it is, what its source
 * is like, and when it turns so; a block has up to four. Whatever sources do, each tick is shown once, reports come in
 * order, and what they count is what was shown.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "air/seam/seam.h"
#include "tests/air/blocks.h"
#include "tests/fuzz/fuzz.h"

#define BYTES 4
#define SEGMENTS_A_BLOCK 4
#define BLOCKS_MOST 6
#define T0 INT64_C(1800000000000)
#define AFTER_TICKS 5
#define STEP_MS 20

/* LATE: now and then there is no cell; the others turn so at a tick of theirs. */
typedef enum { GOOD, LATE, OVER, FAILED, TIRED, N_HABITS } Habit;

typedef struct {
        ProducerOptions options;
        Habit habit;
        int64_t turns_at;
        uint8_t chance;
        atomic_int state;
        Picture *picture;
        Cell cell;
        float samples[CELL_MAX_SAMPLES * 2];
} FakeSource;

typedef struct {
        HouseFormat format;
        int64_t n_samples; /* the tick thread's */
        int64_t told_tick, told_frames, segments, fences;
        bool ended;
        pthread_mutex_t lock; /* guards: */
        int64_t ticks;
} Run;

static const uint8_t *habits; /* the input */
static atomic_int sources;
static Picture *own_picture;

static Producer *fake_make(const ProducerOptions *options) {
        FakeSource *source = g_new0(FakeSource, 1);
        const char *uri = options->block->segments[options->segment_index].asset_uri;
        const uint8_t *bytes = habits + (uri ? g_ascii_strtoull(uri + 1, NULL, 10) : 0);
        source->options = *options;
        source->habit = uri ? (Habit)(bytes[1] % N_HABITS) : GOOD;
        source->turns_at = options->start_tick + bytes[2];
        source->chance = bytes[3];
        source->picture = producer_black(&options->format);
        atomic_init(&source->state, PRODUCER_READY);
        atomic_fetch_add(&sources, 1);
        return (Producer *)source;
}

static bool fake_settled(const Producer *producer, int64_t tick) {
        return true;
}

static bool is_missing(FakeSource *source, int64_t tick) {
        const bool turned = tick >= source->turns_at;
        switch (source->habit) {
        case LATE:
                return (uint8_t)(tick * 151 + source->chance) < source->chance;
        case FAILED:
                if (turned)
                        atomic_store(&source->state, PRODUCER_FAILED);
                return turned;
        case TIRED:
                return turned;
        case GOOD:
        case OVER:
        case N_HABITS:
                break;
        }
        return false;
}

static bool fake_take(Producer *producer, int64_t tick, const Cell **ret_cell) {
        FakeSource *source = (FakeSource *)producer;
        const HouseFormat *format = &source->options.format;
        g_assert(tick >= source->options.start_tick && tick < source->options.end_tick);
        if (is_missing(source, tick))
                return false;
        const bool over = source->habit == OVER && tick >= source->turns_at;
        if (over)
                atomic_store(&source->state, PRODUCER_OVER);
        source->cell = (Cell){
                .tick = tick,
                .kind = over ? CELL_BLACK : CELL_CONTENT,
                .source_frame = over ? -1 : tick - source->options.start_tick,
                .picture = over ? source->picture : own_picture,
                .n_samples = (uint32_t)(rv_tick_to_sample(tick + 1, format->rate, format->sample_rate_hz) -
                                        rv_tick_to_sample(tick, format->rate, format->sample_rate_hz)),
                .samples = source->samples,
        };
        *ret_cell = &source->cell;
        return true;
}

static void fake_near(Producer *producer) {
}

static ProducerState fake_state(const Producer *producer) {
        return (ProducerState)atomic_load(&((FakeSource *)producer)->state);
}

static ProducerResult fake_result(const Producer *producer) {
        return (ProducerResult){.state = fake_state(producer), .reason = "DECODE_FAILED", .detail = "as asked for"};
}

static void fake_free(Producer *producer) {
        atomic_fetch_sub(&sources, 1);
        picture_unref(((FakeSource *)producer)->picture);
        g_free(producer);
}

static const SeamSources FAKES = {fake_make, fake_settled, fake_take, fake_near, fake_state, fake_result, fake_free};

/* Tick thread. */
static bool on_push(void *user, const Cell *cell, bool idr) {
        Run *run = user;
        pthread_mutex_lock(&run->lock);
        g_assert(cell->tick == run->ticks && (idr || cell->tick % run->format.gop_frames != 0));
        run->ticks++;
        run->n_samples += cell->n_samples;
        g_assert(run->n_samples == rv_tick_to_sample(run->ticks, run->format.rate, run->format.sample_rate_hz));
        pthread_mutex_unlock(&run->lock);
        return cell->tick % 7 != 0;
}

static void on_report(void *user, const SeamReport *report) {
        Run *run = user;
        g_assert(report->tick >= run->told_tick || report->kind == SEAM_BLOCK_FENCE || report->frames == 0);
        run->told_tick = MAX(run->told_tick, report->tick);
        if (report->kind == SEAM_SEGMENT_END) {
                run->segments++;
                run->told_frames += report->frames;
                g_assert(report->frames == report->tick - report->start_tick);
        }
        if (report->kind == SEAM_SEGMENT_END || report->kind == SEAM_BLOCK_FENCE)
                g_assert(report->frames ==
                         report->own_frames + report->held_frames + report->missing_frames + report->black_frames);
        run->fences += report->kind == SEAM_BLOCK_FENCE;
        run->ended = report->kind == SEAM_ENDED;
}

static int64_t ticks_of(Run *run) {
        pthread_mutex_lock(&run->lock);
        const int64_t ticks = run->ticks;
        pthread_mutex_unlock(&run->lock);
        return ticks;
}

/* The blocks that the input describes. Returns when the last one ends. */
static int64_t fill(BlockQueue *queue, const uint8_t *data, size_t n, int64_t *ret_segments, int64_t *ret_blocks) {
        int64_t at_ms = T0;
        for (size_t first = 0; first < n && *ret_blocks < BLOCKS_MOST; first += SEGMENTS_A_BLOCK, (*ret_blocks)++) {
                const uint32_t count = (uint32_t)MIN(n - first, SEGMENTS_A_BLOCK);
                int64_t durations_ms[SEGMENTS_A_BLOCK];
                for (uint32_t i = 0; i < count; i++)
                        durations_ms[i] = 1 + data[(first + i) * BYTES] * 8;
                g_autofree char *id = g_strdup_printf("block-%zu", first);
                g_autoptr(BlockPlan) block = blocks_make(id, at_ms, "/0", durations_ms, count);
                for (uint32_t i = 0; i < count; i++) {
                        g_autofree char *uri = g_strdup_printf("/%zu", (first + i) * BYTES);
                        block->segments[i].asset_uri = block_plan_text(block, uri);
                }
                g_assert(block_queue_push(queue, block, NULL) == QUEUE_OK);
                at_ms = block->end_utc_ms;
                *ret_segments += count;
        }
        return at_ms;
}

/* Fake time may outrun the preparer, as on a machine that is too busy: what comes late is told all the same. */
static void play(Run *run, Seam *seam, RvClock *clock, int64_t n_ticks, int64_t n_blocks) {
        const SeamSink sink = {.push = on_push, .user = run};
        g_assert(seam_run(seam, &sink, NULL));
        while (ticks_of(run) < n_ticks || run->fences < n_blocks) {
                rv_clock_fake_await_sleepers(clock, 1);
                rv_clock_fake_advance_ms(clock, STEP_MS);
                while (g_main_context_iteration(NULL, FALSE))
                        ;
        }
        rv_clock_fake_await_sleepers(clock, 1);
        seam_stop(seam);
        rv_clock_fake_advance_ms(clock, 1000);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        const size_t n = size / BYTES;
        if (n == 0)
                return 0;
        habits = data;
        Run run = {.format = house_format_default()};
        run.format.width = run.format.height = 64;
        pthread_mutex_init(&run.lock, NULL);
        own_picture = producer_black(&(HouseFormat){.width = 128, .height = 64});
        BlockQueue *queue = block_queue_new(BLOCKS_CHANNEL, BLOCKS_MOST + 2);
        int64_t segments = 0, blocks = 0;
        const int64_t end_ms = fill(queue, data, n, &segments, &blocks);
        RvClock *clock = rv_clock_fake_new(T0);
        const SeamOptions options = {.format = run.format,
                                     .epoch_utc_ms = T0,
                                     .queue = queue,
                                     .clock = clock,
                                     .sources = &FAKES,
                                     .on_report = on_report,
                                     .user = &run};
        Seam *seam = seam_new(&options, NULL);
        g_assert(seam);
        play(&run, seam, clock, rv_tick_at_ms(end_ms - T0, run.format.rate) + AFTER_TICKS, blocks);
        seam_free(seam);
        g_assert(run.ended && run.segments == segments && run.fences == blocks && atomic_load(&sources) == 0);
        g_assert(run.told_frames <= rv_tick_at_ms(end_ms - T0, run.format.rate));
        block_queue_free(queue);
        rv_clock_fake_free(clock);
        picture_unref(own_picture);
        pthread_mutex_destroy(&run.lock);
        return 0;
}
