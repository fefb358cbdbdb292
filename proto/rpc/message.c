#include "proto/rpc/message.h"

#include <glib/gprintf.h>
#include <grpc/byte_buffer_reader.h>
#include <stdarg.h>

#include "proto/base/clock.h"

enum {
        DEFAULT_MESSAGE_BYTES = 1 << 20,
        DEFAULT_KEEPALIVE_MS = 5000,
        DEFAULT_SOCKET_MODE = 0600,
        MAX_STREAMS_PER_CONNECTION = 128,
        HANDSHAKE_MS = 10000
};

RpcStatus rpc_status(RpcCode code, const char *format, ...) {
        RpcStatus status = {.code = code};
        va_list args;
        va_start(args, format);
        (void)g_vsnprintf(status.message, sizeof status.message, format, args);
        va_end(args);
        return status;
}

RpcOptions rpc_options_resolve(RpcOptions options) {
        if (options.max_message_bytes == 0)
                options.max_message_bytes = DEFAULT_MESSAGE_BYTES;
        if (options.keepalive_ms <= 0)
                options.keepalive_ms = DEFAULT_KEEPALIVE_MS;
        if (options.socket_mode == 0)
                options.socket_mode = DEFAULT_SOCKET_MODE;
        g_assert(options.max_message_bytes <= INT32_MAX);
        return options;
}

int rpc_options_stall_ms(const RpcOptions *options) {
        return 2 * options->keepalive_ms;
}

static void add_integer(RpcChannelArgs *args, const char *key, int value) {
        g_assert(args->args.num_args < RPC_CHANNEL_ARGS_MAX);
        args->arg[args->args.num_args++] =
                (grpc_arg){.type = GRPC_ARG_INTEGER, .key = (char *)key, .value.integer = value};
}

void rpc_channel_args_init(RpcChannelArgs *args, const RpcOptions *options) {
        args->args = (grpc_channel_args){.num_args = 0, .args = args->arg};
        add_integer(args, GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, (int)options->max_message_bytes); /* INV-RPC-006 */
        add_integer(args, GRPC_ARG_MAX_CONCURRENT_STREAMS, MAX_STREAMS_PER_CONNECTION);
        add_integer(args, GRPC_ARG_KEEPALIVE_TIME_MS, options->keepalive_ms);
        add_integer(args, GRPC_ARG_KEEPALIVE_TIMEOUT_MS, options->keepalive_ms);
        add_integer(args, GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
        /* Pings are our own on both ends: none is ever a strike. */
        add_integer(args, GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
        add_integer(args, GRPC_ARG_HTTP2_MAX_PING_STRIKES, 0);
        /* Nobody here compresses; what a peer compresses would be inflated before its size is judged. */
        add_integer(args, GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET,
                    1 << GRPC_COMPRESS_NONE); /* INV-RPC-006 */
        /* Who connects by TCP and says nothing, and a second server on the same port. */
        add_integer(args, GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, HANDSHAKE_MS);
        add_integer(args, GRPC_ARG_ALLOW_REUSEPORT, 0);
        /* One machine, one connection: nothing to probe, to retry elsewhere, or to report. */
        add_integer(args, GRPC_ARG_HTTP2_BDP_PROBE, 0);
        add_integer(args, GRPC_ARG_ENABLE_RETRIES, 0);
        add_integer(args, GRPC_ARG_ENABLE_CHANNELZ, 0);
}

char *rpc_method_path(const ProtobufCServiceDescriptor *service, const char *method) {
        return g_strdup_printf("/%s/%s", service->name, method);
}

grpc_byte_buffer *rpc_message_pack(const void *message, size_t max_bytes) {
        size_t size = protobuf_c_message_get_packed_size(message);
        if (size > max_bytes) /* INV-RPC-006 */
                return NULL;
        grpc_slice slice = grpc_slice_malloc(size);
        protobuf_c_message_pack(message, GRPC_SLICE_START_PTR(slice));
        grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);
        grpc_slice_unref(slice);
        return buffer;
}

void *rpc_message_unpack(const ProtobufCMessageDescriptor *type, grpc_byte_buffer *buffer) {
        grpc_byte_buffer_reader reader;
        if (!buffer || !grpc_byte_buffer_reader_init(&reader, buffer))
                return NULL;
        grpc_slice slice = grpc_byte_buffer_reader_readall(&reader);
        void *message = protobuf_c_message_unpack(type, NULL, GRPC_SLICE_LENGTH(slice), GRPC_SLICE_START_PTR(slice));
        grpc_slice_unref(slice);
        grpc_byte_buffer_reader_destroy(&reader);
        return message;
}

void *rpc_message_new(const ProtobufCMessageDescriptor *type) {
        void *message = g_malloc0(type->sizeof_message);
        protobuf_c_message_init(type, message);
        return message;
}

void rpc_message_free(void *message) {
        if (message)
                protobuf_c_message_free_unpacked(message, NULL);
}

RpcDeadline rpc_deadline_in(int timeout_ms) {
        if (timeout_ms < 0)
                return (RpcDeadline){INT64_MAX};
        return (RpcDeadline){rv_clock_mono_ns(rv_clock_system()) + (int64_t)timeout_ms * 1000000};
}

bool rpc_deadline_passed(RpcDeadline deadline) {
        return deadline.mono_ns != INT64_MAX && rv_clock_mono_ns(rv_clock_system()) >= deadline.mono_ns;
}

gpr_timespec rpc_deadline_left(RpcDeadline deadline) {
        if (deadline.mono_ns == INT64_MAX)
                return gpr_inf_future(GPR_CLOCK_MONOTONIC);
        int64_t left_ns = deadline.mono_ns - rv_clock_mono_ns(rv_clock_system());
        return gpr_time_from_nanos(MAX(left_ns, 0), GPR_TIMESPAN);
}
