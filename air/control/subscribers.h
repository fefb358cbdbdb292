/*
 * Subscribers: who listens to block events. The control loop publishes; each subscriber's stream thread writes what is
 * in its own bounded queue. One that does not keep up loses the newest events and sees it by a gap in their sequence.
 */
#pragma once

#include <glib.h>
#include <stdint.h>

#include "proto/rpc/rpc.h"

#define SUBSCRIBER_QUEUE 256
#define SUBSCRIBERS_MAX 16

typedef struct Subscribers Subscribers;

typedef enum { EVENT_SESSION_STARTED, EVENT_BLOCK_STARTED, EVENT_BLOCK_COMPLETED, EVENT_SESSION_ENDED } BlockEventKind;

/* As in playout.proto; which fields are meaningful follows from kind. Strings are borrowed for the call. */
typedef struct {
        BlockEventKind kind;
        const char *session_id;
        int64_t utc_ms, tick;
        int64_t epoch_utc_ms;        /* session_started */
        const char *block_id;        /* block_* */
        int64_t fence_tick;          /* block_started */
        int32_t credits;             /* block_started */
        int64_t frames, pad_frames;  /* block_completed */
        const char *reason, *detail; /* session_ended */
} BlockEventFacts;

Subscribers *subscribers_new(const char *channel_id);
/* After every stream has returned. */
void subscribers_free(Subscribers *subscribers);
/* Control loop. */
void subscribers_publish(Subscribers *subscribers, const BlockEventFacts *facts);
/* No more events: streams return when they have written what they hold. Any thread. */
void subscribers_close(Subscribers *subscribers);
/* On a stream's thread: serves it until its end. */
RpcStatus subscribers_serve(Subscribers *subscribers, RpcCall *call);
