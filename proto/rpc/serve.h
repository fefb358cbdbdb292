/*
 * What becomes of a call that the core hands to the server: unary calls go to the main context (unary.c), streams get a
 * thread (stream.c), flows stay on the server's (flow.c). Arrivals and completions come on the server's thread, which
 * never blocks.
 */
#pragma once

#include <grpc/grpc.h>
#include <stdatomic.h>

#include "proto/rpc/connections.h"
#include "proto/rpc/rpc.h"

/* The tag of everything that the server's queue reports: what to do with it. Begins the struct that it belongs to. */
typedef struct RpcCompletion RpcCompletion;
struct RpcCompletion {
        void (*done)(RpcCompletion *self, bool ok);
};

/* A method and whose it is. */
typedef struct {
        const RpcMethod *row;
        const ProtobufCMethodDescriptor *types;
        void *user;
} RpcTarget;

/* A call as it arrives. */
typedef struct {
        grpc_call *core;
        gpr_timespec deadline;
        grpc_byte_buffer *payload; /* the request; NULL where the client streams, or sent none */
} RpcArrival;

/* How many calls have arrived and not yet been answered to the end. Any thread. */
typedef struct {
        atomic_uint n;
        int none_fd; /* an eventfd, written to whenever there is none any more */
} RpcOpenCalls;
void rpc_open_calls_add(RpcOpenCalls *calls);
void rpc_open_calls_remove(RpcOpenCalls *calls);

/* Ends a call bound to the server's queue with nothing but a status. */
void rpc_refuse(grpc_call *take_call, RpcOpenCalls *calls, RpcStatus status);

/* --- unary calls: in the order of their arrival on the main context --------------------------------------------- */

typedef struct RpcUnaries RpcUnaries;

RpcUnaries *rpc_unaries_new(GMainContext *context, RpcOpenCalls *calls, size_t max_message_bytes);
/* target outlives the call. */
void rpc_unaries_take(RpcUnaries *unaries, const RpcTarget *target, RpcArrival take_arrival);
/* From now on no handler runs: what waits and what still comes is refused. On the context's thread. */
void rpc_unaries_close(RpcUnaries *unaries);
/* On the context's thread, when every call has ended. NULL is allowed. */
void rpc_unaries_free(RpcUnaries *unaries);

/* --- streams: a thread each -------------------------------------------------------------------------------------- */

typedef struct RpcStreams RpcStreams;

RpcStreams *rpc_streams_new(RpcOpenCalls *calls, const RpcOptions *options);
/* queue: the one that the call is bound to. target outlives the call. */
void rpc_streams_take(RpcStreams *streams, const RpcTarget *target, RpcArrival take_arrival,
                      grpc_completion_queue *take_queue, RpcConnection *take_connection);
/* From now on no handler is begun: streams that still come are refused. Those that run are woken. */
void rpc_streams_close(RpcStreams *streams);
/* Joins every thread. NULL is allowed. */
void rpc_streams_free(RpcStreams *streams);

/* --- flows: on the server's thread ---------------------------------------------------------------------------------
 */

/* The call is bound to the server's queue. target and options outlive it. */
void rpc_flow_take(RpcOpenCalls *calls, const RpcOptions *options, const RpcTarget *target, RpcArrival take_arrival,
                   RpcConnection *take_connection);

/* --- what the standard services ask of the server ---------------------------------------------------------------- */

size_t rpc_server_n_services(const RpcServer *server);
const ProtobufCServiceDescriptor *rpc_server_service(const RpcServer *server, size_t index);
/* What health checks answer, and who watches. */
typedef struct RpcHealth RpcHealth;
/* Adds health checking and reflection. */
RpcHealth *rpc_standard_add(RpcServer *server);
void rpc_health_set(RpcHealth *health, bool serving);
/* Nothing is served any more: tells who watches, and that this is the end of it. */
void rpc_health_end(RpcHealth *health);
/* When every call has ended. */
void rpc_health_free(RpcHealth *health);
