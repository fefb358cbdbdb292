/* Any policy, pool and history: what comes out is judged by an auditor who knows the rules and not how they are kept.
 */
#include "tests/core/traffic_fixture.h"
#include "tests/support/chance.h"

#define N_BLOCKS 60

typedef struct {
        int cooldown_s, promo_cooldown_s, per_day, per_hour, kind_per_break, kind_per_hour, advertiser_s, category_s;
        int n_campaigns, goal;
        bool shares;
} Rules;

typedef struct {
        int64_t start_utc_ms, duration_ms;
        const Asset *asset;
        int number_in_break;
} Play;

static int one_of(GRand *rand, const int *values, int n) {
        return values[g_rand_int_range(rand, 0, n)];
}
#define ONE_OF(rand, ...) one_of(rand, (const int[]){__VA_ARGS__}, (int)(sizeof((int[]){__VA_ARGS__}) / sizeof(int)))

static Rules random_rules(GRand *rand) {
        return (Rules){.cooldown_s = ONE_OF(rand, 0, 0, 60, 600, 3600, 20000),
                       .promo_cooldown_s = ONE_OF(rand, 0, 300, 7200),
                       .per_day = ONE_OF(rand, 0, 0, 1, 3, 12),
                       .per_hour = ONE_OF(rand, 0, 0, 1, 2),
                       .kind_per_break = ONE_OF(rand, 0, 0, 1, 4),
                       .kind_per_hour = ONE_OF(rand, 0, 0, 3, 10),
                       .advertiser_s = ONE_OF(rand, 0, 0, 120, 1200),
                       .category_s = ONE_OF(rand, 0, 0, 60, 900),
                       .n_campaigns = ONE_OF(rand, 0, 1, 3),
                       .goal = ONE_OF(rand, 1, 10, 50),
                       .shares = g_rand_boolean(rand)};
}

/* Assets "k-0" to "k-3" are of advertiser and category k; campaign i has those of k = i. */
static char *policy_text(const Rules *rules) {
        GString *text = g_string_new(NULL);
        g_string_append_printf(text,
                               "  default_cooldown_seconds: %d\n  type_cooldowns: {promo: %d}\n"
                               "  max_plays_per_day: %d\n  max_plays_per_hour: %d\n"
                               "  caps: {commercial: {per_break: %d, per_hour: %d}}\n"
                               "  separation: {advertiser_seconds: %d, category_seconds: %d}\n",
                               rules->cooldown_s, rules->promo_cooldown_s, rules->per_day, rules->per_hour,
                               rules->kind_per_break, rules->kind_per_hour, rules->advertiser_s, rules->category_s);
        if (rules->shares)
                g_string_append(text, "  structure: {body: {commercial: 60, promo: 25, psa: 15}}\n");
        g_string_append(text, "  inventories:\n");
        for (int k = 0; k < 6; k++)
                g_string_append_printf(text, "    i%d: {tags: t%d, advertiser: a%d, category: c%d}\n", k, k, k, k);
        for (int i = 0; i < rules->n_campaigns; i++)
                g_string_append_printf(
                        text,
                        "%s    c%d: {inventory: i%d, goal_plays: %d, flight: 2026-06-01..2026-06-01, weight: %d}\n",
                        i == 0 ? "  campaigns:\n" : "", i, i, rules->goal, i + 1);
        return g_string_free(text, false);
}

static void random_pool(TrafficWorld *world, GRand *rand) {
        static const AssetKind kinds[] = {ASSET_COMMERCIAL, ASSET_COMMERCIAL, ASSET_PROMO, ASSET_PSA,
                                          ASSET_BUMPER,     ASSET_STATION_ID, ASSET_FILLER};
        const int n = g_rand_int_range(rand, 0, 60);
        for (int i = 0; i < n; i++) {
                const AssetKind kind = kinds[g_rand_int_range(rand, 0, G_N_ELEMENTS(kinds))];
                Asset *asset = fixture_asset(&world->fixture, kind, "Spot", g_rand_int_range(rand, 900, 61000));
                g_strfreev(asset->tags);
                asset->tags = g_new0(char *, 2);
                asset->tags[0] = g_strdup_printf("t%d", g_rand_int_range(rand, 0, 9)); /* of nobody from 6 on */
        }
}

static void read_plays(GArray *plays, const GArray *items, int64_t at) {
        int number = 0;
        for (guint i = 0; i < items->len; at += traffic_item(items, i)->duration_ms, i++) {
                const TrafficItem *item = traffic_item(items, i);
                assert_true(item->duration_ms > 0);
                if (item->content)
                        number = 0;
                if (item->content || !item->asset || item->asset->kind == ASSET_FILLER)
                        continue;
                const Play play = {at, item->duration_ms, item->asset, number++};
                assert_int_equal(item->duration_ms, item->asset->duration_ms);
                g_array_append_val(plays, play);
        }
}

static int group_of(const Asset *asset) {
        const int group = asset->tags[0][1] - '0';
        return group < 6 ? group : -1;
}

static int64_t cooldown_ms(const Rules *rules, const Asset *asset) {
        return 1000 * (int64_t)(asset->kind == ASSET_PROMO ? rules->promo_cooldown_s : rules->cooldown_s);
}

/* Against every play before it. */
static void audit_play(const Rules *rules, const GArray *plays, guint at, int64_t day_start) {
        const Play *play = &g_array_index(plays, Play, at);
        int today = 1, hour = 1, kind_hour = 1, kind_break = 1, campaign = 1;
        const int group = group_of(play->asset);
        for (guint i = 0; i < at; i++) {
                const Play *before = &g_array_index(plays, Play, i);
                const int64_t apart = play->start_utc_ms - before->start_utc_ms;
                const bool same_kind = before->asset->kind == play->asset->kind;
                if (before->asset == play->asset) {
                        assert_true(apart >= cooldown_ms(rules, play->asset));
                        today += before->start_utc_ms >= day_start;
                        hour += apart < HOUR;
                }
                kind_hour += same_kind && apart < HOUR;
                kind_break += same_kind && (int)(at - i) <= play->number_in_break;
                if (group < 0 || group_of(before->asset) != group)
                        continue;
                campaign++;
                assert_true(apart >= MAX(rules->advertiser_s, rules->category_s) * INT64_C(1000));
        }
        assert_true(rules->per_day == 0 || today <= rules->per_day);
        assert_true(rules->per_hour == 0 || hour <= rules->per_hour);
        if (play->asset->kind == ASSET_COMMERCIAL) {
                assert_true(rules->kind_per_hour == 0 || kind_hour <= rules->kind_per_hour);
                assert_true(rules->kind_per_break == 0 || kind_break <= rules->kind_per_break);
        }
        assert_true(group < 0 || group >= rules->n_campaigns || campaign <= rules->goal);
}

static TrafficHistory *history_of(const GArray *plays, const GPtrArray *filler_ids, const GArray *filler_starts) {
        TrafficHistory *history = traffic_history_new();
        for (guint i = 0; i < plays->len; i++)
                traffic_history_add(history, g_array_index(plays, Play, i).asset->id,
                                    g_array_index(plays, Play, i).start_utc_ms);
        for (guint i = 0; i < filler_ids->len; i++)
                traffic_history_add(history, filler_ids->pdata[i], g_array_index(filler_starts, int64_t, i));
        return history;
}

static void read_filler(GPtrArray *ids, GArray *starts, const GArray *items, int64_t at) {
        for (guint i = 0; i < items->len; at += traffic_item(items, i)->duration_ms, i++)
                if (traffic_item(items, i)->asset && traffic_item(items, i)->asset->kind == ASSET_FILLER) {
                        g_ptr_array_add(ids, traffic_item(items, i)->asset->id);
                        g_array_append_val(starts, at);
                }
}

static void assert_same_items(const GArray *a, const GArray *b) {
        assert_int_equal(a->len, b->len);
        for (guint i = 0; i < a->len; i++) {
                assert_ptr_equal(traffic_item(a, i)->asset, traffic_item(b, i)->asset);
                assert_int_equal(traffic_item(a, i)->duration_ms, traffic_item(b, i)->duration_ms);
        }
}

static int64_t sum_of(const GArray *items) {
        int64_t sum = 0;
        for (guint i = 0; i < items->len; i++)
                sum += traffic_item(items, i)->duration_ms;
        return sum;
}

/* A day and more of one channel; every block once more from a history that is read anew, as after a restart. */
static void audit_channel(TrafficWorld *world, const Rules *rules, GRand *rand) {
        g_autoptr(GArray) plays = g_array_new(false, false, sizeof(Play));
        g_autoptr(GPtrArray) filler_ids = g_ptr_array_new();
        g_autoptr(GArray) filler_starts = g_array_new(false, false, sizeof(int64_t));
        for (int block = 0; block < N_BLOCKS; block++) {
                const int64_t at = fixture_utc(DAY_START) + block * SLOT;
                const guint first = plays->len;
                world->content->duration_ms = g_rand_int_range(rand, 1000, SLOT + 1);
                g_autoptr(TrafficHistory) again = history_of(plays, filler_ids, filler_starts);
                g_autoptr(GArray) items = traffic_fill_at(world, at);
                g_autoptr(GArray) same = traffic_fill_with(world, again, world->content, at, SLOT);
                assert_same_items(items, same);
                assert_int_equal(sum_of(items), SLOT);
                read_plays(plays, items, at);
                read_filler(filler_ids, filler_starts, items, at);
                for (guint i = first; i < plays->len; i++)
                        audit_play(rules, plays, i, fixture_utc(DAY_START) + (block >= 48 ? 48 * SLOT : 0));
        }
}

static void INV_TRAFFIC_CAPS_001_hold_for_any_policy_pool_and_history(void **state) {
        GRand *rand = chance_new();
        for (int round = 0; round < 60; round++) {
                void *each = NULL;
                traffic_set_up(&each);
                TrafficWorld *world = each;
                const Rules rules = random_rules(rand);
                g_autofree char *text = policy_text(&rules);
                random_pool(world, rand);
                traffic_ready(world, text);
                audit_channel(world, &rules, rand);
                traffic_tear_down(&each);
        }
        g_rand_free(rand);
}

/* Spots of equal length: whatever has been played before, more history never makes room for more of them. */
static void INV_TRAFFIC_MONOTONE_001_more_history_makes_no_room(void **state) {
        TrafficWorld *world = *state;
        GRand *rand = chance_new();
        traffic_spots(world, ASSET_COMMERCIAL, "Spot", 25, 20000);
        traffic_ready(world, "  default_cooldown_seconds: 3000\n  max_plays_per_day: 4\n"
                             "  caps: {commercial: {per_hour: 30}}\n");
        for (int round = 0; round < 200; round++) {
                const int64_t at = fixture_utc(DAY_START) + g_rand_int_range(rand, 6, 48) * SLOT;
                g_autoptr(TrafficHistory) less = traffic_history_new(), more = traffic_history_new();
                for (int i = g_rand_int_range(rand, 0, 120); i > 0; i--) {
                        const Asset *asset = world->catalog->assets[g_rand_int_range(rand, 0, 26)];
                        const int64_t start = at - g_rand_int_range(rand, 30, 10800) * INT64_C(1000);
                        traffic_history_add(more, asset->id, start);
                        if (g_rand_boolean(rand))
                                traffic_history_add(less, asset->id, start);
                }
                g_autoptr(GArray) with_less = traffic_fill_with(world, less, world->content, at, SLOT);
                g_autoptr(GArray) with_more = traffic_fill_with(world, more, world->content, at, SLOT);
                assert_true(traffic_plays_of(with_more, "Spot") <= traffic_plays_of(with_less, "Spot"));
        }
        g_rand_free(rand);
}

/* --- one play more ---------------------------------------------------------------------------------------------------
 */

/* The place of the spot's first play among all plays of the row, and how often it plays; -1: not at all. */
static int place_of(const GArray *items, const Asset *spot, int *ret_plays) {
        int place = -1, number = 0;
        *ret_plays = 0;
        for (guint i = 0; i < items->len; i++) {
                const TrafficItem *item = traffic_item(items, i);
                if (item->content || !item->asset || item->asset->kind == ASSET_FILLER)
                        continue;
                place = item->asset == spot && place < 0 ? number : place;
                *ret_plays += item->asset == spot;
                number++;
        }
        return place;
}

typedef struct {
        int place, plays;
} Showing;

static Showing showing(TrafficWorld *world, TrafficHistory *history, const Asset *spot, int64_t at) {
        Showing showing = {0};
        g_autoptr(GArray) items = traffic_fill_with(world, history, world->content, at, SLOT);
        showing.place = place_of(items, spot, &showing.plays);
        return showing;
}

/* Two histories that differ in one play of one spot, and that spot's showing under each. */
static void with_one_more(TrafficWorld *world, GRand *rand, int64_t at, Showing *ret_less, Showing *ret_more) {
        g_autoptr(TrafficHistory) less = traffic_history_new(), more = traffic_history_new();
        const Asset *spot = world->catalog->assets[g_rand_int_range(rand, 0, (gint32)world->catalog->n_assets)];
        for (int i = g_rand_int_range(rand, 0, 120); i > 0; i--) {
                const Asset *asset =
                        world->catalog->assets[g_rand_int_range(rand, 0, (gint32)world->catalog->n_assets)];
                const int64_t start = at - g_rand_int_range(rand, 60, 10800) * INT64_C(1000);
                traffic_history_add(more, asset->id, start);
                traffic_history_add(less, asset->id, start);
        }
        traffic_history_add(more, spot->id, at - g_rand_int_range(rand, 60, 10800) * INT64_C(1000));
        *ret_less = showing(world, less, spot, at);
        *ret_more = showing(world, more, spot, at);
}

/* Any lengths, types and rules: a play more never makes a spot the first where it was not. */
static void INV_TRAFFIC_MONOTONE_001_a_play_more_makes_no_spot_the_first(void **state) {
        GRand *rand = chance_new();
        for (int round = 0; round < 40; round++) {
                void *each = NULL;
                traffic_set_up(&each);
                TrafficWorld *world = each;
                const Rules rules = random_rules(rand);
                g_autofree char *text = policy_text(&rules);
                g_autofree char *open =
                        g_strconcat(rules.shares ? "" : "  structure: {open: none, close: none}\n", text, NULL);
                random_pool(world, rand);
                traffic_ready(world, open);
                for (int i = 0; i < 20; i++) {
                        const int64_t at = fixture_utc(DAY_START) + g_rand_int_range(rand, 6, 47) * SLOT;
                        Showing less, more;
                        with_one_more(world, rand, at, &less, &more);
                        assert_true(more.place != 0 || less.place == 0);
                }
                traffic_tear_down(&each);
        }
        g_rand_free(rand);
}

/* Spots of one length and type: it plays no sooner, either, and no more often. */
static void INV_TRAFFIC_MONOTONE_001_a_play_more_is_neither_sooner_nor_more_often(void **state) {
        TrafficWorld *world = *state;
        GRand *rand = chance_new();
        traffic_spots(world, ASSET_COMMERCIAL, "Spot", 25, 20000);
        traffic_ready(world, "  default_cooldown_seconds: 900\n  max_plays_per_day: 6\n"
                             "  caps: {commercial: {per_hour: 40}}\n");
        for (int round = 0; round < 400; round++) {
                const int64_t at = fixture_utc(DAY_START) + g_rand_int_range(rand, 6, 47) * SLOT;
                Showing less, more;
                with_one_more(world, rand, at, &less, &more);
                assert_true(more.plays <= less.plays);
                assert_true(more.place < 0 || (less.place >= 0 && more.place >= less.place));
        }
        g_rand_free(rand);
}

#define T(f) cmocka_unit_test_setup_teardown(f, traffic_set_up, traffic_tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                T(INV_TRAFFIC_CAPS_001_hold_for_any_policy_pool_and_history),
                T(INV_TRAFFIC_MONOTONE_001_more_history_makes_no_room),
                T(INV_TRAFFIC_MONOTONE_001_a_play_more_makes_no_spot_the_first),
                T(INV_TRAFFIC_MONOTONE_001_a_play_more_is_neither_sooner_nor_more_often),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
