#include "tests/core/plan_fixture.h"
#include "tests/support/cmocka.h"

static ChannelSpec *spec_from(const Fixture *fixture, const char *zone, int grid_minutes, const char *day_start) {
        g_autofree char *text = g_strdup_printf("channel: one\n"
                                                "timezone: %s\n"
                                                "broadcast_day_start: \"%s\"\n"
                                                "format: {grid_minutes: %d}\n"
                                                "pools: {all: {match: {type: episode}}}\n"
                                                "schedule:\n"
                                                "  all_day:\n"
                                                "    - block: {start: \"06:00\", end: \"06:00\", pool: all}\n",
                                                zone, day_start, grid_minutes);
        return fixture_spec(fixture, text);
}

static ChannelSpec *spec_in(const Fixture *fixture, const char *zone, int grid_minutes) {
        return spec_from(fixture, zone, grid_minutes, "06:00");
}

static void assert_day(const ChannelSpec *spec, const char *day, const char *start, const char *end) {
        int64_t start_utc_ms = 0, end_utc_ms = 0;
        schedule_day_bounds(spec, day, &start_utc_ms, &end_utc_ms);
        assert_int_equal(start_utc_ms, fixture_utc(start));
        assert_int_equal(end_utc_ms, fixture_utc(end));
}

static void INV_SCHEDULE_BROADCAST_DAY_SEMANTIC_CONSISTENCY_days_of_23_24_and_25_hours(void **state) {
        Fixture fixture;
        fixture_begin(&fixture);
        g_autoptr(ChannelSpec) york = spec_in(&fixture, "America/New_York", 30);
        assert_day(york, "2026-03-07", "2026-03-07T11:00:00Z", "2026-03-08T10:00:00Z"); /* 46 half hours */
        assert_day(york, "2026-10-31", "2026-10-31T10:00:00Z", "2026-11-01T11:00:00Z"); /* 50 */
        assert_day(york, "2026-06-01", "2026-06-01T10:00:00Z", "2026-06-02T10:00:00Z");
        g_autoptr(ChannelSpec) berlin = spec_in(&fixture, "Europe/Berlin", 30);
        assert_day(berlin, "2026-03-28", "2026-03-28T05:00:00Z", "2026-03-29T04:00:00Z");
        assert_day(berlin, "2026-10-24", "2026-10-24T04:00:00Z", "2026-10-25T05:00:00Z");
        g_autoptr(ChannelSpec) howe = spec_in(&fixture, "Australia/Lord_Howe", 30); /* clocks change by half an hour */
        assert_day(howe, "2026-04-04", "2026-04-03T19:00:00Z", "2026-04-04T19:30:00Z");
        assert_day(howe, "2026-10-03", "2026-10-02T19:30:00Z", "2026-10-03T19:00:00Z");
        fixture_end(&fixture);
}

static void assert_in_its_day(const ChannelSpec *spec, int64_t utc_ms) {
        int64_t start = 0, end = 0, next_start = 0, next_end = 0;
        char day[11], next[11], back[11];
        schedule_day_of(spec, utc_ms, day);
        schedule_day_bounds(spec, day, &start, &end);
        assert_true(start <= utc_ms && utc_ms < end);
        schedule_day_step(day, 1, next);
        schedule_day_step(next, -1, back);
        assert_string_equal(day, back);
        schedule_day_bounds(spec, next, &next_start, &next_end);
        assert_int_equal(next_start, end);
}

static void INV_SCHEDULE_BROADCAST_DAY_SEMANTIC_CONSISTENCY_every_instant_is_in_its_day(void **state) {
        static const char *const zones[] = {"America/New_York",
                                            "Europe/Berlin",
                                            "Australia/Lord_Howe",
                                            "America/Havana",
                                            "Asia/Kathmandu",
                                            "Asia/Beirut",
                                            "UTC"};
        static const char *const starts[] = {"06:00", "00:00", "01:30", "02:00"}; /* in a change of clock, too */
        Fixture fixture;
        fixture_begin(&fixture);
        for (size_t z = 0; z < G_N_ELEMENTS(zones) * G_N_ELEMENTS(starts); z++) {
                g_autoptr(ChannelSpec) spec =
                        spec_from(&fixture, zones[z / G_N_ELEMENTS(starts)], 30, starts[z % G_N_ELEMENTS(starts)]);
                const int64_t year = fixture_utc("2026-01-01T00:00:00Z");
                for (int i = 0; i < 365 * 48; i++) /* just before, at and after a half hour, and in the middle */
                        assert_in_its_day(spec, year + i * 30 * MINUTE + (i % 4 == 3 ? 15 * MINUTE : i % 4 - 1));
                for (int i = 0; i < 365 * 48; i += 3)
                        assert_in_its_day(spec, year + i * 30 * MINUTE + 15 * MINUTE);
        }
        fixture_end(&fixture);
}

static void INV_BLOCK_ALIGNMENT_001_slots_are_whole_grid_units(void **state) {
        Fixture fixture;
        fixture_begin(&fixture);
        g_autoptr(ChannelSpec) half = spec_in(&fixture, "UTC", 30), quarter = spec_in(&fixture, "UTC", 15);
        assert_int_equal(schedule_slot_ms(half, 0), 1800000);
        assert_int_equal(schedule_slot_ms(half, 1), 1800000);
        assert_int_equal(schedule_slot_ms(half, 1800000), 1800000);
        assert_int_equal(schedule_slot_ms(half, 1801000), 3600000);
        assert_int_equal(schedule_slot_ms(half, 3600000), 3600000);
        assert_int_equal(schedule_slot_ms(quarter, 880000), 900000);
        fixture_end(&fixture);
}

/* Its file cannot be read any more, or not yet: what it aired has its day all the same. */
static void INV_SCHEDULE_BROADCAST_DAY_SEMANTIC_CONSISTENCY_of_a_channel_that_is_not_there(void **state) {
        Fixture fixture;
        fixture_begin(&fixture);
        Store *store = store_open(":memory:", NULL);
        g_autoptr(ChannelSpec) berlin = spec_from(&fixture, "Europe/Berlin", 30, "05:00");
        g_autoptr(ChannelSpec) york = spec_in(&fixture, "America/New_York", 30);
        g_autoptr(GTimeZone) zone = NULL;
        int32_t day_start_minutes = 0;
        assert_false(schedule_store_clock(store, "one", &zone, &day_start_minutes));
        assert_true(schedule_store_keep_clock(store, berlin, NULL));
        assert_true(schedule_store_keep_clock(store, york, NULL)); /* as it was last */
        assert_true(schedule_store_keep_clock(store, york, NULL));
        assert_true(schedule_store_clock(store, "one", &zone, &day_start_minutes));
        for (int64_t at = fixture_utc("2026-10-31T00:00:00Z"); at < fixture_utc("2026-11-02T12:00:00Z"); at += 599999) {
                char kept[11], real[11];
                schedule_day_in(zone, day_start_minutes, at, kept);
                schedule_day_of(york, at, real);
                assert_string_equal(kept, real);
        }
        store_close(store);
        fixture_end(&fixture);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(INV_SCHEDULE_BROADCAST_DAY_SEMANTIC_CONSISTENCY_days_of_23_24_and_25_hours),
                cmocka_unit_test(INV_SCHEDULE_BROADCAST_DAY_SEMANTIC_CONSISTENCY_of_a_channel_that_is_not_there),
                cmocka_unit_test(INV_SCHEDULE_BROADCAST_DAY_SEMANTIC_CONSISTENCY_every_instant_is_in_its_day),
                cmocka_unit_test(INV_BLOCK_ALIGNMENT_001_slots_are_whole_grid_units),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
