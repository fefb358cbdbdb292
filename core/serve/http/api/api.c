/* Documents for programs: channels, guide, as-run, alerts, health, channel list and XMLTV. */
#include <string.h>

#include "core/serve/http/http_private.h"
#include "proto/base/error.h"
#include "proto/failure/failure.h"

#define HOUR_MS (INT64_C(60) * 60 * 1000)
/* What is asked for when nothing is said, and at most. */
#define DEFAULT_BEFORE_MS HOUR_MS
#define DEFAULT_AFTER_MS (24 * HOUR_MS)
#define MAX_RANGE_MS (8 * 24 * HOUR_MS)
/* Seconds until somebody who is told 503 should ask again. */
#define NOT_READY_RETRY_S 2

/* --- instants in queries ----------------------------------------------------------------------------------------- */

bool api_parse_instant(const char *text, int64_t *ret_utc_ms) {
        if (g_ascii_string_to_signed(text, 10, 0, G_MAXINT64 / 2, ret_utc_ms, NULL))
                return true;
        g_autoptr(GTimeZone) utc = g_time_zone_new_utc();
        g_autoptr(GDateTime) instant = g_date_time_new_from_iso8601(text, utc);
        if (!instant)
                return false;
        *ret_utc_ms = g_date_time_to_unix(instant) * 1000 + g_date_time_get_microsecond(instant) / 1000;
        return true;
}

const char *api_query_value(Request *request, const char *name) {
        return MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
}

/* Of the query's from and to, or [now - 1 h, from + 25 h); false when they are none, with the sentence that says so. */
static bool query_range(Request *request, int64_t *ret_from_utc_ms, int64_t *ret_to_utc_ms, const char **ret_fault) {
        const char *from_text = api_query_value(request, "from"), *to_text = api_query_value(request, "to");
        int64_t from = rv_clock_utc_ms(request->http->options.clock) - DEFAULT_BEFORE_MS, to;
        *ret_fault = "from and to are UTC milliseconds or ISO 8601 (2026-11-22T20:00:00Z)";
        if (from_text && !api_parse_instant(from_text, &from))
                return false;
        to = from + DEFAULT_BEFORE_MS + DEFAULT_AFTER_MS;
        if (to_text && !api_parse_instant(to_text, &to))
                return false;
        *ret_fault = "to must be after from, by 8 days at most";
        if (to <= from || to - from > MAX_RANGE_MS)
                return false;
        *ret_from_utc_ms = from;
        *ret_to_utc_ms = to;
        return true;
}

enum MHD_Result api_bad_query(Request *request, const char *fault) {
        return respond_error(request, MHD_HTTP_BAD_REQUEST, "bad_query", 0, "%s", fault);
}

enum MHD_Result api_no_channel(Request *request, const char *id) {
        return respond_error(request, MHD_HTTP_NOT_FOUND, "no_such_channel", 0, "there is no channel \"%s\"", id);
}

/* --- channels and guide ------------------------------------------------------------------------------------------ */

static json_t *streams_json(Request *request, const char *id) {
        g_autofree char *base = request_base_path(request);
        g_autofree char *hls = g_strdup_printf("%s/channel/%s/master.m3u8", base, id);
        g_autofree char *ts = g_strdup_printf("%s/channel/%s.ts", base, id);
        return json_pack("{s:s,s:s}", "hls", hls, "ts", ts);
}

void api_add_status(json_t *object, Channel *channel) {
        ChannelStatus status = channel ? channel_status(channel) : (ChannelStatus){0};
        g_autofree char *fault = g_utf8_make_valid(status.fault, -1);
        json_object_set_new(object, "state", json_string(channel_state_name(status.state)));
        json_object_set_new(object, "viewers", json_integer(status.viewers));
        json_object_set_new(object, "starts", json_integer(status.starts));
        json_object_set_new(object, "crashes", json_integer(status.crashes));
        json_object_set_new(object, "fault", fault[0] ? json_string(fault) : json_null());
}

/* INV-HORIZON-HEALTH-001, for who is not in this process. */
static json_t *horizon_json(const PlanView *view, int64_t now_utc_ms) {
        const PlanHealth health = plan_view_health(view, now_utc_ms);
        const PlanExtension *extension = &view->extension;
        json_t *object = json_pack(
                "{s:I,s:I,s:f,s:f,s:I,s:I,s:I,s:I,s:I,s:n}", "epg_end_utc_ms", (json_int_t)view->epg_end_utc_ms,
                "execution_end_utc_ms", (json_int_t)view->execution_end_utc_ms, "epg_depth_hours",
                (double)health.epg_depth_ms / HOUR_MS, "execution_depth_hours",
                (double)health.execution_depth_ms / HOUR_MS, "epg_short_ms", (json_int_t)health.epg_short_ms,
                "execution_short_ms", (json_int_t)health.execution_short_ms, "min_epg_ms", (json_int_t)view->min_epg_ms,
                "min_execution_ms", (json_int_t)view->min_execution_ms, "generation", (json_int_t)view->generation,
                "extension");
        if (extension->id > 0)
                json_object_set_new(object, "extension",
                                    json_pack("{s:I,s:s,s:s,s:I}", "id", (json_int_t)extension->id, "reason",
                                              extension_reason_name(extension->reason), "result",
                                              extension->complete ? "complete" : "short", "at_utc_ms",
                                              (json_int_t)extension->at_utc_ms));
        return object;
}

static json_t *channel_json(Request *request, const PlanView *view) {
        const HttpOptions *options = &request->http->options;
        const char *id = view->spec->id;
        g_autoptr(Channel) channel = channel_hub_find(options->hub, id);
        g_autofree char *base = request_base_path(request);
        g_autofree char *logo = g_strdup_printf("%s/logo/%s.png", base, id);
        json_t *object = guide_channel_json(options->guide, view);
        api_add_status(object, channel);
        if (view->fault && channel) {
                g_autofree char *fault = g_utf8_make_valid(view->fault, -1);
                json_object_set_new(object, "plan_fault", json_string(fault));
        }
        json_object_set_new(object, "planned_until_utc_ms", json_integer(view->execution_end_utc_ms));
        json_object_set_new(object, "faults",
                            json_pack("{s:I,s:I}", "planning", (json_int_t)plan_board_faults(options->board, id),
                                      "runtime", json_integer_value(json_object_get(object, "crashes"))));
        json_object_set_new(object, "horizon", horizon_json(view, rv_clock_utc_ms(options->clock)));
        json_object_set_new(object, "logo", json_string(logo));
        json_object_set_new(object, "streams", streams_json(request, id));
        return object;
}

enum MHD_Result api_channels(Request *request) {
        const HttpOptions *options = &request->http->options;
        g_autoptr(GPtrArray) views = plan_board_views(options->board);
        json_t *channels = json_array();
        for (unsigned i = 0; i < views->len; i++)
                json_array_append_new(channels, channel_json(request, g_ptr_array_index(views, i)));
        return respond_json(request, MHD_HTTP_OK,
                            json_pack("{s:I,s:o}", "generated_utc_ms", (json_int_t)rv_clock_utc_ms(options->clock),
                                      "channels", channels));
}

enum MHD_Result api_guide(Request *request) {
        int64_t from, to;
        const char *fault, *channel = api_query_value(request, "channel");
        if (!query_range(request, &from, &to, &fault))
                return api_bad_query(request, fault);
        json_t *guide = guide_json(request->http->options.guide, channel, from, to);
        return guide ? respond_json(request, MHD_HTTP_OK, guide) : api_no_channel(request, channel);
}

/* --- record and health ------------------------------------------------------------------------------------------- */

#define ASRUN_LIMIT 1000
#define ASRUN_MAX_LIMIT 10000

/* Of the query's limit; false when it is none. */
static bool query_limit(Request *request, unsigned *ret_limit) {
        const char *text = api_query_value(request, "limit");
        guint64 limit = ASRUN_LIMIT;
        if (text && !g_ascii_string_to_unsigned(text, 10, 1, ASRUN_MAX_LIMIT, &limit, NULL))
                return false;
        *ret_limit = (unsigned)limit;
        return true;
}

static enum MHD_Result respond_asrun(Request *request, const AsRunQuery *query) {
        const HttpOptions *options = &request->http->options;
        g_autoptr(GError) error = NULL;
        g_autofree char *next = NULL;
        json_t *entries = options->asrun ? options->asrun(options->user, query, &next, &error) : NULL;
        if (entries)
                return respond_json(request, MHD_HTTP_OK,
                                    json_pack("{s:s,s:I,s:I,s:o,s:s?}", "channel", query->channel_id, "from_utc_ms",
                                              (json_int_t)query->from_utc_ms, "to_utc_ms", (json_int_t)query->to_utc_ms,
                                              "entries", entries, "next", next));
        if (error && g_error_matches(error, RV_ERROR, RV_ERROR_INVALID))
                return api_bad_query(request, error->message);
        return respond_error(request, MHD_HTTP_SERVICE_UNAVAILABLE, "no_record", NOT_READY_RETRY_S,
                             "the as-run record cannot be read");
}

enum MHD_Result api_asrun(Request *request) {
        const char *fault;
        g_autoptr(PlanView) view = plan_board_view(request->http->options.board, request->argument);
        AsRunQuery query = {
                .channel_id = request->argument,
                .statuses = api_query_value(request, "status"),
                .after = api_query_value(request, "after"),
        };
        if (!view)
                return api_no_channel(request, request->argument);
        if (!query_range(request, &query.from_utc_ms, &query.to_utc_ms, &fault))
                return api_bad_query(request, fault);
        if (!query_limit(request, &query.limit))
                return api_bad_query(request, "limit is a number from 1 to 10000");
        return respond_asrun(request, &query);
}

/* "2026-11-22", or NULL. */
static bool is_day(const char *text) {
        if (!text)
                return true;
        g_autofree char *midnight = g_strconcat(text, "T00:00:00Z", NULL);
        g_autoptr(GDateTime) time =
                strlen(text) == strlen("2026-11-22") ? g_date_time_new_from_iso8601(midnight, NULL) : NULL;
        return time != NULL;
}

/* INV-RECONCILE-006: ?day=2026-11-22 or ?session=ID; the broadcast day that is now when nothing is said. */
enum MHD_Result api_reconciliation(Request *request) {
        const HttpOptions *options = &request->http->options;
        const char *day = api_query_value(request, "day"), *session = api_query_value(request, "session");
        g_autoptr(PlanView) view = plan_board_view(options->board, request->argument);
        if (!view)
                return api_no_channel(request, request->argument);
        if (!is_day(day))
                return api_bad_query(request, "day is a broadcast day (2026-11-22)");
        json_t *document = options->reconciliation
                                   ? options->reconciliation(options->user, request->argument, day, session)
                                   : NULL;
        if (!document)
                return respond_error(request, MHD_HTTP_NOT_FOUND, "no_reconciliation", 0,
                                     "no transmission log of channel \"%s\" is stored for that", request->argument);
        return respond_json(request, MHD_HTTP_OK, document);
}

enum MHD_Result api_progress(Request *request) {
        const HttpOptions *options = &request->http->options;
        json_t *progress = options->progress ? options->progress(options->user) : NULL;
        if (progress)
                return respond_json(request, MHD_HTTP_OK, progress);
        return respond_error(request, MHD_HTTP_NOT_FOUND, "no_scan", 0, "no folder of media is being looked through");
}

enum MHD_Result api_alerts(Request *request) {
        const HttpOptions *options = &request->http->options;
        json_t *alerts = options->alerts ? options->alerts(options->user) : NULL;
        return respond_json(request, MHD_HTTP_OK, json_pack("{s:o}", "alerts", alerts ? alerts : json_array()));
}

enum MHD_Result api_failures(Request *request) {
        g_autoptr(GArray) tallies = failure_tallies();
        json_t *failures = json_array();
        for (unsigned i = 0; i < tallies->len; i++) {
                const FailureTally *tally = &g_array_index(tallies, FailureTally, i);
                json_array_append_new(
                        failures, json_pack("{s:s,s:s,s:I,s:I,s:s,s:s,s:s}", "code", tally->kind->code, "class",
                                            failure_class_name(tally->kind->class), "count", (json_int_t)tally->count,
                                            "last_utc_ms", (json_int_t)tally->last_utc_ms, "last", tally->last,
                                            "sentence", tally->kind->sentence, "cure", tally->kind->cure));
        }
        return respond_json(request, MHD_HTTP_OK, json_pack("{s:o}", "failures", failures));
}

enum MHD_Result api_health(Request *request) {
        return respond_json(request, MHD_HTTP_OK, json_pack("{s:s}", "status", "ok"));
}

/* INV-HTTP-008 */
static enum MHD_Result not_ready(Request *request) {
        return respond_error(request, MHD_HTTP_SERVICE_UNAVAILABLE, "not_ready", NOT_READY_RETRY_S,
                             "no channel is planned yet");
}

enum MHD_Result api_ready(Request *request) {
        g_autoptr(GPtrArray) views = plan_board_views(request->http->options.board);
        if (views->len == 0)
                return not_ready(request);
        return respond_json(request, MHD_HTTP_OK,
                            json_pack("{s:s,s:i}", "status", "ready", "channels", (int)views->len));
}

/* --- documents for players --------------------------------------------------------------------------------------- */

static enum MHD_Result respond_document(Request *request, const GuideDocument *document, const char *type) {
        if (!document->body)
                return not_ready(request); /* an empty list or guide would wipe the client's own */
        return respond_bytes(request, document->body,
                             &(Representation){.type = type, .etag = document->etag, .is_text = true});
}

/* ?format=hls lists playlists instead of transport streams. */
enum MHD_Result documents_m3u(Request *request) {
        const char *format = api_query_value(request, "format"),
                   *agent = request_header(request, MHD_HTTP_HEADER_USER_AGENT);
        g_autofree char *base = request_base_url(request);
        unsigned stream = format && g_str_equal(format, "hls") ? GUIDE_STREAM_HLS : GUIDE_STREAM_TS;
        if (agent && strstr(agent, "Kodi"))
                stream |= GUIDE_STREAM_KODI;
        g_auto(GuideDocument) document = guide_m3u(request->http->options.guide, base, (GuideStream)stream);
        return respond_document(request, &document, "audio/x-mpegurl; charset=utf-8");
}

enum MHD_Result documents_xmltv(Request *request) {
        g_autofree char *base = request_base_url(request);
        g_auto(GuideDocument) document = guide_xmltv(request->http->options.guide, base);
        return respond_document(request, &document, "application/xml; charset=utf-8");
}
