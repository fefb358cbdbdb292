/* What hls.c (segments), parts.c (parts of them), playlist.c (their list as text), ranges.c (its breaks) and codecs.c
 * (what is in the stream) share. */
#pragma once

#include <pthread.h>

#include "core/serve/hls/hls.h"

#define HLS_NAME_SIZE 48

/* Of a segment, from one picture to another (Low-Latency HLS). */
typedef struct {
        char name[HLS_NAME_SIZE];
        int64_t n_frames;
        bool independent; /* begins with PAT, PMT and an IDR */
        GBytes *data;
} HlsPart;

typedef struct {
        int64_t sequence;
        int64_t discontinuity; /* EXT-X-DISCONTINUITY-SEQUENCE that the segment belongs to */
        char name[HLS_NAME_SIZE];
        int64_t start_frame, n_frames;
        int64_t start_utc_ms; /* of its first frame */
        RvRational rate;
        GBytes *data;
        GPtrArray *parts; /* HlsPart; empty: of none, or they are not listed any more */
        Shelf *shelf;     /* where it lies as a file, too; NULL: nowhere */
        char *shelf_path; /* and under which name */
} HlsSegment;

/* A break of the stream (SCTE 35). */
typedef struct {
        uint32_t event_id;
        char session[9]; /* as HlsSession's id */
        int64_t start_frame, start_utc_ms;
        int64_t planned_us;                /* -1: not said */
        int64_t duration_us;               /* known with in_hex */
        char *out_hex, *in_hex;            /* the messages; in_hex NULL: its end was not told */
        int64_t out_sequence, in_sequence; /* of the segment that was open when they came */
} HlsRange;

typedef struct {
        char id[9]; /* first digits of the session's id: tells names of sessions apart */
        int64_t epoch_utc_ms;
        RvRational rate;
        int64_t part_frames; /* of a part, but for the last of a segment; 0: no parts */
        unsigned n_segments; /* made in this session since its last discontinuity */
} HlsSession;

struct Hls {
        gatomicrefcount refs;
        HlsOptions options;
        char *shelf_folder;
        int64_t target_s; /* EXT-X-TARGETDURATION; guarded by lock */

        /* The intake's thread only. */
        GByteArray *open;     /* the segment being written; empty: none */
        int64_t part_frame;   /* first frame of the part being written */
        guint part_at;        /* and its first byte in open */
        bool independent;     /* it begins at a random access point */
        bool cut_off;         /* wait for one before writing on */
        int64_t access_frame; /* the newest one */

        pthread_mutex_t lock; /* guards what follows */
        HlsSession session;
        int64_t open_frame;    /* first frame of the segment being written */
        GPtrArray *open_parts; /* HlsPart: of it, what is complete */
        int64_t next_part;     /* number of the part that comes next, in its name: none comes twice */
        int64_t part_ms;       /* for the sessions to come */
        GBytes *delta;         /* body without what is old; NULL: it would be the same */
        uint64_t version;      /* of body */
        GQueue segments;       /* HlsSegment *, oldest first: those that left the playlist, then those in it */
        GQueue ranges;         /* HlsRange *, as they came */
        unsigned n_listed;     /* the newest so many are in the playlist */
        int64_t next_sequence, discontinuity;
        int64_t beginning; /* of the newest playlist */
        GBytes *body;      /* of the newest playlist; NULL: not published */
        bool full;         /* it has held three target durations: older ones are published, too */
        bool flows;        /* parts come */
        char codecs[64];
};

/* playlist.c: the text of the listed segments, numbered from a beginning, but for the oldest n_skipped; call with the
 * lock held. */
GBytes *hls_playlist_write(const Hls *hls, int64_t beginning, unsigned n_skipped);
/* How many a player that has had them for long need not be told; likewise. */
unsigned hls_playlist_skippable(const Hls *hls);
/* Its link among the segments; NULL when none is listed. With the lock held. */
GList *hls_first_listed(const Hls *hls);
int64_t hls_segment_duration_us(const HlsSegment *segment);

/* 2026-11-21T12:00:00.123Z */
void hls_date_write(GString *out, int64_t utc_ms);

/* ranges.c, with the lock held: a splice of the stream; forgets what ended before; forgets all; the tags of a
 * playlist. */
void hls_ranges_take(Hls *hls, const IntakeSplice *splice);
void hls_ranges_prune(Hls *hls, int64_t utc_ms);
void hls_ranges_clear(Hls *hls);
void hls_ranges_write(const Hls *hls, GString *out);

/* parts.c, with the lock held. GPtrArray of HlsPart. */
GPtrArray *hls_parts_new(void);
/* How many frames a part of about so long has; 0: no parts. */
int64_t hls_part_frames(int64_t part_ms, RvRational rate);
int64_t hls_part_target_us(const Hls *hls);
/* Name of the part that comes next. */
void hls_part_name(const Hls *hls, char ret_name[HLS_NAME_SIZE]);
/* What was written since the last part ends before a frame. */
void hls_part_end(Hls *hls, int64_t end_frame);
/* Whether a picture at a frame cannot be the next one of the open part: time stamps that jump. */
bool hls_part_torn(const Hls *hls, int64_t frame);
/* Those of a complete segment lie in it from now on. */
void hls_parts_settle(HlsSegment *segment);
int64_t hls_open_duration_us(const Hls *hls); /* of the open segment's parts */

/* codecs.c: RFC 6381 names of what a segment carries; empty when it cannot be told. */
void hls_codecs_read(const uint8_t *packets, size_t size, char *ret_codecs, size_t codecs_size);
