/* A channel's live media: playlist, segments, raw stream; and the wait for a channel that nobody watched until now. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "core/serve/http/http_private.h"

#define RAW_BLOCK_BYTES (64 * TS_PACKET)
#define RETRY_AFTER_S 2

static const Representation playlist_kind = {
        .type = "application/vnd.apple.mpegurl", .cache_control = "max-age=1", .is_text = true};

/* --- the channel ------------------------------------------------------------------------------------------------- */

static bool find_channel(Request *request) {
        if (!request->channel) {
                request->channel = channel_hub_find(request->http->options.hub, request->argument);
                request->streams = request->channel ? channel_streams(request->channel) : NULL;
        }
        return request->channel != NULL;
}

static enum MHD_Result no_channel(Request *request) {
        return respond_error(request, MHD_HTTP_NOT_FOUND, "no_such_channel", 0, "there is no channel \"%s\"",
                             request->argument);
}

static enum MHD_Result not_on_air(Request *request) {
        ChannelStatus status = channel_status(request->channel);
        return respond_error(request, MHD_HTTP_SERVICE_UNAVAILABLE, "not_on_air", RETRY_AFTER_S,
                             "channel %s is not on the air: %s", request->argument,
                             status.fault[0] ? status.fault : "it did not start in time");
}

static int64_t give_up_mono_ns(Request *request) {
        const HttpOptions *options = &request->http->options;
        return rv_clock_mono_ns(options->clock) + options->start_timeout_ms * INT64_C(1000000);
}

/* Address and player: what tells HLS viewers apart without cookies. Behind a proxy on this host the address is the one
 * that it forwards. */
static char *viewer_key(Request *request) {
        char address[INET6_ADDRSTRLEN] = "?";
        const union MHD_ConnectionInfo *info =
                MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
        bool loopback = false;
        if (info && info->client_addr->sa_family == AF_INET) {
                const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)info->client_addr;
                inet_ntop(AF_INET, &in->sin_addr, address, sizeof address);
                loopback = g_str_has_prefix(address, "127.");
        } else if (info && info->client_addr->sa_family == AF_INET6) {
                const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)(const void *)info->client_addr;
                inet_ntop(AF_INET6, &in->sin6_addr, address, sizeof address);
                loopback = g_str_equal(address, "::1");
        }
        const char *forwarded = loopback ? request_header(request, "X-Forwarded-For") : NULL;
        const char *agent = request_header(request, MHD_HTTP_HEADER_USER_AGENT);
        return g_strdup_printf("%.64s|%.128s", forwarded ? forwarded : address, agent ? agent : "");
}

static void seen(Request *request) {
        g_autofree char *key = viewer_key(request);
        channel_seen(request->channel, key);
}

/* --- HLS --------------------------------------------------------------------------------------------------------- */

/* INV-HTTP-003: who comes first waits for the picture instead of being sent away. */
static enum MHD_Result wait_for_playlist(Request *request) {
        request_sleep(request, true, give_up_mono_ns(request));
        HlsPlaylist now = hls_playlist(request->streams->hls);
        if (now.body) {
                g_bytes_unref(now.body);
                request_wake(request);
        }
        return MHD_YES;
}

enum MHD_Result live_playlist(Request *request) {
        if (!find_channel(request))
                return no_channel(request);
        HlsPlaylist playlist = hls_playlist(request->streams->hls);
        if (!request->head || playlist.body)
                seen(request);
        if (!playlist.body && request->head) { /* asking for the headers starts no engine */
                g_autoptr(GBytes) nothing = g_bytes_new_static("", 0);
                return respond_bytes(request, nothing, &playlist_kind);
        }
        if (!playlist.body)
                return request_wait_result(request) == WAIT_GIVEN_UP ? not_on_air(request) : wait_for_playlist(request);
        Representation kind = playlist_kind;
        kind.etag = playlist.etag;
        enum MHD_Result result = respond_bytes(request, playlist.body, &kind);
        g_bytes_unref(playlist.body);
        return result;
}

static enum MHD_Result respond_master(Request *request, const HlsMeasure *measure) {
        g_autoptr(PlanView) view = plan_board_view(request->http->options.board, request->argument);
        if (!view)
                return no_channel(request);
        const HouseFormat *format = &view->spec->format;
        int64_t millihertz = rv_mul_div_floor(format->rate.num, 1000, format->rate.den);
        g_autofree char *text =
                g_strdup_printf("#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-INDEPENDENT-SEGMENTS\n"
                                "#EXT-X-STREAM-INF:BANDWIDTH=%" G_GINT64_FORMAT ",AVERAGE-BANDWIDTH=%" G_GINT64_FORMAT
                                ",CODECS=\"%s\",RESOLUTION=%dx%d,FRAME-RATE=%d.%03d\nlive.m3u8\n",
                                measure->peak_bps, measure->average_bps, measure->codecs, format->width, format->height,
                                (int)(millihertz / 1000), (int)(millihertz % 1000));
        g_autoptr(GBytes) body = g_bytes_new(text, strlen(text));
        return respond_bytes(request, body, &playlist_kind);
}

enum MHD_Result live_master(Request *request) {
        HlsMeasure measure;
        if (!find_channel(request))
                return no_channel(request);
        seen(request);
        if (hls_measure(request->streams->hls, &measure))
                return respond_master(request, &measure);
        return request_wait_result(request) == WAIT_GIVEN_UP ? not_on_air(request) : wait_for_playlist(request);
}

enum MHD_Result live_segment(Request *request) {
        if (!find_channel(request))
                return no_channel(request);
        g_autoptr(GBytes) segment = hls_segment(request->streams->hls, request->rest);
        if (!segment)
                return respond_error(request, MHD_HTTP_NOT_FOUND, "no_such_segment", 0,
                                     "segment %s is not there (any more)", request->rest);
        seen(request);
        g_autofree char *etag = g_strdup_printf("\"%s\"", request->rest);
        Representation kind = {.type = "video/mp2t", .cache_control = "public, max-age=600, immutable", .etag = etag};
        return respond_bytes(request, segment, &kind);
}

/* --- raw stream -------------------------------------------------------------------------------------------------- */

static void wake_raw(void *user) {
        request_wake(user);
}

static void sleep_raw(Request *request, int64_t give_up) {
        request_sleep(request, false, give_up);
        fanout_arm(request->raw);
}

static ssize_t read_raw(void *user, uint64_t position, char *buffer, size_t size) {
        Request *request = user;
        size_t n;
        switch (fanout_read(request->raw, (uint8_t *)buffer, size, &n)) {
        case FANOUT_DATA:
                return (ssize_t)n;
        case FANOUT_EMPTY:
                /* Also between an engine that died and the next one: the viewer stays. */
                if (request_wait_result(request) == WAIT_GIVEN_UP)
                        return MHD_CONTENT_READER_END_OF_STREAM;
                sleep_raw(request, give_up_mono_ns(request));
                return 0;
        case FANOUT_END:
                break;
        }
        return MHD_CONTENT_READER_END_OF_STREAM;
}

static enum MHD_Result respond_raw(Request *request, bool with_body) {
        struct MHD_Response *response =
                with_body
                        ? MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, RAW_BLOCK_BYTES, read_raw, request, NULL)
                        : MHD_create_response_from_buffer(0, (char[]){""}, MHD_RESPMEM_PERSISTENT);
        respond_common_headers(response);
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "video/mp2t");
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
        enum MHD_Result result = MHD_queue_response(request->connection, MHD_HTTP_OK, response);
        MHD_destroy_response(response);
        return result;
}

enum MHD_Result live_raw(Request *request) {
        if (!find_channel(request))
                return no_channel(request);
        if (request->head)
                return respond_raw(request, false);
        if (!request->raw) {
                request->presence = channel_join(request->channel);
                request->raw = fanout_join(request->streams->fanout, wake_raw, request);
                sleep_raw(request, give_up_mono_ns(request));
                return MHD_YES;
        }
        if (request_wait_result(request) == WAIT_GIVEN_UP)
                return not_on_air(request);
        return respond_raw(request, true);
}

enum MHD_Result live_tuner(Request *request) {
        g_autoptr(GPtrArray) views = plan_board_views(request->http->options.board);
        for (unsigned i = 0; i < views->len; i++) {
                const ChannelSpec *spec = ((PlanView *)g_ptr_array_index(views, i))->spec;
                g_autofree char *number = g_strdup_printf("%d", spec->number);
                if (!g_str_equal(number, request->argument))
                        continue;
                g_free(request->argument);
                request->argument = g_strdup(spec->id);
                request->handler = live_raw;
                return live_raw(request);
        }
        return no_channel(request);
}
