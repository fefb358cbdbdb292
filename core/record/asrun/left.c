/* Sessions without an end: what a dead engine has left in its spool, and what then is still open. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "core/record/asrun/asrun_private.h"
#include "proto/base/error.h"
#include "proto/base/id.h"
#include "proto/base/log.h"
#include "proto/evidence/spool_file.h"

#define GROUP 256 /* events recorded at once */
#define NOBODY "neither engine nor core were there any more; this is the last sign of life"

typedef struct {
        char *channel_id;
        char *detail;        /* of the death that was reported; NULL: found at the start */
        int64_t died_utc_ms; /* 0: not known */
        bool complained;     /* that it cannot be settled has been said */
} Left;

typedef enum { SETTLED, WAITING, FAILED } Outcome;

static void left_free(void *user) {
        Left *left = user;
        g_free(left->channel_id);
        g_free(left->detail);
        g_free(left);
}

GHashTable *asrun_left_new(void) {
        return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, left_free);
}

static Left *add(AsRun *asrun, const char *channel_id, const char *session_id) {
        Left *left = g_hash_table_lookup(asrun->left, session_id);
        if (left)
                return left;
        left = g_new0(Left, 1);
        left->channel_id = g_strdup(channel_id);
        g_hash_table_insert(asrun->left, g_strdup(session_id), left);
        return left;
}

/* --- what is there at the start ---------------------------------------------------------------------------------- */

static void found(void *user, const char *channel_id, const char *session_id) {
        add(user, channel_id, session_id);
}

static void find_spools_of(AsRun *asrun, const char *channel_id) {
        g_autofree char *path = g_build_filename(asrun->spool_dir, channel_id, NULL);
        g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
        for (const char *file; dir && (file = g_dir_read_name(dir));) {
                if (!g_str_has_suffix(file, EVIDENCE_SPOOL_SUFFIX))
                        continue;
                g_autofree char *session_id = g_strndup(file, strlen(file) - strlen(EVIDENCE_SPOOL_SUFFIX));
                if (rv_uuid_valid(session_id))
                        add(asrun, channel_id, session_id);
        }
}

static void find_spools(AsRun *asrun) {
        g_autoptr(GDir) dir = asrun->spool_dir ? g_dir_open(asrun->spool_dir, 0, NULL) : NULL;
        for (const char *channel_id; dir && (channel_id = g_dir_read_name(dir));)
                if (rv_slug_valid(channel_id))
                        find_spools_of(asrun, channel_id);
}

bool asrun_left_find(AsRun *asrun, GError **error) {
        find_spools(asrun);
        return asrun_store_each_unended(asrun, found, asrun, error);
}

/* --- a spool ----------------------------------------------------------------------------------------------------- */

typedef struct {
        AsRun *asrun;
        const char *channel_id, *session_id;
        GPtrArray *group; /* EvidenceEvent */
} Reading;

static bool record_group(Reading *reading, GError **error) {
        const unsigned n = reading->group->len;
        bool done = n == 0 ||
                    asrun_record_all(reading->asrun, (const EvidenceEvent *const *)reading->group->pdata, n, error);
        g_ptr_array_set_size(reading->group, 0);
        return done;
}

/* The event, or NULL: what follows is torn, or of somebody else. */
static EvidenceEvent *read_event(const Reading *reading, const char *data, size_t size, size_t *offset) {
        g_autoptr(GBytes) record = evidence_record_parse((const uint8_t *)data, size, *offset);
        if (!record)
                return NULL;
        size_t n;
        const void *bytes = g_bytes_get_data(record, &n);
        g_autoptr(EvidenceEvent) event = evidence_event_unpack(bytes, n);
        *offset += sizeof(EvidenceRecordHead) + n;
        if (event && event->sequence > 0 && strcmp(event->session_id, reading->session_id) == 0 &&
            strcmp(event->channel_id, reading->channel_id) == 0)
                return g_steal_pointer(&event);
        rv_warning("asrun.spool_unreadable", RV_S("channel", reading->channel_id), RV_S("session", reading->session_id),
                   RV_I("offset", (int64_t)*offset));
        return NULL;
}

static bool record_spool(Reading *reading, const char *data, size_t size, GError **error) {
        size_t offset = 0;
        int64_t n = 0;
        for (EvidenceEvent *event; (event = read_event(reading, data, size, &offset)); n++) {
                g_ptr_array_add(reading->group, event);
                if (reading->group->len >= GROUP && !record_group(reading, error))
                        return false;
        }
        if (!record_group(reading, error))
                return false;
        rv_info("asrun.spool_taken", RV_S("channel", reading->channel_id), RV_S("session", reading->session_id),
                RV_I("events", n));
        return true;
}

static bool take_locked(AsRun *asrun, const Left *left, const char *session_id, const char *path, GError **error) {
        g_autofree char *data = NULL;
        size_t size;
        g_autoptr(GPtrArray) group = g_ptr_array_new_with_free_func((GDestroyNotify)evidence_event_free);
        Reading reading = {asrun, left->channel_id, session_id, group};
        if (!g_file_get_contents(path, &data, &size, error) || !record_spool(&reading, data, size, error))
                return false;
        if (unlink(path) == 0)
                return true;
        rv_error_set_errno(error, errno, "%s", path);
        return false;
}

/* INV-ASRUN-007: what an engine has written down is its word; it is taken before anything is said in its place. */
static Outcome take_spool(AsRun *asrun, const Left *left, const char *session_id, GError **error) {
        if (!asrun->spool_dir)
                return SETTLED;
        g_autoptr(GError) local = NULL;
        g_autofree char *name = g_strconcat(session_id, EVIDENCE_SPOOL_SUFFIX, NULL);
        g_autofree char *path = g_build_filename(asrun->spool_dir, left->channel_id, name, NULL);
        int fd = evidence_spool_lock(path, 0, &local);
        if (fd >= 0) {
                bool done = take_locked(asrun, left, session_id, path, error);
                close(fd);
                return done ? SETTLED : FAILED;
        }
        if (g_error_matches(local, RV_ERROR, RV_ERROR_NOT_FOUND))
                return SETTLED;
        if (g_error_matches(local, RV_ERROR, RV_ERROR_UNAVAILABLE))
                return WAITING;
        g_propagate_error(error, g_steal_pointer(&local));
        return FAILED;
}

/* --- settling ---------------------------------------------------------------------------------------------------- */

/* Of one that nobody saw die: when it, or a core that would have seen it, was last there. 0: there is nothing of it. */
static bool last_sign(AsRun *asrun, const char *session_id, int64_t *ret_utc_ms, GError **error) {
        g_autoptr(GError) local = NULL;
        pthread_mutex_lock(&asrun->lock);
        int64_t last = asrun_store_last_sign_utc_ms(asrun, session_id, &local);
        pthread_mutex_unlock(&asrun->lock);
        *ret_utc_ms = last > 0 ? MAX(last, asrun->last_alive_utc_ms) : 0;
        if (!local)
                return true;
        g_propagate_error(error, g_steal_pointer(&local));
        return false;
}

static Outcome settle(AsRun *asrun, const char *session_id, Left *left, GError **error) {
        int64_t utc_ms = left->died_utc_ms;
        Outcome outcome = take_spool(asrun, left, session_id, error);
        if (outcome != SETTLED)
                return outcome;
        if (utc_ms == 0 && !last_sign(asrun, session_id, &utc_ms, error))
                return FAILED;
        const SessionEnd end = {left->channel_id, session_id, utc_ms, left->detail ? left->detail : NOBODY};
        bool done = utc_ms == 0 || asrun_close_session(asrun, &end, error);
        return done ? SETTLED : FAILED;
}

bool asrun_engine_died(AsRun *asrun, const char *channel_id, const char *session_id, const char *detail,
                       GError **error) {
        Left *left = add(asrun, channel_id, session_id);
        if (left->died_utc_ms == 0) {
                left->died_utc_ms = rv_clock_utc_ms(asrun->options.clock);
                left->detail = g_strdup(detail);
        }
        Outcome outcome = settle(asrun, session_id, left, error);
        left->complained |= outcome == FAILED;
        if (outcome == SETTLED)
                g_hash_table_remove(asrun->left, session_id);
        return outcome != FAILED;
}

unsigned asrun_settle(AsRun *asrun) {
        GHashTableIter iter;
        gpointer session_id, value;
        find_spools(asrun); /* also of engines that ended well, but before all they had told was acknowledged */
        g_hash_table_iter_init(&iter, asrun->left);
        while (g_hash_table_iter_next(&iter, &session_id, &value)) {
                g_autoptr(GError) error = NULL;
                Left *left = value;
                Outcome outcome = settle(asrun, session_id, left, &error);
                if (outcome == FAILED && !left->complained)
                        rv_error("asrun.not_closed", RV_S("channel", left->channel_id), RV_S("session", session_id),
                                 RV_S("error", error->message));
                left->complained |= outcome == FAILED;
                if (outcome == SETTLED)
                        g_hash_table_iter_remove(&iter);
        }
        return g_hash_table_size(asrun->left);
}
