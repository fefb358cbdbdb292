#include <string.h>

#include "air/evidence/courier.h"
#include "air/evidence/evidence.h"
#include "proto/base/error.h"
#include "proto/base/id.h"
#include "proto/base/log.h"
#include "proto/evidence/spool_file.h"

#define DEFAULT_MAX_BYTES ((size_t)32 << 20)
#define LAST_WORD_BYTES ((size_t)4 << 10) /* kept free for channel_terminated */
#define MAX_ORPHANS 4                     /* sent at the same time; more wait for the next engine */

struct EvidenceSender { /* the control loop's */
        char *channel_id, *session_id, *endpoint, *spool_dir;
        size_t max_bytes;
        RvClock *clock;
        Courier *courier;
        GPtrArray *orphans; /* Courier */
        int64_t emitted, refused;
        bool full; /* announced */
};

static void free_courier(gpointer courier) {
        courier_free(courier);
}

static Courier *start_courier(EvidenceSender *sender, const char *session_id, Spool *take_spool, bool orphan,
                              GError **error) {
        const CourierOptions options = {
                .endpoint = sender->endpoint,
                .channel_id = sender->channel_id,
                .session_id = session_id,
                .clock = sender->clock,
                .take_spool = take_spool,
                .ends_when_empty = orphan,
        };
        return courier_new(&options, error);
}

/* The session that a spool file is of, or NULL when it is no spool of another session. */
static char *orphan_session(const EvidenceSender *sender, const char *file) {
        if (!g_str_has_suffix(file, EVIDENCE_SPOOL_SUFFIX))
                return NULL;
        g_autofree char *session_id = g_strndup(file, strlen(file) - strlen(EVIDENCE_SPOOL_SUFFIX));
        if (!rv_uuid_valid(session_id) || strcmp(session_id, sender->session_id) == 0)
                return NULL;
        return g_steal_pointer(&session_id);
}

/* What a dead engine left is sent; what a living one has is left alone. */
static void adopt_orphan(EvidenceSender *sender, const char *session_id, const char *file) {
        g_autofree char *path = g_build_filename(sender->spool_dir, file, NULL);
        g_autoptr(GError) error = NULL;
        Spool *spool = spool_open(path, &error);
        Courier *courier = spool ? start_courier(sender, session_id, spool, true, &error) : NULL; /* INV-EVIDENCE-004 */
        if (courier) {
                rv_info("evidence.orphan", RV_S("session", session_id));
                g_ptr_array_add(sender->orphans, courier);
        } else if (!g_error_matches(error, RV_ERROR, RV_ERROR_UNAVAILABLE)) {
                rv_warning("evidence.orphan_unreadable", RV_S("session", session_id), RV_S("detail", error->message));
        }
}

static void adopt_orphans(EvidenceSender *sender) {
        g_autoptr(GDir) dir = g_dir_open(sender->spool_dir, 0, NULL);
        const char *file;
        while (dir && sender->orphans->len < MAX_ORPHANS && (file = g_dir_read_name(dir))) {
                g_autofree char *session_id = orphan_session(sender, file);
                if (session_id)
                        adopt_orphan(sender, session_id, file);
        }
}

static Spool *open_own_spool(const EvidenceSender *sender) {
        g_autofree char *file = g_strconcat(sender->session_id, EVIDENCE_SPOOL_SUFFIX, NULL);
        g_autofree char *path = g_build_filename(sender->spool_dir, file, NULL);
        g_autoptr(GError) error = NULL;
        Spool *spool = spool_open(path, &error);
        if (spool)
                return spool;
        rv_error("evidence.spool_failed", RV_S("session", sender->session_id), RV_S("detail", error->message));
        return spool_in_memory();
}

EvidenceSender *evidence_sender_new(const EvidenceOptions *options, GError **error) {
        EvidenceSender *sender = g_new0(EvidenceSender, 1);
        sender->channel_id = g_strdup(options->channel_id);
        sender->session_id = g_strdup(options->session_id);
        sender->endpoint = g_strdup(options->endpoint);
        sender->spool_dir = g_strdup(options->spool_dir);
        sender->max_bytes = options->spool_max_bytes ? options->spool_max_bytes : DEFAULT_MAX_BYTES;
        sender->clock = options->clock;
        sender->orphans = g_ptr_array_new_with_free_func(free_courier);
        Spool *spool = open_own_spool(sender);
        sender->emitted = spool_last(spool);
        sender->courier = start_courier(sender, sender->session_id, spool, false, error);
        if (!sender->courier) {
                evidence_sender_free(sender, 0);
                return NULL;
        }
        adopt_orphans(sender);
        return sender;
}

static void fill_in(EvidenceSender *sender, EvidenceEvent *event) {
        char uuid[RV_UUID_SIZE];
        rv_uuid_random(uuid);
        event->channel_id = g_strdup(sender->channel_id);
        event->session_id = g_strdup(sender->session_id);
        event->event_uuid = g_strdup(uuid);
        event->sequence = sender->emitted + 1;
        event->emitted_utc_ms = rv_clock_utc_ms(sender->clock);
        event->events_refused = sender->refused; /* INV-EVIDENCE-005 */
}

/* Decided before the number is given away, so that a refusal leaves no hole. */
static bool has_room(EvidenceSender *sender, EvidenceKind kind, size_t size) {
        const size_t held = courier_stats(sender->courier).held_bytes;
        const size_t reserved = kind == EVIDENCE_CHANNEL_TERMINATED ? 0 : LAST_WORD_BYTES;
        const bool room = held + size + reserved <= sender->max_bytes; /* INV-EVIDENCE-005 */
        if (!room && !sender->full)
                rv_error("evidence.spool_full", RV_S("session", sender->session_id), RV_I("bytes", (int64_t)held));
        if (room && sender->full)
                rv_info("evidence.spool_room", RV_S("session", sender->session_id), RV_I("refused", sender->refused));
        sender->full = !room;
        return room;
}

bool evidence_sender_emit(EvidenceSender *sender, EvidenceEvent *take_event) {
        g_autoptr(EvidenceEvent) event = take_event;
        fill_in(sender, event);
        g_autoptr(GBytes) packed = evidence_event_pack(event);
        if (!has_room(sender, event->kind, g_bytes_get_size(packed))) {
                sender->refused++;
                return false;
        }
        sender->emitted = event->sequence;
        courier_put(sender->courier, event->sequence, g_steal_pointer(&packed));
        return true;
}

EvidenceStats evidence_sender_stats(EvidenceSender *sender) {
        const CourierStats stats = courier_stats(sender->courier);
        return (EvidenceStats){sender->emitted, stats.acked, sender->refused, stats.connected};
}

void evidence_sender_free(EvidenceSender *sender, int flush_ms) {
        if (!sender)
                return;
        if (sender->courier)
                courier_flush(sender->courier, flush_ms);
        courier_free(sender->courier);
        g_ptr_array_unref(sender->orphans);
        g_free(sender->channel_id);
        g_free(sender->session_id);
        g_free(sender->endpoint);
        g_free(sender->spool_dir);
        g_free(sender);
}
