/*
 * Join: the instant at which a session enters a block. Engines that join a file in its midst decode from the key
 * picture before; a session that begins a little earlier, right behind that picture, is on the air sooner. Pure; any
 * thread.
 */
#pragma once

#include <stdint.h>

#include "proto/block_plan/block_plan.h"

/* So long behind a key picture a file is joined with the least decoding: engines seek 150 ms early, for the sound, and
 * have to find the key picture before that, by stamps of whatever exactness the container has. */
#define JOIN_BEHIND_KEY_MS 320
/* A session begins by so much earlier at most. */
#define JOIN_MAX_EARLIER_MS 5000

/* What is known of key pictures. before: any thread; the last one of the asset at or before at_ms, both in milliseconds
 * after its first picture; -1: none is known. NULL: nothing is known of any. */
typedef struct {
        int64_t (*before)(void *user, const char *asset_uuid, int64_t at_ms);
        void *user;
} JoinKeys;

/* Where to enter the block rather than at utc_ms, which lies in it: not later, within the segment that is on then, and
 * not more than JOIN_MAX_EARLIER_MS before. utc_ms itself where nothing is gained. */
int64_t join_instant(const BlockPlan *block, int64_t utc_ms, JoinKeys keys);
