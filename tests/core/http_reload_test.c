/* Low-Latency HLS through the server: who asks for what is to come waits for it. */
#include "tests/core/http_client.h"

#define LIST "/channel/retro/live-0.m3u8"
#define PART_FRAMES 6 /* of 200 ms */

static void publish(bool ladder) {
        PlanView *view = view_new("retro", 5, "Retro Prime");
        ChannelSpec *spec = (ChannelSpec *)view->spec;
        spec->hls_part_ms = 200;
        if (ladder) {
                spec->format.second_width = 640;
                spec->format.second_height = 360;
                spec->format.second_bitrate_kbps = 800;
        }
        view_add(view, "The Thing", "a-2", 120);
        plan_board_publish(world->board, view);
        channel_hub_sync(world->hub);
}

static int setup_parts(void **state) {
        setup(state);
        publish(false);
        world_serve();
        return 0;
}

static void write_frames(int n) {
        Engine *engine = world->engine;
        g_byte_array_set_size(engine->writer->bytes, 0);
        ts_writer_frames(engine->writer, engine->frame, engine->frame + n, GOP);
        engine->frame += n;
        intake_parser_push(engine->parser, engine->writer->bytes->data, engine->writer->bytes->len);
}

/* On the air: segments 0 to 2, parts 0 and 1 of segment 3. */
static void go_live(void) {
        g_auto(Client) client = client_ask("GET", LIST, "");
        while (!world->engine && !client.closed)
                client_turn(&client);
        engine_begin("5e551011-0000");
        write_frames(3 * GOP + 2 * PART_FRAMES + 1);
        g_auto(Answer) answer = client_answer(&client);
        assert_int_equal(answer.status, 200);
}

/* The server has had every occasion to answer. */
static void assert_waits(Client *client) {
        g_auto(Answer) other = get("/healthz");
        assert_int_equal(other.status, 200);
        for (int i = 0; i < 10; i++)
                client_turn(client);
        assert_int_equal(client->received->len, 0);
}

static void INV_HTTP_020_a_playlist_comes_when_its_part_is_there(void **state) {
        go_live();
        g_auto(Client) client = client_ask("GET", LIST "?_HLS_msn=3&_HLS_part=2", "");
        g_auto(Client) later = client_ask("GET", LIST "?_HLS_msn=3", "");
        assert_waits(&client);
        write_frames(PART_FRAMES);
        g_auto(Answer) answer = client_answer(&client);
        assert_int_equal(answer.status, 200);
        assert_header(&answer, "Cache-Control", "max-age=1");
        assert_non_null(strstr(answer.body, "part/5e551011-17.ts\"\n#EXT-X-PRELOAD-HINT:"));
        assert_waits(&later);
        write_frames(2 * PART_FRAMES);
        g_auto(Answer) whole = client_answer(&later);
        assert_non_null(strstr(whole.body, "seg/5e551011-3.ts\n"));
        /* What is there is not waited for. */
        g_auto(Answer) at_once = get(LIST "?_HLS_msn=3&_HLS_part=1"), plain = get(LIST);
        assert_int_equal(at_once.status, 200);
        assert_header(&plain, "Cache-Control", "no-cache");
}

static void INV_HTTP_020_the_part_hinted_at_comes_when_it_is_there(void **state) {
        go_live();
        g_auto(Client) client = client_ask("GET", "/channel/retro/part/5e551011-17.ts", "");
        assert_waits(&client);
        write_frames(PART_FRAMES);
        g_auto(Answer) answer = client_answer(&client);
        assert_int_equal(answer.status, 200);
        assert_header(&answer, "Content-Type", "video/mp2t");
        assert_header(&answer, "Cache-Control", "public, max-age=600, immutable");
        assert_true(answer.size > 0 && answer.size % TS_PACKET == 0);
        g_auto(Answer) unknown = get("/channel/retro/part/5e551011-99.ts"),
                       none = get("/channel/none/part/5e551011-1.ts");
        assert_error(&unknown, 404, "no_such_part");
        assert_error(&none, 404, "no_such_channel");
}

static void INV_HTTP_020_nobody_waits_for_longer_than_three_target_durations(void **state) {
        go_live();
        g_auto(Client) list = client_ask("GET", LIST "?_HLS_msn=4&_HLS_part=0", "");
        g_auto(Client) part = client_ask("GET", "/channel/retro/part/5e551011-17.ts", "");
        assert_waits(&list);
        assert_waits(&part);
        rv_clock_fake_advance_ms(world->clock, 2000);
        write_frames(PART_FRAMES); /* wakes them, and gives who still waits no time more */
        g_auto(Answer) there = client_answer(&part);
        assert_int_equal(there.status, 200);
        assert_waits(&list);
        rv_clock_fake_advance_ms(world->clock, 1000);
        g_auto(Answer) late = client_answer(&list);
        assert_error(&late, 503, "not_yet");
}

static void INV_HTTP_020_nonsense_is_refused_at_once(void **state) {
        static const char *const queries[] = {
                "_HLS_part=1",
                "_HLS_msn=",
                "_HLS_msn=x",
                "_HLS_msn=-1",
                "_HLS_msn=5",
                "_HLS_msn=9223372036854775807",
                "_HLS_msn=3&_HLS_part=900",
                "_HLS_msn=3&_HLS_part=-1",
                "_HLS_msn=99999999999999999999",
                "_HLS_msn",
                "_HLS_msn=9223372036854775807&_HLS_part=9223372036854775807",
        };
        go_live();
        for (size_t i = 0; i < G_N_ELEMENTS(queries); i++) {
                g_autofree char *target = g_strconcat(LIST "?", queries[i], NULL);
                g_auto(Answer) answer = get(target);
                assert_error(&answer, 400, "bad_query");
        }
        g_auto(Answer) other = get(LIST "?something=else&_HLS_skip=maybe");
        assert_int_equal(other.status, 200);
        assert_null(strstr(other.body, "EXT-X-SKIP"));
}

static void INV_HTTP_020_what_is_old_is_left_out_for_who_asks(void **state) {
        go_live();
        write_frames(12 * GOP);
        g_auto(Answer) delta = get(LIST "?_HLS_skip=YES"), whole = get(LIST);
        assert_non_null(strstr(delta.body, "#EXT-X-SKIP:SKIPPED-SEGMENTS="));
        assert_null(strstr(whole.body, "#EXT-X-SKIP"));
        g_autofree char *one = header(&delta, "ETag"), *other = header(&whole, "ETag");
        assert_string_not_equal(one, other);
}

static void INV_HTTP_020_a_channel_without_parts_takes_no_notice(void **state) {
        world_publish("retro", 5);
        g_auto(Client) client = client_ask("GET", LIST, "");
        while (!world->engine && !client.closed)
                client_turn(&client);
        engine_begin("5e551011-0000");
        engine_write_s(4);
        g_auto(Answer) first = client_answer(&client);
        assert_int_equal(first.status, 200);
        g_auto(Answer) plain = get(LIST), asked = get(LIST "?_HLS_msn=77&_HLS_part=x&_HLS_skip=YES");
        assert_int_equal(asked.status, 200);
        assert_string_equal(asked.body, plain.body);
        assert_null(strstr(asked.body, "PART"));
}

static void INV_HTTP_020_each_rendition_says_how_far_the_other_is(void **state) {
        publish(true);
        g_auto(Client) client = client_ask("GET", LIST, "");
        while (!world->engine && !client.closed)
                client_turn(&client);
        engine_begin("5e551011-0000");
        IntakeSink sinks[4];
        const EngineOptions *options = &world->engine->options;
        const unsigned n = options->hub->streams.second_sinks(options->streams, sinks);
        IntakeParser *second = intake_parser_new(options->rate, sinks, n);
        write_frames(3 * GOP + 2 * PART_FRAMES + 1);
        intake_parser_push(second, world->engine->writer->bytes->data, world->engine->writer->bytes->len);
        g_auto(Answer) first = get(LIST), other = get("/channel/retro/second/live-0.m3u8");
        assert_true(g_str_has_suffix(first.body,
                                     "#EXT-X-RENDITION-REPORT:URI=\"second/live-0.m3u8\",LAST-MSN=3,LAST-PART=1\n"));
        assert_true(g_str_has_suffix(other.body,
                                     "#EXT-X-RENDITION-REPORT:URI=\"../live-0.m3u8\",LAST-MSN=3,LAST-PART=1\n"));
        g_auto(Answer) part = get("/channel/retro/second/part/5e551011-16.ts");
        assert_int_equal(part.status, 200);
        intake_parser_end(second);
        intake_parser_free(second);
}

static void INV_HTTP_007_the_server_ends_whoever_waits_for_a_part(void **state) {
        go_live();
        g_auto(Client) list = client_ask("GET", LIST "?_HLS_msn=4", "");
        g_auto(Client) part = client_ask("GET", "/channel/retro/part/5e551011-17.ts", "");
        assert_waits(&list);
        assert_waits(&part);
        g_clear_pointer(&world->http, http_free);
        client_await(&list, SIZE_MAX);
        client_await(&part, SIZE_MAX);
}

#define PARTS_TEST(f) cmocka_unit_test_setup_teardown(f, setup_parts, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                PARTS_TEST(INV_HTTP_020_a_playlist_comes_when_its_part_is_there),
                PARTS_TEST(INV_HTTP_020_the_part_hinted_at_comes_when_it_is_there),
                PARTS_TEST(INV_HTTP_020_nobody_waits_for_longer_than_three_target_durations),
                PARTS_TEST(INV_HTTP_020_nonsense_is_refused_at_once),
                PARTS_TEST(INV_HTTP_020_what_is_old_is_left_out_for_who_asks),
                PARTS_TEST(INV_HTTP_020_a_channel_without_parts_takes_no_notice),
                PARTS_TEST(INV_HTTP_020_each_rendition_says_how_far_the_other_is),
                PARTS_TEST(INV_HTTP_007_the_server_ends_whoever_waits_for_a_part),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
