#include "core/record/evidence/evidence_private.h"
#include "proto/base/log.h"

#define GROUP_MAX 1024 /* events of one transaction: a bound on how long the next group waits */

typedef Retrovue__Evidence__V1__EvidenceAck AckMessage;

/* What one stream has in the group. */
typedef struct {
        EvidenceStream *stream;
        EvidenceEvent *hello; /* to be answered */
        unsigned first, n;    /* of the group's events */
        bool refused;
        char fault[200];
} Part;

typedef struct {
        GPtrArray *events; /* EvidenceEvent, with its free */
        GArray *parts;     /* Part */
} Group;

/* --- gathering: with the lock held ---------------------------------------------------------------------------------
 */

static Part take_part(EvidenceStream *stream, GPtrArray *events, unsigned share) {
        Part part = {.stream = stream, .first = events->len};
        const EvidenceEvent *head = g_queue_peek_head(&stream->waiting);
        if (head && head->kind == EVIDENCE_HELLO)
                part.hello = g_queue_pop_head(&stream->waiting);
        while (part.n < share && stream->waiting.length > 0) {
                g_ptr_array_add(events, g_queue_pop_head(&stream->waiting));
                part.n++;
        }
        return part;
}

/* INV-EVIDENCE-104: every stream that has something has its turn before any has a second, with the same share. */
static void gather(EvidenceService *service, Group *group) {
        const unsigned n = MAX(service->ready.length, 1);
        const unsigned share = CLAMP(GROUP_MAX / n, 1, STREAM_WAITING_MAX);
        while (group->events->len < GROUP_MAX && service->ready.length > 0) {
                Part part = take_part(g_queue_pop_head(&service->ready), group->events, share);
                g_array_append_val(group->parts, part);
        }
}

/* --- recording ------------------------------------------------------------------------------------------------------
 */

static void acknowledge(EvidenceStream *stream, int64_t sequence) {
        AckMessage ack = RETROVUE__EVIDENCE__V1__EVIDENCE_ACK__INIT;
        ack.playout_session_id = stream->hello->session_id;
        ack.acked_sequence = sequence;
        (void)rpc_flow_write(stream->flow, &ack); /* false: it is over, and will come again */
}

/* Hello is answered with what we hold, so that the engine sends what is above it and nothing twice. INV-EVIDENCE-101 */
static void greet(EvidenceService *service, const Part *part) {
        const EvidenceEvent *hello = part->hello;
        const EvidenceRecorder *recorder = &service->recorder;
        const int64_t last = recorder->last_sequence(recorder->user, hello->channel_id, hello->session_id);
        rv_info("evidence.hello", RV_S("channel", hello->channel_id), RV_S("session", hello->session_id),
                RV_I("held", last), RV_I("emitted", hello->last_sequence_emitted));
        if (hello->first_sequence_available > last + 1) /* neither side has it any more */
                rv_warning("evidence.hole", RV_S("channel", hello->channel_id), RV_S("session", hello->session_id),
                           RV_I("held", last), RV_I("available_from", hello->first_sequence_available));
        acknowledge(part->stream, last);
}

static bool record_part(EvidenceService *service, const Group *group, Part *part) {
        g_autoptr(GError) error = NULL;
        const EvidenceRecorder *recorder = &service->recorder;
        const EvidenceEvent *const *events = (const EvidenceEvent *const *)group->events->pdata;
        part->refused = !recorder->record(recorder->user, events + part->first, part->n, &error);
        if (part->refused)
                g_strlcpy(part->fault, error->message, sizeof part->fault);
        return !part->refused;
}

/* The group cannot be recorded: one stream's part of it may be the reason, or the disk. What strikes two of them
 * strikes all. */
static void record_apart(EvidenceService *service, Group *group) {
        const char *fault = NULL;
        unsigned struck = 0;
        for (unsigned i = 0; i < group->parts->len; i++) {
                Part *part = &g_array_index(group->parts, Part, i);
                if (part->n == 0)
                        continue;
                if (struck >= 2) {
                        part->refused = true;
                        g_strlcpy(part->fault, fault, sizeof part->fault);
                } else if (!record_part(service, group, part)) {
                        struck++;
                        fault = part->fault;
                }
        }
}

/* The only stream that has something in the group, or NULL. */
static Part *only_part(Group *group) {
        Part *only = NULL;
        for (unsigned i = 0; i < group->parts->len; i++) {
                Part *part = &g_array_index(group->parts, Part, i);
                if (part->n > 0 && only)
                        return NULL;
                if (part->n > 0)
                        only = part;
        }
        return only;
}

static void record(EvidenceService *service, Group *group) {
        g_autoptr(GError) error = NULL;
        const EvidenceRecorder *recorder = &service->recorder;
        const EvidenceEvent *const *events = (const EvidenceEvent *const *)group->events->pdata;
        Part *only = only_part(group);
        if (only)
                (void)record_part(service, group, only);
        else if (group->events->len > 0 && !recorder->record(recorder->user, events, group->events->len, &error))
                record_apart(service, group);
}

/* INV-EVIDENCE-005: told once; the first event of a stream may repeat what another has told. */
static void note_loss(EvidenceService *service, const Group *group, const Part *part) {
        EvidenceStream *stream = part->stream;
        for (unsigned i = 0; i < part->n; i++) {
                const EvidenceEvent *event = g_ptr_array_index(group->events, part->first + i);
                const int64_t lost = event->events_refused - stream->refused;
                if (stream->refused >= 0 && lost > 0) {
                        rv_error("evidence.lost", RV_S("channel", event->channel_id),
                                 RV_S("session", event->session_id), RV_I("before_sequence", event->sequence),
                                 RV_I("events", lost));
                        pthread_mutex_lock(&service->lock);
                        service->stats.lost += (uint64_t)lost;
                        pthread_mutex_unlock(&service->lock);
                }
                stream->refused = event->events_refused;
        }
}

/* INV-EVIDENCE-102: acknowledged when it is on disk, not before; the last of a stream's speaks for those before it. */
static void answer(EvidenceService *service, const Group *group, Part *part) {
        if (part->n == 0)
                return;
        const EvidenceEvent *last = g_ptr_array_index(group->events, part->first + part->n - 1);
        if (!part->refused) {
                note_loss(service, group, part);
                acknowledge(part->stream, last->sequence);
                return;
        }
        rv_error("evidence.not_recorded", RV_S("channel", last->channel_id), RV_S("session", last->session_id),
                 RV_I("sequence", last->sequence), RV_S("error", part->fault));
}

/* --- and after it ---------------------------------------------------------------------------------------------------
 */

static void clear_waiting(EvidenceStream *stream) {
        for (EvidenceEvent *event; (event = g_queue_pop_head(&stream->waiting));)
                evidence_event_free(event);
}

/* What became of the stream: it goes on, has more, or is at its end. */
static void settle(EvidenceService *service, const Part *part) {
        EvidenceStream *stream = part->stream;
        pthread_mutex_lock(&service->lock);
        stream->ready = false;
        if (part->refused) { /* it comes again with what is not acknowledged */
                stream->ending = true;
                stream->status = rpc_status(RPC_CODE_UNAVAILABLE, "%s", part->fault);
                clear_waiting(stream);
        }
        const bool over = stream->ending && stream->waiting.length == 0;
        const bool resume = !over && stream->paused && stream->waiting.length <= STREAM_WAITING_MAX / 2;
        if (resume)
                stream->paused = false;
        if (over)
                service->stats.streams--;
        else if (stream->waiting.length > 0)
                evidence_stream_make_ready(stream);
        stream->ready |= over; /* and is never made so again */
        pthread_mutex_unlock(&service->lock);
        if (resume)
                rpc_flow_next(stream->flow);
        if (over) {
                rpc_flow_finish(stream->flow, stream->status);
                evidence_stream_unref(stream);
        }
}

static void count(EvidenceService *service, const Group *group) {
        unsigned events = 0, refused = 0;
        for (unsigned i = 0; i < group->parts->len; i++) {
                const Part *part = &g_array_index(group->parts, Part, i);
                if (part->refused)
                        refused++;
                else
                        events += part->n;
        }
        pthread_mutex_lock(&service->lock);
        service->stats.events += events;
        service->stats.groups += group->events->len > 0;
        service->stats.refused += refused > 0;
        pthread_mutex_unlock(&service->lock);
}

static void carry_out(EvidenceService *service, Group *group) {
        for (unsigned i = 0; i < group->parts->len; i++) {
                Part *part = &g_array_index(group->parts, Part, i);
                if (part->hello)
                        greet(service, part);
                evidence_event_free(part->hello);
        }
        record(service, group);
        count(service, group);
        for (unsigned i = 0; i < group->parts->len; i++) {
                Part *part = &g_array_index(group->parts, Part, i);
                answer(service, group, part);
                settle(service, part);
        }
}

static void free_event(void *event) {
        evidence_event_free(event);
}

bool evidence_group_run(EvidenceService *service) {
        Group group = {g_ptr_array_new_with_free_func(free_event), g_array_new(FALSE, FALSE, sizeof(Part))};
        pthread_mutex_lock(&service->lock);
        while (!service->stopping && service->ready.length == 0)
                pthread_cond_wait(&service->news, &service->lock);
        gather(service, &group);
        const bool go_on = group.parts->len > 0 || !service->stopping;
        pthread_mutex_unlock(&service->lock);
        carry_out(service, &group);
        g_ptr_array_unref(group.events);
        g_array_unref(group.parts);
        return go_on;
}
