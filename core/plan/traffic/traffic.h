/*
 * Traffic: where a programme's breaks are and what fills them. A programme in its slot becomes a row of items (acts,
 * spots, filler, pad) that sums to the slot exactly.
 *
 * Deterministic: the same programme, catalog, policy, play history and schedule ahead give the same items. Called by
 * horizon on the planner's thread, once for each block, as it comes within the execution horizon; never again after it
 * is stored.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/store.h"
#include "core/plan/catalog/catalog.h"
#include "core/plan/schedule/policy.h"
#include "core/plan/schedule/schedule.h"

/* --- acts and breaks ------------------------------------------------------------------------------------------------
 */

/* A piece of the content, and the break that follows it. */
typedef struct {
        int64_t offset_ms, duration_ms;
        int32_t fade_in_ms, fade_out_ms; /* only at second-class (computed) breakpoints */
        int64_t break_ms;                /* 0 = none follows */
} TrafficAct;

/* What is known of where content may be interrupted; borrowed. */
typedef struct {
        int64_t duration_ms;
        const int64_t *chapter_ms; /* rising */
        uint32_t n_chapters;
        const int64_t *quiet_ms; /* measured: black and silent at once; rising */
        uint32_t n_quiet;
} TrafficContent;

/*
 * The acts of content in a slot (element type TrafficAct). Network: the spare time is split over breaks at chapters
 * (first class, clean cuts); where there are none of use at even distances, each moved to a quiet point nearby (a clean
 * cut as well) or else faded (second class). Film channels: one act, one break after it. NULL when the content is
 * longer than the slot.
 */
GArray *traffic_acts(const BreakPolicy *policy, ChannelType type, const TrafficContent *content, int64_t slot_ms);

/* --- play history ---------------------------------------------------------------------------------------------------
 */

/*
 * When each spot was planned or aired on one channel. What was planned counts, aired or not, unless evidence says that
 * it did not air although it was its turn; the goals of campaigns count only what aired or may still.
 */
typedef struct TrafficHistory TrafficHistory;

typedef enum {
        TRAFFIC_PLAY_PLANNED = 1,
        TRAFFIC_PLAY_AIRED,
        TRAFFIC_PLAY_LOST, /* the engine ran, and something else or nothing was seen in its place */
} TrafficPlayState;

TrafficHistory *traffic_history_new(void);
void traffic_history_free(TrafficHistory *history);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TrafficHistory, traffic_history_free)
/* A planned play; one that is known already changes nothing. */
void traffic_history_add(TrafficHistory *history, const char *asset_id, int64_t start_utc_ms);
/* What became of it. A lost play is forgotten, an aired one that nobody planned is added. */
void traffic_history_note(TrafficHistory *history, const char *asset_id, int64_t start_utc_ms, TrafficPlayState state);
/* A plan that was given up: forgets plays at or after the instant. */
void traffic_history_forget_from(TrafficHistory *history, int64_t utc_ms);
/* What no rule looks back to any more. */
void traffic_history_forget_before(TrafficHistory *history, int64_t utc_ms);
/* Start of the last play, INT64_MIN when there was none; plays since an instant. */
int64_t traffic_history_last(const TrafficHistory *history, const char *asset_id);
uint32_t traffic_history_count(const TrafficHistory *history, const char *asset_id, int64_t since_utc_ms);

/* How far back the channel's rules look. */
int64_t traffic_history_begin_utc_ms(const ChannelSpec *spec, int64_t now_utc_ms);
/* Brings the history up to what the store holds: all of it the first time, then what evidence has decided since (asked
 * for every half minute of now at most); prunes both now and then. On failure what was known stays. */
bool traffic_history_take_up(TrafficHistory *history, Store *store, const ChannelSpec *spec, int64_t now_utc_ms,
                             GError **error);

typedef struct {
        const char *segment_uuid, *asset_id;
        int64_t start_utc_ms;
} TrafficPlanned;

/* Puts a play that is now locked into the store; inside the transaction that locks it. */
bool traffic_plays_put(Store *store, const char *channel_id, const TrafficPlanned *planned, GError **error);
/* Takes planned plays that start in [from, to) out of it again: their blocks were replaced. */
bool traffic_plays_withdraw(Store *store, const char *channel_id, int64_t from_utc_ms, int64_t to_utc_ms,
                            GError **error);
/* Forgets the plays of a channel before the instant. */
bool traffic_plays_purge(Store *store, const char *channel_id, int64_t before_utc_ms, GError **error);

/* --- what comes up --------------------------------------------------------------------------------------------------
 */

/* When which series and films are on, as far as days are compiled: what promos may speak of. */
typedef struct TrafficComing TrafficComing;

TrafficComing *traffic_coming_new(void);
void traffic_coming_free(TrafficComing *coming);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TrafficComing, traffic_coming_free)
/* A programme; in order of time. catalog: where the parts of a composed one are found. */
void traffic_coming_add(TrafficComing *coming, const Programme *programme, const CatalogSnapshot *catalog);

/* --- filling --------------------------------------------------------------------------------------------------------
 */

/* What may fill breaks on a channel: its spots and filler under one catalog. Immutable. */
typedef struct TrafficInventory TrafficInventory;

/* Keeps references to both. excluded: set of asset ids not to be used; NULL = none; copied. */
TrafficInventory *traffic_inventory_new(ChannelSpec *spec, CatalogSnapshot *catalog, const GHashTable *excluded);
void traffic_inventory_free(TrafficInventory *inventory);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TrafficInventory, traffic_inventory_free)

typedef struct {
        const Asset *asset;  /* borrowed from the catalog or spec; NULL = pad */
        bool content;        /* an act of the programme, not what fills its breaks */
        int64_t offset_ms;   /* in the asset */
        int64_t duration_ms; /* > 0 */
        int32_t fade_in_ms, fade_out_ms;
} TrafficItem;

typedef struct {
        int64_t spots_ms, filler_ms, pad_ms;
        unsigned empty_breaks; /* breaks that nothing but pad could fill */
} TrafficReport;

/*
 * The programme's items (element type TrafficItem) and their plays in the history. NULL and GError, the history
 * unchanged, when the content is not in the catalog, not eligible or too long for its slot. coming: NULL = nothing is
 * known, so that no promo of something plays. ret_report may be NULL.
 */
GArray *traffic_fill(const TrafficInventory *inventory, TrafficHistory *history, const TrafficComing *coming,
                     const Programme *programme, TrafficReport *ret_report, GError **error);
