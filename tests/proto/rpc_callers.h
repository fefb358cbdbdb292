/* Callers of the services that rpc_engine.h serves. */
#pragma once

#include "tests/proto/rpc_engine.h"

static inline RpcClient *engine_connect(const char *path, RpcOptions options) {
        g_autoptr(GError) error = NULL;
        rpc_init();
        RpcClient *client = rpc_client_connect(path, 10000, options, &error);
        g_assert_no_error(error);
        return client;
}

static inline RpcStatus call_version(RpcClient *client, int timeout_ms) {
        VersionRequest request = RETROVUE__PLAYOUT__V1__GET_VERSION_REQUEST__INIT;
        void *response = NULL;
        RpcStatus status = rpc_client_call(client, PLAYOUT, "GetVersion", &request, &response, timeout_ms);
        rpc_message_free(response);
        return status;
}

static inline RpcStatus call_attach(RpcClient *client, const char *endpoint, int size, char **ret_detail,
                                    int timeout_ms) {
        AttachRequest request = RETROVUE__PLAYOUT__V1__ATTACH_STREAM_REQUEST__INIT;
        request.endpoint = (char *)endpoint;
        request.transport = (Retrovue__Playout__V1__Transport)size;
        void *response = NULL;
        RpcStatus status = rpc_client_call(client, PLAYOUT, "AttachStream", &request, &response, timeout_ms);
        if (status.code == RPC_CODE_OK && ret_detail)
                *ret_detail = g_strdup(((AttachResponse *)response)->detail);
        rpc_message_free(response);
        return status;
}

static inline RpcCall *open_subscription(RpcClient *client) {
        SubscribeRequest request = RETROVUE__PLAYOUT__V1__SUBSCRIBE_BLOCK_EVENTS_REQUEST__INIT;
        return rpc_client_open(client, PLAYOUT, "SubscribeBlockEvents", &request);
}

static inline RpcCall *open_evidence(RpcClient *client) {
        return rpc_client_open(client, EVIDENCE, "EvidenceStream", NULL);
}

static inline bool send_evidence(RpcCall *call, int64_t sequence) {
        EvidenceMessage message = RETROVUE__EVIDENCE__V1__EVIDENCE_FROM_AIR__INIT;
        message.sequence = sequence;
        return rpc_write(call, &message);
}

/* The sequence of the next event, 0 when there is none. */
static inline int64_t next_event(RpcCall *call) {
        BlockEvent *event = rpc_read(call);
        int64_t sequence = event ? event->sequence : 0;
        rpc_message_free(event);
        return sequence;
}

static inline int64_t next_ack(RpcCall *call) {
        Ack *ack = rpc_read(call);
        int64_t sequence = ack ? ack->acked_sequence : 0;
        rpc_message_free(ack);
        return sequence;
}
