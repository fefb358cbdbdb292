#include "core/serve/http/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/serve/http/guard/callers.h"
#include "core/serve/http/http_private.h"
#include "proto/base/error.h"
#include "proto/base/log.h"

#define WORKERS 2
/* Of each connection, for its headers and ours: cookies of whatever else runs on the same host come here too. */
#define CONNECTION_MEMORY ((size_t)16 * 1024)
#define GIVE_UP_POLL_MS 250

/* --- routes ------------------------------------------------------------------------------------------------------ */

/* A path is prefix, argument up to the first '/' or to the end of the segment, suffix, rest. "*" = one path element. */
typedef struct {
        const char *prefix;
        const char *suffix; /* NULL: the prefix is the whole path */
        bool has_rest;      /* something follows the suffix */
        const char *verb;   /* NULL: reading, GET and HEAD */
        RequestHandler handler;
} Route;

static const Route routes[] = {
        {.prefix = "/channels.m3u", .handler = documents_m3u},
        {.prefix = "/guide.xml", .handler = documents_xmltv},
        {.prefix = "/healthz", .handler = api_health},
        {.prefix = "/readyz", .handler = api_ready},
        {.prefix = "/api/v1/channels", .handler = api_channels},
        {.prefix = "/api/v1/events", .handler = api_events},
        {.prefix = "/api/v1/guide", .handler = api_guide},
        {.prefix = "/api/v1/alerts", .handler = api_alerts},
        {.prefix = "/api/v1/failures", .handler = api_failures},
        {.prefix = "/api/v1/catalog/progress", .handler = api_progress},
        {.prefix = "/api/v1/channels/", .suffix = "/asrun", .handler = api_asrun},
        {.prefix = "/api/v1/channels/", .suffix = "/reconciliation", .handler = api_reconciliation},
        {.prefix = "/api/v1/channels/", .suffix = "/overrides", .handler = verbs_overrides},
        {.prefix = "/api/v1/channels/", .suffix = "/overrides", .verb = "POST", .handler = verbs_override_ask},
        {.prefix = "/api/v1/channels/",
         .suffix = "/overrides/",
         .has_rest = true,
         .verb = "DELETE",
         .handler = verbs_override_cancel},
        {.prefix = "/api/v1/rescan", .verb = "POST", .handler = verbs_rescan},
        {.prefix = "/channel/", .suffix = "/live.m3u8", .handler = live_playlist},
        {.prefix = "/channel/", .suffix = "/live-", .has_rest = true, .handler = live_playlist_from},
        {.prefix = "/channel/", .suffix = "/master.m3u8", .handler = live_master},
        {.prefix = "/channel/", .suffix = "/seg/", .has_rest = true, .handler = live_segment},
        {.prefix = "/channel/", .suffix = "/part/", .has_rest = true, .handler = reload_part},
        {.prefix = "/channel/", .suffix = "/second/part/", .has_rest = true, .handler = reload_second_part},
        {.prefix = "/channel/", .suffix = "/second/live-", .has_rest = true, .handler = live_second_playlist},
        {.prefix = "/channel/", .suffix = "/second/seg/", .has_rest = true, .handler = live_second_segment},
        {.prefix = "/channel/", .suffix = ".ts", .handler = live_raw},
        {.prefix = "/logo/", .suffix = ".png", .handler = logo_picture},
        {.prefix = "/auto/v", .suffix = "", .handler = live_tuner},
        {.prefix = "/discover.json", .handler = tuner_discover},
        {.prefix = "/lineup.json", .handler = tuner_lineup},
        {.prefix = "/lineup_status.json", .handler = tuner_status},
        {.prefix = "/lineup.post", .verb = "POST", .handler = tuner_scan},
        {.prefix = "/device.xml", .handler = tuner_device},
};

static bool route_matches(const Route *route, const char *path, char **ret_argument, char **ret_rest) {
        if (!route->suffix)
                return g_str_equal(route->prefix, path);
        if (!g_str_has_prefix(path, route->prefix))
                return false;
        const char *argument = path + strlen(route->prefix);
        size_t n = strcspn(argument, "/");
        if (route->suffix[0] != '/') { /* the suffix ends the path element: "retro.ts" */
                size_t suffix = strlen(route->suffix);
                if (argument[n] != 0 || n <= suffix || !g_str_has_suffix(argument, route->suffix))
                        return false;
                *ret_argument = g_strndup(argument, n - suffix);
                return true;
        }
        const char *after = argument + n;
        if (n == 0 || !g_str_has_prefix(after, route->suffix))
                return false;
        const char *rest = after + strlen(route->suffix);
        if (route->has_rest == (rest[0] == 0) || strchr(rest, '/'))
                return false;
        *ret_argument = g_strndup(argument, n);
        *ret_rest = g_strdup(rest);
        return true;
}

/* verb NULL: reading. NULL: there is none. */
static const Route *find_route(Request *request, const char *path, const char *verb) {
        for (size_t i = 0; i < G_N_ELEMENTS(routes); i++)
                if (g_strcmp0(routes[i].verb, verb) == 0 &&
                    route_matches(&routes[i], path, &request->argument, &request->rest))
                        return &routes[i];
        return NULL;
}

/* --- requests ---------------------------------------------------------------------------------------------------- */

static Request *request_new(Http *http, struct MHD_Connection *connection, const char *method) {
        Request *request = g_new0(Request, 1);
        request->http = http;
        request->connection = connection;
        /* INV-HTTP-001: the library sends no body then, and handlers start nothing */
        request->head = g_str_equal(method, MHD_HTTP_METHOD_HEAD);
        return request;
}

static void request_free(Request *request) {
        events_leave(request);
        if (request->raw)
                fanout_leave(request->raw);
        if (request->presence)
                channel_leave(request->presence);
        channel_unref(request->channel);
        g_free(request->argument);
        g_free(request->rest);
        g_free(request);
}

static bool has_body(Request *request) {
        const char *length = request_header(request, MHD_HTTP_HEADER_CONTENT_LENGTH);
        return (length && !g_str_equal(length, "0")) || request_header(request, MHD_HTTP_HEADER_TRANSFER_ENCODING);
}

/* Who asks for what by the method; false: it has been answered. */
static bool route(Request *request, const char *url, const char *method, enum MHD_Result *ret_result) {
        const bool reads = request->head || g_str_equal(method, MHD_HTTP_METHOD_GET);
        if (g_str_equal(method, MHD_HTTP_METHOD_OPTIONS)) {
                request->handler = respond_preflight;
                return true;
        }
        const Route *found = find_route(request, url, reads ? NULL : method);
        if (!found && !reads) {
                *ret_result = respond_error(request, MHD_HTTP_METHOD_NOT_ALLOWED, "method_not_allowed", 0,
                                            "%s is not for here", method);
                return false;
        }
        request->handler = found ? found->handler : files_page;
        /* INV-HTTP-013; the scan of a tuner changes nothing, and those who ask for it know no tokens */
        return reads || found->handler == tuner_scan || admin_may(request, ret_result);
}

/* INV-HTTP-009: what can be answered before anything of the body has come; false: go on. */
static bool answer_early(Request *request, const char *url, const char *method, enum MHD_Result *ret_result) {
        if (!callers_may_ask(request, url, ret_result) || !route(request, url, method, ret_result))
                return true;
        if (!has_body(request))
                return false;
        *ret_result = respond_error(request, MHD_HTTP_CONTENT_TOO_LARGE, "no_body", 0, "nothing here takes a body");
        return true;
}

static enum MHD_Result on_request(void *user, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *upload_data, size_t *upload_data_size,
                                  void **state) {
        Http *http = user;
        Request *request = *state;
        if (!request) { /* headers are in */
                enum MHD_Result result = MHD_YES;
                *state = request = request_new(http, connection, method);
                pace_expect(http->pace, connection, false);
                (void)answer_early(request, url, method, &result);
                return result;
        }
        request->path = url;
        return request->handler(request);
}

static void on_completed(void *user, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode reason) {
        Http *http = user;
        Request *request = *state;
        if (request)
                request_free(request);
        *state = NULL;
        pace_expect(http->pace, connection, true);
}

/* A NUL would end the path for us, but not for who asked: such text stays as it is written, and is found nowhere. */
static size_t on_escaped(void *user, struct MHD_Connection *connection, char *text) {
        return strstr(text, "%00") ? strlen(text) : MHD_http_unescape(text);
}

/* INV-HLS-QUIET-POLLING-001: of requests nothing but this is logged. */
static void on_log(void *user, const char *format, va_list arguments) {
        g_autofree char *text = g_strdup_vprintf(format, arguments);
        rv_debug("http.library", RV_S("message", g_strchomp(text)));
}

/* --- connections ------------------------------------------------------------------------------------------------- */

/* Programs on this machine and proxies hold as many as there may be in all. */
static bool is_counted(const Http *http, const struct sockaddr *from, uint8_t ret_address[PEER_ADDRESS_BYTES]) {
        return peer_of_socket(from, ret_address) && !proxies_trust(http->proxies, ret_address);
}

/* INV-HTTP-014 */
static enum MHD_Result on_accept(void *user, const struct sockaddr *from, socklen_t size) {
        const Http *http = user;
        uint8_t address[PEER_ADDRESS_BYTES];
        return !is_counted(http, from, address) || callers_may_connect(http->callers, address) ? MHD_YES : MHD_NO;
}

static void on_connection(void *user, struct MHD_Connection *connection, void **state,
                          enum MHD_ConnectionNotificationCode code) {
        const Http *http = user;
        const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
        uint8_t address[PEER_ADDRESS_BYTES];
        if (info && is_counted(http, info->client_addr, address))
                callers_note_connection(http->callers, address, code == MHD_CONNECTION_NOTIFY_STARTED ? 1 : -1);
        pace_on_connection(http->pace, connection, state, code);
}

/* --- the daemon -------------------------------------------------------------------------------------------------- */

static int bind_address(const HttpOptions *options, GError **error) {
        char port[8];
        struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICHOST, .ai_socktype = SOCK_STREAM}, *found = NULL;
        g_snprintf(port, sizeof port, "%d", options->port);
        if (getaddrinfo(options->listen_address, port, &hints, &found) != 0) {
                g_set_error(error, RV_ERROR, RV_ERROR_INVALID,
                            "%s is not an address to listen on (as 127.0.0.1, 0.0.0.0, ::)", options->listen_address);
                return -1;
        }
        int yes = 1;
        int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        bool listening = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
                         bind(fd, found->ai_addr, found->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0;
        int errnum = errno;
        freeaddrinfo(found);
        if (listening)
                return fd;
        rv_error_set_errno(error, errnum, "cannot listen on %s port %d (choose another with --port)",
                           options->listen_address, options->port);
        if (fd >= 0)
                close(fd);
        return -1;
}

static int port_of(int fd) {
        union {
                struct sockaddr any;
                struct sockaddr_in v4;
                struct sockaddr_in6 v6;
        } address = {.v6 = {0}};
        socklen_t size = sizeof address;
        if (getsockname(fd, &address.any, &size) < 0)
                return 0;
        return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
}

static gboolean give_up_due(void *user) {
        Http *http = user;
        http_streams_give_up(http->options.streams, rv_clock_mono_ns(http->options.clock));
        events_look(http->events);
        callers_tell(http->callers);
        unsigned n_shut = pace_check(http->pace);
        if (n_shut > 0)
                rv_info("http.slow_clients_shut", RV_I("connections", n_shut));
        return G_SOURCE_CONTINUE;
}

static bool start_daemon(Http *http, int take_fd, GError **error) {
        const HttpOptions *options = &http->options;
        http->daemon = MHD_start_daemon(
                MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC | MHD_USE_ERROR_LOG, 0,
                on_accept, http, on_request, http, MHD_OPTION_LISTEN_SOCKET, take_fd, MHD_OPTION_THREAD_POOL_SIZE,
                (unsigned)WORKERS, MHD_OPTION_CONNECTION_LIMIT, (unsigned)options->max_connections,
                MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY, MHD_OPTION_CONNECTION_TIMEOUT,
                HTTP_IDLE_TIMEOUT_S, MHD_OPTION_NOTIFY_COMPLETED, on_completed, http, MHD_OPTION_NOTIFY_CONNECTION,
                on_connection, http, MHD_OPTION_UNESCAPE_CALLBACK, on_escaped, NULL, MHD_OPTION_EXTERNAL_LOGGER, on_log,
                NULL, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
        if (http->daemon)
                return true;
        g_set_error(error, RV_ERROR, RV_ERROR_FAILED, "the HTTP server could not be started (max_connections %d)",
                    options->max_connections);
        close(take_fd);
        return false;
}

static void http_clear(Http *http) {
        tokens_free(http->tokens);
        callers_free(http->callers);
        g_array_unref(http->proxies);
        events_free(http->events);
        pace_free(http->pace);
        g_hash_table_unref(http->packed);
        pthread_mutex_destroy(&http->packed_lock);
        g_hash_table_unref(http->files);
        g_free(http);
}

Http *http_new(const HttpOptions *options, GError **error) {
        GArray *proxies = proxies_new(options->proxies, error);
        int fd = proxies ? bind_address(options, error) : -1;
        if (fd < 0) {
                g_clear_pointer(&proxies, g_array_unref);
                return NULL;
        }
        Http *http = g_new0(Http, 1);
        http->options = *options;
        http->proxies = proxies;
        http->tokens = tokens_new(options->tokens_file);
        http->callers = callers_new(
                options->clock,
                &(CallerLimits){.per_s = {[CALL_API] = options->api_rate, [CALL_MEDIA] = options->media_rate},
                                .connections = options->max_per_ip});
        http->port = port_of(fd);
        http->files = files_load(options->web_dir);
        http->pace = pace_new(options->clock);
        http->events = events_new(http);
        http->packed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_bytes_unref);
        pthread_mutex_init(&http->packed_lock, NULL);
        if (!start_daemon(http, fd, error)) {
                http_clear(http);
                return NULL;
        }
        http->timer = g_timeout_source_new(GIVE_UP_POLL_MS);
        g_source_set_callback(http->timer, give_up_due, http, NULL);
        g_source_attach(http->timer, NULL);
        return http;
}

int http_port(const Http *http) {
        return http->port;
}

void http_free(Http *http) {
        if (!http)
                return;
        g_source_destroy(http->timer);
        g_source_unref(http->timer);
        int listen_fd = MHD_quiesce_daemon(http->daemon); /* ours from now on */
        http_streams_end(http->options.streams);
        MHD_stop_daemon(http->daemon);
        if (listen_fd >= 0)
                close(listen_fd);
        http_clear(http);
}
