#include <string.h>

#include "core/record/evidence/evidence.h"
#include "proto/base/log.h"

typedef Retrovue__Evidence__V1__EvidenceFromAir EvidenceMessage;
typedef Retrovue__Evidence__V1__EvidenceAck AckMessage;

struct EvidenceService {
        EvidenceRecorder recorder;
};

static bool acknowledge(RpcCall *call, char *session_id, int64_t sequence) {
        AckMessage ack = RETROVUE__EVIDENCE__V1__EVIDENCE_ACK__INIT;
        ack.playout_session_id = session_id;
        ack.acked_sequence = sequence;
        return rpc_write(call, &ack);
}

/* The next event, or NULL: no more, or what came is none (*ret_status tells). */
static EvidenceEvent *read_event(RpcCall *call, RpcStatus *ret_status) {
        EvidenceMessage *message = rpc_read(call);
        if (!message)
                return NULL;
        EvidenceEvent *event = evidence_event_from_message(message);
        rpc_message_free(message);
        if (!event)
                *ret_status = rpc_status(RPC_CODE_INVALID_ARGUMENT, "not an evidence event of schema version %d",
                                         EVIDENCE_SCHEMA_VERSION);
        return event;
}

/* Hello is answered with what we hold, so that the engine sends what is above it and nothing twice. INV-EVIDENCE-101 */
static bool greet(EvidenceService *service, RpcCall *call, const EvidenceEvent *hello) {
        const EvidenceRecorder *recorder = &service->recorder;
        int64_t last = recorder->last_sequence(recorder->user, hello->channel_id, hello->session_id);
        rv_info("evidence.hello", RV_S("channel", hello->channel_id), RV_S("session", hello->session_id),
                RV_I("held", last), RV_I("emitted", hello->last_sequence_emitted));
        if (hello->first_sequence_available > last + 1) /* neither side has it any more */
                rv_warning("evidence.hole", RV_S("channel", hello->channel_id), RV_S("session", hello->session_id),
                           RV_I("held", last), RV_I("available_from", hello->first_sequence_available));
        return acknowledge(call, hello->session_id, last);
}

/* INV-EVIDENCE-102: acknowledged when it is on disk, not before. */
static bool keep(EvidenceService *service, RpcCall *call, const EvidenceEvent *event, RpcStatus *ret_status) {
        g_autoptr(GError) error = NULL;
        const EvidenceRecorder *recorder = &service->recorder;
        if (recorder->record(recorder->user, event, &error))
                return acknowledge(call, event->session_id, event->sequence);
        rv_error("evidence.not_recorded", RV_S("channel", event->channel_id), RV_S("session", event->session_id),
                 RV_I("sequence", event->sequence), RV_S("error", error->message));
        *ret_status = rpc_status(RPC_CODE_UNAVAILABLE, "%s", error->message);
        return false;
}

/* A stream is one session's, and says so first: acknowledgements of others would mean nothing to who reads them.
 * INV-EVIDENCE-103 */
static bool belongs(const EvidenceEvent *hello, const EvidenceEvent *event, RpcStatus *ret_status) {
        if (!hello)
                *ret_status = rpc_status(RPC_CODE_FAILED_PRECONDITION, "a stream begins with hello");
        else if (strcmp(hello->session_id, event->session_id) != 0 || strcmp(hello->channel_id, event->channel_id) != 0)
                *ret_status = rpc_status(RPC_CODE_INVALID_ARGUMENT, "the stream is of session %s, not of %s",
                                         hello->session_id, event->session_id);
        else
                return true;
        return false;
}

static RpcStatus take_stream(void *user, RpcCall *call, const void *request) {
        EvidenceService *service = user;
        RpcStatus status = RPC_OK;
        g_autoptr(EvidenceEvent) hello = NULL;
        bool go_on = true;
        while (go_on) {
                g_autoptr(EvidenceEvent) event = read_event(call, &status);
                if (!event)
                        break;
                if (event->kind == EVIDENCE_HELLO && !hello) {
                        hello = g_steal_pointer(&event);
                        go_on = greet(service, call, hello);
                } else {
                        go_on = belongs(hello, event, &status) && keep(service, call, event, &status);
                }
        }
        return status;
}

static const RpcMethod methods[] = {{.name = "EvidenceStream", .stream = take_stream, .client_streams = true}};

EvidenceService *evidence_service_new(RpcServer *server, const EvidenceRecorder *recorder) {
        EvidenceService *service = g_new0(EvidenceService, 1);
        service->recorder = *recorder;
        rpc_server_add(server, &retrovue__evidence__v1__evidence__descriptor, methods, G_N_ELEMENTS(methods), service);
        return service;
}

void evidence_service_free(EvidenceService *service) {
        g_free(service);
}
