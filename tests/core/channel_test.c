#include <string.h>

#include "core/play/channel/channel_private.h"
#include "tests/core/play_fixture.h"
#include "tests/support/cmocka.h"

#define NOON INT64_C(1795262400000)
#define SECOND 1000

/* --- engines that do what the test says --------------------------------------------------------------------------- */

struct Engine {
        EngineOptions options;
        int64_t last_bytes_mono_ns, second_last_bytes_mono_ns;
        bool stop_asked;
        char stop_reason[32];
};

typedef struct {
        RvClock *clock;
        PlanBoard *board;
        ChannelHub *hub;
        Engine *engine; /* the one that runs */
        unsigned started, freed, rested, died;
        bool refuse_start, has_second;
} World;

static World *world; /* EngineOps have no user */

static Engine *fake_start(const EngineOptions *options, GError **error) {
        if (world->refuse_start) {
                g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT, "no engine program");
                return NULL;
        }
        assert_null(world->engine); /* INV-VIEWER-LIFECYCLE-001: never two */
        Engine *engine = g_new0(Engine, 1);
        engine->options = *options;
        engine->last_bytes_mono_ns = rv_clock_mono_ns(world->clock);
        engine->second_last_bytes_mono_ns = world->has_second ? engine->last_bytes_mono_ns : ENGINE_NO_SECOND;
        world->engine = engine;
        world->started++;
        return engine;
}

static void fake_stop(Engine *engine, const char *reason) {
        engine->stop_asked = true;
        g_strlcpy(engine->stop_reason, reason, sizeof engine->stop_reason);
}

static void fake_kill(Engine *engine, const char *why) {
        engine->options.on_gone(engine->options.user, ENGINE_DIED, why);
}

static void fake_poll(Engine *engine) {
}

static const char *fake_session_id(const Engine *engine) {
        return "session";
}

static int64_t fake_pid(const Engine *engine) {
        return 4711;
}

static int64_t fake_last_bytes(Engine *engine) {
        return engine->last_bytes_mono_ns;
}

static int64_t fake_second_last_bytes(Engine *engine) {
        return engine->second_last_bytes_mono_ns;
}

static void fake_free(Engine *engine) {
        world->engine = NULL;
        world->freed++;
        g_free(engine);
}

static const EngineOps fake_ops = {
        .start = fake_start,
        .stop = fake_stop,
        .kill = fake_kill,
        .poll = fake_poll,
        .plan_changed = fake_poll,
        .session_id = fake_session_id,
        .pid = fake_pid,
        .last_bytes_mono_ns = fake_last_bytes,
        .second_last_bytes_mono_ns = fake_second_last_bytes,
        .free = fake_free,
};

/* --- streams, plan, hub ------------------------------------------------------------------------------------------- */

static void *streams_new(void *user, const char *channel_id) {
        return user;
}

static void streams_rest(void *streams) {
        world->rested++;
}

static void streams_free(void *streams) {
}

static void engine_died(void *user, const char *channel_id, const char *session_id, const char *detail) {
        assert_string_equal(session_id, "session");
        world->died++;
}

static int setup(void **state) {
        world = g_new0(World, 1);
        world->clock = rv_clock_fake_new(NOON);
        world->board = plan_board_new();
        publish_blocks(world->board, "retro", g_ptr_array_new());
        ChannelHubOptions options = {
                .board = world->board,
                .clock = world->clock,
                .streams = {.new = streams_new, .rest = streams_rest, .free = streams_free, .user = world},
                .linger_ms = 20 * SECOND,
                .viewer_timeout_ms = 10 * SECOND,
                .stall_ms = 5 * SECOND,
                .max_running = 2,
                .on_engine_died = engine_died,
        };
        world->hub = channel_hub_new_with(&options, &fake_ops);
        channel_hub_sync(world->hub);
        *state = channel_hub_find(world->hub, "retro");
        return 0;
}

static gboolean end_engine(void *user) {
        if (world->engine && world->engine->stop_asked)
                world->engine->options.on_gone(world->engine->options.user, ENGINE_ENDED, "");
        return G_SOURCE_CONTINUE;
}

static int teardown(void **state) {
        if (*state)
                channel_unref(*state);
        guint id = g_timeout_add(1, end_engine, NULL);
        channel_hub_free(world->hub);
        g_source_remove(id);
        assert_null(world->engine);
        plan_board_unref(world->board);
        rv_clock_fake_free(world->clock);
        g_clear_pointer(&world, g_free);
        return 0;
}

/* The control loop's turn after ms: what viewers reported, then the hub's timer. */
static void pass_ms(int64_t ms) {
        rv_clock_fake_advance_ms(world->clock, ms);
        if (world->engine && world->engine->last_bytes_mono_ns != 0)
                world->engine->last_bytes_mono_ns = rv_clock_mono_ns(world->clock);
        while (g_main_context_iteration(NULL, FALSE))
                ;
        channel_hub_poll(world->hub);
}

static void go_live(void) {
        world->engine->options.on_live(world->engine->options.user);
}

static void engine_gone(EngineEnd end) {
        world->engine->options.on_gone(world->engine->options.user, end, end ? "killed by signal 9" : "");
}

static ChannelViewer *watch_live(Channel *channel) {
        ChannelViewer *viewer = channel_join(channel);
        pass_ms(0);
        go_live();
        return viewer;
}

/* --- tests -------------------------------------------------------------------------------------------------------- */

static void INV_VIEWER_LIFECYCLE_001_twenty_joins_start_one_engine(void **state) {
        ChannelViewer *viewers[20];
        pass_ms(0);
        assert_int_equal(world->started, 0); /* nobody watches: nothing runs */
        for (int i = 0; i < 20; i++)
                viewers[i] = channel_join(*state);
        pass_ms(0);
        assert_int_equal(world->started, 1);
        assert_int_equal(channel_status(*state).state, CHANNEL_STARTING);
        go_live();
        assert_int_equal(channel_status(*state).state, CHANNEL_LIVE);
        assert_int_equal(channel_status(*state).viewers, 20);
        for (int i = 0; i < 20; i++)
                channel_leave(viewers[i]);
        pass_ms(0);
        assert_int_equal(channel_status(*state).viewers, 0);
}

static void INV_VIEWER_LIFECYCLE_002_gone_after_the_linger_not_before(void **state) {
        ChannelViewer *viewer = channel_join(*state);
        pass_ms(0);
        go_live();
        channel_leave(viewer);
        pass_ms(0);
        assert_int_equal(channel_status(*state).state, CHANNEL_LINGER);
        pass_ms(19999);
        assert_false(world->engine->stop_asked);
        pass_ms(1);
        assert_true(world->engine->stop_asked);
        assert_string_equal(world->engine->stop_reason, "last_viewer_left");
        engine_gone(ENGINE_ENDED);
        assert_int_equal(channel_status(*state).state, CHANNEL_OFF);
        assert_int_equal(world->rested, 1);
        assert_int_equal(world->died, 0);
}

static void a_join_within_the_linger_finds_the_same_session(void **state) {
        ChannelViewer *viewer = channel_join(*state);
        pass_ms(0);
        go_live();
        channel_leave(viewer);
        pass_ms(15000);
        viewer = channel_join(*state);
        pass_ms(60000);
        assert_int_equal(channel_status(*state).state, CHANNEL_LIVE);
        assert_int_equal(world->started, 1);
        channel_leave(viewer);
}

static void a_viewer_that_comes_while_the_engine_ends_gets_a_new_one(void **state) {
        ChannelViewer *viewer = channel_join(*state);
        pass_ms(0);
        go_live();
        channel_leave(viewer);
        pass_ms(0);
        pass_ms(20000);
        viewer = channel_join(*state);
        pass_ms(0);
        assert_int_equal(world->started, 1);
        engine_gone(ENGINE_ENDED);
        assert_int_equal(world->started, 2);
        channel_leave(viewer);
}

static void INV_CHANNEL_003_an_hls_viewer_counts_while_it_fetches(void **state) {
        channel_seen(*state, "10.0.0.1|player");
        channel_seen(*state, "10.0.0.1|player");
        pass_ms(0);
        go_live();
        assert_int_equal(channel_status(*state).viewers, 1);
        pass_ms(9000);
        channel_seen(*state, "10.0.0.1|player");
        pass_ms(9000);
        assert_int_equal(channel_status(*state).viewers, 1);
        pass_ms(1001);
        assert_int_equal(channel_status(*state).viewers, 0);
        assert_int_equal(channel_status(*state).state, CHANNEL_LINGER);
}

static void INV_CHANNEL_LIVENESS_RECOVERY_001_restarts_back_off(void **state) {
        static const int64_t waits_ms[] = {1000, 2000, 4000, 8000, 16000, 16000};
        ChannelViewer *viewer = channel_join(*state);
        pass_ms(0);
        for (unsigned i = 0; i < G_N_ELEMENTS(waits_ms); i++) {
                engine_gone(ENGINE_DIED);
                assert_int_equal(channel_status(*state).state, CHANNEL_BACKOFF);
                assert_string_equal(channel_status(*state).fault, "killed by signal 9");
                pass_ms(waits_ms[i] - 1);
                assert_int_equal(world->started, i + 1);
                pass_ms(1);
                assert_int_equal(world->started, i + 2);
        }
        assert_int_equal(world->died, G_N_ELEMENTS(waits_ms));
        assert_int_equal(world->rested, 0); /* viewers keep what they have and wait for more */
        channel_leave(viewer);
}

static void INV_HORIZON_FAULTS_001_an_engine_without_a_plan_is_no_runtime_fault(void **state) {
        ChannelViewer *viewer = channel_join(*state);
        pass_ms(0);
        engine_gone(ENGINE_UNPLANNED);
        assert_int_equal(channel_status(*state).state, CHANNEL_BACKOFF);
        assert_int_equal(channel_status(*state).crashes, 0);
        pass_ms(1000);
        assert_int_equal(world->started, 2);
        engine_gone(ENGINE_DIED);
        assert_int_equal(channel_status(*state).crashes, 1);
        channel_leave(viewer);
}

static void INV_CHANNEL_LIVENESS_RECOVERY_001_a_healthy_engine_is_replaced_at_once(void **state) {
        ChannelViewer *viewer = watch_live(*state);
        pass_ms(3000);
        channel_leave(viewer);
        pass_ms(1000); /* into the linger and back: it is as healthy as before */
        viewer = channel_join(*state);
        pass_ms(0);
        engine_gone(ENGINE_DIED);
        assert_int_equal(world->started, 2);
        assert_int_equal(channel_status(*state).crashes, 1);
        channel_leave(viewer);
}

/* The hub's timer fires, the engine is silent. */
static void pass_silently_ms(int64_t ms) {
        for (; ms > 0; ms -= MIN(ms, 100)) {
                rv_clock_fake_advance_ms(world->clock, MIN(ms, 100));
                channel_hub_poll(world->hub);
        }
}

static void INV_CHANNEL_004_a_silent_engine_is_replaced(void **state) {
        ChannelViewer *viewer = watch_live(*state);
        pass_ms(10000);
        pass_silently_ms(5000);
        assert_int_equal(world->started, 1);
        pass_silently_ms(1);
        assert_int_equal(world->died, 1);
        assert_int_equal(world->started, 2);
        channel_leave(viewer);
}

static void INV_CHANNEL_004_the_first_bytes_may_take_longer(void **state) {
        ChannelViewer *viewer = channel_join(*state);
        pass_ms(0);
        pass_silently_ms(1000);
        go_live();
        pass_silently_ms(14000); /* a machine under load */
        assert_int_equal(world->died, 0);
        pass_silently_ms(1);
        assert_int_equal(world->died, 1);
        channel_leave(viewer);
}

static void INV_CHANNEL_004_an_engine_that_does_not_come_up_is_replaced(void **state) {
        ChannelViewer *viewer = channel_join(*state);
        pass_ms(0);
        pass_silently_ms(15000);
        assert_int_equal(world->died, 0);
        pass_silently_ms(1);
        assert_int_equal(world->died, 1);
        assert_string_equal(channel_status(*state).fault, "the engine did not come up in time");
        channel_leave(viewer);
}

/* A stopped process or a laptop that slept: nobody looked, so nobody knows yet what the engine has sent. */
static void a_pause_of_core_itself_is_no_silence(void **state) {
        ChannelViewer *viewer = watch_live(*state);
        pass_ms(100);
        pass_silently_ms(1000);
        rv_clock_fake_advance_ms(world->clock, 60000);
        channel_hub_poll(world->hub);
        assert_int_equal(world->died, 0);
        pass_silently_ms(5001);
        assert_int_equal(world->died, 1);
        channel_leave(viewer);
}

static void INV_CHANNEL_007_after_a_clock_step_a_session_begins_anew(void **state) {
        static const int64_t steps_ms[] = {3600 * SECOND, -3600 * SECOND, 1000};
        ChannelViewer *viewer = watch_live(*state);
        for (unsigned i = 0; i < G_N_ELEMENTS(steps_ms); i++) {
                pass_ms(100);
                rv_clock_fake_step_utc_ms(world->clock, 999); /* what clocks do */
                pass_ms(100);
                assert_false(world->engine->stop_asked);
                rv_clock_fake_step_utc_ms(world->clock, steps_ms[i] - 999);
                pass_ms(100);
                assert_string_equal(world->engine->stop_reason, "clock_set");
                engine_gone(ENGINE_ENDED);
                assert_int_equal(world->started, i + 2); /* at once */
                go_live();
        }
        pass_ms(100);
        assert_false(world->engine->stop_asked);
        assert_int_equal(world->rested, 0); /* viewers keep what they have */
        assert_int_equal(channel_status(*state).crashes, 0);
        channel_leave(viewer);
}

/* The first rendition flows, and the hub looks often enough to know. */
static void pass_with_second(int64_t ms, bool flows) {
        for (int64_t passed = 0; passed < ms; passed += 500) {
                if (flows)
                        world->engine->second_last_bytes_mono_ns = rv_clock_mono_ns(world->clock);
                pass_ms(MIN(500, ms - passed));
        }
}

static void INV_CHANNEL_008_a_second_rendition_that_stops_is_told(void **state) {
        world->has_second = true;
        ChannelViewer *viewer = watch_live(*state);
        pass_with_second(20 * SECOND, true);
        assert_false(channel_status(*state).second_lost);
        pass_with_second(4500, false); /* it came last half a second ago */
        assert_false(channel_status(*state).second_lost);
        pass_with_second(1, false);
        assert_true(channel_status(*state).second_lost);
        assert_int_equal(channel_status(*state).state, CHANNEL_LIVE); /* and the first goes on */
        assert_int_equal(world->died, 0);
        engine_gone(ENGINE_DIED);
        pass_ms(0);
        assert_int_equal(world->started, 2);
        assert_false(channel_status(*state).second_lost);
        channel_leave(viewer);
}

static void INV_CHANNEL_008_nobody_misses_what_was_not_asked_for(void **state) {
        ChannelViewer *viewer = watch_live(*state);
        pass_with_second(20 * SECOND, false);
        assert_false(channel_status(*state).second_lost);
        channel_leave(viewer);
}

static void a_killed_engine_has_not_had_its_last_word(void **state) {
        ChannelViewer *viewer = watch_live(*state);
        channel_leave(viewer);
        pass_ms(0);
        pass_ms(20000);
        assert_true(world->engine->stop_asked);
        engine_gone(ENGINE_KILLED);
        assert_int_equal(world->died, 1); /* for the record */
        assert_int_equal(channel_status(*state).state, CHANNEL_OFF);
        assert_int_equal(channel_status(*state).crashes, 0);
}

/* A player that fetched within the last seconds still counts when the hub ends. */
static gboolean say_more_while_ending(void *user) {
        channel_seen(user, "10.0.0.1|another");
        channel_hub_sync(world->hub);
        return end_engine(NULL);
}

static void INV_CHANNEL_006_nothing_starts_while_the_hub_ends(void **state) {
        channel_seen(*state, "10.0.0.1|player");
        pass_ms(0);
        go_live();
        assert_int_equal(channel_status(*state).viewers, 1);
        guint id = g_timeout_add(1, say_more_while_ending, *state); /* alive as long as the hub */
        channel_unref(g_steal_pointer(state));
        channel_hub_free(world->hub);
        g_source_remove(id);
        world->hub = NULL;
        assert_int_equal(world->started, 1);
        assert_null(world->engine);
}

static void a_channel_that_cannot_start_says_why(void **state) {
        world->refuse_start = true;
        ChannelViewer *viewer = channel_join(*state);
        pass_ms(0);
        assert_int_equal(channel_status(*state).state, CHANNEL_BACKOFF);
        assert_string_equal(channel_status(*state).fault, "no engine program");
        world->refuse_start = false;
        pass_ms(1000);
        assert_int_equal(world->started, 1);
        channel_leave(viewer);
}

static void INV_CHANNEL_005_no_more_engines_than_allowed(void **state) {
        world->hub->options.max_running = 0;
        ChannelViewer *viewer = channel_join(*state);
        pass_ms(0);
        assert_int_equal(world->started, 0);
        assert_non_null(strstr(channel_status(*state).fault, "max_channels_running"));
        channel_leave(viewer);
}

static void a_channel_that_is_not_planned_any_more_ends(void **state) {
        ChannelViewer *viewer = channel_join(*state);
        pass_ms(0);
        go_live();
        plan_board_unpublish(world->board, "retro");
        channel_hub_sync(world->hub);
        assert_true(world->engine->stop_asked);
        assert_null(channel_hub_find(world->hub, "retro")); /* at once: nobody else shall wait for it */
        channel_hub_sync(world->hub);
        engine_gone(ENGINE_ENDED);
        pass_ms(0);
        assert_int_equal(world->hub->leaving->len, 0);
        assert_int_equal(world->started, 1); /* whoever still watches */
        channel_leave(viewer);
}

/* Two engines on a channel would be two truths: the new one waits until the old one is gone. */
static void INV_VIEWER_LIFECYCLE_001_a_channel_that_comes_back_while_its_engine_ends(void **state) {
        ChannelViewer *viewer = watch_live(*state);
        plan_board_unpublish(world->board, "retro");
        channel_hub_sync(world->hub);
        publish_blocks(world->board, "retro", g_ptr_array_new());
        channel_hub_sync(world->hub);
        g_autoptr(Channel) again = channel_hub_find(world->hub, "retro");
        assert_ptr_equal(again, *state);
        assert_int_equal(world->started, 1);
        engine_gone(ENGINE_ENDED);
        assert_int_equal(world->started, 2);
        channel_leave(viewer);
}

static void an_unknown_channel_is_not_found(void **state) {
        assert_null(channel_hub_find(world->hub, "nosuch"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(INV_VIEWER_LIFECYCLE_001_twenty_joins_start_one_engine),
                TEST(INV_VIEWER_LIFECYCLE_002_gone_after_the_linger_not_before),
                TEST(a_join_within_the_linger_finds_the_same_session),
                TEST(a_viewer_that_comes_while_the_engine_ends_gets_a_new_one),
                TEST(INV_CHANNEL_003_an_hls_viewer_counts_while_it_fetches),
                TEST(INV_CHANNEL_LIVENESS_RECOVERY_001_restarts_back_off),
                TEST(INV_HORIZON_FAULTS_001_an_engine_without_a_plan_is_no_runtime_fault),
                TEST(INV_CHANNEL_LIVENESS_RECOVERY_001_a_healthy_engine_is_replaced_at_once),
                TEST(INV_CHANNEL_004_a_silent_engine_is_replaced),
                TEST(INV_CHANNEL_004_the_first_bytes_may_take_longer),
                TEST(INV_CHANNEL_004_an_engine_that_does_not_come_up_is_replaced),
                TEST(a_pause_of_core_itself_is_no_silence),
                TEST(INV_CHANNEL_007_after_a_clock_step_a_session_begins_anew),
                TEST(INV_CHANNEL_008_a_second_rendition_that_stops_is_told),
                TEST(INV_CHANNEL_008_nobody_misses_what_was_not_asked_for),
                TEST(a_killed_engine_has_not_had_its_last_word),
                TEST(INV_CHANNEL_006_nothing_starts_while_the_hub_ends),
                TEST(a_channel_that_cannot_start_says_why),
                TEST(INV_CHANNEL_005_no_more_engines_than_allowed),
                TEST(a_channel_that_is_not_planned_any_more_ends),
                TEST(INV_VIEWER_LIFECYCLE_001_a_channel_that_comes_back_while_its_engine_ends),
                TEST(an_unknown_channel_is_not_found),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
