#include <string.h>

#include "core/record/evidence/evidence_private.h"
#include "proto/base/log.h"

/* --- streams: the server's thread --------------------------------------------------------------------------------- */

static void free_event(void *event) {
        evidence_event_free(event);
}

void evidence_stream_unref(EvidenceStream *stream) {
        if (atomic_fetch_sub(&stream->refs, 1) != 1)
                return;
        g_queue_clear_full(&stream->waiting, free_event);
        evidence_event_free(stream->hello);
        g_free(stream);
}

void evidence_stream_make_ready(EvidenceStream *stream) {
        if (stream->ready)
                return;
        stream->ready = true;
        g_queue_push_tail(&stream->service->ready, stream);
        pthread_cond_signal(&stream->service->news);
}

/* What waits is recorded first. The first word counts. */
static void end_stream(EvidenceStream *stream, RpcStatus status) {
        pthread_mutex_lock(&stream->service->lock);
        if (!stream->ending) {
                stream->ending = true;
                stream->status = status;
                evidence_stream_make_ready(stream);
        }
        pthread_mutex_unlock(&stream->service->lock);
}

static void *stream_opened(void *user, RpcFlow *flow) {
        EvidenceService *service = user;
        EvidenceStream *stream = g_new0(EvidenceStream, 1);
        atomic_init(&stream->refs, 2);
        stream->service = service;
        stream->flow = flow;
        stream->refused = -1;
        g_queue_init(&stream->waiting);
        pthread_mutex_lock(&service->lock);
        service->stats.streams++;
        pthread_mutex_unlock(&service->lock);
        rpc_flow_next(flow);
        return stream;
}

/* A stream is one session's, and says so first: acknowledgements of others would mean nothing to who reads them.
 * INV-EVIDENCE-103 */
static RpcStatus fault_of(const EvidenceStream *stream, const EvidenceEvent *event) {
        const EvidenceEvent *hello = stream->hello;
        if (!event)
                return rpc_status(RPC_CODE_INVALID_ARGUMENT, "not an evidence event of schema version %d",
                                  EVIDENCE_SCHEMA_VERSION);
        if (!hello && event->kind != EVIDENCE_HELLO)
                return rpc_status(RPC_CODE_FAILED_PRECONDITION, "a stream begins with hello");
        if (hello &&
            (strcmp(hello->session_id, event->session_id) != 0 || strcmp(hello->channel_id, event->channel_id) != 0))
                return rpc_status(RPC_CODE_INVALID_ARGUMENT, "the stream is of session %s, not of %s",
                                  hello->session_id, event->session_id);
        if (hello && event->kind == EVIDENCE_HELLO)
                return rpc_status(RPC_CODE_INVALID_ARGUMENT, "the stream has said hello before");
        return RPC_OK;
}

static void take_event(EvidenceStream *stream, EvidenceEvent *take_event) {
        pthread_mutex_lock(&stream->service->lock);
        const bool taken = !stream->ending;
        if (taken) {
                if (take_event->kind == EVIDENCE_HELLO)
                        stream->hello = evidence_event_copy(take_event);
                g_queue_push_tail(&stream->waiting, take_event);
                stream->paused = stream->waiting.length >= STREAM_WAITING_MAX; /* INV-EVIDENCE-104 */
                evidence_stream_make_ready(stream);
        }
        const bool more = taken && !stream->paused;
        pthread_mutex_unlock(&stream->service->lock);
        if (more)
                rpc_flow_next(stream->flow);
        if (!taken)
                evidence_event_free(take_event);
}

static void stream_message(void *peer, void *take_message) {
        EvidenceStream *stream = peer;
        EvidenceEvent *event = evidence_event_from_message(take_message);
        rpc_message_free(take_message);
        const RpcStatus fault = fault_of(stream, event);
        if (fault.code == RPC_CODE_OK) {
                take_event(stream, event);
        } else {
                evidence_event_free(event);
                end_stream(stream, fault);
        }
}

static void stream_ended(void *peer) {
        EvidenceStream *stream = peer;
        end_stream(stream, RPC_OK);
        evidence_stream_unref(stream);
}

/* --- the service -------------------------------------------------------------------------------------------------- */

static void run(void *user) {
        while (evidence_group_run(user))
                continue;
}

EvidenceService *evidence_service_new(RpcServer *server, const EvidenceRecorder *recorder, GError **error) {
        static const RpcFlowOps flow = {stream_opened, stream_message, stream_ended};
        static const RpcMethod methods[] = {{.name = "EvidenceStream", .flow = &flow}};
        EvidenceService *service = g_new0(EvidenceService, 1);
        service->recorder = *recorder;
        g_queue_init(&service->ready);
        pthread_mutex_init(&service->lock, NULL);
        pthread_cond_init(&service->news, NULL);
        service->thread = rv_thread_start("evidence", RV_PRIORITY_NORMAL, run, service, error);
        if (!service->thread) {
                evidence_service_free(service);
                return NULL;
        }
        rpc_server_add(server, &retrovue__evidence__v1__evidence__descriptor, methods, G_N_ELEMENTS(methods), service);
        return service;
}

void evidence_service_free(EvidenceService *service) {
        if (!service)
                return;
        pthread_mutex_lock(&service->lock);
        service->stopping = true;
        pthread_cond_signal(&service->news);
        pthread_mutex_unlock(&service->lock);
        rv_thread_join(service->thread);
        pthread_cond_destroy(&service->news);
        pthread_mutex_destroy(&service->lock);
        g_free(service);
}

EvidenceServiceStats evidence_service_stats(EvidenceService *service) {
        pthread_mutex_lock(&service->lock);
        const EvidenceServiceStats stats = service->stats;
        pthread_mutex_unlock(&service->lock);
        return stats;
}
