/*
 * Plays a plan whose time is over through a real engine, as fast as that can make it, and writes what came out:
 *   replay FORMAT PLAN OUT
 * FORMAT is WIDTHxHEIGHT@NUM/DEN; PLAN has the "blocks" of `retrovue plan --json`, the first of them beginning at the
 * epoch, and may have a "style": {"channel_name", "service_id", "splices", "slate": "on" or "operator", "logo": path of
 * a picture, for the top left corner, "language": of the sound, "subtitles": true}. Writes OUT.ts, from the first
 * picture to at least the last fence, and OUT.jsonl, the evidence of every segment and fence. Exits with 0 when all
 * blocks have had their fence.
 *   replay FORMAT PLAN OUT may-fail
 * does so twice on one engine that calls may fail in, and tells what became of it (under_failure.h).
 *   replay FORMAT PLAN OUT live
 * plays it from now on, in real time, and says how long the reader had to wait for bytes: "largest MS at MS stalls N of
 * N".
 * Then the plan may have "actions", done one after the other: [{"at_ms", "what", "for_ms"}], where what is "stop" (the
 * engine gets no time), "unread" (its reader does not read) or "reattach" (it goes; what comes to the next one is
 * kept). A block that says "never" is not fed, nor is any after it: OUT.ts has what was seen in its time.
 */
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "proto/base/clock.h"
#include "proto/rpc/rpc.h"
#include "tests/e2e/engine_rig.h"
#include "tests/e2e/under_failure.h"
#include "tests/support/cmocka.h"

#define BLOCKS_AT_ONCE 3 /* fed ahead of the one on the air */

static struct {
        HouseFormat format;
        const char *plan, *out;
        bool may_fail, live;
        int64_t shift_ms; /* of the plan's times: what is played live begins now */
        json_t *actions;  /* NULL: none */
        guint n_fed;      /* blocks; what comes after them never does */
} job;

/* --- the plan --- */

static const char *text_of(BlockPlan *block, const json_t *object, const char *key) {
        return block_plan_text(block, json_string_value(json_object_get(object, key)));
}

static int64_t number_of(const json_t *object, const char *key) {
        return json_integer_value(json_object_get(object, key));
}

static void read_snipes(BlockPlan *block, BlockSegment *ret_segment, const json_t *from) {
        const json_t *list = json_object_get(from, "snipes"), *each;
        g_autofree BlockSnipe *snipes = g_new0(BlockSnipe, json_array_size(list) + 1);
        size_t i;
        json_array_foreach(list, i, each) snipes[i] = (BlockSnipe){
                .start_ms = number_of(each, "start_ms"),
                .duration_ms = number_of(each, "duration_ms"),
                .headline = json_string_value(json_object_get(each, "headline")),
                .detail = json_string_value(json_object_get(each, "detail")),
        };
        ret_segment->n_snipes = (uint32_t)i;
        ret_segment->snipes = block_plan_snipes(block, snipes, ret_segment->n_snipes);
}

static void read_segment(BlockPlan *block, BlockSegment *ret_segment, const json_t *from) {
        ret_segment->type = segment_type_from_name(json_string_value(json_object_get(from, "type")));
        ret_segment->event_id = text_of(block, from, "event_id");
        ret_segment->segment_uuid = text_of(block, from, "segment_uuid");
        ret_segment->asset_uuid = text_of(block, from, "asset_id");
        ret_segment->title = text_of(block, from, "title");
        ret_segment->asset_uri = text_of(block, from, "asset_uri");
        ret_segment->asset_start_offset_ms = number_of(from, "asset_start_offset_ms");
        ret_segment->duration_ms = number_of(from, "duration_ms");
        ret_segment->gain_millibel = (int32_t)number_of(from, "gain_millibel");
        ret_segment->fade_in_ms = (int32_t)number_of(from, "fade_in_ms");
        ret_segment->fade_out_ms = (int32_t)number_of(from, "fade_out_ms");
        ret_segment->logo = json_is_true(json_object_get(from, "logo"));
        read_snipes(block, ret_segment, from);
}

static BlockPlan *read_block(const json_t *from) {
        const json_t *segments = json_object_get(from, "segments");
        BlockPlan *block = block_plan_new(
                json_string_value(json_object_get(from, "block_id")), RIG_CHANNEL,
                json_string_value(json_object_get(from, "title")), number_of(from, "start_utc_ms") + job.shift_ms,
                number_of(from, "end_utc_ms") + job.shift_ms, (uint32_t)json_array_size(segments));
        for (uint32_t i = 0; i < block->n_segments; i++)
                read_segment(block, &block->segments[i], json_array_get(segments, i));
        g_autofree char *fault = NULL;
        if (block_plan_validate(block, &fault) != BLOCK_PLAN_OK)
                fail_msg("%s", fault);
        return block;
}

/* "late": fed when the one before it is over, and nothing is left to play. */
static GHashTable *late_blocks;

static bool is_late(const GPtrArray *blocks, guint i) {
        return g_hash_table_contains(late_blocks, ((const BlockPlan *)blocks->pdata[i])->block_id);
}

static void free_block(gpointer block) {
        block_plan_unref(block);
}

static json_t *load_plan(void) {
        json_error_t error;
        json_t *plan = json_load_file(job.plan, 0, &error);
        if (!plan)
                fail_msg("%s:%d: %s", job.plan, error.line, error.text);
        return plan;
}

/* Of what "style" says; what it does not say is as usual. */
static HouseStyle *read_style(const json_t *plan) {
        const json_t *from = json_object_get(plan, "style");
        HouseStyle *style = house_style_new();
        const char *name = json_string_value(json_object_get(from, "channel_name"));
        const int64_t service_id = number_of(from, "service_id");
        if (name) {
                g_free(style->channel_name);
                style->channel_name = g_strdup(name);
        }
        if (service_id)
                style->service_id = (int32_t)service_id;
        style->splices = json_is_true(json_object_get(from, "splices"));
        const char *slate = json_string_value(json_object_get(from, "slate"));
        if (slate)
                style->slate = strcmp(slate, "operator") == 0 ? SLATE_OPERATOR : SLATE_ON;
        const char *logo = json_string_value(json_object_get(from, "logo"));
        if (logo)
                style->logo = (StyleLogo){g_strdup(logo), CORNER_TOP_LEFT, 100, 100};
        const char *language = json_string_value(json_object_get(from, "language"));
        if (language) {
                g_strfreev(style->sound_languages);
                style->sound_languages = g_strsplit(language, ",", -1);
        }
        if (json_is_true(json_object_get(from, "subtitles")))
                style->subtitles = SUBTITLES_ALWAYS;
        return style;
}

static GPtrArray *read_blocks(const json_t *plan) {
        GPtrArray *blocks = g_ptr_array_new_with_free_func(free_block);
        size_t i;
        const json_t *block;
        late_blocks = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        if (job.live)
                job.shift_ms = rv_clock_utc_ms(rv_clock_system()) -
                               number_of(json_array_get(json_object_get(plan, "blocks"), 0), "start_utc_ms");
        json_array_foreach(json_object_get(plan, "blocks"), i, block) {
                g_ptr_array_add(blocks, read_block(block));
                if (json_is_true(json_object_get(block, "late")))
                        g_hash_table_add(late_blocks, g_strdup(json_string_value(json_object_get(block, "block_id"))));
                if (job.n_fed == i && !json_is_true(json_object_get(block, "never")))
                        job.n_fed++;
        }
        assert_int_not_equal(job.n_fed, 0);
        return blocks;
}

/* --- what came out --- */

static json_t *event_json(const EvidenceEvent *event) {
        json_t *json = json_pack("{s:s,s:s?,s:s?,s:I,s:I,s:I,s:I}", "kind", evidence_kind_name(event->kind), "block_id",
                                 event->block_id, "event_id", event->event_id, "start_tick",
                                 (json_int_t)event->start_tick, "end_tick", (json_int_t)event->end_tick, "frames",
                                 (json_int_t)event->frames, "fallback_frames", (json_int_t)event->fallback_frames);
        if (event->kind == EVIDENCE_SEGMENT_END) {
                json_object_set_new(json, "status", json_string(segment_status_name(event->status)));
                json_object_set_new(json, "reason", json_string(event->reason ? event->reason : ""));
                json_object_set_new(json, "asset_start_frame", json_integer(event->asset_start_frame));
                json_object_set_new(json, "asset_end_frame", json_integer(event->asset_end_frame));
        }
        return json;
}

static void write_evidence(const EngineRig *rig) {
        const GPtrArray *events = rig_evidence(rig);
        g_autofree char *path = g_strconcat(job.out, ".jsonl", NULL);
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        for (guint i = 0; i < events->len; i++) {
                const EvidenceEvent *event = events->pdata[i];
                if (event->kind != EVIDENCE_SEGMENT_END && event->kind != EVIDENCE_BLOCK_FENCE)
                        continue;
                json_t *json = event_json(event);
                json_dumpf(json, file, JSON_COMPACT);
                fputc('\n', file);
                json_decref(json);
        }
        assert_int_equal(fclose(file), 0);
}

static void write_stream(const EngineRig *rig) {
        const GByteArray *stream = rig_stream(rig);
        g_autofree char *path = g_strconcat(job.out, ".ts", NULL);
        assert_true(g_file_set_contents(path, (const char *)stream->data, stream->len, NULL));
}

static const char *id_of(const GPtrArray *blocks, guint i) {
        return ((const BlockPlan *)blocks->pdata[i])->block_id;
}

static void wait_until(int64_t mono_ns) {
        rv_clock_sleep_until_mono_ns(rv_clock_system(), mono_ns);
}

static void act(EngineRig *rig, const json_t *action, int64_t began_ns) {
        const char *what = json_string_value(json_object_get(action, "what"));
        const int64_t at_ns = began_ns + number_of(action, "at_ms") * 1000000;
        const int64_t until_ns = at_ns + number_of(action, "for_ms") * 1000000;
        wait_until(at_ns);
        if (strcmp(what, "stop") == 0) {
                rig_signal(rig, SIGSTOP);
                wait_until(until_ns);
                rig_signal(rig, SIGCONT);
        } else if (strcmp(what, "unread") == 0) {
                rig_pause_reader(rig, true);
                wait_until(until_ns);
                rig_pause_reader(rig, false);
        } else {
                rig_attach(rig);
        }
}

static void act_all(EngineRig *rig) {
        const int64_t began_ns = rv_clock_mono_ns(rv_clock_system());
        size_t i;
        const json_t *action;
        json_array_foreach(job.actions, i, action) act(rig, action, began_ns);
}

static void play(EngineRig *rig, const GPtrArray *blocks) {
        guint n = 1;
        while (n < MIN(job.n_fed, BLOCKS_AT_ONCE) && !is_late(blocks, n))
                n++;
        rig_start(rig, &job.format, (BlockPlan *const *)blocks->pdata, n);
        act_all(rig);
        for (guint i = n; i < job.n_fed; i++) {
                if (i >= BLOCKS_AT_ONCE)
                        rig_await_started(rig, id_of(blocks, i - BLOCKS_AT_ONCE + 1));
                if (is_late(blocks, i))
                        rig_await_evidence(rig, EVIDENCE_BLOCK_FENCE, id_of(blocks, i - 1));
                rig_feed(rig, blocks->pdata[i]);
        }
        const BlockPlan *first = blocks->pdata[0], *last = blocks->pdata[blocks->len - 1];
        rig_await_evidence(rig, EVIDENCE_BLOCK_FENCE, id_of(blocks, job.n_fed - 1));
        if (job.live)
                return;
        /* A busy engine that is stopped sends as much as it can in a moment, and that need not be all. */
        (void)rig_await_picture(rig, (guint)rv_tick_at_ms(last->end_utc_ms - first->start_utc_ms, job.format.rate));
}

static void the_plan_is_played(void **state) {
        json_t *plan = load_plan();
        g_autoptr(HouseStyle) style = read_style(plan);
        g_autoptr(GPtrArray) blocks = read_blocks(plan);
        job.actions = json_incref(json_object_get(plan, "actions"));
        json_decref(plan);
        if (job.may_fail) {
                under_failure(&job.format, blocks, job.out);
                g_hash_table_unref(late_blocks);
                return;
        }
        const BlockPlan *first = blocks->pdata[0];
        const int64_t ago_ms = rv_clock_utc_ms(rv_clock_system()) - first->start_utc_ms;
        assert_in_range(ago_ms, 0, INT32_MAX - 60000);
        g_autoptr(EngineRig) rig =
                rig_new((RigOptions){.replay_ms = job.live ? 0 : (int)ago_ms + 60000, .style = style});
        play(rig, blocks);
        rig_stop(rig);
        rig_await_evidence(rig, EVIDENCE_CHANNEL_TERMINATED, NULL);
        rig_await_stream_end(rig);
        rig_signal(rig, SIGTERM);
        assert_int_equal(rig_await_exit(rig), 0);
        write_stream(rig);
        write_evidence(rig);
        const RigPace pace = rig_pace(rig);
        if (job.live)
                print_message("largest %d at %d stalls %u of %u\n", (int)(pace.largest_ns / 1000000),
                              (int)(pace.largest_at_ns / 1000000), pace.stalls, pace.reads);
        g_hash_table_unref(late_blocks);
        json_decref(job.actions);
}

int main(int argc, char **argv) {
        job.format = house_format_default();
        RvRational *rate = &job.format.rate;
        job.may_fail = argc == 5 && strcmp(argv[4], "may-fail") == 0;
        job.live = argc == 5 && strcmp(argv[4], "live") == 0;
        if (argc != 4 + job.may_fail + job.live ||
            sscanf(argv[1], "%dx%d@%d/%d", &job.format.width, &job.format.height, &rate->num, &rate->den) != 4) {
                fprintf(stderr, "usage: replay WIDTHxHEIGHT@NUM/DEN PLAN OUT [may-fail | live]\n");
                return 2;
        }
        signal(SIGPIPE, SIG_IGN);
        rpc_init();
        job.plan = argv[2];
        job.out = argv[3];
        const struct CMUnitTest tests[] = {cmocka_unit_test(the_plan_is_played)};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
