/* Whose captions go out at each tick: sources that send a command with each of their pictures, and seams between them.
 */
#include <pthread.h>
#include <sched.h>

#include "air/seam/private.h"
#include "tests/air/blocks.h"
#include "tests/support/cmocka.h"

#define T0 INT64_C(1800000000000)
#define N_TICKS 45
#define COMMAND 0x9420 /* resume loading, of channel 1 */
#define ERASE_DISPLAYED 0x942c

/* --- sources: captions, and pictures up to a tick of theirs ------------------------------------------------------ */

typedef struct {
        ProducerOptions options;
        bool captioned, continues;
        int64_t n_pictures;
        Cell cell;
} FakeSource;

static Picture *source_picture;
static float silence[CELL_MAX_SAMPLES * 2];

/* /captioned or /plain / how many pictures [ / continues ] */
static Producer *fake_make(const ProducerOptions *options) {
        FakeSource *source = g_new0(FakeSource, 1);
        g_auto(GStrv) words = g_strsplit(options->block->segments[options->segment_index].asset_uri, "/", -1);
        source->options = *options;
        source->captioned = g_str_equal(words[1], "captioned");
        source->n_pictures = g_ascii_strtoll(words[2], NULL, 10);
        source->continues = words[3] != NULL;
        return (Producer *)source;
}

static bool fake_settled(const Producer *producer, int64_t tick) {
        return true;
}

static bool fake_take(Producer *producer, int64_t tick, const Cell **ret_cell) {
        FakeSource *source = (FakeSource *)producer;
        const RvRational rate = source->options.format.rate;
        if (tick - source->options.start_tick >= source->n_pictures)
                return false;
        source->cell = (Cell){
                .tick = tick,
                .picture = source_picture,
                .n_samples =
                        (uint32_t)(rv_tick_to_sample(tick + 1, rate, 48000) - rv_tick_to_sample(tick, rate, 48000)),
                .samples = silence,
                .continues = source->continues,
        };
        if (source->captioned)
                source->cell.captions = (CaptionData){.size = 3, .bytes = {0xfc, COMMAND >> 8, COMMAND & 0xff}};
        *ret_cell = &source->cell;
        return true;
}

static void fake_near(Producer *producer) {
}

static ProducerState fake_state(const Producer *producer) {
        return PRODUCER_READY;
}

static ProducerResult fake_result(const Producer *producer) {
        return (ProducerResult){.state = PRODUCER_READY};
}

static void fake_free(Producer *producer) {
        g_free(producer);
}

static const SeamSources FAKES = {
        .make = fake_make,
        .settled = fake_settled,
        .take = fake_take,
        .near = fake_near,
        .state = fake_state,
        .result = fake_result,
        .free = fake_free,
};

/* --- a session ------------------------------------------------------------------------------------------------- */

typedef struct {
        RvClock *clock;
        BlockQueue *queue;
        Seam *seam;
        pthread_mutex_t lock;
        pthread_cond_t more;
        int n; /* ticks pushed; guarded by lock, like what they were */
        uint16_t pairs[N_TICKS + 8];
        bool own_pictures[N_TICKS + 8];
} Session;

static bool on_push(void *user, const Cell *cell, bool idr) {
        Session *s = user;
        pthread_mutex_lock(&s->lock);
        g_assert(s->n < (int)G_N_ELEMENTS(s->pairs)); /* not the test's thread */
        const uint8_t *triplet = cell->captions.bytes;
        s->pairs[s->n] = cell->captions.size ? (uint16_t)(triplet[1] << 8 | triplet[2]) : 0;
        s->own_pictures[s->n++] = cell->picture == source_picture;
        pthread_cond_broadcast(&s->more);
        pthread_mutex_unlock(&s->lock);
        return true;
}

static void on_report(void *user, const SeamReport *report) {
}

static void await(Session *s, int n) {
        pthread_mutex_lock(&s->lock);
        while (s->n < n)
                pthread_cond_wait(&s->more, &s->lock);
        pthread_mutex_unlock(&s->lock);
}

static void begin(Session *s, BlockPlan *block) {
        HouseFormat format = house_format_default();
        format.rate = (RvRational){25, 1};
        format.width = format.height = 64;
        s->clock = rv_clock_fake_new(T0 - 1000);
        s->queue = block_queue_new(BLOCKS_CHANNEL, 8);
        assert_int_equal(block_queue_push(s->queue, block, NULL), QUEUE_OK);
        pthread_mutex_init(&s->lock, NULL);
        pthread_cond_init(&s->more, NULL);
        source_picture = producer_black(&(HouseFormat){.width = 128, .height = 64});
        const SeamOptions options = {.format = format,
                                     .epoch_utc_ms = T0,
                                     .queue = s->queue,
                                     .clock = s->clock,
                                     .sources = &FAKES,
                                     .on_report = on_report,
                                     .user = s};
        s->seam = seam_new(&options, NULL);
        assert_non_null(s->seam);
        assert_true(seam_run(s->seam, &(SeamSink){.push = on_push, .user = s}, NULL));
}

static void run_ticks(Session *s, int n) {
        for (int tick = 0; tick < n; tick++) {
                while (atomic_load(&s->seam->turns.tail) < (uint32_t)MIN(tick / 10 + 1, 4))
                        sched_yield(); /* fake time must not outrun the preparer */
                rv_clock_fake_await_sleepers(s->clock, 1);
                rv_clock_fake_advance_ms(s->clock, tick ? 40 : 1000);
                await(s, tick + 1);
        }
}

static void end(Session *s) {
        rv_clock_fake_await_sleepers(s->clock, 1);
        seam_stop(s->seam);
        rv_clock_fake_advance_ms(s->clock, 1000);
        seam_free(s->seam);
        block_queue_free(s->queue);
        rv_clock_fake_free(s->clock);
        picture_unref(source_picture);
        pthread_cond_destroy(&s->more);
        pthread_mutex_destroy(&s->lock);
}

static void INV_SEAM_130_captions_leave_the_screen_with_their_source(void **state) {
        const int64_t durations_ms[] = {400, 400, 400, 600};
        static const char *const uris[] = {"/captioned/99", "/captioned/99/continues", "/plain/99", "/captioned/3"};
        g_autoptr(BlockPlan) block = blocks_make("block", T0, "/captioned/99", durations_ms, G_N_ELEMENTS(uris));
        for (size_t i = 0; i < G_N_ELEMENTS(uris); i++)
                block->segments[i].asset_uri = block_plan_text(block, uris[i]);
        Session s = {0};
        begin(&s, block);
        run_ticks(&s, N_TICKS);
        end(&s);
        for (int tick = 0; tick < 20; tick++)
                assert_int_equal(s.pairs[tick], COMMAND);
        assert_int_equal(s.pairs[20], ERASE_DISPLAYED);
        assert_int_equal(s.pairs[21], ERASE_DISPLAYED);
        for (int tick = 24; tick < 30; tick++)
                assert_int_equal(s.pairs[tick], 0);
        assert_int_equal(s.pairs[32], COMMAND);
        int tick = 33;
        while (s.own_pictures[tick]) /* held: still its picture */
                assert_int_equal(s.pairs[tick++], 0);
        assert_int_equal(s.pairs[tick], ERASE_DISPLAYED);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(INV_SEAM_130_captions_leave_the_screen_with_their_source),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
