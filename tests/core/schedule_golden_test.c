/*
 * The plan of a month, as a number. Builds with and without optimisation or sanitizers, today and in a year, must come
 * to the same: a plan that differs from the one that was published is a programme that is missed. Whoever changes what
 * is planned on purpose puts the new number here.
 */
#include "proto/base/hash.h"
#include "tests/core/plan_fixture.h"
#include "tests/support/cmocka.h"

#define GOLDEN "a89a2b01974e9702372516ccfd46ef28c7d0029bb6a3a624f109cdea16637a48"

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

/* What is hashed is the document, whatever is in titles: every escape, and texts that are not UTF-8. */
static void the_canonical_text_is_that_of_the_document(void **state) {
        Fixture fixture;
        char nasty[128] = "\"\\/\x7f\u00e9\U0001f4fa", *at = nasty + strlen(nasty);
        fixture_begin(&fixture);
        for (char c = 1; c < 0x20; c++)
                *at++ = c;
        for (int i = 0; i < 48; i++) {
                Asset *asset = fixture_episode(&fixture, "Cheers", 1, i, 22 * MINUTE);
                g_free(asset->title);
                asset->title = g_strdup(i % 3 ? nasty : i % 2 ? "caf\xe9" : "");
                asset->description = g_strdup(i % 4 ? nasty : NULL);
                g_strfreev(asset->genres);
                asset->genres = g_strsplit(i % 5 ? "Comedy|caf\xe9|a\tb|" : "", "|", -1);
        }
        g_autoptr(CatalogSnapshot) catalog = fixture_catalog(&fixture);
        g_autoptr(ChannelSpec) spec =
                fixture_spec(&fixture, "channel: golden\ntimezone: UTC\n"
                                       "pools: {cheers: {match: {type: episode}}}\n"
                                       "virtual_assets: {two: {compose: pair, count: 2, from: cheers}}\n"
                                       "schedule: {all_day: [{block: {start: \"06:00\", end: \"06:00\", "
                                       "pools: [cheers, two], mode: shuffle}}]}\n");
        g_autoptr(Diag) diag = diag_new();
        g_autoptr(ScheduleDay) day = schedule_compile(spec, catalog, "2026-02-20", NULL, diag);
        assert_non_null(day);
        json_t *document = schedule_day_json(day);
        char *text = json_dumps(document, JSON_COMPACT | JSON_SORT_KEYS);
        char hex[RV_SHA256_HEX_SIZE];
        rv_sha256_hex(text, strlen(text), hex);
        assert_string_equal(day->sha256, hex);
        free(text);
        json_decref(document);
        fixture_end(&fixture);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(INV_SCHEDULE_SEED_DETERMINISTIC_001_a_month_is_the_same_in_every_build),
                cmocka_unit_test(the_canonical_text_is_that_of_the_document),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
