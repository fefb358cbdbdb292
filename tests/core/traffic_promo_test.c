/* Promos speak of what really comes up on their channel, and of nothing else. */
#include "tests/core/traffic_fixture.h"
#include "tests/support/chance.h"

/* A promo, with a folder's tag (NULL = none). */
static Asset *promo(TrafficWorld *world, const char *title, const char *tag) {
        Asset *asset = fixture_asset(&world->fixture, ASSET_PROMO, title, 20000);
        if (tag) {
                g_strfreev(asset->tags);
                asset->tags = g_new0(char *, 2);
                asset->tags[0] = g_strdup(tag);
        }
        return asset;
}

/* A programme of that series comes up. */
static void comes(TrafficWorld *world, const char *series, const char *iso) {
        char *title = (char *)series;
        const Programme programme = {.title = title,
                                     .series = title,
                                     .asset_id = world->content->id,
                                     .start_utc_ms = fixture_utc(iso),
                                     .end_utc_ms = fixture_utc(iso) + SLOT};
        if (!world->coming)
                world->coming = traffic_coming_new();
        traffic_coming_add(world->coming, &programme, world->catalog);
}

static unsigned plays_of(const GArray *items, const Asset *asset) {
        unsigned n = 0;
        for (guint i = 0; i < items->len; i++)
                n += traffic_item(items, i)->asset == asset;
        return n;
}

/* How often the promo is in the half hour that begins then, whatever was before. */
static unsigned plays_at(TrafficWorld *world, const Asset *asset, const char *iso) {
        g_autoptr(TrafficHistory) history = traffic_history_new();
        g_autoptr(GArray) items = traffic_fill_with(world, history, world->content, fixture_utc(iso), SLOT);
        return plays_of(items, asset);
}

static void library(TrafficWorld *world) {
        static const char *const series[] = {"Tavern", "The Precinct", "It", "Bob's Friday Club"};
        for (size_t i = 0; i < G_N_ELEMENTS(series); i++)
                fixture_episode(&world->fixture, series[i], 1, 1, 20 * MINUTE);
}

static void INV_TRAFFIC_PROMO_001_only_of_what_comes_up(void **state) {
        TrafficWorld *world = *state;
        library(world);
        const Asset *tavern = promo(world, "Tavern - new season", NULL);
        const Asset *precinct = promo(world, "THE_PRECINCT, on this channel", NULL);
        const Asset *house = promo(world, "Stay tuned", NULL);
        traffic_ready(world, "  structure: {open: none, close: none}\n");
        assert_int_equal(plays_at(world, tavern, "2026-06-01T08:00:00Z"), 0); /* nothing is known */
        assert_true(plays_at(world, house, "2026-06-01T08:00:00Z") > 0);
        comes(world, "Tavern", "2026-06-03T08:00:00Z");
        comes(world, "Tavern", "2026-06-03T08:30:00Z");
        assert_true(plays_at(world, tavern, "2026-06-01T08:00:00Z") > 0); /* 48 hours ahead */
        assert_int_equal(plays_at(world, tavern, "2026-06-01T07:30:00Z"), 0);
        assert_true(plays_at(world, tavern, "2026-06-03T07:00:00Z") > 0);
        assert_int_equal(plays_at(world, tavern, "2026-06-03T07:30:00Z"), 0); /* right before it */
        assert_int_equal(plays_at(world, tavern, "2026-06-03T08:00:00Z"), 0); /* in it */
        assert_int_equal(plays_at(world, tavern, "2026-06-03T08:30:00Z"), 0);
        assert_int_equal(plays_at(world, tavern, "2026-06-03T09:00:00Z"), 0); /* and no more after it */
        assert_int_equal(plays_at(world, precinct, "2026-06-03T07:00:00Z"), 0);
}

static void INV_TRAFFIC_PROMO_001_names_are_whole_words_and_folders_count(void **state) {
        TrafficWorld *world = *state;
        library(world);
        const Asset *folder = promo(world, "Spring", "the precinct");
        const Asset *part = promo(world, "Taverns of the world", NULL);
        const Asset *little = promo(world, "Watch it tonight", NULL);
        const Asset *whole = promo(world, "It", NULL);
        const Asset *long_one = promo(world, "Bobs Friday Club", NULL);
        traffic_ready(world, "  structure: {open: none, close: none}\n");
        assert_int_equal(plays_at(world, folder, "2026-06-01T08:00:00Z"), 0);
        assert_true(plays_at(world, part, "2026-06-01T08:00:00Z") > 0);   /* of nothing in particular */
        assert_true(plays_at(world, little, "2026-06-01T08:00:00Z") > 0); /* "it" is no title there */
        assert_int_equal(plays_at(world, whole, "2026-06-01T08:00:00Z"), 0);
        comes(world, "The Precinct", "2026-06-01T12:00:00Z");
        comes(world, "Bob's Friday Club", "2026-06-01T13:00:00Z"); /* a Monday: the title is no word of when */
        assert_true(plays_at(world, folder, "2026-06-01T08:00:00Z") > 0);
        assert_true(plays_at(world, long_one, "2026-06-01T08:00:00Z") > 0);
}

static void INV_TRAFFIC_PROMO_001_tonight_is_tonight(void **state) {
        TrafficWorld *world = *state;
        library(world);
        const Asset *tonight = promo(world, "Tonight: Tavern", NULL);
        const Asset *tomorrow = promo(world, "Tavern tomorrow", NULL);
        const Asset *tuesdays = promo(world, "Tuesdays, Tavern", NULL);
        traffic_ready(world, "  structure: {open: none, close: none}\n");
        comes(world, "Tavern", "2026-06-01T10:00:00Z"); /* Monday noon in Berlin */
        comes(world, "Tavern", "2026-06-02T23:30:00Z"); /* Wednesday, half past one: Tuesday's broadcast day */
        assert_int_equal(plays_at(world, tonight, "2026-06-01T08:00:00Z"), 0); /* noon is not tonight */
        assert_int_equal(plays_at(world, tonight, "2026-06-01T11:00:00Z"), 0);
        assert_true(plays_at(world, tomorrow, "2026-06-01T11:00:00Z") > 0);
        assert_true(plays_at(world, tuesdays, "2026-06-01T11:00:00Z") > 0);
        assert_true(plays_at(world, tonight, "2026-06-02T08:00:00Z") > 0);
        assert_int_equal(plays_at(world, tomorrow, "2026-06-02T08:00:00Z"), 0);
        assert_true(plays_at(world, tuesdays, "2026-06-02T22:00:00Z") > 0);
}

static void INV_TRAFFIC_PROMO_001_the_file_says_otherwise(void **state) {
        TrafficWorld *world = *state;
        library(world);
        const Asset *stated = promo(world, "Spot 17", NULL);
        const Asset *freed = promo(world, "Tavern", NULL);
        Asset *bumper = fixture_asset(&world->fixture, ASSET_BUMPER, "Next", 5000);
        traffic_ready(world, "  structure: {open: none, close: none}\n"
                             "  promo_within_hours: 3\n"
                             "  promos:\n"
                             "    precinct: {assets: [Spot 17, Next], for: [the precinct, Nothing], when: today,\n"
                             "               within_hours: 12}\n"
                             "    free: {assets: Tavern, for: none}\n");
        assert_true(plays_at(world, freed, "2026-06-01T08:00:00Z") > 0);
        comes(world, "The Precinct", "2026-06-01T20:00:00Z");
        assert_true(plays_at(world, stated, "2026-06-01T08:00:00Z") > 0);
        assert_int_equal(plays_at(world, bumper, "2026-06-01T07:30:00Z"), 0); /* the rule holds for any spot */
        assert_int_equal(plays_at(world, stated, "2026-06-01T07:30:00Z"), 0);
        assert_int_equal(channel_spec_policy(world->spec)->promo_within_ms, 3 * HOUR);
}

/* The promo of each break; NULL: none. At most one. */
static void read_promos(const GArray *items, GPtrArray *promos) {
        bool in_break = false;
        for (guint i = 0; i < items->len; i++) {
                const TrafficItem *item = traffic_item(items, i);
                if (!item->content && !in_break)
                        g_ptr_array_add(promos, NULL);
                in_break = !item->content;
                if (in_break && item->asset && item->asset->kind == ASSET_PROMO)
                        promos->pdata[promos->len - 1] = (gpointer)item->asset;
        }
}

/* Of two promos, one of what is on in some hours, one of what is on in two days, the former plays more often; but not
 * in two breaks running. */
static void INV_TRAFFIC_PROMO_001_the_sooner_the_likelier(void **state) {
        TrafficWorld *world = *state;
        library(world);
        const Asset *soon = promo(world, "Tavern", NULL), *late = promo(world, "The Precinct", NULL);
        traffic_spots(world, ASSET_PROMO, "House", 1, 20000);
        traffic_spots(world, ASSET_COMMERCIAL, "Ad", 12, 20000);
        traffic_ready(world, "  structure: {open: none, close: none, body: {promo: 50, commercial: 50}}\n"
                             "  caps: {promo: {per_break: 1}}\n");
        comes(world, "Tavern", "2026-06-01T16:30:00Z");
        comes(world, "The Precinct", "2026-06-03T08:00:00Z");
        g_autoptr(GPtrArray) promos = g_ptr_array_new();
        for (int block = 0; block < 16; block++) {
                g_autoptr(GArray) items = traffic_fill_at(world, fixture_utc("2026-06-01T08:00:00Z") + block * SLOT);
                read_promos(items, promos);
        }
        unsigned n_soon = 0, n_late = 0;
        for (guint i = 0; i < promos->len; i++) {
                n_soon += promos->pdata[i] == soon;
                n_late += promos->pdata[i] == late;
                assert_true(i == 0 || !promos->pdata[i] || promos->pdata[i] != promos->pdata[i - 1]);
        }
        assert_int_equal(promos->len, 48);
        assert_true(n_late > 0);
        assert_true(2 * n_soon >= 3 * n_late);
}

static void INV_TRAFFIC_PROMO_001_parts_of_a_composed_programme_come_up_too(void **state) {
        TrafficWorld *world = *state;
        library(world);
        Asset *film = fixture_asset(&world->fixture, ASSET_MOVIE, "Night Train", 40 * MINUTE);
        const Asset *tavern = promo(world, "Tavern", NULL), *train = promo(world, "Night Train", NULL);
        char *parts[] = {((Asset *)world->fixture.assets->pdata[1])->id, film->id, NULL}; /* the Tavern's, after "A" */
        traffic_ready(world, "  structure: {open: none, close: none}\n");
        const Programme both = {.title = (char *)"Double",
                                .asset_id = (char *)"unit",
                                .part_ids = parts,
                                .start_utc_ms = fixture_utc("2026-06-01T12:00:00Z"),
                                .end_utc_ms = fixture_utc("2026-06-01T13:30:00Z")};
        world->coming = traffic_coming_new();
        traffic_coming_add(world->coming, &both, world->catalog);
        assert_true(plays_at(world, tavern, "2026-06-01T08:00:00Z") > 0);
        assert_true(plays_at(world, train, "2026-06-01T08:00:00Z") > 0);
        assert_int_equal(plays_at(world, train, "2026-06-01T11:30:00Z"), 0);
}

/* Any schedule, any instant: judged by looking through all of it. */
static void INV_TRAFFIC_PROMO_001_holds_for_any_schedule(void **state) {
        static const char *const names[] = {"Alpha", "Beta", "Gamma", "Delta"};
        TrafficWorld *world = *state;
        GRand *rand = chance_new();
        const Asset *promos[4];
        int at[200];
        for (int i = 0; i < 4; i++)
                fixture_episode(&world->fixture, names[i], 1, 1, 20 * MINUTE);
        for (int i = 0; i < 4; i++)
                promos[i] = promo(world, names[i], NULL);
        traffic_ready(world, "  structure: {open: none, close: none}\n");
        world->coming = traffic_coming_new();
        for (int i = 0; i < 200; i++) { /* half hours; 4: something else */
                at[i] = MIN(g_rand_int_range(rand, 0, 60), 4);
                const Programme programme = {.title = (char *)(at[i] < 4 ? names[at[i]] : "Else"),
                                             .asset_id = world->content->id,
                                             .start_utc_ms = fixture_utc(DAY_START) + i * SLOT,
                                             .end_utc_ms = fixture_utc(DAY_START) + (i + 1) * SLOT};
                traffic_coming_add(world->coming, &programme, world->catalog);
        }
        for (int i = 0; i < 100; i++) {
                g_autoptr(GArray) items = traffic_fill_at(world, fixture_utc(DAY_START) + i * SLOT);
                for (int k = 0; k < 4; k++) {
                        bool comes_up = false;
                        for (int j = i + 2; j <= i + 96; j++)
                                comes_up = comes_up || at[j] == k;
                        if (plays_of(items, promos[k]) > 0)
                                assert_true(comes_up && at[i] != k && at[i + 1] != k);
                }
        }
        g_rand_free(rand);
}

#define T(f) cmocka_unit_test_setup_teardown(f, traffic_set_up, traffic_tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                T(INV_TRAFFIC_PROMO_001_only_of_what_comes_up),
                T(INV_TRAFFIC_PROMO_001_names_are_whole_words_and_folders_count),
                T(INV_TRAFFIC_PROMO_001_tonight_is_tonight),
                T(INV_TRAFFIC_PROMO_001_the_file_says_otherwise),
                T(INV_TRAFFIC_PROMO_001_the_sooner_the_likelier),
                T(INV_TRAFFIC_PROMO_001_parts_of_a_composed_programme_come_up_too),
                T(INV_TRAFFIC_PROMO_001_holds_for_any_schedule),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
