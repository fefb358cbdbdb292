/* One channel's plan: what is compiled, what is locked, and how both grow. Private to horizon; the planner's thread. */
#pragma once

#include "core/plan/horizon/horizon.h"
#include "core/plan/traffic/traffic.h"
#include "core/plan/transmission_log/transmission_log.h"

#define BLOCKS_STORED_MS INT64_C(691200000) /* 8 days after their end, for who asks what was planned */
#define PLAN_LEAD_MS INT64_C(60000) /* before now: who tunes in right after a seam starts a little in the past */

typedef struct {
        Store *store; /* borrowed */
        ChannelSpec *spec;
        CatalogSnapshot *catalog;
        GPtrArray *days;             /* ScheduleDay, contiguous; from yesterday */
        GPtrArray *blocks;           /* BlockPlan, contiguous, locked */
        guint n_unstored;            /* of blocks, the last ones: checked, about to be stored */
        TrafficHistory *history;     /* plays of this channel, as far back as any rule looks */
        TrafficInventory *inventory; /* of spec, catalog and excluded; NULL = to be made */
        TrafficComing *coming;       /* of days; NULL = to be made */
        GPtrArray *overrides;        /* Override: to be decided, or in force and not long past */
        GPtrArray *notices;          /* text: overrides that were refused or do not air as asked */
        GHashTable *excluded;        /* asset id -> TlFault: refused at the lock, not to be used for now */
        bool loaded;                 /* what earlier runs stored has been taken up */
        bool stale;                  /* rules or catalog are not those that the days were compiled from */
        bool dirty;                  /* differs from what is published */
        bool unsealed;               /* the log's files could not be written: they are still to be */
        GString *fault;              /* of this evaluation; empty = none */
        char *compile_fault;     /* what the last compile could not do as the rules say; stands until the next; NULL */
        PlanExtension extension; /* the last one */
        unsigned n_empty;        /* breaks of the blocks made since the last report that nothing fills */
        GPtrArray *lost;         /* text: files that locked blocks name and that are gone */
        bool has_spots;          /* with empty_breaks: the library has some */
        char *empty_breaks;      /* text: breaks ahead that stay empty; NULL = none */
} ChannelPlan;

ChannelPlan *channel_plan_new(Store *store, ChannelSpec *spec, CatalogSnapshot *catalog);
void channel_plan_free(ChannelPlan *plan);
/* The plan grew, or failed to. */
void channel_plan_note_extension(ChannelPlan *plan, ExtensionReason reason, bool complete, int64_t now_utc_ms);
/* Records a planning fault; the first ones of an evaluation are kept. */
void channel_plan_fault(ChannelPlan *plan, const char *format, ...) G_GNUC_PRINTF(2, 3);
void channel_plan_set_inputs(ChannelPlan *plan, ChannelSpec *spec, CatalogSnapshot *catalog);

/* INT64_MIN when there is nothing. */
int64_t channel_plan_epg_end(const ChannelPlan *plan);
int64_t channel_plan_execution_end(const ChannelPlan *plan);
/* Borrowed; NULL: none at that instant. */
Programme *channel_plan_programme_at(const ChannelPlan *plan, int64_t utc_ms);

/* Whether blocks say what comes after them. */
bool channel_plan_says_next(const ChannelPlan *plan);
/* If so: what the guide shows from an instant on, the first programme that begins then or later, filler passed over.
 * Borrowed; NULL = the guide does not reach that far. changed: stands for the day of its date; NULL = none. */
const Programme *channel_plan_next_shown(const ChannelPlan *plan, const ScheduleDay *changed, int64_t utc_ms);

/* Takes up what earlier runs stored. False with a fault. */
bool channel_plan_load(ChannelPlan *plan, int64_t now_utc_ms);
/* One more day after the last; the first one covers now. False with a fault. */
bool channel_plan_extend_day(ChannelPlan *plan, int64_t now_utc_ms);
/* Compiles anew what is neither locked nor begun. False with a fault: the last good plan stays in force. */
bool channel_plan_recompile(ChannelPlan *plan, int64_t now_utc_ms);
/* One more block after the last; the first one covers now. False with a fault. Not stored before channel_plan_store. */
bool channel_plan_extend_block(ChannelPlan *plan, int64_t now_utc_ms);
/* Locks in the store what extend_block has added; on failure gives it up again. */
bool channel_plan_store(ChannelPlan *plan, int64_t now_utc_ms);
/* Allows assets again whose files have come back; those that are still left out are a fault. */
void channel_plan_readmit(ChannelPlan *plan);
/* What an operator should know of the locked blocks, anew (review.c). Files of the next hour that are gone are told,
 * and left out of what is not locked. */
void channel_plan_review_files(ChannelPlan *plan, int64_t now_utc_ms);
void channel_plan_review_breaks(ChannelPlan *plan, int64_t now_utc_ms);
/* Lets go of what is over, in memory and in the store. */
void channel_plan_drop_past(ChannelPlan *plan, int64_t now_utc_ms);

/* The same for what is stored of channels that have no plan (id -> ChannelPlan) any more. */
bool channel_plans_purge_gone(Store *store, GHashTable *plans, int64_t now_utc_ms, GError **error);

/* Overrides (override.c). */
bool channel_plan_load_overrides(ChannelPlan *plan, int64_t now_utc_ms, GError **error);
/* Decides those that wait to be put in force or taken back. What is changed is held on the board until it is published
 * or released. */
void channel_plan_apply_overrides(ChannelPlan *plan, PlanBoard *board, const char *logs_dir, int64_t now_utc_ms);
/* What an operator should know of overrides, anew. */
void channel_plan_review_overrides(ChannelPlan *plan, int64_t now_utc_ms);
/* A compiled day with the programmes of overrides in it. */
ScheduleDay *channel_plan_lay_overrides(const ChannelPlan *plan, ScheduleDay *take_day);
/* The programmes of a day that begin before the instant, as they were before any override (Programme with its unref).
 */
GPtrArray *channel_plan_lift_overrides(const ChannelPlan *plan, const ScheduleDay *day, int64_t until_utc_ms);
/* Borrowed. */
const TrafficInventory *channel_plan_inventory(ChannelPlan *plan);
/* What the days hold, for promos; borrowed until they change. */
const TrafficComing *channel_plan_coming(ChannelPlan *plan);
/* For who changes days. */
void channel_plan_days_changed(ChannelPlan *plan);
