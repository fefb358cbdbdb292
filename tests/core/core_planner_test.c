#include "core/planner.h"

#include <glib/gstdio.h>

#include "core/plan/catalog/catalog_store.h"
#include "core/plan/horizon/override.h"
#include "proto/base/log.h"
#include "tests/core/plan_fixture.h"
#include "tests/support/cmocka.h"

#define NOW "2026-11-22T04:28:00Z"
#define CHANNEL(id, series)                                                                                            \
        "channel: " id "\ntimezone: America/New_York\n"                                                                \
        "pools: {episodes: {match: {type: episode, series_title: " series "}}}\n"                                      \
        "schedule: {all_day: [{block: {start: \"06:00\", duration: 24h, pool: episodes}}]}\n"

typedef struct {
        Fixture fixture;
        char *store_path, *channels;
        RvClock *clock;
        PlanBoard *board;
        Config config;
        Planner *planner;
        guint timer;
        unsigned n_published, n_nothing;
        char *nothing;
} World;

static void on_published(void *user) {
        ((World *)user)->n_published++;
}

static void on_nothing(void *user, const char *reason) {
        World *world = user;
        world->n_nothing++;
        g_free(world->nothing);
        world->nothing = g_strdup(reason);
}

static void start_planner(World *world) {
        g_autoptr(GError) error = NULL;
        PlannerOptions options = {
                .config = &world->config,
                .store_path = world->store_path,
                .logs_dir = world->fixture.dir,
                .board = world->board,
                .clock = world->clock,
                .on_published = on_published,
                .on_nothing = on_nothing,
                .user = world,
        };
        world->planner = planner_start(&options, &error);
        assert_non_null(world->planner);
}

static gboolean turn(void *user) {
        return G_SOURCE_CONTINUE;
}

static int set_up(void **state) {
        static char *no_folder[] = {NULL};
        World *world = g_new0(World, 1);
        fixture_begin(&world->fixture);
        world->store_path = g_build_filename(world->fixture.dir, "retrovue.db", NULL);
        world->channels = g_build_filename(world->fixture.dir, "channels", NULL);
        assert_int_equal(g_mkdir(world->channels, 0700), 0);
        world->clock = rv_clock_fake_new(fixture_utc(NOW));
        world->board = plan_board_new();
        world->config = (Config){.channels_dir = world->channels,
                                 .media_dirs = no_folder,
                                 .min_epg_ms = 72 * HOUR,
                                 .min_execution_ms = 6 * HOUR};
        world->timer = g_timeout_add(5, turn, NULL);
        start_planner(world);
        *state = world;
        return 0;
}

static int tear_down(void **state) {
        World *world = *state;
        planner_free(world->planner);
        g_source_remove(world->timer);
        plan_board_unref(world->board);
        rv_clock_fake_free(world->clock);
        fixture_end(&world->fixture);
        g_free(world->store_path);
        g_free(world->channels);
        g_free(world->nothing);
        g_free(world);
        return 0;
}

/* What the fixture holds is in the database, as a scan leaves it. */
static void store_assets(World *world) {
        g_autoptr(Store) store = store_open(world->store_path, NULL);
        assert_true(store_begin(store, NULL));
        for (unsigned i = 0; i < world->fixture.assets->len; i++) {
                CatalogRow row = {
                        .asset = world->fixture.assets->pdata[i], .size = 1, .stamp = (char[]){"x"}, .present = true};
                assert_true(catalog_store_put(store, &row, NULL));
        }
        assert_true(catalog_store_bump(store, NULL));
        assert_true(store_commit(store, NULL));
}

static void write_channel(const World *world, const char *name, const char *text) {
        g_autofree char *path = g_build_filename(world->channels, name, NULL);
        assert_true(g_file_set_contents(path, text, -1, NULL));
}

static unsigned n_views(const World *world) {
        g_autoptr(GPtrArray) views = plan_board_views(world->board);
        return views->len;
}

static char *alerts(const World *world) {
        json_t *list = planner_alerts(world->planner);
        char *text = json_dumps(list, 0), *copy = g_strdup(text);
        free(text);
        json_decref(list);
        return copy;
}

/* The control loop turns until it is so; a timer of set_up's wakes it. A planner that never gets there fails the test
 * by its time limit. */
#define AWAIT(condition)                                                                                               \
        while (!(condition))                                                                                           \
        g_main_context_iteration(NULL, TRUE)

static bool alerted(const World *world, const char *text) {
        g_autofree char *now = alerts(world);
        return strstr(now, text) != NULL;
}

static bool comes_from(const World *world, const char *channel_id, const char *file) {
        g_autoptr(PlanView) view = plan_board_view(world->board, channel_id);
        return view && g_str_has_suffix(view->spec->source_file, file);
}

static int64_t view_generation(const World *world, const char *channel_id) {
        g_autoptr(PlanView) view = plan_board_view(world->board, channel_id);
        return view ? view->generation : 0;
}

static bool is_all_of(const PlanView *view, const char *series, int64_t from_utc_ms) {
        for (guint i = 0; i < view->programmes->len; i++) {
                const Programme *programme = view->programmes->pdata[i];
                if (programme->start_utc_ms >= from_utc_ms && g_strcmp0(programme->series, series) != 0)
                        return false;
        }
        return true;
}

static bool plans_all_of(const World *world, const char *channel_id, const char *series, int64_t from_utc_ms) {
        g_autoptr(PlanView) view = plan_board_view(world->board, channel_id);
        return view && is_all_of(view, series, from_utc_ms);
}

/* The planner is told of it at once. */
static void edit(World *world, const char *name, const char *text) {
        write_channel(world, name, text);
        planner_reload(world->planner, LIBRARY_KNOWN);
}

static void remove_channel(World *world, const char *name) {
        g_autofree char *path = g_build_filename(world->channels, name, NULL);
        assert_int_equal(g_remove(path), 0);
        planner_reload(world->planner, LIBRARY_KNOWN);
}

/* A library of two series; channel one is planned of the first and, of two channels, the other of the second. */
static void plan_channels(World *world, unsigned n) {
        fixture_series(&world->fixture, "Cheers", 30, 22 * MINUTE);
        fixture_series(&world->fixture, "Frasier", 30, 22 * MINUTE);
        store_assets(world);
        if (n > 1)
                write_channel(world, "two.yaml", CHANNEL("two", "Frasier"));
        edit(world, "one.yaml", CHANNEL("one", "Cheers"));
        AWAIT(planner_has_planned(world->planner) && n_views(world) == n);
}

/* --- tests -------------------------------------------------------------------------------------------------------- */

static void a_library_without_channel_files_gets_some_and_is_planned(void **state) {
        World *world = *state;
        fixture_series(&world->fixture, "Cheers", 30, 22 * MINUTE);
        store_assets(world);
        planner_reload(world->planner, LIBRARY_KNOWN);
        AWAIT(world->n_published > 0 && planner_has_planned(world->planner));
        g_autoptr(PlanView) view = plan_board_view(world->board, "cheers");
        assert_non_null(view);
        assert_true(view->execution_end_utc_ms >= rv_clock_utc_ms(world->clock) + 6 * HOUR);
        assert_int_equal(world->n_nothing, 0);
}

static void nothing_to_show_is_told_once_and_stands_as_an_alert(void **state) {
        World *world = *state;
        planner_reload(world->planner, LIBRARY_GROWING); /* too early to say */
        planner_reload(world->planner, LIBRARY_KNOWN);
        AWAIT(world->n_nothing > 0 && alerted(world, "no channel is on the air"));
        assert_non_null(strstr(world->nothing, "--media"));
        planner_reload(world->planner, LIBRARY_KNOWN);
        planner_reload(world->planner, LIBRARY_KNOWN);

        fixture_asset(&world->fixture, ASSET_PROMO, "Promo", 30000);
        fixture_asset(&world->fixture, ASSET_PROMO, "Promo", 30000);
        Asset *refused = fixture_asset(&world->fixture, ASSET_EPISODE, "Broken", 0);
        refused->state = ASSET_REFUSED;
        refused->approved = false;
        store_assets(world);
        planner_reload(world->planner, LIBRARY_KNOWN);
        AWAIT(strstr(world->nothing, "promo"));
        assert_non_null(strstr(world->nothing, "2 promo, 1 refused"));
        assert_int_equal(world->n_nothing, 2);

        fixture_series(&world->fixture, "Cheers", 30, 22 * MINUTE);
        store_assets(world);
        planner_reload(world->planner, LIBRARY_KNOWN);
        AWAIT(n_views(world) > 0 && !alerted(world, "no channel"));
        assert_int_equal(world->n_nothing, 2);
}

static void channel_files_that_are_all_faulty_are_told(void **state) {
        World *world = *state;
        edit(world, "bad.yaml", "channel: [\n");
        AWAIT(world->n_nothing > 0 && alerted(world, "bad.yaml"));
        assert_non_null(strstr(world->nothing, "fault"));
}

static void a_file_that_becomes_faulty_keeps_its_last_good_rules(void **state) {
        World *world = *state;
        plan_channels(world, 2);

        edit(world, "one.yaml", "channel: one\ntimezone: Nowhere/Land\n");
        AWAIT(alerted(world, "one.yaml"));
        assert_int_equal(n_views(world), 2);

        int64_t before = view_generation(world, "one");
        edit(world, "one.yaml", CHANNEL("one", "Frasier"));
        AWAIT(!alerted(world, "one.yaml") && view_generation(world, "one") > before);
}

static void a_file_that_goes_takes_its_channel_along(void **state) {
        World *world = *state;
        plan_channels(world, 2);
        remove_channel(world, "two.yaml");
        AWAIT(n_views(world) == 1);
        assert_int_equal(view_generation(world, "two"), 0);

        remove_channel(world, "one.yaml");
        AWAIT(world->n_nothing > 0 && n_views(world) == 0);
        assert_non_null(strstr(world->nothing, "there is no channel file"));
}

/* As some editors save: the old file is taken away, and the new one comes a moment later. */
static void a_file_that_is_away_for_a_moment_keeps_its_channel(void **state) {
        World *world = *state;
        plan_channels(world, 1);
        g_autoptr(PlanView) before = plan_board_view(world->board, "one");
        g_autofree char *path = g_build_filename(world->channels, "one.yaml", NULL);
        assert_int_equal(g_remove(path), 0);
        edit(world, "two.yaml", CHANNEL("two", "Cheers"));
        AWAIT(view_generation(world, "two") > 0); /* the folder has been looked at */
        assert_true(view_generation(world, "one") > 0);
        edit(world, "one.yaml", CHANNEL("one", "Frasier"));
        AWAIT(plans_all_of(world, "one", "Frasier", before->execution_end_utc_ms));
        assert_int_equal(g_remove(path), 0); /* for good */
        planner_reload(world->planner, LIBRARY_KNOWN);
        AWAIT(n_views(world) == 1);
        assert_int_equal(view_generation(world, "one"), 0);
}

/* A mode that hides it, and shows it again without a change of its time. */
static void a_file_that_can_be_read_again_is_read(void **state) {
        World *world = *state;
        plan_channels(world, 1);
        g_autofree char *path = g_build_filename(world->channels, "one.yaml", NULL);
        g_autofree char *elsewhere = g_build_filename(world->fixture.dir, "elsewhere", NULL);
        assert_int_equal(g_rename(path, elsewhere), 0);
        assert_int_equal(g_mkdir(path, 0700), 0); /* there, and not to be read, whoever runs the test */
        planner_look(world->planner);
        AWAIT(alerted(world, "one.yaml"));
        assert_int_equal(n_views(world), 1);
        assert_int_equal(g_rmdir(path), 0);
        assert_int_equal(g_rename(elsewhere, path), 0);
        planner_look(world->planner);
        AWAIT(!alerted(world, "one.yaml"));
        assert_int_equal(n_views(world), 1);
}

static void a_refused_override_is_an_alert(void **state) {
        World *world = *state;
        plan_channels(world, 1);
        g_autoptr(Store) store = store_open(world->store_path, NULL);
        const int64_t now = rv_clock_utc_ms(world->clock);
        Override override = {.channel_id = (char *)"one", .kind = OVERRIDE_SKIP, .at_utc_ms = now, .asked_utc_ms = now};
        bool done = false;
        assert_true(override_store_ask(store, &override, NULL)); /* by another program: nobody tells the planner */
        AWAIT(alerted(world, "channel one: override 1 (skip at 2026-11-21T23:28) was refused: too late"));
        assert_true(override_store_cancel(store, "one", 1, now, &done, NULL) && done);
        AWAIT(!alerted(world, "override"));
}

/* Renamed, and faulty under its old name: one channel, not two. */
static void a_channel_moves_to_another_file(void **state) {
        World *world = *state;
        plan_channels(world, 1);
        write_channel(world, "one.yaml", "channel: [\n");
        edit(world, "other.yaml", CHANNEL("one", "Cheers"));
        AWAIT(alerted(world, "one.yaml") && comes_from(world, "one", "other.yaml"));
        assert_int_equal(n_views(world), 1);
}

static void an_end_in_the_middle_of_planning_is_quiet(void **state) {
        World *world = *state;
        fixture_series(&world->fixture, "Cheers", 300, 22 * MINUTE);
        store_assets(world);
        for (int i = 0; i < 10; i++) {
                planner_reload(world->planner, LIBRARY_KNOWN);
                planner_free(world->planner);
                unsigned published = world->n_published;
                g_main_context_iteration(NULL, TRUE);
                assert_int_equal(world->n_published, published); /* nothing is heard of it any more */
                start_planner(world);
        }
}

static int64_t execution_ahead(const World *world, const char *channel_id) {
        g_autoptr(PlanView) view = plan_board_view(world->board, channel_id);
        return view ? view->execution_end_utc_ms - rv_clock_utc_ms(world->clock) : 0;
}

/* A library of 200,000 files is scanned for hours: what is locked meanwhile is an hour at most. */
static void a_library_that_is_still_growing_locks_little(void **state) {
        World *world = *state;
        fixture_series(&world->fixture, "Cheers", 3, 22 * MINUTE);
        store_assets(world);
        write_channel(world, "one.yaml", CHANNEL("one", "Cheers"));
        planner_reload(world->planner, LIBRARY_GROWING);
        AWAIT(planner_has_planned(world->planner));
        assert_in_range(execution_ahead(world, "one"), 10 * MINUTE, 60 * MINUTE);
        g_autoptr(PlanView) little = plan_board_view(world->board, "one");
        assert_true(little->epg_end_utc_ms <= rv_clock_utc_ms(world->clock) + 49 * HOUR);
        assert_false(alerted(world, "one")); /* that is no shortfall */

        fixture_series(&world->fixture, "Cheers", 60, 22 * MINUTE);
        store_assets(world);
        planner_reload(world->planner, LIBRARY_KNOWN);
        AWAIT(execution_ahead(world, "one") >= 6 * HOUR);
        g_autoptr(PlanView) full = plan_board_view(world->board, "one");
        assert_true(full->epg_end_utc_ms >= rv_clock_utc_ms(world->clock) + 72 * HOUR);
        g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
        for (guint i = 0; i < full->blocks->len; i++)
                g_hash_table_add(seen, (char *)((BlockPlan *)full->blocks->pdata[i])->segments[0].asset_uuid);
        assert_true(g_hash_table_size(seen) > 3); /* not the three that were there first, again and again */
}

static void what_keeps_a_plan_short_is_an_alert_until_it_is_mended(void **state) {
        World *world = *state;
        fixture_series(&world->fixture, "Cheers", 30, 22 * MINUTE);
        store_assets(world);
        write_channel(world, "one.yaml", CHANNEL("one", "Cheers"));
        g_autoptr(Store) store = store_open(world->store_path, NULL);
        assert_true(store_run(store, NULL,
                              "CREATE TRIGGER full BEFORE INSERT ON transmission_block "
                              "BEGIN SELECT RAISE(ABORT, 'no room'); END",
                              ""));
        planner_reload(world->planner, LIBRARY_KNOWN);
        AWAIT(alerted(world, "no room"));
        assert_true(alerted(world, "channel one: "));
        assert_true(alerted(world, "planned for 0.0 of 6.0 hours"));
        assert_true(store_run(store, NULL, "DROP TRIGGER full", ""));
        planner_reload(world->planner, LIBRARY_KNOWN);
        AWAIT(!alerted(world, "planned for"));
        assert_true(execution_ahead(world, "one") >= 6 * HOUR);
}

/* Gone for a while and back again: what was locked is there again, what follows is planned by what the file says now.
 */
static void a_file_that_comes_back_finds_its_plan(void **state) {
        World *world = *state;
        plan_channels(world, 1);
        g_autoptr(PlanView) before = plan_board_view(world->board, "one");
        remove_channel(world, "one.yaml");
        AWAIT(n_views(world) == 0);
        edit(world, "one.yaml", CHANNEL("one", "Frasier"));
        AWAIT(n_views(world) == 1);
        g_autoptr(PlanView) after = plan_board_view(world->board, "one");
        for (guint i = 0; i < before->blocks->len; i++)
                assert_string_equal(((BlockPlan *)before->blocks->pdata[i])->block_id,
                                    ((BlockPlan *)after->blocks->pdata[i])->block_id);
        assert_true(is_all_of(after, "Frasier", before->execution_end_utc_ms));
        assert_true(after->generation > before->generation);
}

/* A file that channel files include, in a folder of its own, and the rules for all: both are read anew. */
static void a_change_of_what_is_included_replans_what_is_not_locked(void **state) {
        World *world = *state;
        fixture_series(&world->fixture, "Cheers", 30, 22 * MINUTE);
        fixture_series(&world->fixture, "Frasier", 30, 22 * MINUTE);
        store_assets(world);
        g_autofree char *shared = g_build_filename(world->channels, "shared", NULL);
        assert_int_equal(g_mkdir(shared, 0700), 0);
        write_channel(world, "shared/pools.yaml", "episodes: {match: {type: episode, series_title: Cheers}}\n");
        write_channel(world, "one.yaml",
                      "channel: one\ntimezone: America/New_York\npools: !include shared/pools.yaml\n"
                      "schedule: {all_day: [{block: {start: \"06:00\", duration: 24h, pool: episodes}}]}\n");
        planner_reload(world->planner, LIBRARY_KNOWN);
        AWAIT(planner_has_planned(world->planner) && n_views(world) == 1);
        g_autoptr(PlanView) before = plan_board_view(world->board, "one");
        assert_true(is_all_of(before, "Cheers", 0));
        write_channel(world, "shared/pools.yaml", "episodes: {match: {type: episode, series_title: Frasier}}\n");
        planner_look(world->planner); /* nobody told of it */
        AWAIT(view_generation(world, "one") > before->generation);
        g_autoptr(PlanView) after = plan_board_view(world->board, "one");
        assert_true(is_all_of(after, "Frasier", before->execution_end_utc_ms));
        g_autoptr(Store) store = store_open(world->store_path, NULL);
        assert_true(store_run(store, NULL, "UPDATE asset SET title = 'New' WHERE series = 'Frasier'", ""));
        assert_true(catalog_store_bump(store, NULL));
        planner_look(world->planner);
        AWAIT(view_generation(world, "one") > after->generation);
        g_autoptr(PlanView) renamed = plan_board_view(world->board, "one");
        assert_string_equal(((Programme *)renamed->programmes->pdata[renamed->programmes->len - 1])->subtitle, "New");

        edit(world, "_defaults.yaml", "traffic: [\n");
        AWAIT(alerted(world, "_defaults.yaml"));
        g_autoptr(PlanView) still = plan_board_view(world->board, "one");
        assert_true(still && is_all_of(still, "Frasier", before->execution_end_utc_ms));
        edit(world, "_defaults.yaml", "traffic: {max_plays_per_day: 3}\n");
        AWAIT(!alerted(world, "_defaults.yaml"));
        assert_int_equal(n_views(world), 1);
}

/* An operator's `retrovue catalog retire`, in another process: nobody tells the planner of it. */
static void an_edit_of_the_catalog_by_another_program_is_noticed(void **state) {
        World *world = *state;
        fixture_series(&world->fixture, "Cheers", 2, 22 * MINUTE);
        store_assets(world);
        edit(world, "one.yaml", CHANNEL("one", "Cheers"));
        AWAIT(planner_has_planned(world->planner) && n_views(world) == 1);
        g_autoptr(PlanView) before = plan_board_view(world->board, "one");
        const Programme *last = before->programmes->pdata[before->programmes->len - 1];
        g_autofree char *retired = g_strdup(last->asset_id);
        g_autoptr(Store) store = store_open(world->store_path, NULL);
        CatalogVerdict verdict;
        assert_true(catalog_retire(store, retired, &verdict, NULL));
        AWAIT(view_generation(world, "one") > before->generation);
        g_autoptr(PlanView) after = plan_board_view(world->board, "one");
        for (guint i = 0; i < after->programmes->len; i++) {
                const Programme *programme = after->programmes->pdata[i];
                assert_true(programme->start_utc_ms < before->execution_end_utc_ms ||
                            g_strcmp0(programme->asset_id, retired) != 0);
        }
}

/* The program ends and starts again. */
static void restart(World *world) {
        planner_free(world->planner);
        plan_board_unref(world->board);
        world->board = plan_board_new();
        start_planner(world);
}

static void a_file_that_was_broken_over_a_restart_keeps_its_last_good_rules(void **state) {
        World *world = *state;
        plan_channels(world, 2);
        g_autoptr(PlanView) before = plan_board_view(world->board, "one");

        write_channel(world, "one.yaml", "channel: [\n");
        restart(world);
        planner_reload(world->planner, LIBRARY_KNOWN);
        AWAIT(planner_has_planned(world->planner));
        assert_true(alerted(world, "one.yaml"));
        assert_int_equal(n_views(world), 2);
        g_autoptr(PlanView) after = plan_board_view(world->board, "one");
        assert_int_equal(after->spec->number, before->spec->number);
        assert_true(is_all_of(after, "Cheers", 0));

        write_channel(world, "one.yaml", CHANNEL("uno", "Cheers")); /* mended, and another channel now */
        planner_look(world->planner);
        AWAIT(!alerted(world, "one.yaml") && view_generation(world, "uno") > 0);
        assert_int_equal(view_generation(world, "one"), 0);
        assert_int_equal(n_views(world), 2);

        write_channel(world, "one.yaml", "channel: [\n");
        write_channel(world, "two.yaml", "channel: [\n");
        restart(world);
        planner_reload(world->planner, LIBRARY_KNOWN);
        AWAIT(planner_has_planned(world->planner));
        assert_int_equal(n_views(world), 2);
        g_autofree char *path = g_build_filename(world->channels, "two.yaml", NULL);
        assert_int_equal(g_remove(path), 0); /* gone is gone, whatever else is faulty */
        planner_look(world->planner);
        AWAIT(n_views(world) == 1);
        assert_true(view_generation(world, "uno") > 0);
}

static void a_database_that_cannot_be_read_is_an_alert(void **state) {
        World *world = *state;
        g_autoptr(Store) store = store_open(world->store_path, NULL);
        assert_true(store_run(store, NULL, "DROP TABLE asset_marker", ""));
        planner_reload(world->planner, LIBRARY_KNOWN);
        AWAIT(alerted(world, world->store_path));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

static void what_is_lost_is_an_error_and_having_no_spots_a_hint(void **state) {
        World *world = *state;
        plan_channels(world, 1);
        assert_true(alerted(world, "\"severity\": \"info\""));
        assert_true(alerted(world, "the library has no spots"));
        assert_false(alerted(world, "cannot be read"));
        g_autoptr(PlanView) view = plan_board_view(world->board, "one");
        g_autoptr(BlockPlan) block = NULL;
        assert_int_equal(plan_view_block_at(view, rv_clock_utc_ms(world->clock), &block), PLAN_OK);
        assert_int_equal(g_unlink(block->segments[0].asset_uri), 0);
        planner_look(world->planner);
        AWAIT(alerted(world, "its file cannot be read"));
        assert_true(alerted(world, "\"severity\": \"error\""));
        assert_true(g_file_set_contents(block->segments[0].asset_uri, "", 0, NULL));
        planner_look(world->planner);
        AWAIT(!alerted(world, "its file cannot be read"));
}

int main(void) {
        rv_log_init("test", rv_clock_system());
        rv_log_set_level((RvLogLevel)(RV_LOG_ERROR + 1));
        const struct CMUnitTest tests[] = {
                TEST(a_library_without_channel_files_gets_some_and_is_planned),
                TEST(what_is_lost_is_an_error_and_having_no_spots_a_hint),
                TEST(nothing_to_show_is_told_once_and_stands_as_an_alert),
                TEST(channel_files_that_are_all_faulty_are_told),
                TEST(a_file_that_becomes_faulty_keeps_its_last_good_rules),
                TEST(a_file_that_goes_takes_its_channel_along),
                TEST(a_file_that_is_away_for_a_moment_keeps_its_channel),
                TEST(a_file_that_can_be_read_again_is_read),
                TEST(a_refused_override_is_an_alert),
                TEST(a_channel_moves_to_another_file),
                TEST(an_end_in_the_middle_of_planning_is_quiet),
                TEST(a_library_that_is_still_growing_locks_little),
                TEST(what_keeps_a_plan_short_is_an_alert_until_it_is_mended),
                TEST(a_file_that_comes_back_finds_its_plan),
                TEST(a_change_of_what_is_included_replans_what_is_not_locked),
                TEST(an_edit_of_the_catalog_by_another_program_is_noticed),
                TEST(a_file_that_was_broken_over_a_restart_keeps_its_last_good_rules),
                TEST(a_database_that_cannot_be_read_is_an_alert),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
