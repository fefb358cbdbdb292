/* Who may change something. */
#include <ifaddrs.h>
#include <sys/stat.h>

#include "core/serve/http/guard/callers.h"
#include "core/serve/http/http_private.h"
#include "proto/base/error.h"
#include "proto/base/hash.h"
#include "tests/core/http_client.h"

#define OVERRIDES "/api/v1/channels/retro/overrides"
#define SKIP OVERRIDES "?kind=skip&at=2100-01-01T00:00:00Z"
#define TOKEN "correct-horse-battery"

static unsigned n_asked, n_rescans;
static int64_t cancelled;

static json_t *list_overrides(void *user, const char *channel_id, GError **error) {
        return json_pack("[{s:i}]", "id", 7);
}

static json_t *ask_override(void *user, const HttpOverride *wish, GError **error) {
        if (g_strcmp0(wish->kind, "skip") != 0) {
                g_set_error(error, RV_ERROR, RV_ERROR_INVALID, "kind is skip here");
                return NULL;
        }
        assert_int_equal(wish->at_utc_ms, INT64_C(4102444800000));
        n_asked++;
        return json_pack("{s:i,s:s}", "id", 8, "channel", wish->channel_id);
}

static bool cancel_override(void *user, const char *channel_id, int64_t id, GError **error) {
        cancelled = id;
        if (id != 7)
                g_set_error(error, RV_ERROR, RV_ERROR_NOT_FOUND, "there is no %d", (int)id);
        return id == 7;
}

static void rescan(void *user) {
        n_rescans++;
}

static int setup_ready(void **state) {
        setup(state);
        world->options.overrides = list_overrides;
        world->options.override_ask = ask_override;
        world->options.override_cancel = cancel_override;
        world->options.rescan = rescan;
        world_publish("retro", 5);
        world_serve();
        n_asked = n_rescans = 0;
        cancelled = 0;
        return 0;
}

static void verbs_do_what_they_say(void **state) {
        g_auto(Answer) asked = ask("POST", SKIP, "");
        assert_int_equal(asked.status, 202);
        assert_non_null(strstr(asked.body, "\"id\":8"));
        g_auto(Answer) list = get(OVERRIDES);
        assert_string_equal(list.body, "{\"channel\":\"retro\",\"overrides\":[{\"id\":7}]}");
        g_auto(Answer) taken_back = ask("DELETE", OVERRIDES "/7", "");
        assert_int_equal(taken_back.status, 202);
        assert_int_equal(cancelled, 7);
        g_auto(Answer) looked = ask("POST", "/api/v1/rescan", "");
        assert_int_equal(looked.status, 202);
        assert_int_equal(n_rescans, 1);
}

static void wishes_that_make_no_sense_are_refused(void **state) {
        static const struct {
                const char *method, *target;
                int status;
                const char *code;
        } wrong[] = {
                {"POST", OVERRIDES, 400, "bad_query"},
                {"POST", OVERRIDES "?kind=skip&at=soon", 400, "bad_query"},
                {"POST", OVERRIDES "?kind=burn&at=2100-01-01T00:00:00Z", 400, "bad_query"},
                {"POST", "/api/v1/channels/nowhere/overrides?kind=skip&at=4102444800000", 404, "no_such_channel"},
                {"GET", "/api/v1/channels/nowhere/overrides", 404, "no_such_channel"},
                {"DELETE", OVERRIDES "/9", 404, "no_such_override"},
                {"DELETE", OVERRIDES "/all", 400, "bad_query"},
                {"DELETE", OVERRIDES, 405, "method_not_allowed"},
                {"GET", "/api/v1/rescan", 404, "not_found"},
        };
        for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
                g_auto(Answer) answer = ask(wrong[i].method, wrong[i].target, "");
                assert_error(&answer, wrong[i].status, wrong[i].code);
        }
        assert_int_equal(n_asked, 0);
}

static void INV_HTTP_013_without_tokens_only_this_machine_changes_anything(void **state) {
        static const char *const elsewhere[] = {
                "X-Forwarded-For: 192.0.2.7\r\n",
                "X-Forwarded-For: 127.0.0.1, 192.0.2.7\r\n",
                "X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-For: 192.0.2.7\r\n", /* one that a proxy has added */
                "X-Forwarded-For: [2001:db8::1]:4711\r\n",
                "X-Forwarded-For: unknown\r\n",
                "X-Forwarded-For: \r\n",
                "X-Real-IP: 127.0.0.1\r\n", /* a proxy that says nothing we believe */
                "Via: 1.1 squid\r\n",
                "Forwarded: for=127.0.0.1\r\n",
                "Origin: http://elsewhere.example\r\n",
                "Origin: http://tv.example\r\n", /* a name that was made to lead here */
                "Origin: null\r\n",
        };
        for (size_t i = 0; i < G_N_ELEMENTS(elsewhere); i++) {
                g_auto(Answer) answer = ask("POST", SKIP, elsewhere[i]);
                assert_error(&answer, 403, "not_from_here");
                assert_non_null(strstr(answer.body, "tokens_file"));
        }
        assert_int_equal(n_asked, 0);
        g_auto(Answer) local = ask("POST", SKIP, "X-Forwarded-For: 127.0.0.1:5000\r\n");
        assert_int_equal(local.status, 202);
}

/* What a browser on this machine sends for the page's own script. */
static void INV_HTTP_013_the_page_itself_may(void **state) {
        g_auto(Client) client = client_open();
        client_send(&client, "POST " SKIP " HTTP/1.1\r\nHost: localhost:8080\r\nOrigin: http://localhost:8080\r\n"
                             "Connection: close\r\n\r\n");
        g_auto(Answer) answer = client_answer(&client);
        assert_int_equal(answer.status, 202);
        g_auto(Client) other = client_open();
        client_send(&other, "POST " SKIP " HTTP/1.1\r\nHost: localhost:8080\r\nOrigin: http://localhost:3000\r\n"
                            "Connection: close\r\n\r\n");
        g_auto(Answer) refused = client_answer(&other);
        assert_error(&refused, 403, "not_from_here");
}

static void put_tokens(const char *path, const char *text, mode_t mode) {
        (void)unlink(path);
        assert_true(g_file_set_contents(path, text, -1, NULL));
        assert_int_equal(g_chmod(path, (int)mode), 0);
}

static int post(const char *token) {
        g_autofree char *headers = token ? g_strdup_printf("Authorization: Bearer %s\r\n", token) : g_strdup("");
        g_auto(Answer) answer = ask("POST", SKIP, headers);
        return answer.status;
}

static char *serve_with_tokens(const char *text, mode_t mode) {
        char *path = g_build_filename(world->web_dir, "tokens", NULL);
        put_tokens(path, text, mode);
        world->options.tokens_file = path;
        world_serve();
        return path;
}

static void INV_HTTP_013_with_tokens_everybody_shows_one(void **state) {
        char hex[RV_SHA256_HEX_SIZE];
        rv_sha256_hex("another-token-of-ours", strlen("another-token-of-ours"), hex);
        g_autofree char *text = g_strdup_printf("# ours\n\n" TOKEN "\r\n sha256:%s\n", hex);
        g_autofree char *path = serve_with_tokens(text, 0600);
        g_auto(Answer) none = ask("POST", SKIP, "");
        assert_error(&none, 401, "token_needed");
        assert_header(&none, "WWW-Authenticate", "Bearer realm=\"RetroVue\"");
        g_auto(Answer) wrong = ask("DELETE", OVERRIDES "/7", "Authorization: Bearer wrong-horse-battery\r\n");
        assert_error(&wrong, 401, "token_wrong");
        g_auto(Answer) basic = ask("POST", SKIP, "Authorization: Basic " TOKEN "\r\n");
        assert_error(&basic, 401, "token_needed");
        assert_int_equal(post(hex), 401); /* who has read a hash has no token */
        assert_int_equal(post("another-token-of-our"), 401);
        assert_int_equal(n_asked, 0);
        assert_int_equal(cancelled, 0);
        assert_int_equal(post(TOKEN), 202);
        assert_int_equal(post("another-token-of-ours"), 202);
        g_auto(Answer) far = ask("POST", SKIP, "X-Forwarded-For: 192.0.2.7\r\nauthorization: bearer " TOKEN "\r\n");
        assert_int_equal(far.status, 202);
        g_auto(Answer) reading = get(OVERRIDES);
        assert_int_equal(reading.status, 200);
        g_auto(Answer) scan = ask("POST", "/lineup.post?scan=start", ""); /* tuners know none */
        assert_int_equal(scan.status, 200);
}

static void INV_HTTP_013_a_changed_file_counts_at_once(void **state) {
        g_autofree char *path = serve_with_tokens(TOKEN "\n", 0600);
        assert_int_equal(post(TOKEN), 202);
        put_tokens(path, "a-new-token-for-all\n", 0600);
        assert_int_equal(post(TOKEN), 401);
        assert_int_equal(post("a-new-token-for-all"), 202);
        assert_int_equal(g_unlink(path), 0);
        assert_int_equal(post("a-new-token-for-all"), 503);
}

static void INV_HTTP_013_a_file_that_cannot_be_trusted_lets_nobody_in(void **state) {
        static const struct {
                const char *text;
                mode_t mode;
        } unusable[] = {{TOKEN "\n", 0640},
                        {TOKEN "\n", 0604},
                        {"short\n" TOKEN "\n", 0600},
                        {"sha256:12\n", 0600},
                        {"two words are none\n", 0600}};
        g_autofree char *path = serve_with_tokens(TOKEN "\n", 0600);
        for (size_t i = 0; i < G_N_ELEMENTS(unusable); i++) {
                put_tokens(path, unusable[i].text, unusable[i].mode);
                g_auto(Answer) answer = ask("POST", SKIP, "Authorization: Bearer " TOKEN "\r\n");
                assert_error(&answer, 503, "tokens_unusable");
        }
        assert_int_equal(n_asked, 0);
}

static void other_proxies_are_believed_when_they_are_named(void **state) {
        g_autoptr(GError) error = NULL;
        static const char *const named[] = {"172.18.0.0/15", "2001:db8::/33", "10.1.2.3", NULL};
        static const char *const wrong[][2] = {{"10.0.0.0/33", NULL}, {"proxy", NULL}, {"10.0.0.0/", NULL}, {"", NULL}};
        g_autoptr(GArray) proxies = proxies_new(named, &error);
        static const struct {
                const char *address;
                bool trusted;
        } cases[] = {{"172.19.255.1", true},
                     {"172.20.0.1", false},
                     {"10.1.2.3", true},
                     {"10.1.2.4", false},
                     {"2001:db8:7fff::1", true},
                     {"127.9.9.9", true},
                     {"2001:db8:8000::", false},
                     {"::1", true},
                     {"::2", false}};
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                uint8_t address[PEER_ADDRESS_BYTES] = {[10] = 0xff, [11] = 0xff};
                assert_true(inet_pton(AF_INET, cases[i].address, address + 12) == 1 ||
                            inet_pton(AF_INET6, cases[i].address, address) == 1);
                assert_int_equal(proxies_trust(proxies, address), cases[i].trusted);
        }
        for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
                world->options.proxies = wrong[i];
                assert_null(http_new(&world->options, &error));
                assert_true(g_error_matches(error, RV_ERROR, RV_ERROR_INVALID));
                g_clear_error(&error);
        }
}

/* --- how much one address may ask -------------------------------------------------------------------------------- */

static void set_address(uint8_t ret_address[PEER_ADDRESS_BYTES], const char *text) {
        assert_int_equal(inet_pton(AF_INET6, text, ret_address), 1);
}

static unsigned take_all(Callers *callers, const char *text, CallKind kind) {
        uint8_t address[PEER_ADDRESS_BYTES];
        unsigned n = 0;
        set_address(address, text);
        while (callers_take(callers, address, kind))
                n++;
        return n;
}

static void INV_HTTP_014_a_bucket_fills_at_its_rate(void **state) {
        const CallerLimits limits = {.per_s = {[CALL_API] = 5, [CALL_MEDIA] = 50}};
        Callers *callers = callers_new(world->clock, &limits);
        assert_int_equal(take_all(callers, "::ffff:192.0.2.1", CALL_API), 50);
        assert_int_equal(take_all(callers, "::ffff:192.0.2.1", CALL_MEDIA), 500);
        rv_clock_fake_advance_ms(world->clock, 1000);
        assert_int_equal(take_all(callers, "::ffff:192.0.2.1", CALL_MEDIA), 50);
        rv_clock_fake_advance_ms(world->clock, 100);
        assert_int_equal(take_all(callers, "::ffff:192.0.2.1", CALL_API), 5); /* of 1.1 s */
        rv_clock_fake_advance_ms(world->clock, 100);
        assert_int_equal(take_all(callers, "::ffff:192.0.2.1", CALL_API), 1); /* the halves were kept */
        rv_clock_fake_advance_ms(world->clock, 3600000);
        assert_int_equal(take_all(callers, "::ffff:192.0.2.1", CALL_API), 50);
        assert_int_equal(take_all(callers, "::ffff:192.0.2.2", CALL_API), 50); /* another home */
        assert_int_equal(take_all(callers, "2001:db8:1:1::1", CALL_API), 50);
        assert_int_equal(take_all(callers, "2001:db8:1:1:ffff::2", CALL_API), 0); /* the same one */
        assert_int_equal(take_all(callers, "2001:db8:1:2::1", CALL_API), 50);
        callers_free(callers);
}

/* However many ask, who goes on asking is not forgotten for a while, and memory does not grow. */
static void INV_HTTP_014_who_asks_all_the_time_is_not_forgotten(void **state) {
        const CallerLimits limits = {.per_s = {[CALL_API] = 1, [CALL_MEDIA] = 1}};
        Callers *callers = callers_new(world->clock, &limits);
        uint8_t address[PEER_ADDRESS_BYTES] = {[10] = 0xff, [11] = 0xff, [12] = 10};
        assert_int_equal(take_all(callers, "::ffff:192.0.2.1", CALL_MEDIA), 10);
        for (unsigned i = 0; i < 100000; i++) {
                address[13] = (uint8_t)(i >> 16);
                address[14] = (uint8_t)(i >> 8);
                address[15] = (uint8_t)i;
                assert_true(callers_take(callers, address, CALL_MEDIA));
                if (i % 64 == 0) {
                        rv_clock_fake_advance_ms(world->clock, 1);
                        assert_true(take_all(callers, "::ffff:192.0.2.1", CALL_MEDIA) <= 1);
                }
        }
        callers_free(callers);
}

static void INV_HTTP_014_who_asks_too_often_is_told_to_wait(void **state) {
        world->options.api_rate = 1;
        world->options.media_rate = 2;
        world_serve();
        for (int i = 0; i < 10; i++) {
                g_auto(Answer) answer = ask("GET", "/api/v1/alerts", "X-Forwarded-For: 192.0.2.1\r\n");
                assert_int_equal(answer.status, 200);
        }
        g_auto(Answer) refused = ask("GET", "/api/v1/alerts", "X-Forwarded-For: 192.0.2.1\r\n");
        assert_error(&refused, 429, "too_many_requests");
        assert_header(&refused, "Retry-After", "1");
        g_auto(Answer) verb = ask("POST", "/api/v1/rescan", "X-Forwarded-For: 192.0.2.1\r\n");
        assert_int_equal(verb.status, 429); /* nobody tries tokens faster */
        g_auto(Answer) other = ask("GET", "/api/v1/alerts", "X-Forwarded-For: 192.0.2.2\r\n");
        assert_int_equal(other.status, 200);
        g_auto(Answer) media = ask("GET", "/channels.m3u", "X-Forwarded-For: 192.0.2.1\r\n");
        assert_int_equal(media.status, 200);
        rv_clock_fake_advance_ms(world->clock, 1000);
        g_auto(Answer) later = ask("GET", "/api/v1/alerts", "X-Forwarded-For: 192.0.2.1\r\n");
        assert_int_equal(later.status, 200);
        for (int i = 0; i < 30; i++) { /* this machine is not counted, nor is a proxy that does not say for whom */
                g_auto(Answer) local = ask("GET", "/api/v1/alerts", i % 2 ? "" : "Via: 1.1 proxy\r\n");
                assert_int_equal(local.status, 200);
        }
}

static void INV_HTTP_014_one_home_has_so_many_connections(void **state) {
        const CallerLimits limits = {.connections = 2};
        Callers *callers = callers_new(world->clock, &limits);
        uint8_t home[PEER_ADDRESS_BYTES], same[PEER_ADDRESS_BYTES], other[PEER_ADDRESS_BYTES];
        set_address(home, "2001:db8::1");
        set_address(same, "2001:db8::2");
        set_address(other, "2001:db8:0:1::1");
        callers_note_connection(callers, home, 1);
        assert_true(callers_may_connect(callers, same));
        callers_note_connection(callers, same, 1);
        assert_false(callers_may_connect(callers, home));
        assert_true(callers_may_connect(callers, other));
        callers_note_connection(callers, home, -1);
        assert_true(callers_may_connect(callers, home));
        callers_note_connection(callers, same, -1);
        callers_free(callers);
}

/* An address of this machine that is not loopback; false: it has none. */
static bool own_address(struct sockaddr_in *ret_address) {
        struct ifaddrs *all = NULL;
        bool found = false;
        assert_int_equal(getifaddrs(&all), 0);
        for (const struct ifaddrs *one = all; one && !found; one = one->ifa_next) {
                if (!one->ifa_addr || one->ifa_addr->sa_family != AF_INET)
                        continue;
                memcpy(ret_address, one->ifa_addr, sizeof *ret_address);
                found = ntohl(ret_address->sin_addr.s_addr) >> 24 != IN_LOOPBACKNET;
        }
        freeifaddrs(all);
        return found;
}

static Client client_open_at(struct sockaddr_in address) {
        Client client = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), .received = g_string_new(NULL)};
        address.sin_port = htons((uint16_t)http_port(world->http));
        assert_int_equal(connect(client.fd, (struct sockaddr *)&address, sizeof address), 0);
        return client;
}

static void INV_HTTP_014_the_next_connection_is_closed(void **state) {
        struct sockaddr_in address = {0};
        if (!own_address(&address))
                skip();
        world->options.listen_address = "0.0.0.0";
        world->options.max_per_ip = 2;
        world_serve();
        g_auto(Client) first = client_open_at(address), second = client_open_at(address);
        client_send(&first, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
        client_send(&second, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
        client_await(&first, 10);
        client_await(&second, 10);
        g_auto(Client) third = client_open_at(address), local = client_open();
        client_await(&third, SIZE_MAX);
        assert_true(third.closed);
        assert_int_equal(third.received->len, 0);
        client_send(&local, "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        client_await(&local, SIZE_MAX);
        assert_non_null(strstr(local.received->str, " 200 OK"));
}

#define HTTP_TEST(f) cmocka_unit_test_setup_teardown(f, setup_ready, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                HTTP_TEST(verbs_do_what_they_say),
                HTTP_TEST(wishes_that_make_no_sense_are_refused),
                HTTP_TEST(INV_HTTP_013_without_tokens_only_this_machine_changes_anything),
                HTTP_TEST(INV_HTTP_013_the_page_itself_may),
                HTTP_TEST(INV_HTTP_013_with_tokens_everybody_shows_one),
                HTTP_TEST(INV_HTTP_013_a_changed_file_counts_at_once),
                HTTP_TEST(INV_HTTP_013_a_file_that_cannot_be_trusted_lets_nobody_in),
                HTTP_TEST(INV_HTTP_014_a_bucket_fills_at_its_rate),
                HTTP_TEST(INV_HTTP_014_who_asks_all_the_time_is_not_forgotten),
                HTTP_TEST(INV_HTTP_014_who_asks_too_often_is_told_to_wait),
                HTTP_TEST(INV_HTTP_014_one_home_has_so_many_connections),
                HTTP_TEST(INV_HTTP_014_the_next_connection_is_closed),
                HTTP_TEST(other_proxies_are_believed_when_they_are_named),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
