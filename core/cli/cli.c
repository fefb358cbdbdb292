#include "core/cli/cli.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const CliCommand *const commands[] = {&cli_serve, &cli_scan, &cli_channels, &cli_plan, &cli_guide, &cli_version};

static void usage(FILE *out) {
        fputs("usage: retrovue COMMAND [options]\n\n", out);
        for (size_t i = 0; i < G_N_ELEMENTS(commands); i++)
                fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
        fputs("\n`retrovue COMMAND --help` tells the rest.\n", out);
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
                        return commands[i]->run(argc - 1, argv + 1);
        fprintf(stderr, "retrovue: unknown command \"%s\"\n\n", name);
        usage(stderr);
        return 2;
}

int cli_fail(const char *format, ...) {
        va_list arguments;
        va_start(arguments, format);
        fputs("retrovue: ", stderr);
        vfprintf(stderr, format, arguments);
        fputs("\n", stderr);
        va_end(arguments);
        return 1;
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
        };
        GOptionEntry json[] = {
                {"json", 0, 0, G_OPTION_ARG_NONE, &o->json, "Print JSON", NULL},
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
        g_array_append_vals(entries, rest, G_N_ELEMENTS(rest));
}

int cli_options_parse(CliOptions *options, CliOptionSet set, const char *usage_text, const char *summary, int argc,
                      char **argv) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GArray) entries = g_array_new(TRUE, TRUE, sizeof(GOptionEntry));
        *options = (CliOptions){.port = -1};
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
        if (g_option_context_parse(context, &argc, &argv, &error))
                return -1;
        fprintf(stderr, "%s: %s\n", command, error->message);
        return 2;
}

void cli_options_clear(CliOptions *options) {
        g_free(options->config_file);
        g_free(options->data_dir);
        g_free(options->channels_dir);
        g_free(options->listen_address);
        g_free(options->public_url);
        g_free(options->air_program);
        g_free(options->web_dir);
        g_strfreev(options->media_dirs);
        g_strfreev(options->arguments);
}

static void print_faults(const Diag *diag) {
        g_autofree char *text = diag_text(diag);
        fputs(text, stderr);
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
                .media_dirs = (const char *const *)options->media_dirs,
                .port = options->port,
        };
        g_autofree char *program = g_file_read_link("/proc/self/exe", NULL);
        Config *config = config_new(&flags, program ? program : "retrovue", diag);
        if (diag_count(diag) > 0)
                print_faults(diag);
        return config;
}
