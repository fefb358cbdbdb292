#include "core/burnin/report.h"

#include <string.h>

/* An injected death is seen where the record ends, which is some minutes of compressed time off. */
#define NEAR_MS 3600000
#define TEXT_MAX 200 /* violations listed in the text; the JSON has all */

static const struct {
        BurninCause cause;
        const char *name, *class;
} CAUSES[BURNIN_CAUSES] = {
        {BURNIN_LATE_FEED, "late-feed", "planning"},      {BURNIN_MISSING_FILE, "missing-file", "runtime"},
        {BURNIN_DEAD_AIR, "dead-air", "runtime"},         {BURNIN_DEAD_CORE, "dead-core", "runtime"},
        {BURNIN_CORRUPT_CLIP, "corrupt-clip", "runtime"},
};

const char *burnin_cause_name(BurninCause cause) {
        for (size_t i = 0; i < G_N_ELEMENTS(CAUSES); i++)
                if (CAUSES[i].cause == cause)
                        return CAUSES[i].name;
        return "none";
}

const char *burnin_cause_class(BurninCause cause) {
        for (size_t i = 0; i < G_N_ELEMENTS(CAUSES); i++)
                if (CAUSES[i].cause == cause)
                        return CAUSES[i].class;
        return "runtime";
}

int burnin_causes_from_text(const char *text) {
        g_auto(GStrv) names = g_strsplit(text, ",", -1);
        int causes = names[0] ? 0 : -1;
        for (char **name = names; *name; name++) {
                int cause = g_str_equal(*name, "none") ? 0 : -1;
                for (size_t i = 0; i < G_N_ELEMENTS(CAUSES); i++)
                        if (g_str_equal(CAUSES[i].name, *name))
                                cause = (int)CAUSES[i].cause;
                if (cause < 0)
                        return -1;
                causes |= cause;
        }
        return causes;
}

static void violation_free(void *user) {
        BurninViolation *violation = user;
        g_free(violation->channel);
        g_free(violation->subject);
        g_free(violation->detail);
        g_free(violation);
}

static void injection_free(void *user) {
        BurninInjection *injection = user;
        g_free(injection->channel);
        g_free(injection->subject);
        g_free(injection);
}

static void figures_free(void *user) {
        BurninFigures *figures = user;
        g_free(figures->channel);
        g_free(figures);
}

BurninReport *burnin_report_new(void) {
        BurninReport *report = g_new0(BurninReport, 1);
        report->figures = g_ptr_array_new_with_free_func(figures_free);
        report->violations = g_ptr_array_new_with_free_func(violation_free);
        report->injections = g_ptr_array_new_with_free_func(injection_free);
        return report;
}

void burnin_report_free(BurninReport *report) {
        if (!report)
                return;
        g_ptr_array_unref(report->figures);
        g_ptr_array_unref(report->violations);
        g_ptr_array_unref(report->injections);
        g_free(report);
}

void burnin_report_violation(BurninReport *report, const BurninViolation *violation, const char *format, ...) {
        BurninViolation *copy = g_new0(BurninViolation, 1);
        va_list arguments;
        g_assert(violation->contract && !report->closed); /* INV-BURNIN-003 */
        *copy = *violation;
        copy->channel = g_strdup(violation->channel);
        copy->subject = g_strdup(violation->subject);
        va_start(arguments, format);
        copy->detail = g_strdup_vprintf(format, arguments);
        va_end(arguments);
        g_ptr_array_add(report->violations, copy);
}

void burnin_report_injection(BurninReport *report, BurninCause cause, const char *channel, const char *subject,
                             int64_t utc_ms) {
        BurninInjection *injection = g_new0(BurninInjection, 1);
        *injection = (BurninInjection){
                .cause = cause, .channel = g_strdup(channel), .subject = g_strdup(subject), .utc_ms = utc_ms};
        g_ptr_array_add(report->injections, injection);
}

void burnin_report_kill(BurninReport *report, BurninCause cause, const char *channel, int64_t utc_ms) {
        burnin_report_injection(report, cause, channel, NULL, utc_ms);
        ((BurninInjection *)report->injections->pdata[report->injections->len - 1])->is_kill = true;
}

BurninFigures *burnin_report_figures(BurninReport *report, const char *channel) {
        BurninFigures *figures = g_new0(BurninFigures, 1);
        figures->channel = g_strdup(channel);
        g_ptr_array_add(report->figures, figures);
        return figures;
}

/* INV-BURNIN-001: the cause that was judged, the file or channel that it was done to, and when. A file that is gone
 * stays gone, for every channel. */
static bool accounts_for(const BurninInjection *injection, const BurninViolation *violation) {
        if (injection->cause != violation->cause)
                return false;
        if (injection->subject)
                return g_strcmp0(injection->subject, violation->subject) == 0;
        if (injection->channel && g_strcmp0(injection->channel, violation->channel) != 0)
                return false;
        return violation->utc_ms == 0 || ABS(violation->utc_ms - injection->utc_ms) <= NEAR_MS;
}

void burnin_report_close(BurninReport *report) {
        g_assert(!report->closed);
        report->closed = true;
        for (guint i = 0; i < report->violations->len; i++) {
                BurninViolation *violation = report->violations->pdata[i];
                for (guint k = 0; k < report->injections->len; k++) {
                        BurninInjection *injection = report->injections->pdata[k];
                        const bool accounted = accounts_for(injection, violation);
                        injection->found += accounted;
                        violation->injected |= accounted;
                }
        }
}

static unsigned count_unexplained(const BurninReport *report) {
        unsigned n = 0;
        for (guint i = 0; i < report->violations->len; i++)
                n += !((const BurninViolation *)report->violations->pdata[i])->injected;
        return n;
}

static unsigned count_unfound(const BurninReport *report) {
        unsigned n = 0;
        for (guint i = 0; i < report->injections->len; i++) {
                const BurninInjection *injection = report->injections->pdata[i];
                n += injection->found == 0 && !injection->is_kill;
        }
        return n;
}

/* INV-BURNIN-002 */
bool burnin_report_passed(const BurninReport *report) {
        g_assert(report->closed);
        return count_unexplained(report) == 0 && count_unfound(report) == 0;
}

/* --- text -------------------------------------------------------------------------------------------------------- */

static char *instant(int64_t utc_ms) {
        g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(utc_ms / 1000);
        return utc_ms && time ? g_date_time_format(time, "%Y-%m-%dT%H:%M:%SZ") : g_strdup("-");
}

static void write_violations(const BurninReport *report, GString *out) {
        for (guint i = 0; i < MIN(report->violations->len, TEXT_MAX); i++) {
                const BurninViolation *violation = report->violations->pdata[i];
                g_autofree char *when = instant(violation->utc_ms);
                g_string_append_printf(out, "  %-9s %s  %s  %s/%s  %s: %s\n",
                                       violation->injected ? "injected" : "FAULT", when, violation->contract,
                                       burnin_cause_class(violation->cause), burnin_cause_name(violation->cause),
                                       violation->channel ? violation->channel : "core", violation->detail);
        }
        if (report->violations->len > TEXT_MAX)
                g_string_append_printf(out, "  and %u more, in the JSON report\n", report->violations->len - TEXT_MAX);
}

static void write_channels(const BurninReport *report, GString *out) {
        for (guint i = 0; i < report->figures->len; i++) {
                const BurninFigures *f = report->figures->pdata[i];
                g_autofree char *from = instant(f->from_utc_ms), *to = instant(f->to_utc_ms);
                g_string_append_printf(out,
                                       "  %-20s %s to %s: %" G_GINT64_FORMAT " sessions, %" G_GINT64_FORMAT
                                       " blocks, %" G_GINT64_FORMAT " segments (%" G_GINT64_FORMAT
                                       " pads), %" G_GINT64_FORMAT " fences, %" G_GINT64_FORMAT " pictures\n",
                                       f->channel, from, to, f->sessions, f->blocks, f->segments, f->pads, f->fences,
                                       f->pictures);
        }
}

static void write_kills(const BurninReport *report, GString *out) {
        unsigned engines = 0, cores = 0, unseen = 0;
        for (guint i = 0; i < report->injections->len; i++) {
                const BurninInjection *injection = report->injections->pdata[i];
                engines += injection->is_kill && injection->cause == BURNIN_DEAD_AIR;
                cores += injection->is_kill && injection->cause == BURNIN_DEAD_CORE;
                unseen += injection->is_kill && injection->found == 0;
        }
        if (engines + cores > 0)
                g_string_append_printf(out, "  killed    %u engines and core %u times; %u before anything was aired\n",
                                       engines, cores, unseen);
}

static void write_injections(const BurninReport *report, GString *out) {
        if (report->injections->len > 0)
                g_string_append(out, "\ninjected faults\n");
        for (guint i = 0; i < report->injections->len; i++) {
                const BurninInjection *injection = report->injections->pdata[i];
                g_autofree char *when = instant(injection->utc_ms);
                if (injection->is_kill)
                        continue;
                g_string_append_printf(out, "  %-9s %s  %s  %s%s%s\n", injection->found ? "found" : "NOT FOUND", when,
                                       burnin_cause_name(injection->cause),
                                       injection->channel ? injection->channel : "every channel",
                                       injection->subject ? " " : "", injection->subject ? injection->subject : "");
        }
        write_kills(report, out);
}

char *burnin_report_text(const BurninReport *report) {
        g_assert(report->closed);
        GString *out = g_string_new(NULL);
        g_string_append_printf(out, "burn-in: %s\n%.2f h of %u channels, %s, in %" G_GINT64_FORMAT " s; seed %u\n\n",
                               burnin_report_passed(report) ? "PASSED" : "FAILED", (double)report->asked_ms / 3600000,
                               report->figures->len, report->compressed ? "compressed" : "in real time",
                               report->wall_ms / 1000, report->seed);
        g_string_append(out, "channels\n");
        write_channels(report, out);
        write_injections(report, out);
        g_string_append_printf(out, "\nviolated: %u times, %u of them unexplained\n", report->violations->len,
                               count_unexplained(report));
        write_violations(report, out);
        return g_string_free(out, FALSE);
}

/* --- JSON -------------------------------------------------------------------------------------------------------- */

static json_t *text_or_null(const char *text) {
        g_autofree char *valid = text ? g_utf8_make_valid(text, -1) : NULL;
        return valid ? json_string(valid) : json_null();
}

static json_t *violations_json(const BurninReport *report) {
        json_t *list = json_array();
        for (guint i = 0; i < report->violations->len; i++) {
                const BurninViolation *v = report->violations->pdata[i];
                json_array_append_new(list,
                                      json_pack("{s:s,s:s,s:s,s:o,s:o,s:I,s:o,s:b}", "contract", v->contract, "class",
                                                burnin_cause_class(v->cause), "cause", burnin_cause_name(v->cause),
                                                "channel", text_or_null(v->channel), "subject",
                                                text_or_null(v->subject), "utc_ms", (json_int_t)v->utc_ms, "detail",
                                                text_or_null(v->detail), "injected", v->injected));
        }
        return list;
}

static json_t *injections_json(const BurninReport *report) {
        json_t *list = json_array();
        for (guint i = 0; i < report->injections->len; i++) {
                const BurninInjection *injection = report->injections->pdata[i];
                json_array_append_new(
                        list, json_pack("{s:s,s:s,s:o,s:o,s:I,s:b,s:i}", "cause", burnin_cause_name(injection->cause),
                                        "class", burnin_cause_class(injection->cause), "channel",
                                        text_or_null(injection->channel), "subject", text_or_null(injection->subject),
                                        "utc_ms", (json_int_t)injection->utc_ms, "kill", injection->is_kill, "found",
                                        (int)injection->found));
        }
        return list;
}

static json_t *figures_json(const BurninReport *report) {
        json_t *list = json_array();
        for (guint i = 0; i < report->figures->len; i++) {
                const BurninFigures *f = report->figures->pdata[i];
                json_array_append_new(
                        list,
                        json_pack("{s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "channel", f->channel,
                                  "from_utc_ms", (json_int_t)f->from_utc_ms, "to_utc_ms", (json_int_t)f->to_utc_ms,
                                  "sessions", (json_int_t)f->sessions, "blocks", (json_int_t)f->blocks, "segments",
                                  (json_int_t)f->segments, "pads", (json_int_t)f->pads, "fences", (json_int_t)f->fences,
                                  "pictures", (json_int_t)f->pictures, "pad_frames", (json_int_t)f->pad_frames,
                                  "stream_bytes", (json_int_t)f->stream_bytes, "underruns", (json_int_t)f->underruns));
        }
        return list;
}

json_t *burnin_report_json(const BurninReport *report) {
        g_assert(report->closed);
        return json_pack("{s:b,s:s,s:I,s:I,s:I,s:o,s:o,s:o}", "passed", burnin_report_passed(report), "time",
                         report->compressed ? "compressed" : "real", "asked_ms", (json_int_t)report->asked_ms,
                         "wall_ms", (json_int_t)report->wall_ms, "seed", (json_int_t)report->seed, "channels",
                         figures_json(report), "injections", injections_json(report), "violations",
                         violations_json(report));
}
