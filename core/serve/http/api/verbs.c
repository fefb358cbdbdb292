/* What an operator may ask for: overrides of the plan, a new look at library and channel files. */
#include "core/serve/http/http_private.h"
#include "proto/base/error.h"

#define RETRY_S 2

static enum MHD_Result refused(Request *request, const GError *error) {
        if (error && g_error_matches(error, RV_ERROR, RV_ERROR_INVALID))
                return api_bad_query(request, error->message);
        if (error && g_error_matches(error, RV_ERROR, RV_ERROR_NOT_FOUND))
                return respond_error(request, MHD_HTTP_NOT_FOUND, "no_such_override", 0, "%s", error->message);
        return respond_error(request, MHD_HTTP_SERVICE_UNAVAILABLE, "not_recorded", RETRY_S, "%s",
                             error ? error->message : "there is nobody who could record it");
}

static bool has_channel(Request *request) {
        g_autoptr(PlanView) view = plan_board_view(request->http->options.board, request->argument);
        return view != NULL;
}

enum MHD_Result verbs_rescan(Request *request) {
        const HttpOptions *options = &request->http->options;
        if (!options->rescan)
                return refused(request, NULL);
        options->rescan(options->user);
        return respond_json(request, MHD_HTTP_ACCEPTED, json_pack("{s:b}", "asked", true));
}

enum MHD_Result verbs_overrides(Request *request) {
        const HttpOptions *options = &request->http->options;
        g_autoptr(GError) error = NULL;
        if (!has_channel(request))
                return api_no_channel(request, request->argument);
        json_t *overrides = options->overrides ? options->overrides(options->user, request->argument, &error) : NULL;
        if (!overrides)
                return refused(request, error);
        return respond_json(request, MHD_HTTP_OK,
                            json_pack("{s:s,s:o}", "channel", request->argument, "overrides", overrides));
}

/* ?kind=replace|insert|skip&at=INSTANT[&asset=NAME] */
enum MHD_Result verbs_override_ask(Request *request) {
        const HttpOptions *options = &request->http->options;
        const char *at = api_query_value(request, "at");
        g_autoptr(GError) error = NULL;
        HttpOverride wish = {
                .channel_id = request->argument,
                .kind = api_query_value(request, "kind"),
                .asset = api_query_value(request, "asset"),
        };
        if (!has_channel(request))
                return api_no_channel(request, request->argument);
        if (!at || !api_parse_instant(at, &wish.at_utc_ms))
                return api_bad_query(request, "at is UTC milliseconds or ISO 8601 (2026-11-22T20:00:00Z)");
        json_t *override = options->override_ask ? options->override_ask(options->user, &wish, &error) : NULL;
        return override ? respond_json(request, MHD_HTTP_ACCEPTED, override) : refused(request, error);
}

enum MHD_Result verbs_override_cancel(Request *request) {
        const HttpOptions *options = &request->http->options;
        g_autoptr(GError) error = NULL;
        guint64 id = 0;
        if (!has_channel(request))
                return api_no_channel(request, request->argument);
        if (!g_ascii_string_to_unsigned(request->rest, 10, 1, G_MAXINT64, &id, NULL))
                return api_bad_query(request, "an override has a number");
        if (!options->override_cancel ||
            !options->override_cancel(options->user, request->argument, (int64_t)id, &error))
                return refused(request, error);
        return respond_json(request, MHD_HTTP_ACCEPTED, json_pack("{s:b}", "asked", true));
}
