/* DTVCC packets: whole ones in, triplets out. */
#include <glib.h>
#include <string.h>

#include "air/captions/private.h"

void packets_init(CaptionPackets *packets) {
        packets->first = packets->n = packets->sent = packets->n_partial = 0;
}

static uint8_t byte_at(const CaptionPackets *packets, uint32_t i) {
        return packets->bytes[(packets->first + i) % CAPTION_BYTES];
}

static void drop_bytes(CaptionPackets *packets, uint32_t at, uint32_t n) {
        for (uint32_t i = at; i + n < packets->n; i++)
                packets->bytes[(packets->first + i) % CAPTION_BYTES] = byte_at(packets, i + n);
        packets->n -= n;
}

/* INV-CAPTIONS-005: the oldest packet that has not begun to be sent. */
static void drop_oldest(CaptionPackets *packets) {
        const uint32_t at = packets->sent > 0 ? packet_size(byte_at(packets, 0)) : 0;
        drop_bytes(packets, at, packet_size(byte_at(packets, at)));
}

static unsigned append(CaptionPackets *packets) {
        const uint32_t size = packet_size(packets->partial[0]);
        unsigned dropped = 0;
        for (; packets->n + size > CAPTION_BYTES; dropped++)
                drop_oldest(packets);
        for (uint32_t i = 0; i < size; i++)
                packets->bytes[(packets->first + packets->n++) % CAPTION_BYTES] = packets->partial[i];
        packets->n_partial = 0;
        return dropped;
}

/* A packet that another one interrupts is no packet: none of it is passed on. */
unsigned packets_put(CaptionPackets *packets, bool starts, const uint8_t *bytes) {
        const unsigned torn = starts && packets->n_partial > 0;
        if (starts)
                packets->n_partial = 0;
        else if (packets->n_partial == 0)
                return 0;
        packets->partial[packets->n_partial++] = bytes[0];
        packets->partial[packets->n_partial++] = bytes[1];
        return torn + (packets->n_partial == packet_size(packets->partial[0]) ? append(packets) : 0);
}

static void pop_packet(CaptionPackets *packets) {
        packets->first = (packets->first + packets->sent) % CAPTION_BYTES;
        packets->n -= packets->sent;
        packets->sent = 0;
}

unsigned packets_take(CaptionPackets *packets, unsigned n_most, uint8_t *ret_triplets) {
        unsigned n = 0;
        for (; n < n_most && packets->n > 0; n++) {
                const TripletType type = packets->sent == 0 ? TRIPLET_PACKET_START : TRIPLET_PACKET_DATA;
                uint8_t *triplet = ret_triplets + (size_t)n * CAPTIONS_TRIPLET;
                triplet[0] = (uint8_t)(TRIPLET_MARKER | TRIPLET_VALID | type);
                triplet[1] = byte_at(packets, packets->sent);
                triplet[2] = byte_at(packets, packets->sent + 1);
                packets->sent += 2;
                if (packets->sent == packet_size(byte_at(packets, 0)))
                        pop_packet(packets);
        }
        return n;
}
