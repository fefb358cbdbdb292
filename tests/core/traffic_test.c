#include "tests/core/traffic_fixture.h"
#include "tests/support/chance.h"

#define HEAD                                                                                                           \
        "channel: one\n"                                                                                               \
        "timezone: UTC\n"                                                                                              \
        "pools: {all: {match: {type: episode}}}\n"                                                                     \
        "schedule: {all_day: [{block: {start: \"06:00\", duration: 24h, pool: all}}]}\n"

#define START "2026-06-01T12:00:00Z"

static void ready(TrafficWorld *world, const char *more) {
        g_autofree char *yaml = g_strconcat(HEAD, more, NULL);
        world->catalog = fixture_catalog(&world->fixture);
        world->spec = fixture_spec(&world->fixture, yaml);
        world->inventory = traffic_inventory_new(world->spec, world->catalog, NULL);
}

/* The world's content (NULL asset: filler only) in a slot. */
static Programme *programme(const Asset *content, int64_t start_utc_ms, int64_t slot_ms) {
        Programme *made = g_new0(Programme, 1);
        g_atomic_ref_count_init(&made->refs);
        made->id = g_strdup_printf("p%" G_GINT64_FORMAT, start_utc_ms);
        made->title = g_strdup("P");
        made->start_utc_ms = start_utc_ms;
        made->end_utc_ms = start_utc_ms + slot_ms;
        made->asset_id = g_strdup(content ? content->id : NULL);
        return made;
}

static GArray *fill_at(TrafficWorld *world, const Asset *content, int64_t start_utc_ms, int64_t slot_ms,
                       TrafficReport *report) {
        g_autoptr(Programme) made = programme(content, start_utc_ms, slot_ms);
        g_autoptr(GError) error = NULL;
        GArray *items = traffic_fill(world->inventory, world->history, NULL, made, report, &error);
        if (!items)
                print_error("%s\n", error->message);
        assert_non_null(items);
        return items;
}

static const TrafficItem *item(const GArray *items, guint i) {
        assert_true(i < items->len);
        return &g_array_index(items, TrafficItem, i);
}

static int64_t sum(const GArray *items) {
        int64_t total = 0;
        for (guint i = 0; i < items->len; i++) {
                assert_true(item(items, i)->duration_ms > 0);
                total += item(items, i)->duration_ms;
        }
        return total;
}

/* --- acts -----------------------------------------------------------------------------------------------------------
 */

static void set_chapters(Asset *asset, const int64_t *chapters, uint32_t n) {
        g_free(asset->chapter_ms);
        asset->chapter_ms = g_memdup2(chapters, n * sizeof(*chapters));
        asset->n_chapters = n;
}

static GArray *acts_of(Asset *asset, int64_t content_ms, int64_t slot_ms, ChannelType type) {
        const BreakPolicy policy = break_policy_default();
        const TrafficContent content = {
                .duration_ms = content_ms, .chapter_ms = asset->chapter_ms, .n_chapters = asset->n_chapters};
        return traffic_acts(&policy, type, &content, slot_ms);
}

static void assert_act(const GArray *acts, guint i, TrafficAct expected) {
        assert_true(i < acts->len);
        const TrafficAct *act = &g_array_index(acts, TrafficAct, i);
        assert_int_equal(act->offset_ms, expected.offset_ms);
        assert_int_equal(act->duration_ms, expected.duration_ms);
        assert_int_equal(act->break_ms, expected.break_ms);
        assert_int_equal(act->fade_in_ms, expected.fade_in_ms);
        assert_int_equal(act->fade_out_ms, expected.fade_out_ms);
}

static void INV_TRANSITION_001_computed_breaks_fade_out_and_in(void **state) {
        TrafficWorld *world = *state;
        g_autoptr(GArray) acts = acts_of(world->content, 1320000, 1800000, CHANNEL_NETWORK);
        assert_int_equal(acts->len, 4);
        assert_act(acts, 0, (TrafficAct){0, 330000, 0, 500, 160000});
        assert_act(acts, 1, (TrafficAct){330000, 330000, 500, 500, 160000});
        assert_act(acts, 2, (TrafficAct){660000, 330000, 500, 500, 160000});
        assert_act(acts, 3, (TrafficAct){990000, 330000, 500, 0, 0});
}

static void INV_TRANSITION_002_a_fade_in_follows_every_fade_out(void **state) {
        TrafficWorld *world = *state;
        for (int64_t content = 1000; content <= 3600000; content += 61003) {
                g_autoptr(GArray) acts =
                        acts_of(world->content, content, (content + 1799999) / 1800000 * 1800000, CHANNEL_NETWORK);
                int64_t total = 0, offset = 0;
                for (guint i = 0; i < acts->len; i++) {
                        const TrafficAct *act = &g_array_index(acts, TrafficAct, i);
                        assert_int_equal(act->offset_ms, offset);
                        assert_int_equal(act->fade_in_ms,
                                         i > 0 ? g_array_index(acts, TrafficAct, i - 1).fade_out_ms : 0);
                        assert_true(act->fade_out_ms == 0 || act->break_ms > 0);
                        assert_true(act->fade_in_ms + act->fade_out_ms <= act->duration_ms);
                        offset += act->duration_ms;
                        total += act->duration_ms + act->break_ms;
                }
                assert_int_equal(total % 1800000, 0);
                assert_int_equal(offset, content);
        }
}

static void first_breaks_get_the_odd_milliseconds(void **state) {
        TrafficWorld *world = *state;
        g_autoptr(GArray) acts = acts_of(world->content, 1319999, 1800000, CHANNEL_NETWORK);
        static const int64_t breaks[] = {160001, 160000, 160000, 0};
        for (guint i = 0; i < 4; i++)
                assert_int_equal(g_array_index(acts, TrafficAct, i).break_ms, breaks[i]);
}

static void INV_NO_MID_PROGRAM_CUT_001_breaks_are_at_chapters(void **state) {
        TrafficWorld *world = *state;
        static const int64_t chapters[] = {0, 300000, 300000, 900000,
                                           1320000}; /* the ends are none, nor is one twice */
        set_chapters(world->content, chapters, 5);
        g_autoptr(GArray) acts = acts_of(world->content, 1320000, 1800000, CHANNEL_NETWORK);
        assert_int_equal(acts->len, 3);
        assert_act(acts, 0, (TrafficAct){0, 300000, 0, 0, 240000});
        assert_act(acts, 1, (TrafficAct){300000, 600000, 0, 0, 240000});
        assert_act(acts, 2, (TrafficAct){900000, 420000, 0, 0, 0});
}

static void INV_NO_MID_PROGRAM_CUT_001_many_chapters_are_not_many_breaks(void **state) {
        TrafficWorld *world = *state;
        int64_t chapters[14];
        for (int i = 0; i < 14; i++)
                chapters[i] = (i + 1) * 90000;
        set_chapters(world->content, chapters, 14);
        g_autoptr(GArray) acts = acts_of(world->content, 1320000, 1800000, CHANNEL_NETWORK);
        assert_int_equal(acts->len,
                         4); /* three breaks, near 330, 660 and 990 s; 180 s is the next usable one after 0 */
        assert_int_equal(g_array_index(acts, TrafficAct, 1).offset_ms, 360000);
        assert_int_equal(g_array_index(acts, TrafficAct, 2).offset_ms, 720000);
        assert_int_equal(g_array_index(acts, TrafficAct, 3).offset_ms, 900000);
        for (guint i = 0; i < acts->len; i++)
                assert_int_equal(g_array_index(acts, TrafficAct, i).fade_out_ms, 0);
}

static GArray *acts_with_quiet(const int64_t *quiet, uint32_t n) {
        const BreakPolicy policy = break_policy_default();
        const TrafficContent content = {.duration_ms = 1320000, .quiet_ms = quiet, .n_quiet = n};
        return traffic_acts(&policy, CHANNEL_NETWORK, &content, 1800000);
}

static void INV_NO_MID_PROGRAM_CUT_001_breaks_move_to_quiet_points_nearby(void **state) {
        static const int64_t quiet[] = {12000, 300000, 391000, 659500, 661000, 1320000};
        g_autoptr(GArray) acts = acts_with_quiet(quiet, G_N_ELEMENTS(quiet));
        assert_int_equal(acts->len, 4);
        assert_act(acts, 0, (TrafficAct){0, 300000, 0, 0, 160000});        /* 30 s from 330,000; 391,000 is too far */
        assert_act(acts, 1, (TrafficAct){300000, 359500, 0, 0, 160000});   /* the nearer one */
        assert_act(acts, 2, (TrafficAct){659500, 330500, 0, 500, 160000}); /* none near 990,000: faded */
        assert_act(acts, 3, (TrafficAct){990000, 330000, 500, 0, 0});
}

/* What the catalog has measured is what breaks move to, and the segments at such a point are not faded. */
static void INV_NO_MID_PROGRAM_CUT_001_what_was_measured_of_an_asset_is_used(void **state) {
        static const int64_t quiet[] = {300000, 650000, 1000000};
        TrafficWorld *world = *state;
        world->content->quiet_ms = g_memdup2(quiet, sizeof quiet);
        world->content->n_quiet = G_N_ELEMENTS(quiet);
        ready(world, "");
        g_autoptr(GArray) items = fill_at(world, world->content, fixture_utc(START), 1800000, NULL);
        guint n = 0;
        for (guint i = 0; i < items->len; i++) {
                const TrafficItem *item = &g_array_index(items, TrafficItem, i);
                if (!item->content)
                        continue;
                assert_int_equal(item->offset_ms, n == 0 ? 0 : quiet[n - 1]);
                assert_int_equal(item->fade_in_ms + item->fade_out_ms, 0);
                n++;
        }
        assert_int_equal(n, 4);
}

static void INV_NO_MID_PROGRAM_CUT_001_any_points_leave_acts_of_two_minutes(void **state) {
        GRand *rand = chance_new();
        for (int round = 0; round < 2000; round++) {
                const BreakPolicy policy = break_policy_default();
                int64_t chapters[12], quiet[40];
                TrafficContent content = {.duration_ms = g_rand_int_range(rand, 1, 7200001),
                                          .chapter_ms = chapters,
                                          .n_chapters = (uint32_t)g_rand_int_range(rand, -12, 13) & 15,
                                          .quiet_ms = quiet,
                                          .n_quiet = (uint32_t)g_rand_int_range(rand, 0, 41)};
                content.n_chapters = content.n_chapters > 12 ? 0 : content.n_chapters;
                for (int64_t i = 0, at = 0; i < 12; i++)
                        chapters[i] = at += g_rand_int_range(rand, 0, 400000);
                for (int64_t i = 0, at = 0; i < 40; i++)
                        quiet[i] = at += g_rand_int_range(rand, 0, 200000);
                const int64_t slot = (content.duration_ms + 1799999) / 1800000 * 1800000;
                g_autoptr(GArray) acts = traffic_acts(&policy, CHANNEL_NETWORK, &content, slot);
                int64_t sum = 0, offset = 0;
                for (guint i = 0; i < acts->len; i++) {
                        const TrafficAct *act = &g_array_index(acts, TrafficAct, i);
                        assert_int_equal(act->offset_ms, offset);
                        assert_true(acts->len == 1 || act->duration_ms >= 120000);
                        assert_true(acts->len == 1 || i + 1 == acts->len || act->break_ms >= 30000);
                        offset += act->duration_ms;
                        sum += act->duration_ms + act->break_ms;
                }
                assert_int_equal(offset, content.duration_ms);
                assert_int_equal(sum, slot);
                assert_true(acts->len - 1 <= 3 * slot / 1800000);
        }
        g_rand_free(rand);
}

static void a_profile_has_as_many_breaks_an_hour_as_it_says(void **state) {
        BreakPolicy policy = break_policy_default();
        const TrafficContent content = {.duration_ms = 2640000};
        static const int n[] = {1, 4, 8};
        for (size_t i = 0; i < G_N_ELEMENTS(n); i++) {
                policy.breaks_per_hour = n[i];
                g_autoptr(GArray) acts = traffic_acts(&policy, CHANNEL_NETWORK, &content, 3600000);
                assert_int_equal(acts->len, n[i] + 1);
        }
}

static void content_that_fills_its_slot_has_no_break(void **state) {
        TrafficWorld *world = *state;
        g_autoptr(GArray) full = acts_of(world->content, 1800000, 1800000, CHANNEL_NETWORK);
        assert_int_equal(full->len, 1);
        assert_act(full, 0, (TrafficAct){0, 1800000, 0, 0, 0});
        g_autoptr(GArray) nearly = acts_of(world->content, 1799999, 1800000, CHANNEL_NETWORK);
        assert_int_equal(nearly->len, 1); /* a millisecond is no reason to interrupt */
        assert_act(nearly, 0, (TrafficAct){0, 1799999, 0, 0, 1});
        assert_null(acts_of(world->content, 1800001, 1800000, CHANNEL_NETWORK));
}

static void short_content_is_not_chopped_up(void **state) {
        TrafficWorld *world = *state;
        g_autoptr(GArray) tiny = acts_of(world->content, 10000, 1800000, CHANNEL_NETWORK);
        assert_int_equal(tiny->len, 1);
        assert_act(tiny, 0, (TrafficAct){0, 10000, 0, 0, 1790000});
        g_autoptr(GArray) two = acts_of(world->content, 250000, 300000, CHANNEL_NETWORK);
        assert_int_equal(two->len, 2);
}

static void INV_CHANNEL_TYPE_BREAK_PLACEMENT_film_channels_break_after_the_film(void **state) {
        TrafficWorld *world = *state;
        static const int64_t chapters[] = {1200000, 2400000, 3600000};
        set_chapters(world->content, chapters, 3);
        g_autoptr(GArray) acts = acts_of(world->content, 5700000, 7200000, CHANNEL_MOVIE);
        assert_int_equal(acts->len, 1);
        assert_act(acts, 0, (TrafficAct){0, 5700000, 0, 0, 1500000});
}

/* --- filling --------------------------------------------------------------------------------------------------------
 */

static void add_spots(TrafficWorld *world, int n, int64_t duration_ms) {
        for (int i = 0; i < n; i++)
                fixture_asset(&world->fixture, ASSET_COMMERCIAL, "Spot", duration_ms);
}

static void INV_BREAK_PAD_DISTRIBUTED_001_one_pad_after_each_spot(void **state) {
        TrafficWorld *world = *state;
        add_spots(world, 5, 30000);
        add_spots(world, 1, 7001);
        ready(world, "traffic: {default_cooldown_seconds: 100}\n");
        TrafficReport report;
        g_autoptr(GArray) items = fill_at(world, NULL, fixture_utc(START), 160000, &report);
        static const int64_t pads[] = {499, 500, 500, 500, 500, 500};
        assert_int_equal(items->len, 12);
        for (guint i = 0; i < 6; i++) {
                assert_non_null(item(items, 2 * i)->asset);
                assert_null(item(items, 2 * i + 1)->asset);
                assert_int_equal(item(items, 2 * i + 1)->duration_ms, pads[i]);
        }
        assert_int_equal(report.spots_ms, 157001);
        assert_int_equal(report.pad_ms, 2999);
        assert_int_equal(sum(items), 160000);
}

static void INV_BREAK_PAD_EXACT_001_items_sum_to_the_slot_whatever_there_is(void **state) {
        TrafficWorld *world = *state;
        GRand *rand = chance_new();
        for (int i = 0; i < 40; i++)
                fixture_asset(&world->fixture, (AssetKind)g_rand_int_range(rand, ASSET_COMMERCIAL, ASSET_FILLER + 1),
                              "Spot", g_rand_int_range(rand, 500, 90000));
        for (int i = 0; i < 60; i++)
                fixture_episode(&world->fixture, "A", 2, i, g_rand_int_range(rand, 1000, 3600001));
        ready(world, "traffic: {type_cooldowns: {commercial: 300, promo: 3600}, max_plays_per_day: 30}\n");
        int64_t at = fixture_utc(START);
        for (uint32_t i = 0; i < world->catalog->n_assets; i++) {
                const Asset *content = world->catalog->assets[i];
                const int64_t slot = schedule_slot_ms(world->spec, content->duration_ms);
                g_autoptr(GArray) items = fill_at(world, content, at, slot, NULL);
                assert_int_equal(sum(items), slot);
                for (guint j = 0; j < items->len; j++)
                        assert_true(!item(items, j)->asset || item(items, j)->offset_ms + item(items, j)->duration_ms <=
                                                                      item(items, j)->asset->duration_ms);
                at += slot;
        }
        g_rand_free(rand);
}

static void INV_SCHED_GRID_FILLER_PADDING_filler_has_exactly_the_length(void **state) {
        TrafficWorld *world = *state;
        fixture_asset(&world->fixture, ASSET_FILLER, "Loop", 60000);
        ready(world, "");
        TrafficReport report;
        g_autoptr(GArray) items = fill_at(world, world->content, fixture_utc(START), 1800000, &report);
        static const int64_t expected[] = {330000, 60000, 60000, 40000, 330000};
        for (guint i = 0; i < G_N_ELEMENTS(expected); i++)
                assert_int_equal(item(items, i)->duration_ms, expected[i]);
        assert_int_equal(item(items, 4)->offset_ms, 330000);
        assert_int_equal(report.filler_ms, 480000);
        assert_int_equal(report.pad_ms, 0);
        g_autoptr(GArray) hole = fill_at(world, NULL, fixture_utc(START) + 1800000, 1800000, &report);
        assert_int_equal(hole->len, 30);
        assert_int_equal(sum(hole), 1800000);
}

static void a_named_filler_file_needs_no_catalog(void **state) {
        TrafficWorld *world = *state;
        ready(world, "filler: {path: loop.mp4, duration_ms: 100000}\n");
        g_autoptr(GArray) items = fill_at(world, NULL, fixture_utc(START), 1800000, NULL);
        assert_int_equal(items->len, 18);
        assert_true(g_str_has_suffix(item(items, 0)->asset->uri, "/loop.mp4"));
        assert_true(g_path_is_absolute(item(items, 0)->asset->uri));
}

static void nothing_to_fill_with_is_one_pad_and_told(void **state) {
        TrafficWorld *world = *state;
        ready(world, "");
        TrafficReport report;
        g_autoptr(GArray) items = fill_at(world, world->content, fixture_utc(START), 1800000, &report);
        assert_int_equal(items->len, 7);
        assert_null(item(items, 1)->asset);
        assert_int_equal(item(items, 1)->duration_ms, 160000);
        assert_int_equal(report.empty_breaks, 3);
}

static void no_spot_twice_while_there_is_another(void **state) {
        TrafficWorld *world = *state;
        add_spots(world, 7, 30000);
        ready(world, "");
        const Asset *last = NULL;
        for (int block = 0; block < 20; block++) {
                g_autoptr(GArray) items =
                        fill_at(world, world->content, fixture_utc(START) + block * 1800000, 1800000, NULL);
                g_autoptr(GHashTable) in_break = g_hash_table_new(NULL, NULL);
                for (guint i = 0; i < items->len; i++) {
                        if (item(items, i)->content)
                                g_hash_table_remove_all(in_break);
                        if (item(items, i)->content || !item(items, i)->asset)
                                continue;
                        assert_true(g_hash_table_add(in_break, (gpointer)item(items, i)->asset));
                        assert_ptr_not_equal(item(items, i)->asset, last);
                        last = item(items, i)->asset;
                }
        }
        /* Evenly: 20 blocks of three breaks of five spots, seven spots. */
        for (guint i = 0; i < world->catalog->n_assets; i++)
                if (world->catalog->assets[i]->kind == ASSET_COMMERCIAL)
                        assert_in_range(traffic_history_count(world->history, world->catalog->assets[i]->id, 0), 42,
                                        43);
}

static void INV_TRAFFIC_CAPS_001_cooldowns_and_daily_caps_hold(void **state) {
        TrafficWorld *world = *state;
        add_spots(world, 3, 30000);
        const Asset *promo = fixture_asset(&world->fixture, ASSET_PROMO, "Promo", 20000);
        ready(world, "traffic: {default_cooldown_seconds: 3600, type_cooldowns: {promo: 0}, max_plays_per_day: 4}\n");
        g_autoptr(GHashTable) plays = g_hash_table_new(NULL, NULL);
        for (int block = 0; block < 48; block++) { /* from day start: 2026-06-01T06:00Z */
                int64_t at = fixture_utc("2026-06-01T06:00:00Z") + block * 1800000;
                g_autoptr(GArray) items = fill_at(world, world->content, at, 1800000, NULL);
                for (guint i = 0; i < items->len; at += item(items, i)->duration_ms, i++) {
                        Asset *asset = (Asset *)item(items, i)->asset;
                        if (item(items, i)->content || !asset)
                                continue;
                        GArray *starts = g_hash_table_lookup(plays, asset);
                        if (!starts)
                                g_hash_table_insert(plays, asset, starts = g_array_new(false, false, sizeof(int64_t)));
                        if (asset != promo && starts->len > 0)
                                assert_true(at - g_array_index(starts, int64_t, starts->len - 1) >= 3600000);
                        g_array_append_val(starts, at);
                }
        }
        GHashTableIter iter;
        gpointer starts;
        assert_int_equal(g_hash_table_size(plays), 4);
        g_hash_table_iter_init(&iter, plays);
        while (g_hash_table_iter_next(&iter, NULL, &starts)) {
                assert_int_equal(((GArray *)starts)->len, 4); /* a day's cap, reached */
                g_array_unref(starts);
        }
        g_autoptr(GArray) tomorrow = fill_at(world, world->content, fixture_utc("2026-06-02T06:00:00Z"), 1800000, NULL);
        assert_non_null(item(tomorrow, 1)->asset);
}

static void INV_TRAFFIC_POLICY_SOURCE_001_only_allowed_types_play(void **state) {
        TrafficWorld *world = *state;
        for (int kind = ASSET_COMMERCIAL; kind < ASSET_FILLER; kind++)
                fixture_asset(&world->fixture, (AssetKind)kind, "Spot", 30000);
        ready(world, "traffic: {allowed_types: [psa, trailer]}\n");
        g_autoptr(GArray) items = fill_at(world, world->content, fixture_utc(START), 1800000, NULL);
        for (guint i = 0; i < items->len; i++)
                assert_true(item(items, i)->content || !item(items, i)->asset ||
                            item(items, i)->asset->kind == ASSET_PSA || item(items, i)->asset->kind == ASSET_TRAILER);
        assert_int_equal(item(items, 1)->duration_ms, 30000);
}

static void INV_TRAFFIC_FILL_DETERMINISTIC_001_same_inputs_same_items(void **state) {
        TrafficWorld *world = *state;
        for (int i = 0; i < 30; i++)
                add_spots(world, 1, 9000 + 1000 * i);
        ready(world, "");
        g_autoptr(GArray) first = fill_at(world, world->content, fixture_utc(START), 1800000, NULL);
        traffic_history_forget_from(world->history, fixture_utc(START));
        g_autoptr(GArray) second = fill_at(world, world->content, fixture_utc(START), 1800000, NULL);
        assert_int_equal(first->len, second->len);
        for (guint i = 0; i < first->len; i++)
                assert_memory_equal(item(first, i), item(second, i), sizeof(TrafficItem));
}

static void content_that_is_gone_is_an_error_and_leaves_no_trace(void **state) {
        TrafficWorld *world = *state;
        add_spots(world, 2, 30000);
        ready(world, "");
        world->content->state = ASSET_MISSING;
        g_autoptr(Programme) made = programme(world->content, fixture_utc(START), 1800000);
        g_autoptr(GError) error = NULL, length = NULL;
        assert_null(traffic_fill(world->inventory, world->history, NULL, made, NULL, &error));
        assert_non_null(strstr(error->message, "not eligible any more"));
        world->content->state = ASSET_READY;
        made->end_utc_ms = made->start_utc_ms + 1200000;
        assert_null(traffic_fill(world->inventory, world->history, NULL, made, NULL, &length));
        assert_non_null(strstr(length->message, "longer"));
        for (guint i = 0; i < world->catalog->n_assets; i++)
                assert_int_equal(traffic_history_count(world->history, world->catalog->assets[i]->id, 0), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, traffic_set_up, traffic_tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                T(INV_TRANSITION_001_computed_breaks_fade_out_and_in),
                T(INV_TRANSITION_002_a_fade_in_follows_every_fade_out),
                T(first_breaks_get_the_odd_milliseconds),
                T(INV_NO_MID_PROGRAM_CUT_001_breaks_are_at_chapters),
                T(INV_NO_MID_PROGRAM_CUT_001_many_chapters_are_not_many_breaks),
                T(INV_NO_MID_PROGRAM_CUT_001_breaks_move_to_quiet_points_nearby),
                T(INV_NO_MID_PROGRAM_CUT_001_what_was_measured_of_an_asset_is_used),
                T(INV_NO_MID_PROGRAM_CUT_001_any_points_leave_acts_of_two_minutes),
                T(a_profile_has_as_many_breaks_an_hour_as_it_says),
                T(content_that_fills_its_slot_has_no_break),
                T(short_content_is_not_chopped_up),
                T(INV_CHANNEL_TYPE_BREAK_PLACEMENT_film_channels_break_after_the_film),
                T(INV_BREAK_PAD_DISTRIBUTED_001_one_pad_after_each_spot),
                T(INV_BREAK_PAD_EXACT_001_items_sum_to_the_slot_whatever_there_is),
                T(INV_SCHED_GRID_FILLER_PADDING_filler_has_exactly_the_length),
                T(a_named_filler_file_needs_no_catalog),
                T(nothing_to_fill_with_is_one_pad_and_told),
                T(no_spot_twice_while_there_is_another),
                T(INV_TRAFFIC_CAPS_001_cooldowns_and_daily_caps_hold),
                T(INV_TRAFFIC_POLICY_SOURCE_001_only_allowed_types_play),
                T(INV_TRAFFIC_FILL_DETERMINISTIC_001_same_inputs_same_items),
                T(content_that_is_gone_is_an_error_and_leaves_no_trace),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
