#include "core/plan/traffic/traffic.h"
#include "tests/core/plan_fixture.h"
#include "tests/support/cmocka.h"

#define DAY (24 * HOUR)
#define NOW INT64_C(1795262400000)

static const char *const yaml = "channel: one\n"
                                "timezone: UTC\n"
                                "pools: {all: {match: {type: episode}}}\n"
                                "schedule: {all_day: [{block: {start: \"06:00\", duration: 24h, pool: all}}]}\n";

typedef struct {
        Fixture fixture;
        ChannelSpec *spec;
        Store *store;
        TrafficHistory *history;
} World;

static int set_up(void **state) {
        World *world = g_new0(World, 1);
        fixture_begin(&world->fixture);
        world->spec = fixture_spec(&world->fixture, yaml);
        g_autofree char *path = g_build_filename(world->fixture.dir, "x.db", NULL);
        world->store = store_open(path, NULL);
        world->history = traffic_history_new();
        *state = world;
        return 0;
}

static int tear_down(void **state) {
        World *world = *state;
        traffic_history_free(world->history);
        store_close(world->store);
        channel_spec_unref(world->spec);
        fixture_end(&world->fixture);
        g_free(world);
        return 0;
}

static void plan(const World *world, const char *channel_id, const char *segment, const char *asset, int64_t at) {
        const TrafficPlanned planned = {segment, asset, at};
        assert_true(traffic_plays_put(world->store, channel_id, &planned, NULL));
}

/* As the as-run record does it. */
static void decide(const World *world, const char *segment, TrafficPlayState outcome, int64_t noted) {
        assert_true(store_run(world->store, NULL, "UPDATE play SET state = ?, noted = ? WHERE segment_uuid = ?", "iis",
                              (int64_t)outcome, noted, segment));
}

static void take_up(const World *world, int64_t now) {
        g_autoptr(GError) error = NULL;
        const bool done = traffic_history_take_up(world->history, world->store, world->spec, now, &error);
        assert_null(error);
        assert_true(done);
}

static void INV_TRAFFIC_STATE_SOURCE_001_what_is_stored_counts_after_a_restart(void **state) {
        const World *world = *state;
        plan(world, "one", "s1", "a", NOW - 2 * HOUR);
        plan(world, "one", "s2", "a", NOW - HOUR);
        plan(world, "one", "s3", "a", NOW + HOUR);
        plan(world, "one", "s4", "b", NOW - 3 * HOUR);
        decide(world, "s1", TRAFFIC_PLAY_AIRED, 1);
        decide(world, "s4", TRAFFIC_PLAY_LOST, 2);
        take_up(world, NOW);
        assert_int_equal(traffic_history_last(world->history, "a"), NOW + HOUR); /* planned, not aired yet */
        assert_int_equal(traffic_history_count(world->history, "a", NOW - DAY), 3);
        assert_int_equal(traffic_history_last(world->history, "b"), INT64_MIN); /* it was its turn and it did not air */
}

static void INV_TRAFFIC_STATE_SOURCE_001_evidence_is_taken_up_as_it_comes(void **state) {
        const World *world = *state;
        plan(world, "one", "s1", "a", NOW - HOUR);
        plan(world, "one", "s2", "b", NOW - HOUR + 30000);
        take_up(world, NOW);
        decide(world, "s1", TRAFFIC_PLAY_AIRED, 1);
        decide(world, "s2", TRAFFIC_PLAY_LOST, 2);
        take_up(world, NOW + 29999);
        assert_int_equal(traffic_history_count(world->history, "b", 0), 1); /* not asked again within half a minute */
        take_up(world, NOW + 30000);
        assert_int_equal(traffic_history_count(world->history, "a", 0), 1);
        assert_int_equal(traffic_history_count(world->history, "b", 0), 0);
}

static void INV_TRAFFIC_CHANNEL_SCOPED_001_another_channels_plays_do_not_count(void **state) {
        const World *world = *state;
        plan(world, "two", "s1", "a", NOW - HOUR);
        take_up(world, NOW);
        decide(world, "s1", TRAFFIC_PLAY_AIRED, 1);
        take_up(world, NOW + MINUTE);
        assert_int_equal(traffic_history_last(world->history, "a"), INT64_MIN);
        assert_true(traffic_plays_withdraw(world->store, "one", 0, INT64_MAX, NULL));
        sqlite3_stmt *rows = store_query(world->store, NULL, "SELECT count(*) FROM play", "");
        assert_true(store_row(world->store, rows, NULL));
        assert_int_equal(store_int(rows, 0), 1);
        store_reset(rows);
}

static void history_is_pruned(void **state) {
        const World *world = *state;
        plan(world, "one", "old", "a", NOW - 9 * DAY);
        plan(world, "one", "new", "b", NOW - 7 * DAY);
        plan(world, "two", "other", "a", NOW - 9 * DAY);
        take_up(world, NOW);
        assert_int_equal(traffic_history_count(world->history, "a", 0), 0);
        assert_int_equal(traffic_history_count(world->history, "b", 0), 1);
        sqlite3_stmt *rows = store_query(world->store, NULL, "SELECT group_concat(segment_uuid) FROM play", "");
        assert_true(store_row(world->store, rows, NULL));
        assert_string_equal(store_text(rows, 0), "new,other");
        store_reset(rows);
        take_up(world, NOW + 2 * DAY);
        assert_int_equal(traffic_history_count(world->history, "b", 0), 0);
}

static void plays_of_a_flight_are_kept_as_long_as_it_lasts(void **state) {
        const World *world = *state;
        g_autofree char *text = g_strconcat(yaml,
                                            "traffic: {campaigns: {soap: {assets: x, goal_plays: 9, flight: "
                                            "2026-10-01..2026-11-30}}}\n",
                                            NULL);
        g_autoptr(ChannelSpec) spec = fixture_spec(&world->fixture, text);
        const int64_t start = fixture_utc("2026-10-01T06:00:00Z");
        assert_int_equal(traffic_history_begin_utc_ms(spec, NOW), start); /* NOW is in November */
        assert_int_equal(traffic_history_begin_utc_ms(spec, NOW + 30 * DAY), NOW + 22 * DAY);
        assert_int_equal(traffic_history_begin_utc_ms(world->spec, NOW), NOW - 8 * DAY);
        plan(world, "one", "old", "a", start);
        assert_true(traffic_history_take_up(world->history, world->store, spec, NOW, NULL));
        assert_int_equal(traffic_history_count(world->history, "a", 0), 1);
}

static void plays_that_are_replaced_are_withdrawn_but_never_what_aired(void **state) {
        const World *world = *state;
        plan(world, "one", "s1", "a", NOW);
        plan(world, "one", "s2", "a", NOW + HOUR);
        plan(world, "one", "s3", "a", NOW + 2 * HOUR);
        decide(world, "s1", TRAFFIC_PLAY_AIRED, 1);
        assert_true(traffic_plays_withdraw(world->store, "one", NOW, NOW + 2 * HOUR, NULL));
        take_up(world, NOW);
        assert_int_equal(traffic_history_count(world->history, "a", 0), 2);
        assert_int_equal(traffic_history_count(world->history, "a", NOW + 1), 1);
}

static void a_store_that_fails_is_told_and_what_is_known_stays(void **state) {
        const World *world = *state;
        g_autoptr(GError) error = NULL;
        traffic_history_add(world->history, "a", NOW);
        assert_true(store_run(world->store, NULL, "DROP TABLE play", ""));
        assert_false(traffic_history_take_up(world->history, world->store, world->spec, NOW, &error));
        assert_non_null(error);
        assert_int_equal(traffic_history_last(world->history, "a"), NOW);
}

static void history_counts_and_forgets(void **state) {
        const World *world = *state;
        assert_int_equal(traffic_history_last(world->history, "a"), INT64_MIN);
        for (int i = 5; i >= 1; i--)
                traffic_history_add(world->history, "a", i * 100);
        traffic_history_add(world->history, "a", 300);
        assert_int_equal(traffic_history_last(world->history, "a"), 500);
        assert_int_equal(traffic_history_count(world->history, "a", 300), 3);
        traffic_history_forget_from(world->history, 500);
        traffic_history_forget_before(world->history, 200);
        assert_int_equal(traffic_history_count(world->history, "a", 0), 3);
        assert_int_equal(traffic_history_last(world->history, "a"), 400);
        traffic_history_note(world->history, "a", 400, TRAFFIC_PLAY_LOST);
        traffic_history_note(world->history, "a", 399, TRAFFIC_PLAY_LOST); /* never known */
        assert_int_equal(traffic_history_last(world->history, "a"), 300);
        traffic_history_note(world->history, "a", 450, TRAFFIC_PLAY_AIRED); /* nobody planned it */
        assert_int_equal(traffic_history_last(world->history, "a"), 450);
        traffic_history_forget_from(world->history, 0);
        assert_int_equal(traffic_history_last(world->history, "a"), INT64_MIN);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                T(INV_TRAFFIC_STATE_SOURCE_001_what_is_stored_counts_after_a_restart),
                T(INV_TRAFFIC_STATE_SOURCE_001_evidence_is_taken_up_as_it_comes),
                T(INV_TRAFFIC_CHANNEL_SCOPED_001_another_channels_plays_do_not_count),
                T(history_is_pruned),
                T(plays_of_a_flight_are_kept_as_long_as_it_lasts),
                T(plays_that_are_replaced_are_withdrawn_but_never_what_aired),
                T(a_store_that_fails_is_told_and_what_is_known_stays),
                T(history_counts_and_forgets),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
