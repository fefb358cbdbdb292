#include <sqlite3.h>

#include "core/record/reconcile/reconcile_private.h"

G_STATIC_ASSERT(EVIDENCE_CHANNEL_TERMINATED == 6); /* as the index asrun_event_by_end has it */

static const char *scope_name(ReconcileScope scope) {
        return scope == RECONCILE_DAY ? "day" : "session";
}

/* --- what is compared -------------------------------------------------------------------------------------------- */

GArray *reconcile_store_locked(Store *store, const char *channel_id, int64_t after_utc_ms, GError **error) {
        g_autoptr(GError) local = NULL;
        g_autoptr(GArray) locked = g_array_new(FALSE, FALSE, sizeof(int64_t));
        sqlite3_stmt *row = store_query(store, &local,
                                        "SELECT locked_utc_ms FROM transmission_block "
                                        "WHERE channel_id = ? AND end_utc_ms > ? ORDER BY start_utc_ms",
                                        "si", channel_id, after_utc_ms);
        while (row && store_row(store, row, &local)) {
                const int64_t at = store_int(row, 0);
                g_array_append_val(locked, at);
        }
        if (!local)
                return g_steal_pointer(&locked);
        g_propagate_error(error, g_steal_pointer(&local));
        return NULL;
}

static void add_event(GPtrArray *events, const char *text) {
        json_t *document = text ? json_loads(text, 0, NULL) : NULL;
        EvidenceEvent *event = reconcile_event_from_json(document);
        json_decref(document);
        if (event)
                g_ptr_array_add(events, event);
}

GPtrArray *reconcile_store_events(Store *store, const char *channel_id, const char *session_id, int64_t from_utc_ms,
                                  int64_t to_utc_ms, GError **error) {
        g_autoptr(GError) local = NULL;
        g_autoptr(GPtrArray) events = g_ptr_array_new_with_free_func((GDestroyNotify)evidence_event_free);
        sqlite3_stmt *row = session_id ? store_query(store, &local,
                                                     "SELECT document FROM asrun_event WHERE session_id = ? AND "
                                                     "channel_id = ? AND start_utc_ms >= ? AND start_utc_ms < ?",
                                                     "ssii", session_id, channel_id, from_utc_ms, to_utc_ms)
                                       : store_query(store, &local,
                                                     "SELECT document FROM asrun_event WHERE channel_id = ? AND "
                                                     "start_utc_ms >= ? AND start_utc_ms < ?",
                                                     "sii", channel_id, from_utc_ms, to_utc_ms);
        while (row && store_row(store, row, &local))
                add_event(events, store_text(row, 0));
        if (!local)
                return g_steal_pointer(&events);
        g_propagate_error(error, g_steal_pointer(&local));
        return NULL;
}

/* A mean of anything else is a file's whose pictures do not come at one rate. */
static bool is_nominal(RvRational rate) {
        static const RvRational nominal[] = {{24000, 1001}, {24, 1}, {25, 1},       {30000, 1001}, {30, 1},
                                             {48, 1},       {50, 1}, {60000, 1001}, {60, 1}};
        for (size_t i = 0; i < G_N_ELEMENTS(nominal); i++)
                if (rate.num == nominal[i].num && rate.den == nominal[i].den)
                        return true;
        return false;
}

static bool add_rate(Store *store, GHashTable *rates, const char *asset_uuid, GError **error) {
        g_autoptr(GError) local = NULL;
        RvRational rate = {0, 1};
        sqlite3_stmt *row =
                store_query(store, &local, "SELECT rate_num, rate_den FROM asset WHERE id = ?", "s", asset_uuid);
        if (row && store_row(store, row, &local))
                rate = (RvRational){(int32_t)store_int(row, 0), (int32_t)store_int(row, 1)};
        if (row)
                store_reset(row);
        if (local) {
                g_propagate_error(error, g_steal_pointer(&local));
                return false;
        }
        if (is_nominal(rate))
                g_hash_table_insert(rates, g_strdup(asset_uuid), g_memdup2(&rate, sizeof rate));
        return true;
}

GHashTable *reconcile_store_rates(Store *store, const GPtrArray *blocks, GError **error) {
        g_autoptr(GHashTable) rates = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
        for (guint i = 0; i < blocks->len; i++) {
                const BlockPlan *block = blocks->pdata[i];
                for (uint32_t j = 0; j < block->n_segments; j++) {
                        const char *uuid = block->segments[j].asset_uuid;
                        if (uuid && g_hash_table_add(seen, (char *)uuid) && !add_rate(store, rates, uuid, error))
                                return NULL;
                }
        }
        return g_steal_pointer(&rates);
}

/* --- what is due ------------------------------------------------------------------------------------------------- */

static void due_free(void *data) {
        Due *due = data;
        g_free(due->channel_id);
        g_free(due->subject);
        g_free(due);
}

GPtrArray *reconcile_store_ended(Store *store, int64_t since_utc_ms, unsigned limit, GError **error) {
        g_autoptr(GError) local = NULL;
        g_autoptr(GPtrArray) ended = g_ptr_array_new_with_free_func(due_free);
        sqlite3_stmt *row = store_query(
                store, &local,
                "SELECT e.channel_id, e.session_id, e.start_utc_ms, (SELECT min(b.start_utc_ms) FROM asrun_event b "
                "WHERE b.session_id = e.session_id) FROM asrun_event e WHERE e.kind = 6 AND e.start_utc_ms >= ? AND "
                "NOT EXISTS (SELECT 1 FROM reconciliation r WHERE r.scope = 'session' AND r.subject = e.session_id) "
                "ORDER BY e.start_utc_ms LIMIT ?",
                "ii", since_utc_ms, (int64_t)limit);
        while (row && store_row(store, row, &local)) {
                Due *due = g_new0(Due, 1);
                *due = (Due){g_strdup(store_text(row, 0)), g_strdup(store_text(row, 1)), store_int(row, 3),
                             store_int(row, 2)};
                g_ptr_array_add(ended, due);
        }
        if (!local)
                return g_steal_pointer(&ended);
        g_propagate_error(error, g_steal_pointer(&local));
        return NULL;
}

/* --- what was found ---------------------------------------------------------------------------------------------- */

bool reconcile_store_keep(Store *store, const ReconcileReport *report, const char *subject, int64_t now_utc_ms,
                          GError **error) {
        json_t *document = reconcile_report_json(report);
        char *text = json_dumps(document, JSON_COMPACT | JSON_SORT_KEYS);
        g_autofree char *summary = reconcile_report_summary(report);
        const bool done = store_run(store, error, /* INV-RECONCILE-007 */
                                    "INSERT INTO reconciliation (channel_id, scope, subject, made_utc_ms, reconciled, "
                                    "summary, document) VALUES (?, ?, ?, ?, ?, ?, ?)",
                                    "sssiiss", report->channel_id, scope_name(report->scope), subject, now_utc_ms,
                                    (int64_t)reconcile_report_ok(report), summary, text);
        free(text);
        json_decref(document);
        return done;
}

bool reconcile_store_forget(Store *store, int64_t before_utc_ms, GError **error) {
        return store_run(store, error, "DELETE FROM reconciliation WHERE made_utc_ms < ?", "i", before_utc_ms);
}

json_t *reconcile_store_kept(Store *store, const char *channel_id, ReconcileScope scope, const char *subject,
                             GError **error) {
        json_t *document = NULL;
        sqlite3_stmt *row = store_query(store, error,
                                        "SELECT document FROM reconciliation WHERE scope = ? AND subject = ? AND "
                                        "channel_id = ? ORDER BY id DESC LIMIT 1",
                                        "sss", scope_name(scope), subject, channel_id);
        if (row && store_row(store, row, error))
                document = json_loads(store_text(row, 0), 0, NULL);
        if (row)
                store_reset(row);
        return document;
}

bool reconcile_store_has(Store *store, const char *channel_id, ReconcileScope scope, const char *subject, bool *ret_has,
                         GError **error) {
        g_autoptr(GError) local = NULL;
        json_t *kept = reconcile_store_kept(store, channel_id, scope, subject, &local);
        *ret_has = kept != NULL;
        json_decref(kept);
        if (!local)
                return true;
        g_propagate_error(error, g_steal_pointer(&local));
        return false;
}

char **reconcile_store_alerts(Store *store, int64_t since_utc_ms, GError **error) {
        g_autoptr(GError) local = NULL;
        g_autoptr(GStrvBuilder) alerts = g_strv_builder_new();
        sqlite3_stmt *row = store_query(
                store, &local,
                "SELECT channel_id, scope, subject, summary FROM reconciliation r WHERE made_utc_ms >= ? AND "
                "reconciled = 0 AND NOT EXISTS (SELECT 1 FROM reconciliation n WHERE n.scope = r.scope AND n.subject = "
                "r.subject AND n.channel_id = r.channel_id AND n.id > r.id) ORDER BY id LIMIT 100",
                "i", since_utc_ms);
        while (row && store_row(store, row, &local)) {
                g_autofree char *text =
                        g_strdup_printf("channel %s, %s %s: %s (`retrovue reconcile --channel %s --%s %s`)",
                                        store_text(row, 0), store_text(row, 1), store_text(row, 2), store_text(row, 3),
                                        store_text(row, 0), store_text(row, 1), store_text(row, 2));
                g_strv_builder_add(alerts, text);
        }
        if (!local)
                return g_strv_builder_end(alerts);
        g_propagate_error(error, g_steal_pointer(&local));
        return NULL;
}
