/* Reading the record: pages, filters, days, and the formats of others. */
#include <glib/gstdio.h>
#include <stdio.h>

#include "core/record/asrun/export.h"
#include "tests/core/asrun_fixture.h"

#define SIX_MS (NOON + 3600000) /* where the fixture's broadcast day begins */

static EvidenceEvent *fence(int64_t sequence, int64_t utc_ms) {
        EvidenceEvent *event = evidence_event_new(EVIDENCE_BLOCK_FENCE);
        name_event(event, sequence);
        event->end_utc_ms = utc_ms;
        event->frames = 1800;
        return event;
}

static EvidenceEvent *block_start(int64_t sequence, int64_t utc_ms) {
        EvidenceEvent *event = evidence_event_new(EVIDENCE_BLOCK_START);
        name_event(event, sequence);
        event->start_utc_ms = utc_ms;
        event->title = g_strdup("Tavern");
        return event;
}

static EvidenceEvent *segment_at(int64_t sequence, const char *segment_uuid, int64_t utc_ms, SegmentStatus status) {
        EvidenceEvent *event = segment_end(sequence, segment_uuid);
        event->start_utc_ms = utc_ms;
        event->end_utc_ms = utc_ms + 30000;
        event->status = status;
        return event;
}

static json_t *page(Fixture *f, AsRunQuery *query, char **next) {
        g_autoptr(GError) error = NULL;
        json_t *entries = asrun_entries(f->asrun, query, next, &error);
        if (error)
                fail_msg("%s", error->message);
        return entries;
}

static AsRunQuery all_of_retro(unsigned limit) {
        return (AsRunQuery){.channel_id = "retro", .from_utc_ms = 0, .to_utc_ms = INT64_MAX, .limit = limit};
}

/* Every entry is on one page, in order, whatever the size of pages: also those that began at the same instant. */
static void INV_ASRUN_PAGES_001_pages_have_every_entry_once(void **state) {
        Fixture *f = *state;
        const int n = 23;
        for (int i = 0; i < n; i++) {
                g_autofree char *uuid = g_strdup_printf("s%02d", i);
                EvidenceEvent *event = segment_at(i + 1, uuid, NOON + i / 5 * 30000, SEGMENT_STATUS_AIRED);
                event->emitted_utc_ms = NOON + i / 10 * 60000;
                record(f, event);
        }
        for (unsigned limit = 1; limit <= 24; limit++) {
                g_autofree char *after = NULL;
                int64_t at = 0;
                do {
                        g_autofree char *next = NULL;
                        AsRunQuery query = all_of_retro(limit);
                        query.after = after;
                        json_t *entries = page(f, &query, &next), *entry;
                        size_t i;
                        assert_true(json_array_size(entries) > 0);
                        json_array_foreach(entries, i, entry)
                                assert_int_equal(json_integer_value(json_object_get(entry, "sequence")), ++at);
                        json_decref(entries);
                        g_free(after);
                        after = g_steal_pointer(&next);
                } while (after);
                assert_int_equal(at, n);
        }
}

static void INV_ASRUN_PAGES_001_what_is_no_page_is_refused(void **state) {
        Fixture *f = *state;
        static const char *const senseless[] = {"", "1", "1.2.3.", "1.2.3.x", "-1.2.3." SESSION, "1.2.3." SESSION "x"};
        for (size_t i = 0; i < G_N_ELEMENTS(senseless); i++) {
                g_autoptr(GError) error = NULL;
                g_autofree char *next = NULL;
                AsRunQuery query = all_of_retro(10);
                query.after = senseless[i];
                assert_null(asrun_entries(f->asrun, &query, &next, &error));
                assert_non_null(error);
        }
}

static void entries_of_a_status(void **state) {
        Fixture *f = *state;
        g_autoptr(GError) error = NULL;
        g_autofree char *next = NULL;
        record(f, block_start(1, NOON));
        record(f, segment_at(2, "s1", NOON, SEGMENT_STATUS_AIRED));
        record(f, segment_at(3, "s2", NOON + 30000, SEGMENT_STATUS_SHORT));
        record(f, segment_at(4, "s3", NOON + 60000, SEGMENT_STATUS_ERROR));
        AsRunQuery query = all_of_retro(10);
        query.statuses = "short, ERROR";
        json_t *entries = page(f, &query, &next);
        assert_int_equal(json_array_size(entries), 2);
        assert_null(next);
        json_decref(entries);
        query.statuses = "GOOD";
        assert_null(asrun_entries(f->asrun, &query, &next, &error));
        assert_non_null(strstr(error->message, "\"GOOD\""));
}

/* What crosses the boundary of the day is of the day in which it began; the fence on it, though it is the first tick
 * after, is of the day that it ends. */
static void INV_ASRUN_DAY_001_an_event_is_of_the_day_in_which_it_began(void **state) {
        Fixture *f = *state;
        g_autofree char *next = NULL;
        record(f, block_start(1, SIX_MS - 60000));
        record(f, segment_at(2, "last", SIX_MS - 15000, SEGMENT_STATUS_AIRED));
        record(f, fence(3, SIX_MS + 33));
        record(f, block_start(4, SIX_MS + 33));
        record(f, segment_at(5, "first", SIX_MS + 33, SEGMENT_STATUS_AIRED));
        AsRunQuery query = all_of_retro(10);
        query.day = "2026-11-21";
        json_t *entries = page(f, &query, &next);
        assert_int_equal(json_array_size(entries), 3);
        assert_string_equal(json_string_value(json_object_get(json_array_get(entries, 2), "kind")), "block_fence");
        json_decref(entries);
        query.day = "2026-11-22";
        entries = page(f, &query, &next);
        assert_int_equal(json_array_size(entries), 2);
        assert_string_equal(json_string_value(json_object_get(json_array_get(entries, 0), "broadcast_day")),
                            "2026-11-22");
        json_decref(entries);
        g_autofree char *first = read_file(f, "2026-11-21.asrun");
        g_autofree char *second = read_file(f, "2026-11-22.asrun");
        assert_int_equal(count_lines(first, "FENCE"), 1);
        assert_int_equal(count_lines(second, "FENCE"), 0);
        assert_int_equal(count_lines(second, "START"), 1);
}

/* The files keep their places when the data directory is moved. */
static void INV_ASRUN_IMMUTABLE_001_files_go_on_where_the_data_has_moved(void **state) {
        Fixture *f = *state;
        record(f, segment_at(1, "s1", NOON, SEGMENT_STATUS_AIRED));
        g_autofree char *away = g_build_filename(f->dir, "away", NULL);
        asrun_free(g_steal_pointer(&f->asrun));
        assert_int_equal(g_rename(f->logs_dir, away), 0);
        g_free(f->logs_dir);
        f->logs_dir = g_strdup(away);
        open_asrun(f);
        record(f, segment_at(2, "s2", NOON + 30000, SEGMENT_STATUS_AIRED));
        g_autofree char *text = read_file(f, "2026-11-21.asrun");
        assert_int_equal(count_lines(text, "AIRED"), 2);
}

static void hear(void *user, const json_t *entry) {
        g_string_append_printf(user, "%d ", (int)json_integer_value(json_object_get(entry, "sequence")));
}

/* What is told since the last look, once: what was told before, a new day, the daemon's restart, and nothing of a line
 * whose commit did not happen. */
static void the_tail_tells_what_is_committed_once(void **state) {
        Fixture *f = *state;
        g_autoptr(GError) error = NULL;
        g_autoptr(GString) heard = g_string_new(NULL);
        record(f, segment_start(1, "s1"));
        record(f, segment_at(2, "s1", NOON, SEGMENT_STATUS_AIRED));
        g_autoptr(Store) store = store_open_to_read(f->store_path, &error);
        g_autoptr(AsRunTail) tail = asrun_tail_new(store, f->logs_dir, "retro");
        for (int i = 0; i < 2; i++)
                assert_true(asrun_tail_look(tail, hear, heard, &error));
        assert_string_equal(heard->str, "2 ");
        g_autofree char *path = g_build_filename(f->logs_dir, "asrun", "retro", "2026-11-21.asrun.jsonl", NULL);
        FILE *torn = fopen(path, "ae");
        fputs("{\"kind\":\"segment_end\",\"sequence\":99}\n", torn);
        assert_int_equal(fclose(torn), 0);
        assert_true(asrun_tail_look(tail, hear, heard, &error));
        asrun_free(f->asrun);
        open_asrun(f);
        record(f, segment_at(3, "s2", NOON + 30000, SEGMENT_STATUS_AIRED));
        record(f, segment_at(4, "s3", SIX_MS + 1000, SEGMENT_STATUS_AIRED));
        for (int i = 0; i < 2; i++)
                assert_true(asrun_tail_look(tail, hear, heard, &error));
        assert_string_equal(heard->str, "2 3 4 ");
        assert_null(error);
}

/* --- formats ----------------------------------------------------------------------------------------------------- */

/* All that is recorded, in a format. */
static char *exported(Fixture *f, AsRunFormat format, RvRational rate) {
        char *text = NULL;
        size_t size = 0;
        g_autofree char *next = NULL;
        AsRunQuery query = all_of_retro(100);
        g_autoptr(GTimeZone) zone = g_time_zone_new_identifier("America/New_York");
        const AsRunExportOptions options = {.format = format,
                                            .channel_id = "retro",
                                            .channel_name = "Retro & <Co>",
                                            .channel_number = 5,
                                            .zone = zone,
                                            .rate = rate,
                                            .now_utc_ms = NOON,
                                            .out = open_memstream(&text, &size)};
        AsRunExport *export = asrun_export_new(&options);
        json_t *entries = page(f, &query, &next), *entry;
        size_t i;
        json_array_foreach(entries, i, entry) asrun_export_entry(export, entry);
        asrun_export_end(export);
        json_decref(entries);
        assert_int_equal(fclose(options.out), 0);
        char *copy = g_strdup(text);
        free(text);
        return copy;
}

static void record_hard_titles(Fixture *f) {
        EvidenceEvent *start = segment_start(1, "s1");
        g_free(start->title);
        start->title = g_strdup("A \"title\", <with> & all\r\n\x01 of it");
        record(f, start);
        EvidenceEvent *end = segment_at(2, "s1", NOON + 1000, SEGMENT_STATUS_SUBSTITUTED);
        end->asset_uuid = g_strdup("HOUSE-0001");
        end->asset_start_frame = 1800;
        end->asset_end_frame = 2698;
        end->reason = g_strdup("NOT_FOUND");
        record(f, end);
        record(f, fence(3, NOON + 31000));
}

/* Every row has its columns where they are, whatever their values are. */
static void text_has_fixed_columns(void **state) {
        Fixture *f = *state;
        EvidenceEvent *end =
                segment_at(2, "a-segment-uuid-of-more-than-thirty-two-characters", NOON, SEGMENT_STATUS_SUBSTITUTED);
        end->type = SEGMENT_STATION_ID;
        record(f, end);
        record(f, fence(3, NOON + 30000));
        g_autofree char *text = exported(f, ASRUN_FORMAT_TEXT, (RvRational){30, 1});
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        assert_string_equal(lines[0], "# as-run of channel retro, broadcast day 2026-11-21");
        for (unsigned i = 1; i < 4; i++) {
                static const size_t ends[] = {8, 17, 28, 37, 70};
                for (size_t j = 0; j < G_N_ELEMENTS(ends); j++)
                        assert_int_equal(lines[i][ends[j]], ' ');
        }
        assert_true(g_str_has_prefix(lines[2], "07:00:00 00:00:30 SUBSTITUTE station_ event-a-segment-uuid"));
        assert_true(g_str_has_prefix(lines[3], "07:00:30 00:00:00 FENCE      block    block-1 "));
}

static void csv_is_rfc_4180(void **state) {
        Fixture *f = *state;
        record_hard_titles(f);
        g_autofree char *text = exported(f, ASRUN_FORMAT_CSV, (RvRational){30, 1});
        g_auto(GStrv) header = g_strsplit(text, "\r\n", 2);
        assert_true(g_str_has_prefix(header[0], "start_utc,start_local,end_utc,end_local,duration_ms,channel_id,"));
        assert_true(g_str_has_prefix(header[1], "2026-11-21T12:00:01.000Z,2026-11-21T07:00:01-05:00,"
                                                "2026-11-21T12:00:31.000Z,2026-11-21T07:00:31-05:00,30000,retro,"
                                                "2026-11-21,segment_end,SUBSTITUTED,content,event-s1,block-1,0,s1,"
                                                "HOUSE-0001,\"A \"\"title\"\", <with> & all\r\n\x01 of it\","));
        assert_true(g_str_has_suffix(text, "\r\n"));
}

static void json_lines_are_the_records(void **state) {
        Fixture *f = *state;
        record_hard_titles(f);
        g_autofree char *text = exported(f, ASRUN_FORMAT_JSON, (RvRational){30, 1});
        g_autofree char *file = read_file(f, "2026-11-21.asrun.jsonl");
        g_auto(GStrv) lines = g_strsplit(file, "\n", 2);
        assert_string_equal(text, lines[1]); /* all but the segment's start */
}

/* What xmllint says of it. */
static void assert_well_formed(Fixture *f, const char *xml) {
        g_autofree char *path = g_build_filename(f->dir, "asrun.xml", NULL);
        assert_true(g_file_set_contents(path, xml, -1, NULL));
        const char *argv[] = {"xmllint", "--noout", path, NULL};
        int status = -1;
        assert_true(
                g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, &status, NULL));
        assert_int_equal(status, 0);
}

static void bxf_has_each_segment_as_an_event(void **state) {
        Fixture *f = *state;
        record_hard_titles(f);
        g_autofree char *xml = exported(f, ASRUN_FORMAT_BXF, (RvRational){30000, 1001});
        assert_well_formed(f, xml);
        static const char *const parts[] = {
                "xmlns=\"http://smpte-ra.org/schemas/2021/2008/BXF\"",
                "<Name>Retro &amp; &lt;Co&gt;</Name>",
                "<EventId>urn:uuid:s1</EventId>",
                "<HouseNumber>HOUSE-0001</HouseNumber>",
                "&lt;with&gt; &amp; all \n  of it</Name>",
                "<Status>Aired With Discrepancy</Status>",
                "broadcastDate=\"2026-11-21\" frameRate=\"29.97\"",
                "<SmpteTimeCode>07:00:01:00</SmpteTimeCode>",
                "<SmpteTimeCode>00:00:29;29</SmpteTimeCode>", /* 899 frames */
                "<SmpteTimeCode>00:01:00;02</SmpteTimeCode>", /* frame 1800: 0 and 1 are dropped */
                "reason=\"NOT_FOUND\"",
                "asset_end_frame=\"2698\"",
        };
        for (size_t i = 0; i < G_N_ELEMENTS(parts); i++)
                if (!strstr(xml, parts[i]))
                        fail_msg("%s is not in %s", parts[i], xml);
        assert_int_equal(count_lines(xml, "<BasicAsRun>"), 1);
}

static void bxf_of_nothing_is_a_message(void **state) {
        Fixture *f = *state;
        g_autofree char *xml = exported(f, ASRUN_FORMAT_BXF, (RvRational){24000, 1001});
        assert_well_formed(f, xml);
        assert_int_equal(count_lines(xml, "<Schedule "), 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(INV_ASRUN_PAGES_001_pages_have_every_entry_once),
                TEST(INV_ASRUN_PAGES_001_what_is_no_page_is_refused),
                TEST(entries_of_a_status),
                TEST(INV_ASRUN_DAY_001_an_event_is_of_the_day_in_which_it_began),
                TEST(INV_ASRUN_IMMUTABLE_001_files_go_on_where_the_data_has_moved),
                TEST(the_tail_tells_what_is_committed_once),
                TEST(text_has_fixed_columns),
                TEST(csv_is_rfc_4180),
                TEST(json_lines_are_the_records),
                TEST(bxf_has_each_segment_as_an_event),
                TEST(bxf_of_nothing_is_a_message),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
