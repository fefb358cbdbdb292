#include <gio/gio.h>

#include "core/burnin/private.h"

#define HEAD_MAX 8192
#define JSON_TIMEOUT_S 10

/* Byte by byte: what follows the head is the stream's. */
static bool take_head(GInputStream *in) {
        char head[HEAD_MAX];
        gsize n = 0, got;
        while (n < sizeof(head) - 1 && g_input_stream_read_all(in, head + n, 1, &got, NULL, NULL) && got == 1) {
                head[++n] = '\0';
                if (g_str_has_suffix(head, "\r\n\r\n"))
                        return g_str_has_prefix(head, "HTTP/1.1 200 ") || g_str_has_prefix(head, "HTTP/1.0 200 ");
        }
        return false;
}

/* Asked as of old, an answer without a length ends with its connection, and is not cut into chunks. */
GIOStream *ask_open(int port, const char *path, int timeout_s) {
        if (port <= 0)
                return NULL;
        g_autoptr(GSocketClient) client = g_socket_client_new();
        g_socket_client_set_timeout(client, (guint)timeout_s);
        g_socket_client_set_enable_proxy(client, FALSE);
        g_autoptr(GIOStream) stream =
                G_IO_STREAM(g_socket_client_connect_to_host(client, "127.0.0.1", (guint16)port, NULL, NULL));
        g_autofree char *request = g_strdup_printf("GET %s HTTP/1.0\r\nUser-Agent: retrovue-burn-in\r\n\r\n", path);
        if (!stream || !g_output_stream_write_all(g_io_stream_get_output_stream(stream), request, strlen(request), NULL,
                                                  NULL, NULL))
                return NULL;
        return take_head(g_io_stream_get_input_stream(stream)) ? g_steal_pointer(&stream) : NULL;
}

json_t *ask_json(int port, const char *path) {
        g_autoptr(GIOStream) stream = ask_open(port, path, JSON_TIMEOUT_S);
        g_autoptr(GByteArray) body = g_byte_array_new();
        char piece[4096];
        gssize n = 0;
        while (stream &&
               (n = g_input_stream_read(g_io_stream_get_input_stream(stream), piece, sizeof piece, NULL, NULL)) > 0)
                g_byte_array_append(body, (const guint8 *)piece, (guint)n);
        return stream && n == 0 ? json_loadb((const char *)body->data, body->len, 0, NULL) : NULL;
}
