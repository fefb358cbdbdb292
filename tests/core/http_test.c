/* Documents, the page, and how the server behaves to clients of every kind. */
#define ZLIB_CONST
#include <zlib.h>

#include "proto/base/error.h"
#include "tests/core/http_client.h"

/* --- what core would give ---------------------------------------------------------------------------------------- */

static json_t *some_entries(void *user, const AsRunQuery *query, char **ret_next, GError **error) {
        if (query->after && g_str_equal(query->after, "nonsense")) {
                g_set_error(error, RV_ERROR, RV_ERROR_INVALID, "that is no page");
                return NULL;
        }
        *ret_next = query->after ? NULL : g_strdup("more");
        return json_pack("[{s:s,s:I,s:i,s:s?,s:s?}]", "channel", query->channel_id, "from",
                         (json_int_t)query->from_utc_ms, "limit", (int)query->limit, "status", query->statuses, "after",
                         query->after);
}

static json_t *no_entries(void *user, const AsRunQuery *query, char **ret_next, GError **error) {
        g_set_error(error, RV_ERROR, RV_ERROR_IO, "the disk is gone");
        return NULL;
}

static json_t *some_alerts(void *user) {
        return json_pack("[{s:s}]", "message", "no pool \"cheers\"");
}

static json_t *some_progress(void *user) {
        return json_pack("{s:b}", "done", 1);
}

static int setup_ready(void **state) {
        setup(state);
        world_page("index.html", "<!doctype html><title>RetroVue</title>");
        world->options.asrun = some_entries;
        world->options.alerts = some_alerts;
        world->options.progress = some_progress;
        world_publish("retro", 5);
        world_serve();
        return 0;
}

/* json_decref it. */
static json_t *document(const Answer *answer) {
        json_t *document = json_loads(answer->body, 0, NULL);
        assert_non_null(document);
        return document;
}

/* --- documents --------------------------------------------------------------------------------------------------- */

static void INV_HTTP_001_head_is_get_without_a_body(void **state) {
        static const char *const targets[] = {"/",
                                              "/channels.m3u",
                                              "/guide.xml",
                                              "/logo/retro.png",
                                              "/healthz",
                                              "/readyz",
                                              "/api/v1/channels",
                                              "/api/v1/guide",
                                              "/api/v1/channels/retro/asrun",
                                              "/api/v1/alerts",
                                              "/api/v1/catalog/progress",
                                              "/nothing/here"};
        for (size_t i = 0; i < G_N_ELEMENTS(targets); i++) {
                g_auto(Answer) get_answer = get(targets[i]), head = ask("HEAD", targets[i], "");
                assert_int_equal(head.status, get_answer.status);
                assert_int_equal(head.size, 0);
                g_autofree char *length = header(&get_answer, "Content-Length");
                g_autofree char *type = header(&get_answer, "Content-Type");
                assert_header(&head, "Content-Length", length);
                assert_header(&head, "Content-Type", type);
                assert_header(&head, "Access-Control-Allow-Origin", "*");
                assert_header(&head, "X-Content-Type-Options", "nosniff");
        }
}

static void channels_say_what_is_on_and_how_they_are(void **state) {
        rv_clock_fake_advance_ms(world->clock, 15 * SERVE_MINUTE);
        g_auto(Answer) answer = get("/api/v1/channels");
        json_t *list = document(&answer), *channel = json_array_get(json_object_get(list, "channels"), 0);
        assert_int_equal(json_integer_value(json_object_get(list, "generated_utc_ms")), SERVE_NOON + 15 * SERVE_MINUTE);
        assert_string_equal(json_string_value(json_object_get(channel, "id")), "retro");
        assert_string_equal(json_string_value(json_object_get(channel, "state")), "off");
        assert_int_equal(json_integer_value(json_object_get(channel, "viewers")), 0);
        assert_true(json_is_null(json_object_get(channel, "fault")));
        const json_t *now = json_object_get(channel, "now"), *streams = json_object_get(channel, "streams");
        assert_string_equal(json_string_value(json_object_get(now, "title")), "Cheers");
        assert_true(json_real_value(json_object_get(now, "progress")) == 0.5);
        assert_string_equal(json_string_value(json_object_get(streams, "hls")), "/channel/retro/master.m3u8");
        assert_string_equal(json_string_value(json_object_get(streams, "ts")), "/channel/retro.ts");
        json_decref(list);
}

static json_t *horizon_of(json_t *list) {
        return json_object_get(json_array_get(json_object_get(list, "channels"), 0), "horizon");
}

static int64_t number(const json_t *object, const char *key) {
        return json_integer_value(json_object_get(object, key));
}

static void channels_say_how_far_they_are_planned(void **state) {
        g_auto(Answer) early = get("/api/v1/channels");
        json_t *list = document(&early), *horizon = horizon_of(list);
        assert_true(json_is_null(json_object_get(horizon, "extension")));
        json_decref(list);

        PlanView *view = view_new("retro", 5, "Retro Prime");
        view_add(view, "Cheers", "a-1", 120);
        view->epg_end_utc_ms = SERVE_NOON + 120 * SERVE_MINUTE;
        view->execution_end_utc_ms = SERVE_NOON + 90 * SERVE_MINUTE;
        view->min_epg_ms = 180 * SERVE_MINUTE;
        view->min_execution_ms = 60 * SERVE_MINUTE;
        view->extension = (PlanExtension){.id = 7, .reason = EXTENSION_DUE, .complete = false, .at_utc_ms = 5};
        plan_board_publish(world->board, view);
        rv_clock_fake_advance_ms(world->clock, 45 * SERVE_MINUTE);
        g_auto(Answer) answer = get("/api/v1/channels");
        list = document(&answer);
        horizon = horizon_of(list);
        const json_t *extension = json_object_get(horizon, "extension");
        assert_int_equal(number(horizon, "epg_end_utc_ms"), SERVE_NOON + 120 * SERVE_MINUTE);
        assert_int_equal(number(horizon, "execution_end_utc_ms"), SERVE_NOON + 90 * SERVE_MINUTE);
        assert_true(json_real_value(json_object_get(horizon, "epg_depth_hours")) == 1.25);
        assert_true(json_real_value(json_object_get(horizon, "execution_depth_hours")) == 0.75);
        assert_int_equal(number(horizon, "epg_short_ms"), 105 * SERVE_MINUTE);
        assert_int_equal(number(horizon, "execution_short_ms"), 15 * SERVE_MINUTE);
        assert_int_equal(number(horizon, "min_epg_ms"), 180 * SERVE_MINUTE);
        assert_int_equal(number(horizon, "min_execution_ms"), 60 * SERVE_MINUTE);
        assert_true(number(horizon, "generation") > 1);
        assert_int_equal(number(extension, "id"), 7);
        assert_string_equal(json_string_value(json_object_get(extension, "reason")), "due");
        assert_string_equal(json_string_value(json_object_get(extension, "result")), "short");
        assert_int_equal(number(extension, "at_utc_ms"), 5);
        const json_t *channel = json_array_get(json_object_get(list, "channels"), 0);
        assert_int_equal(number(json_object_get(channel, "faults"), "planning"), 0);
        plan_board_count_fault(world->board, "retro");
        plan_board_count_fault(world->board, "other");
        g_auto(Answer) faulty = get("/api/v1/channels");
        json_t *later = document(&faulty);
        channel = json_array_get(json_object_get(later, "channels"), 0);
        assert_int_equal(number(json_object_get(channel, "faults"), "planning"), 1);
        assert_int_equal(number(json_object_get(channel, "faults"), "runtime"), 0);
        json_decref(later);
        json_decref(list);
}

static size_t n_programmes(const char *target) {
        g_auto(Answer) answer = get(target);
        assert_int_equal(answer.status, 200);
        json_t *guide = document(&answer);
        const json_t *channel = json_array_get(json_object_get(guide, "channels"), 0);
        size_t n = json_array_size(json_object_get(channel, "programmes"));
        json_decref(guide);
        return n;
}

static void ranges_are_milliseconds_or_iso_8601(void **state) {
        assert_int_equal(n_programmes("/api/v1/guide"), 2);
        assert_int_equal(n_programmes("/api/v1/guide?channel=retro"), 2);
        assert_int_equal(n_programmes("/api/v1/guide?from=1795262400000&to=1795262400001"), 1);
        assert_int_equal(n_programmes("/api/v1/guide?from=2026-11-21T12:30:00Z&to=2026-11-21T12:31:00Z"), 1);
        assert_int_equal(n_programmes("/api/v1/guide?from=2026-11-21T14:30:00%2B02:00"), 1);
        assert_int_equal(n_programmes("/api/v1/guide?from=2026-11-22T12:30:00Z"), 0);
        static const char *const senseless[] = {"from=yesterday",
                                                "to=1",
                                                "from=10&to=10",
                                                "from=0&to=999999999999999",
                                                "from=-5",
                                                "from=",
                                                "from=1795262400000&to=1795953600001"};
        for (size_t i = 0; i < G_N_ELEMENTS(senseless); i++) {
                g_autofree char *guide = g_strconcat("/api/v1/guide?", senseless[i], NULL);
                g_autofree char *asrun = g_strconcat("/api/v1/channels/retro/asrun?", senseless[i], NULL);
                g_auto(Answer) a = get(guide), b = get(asrun);
                assert_error(&a, 400, "bad_query");
                assert_error(&b, 400, "bad_query");
        }
        g_auto(Answer) unknown = get("/api/v1/guide?channel=nope%22%ff");
        assert_error(&unknown, 404, "no_such_channel");
}

static void the_record_is_read_through(void **state) {
        g_auto(Answer) answer = get("/api/v1/channels/retro/asrun?from=1000&to=2000");
        json_t *record = document(&answer);
        const json_t *entry = json_array_get(json_object_get(record, "entries"), 0);
        assert_string_equal(json_string_value(json_object_get(record, "channel")), "retro");
        assert_int_equal(json_integer_value(json_object_get(entry, "from")), 1000);
        json_decref(record);
        g_auto(Answer) unknown = get("/api/v1/channels/nope/asrun");
        assert_error(&unknown, 404, "no_such_channel");
        world->options.asrun = no_entries;
        world->options.progress = NULL;
        world->options.alerts = NULL;
        world_serve();
        g_auto(Answer) unreadable = get("/api/v1/channels/retro/asrun");
        assert_error(&unreadable, 503, "no_record");
        g_auto(Answer) progress = get("/api/v1/catalog/progress");
        assert_error(&progress, 404, "no_scan");
        g_auto(Answer) alerts = get("/api/v1/alerts");
        assert_string_equal(alerts.body, "{\"alerts\":[]}");
}

/* A page says where the next one begins, the last one that there is none. */
static void the_record_comes_in_pages(void **state) {
        g_auto(Answer) first = get("/api/v1/channels/retro/asrun?from=1000&to=2000&limit=7&status=SHORT,ERROR");
        json_t *record = document(&first);
        const json_t *entry = json_array_get(json_object_get(record, "entries"), 0);
        assert_int_equal(json_integer_value(json_object_get(entry, "limit")), 7);
        assert_string_equal(json_string_value(json_object_get(entry, "status")), "SHORT,ERROR");
        assert_string_equal(json_string_value(json_object_get(record, "next")), "more");
        json_decref(record);
        g_auto(Answer) last = get("/api/v1/channels/retro/asrun?from=1000&to=2000&after=more");
        record = document(&last);
        entry = json_array_get(json_object_get(record, "entries"), 0);
        assert_string_equal(json_string_value(json_object_get(entry, "after")), "more");
        assert_true(json_is_null(json_object_get(record, "next")));
        json_decref(record);
        static const char *const senseless[] = {"limit=0", "limit=10001", "limit=-1",
                                                "limit=",  "limit=x",     "after=nonsense"};
        for (size_t i = 0; i < G_N_ELEMENTS(senseless); i++) {
                g_autofree char *target = g_strconcat("/api/v1/channels/retro/asrun?", senseless[i], NULL);
                g_auto(Answer) answer = get(target);
                assert_error(&answer, 400, "bad_query");
        }
}

static void an_error_answer_is_counted_as_a_failure(void **state) {
        g_auto(Answer) nothing = get("/api/v1/nothing");
        assert_int_equal(nothing.status, 404);
        g_auto(Answer) answer = get("/api/v1/failures");
        json_t *document = json_loads(answer.body, 0, NULL);
        size_t i;
        json_t *failure;
        bool told = false;
        json_array_foreach(json_object_get(document, "failures"), i, failure) {
                if (g_str_equal(json_string_value(json_object_get(failure, "code")), "http.not_found")) {
                        assert_string_equal(json_string_value(json_object_get(failure, "class")), "request");
                        told = json_integer_value(json_object_get(failure, "count")) > 0;
                }
        }
        assert_true(told);
        json_decref(document);
}

/* --- an HDHomeRun ------------------------------------------------------------------------------------------------ */

/* As clients judge an id before they believe in the device. */
static bool id_is_believed(uint32_t id) {
        static const char *const table = "a5f67c1b928d43e0";
        int sum = 0;
        for (int place = 7; place >= 0; place--) {
                const int digit = (int)(id >> (4 * place)) & 0xf;
                sum ^= place % 2 == 1 ? g_ascii_xdigit_value(table[digit]) : digit;
        }
        return sum == 0;
}

static void INV_HTTP_011_clients_take_us_for_a_tuner(void **state) {
        g_auto(Answer) answer = get("/discover.json");
        json_t *device = document(&answer);
        static const char base[] = "http://tv.example"; /* the Host of all requests here */
        g_autofree char *lineup_url = g_strconcat(base, "/lineup.json", NULL);
        assert_string_equal(json_string_value(json_object_get(device, "BaseURL")), base);
        assert_string_equal(json_string_value(json_object_get(device, "LineupURL")), lineup_url);
        assert_string_equal(json_string_value(json_object_get(device, "FriendlyName")), "Attic <TV>");
        assert_int_equal(json_integer_value(json_object_get(device, "TunerCount")), 4);
        const char *id = json_string_value(json_object_get(device, "DeviceID"));
        assert_int_equal(strlen(id), 8);
        assert_true(id_is_believed((uint32_t)g_ascii_strtoull(id, NULL, 16)));
        json_decref(device);
        g_auto(Answer) list = get("/lineup.json");
        json_t *lineup = document(&list), *channel = json_array_get(lineup, 0);
        g_autofree char *url = g_strconcat(base, "/auto/v5", NULL);
        assert_int_equal(json_array_size(lineup), 1);
        assert_string_equal(json_string_value(json_object_get(channel, "GuideNumber")), "5");
        assert_string_equal(json_string_value(json_object_get(channel, "URL")), url);
        json_decref(lineup);
        g_auto(Answer) xml = get("/device.xml");
        assert_non_null(strstr(xml.body, "<friendlyName>Attic &lt;TV&gt;</friendlyName>"));
        g_auto(Answer) scan = ask("POST", "/lineup.post?scan=start", "Content-Length: 0\r\n");
        assert_int_equal(scan.status, 200);
        g_auto(Answer) status = get("/lineup_status.json");
        assert_non_null(strstr(status.body, "\"ScanInProgress\":0"));
}

static void any_number_makes_an_id_that_is_believed(void **state) {
        uint32_t number = 1;
        for (int i = 0; i < 1000; i++, number = number * 1664525 + 1013904223)
                assert_true(id_is_believed(http_tuner_id(number)));
        assert_false(id_is_believed(http_tuner_id(1) ^ 0x10));
}

static void an_unknown_channel_is_said_as_the_device_says_it(void **state) {
        g_auto(Answer) unknown = get("/auto/v99");
        assert_error(&unknown, 404, "no_such_channel");
        assert_header(&unknown, "X-HDHomeRun-Error", "801 Unknown Channel");
}

static void INV_HTTP_008_not_ready_is_503_and_never_an_empty_document(void **state) {
        static const char *const targets[] = {"/readyz", "/guide.xml", "/channels.m3u"};
        plan_board_unpublish(world->board, "retro");
        for (size_t i = 0; i < G_N_ELEMENTS(targets); i++) {
                g_auto(Answer) answer = get(targets[i]);
                assert_error(&answer, 503, "not_ready");
                assert_header(&answer, "Retry-After", "2");
        }
        g_auto(Answer) health = get("/healthz");
        assert_int_equal(health.status, 200);
        g_auto(Answer) channels = get("/api/v1/channels");
        assert_int_equal(channels.status, 200);
}

static void addresses_are_the_client_s_view(void **state) {
        g_auto(Answer) direct = get("/channels.m3u");
        assert_non_null(strstr(direct.body, "\nhttp://tv.example/channel/retro.ts\n"));
        g_auto(Answer) behind = ask("GET", "/channels.m3u",
                                    "X-Forwarded-Proto: https\r\nX-Forwarded-Host: tv.example.org, inner\r\n"
                                    "X-Forwarded-Prefix: /retro\r\n");
        assert_non_null(strstr(behind.body, "\nhttps://tv.example.org/retro/channel/retro.ts\n"));
        g_auto(Answer) evil = ask("GET", "/guide.xml", "X-Forwarded-Host: a\"><script>\r\nX-Forwarded-Proto: x\r\n");
        assert_null(strstr(evil.body, "script"));
        assert_non_null(strstr(evil.body, "\"http://tv.example/logo/retro.png\""));
        g_auto(Answer) api = ask("GET", "/api/v1/channels", "X-Forwarded-Prefix: /retro\r\n");
        assert_non_null(strstr(api.body, "\"/retro/channel/retro.ts\""));
        world->options.public_url = "https://retro.example/tv";
        world_serve();
        g_auto(Answer) configured = ask("GET", "/channels.m3u?format=hls", "X-Forwarded-Host: other\r\n");
        assert_non_null(strstr(configured.body, "\nhttps://retro.example/tv/channel/retro/master.m3u8\n"));
}

static void kodi_is_told_how_to_play(void **state) {
        g_auto(Answer) answer = ask("GET", "/channels.m3u", "User-Agent: Kodi/20.2 (Linux)\r\n");
        assert_non_null(strstr(answer.body, "#KODIPROP:mimetype=video/mp2t\n"));
        assert_header(&answer, "Content-Type", "audio/x-mpegurl; charset=utf-8");
}

/* --- conditions and codings -------------------------------------------------------------------------------------- */

static void publish_long_guide(void) {
        PlanView *view = view_new("retro", 5, "Retro Prime");
        for (int i = 0; i < 300; i++)
                view_add(view, "The Same Again", "a", 30);
        plan_board_publish(world->board, view);
}

static char *unpack(const Answer *answer, size_t size) {
        char *text = g_malloc0(size + 1);
        z_stream stream = {.next_in = (const uint8_t *)answer->body,
                           .avail_in = (uInt)answer->size,
                           .next_out = (uint8_t *)text,
                           .avail_out = (uInt)size};
        assert_int_equal(inflateInit2(&stream, MAX_WBITS + 16), Z_OK);
        assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
        inflateEnd(&stream);
        return text;
}

static void INV_HTTP_005_text_is_compressed_and_not_sent_twice(void **state) {
        publish_long_guide();
        for (int round = 0; round < 2; round++) { /* made, and kept */
                g_auto(Answer) plain = get("/guide.xml");
                g_auto(Answer) packed = ask("GET", "/guide.xml", "Accept-Encoding: br, gzip\r\n");
                assert_header(&packed, "Content-Encoding", "gzip");
                assert_header(&packed, "Vary", "Accept-Encoding");
                assert_true(packed.size < plain.size / 10);
                g_autofree char *text = unpack(&packed, plain.size);
                assert_string_equal(text, plain.body);
                g_autofree char *tag = header(&plain, "ETag"), *packed_tag = header(&packed, "ETag");
                assert_string_not_equal(tag, packed_tag);
                const char *const conditions[] = {tag, packed_tag, "*"};
                for (size_t i = 0; i < G_N_ELEMENTS(conditions); i++) {
                        g_autofree char *asked = g_strdup_printf("If-None-Match: \"x\", W/%s\r\n", conditions[i]);
                        g_autofree char *any = g_strdup_printf("If-None-Match: %s\r\n", conditions[i]);
                        g_auto(Answer) same = ask("GET", "/guide.xml", i < 2 ? asked : any);
                        assert_int_equal(same.status, 304);
                        assert_int_equal(same.size, 0);
                }
        }
        g_auto(Answer) less_wanted = ask("GET", "/guide.xml", "Accept-Encoding: br;q=0, GZip ;q=0.5\r\n");
        assert_header(&less_wanted, "Content-Encoding", "gzip");
        const char *const refusals[] = {"Accept-Encoding: gzip;q=0\r\n", "Accept-Encoding: gzip; q=0.000, br\r\n",
                                        "Accept-Encoding: identity, gzipped\r\n", "If-None-Match: \"0123\", \"\r\n",
                                        "If-None-Match: \r\n"};
        for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++) {
                g_auto(Answer) answer = ask("GET", "/guide.xml", refusals[i]);
                assert_int_equal(answer.status, 200);
                assert_null(header(&answer, "Content-Encoding"));
        }
}

/* --- the page ---------------------------------------------------------------------------------------------------- */

static void INV_HTTP_002_the_page_and_nothing_else_of_the_disk(void **state) {
        g_autofree char *assets = g_build_filename(world->web_dir, "assets", NULL);
        g_autofree char *secret = g_strconcat(world->web_dir, "-secret", NULL);
        assert_int_equal(g_mkdir(assets, 0755), 0);
        assert_true(g_file_set_contents(secret, "classified", -1, NULL));
        world_page("assets/app.js", "export {};");
        world_page(".hidden", "classified");
        world_serve();
        g_auto(Answer) page = get("/");
        assert_int_equal(page.status, 200);
        assert_header(&page, "Content-Type", "text/html; charset=utf-8");
        g_autofree char *policy = header(&page, "Content-Security-Policy");
        assert_true(g_str_has_prefix(policy, "default-src 'self'; "));
        assert_null(strstr(policy, "unsafe"));
        g_auto(Answer) script = get("/assets/app.js?v=1");
        assert_header(&script, "Content-Type", "text/javascript; charset=utf-8");

        g_autofree char *name = g_path_get_basename(secret);
        g_autofree char *up = g_strdup_printf("/../%s", name), *coded = g_strdup_printf("/%%2e%%2e/%s", name);
        g_autofree char *deep = g_strdup_printf("/assets/..%%2f..%%2f%s", name);
        const char *const targets[] = {
                up,     coded,        deep,         "/.hidden",          "/assets", "/assets/",
                "//",   "/index.htm", "/%00",       "/index.html%00.js", "/%zz",    "/assets/../assets/app.js",
                "/%ff", "/.",         "/assets/%2e"};
        for (size_t i = 0; i < G_N_ELEMENTS(targets); i++) {
                g_auto(Answer) answer = get(targets[i]);
                assert_null(strstr(answer.body, "classified"));
                assert_error(&answer, 404, "not_found");
        }
        g_unlink(secret);
}

static void without_a_page_people_are_told(void **state) {
        world->options.web_dir = "/nowhere/at/all";
        world_serve();
        g_auto(Answer) answer = get("/");
        assert_int_equal(answer.status, 404);
        assert_header(&answer, "Content-Type", "text/html; charset=utf-8");
        assert_non_null(strstr(answer.body, "channels.m3u"));
}

static void a_logo_is_drawn_or_the_operator_s_own(void **state) {
        g_auto(Answer) drawn = get("/logo/retro.png");
        assert_header(&drawn, "Content-Type", "image/png");
        assert_memory_equal(drawn.body, "\x89PNG\r\n\x1a\n", 8);
        world_page("logo.svg", "<svg/>");
        PlanView *view = view_new("retro", 5, "Retro");
        view->spec->logo = g_build_filename(world->web_dir, "logo.svg", NULL);
        plan_board_publish(world->board, view);
        g_auto(Answer) own = get("/logo/retro.png");
        assert_header(&own, "Content-Type", "image/svg+xml");
        assert_header(&own, "Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'");
        assert_string_equal(own.body, "<svg/>");
        world_page("logo.svg", "not a picture");
        g_auto(Answer) fallback = get("/logo/retro.png");
        assert_header(&fallback, "Content-Type", "image/png");
}

/* --- manners ----------------------------------------------------------------------------------------------------- */

static void INV_HTTP_009_only_reading_is_done_here(void **state) {
        static const char *const methods[] = {"POST", "PUT", "DELETE", "PATCH", "TRACE", "BREW"};
        for (size_t i = 0; i < G_N_ELEMENTS(methods); i++) {
                g_auto(Answer) answer = ask(methods[i], "/api/v1/channels", "");
                assert_error(&answer, 405, "method_not_allowed");
                assert_header(&answer, "Allow", "GET, HEAD, OPTIONS");
        }
        g_auto(Answer) upload = ask("POST", "/", "Content-Length: 1000000000\r\n");
        assert_int_equal(upload.status, 405); /* at once: nothing of it was sent */
        g_auto(Answer) body = ask("GET", "/", "Content-Length: 5\r\n");
        assert_error(&body, 413, "no_body");
        g_auto(Answer) preflight = ask("OPTIONS", "/channel/retro.ts",
                                       "Origin: http://elsewhere\r\nAccess-Control-Request-Method: GET\r\n"
                                       "Access-Control-Request-Headers: range\r\n");
        assert_int_equal(preflight.status, 204);
        assert_header(&preflight, "Access-Control-Allow-Origin", "*");
        g_autofree char *allowed = header(&preflight, "Access-Control-Allow-Headers");
        assert_non_null(strstr(allowed, "Range"));
}

static void what_is_no_http_does_no_harm(void **state) {
        static const char *const nonsense[] = {"\r\n\r\n\r\n\r\n",
                                               "GET\r\n\r\n",
                                               "GET / HTTP/9.9\r\n\r\n",
                                               "GET / HTTP/1.1\r\n\r\n",
                                               ":::\r\n:\r\n\r\n",
                                               "GET /\r\nHost: \r\n\r\n",
                                               "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
                                               "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
                                               "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"};
        for (size_t i = 0; i < G_N_ELEMENTS(nonsense); i++) {
                g_auto(Client) client = client_open();
                client_send(&client, nonsense[i]);
                assert_int_equal(shutdown(client.fd, SHUT_WR), 0);
                client_await_end(&client);
        }
        g_autofree char *long_header = g_strnfill(100000, 'x');
        g_autofree char *asked = g_strdup_printf("GET / HTTP/1.1\r\nX: %s", long_header);
        g_auto(Client) client = client_open();
        (void)send(client.fd, asked, strlen(asked), MSG_NOSIGNAL);
        client_await_end(&client);
        g_auto(Answer) alive = get("/healthz");
        assert_int_equal(alive.status, 200);
}

/* Of other programs on the same host, for instance: a browser sends them all. */
static void many_cookies_are_no_obstacle(void **state) {
        g_autoptr(GString) cookies = g_string_new("Cookie: theme=dark");
        for (int i = 0; i < 40; i++)
                g_string_append_printf(cookies, "; session%d=%0100d", i, i);
        g_string_append(cookies, "\r\n");
        g_auto(Answer) answer = ask("GET", "/channels.m3u", cookies->str);
        assert_int_equal(answer.status, 200);
}

static void INV_HTTP_004_half_a_request_does_not_hold_a_connection(void **state) {
        g_auto(Client) slow = client_open(), kept = client_open();
        client_send(&kept, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
        client_await(&kept, 10);
        client_send(&slow, "GET / HTTP/1.1\r\nHost: a\r\n");
        rv_clock_fake_advance_ms(world->clock, 20000);
        client_send(&slow, "X-Slow: still going\r\n");
        client_turn(&slow);
        assert_false(slow.closed);
        while (!slow.closed || !kept.closed) { /* one that keeps silent after an answer is no better */
                rv_clock_fake_advance_ms(world->clock, 1000);
                client_turn(&slow);
                client_turn(&kept);
        }
        assert_int_equal(slow.received->len, 0);
}

static void a_port_in_use_or_no_address_is_an_error_with_advice(void **state) {
        g_autoptr(GError) error = NULL;
        HttpOptions options = world->options;
        options.port = http_port(world->http);
        assert_null(http_new(&options, &error));
        assert_true(g_error_matches(error, RV_ERROR, RV_ERROR_IO));
        assert_non_null(strstr(error->message, "--port"));
        g_clear_error(&error);
        options.listen_address = "living room";
        assert_null(http_new(&options, &error));
        assert_true(g_error_matches(error, RV_ERROR, RV_ERROR_INVALID));
}

#define HTTP_TEST(f) cmocka_unit_test_setup_teardown(f, setup_ready, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                HTTP_TEST(INV_HTTP_001_head_is_get_without_a_body),
                HTTP_TEST(channels_say_what_is_on_and_how_they_are),
                HTTP_TEST(channels_say_how_far_they_are_planned),
                HTTP_TEST(ranges_are_milliseconds_or_iso_8601),
                HTTP_TEST(the_record_is_read_through),
                HTTP_TEST(the_record_comes_in_pages),
                HTTP_TEST(INV_HTTP_008_not_ready_is_503_and_never_an_empty_document),
                HTTP_TEST(addresses_are_the_client_s_view),
                HTTP_TEST(kodi_is_told_how_to_play),
                HTTP_TEST(INV_HTTP_005_text_is_compressed_and_not_sent_twice),
                HTTP_TEST(INV_HTTP_002_the_page_and_nothing_else_of_the_disk),
                HTTP_TEST(without_a_page_people_are_told),
                HTTP_TEST(a_logo_is_drawn_or_the_operator_s_own),
                HTTP_TEST(INV_HTTP_009_only_reading_is_done_here),
                HTTP_TEST(what_is_no_http_does_no_harm),
                HTTP_TEST(many_cookies_are_no_obstacle),
                HTTP_TEST(INV_HTTP_004_half_a_request_does_not_hold_a_connection),
                HTTP_TEST(a_port_in_use_or_no_address_is_an_error_with_advice),
                HTTP_TEST(an_error_answer_is_counted_as_a_failure),
                HTTP_TEST(INV_HTTP_011_clients_take_us_for_a_tuner),
                HTTP_TEST(any_number_makes_an_id_that_is_believed),
                HTTP_TEST(an_unknown_channel_is_said_as_the_device_says_it),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
