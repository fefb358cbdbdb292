/* What every part of rpc needs: messages to and from bytes, limits, time spans, and the core's options. Any thread. */
#pragma once

#include <grpc/grpc.h>

#include "proto/rpc/rpc.h"

/* How long something that must come by itself is waited for before the next stronger means. */
#define RPC_PATIENCE_MS 500

/* The core is not built for thread sanitizer, which therefore does not see that a batch is handed over and back: say so
 * of its tag before it is started and after it has come out of the queue. */
#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_THREAD__) || __has_feature(thread_sanitizer)
void __tsan_acquire(void *address);
void __tsan_release(void *address);
#define RPC_HANDED_OVER(address) __tsan_release(address)
#define RPC_HANDED_BACK(address) __tsan_acquire(address)
#else
#define RPC_HANDED_OVER(address) (void)(address)
#define RPC_HANDED_BACK(address) (void)(address)
#endif

/* The options with their defaults filled in. */
RpcOptions rpc_options_resolve(RpcOptions options);
/* How long a write may be held up by a peer that does not read: the time in which keepalive finds a dead reader. */
int rpc_options_stall_ms(const RpcOptions *options);

#define RPC_CHANNEL_ARGS_MAX 16
typedef struct {
        grpc_arg arg[RPC_CHANNEL_ARGS_MAX];
        grpc_channel_args args;
} RpcChannelArgs;
/* Points into itself: do not copy. */
void rpc_channel_args_init(RpcChannelArgs *args, const RpcOptions *options);

/* "/package.Service/Method". Free with g_free. */
char *rpc_method_path(const ProtobufCServiceDescriptor *service, const char *method);

/* NULL when the message is larger than max_bytes. Free with grpc_byte_buffer_destroy. */
grpc_byte_buffer *rpc_message_pack(const void *message, size_t max_bytes);
/* NULL when it is not such a message (or there is no buffer). Free with rpc_message_free. */
void *rpc_message_unpack(const ProtobufCMessageDescriptor *type, grpc_byte_buffer *buffer);
/* An empty message. Free with rpc_message_free. */
void *rpc_message_new(const ProtobufCMessageDescriptor *type);

/* A wait of at most so long: monotonic, for the core's queues. */
typedef struct {
        int64_t mono_ns; /* INT64_MAX = for ever */
} RpcDeadline;
/* timeout_ms < 0: for ever. */
RpcDeadline rpc_deadline_in(int timeout_ms);
bool rpc_deadline_passed(RpcDeadline deadline);
/* What is left of it, in the form that the core waits for. */
gpr_timespec rpc_deadline_left(RpcDeadline deadline);
