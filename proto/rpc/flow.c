#include <pthread.h>
#include <stdatomic.h>

#include "proto/base/log.h"
#include "proto/rpc/message.h"
#include "proto/rpc/serve.h"

enum {
        MAX_WRITES = 64,  /* that wait for the peer to read */
        MAX_CALLS = 8192, /* of any kind, open at once */
};

/* The tag of one of a flow's batches. */
typedef struct {
        RpcCompletion came; /* first */
        RpcFlow *flow;
} Tag;

struct RpcFlow {
        atomic_int refs; /* the handler's until rpc_flow_finish, and the server's until the call is over */
        const RpcTarget *target;
        size_t max_message_bytes;
        RpcOpenCalls *calls;
        RpcConnection *connection; /* NULL when it was gone at once */
        Tag read, write, end;

        /* The server's thread's own. */
        void *peer;
        bool told_ended;

        pthread_mutex_t lock; /* guards: */
        grpc_call *core;      /* NULL: the call is over and nothing of it in flight */
        bool reading, writing;
        bool over; /* the other end, the connection or we have ended it */
        bool read_ended, write_failed, status_sent;
        bool finished;    /* by the handler, with: */
        RpcStatus status; /* fault, if there is one, goes before it */
        RpcStatus fault;
        GQueue writes; /* grpc_byte_buffer */
        grpc_byte_buffer *sending;
        grpc_byte_buffer *incoming; /* the core's while a read is in flight */
        int cancelled;              /* the core's to write; nobody asks */
};

/* --- batches: with the lock held ---------------------------------------------------------------------------------- */

static void start(RpcFlow *flow, Tag *tag, const grpc_op *ops, size_t n_ops) {
        RPC_HANDED_OVER(&tag->came);
        grpc_call_error error = grpc_call_start_batch(flow->core, ops, n_ops, &tag->came, NULL);
        g_assert(error == GRPC_CALL_OK);
}

static void start_read(RpcFlow *flow) {
        if (flow->over || flow->reading || flow->read_ended || flow->finished)
                return;
        const grpc_op op = {.op = GRPC_OP_RECV_MESSAGE, .data.recv_message.recv_message = &flow->incoming};
        flow->reading = true;
        start(flow, &flow->read, &op, 1);
}

static void send_status(RpcFlow *flow) {
        const RpcStatus *status = flow->fault.code != RPC_CODE_OK ? &flow->fault : &flow->status;
        grpc_slice details = grpc_slice_from_copied_string(status->message);
        const grpc_op op = {
                .op = GRPC_OP_SEND_STATUS_FROM_SERVER,
                .data.send_status_from_server = {.status = (grpc_status_code)status->code, .status_details = &details}};
        flow->status_sent = flow->writing = true;
        start(flow, &flow->write, &op, 1);
        grpc_slice_unref(details);
}

/* What waits to be sent, then how it ended. */
static void send_next(RpcFlow *flow) {
        if (flow->over || flow->writing || flow->write_failed || flow->status_sent)
                return;
        flow->sending = g_queue_pop_head(&flow->writes);
        if (flow->sending) {
                const grpc_op op = {.op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = flow->sending};
                flow->writing = true;
                start(flow, &flow->write, &op, 1);
        } else if (flow->finished) {
                send_status(flow);
        }
}

/* --- the end ------------------------------------------------------------------------------------------------------ */

static void destroy_buffer(void *buffer) {
        grpc_byte_buffer_destroy(buffer);
}

static void unref(RpcFlow *flow) {
        if (atomic_fetch_sub(&flow->refs, 1) != 1)
                return;
        g_queue_clear_full(&flow->writes, destroy_buffer);
        rpc_connection_unref(flow->connection);
        pthread_mutex_destroy(&flow->lock);
        g_free(flow);
}

static void tell_ended(RpcFlow *flow) {
        if (flow->told_ended)
                return;
        flow->told_ended = true;
        flow->target->row->flow->ended(flow->peer);
}

/* Once the call is over and all its batches are back: the core gives nothing more, and must be asked for nothing. */
static void retire_if_over(RpcFlow *flow) {
        pthread_mutex_lock(&flow->lock);
        const bool gone = flow->over && !flow->reading && !flow->writing;
        grpc_call *core = gone ? g_steal_pointer(&flow->core) : NULL;
        pthread_mutex_unlock(&flow->lock);
        if (!core)
                return;
        tell_ended(flow);
        grpc_call_unref(core);
        rpc_open_calls_remove(flow->calls);
        unref(flow);
}

/* --- batches that have come back: the server's thread --------------------------------------------------------------
 */

static void deliver(RpcFlow *flow, grpc_byte_buffer *take_buffer) {
        void *message = rpc_message_unpack(flow->target->types->input, take_buffer);
        grpc_byte_buffer_destroy(take_buffer);
        if (message) {
                flow->target->row->flow->message(flow->peer, message);
                return;
        }
        pthread_mutex_lock(&flow->lock);
        flow->read_ended = true;
        flow->fault = rpc_status(RPC_CODE_INVALID_ARGUMENT, "what came is not a %s",
                                 flow->target->types->input->name); /* INV-RPC-003 */
        pthread_mutex_unlock(&flow->lock);
        tell_ended(flow);
}

static void read_came(RpcCompletion *self, bool ok) {
        RpcFlow *flow = ((Tag *)self)->flow;
        pthread_mutex_lock(&flow->lock);
        grpc_byte_buffer *buffer = g_steal_pointer(&flow->incoming);
        const bool wanted = buffer && !flow->finished;
        flow->reading = false;
        flow->read_ended |= !buffer;
        pthread_mutex_unlock(&flow->lock);
        if (wanted)
                deliver(flow, buffer);
        else if (buffer)
                grpc_byte_buffer_destroy(buffer);
        else
                tell_ended(flow);
        retire_if_over(flow);
}

static void tell_room(RpcFlow *flow) {
        const RpcFlowOps *ops = flow->target->row->flow;
        if (ops->room && !flow->told_ended)
                ops->room(flow->peer);
}

static void write_came(RpcCompletion *self, bool ok) {
        RpcFlow *flow = ((Tag *)self)->flow;
        pthread_mutex_lock(&flow->lock);
        g_clear_pointer(&flow->sending, grpc_byte_buffer_destroy);
        flow->writing = false;
        flow->write_failed |= !ok;
        send_next(flow);
        const bool has_room = !flow->writing && !flow->over && !flow->finished;
        pthread_mutex_unlock(&flow->lock);
        if (has_room)
                tell_room(flow);
        retire_if_over(flow);
}

static void end_came(RpcCompletion *self, bool ok) {
        RpcFlow *flow = ((Tag *)self)->flow;
        pthread_mutex_lock(&flow->lock);
        flow->over = true;
        pthread_mutex_unlock(&flow->lock);
        retire_if_over(flow);
}

static Tag tag_of(RpcFlow *flow, void (*came)(RpcCompletion *self, bool ok)) {
        return (Tag){.came.done = came, .flow = flow};
}

static void begin(RpcFlow *flow) {
        const grpc_op end = {.op = GRPC_OP_RECV_CLOSE_ON_SERVER,
                             .data.recv_close_on_server.cancelled = &flow->cancelled};
        const grpc_op open = {.op = GRPC_OP_SEND_INITIAL_METADATA};
        pthread_mutex_lock(&flow->lock);
        start(flow, &flow->end, &end, 1);
        flow->writing = true;
        start(flow, &flow->write, &open, 1);
        pthread_mutex_unlock(&flow->lock);
}

static RpcFlow *flow_new(RpcOpenCalls *calls, const RpcOptions *options, const RpcTarget *target, grpc_call *core,
                         RpcConnection *take_connection) {
        RpcFlow *flow = g_new0(RpcFlow, 1);
        atomic_init(&flow->refs, 2);
        flow->target = target;
        flow->max_message_bytes = options->max_message_bytes;
        flow->calls = calls;
        flow->connection = take_connection;
        flow->read = tag_of(flow, read_came);
        flow->write = tag_of(flow, write_came);
        flow->end = tag_of(flow, end_came);
        flow->core = core;
        pthread_mutex_init(&flow->lock, NULL);
        g_queue_init(&flow->writes);
        return flow;
}

/* OK: the call may be taken; *ret_request is what is asked, or NULL where the client streams. */
static RpcStatus admit(const RpcOpenCalls *calls, const RpcTarget *target, grpc_byte_buffer *payload,
                       void **ret_request) {
        if (atomic_load(&calls->n) >= MAX_CALLS) {
                rv_warning("rpc.refused", RV_S("reason", "too_many_streams"));
                return rpc_status(RPC_CODE_RESOURCE_EXHAUSTED, "there are too many calls");
        }
        *ret_request = NULL;
        if (!target->row->flow->asked)
                return RPC_OK;
        *ret_request = rpc_message_unpack(target->types->input, payload);
        return *ret_request ? RPC_OK
                            : rpc_status(RPC_CODE_INVALID_ARGUMENT, "what came is not a %s",
                                         target->types->input->name); /* INV-RPC-003 */
}

void rpc_flow_take(RpcOpenCalls *calls, const RpcOptions *options, const RpcTarget *target, RpcArrival take_arrival,
                   RpcConnection *take_connection) {
        const RpcFlowOps *ops = target->row->flow;
        void *request = NULL;
        const RpcStatus status = admit(calls, target, take_arrival.payload, &request);
        grpc_byte_buffer_destroy(take_arrival.payload);
        if (status.code != RPC_CODE_OK) {
                rpc_connection_unref(take_connection);
                rpc_refuse(take_arrival.core, calls, status);
                return;
        }
        RpcFlow *flow = flow_new(calls, options, target, take_arrival.core, take_connection);
        rpc_open_calls_add(calls);
        begin(flow);
        flow->peer = ops->asked ? ops->asked(target->user, flow, request) : ops->opened(target->user, flow);
        rpc_message_free(request);
}

/* --- the handler's, on any thread ----------------------------------------------------------------------------------
 */

void rpc_flow_next(RpcFlow *flow) {
        pthread_mutex_lock(&flow->lock);
        start_read(flow);
        pthread_mutex_unlock(&flow->lock);
}

/* Who sends but does not read is cut off: the core gives nothing back of what such a peer does not take. */
static void cut_off(RpcFlow *flow) {
        rv_warning("rpc.cut", RV_S("reason", "peer_does_not_read"));
        flow->write_failed = true;
        if (flow->core)
                (void)grpc_call_cancel(flow->core, NULL);
        rpc_connection_cut(flow->connection); /* INV-RPC-001 */
}

bool rpc_flow_write(RpcFlow *flow, const void *message) {
        grpc_byte_buffer *buffer = rpc_message_pack(message, flow->max_message_bytes);
        pthread_mutex_lock(&flow->lock);
        g_assert(!flow->finished);
        const bool open = buffer && !flow->over && !flow->write_failed;
        if (open && g_queue_get_length(&flow->writes) >= MAX_WRITES)
                cut_off(flow);
        const bool taken = open && !flow->write_failed;
        if (taken)
                g_queue_push_tail(&flow->writes, g_steal_pointer(&buffer));
        send_next(flow);
        pthread_mutex_unlock(&flow->lock);
        grpc_byte_buffer_destroy(buffer);
        return taken;
}

bool rpc_flow_has_room(RpcFlow *flow) {
        pthread_mutex_lock(&flow->lock);
        const bool has_room = !flow->writing && g_queue_is_empty(&flow->writes);
        pthread_mutex_unlock(&flow->lock);
        return has_room;
}

void rpc_flow_finish(RpcFlow *take_flow, RpcStatus status) {
        RpcFlow *flow = take_flow;
        pthread_mutex_lock(&flow->lock);
        g_assert(!flow->finished);
        flow->finished = true;
        flow->status = status;
        send_next(flow);
        pthread_mutex_unlock(&flow->lock);
        unref(flow);
}

void rpc_flow_cut(RpcFlow *flow) {
        pthread_mutex_lock(&flow->lock);
        if (!flow->over)
                cut_off(flow);
        pthread_mutex_unlock(&flow->lock);
}
