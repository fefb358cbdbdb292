/* No room on the disk while plans are extended: told, nothing by halves, and all is well again when there is room. */
#include <signal.h>
#include <sys/resource.h>

#include "core/plan/transmission_log/transmission_log.h"
#include "proto/base/log.h"
#include "tests/core/horizon_fixture.h"

static int set_up(void **state) {
        World *world = world_new("2026-11-22T04:28:00Z", 72 * HOUR, 6 * HOUR);
        fixture_series(&world->fixture, "Cheers", 60, 22 * MINUTE);
        fixture_asset(&world->fixture, ASSET_COMMERCIAL, "Soap", 45000);
        begin(world, ALL_DAY);
        *state = world;
        return 0;
}

static PlanView *evaluated(World *world) {
        horizon_evaluate(world->horizon);
        PlanView *view = plan_board_view(world->board, "cheers");
        assert_non_null(view);
        return view;
}

/* No file may grow beyond this many bytes; RLIM_INFINITY: there is room again. */
static void set_room(rlim_t bytes) {
        struct rlimit limit;
        assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
        limit.rlim_cur = bytes;
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void assert_whole(World *world, const PlanView *view) {
        const PlanHealth health = plan_view_health(view, rv_clock_utc_ms(world->clock));
        assert_planned(view);
        assert_int_equal(health.epg_short_ms + health.execution_short_ms, 0);
}

/* Every published block is in the store, and no other. */
static void assert_stored(World *world, const PlanView *view) {
        g_autoptr(GPtrArray) stored = transmission_log_blocks(
                world->store, "cheers", ((BlockPlan *)view->blocks->pdata[0])->start_utc_ms, NULL);
        assert_non_null(stored);
        assert_int_equal(stored->len, view->blocks->len);
        for (guint i = 0; i < stored->len; i++)
                assert_string_equal(((BlockPlan *)stored->pdata[i])->block_id,
                                    ((BlockPlan *)view->blocks->pdata[i])->block_id);
}

static void INV_HORIZON_HEALTH_001_a_full_disk_is_told_and_mends_itself(void **state) {
        World *world = *state;
        g_autoptr(PlanView) before = evaluated(world);
        assert_whole(world, before);
        for (rlim_t room = 0; room < 200000; room += 37000) { /* at once, or in the middle of it */
                rv_clock_fake_advance_ms(world->clock, 3 * HOUR);
                set_room(room);
                g_autoptr(PlanView) full = evaluated(world), still = evaluated(world);
                set_room(RLIM_INFINITY);
                if (room == 0) {
                        assert_non_null(strstr(full->fault, "cannot be stored"));
                        assert_non_null(strstr(full->fault, "retrovue.db"));
                }
                assert_stored(world, still);
                rv_clock_fake_advance_ms(world->clock, MINUTE);
                g_autoptr(PlanView) mended = evaluated(world);
                assert_whole(world, mended);
                assert_stored(world, mended);
        }
}

/* The store has its room, the log's folder has not. */
static void INV_TL_ARTIFACT_001_files_that_could_not_be_written_are_written_later(void **state) {
        World *world = *state;
        g_autofree char *folder = g_build_filename(world->fixture.dir, "transmission", NULL);
        g_autofree char *file = g_build_filename(folder, "cheers", "2026-11-21.tlog", NULL);
        assert_true(g_file_set_contents(folder, "in the way", -1, NULL));
        g_autoptr(PlanView) failed = evaluated(world);
        assert_non_null(strstr(failed->fault, "the log's files cannot be written"));
        assert_stored(world, failed);
        g_autoptr(PlanView) still = evaluated(world); /* nothing to plan, and the files are not there yet */
        assert_non_null(strstr(still->fault, "the log's files cannot be written"));
        assert_int_equal(g_unlink(folder), 0);
        g_autoptr(PlanView) mended = evaluated(world);
        assert_whole(world, mended);
        assert_true(g_file_test(file, G_FILE_TEST_EXISTS));
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
        rv_log_init("test", rv_clock_system());
        rv_log_set_level((RvLogLevel)(RV_LOG_ERROR + 1));
        signal(SIGXFSZ, SIG_IGN);
        const struct CMUnitTest tests[] = {
                T(INV_HORIZON_HEALTH_001_a_full_disk_is_told_and_mends_itself),
                T(INV_TL_ARTIFACT_001_files_that_could_not_be_written_are_written_later),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
