/* What compare.c (blocks), segments.c (what is in one) and sessions.c (events put in order) share. */
#pragma once

#include "core/record/reconcile/compare.h"

/* What was said of one segment of one block, borrowed events. */
typedef struct {
        const EvidenceEvent *start; /* NULL: had none (it was skipped, or the line is missing) */
        const EvidenceEvent *end;   /* NULL: not over */
} Found;

/* One turn of a block on the air. */
typedef struct {
        const char *block_id;
        const EvidenceEvent *start, *fence; /* NULL: none */
        GArray *segments;                   /* Found, as they were told */
} Airing;

typedef enum {
        SESSION_RUNNING, /* or its end is not known yet */
        SESSION_STOPPED, /* it was asked to end, and did */
        SESSION_BROKEN,  /* it ended otherwise */
} SessionHow;

typedef struct {
        const char *id;
        GPtrArray *events;  /* borrowed, as they were told; ours last */
        GPtrArray *airings; /* Airing */
        const EvidenceEvent *end;
        SessionHow how;
        int64_t epoch_utc_ms; /* of tick 0 */
        RvRational rate;
        int64_t reach_tick; /* the last tick that the record speaks of */
        int64_t limit_tick; /* what is planned before it should have aired */
} Session;

/* Session, by epoch. */
GPtrArray *sessions_of(const ReconcilePlan *plan, const ReconcileRecord *record);
/* The session's first tick at or after an instant; when a tick is. */
int64_t session_tick_at(const Session *session, int64_t utc_ms);
int64_t session_utc_ms(const Session *session, int64_t tick);
/* The first airing of the block; NULL: none. */
const Airing *session_airing(const Session *session, const char *block_id);
const char *found_uuid(const Found *found);
/* When it began; the tick that it has come to. */
int64_t airing_utc_ms(const Airing *airing);
int64_t session_reach_in(const Session *session, const Airing *airing);
/* Whether the session was on the air at some of the block's time. */
bool session_should_air(const Session *session, const BlockPlan *block);
/* Of a day, what starts in it; of sessions, all that they aired or should have. */
bool block_is_judged(const ReconcilePlan *plan, const GPtrArray *sessions, const BlockPlan *block);

typedef struct {
        const ReconcilePlan *plan;
        ReconcileReport *report;
} Judge;

/* Where a divergence is. */
typedef struct {
        const Session *session; /* NULL: none */
        const char *block_id;
        int64_t block_utc_ms;
        const char *segment_uuid; /* NULL: the block */
        int64_t at_utc_ms;
} Place;

typedef struct {
        ReconcileClass class;
        ReconcileFault fault;
        char *take_expected, *take_found;
} Finding;

/* The sentence is the format's; when and where is put in front of it. */
void diverge(const Judge *judge, const Place *place, const Finding *finding, const char *format, ...)
        G_GNUC_PRINTF(4, 5);
ReconcileReport *reconcile_report_new(const ReconcilePlan *plan); /* empty */
/* "2026-11-22 20:00:00.123" on the channel's clocks; g_free it. */
char *instant_text(const ReconcilePlan *plan, int64_t utc_ms);

/* One airing of a planned block: where its ticks should be. */
typedef struct {
        const Judge *judge;
        const Session *session;
        const Airing *airing;
        const BlockPlan *block;
        int64_t first_tick; /* the first that is its own: of the block, of the session, or when it came */
        bool late;          /* it came after its time */
} Bout;

void judge_segments(const Bout *bout);
