/* A record with a store and files of its own, and events of channel "retro" for it. */
#pragma once

#include <glib.h>
#include <string.h>

#include "core/record/asrun/asrun.h"
#include "proto/base/id.h"
#include "tests/support/cmocka.h"
#include "tests/support/temp_dir.h"

#define NOON INT64_C(1795262400000)
#define SESSION "00000000-0000-4000-8000-000000000001"

typedef struct {
        char *dir, *store_path, *logs_dir, *spool_dir;
        RvClock *clock;
        AsRun *asrun;
} Fixture;

static inline void place_of(void *user, const char *channel_id, int64_t utc_ms, char ret_day[11], char ret_time[9]) {
        g_strlcpy(ret_day, utc_ms < NOON + 3600000 ? "2026-11-21" : "2026-11-22", 11);
        g_snprintf(ret_time, 9, "12:00:%02d", (int)((utc_ms - NOON) / 1000 % 60));
}

static inline void open_asrun(Fixture *f) {
        g_autoptr(GError) error = NULL;
        AsRunOptions options = {f->store_path, f->logs_dir, f->clock, place_of, NULL, f->spool_dir};
        f->asrun = asrun_new(&options, &error);
        assert_null(error);
}

static inline int setup(void **state) {
        Fixture *f = g_new0(Fixture, 1);
        f->dir = temp_dir_new();
        f->store_path = g_build_filename(f->dir, "retrovue.db", NULL);
        f->logs_dir = g_build_filename(f->dir, "logs", NULL);
        f->spool_dir = g_build_filename(f->dir, "spool", NULL);
        f->clock = rv_clock_fake_new(NOON);
        open_asrun(f);
        *state = f;
        return 0;
}

static inline int teardown(void **state) {
        Fixture *f = *state;
        asrun_free(f->asrun);
        rv_clock_fake_free(f->clock);
        g_free(f->store_path);
        g_free(f->logs_dir);
        g_free(f->spool_dir);
        temp_dir_free(f->dir);
        g_free(f);
        return 0;
}

static inline void name_event(EvidenceEvent *event, int64_t sequence) {
        event->channel_id = g_strdup("retro");
        event->session_id = g_strdup(SESSION);
        event->sequence = sequence;
        event->event_uuid = g_malloc(RV_UUID_SIZE);
        rv_uuid_random(event->event_uuid);
        event->block_id = g_strdup("block-1");
        event->emitted_utc_ms = NOON + sequence * 1000;
}

static inline EvidenceEvent *segment_start(int64_t sequence, const char *segment_uuid) {
        EvidenceEvent *event = evidence_event_new(EVIDENCE_SEGMENT_START);
        name_event(event, sequence);
        event->segment_uuid = g_strdup(segment_uuid);
        event->event_id = g_strdup_printf("event-%s", segment_uuid);
        event->title = g_strdup("A \"title\"\nof two lines");
        event->asset_uri = g_strdup("/media/a.mkv");
        event->type = SEGMENT_CONTENT;
        event->start_utc_ms = NOON + 1000;
        return event;
}

static inline EvidenceEvent *segment_end(int64_t sequence, const char *segment_uuid) {
        EvidenceEvent *event = evidence_event_new(EVIDENCE_SEGMENT_END);
        name_event(event, sequence);
        event->segment_uuid = g_strdup(segment_uuid);
        event->event_id = g_strdup_printf("event-%s", segment_uuid);
        event->type = SEGMENT_CONTENT;
        event->status = SEGMENT_STATUS_AIRED;
        event->start_utc_ms = NOON + 1000;
        event->end_utc_ms = NOON + 31000;
        event->frames = 899;
        return event;
}

static inline void record(Fixture *f, EvidenceEvent *take_event) {
        g_autoptr(GError) error = NULL;
        g_autoptr(EvidenceEvent) event = take_event;
        bool done = asrun_record(f->asrun, event, &error);
        assert_null(error);
        assert_true(done);
}

static inline char *read_file(Fixture *f, const char *name) {
        g_autofree char *path = g_build_filename(f->logs_dir, "asrun", "retro", name, NULL);
        char *text = NULL;
        assert_true(g_file_get_contents(path, &text, NULL, NULL));
        return text;
}

static inline unsigned count_lines(const char *text, const char *holding) {
        unsigned n = 0;
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        for (char **line = lines; *line; line++)
                n += strstr(*line, holding) != NULL;
        return n;
}

static inline json_t *entries(Fixture *f) {
        g_autoptr(GError) error = NULL;
        g_autofree char *next = NULL;
        const AsRunQuery query = {
                .channel_id = "retro", .from_utc_ms = NOON, .to_utc_ms = NOON + 7200000, .limit = 100};
        json_t *list = asrun_entries(f->asrun, &query, &next, &error);
        assert_null(error);
        return list;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
