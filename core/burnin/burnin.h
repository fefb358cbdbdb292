/*
 * Burn-in: the proof, before going on the air, that this machine and this library keep what the contracts promise. Runs
 * the real programs, core and an engine for each channel, in a folder of their own; watches every channel as a viewer
 * does and core as an operator does; then compares what was planned, what was recorded and what was seen.
 *
 * Compressed, the channels' hours are played as fast as the machine can: core is led through them (docs/decisions/014).
 * Faults can be injected; each must be found, and called what it is. Called by the command line; blocks until done.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/burnin/report.h"

typedef struct {
        int64_t length_ms;
        int channels; /* the first so many by number; 0 = all */
        bool compressed;
        unsigned inject; /* BurninCause */
        int kills; /* so often an engine and core are killed, by turns, at random; the run lasts as long as that */
        const char *const *media_dirs;
        const char *channels_dir;
        const char *work_dir;                             /* exists and is empty; what is made there stays */
        const char *core_program, *air_program, *web_dir; /* web_dir NULL: core's own */
        guint32 seed;                                     /* of what is injected when, where and into what */
        void (*on_progress)(void *user, int64_t done_ms, unsigned violations); /* now and then; may be NULL */
        void *user;
} BurninOptions;

/* The closed report; NULL: it could not be run, and *error says why. */
BurninReport *burnin_run(const BurninOptions *options, GError **error);
