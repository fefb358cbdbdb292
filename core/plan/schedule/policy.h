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

#define ASSET_KINDS (ASSET_FILLER + 1) /* size of an array indexed by AssetKind */

typedef struct {
        bool allowed[ASSET_KINDS];        /* kinds that may fill a break */
        int64_t cooldown_ms[ASSET_KINDS]; /* between two plays of the same spot; 0 = none */
        int32_t max_plays_per_day;        /* of one spot in a broadcast day; 0 = no limit */
        int32_t breaks_per_half_hour;     /* of slot */
        int64_t min_act_ms;               /* no act is cut shorter, no breakpoints lie closer */
        int64_t min_break_ms;             /* spare time below this is not split up */
        int32_t fade_ms;                  /* at second-class breakpoints */
} BreakPolicy;

/* Three breaks in half an hour, every interstitial kind, no cooldown, acts of two minutes and breaks of half a minute
 * at least, fades of 500 ms. */
BreakPolicy break_policy_default(void);

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
