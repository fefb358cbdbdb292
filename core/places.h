/*
 * Places: where the daemon keeps its things below the data directory, made and locked: one daemon per data directory.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "core/base/config.h"

typedef struct {
        char *store_path, *logs_dir, *spool_dir, *cache_dir;
        char *run_dir;     /* sockets */
        char *core_socket; /* our own, for engines */
        char *ops_socket;  /* for tools */
        int lock_fd;
} Places;

/* Makes what is missing, takes the lock, removes sockets that a killed daemon left. places_clear it, also on failure.
 */
bool places_take(Places *places, const Config *config, GError **error);
void places_clear(Places *places);
/* ops_socket of the daemon of that data directory, whether or not it runs; g_free it. NULL and error: there can be
 * none. */
char *places_ops_socket(const Config *config, GError **error);
