/*
 * Evidence, core's side: the service that engines tell what they did. Any number of engines at once; a thread of its
 * own records what they say in groups and acknowledges what is on disk.
 *
 * Why groups: an acknowledgement is worth a flush to the disk. What arrives while one is under way is recorded by the
 * next, so the number of flushes does not grow with the number of engines (docs/decisions/012).
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "proto/evidence/evidence.h"
#include "proto/rpc/rpc.h"

/* Who keeps events (asrun, given by the composition root). Called on the service's thread. */
typedef struct {
        /* Highest sequence held for the session; 0 for none. */
        int64_t (*last_sequence)(void *user, const char *channel_id, const char *session_id);
        /* All of them durable when it returns true, and none kept when false. An event already held (session and
         * sequence, or event_uuid) is as good as recorded and changes nothing. */
        bool (*record)(void *user, const EvidenceEvent *const *events, unsigned n, GError **error);
        void *user;
} EvidenceRecorder;

typedef struct {
        uint64_t events, groups; /* recorded; transactions */
        uint64_t refused;        /* groups that could not be recorded */
        uint64_t lost;           /* events that engines had no room for, as far as they could be told */
        unsigned streams;        /* open now */
} EvidenceServiceStats;

typedef struct EvidenceService EvidenceService;

/* Adds the service to the server, before it starts. The service outlives the server. NULL: no thread to be had. */
EvidenceService *evidence_service_new(RpcServer *server, const EvidenceRecorder *recorder, GError **error);
/* What waits is recorded first. NULL is allowed. */
void evidence_service_free(EvidenceService *service);
/* Any thread. */
EvidenceServiceStats evidence_service_stats(EvidenceService *service);
