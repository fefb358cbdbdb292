/* What reconcile.c (running), read.c (values for the comparison) and reconcile_store.c (rows) share. */
#pragma once

#include "core/record/reconcile/reconcile.h"

/* What the comparison borrows from. */
typedef struct {
        GPtrArray *blocks;     /* BlockPlan */
        GArray *locked_utc_ms; /* int64_t */
        GPtrArray *events;     /* EvidenceEvent */
        GHashTable *rates;     /* asset uuid -> RvRational */
} Material;

void material_clear(Material *material);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Material, material_clear)

/* --- read.c ------------------------------------------------------------------------------------------------------ */

/* An event's document (as asrun keeps it) as the event; NULL: it is none. */
EvidenceEvent *reconcile_event_from_json(const json_t *document);

/* --- reconcile_store.c ------------------------------------------------------------------------------------------- */

/* What is locked of a channel and ends after an instant: when each block was, in the order of transmission_log_blocks.
 */
GArray *reconcile_store_locked(Store *store, const char *channel_id, int64_t after_utc_ms, GError **error);
/* Events (EvidenceEvent) of a channel that began in [from, to); session_id NULL: of all its sessions. */
GPtrArray *reconcile_store_events(Store *store, const char *channel_id, const char *session_id, int64_t from_utc_ms,
                                  int64_t to_utc_ms, GError **error);
/* Of the assets of blocks, those whose rate is that of every picture. */
GHashTable *reconcile_store_rates(Store *store, const GPtrArray *blocks, GError **error);

typedef struct {
        char *channel_id, *subject;
        int64_t from_utc_ms, to_utc_ms; /* of a session */
} Due;

/* Sessions (Due) that ended since an instant and have no row yet, the oldest first, so many at most. */
GPtrArray *reconcile_store_ended(Store *store, int64_t since_utc_ms, unsigned limit, GError **error);
bool reconcile_store_keep(Store *store, const ReconcileReport *report, const char *subject, int64_t now_utc_ms,
                          GError **error);
bool reconcile_store_forget(Store *store, int64_t before_utc_ms, GError **error);
/* The newest document of a subject; NULL without an error: there is none. */
json_t *reconcile_store_kept(Store *store, const char *channel_id, ReconcileScope scope, const char *subject,
                             GError **error);
bool reconcile_store_has(Store *store, const char *channel_id, ReconcileScope scope, const char *subject, bool *ret_has,
                         GError **error);
/* Newest rows made since then that did not reconcile, as sentences. */
char **reconcile_store_alerts(Store *store, int64_t since_utc_ms, GError **error);
