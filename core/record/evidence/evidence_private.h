/* What service.c (streams, on the server's thread) and group.c (recording, on the service's thread) share. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "core/record/evidence/evidence.h"
#include "proto/base/thread.h"

#define STREAM_WAITING_MAX 64 /* events of one stream that wait for their group; the rest waits in the connection */

typedef struct {
        atomic_int refs; /* the flow's, until it has ended, and the service's thread's, until it has finished it */
        EvidenceService *service;
        RpcFlow *flow;
        EvidenceEvent *hello; /* set once, by the server's thread, before anything waits */
        int64_t refused;      /* events_refused of the last event; -1 before the first. The service's thread's */

        /* Guarded by the service's lock: */
        GQueue waiting; /* EvidenceEvent */
        bool ready;     /* in the service's queue, or in the group under way */
        bool paused;    /* no message is asked for until there is room */
        bool ending;    /* no event is taken any more; when those that wait are recorded: */
        RpcStatus status;
} EvidenceStream;

struct EvidenceService {
        EvidenceRecorder recorder;
        RvThread *thread;

        pthread_mutex_t lock; /* guards: */
        pthread_cond_t news;
        GQueue ready; /* EvidenceStream: something waits, or it is to be finished */
        bool stopping;
        EvidenceServiceStats stats;
};

/* --- service.c --- */

/* With the lock held. */
void evidence_stream_make_ready(EvidenceStream *stream);
void evidence_stream_unref(EvidenceStream *stream);

/* --- group.c: the service's thread --- */

/* Records one group of what waits, or waits for something to wait. False: the service stops and nothing waits. */
bool evidence_group_run(EvidenceService *service);
