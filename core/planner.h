/*
 * Planner: the thread that plans. It alone owns the catalog snapshot, the channel specs and the horizon, reads them
 * anew when told to, and lets the horizon extend itself by its own clock; everybody else sees what is published on the
 * board.
 *
 * A channel file that has become faulty leaves its last good spec in force, over a restart, too; the faults stay
 * readable until it is mended. So does one that is not there, for two seconds: then its channel is gone. Where there is
 * no channel file at all, starter channels are written first. While the library is looked through for the first time
 * little is planned ahead. Nobody need tell it of a catalog that another process has edited, which it looks for every
 * two seconds, nor of changed files below the folder of channel files, which it looks for each minute.
 */
#pragma once

#include <glib.h>
#include <jansson.h>

#include "core/base/config.h"
#include "core/library.h"
#include "core/plan/horizon/horizon.h"
#include "proto/base/clock.h"

typedef struct Planner Planner;

typedef struct {
        const Config *config; /* outlives the planner */
        const char *store_path;
        const char *logs_dir;
        PlanBoard *board;
        RvClock *clock;
        GMainContext *context; /* of callbacks; NULL = default */
        /* Some channel has a new view, or is gone; and after each reading of the inputs, when all channels have been
         * seen to (planner_has_planned). */
        void (*on_published)(void *user);
        /* The inputs were read and nothing can be put on the air: a sentence or two for the operator. Not repeated. */
        void (*on_nothing)(void *user, const char *reason);
        void *user;
} PlannerOptions;

/* Plans nothing until the first reload. */
Planner *planner_start(const PlannerOptions *options, GError **error);
/* Channel files or catalog have changed. Any thread; calls that come before the first is served count as one. */
void planner_reload(Planner *planner, LibraryState state);
/* What happens by itself each minute, now: changes that nobody told of are looked for, plans extended. Any thread. */
void planner_look(Planner *planner);
/* Has the horizon make the call; done is told on the planner's thread, or by planner_free (EXTEND_ENDED). Any thread.
 */
void planner_extend(Planner *planner, const ExtendCall *call, ExtendDone done, void *done_user);
/* Every channel that can be planned is: the inputs have been gone through once. Any thread. */
bool planner_has_planned(Planner *planner);
/* What is wrong with the channel files, and what keeps plans short or from being what their rules say, now:
 * [{"severity","file","line","column","message"}]. New. Any thread. */
json_t *planner_alerts(Planner *planner);
/* Bounded by the work in hand. NULL is allowed. */
void planner_free(Planner *planner);
