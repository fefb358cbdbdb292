/*
 * Session: a channel on the air. Starts its sources at once and builds the output beside them, so that the answer to
 * StartBlockPlanSession waits for neither; the ticks begin when the output is there. All calls on the control loop.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "air/control/boot.h"
#include "air/control/subscribers.h"
#include "air/queue/queue.h"
#include "proto/base/clock.h"
#include "proto/house/house_format.h"
#include "proto/house/house_style.h"

/* The house format's, and its second one. */
#define SESSION_RENDITIONS 2

typedef struct Session Session;

typedef struct {
        const char *channel_id, *session_id;
        int64_t epoch_utc_ms;
        bool replay; /* nobody is watching: better late than not at all */
        HouseFormat format;
        const HouseStyle *style; /* a reference is taken; NULL: that of house_style_new */
        /* Where the stream goes first, and that of the second rendition; NULL: nowhere. */
        const char *stream_endpoints[SESSION_RENDITIONS];
        const char *evidence_endpoint, *spool_dir; /* empty: no evidence is kept */
        Boot *boot;                                /* borrowed, like the rest, for the session's life */
        Subscribers *subscribers;
        RvClock *clock;
        void (*on_broken)(void *user, const char *detail); /* the output is dead; end the
                                                                session soon, not from inside this call */
        void *user;
} SessionOptions;

/* Takes the queue, which holds the first blocks. */
Session *session_new(const SessionOptions *options, BlockQueue *take_queue, GError **error);
/* Says goodbye with this reason in evidence and events, drains, closes, frees. A second at most. */
void session_end(Session *session, const char *reason, const char *detail);

const char *session_id(const Session *session);
int64_t session_epoch_utc_ms(const Session *session);
QueueResult session_feed(Session *session, const BlockPlan *block, char **ret_detail) G_GNUC_WARN_UNUSED_RESULT;
unsigned session_credits(Session *session);
/* Sends the stream there from the next random access point on; before the output is built: as soon as it is. */
bool session_attach(Session *session, int rendition, const char *endpoint, GError **error);
void session_detach(Session *session);
bool session_has_reader(Session *session);
