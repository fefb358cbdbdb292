/* What was found, for people and for programs. */
#include <stdarg.h>
#include <string.h>

#include "core/record/reconcile/compare_private.h"

static const struct {
        const char *name;
        bool fails;
} classes[RECONCILE_CLASSES] = {
        [RECONCILE_MISSING_BLOCK] = {"MISSING_BLOCK", true},
        [RECONCILE_EXTRA_BLOCK] = {"EXTRA_BLOCK", true},
        [RECONCILE_BLOCK_TIME_MISMATCH] = {"BLOCK_TIME_MISMATCH", true},
        [RECONCILE_SEGMENT_SEQUENCE_MISMATCH] = {"SEGMENT_SEQUENCE_MISMATCH", true},
        [RECONCILE_PHANTOM_SEGMENT] = {"PHANTOM_SEGMENT", true},
        [RECONCILE_RUNTIME_RECOVERY] = {"RUNTIME_RECOVERY", false}, /* INV-RECONCILE-005 */
        [RECONCILE_RUNWAY_DEGRADATION] = {"RUNWAY_DEGRADATION", false},
        [RECONCILE_NOT_AIRED_BY_DESIGN] = {"NOT_AIRED_BY_DESIGN", false},
};

const char *reconcile_class_name(ReconcileClass class) {
        return class > 0 && class < RECONCILE_CLASSES ? classes[class].name : "unknown";
}

bool reconcile_class_fails(ReconcileClass class) {
        return class > 0 && class < RECONCILE_CLASSES && classes[class].fails;
}

const char *reconcile_fault_name(ReconcileFault fault) {
        static const char *const names[] = {"none", "planning", "runtime"};
        return fault <= RECONCILE_RUNTIME ? names[fault] : "unknown";
}

/* --- making ------------------------------------------------------------------------------------------------------ */

static void divergence_free(void *data) {
        ReconcileDivergence *divergence = data;
        g_free(divergence->session_id);
        g_free(divergence->block_id);
        g_free(divergence->segment_uuid);
        g_free(divergence->expected);
        g_free(divergence->found);
        g_free(divergence->sentence);
        g_free(divergence);
}

ReconcileReport *reconcile_report_new(const ReconcilePlan *plan) {
        ReconcileReport *report = g_new0(ReconcileReport, 1);
        report->channel_id = g_strdup(plan->channel_id);
        report->scope = plan->scope;
        report->from_utc_ms = plan->from_utc_ms;
        report->to_utc_ms = plan->to_utc_ms;
        report->divergences = g_ptr_array_new_with_free_func(divergence_free);
        return report;
}

void reconcile_report_free(ReconcileReport *report) {
        if (!report)
                return;
        g_free(report->channel_id);
        g_ptr_array_unref(report->divergences);
        g_free(report);
}

char *instant_text(const ReconcilePlan *plan, int64_t utc_ms) {
        g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(rv_mul_div_floor(utc_ms, 1, 1000));
        g_autoptr(GDateTime) local = utc && plan->zone ? g_date_time_to_timezone(utc, plan->zone) : NULL;
        g_autofree char *text = utc ? g_date_time_format(local ? local : utc, "%Y-%m-%d %H:%M:%S") : NULL;
        return text ? g_strdup_printf("%s.%03d", text, (int)(utc_ms - rv_mul_div_floor(utc_ms, 1, 1000) * 1000))
                    : g_strdup_printf("%" G_GINT64_FORMAT " ms", utc_ms);
}

void diverge(const Judge *judge, const Place *place, const Finding *finding, const char *format, ...) {
        va_list arguments;
        va_start(arguments, format);
        g_autofree char *what = g_strdup_vprintf(format, arguments);
        va_end(arguments);
        g_autofree char *at = instant_text(judge->plan, place->at_utc_ms);
        ReconcileDivergence *divergence = g_new0(ReconcileDivergence, 1);
        *divergence = (ReconcileDivergence){
                .class = finding->class,
                .fault = finding->fault,
                .session_id = g_strdup(place->session ? place->session->id : NULL),
                .block_id = g_strdup(place->block_id),
                .block_utc_ms = place->block_utc_ms,
                .segment_uuid = g_strdup(place->segment_uuid),
                .at_utc_ms = place->at_utc_ms,
                .expected = finding->take_expected,
                .found = finding->take_found,
                .sentence = g_strdup_printf("%s: %s", at, what),
        };
        g_ptr_array_add(judge->report->divergences, divergence);
        judge->report->counts[finding->class]++; /* INV-ASRUN-005 */
        if (finding->class == RECONCILE_RUNWAY_DEGRADATION)
                judge->report->counts[RECONCILE_RUNTIME_RECOVERY]++;
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

bool reconcile_report_ok(const ReconcileReport *report) {
        for (int i = 1; i < RECONCILE_CLASSES; i++)
                if (classes[i].fails && report->counts[i] > 0)
                        return false;
        return true;
}

bool reconcile_report_clean(const ReconcileReport *report) {
        return report->divergences->len == report->counts[RECONCILE_NOT_AIRED_BY_DESIGN];
}

char *reconcile_report_summary(const ReconcileReport *report) {
        g_autoptr(GString) text = g_string_new(NULL);
        for (int i = 1; i < RECONCILE_CLASSES; i++)
                if (report->counts[i] > 0)
                        g_string_append_printf(text, "%s%u %s", text->len ? ", " : "", report->counts[i],
                                               classes[i].name);
        return text->len ? g_strdup(text->str) : g_strdup("reconciled");
}

/* Text of files and logs may be anything; JSON is UTF-8. */
static json_t *text_json(const char *text) {
        if (!text)
                return json_null();
        g_autofree char *valid = g_utf8_make_valid(text, -1);
        return json_string(valid);
}

static json_t *divergence_json(const ReconcileDivergence *divergence) {
        return json_pack("{s:s,s:s,s:b,s:o,s:o,s:I,s:o,s:I,s:o,s:o,s:o}", "class",
                         reconcile_class_name(divergence->class), "fault", reconcile_fault_name(divergence->fault),
                         "fails", reconcile_class_fails(divergence->class), "session_id",
                         text_json(divergence->session_id), "block_id", text_json(divergence->block_id), "block_utc_ms",
                         (json_int_t)divergence->block_utc_ms, "segment_uuid", text_json(divergence->segment_uuid),
                         "at_utc_ms", (json_int_t)divergence->at_utc_ms, "expected", text_json(divergence->expected),
                         "found", text_json(divergence->found), "sentence", text_json(divergence->sentence));
}

json_t *reconcile_report_json(const ReconcileReport *report) {
        json_t *counts = json_object(), *divergences = json_array();
        for (int i = 1; i < RECONCILE_CLASSES; i++)
                json_object_set_new(counts, classes[i].name, json_integer(report->counts[i]));
        for (guint i = 0; i < report->divergences->len; i++)
                json_array_append_new(divergences, divergence_json(report->divergences->pdata[i]));
        g_autofree char *summary = reconcile_report_summary(report);
        return json_pack("{s:s,s:s,s:s,s:I,s:I,s:I,s:I,s:o,s:o}", "channel", report->channel_id, "result",
                         reconcile_report_ok(report) ? "reconciled" : "diverged", "summary", summary, "from_utc_ms",
                         (json_int_t)report->from_utc_ms, "to_utc_ms", (json_int_t)report->to_utc_ms, "blocks",
                         (json_int_t)report->blocks, "aired", (json_int_t)report->aired, "counts", counts,
                         "divergences", divergences);
}
