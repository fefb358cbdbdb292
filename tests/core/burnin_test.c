#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/store.h"
#include "core/burnin/private.h"
#include "proto/base/thread.h"
#include "tests/support/cmocka.h"
#include "tests/support/temp_dir.h"

#define START_MS INT64_C(1795406400000)
#define CHANNEL "retro"
#define SEGMENTS 3
#define SEGMENT_MS 100000
#define BLOCKS 3

/* --- a channel that kept everything ------------------------------------------------------------------------------ */

typedef struct {
        GPtrArray *blocks, *stretches;
        json_t *entries;
        BurninReport *report;
        bool compressed;
} Case;

static const RvRational RATE = {25, 1};

static BlockPlan *make_block(unsigned n) {
        g_autofree char *id = g_strdup_printf("block-%u", n);
        const int64_t at = START_MS + (int64_t)n * SEGMENTS * SEGMENT_MS;
        BlockPlan *block = block_plan_new(id, CHANNEL, "Title", at, at + SEGMENTS * SEGMENT_MS, SEGMENTS);
        for (unsigned i = 0; i < SEGMENTS; i++) {
                g_autofree char *uuid = g_strdup_printf("00000000-0000-4000-8000-%08x%04x", n, i);
                BlockSegment *segment = &block->segments[i];
                segment->type = i == 1 ? SEGMENT_PAD : SEGMENT_CONTENT;
                segment->event_id = "event";
                segment->segment_uuid = block_plan_text(block, uuid);
                segment->title = "Title";
                segment->asset_uuid = i == 1 ? NULL : "00000000-0000-4000-8000-00000000000a";
                segment->asset_uri = i == 1 ? NULL : "/media/a.mkv";
                segment->duration_ms = SEGMENT_MS;
        }
        return block;
}

static int64_t tick(unsigned block, unsigned segment) {
        return ((int64_t)block * SEGMENTS + segment) * SEGMENT_MS / 40;
}

static int64_t utc(int64_t at_tick) {
        return START_MS + at_tick * 40;
}

static void say(json_t *entries, json_t *take_document) {
        json_object_set_new(take_document, "session_id", json_string("session"));
        json_object_set_new(take_document, "sequence", json_integer((json_int_t)json_array_size(entries) + 1));
        json_array_append_new(entries, take_document);
}

static void say_segment(json_t *entries, const BlockPlan *block, unsigned n, unsigned i) {
        const BlockSegment *segment = &block->segments[i];
        const int64_t from = tick(n, i), to = tick(n, i + 1);
        say(entries, json_pack("{s:s,s:s,s:s,s:s?,s:I,s:I,s:I,s:I,s:s,s:n,s:I}", "kind", "segment_end", "block_id",
                               block->block_id, "segment_uuid", segment->segment_uuid, "asset_uuid",
                               segment->asset_uuid, "start_tick", (json_int_t)from, "end_tick", (json_int_t)to,
                               "frames", (json_int_t)(to - from), "fallback_frames", (json_int_t)0, "status", "AIRED",
                               "reason", "actual_start_utc_ms", (json_int_t)utc(from)));
}

static void say_block(json_t *entries, const BlockPlan *block, unsigned n) {
        say(entries, json_pack("{s:s,s:s,s:I,s:I,s:I}", "kind", "block_start", "block_id", block->block_id, "tick",
                               (json_int_t)tick(n, 0), "fence_tick", (json_int_t)tick(n + 1, 0), "actual_start_utc_ms",
                               (json_int_t)utc(tick(n, 0))));
        for (unsigned i = 0; i < SEGMENTS; i++)
                say_segment(entries, block, n, i);
        say(entries, json_pack("{s:s,s:s,s:I,s:I,s:I}", "kind", "block_fence", "block_id", block->block_id, "swap_tick",
                               (json_int_t)tick(n + 1, 0), "actual_end_utc_ms", (json_int_t)utc(tick(n + 1, 0)),
                               "frames_emitted", (json_int_t)(tick(n + 1, 0) - tick(n, 0))));
}

static Case case_new(void) {
        Case it = {.blocks = g_ptr_array_new_with_free_func((GDestroyNotify)block_plan_unref),
                   .stretches = g_ptr_array_new_with_free_func((GDestroyNotify)stretch_free),
                   .entries = json_array(),
                   .report = burnin_report_new()};
        Stretch *stretch = stretch_new(0, START_MS + 300);
        for (unsigned n = 0; n < BLOCKS; n++) {
                g_ptr_array_add(it.blocks, make_block(n));
                say_block(it.entries, it.blocks->pdata[n], n);
                for (unsigned i = 0; i < SEGMENTS; i++) {
                        const int64_t at = tick(n, i);
                        g_array_append_val(stretch->idr_ticks, at);
                }
        }
        stretch->end_tick = tick(BLOCKS, 0);
        g_ptr_array_add(it.stretches, stretch);
        say(it.entries, json_pack("{s:s,s:I,s:s,s:s}", "kind", "channel_terminated", "utc_ms",
                                  (json_int_t)utc(tick(BLOCKS, 0)), "reason", "stop_requested", "detail", ""));
        return it;
}

static void case_clear(Case *it) {
        g_ptr_array_unref(it->blocks);
        g_ptr_array_unref(it->stretches);
        json_decref(it->entries);
        burnin_report_free(it->report);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Case, case_clear)

static void judge(Case *it) {
        const Evidence evidence = {.channel_id = CHANNEL,
                                   .compressed = it->compressed,
                                   .rate = RATE,
                                   .from_utc_ms = START_MS,
                                   .to_utc_ms = utc(tick(BLOCKS, 0)),
                                   .blocks = it->blocks,
                                   .entries = it->entries,
                                   .stretches = it->stretches};
        judge_channel(it->report, &evidence);
        burnin_report_close(it->report);
}

/* Judged, it violates this for this cause, and passes no more. */
static void assert_violates(Case *it, const char *contract, BurninCause cause) {
        bool found = false;
        judge(it);
        for (guint i = 0; i < it->report->violations->len; i++) {
                const BurninViolation *violation = it->report->violations->pdata[i];
                found |= g_str_equal(violation->contract, contract) && violation->cause == cause;
        }
        if (!found) {
                g_autofree char *text = burnin_report_text(it->report);
                fail_msg("%s is not violated: %s", contract, text);
        }
        assert_false(burnin_report_passed(it->report));
}

/* Of block n: 0 its start, 1.. its segments, SEGMENTS + 1 its fence. */
static json_t *entry(const Case *it, unsigned block, unsigned index) {
        return json_array_get(it->entries, (size_t)block * (SEGMENTS + 2) + index);
}

static void change(const Case *it, unsigned block, unsigned index, const char *key, int64_t by) {
        json_t *document = entry(it, block, index);
        json_object_set_new(document, key, json_integer(json_integer_value(json_object_get(document, key)) + by));
}

static void drop(const Case *it, unsigned block, unsigned index, unsigned n) {
        for (unsigned i = 0; i < n; i++)
                json_array_remove(it->entries, (size_t)block * (SEGMENTS + 2) + index);
}

static void what_was_kept_passes(void **state) {
        g_auto(Case) it = case_new();
        judge(&it);
        assert_int_equal(it.report->violations->len, 0);
        assert_true(burnin_report_passed(it.report));
        const BurninFigures *figures = it.report->figures->pdata[0];
        assert_int_equal(figures->blocks, BLOCKS);
        assert_int_equal(figures->segments, BLOCKS * SEGMENTS);
        assert_int_equal(figures->pads, BLOCKS);
}

static void INV_BURNIN_006_one_tick_is_a_violation(void **state) {
        const struct {
                unsigned index;
                const char *key, *contract;
        } ticks[] = {{0, "tick", "INV-RUNWAY-MIN-001"},
                     {0, "fence_tick", "INV-BLOCK-WALLFENCE-001"},
                     {1, "end_tick", "INV-SEAM-SEG-004"},
                     {2, "start_tick", "INV-SEAM-SEG-004"},
                     {3, "frames", "INV-CONTINUOUS-FRAME-AUTHORITY-001"},
                     {SEGMENTS + 1, "swap_tick", "INV-BLOCK-WALLFENCE-001"},
                     {SEGMENTS + 1, "frames_emitted", "INV-BREAK-PAD-EXACT-001"}};
        for (size_t i = 0; i < G_N_ELEMENTS(ticks); i++)
                for (int by = -1; by <= 1; by += 2) {
                        g_auto(Case) it = case_new();
                        change(&it, 1, ticks[i].index, ticks[i].key, by);
                        assert_violates(&it, ticks[i].contract, i == 0 ? BURNIN_LATE_FEED : BURNIN_NO_CAUSE);
                }
}

static void a_record_that_is_not_the_plan_is_seen(void **state) {
        g_auto(Case) missing = case_new(), doubled = case_new(), swapped = case_new(), foreign = case_new();
        drop(&missing, 1, 0, SEGMENTS + 2);
        assert_violates(&missing, "INV-FEED-EXACTLY-ONCE", BURNIN_LATE_FEED);
        json_object_set_new(entry(&doubled, 2, 0), "block_id", json_string("block-1"));
        assert_violates(&doubled, "INV-FEED-EXACTLY-ONCE", BURNIN_NO_CAUSE);
        json_object_set_new(entry(&swapped, 1, 1), "segment_uuid", json_string("00000000-0000-4000-8000-000000010002"));
        assert_violates(&swapped, "INV-AIR-SEGMENT-ID-001", BURNIN_NO_CAUSE);
        json_object_set_new(entry(&foreign, 1, 0), "block_id", json_string("phantom"));
        assert_violates(&foreign, "INV-CHANNELMANAGER-NO-PLANNING-001", BURNIN_NO_CAUSE);
}

static void a_plan_that_does_not_touch_is_seen(void **state) {
        g_auto(Case) it = case_new();
        ((BlockPlan *)it.blocks->pdata[2])->start_utc_ms++;
        assert_violates(&it, "INV-TL-SEAM-001", BURNIN_LATE_FEED);
}

static void INV_BURNIN_004_the_stream_is_judged_against_the_record(void **state) {
        g_auto(Case) seam = case_new(), broken = case_new(), beyond = case_new();
        Stretch *stretch = seam.stretches->pdata[0];
        g_array_remove_index(stretch->idr_ticks, 4);
        assert_violates(&seam, "INV-OUTPUT-002", BURNIN_NO_CAUSE);
        ((Stretch *)broken.stretches->pdata[0])->fault = g_strdup("a counter jumps");
        assert_violates(&broken, "INV-OUTPUT-001", BURNIN_NO_CAUSE);
        ((Stretch *)beyond.stretches->pdata[0])->end_tick++;
        assert_violates(&beyond, "INV-EVIDENCE-001", BURNIN_NO_CAUSE);
}

/* --- causes ------------------------------------------------------------------------------------------------------ */

static void fail_segment(const Case *it, const char *reason) {
        json_object_set_new(entry(it, 1, 1), "status", json_string("ERROR"));
        json_object_set_new(entry(it, 1, 1), "reason", json_string(reason));
}

static void end_badly(const Case *it, int64_t sequence, const char *reason) {
        json_t *end = json_array_get(it->entries, json_array_size(it->entries) - 1);
        json_object_set_new(end, "sequence", json_integer(sequence));
        json_object_set_new(end, "reason", json_string(reason));
}

static void INV_BURNIN_001_causes_are_read_from_what_was_seen(void **state) {
        g_auto(Case) missing = case_new(), corrupt = case_new(), air = case_new(), core = case_new();
        fail_segment(&missing, "NOT_FOUND");
        assert_violates(&missing, "INV-MATERIAL-RESOLVED-BEFORE-HORIZON-ENTRY-001", BURNIN_MISSING_FILE);
        fail_segment(&corrupt, "DECODE_FAILED");
        assert_violates(&corrupt, "INV-EXECUTIONENTRY-ELIGIBLE-CONTENT-001", BURNIN_CORRUPT_CLIP);
        end_badly(&air, -1, "CHANNEL_TERMINATED");
        assert_violates(&air, "INV-CHANNEL-LIVENESS-RECOVERY-001", BURNIN_DEAD_AIR);
        end_badly(&core, 100, "core_lost");
        assert_violates(&core, "INV-CHANNEL-LIVENESS-RECOVERY-001", BURNIN_DEAD_CORE);
}

/* One more that showed nothing: its end is all there is of it. */
static void say_silent(const Case *it, int64_t sequence, const char *reason, int64_t utc_ms) {
        json_array_append_new(it->entries, json_pack("{s:s,s:s,s:I,s:I,s:s,s:s}", "kind", "channel_terminated",
                                                     "session_id", "silent", "sequence", (json_int_t)sequence, "utc_ms",
                                                     (json_int_t)utc_ms, "reason", reason, "detail", ""));
}

/* Told after the next has begun, or by an engine's clock that is hours ahead of core's. */
static void INV_BURNIN_009_who_died_before_a_picture_is_not_the_last(void **state) {
        g_auto(Case) told_late = case_new(), own_clock = case_new();
        say_silent(&told_late, -1, "CHANNEL_TERMINATED", utc(tick(0, 1)));
        burnin_report_kill(told_late.report, BURNIN_DEAD_AIR, CHANNEL, utc(0));
        judge(&told_late);
        assert_true(burnin_report_passed(told_late.report));
        assert_int_equal(told_late.report->violations->len, 1);
        /* It showed a picture, which was seen when the next one's was due. */
        g_auto(Case) seen = case_new();
        Stretch *first = stretch_new(0, START_MS + 300);
        first->end_tick = 1;
        first->fault = g_strdup("PCR does not increase");
        g_ptr_array_insert(seen.stretches, 0, first);
        say_silent(&seen, -1, "CHANNEL_TERMINATED", utc(tick(0, 1)));
        burnin_report_kill(seen.report, BURNIN_DEAD_AIR, CHANNEL, utc(0));
        judge(&seen);
        assert_true(burnin_report_passed(seen.report));
        assert_int_equal(seen.report->violations->len, 2);
        own_clock.compressed = true;
        say_silent(&own_clock, 1, "core_lost", utc(tick(BLOCKS, 0)) + 9 * HOUR_MS);
        burnin_report_kill(own_clock.report, BURNIN_DEAD_CORE, NULL, utc(0));
        judge(&own_clock);
        assert_true(burnin_report_passed(own_clock.report));
        assert_int_equal(own_clock.report->violations->len, 1);
}

static bool accounted(BurninCause cause, const char *channel, const char *subject, int64_t utc_ms) {
        g_autoptr(BurninReport) report = burnin_report_new();
        burnin_report_injection(report, BURNIN_MISSING_FILE, NULL, "/a.mkv", START_MS);
        burnin_report_injection(report, BURNIN_DEAD_AIR, CHANNEL, NULL, START_MS);
        const BurninViolation file = {
                .contract = "X", .cause = BURNIN_MISSING_FILE, .channel = (char *)"other", .subject = (char *)"/a.mkv"};
        burnin_report_violation(report, &file, "gone");
        const BurninViolation violation = {.contract = "X",
                                           .cause = cause,
                                           .channel = (char *)channel,
                                           .subject = (char *)subject,
                                           .utc_ms = utc_ms};
        burnin_report_violation(report, &violation, "dead");
        burnin_report_close(report);
        return burnin_report_passed(report);
}

static void INV_BURNIN_001_an_injection_is_found_by_cause_place_and_time(void **state) {
        assert_true(accounted(BURNIN_DEAD_AIR, CHANNEL, NULL, START_MS + 60000));
        assert_false(accounted(BURNIN_DEAD_AIR, "other", NULL, START_MS));
        assert_false(accounted(BURNIN_DEAD_AIR, CHANNEL, NULL, START_MS + 2 * HOUR_MS));
        assert_false(accounted(BURNIN_DEAD_CORE, CHANNEL, NULL, START_MS));
        assert_false(accounted(BURNIN_MISSING_FILE, CHANNEL, "/a.mkv", START_MS)); /* dead air is not found */
}

static void INV_BURNIN_002_what_nothing_accounts_for_fails(void **state) {
        g_autoptr(BurninReport) clean = burnin_report_new(), unexplained = burnin_report_new(),
                                unfound = burnin_report_new();
        burnin_report_violation(unexplained, &(BurninViolation){.contract = "X"}, "why");
        burnin_report_injection(unfound, BURNIN_DEAD_CORE, NULL, NULL, START_MS);
        burnin_report_close(clean);
        burnin_report_close(unexplained);
        burnin_report_close(unfound);
        assert_true(burnin_report_passed(clean));
        assert_false(burnin_report_passed(unexplained));
        assert_false(burnin_report_passed(unfound));
        json_t *document = burnin_report_json(unexplained);
        const json_t *first = json_array_get(json_object_get(document, "violations"), 0);
        assert_string_equal(json_string_value(json_object_get(first, "contract")), "X");
        json_decref(document);
}

static void faults_have_names(void **state) {
        assert_int_equal(burnin_causes_from_text("none"), 0);
        assert_int_equal(burnin_causes_from_text("late-feed,dead-core"), BURNIN_LATE_FEED | BURNIN_DEAD_CORE);
        assert_int_equal(burnin_causes_from_text("dead-cor"), -1);
        assert_int_equal(burnin_causes_from_text(""), -1);
}

/* --- time -------------------------------------------------------------------------------------------------------- */

static RvClock *led_clock(const char *dir) {
        g_autofree char *path = g_build_filename(dir, "clock", NULL);
        const int64_t from = START_MS;
        assert_true(g_file_set_contents(path, (const char *)&from, sizeof from, NULL));
        RvClock *clock = rv_clock_led_new(path, NULL);
        assert_non_null(clock);
        return clock;
}

static void note_second(void *user) {
        assert_true(course_note(user, 1, rv_clock_utc_ms(rv_clock_system())));
}

static void INV_BURNIN_005_time_only_goes_on_and_nobody_runs_away(void **state) {
        g_autofree char *dir = temp_dir_new();
        RvClock *clock = led_clock(dir);
        const int64_t from = rv_clock_utc_ms(rv_clock_system()) - HOUR_MS;
        Course course;
        rv_clock_led_set_utc_ms(clock, from);
        course_init(&course, clock, true, 2, from);
        assert_true(course_note(&course, 0, from + 30000));
        assert_int_equal(rv_clock_utc_ms(clock), from + 30000);
        assert_true(course_note(&course, 1, from + 10000));
        assert_int_equal(rv_clock_utc_ms(clock), from + 30000);
        course_freeze(&course, true);
        assert_true(course_note(&course, 0, from + 40000));
        assert_int_equal(rv_clock_utc_ms(clock), from + 30000);
        course_freeze(&course, false);
        RvThread *ahead = rv_thread_start("ahead", RV_PRIORITY_NORMAL, note_second, &course, NULL);
        assert_true(course_note(&course, 0, from + 50000));
        assert_true(course_note(&course, 0, from + HOUR_MS)); /* lets the other go on, whichever came first */
        rv_thread_join(ahead);
        assert_int_equal(course_doubt_ms(&course), BEGUN_BEFORE_MS);
        course_skip(&course, DEATH_MS);
        course_skip(&course, MINUTE_MS);
        assert_int_equal(course_doubt_ms(&course), DEATH_MS);
        course_end(&course);
        assert_false(course_note(&course, 0, from + 2 * HOUR_MS));
        course_clear(&course);
        rv_clock_led_free(clock);
        temp_dir_free(g_steal_pointer(&dir));
}

/* --- work folder and processes ----------------------------------------------------------------------------------- */

static const char CHANNEL_FILE[] =
        "channel: retro\nchannel_number: 1\nname: Retro\ntimezone: UTC\nformat:\n"
        "  video: {width: 1280, height: 720, frame_rate: \"25\"}\n  grid_minutes: 5\npools:\n"
        "  all:\n    match: {type: episode}\nschedule:\n  all_day:\n"
        "    - block: {start: \"06:00\", end: \"06:00\", title: All, pool: all}\n";

typedef struct {
        char *dir, *media, *channels, *work, *file;
        const char *media_dirs[2];
        BurninOptions options;
} Place;

static Place place_new(const char *core) {
        Place place = {.dir = temp_dir_new()};
        place.media = g_build_filename(place.dir, "library", NULL);
        place.channels = g_build_filename(place.dir, "files", NULL);
        place.work = g_build_filename(place.dir, "work", NULL);
        place.file = g_build_filename(place.media, "a.mkv", NULL);
        g_autofree char *channel = g_build_filename(place.channels, "retro.yaml", NULL);
        g_assert(g_mkdir(place.media, 0755) == 0 && g_mkdir(place.channels, 0755) == 0 &&
                 g_mkdir(place.work, 0755) == 0);
        g_assert(g_file_set_contents(place.file, "film", -1, NULL));
        g_assert(g_file_set_contents(channel, CHANNEL_FILE, -1, NULL));
        place.media_dirs[0] = place.media;
        place.options = (BurninOptions){.length_ms = HOUR_MS,
                                        .compressed = true,
                                        .channels_dir = place.channels,
                                        .work_dir = place.work,
                                        .core_program = core};
        return place;
}

static void place_clear(Place *place) {
        temp_dir_free(place->dir);
        g_free(place->media);
        g_free(place->channels);
        g_free(place->work);
        g_free(place->file);
}

static void INV_BURNIN_003_only_links_are_harmed(void **state) {
        Place place = place_new("/bin/false");
        g_autofree char *link = g_build_filename(place.work, "media", "0", "a.mkv", NULL), *text = NULL;
        place.options.media_dirs = place.media_dirs;
        Rig *rig = rig_new(&place.options, rv_clock_system(), START_MS, NULL);
        assert_non_null(rig);
        assert_false(rig_take_away(rig, place.file));
        assert_true(g_file_test(link, G_FILE_TEST_IS_SYMLINK));
        assert_true(rig_spoil(rig, link));
        assert_false(rig_take_away(rig, link)); /* it is no link any more */
        assert_true(g_file_get_contents(place.file, &text, NULL, NULL));
        assert_string_equal(text, "film");
        rig_free(rig);
        place_clear(&place);
}

static void compressed_channels_keep_their_rate_and_grid(void **state) {
        Place place = place_new("/bin/false");
        g_autofree char *channel = g_build_filename(place.work, "channels", "retro.yaml", NULL), *text = NULL;
        place.options.media_dirs = place.media_dirs;
        Rig *rig = rig_new(&place.options, rv_clock_system(), START_MS, NULL);
        assert_non_null(rig);
        assert_true(g_file_get_contents(channel, &text, NULL, NULL));
        assert_non_null(strstr(text, "frame_rate: \"25/1\""));
        assert_non_null(strstr(text, "grid_minutes: 5"));
        assert_null(strstr(text, "1280"));
        rig_free(rig);
        place_clear(&place);
}

static void INV_BURNIN_007_growth_is_seen(void **state) {
        for (int leaks = 0; leaks < 2; leaks++) {
                Watch *watch = watch_new();
                g_autoptr(BurninReport) report = burnin_report_new();
                GArray *fds = g_array_new(FALSE, FALSE, sizeof(int));
                for (int i = 0; i < 40; i++) {
                        const int fd = leaks ? open("/dev/null", O_RDONLY | O_CLOEXEC) : -1;
                        g_array_append_val(fds, fd);
                        watch_processes(watch, getpid());
                }
                watch_judge(watch, report);
                assert_int_equal(report->violations->len, leaks);
                for (guint i = 0; leaks && i < fds->len; i++)
                        close(g_array_index(fds, int, i));
                g_array_unref(fds);
                watch_free(watch);
        }
}

static void INV_BURNIN_008_a_core_that_ends_ends_the_run(void **state) {
        Place place = place_new(NULL);
        g_autofree char *core = g_build_filename(place.dir, "core", NULL);
        g_autofree char *data = g_build_filename(place.work, "data", NULL);
        g_autofree char *database = g_build_filename(data, "retrovue.db", NULL);
        assert_int_equal(g_mkdir(data, 0700), 0);
        store_close(store_open(database, NULL));
        assert_true(g_file_set_contents(core, "#!/bin/sh\necho ready http://127.0.0.1:1/\n", -1, NULL));
        assert_int_equal(g_chmod(core, 0700), 0);
        place.options.core_program = core;
        place.options.media_dirs = place.media_dirs;
        g_autoptr(BurninReport) report = burnin_run(&place.options, NULL);
        assert_non_null(report);
        assert_false(burnin_report_passed(report));
        const BurninViolation *first = report->violations->pdata[0];
        assert_string_equal(first->contract, "INV-BURNIN-008");
        place_clear(&place);
}

/* A core that has an engine, which waits for what nobody writes. */
static void write_programs(const Place *place, const char *core) {
        g_autofree char *engine = g_build_filename(place->dir, "retrovue-air", NULL);
        g_autofree char *fifo = g_build_filename(place->dir, "fifo", NULL);
        g_autofree char *core_text = g_strdup_printf(
                "#!/bin/sh\n[ $1 = serve ] || exit 0\n%s --channel retro &\ntrap \"kill $!; exit 0\" TERM\n"
                "echo ready http://127.0.0.1:1/\nwhile :; do wait; done\n",
                engine);
        g_autofree char *engine_text = g_strdup_printf("#!/bin/sh\nread word <%s\n", fifo);
        assert_int_equal(mkfifo(fifo, 0600), 0);
        assert_true(g_file_set_contents(core, core_text, -1, NULL));
        assert_true(g_file_set_contents(engine, engine_text, -1, NULL));
        assert_true(g_chmod(core, 0700) == 0 && g_chmod(engine, 0700) == 0);
}

static void INV_BURNIN_009_engines_and_core_are_killed_by_turns(void **state) {
        Place place = place_new(NULL);
        g_autofree char *core = g_build_filename(place.dir, "core", NULL);
        g_autoptr(BurninReport) report = burnin_report_new();
        Course course;
        write_programs(&place, core);
        place.options.core_program = core;
        place.options.media_dirs = place.media_dirs;
        place.options.kills = 3;
        Rig *rig = rig_new(&place.options, rv_clock_system(), START_MS, NULL);
        assert_non_null(rig);
        assert_true(rig_start_core(rig, NULL));
        course_init(&course, rig_clock(rig), true, 1, START_MS);
        Killer *killer = killer_new(&place.options, rig, &course);
        int64_t now = START_MS;
        for (int64_t mono = 0; report->injections->len < 3; mono += 10 * G_USEC_PER_SEC * INT64_C(1000)) {
                assert_true(now < START_MS + 1000 * MINUTE_MS);
                assert_true(killer_seen_by_utc_ms(killer, now) > now);
                const guint before = report->injections->len;
                killer_look(killer, report, now, mono);
                killer_look(killer, report, now, mono); /* not two at once */
                assert_true(report->injections->len <= before + 1);
                now += MINUTE_MS;
        }
        for (guint i = 0; i < 3; i++) {
                const BurninInjection *kill = report->injections->pdata[i];
                assert_int_equal(kill->cause, i % 2 ? BURNIN_DEAD_CORE : BURNIN_DEAD_AIR);
                assert_true(kill->is_kill);
        }
        killer_look(killer, report, now, INT64_MAX);
        assert_int_equal(report->injections->len, 3);
        assert_int_equal(report->violations->len, 0);
        burnin_report_close(report);
        assert_true(burnin_report_passed(report)); /* who had not said a word need not be missed */
        killer_free(killer);
        rig_free(rig);
        course_clear(&course);
        place_clear(&place);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_was_kept_passes),
                cmocka_unit_test(INV_BURNIN_006_one_tick_is_a_violation),
                cmocka_unit_test(a_record_that_is_not_the_plan_is_seen),
                cmocka_unit_test(a_plan_that_does_not_touch_is_seen),
                cmocka_unit_test(INV_BURNIN_004_the_stream_is_judged_against_the_record),
                cmocka_unit_test(INV_BURNIN_001_causes_are_read_from_what_was_seen),
                cmocka_unit_test(INV_BURNIN_001_an_injection_is_found_by_cause_place_and_time),
                cmocka_unit_test(INV_BURNIN_002_what_nothing_accounts_for_fails),
                cmocka_unit_test(faults_have_names),
                cmocka_unit_test(INV_BURNIN_005_time_only_goes_on_and_nobody_runs_away),
                cmocka_unit_test(INV_BURNIN_003_only_links_are_harmed),
                cmocka_unit_test(compressed_channels_keep_their_rate_and_grid),
                cmocka_unit_test(INV_BURNIN_007_growth_is_seen),
                cmocka_unit_test(INV_BURNIN_008_a_core_that_ends_ends_the_run),
                cmocka_unit_test(INV_BURNIN_009_who_died_before_a_picture_is_not_the_last),
                cmocka_unit_test(INV_BURNIN_009_engines_and_core_are_killed_by_turns),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
