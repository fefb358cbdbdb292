#include "core/record/asrun/asrun.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/cli/cli.h"
#include "proto/base/clock.h"

#define PAGE 1000
/* The frames of timecodes of a channel whose file is gone. */
#define UNKNOWN_RATE ((RvRational){30, 1})

/* --- whose record, and of when ----------------------------------------------------------------------------------- */

/* A channel as the record knows it: its file may be gone. */
typedef struct {
        const char *id;
        const ChannelSpec *spec; /* NULL: gone */
} Subject;

static bool find_subject(const CliLook *look, const CliOptions *options, Subject *ret_subject) {
        const char *id = options->channel ? options->channel : options->arguments[1];
        g_autoptr(GError) error = NULL;
        *ret_subject = (Subject){.id = id};
        for (unsigned i = 0; i < look->specs->len; i++)
                if (g_str_equal(((const ChannelSpec *)look->specs->pdata[i])->id, id))
                        ret_subject->spec = look->specs->pdata[i];
        if (ret_subject->spec || asrun_knows(look->store, id, &error))
                return true;
        if (error)
                cli_fail("%s", error->message);
        else
                (void)cli_look_channel(look, id); /* says which there are */
        return false;
}

/* A broadcast day's beginning or end, or ISO 8601, in the channel's time when it names no zone. */
static bool parse_time(const Subject *subject, const char *text, int64_t *ret_utc_ms) {
        g_autoptr(GTimeZone) utc = g_time_zone_new_utc();
        if (cli_is_day(text) && subject->spec) {
                int64_t end_utc_ms;
                schedule_day_bounds(subject->spec, text, ret_utc_ms, &end_utc_ms);
                return true;
        }
        g_autofree char *midnight = cli_is_day(text) ? g_strconcat(text, "T00:00:00", NULL) : NULL;
        g_autoptr(GDateTime) time =
                g_date_time_new_from_iso8601(midnight ? midnight : text, subject->spec ? subject->spec->zone : utc);
        if (!time)
                return false;
        *ret_utc_ms = g_date_time_to_unix(time) * 1000 + g_date_time_get_microsecond(time) / 1000;
        return true;
}

/* -1 to go on, else the exit status. */
static int parse_range(const Subject *subject, const CliOptions *options, AsRunQuery *query) {
        static const char *const what = "takes a day or a time such as 2026-11-22 or 2026-11-22T20:00:00Z, not";
        query->to_utc_ms = INT64_MAX;
        if (options->from && !parse_time(subject, options->from, &query->from_utc_ms))
                return cli_misuse("--from %s \"%s\"", what, options->from);
        if (options->to && !parse_time(subject, options->to, &query->to_utc_ms))
                return cli_misuse("--to %s \"%s\"", what, options->to);
        if (query->to_utc_ms <= query->from_utc_ms)
                return cli_misuse("--to is after --from");
        return -1;
}

/* Of a channel whose file is gone, the calendar's in UTC, as it is recorded. */
static void today_of(const Subject *subject, char ret_day[11]) {
        const int64_t now_utc_ms = rv_clock_utc_ms(rv_clock_system());
        if (subject->spec) {
                schedule_day_of(subject->spec, now_utc_ms, ret_day);
                return;
        }
        g_autoptr(GDateTime) now = g_date_time_new_from_unix_utc(now_utc_ms / 1000);
        g_autofree char *day = g_date_time_format(now, "%Y-%m-%d");
        g_strlcpy(ret_day, day, 11);
}

/* --- formats ----------------------------------------------------------------------------------------------------- */

static const char *const formats[] = {[ASRUN_FORMAT_TEXT] = "text",
                                      [ASRUN_FORMAT_JSON] = "json",
                                      [ASRUN_FORMAT_CSV] = "csv",
                                      [ASRUN_FORMAT_BXF] = "bxf"};

/* 0: there is no such. */
static AsRunFormat format_of(const CliOptions *options) {
        if (!options->format)
                return options->json
                               ? ASRUN_FORMAT_JSON
                               : (g_str_equal(options->arguments[0], "export") ? ASRUN_FORMAT_CSV : ASRUN_FORMAT_TEXT);
        for (AsRunFormat format = ASRUN_FORMAT_TEXT; format <= ASRUN_FORMAT_BXF; format++)
                if (g_str_equal(formats[format], options->format))
                        return format;
        return 0;
}

static AsRunExportOptions export_of(const Subject *subject, const CliOptions *options, FILE *out) {
        const ChannelSpec *spec = subject->spec;
        return (AsRunExportOptions){
                .format = format_of(options),
                .channel_id = subject->id,
                .channel_name = spec ? spec->name : subject->id,
                .channel_number = spec ? spec->number : 0,
                .zone = spec ? spec->zone : NULL,
                .rate = spec ? spec->format.rate : UNKNOWN_RATE,
                .now_utc_ms = rv_clock_utc_ms(rv_clock_system()),
                .out = out,
        };
}

/* --- show and export --------------------------------------------------------------------------------------------- */

static bool write_pages(Store *store, AsRunQuery *query, AsRunExport *export, size_t *ret_n, GError **error) {
        g_autofree char *after = NULL;
        *ret_n = 0;
        do {
                g_autofree char *next = NULL;
                query->after = after;
                json_t *entries = asrun_read(store, query, &next, error), *entry;
                size_t i;
                if (!entries)
                        return false;
                json_array_foreach(entries, i, entry) asrun_export_entry(export, entry);
                *ret_n += json_array_size(entries);
                json_decref(entries);
                g_free(after);
                after = g_steal_pointer(&next);
        } while (after);
        return true;
}

/* The exit status. */
static int write_record(const CliLook *look, AsRunQuery *query, const AsRunExportOptions *options) {
        g_autoptr(GError) error = NULL;
        size_t n = 0;
        AsRunExport *export = asrun_export_new(options);
        const bool done = write_pages(look->store, query, export, &n, &error);
        asrun_export_end(export);
        if (!done)
                return cli_fail("%s", error->message);
        if (n == 0)
                fprintf(stderr, "retrovue: nothing of that is recorded: what nobody watches does not air\n");
        return 0;
}

/* In one step: whoever looks sees the whole file or none. */
static int write_file(const CliLook *look, AsRunQuery *query, AsRunExportOptions *options, const char *path) {
        g_autoptr(GError) error = NULL;
        char *text = NULL;
        size_t size = 0;
        options->out = open_memstream(&text, &size);
        if (!options->out)
                return cli_fail("%s: %s", path, g_strerror(errno));
        int status = write_record(look, query, options);
        const bool written = fclose(options->out) == 0;
        if (status == 0 && !written)
                status = cli_fail("%s: %s", path, g_strerror(errno));
        if (status == 0 && !store_write_file(path, text, size, &error))
                status = cli_fail("%s", error->message);
        free(text);
        return status;
}

static int show(const CliLook *look, const CliOptions *options) {
        char today[11];
        Subject subject;
        if (!find_subject(look, options, &subject))
                return 1;
        AsRunQuery query = {.channel_id = subject.id, .statuses = options->status, .limit = PAGE};
        const int status = parse_range(&subject, options, &query);
        if (status >= 0)
                return status;
        today_of(&subject, today);
        if (!options->from && !options->to)
                query.day = options->day ? options->day : today;
        AsRunExportOptions export = export_of(&subject, options, stdout);
        return options->output ? write_file(look, &query, &export, options->output)
                               : write_record(look, &query, &export);
}

static int follow(const CliLook *look, const CliOptions *options) {
        Subject subject;
        if (!find_subject(look, options, &subject))
                return 1;
        const AsRunExportOptions export = export_of(&subject, options, stdout);
        return cli_asrun_follow(look, &export);
}

/* --- the command ------------------------------------------------------------------------------------------------- */

static int (*chosen(const CliOptions *options))(const CliLook *look, const CliOptions *options) {
        const char *name = options->arguments ? options->arguments[0] : "";
        const unsigned n = options->arguments ? g_strv_length(options->arguments) : 0;
        if (n + (options->channel != NULL) != 2)
                return NULL;
        if (g_str_equal(name, "show") || g_str_equal(name, "export"))
                return show;
        return g_str_equal(name, "follow") ? follow : NULL;
}

static int check_follow(const CliOptions *options) {
        if (options->day || options->from || options->to || options->status)
                return cli_misuse("asrun follow tells what comes: it takes no --day, --from, --to or --status");
        if (format_of(options) == ASRUN_FORMAT_BXF)
                return cli_misuse("asrun follow has no end, and BXF is one document: take text, json or csv");
        return -1;
}

static int check(const CliOptions *options) {
        int (*run)(const CliLook *look, const CliOptions *options) = chosen(options);
        if (!run)
                return cli_misuse("asrun takes show, export or follow and a CHANNEL (`retrovue channels` lists them)");
        if (format_of(options) == 0)
                return cli_misuse("--format takes text, json, csv or bxf, not \"%s\"", options->format);
        if (options->json && options->format && !g_str_equal(options->format, "json"))
                return cli_misuse("--json and --format=%s are two formats", options->format);
        if (options->day && (options->from || options->to))
                return cli_misuse("--day is one broadcast day; --from and --to are any time");
        if (options->day && !cli_is_day(options->day))
                return cli_misuse("--day takes a date such as 2026-11-22, from 1970 to %d, not \"%s\"", CLI_LAST_YEAR,
                                  options->day);
        if (options->output && !g_str_equal(options->arguments[0], "export"))
                return cli_misuse("--output is for asrun export");
        return run == follow ? check_follow(options) : -1;
}

static int run_chosen(const CliLook *look, const CliOptions *options) {
        return chosen(options)(look, options);
}

static const CliLookCommand command = {
        .set = CLI_WITH_JSON | CLI_WITH_DAY | CLI_WITH_RECORD | CLI_WITH_ARGUMENTS,
        .usage = "show|export|follow CHANNEL - show what aired",
        .summary = "show    what aired in a broadcast day (today), or --from one time --to another, in the channel's "
                   "own time\n"
                   "export  the same as csv, or in another --format, to --output or to standard output\n"
                   "follow  the last of it, and what comes, until it is interrupted\n"
                   "All of them only read; the daemon may run or not.",
        .check = check,
        .show = run_chosen,
};

static int run(int argc, char **argv) {
        return cli_look_run(&command, argc, argv);
}

const CliCommand cli_asrun = {"asrun", "show, export or follow what aired", run};
