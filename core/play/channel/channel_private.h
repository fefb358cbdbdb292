/* What channel.c (life), viewers.c (presence) and hub.c (the set of channels) share. */
#pragma once

#include <pthread.h>

#include "core/play/channel/channel.h"
#include "core/play/channel/engine.h"

struct ChannelHub {
        ChannelHubOptions options;
        const EngineOps *ops;
        GSource *timer;       /* NULL while every channel is off */
        unsigned running;     /* engines */
        bool ending;          /* nothing starts any more */
        GPtrArray *leaving;   /* Channel: not planned any more, their engines are being ended */
        int64_t poll_mono_ns; /* when channels were last looked at */
        int64_t woke_mono_ns; /* when, after a pause in which nobody could look: silence counts from then */

        pthread_mutex_t lock; /* guards the table itself; channels live by their references */
        GHashTable *channels; /* id -> Channel: those that are planned */
};

struct Channel {
        gatomicrefcount refs;
        ChannelHub *hub;
        char *id;
        void *streams;

        /* The control loop only. */
        ChannelState state;
        Engine *engine;
        bool gone;                /* no longer planned: ends and is forgotten */
        bool replacing;           /* this engine is ended to make room for the next */
        bool second_lost;         /* the second rendition does not flow in this session */
        int64_t live_mono_ns;     /* since when this engine is on the air; 0 = not yet */
        int64_t wall_ahead_ms;    /* of wall over monotonic time, when this engine was started */
        int64_t start_mono_ns;    /* when that was */
        int64_t no_bytes_mono_ns; /* what the engine says it last sent bytes at, when it has sent none */
        int64_t since_mono_ns;    /* when state was entered */
        int64_t deadline_mono_ns; /* LINGER: until when; BACKOFF: until when */
        unsigned failures;        /* engines in a row that died young */

        pthread_mutex_t lock; /* guards what follows */
        unsigned connected;   /* viewers with a connection of their own */
        GHashTable *seen;     /* viewer key -> int64_t *, when last seen (mono ns) */
        ChannelStatus status; /* published copy of what the control loop knows */
};

/* --- channel.c: control loop ------------------------------------------------------------------------------------- */

Channel *channel_new(ChannelHub *hub, const char *id);
/* Does what is due: start, linger, stop, retry. The only place that changes state. */
void channel_evaluate(Channel *channel);
/* Ends the engine, whoever watches. */
void channel_shut(Channel *channel, const char *reason);

/* --- viewers.c: any thread --------------------------------------------------------------------------------------- */

/* Viewers there are now; those not seen for viewer_timeout_ms have left. */
unsigned channel_count_viewers(Channel *channel);

/* --- hub.c: control loop ----------------------------------------------------------------------------------------- */

/* As channel_hub_new, with engines of another kind. */
ChannelHub *channel_hub_new_with(const ChannelHubOptions *options, const EngineOps *ops);
/* Evaluates every channel; the hub's timer calls it, tests too. */
void channel_hub_poll(ChannelHub *hub);
