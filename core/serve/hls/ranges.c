/* Breaks of the stream as date ranges of the playlist: RFC 8216, 4.3.2.7 and 4.3.2.7.1. */
#include "core/serve/hls/hls_private.h"

#include <string.h>

/* Bounds of what a stream can make us keep and write; a break an hour away is none. */
#define MAX_RANGES 32
#define MAX_AHEAD_MS (60 * 60 * 1000)
#define PTS_HZ 90000

static void range_free(void *user) {
        HlsRange *range = user;
        g_free(range->out_hex);
        g_free(range->in_hex);
        g_free(range);
}

static char *hex_of(const IntakeSplice *splice) {
        GString *text = g_string_new("0x");
        for (size_t i = 0; i < splice->size; i++)
                g_string_append_printf(text, "%02X", splice->section[i]);
        return g_string_free(text, FALSE);
}

static int64_t frames_to_us(int64_t frames, RvRational rate) {
        return rv_mul_div_floor(frames, INT64_C(1000000) * rate.den, rate.num);
}

/* Of this session: another one's frames are others, and what two sessions say of one break need not be the same. */
static HlsRange *find(Hls *hls, uint32_t event_id) {
        for (GList *l = hls->ranges.tail; l; l = l->prev) {
                HlsRange *range = l->data;
                if (range->event_id == event_id && g_str_equal(range->session, hls->session.id))
                        return range;
        }
        return NULL;
}

static void begin(Hls *hls, const IntakeSplice *splice) {
        HlsRange *range = g_new0(HlsRange, 1);
        const HlsSession *session = &hls->session;
        range->event_id = splice->event_id;
        g_strlcpy(range->session, session->id, sizeof range->session);
        range->start_frame = splice->frame;
        range->start_utc_ms = session->epoch_utc_ms + rv_tick_to_ms(splice->frame, session->rate);
        range->planned_us =
                splice->duration_90khz < 0 ? -1 : rv_mul_div_floor(splice->duration_90khz, INT64_C(1000000), PTS_HZ);
        range->out_hex = hex_of(splice);
        range->out_sequence = hls->next_sequence;
        g_queue_push_tail(&hls->ranges, range);
        if (g_queue_get_length(&hls->ranges) > MAX_RANGES)
                range_free(g_queue_pop_head(&hls->ranges));
}

static void finish(Hls *hls, HlsRange *range, const IntakeSplice *splice) {
        range->duration_us = frames_to_us(MAX(0, splice->frame - range->start_frame), hls->session.rate);
        range->in_hex = hex_of(splice);
        range->in_sequence = hls->next_sequence;
}

/* INV-HLS-008: the first message of each end is what its range says for good; the others repeat it. */
void hls_ranges_take(Hls *hls, const IntakeSplice *splice) {
        HlsRange *range = find(hls, splice->event_id);
        const int64_t ahead_ms = rv_tick_to_ms(ABS(splice->frame - hls->open_frame), hls->session.rate);
        if (ahead_ms > MAX_AHEAD_MS)
                return;
        if (splice->out && !range)
                begin(hls, splice);
        else if (!splice->out && range && !range->in_hex)
                finish(hls, range, splice);
}

/* A break that nobody ends is over when it was to be. */
static int64_t end_utc_ms(const HlsRange *range) {
        const int64_t us = range->in_hex ? range->duration_us : range->planned_us;
        return us < 0 ? INT64_MAX : range->start_utc_ms + us / 1000;
}

void hls_ranges_prune(Hls *hls, int64_t utc_ms) {
        for (GList *l = hls->ranges.head, *next; l; l = next) {
                next = l->next;
                if (end_utc_ms(l->data) > utc_ms)
                        continue;
                range_free(l->data);
                g_queue_delete_link(&hls->ranges, l);
        }
}

void hls_ranges_clear(Hls *hls) {
        g_queue_clear_full(&hls->ranges, range_free);
}

static void write_tag(GString *out, const HlsRange *range, const char *length_name, int64_t us) {
        g_string_append_printf(out, "#EXT-X-DATERANGE:ID=\"splice-%08X-%s\",START-DATE=\"", range->event_id,
                               range->session);
        hls_date_write(out, range->start_utc_ms);
        g_string_append_c(out, '"');
        if (us >= 0)
                g_string_append_printf(out, ",%s=%" G_GINT64_FORMAT ".%06d", length_name, us / 1000000,
                                       (int)(us % 1000000));
}

/* What came since the newest segment was complete waits for the next one: one version of a playlist is one text. */
void hls_ranges_write(const Hls *hls, GString *out) {
        for (const GList *l = hls->ranges.head; l; l = l->next) {
                const HlsRange *range = l->data;
                if (range->out_sequence >= hls->next_sequence)
                        continue;
                write_tag(out, range, "PLANNED-DURATION", range->planned_us);
                g_string_append_printf(out, ",SCTE35-OUT=%s\n", range->out_hex);
                if (!range->in_hex || range->in_sequence >= hls->next_sequence)
                        continue;
                write_tag(out, range, "DURATION", range->duration_us);
                g_string_append_printf(out, ",SCTE35-IN=%s\n", range->in_hex);
        }
}
