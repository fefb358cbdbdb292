#include "air/output/signals/section.h"

#include <stdbool.h>
#include <string.h>

#define PACKET_SIZE 188
#define HEADER_SIZE 4
#define UTF8_MARK 0x15
#define CRC_SIZE 4

void section_begin(Section *ret_section, uint8_t table_id, SectionForm form) {
        ret_section->size = 0;
        section_put(ret_section, table_id, 1);
        section_put(ret_section, (uint64_t)form << 12, 2);
}

void section_put(Section *section, uint64_t value, unsigned n_bytes) {
        g_assert(n_bytes <= 8 && section->size + n_bytes <= SECTION_ROOM);
        for (unsigned i = n_bytes; i > 0; i--)
                section->data[section->size++] = (uint8_t)(value >> 8 * (i - 1));
}

size_t section_open(Section *section) {
        section_put(section, 0, 1);
        return section->size - 1;
}

void section_close(Section *section, size_t at) {
        const size_t length = section->size - at - 1;
        g_assert(length <= UINT8_MAX);
        section->data[at] = (uint8_t)length;
}

static bool is_ascii(const char *text) {
        for (; *text; text++)
                if (*text & 0x80)
                        return false;
        return true;
}

void section_put_text(Section *section, const char *text, size_t max_bytes) {
        const size_t length = section_open(section);
        if (!is_ascii(text))
                section_put(section, UTF8_MARK, 1);
        for (const char *next; *text; text = next) {
                next = g_utf8_next_char(text);
                const size_t n = (size_t)(next - text);
                if (section->size - length - 1 + n > max_bytes)
                        break;
                const bool control = g_unichar_iscntrl(g_utf8_get_char(text));
                for (size_t i = 0; i < n && !control; i++)
                        section_put(section, (uint8_t)text[i], 1);
                if (control)
                        section_put(section, ' ', 1);
        }
        section_close(section, length);
}

static void set_length(Section *section, size_t size) {
        const size_t length = size - 3;
        section->data[1] = (uint8_t)((section->data[1] & 0xf0) | length >> 8);
        section->data[2] = (uint8_t)length;
}

void section_end(Section *section) {
        set_length(section, section->size);
}

/* ISO/IEC 13818-1, annex A. */
static uint32_t crc32_mpeg(const uint8_t *data, size_t size) {
        uint32_t crc = UINT32_MAX;
        for (size_t i = 0; i < size; i++) {
                crc ^= (uint32_t)data[i] << 24;
                for (int bit = 0; bit < 8; bit++)
                        crc = crc << 1 ^ (crc >> 31 ? 0x04c11db7 : 0);
        }
        return crc;
}

void section_end_with_crc(Section *section) {
        set_length(section, section->size + CRC_SIZE);
        section_put(section, crc32_mpeg(section->data, section->size), CRC_SIZE);
}

void section_packets(const Section *section, int pid, uint8_t *counter, GByteArray *packets) {
        for (size_t at = 0; at < section->size;) {
                uint8_t packet[PACKET_SIZE];
                memset(packet, 0xff, sizeof packet);
                const size_t header = HEADER_SIZE + (at == 0); /* the pointer, to what begins right behind it */
                const size_t n = MIN(section->size - at, PACKET_SIZE - header);
                packet[0] = 0x47;
                packet[1] = (uint8_t)((at == 0 ? 0x40 : 0) | pid >> 8);
                packet[2] = (uint8_t)pid;
                packet[3] = (uint8_t)(0x10 | (*counter)++ % 16);
                packet[HEADER_SIZE] = 0;
                memcpy(packet + header, section->data + at, n);
                g_byte_array_append(packets, packet, sizeof packet);
                at += n;
        }
}
