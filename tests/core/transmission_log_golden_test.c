/*
 * A month of filled blocks, as a number: every byte of them, ids included. The same in builds with and without
 * optimisation or sanitizers, in every process, and whatever is done to make planning cheaper: a block that is made
 * again must be the block that was locked. Whoever changes what is filled on purpose puts the new number here.
 */
#include "core/plan/transmission_log/transmission_log.h"
#include "tests/core/plan_fixture.h"
#include "tests/support/cmocka.h"

#define N_DAYS 30

#define POOLS                                                                                                          \
        "pools:\n"                                                                                                     \
        "  cheers: {match: {type: episode, series_title: Cheers}}\n"                                                   \
        "  taxi: {match: {type: episode, series_title: Taxi}}\n"                                                       \
        "  films: {match: {type: movie}}\n"

/* Breaks of every kind: with and without chapters, some too short for a bumper and a spot, overnight ones of filler. */
static const char *const NETWORK =
        "channel: golden\n"
        "timezone: America/New_York\n" POOLS "  loops: {match: {type: filler}}\n"
        "filler: {pool: loops}\n"
        "virtual_assets:\n"
        "  double: {compose: pair, count: 2, from: taxi, mode: random}\n"
        "schedule:\n"
        "  all_day:\n"
        "    - block: {start: \"06:00\", end: \"16:00\", pools: [cheers, taxi], mode: shuffle}\n"
        "    - block: {start: \"16:00\", end: \"20:00\", pool: double, mode: sequential}\n"
        "    - movie_marathon: {start: \"20:00\", end: \"02:00\", title: Films, allow_bleed: true,\n"
        "                       movie_selector: {pool: films, mode: random, min_cooldown_days: 2}}\n"
        "    - block: {start: \"02:00\", end: \"05:00\", pool: taxi, mode: random}\n"
        "traffic:\n"
        "  default_cooldown_seconds: 1800\n"
        "  type_cooldowns: {bumper: 0, station_id: 0}\n"
        "  max_plays_per_day: 30\n"
        "  breaks: {min_break_sec: 12}\n"
        "  structure: {open: bumper, body: {commercial: 70, promo: 30}, close: [station_id, bumper]}\n"
        "  caps: {commercial: {per_hour: 24}, spots: {per_break: 9}}\n"
        "  separation: {advertiser_seconds: 300}\n"
        "  dayparts:\n"
        "    night: {start: \"23:00\", end: \"02:00\", allowed_types: [promo, bumper, station_id]}\n"
        "  inventories: {drinks: {tags: drinks, advertiser: Drinks, category: drinks}}\n"
        "  campaigns:\n"
        "    spring: {inventory: drinks, flight: 2026-03-01..2026-03-31, goal_plays: 300, priority: 3}\n"
        "    more: {tags: more, weight: 2, max_plays_per_hour: 3}\n";

/* No structure of breaks, every spot whenever it rested longest; one break after each film. */
static const char *const FILMS =
        "channel: films\n"
        "channel_type: movie\n"
        "timezone: Europe/Berlin\n" POOLS "schedule:\n"
        "  all_day:\n"
        "    - movie_marathon: {start: \"06:00\", end: \"06:00\", title: Films, allow_bleed: true,\n"
        "                       movie_selector: {pool: films, mode: random, min_cooldown_days: 1}}\n"
        "traffic: {default_cooldown_seconds: 600}\n";

static Asset *add_asset(Fixture *fixture, AssetKind kind, const char *title, int64_t duration_ms) {
        Asset *asset = fixture_asset(fixture, kind, title, duration_ms);
        g_free(asset->uri); /* in the bytes of every block: not of this process */
        asset->uri = g_strdup_printf("/media/%s/%s.mp4", asset_kind_name(kind), asset->id);
        asset->gain_millibel = (int32_t)(duration_ms % 700) - 350;
        return asset;
}

static void add_episode(Fixture *fixture, const char *series, int i, int64_t duration_ms) {
        g_autofree char *title = g_strdup_printf("%s, %d", series, i);
        Asset *asset = add_asset(fixture, ASSET_EPISODE, title, duration_ms);
        asset->series = g_strdup(series);
        asset->season = 1 + i / 20;
        asset->episode = 1 + i % 20;
        if (i % 3 == 0) {
                asset->n_chapters = 2;
                asset->chapter_ms = g_new(int64_t, 2);
                asset->chapter_ms[0] = 5 * MINUTE + i;
                asset->chapter_ms[1] = 14 * MINUTE - i;
        }
}

static void add_spots(Fixture *fixture) {
        static const AssetKind kinds[] = {ASSET_COMMERCIAL, ASSET_PROMO, ASSET_BUMPER, ASSET_STATION_ID,
                                          ASSET_COMMERCIAL};
        for (int i = 0; i < 90; i++) {
                const AssetKind kind = kinds[i % 5];
                const bool end = kind == ASSET_BUMPER || kind == ASSET_STATION_ID;
                const char *title =
                        kind == ASSET_PROMO && i % 2 ? "Taxi" : "Spöt"; /* of which one is a promo of a series */
                Asset *asset = add_asset(fixture, kind, title, end ? 5000 + i : 15000 + i % 3 * 15000 + i);
                if (i % 5 != 0)
                        continue;
                g_strfreev(asset->tags);
                asset->tags = g_strsplit(i % 2 ? "drinks" : i % 4 ? "more" : "drinks,more", ",", -1);
        }
}

static CatalogSnapshot *catalog_of(Fixture *fixture) {
        for (int i = 0; i < 60; i++) {
                add_episode(fixture, "Cheers", i, (21 + i % 5) * MINUTE + i * 37);
                add_episode(fixture, "Taxi", i, (26 + i % 4) * MINUTE + i * 41);
        }
        for (int i = 0; i < 40; i++)
                (void)add_asset(fixture, ASSET_MOVIE, "Film", (80 + i * 7 % 60) * MINUTE + i * 1001);
        for (int i = 0; i < 4; i++)
                (void)add_asset(fixture, ASSET_FILLER, "Loop", MINUTE + i * 777);
        add_spots(fixture);
        return fixture_catalog(fixture);
}

typedef struct {
        ChannelSpec *spec;
        CatalogSnapshot *catalog;
        TrafficInventory *inventory;
        TrafficHistory *history;
        TrafficComing *coming;
        GChecksum *sum;
} Golden;

static void add_day(Golden *golden, const ScheduleDay *day) {
        g_checksum_update(golden->sum, (const guchar *)day->sha256, -1);
        for (guint i = 0; i < day->programmes->len; i++)
                traffic_coming_add(golden->coming, day->programmes->pdata[i], golden->catalog);
        for (guint i = 0; i < day->programmes->len; i++) {
                const Programme *programme = day->programmes->pdata[i];
                g_autoptr(GError) error = NULL;
                g_autoptr(GArray) items =
                        traffic_fill(golden->inventory, golden->history, golden->coming, programme, NULL, &error);
                assert_null(error);
                g_autoptr(BlockPlan) block = transmission_log_block(golden->spec, programme, items);
                g_autofree char *sha256 = block_plan_sha256(block);
                assert_int_equal(block_plan_validate(block, NULL), BLOCK_PLAN_OK);
                g_checksum_update(golden->sum, (const guchar *)sha256, -1);
        }
}

static void add_days(Golden *golden) {
        g_autoptr(ScheduleDay) before = NULL;
        char day[11] = "2026-02-20"; /* across the night in which the clocks go forward in New York */
        for (int i = 0; i < N_DAYS; i++, schedule_day_step(day, 1, day)) {
                g_autoptr(Diag) diag = diag_new();
                const ScheduleFrom from = {.carry_in_utc_ms = before ? before->end_utc_ms : 0,
                                           .state = before ? before->state_after : NULL};
                ScheduleDay *made = schedule_compile(golden->spec, golden->catalog, day, &from, diag);
                assert_non_null(made);
                add_day(golden, made);
                g_clear_pointer(&before, schedule_day_free);
                before = made;
        }
}

static void assert_golden(const char *channel, const char *number) {
        Fixture fixture;
        fixture_begin(&fixture);
        g_autoptr(CatalogSnapshot) catalog = catalog_of(&fixture);
        g_autoptr(ChannelSpec) spec = fixture_spec(&fixture, channel);
        g_autoptr(TrafficInventory) inventory = traffic_inventory_new(spec, catalog, NULL);
        g_autoptr(TrafficHistory) history = traffic_history_new();
        g_autoptr(TrafficComing) coming = traffic_coming_new();
        g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
        Golden golden = {spec, catalog, inventory, history, coming, sum};
        add_days(&golden);
        assert_string_equal(g_checksum_get_string(sum), number);
        fixture_end(&fixture);
}

static void INV_TL_ID_001_a_month_of_blocks_is_the_same_in_every_build(void **state) {
        assert_golden(NETWORK, "415e62faa0b250dde77411ff8bfdda58fcee9e2c4337a522c0098d48d88582a7");
}

static void INV_TL_ID_001_a_month_of_films_is_the_same_in_every_build(void **state) {
        assert_golden(FILMS, "69b21f6efcb4d4e87341ffe271ff5ae7b7cd2faaf699771571a6155bd4e6f18b");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(INV_TL_ID_001_a_month_of_blocks_is_the_same_in_every_build),
                cmocka_unit_test(INV_TL_ID_001_a_month_of_films_is_the_same_in_every_build),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
