#include "core/play/intake/splice.h"

#include <glib.h>

#define TABLE_SPLICE 0xfc
#define COMMAND_INSERT 5
#define COMMAND_AT 14 /* in a section, behind its type */
#define TAIL 6        /* the length of descriptors, and the CRC */
#define MASK_33 ((UINT64_C(1) << 33) - 1)

/* What is left to read; over: more was asked for than there was. */
typedef struct {
        const uint8_t *at;
        size_t left;
        bool over;
} Reader;

static uint64_t take(Reader *reader, unsigned n_bytes) {
        uint64_t value = 0;
        reader->over = reader->over || reader->left < n_bytes;
        if (reader->over)
                return 0;
        for (unsigned i = 0; i < n_bytes; i++)
                value = value << 8 | *reader->at++;
        reader->left -= n_bytes;
        return value;
}

/* Zero over a section with its own. */
static uint32_t crc32_mpeg(const uint8_t *data, size_t size) {
        uint32_t crc = UINT32_MAX;
        for (size_t i = 0; i < size; i++) {
                crc ^= (uint32_t)data[i] << 24;
                for (int bit = 0; bit < 8; bit++)
                        crc = crc << 1 ^ (crc >> 31 ? 0x04c11db7 : 0);
        }
        return crc;
}

/* splice_time: -1 when it has none. */
static int64_t take_time(Reader *reader, uint64_t adjustment) {
        if (reader->left == 0 || !(*reader->at & 0x80)) {
                (void)take(reader, 1);
                return -1;
        }
        return (int64_t)((take(reader, 5) + adjustment) & MASK_33);
}

static bool read_insert(Reader *reader, uint64_t adjustment, SpliceInsert *ret_insert) {
        ret_insert->event_id = (uint32_t)take(reader, 4);
        const bool cancelled = take(reader, 1) & 0x80;
        if (cancelled)
                return false;
        const unsigned flags = (unsigned)take(reader, 1);
        const bool whole = flags & 0x40, has_duration = flags & 0x20, at_once = flags & 0x10;
        ret_insert->out = flags & 0x80;
        ret_insert->pts = at_once ? -1 : take_time(reader, adjustment);
        ret_insert->duration_90khz = has_duration ? (int64_t)(take(reader, 5) & MASK_33) : -1;
        return whole && !reader->over;
}

bool splice_insert_read(const uint8_t *section, size_t size, SpliceInsert *ret_insert) {
        if (size < COMMAND_AT + TAIL || section[0] != TABLE_SPLICE || crc32_mpeg(section, size) != 0)
                return false;
        const bool encrypted = section[4] & 0x80;
        if (section[3] != 0 || encrypted || section[COMMAND_AT - 1] != COMMAND_INSERT)
                return false;
        Reader header = {.at = section + 4, .left = 5};
        const uint64_t adjustment = take(&header, 5) & MASK_33;
        Reader command = {.at = section + COMMAND_AT, .left = size - COMMAND_AT - TAIL};
        SpliceInsert insert;
        if (!read_insert(&command, adjustment, &insert))
                return false;
        *ret_insert = insert;
        return true;
}
