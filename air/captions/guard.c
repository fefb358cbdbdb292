/* What leaves viewers' screens when the source changes, and what of a source is on them. */
#include <glib.h>

#include "air/captions/private.h"

#define EXTENDED_SERVICE 7
#define SERVICES_A_PACKET 24

void caption_guard_init(CaptionGuard *guard, RvRational rate) {
        *guard = (CaptionGuard){0};
        caption_queue_init(&guard->queue, rate, CAPTIONS_CONTINUE);
}

/* --- erasing --- */

static void erase_channels(CaptionGuard *guard, int field, PairCommand command) {
        for (int channel = 0; channel < 2; channel++) {
                const uint16_t pair = pair_of_command(field, channel, command);
                for (int i = 0; i < 2 && guard->erasing.channels[field][channel]; i++)
                        (void)field_put(&guard->queue.fields[field], field, pair);
        }
}

/* DeleteWindows of all eight, and Reset, which also ends a delay that would keep the next text back. */
static uint32_t write_erasure(unsigned service, uint8_t *into) {
        static const uint8_t commands[] = {0x8c, 0xff, 0x8f};
        const bool extended = service >= EXTENDED_SERVICE;
        uint32_t n = 0;
        into[n++] = (uint8_t)((extended ? EXTENDED_SERVICE : service) << 5 | sizeof(commands));
        if (extended)
                into[n++] = (uint8_t)service;
        for (size_t i = 0; i < sizeof(commands); i++)
                into[n++] = commands[i];
        return n;
}

static void put_whole(CaptionGuard *guard, uint8_t *packet, uint32_t n) {
        packet[n] = 0; /* an even number of bytes; a null block is the filling */
        n += n & 1;
        packet[0] = (uint8_t)(n / 2);
        for (uint32_t i = 0; i < n; i += 2)
                (void)packets_put(&guard->queue.packets, i == 0, packet + i);
        guard->erasures++;
}

static void erase_services(CaptionGuard *guard) {
        uint8_t packet[CAPTION_PACKET];
        uint32_t n = 1, n_services = 0;
        for (unsigned service = 1; service < 64; service++) {
                if (!(guard->erasing.services >> service & 1))
                        continue;
                n += write_erasure(service, packet + n);
                if (++n_services % SERVICES_A_PACKET == 0) {
                        put_whole(guard, packet, n);
                        n = 1;
                }
        }
        if (n > 1)
                put_whole(guard, packet, n);
}

static bool is_any(const CaptionUse *use) {
        return use->services || use->channels[0][0] || use->channels[0][1] || use->channels[1][0] ||
               use->channels[1][1];
}

static void add_use(CaptionUse *to, const CaptionUse *use) {
        to->services |= use->services;
        for (int i = 0; i < 4; i++)
                to->channels[i / 2][i % 2] |= use->channels[i / 2][i % 2];
}

/* INV-CAPTIONS-004: what the source before has not got out is void, what it got out is erased. */
static void erase(CaptionGuard *guard) {
        CaptionQueue *queue = &guard->queue;
        add_use(&guard->erasing, &guard->used);
        guard->used = (CaptionUse){0};
        guard->packet_left = 0;
        for (int field = 0; field < 2; field++) {
                field_init(&queue->fields[field], CAPTIONS_CONTINUE);
                erase_channels(guard, field, COMMAND_ERASE_DISPLAYED);
                erase_channels(guard, field, COMMAND_ERASE_NON_DISPLAYED);
        }
        packets_init(&queue->packets);
        guard->erasures = 0;
        erase_services(guard);
        queue->active = true;
        guard->queued = is_any(&guard->erasing);
}

/* --- watching --- */

static void note_pair(CaptionGuard *guard, int field, uint16_t pair) {
        const int command = pair_command(pair);
        if (!pair_is_control(pair) || command == COMMAND_ERASE_DISPLAYED || command == COMMAND_ERASE_NON_DISPLAYED)
                return;
        guard->used.channels[field][pair_channel(pair)] = true;
}

static void note_service(CaptionGuard *guard, unsigned service) {
        guard->used.services |= UINT64_C(1) << service & ~UINT64_C(1); /* 0 is filling */
}

/* A byte of a packet after its first. */
static void note_byte(CaptionGuard *guard, uint8_t byte) {
        if (guard->packet_left == 0)
                return;
        guard->packet_left--;
        if (guard->service_extended) {
                guard->service_extended = false;
                note_service(guard, byte & 0x3f);
        } else if (guard->block_left > 0) {
                guard->block_left--;
        } else {
                guard->block_left = byte & 0x1f;
                guard->service_extended = byte >> 5 == EXTENDED_SERVICE;
                if (!guard->service_extended)
                        note_service(guard, byte >> 5);
        }
}

/* INV-CAPTIONS-007: a decoder that misses a number starts anew. */
static void begin_packet(CaptionGuard *guard, uint8_t *header) {
        guard->packet_left = guard->erasures > 0 ? 0 : packet_size(*header) - 1;
        guard->erasures -= guard->erasures > 0;
        guard->block_left = 0;
        guard->service_extended = false;
        *header = (uint8_t)(guard->next_sequence << 6 | (*header & 0x3f));
        guard->next_sequence = (guard->next_sequence + 1) & 3;
}

static void watch(CaptionGuard *guard, CaptionData *data) {
        for (size_t at = 0; at < data->size; at += CAPTIONS_TRIPLET) {
                uint8_t *triplet = data->bytes + at;
                const TripletType type = triplet_type(triplet);
                if (!triplet_valid(triplet))
                        continue;
                if (type == TRIPLET_FIELD_1 || type == TRIPLET_FIELD_2) {
                        note_pair(guard, (int)type, triplet_pair(triplet));
                        continue;
                }
                if (type == TRIPLET_PACKET_START)
                        begin_packet(guard, triplet + 1);
                else
                        note_byte(guard, triplet[1]);
                note_byte(guard, triplet[2]);
        }
}

/* --- passing --- */

static bool is_drained(const CaptionQueue *queue) {
        return queue->fields[0].n == 0 && queue->fields[1].n == 0 && queue->packets.n == 0 &&
               queue->packets.n_partial == 0;
}

static void pass_queued(CaptionGuard *guard, int64_t tick, CaptionData *data) {
        caption_queue_push(&guard->queue, data->bytes, data->size);
        caption_queue_pull(&guard->queue, tick, data);
        guard->queued = !is_drained(&guard->queue);
        if (!guard->queued)
                guard->erasing = (CaptionUse){0};
}

void caption_guard_pass(CaptionGuard *guard, int64_t tick, CaptionSeam seam, CaptionData *data) {
        if (seam == CAPTIONS_ERASE)
                erase(guard);
        if (guard->queued)
                pass_queued(guard, tick, data);
        watch(guard, data);
}
