#include <string.h>

#include "core/record/asrun/asrun_private.h"
#include "proto/base/error.h"
#include "proto/base/id.h"
#include "proto/base/log.h"

static char *alive_path(const AsRun *asrun) {
        return g_build_filename(asrun->logs_dir, "asrun", "alive", NULL);
}

AsRun *asrun_new(const AsRunOptions *options, GError **error) {
        g_autoptr(Store) store = store_open(options->store_path, error);
        /* An acknowledgement is a promise: a commit must have reached the disk before it is given. */
        if (!store || !store_run(store, error, "PRAGMA synchronous = FULL", ""))
                return NULL;
        g_autoptr(AsRun) asrun = g_new0(AsRun, 1);
        asrun->options = *options;
        asrun->logs_dir = g_strdup(options->logs_dir);
        asrun->spool_dir = g_strdup(options->spool_dir);
        asrun->store = g_steal_pointer(&store);
        asrun->pages = asrun_pages_new();
        asrun->left = asrun_left_new();
        pthread_mutex_init(&asrun->lock, NULL);
        g_autofree char *alive = alive_path(asrun);
        asrun->last_alive_utc_ms = asrun_file_touched_utc_ms(alive);
        return asrun_left_find(asrun, error) ? g_steal_pointer(&asrun) : NULL;
}

void asrun_free(AsRun *asrun) {
        if (!asrun)
                return;
        store_close(asrun->store);
        g_hash_table_unref(asrun->pages);
        g_hash_table_unref(asrun->left);
        pthread_mutex_destroy(&asrun->lock);
        g_free(asrun->logs_dir);
        g_free(asrun->spool_dir);
        g_free(asrun);
}

void asrun_note_alive(AsRun *asrun) {
        g_autofree char *path = alive_path(asrun);
        asrun_file_touch(path, rv_clock_utc_ms(asrun->options.clock));
}

int64_t asrun_last_sequence(AsRun *asrun, const char *channel_id, const char *session_id) {
        g_autoptr(GError) error = NULL;
        pthread_mutex_lock(&asrun->lock);
        int64_t last = asrun_store_last_sequence(asrun, session_id, &error);
        pthread_mutex_unlock(&asrun->lock);
        if (error)
                rv_error("asrun.unreadable", RV_S("channel", channel_id), RV_S("error", error->message));
        return last;
}

/* --- one event: with the lock held, inside a transaction --------------------------------------------------------- */

/* Below <logs_dir>/asrun: the data directory may move. */
static char *name_of(const EvidenceEvent *event, const AsRunPlace *place, const char *suffix) {
        return g_strconcat(event->channel_id, "/", place->day, suffix, NULL);
}

static void add_line(AsRun *asrun, const EvidenceEvent *event, const AsRunPlace *place, const json_t *document) {
        g_autofree char *line = asrun_line(document, place->time);
        if (!line)
                return;
        g_autofree char *header = asrun_heading(event->channel_id, place->day);
        asrun_page_add(asrun, name_of(event, place, ".asrun"), header, line);
}

static void add_document(AsRun *asrun, const EvidenceEvent *event, const AsRunPlace *place, const json_t *document) {
        char *text = json_dumps(document, JSON_COMPACT | JSON_SORT_KEYS);
        g_autofree char *line = g_strconcat(text, "\n", NULL);
        free(text);
        asrun_page_add(asrun, name_of(event, place, ".asrun.jsonl"), "", line);
}

/* INV-ASRUN-TRACEABILITY-001: what a segment was, and from which file, stands with how it ended. */
static bool tell(AsRun *asrun, const EvidenceEvent *event, const json_t *document, const AsRunPlace *place,
                 GError **error) {
        if (!asrun_store_insert(asrun, event, place->day, document, ASRUN_TOLD, error))
                return false;
        add_line(asrun, event, place, document);
        add_document(asrun, event, place, document);
        return true;
}

static void place_event(AsRun *asrun, const EvidenceEvent *event, AsRunPlace *ret_place) {
        const AsRunOptions *options = &asrun->options;
        char time[9];
        options->place_of(options->user, event->channel_id, asrun_event_day_utc_ms(event), ret_place->day, time);
        char day[11];
        options->place_of(options->user, event->channel_id, asrun_event_start_utc_ms(event), day, ret_place->time);
}

/* INV-ASRUN-007: core's word stands, for it has been told; what is behind it is held, so that it does not come again.
 */
static bool hold_late(AsRun *asrun, const EvidenceEvent *event, const json_t *document, const AsRunPlace *place,
                      GError **error) {
        rv_warning("asrun.late", RV_S("channel", event->channel_id), RV_S("session", event->session_id),
                   RV_I("sequence", event->sequence), RV_S("kind", evidence_kind_name(event->kind)));
        return asrun_store_insert(asrun, event, place->day, document, ASRUN_LATE, error);
}

static bool write_event(AsRun *asrun, const EvidenceEvent *event, GError **error) {
        AsRunPlace place = {0};
        bool closed;
        g_autoptr(EvidenceEvent) whole = evidence_event_copy(event);
        if (!asrun_store_fill_in(asrun, whole, error) || !asrun_store_is_closed(asrun, whole, &closed, error))
                return false;
        place_event(asrun, event, &place);
        json_t *document = asrun_document(whole, place.day);
        bool done =
                closed ? hold_late(asrun, whole, document, &place, error) : tell(asrun, whole, document, &place, error);
        json_decref(document);
        return done;
}

/* INV-ASRUN-ONCE-001: by session and sequence, and by event_uuid, an event is written once. */
static bool write_once(AsRun *asrun, const EvidenceEvent *event, GError **error) {
        bool holds;
        return asrun_store_holds(asrun, event, &holds, error) && (holds || write_event(asrun, event, error));
}

/* The end of a transaction, all of it or nothing: the lines first, so that what is committed stands in them. */
static bool finish(AsRun *asrun, bool good, GError **error) {
        good = good && asrun_pages_write(asrun, error) && store_commit(asrun->store, error);
        if (!good) {
                asrun_pages_take_back(asrun);
                store_rollback(asrun->store);
        }
        asrun_pages_drop(asrun);
        return good;
}

bool asrun_record_all(AsRun *asrun, const EvidenceEvent *const *events, unsigned n, GError **error) {
        for (unsigned i = 0; i < n; i++)
                if (!rv_slug_valid(events[i]->channel_id)) { /* it becomes a file's name */
                        g_set_error(error, RV_ERROR, RV_ERROR_INVALID, "\"%s\" is not a channel id",
                                    events[i]->channel_id);
                        return false;
                }
        pthread_mutex_lock(&asrun->lock);
        bool done = store_begin(asrun->store, error);
        if (done) {
                for (unsigned i = 0; done && i < n; i++)
                        done = write_once(asrun, events[i], error);
                done = finish(asrun, done, error);
        }
        pthread_mutex_unlock(&asrun->lock);
        return done;
}

bool asrun_record(AsRun *asrun, const EvidenceEvent *event, GError **error) {
        return asrun_record_all(asrun, &event, 1, error);
}

/* --- an engine that died ----------------------------------------------------------------------------------------- */

/* Core's own entries have negative sequences; their event_uuid follows from the session, so that they too come once. */
static void sign(AsRun *asrun, EvidenceEvent *event, int64_t sequence) {
        g_autofree char *name = g_strdup_printf("asrun:%s:%" G_GINT64_FORMAT, event->session_id, sequence);
        event->event_uuid = g_malloc(RV_UUID_SIZE);
        rv_uuid_named(name, event->event_uuid);
        event->sequence = sequence;
        event->emitted_utc_ms = rv_clock_utc_ms(asrun->options.clock);
}

static bool write_end(AsRun *asrun, const SessionEnd *end, int64_t sequence, GError **error) {
        g_autoptr(EvidenceEvent) event = evidence_event_new(EVIDENCE_CHANNEL_TERMINATED);
        event->channel_id = g_strdup(end->channel_id);
        event->session_id = g_strdup(end->session_id);
        event->end_utc_ms = end->utc_ms;
        event->reason = g_strdup("CHANNEL_TERMINATED");
        event->detail = g_strdup(end->detail);
        sign(asrun, event, sequence);
        return write_once(asrun, event, error);
}

/* INV-ASRUN-006 */
static bool close_session(AsRun *asrun, const SessionEnd *end, GError **error) {
        g_autoptr(GPtrArray) open = asrun_store_open_segments(asrun, end->session_id, end->utc_ms, error);
        if (!open)
                return false;
        int64_t sequence = -1;
        for (unsigned i = 0; i < open->len; i++) {
                EvidenceEvent *segment = g_ptr_array_index(open, i);
                sign(asrun, segment, sequence--);
                if (!write_once(asrun, segment, error))
                        return false;
        }
        return write_end(asrun, end, sequence, error);
}

bool asrun_close_session(AsRun *asrun, const SessionEnd *end, GError **error) {
        bool terminated;
        pthread_mutex_lock(&asrun->lock);
        bool done = store_begin(asrun->store, error);
        if (done) {
                done = asrun_store_is_terminated(asrun, end->session_id, &terminated, error) &&
                       (terminated || close_session(asrun, end, error));
                done = finish(asrun, done, error);
        }
        pthread_mutex_unlock(&asrun->lock);
        return done;
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

json_t *asrun_entries(AsRun *asrun, const AsRunQuery *query, char **ret_next, GError **error) {
        pthread_mutex_lock(&asrun->lock);
        json_t *entries = asrun_read(asrun->store, query, ret_next, error);
        pthread_mutex_unlock(&asrun->lock);
        return entries;
}
