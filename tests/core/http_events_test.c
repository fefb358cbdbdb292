#include "tests/core/http_client.h"

static int setup_two(void **state) {
        setup(state);
        world_publish("retro", 5);
        world_publish("films", 6);
        world_serve();
        return 0;
}

static Client listen_from(const char *headers) {
        return client_ask("GET", "/api/v1/events", headers);
}

/* Until the stream holds a text, while the server looks every now and then. */
static void await_text(Client *client, const char *text) {
        while (!strstr(client->received->str, text)) {
                assert_false(client->closed);
                rv_clock_fake_advance_ms(world->clock, 100);
                client_turn(client);
        }
}

/* How many events of a kind have come. */
static int n_of(const Client *client, const char *kind) {
        g_autofree char *line = g_strdup_printf("event: %s\n", kind);
        int n = 0;
        for (const char *at = client->received->str; (at = strstr(at, line)); at += strlen(line))
                n++;
        return n;
}

/* The id of the last event that has come. */
static char *last_id(const Client *client) {
        const char *at = g_strrstr(client->received->str, "\nid: ") + strlen("\nid: ");
        return g_strndup(at, strcspn(at, "\n"));
}

static void INV_HTTP_012_a_listener_gets_all_and_then_what_changes(void **state) {
        g_auto(Client) client = listen_from("");
        await_text(&client, "\"id\":\"films\"");
        assert_non_null(strstr(client.received->str, "Content-Type: text/event-stream"));
        assert_int_equal(n_of(&client, "channels"), 1);
        assert_int_equal(n_of(&client, "channel"), 0);
        g_auto(Client) viewer = client_ask("GET", "/channel/retro.ts", "");
        await_text(&client, "\"state\":\"starting\"");
        const int told = n_of(&client, "channel");
        for (int i = 0; i < 30; i++) {
                rv_clock_fake_advance_ms(world->clock, 100);
                client_turn(&client);
        }
        assert_int_equal(n_of(&client, "channel"), told);
        assert_int_equal(n_of(&client, "channels"), 1);
}

static void a_channel_that_goes_is_told(void **state) {
        g_auto(Client) client = listen_from("");
        await_text(&client, "\"id\":\"films\"");
        plan_board_unpublish(world->board, "films");
        channel_hub_sync(world->hub);
        await_text(&client, "event: gone\n");
        assert_non_null(strstr(client.received->str, "data: {\"id\":\"films\"}\n\n"));
}

static void who_comes_again_gets_what_it_missed(void **state) {
        g_auto(Client) client = listen_from("");
        await_text(&client, "\"id\":\"films\"");
        g_autofree char *id = last_id(&client);
        g_autofree char *again = g_strdup_printf("Last-Event-ID: %s\r\n", id);
        plan_board_unpublish(world->board, "films");
        channel_hub_sync(world->hub);
        g_auto(Client) second = listen_from(again);
        await_text(&second, "event: gone\n");
        assert_int_equal(n_of(&second, "channels"), 0);
        g_auto(Client) stranger = listen_from("Last-Event-ID: 9223372036854775807\r\n");
        await_text(&stranger, "event: channels\n");
}

static void silence_is_broken_by_a_comment(void **state) {
        g_auto(Client) client = listen_from("");
        await_text(&client, "\"id\":\"films\"");
        rv_clock_fake_advance_ms(world->clock, 15000);
        await_text(&client, "\n:\n\n");
}

static void INV_HTTP_007_listeners_do_not_hold_up_the_end(void **state) {
        g_auto(Client) client = listen_from("");
        await_text(&client, "\"id\":\"films\"");
        http_free(world->http);
        world->http = NULL;
        client_await(&client, SIZE_MAX);
        assert_true(client.closed);
}

static void head_of_events_listens_to_nothing(void **state) {
        g_auto(Answer) answer = ask("HEAD", "/api/v1/events", "");
        assert_int_equal(answer.status, 200);
        assert_header(&answer, "Content-Type", "text/event-stream");
        assert_int_equal(answer.size, 0);
}

#define HTTP_TEST(f) cmocka_unit_test_setup_teardown(f, setup_two, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                HTTP_TEST(INV_HTTP_012_a_listener_gets_all_and_then_what_changes),
                HTTP_TEST(a_channel_that_goes_is_told),
                HTTP_TEST(who_comes_again_gets_what_it_missed),
                HTTP_TEST(silence_is_broken_by_a_comment),
                HTTP_TEST(INV_HTTP_007_listeners_do_not_hold_up_the_end),
                HTTP_TEST(head_of_events_listens_to_nothing),
        };
        rv_log_set_sink(drop_log, NULL);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
