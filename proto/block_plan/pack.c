/*
 * A block's bytes: the wire format of proto/playout.proto, fields in the order of their numbers and none that is zero
 * or empty, byte for byte what protobuf-c packs of the block's message (a test compares them). Every locked block is
 * hashed when it is made and whenever it is read: going through descriptors costs five times as much.
 */
#include <string.h>

#include "proto/base/hash.h"
#include "proto/block_plan/block_plan.h"

#define SEGMENT_BYTES 256 /* usual */
#define VARINT_MAX 10
#define LENGTH_MAX 5

enum { WIRE_VARINT = 0, WIRE_BYTES = 2 };

typedef struct {
        uint8_t *data;
        size_t used, size;
} Writer;

static uint8_t *reserve(Writer *writer, size_t n) {
        if (writer->size - writer->used < n) {
                writer->size = 2 * writer->size + n;
                writer->data = g_realloc(writer->data, writer->size);
        }
        return writer->data + writer->used;
}

static size_t write_varint(uint8_t *to, uint64_t value) {
        size_t n = 0;
        for (; value >= 0x80; value >>= 7)
                to[n++] = (uint8_t)(value | 0x80);
        to[n++] = (uint8_t)value;
        return n;
}

static void put_number(Writer *writer, unsigned field, int64_t value) {
        if (value == 0)
                return;
        uint8_t *to = reserve(writer, 1 + VARINT_MAX);
        to[0] = (uint8_t)(field << 3 | WIRE_VARINT);
        writer->used += 1 + write_varint(to + 1, (uint64_t)value);
}

/* sint32: small negative numbers are short. */
static void put_signed(Writer *writer, unsigned field, int32_t value) {
        put_number(writer, field, (int64_t)((uint32_t)value << 1 ^ (value < 0 ? UINT32_MAX : 0)));
}

static void put_bytes(Writer *writer, unsigned field, const void *bytes, size_t length) {
        uint8_t *to = reserve(writer, 1 + LENGTH_MAX + length);
        to[0] = (uint8_t)(field << 3 | WIRE_BYTES);
        const size_t n = 1 + write_varint(to + 1, length);
        memcpy(to + n, bytes, length);
        writer->used += n + length;
}

static void put_text(Writer *writer, unsigned field, const char *text) {
        if (text && *text != '\0')
                put_bytes(writer, field, text, strlen(text));
}

/* A message's length goes before it, and is known only after it. */
static size_t begin_message(Writer *writer) {
        (void)reserve(writer, 1 + LENGTH_MAX);
        writer->used += 1 + LENGTH_MAX;
        return writer->used;
}

static void end_message(Writer *writer, unsigned field, size_t begun) {
        const size_t length = writer->used - begun, room = 1 + LENGTH_MAX;
        uint8_t *to = writer->data + begun - room;
        to[0] = (uint8_t)(field << 3 | WIRE_BYTES);
        const size_t n = 1 + write_varint(to + 1, length);
        memmove(to + n, to + room, length);
        writer->used = begun - room + n + length;
}

static void put_snipe(Writer *writer, unsigned field, const BlockSnipe *snipe) {
        const size_t begun = begin_message(writer);
        put_number(writer, 1, snipe->start_ms);
        put_number(writer, 2, snipe->duration_ms);
        put_text(writer, 3, snipe->headline);
        put_text(writer, 4, snipe->detail);
        end_message(writer, field, begun);
}

static void put_segment(Writer *writer, unsigned field, const BlockSegment *segment) {
        const size_t begun = begin_message(writer);
        put_number(writer, 1, segment->index);
        put_text(writer, 2, segment->event_id);
        put_text(writer, 3, segment->segment_uuid);
        put_text(writer, 4, segment->asset_uuid);
        put_number(writer, 5, (int32_t)segment->type);
        put_text(writer, 6, segment->title);
        put_text(writer, 7, segment->asset_uri);
        put_number(writer, 8, segment->asset_start_offset_ms);
        put_number(writer, 9, segment->duration_ms);
        put_signed(writer, 10, segment->gain_millibel);
        put_number(writer, 11, segment->fade_in_ms);
        put_number(writer, 12, segment->fade_out_ms);
        put_number(writer, 13, segment->logo);
        for (uint32_t i = 0; i < segment->n_snipes; i++)
                put_snipe(writer, 14, &segment->snipes[i]);
        end_message(writer, field, begun);
}

uint8_t *block_plan_pack(const BlockPlan *block, size_t *ret_size) {
        const size_t size = SEGMENT_BYTES * ((size_t)block->n_segments + 1);
        Writer writer = {.data = g_malloc(size), .size = size};
        put_text(&writer, 1, block->block_id);
        put_text(&writer, 2, block->channel_id);
        put_text(&writer, 3, block->title);
        put_number(&writer, 4, block->start_utc_ms);
        put_number(&writer, 5, block->end_utc_ms);
        put_number(&writer, 6, block->join_in_progress);
        for (uint32_t i = 0; i < block->n_segments; i++)
                put_segment(&writer, 7, &block->segments[i]);
        *ret_size = writer.used;
        return writer.data;
}

char *block_plan_sha256(const BlockPlan *block) {
        size_t size = 0;
        g_autofree uint8_t *bytes = block_plan_pack(block, &size); /* INV-BLOCK-PLAN-007 */
        char *hex = g_malloc(RV_SHA256_HEX_SIZE);
        rv_sha256_hex(bytes, size, hex);
        return hex;
}
