#include "tests/e2e/engine_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/base/clock.h"
#include "proto/base/id.h"
#include "proto/base/thread.h"
#include "proto/rpc/rpc.h"
#include "tests/support/cmocka.h"
#include "tests/support/temp_dir.h"

#define CONTROL_FD 3
#define CALL_MS 30000
#define CALL_MAY_FAIL_MS 2000
#define KEEPALIVE_MS 5000
#define ORPHAN_MS 8500
#define RUN_BY_FACTOR 60 /* how much slower an engine may be that something else runs */
#define STALL_NS (100 * INT64_C(1000000))
#define STREAM_MAX (256u << 20)
#define PACKET_SIZE 188
#define PICTURE_PID 65
#define RESULT(name) RETROVUE__PLAYOUT__V1__RESULT__RESULT_##name

typedef Retrovue__Playout__V1__BlockEvent Event;

struct EngineRig {
        char *dir, *control_path, *evidence_path, *stream_path, *spool_dir;
        char session_id[RV_UUID_SIZE];
        const HouseStyle *style;
        int streams; /* made so far */
        pid_t pid;
        int64_t spawned_mono_ns;
        bool may_fail;
        RpcClient *client; /* NULL: the engine, which may fail, did not answer */
        RpcServer *evidence_server;
        RpcCall *events;
        RvThread *events_thread, *capture_thread;
        RvThread *watch_thread;   /* of an engine that may fail */
        int listen_fd, stream_fd; /* the capture thread's, once it runs */
        void (*on_stream)(void *user, const uint8_t *data, size_t size);
        void *user;

        pthread_mutex_t lock; /* guards: */
        pthread_cond_t more;
        GByteArray *stream;
        GArray *picture_mono_ns; /* int64_t: when each picture's first packet was complete */
        size_t parsed;           /* bytes of stream, whole packets */
        bool stream_over;
        bool capture_ends;
        bool reader_paused;
        RigPace pace;
        int64_t first_mono_ns, read_mono_ns; /* the last; 0: not yet */
        GPtrArray *started;                  /* block ids */
        GPtrArray *evidence;                 /* EvidenceEvent */
        int64_t acked;
        bool gone; /* the engine, which may fail */
        int wait_status;
};

extern char **environ;

/* --- evidence -------------------------------------------------------------------------------------------------------
 */

static int64_t record(EngineRig *rig, EvidenceEvent *take_event) {
        g_autoptr(EvidenceEvent) event = take_event;
        pthread_mutex_lock(&rig->lock);
        if (strcmp(event->session_id, rig->session_id) != 0) { /* what an earlier one left */
                pthread_mutex_unlock(&rig->lock);
                return event->sequence;
        }
        if (event->kind == EVIDENCE_HELLO && event->first_sequence_available <= 1)
                rig->acked = 0;
        else if (event->kind != EVIDENCE_HELLO && event->sequence > rig->acked) {
                rig->acked = event->sequence;
                g_ptr_array_add(rig->evidence, g_steal_pointer(&event));
        }
        const int64_t acked = rig->acked;
        pthread_cond_broadcast(&rig->more);
        pthread_mutex_unlock(&rig->lock);
        return acked;
}

static RpcStatus take_evidence(void *user, RpcCall *call, const void *request) {
        for (Retrovue__Evidence__V1__EvidenceFromAir *in; (in = rpc_read(call));) {
                Retrovue__Evidence__V1__EvidenceAck ack = RETROVUE__EVIDENCE__V1__EVIDENCE_ACK__INIT;
                ack.playout_session_id = in->playout_session_id;
                EvidenceEvent *event = evidence_event_from_message(in);
                g_assert(event);
                ack.acked_sequence = record(user, event);
                const bool ok = rpc_write(call, &ack);
                rpc_message_free(in);
                if (!ok)
                        break;
        }
        return RPC_OK;
}

static void serve_evidence(EngineRig *rig) {
        static const RpcMethod METHODS[] = {
                {.name = "EvidenceStream", .stream = take_evidence, .client_streams = true}};
        rig->evidence_server = rpc_server_new(NULL, (RpcOptions){0});
        rpc_server_add(rig->evidence_server, &retrovue__evidence__v1__evidence__descriptor, METHODS, 1, rig);
        assert_true(rpc_server_listen(rig->evidence_server, rig->evidence_path, NULL));
        assert_true(rpc_server_start(rig->evidence_server, NULL));
}

/* --- block events
 * ----------------------------------------------------------------------------------------------------- */

static void read_events(void *user) {
        EngineRig *rig = user;
        for (Event *event; (event = rpc_read(rig->events));) {
                pthread_mutex_lock(&rig->lock);
                if (event->event_case == RETROVUE__PLAYOUT__V1__BLOCK_EVENT__EVENT_BLOCK_STARTED)
                        g_ptr_array_add(rig->started, g_strdup(event->block_started->block_id));
                pthread_cond_broadcast(&rig->more);
                pthread_mutex_unlock(&rig->lock);
                rpc_message_free(event);
        }
}

static void subscribe(EngineRig *rig) {
        static const Retrovue__Playout__V1__SubscribeBlockEventsRequest REQUEST =
                RETROVUE__PLAYOUT__V1__SUBSCRIBE_BLOCK_EVENTS_REQUEST__INIT;
        rig->events = rpc_client_open(rig->client, &retrovue__playout__v1__playout_control__descriptor,
                                      "SubscribeBlockEvents", &REQUEST);
        if (!rig->events && rig->may_fail)
                return;
        assert_non_null(rig->events);
        rig->events_thread = rv_thread_start("events", RV_PRIORITY_NORMAL, read_events, rig, NULL);
}

static void unsubscribe(EngineRig *rig) {
        if (!rig->events)
                return;
        rpc_cancel(rig->events);
        g_clear_pointer(&rig->events_thread, rv_thread_join);
        (void)rpc_close(g_steal_pointer(&rig->events));
}

/* --- the transport stream
 * --------------------------------------------------------------------------------------------- */

static int listen_at(const char *path) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        g_strlcpy(address.sun_path, path, sizeof address.sun_path);
        const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        g_assert(fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 8) == 0);
        return fd;
}

/* Locked. */
static void note_pictures(EngineRig *rig) {
        const int64_t now_ns = rv_clock_mono_ns(rv_clock_system());
        for (; rig->parsed + PACKET_SIZE <= rig->stream->len; rig->parsed += PACKET_SIZE) {
                const uint8_t *packet = rig->stream->data + rig->parsed;
                const bool starts_unit = packet[1] & 0x40;
                if (starts_unit && ((packet[1] & 0x1f) << 8 | packet[2]) == PICTURE_PID)
                        g_array_append_val(rig->picture_mono_ns, now_ns);
        }
        if (!rig->on_stream)
                return;
        g_byte_array_remove_range(rig->stream, 0, (guint)rig->parsed);
        rig->parsed = 0;
}

static void await_reading(EngineRig *rig) {
        pthread_mutex_lock(&rig->lock);
        while (rig->reader_paused)
                pthread_cond_wait(&rig->more, &rig->lock);
        pthread_mutex_unlock(&rig->lock);
}

/* Locked. */
static void note_pace(EngineRig *rig, int64_t now_ns) {
        const int64_t gap_ns = rig->read_mono_ns ? now_ns - rig->read_mono_ns : 0;
        rig->read_mono_ns = now_ns;
        rig->pace.reads++;
        rig->pace.stalls += gap_ns > STALL_NS;
        if (rig->pace.reads == 1)
                rig->first_mono_ns = now_ns;
        if (gap_ns <= rig->pace.largest_ns)
                return;
        rig->pace.largest_ns = gap_ns;
        rig->pace.largest_at_ns = now_ns - rig->first_mono_ns;
}

RigPace rig_pace(EngineRig *rig) {
        pthread_mutex_lock(&rig->lock);
        const RigPace pace = rig->pace;
        pthread_mutex_unlock(&rig->lock);
        return pace;
}

static void capture(void *user) {
        EngineRig *rig = user;
        uint8_t buffer[65536];
        const int fd = accept4(rig->listen_fd, NULL, NULL, SOCK_CLOEXEC);
        ssize_t n = 0;
        pthread_mutex_lock(&rig->lock);
        rig->stream_fd = fd;
        if (fd >= 0 && rig->capture_ends)
                (void)shutdown(fd, SHUT_RDWR);
        pthread_mutex_unlock(&rig->lock);
        while (fd >= 0 && (n = recv(fd, buffer, sizeof buffer, 0)) > 0) {
                const int64_t now_ns = rv_clock_mono_ns(rv_clock_system());
                if (rig->on_stream)
                        rig->on_stream(rig->user, buffer, (size_t)n);
                pthread_mutex_lock(&rig->lock);
                note_pace(rig, now_ns);
                g_assert(rig->stream->len + (size_t)n < STREAM_MAX);
                g_byte_array_append(rig->stream, buffer, (guint)n);
                note_pictures(rig);
                pthread_cond_broadcast(&rig->more);
                pthread_mutex_unlock(&rig->lock);
                await_reading(rig);
        }
        pthread_mutex_lock(&rig->lock);
        rig->stream_fd = -1;
        rig->stream_over = true;
        pthread_cond_broadcast(&rig->more);
        pthread_mutex_unlock(&rig->lock);
        if (fd >= 0)
                close(fd);
}

void rig_pause_reader(EngineRig *rig, bool paused) {
        pthread_mutex_lock(&rig->lock);
        rig->reader_paused = paused;
        pthread_cond_broadcast(&rig->more);
        pthread_mutex_unlock(&rig->lock);
}

static void end_capture(EngineRig *rig) {
        if (!rig->capture_thread)
                return;
        rig_pause_reader(rig, false);
        (void)shutdown(rig->listen_fd, SHUT_RDWR);
        pthread_mutex_lock(&rig->lock);
        rig->capture_ends = true;
        if (rig->stream_fd >= 0)
                (void)shutdown(rig->stream_fd, SHUT_RDWR);
        pthread_mutex_unlock(&rig->lock);
        g_clear_pointer(&rig->capture_thread, rv_thread_join);
        close(rig->listen_fd);
}

static void begin_capture(EngineRig *rig) {
        end_capture(rig);
        g_free(rig->stream_path);
        rig->stream_path = g_strdup_printf("%s/stream-%d.sock", rig->dir, rig->streams++);
        rig->listen_fd = listen_at(rig->stream_path);
        rig->stream_fd = -1;
        rig->capture_ends = false;
        rig->stream_over = false;
        g_byte_array_set_size(rig->stream, 0);
        g_array_set_size(rig->picture_mono_ns, 0);
        rig->parsed = 0;
        rig->pace = (RigPace){0};
        rig->read_mono_ns = 0;
        rig->capture_thread = rv_thread_start("capture", RV_PRIORITY_NORMAL, capture, rig, NULL);
}

/* --- the engine
 * ------------------------------------------------------------------------------------------------------- */

static void watch(void *user) {
        EngineRig *rig = user;
        int status = 0;
        g_assert(waitpid(rig->pid, &status, 0) == rig->pid);
        pthread_mutex_lock(&rig->lock);
        rig->wait_status = status;
        rig->gone = true;
        pthread_cond_broadcast(&rig->more);
        pthread_mutex_unlock(&rig->lock);
}

/* A command that the engine is run by, if any. */
static const char *runner(void) {
        return g_getenv("RV_RUN_ENGINE_BY");
}

static int patience_ms(int most_ms) {
        return runner() ? RUN_BY_FACTOR * most_ms : most_ms;
}

static char **with_runner(char **arguments) {
        if (!runner())
                return g_strdupv(arguments);
        g_auto(GStrv) words = NULL;
        assert_true(g_shell_parse_argv(runner(), NULL, &words, NULL));
        g_autoptr(GStrvBuilder) all = g_strv_builder_new();
        g_strv_builder_addv(all, (const char **)words);
        g_strv_builder_addv(all, (const char **)arguments);
        return g_strv_builder_end(all);
}

static void spawn(EngineRig *rig, const RigOptions *options) {
        const int listen_fd = listen_at(rig->control_path);
        g_autofree char *cache_dir = g_strdup(options->cache_dir ? options->cache_dir : RV_E2E_CACHE);
        g_autofree char *orphan =
                g_strdup_printf("%d", patience_ms(options->orphan_ms ? options->orphan_ms : ORPHAN_MS));
        g_autofree char *replay = g_strdup_printf("%d", options->replay_ms);
        char *arguments[] = {(char[]){RV_AIR},
                             (char[]){"--channel"},
                             (char[]){RIG_CHANNEL},
                             (char[]){"--control-fd"},
                             (char[]){"3"},
                             (char[]){"--cache-dir"},
                             cache_dir,
                             (char[]){"--orphan-ms"},
                             orphan,
                             (char[]){"--replay-ms"},
                             replay,
                             NULL};
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, listen_fd, CONTROL_FD);
        rig->spawned_mono_ns = rv_clock_mono_ns(rv_clock_system());
        g_auto(GStrv) command = with_runner(arguments);
        assert_int_equal(posix_spawnp(&rig->pid, command[0], &actions, NULL, command, environ), 0);
        posix_spawn_file_actions_destroy(&actions);
        close(listen_fd);
        if (rig->may_fail)
                rig->watch_thread = rv_thread_start("watch", RV_PRIORITY_NORMAL, watch, rig, NULL);
        const int most_ms = patience_ms(rig->may_fail ? CALL_MAY_FAIL_MS : CALL_MS);
        const RpcOptions rpc = {.keepalive_ms = patience_ms(KEEPALIVE_MS)};
        rig->client = rpc_client_connect(rig->control_path, most_ms, rpc, NULL);
        assert_true(rig->client || rig->may_fail);
}

static void free_event(gpointer event) {
        evidence_event_free(event);
}

EngineRig *rig_new(RigOptions options) {
        EngineRig *rig = g_new0(EngineRig, 1);
        rig->may_fail = options.may_fail;
        rv_uuid_random(rig->session_id);
        rig->style = options.style;
        rig->on_stream = options.on_stream;
        rig->user = options.user;
        rig->dir = temp_dir_new();
        rig->control_path = g_build_filename(rig->dir, "control.sock", NULL);
        rig->evidence_path = g_build_filename(rig->dir, "evidence.sock", NULL);
        rig->spool_dir = g_build_filename(rig->dir, "spool", NULL);
        assert_int_equal(g_mkdir(rig->spool_dir, 0700), 0);
        rig->stream = g_byte_array_new();
        rig->picture_mono_ns = g_array_new(FALSE, FALSE, sizeof(int64_t));
        rig->started = g_ptr_array_new_with_free_func(g_free);
        rig->evidence = g_ptr_array_new_with_free_func(free_event);
        pthread_mutex_init(&rig->lock, NULL);
        pthread_condattr_t monotonic;
        pthread_condattr_init(&monotonic);
        pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
        pthread_cond_init(&rig->more, &monotonic);
        pthread_condattr_destroy(&monotonic);
        serve_evidence(rig);
        spawn(rig, &options);
        if (rig->client)
                subscribe(rig);
        return rig;
}

static void reap(EngineRig *rig) {
        if (rig->pid == 0)
                return;
        pthread_mutex_lock(&rig->lock);
        if (!rig->gone)
                (void)kill(rig->pid, SIGKILL);
        pthread_mutex_unlock(&rig->lock);
        if (rig->watch_thread)
                g_clear_pointer(&rig->watch_thread, rv_thread_join);
        else
                (void)waitpid(rig->pid, NULL, 0);
}

void rig_free(EngineRig *rig) {
        if (!rig)
                return;
        reap(rig);
        rig_lose_core(rig);
        g_byte_array_unref(rig->stream);
        g_array_unref(rig->picture_mono_ns);
        g_ptr_array_unref(rig->started);
        g_ptr_array_unref(rig->evidence);
        pthread_cond_destroy(&rig->more);
        pthread_mutex_destroy(&rig->lock);
        g_free(rig->control_path);
        g_free(rig->evidence_path);
        g_free(rig->stream_path);
        g_free(rig->spool_dir);
        temp_dir_free(rig->dir);
        g_free(rig);
}

/* --- what core does
 * --------------------------------------------------------------------------------------------------- */

static void fill_segment(BlockPlan *block, uint32_t index, const RigSegment *from) {
        BlockSegment *segment = &block->segments[index];
        char uuid[RV_UUID_SIZE];
        g_autofree char *name = g_strdup_printf("%s/%u", block->block_id, index);
        g_autofree char *event_id = g_strdup_printf("event-%s", name);
        rv_uuid_named(name, uuid);
        segment->type = from->file ? SEGMENT_CONTENT : SEGMENT_PAD;
        segment->event_id = block_plan_text(block, event_id);
        segment->segment_uuid = block_plan_text(block, uuid);
        segment->title = block_plan_text(block, from->file ? from->file : "pad");
        segment->duration_ms = from->duration_ms;
        if (!from->file)
                return;
        g_autofree char *path = g_path_is_absolute(from->file) ? g_strdup(from->file)
                                                               : g_build_filename(RV_TEST_CLIPS, from->file, NULL);
        rv_uuid_named(from->file, uuid);
        segment->asset_uuid = block_plan_text(block, uuid);
        segment->asset_uri = block_plan_text(block, path);
        segment->asset_start_offset_ms = from->offset_ms;
}

BlockPlan *rig_block(const char *id, int64_t start_utc_ms, const RigSegment *segments, uint32_t n) {
        int64_t end_utc_ms = start_utc_ms;
        for (uint32_t i = 0; i < n; i++)
                end_utc_ms += segments[i].duration_ms;
        BlockPlan *block = block_plan_new(id, RIG_CHANNEL, "A programme", start_utc_ms, end_utc_ms, n);
        for (uint32_t i = 0; i < n; i++)
                fill_segment(block, i, &segments[i]);
        g_autofree char *fault = NULL;
        if (block_plan_validate(block, &fault) != BLOCK_PLAN_OK)
                fail_msg("%s", fault);
        return block;
}

/* NULL: an engine that may fail has not answered. */
static void *call(EngineRig *rig, const char *method, const void *request) {
        void *response = NULL;
        if (!rig->client)
                return NULL;
        const RpcStatus status = rpc_client_call(rig->client, &retrovue__playout__v1__playout_control__descriptor,
                                                 method, request, &response, patience_ms(CALL_MS));
        if (status.code != RPC_CODE_OK && !rig->may_fail)
                fail_msg("%s: %d %s", method, (int)status.code, status.message);
        if (status.code != RPC_CODE_OK)
                print_message("%s: %d %s\n", method, (int)status.code, status.message);
        return response;
}

Retrovue__Playout__V1__Result rig_try_attach(EngineRig *rig, const char *path) {
        Retrovue__Playout__V1__AttachStreamRequest request = RETROVUE__PLAYOUT__V1__ATTACH_STREAM_REQUEST__INIT;
        request.transport = RETROVUE__PLAYOUT__V1__TRANSPORT__TRANSPORT_UNIX;
        request.endpoint = (char *)path;
        Retrovue__Playout__V1__AttachStreamResponse *response = call(rig, "AttachStream", &request);
        if (!response)
                return RESULT(UNSPECIFIED);
        const Retrovue__Playout__V1__Result result = response->result;
        if (result != RESULT(OK))
                print_message("AttachStream: %d: %s\n", (int)result, response->detail);
        rpc_message_free(response);
        return result;
}

void rig_attach(EngineRig *rig) {
        begin_capture(rig);
        assert_int_equal(rig_try_attach(rig, rig->stream_path), RESULT(OK));
}

Retrovue__Playout__V1__Result rig_try_start(EngineRig *rig, const HouseFormat *format, BlockPlan *const *blocks,
                                            size_t n) {
        Retrovue__Playout__V1__HouseFormat house;
        house_format_to_message(format, &house);
        g_autofree Retrovue__Playout__V1__BlockPlan **messages = g_new0(Retrovue__Playout__V1__BlockPlan *, n);
        for (size_t i = 0; i < n; i++)
                messages[i] = block_plan_to_message(blocks[i]);
        Retrovue__Playout__V1__StartBlockPlanSessionRequest request =
                RETROVUE__PLAYOUT__V1__START_BLOCK_PLAN_SESSION_REQUEST__INIT;
        request.channel_id = (char *)RIG_CHANNEL;
        request.session_id = rig->session_id;
        request.epoch_utc_ms = blocks[0]->start_utc_ms;
        request.house_format = &house;
        request.house_style = rig->style ? house_style_to_message(rig->style) : NULL;
        request.blocks = messages;
        request.n_blocks = n;
        request.evidence_endpoint = rig->evidence_path;
        request.evidence_spool_dir = rig->spool_dir;
        Retrovue__Playout__V1__StartBlockPlanSessionResponse *response = call(rig, "StartBlockPlanSession", &request);
        const Retrovue__Playout__V1__Result result = response ? response->result : RESULT(UNSPECIFIED);
        if (response && result != RESULT(OK))
                print_message("StartBlockPlanSession: %d: %s\n", (int)result, response->detail);
        if (response)
                rpc_message_free(response);
        for (size_t i = 0; i < n; i++)
                block_plan_message_free(messages[i]);
        house_style_message_free(request.house_style);
        return result;
}

bool rig_try_play(EngineRig *rig, const HouseFormat *format, BlockPlan *const *blocks, size_t n) {
        pthread_mutex_lock(&rig->lock);
        rv_uuid_random(rig->session_id);
        rig->acked = 0;
        g_ptr_array_set_size(rig->started, 0);
        g_ptr_array_set_size(rig->evidence, 0);
        pthread_mutex_unlock(&rig->lock);
        begin_capture(rig);
        return rig_try_attach(rig, rig->stream_path) == RESULT(OK) &&
               rig_try_start(rig, format, blocks, n) == RESULT(OK);
}

void rig_start(EngineRig *rig, const HouseFormat *format, BlockPlan *const *blocks, size_t n) {
        assert_true(rig_try_play(rig, format, blocks, n));
}

Retrovue__Playout__V1__Result rig_try_feed(EngineRig *rig, const BlockPlan *block) {
        Retrovue__Playout__V1__FeedBlockPlanRequest request = RETROVUE__PLAYOUT__V1__FEED_BLOCK_PLAN_REQUEST__INIT;
        request.session_id = rig->session_id;
        request.block = block_plan_to_message(block);
        Retrovue__Playout__V1__FeedBlockPlanResponse *response = call(rig, "FeedBlockPlan", &request);
        block_plan_message_free(request.block);
        if (!response)
                return RESULT(UNSPECIFIED);
        const Retrovue__Playout__V1__Result result = response->result;
        if (result != RESULT(OK))
                print_message("FeedBlockPlan: %d: %s\n", (int)result, response->detail);
        rpc_message_free(response);
        return result;
}

void rig_feed(EngineRig *rig, const BlockPlan *block) {
        assert_int_equal(rig_try_feed(rig, block), RESULT(OK));
}

Retrovue__Playout__V1__Result rig_try_stop(EngineRig *rig) {
        Retrovue__Playout__V1__StopBlockPlanSessionRequest request =
                RETROVUE__PLAYOUT__V1__STOP_BLOCK_PLAN_SESSION_REQUEST__INIT;
        request.session_id = rig->session_id;
        request.reason = (char *)"last_viewer_left";
        Retrovue__Playout__V1__StopBlockPlanSessionResponse *response = call(rig, "StopBlockPlanSession", &request);
        if (!response)
                return RESULT(UNSPECIFIED);
        const Retrovue__Playout__V1__Result result = response->result;
        rpc_message_free(response);
        return result;
}

void rig_stop(EngineRig *rig) {
        assert_int_equal(rig_try_stop(rig), RESULT(OK));
}

void rig_lose_core(EngineRig *rig) {
        unsubscribe(rig);
        g_clear_pointer(&rig->client, rpc_client_free);
        end_capture(rig);
        rpc_server_free(g_steal_pointer(&rig->evidence_server), 0);
}

/* --- waiting
 * ---------------------------------------------------------------------------------------------------------- */

/* Or until an engine that may fail is gone, or most_ms (0: any time) have passed. */
static void await(EngineRig *rig, bool (*there)(const EngineRig *rig, const void *what), const void *what,
                  int most_ms) {
        const int64_t until_ns = rv_clock_mono_ns(rv_clock_system()) + most_ms * INT64_C(1000000);
        const struct timespec until = {.tv_sec = until_ns / 1000000000, .tv_nsec = until_ns % 1000000000};
        int result = 0;
        pthread_mutex_lock(&rig->lock);
        while (!there(rig, what) && !rig->gone && result != ETIMEDOUT)
                result = most_ms > 0 ? pthread_cond_timedwait(&rig->more, &rig->lock, &until)
                                     : pthread_cond_wait(&rig->more, &rig->lock);
        pthread_mutex_unlock(&rig->lock);
}

static bool has_bytes(const EngineRig *rig, const void *bytes) {
        return rig->stream->len >= *(const size_t *)bytes;
}

static bool has_pictures(const EngineRig *rig, const void *n) {
        return rig->picture_mono_ns->len >= *(const guint *)n;
}

static bool has_started(const EngineRig *rig, const void *block_id) {
        return g_ptr_array_find_with_equal_func(rig->started, block_id, g_str_equal, NULL);
}

typedef struct {
        EvidenceKind kind;
        const char *block_id;
} Wanted;

static bool has_evidence(const EngineRig *rig, const void *what) {
        const Wanted *wanted = what;
        for (guint i = 0; i < rig->evidence->len; i++) {
                const EvidenceEvent *event = rig->evidence->pdata[i];
                if (event->kind == wanted->kind &&
                    (!wanted->block_id || g_str_equal(event->block_id, wanted->block_id)))
                        return true;
        }
        return false;
}

static bool is_over(const EngineRig *rig, const void *nothing) {
        return rig->stream_over;
}

/* Its fence was told, or nothing more can be. */
static bool is_at_an_end(const EngineRig *rig, const void *block_id) {
        return rig->stream_over || has_evidence(rig, &(Wanted){EVIDENCE_BLOCK_FENCE, block_id});
}

static bool is_terminated(const EngineRig *rig, const void *nothing) {
        return has_evidence(rig, &(Wanted){EVIDENCE_CHANNEL_TERMINATED, NULL});
}

static bool never(const EngineRig *rig, const void *nothing) {
        return false;
}

void rig_await_stream(EngineRig *rig, size_t bytes) {
        await(rig, has_bytes, &bytes, 0);
}

int64_t rig_await_picture(EngineRig *rig, guint i) {
        const guint n = i + 1;
        await(rig, has_pictures, &n, 0);
        pthread_mutex_lock(&rig->lock);
        const bool there = rig->picture_mono_ns->len > i;
        const int64_t mono_ns = there ? g_array_index(rig->picture_mono_ns, int64_t, i) : -1;
        pthread_mutex_unlock(&rig->lock);
        return mono_ns;
}

static bool has_pictures_or_is_over(const EngineRig *rig, const void *n) {
        return rig->stream_over || has_pictures(rig, n);
}

void rig_await_pictures(EngineRig *rig, guint n, int most_ms) {
        await(rig, has_pictures_or_is_over, &n, patience_ms(most_ms));
}

void rig_await_started(EngineRig *rig, const char *block_id) {
        await(rig, has_started, block_id, 0);
}

void rig_await_evidence(EngineRig *rig, EvidenceKind kind, const char *block_id) {
        await(rig, has_evidence, &(Wanted){kind, block_id}, 0);
}

void rig_await_stream_end(EngineRig *rig) {
        await(rig, is_over, NULL, 0);
}

void rig_signal(EngineRig *rig, int signal_number) {
        pthread_mutex_lock(&rig->lock);
        if (!rig->gone)
                assert_int_equal(kill(rig->pid, signal_number), 0);
        pthread_mutex_unlock(&rig->lock);
}

void rig_await_end_of(EngineRig *rig, const char *block_id, int most_ms) {
        await(rig, block_id ? is_at_an_end : is_terminated, block_id, patience_ms(most_ms));
}

void rig_await_gone(EngineRig *rig, int most_ms) {
        await(rig, never, NULL, patience_ms(most_ms));
}

void rig_end_stream(EngineRig *rig) {
        (void)shutdown(rig->listen_fd, SHUT_RDWR);
        await(rig, is_over, NULL, 0);
}

bool rig_stream_is_over(EngineRig *rig) {
        pthread_mutex_lock(&rig->lock);
        const bool over = rig->stream_over;
        pthread_mutex_unlock(&rig->lock);
        return over;
}

bool rig_is_gone(EngineRig *rig) {
        pthread_mutex_lock(&rig->lock);
        const bool gone = rig->gone;
        pthread_mutex_unlock(&rig->lock);
        return gone;
}

char *rig_spool_path(const EngineRig *rig) {
        return g_strdup_printf("%s/%s.spool", rig->spool_dir, rig->session_id);
}

int rig_await_wait_status(EngineRig *rig) {
        int status;
        if (rig->watch_thread) {
                g_clear_pointer(&rig->watch_thread, rv_thread_join);
                status = rig->wait_status;
        } else {
                assert_int_equal(waitpid(rig->pid, &status, 0), rig->pid);
        }
        rig->pid = 0;
        return status;
}

int rig_await_exit(EngineRig *rig) {
        const int status = rig_await_wait_status(rig);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

pid_t rig_pid(const EngineRig *rig) {
        return rig->pid;
}

const GByteArray *rig_stream(const EngineRig *rig) {
        return rig->stream;
}

const GPtrArray *rig_evidence(const EngineRig *rig) {
        return rig->evidence;
}

int64_t rig_spawned_mono_ns(const EngineRig *rig) {
        return rig->spawned_mono_ns;
}
