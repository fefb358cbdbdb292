/* The two values that are compared, out of the store. */
#include "core/record/reconcile/reconcile_private.h"
#include "proto/base/error.h"

#define HOUR_MS INT64_C(3600000)
/* Events before and after the blocks of a day: enough for the sessions' clocks, and to see whether they went on. */
#define MARGIN_MS (3 * HOUR_MS)
/* A block is no longer than this. */
#define BLOCK_MOST_MS (26 * HOUR_MS)

/* --- events as they are kept ------------------------------------------------------------------------------------- */

static char *get_text(const json_t *document, const char *key) {
        return g_strdup(json_string_value(json_object_get(document, key)));
}

static int64_t get_int(const json_t *document, const char *key) {
        return json_integer_value(json_object_get(document, key));
}

static EvidenceKind kind_from(const char *name) {
        for (int kind = EVIDENCE_HELLO; kind <= EVIDENCE_CHANNEL_TERMINATED; kind++)
                if (g_strcmp0(evidence_kind_name((EvidenceKind)kind), name) == 0)
                        return (EvidenceKind)kind;
        return 0;
}

static SegmentStatus status_from(const char *name) {
        for (int status = SEGMENT_STATUS_AIRED; status <= SEGMENT_STATUS_ERROR; status++)
                if (g_strcmp0(segment_status_name((SegmentStatus)status), name) == 0)
                        return (SegmentStatus)status;
        return 0;
}

static void read_segment(EvidenceEvent *event, const json_t *document) {
        const char *type = json_string_value(json_object_get(document, "type"));
        event->event_id = get_text(document, "event_id");
        event->segment_uuid = get_text(document, "segment_uuid");
        event->asset_uuid = get_text(document, "asset_uuid");
        event->title = get_text(document, "title");
        event->asset_uri = get_text(document, "asset_uri");
        event->type = type ? segment_type_from_name(type) : 0;
        event->segment_index = (int32_t)get_int(document, "segment_index");
        event->start_utc_ms = get_int(document, "actual_start_utc_ms");
        event->asset_start_frame = get_int(document, "asset_start_frame");
        event->tick = get_int(document, "tick");
        event->scheduled_duration_ms = get_int(document, "scheduled_duration_ms");
        event->join_in_progress = json_is_true(json_object_get(document, "join_in_progress"));
        event->start_tick = get_int(document, "start_tick");
        event->end_tick = get_int(document, "end_tick");
        event->end_utc_ms = get_int(document, "actual_end_utc_ms");
        event->asset_end_frame = get_int(document, "asset_end_frame");
        event->frames = get_int(document, "frames");
        event->fallback_frames = get_int(document, "fallback_frames");
        event->status = status_from(json_string_value(json_object_get(document, "status")));
        event->reason = get_text(document, "reason");
}

static void read_block(EvidenceEvent *event, const json_t *document) {
        event->title = get_text(document, "title");
        event->tick = get_int(document, "tick");
        event->fence_tick = get_int(document, "fence_tick");
        event->start_utc_ms = get_int(document, "actual_start_utc_ms");
        event->end_tick = get_int(document, "swap_tick");
        event->end_utc_ms = get_int(document, "actual_end_utc_ms");
        event->frames = get_int(document, "frames_emitted");
        event->primed = json_is_true(json_object_get(document, "primed"));
}

EvidenceEvent *reconcile_event_from_json(const json_t *document) {
        const EvidenceKind kind = kind_from(json_string_value(json_object_get(document, "kind")));
        if (!kind)
                return NULL;
        EvidenceEvent *event = evidence_event_new(kind);
        event->channel_id = get_text(document, "channel_id");
        event->session_id = get_text(document, "session_id");
        event->sequence = get_int(document, "sequence");
        event->event_uuid = get_text(document, "event_uuid");
        event->emitted_utc_ms = get_int(document, "emitted_utc_ms");
        event->block_id = get_text(document, "block_id");
        if (kind == EVIDENCE_SEGMENT_START || kind == EVIDENCE_SEGMENT_END) {
                read_segment(event, document);
        } else if (kind == EVIDENCE_CHANNEL_TERMINATED) {
                event->end_utc_ms = get_int(document, "utc_ms");
                event->reason = get_text(document, "reason");
                event->detail = get_text(document, "detail");
        } else {
                read_block(event, document);
        }
        return event;
}

/* --- plan and record --------------------------------------------------------------------------------------------- */

void material_clear(Material *material) {
        g_clear_pointer(&material->blocks, g_ptr_array_unref);
        g_clear_pointer(&material->locked_utc_ms, g_array_unref);
        g_clear_pointer(&material->events, g_ptr_array_unref);
        g_clear_pointer(&material->rates, g_hash_table_unref);
}

static bool read_blocks(Material *material, Store *store, const char *channel_id, int64_t after_utc_ms,
                        GError **error) {
        material->blocks = transmission_log_blocks(store, channel_id, after_utc_ms, error);
        material->locked_utc_ms =
                material->blocks ? reconcile_store_locked(store, channel_id, after_utc_ms, error) : NULL;
        return material->locked_utc_ms != NULL;
}

static ReconcilePlan plan_of(const ChannelSpec *spec, const Material *material) {
        return (ReconcilePlan){
                .channel_id = spec->id,
                .blocks = material->blocks,
                .locked_utc_ms = material->locked_utc_ms,
                .rate = spec->format.rate,
                .source_rates = material->rates,
                .zone = spec->zone,
        };
}

static ReconcileReport *compare(const ReconcilePlan *plan, const Material *material, json_t **ret_rows) {
        const ReconcileRecord record = {material->events};
        ReconcileReport *report = reconcile_compare(plan, &record);
        if (ret_rows)
                *ret_rows = reconcile_rows_json(plan, &record, report);
        return report;
}

/* Where the judged blocks end; from when none is judged. */
static int64_t blocks_end(const GPtrArray *blocks, int64_t from_utc_ms, int64_t to_utc_ms) {
        int64_t end_utc_ms = from_utc_ms;
        for (guint i = 0; i < blocks->len; i++) {
                const BlockPlan *block = blocks->pdata[i];
                if (block->start_utc_ms >= from_utc_ms && block->start_utc_ms < to_utc_ms)
                        end_utc_ms = block->end_utc_ms;
        }
        return end_utc_ms;
}

ReconcileReport *reconcile_day(Store *store, const ChannelSpec *spec, const char *day, int64_t now_utc_ms,
                               json_t **ret_rows, GError **error) {
        g_auto(Material) material = {0};
        int64_t from = 0, to = 0;
        schedule_day_bounds(spec, day, &from, &to);
        to = MIN(to, MAX(now_utc_ms, from));
        if (!read_blocks(&material, store, spec->id, from - BLOCK_MOST_MS, error))
                return NULL;
        const int64_t end = blocks_end(material.blocks, from, to);
        if (end == from) {
                g_set_error(error, RV_ERROR, RV_ERROR_NOT_FOUND,
                            "no transmission log of channel %s is stored for %s up to now", spec->id, day);
                return NULL;
        }
        material.events = reconcile_store_events(store, spec->id, NULL, from - MARGIN_MS, end + MARGIN_MS, error);
        material.rates = material.events ? reconcile_store_rates(store, material.blocks, error) : NULL;
        if (!material.rates)
                return NULL;
        ReconcilePlan plan = plan_of(spec, &material);
        plan.scope = RECONCILE_DAY;
        plan.from_utc_ms = from;
        plan.to_utc_ms = to;
        return compare(&plan, &material, ret_rows);
}

/* Of a session that is longer than logs are stored, what is stored. */
ReconcileReport *reconcile_session(Store *store, const ChannelSpec *spec, const char *session_id, json_t **ret_rows,
                                   GError **error) {
        g_auto(Material) material = {0};
        if (!read_blocks(&material, store, spec->id, 0, error))
                return NULL;
        const int64_t from = material.blocks->len > 0 ? ((BlockPlan *)material.blocks->pdata[0])->start_utc_ms : 0;
        material.events = reconcile_store_events(store, spec->id, session_id, from, G_MAXINT64, error);
        if (!material.events)
                return NULL;
        if (material.events->len == 0 || material.blocks->len == 0) {
                g_set_error(error, RV_ERROR, RV_ERROR_NOT_FOUND,
                            "channel %s has no session %s in the time whose logs are stored", spec->id, session_id);
                return NULL;
        }
        material.rates = reconcile_store_rates(store, material.blocks, error);
        if (!material.rates)
                return NULL;
        ReconcilePlan plan = plan_of(spec, &material);
        plan.scope = RECONCILE_SESSION;
        plan.from_utc_ms = from;
        plan.to_utc_ms = G_MAXINT64;
        return compare(&plan, &material, ret_rows);
}

/* INV-RECONCILE-006 */
json_t *reconcile_ask(Store *store, const ChannelSpec *spec, ReconcileScope scope, const char *subject,
                      int64_t now_utc_ms, GError **error) {
        g_autoptr(GError) local = NULL;
        json_t *rows = NULL, *document = NULL;
        g_autoptr(ReconcileReport) report = scope == RECONCILE_DAY
                                                    ? reconcile_day(store, spec, subject, now_utc_ms, &rows, &local)
                                                    : reconcile_session(store, spec, subject, &rows, &local);
        if (report) {
                document = reconcile_report_json(report);
                json_object_set_new(document, "rows", rows);
        } else if (g_error_matches(local, RV_ERROR, RV_ERROR_NOT_FOUND)) {
                document = reconcile_store_kept(store, spec->id, scope, subject, NULL);
        }
        if (document)
                json_object_set_new(document, scope == RECONCILE_DAY ? "day" : "session", json_string(subject));
        else
                g_propagate_error(error, g_steal_pointer(&local));
        return document;
}
