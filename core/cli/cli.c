#include "core/cli/cli.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NO_PORT INT_MIN
#define NO_DAYS INT_MIN

static const CliCommand *const commands[] = {&cli_serve,     &cli_scan,     &cli_catalog, &cli_channels, &cli_pool,
                                             &cli_plan,      &cli_override, &cli_guide,   &cli_asrun,    &cli_failures,
                                             &cli_reconcile, &cli_burn_in,  &cli_events,  &cli_version};

static void usage(FILE *out) {
        fputs("usage: retrovue COMMAND [options]\n\n", out);
        for (size_t i = 0; i < G_N_ELEMENTS(commands); i++)
                fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
        fputs("\n`retrovue COMMAND --help` tells the rest.\n", out);
}

/* A result that nobody could be told is none. A reader that has seen enough (`| head`) is no fault. */
static int check_output(int status) {
        errno = 0;
        bool told = fflush(stdout) == 0 && !ferror(stdout);
        if (told || errno == EPIPE || status != 0)
                return status;
        return cli_fail("cannot write the output: %s", g_strerror(errno));
}

int cli_main(int argc, char **argv) {
        const char *name = argc > 1 ? argv[1] : NULL;
        if (!name) {
                usage(stderr);
                return 2;
        }
        if (g_str_equal(name, "--help") || g_str_equal(name, "-h") || g_str_equal(name, "help")) {
                usage(stdout);
                return 0;
        }
        if (g_str_equal(name, "--version"))
                name = cli_version.name;
        for (size_t i = 0; i < G_N_ELEMENTS(commands); i++)
                if (g_str_equal(commands[i]->name, name))
                        return check_output(commands[i]->run(argc - 1, argv + 1));
        fprintf(stderr, "retrovue: unknown command \"%s\"\n\n", name);
        usage(stderr);
        return 2;
}

static void say(const char *format, va_list arguments) G_GNUC_PRINTF(1, 0);
static void say(const char *format, va_list arguments) {
        fputs("retrovue: ", stderr);
        vfprintf(stderr, format, arguments);
        fputs("\n", stderr);
}

int cli_fail(const char *format, ...) {
        va_list arguments;
        va_start(arguments, format);
        say(format, arguments);
        va_end(arguments);
        return 1;
}

int cli_misuse(const char *format, ...) {
        va_list arguments;
        va_start(arguments, format);
        say(format, arguments);
        va_end(arguments);
        return 2;
}

/* --- options ----------------------------------------------------------------------------------------------------- */

static void add_entries(GArray *entries, CliOptions *o, CliOptionSet set) {
        GOptionEntry common[] = {
                {"config", 0, 0, G_OPTION_ARG_FILENAME, &o->config_file,
                 "Configuration file (default DATA/retrovue.yaml)", "FILE"},
                {"data", 0, 0, G_OPTION_ARG_FILENAME, &o->data_dir, "Where database, logs and plans are", "DIR"},
                {"channels", 0, 0, G_OPTION_ARG_FILENAME, &o->channels_dir, "Channel files (default DATA/channels)",
                 "DIR"},
        };
        GOptionEntry media[] = {
                {"media", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &o->media_dirs, "Folder of media files; may be repeated",
                 "DIR"},
        };
        GOptionEntry server[] = {
                {"port", 0, 0, G_OPTION_ARG_INT, &o->port, "Port to listen on (default 8080)", "N"},
                {"listen", 0, 0, G_OPTION_ARG_STRING, &o->listen_address, "Address to listen on (default 127.0.0.1)",
                 "ADDR"},
                {"public-url", 0, 0, G_OPTION_ARG_STRING, &o->public_url, "How viewers reach us, e.g. behind a proxy",
                 "URL"},
                {"air", 0, 0, G_OPTION_ARG_FILENAME, &o->air_program, "The playout engine", "PROGRAM"},
                {"web", 0, 0, G_OPTION_ARG_FILENAME, &o->web_dir, "The page's files", "DIR"},
                {"led-clock", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_FILENAME, &o->led_clock, "What time it is", "FILE"},
        };
        GOptionEntry json[] = {
                {"json", 0, 0, G_OPTION_ARG_NONE, &o->json, "Print JSON", NULL},
        };
        GOptionEntry day[] = {
                {"day", 0, 0, G_OPTION_ARG_STRING, &o->day, "Broadcast day (default today's)", "YYYY-MM-DD"},
        };
        GOptionEntry hours[] = {
                {"hours", 0, 0, G_OPTION_ARG_INT, &o->hours, "How far ahead (default: now and next)", "N"},
        };
        GOptionEntry days[] = {
                {"days", 0, 0, G_OPTION_ARG_INT, &o->days, "That many broadcast days (show)", "N"},
                {"spots", 0, 0, G_OPTION_ARG_NONE, &o->spots, "Each act and spot (show)", NULL},
        };
        GOptionEntry record[] = {
                {"channel", 0, 0, G_OPTION_ARG_STRING, &o->channel, "The same as CHANNEL", "ID"},
                {"from", 0, 0, G_OPTION_ARG_STRING, &o->from, "From then on: ISO 8601, or a broadcast day", "TIME"},
                {"to", 0, 0, G_OPTION_ARG_STRING, &o->to, "Until then (default: now)", "TIME"},
                {"status", 0, 0, G_OPTION_ARG_STRING, &o->status, "Only what ended so: AIRED, TRUNCATED, SHORT ...",
                 "STATUS,..."},
                {"format", 0, 0, G_OPTION_ARG_STRING, &o->format, "text, json, csv or bxf", "FORMAT"},
                {"output", 0, 0, G_OPTION_ARG_FILENAME, &o->output, "Write there (export)", "FILE"},
        };
        GOptionEntry subject[] = {
                {"channel", 0, 0, G_OPTION_ARG_STRING, &o->channel, "Of this channel (default: all)", "ID"},
                {"session", 0, 0, G_OPTION_ARG_STRING, &o->session, "This session in place of a day", "ID"},
        };
        GOptionEntry after[] = {
                {"after", 0, 0, G_OPTION_ARG_INT64, &o->after,
                 "From the event after this one on (0: all; default: what happens from now on)", "SEQ"},
        };
        GOptionEntry rest[] = {
                {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &o->arguments, NULL, NULL},
        };
        g_array_append_vals(entries, common, G_N_ELEMENTS(common));
        if (set & CLI_WITH_MEDIA)
                g_array_append_vals(entries, media, G_N_ELEMENTS(media));
        if (set & CLI_WITH_SERVER)
                g_array_append_vals(entries, server, G_N_ELEMENTS(server));
        if (set & CLI_WITH_JSON)
                g_array_append_vals(entries, json, G_N_ELEMENTS(json));
        if (set & CLI_WITH_DAY)
                g_array_append_vals(entries, day, G_N_ELEMENTS(day));
        if (set & CLI_WITH_DAYS)
                g_array_append_vals(entries, days, G_N_ELEMENTS(days));
        if (set & CLI_WITH_HOURS)
                g_array_append_vals(entries, hours, G_N_ELEMENTS(hours));
        if (set & CLI_WITH_RECORD)
                g_array_append_vals(entries, record, G_N_ELEMENTS(record));
        if (set & CLI_WITH_SUBJECT)
                g_array_append_vals(entries, subject, G_N_ELEMENTS(subject));
        if (set & CLI_WITH_AFTER)
                g_array_append_vals(entries, after, G_N_ELEMENTS(after));
        g_array_append_vals(entries, rest, G_N_ELEMENTS(rest));
}

/* An empty value is a variable of the caller's that was not set; as a path it would be the working directory. */
static bool has_empty_value(const CliOptions *o) {
        const char *const values[] = {o->config_file, o->data_dir, o->channels_dir, o->listen_address, o->public_url,
                                      o->air_program, o->web_dir,  o->day,          o->channel,        o->from,
                                      o->to,          o->status,   o->format,       o->output,         o->session};
        bool empty = false;
        for (size_t i = 0; i < G_N_ELEMENTS(values); i++)
                empty |= values[i] && !values[i][0];
        for (char **dir = o->media_dirs; dir && *dir; dir++)
                empty |= !(*dir)[0];
        return empty;
}

static int check_values(CliOptions *options, CliOptionSet set, const char *command) {
        if (options->arguments && !(set & CLI_WITH_ARGUMENTS))
                return cli_misuse("%s takes no argument \"%s\"%s", command, options->arguments[0],
                                  set & CLI_WITH_MEDIA ? " (folders are given by --media)" : "");
        if (has_empty_value(options))
                return cli_misuse("%s: an option has an empty value", command);
        if (options->port != NO_PORT && (options->port < 0 || options->port > 65535))
                return cli_misuse("--port takes a number from 0 to 65535, not %d", options->port);
        if (options->days != NO_DAYS && options->days < 1)
                return cli_misuse("--days takes a number from 1 on, not %d", options->days);
        if (options->days == NO_DAYS)
                options->days = 0;
        if (options->port == NO_PORT)
                options->port = -1;
        return -1;
}

int cli_options_parse(CliOptions *options, CliOptionSet set, const char *usage_text, const char *summary, int argc,
                      char **argv) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GArray) entries = g_array_new(TRUE, TRUE, sizeof(GOptionEntry));
        *options = (CliOptions){.port = NO_PORT, .days = NO_DAYS, .after = -1, .set = set};
        add_entries(entries, options, set);
        g_autofree char *command = g_strdup_printf("retrovue %s", argv[0]);
        g_set_prgname(command);
        g_autoptr(GOptionContext) context = g_option_context_new(usage_text);
        g_option_context_set_summary(context, summary);
        g_option_context_add_main_entries(context, (const GOptionEntry *)(void *)entries->data, NULL);
        g_option_context_set_help_enabled(context, FALSE);
        for (int i = 1; i < argc; i++)
                if (g_str_equal(argv[i], "--help") || g_str_equal(argv[i], "-h")) {
                        g_autofree char *help = g_option_context_get_help(context, TRUE, NULL);
                        fputs(help, stdout);
                        return 0;
                }
        if (!g_option_context_parse(context, &argc, &argv, &error)) {
                fprintf(stderr, "%s: %s\n", command, error->message);
                return 2;
        }
        return check_values(options, set, argv[0]);
}

void cli_options_clear(CliOptions *options) {
        g_free(options->config_file);
        g_free(options->data_dir);
        g_free(options->channels_dir);
        g_free(options->listen_address);
        g_free(options->public_url);
        g_free(options->air_program);
        g_free(options->web_dir);
        g_free(options->led_clock);
        g_free(options->day);
        g_free(options->channel);
        g_free(options->from);
        g_free(options->to);
        g_free(options->status);
        g_free(options->format);
        g_free(options->output);
        g_free(options->session);
        g_strfreev(options->media_dirs);
        g_strfreev(options->arguments);
}

static void print_faults(const Diag *diag) {
        g_autofree char *text = diag_text(diag);
        fputs(text, stderr);
}

void cli_print_errors(const Diag *diag) {
        g_autoptr(Diag) errors = diag_new();
        for (unsigned i = 0; i < diag_count(diag); i++) {
                const DiagEntry *entry = diag_get(diag, i);
                if (entry && entry->severity == DIAG_ERROR)
                        diag_add(errors, DIAG_ERROR, entry->file, entry->line, entry->column, "%s", entry->message);
        }
        print_faults(errors);
}

Config *cli_config(const CliOptions *options) {
        g_autoptr(Diag) diag = diag_new();
        ConfigFlags flags = {
                .config_file = options->config_file,
                .data_dir = options->data_dir,
                .channels_dir = options->channels_dir,
                .listen_address = options->listen_address,
                .public_url = options->public_url,
                .air_program = options->air_program,
                .web_dir = options->web_dir,
                .led_clock = options->led_clock,
                .media_dirs = (const char *const *)options->media_dirs,
                .port = options->port,
        };
        g_autofree char *program = g_file_read_link("/proc/self/exe", NULL);
        Config *config = config_new(&flags, program ? program : "retrovue", diag);
        if (options->set & CLI_WITH_SERVER)
                print_faults(diag);
        else
                cli_print_errors(diag);
        return config;
}
