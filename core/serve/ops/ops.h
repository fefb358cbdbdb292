/*
 * Ops: what tools of an operation ask of core over gRPC (proto/operations.proto): what happens to blocks on every
 * channel, how channels are, what is planned, and the few things that may be asked for. Health checks and reflection
 * come with it.
 *
 * A unix socket of mode 0660, and a TCP port with TLS where the operator wants one, served by one thread ("ops") that
 * owns everything here, with a store of its own: nobody who asks or listens holds up the control loop, recording or
 * another who does.
 */
#pragma once

#include <glib.h>

#include "core/plan/horizon/horizon.h"
#include "core/play/channel/channel.h"
#include "proto/base/clock.h"

typedef struct Ops Ops;

typedef struct {
        const char *store_path;
        const char *socket_path;
        PlanBoard *board;
        ChannelHub *hub;
        RvClock *clock;
        /* By TCP, too, with TLS, for who shows a token; NULL = not: */
        const char *listen;            /* address with its port */
        const char *certificate, *key; /* PEM files */
        const char *tokens_file;       /* of those who may (core/base/tokens.h) */
        /* Has the call carried out by who plans, who tells done, once, on any thread. Called on any. */
        void (*extend)(void *user, const ExtendCall *call, ExtendDone done, void *done_user);
        void *user;
} OpsOptions;

/* Serves when it returns. options are copied; what they name outlives ops, or ops_stop: */
Ops *ops_new(const OpsOptions *options, GError **error);
/* Health says NOT_SERVING from now on, and board, hub and extend are not used any more: what needs them is answered
 * with UNAVAILABLE. Events are told as before. NULL is allowed. */
void ops_stop(Ops *ops);
/* Tells every subscriber what is recorded, then that it is over, and ends. After ops_stop. NULL is allowed. */
void ops_free(Ops *ops);
