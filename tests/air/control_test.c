#include "air/control/control.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "air/control/session.h"
#include "air/control/testimony.h"
#include "proto/base/log.h"
#include "proto/base/thread.h"
#include "proto/playout.pb-c.h"
#include "proto/rpc/rpc.h"
#include "tests/air/blocks.h"
#include "tests/support/cmocka.h"
#include "tests/support/temp_dir.h"

#define SESSION "11111111-2222-4333-8444-555555555555"
#define RESULT(name) RETROVUE__PLAYOUT__V1__RESULT__RESULT_##name

typedef Retrovue__Playout__V1__StartBlockPlanSessionRequest StartRequest;
typedef Retrovue__Playout__V1__StartBlockPlanSessionResponse StartResponse;
typedef Retrovue__Playout__V1__BlockPlan BlockMessage;
typedef Retrovue__Playout__V1__BlockEvent Event;

static const ProtobufCServiceDescriptor *const SERVICE = &retrovue__playout__v1__playout_control__descriptor;

/* --- an engine, its control loop in a thread ---------------------------------------------------------------------- */

typedef struct {
        char *dir, *control_path, *stream_path;
        int stream_fd; /* listens; nobody need accept */
        RvClock *clock;
        int orphan_ms;
        RpcClient *client;
        RvThread *thread;
        GMainLoop *loop;

        pthread_mutex_t lock; /* guards: */
        pthread_cond_t changed;
        bool serving, quit;
        int exit_status;
} Engine;

static void set_flag(Engine *engine, bool *flag) {
        pthread_mutex_lock(&engine->lock);
        *flag = true;
        pthread_cond_broadcast(&engine->changed);
        pthread_mutex_unlock(&engine->lock);
}

static void await_flag(Engine *engine, const bool *flag) {
        pthread_mutex_lock(&engine->lock);
        while (!*flag)
                pthread_cond_wait(&engine->changed, &engine->lock);
        pthread_mutex_unlock(&engine->lock);
}

static bool has_quit(Engine *engine) {
        pthread_mutex_lock(&engine->lock);
        const bool quit = engine->quit;
        pthread_mutex_unlock(&engine->lock);
        return quit;
}

static void on_quit(void *user, int exit_status) {
        Engine *engine = user;
        engine->exit_status = exit_status;
        set_flag(engine, &engine->quit);
}

static gboolean on_serving(gpointer user) {
        Engine *engine = user;
        set_flag(engine, &engine->serving);
        return G_SOURCE_REMOVE;
}

static void run_loop(void *user) {
        Engine *engine = user;
        const ControlOptions options = {
                .channel_id = BLOCKS_CHANNEL,
                .version = "0.0.0",
                .listen_fd = -1,
                .listen_path = engine->control_path,
                .orphan_ms = engine->orphan_ms,
                .clock = engine->clock,
                .on_quit = on_quit,
                .user = engine,
        };
        Control *control = control_new(&options, NULL);
        g_assert(control);
        g_idle_add(on_serving, engine);
        g_main_loop_run(engine->loop);
        control_free(control);
}

static int listen_at(const char *path) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        g_strlcpy(address.sun_path, path, sizeof address.sun_path);
        const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_true(fd >= 0);
        assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
        assert_int_equal(listen(fd, 8), 0);
        return fd;
}

static void engine_connect(Engine *engine) {
        engine->client = rpc_client_connect(engine->control_path, 5000, (RpcOptions){0}, NULL);
        assert_non_null(engine->client);
}

static void engine_start(Engine *engine) {
        engine->thread = rv_thread_start("loop", RV_PRIORITY_NORMAL, run_loop, engine, NULL);
        await_flag(engine, &engine->serving);
}

static Engine *engine_new(RvClock *clock, int orphan_ms) {
        Engine *engine = g_new0(Engine, 1);
        engine->dir = temp_dir_new();
        engine->control_path = g_build_filename(engine->dir, "control.sock", NULL);
        engine->stream_path = g_build_filename(engine->dir, "stream.sock", NULL);
        engine->stream_fd = listen_at(engine->stream_path);
        engine->clock = clock;
        engine->orphan_ms = orphan_ms;
        engine->loop = g_main_loop_new(NULL, FALSE);
        pthread_mutex_init(&engine->lock, NULL);
        pthread_cond_init(&engine->changed, NULL);
        engine_start(engine);
        engine_connect(engine);
        return engine;
}

static void engine_free(Engine *engine) {
        rpc_client_free(engine->client);
        g_main_loop_quit(engine->loop);
        rv_thread_join(engine->thread);
        g_main_loop_unref(engine->loop);
        close(engine->stream_fd);
        pthread_cond_destroy(&engine->changed);
        pthread_mutex_destroy(&engine->lock);
        g_free(engine->control_path);
        g_free(engine->stream_path);
        temp_dir_free(engine->dir);
        g_free(engine);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Engine, engine_free)

/* --- calls -------------------------------------------------------------------------------------------------------- */

static void *call(Engine *engine, const char *method, const void *request) {
        void *response = NULL;
        const RpcStatus status = rpc_client_call(engine->client, SERVICE, method, request, &response, 10000);
        if (status.code != RPC_CODE_OK)
                fail_msg("%s: %d %s", method, (int)status.code, status.message);
        return response;
}

static int attach_rendition(Engine *engine, const char *path, int rendition) {
        Retrovue__Playout__V1__AttachStreamRequest request = RETROVUE__PLAYOUT__V1__ATTACH_STREAM_REQUEST__INIT;
        request.transport = RETROVUE__PLAYOUT__V1__TRANSPORT__TRANSPORT_UNIX;
        request.endpoint = (char *)path;
        request.rendition = rendition;
        Retrovue__Playout__V1__AttachStreamResponse *response = call(engine, "AttachStream", &request);
        const int result = (int)response->result;
        rpc_message_free(response);
        return result;
}

static int attach(Engine *engine, const char *path) {
        return attach_rendition(engine, path, 0);
}

static int detach(Engine *engine) {
        Retrovue__Playout__V1__DetachStreamRequest request = RETROVUE__PLAYOUT__V1__DETACH_STREAM_REQUEST__INIT;
        Retrovue__Playout__V1__DetachStreamResponse *response = call(engine, "DetachStream", &request);
        const int result = (int)response->result;
        rpc_message_free(response);
        return result;
}

static BlockMessage *pad_message(const char *id, int64_t start_utc_ms, int64_t duration_ms) {
        g_autoptr(BlockPlan) block = blocks_make(id, start_utc_ms, NULL, &duration_ms, 1);
        return block_plan_to_message(block);
}

static HouseFormat small_format(void) {
        HouseFormat format = house_format_default();
        format.width = 64;
        format.height = 64;
        format.rate = (RvRational){25, 1};
        format.video_bitrate_kbps = 200;
        return format;
}

static RpcStatus try_start(Engine *engine, const char *session, int64_t epoch_utc_ms, BlockMessage **blocks, size_t n,
                           StartResponse **ret_response) {
        const HouseFormat house = small_format();
        Retrovue__Playout__V1__HouseFormat format;
        house_format_to_message(&house, &format);
        StartRequest request = RETROVUE__PLAYOUT__V1__START_BLOCK_PLAN_SESSION_REQUEST__INIT;
        request.channel_id = (char *)BLOCKS_CHANNEL;
        request.session_id = (char *)session;
        request.epoch_utc_ms = epoch_utc_ms;
        request.house_format = &format;
        request.blocks = blocks;
        request.n_blocks = n;
        void *response = NULL;
        const RpcStatus status =
                rpc_client_call(engine->client, SERVICE, "StartBlockPlanSession", &request, &response, 10000);
        *ret_response = response;
        return status;
}

static int start(Engine *engine, int64_t epoch_utc_ms, BlockMessage **blocks, size_t n) {
        StartResponse *response;
        const RpcStatus status = try_start(engine, SESSION, epoch_utc_ms, blocks, n, &response);
        if (status.code != RPC_CODE_OK)
                fail_msg("%d %s", (int)status.code, status.message);
        const int result = (int)response->result;
        assert_true((result == (int)RESULT(OK)) == (*response->detail == '\0'));
        rpc_message_free(response);
        return result;
}

static int start_pad(Engine *engine, int64_t epoch_utc_ms, int64_t duration_ms) {
        BlockMessage *block = pad_message("first", epoch_utc_ms, duration_ms);
        const int result = start(engine, epoch_utc_ms, &block, 1);
        block_plan_message_free(block);
        return result;
}

static int feed(Engine *engine, const char *session, const char *id, int64_t start_utc_ms, int64_t duration_ms) {
        Retrovue__Playout__V1__FeedBlockPlanRequest request = RETROVUE__PLAYOUT__V1__FEED_BLOCK_PLAN_REQUEST__INIT;
        request.session_id = (char *)session;
        request.block = pad_message(id, start_utc_ms, duration_ms);
        Retrovue__Playout__V1__FeedBlockPlanResponse *response = call(engine, "FeedBlockPlan", &request);
        const int result = (int)response->result;
        block_plan_message_free(request.block);
        rpc_message_free(response);
        return result;
}

static int stop(Engine *engine, const char *session) {
        Retrovue__Playout__V1__StopBlockPlanSessionRequest request =
                RETROVUE__PLAYOUT__V1__STOP_BLOCK_PLAN_SESSION_REQUEST__INIT;
        request.session_id = (char *)session;
        request.reason = (char *)"last_viewer_left";
        Retrovue__Playout__V1__StopBlockPlanSessionResponse *response = call(engine, "StopBlockPlanSession", &request);
        const int result = (int)response->result;
        rpc_message_free(response);
        return result;
}

static char *session_on_air(Engine *engine) {
        Retrovue__Playout__V1__GetVersionRequest request = RETROVUE__PLAYOUT__V1__GET_VERSION_REQUEST__INIT;
        Retrovue__Playout__V1__GetVersionResponse *response = call(engine, "GetVersion", &request);
        assert_string_equal(response->channel_id, BLOCKS_CHANNEL);
        assert_int_equal(response->queue_depth, BLOCK_QUEUE_DEPTH);
        char *session = g_strdup(response->session_id);
        rpc_message_free(response);
        return session;
}

static int64_t now_ms(void) {
        return rv_clock_utc_ms(rv_clock_system());
}

/* --- results ------------------------------------------------------------------------------------------------------ */

static _Atomic int streams_refused, starts_refused; /* as the log has it */

static void hear(void *user, RvLogLevel level, const char *event, const RvField *fields, size_t n_fields) {
        if (g_str_equal(event, "control.stream_refused"))
                atomic_fetch_add(&streams_refused, 1);
        else if (g_str_equal(event, "control.start_refused"))
                atomic_fetch_add(&starts_refused, 1);
}

static void INV_CONTROL_001_a_refusal_is_told_in_the_log(void **state) {
        rv_log_set_sink(hear, NULL);
        Engine *engine = engine_new(rv_clock_system(), 0);
        assert_int_equal(attach(engine, "/nowhere"), RESULT(STREAM_NOT_ATTACHED));
        assert_int_equal(streams_refused, 1);
        assert_int_equal(start_pad(engine, now_ms(), 60000), RESULT(STREAM_NOT_ATTACHED));
        assert_int_equal(starts_refused, 1);
        assert_int_equal(attach(engine, engine->stream_path), RESULT(OK));
        assert_int_equal(start_pad(engine, now_ms(), 60000), RESULT(OK));
        assert_int_equal(streams_refused + starts_refused, 2);
        engine_free(engine);
        rv_log_set_sink(NULL, NULL);
}

static void INV_CONTROL_001_one_session_at_a_time_and_a_stream_first(void **state) {
        g_autoptr(Engine) engine = engine_new(rv_clock_system(), 0);
        const int64_t epoch = now_ms();
        assert_int_equal(start_pad(engine, epoch, 60000), RESULT(STREAM_NOT_ATTACHED));
        assert_int_equal(feed(engine, SESSION, "x", epoch, 1000), RESULT(NO_SESSION));
        assert_int_equal(stop(engine, SESSION), RESULT(NO_SESSION));
        assert_int_equal(detach(engine), RESULT(STREAM_NOT_ATTACHED));
        assert_int_equal(attach(engine, "/nowhere"), RESULT(STREAM_NOT_ATTACHED));
        assert_int_equal(attach_rendition(engine, engine->stream_path, 2), RESULT(STREAM_NOT_ATTACHED));
        assert_int_equal(attach_rendition(engine, engine->stream_path, -1), RESULT(STREAM_NOT_ATTACHED));
        assert_int_equal(attach(engine, engine->stream_path), RESULT(OK));
        assert_int_equal(start_pad(engine, epoch, 60000), RESULT(OK));
        assert_int_equal(start_pad(engine, epoch, 60000), RESULT(ALREADY_ACTIVE));
        g_autofree char *session = session_on_air(engine);
        assert_string_equal(session, SESSION);
        assert_int_equal(stop(engine, "99999999-2222-4333-8444-555555555555"), RESULT(NO_SESSION));
        assert_int_equal(detach(engine), RESULT(OK));
        assert_int_equal(attach(engine, engine->stream_path), RESULT(OK));
        assert_int_equal(stop(engine, SESSION), RESULT(OK));
        g_autofree char *none = session_on_air(engine);
        assert_string_equal(none, "");
        assert_int_equal(stop(engine, SESSION), RESULT(NO_SESSION));
}

static void INV_CONTROL_002_first_blocks_are_taken_all_or_none(void **state) {
        g_autoptr(Engine) engine = engine_new(rv_clock_system(), 0);
        const int64_t epoch = now_ms();
        assert_int_equal(attach(engine, engine->stream_path), RESULT(OK));
        BlockMessage *blocks[6];
        for (int i = 0; i < 6; i++) {
                g_autofree char *id = g_strdup_printf("b%d", i);
                blocks[i] = pad_message(id, epoch + i * 60000, 60000);
        }
        assert_int_equal(start(engine, epoch, NULL, 0), RESULT(INVALID_BLOCK));
        assert_int_equal(start(engine, epoch, blocks, 5), RESULT(QUEUE_FULL));
        assert_int_equal(start(engine, epoch, blocks + 1, 1), RESULT(NOT_CONTIGUOUS));
        BlockMessage *hole[] = {blocks[0], blocks[2]};
        assert_int_equal(start(engine, epoch, hole, 2), RESULT(NOT_CONTIGUOUS));
        blocks[1]->segments[0]->duration_ms--;
        assert_int_equal(start(engine, epoch, blocks, 2), RESULT(INVALID_BLOCK));
        g_autofree char *none = session_on_air(engine);
        assert_string_equal(none, "");
        blocks[1]->segments[0]->duration_ms++;
        assert_int_equal(start(engine, epoch, blocks, 2), RESULT(OK));
        for (int i = 0; i < 6; i++)
                block_plan_message_free(blocks[i]);
}

static void feeding_answers_with_every_result(void **state) {
        g_autoptr(Engine) engine = engine_new(rv_clock_system(), 0);
        const int64_t epoch = now_ms();
        assert_int_equal(attach(engine, engine->stream_path), RESULT(OK));
        assert_int_equal(start_pad(engine, epoch, 60000), RESULT(OK));
        assert_int_equal(feed(engine, SESSION, "b", epoch + 60001, 60000), RESULT(NOT_CONTIGUOUS));
        assert_int_equal(feed(engine, SESSION, "first", epoch + 60000, 60000), RESULT(INVALID_BLOCK));
        assert_int_equal(feed(engine, SESSION, "b", epoch + 60000, 60000), RESULT(OK));
        assert_int_equal(feed(engine, SESSION, "c", epoch + 120000, 60000), RESULT(OK));
        assert_int_equal(feed(engine, SESSION, "d", epoch + 180000, 60000), RESULT(OK));
        assert_int_equal(feed(engine, SESSION, "e", epoch + 240000, 60000), RESULT(QUEUE_FULL));
}

static void malformed_starts_are_grpc_errors(void **state) {
        g_autoptr(Engine) engine = engine_new(rv_clock_system(), 0);
        const int64_t epoch = now_ms();
        assert_int_equal(attach(engine, engine->stream_path), RESULT(OK));
        BlockMessage *block = pad_message("first", epoch, 60000);
        StartResponse *response;
        RpcStatus status = try_start(engine, "no-uuid", epoch, &block, 1, &response);
        assert_int_equal(status.code, RPC_CODE_INVALID_ARGUMENT);
        status = try_start(engine, SESSION, epoch - 3600000, &block, 1, &response);
        assert_int_equal(status.code, RPC_CODE_INVALID_ARGUMENT);
        block_plan_message_free(block);
}

/* --- the output is built beside ------------------------------------------------------------------------------------
 */

static void no_matter(void *user, const char *detail) {
}

static void INV_CONTROL_003_a_session_starts_before_its_output_is_there(void **state) {
        g_autofree char *dir = temp_dir_new();
        g_autofree char *stream_path = g_build_filename(dir, "stream.sock", NULL);
        const int stream_fd = listen_at(stream_path);
        Boot *boot = boot_new(NULL);
        Subscribers *subscribers = subscribers_new(BLOCKS_CHANNEL);
        BlockQueue *queue = block_queue_new(BLOCKS_CHANNEL, BLOCK_QUEUE_DEPTH);
        const int64_t epoch = now_ms(), duration_ms = 60000;
        g_autoptr(BlockPlan) block = blocks_make("first", epoch, NULL, &duration_ms, 1);
        assert_int_equal(block_queue_push(queue, block, NULL), QUEUE_OK);
        const SessionOptions options = {
                .channel_id = BLOCKS_CHANNEL,
                .session_id = SESSION,
                .epoch_utc_ms = epoch,
                .format = small_format(),
                .stream_endpoints = {"/nowhere", NULL},
                .evidence_endpoint = "",
                .spool_dir = "",
                .boot = boot,
                .subscribers = subscribers,
                .clock = rv_clock_system(),
                .on_broken = no_matter,
        };
        Session *session = session_new(&options, queue, NULL);
        assert_non_null(session);
        assert_true(session_attach(session, 0, "/nowhere/else", NULL)); /* an output that is there would refuse */
        assert_true(session_attach(session, 0, stream_path, NULL));
        while (!session_has_reader(session))
                g_main_context_iteration(NULL, TRUE);
        assert_false(session_attach(session, 0, "/nowhere/else", NULL));
        session_end(session, "stop_requested", NULL);
        subscribers_free(subscribers);
        boot_free(boot);
        close(stream_fd);
        temp_dir_free(g_steal_pointer(&dir));
}

/* --- core is gone --------------------------------------------------------------------------------------------------
 */

static void INV_CONTROL_004_without_core_the_engine_ends(void **state) {
        RvClock *clock = rv_clock_fake_new(now_ms());
        Engine *engine = engine_new(clock, 200);
        for (int i = 0; i < 300; i++) { /* the loop turns many times, core is there */
                rv_clock_fake_advance_ms(clock, 1000);
                g_free(session_on_air(engine));
        }
        assert_false(has_quit(engine));
        g_clear_pointer(&engine->client, rpc_client_free);
        while (!has_quit(engine)) {
                rv_clock_fake_advance_ms(clock, 10);
                sched_yield();
        }
        assert_int_equal(engine->exit_status, 0);
        engine_free(engine);
        rv_clock_fake_free(clock);
}

/* --- testimony ------------------------------------------------------------------------------------------------------
 */

static EvidenceEvent *end_of(SeamReport report) {
        static const int64_t DURATIONS_MS[] = {1000, 1000};
        static const FrameClock FRAMES = {1000000, {25, 1}};
        g_autoptr(BlockPlan) block = blocks_make("b", 1000000, "/media/film.mkv", DURATIONS_MS, 2);
        report.kind = SEAM_SEGMENT_END;
        report.block = block;
        report.segment_index = 1;
        report.start_tick = 25;
        report.tick = 50;
        report.first_source_frame = 0;
        report.last_source_frame = 24;
        return testimony_of(&report, &FRAMES);
}

static void assert_verdict(SeamReport report, SegmentStatus status, const char *reason) {
        g_autoptr(EvidenceEvent) event = end_of(report);
        assert_int_equal(event->status, status);
        if (reason)
                assert_string_equal(event->reason, reason);
        else
                assert_null(event->reason);
        assert_int_equal(event->fallback_frames, event->frames - report.own_frames);
}

static void INV_CONTROL_005_segments_end_with_the_status_that_is_true(void **state) {
        assert_verdict((SeamReport){.frames = 25, .own_frames = 25}, SEGMENT_STATUS_AIRED, NULL);
        assert_verdict((SeamReport){.frames = 25, .own_frames = 23, .held_frames = 2}, SEGMENT_STATUS_AIRED, NULL);
        assert_verdict((SeamReport){.frames = 0}, SEGMENT_STATUS_SKIPPED, "NO_TIME_LEFT");
        assert_verdict((SeamReport){.frames = 5, .own_frames = 5, .cut = true}, SEGMENT_STATUS_TRUNCATED, "STOPPED");
        assert_verdict((SeamReport){.frames = 25, .own_frames = 20, .black_frames = 5}, SEGMENT_STATUS_SHORT,
                       "MATERIAL_ENDED");
        assert_verdict((SeamReport){.frames = 25, .black_frames = 25, .reason = "OPEN_FAILED"}, SEGMENT_STATUS_ERROR,
                       "OPEN_FAILED");
        assert_verdict((SeamReport){.frames = 25, .own_frames = 25, .reason = "DECODE_FAILED"}, SEGMENT_STATUS_AIRED,
                       NULL); /* it failed after its time */
        assert_verdict((SeamReport){.frames = 25, .own_frames = 5, .missing_frames = 20}, SEGMENT_STATUS_SUBSTITUTED,
                       "UNDERRUN");
        assert_verdict((SeamReport){.frames = 10, .own_frames = 10, .late = true}, SEGMENT_STATUS_TRUNCATED,
                       "BLOCK_CAME_LATE");
}

static void INV_AIR_SEGMENT_ID_001_every_id_and_instant_comes_through(void **state) {
        g_autoptr(EvidenceEvent) event = end_of((SeamReport){.frames = 25, .own_frames = 25});
        char uuid[RV_UUID_SIZE];
        rv_uuid_named("b/1", uuid);
        assert_string_equal(event->block_id, "b");
        assert_string_equal(event->event_id, "event-b-1");
        assert_string_equal(event->segment_uuid, uuid);
        assert_string_equal(event->asset_uuid, uuid);
        assert_int_equal(event->segment_index, 1);
        assert_int_equal(event->type, SEGMENT_CONTENT);
        assert_int_equal(event->start_utc_ms, 1001000);
        assert_int_equal(event->end_utc_ms, 1002000);
        assert_int_equal(event->asset_start_frame, 0);
        assert_int_equal(event->asset_end_frame, 24);
}

/* --- events ---------------------------------------------------------------------------------------------------------
 */

static RpcCall *subscribe(Engine *engine) {
        Retrovue__Playout__V1__SubscribeBlockEventsRequest request =
                RETROVUE__PLAYOUT__V1__SUBSCRIBE_BLOCK_EVENTS_REQUEST__INIT;
        RpcCall *stream = rpc_client_open(engine->client, SERVICE, "SubscribeBlockEvents", &request);
        assert_non_null(stream);
        return stream;
}

static Event *read_event(RpcCall *stream, int event_case) {
        Event *event = rpc_read(stream);
        assert_non_null(event);
        assert_int_equal(event->event_case, event_case);
        assert_string_equal(event->session_id, SESSION);
        return event;
}

/* A stream is answered by a thread of its own: events count from when it says that it has entered. */
static void await_entry(RpcCall *stream) {
        Event *event = rpc_read(stream);
        assert_non_null(event);
        assert_int_equal(event->event_case, RETROVUE__PLAYOUT__V1__BLOCK_EVENT__EVENT_SUBSCRIBED);
        rpc_message_free(event);
}

static void INV_CONTROL_006_events_come_in_order_and_numbered(void **state) {
        g_autoptr(Engine) engine = engine_new(rv_clock_system(), 0);
        RpcCall *stream = subscribe(engine);
        await_entry(stream);
        assert_int_equal(attach(engine, engine->stream_path), RESULT(OK));
        const int64_t epoch = now_ms();
        BlockMessage *blocks[] = {pad_message("first", epoch, 400), pad_message("second", epoch + 400, 60000)};
        assert_int_equal(start(engine, epoch, blocks, 2), RESULT(OK));
        block_plan_message_free(blocks[0]);
        block_plan_message_free(blocks[1]);
        static const int ORDER[] = {RETROVUE__PLAYOUT__V1__BLOCK_EVENT__EVENT_SESSION_STARTED,
                                    RETROVUE__PLAYOUT__V1__BLOCK_EVENT__EVENT_BLOCK_STARTED,
                                    RETROVUE__PLAYOUT__V1__BLOCK_EVENT__EVENT_BLOCK_COMPLETED,
                                    RETROVUE__PLAYOUT__V1__BLOCK_EVENT__EVENT_BLOCK_STARTED};
        int64_t sequence = 0;
        for (size_t i = 0; i < G_N_ELEMENTS(ORDER); i++) {
                Event *event = read_event(stream, ORDER[i]);
                assert_true(sequence == 0 || event->sequence == sequence + 1);
                sequence = event->sequence;
                if (i == 2) {
                        assert_int_equal(event->block_completed->frames, 10);
                        assert_int_equal(event->block_completed->pad_frames, 0);
                        assert_int_equal(event->utc_ms, epoch + 400);
                        assert_int_equal(event->tick, 10);
                }
                if (i == 3)
                        assert_int_equal(event->block_started->credits, BLOCK_QUEUE_DEPTH - 1);
                rpc_message_free(event);
        }
        (void)rpc_close(stream);
}

static RpcStatus serve_subscriber(void *user, RpcCall *call, const void *request) {
        return subscribers_serve(user, call);
}

/* Megabytes are published while nobody reads: publishing comes to its end, and the reader can tell what it has missed.
 */
static void INV_CONTROL_006_a_slow_subscriber_sees_a_gap(void **state) {
        static const RpcMethod METHODS[] = {{.name = "SubscribeBlockEvents", .stream = serve_subscriber}};
        g_autofree char *dir = temp_dir_new();
        g_autofree char *path = g_build_filename(dir, "events.sock", NULL);
        g_autofree char *detail = g_strnfill(4000, 'x');
        Subscribers *subscribers = subscribers_new(BLOCKS_CHANNEL);
        RpcServer *server = rpc_server_new(NULL, (RpcOptions){0});
        rpc_server_add(server, SERVICE, METHODS, 1, subscribers);
        assert_true(rpc_server_listen(server, path, NULL) && rpc_server_start(server, NULL));
        Engine engine = {.client = rpc_client_connect(path, 5000, (RpcOptions){0}, NULL)};
        RpcCall *stream = subscribe(&engine);
        const BlockEventFacts facts = {
                .kind = EVENT_SESSION_ENDED, .session_id = SESSION, .detail = detail, .reason = "x"};
        do /* until it has entered */
                subscribers_publish(subscribers, &facts);
        while (rpc_wait(stream, 10) != RPC_EVENT_MESSAGE);
        for (int i = 0; i < 20000; i++)
                subscribers_publish(subscribers, &facts);
        int64_t last = 0, missed = 0, read = 0;
        for (Event *event; (event = rpc_read(stream)); read++) {
                assert_true(event->sequence > last);
                missed += last ? event->sequence - last - 1 : 0;
                last = event->sequence;
                rpc_message_free(event);
                if (missed > 0)
                        subscribers_close(subscribers);
                else if (read >= SUBSCRIBER_QUEUE) /* what was under way has come: some time there is room again */
                        subscribers_publish(subscribers, &facts);
        }
        assert_true(read > SUBSCRIBER_QUEUE);
        assert_true(missed > 0);
        (void)rpc_close(stream);
        rpc_client_free(engine.client);
        rpc_server_free(server, 0);
        subscribers_free(subscribers);
        temp_dir_free(g_steal_pointer(&dir));
}

static void INV_CONTROL_007_the_end_is_the_last_event(void **state) {
        g_autoptr(Engine) engine = engine_new(rv_clock_system(), 0);
        RpcCall *stream = subscribe(engine);
        await_entry(stream);
        assert_int_equal(attach(engine, engine->stream_path), RESULT(OK));
        assert_int_equal(start_pad(engine, now_ms(), 60000), RESULT(OK));
        Event *event = read_event(stream, RETROVUE__PLAYOUT__V1__BLOCK_EVENT__EVENT_SESSION_STARTED);
        rpc_message_free(event);
        event = read_event(stream, RETROVUE__PLAYOUT__V1__BLOCK_EVENT__EVENT_BLOCK_STARTED);
        rpc_message_free(event);
        assert_int_equal(stop(engine, SESSION), RESULT(OK));
        event = read_event(stream, RETROVUE__PLAYOUT__V1__BLOCK_EVENT__EVENT_SESSION_ENDED);
        assert_string_equal(event->session_ended->reason, "stop_requested");
        assert_string_equal(event->session_ended->detail, "last_viewer_left");
        rpc_message_free(event);
        assert_int_equal(rpc_wait(stream, 50), RPC_EVENT_TIMEOUT);
        (void)rpc_close(stream);
}

int main(void) {
        signal(SIGPIPE, SIG_IGN);
        rpc_init();
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(INV_CONTROL_005_segments_end_with_the_status_that_is_true),
                cmocka_unit_test(INV_AIR_SEGMENT_ID_001_every_id_and_instant_comes_through),
                cmocka_unit_test(INV_CONTROL_003_a_session_starts_before_its_output_is_there),
                cmocka_unit_test(INV_CONTROL_001_one_session_at_a_time_and_a_stream_first),
                cmocka_unit_test(INV_CONTROL_001_a_refusal_is_told_in_the_log),
                cmocka_unit_test(INV_CONTROL_002_first_blocks_are_taken_all_or_none),
                cmocka_unit_test(feeding_answers_with_every_result),
                cmocka_unit_test(malformed_starts_are_grpc_errors),
                cmocka_unit_test(INV_CONTROL_004_without_core_the_engine_ends),
                cmocka_unit_test(INV_CONTROL_006_events_come_in_order_and_numbered),
                cmocka_unit_test(INV_CONTROL_006_a_slow_subscriber_sees_a_gap),
                cmocka_unit_test(INV_CONTROL_007_the_end_is_the_last_event),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
