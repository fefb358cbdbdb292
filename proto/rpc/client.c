#include <grpc/grpc_posix.h>
#include <grpc/grpc_security.h>
#include <stdatomic.h>
#include <unistd.h>

#include "proto/base/error.h"
#include "proto/rpc/call.h"
#include "proto/rpc/message.h"

struct RpcClient {
        grpc_channel *channel;
        RpcConnection *connection;
        RpcOptions options;
        atomic_uint calls; /* any thread's: open now */
};

/* The channel consumes the socket. It is of the core's direct kind: no resolver, no reconnecting; when the connection
 * is gone every call says so at once. */
static grpc_channel *channel_over(int take_fd, const RpcOptions *options) {
        RpcChannelArgs args;
        rpc_channel_args_init(&args, options);
        grpc_channel_credentials *credentials = grpc_insecure_credentials_create();
        grpc_channel *channel = grpc_channel_create_from_fd("localhost", take_fd, credentials, &args.args);
        grpc_channel_credentials_release(credentials);
        return channel;
}

RpcClient *rpc_client_connect(const char *path, int timeout_ms, RpcOptions options, GError **error) {
        int fd = rpc_socket_connect(path, timeout_ms, error);
        if (fd < 0)
                return NULL;
        RpcConnection *connection = rpc_connection_new(fd);
        if (!connection) {
                g_set_error(error, RV_ERROR, RV_ERROR_LIMIT, "no descriptors left to connect to %s", path);
                close(fd);
                return NULL;
        }
        RpcClient *client = g_new0(RpcClient, 1);
        client->options = rpc_options_resolve(options);
        client->connection = connection;
        client->channel = channel_over(fd, &client->options);
        atomic_init(&client->calls, 0);
        return client;
}

static RpcCall *open_call(RpcClient *client, const ProtobufCServiceDescriptor *service, const char *method,
                          const void *request, gpr_timespec deadline) {
        const ProtobufCMethodDescriptor *types = protobuf_c_service_descriptor_get_method_by_name(service, method);
        g_assert(types);
        if (!rpc_connection_alive(client->connection))
                return NULL;
        g_autofree char *path = rpc_method_path(service, method);
        grpc_slice path_slice = grpc_slice_from_copied_string(path);
        grpc_completion_queue *queue = grpc_completion_queue_create_for_next(NULL);
        RpcCallParts parts = {
                .core = grpc_channel_create_call(client->channel, NULL, GRPC_PROPAGATE_DEFAULTS, queue, path_slice,
                                                 NULL, deadline, NULL),
                .queue = queue,
                .connection = rpc_connection_ref(client->connection),
                .incoming = types->output,
                .options = &client->options,
                .open_calls = &client->calls,
        };
        grpc_slice_unref(path_slice);
        return rpc_call_new_client(parts, request);
}

RpcCall *rpc_client_open(RpcClient *client, const ProtobufCServiceDescriptor *service, const char *method,
                         const void *request) {
        return open_call(client, service, method, request, gpr_inf_future(GPR_CLOCK_MONOTONIC));
}

/* The one answer, and the server's word that it was the only one. */
static void *read_answer(RpcCall *call, int timeout_ms) {
        if (rpc_wait(call, timeout_ms + RPC_PATIENCE_MS) != RPC_EVENT_MESSAGE)
                return NULL;
        void *response = rpc_read(call);
        if (response && rpc_wait(call, timeout_ms + RPC_PATIENCE_MS) == RPC_EVENT_END)
                return response;
        rpc_message_free(response);
        return NULL;
}

RpcStatus rpc_client_call(RpcClient *client, const ProtobufCServiceDescriptor *service, const char *method,
                          const void *request, void **ret_response, int timeout_ms) {
        g_assert(request && timeout_ms > 0);
        RpcCall *call = open_call(client, service, method, request, gpr_time_from_millis(timeout_ms, GPR_TIMESPAN));
        if (!call)
                return rpc_status(RPC_CODE_UNAVAILABLE, "the connection is gone");
        void *response = read_answer(call, timeout_ms);
        RpcStatus status = rpc_close(call);
        if (status.code == RPC_CODE_OK && !response)
                status = rpc_status(RPC_CODE_INTERNAL, "%s was answered without a response", method);
        if (status.code == RPC_CODE_OK)
                *ret_response = response;
        else
                rpc_message_free(response);
        return status;
}

void rpc_client_shut(RpcClient *client) {
        rpc_connection_cut(client->connection);
}

void rpc_client_free(RpcClient *client) {
        if (!client)
                return;
        g_assert(atomic_load(&client->calls) == 0);
        grpc_channel_destroy(client->channel);
        rpc_connection_cut(client->connection);
        rpc_connection_unref(client->connection);
        g_free(client);
}
