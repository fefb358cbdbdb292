/*
 * Schedule: a channel's YAML file turned into a ChannelSpec, and a ChannelSpec compiled into programmes, day by day.
 *
 * Deterministic: the same files, catalog and rotation state give byte-identical days on any machine. No sockets, no
 * threads, no clock. A broadcast day is the UTC interval between two local day starts: 23, 24 or 25 hours (half an hour
 * more or less where clocks change by half an hour). Called by horizon, on the planner's thread; what it returns is
 * immutable and may be read on any thread.
 */
#pragma once

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/diag.h"
#include "core/base/store.h"
#include "core/base/yaml.h"
#include "core/plan/catalog/catalog.h"
#include "proto/house/house_format.h"
#include "proto/house/house_style.h"

typedef enum { CHANNEL_NETWORK = 1, CHANNEL_MOVIE } ChannelType;

typedef struct ScheduleRules
        ScheduleRules; /* pools, layers of entries, break policy: see policy.h for what traffic reads */

/* Everything a channel file says. Immutable, shared. */
typedef struct {
        char *id;       /* slug */
        int32_t number; /* 1..9999; 0 when the file gives none and it was loaded alone */
        char *name;
        ChannelType type;
        char *timezone; /* IANA */
        GTimeZone *zone;
        HouseFormat format;
        HouseStyle *style;
        int32_t hls_part_ms;       /* Low-Latency HLS in parts of about so long; 0: none */
        int32_t grid_minutes;      /* 5, 10, 15, 20, 30, 60 */
        int32_t day_start_minutes; /* 360 = 06:00 */
        char *logo;                /* path or NULL */
        char *group;               /* for M3U's group-title; NULL = none */
        char *source_file;
        char *source_sha256; /* of the file, what it includes, and _defaults.yaml beside it */
        ScheduleRules *rules;
        gatomicrefcount refs; /* private */
} ChannelSpec;

/* NULL with every fault in diag when the file cannot be used. catalog may be NULL: pools are not evaluated then; with a
 * catalog an empty pool that is used is a fault. root_dir: includes stay below it. */
ChannelSpec *channel_spec_load(const char *path, const char *root_dir, const CatalogSnapshot *catalog, Diag *diag);
ChannelSpec *channel_spec_ref(ChannelSpec *spec);
void channel_spec_unref(ChannelSpec *spec);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChannelSpec, channel_spec_unref)

/* An instant by the channel's clocks, in g_date_time_format's format; g_free it. */
char *channel_spec_time(const ChannelSpec *spec, int64_t utc_ms, const char *format);

/* What a pool of the channel holds (const Asset *, borrowed from the catalog), in its order; NULL: it has no such pool.
 * g_ptr_array_unref it. */
GPtrArray *channel_spec_pool(const ChannelSpec *spec, const char *pool, const CatalogSnapshot *catalog);
/* The names of its pools and virtual assets, as written; g_strfreev them. */
char **channel_spec_pools(const ChannelSpec *spec);

/* A unit of a virtual asset: several assets, and the one that stands for them. */
typedef struct {
        Asset *asset;
        GPtrArray *parts; /* const Asset *, borrowed from the catalog */
} Unit;

/* The units (Unit) of a virtual asset of the channel, in their order; NULL: it has no such virtual asset.
 * g_ptr_array_unref it, before the catalog. */
GPtrArray *channel_spec_units(const ChannelSpec *spec, const char *virtual_asset, const CatalogSnapshot *catalog);

/* Every *.yaml of a directory whose name does not begin with "_", sorted by channel number; duplicate ids or numbers
 * are faults, a file without a number gets the lowest that is free. A faulty file is left out, the rest is returned
 * (element type ChannelSpec, with its unref). */
GPtrArray *channel_specs_load(const char *dir, const CatalogSnapshot *catalog, Diag *diag);

/* One entry of the guide: a programme in its slot. Immutable, shared. */
typedef struct {
        char *id; /* unique per channel and occurrence, at most 32 bytes; becomes the block's id */
        int64_t start_utc_ms, end_utc_ms; /* the slot: whole grid units */
        char *title;                      /* series or film title */
        char *subtitle;                   /* episode title; NULL */
        char *description;                /* NULL = none */
        char *series;                     /* NULL unless an episode */
        int32_t season, episode, year;
        char *rating;
        char **genres;      /* NULL-terminated, never NULL */
        AssetKind kind;     /* of the content; ASSET_FILLER for a planned filler programme */
        char *asset_id;     /* of the content; NULL for a programme of filler only */
        int64_t content_ms; /* length of the content, <= slot; 0 for a programme of filler only */
        char *entry;        /* what asked for it: "all_day@06:00"; NULL for a hole that filler fills */
        char **part_ids;    /* assets that the content is made of, one after the other (asset_id is of none then); NULL:
                               one asset */
        char *pool;         /* what it was taken from: "cheers"; NULL for filler */
        gatomicrefcount refs; /* private */
} Programme;

Programme *programme_ref(Programme *programme);
void programme_unref(Programme *programme);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Programme, programme_unref)

/* The assets of a programme with part_ids (const Asset *, borrowed from the catalog); NULL: one is gone or not
 * eligible. */
GPtrArray *programme_parts(const Programme *programme, const CatalogSnapshot *catalog);
/* Its parts as one asset: their lengths, and chapters at the joints as well as their own. asset_free it. */
Asset *programme_composed(const Programme *programme, const GPtrArray *parts);

/* Local day "YYYY-MM-DD" that the instant belongs to (broadcast day), and the UTC bounds of a broadcast day. */
void schedule_day_of(const ChannelSpec *spec, int64_t utc_ms, char ret_day[11]);
void schedule_day_in(GTimeZone *zone, int32_t day_start_minutes, int64_t utc_ms, char ret_day[11]);
void schedule_day_bounds(const ChannelSpec *spec, const char *day, int64_t *ret_start_utc_ms, int64_t *ret_end_utc_ms);
/* The day after (step 1) or before (-1). */
void schedule_day_step(const char *day, int step, char ret_day[11]);
/* Whole grid units that content_ms occupies: at least one. */
int64_t schedule_slot_ms(const ChannelSpec *spec, int64_t content_ms);
/* Whether the instant is a grid time of the channel's wall clock. */
bool schedule_on_grid(const ChannelSpec *spec, int64_t utc_ms);

typedef struct {
        char *channel_id;
        char day[11];
        char *timezone;
        char *source_sha256;      /* of the rules it was compiled from */
        int64_t catalog_revision; /* of the catalog it was compiled from */
        GPtrArray *programmes;    /* Programme, in order, no hole; the first starts where the day before ended */
        int64_t start_utc_ms, end_utc_ms; /* of what is planned: end may lie beyond the day's end (carry-over) */
        json_t *state_before,
                *state_after; /* rotation cursors and cooldowns; the next day's compile takes state_after */
        char *sha256;         /* of the canonical JSON document */
} ScheduleDay;

/* Where a compile begins. */
typedef struct {
        int64_t carry_in_utc_ms; /* end of the previous day's last programme, or 0: the day's own start */
        const json_t *state;     /* the previous day's state_after; NULL: the beginning */
        const GPtrArray *kept;   /* Programme: what is locked or past stays as it is, contiguous; may be NULL */
        const GHashTable
                *excluded; /* set of asset ids that must not be used although the catalog has them; may be NULL */
        bool allow_empty;  /* an entry without anything to play becomes filler and a warning, not an error */
} ScheduleFrom;

/*
 * Compiles a broadcast day. Never leaves a hole: what nothing fills is planned filler. NULL and entries in diag when an
 * entry has nothing at all to play (empty pools).
 */
ScheduleDay *schedule_compile(const ChannelSpec *spec, const CatalogSnapshot *catalog, const char *day,
                              const ScheduleFrom *from, Diag *diag);
/* Why the programme at an instant is what it is: the day is compiled again and asked. An object with "programme",
 * "rule" (a sentence), and where an entry asked for it "entry", "pool", "mode", "cursor", "seed"; NULL with entries in
 * diag when the day cannot be compiled, or has nothing at the instant. json_decref it. */
json_t *schedule_explain(const ChannelSpec *spec, const CatalogSnapshot *catalog, const char *day,
                         const ScheduleFrom *from, int64_t utc_ms, Diag *diag);
void schedule_day_free(ScheduleDay *day);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScheduleDay, schedule_day_free)

/* The document: schema version, channel, day, timezone, source hash, catalog revision, programmes. json_decref it. */
json_t *schedule_day_json(const ScheduleDay *day);
/* The day of a document and its states (both borrowed; NULL allowed). NULL and RV_ERROR_INVALID when it is none. */
ScheduleDay *schedule_day_from_json(const json_t *document, const json_t *state_before, const json_t *state_after,
                                    GError **error);

/* Keeping days (INV-SCHEDULEDAY-ONE-PER-DATE-001: a day replaces the stored one of its channel and date). */
bool schedule_store_put(Store *store, const ScheduleDay *day, GError **error);
/* Days of a channel from a date on, in order; element type ScheduleDay with its free. NULL on failure. */
GPtrArray *schedule_store_days(Store *store, const char *channel_id, const char *from_day, GError **error);
/* The last stored day of a channel, whatever its date; false on failure, *ret_day NULL when there is none. */
bool schedule_store_last(Store *store, const char *channel_id, ScheduleDay **ret_day, GError **error);
/* Removes the days of a channel before a date. */
bool schedule_store_purge(Store *store, const char *channel_id, const char *before_day, GError **error);
/* Removes the days of a channel after a date. */
bool schedule_store_truncate(Store *store, const char *channel_id, const char *after_day, GError **error);

/* Keeps by which clocks a channel's days are. */
bool schedule_store_keep_clock(Store *store, const ChannelSpec *spec, GError **error);
/* Those kept last; *ret_zone is the caller's. False: none are. */
bool schedule_store_clock(Store *store, const char *channel_id, GTimeZone **ret_zone, int32_t *ret_day_start_minutes);
