#include "core/cli/cli.h"

#include <stdio.h>

#include "core/plan/catalog/catalog.h"
#include "core/plan/schedule/schedule.h"

static json_t *spec_json(const ChannelSpec *spec) {
        return json_pack("{s:s,s:i,s:s,s:s,s:s,s:i}", "id", spec->id, "number", spec->number, "name", spec->name,
                         "timezone", spec->timezone, "file", spec->source_file, "grid_minutes", spec->grid_minutes);
}

static void print_json(const GPtrArray *specs, const Diag *diag) {
        json_t *list = json_array();
        for (unsigned i = 0; i < specs->len; i++)
                json_array_append_new(list, spec_json(g_ptr_array_index(specs, i)));
        json_t *document = json_pack("{s:o,s:o}", "channels", list, "faults", diag_json(diag));
        cli_print_json(document);
}

static void print_text(const GPtrArray *specs, const Diag *diag) {
        for (unsigned i = 0; i < specs->len; i++) {
                const ChannelSpec *spec = g_ptr_array_index(specs, i);
                printf("%4d  %-20s %s\n", spec->number, spec->id, spec->name);
        }
        g_autofree char *faults = diag_text(diag);
        fputs(faults, stderr);
}

static int list(const Config *config, bool json) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Diag) diag = diag_new();
        g_autoptr(Store) store = NULL;
        g_autoptr(CatalogSnapshot) catalog = NULL;
        g_autofree char *store_path = config_path(config, "retrovue.db");
        if (g_file_test(store_path, G_FILE_TEST_EXISTS)) { /* without a catalog the files are judged by themselves */
                store = store_open_to_read(store_path, &error);
                catalog = store ? catalog_load(store, &error) : NULL;
                if (!catalog)
                        return cli_fail("%s", error->message);
        }
        g_autoptr(GPtrArray) specs = channel_specs_load(config->channels_dir, catalog, diag);
        if (json)
                print_json(specs, diag);
        else
                print_text(specs, diag);
        return diag_errors(diag) > 0 ? 1 : 0;
}

static int run(int argc, char **argv) {
        CliOptions options;
        int status = cli_options_parse(
                &options, CLI_WITH_JSON, "- list and check the channel files",
                "Prints the channels, and every fault in their files as FILE:LINE:COLUMN; exits with 1 if "
                "there is one.",
                argc, argv);
        if (status < 0) {
                g_autoptr(Config) config = cli_config(&options);
                status = config ? list(config, options.json) : 1;
        }
        cli_options_clear(&options);
        return status;
}

const CliCommand cli_channels = {"channels", "list and check the channel files", run};
