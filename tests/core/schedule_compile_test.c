#include "tests/core/schedule_fixture.h"
#include "tests/support/chance.h"

static ScheduleDay *compile_after(const World *world, const ScheduleDay *before) {
        char day[11];
        schedule_day_step(before->day, 1, day);
        const ScheduleFrom from = {.carry_in_utc_ms = before->end_utc_ms, .state = before->state_after};
        return compile(world, day, &from);
}

static const Programme *nth(const ScheduleDay *day, guint i) {
        assert_true(i < day->programmes->len);
        return day->programmes->pdata[i];
}

static void assert_sound(const ChannelSpec *spec, const ScheduleDay *day, int64_t start_utc_ms) {
        int64_t at_utc_ms = start_utc_ms, day_start = 0, day_end = 0;
        schedule_day_bounds(spec, day->day, &day_start, &day_end);
        for (guint i = 0; i < day->programmes->len; i++) {
                const Programme *programme = day->programmes->pdata[i];
                assert_int_equal(programme->start_utc_ms, at_utc_ms);
                assert_true(programme->end_utc_ms > programme->start_utc_ms);
                assert_int_equal((programme->end_utc_ms - programme->start_utc_ms) % (spec->grid_minutes * MINUTE), 0);
                assert_true(schedule_on_grid(spec, programme->start_utc_ms));
                assert_true(programme->content_ms <= programme->end_utc_ms - programme->start_utc_ms);
                assert_true(strlen(programme->id) <= 32);
                at_utc_ms = programme->end_utc_ms;
        }
        assert_true(day->end_utc_ms >= day_end);
        assert_int_equal(day->end_utc_ms, at_utc_ms);
}

static void INV_SCHEDULE_SEQUENTIAL_ADVANCE_001_the_next_day_goes_on(void **state) {
        World *world = *state;
        fixture_series(&world->fixture, "A", 60, 50 * MINUTE); /* an hour each: 24 a day */
        ready(world, HEAD POOLS "schedule: {all_day: [{block: {start: \"06:00\", duration: 24h, pool: a}}]}\n");
        g_autoptr(ScheduleDay) first = compile(world, "2026-06-01", NULL);
        g_autoptr(ScheduleDay) second = compile_after(world, first), third = compile_after(world, second);
        assert_int_equal(first->programmes->len, 24);
        assert_string_equal(nth(first, 0)->subtitle, "A 1x01");
        assert_string_equal(nth(first, 23)->subtitle, "A 3x04");
        assert_string_equal(nth(second, 0)->subtitle, "A 3x05");
        assert_string_equal(nth(third, 0)->subtitle, "A 5x09");
        assert_string_equal(nth(third, 12)->subtitle, "A 1x01"); /* 60 are through */
        assert_string_equal(nth(first, 0)->title, "A");
        assert_string_equal(nth(first, 0)->entry, "all_day@06:00");
        assert_string_equal(nth(first, 0)->pool, "a");
}

static void INV_SCHEDULE_SEQUENTIAL_ADVANCE_001_a_vanished_asset_is_no_new_beginning(void **state) {
        World *world = *state;
        fixture_series(&world->fixture, "A", 60, 50 * MINUTE);
        ready(world, HEAD POOLS "schedule: {all_day: [{block: {start: \"06:00\", duration: 24h, pool: a}}]}\n");
        g_autoptr(ScheduleDay) first = compile(world, "2026-06-01", NULL);
        Asset *last = (Asset *)catalog_snapshot_find(world->catalog, nth(first, 23)->asset_id);
        last->state = ASSET_MISSING;
        g_autoptr(ScheduleDay) second = compile_after(world, first);
        assert_string_equal(nth(second, 0)->subtitle, "A 3x05");
        last->state = ASSET_READY;
        last->id[0] ^= 1; /* gone from the catalog altogether */
        g_autoptr(ScheduleDay) other = compile_after(world, first);
        assert_string_equal(nth(other, 0)->subtitle,
                            "A 3x04"); /* who stands in its place now: the same film, another id */
        last->id[0] ^= 1;
}

static void shuffle_is_a_round_robin(void **state) {
        World *world = *state;
        fixture_series(&world->fixture, "A", 10, 22 * MINUTE);
        fixture_series(&world->fixture, "B", 3, 22 * MINUTE);
        fixture_series(&world->fixture, "C", 7, 22 * MINUTE);
        ready(world, HEAD POOLS
              "schedule: {all_day: [{block: {start: \"06:00\", duration: 24h, pool: [a, b, c], mode: shuffle}}]}\n");
        g_autoptr(ScheduleDay) first = compile(world, "2026-06-01", NULL), second = compile_after(world, first);
        static const char *const series[] = {"A", "B", "C"};
        for (guint i = 0; i < 96; i++) {
                const Programme *programme = i < 48 ? nth(first, i) : nth(second, i - 48);
                assert_string_equal(programme->series, series[i % 3]);
        }
        assert_string_equal(nth(first, 3)->subtitle, "A 1x02");
        assert_string_equal(nth(first, 10)->subtitle, "B 1x01"); /* three of them, then again */
        assert_string_equal(nth(second, 0)->subtitle, "A 1x07");
}

static void several_pools_in_order_have_their_turns(void **state) {
        World *world = *state;
        fixture_series(&world->fixture, "A", 2, 22 * MINUTE);
        fixture_series(&world->fixture, "B", 2, 22 * MINUTE);
        ready(world, HEAD POOLS "schedule: {all_day: [{block: {start: \"06:00\", duration: 24h, pools: [b, a]}}]}\n");
        g_autoptr(ScheduleDay) day = compile(world, "2026-06-01", NULL);
        static const char *const expected[] = {"B 1x01", "A 1x01", "B 1x02", "A 1x02", "B 1x01"};
        for (guint i = 0; i < G_N_ELEMENTS(expected); i++)
                assert_string_equal(nth(day, i)->subtitle, expected[i]);
}

static const char *const random_yaml =
        HEAD POOLS "schedule: {all_day: [{block: {start: \"06:00\", duration: 24h, pool: a, mode: random}}]}\n";

static void INV_SCHEDULE_SEED_DETERMINISTIC_001_same_seed_same_day_other_day_other_order(void **state) {
        World *world = *state;
        fixture_series(&world->fixture, "A", 60, 22 * MINUTE);
        ready(world, random_yaml);
        g_autoptr(ScheduleDay) day = compile(world, "2026-06-01", NULL), again = compile(world, "2026-06-01", NULL);
        g_autoptr(ScheduleDay) other = compile(world, "2026-06-02", NULL);
        assert_string_equal(day->sha256, again->sha256);
        assert_int_equal(strlen(day->sha256), 64);
        guint same = 0;
        for (guint i = 0; i < 48; i++)
                same += strcmp(nth(day, i)->asset_id, nth(other, i)->asset_id) == 0;
        assert_true(same < 12);
        /* Fixed for all time and every machine: this very order. */
        g_autoptr(GString) order = g_string_new(NULL);
        for (guint i = 0; i < 6; i++)
                g_string_append_printf(order, "%s ", nth(day, i)->subtitle + 2);
        assert_string_equal(order->str, "2x09 1x02 4x10 5x02 6x07 3x01 ");
}

static void random_does_not_repeat_before_all_were_seen(void **state) {
        World *world = *state;
        fixture_series(&world->fixture, "A", 48, 22 * MINUTE);
        ready(world, random_yaml);
        g_autoptr(ScheduleDay) day = compile(world, "2026-06-01", NULL);
        g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
        for (guint i = 0; i < 48; i++)
                assert_true(g_hash_table_add(seen, nth(day, i)->asset_id));
}

static void films_do_not_repeat_within_their_cooldown(void **state) {
        World *world = *state;
        for (int i = 0; i < 30; i++) {
                g_autofree char *title = g_strdup_printf("Film %d", i);
                fixture_asset(&world->fixture, ASSET_MOVIE, title, (70 + i) * MINUTE);
        }
        fixture_asset(&world->fixture, ASSET_MOVIE, "Short", 59 * MINUTE);
        Asset *adult = fixture_asset(&world->fixture, ASSET_MOVIE, "Adult", 90 * MINUTE);
        adult->rating = g_strdup("X");
        ready(world,
              HEAD POOLS "schedule: {all_day: [{movie_marathon: {start: \"06:00\", end: \"06:00\", movie_selector:"
                         " {pool: films, rating: {exclude: [x]}, min_cooldown_days: 2}}}]}\n");
        g_autoptr(GHashTable) last = g_hash_table_new(g_str_hash, g_str_equal);
        g_autoptr(GPtrArray) days = g_ptr_array_new_with_free_func((GDestroyNotify)schedule_day_free);
        g_ptr_array_add(days, compile(world, "2026-06-01", NULL));
        while (days->len < 6)
                g_ptr_array_add(days, compile_after(world, days->pdata[days->len - 1]));
        guint n = 0;
        for (guint d = 0; d < days->len; d++) {
                const ScheduleDay *day = days->pdata[d];
                assert_sound(world->spec, day, day->start_utc_ms);
                for (guint i = 0; i < day->programmes->len; i++) {
                        const Programme *programme = day->programmes->pdata[i];
                        assert_true(!programme->asset_id ||
                                    (strcmp(programme->title, "Short") && strcmp(programme->title, "Adult")));
                        if (!programme->asset_id)
                                continue;
                        const guint before = GPOINTER_TO_UINT(g_hash_table_lookup(last, programme->asset_id));
                        assert_true(before == 0 ||
                                    n + 1 - before >= 22); /* 12 a day, 30 films: used up before two days are over */
                        g_hash_table_insert(last, programme->asset_id, GUINT_TO_POINTER(++n));
                }
        }
        assert_int_equal(g_hash_table_size(last), 30);
}

static void INV_MARATHON_CROSSMIDNIGHT_001_a_window_until_six_is_full(void **state) {
        World *world = *state;
        fixture_series(&world->fixture, "A", 20, 22 * MINUTE);
        for (int i = 0; i < 9; i++)
                fixture_asset(&world->fixture, ASSET_MOVIE, "Film", 100 * MINUTE);
        ready(world,
              HEAD POOLS "schedule:\n  all_day:\n    - block: {start: \"06:00\", duration: 14h, pool: a}\n"
                         "    - movie_marathon: {start: \"20:00\", end: \"06:00\", movie_selector: {pool: films}}\n");
        g_autoptr(ScheduleDay) day = compile(world, "2026-06-01", NULL);
        assert_sound(world->spec, day, fixture_utc("2026-06-01T10:00:00Z"));
        assert_int_equal(day->programmes->len, 28 + 5);
        for (guint i = 28; i < 33; i++)
                assert_int_equal(nth(day, i)->kind, ASSET_MOVIE);
        assert_int_equal(nth(day, 28)->start_utc_ms, fixture_utc("2026-06-02T00:00:00Z"));
        assert_int_equal(day->end_utc_ms, fixture_utc("2026-06-02T10:00:00Z"));
}

/* 06:00 is where the day begins, whatever comes first in the file; the hours after midnight are its last. */
static void INV_MARATHON_CROSSMIDNIGHT_001_the_hours_after_midnight_come_last(void **state) {
        World *world = *state;
        fixture_series(&world->fixture, "A", 60, 22 * MINUTE);
        ready(world, HEAD POOLS "schedule:\n  all_day:\n    - block: {start: \"00:00\", end: \"06:00\", pool: a}\n"
                                "    - block: {start: \"06:00\", end: \"00:00\", pool: a}\n");
        g_autoptr(ScheduleDay) day = compile(world, "2026-06-01", NULL), next = compile_after(world, day);
        assert_string_equal(at(day, "2026-06-01T10:00:00Z")->subtitle, "A 1x01");
        assert_string_equal(at(day, "2026-06-02T03:30:00Z")->subtitle, "A 4x06"); /* 23:30, the 36th */
        assert_string_equal(at(day, "2026-06-02T04:00:00Z")->subtitle, "A 4x07"); /* midnight */
        assert_string_equal(at(day, "2026-06-02T09:30:00Z")->subtitle, "A 5x08");
        assert_string_equal(at(next, "2026-06-02T10:00:00Z")->subtitle, "A 5x09");
}

static void INV_SCHEDULEDAY_NO_GAPS_001_what_nothing_fills_is_filler(void **state) {
        World *world = *state;
        fixture_series(&world->fixture, "A", 20, 22 * MINUTE);
        fixture_asset(&world->fixture, ASSET_MOVIE, "Film", 100 * MINUTE);
        ready(world,
              HEAD POOLS "schedule:\n  all_day:\n    - block: {start: \"08:00\", end: \"09:00\", pool: a}\n"
                         "    - movie_marathon: {start: \"20:00\", end: \"23:00\", movie_selector: {pool: films}}\n");
        g_autoptr(ScheduleDay) day = compile(world, "2026-06-01", NULL);
        assert_sound(world->spec, day, fixture_utc("2026-06-01T10:00:00Z"));
        assert_int_equal(nth(day, 0)->kind, ASSET_FILLER);
        assert_null(nth(day, 0)->asset_id);
        assert_int_equal(nth(day, 0)->content_ms, 0);
        assert_string_equal(at(day, "2026-06-01T12:30:00Z")->series, "A");
        assert_int_equal(at(day, "2026-06-02T01:59:00Z")->kind, ASSET_MOVIE);
        assert_int_equal(at(day, "2026-06-02T02:00:00Z")->kind, ASSET_FILLER); /* an hour is too short for the film */
        assert_int_equal(at(day, "2026-06-02T09:59:00Z")->kind, ASSET_FILLER);
        for (guint i = 0; i < day->programmes->len; i++)
                assert_true(nth(day, i)->asset_id || nth(day, i)->end_utc_ms - nth(day, i)->start_utc_ms <= HOUR);
}

static void assert_half_hours(World *world, const char *zone, const char *day, guint n, const char *end) {
        g_autofree char *yaml =
                g_strdup_printf("channel: one\ntimezone: %s\n" POOLS
                                "schedule: {all_day: [{block: {start: \"06:00\", duration: 24h, pool: a}}]}\n",
                                zone);
        g_clear_pointer(&world->spec, channel_spec_unref);
        world->spec = fixture_spec(&world->fixture, yaml);
        g_autoptr(ScheduleDay) compiled = compile(world, day, NULL), next = compile_after(world, compiled);
        assert_sound(world->spec, compiled, compiled->start_utc_ms);
        assert_sound(world->spec, next, compiled->end_utc_ms);
        assert_int_equal(compiled->programmes->len, n);
        assert_int_equal(compiled->end_utc_ms, fixture_utc(end));
        assert_string_equal(nth(next, 0)->subtitle, "A 1x01"); /* of 46 to 50: each half hour had one */
}

/* Both nights of the three zones, a leap day, the year's end: elapsed half hours, each with its programme. */
static void INV_SCHEDULE_BROADCAST_DAY_SEMANTIC_CONSISTENCY_half_hours_of_unusual_days(void **state) {
        static const struct {
                const char *zone, *day;
                guint n;
                const char *end;
        } days[] = {{"America/New_York", "2026-03-07", 46, "2026-03-08T10:00:00Z"},
                    {"America/New_York", "2026-10-31", 50, "2026-11-01T11:00:00Z"},
                    {"Europe/Berlin", "2026-03-28", 46, "2026-03-29T04:00:00Z"},
                    {"Europe/Berlin", "2026-10-24", 50, "2026-10-25T05:00:00Z"},
                    {"Australia/Lord_Howe", "2026-04-04", 49, "2026-04-04T19:30:00Z"},
                    {"Australia/Lord_Howe", "2026-10-03", 47, "2026-10-03T19:00:00Z"},
                    {"America/New_York", "2028-02-28", 48, "2028-02-29T11:00:00Z"},
                    {"Europe/Berlin", "2028-02-29", 48, "2028-03-01T05:00:00Z"},
                    {"Australia/Lord_Howe", "2026-12-31", 48, "2026-12-31T19:00:00Z"}};
        for (size_t i = 0; i < G_N_ELEMENTS(days); i++) {
                World *world = *state;
                g_clear_pointer(&world->catalog, catalog_snapshot_unref);
                fixture_series(&world->fixture, "A", (int)days[i].n, 22 * MINUTE);
                world->catalog = fixture_catalog(&world->fixture);
                assert_half_hours(world, days[i].zone, days[i].day, days[i].n, days[i].end);
        }
}

/* 05:30 to 07:30 on the clocks: of the first day, and of no other. */
static void INV_SCHEDULEDAY_SEAM_NO_OVERLAP_001_what_runs_over_is_in_one_day(void **state) {
        World *world = *state;
        fixture_series(&world->fixture, "A", 60, 22 * MINUTE);
        fixture_asset(&world->fixture, ASSET_MOVIE, "Film", 118 * MINUTE);
        ready(world, HEAD POOLS
              "schedule:\n  all_day:\n    - block: {start: \"06:00\", end: \"05:30\", pool: a}\n"
              "    - movie_marathon: {start: \"05:30\", end: \"06:00\", movie_selector: {pool: films}, allow_bleed: "
              "true}\n");
        g_autoptr(ScheduleDay) first = compile(world, "2026-06-01", NULL), second = compile_after(world, first);
        const Programme *film = nth(first, first->programmes->len - 1);
        assert_int_equal(film->kind, ASSET_MOVIE);
        assert_int_equal(film->start_utc_ms, fixture_utc("2026-06-02T09:30:00Z"));
        assert_int_equal(first->end_utc_ms, fixture_utc("2026-06-02T11:30:00Z"));
        assert_int_equal(second->start_utc_ms, first->end_utc_ms);
        for (guint i = 0; i < second->programmes->len; i++)
                assert_string_not_equal(nth(second, i)->id, film->id);
        assert_sound(world->spec, second, first->end_utc_ms);
}

static void INV_BLEED_NO_GAP_001_what_an_overrun_covers_plays_after_it(void **state) {
        World *world = *state;
        fixture_series(&world->fixture, "A", 20, 22 * MINUTE);
        fixture_series(&world->fixture, "B", 20, 22 * MINUTE);
        fixture_asset(&world->fixture, ASSET_MOVIE, "Film", 170 * MINUTE);
        ready(world, HEAD POOLS "schedule:\n  all_day:\n    - block: {start: \"06:00\", end: \"20:00\", pool: a}\n"
                                "    - movie_marathon: {start: \"20:00\", end: \"22:00\", movie_selector: {pool: "
                                "films}, allow_bleed: true}\n"
                                "    - block: {start: \"22:00\", end: \"22:30\", pool: b}\n"
                                "    - block: {start: \"22:30\", end: \"06:00\", pool: a}\n");
        g_autoptr(ScheduleDay) day = compile(world, "2026-06-01", NULL);
        assert_sound(world->spec, day, fixture_utc("2026-06-01T10:00:00Z"));
        assert_int_equal(at(day, "2026-06-02T02:59:00Z")->kind, ASSET_MOVIE); /* until 23:00 */
        assert_string_equal(at(day, "2026-06-02T03:00:00Z")->subtitle, "B 1x01");
        assert_int_equal(at(day, "2026-06-02T03:00:00Z")->end_utc_ms, fixture_utc("2026-06-02T03:30:00Z"));
        assert_string_equal(at(day, "2026-06-02T03:30:00Z")->series, "A");
}

static void INV_SCHEDULEDAY_SEAM_NO_OVERLAP_001_today_begins_where_yesterday_ends(void **state) {
        World *world = *state;
        fixture_series(&world->fixture, "A", 40, 50 * MINUTE); /* an hour each, begun at half past */
        ready(world, HEAD POOLS "schedule:\n  all_day:\n    - block: {start: \"05:30\", end: \"05:30\", pool: a}\n");
        g_autoptr(ScheduleDay) first = compile(world, "2026-06-01", NULL), second = compile_after(world, first);
        assert_int_equal(first->start_utc_ms, fixture_utc("2026-06-01T10:00:00Z"));
        assert_int_equal(first->end_utc_ms, fixture_utc("2026-06-02T10:00:00Z"));
        ScheduleFrom late = {.carry_in_utc_ms = fixture_utc("2026-06-02T10:30:00Z"), .state = first->state_after};
        g_autoptr(ScheduleDay) after_late = compile(world, "2026-06-02", &late);
        assert_sound(world->spec, after_late, late.carry_in_utc_ms);
        assert_int_equal(after_late->end_utc_ms, fixture_utc("2026-06-03T10:30:00Z")); /* carries over in its turn */
        assert_int_equal(second->start_utc_ms, first->end_utc_ms);
}

static void layers_lie_on_top_of_each_other(void **state) {
        World *world = *state;
        fixture_series(&world->fixture, "A", 48, 22 * MINUTE);
        fixture_series(&world->fixture, "B", 48, 22 * MINUTE);
        fixture_series(&world->fixture, "C", 48, 22 * MINUTE);
        ready(world, HEAD POOLS "schedule:\n  all_day:\n    - block: {start: \"06:00\", duration: 24h, pool: a}\n"
                                "  weekends:\n    - block: {start: \"20:00\", end: \"23:00\", pool: b}\n"
                                "  saturday:\n    - block: {start: \"21:00\", end: \"22:00\", pool: c}\n");
        g_autoptr(ScheduleDay) friday = compile(world, "2026-06-05", NULL),
                               saturday = compile(world, "2026-06-06", NULL);
        g_autoptr(ScheduleDay) sunday = compile(world, "2026-06-07", NULL);
        assert_string_equal(at(friday, "2026-06-06T00:00:00Z")->series, "A");
        assert_string_equal(at(saturday, "2026-06-06T23:59:00Z")->series, "A");
        assert_string_equal(at(saturday, "2026-06-07T00:00:00Z")->series, "B");
        assert_string_equal(at(saturday, "2026-06-07T01:00:00Z")->series, "C");
        assert_string_equal(at(saturday, "2026-06-07T02:00:00Z")->series, "B");
        assert_string_equal(at(saturday, "2026-06-07T03:00:00Z")->series, "A");
        assert_string_equal(at(sunday, "2026-06-08T01:00:00Z")->series, "B");
}

static void a_movie_block_is_one_film(void **state) {
        World *world = *state;
        fixture_series(&world->fixture, "A", 48, 22 * MINUTE);
        fixture_asset(&world->fixture, ASSET_MOVIE, "Film", 100 * MINUTE);
        ready(world, HEAD POOLS "schedule:\n  all_day:\n    - block: {start: \"06:00\", duration: 24h, pool: a}\n"
                                "  monday:\n    - movie_block: {start: \"20:00\", movie_selector: {pool: films}}\n");
        g_autoptr(ScheduleDay) day = compile(world, "2026-06-01", NULL);
        assert_int_equal(at(day, "2026-06-02T00:00:00Z")->kind, ASSET_MOVIE);
        assert_string_equal(at(day, "2026-06-02T02:00:00Z")->series, "A");
        assert_string_equal(at(day, "2026-06-02T09:59:00Z")->series, "A");
}

static void INV_PLAN_ELIGIBLE_ASSETS_ONLY_001_nothing_else_is_planned(void **state) {
        World *world = *state;
        for (int i = 0; i < 6; i++) {
                Asset *asset = fixture_episode(&world->fixture, "A", 1, i + 1, 22 * MINUTE);
                asset->state = i == 1 ? ASSET_MISSING : i == 2 ? ASSET_RETIRED : i == 3 ? ASSET_REFUSED : ASSET_READY;
                asset->approved = i != 4;
                asset->duration_ms = i == 5 ? 0 : asset->duration_ms;
        }
        ready(world, HEAD POOLS "schedule: {all_day: [{block: {start: \"06:00\", duration: 24h, pool: a}}]}\n");
        g_autoptr(ScheduleDay) day = compile(world, "2026-06-01", NULL);
        for (guint i = 0; i < day->programmes->len; i++)
                assert_string_equal(nth(day, i)->subtitle, "A 1x01");
}

static void an_empty_pool_is_an_error_or_filler_as_asked(void **state) {
        World *world = *state;
        fixture_series(&world->fixture, "A", 3, 22 * MINUTE);
        ready(world, HEAD POOLS "schedule:\n  all_day:\n    - block: {start: \"06:00\", end: \"12:00\", pool: a}\n"
                                "    - block: {start: \"12:00\", end: \"06:00\", pool: b}\n");
        g_autoptr(Diag) diag = diag_new();
        assert_null(schedule_compile(world->spec, world->catalog, "2026-06-01", NULL, diag));
        g_autofree char *text = diag_text(diag);
        assert_non_null(strstr(text, "channel.yaml:11:14: pool \"b\" (used in all_day@12:00) is empty"));
        const ScheduleFrom lenient = {.allow_empty = true};
        g_autoptr(ScheduleDay) day = compile(world, "2026-06-01", &lenient);
        assert_sound(world->spec, day, fixture_utc("2026-06-01T10:00:00Z"));
        assert_int_equal(at(day, "2026-06-01T16:00:00Z")->kind, ASSET_FILLER);
}

static void a_day_compiled_around_what_is_kept_is_the_same_day(void **state) {
        World *world = *state;
        fixture_series(&world->fixture, "A", 30, 22 * MINUTE);
        fixture_series(&world->fixture, "B", 30, 50 * MINUTE);
        for (int i = 0; i < 9; i++)
                fixture_asset(&world->fixture, ASSET_MOVIE, "Film", 100 * MINUTE);
        ready(world, HEAD POOLS
              "schedule:\n  all_day:\n    - block: {start: \"06:00\", end: \"14:00\", pools: [a, b], mode: shuffle}\n"
              "    - block: {start: \"14:00\", end: \"20:00\", pool: a, mode: random}\n"
              "    - movie_marathon: {start: \"20:00\", end: \"00:30\", movie_selector: {pool: films}, allow_bleed: "
              "true}\n"
              "    - block: {start: \"00:30\", end: \"01:00\", pool: b}\n"
              "    - block: {start: \"01:00\", end: \"06:00\", pool: a}\n");
        g_autoptr(ScheduleDay) first = compile(world, "2026-06-01", NULL), second = compile_after(world, first);
        for (guint n = 0; n <= second->programmes->len; n++) {
                g_autoptr(GPtrArray) kept = g_ptr_array_new();
                for (guint i = 0; i < n; i++)
                        g_ptr_array_add(kept, second->programmes->pdata[i]);
                const ScheduleFrom from = {
                        .carry_in_utc_ms = first->end_utc_ms, .state = first->state_after, .kept = kept};
                g_autoptr(ScheduleDay) again = compile(world, "2026-06-02", &from);
                assert_string_equal(again->sha256, second->sha256);
                assert_true(json_equal(again->state_after, second->state_after));
        }
}

static void INV_SCHEDULE_IDENTITY_001_ids_are_unique_and_come_back(void **state) {
        World *world = *state;
        fixture_series(&world->fixture, "A", 5, 22 * MINUTE);
        ready(world, HEAD POOLS "schedule: {all_day: [{block: {start: \"06:00\", duration: 24h, pool: a}}]}\n");
        g_autoptr(ScheduleDay) first = compile(world, "2026-06-01", NULL), second = compile_after(world, first);
        g_autoptr(ScheduleDay) again = compile(world, "2026-06-01", NULL);
        g_autoptr(GHashTable) ids = g_hash_table_new(g_str_hash, g_str_equal);
        for (guint i = 0; i < 48; i++) {
                assert_true(g_hash_table_add(ids, nth(first, i)->id));
                assert_true(g_hash_table_add(ids, nth(second, i)->id));
                assert_string_equal(nth(first, i)->id, nth(again, i)->id);
        }
        assert_true(g_str_has_prefix(nth(first, 0)->id, "20260601T100000Z-"));
}

static void a_document_gives_the_day_back(void **state) {
        World *world = *state;
        Asset *asset = fixture_episode(&world->fixture, "A", 2, 3, 22 * MINUTE);
        asset->description = g_strdup("Ünïcode \"quoted\"\n");
        asset->rating = g_strdup("TV-PG");
        asset->year = 1984;
        g_strfreev(asset->genres);
        asset->genres = g_strsplit("Comedy,Drama", ",", -1);
        ready(world, HEAD POOLS "schedule: {all_day: [{block: {start: \"08:00\", duration: 22h, pool: a}}]}\n");
        g_autoptr(ScheduleDay) day = compile(world, "2026-06-01", NULL);
        g_autoptr(GError) error = NULL;
        json_t *document = schedule_day_json(day);
        g_autoptr(ScheduleDay) back = schedule_day_from_json(document, day->state_before, day->state_after, &error);
        assert_non_null(back);
        assert_string_equal(back->sha256, day->sha256);
        assert_int_equal(back->start_utc_ms, day->start_utc_ms);
        assert_int_equal(back->end_utc_ms, day->end_utc_ms);
        assert_string_equal(nth(back, 5)->description, "Ünïcode \"quoted\"\n");
        assert_string_equal(nth(back, 5)->genres[1], "Drama");
        json_object_del(json_array_get(json_object_get(document, "programmes"), 3), "id");
        assert_null(schedule_day_from_json(document, NULL, NULL, &error));
        assert_non_null(strstr(error->message, "2026-06-01 of one is damaged"));
        json_decref(document);
}

static void INV_SCHEDULEDAY_ONE_PER_DATE_001_a_day_replaces_its_predecessor(void **state) {
        World *world = *state;
        fixture_series(&world->fixture, "A", 5, 22 * MINUTE);
        ready(world, HEAD POOLS "schedule: {all_day: [{block: {start: \"06:00\", duration: 24h, pool: a}}]}\n");
        g_autofree char *path = g_build_filename(world->fixture.dir, "x.db", NULL);
        g_autoptr(GError) error = NULL;
        g_autoptr(Store) store = store_open(path, &error);
        assert_non_null(store);
        g_autoptr(ScheduleDay) first = compile(world, "2026-06-01", NULL), second = compile_after(world, first);
        assert_true(schedule_store_put(store, first, &error));
        assert_true(schedule_store_put(store, second, &error));
        g_autoptr(ScheduleDay) other = compile(world, "2026-06-01", &(ScheduleFrom){.state = second->state_after});
        assert_string_not_equal(other->sha256, first->sha256);
        assert_true(schedule_store_put(store, other, &error));
        g_autoptr(GPtrArray) replaced = schedule_store_days(store, "one", "2026-06-01", &error);
        assert_int_equal(replaced->len, 2);
        assert_string_equal(((ScheduleDay *)replaced->pdata[0])->sha256, other->sha256);
        assert_true(schedule_store_put(store, first, &error));
        g_autoptr(GPtrArray) days = schedule_store_days(store, "one", "2026-06-01", &error);
        assert_int_equal(days->len, 2);
        assert_string_equal(((ScheduleDay *)days->pdata[0])->sha256, first->sha256);
        assert_true(json_equal(((ScheduleDay *)days->pdata[1])->state_before, first->state_after));
        assert_true(schedule_store_purge(store, "one", "2026-06-02", &error));
        g_autoptr(ScheduleDay) last = NULL;
        assert_true(schedule_store_last(store, "one", &last, &error));
        assert_string_equal(last->day, "2026-06-02");
        assert_true(schedule_store_truncate(store, "one", "2026-06-01", &error));
        g_autoptr(ScheduleDay) none = NULL;
        assert_true(schedule_store_last(store, "one", &none, &error));
        assert_null(none);
}

/* --- property -------------------------------------------------------------------------------------------------------
 */

static void add_entry(GString *yaml, GRand *rand, int grid, int start, int length) {
        static const char *const pools[] = {"a", "b", "[a, b]", "[a, b, c]"};
        static const char *const modes[] = {"sequential", "shuffle", "random"};
        const int end = (start + length) % 1440;
        if (g_rand_int_range(rand, 0, 4) == 0)
                g_string_append_printf(
                        yaml,
                        "    - movie_marathon: {start: \"%02d:%02d\", end: \"%02d:%02d\", allow_bleed: %s, "
                        "movie_selector: {pool: films, min_cooldown_days: %d}}\n",
                        start / 60, start % 60, end / 60, end % 60, g_rand_boolean(rand) ? "true" : "false",
                        g_rand_int_range(rand, 0, 3));
        else
                g_string_append_printf(yaml,
                                       "    - block: {start: \"%02d:%02d\", end: \"%02d:%02d\", pool: %s, mode: %s, "
                                       "allow_bleed: %s}\n",
                                       start / 60, start % 60, end / 60, end % 60, pools[g_rand_int_range(rand, 0, 4)],
                                       modes[g_rand_int_range(rand, 0, 3)], g_rand_boolean(rand) ? "true" : "false");
}

/* Entries one after the other from a random time on, some of the day left open, at most a day in all. */
static void add_layer(GString *yaml, GRand *rand, int grid, const char *name) {
        int at = g_rand_int_range(rand, 0, 1440 / grid) * grid, left = 1440;
        g_string_append_printf(yaml, "  %s:\n", name);
        do {
                const int wanted = g_rand_int_range(rand, 1, 600 / grid) * grid, length = MIN(left, wanted);
                add_entry(yaml, rand, grid, at % 1440, length);
                const int pause = g_rand_int_range(rand, 0, 3) * grid;
                at += length + pause;
                left -= length + pause;
        } while (left > 0 && g_rand_int_range(rand, 0, 5) > 0);
}

static char *random_yaml_for(GRand *rand, const char *zone) {
        static const int grids[] = {5, 10, 15, 30};
        static const char *const layers[] = {"weekdays", "weekends", "friday", "sunday"};
        const int grid = grids[g_rand_int_range(rand, 0, 4)];
        GString *yaml = g_string_new(NULL);
        g_string_append_printf(yaml, "channel: one\ntimezone: %s\nformat: {grid_minutes: %d}\n" POOLS "schedule:\n",
                               zone, grid);
        add_layer(yaml, rand, grid, "all_day");
        for (size_t i = 0; i < G_N_ELEMENTS(layers); i++)
                if (g_rand_boolean(rand))
                        add_layer(yaml, rand, grid, layers[i]);
        return g_string_free(yaml, false);
}

/* Whatever the schedule: a fortnight over a change of clock has neither gap nor overlap, and comes out the same twice.
 */
static void INV_SCHEDULEDAY_NO_GAPS_001_any_schedule_over_any_change_of_clock(void **state) {
        static const struct {
                const char *zone, *day;
        } cases[] = {{"America/New_York", "2026-03-02"},    {"America/New_York", "2026-10-26"},
                     {"Europe/Berlin", "2026-03-23"},       {"Europe/Berlin", "2026-10-19"},
                     {"Australia/Lord_Howe", "2026-03-30"}, {"Australia/Lord_Howe", "2026-09-28"}};
        World *world = *state;
        GRand *rand = chance_new();
        for (int i = 0; i < 25; i++) {
                fixture_episode(&world->fixture, "A", 1, i, g_rand_int_range(rand, 1, 70) * MINUTE);
                fixture_episode(&world->fixture, "B", 1, i, g_rand_int_range(rand, 1, 130) * MINUTE);
                fixture_episode(&world->fixture, "C", 1, i, g_rand_int_range(rand, 1, 30) * MINUTE);
                fixture_asset(&world->fixture, ASSET_MOVIE, "Film", g_rand_int_range(rand, 60, 200) * MINUTE);
        }
        world->catalog = fixture_catalog(&world->fixture);
        for (int round = 0; round < 60; round++) {
                const size_t c = (size_t)round % G_N_ELEMENTS(cases);
                g_autofree char *yaml = random_yaml_for(rand, cases[c].zone);
                world->spec = fixture_spec(&world->fixture, yaml);
                g_autoptr(ScheduleDay) day = compile(world, cases[c].day, NULL);
                assert_sound(world->spec, day, day->start_utc_ms);
                for (int i = 0; i < 14; i++) {
                        g_autoptr(ScheduleDay) next = compile_after(world, day), again = compile_after(world, day);
                        assert_sound(world->spec, next, day->end_utc_ms);
                        assert_string_equal(next->sha256, again->sha256);
                        schedule_day_free(day);
                        day = g_steal_pointer(&next);
                }
                g_clear_pointer(&world->spec, channel_spec_unref);
        }
        g_rand_free(rand);
}

#define T(f) cmocka_unit_test_setup_teardown(f, world_set_up, world_tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                T(INV_SCHEDULE_SEQUENTIAL_ADVANCE_001_the_next_day_goes_on),
                T(INV_SCHEDULE_SEQUENTIAL_ADVANCE_001_a_vanished_asset_is_no_new_beginning),
                T(shuffle_is_a_round_robin),
                T(several_pools_in_order_have_their_turns),
                T(INV_SCHEDULE_SEED_DETERMINISTIC_001_same_seed_same_day_other_day_other_order),
                T(random_does_not_repeat_before_all_were_seen),
                T(films_do_not_repeat_within_their_cooldown),
                T(INV_MARATHON_CROSSMIDNIGHT_001_a_window_until_six_is_full),
                T(INV_MARATHON_CROSSMIDNIGHT_001_the_hours_after_midnight_come_last),
                T(INV_SCHEDULEDAY_NO_GAPS_001_what_nothing_fills_is_filler),
                T(INV_BLEED_NO_GAP_001_what_an_overrun_covers_plays_after_it),
                T(INV_SCHEDULEDAY_SEAM_NO_OVERLAP_001_today_begins_where_yesterday_ends),
                T(INV_SCHEDULEDAY_SEAM_NO_OVERLAP_001_what_runs_over_is_in_one_day),
                T(INV_SCHEDULE_BROADCAST_DAY_SEMANTIC_CONSISTENCY_half_hours_of_unusual_days),
                T(layers_lie_on_top_of_each_other),
                T(a_movie_block_is_one_film),
                T(INV_PLAN_ELIGIBLE_ASSETS_ONLY_001_nothing_else_is_planned),
                T(an_empty_pool_is_an_error_or_filler_as_asked),
                T(a_day_compiled_around_what_is_kept_is_the_same_day),
                T(INV_SCHEDULE_IDENTITY_001_ids_are_unique_and_come_back),
                T(a_document_gives_the_day_back),
                T(INV_SCHEDULEDAY_ONE_PER_DATE_001_a_day_replaces_its_predecessor),
                T(INV_SCHEDULEDAY_NO_GAPS_001_any_schedule_over_any_change_of_clock),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
