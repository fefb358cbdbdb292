/*
 * The plan of a month, as a number. Builds with and without optimisation or sanitizers, today and in a year, must come
 * to the same: a plan that differs from the one that was published is a programme that is missed. Whoever changes what
 * is planned on purpose puts the new number here.
 */
#include "tests/core/plan_fixture.h"
#include "tests/support/cmocka.h"

#define GOLDEN "10842697c0e31053677452df10640b3e1a88759a9e9b86a979cbaf7954b91d87"

static const char *const CHANNEL =
        "channel: golden\n"
        "channel_number: 7\n"
        "timezone: America/New_York\n"
        "pools:\n"
        "  cheers: {match: {type: episode, series_title: Cheers}}\n"
        "  taxi: {match: {type: episode, series_title: Taxi}}\n"
        "  films: {match: {type: movie}}\n"
        "schedule:\n"
        "  all_day:\n"
        "    - block: {start: \"06:00\", end: \"12:00\", pool: cheers, mode: sequential}\n"
        "    - block: {start: \"12:00\", end: \"16:00\", pools: [cheers, taxi], mode: shuffle}\n"
        "    - block: {start: \"16:00\", end: \"20:00\", pools: [cheers, taxi], mode: random}\n"
        "    - movie_marathon: {start: \"20:00\", end: \"02:00\", title: Films, allow_bleed: true,\n"
        "                       movie_selector: {pool: films, mode: random, min_cooldown_days: 2}}\n"
        "    - block: {start: \"02:00\", end: \"06:00\", pool: taxi, mode: random}\n"
        "  weekends:\n"
        "    - block: {start: \"06:00\", end: \"12:00\", pool: taxi, mode: sequential}\n";

static CatalogSnapshot *catalog_of(Fixture *fixture) {
        for (int i = 0; i < 60; i++) {
                fixture_episode(fixture, "Cheers", 1 + i / 20, 1 + i % 20, (21 + i % 5) * MINUTE + i * 37);
                fixture_episode(fixture, "Taxi", 1 + i / 20, 1 + i % 20, (24 + i % 3) * MINUTE + i * 41);
        }
        for (int i = 0; i < 40; i++) {
                g_autofree char *title = g_strdup_printf("Film %d", i);
                fixture_asset(fixture, ASSET_MOVIE, title, (80 + i * 7 % 60) * MINUTE + i * 1001);
        }
        return fixture_catalog(fixture);
}

/* Across the night in which the clocks go forward. */
static void INV_SCHEDULE_SEED_DETERMINISTIC_001_a_month_is_the_same_in_every_build(void **state) {
        Fixture fixture;
        fixture_begin(&fixture);
        g_autoptr(CatalogSnapshot) catalog = catalog_of(&fixture);
        g_autoptr(ChannelSpec) spec = fixture_spec(&fixture, CHANNEL);
        g_autoptr(ScheduleDay) before = NULL;
        g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
        char day[11] = "2026-02-20";
        for (int i = 0; i < 30; i++) {
                g_autoptr(Diag) diag = diag_new();
                const ScheduleFrom from = {.carry_in_utc_ms = before ? before->end_utc_ms : 0,
                                           .state = before ? before->state_after : NULL};
                ScheduleDay *made = schedule_compile(spec, catalog, day, &from, diag);
                assert_non_null(made);
                g_checksum_update(sum, (const guchar *)made->sha256, -1);
                g_clear_pointer(&before, schedule_day_free);
                before = made;
                schedule_day_step(day, 1, day);
        }
        assert_string_equal(g_checksum_get_string(sum), GOLDEN);
        fixture_end(&fixture);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(INV_SCHEDULE_SEED_DETERMINISTIC_001_a_month_is_the_same_in_every_build),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
