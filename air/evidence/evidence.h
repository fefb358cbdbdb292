/*
 * Evidence, air's side: numbers, spools and sends what the engine did, so that nothing is lost however often core or the
 * connection goes away. The protocol is proto/evidence.proto's.
 *
 * Events come in on the control loop. A thread owns the spool file and the connection: it writes each event to disk before
 * it sends it, resends what core has not acknowledged after every reconnect, and forgets what it has. Nothing here can
 * delay a frame: at the spool's cap events are refused, counted and announced once in the log; playing goes on.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "proto/base/clock.h"
#include "proto/evidence/evidence.h"

typedef struct EvidenceSender EvidenceSender;

typedef struct {
        const char *channel_id;
        const char *session_id;
        const char *endpoint;    /* core's unix socket */
        const char *spool_dir;   /* exists; one file per session: <session_id>.spool */
        size_t spool_max_bytes;  /* 0 = 32 MiB */
        RvClock *clock;
} EvidenceOptions;

typedef struct {
        int64_t emitted, acked, refused; /* sequences and a count */
        bool connected;
} EvidenceStats;

EvidenceSender *evidence_sender_new(const EvidenceOptions *options, GError **error);
/* Numbers the event (channel, session, sequence, event_uuid, emitted_utc_ms are filled in here) and takes it. */
void evidence_sender_emit(EvidenceSender *sender, EvidenceEvent *take_event);
EvidenceStats evidence_sender_stats(EvidenceSender *sender);
/* Gives outstanding acknowledgements flush_ms, then lets go; an unacknowledged spool stays on disk and is sent by the next
 * engine of the channel (evidence_spool_orphans). */
void evidence_sender_free(EvidenceSender *sender, int flush_ms);

