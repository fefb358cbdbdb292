/*
 * Config: what the operator chose for the daemon: built-in defaults < configuration file (<data>/retrovue.yaml, or
 * --config) < command-line flags. Immutable once read.
 *
 * The file's keys are the fields' names; durations are written with units ("20s", "6h") under the names linger,
 * min_epg, min_execution, preroll and segment; relative paths begin at the file's folder (flags': at the working
 * directory).
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/diag.h"

/* A library of another program that the catalog reads. */
typedef struct {
        char *kind;      /* "plex" or "jellyfin" */
        char *path;      /* absolute; of its database */
        char **maps;     /* "FROM=TO", NULL-terminated; may be empty */
        char **sections; /* names of its libraries, NULL-terminated; empty = all */
} ConfigSource;

typedef struct {
        char *data_dir;           /* absolute; database, run/, logs/, cache/ */
        char *channels_dir;       /* absolute; default <data>/channels */
        char **media_dirs;        /* absolute, NULL-terminated; may be empty */
        ConfigSource **sources;   /* NULL-terminated; may be empty */
        char *listen_address;     /* default 127.0.0.1 */
        char *public_url;         /* as viewers see us, without a trailing slash; NULL = from the request */
        char *air_program;        /* absolute; default beside this program, else found on PATH */
        char *web_dir;            /* absolute; the page's files */
        char *segments_dir;       /* absolute; HLS segments as files for a web server; NULL = none */
        char *tokens_file;        /* absolute; who may change something by the network; NULL = this machine alone */
        char **trusted_proxies;   /* addresses and networks whose X-Forwarded-For is believed; NULL-terminated */
        char *ops_listen;         /* address and port of the operations API by TCP, "0.0.0.0:8412"; NULL = not by TCP */
        char *ops_certificate;    /* absolute; what it shows, PEM */
        char *ops_key;            /* absolute; PEM */
        char *led_clock;          /* a file that says what time it is (docs/decisions/014); NULL = the system does */
        int port;                 /* 8080; 0 = any */
        int64_t linger_ms;        /* 20000 */
        int64_t min_epg_ms;       /* 3 days */
        int64_t min_execution_ms; /* 6 hours */
        int64_t preroll_ms;       /* 3000: how far in the past a session starts */
        int64_t segment_ms;       /* 1000: HLS segment target */
        int max_connections;      /* 4000 */
        int max_per_ip;           /* 256 connections of one address; 0 = no limit */
        int api_rate;             /* 50 requests a second of one address; 0 = no limit */
        int media_rate;           /* 500, of playlists, segments and all that is not the API */
        int max_channels_running; /* 64 */
        int scan_threads;         /* 2 */
        char *tuner_name;         /* "RetroVue": what programs that look for an HDHomeRun call us */
        char *tuner_model;        /* "HDHR5-4US" */
        int64_t rescan_ms;        /* 15 minutes: from one look through the library to the next; 0 = none by itself */
} Config;

/* Flags that override; NULL or 0 = not given (port -1 = not given). */
typedef struct {
        const char *config_file, *data_dir, *channels_dir, *listen_address, *public_url, *air_program, *web_dir;
        const char *led_clock;
        const char *const *media_dirs;
        int port;
} ConfigFlags;

/* NULL, with all faults in diag, when something is not usable. Directories are not made or asked for here.
 * program_path: argv[0] or better, to find what is installed beside it; an engine that is not found is a warning only.
 */
Config *config_new(const ConfigFlags *flags, const char *program_path, Diag *diag);
void config_free(Config *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Config, config_free)
/* <data_dir>/<name>, g_free it. */
char *config_path(const Config *config, const char *name);
