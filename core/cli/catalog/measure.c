/* `retrovue catalog measure`: what the server does in the background, now and with progress. */
#include <stdio.h>
#include <unistd.h>

#include "core/cli/catalog/catalog.h"

#define LINES 20 /* of progress, where it is no terminal */

typedef struct {
        GMainLoop *loop;
        bool terminal;
        unsigned told; /* lines */
        CatalogMeasureProgress progress;
} Run;

static void show(Run *run) {
        const CatalogMeasureProgress *p = &run->progress;
        const unsigned total = p->done + p->to_do, due = total > 0 ? p->done * LINES / total : 0;
        if (!run->terminal && due <= run->told)
                return;
        run->told = due;
        fprintf(stderr, "%s%u of %u files measured, %u of them cannot be decoded   %s", run->terminal ? "\r" : "",
                p->done, total, p->refused, p->over || !run->terminal ? "\n" : "");
}

static void on_progress(void *user, const CatalogMeasureProgress *progress) {
        Run *run = user;
        run->progress = *progress;
        if (progress->done + progress->to_do > 0)
                show(run);
        if (progress->over)
                g_main_loop_quit(run->loop);
}

static bool survey_all(const Config *config, const char *store_path, CatalogMeasureProgress *ret_progress,
                       GError **error) {
        g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
        Run run = {.loop = loop, .terminal = isatty(STDERR_FILENO)};
        const CatalogMeasureOptions options = {
                .store_path = store_path,
                .threads = MIN(config->scan_threads, (int)g_get_num_processors()),
                .clock = rv_clock_system(),
                .on_progress = on_progress,
                .user = &run,
        };
        g_autoptr(CatalogMeasure) measure = catalog_measure_start(&options, error);
        if (!measure)
                return false;
        g_main_loop_run(loop);
        *ret_progress = run.progress;
        return true;
}

static int measure(const Config *config, bool json) {
        g_autoptr(GError) error = NULL;
        g_autofree char *store_path = config_path(config, "retrovue.db");
        CatalogMeasureProgress progress = {0};
        if (!cli_scan_folders(config, CLI_SCAN_IMPORTED, store_path, &error) ||
            !survey_all(config, store_path, &progress, &error))
                return cli_fail("%s", error->message);
        if (progress.fault[0])
                return cli_fail("the measuring ended early: %s", progress.fault);
        if (json)
                cli_print_json(json_pack("{s:I,s:I,s:I}", "measured", (json_int_t)progress.done, "refused",
                                         (json_int_t)progress.refused, "to_do", (json_int_t)progress.to_do));
        else
                printf("%u files measured, %u of them cannot be decoded (`retrovue catalog doctor` names them)\n",
                       progress.done, progress.refused);
        return 0;
}

int cli_catalog_measure(int argc, char **argv) {
        CliOptions options;
        int status = cli_options_parse(
                &options, CLI_WITH_JSON, "- measure what waits to be",
                "Measures the imported files that are new or have changed; then decodes each file that never was, for "
                "its "
                "loudness,\nthe points where it is black and silent, and its real end. A server does so in the "
                "background; what has been\nmeasured is not measured again, and an interrupted run goes on where it "
                "was.",
                argc, argv);
        if (status < 0) {
                g_autoptr(Config) config = cli_config(&options);
                g_autoptr(Store) store = config ? cli_catalog_open(config, false) : NULL;
                status = store ? measure(config, options.json) : 1;
        }
        cli_options_clear(&options);
        return status;
}
