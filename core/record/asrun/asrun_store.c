#include <sqlite3.h>

#include "core/record/asrun/asrun_private.h"

bool asrun_store_holds(AsRun *asrun, const EvidenceEvent *event, bool *ret_holds, GError **error) {
        g_autoptr(GError) local = NULL;
        sqlite3_stmt *row =
                store_query(asrun->store, &local,
                            "SELECT 1 FROM asrun_event WHERE (session_id = ?1 AND sequence = ?2) OR event_uuid = ?3",
                            "sis", event->session_id, event->sequence, event->event_uuid);
        *ret_holds = row && store_row(asrun->store, row, &local);
        if (row)
                store_reset(row);
        if (!local)
                return true;
        g_propagate_error(error, g_steal_pointer(&local));
        return false;
}

/* Something of the spot was seen. Core counts no frames for an engine that died: it had begun. */
static bool was_seen(const EvidenceEvent *event) {
        const bool played = event->status == SEGMENT_STATUS_AIRED || event->status == SEGMENT_STATUS_TRUNCATED ||
                            event->status == SEGMENT_STATUS_SHORT;
        return played && (event->sequence < 0 || event->frames > event->fallback_frames);
}

/* INV-TRAFFIC-STATE-SOURCE-001: evidence decides what became of a planned play. Aired is the last word: a session that
 * a viewer left early may be followed by one that shows the rest. */
static bool decide_play(AsRun *asrun, const EvidenceEvent *event, GError **error) {
        enum { AIRED = 2, LOST = 3 };
        if (event->kind != EVIDENCE_SEGMENT_END || event->type == SEGMENT_CONTENT || event->type == SEGMENT_PAD ||
            !event->asset_uuid || !event->segment_uuid)
                return true;
        return store_run(asrun->store, error,
                         "INSERT INTO play (segment_uuid, channel_id, asset_id, start_utc_ms, state, noted) "
                         "VALUES (?1, ?2, ?3, ?4, ?5, (SELECT coalesce(max(noted), 0) + 1 FROM play WHERE channel_id = "
                         "?2)) "
                         "ON CONFLICT (segment_uuid) DO UPDATE SET state = excluded.state, noted = excluded.noted "
                         "WHERE play.state <> ?6",
                         "sssiii", event->segment_uuid, event->channel_id, event->asset_uuid, event->start_utc_ms,
                         (int64_t)(was_seen(event) ? AIRED : LOST), (int64_t)AIRED);
}

bool asrun_store_insert(AsRun *asrun, const EvidenceEvent *event, const char *day, const json_t *document,
                        AsRunTelling telling, GError **error) {
        const int64_t kind = telling == ASRUN_TOLD ? (int64_t)event->kind : 0;
        char *text = json_dumps(document, JSON_COMPACT | JSON_SORT_KEYS);
        bool done = store_run(
                asrun->store, error,
                "INSERT INTO asrun_event (session_id, sequence, event_uuid, channel_id, broadcast_day, kind, block_id, "
                "event_id, "
                "segment_uuid, segment_index, type, status, asset_uuid, title, asset_uri, reason, start_utc_ms, "
                "end_utc_ms, "
                "emitted_utc_ms, document) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                "sisssisssiiissssiiis", event->session_id, event->sequence, event->event_uuid, event->channel_id, day,
                kind, event->block_id, event->event_id, event->segment_uuid, (int64_t)event->segment_index,
                (int64_t)event->type, (int64_t)event->status, event->asset_uuid, event->title, event->asset_uri,
                event->reason, asrun_event_start_utc_ms(event), event->end_utc_ms, event->emitted_utc_ms, text);
        free(text);
        return done && (telling == ASRUN_LATE || decide_play(asrun, event, error));
}

int64_t asrun_store_last_sequence(AsRun *asrun, const char *session_id, GError **error) {
        int64_t last = 0;
        sqlite3_stmt *row =
                store_query(asrun->store, error,
                            "SELECT coalesce(max(sequence), 0) FROM asrun_event WHERE session_id = ? AND sequence > 0",
                            "s", session_id);
        (void)store_number(asrun->store, row, &last, error);
        return last;
}

bool asrun_store_fill_in(AsRun *asrun, EvidenceEvent *event, GError **error) {
        g_autoptr(GError) local = NULL;
        if (event->kind != EVIDENCE_SEGMENT_END || event->title)
                return true;
        sqlite3_stmt *row = store_query(
                asrun->store, &local,
                "SELECT title, asset_uri FROM asrun_event WHERE segment_uuid = ? AND session_id = ? AND kind = ?",
                "ssi", event->segment_uuid, event->session_id, (int64_t)EVIDENCE_SEGMENT_START);
        if (row && store_row(asrun->store, row, &local)) {
                event->title = g_strdup(store_text(row, 0));
                event->asset_uri = g_strdup(store_text(row, 1));
        }
        if (row)
                store_reset(row);
        if (!local)
                return true;
        g_propagate_error(error, g_steal_pointer(&local));
        return false;
}

static EvidenceEvent *read_open_segment(sqlite3_stmt *row, const char *session_id, int64_t utc_ms) {
        EvidenceEvent *event = evidence_event_new(EVIDENCE_SEGMENT_END);
        event->session_id = g_strdup(session_id);
        event->channel_id = g_strdup(store_text(row, 0));
        event->block_id = g_strdup(store_text(row, 1));
        event->event_id = g_strdup(store_text(row, 2));
        event->segment_uuid = g_strdup(store_text(row, 3));
        event->segment_index = (int32_t)store_int(row, 4);
        event->type = (SegmentType)store_int(row, 5);
        event->asset_uuid = g_strdup(store_text(row, 6));
        event->title = g_strdup(store_text(row, 7));
        event->asset_uri = g_strdup(store_text(row, 8));
        event->start_utc_ms = store_int(row, 9);
        event->end_utc_ms = CLAMP(utc_ms, event->start_utc_ms, event->start_utc_ms + MAX(store_int(row, 10), 0));
        event->asset_start_frame = event->asset_end_frame = -1;
        event->status = SEGMENT_STATUS_TRUNCATED;
        event->reason = g_strdup("CHANNEL_TERMINATED");
        return event;
}

GPtrArray *asrun_store_open_segments(AsRun *asrun, const char *session_id, int64_t utc_ms, GError **error) {
        g_autoptr(GError) local = NULL;
        g_autoptr(GPtrArray) open = g_ptr_array_new_with_free_func((GDestroyNotify)evidence_event_free);
        sqlite3_stmt *row = store_query(
                asrun->store, &local,
                "SELECT s.channel_id, s.block_id, s.event_id, s.segment_uuid, s.segment_index, s.type, s.asset_uuid, "
                "s.title, "
                "s.asset_uri, s.start_utc_ms, json_extract(s.document, '$.scheduled_duration_ms') FROM asrun_event s "
                "WHERE s.session_id = ?1 AND s.kind = ?2 AND NOT EXISTS "
                "(SELECT 1 FROM asrun_event e WHERE e.segment_uuid = s.segment_uuid AND e.session_id = ?1 AND e.kind = "
                "?3) "
                "ORDER BY s.sequence",
                "sii", session_id, (int64_t)EVIDENCE_SEGMENT_START, (int64_t)EVIDENCE_SEGMENT_END);
        while (row && store_row(asrun->store, row, &local))
                g_ptr_array_add(open, read_open_segment(row, session_id, utc_ms));
        if (!local)
                return g_steal_pointer(&open);
        g_propagate_error(error, g_steal_pointer(&local));
        return NULL;
}

/* Whether the question, which row answers, has an answer. row NULL: *local is set. */
static bool has_row(AsRun *asrun, sqlite3_stmt *row, bool *ret_has, GError *take_local, GError **error) {
        g_autoptr(GError) local = take_local;
        *ret_has = row && store_row(asrun->store, row, &local);
        if (row)
                store_reset(row);
        if (!local)
                return true;
        g_propagate_error(error, g_steal_pointer(&local));
        return false;
}

bool asrun_store_is_terminated(AsRun *asrun, const char *session_id, bool *ret_terminated, GError **error) {
        GError *local = NULL;
        sqlite3_stmt *row = store_query(asrun->store, &local,
                                        "SELECT 1 FROM asrun_event WHERE session_id = ? AND kind = 6", "s", session_id);
        return has_row(asrun, row, ret_terminated, local, error);
}

bool asrun_store_is_closed(AsRun *asrun, const EvidenceEvent *event, bool *ret_closed, GError **error) {
        GError *local = NULL;
        sqlite3_stmt *row = NULL;
        *ret_closed = false;
        if (event->kind == EVIDENCE_CHANNEL_TERMINATED)
                return asrun_store_is_terminated(asrun, event->session_id, ret_closed, error);
        if (event->kind != EVIDENCE_SEGMENT_END || !event->segment_uuid)
                return true;
        row = store_query(asrun->store, &local,
                          "SELECT 1 FROM asrun_event WHERE segment_uuid = ? AND session_id = ? AND kind = ? AND "
                          "sequence < 0",
                          "ssi", event->segment_uuid, event->session_id, (int64_t)EVIDENCE_SEGMENT_END);
        return has_row(asrun, row, ret_closed, local, error);
}

int64_t asrun_store_last_sign_utc_ms(AsRun *asrun, const char *session_id, GError **error) {
        int64_t last = 0;
        sqlite3_stmt *row = store_query(asrun->store, error,
                                        "SELECT coalesce(max(emitted_utc_ms, start_utc_ms, end_utc_ms), 0) FROM "
                                        "asrun_event WHERE session_id = ? AND sequence > 0 ORDER BY sequence DESC",
                                        "s", session_id);
        (void)store_number(asrun->store, row, &last, error);
        return last;
}

/* From session to session by the primary key: not through all of their events. */
#define UNENDED                                                                                                        \
        "WITH RECURSIVE session (id) AS (SELECT min(session_id) FROM asrun_event UNION ALL "                           \
        "SELECT (SELECT min(session_id) FROM asrun_event WHERE session_id > id) FROM session WHERE id IS NOT NULL) "   \
        "SELECT id, (SELECT channel_id FROM asrun_event WHERE session_id = id LIMIT 1) FROM session "                  \
        "WHERE id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM asrun_event WHERE session_id = id AND kind = 6)"

bool asrun_store_each_unended(AsRun *asrun, void (*found)(void *user, const char *channel_id, const char *session_id),
                              void *user, GError **error) {
        g_autoptr(GError) local = NULL;
        sqlite3_stmt *row = store_query(asrun->store, &local, UNENDED, "");
        while (row && store_row(asrun->store, row, &local))
                found(user, store_text(row, 1), store_text(row, 0));
        if (!local)
                return true;
        g_propagate_error(error, g_steal_pointer(&local));
        return false;
}

int64_t asrun_store_file_size(AsRun *asrun, const char *name, GError **error) {
        g_autoptr(GError) local = NULL;
        int64_t size = 0;
        sqlite3_stmt *row = store_query(asrun->store, &local, "SELECT size FROM asrun_file WHERE path = ?", "s", name);
        if (row && store_row(asrun->store, row, &local))
                size = store_int(row, 0);
        if (row)
                store_reset(row);
        if (!local)
                return size;
        g_propagate_error(error, g_steal_pointer(&local));
        return -1;
}

bool asrun_store_set_file_size(AsRun *asrun, const char *name, int64_t size, GError **error) {
        return store_run(
                asrun->store, error,
                "INSERT INTO asrun_file (path, size) VALUES (?1, ?2) ON CONFLICT (path) DO UPDATE SET size = ?2", "si",
                name, size);
}
