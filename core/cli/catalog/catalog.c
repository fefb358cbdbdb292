#include "core/cli/catalog/catalog.h"

#include <stdio.h>
#include <string.h>

static const CliCommand commands[] = {
        {"import", "read the library of Plex or Jellyfin", cli_catalog_import},
        {"measure", "measure what waits to be", cli_catalog_measure},
        {"search", "find assets by words", cli_catalog_search},
        {"show", "all that is known of an asset", cli_catalog_show},
        {"approve", "let assets be planned", cli_catalog_approve},
        {"retire", "keep assets off the air", cli_catalog_retire},
        {"doctor", "what is wrong with the catalog, and what to do about it", cli_catalog_doctor},
};

static void usage(FILE *out) {
        fputs("Usage:\n  retrovue catalog COMMAND [options]\n\n", out);
        for (size_t i = 0; i < G_N_ELEMENTS(commands); i++)
                fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].summary);
        fputs("\n`retrovue catalog COMMAND --help` tells the rest; `retrovue scan` looks through the media folders.\n",
              out);
}

/* The word that says what to do may stand behind options of any command ("--data DIR"): it is the first that is one of
 * ours. */
static int find_command(int argc, char **argv, const CliCommand **ret_command) {
        for (int i = 1; i < argc; i++)
                for (size_t j = 0; j < G_N_ELEMENTS(commands); j++)
                        if (g_str_equal(argv[i], commands[j].name)) {
                                *ret_command = &commands[j];
                                return i;
                        }
        return 0;
}

static int run_command(const CliCommand *command, int at, int argc, char **argv) {
        g_autofree char *name = g_strconcat("catalog ", command->name, NULL);
        g_autofree char **rest = g_new0(char *, (size_t)argc);
        int n = 0;
        rest[n++] = name;
        for (int i = 1; i < argc; i++)
                if (i != at)
                        rest[n++] = argv[i];
        return command->run(n, rest);
}

static int run(int argc, char **argv) {
        const CliCommand *command = NULL;
        const int at = find_command(argc, argv, &command);
        if (at > 0)
                return run_command(command, at, argc, argv);
        for (int i = 1; i < argc; i++)
                if (g_str_equal(argv[i], "--help") || g_str_equal(argv[i], "-h")) {
                        usage(stdout);
                        return 0;
                }
        fprintf(stderr, "retrovue catalog: %s\n\n", argc > 1 ? "unknown command" : "which command?");
        usage(stderr);
        return 2;
}

const CliCommand cli_catalog = {"catalog", "import libraries, find, approve and retire assets", run};

Store *cli_catalog_open(const Config *config, bool to_write) {
        g_autoptr(GError) error = NULL;
        g_autofree char *path = config_path(config, "retrovue.db");
        if (!to_write && !g_file_test(path, G_FILE_TEST_EXISTS)) {
                cli_fail(
                        "there is no catalog in %s yet (`retrovue scan` and `retrovue catalog import` make one; --data "
                        "names another folder)",
                        config->data_dir);
                return NULL;
        }
        if (to_write && g_mkdir_with_parents(config->data_dir, 0755) < 0) {
                cli_fail("cannot make the directory %s", config->data_dir);
                return NULL;
        }
        Store *store = to_write ? store_open(path, &error) : store_open_to_read(path, &error);
        if (!store)
                cli_fail("%s", error->message);
        return store;
}
