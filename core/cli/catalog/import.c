/* `retrovue catalog import`: libraries of other programs. */
#include <stdio.h>
#include <string.h>

#include "core/cli/catalog/catalog.h"

/* What import takes besides the options of all commands; it is taken out of argv before those are parsed. */
typedef struct {
        GPtrArray *maps, *sections; /* char *, borrowed from argv */
        bool no_measure;
        int argc;
        char **argv; /* what is left */
} Words;

static void words_clear(Words *words) {
        g_clear_pointer(&words->maps, g_ptr_array_unref);
        g_clear_pointer(&words->sections, g_ptr_array_unref);
        g_free(words->argv);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Words, words_clear)

/* "--map VALUE" and "--map=VALUE". True when argv[*i] is this option; *i is then its last word. */
static bool take_option(const char *name, int argc, char **argv, int *i, GPtrArray *values) {
        const size_t n = strlen(name);
        if (strncmp(argv[*i], name, n) != 0 || (argv[*i][n] != '\0' && argv[*i][n] != '='))
                return false;
        if (argv[*i][n] == '=')
                g_ptr_array_add(values, argv[*i] + n + 1);
        else
                g_ptr_array_add(values, *i + 1 < argc ? argv[++*i] : NULL);
        return true;
}

static void take_words(Words *words, int argc, char **argv) {
        *words = (Words){.maps = g_ptr_array_new(), .sections = g_ptr_array_new()};
        words->argv = g_new0(char *, (size_t)argc + 1);
        for (int i = 0; i < argc; i++) {
                if (take_option("--map", argc, argv, &i, words->maps) ||
                    take_option("--section", argc, argv, &i, words->sections))
                        continue;
                if (g_str_equal(argv[i], "--no-measure"))
                        words->no_measure = true;
                else
                        words->argv[words->argc++] = argv[i];
        }
}

static bool has_empty(const GPtrArray *values) {
        for (guint i = 0; i < values->len; i++)
                if (!values->pdata[i] || !((const char *)values->pdata[i])[0])
                        return true;
        return false;
}

/* --- result ------------------------------------------------------------------------------------------------------ */

static json_t *report_json(const CatalogImportReport *report) {
        json_t *notes = json_array();
        for (char **note = report->notes; *note; note++)
                json_array_append_new(notes, json_string(*note));
        return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:o}", "found", (json_int_t)report->found, "added",
                         (json_int_t)report->added, "changed", (json_int_t)report->changed, "unchanged",
                         (json_int_t)report->unchanged, "missing", (json_int_t)report->missing, "vanished",
                         (json_int_t)report->vanished, "skipped", (json_int_t)report->skipped, "notes", notes);
}

static void print_report(const CatalogImportReport *report) {
        for (char **note = report->notes; *note; note++)
                printf("%s\n", *note);
        printf("%u files: %u added, %u changed, %u unchanged; %u are not there, %u no longer named, %u skipped\n",
               report->found, report->added, report->changed, report->unchanged, report->missing, report->vanished,
               report->skipped);
}

static int probe(const Config *config, bool json) {
        g_autoptr(GError) error = NULL;
        g_autofree char *store_path = config_path(config, "retrovue.db");
        if (!cli_scan_folders(config, CLI_SCAN_IMPORTED, store_path, &error))
                return cli_fail("%s", error->message);
        g_autoptr(Store) store = cli_catalog_open(config, false);
        g_autoptr(CatalogSnapshot) catalog = store ? catalog_load(store, &error) : NULL;
        if (!catalog)
                return store ? cli_fail("%s", error->message) : 1;
        unsigned eligible = 0;
        for (uint32_t i = 0; i < catalog->n_assets; i++)
                eligible += asset_eligible(catalog->assets[i]);
        if (!json)
                printf("%u assets, %u of them can be scheduled\n", catalog->n_assets, eligible);
        return 0;
}

/* --- commands ---------------------------------------------------------------------------------------------------- */

static int import(const Config *config, const Words *words, const CliOptions *options, CatalogSourceKind kind) {
        g_autoptr(GError) error = NULL;
        g_auto(CatalogImportReport) report = {0};
        g_autoptr(Store) store = cli_catalog_open(config, true);
        const CatalogImportOptions import = {
                .kind = kind,
                .path = options->arguments[1],
                .maps = (const char *const *)words->maps->pdata,
                .sections = (const char *const *)words->sections->pdata,
                .clock = rv_clock_system(),
        };
        if (!store)
                return 1;
        if (!catalog_import(store, &import, &report, &error))
                return cli_fail("%s", error->message);
        if (options->json)
                cli_print_json(report_json(&report));
        else
                print_report(&report);
        g_clear_pointer(&store, store_close);
        return words->no_measure ? 0 : probe(config, options->json);
}

static int check(const Words *words, const CliOptions *options, CatalogSourceKind *ret_kind) {
        if (!options->arguments || g_strv_length(options->arguments) != 2)
                return cli_misuse("catalog import takes \"plex\" or \"jellyfin\" and the path of its database");
        *ret_kind = catalog_source_kind_from_name(options->arguments[0]);
        if (!*ret_kind)
                return cli_misuse("\"%s\" is neither \"plex\" nor \"jellyfin\"", options->arguments[0]);
        if (has_empty(words->maps) || has_empty(words->sections))
                return cli_misuse("catalog import: --map and --section take a value");
        return -1;
}

int cli_catalog_import(int argc, char **argv) {
        CliOptions options;
        CatalogSourceKind kind = 0;
        g_auto(Words) words;
        take_words(&words, argc, argv);
        int status = cli_options_parse(
                &options, CLI_WITH_JSON | CLI_WITH_ARGUMENTS, "plex|jellyfin DATABASE - read a library",
                "Reads the library of Plex (com.plexapp.plugins.library.db) or Jellyfin (library.db, since 10.11 "
                "jellyfin.db), changing nothing\nthere, and measures the files that are new. May be repeated: only "
                "what "
                "has changed is done again.\n\n"
                "  --map FROM=TO     What the other program calls FROM is TO here; may be repeated\n"
                "  --section NAME    Only this library of it; may be repeated\n"
                "  --no-measure      Leave the measuring to the next scan",
                words.argc, words.argv);
        if (status < 0)
                status = check(&words, &options, &kind);
        if (status < 0) {
                g_ptr_array_add(words.maps, NULL);
                g_ptr_array_add(words.sections, NULL);
                g_autoptr(Config) config = cli_config(&options);
                status = config ? import(config, &words, &options, kind) : 1;
        }
        cli_options_clear(&options);
        return status;
}
