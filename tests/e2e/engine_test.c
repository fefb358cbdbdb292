/* One real engine, from spawn to exit, over real sockets: what it shows, when, and what it says about it. */
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#include "proto/base/clock.h"
#include "proto/rpc/rpc.h"
#include "proto/ts/ts_reader.h"
#include "tests/e2e/engine_rig.h"
#include "tests/support/cmocka.h"
#include "tests/support/media/barcode.h"
#include "tests/support/temp_dir.h"

#define NOTHING (-1) /* black */
#define PREROLL_MS 3000
#define PREROLL_PICTURES 90

static HouseFormat house(void) {
        HouseFormat format = house_format_default();
        format.width = 640;
        format.height = 360;
        format.video_bitrate_kbps = 2000;
        return format;
}

static int64_t now_ms(void) {
        return rv_clock_utc_ms(rv_clock_system());
}

/* --- the mapping, calculated independently
 * ---------------------------------------------------------------------------- */

typedef struct {
        const char *file;
        unsigned clip;
        RvRational rate;
        int64_t frames;
} Clip;

static const Clip CLIPS[] = {
        {"r23976.mkv", 1, {24000, 1001}, 192}, {"r24.mp4", 2, {24, 1}, 192},
        {"r25.ts", 3, {25, 1}, 200},           {"r2997.mp4", 4, {30000, 1001}, 240},
        {"r30.mkv", 5, {30, 1}, 240},          {"r50.mp4", 6, {50, 1}, 400},
        {"r5994.mkv", 7, {60000, 1001}, 480},  {"r12.avi", 9, {12, 1}, 96},
        {"r15.webm", 10, {15, 1}, 120},        {"silent.mp4", 12, {30000, 1001}, 240},
        {"long.mkv", 13, {30000, 1001}, 1800}, {"short.mp4", 14, {30000, 1001}, 15},
};

static const Clip *clip_of(const char *file) {
        for (size_t i = 0; i < G_N_ELEMENTS(CLIPS); i++)
                if (file && g_str_equal(CLIPS[i].file, file))
                        return &CLIPS[i];
        return NULL;
}

/* First output frame of the segment that shows source frame i: floor((i / rate - offset) * house + 1/2). */
static int64_t first_tick_of(const Clip *clip, int64_t i, int64_t offset_ms, RvRational rate) {
        const __int128 time = (__int128)i * clip->rate.den * 1000 - (__int128)offset_ms * clip->rate.num;
        const __int128 unit = (__int128)clip->rate.num * 1000 * rate.den;
        const __int128 twice = time * rate.num * 2 + unit;
        const __int128 divisor = unit * 2;
        return (int64_t)(twice >= 0 ? twice / divisor : -((-twice + divisor - 1) / divisor));
}

static int64_t frame_at(const RigSegment *segment, int64_t k, RvRational rate) {
        const Clip *clip = clip_of(segment->file);
        if (!clip || k >= first_tick_of(clip, clip->frames, segment->offset_ms, rate))
                return NOTHING;
        int64_t i = 0;
        while (i + 1 < clip->frames && first_tick_of(clip, i + 1, segment->offset_ms, rate) <= k)
                i++;
        return i;
}

static int64_t tick_at(int64_t ms, RvRational rate) {
        const __int128 a = (__int128)ms * rate.num, b = (__int128)rate.den * 1000;
        return (int64_t)((a + b - 1) / b);
}

/* --- what was shown
 * ---------------------------------------------------------------------------------------------------- */

typedef struct {
        BarcodeResult result;
        unsigned clip, frame;
} Shown;

static char *write_capture(const GByteArray *stream) {
        char *path = NULL;
        const int fd = g_file_open_tmp("retrovue-capture-XXXXXX.ts", &path, NULL);
        assert_true(fd >= 0);
        g_close(fd, NULL);
        assert_true(g_file_set_contents(path, (const char *)stream->data, stream->len, NULL));
        return path;
}

/* Every picture of the stream, decoded by a program that is not ours. */
static GArray *decode(const GByteArray *stream, const HouseFormat *format) {
        g_autofree char *path = write_capture(stream);
        g_autoptr(GSubprocess) ffmpeg = g_subprocess_new(
                G_SUBPROCESS_FLAGS_STDOUT_PIPE, NULL, "ffmpeg", "-nostdin", "-v", "error", "-i", path, "-map", "0:v",
                "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "gray", "-", NULL);
        assert_non_null(ffmpeg);
        GInputStream *pipe = g_subprocess_get_stdout_pipe(ffmpeg);
        GArray *shown = g_array_new(FALSE, TRUE, sizeof(Shown));
        const size_t bytes = (size_t)(format->width * format->height);
        g_autofree uint8_t *luma = g_malloc(bytes);
        const BarcodeSize size = {format->width, format->height, format->width};
        for (gsize got; g_input_stream_read_all(pipe, luma, bytes, &got, NULL, NULL) && got == bytes;) {
                Shown one = {0};
                one.result = barcode_read(luma, &size, &one.frame, &one.clip);
                g_array_append_val(shown, one);
        }
        assert_true(g_subprocess_wait_check(ffmpeg, NULL, NULL));
        (void)g_unlink(path);
        return shown;
}

static void check_stream(const GByteArray *stream, RvRational rate) {
        g_autoptr(TsReader) reader = ts_reader_new();
        ts_reader_feed(reader, stream->data, stream->len);
        ts_reader_end(reader);
        g_autofree char *fault = ts_reader_check(reader, rate, 0, TS_UNBROKEN);
        if (fault)
                fail_msg("%s", fault);
}

/* Ticks [tick of start_ms, tick of start_ms + duration) are this segment and no other. */
static guint count_wrong(const GArray *shown, const RigSegment *segment, int64_t start_ms, RvRational rate) {
        const Clip *clip = clip_of(segment->file);
        const int64_t from = tick_at(start_ms, rate), to = tick_at(start_ms + segment->duration_ms, rate);
        guint wrong = 0;
        for (int64_t tick = from; tick < to; tick++) {
                assert_true(tick < shown->len);
                const Shown *one = &g_array_index(shown, Shown, tick);
                const int64_t frame = frame_at(segment, tick - from, rate);
                const bool right = frame == NOTHING ? one->result == BARCODE_BLACK
                                                    : one->result == BARCODE_OK && one->clip == clip->clip &&
                                                              one->frame == (unsigned)frame;
                if (!right)
                        print_message("tick %d of %s: want frame %d, shown %d/%u/%u\n", (int)tick,
                                      segment->file ? segment->file : "pad", (int)frame, (int)one->result, one->clip,
                                      one->frame);
                wrong += !right;
        }
        return wrong;
}

static const EvidenceEvent *evidence_of(const EngineRig *rig, EvidenceKind kind, const char *block_id, int32_t index) {
        const GPtrArray *all = rig_evidence(rig);
        for (guint i = 0; i < all->len; i++) {
                const EvidenceEvent *event = all->pdata[i];
                if (event->kind == kind && (!block_id || g_str_equal(event->block_id, block_id)) &&
                    event->segment_index == index)
                        return event;
        }
        fail_msg("no evidence of kind %d of %s/%d", (int)kind, block_id, index);
        return NULL;
}

static void check_sequence(const EngineRig *rig) {
        const GPtrArray *all = rig_evidence(rig);
        guint ended = 0;
        for (guint i = 0; i < all->len; i++) {
                const EvidenceEvent *event = all->pdata[i];
                assert_int_equal(event->sequence, i + 1);
                ended += event->kind == EVIDENCE_CHANNEL_TERMINATED;
        }
        assert_int_equal(ended, 1);
        assert_int_equal(((const EvidenceEvent *)all->pdata[all->len - 1])->kind, EVIDENCE_CHANNEL_TERMINATED);
}

/* --- tests
 * ------------------------------------------------------------------------------------------------------------- */

static const RigSegment PROGRAMME[] = {
        {"r2997.mp4", 1000, 1500}, {"r24.mp4", 0, 1234},     {NULL, 0, 500},
        {"r30.mkv", 2002, 1001},   {"r5994.mkv", 500, 1111}, {"short.mp4", 0, 1000},
        {"r12.avi", 1000, 1300},   {"silent.mp4", 0, 777},   {"r25.ts", 3000, 1577},
};
static const RigSegment NEXT[] = {{"long.mkv", 30000, 2000}, {"r23976.mkv", 0, 1000}};
static const RigSegment LAST[] = {{"long.mkv", 0, 50000}};

static void check_segment_ends(const EngineRig *rig, const BlockPlan *block, int64_t epoch_utc_ms, RvRational rate) {
        int64_t start_ms = block->start_utc_ms - epoch_utc_ms;
        for (uint32_t i = 0; i < block->n_segments; i++) {
                const BlockSegment *segment = &block->segments[i];
                const EvidenceEvent *end = evidence_of(rig, EVIDENCE_SEGMENT_END, block->block_id, (int32_t)i);
                const bool is_short = segment->asset_uri && g_str_has_suffix(segment->asset_uri, "short.mp4");
                assert_string_equal(end->segment_uuid, segment->segment_uuid);
                assert_int_equal(end->start_tick, tick_at(start_ms, rate));
                start_ms += segment->duration_ms;
                assert_int_equal(end->end_tick, tick_at(start_ms, rate));
                assert_int_equal(end->frames, end->end_tick - end->start_tick);
                assert_int_equal(end->status, is_short ? SEGMENT_STATUS_SHORT : SEGMENT_STATUS_AIRED);
                if (!is_short)
                        assert_int_equal(end->fallback_frames, 0);
        }
}

/* What was played, block by block, and where from. */
typedef struct {
        EngineRig *rig;
        int64_t epoch_utc_ms;
        BlockPlan *a, *b, *c;
} Playing;

static Playing play_two_blocks(const HouseFormat *format) {
        Playing playing = {.rig = rig_new((RigOptions){0})};
        playing.epoch_utc_ms = now_ms() + 1500; /* the first source is prepared however busy the machine is */
        playing.a = rig_block("a", playing.epoch_utc_ms, PROGRAMME, G_N_ELEMENTS(PROGRAMME));
        playing.b = rig_block("b", playing.a->end_utc_ms, NEXT, G_N_ELEMENTS(NEXT));
        playing.c = rig_block("c", playing.b->end_utc_ms, LAST, G_N_ELEMENTS(LAST));
        BlockPlan *const blocks[] = {playing.a, playing.b};
        rig_start(playing.rig, format, blocks, 2);
        rig_await_started(playing.rig, "a");
        rig_feed(playing.rig, playing.c);
        rig_await_started(playing.rig, "c");
        rig_stop(playing.rig);
        rig_await_evidence(playing.rig, EVIDENCE_CHANNEL_TERMINATED, NULL);
        rig_await_stream_end(playing.rig);
        return playing;
}

static void playing_clear(Playing *playing) {
        rig_free(playing->rig);
        block_plan_unref(playing->a);
        block_plan_unref(playing->b);
        block_plan_unref(playing->c);
}

/* Frames that the engine itself says were not the source's own although there was material: the machine was too busy.
 */
static int64_t count_stand_ins(const EngineRig *rig, const BlockPlan *block) {
        int64_t count = 0;
        for (uint32_t i = 0; i < block->n_segments; i++)
                if (!block->segments[i].asset_uri || !g_str_has_suffix(block->segments[i].asset_uri, "short.mp4"))
                        count += evidence_of(rig, EVIDENCE_SEGMENT_END, block->block_id, (int32_t)i)->fallback_frames;
        return count;
}

/* Real time on a machine that others use: a run in which the engine owns up to stand-ins is done again, so many times.
 * A wrong frame that it does not own up to fails at once. */
#define ATTEMPTS 5

static void every_frame_of_two_blocks_is_where_the_plan_has_it(void **state) {
        const HouseFormat format = house();
        Playing playing = play_two_blocks(&format);
        for (int i = 1; i < ATTEMPTS; i++) {
                const int64_t n = count_stand_ins(playing.rig, playing.a) + count_stand_ins(playing.rig, playing.b);
                if (n == 0)
                        break;
                print_message("%d stand-ins on a busy machine: once more\n", (int)n);
                playing_clear(&playing);
                playing = play_two_blocks(&format);
        }
        const EngineRig *rig = playing.rig;
        const int64_t epoch = playing.epoch_utc_ms;
        check_stream(rig_stream(playing.rig), format.rate);
        g_autoptr(GArray) shown = decode(rig_stream(playing.rig), &format);
        guint wrong = 0;
        int64_t start_ms = 0;
        for (size_t i = 0; i < G_N_ELEMENTS(PROGRAMME); start_ms += PROGRAMME[i++].duration_ms)
                wrong += count_wrong(shown, &PROGRAMME[i], start_ms, format.rate);
        for (size_t i = 0; i < G_N_ELEMENTS(NEXT); start_ms += NEXT[i++].duration_ms)
                wrong += count_wrong(shown, &NEXT[i], start_ms, format.rate);
        assert_int_equal(wrong, 0);
        check_sequence(rig);
        check_segment_ends(rig, playing.a, epoch, format.rate);
        check_segment_ends(rig, playing.b, epoch, format.rate);
        const EvidenceEvent *fence = evidence_of(rig, EVIDENCE_BLOCK_FENCE, "a", 0);
        assert_int_equal(fence->end_tick, tick_at(playing.a->end_utc_ms - epoch, format.rate));
        assert_in_range(fence->end_utc_ms - playing.a->end_utc_ms, 0, 33); /* within a frame of the plan */
        assert_int_equal(evidence_of(rig, EVIDENCE_BLOCK_START, "b", 0)->tick, fence->end_tick);
        assert_int_equal(evidence_of(rig, EVIDENCE_SEGMENT_END, "c", 0)->status, SEGMENT_STATUS_TRUNCATED);
        playing_clear(&playing);
}

static void material_that_is_none_is_black_and_never_a_stall(void **state) {
        static const RigSegment BAD[] = {
                {"/nonexistent/film.mkv", 0, 500}, {"bad", 0, 500},          {"bad/empty.mp4", 0, 500},
                {"bad/random.avi", 0, 500},        {"bad/text.mkv", 0, 500}, {"/dev/zero", 0, 500},
                {"bad/truncated.mp4", 0, 500},     {"r2997.mp4", 0, 1000},
        };
        g_autoptr(EngineRig) rig = rig_new((RigOptions){0});
        const HouseFormat format = house();
        const int64_t epoch = now_ms();
        g_autoptr(BlockPlan) a = rig_block("a", epoch, BAD, G_N_ELEMENTS(BAD));
        g_autoptr(BlockPlan) b = rig_block("b", a->end_utc_ms, LAST, G_N_ELEMENTS(LAST));
        BlockPlan *const blocks[] = {a, b};
        rig_start(rig, &format, blocks, 2);
        rig_await_started(rig, "b");
        rig_stop(rig);
        rig_await_evidence(rig, EVIDENCE_CHANNEL_TERMINATED, NULL);
        rig_await_stream_end(rig);
        check_stream(rig_stream(rig), format.rate);
        g_autoptr(GArray) shown = decode(rig_stream(rig), &format);
        assert_int_equal(count_wrong(shown, &BAD[7], 3500, format.rate), 0);
        for (int32_t i = 0; i < 6; i++) {
                const EvidenceEvent *end = evidence_of(rig, EVIDENCE_SEGMENT_END, "a", i);
                assert_int_equal(end->status, SEGMENT_STATUS_ERROR);
                assert_true(*end->reason);
        }
}

/* The queue runs dry for two seconds; the block that comes late is shown from where it should be. */
static void a_late_block_is_joined(void **state) {
        static const RigSegment FIRST[] = {{"r2997.mp4", 0, 1000}}, LATE[] = {{"long.mkv", 0, 5000}};
        g_autoptr(EngineRig) rig = rig_new((RigOptions){0});
        const HouseFormat format = house();
        const int64_t epoch = now_ms();
        g_autoptr(BlockPlan) a = rig_block("a", epoch, FIRST, 1);
        g_autoptr(BlockPlan) b = rig_block("b", a->end_utc_ms, LATE, 1);
        g_autoptr(BlockPlan) c = rig_block("c", b->end_utc_ms, LAST, 1);
        rig_start(rig, &format, (BlockPlan *const[]){a}, 1);
        rig_await_evidence(rig, EVIDENCE_BLOCK_FENCE, "a");
        const size_t at_the_fence = rig_stream(rig)->len;
        rig_await_stream(rig, at_the_fence + 20000); /* output goes on meanwhile */
        rig_feed(rig, b);
        rig_feed(rig, c);
        rig_await_started(rig, "c");
        rig_stop(rig);
        rig_await_stream_end(rig);
        check_stream(rig_stream(rig), format.rate);
        g_autoptr(GArray) shown = decode(rig_stream(rig), &format);
        const int64_t from = evidence_of(rig, EVIDENCE_BLOCK_START, "b", 0)->tick;
        const int64_t fence = tick_at(a->end_utc_ms - epoch, format.rate);
        assert_true(from > fence);
        guint own = 0;
        for (int64_t tick = fence; tick < tick_at(b->end_utc_ms - epoch, format.rate); tick++) {
                const Shown *one = &g_array_index(shown, Shown, tick);
                if (one->result == BARCODE_BLACK)
                        continue;
                own++;
                assert_true(tick >= from);
                assert_int_equal(one->result, BARCODE_OK);
                assert_int_equal(one->frame, tick - fence); /* held frames apart, which a late start may need none of */
        }
        assert_true(own > 30);
}

static void core_that_is_killed_takes_its_engine_along(void **state) {
        g_autoptr(EngineRig) rig = rig_new((RigOptions){.orphan_ms = 1000});
        const HouseFormat format = house();
        g_autoptr(BlockPlan) a = rig_block("a", now_ms(), LAST, 1);
        rig_start(rig, &format, (BlockPlan *const[]){a}, 1);
        rig_await_stream(rig, 50000);
        rig_lose_core(rig);
        assert_int_equal(rig_await_exit(rig), 0);
}

static void sigterm_ends_it_within_a_second(void **state) {
        g_autoptr(EngineRig) rig = rig_new((RigOptions){0});
        const HouseFormat format = house();
        g_autoptr(BlockPlan) a = rig_block("a", now_ms(), LAST, 1);
        rig_start(rig, &format, (BlockPlan *const[]){a}, 1);
        rig_await_stream(rig, 50000);
        const int64_t from_ns = rv_clock_mono_ns(rv_clock_system());
        rig_signal(rig, SIGTERM);
        assert_int_equal(rig_await_exit(rig), 0);
        const int64_t took_ms = (rv_clock_mono_ns(rv_clock_system()) - from_ns) / 1000000;
        print_message("SIGTERM to exit: %d ms\n", (int)took_ms);
        assert_in_range(took_ms, 0, 1500);
        rig_await_evidence(rig, EVIDENCE_CHANNEL_TERMINATED, NULL);
        check_sequence(rig);
}

/* GStreamer's registry is a pipe that nobody writes: no output will ever be there. */
static void an_output_that_never_comes_holds_nothing_up(void **state) {
        char *dir = temp_dir_new();
        g_autofree char *registry = g_build_filename(dir, "registry.bin", NULL);
        assert_int_equal(mkfifo(registry, 0600), 0);
        g_autoptr(EngineRig) rig = rig_new((RigOptions){.cache_dir = dir});
        const HouseFormat format = house();
        for (int i = 0; i < 3; i++) {
                g_autoptr(BlockPlan) a = rig_block("a", now_ms(), LAST, 1);
                rig_start(rig, &format, (BlockPlan *const[]){a}, 1);
                rig_stop(rig);
        }
        rig_signal(rig, SIGTERM);
        assert_int_equal(rig_await_exit(rig), 0);
        temp_dir_free(dir);
}

static EngineRig *rig_new_with_stall(const char *file) {
        const char *asan = g_getenv("ASAN_OPTIONS");
        g_autofree char *options = g_strdup_printf("%s:verify_asan_link_order=0", asan ? asan : "");
        g_autofree char *before = g_strdup(asan);
        g_setenv("ASAN_OPTIONS", options, TRUE);
        g_setenv("LD_PRELOAD", RV_READ_STALL, TRUE);
        g_setenv("RV_READ_STALL", file, TRUE);
        EngineRig *rig = rig_new((RigOptions){0});
        g_unsetenv("RV_READ_STALL");
        g_unsetenv("LD_PRELOAD");
        g_unsetenv("ASAN_OPTIONS");
        if (before)
                g_setenv("ASAN_OPTIONS", before, TRUE);
        return rig;
}

/* A file's server is gone: black goes out all the same, what follows is shown, and every stop is obeyed. */
static void a_read_that_never_returns_holds_nothing_up(void **state) {
        static const RigSegment SEGMENTS[] = {{"r24.mp4", 0, 1000}, {"r25.ts", 0, 1000}, {"long.mkv", 0, 40000}};
        g_autoptr(EngineRig) rig = rig_new_with_stall("r25.ts");
        const HouseFormat format = house();
        g_autoptr(BlockPlan) stalled = rig_block("stalled", now_ms() - PREROLL_MS, SEGMENTS + 1, 2);
        rig_start(rig, &format, (BlockPlan *const[]){stalled}, 1);
        rig_stop(rig); /* waiting for the first cell */
        g_autoptr(BlockPlan) a = rig_block("a", now_ms() - PREROLL_MS, SEGMENTS, G_N_ELEMENTS(SEGMENTS));
        rig_start(rig, &format, (BlockPlan *const[]){a}, 1);
        rig_await_evidence(rig, EVIDENCE_SEGMENT_START, "a");
        (void)rig_await_picture(rig, 120);
        rig_stop(rig);
        rig_await_evidence(rig, EVIDENCE_CHANNEL_TERMINATED, NULL);
        rig_await_stream_end(rig);
        check_stream(rig_stream(rig), format.rate);
        g_autoptr(GArray) shown = decode(rig_stream(rig), &format);
        assert_int_equal(count_wrong(shown, &SEGMENTS[0], 0, format.rate), 0);
        const RigSegment black = {NULL, 0, 1000};
        assert_int_equal(count_wrong(shown, &black, 1000, format.rate), 0);
        assert_int_equal(evidence_of(rig, EVIDENCE_SEGMENT_END, "a", 1)->status, SEGMENT_STATUS_SUBSTITUTED);
        rig_signal(rig, SIGTERM);
        assert_int_equal(rig_await_exit(rig), 0);
}

static guint count_entries(pid_t pid, const char *what) {
        g_autofree char *path = g_strdup_printf("/proc/%d/%s", (int)pid, what);
        g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
        guint n = 0;
        while (dir && g_dir_read_name(dir))
                n++;
        return n;
}

static void cycle(EngineRig *rig, int number) {
        static const RigSegment SEGMENTS[] = {{"r24.mp4", 1000, 300}, {"r12.avi", 0, 30000}};
        HouseFormat format = house();
        format.width = 320;
        format.height = 180;
        g_autofree char *id = g_strdup_printf("block-%d", number);
        g_autoptr(BlockPlan) block = rig_block(id, now_ms(), SEGMENTS, G_N_ELEMENTS(SEGMENTS));
        rig_start(rig, &format, (BlockPlan *const[]){block}, 1);
        rig_await_stream(rig, 5000);
        rig_stop(rig);
        rig_await_stream_end(rig);
}

static void fifty_sessions_leave_nothing_behind(void **state) {
        g_autoptr(EngineRig) rig = rig_new((RigOptions){0});
        for (int i = 0; i < 5; i++)
                cycle(rig, i);
        const guint fds = count_entries(rig_pid(rig), "fd");
        guint threads = count_entries(rig_pid(rig), "task");
        for (int i = 5; i < 50; i++)
                cycle(rig, i);
        print_message("fds %u -> %u, threads %u -> %u\n", fds, count_entries(rig_pid(rig), "fd"), threads,
                      count_entries(rig_pid(rig), "task"));
        assert_in_range(count_entries(rig_pid(rig), "fd"), 0, fds + 3);
        assert_in_range(count_entries(rig_pid(rig), "task"), 0, threads + 3);
}

static int compare_us(const void *a, const void *b) {
        const int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
        return (left > right) - (left < right);
}

static void print_times(const char *what, int64_t *us, size_t n) {
        qsort(us, n, sizeof *us, compare_us);
        print_message("%s: median %d ms, worst %d ms of %zu\n", what, (int)(us[n / 2] / 1000), (int)(us[n - 1] / 1000),
                      n);
}

#define COLD_STARTS 10

static void cold_start_is_measured(void **state) {
        static const RigSegment SEGMENTS[] = {{"long.mkv", 2500, 30000}};
        int64_t first_us[COLD_STARTS], preroll_us[COLD_STARTS];
        const HouseFormat format = house_format_default();
        for (size_t i = 0; i < COLD_STARTS; i++) {
                g_autoptr(EngineRig) rig = rig_new((RigOptions){0});
                g_autoptr(BlockPlan) a = rig_block("a", now_ms() - PREROLL_MS, SEGMENTS, 1);
                rig_start(rig, &format, (BlockPlan *const[]){a}, 1);
                first_us[i] = (rig_await_picture(rig, 0) - rig_spawned_mono_ns(rig)) / 1000;
                preroll_us[i] = (rig_await_picture(rig, PREROLL_PICTURES - 1) - rig_spawned_mono_ns(rig)) / 1000;
        }
        print_times("spawn to PAT + IDR", first_us, COLD_STARTS);
        print_times("spawn to 3 s of pictures", preroll_us, COLD_STARTS);
}

/* What lies in the past at the start is made as fast as can be, but of the right frames: none missing, held or twice.
 */
static void the_burst_at_the_start_is_exact(void **state) {
        static const RigSegment SEGMENTS[] = {
                {"r2997.mp4", 1000, 1100}, {"r24.mp4", 500, 700}, {NULL, 0, 200}, {"long.mkv", 30000, 10000}};
        g_autoptr(EngineRig) rig = rig_new((RigOptions){0});
        const HouseFormat format = house();
        g_autoptr(BlockPlan) a = rig_block("a", now_ms() - PREROLL_MS, SEGMENTS, G_N_ELEMENTS(SEGMENTS));
        rig_start(rig, &format, (BlockPlan *const[]){a}, 1);
        (void)rig_await_picture(rig, PREROLL_PICTURES);
        rig_stop(rig);
        rig_await_stream_end(rig);
        check_stream(rig_stream(rig), format.rate);
        g_autoptr(GArray) shown = decode(rig_stream(rig), &format);
        guint wrong = 0;
        int64_t start_ms = 0;
        for (size_t i = 0; i < 3; start_ms += SEGMENTS[i++].duration_ms)
                wrong += count_wrong(shown, &SEGMENTS[i], start_ms, format.rate);
        const RigSegment rest = {"long.mkv", 30000, PREROLL_MS - start_ms};
        wrong += count_wrong(shown, &rest, start_ms, format.rate);
        assert_int_equal(wrong, 0);
}

int main(void) {
        signal(SIGPIPE, SIG_IGN);
        rpc_init();
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(cold_start_is_measured),
                cmocka_unit_test(the_burst_at_the_start_is_exact),
                cmocka_unit_test(every_frame_of_two_blocks_is_where_the_plan_has_it),
                cmocka_unit_test(material_that_is_none_is_black_and_never_a_stall),
                cmocka_unit_test(a_late_block_is_joined),
                cmocka_unit_test(core_that_is_killed_takes_its_engine_along),
                cmocka_unit_test(sigterm_ends_it_within_a_second),
                cmocka_unit_test(an_output_that_never_comes_holds_nothing_up),
                cmocka_unit_test(a_read_that_never_returns_holds_nothing_up),
                cmocka_unit_test(fifty_sessions_leave_nothing_behind),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
