/*
 * Sections: what tables and splice messages are written in (ISO/IEC 13818-1, 2.4.4), and the transport packets that
 * carry them. Plain values, any thread.
 */
#pragma once

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

/* What follows the table id, in the four bits above the section's length. */
typedef enum {
        SECTION_LONG = 0xf,   /* with version and CRC, of DVB */
        SECTION_SHORT = 0x7,  /* without, of DVB */
        SECTION_SPLICE = 0x3, /* SCTE 35's own */
} SectionForm;

/* Beyond what any of ours holds: texts are cut to 255 bytes. */
#define SECTION_ROOM 1024

typedef struct {
        uint8_t data[SECTION_ROOM];
        size_t size;
} Section;

void section_begin(Section *ret_section, uint8_t table_id, SectionForm form);
/* The low n_bytes of value (at most 8), most significant first. */
void section_put(Section *section, uint64_t value, unsigned n_bytes);
/* A length of one byte is written when the part is closed: at returns where. */
size_t section_open(Section *section);
void section_close(Section *section, size_t at);
/*
 * One byte of length and a text as EN 300 468 annex A codes it: ASCII as it is, anything else as UTF-8 with its mark;
 * control characters are spaces. At most max_bytes without the length, cut between characters.
 */
void section_put_text(Section *section, const char *text, size_t max_bytes);
/* The length is known now. */
void section_end(Section *section);
/* Likewise, and CRC-32 behind it. */
void section_end_with_crc(Section *section);

/* Appends the whole packets of one section; *counter is the PID's continuity counter. */
void section_packets(const Section *section, int pid, uint8_t *counter, GByteArray *packets);
