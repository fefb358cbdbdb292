/*
 * BurninReport: what a burn-in found, a value: the run's figures, its violations, each with the contract it breaks and
 * what caused it, and the faults that were injected, each found or not. One thread at a time.
 */
#pragma once

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* What can go wrong outside of the programs: injected by us, or met with. Bits. */
typedef enum {
        BURNIN_NO_CAUSE = 0, /* the programs themselves, then */
        BURNIN_LATE_FEED = 1 << 0,
        BURNIN_MISSING_FILE = 1 << 1,
        BURNIN_DEAD_AIR = 1 << 2,
        BURNIN_DEAD_CORE = 1 << 3,
        BURNIN_CORRUPT_CLIP = 1 << 4,
} BurninCause;
#define BURNIN_CAUSES 5

/* "late-feed" ...; "none" for BURNIN_NO_CAUSE. Static. */
const char *burnin_cause_name(BurninCause cause);
/* "planning" or "runtime": whose it is to mend. Static. */
const char *burnin_cause_class(BurninCause cause);
/* Names with commas between, or "none"; -1: one of them is no cause. */
int burnin_causes_from_text(const char *text);

typedef struct {
        const char *contract; /* its id; static */
        BurninCause cause;    /* as judged by what was seen, never by what was injected */
        char *channel;        /* NULL: core, or all of them */
        char *subject;        /* file or session that it is about; NULL: none */
        int64_t utc_ms;       /* of the channel's time; 0: none */
        char *detail;         /* a sentence */
        bool injected;        /* an injection accounts for it; set by burnin_report_close */
} BurninViolation;

typedef struct {
        BurninCause cause;
        char *channel; /* NULL: all */
        char *subject; /* the file; NULL: none */
        int64_t utc_ms;
        bool is_kill;   /* one of many: who was killed may not have said a word yet, and then nothing is found */
        unsigned found; /* violations that it accounts for; set by burnin_report_close */
} BurninInjection;

/* Of one channel. */
typedef struct {
        char *channel;
        int64_t from_utc_ms, to_utc_ms;
        int64_t blocks, segments, pads, fences, sessions, pictures, pad_frames, stream_bytes;
        int64_t underruns; /* segments that a compressed run made faster than their files could be read */
} BurninFigures;

typedef struct {
        bool compressed;
        guint32 seed;
        int64_t asked_ms, wall_ms;
        GPtrArray *figures;    /* BurninFigures */
        GPtrArray *violations; /* BurninViolation */
        GPtrArray *injections; /* BurninInjection */
        bool closed;
} BurninReport;

BurninReport *burnin_report_new(void);
void burnin_report_free(BurninReport *report);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BurninReport, burnin_report_free)

/* The violation's texts are copied; detail is given as printf does. */
void burnin_report_violation(BurninReport *report, const BurninViolation *violation, const char *format, ...)
        G_GNUC_PRINTF(3, 4);
void burnin_report_injection(BurninReport *report, BurninCause cause, const char *channel, const char *subject,
                             int64_t utc_ms);
/* The same of one of many kills, which need not be found. */
void burnin_report_kill(BurninReport *report, BurninCause cause, const char *channel, int64_t utc_ms);
/* Zeroed, owned by the report. */
BurninFigures *burnin_report_figures(BurninReport *report, const char *channel);

/* Everything was judged: says which violations the injections account for. Once. */
void burnin_report_close(BurninReport *report);
/* Of a closed report: nothing was violated but by injections, and each of them was found. */
bool burnin_report_passed(const BurninReport *report);
/* Of a closed report, for people and for programs. g_free; json_decref. */
char *burnin_report_text(const BurninReport *report);
json_t *burnin_report_json(const BurninReport *report);
