#include <sqlite3.h>

#include "core/serve/ops/ops_private.h"
#include "proto/evidence/evidence.h"

bool ops_store_oldest(Store *store, int64_t *ret_sequence, GError **error) {
        return store_number(store, store_query(store, error, "SELECT min(sequence) FROM operations_event", ""),
                            ret_sequence, error);
}

bool ops_store_newest(Store *store, int64_t *ret_sequence, GError **error) {
        return store_number(
                store, store_query(store, error, "SELECT seq FROM sqlite_sequence WHERE name = 'operations_event'", ""),
                ret_sequence, error);
}

static char *text(sqlite3_stmt *row, int column) {
        const char *value = store_text(row, column);
        return (char *)(value ? value : "");
}

/* Borrows from the row. */
static EventMessage read_event(sqlite3_stmt *row) {
        EventMessage event = RETROVUE__OPERATIONS__V1__EVENT__INIT;
        event.sequence = store_int(row, 0);
        event.kind = (Retrovue__Operations__V1__EventKind)store_int(row, 1);
        event.session_id = text(row, 2);
        event.session_sequence = store_int(row, 3);
        event.channel_id = text(row, 4);
        event.event_uuid = text(row, 5);
        event.block_id = text(row, 6);
        event.event_id = text(row, 7);
        event.segment_uuid = text(row, 8);
        event.segment_index = (int32_t)store_int(row, 9);
        event.asset_uuid = text(row, 10);
        event.title = text(row, 11);
        if (store_int(row, 12) > 0) /* of segments that are over */
                event.status = (char *)segment_status_name((SegmentStatus)store_int(row, 12));
        event.reason = text(row, 13);
        event.start_utc_ms = store_int(row, 14);
        event.end_utc_ms = store_int(row, 15);
        event.broadcast_day = text(row, 16);
        event.document = text(row, 17);
        return event;
}

bool ops_store_each(Store *store, int64_t *after, int64_t until, bool (*told)(void *user, const EventMessage *message),
                    void *user, GError **error) {
        g_autoptr(GError) local = NULL;
        bool more = true;
        int64_t last = *after;
        sqlite3_stmt *row = store_query(
                store, &local,
                "SELECT o.sequence, o.kind, o.session_id, o.event_sequence, e.channel_id, e.event_uuid, e.block_id, "
                "e.event_id, e.segment_uuid, e.segment_index, e.asset_uuid, e.title, e.status, e.reason, "
                "e.start_utc_ms, e.end_utc_ms, e.broadcast_day, e.document FROM operations_event o CROSS JOIN "
                "asrun_event e ON e.session_id = o.session_id AND e.sequence = o.event_sequence "
                "WHERE o.sequence > ? AND o.sequence <= ? ORDER BY o.sequence",
                "ii", *after, until);
        while (more && row && store_row(store, row, &local)) {
                const EventMessage event = read_event(row);
                last = event.sequence;
                more = told(user, &event);
        }
        if (row && !more)
                store_reset(row);
        if (local) {
                g_propagate_error(error, g_steal_pointer(&local));
                return false;
        }
        *after = more ? until : last;
        return true;
}
