/*
 * Planner: the thread that plans. It alone owns the catalog snapshot, the channel specs and the horizon, reads them
 * anew when told to, and lets the horizon extend itself by its own clock; everybody else sees what is published on the
 * board.
 *
 * A channel file that has become faulty leaves its last good spec in force; the faults stay readable until it is
 * mended.
 */
#pragma once

#include <glib.h>
#include <jansson.h>

#include "core/base/config.h"
#include "core/plan/horizon/horizon.h"
#include "proto/base/clock.h"

typedef struct Planner Planner;

typedef struct {
        const Config *config; /* outlives the planner */
        const char *store_path;
        const char *logs_dir;
        PlanBoard *board;
        RvClock *clock;
        GMainContext *context;            /* of on_published; NULL = default */
        void (*on_published)(void *user); /* some channel has a new view, or is gone */
        void *user;
} PlannerOptions;

/* Plans nothing until the first reload. */
Planner *planner_start(const PlannerOptions *options, GError **error);
/* Channel files or catalog have changed. Any thread. */
void planner_reload(Planner *planner);
/* What is wrong with the channel files or the plans now: [{"severity","file","line","column","message"}]. Any thread.
 */
json_t *planner_alerts(Planner *planner);
/* Bounded by the work in hand. NULL is allowed. */
void planner_free(Planner *planner);
