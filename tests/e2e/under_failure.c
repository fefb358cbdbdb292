#include "tests/e2e/under_failure.h"

#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "air/evidence/spool.h"
#include "proto/base/clock.h"
#include "proto/playout.pb-c.h"
#include "tests/e2e/engine_rig.h"
#include "tests/support/cmocka.h"

#define SESSIONS 2
#define PLAN_MS 15000 /* the plan's time is over, so it takes a fraction of this */
#define END_MS 1000   /* for what is under way already */
#define LAST_MS 5000  /* for what was shown to be encoded, which a stop does not wait for */
#define REST_LOOKS 4
#define REST_MS 25
#define OK RETROVUE__PLAYOUT__V1__RESULT__RESULT_OK

typedef struct {
        EngineRig *rig;
        const HouseFormat *format;
        const GPtrArray *blocks;
        const char *out;
} Run;

static json_int_t entries_of(pid_t pid, const char *what) {
        g_autofree char *path = g_strdup_printf("/proc/%d/%s", (int)pid, what);
        g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
        json_int_t n = 0;
        while (dir && g_dir_read_name(dir))
                n++;
        return n;
}

/* What it has once what is under way has come to rest. */
static void tell_kept(const Run *run, json_t *told) {
        json_int_t fds = INT32_MAX, threads = INT32_MAX;
        for (int i = 0; i < REST_LOOKS; i++) {
                fds = MIN(fds, entries_of(rig_pid(run->rig), "fd"));
                threads = MIN(threads, entries_of(rig_pid(run->rig), "task"));
                rig_await_gone(run->rig, REST_MS);
        }
        json_object_set_new(told, "fds", json_integer(fds));
        json_object_set_new(told, "threads", json_integer(threads));
}

static void write_event(FILE *file, const EvidenceEvent *event) {
        json_t *json =
                json_pack("{s:I,s:s,s:s?,s:s?,s:I,s:I,s:I,s:I}", "sequence", (json_int_t)event->sequence, "kind",
                          evidence_kind_name(event->kind), "block_id", event->block_id, "event_id", event->event_id,
                          "start_tick", (json_int_t)event->start_tick, "end_tick", (json_int_t)event->end_tick,
                          "frames", (json_int_t)event->frames, "fallback_frames", (json_int_t)event->fallback_frames);
        if (event->kind == EVIDENCE_SEGMENT_END) {
                json_object_set_new(json, "status", json_string(segment_status_name(event->status)));
                json_object_set_new(json, "reason", json_string(event->reason ? event->reason : ""));
        }
        json_dumpf(json, file, JSON_COMPACT);
        fputc('\n', file);
        json_decref(json);
}

/* What core would get from the channel's next engine. */
static void write_spooled(FILE *file, const char *path, int64_t after) {
        if (!g_file_test(path, G_FILE_TEST_EXISTS))
                return;
        g_autoptr(Spool) spool = spool_open(path, NULL);
        for (int64_t s = spool ? spool_first(spool) : 1; spool && s <= spool_last(spool); s++) {
                gsize size;
                const void *data = g_bytes_get_data(spool_get(spool, s), &size);
                g_autoptr(EvidenceEvent) event = evidence_event_unpack(data, size);
                if (event && s > after)
                        write_event(file, event);
        }
}

static void write_session(const Run *run, int number, const char *spool_path) {
        g_autofree char *stream = g_strdup_printf("%s.%d.ts", run->out, number);
        g_autofree char *evidence = g_strdup_printf("%s.%d.jsonl", run->out, number);
        const GByteArray *bytes = rig_stream(run->rig);
        assert_true(g_file_set_contents(stream, (const char *)bytes->data, bytes->len, NULL));
        FILE *file = fopen(evidence, "w");
        assert_non_null(file);
        int64_t last = 0;
        const GPtrArray *events = rig_evidence(run->rig);
        for (guint i = 0; i < events->len; i++) {
                write_event(file, events->pdata[i]);
                last = ((const EvidenceEvent *)events->pdata[i])->sequence;
        }
        write_spooled(file, spool_path, last);
        assert_int_equal(fclose(file), 0);
}

static guint ticks_of(const Run *run) {
        const BlockPlan *first = run->blocks->pdata[0], *last = run->blocks->pdata[run->blocks->len - 1];
        return (guint)rv_tick_at_ms(last->end_utc_ms - first->start_utc_ms, run->format->rate);
}

/* How far it came. */
static const char *play(const Run *run) {
        const guint n = run->blocks->len;
        if (!rig_try_play(run->rig, run->format, (BlockPlan *const *)run->blocks->pdata, 1))
                return "refused";
        for (guint i = 1; i < n; i++)
                if (rig_try_feed(run->rig, run->blocks->pdata[i]) != OK)
                        return "not_fed";
        rig_await_end_of(run->rig, ((const BlockPlan *)run->blocks->pdata[n - 1])->block_id, PLAN_MS);
        if (rig_is_gone(run->rig))
                return "gone";
        rig_await_pictures(run->rig, ticks_of(run) + 1, LAST_MS); /* the last of them is whole when another begins */
        const bool cut = rig_stream_is_over(run->rig);
        if (rig_try_stop(run->rig) != OK)
                return "not_stopped";
        rig_await_end_of(run->rig, NULL, END_MS);
        rig_end_stream(run->rig);
        return rig_is_gone(run->rig) ? "gone" : cut ? "cut" : "played";
}

static json_t *play_session(const Run *run, int number) {
        const char *how = play(run);
        g_autofree char *spool_path = rig_spool_path(run->rig);
        json_t *told = json_pack("{s:s}", "how", how);
        tell_kept(run, told);
        const bool last = number == SESSIONS - 1 || !g_str_equal(how, "played");
        if (last) {
                if (!g_str_equal(how, "played"))
                        rig_await_gone(run->rig, END_MS);
                rig_signal(run->rig, SIGTERM);
                json_object_set_new(told, "status", json_integer(rig_await_wait_status(run->rig)));
        }
        write_session(run, number, spool_path);
        return told;
}

void under_failure(const HouseFormat *format, const GPtrArray *blocks, const char *out) {
        const BlockPlan *first = blocks->pdata[0];
        const int64_t ago_ms = rv_clock_utc_ms(rv_clock_system()) - first->start_utc_ms;
        g_autoptr(EngineRig) rig = rig_new((RigOptions){.replay_ms = (int)ago_ms + 60000, .may_fail = true});
        const Run run = {rig, format, blocks, out};
        json_t *sessions = json_array();
        for (int i = 0; i < SESSIONS; i++) {
                json_t *told = play_session(&run, i);
                json_array_append_new(sessions, told);
                if (json_object_get(told, "status"))
                        break;
        }
        g_autofree char *path = g_strconcat(out, ".told", NULL);
        assert_int_equal(json_dump_file(sessions, path, 0), 0);
        json_decref(sessions);
}
