/* A queue: triplets of source pictures in, those of output ticks out. */
#include <glib.h>

#include "air/captions/private.h"

/* CEA-708-E: 600 triplets a second, of which 540 may be of packets; cc_count has five bits. */
#define TRIPLETS_A_SECOND 600
#define MOST_TRIPLETS 31
#define MOST_OF_PACKETS 22

static int32_t rounded(int64_t a, int64_t b) {
        return (int32_t)((2 * a + b) / (2 * b));
}

/* INV-CAPTIONS-002 */
CaptionShape caption_shape(RvRational rate) {
        const int32_t n = CLAMP(rounded((int64_t)TRIPLETS_A_SECOND * rate.den, rate.num), 1, MOST_TRIPLETS);
        const int32_t ticks = MAX(1, rounded(rate.num, (int64_t)rate.den * 30));
        return (CaptionShape){
                .n_triplets = (uint8_t)n,
                .n_packet_most = (uint8_t)MIN(n - (ticks == 1 ? 2 : 1), MOST_OF_PACKETS),
                .ticks_a_pair = (uint8_t)ticks,
        };
}

void caption_queue_init(CaptionQueue *queue, RvRational rate, CaptionEntry entry) {
        queue->shape = caption_shape(rate);
        for (int i = 0; i < 2; i++)
                field_init(&queue->fields[i], entry);
        packets_init(&queue->packets);
        queue->active = false;
        queue->dropped = 0;
}

static void put_pair(CaptionQueue *queue, int number, uint16_t pair) {
        CaptionField *field = &queue->fields[number];
        queue->dropped += !field_put(field, number, pair);
        queue->active |= field->n > 0;
}

static void put_packet(CaptionQueue *queue, bool starts, const uint8_t *bytes) {
        queue->dropped += packets_put(&queue->packets, starts, bytes);
        queue->active |= queue->packets.n > 0;
}

/* INV-CAPTIONS-001: filling is left out here and made anew when sent; what is left is sent once. */
void caption_queue_push(CaptionQueue *queue, const uint8_t *triplets, size_t size) {
        for (size_t at = 0; at + CAPTIONS_TRIPLET <= size; at += CAPTIONS_TRIPLET) {
                const uint8_t *triplet = triplets + at;
                if (!triplet_valid(triplet))
                        continue;
                const TripletType type = triplet_type(triplet);
                if (type == TRIPLET_FIELD_1 || type == TRIPLET_FIELD_2)
                        put_pair(queue, (int)type, triplet_pair(triplet));
                else
                        put_packet(queue, type == TRIPLET_PACKET_START, triplet + 1);
        }
}

static unsigned append_pair(CaptionQueue *queue, int number, uint8_t *triplet) {
        const uint16_t pair = field_take(&queue->fields[number]);
        triplet[0] = (uint8_t)(TRIPLET_MARKER | TRIPLET_VALID | number);
        triplet[1] = (uint8_t)(pair >> 8);
        triplet[2] = (uint8_t)pair;
        return CAPTIONS_TRIPLET;
}

/* The fields take turns where pictures come faster than line 21's pairs. */
static bool is_turn_of(const CaptionQueue *queue, int number, int64_t tick) {
        const int32_t ticks = queue->shape.ticks_a_pair;
        return tick % ticks == number * ticks / 2;
}

void caption_queue_pull(CaptionQueue *queue, int64_t tick, CaptionData *ret_data) {
        const CaptionShape *shape = &queue->shape;
        const unsigned size = (unsigned)shape->n_triplets * CAPTIONS_TRIPLET;
        unsigned at = 0;
        for (int number = 0; number < 2; number++)
                if (is_turn_of(queue, number, tick))
                        at += append_pair(queue, number, ret_data->bytes + at);
        at += packets_take(&queue->packets, shape->n_packet_most, ret_data->bytes + at) * CAPTIONS_TRIPLET;
        for (; at < size; at += CAPTIONS_TRIPLET) {
                ret_data->bytes[at] = TRIPLET_MARKER | TRIPLET_PACKET_DATA;
                ret_data->bytes[at + 1] = ret_data->bytes[at + 2] = 0;
        }
        ret_data->size = (uint8_t)(queue->active ? size : 0);
}
