/*
 * Reconciliation: what aired is compared with what was planned (compare.h), by itself whenever a session or a broadcast
 * day has ended, and whenever somebody asks. What is found by itself is kept in the store; nothing is ever corrected.
 */
#pragma once

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/plan/transmission_log/transmission_log.h"
#include "core/record/reconcile/compare.h"
#include "proto/base/clock.h"

/* --- on demand ------------------------------------------------------------------------------------------------------
 * Compare what the store has now; nothing is written. On the thread that the store belongs to. now bounds a day that is
 * not over. ret_rows (NULL: not wanted) is reconcile_rows_json's. NULL with RV_ERROR_NOT_FOUND: no log of that time is
 * stored (any more), or no such session on that channel.
 */
ReconcileReport *reconcile_day(Store *store, const ChannelSpec *spec, const char *day, int64_t now_utc_ms,
                               json_t **ret_rows, GError **error);
ReconcileReport *reconcile_session(Store *store, const ChannelSpec *spec, const char *session_id, json_t **ret_rows,
                                   GError **error);
/* The document of either: the report's, "day" or "session" (subject: "YYYY-MM-DD", or the session's id), "rows"; what
 * was kept of it when its log is not stored any more, without rows. json_decref it. NULL with an error as above. */
json_t *reconcile_ask(Store *store, const ChannelSpec *spec, ReconcileScope scope, const char *subject,
                      int64_t now_utc_ms, GError **error);

/* --- by itself ------------------------------------------------------------------------------------------------------
 */

typedef struct Reconciler Reconciler;

typedef struct {
        const char *store_path;
        RvClock *clock;
        /* The channels that there are (ChannelSpec with its unref); the thread that looks. */
        GPtrArray *(*channels)(void *user);
        void *user;
} ReconcilerOptions;

Reconciler *reconciler_new(const ReconcilerOptions *options, GError **error);
/* NULL is allowed. */
void reconciler_free(Reconciler *reconciler);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Reconciler, reconciler_free)

/* Reconciles what has ended since the last look: sessions with their last word on record, and broadcast days a minute
 * after their last block, also those that ended while nobody looked, as long as their logs are stored. Every few
 * seconds, one thread. */
void reconciler_look(Reconciler *reconciler);

/* --- any thread --- */

/* reconcile_ask, on a connection of its own. */
json_t *reconciler_ask(Reconciler *reconciler, const ChannelSpec *spec, ReconcileScope scope, const char *subject,
                       GError **error);
/* What did not reconcile in the last 24 hours: a sentence each, oldest first; g_strfreev it. */
char **reconciler_alerts(Reconciler *reconciler);
