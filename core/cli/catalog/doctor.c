/* `retrovue catalog doctor`: what is wrong with the catalog, and what to do about it. */
#include <stdio.h>

#include "core/cli/catalog/catalog.h"

#define MAX_EXAMPLES 3
#define MIN_HINT_MS (60 * INT64_C(1000))

/* One kind of fault: how many assets have it, and the first few. */
typedef struct {
        const char *name, *advice;
        bool passes; /* by itself: nothing is wrong */
        unsigned count;
        GPtrArray *examples; /* char * */
} Finding;

enum { REFUSED, MISSING, WAITING, SHORTENED, UNNUMBERED, TWICE, UNHEARD, N_FINDINGS };

static const Finding kinds[N_FINDINGS] = {
        [REFUSED] = {"refused", "cannot be played: mend or remove the files, then scan again"},
        [MISSING] = {"missing", "are not there: look for a disk that is not mounted, or a --map that is missing"},
        [WAITING] = {"waiting", "wait to be measured: `retrovue catalog measure`, or the next scan, does"},
        [SHORTENED] = {"length", "are far from as long as their library says: the files may be cut off"},
        [UNNUMBERED] = {"unnumbered", "are episodes without a number: they air in the order of their titles"},
        [TWICE] = {"twice", "are the same episode as another file: retire one of them"},
        [UNHEARD] = {"unheard",
                     "are as loud as they are until they have been decoded once: the server does that in the "
                     "background, or `retrovue catalog measure`",
                     .passes = true},
};

static void note(Finding *finding, const Asset *asset) {
        if (finding->count++ >= MAX_EXAMPLES)
                return;
        g_autofree char *name = cli_asset_name(asset);
        g_ptr_array_add(finding->examples, g_strdup_printf("%s (%s)%s%s", name, asset->uri, asset->reason ? ": " : "",
                                                           asset->reason ? asset->reason : ""));
}

/* By a tenth, and by a minute. */
static bool is_shortened(const Asset *asset) {
        const int64_t apart_ms = ABS(asset->hint_ms - asset->duration_ms);
        return asset->duration_ms > 0 && asset->hint_ms > 0 && apart_ms > MIN_HINT_MS && apart_ms > asset->hint_ms / 10;
}

static bool is_known(GHashTable *episodes, const Asset *asset) {
        return !g_hash_table_add(episodes, g_strdup_printf("%d %d %s", asset->season, asset->episode, asset->series));
}

static void look_at(Finding *findings, GHashTable *episodes, const Asset *asset) {
        const bool ready = asset->state == ASSET_READY;
        const bool episode = ready && asset->kind == ASSET_EPISODE && asset->series;
        if (asset->state == ASSET_REFUSED)
                note(&findings[REFUSED], asset);
        if (asset->state == ASSET_MISSING)
                note(&findings[MISSING], asset);
        if (asset->state == ASSET_NEW)
                note(&findings[WAITING], asset);
        if (ready && !asset->surveyed)
                note(&findings[UNHEARD], asset);
        if (ready && is_shortened(asset))
                note(&findings[SHORTENED], asset);
        if (episode && asset->episode == 0)
                note(&findings[UNNUMBERED], asset);
        else if (episode && is_known(episodes, asset))
                note(&findings[TWICE], asset);
}

static void print_text(const Finding *findings, const CatalogSnapshot *catalog, unsigned eligible) {
        for (int i = 0; i < N_FINDINGS; i++) {
                if (findings[i].count == 0)
                        continue;
                printf("%u %s\n", findings[i].count, findings[i].advice);
                for (guint j = 0; j < findings[i].examples->len; j++)
                        printf("    %s\n", (const char *)findings[i].examples->pdata[j]);
        }
        printf("%u assets, %u of them can be scheduled\n", catalog->n_assets, eligible);
}

static void print_json(const Finding *findings, const CatalogSnapshot *catalog, unsigned eligible) {
        json_t *list = json_array();
        for (int i = 0; i < N_FINDINGS; i++) {
                json_t *examples = json_array();
                for (guint j = 0; j < findings[i].examples->len; j++)
                        json_array_append_new(examples, json_string(findings[i].examples->pdata[j]));
                json_array_append_new(list, json_pack("{s:s,s:I,s:s,s:o}", "finding", findings[i].name, "count",
                                                      (json_int_t)findings[i].count, "advice", findings[i].advice,
                                                      "examples", examples));
        }
        cli_print_json(json_pack("{s:I,s:I,s:o}", "assets", (json_int_t)catalog->n_assets, "eligible",
                                 (json_int_t)eligible, "findings", list));
}

static int examine(const Config *config, const CliOptions *options) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Store) store = cli_catalog_open(config, false);
        g_autoptr(CatalogSnapshot) catalog = store ? catalog_load(store, &error) : NULL;
        if (!catalog)
                return store ? cli_fail("%s", error->message) : 1;
        g_autoptr(GHashTable) episodes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        Finding findings[N_FINDINGS];
        unsigned eligible = 0, faults = 0;
        for (int i = 0; i < N_FINDINGS; i++) {
                findings[i] = kinds[i];
                findings[i].examples = g_ptr_array_new_with_free_func(g_free);
        }
        for (uint32_t i = 0; i < catalog->n_assets; i++) {
                look_at(findings, episodes, catalog->assets[i]);
                eligible += asset_eligible(catalog->assets[i]);
        }
        if (options->json)
                print_json(findings, catalog, eligible);
        else
                print_text(findings, catalog, eligible);
        for (int i = 0; i < N_FINDINGS; i++) {
                faults += findings[i].passes ? 0 : findings[i].count;
                g_ptr_array_unref(findings[i].examples);
        }
        return faults > 0 ? 1 : 0;
}

int cli_catalog_doctor(int argc, char **argv) {
        CliOptions options;
        int status = cli_options_parse(&options, CLI_WITH_JSON, "- what is wrong with the catalog",
                                       "Lists what cannot be scheduled and what looks wrong, with what to do about it; "
                                       "exits with 1 if there is anything.",
                                       argc, argv);
        if (status < 0) {
                g_autoptr(Config) config = cli_config(&options);
                status = config ? examine(config, &options) : 1;
        }
        cli_options_clear(&options);
        return status;
}
