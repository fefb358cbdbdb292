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
        g_ptr_array_unref(segment->parts);
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
        hls->open_parts = hls_parts_new();
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
        g_clear_pointer(&hls->delta, g_bytes_unref);
        g_ptr_array_unref(hls->open_parts);
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
        g_clear_pointer(&hls->delta, g_bytes_unref);
}

static void publish(Hls *hls) {
        const bool is_new = first_sequence(hls) == hls->beginning;
        hls->full = hls->full || lasts(hls, MIN_TARGETS); /* INV-HLS-002 */
        if (!hls->body && !hls->full && !(is_new && lasts(hls, MIN_TARGETS_NEW)))
                return;
        const unsigned n_skipped = hls->session.part_frames > 0 ? hls_playlist_skippable(hls) : 0;
        g_clear_pointer(&hls->body, g_bytes_unref);
        g_clear_pointer(&hls->delta, g_bytes_unref);
        hls->body = hls_playlist_write(hls, hls->beginning, 0);
        if (n_skipped > 0)
                hls->delta = hls_playlist_write(hls, hls->beginning, n_skipped);
        hls->version++;
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
        segment->parts = g_steal_pointer(&hls->open_parts);
        hls->open_parts = hls_parts_new();
        hls_parts_settle(segment);
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
        if (hls->session.part_frames > 0 && hls->part_at < hls->open->len)
                hls_part_end(hls, end_frame);
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

/* INV-HLS-014: what was told of in parts becomes a segment of just those, however it ends. With the lock held. */
static void keep_parts(Hls *hls) {
        if (hls->open_parts->len == 0)
                return;
        g_byte_array_set_size(hls->open, hls->part_at);
        close_segment(hls, hls->part_frame);
}

/* INV-HLS-007: what was written so far cannot become a segment, and what comes next does not continue the last one.
 * With the lock held. */
static void abandon_segment(Hls *hls, const char *why) {
        rv_warning("hls.segment_abandoned", RV_S("session", hls->session.id), RV_S("why", why),
                   RV_I("bytes", hls->open->len));
        hls->flows = false;
        keep_parts(hls);
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

static void open_segment(Hls *hls, int64_t frame) {
        hls->open_frame = hls->part_frame = frame;
        hls->part_at = 0;
        hls->independent = true;
        hls->flows = hls->session.part_frames > 0;
        hls->cut_off = false;
}

/* A random access point. With the lock held. */
static void cut_at(Hls *hls, int64_t frame) {
        const int64_t frames = frame - hls->open_frame;
        const bool open = hls->open->len > 0;
        if (open && (frames <= 0 || too_long(hls, frames) || hls_part_torn(hls, frame)))
                abandon_segment(hls, "time stamps jump");
        else if (open && !long_enough(hls, frames))
                return;
        else if (open)
                close_segment(hls, frame); /* INV-HLS-001: exactly at a random access point */
        open_segment(hls, frame);
}

/* A picture of the open segment. With the lock held. */
static void part_at(Hls *hls, int64_t frame) {
        if (frame == hls->part_frame)
                return;
        if (hls_part_torn(hls, frame) || too_long(hls, frame - hls->open_frame)) {
                abandon_segment(hls, "pictures are missing");
        } else if (frame - hls->part_frame == hls->session.part_frames) {
                hls_part_end(hls, frame); /* INV-HLS-015 */
                if (hls->n_listed > 0)
                        publish(hls);
        }
}

/* Where the stream stood before something was written of it. */
typedef struct {
        int64_t sequence;
        uint64_t version;
} Before;

static Before lock_to_write(Hls *hls) {
        pthread_mutex_lock(&hls->lock);
        return (Before){hls->next_sequence, hls->version};
}

/* And tells who wants to know what has come. */
static void unlock_and_tell(Hls *hls, Before before) {
        const int64_t next = hls->next_sequence, discontinuity = hls->discontinuity;
        const bool published = hls->version != before.version;
        pthread_mutex_unlock(&hls->lock);
        if (next != before.sequence && hls->options.on_sequence)
                hls->options.on_sequence(hls->options.user, next, discontinuity);
        if (published && hls->options.on_published)
                hls->options.on_published(hls->options.user);
}

static void sink_random_access(void *user, int64_t frame) {
        Hls *hls = user;
        const Before before = lock_to_write(hls);
        cut_at(hls, frame);
        unlock_and_tell(hls, before);
        /* picture is called next, and ends the part before, if it is of the same segment: what follows may be
         * independent
         */
        hls->access_frame = frame;
}

static void sink_picture(void *user, int64_t frame) {
        Hls *hls = user;
        if (hls->cut_off || hls->session.part_frames == 0)
                return;
        const Before before = lock_to_write(hls);
        part_at(hls, frame);
        if (frame == hls->part_frame && frame == hls->access_frame)
                hls->independent = true;
        unlock_and_tell(hls, before);
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
        const Before before = lock_to_write(hls);
        abandon_segment(hls, "no random access point");
        unlock_and_tell(hls, before);
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
        const Before before = lock_to_write(hls);
        const bool told = hls->flows && hls->body;
        hls->flows = false;
        keep_parts(hls);
        g_byte_array_set_size(hls->open, 0);
        hls->cut_off = true;
        if (told && hls->version == before.version)
                publish(hls); /* without the part that does not come */
        unlock_and_tell(hls, before);
}

IntakeSink hls_sink(Hls *hls) {
        return (IntakeSink){
                .random_access = sink_random_access,
                .packets = sink_packets,
                .picture = sink_picture,
                .splice = sink_splice,
                .end = sink_end,
                .user = hls,
        };
}

void hls_use_parts(Hls *hls, int64_t part_ms) {
        pthread_mutex_lock(&hls->lock);
        hls->part_ms = part_ms;
        pthread_mutex_unlock(&hls->lock);
}

/* RFC 8216bis 4.4.3.7: no part is longer than the target that a playlist tells. With the lock held. */
static void forget_parts(Hls *hls) {
        for (GList *l = hls->segments.head; l; l = l->next)
                g_ptr_array_set_size(((HlsSegment *)l->data)->parts, 0);
}

void hls_begin_session(Hls *hls, const char *session_id, int64_t epoch_utc_ms, RvRational rate) {
        pthread_mutex_lock(&hls->lock);
        if (hls->session.n_segments > 0)
                hls->discontinuity++; /* INV-HLS-003: once between what was made and what comes */
        const int64_t part_us = hls_part_target_us(hls);
        hls->session = (HlsSession){
                .epoch_utc_ms = epoch_utc_ms, .rate = rate, .part_frames = hls_part_frames(hls->part_ms, rate)};
        if (hls_part_target_us(hls) != part_us)
                forget_parts(hls);
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
        hls->flows = false;
        g_queue_clear_full(&hls->segments, segment_free);
        g_ptr_array_set_size(hls->open_parts, 0);
        hls_ranges_clear(hls);
        hls->beginning = hls->next_sequence;
        pthread_mutex_unlock(&hls->lock);
}

/* --- readers: any thread ----------------------------------------------------------------------------------------- */

/* With the lock held. New; NULL: not published. */
static GBytes *body_from(const Hls *hls, int64_t beginning, bool delta) {
        if (beginning == hls->beginning)
                return hls->body ? g_bytes_ref(delta ? hls->delta : hls->body) : NULL;
        if (!hls->full || beginning > first_sequence(hls))
                return NULL;
        return hls_playlist_write(hls, beginning, delta ? hls_playlist_skippable(hls) : 0);
}

/* With parts a playlist changes between segments, too. With the lock held. */
static void write_etag(const Hls *hls, HlsPlaylist *playlist, bool delta) {
        char version[24] = "";
        if (hls->session.part_frames > 0)
                g_snprintf(version, sizeof version, ".%" G_GUINT64_FORMAT "%s", hls->version, delta ? "d" : "");
        g_snprintf(playlist->etag, sizeof playlist->etag, "\"%s-%" G_GINT64_FORMAT "-%" G_GINT64_FORMAT "%s\"",
                   hls->session.id, playlist->beginning, hls->next_sequence, version);
}

static HlsPlaylist playlist_from(Hls *hls, int64_t beginning, bool delta) {
        pthread_mutex_lock(&hls->lock);
        delta = delta && hls->delta;
        HlsPlaylist playlist = {.sequence = hls->next_sequence - 1,
                                .beginning = beginning == HLS_NEWEST ? hls->beginning : beginning};
        playlist.body = body_from(hls, playlist.beginning, delta);
        write_etag(hls, &playlist, delta);
        pthread_mutex_unlock(&hls->lock);
        return playlist;
}

HlsPlaylist hls_playlist(Hls *hls, int64_t beginning) {
        return playlist_from(hls, beginning, false);
}

HlsPlaylist hls_playlist_delta(Hls *hls, int64_t beginning) {
        return playlist_from(hls, beginning, true);
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
