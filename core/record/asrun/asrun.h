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

#include "core/base/store.h"
#include "proto/base/clock.h"
#include "proto/evidence/evidence.h"

typedef struct AsRun AsRun;

typedef struct {
        const char *store_path;
        const char *logs_dir;
        RvClock *clock;
        /* In the channel's own time (given by the composition root): the broadcast day "YYYY-MM-DD" that the instant
         * belongs to and the local time "HH:MM:SS". Any thread. */
        void (*place_of)(void *user, const char *channel_id, int64_t utc_ms, char ret_day[11], char ret_time[9]);
        void *user;
        const char *spool_dir; /* <spool_dir>/<channel>/<session_id>.spool are the engines'; NULL = there are none */
} AsRunOptions;

AsRun *asrun_new(const AsRunOptions *options, GError **error);
void asrun_free(AsRun *asrun);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AsRun, asrun_free)

int64_t asrun_last_sequence(AsRun *asrun, const char *channel_id, const char *session_id);
/* Rows and file lines are on disk when it returns true; an event held already changes nothing. */
bool asrun_record(AsRun *asrun, const EvidenceEvent *event, GError **error);
/* The same for n events, of any channels and sessions, in one transaction with one flush: all of them or none. */
bool asrun_record_all(AsRun *asrun, const EvidenceEvent *const *events, unsigned n, GError **error);
/* An engine is gone, as far as we know without channel_terminated: its session is settled, now or, when that cannot be
 * yet, by asrun_settle. False: not yet, for a fault. */
bool asrun_engine_died(AsRun *asrun, const char *channel_id, const char *session_id, const char *detail,
                       GError **error);

/* Settles the sessions that asrun_new found without an end, what spools it found, and the dead that were reported. To
 * settle is: what the spool still holds is recorded and the file removed; then, if there is no channel_terminated, each
 * open segment is closed (TRUNCATED, CHANNEL_TERMINATED) at the last sign of life and an ERROR entry is written. A
 * spool that somebody has locked, because its engine lives or the channel's next one delivers it, is waited for.
 * Returns how many are left: come again. One thread at a time, with asrun_engine_died. */
unsigned asrun_settle(AsRun *asrun);
/* Core lives, and would have told of an engine's death: kept for the next asrun_new, which closes what a killed core
 * and its engines left open at this instant. Every few seconds, any thread. */
void asrun_note_alive(AsRun *asrun);

/* --- reading ----------------------------------------------------------------------------------------------------- */

typedef struct {
        const char *channel_id;
        int64_t from_utc_ms, to_utc_ms; /* what began in [from, to) */
        const char *day;                /* of this broadcast day only; NULL = of any */
        const char *statuses;           /* "ERROR,SHORT": segments that ended so, only; NULL = everything */
        const char *after;              /* where the page before ended, its *ret_next; NULL = from the beginning */
        unsigned limit;
} AsRunQuery;

/* The events' documents (block_start, segment_end, block_fence, channel_terminated), as in the .asrun.jsonl file, in
 * the order in which they began: an array, json_decref it. *ret_next is set when there are more (g_free it), else NULL.
 * RV_ERROR_INVALID: statuses or after are none. */
json_t *asrun_entries(AsRun *asrun, const AsRunQuery *query, char **ret_next, GError **error);
/* The same from a store opened to read, whether or not the daemon runs. */
json_t *asrun_read(Store *store, const AsRunQuery *query, char **ret_next, GError **error);
/* Whether anything at all is recorded of the channel. */
bool asrun_knows(Store *store, const char *channel_id, GError **error);

/* The record as it grows: what is committed to a channel's .asrun.jsonl files since the last look, in the order of
 * telling, over any number of the daemon's restarts. One thread. */
typedef struct AsRunTail AsRunTail;

/* store (opened to read) and logs_dir are the daemon's. The first look gives the last lines that are there. */
AsRunTail *asrun_tail_new(Store *store, const char *logs_dir, const char *channel_id);
void asrun_tail_free(AsRunTail *tail);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AsRunTail, asrun_tail_free)
/* Calls told for each entry (borrowed) of the kinds that asrun_read gives. */
bool asrun_tail_look(AsRunTail *tail, void (*told)(void *user, const json_t *entry), void *user, GError **error);
