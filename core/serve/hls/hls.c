#include "core/serve/hls/hls_private.h"

#include <string.h>

#include "proto/base/log.h"

#define DEFAULT_WINDOW 12
/* Nothing has left a new playlist: it may be short (RFC 8216 6.2.2), and what follows comes faster than it is played,
 * for the engine began in the past. */
#define MIN_TARGETS_NEW 1
/* RFC 8216 6.2.2: what segments have left is never shorter than three target durations, and what has left stays for the
 * longest playlist and its own length; one more for whoever is slow to ask. */
#define MIN_TARGETS 3
#define KEPT_BEYOND_WINDOW 2
/* What no segment is, in length and bytes: then its end was missed, or time stamps are wrong. */
#define MAX_SEGMENT_TARGETS 10
/* A rendition that has not had so many of the segments that another has is not a step of a ladder any more. */
#define MAX_BEHIND 3
#define TS_PACKET 188
#define FIRST_SI_PID 0x10
#define LAST_SI_PID 0x14
#define MAX_OPEN_BYTES ((size_t)64 * 1024 * 1024)

static void segment_free(void *user) {
        HlsSegment *segment = user;
        if (segment->shelf)
                shelf_remove(segment->shelf, segment->shelf_path);
        g_free(segment->shelf_path);
        g_bytes_unref(segment->data);
        g_free(segment);
}

Hls *hls_new(const HlsOptions *options) {
        Hls *hls = g_new0(Hls, 1);
        g_atomic_ref_count_init(&hls->refs);
        hls->options = *options;
        hls->shelf_folder = g_strdup(options->shelf_folder);
        if (hls->options.window == 0)
                hls->options.window = DEFAULT_WINDOW;
        hls->target_s = MAX(1, (options->segment_ms + 999) / 1000);
        hls->open = g_byte_array_new();
        pthread_mutex_init(&hls->lock, NULL);
        g_queue_init(&hls->segments);
        g_queue_init(&hls->ranges);
        hls->next_sequence = options->first_sequence;
        hls->discontinuity = options->first_discontinuity;
        hls->cut_off = true;
        return hls;
}

Hls *hls_ref(Hls *hls) {
        g_atomic_ref_count_inc(&hls->refs);
        return hls;
}

void hls_unref(Hls *hls) {
        if (!hls || !g_atomic_ref_count_dec(&hls->refs))
                return;
        g_queue_clear_full(&hls->segments, segment_free);
        hls_ranges_clear(hls);
        g_clear_pointer(&hls->body, g_bytes_unref);
        g_byte_array_unref(hls->open);
        g_free(hls->shelf_folder);
        pthread_mutex_destroy(&hls->lock);
        g_free(hls);
}

int64_t hls_segment_duration_us(const HlsSegment *segment) {
        return rv_mul_div_floor(segment->n_frames, INT64_C(1000000) * segment->rate.den, segment->rate.num);
}

/* --- publication: with the lock held ----------------------------------------------------------------------------- */

GList *hls_first_listed(const Hls *hls) {
        GList *l = hls->segments.tail;
        for (unsigned i = 1; i < hls->n_listed; i++)
                l = l->prev;
        return hls->n_listed > 0 ? l : NULL;
}

static int64_t first_sequence(const Hls *hls) {
        return ((const HlsSegment *)hls_first_listed(hls)->data)->sequence;
}

static bool lasts(const Hls *hls, int64_t n_targets) {
        int64_t total_us = 0;
        for (const GList *l = hls_first_listed(hls); l; l = l->next)
                total_us += hls_segment_duration_us(l->data);
        return total_us >= n_targets * hls->target_s * 1000000;
}

static void withdraw(Hls *hls) {
        hls->full = false;
        g_clear_pointer(&hls->body, g_bytes_unref);
}

static void publish(Hls *hls) {
        const bool is_new = first_sequence(hls) == hls->beginning;
        hls->full = hls->full || lasts(hls, MIN_TARGETS); /* INV-HLS-002 */
        if (!hls->body && !hls->full && !(is_new && lasts(hls, MIN_TARGETS_NEW)))
                return;
        g_clear_pointer(&hls->body, g_bytes_unref);
        hls->body = hls_playlist_write(hls, hls->beginning);
}

/* INV-HLS-005: what has left the playlist stays for another window. */
static void drop_old(Hls *hls) {
        hls->n_listed = MIN(hls->n_listed, hls->options.window);
        while (g_queue_get_length(&hls->segments) > hls->n_listed + hls->options.window + KEPT_BEYOND_WINDOW)
                segment_free(g_queue_pop_head(&hls->segments));
        hls_ranges_prune(hls, ((const HlsSegment *)hls_first_listed(hls)->data)->start_utc_ms); /* INV-HLS-008 */
}

/* --- the writer: the intake's thread ----------------------------------------------------------------------------- */

static HlsSegment *segment_new(Hls *hls, int64_t n_frames) {
        HlsSegment *segment = g_new0(HlsSegment, 1);
        const HlsSession *session = &hls->session;
        segment->sequence = hls->next_sequence++; /* INV-HLS-004 */
        segment->discontinuity = hls->discontinuity;
        segment->start_frame = hls->open_frame;
        segment->n_frames = n_frames;
        segment->rate = session->rate;
        /* INV-HLS-006: from the session's beginning each time, so that nothing is rounded twice */
        segment->start_utc_ms = session->epoch_utc_ms + rv_tick_to_ms(hls->open_frame, session->rate);
        segment->data = g_bytes_new(hls->open->data, hls->open->len);
        g_snprintf(segment->name, sizeof segment->name, "%s-%" G_GINT64_FORMAT ".ts", session->id, segment->sequence);
        if (hls->options.shelf) { /* INV-HLS-013: before the playlist names it */
                segment->shelf = hls->options.shelf;
                segment->shelf_path = g_build_filename(hls->shelf_folder, segment->name, NULL);
                shelf_put(segment->shelf, segment->shelf_path, segment->data);
        }
        return segment;
}

/* A segment that is longer than promised is listed all the same, under a longer promise: with random access points a
 * second apart and a target of whole seconds there is none. */
static void stretch_target(Hls *hls, const HlsSegment *segment) {
        int64_t rounded_s = (hls_segment_duration_us(segment) + 500000) / 1000000;
        if (rounded_s <= hls->target_s)
                return;
        if (hls->body)
                rv_warning("hls.target_stretched", RV_S("segment", segment->name), RV_I("from_s", hls->target_s),
                           RV_I("to_s", rounded_s));
        hls->target_s = rounded_s;
}

/* The open segment is complete: [open_frame, end_frame). With the lock held. */
static void close_segment(Hls *hls, int64_t end_frame) {
        if (hls->codecs[0] == 0)
                hls_codecs_read(hls->open->data, hls->open->len, hls->codecs, sizeof hls->codecs);
        HlsSegment *segment = segment_new(hls, end_frame - hls->open_frame);
        g_queue_push_tail(&hls->segments, segment);
        hls->session.n_segments++;
        hls->n_listed++;
        stretch_target(hls, segment);
        drop_old(hls);
        publish(hls);
        g_byte_array_set_size(hls->open, 0);
}

/* INV-HLS-007: what was written so far cannot become a segment, and what comes next does not continue the last one.
 * With the lock held. */
static void abandon_segment(Hls *hls, const char *why) {
        rv_warning("hls.segment_abandoned", RV_S("session", hls->session.id), RV_S("why", why),
                   RV_I("bytes", hls->open->len));
        g_byte_array_set_size(hls->open, 0);
        hls->cut_off = true;
        if (hls->session.n_segments > 0)
                hls->discontinuity++;
        hls->session.n_segments = 0;
}

/* Half a frame of grace: 30 frames at 29.97 are a second to whoever asks for one. */
static bool long_enough(const Hls *hls, int64_t frames) {
        RvRational rate = hls->session.rate;
        return (2 * frames + 1) * rate.den * 1000 >= 2 * hls->options.segment_ms * rate.num;
}

static bool too_long(const Hls *hls, int64_t frames) {
        return rv_tick_to_ms(frames, hls->session.rate) > MAX_SEGMENT_TARGETS * hls->target_s * 1000;
}

/* Whether a segment was completed by the random access point. With the lock held. */
static bool cut_at(Hls *hls, int64_t frame) {
        int64_t frames = frame - hls->open_frame;
        bool open = hls->open->len > 0, complete = false;
        if (open && (frames <= 0 || too_long(hls, frames)))
                abandon_segment(hls, "time stamps jump");
        else if (open && !long_enough(hls, frames))
                return false;
        else if (open)
                complete = true;
        if (complete)
                close_segment(hls, frame); /* INV-HLS-001: exactly at a random access point */
        hls->open_frame = frame;
        hls->cut_off = false;
        return complete;
}

static void sink_random_access(void *user, int64_t frame) {
        Hls *hls = user;
        pthread_mutex_lock(&hls->lock);
        bool complete = cut_at(hls, frame);
        int64_t next = hls->next_sequence, discontinuity = hls->discontinuity;
        bool published = hls->body != NULL;
        pthread_mutex_unlock(&hls->lock);
        if (complete && hls->options.on_sequence)
                hls->options.on_sequence(hls->options.user, next, discontinuity);
        if (complete && published && hls->options.on_published)
                hls->options.on_published(hls->options.user);
}

/* DVB's service information (EN 300 468, 5.1.3): for receivers that tune; to players it is streams of no use. */
static bool is_service_information(const uint8_t *packet) {
        const int pid = (packet[1] & 0x1f) << 8 | packet[2];
        return pid >= FIRST_SI_PID && pid <= LAST_SI_PID;
}

/* INV-HLS-012 */
static void append_programme(Hls *hls, const uint8_t *packets, size_t size) {
        size_t from = 0;
        for (size_t at = 0; at < size; at += TS_PACKET) {
                if (!is_service_information(packets + at))
                        continue;
                g_byte_array_append(hls->open, packets + from, (guint)(at - from));
                from = at + TS_PACKET;
        }
        g_byte_array_append(hls->open, packets + from, (guint)(size - from));
}

static void sink_packets(void *user, const uint8_t *packets, size_t size) {
        Hls *hls = user;
        if (hls->cut_off)
                return;
        if (hls->open->len + size <= MAX_OPEN_BYTES) {
                append_programme(hls, packets, size);
                return;
        }
        pthread_mutex_lock(&hls->lock);
        abandon_segment(hls, "no random access point");
        pthread_mutex_unlock(&hls->lock);
}

static void sink_splice(void *user, const IntakeSplice *splice) {
        Hls *hls = user;
        pthread_mutex_lock(&hls->lock);
        hls_ranges_take(hls, splice);
        pthread_mutex_unlock(&hls->lock);
}

/* What the session leaves unfinished cannot be completed by anybody. */
static void sink_end(void *user) {
        Hls *hls = user;
        g_byte_array_set_size(hls->open, 0);
        hls->cut_off = true;
}

IntakeSink hls_sink(Hls *hls) {
        return (IntakeSink){
                .random_access = sink_random_access,
                .packets = sink_packets,
                .splice = sink_splice,
                .end = sink_end,
                .user = hls,
        };
}

void hls_begin_session(Hls *hls, const char *session_id, int64_t epoch_utc_ms, RvRational rate) {
        pthread_mutex_lock(&hls->lock);
        if (hls->session.n_segments > 0)
                hls->discontinuity++; /* INV-HLS-003: once between what was made and what comes */
        hls->session = (HlsSession){.epoch_utc_ms = epoch_utc_ms, .rate = rate};
        g_strlcpy(hls->session.id, session_id, sizeof hls->session.id);
        hls->codecs[0] = 0;
        pthread_mutex_unlock(&hls->lock);
}

typedef struct {
        int64_t sequence, beginning, discontinuity;
        bool listed; /* segments are */
} Numbers;

static Numbers numbers_of(Hls *hls) {
        pthread_mutex_lock(&hls->lock);
        const Numbers numbers = {hls->next_sequence, hls->beginning, hls->discontinuity, hls->n_listed > 0};
        pthread_mutex_unlock(&hls->lock);
        return numbers;
}

static void renumber(Hls *hls, const Numbers *numbers) {
        pthread_mutex_lock(&hls->lock);
        hls->beginning = numbers->beginning;
        hls->next_sequence = numbers->sequence;
        hls->discontinuity = numbers->discontinuity;
        pthread_mutex_unlock(&hls->lock);
}

static Numbers higher_of(const Numbers *a, const Numbers *b) {
        Numbers higher = a->sequence >= b->sequence ? *a : *b;
        higher.discontinuity = MAX(a->discontinuity, b->discontinuity);
        return higher;
}

/* INV-HLS-011: what the leader lists has its numbers, and they leave no gap. */
void hls_align(Hls *leader, Hls *other) {
        const Numbers leaders = numbers_of(leader), others = numbers_of(other);
        if (!leaders.listed && !others.listed) {
                const Numbers higher = higher_of(&leaders, &others);
                renumber(leader, &higher);
                renumber(other, &higher);
        } else if (leaders.sequence != others.sequence || leaders.discontinuity != others.discontinuity) {
                Numbers anew = leaders;
                anew.beginning = leaders.sequence;
                hls_rest(other);
                renumber(other, &anew);
        }
}

/* INV-HLS-011 */
bool hls_keeps_up(Hls *hls, Hls *leader) {
        const Numbers own = numbers_of(hls), leaders = numbers_of(leader);
        return own.discontinuity == leaders.discontinuity && leaders.sequence - own.sequence <= MAX_BEHIND;
}

void hls_rest(Hls *hls) {
        pthread_mutex_lock(&hls->lock);
        withdraw(hls);
        hls->n_listed = 0;
        g_queue_clear_full(&hls->segments, segment_free);
        hls_ranges_clear(hls);
        hls->beginning = hls->next_sequence;
        pthread_mutex_unlock(&hls->lock);
}

/* --- readers: any thread ----------------------------------------------------------------------------------------- */

/* With the lock held. New; NULL: not published. */
static GBytes *body_from(const Hls *hls, int64_t beginning) {
        if (beginning == hls->beginning)
                return hls->body ? g_bytes_ref(hls->body) : NULL;
        return hls->full && beginning <= first_sequence(hls) ? hls_playlist_write(hls, beginning) : NULL;
}

HlsPlaylist hls_playlist(Hls *hls, int64_t beginning) {
        HlsPlaylist playlist = {0};
        pthread_mutex_lock(&hls->lock);
        if (beginning == HLS_NEWEST)
                beginning = hls->beginning;
        playlist.body = body_from(hls, beginning);
        playlist.sequence = hls->next_sequence - 1;
        g_snprintf(playlist.etag, sizeof playlist.etag, "\"%s-%" G_GINT64_FORMAT "-%" G_GINT64_FORMAT "\"",
                   hls->session.id, beginning, hls->next_sequence);
        pthread_mutex_unlock(&hls->lock);
        return playlist;
}

static void measure(const Hls *hls, HlsMeasure *ret_measure) {
        int64_t bytes = 0, duration_us = 0;
        for (const GList *l = hls_first_listed(hls); l; l = l->next) {
                const HlsSegment *segment = l->data;
                int64_t size = (int64_t)g_bytes_get_size(segment->data), us = hls_segment_duration_us(segment);
                ret_measure->peak_bps = MAX(ret_measure->peak_bps, rv_mul_div_ceil(size * 8, 1000000, us));
                bytes += size;
                duration_us += us;
        }
        ret_measure->average_bps = rv_mul_div_ceil(bytes * 8, 1000000, duration_us);
}

bool hls_measure(Hls *hls, HlsMeasure *ret_measure) {
        HlsMeasure result = {0};
        pthread_mutex_lock(&hls->lock);
        bool known = hls->body != NULL;
        if (known) {
                measure(hls, &result);
                memcpy(result.codecs, hls->codecs, sizeof result.codecs);
                result.beginning = hls->beginning;
        }
        pthread_mutex_unlock(&hls->lock);
        if (known)
                *ret_measure = result;
        return known;
}

GBytes *hls_segment(Hls *hls, const char *name) {
        GBytes *data = NULL;
        pthread_mutex_lock(&hls->lock);
        for (GList *l = hls->segments.tail; l && !data; l = l->prev) {
                const HlsSegment *segment = l->data;
                if (g_str_equal(segment->name, name))
                        data = g_bytes_ref(segment->data);
        }
        pthread_mutex_unlock(&hls->lock);
        return data;
}
