#include <glib.h>
#include <string.h>

#include "air/captions/captions.h"
#include "tests/support/chance.h"
#include "tests/support/cmocka.h"

static const RvRational RATES[] = {{24000, 1001}, {24, 1}, {25, 1},       {30000, 1001},
                                   {30, 1},       {50, 1}, {60000, 1001}, {60, 1}};
#define N_RATES G_N_ELEMENTS(RATES)
#define SLOTS 600 /* pairs per field of a script; some 20 s */

/* Everything that has a meaning, in the order sent: 608 pairs of a field (nulls too), bytes of packets. */
typedef struct {
        GArray *fields[2]; /* of uint16_t */
        GByteArray *packets;
} Wire;

static void wire_init(Wire *wire) {
        for (int i = 0; i < 2; i++)
                wire->fields[i] = g_array_new(FALSE, FALSE, sizeof(uint16_t));
        wire->packets = g_byte_array_new();
}

static void wire_clear(Wire *wire) {
        for (int i = 0; i < 2; i++)
                g_array_unref(wire->fields[i]);
        g_byte_array_unref(wire->packets);
}

static void wire_read(Wire *wire, const uint8_t *triplets, size_t size) {
        for (size_t at = 0; at + 3 <= size; at += 3) {
                const int type = triplets[at] & 3;
                if (!(triplets[at] & 4))
                        continue;
                const uint16_t pair = (uint16_t)(triplets[at + 1] << 8 | triplets[at + 2]);
                if (type < 2)
                        g_array_append_val(wire->fields[type], pair);
                else
                        g_byte_array_append(wire->packets, triplets + at + 1, 2);
        }
}

static uint16_t odd(int first, int second) {
        const int parity_1 = __builtin_parity((unsigned)first) ? 0 : 0x80;
        const int parity_2 = __builtin_parity((unsigned)second) ? 0 : 0x80;
        return (uint16_t)((first | parity_1) << 8 | second | parity_2);
}

static bool is_control(uint16_t pair) {
        return (pair & 0x7000) == 0x1000;
}

/* What a decoder does with a field's pairs: nulls are nothing, a command right after itself is its repetition. */
static GArray *executed(const GArray *pairs) {
        GArray *done = g_array_new(FALSE, FALSE, sizeof(uint16_t));
        uint16_t first_copy = 0;
        for (guint i = 0; i < pairs->len; i++) {
                const uint16_t pair = g_array_index(pairs, uint16_t, i);
                const bool repetition = is_control(pair) && pair == first_copy;
                first_copy = is_control(pair) && !repetition ? pair : 0;
                if (!repetition && (pair & 0x7f7f))
                        g_array_append_val(done, pair);
        }
        return done;
}

static GArray *without_nulls(const GArray *pairs) {
        GArray *sent = g_array_new(FALSE, FALSE, sizeof(uint16_t));
        for (guint i = 0; i < pairs->len; i++)
                if (g_array_index(pairs, uint16_t, i) & 0x7f7f)
                        g_array_append_val(sent, g_array_index(pairs, uint16_t, i));
        return sent;
}

static void assert_same(const GArray *a, const GArray *b) {
        assert_int_equal(a->len, b->len);
        assert_memory_equal(a->data, b->data, a->len * sizeof(uint16_t));
}

static void assert_same_pairs(const GArray *expected, const GArray *got) {
        g_autoptr(GArray) expected_sent = without_nulls(expected), got_sent = without_nulls(got);
        g_autoptr(GArray) expected_done = executed(expected), got_done = executed(got);
        assert_same(expected_sent, got_sent);
        assert_same(expected_done, got_done);
}

/* --- scripts --- */

static void append_pair(GArray *script, uint16_t pair) {
        g_array_append_val(script, pair);
}

/* A field's pairs: styles, commands sent twice, the same command again after a null, letters, many nulls. */
static GArray *random_field(GRand *chance, int field) {
        GArray *script = g_array_new(FALSE, FALSE, sizeof(uint16_t));
        static const int commands[] = {0x20, 0x25, 0x29, 0x2c, 0x2d, 0x2e, 0x2f};
        append_pair(script, odd(0x14 | field, 0x20));
        append_pair(script, odd(0x14 | field, 0x20));
        while (script->len < SLOTS) {
                const uint16_t command =
                        odd(0x14 | field, commands[g_rand_int_range(chance, 0, G_N_ELEMENTS(commands))]);
                switch (g_rand_int_range(chance, 0, 8)) {
                case 0:
                        append_pair(script, command);
                        append_pair(script, command);
                        break;
                case 1:
                        append_pair(script, command);
                        append_pair(script, command);
                        append_pair(script, 0x8080);
                        append_pair(script, command);
                        append_pair(script, command);
                        break;
                case 2: /* once, as some do */
                        append_pair(script, command);
                        append_pair(script, odd('A', 'b'));
                        break;
                case 3:
                case 4:
                        append_pair(script, odd(0x20 + g_rand_int_range(chance, 0, 0x60), 'x'));
                        break;
                default:
                        append_pair(script, 0x8080);
                        append_pair(script, 0x8080);
                        break;
                }
        }
        for (int i = 0; i < 8; i++)
                append_pair(script, 0x8080);
        return script;
}

static void append_packet(GByteArray *bytes, int sequence, int size) {
        uint8_t packet[128] = {(uint8_t)(sequence << 6 | (size / 2 & 0x3f)), (uint8_t)(1 << 5 | MIN(size - 2, 31))};
        for (int i = 2; i < size; i++)
                packet[i] = (uint8_t)(i < 33 ? 0x20 + (i * 7 + sequence) % 0x5f : 0);
        g_byte_array_append(bytes, packet, (guint)size);
}

typedef struct {
        RvRational rate;
        GArray *fields[2];
        GByteArray *packets;
        guint at[2], packet_at;
        uint32_t packet_left;
} Script;

static void put_field(Script *script, int field, GByteArray *into) {
        if (script->at[field] >= script->fields[field]->len)
                return;
        const uint16_t pair = g_array_index(script->fields[field], uint16_t, script->at[field]++);
        const uint8_t triplet[] = {(uint8_t)(0xfc | field), (uint8_t)(pair >> 8), (uint8_t)pair};
        g_byte_array_append(into, triplet, 3);
}

static void put_packets(Script *script, unsigned n, GByteArray *into) {
        for (; n > 0 && script->packet_at < script->packets->len; n--) {
                const uint8_t *bytes = script->packets->data + script->packet_at;
                const bool starts = script->packet_left == 0;
                if (starts)
                        script->packet_left = bytes[0] & 0x3f ? (bytes[0] & 0x3fu) * 2 : 128;
                const uint8_t triplet[] = {starts ? 0xff : 0xfe, bytes[0], bytes[1]};
                g_byte_array_append(into, triplet, 3);
                script->packet_left -= 2;
                script->packet_at += 2;
        }
        static const uint8_t filling[] = {0xfa, 0, 0};
        g_byte_array_append(into, filling, 3);
}

/* The triplets of source picture i, as its rate has them. */
static void put_picture(Script *script, int64_t i, GByteArray *into) {
        const bool fast = script->rate.num > 40 * script->rate.den;
        g_byte_array_set_size(into, 0);
        for (int field = 0; field < 2; field++)
                if (!fast || i % 2 == field)
                        put_field(script, field, into);
        put_packets(script, fast ? 3 : 6, into);
}

static void new_script(Script *script, GRand *chance, RvRational rate) {
        *script = (Script){.rate = rate, .packets = g_byte_array_new()};
        for (int i = 0; i < 2; i++)
                script->fields[i] = random_field(chance, i);
        for (int i = 0; i < 60; i++)
                append_packet(script->packets, i & 3, 2 * (2 + g_rand_int_range(chance, 0, 20)));
}

static void clear_script(Script *script) {
        for (int i = 0; i < 2; i++)
                g_array_unref(script->fields[i]);
        g_byte_array_unref(script->packets);
}

/* First output tick of source picture i: INV-PRODUCER-001. */
static int64_t tick_of(int64_t i, RvRational source, RvRational house) {
        return rv_mul_div_floor(2 * i * house.num * source.den + (int64_t)house.den * source.num, 1,
                                2 * (int64_t)house.den * source.num);
}

static void assert_shape(const CaptionData *data, RvRational house, int64_t tick) {
        const CaptionShape shape = caption_shape(house);
        int n[2] = {0};
        unsigned n_packet = 0;
        assert_int_equal(data->size, shape.n_triplets * 3);
        for (size_t at = 0; at < data->size; at += 3) {
                assert_int_equal(data->bytes[at] & 0xf8, 0xf8);
                if (!(data->bytes[at] & 4))
                        continue;
                const int type = data->bytes[at] & 3;
                if (type < 2) {
                        n[type]++;
                        assert_int_equal(n_packet, 0); /* pairs come first */
                } else {
                        n_packet++;
                }
        }
        assert_true(n_packet <= shape.n_packet_most);
        assert_int_equal(n[0], tick % shape.ticks_a_pair == 0);
        assert_int_equal(n[1], tick % shape.ticks_a_pair == shape.ticks_a_pair / 2);
}

/* Runs a whole script of a source through a queue, and until nothing is left in it. */
static void run_script(Script *script, RvRational house, Wire *wire) {
        CaptionQueue *queue = g_new(CaptionQueue, 1);
        g_autoptr(GByteArray) triplets = g_byte_array_new();
        caption_queue_init(queue, house, CAPTIONS_JOIN);
        int64_t picture = 0;
        for (int64_t tick = 0; tick < 3 * SLOTS; tick++) {
                for (; tick_of(picture, script->rate, house) <= tick; picture++) {
                        put_picture(script, picture, triplets);
                        caption_queue_push(queue, triplets->data, triplets->len);
                }
                CaptionData data;
                caption_queue_pull(queue, tick, &data);
                assert_shape(&data, house, tick);
                wire_read(wire, data.bytes, data.size);
        }
        assert_int_equal(queue->dropped, 0);
        g_free(queue);
}

static void INV_CAPTIONS_001_every_rate_to_every_rate_loses_and_doubles_nothing(void **state) {
        GRand *chance = chance_new();
        for (size_t from = 0; from < N_RATES; from++) {
                for (size_t to = 0; to < N_RATES; to++) {
                        Script script;
                        Wire wire;
                        wire_init(&wire);
                        new_script(&script, chance, RATES[from]);
                        run_script(&script, RATES[to], &wire);
                        for (int i = 0; i < 2; i++)
                                assert_same_pairs(script.fields[i], wire.fields[i]);
                        assert_int_equal(wire.packets->len, script.packets->len);
                        assert_memory_equal(wire.packets->data, script.packets->data, script.packets->len);
                        clear_script(&script);
                        wire_clear(&wire);
                }
        }
        g_rand_free(chance);
}

static void INV_CAPTIONS_001_filling_alone_is_no_captions(void **state) {
        static const uint8_t filling[] = {0xfc, 0x80, 0x80, 0xfd, 0x80, 0x80, 0xfa, 0, 0, 0xfb, 1, 2, 0x00};
        CaptionQueue queue;
        CaptionData data;
        caption_queue_init(&queue, RATES[3], CAPTIONS_JOIN);
        for (int tick = 0; tick < 20; tick++) {
                caption_queue_push(&queue, filling, sizeof(filling));
                caption_queue_pull(&queue, tick, &data);
                assert_int_equal(data.size, 0);
        }
}

static void INV_CAPTIONS_002_triplets_a_picture_by_rate(void **state) {
        static const int counts[N_RATES] = {25, 25, 24, 20, 20, 12, 10, 10};
        for (size_t i = 0; i < N_RATES; i++) {
                const CaptionShape shape = caption_shape(RATES[i]);
                assert_int_equal(shape.n_triplets, counts[i]);
                assert_int_equal(shape.ticks_a_pair, i < 5 ? 1 : 2);
        }
        for (int32_t fps = 10; fps <= 120; fps++) {
                const CaptionShape shape = caption_shape((RvRational){fps, 1});
                assert_in_range(shape.n_triplets, 5, 31);
                assert_true(fps <= 45 * shape.ticks_a_pair);
        }
}

static void put(CaptionQueue *queue, uint16_t pair) {
        const uint8_t triplet[] = {0xfc, (uint8_t)(pair >> 8), (uint8_t)pair};
        caption_queue_push(queue, triplet, sizeof(triplet));
}

static uint16_t pull(CaptionQueue *queue, int64_t tick) {
        CaptionData data;
        caption_queue_pull(queue, tick, &data);
        return data.size ? (uint16_t)(data.bytes[1] << 8 | data.bytes[2]) : 0;
}

static void INV_CAPTIONS_003_a_command_waits_for_its_repetition(void **state) {
        const uint16_t show = odd(0x14, 0x2f), load = odd(0x14, 0x20);
        CaptionQueue queue;
        caption_queue_init(&queue, RATES[4], CAPTIONS_JOIN);
        put(&queue, load);
        put(&queue, load);
        put(&queue, show);
        assert_int_equal(pull(&queue, 0), load);
        assert_int_equal(pull(&queue, 1), load);
        assert_int_equal(pull(&queue, 2), 0x8080);
        put(&queue, show);
        assert_int_equal(pull(&queue, 3), show);
        assert_int_equal(pull(&queue, 4), show);
        put(&queue, show); /* a third one is the next */
        assert_int_equal(pull(&queue, 5), 0x8080);
        put(&queue, 0x8080);
        assert_int_equal(pull(&queue, 6), show);
}

static void INV_CAPTIONS_003_a_repetition_that_comes_too_late_is_left_out(void **state) {
        const uint16_t load = odd(0x14, 0x20);
        CaptionQueue queue;
        caption_queue_init(&queue, RATES[4], CAPTIONS_JOIN);
        put(&queue, load);
        int64_t tick = 0;
        while (tick < CAPTION_HOLD_SLOTS)
                assert_int_equal(pull(&queue, tick++), 0x8080);
        assert_int_equal(pull(&queue, tick++), load);
        assert_int_equal(pull(&queue, tick++), 0x8080);
        put(&queue, load);
        put(&queue, odd('a', 'b'));
        assert_int_equal(pull(&queue, tick++), odd('a', 'b'));
}

static void INV_CAPTIONS_005_too_many_pairs_and_packets_are_dropped(void **state) {
        CaptionQueue queue;
        CaptionData data;
        caption_queue_init(&queue, RATES[4], CAPTIONS_CONTINUE);
        for (int i = 0; i < CAPTION_PAIRS + 10; i++)
                put(&queue, odd(0x20 + i % 90, 'x'));
        assert_int_equal(queue.dropped, 10);
        assert_int_equal(pull(&queue, 0), odd(0x20, 'x'));
        g_autoptr(GByteArray) packets = g_byte_array_new(), triplets = g_byte_array_new();
        Script script = {.rate = RATES[4], .packets = packets};
        const int n_packets = 2 * CAPTION_BYTES / 40;
        for (int i = 0; i < n_packets; i++)
                append_packet(packets, i & 3, 40);
        put_packets(&script, 20, triplets);
        caption_queue_push(&queue, triplets->data, triplets->len);
        caption_queue_pull(&queue, 1, &data); /* the first packet has begun: it stays */
        g_byte_array_set_size(triplets, 0);
        put_packets(&script, 1 << 20, triplets);
        caption_queue_push(&queue, triplets->data, triplets->len);
        assert_int_equal(queue.dropped - 10, n_packets - CAPTION_BYTES / 40);
        Wire wire;
        wire_init(&wire);
        wire_read(&wire, data.bytes, data.size);
        for (int tick = 2; tick < 200; tick++) {
                caption_queue_pull(&queue, tick, &data);
                wire_read(&wire, data.bytes, data.size);
        }
        assert_int_equal(wire.packets->len, CAPTION_BYTES / 40 * 40);
        assert_memory_equal(wire.packets->data, packets->data, 40);
        const guint rest = wire.packets->len - 40;
        assert_memory_equal(wire.packets->data + 40, packets->data + packets->len - rest, rest);
        wire_clear(&wire);
}

static void INV_CAPTIONS_005_half_a_packet_is_none(void **state) {
        static const uint8_t torn[] = {0xff, 0x04, 0x21, 0xfe, 'a', 'b', 0xff, 0x42, 0x22, 0xfe, 'c', 'd'};
        static const uint8_t whole[] = {0x42, 0x22, 'c', 'd'};
        CaptionQueue queue;
        CaptionData data;
        Wire wire;
        wire_init(&wire);
        caption_queue_init(&queue, RATES[4], CAPTIONS_JOIN);
        caption_queue_push(&queue, torn + 3, 3); /* data of a packet whose start was missed */
        caption_queue_push(&queue, torn, sizeof(torn));
        caption_queue_pull(&queue, 0, &data);
        wire_read(&wire, data.bytes, data.size);
        assert_int_equal(wire.packets->len, sizeof(whole));
        assert_memory_equal(wire.packets->data, whole, sizeof(whole));
        wire_clear(&wire);
}

static void INV_CAPTIONS_006_text_of_unknown_style_is_left_out(void **state) {
        CaptionQueue queue;
        caption_queue_init(&queue, RATES[4], CAPTIONS_JOIN);
        put(&queue, odd('l', 'o'));
        put(&queue, odd(0x14, 0x2f)); /* EndOfCaption of what was loaded before */
        put(&queue, odd(0x14, 0x2f));
        put(&queue, odd('s', 't'));
        assert_int_equal(pull(&queue, 0), 0);
        put(&queue, odd(0x14, 0x2c)); /* erasing does no harm */
        put(&queue, odd(0x14, 0x2c));
        put(&queue, odd(0x1c, 0x25)); /* the other channel's style */
        put(&queue, odd(0x1c, 0x25));
        put(&queue, odd('h', 'i'));
        put(&queue, odd(0x14, 0x70)); /* a row of the first one's */
        put(&queue, odd('n', 'o'));
        const uint16_t expected[] = {odd(0x14, 0x2c), odd(0x14, 0x2c), odd(0x1c, 0x25), odd(0x1c, 0x25), odd('h', 'i')};
        for (size_t i = 0; i < G_N_ELEMENTS(expected); i++)
                assert_int_equal(pull(&queue, (int64_t)i), expected[i]);
        assert_int_equal(pull(&queue, 9), 0x8080);
        caption_queue_init(&queue, RATES[4], CAPTIONS_CONTINUE);
        put(&queue, odd('l', 'o'));
        assert_int_equal(pull(&queue, 0), odd('l', 'o'));
}

static void INV_CAPTIONS_006_service_packets_count_from_their_start(void **state) {
        CaptionQueue queue;
        CaptionData data;
        Wire wire;
        wire_init(&wire);
        caption_queue_init(&queue, RATES[4], CAPTIONS_JOIN);
        const uint16_t pairs[] = {odd(0x02, 0x03), odd('t', 'o'),   odd(0x0f, 0x11), /* the end of one */
                                  odd(0x01, 0x03), odd('N', 'e'),   odd(0x15, 0x20), odd(0x15, 0x20),
                                  odd('c', 'c'),   odd(0x02, 0x03), odd('w', 's'),   odd(0x0f, 0x1d)};
        for (size_t i = 0; i < G_N_ELEMENTS(pairs); i++) {
                const uint8_t triplet[] = {0xfd, (uint8_t)(pairs[i] >> 8), (uint8_t)pairs[i]};
                caption_queue_push(&queue, triplet, sizeof(triplet));
        }
        for (int tick = 0; tick < 12; tick++) {
                caption_queue_pull(&queue, tick, &data);
                wire_read(&wire, data.bytes, data.size);
        }
        g_autoptr(GArray) sent = without_nulls(wire.fields[1]);
        assert_int_equal(sent->len, G_N_ELEMENTS(pairs) - 3);
        assert_memory_equal(sent->data, pairs + 3, sent->len * sizeof(uint16_t));
        wire_clear(&wire);
}

/* --- the guard --- */

typedef struct {
        CaptionGuard guard;
        RvRational rate;
        int64_t tick;
        Wire wire;
} Air;

static Air *air_new(RvRational rate) {
        Air *air = g_new0(Air, 1);
        air->rate = rate;
        caption_guard_init(&air->guard, rate);
        wire_init(&air->wire);
        return air;
}

static void air_free(Air *air) {
        wire_clear(&air->wire);
        g_free(air);
}

/* One tick of a source that has the bytes given as its own queue would make them; returns the size put out. */
static size_t air_tick(Air *air, CaptionQueue *source, CaptionSeam seam) {
        CaptionData data = {0};
        if (source)
                caption_queue_pull(source, air->tick, &data);
        caption_guard_pass(&air->guard, air->tick++, seam, &data);
        wire_read(&air->wire, data.bytes, data.size);
        return data.size;
}

static void load_text(CaptionQueue *source, int field, int channel) {
        const int first = 0x14 | field | channel << 3;
        const uint16_t pairs[] = {odd(first, 0x20), odd(first, 0x20), odd('H', 'i'), odd(first, 0x2f),
                                  odd(first, 0x2f)};
        for (size_t i = 0; i < G_N_ELEMENTS(pairs); i++) {
                const uint8_t triplet[] = {(uint8_t)(0xfc | field), (uint8_t)(pairs[i] >> 8), (uint8_t)pairs[i]};
                caption_queue_push(source, triplet, sizeof(triplet));
        }
}

static void INV_CAPTIONS_004_a_seam_erases_the_channels_that_were_used(void **state) {
        for (size_t i = 0; i < N_RATES; i++) {
                Air *air = air_new(RATES[i]);
                CaptionQueue source;
                caption_queue_init(&source, RATES[i], CAPTIONS_JOIN);
                load_text(&source, 0, 0);
                load_text(&source, 1, 1);
                assert_true(air_tick(air, &source, CAPTIONS_ERASE) > 0); /* nothing to erase at the start */
                while (air->tick < 20)
                        air_tick(air, &source, CAPTIONS_GO_ON);
                g_array_set_size(air->wire.fields[0], 0);
                g_array_set_size(air->wire.fields[1], 0);
                assert_true(air_tick(air, NULL, CAPTIONS_ERASE) > 0);
                while (air->tick < 40)
                        air_tick(air, NULL, CAPTIONS_GO_ON);
                for (int field = 0; field < 2; field++) {
                        const int first = field ? 0x1d : 0x14;
                        const uint16_t expected[] = {odd(first, 0x2c), odd(first, 0x2c), odd(first, 0x2e),
                                                     odd(first, 0x2e)};
                        g_autoptr(GArray) sent = without_nulls(air->wire.fields[field]);
                        assert_int_equal(sent->len, 4);
                        assert_memory_equal(sent->data, expected, sizeof(expected));
                }
                assert_int_equal(air_tick(air, NULL, CAPTIONS_ERASE), 0); /* all is clean: nothing is said */
                air_free(air);
        }
}

static void INV_CAPTIONS_004_what_follows_at_once_waits_for_the_erasure(void **state) {
        Air *air = air_new(RATES[3]);
        CaptionQueue source, next;
        caption_queue_init(&source, RATES[3], CAPTIONS_JOIN);
        caption_queue_init(&next, RATES[3], CAPTIONS_JOIN);
        load_text(&source, 0, 0);
        for (int i = 0; i < 10; i++)
                air_tick(air, &source, CAPTIONS_GO_ON);
        g_array_set_size(air->wire.fields[0], 0);
        load_text(&next, 0, 0);
        air_tick(air, &next, CAPTIONS_ERASE);
        for (int i = 0; i < 20; i++)
                air_tick(air, &next, CAPTIONS_GO_ON);
        const uint16_t expected[] = {odd(0x14, 0x2c), odd(0x14, 0x2c), odd(0x14, 0x2e),
                                     odd(0x14, 0x2e), odd(0x14, 0x20), odd(0x14, 0x20),
                                     odd('H', 'i'),   odd(0x14, 0x2f), odd(0x14, 0x2f)};
        g_autoptr(GArray) sent = without_nulls(air->wire.fields[0]);
        assert_int_equal(sent->len, G_N_ELEMENTS(expected));
        assert_memory_equal(sent->data, expected, sizeof(expected));
        air_free(air);
}

static void INV_CAPTIONS_004_a_second_seam_forgets_no_erasure(void **state) {
        Air *air = air_new(RATES[3]);
        CaptionQueue source;
        caption_queue_init(&source, RATES[3], CAPTIONS_JOIN);
        load_text(&source, 0, 0);
        for (int i = 0; i < 10; i++)
                air_tick(air, &source, CAPTIONS_GO_ON);
        g_array_set_size(air->wire.fields[0], 0);
        air_tick(air, NULL, CAPTIONS_ERASE);
        air_tick(air, NULL, CAPTIONS_ERASE);
        for (int i = 0; i < 20; i++)
                air_tick(air, NULL, CAPTIONS_GO_ON);
        const uint16_t last[] = {odd(0x14, 0x2c), odd(0x14, 0x2e)};
        g_autoptr(GArray) done = executed(air->wire.fields[0]);
        assert_true(done->len >= 2);
        assert_memory_equal(&g_array_index(done, uint16_t, done->len - 2), last, sizeof(last));
        air_free(air);
}

static void push_services(CaptionQueue *source) {
        static const uint8_t packet[] = {0xff, 0x45, 0x21, 0xfe, 'a',  0xe2, 0xfe, 9,
                                         'b',  0xfe, 'c',  0x00, 0xfe, 0x00, 0x00};
        caption_queue_push(source, packet, sizeof(packet));
}

static void INV_CAPTIONS_004_a_seam_deletes_the_windows_of_services_that_were_used(void **state) {
        static const uint8_t expected[] = {0x45, 0x23, 0x8c, 0xff, 0x8f, 0xe3, 9, 0x8c, 0xff, 0x8f};
        Air *air = air_new(RATES[7]);
        CaptionQueue source;
        caption_queue_init(&source, RATES[7], CAPTIONS_JOIN);
        push_services(&source);
        while (air->tick < 3)
                air_tick(air, &source, CAPTIONS_GO_ON);
        g_byte_array_set_size(air->wire.packets, 0);
        air_tick(air, NULL, CAPTIONS_ERASE);
        assert_int_equal(air->wire.packets->len, sizeof(expected));
        assert_memory_equal(air->wire.packets->data, expected, sizeof(expected));
        assert_int_equal(air_tick(air, NULL, CAPTIONS_GO_ON), 0);
        assert_int_equal(air_tick(air, NULL, CAPTIONS_ERASE), 0); /* once */
        air_free(air);
}

static void INV_CAPTIONS_007_packets_are_numbered_over_all_sources(void **state) {
        Air *air = air_new(RATES[4]);
        for (int n = 0; n < 6; n++) {
                CaptionQueue source;
                caption_queue_init(&source, RATES[4], CAPTIONS_JOIN);
                push_services(&source);
                g_byte_array_set_size(air->wire.packets, 0);
                air_tick(air, &source, CAPTIONS_GO_ON);
                assert_int_equal(air->wire.packets->data[0], n % 4 << 6 | 5);
                assert_int_equal(air->wire.packets->len, 10);
        }
        air_free(air);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(INV_CAPTIONS_001_every_rate_to_every_rate_loses_and_doubles_nothing),
                cmocka_unit_test(INV_CAPTIONS_001_filling_alone_is_no_captions),
                cmocka_unit_test(INV_CAPTIONS_002_triplets_a_picture_by_rate),
                cmocka_unit_test(INV_CAPTIONS_003_a_command_waits_for_its_repetition),
                cmocka_unit_test(INV_CAPTIONS_003_a_repetition_that_comes_too_late_is_left_out),
                cmocka_unit_test(INV_CAPTIONS_004_a_seam_erases_the_channels_that_were_used),
                cmocka_unit_test(INV_CAPTIONS_004_what_follows_at_once_waits_for_the_erasure),
                cmocka_unit_test(INV_CAPTIONS_004_a_second_seam_forgets_no_erasure),
                cmocka_unit_test(INV_CAPTIONS_004_a_seam_deletes_the_windows_of_services_that_were_used),
                cmocka_unit_test(INV_CAPTIONS_005_too_many_pairs_and_packets_are_dropped),
                cmocka_unit_test(INV_CAPTIONS_005_half_a_packet_is_none),
                cmocka_unit_test(INV_CAPTIONS_006_text_of_unknown_style_is_left_out),
                cmocka_unit_test(INV_CAPTIONS_006_service_packets_count_from_their_start),
                cmocka_unit_test(INV_CAPTIONS_007_packets_are_numbered_over_all_sources),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
