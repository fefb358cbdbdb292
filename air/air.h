/* Air: one playout engine, from its first thread to its last. */
#pragma once

typedef struct {
        const char *channel_id;
        int control_fd;           /* listening unix socket handed over by core; or -1 */
        const char *control_path; /* socket to make when control_fd is -1 */
        const char *cache_dir;    /* NULL: none */
        int orphan_ms;            /* 0: the default */
        int replay_ms;            /* a session may begin so long ago; 0: the default */
} AirOptions;

/* Serves until it is told to stop, core is gone or the output is broken. The exit status. */
int air_run(const AirOptions *options);
