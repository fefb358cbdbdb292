/* A server on a port of its own, with engines that do what the test says. */
#pragma once

#include <glib/gstdio.h>
#include <string.h>

#include "core/play/channel/channel_private.h"
#include "core/serve/http/http.h"
#include "proto/base/log.h"
#include "tests/core/serve_fixture.h"
#include "tests/support/cmocka.h"
#include "tests/support/temp_dir.h"
#include "tests/support/ts_writer.h"

#define GOP 30

struct Engine {
        EngineOptions options;
        TsWriter *writer;
        IntakeParser *parser;
        int64_t frame;
};

typedef struct {
        RvClock *clock;
        PlanBoard *board;
        HttpStreamsSet *streams;
        ChannelHub *hub;
        Guide *guide;
        Http *http;
        char *web_dir;
        HttpOptions options; /* as used; change and call world_serve again */
        Engine *engine;      /* the one that runs */
        unsigned started;
} World;

static World *world; /* EngineOps have no user */

static inline void drop_log(void *user, RvLogLevel level, const char *event, const RvField *fields, size_t n_fields) {
}

/* --- engines ----------------------------------------------------------------------------------------------------- */

static Engine *fake_start(const EngineOptions *options, GError **error) {
        assert_null(world->engine);
        Engine *engine = world->engine = g_new0(Engine, 1);
        engine->options = *options;
        world->started++;
        return engine;
}

static gboolean fake_gone(void *user) {
        if (world->engine)
                world->engine->options.on_gone(world->engine->options.user, false, "");
        return G_SOURCE_REMOVE;
}

static void fake_stop(Engine *engine, const char *reason) {
        g_idle_add(fake_gone, NULL);
}

static void fake_kill(Engine *engine, const char *why) {
        engine->options.on_gone(engine->options.user, true, why);
}

static void fake_nothing(Engine *engine) {
}

static const char *fake_session_id(const Engine *engine) {
        return "5e551011-0000";
}

static int64_t fake_pid(const Engine *engine) {
        return 4711;
}

static int64_t fake_last_bytes(Engine *engine) {
        return rv_clock_mono_ns(world->clock);
}

static int64_t fake_no_second(Engine *engine) {
        return ENGINE_NO_SECOND;
}

static void fake_free(Engine *engine) {
        if (engine->parser)
                intake_parser_end(engine->parser);
        intake_parser_free(engine->parser);
        ts_writer_free(engine->writer);
        g_free(engine);
        world->engine = NULL;
}

static const EngineOps fake_ops = {
        .start = fake_start,
        .stop = fake_stop,
        .kill = fake_kill,
        .poll = fake_nothing,
        .plan_changed = fake_nothing,
        .session_id = fake_session_id,
        .pid = fake_pid,
        .last_bytes_mono_ns = fake_last_bytes,
        .second_last_bytes_mono_ns = fake_no_second,
        .free = fake_free,
};

/* The running engine begins its session and is on the air. */
static inline void engine_begin(const char *session_id) {
        Engine *engine = world->engine;
        IntakeSink sinks[4];
        assert_non_null(engine);
        engine->options.hub->streams.begin(engine->options.streams, session_id, SERVE_NOON, engine->options.rate);
        unsigned n = engine->options.hub->streams.sinks(engine->options.streams, sinks);
        engine->writer = ts_writer_new(engine->options.rate, 9000);
        engine->parser = intake_parser_new(engine->options.rate, sinks, n);
        engine->options.on_live(engine->options.user);
}

static inline void engine_write_s(int seconds) {
        Engine *engine = world->engine;
        g_byte_array_set_size(engine->writer->bytes, 0);
        ts_writer_frames(engine->writer, engine->frame, engine->frame + seconds * GOP, GOP);
        engine->frame += seconds * GOP;
        intake_parser_push(engine->parser, engine->writer->bytes->data, engine->writer->bytes->len);
}

/* --- the server -------------------------------------------------------------------------------------------------- */

static inline void world_publish(const char *id, int32_t number) {
        PlanView *view = view_new(id, number, "Retro Prime");
        view_add(view, "Cheers", "a-1", 30);
        view_add(view, "The Thing", "a-2", 120);
        plan_board_publish(world->board, view);
        channel_hub_sync(world->hub);
}

static inline void world_page(const char *name, const char *text) {
        g_autofree char *path = g_build_filename(world->web_dir, name, NULL);
        assert_true(g_file_set_contents(path, text, -1, NULL));
}

/* Again with changed options, if there was one. */
static inline void world_serve(void) {
        g_autoptr(GError) error = NULL;
        http_free(world->http);
        world->http = http_new(&world->options, &error);
        assert_null(error);
        assert_non_null(world->http);
}

static int setup(void **state) {
        world = g_new0(World, 1);
        rv_log_set_sink(drop_log, NULL);
        world->clock = rv_clock_fake_new(SERVE_NOON);
        world->board = plan_board_new();
        world->web_dir = temp_dir_new();
        world->guide = guide_new(world->board, world->clock, "retrovue.local");
        HttpStreamsOptions streams = {.segment_ms = 1000, .window = 12, .clock = world->clock, .board = world->board};
        world->streams = http_streams_set_new(&streams);
        ChannelHubOptions hub = {
                .board = world->board,
                .clock = world->clock,
                .streams = http_streams_ops(world->streams),
                .linger_ms = 20000,
                .viewer_timeout_ms = 10000,
                .stall_ms = 5000,
                .max_running = 4,
        };
        world->hub = channel_hub_new_with(&hub, &fake_ops);
        world->options = (HttpOptions){
                .listen_address = "127.0.0.1",
                .web_dir = world->web_dir,
                .max_connections = 200,
                .start_timeout_ms = 10000,
                .streams = world->streams,
                .hub = world->hub,
                .guide = world->guide,
                .board = world->board,
                .clock = world->clock,
                .tuner = {"Attic <TV>", "HDHR5-4US", http_tuner_id(0x12345678), 4},
        };
        return 0;
}

static int teardown(void **state) {
        http_free(world->http);
        channel_hub_free(world->hub);
        http_streams_set_free(world->streams);
        guide_free(world->guide);
        plan_board_unref(world->board);
        rv_clock_fake_free(world->clock);
        temp_dir_free(world->web_dir);
        rv_log_set_sink(NULL, NULL);
        g_free(world);
        return 0;
}

/* The control loop does what is due. */
static inline void turn(void) {
        while (g_main_context_iteration(NULL, FALSE))
                ;
}
