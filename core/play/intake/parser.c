/* Transport packets (ISO/IEC 13818-1, 2.4.3): finds the tables, the pictures and the random access points among them.
 */
#include "core/play/intake/intake.h"

#include <string.h>

#include "core/play/intake/splice.h"

#define MAX_SINKS 4
#define SYNC 0x47
/* PAT, PMT and whatever comes between them and the picture they announce: more means that no picture follows. */
#define MAX_HELD (64 * TS_PACKET)
/* Packets are passed on in runs of up to so many bytes, so that a sink locks once a run and not once a packet. */
#define MAX_RUN (128 * TS_PACKET)
#define PTS_MODULUS (INT64_C(1) << 33)
#define PTS_HZ 90000

struct IntakeParser {
        RvRational rate;
        IntakeSink sinks[MAX_SINKS];
        unsigned n_sinks;

        uint8_t partial[TS_PACKET]; /* a packet cut by the end of a push, or one that is not believed yet */
        size_t n_partial;
        bool in_sync; /* the last packet ended where one begins; otherwise the next is believed when another follows */
        uint8_t held[MAX_HELD]; /* from a PAT on: they belong to whatever picture follows */
        size_t n_held;
        uint8_t run[MAX_RUN]; /* to be passed on */
        size_t n_run;

        int pmt_pid, video_pid;      /* -1 = not known yet */
        int splice_pid;              /* -1 = there is none */
        bool started;                /* the first random access point was passed on */
        int64_t first_pts, last_pts; /* unwrapped, 90 kHz; -1 before the first picture */
        uint64_t syncs_lost;
};

typedef struct {
        const uint8_t *bytes;
        const uint8_t *payload; /* NULL = none */
        size_t payload_size;
        int pid;
        bool unit_start;
        bool random_access;
} Packet;

IntakeParser *intake_parser_new(RvRational rate, const IntakeSink *sinks, unsigned n_sinks) {
        g_assert(n_sinks <= MAX_SINKS);
        IntakeParser *parser = g_new0(IntakeParser, 1);
        parser->rate = rate;
        memcpy(parser->sinks, sinks, n_sinks * sizeof *sinks);
        parser->n_sinks = n_sinks;
        parser->in_sync = true;
        parser->pmt_pid = parser->video_pid = parser->splice_pid = -1;
        parser->first_pts = parser->last_pts = -1;
        return parser;
}

void intake_parser_free(IntakeParser *parser) {
        g_free(parser);
}

static Packet packet_read(const uint8_t *bytes) {
        Packet packet = {
                .bytes = bytes,
                .pid = (bytes[1] & 0x1f) << 8 | bytes[2],
                .unit_start = bytes[1] & 0x40,
        };
        int control = bytes[3] >> 4 & 3;
        size_t at = 4;
        if (control & 2) {
                packet.random_access = bytes[4] > 0 && bytes[5] & 0x40;
                at += 1 + (size_t)bytes[4];
        }
        if (control & 1 && at < TS_PACKET) {
                packet.payload = bytes + at;
                packet.payload_size = TS_PACKET - at;
        }
        return packet;
}

/* The section that starts in this packet; NULL when none does or it does not fit into the packet (ours always do). */
static const uint8_t *section_read(const Packet *packet, uint8_t table_id, size_t *ret_size) {
        if (!packet->unit_start || packet->payload_size < 4)
                return NULL;
        size_t pointer = packet->payload[0];
        if (pointer + 4 > packet->payload_size)
                return NULL;
        const uint8_t *section = packet->payload + 1 + pointer;
        size_t size = 3 + (size_t)((section[1] & 0x0f) << 8 | section[2]);
        if (section[0] != table_id || size < 16 || section + size > packet->bytes + TS_PACKET)
                return NULL;
        *ret_size = size;
        return section;
}

static void read_pat(IntakeParser *parser, const Packet *packet) {
        size_t size;
        const uint8_t *section = section_read(packet, 0x00, &size);
        if (!section)
                return;
        for (size_t at = 8; at + 4 <= size - 4; at += 4) {
                bool is_program = section[at] || section[at + 1]; /* number 0 is the network's */
                if (is_program) {
                        parser->pmt_pid = (section[at + 2] & 0x1f) << 8 | section[at + 3];
                        return;
                }
        }
}

static void read_pmt(IntakeParser *parser, const Packet *packet) {
        size_t size;
        const uint8_t *section = section_read(packet, 0x02, &size);
        if (!section)
                return;
        size_t at = 12 + (size_t)((section[10] & 0x0f) << 8 | section[11]);
        while (at + 5 <= size - 4) {
                const int pid = (section[at + 1] & 0x1f) << 8 | section[at + 2];
                if (section[at] == 0x1b) /* H.264 */
                        parser->video_pid = pid;
                else if (section[at] == 0x86) /* SCTE 35 */
                        parser->splice_pid = pid;
                at += 5 + (size_t)((section[at + 3] & 0x0f) << 8 | section[at + 4]);
        }
}

/* PTS of the PES packet that starts here, 33 bits; -1 when there is none. */
static int64_t pes_pts(const Packet *packet) {
        const uint8_t *p = packet->payload;
        if (packet->payload_size < 14 || p[0] || p[1] || p[2] != 1 || !(p[7] & 0x80))
                return -1;
        return (int64_t)(p[9] >> 1 & 7) << 30 | (int64_t)p[10] << 22 | (int64_t)(p[11] >> 1) << 15 | p[12] << 7 |
               p[13] >> 1;
}

/* Unwrapped: where the clock is when it shows pts and has gone less than half of its round since the last picture. */
static int64_t unwrap(const IntakeParser *parser, int64_t pts) {
        int64_t step = (pts - parser->last_pts) % PTS_MODULUS;
        if (step > PTS_MODULUS / 2)
                step -= PTS_MODULUS;
        else if (step < -PTS_MODULUS / 2)
                step += PTS_MODULUS;
        return parser->last_pts + step;
}

/* To the nearest frame: PTS are rounded to 90 kHz. */
static int64_t frame_at(const IntakeParser *parser, int64_t unwrapped) {
        int64_t half_frame = (int64_t)PTS_HZ * parser->rate.den / (2 * (int64_t)parser->rate.num);
        return rv_mul_div_floor(unwrapped - parser->first_pts + half_frame, parser->rate.num,
                                (int64_t)PTS_HZ * parser->rate.den);
}

/* The output frame of the picture that starts, counted from the first picture seen; -1 when it cannot be told. */
static int64_t frame_of(IntakeParser *parser, int64_t pts) {
        if (pts < 0)
                return -1;
        if (parser->first_pts < 0)
                parser->first_pts = parser->last_pts = pts;
        parser->last_pts = unwrap(parser, pts);
        return frame_at(parser, parser->last_pts);
}

static void flush_run(IntakeParser *parser) {
        for (unsigned i = 0; parser->n_run > 0 && i < parser->n_sinks; i++)
                parser->sinks[i].packets(parser->sinks[i].user, parser->run, parser->n_run);
        parser->n_run = 0;
}

static void pass_on(IntakeParser *parser, const uint8_t *packets, size_t size) {
        if (!parser->started)
                return; /* INV-INTAKE-001: nothing before the first random access point can be decoded */
        if (parser->n_run + size > MAX_RUN)
                flush_run(parser);
        /* INV-INTAKE-004: whole packets, as they came */
        memcpy(parser->run + parser->n_run, packets, size);
        parser->n_run += size;
}

static void release_held(IntakeParser *parser) {
        pass_on(parser, parser->held, parser->n_held);
        parser->n_held = 0;
}

static void picture_starts(IntakeParser *parser, const Packet *packet) {
        int64_t frame = frame_of(parser, pes_pts(packet));
        bool entry = packet->random_access && parser->n_held > 0 && frame >= 0;
        if (entry)
                parser->started = true;
        flush_run(parser);
        for (unsigned i = 0; parser->started && i < parser->n_sinks; i++) {
                IntakeSink *sink = &parser->sinks[i];
                if (entry)
                        sink->random_access(sink->user, frame); /* INV-INTAKE-002 */
                if (sink->picture && frame >= 0)
                        sink->picture(sink->user, frame);
        }
        release_held(parser);
}

/* INV-INTAKE-006: the frame is that of the time stamp, or the newest picture's when the message means now. */
static void read_splice(IntakeParser *parser, const Packet *packet) {
        size_t size;
        const uint8_t *section = section_read(packet, 0xfc, &size);
        SpliceInsert insert;
        if (!parser->started || !section || !splice_insert_read(section, size, &insert))
                return;
        const int64_t at = insert.pts < 0 ? parser->last_pts : unwrap(parser, insert.pts);
        const IntakeSplice splice = {
                .out = insert.out,
                .event_id = insert.event_id,
                .frame = frame_at(parser, at),
                .duration_90khz = insert.duration_90khz,
                .section = section,
                .size = size,
        };
        for (unsigned i = 0; i < parser->n_sinks; i++)
                if (parser->sinks[i].splice)
                        parser->sinks[i].splice(parser->sinks[i].user, &splice);
}

static void hold(IntakeParser *parser, const uint8_t *bytes) {
        if (parser->n_held == MAX_HELD)
                release_held(parser);
        memcpy(parser->held + parser->n_held, bytes, TS_PACKET);
        parser->n_held += TS_PACKET;
}

static void take_packet(IntakeParser *parser, const uint8_t *bytes) {
        Packet packet = packet_read(bytes);
        if (packet.pid == 0) {
                read_pat(parser, &packet);
                release_held(parser);
                hold(parser, bytes);
                return;
        }
        if (packet.pid == parser->pmt_pid)
                read_pmt(parser, &packet);
        if (packet.pid == parser->splice_pid)
                read_splice(parser, &packet);
        if (packet.pid == parser->video_pid && packet.unit_start)
                picture_starts(parser, &packet);
        if (parser->n_held > 0)
                hold(parser, bytes);
        else
                pass_on(parser, bytes, TS_PACKET);
}

/* INV-INTAKE-003: what was taken for the beginning of a packet is none; what stands behind it may be. */
static void lose_sync(IntakeParser *parser) {
        if (parser->in_sync)
                parser->syncs_lost++;
        parser->in_sync = false;
        size_t at = 1;
        while (at < parser->n_partial && parser->partial[at] != SYNC)
                at++;
        parser->n_partial -= MIN(at, parser->n_partial);
        memmove(parser->partial, parser->partial + at, parser->n_partial);
}

/* How many of the bytes were used. */
static size_t push_some(IntakeParser *parser, const uint8_t *data, size_t size) {
        if (parser->n_partial == TS_PACKET) { /* out of sync: believed if a packet follows */
                if (data[0] != SYNC) {
                        lose_sync(parser);
                        return 0;
                }
                parser->in_sync = true;
                parser->n_partial = 0;
                take_packet(parser, parser->partial);
        }
        size_t n = MIN(size, TS_PACKET - parser->n_partial);
        memcpy(parser->partial + parser->n_partial, data, n);
        parser->n_partial += n;
        while (parser->n_partial > 0 && parser->partial[0] != SYNC)
                lose_sync(parser);
        if (parser->n_partial == TS_PACKET && parser->in_sync) {
                parser->n_partial = 0;
                take_packet(parser, parser->partial);
        }
        return n;
}

void intake_parser_push(IntakeParser *parser, const uint8_t *data, size_t size) {
        while (size > 0) {
                size_t n = push_some(parser, data, size);
                data += n;
                size -= n;
        }
        flush_run(parser);
}

void intake_parser_cut(IntakeParser *parser) {
        parser->n_partial = 0;
        parser->in_sync = true;
        release_held(parser);
        flush_run(parser);
}

void intake_parser_end(IntakeParser *parser) {
        intake_parser_cut(parser);
        for (unsigned i = 0; i < parser->n_sinks; i++)
                parser->sinks[i].end(parser->sinks[i].user);
}

uint64_t intake_parser_syncs_lost(const IntakeParser *parser) {
        return parser->syncs_lost;
}
