/*
 * HLS: one channel's live playlist and its segments in memory (RFC 8216, version 3, MPEG-TS).
 *
 * Written by the channel's intake (as an IntakeSink), read by HTTP workers at the same time. A segment begins with PAT,
 * PMT and an IDR and is cut at the first random access point at or after the target; EXTINF is counted in frames. While
 * anybody may watch, media sequence and discontinuity sequence only rise, also over engine sessions (and, by the
 * caller's first numbers, core restarts); a channel that has rested begins a new playlist with media sequence 0. A new
 * playlist is published with its first segment, one that goes on when it holds three target durations (RFC 8216 6.2.2);
 * a segment stays fetchable for a window and more after it has left. Segment names carry the session, so caches never
 * mix sessions.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/play/intake/intake.h"

typedef struct Hls Hls;

typedef struct {
        int64_t segment_ms;     /* target: 1000 */
        unsigned window;        /* segments in the playlist, >= 6 (default 12) */
        int64_t first_sequence; /* media sequence of the first segment made */
        int64_t first_discontinuity;
        /* Intake thread, per segment; 0 by hls_rest, on its thread. NULL. */
        void (*on_sequence)(void *user, int64_t next_sequence, int64_t discontinuity);
        void (*on_published)(
                void *user); /* intake thread: the playlist became available or grew, or was withdrawn; NULL */
        void *user;
} HlsOptions;

Hls *hls_new(const HlsOptions *options);
Hls *hls_ref(Hls *hls);
void hls_unref(Hls *hls);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Hls, hls_unref)

/* A new engine session: its segments follow the ones there are after one EXT-X-DISCONTINUITY (none if the playlist is
 * empty). */
void hls_begin_session(Hls *hls, const char *session_id, int64_t epoch_utc_ms, RvRational rate);
/* Where the intake writes. */
IntakeSink hls_sink(Hls *hls);
/* The channel has gone to rest, its intake has ended: the playlist is withdrawn, segments are forgotten. Nobody has
 * asked for a while, so the next session's playlist is a new one. */
void hls_rest(Hls *hls);

/* What was measured in the stream, for the master playlist. */
typedef struct {
        char codecs[64]; /* RFC 6381, e.g. "avc1.64001f,mp4a.40.2" from the SPS and ADTS headers in the stream */
        int64_t peak_bps, average_bps; /* over the window */
} HlsMeasure;

typedef struct {
        GBytes *body;     /* NULL: not published (yet) */
        int64_t sequence; /* of the newest segment */
        char etag[48];
} HlsPlaylist;

/* Any thread; unref body. The media playlist; segment URIs are relative ("seg/<name>.ts"). */
HlsPlaylist hls_playlist(Hls *hls);
bool hls_measure(Hls *hls, HlsMeasure *ret_measure);
/* NULL: unknown or expired. name as in the playlist without "seg/". */
GBytes *hls_segment(Hls *hls, const char *name);
