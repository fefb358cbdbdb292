#include "proto/ts/ts_reader.h"

#include <string.h>

enum { PACKET_SIZE = 188, N_PIDS = 8192, PAT_PID = 0, NO_PID = -1 };

#define PTS_MASK ((1LL << 33) - 1)
#define PTS_HALF (1LL << 32)
#define MAX_PCR_GAP_27MHZ 2700000

typedef struct {
        int pid;
        GByteArray *pes;   /* NULL between PES packets */
        TsPicture picture; /* of the PES packet, the picture stream's */
} Stream;

struct TsReaderState {
        uint8_t packet[PACKET_SIZE];
        size_t filled;
        int8_t counters[N_PIDS]; /* -1: not seen */
        int pmt_pid, pcr_pid;
        Stream picture, sound;
        int64_t pcr_27mhz, tables_27mhz; /* the last; -1: none yet */
        uint64_t pat_packet, pmt_packet;
};

static void fault(TsReader *reader, const char *what, int64_t value) {
        if (!reader->fault)
                reader->fault = g_strdup_printf("packet %" G_GUINT64_FORMAT ": %s (%" G_GINT64_FORMAT ")",
                                                reader->packets, what, value);
}

TsReader *ts_reader_new(void) {
        TsReader *reader = g_new0(TsReader, 1);
        reader->pictures = g_array_new(FALSE, FALSE, sizeof(TsPicture));
        reader->sounds = g_array_new(FALSE, FALSE, sizeof(TsSound));
        reader->cc_jumps = g_array_new(FALSE, FALSE, sizeof(uint64_t));
        reader->service_id = reader->splice_pid = -1;
        reader->state = g_new0(struct TsReaderState, 1);
        memset(reader->state->counters, -1, sizeof(reader->state->counters));
        reader->state->pmt_pid = reader->state->pcr_pid = NO_PID;
        reader->state->picture.pid = reader->state->sound.pid = NO_PID;
        reader->state->pcr_27mhz = reader->state->tables_27mhz = -1;
        reader->state->pat_packet = reader->state->pmt_packet = UINT64_MAX;
        return reader;
}

static void drop_pes(Stream *stream) {
        if (stream->pes)
                g_byte_array_unref(g_steal_pointer(&stream->pes));
}

void ts_reader_free(TsReader *reader) {
        if (!reader)
                return;
        drop_pes(&reader->state->picture);
        drop_pes(&reader->state->sound);
        g_array_unref(reader->pictures);
        g_array_unref(reader->sounds);
        g_array_unref(reader->cc_jumps);
        g_free(reader->state);
        g_free(reader->fault);
        g_free(reader);
}

static uint32_t crc32_mpeg(const uint8_t *data, size_t size) {
        uint32_t crc = 0xffffffff;
        for (size_t i = 0; i < size; i++) {
                crc ^= (uint32_t)data[i] << 24;
                for (int bit = 0; bit < 8; bit++)
                        crc = (crc << 1) ^ (crc & 0x80000000 ? 0x04c11db7 : 0);
        }
        return crc;
}

static int pid_at(const uint8_t *p) {
        return (p[0] & 0x1f) << 8 | p[1];
}

/* The section that a packet's payload holds whole, NULL and a fault otherwise. */
static const uint8_t *whole_section(TsReader *reader, const uint8_t *payload, size_t size, uint8_t table_id,
                                    size_t *ret_size) {
        if (size < 1 || (size_t)payload[0] + 4 > size) {
                fault(reader, "section does not begin in its packet", (int64_t)size);
                return NULL;
        }
        const uint8_t *section = payload + 1 + payload[0];
        const size_t room = size - 1 - payload[0];
        const size_t length = 3 + ((size_t)(section[1] & 0x0f) << 8 | section[2]);
        if (section[0] != table_id || length > room || length < 16 || crc32_mpeg(section, length) != 0) {
                fault(reader, "wrong table, cut section or bad CRC", section[0]);
                return NULL;
        }
        *ret_size = length;
        return section;
}

/* From a to b on the clock that goes round with the 33 bits of its base; negative when b is before a. */
static int64_t clock_gap(int64_t a, int64_t b) {
        const int64_t round_27mhz = (PTS_MASK + 1) * 300;
        return b - a < -round_27mhz / 2 ? b - a + round_27mhz : b - a;
}

typedef struct {
        uint8_t type;                                      /* of the PMT */
        uint8_t id;                                        /* of the PES packets */
        int64_t frame_pts;                                 /* of its samples at 48 kHz */
        size_t (*frame)(const uint8_t *data, size_t size); /* length of the frame that begins here; 0: none does */
} SoundKind;

static size_t adts_frame(const uint8_t *p, size_t size) {
        if (size < 7 || p[0] != 0xff || (p[1] & 0xf6) != 0xf0)
                return 0;
        const bool stereo_48k = (p[2] >> 2 & 0xf) == 3 && ((p[2] & 1) << 2 | p[3] >> 6) == 2;
        const size_t length = (size_t)(p[3] & 3) << 11 | (size_t)p[4] << 3 | p[5] >> 5;
        return stereo_48k && length >= 7 ? length : 0;
}

/* A/52 5.3, 5.4.1: at 48 kHz a frame has four bytes for each kbit/s; acmod 2 is two channels. */
static size_t ac3_frame(const uint8_t *p, size_t size) {
        static const uint16_t kbps[] = {32,  40,  48,  56,  64,  80,  96,  112, 128, 160,
                                        192, 224, 256, 320, 384, 448, 512, 576, 640};
        if (size < 7 || p[0] != 0x0b || p[1] != 0x77 || p[4] >> 6 != 0 || (p[4] & 0x3f) / 2 >= (int)G_N_ELEMENTS(kbps))
                return 0;
        return p[6] >> 5 == 2 ? (size_t)4 * kbps[(p[4] & 0x3f) / 2] : 0;
}

/* ISO/IEC 11172-3 2.4.1.3: layer II, 48 kHz, not mono; a frame has three bytes for each kbit/s. */
static size_t mp2_frame(const uint8_t *p, size_t size) {
        static const uint16_t kbps[] = {0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 0};
        if (size < 4 || p[0] != 0xff || (p[1] & 0xfe) != 0xfc || (p[2] >> 2 & 3) != 1 || p[3] >> 6 == 3)
                return 0;
        return (size_t)3 * kbps[p[2] >> 4];
}

static const SoundKind sound_kinds[] = {
        {0x0f, 0xc0, 1920, adts_frame}, {0x81, 0xfd, 2880, ac3_frame}, {0x03, 0xc0, 2160, mp2_frame}};

/* NULL: no sound that we know. */
static const SoundKind *sound_kind(uint8_t type) {
        for (size_t i = 0; i < G_N_ELEMENTS(sound_kinds); i++)
                if (sound_kinds[i].type == type)
                        return &sound_kinds[i];
        return NULL;
}

static void read_pat(TsReader *reader, const uint8_t *payload, size_t size) {
        size_t length;
        const uint8_t *pat = whole_section(reader, payload, size, 0x00, &length);
        if (!pat)
                return;
        if (length != 16)
                fault(reader, "PAT does not name exactly one programme", (int64_t)length);
        struct TsReaderState *state = reader->state;
        if (state->tables_27mhz >= 0)
                reader->max_tables_gap_27mhz =
                        MAX(reader->max_tables_gap_27mhz, clock_gap(state->tables_27mhz, state->pcr_27mhz));
        state->tables_27mhz = state->pcr_27mhz;
        state->pmt_pid = pid_at(pat + 10);
        state->pat_packet = reader->packets;
}

static void read_pmt(TsReader *reader, const uint8_t *payload, size_t size) {
        size_t length;
        const uint8_t *pmt = whole_section(reader, payload, size, 0x02, &length);
        if (!pmt)
                return;
        struct TsReaderState *state = reader->state;
        state->pcr_pid = pid_at(pmt + 8);
        reader->service_id = pmt[3] << 8 | pmt[4];
        state->pmt_packet = reader->packets;
        size_t at = 12 + ((size_t)(pmt[10] & 0x0f) << 8 | pmt[11]);
        for (; at + 5 <= length - 4; at += 5 + ((size_t)(pmt[at + 3] & 0x0f) << 8 | pmt[at + 4])) {
                if (pmt[at] == 0x1b)
                        state->picture.pid = pid_at(pmt + at + 1);
                else if (sound_kind(pmt[at])) {
                        state->sound.pid = pid_at(pmt + at + 1);
                        reader->sound_type = pmt[at];
                } else if (pmt[at] == 0x86)
                        reader->splice_pid = pid_at(pmt + at + 1);
                else
                        fault(reader, "stream type neither H.264, sound nor splices", pmt[at]);
        }
}

static int64_t read_timestamp(const uint8_t *p) {
        return (int64_t)(p[0] >> 1 & 7) << 30 | (int64_t)p[1] << 22 | (int64_t)(p[2] >> 1) << 15 | (int64_t)p[3] << 7 |
               p[4] >> 1;
}

/* Returns the payload of a complete PES packet that has a PTS. */
static const uint8_t *open_pes(TsReader *reader, const GByteArray *pes, int64_t *ret_pts, bool *ret_has_dts,
                               size_t *ret_size) {
        const uint8_t *p = pes->data;
        if (pes->len < 14 || p[0] != 0 || p[1] != 0 || p[2] != 1 || !(p[7] & 0x80) || 9u + p[8] > pes->len) {
                fault(reader, "no PES header with a PTS", pes->len);
                return NULL;
        }
        const size_t length = (size_t)p[4] << 8 | p[5];
        if (length != 0 && length + 6 != pes->len)
                fault(reader, "PES length differs from what was carried", (int64_t)length);
        *ret_pts = read_timestamp(p + 9);
        *ret_has_dts = p[7] & 0x40;
        *ret_size = pes->len - 9 - p[8];
        return p + 9 + p[8];
}

/* ATSC A/53 part 4: captions in registered user data. */
static void note_captions(TsPicture *picture, const uint8_t *nal, size_t size) {
        static const uint8_t sign[] = {0xb5, 0x00, 0x31, 'G', 'A', '9', '4', 0x03};
        if (size < sizeof(sign) + 8 || memcmp(nal + 3, sign, sizeof(sign)) != 0)
                return;
        picture->n_captions = nal[3 + sizeof(sign)] & 0x1f;
        picture->first_pair = (uint16_t)(nal[6 + sizeof(sign)] << 8 | nal[7 + sizeof(sign)]);
}

static void note_nal(TsPicture *picture, const uint8_t *nal, size_t size) {
        const int type = nal[0] & 0x1f;
        if (type == 6)
                note_captions(picture, nal, size);
        picture->idr |= type == 5;
        picture->sps |= type == 7;
        picture->pps |= type == 8;
        picture->aud |= type == 9;
}

/* a - b of two instants of the 33-bit clock that are less than half of its round apart. */
static int64_t difference(int64_t a, int64_t b) {
        const int64_t ahead = (a - b) & PTS_MASK;
        return ahead < PTS_HALF ? ahead : ahead - PTS_MASK - 1;
}

static void end_picture(TsReader *reader) {
        Stream *stream = &reader->state->picture;
        if (!stream->pes)
                return;
        TsPicture *picture = &stream->picture;
        size_t size;
        const uint8_t *data = open_pes(reader, stream->pes, &picture->pts, &picture->has_dts, &size);
        if (data) {
                for (size_t i = 0; i + 3 < size; i++)
                        if (data[i] == 0 && data[i + 1] == 0 && data[i + 2] == 1)
                                note_nal(picture, data + i + 3, size - i - 3);
                picture->bytes = size;
                if (reader->state->pcr_27mhz >= 0)
                        picture->margin = difference(picture->pts, reader->state->pcr_27mhz / 300);
                g_array_append_val(reader->pictures, *picture);
        }
        drop_pes(stream);
}

static void end_sound(TsReader *reader) {
        Stream *stream = &reader->state->sound;
        if (!stream->pes)
                return;
        TsSound sound = {0};
        bool has_dts;
        size_t size = 0, at = 0;
        const uint8_t *data = open_pes(reader, stream->pes, &sound.pts, &has_dts, &size);
        const SoundKind *kind = sound_kind(reader->sound_type);
        size_t length = 0;
        if (data && stream->pes->data[3] != kind->id)
                fault(reader, "sound has the id of another kind", stream->pes->data[3]);
        for (; data && at < size; at += length, sound.frames++) {
                length = kind->frame(data + at, size - at);
                if (length == 0 || length > size - at) {
                        fault(reader, "not a whole frame of 48 kHz stereo", (int64_t)at);
                        break;
                }
        }
        sound.bytes = size;
        if (data)
                g_array_append_val(reader->sounds, sound);
        drop_pes(stream);
}

static void begin_picture(TsReader *reader, bool random_access) {
        struct TsReaderState *state = reader->state;
        const bool tables = state->pmt_packet == reader->packets - 1 && state->pat_packet == reader->packets - 2;
        state->picture.picture = (TsPicture){
                .packet = reader->packets,
                .tables_packet = tables ? state->pat_packet : UINT64_MAX,
                .random_access = random_access,
        };
        state->picture.pes = g_byte_array_new();
}

static void read_pcr(TsReader *reader, const uint8_t *p) {
        struct TsReaderState *state = reader->state;
        const int64_t base = (int64_t)p[0] << 25 | p[1] << 17 | p[2] << 9 | p[3] << 1 | p[4] >> 7;
        const int64_t pcr = base * 300 + ((p[4] & 1) << 8 | p[5]);
        if (state->pcr_27mhz >= 0) {
                const int64_t gap = clock_gap(state->pcr_27mhz, pcr);
                if (gap <= 0)
                        fault(reader, "PCR does not increase", gap);
                reader->max_pcr_gap_27mhz = MAX(reader->max_pcr_gap_27mhz, gap);
        }
        state->pcr_27mhz = pcr;
}

static void check_counter(TsReader *reader, int pid, const uint8_t *packet) {
        int8_t *last = &reader->state->counters[pid];
        const int8_t counter = packet[3] & 0x0f;
        const bool has_payload = packet[3] & 0x10;
        if (*last >= 0 && counter != (has_payload ? (*last + 1) & 0x0f : *last))
                g_array_append_val(reader->cc_jumps, reader->packets);
        *last = counter;
}

static void read_payload(TsReader *reader, int pid, bool starts, bool random_access, const uint8_t *payload,
                         size_t size) {
        struct TsReaderState *state = reader->state;
        if (pid == PAT_PID)
                read_pat(reader, payload, size);
        else if (pid == state->pmt_pid)
                read_pmt(reader, payload, size);
        else if (pid == state->picture.pid && starts) {
                end_picture(reader);
                begin_picture(reader, random_access);
        } else if (pid == state->sound.pid && starts) {
                end_sound(reader);
                state->sound.pes = g_byte_array_new();
        }
        Stream *stream = pid == state->picture.pid ? &state->picture : pid == state->sound.pid ? &state->sound : NULL;
        if (stream && stream->pes)
                g_byte_array_append(stream->pes, payload, (guint)size);
}

static void read_packet(TsReader *reader) {
        const uint8_t *packet = reader->state->packet;
        if (packet[0] != 0x47 || packet[1] & 0x80) {
                fault(reader, "no sync byte, or transport error", packet[0]);
                return;
        }
        const int pid = pid_at(packet + 1);
        const bool has_adaptation = packet[3] & 0x20, has_payload = packet[3] & 0x10;
        const size_t payload = 4 + (has_adaptation ? 1u + packet[4] : 0);
        if (payload > PACKET_SIZE || (!has_payload && !has_adaptation)) {
                fault(reader, "adaptation field is longer than its packet", packet[4]);
                return;
        }
        const uint8_t flags = has_adaptation && packet[4] > 0 ? packet[5] : 0;
        check_counter(reader, pid, packet);
        reader->packets_of[pid]++;
        if (flags & 0x10 && pid == reader->state->pcr_pid)
                read_pcr(reader, packet + 6);
        if (has_payload)
                read_payload(reader, pid, packet[1] & 0x40, flags & 0x40, packet + payload, PACKET_SIZE - payload);
}

void ts_reader_feed(TsReader *reader, const void *data, size_t size) {
        struct TsReaderState *state = reader->state;
        const uint8_t *p = data;
        while (size > 0) {
                const size_t n = MIN(size, PACKET_SIZE - state->filled);
                memcpy(state->packet + state->filled, p, n);
                state->filled += n;
                p += n;
                size -= n;
                if (state->filled < PACKET_SIZE)
                        return;
                read_packet(reader);
                reader->packets++;
                state->filled = 0;
        }
}

void ts_reader_end(TsReader *reader) {
        end_picture(reader);
        end_sound(reader);
}

int64_t ts_pts_of_tick(int64_t tick, RvRational rate) {
        /* floor(x + 1/2) of x = tick * 90000 * den / num */
        const int64_t twice = rv_mul_div_floor(tick, (int64_t)180000 * rate.den, rate.num);
        return (TS_TICK_0_PTS + ((twice + 1) >> 1)) & PTS_MASK;
}

int64_t ts_tick_of_pts(int64_t pts, RvRational rate, int64_t reference_tick) {
        const int64_t delta = (pts - ts_pts_of_tick(reference_tick, rate)) & PTS_MASK;
        return reference_tick + rv_mul_div_floor(2 * delta + 1, rate.num, (int64_t)180000 * rate.den);
}

static char *check_picture(const TsPicture *picture, size_t i) {
        if (picture->has_dts)
                return g_strdup_printf("picture %zu has a DTS of its own", i);
        if (!picture->aud)
                return g_strdup_printf("picture %zu has no access unit delimiter", i);
        if (picture->idr != picture->random_access)
                return g_strdup_printf("picture %zu: IDR %d, random_access_indicator %d", i, picture->idr,
                                       picture->random_access);
        if (picture->idr && (!picture->sps || !picture->pps || picture->tables_packet == UINT64_MAX))
                return g_strdup_printf("IDR %zu without PAT and PMT directly in front, SPS or PPS", i);
        return NULL;
}

/* Counters jump behind a loss only: not before the first picture that follows one. */
/* INV-TS-002 */
static char *check_counters(const TsReader *reader, uint64_t first_loss_packet) {
        for (guint i = 0; i < reader->cc_jumps->len; i++) {
                const uint64_t packet = g_array_index(reader->cc_jumps, uint64_t, i);
                if (packet < first_loss_packet)
                        return g_strdup_printf("continuity counter jumps at packet %" G_GUINT64_FORMAT, packet);
        }
        return NULL;
}

/* INV-TS-001 */
static char *check_time(TsCheck *check, const TsPicture *picture) {
        if (picture->pts == ts_pts_of_tick(check->picture_due, check->rate))
                return NULL;
        if (check->expectation == TS_UNBROKEN || !picture->idr)
                return g_strdup_printf("picture %" G_GUINT64_FORMAT ": PTS %" G_GINT64_FORMAT ", not %" G_GINT64_FORMAT,
                                       check->pictures, picture->pts, ts_pts_of_tick(check->picture_due, check->rate));
        check->picture_due = ts_tick_of_pts(picture->pts, check->rate, check->picture_due);
        if (picture->pts != ts_pts_of_tick(check->picture_due, check->rate))
                return g_strdup_printf("picture %" G_GUINT64_FORMAT " is off the grid", check->pictures);
        check->first_loss_packet = MIN(check->first_loss_packet, picture->tables_packet);
        return NULL;
}

static char *check_next_picture(TsCheck *check, const TsPicture *picture) {
        char *wrong = check_picture(picture, (size_t)check->pictures);
        if (wrong)
                return wrong;
        /* In front of a loss the next clock reference is not the one that followed. */
        if (check->expectation == TS_UNBROKEN && picture->margin <= 0)
                return g_strdup_printf("picture %" G_GUINT64_FORMAT " is delivered %" G_GINT64_FORMAT
                                       " / 90 kHz too late",
                                       check->pictures, -picture->margin);
        if (check->pictures == 0 && !picture->idr)
                return g_strdup("the first picture is no IDR");
        wrong = check_time(check, picture);
        check->pictures++;
        check->picture_due++;
        return wrong;
}

static char *check_next_sound(TsCheck *check, const TsSound *sound, int64_t frame_pts) {
        const int64_t off = check->sound_due < 0 ? 0 : difference(sound->pts, check->sound_due);
        if (check->expectation == TS_UNBROKEN ? off != 0 : off < 0 || off % frame_pts != 0)
                return g_strdup_printf("sound %" G_GUINT64_FORMAT ": PTS %" G_GINT64_FORMAT ", not %" G_GINT64_FORMAT,
                                       check->sounds, sound->pts, check->sound_due);
        check->sound_due = (sound->pts + frame_pts * sound->frames) & PTS_MASK;
        check->sounds += sound->frames;
        return NULL;
}

TsCheck ts_check_begin(RvRational rate, int64_t first_tick, TsExpectation expectation) {
        return (TsCheck){
                .rate = rate,
                .expectation = expectation,
                .picture_due = first_tick,
                .sound_due = -1,
                .first_loss_packet = UINT64_MAX,
        };
}

static char *check_all(TsCheck *check, const TsReader *reader) {
        if (reader->fault)
                return g_strdup(reader->fault);
        if (check->expectation == TS_UNBROKEN && reader->max_pcr_gap_27mhz > MAX_PCR_GAP_27MHZ)
                return g_strdup_printf("PCRs %" G_GINT64_FORMAT " / 27 MHz apart", reader->max_pcr_gap_27mhz);
        char *wrong = NULL;
        const int64_t frame_pts = reader->sounds->len > 0 ? sound_kind(reader->sound_type)->frame_pts : 0;
        for (guint i = 0; i < reader->pictures->len && !wrong; i++)
                wrong = check_next_picture(check, &g_array_index(reader->pictures, TsPicture, i));
        if (!wrong)
                wrong = check_counters(reader, check->first_loss_packet);
        for (guint i = 0; i < reader->sounds->len && !wrong; i++)
                wrong = check_next_sound(check, &g_array_index(reader->sounds, TsSound, i), frame_pts);
        return wrong;
}

char *ts_check_more(TsCheck *check, TsReader *reader) {
        char *wrong = check_all(check, reader);
        g_array_set_size(reader->pictures, 0);
        g_array_set_size(reader->sounds, 0);
        g_array_set_size(reader->cc_jumps, 0);
        return wrong;
}

char *ts_reader_check(const TsReader *reader, RvRational rate, int64_t first_tick, TsExpectation expectation) {
        TsCheck check = ts_check_begin(rate, first_tick, expectation);
        char *wrong = check_all(&check, reader);
        if (!wrong && (check.pictures == 0 || check.sounds == 0))
                return g_strdup("no pictures or no sound");
        return wrong;
}
