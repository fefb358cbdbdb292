/*
 * Schedule: a channel's YAML file turned into a ChannelSpec, and a ChannelSpec compiled into programmes, day by day.
 *
 * Deterministic: the same files, catalog and rotation state give byte-identical days on any machine. No sockets, no threads,
 * no clock. A broadcast day is the UTC interval between two local day starts: 23, 24 or 25 hours.
 */
#pragma once

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/diag.h"
#include "core/base/yaml.h"
#include "core/plan/catalog/catalog.h"
#include "proto/block_plan/house_format.h"

typedef enum { CHANNEL_NETWORK = 1, CHANNEL_MOVIE } ChannelType;

typedef struct ScheduleRules ScheduleRules; /* pools, zones, entries, break-fill policy: private to schedule and traffic */

/* Everything a channel file says. Immutable, shared. */
typedef struct {
        char *id;            /* slug */
        int32_t number;      /* 1..9999 */
        char *name;
        ChannelType type;
        char *timezone;      /* IANA */
        GTimeZone *zone;
        HouseFormat format;
        int32_t grid_minutes;   /* 5, 10, 15, 20, 30, 60 */
        int32_t day_start_minutes; /* 360 = 06:00 */
        char *logo;          /* path or NULL */
        char *group;         /* for M3U's group-title; NULL = none */
        char *source_file;
        char *source_sha256;
        ScheduleRules *rules;
        gatomicrefcount refs; /* private */
} ChannelSpec;

/* NULL with every fault in diag when the file cannot be used. catalog may be NULL: pools are not evaluated then. */
ChannelSpec *channel_spec_load(const char *path, const char *root_dir, const CatalogSnapshot *catalog, Diag *diag);
ChannelSpec *channel_spec_ref(ChannelSpec *spec);
void channel_spec_unref(ChannelSpec *spec);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChannelSpec, channel_spec_unref)

/* Every *.yaml of a directory whose name does not begin with "_", sorted by channel number; duplicate ids or numbers are
 * faults. A faulty file is left out, the rest is returned (element type ChannelSpec, with its unref). */
GPtrArray *channel_specs_load(const char *dir, const CatalogSnapshot *catalog, Diag *diag);

/* One entry of the guide: a programme in its slot. Immutable, shared. */
typedef struct {
        char *id;            /* unique per channel and occurrence; becomes the block's id */
        int64_t start_utc_ms, end_utc_ms; /* the slot: whole grid units */
        char *title;         /* series or film title */
        char *subtitle;      /* episode title; NULL */
        char *description;   /* NULL = none */
        char *series;        /* NULL unless an episode */
        int32_t season, episode, year;
        char *rating;
        char **genres;       /* NULL-terminated */
        AssetKind kind;      /* of the content; ASSET_FILLER for a planned filler programme */
        char *asset_id;      /* of the content; NULL for a programme of filler only */
        int64_t content_ms;  /* length of the content, <= slot */
        gatomicrefcount refs; /* private */
} Programme;

Programme *programme_ref(Programme *programme);
void programme_unref(Programme *programme);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Programme, programme_unref)

/* Local day "YYYY-MM-DD" that the instant belongs to (broadcast day), and the UTC bounds of a broadcast day. */
void schedule_day_of(const ChannelSpec *spec, int64_t utc_ms, char ret_day[11]);
void schedule_day_bounds(const ChannelSpec *spec, const char *day, int64_t *ret_start_utc_ms, int64_t *ret_end_utc_ms);
/* The day after (step 1) or before (-1). */
void schedule_day_step(const char *day, int step, char ret_day[11]);

typedef struct {
        char day[11];
        GPtrArray *programmes; /* Programme, in order; begins at or before day start (carry-in excluded), no hole */
        int64_t start_utc_ms, end_utc_ms; /* of what is planned: end may lie beyond the day's end (carry-over) */
        json_t *state_after;   /* rotation cursors and cooldowns at the end of the day: input of the next */
        char *sha256;          /* of the canonical JSON document */
} ScheduleDay;

/*
 * Compiles a broadcast day. carry_in_utc_ms: end of the previous day's last programme (or the day start when there is none);
 * state: the previous day's state_after (NULL: the beginning). Never leaves a hole: what nothing fills is planned filler.
 * NULL and entries in diag when the rules cannot be met at all (an empty pool).
 */
ScheduleDay *schedule_compile(const ChannelSpec *spec, const CatalogSnapshot *catalog, const char *day,
                              int64_t carry_in_utc_ms, const json_t *state, Diag *diag);
void schedule_day_free(ScheduleDay *day);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScheduleDay, schedule_day_free)
/* The document: schema version, channel, day, timezone, source hash, catalog revision, programmes. json_decref it. */
json_t *schedule_day_json(const ScheduleDay *day, const ChannelSpec *spec, const CatalogSnapshot *catalog);
