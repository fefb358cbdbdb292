/*
 * Core: the composition root of `retrovue serve`. Builds every stage, connects them by callbacks, runs the control
 * loop, and tears down in reverse. Nothing is decided here that a stage could decide.
 */
#pragma once

#include "core/base/config.h"

/* Runs until SIGINT or SIGTERM. Returns the exit status: 0, or 1 after a message on stderr that says what to mend. */
int core_run(const Config *config);
/* The socket of the operations API of the daemon of that data directory, whether or not it runs; g_free it. NULL and
 * error: there can be none. */
char *core_ops_socket(const Config *config, GError **error);
