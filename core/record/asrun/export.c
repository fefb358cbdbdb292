#include <string.h>

#include "core/record/asrun/export_private.h"

const char *asrun_entry_text(const json_t *entry, const char *key) {
        const char *text = json_string_value(json_object_get(entry, key));
        return text ? text : "";
}

int64_t asrun_entry_int(const json_t *entry, const char *key) {
        return json_integer_value(json_object_get(entry, key));
}

char *asrun_format_time(GTimeZone *zone, int64_t utc_ms, const char *format) {
        const int64_t s = CLAMP(utc_ms, 0, INT64_C(32503680000000)) / 1000;
        g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(s);
        g_autoptr(GDateTime) local = zone ? g_date_time_to_timezone(utc, zone) : g_date_time_ref(utc);
        return g_date_time_format(local, format);
}

/* --- text -------------------------------------------------------------------------------------------------------- */

char *asrun_heading(const char *channel_id, const char *day) {
        return g_strdup_printf("# as-run of channel %s, broadcast day %s\n%-8s %-8s %-10s %-8s %-32s %s\n", channel_id,
                               day, "# ACTUAL", "DUR", "STATUS", "TYPE", "EVENT_ID", "NOTES");
}

static void write_text(AsRunExport *export, const json_t *entry) {
        const AsRunExportOptions *options = &export->options;
        const char *day = asrun_entry_text(entry, "broadcast_day");
        g_autofree char *time = asrun_format_time(options->zone, asrun_document_start_utc_ms(entry), "%H:%M:%S");
        g_autofree char *line = asrun_line(entry, time);
        if (!line)
                return;
        if (strcmp(day, export->day) != 0) {
                g_autofree char *heading = asrun_heading(options->channel_id, day);
                fputs(heading, options->out);
                g_strlcpy(export->day, day, sizeof export->day);
        }
        fputs(line, options->out);
}

/* --- JSON lines -------------------------------------------------------------------------------------------------- */

static void write_json(const AsRunExport *export, const json_t *entry) {
        json_dumpf(entry, export->options.out, JSON_COMPACT | JSON_SORT_KEYS);
        fputc('\n', export->options.out);
}

/* --- CSV, RFC 4180 ----------------------------------------------------------------------------------------------- */

static const char *const columns[] = {
        "channel_id",      "broadcast_day", "kind",
        "status",          "type",          "event_id",
        "block_id",        "segment_index", "segment_uuid",
        "asset_uuid",      "title",         "asset_uri",
        "start_tick",      "end_tick",      "asset_start_frame",
        "asset_end_frame", "frames",        "fallback_frames",
        "reason",          "detail",        "session_id",
        "sequence",        "event_uuid",
};

static void write_field(FILE *out, const char *text) {
        if (!strpbrk(text, ",\"\r\n")) {
                fputs(text, out);
                return;
        }
        fputc('"', out);
        for (const char *c = text; *c; c++) {
                if (*c == '"')
                        fputc('"', out);
                fputc(*c, out);
        }
        fputc('"', out);
}

static void write_value(FILE *out, const json_t *value) {
        if (json_is_integer(value))
                fprintf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        else if (json_is_string(value))
                write_field(out, json_string_value(value));
}

/* UTC to the millisecond, and the channel's own time; nothing when there is none. */
static void write_instant(const AsRunExport *export, int64_t utc_ms) {
        FILE *out = export->options.out;
        if (utc_ms > 0) {
                g_autofree char *utc = asrun_format_time(NULL, utc_ms, "%Y-%m-%dT%H:%M:%S");
                g_autofree char *local = asrun_format_time(export->options.zone, utc_ms, "%Y-%m-%dT%H:%M:%S%:z");
                fprintf(out, "%s.%03dZ,%s,", utc, (int)(utc_ms % 1000), local);
        } else {
                fputs(",,", out);
        }
}

static void write_csv_heading(FILE *out) {
        fputs("start_utc,start_local,end_utc,end_local,duration_ms", out);
        for (size_t i = 0; i < G_N_ELEMENTS(columns); i++)
                fprintf(out, ",%s", columns[i]);
        fputs("\r\n", out);
}

static void write_csv(const AsRunExport *export, const json_t *entry) {
        FILE *out = export->options.out;
        const int64_t start_utc_ms = asrun_document_start_utc_ms(entry);
        const int64_t end_utc_ms = asrun_entry_int(entry, "actual_end_utc_ms");
        write_instant(export, start_utc_ms);
        write_instant(export, end_utc_ms);
        if (end_utc_ms > 0)
                fprintf(out, "%" G_GINT64_FORMAT, end_utc_ms - start_utc_ms);
        for (size_t i = 0; i < G_N_ELEMENTS(columns); i++) {
                fputc(',', out);
                write_value(out, json_object_get(entry, columns[i]));
        }
        fputs("\r\n", out);
}

/* --- all --------------------------------------------------------------------------------------------------------- */

AsRunExport *asrun_export_new(const AsRunExportOptions *options) {
        AsRunExport *export = g_new0(AsRunExport, 1);
        export->options = *options;
        if (options->format == ASRUN_FORMAT_CSV)
                write_csv_heading(options->out);
        else if (options->format == ASRUN_FORMAT_BXF)
                export->bxf = asrun_bxf_begin(&export->options);
        return export;
}

void asrun_export_entry(AsRunExport *export, const json_t *entry) {
        switch (export->options.format) {
        case ASRUN_FORMAT_TEXT:
                write_text(export, entry);
                break;
        case ASRUN_FORMAT_JSON:
                write_json(export, entry);
                break;
        case ASRUN_FORMAT_CSV:
                write_csv(export, entry);
                break;
        case ASRUN_FORMAT_BXF:
                asrun_bxf_entry(export->bxf, entry);
                break;
        }
}

void asrun_export_end(AsRunExport *export) {
        if (!export)
                return;
        if (export->bxf)
                asrun_bxf_end(export->bxf);
        g_free(export);
}
