/* Every way for a call to end other than well: whoever dies, stops, gives up or leaves, the other end gets out. */
#include <sched.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/base/clock.h"
#include "tests/proto/rpc_callers.h"

#define DEADLINE_MS 10000

/* Large messages fill the window of their stream: the core waits for the peer to grant more. Small ones fill the
 * socket's buffer first (279 of them do): the core is in the middle of a write, and gives nothing back. */
enum { LARGE = 20000, SMALL = 100 };

/* A peer that does not read or answer is given up after 2 or 3 times this. */
static const RpcOptions impatient = {.keepalive_ms = 500};

static int begin(void **state) {
        *state = engine_serving((RpcOptions){0});
        return 0;
}

static int begin_impatient(void **state) {
        *state = engine_serving(impatient);
        return 0;
}

static int end(void **state) {
        engine_free(*state, 1000);
        return 0;
}

/* --- the peer, a process of its own ------------------------------------------------------------------------------ */

static const char *program; /* this one */

static pid_t spawn_peer(const char *role, const char *path) {
        pid_t pid;
        char *const argv[] = {(char *)"peer", (char *)role, (char *)path, NULL};
        assert_int_equal(posix_spawn(&pid, program, NULL, NULL, argv, environ), 0);
        return pid;
}

static void stop_peer(pid_t pid) {
        int status;
        assert_int_equal(kill(pid, SIGSTOP), 0);
        assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
        assert_true(WIFSTOPPED(status));
}

static void kill_peer(pid_t pid) {
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* Serves at path until it is killed. */
static G_NORETURN void peer_serve(const char *path) {
        Engine *engine = engine_new_in(g_path_get_dirname(path), (RpcOptions){0});
        engine_start(engine);
        engine_run_loop(engine);
        while (true)
                pause();
}

/* Reads three events and stops itself, or dies. */
static int peer_subscribe(const char *path, int signal) {
        RpcClient *client = engine_connect(path, (RpcOptions){0});
        RpcCall *call = open_subscription(client);
        for (int i = 0; i < 3; i++)
                if (next_event(call) == 0)
                        return 1;
        (void)raise(signal);
        return 0;
}

static int peer(const char *role, const char *path) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (g_str_equal(role, "serve"))
                peer_serve(path);
        return peer_subscribe(path, g_str_equal(role, "stop") ? SIGSTOP : SIGKILL);
}

/* --- a client that dies or stops --------------------------------------------------------------------------------- */

static void INV_RPC_001_killed_client_frees_its_handler(void **state) {
        Engine *engine = *state;
        engine_set_events(engine, 3, 0);
        pid_t pid = spawn_peer("die", engine->path);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        engine_await_written(engine, 3);
        engine_await_open(engine, 0);
        while (rpc_server_connections(engine->server) > 0)
                (void)sched_yield();
}

static pid_t spawn_stopped_subscriber(Engine *engine, gsize event_bytes) {
        engine_set_events(engine, -1, event_bytes);
        pid_t pid = spawn_peer("stop", engine->path);
        int status;
        assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
        assert_true(WIFSTOPPED(status));
        return pid;
}

static void stopped_client_frees_its_handler(Engine *engine, gsize event_bytes) {
        pid_t pid = spawn_stopped_subscriber(engine, event_bytes);
        engine_await_open(engine, 0);
        g_autoptr(RpcClient) client = engine_connect(engine->path, (RpcOptions){0});
        assert_int_equal(call_version(client, DEADLINE_MS).code, RPC_CODE_OK);
        kill_peer(pid);
}

static void INV_RPC_001_stopped_client_frees_its_handler_small(void **state) {
        stopped_client_frees_its_handler(*state, SMALL);
}

static void INV_RPC_001_stopped_client_frees_its_handler_large(void **state) {
        stopped_client_frees_its_handler(*state, LARGE);
}

/* Until nothing has been written for a while: the peer's buffers are full. */
static void await_wedged(Engine *engine) {
        pthread_mutex_lock(&engine->lock);
        int result = 0;
        while (result == 0) {
                int64_t until_ns = (rv_clock_utc_ms(rv_clock_system()) + 300) * 1000000;
                const struct timespec until = {.tv_sec = until_ns / 1000000000, .tv_nsec = until_ns % 1000000000};
                result = pthread_cond_timedwait(&engine->changed, &engine->lock, &until);
        }
        pthread_mutex_unlock(&engine->lock);
}

static void stopped_client_does_not_hold_up_the_end(gsize event_bytes) {
        Engine *engine = engine_serving((RpcOptions){.keepalive_ms = 1000000});
        pid_t pid = spawn_stopped_subscriber(engine, event_bytes);
        await_wedged(engine);
        engine_free(engine, 10);
        kill_peer(pid);
}

static void INV_RPC_001_stopped_client_does_not_hold_up_the_end_small(void **state) {
        stopped_client_does_not_hold_up_the_end(SMALL);
}

static void INV_RPC_001_stopped_client_does_not_hold_up_the_end_large(void **state) {
        stopped_client_does_not_hold_up_the_end(LARGE);
}

/* Live, but it never reads this stream: only the stream ends. */
static void INV_RPC_001_reader_that_does_not_read_loses_its_stream(void **state) {
        Engine *engine = *state;
        engine_set_events(engine, -1, LARGE);
        g_autoptr(RpcClient) client = engine_connect(engine->path, (RpcOptions){0});
        RpcCall *call = open_subscription(client);
        engine_await_open(engine, 1);
        engine_await_open(engine, 0);
        assert_int_equal(call_version(client, DEADLINE_MS).code, RPC_CODE_OK);
        assert_int_equal(rpc_close(call).code, RPC_CODE_CANCELLED);
}

/* --- a server that dies or stops --------------------------------------------------------------------------------- */

typedef struct {
        char *dir;
        char *path;
        pid_t pid;
        RpcClient *client;
} Remote;

static int begin_remote_with(void **state, RpcOptions options) {
        Remote *remote = g_new0(Remote, 1);
        remote->dir = temp_dir_new();
        remote->path = g_build_filename(remote->dir, "engine.sock", NULL);
        remote->pid = spawn_peer("serve", remote->path);
        remote->client = engine_connect(remote->path, options);
        if (call_version(remote->client, DEADLINE_MS).code != RPC_CODE_OK)
                return -1;
        *state = remote;
        return 0;
}

static int begin_remote(void **state) {
        return begin_remote_with(state, (RpcOptions){0});
}

static int begin_remote_impatient(void **state) {
        return begin_remote_with(state, impatient);
}

static int end_remote(void **state) {
        Remote *remote = *state;
        rpc_client_free(remote->client);
        kill_peer(remote->pid);
        temp_dir_free(remote->dir);
        g_free(remote->path);
        g_free(remote);
        return 0;
}

static void killed_server_ends_its_calls(void **state) {
        Remote *remote = *state;
        RpcCall *call = open_subscription(remote->client);
        RpcCall *evidence = open_evidence(remote->client);
        assert_true(send_evidence(evidence, 1));
        assert_int_equal(next_ack(evidence), 1);
        assert_int_equal(call_attach(remote->client, "die", 0, NULL, DEADLINE_MS).code, RPC_CODE_UNAVAILABLE);
        assert_int_equal(next_event(call), 0);
        assert_int_equal(rpc_wait(evidence, DEADLINE_MS), RPC_EVENT_END);
        assert_false(send_evidence(evidence, 2));
        assert_int_equal(rpc_close(call).code, RPC_CODE_UNAVAILABLE);
        assert_int_equal(rpc_close(evidence).code, RPC_CODE_UNAVAILABLE);
        assert_int_equal(call_version(remote->client, DEADLINE_MS).code, RPC_CODE_UNAVAILABLE);
        assert_null(open_subscription(remote->client));
}

/* Enough of them to fill the socket; when that is found out they fail at once. */
static void INV_RPC_001_stopped_server_does_not_hold_up_unary_calls(void **state) {
        Remote *remote = *state;
        g_autoptr(RpcClient) client = engine_connect(remote->path, (RpcOptions){.keepalive_ms = 1000000});
        stop_peer(remote->pid);
        for (int i = 0; i < 400; i++)
                assert_int_not_equal(call_version(client, 1).code, RPC_CODE_OK);
}

static void stopped_server_does_not_hold_up_writes(Remote *remote, gsize message_bytes) {
        g_autofree char *ballast = g_strnfill(message_bytes, 'x');
        EvidenceMessage message = RETROVUE__EVIDENCE__V1__EVIDENCE_FROM_AIR__INIT;
        message.channel_id = ballast;
        RpcCall *call = open_evidence(remote->client);
        stop_peer(remote->pid);
        while (rpc_write(call, &message))
                ;
        assert_int_equal(rpc_close(call).code, RPC_CODE_UNAVAILABLE);
}

static void INV_RPC_001_stopped_server_does_not_hold_up_writes_small(void **state) {
        stopped_server_does_not_hold_up_writes(*state, SMALL);
}

static void INV_RPC_001_stopped_server_does_not_hold_up_writes_large(void **state) {
        stopped_server_does_not_hold_up_writes(*state, LARGE);
}

static void INV_RPC_001_stopped_server_does_not_hold_up_reads(void **state) {
        Remote *remote = *state;
        RpcCall *call = open_subscription(remote->client);
        stop_peer(remote->pid);
        assert_int_equal(next_event(call), 0);
        assert_int_equal(rpc_close(call).code, RPC_CODE_UNAVAILABLE);
}

/* --- giving up --------------------------------------------------------------------------------------------------- */

typedef struct {
        RpcClient *client;
        RpcCall *call;
        void (*f)(RpcClient *client, RpcCall *call);
} Other;

static void run_other(void *user) {
        Other *other = user;
        other->f(other->client, other->call);
}

static void cancel_call(RpcClient *client, RpcCall *call) {
        rpc_cancel(call);
}

static void shut_client(RpcClient *client, RpcCall *call) {
        rpc_client_shut(client);
        rpc_client_shut(client);
}

/* What a call that reads is told when another thread does f to it. */
static RpcCode code_after(Engine *engine, void (*f)(RpcClient *client, RpcCall *call)) {
        g_autoptr(RpcClient) client = engine_connect(engine->path, (RpcOptions){0});
        Other other = {.client = client, .call = open_subscription(client), .f = f};
        engine_await_open(engine, 1);
        RvThread *thread = rv_thread_start("other", RV_PRIORITY_NORMAL, run_other, &other, NULL);
        assert_non_null(thread);
        assert_int_equal(next_event(other.call), 0);
        rv_thread_join(thread);
        RpcCode code = rpc_close(other.call).code;
        engine_await_open(engine, 0);
        return code;
}

static void cancelled_call_ends_at_both_ends(void **state) {
        assert_int_equal(code_after(*state, cancel_call), RPC_CODE_CANCELLED);
}

static void shut_client_ends_its_calls(void **state) {
        assert_int_equal(code_after(*state, shut_client), RPC_CODE_UNAVAILABLE);
}

static void call_after_shut_is_refused_at_once(void **state) {
        Engine *engine = *state;
        g_autoptr(RpcClient) client = engine_connect(engine->path, (RpcOptions){0});
        rpc_client_shut(client);
        assert_null(open_subscription(client));
        assert_int_equal(call_version(client, DEADLINE_MS).code, RPC_CODE_UNAVAILABLE);
}

static void server_cancels_a_call(void **state) {
        Engine *engine = *state;
        g_autoptr(RpcClient) client = engine_connect(engine->path, (RpcOptions){0});
        RpcCall *call = open_subscription(client);
        engine_with_subscriber(engine, rpc_cancel);
        assert_int_equal(next_event(call), 0);
        assert_int_equal(rpc_close(call).code, RPC_CODE_CANCELLED);
        engine_await_open(engine, 0);
}

/* Closing at once, whatever is on its way, any number of times. */
static void calls_closed_in_haste_leave_nothing(void **state) {
        Engine *engine = *state;
        engine_set_events(engine, 50, 0);
        g_autoptr(RpcClient) client = engine_connect(engine->path, (RpcOptions){0});
        for (int i = 0; i < 100; i++) {
                RpcCall *call = i % 2 ? open_subscription(client) : open_evidence(client);
                if (i % 3 == 0)
                        rpc_wake(call);
                if (i % 4 == 0)
                        (void)!rpc_wait(call, 0);
                assert_int_equal(rpc_close(call).code, RPC_CODE_CANCELLED);
        }
        assert_int_equal(call_version(client, DEADLINE_MS).code, RPC_CODE_OK);
}

/* --- the end of the server --------------------------------------------------------------------------------------- */

/* The grace: what woken streams say has to get through within it, on a machine that is busy, too. */
#define WAKING_MS 1000

typedef struct {
        RpcClient *client;
        RpcStatus status;
} Waiting;

static void call_and_wait(void *user) {
        Waiting *waiting = user;
        waiting->status = call_version(waiting->client, DEADLINE_MS);
}

static void INV_RPC_007_end_of_the_server_ends_every_call(void **state) {
        Engine *engine = engine_serving((RpcOptions){0});
        g_autoptr(RpcClient) client = engine_connect(engine->path, (RpcOptions){0});
        RpcCall *subscription = open_subscription(client);
        RpcCall *evidence = open_evidence(client);
        engine_await_open(engine, 2);
        engine_stop_loop(engine);
        Waiting waiting = {.client = client};
        RvThread *thread = rv_thread_start("waiting", RV_PRIORITY_NORMAL, call_and_wait, &waiting, NULL);
        assert_non_null(thread);
        engine_free(engine, WAKING_MS);
        rv_thread_join(thread);
        assert_int_not_equal(waiting.status.code, RPC_CODE_OK);
        assert_int_equal(next_event(subscription), -1); /* every stream is woken before it is ended */
        assert_int_equal(next_event(subscription), 0);
        assert_int_equal(next_ack(evidence), 0);
        assert_int_not_equal(rpc_close(subscription).code, RPC_CODE_OK);
        assert_int_not_equal(rpc_close(evidence).code, RPC_CODE_OK);
}

static void end_writes(RpcClient *client, RpcCall *call) {
        rpc_end_writes(call);
}

static void INV_RPC_007_streams_end_well_within_grace(void **state) {
        Engine *engine = engine_serving((RpcOptions){0});
        g_autoptr(RpcClient) client = engine_connect(engine->path, (RpcOptions){0});
        Other other = {.client = client, .call = open_evidence(client), .f = end_writes};
        assert_true(send_evidence(other.call, 1));
        engine_await_open(engine, 1);
        RvThread *thread = rv_thread_start("other", RV_PRIORITY_NORMAL, run_other, &other, NULL);
        assert_non_null(thread);
        engine_free(engine, DEADLINE_MS);
        rv_thread_join(thread);
        assert_int_equal(next_ack(other.call), 1);
        assert_int_equal(next_ack(other.call), 0);
        assert_int_equal(rpc_close(other.call).code, RPC_CODE_OK);
}

static void server_that_never_started_is_freed(void **state) {
        Engine *engine = engine_new((RpcOptions){0});
        g_autoptr(GError) error = NULL;
        assert_true(rpc_server_listen(engine->server, engine->path, &error));
        engine_free(engine, 0);
        rpc_server_free(NULL, 0);
        rpc_client_free(NULL);
}

int main(int argc, char **argv) {
        if (argc == 3)
                return peer(argv[1], argv[2]);
        program = argv[0];
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(INV_RPC_001_killed_client_frees_its_handler, begin, end),
                cmocka_unit_test_setup_teardown(INV_RPC_001_stopped_client_frees_its_handler_small, begin_impatient,
                                                end),
                cmocka_unit_test_setup_teardown(INV_RPC_001_stopped_client_frees_its_handler_large, begin_impatient,
                                                end),
                cmocka_unit_test(INV_RPC_001_stopped_client_does_not_hold_up_the_end_small),
                cmocka_unit_test(INV_RPC_001_stopped_client_does_not_hold_up_the_end_large),
                cmocka_unit_test_setup_teardown(INV_RPC_001_reader_that_does_not_read_loses_its_stream, begin_impatient,
                                                end),
                cmocka_unit_test_setup_teardown(killed_server_ends_its_calls, begin_remote, end_remote),
                cmocka_unit_test_setup_teardown(INV_RPC_001_stopped_server_does_not_hold_up_unary_calls, begin_remote,
                                                end_remote),
                cmocka_unit_test_setup_teardown(INV_RPC_001_stopped_server_does_not_hold_up_writes_small,
                                                begin_remote_impatient, end_remote),
                cmocka_unit_test_setup_teardown(INV_RPC_001_stopped_server_does_not_hold_up_writes_large,
                                                begin_remote_impatient, end_remote),
                cmocka_unit_test_setup_teardown(INV_RPC_001_stopped_server_does_not_hold_up_reads,
                                                begin_remote_impatient, end_remote),
                cmocka_unit_test_setup_teardown(cancelled_call_ends_at_both_ends, begin, end),
                cmocka_unit_test_setup_teardown(shut_client_ends_its_calls, begin, end),
                cmocka_unit_test_setup_teardown(call_after_shut_is_refused_at_once, begin, end),
                cmocka_unit_test_setup_teardown(server_cancels_a_call, begin, end),
                cmocka_unit_test_setup_teardown(calls_closed_in_haste_leave_nothing, begin, end),
                cmocka_unit_test(INV_RPC_007_end_of_the_server_ends_every_call),
                cmocka_unit_test(INV_RPC_007_streams_end_well_within_grace),
                cmocka_unit_test(server_that_never_started_is_freed),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
