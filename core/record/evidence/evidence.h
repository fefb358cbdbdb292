/*
 * Evidence, core's side: the service that engines tell what they did. Each engine's stream has a thread; an event is
 * acknowledged only after the recorder has it on disk, and recorded once however often it is sent.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "proto/evidence/evidence.h"
#include "proto/rpc/rpc.h"

/* Who keeps events (asrun, given by the composition root). Called on stream threads; must be safe for that. */
typedef struct {
        /* Highest sequence held for the session; 0 for none. */
        int64_t (*last_sequence)(void *user, const char *channel_id, const char *session_id);
        /* Durable when it returns true. An event already held (session and sequence, or event_uuid) is true and changes
         * nothing. */
        bool (*record)(void *user, const EvidenceEvent *event, GError **error);
        void *user;
} EvidenceRecorder;

typedef struct EvidenceService EvidenceService;

/* Adds the service to the server, before it starts. The service outlives the server. */
EvidenceService *evidence_service_new(RpcServer *server, const EvidenceRecorder *recorder);
void evidence_service_free(EvidenceService *service);
