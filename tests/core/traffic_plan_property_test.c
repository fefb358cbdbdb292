/* From rules and catalog to filled blocks, whatever they are: what must hold of every plan. */
#include "core/plan/traffic/traffic.h"

#include "tests/core/plan_fixture.h"
#include "tests/support/chance.h"
#include "tests/support/cmocka.h"

#define DAYS 4

static const char *const series[] = {"Alpha", "Beta Team", "The Gamma"};

typedef struct {
        Fixture fixture;
        CatalogSnapshot *catalog;
        ChannelSpec *spec;
        GHashTable *excluded;
        char *yaml;
        guint32 seed; /* of the catalog: it can be made again */
} World;

/* --- any world ------------------------------------------------------------------------------------------------------
 */

/* One in five may not be planned, each for another reason. */
static void maybe_unfit(Asset *asset, GRand *rand) {
        switch (g_rand_int_range(rand, 0, 20)) {
        case 0:
                asset->state = ASSET_MISSING;
                break;
        case 1:
                asset->state = ASSET_RETIRED;
                break;
        case 2:
                asset->approved = false;
                break;
        case 3:
                asset->duration_ms = 0;
                break;
        default:
                break;
        }
}

static void maybe_chapters(Asset *asset, GRand *rand) {
        asset->n_chapters = (uint32_t)g_rand_int_range(rand, 0, 6);
        asset->chapter_ms = g_new0(int64_t, asset->n_chapters + 1);
        for (uint32_t i = 0; i < asset->n_chapters; i++)
                asset->chapter_ms[i] = asset->duration_ms / (asset->n_chapters + 1) * (i + 1);
}

static CatalogSnapshot *random_catalog(Fixture *fixture, guint32 seed) {
        static const AssetKind kinds[] = {ASSET_COMMERCIAL, ASSET_COMMERCIAL, ASSET_PROMO, ASSET_PSA,
                                          ASSET_BUMPER,     ASSET_STATION_ID, ASSET_FILLER};
        GRand *rand = g_rand_new_with_seed(seed);
        for (int i = 0; i < 45; i++)
                maybe_chapters(fixture_episode(fixture, series[i % 3], 1, i, g_rand_int_range(rand, 60000, 3600000)),
                               rand);
        for (int i = 0; i < 15; i++)
                maybe_chapters(fixture_asset(fixture, ASSET_MOVIE, "Film", g_rand_int_range(rand, 61, 180) * MINUTE),
                               rand);
        for (int i = g_rand_int_range(rand, 0, 60); i > 0; i--) {
                const AssetKind kind = kinds[g_rand_int_range(rand, 0, G_N_ELEMENTS(kinds))];
                const char *title = i % 3 == 0 ? series[g_rand_int_range(rand, 0, 3)] : "Spot";
                fixture_asset(fixture, kind, title, g_rand_int_range(rand, 900, 61000));
        }
        for (guint i = 3; i < fixture->assets->len; i++) /* one of each series is good */
                maybe_unfit(fixture->assets->pdata[i], rand);
        g_rand_free(rand);
        return fixture_catalog(fixture);
}

static int one_of(GRand *rand, const int *values, int n) {
        return values[g_rand_int_range(rand, 0, n)];
}
#define ONE_OF(rand, ...) one_of(rand, (const int[]){__VA_ARGS__}, (int)(sizeof((int[]){__VA_ARGS__}) / sizeof(int)))

static char *random_channel(GRand *rand) {
        static const char *const zones[] = {"America/New_York", "Europe/Berlin", "Australia/Lord_Howe",
                                            "Asia/Kathmandu"};
        static const char *const modes[] = {"sequential", "shuffle", "random", "random_no_repeat"};
        GString *yaml = g_string_new("channel: any\n");
        g_string_append_printf(yaml, "timezone: %s\nchannel_type: %s\nformat: {grid_minutes: %d}\n",
                               zones[g_rand_int_range(rand, 0, 4)], g_rand_boolean(rand) ? "movie" : "network",
                               ONE_OF(rand, 5, 15, 30));
        g_string_append(yaml, "pools:\n  a: {match: {series_title: Alpha}}\n  b: {match: {series_title: Beta Team}}\n"
                              "  c: {match: {series_title: The Gamma}}\n");
        g_string_append_printf(yaml,
                               "traffic:\n  allowed_types: [commercial, promo, bumper%s]\n"
                               "  default_cooldown_seconds: %d\n  max_plays_per_day: %d\n"
                               "  breaks: {per_half_hour: %d}\n  promo_within_hours: %d\n",
                               g_rand_boolean(rand) ? ", station_id" : "", ONE_OF(rand, 0, 300, 3600),
                               ONE_OF(rand, 0, 5, 40), ONE_OF(rand, 1, 3, 6), ONE_OF(rand, 2, 24, 48));
        g_string_append_printf(yaml,
                               "schedule:\n  all_day:\n"
                               "    - block: {start: \"06:00\", end: \"16:00\", pool: [a, b], mode: %s}\n"
                               "    - block: {start: \"16:00\", end: \"22:00\", pool: c, mode: %s}\n"
                               "    - block: {start: \"23:00\", end: \"06:00\", pool: [c, a], mode: %s}\n",
                               modes[g_rand_int_range(rand, 0, 4)], modes[g_rand_int_range(rand, 0, 4)],
                               modes[g_rand_int_range(rand, 0, 4)]);
        return g_string_free(yaml, false);
}

/* Made anew from its text and seed. */
static void world_open(World *world) {
        fixture_begin(&world->fixture);
        world->catalog = random_catalog(&world->fixture, world->seed);
        world->spec = fixture_spec(&world->fixture, world->yaml);
        world->excluded = g_hash_table_new(g_str_hash, g_str_equal);
        for (uint32_t i = 0; i < world->catalog->n_assets; i++)
                if (i % 17 == 5 && world->catalog->assets[i]->kind >= ASSET_COMMERCIAL)
                        g_hash_table_add(world->excluded, world->catalog->assets[i]->id);
}

static void world_close(World *world) {
        g_hash_table_unref(world->excluded);
        channel_spec_unref(world->spec);
        catalog_snapshot_unref(world->catalog);
        fixture_end(&world->fixture);
}

/* --- what must hold -------------------------------------------------------------------------------------------------
 */

static bool may_stand(const World *world, const TrafficItem *item) {
        const AssetKind kind = item->asset->kind;
        const BreakPolicy *policy = channel_spec_policy(world->spec);
        return asset_eligible(item->asset) && !g_hash_table_contains(world->excluded, item->asset->id) &&
               (item->content ? kind == ASSET_EPISODE || kind == ASSET_MOVIE
                              : kind == ASSET_FILLER || policy->rules.allowed[kind]);
}

/* Sums exact, eligible only; the plan's bytes are added to the text. */
static void audit_items(const World *world, const Programme *programme, const GArray *items, GString *text) {
        int64_t at = programme->start_utc_ms;
        for (guint i = 0; i < items->len; i++) {
                const TrafficItem *item = &g_array_index(items, TrafficItem, i);
                assert_true(item->duration_ms > 0);
                if (item->asset) {
                        assert_true(may_stand(world, item));
                        assert_true(item->offset_ms >= 0 &&
                                    item->offset_ms + item->duration_ms <= item->asset->duration_ms);
                }
                g_string_append_printf(text,
                                       "%" G_GINT64_FORMAT " %s %" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %d %d\n", at,
                                       item->asset ? item->asset->id : "-", item->offset_ms, item->duration_ms,
                                       item->fade_in_ms, item->fade_out_ms);
                at += item->duration_ms;
        }
        assert_int_equal(at, programme->end_utc_ms);
}

/* No gap, no overlap, on the grid. */
static void audit_day(const World *world, const ScheduleDay *day, int64_t begins) {
        int64_t at = begins;
        for (guint i = 0; i < day->programmes->len; i++) {
                const Programme *programme = day->programmes->pdata[i];
                assert_int_equal(programme->start_utc_ms, at);
                assert_true(programme->end_utc_ms > at);
                assert_true(schedule_on_grid(world->spec, at));
                at = programme->end_utc_ms;
        }
        assert_int_equal(at, day->end_utc_ms);
}

static GPtrArray *compile_days(const World *world, const char *first) {
        GPtrArray *days = g_ptr_array_new_with_free_func((GDestroyNotify)schedule_day_free);
        const ScheduleDay *before = NULL;
        char day[11];
        g_strlcpy(day, first, sizeof(day));
        for (int i = 0; i < DAYS; i++) {
                g_autoptr(Diag) diag = diag_new();
                const ScheduleFrom from = {.carry_in_utc_ms = before ? before->end_utc_ms : 0,
                                           .state = before ? before->state_after : NULL};
                ScheduleDay *made = schedule_compile(world->spec, world->catalog, day, &from, diag);
                assert_non_null(made);
                audit_day(world, made, before ? before->end_utc_ms : made->start_utc_ms);
                g_ptr_array_add(days, made);
                before = made;
                schedule_day_step(day, 1, day);
        }
        return days;
}

/* The plan of the days, as a text. */
static char *plan_of(const World *world, const char *first) {
        g_autoptr(GPtrArray) days = compile_days(world, first);
        g_autoptr(TrafficInventory) inventory = traffic_inventory_new(world->spec, world->catalog, world->excluded);
        g_autoptr(TrafficHistory) history = traffic_history_new();
        g_autoptr(TrafficComing) coming = traffic_coming_new();
        GString *text = g_string_new(NULL);
        for (guint i = 0; i < days->len; i++) {
                const ScheduleDay *day = days->pdata[i];
                for (guint j = 0; j < day->programmes->len; j++)
                        traffic_coming_add(coming, day->programmes->pdata[j], world->catalog);
        }
        for (guint i = 0; i < days->len; i++) {
                const ScheduleDay *day = days->pdata[i];
                g_string_append_printf(text, "%s\n", day->sha256);
                for (guint j = 0; j < day->programmes->len; j++) {
                        const Programme *programme = day->programmes->pdata[j];
                        g_autoptr(GError) error = NULL;
                        g_autoptr(GArray) items = traffic_fill(inventory, history, coming, programme, NULL, &error);
                        assert_null(error);
                        audit_items(world, programme, items, text);
                }
        }
        return g_string_free(text, false);
}

/* Twice, each time from nothing: byte for byte the same. */
static void INV_TRAFFIC_FILL_DETERMINISTIC_001_any_channel_is_planned_soundly_and_alike(void **state) {
        static const char *const days[] = {"2026-03-06", "2026-10-30", "2026-04-03",
                                           "2026-10-02", "2028-02-27", "2026-12-30"};
        GRand *rand = chance_new();
        for (int round = 0; round < 40; round++) {
                g_autofree char *yaml = random_channel(rand);
                World world = {.yaml = yaml, .seed = g_rand_int(rand)};
                const char *first = days[(size_t)round % G_N_ELEMENTS(days)];
                world_open(&world);
                g_autofree char *one = plan_of(&world, first);
                world_close(&world);
                world_open(&world);
                g_autofree char *two = plan_of(&world, first);
                world_close(&world);
                assert_string_equal(one, two);
        }
        g_rand_free(rand);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(INV_TRAFFIC_FILL_DETERMINISTIC_001_any_channel_is_planned_soundly_and_alike),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
