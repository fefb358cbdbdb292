/* Playlists, segments, raw streams, and the wait for a channel that nobody watched until now. */
#include "tests/core/http_client.h"

#define PLAYLIST "/channel/retro/live.m3u8"
#define FANOUT_BYTES ((size_t)8 * 1024 * 1024)

static int setup_live(void **state) {
        setup(state);
        world_publish("retro", 5);
        world_serve();
        return 0;
}

static void await_start(Client *client) {
        while (!world->engine && !client->closed)
                client_turn(client);
        assert_non_null(world->engine);
}

static unsigned viewers(void) {
        g_autoptr(Channel) channel = channel_hub_find(world->hub, "retro");
        return channel_status(channel).viewers;
}

/* On the air with a playlist. */
static void go_live(void) {
        g_auto(Client) client = client_ask("GET", PLAYLIST, "");
        await_start(&client);
        engine_begin("5e551011-0000");
        engine_write_s(4);
        g_auto(Answer) answer = client_answer(&client);
        assert_int_equal(answer.status, 200);
}

/* Path of the first segment listed; g_free it. */
static char *first_segment(void) {
        g_auto(Answer) answer = get(PLAYLIST);
        const char *name = strstr(answer.body, "seg/");
        assert_non_null(name);
        g_autofree char *relative = g_strndup(name, strcspn(name, "\n"));
        return g_strconcat("/channel/retro/", relative, NULL);
}

/* --- cold start -------------------------------------------------------------------------------------------------- */

static void INV_HTTP_003_the_first_viewer_waits_for_the_playlist(void **state) {
        g_auto(Client) client = client_ask("GET", PLAYLIST, "");
        await_start(&client);
        assert_int_equal(viewers(), 1);
        engine_begin("5e551011-0000");
        engine_write_s(1);
        client_turn(&client);
        assert_int_equal(client.received->len, 0); /* a segment that is not complete is no playlist */
        engine_write_s(1);
        g_auto(Answer) answer = client_answer(&client);
        assert_int_equal(answer.status, 200);
        assert_header(&answer, "Content-Type", "application/vnd.apple.mpegurl");
        assert_header(&answer, "Cache-Control", "no-cache");
        assert_header(&answer, "Access-Control-Allow-Origin", "*");
        assert_true(g_str_has_prefix(answer.body, "#EXTM3U\n"));
        assert_non_null(strstr(answer.body, "seg/5e551011-0.ts\n"));
        assert_int_equal(viewers(), 1); /* the same one, now known by what it fetched */
}

static void INV_HTTP_003_twenty_first_viewers_start_one_engine(void **state) {
        Client clients[20];
        for (int i = 0; i < 20; i++)
                clients[i] = client_ask("GET", i % 2 ? PLAYLIST : "/channel/retro.ts", "");
        await_start(&clients[0]);
        while (viewers() < 20)
                client_turn(&clients[0]);
        engine_begin("5e551011-0000");
        engine_write_s(4);
        for (int i = 0; i < 20; i++) {
                client_await(&clients[i], 100);
                assert_true(g_str_has_prefix(clients[i].received->str, "HTTP/1.1 200 OK\r\n"));
                client_close(&clients[i]);
        }
        assert_int_equal(world->started, 1);
}

static void INV_HTTP_003_who_has_waited_long_enough_is_told_why(void **state) {
        static const char *const targets[] = {PLAYLIST, "/channel/retro/master.m3u8", "/channel/retro.ts", "/auto/v5"};
        for (size_t i = 0; i < G_N_ELEMENTS(targets); i++) {
                g_auto(Client) client = client_ask("GET", targets[i], "");
                await_start(&client);
                while (viewers() < 1)
                        client_turn(&client);
                client_turn(&client);
                assert_int_equal(client.received->len, 0);
                fake_kill(world->engine, "the engine was killed by signal 9");
                rv_clock_fake_advance_ms(world->clock, 13000);
                g_auto(Answer) answer = client_answer(&client);
                assert_error(&answer, 503, "not_on_air");
                assert_header(&answer, "Retry-After", "2");
                while (viewers() > 0 || world->engine) {
                        rv_clock_fake_advance_ms(world->clock, 500); /* more at once is a machine that slept */
                        channel_hub_poll(world->hub);
                        turn();
                }
        }
}

static void INV_HTTP_011_a_tuner_without_room_says_so(void **state) {
        world->hub->options.max_running = 0;
        g_auto(Client) client = client_ask("GET", "/auto/v5", "");
        while (viewers() < 1)
                client_turn(&client);
        client_turn(&client);
        rv_clock_fake_advance_ms(world->clock, 13000);
        g_auto(Answer) answer = client_answer(&client);
        assert_error(&answer, 503, "not_on_air");
        assert_header(&answer, "X-HDHomeRun-Error", "805 All Tuners In Use");
}

static void heads_start_no_engine(void **state) {
        static const char *const targets[] = {PLAYLIST, "/channel/retro/master.m3u8", "/channel/retro.ts"};
        for (size_t i = 0; i < G_N_ELEMENTS(targets); i++) {
                g_auto(Answer) answer = ask("HEAD", targets[i], "");
                assert_int_equal(answer.status, 200);
                assert_int_equal(answer.size, 0);
                g_autofree char *type = header(&answer, "Content-Type");
                assert_string_equal(type, i == 2 ? "video/mp2t" : "application/vnd.apple.mpegurl");
        }
        turn();
        assert_int_equal(world->started, 0);
}

static void unknown_channels_are_not_there(void **state) {
        static const char *const targets[] = {
                "/channel/nope/live.m3u8", "/channel/nope.ts", "/channel/nope/master.m3u8",
                "/channel/nope/seg/x.ts",  "/auto/v99",        "/logo/nope.png"};
        for (size_t i = 0; i < G_N_ELEMENTS(targets); i++) {
                g_auto(Answer) answer = get(targets[i]);
                assert_error(&answer, 404, "no_such_channel");
        }
}

/* --- HLS --------------------------------------------------------------------------------------------------------- */

static void INV_HTTP_005_segments_can_be_had_in_parts_and_once(void **state) {
        go_live();
        g_autofree char *path = first_segment();
        g_auto(Answer) whole = get(path);
        assert_int_equal(whole.status, 200);
        assert_header(&whole, "Content-Type", "video/mp2t");
        assert_header(&whole, "Cache-Control", "public, max-age=600, immutable");
        assert_header(&whole, "Accept-Ranges", "bytes");
        assert_int_equal(whole.size % TS_PACKET, 0);

        g_auto(Answer) part = ask("GET", path, "Range: bytes=188-375\r\n");
        assert_int_equal(part.status, 206);
        assert_int_equal(part.size, 188);
        assert_memory_equal(part.body, whole.body + 188, 188);
        g_autofree char *range = g_strdup_printf("bytes 188-375/%zu", whole.size);
        assert_header(&part, "Content-Range", range);

        g_auto(Answer) tail = ask("GET", path, "Range: bytes=-188\r\n");
        assert_int_equal(tail.status, 206);
        assert_memory_equal(tail.body, whole.body + whole.size - 188, 188);

        g_auto(Answer) beyond = ask("GET", path, "Range: bytes=99999999-\r\n");
        assert_int_equal(beyond.status, 416);
        const char *const senseless[] = {"bytes=abc", "bytes=5-2", "bytes=0-1,5-6", "chars=0-1", "bytes=--5", "bytes="};
        for (size_t i = 0; i < G_N_ELEMENTS(senseless); i++) {
                g_autofree char *asked = g_strdup_printf("Range: %s\r\n", senseless[i]);
                g_auto(Answer) answer = ask("GET", path, asked);
                assert_int_equal(answer.status, 200);
                assert_int_equal(answer.size, whole.size);
        }

        g_autofree char *tag = header(&whole, "ETag"), *condition = g_strdup_printf("If-None-Match: %s\r\n", tag);
        g_auto(Answer) same = ask("GET", path, condition);
        assert_int_equal(same.status, 304);
        assert_int_equal(same.size, 0);
        assert_header(&same, "ETag", tag);
        g_auto(Answer) changed = ask("GET", path, "Range: bytes=0-1\r\nIf-Range: \"other\"\r\n");
        assert_int_equal(changed.status, 200);
        g_auto(Answer) gone = get("/channel/retro/seg/5e551011-999.ts");
        assert_error(&gone, 404, "no_such_segment");
        assert_header(&gone, "Cache-Control", "no-cache");
}

static void the_master_playlist_says_what_is_in_the_stream(void **state) {
        g_auto(Client) client = client_ask("GET", "/channel/retro/master.m3u8", "");
        await_start(&client);
        engine_begin("5e551011-0000");
        engine_write_s(4);
        g_auto(Answer) answer = client_answer(&client);
        assert_int_equal(answer.status, 200);
        assert_non_null(strstr(answer.body, "CODECS=\"" TS_WRITER_CODECS "\""));
        assert_non_null(
                strstr(answer.body, "RESOLUTION=1280x720,FRAME-RATE=29.970,CLOSED-CAPTIONS=\"cc\"\nlive-0.m3u8\n"));
        assert_non_null(strstr(answer.body, "\n#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID=\"cc\",NAME=\"CC1\","));
        const char *bandwidth = strstr(answer.body, ":BANDWIDTH=");
        assert_true(g_ascii_strtoll(bandwidth + strlen(":BANDWIDTH="), NULL, 10) >= 2 * 3128000);
}

/* --- a ladder of two ---------------------------------------------------------------------------------------------- */

static void publish_ladder(void) {
        PlanView *view = view_new("retro", 5, "Retro Prime");
        HouseFormat *format = &((ChannelSpec *)view->spec)->format;
        format->second_width = 640;
        format->second_height = 360;
        format->second_bitrate_kbps = 800;
        view_add(view, "The Thing", "a-2", 120);
        plan_board_publish(world->board, view);
        channel_hub_sync(world->hub);
}

static IntakeParser *second_begin(void) {
        IntakeSink sinks[4];
        const EngineOptions *options = &world->engine->options;
        assert_true(options->has_second);
        const unsigned n = options->hub->streams.second_sinks(options->streams, sinks);
        return intake_parser_new(options->rate, sinks, n);
}

/* What the first was just sent. */
static void second_write(IntakeParser *second) {
        intake_parser_push(second, world->engine->writer->bytes->data, world->engine->writer->bytes->len);
}

static void INV_HTTP_010_the_ladder_has_the_steps_that_there_are(void **state) {
        publish_ladder();
        g_auto(Client) client = client_ask("GET", "/channel/retro/master.m3u8", "");
        await_start(&client);
        engine_begin("5e551011-0000");
        IntakeParser *second = second_begin();
        engine_write_s(2);
        for (int i = 0; i < 20; i++)
                client_turn(&client);
        assert_int_equal(client.received->len, 0); /* the other step is to come */
        second_write(second);
        g_auto(Answer) two = client_answer(&client);
        assert_int_equal(two.status, 200);
        assert_non_null(
                strstr(two.body, "RESOLUTION=1280x720,FRAME-RATE=29.970,CLOSED-CAPTIONS=\"cc\"\nlive-0.m3u8\n"));
        assert_non_null(
                strstr(two.body, "RESOLUTION=640x360,FRAME-RATE=29.970,CLOSED-CAPTIONS=\"cc\"\nsecond/live-0.m3u8\n"));
        engine_write_s(3);
        second_write(second);
        g_auto(Answer) list = get("/channel/retro/second/live-0.m3u8"), first = get("/channel/retro/live-0.m3u8");
        assert_int_equal(list.status, 200);
        assert_string_equal(list.body, first.body);
        g_auto(Answer) segment = get("/channel/retro/second/seg/5e551011-0.ts");
        assert_int_equal(segment.status, 200);
        assert_int_equal(viewers(), 1);

        engine_write_s(5); /* and no more of the second */
        g_auto(Answer) one = get("/channel/retro/master.m3u8"), gone = get("/channel/retro/second/live-0.m3u8");
        assert_null(strstr(one.body, "second/"));
        assert_error(&gone, 404, "no_such_playlist");
        intake_parser_end(second);
        intake_parser_free(second);
}

static void INV_HTTP_010_without_a_ladder_there_is_no_step(void **state) {
        go_live();
        assert_false(world->engine->options.has_second);
        g_auto(Answer) list = get("/channel/retro/second/live-0.m3u8");
        assert_error(&list, 404, "no_such_playlist");
        g_auto(Answer) master = get("/channel/retro/master.m3u8");
        assert_null(strstr(master.body, "second/"));
}

static void INV_HLS_004_the_playlist_of_a_player_that_slept_goes_on(void **state) {
        static const char *const wrong[] = {"live-.m3u8", "live-x.m3u8",      "live--1.m3u8",
                                            "live-0",     "live-100000.m3u8", "live-99999999999999999999.m3u8"};
        g_auto(Client) client = client_ask("GET", "/channel/retro/live-0.m3u8", "");
        await_start(&client);
        engine_begin("5e551011-0000");
        engine_write_s(4);
        g_auto(Answer) answer = client_answer(&client);
        assert_int_equal(answer.status, 200);
        assert_non_null(strstr(answer.body, "#EXT-X-MEDIA-SEQUENCE:0\n"));
        for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
                g_autofree char *path = g_strdup_printf("/channel/retro/%s", wrong[i]);
                g_auto(Answer) none = get(path);
                assert_error(&none, 404, "no_such_playlist");
        }
}

static void count_log(void *user, RvLogLevel level, const char *event, const RvField *fields, size_t n_fields) {
        if (level > RV_LOG_DEBUG)
                (*(unsigned *)user)++;
}

static void INV_HLS_QUIET_POLLING_001_polls_leave_no_line_in_the_log(void **state) {
        unsigned lines = 0;
        go_live();
        g_autofree char *segment = first_segment();
        rv_log_set_sink(count_log, &lines);
        for (int i = 0; i < 50; i++) {
                g_auto(Answer) playlist = get(PLAYLIST);
                g_auto(Answer) media = get(segment);
                assert_int_equal(playlist.status + media.status, 400);
        }
        rv_log_set_sink(drop_log, NULL);
        assert_int_equal(lines, 0);
}

/* A player behind a proxy on this host is told apart by the address that the proxy names. */
static void viewers_are_told_apart(void **state) {
        go_live();
        const char *const others[] = {"X-Forwarded-For: 10.0.0.1\r\n", "X-Forwarded-For: 10.0.0.2\r\n",
                                      "X-Forwarded-For: 10.0.0.2\r\nUser-Agent: VLC\r\n", "User-Agent: VLC\r\n"};
        for (int round = 0; round < 3; round++)
                for (size_t i = 0; i < G_N_ELEMENTS(others); i++) {
                        g_auto(Answer) answer = ask("GET", PLAYLIST, others[i]);
                        assert_int_equal(answer.status, 200);
                }
        assert_int_equal(viewers(), 5);
}

/* --- raw --------------------------------------------------------------------------------------------------------- */

/* What came in chunks, put together; g_byte_array_unref it. */
static GByteArray *chunks(const Client *client) {
        GByteArray *body = g_byte_array_new();
        const char *p = strstr(client->received->str, "\r\n\r\n"), *end = client->received->str + client->received->len;
        assert_non_null(p);
        for (p += 4; p < end;) {
                char *after;
                size_t size = g_ascii_strtoull(p, &after, 16);
                after += 2;
                if (size == 0 || after + size > end)
                        break;
                g_byte_array_append(body, (const uint8_t *)after, (guint)size);
                p = after + size + 2;
        }
        return body;
}

static void INV_HTTP_006_a_raw_viewer_has_the_stream_from_an_idr_on_over_a_crash(void **state) {
        g_auto(Client) client = client_ask("GET", "/channel/retro.ts", "");
        await_start(&client);
        engine_begin("5e551011-0000");
        engine_write_s(2);
        size_t first = world->engine->writer->bytes->len;
        client_await(&client, first);
        assert_true(g_str_has_prefix(client.received->str, "HTTP/1.1 200 OK\r\n"));
        assert_non_null(strstr(client.received->str, "\r\nContent-Type: video/mp2t\r\n"));
        assert_int_equal(viewers(), 1);

        fake_kill(world->engine, "the engine was killed by signal 9");
        rv_clock_fake_advance_ms(world->clock, 1100);
        await_start(&client); /* the next one */
        engine_begin("5e551012-0000");
        engine_write_s(2);
        size_t second = world->engine->writer->bytes->len;
        client_await(&client, first + second);
        g_autoptr(GByteArray) body = NULL;
        do {
                client_turn(&client);
                g_clear_pointer(&body, g_byte_array_unref);
                body = chunks(&client);
        } while (body->len < first + second);
        assert_int_equal(body->len, first + second);
        assert_int_equal(body->data[0], 0x47);
        assert_int_equal(body->data[1] & 0x1f, 0); /* PAT */
        assert_memory_equal(body->data + first, world->engine->writer->bytes->data, second);
        assert_false(client.closed);
}

static void INV_HTTP_006_a_tuner_by_number_is_the_same_stream(void **state) {
        g_auto(Client) client = client_ask("GET", "/auto/v5", "");
        await_start(&client);
        engine_begin("5e551011-0000");
        engine_write_s(2);
        client_await(&client, world->engine->writer->bytes->len);
        assert_true(g_str_has_prefix(client.received->str, "HTTP/1.1 200 OK\r\n"));
}

static void a_raw_viewer_who_leaves_is_counted_no_more(void **state) {
        go_live();
        Client client = client_ask("GET", "/channel/retro.ts", "");
        client_await(&client, 1000);
        assert_int_equal(viewers(), 2);
        client_close(&client);
        for (int i = 0; viewers() > 1; i++) { /* its going is seen when the next bytes are sent */
                assert_true(i < 2000);
                engine_write_s(1);
                turn();
        }
}

static void a_raw_viewer_who_gets_nothing_for_long_is_let_go(void **state) {
        go_live();
        g_auto(Client) client = client_ask("GET", "/channel/retro.ts", "");
        client_await(&client, 1000);
        for (int i = 0; i < 20; i++)
                client_turn(&client);
        while (!client.closed) {
                rv_clock_fake_advance_ms(world->clock, 2000);
                client_turn(&client);
        }
}

/* The viewer has everything that was written last. */
static bool has_newest(const Client *client) {
        const GByteArray *newest = world->engine->writer->bytes;
        const GString *received = client->received;
        return received->len >= newest->len &&
               memcmp(received->str + received->len - newest->len, newest->data, newest->len) == 0;
}

static void INV_HTTP_006_who_is_too_slow_loses_what_is_old_and_goes_on_with_what_is_new(void **state) {
        go_live();
        g_auto(Client) slow = client_open();
        int small = 16 * 1024;
        assert_int_equal(setsockopt(slow.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small), 0);
        client_send(&slow, "GET /channel/retro.ts HTTP/1.0\r\n\r\n");
        client_await(&slow, 1000);
        for (size_t written = 0; written < 3 * FANOUT_BYTES; written += world->engine->writer->bytes->len)
                engine_write_s(10);
        engine_write_s(1);
        while (!has_newest(&slow))
                client_turn(&slow);
        assert_true(slow.received->len < FANOUT_BYTES / 8); /* what is on its way is little, too */
        const char *body = strstr(slow.received->str, "\r\n\r\n") + 4;
        size_t size = slow.received->len - (size_t)(body - slow.received->str);
        for (size_t at = 0; at < size; at += TS_PACKET)
                assert_int_equal(body[at], 0x47);
}

/* --- the end ----------------------------------------------------------------------------------------------------- */

static void INV_HTTP_007_the_server_ends_whoever_waits_or_watches(void **state) {
        g_auto(Client) cold = client_ask("GET", PLAYLIST, ""), raw = client_ask("GET", "/channel/retro.ts", "");
        await_start(&cold);
        while (viewers() < 2)
                client_turn(&cold);
        engine_begin("5e551011-0000");
        engine_write_s(1); /* the raw one has its stream, the other has nothing yet */
        client_await(&raw, 1000);
        g_clear_pointer(&world->http, http_free);
        while (!cold.closed || !raw.closed) {
                client_turn(&cold);
                client_turn(&raw);
        }
        assert_true(g_str_has_prefix(cold.received->str, "HTTP/1.1 503 ") || cold.received->len == 0);
}

#define LIVE_TEST(f) cmocka_unit_test_setup_teardown(f, setup_live, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                LIVE_TEST(INV_HTTP_003_the_first_viewer_waits_for_the_playlist),
                LIVE_TEST(INV_HTTP_003_twenty_first_viewers_start_one_engine),
                LIVE_TEST(INV_HTTP_003_who_has_waited_long_enough_is_told_why),
                LIVE_TEST(INV_HTTP_011_a_tuner_without_room_says_so),
                LIVE_TEST(heads_start_no_engine),
                LIVE_TEST(unknown_channels_are_not_there),
                LIVE_TEST(INV_HTTP_005_segments_can_be_had_in_parts_and_once),
                LIVE_TEST(INV_HTTP_010_the_ladder_has_the_steps_that_there_are),
                LIVE_TEST(INV_HTTP_010_without_a_ladder_there_is_no_step),
                LIVE_TEST(the_master_playlist_says_what_is_in_the_stream),
                LIVE_TEST(INV_HLS_004_the_playlist_of_a_player_that_slept_goes_on),
                LIVE_TEST(INV_HLS_QUIET_POLLING_001_polls_leave_no_line_in_the_log),
                LIVE_TEST(viewers_are_told_apart),
                LIVE_TEST(INV_HTTP_006_a_raw_viewer_has_the_stream_from_an_idr_on_over_a_crash),
                LIVE_TEST(INV_HTTP_006_a_tuner_by_number_is_the_same_stream),
                LIVE_TEST(a_raw_viewer_who_leaves_is_counted_no_more),
                LIVE_TEST(a_raw_viewer_who_gets_nothing_for_long_is_let_go),
                LIVE_TEST(INV_HTTP_006_who_is_too_slow_loses_what_is_old_and_goes_on_with_what_is_new),
                LIVE_TEST(INV_HTTP_007_the_server_ends_whoever_waits_or_watches),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
