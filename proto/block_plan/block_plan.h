/*
 * BlockPlan: one programme occurrence as it is to be executed, the value that core and air agree on.
 *
 * Made by core (transmission_log, feed), sent over gRPC, queued and played by air. Immutable and reference-counted
 * after construction: any thread may read it. Times are UTC milliseconds; segments tile [start, end) exactly.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "proto/playout.pb-c.h"

typedef enum {
        SEGMENT_CONTENT = 1,
        SEGMENT_COMMERCIAL,
        SEGMENT_PROMO,
        SEGMENT_BUMPER,
        SEGMENT_STATION_ID,
        SEGMENT_PSA,
        SEGMENT_STINGER,
        SEGMENT_TRAILER,
        SEGMENT_FILLER,
        SEGMENT_PAD,
} SegmentType;

/* "content", "commercial" ... "pad"; "unknown" for anything else. Static. */
const char *segment_type_name(SegmentType type);
/* 0 when no type has that name. */
SegmentType segment_type_from_name(const char *name);

/* Text over the picture of a segment. */
typedef struct {
        int64_t start_ms; /* after the segment's start */
        int64_t duration_ms;
        const char *headline;
        const char *detail; /* NULL: none */
} BlockSnipe;

typedef struct {
        int32_t index; /* 0, 1, 2 ... */
        SegmentType type;
        const char *event_id;     /* of the transmission log event */
        const char *segment_uuid; /* unique per occurrence */
        const char *asset_uuid;   /* NULL for pad */
        const char *title;        /* for people */
        const char *asset_uri;    /* absolute path; NULL for pad */
        int64_t asset_start_offset_ms;
        int64_t duration_ms;   /* > 0 */
        int32_t gain_millibel; /* 1/100 dB */
        int32_t fade_in_ms;    /* 0 = clean cut */
        int32_t fade_out_ms;
        bool logo;                /* the channel's logo stands over it */
        uint32_t n_snipes;        /* in order of time, not overlapping */
        const BlockSnipe *snipes; /* block_plan_snipes */
} BlockSegment;

typedef struct {
        const char *block_id;
        const char *channel_id;
        const char *title;
        int64_t start_utc_ms;
        int64_t end_utc_ms;
        bool join_in_progress;
        uint32_t n_segments;
        BlockSegment *segments;
        GStringChunk *text; /* private: what the strings point into */
        GSList *arrays;     /* private: what the snipes are in */
        gint refs;          /* private, atomic */
} BlockPlan;

/*
 * A block with room for n_segments zeroed segments (index and nothing else set), to be filled in by its maker before
 * anybody else sees it. What its strings point to lives as long as the block: literals, or what block_plan_text gives.
 */
BlockPlan *block_plan_new(const char *block_id, const char *channel_id, const char *title, int64_t start_utc_ms,
                          int64_t end_utc_ms, uint32_t n_segments);
/* The maker's copy of a text, which the block owns; NULL of NULL. */
const char *block_plan_text(BlockPlan *block, const char *text);
/* The maker's copy of snipes and their texts, for a segment of the block, which owns it; NULL of none. */
const BlockSnipe *block_plan_snipes(BlockPlan *block, const BlockSnipe *snipes, uint32_t n_snipes);
BlockPlan *block_plan_ref(const BlockPlan *block);
void block_plan_unref(BlockPlan *block);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BlockPlan, block_plan_unref)

/* The rules of a block, judged when it is fed. The first one broken is the answer. */
typedef enum {
        BLOCK_PLAN_OK = 0,
        BLOCK_PLAN_BAD_ID,         /* block or channel id empty, over 200 bytes, or not UTF-8 */
        BLOCK_PLAN_BAD_WINDOW,     /* end not after start, or longer than 26 hours */
        BLOCK_PLAN_NO_SEGMENTS,    /* none, or more than 4096 */
        BLOCK_PLAN_BAD_INDEX,      /* indexes are not 0, 1, 2 ... */
        BLOCK_PLAN_BAD_DURATION,   /* a segment without positive length */
        BLOCK_PLAN_BAD_SUM,        /* segments do not sum to the window */
        BLOCK_PLAN_BAD_OFFSET,     /* negative, over 1000 hours, or a pad with an offset */
        BLOCK_PLAN_BAD_ASSET,      /* pad with an asset, or non-pad without id or absolute path in UTF-8 */
        BLOCK_PLAN_BAD_SEGMENT_ID, /* event id empty, or segment uuid not a UUID or used twice */
        BLOCK_PLAN_BAD_TYPE,       /* not a segment type */
        BLOCK_PLAN_BAD_FADE,       /* negative, or the two together longer than the segment */
        BLOCK_PLAN_BAD_GAIN,       /* outside -6000..+2400 millibel */
        BLOCK_PLAN_BAD_TITLE,      /* a title of block or segment over 1000 bytes or not UTF-8 */
        BLOCK_PLAN_BAD_SNIPE, /* outside its segment, out of order, over pad, or without a headline of 1..200 bytes */
} BlockPlanFault;

/*
 * Judges the block by itself. ret_detail (may be NULL) is set only when a rule is broken: a sentence in UTF-8 naming
 * block, segment and rule; free with g_free.
 */
BlockPlanFault block_plan_validate(const BlockPlan *block, char **ret_detail) G_GNUC_WARN_UNUSED_RESULT;
/* "ok", "bad_id" ... Static. */
const char *block_plan_fault_name(BlockPlanFault fault);

/*
 * The block as a viewer who tunes in at utc_ms meets it: elapsed segments dropped, the entered one trimmed (its offset
 * moves on by what has elapsed, unless it is pad; snipes that are over are gone), indexes from 0, the end kept,
 * join_in_progress set. Entering inside a segment does not replay its fade-in, and what is left of it bounds its
 * fade-out; entering exactly at a segment's start changes neither. block must be valid and utc_ms lie in [start, end);
 * at start the same block is returned with another reference.
 */
BlockPlan *block_plan_join(const BlockPlan *block, int64_t utc_ms);

/* The bytes of the block's message, as protobuf-c packs it. Free with g_free. */
uint8_t *block_plan_pack(const BlockPlan *block, size_t *ret_size);
/* 64 hex digits over these, that is over every field, for "is this the block that was planned". Free with g_free. */
char *block_plan_sha256(const BlockPlan *block);

/*
 * Codec. The message borrows the strings of the block and keeps it alive; it is freed with block_plan_message_free,
 * which takes no other messages, and not as part of one. From a message: NULL when a string is NULL or not UTF-8 or a
 * number does not fit, never a judgement of the rules above.
 */
Retrovue__Playout__V1__BlockPlan *block_plan_to_message(const BlockPlan *block);
void block_plan_message_free(Retrovue__Playout__V1__BlockPlan *message);
BlockPlan *block_plan_from_message(const Retrovue__Playout__V1__BlockPlan *message);
