/*
 * As-run: what aired, from evidence and nothing else. Core is its only writer: rows in the store and append-only files
 * <logs_dir>/asrun/<channel>/<broadcast day>.asrun and .asrun.jsonl. Records are never edited.
 *
 * Thread-safe: evidence threads record, HTTP workers and the control loop read; one connection behind a mutex.
 */
#pragma once

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "proto/base/clock.h"
#include "proto/evidence/evidence.h"

typedef struct AsRun AsRun;

typedef struct {
        const char *store_path;
        const char *logs_dir;
        RvClock *clock;
        /* The broadcast day "YYYY-MM-DD" of the channel that the instant belongs to (given by the composition root). */
        void (*day_of)(void *user, const char *channel_id, int64_t utc_ms, char ret_day[11]);
        void *user;
} AsRunOptions;

AsRun *asrun_new(const AsRunOptions *options, GError **error);
void asrun_free(AsRun *asrun);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AsRun, asrun_free)

int64_t asrun_last_sequence(AsRun *asrun, const char *channel_id, const char *session_id);
/* Rows and file lines are on disk when it returns true; an event held already changes nothing. */
bool asrun_record(AsRun *asrun, const EvidenceEvent *event, GError **error);
/* An engine died without channel_terminated: its open segment and block are closed (TRUNCATED, CHANNEL_TERMINATED) and an ERROR
 * entry is written, once per session. */
bool asrun_engine_died(AsRun *asrun, const char *channel_id, const char *session_id, const char *detail, GError **error);

/* Entries of a channel that began in [from, to), oldest first, at most limit: array of objects with
 * actual_start_utc_ms, duration_ms, status, type, event_id, block_id, title, asset_uri, reason, notes. json_decref it. */
json_t *asrun_entries(AsRun *asrun, const char *channel_id, int64_t from_utc_ms, int64_t to_utc_ms, unsigned limit,
                      GError **error);
