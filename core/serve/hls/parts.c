/* Parts of segments, and who waits for them: RFC 8216bis, 4.4.4.9 and 6.2.5. */
#include "core/serve/hls/hls_private.h"

/* 6.2.5.2: further ahead than this nobody can know of. */
#define MAX_SEGMENTS_AHEAD 2
#define MAX_PARTS_AHEAD_US 3000000
#define MIN_PARTS_AHEAD 3
#define PATIENCE_TARGETS 3

static void part_free(void *user) {
        HlsPart *part = user;
        g_bytes_unref(part->data);
        g_free(part);
}

GPtrArray *hls_parts_new(void) {
        return g_ptr_array_new_with_free_func(part_free);
}

int64_t hls_part_frames(int64_t part_ms, RvRational rate) {
        const int64_t nearest = rv_mul_div_floor(2 * part_ms * rate.num + 1000 * rate.den, 1, 2000 * rate.den);
        return part_ms > 0 ? MAX(1, nearest) : 0;
}

static int64_t frames_to_us(int64_t frames, RvRational rate) {
        return rv_mul_div_floor(frames, INT64_C(1000000) * rate.den, rate.num);
}

int64_t hls_part_target_us(const Hls *hls) {
        const HlsSession *session = &hls->session; /* a session has not begun: no rate either */
        return session->part_frames > 0 ? frames_to_us(session->part_frames, session->rate) : 0;
}

int64_t hls_open_duration_us(const Hls *hls) {
        int64_t frames = 0;
        for (guint i = 0; i < hls->open_parts->len; i++)
                frames += ((const HlsPart *)hls->open_parts->pdata[i])->n_frames;
        return frames_to_us(frames, hls->session.rate);
}

/* --- the writer -------------------------------------------------------------------------------------------------- */

void hls_part_name(const Hls *hls, char ret_name[HLS_NAME_SIZE]) {
        g_snprintf(ret_name, HLS_NAME_SIZE, "%s-%" G_GINT64_FORMAT ".ts", hls->session.id, hls->next_part);
}

bool hls_part_torn(const Hls *hls, int64_t frame) {
        const int64_t frames = frame - hls->part_frame;
        return hls->session.part_frames > 0 && (frames < 1 || frames > hls->session.part_frames); /* INV-HLS-015 */
}

void hls_part_end(Hls *hls, int64_t end_frame) {
        HlsPart *part = g_new0(HlsPart, 1);
        hls_part_name(hls, part->name);
        hls->next_part++; /* INV-HLS-014: one that was told is never another one */
        part->n_frames = end_frame - hls->part_frame;
        part->independent = hls->independent;
        part->data = g_bytes_new(hls->open->data + hls->part_at, hls->open->len - hls->part_at);
        g_ptr_array_add(hls->open_parts, part);
        hls->part_frame = end_frame;
        hls->part_at = hls->open->len;
        hls->independent = false;
}

void hls_parts_settle(HlsSegment *segment) {
        gsize at = 0;
        for (guint i = 0; i < segment->parts->len; i++) {
                HlsPart *part = segment->parts->pdata[i];
                const gsize size = g_bytes_get_size(part->data);
                g_bytes_unref(part->data);
                part->data = g_bytes_new_from_bytes(segment->data, at, size);
                at += size;
        }
        g_assert(segment->parts->len == 0 || at == g_bytes_get_size(segment->data)); /* INV-HLS-014 */
}

/* --- readers: any thread ----------------------------------------------------------------------------------------- */

static const GPtrArray *parts_of(const Hls *hls, int64_t sequence) {
        if (sequence == hls->next_sequence)
                return hls->open_parts;
        for (const GList *l = hls->segments.tail; l; l = l->prev) {
                const HlsSegment *segment = l->data;
                if (segment->sequence == sequence)
                        return segment->parts;
        }
        return NULL;
}

/* 6.2.5.2: a part behind the last one of a segment is the first of the next. */
static bool is_there(const Hls *hls, int64_t sequence, int64_t part) {
        if (sequence < hls->next_sequence - 1 || (sequence < hls->next_sequence && part == HLS_WHOLE))
                return true;
        const GPtrArray *parts = sequence <= hls->next_sequence ? parts_of(hls, sequence) : NULL;
        if (part != HLS_WHOLE && parts && part < parts->len)
                return true;
        return sequence < hls->next_sequence && hls->open_parts->len > 0;
}

static bool is_beyond(const Hls *hls, int64_t sequence, int64_t part) {
        const int64_t part_us = hls_part_target_us(hls);
        const int64_t ahead = MAX(MIN_PARTS_AHEAD, (MAX_PARTS_AHEAD_US + part_us - 1) / part_us);
        if (sequence >= hls->next_sequence + MAX_SEGMENTS_AHEAD)
                return true;
        const GPtrArray *parts = parts_of(hls, sequence);
        return part != HLS_WHOLE && sequence >= hls->next_sequence && part >= (parts ? parts->len : 0) + ahead;
}

HlsReach hls_reach(Hls *hls, int64_t beginning, int64_t number, int64_t part) {
        HlsReach reach = HLS_REACHED;
        pthread_mutex_lock(&hls->lock);
        if (beginning == HLS_NEWEST)
                beginning = hls->beginning;
        if (hls->session.part_frames > 0) {
                if (number > hls->next_sequence + MAX_SEGMENTS_AHEAD || is_beyond(hls, number + beginning, part))
                        reach = HLS_BEYOND; /* INV-HLS-016 */
                else if (!is_there(hls, number + beginning, part))
                        reach = HLS_AHEAD;
        }
        pthread_mutex_unlock(&hls->lock);
        return reach;
}

static GBytes *find(const GPtrArray *parts, const char *name) {
        for (guint i = 0; i < parts->len; i++) {
                const HlsPart *part = parts->pdata[i];
                if (g_str_equal(part->name, name))
                        return g_bytes_ref(part->data);
        }
        return NULL;
}

GBytes *hls_part(Hls *hls, const char *name, bool *ret_is_next) {
        char next[HLS_NAME_SIZE];
        pthread_mutex_lock(&hls->lock);
        GBytes *data = find(hls->open_parts, name);
        for (const GList *l = hls->segments.tail; l && !data; l = l->prev)
                data = find(((const HlsSegment *)l->data)->parts, name);
        hls_part_name(hls, next);
        *ret_is_next = hls->flows && g_str_equal(next, name);
        pthread_mutex_unlock(&hls->lock);
        return data;
}

int64_t hls_patience_ms(Hls *hls) {
        pthread_mutex_lock(&hls->lock);
        const int64_t ms = hls->session.part_frames > 0 ? PATIENCE_TARGETS * hls->target_s * 1000 : 0;
        pthread_mutex_unlock(&hls->lock);
        return ms;
}

bool hls_newest(Hls *hls, int64_t beginning, int64_t *ret_number, int64_t *ret_part) {
        pthread_mutex_lock(&hls->lock);
        const bool open = hls->open_parts->len > 0;
        const int64_t sequence = hls->next_sequence - (open ? 0 : 1);
        const GPtrArray *parts = parts_of(hls, sequence);
        const bool there =
                hls->body && hls->session.part_frames > 0 && parts && parts->len > 0 && sequence >= beginning;
        if (there) {
                *ret_number = sequence - beginning;
                *ret_part = parts->len - 1;
        }
        pthread_mutex_unlock(&hls->lock);
        return there;
}
