/* What tools of an operation ask of core, over its socket. Evidence is what the store's rows say. */
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/play/channel/channel_private.h"
#include "core/serve/ops/ops.h"
#include "proto/operations.pb-c.h"
#include "proto/rpc/health.pb-c.h"
#include "proto/rpc/rpc.h"
#include "tests/core/serve_fixture.h"
#include "tests/core/store_fixture.h"
#include "tests/support/temp_dir.h"

#define OPERATIONS (&retrovue__operations__v1__operations__descriptor)
#define KIND(name) RETROVUE__OPERATIONS__V1__EVENT_KIND__EVENT_KIND_##name
#define TIMEOUT_MS 20000
#define KEPT 200000

typedef Retrovue__Operations__V1__Event Event;

typedef struct {
        char *dir, *store_path, *socket_path;
        Store *store;
        RvClock *clock;
        PlanBoard *board;
        ChannelHub *hub;
        Ops *ops;
        RpcClient *client;
        int64_t sequence; /* of the session's evidence */
        ExtendResult result;
} World;

/* --- the world ---------------------------------------------------------------------------------------------------- */

static void *no_streams(void *user, const char *channel_id) {
        return user;
}

static void no_streams_free(void *streams) {
}

typedef struct {
        ExtendDone done;
        void *user;
        ExtendResult result;
} Answer;

static void *answer_later(void *user) {
        Answer *answer = user;
        answer->done(answer->user, answer->result);
        g_free(answer);
        return NULL;
}

static void extend(void *user, const ExtendCall *call, ExtendDone done, void *done_user) {
        World *world = user;
        Answer *answer = g_new0(Answer, 1);
        *answer = (Answer){done, done_user, g_str_equal(call->channel_id, "retro") ? world->result : EXTEND_NO_CHANNEL};
        g_thread_unref(g_thread_new("planner", answer_later, answer));
}

static void serve(World *world) {
        g_autoptr(GError) error = NULL;
        const OpsOptions options = {.store_path = world->store_path,
                                    .socket_path = world->socket_path,
                                    .board = world->board,
                                    .hub = world->hub,
                                    .clock = world->clock,
                                    .extend = extend,
                                    .user = world};
        world->ops = ops_new(&options, &error);
        if (!world->ops)
                fail_msg("%s", error->message);
        world->client = rpc_client_connect(world->socket_path, TIMEOUT_MS, (RpcOptions){0}, &error);
        assert_non_null(world->client);
}

static void end_serving(World *world) {
        ops_stop(world->ops);
        ops_free(g_steal_pointer(&world->ops));
        rpc_client_free(g_steal_pointer(&world->client));
}

static int setup(void **state) {
        World *world = g_new0(World, 1);
        rpc_init();
        world->dir = temp_dir_new();
        world->store_path = g_build_filename(world->dir, "retrovue.db", NULL);
        world->socket_path = g_build_filename(world->dir, "ops.sock", NULL);
        world->store = store_open(world->store_path, NULL);
        assert_non_null(world->store);
        world->clock = rv_clock_fake_new(SERVE_NOON);
        world->board = plan_board_new();
        PlanView *view = view_new("retro", 5, "Retro");
        view_add(view, "The Ark", "asset", 60);
        plan_board_publish(world->board, view);
        const ChannelHubOptions hub = {.board = world->board,
                                       .clock = world->clock,
                                       .streams = {.new = no_streams, .free = no_streams_free, .user = world},
                                       .run_dir = world->dir,
                                       .spool_dir = world->dir,
                                       .linger_ms = 1000,
                                       .viewer_timeout_ms = 1000,
                                       .max_running = 1};
        world->hub = channel_hub_new(&hub);
        channel_hub_sync(world->hub);
        serve(world);
        *state = world;
        return 0;
}

static int teardown(void **state) {
        World *world = *state;
        end_serving(world);
        channel_hub_free(world->hub);
        plan_board_unref(world->board);
        rv_clock_fake_free(world->clock);
        store_close(world->store);
        g_free(world->store_path);
        g_free(world->socket_path);
        temp_dir_free(world->dir);
        g_free(world);
        return 0;
}

/* --- evidence ----------------------------------------------------------------------------------------------------- */

enum { BLOCK_START = 2, SEGMENT_START, SEGMENT_END, BLOCK_FENCE, TERMINATED };
enum { AIRED = 1, SHORT = 3 };

typedef struct {
        const char *channel, *session;
        int kind, status;
        const char *reason;
} Said;

static void record(World *world, Said said) {
        world->sequence++;
        g_autofree char *sql = g_strdup_printf(
                "INSERT INTO asrun_event (session_id, sequence, event_uuid, channel_id, broadcast_day, kind, "
                "segment_index, type, status, title, reason, start_utc_ms, end_utc_ms, emitted_utc_ms, document) "
                "VALUES "
                "('%s', %" G_GINT64_FORMAT ", '%s-%" G_GINT64_FORMAT "', '%s', '2026-11-21', %d, 0, 1, %d, 'The Ark', "
                "nullif('%s', ''), 1, 2, 3, '{}')",
                said.session, world->sequence, said.session, world->sequence, said.channel, said.kind, said.status,
                said.reason ? said.reason : "");
        sql_run(world->store, sql);
}

static void record_many(World *world, int n) {
        sql_run(world->store, "BEGIN");
        for (int i = 0; i < n; i++)
                record(world, (Said){"retro", "s1", SEGMENT_START});
        sql_run(world->store, "COMMIT");
}

/* --- subscribers -------------------------------------------------------------------------------------------------- */

static RpcCall *subscribe(RpcClient *client, int64_t after, const char *channel) {
        Retrovue__Operations__V1__SubscribeRequest request = RETROVUE__OPERATIONS__V1__SUBSCRIBE_REQUEST__INIT;
        char *channels[] = {(char *)channel};
        request.after = after;
        request.channel_ids = channels;
        request.n_channel_ids = channel ? 1 : 0;
        RpcCall *call = rpc_client_open(client, OPERATIONS, "Subscribe", &request);
        assert_non_null(call);
        return call;
}

static Event *next(RpcCall *call) {
        assert_int_equal(rpc_wait(call, TIMEOUT_MS), RPC_EVENT_MESSAGE);
        Event *event = rpc_read(call);
        assert_non_null(event);
        return event;
}

static int64_t expect(RpcCall *call, int kind) {
        Event *event = next(call);
        const int64_t sequence = event->sequence;
        assert_int_equal(event->kind, kind);
        rpc_message_free(event);
        return sequence;
}

/* Reads n events and asserts that their sequences are first, first + 1 ... */
static void expect_run(RpcCall *call, int64_t first, int n) {
        for (int i = 0; i < n; i++) {
                Event *event = next(call);
                assert_int_equal(event->sequence, first + i);
                rpc_message_free(event);
        }
}

static void assert_ends(RpcCall *call, RpcCode code, const char *says) {
        assert_null(rpc_read(call));
        const RpcStatus status = rpc_close(call);
        assert_int_equal(status.code, code);
        assert_non_null(strstr(status.message, says));
}

static void INV_OPS_001_events_come_in_the_order_of_their_recording(void **state) {
        World *world = *state;
        RpcCall *call = subscribe(world->client, 0, NULL);
        expect(call, KIND(SUBSCRIBED));
        record(world, (Said){"retro", "s1", BLOCK_START});
        record(world, (Said){"retro", "s1", SEGMENT_START});
        record(world, (Said){"retro", "s1", SEGMENT_END, SHORT, "SOURCE_ENDED"});
        record(world, (Said){"retro", "s1", SEGMENT_END, AIRED});
        record(world, (Said){"retro", "s1", BLOCK_FENCE});
        record(world, (Said){"retro", "s1", 0}); /* told in no list */
        record(world, (Said){"retro", "s1", TERMINATED, 0, "stop_requested"});
        record(world, (Said){"movies", "s2", TERMINATED, 0, "internal_error"});
        static const int kinds[] = {KIND(SESSION_STARTED), KIND(BLOCK_STARTED), KIND(SEGMENT_STARTED),
                                    KIND(FAULT),           KIND(SEGMENT_AIRED), KIND(SEGMENT_AIRED),
                                    KIND(BLOCK_ENDED),     KIND(SESSION_ENDED), KIND(SESSION_STARTED),
                                    KIND(FAULT),           KIND(SESSION_ENDED)};
        for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
                assert_int_equal(expect(call, kinds[i]), i + 1);
        (void)rpc_close(call);
}

static void INV_OPS_001_who_comes_again_has_no_hole_and_nothing_twice(void **state) {
        World *world = *state;
        record_many(world, 99); /* and the session's start */
        RpcCall *call = subscribe(world->client, 0, NULL);
        expect(call, KIND(SUBSCRIBED));
        expect_run(call, 1, 42);
        (void)rpc_close(call);
        end_serving(world); /* core goes and comes */
        record_many(world, 10);
        serve(world);
        call = subscribe(world->client, 42, NULL);
        Event *subscribed = next(call);
        assert_int_equal(subscribed->newest_sequence, 110);
        assert_int_equal(subscribed->oldest_sequence, 1);
        rpc_message_free(subscribed);
        expect_run(call, 43, 68);
        record_many(world, 1);
        expect_run(call, 111, 1);
        (void)rpc_close(call);
}

static void channels_are_chosen_and_now_is_a_place(void **state) {
        World *world = *state;
        record_many(world, 5);
        RpcCall *all = subscribe(world->client, -1, NULL), *one = subscribe(world->client, -1, "movies");
        expect(all, KIND(SUBSCRIBED));
        expect(one, KIND(SUBSCRIBED));
        record(world, (Said){"retro", "s1", BLOCK_FENCE});
        record(world, (Said){"movies", "s2", BLOCK_START});
        expect_run(all, 7, 3);
        expect_run(one, 8, 2);
        (void)rpc_close(all);
        (void)rpc_close(one);
}

static void INV_OPS_002_a_place_that_is_not_kept_is_an_error_that_tells_the_oldest(void **state) {
        World *world = *state;
        record_many(world, 20);
        sql_run(world->store, "DELETE FROM operations_event WHERE sequence < 10");
        RpcCall *call = subscribe(world->client, 8, NULL);
        assert_ends(call, RPC_CODE_OUT_OF_RANGE, "the oldest kept is 10");
        call = subscribe(world->client, 22, NULL);
        assert_ends(call, RPC_CODE_OUT_OF_RANGE, "its newest is 21");
        call = subscribe(world->client, 9, NULL);
        expect(call, KIND(SUBSCRIBED));
        expect_run(call, 10, 12);
        (void)rpc_close(call);
        sql_run(world->store, "DELETE FROM operations_event");
        call = subscribe(world->client, 20, NULL);
        assert_ends(call, RPC_CODE_OUT_OF_RANGE, "not kept");
}

static void INV_OPS_002_what_is_kept_is_bounded_and_numbers_are_not_used_again(void **state) {
        World *world = *state;
        record_many(world, 3);
        sql_run(world->store, "DELETE FROM operations_event");
        record_many(world, 1);
        assert_int_equal(sql_int(world->store, "SELECT min(sequence) FROM operations_event"), 5);
        sql_run(world->store, "UPDATE sqlite_sequence SET seq = 200005 WHERE name = 'operations_event'");
        record_many(world, 1);
        assert_int_equal(sql_int(world->store, "SELECT min(sequence) FROM operations_event"), 5 + KEPT + 1);
}

static void INV_OPS_003_who_does_not_read_is_cut_and_holds_nobody_up(void **state) {
        World *world = *state;
        g_autoptr(RpcClient) deaf = rpc_client_connect(world->socket_path, TIMEOUT_MS, (RpcOptions){0}, NULL);
        RpcCall *call = subscribe(world->client, 0, NULL);
        RpcCall *silent = subscribe(deaf, 0, NULL);
        expect(call, KIND(SUBSCRIBED));
        for (int i = 0; i < 10; i++) /* more than the sockets take */
                record_many(world, 400);
        expect_run(call, 1, 4001);
        (void)rpc_close(call);
        bool ended = false;
        for (int i = 0; i < 20000 && !ended; i++) { /* it is looked for ten times a second */
                Retrovue__Operations__V1__GetChannelRequest request =
                        RETROVUE__OPERATIONS__V1__GET_CHANNEL_REQUEST__INIT;
                request.channel_id = (char *)"retro";
                void *response = NULL;
                rv_clock_fake_advance_ms(world->clock, 31000);
                ended = rpc_client_call(deaf, OPERATIONS, "GetChannel", &request, &response, 1000).code != RPC_CODE_OK;
                rpc_message_free(response);
        }
        assert_true(ended); /* its connection is gone */
        (void)rpc_close(silent);
}

/* --- health, socket, end ------------------------------------------------------------------------------------------ */

static int health(World *world) {
        Grpc__Health__V1__HealthCheckRequest request = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
        request.service = (char *)OPERATIONS->name;
        void *response = NULL;
        const RpcStatus status = rpc_client_call(world->client, &grpc__health__v1__health__descriptor, "Check",
                                                 &request, &response, TIMEOUT_MS);
        assert_int_equal(status.code, RPC_CODE_OK);
        const int serving = (int)((Grpc__Health__V1__HealthCheckResponse *)response)->status;
        rpc_message_free(response);
        return serving;
}

static void INV_OPS_005_health_says_not_serving_while_core_stops(void **state) {
        World *world = *state;
        RpcCall *call = subscribe(world->client, -1, NULL);
        expect(call, KIND(SUBSCRIBED));
        assert_int_equal(health(world), GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING);
        ops_stop(world->ops);
        assert_int_equal(health(world), GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__NOT_SERVING);
        Retrovue__Operations__V1__ListChannelsRequest request = RETROVUE__OPERATIONS__V1__LIST_CHANNELS_REQUEST__INIT;
        void *response = NULL;
        assert_int_equal(
                rpc_client_call(world->client, OPERATIONS, "ListChannels", &request, &response, TIMEOUT_MS).code,
                RPC_CODE_UNAVAILABLE);
        record(world, (Said){"retro", "s1", TERMINATED, 0, "stop_requested"}); /* the engines' last words */
        ops_free(g_steal_pointer(&world->ops));
        expect(call, KIND(SESSION_STARTED));
        expect(call, KIND(SESSION_ENDED));
        assert_ends(call, RPC_CODE_UNAVAILABLE, "stopping");
        rpc_client_free(g_steal_pointer(&world->client));
        serve(world);
}

static void INV_OPS_006_the_socket_is_for_owner_and_group(void **state) {
        World *world = *state;
        struct stat st;
        assert_int_equal(stat(world->socket_path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0660);
}

/* --- channels and plans ------------------------------------------------------------------------------------------- */

static void channels_are_listed_and_watched(void **state) {
        World *world = *state;
        Retrovue__Operations__V1__ListChannelsRequest request = RETROVUE__OPERATIONS__V1__LIST_CHANNELS_REQUEST__INIT;
        void *answer = NULL;
        assert_int_equal(rpc_client_call(world->client, OPERATIONS, "ListChannels", &request, &answer, TIMEOUT_MS).code,
                         RPC_CODE_OK);
        Retrovue__Operations__V1__ListChannelsResponse *list = answer;
        assert_int_equal(list->n_channels, 1);
        assert_string_equal(list->channels[0]->name, "Retro");
        assert_string_equal(list->channels[0]->programme, "The Ark");
        assert_int_equal(list->channels[0]->state, RETROVUE__OPERATIONS__V1__CHANNEL_STATE__CHANNEL_STATE_OFF);
        rpc_message_free(answer);

        Retrovue__Operations__V1__WatchChannelsRequest watch = RETROVUE__OPERATIONS__V1__WATCH_CHANNELS_REQUEST__INIT;
        RpcCall *call = rpc_client_open(world->client, OPERATIONS, "WatchChannels", &watch);
        static const struct {
                const char *id;
                bool gone;
        } told[] = {{"retro", false}, {"movies", false}, {"movies", true}};
        for (size_t i = 0; i < G_N_ELEMENTS(told); i++) {
                if (i == 1)
                        plan_board_publish(world->board, view_new("movies", 7, "Movies"));
                else if (i == 2)
                        plan_board_unpublish(world->board, "movies");
                assert_int_equal(rpc_wait(call, TIMEOUT_MS), RPC_EVENT_MESSAGE);
                Retrovue__Operations__V1__Channel *channel = rpc_read(call);
                assert_string_equal(channel->channel_id, told[i].id);
                assert_int_equal(channel->gone, told[i].gone);
                rpc_message_free(channel);
        }
        (void)rpc_close(call);
}

static RpcCode ask_plan(World *world, const char *channel, int64_t from, int64_t to) {
        Retrovue__Operations__V1__GetPlanRequest request = RETROVUE__OPERATIONS__V1__GET_PLAN_REQUEST__INIT;
        request.channel_id = (char *)channel;
        request.from_utc_ms = from;
        request.to_utc_ms = to;
        void *response = NULL;
        const RpcStatus status = rpc_client_call(world->client, OPERATIONS, "GetPlan", &request, &response, TIMEOUT_MS);
        rpc_message_free(response);
        return status.code;
}

static void INV_OPS_004_what_cannot_be_asked_is_refused(void **state) {
        World *world = *state;
        assert_int_equal(ask_plan(world, "retro", 0, 0), RPC_CODE_OK);
        assert_int_equal(ask_plan(world, "nowhere", 0, 0), RPC_CODE_NOT_FOUND);
        assert_int_equal(ask_plan(world, "\xff\xfe", 0, 0), RPC_CODE_NOT_FOUND);
        assert_int_equal(ask_plan(world, "retro", 5, 4), RPC_CODE_INVALID_ARGUMENT);
        assert_int_equal(ask_plan(world, "retro", -5, 4), RPC_CODE_INVALID_ARGUMENT);
        Retrovue__Operations__V1__AddOverrideRequest request = RETROVUE__OPERATIONS__V1__ADD_OVERRIDE_REQUEST__INIT;
        static const struct {
                const char *channel;
                int kind;
                int64_t at;
                const char *asset;
                RpcCode code;
        } asked[] = {
                {"nowhere", 3, SERVE_NOON + 1, "", RPC_CODE_NOT_FOUND},
                {"retro", 0, SERVE_NOON + 1, "", RPC_CODE_INVALID_ARGUMENT},
                {"retro", 9, SERVE_NOON + 1, "", RPC_CODE_INVALID_ARGUMENT},
                {"retro", 3, SERVE_NOON, "", RPC_CODE_INVALID_ARGUMENT},
                {"retro", 3, SERVE_NOON + 1, "x", RPC_CODE_INVALID_ARGUMENT},
                {"retro", 1, SERVE_NOON + 1, "no such asset", RPC_CODE_NOT_FOUND},
        };
        for (size_t i = 0; i < G_N_ELEMENTS(asked); i++) {
                void *response = NULL;
                request.channel_id = (char *)asked[i].channel;
                request.kind = (Retrovue__Operations__V1__OverrideKind)asked[i].kind;
                request.at_utc_ms = asked[i].at;
                request.asset = (char *)asked[i].asset;
                const RpcStatus status =
                        rpc_client_call(world->client, OPERATIONS, "AddOverride", &request, &response, TIMEOUT_MS);
                rpc_message_free(response);
                assert_int_equal(status.code, asked[i].code);
        }
        assert_int_equal(sql_int(world->store, "SELECT count(*) FROM plan_override"), 0);
}

static void an_override_is_asked_for_listed_and_cancelled(void **state) {
        World *world = *state;
        void *response = NULL;
        Retrovue__Operations__V1__AddOverrideRequest add = RETROVUE__OPERATIONS__V1__ADD_OVERRIDE_REQUEST__INIT;
        add.channel_id = (char *)"retro";
        add.kind = RETROVUE__OPERATIONS__V1__OVERRIDE_KIND__OVERRIDE_KIND_SKIP;
        add.at_utc_ms = SERVE_NOON + 90 * SERVE_MINUTE;
        assert_int_equal(rpc_client_call(world->client, OPERATIONS, "AddOverride", &add, &response, TIMEOUT_MS).code,
                         RPC_CODE_OK);
        const int64_t id = ((Retrovue__Operations__V1__Override *)response)->id;
        assert_string_equal(((Retrovue__Operations__V1__Override *)response)->state, "asked");
        rpc_message_free(response);
        Retrovue__Operations__V1__ListOverridesRequest list = RETROVUE__OPERATIONS__V1__LIST_OVERRIDES_REQUEST__INIT;
        list.channel_id = (char *)"retro";
        assert_int_equal(rpc_client_call(world->client, OPERATIONS, "ListOverrides", &list, &response, TIMEOUT_MS).code,
                         RPC_CODE_OK);
        assert_int_equal(((Retrovue__Operations__V1__ListOverridesResponse *)response)->overrides[0]->id, id);
        rpc_message_free(response);
        Retrovue__Operations__V1__CancelOverrideRequest cancel =
                RETROVUE__OPERATIONS__V1__CANCEL_OVERRIDE_REQUEST__INIT;
        cancel.channel_id = (char *)"retro";
        for (int i = 0; i < 2; i++) {
                cancel.id = id + i;
                response = NULL;
                const RpcStatus status =
                        rpc_client_call(world->client, OPERATIONS, "CancelOverride", &cancel, &response, TIMEOUT_MS);
                assert_int_equal(status.code, i == 0 ? RPC_CODE_OK : RPC_CODE_NOT_FOUND);
                rpc_message_free(response);
        }
}

static RpcCode extend_by(World *world, const char *channel, int32_t blocks) {
        Retrovue__Operations__V1__ExtendHorizonRequest request = RETROVUE__OPERATIONS__V1__EXTEND_HORIZON_REQUEST__INIT;
        request.channel_id = (char *)channel;
        request.by_case = RETROVUE__OPERATIONS__V1__EXTEND_HORIZON_REQUEST__BY_EXECUTION_BLOCKS;
        request.execution_blocks = blocks;
        void *response = NULL;
        const RpcStatus status =
                rpc_client_call(world->client, OPERATIONS, "ExtendHorizon", &request, &response, TIMEOUT_MS);
        if (status.code == RPC_CODE_OK)
                assert_string_equal(((Retrovue__Operations__V1__Horizon *)response)->channel_id, channel);
        rpc_message_free(response);
        return status.code;
}

static void a_horizon_is_extended_by_who_plans(void **state) {
        World *world = *state;
        assert_int_equal(extend_by(world, "retro", 3), RPC_CODE_OK);
        assert_int_equal(extend_by(world, "nowhere", 3), RPC_CODE_NOT_FOUND);
        assert_int_equal(extend_by(world, "retro", 0), RPC_CODE_INVALID_ARGUMENT);
        assert_int_equal(extend_by(world, "retro", 501), RPC_CODE_INVALID_ARGUMENT);
        world->result = EXTEND_SHORT;
        assert_int_equal(extend_by(world, "retro", 3), RPC_CODE_FAILED_PRECONDITION);
        world->result = EXTEND_ENDED;
        assert_int_equal(extend_by(world, "retro", 3), RPC_CODE_UNAVAILABLE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(INV_OPS_001_events_come_in_the_order_of_their_recording),
                TEST(INV_OPS_001_who_comes_again_has_no_hole_and_nothing_twice),
                TEST(channels_are_chosen_and_now_is_a_place),
                TEST(INV_OPS_002_a_place_that_is_not_kept_is_an_error_that_tells_the_oldest),
                TEST(INV_OPS_002_what_is_kept_is_bounded_and_numbers_are_not_used_again),
                TEST(INV_OPS_003_who_does_not_read_is_cut_and_holds_nobody_up),
                TEST(INV_OPS_005_health_says_not_serving_while_core_stops),
                TEST(INV_OPS_006_the_socket_is_for_owner_and_group),
                TEST(channels_are_listed_and_watched),
                TEST(INV_OPS_004_what_cannot_be_asked_is_refused),
                TEST(an_override_is_asked_for_listed_and_cancelled),
                TEST(a_horizon_is_extended_by_who_plans),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
