/*
 * A transport stream reader of the tests' own, with no media library behind it, so that a fault which a multiplexer and
 * a demultiplexer of one family share is still seen. One programme, one H.264 picture stream with one access unit a PES
 * packet, one stream of sound: AAC in ADTS, AC-3 or MP2 (ISO/IEC 13818-1, 14496-10 Annex B, 13818-7, ATSC A/52, ISO/IEC
 * 11172-3).
 *
 * Feed it bytes as they come, in any cut. It remembers the first fault of the packets, tables and PES packets; what the
 * stream should have carried is asked of ts_reader_check.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/rational.h"

/* Of the picture that an engine makes of tick 0, and of sample 0's sound. */
#define TS_TICK_0_PTS (324000000LL + 90000)

typedef struct {
        int64_t pts;            /* 90 kHz, 33 bits */
        int64_t margin;         /* 90 kHz: PTS less the clock reference that follows its last byte */
        uint64_t packet;        /* number of the packet it begins in, from the first fed */
        uint64_t tables_packet; /* number of the PAT that, with the PMT, stands directly in front; UINT64_MAX: none */
        size_t bytes;
        bool has_dts;            /* a DTS of its own: it is not decoded in the order shown */
        bool random_access;      /* random_access_indicator */
        bool idr, aud, sps, pps; /* NAL units it holds */
        uint8_t n_captions;      /* triplets of the captions it holds ... */
        uint16_t first_pair;     /* ... and the first one's bytes; neither is 0 if there are any */
} TsPicture;

typedef struct {
        int64_t pts;
        uint32_t frames; /* of AAC 1024 samples, of AC-3 1536, of MP2 1152 */
        size_t bytes;
} TsSound;

typedef struct TsReader TsReader;

struct TsReader {
        GArray *pictures;   /* TsPicture, in stream order */
        GArray *sounds;     /* TsSound, a PES packet each */
        GArray *cc_jumps;   /* uint64_t: packets whose continuity counter does not follow */
        uint8_t sound_type; /* of the PMT: 0x0f AAC, 0x81 AC-3, 0x03 MP2 */
        uint64_t packets;
        uint64_t packets_of[8192]; /* by PID */
        int service_id;            /* of the PMT; -1: not seen */
        int splice_pid;            /* likewise */
        int64_t max_pcr_gap_27mhz;
        int64_t max_tables_gap_27mhz; /* between two PATs */
        char *fault;                  /* the first; NULL: none */
        struct TsReaderState *state;
};

TsReader *ts_reader_new(void);
void ts_reader_free(TsReader *reader);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TsReader, ts_reader_free)

void ts_reader_feed(TsReader *reader, const void *data, size_t size);
/* The stream is over (or was cut): the last picture and sound are complete as they are. */
void ts_reader_end(TsReader *reader);

/* PTS of the picture of a tick: TS_TICK_0_PTS + floor(tick * 90000 / rate + 1/2), 33 bits; and the tick nearest to a
 * PTS within a day after reference_tick. */
int64_t ts_pts_of_tick(int64_t tick, RvRational rate);
int64_t ts_tick_of_pts(int64_t pts, RvRational rate, int64_t reference_tick);

typedef enum {
        TS_UNBROKEN, /* every picture one frame after the one before, all sound contiguous, no continuity counter jumps
                      */
        TS_LOSSES,   /* jumps are allowed, if what follows each is PAT, PMT and an IDR */
} TsExpectation;

/*
 * NULL, or a sentence that says what is wrong (free with g_free): reader->fault; the first picture no IDR; a picture
 * that is not at the time of its tick, counted from first_tick on; an IDR without PAT and PMT directly in front, SPS,
 * PPS or random_access_indicator, or that indicator without an IDR; a picture that is reordered, has no access unit
 * delimiter or is not delivered before its time; PCRs more than 100 ms apart; frames of sound that do not follow each
 * other.
 */
char *ts_reader_check(const TsReader *reader, RvRational rate, int64_t first_tick, TsExpectation expectation);

/* The same of a stream without end, piece by piece: where the next picture and the next sound are due. */
typedef struct {
        RvRational rate;
        TsExpectation expectation;
        int64_t picture_due;        /* tick */
        int64_t sound_due;          /* PTS; -1: none yet */
        uint64_t pictures, sounds;  /* seen so far; AAC frames */
        uint64_t first_loss_packet; /* UINT64_MAX: none */
} TsCheck;

TsCheck ts_check_begin(RvRational rate, int64_t first_tick, TsExpectation expectation);
/* Checks what the reader has got since the last call, and has it forget that. After the first fault nothing is sure. */
char *ts_check_more(TsCheck *check, TsReader *reader);
