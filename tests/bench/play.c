/*
 * Plays files through one real engine, in real time, as core would have it, and says in a line of JSON what that took:
 *   bench_play WIDTHxHEIGHT@NUM/DEN SECONDS PREROLL_MS FILE@OFFSET_MS+DURATION_MS...
 * The segments come round again and again. The session begins PREROLL_MS ago; negative: from now on. The stream is
 * judged as it comes, packet by packet (ts_reader.h), and not kept, but copied to the file or pipe
 * RETROVUE_BENCH_STREAM if there is one; the engine's log is on stderr. SECONDS 0: ends with the first picture.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/base/clock.h"
#include "proto/rpc/rpc.h"
#include "proto/ts/ts_reader.h"
#include "tests/e2e/engine_rig.h"
#include "tests/support/cmocka.h"

#define BLOCK_SEGMENTS 10
#define BLOCKS_AT_ONCE 3 /* fed ahead of the one on the air */
#define SEGMENTS_MAX 512

static struct {
        HouseFormat format;
        int64_t seconds, preroll_ms;
        RigSegment segments[SEGMENTS_MAX];
        uint32_t n_segments, next_segment;
} job;

typedef struct {
        TsReader *reader;
        TsCheck check;
        char *fault;
        FILE *copy; /* NULL: none is wanted */
} Judge;

/* The rig's reading thread. */
static void judge_bytes(void *user, const uint8_t *data, size_t size) {
        Judge *judge = user;
        if (judge->copy)
                (void)fwrite(data, 1, size, judge->copy);
        if (judge->fault)
                return;
        ts_reader_feed(judge->reader, data, size);
        judge->fault = ts_check_more(&judge->check, judge->reader);
}

/* --- what it takes --- */

typedef struct {
        long rss_kib, anon_kib, peak_kib;
        long cpu_ticks;
} Cost;

static Cost cost_of(pid_t pid) {
        Cost cost = {0};
        g_autofree char *path = g_strdup_printf("/proc/%d/status", (int)pid);
        g_autofree char *status = NULL;
        assert_true(g_file_get_contents(path, &status, NULL, NULL));
        const struct {
                const char *name;
                long *value;
        } fields[] = {{"VmRSS:", &cost.rss_kib}, {"RssAnon:", &cost.anon_kib}, {"VmHWM:", &cost.peak_kib}};
        for (size_t i = 0; i < G_N_ELEMENTS(fields); i++) {
                const char *at = strstr(status, fields[i].name);
                *fields[i].value = at ? strtol(at + strlen(fields[i].name), NULL, 10) : 0;
        }
        g_free(path);
        path = g_strdup_printf("/proc/%d/stat", (int)pid);
        g_autofree char *stat = NULL;
        assert_true(g_file_get_contents(path, &stat, NULL, NULL));
        const char *after_name = strrchr(stat, ')');
        assert_non_null(after_name);
        g_auto(GStrv) fields_after = g_strsplit(after_name + 2, " ", -1);
        assert_in_range(g_strv_length(fields_after), 13, 100);
        cost.cpu_ticks = strtol(fields_after[11], NULL, 10) + strtol(fields_after[12], NULL, 10); /* user, kernel */
        return cost;
}

/* --- the plan --- */

static BlockPlan *next_block(int number, int64_t start_utc_ms) {
        RigSegment segments[BLOCK_SEGMENTS];
        g_autofree char *id = g_strdup_printf("block-%d", number);
        for (uint32_t i = 0; i < BLOCK_SEGMENTS; i++)
                segments[i] = job.segments[job.next_segment++ % job.n_segments];
        return rig_block(id, start_utc_ms, segments, BLOCK_SEGMENTS);
}

/* A number in front of an end character, behind which *text is afterwards. */
static bool read_number(const char **text, char end, int64_t *ret_value) {
        char *stop;
        *ret_value = g_ascii_strtoll(*text, &stop, 10);
        if (stop == *text || *stop != end)
                return false;
        *text = stop + (end != '\0');
        return true;
}

static bool read_segment(char *argument, RigSegment *ret_segment) {
        char *at = strrchr(argument, '@');
        const char *rest = at ? at + 1 : "";
        if (!at || !read_number(&rest, '+', &ret_segment->offset_ms) ||
            !read_number(&rest, '\0', &ret_segment->duration_ms) || ret_segment->duration_ms <= 0)
                return false;
        *at = '\0';
        ret_segment->file = argument;
        return true;
}

static bool read_format(const char *text, HouseFormat *format) {
        int64_t width, height, num, den;
        if (!read_number(&text, 'x', &width) || !read_number(&text, '@', &height) || !read_number(&text, '/', &num) ||
            !read_number(&text, '\0', &den))
                return false;
        format->width = (int32_t)width;
        format->height = (int32_t)height;
        format->rate = (RvRational){(int32_t)num, (int32_t)den};
        format->video_bitrate_kbps = (int32_t)(width * height * 3000 / (1280 * 720));
        return !house_format_fault(format);
}

/* --- the play --- */

/* Feeds what is due until the time is over; a session of its own for each. */
static void play_on(EngineRig *rig, BlockPlan **blocks, int n, int64_t epoch_utc_ms) {
        const int64_t end_utc_ms = rv_clock_utc_ms(rv_clock_system()) + job.seconds * 1000;
        while (blocks[0]->end_utc_ms < end_utc_ms && !rig_is_gone(rig)) {
                rig_await_started(rig, blocks[1]->block_id);
                block_plan_unref(blocks[0]);
                memmove(blocks, blocks + 1, sizeof(BlockPlan *) * (BLOCKS_AT_ONCE - 1));
                blocks[BLOCKS_AT_ONCE - 1] = next_block(n++, blocks[BLOCKS_AT_ONCE - 2]->end_utc_ms);
                rig_feed(rig, blocks[BLOCKS_AT_ONCE - 1]);
        }
        const guint pictures = (guint)rv_tick_at_ms(end_utc_ms - epoch_utc_ms, job.format.rate);
        if (rig_await_picture(rig, pictures) < 0)
                fail_msg("the engine has ended before its time");
}

static void played(void **state) {
        Judge judge = {.reader = ts_reader_new(), .check = ts_check_begin(job.format.rate, 0, TS_UNBROKEN)};
        const char *copy = g_getenv("RETROVUE_BENCH_STREAM");
        if (copy)
                assert_non_null(judge.copy = fopen(copy, "w"));
        EngineRig *rig = rig_new((RigOptions){.on_stream = judge_bytes, .user = &judge, .may_fail = true});
        BlockPlan *blocks[BLOCKS_AT_ONCE];
        const int64_t epoch_utc_ms = rv_clock_utc_ms(rv_clock_system()) - job.preroll_ms;
        int64_t start_utc_ms = epoch_utc_ms;
        for (int i = 0; i < BLOCKS_AT_ONCE; i++, start_utc_ms = blocks[i - 1]->end_utc_ms)
                blocks[i] = next_block(i, start_utc_ms);
        rig_start(rig, &job.format, blocks, BLOCKS_AT_ONCE);
        const int64_t first_ns = rig_await_picture(rig, 0) - rig_spawned_mono_ns(rig);
        const Cost before = cost_of(rig_pid(rig));
        if (job.seconds > 0)
                play_on(rig, blocks, BLOCKS_AT_ONCE, epoch_utc_ms);
        const Cost cost = cost_of(rig_pid(rig));
        rig_stop(rig);
        rig_await_stream_end(rig);
        rig_signal(rig, SIGTERM);
        assert_int_equal(rig_await_exit(rig), 0);
        printf("{\"first_idr_ms\": %.1f, \"rss_mib\": %.1f, \"anon_mib\": %.1f, \"peak_mib\": %.1f, \"cpu\": %.3f, "
               "\"pictures\": %" G_GUINT64_FORMAT ", \"fault\": \"%s\"}\n",
               (double)first_ns / 1e6, (double)cost.rss_kib / 1024, (double)cost.anon_kib / 1024,
               (double)cost.peak_kib / 1024,
               job.seconds > 0
                       ? (double)(cost.cpu_ticks - before.cpu_ticks) / (double)sysconf(_SC_CLK_TCK) / job.seconds
                       : 0,
               judge.check.pictures, judge.fault ? judge.fault : "");
        fflush(stdout);
        rig_free(rig);
        if (judge.copy)
                (void)fclose(judge.copy);
        for (int i = 0; i < BLOCKS_AT_ONCE; i++)
                block_plan_unref(blocks[i]);
        ts_reader_free(judge.reader);
        g_free(judge.fault);
}

int main(int argc, char **argv) {
        job.format = house_format_default();
        const char *seconds = argc > 4 ? argv[2] : "", *preroll_ms = argc > 4 ? argv[3] : "";
        bool ok = argc > 4 && argc - 4 <= SEGMENTS_MAX && read_format(argv[1], &job.format) &&
                  read_number(&seconds, '\0', &job.seconds) && read_number(&preroll_ms, '\0', &job.preroll_ms);
        for (int i = 4; ok && i < argc; i++)
                ok = read_segment(argv[i], &job.segments[job.n_segments++]);
        if (!ok) {
                fputs("usage: bench_play WIDTHxHEIGHT@NUM/DEN SECONDS PREROLL_MS FILE@OFFSET_MS+DURATION_MS...\n",
                      stderr);
                return 2;
        }
        signal(SIGPIPE, SIG_IGN);
        rpc_init();
        const struct CMUnitTest tests[] = {cmocka_unit_test(played)};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
