/* The media playlist as text: RFC 8216, version 3. */
#include "core/serve/hls/hls_private.h"

void hls_date_write(GString *out, int64_t utc_ms) {
        g_autoptr(GDateTime) second = g_date_time_new_from_unix_utc(utc_ms / 1000);
        g_autofree char *text = g_date_time_format(second, "%Y-%m-%dT%H:%M:%S");
        g_string_append_printf(out, "%s.%03dZ", text, (int)(utc_ms % 1000));
}

static void write_segment(GString *out, const HlsSegment *segment) {
        int64_t us = hls_segment_duration_us(segment);
        g_string_append(out, "#EXT-X-PROGRAM-DATE-TIME:");
        hls_date_write(out, segment->start_utc_ms);
        g_string_append_printf(out, "\n#EXTINF:%" G_GINT64_FORMAT ".%06d,\nseg/%s\n", us / 1000000, (int)(us % 1000000),
                               segment->name);
}

GBytes *hls_playlist_write(const Hls *hls, int64_t beginning) {
        GString *out = g_string_sized_new(2048);
        const GList *l = hls_first_listed(hls);
        const HlsSegment *first = l->data;
        int64_t discontinuity = first->discontinuity;
        g_string_append_printf(
                out,
                "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-TARGETDURATION:%" G_GINT64_FORMAT
                "\n#EXT-X-MEDIA-SEQUENCE:%" G_GINT64_FORMAT "\n#EXT-X-DISCONTINUITY-SEQUENCE:%" G_GINT64_FORMAT "\n",
                hls->target_s, first->sequence - beginning, discontinuity);
        hls_ranges_write(hls, out);
        for (; l; l = l->next) {
                const HlsSegment *segment = l->data;
                if (segment->discontinuity != discontinuity) /* INV-HLS-003: between sessions, never in front */
                        g_string_append(out, "#EXT-X-DISCONTINUITY\n");
                discontinuity = segment->discontinuity;
                write_segment(out, segment);
        }
        return g_string_free_to_bytes(out);
}
