/*
 * Transmission log: filled programmes as blocks, the rules that a block must satisfy to be locked, and the keeping of
 * what is locked: rows in the store (inserted once, never updated) and a file pair per channel-day for people and for
 * reconciliation.
 *
 * Called by horizon on the planner's thread. Readers of locked logs (as-run, command line) use the store functions with
 * a Store of their own.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/store.h"
#include "core/plan/schedule/schedule.h"
#include "core/plan/traffic/traffic.h"
#include "proto/block_plan/block_plan.h"

/* The block of a programme and its items (TrafficItem). Ids of block, events and segments follow from channel, start
 * and content: made again, it is the same block. */
BlockPlan *transmission_log_block(const ChannelSpec *spec, const Programme *programme, const GArray *items);

/* Before anybody else sees the block: where the logo, the title and what comes next stand over it, as the channel says.
 * next: what the guide shows after it; NULL = that is not known. Without graphics the block stays as it is. */
void transmission_log_dress(BlockPlan *block, const ChannelSpec *spec, const Programme *programme,
                            const Programme *next);

/* --- lock -----------------------------------------------------------------------------------------------------------
 */

typedef enum {
        TL_OK = 0,
        TL_GAP,        /* INV-TL-SEAM-001: a block does not start where the one before it ends */
        TL_UNIT,       /* INV-TL-SEAM-002: not a whole number of grid units */
        TL_ORDER,      /* INV-TL-SEAM-003: not later than the block before it */
        TL_LENGTH,     /* INV-TL-SEAM-004: zero or negative length */
        TL_BLOCK,      /* a rule of BlockPlan: segments do not sum, ids, offsets, fades ... */
        TL_INELIGIBLE, /* names an asset that may not be planned, or more of it than there is */
        TL_UNRESOLVED, /* names a file that is not there or cannot be read */
} TlFault;

/* "ok", "gap", "unit" ... Static. */
const char *tl_fault_name(TlFault fault);

typedef struct {
        const ChannelSpec *spec;
        const CatalogSnapshot *catalog;
        int64_t unit_ms;           /* grid unit that blocks are judged by */
        const BlockPlan *previous; /* the last locked block; NULL: these are the first */
} TlRules;

typedef struct {
        char *detail;   /* a sentence that names rule, block and entry */
        char *asset_id; /* the asset at fault; NULL when none is */
} TlRefusal;

void tl_refusal_clear(TlRefusal *refusal);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(TlRefusal, tl_refusal_clear)

/* Judges blocks (BlockPlan, in order) before they are locked: the first rule broken. ret_refusal (zeroed) is set only
 * then. */
TlFault transmission_log_check(const TlRules *rules, const GPtrArray *blocks,
                               TlRefusal *ret_refusal) G_GNUC_WARN_UNUSED_RESULT;

/* --- keeping --------------------------------------------------------------------------------------------------------
 */

/* Locks blocks that passed the check: one transaction. Each goes into the log of the broadcast day it starts in. */
bool transmission_log_lock(Store *store, const ChannelSpec *spec, const GPtrArray *blocks, int64_t now_utc_ms,
                           GError **error);

typedef struct {
        int64_t from_utc_ms, to_utc_ms;
        const GPtrArray *blocks; /* BlockPlan, in order */
} TlReplacement;

/* Locked blocks (BlockPlan with its unref) of a channel that end after the instant, in order. NULL on failure. */
GPtrArray *transmission_log_blocks(Store *store, const char *channel_id, int64_t after_utc_ms, GError **error);
/* The block of that id; NULL without an error: there is none. */
BlockPlan *transmission_log_find(Store *store, const char *channel_id, const char *block_id, GError **error);
/* Forgets blocks that ended before the instant, and the logs that then have none. The files stay. */
bool transmission_log_purge(Store *store, const char *channel_id, int64_t before_utc_ms, GError **error);

/*
 * Takes the blocks that start in [from, to) out of their logs again and locks others in their place, which passed the
 * check and cover the same time; inside the caller's transaction. Each log concerned becomes a new version: its id is
 * another one and it is sealed again when it is complete.
 */
bool transmission_log_replace(Store *store, const ChannelSpec *spec, const TlReplacement *replacement,
                              int64_t now_utc_ms, GError **error);
/* Before that: writes the files of the logs concerned that have none yet, as they are now. */
bool transmission_log_keep(Store *store, const ChannelSpec *spec, const TlReplacement *replacement,
                           const char *logs_dir, int64_t now_utc_ms, GError **error);

/*
 * Writes <logs_dir>/transmission/<channel>/<day>.tlog and .tlog.jsonl of every log that is not sealed yet and whose day
 * is locked to its end or over, and seals it. A file that exists is never written again. Later versions of a log are
 * <day>.v2.tlog ...; what was replaced before it was complete is <day>.v1-replaced.tlog.
 */
bool transmission_log_seal(Store *store, const ChannelSpec *spec, const char *logs_dir, int64_t now_utc_ms,
                           GError **error);

/* The two documents, for a day's blocks in order; g_free them. */
char *transmission_log_text(const ChannelSpec *spec, const char *day, const char *log_id, const GPtrArray *blocks,
                            int64_t generated_utc_ms);
char *transmission_log_jsonl(const GPtrArray *blocks);
/* What stands over a segment, each only where there is some: "logo": true and "snipes": [{"start_ms", "duration_ms",
 * "headline", "detail" (may be missing)}]. */
void transmission_log_put_graphics(json_t *object, const BlockSegment *segment);
/* Deterministic id of a version (1, 2 ...) of the log of a channel-day. */
void transmission_log_id(const char *channel_id, const char *day, int64_t version, char ret_uuid[37]);
