/* What the files of this folder share: the parts of triplets, and the two halves of a queue. */
#pragma once

#include "air/captions/captions.h"

/* First byte of a triplet: five marker bits, cc_valid, cc_type. */
#define TRIPLET_MARKER 0xf8
#define TRIPLET_VALID 0x04
#define TRIPLET_TYPE 0x03
typedef enum { TRIPLET_FIELD_1, TRIPLET_FIELD_2, TRIPLET_PACKET_DATA, TRIPLET_PACKET_START } TripletType;

#define PAIR_NULL 0x8080 /* with its parity */

static inline TripletType triplet_type(const uint8_t *triplet) {
        return (TripletType)(triplet[0] & TRIPLET_TYPE);
}

static inline bool triplet_valid(const uint8_t *triplet) {
        return triplet[0] & TRIPLET_VALID;
}

static inline uint16_t triplet_pair(const uint8_t *triplet) {
        return (uint16_t)(triplet[1] << 8 | triplet[2]);
}

static inline bool pair_is_null(uint16_t pair) {
        return (pair & 0x7f7f) == 0;
}

/* Commands of either channel: sent twice, and executed once when the two come directly after each other. */
static inline bool pair_is_control(uint16_t pair) {
        return (pair & 0x7000) == 0x1000;
}

static inline int pair_channel(uint16_t pair) {
        return pair >> 11 & 1;
}

/* Bytes of a packet, by its first: 2 to 128, itself included. */
static inline uint32_t packet_size(uint8_t header) {
        const uint32_t code = header & 0x3f;
        return code == 0 ? CAPTION_PACKET : code * 2;
}

/* The second byte of a miscellaneous control pair (CEA-608 table 52): what it does, or 0 when it is another kind. */
typedef enum {
        COMMAND_RESUME_LOADING = 0x20,
        COMMAND_ROLL_UP_2 = 0x25,
        COMMAND_ROLL_UP_4 = 0x27,
        COMMAND_RESUME_DIRECT = 0x29,
        COMMAND_TEXT_RESTART = 0x2a,
        COMMAND_RESUME_TEXT = 0x2b,
        COMMAND_ERASE_DISPLAYED = 0x2c,
        COMMAND_ERASE_NON_DISPLAYED = 0x2e,
} PairCommand;
int pair_command(uint16_t pair);
/* With odd parity. */
uint16_t pair_of_command(int field, int channel, PairCommand command);

void field_init(CaptionField *field, CaptionEntry entry);
/* False: no room. */
bool field_put(CaptionField *field, int number, uint16_t pair);
uint16_t field_take(CaptionField *field);

void packets_init(CaptionPackets *packets);
/* Two bytes. Returns how many packets were dropped. */
unsigned packets_put(CaptionPackets *packets, bool starts, const uint8_t *bytes);
/* Fills at most n_most triplets; returns how many. */
unsigned packets_take(CaptionPackets *packets, unsigned n_most, uint8_t *ret_triplets);
