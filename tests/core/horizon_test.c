#include <glib/gstdio.h>

#include "core/plan/transmission_log/transmission_log.h"
#include "proto/base/thread.h"
#include "tests/core/horizon_fixture.h"
#include "tests/core/store_fixture.h"

#define NOW "2026-11-22T04:28:00Z"

#define CHANNEL(id, number, zone)                                                                                      \
        "channel: " id "\n"                                                                                            \
        "channel_number: " number "\n"                                                                                 \
        "timezone: " zone "\n"                                                                                         \
        "pools:\n"                                                                                                     \
        "  cheers: {match: {type: episode, series_title: Cheers}}\n"                                                   \
        "  frasier: {match: {type: episode, series_title: Frasier}}\n"                                                 \
        "  films: {match: {type: movie}}\n"

#define CHEERS                                                                                                         \
        CHANNEL("cheers", "5", "America/New_York")                                                                     \
        "schedule: {all_day: [{block: {start: \"06:00\", duration: 24h, pool: cheers}}]}\n"
#define FRASIER                                                                                                        \
        CHANNEL("cheers", "5", "America/New_York")                                                                     \
        "schedule: {all_day: [{block: {start: \"06:00\", duration: 24h, pool: frasier}}]}\n"
#define FILMS                                                                                                          \
        CHANNEL("films", "6", "Europe/Berlin")                                                                         \
        "channel_type: movie\n"                                                                                        \
        "schedule: {all_day: [{movie_marathon: {start: \"06:00\", end: \"06:00\", movie_selector: {pool: films}}}]}\n"
#define PRIME                                                                                                          \
        CHANNEL("prime", "7", "Australia/Lord_Howe")                                                                   \
        "schedule:\n"                                                                                                  \
        "  all_day:\n"                                                                                                 \
        "    - block: {start: \"06:00\", end: \"20:00\", pools: [cheers, frasier], mode: shuffle}\n"                   \
        "    - movie_marathon: {start: \"20:00\", end: \"23:30\", movie_selector: {pool: films}, allow_bleed: true}\n" \
        "    - block: {start: \"23:30\", end: \"06:00\", pool: frasier, mode: random}\n"

static void make_catalog(World *world) {
        fixture_variety(&world->fixture);
        world->catalog = fixture_catalog(&world->fixture);
}

static int set_up(void **state) {
        World *world = world_new(NOW, 72 * HOUR, 6 * HOUR);
        make_catalog(world);
        open_world(world);
        *state = world;
        return 0;
}

static int64_t now_of(const World *world) {
        return rv_clock_utc_ms(world->clock);
}

static PlanView *view_of(const World *world, const char *channel_id) {
        PlanView *view = plan_board_view(world->board, channel_id);
        assert_non_null(view);
        return view;
}

static PlanView *evaluated(World *world, const char *channel_id) {
        const int64_t next = horizon_evaluate(world->horizon);
        assert_true(next > now_of(world) && next <= now_of(world) + 60000);
        return view_of(world, channel_id);
}

static char *titles(const PlanView *view, int64_t from_utc_ms) {
        GString *text = g_string_new(NULL);
        for (guint i = 0; i < view->programmes->len; i++) {
                const Programme *programme = view->programmes->pdata[i];
                if (programme->start_utc_ms >= from_utc_ms)
                        g_string_append_printf(text, "%" G_GINT64_FORMAT " %s %s\n", programme->start_utc_ms,
                                               programme->id,
                                               programme->subtitle ? programme->subtitle : programme->title);
        }
        return g_string_free(text, false);
}

/* INV-HORIZON-CONTINUOUS-COVERAGE-001 and -NEXT-BLOCK-READY-001, on a view. */
static void assert_sound(const World *world, const PlanView *view) {
        const int64_t now = now_of(world);
        assert_planned(view);
        assert_true(view->epg_end_utc_ms >= now + 72 * HOUR);
        assert_true(view->execution_end_utc_ms >= now + 6 * HOUR);
        g_autoptr(BlockPlan) on_air = NULL, next = NULL;
        assert_int_equal(plan_view_block_at(view, now, &on_air), PLAN_OK);
        assert_int_equal(plan_view_block_at(view, on_air->end_utc_ms, &next), PLAN_OK);
}

static void INV_PLAYLOG_COVERAGE_HOLE_001_the_block_on_the_air_now_is_planned(void **state) {
        World *world = *state;
        add_channel(world, CHEERS);
        set_inputs(world);
        g_autoptr(PlanView) view = evaluated(world, "cheers");
        assert_sound(world, view);
        g_autoptr(BlockPlan) block = NULL;
        assert_int_equal(plan_view_block_at(view, now_of(world), &block), PLAN_OK);
        assert_int_equal(block->start_utc_ms, fixture_utc("2026-11-22T04:00:00Z"));
        assert_true(((Programme *)view->programmes->pdata[0])->start_utc_ms < now_of(world));
}

static void INV_PLAYLOG_COVERAGE_HOLE_001_a_start_right_after_a_seam_has_what_was_before(void **state) {
        World *world = *state;
        add_channel(world, CHEERS);
        set_inputs(world);
        rv_clock_fake_advance_ms(world->clock, 2 * MINUTE + 1); /* 04:30:00.001 */
        g_autoptr(PlanView) view = evaluated(world, "cheers");
        g_autoptr(BlockPlan) block = NULL;
        assert_int_equal(plan_view_block_at(view, now_of(world) - 3000, &block), PLAN_OK);
}

static void INV_HORIZON_EXHAUSTION_PLANNING_FAULT_001_beyond_the_plan_is_an_explicit_error(void **state) {
        World *world = *state;
        add_channel(world, CHEERS);
        set_inputs(world);
        g_autoptr(PlanView) view = evaluated(world, "cheers");
        g_autoptr(BlockPlan) block = NULL;
        g_autoptr(Programme) programme = NULL;
        assert_int_equal(plan_view_block_at(view, view->execution_end_utc_ms, &block), PLAN_NO_SCHEDULE_DATA);
        assert_int_equal(plan_view_block_at(view, 0, &block), PLAN_NO_SCHEDULE_DATA);
        assert_int_equal(plan_view_programme_at(view, view->epg_end_utc_ms, &programme), PLAN_NO_SCHEDULE_DATA);
        assert_int_equal(plan_view_programme_at(view, 0, &programme), PLAN_NO_SCHEDULE_DATA);
        assert_int_equal(plan_view_programme_at(NULL, 0, &programme), PLAN_NO_CHANNEL);
        assert_null(plan_board_view(world->board, "nobody"));
        const int64_t generation = plan_board_generation(world->board);
        assert_int_equal(plan_view_block_at(view, view->execution_end_utc_ms + HOUR, &block), PLAN_NO_SCHEDULE_DATA);
        assert_int_equal(plan_board_generation(world->board), generation); /* reading planned nothing */
}

static void assert_deep(const World *world, const char *channel_id) {
        g_autoptr(PlanView) view = view_of(world, channel_id);
        const PlanHealth health = plan_view_health(view, now_of(world));
        assert_int_equal(health.epg_short_ms + health.execution_short_ms, 0);
}

/* A simulated fortnight, over the change of clock at autumn's end or spring's. */
static void run_fortnight(World *world, const char *start, int64_t pace_ms) {
        static const char *const ids[] = {"cheers", "films", "prime", "berlin"};
        int64_t generation = 0, last_generation = 0;
        rv_clock_fake_step_utc_ms(world->clock, fixture_utc(start) - now_of(world));
        add_channel(world, CHEERS);
        add_channel(world, FILMS);
        add_channel(world, PRIME);
        add_channel(world, CHANNEL("berlin", "8",
                                   "Europe/Berlin") "schedule: {all_day: [{block: {start: \"00:30\", duration: 24h,"
                                                    " pools: [frasier, cheers], mode: random}}]}\n");
        set_inputs(world);
        g_autoptr(GHashTable) blocks = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        for (int rounds = 0; now_of(world) < fixture_utc(start) + 14 * 24 * HOUR;) {
                const int64_t next = horizon_evaluate(world->horizon);
                for (size_t c = 0; c < G_N_ELEMENTS(ids); c++) {
                        g_autoptr(PlanView) view = view_of(world, ids[c]);
                        assert_sound(world, view);
                        generation = MAX(generation, view->generation);
                        for (guint i = 0; i < view->blocks->len; i++) { /* what is locked stays, to the last field */
                                const BlockPlan *block = view->blocks->pdata[i];
                                g_autofree char *key = g_strconcat(ids[c], block->block_id, NULL);
                                char *sha256 = block_plan_sha256(block);
                                const char *before = g_hash_table_lookup(blocks, key);
                                if (before)
                                        assert_string_equal(sha256, before);
                                g_hash_table_insert(blocks, g_steal_pointer(&key), sha256);
                        }
                }
                assert_true(generation >= last_generation);
                last_generation = generation;
                assert_true(next <= now_of(world) + 60000);
                for (int64_t waited = 0; waited < 113 * MINUTE; waited += pace_ms) {
                        rv_clock_fake_advance_ms(world->clock, pace_ms);
                        if (pace_ms <= MINUTE) /* deep enough still, just before it grows again */
                                assert_deep(world, ids[waited / pace_ms % G_N_ELEMENTS(ids)]);
                        horizon_evaluate(world->horizon);
                }
                if ((rounds++) % 60 == 59)
                        restart(world);
        }
}

static void INV_HORIZON_EXECUTION_MIN_001_a_fortnight_over_autumns_change_of_clock(void **state) {
        run_fortnight(*state, "2026-10-22T17:03:00Z", MINUTE);
}

static void INV_HORIZON_CONTINUOUS_COVERAGE_001_a_fortnight_over_springs_change_of_clock(void **state) {
        run_fortnight(*state, "2026-03-20T23:59:00Z", 20 * MINUTE);
}

static void INV_HORIZON_LOCKED_IMMUTABLE_001_new_rules_change_only_what_is_not_locked(void **state) {
        World *world = *state;
        add_channel(world, CHEERS);
        set_inputs(world);
        g_autoptr(PlanView) before = evaluated(world, "cheers");
        g_ptr_array_set_size(world->specs, 0);
        add_channel(world, FRASIER);
        set_inputs(world);
        g_autoptr(PlanView) after = evaluated(world, "cheers");
        assert_sound(world, after);
        assert_true(after->generation > before->generation);
        for (guint i = 0; i < before->blocks->len; i++)
                assert_string_equal(((BlockPlan *)before->blocks->pdata[i])->block_id,
                                    ((BlockPlan *)after->blocks->pdata[i])->block_id);
        for (guint i = 0; i < after->programmes->len; i++) {
                const Programme *programme = after->programmes->pdata[i];
                assert_string_equal(programme->series,
                                    programme->start_utc_ms < before->execution_end_utc_ms ? "Cheers" : "Frasier");
        }
        g_autoptr(Programme) first = NULL;
        assert_int_equal(plan_view_programme_at(after, before->execution_end_utc_ms, &first), PLAN_OK);
        assert_string_equal(first->subtitle, "Frasier 1x01");
}

/* Without a single block: what is on the air by the guide goes on to its end. */
static void INV_HORIZON_LOCKED_IMMUTABLE_001_what_is_on_the_air_is_not_replaced(void **state) {
        World *world = *state;
        add_channel(world, CHEERS);
        set_inputs(world);
        assert_true(store_run(world->store, NULL,
                              "CREATE TRIGGER full_blocks BEFORE INSERT ON transmission_block "
                              "BEGIN SELECT RAISE(ABORT, 'no room'); END",
                              ""));
        g_autoptr(PlanView) before = evaluated(world, "cheers");
        assert_int_equal(before->blocks->len, 0);
        assert_true(store_run(world->store, NULL, "DROP TRIGGER full_blocks", ""));
        g_ptr_array_set_size(world->specs, 0);
        add_channel(world, FRASIER);
        set_inputs(world);
        g_autoptr(PlanView) after = evaluated(world, "cheers");
        assert_sound(world, after);
        g_autoptr(Programme) on_air = NULL, next = NULL;
        assert_int_equal(plan_view_programme_at(after, now_of(world), &on_air), PLAN_OK);
        assert_int_equal(plan_view_programme_at(after, on_air->end_utc_ms, &next), PLAN_OK);
        assert_string_equal(on_air->series, "Cheers");
        assert_int_equal(on_air->end_utc_ms, fixture_utc("2026-11-22T04:30:00Z"));
        assert_string_equal(next->series, "Frasier");
}

static void INV_SCHEDULEDAY_IMMUTABLE_001_a_restart_changes_nothing(void **state) {
        World *world = *state;
        add_channel(world, CHEERS);
        add_channel(world, PRIME);
        set_inputs(world);
        for (int i = 0; i < 3; i++) {
                g_autoptr(PlanView) before = evaluated(world, "prime");
                g_autofree char *expected = titles(before, 0);
                restart(world);
                g_autoptr(PlanView) after = evaluated(world, "prime");
                g_autofree char *found = titles(after, 0);
                assert_string_equal(found, expected);
                assert_int_equal(after->blocks->len, before->blocks->len);
                rv_clock_fake_advance_ms(world->clock, 7 * HOUR);
        }
}

static void rotation_goes_on_as_if_without_restarts_and_time_off(void **state) {
        World *world = *state;
        add_channel(world, CHEERS);
        set_inputs(world);
        g_autoptr(PlanView) first = evaluated(world, "cheers");
        rv_clock_fake_advance_ms(world->clock, 6 * 24 * HOUR); /* off for longer than what was planned */
        restart(world);
        g_autoptr(PlanView) later = evaluated(world, "cheers");
        assert_sound(world, later);
        const Programme *origin = first->programmes->pdata[0];
        g_autoptr(Programme) on_air = NULL;
        assert_int_equal(plan_view_programme_at(later, now_of(world), &on_air), PLAN_OK);
        const int64_t n = (on_air->start_utc_ms - origin->start_utc_ms) / (30 * MINUTE) % 60;
        g_autofree char *expected = g_strdup_printf("Cheers %dx%02d", (int)(1 + n / 10), (int)(1 + n % 10));
        assert_string_equal(on_air->subtitle, expected);
        rv_clock_fake_advance_ms(world->clock, 400 * 24 * HOUR); /* and for longer than anyone computes */
        restart(world);
        g_autoptr(PlanView) much_later = evaluated(world, "cheers");
        assert_sound(world, much_later);
}

static void INV_SCHEDULE_RETENTION_001_what_is_over_is_let_go_of(void **state) {
        World *world = *state;
        add_channel(world, CHEERS);
        set_inputs(world);
        for (int i = 0; i < 30 * 24; i++) {
                horizon_evaluate(world->horizon);
                rv_clock_fake_advance_ms(world->clock, HOUR);
        }
        g_autoptr(PlanView) view = evaluated(world, "cheers");
        assert_sound(world, view);
        assert_in_range(view->programmes->len, 4 * 48, 6 * 48);
        assert_in_range(view->blocks->len, 12, 15);
        assert_in_range(sql_int(world->store, "SELECT count(*) FROM schedule_day"), 5, 6);
        assert_in_range(sql_int(world->store, "SELECT count(*) FROM transmission_block"), 8 * 48, 9 * 48 + 14);
        assert_in_range(sql_int(world->store, "SELECT count(*) FROM transmission_log"), 9, 10);
        g_autofree char *first =
                g_build_filename(world->fixture.dir, "transmission", "cheers", "2026-11-21.tlog", NULL);
        assert_true(g_file_test(first, G_FILE_TEST_EXISTS));
}

/* Both channels have been planned for a month; then one's file is taken away. */
static void INV_SCHEDULE_RETENTION_001_a_channel_that_is_gone_is_forgotten_in_time(void **state) {
        World *world = *state;
        add_channel(world, CHEERS);
        add_channel(world, FILMS);
        set_inputs(world);
        g_autoptr(PlanView) before = evaluated(world, "cheers");
        g_ptr_array_remove_index(world->specs, 0);
        set_inputs(world);
        (void)horizon_evaluate(world->horizon);
        assert_int_equal(sql_int(world->store, "SELECT count(*) FROM schedule_day WHERE channel_id = 'cheers'"), 4);
        for (int day = 0; day < 6; day++) {
                rv_clock_fake_advance_ms(world->clock, 24 * HOUR);
                (void)horizon_evaluate(world->horizon);
        }
        /* The last one, for its rotation; blocks of eight days. */
        assert_int_equal(sql_int(world->store, "SELECT count(*) FROM schedule_day WHERE channel_id = 'cheers'"), 1);
        assert_int_equal(sql_int(world->store, "SELECT count(*) FROM transmission_block WHERE channel_id = 'cheers'"),
                         before->blocks->len);
        add_channel(world, CHEERS);
        set_inputs(world);
        g_autoptr(PlanView) again = evaluated(world, "cheers");
        assert_sound(world, again);
        const Programme *origin = before->programmes->pdata[0],
                        *now = again->programmes->pdata[again->programmes->len - 1];
        const int64_t n = (now->start_utc_ms - origin->start_utc_ms) / (30 * MINUTE) % 60;
        g_autofree char *expected = g_strdup_printf("Cheers %dx%02d", (int)(1 + n / 10), (int)(1 + n % 10));
        assert_string_equal(now->subtitle, expected);

        g_ptr_array_remove_index(world->specs, 1);
        set_inputs(world);
        rv_clock_fake_advance_ms(world->clock, 40 * 24 * HOUR);
        (void)horizon_evaluate(world->horizon);
        assert_int_equal(sql_int(world->store, "SELECT count(*) FROM schedule_day WHERE channel_id = 'cheers'"), 0);
        assert_int_equal(sql_int(world->store, "SELECT count(*) FROM transmission_block WHERE channel_id = 'cheers'"),
                         0);
        assert_int_equal(sql_int(world->store, "SELECT count(*) FROM transmission_log WHERE channel_id = 'cheers'"), 0);
        assert_int_equal(sql_int(world->store, "SELECT count(*) FROM play WHERE channel_id = 'cheers'"), 0);
        assert_true(sql_int(world->store, "SELECT count(*) FROM schedule_day WHERE channel_id = 'films'") >= 4);
}

static CatalogSnapshot *copy_without(World *world, const char *asset_id, int64_t revision) {
        for (uint32_t i = 0; i < world->catalog->n_assets; i++) {
                const Asset *from = world->catalog->assets[i];
                Asset *to = fixture_asset(&world->fixture, from->kind, from->title, from->duration_ms);
                g_free(to->id);
                g_free(to->uri);
                to->id = g_strdup(from->id);
                to->uri = g_strdup(from->uri);
                to->series = g_strdup(from->series);
                to->season = from->season;
                to->episode = from->episode;
                to->state = strcmp(from->id, asset_id) == 0 ? ASSET_MISSING : from->state;
        }
        world->fixture.revision = revision;
        return fixture_catalog(&world->fixture);
}

static void an_asset_that_goes_missing_leaves_the_unlocked_days(void **state) {
        World *world = *state;
        add_channel(world, CHEERS);
        set_inputs(world);
        g_autoptr(PlanView) before = evaluated(world, "cheers");
        g_autoptr(Programme) gone = NULL;
        assert_int_equal(plan_view_programme_at(before, now_of(world) + 24 * HOUR, &gone), PLAN_OK);
        CatalogSnapshot *catalog = copy_without(world, gone->asset_id, 9);
        catalog_snapshot_unref(world->catalog);
        world->catalog = catalog;
        set_inputs(world);
        g_autoptr(PlanView) after = evaluated(world, "cheers");
        assert_sound(world, after);
        for (guint i = 0; i < after->programmes->len; i++) {
                const Programme *programme = after->programmes->pdata[i];
                assert_true(programme->start_utc_ms < before->execution_end_utc_ms ||
                            strcmp(programme->asset_id, gone->asset_id));
        }
}

static void a_file_that_is_not_there_is_told_and_replaced(void **state) {
        World *world = *state;
        add_channel(world, CHEERS);
        for (uint32_t i = 0; i < world->catalog->n_assets; i++)
                if (g_strcmp0(world->catalog->assets[i]->title, "Cheers 4x08") == 0)
                        assert_int_equal(g_unlink(world->catalog->assets[i]->uri), 0);
        set_inputs(world);
        g_autoptr(PlanView) view = evaluated(world, "cheers");
        assert_non_null(view->fault);
        assert_non_null(strstr(view->fault, "no file that can be read"));
        assert_true(view->execution_end_utc_ms >= now_of(world) + 6 * HOUR);
        for (guint i = 0; i < view->blocks->len; i++)
                assert_string_not_equal(((BlockPlan *)view->blocks->pdata[i])->segments[0].title, "Cheers 4x08");
        rv_clock_fake_advance_ms(world->clock, MINUTE);
        g_autoptr(PlanView) later = evaluated(world, "cheers");
        assert_non_null(strstr(later->fault, "1 assets of the catalog cannot be put on the air"));
        for (uint32_t i = 0; i < world->catalog->n_assets; i++)
                assert_true(g_file_set_contents(world->catalog->assets[i]->uri, "", 0, NULL));
        rv_clock_fake_advance_ms(world->clock, MINUTE);
        g_autoptr(PlanView) mended = evaluated(world, "cheers");
        assert_null(mended->fault);
}

static const BlockSegment *content_at(const PlanView *view, int64_t utc_ms) {
        g_autoptr(BlockPlan) block = NULL;
        assert_int_equal(plan_view_block_at(view, utc_ms, &block), PLAN_OK);
        assert_int_equal(block->segments[0].type, SEGMENT_CONTENT);
        return &block->segments[0]; /* the view's as well */
}

/* Locked, and gone since: told, counted once, left out of what is not locked, and forgotten when it is back. */
static void INV_HORIZON_FAULTS_001_a_file_that_goes_after_the_lock_is_told(void **state) {
        World *world = *state;
        add_channel(world, CHEERS);
        set_inputs(world);
        g_autoptr(PlanView) view = evaluated(world, "cheers");
        assert_null(view->lost[0]);
        const BlockSegment *segment = content_at(view, now_of(world) + 31 * MINUTE);
        assert_int_equal(g_unlink(segment->asset_uri), 0);
        for (unsigned i = 0; i < 3; i++) {
                rv_clock_fake_advance_ms(world->clock, MINUTE);
                g_autoptr(PlanView) told = evaluated(world, "cheers");
                assert_non_null(told->lost[0]);
                assert_null(told->lost[1]);
                assert_non_null(strstr(told->lost[0], segment->asset_uri));
                assert_non_null(strstr(told->lost[0], "at 23:30")); /* in New York */
                assert_int_equal(plan_board_faults(world->board, "cheers"), 1);
                for (guint j = 0; j < told->programmes->len; j++) {
                        const Programme *programme = told->programmes->pdata[j];
                        assert_true(programme->start_utc_ms < view->execution_end_utc_ms ||
                                    g_strcmp0(programme->asset_id, segment->asset_uuid) != 0);
                }
        }
        assert_true(g_file_set_contents(segment->asset_uri, "", 0, NULL));
        rv_clock_fake_advance_ms(world->clock, MINUTE);
        g_autoptr(PlanView) mended = evaluated(world, "cheers");
        assert_null(mended->lost[0]);
        assert_null(mended->fault);
}

#define TRAFFIC(policy) CHEERS "traffic: {" policy "}\n"

static void with_rules(World *world, const char *yaml) {
        g_ptr_array_set_size(world->specs, 0);
        add_channel(world, yaml);
        set_inputs(world);
}

static void breaks_that_stay_empty_are_told_with_what_to_do(void **state) {
        World *world = *state;
        with_rules(world, TRAFFIC("allowed_types: [trailer]"));
        g_autoptr(PlanView) view = evaluated(world, "cheers");
        assert_non_null(view->empty_breaks);
        assert_true(view->has_spots);
        assert_non_null(strstr(view->empty_breaks, "(0 trailer)"));
        assert_non_null(strstr(view->empty_breaks, "12 commercial"));
        assert_non_null(strstr(view->empty_breaks, "breaks planned until "));
        with_rules(world, TRAFFIC("allowed_types: [commercial]"));
        rv_clock_fake_advance_ms(world->clock, 7 * HOUR); /* what was locked has aired */
        g_autoptr(PlanView) mended = evaluated(world, "cheers");
        g_autoptr(PlanView) later = NULL;
        assert_true(view->execution_end_utc_ms < now_of(world) || !mended->empty_breaks);
        rv_clock_fake_advance_ms(world->clock, HOUR);
        later = evaluated(world, "cheers");
        assert_null(later->empty_breaks);
}

static void a_library_without_spots_gives_one_hint(void **state) {
        World *world = *state;
        catalog_snapshot_unref(world->catalog);
        fixture_series(&world->fixture, "Cheers", 60, 22 * MINUTE);
        world->catalog = fixture_catalog(&world->fixture);
        add_channel(world, CHEERS);
        set_inputs(world);
        g_autoptr(PlanView) view = evaluated(world, "cheers");
        assert_non_null(view->empty_breaks);
        assert_non_null(strstr(view->empty_breaks, "the library has no spots"));
        assert_false(view->has_spots);
        assert_null(view->fault);
        assert_null(view->notices[0]);
}

/* A day that is lost from the store: what came after it is not used, and compiled anew from where it begins. */
static void INV_HORIZON_CONTINUOUS_COVERAGE_001_a_lost_day_is_compiled_again(void **state) {
        World *world = *state;
        add_channel(world, CHEERS);
        set_inputs(world);
        g_autoptr(PlanView) before = evaluated(world, "cheers");
        g_autofree char *expected = titles(before, 0);
        assert_true(store_run(world->store, NULL, "DELETE FROM schedule_day WHERE day = '2026-11-23'", ""));
        restart(world);
        g_autoptr(PlanView) after = evaluated(world, "cheers");
        assert_sound(world, after);
        g_autofree char *found = titles(after, 0);
        assert_string_equal(found, expected);
}

/* All days are lost, and the rules are others: hours do not touch what was locked in half hours. Nothing that overlaps
 * is locked, and what is on the air goes on. */
static void INV_HORIZON_CONTINUOUS_COVERAGE_001_nothing_is_locked_that_does_not_touch(void **state) {
        World *world = *state;
        add_channel(world, CHEERS);
        set_inputs(world);
        g_autoptr(PlanView) before = evaluated(world, "cheers");
        int64_t end = before->execution_end_utc_ms;
        while (end % HOUR == 0)
                assert_int_equal(horizon_extend_execution_blocks(world->horizon, "cheers", 1, &end), EXTEND_OK);
        assert_true(store_run(world->store, NULL, "DELETE FROM schedule_day", ""));
        g_ptr_array_set_size(world->specs, 0);
        add_channel(world, FRASIER);
        restart(world);
        rv_clock_fake_advance_ms(world->clock, HOUR);
        g_autoptr(PlanView) after = evaluated(world, "cheers");
        assert_non_null(after->fault);
        assert_non_null(strstr(after->fault, "INV-TL-SEAM-003: it does not start after block"));
        assert_int_equal(after->execution_end_utc_ms, end);
        rv_clock_fake_advance_ms(world->clock, end - now_of(world) + HOUR); /* when that has aired, all is well */
        g_autoptr(PlanView) later = evaluated(world, "cheers");
        assert_sound(world, later);
}

static void when_all_files_are_gone_the_fault_says_so_and_the_plan_resumes(void **state) {
        World *world = *state;
        g_autofree char *hidden = g_strconcat(world->fixture.dir, "-hidden", NULL);
        add_channel(world, CHEERS);
        set_inputs(world);
        close_world(world);
        g_autofree char *elsewhere = g_strconcat(world->fixture.dir, ".db", NULL);
        open_world(world);
        set_inputs(world);
        assert_int_equal(g_rename(world->fixture.dir, hidden), 0); /* the disk is unmounted */
        g_autoptr(PlanView) view = evaluated(world, "cheers");
        assert_non_null(view->fault);
        assert_int_equal(view->blocks->len, 0);
        assert_int_equal(g_rename(hidden, world->fixture.dir), 0);
        rv_clock_fake_advance_ms(world->clock, MINUTE);
        g_autoptr(PlanView) later = evaluated(world, "cheers");
        assert_true(later->execution_end_utc_ms >= now_of(world) + 6 * HOUR);
}

static void an_empty_pool_is_a_fault_until_it_is_not(void **state) {
        World *world = *state;
        CatalogSnapshot *full = world->catalog;
        world->catalog = fixture_catalog(&world->fixture);
        add_channel(world, CHEERS);
        set_inputs(world);
        g_autoptr(PlanView) view = evaluated(world, "cheers");
        assert_non_null(strstr(view->fault, "pool \"cheers\""));
        assert_int_equal(view->programmes->len, 0);
        CatalogSnapshot *empty = world->catalog;
        world->catalog = full;
        set_inputs(world);
        g_autoptr(PlanView) later = evaluated(world, "cheers");
        assert_sound(world, later);
        world->catalog = empty; /* gone again: what is on the air goes on, with filler in place of what is not there */
        full->revision = 77;
        set_inputs(world);
        rv_clock_fake_advance_ms(world->clock, HOUR);
        g_autoptr(PlanView) last = evaluated(world, "cheers");
        assert_non_null(strstr(last->fault, "pool \"cheers\""));
        assert_true(last->execution_end_utc_ms >= now_of(world) + 6 * HOUR);
        assert_int_equal(((Programme *)last->programmes->pdata[last->programmes->len - 1])->kind, ASSET_FILLER);
        rv_clock_fake_advance_ms(world->clock, MINUTE);
        g_autoptr(PlanView) still = evaluated(world, "cheers");
        assert_non_null(strstr(still->fault, "pool \"cheers\""));
        full->revision = 78;
        world->catalog = full;
        set_inputs(world);
        g_autoptr(PlanView) mended = evaluated(world, "cheers");
        assert_sound(world, mended);
        catalog_snapshot_unref(empty);
}

static void INV_HORIZON_ATOMIC_PUBLISH_001_old_views_stay_whole_and_generations_rise(void **state) {
        World *world = *state;
        add_channel(world, CHEERS);
        add_channel(world, FILMS);
        set_inputs(world);
        g_autoptr(PlanView) first = evaluated(world, "cheers");
        g_autofree char *expected = titles(first, 0);
        const int64_t generation = plan_board_generation(world->board);
        assert_int_equal(generation, 2);
        assert_int_equal(world->n_published, 2);
        g_autoptr(PlanView) same = evaluated(world, "cheers");
        assert_ptr_equal(same, first); /* nothing new: nothing published */
        rv_clock_fake_advance_ms(world->clock, 30 * HOUR);
        g_autoptr(PlanView) later = evaluated(world, "cheers");
        assert_true(later->generation > first->generation);
        g_autofree char *still = titles(first, 0);
        assert_string_equal(still, expected);
        g_autoptr(GPtrArray) views = plan_board_views(world->board);
        assert_int_equal(views->len, 2);
        assert_string_equal(((PlanView *)views->pdata[0])->spec->id, "cheers");
        g_ptr_array_remove_index(world->specs, 1);
        set_inputs(world);
        assert_null(plan_board_view(world->board, "films"));
}

static void INV_HORIZON_PROACTIVE_EXTEND_001_extension_calls_do_what_they_say(void **state) {
        World *world = *state;
        add_channel(world, CHEERS);
        set_inputs(world);
        g_autoptr(PlanView) first = evaluated(world, "cheers");
        int64_t end = 0;
        assert_int_equal(horizon_extend_epg_day(world->horizon, "cheers", &end), EXTEND_OK);
        g_autoptr(PlanView) day = view_of(world, "cheers");
        assert_int_equal(day->epg_end_utc_ms, first->epg_end_utc_ms + 24 * HOUR);
        assert_int_equal(end, day->epg_end_utc_ms);
        assert_int_equal(horizon_extend_execution_blocks(world->horizon, "cheers", 3, &end), EXTEND_OK);
        g_autoptr(PlanView) blocks = view_of(world, "cheers");
        assert_int_equal(blocks->blocks->len, first->blocks->len + 3);
        assert_int_equal(end, first->execution_end_utc_ms + 90 * MINUTE);
        assert_int_equal(blocks->execution_end_utc_ms, end);
        assert_int_equal(horizon_extend_execution_until(world->horizon, "cheers", now_of(world) + 20 * HOUR, &end),
                         EXTEND_OK);
        g_autoptr(PlanView) until = view_of(world, "cheers");
        assert_int_equal(until->execution_end_utc_ms, end);
        assert_true(end >= now_of(world) + 20 * HOUR && end < now_of(world) + 20 * HOUR + 30 * MINUTE);
        assert_int_equal(horizon_extend_execution_day(world->horizon, "cheers", &end), EXTEND_OK);
        g_autoptr(PlanView) full = view_of(world, "cheers");
        assert_int_equal(full->execution_end_utc_ms, fixture_utc("2026-11-23T11:00:00Z"));
        assert_int_equal(end, full->execution_end_utc_ms);
        g_autofree char *path = g_build_filename(world->fixture.dir, "transmission", "cheers", "2026-11-22.tlog", NULL);
        assert_true(g_file_test(path, G_FILE_TEST_EXISTS));
        assert_int_equal(horizon_extend_epg_day(world->horizon, "nobody", NULL), EXTEND_NO_CHANNEL);
        assert_int_equal(horizon_extend_execution_day(world->horizon, "nobody", NULL), EXTEND_NO_CHANNEL);
        assert_int_equal(horizon_extend_execution_blocks(world->horizon, "nobody", 1, NULL), EXTEND_NO_CHANNEL);
}

/* Blocks beyond the guide's end: the guide grows with them, a day at a time. */
static void INV_HORIZON_PROACTIVE_EXTEND_001_blocks_take_the_guide_along(void **state) {
        World *world = *state;
        add_channel(world, CHEERS);
        set_inputs(world);
        int64_t end = 0;
        assert_int_equal(horizon_extend_execution_blocks(world->horizon, "cheers", 48 * 5, &end), EXTEND_OK);
        g_autoptr(PlanView) view = view_of(world, "cheers");
        assert_int_equal(end, fixture_utc("2026-11-22T04:00:00Z") + 5 * 24 * HOUR);
        assert_int_equal(view->blocks->len, 48 * 5);
        assert_true(view->epg_end_utc_ms >= end);
        assert_sound(world, view);
}

/* Twelve channels of half hours, minute by minute for two hours: they do not all extend in the same minute. */
static void INV_HORIZON_PROACTIVE_EXTEND_001_channels_extend_at_different_minutes(void **state) {
        World *world = *state;
        int64_t ends[12] = {0};
        int most = 0, total = 0;
        for (int c = 0; c < 12; c++) {
                g_autofree char *yaml = g_strdup_printf("channel: ch%d\nchannel_number: %d\ntimezone: UTC\n"
                                                        "pools: {cheers: {match: {series_title: Cheers}}}\n"
                                                        "schedule: {all_day: [{block: {start: \"06:00\", duration: "
                                                        "24h, pool: cheers}}]}\n",
                                                        c, c + 1);
                add_channel(world, yaml);
        }
        set_inputs(world);
        for (int minute = 0; minute < 120; minute++) {
                int now = 0;
                (void)horizon_evaluate(world->horizon);
                for (int c = 0; c < 12; c++) {
                        g_autofree char *id = g_strdup_printf("ch%d", c);
                        g_autoptr(PlanView) view = view_of(world, id);
                        now += minute > 0 && view->execution_end_utc_ms > ends[c];
                        ends[c] = view->execution_end_utc_ms;
                }
                most = MAX(most, now);
                total += now;
                rv_clock_fake_advance_ms(world->clock, MINUTE);
        }
        assert_in_range(total, 4 * 12 - 12, 4 * 12 + 12); /* a block each half hour */
        assert_in_range(most, 1, 5);
}

static void INV_HORIZON_HEALTH_001_depth_and_the_last_extension_are_told(void **state) {
        World *world = *state;
        add_channel(world, CHEERS);
        set_inputs(world);
        g_autoptr(PlanView) first = evaluated(world, "cheers");
        assert_int_equal(first->extension.id, 1);
        assert_int_equal(first->extension.reason, EXTENSION_FIRST);
        assert_true(first->extension.complete);
        assert_int_equal(first->extension.at_utc_ms, now_of(world));
        PlanHealth health = plan_view_health(first, now_of(world));
        assert_int_equal(health.execution_depth_ms, first->execution_end_utc_ms - now_of(world));
        assert_int_equal(health.execution_short_ms, 0);
        health = plan_view_health(first, first->execution_end_utc_ms - HOUR);
        assert_int_equal(health.execution_depth_ms, HOUR);
        assert_int_equal(health.execution_short_ms, 5 * HOUR);
        health = plan_view_health(first, first->epg_end_utc_ms + HOUR);
        assert_int_equal(health.epg_depth_ms, 0);
        assert_int_equal(health.epg_short_ms, 72 * HOUR);

        rv_clock_fake_advance_ms(world->clock, HOUR);
        g_autoptr(PlanView) due = evaluated(world, "cheers");
        assert_int_equal(due->extension.id, 2);
        assert_int_equal(due->extension.reason, EXTENSION_DUE);
        assert_int_equal(horizon_extend_execution_blocks(world->horizon, "cheers", 1, NULL), EXTEND_OK);
        g_autoptr(PlanView) asked = view_of(world, "cheers");
        assert_int_equal(asked->extension.id, 3);
        assert_int_equal(asked->extension.reason, EXTENSION_ASKED);

        assert_true(store_run(world->store, NULL,
                              "CREATE TRIGGER full_blocks BEFORE INSERT ON transmission_block "
                              "BEGIN SELECT RAISE(ABORT, 'no room'); END",
                              ""));
        int64_t end = 0;
        assert_int_equal(horizon_extend_execution_blocks(world->horizon, "cheers", 1, &end), EXTEND_SHORT);
        assert_int_equal(end, asked->execution_end_utc_ms);
        g_autoptr(PlanView) failed = view_of(world, "cheers");
        assert_int_equal(failed->extension.id, 4);
        assert_false(failed->extension.complete);
        assert_non_null(strstr(failed->fault, "no room"));
        assert_string_equal(extension_reason_name(failed->extension.reason), "asked");
        assert_int_equal(plan_board_faults(world->board, "cheers"), 1);
        (void)horizon_evaluate(world->horizon); /* the same one still */
        assert_int_equal(plan_board_faults(world->board, "cheers"), 1);
}

static void a_clock_before_the_plan_is_told_and_nothing_is_lost(void **state) {
        World *world = *state;
        add_channel(world, CHEERS);
        set_inputs(world);
        g_autoptr(PlanView) before = evaluated(world, "cheers");
        g_autofree char *expected = titles(before, 0);
        rv_clock_fake_step_utc_ms(world->clock, -100 * 24 * HOUR);
        restart(world);
        g_autoptr(PlanView) early = evaluated(world, "cheers");
        assert_non_null(strstr(early->fault, "the clock is earlier than the plan"));
        rv_clock_fake_step_utc_ms(world->clock, 100 * 24 * HOUR);
        g_autoptr(PlanView) after = evaluated(world, "cheers");
        assert_sound(world, after);
        g_autofree char *found = titles(after, 0);
        assert_string_equal(found, expected);
}

static void a_changed_grid_is_taken_up_at_the_next_common_time(void **state) {
        World *world = *state;
        add_channel(world, CHANNEL("cheers", "5", "America/New_York") "format: {grid_minutes: 10}\n"
                                                                      "schedule: {all_day: [{block: {start: \"06:00\", "
                                                                      "duration: 24h, pool: frasier}}]}\n");
        set_inputs(world);
        rv_clock_fake_advance_ms(world->clock, 10 * MINUTE);
        g_autoptr(PlanView) before = evaluated(world, "cheers");
        g_ptr_array_set_size(world->specs, 0);
        add_channel(world, CHEERS);
        set_inputs(world);
        rv_clock_fake_advance_ms(world->clock, 3 * HOUR);
        g_autoptr(PlanView) after = evaluated(world, "cheers");
        assert_sound(world, after);
        const BlockPlan *last = after->blocks->pdata[after->blocks->len - 1];
        assert_int_equal(last->start_utc_ms % (30 * MINUTE), 0);
}

static void a_store_that_refuses_is_a_fault_and_nothing_is_published_that_is_not_stored(void **state) {
        World *world = *state;
        add_channel(world, CHEERS);
        set_inputs(world);
        g_autoptr(PlanView) before = evaluated(world, "cheers");
        assert_true(store_run(world->store, NULL,
                              "CREATE TRIGGER full_blocks BEFORE INSERT ON transmission_block "
                              "BEGIN SELECT RAISE(ABORT, 'no room'); END",
                              ""));
        assert_true(store_run(
                world->store, NULL,
                "CREATE TRIGGER full_days BEFORE INSERT ON schedule_day BEGIN SELECT RAISE(ABORT, 'no room'); END",
                ""));
        rv_clock_fake_advance_ms(world->clock, 25 * HOUR);
        g_autoptr(PlanView) short_view = evaluated(world, "cheers");
        assert_non_null(strstr(short_view->fault, "no room"));
        assert_int_equal(short_view->epg_end_utc_ms, before->epg_end_utc_ms);
        assert_int_equal(sql_int(world->store, "SELECT count(*) FROM transmission_block"), before->blocks->len);
        assert_true(store_run(world->store, NULL, "DROP TRIGGER full_blocks", ""));
        assert_true(store_run(world->store, NULL, "DROP TRIGGER full_days", ""));
        rv_clock_fake_advance_ms(world->clock, MINUTE);
        g_autoptr(PlanView) after = evaluated(world, "cheers");
        assert_sound(world, after);
}

static void a_growing_catalog_locks_little(void **state) {
        World *world = *state;
        add_channel(world, CHEERS);
        set_inputs(world);
        horizon_set_depth(world->horizon, 24 * HOUR, 10 * MINUTE);
        g_autoptr(PlanView) view = evaluated(world, "cheers");
        assert_in_range(view->execution_end_utc_ms, now_of(world) + 10 * MINUTE, now_of(world) + 60 * MINUTE);
        horizon_set_depth(world->horizon, 72 * HOUR, 6 * HOUR);
        g_autoptr(PlanView) full = evaluated(world, "cheers");
        assert_sound(world, full);
}

typedef struct {
        PlanBoard *board;
        int stop; /* atomic */
        int n_read;
        bool torn;
} Reader;

static void read_board(void *user) {
        Reader *reader = user;
        int64_t last = 0;
        do {
                g_autoptr(PlanView) view = plan_board_view(reader->board, "cheers");
                if (!view)
                        continue;
                const guint n = view->blocks->len;
                reader->torn = reader->torn || view->generation < last || n == 0 ||
                               ((BlockPlan *)view->blocks->pdata[n - 1])->end_utc_ms != view->execution_end_utc_ms;
                last = view->generation;
                reader->n_read++;
        } while (!g_atomic_int_get(&reader->stop));
}

static void INV_HORIZON_ATOMIC_PUBLISH_001_a_reader_on_another_thread_sees_whole_views(void **state) {
        World *world = *state;
        add_channel(world, CHEERS);
        set_inputs(world);
        g_autoptr(PlanView) first = evaluated(world, "cheers");
        Reader reader = {.board = world->board};
        RvThread *thread = rv_thread_start("reader", RV_PRIORITY_NORMAL, read_board, &reader, NULL);
        for (int i = 0; i < 200; i++) {
                rv_clock_fake_advance_ms(world->clock, 30 * MINUTE);
                horizon_evaluate(world->horizon);
        }
        g_atomic_int_set(&reader.stop, 1);
        rv_thread_join(thread);
        assert_false(reader.torn);
        assert_true(reader.n_read > 0);
}

static void a_large_catalog_is_planned_at_once(void **state) {
        World *world = *state;
        for (int i = 0; i < 12000; i++) {
                Asset *asset = fixture_episode(&world->fixture, i % 3 ? "Cheers" : "Frasier", i / 24, i % 24,
                                               (i % 50 + 5) * MINUTE);
                assert_int_equal(g_unlink(asset->uri), 0);
                g_free(asset->uri);
                asset->uri = g_build_filename(world->fixture.dir, "retrovue.db", NULL);
        }
        catalog_snapshot_unref(world->catalog);
        for (int i = 0; i < 300; i++)
                fixture_asset(&world->fixture, i % 2 ? ASSET_MOVIE : ASSET_PROMO, "X", i % 2 ? 90 * MINUTE : 20000);
        world->catalog = fixture_catalog(&world->fixture);
        add_channel(world, CHEERS);
        add_channel(world, FILMS);
        add_channel(world, PRIME);
        set_inputs(world);
        g_autoptr(PlanView) view = evaluated(world, "prime");
        assert_sound(world, view);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                T(INV_PLAYLOG_COVERAGE_HOLE_001_the_block_on_the_air_now_is_planned),
                T(INV_PLAYLOG_COVERAGE_HOLE_001_a_start_right_after_a_seam_has_what_was_before),
                T(INV_HORIZON_EXHAUSTION_PLANNING_FAULT_001_beyond_the_plan_is_an_explicit_error),
                T(INV_HORIZON_EXECUTION_MIN_001_a_fortnight_over_autumns_change_of_clock),
                T(INV_HORIZON_CONTINUOUS_COVERAGE_001_a_fortnight_over_springs_change_of_clock),
                T(INV_HORIZON_LOCKED_IMMUTABLE_001_new_rules_change_only_what_is_not_locked),
                T(INV_HORIZON_LOCKED_IMMUTABLE_001_what_is_on_the_air_is_not_replaced),
                T(INV_SCHEDULEDAY_IMMUTABLE_001_a_restart_changes_nothing),
                T(INV_SCHEDULE_RETENTION_001_what_is_over_is_let_go_of),
                T(rotation_goes_on_as_if_without_restarts_and_time_off),
                T(INV_SCHEDULE_RETENTION_001_a_channel_that_is_gone_is_forgotten_in_time),
                T(an_asset_that_goes_missing_leaves_the_unlocked_days),
                T(a_file_that_is_not_there_is_told_and_replaced),
                T(INV_HORIZON_FAULTS_001_a_file_that_goes_after_the_lock_is_told),
                T(breaks_that_stay_empty_are_told_with_what_to_do),
                T(a_library_without_spots_gives_one_hint),
                T(INV_HORIZON_CONTINUOUS_COVERAGE_001_a_lost_day_is_compiled_again),
                T(INV_HORIZON_CONTINUOUS_COVERAGE_001_nothing_is_locked_that_does_not_touch),
                T(when_all_files_are_gone_the_fault_says_so_and_the_plan_resumes),
                T(an_empty_pool_is_a_fault_until_it_is_not),
                T(INV_HORIZON_ATOMIC_PUBLISH_001_old_views_stay_whole_and_generations_rise),
                T(INV_HORIZON_PROACTIVE_EXTEND_001_extension_calls_do_what_they_say),
                T(INV_HORIZON_PROACTIVE_EXTEND_001_blocks_take_the_guide_along),
                T(INV_HORIZON_PROACTIVE_EXTEND_001_channels_extend_at_different_minutes),
                T(INV_HORIZON_HEALTH_001_depth_and_the_last_extension_are_told),
                T(a_clock_before_the_plan_is_told_and_nothing_is_lost),
                T(a_changed_grid_is_taken_up_at_the_next_common_time),
                T(a_store_that_refuses_is_a_fault_and_nothing_is_published_that_is_not_stored),
                T(a_growing_catalog_locks_little),
                T(INV_HORIZON_ATOMIC_PUBLISH_001_a_reader_on_another_thread_sees_whole_views),
                T(a_large_catalog_is_planned_at_once),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
