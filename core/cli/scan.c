#include "core/cli/cli.h"

#include <stdio.h>
#include <unistd.h>

#include "core/plan/catalog/catalog.h"
#include "proto/base/error.h"

typedef struct {
        GMainLoop *loop;
        bool show;
        char fault[256]; /* why not everything was scanned; empty = it was */
} Scan;

static void on_progress(void *user, const CatalogProgress *progress) {
        Scan *scan = user;
        if (scan->show)
                fprintf(stderr, "\r%u files, %u measured, %u unchanged, %u refused, %u to go   %s", progress->found,
                        progress->measured, progress->unchanged, progress->refused, progress->to_measure,
                        progress->done ? "\n" : "");
        g_strlcpy(scan->fault, progress->fault, sizeof scan->fault);
        if (progress->done)
                g_main_loop_quit(scan->loop);
}

static void print_text(const CatalogSnapshot *catalog) {
        unsigned eligible = 0;
        for (uint32_t i = 0; i < catalog->n_assets; i++) {
                const Asset *asset = catalog->assets[i];
                eligible += asset_eligible(asset);
                if (asset->state == ASSET_REFUSED || asset->state == ASSET_MISSING)
                        printf("%-8s %s: %s\n", asset_state_name(asset->state), asset->uri,
                               asset->reason ? asset->reason : "");
        }
        printf("%u assets, %u of them can be scheduled\n", catalog->n_assets, eligible);
}

static void print_json(const CatalogSnapshot *catalog) {
        json_t *assets = json_array();
        for (uint32_t i = 0; i < catalog->n_assets; i++)
                json_array_append_new(assets, asset_json(catalog->assets[i]));
        cli_print_json(assets);
}

bool cli_scan_folders(const Config *config, CliScanWhat what, const char *store_path, GError **error) {
        static const char *const no_folders[] = {NULL};
        g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
        Scan scan = {.loop = loop, .show = isatty(STDERR_FILENO)};
        CatalogScanOptions options = {
                .store_path = store_path,
                .folders = what == CLI_SCAN_ALL ? (const char *const *)config->media_dirs : no_folders,
                .sources = what == CLI_SCAN_ALL ? (const ConfigSource *const *)config->sources : NULL,
                .threads = config->scan_threads,
                .clock = rv_clock_system(),
                .on_progress = on_progress,
                .user = &scan,
        };
        g_autoptr(CatalogScan) running = catalog_scan_start(&options, error);
        if (!running)
                return false;
        g_main_loop_run(loop);
        if (!scan.fault[0])
                return true;
        g_set_error(error, RV_ERROR, RV_ERROR_FAILED, "the scan ended early: %s", scan.fault);
        return false;
}

static int scan(const Config *config, bool json) {
        g_autoptr(GError) error = NULL;
        g_autofree char *store_path = config_path(config, "retrovue.db");
        if (!config->media_dirs[0] && !config->sources[0])
                return cli_fail("no folder to scan: give one with --media DIR, or list media_dirs in retrovue.yaml");
        if (g_mkdir_with_parents(config->data_dir, 0755) < 0)
                return cli_fail("cannot make the directory %s", config->data_dir);
        g_autoptr(Store) store = store_open(store_path, &error);
        if (!store || !cli_scan_folders(config, CLI_SCAN_ALL, store_path, &error))
                return cli_fail("%s", error->message);
        g_autoptr(CatalogSnapshot) catalog = catalog_load(store, &error);
        if (!catalog)
                return cli_fail("%s", error->message);
        if (json)
                print_json(catalog);
        else
                print_text(catalog);
        return 0;
}

static int run(int argc, char **argv) {
        CliOptions options;
        int status = cli_options_parse(&options, CLI_WITH_MEDIA | CLI_WITH_JSON, "- catalog the media folders",
                                       "Measures what is new or changed and lists what was refused, with the reason.",
                                       argc, argv);
        if (status < 0) {
                g_autoptr(Config) config = cli_config(&options);
                status = config ? scan(config, options.json) : 1;
        }
        cli_options_clear(&options);
        return status;
}

const CliCommand cli_scan = {"scan", "catalog the media folders", run};
