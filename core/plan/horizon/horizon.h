/*
 * Horizon: keeps every channel planned far enough ahead: days of guide (programmes) and hours of locked, filled blocks.
 * It is the only thing that plans; everybody else reads what it has published and takes its absence as an explicit
 * error.
 *
 * A Horizon belongs to one thread (the planner's) and is driven by horizon_evaluate on its own clock. Published views
 * are immutable and may be read from any thread; a reader never sees half of a change, and generations rise.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/store.h"
#include "core/plan/catalog/catalog.h"
#include "core/plan/schedule/schedule.h"
#include "proto/base/clock.h"
#include "proto/block_plan/block_plan.h"

/* Why a channel's plan grew. */
typedef enum {
        EXTENSION_FIRST = 1, /* it had none */
        EXTENSION_DUE,       /* time went on */
        EXTENSION_ASKED,     /* an extension call */
        EXTENSION_CHANGED,   /* rules or catalog are new: what was not locked was planned anew */
} ExtensionReason;

/* The last time that a channel's plan grew or failed to. */
typedef struct {
        int64_t id; /* rises by one for a channel, from the horizon's start on; 0: none so far */
        ExtensionReason reason;
        bool complete; /* it reached what was wanted; else the view's fault says why not */
        int64_t at_utc_ms;
} PlanExtension;

/* What is planned for one channel, as of one generation. Immutable, shared. */
typedef struct {
        ChannelSpec *spec;
        int64_t generation;
        GPtrArray *programmes; /* Programme, contiguous, from before now to epg_end */
        GPtrArray
                *blocks; /* BlockPlan, contiguous, locked, from a little before the block on the air to execution_end */
        int64_t epg_end_utc_ms, execution_end_utc_ms; /* 0 = nothing is planned */
        int64_t min_epg_ms, min_execution_ms;         /* how far ahead both should reach, at any time */
        PlanExtension extension;
        char *fault; /* why the horizon is short or not what the rules say, a sentence or more; NULL when all is well */
        char **notices;       /* overrides that were refused or do not air as asked, a sentence each; NULL = none */
        char **lost;          /* files that blocks of the next hour name and that are gone, the same */
        bool has_spots;       /* with empty_breaks: the library has spots, so that they may be a mistake */
        char *empty_breaks;   /* breaks of the blocks ahead that nothing fills, and why; NULL = none */
        gatomicrefcount refs; /* private */
} PlanView;

PlanView *plan_view_ref(PlanView *view);
void plan_view_unref(PlanView *view);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PlanView, plan_view_unref)

typedef enum {
        PLAN_OK = 0,
        PLAN_NO_CHANNEL,       /* no such channel (view is NULL) */
        PLAN_NO_SCHEDULE_DATA, /* nothing is planned for that instant: a planning fault, never a reason to plan */
} PlanResult;

/* The programme or block at an instant (new reference). view may be NULL. */
PlanResult plan_view_programme_at(const PlanView *view, int64_t utc_ms,
                                  Programme **ret_programme) G_GNUC_WARN_UNUSED_RESULT;
PlanResult plan_view_block_at(const PlanView *view, int64_t utc_ms, BlockPlan **ret_block) G_GNUC_WARN_UNUSED_RESULT;

typedef struct {
        int64_t epg_depth_ms, execution_depth_ms; /* planned from now on */
        int64_t epg_short_ms, execution_short_ms; /* what is missing to the minimum; 0 = nothing */
} PlanHealth;

PlanHealth plan_view_health(const PlanView *view, int64_t now_utc_ms);
/* "first", "due", "asked", "changed"; "none" for anything else. Static. */
const char *extension_reason_name(ExtensionReason reason);

/* Where views are published: one per channel id, plus the order of channels. Any thread. */
typedef struct PlanBoard PlanBoard;
PlanBoard *plan_board_new(void);
PlanBoard *plan_board_ref(PlanBoard *board);
void plan_board_unref(PlanBoard *board);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PlanBoard, plan_board_unref)
/* New reference, or NULL: no such channel. */
PlanView *plan_board_view(PlanBoard *board, const char *channel_id);
/* All views by channel number (PlanView with its unref); free with g_ptr_array_unref. */
GPtrArray *plan_board_views(PlanBoard *board);
/* Rises with every publication of any channel. */
int64_t plan_board_generation(PlanBoard *board);
/* For who plans (and tests): puts the view in the place of its channel's and gives it its generation; takes the
 * reference. */
void plan_board_publish(PlanBoard *board, PlanView *take_view);
void plan_board_unpublish(PlanBoard *board, const char *channel_id);

/*
 * Handing out: who feeds an engine takes its blocks through a reader of its own, so that who plans knows how far that
 * has gone: what was handed out is not changed any more, all that comes later may be. Any thread.
 */
typedef struct PlanReader PlanReader;
PlanReader *plan_reader_new(PlanBoard *board, const char *channel_id);
/* The session is over: what it was handed counts no more. NULL is allowed. */
void plan_reader_free(PlanReader *reader);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PlanReader, plan_reader_free)
/* The block at an instant (new reference), handed out from now on. PLAN_NO_SCHEDULE_DATA also while it is held: the
 * next publication, or a second later, is the time to ask again. */
PlanResult plan_reader_take(PlanReader *reader, int64_t utc_ms, BlockPlan **ret_block) G_GNUC_WARN_UNUSED_RESULT;
/* For who plans: from now on nothing that ends after the instant is handed out, until the channel is released or
 * published. False, and nothing is held: it has been, until *ret_handed_until_utc_ms. */
bool plan_board_hold(PlanBoard *board, const char *channel_id, int64_t from_utc_ms,
                     int64_t *ret_handed_until_utc_ms) G_GNUC_WARN_UNUSED_RESULT;
void plan_board_release(PlanBoard *board, const char *channel_id);

/* One more planning fault of a channel: what its plan should have had and has not. Who finds it counts it, once. */
void plan_board_count_fault(PlanBoard *board, const char *channel_id);
/* How many there were, since the board was made. */
int64_t plan_board_faults(PlanBoard *board, const char *channel_id);

typedef struct Horizon Horizon;

typedef struct {
        Store *store;     /* the planner thread's; borrowed */
        PlanBoard *board; /* borrowed */
        RvClock *clock;
        int64_t min_epg_ms, min_execution_ms;
        const char *logs_dir; /* for transmission-log artifacts: <logs_dir>/transmission/<channel>/<day>.tlog[.jsonl] */
        void (*on_published)(void *user, const char *channel_id); /* on the planner's thread; may be NULL */
        void *user;
} HorizonOptions;

Horizon *horizon_new(const HorizonOptions *options);
void horizon_free(Horizon *horizon);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Horizon, horizon_free)

/* New rules or a new catalog: what is not locked is planned anew at the next evaluation. specs: ChannelSpec. A channel
 * that is gone is unpublished. Stored plans of earlier runs are taken up as they are. */
void horizon_set_inputs(Horizon *horizon, GPtrArray *specs, CatalogSnapshot *catalog);

/* How far ahead to plan from the next evaluation on: a catalog that is still growing is not worth hours of locked
 * blocks. */
void horizon_set_depth(Horizon *horizon, int64_t min_epg_ms, int64_t min_execution_ms);

/* Extends every channel that is short, publishes, drops the past. Returns when to be called again (UTC ms, at most a
 * minute on). */
int64_t horizon_evaluate(Horizon *horizon);

typedef enum {
        EXTEND_OK = 0,
        EXTEND_NO_CHANNEL,
        EXTEND_SHORT, /* a planning fault, recorded in the view */
        EXTEND_ENDED, /* nobody plans any more (never of a horizon) */
} ExtendResult;

/* One of the extension calls below, for who is on another thread than the horizon. */
typedef enum {
        EXTEND_BY_GUIDE_DAY = 1,
        EXTEND_BY_EXECUTION_DAY,
        EXTEND_BY_EXECUTION_BLOCKS, /* amount: how many */
        EXTEND_BY_EXECUTION_UNTIL,  /* amount: UTC ms */
} ExtendBy;
typedef struct {
        const char *channel_id;
        ExtendBy by;
        int64_t amount;
} ExtendCall;
typedef void (*ExtendDone)(void *user, ExtendResult result);

/* Makes the call. */
ExtendResult horizon_extend(Horizon *horizon, const ExtendCall *call) G_GNUC_WARN_UNUSED_RESULT;
/*
 * The extension calls: a day of guide after the last; execution to the end of the day it reaches into, by a number of
 * blocks, or until an instant is covered (the guide grows with it). What was gained is published also when the rest
 * failed. ret_end_utc_ms (may be NULL): where guide or execution ends now, 0 = nothing is planned; untouched for
 * EXTEND_NO_CHANNEL.
 */
ExtendResult horizon_extend_epg_day(Horizon *horizon, const char *channel_id,
                                    int64_t *ret_end_utc_ms) G_GNUC_WARN_UNUSED_RESULT;
ExtendResult horizon_extend_execution_day(Horizon *horizon, const char *channel_id,
                                          int64_t *ret_end_utc_ms) G_GNUC_WARN_UNUSED_RESULT;
ExtendResult horizon_extend_execution_blocks(Horizon *horizon, const char *channel_id, unsigned n_blocks,
                                             int64_t *ret_end_utc_ms) G_GNUC_WARN_UNUSED_RESULT;
ExtendResult horizon_extend_execution_until(Horizon *horizon, const char *channel_id, int64_t utc_ms,
                                            int64_t *ret_end_utc_ms) G_GNUC_WARN_UNUSED_RESULT;
