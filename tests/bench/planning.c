/*
 * What planning costs: compile, expand and fill, and the bytes of the blocks, for channel-days with a catalog of the
 * founding size and a pool of 300 spots. Prints a line a figure: median of 5 in CPU seconds, and the peak of resident
 * memory; exits with 1 when a bar is missed.
 */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "core/plan/traffic/traffic.h"
#include "core/plan/transmission_log/transmission_log.h"
#include "tests/bench/measure.h"
#include "tests/core/plan_fixture.h"

#define N_EPISODES 11000
#define N_FILMS 1064
#define N_SPOTS 300
#define N_SERIES 110

static const char *const channel_text =
        "timezone: America/New_York\n"
        "pools:\n"
        "  one: {match: {type: episode, series_title: Series 1}}\n"
        "  two: {match: {type: episode, series_title: Series 2}}\n"
        "  films: {match: {type: movie}}\n"
        "schedule:\n"
        "  all_day:\n"
        "    - block: {start: \"06:00\", end: \"20:00\", pools: [one, two], mode: shuffle}\n"
        "    - block: {start: \"20:00\", end: \"06:00\", pool: one, mode: sequential}\n"
        "traffic: {default_cooldown_seconds: 3600, type_cooldowns: {bumper: 0, station_id: 0}, max_plays_per_day: "
        "12}\n";

static const char *const campaigns_text =
        "  inventories: {drinks: {tags: drinks, advertiser: Drinks, category: drinks}}\n"
        "  campaigns:\n"
        "    spring: {inventory: drinks, flight: 2026-06-01..2026-06-30, goal_plays: 900}\n";

static const char *const graphics_text =
        "graphics: {logo: {file: logo.png, hours: \"06:00-02:00\"}, next: true, title: {after_breaks: true}}\n";

typedef struct {
        ChannelSpec *spec;
        CatalogSnapshot *catalog;
        int n_blocks, n_segments;
        double compile_s, fill_s, bytes_s;
} Run;

static void make_assets(Fixture *fixture) {
        for (int i = 0; i < N_EPISODES; i++) {
                g_autofree char *series = g_strdup_printf("Series %d", i % N_SERIES);
                fixture_episode(fixture, series, 1 + i / N_SERIES / 20, 1 + i / N_SERIES % 20,
                                1200000 + i % 120 * 1000);
        }
        for (int i = 0; i < N_FILMS; i++)
                fixture_asset(fixture, ASSET_MOVIE, "Film", (80 + i % 60) * MINUTE);
        for (int i = 0; i < N_SPOTS; i++) {
                static const AssetKind kinds[] = {ASSET_BUMPER, ASSET_STATION_ID, ASSET_PROMO, ASSET_COMMERCIAL};
                fixture_asset(fixture, kinds[MIN(i / 15, 3)], "Spot", i < 30 ? 5000 : i % 4 ? 30000 : 15000);
        }
}

/* The items (GArray) of each of the day's programmes. */
static GPtrArray *fill_day(const TrafficInventory *inventory, TrafficHistory *history, const ScheduleDay *day) {
        GPtrArray *filled = g_ptr_array_new_with_free_func((GDestroyNotify)g_array_unref);
        for (guint i = 0; i < day->programmes->len; i++)
                g_ptr_array_add(filled, traffic_fill(inventory, history, NULL, day->programmes->pdata[i], NULL, NULL));
        return filled;
}

static void pack_day(Run *run, const ScheduleDay *day, const GPtrArray *filled) {
        for (guint i = 0; i < filled->len; i++) {
                const GArray *items = filled->pdata[i];
                size_t size = 0;
                const Programme *programme = day->programmes->pdata[i];
                const Programme *next = i + 1 < filled->len ? day->programmes->pdata[i + 1] : NULL;
                g_autoptr(BlockPlan) block = transmission_log_block(run->spec, programme, items);
                transmission_log_dress(block, run->spec, programme, next);
                g_autofree uint8_t *bytes = block_plan_pack(block, &size);
                run->n_segments += (int)items->len;
                run->n_blocks++;
        }
}

/* Some days of one channel, as the horizon makes them, without the store. */
static void plan_days(Run *run, int n_days) {
        g_autoptr(TrafficInventory) inventory = traffic_inventory_new(run->spec, run->catalog, NULL);
        g_autoptr(TrafficHistory) history = traffic_history_new();
        g_autoptr(ScheduleDay) before = NULL;
        char day[11] = "2026-06-01";
        for (int i = 0; i < n_days; i++, schedule_day_step(day, 1, day)) {
                g_autoptr(Diag) diag = diag_new();
                const ScheduleFrom from = {.carry_in_utc_ms = before ? before->end_utc_ms : 0,
                                           .state = before ? before->state_after : NULL};
                const double start = cpu_s();
                ScheduleDay *compiled = schedule_compile(run->spec, run->catalog, day, &from, diag);
                g_assert(compiled);
                const double middle = cpu_s();
                g_autoptr(GPtrArray) filled = fill_day(inventory, history, compiled);
                const double last = cpu_s();
                pack_day(run, compiled, filled);
                run->compile_s += middle - start;
                run->fill_s += last - middle;
                run->bytes_s += cpu_s() - last;
                g_clear_pointer(&before, schedule_day_free);
                before = compiled;
        }
}

/* Prints the medians; true when the total is within the bar (0 = none). */
static bool measure(const char *what, const Run *model, int n_channels, int n_days, double bar_s) {
        double compile[ROUNDS], fill[ROUNDS], bytes[ROUNDS], total[ROUNDS];
        int n_blocks = 0, n_segments = 0;
        for (int round = 0; round < ROUNDS; round++) {
                Run run = {.spec = model->spec, .catalog = model->catalog};
                for (int channel = 0; channel < n_channels; channel++)
                        plan_days(&run, n_days);
                compile[round] = run.compile_s;
                fill[round] = run.fill_s;
                bytes[round] = run.bytes_s;
                total[round] = run.compile_s + run.fill_s + run.bytes_s;
                n_blocks = run.n_blocks;
                n_segments = run.n_segments;
        }
        const double median = median_of(total);
        printf("%-32s %6d blocks %7d segments  compile %7.2f  expand+fill %7.2f  blocks+bytes %7.2f  total %7.2f ms"
               "  %5.1f us a block",
               what, n_blocks, n_segments, median_of(compile) * 1e3, median_of(fill) * 1e3, median_of(bytes) * 1e3,
               median * 1e3, median * 1e6 / n_blocks);
        if (bar_s > 0)
                printf("  bar %.0f ms: %s", bar_s * 1e3, median <= bar_s ? "met" : "MISSED");
        printf("\n");
        return bar_s == 0 || median <= bar_s;
}

static ChannelSpec *spec_of(const Fixture *fixture, const char *more) {
        g_autofree char *text = g_strconcat("channel: one\n", channel_text, more, NULL);
        g_autofree char *block_style = NULL;
        if (*more) { /* the policy's mapping is written out, so that more can be added to it */
                g_auto(GStrv) parts = g_strsplit(channel_text, "traffic: {", 2);
                block_style = g_strconcat("channel: one\n", parts[0],
                                          "traffic:\n  default_cooldown_seconds: 3600\n"
                                          "  type_cooldowns: {bumper: 0, station_id: 0}\n  max_plays_per_day: 12\n",
                                          more, NULL);
        }
        return fixture_spec(fixture, block_style ? block_style : text);
}

int main(void) {
        Fixture fixture;
        fixture_begin(&fixture);
        make_assets(&fixture);
        g_autoptr(CatalogSnapshot) catalog = fixture_catalog(&fixture);
        g_autoptr(ChannelSpec) spec = spec_of(&fixture, ""), sold = spec_of(&fixture, campaigns_text);
        g_autoptr(ChannelSpec) dressed = spec_of(&fixture, graphics_text);
        const Run plain = {.spec = spec, .catalog = catalog}, campaigns = {.spec = sold, .catalog = catalog};
        const Run graphics = {.spec = dressed, .catalog = catalog};
        bool met = measure("1 channel-day", &plain, 1, 1, 0);
        met = measure("30 channel-days", &plain, 1, 30, 0.040) && met;
        met = measure("60 channel-days", &plain, 1, 60, 0) && met;
        met = measure("120 channel-days", &plain, 1, 120, 0) && met;
        met = measure("370 channel-days", &plain, 1, 370, 0) && met;
        met = measure("30 channel-days with a campaign", &campaigns, 1, 30, 0) && met;
        met = measure("30 channel-days with graphics", &graphics, 1, 30, 0) && met;
        met = measure("13 channels, 30 days", &plain, 13, 30, 0.5) && met;
        struct rusage usage;
        getrusage(RUSAGE_SELF, &usage);
        const bool small = usage.ru_maxrss <= 60 * 1024;
        printf("peak of resident memory %.1f MiB  bar 60 MiB: %s\n", (double)usage.ru_maxrss / 1024,
               small ? "met" : "MISSED");
        fixture_end(&fixture);
        return met && small ? 0 : 1;
}
