/*
 * Control: the PlayoutControl service and the session it governs. Composes queue, seam, output and evidence for as long as a
 * session is on the air and answers core's calls; everything here runs on the control loop.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "proto/base/clock.h"

typedef struct Control Control;

typedef struct {
        const char *channel_id;
        int listen_fd;          /* listening unix socket, taken over; or -1 */
        const char *listen_path; /* socket to make and listen on when listen_fd is -1 */
        const char *cache_dir;  /* for GStreamer's registry; NULL = system */
        int orphan_ms;          /* without control connection and without stream reader for so long: end; 0 = 10000 */
        RvClock *clock;
        void (*on_quit)(void *user, int exit_status); /* the program should end now */
        void *user;
} ControlOptions;

Control *control_new(const ControlOptions *options, GError **error);
/* Ends the session, if any, with this reason in evidence and events, then on_quit. */
void control_quit(Control *control, const char *reason);
void control_free(Control *control);
