/*
 * Courier: carries the events of one spool to core. A thread of its own owns the spool and the connection.
 *
 * Says hello on each connection, sends everything above core's answer in order with a bounded window of unacknowledged
 * events, and forgets what is acknowledged. Reconnects until it is let go.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "air/evidence/spool.h"
#include "proto/base/clock.h"

typedef struct Courier Courier;

typedef struct {
        const char *endpoint, *channel_id, *session_id;
        RvClock *clock;
        Spool *take_spool;
        bool ends_when_empty; /* for what a dead engine left: no new events will come */
} CourierOptions;

typedef struct {
        int64_t acked;     /* highest sequence acknowledged */
        size_t held_bytes; /* of events not acknowledged */
        bool connected;
} CourierStats;

Courier *courier_new(const CourierOptions *options, GError **error);
/* Any thread; sequences in order, without a hole. Never waits for disk or network. */
void courier_put(Courier *courier, int64_t sequence, GBytes *take_event);
CourierStats courier_stats(Courier *courier);
/* Until all events put are acknowledged, or timeout_ms have gone. */
void courier_flush(Courier *courier, int timeout_ms);
/* Cuts the connection; what is not acknowledged stays in the spool's file. NULL is allowed. */
void courier_free(Courier *courier);
