#include <pthread.h>
#include <stdatomic.h>

#include "proto/base/log.h"
#include "proto/base/thread.h"
#include "proto/rpc/call.h"
#include "proto/rpc/message.h"
#include "proto/rpc/serve.h"

/* Each is a thread of some 35 kB. */
enum { MAX_STREAMS = 512 };

typedef struct {
        RpcStreams *streams;
        const RpcTarget *target;
        grpc_byte_buffer *payload;
        RpcCall *conversation; /* the thread's own */

        /* Guarded by the lock of streams: */
        RvThread *thread;
        RpcCall *wakeable; /* the same, as long as others may wake it */
        bool ended;        /* the thread has nothing more to do: joining it does not wait */
} Stream;

struct RpcStreams {
        RpcOpenCalls *calls;
        const RpcOptions *options;
        atomic_bool closed;
        pthread_mutex_t lock; /* guards: */
        GPtrArray *all;       /* Stream */
};

RpcStreams *rpc_streams_new(RpcOpenCalls *calls, const RpcOptions *options) {
        RpcStreams *streams = g_new0(RpcStreams, 1);
        atomic_init(&streams->closed, false);
        streams->calls = calls;
        streams->options = options;
        pthread_mutex_init(&streams->lock, NULL);
        streams->all = g_ptr_array_new();
        return streams;
}

static RpcStatus converse(Stream *stream) {
        const RpcTarget *target = stream->target;
        if (atomic_load(&stream->streams->closed))
                return rpc_status(RPC_CODE_UNAVAILABLE, "the server is ending");
        if (target->row->client_streams)
                return target->row->stream(target->user, stream->conversation, NULL);
        void *request = rpc_message_unpack(target->types->input, stream->payload);
        if (!request) /* INV-RPC-003 */
                return rpc_status(RPC_CODE_INVALID_ARGUMENT, "what came is not a %s", target->types->input->name);
        RpcStatus status = target->row->stream(target->user, stream->conversation, request);
        rpc_message_free(request);
        return status;
}

static void run(void *user) {
        Stream *stream = user;
        RpcStatus status = converse(stream);
        pthread_mutex_lock(&stream->streams->lock);
        stream->wakeable = NULL;
        pthread_mutex_unlock(&stream->streams->lock);
        rpc_call_finish(stream->conversation, status);
        grpc_byte_buffer_destroy(stream->payload);
        rpc_open_calls_remove(stream->streams->calls);
        pthread_mutex_lock(&stream->streams->lock);
        stream->ended = true;
        pthread_mutex_unlock(&stream->streams->lock);
}

static void stream_join(Stream *stream) {
        rv_thread_join(stream->thread);
        g_free(stream);
}

/* With the lock held. */
static void join_ended(RpcStreams *streams) {
        for (guint i = streams->all->len; i-- > 0;) {
                Stream *stream = g_ptr_array_index(streams->all, i);
                if (stream->ended)
                        stream_join(g_ptr_array_remove_index_fast(streams->all, i));
        }
}

/* With the lock held, so that thread is set before the thread can have ended. */
static bool start(RpcStreams *streams, Stream *stream) {
        if (streams->all->len >= MAX_STREAMS) {
                rv_warning("rpc.refused", RV_S("reason", "too_many_streams"));
                return false;
        }
        g_autoptr(GError) error = NULL;
        stream->thread = rv_thread_start("rpc-stream", RV_PRIORITY_NORMAL, run, stream, &error);
        if (!stream->thread) {
                rv_warning("rpc.refused", RV_S("reason", error->message));
                return false;
        }
        g_ptr_array_add(streams->all, stream);
        return true;
}

void rpc_streams_take(RpcStreams *streams, const RpcTarget *target, RpcArrival take_arrival,
                      grpc_completion_queue *take_queue, RpcConnection *take_connection) {
        RpcCallParts parts = {.core = take_arrival.core,
                              .queue = take_queue,
                              .connection = take_connection,
                              .incoming = target->types->input,
                              .options = streams->options};
        Stream *stream = g_new0(Stream, 1);
        stream->streams = streams;
        stream->target = target;
        stream->payload = take_arrival.payload;
        stream->conversation = rpc_call_new_server(parts, target->row->client_streams);
        stream->wakeable = stream->conversation;
        rpc_open_calls_add(streams->calls);
        pthread_mutex_lock(&streams->lock);
        join_ended(streams);
        bool started = start(streams, stream);
        pthread_mutex_unlock(&streams->lock);
        if (!started) {
                rpc_call_abort(stream->conversation);
                grpc_byte_buffer_destroy(stream->payload);
                rpc_open_calls_remove(streams->calls);
                g_free(stream);
        }
}

void rpc_streams_close(RpcStreams *streams) {
        atomic_store(&streams->closed, true);
        pthread_mutex_lock(&streams->lock);
        for (guint i = 0; i < streams->all->len; i++) {
                Stream *stream = g_ptr_array_index(streams->all, i);
                if (stream->wakeable)
                        rpc_wake(stream->wakeable);
        }
        pthread_mutex_unlock(&streams->lock);
}

void rpc_streams_free(RpcStreams *streams) {
        if (!streams)
                return;
        for (guint i = 0; i < streams->all->len; i++)
                stream_join(g_ptr_array_index(streams->all, i));
        g_ptr_array_unref(streams->all);
        pthread_mutex_destroy(&streams->lock);
        g_free(streams);
}
