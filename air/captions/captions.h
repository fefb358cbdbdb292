/*
 * Captions: CEA-608 and CEA-708 closed captions, carried from the pictures of any source to the pictures of the house.
 *
 * Captions travel beside pictures as triplets (cc_data of ATSC A/53 part 4): byte pairs of line 21's two fields, and
 * the bytes of DTVCC packets. A CaptionQueue takes those of source pictures as these come, and gives each output tick
 * what a picture of the house's rate carries: nothing is sent twice or lost because pictures are repeated or left out.
 * A CaptionGuard stands where ticks go out: when the source changes, what the one before it has left on viewers'
 * screens is erased.
 *
 * Plain values without pointers or memory of their own; each is used by one thread at a time.
 *
 * Standards: CEA-608-E (pairs), CEA-708-E (packets), ATSC A/53 part 4 6.2.3 (triplets, cc_count).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/rational.h"

#define CAPTIONS_TRIPLET 3
#define CAPTIONS_MAX_BYTES (31 * CAPTIONS_TRIPLET)

/* The cc_data of one output picture: size / 3 triplets; 0: it carries none. */
typedef struct {
        uint8_t size;
        uint8_t bytes[CAPTIONS_MAX_BYTES];
} CaptionData;

/* What a picture carries at a rate: 9,600 bit/s altogether, and each field's pairs at no more than line 21's pace. */
typedef struct {
        uint8_t n_triplets;    /* 25 at 24 fps, 24 at 25, 20 at 30, 12 at 50, 10 at 60 */
        uint8_t n_packet_most; /* of those for DTVCC packets */
        uint8_t ticks_a_pair;  /* 1 up to 45 fps, 2 at 50 and 60 */
} CaptionShape;

CaptionShape caption_shape(RvRational rate);

#define CAPTION_PAIRS 256  /* per field; 8.5 s of line 21 */
#define CAPTION_BYTES 4096 /* of packets; 3.8 s */
#define CAPTION_PACKET 128 /* the largest packet */
#define CAPTION_HOLD_SLOTS 8

typedef struct {
        uint16_t pairs[CAPTION_PAIRS]; /* ring, as on the wire: first byte high */
        uint32_t first, n;
        uint16_t last_put;
        bool after_null;     /* a null pair came after it */
        uint16_t sent_first; /* a control pair whose repetition has not been sent; 0: none */
        uint8_t held_slots;  /* how long a lone control pair has waited for its repetition */
        bool sent_alone;     /* it did so in vain */
        bool strict;         /* what is of no known style is left out */
        bool styled[2];      /* the field's two channels: have said how their text is shown */
        bool has_xds;        /* a service packet has begun (field 2) */
        enum { CAPTION_NOBODY = -1, CAPTION_FIRST, CAPTION_SECOND, CAPTION_XDS } talker; /* whose text comes */
} CaptionField;

typedef struct {
        uint8_t bytes[CAPTION_BYTES]; /* ring of whole packets; each one's first byte tells its size */
        uint32_t first, n;
        uint32_t sent;                   /* of the first packet */
        uint8_t partial[CAPTION_PACKET]; /* the packet coming in */
        uint32_t n_partial;              /* bytes of it; 0: none */
} CaptionPackets;

typedef enum {
        CAPTIONS_JOIN,    /* into the middle of who knows what: line 21's text counts once its style has been told */
        CAPTIONS_CONTINUE /* of what went before, without a hole */
} CaptionEntry;

typedef struct {
        CaptionShape shape;
        CaptionField fields[2];
        CaptionPackets packets;
        bool active;      /* there have been captions: pictures carry cc_data from now on */
        uint64_t dropped; /* pairs and packets for which there was no room */
} CaptionQueue;

/* Also empties one that has been in use. */
void caption_queue_init(CaptionQueue *queue, RvRational rate, CaptionEntry entry);

/* Triplets of the next source picture in presentation order; any bytes at all do no harm. A rest of less than a triplet
 * is left out, as are pairs for which there is no room; of packets the oldest make room. */
void caption_queue_push(CaptionQueue *queue, const uint8_t *triplets, size_t size);

/* Once for each tick, in rising order. A control pair leaves when its repetition is known to follow directly or not. */
void caption_queue_pull(CaptionQueue *queue, int64_t tick, CaptionData *ret_data);

/* Where captions have been seen to go: line 21's channels by field, and services (bit n: service n). */
typedef struct {
        bool channels[2][2];
        uint64_t services;
} CaptionUse;

typedef struct {
        CaptionQueue queue; /* used from an erasure until what came meanwhile has left, too */
        bool queued;
        CaptionUse used;       /* since the last erasure */
        CaptionUse erasing;    /* not known to have left yet */
        uint32_t erasures;     /* packets of our own that are to go out first */
        uint8_t next_sequence; /* of DTVCC packets, 0..3 */
        uint32_t packet_left;  /* bytes of the packet going out */
        uint32_t block_left;   /* ... of its service block */
        bool service_extended; /* the next byte is the number of an extended service */
} CaptionGuard;

typedef enum {
        CAPTIONS_GO_ON,
        CAPTIONS_ERASE, /* from this tick on nothing of what was shown is to be seen */
} CaptionSeam;

void caption_guard_init(CaptionGuard *guard, RvRational rate);

/*
 * Tick thread, once a tick in rising order: what the tick's source has, made by a queue of the same rate, becomes what
 * goes out for it. Where nothing is to be erased it stays as it is, but for the sequence numbers of packets, which go
 * on over all sources.
 */
void caption_guard_pass(CaptionGuard *guard, int64_t tick, CaptionSeam seam, CaptionData *data);
