/*
 * A day and more of a channel in minutes: the engine plays a plan of half hours that is over (docs/decisions/007), of
 * short material in a tiny house, while the stream is judged as it comes and not kept: every picture is decoded by a
 * program that is not ours and must be the one that the plan calls for, every time stamp and AAC frame is the next,
 * every fence is on its tick, in the stream and in the evidence; and what the engine holds does not grow.
 *
 * RETROVUE_TEST_HOURS: how long (1/5); 26 goes past the 33 bits of time stamps, at 25.5.
 */
#include <gio/gio.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/clock.h"
#include "proto/base/thread.h"
#include "proto/rpc/rpc.h"
#include "proto/ts/ts_reader.h"
#include "tests/e2e/engine_rig.h"
#include "tests/support/chance.h"
#include "tests/support/cmocka.h"
#include "tests/support/media/barcode.h"

#define SIDE 64
#define BLOCK_MS 1800000
#define BLOCKS_AT_ONCE 3 /* fed ahead of the one on the air */
#define SEGMENTS_MAX 400
#define SHORT_MS (*RV_SANITIZERS_ON ? 300000 : 720000)
#define SAMPLE_MS 300000 /* of channel time between two looks at the process */
#define MIN_LOOKS 11     /* at the process, from which on growth is judged */
#define GROWTH_KIB 4096  /* noise */

typedef struct {
        const char *file;
        unsigned clip;
        RvRational rate;
        int64_t frames;
} Clip;

static const Clip CLIPS[] = {
        {RV_DAY_CLIPS "/day-20.mkv", 20, {30000, 1001}, 1800},
        {RV_DAY_CLIPS "/day-21.mkv", 21, {24000, 1001}, 960},
        {RV_DAY_CLIPS "/day-22.mkv", 22, {60000, 1001}, 1200},
        {RV_DAY_CLIPS "/day-23.mkv", 23, {25, 1}, 500},
};

/* --- the plan, calculated independently --- */

typedef struct {
        const Clip *clip; /* NULL: pad */
        int64_t offset_ms;
        int64_t start_tick;
} Turn;

typedef struct {
        RvRational rate;
        int64_t epoch_utc_ms, length_ms;
        GPtrArray *blocks; /* BlockPlan */
        GArray *turns;     /* Turn, in order */
        GArray *fences;    /* int64_t: ticks */
} Plan;

static int64_t tick_at(int64_t ms, RvRational rate) {
        const __int128 a = (__int128)ms * rate.num, b = (__int128)rate.den * 1000;
        return (int64_t)((a + b - 1) / b);
}

/* First output frame of the segment that shows source frame i: floor((i / rate - offset) * house + 1/2). */
static int64_t first_tick_of(const Turn *turn, int64_t i, RvRational rate) {
        const Clip *clip = turn->clip;
        const __int128 time = (__int128)i * clip->rate.den * 1000 - (__int128)turn->offset_ms * clip->rate.num;
        const __int128 unit = (__int128)clip->rate.num * 1000 * rate.den;
        const __int128 twice = time * rate.num * 2 + unit;
        const __int128 divisor = unit * 2;
        return (int64_t)(twice >= 0 ? twice / divisor : -((-twice + divisor - 1) / divisor));
}

static int64_t length_of(const Clip *clip) {
        return clip->frames * 1000 * clip->rate.den / clip->rate.num;
}

/* Whole clips and pieces of them, now and then a pad: some hundred to the half hour. */
static uint32_t draw_segments(GRand *rand, int64_t block_ms, RigSegment *ret_segments) {
        uint32_t n = 0;
        for (int64_t left_ms = block_ms; left_ms > 0; n++) {
                assert_true(n < SEGMENTS_MAX);
                const Clip *clip = &CLIPS[g_rand_int_range(rand, 0, G_N_ELEMENTS(CLIPS))];
                const int64_t length_ms = length_of(clip);
                const bool whole = g_rand_int_range(rand, 0, 4) > 0;
                const int64_t offset_ms = whole ? 0 : g_rand_int_range(rand, 0, (int)length_ms / 2);
                const int64_t play_ms = whole ? length_ms : g_rand_int_range(rand, 500, (int)(length_ms - offset_ms));
                const bool pad = g_rand_int_range(rand, 0, 40) == 0;
                ret_segments[n] = (RigSegment){pad ? NULL : clip->file, pad ? 0 : offset_ms, MIN(left_ms, play_ms)};
                left_ms -= ret_segments[n].duration_ms;
        }
        return n;
}

static const Clip *clip_of(const char *file) {
        for (size_t i = 0; i < G_N_ELEMENTS(CLIPS); i++)
                if (file && g_str_equal(CLIPS[i].file, file))
                        return &CLIPS[i];
        return NULL;
}

static void add_block(Plan *plan, GRand *rand, int64_t at_ms, int64_t block_ms) {
        RigSegment segments[SEGMENTS_MAX];
        const uint32_t n = draw_segments(rand, block_ms, segments);
        g_autofree char *id = g_strdup_printf("half-hour-%u", plan->blocks->len);
        g_ptr_array_add(plan->blocks, rig_block(id, plan->epoch_utc_ms + at_ms, segments, n));
        for (uint32_t i = 0; i < n; at_ms += segments[i++].duration_ms) {
                const Turn turn = {clip_of(segments[i].file), segments[i].offset_ms, tick_at(at_ms, plan->rate)};
                g_array_append_val(plan->turns, turn);
        }
        const int64_t fence = tick_at(at_ms, plan->rate);
        g_array_append_val(plan->fences, fence);
}

static void free_block(gpointer block) {
        block_plan_unref(block);
}

static Plan make_plan(RvRational rate, int64_t length_ms) {
        Plan plan = {
                .rate = rate,
                .length_ms = length_ms,
                .epoch_utc_ms = rv_clock_utc_ms(rv_clock_system()) - length_ms - 1000,
                .blocks = g_ptr_array_new_with_free_func(free_block),
                .turns = g_array_new(FALSE, FALSE, sizeof(Turn)),
                .fences = g_array_new(FALSE, FALSE, sizeof(int64_t)),
        };
        g_autoptr(GRand) rand = chance_new();
        for (int64_t at_ms = 0; at_ms < length_ms; at_ms += BLOCK_MS)
                add_block(&plan, rand, at_ms, MIN(BLOCK_MS, length_ms - at_ms));
        return plan;
}

static void plan_clear(Plan *plan) {
        g_ptr_array_unref(plan->blocks);
        g_array_unref(plan->turns);
        g_array_unref(plan->fences);
}

static int64_t last_tick(const Plan *plan) {
        return g_array_index(plan->fences, int64_t, plan->fences->len - 1);
}

/* --- what is shown --- */

/* Walks along the plan with the pictures. */
typedef struct {
        const Plan *plan;
        GInputStream *pipe;
        guint turn;
        int64_t source_frame, tick, wrong;
} Watcher;

static int64_t expected_frame(Watcher *watcher) {
        const GArray *turns = watcher->plan->turns;
        while (watcher->turn + 1 < turns->len &&
               g_array_index(turns, Turn, watcher->turn + 1).start_tick <= watcher->tick) {
                watcher->turn++;
                watcher->source_frame = 0;
        }
        const Turn *turn = &g_array_index(turns, Turn, watcher->turn);
        if (!turn->clip)
                return -1;
        const int64_t k = watcher->tick - turn->start_tick;
        if (k >= first_tick_of(turn, turn->clip->frames, watcher->plan->rate))
                return -1;
        while (watcher->source_frame + 1 < turn->clip->frames &&
               first_tick_of(turn, watcher->source_frame + 1, watcher->plan->rate) <= k)
                watcher->source_frame++;
        return watcher->source_frame;
}

static void watch_picture(Watcher *watcher, const uint8_t *luma) {
        unsigned frame = 0, clip = 0;
        const BarcodeResult result = barcode_read(luma, &(BarcodeSize){SIDE, SIDE, SIDE}, &frame, &clip);
        const int64_t wanted = expected_frame(watcher);
        const Clip *of = g_array_index(watcher->plan->turns, Turn, watcher->turn).clip;
        const bool right = wanted < 0 ? result == BARCODE_BLACK
                                      : result == BARCODE_OK && clip == of->clip && frame == (unsigned)wanted;
        if (!right && watcher->wrong++ < 10)
                print_message("tick %d: want frame %d of %u, shown %d/%u/%u\n", (int)watcher->tick, (int)wanted,
                              of ? of->clip : 0, (int)result, clip, frame);
}

static void watch(void *user) {
        Watcher *watcher = user;
        uint8_t luma[SIDE * SIDE];
        const int64_t end = last_tick(watcher->plan);
        for (gsize got;
             g_input_stream_read_all(watcher->pipe, luma, sizeof luma, &got, NULL, NULL) && got == sizeof luma;
             watcher->tick++)
                if (watcher->tick < end)
                        watch_picture(watcher, luma);
}

/* --- what comes, and what the engine holds meanwhile --- */

typedef struct {
        long rss_kib, fds, threads;
} Held;

typedef struct {
        const Plan *plan;
        TsReader *reader;
        TsCheck check;
        char *fault;
        guint next_fence;
        _Atomic pid_t pid;
        GArray *held; /* Held, one each SAMPLE_MS of channel time */
        GOutputStream *decoder;
        bool decoder_gone;
} Judge;

static long count_entries(pid_t pid, const char *what) {
        g_autofree char *path = g_strdup_printf("/proc/%d/%s", (int)pid, what);
        g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
        long n = 0;
        while (dir && g_dir_read_name(dir))
                n++;
        return n;
}

static Held look_at(pid_t pid) {
        Held held = {.fds = count_entries(pid, "fd"), .threads = count_entries(pid, "task")};
        g_autofree char *path = g_strdup_printf("/proc/%d/status", (int)pid);
        g_autofree char *status = NULL;
        if (g_file_get_contents(path, &status, NULL, NULL)) {
                const char *at = strstr(status, "VmRSS:");
                held.rss_kib = at ? strtol(at + 6, NULL, 10) : 0;
        }
        return held;
}

/* The first picture after a fence is where viewers and segments begin. */
static void check_fences(Judge *judge) {
        const GArray *fences = judge->plan->fences, *pictures = judge->reader->pictures;
        for (guint i = 0; i < pictures->len && !judge->fault && judge->next_fence < fences->len; i++) {
                const int64_t fence = g_array_index(fences, int64_t, judge->next_fence);
                if (judge->check.picture_due + i != fence)
                        continue;
                if (!g_array_index(pictures, TsPicture, i).idr)
                        judge->fault = g_strdup_printf("no IDR at the fence of half hour %u", judge->next_fence);
                judge->next_fence++;
        }
}

/* The rig's reading thread. */
static void judge_bytes(void *user, const uint8_t *data, size_t size) {
        Judge *judge = user;
        if (!judge->decoder_gone)
                judge->decoder_gone = !g_output_stream_write_all(judge->decoder, data, size, NULL, NULL, NULL);
        if (judge->fault)
                return;
        ts_reader_feed(judge->reader, data, size);
        check_fences(judge);
        if (!judge->fault)
                judge->fault = ts_check_more(&judge->check, judge->reader);
        const int64_t due = tick_at((int64_t)(judge->held->len + 1) * SAMPLE_MS, judge->plan->rate);
        if (judge->check.picture_due >= due) {
                const Held held = look_at(judge->pid);
                g_array_append_val(judge->held, held);
        }
}

/* The most of each in looks [from, to): at any one of them a source more or less may be there. */
static Held most_held(const GArray *looks, guint from, guint to) {
        Held most = {0};
        for (guint i = from; i < to; i++) {
                const Held *held = &g_array_index(looks, Held, i);
                most.rss_kib = MAX(most.rss_kib, held->rss_kib);
                most.fds = MAX(most.fds, held->fds);
                most.threads = MAX(most.threads, held->threads);
        }
        return most;
}

/* Of an hour and more: its second half holds no more than its first. */
static void check_held(const Judge *judge) {
        const guint n = judge->held->len;
        if (n < MIN_LOOKS)
                return;
        const Held first = most_held(judge->held, 0, n / 2), second = most_held(judge->held, n / 2, n);
        print_message("at most: resident %ld KiB, then %ld; fds %ld, then %ld; threads %ld, then %ld\n", first.rss_kib,
                      second.rss_kib, first.fds, second.fds, first.threads, second.threads);
        assert_in_range(second.fds, 0, first.fds + 3);
        assert_in_range(second.threads, 0, first.threads + 6);
        if (!*RV_SANITIZERS_ON)
                assert_in_range(second.rss_kib, 0, first.rss_kib + GROWTH_KIB);
}

/* --- what is said --- */

static void check_evidence(const EngineRig *rig, const Plan *plan) {
        const GPtrArray *events = rig_evidence(rig);
        guint fences = 0, segments = 0;
        int64_t from = 0;
        for (guint i = 0; i < events->len; i++) {
                const EvidenceEvent *event = events->pdata[i];
                if (event->kind == EVIDENCE_SEGMENT_END && segments < plan->turns->len) {
                        const Turn *turn = &g_array_index(plan->turns, Turn, segments);
                        const bool is_there = event->frames > 0;
                        if (is_there)
                                assert_int_equal(event->start_tick, turn->start_tick);
                        segments++;
                }
                if (event->kind != EVIDENCE_BLOCK_FENCE)
                        continue;
                const int64_t fence = g_array_index(plan->fences, int64_t, fences);
                assert_int_equal(event->end_tick, fence);
                assert_int_equal(event->frames, fence - from);
                from = fence;
                fences++;
        }
        assert_int_equal(fences, plan->fences->len);
        assert_int_equal(segments, plan->turns->len);
}

/* --- the play --- */

static GSubprocess *start_decoder(void) {
        GSubprocess *decoder =
                g_subprocess_new(G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE, NULL, "ffmpeg", "-v",
                                 "error", "-threads", "1", "-f", "mpegts", "-i", "pipe:0", "-map", "0:v", "-fps_mode",
                                 "passthrough", "-f", "rawvideo", "-pix_fmt", "gray", "pipe:1", NULL);
        assert_non_null(decoder);
        return decoder;
}

static void feed_all(EngineRig *rig, const HouseFormat *format, const Plan *plan) {
        BlockPlan *const *blocks = (BlockPlan *const *)plan->blocks->pdata;
        const guint n = MIN(plan->blocks->len, BLOCKS_AT_ONCE);
        rig_start(rig, format, blocks, n);
        for (guint i = n; i < plan->blocks->len; i++) {
                rig_await_started(rig, blocks[i - n + 1]->block_id);
                rig_feed(rig, blocks[i]);
        }
        rig_await_evidence(rig, EVIDENCE_BLOCK_FENCE, blocks[plan->blocks->len - 1]->block_id);
        rig_stop(rig);
        rig_await_evidence(rig, EVIDENCE_CHANNEL_TERMINATED, NULL);
        rig_await_stream_end(rig);
}

static HouseFormat house(RvRational rate) {
        HouseFormat format = house_format_default();
        format.width = format.height = SIDE;
        format.rate = rate;
        format.video_bitrate_kbps = 200;
        format.audio_bitrate_kbps = 32;
        format.video_preset = VIDEO_ULTRAFAST;
        return format;
}

static void play(RvRational rate, int64_t length_ms) {
        Plan plan = make_plan(rate, length_ms);
        const HouseFormat format = house(rate);
        g_autoptr(GSubprocess) decoder = start_decoder();
        Watcher watcher = {.plan = &plan, .pipe = g_subprocess_get_stdout_pipe(decoder)};
        RvThread *watching = rv_thread_start("watch", RV_PRIORITY_NORMAL, watch, &watcher, NULL);
        Judge judge = {
                .plan = &plan,
                .reader = ts_reader_new(),
                .check = ts_check_begin(rate, 0, TS_UNBROKEN),
                .held = g_array_new(FALSE, FALSE, sizeof(Held)),
                .decoder = g_subprocess_get_stdin_pipe(decoder),
        };
        const int64_t from_ns = rv_clock_mono_ns(rv_clock_system());
        EngineRig *rig =
                rig_new((RigOptions){.replay_ms = (int)(length_ms + 60000), .on_stream = judge_bytes, .user = &judge});
        judge.pid = rig_pid(rig);
        feed_all(rig, &format, &plan);
        assert_true(g_output_stream_close(judge.decoder, NULL, NULL));
        rv_thread_join(watching);
        const int64_t took_ms = (rv_clock_mono_ns(rv_clock_system()) - from_ns) / 1000000;
        print_message("%d min of %d/%d in %d s: %d pictures, %d segments, last fence %d, wrong %d\n",
                      (int)(length_ms / 60000), rate.num, rate.den, (int)(took_ms / 1000), (int)watcher.tick,
                      (int)plan.turns->len, (int)last_tick(&plan), (int)watcher.wrong);
        if (judge.fault)
                fail_msg("%s", judge.fault);
        assert_int_equal(watcher.wrong, 0);
        assert_true(watcher.tick >= last_tick(&plan));
        assert_int_equal(watcher.tick, judge.check.pictures + 1); /* the last one is complete when the stream ends */
        check_evidence(rig, &plan);
        check_held(&judge);
        rig_free(rig);
        ts_reader_free(judge.reader);
        g_array_unref(judge.held);
        plan_clear(&plan);
}

static int64_t asked_ms(void) {
        const char *hours = g_getenv("RETROVUE_TEST_HOURS");
        return hours ? (int64_t)(g_ascii_strtod(hours, NULL) * 3600000) : 0;
}

static void half_hours_end_on_their_ticks(void **state) {
        const RvRational rate = {30000, 1001};
        int64_t before = 0;
        for (int i = 1; i <= 48; i++) {
                const int64_t fence = tick_at((int64_t)i * BLOCK_MS, rate);
                assert_in_range(fence - before, 53946, 53947);
                before = fence;
        }
        assert_int_equal(before, 2589411);
}

static void a_day_is_played_to_the_frame(void **state) {
        play((RvRational){30000, 1001}, asked_ms() ? asked_ms() : SHORT_MS);
}

/* Sound and pictures are both counted from tick 0: neither drifts from the other at rates that share no second. */
static void an_hour_of_film_rate_is_played_to_the_frame(void **state) {
        play((RvRational){24000, 1001}, asked_ms() ? 3600000 : SHORT_MS / 6);
}

static void an_hour_of_sixty_is_played_to_the_frame(void **state) {
        play((RvRational){60000, 1001}, asked_ms() ? 3600000 : SHORT_MS / 6);
}

int main(void) {
        signal(SIGPIPE, SIG_IGN);
        rpc_init();
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(half_hours_end_on_their_ticks),
                cmocka_unit_test(a_day_is_played_to_the_frame),
                cmocka_unit_test(an_hour_of_film_rate_is_played_to_the_frame),
                cmocka_unit_test(an_hour_of_sixty_is_played_to_the_frame),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
