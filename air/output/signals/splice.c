#include "air/output/signals/splice.h"

#include <stdbool.h>

enum {
        TABLE_SPLICE = 0xfc,
        SPLICE_INSERT = 0x05,
        TIME_SIGNAL = 0x06,
        DESCRIPTOR_SEGMENTATION = 0x02,
        PROGRAMME_START = 0x10,
        PROGRAMME_END = 0x11,
};

#define CUEI 0x43554549
#define TIER_ANY 0xfff
#define COMMAND_LENGTH_AT 12 /* its low byte */

static void begin(Section *section, uint8_t command) {
        section_begin(section, TABLE_SPLICE, SECTION_SPLICE);
        section_put(section, 0, 7); /* protocol 0, not encrypted, times not adjusted */
        section_put(section, (uint64_t)TIER_ANY << 12, 3);
        section_put(section, command, 1);
}

/* splice_time: 33 bits with a mark and ones in front; nothing but ones: at once. */
static void put_time(Section *section, int64_t pts) {
        if (pts == SPLICE_AT_ONCE)
                section_put(section, 0x7f, 1);
        else
                section_put(section, UINT64_C(0xfe) << 32 | (uint64_t)pts, 5);
}

static void put_insert(Section *section, const SpliceMessage *message) {
        const bool out = message->kind == SPLICE_OUT, at_once = message->pts == SPLICE_AT_ONCE;
        section_put(section, message->event_id, 4);
        section_put(section, 0x7f, 1);                                      /* not cancelled */
        section_put(section, 0x4f | out << 7 | out << 5 | at_once << 4, 1); /* out, programme, duration, now */
        if (!at_once)
                put_time(section, message->pts);
        if (out) /* auto_return */
                section_put(section, UINT64_C(0xfe) << 32 | (uint64_t)message->duration_90khz, 5);
        section_put(section, 0, 4); /* neither programme nor avails are numbered */
}

static void put_segmentation(Section *section, const SpliceMessage *message) {
        const bool start = message->kind == SPLICE_PROGRAMME_START;
        section_put(section, DESCRIPTOR_SEGMENTATION, 1);
        const size_t length = section_open(section);
        section_put(section, CUEI, 4);
        section_put(section, message->event_id, 4);
        section_put(section, 0x7f, 1);              /* not cancelled */
        section_put(section, 0xbf | start << 6, 1); /* programme, duration, no restrictions */
        if (start)
                section_put(section, (uint64_t)message->duration_90khz, 5);
        section_put(section, 0, 2); /* no UPID */
        section_put(section, start ? PROGRAMME_START : PROGRAMME_END, 1);
        section_put(section, 0x0101, 2); /* the first segment of one */
        section_close(section, length);
}

static bool is_insert(const SpliceMessage *message) {
        return message->kind == SPLICE_OUT || message->kind == SPLICE_IN;
}

void splice_section(Section *ret_section, const SpliceMessage *message) {
        Section *section = ret_section;
        begin(section, is_insert(message) ? SPLICE_INSERT : TIME_SIGNAL);
        const size_t command = section->size;
        if (is_insert(message))
                put_insert(section, message);
        else
                put_time(section, message->pts);
        section->data[COMMAND_LENGTH_AT] = (uint8_t)(section->size - command); /* below 256 */
        section_put(section, 0, 2);                                            /* length of descriptors */
        const size_t descriptors = section->size;
        if (!is_insert(message))
                put_segmentation(section, message);
        section->data[descriptors - 1] = (uint8_t)(section->size - descriptors);
        section_end_with_crc(section);
}
