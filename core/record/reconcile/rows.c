/* Plan and as-run side by side. */
#include <string.h>

#include "core/record/reconcile/compare_private.h"

static json_t *text_json(const char *text) {
        if (!text || !text[0])
                return json_null();
        g_autofree char *valid = g_utf8_make_valid(text, -1);
        return json_string(valid);
}

static json_t *found_json(const Session *session, const Found *found) {
        const EvidenceEvent *event = found->end ? found->end : found->start;
        const EvidenceEvent *names = found->start ? found->start : found->end;
        const bool is_over = found->end != NULL;
        g_assert(event && names); /* one of the two is there */
        return json_pack("{s:s,s:I,s:I,s:s,s:o,s:s,s:o,s:I,s:I,s:o}", "session_id", session->id, "start_utc_ms",
                         (json_int_t)event->start_utc_ms, "end_utc_ms", (json_int_t)(is_over ? event->end_utc_ms : 0),
                         "status", is_over ? segment_status_name(event->status) : "ON_AIR", "reason",
                         text_json(event->reason), "type", segment_type_name(event->type), "title",
                         text_json(names->title), "frames", (json_int_t)event->frames, "fallback_frames",
                         (json_int_t)event->fallback_frames, "asset_uri", text_json(names->asset_uri));
}

static bool is_planned(const BlockPlan *block, const char *uuid) {
        for (uint32_t i = 0; block && i < block->n_segments; i++)
                if (g_str_equal(block->segments[i].segment_uuid, uuid))
                        return true;
        return false;
}

/* What was found of one planned segment; uuid NULL: of what the block does not plan. */
static json_t *found_list(const GPtrArray *sessions, const char *block_id, const BlockPlan *block, const char *uuid) {
        json_t *list = json_array();
        for (guint i = 0; i < sessions->len; i++) {
                const Session *session = sessions->pdata[i];
                for (guint j = 0; j < session->airings->len; j++) {
                        const Airing *airing = session->airings->pdata[j];
                        if (!g_str_equal(airing->block_id, block_id))
                                continue;
                        for (guint k = 0; k < airing->segments->len; k++) {
                                const Found *found = &g_array_index(airing->segments, Found, k);
                                if (uuid ? g_str_equal(found_uuid(found), uuid) : !is_planned(block, found_uuid(found)))
                                        json_array_append_new(list, found_json(session, found));
                        }
                }
        }
        return list;
}

static json_t *segments_json(const GPtrArray *sessions, const BlockPlan *block) {
        json_t *list = json_array();
        int64_t at_utc_ms = block->start_utc_ms;
        for (uint32_t i = 0; i < block->n_segments; i++) {
                const BlockSegment *segment = &block->segments[i];
                json_array_append_new(
                        list, json_pack("{s:s,s:s,s:o,s:o,s:I,s:I,s:o}", "segment_uuid", segment->segment_uuid, "type",
                                        segment_type_name(segment->type), "title", text_json(segment->title),
                                        "asset_uri", text_json(segment->asset_uri), "start_utc_ms",
                                        (json_int_t)at_utc_ms, "duration_ms", (json_int_t)segment->duration_ms, "found",
                                        found_list(sessions, block->block_id, block, segment->segment_uuid)));
                at_utc_ms += segment->duration_ms;
        }
        return list;
}

static json_t *airings_json(const GPtrArray *sessions, const char *block_id) {
        json_t *list = json_array();
        for (guint i = 0; i < sessions->len; i++) {
                const Session *session = sessions->pdata[i];
                for (guint j = 0; j < session->airings->len; j++) {
                        const Airing *airing = session->airings->pdata[j];
                        if (!g_str_equal(airing->block_id, block_id))
                                continue;
                        const int64_t end_tick = session_reach_in(session, airing);
                        json_array_append_new(list,
                                              json_pack("{s:s,s:I,s:I,s:b}", "session_id", session->id, "start_utc_ms",
                                                        (json_int_t)airing_utc_ms(airing), "end_utc_ms",
                                                        (json_int_t)session_utc_ms(session, end_tick), "to_its_end",
                                                        airing->fence != NULL));
                }
        }
        return list;
}

/* The numbers of the block's divergences in the report. */
static json_t *numbers_json(const ReconcileReport *report, const char *block_id, unsigned *ret_classes) {
        json_t *list = json_array();
        for (guint i = 0; i < report->divergences->len; i++) {
                const ReconcileDivergence *divergence = report->divergences->pdata[i];
                if (!g_str_equal(divergence->block_id, block_id))
                        continue;
                json_array_append_new(list, json_integer(i));
                *ret_classes |= 1U << divergence->class;
        }
        return list;
}

static const char *state_of(const GPtrArray *sessions, const BlockPlan *block, unsigned of_classes) {
        bool begun = false, ended = false, aired = false;
        for (guint i = 0; i < sessions->len; i++) {
                const Session *session = sessions->pdata[i];
                const Airing *airing = session_airing(session, block->block_id);
                if (!airing)
                        continue;
                aired = true;
                begun |= session_tick_at(session, block->start_utc_ms) >= 0;
                ended |= airing->fence != NULL;
        }
        if (of_classes & (1U << RECONCILE_MISSING_BLOCK))
                return "missing";
        if (!aired)
                return "not_aired";
        return begun && ended ? "aired" : "partly";
}

static void add_planned(json_t *rows, const GPtrArray *sessions, const BlockPlan *block,
                        const ReconcileReport *report) {
        unsigned of_classes = 0;
        json_t *numbers = numbers_json(report, block->block_id, &of_classes);
        json_array_append_new(
                rows,
                json_pack("{s:s,s:s,s:o,s:I,s:I,s:o,s:o,s:o,s:o}", "block_id", block->block_id, "state",
                          state_of(sessions, block, of_classes), "title", text_json(block->title), "start_utc_ms",
                          (json_int_t)block->start_utc_ms, "end_utc_ms", (json_int_t)block->end_utc_ms, "airings",
                          airings_json(sessions, block->block_id), "segments", segments_json(sessions, block),
                          "unplanned", found_list(sessions, block->block_id, block, NULL), "divergences", numbers));
}

/* A block that no plan has; one aired twice stands with its plan. */
static void add_extra(json_t *rows, const GPtrArray *sessions, const ReconcileDivergence *extra,
                      const ReconcileReport *report) {
        unsigned of_classes = 0;
        json_t *numbers = numbers_json(report, extra->block_id, &of_classes);
        json_array_append_new(rows,
                              json_pack("{s:s,s:s,s:n,s:I,s:I,s:o,s:[],s:o,s:o}", "block_id", extra->block_id, "state",
                                        "extra", "title", "start_utc_ms", (json_int_t)extra->block_utc_ms, "end_utc_ms",
                                        (json_int_t)extra->block_utc_ms, "airings",
                                        airings_json(sessions, extra->block_id), "segments", "unplanned",
                                        found_list(sessions, extra->block_id, NULL, NULL), "divergences", numbers));
}

static bool is_told(const json_t *rows, const char *block_id) {
        size_t i;
        const json_t *row;
        json_array_foreach(rows, i, row) {
                if (g_strcmp0(json_string_value(json_object_get(row, "block_id")), block_id) == 0)
                        return true;
        }
        return false;
}

json_t *reconcile_rows_json(const ReconcilePlan *plan, const ReconcileRecord *record, const ReconcileReport *report) {
        json_t *rows = json_array();
        g_autoptr(GPtrArray) sessions = sessions_of(plan, record);
        for (guint i = 0; i < plan->blocks->len; i++) {
                const BlockPlan *block = plan->blocks->pdata[i];
                if (block_is_judged(plan, sessions, block))
                        add_planned(rows, sessions, block, report);
        }
        for (guint i = 0; i < report->divergences->len; i++) {
                const ReconcileDivergence *divergence = report->divergences->pdata[i];
                if (divergence->class == RECONCILE_EXTRA_BLOCK && !is_told(rows, divergence->block_id))
                        add_extra(rows, sessions, divergence, report);
        }
        return rows;
}
