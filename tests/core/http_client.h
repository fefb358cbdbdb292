/* A client that sends the server of http_fixture.h what it is told, while the control loop runs. */
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/core/http_fixture.h"

typedef struct {
        GString *received;
        int fd;
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

/* Until the server has closed, be it because the client kept silent for too long. */
static inline void client_await_end(Client *client) {
        while (!client->closed) {
                rv_clock_fake_advance_ms(world->clock, 1000);
                client_turn(client);
        }
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
