#include <errno.h>
#include <grpc/grpc_posix.h>
#include <grpc/grpc_security.h>
#include <grpc/support/alloc.h>
#include <grpc/support/log.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "proto/base/error.h"
#include "proto/base/log.h"
#include "proto/base/thread.h"
#include "proto/rpc/call.h"
#include "proto/rpc/message.h"
#include "proto/rpc/serve.h"

/* How long the peers get to take notice of each of the steps after grace. */
enum { NOTICE_MS = 250 };

/* A method that the server answers, and the place for the next call of it. */
typedef struct {
        RpcCompletion arrived; /* first: the tag of the next call */
        RpcServer *server;
        RpcTarget target;
        char *path;
        void *registered; /* the core's handle */
        RpcArrival next;
        grpc_metadata_array metadata;
        grpc_completion_queue *queue; /* streams: the next one's own */
} Served;

/* Calls of anything else. Without somebody to refuse them they would wait for ever. */
typedef struct {
        RpcCompletion arrived; /* first: the tag of the next call */
        RpcServer *server;
        grpc_call *call;
        grpc_call_details details;
        grpc_metadata_array metadata;
} Unknown;

typedef struct {
        RpcCompletion stopped; /* first: the tag of the core's shutdown */
        RpcServer *server;
} Shutdown;

struct RpcServer {
        RpcOptions options;
        GMainContext *context; /* NULL: the default one */
        GPtrArray *services;   /* const ProtobufCServiceDescriptor */
        GPtrArray *methods;    /* Served */
        RpcConnections *connections;
        RpcUnaries *unaries;
        RpcStreams *streams;

        grpc_server *core;
        grpc_completion_queue *queue;
        RvThread *thread; /* waits on queue */
        Unknown unknown;
        Shutdown shutdown;
        RpcOpenCalls calls;
        int stopped_fd; /* readable when the core has shut down */

        RpcHealth *health;

        RpcNetwork network; /* address NULL: none */
        int port;
};

/* --- the core -------------------------------------------------------------------------------------------------- */

static void log_core(gpr_log_func_args *args) {
        if (args->severity == GPR_LOG_SEVERITY_ERROR)
                rv_warning("rpc.core", RV_S("message", args->message));
        else
                rv_debug("rpc.core", RV_S("message", args->message));
}

static void init_once(void) {
        sigset_t all;
        sigset_t before;
        sigfillset(&all);
        gpr_set_log_function(log_core);
        /* The threads that the core starts here must not take the signals that the control loop waits for. */
        pthread_sigmask(SIG_SETMASK, &all, &before);
        grpc_init();
        pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void rpc_init(void) {
        static pthread_once_t once = PTHREAD_ONCE_INIT;
        pthread_once(&once, init_once);
}

/* --- calls that arrive ------------------------------------------------------------------------------------------ */

static bool has_no_request(const RpcMethod *row) {
        return row->client_streams || (row->flow && !row->flow->asked);
}

static void served_arm(Served *served) {
        bool threaded = served->target.row->stream != NULL;
        bool payload = !has_no_request(served->target.row);
        grpc_metadata_array_init(&served->metadata);
        served->next = (RpcArrival){0};
        served->queue = threaded ? grpc_completion_queue_create_for_next(NULL) : NULL;
        RPC_HANDED_OVER(&served->arrived);
        grpc_call_error error = grpc_server_request_registered_call(
                served->server->core, served->registered, &served->next.core, &served->next.deadline, &served->metadata,
                payload ? &served->next.payload : NULL, threaded ? served->queue : served->server->queue,
                served->server->queue, &served->arrived);
        g_assert(error == GRPC_CALL_OK);
}

/* The connection of ours that a call came by: the core names it by its descriptor, which is open as long as the call.
 * False: it came by TCP. */
static bool is_ours(grpc_call *call, int *ret_core_fd) {
        char *peer = grpc_call_get_peer(call);
        guint64 core_fd = 0;
        const bool ours =
                g_str_has_prefix(peer, "fd:") && g_ascii_string_to_unsigned(peer + 3, 10, 0, INT_MAX, &core_fd, NULL);
        gpr_free(peer);
        *ret_core_fd = (int)core_fd;
        return ours;
}

static RpcConnection *connection_of(RpcServer *server, grpc_call *call) {
        int core_fd;
        return is_ours(call, &core_fd) ? rpc_connections_find(server->connections, core_fd) : NULL;
}

/* g_free it; NULL: it is not there. */
static char *metadata_text(const grpc_metadata_array *metadata, const char *key) {
        for (size_t i = 0; i < metadata->count; i++) {
                const grpc_slice value = metadata->metadata[i].value;
                if (grpc_slice_str_cmp(metadata->metadata[i].key, key) == 0)
                        return g_strndup((const char *)GRPC_SLICE_START_PTR(value), GRPC_SLICE_LENGTH(value));
        }
        return NULL;
}

/* INV-RPC-008: a socket's mode says who may use it; who comes over the network shows it. */
static RpcStatus admit(const RpcServer *server, grpc_call *call, const grpc_metadata_array *metadata) {
        int core_fd;
        if (!server->network.address || is_ours(call, &core_fd))
                return RPC_OK;
        g_autofree char *shown = metadata_text(metadata, "authorization");
        return server->network.authorize(server->network.user, shown);
}

static void served_arrived(RpcCompletion *self, bool ok) {
        Served *served = (Served *)self;
        RpcServer *server = served->server;
        RpcArrival arrival = served->next;
        grpc_completion_queue *queue = served->queue;
        const RpcStatus status = ok ? admit(server, arrival.core, &served->metadata) : RPC_OK;
        grpc_metadata_array_destroy(&served->metadata);
        if (!ok) {
                g_clear_pointer(&queue, rpc_queue_free);
                return;
        }
        served_arm(served);
        if (status.code != RPC_CODE_OK) {
                grpc_byte_buffer_destroy(arrival.payload);
                rpc_refuse(arrival.core, &server->calls, status);
        } else if (queue)
                rpc_streams_take(server->streams, &served->target, arrival, queue, connection_of(server, arrival.core));
        else if (served->target.row->flow)
                rpc_flow_take(&server->calls, &server->options, &served->target, arrival,
                              connection_of(server, arrival.core));
        else
                rpc_unaries_take(server->unaries, &served->target, arrival);
}

static void unknown_arm(Unknown *unknown) {
        grpc_call_details_init(&unknown->details);
        grpc_metadata_array_init(&unknown->metadata);
        RPC_HANDED_OVER(&unknown->arrived);
        grpc_call_error error =
                grpc_server_request_call(unknown->server->core, &unknown->call, &unknown->details, &unknown->metadata,
                                         unknown->server->queue, unknown->server->queue, &unknown->arrived);
        g_assert(error == GRPC_CALL_OK);
}

static void unknown_arrived(RpcCompletion *self, bool ok) {
        Unknown *unknown = (Unknown *)self;
        grpc_call *call = unknown->call;
        RpcStatus status = ok ? admit(unknown->server, call, &unknown->metadata) : RPC_OK;
        if (status.code == RPC_CODE_OK)
                status = rpc_status(RPC_CODE_UNIMPLEMENTED, "there is no such method here");
        grpc_metadata_array_destroy(&unknown->metadata);
        grpc_call_details_destroy(&unknown->details);
        if (!ok)
                return;
        unknown_arm(unknown);
        rpc_refuse(call, &unknown->server->calls, status); /* INV-RPC-003 */
}

/* Nothing is started on the queue after this: every call has ended, and who waits for the next is told no. */
static void core_stopped(RpcCompletion *self, bool ok) {
        RpcServer *server = ((Shutdown *)self)->server;
        grpc_completion_queue_shutdown(server->queue);
        (void)eventfd_write(server->stopped_fd, 1);
}

static void run(void *user) {
        RpcServer *server = user;
        while (true) {
                grpc_event event = grpc_completion_queue_next(server->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
                if (event.type == GRPC_QUEUE_SHUTDOWN)
                        return;
                RpcCompletion *completion = event.tag;
                RPC_HANDED_BACK(completion);
                completion->done(completion, event.success);
        }
}

/* --- making ----------------------------------------------------------------------------------------------------- */

static void served_free(void *user) {
        Served *served = user;
        g_free(served->path);
        g_free(served);
}

/* On the accepting thread. */
static void connection_accepted(void *user, int take_fd) {
        RpcServer *server = user;
        grpc_server_credentials *credentials = grpc_insecure_server_credentials_create();
        grpc_server_add_channel_from_fd(server->core, take_fd, credentials);
        grpc_server_credentials_release(credentials);
}

RpcServer *rpc_server_new(GMainContext *context, RpcOptions options) {
        RpcServer *server = g_new0(RpcServer, 1);
        server->options = rpc_options_resolve(options);
        server->context = context ? g_main_context_ref(context) : NULL;
        server->services = g_ptr_array_new();
        server->methods = g_ptr_array_new_with_free_func(served_free);
        server->connections = rpc_connections_new(connection_accepted, server);
        server->unknown = (Unknown){.arrived.done = unknown_arrived, .server = server};
        server->shutdown = (Shutdown){.stopped.done = core_stopped, .server = server};
        server->calls.none_fd = -1;
        server->stopped_fd = -1;
        atomic_init(&server->calls.n, 0);
        server->health = rpc_standard_add(server);
        return server;
}

void rpc_server_add(RpcServer *server, const ProtobufCServiceDescriptor *service, const RpcMethod *methods,
                    size_t n_methods, void *user) {
        g_assert(!server->core);
        g_ptr_array_add(server->services, (gpointer)service);
        for (size_t i = 0; i < n_methods; i++) {
                const RpcMethod *row = &methods[i];
                Served *served = g_new0(Served, 1);
                served->arrived.done = served_arrived;
                served->server = server;
                served->path = rpc_method_path(service, row->name);
                served->target =
                        (RpcTarget){.row = row,
                                    .types = protobuf_c_service_descriptor_get_method_by_name(service, row->name),
                                    .user = user};
                g_assert(served->target.types && !!row->unary + !!row->stream + !!row->flow == 1);
                g_ptr_array_add(server->methods, served);
        }
}

bool rpc_server_listen(RpcServer *server, const char *path, GError **error) {
        RpcListener listener;
        if (!rpc_listener_open(path, server->options.socket_mode, &listener, error))
                return false;
        rpc_connections_add_listener(server->connections, listener);
        return true;
}

bool rpc_server_adopt_listener(RpcServer *server, int take_fd, GError **error) {
        RpcListener listener;
        if (!rpc_listener_adopt(take_fd, &listener, error))
                return false;
        rpc_connections_add_listener(server->connections, listener);
        return true;
}

void rpc_server_listen_network(RpcServer *server, const RpcNetwork *network) {
        g_assert(!server->core && network->authorize);
        server->network = *network;
}

int rpc_server_port(const RpcServer *server) {
        return server->port;
}

static bool has_threaded(const RpcServer *server) {
        for (guint i = 0; i < server->methods->len; i++)
                if (((const Served *)g_ptr_array_index(server->methods, i))->target.row->stream)
                        return true;
        return false;
}

/* The one socket that the core makes and accepts from itself: it encrypts only those. */
static bool bind_network(RpcServer *server, GError **error) {
        if (!server->network.address)
                return true;
        g_assert(!has_threaded(server));
        server->port = grpc_server_add_http2_port(server->core, server->network.address, server->network.credentials);
        if (server->port > 0)
                return true;
        g_set_error(error, RV_ERROR, RV_ERROR_UNAVAILABLE,
                    "cannot listen on %s: it is in use, or no address of this machine", server->network.address);
        return false;
}

static bool start_core(RpcServer *server, GError **error) {
        RpcChannelArgs args;
        rpc_channel_args_init(&args, &server->options);
        server->core = grpc_server_create(&args.args, NULL);
        grpc_server_register_completion_queue(server->core, server->queue, NULL);
        for (guint i = 0; i < server->methods->len; i++) {
                Served *served = g_ptr_array_index(server->methods, i);
                served->registered = grpc_server_register_method(server->core, served->path, NULL,
                                                                 has_no_request(served->target.row)
                                                                         ? GRPC_SRM_PAYLOAD_NONE
                                                                         : GRPC_SRM_PAYLOAD_READ_INITIAL_BYTE_BUFFER,
                                                                 0);
                g_assert(served->registered);
        }
        const bool bound = bind_network(server, error);
        grpc_server_start(server->core);
        for (guint i = 0; i < server->methods->len; i++)
                served_arm(g_ptr_array_index(server->methods, i));
        unknown_arm(&server->unknown);
        return bound;
}

bool rpc_server_start(RpcServer *server, GError **error) {
        g_assert(!server->core);
        server->stopped_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        server->calls.none_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (server->stopped_fd < 0 || server->calls.none_fd < 0) {
                rv_error_set_errno(error, errno, "cannot start a server");
                return false;
        }
        server->queue = grpc_completion_queue_create_for_next(NULL);
        server->thread = rv_thread_start("rpc-server", RV_PRIORITY_NORMAL, run, server, error);
        if (!server->thread) {
                rpc_queue_free(g_steal_pointer(&server->queue));
                return false;
        }
        server->unaries = rpc_unaries_new(server->context, &server->calls, server->options.max_message_bytes);
        server->streams = rpc_streams_new(&server->calls, &server->options);
        return start_core(server, error) && rpc_connections_start(server->connections, error);
}

unsigned rpc_server_connections(const RpcServer *server) {
        return rpc_connections_count(server->connections);
}

void rpc_server_set_serving(RpcServer *server, bool serving) {
        rpc_health_set(server->health, serving);
}

size_t rpc_server_n_services(const RpcServer *server) {
        return server->services->len;
}

const ProtobufCServiceDescriptor *rpc_server_service(const RpcServer *server, size_t index) {
        return g_ptr_array_index(server->services, index);
}

/* --- ending ------------------------------------------------------------------------------------------------------ */

void rpc_open_calls_add(RpcOpenCalls *calls) {
        atomic_fetch_add(&calls->n, 1);
}

void rpc_open_calls_remove(RpcOpenCalls *calls) {
        if (atomic_fetch_sub(&calls->n, 1) == 1)
                (void)eventfd_write(calls->none_fd, 1);
}

static bool wait_readable(int fd, int timeout_ms) {
        RpcDeadline deadline = rpc_deadline_in(timeout_ms);
        while (true) {
                struct pollfd pollfd = {.fd = fd, .events = POLLIN};
                int left_ms = timeout_ms < 0 ? -1 : gpr_time_to_millis(rpc_deadline_left(deadline));
                int n = poll(&pollfd, 1, left_ms);
                if (n > 0)
                        return true;
                if (n == 0 || errno != EINTR)
                        return false;
        }
}

/* Calls end before the core says goodbye: a client that answers its goodbye has then read how they ended. */
static bool wait_for_calls(RpcServer *server, int grace_ms) {
        eventfd_t before;
        (void)eventfd_read(server->calls.none_fd, &before);
        return atomic_load(&server->calls.n) == 0 || wait_readable(server->calls.none_fd, MAX(grace_ms, 0));
}

static void stop_core(RpcServer *server, int grace_ms) {
        bool calls_ended = wait_for_calls(server, grace_ms);
        RPC_HANDED_OVER(&server->shutdown.stopped);
        grpc_server_shutdown_and_notify(server->core, server->queue, &server->shutdown.stopped);
        if (calls_ended && wait_readable(server->stopped_fd, NOTICE_MS))
                return;
        /* Takes the connections down with the calls, but for those with a write that the peer does not take. */
        grpc_server_cancel_all_calls(server->core);
        if (wait_readable(server->stopped_fd, NOTICE_MS))
                return;
        rpc_connections_cut_all(server->connections); /* INV-RPC-001, INV-RPC-007 */
        (void)wait_readable(server->stopped_fd, -1);
}

void rpc_server_free(RpcServer *server, int grace_ms) {
        if (!server)
                return;
        rpc_connections_stop(server->connections);
        if (server->core) {
                rpc_unaries_close(server->unaries);
                rpc_streams_close(server->streams);
                rpc_health_end(server->health);
                stop_core(server, grace_ms);
                rv_thread_join(server->thread);
                rpc_streams_free(server->streams);
                grpc_server_destroy(server->core);
                grpc_completion_queue_destroy(server->queue);
                rpc_unaries_free(server->unaries);
        }
        rpc_connections_free(server->connections);
        if (server->stopped_fd >= 0)
                close(server->stopped_fd);
        if (server->calls.none_fd >= 0)
                close(server->calls.none_fd);
        rpc_health_free(server->health);
        g_ptr_array_unref(server->methods);
        g_ptr_array_unref(server->services);
        g_clear_pointer(&server->context, g_main_context_unref);
        g_free(server);
}
