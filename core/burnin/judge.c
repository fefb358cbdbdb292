#include <stdlib.h>
#include <string.h>

#include "core/burnin/private.h"

#define ROUNDING_FRAMES 1
/* A stretch whose first picture was seen so near to when a session's was due is of that session. */
#define CERTAIN_MS (2 * MINUTE_MS)

/* One engine's life, as the record has it. */
typedef struct {
        const char *id;
        GPtrArray *events;    /* json_t, in the engine's order, then what core said for it */
        int64_t epoch_utc_ms; /* 0: nothing that is known to have been then */
        int64_t end_tick;     /* of what it recorded */
        bool has_begun;       /* something is recorded to have been on the air */
        const json_t *last_word;
        BurninCause death; /* BURNIN_NO_CAUSE: it ended as it was asked to */
        bool is_last;      /* of those that began */
} Session;

/* Walks along the plan with a session's events. */
typedef struct {
        BurninReport *report;
        const Evidence *in;
        BurninFigures *figures;
        GHashTable *places; /* block id -> its place in the plan, from 1 */
        GHashTable *aired;  /* block ids whose fence was recorded */

        const Session *session;
        BlockPlan *block; /* on the air, as it was joined; NULL: none */
        bool is_late;     /* it began after its time */
        guint place;      /* of the last one, from 1; 0: none yet */
        uint32_t next_segment;
        int64_t fence_tick; /* the last; -1: none */
        int64_t frames;     /* of the block's segments */
} Walk;

static const char *text_of(const json_t *document, const char *key) {
        const char *text = json_string_value(json_object_get(document, key));
        return text ? text : "";
}

static int64_t number_of(const json_t *document, const char *key) {
        return json_integer_value(json_object_get(document, key));
}

static bool is_kind(const json_t *document, const char *kind) {
        return g_str_equal(text_of(document, "kind"), kind);
}

/* --- sessions ---------------------------------------------------------------------------------------------------- */

static void session_free(void *user) {
        Session *session = user;
        g_ptr_array_unref(session->events);
        g_free(session);
}

/* What we say for an engine is numbered from -1 down, and comes last. */
static int compare_events(const void *a, const void *b) {
        const int64_t x = number_of(*(json_t *const *)a, "sequence"), y = number_of(*(json_t *const *)b, "sequence");
        if ((x < 0) != (y < 0))
                return x < 0 ? 1 : -1;
        return x < 0 ? (x < y) - (x > y) : (x > y) - (x < y);
}

static int compare_sessions(const void *a, const void *b) {
        const Session *x = *(Session *const *)a, *y = *(Session *const *)b;
        return (x->epoch_utc_ms > y->epoch_utc_ms) - (x->epoch_utc_ms < y->epoch_utc_ms);
}

/* An engine that says nothing at its end was killed; one that lost core says so. */
static BurninCause death_of(const Session *session) {
        if (!session->last_word || number_of(session->last_word, "sequence") < 0)
                return BURNIN_DEAD_AIR;
        const char *reason = text_of(session->last_word, "reason");
        if (g_str_equal(reason, "core_lost"))
                return BURNIN_DEAD_CORE;
        return g_str_equal(reason, "stop_requested") ? BURNIN_NO_CAUSE : BURNIN_DEAD_AIR;
}

/* A session that ended before anything began has only its end's time; by core's clock, if core said it: an engine's own
 * is not led, and says nothing about a time that is. */
static int64_t end_utc_ms(const Session *session, bool compressed) {
        const bool is_known = session->last_word && (!compressed || number_of(session->last_word, "sequence") < 0);
        return is_known ? number_of(session->last_word, "utc_ms") : 0;
}

static void read_session(Session *session, bool compressed) {
        g_ptr_array_sort(session->events, compare_events);
        for (guint i = 0; i < session->events->len; i++) {
                const json_t *event = session->events->pdata[i];
                if (is_kind(event, "channel_terminated"))
                        session->last_word = event;
                if (is_kind(event, "block_start") && !session->has_begun) {
                        session->epoch_utc_ms = number_of(event, "actual_start_utc_ms"); /* the first is tick 0 */
                        session->has_begun = true;
                }
                if (is_kind(event, "segment_end") && number_of(event, "sequence") > 0)
                        session->end_tick = MAX(session->end_tick, number_of(event, "end_tick"));
        }
        if (!session->has_begun)
                session->epoch_utc_ms = end_utc_ms(session, compressed);
        session->death = death_of(session);
}

/* An engine that died before it showed anything may be told of after the next one's first picture, which is a few
 * seconds in the past (pre-roll). */
static void mark_last(const GPtrArray *sessions) {
        Session *last = NULL;
        for (guint i = 0; i < sessions->len; i++) {
                Session *session = sessions->pdata[i];
                if (session->has_begun)
                        last = session;
        }
        if (last)
                last->is_last = true;
}

static GPtrArray *sessions_of(const json_t *entries, bool compressed) {
        GPtrArray *sessions = g_ptr_array_new_with_free_func(session_free);
        g_autoptr(GHashTable) by_id = g_hash_table_new(g_str_hash, g_str_equal);
        for (size_t i = 0; i < json_array_size(entries); i++) {
                json_t *event = json_array_get(entries, i);
                const char *id = text_of(event, "session_id");
                Session *session = g_hash_table_lookup(by_id, id);
                if (!session) {
                        session = g_new0(Session, 1);
                        session->id = id;
                        session->events = g_ptr_array_new();
                        g_hash_table_insert(by_id, (char *)id, session);
                        g_ptr_array_add(sessions, session);
                }
                g_ptr_array_add(session->events, event);
        }
        for (guint i = 0; i < sessions->len; i++)
                read_session(sessions->pdata[i], compressed);
        g_ptr_array_sort(sessions, compare_sessions);
        mark_last(sessions);
        return sessions;
}

/* --- the plan by itself ------------------------------------------------------------------------------------------ */

static void judge_plan(BurninReport *report, const Evidence *in) {
        const BlockPlan *before = NULL;
        for (guint i = 0; i < in->blocks->len; i++) {
                const BlockPlan *block = in->blocks->pdata[i];
                g_autofree char *fault = NULL;
                if (before && before->end_utc_ms != block->start_utc_ms)
                        burnin_report_violation(
                                report,
                                &(BurninViolation){.contract = "INV-TL-SEAM-001",
                                                   .channel = (char *)in->channel_id,
                                                   .cause = before->end_utc_ms < block->start_utc_ms ? BURNIN_LATE_FEED
                                                                                                     : BURNIN_NO_CAUSE,
                                                   .utc_ms = before->end_utc_ms},
                                "%s is planned %" G_GINT64_FORMAT " ms after the end of %s", block->block_id,
                                block->start_utc_ms - before->end_utc_ms, before->block_id);
                if (block_plan_validate(block, &fault) != BLOCK_PLAN_OK)
                        burnin_report_violation(report,
                                                &(BurninViolation){.contract = "INV-TL-SUM-001",
                                                                   .channel = (char *)in->channel_id,
                                                                   .utc_ms = block->start_utc_ms},
                                                "%s", fault);
                before = block;
        }
}

/* --- the record against the plan --------------------------------------------------------------------------------- */

static int64_t tick_of(const Walk *walk, int64_t utc_ms) {
        return rv_mul_div_ceil(utc_ms - walk->session->epoch_utc_ms, walk->in->rate.num,
                               (int64_t)walk->in->rate.den * 1000);
}

#define FAULT(walk, id, why, at, ...)                                                                                  \
        burnin_report_violation(                                                                                       \
                (walk)->report,                                                                                        \
                &(BurninViolation){                                                                                    \
                        .contract = (id), .cause = (why), .channel = (char *)(walk)->in->channel_id, .utc_ms = (at)},  \
                __VA_ARGS__)

/* Blocks that were planned and not begun, between the last one and this. */
static void judge_skipped(const Walk *walk, guint place) {
        for (guint i = walk->place + 1; walk->place > 0 && i < place; i++) {
                const BlockPlan *skipped = walk->in->blocks->pdata[i - 1];
                FAULT(walk, "INV-FEED-EXACTLY-ONCE", BURNIN_LATE_FEED, skipped->start_utc_ms,
                      "%s was planned and did not air", skipped->block_id);
        }
}

static void judge_hole(Walk *walk, const json_t *event, int64_t due_tick) {
        const int64_t tick = number_of(event, "tick"), at = number_of(event, "actual_start_utc_ms");
        walk->is_late = tick != due_tick;
        if (walk->fence_tick >= 0 && tick != walk->fence_tick)
                FAULT(walk, "INV-RUNWAY-MIN-001", BURNIN_LATE_FEED, at,
                      "%" G_GINT64_FORMAT " frames of nothing before %s, which was planned", tick - walk->fence_tick,
                      walk->block->block_id);
        else if (walk->is_late)
                FAULT(walk, "INV-BLOCK-WALLFENCE-004", BURNIN_NO_CAUSE, at,
                      "%s begins at tick %" G_GINT64_FORMAT ", not %" G_GINT64_FORMAT, walk->block->block_id, tick,
                      due_tick);
}

static void block_starts(Walk *walk, const json_t *event) {
        const char *id = text_of(event, "block_id");
        const guint place = GPOINTER_TO_UINT(g_hash_table_lookup(walk->places, id));
        const int64_t at = number_of(event, "actual_start_utc_ms");
        g_clear_pointer(&walk->block, block_plan_unref);
        if (place == 0) {
                FAULT(walk, "INV-CHANNELMANAGER-NO-PLANNING-001", BURNIN_NO_CAUSE, at, "%s aired and is in no plan",
                      id);
                return;
        }
        if (g_hash_table_contains(walk->aired, id) || place <= walk->place)
                FAULT(walk, "INV-FEED-EXACTLY-ONCE", BURNIN_NO_CAUSE, at, "%s aired twice", id);
        judge_skipped(walk, place);
        const BlockPlan *planned = walk->in->blocks->pdata[place - 1];
        const bool joined = walk->place == 0 && planned->start_utc_ms < walk->session->epoch_utc_ms;
        walk->block = joined ? block_plan_join(planned, walk->session->epoch_utc_ms) : block_plan_ref(planned);
        walk->place = place;
        walk->next_segment = 0;
        walk->frames = 0;
        judge_hole(walk, event, joined ? 0 : tick_of(walk, planned->start_utc_ms));
        if (number_of(event, "fence_tick") != tick_of(walk, planned->end_utc_ms))
                FAULT(walk, "INV-BLOCK-WALLFENCE-001", BURNIN_NO_CAUSE, at,
                      "%s is to end at tick %" G_GINT64_FORMAT ", not %" G_GINT64_FORMAT, id,
                      number_of(event, "fence_tick"), tick_of(walk, planned->end_utc_ms));
}

static int64_t segment_start_utc_ms(const BlockPlan *block, uint32_t index) {
        int64_t at = block->start_utc_ms;
        for (uint32_t i = 0; i < index; i++)
                at += block->segments[i].duration_ms;
        return at;
}

static BurninCause cause_of(const char *reason) {
        if (g_str_equal(reason, "NOT_FOUND"))
                return BURNIN_MISSING_FILE;
        if (g_str_equal(reason, "BLOCK_CAME_LATE") || g_str_equal(reason, "NO_TIME_LEFT"))
                return BURNIN_LATE_FEED;
        static const char *const material[] = {"OPEN_FAILED",   "NOT_A_FILE",    "NO_STREAMS",  "NO_DECODER",
                                               "DECODE_FAILED", "MATERIAL_OVER", "READ_FAILED", "MATERIAL_ENDED"};
        for (size_t i = 0; i < G_N_ELEMENTS(material); i++)
                if (g_str_equal(reason, material[i]))
                        return BURNIN_CORRUPT_CLIP;
        return BURNIN_NO_CAUSE;
}

/* Whether it was cut by the end of its session, which is another's violation; what it says of itself may be worse. */
static bool is_at_end(const Walk *walk, const json_t *event) {
        return number_of(event, "end_tick") >= walk->session->end_tick &&
               (walk->session->death != BURNIN_NO_CAUSE || walk->session->is_last);
}

static bool is_cut_by_end(const Walk *walk, const json_t *event) {
        const char *reason = text_of(event, "reason");
        return (g_str_equal(reason, "STOPPED") || g_str_equal(reason, "CHANNEL_TERMINATED")) &&
               (walk->session->death != BURNIN_NO_CAUSE || walk->session->is_last);
}

static void judge_status(const Walk *walk, const json_t *event, const BlockSegment *segment) {
        const char *status = text_of(event, "status"), *reason = text_of(event, "reason");
        /* Lengths are planned in milliseconds: material may end a frame before its time. */
        const bool is_rounded = g_str_equal(status, "SHORT") && number_of(event, "fallback_frames") <= ROUNDING_FRAMES;
        if (g_str_equal(status, "AIRED") || is_rounded || is_cut_by_end(walk, event))
                return;
        if (walk->in->compressed && g_str_equal(reason, "UNDERRUN")) { /* pace is for real time to prove */
                walk->figures->underruns++;
                return;
        }
        const BurninCause cause = cause_of(reason);
        burnin_report_violation(walk->report,
                                &(BurninViolation){.contract = cause == BURNIN_LATE_FEED ? "INV-RUNWAY-MIN-001"
                                                               : cause == BURNIN_MISSING_FILE
                                                                       ? "INV-MATERIAL-RESOLVED-BEFORE-HORIZON-"
                                                                         "ENTRY-001"
                                                               : cause == BURNIN_CORRUPT_CLIP
                                                                       ? "INV-EXECUTIONENTRY-ELIGIBLE-CONTENT-001"
                                                                       : "INV-CONTINUOUS-FRAME-AUTHORITY-001",
                                                   .cause = cause,
                                                   .channel = (char *)walk->in->channel_id,
                                                   .subject = (char *)segment->asset_uri,
                                                   .utc_ms = number_of(event, "actual_start_utc_ms")},
                                "%s: %s %s (%" G_GINT64_FORMAT " of %" G_GINT64_FORMAT " frames not its own): %s",
                                walk->block->block_id, status, reason, number_of(event, "fallback_frames"),
                                number_of(event, "frames"), segment->asset_uri ? segment->asset_uri : "pad");
}

/* INV-BURNIN-006: begins and ends at the ticks that follow from the plan alone. */
static void judge_ticks(const Walk *walk, const json_t *event, uint32_t index) {
        const int64_t start = number_of(event, "start_tick"), end = number_of(event, "end_tick");
        const int64_t at = number_of(event, "actual_start_utc_ms");
        const int64_t due = tick_of(walk, segment_start_utc_ms(walk->block, index));
        const int64_t due_end = tick_of(walk, segment_start_utc_ms(walk->block, index + 1));
        if (walk->is_late || number_of(event, "sequence") < 0) /* what core says for a dead engine has no ticks */
                return;
        if (start != MAX(due, 0) || (end != due_end && !is_at_end(walk, event)))
                FAULT(walk, "INV-SEAM-SEG-004", BURNIN_NO_CAUSE, at,
                      "%s: segment %u aired in ticks [%" G_GINT64_FORMAT ", %" G_GINT64_FORMAT
                      "), planned in [%" G_GINT64_FORMAT ", %" G_GINT64_FORMAT ")",
                      walk->block->block_id, index, start, end, due, due_end);
        if (number_of(event, "frames") != end - start)
                FAULT(walk, "INV-CONTINUOUS-FRAME-AUTHORITY-001", BURNIN_NO_CAUSE, at,
                      "%s: segment %u is said to be %" G_GINT64_FORMAT " frames in %" G_GINT64_FORMAT " ticks",
                      walk->block->block_id, index, number_of(event, "frames"), end - start);
}

static void segment_ends(Walk *walk, const json_t *event) {
        const char *uuid = text_of(event, "segment_uuid");
        if (!walk->block || !g_str_equal(text_of(event, "block_id"), walk->block->block_id))
                return; /* the block was said to be none of the plan's */
        walk->frames += number_of(event, "frames");
        const uint32_t index = walk->next_segment;
        const BlockSegment *segment = index < walk->block->n_segments ? &walk->block->segments[index] : NULL;
        if (!segment || !g_str_equal(segment->segment_uuid, uuid) ||
            g_strcmp0(segment->asset_uuid ? segment->asset_uuid : "", text_of(event, "asset_uuid")) != 0) {
                FAULT(walk, "INV-AIR-SEGMENT-ID-001", walk->is_late ? BURNIN_LATE_FEED : BURNIN_NO_CAUSE,
                      number_of(event, "actual_start_utc_ms"), "%s: aired segment %s, planned was %s",
                      walk->block->block_id, uuid, segment ? segment->segment_uuid : "none");
                walk->next_segment++;
                return;
        }
        walk->next_segment++;
        walk->figures->segments++;
        walk->figures->pads += segment->type == SEGMENT_PAD;
        walk->figures->pad_frames += segment->type == SEGMENT_PAD ? number_of(event, "frames") : 0;
        judge_status(walk, event, segment);
        judge_ticks(walk, event, index);
}

static void block_ends(Walk *walk, const json_t *event) {
        const char *id = text_of(event, "block_id");
        const int64_t tick = number_of(event, "swap_tick"), at = number_of(event, "actual_end_utc_ms");
        if (!walk->block || !g_str_equal(id, walk->block->block_id))
                return;
        const int64_t due = tick_of(walk, walk->block->end_utc_ms);
        if (tick != due)
                FAULT(walk, "INV-BLOCK-WALLFENCE-001", BURNIN_NO_CAUSE, at,
                      "%s ends at tick %" G_GINT64_FORMAT ", not %" G_GINT64_FORMAT, id, tick, due);
        if (walk->next_segment != walk->block->n_segments)
                FAULT(walk, "INV-AIR-SEGMENT-ID-001", walk->is_late ? BURNIN_LATE_FEED : BURNIN_NO_CAUSE, at,
                      "%s: %u of %u segments are recorded", id, walk->next_segment, walk->block->n_segments);
        if (number_of(event, "frames_emitted") != walk->frames && !walk->is_late)
                FAULT(walk, "INV-BREAK-PAD-EXACT-001", BURNIN_NO_CAUSE, at,
                      "%s: %" G_GINT64_FORMAT " frames, its segments %" G_GINT64_FORMAT, id,
                      number_of(event, "frames_emitted"), walk->frames);
        walk->fence_tick = tick;
        walk->figures->fences++;
        walk->figures->blocks++;
        g_hash_table_add(walk->aired, (char *)((const BlockPlan *)walk->in->blocks->pdata[walk->place - 1])->block_id);
        g_clear_pointer(&walk->block, block_plan_unref);
}

static void judge_death(const Walk *walk) {
        const Session *session = walk->session;
        const char *reason = session->last_word ? text_of(session->last_word, "reason") : "no last word";
        const char *detail = session->last_word ? text_of(session->last_word, "detail") : "";
        const int64_t at = session->epoch_utc_ms + rv_tick_to_ms(session->end_tick, walk->in->rate);
        if (session->death != BURNIN_NO_CAUSE)
                FAULT(walk, "INV-CHANNEL-LIVENESS-RECOVERY-001", session->death, at,
                      "the engine of session %.8s died: %s %s", session->id, reason, detail);
        else if (!session->is_last)
                FAULT(walk, "INV-VIEWER-LIFECYCLE-002", BURNIN_NO_CAUSE, at,
                      "session %.8s was ended although somebody watched", session->id);
}

static void judge_session(Walk *walk, const Session *session) {
        walk->session = session;
        walk->place = 0;
        walk->fence_tick = -1;
        for (guint i = 0; i < session->events->len; i++) {
                const json_t *event = session->events->pdata[i];
                if (is_kind(event, "block_start"))
                        block_starts(walk, event);
                else if (is_kind(event, "segment_end"))
                        segment_ends(walk, event);
                else if (is_kind(event, "block_fence"))
                        block_ends(walk, event);
        }
        g_clear_pointer(&walk->block, block_plan_unref);
        judge_death(walk);
        walk->figures->sessions++;
}

/* --- the stream against both ------------------------------------------------------------------------------------- */

static const Session *session_at(const GPtrArray *sessions, int64_t epoch_utc_ms) {
        const Session *found = NULL;
        for (guint i = 0; i < sessions->len; i++) {
                const Session *session = sessions->pdata[i];
                if (!session->has_begun)
                        continue;
                if (!found || ABS(session->epoch_utc_ms - epoch_utc_ms) < ABS(found->epoch_utc_ms - epoch_utc_ms))
                        found = session;
        }
        return found;
}

static int compare_ticks(const void *a, const void *b) {
        const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
        return (x > y) - (x < y);
}

static bool is_random_access(const Stretch *stretch, int64_t tick) {
        return bsearch(&tick, stretch->idr_ticks->data, stretch->idr_ticks->len, sizeof(tick), compare_ticks) != NULL;
}

/* Each seam of the record, which was compared with the plan's, is a point of the stream where decoding can begin. */
static void judge_seams(Walk *walk, const Stretch *stretch) {
        for (guint i = 0; i < walk->session->events->len; i++) {
                const json_t *event = walk->session->events->pdata[i];
                const int64_t tick = number_of(event, "start_tick");
                if (!is_kind(event, "segment_end") || number_of(event, "frames") == 0 ||
                    number_of(event, "sequence") < 0 || tick <= stretch->first_tick || tick >= stretch->end_tick)
                        continue;
                if (!is_random_access(stretch, tick))
                        FAULT(walk, "INV-OUTPUT-002", BURNIN_NO_CAUSE, number_of(event, "actual_start_utc_ms"),
                              "%s: the stream has no random access at the seam of tick %" G_GINT64_FORMAT,
                              text_of(event, "block_id"), tick);
        }
}

/* Its first picture was seen when the session's was due, and ticks of a session only go on: what is seen of it next
 * does not begin before this has ended. */
static bool is_certain(const GPtrArray *sessions, const GPtrArray *stretches, guint index) {
        const Stretch *stretch = stretches->pdata[index];
        const Stretch *next = index + 1 < stretches->len ? stretches->pdata[index + 1] : NULL;
        const Session *session = session_at(sessions, stretch->epoch_utc_ms);
        if (ABS(session->epoch_utc_ms - stretch->epoch_utc_ms) >= CERTAIN_MS)
                return false;
        return !next || session_at(sessions, next->epoch_utc_ms) != session || next->first_tick >= stretch->end_tick;
}

/* When another died just before this one was seen first, time was led on meanwhile, and the stretch may be of a session
 * beside the nearest. */
static BurninCause death_about(const GPtrArray *sessions, const Session *nearest, const Stretch *stretch) {
        for (guint i = 0; nearest->death == BURNIN_NO_CAUSE && i < sessions->len; i++) {
                const Session *session = sessions->pdata[i];
                if (session->death != BURNIN_NO_CAUSE &&
                    ABS(session->epoch_utc_ms - stretch->epoch_utc_ms) < DEATH_MS + CERTAIN_MS)
                        return session->death;
        }
        return nearest->death;
}

static void judge_stretch(Walk *walk, const GPtrArray *sessions, guint index) {
        const Stretch *stretch = walk->in->stretches->pdata[index];
        walk->session = session_at(sessions, stretch->epoch_utc_ms);
        walk->figures->pictures += stretch->end_tick - stretch->first_tick;
        if (!walk->session)
                return;
        const Session *session = walk->session;
        const bool certain = is_certain(sessions, walk->in->stretches, index);
        const BurninCause death = certain ? session->death : death_about(sessions, session, stretch);
        const int64_t at = session->epoch_utc_ms + rv_tick_to_ms(stretch->end_tick, walk->in->rate);
        if (stretch->end_tick > session->end_tick && death == BURNIN_NO_CAUSE)
                FAULT(walk, "INV-EVIDENCE-001", BURNIN_NO_CAUSE, at,
                      "the stream has pictures until tick %" G_GINT64_FORMAT ", the record until %" G_GINT64_FORMAT,
                      stretch->end_tick, session->end_tick);
        if (stretch->fault)
                FAULT(walk, "INV-OUTPUT-001", death, at, "the stream breaks at tick %" G_GINT64_FORMAT ": %s",
                      stretch->end_tick, stretch->fault);
        if (certain)
                judge_seams(walk, stretch);
}

/* --- one channel ------------------------------------------------------------------------------------------------- */

static void judge_span(Walk *walk, const GPtrArray *sessions) {
        int64_t from = 0, until = walk->in->from_utc_ms;
        for (guint i = 0; i < sessions->len; i++) {
                const Session *session = sessions->pdata[i];
                if (!session->has_begun)
                        continue;
                from = from ? from : session->epoch_utc_ms;
                until = MAX(until, session->epoch_utc_ms + rv_tick_to_ms(session->end_tick, walk->in->rate));
        }
        walk->figures->from_utc_ms = from;
        walk->figures->to_utc_ms = until;
        if (until < walk->in->to_utc_ms)
                FAULT(walk, "INV-HORIZON-CONTINUOUS-COVERAGE-001", BURNIN_NO_CAUSE, until,
                      "the channel did not come to the end of the run, %" G_GINT64_FORMAT " ms on",
                      walk->in->to_utc_ms - until);
}

void judge_channel(BurninReport *report, const Evidence *in) {
        g_autoptr(GPtrArray) sessions = sessions_of(in->entries, in->compressed);
        g_autoptr(GHashTable) places = g_hash_table_new(g_str_hash, g_str_equal);
        g_autoptr(GHashTable) aired = g_hash_table_new(g_str_hash, g_str_equal);
        for (guint i = 0; i < in->blocks->len; i++)
                g_hash_table_insert(places, (char *)((const BlockPlan *)in->blocks->pdata[i])->block_id,
                                    GUINT_TO_POINTER(i + 1));
        Walk walk = {.report = report,
                     .in = in,
                     .figures = burnin_report_figures(report, in->channel_id),
                     .places = places,
                     .aired = aired};
        judge_plan(report, in);
        for (guint i = 0; i < sessions->len; i++)
                judge_session(&walk, sessions->pdata[i]);
        for (guint i = 0; i < in->stretches->len; i++)
                judge_stretch(&walk, sessions, i);
        judge_span(&walk, sessions);
}
