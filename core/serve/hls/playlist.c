/* The media playlist as text: RFC 8216, version 3; with parts RFC 8216bis, version 9. */
#include "core/serve/hls/hls_private.h"

/* RFC 8216bis 6.2.2: parts of older segments help nobody. */
#define PARTS_LISTED_TARGETS 3
/* 4.4.3.8: the least that they may be. */
#define PART_HOLD_BACK_PARTS 3
#define HOLD_BACK_TARGETS 3
#define SKIP_TARGETS 6

void hls_date_write(GString *out, int64_t utc_ms) {
        g_autoptr(GDateTime) second = g_date_time_new_from_unix_utc(utc_ms / 1000);
        g_autofree char *text = g_date_time_format(second, "%Y-%m-%dT%H:%M:%S");
        g_string_append_printf(out, "%s.%03dZ", text, (int)(utc_ms % 1000));
}

static void write_us(GString *out, const char *name, int64_t us) {
        g_string_append_printf(out, "%s%" G_GINT64_FORMAT ".%06d", name, us / 1000000, (int)(us % 1000000));
}

static void write_date(GString *out, int64_t utc_ms) {
        g_string_append(out, "#EXT-X-PROGRAM-DATE-TIME:");
        hls_date_write(out, utc_ms);
        g_string_append_c(out, '\n');
}

static void write_end(GString *out, const HlsSegment *segment) {
        write_us(out, "#EXTINF:", hls_segment_duration_us(segment));
        g_string_append_printf(out, ",\nseg/%s\n", segment->name);
}

/* --- parts ------------------------------------------------------------------------------------------------------- */

static void write_parts(GString *out, const GPtrArray *parts, RvRational rate) {
        for (guint i = 0; i < parts->len; i++) {
                const HlsPart *part = parts->pdata[i];
                write_us(out, "#EXT-X-PART:DURATION=",
                         rv_mul_div_floor(part->n_frames, INT64_C(1000000) * rate.den, rate.num));
                g_string_append_printf(out, ",URI=\"part/%s\"%s\n", part->name,
                                       part->independent ? ",INDEPENDENT=YES" : "");
        }
}

/* INV-HLS-017 */
static void write_control(const Hls *hls, GString *out) {
        const int64_t part_us = hls_part_target_us(hls), target_us = hls->target_s * 1000000;
        write_us(out, "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=", PART_HOLD_BACK_PARTS * part_us);
        write_us(out, ",HOLD-BACK=", HOLD_BACK_TARGETS * target_us);
        write_us(out, ",CAN-SKIP-UNTIL=", SKIP_TARGETS * target_us);
        write_us(out, "\n#EXT-X-PART-INF:PART-TARGET=", part_us);
        g_string_append_c(out, '\n');
}

/* How many of the listed segments end so long or longer before the playlist does. */
static unsigned n_older(const Hls *hls, int64_t us) {
        int64_t after_us = hls_open_duration_us(hls);
        unsigned n = hls->n_listed;
        for (const GList *l = hls->segments.tail; n > 0 && after_us < us; l = l->prev, n--)
                after_us += hls_segment_duration_us(l->data);
        return n;
}

unsigned hls_playlist_skippable(const Hls *hls) {
        return n_older(hls, SKIP_TARGETS * hls->target_s * 1000000);
}

/* What is being made: its parts, and the one to come. */
static void write_open(const Hls *hls, GString *out, int64_t discontinuity) {
        char next[HLS_NAME_SIZE];
        if (hls->open_parts->len > 0) {
                if (hls->discontinuity != discontinuity)
                        g_string_append(out, "#EXT-X-DISCONTINUITY\n");
                write_date(out, hls->session.epoch_utc_ms + rv_tick_to_ms(hls->open_frame, hls->session.rate));
                write_parts(out, hls->open_parts, hls->session.rate);
        }
        if (!hls->flows)
                return;
        hls_part_name(hls, next);
        g_string_append_printf(out, "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"part/%s\"\n", next);
}

/* --- the whole --------------------------------------------------------------------------------------------------- */

static void write_head(const Hls *hls, GString *out, int64_t beginning) {
        const HlsSegment *first = hls_first_listed(hls)->data;
        const bool parts = hls->session.part_frames > 0;
        g_string_append_printf(
                out,
                "#EXTM3U\n#EXT-X-VERSION:%d\n#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-TARGETDURATION:%" G_GINT64_FORMAT "\n",
                parts ? 9 : 3, hls->target_s);
        if (parts)
                write_control(hls, out);
        g_string_append_printf(
                out, "#EXT-X-MEDIA-SEQUENCE:%" G_GINT64_FORMAT "\n#EXT-X-DISCONTINUITY-SEQUENCE:%" G_GINT64_FORMAT "\n",
                first->sequence - beginning, first->discontinuity);
        hls_ranges_write(hls, out);
}

static void write_segments(const Hls *hls, GString *out, unsigned n_skipped) {
        const unsigned n_bare = n_older(hls, PARTS_LISTED_TARGETS * hls->target_s * 1000000);
        const GList *l = hls_first_listed(hls);
        int64_t discontinuity = ((const HlsSegment *)l->data)->discontinuity;
        if (n_skipped > 0)
                g_string_append_printf(out, "#EXT-X-SKIP:SKIPPED-SEGMENTS=%u\n", n_skipped);
        for (unsigned i = 0; l; l = l->next, i++) {
                const HlsSegment *segment = l->data;
                const bool breaks = segment->discontinuity != discontinuity;
                discontinuity = segment->discontinuity;
                if (i < n_skipped)
                        continue;
                if (breaks) /* INV-HLS-003: between sessions, never in front */
                        g_string_append(out, "#EXT-X-DISCONTINUITY\n");
                write_date(out, segment->start_utc_ms);
                if (i >= n_bare)
                        write_parts(out, segment->parts, segment->rate);
                write_end(out, segment);
        }
        write_open(hls, out, discontinuity);
}

GBytes *hls_playlist_write(const Hls *hls, int64_t beginning, unsigned n_skipped) {
        GString *out = g_string_sized_new(4096);
        write_head(hls, out, beginning);
        write_segments(hls, out, n_skipped);
        return g_string_free_to_bytes(out);
}
