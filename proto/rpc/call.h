/*
 * One streaming conversation, either end. What rpc.h does not say: how one is made, and how the server ends one.
 *
 * Each has a completion queue of its own, which only the conversation's thread waits on. At most one batch of each kind
 * is in flight; a batch's tag is its place in the call.
 */
#pragma once

#include <grpc/grpc.h>
#include <stdatomic.h>

#include "proto/rpc/connections.h"
#include "proto/rpc/rpc.h"

typedef struct {
        grpc_call *core;              /* consumed */
        grpc_completion_queue *queue; /* consumed; the one that core reports to */
        RpcConnection *connection;    /* consumed; NULL when it is gone already */
        const ProtobufCMessageDescriptor *incoming;
        const RpcOptions *options; /* resolved; outlives the call */
        atomic_uint *open_calls;   /* counts the call while it lives; may be NULL */
} RpcCallParts;

/* client: sends request at once and ends writing; NULL where the client streams. */
RpcCall *rpc_call_new_client(RpcCallParts take_parts, const void *request);
/* reads: whether the client streams messages, which rpc_read then gives. */
RpcCall *rpc_call_new_server(RpcCallParts take_parts, bool reads);
/* Server: sends how it ended, if it is not over already, waits until that is gone, and frees the call. */
void rpc_call_finish(RpcCall *take_call, RpcStatus status);
/* Server: ends it without a word, and without waiting for the peer to read. */
void rpc_call_abort(RpcCall *take_call);
/* Discards what the queue still holds. */
void rpc_queue_free(grpc_completion_queue *queue);
