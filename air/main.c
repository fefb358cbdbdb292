#include <glib.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "air/air.h"
#include "proto/base/id.h"

#define EXIT_USAGE 2

static int usage_error(const char *message) {
        fprintf(stderr, "retrovue-air: %s\nTry 'retrovue-air --help'.\n", message);
        return EXIT_USAGE;
}

/* NULL when the options make sense together. */
static const char *fault_of(const AirOptions *options) {
        if (!options->channel_id)
                return "--channel is missing";
        if (!rv_slug_valid(options->channel_id))
                return "--channel is not a channel id (a-z, 0-9, _ and -, 64 at most)";
        if ((options->control_fd >= 0) == (options->control_path != NULL))
                return "one of --control-fd and --control is needed";
        if (options->orphan_ms < 0)
                return "--orphan-ms is negative";
        if (options->replay_ms < 0)
                return "--replay-ms is negative";
        return NULL;
}

int main(int argc, char **argv) {
        signal(SIGPIPE, SIG_IGN);
        setlocale(LC_CTYPE, "");
        g_autofree char *channel = NULL, *control = NULL, *cache_dir = NULL;
        gint control_fd = -1, orphan_ms = 0, replay_ms = 0;
        gboolean version = FALSE;
        const GOptionEntry entries[] = {
                {"channel", 0, 0, G_OPTION_ARG_STRING, &channel, "the channel this engine plays", "ID"},
                {"control-fd", 0, 0, G_OPTION_ARG_INT, &control_fd, "serve on this listening unix socket", "N"},
                {"control", 0, 0, G_OPTION_ARG_FILENAME, &control, "serve on a unix socket made here", "PATH"},
                {"cache-dir", 0, 0, G_OPTION_ARG_FILENAME, &cache_dir, "keep the plug-in registry here", "DIR"},
                {"orphan-ms", 0, 0, G_OPTION_ARG_INT, &orphan_ms, "end so long after core is gone (8500)", "N"},
                {"replay-ms", 0, 0, G_OPTION_ARG_INT, &replay_ms, "let a session begin so long ago (60000)", "N"},
                {"version", 0, 0, G_OPTION_ARG_NONE, &version, "print the version", NULL},
                {0},
        };
        g_autoptr(GOptionContext) context = g_option_context_new("- one playout engine of RetroVue");
        g_option_context_add_main_entries(context, entries, NULL);
        g_autoptr(GError) error = NULL;
        if (!g_option_context_parse(context, &argc, &argv, &error))
                return usage_error(error->message);
        if (version) {
                puts("retrovue-air " RETROVUE_VERSION);
                return EXIT_SUCCESS;
        }
        const AirOptions air = {channel, control_fd, control, cache_dir, orphan_ms, replay_ms};
        const char *fault = argc > 1 ? "unknown argument" : fault_of(&air);
        return fault ? usage_error(fault) : air_run(&air);
}
