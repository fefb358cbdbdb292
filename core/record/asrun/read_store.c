#include <string.h>

#include "core/record/asrun/asrun_private.h"
#include "proto/base/error.h"
#include "proto/base/id.h"

#define MAX_DAY_MS                                                                                                     \
        (INT64_C(72) * 3600 * 1000) /* nowhere is a broadcast day further from its date's midnight in UTC              \
                                     */

/* --- what is asked for ------------------------------------------------------------------------------------------- */

/* A place between two rows of the order. */
typedef struct {
        int64_t start_utc_ms, emitted_utc_ms, sequence;
        char session_id[RV_UUID_SIZE];
} Cursor;

static bool read_int(const char **at, int64_t *ret_value) {
        char *end;
        if (!g_ascii_isdigit(**at))
                return false;
        *ret_value = g_ascii_strtoll(*at, &end, 10);
        const bool good = *end == '.';
        *at = end + 1;
        return good;
}

static bool parse_cursor(const char *text, Cursor *ret_cursor, GError **error) {
        *ret_cursor = (Cursor){.start_utc_ms = INT64_MIN};
        if (!text)
                return true;
        const char *at = text;
        if (read_int(&at, &ret_cursor->start_utc_ms) && read_int(&at, &ret_cursor->emitted_utc_ms) &&
            read_int(&at, &ret_cursor->sequence) && rv_uuid_valid(at)) {
                g_strlcpy(ret_cursor->session_id, at, RV_UUID_SIZE);
                return true;
        }
        g_set_error(error, RV_ERROR, RV_ERROR_INVALID, "\"%s\" is not where a page of the as-run ended", text);
        return false;
}

static char *print_cursor(sqlite3_stmt *row) {
        return g_strdup_printf("%" G_GINT64_FORMAT ".%" G_GINT64_FORMAT ".%" G_GINT64_FORMAT ".%s", store_int(row, 1),
                               store_int(row, 2), store_int(row, 3), store_text(row, 4));
}

static int64_t status_of(const char *name) {
        for (SegmentStatus status = SEGMENT_STATUS_AIRED; status <= SEGMENT_STATUS_ERROR; status++)
                if (g_ascii_strcasecmp(segment_status_name(status), name) == 0)
                        return status;
        return 0;
}

/* A bit for each. */
static bool parse_statuses(const char *text, int64_t *ret_mask, GError **error) {
        g_auto(GStrv) names = g_strsplit(text ? text : "", ",", -1);
        *ret_mask = 0;
        for (char **name = names; *name; name++) {
                const int64_t status = status_of(g_strstrip(*name));
                if (status == 0) {
                        g_set_error(
                                error, RV_ERROR, RV_ERROR_INVALID,
                                "\"%s\" is no status: they are AIRED, TRUNCATED, SHORT, SKIPPED, SUBSTITUTED, ERROR",
                                *name);
                        return false;
                }
                *ret_mask |= INT64_C(1) << status;
        }
        return true;
}

/* The day bounds what is looked through, however the channel's days lie. */
static void bound(const AsRunQuery *query, int64_t *ret_from_utc_ms, int64_t *ret_to_utc_ms) {
        g_autofree char *midnight = query->day ? g_strconcat(query->day, "T00:00:00Z", NULL) : NULL;
        g_autoptr(GDateTime) day = midnight ? g_date_time_new_from_iso8601(midnight, NULL) : NULL;
        const int64_t utc_ms = day ? g_date_time_to_unix(day) * 1000 : 0;
        *ret_from_utc_ms = day ? MAX(query->from_utc_ms, utc_ms - MAX_DAY_MS) : query->from_utc_ms;
        *ret_to_utc_ms = day ? MIN(query->to_utc_ms, utc_ms + MAX_DAY_MS) : query->to_utc_ms;
}

/* --- the rows ---------------------------------------------------------------------------------------------------- */

/* Core's own sequences are negative, and count down. */
static sqlite3_stmt *ask(Store *store, const AsRunQuery *query, const Cursor *cursor, int64_t statuses,
                         GError **error) {
        int64_t from_utc_ms, to_utc_ms;
        bound(query, &from_utc_ms, &to_utc_ms);
        return store_query(store, error,
                           "SELECT document, start_utc_ms, emitted_utc_ms, abs(sequence), session_id FROM asrun_event "
                           "WHERE channel_id = ?1 AND start_utc_ms >= max(?2, ?3) AND start_utc_ms < ?4 "
                           "AND (start_utc_ms, emitted_utc_ms, session_id, abs(sequence)) > (?3, ?5, ?6, ?7) "
                           "AND kind IN (2, 4, 5, 6) AND (?8 IS NULL OR broadcast_day = ?8) "
                           "AND (?9 = 0 OR (kind = 4 AND (?9 >> status) & 1)) "
                           "ORDER BY start_utc_ms, emitted_utc_ms, session_id, abs(sequence) LIMIT ?10",
                           "siiiisisii", query->channel_id, from_utc_ms, cursor->start_utc_ms, to_utc_ms,
                           cursor->emitted_utc_ms, cursor->session_id, cursor->sequence, query->day, statuses,
                           (int64_t)query->limit + 1);
}

static json_t *take_rows(Store *store, sqlite3_stmt *row, unsigned limit, char **ret_next, GError **error) {
        g_autoptr(GError) local = NULL;
        g_autofree char *last = NULL;
        json_t *entries = json_array();
        bool more = false;
        while (row && !more && store_row(store, row, &local)) {
                more = json_array_size(entries) >= limit;
                if (more)
                        break;
                json_array_append_new(entries, json_loads(store_text(row, 0), 0, NULL));
                g_free(last);
                last = print_cursor(row);
        }
        if (more)
                store_reset(row);
        if (!local) {
                *ret_next = more ? g_steal_pointer(&last) : NULL;
                return entries;
        }
        json_decref(entries);
        g_propagate_error(error, g_steal_pointer(&local));
        return NULL;
}

/* INV-ASRUN-PAGES-001 */
json_t *asrun_read(Store *store, const AsRunQuery *query, char **ret_next, GError **error) {
        Cursor cursor;
        int64_t statuses;
        if (!parse_cursor(query->after, &cursor, error) || !parse_statuses(query->statuses, &statuses, error))
                return NULL;
        sqlite3_stmt *row = ask(store, query, &cursor, statuses, error);
        return row ? take_rows(store, row, query->limit, ret_next, error) : NULL;
}

bool asrun_knows(Store *store, const char *channel_id, GError **error) {
        sqlite3_stmt *row =
                store_query(store, error, "SELECT 1 FROM asrun_event WHERE channel_id = ? LIMIT 1", "s", channel_id);
        const bool knows = row && store_row(store, row, error);
        if (row)
                store_reset(row);
        return knows;
}
