/* Segments: what a session showed within one planned block against the block's plan. */
#include <string.h>

#include "core/record/reconcile/compare_private.h"

/* Held pictures that a segment may have and be as planned: what a seam may cost at most (a sixth of a second). */
#define HELD_MOST 5
/* A file whose last picture ends within a tick is planned with the whole of it: its length is in ms. */
#define SHORT_MOST 1

/* A planned segment in its block, in the session's ticks, and what was found of it. */
typedef struct {
        const BlockSegment *segment;
        int64_t start_utc_ms, end_utc_ms; /* planned */
        int64_t start_tick, end_tick;     /* planned; both are within the session */
        bool passed;                      /* it was over before the block, or the session, came on the air */
        const Found *found;               /* NULL: nothing */
} Slot;

static const Found *found_at(const Bout *bout, guint i) {
        const Found *found = &g_array_index(bout->airing->segments, Found, i);
        g_assert(found && (found->start || found->end));
        return found;
}

static const EvidenceEvent *either(const Found *found) {
        const EvidenceEvent *event = found->end ? found->end : found->start;
        g_assert(event); /* a Found is made of one of them */
        return event;
}

static char *segment_text(SegmentType type, const char *title, const char *uri) {
        return g_strdup_printf("%s \"%s\"%s%s", segment_type_name(type), title ? title : "", uri ? " " : "",
                               uri ? uri : "");
}

static char *planned_text(const Slot *slot) {
        g_assert(slot->segment);
        return segment_text(slot->segment->type, slot->segment->title, slot->segment->asset_uri);
}

static char *found_text(const Found *found) {
        const EvidenceEvent *event = found->start ? found->start : found->end;
        return segment_text(event->type, event->title, event->asset_uri);
}

static Place place_of(const Bout *bout, const char *segment_uuid, int64_t at_utc_ms) {
        return (Place){bout->session, bout->block->block_id, bout->block->start_utc_ms, segment_uuid, at_utc_ms};
}

static Place slot_place(const Bout *bout, const Slot *slot) {
        g_assert(slot->segment);
        return place_of(bout, slot->segment->segment_uuid, MAX(slot->start_utc_ms, bout->session->epoch_utc_ms));
}

/* --- the plan ---------------------------------------------------------------------------------------------------- */

static Slot *slots_of(const Bout *bout) {
        const BlockPlan *block = bout->block;
        Slot *slots = g_new0(Slot, block->n_segments);
        int64_t at_utc_ms = block->start_utc_ms;
        for (uint32_t i = 0; i < block->n_segments; i++) {
                Slot *slot = &slots[i];
                slot->segment = &block->segments[i];
                slot->start_utc_ms = at_utc_ms;
                slot->end_utc_ms = at_utc_ms += slot->segment->duration_ms;
                const int64_t start_tick = session_tick_at(bout->session, slot->start_utc_ms);
                slot->end_tick = session_tick_at(bout->session, slot->end_utc_ms);
                /* Shorter than a tick is passed over as well. */
                slot->passed = slot->end_tick <= bout->first_tick || start_tick == slot->end_tick;
                slot->start_tick = MAX(start_tick, MIN(bout->first_tick, slot->end_tick));
        }
        return slots;
}

static int slot_index(const Bout *bout, const char *uuid) {
        for (uint32_t i = 0; i < bout->block->n_segments; i++)
                if (g_str_equal(bout->block->segments[i].segment_uuid, uuid))
                        return (int)i;
        return -1;
}

/* --- what nobody planned ----------------------------------------------------------------------------------------- */

/* Black that says itself that it stands in for something. */
static bool is_recovery_pad(const Found *found) {
        const EvidenceEvent *end = found->end;
        return end && end->type == SEGMENT_PAD &&
               (end->status != SEGMENT_STATUS_AIRED || (end->reason && end->reason[0]));
}

/* INV-ASRUN-004 */
static void tell_unplanned(const Bout *bout, const Found *found, const char *why) {
        const bool recovery = is_recovery_pad(found);
        const EvidenceEvent *event = either(found);
        const Place place = place_of(bout, found_uuid(found), event->start_utc_ms);
        const Finding finding = {recovery ? RECONCILE_RUNTIME_RECOVERY : RECONCILE_PHANTOM_SEGMENT, RECONCILE_RUNTIME,
                                 g_strdup("nothing"), found_text(found)};
        diverge(bout->judge, &place, &finding,
                recovery ? "black stood in for a part of \"%s\"%s" : "in \"%s\" a segment was shown that %s",
                bout->block->title, recovery ? "" : why);
}

/* Puts what was found into its slots; the indexes of the slots in the order found. */
static GArray *place_found(const Bout *bout, Slot *slots) {
        GArray *order = g_array_new(FALSE, FALSE, sizeof(int));
        for (guint i = 0; i < bout->airing->segments->len; i++) {
                const Found *found = found_at(bout, i);
                const int index = slot_index(bout, found_uuid(found));
                if (index < 0) {
                        tell_unplanned(bout, found, "was not planned");
                } else if (slots[index].found) {
                        tell_unplanned(bout, found, "was planned once only");
                } else {
                        slots[index].found = found;
                        g_array_append_val(order, index);
                }
        }
        return order;
}

/* --- order ------------------------------------------------------------------------------------------------------- */

static bool is_covered(const Bout *bout, const Slot *slot) {
        for (guint i = 0; i < bout->airing->segments->len; i++) {
                const Found *found = found_at(bout, i);
                if (slot_index(bout, found_uuid(found)) < 0 && is_recovery_pad(found) &&
                    found->end->start_tick < slot->end_tick && found->end->end_tick > slot->start_tick)
                        return true;
        }
        return false;
}

/* INV-ASRUN-003 */
static void judge_missing(const Bout *bout, const Slot *slots) {
        for (uint32_t i = 0; i < bout->block->n_segments; i++) {
                const Slot *slot = &slots[i];
                if (slot->found || slot->passed || slot->start_tick >= bout->session->limit_tick ||
                    is_covered(bout, slot))
                        continue;
                const Place place = slot_place(bout, slot);
                const Finding finding = {RECONCILE_SEGMENT_SEQUENCE_MISMATCH, RECONCILE_RUNTIME, planned_text(slot),
                                         g_strdup("nothing")};
                diverge(bout->judge, &place, &finding, "a %s of \"%s\" was not shown",
                        segment_type_name(slot->segment->type), bout->block->title);
        }
}

/* INV-ASRUN-003: one that stands before another which should have come earlier. False: some do. */
static bool judge_order(const Bout *bout, const Slot *slots, const GArray *order) {
        bool in_order = true;
        for (guint i = 0; i + 1 < order->len; i++) {
                const int one = g_array_index(order, int, i), two = g_array_index(order, int, i + 1);
                if (one < two)
                        continue;
                in_order = false;
                const Place place = slot_place(bout, &slots[two]);
                const Finding finding = {RECONCILE_SEGMENT_SEQUENCE_MISMATCH, RECONCILE_RUNTIME,
                                         planned_text(&slots[two]), planned_text(&slots[one])};
                diverge(bout->judge, &place, &finding, "in \"%s\" segment %d was shown before segment %d",
                        bout->block->title, one + 1, two + 1);
        }
        return in_order;
}

/* --- identity ---------------------------------------------------------------------------------------------------- */

static void tell_other(const Bout *bout, const Slot *slot, const char *what, char *take_expected, char *take_found) {
        const Place place = slot_place(bout, slot);
        const Finding finding = {RECONCILE_SEGMENT_SEQUENCE_MISMATCH, RECONCILE_RUNTIME, take_expected, take_found};
        diverge(bout->judge, &place, &finding, "segment %d of \"%s\" has another %s than was planned",
                (int)(slot->segment->index + 1), bout->block->title, what);
}

/* What of the segment the plan leaves: a session that begins within it has the rest. -1: cannot be told. */
static int64_t planned_duration_ms(const Bout *bout, const Slot *slot) {
        if (bout->late && slot->start_tick == bout->first_tick)
                return -1;
        return slot->end_utc_ms - MAX(slot->start_utc_ms, bout->session->epoch_utc_ms);
}

/* How many milliseconds of the asset were passed over when its first picture was shown. */
static int64_t planned_offset_ms(const Bout *bout, const Slot *slot) {
        int64_t from_utc_ms = MAX(slot->start_utc_ms, bout->session->epoch_utc_ms);
        if (bout->late && slot->start_tick == bout->first_tick)
                from_utc_ms = MAX(from_utc_ms, session_utc_ms(bout->session, bout->first_tick));
        return slot->segment->asset_start_offset_ms + from_utc_ms - slot->start_utc_ms;
}

/* Frames of sources whose rate is a mean, or not quite what it says, drift: two, and a thousandth. */
static void judge_offset(const Bout *bout, const Slot *slot) {
        const EvidenceEvent *end = slot->found->end;
        const GHashTable *rates = bout->judge->plan->source_rates;
        const RvRational *rate = rates && slot->segment->asset_uuid
                                         ? g_hash_table_lookup((GHashTable *)rates, slot->segment->asset_uuid)
                                         : NULL;
        if (!rate || !end || end->asset_start_frame < 0 || end->fallback_frames > 0)
                return;
        const int64_t expected = rv_mul_div_floor(planned_offset_ms(bout, slot), rate->num, (int64_t)rate->den * 1000);
        if (ABS(end->asset_start_frame - expected) <= 2 + expected / 1000)
                return;
        tell_other(bout, slot, "offset into its file", g_strdup_printf("frame %" G_GINT64_FORMAT, expected),
                   g_strdup_printf("frame %" G_GINT64_FORMAT, end->asset_start_frame));
}

/* INV-ASRUN-003: type, file, duration, offset. What was passed over has no start that would name them all. */
static void judge_identity(const Bout *bout, const Slot *slot) {
        const EvidenceEvent *event = either(slot->found), *start = slot->found->start;
        const char *uri = start ? start->asset_uri : event->asset_uri;
        const int64_t duration_ms = planned_duration_ms(bout, slot);
        const bool names_file = start || (slot->found->end && slot->found->end->frames > 0);
        if (event->type != slot->segment->type)
                tell_other(bout, slot, "type", g_strdup(segment_type_name(slot->segment->type)),
                           g_strdup(segment_type_name(event->type)));
        else if (names_file && g_strcmp0(uri && uri[0] ? uri : NULL, slot->segment->asset_uri) != 0)
                tell_other(bout, slot, "file", planned_text(slot), found_text(slot->found));
        else if (g_strcmp0(event->event_id, slot->segment->event_id) != 0)
                tell_other(bout, slot, "event id", g_strdup(slot->segment->event_id), g_strdup(event->event_id));
        else if (start && duration_ms >= 0 && start->scheduled_duration_ms != duration_ms)
                tell_other(bout, slot, "duration", g_strdup_printf("%" G_GINT64_FORMAT " ms", duration_ms),
                           g_strdup_printf("%" G_GINT64_FORMAT " ms", start->scheduled_duration_ms));
        else
                judge_offset(bout, slot);
}

/* --- times ------------------------------------------------------------------------------------------------------- */

static char *stamps_text(const Bout *bout, int64_t tick, int64_t utc_ms) {
        g_autofree char *instant = instant_text(bout->judge->plan, utc_ms);
        return g_strdup_printf("%s, tick %" G_GINT64_FORMAT, instant, tick);
}

typedef struct {
        const char *what;
        int64_t tick, utc_ms, expected_tick;
} Stamp;

static void judge_stamp(const Bout *bout, const Slot *slot, const Stamp *stamp) {
        const int64_t expected_utc_ms = session_utc_ms(bout->session, stamp->expected_tick);
        if (stamp->tick == stamp->expected_tick && stamp->utc_ms == expected_utc_ms)
                return;
        const Place place = slot_place(bout, slot);
        const Finding finding = {RECONCILE_BLOCK_TIME_MISMATCH, RECONCILE_RUNTIME,
                                 stamps_text(bout, stamp->expected_tick, expected_utc_ms),
                                 stamps_text(bout, stamp->tick, stamp->utc_ms)};
        diverge(bout->judge, &place, &finding, "segment %d of \"%s\" did not %s exactly when it was planned to",
                (int)(slot->segment->index + 1), bout->block->title, stamp->what);
}

/* INV-RECONCILE-004: the session ended within it. */
static bool is_cut(const Bout *bout, const Slot *slot) {
        return slot->end_tick > bout->session->reach_tick;
}

/* INV-ASRUN-002 */
static void judge_times(const Bout *bout, const Slot *slot) {
        const EvidenceEvent *start = slot->found->start, *end = slot->found->end;
        if (start)
                judge_stamp(bout, slot, &(Stamp){"begin", start->tick, start->start_utc_ms, slot->start_tick});
        if (!end || end->sequence < 0 || end->frames == 0) /* core knows no ticks, and what was passed over has none */
                return;
        const int64_t end_tick = is_cut(bout, slot) ? bout->session->reach_tick : slot->end_tick;
        if (!start || (end->start_tick != start->tick || end->start_utc_ms != start->start_utc_ms))
                judge_stamp(bout, slot, &(Stamp){"begin", end->start_tick, end->start_utc_ms, slot->start_tick});
        judge_stamp(bout, slot, &(Stamp){"end", end->end_tick, end->end_utc_ms, end_tick});
}

/* Begun, and never ended although the record goes on. */
static void judge_end(const Bout *bout, const Slot *slot) {
        const Session *session = bout->session;
        if (slot->found->end || (session->how != SESSION_STOPPED && slot->end_tick >= session->reach_tick))
                return;
        const Place place = slot_place(bout, slot);
        const Finding finding = {RECONCILE_SEGMENT_SEQUENCE_MISMATCH, RECONCILE_RUNTIME, planned_text(slot),
                                 g_strdup("no end")};
        diverge(bout->judge, &place, &finding, "segment %d of \"%s\" began, and nothing says how it ended",
                (int)(slot->segment->index + 1), bout->block->title);
}

/* --- recovery ---------------------------------------------------------------------------------------------------- */

/* A file that is shorter than it was planned with is the plan's fault; anything else happened at playing. */
static ReconcileFault fault_of(const EvidenceEvent *end) {
        return end->status == SEGMENT_STATUS_SHORT ? RECONCILE_PLANNING : RECONCILE_RUNTIME;
}

static bool was_recovered(const Bout *bout, const Slot *slot) {
        const EvidenceEvent *end = slot->found->end;
        if (!end)
                return false;
        switch (end->status) {
        case SEGMENT_STATUS_AIRED:
                return end->fallback_frames > HELD_MOST;
        case SEGMENT_STATUS_TRUNCATED:
                return !is_cut(bout, slot) && end->sequence > 0 &&
                       !(bout->late && slot->start_tick == bout->first_tick);
        case SEGMENT_STATUS_SKIPPED:
                return !slot->passed;
        case SEGMENT_STATUS_SHORT:
                return end->fallback_frames > SHORT_MOST;
        case SEGMENT_STATUS_SUBSTITUTED:
        case SEGMENT_STATUS_ERROR:
                break;
        }
        return true;
}

static void judge_recovery(const Bout *bout, const Slot *slot) {
        const EvidenceEvent *end = slot->found->end;
        if (!was_recovered(bout, slot))
                return;
        const Place place = slot_place(bout, slot);
        const char *reason = end->reason && end->reason[0] ? end->reason : "HELD_PICTURES";
        const Finding finding = {
                RECONCILE_RUNTIME_RECOVERY, fault_of(end), planned_text(slot),
                g_strdup_printf("%s %s, %" G_GINT64_FORMAT " of %" G_GINT64_FORMAT " frames are not its own",
                                segment_status_name(end->status), reason, end->fallback_frames, end->frames)};
        diverge(bout->judge, &place, &finding,
                "a %s of \"%s\" (\"%s\") could not be shown as planned (%s); held pictures or black stood in for it",
                segment_type_name(slot->segment->type), bout->block->title, slot->segment->title, reason);
}

void judge_segments(const Bout *bout) {
        g_autofree Slot *slots = slots_of(bout);
        g_autoptr(GArray) order = place_found(bout, slots);
        const bool in_order = judge_order(bout, slots, order);
        judge_missing(bout, slots);
        for (guint i = 0; i < order->len; i++) {
                const Slot *slot = &slots[g_array_index(order, int, i)];
                g_assert(slot->found && slot->segment);
                judge_identity(bout, slot);
                judge_end(bout, slot);
                judge_recovery(bout, slot);
                if (in_order) /* else every time is another one's */
                        judge_times(bout, slot);
        }
}
