/* `retrovue catalog search|show|approve|retire`: about some assets. */
#include <stdio.h>

#include "core/cli/catalog/catalog.h"

#define MAX_LINES 1000 /* of a search; more is for programs, and they take --json */

static CatalogSnapshot *load(const Config *config, Store **ret_store) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Store) store = cli_catalog_open(config, false);
        CatalogSnapshot *catalog = store ? catalog_load(store, &error) : NULL;
        if (store && !catalog)
                cli_fail("%s", error->message);
        if (ret_store)
                *ret_store = g_steal_pointer(&store);
        return catalog;
}

/* --- search ------------------------------------------------------------------------------------------------------ */

static void print_found(const GPtrArray *found) {
        for (guint i = 0; i < found->len && i < MAX_LINES; i++) {
                const Asset *asset = found->pdata[i];
                g_autofree char *name = cli_asset_name(asset), *length = cli_length(asset->duration_ms);
                printf("%s  %-8s %-10s %8s  %s\n", asset->id,
                       asset_eligible(asset) ? "eligible" : asset_state_name(asset->state),
                       asset_kind_name(asset->kind), length, name);
        }
        if (found->len > MAX_LINES)
                printf("... and %u more\n", found->len - MAX_LINES);
        else if (found->len == 0)
                puts("nothing found");
}

static int search(const Config *config, const CliOptions *options) {
        g_autoptr(CatalogSnapshot) catalog = load(config, NULL);
        if (!catalog)
                return 1;
        g_autoptr(GPtrArray) found = catalog_search(catalog, (const char *const *)options->arguments);
        if (options->json) {
                json_t *list = json_array();
                for (guint i = 0; i < found->len; i++)
                        json_array_append_new(list, asset_json(found->pdata[i]));
                cli_print_json(list);
        } else {
                print_found(found);
        }
        return 0;
}

/* --- show -------------------------------------------------------------------------------------------------------- */

static void print_text(const char *label, const char *text) {
        if (text && text[0])
                printf("%-12s %s\n", label, text);
}

static void print_list(const char *label, char *const *texts) {
        g_autofree char *text = g_strjoinv(", ", (char **)texts);
        print_text(label, text);
}

static void print_times(const char *label, const int64_t *times_ms, uint32_t n) {
        for (uint32_t i = 0; i < n; i++) {
                g_autofree char *at = cli_length(times_ms[i]);
                print_text(i == 0 ? label : "", at);
        }
}

static void print_loudness(const Asset *asset) {
        if (asset->has_loudness)
                printf("%-12s %.1f LUFS, aired %+.1f dB\n", "loudness", asset->loudness_millibel / 100.0,
                       asset->gain_millibel / 100.0);
        else if (asset->surveyed)
                print_text("loudness", "no sound to speak of");
        else if (asset->state == ASSET_READY)
                print_text("loudness", "not measured yet");
}

static void print_asset(const Asset *asset, char *const *aliases) {
        g_autofree char *name = cli_asset_name(asset), *length = cli_length(asset->duration_ms);
        g_autofree char *hint = cli_length(asset->hint_ms);
        g_autofree char *standing = g_strdup_printf("%s, %s%s", asset_state_name(asset->state),
                                                    asset->approved ? "approved" : "not approved",
                                                    asset_eligible(asset) ? ": it can be scheduled" : "");
        print_text("title", name);
        print_text("id", asset->id);
        print_text("file", asset->uri);
        print_text("kind", asset_kind_name(asset->kind));
        print_text("standing", standing);
        print_text("reason", asset->reason);
        print_text("length", length);
        if (asset->hint_ms > 0)
                printf("%-12s %s, says %s\n", "", hint, asset->source);
        print_loudness(asset);
        print_text("source", asset->source);
        print_text("library", asset->library);
        print_text("rating", asset->rating);
        print_text("studio", asset->studio);
        print_text("air date", asset->air_date);
        print_list("genres", asset->genres);
        print_list("collections", asset->collections);
        print_list("tags", asset->tags);
        print_list("aliases", aliases);
        print_times("chapters", asset->chapter_ms, asset->n_chapters);
        print_times("quiet", asset->quiet_ms, asset->n_quiet);
        print_text("description", asset->description);
}

static int show(const Config *config, const CliOptions *options) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Store) store = NULL;
        g_autoptr(CatalogSnapshot) catalog = load(config, &store);
        g_autofree char *id = catalog ? catalog_resolve(store, options->arguments[0], &error) : NULL;
        g_auto(GStrv) aliases = id ? catalog_aliases(store, id, &error) : NULL;
        if (!catalog)
                return 1;
        const Asset *asset = aliases ? catalog_snapshot_find(catalog, id) : NULL;
        if (!asset)
                return cli_fail("%s", error ? error->message : "it was just forgotten");
        if (!options->json) {
                print_asset(asset, aliases);
                return 0;
        }
        json_t *object = asset_json(asset), *names = json_array();
        for (size_t i = 0; aliases[i]; i++)
                json_array_append_new(names, json_string(aliases[i]));
        json_object_set_new(object, "aliases", names);
        json_object_set_new(object, "hint_ms", json_integer(asset->hint_ms));
        cli_print_json(object);
        return 0;
}

/* --- approve, retire --------------------------------------------------------------------------------------------- */

typedef bool (*Decide)(Store *store, const char *asset_id, CatalogVerdict *ret_verdict, GError **error);

static const char *const verdicts[] = {
        [CATALOG_DONE] = "done",
        [CATALOG_ALREADY] = "it was so before",
        [CATALOG_WAITS] = "it has to be measured first: the next scan does, or `retrovue catalog measure`",
        [CATALOG_UNFIT] = "it was refused (`retrovue catalog show` tells why): mend the file, then scan",
};

/* All are tried; one that fails makes the status 1. */
static int decide_all(const Config *config, const CliOptions *options, Decide decide) {
        g_autoptr(Store) store = cli_catalog_open(config, false);
        int status = 0;
        if (!store)
                return 1;
        g_clear_pointer(&store, store_close);
        store = cli_catalog_open(config, true);
        for (char **word = options->arguments; store && word && *word; word++) {
                g_autoptr(GError) error = NULL;
                CatalogVerdict verdict = CATALOG_DONE;
                g_autofree char *id = catalog_resolve(store, *word, &error);
                if (!id || !decide(store, id, &verdict, &error)) {
                        status = cli_fail("%s", error->message);
                        continue;
                }
                printf("%s: %s\n", *word, verdicts[verdict]);
                if (verdict == CATALOG_UNFIT)
                        status = 1;
        }
        return store ? status : 1;
}

static int approve(const Config *config, const CliOptions *options) {
        return decide_all(config, options, catalog_approve);
}

static int retire(const Config *config, const CliOptions *options) {
        return decide_all(config, options, catalog_retire);
}

/* --- commands ---------------------------------------------------------------------------------------------------- */

typedef struct {
        const char *usage, *summary;
        CliOptionSet set;
        unsigned max_words;
        int (*run)(const Config *config, const CliOptions *options);
} Command;

static int run(const Command *command, int argc, char **argv) {
        CliOptions options;
        int status = cli_options_parse(&options, command->set | CLI_WITH_ARGUMENTS, command->usage, command->summary,
                                       argc, argv);
        const unsigned n = status < 0 && options.arguments ? g_strv_length(options.arguments) : 0;
        if (status < 0 && (n == 0 || n > command->max_words))
                status = cli_misuse("%s takes %s", argv[0], n == 0 ? "a word at least" : "one asset");
        if (status < 0) {
                g_autoptr(Config) config = cli_config(&options);
                status = config ? command->run(config, &options) : 1;
        }
        cli_options_clear(&options);
        return status;
}

int cli_catalog_search(int argc, char **argv) {
        static const Command command = {"WORD... - find assets",
                                        "Lists the assets in which every word occurs: in title, series, library, path, "
                                        "genres, tags, kind or state.",
                                        CLI_WITH_JSON, G_MAXUINT, search};
        return run(&command, argc, argv);
}

int cli_catalog_show(int argc, char **argv) {
        static const Command command = {"ID|PATH|ALIAS - all that is known of an asset",
                                        "The first eight digits of an id are enough.", CLI_WITH_JSON, 1, show};
        return run(&command, argc, argv);
}

int cli_catalog_approve(int argc, char **argv) {
        static const Command command = {"ID|PATH|ALIAS... - let assets be planned",
                                        "Takes back `retrovue catalog retire`. A running server sees it within "
                                        "seconds.",
                                        CLI_PLAIN, G_MAXUINT, approve};
        return run(&command, argc, argv);
}

int cli_catalog_retire(int argc, char **argv) {
        static const Command command = {"ID|PATH|ALIAS... - keep assets off the air",
                                        "They are not planned, and left out by scans and imports, until they are "
                                        "approved again. What is locked already airs. A running server sees it "
                                        "within seconds.",
                                        CLI_PLAIN, G_MAXUINT, retire};
        return run(&command, argc, argv);
}
