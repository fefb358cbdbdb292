/*
 * Feed: the conversation with one engine for one session: start it in progress, hand it blocks in order as it gives
 * credits, hear what happens to them, end it.
 *
 * A director thread per session talks gRPC in straight lines; the owner (channel, on the control loop) is told by
 * callbacks on its main context. Only published plan views are read: missing data is waited for, never planned. A block
 * is fed once, in order, and never after the session has ended.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/plan/horizon/horizon.h"
#include "core/play/feed/join.h"
#include "proto/base/clock.h"

typedef struct Feed Feed;

typedef enum {
        FEED_STOPPED = 0,      /* asked for */
        FEED_NO_SCHEDULE_DATA, /* nothing is planned for the join instant: planning fault */
        FEED_REFUSED,          /* the engine refused the start or a block: detail says which rule */
        FEED_LOST,             /* the engine or the connection is gone */
} FeedEnd;

typedef struct {
        const char *channel_id, *session_id;
        PlanBoard *board;
        const char *control_path;      /* the engine's listening socket */
        const char *stream_path;       /* where the intake listens */
        const char *second_path;       /* and that of the second rendition; NULL: nobody does */
        const char *evidence_endpoint; /* core's own socket */
        const char *spool_dir;
        int64_t preroll_ms; /* the session starts this far in the past, and up to JOIN_MAX_EARLIER_MS further */
        JoinKeys keys;      /* asked on the director's thread, once */
        RvClock *clock;
        GMainContext *context;
        /* On the director's thread, before the engine is told to start: the epoch is fixed now. */
        void (*on_epoch)(void *user, int64_t epoch_utc_ms);
        /* On the context: the session is on the air; and, exactly once and last, its end. detail is a sentence. */
        void (*on_live)(void *user);
        void (*on_end)(void *user, FeedEnd end, const char *detail);
        void *user;
} FeedOptions;

Feed *feed_start(const FeedOptions *options, GError **error);
/* Asks for the end (a second call changes nothing); on_end follows within some 2 s of an engine that answers, and at
 * once when its connection is gone (its process was killed). */
void feed_stop(Feed *feed, const char *reason);
/* There may be more to feed: a view was published. Any thread that knows the feed is alive. */
void feed_plan_changed(Feed *feed);
/* After on_end: joins the thread and frees. NULL is allowed. */
void feed_free(Feed *feed);

typedef struct {
        int64_t blocks_fed, blocks_started, blocks_completed, pad_frames;
        int64_t fed_until_utc_ms;
} FeedStats;
FeedStats feed_stats(Feed *feed);
