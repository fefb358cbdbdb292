/* A server on a port of its own, with engines that do what the test says, and a client that sends what it is told. */
#pragma once

#include <arpa/inet.h>
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/play/channel/channel_private.h"
#include "core/serve/http/http.h"
#include "proto/base/log.h"
#include "tests/core/serve_fixture.h"
#include "tests/support/cmocka.h"
#include "tests/support/temp_dir.h"
#include "tests/support/ts_writer.h"

#define GOP 30

struct Engine {
        EngineOptions options;
        TsWriter *writer;
        IntakeParser *parser;
        int64_t frame;
};

typedef struct {
        RvClock *clock;
        PlanBoard *board;
        HttpStreamsSet *streams;
        ChannelHub *hub;
        Guide *guide;
        Http *http;
        char *web_dir;
        HttpOptions options; /* as used; change and call world_serve again */
        Engine *engine;      /* the one that runs */
        unsigned started;
} World;

static World *world; /* EngineOps have no user */

static inline void drop_log(void *user, RvLogLevel level, const char *event, const RvField *fields, size_t n_fields) {
}

/* --- engines ----------------------------------------------------------------------------------------------------- */

static Engine *fake_start(const EngineOptions *options, GError **error) {
        assert_null(world->engine);
        Engine *engine = world->engine = g_new0(Engine, 1);
        engine->options = *options;
        world->started++;
        return engine;
}

static gboolean fake_gone(void *user) {
        if (world->engine)
                world->engine->options.on_gone(world->engine->options.user, false, "");
        return G_SOURCE_REMOVE;
}

static void fake_stop(Engine *engine, const char *reason) {
        g_idle_add(fake_gone, NULL);
}

static void fake_kill(Engine *engine, const char *why) {
        engine->options.on_gone(engine->options.user, true, why);
}

static void fake_nothing(Engine *engine) {
}

static const char *fake_session_id(const Engine *engine) {
        return "5e551011-0000";
}

static int64_t fake_pid(const Engine *engine) {
        return 4711;
}

static int64_t fake_last_bytes(Engine *engine) {
        return rv_clock_mono_ns(world->clock);
}

static void fake_free(Engine *engine) {
        if (engine->parser)
                intake_parser_end(engine->parser);
        intake_parser_free(engine->parser);
        ts_writer_free(engine->writer);
        g_free(engine);
        world->engine = NULL;
}

static const EngineOps fake_ops = {fake_start,      fake_stop, fake_kill,       fake_nothing, fake_nothing,
                                   fake_session_id, fake_pid,  fake_last_bytes, fake_free};

/* The running engine begins its session and is on the air. */
static inline void engine_begin(const char *session_id) {
        Engine *engine = world->engine;
        IntakeSink sinks[4];
        assert_non_null(engine);
        engine->options.hub->streams.begin(engine->options.streams, session_id, SERVE_NOON, engine->options.rate);
        unsigned n = engine->options.hub->streams.sinks(engine->options.streams, sinks);
        engine->writer = ts_writer_new(engine->options.rate, 9000);
        engine->parser = intake_parser_new(engine->options.rate, sinks, n);
        engine->options.on_live(engine->options.user);
}

static inline void engine_write_s(int seconds) {
        Engine *engine = world->engine;
        g_byte_array_set_size(engine->writer->bytes, 0);
        ts_writer_frames(engine->writer, engine->frame, engine->frame + seconds * GOP, GOP);
        engine->frame += seconds * GOP;
        intake_parser_push(engine->parser, engine->writer->bytes->data, engine->writer->bytes->len);
}

/* --- the server -------------------------------------------------------------------------------------------------- */

static inline void world_publish(const char *id, int32_t number) {
        PlanView *view = view_new(id, number, "Retro Prime");
        view_add(view, "Cheers", "a-1", 30);
        view_add(view, "The Thing", "a-2", 120);
        plan_board_publish(world->board, view);
        channel_hub_sync(world->hub);
}

static inline void world_page(const char *name, const char *text) {
        g_autofree char *path = g_build_filename(world->web_dir, name, NULL);
        assert_true(g_file_set_contents(path, text, -1, NULL));
}

/* Again with changed options, if there was one. */
static inline void world_serve(void) {
        g_autoptr(GError) error = NULL;
        http_free(world->http);
        world->http = http_new(&world->options, &error);
        assert_null(error);
        assert_non_null(world->http);
}

static int setup(void **state) {
        world = g_new0(World, 1);
        rv_log_set_sink(drop_log, NULL);
        world->clock = rv_clock_fake_new(SERVE_NOON);
        world->board = plan_board_new();
        world->web_dir = temp_dir_new();
        world->guide = guide_new(world->board, world->clock, "retrovue.local");
        HttpStreamsOptions streams = {.segment_ms = 1000, .window = 6, .clock = world->clock};
        world->streams = http_streams_set_new(&streams);
        ChannelHubOptions hub = {
                .board = world->board,
                .clock = world->clock,
                .streams = http_streams_ops(world->streams),
                .linger_ms = 20000,
                .viewer_timeout_ms = 10000,
                .stall_ms = 5000,
                .max_running = 4,
        };
        world->hub = channel_hub_new_with(&hub, &fake_ops);
        world->options = (HttpOptions){
                .listen_address = "127.0.0.1",
                .web_dir = world->web_dir,
                .max_connections = 200,
                .start_timeout_ms = 10000,
                .streams = world->streams,
                .hub = world->hub,
                .guide = world->guide,
                .board = world->board,
                .clock = world->clock,
        };
        return 0;
}

static int teardown(void **state) {
        http_free(world->http);
        channel_hub_free(world->hub);
        http_streams_set_free(world->streams);
        guide_free(world->guide);
        plan_board_unref(world->board);
        rv_clock_fake_free(world->clock);
        temp_dir_free(world->web_dir);
        rv_log_set_sink(NULL, NULL);
        g_free(world);
        return 0;
}

/* The control loop does what is due. */
static inline void turn(void) {
        while (g_main_context_iteration(NULL, FALSE))
                ;
}

/* --- the client -------------------------------------------------------------------------------------------------- */

typedef struct {
        int fd;
        GString *received;
        bool closed;
} Client;

static inline Client client_open(void) {
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)http_port(world->http))};
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        Client client = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), .received = g_string_new(NULL)};
        assert_true(client.fd >= 0);
        assert_int_equal(connect(client.fd, (struct sockaddr *)&address, sizeof address), 0);
        return client;
}

static inline void client_send(Client *client, const char *text) {
        assert_int_equal(send(client->fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static inline void client_close(Client *client) {
        if (client->fd >= 0)
                close(client->fd);
        client->fd = -1;
        g_string_free(client->received, TRUE);
        client->received = NULL;
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Client, client_close)

/* Takes what has come, while the control loop runs; waits for it a little when there is nothing. */
static inline void client_turn(Client *client) {
        struct pollfd fd = {.fd = client->fd, .events = POLLIN};
        char buffer[16384];
        turn();
        if (client->closed || poll(&fd, 1, 5) <= 0)
                return;
        ssize_t n = recv(client->fd, buffer, sizeof buffer, 0);
        if (n > 0)
                g_string_append_len(client->received, buffer, n);
        else
                client->closed = true;
}

/* Until so many bytes have come or the server has closed. */
static inline void client_await(Client *client, size_t size) {
        while (!client->closed && client->received->len < size)
                client_turn(client);
}

static inline Client client_ask(const char *method, const char *target, const char *headers) {
        Client client = client_open();
        g_autofree char *text = g_strdup_printf("%s %s HTTP/1.1\r\nHost: tv.example\r\nConnection: close\r\n%s\r\n",
                                                method, target, headers);
        client_send(&client, text);
        return client;
}

typedef struct {
        int status;
        char *headers; /* with \r\n between and after them */
        char *body;    /* with a 0 behind it */
        size_t size;
} Answer;

static inline void answer_clear(Answer *answer) {
        g_clear_pointer(&answer->headers, g_free);
        g_clear_pointer(&answer->body, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Answer, answer_clear)

/* The whole answer of a server that closes after it. */
static inline Answer client_answer(Client *client) {
        client_await(client, SIZE_MAX);
        const char *text = client->received->str, *end = strstr(text, "\r\n\r\n");
        assert_non_null(end);
        assert_true(g_str_has_prefix(text, "HTTP/1.1 "));
        size_t head = (size_t)(end - text) + 4;
        return (Answer){
                .status = (int)g_ascii_strtoll(text + strlen("HTTP/1.1 "), NULL, 10),
                .headers = g_strndup(text, head - 2),
                .body = g_memdup2(text + head, client->received->len - head + 1),
                .size = client->received->len - head,
        };
}

static inline Answer ask(const char *method, const char *target, const char *headers) {
        g_auto(Client) client = client_ask(method, target, headers);
        return client_answer(&client);
}

static inline Answer get(const char *target) {
        return ask("GET", target, "");
}

/* NULL: no such header. g_free it. */
static inline char *header(const Answer *answer, const char *name) {
        g_autofree char *wanted = g_strdup_printf("\r\n%s: ", name);
        const char *at = strstr(answer->headers, wanted);
        if (!at)
                return NULL;
        at += strlen(wanted);
        return g_strndup(at, strcspn(at, "\r"));
}

static inline void assert_header(const Answer *answer, const char *name, const char *value) {
        g_autofree char *found = header(answer, name);
        assert_non_null(found);
        assert_string_equal(found, value);
}

static inline void assert_error(const Answer *answer, int status, const char *code) {
        json_t *document = json_loads(answer->body, 0, NULL);
        json_t *error = json_object_get(document, "error");
        assert_int_equal(answer->status, status);
        assert_header(answer, "Content-Type", "application/json");
        assert_string_equal(json_string_value(json_object_get(error, "code")), code);
        assert_true(json_string_length(json_object_get(error, "message")) > 0);
        json_decref(document);
}
