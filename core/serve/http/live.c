/* A channel's live media: playlist, segments, raw stream; and the wait for a channel that nobody watched until now. */
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "core/serve/http/reload.h"

#define RAW_BLOCK_BYTES (64 * TS_PACKET)
#define RETRY_AFTER_S 2
/* Of a stream, what the kernel takes before the viewer's side has asked for it: megabytes a viewer otherwise, which
 * who is slow would have to go through before it sees anything newer. */
#define RAW_UNSENT_BYTES (32 * 1024)
/* Of the house format's bit rates, packets included. */
#define AVERAGE_PERCENT 108

/* A playlist has at most so many segments when it is published: once media flow, it takes no longer than they last. */
#define PUBLISHED_SEGMENTS 3
/* A second in a cache is no harm to a playlist that changes every two; one that changes each second is asked for anew
 * (which its tag makes cheap), else players would see it stand still. */
#define CACHED_SEGMENT_MS 2000

/* --- the channel ------------------------------------------------------------------------------------------------- */

bool live_find_channel(Request *request) {
        if (!request->channel) {
                request->channel = channel_hub_find(request->http->options.hub, request->argument);
                request->streams = request->channel ? channel_streams(request->channel) : NULL;
        }
        return request->channel != NULL;
}

enum MHD_Result live_no_channel(Request *request) {
        return respond_error(request, MHD_HTTP_NOT_FOUND, "no_such_channel", 0, "there is no channel \"%s\"",
                             request->argument);
}

static enum MHD_Result not_on_air(Request *request) {
        ChannelStatus status = channel_status(request->channel);
        if (request->tuner) /* INV-HTTP-011 */
                request->tuner_error = status.no_room ? "805 All Tuners In Use" : "807 No Video Data";
        return respond_error(request, MHD_HTTP_SERVICE_UNAVAILABLE, "not_on_air", RETRY_AFTER_S,
                             "channel %s is not on the air: %s", request->argument,
                             status.fault[0] ? status.fault : "it did not start in time");
}

static int64_t give_up_mono_ns(Request *request, int64_t more_ms) {
        const HttpOptions *options = &request->http->options;
        return rv_clock_mono_ns(options->clock) + (options->start_timeout_ms + more_ms) * INT64_C(1000000);
}

/* Address and player: what tells HLS viewers apart without cookies. */
static char *viewer_key(Request *request) {
        char address[INET6_ADDRSTRLEN];
        const Peer peer = request_peer(request);
        const char *agent = request_header(request, MHD_HTTP_HEADER_USER_AGENT);
        peer_address_text(&peer, address);
        return g_strdup_printf("%s|%.128s", address, agent ? agent : "");
}

void live_seen(Request *request) {
        g_autofree char *key = viewer_key(request);
        channel_seen(request->channel, key);
}

/* --- HLS --------------------------------------------------------------------------------------------------------- */

/* What the request is for. */
Hls *live_hls_of(Request *request) {
        return request->second ? request->streams->second : request->streams->hls;
}

static Representation playlist_kind(Request *request, const char *etag) {
        bool cached = http_streams_segment_ms(request->http->options.streams) >= CACHED_SEGMENT_MS &&
                      hls_patience_ms(live_hls_of(request)) == 0; /* with parts it changes several times a second */
        return (Representation){.type = "application/vnd.apple.mpegurl",
                                .cache_control = cached ? "max-age=1" : NULL,
                                .etag = etag,
                                .is_text = true};
}

/* INV-HTTP-003: who comes first waits for the picture instead of being sent away. While waiting, the request itself is
 * the viewer. */
static enum MHD_Result wait_for_playlist(Request *request, int64_t beginning) {
        int64_t media_ms = PUBLISHED_SEGMENTS * http_streams_segment_ms(request->http->options.streams);
        if (!request->presence)
                request->presence = channel_join(request->channel);
        if (request_given_up(request) || !request_sleep(request, true, give_up_mono_ns(request, media_ms)))
                return not_on_air(request);
        HlsPlaylist now = hls_playlist(live_hls_of(request), beginning);
        if (now.body) {
                g_bytes_unref(now.body);
                request_wake(request);
        }
        return MHD_YES;
}

static enum MHD_Result head_of_playlist(Request *request) {
        g_autoptr(GBytes) nothing = g_bytes_new_static("", 0);
        Representation kind = playlist_kind(request, NULL);
        return respond_bytes(request, nothing, &kind);
}

/* No playlist has begun there: it is a number of another data directory. */
static enum MHD_Result no_playlist(Request *request) {
        return respond_error(request, MHD_HTTP_NOT_FOUND, "no_such_playlist", 0, "there is no playlist %s",
                             request->rest);
}

/* INV-HTTP-010: there is to be a second rendition, and it has not been left behind. */
static bool has_second(Request *request) {
        g_autoptr(PlanView) view = plan_board_view(request->http->options.board, request->argument);
        return view && house_format_has_second(&view->spec->format) &&
               hls_keeps_up(request->streams->second, request->streams->hls);
}

static enum MHD_Result send_playlist(Request *request, int64_t beginning, const Reload *reload, bool has_two) {
        HlsPlaylist playlist = reload->delta ? hls_playlist_delta(live_hls_of(request), beginning)
                                             : hls_playlist(live_hls_of(request), beginning);
        if (!playlist.body) /* the channel has gone to rest in between */
                return request->head ? head_of_playlist(request) : wait_for_playlist(request, beginning);
        live_seen(request);
        if (has_two)
                reload_add_report(request, &playlist);
        Representation kind = playlist_kind(request, playlist.etag);
        if (reload->blocks) /* its address says which one it is */
                kind.cache_control = "max-age=1";
        enum MHD_Result result = respond_bytes(request, playlist.body, &kind);
        g_bytes_unref(playlist.body);
        return result;
}

static enum MHD_Result respond_playlist(Request *request, int64_t beginning) {
        Reload reload;
        HlsPlaylist playlist = hls_playlist(live_hls_of(request), beginning);
        const bool has_two = has_second(request), published = playlist.body != NULL;
        if (published)
                g_bytes_unref(playlist.body);
        if (beginning > playlist.sequence + 1 || (request->second && !has_two))
                return no_playlist(request);
        if (!published)
                /* Asking for the headers starts no engine. */
                return request->head ? head_of_playlist(request) : wait_for_playlist(request, beginning);
        if (!reload_read(request, beginning, &reload))
                return reload_refuse(request);
        return reload_is_ahead(request, beginning, &reload) ? reload_wait(request, beginning, &reload)
                                                            : send_playlist(request, beginning, &reload, has_two);
}

enum MHD_Result live_playlist(Request *request) {
        return live_find_channel(request) ? respond_playlist(request, HLS_NEWEST) : live_no_channel(request);
}

enum MHD_Result live_playlist_from(Request *request) {
        guint64 beginning = 0;
        g_autofree char *number = g_str_has_suffix(request->rest, ".m3u8")
                                          ? g_strndup(request->rest, strlen(request->rest) - strlen(".m3u8"))
                                          : g_strdup("");
        if (!live_find_channel(request))
                return live_no_channel(request);
        if (!g_ascii_string_to_unsigned(number, 10, 0, INT64_MAX, &beginning, NULL))
                return no_playlist(request);
        return respond_playlist(request, (int64_t)beginning);
}

/* A segment may hold its own time's bits and empty the encoder's buffer besides. */
static int64_t peak_of(Request *request, const HouseFormat *format, int64_t average_bps) {
        const int64_t segment_ms = http_streams_segment_ms(request->http->options.streams);
        return rv_mul_div_ceil(average_bps, segment_ms + format->video_buffer_ms, segment_ms);
}

/* There may be some in anything that is played (contracts/captions.md). Players show CC1 when something comes there;
 * some would never look unless told. Not NONE, and no SERVICE1: most material has the same in both, and that needs
 * version 7.
 */
#define CAPTIONS "#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID=\"cc\",NAME=\"CC1\",AUTOSELECT=YES,INSTREAM-ID=\"CC1\"\n"

static void write_variant(Request *request, GString *out, const HouseFormat *format, const HlsMeasure *measure,
                          const char *prefix) {
        int64_t millihertz = rv_mul_div_floor(format->rate.num, 1000, format->rate.den);
        int64_t house_bps =
                (int64_t)(format->video_bitrate_kbps + format->audio_bitrate_kbps) * 1000 * AVERAGE_PERCENT / 100;
        int64_t average_bps = MAX(measure->average_bps, house_bps);
        int64_t peak_bps = MAX(measure->peak_bps, peak_of(request, format, house_bps));
        g_string_append_printf(
                out,
                "#EXT-X-STREAM-INF:BANDWIDTH=%" G_GINT64_FORMAT ",AVERAGE-BANDWIDTH=%" G_GINT64_FORMAT
                ",CODECS=\"%s\",RESOLUTION=%dx%d,FRAME-RATE=%d.%03d,CLOSED-CAPTIONS=\"cc\"\n%slive-%" G_GINT64_FORMAT
                ".m3u8\n",
                peak_bps, average_bps, measure->codecs, format->width, format->height, (int)(millihertz / 1000),
                (int)(millihertz % 1000), prefix, measure->beginning);
}

/* second: NULL: there is none. */
static enum MHD_Result respond_master(Request *request, const HlsMeasure *first, const HlsMeasure *second) {
        g_autoptr(PlanView) view = plan_board_view(request->http->options.board, request->argument);
        if (!view)
                return live_no_channel(request);
        const HouseFormat *format = &view->spec->format;
        const HouseFormat format_second = house_format_second(format);
        GString *out = g_string_new("#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-INDEPENDENT-SEGMENTS\n" CAPTIONS);
        write_variant(request, out, format, first, "");
        if (second)
                write_variant(request, out, &format_second, second, "second/");
        g_autoptr(GBytes) body = g_string_free_to_bytes(out);
        Representation kind = playlist_kind(request, NULL);
        return respond_bytes(request, body, &kind);
}

/* A player reads this once: what is to come is waited for, as long as it is to. */
enum MHD_Result live_master(Request *request) {
        HlsMeasure first, second;
        if (!live_find_channel(request))
                return live_no_channel(request);
        const bool is_there = hls_measure(request->streams->hls, &first);
        const bool has_two = has_second(request);
        request->second = is_there && has_two;
        if (!is_there || (has_two && !hls_measure(request->streams->second, &second)))
                return request->head ? head_of_playlist(request) : wait_for_playlist(request, HLS_NEWEST);
        live_seen(request);
        return respond_master(request, &first, has_two ? &second : NULL);
}

enum MHD_Result live_second_playlist(Request *request) {
        request->second = true;
        return live_playlist_from(request);
}

enum MHD_Result live_second_segment(Request *request) {
        request->second = true;
        return live_segment(request);
}

enum MHD_Result live_segment(Request *request) {
        if (!live_find_channel(request))
                return live_no_channel(request);
        g_autoptr(GBytes) segment = hls_segment(live_hls_of(request), request->rest);
        if (!segment)
                return respond_error(request, MHD_HTTP_NOT_FOUND, "no_such_segment", 0,
                                     "segment %s is not there (any more)", request->rest);
        live_seen(request);
        g_autofree char *etag = g_strdup_printf("\"%s%s\"", request->second ? "second-" : "", request->rest);
        Representation kind = {.type = "video/mp2t", .cache_control = "public, max-age=600, immutable", .etag = etag};
        return respond_bytes(request, segment, &kind);
}

/* --- raw stream -------------------------------------------------------------------------------------------------- */

static void wake_raw(void *user) {
        request_wake(user);
}

static bool sleep_raw(Request *request) {
        if (!request_sleep(request, false, give_up_mono_ns(request, 0)))
                return false;
        fanout_arm(request->raw);
        return true;
}

/* INV-HTTP-006: between an engine that died and the next one the viewer stays, as long as one waits for a channel to
 * start. */
static ssize_t read_raw(void *user, uint64_t position, char *buffer, size_t size) {
        Request *request = user;
        size_t n = size >= TS_PACKET ? fanout_read(request->raw, (uint8_t *)buffer, size) : 0;
        bool given_up = request_given_up(request);
        if (n > 0)
                return (ssize_t)n;
        return !given_up && sleep_raw(request) ? 0 : MHD_CONTENT_READER_END_OF_STREAM;
}

/* INV-HTTP-006 */
static void limit_unsent(Request *request) {
        const union MHD_ConnectionInfo *info =
                MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        int bytes = RAW_UNSENT_BYTES;
        if (info)
                (void)setsockopt(info->connect_fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &bytes, sizeof bytes);
}

static enum MHD_Result respond_raw(Request *request) {
        return respond_stream(request, "video/mp2t", RAW_BLOCK_BYTES, read_raw);
}

enum MHD_Result live_raw(Request *request) {
        if (!live_find_channel(request))
                return live_no_channel(request);
        if (request->head)
                return respond_raw(request);
        if (!request->raw) {
                request->presence = channel_join(request->channel);
                request->raw = fanout_join(request->streams->fanout, wake_raw, request);
                limit_unsent(request);
                return sleep_raw(request) ? MHD_YES : not_on_air(request);
        }
        return request_given_up(request) ? not_on_air(request) : respond_raw(request);
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
                request->tuner = true;
                return live_raw(request);
        }
        request->tuner_error = "801 Unknown Channel";
        return live_no_channel(request);
}
