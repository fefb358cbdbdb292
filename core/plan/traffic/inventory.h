/* What may fill breaks on a channel, sorted into lines that are chosen from. Private to traffic. */
#pragma once

#include "core/plan/traffic/coming.h"
#include "core/plan/traffic/history.h"

typedef struct {
        const Asset *asset;
        uint64_t lot;              /* from its id */
        int advertiser, category;  /* numbers from 0; -1 = unknown */
        const char *category_name; /* NULL = unknown */
        int subject;               /* what it is a promo of, a number from 0; -1 = nothing in particular */
} Spot;

/* Spots of one kind that one campaign, or nobody, asks for. */
typedef struct {
        int campaign; /* its number among the policy's groups; -1: the house's own */
        AssetKind kind;
        int priority;
        int64_t cooldown_ms, shortest_ms;
        bool promotes; /* some of them are promos of something */
        GArray *spots; /* guint */
} Line;

/* The rules of a daypart, or of the time outside of all. */
typedef struct {
        BreakRules rules;       /* borrowed strings */
        const Daypart *daypart; /* NULL = outside */
        bool body[ASSET_KINDS]; /* what may stand between the ends */
        bool shared;            /* by shares of the time */
} Frame;

struct TrafficInventory {
        ChannelSpec *spec;
        CatalogSnapshot *catalog;
        GHashTable *excluded;
        uint64_t serial;                      /* of no other inventory in this process */
        GArray *spots;                        /* Spot, by asset id */
        GHashTable *spot_of;                  /* const Asset -> number of its spot + 1 */
        GArray *subjects;                     /* Subject */
        GArray *lines;                        /* Line */
        GPtrArray *filler;                    /* const Asset */
        GArray *frames;                       /* Frame; [0] = outside of all dayparts */
        GHashTable *advertisers, *categories; /* name -> number + 1 */
};

/* By subject: when it is on next so that its promos may be in the programme's breaks, 0: they may not. g_free it. */
int64_t *inventory_airings(const TrafficInventory *inventory, const TrafficComing *coming, const Programme *programme);
/* The rules at an instant; never NULL. */
const Frame *inventory_frame(const TrafficInventory *inventory, int64_t utc_ms);
const SpotGroup *inventory_campaign(const TrafficInventory *inventory, int campaign);
