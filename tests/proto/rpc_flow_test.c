/* Streams without a thread: a service that answers each event with its sequence, from the server's thread or another.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "proto/evidence.pb-c.h"
#include "proto/rpc/rpc.h"
#include "tests/support/cmocka.h"
#include "tests/support/temp_dir.h"

#define WAIT_MS 10000
#define PEERS 200
#define NEVER_ASKED 7 /* after an event with this sequence no more is asked for until the test says so */
#define ENDED_BY_US 9

typedef Retrovue__Evidence__V1__EvidenceFromAir Event;
typedef Retrovue__Evidence__V1__EvidenceAck Ack;

typedef struct {
        char *dir, *path;
        RpcServer *server;
        pthread_mutex_t lock;
        pthread_cond_t changed;
        RpcFlow *resting; /* the one that was not asked to go on */
        int opened, ended;
} World;

typedef struct {
        World *world;
        RpcFlow *flow;
        bool finished;
} Peer;

static void *opened(void *user, RpcFlow *flow) {
        Peer *peer = g_new0(Peer, 1);
        *peer = (Peer){.world = user, .flow = flow};
        pthread_mutex_lock(&peer->world->lock);
        peer->world->opened++;
        pthread_mutex_unlock(&peer->world->lock);
        rpc_flow_next(flow);
        return peer;
}

static void rest(Peer *peer) {
        pthread_mutex_lock(&peer->world->lock);
        peer->world->resting = peer->flow;
        pthread_cond_broadcast(&peer->world->changed);
        pthread_mutex_unlock(&peer->world->lock);
}

static void message(void *user, void *take_message) {
        Peer *peer = user;
        const Event *event = take_message;
        Ack ack = RETROVUE__EVIDENCE__V1__EVIDENCE_ACK__INIT;
        ack.playout_session_id = event->playout_session_id;
        ack.acked_sequence = event->sequence;
        (void)rpc_flow_write(peer->flow, &ack);
        if (event->sequence == ENDED_BY_US) {
                peer->finished = true;
                rpc_flow_finish(peer->flow, rpc_status(RPC_CODE_FAILED_PRECONDITION, "nine"));
        } else if (event->sequence == NEVER_ASKED) {
                rest(peer);
        } else {
                rpc_flow_next(peer->flow);
        }
        rpc_message_free(take_message);
}

static void ended(void *user) {
        Peer *peer = user;
        World *world = peer->world;
        if (!peer->finished)
                rpc_flow_finish(peer->flow, RPC_OK);
        g_free(peer);
        pthread_mutex_lock(&world->lock);
        world->ended++;
        pthread_cond_broadcast(&world->changed);
        pthread_mutex_unlock(&world->lock);
}

static int set_up(void **state) {
        static const RpcFlowOps flow = {opened, message, ended};
        static const RpcMethod methods[] = {{.name = "EvidenceStream", .flow = &flow}};
        World *world = g_new0(World, 1);
        world->dir = temp_dir_new();
        world->path = g_build_filename(world->dir, "sock", NULL);
        pthread_mutex_init(&world->lock, NULL);
        pthread_cond_init(&world->changed, NULL);
        world->server = rpc_server_new(NULL, (RpcOptions){0});
        rpc_server_add(world->server, &retrovue__evidence__v1__evidence__descriptor, methods, 1, world);
        assert_true(rpc_server_listen(world->server, world->path, NULL));
        assert_true(rpc_server_start(world->server, NULL));
        *state = world;
        return 0;
}

static int tear_down(void **state) {
        World *world = *state;
        rpc_server_free(world->server, 100);
        assert_int_equal(world->ended, world->opened); /* each was told */
        pthread_cond_destroy(&world->changed);
        pthread_mutex_destroy(&world->lock);
        g_free(world->path);
        temp_dir_free(world->dir);
        g_free(world);
        return 0;
}

static RpcCall *open_flow(RpcClient *client) {
        RpcCall *call = rpc_client_open(client, &retrovue__evidence__v1__evidence__descriptor, "EvidenceStream", NULL);
        assert_non_null(call);
        return call;
}

static RpcClient *connect_to(World *world) {
        RpcClient *client = rpc_client_connect(world->path, WAIT_MS, (RpcOptions){0}, NULL);
        assert_non_null(client);
        return client;
}

static bool send_event(RpcCall *call, int64_t sequence) {
        Event event = RETROVUE__EVIDENCE__V1__EVIDENCE_FROM_AIR__INIT;
        event.sequence = sequence;
        return rpc_write(call, &event);
}

static int64_t next_ack(RpcCall *call) {
        Ack *ack = rpc_read(call);
        const int64_t sequence = ack ? ack->acked_sequence : 0;
        rpc_message_free(ack);
        return sequence;
}

static void many_peers_are_answered_in_order(void **state) {
        World *world = *state;
        RpcClient *clients[PEERS];
        RpcCall *calls[PEERS];
        for (int i = 0; i < PEERS; i++) {
                clients[i] = connect_to(world);
                calls[i] = open_flow(clients[i]);
        }
        for (int64_t sequence = 10; sequence < 20; sequence++)
                for (int i = 0; i < PEERS; i++)
                        assert_true(send_event(calls[i], sequence));
        for (int i = 0; i < PEERS; i++) {
                for (int64_t sequence = 10; sequence < 20; sequence++)
                        assert_int_equal(next_ack(calls[i]), sequence);
                rpc_end_writes(calls[i]);
                assert_int_equal(next_ack(calls[i]), 0);
                assert_int_equal(rpc_close(calls[i]).code, RPC_CODE_OK);
                rpc_client_free(clients[i]);
        }
}

static void what_was_written_goes_before_the_end(void **state) {
        World *world = *state;
        g_autoptr(RpcClient) client = connect_to(world);
        RpcCall *call = open_flow(client);
        assert_true(send_event(call, 1));
        assert_true(send_event(call, ENDED_BY_US));
        assert_int_equal(next_ack(call), 1);
        assert_int_equal(next_ack(call), ENDED_BY_US);
        assert_int_equal(next_ack(call), 0);
        const RpcStatus status = rpc_close(call);
        assert_int_equal(status.code, RPC_CODE_FAILED_PRECONDITION);
        assert_string_equal(status.message, "nine");
}

static void no_message_comes_that_was_not_asked_for(void **state) {
        World *world = *state;
        g_autoptr(RpcClient) client = connect_to(world);
        RpcCall *call = open_flow(client);
        assert_true(send_event(call, NEVER_ASKED));
        assert_true(send_event(call, 10));
        assert_int_equal(next_ack(call), NEVER_ASKED);
        pthread_mutex_lock(&world->lock);
        while (!world->resting)
                pthread_cond_wait(&world->changed, &world->lock);
        RpcFlow *flow = world->resting;
        pthread_mutex_unlock(&world->lock);
        assert_int_equal(rpc_wait(call, 100), RPC_EVENT_TIMEOUT);
        rpc_flow_next(flow); /* from another thread */
        assert_int_equal(next_ack(call), 10);
        (void)rpc_close(call);
}

static void INV_RPC_003_a_flow_of_no_messages_is_ended(void **state) {
        World *world = *state;
        g_autoptr(RpcClient) client = connect_to(world);
        RpcCall *call = open_flow(client);
        Ack no_event = RETROVUE__EVIDENCE__V1__EVIDENCE_ACK__INIT; /* field 1 is a text, not a number */
        no_event.playout_session_id = (char[]){"text"};
        assert_true(rpc_write(call, &no_event));
        assert_int_equal(next_ack(call), 0);
        assert_int_equal(rpc_close(call).code, RPC_CODE_INVALID_ARGUMENT);
}

/* Sends and never reads, until it is cut off; somebody else is answered meanwhile. */
static void INV_RPC_001_a_flow_whose_peer_does_not_read_is_cut_off(void **state) {
        World *world = *state;
        g_autoptr(RpcClient) deaf = connect_to(world);
        g_autoptr(RpcClient) other = connect_to(world);
        RpcCall *call = open_flow(deaf), *answered = open_flow(other);
        char *long_text = g_strnfill(8000, 'x'); /* comes back with every answer */
        Event event = RETROVUE__EVIDENCE__V1__EVIDENCE_FROM_AIR__INIT;
        event.playout_session_id = long_text;
        event.sequence = 10;
        unsigned n = 0;
        while (n < 10000 && rpc_write(call, &event))
                n++;
        assert_in_range(n, 64, 9999);
        assert_true(send_event(answered, 11));
        assert_int_equal(next_ack(answered), 11);
        (void)rpc_close(call);
        (void)rpc_close(answered);
        g_free(long_text);
}

static void INV_RPC_007_a_server_ends_with_flows_open(void **state) {
        World *world = *state;
        RpcClient *client = connect_to(world);
        RpcCall *call = open_flow(client);
        assert_true(send_event(call, 1));
        assert_int_equal(next_ack(call), 1);
        rpc_server_free(world->server, 100);
        world->server = NULL;
        assert_int_equal(next_ack(call), 0);
        assert_int_not_equal(rpc_close(call).code, RPC_CODE_OK);
        rpc_client_free(client);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
        rpc_init();
        const struct CMUnitTest tests[] = {
                TEST(many_peers_are_answered_in_order),
                TEST(what_was_written_goes_before_the_end),
                TEST(no_message_comes_that_was_not_asked_for),
                TEST(INV_RPC_003_a_flow_of_no_messages_is_ended),
                TEST(INV_RPC_001_a_flow_whose_peer_does_not_read_is_cut_off),
                TEST(INV_RPC_007_a_server_ends_with_flows_open),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
