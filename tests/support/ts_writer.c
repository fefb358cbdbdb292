#include "tests/support/ts_writer.h"

#include <string.h>

#define PACKET 188
#define PMT_PID 0x20
#define VIDEO_PID 0x41
#define AUDIO_PID 0x42
#define SPLICE_PID 0x43
#define PICTURE_BYTES 900

/* What sound is in the tables, in the headers of its packets, and in its first bytes. */
static const struct {
        uint8_t type, id;
        uint8_t frame[11];
} sounds[] = {
        [TS_WRITER_AAC] = {0x0f, 0xc0, {0xff, 0xf1, 0x4c, 0x80, 0x02, 0x1f, 0xfc, 0x21, 0x10, 0x05, 0x20}},
        [TS_WRITER_AC3] = {0x81, 0xfd, {0x0b, 0x77, 0, 0, 0x14, 0x40, 0x43}},
        [TS_WRITER_MP2] = {0x03, 0xc0, {0xff, 0xfd, 0xa4, 0x00}},
};

TsWriter *ts_writer_new(RvRational rate, int64_t first_pts) {
        TsWriter *writer = g_new0(TsWriter, 1);
        writer->rate = rate;
        writer->first_pts = first_pts;
        writer->bytes = g_byte_array_new();
        return writer;
}

void ts_writer_free(TsWriter *writer) {
        if (!writer)
                return;
        g_byte_array_unref(writer->bytes);
        g_free(writer);
}

/* One packet: payload at its end, an adaptation field in front that fills it up. size <= 182 with flags, else 184. */
static void write_packet(TsWriter *writer, int pid, bool start, uint8_t flags, const uint8_t *payload, size_t size) {
        uint8_t packet[PACKET];
        memset(packet, 0xff, sizeof packet);
        size_t field = PACKET - 4 - size; /* bytes of the adaptation field */
        packet[0] = 0x47;
        packet[1] = (uint8_t)((start ? 0x40 : 0) | pid >> 8);
        packet[2] = (uint8_t)pid;
        packet[3] = (uint8_t)((field ? 0x30 : 0x10) | (writer->counters[pid]++ & 0x0f));
        if (field >= 1)
                packet[4] = (uint8_t)(field - 1);
        if (field >= 2)
                packet[5] = flags;
        memcpy(packet + PACKET - size, payload, size);
        g_byte_array_append(writer->bytes, packet, sizeof packet);
}

static void write_section(TsWriter *writer, int pid, const uint8_t *section, size_t size) {
        uint8_t payload[PACKET - 4];
        memset(payload, 0xff, sizeof payload);
        payload[0] = 0; /* pointer_field */
        memcpy(payload + 1, section, size);
        write_packet(writer, pid, true, 0, payload, sizeof payload);
}

void ts_writer_tables(TsWriter *writer) {
        static const uint8_t pat[] = {0, 0xb0, 13, 0, 1, 0xc1, 0, 0, 0, 1, 0xe0 | PMT_PID >> 8, PMT_PID, 0, 0, 0, 0};
        const uint8_t type = sounds[writer->sound].type;
        uint8_t pmt[] = {2,    0xb0, 23,         0,         1,    0xc1, 0,    0,    0xe0,      VIDEO_PID, 0xf0,
                         0,    0x1b, 0xe0,       VIDEO_PID, 0xf0, 0,    type, 0xe0, AUDIO_PID, 0xf0,      0,
                         0x86, 0xe0, SPLICE_PID, 0xf0,      0,    0,    0,    0,    0};
        pmt[2] = writer->splices ? 28 : 23;
        write_section(writer, 0, pat, sizeof pat);
        write_section(writer, PMT_PID, pmt, 3 + (size_t)pmt[2]);
}

/* ISO/IEC 13818-1, annex A. */
static void append_crc(GByteArray *section) {
        uint32_t crc = UINT32_MAX;
        for (guint i = 0; i < section->len * 8; i++) {
                const uint32_t bit = section->data[i / 8] >> (7 - i % 8) & 1;
                crc = crc << 1 ^ ((crc >> 31 ^ bit) ? 0x04c11db7 : 0);
        }
        const uint8_t bytes[] = {(uint8_t)(crc >> 24), (uint8_t)(crc >> 16), (uint8_t)(crc >> 8), (uint8_t)crc};
        g_byte_array_append(section, bytes, sizeof bytes);
}

/* Ones, and 33 bits of a time behind them. */
static void append_33(GByteArray *section, int64_t time) {
        const uint64_t t = (uint64_t)time & ((UINT64_C(1) << 33) - 1);
        const uint8_t bytes[] = {(uint8_t)(0xfe | t >> 32), (uint8_t)(t >> 24), (uint8_t)(t >> 16), (uint8_t)(t >> 8),
                                 (uint8_t)t};
        g_byte_array_append(section, bytes, sizeof bytes);
}

static void append_pes_header(GByteArray *pes, uint8_t stream_id, int64_t pts) {
        const uint64_t p = (uint64_t)pts & ((UINT64_C(1) << 33) - 1);
        const uint8_t header[] = {0,
                                  0,
                                  1,
                                  stream_id,
                                  0,
                                  0,
                                  0x80,
                                  0x80,
                                  5,
                                  (uint8_t)(0x21 | (p >> 30 & 7) << 1),
                                  (uint8_t)(p >> 22),
                                  (uint8_t)(1 | (p >> 15 & 0x7f) << 1),
                                  (uint8_t)(p >> 7),
                                  (uint8_t)(1 | (p & 0x7f) << 1)};
        g_byte_array_append(pes, header, sizeof header);
}

/* To the nearest tick of 90 kHz. */
static int64_t pts_of(const TsWriter *writer, int64_t frame) {
        return writer->first_pts + rv_mul_div_floor(2 * frame * 90000 * writer->rate.den + writer->rate.num, 1,
                                                    2 * (int64_t)writer->rate.num);
}

void ts_writer_splice(TsWriter *writer, bool out, uint32_t event_id, int64_t frame, int64_t duration_90khz) {
        const bool now = frame == TS_WRITER_NOW, has_duration = duration_90khz >= 0;
        const uint8_t command_size = (uint8_t)(10 + (now ? 0 : 5) + (has_duration ? 5 : 0));
        const uint8_t head[] = {0xfc,
                                0x30,
                                (uint8_t)(17 + command_size),
                                0,
                                0,
                                0,
                                0,
                                0,
                                0,
                                0xff,
                                0xff,
                                0xf0,
                                command_size,
                                5,
                                (uint8_t)(event_id >> 24),
                                (uint8_t)(event_id >> 16),
                                (uint8_t)(event_id >> 8),
                                (uint8_t)event_id,
                                0x7f,
                                (uint8_t)(out << 7 | 0x40 | has_duration << 5 | now << 4 | 0x0f)};
        g_autoptr(GByteArray) section = g_byte_array_new();
        g_byte_array_append(section, head, sizeof head);
        if (!now)
                append_33(section, pts_of(writer, frame));
        if (has_duration)
                append_33(section, duration_90khz);
        g_byte_array_append(section, (const uint8_t[]){0, 1, 0, 0, 0, 0}, 6);
        append_crc(section);
        write_section(writer, SPLICE_PID, section->data, section->len);
}

static void write_pes(TsWriter *writer, int pid, bool random_access, const GByteArray *pes) {
        for (size_t at = 0; at < pes->len;) {
                bool flagged = at == 0 && random_access;
                size_t n = MIN(pes->len - at, (size_t)PACKET - 4 - (flagged ? 2 : 0));
                write_packet(writer, pid, at == 0, flagged ? 0x40 : 0, pes->data + at, n);
                at += n;
        }
}

void ts_writer_picture(TsWriter *writer, int64_t frame, bool idr, size_t size) {
        static const uint8_t delimiter[] = {0, 0, 0, 1, 9, 0xf0};
        static const uint8_t parameters[] = {0,    0, 0, 1, 0x67, 0x64, 0x00, 0x1f, 0xac, 0xd9,
                                             0x40, 0, 0, 0, 1,    0x68, 0xeb, 0xe3, 0xcb};
        const uint8_t slice[] = {0, 0, 1, idr ? 0x65 : 0x41, 0x88};
        g_autoptr(GByteArray) pes = g_byte_array_new();
        append_pes_header(pes, 0xe0, pts_of(writer, frame));
        g_byte_array_append(pes, delimiter, sizeof delimiter);
        if (idr)
                g_byte_array_append(pes, parameters, sizeof parameters);
        g_byte_array_append(pes, slice, sizeof slice);
        while (pes->len < size)
                g_byte_array_append(pes, (const uint8_t[]){(uint8_t)(0x80 | (frame + pes->len) % 127)}, 1);
        write_pes(writer, VIDEO_PID, idr, pes);
}

void ts_writer_sound(TsWriter *writer, int64_t frame) {
        g_autoptr(GByteArray) pes = g_byte_array_new();
        append_pes_header(pes, sounds[writer->sound].id, pts_of(writer, frame));
        g_byte_array_append(pes, sounds[writer->sound].frame, sizeof sounds[writer->sound].frame);
        write_pes(writer, AUDIO_PID, false, pes);
}

void ts_writer_frames(TsWriter *writer, int64_t from, int64_t to, int gop_frames) {
        for (int64_t frame = from; frame < to; frame++) {
                bool idr = frame % gop_frames == 0;
                if (idr)
                        ts_writer_tables(writer);
                ts_writer_picture(writer, frame, idr, PICTURE_BYTES);
                ts_writer_sound(writer, frame);
        }
}
