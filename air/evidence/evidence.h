/*
 * Evidence, air's side: numbers, spools and sends what the engine did, so that nothing is lost however often core or
 * the connection goes away. The protocol is proto/evidence.proto's.
 *
 * Events come in on the control loop. A thread owns the spool file and the connection: it writes each event to disk
 * before it sends it, resends what core has not acknowledged after every reconnect, and forgets what it has. Nothing
 * here can delay a frame: at the spool's cap events are refused, counted and announced once in the log; playing goes
 * on, and numbering has no hole when they are taken again. Spools that earlier engines of the channel left behind are
 * sent by threads of their own, and deleted when core has them.
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
        const char *endpoint;   /* core's unix socket */
        const char *spool_dir;  /* exists; one file per session: <session_id>.spool. When it cannot be written, events
                                   are kept in memory only and the log says so */
        size_t spool_max_bytes; /* of events not acknowledged; 0 = 32 MiB */
        RvClock *clock;
} EvidenceOptions;

typedef struct {
        int64_t emitted, acked; /* sequences */
        int64_t refused;        /* events that found no room */
        bool connected;
} EvidenceStats;

/* Fails only when the system has no thread to give. */
EvidenceSender *evidence_sender_new(const EvidenceOptions *options, GError **error);
/* Numbers the event (channel, session, sequence, event_uuid, emitted_utc_ms are filled in here) and takes it. False: no
 * room, it is refused. Never waits for disk or network. */
bool evidence_sender_emit(EvidenceSender *sender, EvidenceEvent *take_event);
EvidenceStats evidence_sender_stats(EvidenceSender *sender);
/* Gives outstanding acknowledgements flush_ms, then lets go; an unacknowledged spool stays on disk and is sent by the
 * next engine of the channel. NULL is allowed. */
void evidence_sender_free(EvidenceSender *sender, int flush_ms);
