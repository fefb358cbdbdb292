/* Blocks: each planned one against what sessions aired of it, and what they aired that was not planned. */
#include "core/record/reconcile/compare.h"

#include <string.h>

#include "core/record/reconcile/compare_private.h"

/* After a session that broke, viewers who stay have another one within this; the time between is an outage. */
#define OUTAGE_MS (INT64_C(5) * 60 * 1000)

static const BlockPlan *block_at(const ReconcilePlan *plan, guint i) {
        return plan->blocks->pdata[i];
}

static const BlockPlan *planned_block(const ReconcilePlan *plan, const char *block_id) {
        for (guint i = 0; i < plan->blocks->len; i++)
                if (g_str_equal(block_at(plan, i)->block_id, block_id))
                        return block_at(plan, i);
        return NULL;
}

static bool is_in_window(const ReconcilePlan *plan, int64_t start_utc_ms) {
        return plan->scope == RECONCILE_SESSION ||
               (start_utc_ms >= plan->from_utc_ms && start_utc_ms < plan->to_utc_ms);
}

bool block_is_judged(const ReconcilePlan *plan, const GPtrArray *sessions, const BlockPlan *block) {
        if (plan->scope == RECONCILE_DAY)
                return is_in_window(plan, block->start_utc_ms);
        for (guint i = 0; i < sessions->len; i++)
                if (session_should_air(sessions->pdata[i], block) ||
                    session_airing(sessions->pdata[i], block->block_id))
                        return true;
        return false;
}

static Place place_of(const Session *session, const BlockPlan *block) {
        return (Place){session, block->block_id, block->start_utc_ms, NULL, block->start_utc_ms};
}

/* --- the times of a block ---------------------------------------------------------------------------------------- */

static char *stamp_text(const ReconcilePlan *plan, const Session *session, int64_t tick) {
        g_autofree char *instant = instant_text(plan, session_utc_ms(session, tick));
        return g_strdup_printf("%s, tick %" G_GINT64_FORMAT, instant, tick);
}

static char *event_stamp_text(const ReconcilePlan *plan, int64_t tick, int64_t utc_ms) {
        g_autofree char *instant = instant_text(plan, utc_ms);
        return g_strdup_printf("%s, tick %" G_GINT64_FORMAT, instant, tick);
}

static bool is_at(const Session *session, int64_t tick, int64_t utc_ms, int64_t expected_tick) {
        return tick == expected_tick && utc_ms == session_utc_ms(session, expected_tick);
}

/* INV-ASRUN-002 */
static void judge_start(const Bout *bout, int64_t expected_tick) {
        const EvidenceEvent *start = bout->airing->start;
        const ReconcilePlan *plan = bout->judge->plan;
        const Place place = place_of(bout->session, bout->block);
        Finding finding = {RECONCILE_BLOCK_TIME_MISMATCH, RECONCILE_RUNTIME, NULL, NULL};
        if (start && is_at(bout->session, start->tick, start->start_utc_ms, expected_tick))
                return;
        finding.take_expected = stamp_text(plan, bout->session, expected_tick);
        finding.take_found = start ? event_stamp_text(plan, start->tick, start->start_utc_ms) : g_strdup("no start");
        diverge(bout->judge, &place, &finding, "\"%s\" did not start exactly when it was planned to",
                bout->block->title);
}

/* A fence that the record must have: what it speaks of goes beyond it. Of a session that broke off, the last word may
 * be missing. */
static bool owes_fence(const Session *session, int64_t end_tick) {
        return session->how == SESSION_STOPPED ? end_tick <= session->reach_tick : end_tick < session->reach_tick;
}

/* INV-ASRUN-002 */
static void judge_end(const Bout *bout) {
        const int64_t end_tick = session_tick_at(bout->session, bout->block->end_utc_ms);
        const EvidenceEvent *start = bout->airing->start, *fence = bout->airing->fence;
        const ReconcilePlan *plan = bout->judge->plan;
        const bool announced = !start || start->fence_tick == end_tick;
        Place place = place_of(bout->session, bout->block);
        if (announced && (fence ? is_at(bout->session, fence->end_tick, fence->end_utc_ms, end_tick)
                                : !owes_fence(bout->session, end_tick)))
                return;
        place.at_utc_ms = bout->block->end_utc_ms;
        const Finding finding = {RECONCILE_BLOCK_TIME_MISMATCH, RECONCILE_RUNTIME,
                                 stamp_text(plan, bout->session, end_tick),
                                 !announced ? g_strdup_printf("a fence at tick %" G_GINT64_FORMAT, start->fence_tick)
                                 : fence    ? event_stamp_text(plan, fence->end_tick, fence->end_utc_ms)
                                            : g_strdup("no end")};
        diverge(bout->judge, &place, &finding, "\"%s\" did not end exactly when it was planned to", bout->block->title);
}

/* It came late, and says so throughout: nothing that it shows is before its start. */
static bool came_late(const Session *session, const Airing *airing, int64_t expected_tick) {
        const EvidenceEvent *start = airing->start;
        if (!start || start->tick <= expected_tick || start->start_utc_ms != session_utc_ms(session, start->tick))
                return false;
        for (guint i = 0; i < airing->segments->len; i++) {
                const Found *found = &g_array_index(airing->segments, Found, i);
                if (found->start && found->start->tick < start->tick)
                        return false;
        }
        return true;
}

static void tell_late(const Bout *bout, int64_t expected_tick) {
        const ReconcilePlan *plan = bout->judge->plan;
        const Place place = place_of(bout->session, bout->block);
        const int64_t late_ms =
                session_utc_ms(bout->session, bout->first_tick) - session_utc_ms(bout->session, expected_tick);
        const Finding finding = {RECONCILE_RUNWAY_DEGRADATION, RECONCILE_RUNTIME,
                                 stamp_text(plan, bout->session, expected_tick),
                                 stamp_text(plan, bout->session, bout->first_tick)};
        diverge(bout->judge, &place, &finding,
                "\"%s\" reached the engine %" G_GINT64_FORMAT
                " ms after it should have begun; it was black until then, and went on where it was due",
                bout->block->title, late_ms);
}

static void judge_airing(const Judge *judge, const Session *session, const Airing *airing, const BlockPlan *block) {
        /* INV-RECONCILE-004: a session that begins within a block has the rest of it. */
        const int64_t expected_tick = MAX(0, session_tick_at(session, block->start_utc_ms));
        Bout bout = {judge, session, airing, block, expected_tick, came_late(session, airing, expected_tick)};
        if (bout.late) {
                bout.first_tick = airing->start->tick;
                tell_late(&bout, expected_tick);
        } else {
                judge_start(&bout, expected_tick);
        }
        judge_end(&bout);
        judge_segments(&bout);
}

/* --- blocks ------------------------------------------------------------------------------------------------------ */

static bool was_locked_late(const ReconcilePlan *plan, guint i) {
        return plan->locked_utc_ms && i < plan->locked_utc_ms->len &&
               g_array_index(plan->locked_utc_ms, int64_t, i) > block_at(plan, i)->start_utc_ms;
}

/* session NULL: it fell into an outage. */
static void tell_missing(const Judge *judge, const Session *session, guint i) {
        const BlockPlan *block = block_at(judge->plan, i);
        const Place place = place_of(session, block);
        const bool late = was_locked_late(judge->plan, i);
        const Finding finding = {RECONCILE_MISSING_BLOCK, late ? RECONCILE_PLANNING : RECONCILE_RUNTIME,
                                 g_strdup_printf("%s (%s)", block->title, block->block_id), g_strdup("nothing")};
        diverge(judge, &place, &finding,
                late      ? "\"%s\" was not shown: it was planned only after it should have begun"
                : session ? "\"%s\" was planned and the channel was on the air, but it was not shown"
                          : "\"%s\" was not shown: the channel was off the air between two engines",
                block->title);
}

/* Between a session that broke and the next one. */
static bool is_outage(const GPtrArray *sessions, const BlockPlan *block) {
        for (guint i = 0; i + 1 < sessions->len; i++) {
                const Session *broken = sessions->pdata[i], *next = sessions->pdata[i + 1];
                const int64_t from = session_utc_ms(broken, broken->reach_tick), to = next->epoch_utc_ms;
                if (broken->how == SESSION_BROKEN && to - from <= OUTAGE_MS && block->end_utc_ms > from &&
                    block->start_utc_ms < to)
                        return true;
        }
        return false;
}

/* INV-RECONCILE-002 */
static void tell_unwatched(const Judge *judge, const BlockPlan *block) {
        const Place place = place_of(NULL, block);
        const Finding finding = {RECONCILE_NOT_AIRED_BY_DESIGN, RECONCILE_NO_FAULT, g_strdup(block->title),
                                 g_strdup("no engine was on the air")};
        diverge(judge, &place, &finding, "\"%s\" was not aired: nobody watched", block->title);
}

/* INV-ASRUN-001: each planned block once in each session that should have aired it. */
static void judge_block(const Judge *judge, const GPtrArray *sessions, guint i) {
        const BlockPlan *block = block_at(judge->plan, i);
        bool expected = false, aired = false;
        for (guint j = 0; j < sessions->len; j++) {
                const Session *session = sessions->pdata[j];
                const Airing *airing = session_airing(session, block->block_id);
                if (airing)
                        judge_airing(judge, session, airing, block);
                else if (session_should_air(session, block))
                        tell_missing(judge, session, i);
                expected |= airing || session_should_air(session, block);
                aired |= airing != NULL;
        }
        judge->report->blocks++;
        judge->report->aired += aired;
        if (!expected && is_outage(sessions, block))
                tell_missing(judge, NULL, i);
        else if (!expected)
                tell_unwatched(judge, block);
}

/* Where nothing was planned while a session was on the air. */
static void judge_hole(const Judge *judge, const GPtrArray *sessions, guint i) {
        const BlockPlan *before = block_at(judge->plan, i), *after = block_at(judge->plan, i + 1);
        for (guint j = 0; j < sessions->len; j++) {
                const Session *session = sessions->pdata[j];
                const int64_t from = MAX(session_tick_at(session, before->end_utc_ms), 0);
                const int64_t to = MIN(session_tick_at(session, after->start_utc_ms), session->limit_tick);
                if (before->end_utc_ms >= after->start_utc_ms || from >= to)
                        continue;
                const Place place = {session, "", before->end_utc_ms, NULL, session_utc_ms(session, from)};
                const Finding finding = {RECONCILE_MISSING_BLOCK, RECONCILE_PLANNING, g_strdup("a block"),
                                         g_strdup("nothing was planned")};
                diverge(judge, &place, &finding,
                        "nothing was planned for %" G_GINT64_FORMAT " ms although somebody watched",
                        session_utc_ms(session, to) - session_utc_ms(session, from));
        }
}

/* --- what was not planned ---------------------------------------------------------------------------------------- */

static void judge_extra(const Judge *judge, const Session *session, const Airing *airing) {
        const BlockPlan *block = planned_block(judge->plan, airing->block_id);
        const int64_t at_utc_ms = airing_utc_ms(airing);
        if (block && session_airing(session, airing->block_id) == airing)
                return;
        const Place place = {session, airing->block_id, block ? block->start_utc_ms : at_utc_ms, NULL, at_utc_ms};
        if (!is_in_window(judge->plan, place.block_utc_ms))
                return;
        const Finding finding = {RECONCILE_EXTRA_BLOCK, RECONCILE_RUNTIME, g_strdup(block ? "once" : "nothing"),
                                 g_strdup(block ? "once more" : airing->block_id)};
        const char *title = airing->start && airing->start->title ? airing->start->title : "a block";
        diverge(judge, &place, &finding,
                block ? "\"%s\" was shown a second time" : "\"%s\" was shown, and no locked log has it", title);
}

/* A session that broke: the block that was on, or just to come. */
static void judge_break(const Judge *judge, const Session *session, const Session *next) {
        const int64_t at_utc_ms = session_utc_ms(session, session->reach_tick);
        const EvidenceEvent *end = session->end;
        const BlockPlan *block = NULL;
        for (guint i = 0; i < judge->plan->blocks->len && !block; i++)
                if (block_at(judge->plan, i)->end_utc_ms > at_utc_ms)
                        block = block_at(judge->plan, i);
        if (session->how != SESSION_BROKEN || !block || !is_in_window(judge->plan, block->start_utc_ms))
                return;
        const char *why = !end ? "without a word" : end->detail && end->detail[0] ? end->detail : end->reason;
        g_autofree char *again = next ? instant_text(judge->plan, next->epoch_utc_ms) : NULL;
        const Place place = {session, block->block_id, block->start_utc_ms, NULL, at_utc_ms};
        const Finding finding = {RECONCILE_RUNTIME_RECOVERY, RECONCILE_RUNTIME, g_strdup(block->title),
                                 g_strdup_printf("the engine ended: %s", why ? why : "")};
        const bool is_last = !again && judge->plan->scope == RECONCILE_DAY; /* of a session's report nobody knows yet */
        diverge(judge, &place, &finding, "the engine ended %s \"%s\" (%s)%s%s",
                session->airings->len > 0 ? "within" : "before it showed anything of", block->title, why ? why : "",
                again     ? "; the next one goes on from "
                : is_last ? "; nobody watched any more"
                          : "",
                again ? again : "");
}

static int by_time(const void *a, const void *b) {
        const ReconcileDivergence *one = *(const ReconcileDivergence *const *)a;
        const ReconcileDivergence *two = *(const ReconcileDivergence *const *)b;
        if (one->at_utc_ms != two->at_utc_ms)
                return one->at_utc_ms < two->at_utc_ms ? -1 : 1;
        if (one->class != two->class)
                return one->class < two->class ? -1 : 1;
        return g_strcmp0(one->sentence, two->sentence);
}

ReconcileReport *reconcile_compare(const ReconcilePlan *plan, const ReconcileRecord *record) {
        ReconcileReport *report = reconcile_report_new(plan);
        const Judge judge = {plan, report};
        g_autoptr(GPtrArray) sessions = sessions_of(plan, record);
        for (guint i = 0; i < plan->blocks->len; i++) {
                if (!block_is_judged(plan, sessions, block_at(plan, i)))
                        continue;
                judge_block(&judge, sessions, i);
                if (i + 1 < plan->blocks->len)
                        judge_hole(&judge, sessions, i);
        }
        for (guint i = 0; i < sessions->len; i++) {
                const Session *session = sessions->pdata[i];
                for (guint j = 0; j < session->airings->len; j++)
                        judge_extra(&judge, session, session->airings->pdata[j]);
                judge_break(&judge, session, i + 1 < sessions->len ? sessions->pdata[i + 1] : NULL);
        }
        g_ptr_array_sort(report->divergences, by_time); /* INV-RECONCILE-001 */
        return report;
}
