/*
 * The comparison of what was planned with what aired: a pure function over two values. No clock, no store, no files;
 * the same two values give the same report on any machine. Readers that make the values are in reconcile.h; tests and
 * other judges (burn-in) may make their own. Any thread.
 */
#pragma once

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "proto/base/rational.h"
#include "proto/block_plan/block_plan.h"
#include "proto/evidence/evidence.h"

/* What a divergence is. Each has exactly one class; RUNWAY_DEGRADATION implies RUNTIME_RECOVERY. */
typedef enum {
        RECONCILE_MISSING_BLOCK = 1,         /* planned, an engine was on the air, and the block was not */
        RECONCILE_EXTRA_BLOCK,               /* aired and not planned, or aired twice */
        RECONCILE_BLOCK_TIME_MISMATCH,       /* a start or an end is not the planned one, to the tick and the ms */
        RECONCILE_SEGMENT_SEQUENCE_MISMATCH, /* a segment is missing, out of order, or not what was planned there */
        RECONCILE_PHANTOM_SEGMENT,           /* a segment that its block's plan does not have, or has once */
        RECONCILE_RUNTIME_RECOVERY,          /* something stood in for what could not be shown */
        RECONCILE_RUNWAY_DEGRADATION,        /* a block came after its time */
        RECONCILE_NOT_AIRED_BY_DESIGN,       /* no engine was asked to play the block: nobody watched */
        RECONCILE_CLASSES
} ReconcileClass;

typedef enum { RECONCILE_NO_FAULT, RECONCILE_PLANNING, RECONCILE_RUNTIME } ReconcileFault;

const char *reconcile_class_name(ReconcileClass class); /* "MISSING_BLOCK" ... */
const char *reconcile_fault_name(ReconcileFault fault); /* "none", "planning", "runtime" */
/* Whether one of them makes a report a failed one: recoveries and what nobody watched do not. */
bool reconcile_class_fails(ReconcileClass class);

typedef enum {
        RECONCILE_DAY,     /* every block that starts in [from, to), watched or not */
        RECONCILE_SESSION, /* what the sessions of the record should have aired, and nothing else */
} ReconcileScope;

/* What should have aired. Everything in it is borrowed. */
typedef struct {
        const char *channel_id;
        ReconcileScope scope;
        int64_t from_utc_ms, to_utc_ms; /* which blocks are judged, by their start */
        /* Locked blocks (BlockPlan), in order: those to be judged, and those around them, which are known and not
         * judged. */
        const GPtrArray *blocks;
        const GArray *locked_utc_ms; /* int64_t, when each was locked; NULL: in time */
        RvRational rate; /* of the house; a session that was not at this rate is recognised by its own ticks */
        GHashTable
                *source_rates; /* asset uuid -> RvRational of its pictures; others' offsets are not judged; or NULL */
        GTimeZone *zone;       /* for sentences; NULL: UTC */
} ReconcilePlan;

/* What aired: every event of the sessions concerned (EvidenceEvent), in any order. */
typedef struct {
        const GPtrArray *events;
} ReconcileRecord;

typedef struct {
        ReconcileClass class;
        ReconcileFault fault;
        char *session_id; /* NULL: no session aired it */
        char *block_id;
        int64_t block_utc_ms; /* planned start; of an unplanned block, the start found */
        char *segment_uuid;   /* NULL: about the block */
        int64_t at_utc_ms;    /* where on the channel's time it is */
        char *expected, *found;
        char *sentence; /* for the operator */
} ReconcileDivergence;

typedef struct {
        char *channel_id;
        ReconcileScope scope;
        int64_t from_utc_ms, to_utc_ms;
        GPtrArray *divergences;             /* ReconcileDivergence, by time */
        unsigned counts[RECONCILE_CLASSES]; /* by class; a RUNWAY_DEGRADATION counts as RUNTIME_RECOVERY, too */
        unsigned blocks, aired;             /* judged; and of them, in a session at least in part */
} ReconcileReport;

ReconcileReport *reconcile_compare(const ReconcilePlan *plan, const ReconcileRecord *record);
void reconcile_report_free(ReconcileReport *report);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ReconcileReport, reconcile_report_free)

/* No divergence of a class that fails. */
bool reconcile_report_ok(const ReconcileReport *report);
/* Nothing at all, but what nobody watched. */
bool reconcile_report_clean(const ReconcileReport *report);
/* "reconciled", or how many of each class that is there: "2 MISSING_BLOCK, 1 RUNTIME_RECOVERY"; g_free it. */
char *reconcile_report_summary(const ReconcileReport *report);
/* {"result": "reconciled" | "diverged", "summary", "blocks", "aired", "counts": {class: n}, "divergences": [...]};
 * json_decref it. */
json_t *reconcile_report_json(const ReconcileReport *report);
/* Plan and as-run side by side, one object a block of the report: "state" ("aired", "partly", "not_aired", "missing",
 * "extra"), planned times and segments, what was found of each, and the divergences' numbers; json_decref it. */
json_t *reconcile_rows_json(const ReconcilePlan *plan, const ReconcileRecord *record, const ReconcileReport *report);
