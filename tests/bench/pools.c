/*
 * What a large library costs: loading the catalog from its database, evaluating pools of several kinds, and `retrovue
 * pool eval` as a whole, with 12,000 and 200,000 assets. Medians of 5 in CPU time; exits with 1 when a bar is missed.
 * `bench_pools RETROVUE`.
 */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/plan/catalog/catalog_store.h"
#include "core/plan/schedule/schedule.h"
#include "tests/bench/measure.h"
#include "tests/core/plan_fixture.h"

#define POOL_BAR_S 0.050
#define EPISODES_OF_A_SERIES 100

static const char *const pools[] = {"series", "genres", "ratings", "tags", "title", "newest", "shuffled", "all"};

static const char *const channel_text =
        "channel: one\n"
        "timezone: America/New_York\n"
        "pools:\n"
        "  series: {match: {type: episode, series_title: Series 7}}\n"
        "  genres: {match: {type: episode, genre: [Drama, Western]}}\n"
        "  ratings: {match: {type: movie, rating: {include: [PG, G]}, year_range: [1980, 1989]}}\n"
        "  tags: {match: {tags: [night]}}\n"
        "  title: {match: {title: Film 77}}\n"
        "  newest: {match: {type: movie}, order: newest}\n"
        "  shuffled: {match: {type: episode}, order: random}\n"
        "  all: {match: {type: [episode, movie]}}\n"
        "schedule:\n"
        "  all_day:\n"
        "    - block: {start: \"06:00\", end: \"06:00\", pool: series, mode: sequential}\n";

static bool all_met = true;

static void print_figure(const char *what, int n_assets, double values_s[ROUNDS], double bar_s) {
        const double median = median_of(values_s);
        printf("%-24s %7d assets  %8.2f ms", what, n_assets, median * 1e3);
        if (bar_s > 0)
                printf("  bar %.0f ms: %s", bar_s * 1e3, median <= bar_s ? "met" : "MISSED");
        printf("\n");
        all_met = all_met && (bar_s == 0 || median <= bar_s);
}

/* Nine of ten are episodes; genres, ratings, years and tags are spread over them. */
static void describe(Asset *asset, int i) {
        static const char *const genres[] = {"Comedy", "Drama", "News", "Western", "Crime", "Music", "Sport"};
        static const char *const ratings[] = {"G", "PG", "PG-13", "R", "TV-14"};
        asset->kind = i % 10 ? ASSET_EPISODE : ASSET_MOVIE;
        asset->title = g_strdup_printf(i % 10 ? "Episode %d" : "Film %d", i);
        if (i % 10)
                asset->series = g_strdup_printf("Series %d", i / EPISODES_OF_A_SERIES);
        asset->season = 1 + i % EPISODES_OF_A_SERIES / 20;
        asset->episode = 1 + i % 20;
        asset->year = 1950 + i % 75;
        asset->rating = g_strdup(ratings[i % G_N_ELEMENTS(ratings)]);
        asset->description = g_strdup("What happens in it, in a sentence or two as libraries have them.");
        g_strfreev(asset->genres);
        asset->genres = g_strsplit(genres[i % G_N_ELEMENTS(genres)], "/", -1);
        g_strfreev(asset->tags);
        asset->tags = g_strsplit(i % 50 ? "" : "night", "/", -1);
}

static CatalogRow *make_row(Store *store, int i) {
        CatalogRow *row = catalog_row_new();
        Asset *asset = row->asset;
        char id[RV_UUID_SIZE];
        asset->uri = g_strdup_printf("/media/library/folder %d/file %d.mkv", i / 100, i);
        g_assert(catalog_store_name(store, asset->uri, id, NULL));
        asset->id = g_strdup(id);
        asset->state = ASSET_READY;
        asset->approved = true;
        asset->duration_ms = 1200000 + i % 600 * 1000;
        asset->added_utc_ms = INT64_C(1700000000000) + i;
        row->stamp = g_strdup("");
        describe(asset, i);
        return row;
}

static void make_store(const char *path, int n_assets) {
        g_autoptr(Store) store = store_open(path, NULL);
        g_assert(store && store_begin(store, NULL));
        for (int i = 0; i < n_assets; i++) {
                g_autoptr(CatalogRow) row = make_row(store, i);
                g_assert(catalog_store_put(store, row, NULL));
        }
        g_assert(catalog_store_bump(store, NULL) && store_commit(store, NULL));
}

static void measure_pools(const ChannelSpec *spec, const CatalogSnapshot *catalog) {
        for (size_t i = 0; i < G_N_ELEMENTS(pools); i++) {
                double values[ROUNDS];
                guint held = 0;
                for (int round = 0; round < ROUNDS; round++) {
                        const double start = cpu_s();
                        g_autoptr(GPtrArray) assets = channel_spec_pool(spec, pools[i], catalog);
                        values[round] = cpu_s() - start;
                        held = assets->len;
                }
                g_autofree char *what = g_strdup_printf("pool %s: %u", pools[i], held);
                print_figure(what, (int)catalog->n_assets, values, POOL_BAR_S);
        }
}

static double run_s(const char *retrovue, const char *dir, const char *pool) {
        fflush(stdout); /* what is buffered is printed once */
        const pid_t child = fork();
        struct rusage usage;
        int status = 0;
        if (child == 0) {
                if (!freopen("/dev/null", "w", stdout))
                        _exit(1);
                execl(retrovue, retrovue, "pool", "eval", "one", pool, "--data", dir, (char *)NULL);
                _exit(1);
        }
        g_assert(child > 0 && wait4(child, &status, 0, &usage) == child && status == 0);
        return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
               (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void measure_command(const char *retrovue, const char *dir, int n_assets) {
        double values[ROUNDS];
        for (int round = 0; round < ROUNDS; round++)
                values[round] = run_s(retrovue, dir, "ratings");
        print_figure("retrovue pool eval", n_assets, values, 0);
}

static void measure_library(const char *retrovue, int n_assets) {
        g_autofree char *dir = temp_dir_new(), *path = g_build_filename(dir, "retrovue.db", NULL);
        g_autofree char *channels = g_build_filename(dir, "channels", NULL);
        g_autofree char *file = g_build_filename(channels, "one.yaml", NULL);
        g_autoptr(CatalogSnapshot) catalog = NULL;
        g_autoptr(Diag) diag = diag_new();
        double values[ROUNDS];
        g_assert(g_mkdir(channels, 0700) == 0 && g_file_set_contents(file, channel_text, -1, NULL));
        make_store(path, n_assets);
        g_autoptr(Store) store = store_open_to_read(path, NULL);
        for (int round = 0; round < ROUNDS; round++) {
                g_clear_pointer(&catalog, catalog_snapshot_unref);
                const double start = cpu_s();
                catalog = catalog_load(store, NULL);
                values[round] = cpu_s() - start;
        }
        g_assert(catalog && catalog->n_assets == (uint32_t)n_assets);
        print_figure("catalog load", n_assets, values, 0);
        g_autoptr(ChannelSpec) spec = channel_spec_load(file, channels, catalog, diag);
        g_assert(spec);
        measure_pools(spec, catalog);
        measure_command(retrovue, dir, n_assets);
        g_clear_pointer(&store, store_close);
        temp_dir_free(g_steal_pointer(&dir));
}

int main(int argc, char **argv) {
        if (argc != 2) {
                fprintf(stderr, "usage: bench_pools RETROVUE\n");
                return 2;
        }
        measure_library(argv[1], 12064);
        measure_library(argv[1], 200000);
        struct rusage usage;
        getrusage(RUSAGE_SELF, &usage);
        printf("peak of resident memory %.1f MiB\n", (double)usage.ru_maxrss / 1024);
        return all_met ? 0 : 1;
}
