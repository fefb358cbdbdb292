#include "tests/core/traffic_fixture.h"

static int64_t slot_at(int n) {
        return fixture_utc(DAY_START) + n * SLOT;
}

static void INV_TRAFFIC_STRUCTURE_001_bumper_spots_station_id(void **state) {
        TrafficWorld *world = *state;
        traffic_spots(world, ASSET_BUMPER, "Bumper", 3, 5000);
        traffic_spots(world, ASSET_STATION_ID, "Id", 2, 10000);
        traffic_spots(world, ASSET_COMMERCIAL, "Spot", 20, 29000);
        traffic_ready(world, "  default_cooldown_seconds: 60\n");
        g_autoptr(GArray) items = traffic_fill_at(world, slot_at(0));
        g_autofree char *text = traffic_text(items);
        g_auto(GStrv) breaks = g_strsplit(text, "; ", -1);
        assert_int_equal(g_strv_length(breaks), 3);
        for (guint i = 0; i < 3; i++) {
                g_auto(GStrv) spots = g_strsplit(breaks[i], ",", -1);
                assert_int_equal(g_strv_length(spots), 7);
                assert_true(g_str_has_prefix(spots[0], "Bumper"));
                for (guint j = 1; j < 6; j++)
                        assert_true(g_str_has_prefix(spots[j], "Spot"));
                assert_true(g_str_has_prefix(spots[6], "Id"));
        }
}

static void INV_TRAFFIC_STRUCTURE_001_a_bumper_closes_where_there_is_no_station_id(void **state) {
        TrafficWorld *world = *state;
        traffic_spots(world, ASSET_BUMPER, "Bumper", 2, 5000);
        traffic_spots(world, ASSET_PROMO, "Promo", 20, 30000);
        traffic_ready(world, "  max_plays_per_day: 0\n");
        g_autoptr(GArray) items = traffic_fill_at(world, slot_at(0));
        assert_int_equal(traffic_plays_of(items, "Bumper"), 6);
}

static void INV_TRAFFIC_STRUCTURE_001_ends_are_what_the_file_says(void **state) {
        TrafficWorld *world = *state;
        traffic_spots(world, ASSET_BUMPER, "Bumper", 2, 5000);
        traffic_spots(world, ASSET_STINGER, "Sting", 2, 5000);
        traffic_spots(world, ASSET_PROMO, "Promo", 20, 30000);
        traffic_ready(world, "  structure: {open: stinger, close: none}\n");
        g_autoptr(GArray) items = traffic_fill_at(world, slot_at(0));
        assert_true(g_str_has_prefix(traffic_item(items, 1)->asset->title, "Sting"));
        assert_int_equal(traffic_plays_of(items, "Sting"), 3);
}

static void INV_TRAFFIC_STRUCTURE_001_types_have_their_shares(void **state) {
        TrafficWorld *world = *state;
        traffic_spots(world, ASSET_COMMERCIAL, "Spot", 30, 15000);
        traffic_spots(world, ASSET_PROMO, "Promo", 30, 15000);
        traffic_spots(world, ASSET_PSA, "Psa", 30, 15000);
        traffic_ready(world, "  structure: {body: {commercial: 70, promo: 30}}\n");
        unsigned spots = 0, promos = 0;
        for (int i = 0; i < 20; i++) {
                g_autoptr(GArray) items = traffic_fill_at(world, slot_at(i));
                spots += traffic_plays_of(items, "Spot");
                promos += traffic_plays_of(items, "Promo");
                assert_int_equal(traffic_plays_of(items, "Psa"), 0); /* has no share */
        }
        assert_int_equal(spots + promos, 20 * 30);
        assert_in_range(spots * 100 / (spots + promos), 67, 73);
}

static void INV_TRAFFIC_STRUCTURE_001_ends_stand_around_something(void **state) {
        TrafficWorld *world = *state;
        traffic_spots(world, ASSET_BUMPER, "Bumper", 2, 5000);
        traffic_spots(world, ASSET_PROMO, "Promo", 1, 200000); /* too long for any break */
        traffic_ready(world, "  max_plays_per_day: 0\n");
        g_autoptr(GArray) items = traffic_fill_at(world, slot_at(0));
        g_autofree char *text = traffic_text(items);
        assert_string_equal(text, "");
        assert_int_equal(items->len, 7); /* four acts, three pads */
        for (guint i = 0; i < world->catalog->n_assets; i++)
                assert_int_equal(traffic_history_count(world->history, world->catalog->assets[i]->id, 0), 0);
}

/* Three breaks of 160 s. */
static void INV_TRAFFIC_STRUCTURE_001_a_short_break_goes_without_an_end_or_both(void **state) {
        TrafficWorld *world = *state;
        traffic_spots(world, ASSET_BUMPER, "Bumper", 3, 50000);
        traffic_spots(world, ASSET_STATION_ID, "Id", 3, 50000);
        traffic_spots(world, ASSET_COMMERCIAL, "Spot", 9, 100000);
        traffic_spots(world, ASSET_PROMO, "Promo", 9, 155000);
        traffic_ready(world, "  max_plays_per_day: 1\n");
        g_autoptr(GArray) first = traffic_fill_at(world, slot_at(0));
        assert_int_equal(traffic_plays_of(first, "Bumper"), 3);
        assert_int_equal(traffic_plays_of(first, "Spot"), 3);
        assert_int_equal(traffic_plays_of(first, "Id"), 0);
        unsigned spots = 3, promos = 0;
        for (int i = 1; i < 6; i++) { /* bumpers are used up */
                g_autoptr(GArray) items = traffic_fill_at(world, slot_at(i));
                spots += traffic_plays_of(items, "Spot");
                promos += traffic_plays_of(items, "Promo");
        }
        assert_int_equal(spots, 9);
        assert_int_equal(promos, 9);
}

static void a_library_of_bumpers_has_breaks_of_bumpers(void **state) {
        TrafficWorld *world = *state;
        traffic_spots(world, ASSET_BUMPER, "Bumper", 9, 20000);
        traffic_ready(world, "  max_plays_per_day: 0\n");
        g_autoptr(GArray) items = traffic_fill_at(world, slot_at(0));
        assert_int_equal(traffic_plays_of(items, "Bumper"), 24);
}

static void filler_stands_before_the_close(void **state) {
        TrafficWorld *world = *state;
        traffic_spots(world, ASSET_BUMPER, "Bumper", 4, 5000);
        traffic_spots(world, ASSET_PROMO, "Promo", 3, 30000);
        traffic_spots(world, ASSET_FILLER, "Loop", 1, 60000);
        traffic_ready(world, "  default_cooldown_seconds: 600\n  type_cooldowns: {bumper: 0}\n");
        g_autoptr(GArray) items = traffic_fill_at(world, slot_at(0));
        g_autofree char *text = traffic_text(items);
        g_auto(GStrv) breaks = g_strsplit(text, "; ", -1);
        assert_true(g_str_has_prefix(breaks[0], "Bumper"));
        assert_non_null(strstr(breaks[0], ",Loop 0,Bumper"));
        assert_string_equal(breaks[1], "Loop 0,Loop 0,Loop 0"); /* all promos have just played: no ends around filler */
}

static void INV_TRAFFIC_NO_REPEAT_001_not_twice_in_a_break_while_there_is_another(void **state) {
        TrafficWorld *world = *state;
        traffic_spots(world, ASSET_COMMERCIAL, "Spot", 5, 30000);
        traffic_spots(world, ASSET_PROMO, "Promo", 1, 10000);
        traffic_ready(world, "  structure: {body: {commercial: 1, promo: 99}}\n");
        for (int slot = 0; slot < 5; slot++) {
                g_autoptr(GArray) items = traffic_fill_at(world, slot_at(slot));
                g_autofree char *text = traffic_text(items);
                g_auto(GStrv) breaks = g_strsplit(text, "; ", -1);
                for (char **one = breaks; *one; one++) {
                        g_auto(GStrv) spots = g_strsplit(*one, ",", -1);
                        g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
                        for (char **spot = spots; *spot; spot++)
                                assert_true(g_hash_table_add(seen, *spot));
                        assert_int_equal(g_strv_length(spots), 6); /* 5 x 30 s and 10 s */
                }
        }
}

static void INV_TRAFFIC_NO_REPEAT_001_none_next_to_itself_across_breaks_and_programmes(void **state) {
        TrafficWorld *world = *state;
        traffic_spots(world, ASSET_COMMERCIAL, "Spot", 2, 80000);
        traffic_ready(world, "  max_plays_per_day: 0\n");
        const Asset *last = NULL;
        for (int slot = 0; slot < 10; slot++) {
                g_autoptr(GArray) items = traffic_fill_at(world, slot_at(slot));
                for (guint i = 0; i < items->len; i++) {
                        const TrafficItem *item = traffic_item(items, i);
                        if (item->content || !item->asset)
                                continue;
                        assert_ptr_not_equal(item->asset, last);
                        last = item->asset;
                }
                assert_int_equal(traffic_plays_of(items, "Spot"), 6);
        }
}

static void one_spot_and_no_rules_against_it_fills_every_break(void **state) {
        TrafficWorld *world = *state;
        traffic_spots(world, ASSET_COMMERCIAL, "Spot", 1, 80000);
        traffic_ready(world, "  max_plays_per_day: 0\n");
        g_autoptr(GArray) items = traffic_fill_at(world, slot_at(0));
        assert_int_equal(traffic_plays_of(items, "Spot"), 6);
}

static void INV_TRAFFIC_CAPS_001_breaks_and_hours_have_caps(void **state) {
        TrafficWorld *world = *state;
        traffic_spots(world, ASSET_COMMERCIAL, "Spot", 40, 20000);
        traffic_spots(world, ASSET_PROMO, "Promo", 40, 20000);
        traffic_ready(world, "  caps:\n"
                             "    spots: {per_break: 5}\n"
                             "    commercial: {per_break: 3, per_hour: 8}\n"
                             "    promo: {seconds_per_hour: 120}\n");
        unsigned spots = 0, promos = 0;
        for (int slot = 0; slot < 4; slot++) { /* two hours */
                g_autoptr(GArray) items = traffic_fill_at(world, slot_at(slot));
                g_autofree char *text = traffic_text(items);
                g_auto(GStrv) breaks = g_strsplit(text, "; ", -1);
                for (char **one = breaks; *one; one++) {
                        g_auto(GStrv) of = g_strsplit(*one, "Spot", -1), all = g_strsplit(*one, ",", -1);
                        assert_in_range(g_strv_length(of), 1, 4);
                        assert_in_range(g_strv_length(all), 1, 5);
                }
                spots += traffic_plays_of(items, "Spot");
                promos += traffic_plays_of(items, "Promo");
        }
        assert_int_equal(spots, 16);
        assert_int_equal(promos, 12);
}

static void INV_TRAFFIC_CAPS_001_a_spot_has_its_hour(void **state) {
        TrafficWorld *world = *state;
        traffic_spots(world, ASSET_COMMERCIAL, "Spot", 2, 30000);
        traffic_ready(world, "  max_plays_per_hour: 2\n");
        g_autoptr(GArray) first = traffic_fill_at(world, slot_at(0)), second = traffic_fill_at(world, slot_at(1));
        g_autoptr(GArray) third = traffic_fill_at(world, slot_at(2));
        assert_int_equal(traffic_plays_of(first, "Spot"), 4);
        assert_int_equal(traffic_plays_of(second, "Spot"), 0);
        assert_int_equal(traffic_plays_of(third, "Spot"), 4);
}

static void INV_TRAFFIC_SEPARATION_001_rivals_and_the_same_advertiser_are_kept_apart(void **state) {
        TrafficWorld *world = *state;
        traffic_spots(world, ASSET_COMMERCIAL, "Cola", 4, 30000);
        traffic_spots(world, ASSET_COMMERCIAL, "Pop", 4, 30000);
        traffic_spots(world, ASSET_COMMERCIAL, "Car", 4, 30000);
        traffic_ready(world,
                      "  separation: {advertiser_seconds: 900, category_seconds: 600}\n"
                      "  inventories:\n"
                      "    cola: {assets: [Cola 0, Cola 1, Cola 2, Cola 3], advertiser: Cola Inc, category: drinks}\n"
                      "    pop: {assets: [Pop 0, Pop 1, Pop 2, Pop 3], advertiser: Pop Ltd, category: drinks}\n"
                      "    car: {assets: [Car 0, Car 1, Car 2, Car 3], advertiser: Cars, category: cars}\n");
        int64_t last_drink = INT64_MIN / 2, last_cola = INT64_MIN / 2, last_car = INT64_MIN / 2;
        unsigned n = 0;
        for (int slot = 0; slot < 10; slot++) {
                int64_t at = slot_at(slot);
                g_autoptr(GArray) items = traffic_fill_at(world, at);
                for (guint i = 0; i < items->len; at += traffic_item(items, i)->duration_ms, i++) {
                        const Asset *asset = traffic_item(items, i)->asset;
                        if (!asset || asset->kind != ASSET_COMMERCIAL)
                                continue;
                        n++;
                        if (g_str_has_prefix(asset->title, "Car")) {
                                assert_true(at - last_car >= 900000);
                                last_car = at;
                                continue;
                        }
                        assert_true(at - last_drink >= 600000);
                        last_drink = at;
                        if (g_str_has_prefix(asset->title, "Cola")) {
                                assert_true(at - last_cola >= 900000);
                                last_cola = at;
                        }
                }
        }
        assert_true(n >= 30); /* and yet they do play */
}

static void INV_TRAFFIC_DAYPART_001_rules_change_with_the_hour(void **state) {
        TrafficWorld *world = *state;
        traffic_spots(world, ASSET_COMMERCIAL, "Beer", 10, 30000);
        traffic_spots(world, ASSET_COMMERCIAL, "Toy", 10, 30000);
        traffic_spots(world, ASSET_PROMO, "Promo", 10, 30000);
        traffic_ready(world,
                      "  inventories:\n"
                      "    beer: {assets: [Beer 0, Beer 1, Beer 2, Beer 3, Beer 4, Beer 5, Beer 6, Beer 7, Beer 8, "
                      "Beer 9], category: alcohol}\n"
                      "  dayparts:\n"
                      "    children: {start: \"06:00\", end: \"20:00\", days: weekdays, barred_categories: alcohol}\n"
                      "    night: {start: \"23:00\", end: \"02:00\", allowed_types: [promo]}\n");
        unsigned beer[48] = {0}, toy[48] = {0};
        for (int slot = 0; slot < 48; slot++) { /* Monday, 06:00 to 06:00 */
                g_autoptr(GArray) items = traffic_fill_at(world, slot_at(slot));
                beer[slot] = traffic_plays_of(items, "Beer");
                toy[slot] = traffic_plays_of(items, "Toy");
        }
        unsigned evening = 0, late = 0;
        for (int slot = 0; slot < 48; slot++) {
                const bool night = slot >= 34 && slot < 40;
                if (night)
                        assert_int_equal(toy[slot], 0);
                if (night || slot < 28)
                        assert_int_equal(beer[slot], 0);
                *(night || slot < 34 ? &evening : &late) += beer[slot];
        }
        assert_true(evening > 0 && late > 0);
        g_autoptr(GArray) saturday = traffic_fill_at(world, slot_at(5 * 48));
        assert_true(traffic_plays_of(saturday, "Beer") > 0);
}

/* --- campaigns ------------------------------------------------------------------------------------------------------
 */

/* Plays by day of spots whose title begins so, for n days from the first; all days are filled. */
static void count_days(TrafficWorld *world, const char *title, int n, unsigned *counts) {
        for (int day = 0; day < n; day++) {
                counts[day] = 0;
                for (int slot = 0; slot < 48; slot++) {
                        g_autoptr(GArray) items = traffic_fill_at(world, slot_at(day * 48 + slot));
                        counts[day] += traffic_plays_of(items, title);
                }
        }
}

static void INV_TRAFFIC_CAMPAIGN_001_a_goal_is_reached_evenly_within_the_flight(void **state) {
        TrafficWorld *world = *state;
        traffic_spots(world, ASSET_COMMERCIAL, "Soap", 3, 30000);
        traffic_spots(world, ASSET_COMMERCIAL, "House", 20, 30000);
        traffic_ready(
                world,
                "  campaigns:\n"
                "    soap: {assets: [Soap 0, Soap 1, Soap 2], flight: 2026-06-02..2026-06-05, goal_plays: 100}\n");
        unsigned counts[6];
        count_days(world, "Soap", 6, counts);
        assert_int_equal(counts[0], 0);
        for (int day = 1; day <= 4; day++)
                assert_in_range(counts[day], 24, 26);
        assert_int_equal(counts[1] + counts[2] + counts[3] + counts[4], 100);
        assert_int_equal(counts[5], 0);
}

/* With nothing else to show there would be filler: the campaign runs ahead, by a day at most. */
static void INV_TRAFFIC_CAMPAIGN_001_ahead_of_its_pace_rather_than_filler(void **state) {
        TrafficWorld *world = *state;
        traffic_spots(world, ASSET_COMMERCIAL, "Soap", 8, 30000);
        fixture_asset(&world->fixture, ASSET_FILLER, "Loop", 60000);
        traffic_ready(world, "  campaigns:\n"
                             "    soap: {inventory: soap, flight: 2026-06-02..2026-06-05, goal_plays: 100}\n"
                             "  inventories: {soap: {assets: [Soap 0, Soap 1, Soap 2, Soap 3, Soap 4, Soap 5, Soap 6, "
                             "Soap 7]}}\n");
        unsigned counts[6], sum = 0;
        count_days(world, "Soap", 6, counts);
        assert_int_equal(counts[0], 0);
        for (unsigned day = 1; day <= 4; day++) {
                sum += counts[day];
                assert_in_range(sum, MIN(25 * day + 24, 100), MIN(25 * (day + 1) + 1, 100));
        }
        assert_int_equal(counts[5], 0);
}

static void INV_TRAFFIC_CAMPAIGN_001_asap_and_daily_cap(void **state) {
        TrafficWorld *world = *state;
        traffic_spots(world, ASSET_COMMERCIAL, "Soap", 3, 30000);
        traffic_spots(world, ASSET_COMMERCIAL, "House", 20, 30000);
        traffic_ready(world, "  inventories: {soap: {assets: [Soap 0, Soap 1, Soap 2]}}\n"
                             "  campaigns:\n"
                             "    soap: {inventory: soap, goal_plays: 100, pacing: asap, max_plays_per_day: 40, "
                             "max_plays_per_hour: 4}\n");
        unsigned counts[4];
        count_days(world, "Soap", 4, counts);
        assert_int_equal(counts[0], 40);
        assert_int_equal(counts[1], 40);
        assert_int_equal(counts[2], 20);
        assert_int_equal(counts[3], 0);
}

static void INV_TRAFFIC_CAMPAIGN_001_what_nobody_saw_is_made_good(void **state) {
        TrafficWorld *world = *state;
        traffic_spots(world, ASSET_COMMERCIAL, "Soap", 1, 30000);
        traffic_ready(world, "  campaigns: {soap: {assets: Soap 0, goal_plays: 6, pacing: asap}}\n");
        g_autofree char *path = g_build_filename(world->fixture.dir, "x.db", NULL);
        g_autoptr(Store) store = store_open(path, NULL);
        assert_true(traffic_history_take_up(world->history, store, world->spec, slot_at(0), NULL));
        g_autoptr(GArray) first = traffic_fill_at(world, slot_at(0));
        assert_int_equal(traffic_plays_of(first, "Soap"), 6); /* all breaks: there is nothing else */
        g_autoptr(GArray) second = traffic_fill_at(world, slot_at(1));
        assert_int_equal(traffic_plays_of(second, "Soap"), 0);
        const Asset *soap = NULL;
        int64_t at = slot_at(0);
        for (guint i = 0, n = 0; i < first->len && n < 4; at += traffic_item(first, i)->duration_ms, i++)
                if (traffic_item(first, i)->asset && !traffic_item(first, i)->content) {
                        soap = traffic_item(first, i)->asset;
                        traffic_history_note(world->history, soap->id, at,
                                             n++ < 3 ? TRAFFIC_PLAY_AIRED : TRAFFIC_PLAY_LOST);
                }
        assert_true(traffic_history_take_up(world->history, store, world->spec, slot_at(2), NULL));
        g_autoptr(GArray) third = traffic_fill_at(world, slot_at(2));
        assert_int_equal(traffic_plays_of(third, "Soap"), 3); /* three aired; one was lost, two were not seen */
}

static void INV_TRAFFIC_CAMPAIGN_001_priority_then_weight(void **state) {
        TrafficWorld *world = *state;
        traffic_spots(world, ASSET_COMMERCIAL, "Gold", 1, 40000);
        traffic_spots(world, ASSET_COMMERCIAL, "Two", 6, 20000);
        traffic_spots(world, ASSET_COMMERCIAL, "One", 6, 20000);
        traffic_spots(world, ASSET_COMMERCIAL, "House", 6, 20000);
        traffic_ready(world, "  campaigns:\n"
                             "    two: {assets: [Two 0, Two 1, Two 2, Two 3, Two 4, Two 5], weight: 2}\n"
                             "    one: {assets: [One 0, One 1, One 2, One 3, One 4, One 5]}\n"
                             "    gold: {assets: Gold 0, priority: 9}\n");
        unsigned two = 0, one = 0, gold = 0, house = 0;
        for (int slot = 0; slot < 10; slot++) {
                g_autoptr(GArray) items = traffic_fill_at(world, slot_at(slot));
                two += traffic_plays_of(items, "Two");
                one += traffic_plays_of(items, "One");
                gold += traffic_plays_of(items, "Gold");
                house += traffic_plays_of(items, "House");
        }
        assert_int_equal(gold, 30); /* once in each break */
        assert_int_equal(house, 0);
        assert_int_equal(two, 120);
        assert_int_equal(one, 60);
}

static void INV_TRAFFIC_CAMPAIGN_001_only_in_its_dayparts(void **state) {
        TrafficWorld *world = *state;
        traffic_spots(world, ASSET_COMMERCIAL, "Soap", 3, 30000);
        traffic_ready(world, "  dayparts: {prime: {start: \"20:00\", end: \"23:00\"}}\n"
                             "  campaigns: {soap: {assets: \"*-commercial.mp4\", dayparts: prime}}\n");
        for (int slot = 0; slot < 48; slot++) {
                g_autoptr(GArray) items = traffic_fill_at(world, slot_at(slot));
                assert_int_equal(traffic_plays_of(items, "Soap") > 0, slot >= 28 && slot < 34);
        }
}

#define T(f) cmocka_unit_test_setup_teardown(f, traffic_set_up, traffic_tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                T(INV_TRAFFIC_STRUCTURE_001_bumper_spots_station_id),
                T(INV_TRAFFIC_STRUCTURE_001_a_bumper_closes_where_there_is_no_station_id),
                T(INV_TRAFFIC_STRUCTURE_001_ends_are_what_the_file_says),
                T(INV_TRAFFIC_STRUCTURE_001_types_have_their_shares),
                T(INV_TRAFFIC_STRUCTURE_001_ends_stand_around_something),
                T(INV_TRAFFIC_STRUCTURE_001_a_short_break_goes_without_an_end_or_both),
                T(a_library_of_bumpers_has_breaks_of_bumpers),
                T(filler_stands_before_the_close),
                T(INV_TRAFFIC_NO_REPEAT_001_not_twice_in_a_break_while_there_is_another),
                T(INV_TRAFFIC_NO_REPEAT_001_none_next_to_itself_across_breaks_and_programmes),
                T(one_spot_and_no_rules_against_it_fills_every_break),
                T(INV_TRAFFIC_CAPS_001_breaks_and_hours_have_caps),
                T(INV_TRAFFIC_CAPS_001_a_spot_has_its_hour),
                T(INV_TRAFFIC_SEPARATION_001_rivals_and_the_same_advertiser_are_kept_apart),
                T(INV_TRAFFIC_DAYPART_001_rules_change_with_the_hour),
                T(INV_TRAFFIC_CAMPAIGN_001_a_goal_is_reached_evenly_within_the_flight),
                T(INV_TRAFFIC_CAMPAIGN_001_ahead_of_its_pace_rather_than_filler),
                T(INV_TRAFFIC_CAMPAIGN_001_asap_and_daily_cap),
                T(INV_TRAFFIC_CAMPAIGN_001_what_nobody_saw_is_made_good),
                T(INV_TRAFFIC_CAMPAIGN_001_priority_then_weight),
                T(INV_TRAFFIC_CAMPAIGN_001_only_in_its_dayparts),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
