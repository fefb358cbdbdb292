#include "core/record/evidence/evidence.h"

#include <pthread.h>
#include <string.h>

#include "proto/base/error.h"
#include "proto/base/id.h"
#include "proto/base/log.h"
#include "proto/rpc/rpc.h"
#include "tests/support/cmocka.h"
#include "tests/support/temp_dir.h"

#define ONE "00000000-0000-4000-8000-000000000001"
#define TWO "00000000-0000-4000-8000-000000000002"
#define THREE "00000000-0000-4000-8000-000000000003"

typedef struct {
        char *dir, *socket;
        RpcServer *server;
        EvidenceService *service;
        pthread_mutex_t lock;
        pthread_cond_t opened;   /* gate has opened */
        GPtrArray *recorded;     /* EvidenceEvent */
        unsigned calls, fail_at; /* of record; 0 = never */
        bool gate_closed;        /* record waits */
        const char *spoiled;     /* session whose events cannot be recorded */
} World;

/* --- a recorder that the test rules ------------------------------------------------------------------------------- */

static bool holds(World *world, const EvidenceEvent *event) {
        for (unsigned i = 0; i < world->recorded->len; i++) {
                const EvidenceEvent *known = g_ptr_array_index(world->recorded, i);
                if (g_str_equal(known->session_id, event->session_id) && known->sequence == event->sequence)
                        return true;
        }
        return false;
}

static int64_t last_sequence(void *user, const char *channel_id, const char *session_id) {
        World *world = user;
        int64_t last = 0;
        pthread_mutex_lock(&world->lock);
        for (unsigned i = 0; i < world->recorded->len; i++) {
                const EvidenceEvent *event = g_ptr_array_index(world->recorded, i);
                if (g_str_equal(event->session_id, session_id))
                        last = MAX(last, event->sequence);
        }
        pthread_mutex_unlock(&world->lock);
        return last;
}

/* All or none, as it must be. */
static bool record(void *user, const EvidenceEvent *const *events, unsigned n, GError **error) {
        World *world = user;
        bool good = true;
        pthread_mutex_lock(&world->lock);
        while (world->gate_closed)
                pthread_cond_wait(&world->opened, &world->lock);
        const unsigned before = world->recorded->len;
        for (unsigned i = 0; good && i < n; i++) {
                good = ++world->calls != world->fail_at && g_strcmp0(events[i]->session_id, world->spoiled) != 0;
                if (good && !holds(world, events[i]))
                        g_ptr_array_add(world->recorded, evidence_event_copy(events[i]));
        }
        if (!good) {
                g_ptr_array_set_size(world->recorded, (int)before);
                g_set_error(error, RV_ERROR, RV_ERROR_IO, "the disk is full");
        }
        pthread_mutex_unlock(&world->lock);
        return good;
}

static void set_gate(World *world, bool closed) {
        pthread_mutex_lock(&world->lock);
        world->gate_closed = closed;
        pthread_cond_broadcast(&world->opened);
        pthread_mutex_unlock(&world->lock);
}

static void forget_all(World *world, unsigned fail_at) {
        pthread_mutex_lock(&world->lock);
        g_ptr_array_set_size(world->recorded, 0);
        world->calls = 0;
        world->fail_at = fail_at;
        pthread_mutex_unlock(&world->lock);
}

static unsigned n_recorded(World *world) {
        pthread_mutex_lock(&world->lock);
        unsigned n = world->recorded->len;
        pthread_mutex_unlock(&world->lock);
        return n;
}

static void start(World *world) {
        const EvidenceRecorder recorder = {last_sequence, record, world};
        world->server = rpc_server_new(NULL, (RpcOptions){0});
        world->service = evidence_service_new(world->server, &recorder, NULL);
        assert_non_null(world->service);
        assert_true(rpc_server_listen(world->server, world->socket, NULL));
        assert_true(rpc_server_start(world->server, NULL));
}

static int set_up(void **state) {
        World *world = g_new0(World, 1);
        world->dir = temp_dir_new();
        world->socket = g_build_filename(world->dir, "core.sock", NULL);
        world->recorded = g_ptr_array_new_with_free_func((GDestroyNotify)evidence_event_free);
        pthread_mutex_init(&world->lock, NULL);
        pthread_cond_init(&world->opened, NULL);
        start(world);
        *state = world;
        return 0;
}

static int tear_down(void **state) {
        World *world = *state;
        rpc_server_free(world->server, 500);
        evidence_service_free(world->service);
        g_ptr_array_unref(world->recorded);
        pthread_cond_destroy(&world->opened);
        pthread_mutex_destroy(&world->lock);
        g_free(world->socket);
        temp_dir_free(world->dir);
        g_free(world);
        return 0;
}

/* --- an engine's side --------------------------------------------------------------------------------------------- */

typedef struct {
        RpcClient *client;
        RpcCall *call;
} Stream;

static Stream open_stream(World *world) {
        RpcClient *client = rpc_client_connect(world->socket, 5000, (RpcOptions){0}, NULL);
        assert_non_null(client);
        RpcCall *call = rpc_client_open(client, &retrovue__evidence__v1__evidence__descriptor, "EvidenceStream", NULL);
        assert_non_null(call);
        return (Stream){client, call};
}

static RpcStatus close_stream(Stream *stream) {
        RpcStatus status = rpc_close(stream->call);
        rpc_client_free(stream->client);
        return status;
}

static EvidenceEvent *make_event(EvidenceKind kind, const char *session_id, int64_t sequence) {
        EvidenceEvent *event = evidence_event_new(kind);
        event->channel_id = g_strdup("retro");
        event->session_id = g_strdup(session_id);
        event->sequence = sequence;
        event->event_uuid = g_malloc(RV_UUID_SIZE);
        rv_uuid_random(event->event_uuid);
        event->block_id = g_strdup("block-1");
        event->events_refused = sequence > 100 ? 7 : 0;
        return event;
}

static void send_event(Stream *stream, EvidenceKind kind, const char *session_id, int64_t sequence) {
        g_autoptr(EvidenceEvent) event = make_event(kind, session_id, sequence);
        Retrovue__Evidence__V1__EvidenceFromAir *message = evidence_event_to_message(event);
        assert_true(rpc_write(stream->call, message));
        evidence_message_free(message);
}

static void send_hello(Stream *stream, const char *session_id) {
        send_event(stream, EVIDENCE_HELLO, session_id, 0);
}

static void send_block_start(Stream *stream, const char *session_id, int64_t sequence) {
        send_event(stream, EVIDENCE_BLOCK_START, session_id, sequence);
}

static void assert_acked(Stream *stream, const char *session_id, int64_t sequence) {
        Retrovue__Evidence__V1__EvidenceAck *ack = rpc_read(stream->call);
        assert_non_null(ack);
        assert_string_equal(ack->playout_session_id, session_id);
        assert_int_equal(ack->acked_sequence, sequence);
        rpc_message_free(ack);
}

/* Everything up to sequence is acknowledged, in however many steps. */
static void await_acked(Stream *stream, const char *session_id, int64_t sequence) {
        for (int64_t last = 0; last < sequence;) {
                Retrovue__Evidence__V1__EvidenceAck *ack = rpc_read(stream->call);
                assert_non_null(ack);
                assert_string_equal(ack->playout_session_id, session_id);
                assert_true(ack->acked_sequence > last);
                last = ack->acked_sequence;
                assert_true(last <= sequence);
                rpc_message_free(ack);
        }
}

/* The server has ended the stream, with this code; the message is there to be read by people. */
static void assert_ended(Stream *stream, RpcCode code, const char *message) {
        assert_null(rpc_read(stream->call));
        RpcStatus status = close_stream(stream);
        assert_int_equal(status.code, code);
        if (!strstr(status.message, message))
                fail_msg("\"%s\" is not in \"%s\"", message, status.message);
}

/* --- tests -------------------------------------------------------------------------------------------------------- */

static void INV_EVIDENCE_101_hello_is_answered_with_what_is_held(void **state) {
        World *world = *state;
        Stream stream = open_stream(world);
        send_hello(&stream, ONE);
        assert_acked(&stream, ONE, 0);
        for (int64_t sequence = 1; sequence <= 3; sequence++) {
                send_block_start(&stream, ONE, sequence);
                assert_acked(&stream, ONE, sequence);
        }
        (void)close_stream(&stream);

        stream = open_stream(world); /* the connection was lost */
        send_hello(&stream, ONE);
        assert_acked(&stream, ONE, 3);
        (void)close_stream(&stream);
        stream = open_stream(world);
        send_hello(&stream, TWO);
        assert_acked(&stream, TWO, 0);
        (void)close_stream(&stream);
}

static void INV_EVIDENCE_102_nothing_is_acknowledged_before_it_is_on_disk(void **state) {
        World *world = *state;
        Stream stream = open_stream(world);
        send_hello(&stream, ONE);
        assert_acked(&stream, ONE, 0);
        set_gate(world, true);
        send_block_start(&stream, ONE, 1);
        /* The recorder waits for the test: whatever came now would have come before it was on disk. */
        assert_int_equal(rpc_wait(stream.call, 100), RPC_EVENT_TIMEOUT);
        set_gate(world, false);
        assert_acked(&stream, ONE, 1);
        (void)close_stream(&stream);
}

/* Whichever of five events cannot be recorded: it is not acknowledged, and after coming again each is there once. */
static void INV_EVIDENCE_102_what_could_not_be_recorded_comes_again(void **state) {
        World *world = *state;
        for (unsigned fail_at = 1; fail_at <= 5; fail_at++) {
                forget_all(world, fail_at);
                Stream stream = open_stream(world);
                send_hello(&stream, ONE);
                assert_acked(&stream, ONE, 0);
                for (int64_t sequence = 1; sequence <= fail_at; sequence++) {
                        send_block_start(&stream, ONE, sequence);
                        if (sequence < fail_at)
                                assert_acked(&stream, ONE, sequence);
                }
                assert_ended(&stream, RPC_CODE_UNAVAILABLE, "the disk is full");

                stream = open_stream(world);
                send_hello(&stream, ONE);
                assert_acked(&stream, ONE, fail_at - 1);
                for (int64_t sequence = MAX(1, (int64_t)fail_at - 2); sequence <= 5; sequence++) { /* some twice */
                        send_block_start(&stream, ONE, sequence);
                        assert_acked(&stream, ONE, sequence);
                }
                (void)close_stream(&stream);
                assert_int_equal(n_recorded(world), 5);
        }
}

static void INV_EVIDENCE_102_streams_do_not_disturb_each_other(void **state) {
        World *world = *state;
        Stream one = open_stream(world), two = open_stream(world);
        send_hello(&one, ONE);
        send_hello(&two, TWO);
        assert_acked(&two, TWO, 0);
        assert_acked(&one, ONE, 0);
        for (int64_t sequence = 1; sequence <= 64; sequence++) { /* a whole window of each, unread */
                send_block_start(&one, ONE, sequence);
                send_block_start(&two, TWO, sequence);
        }
        await_acked(&two, TWO, 64);
        rpc_client_shut(two.client); /* one engine dies */
        await_acked(&one, ONE, 64);
        (void)close_stream(&one);
        (void)close_stream(&two);
        assert_int_equal(last_sequence(world, "retro", ONE), 64);
        assert_int_equal(last_sequence(world, "retro", TWO), 64);
}

static void INV_EVIDENCE_103_an_event_before_hello_is_refused(void **state) {
        World *world = *state;
        Stream stream = open_stream(world);
        send_block_start(&stream, ONE, 1);
        assert_ended(&stream, RPC_CODE_FAILED_PRECONDITION, "hello");
        assert_int_equal(n_recorded(world), 0);
}

static void INV_EVIDENCE_103_another_sessions_event_is_refused(void **state) {
        World *world = *state;
        Stream stream = open_stream(world);
        send_hello(&stream, ONE);
        assert_acked(&stream, ONE, 0);
        send_block_start(&stream, TWO, 1);
        assert_ended(&stream, RPC_CODE_INVALID_ARGUMENT, TWO);
        stream = open_stream(world);
        send_hello(&stream, ONE);
        assert_acked(&stream, ONE, 0);
        send_hello(&stream, TWO);
        assert_ended(&stream, RPC_CODE_INVALID_ARGUMENT, TWO);
        assert_int_equal(n_recorded(world), 0);
}

static void what_is_no_event_is_refused(void **state) {
        World *world = *state;
        Stream stream = open_stream(world);
        Retrovue__Evidence__V1__EvidenceFromAir nothing = RETROVUE__EVIDENCE__V1__EVIDENCE_FROM_AIR__INIT;
        assert_true(rpc_write(stream.call, &nothing));
        assert_ended(&stream, RPC_CODE_INVALID_ARGUMENT, "schema version");
}

/* --- groups ------------------------------------------------------------------------------------------------------- */

/* A flood on one stream, held up in the recorder; then one event each of nine others. They are recorded with the
 * flood's next share, not behind all of it; and what came while the first was recorded is one group. */
static void INV_EVIDENCE_104_a_flood_holds_nobody_up(void **state) {
        World *world = *state;
        Stream flood = open_stream(world), others[9];
        send_hello(&flood, ONE);
        assert_acked(&flood, ONE, 0);
        for (unsigned i = 0; i < G_N_ELEMENTS(others); i++) {
                g_autofree char *session = g_strdup_printf("00000000-0000-4000-8000-0000000001%02u", i);
                others[i] = open_stream(world);
                send_hello(&others[i], session);
                assert_acked(&others[i], session, 0);
        }
        set_gate(world, true);
        for (int64_t sequence = 1; sequence <= 300; sequence++)
                send_block_start(&flood, ONE, sequence);
        for (unsigned i = 0; i < G_N_ELEMENTS(others); i++) {
                g_autofree char *session = g_strdup_printf("00000000-0000-4000-8000-0000000001%02u", i);
                send_block_start(&others[i], session, 1);
        }
        set_gate(world, false);
        for (unsigned i = 0; i < G_N_ELEMENTS(others); i++) {
                g_autofree char *session = g_strdup_printf("00000000-0000-4000-8000-0000000001%02u", i);
                assert_acked(&others[i], session, 1);
                (void)close_stream(&others[i]);
        }
        await_acked(&flood, ONE, 300);
        (void)close_stream(&flood);
        assert_int_equal(n_recorded(world), 309);
        const EvidenceServiceStats stats = evidence_service_stats(world->service);
        assert_int_equal(stats.events, 309);
        assert_int_equal(stats.lost, 7);       /* told by two hundred events, counted once */
        assert_in_range(stats.groups, 2, 150); /* 64 of a stream wait at most; one by one they would be 309 */
}

/* One event that cannot be recorded is its stream's affair, whoever's group it is in. */
static void INV_EVIDENCE_102_one_bad_event_spoils_no_group(void **state) {
        World *world = *state;
        Stream one = open_stream(world), two = open_stream(world), three = open_stream(world);
        send_hello(&one, ONE);
        send_hello(&two, TWO);
        send_hello(&three, THREE);
        assert_acked(&one, ONE, 0);
        assert_acked(&two, TWO, 0);
        assert_acked(&three, THREE, 0);
        world->spoiled = TWO;
        set_gate(world, true);
        send_block_start(&one, ONE, 1); /* held in the recorder while the others gather */
        send_block_start(&two, TWO, 1);
        send_block_start(&three, THREE, 1);
        set_gate(world, false);
        assert_acked(&one, ONE, 1);
        assert_acked(&three, THREE, 1);
        assert_ended(&two, RPC_CODE_UNAVAILABLE, "the disk is full");
        (void)close_stream(&one);
        (void)close_stream(&three);
        assert_int_equal(n_recorded(world), 2);
}

/* The daemon ends while an engine is connected and silent, and while one waits for the disk. */
static void the_server_ends_with_streams_open(void **state) {
        World *world = *state;
        Stream stream = open_stream(world);
        send_hello(&stream, ONE);
        assert_acked(&stream, ONE, 0);
        rpc_server_free(world->server, 500);
        world->server = NULL;
        assert_null(rpc_read(stream.call));
        (void)close_stream(&stream);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
        rpc_init();
        rv_log_set_level(RV_LOG_ERROR);
        const struct CMUnitTest tests[] = {
                TEST(INV_EVIDENCE_101_hello_is_answered_with_what_is_held),
                TEST(INV_EVIDENCE_102_nothing_is_acknowledged_before_it_is_on_disk),
                TEST(INV_EVIDENCE_102_what_could_not_be_recorded_comes_again),
                TEST(INV_EVIDENCE_102_streams_do_not_disturb_each_other),
                TEST(INV_EVIDENCE_104_a_flood_holds_nobody_up),
                TEST(INV_EVIDENCE_102_one_bad_event_spoils_no_group),
                TEST(INV_EVIDENCE_103_an_event_before_hello_is_refused),
                TEST(INV_EVIDENCE_103_another_sessions_event_is_refused),
                TEST(what_is_no_event_is_refused),
                TEST(the_server_ends_with_streams_open),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
