/*
 * Channel: the life of every channel's engine. The first viewer starts it, the last one leaving starts a linger, after
 * which it is gone; a crash with viewers is followed by a restart with back-off, joined where the programme is by then.
 * Exactly one engine a channel at any time and none without viewers; no process outlives the hub.
 *
 * All state belongs to the control loop. HTTP workers hold a Channel reference, read its streams directly and report
 * viewers; what they report becomes a message to the control loop.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/plan/horizon/horizon.h"
#include "core/play/feed/join.h"
#include "core/play/intake/intake.h"
#include "proto/base/clock.h"

typedef struct ChannelHub ChannelHub;
typedef struct Channel Channel;
typedef struct ChannelViewer ChannelViewer;

typedef enum {
        CHANNEL_OFF,      /* nobody watches */
        CHANNEL_STARTING, /* an engine is being started for somebody */
        CHANNEL_LIVE,     /* bytes flow */
        CHANNEL_LINGER,   /* bytes flow, the last viewer has left */
        CHANNEL_STOPPING, /* the engine is being ended */
        CHANNEL_BACKOFF,  /* the engine failed; the next try waits */
} ChannelState;

const char *channel_state_name(ChannelState state); /* "off" ... "backoff" */

/*
 * What carries a channel's stream to viewers; made by the composition root (core.c) so that channel need not know hls
 * and fanout. streams is whatever it likes; the functions are called on the control loop, except begin (director's
 * thread).
 */
typedef struct {
        void *(*new)(void *user, const char *channel_id);
        void (*begin)(void *streams, const char *session_id, int64_t epoch_utc_ms, RvRational rate);
        unsigned (*sinks)(void *streams, IntakeSink ret_sinks[4]); /* how many */
        /* Likewise, of the second rendition's; NULL: nobody wants one. */
        unsigned (*second_sinks)(void *streams, IntakeSink ret_sinks[4]);
        void (*rest)(void *streams);
        void (*free)(void *streams);
        void *user;
} ChannelStreamsOps;

typedef struct {
        PlanBoard *board;
        RvClock *clock;
        GMainContext *context; /* control loop; NULL = default */
        ChannelStreamsOps streams;
        const char *air_program;
        const char *run_dir;   /* sockets; short path */
        const char *spool_dir; /* <spool_dir>/<channel> is made */
        const char *cache_dir;
        const char *evidence_endpoint;
        int64_t linger_ms;         /* 20000 */
        int64_t viewer_timeout_ms; /* an HLS viewer not seen for so long has left: 10000 */
        int64_t preroll_ms;
        JoinKeys keys;    /* so that files are joined where they are on the air soonest */
        int64_t stall_ms; /* no bytes for so long: the engine is replaced; 5000 */
        int max_running;
        bool led; /* the clock is (docs/decisions/014): it may run away from the engines', which replay the past */
        /* An engine of this session ended without saying so itself (crash): record can close its entries. */
        void (*on_engine_died)(void *user, const char *channel_id, const char *session_id, const char *detail);
        void *user;
} ChannelHubOptions;

ChannelHub *channel_hub_new(const ChannelHubOptions *options);
/* Channels come from the board: call after each publication (control loop). New ones appear, gone ones end. */
void channel_hub_sync(ChannelHub *hub);
/* Ends every engine (asked first, killed after 3 s) running the context meanwhile, then frees. */
void channel_hub_free(ChannelHub *hub);

/* --- any thread --------------------------------------------------------------------------------------------------- */

/* New reference; NULL: no such channel. */
Channel *channel_hub_find(ChannelHub *hub, const char *channel_id);
Channel *channel_ref(Channel *channel);
void channel_unref(Channel *channel);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Channel, channel_unref)

void *channel_streams(Channel *channel);

/* A viewer with a connection of its own (raw TS): until it leaves. */
ChannelViewer *channel_join(Channel *channel);
void channel_leave(ChannelViewer *viewer);
/* A viewer known by what it fetches (HLS): key names it (session id or address and agent); seen again with every fetch.
 */
void channel_seen(Channel *channel, const char *viewer_key);

typedef struct {
        ChannelState state;
        unsigned viewers;
        char session_id[37];       /* empty when no engine */
        int64_t pid;               /* 0 when no engine */
        int64_t starts, crashes;   /* since core started */
        int64_t live_since_utc_ms; /* 0 when not live */
        char fault[160];           /* why it is not on the air although somebody watches; empty otherwise */
        bool no_room;              /* that is: as many channels are as may be */
        bool second_lost;          /* of two renditions only the first is there: until the next session begins */
} ChannelStatus;
ChannelStatus channel_status(Channel *channel);
