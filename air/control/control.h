/*
 * Control: the PlayoutControl service and the session it governs. Composes queue, seam, output and evidence for as long
 * as a session is on the air and answers core's calls; everything here runs on the control loop (the default main
 * context).
 *
 * When core is gone (no control connection and no reader of the stream) for orphan_ms, the session ends by itself with
 * the reason core_lost and on_quit is called.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "proto/base/clock.h"

typedef struct Control Control;

typedef struct {
        const char *channel_id;
        const char *version;     /* of the program */
        int listen_fd;           /* listening unix socket, taken over; or -1 */
        const char *listen_path; /* socket to make and listen on when listen_fd is -1 */
        int orphan_ms;           /* 0 = 8500, so that the process is gone 10 s after core */
        int replay_ms;           /* how long ago a session may begin; 0 = 60000: longer ago is a mistake. More: they
                                   are replays, which wait for what they play */
        RvClock *clock;
        void (*on_quit)(void *user, int exit_status); /* the program should end now; on the control loop, once */
        void *user;
} ControlOptions;

/* Listens and answers from the next turn of the control loop on; GStreamer is started meanwhile. After rpc_init. */
Control *control_new(const ControlOptions *options, GError **error);
/* Ends the session, if any, with this reason (stop_requested, core_lost ...) in evidence and events, then calls
 * on_quit. Takes a second at most. */
void control_quit(Control *control, const char *reason, const char *detail, int exit_status);
/* Ends the session like a stop, and the service. NULL is allowed. */
void control_free(Control *control);
