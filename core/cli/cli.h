/*
 * The operator's commands: `retrovue COMMAND [options]`. Each has --help; those that show something have --json. Exit
 * status: 0 done, 1 it could not be done (a message on stderr says why and what to do), 2 wrong use.
 */
#pragma once

#include "core/base/config.h"

int cli_main(int argc, char **argv);

/* --- private to cli ---------------------------------------------------------------------------------------------- */

/* One command. run gets its own name as argv[0]. */
typedef struct {
        const char *name;
        const char *summary;
        int (*run)(int argc, char **argv);
} CliCommand;

extern const CliCommand cli_serve, cli_scan, cli_channels, cli_plan, cli_guide, cli_version;

/* The options that every command with a data directory has. */
typedef struct {
        char *config_file, *data_dir, *channels_dir, *listen_address, *public_url, *air_program, *web_dir;
        char **media_dirs;
        int port; /* -1 = not given */
        int json;
        char **arguments; /* what is left */
} CliOptions;

typedef enum { CLI_PLAIN = 0, CLI_WITH_SERVER = 1 << 0, CLI_WITH_MEDIA = 1 << 1, CLI_WITH_JSON = 1 << 2 } CliOptionSet;

/* Parses argv into options (cli_options_clear them). Returns -1 to go on, else the exit status. */
int cli_options_parse(CliOptions *options, CliOptionSet set, const char *usage, const char *summary, int argc,
                      char **argv);
void cli_options_clear(CliOptions *options);
/* The configuration that the options ask for; NULL after its faults were printed. */
Config *cli_config(const CliOptions *options);
/* Prints "retrovue: message" to stderr and returns 1. */
int cli_fail(const char *format, ...) G_GNUC_PRINTF(1, 2);
