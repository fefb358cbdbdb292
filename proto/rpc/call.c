#include "proto/rpc/call.h"

#include <stdatomic.h>
#include <string.h>

#include "proto/base/log.h"
#include "proto/rpc/message.h"

typedef enum { BATCH_READ, BATCH_WRITE, BATCH_END, BATCH_WAKE, N_BATCHES } Batch;

struct RpcCall {
        grpc_call *core;
        char tag[N_BATCHES]; /* only their addresses are used */

        /* The conversation's thread's own. */
        grpc_completion_queue *queue;
        RpcConnection *connection;
        const ProtobufCMessageDescriptor *incoming;
        const RpcOptions *options;
        atomic_uint *open_calls;
        bool client;
        bool reads; /* messages can come */
        bool busy[N_BATCHES];
        bool read_ended;   /* the last message has come */
        bool write_failed; /* no message will go any more */
        bool writes_ended; /* by us */
        bool over;         /* the other end, the connection or the deadline has ended it */
        bool woken;
        grpc_byte_buffer *sending;
        grpc_byte_buffer *received; /* read, not yet given to rpc_read */
        RpcStatus fault;            /* how it ended, when the reason is ours */

        /* Where the core writes while a batch is in flight. */
        grpc_byte_buffer *incoming_buffer;
        grpc_metadata_array initial, trailing;
        grpc_status_code code;
        grpc_slice details;
        int cancelled;

        /* Any thread's. */
        atomic_bool wake_queued;
};

/* --- batches --------------------------------------------------------------------------------------------------- */

static void start(RpcCall *call, Batch batch, const grpc_op *ops, size_t n_ops) {
        RPC_HANDED_OVER(&call->tag[batch]);
        call->busy[batch] = true;
        grpc_call_error error = grpc_call_start_batch(call->core, ops, n_ops, &call->tag[batch], NULL);
        g_assert(error == GRPC_CALL_OK);
}

static void start_read(RpcCall *call) {
        if (call->busy[BATCH_READ] || call->received || call->read_ended || !call->reads)
                return;
        const grpc_op op = {.op = GRPC_OP_RECV_MESSAGE, .data.recv_message.recv_message = &call->incoming_buffer};
        start(call, BATCH_READ, &op, 1);
}

static void read_done(RpcCall *call) {
        call->received = g_steal_pointer(&call->incoming_buffer);
        call->read_ended = !call->received;
}

static void write_done(RpcCall *call, bool ok) {
        g_clear_pointer(&call->sending, grpc_byte_buffer_destroy);
        call->write_failed |= !ok;
}

/* One completion and what it means. False: none came in time. */
static bool step(RpcCall *call, RpcDeadline deadline) {
        grpc_event event = grpc_completion_queue_next(call->queue, rpc_deadline_left(deadline), NULL);
        if (event.type != GRPC_OP_COMPLETE)
                return false;
        RPC_HANDED_BACK(event.tag);
        Batch batch = (Batch)((char *)event.tag - call->tag);
        if (batch == BATCH_WAKE) {
                /* An exchange, not a store: what its maker wrote before is seen here. */
                (void)atomic_exchange(&call->wake_queued, false);
                call->woken = true;
                return true;
        }
        call->busy[batch] = false;
        if (batch == BATCH_READ)
                read_done(call);
        else if (batch == BATCH_WRITE)
                write_done(call, event.success);
        else
                call->over = true;
        return true;
}

/* Steps until the batch is back. False: it is not, in time. */
static bool await(RpcCall *call, Batch batch, int timeout_ms) {
        RpcDeadline deadline = rpc_deadline_in(timeout_ms);
        while (call->busy[batch])
                if (!step(call, deadline))
                        return false;
        return true;
}

/* Takes a batch back whatever the other end does: a call that was cancelled gives back all its batches, but for those
 * that wait for a peer which has stopped reading; they come when the connection is cut. */
static void settle(RpcCall *call, Batch batch) {
        if (await(call, batch, RPC_PATIENCE_MS))
                return;
        rv_warning("rpc.cut", RV_S("reason", "peer_does_not_read"));
        rpc_connection_cut(call->connection); /* INV-RPC-001 */
        (void)await(call, batch, -1);
}

/* A write that a live reader does not take in time ends the call, a write that a stopped peer does not take the
 * connection. */
static void settle_write(RpcCall *call) {
        if (await(call, BATCH_WRITE, rpc_options_stall_ms(call->options)))
                return;
        rv_warning("rpc.write_stalled", RV_I("after_ms", rpc_options_stall_ms(call->options)));
        call->fault = rpc_status(RPC_CODE_UNAVAILABLE, "the peer has not read for %d ms",
                                 rpc_options_stall_ms(call->options));
        call->write_failed = true;
        rpc_cancel(call);
        settle(call, BATCH_WRITE);
}

/* --- making and freeing ---------------------------------------------------------------------------------------- */

static RpcCall *call_new(RpcCallParts take_parts) {
        RpcCall *call = g_new0(RpcCall, 1);
        call->core = take_parts.core;
        call->queue = take_parts.queue;
        call->connection = take_parts.connection;
        call->incoming = take_parts.incoming;
        call->options = take_parts.options;
        call->open_calls = take_parts.open_calls;
        if (call->open_calls)
                atomic_fetch_add(call->open_calls, 1);
        call->details = grpc_empty_slice();
        grpc_metadata_array_init(&call->initial);
        grpc_metadata_array_init(&call->trailing);
        atomic_init(&call->wake_queued, false);
        return call;
}

RpcCall *rpc_call_new_client(RpcCallParts take_parts, const void *request) {
        RpcCall *call = call_new(take_parts);
        call->client = true;
        call->reads = true;
        const grpc_op end[] = {
                {.op = GRPC_OP_RECV_INITIAL_METADATA,
                 .data.recv_initial_metadata.recv_initial_metadata = &call->initial},
                {.op = GRPC_OP_RECV_STATUS_ON_CLIENT,
                 .data.recv_status_on_client = {.trailing_metadata = &call->trailing,
                                                .status = &call->code,
                                                .status_details = &call->details}},
        };
        start(call, BATCH_END, end, G_N_ELEMENTS(end));
        if (request)
                call->sending = rpc_message_pack(request, call->options->max_message_bytes);
        const grpc_op open[] = {
                {.op = GRPC_OP_SEND_INITIAL_METADATA},
                {.op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = call->sending},
                {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT},
        };
        start(call, BATCH_WRITE, open, call->sending ? G_N_ELEMENTS(open) : 1);
        call->writes_ended = request != NULL;
        if (request && !call->sending) {
                call->fault = rpc_status(RPC_CODE_RESOURCE_EXHAUSTED, "the request is larger than %zu bytes",
                                         call->options->max_message_bytes);
                rpc_cancel(call);
        }
        return call;
}

RpcCall *rpc_call_new_server(RpcCallParts take_parts, bool reads) {
        RpcCall *call = call_new(take_parts);
        call->reads = reads;
        const grpc_op end = {.op = GRPC_OP_RECV_CLOSE_ON_SERVER,
                             .data.recv_close_on_server.cancelled = &call->cancelled};
        start(call, BATCH_END, &end, 1);
        const grpc_op open = {.op = GRPC_OP_SEND_INITIAL_METADATA};
        start(call, BATCH_WRITE, &open, 1);
        return call;
}

void rpc_queue_free(grpc_completion_queue *queue) {
        grpc_completion_queue_shutdown(queue);
        while (grpc_completion_queue_next(queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL).type != GRPC_QUEUE_SHUTDOWN)
                ;
        grpc_completion_queue_destroy(queue);
}

/* Of a call that has ended or was cancelled. */
static void call_free(RpcCall *call) {
        for (Batch batch = BATCH_READ; batch <= BATCH_END; batch++)
                settle(call, batch);
        grpc_byte_buffer_destroy(call->received);
        grpc_metadata_array_destroy(&call->initial);
        grpc_metadata_array_destroy(&call->trailing);
        grpc_slice_unref(call->details);
        grpc_call_unref(call->core);
        rpc_queue_free(call->queue);
        rpc_connection_unref(call->connection);
        if (call->open_calls)
                atomic_fetch_sub(call->open_calls, 1);
        g_free(call);
}

/* --- reading, writing, waiting --------------------------------------------------------------------------------- */

static bool no_more_messages(const RpcCall *call) {
        if (call->received || call->busy[BATCH_READ])
                return false;
        return call->over || (call->reads && call->read_ended);
}

RpcEvent rpc_wait(RpcCall *call, int timeout_ms) {
        RpcDeadline deadline = rpc_deadline_in(timeout_ms);
        if (!call->over)
                start_read(call);
        while (true) {
                if (call->woken) {
                        call->woken = false;
                        return RPC_EVENT_WOKEN;
                }
                if (call->received)
                        return RPC_EVENT_MESSAGE;
                if (no_more_messages(call))
                        return RPC_EVENT_END;
                if (!step(call, deadline))
                        return RPC_EVENT_TIMEOUT;
        }
}

void *rpc_read(RpcCall *call) {
        if (!call->reads)
                return NULL;
        if (!call->over)
                start_read(call);
        while (!call->received && !no_more_messages(call))
                (void)step(call, rpc_deadline_in(-1));
        if (!call->received)
                return NULL;
        void *message = rpc_message_unpack(call->incoming, call->received);
        g_clear_pointer(&call->received, grpc_byte_buffer_destroy);
        if (!message) { /* INV-RPC-003 */
                call->fault = rpc_status(call->client ? RPC_CODE_INTERNAL : RPC_CODE_INVALID_ARGUMENT,
                                         "what came is not a %s", call->incoming->name);
                call->reads = false;
                if (call->client)
                        rpc_cancel(call);
        }
        return message;
}

bool rpc_write(RpcCall *call, const void *message) {
        g_assert(!call->writes_ended);
        settle_write(call);
        if (call->over || call->write_failed)
                return false;
        call->sending = rpc_message_pack(message, call->options->max_message_bytes);
        if (!call->sending) {
                call->fault = rpc_status(RPC_CODE_RESOURCE_EXHAUSTED, "a message is larger than %zu bytes",
                                         call->options->max_message_bytes);
                call->write_failed = true;
                return false;
        }
        const grpc_op op = {.op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = call->sending};
        start(call, BATCH_WRITE, &op, 1);
        settle_write(call);
        return !call->write_failed;
}

void rpc_wake(RpcCall *call) {
        if (atomic_exchange(&call->wake_queued, true))
                return;
        /* An empty batch completes at once. It is the one kind that any thread may start. */
        grpc_call_error error = grpc_call_start_batch(call->core, NULL, 0, &call->tag[BATCH_WAKE], NULL);
        g_assert(error == GRPC_CALL_OK);
}

void rpc_cancel(RpcCall *call) {
        (void)grpc_call_cancel(call->core, NULL);
}

/* --- ending ---------------------------------------------------------------------------------------------------- */

void rpc_end_writes(RpcCall *call) {
        g_assert(call->client);
        settle_write(call);
        if (call->over || call->write_failed || call->writes_ended)
                return;
        call->writes_ended = true;
        const grpc_op op = {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT};
        start(call, BATCH_WRITE, &op, 1);
}

static RpcStatus status_received(const RpcCall *call) {
        RpcStatus status = {.code = (RpcCode)call->code};
        size_t length = MIN(GRPC_SLICE_LENGTH(call->details), sizeof status.message - 1);
        memcpy(status.message, GRPC_SLICE_START_PTR(call->details), length);
        return status;
}

RpcStatus rpc_close(RpcCall *call) {
        g_assert(call->client);
        /* Where the server has said its last word, how it ended is on its way. */
        (void)await(call, BATCH_END, call->read_ended || call->write_failed ? RPC_PATIENCE_MS : 0);
        if (!call->over)
                rpc_cancel(call);
        settle(call, BATCH_END);
        RpcStatus status = call->fault.code != RPC_CODE_OK ? call->fault : status_received(call);
        call_free(call);
        return status;
}

static void send_status(RpcCall *call, RpcStatus status) {
        grpc_slice details = grpc_slice_from_copied_string(status.message);
        const grpc_op op = {
                .op = GRPC_OP_SEND_STATUS_FROM_SERVER,
                .data.send_status_from_server = {.status = (grpc_status_code)status.code, .status_details = &details}};
        start(call, BATCH_WRITE, &op, 1);
        grpc_slice_unref(details);
        settle_write(call);
}

void rpc_call_finish(RpcCall *take_call, RpcStatus status) {
        RpcCall *call = take_call;
        settle_write(call);
        if (!call->over)
                send_status(call, call->fault.code != RPC_CODE_OK ? call->fault : status);
        settle(call, BATCH_END);
        call_free(call);
}

void rpc_call_abort(RpcCall *take_call) {
        rpc_cancel(take_call);
        settle(take_call, BATCH_END);
        call_free(take_call);
}
