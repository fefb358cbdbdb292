/*
 * gRPC over sockets that we own: the C core behind a few calls, mostly one blocking thread per conversation.
 *
 * A server answers unary methods on a GLib main context (so that the state they touch has one owner) and gives each
 * stream a thread of its own, in which the handler reads and writes as in straight-line C; where peers are many, a
 * stream is a flow, which needs none. A client is one connection.
 * The sockets are accepted and connected here and only then handed to the core, so that a stopped peer can always be
 * cut loose. Standard health checking and reflection are served by every server.
 */
#pragma once

#include <glib.h>
#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* gRPC status codes (the numbers of the specification) that we name. */
typedef enum {
        RPC_CODE_OK = 0,
        RPC_CODE_CANCELLED = 1,
        RPC_CODE_UNKNOWN = 2,
        RPC_CODE_INVALID_ARGUMENT = 3,
        RPC_CODE_DEADLINE_EXCEEDED = 4,
        RPC_CODE_NOT_FOUND = 5,
        RPC_CODE_RESOURCE_EXHAUSTED = 8,
        RPC_CODE_FAILED_PRECONDITION = 9,
        RPC_CODE_OUT_OF_RANGE = 11,
        RPC_CODE_UNIMPLEMENTED = 12,
        RPC_CODE_INTERNAL = 13,
        RPC_CODE_UNAVAILABLE = 14,
        RPC_CODE_UNAUTHENTICATED = 16,
} RpcCode;

typedef struct {
        RpcCode code;
        char message[256];
} RpcStatus;

#define RPC_OK ((RpcStatus){.code = RPC_CODE_OK})
RpcStatus rpc_status(RpcCode code, const char *format, ...) G_GNUC_PRINTF(2, 3);

typedef struct {
        size_t max_message_bytes; /* either way; 0 = 1 MiB */
        int keepalive_ms;         /* a peer that does not answer or read is given up after twice this; 0 = 5000 */
        unsigned socket_mode;     /* of the sockets that a server makes; 0 = 0600 */
} RpcOptions;

typedef struct RpcCall RpcCall;
typedef struct RpcServer RpcServer;
typedef struct RpcClient RpcClient;

/* Starts the core, the first time it is called; in main, before any thread that uses rpc. Never shut down again. */
void rpc_init(void);

/* --- server ---------------------------------------------------------------------------------------------------- */

/*
 * A flow: a stream that has no thread, for services with many peers. Its handler is told of what comes, on the server's
 * own thread, which serves everybody and must not be held up; it answers from whatever thread it likes.
 */
typedef struct RpcFlow RpcFlow;

typedef struct {
        /* A client has begun. Returns the handler's own of it; the flow is the handler's until rpc_flow_finish. */
        void *(*opened)(void *user, RpcFlow *flow);
        /* A message that was asked for with rpc_flow_next; free it with rpc_message_free. None comes after
         * rpc_flow_finish, but for one that is being told meanwhile. */
        void (*message)(void *peer, void *take_message);
        /* Once, and the last that peer is told: no more will come. */
        void (*ended)(void *peer);
        /* In the place of opened and message, where the client asks once and does not stream; request is borrowed. */
        void *(*asked)(void *user, RpcFlow *flow, const void *request);
        /* What was written is on its way, all of it: who has much to tell writes a part and goes on here, if
         * rpc_flow_has_room still says so (more may have been written meanwhile; it is told again). NULL is allowed. */
        void (*room)(void *peer);
} RpcFlowOps;

/* Asks for the next message; until it has come further asking changes nothing. Any thread. */
void rpc_flow_next(RpcFlow *flow);
/* Sends the message behind those on their way. False: the call is over, the message too large, or 64 wait for a peer
 * that does not read, which is then cut off. Any thread. */
bool rpc_flow_write(RpcFlow *flow, const void *message);
/* Nothing of what was written waits. Any thread. */
bool rpc_flow_has_room(RpcFlow *flow);
/* Ends the call, behind what was written, if it is not over already. Exactly once; the flow is not the handler's any
 * more. Any thread. */
void rpc_flow_finish(RpcFlow *take_flow, RpcStatus status);
/* Gives up a peer that does not read: its connection ends. rpc_flow_finish is still due. Any thread. */
void rpc_flow_cut(RpcFlow *flow);

/* A row of a service: one of unary, stream and flow. unary runs on the server's main context and fills *response
 * (strings with g_strdup/strdup; what it holds is freed with it); stream runs on its own thread, request is NULL where
 * the client streams; its return ends the call. A stream handler must return when its call is over: rpc_read gave NULL,
 * rpc_write false, or rpc_wait the end. The message of a status other than OK reaches the caller. */
typedef struct {
        const char *name;
        RpcStatus (*unary)(void *user, const void *request, void *response);
        RpcStatus (*stream)(void *user, RpcCall *call, const void *request);
        const RpcFlowOps *flow; /* the client streams, unless the flow has asked */
        bool client_streams;
} RpcMethod;

/* context: where unary handlers run; NULL = the default main context. */
RpcServer *rpc_server_new(GMainContext *context, RpcOptions options);
/* Before start. The rows and user must outlive the server. */
void rpc_server_add(RpcServer *server, const ProtobufCServiceDescriptor *service, const RpcMethod *methods,
                    size_t n_methods, void *user);
/* Makes and listens on a unix socket, of the options' mode. A live server's socket is refused (RV_ERROR_UNAVAILABLE), a
 * dead one's is replaced; the path is removed again when the server ends, if it is still ours. */
bool rpc_server_listen(RpcServer *server, const char *path, GError **error);
/* The same with a listening socket that somebody else made (the server owns the fd from now on, not the path; also on
 * failure: RV_ERROR_INVALID when it is not one). Connections that were made before wait and are answered after start.
 */
bool rpc_server_adopt_listener(RpcServer *server, int take_fd, GError **error);
/* Of rpc/tls/tls.h, which the server does not need to know. */
typedef struct grpc_server_credentials RpcCredentials;

/* Where a server listens by TCP, and for whom. */
typedef struct {
        const char *address;         /* with its port: "0.0.0.0:8412", "[::]:8412"; port 0 = any */
        RpcCredentials *credentials; /* that it shows */
        /* OK: who shows this (the call's "authorization"; NULL: nothing) may call. On the server's thread, which it
         * must not hold up. */
        RpcStatus (*authorize)(void *user, const char *shown);
        void *user;
} RpcNetwork;
/* And by TCP, before start, once; what network names outlives the server. Not for servers with streams that have a
 * thread. Nobody but its keepalive cuts off a peer that does not read. */
void rpc_server_listen_network(RpcServer *server, const RpcNetwork *network);
/* After start; 0: not by TCP. */
int rpc_server_port(const RpcServer *server);
/* RV_ERROR_UNAVAILABLE: the address cannot be listened on. */
bool rpc_server_start(RpcServer *server, GError **error);
/* What health checks answer of what is served: true from the beginning; who watches is told. Any thread. */
void rpc_server_set_serving(RpcServer *server, bool serving);
/* How many connections are open now. Any thread. */
unsigned rpc_server_connections(const RpcServer *server);
/* Stops accepting, refuses unary calls that wait for their turn, wakes every stream handler (so that it may look at a
 * flag of its owner's, say its last and return), gives calls grace_ms to end, cuts the rest, joins every thread. Call
 * it on the thread of the server's main context, not from a handler. NULL and a server that was not started are
 * allowed. */
void rpc_server_free(RpcServer *server, int grace_ms);

/* --- client ---------------------------------------------------------------------------------------------------- */

/* One connection to a unix socket; tried until it succeeds or timeout_ms have gone (0: once). NULL and GError else:
 * RV_ERROR_UNAVAILABLE when nobody listens there. It does not reconnect: when it is lost every call says UNAVAILABLE.
 */
RpcClient *rpc_client_connect(const char *path, int timeout_ms, RpcOptions options, GError **error);
/* A unary call, bounded by timeout_ms > 0 (a peer that has stopped reading may cost 1.5 s more). *ret_response is set
 * only on OK: free it with rpc_message_free. Any thread but that of a main context which the answer depends on. */
RpcStatus rpc_client_call(RpcClient *client, const ProtobufCServiceDescriptor *service, const char *method,
                          const void *request, void **ret_response, int timeout_ms) G_GNUC_WARN_UNUSED_RESULT;
/* Opens a stream; request NULL where the client streams. NULL when the connection is gone. Any thread; the call then
 * belongs to one. Freed by rpc_close, always. */
RpcCall *rpc_client_open(RpcClient *client, const ProtobufCServiceDescriptor *service, const char *method,
                         const void *request);
/* Cuts the connection: every blocked call on it returns. Any thread, any number of times. */
void rpc_client_shut(RpcClient *client);
/* After every call on it was closed. NULL is allowed. */
void rpc_client_free(RpcClient *client);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RpcClient, rpc_client_free)

/* --- a stream, seen from either end: one thread reads, writes and waits ---------------------------------------------
 */

typedef enum { RPC_EVENT_MESSAGE, RPC_EVENT_WOKEN, RPC_EVENT_END, RPC_EVENT_TIMEOUT } RpcEvent;

/* The next message (free with rpc_message_free), or NULL: no more will come. */
void *rpc_read(RpcCall *call) G_GNUC_WARN_UNUSED_RESULT;
/* Returns when the message is on its way. False: the call is over, or the peer has not read for twice keepalive_ms,
 * which ends it; this and later messages are not sent. */
bool rpc_write(RpcCall *call, const void *message) G_GNUC_WARN_UNUSED_RESULT;
/* Waits for rpc_wake (several count as one), for a message (rpc_read will not block), for the end (no message will come
 * any more: the other end has finished writing, or the call is over), or for timeout_ms (-1 = for ever). In a handler
 * of a method whose client does not stream there are no messages, and the end is that of the call. */
RpcEvent rpc_wait(RpcCall *call, int timeout_ms) G_GNUC_WARN_UNUSED_RESULT;
/* Client: no more writes; reads go on. */
void rpc_end_writes(RpcCall *call);
/* Client: ends the call (cancelling it if the server has not ended it), frees it and tells how it ended. For the
 * server's own last word read until NULL before. */
RpcStatus rpc_close(RpcCall *call);

/* The two things that another thread may do to a call, as long as it is not yet closed or returned. */
void rpc_wake(RpcCall *call);
void rpc_cancel(RpcCall *call);

void rpc_message_free(void *message);
