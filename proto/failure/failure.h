/*
 * Failure: whatever can go wrong while RetroVue runs, each under one stable code, with its class, a sentence that says
 * what it means on the air and one that says what to do. The code is what is logged, counted, shown and looked up in
 * docs/OPERATING.md.
 *
 * Classes: planning (the plan is not what it should be: files of channels, library, rules; mend it before its time
 * comes), runtime (the plan was right and something did not play, serve or record it), request (somebody asked for what
 * there is not; nothing of ours failed).
 *
 * All functions: any thread. What is counted is counted since the program began.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef enum { FAILURE_PLANNING, FAILURE_RUNTIME, FAILURE_REQUEST } FailureClass;

/* "planning", "runtime", "request". Static. */
const char *failure_class_name(FailureClass class);

/* Static, all of it. */
typedef struct {
        const char *code; /* "channel.start_failed" */
        FailureClass class;
        const char *sentence; /* what it means */
        const char *cure;     /* what to do */
} FailureKind;

/* NULL: there is no such code. */
const FailureKind *failure_kind(const char *code);
/* All, by code. */
const FailureKind *failure_kinds(size_t *ret_n);

/* From now on every warning and error of the log is counted under its name, and its line carries the class. Once, right
 * after rv_log_init. */
void failure_watch_log(void);
/* Counts what is not logged here, such as what another process reports. detail (may be NULL) is kept as the last one. A
 * code that there is not is counted nowhere and false. */
bool failure_note(const char *code, const char *detail);
/* The same for "<area>.<name>", with name in lower case: failure_note_of("segment", "NOT_FOUND", detail). */
bool failure_note_of(const char *area, const char *name, const char *detail);

#define FAILURE_DETAIL_SIZE 200

typedef struct {
        const FailureKind *kind;
        int64_t count;
        int64_t last_utc_ms;
        char last[FAILURE_DETAIL_SIZE]; /* UTF-8, cut to fit; "" when nothing was said */
} FailureTally;

/* What happened at all, by code: an array of FailureTally, g_array_unref it. */
GArray *failure_tallies(void);
