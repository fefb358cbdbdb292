/*
 * Policy: what a channel file says about breaks and filler; plain values that traffic reads. Immutable with its
 * ChannelSpec.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/plan/catalog/catalog.h"
#include "core/plan/schedule/schedule.h"

/* Limits on what may stand in breaks; 0 = none. An hour is any 60 minutes. */
typedef struct {
        int32_t per_break, per_hour; /* spots */
        int32_t seconds_per_hour;
} SpotCaps;

/* What a daypart may state differently. */
typedef struct {
        bool allowed[ASSET_KINDS];                       /* kinds that may fill a break */
        AssetKind open[ASSET_KINDS], close[ASSET_KINDS]; /* how a break begins and ends: first choice first; 0 ends */
        int32_t share[ASSET_KINDS]; /* of the time between; all 0: any kind but those of the ends */
        SpotCaps caps[ASSET_KINDS]; /* by kind; [0]: all spots together */
        char **barred;              /* categories; NULL = none */
        unsigned given;             /* BREAK_RULE_*: stated, not taken over from elsewhere */
} BreakRules;

enum { BREAK_RULE_ALLOWED = 1, BREAK_RULE_ENDS = 2, BREAK_RULE_BODY = 4, BREAK_RULE_CAPS = 8, BREAK_RULE_BARRED = 16 };

typedef struct {
        char *name;
        bool days[7];   /* of the broadcast day; [0] = Monday */
        int start, end; /* minutes of the local day, 0..1439; end <= start wraps, equal = all day */
        BreakRules rules;
} Daypart;

typedef struct {
        char first[11], last[11]; /* broadcast days, both in it */
} Flight;

typedef enum { PACING_EVEN, PACING_ASAP } Pacing;

/* Spots that belong together: an inventory says whose they are, a campaign when and how often they air as well. */
typedef struct {
        char *name;
        char *file;
        int line, column;
        bool campaign;
        char **assets, **tags;       /* titles, file names (with * and ?) or ids; tags; any of them; NULL = none */
        char *inventory;             /* whose assets, advertiser and category it takes over; NULL = none */
        char *advertiser, *category; /* NULL = unknown */
        GArray *flights;             /* Flight; NULL = always */
        int64_t goal_plays;          /* in a flight; 0 = as many as there is room for */
        Pacing pacing;
        int32_t priority;                              /* 0..10; spots of no campaign have 0 */
        int32_t weight;                                /* 1..100, among those of equal priority */
        int32_t max_plays_per_day, max_plays_per_hour; /* of all its spots; 0 = no limit */
        int64_t cooldown_ms;                           /* of each spot; -1 = that of its type */
        char **dayparts;                               /* names; NULL = any time */
} SpotGroup;

/* When what a promo is for has to be on. */
typedef enum {
        PROMO_NAMED = 0, /* as the promo's own name says */
        PROMO_ANY_TIME,
        PROMO_TODAY,   /* this broadcast day */
        PROMO_TONIGHT, /* this broadcast day, from 17:00 on */
        PROMO_TOMORROW,
        PROMO_MONDAY, /* and the days up to Sunday: that broadcast day */
        PROMO_SUNDAY = PROMO_MONDAY + 6,
} PromoWhen;

/* What promos are for, where their names do not say. */
typedef struct {
        SpotGroup spots; /* its name, place, assets and tags */
        char **titles;   /* series and films; empty: nothing in particular; NULL: as the promo's own name says */
        PromoWhen when;
        int64_t within_ms; /* 0 = the channel's */
} PromoRule;

typedef struct {
        BreakRules rules;
        int64_t cooldown_ms[ASSET_KINDS];   /* between two plays of the same spot; 0 = none */
        int32_t max_plays_per_day;          /* of one spot in a broadcast day; 0 = no limit */
        int32_t max_plays_per_hour;         /* of one spot; 0 = no limit */
        int64_t advertiser_ms, category_ms; /* between two spots of the same; 0 = no matter */
        int32_t breaks_per_half_hour;       /* of slot */
        int32_t breaks_per_hour;            /* of slot, instead; 0 = as above */
        int64_t min_act_ms;                 /* no act is cut shorter, no breakpoints lie closer */
        int64_t min_break_ms;               /* spare time below this is not split up */
        int32_t fade_ms;                    /* at second-class breakpoints */
        GPtrArray *dayparts;                /* Daypart, the first that fits counts; NULL = none */
        GPtrArray *groups;                  /* SpotGroup; NULL = none */
        GPtrArray *promos;                  /* PromoRule; NULL = none */
        int64_t promo_within_ms;            /* how far ahead promos speak of */
} BreakPolicy;

/* Three breaks in half an hour, every interstitial kind, a bumper before and a station id or bumper after, no cooldown,
 * acts of two minutes and breaks of half a minute at least, fades of 500 ms, promos of what is on within two days. */
BreakPolicy break_policy_default(void);
void break_policy_clear(BreakPolicy *policy);

/* Whether the asset is one of the group's; groups: where its inventory is found. */
bool spot_group_holds(const GPtrArray *groups, const SpotGroup *group, const Asset *asset);
/* The group a campaign takes its spots, advertiser and category from where it has none itself; NULL: none. */
const SpotGroup *spot_group_inventory(const GPtrArray *groups, const SpotGroup *campaign);
/* A title as titles are compared: lower case, words with a space between, nothing else. g_free it. */
char *promo_title_fold(const char *title);
/* The first rule that holds the asset; NULL: none. */
const PromoRule *promo_rule_of(const BreakPolicy *policy, const Asset *asset);
/* Warns of campaigns, inventories and promos that hold nothing of the catalog. */
void break_policy_check(const BreakPolicy *policy, const CatalogSnapshot *catalog, Diag *diag);

/* A stretch of the local day in minutes, 0..1439: end <= start runs over midnight, equal is all day. */
typedef struct {
        int start, end;
} DayHours;

#define NEXT_TIME "{time}" /* in next_text: when the next programme begins */
#define NEXT_TITLE "{title}"

/* What stands over the pictures, and when; how it looks is in the channel's style. */
typedef struct {
        bool logo;
        bool logo_on[ASSET_KINDS];       /* by kind of what is on; [0]: programmes */
        GArray *logo_hours;              /* DayHours; NULL = always */
        bool next;                       /* what comes next, shortly before a programme's end */
        int64_t next_at_ms, next_for_ms; /* before the end; how long */
        char *next_text;
        bool title; /* a programme's title at its beginning */
        bool title_after_breaks;
        int64_t title_after_ms, title_for_ms;
} ChannelGraphics;

/* Borrowed from the spec; NULL: nothing stands over anything. */
const ChannelGraphics *channel_spec_graphics(const ChannelSpec *spec);

/* Borrowed from the spec. */
const BreakPolicy *channel_spec_policy(const ChannelSpec *spec);

/* The channel's filler under a catalog, in order of use: the named file, the named pool, or else every eligible asset
 * of kind filler. Elements (const Asset *) are borrowed from catalog and spec; free the array with g_ptr_array_unref.
 */
GPtrArray *channel_spec_filler(const ChannelSpec *spec, const CatalogSnapshot *catalog);

/* The asset of that id in the catalog, or the file that the spec names as filler; NULL: neither. */
const Asset *channel_spec_asset(const ChannelSpec *spec, const CatalogSnapshot *catalog, const char *asset_id);

/* --- draws: a hash of what the draw is for and no state, so that every process makes them alike --- */

/* SplitMix64's finaliser: every bit of the input moves half of the bits of the output. */
static inline uint64_t seed_finish(uint64_t x) {
        x += UINT64_C(0x9e3779b97f4a7c15);
        x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
        return x ^ (x >> 31);
}

/* Folds a text (NULL = empty) into a seed: FNV-1a. */
static inline uint64_t seed_mix(uint64_t seed, const char *text) {
        uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ seed;
        for (const char *p = text; p && *p; p++)
                hash = (hash ^ (unsigned char)*p) * UINT64_C(0x100000001b3);
        return seed_finish(hash);
}

static inline uint64_t seed_mix_int(uint64_t seed, int64_t number) {
        return seed_finish(seed ^ seed_finish((uint64_t)number));
}
