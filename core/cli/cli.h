/*
 * The operator's commands: `retrovue COMMAND [options]`. Each has --help; those that show something have --json. Exit
 * status: 0 done, 1 it could not be done (a message on stderr says why and what to do), 2 wrong use.
 */
#pragma once

#include <jansson.h>

#include "core/base/config.h"
#include "core/base/store.h"
#include "core/plan/horizon/override.h"
#include "core/plan/schedule/schedule.h"
#include "core/record/asrun/export.h"

int cli_main(int argc, char **argv);

/* --- private to cli ---------------------------------------------------------------------------------------------- */

/* One command. run gets its own name as argv[0]. */
typedef struct {
        const char *name;
        const char *summary;
        int (*run)(int argc, char **argv);
} CliCommand;

extern const CliCommand cli_serve, cli_scan, cli_catalog, cli_channels, cli_pool, cli_plan, cli_override, cli_guide,
        cli_asrun, cli_failures, cli_reconcile, cli_burn_in, cli_events, cli_version;

/* The options that every command with a data directory has. */
typedef struct {
        char *config_file, *data_dir, *channels_dir, *listen_address, *public_url, *air_program, *web_dir;
        char **media_dirs;
        char *led_clock;
        int port; /* -1 = not given */
        int json;
        char *day;                                                      /* as given; NULL = not given */
        char *channel, *from, *to, *status, *format, *output, *session; /* likewise */
        int hours;                                                      /* 0 = not given */
        int days;                                                       /* 0 = not given */
        int spots;
        int64_t after;    /* -1 = not given */
        char **arguments; /* what is left; NULL = nothing */
        unsigned set;     /* CliOptionSet of the command */
} CliOptions;

typedef enum {
        CLI_PLAIN = 0,
        CLI_WITH_SERVER = 1 << 0,
        CLI_WITH_MEDIA = 1 << 1,
        CLI_WITH_JSON = 1 << 2,
        CLI_WITH_DAY = 1 << 3,
        CLI_WITH_HOURS = 1 << 4,
        CLI_WITH_DAYS = 1 << 6,      /* and --spots */
        CLI_WITH_RECORD = 1 << 7,    /* --channel --from --to --status --format --output */
        CLI_WITH_SUBJECT = 1 << 8,   /* --channel and --session */
        CLI_WITH_AFTER = 1 << 9,     /* --after */
        CLI_WITH_ARGUMENTS = 1 << 5, /* else a word that is no option is wrong use */
} CliOptionSet;

/* Parses argv into options (cli_options_clear them, whatever comes back). Returns -1 to go on, else the exit status. */
int cli_options_parse(CliOptions *options, CliOptionSet set, const char *usage, const char *summary, int argc,
                      char **argv);
void cli_options_clear(CliOptions *options);
/* The configuration that the options ask for; NULL after its faults were printed. */
Config *cli_config(const CliOptions *options);
/* Prints the errors among faults to stderr; warnings are for those who serve or lint. */
void cli_print_errors(const Diag *diag);
/* Prints "retrovue: message" to stderr and returns 1. */
int cli_fail(const char *format, ...) G_GNUC_PRINTF(1, 2);
/* The same for wrong use: returns 2. */
int cli_misuse(const char *format, ...) G_GNUC_PRINTF(1, 2);

/* What a command that only shows looks at: the database, opened to read, and the channel files. */
typedef struct {
        Store *store;
        GPtrArray *specs; /* ChannelSpec, by number; then those that are faulty now, by their last good files */
        unsigned n_sound; /* of specs, the first ones */
        Diag *faults;     /* of the channel files; who looks at all channels prints them */
        char *logs_dir;
} CliLook;

/* False after a message. cli_look_clear it otherwise. */
bool cli_look(const Config *config, CliLook *ret_look);
void cli_look_clear(CliLook *look);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(CliLook, cli_look_clear)
/* A command that looks. */
typedef struct {
        CliOptionSet set;
        const char *usage, *summary;             /* for cli_options_parse */
        int (*check)(const CliOptions *options); /* of what was parsed: -1 to go on, else the exit status */
        int (*show)(const CliLook *look, const CliOptions *options); /* its exit status */
} CliLookCommand;

/* Parses the options, has them checked, configures and opens, has it shown; the exit status. */
int cli_look_run(const CliLookCommand *command, int argc, char **argv);
/* "2026-11-22", a day that there is. */
bool cli_is_day(const char *text);
/* Borrowed; NULL after a message. Tells when it is by its last good file. */
ChannelSpec *cli_look_channel(const CliLook *look, const char *channel_id);
typedef enum { CLI_SCAN_ALL = 1, CLI_SCAN_IMPORTED } CliScanWhat; /* folders and sources, or what was imported only */
/* Scans and measures, with progress on a terminal. */
bool cli_scan_folders(const Config *config, CliScanWhat what, const char *store_path, GError **error);
void cli_print_json(json_t *take_json);
#define CLI_LAST_YEAR 2100 /* of the days that commands take */
/* Subcommands of plan that compile: plan_compile.c. */
int cli_plan_compile(const CliLook *look, const CliOptions *options);
int cli_plan_diff(const CliLook *look, const CliOptions *options);
int cli_plan_explain(const CliLook *look, const CliOptions *options);

/* asrun follow: prints what is recorded of the channel from now on, until it is interrupted. */
int cli_asrun_follow(const CliLook *look, const AsRunExportOptions *export);

/* "0:43:00", "-" when there is none; g_free it. */
char *cli_length(int64_t ms);
/* "Tavern S01E02 The Cellar", "The Ark (1984)"; g_free it. */
char *cli_asset_name(const Asset *asset);
/* "20:30" or "20:30:15": seconds after midnight, or -1. */
int cli_clock(const char *text);
/* What stands in the break at an instant, and what the rules and the plan before say of it; NULL when it is in no break
 * of a locked block (or the store failed: error). json_decref it. */
json_t *cli_explain_break(const CliLook *look, const ChannelSpec *spec, const CatalogSnapshot *catalog, int64_t utc_ms,
                          GError **error);
void cli_print_break(const ChannelSpec *spec, const json_t *explained);
/* What stands over the locked segment at an instant: "start_utc_ms" of it, "logo" and "snipes" as the log has them;
 * NULL when nothing does (or the store failed: error). json_decref it. */
json_t *cli_explain_over(const CliLook *look, const ChannelSpec *spec, int64_t utc_ms, GError **error);
/* NULL is allowed. */
void cli_print_over(const ChannelSpec *spec, const json_t *over);
