/* Sessions without an end: what engines and cores that were killed have left. */
#include <fcntl.h>
#include <glib/gstdio.h>
#include <unistd.h>

#include "core/base/store.h"
#include "proto/evidence/spool_file.h"
#include "tests/core/asrun_fixture.h"

#define OTHER_SESSION "00000000-0000-4000-8000-000000000002"

static EvidenceEvent *terminated(int64_t sequence) {
        EvidenceEvent *event = evidence_event_new(EVIDENCE_CHANNEL_TERMINATED);
        name_event(event, sequence);
        event->end_utc_ms = NOON + 40000;
        event->reason = g_strdup("core_lost");
        return event;
}

static EvidenceEvent *planned_start(int64_t sequence, const char *segment_uuid) {
        EvidenceEvent *event = segment_start(sequence, segment_uuid);
        event->scheduled_duration_ms = 30000;
        return event;
}

static char *spool_path(const Fixture *f) {
        return g_build_filename(f->spool_dir, "retro", SESSION EVIDENCE_SPOOL_SUFFIX, NULL);
}

/* As an engine writes it; n events that are taken. */
static void spool(const Fixture *f, EvidenceEvent **events, unsigned n) {
        g_autofree char *path = spool_path(f), *dir = g_path_get_dirname(path);
        g_autoptr(GByteArray) file = g_byte_array_new();
        for (unsigned i = 0; i < n; i++) {
                gsize size;
                g_autoptr(GBytes) bytes = evidence_event_pack(events[i]);
                const void *data = g_bytes_get_data(bytes, &size);
                const EvidenceRecordHead head = evidence_record_head(data, size);
                g_byte_array_append(file, (const guint8 *)&head, sizeof head);
                g_byte_array_append(file, data, (guint)size);
                evidence_event_free(events[i]);
        }
        assert_int_equal(g_mkdir_with_parents(dir, 0755), 0);
        assert_true(g_file_set_contents(path, (const char *)file->data, file->len, NULL));
}

static void restart(Fixture *f) {
        asrun_free(f->asrun);
        open_asrun(f);
}

static unsigned count_in_days(Fixture *f, const char *holding) {
        g_autofree char *text = read_file(f, "2026-11-21.asrun");
        return count_lines(text, holding);
}

/* Core and engine were killed together, and nothing is left of the engine: closed when core was last alive, though
 * core comes again much later. */
static void INV_ASRUN_006_core_and_engine_killed_together(void **state) {
        Fixture *f = *state;
        record(f, planned_start(1, "s1"));
        rv_clock_fake_advance_ms(f->clock, 21000);
        asrun_note_alive(f->asrun);
        rv_clock_fake_advance_ms(f->clock, 1800000);
        restart(f);
        assert_int_equal(asrun_settle(f->asrun), 0);
        assert_int_equal(asrun_settle(f->asrun), 0);
        assert_int_equal(count_in_days(f, "12:00:01 00:00:20 TRUNCATED  content  event-s1"), 1);
        assert_int_equal(count_in_days(f, "12:00:21 00:00:00 ERROR"), 1);
        restart(f); /* and not again */
        assert_int_equal(asrun_settle(f->asrun), 0);
        assert_int_equal(count_in_days(f, "TRUNCATED"), 1);
        assert_int_equal(count_in_days(f, "ERROR"), 1);
}

/* Without a later sign of core than the engine's last word, that word is the end; nothing lasts beyond its plan. */
static void INV_ASRUN_006_the_end_is_no_later_than_the_plan_and_no_earlier_than_the_last_word(void **state) {
        Fixture *f = *state;
        record(f, planned_start(1, "s1"));
        EvidenceEvent *second = planned_start(90, "s2"); /* told a minute and a half later */
        second->start_utc_ms = NOON + 88000;
        record(f, second);
        restart(f);
        assert_int_equal(asrun_settle(f->asrun), 0);
        assert_int_equal(count_in_days(f, "12:00:01 00:00:30 TRUNCATED  content  event-s1"), 1);
        assert_int_equal(count_in_days(f, "12:00:28 00:00:02 TRUNCATED  content  event-s2"), 1);
}

/* What the engine had written down before it died comes first: the segment's true end, and its last word. */
static void INV_ASRUN_007_the_left_spool_has_the_first_word(void **state) {
        Fixture *f = *state;
        record(f, planned_start(1, "s1"));
        EvidenceEvent *left[] = {planned_start(1, "s1"), segment_end(2, "s1"), terminated(3)};
        spool(f, left, G_N_ELEMENTS(left));
        restart(f);
        assert_int_equal(asrun_settle(f->asrun), 0);
        assert_int_equal(count_in_days(f, "AIRED"), 1);
        assert_int_equal(count_in_days(f, "TRUNCATED"), 0);
        assert_int_equal(count_in_days(f, "core_lost"), 1);
        assert_int_equal(count_in_days(f, "ERROR"), 0);
        g_autofree char *path = spool_path(f);
        assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
}

/* Of a session that core has never heard of. A torn end of the file is the end. */
static void INV_ASRUN_007_a_spool_of_an_unknown_session_is_taken(void **state) {
        Fixture *f = *state;
        EvidenceEvent *left[] = {planned_start(1, "s1"), segment_end(2, "s1"), planned_start(3, "s2")};
        spool(f, left, G_N_ELEMENTS(left));
        g_autofree char *path = spool_path(f);
        int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
        assert_int_equal(write(fd, "torn", 4), 4);
        assert_int_equal(close(fd), 0);
        restart(f);
        assert_int_equal(asrun_settle(f->asrun), 0);
        assert_int_equal(count_in_days(f, "AIRED"), 1);
        assert_int_equal(count_in_days(f, "TRUNCATED"), 1);
        assert_int_equal(count_in_days(f, "ERROR"), 1);
}

/* The engine lives yet, or the channel's next one delivers what it left. */
/* Nobody reported a death: its engine was asked to end, and could not wait for the last acknowledgement. */
static void INV_ASRUN_007_a_spool_that_is_left_while_core_lives_is_taken(void **state) {
        Fixture *f = *state;
        record(f, planned_start(1, "s1"));
        assert_int_equal(asrun_settle(f->asrun), 0);
        EvidenceEvent *left[] = {segment_end(2, "s1"), terminated(3)};
        spool(f, left, G_N_ELEMENTS(left));
        assert_int_equal(asrun_settle(f->asrun), 0);
        assert_int_equal(asrun_last_sequence(f->asrun, "retro", SESSION), 3);
        assert_int_equal(count_in_days(f, "AIRED"), 1);
        assert_int_equal(count_in_days(f, "ERROR"), 0);
        g_autofree char *path = spool_path(f);
        assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
}

static void INV_ASRUN_007_a_spool_that_is_held_is_waited_for(void **state) {
        Fixture *f = *state;
        g_autoptr(GError) error = NULL;
        record(f, planned_start(1, "s1"));
        EvidenceEvent *left[] = {segment_end(2, "s1")};
        spool(f, left, G_N_ELEMENTS(left));
        restart(f);
        g_autofree char *path = spool_path(f);
        int fd = evidence_spool_lock(path, 0, &error);
        assert_true(fd >= 0);
        assert_int_equal(asrun_settle(f->asrun), 1);
        assert_true(asrun_engine_died(f->asrun, "retro", SESSION, "killed by signal 9", &error));
        assert_int_equal(asrun_settle(f->asrun), 1);
        g_autofree char *text = read_file(f, "2026-11-21.asrun.jsonl");
        assert_int_equal(count_lines(text, "kind"), 1);
        record(f, segment_end(2, "s1")); /* delivered */
        assert_int_equal(g_remove(path), 0);
        assert_int_equal(close(fd), 0);
        assert_int_equal(asrun_settle(f->asrun), 0);
        assert_int_equal(count_in_days(f, "AIRED"), 1);
        assert_int_equal(count_in_days(f, "TRUNCATED"), 0);
        assert_int_equal(count_in_days(f, "killed by signal 9"), 1);
}

/* An engine that had no disk to write to, and that core took for dead: what core has not said is recorded, what it has
 * said stands; everything is acknowledged, so that it does not come again. */
static void INV_ASRUN_007_late_words_neither_double_nor_contradict(void **state) {
        Fixture *f = *state;
        record(f, planned_start(1, "s1"));
        restart(f);
        assert_int_equal(asrun_settle(f->asrun), 0);
        record(f, segment_end(2, "s1"));
        record(f, planned_start(3, "s2"));
        record(f, segment_end(4, "s2"));
        record(f, terminated(5));
        record(f, terminated(5));
        assert_int_equal(count_in_days(f, "event-s1"), 1);
        assert_int_equal(count_in_days(f, "TRUNCATED"), 1);
        assert_int_equal(count_in_days(f, "event-s2"), 1);
        assert_int_equal(count_in_days(f, "AIRED"), 1);
        assert_int_equal(count_in_days(f, "ERROR"), 1);
        assert_int_equal(count_in_days(f, "core_lost"), 0);
        assert_int_equal(asrun_last_sequence(f->asrun, "retro", SESSION), 5);
        json_t *list = entries(f);
        assert_int_equal(json_array_size(list), 3);
        json_decref(list);
}

static void what_cannot_be_recorded_yet_is_settled_later(void **state) {
        Fixture *f = *state;
        g_autoptr(GError) error = NULL;
        EvidenceEvent *left[] = {planned_start(1, "s1"), segment_end(2, "s1")};
        spool(f, left, G_N_ELEMENTS(left));
        g_autofree char *path = spool_path(f), *in_the_way = g_build_filename(f->logs_dir, "asrun", "retro", NULL),
                        *dir = g_path_get_dirname(in_the_way);
        assert_int_equal(g_mkdir_with_parents(dir, 0755), 0);
        assert_true(g_file_set_contents(in_the_way, "a file", -1, NULL));
        assert_false(asrun_engine_died(f->asrun, "retro", SESSION, "killed", &error));
        assert_non_null(error);
        assert_int_equal(asrun_settle(f->asrun), 1);
        assert_true(g_file_test(path, G_FILE_TEST_EXISTS));
        assert_int_equal(g_remove(in_the_way), 0);
        assert_int_equal(asrun_settle(f->asrun), 0);
        assert_int_equal(count_in_days(f, "AIRED"), 1);
        assert_int_equal(count_in_days(f, "ERROR"), 1);
        assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
}

static void a_spool_with_anothers_events_is_not_believed(void **state) {
        Fixture *f = *state;
        EvidenceEvent *other = segment_end(2, "s1");
        g_free(other->session_id);
        other->session_id = g_strdup(OTHER_SESSION);
        EvidenceEvent *left[] = {planned_start(1, "s1"), other};
        spool(f, left, G_N_ELEMENTS(left));
        restart(f);
        assert_int_equal(asrun_settle(f->asrun), 0);
        assert_int_equal(asrun_last_sequence(f->asrun, "retro", OTHER_SESSION), 0);
        assert_int_equal(count_in_days(f, "TRUNCATED"), 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(INV_ASRUN_006_core_and_engine_killed_together),
                TEST(INV_ASRUN_006_the_end_is_no_later_than_the_plan_and_no_earlier_than_the_last_word),
                TEST(INV_ASRUN_007_the_left_spool_has_the_first_word),
                TEST(INV_ASRUN_007_a_spool_of_an_unknown_session_is_taken),
                TEST(INV_ASRUN_007_a_spool_that_is_left_while_core_lives_is_taken),
                TEST(INV_ASRUN_007_a_spool_that_is_held_is_waited_for),
                TEST(INV_ASRUN_007_late_words_neither_double_nor_contradict),
                TEST(what_cannot_be_recorded_yet_is_settled_later),
                TEST(a_spool_with_anothers_events_is_not_believed),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
