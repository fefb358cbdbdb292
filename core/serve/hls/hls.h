/*
 * HLS: one channel's live playlist and its segments in memory (RFC 8216, version 3, MPEG-TS).
 *
 * Written by the channel's intake (as an IntakeSink), read by HTTP workers at the same time. A segment begins with PAT,
 * PMT and an IDR and is cut at the first random access point at or after the target; EXTINF is counted in frames.
 * Sequence and discontinuity sequence only rise, also over engine sessions and rest (and, by the caller's first
 * numbers, core restarts). A segment stays fetchable for a window and more after it has left. Segment names carry the
 * session, so caches never mix sessions.
 *
 * A playlist has a beginning: the sequence that its media sequence counts from. A channel that has rested begins a new
 * one, which is published with its first segment; those who know an older one see their numbers go on, and have it when
 * it holds three target durations, as RFC 8216 6.2.2 wants of a playlist that segments have left.
 *
 * With hls_use_parts it is a Low-Latency playlist (RFC 8216bis): parts of the newest segments are listed as they come,
 * and who asks for what is to come is told to wait. Memory: what is listed and kept is window * 2 + 2 segments; parts
 * of whole segments lie in them, those of the segment that is being made are a second copy of it.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/play/intake/intake.h"
#include "core/serve/hls/shelf.h"

typedef struct Hls Hls;

typedef struct {
        int64_t segment_ms;     /* target: 1000 */
        unsigned window;        /* segments in the playlist, >= 6 (default 12) */
        int64_t first_sequence; /* of the first segment made */
        int64_t first_discontinuity;
        void (*on_sequence)(void *user, int64_t next_sequence,
                            int64_t discontinuity); /* intake thread, per segment; NULL */
        void (*on_published)(
                void *user); /* intake thread: the playlist became available or grew, or was withdrawn; NULL */
        void *user;
        Shelf *shelf;             /* where segments lie as files, too; NULL: nowhere */
        const char *shelf_folder; /* on it: "channel/<id>/seg" */
} HlsOptions;

Hls *hls_new(const HlsOptions *options);
Hls *hls_ref(Hls *hls);
void hls_unref(Hls *hls);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Hls, hls_unref)

/* Sessions that begin from now on are told in parts of about so long, whole frames each; 0: in segments only. */
void hls_use_parts(Hls *hls, int64_t part_ms);
/* A new engine session: its segments follow the ones there are after one EXT-X-DISCONTINUITY (none if the playlist is
 * empty). */
void hls_begin_session(Hls *hls, const char *session_id, int64_t epoch_utc_ms, RvRational rate);
/* Two renditions of one programme, before the first segment of a session: both count from the higher of their numbers,
 * or, when something is listed, one that does not count as its leader does begins a new playlist with the leader's. */
void hls_align(Hls *leader, Hls *other);
/* Whether a rendition has the segments that another has, but for the newest ones, with the same numbers. Any thread. */
bool hls_keeps_up(Hls *hls, Hls *leader);
/* Where the intake writes. */
IntakeSink hls_sink(Hls *hls);
/* The channel has gone to rest: the playlist is withdrawn, segments are forgotten, the next one made begins a new
 * playlist. */
void hls_rest(Hls *hls);

/* What was measured in the stream, for the master playlist. */
typedef struct {
        char codecs[64]; /* RFC 6381, e.g. "avc1.64001f,mp4a.40.2" from the SPS and ADTS headers in the stream */
        int64_t peak_bps, average_bps; /* over the window */
        int64_t beginning;             /* of the newest playlist */
} HlsMeasure;

typedef struct {
        GBytes *body;     /* NULL: not published (yet) */
        int64_t sequence; /* of the newest segment made */
        int64_t beginning;
        char etag[128];
} HlsPlaylist;

#define HLS_NEWEST (-1)

/* Any thread; unref body. The media playlist that began there; segment URIs are relative ("seg/<name>.ts"). */
HlsPlaylist hls_playlist(Hls *hls, int64_t beginning);
/* The same without what a player has had for long (EXT-X-SKIP); the whole one without parts, or when nothing is that
 * old. */
HlsPlaylist hls_playlist_delta(Hls *hls, int64_t beginning);
bool hls_measure(Hls *hls, HlsMeasure *ret_measure);
/* NULL: unknown or expired. name as in the playlist without "seg/". */
GBytes *hls_segment(Hls *hls, const char *name);

/* --- low latency: any thread ------------------------------------------------------------------------------------- */

/* What a player asks a playlist to have: a segment by its number in it, and of that a part (HLS_WHOLE: all of it). */
#define HLS_WHOLE (-1)
typedef enum {
        HLS_REACHED, /* it is there, or there are no parts: nobody waits */
        HLS_AHEAD,   /* it is to come */
        HLS_BEYOND,  /* nobody can mean that */
} HlsReach;
HlsReach hls_reach(Hls *hls, int64_t beginning, int64_t number, int64_t part);
/* NULL: unknown or expired, or, with ret_is_next, the one that comes next. name as in the playlist without "part/". */
GBytes *hls_part(Hls *hls, const char *name, bool *ret_is_next);
/* Of a playlist with parts, how long a request for what is to come may wait: three target durations; 0: no parts. */
int64_t hls_patience_ms(Hls *hls);
/* The newest that is listed, numbered from a beginning; false: nothing is, or no parts. */
bool hls_newest(Hls *hls, int64_t beginning, int64_t *ret_number, int64_t *ret_part);
