/* Engines as real processes: programs of the test's own in the engine's place. */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/play/channel/channel_private.h"
#include "proto/rpc/rpc.h"
#include "tests/core/play_fixture.h"
#include "tests/support/cmocka.h"
#include "tests/support/temp_dir.h"

#define NOON INT64_C(1795262400000)

typedef struct {
        RvClock *clock;
        PlanBoard *board;
        char *dir, *run_dir, *program;
        ChannelHubOptions options;
        Engine *engine;
        bool gone;
        EngineEnd end;
        char *detail;
        unsigned died; /* as the record was told */
} World;

/* --- a world ------------------------------------------------------------------------------------------------------ */

static void *streams_new(void *user, const char *channel_id) {
        return user;
}

static unsigned streams_sinks(void *streams, IntakeSink ret_sinks[4]) {
        return 0;
}

static void streams_ignore(void *streams) {
}

static void engine_died(void *user, const char *channel_id, const char *session_id, const char *detail) {
        World *world = user;
        world->died++;
        g_free(world->detail);
        world->detail = g_strdup(detail);
}

static int setup(void **state) {
        World *world = g_new0(World, 1);
        world->clock = rv_clock_fake_new(NOON);
        world->board = plan_board_new();
        world->dir = temp_dir_new();
        world->run_dir = g_build_filename(world->dir, "run", NULL);
        world->program = g_build_filename(world->dir, "engine", NULL);
        assert_int_equal(g_mkdir(world->run_dir, 0700), 0);
        publish_blocks(world->board, "retro", g_ptr_array_new());
        world->options = (ChannelHubOptions){
                .board = world->board,
                .clock = world->clock,
                .streams = {.new = streams_new,
                            .sinks = streams_sinks,
                            .rest = streams_ignore,
                            .free = streams_ignore,
                            .user = world},
                .air_program = world->program,
                .run_dir = world->run_dir,
                .spool_dir = world->dir,
                .cache_dir = world->dir,
                .evidence_endpoint = "/nowhere",
                .linger_ms = 20000,
                .viewer_timeout_ms = 10000,
                .preroll_ms = 3000,
                .stall_ms = 5000,
                .max_running = 2,
                .on_engine_died = engine_died,
                .user = world,
        };
        *state = world;
        return 0;
}

static int teardown(void **state) {
        World *world = *state;
        plan_board_unref(world->board);
        rv_clock_fake_free(world->clock);
        temp_dir_free(world->dir);
        g_free(world->run_dir);
        g_free(world->program);
        g_free(world->detail);
        g_free(world);
        return 0;
}

static void write_program(World *world, const char *script) {
        g_autofree char *text = g_strconcat("#!/bin/sh\n", script, "\n", NULL);
        assert_true(g_file_set_contents_full(world->program, text, -1, G_FILE_SET_CONTENTS_NONE, 0700, NULL));
}

static unsigned files_in(const char *path) {
        g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
        unsigned n = 0;
        while (g_dir_read_name(dir))
                n++;
        return n;
}

/* --- one engine --------------------------------------------------------------------------------------------------- */

static void on_live(void *user) {
}

static void on_gone(void *user, EngineEnd end, const char *detail) {
        World *world = user;
        assert_false(world->gone); /* once */
        world->gone = true;
        world->end = end;
        g_free(world->detail);
        world->detail = g_strdup(detail);
}

static Engine *start_engine(World *world, GError **error) {
        EngineOptions options = {
                .hub = &world->options,
                .channel_id = "retro",
                .rate = {30000, 1001},
                .streams = world,
                .on_live = on_live,
                .on_gone = on_gone,
                .user = world,
        };
        return engine_process_ops.start(&options, error);
}

static void await_gone(World *world) {
        while (!world->gone)
                g_main_context_iteration(NULL, TRUE);
}

/* Nothing is left of it: no process, alive or dead, and no socket. */
static void assert_gone(World *world, pid_t pid, Engine *engine) {
        assert_int_equal(engine_process_ops.pid(engine), 0);
        assert_int_equal(waitpid(pid, NULL, WNOHANG), -1);
        assert_int_equal(errno, ECHILD);
        engine_process_ops.free(engine);
        assert_int_equal(files_in(world->run_dir), 0);
}

/* --- tests -------------------------------------------------------------------------------------------------------- */

static void INV_CHANNEL_006_an_engine_that_does_not_end_is_killed(void **state) {
        World *world = *state;
        write_program(world, "trap '' TERM; exec sleep 1000");
        Engine *engine = start_engine(world, NULL);
        assert_non_null(engine);
        pid_t pid = (pid_t)engine_process_ops.pid(engine);
        assert_int_equal(files_in(world->run_dir), 2);
        engine_process_ops.stop(engine, "last_viewer_left");
        rv_clock_fake_advance_ms(world->clock, 2999);
        engine_process_ops.poll(engine);
        while (g_main_context_iteration(NULL, FALSE))
                ;
        assert_int_equal(kill(pid, 0), 0);
        assert_false(world->gone);
        rv_clock_fake_advance_ms(world->clock, 1);
        engine_process_ops.poll(engine);
        await_gone(world);
        assert_int_equal(world->end, ENGINE_KILLED);
        assert_gone(world, pid, engine);
}

static gboolean pass_time(void *user) {
        World *world = user;
        rv_clock_fake_advance_ms(world->clock, 100);
        return G_SOURCE_CONTINUE;
}

static void INV_CHANNEL_006_no_engine_outlives_the_hub(void **state) {
        World *world = *state;
        write_program(world, "trap '' TERM; exec sleep 1000");
        ChannelHub *hub = channel_hub_new(&world->options);
        channel_hub_sync(hub);
        Channel *channel = channel_hub_find(hub, "retro");
        ChannelViewer *viewer = channel_join(channel);
        while (channel_status(channel).pid == 0)
                g_main_context_iteration(NULL, TRUE);
        pid_t pid = (pid_t)channel_status(channel).pid;
        channel_leave(viewer);
        channel_unref(channel);
        guint id = g_timeout_add(2, pass_time, world);
        channel_hub_free(hub);
        g_source_remove(id);
        assert_int_equal(waitpid(pid, NULL, WNOHANG), -1);
        assert_int_equal(files_in(world->run_dir), 0);
        assert_int_equal(world->died, 1); /* it had no last word: the record closes its entries */
}

static void an_engine_that_never_answers_is_ended_like_a_crash(void **state) {
        World *world = *state;
        write_program(world, "exec sleep 1000");
        Engine *engine = start_engine(world, NULL);
        pid_t pid = (pid_t)engine_process_ops.pid(engine);
        engine_process_ops.kill(engine, "the engine did not come up in time");
        await_gone(world);
        assert_int_equal(world->end, ENGINE_DIED);
        assert_string_equal(world->detail, "the engine did not come up in time");
        assert_gone(world, pid, engine);
}

static void a_program_that_ends_at_once_says_with_what(void **state) {
        static const struct {
                const char *script, *detail;
        } cases[] = {
                {"exit 7", "the engine ended with status 7"},
                {"kill -SEGV $$", "the engine was killed by signal 11"},
                {"kill -KILL $$", "the engine was killed by signal 9"}, /* not by us: the system was out of memory */
        };
        World *world = *state;
        for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
                world->gone = false;
                write_program(world, cases[i].script);
                Engine *engine = start_engine(world, NULL);
                pid_t pid = (pid_t)engine_process_ops.pid(engine);
                await_gone(world);
                assert_int_equal(world->end, ENGINE_DIED);
                assert_string_equal(world->detail, cases[i].detail);
                assert_gone(world, pid, engine);
        }
}

static void a_stopped_program_can_be_killed(void **state) {
        World *world = *state;
        write_program(world, "kill -STOP $$");
        Engine *engine = start_engine(world, NULL);
        pid_t pid = (pid_t)engine_process_ops.pid(engine);
        engine_process_ops.stop(engine, "shutdown");
        rv_clock_fake_advance_ms(world->clock, 3000);
        engine_process_ops.poll(engine);
        await_gone(world);
        assert_int_equal(world->end, ENGINE_KILLED);
        assert_gone(world, pid, engine);
}

static void a_missing_program_is_named(void **state) {
        World *world = *state;
        g_autoptr(GError) error = NULL;
        assert_null(start_engine(world, &error));
        assert_non_null(strstr(error->message, world->program));
        assert_non_null(strstr(error->message, "air_program"));
        assert_int_equal(files_in(world->run_dir), 0);
}

static void a_program_that_may_not_be_run_is_named(void **state) {
        World *world = *state;
        g_autoptr(GError) error = NULL;
        write_program(world, "exit 0");
        assert_int_equal(g_chmod(world->program, 0600), 0);
        assert_null(start_engine(world, &error));
        assert_non_null(strstr(error->message, world->program));
}

static void a_run_folder_that_is_gone_is_named(void **state) {
        World *world = *state;
        g_autoptr(GError) error = NULL;
        write_program(world, "exit 0");
        assert_int_equal(g_rmdir(world->run_dir), 0);
        assert_null(start_engine(world, &error));
        assert_non_null(strstr(error->message, world->run_dir));
}

/* Its listening socket as descriptor 3, nothing else of ours; signals as they were before we touched them. */
static void an_engine_inherits_what_it_needs(void **state) {
        World *world = *state;
        g_autofree char *secret = g_build_filename(world->dir, "secret", NULL);
        g_autofree char *told_path = g_build_filename(world->dir, "told", NULL), *told = NULL;
        g_autofree char *script =
                g_strdup_printf("{ ls -l /proc/$$/fd; grep Sig /proc/self/status; } >%s; exit 0", told_path);
        int leaky = open(secret, O_RDWR | O_CREAT, 0600); /* without close-on-exec */
        assert_true(leaky >= 0);
        write_program(world, script);
        sigset_t usr1, before;
        sigemptyset(&usr1);
        sigaddset(&usr1, SIGUSR1);
        pthread_sigmask(SIG_BLOCK, &usr1, &before);
        void (*pipe_before)(int) = signal(SIGPIPE, SIG_IGN);
        Engine *engine = start_engine(world, NULL);
        signal(SIGPIPE, pipe_before);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        assert_non_null(engine);
        await_gone(world);
        engine_process_ops.free(engine);
        close(leaky);
        assert_true(g_file_get_contents(told_path, &told, NULL, NULL));
        assert_non_null(strstr(told, " 3 -> socket:"));
        assert_null(strstr(told, "secret"));
        assert_non_null(strstr(told, "SigBlk:\t0000000000000000"));
        const char *ignored = strstr(told, "SigIgn:\t");
        assert_non_null(ignored);
        assert_int_equal(g_ascii_strtoull(ignored + strlen("SigIgn:\t"), NULL, 16) & (1U << (SIGPIPE - 1)), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
        rpc_init();
        const struct CMUnitTest tests[] = {
                TEST(INV_CHANNEL_006_an_engine_that_does_not_end_is_killed),
                TEST(INV_CHANNEL_006_no_engine_outlives_the_hub),
                TEST(an_engine_that_never_answers_is_ended_like_a_crash),
                TEST(a_program_that_ends_at_once_says_with_what),
                TEST(a_stopped_program_can_be_killed),
                TEST(a_missing_program_is_named),
                TEST(a_program_that_may_not_be_run_is_named),
                TEST(a_run_folder_that_is_gone_is_named),
                TEST(an_engine_inherits_what_it_needs),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
