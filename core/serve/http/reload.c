/* Low-Latency HLS (RFC 8216bis): playlists that are asked for before they are there, parts, and what a playlist says of
 * the other rendition. Who waits is suspended, as who waits for a channel is, and woken by what is published. */
#include <string.h>

#include "core/serve/http/reload.h"

/* --- what is asked for ------------------------------------------------------------------------------------------- */

/* NULL: it is not asked for. */
static const char *query(Request *request, const char *name) {
        const char *value = NULL;
        if (MHD_lookup_connection_value_n(request->connection, MHD_GET_ARGUMENT_KIND, name, strlen(name), &value,
                                          NULL) != MHD_YES)
                return NULL;
        return value ? value : "";
}

static bool read_number(const char *text, int64_t *ret_number) {
        guint64 number = 0;
        if (!g_ascii_string_to_unsigned(text, 10, 0, INT64_MAX, &number, NULL))
                return false;
        *ret_number = (int64_t)number;
        return true;
}

/* INV-HTTP-020 */
bool reload_read(Request *request, int64_t beginning, Reload *ret_reload) {
        const char *number = query(request, "_HLS_msn"), *part = query(request, "_HLS_part");
        const char *skip = query(request, "_HLS_skip");
        Hls *hls = live_hls_of(request);
        *ret_reload = (Reload){.part = HLS_WHOLE};
        if (hls_patience_ms(hls) == 0)
                return true;
        ret_reload->blocks = number != NULL;
        ret_reload->delta = skip && g_str_equal(skip, "YES");
        if ((number && !read_number(number, &ret_reload->number)) ||
            (part && (!number || !read_number(part, &ret_reload->part))))
                return false;
        return !number || hls_reach(hls, beginning, ret_reload->number, ret_reload->part) != HLS_BEYOND;
}

enum MHD_Result reload_refuse(Request *request) {
        return respond_error(request, MHD_HTTP_BAD_REQUEST, "bad_query", 0,
                             "_HLS_msn and _HLS_part are numbers of a segment and a part that are to come soon");
}

/* --- waiting ----------------------------------------------------------------------------------------------------- */

/* INV-HTTP-020: however often it is woken. False: it has waited long enough, or the server ends. */
static bool sleep_patiently(Request *request) {
        const int64_t now_ns = rv_clock_mono_ns(request->http->options.clock);
        if (request->patience_mono_ns == 0) {
                live_seen(request);
                request->patience_mono_ns = now_ns + hls_patience_ms(live_hls_of(request)) * INT64_C(1000000);
        }
        return !request_given_up(request) && now_ns < request->patience_mono_ns &&
               request_sleep(request, true, request->patience_mono_ns);
}

bool reload_is_ahead(Request *request, int64_t beginning, const Reload *reload) {
        return reload->blocks && hls_reach(live_hls_of(request), beginning, reload->number, reload->part) == HLS_AHEAD;
}

enum MHD_Result reload_wait(Request *request, int64_t beginning, const Reload *reload) {
        if (!sleep_patiently(request))
                return respond_error(request, MHD_HTTP_SERVICE_UNAVAILABLE, "not_yet", 1,
                                     "segment %" G_GINT64_FORMAT " has not come in three target durations",
                                     reload->number);
        if (!reload_is_ahead(request, beginning, reload))
                request_wake(request);
        return MHD_YES;
}

/* --- parts ------------------------------------------------------------------------------------------------------- */

static enum MHD_Result no_part(Request *request) {
        return respond_error(request, MHD_HTTP_NOT_FOUND, "no_such_part", 0, "part %s is not there (any more)",
                             request->rest);
}

/* INV-HTTP-020: the one that a playlist hints at is answered when it is there. */
static enum MHD_Result wait_for_part(Request *request) {
        bool is_next = false;
        if (!sleep_patiently(request))
                return no_part(request);
        g_autoptr(GBytes) part = hls_part(live_hls_of(request), request->rest, &is_next);
        if (part || !is_next)
                request_wake(request);
        return MHD_YES;
}

enum MHD_Result reload_part(Request *request) {
        bool is_next = false;
        if (!live_find_channel(request))
                return live_no_channel(request);
        g_autoptr(GBytes) part = hls_part(live_hls_of(request), request->rest, &is_next);
        if (!part)
                return is_next ? wait_for_part(request) : no_part(request);
        live_seen(request);
        g_autofree char *etag = g_strdup_printf("\"%spart-%s\"", request->second ? "second-" : "", request->rest);
        Representation kind = {.type = "video/mp2t", .cache_control = "public, max-age=600, immutable", .etag = etag};
        return respond_bytes(request, part, &kind);
}

enum MHD_Result reload_second_part(Request *request) {
        request->second = true;
        return reload_part(request);
}

/* --- the other rendition ----------------------------------------------------------------------------------------- */

void reload_add_report(Request *request, HlsPlaylist *playlist) {
        Hls *other = request->second ? request->streams->hls : request->streams->second;
        int64_t number, part;
        gsize size;
        if (!hls_newest(other, playlist->beginning, &number, &part))
                return;
        const char *text = g_bytes_get_data(playlist->body, &size);
        GString *out = g_string_new_len(text, (gssize)size);
        g_string_append_printf(out,
                               "#EXT-X-RENDITION-REPORT:URI=\"%slive-%" G_GINT64_FORMAT
                               ".m3u8\",LAST-MSN=%" G_GINT64_FORMAT ",LAST-PART=%" G_GINT64_FORMAT "\n",
                               request->second ? "../" : "second/", playlist->beginning, number, part);
        g_autofree char *etag = g_strdup(playlist->etag);
        etag[strlen(etag) - 1] = 0; /* without the closing quote */
        g_snprintf(playlist->etag, sizeof playlist->etag, "%s-%" G_GINT64_FORMAT ".%" G_GINT64_FORMAT "\"", etag,
                   number, part);
        g_bytes_unref(playlist->body);
        playlist->body = g_string_free_to_bytes(out);
}
