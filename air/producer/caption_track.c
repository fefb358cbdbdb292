#include "air/producer/caption_track.h"

#include <string.h>

/* libavformat takes the atom "cdat" apart into triplets of field 1, and what follows it as well: the head of "cdt2" are
 * four of them, which by their parity are nothing of line 21, and the rest is field 2's. */
#define HEAD_TRIPLETS 4
/* A packet's pairs of one field at most; more than a second of line 21 is nobody's captions. */
#define PAIRS_MOST 512
/* Stamps beyond it mean nothing. */
#define FAR (INT64_C(1) << 50)
/* cc_valid with cc_type 0 or 1, behind the five marker bits (ATSC A/53 part 4). */
#define FIELD_1 0xfc

struct CaptionTrack {
        Demux *demux;
        AVRational base;
        AVPacket *packet; /* the one whose pairs come next; empty: none */
        bool has_packet;
        uint32_t n_taken; /* pairs of each field that have been */
};

/* A packet's pairs of one field. */
typedef struct {
        const uint8_t *triplets;
        uint32_t n;
} Pairs;

CaptionTrack *caption_track_open(Demux *demux) {
        const AVStream *stream = demux_stream(demux, DEMUX_CAPTIONS);
        if (!stream)
                return NULL;
        CaptionTrack *track = g_new0(CaptionTrack, 1);
        track->demux = demux;
        track->base = stream->time_base;
        track->packet = av_packet_alloc();
        g_assert(track->packet);
        return track;
}

void caption_track_free(CaptionTrack *track) {
        if (!track)
                return;
        av_packet_free(&track->packet);
        g_free(track);
}

void caption_track_flush(CaptionTrack *track) {
        track->has_packet = false;
}

static bool is_head(const uint8_t *triplets) {
        return memcmp(triplets + 7, "cd", 2) == 0 && memcmp(triplets + 10, "t2", 2) == 0;
}

/* Any bytes at all do no harm. */
static void take_apart(const AVPacket *packet, Pairs ret_fields[2]) {
        const uint8_t *triplets = packet->data;
        const uint32_t n = (uint32_t)packet->size / CAPTIONS_TRIPLET;
        uint32_t head = 0;
        while (head + HEAD_TRIPLETS <= n && !is_head(triplets + (size_t)head * CAPTIONS_TRIPLET))
                head++;
        const bool has_head = head + HEAD_TRIPLETS <= n;
        const uint32_t second = has_head ? head + HEAD_TRIPLETS : n;
        ret_fields[0] = (Pairs){triplets, MIN(has_head ? head : n, PAIRS_MOST)};
        ret_fields[1] = (Pairs){triplets + (size_t)second * CAPTIONS_TRIPLET, MIN(n - second, PAIRS_MOST)};
}

static int64_t tick_of(const CaptionTrack *track, const CaptionSpan *span, uint32_t i, uint32_t n) {
        const AVPacket *packet = track->packet;
        const int64_t pts = CLAMP(packet->pts, -FAR, FAR), duration = CLAMP(packet->duration, 0, INT32_MAX);
        const MediaTime at = {(pts + duration * i / n) * track->base.num, track->base.den};
        return timing_tick_since(at, span->zero, span->offset_ms, span->rate);
}

static void put(CaptionQueue *queue, const Pairs fields[2], uint32_t i) {
        for (uint8_t field = 0; field < 2; field++) {
                if (i >= fields[field].n)
                        continue;
                const uint8_t *pair = fields[field].triplets + (size_t)i * CAPTIONS_TRIPLET;
                const uint8_t triplet[CAPTIONS_TRIPLET] = {FIELD_1 | field, pair[1], pair[2]};
                caption_queue_push(queue, triplet, sizeof(triplet));
        }
}

/* False: there are more, later than the span. */
static bool pull_packet(CaptionTrack *track, const CaptionSpan *span, CaptionQueue *queue) {
        Pairs fields[2];
        take_apart(track->packet, fields);
        const uint32_t n = MAX(fields[0].n, fields[1].n);
        for (; track->n_taken < n; track->n_taken++) {
                const int64_t k = tick_of(track, span, track->n_taken, n);
                if (k > span->until_k)
                        return false;
                if (k >= span->from_k)
                        put(queue, fields, track->n_taken);
        }
        return true;
}

/* INV-PRODUCER-031 */
void caption_track_pull(CaptionTrack *track, const CaptionSpan *span, CaptionQueue *queue) {
        for (;;) {
                if (!track->has_packet) {
                        if (!demux_waiting(track->demux, DEMUX_CAPTIONS, track->packet))
                                return;
                        track->has_packet = track->packet->pts != AV_NOPTS_VALUE;
                        track->n_taken = 0;
                } else if (pull_packet(track, span, queue)) {
                        track->has_packet = false;
                } else {
                        return;
                }
        }
}
