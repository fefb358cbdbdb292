/* What a channel file's pools, layers and entries are once read. Private to schedule. */
#pragma once

#include "core/plan/schedule/policy.h"
#include "core/plan/schedule/schedule.h"

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MINUTES 1440

/* Where something was written, for faults that show up later than reading. */
typedef struct {
        char *file;
        int line, column;
} Place;

void place_set(Place *place, const YamlNode *node);
void place_clear(Place *place);

typedef struct {
        int64_t low, high; /* both inclusive */
} NumberRange;

/* Conditions on a single asset, all of which must hold. NULL lists hold always. */
typedef struct {
        char **rating_include, **rating_exclude;
        int64_t min_ms, max_ms; /* 0 = no bound */
} AssetFilter;

bool asset_filter_accepts(const AssetFilter *filter, const Asset *asset);
void asset_filter_clear(AssetFilter *filter);

typedef enum { ORDER_DEFAULT, ORDER_RANDOM, ORDER_NEWEST, ORDER_AIR_DATE } PoolOrder;

typedef enum { COMPOSE_PAIR, COMPOSE_BLOCK, COMPOSE_SEQUENCE } ComposeKind;

/* How a virtual asset is made. */
typedef struct {
        ComposeKind kind;
        char **names;   /* of pools; of a sequence: ids or titles of assets */
        GArray *places; /* of a sequence: Place of each name; else NULL */
        char *title;    /* NULL = the name, or the titles of episodes */
        int count;      /* of a pair */
        bool random, allow_short;
} Composition;

void composition_free(Composition *composition);

typedef struct Pool {
        char *name;
        Place place;
        Composition *composition; /* NULL: a pool as such; else none of the conditions count */
        bool kinds[ASSET_KINDS];
        bool faulty;               /* its reading was: what it would hold is not known */
        bool unwritten;            /* not in the file: an entry names a programme or a collection */
        char *program;             /* id or title; NULL = any */
        const struct Pool *within; /* whose assets alone count; NULL = any. Borrowed from the same rules */
        char **titles, **series, **genres, **tags;
        char **tags_all, **tags_none;             /* every one of these; not one of those */
        char **sources, **collections, **studios; /* a source: "plex", or its part: "TV Shows" */
        GArray *seasons, *episodes, *years;       /* NumberRange; NULL = any */
        AssetFilter filter;
        int64_t added_within_ms; /* 0 = any time */
        PoolOrder order;
} Pool;

void pool_free(Pool *pool);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Pool, pool_free)
/* NULL with faults in diag. */
Pool *pool_read(const char *name, const YamlNode *node, Diag *diag);
/* The pool's eligible assets in its order (const Asset *, borrowed from the catalog). seed: channel id. What was added
 * of late is counted back from the newest asset. */
GPtrArray *pool_evaluate(const Pool *pool, const char *seed, const CatalogSnapshot *catalog,
                         const GHashTable *excluded);
/* The same, counted back from an instant. */
GPtrArray *pool_evaluate_at(const Pool *pool, const char *seed, const CatalogSnapshot *catalog,
                            const GHashTable *excluded, int64_t utc_ms);

/* A fault at the place where `where` names an asset by id or title and means none, several programmes, or one that
 * may not be planned. False: it means what it should. */
bool assets_named_fault(const CatalogSnapshot *catalog, const char *name, const char *where, const Place *place,
                        DiagSeverity severity, Diag *diag);
/* "3 match and none may be planned: 2 missing, 1 retired"; NULL: nothing that may not be planned matches. g_free it. */
char *pool_unfit(const Pool *pool, const CatalogSnapshot *catalog);

void unit_free(Unit *unit);
/* The units (Unit) of a composition. sources: GPtrArray of const Asset * for each of its pools. */
GPtrArray *composition_units(const Pool *pool, const GPtrArray *sources, const char *channel_id,
                             const CatalogSnapshot *catalog, const GHashTable *excluded);

/* `type`: NULL = episodes and films. */
void pool_read_kinds(Pool *pool, const YamlNode *node, Diag *diag);
/* A pool of all there is, for what an entry names without a pool; the caller narrows it. */
Pool *pool_new_unwritten(const char *name, const YamlNode *node);

/* rating: [..] or {include, exclude}; min/max_duration_sec. NULL nodes say nothing. */
void filter_read_rating(AssetFilter *filter, const YamlNode *node, Diag *diag);
void filter_read_durations(AssetFilter *filter, const YamlNode *min, const YamlNode *max, Diag *diag);

typedef enum {
        ENTRY_BLOCK,
        ENTRY_MOVIE_MARATHON,
        ENTRY_MOVIE_BLOCK, /* one film */
        ENTRY_SLOT,        /* one programme of a list of slots */
} EntryKind;

typedef enum {
        MODE_SEQUENTIAL,
        MODE_SHUFFLE, /* several pools: each in its turn */
        MODE_RANDOM,
        MODE_WEIGHTED,         /* several pools: drawn by weight, each in its order */
        MODE_RANDOM_NO_REPEAT, /* drawn until all were shown, over days */
} PickMode;

#define EVERY_WEEKDAY 0x7fu

typedef struct {
        EntryKind kind;
        bool faulty; /* told already; what is known of it is there to find other faults with */
        Place place;
        char *key; /* "all_day@06:00": stable name of the entry in seeds, state and plans */
        char *title;
        char **pools;    /* names, at least one */
        char *pools_key; /* the names joined by "+" */
        GArray *weights; /* int64_t for each pool; NULL unless MODE_WEIGHTED */
        PickMode mode;
        AssetFilter filter;
        int32_t cooldown_days;
        bool allow_bleed;
        int group;         /* slots of one list have the same number; 0 = none */
        unsigned weekdays; /* bit 0 = Monday: on which of its layer's days it is there */
        int start, end;    /* minutes after the local day start; start in [0, 1440), start < end <= start + 1440 */
} Entry;

void entry_free(Entry *entry);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Entry, entry_free)

/* Days of the calendar, both inclusive: as yyyymmdd, or as mmdd of every year, which may run over its end. */
typedef struct {
        int first, last;
} DateRange;

/* Entries that apply on the same days. Of two layers the one of the higher rank lies on top. */
typedef struct {
        char *name; /* "weekends", "dates.2026-12-24" */
        int rank;
        unsigned weekdays;  /* bit 0 = Monday */
        GArray *dates;      /* DateRange; NULL = any date */
        GPtrArray *entries; /* Entry, by start */
} Layer;

void layer_free(Layer *layer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Layer, layer_free)
/* Whether the layer is there on a day (days since 1970-01-01). */
bool layer_applies(const Layer *layer, int64_t number);

struct ScheduleRules {
        bool incomplete;   /* a part with pools or templates could not be read: one that is not known may be in it */
        GPtrArray *pools;  /* Pool */
        GPtrArray *layers; /* Layer, by rank */
        BreakPolicy policy;
        ChannelGraphics graphics;
        Asset *filler;     /* the named file; NULL = none */
        char *filler_pool; /* NULL = none */
};

const Pool *rules_pool(const ScheduleRules *rules, const char *name);
/* Reads `traffic` over what the policy says already. */
void policy_read(BreakPolicy *policy, const YamlNode *node, Diag *diag);
/* Its `promos` and `promo_within_hours`. */
void promo_rules_read(BreakPolicy *policy, const YamlNode *traffic, Diag *diag);
/* Warns of what they are for and the catalog does not have. */
void promo_rules_check(const BreakPolicy *policy, const CatalogSnapshot *catalog, Diag *diag);
/* Reads `filler`. */
void filler_read(ScheduleRules *rules, const ChannelSpec *spec, const YamlNode *node, Diag *diag);

/* Key, kind and place: what asked for a programme. */
json_t *entry_json(const Entry *entry);

/* --- day.c ----------------------------------------------------------------------------------------------------------
 */

/* Whether the text is a date as in "2026-11-22". */
bool day_valid(const char *day);
/* Days since 1970-01-01 of such a date, and back. */
int64_t day_number(const char *day);
void day_name(int64_t number, char ret_day[11]);
/* 0 = Monday ... 6 = Sunday. */
int day_weekday(int64_t number);
/* UTC of minute (0.. over 2880 allowed) after local midnight of a day. In a spring gap: the instant of the change; of
 * two, the first. Never decreases with its arguments. */
int64_t local_to_utc_ms(GTimeZone *zone, int64_t number, int64_t minute);
/* True when every change of the zone's clock is a whole number of grid units. */
bool zone_suits_grid(GTimeZone *zone, int32_t grid_minutes);

/* --- document.c -----------------------------------------------------------------------------------------------------
 */

/* A programme without content for [start, end). title: shown in the guide's raw data; entry may be NULL. */
Programme *programme_filler(const ChannelSpec *spec, int64_t start_utc_ms, int64_t end_utc_ms, const char *entry);
/* As in a day's document. */
json_t *programme_json(const Programme *programme);
Programme *programme_of(const ChannelSpec *spec, const Asset *asset, int64_t start_utc_ms, int64_t end_utc_ms);
/* Takes programmes and states. */
ScheduleDay *schedule_day_new(const ChannelSpec *spec, int64_t catalog_revision, const char *day,
                              GPtrArray *take_programmes);
/* The document as canonical JSON: compact, keys sorted. g_free it. */
char *schedule_day_text(const ScheduleDay *day);
/* Sets sha256; after everything else. */
void schedule_day_seal(ScheduleDay *day);

/* --- rotation.c -----------------------------------------------------------------------------------------------------
 */

/* What has been played and what comes next, while a day is compiled. */
typedef struct Rotation Rotation;

typedef struct {
        int64_t start_utc_ms;     /* of the programme sought */
        int64_t day_start_utc_ms; /* of the broadcast day */
        const char *day;
        int64_t room_ms; /* until the zone's end */
} RotationAsk;

/* For the entries of a day (NULL: all that there are). NULL with entries in diag when an entry has nothing to play at
 * all and from does not allow it. */
Rotation *rotation_new(const ChannelSpec *spec, const CatalogSnapshot *catalog, const ScheduleFrom *from,
                       const char *day, Diag *diag);
void rotation_free(Rotation *rotation);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Rotation, rotation_free)
/* What the entry plays next, or NULL: nothing fits. ret_pool is borrowed from the entry. Changes nothing. */
const Asset *rotation_pick(Rotation *rotation, const Entry *entry, const RotationAsk *ask, const char **ret_pool);
/* The parts of an asset that rotation_pick returned (const Asset *, borrowed); NULL: it is one itself. */
const GPtrArray *rotation_parts(const Rotation *rotation, const Asset *asset);
/* How rotation_pick came to its choice: pool, mode, cursor, seed and a sentence. Before rotation_record. */
json_t *rotation_explain(Rotation *rotation, const Entry *entry, const RotationAsk *ask, const char *pool);
/* The programme is planned: cursors move on. */
void rotation_record(Rotation *rotation, const Programme *programme);
/* What the next day starts from; new reference. */
json_t *rotation_state(Rotation *rotation, int64_t end_utc_ms);
