#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/store.h"
#include "tests/core/asrun_fixture.h"

static void INV_ASRUN_ONCE_001_an_event_sent_again_is_held_once(void **state) {
        Fixture *f = *state;
        g_autoptr(EvidenceEvent) end = segment_end(2, "s1");
        record(f, segment_start(1, "s1"));
        record(f, evidence_event_copy(end));
        record(f, evidence_event_copy(end));
        assert_int_equal(asrun_last_sequence(f->asrun, "retro", SESSION), 2);

        /* Another sequence does not make another fact of the same event_uuid. */
        end->sequence = 3;
        record(f, evidence_event_copy(end));
        json_t *list = entries(f);
        assert_int_equal(json_array_size(list), 1);
        json_decref(list);
        g_autofree char *text = read_file(f, "2026-11-21.asrun");
        assert_int_equal(count_lines(text, "AIRED"), 1);
}

static void INV_ASRUN_ONCE_001_held_over_restarts(void **state) {
        Fixture *f = *state;
        g_autoptr(EvidenceEvent) start = segment_start(1, "s1");
        record(f, evidence_event_copy(start));
        asrun_free(f->asrun);
        open_asrun(f);
        assert_int_equal(asrun_last_sequence(f->asrun, "retro", SESSION), 1);
        record(f, evidence_event_copy(start));
        g_autofree char *text = read_file(f, "2026-11-21.asrun.jsonl");
        assert_int_equal(count_lines(text, "segment_start"), 1);
}

/* What a commit that never happened had written is not there when the next event comes. */
static void INV_ASRUN_IMMUTABLE_001_a_torn_line_is_written_over(void **state) {
        Fixture *f = *state;
        record(f, segment_start(1, "s1"));
        record(f, segment_end(2, "s1"));
        g_autofree char *before = read_file(f, "2026-11-21.asrun");
        g_autofree char *path = g_build_filename(f->logs_dir, "asrun", "retro", "2026-11-21.asrun", NULL);
        g_autofree char *torn = g_strconcat(before, "12:00:31 00:00:30 AIRED      conte", NULL);
        assert_true(g_file_set_contents(path, torn, -1, NULL));
        record(f, segment_end(4, "s2"));
        g_autofree char *after = read_file(f, "2026-11-21.asrun");
        assert_true(g_str_has_prefix(after, before));
        assert_int_equal(count_lines(after, "AIRED"), 2);
        assert_int_equal(count_lines(after, "conte "), 0);
}

static void INV_ASRUN_TRACEABILITY_001_a_line_names_its_event_title_and_file(void **state) {
        Fixture *f = *state;
        record(f, segment_start(1, "s1"));
        record(f, segment_end(2, "s1"));
        g_autofree char *text = read_file(f, "2026-11-21.asrun");
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        assert_string_equal(
                lines[2],
                "12:00:01 00:00:30 AIRED      content  event-s1                         A \"title\" of two lines");
        json_t *list = entries(f);
        const json_t *entry = json_array_get(list, 0);
        assert_string_equal(json_string_value(json_object_get(entry, "asset_uri")), "/media/a.mkv");
        assert_string_equal(json_string_value(json_object_get(entry, "event_id")), "event-s1");
        assert_int_equal(json_integer_value(json_object_get(entry, "frames")), 899);
        json_decref(list);
}

static void INV_ASRUN_006_a_dead_engine_leaves_no_open_segment(void **state) {
        Fixture *f = *state;
        g_autoptr(GError) error = NULL;
        record(f, segment_start(1, "s1"));
        record(f, segment_end(2, "s1"));
        record(f, segment_start(3, "s2"));
        rv_clock_fake_advance_ms(f->clock, 20000);
        for (int i = 0; i < 2; i++) /* a second report of the same death changes nothing */
                assert_true(asrun_engine_died(f->asrun, "retro", SESSION, "killed by signal 9", &error));
        g_autofree char *text = read_file(f, "2026-11-21.asrun");
        assert_int_equal(count_lines(text, "TRUNCATED"), 1);
        assert_int_equal(count_lines(text, "reason=CHANNEL_TERMINATED"), 1);
        assert_int_equal(count_lines(text, "ERROR"), 1);
        assert_int_equal(asrun_last_sequence(f->asrun, "retro", SESSION), 3);
}

static void INV_ASRUN_006_an_engine_that_said_goodbye_is_not_dead(void **state) {
        Fixture *f = *state;
        g_autoptr(GError) error = NULL;
        EvidenceEvent *end = evidence_event_new(EVIDENCE_CHANNEL_TERMINATED);
        name_event(end, 1);
        end->end_utc_ms = NOON + 5000;
        end->reason = g_strdup("stop_requested");
        record(f, end);
        assert_true(asrun_engine_died(f->asrun, "retro", SESSION, "late", &error));
        g_autofree char *text = read_file(f, "2026-11-21.asrun");
        assert_int_equal(count_lines(text, "ERROR"), 0);
        assert_int_equal(count_lines(text, "stop_requested"), 1);
}

static void files_follow_the_broadcast_day(void **state) {
        Fixture *f = *state;
        EvidenceEvent *late = segment_end(2, "s1");
        late->start_utc_ms = NOON + 3600000;
        late->end_utc_ms = NOON + 3700000;
        record(f, segment_end(1, "s0"));
        record(f, late);
        g_autofree char *first = read_file(f, "2026-11-21.asrun");
        g_autofree char *second = read_file(f, "2026-11-22.asrun");
        assert_int_equal(count_lines(first, "AIRED"), 1);
        assert_int_equal(count_lines(second, "AIRED"), 1);
}

/* Logs are rotated by whoever runs the machine: the next line begins a new file, without a hole of zeros. */
static void a_file_that_was_taken_away_begins_anew(void **state) {
        Fixture *f = *state;
        record(f, segment_end(1, "s1"));
        g_autofree char *path = g_build_filename(f->logs_dir, "asrun", "retro", "2026-11-21.asrun", NULL);
        g_autofree char *whole = read_file(f, "2026-11-21.asrun");
        assert_int_equal(g_remove(path), 0);
        record(f, segment_end(2, "s2"));
        g_autofree char *text = read_file(f, "2026-11-21.asrun");
        assert_true(g_str_has_prefix(text, "# as-run of channel retro"));
        assert_int_equal(count_lines(text, "AIRED"), 1);
        assert_int_equal(strlen(text), strlen(whole));
        assert_int_equal(truncate(path, 0), 0);
        record(f, segment_end(3, "s3"));
        record(f, segment_end(4, "s4"));
        g_autofree char *again = read_file(f, "2026-11-21.asrun");
        assert_true(g_str_has_prefix(again, "# as-run of channel retro"));
        assert_int_equal(count_lines(again, "AIRED"), 2);
}

static void a_channel_id_that_leaves_the_folder_is_refused(void **state) {
        Fixture *f = *state;
        g_autoptr(GError) error = NULL;
        g_autoptr(EvidenceEvent) event = segment_end(1, "s1");
        g_free(event->channel_id);
        event->channel_id = g_strdup("../../etc");
        assert_false(asrun_record(f->asrun, event, &error));
        assert_non_null(error);
}

/* Two channels' and two days' events at once; one of them has been told before. */
static void INV_ASRUN_ONCE_001_a_group_is_held_as_a_whole(void **state) {
        Fixture *f = *state;
        g_autoptr(GError) error = NULL;
        g_autoptr(EvidenceEvent) start = segment_start(1, "s1");
        g_autoptr(EvidenceEvent) end = segment_end(2, "s1");
        g_autoptr(EvidenceEvent) other = segment_end(3, "s2");
        record(f, evidence_event_copy(start));
        other->start_utc_ms = NOON + 3600000;
        const EvidenceEvent *group[] = {start, end, other, end};
        assert_true(asrun_record_all(f->asrun, group, G_N_ELEMENTS(group), &error));
        assert_null(error);
        g_autofree char *first = read_file(f, "2026-11-21.asrun.jsonl");
        g_autofree char *second = read_file(f, "2026-11-22.asrun.jsonl");
        assert_int_equal(count_lines(first, "segment_start"), 1);
        assert_int_equal(count_lines(first, "segment_end"), 1);
        assert_int_equal(count_lines(second, "segment_end"), 1);
        assert_int_equal(asrun_last_sequence(f->asrun, "retro", SESSION), 3);
}

/* The second of two files cannot be written: of neither channel is anything there, in rows or lines. */
static void INV_ASRUN_IMMUTABLE_001_a_group_that_failed_leaves_nothing(void **state) {
        Fixture *f = *state;
        g_autoptr(EvidenceEvent) one = segment_end(1, "s1");
        g_autoptr(EvidenceEvent) two = segment_end(2, "s2");
        g_free(two->channel_id);
        two->channel_id = g_strdup("blocked");
        g_autofree char *folder = g_build_filename(f->logs_dir, "asrun", "retro", NULL);
        g_autofree char *file = g_build_filename(f->logs_dir, "asrun", "blocked", NULL);
        assert_int_equal(g_mkdir_with_parents(folder, 0755), 0);
        assert_true(g_file_set_contents(file, "in the way", -1, NULL));
        const EvidenceEvent *group[] = {one, two};
        for (int i = 0; i < 2; i++) { /* in either order */
                g_autoptr(GError) error = NULL;
                assert_false(asrun_record_all(f->asrun, group, 2, &error));
                assert_non_null(error);
                group[0] = two, group[1] = one;
        }
        assert_int_equal(asrun_last_sequence(f->asrun, "retro", SESSION), 0);
        g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
        for (const char *name; (name = g_dir_read_name(dir));) {
                g_autofree char *text = read_file(f, name);
                assert_string_equal(text, "");
        }
        assert_int_equal(g_remove(file), 0);
        record(f, evidence_event_copy(one));
        record(f, evidence_event_copy(two));
        g_autofree char *text = read_file(f, "2026-11-21.asrun");
        assert_int_equal(count_lines(text, "AIRED"), 1);
}

static void a_disk_that_refuses_loses_nothing_that_was_held(void **state) {
        Fixture *f = *state;
        g_autoptr(GError) error = NULL;
        record(f, segment_end(1, "s1"));
        g_autofree char *dir = g_build_filename(f->logs_dir, "asrun", NULL);
        g_autofree char *away = g_build_filename(f->logs_dir, "away", NULL);
        assert_int_equal(g_rename(dir, away), 0);
        assert_true(g_file_set_contents(dir, "a file where the folder was", -1, NULL));

        g_autoptr(EvidenceEvent) event = segment_end(2, "s2");
        assert_false(asrun_record(f->asrun, event, &error));
        assert_int_equal(asrun_last_sequence(f->asrun, "retro", SESSION), 1);

        assert_int_equal(g_remove(dir), 0);
        assert_int_equal(g_rename(away, dir), 0);
        record(f, evidence_event_copy(event));
        g_autofree char *text = read_file(f, "2026-11-21.asrun");
        assert_int_equal(count_lines(text, "AIRED"), 2);
}

static EvidenceEvent *spot_end(int64_t sequence, const char *segment_uuid, SegmentStatus status) {
        EvidenceEvent *event = segment_end(sequence, segment_uuid);
        event->type = SEGMENT_COMMERCIAL;
        event->asset_uuid = g_strdup("soap");
        event->status = status;
        return event;
}

/* "segment:start:state", by segment. */
static char *plays(const Fixture *f) {
        g_autoptr(Store) store = store_open(f->store_path, NULL);
        sqlite3_stmt *rows = store_query(store, NULL,
                                         "SELECT group_concat(segment_uuid || ':' || (start_utc_ms - ?) || ':' || "
                                         "state) FROM (SELECT * FROM play ORDER BY segment_uuid)",
                                         "i", NOON);
        assert_true(store_row(store, rows, NULL));
        char *text = g_strdup(store_text(rows, 0));
        store_reset(rows);
        return text;
}

static void INV_TRAFFIC_STATE_SOURCE_001_evidence_decides_what_was_played(void **state) {
        Fixture *f = *state;
        g_autoptr(Store) store = store_open(f->store_path, NULL);
        assert_true(store_run(store, NULL,
                              "INSERT INTO play (segment_uuid, channel_id, asset_id, start_utc_ms, state) VALUES "
                              "('s1', 'retro', 'soap', ?1, 1), ('s2', 'retro', 'soap', ?1, 1), "
                              "('s5', 'retro', 'soap', ?1, 1)",
                              "i", NOON));
        record(f, spot_end(1, "s1", SEGMENT_STATUS_TRUNCATED)); /* a viewer left in the middle of it */
        record(f, spot_end(2, "s2", SEGMENT_STATUS_SKIPPED));
        record(f, spot_end(3, "s3", SEGMENT_STATUS_AIRED)); /* no plan of it is known any more */
        record(f, spot_end(4, "s3", SEGMENT_STATUS_ERROR)); /* it has aired all the same */
        record(f, segment_end(5, "s4"));                    /* content is no play */
        EvidenceEvent *black = spot_end(6, "s6", SEGMENT_STATUS_SHORT);
        black->fallback_frames = black->frames; /* black from the first frame on */
        record(f, black);
        g_autofree char *text = plays(f);
        assert_string_equal(text, "s1:0:2,s2:0:3,s3:1000:2,s5:0:1,s6:1000:3");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(INV_ASRUN_ONCE_001_an_event_sent_again_is_held_once),
                TEST(INV_ASRUN_ONCE_001_held_over_restarts),
                TEST(INV_ASRUN_IMMUTABLE_001_a_torn_line_is_written_over),
                TEST(INV_ASRUN_TRACEABILITY_001_a_line_names_its_event_title_and_file),
                TEST(INV_ASRUN_006_a_dead_engine_leaves_no_open_segment),
                TEST(INV_ASRUN_006_an_engine_that_said_goodbye_is_not_dead),
                TEST(INV_TRAFFIC_STATE_SOURCE_001_evidence_decides_what_was_played),
                TEST(files_follow_the_broadcast_day),
                TEST(a_file_that_was_taken_away_begins_anew),
                TEST(INV_ASRUN_ONCE_001_a_group_is_held_as_a_whole),
                TEST(INV_ASRUN_IMMUTABLE_001_a_group_that_failed_leaves_nothing),
                TEST(a_channel_id_that_leaves_the_folder_is_refused),
                TEST(a_disk_that_refuses_loses_nothing_that_was_held),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
