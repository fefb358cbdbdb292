/* Events put in order: sessions with their clocks, and what each of them aired. */
#include <string.h>

#include "core/record/reconcile/compare_private.h"

/* Before a session's last word, what ended just then may not have begun. */
#define LAST_WORD_MS 5000

static void airing_free(void *data) {
        Airing *airing = data;
        g_array_unref(airing->segments);
        g_free(airing);
}

static void session_free(void *data) {
        Session *session = data;
        g_ptr_array_unref(session->events);
        g_ptr_array_unref(session->airings);
        g_free(session);
}

int64_t session_tick_at(const Session *session, int64_t utc_ms) {
        return rv_tick_at_ms(utc_ms - session->epoch_utc_ms, session->rate);
}

int64_t session_utc_ms(const Session *session, int64_t tick) {
        return session->epoch_utc_ms + rv_tick_to_ms(tick, session->rate);
}

const Airing *session_airing(const Session *session, const char *block_id) {
        for (guint i = 0; i < session->airings->len; i++) {
                const Airing *airing = session->airings->pdata[i];
                if (g_str_equal(airing->block_id, block_id))
                        return airing;
        }
        return NULL;
}

bool session_should_air(const Session *session, const BlockPlan *block) {
        const int64_t start_tick = session_tick_at(session, block->start_utc_ms);
        return session_tick_at(session, block->end_utc_ms) > 0 && MAX(start_tick, 0) < session->limit_tick;
}

int64_t airing_utc_ms(const Airing *airing) {
        if (airing->start)
                return airing->start->start_utc_ms;
        if (airing->segments->len > 0) {
                const Found *first = &g_array_index(airing->segments, Found, 0);
                return first->start ? first->start->start_utc_ms : first->end->start_utc_ms;
        }
        return airing->fence->end_utc_ms;
}

int64_t session_reach_in(const Session *session, const Airing *airing) {
        int64_t reach = airing->start ? airing->start->tick : 0;
        if (airing->fence)
                return airing->fence->end_tick;
        for (guint i = 0; i < airing->segments->len; i++) {
                const Found *found = &g_array_index(airing->segments, Found, i);
                if (found->start)
                        reach = MAX(reach, found->start->tick);
                if (found->end)
                        reach = MAX(reach, found->end->end_tick);
        }
        return MIN(reach, session->reach_tick);
}

const char *found_uuid(const Found *found) {
        const char *uuid = found->end ? found->end->segment_uuid : found->start->segment_uuid;
        return uuid ? uuid : "";
}

/* --- by session -------------------------------------------------------------------------------------------------- */

/* As they were told; core's own, which have negative sequences, after the engine's. */
static int by_sequence(const void *a, const void *b) {
        const EvidenceEvent *one = *(const EvidenceEvent *const *)a, *two = *(const EvidenceEvent *const *)b;
        const bool ours_one = one->sequence < 0, ours_two = two->sequence < 0;
        if (ours_one != ours_two)
                return ours_one ? 1 : -1;
        const int64_t first = ours_one ? -one->sequence : one->sequence;
        const int64_t second = ours_one ? -two->sequence : two->sequence;
        if (first != second)
                return first < second ? -1 : 1;
        return g_strcmp0(one->event_uuid, two->event_uuid);
}

static GHashTable *by_session(const ReconcileRecord *record) {
        GHashTable *sessions = g_hash_table_new(g_str_hash, g_str_equal);
        for (guint i = 0; i < record->events->len; i++) {
                EvidenceEvent *event = record->events->pdata[i];
                if (event->kind == EVIDENCE_HELLO || !event->session_id)
                        continue;
                Session *session = g_hash_table_lookup(sessions, event->session_id);
                if (!session) {
                        session = g_new0(Session, 1);
                        session->id = event->session_id;
                        session->events = g_ptr_array_new();
                        session->airings = g_ptr_array_new_with_free_func(airing_free);
                        g_hash_table_insert(sessions, (char *)session->id, session);
                }
                g_ptr_array_add(session->events, event);
        }
        return sessions;
}

/* --- the session's clock ----------------------------------------------------------------------------------------- */

/* The instants that an event names, with their ticks. */
static unsigned stamps_of(const EvidenceEvent *event, int64_t ret_ticks[2], int64_t ret_utc_ms[2]) {
        if (event->sequence < 0) /* core knows no ticks */
                return 0;
        ret_ticks[0] = event->tick;
        ret_utc_ms[0] = event->start_utc_ms;
        switch (event->kind) {
        case EVIDENCE_BLOCK_START:
        case EVIDENCE_SEGMENT_START:
                return 1;
        case EVIDENCE_BLOCK_FENCE:
                ret_ticks[0] = event->end_tick;
                ret_utc_ms[0] = event->end_utc_ms;
                return 1;
        case EVIDENCE_SEGMENT_END:
                ret_ticks[0] = event->start_tick;
                ret_ticks[1] = event->end_tick;
                ret_utc_ms[1] = event->end_utc_ms;
                return 2;
        case EVIDENCE_HELLO:
        case EVIDENCE_CHANNEL_TERMINATED:
                break;
        }
        return 0;
}

static int by_number(const void *a, const void *b) {
        const int64_t one = *(const int64_t *)a, two = *(const int64_t *)b;
        return (one > two) - (one < two);
}

/* The epoch that most of the session's stamps agree on at a rate; how many do. */
static unsigned vote(const Session *session, RvRational rate, int64_t *ret_epoch_utc_ms) {
        g_autoptr(GArray) epochs = g_array_new(FALSE, FALSE, sizeof(int64_t));
        for (guint i = 0; i < session->events->len; i++) {
                int64_t ticks[2], utc_ms[2];
                const unsigned n = stamps_of(session->events->pdata[i], ticks, utc_ms);
                for (unsigned j = 0; j < n; j++) {
                        const int64_t epoch = utc_ms[j] - rv_tick_to_ms(ticks[j], rate);
                        g_array_append_val(epochs, epoch);
                }
        }
        g_array_sort(epochs, by_number);
        unsigned best = 0, run = 0;
        for (guint i = 0; i < epochs->len; i++) {
                const int64_t epoch = g_array_index(epochs, int64_t, i);
                run = i > 0 && g_array_index(epochs, int64_t, i - 1) == epoch ? run + 1 : 1;
                if (run > best) {
                        best = run;
                        *ret_epoch_utc_ms = epoch;
                }
        }
        return best;
}

/* INV-RECONCILE-003: a line that is wrong is outvoted by the others, and a channel whose format was changed since has
 * its former rate. False: nothing has a tick. */
static bool find_clock(Session *session, RvRational planned) {
        const RvRational rates[] = {planned,       {30000, 1001}, {30, 1}, {25, 1},       {24, 1},
                                    {24000, 1001}, {50, 1},       {60, 1}, {60000, 1001}, {48, 1}};
        unsigned best = 0;
        for (size_t i = 0; i < G_N_ELEMENTS(rates); i++) {
                int64_t epoch_utc_ms = 0;
                const unsigned n = rates[i].num > 0 ? vote(session, rates[i], &epoch_utc_ms) : 0;
                if (n <= best)
                        continue;
                best = n;
                session->rate = rates[i];
                session->epoch_utc_ms = epoch_utc_ms;
        }
        return best > 0;
}

/* INV-RECONCILE-004: of an engine that showed nothing the end may be told all the same. */
static bool is_only_an_end(Session *session, RvRational planned) {
        if (!session->end || planned.num <= 0)
                return false;
        session->rate = planned;
        session->epoch_utc_ms = session->end->end_utc_ms;
        return true;
}

/* --- what it aired ----------------------------------------------------------------------------------------------- */

static Airing *newest_airing(Session *session, const char *block_id) {
        for (guint i = session->airings->len; i > 0; i--) {
                Airing *airing = session->airings->pdata[i - 1];
                if (g_str_equal(airing->block_id, block_id))
                        return airing;
        }
        return NULL;
}

static Airing *begin_airing(Session *session, const char *block_id, const EvidenceEvent *start) {
        Airing *airing = g_new0(Airing, 1);
        airing->block_id = block_id;
        airing->start = start;
        airing->segments = g_array_new(FALSE, TRUE, sizeof(Found));
        g_ptr_array_add(session->airings, airing);
        return airing;
}

/* The segment that has begun and not ended, of that name. */
static Found *open_segment(Airing *airing, const char *uuid) {
        for (guint i = airing->segments->len; i > 0; i--) {
                Found *found = &g_array_index(airing->segments, Found, i - 1);
                if (!found->end && g_strcmp0(found->start->segment_uuid, uuid) == 0)
                        return found;
        }
        return NULL;
}

static bool has_ended(const Airing *airing, const char *uuid) {
        for (guint i = 0; i < airing->segments->len; i++) {
                const Found *found = &g_array_index(airing->segments, Found, i);
                if (found->end && g_strcmp0(found->end->segment_uuid, uuid) == 0)
                        return true;
        }
        return false;
}

static void add_segment(Airing *airing, const EvidenceEvent *event) {
        Found *open = event->kind == EVIDENCE_SEGMENT_END ? open_segment(airing, event->segment_uuid) : NULL;
        if (open) {
                open->end = event;
        } else if (event->kind == EVIDENCE_SEGMENT_START) {
                g_array_append_val(airing->segments, ((Found){.start = event}));
        } else if (event->sequence > 0 || !has_ended(airing, event->segment_uuid)) {
                /* else: core closed a segment for an engine that died, whose own word has come since */
                g_array_append_val(airing->segments, ((Found){.end = event}));
        }
}

static void add_event(Session *session, const EvidenceEvent *event) {
        const char *block_id = event->block_id ? event->block_id : "";
        Airing *airing = newest_airing(session, block_id);
        switch (event->kind) {
        case EVIDENCE_BLOCK_START:
                if (airing && !airing->start)
                        airing->start = event;
                else
                        begin_airing(session, block_id, event);
                break;
        case EVIDENCE_SEGMENT_START:
        case EVIDENCE_SEGMENT_END:
                add_segment(airing ? airing : begin_airing(session, block_id, NULL), event);
                break;
        case EVIDENCE_BLOCK_FENCE:
                airing = airing ? airing : begin_airing(session, block_id, NULL);
                if (!airing->fence)
                        airing->fence = event;
                break;
        case EVIDENCE_CHANNEL_TERMINATED:
                if (!session->end) /* the engine's own comes first */
                        session->end = event;
                break;
        case EVIDENCE_HELLO:
                break;
        }
}

static void find_reach(Session *session) {
        for (guint i = 0; i < session->events->len; i++) {
                int64_t ticks[2], utc_ms[2];
                const unsigned n = stamps_of(session->events->pdata[i], ticks, utc_ms);
                for (unsigned j = 0; j < n; j++)
                        session->reach_tick = MAX(session->reach_tick, ticks[j]);
        }
}

static void find_end(Session *session, bool has_follower) {
        const EvidenceEvent *end = session->end;
        session->limit_tick = session->reach_tick;
        session->how = SESSION_BROKEN;
        if (!end) {
                session->how = has_follower ? SESSION_BROKEN : SESSION_RUNNING;
        } else if (end->sequence > 0 && g_strcmp0(end->reason, "stop_requested") == 0) {
                session->how = SESSION_STOPPED;
                /* A clock that was set says nothing of how long the session was. */
                if (!end->detail || !strstr(end->detail, "clock_set"))
                        session->limit_tick =
                                MAX(session->reach_tick, session_tick_at(session, end->end_utc_ms - LAST_WORD_MS));
        }
}

static int by_epoch(const void *a, const void *b) {
        const Session *one = *(const Session *const *)a, *two = *(const Session *const *)b;
        if (one->epoch_utc_ms != two->epoch_utc_ms)
                return one->epoch_utc_ms < two->epoch_utc_ms ? -1 : 1;
        return strcmp(one->id, two->id);
}

GPtrArray *sessions_of(const ReconcilePlan *plan, const ReconcileRecord *record) {
        GPtrArray *sessions = g_ptr_array_new_with_free_func(session_free);
        g_autoptr(GHashTable) found = by_session(record);
        GHashTableIter iter;
        void *value;
        g_hash_table_iter_init(&iter, found);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                Session *session = value;
                g_ptr_array_sort(session->events, by_sequence);
                for (guint i = 0; i < session->events->len; i++)
                        add_event(session, session->events->pdata[i]);
                if (!find_clock(session, plan->rate) && !is_only_an_end(session, plan->rate)) {
                        session_free(session);
                        continue;
                }
                find_reach(session);
                g_ptr_array_add(sessions, session);
        }
        g_ptr_array_sort(sessions, by_epoch);
        for (guint i = 0; i < sessions->len; i++)
                find_end(sessions->pdata[i], i + 1 < sessions->len);
        return sessions;
}
