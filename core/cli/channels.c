#include "core/cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "core/plan/catalog/catalog.h"
#include "core/plan/schedule/policy.h"
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

/* The catalog that is there, or NULL: without one the files are judged by themselves. False after a message. */
static bool load_catalog(const Config *config, CatalogSnapshot **ret_catalog) {
        g_autoptr(GError) error = NULL;
        g_autofree char *store_path = config_path(config, "retrovue.db");
        *ret_catalog = NULL;
        if (!g_file_test(store_path, G_FILE_TEST_EXISTS))
                return true;
        g_autoptr(Store) store = store_open_to_read(store_path, &error);
        *ret_catalog = store ? catalog_load(store, &error) : NULL;
        if (!*ret_catalog)
                cli_fail("%s", error->message);
        return *ret_catalog != NULL;
}

static int list(const Config *config, bool json) {
        g_autoptr(Diag) diag = diag_new();
        g_autoptr(CatalogSnapshot) catalog = NULL;
        if (!load_catalog(config, &catalog))
                return 1;
        g_autoptr(GPtrArray) specs = channel_specs_load(config->channels_dir, catalog, diag);
        if (json)
                print_json(specs, diag);
        else
                print_text(specs, diag);
        return diag_errors(diag) > 0 ? 1 : 0;
}

/* --- lint --------------------------------------------------------------------------------------------------------- */

/* Filler that is named by its path need not be in the catalog; without its file nothing can be locked. */
static void check_filler(const ChannelSpec *spec, const CatalogSnapshot *catalog, Diag *diag) {
        g_autoptr(CatalogSnapshot) none = catalog ? NULL : catalog_snapshot_new(NULL, 0, 0);
        g_autoptr(GPtrArray) filler = channel_spec_filler(spec, catalog ? catalog : none);
        const Asset *asset = filler->len == 1 ? filler->pdata[0] : NULL;
        if (asset && asset->uri && access(asset->uri, R_OK) != 0)
                diag_add(diag, DIAG_WARNING, spec->source_file, 0, 0, "filler: %s cannot be read: %s", asset->uri,
                         g_strerror(errno));
}

/* Each file by itself; what it includes may lie in its folder, or in the channels' when it is one of them. */
static unsigned lint_files(const Config *config, char **files, const CatalogSnapshot *catalog, Diag *diag) {
        unsigned n = 0;
        for (; files[n]; n++) {
                g_autofree char *path = g_canonicalize_filename(files[n], NULL), *dir = g_path_get_dirname(path);
                g_autofree char *channels = g_canonicalize_filename(config->channels_dir, NULL);
                g_autofree char *below = g_strconcat(channels, "/", NULL);
                g_autoptr(ChannelSpec) spec =
                        channel_spec_load(files[n], g_str_has_prefix(path, below) ? channels : dir, catalog, diag);
                if (spec)
                        check_filler(spec, catalog, diag);
        }
        return n;
}

static unsigned lint_directory(const Config *config, const CatalogSnapshot *catalog, Diag *diag) {
        g_autoptr(GPtrArray) specs = channel_specs_load(config->channels_dir, catalog, diag);
        for (guint i = 0; i < specs->len; i++)
                check_filler(specs->pdata[i], catalog, diag);
        return specs->len;
}

/* "1 file", "2 files"; g_free it. */
static char *counted(unsigned n, const char *what) {
        return g_strdup_printf("%u %s%s", n, what, n == 1 ? "" : "s");
}

static int lint(const Config *config, char **files, bool json) {
        g_autoptr(Diag) diag = diag_new();
        g_autoptr(CatalogSnapshot) catalog = NULL;
        if (!load_catalog(config, &catalog))
                return 1;
        const unsigned n = files ? lint_files(config, files, catalog, diag) : lint_directory(config, catalog, diag);
        const unsigned errors = diag_errors(diag), warnings = diag_count(diag) - MIN(errors, diag_count(diag));
        if (json) {
                cli_print_json(json_pack("{s:o,s:i,s:i}", "faults", diag_json(diag), "errors", (int)errors, "warnings",
                                         (int)warnings));
        } else {
                g_autofree char *faults = diag_text(diag);
                fputs(faults, stdout);
                g_autofree char *n_files = counted(n, files ? "file" : "good channel");
                g_autofree char *n_errors = counted(errors, "error"), *n_warnings = counted(warnings, "warning");
                printf("%s, %s, %s%s\n", n_files, n_errors, n_warnings,
                       catalog ? "" : " (there is no catalog yet: pools were not looked into)");
        }
        return errors > 0 ? 1 : 0;
}

/* --- pools -------------------------------------------------------------------------------------------------------- */

static json_t *pool_asset_json(const Asset *asset, const GPtrArray *parts) {
        json_t *object =
                json_pack("{s:s,s:s,s:s,s:s?,s:i,s:i,s:i,s:s?,s:I}", "id", asset->id, "kind",
                          asset_kind_name(asset->kind), "title", asset->title, "series", asset->series, "season",
                          (int)asset->season, "episode", (int)asset->episode, "year", (int)asset->year, "rating",
                          asset->rating, "duration_ms", (json_int_t)asset->duration_ms);
        if (parts)
                json_object_set_new(object, "parts", json_array());
        for (guint i = 0; parts && i < parts->len; i++)
                json_array_append_new(json_object_get(object, "parts"), pool_asset_json(parts->pdata[i], NULL));
        return object;
}

/* Of a pool: assets one by one. Of a virtual asset: its units, each with its parts. */
typedef struct {
        json_t *list; /* NULL: text */
        unsigned n;
        int64_t total_ms;
} Listing;

static void list_asset(Listing *listing, const Asset *asset, const GPtrArray *parts) {
        g_autofree char *name = parts ? g_strdup(asset->title) : cli_asset_name(asset);
        g_autofree char *length = cli_length(asset->duration_ms);
        listing->n++;
        listing->total_ms += asset->duration_ms;
        if (listing->list) {
                json_array_append_new(listing->list, pool_asset_json(asset, parts));
                return;
        }
        printf("%5u  %s  %s%s%s\n", listing->n, length, parts && asset->series ? asset->series : "",
               parts && asset->series ? ": " : "", name);
        for (guint i = 0; parts && i < parts->len; i++) {
                const Asset *part = parts->pdata[i];
                g_autofree char *part_name = cli_asset_name(part), *part_length = cli_length(part->duration_ms);
                printf("       %s    %s\n", part_length, part_name);
        }
}

static void print_listing(Listing *listing, const char *what) {
        if (listing->list)
                cli_print_json(json_pack("{s:o,s:i,s:I}", what, listing->list, "count", (int)listing->n, "duration_ms",
                                         (json_int_t)listing->total_ms));
        else
                printf("%u %s, %.1f hours\n", listing->n, what, (double)listing->total_ms / 3600000);
}

static int no_pool(const ChannelSpec *spec, const char *name) {
        g_auto(GStrv) names = channel_spec_pools(spec);
        const char *near = diag_nearest(name, (const char *const *)names);
        g_autofree char *all = g_strjoinv(", ", names);
        return cli_fail("%s has no pool \"%s\": %s%s%s", spec->id, name, near ? "did you mean \"" : "it has ",
                        near ? near : all, near ? "\"?" : "");
}

static int pool_eval(const CliLook *look, const CliOptions *options) {
        g_autoptr(GError) error = NULL;
        const ChannelSpec *spec = cli_look_channel(look, options->arguments[1]);
        const char *name = options->arguments[2];
        if (!spec)
                return 1;
        g_autoptr(CatalogSnapshot) catalog = catalog_load(look->store, &error);
        if (!catalog)
                return cli_fail("%s", error->message);
        g_autoptr(GPtrArray) assets = channel_spec_pool(spec, name, catalog);
        g_autoptr(GPtrArray) units = assets ? NULL : channel_spec_units(spec, name, catalog);
        if (!assets && !units)
                return no_pool(spec, name);
        Listing listing = {.list = options->json ? json_array() : NULL};
        for (guint i = 0; assets && i < assets->len; i++)
                list_asset(&listing, assets->pdata[i], NULL);
        for (guint i = 0; units && i < units->len; i++) {
                const Unit *unit = units->pdata[i];
                list_asset(&listing, unit->asset, unit->parts);
        }
        print_listing(&listing, units ? "units" : "assets");
        return 0;
}

static int check_pool(const CliOptions *options) {
        if (!options->arguments || !g_str_equal(options->arguments[0], "eval") ||
            g_strv_length(options->arguments) != 3)
                return cli_misuse("pool takes: eval CHANNEL POOL");
        return -1;
}

static const CliLookCommand pool_command = {
        .set = CLI_WITH_JSON | CLI_WITH_ARGUMENTS,
        .usage = "eval CHANNEL POOL - show what a pool holds",
        .summary = "Prints the assets of a pool, or the units of a virtual asset with their parts, in the "
                   "order in which they play.",
        .check = check_pool,
        .show = pool_eval,
};

static int run_pool(int argc, char **argv) {
        return cli_look_run(&pool_command, argc, argv);
}

const CliCommand cli_pool = {"pool", "show what a pool of a channel holds", run_pool};

/* --- channels ----------------------------------------------------------------------------------------------------- */

static int run(int argc, char **argv) {
        CliOptions options;
        int status = cli_options_parse(
                &options, CLI_WITH_JSON | CLI_WITH_ARGUMENTS, "[lint [FILE...]] - list and check the channel files",
                "Prints the channels, and every fault in their files as FILE:LINE:COLUMN; exits with 1 if "
                "there is one.\nlint prints the faults alone, of the files named or of all.",
                argc, argv);
        if (status < 0 && options.arguments && !g_str_equal(options.arguments[0], "lint"))
                status = cli_misuse("channels takes no argument \"%s\": only lint [FILE...]", options.arguments[0]);
        if (status < 0) {
                g_autoptr(Config) config = cli_config(&options);
                char **files = options.arguments && options.arguments[1] ? options.arguments + 1 : NULL;
                if (!config)
                        status = 1;
                else
                        status = options.arguments ? lint(config, files, options.json) : list(config, options.json);
        }
        cli_options_clear(&options);
        return status;
}

const CliCommand cli_channels = {"channels", "list and check the channel files", run};
