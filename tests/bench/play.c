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
#include "tests/e2e/engine_rig.h"
#include "tests/support/cmocka.h"
#include "tests/support/ts_reader.h"

#define BLOCK_SEGMENTS 10
#define BLOCKS_AT_ONCE 3 /* fed ahead of the one on the air */
#define SEGMENTS_MAX 512

static struct {
        HouseFormat format;
        int seconds, preroll_ms;
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
        long user = 0, kernel = 0;
        const char *after_name = strrchr(stat, ')');
        assert_non_null(after_name);
        assert_int_equal(sscanf(after_name + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld", &user, &kernel),
                         2);
        cost.cpu_ticks = user + kernel;
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

static bool read_segment(char *argument, RigSegment *ret_segment) {
        char *at = strrchr(argument, '@');
        long long offset_ms, duration_ms;
        if (!at || sscanf(at, "@%lld+%lld", &offset_ms, &duration_ms) != 2 || duration_ms <= 0)
                return false;
        *at = '\0';
        *ret_segment = (RigSegment){argument, offset_ms, duration_ms};
        return true;
}

/* --- the play --- */

/* Feeds what is due until the time is over; a session of its own for each. */
static void play_on(EngineRig *rig, BlockPlan **blocks, int n, int64_t epoch_utc_ms) {
        const int64_t end_utc_ms = rv_clock_utc_ms(rv_clock_system()) + job.seconds * INT64_C(1000);
        while (blocks[0]->end_utc_ms < end_utc_ms) {
                rig_await_started(rig, blocks[1]->block_id);
                block_plan_unref(blocks[0]);
                memmove(blocks, blocks + 1, sizeof(*blocks) * (BLOCKS_AT_ONCE - 1));
                blocks[BLOCKS_AT_ONCE - 1] = next_block(n++, blocks[BLOCKS_AT_ONCE - 2]->end_utc_ms);
                rig_feed(rig, blocks[BLOCKS_AT_ONCE - 1]);
        }
        const guint pictures = (guint)rv_tick_at_ms(end_utc_ms - epoch_utc_ms, job.format.rate);
        (void)rig_await_picture(rig, pictures);
}

static void played(void **state) {
        Judge judge = {.reader = ts_reader_new(), .check = ts_check_begin(job.format.rate, 0, TS_UNBROKEN)};
        const char *copy = g_getenv("RETROVUE_BENCH_STREAM");
        if (copy)
                assert_non_null(judge.copy = fopen(copy, "w"));
        EngineRig *rig = rig_new((RigOptions){.on_stream = judge_bytes, .user = &judge});
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
        RvRational *rate = &job.format.rate;
        bool ok = argc > 4 && argc - 4 <= SEGMENTS_MAX &&
                  sscanf(argv[1], "%dx%d@%d/%d", &job.format.width, &job.format.height, &rate->num, &rate->den) == 4 &&
                  sscanf(argv[2], "%d", &job.seconds) == 1 && sscanf(argv[3], "%d", &job.preroll_ms) == 1;
        for (int i = 4; ok && i < argc; i++)
                ok = read_segment(argv[i], &job.segments[job.n_segments++]);
        if (!ok) {
                fputs("usage: bench_play WIDTHxHEIGHT@NUM/DEN SECONDS PREROLL_MS FILE@OFFSET_MS+DURATION_MS...\n",
                      stderr);
                return 2;
        }
        job.format.video_bitrate_kbps = (int32_t)(INT64_C(3000) * job.format.width * job.format.height / (1280 * 720));
        signal(SIGPIPE, SIG_IGN);
        rpc_init();
        const struct CMUnitTest tests[] = {cmocka_unit_test(played)};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
