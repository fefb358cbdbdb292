#include <pthread.h>

#include "proto/base/log.h"
#include "proto/rpc/message.h"
#include "proto/rpc/serve.h"

typedef struct {
        RpcCompletion replied; /* first: the tag of the reply */
        RpcOpenCalls *calls;
        const RpcTarget *target;
        RpcArrival arrival;
        grpc_byte_buffer *reply;
        int cancelled; /* the core's to write; nobody asks */
} Unary;

typedef struct {
        GSource base;
        RpcUnaries *unaries;
} UnarySource;

struct RpcUnaries {
        RpcOpenCalls *calls;
        size_t max_message_bytes;
        GSource *source;

        pthread_mutex_t lock; /* guards: */
        GQueue waiting;       /* Unary */
        bool closed;
};

static void unary_replied(RpcCompletion *self, bool ok) {
        Unary *unary = (Unary *)self;
        grpc_byte_buffer_destroy(unary->arrival.payload);
        grpc_byte_buffer_destroy(unary->reply);
        grpc_call_unref(unary->arrival.core);
        rpc_open_calls_remove(unary->calls);
        g_free(unary);
}

/* All that is left of the call in one batch: one completion, after which it is gone. */
static void unary_reply(Unary *unary, RpcStatus status) {
        grpc_slice details = grpc_slice_from_copied_string(status.message);
        grpc_op ops[4] = {
                {.op = GRPC_OP_RECV_CLOSE_ON_SERVER, .data.recv_close_on_server.cancelled = &unary->cancelled},
                {.op = GRPC_OP_SEND_INITIAL_METADATA},
                {.op = GRPC_OP_SEND_STATUS_FROM_SERVER,
                 .data.send_status_from_server = {.status = (grpc_status_code)status.code, .status_details = &details}},
        };
        size_t n_ops = 3;
        if (unary->reply)
                ops[n_ops++] = (grpc_op){.op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = unary->reply};
        RPC_HANDED_OVER(&unary->replied);
        grpc_call_error error = grpc_call_start_batch(unary->arrival.core, ops, n_ops, &unary->replied, NULL);
        g_assert(error == GRPC_CALL_OK);
        grpc_slice_unref(details);
}

static Unary *unary_new(RpcOpenCalls *calls, const RpcTarget *target, RpcArrival take_arrival) {
        Unary *unary = g_new0(Unary, 1);
        unary->replied.done = unary_replied;
        unary->calls = calls;
        unary->target = target;
        unary->arrival = take_arrival;
        rpc_open_calls_add(calls);
        return unary;
}

void rpc_refuse(grpc_call *take_call, RpcOpenCalls *calls, RpcStatus status) {
        unary_reply(unary_new(calls, NULL, (RpcArrival){.core = take_call}), status);
}

/* Runs the handler; sets reply when there is one to send. */
static RpcStatus answer(Unary *unary, size_t max_message_bytes) {
        const RpcTarget *target = unary->target;
        /* Its caller has given up, and must not find later that it was done all the same. */
        if (gpr_convert_clock_type(unary->arrival.deadline, GPR_TIMESPAN).tv_sec < 0) /* INV-RPC-005 */
                return rpc_status(RPC_CODE_DEADLINE_EXCEEDED, "%s came to its turn too late", target->row->name);
        void *request = rpc_message_unpack(target->types->input, unary->arrival.payload);
        if (!request) /* INV-RPC-003 */
                return rpc_status(RPC_CODE_INVALID_ARGUMENT, "what came is not a %s", target->types->input->name);
        void *response = rpc_message_new(target->types->output);
        RpcStatus status = target->row->unary(target->user, request, response);
        if (status.code == RPC_CODE_OK) {
                unary->reply = rpc_message_pack(response, max_message_bytes);
                if (!unary->reply)
                        status = rpc_status(RPC_CODE_RESOURCE_EXHAUSTED, "the response is larger than %zu bytes",
                                            max_message_bytes);
        }
        rpc_message_free(response);
        rpc_message_free(request);
        return status;
}

static gboolean dispatch(GSource *source, GSourceFunc callback, gpointer user) {
        RpcUnaries *unaries = ((UnarySource *)source)->unaries;
        g_source_set_ready_time(source, -1);
        pthread_mutex_lock(&unaries->lock);
        GQueue turn = unaries->waiting;
        g_queue_init(&unaries->waiting);
        pthread_mutex_unlock(&unaries->lock);
        Unary *unary;
        while ((unary = g_queue_pop_head(&turn))) /* INV-RPC-002 */
                unary_reply(unary, answer(unary, unaries->max_message_bytes));
        return G_SOURCE_CONTINUE;
}

RpcUnaries *rpc_unaries_new(GMainContext *context, RpcOpenCalls *calls, size_t max_message_bytes) {
        static GSourceFuncs funcs = {.dispatch = dispatch};
        RpcUnaries *unaries = g_new0(RpcUnaries, 1);
        unaries->calls = calls;
        unaries->max_message_bytes = max_message_bytes;
        pthread_mutex_init(&unaries->lock, NULL);
        g_queue_init(&unaries->waiting);
        unaries->source = g_source_new(&funcs, sizeof(UnarySource));
        ((UnarySource *)unaries->source)->unaries = unaries;
        g_source_set_static_name(unaries->source, "rpc unary calls");
        g_source_attach(unaries->source, context);
        return unaries;
}

void rpc_unaries_take(RpcUnaries *unaries, const RpcTarget *target, RpcArrival take_arrival) {
        Unary *unary = unary_new(unaries->calls, target, take_arrival);
        pthread_mutex_lock(&unaries->lock);
        bool closed = unaries->closed;
        if (!closed)
                g_queue_push_tail(&unaries->waiting, unary);
        pthread_mutex_unlock(&unaries->lock);
        if (closed)
                unary_reply(unary, rpc_status(RPC_CODE_UNAVAILABLE, "the server is ending"));
        else
                g_source_set_ready_time(unaries->source, 0);
}

void rpc_unaries_close(RpcUnaries *unaries) {
        g_source_destroy(unaries->source);
        pthread_mutex_lock(&unaries->lock);
        unaries->closed = true;
        pthread_mutex_unlock(&unaries->lock);
        Unary *unary;
        while ((unary = g_queue_pop_head(&unaries->waiting)))
                unary_reply(unary, rpc_status(RPC_CODE_UNAVAILABLE, "the server is ending"));
}

void rpc_unaries_free(RpcUnaries *unaries) {
        if (!unaries)
                return;
        g_assert(g_queue_is_empty(&unaries->waiting));
        g_source_destroy(unaries->source);
        g_source_unref(unaries->source);
        pthread_mutex_destroy(&unaries->lock);
        g_free(unaries);
}
