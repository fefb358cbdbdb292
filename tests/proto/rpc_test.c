/* Calls that go as they should, and calls that are refused. */
#include "tests/proto/rpc_callers.h"

#define DEADLINE_MS 10000

static int begin(void **state) {
        *state = engine_serving((RpcOptions){0});
        return 0;
}

static int end(void **state) {
        engine_free(*state, 1000);
        return 0;
}

static void unary_round_trip(void **state) {
        Engine *engine = *state;
        g_autoptr(RpcClient) client = engine_connect(engine->path, (RpcOptions){0});
        VersionRequest request = RETROVUE__PLAYOUT__V1__GET_VERSION_REQUEST__INIT;
        void *response = NULL;
        RpcStatus status = rpc_client_call(client, PLAYOUT, "GetVersion", &request, &response, DEADLINE_MS);
        assert_int_equal(status.code, RPC_CODE_OK);
        assert_string_equal(status.message, "");
        VersionResponse *version = response;
        assert_string_equal(version->version, "0.1.0");
        assert_string_equal(version->session_id, "");
        assert_int_equal(version->protocol_version, 1);
        assert_int_equal(version->session_epoch_utc_ms, INT64_C(1795320000000));
        rpc_message_free(response);
}

static void INV_RPC_002_unary_runs_on_the_context(void **state) {
        Engine *engine = *state;
        g_autoptr(RpcClient) client = engine_connect(engine->path, (RpcOptions){0});
        for (int i = 0; i < 50; i++)
                assert_int_equal(call_version(client, DEADLINE_MS).code, RPC_CODE_OK);
        assert_int_equal(engine->handled, 50);
        assert_int_equal(engine->off_context, 0);
}

static void refusal_carries_code_and_message(void **state) {
        Engine *engine = *state;
        g_autoptr(RpcClient) client = engine_connect(engine->path, (RpcOptions){0});
        RpcStatus status = call_attach(client, "refuse", 0, NULL, DEADLINE_MS);
        assert_int_equal(status.code, RPC_CODE_FAILED_PRECONDITION);
        assert_string_equal(status.message, "no stream 100%");
}

typedef struct {
        RpcClient *client;
        int number;
        int wrong;
} Caller;

static void call_many(void *user) {
        Caller *caller = user;
        for (int i = 0; i < 100; i++) {
                g_autofree char *asked = g_strdup_printf("%d/%d", caller->number, i);
                g_autofree char *told = NULL;
                if (call_attach(caller->client, asked, 0, &told, DEADLINE_MS).code != RPC_CODE_OK ||
                    !g_str_equal(told, asked))
                        caller->wrong++;
        }
}

static void callers_on_one_connection_get_their_own_answers(void **state) {
        Engine *engine = *state;
        g_autoptr(RpcClient) client = engine_connect(engine->path, (RpcOptions){0});
        Caller callers[6];
        RvThread *threads[G_N_ELEMENTS(callers)];
        for (size_t i = 0; i < G_N_ELEMENTS(callers); i++) {
                callers[i] = (Caller){.client = client, .number = (int)i};
                threads[i] = rv_thread_start("caller", RV_PRIORITY_NORMAL, call_many, &callers[i], NULL);
                assert_non_null(threads[i]);
        }
        for (size_t i = 0; i < G_N_ELEMENTS(callers); i++) {
                rv_thread_join(threads[i]);
                assert_int_equal(callers[i].wrong, 0);
        }
}

static void server_stream_in_order_then_woken(void **state) {
        Engine *engine = *state;
        engine_set_events(engine, 1000, 0);
        g_autoptr(RpcClient) client = engine_connect(engine->path, (RpcOptions){0});
        RpcCall *call = open_subscription(client);
        for (int i = 1; i <= 1000; i++)
                assert_int_equal(next_event(call), i);
        assert_int_equal(rpc_wait(call, 0), RPC_EVENT_TIMEOUT);
        engine_with_subscriber(engine, rpc_wake);
        assert_int_equal(rpc_wait(call, DEADLINE_MS), RPC_EVENT_MESSAGE);
        assert_int_equal(next_event(call), -1);
        assert_int_equal(rpc_close(call).code, RPC_CODE_CANCELLED);
}

static void client_is_woken_while_it_waits(void **state) {
        Engine *engine = *state;
        g_autoptr(RpcClient) client = engine_connect(engine->path, (RpcOptions){0});
        RpcCall *call = open_evidence(client);
        rpc_wake(call);
        rpc_wake(call);
        assert_int_equal(rpc_wait(call, DEADLINE_MS), RPC_EVENT_WOKEN);
        assert_int_equal(rpc_wait(call, 0), RPC_EVENT_TIMEOUT);
        rpc_wake(call);
        assert_int_equal(rpc_wait(call, DEADLINE_MS), RPC_EVENT_WOKEN);
        rpc_end_writes(call);
        assert_int_equal(rpc_wait(call, DEADLINE_MS), RPC_EVENT_END);
        assert_int_equal(rpc_close(call).code, RPC_CODE_OK);
}

static void bidirectional_stream_ends_well(void **state) {
        Engine *engine = *state;
        g_autoptr(RpcClient) client = engine_connect(engine->path, (RpcOptions){0});
        RpcCall *call = open_evidence(client);
        for (int i = 1; i <= 200; i++) {
                assert_true(send_evidence(call, i));
                assert_int_equal(next_ack(call), i);
        }
        rpc_end_writes(call);
        assert_int_equal(next_ack(call), 0);
        assert_int_equal(rpc_close(call).code, RPC_CODE_OK);
}

/* More than the windows of HTTP/2 hold, read only when all of it is written or held up. */
static void acks_wait_for_their_reader(void **state) {
        Engine *engine = *state;
        g_autoptr(RpcClient) client = engine_connect(engine->path, (RpcOptions){0});
        RpcCall *call = open_evidence(client);
        for (int i = 1; i <= 500; i++)
                assert_true(send_evidence(call, i));
        rpc_end_writes(call);
        for (int i = 1; i <= 500; i++)
                assert_int_equal(next_ack(call), i);
        assert_int_equal(next_ack(call), 0);
        assert_int_equal(rpc_close(call).code, RPC_CODE_OK);
}

static void server_ends_a_stream_with_an_error(void **state) {
        Engine *engine = *state;
        g_autoptr(RpcClient) client = engine_connect(engine->path, (RpcOptions){0});
        RpcCall *call = open_evidence(client);
        assert_true(send_evidence(call, -2));
        assert_int_equal(next_ack(call), 0);
        assert_false(send_evidence(call, 3));
        RpcStatus status = rpc_close(call);
        assert_int_equal(status.code, RPC_CODE_FAILED_PRECONDITION);
        assert_string_equal(status.message, "disk full");
}

/* --- refused ----------------------------------------------------------------------------------------------------- */

static ProtobufCMethodDescriptor other_method;

/* PlayoutControl as a caller with another idea of it would call it. */
static ProtobufCServiceDescriptor other_service(const char *method, const ProtobufCMessageDescriptor *input) {
        static const unsigned indices[] = {0};
        other_method = (ProtobufCMethodDescriptor){
                .name = method, .input = input, .output = &retrovue__playout__v1__attach_stream_response__descriptor};
        ProtobufCServiceDescriptor service = *PLAYOUT;
        service.n_methods = 1;
        service.methods = &other_method;
        service.method_indices_by_name = indices;
        return service;
}

static void INV_RPC_003_unknown_method_is_refused(void **state) {
        Engine *engine = *state;
        g_autoptr(RpcClient) client = engine_connect(engine->path, (RpcOptions){0});
        AttachRequest request = RETROVUE__PLAYOUT__V1__ATTACH_STREAM_REQUEST__INIT;
        ProtobufCServiceDescriptor service = other_service("Explode", request.base.descriptor);
        for (int i = 0; i < 3; i++) {
                void *response = NULL;
                RpcStatus status = rpc_client_call(client, &service, "Explode", &request, &response, DEADLINE_MS);
                assert_int_equal(status.code, RPC_CODE_UNIMPLEMENTED);
                assert_null(response);
        }
        assert_int_equal(call_version(client, DEADLINE_MS).code, RPC_CODE_OK);
}

static void INV_RPC_003_malformed_request_is_refused(void **state) {
        Engine *engine = *state;
        g_autoptr(RpcClient) client = engine_connect(engine->path, (RpcOptions){0});
        ProtobufCServiceDescriptor service =
                other_service("AttachStream", &retrovue__playout__v1__block_event__descriptor);
        BlockEvent event = RETROVUE__PLAYOUT__V1__BLOCK_EVENT__INIT;
        event.channel_id = (char *)"a string where a number belongs";
        void *response = NULL;
        RpcStatus status = rpc_client_call(client, &service, "AttachStream", &event, &response, DEADLINE_MS);
        assert_int_equal(status.code, RPC_CODE_INVALID_ARGUMENT);
        assert_int_equal(engine->handled, 0);
        assert_int_equal(call_version(client, DEADLINE_MS).code, RPC_CODE_OK);
}

static void INV_RPC_003_malformed_stream_message_ends_the_stream(void **state) {
        Engine *engine = *state;
        g_autoptr(RpcClient) client = engine_connect(engine->path, (RpcOptions){0});
        RpcCall *call = open_evidence(client);
        assert_true(send_evidence(call, 1));
        assert_int_equal(next_ack(call), 1);
        BlockEvent event = RETROVUE__PLAYOUT__V1__BLOCK_EVENT__INIT;
        event.channel_id = (char *)"a string where a number belongs";
        assert_true(rpc_write(call, &event));
        assert_int_equal(next_ack(call), 0);
        assert_int_equal(rpc_close(call).code, RPC_CODE_INVALID_ARGUMENT);
        assert_int_equal(call_version(client, DEADLINE_MS).code, RPC_CODE_OK);
}

static void malformed_response_is_not_an_answer(void **state) {
        Engine *engine = *state;
        g_autoptr(RpcClient) client = engine_connect(engine->path, (RpcOptions){0});
        VersionRequest request = RETROVUE__PLAYOUT__V1__GET_VERSION_REQUEST__INIT;
        ProtobufCServiceDescriptor service = other_service("GetVersion", request.base.descriptor);
        void *response = NULL;
        RpcStatus status = rpc_client_call(client, &service, "GetVersion", &request, &response, DEADLINE_MS);
        assert_int_equal(status.code, RPC_CODE_INTERNAL);
        assert_null(response);
}

/* --- sizes ------------------------------------------------------------------------------------------------------- */

static void INV_RPC_006_too_large_a_message_is_refused_either_way(void **state) {
        Engine *engine = *state;
        g_autoptr(RpcClient) client = engine_connect(engine->path, (RpcOptions){0});
        g_autoptr(RpcClient) careless = engine_connect(engine->path, (RpcOptions){.max_message_bytes = 1 << 24});
        g_autofree char *large = g_strnfill(2 << 20, 'x');
        assert_int_equal(call_attach(client, large, 0, NULL, DEADLINE_MS).code, RPC_CODE_RESOURCE_EXHAUSTED);
        assert_int_equal(call_attach(careless, large, 0, NULL, DEADLINE_MS).code, RPC_CODE_RESOURCE_EXHAUSTED);
        assert_int_equal(engine->handled, 0);
        assert_int_equal(call_attach(careless, "huge", 2 << 20, NULL, DEADLINE_MS).code, RPC_CODE_RESOURCE_EXHAUSTED);
        assert_int_equal(call_attach(client, "huge", 1000000, NULL, DEADLINE_MS).code, RPC_CODE_OK);
}

static void INV_RPC_006_too_large_a_stream_message_ends_the_stream(void **state) {
        Engine *engine = *state;
        engine_set_events(engine, 1, 2 << 20);
        g_autoptr(RpcClient) client = engine_connect(engine->path, (RpcOptions){.max_message_bytes = 1 << 24});
        RpcCall *call = open_subscription(client);
        assert_int_equal(next_event(call), 0);
        assert_int_equal(rpc_close(call).code, RPC_CODE_RESOURCE_EXHAUSTED);

        call = open_evidence(client);
        g_autofree char *large = g_strnfill(2 << 20, 'x');
        EvidenceMessage message = RETROVUE__EVIDENCE__V1__EVIDENCE_FROM_AIR__INIT;
        message.channel_id = large;
        (void)!rpc_write(call, &message);
        assert_int_equal(next_ack(call), 0);
        assert_int_equal(rpc_close(call).code, RPC_CODE_RESOURCE_EXHAUSTED);
}

/* --- deadlines --------------------------------------------------------------------------------------------------- */

/* The server counts from the arrival of each: of the last ones it may not know yet that they are late. */
static void INV_RPC_005_late_request_is_not_carried_out(void **state) {
        Engine *engine = *state;
        engine_stop_loop(engine);
        g_autoptr(RpcClient) client = engine_connect(engine->path, (RpcOptions){0});
        for (int i = 0; i < 3; i++)
                assert_int_equal(call_version(client, 100).code, RPC_CODE_DEADLINE_EXCEEDED);
        engine_run_loop(engine);
        assert_int_equal(call_version(client, DEADLINE_MS).code, RPC_CODE_OK);
        assert_in_range(engine->handled, 1, 3);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(unary_round_trip, begin, end),
                cmocka_unit_test_setup_teardown(INV_RPC_002_unary_runs_on_the_context, begin, end),
                cmocka_unit_test_setup_teardown(refusal_carries_code_and_message, begin, end),
                cmocka_unit_test_setup_teardown(callers_on_one_connection_get_their_own_answers, begin, end),
                cmocka_unit_test_setup_teardown(server_stream_in_order_then_woken, begin, end),
                cmocka_unit_test_setup_teardown(client_is_woken_while_it_waits, begin, end),
                cmocka_unit_test_setup_teardown(bidirectional_stream_ends_well, begin, end),
                cmocka_unit_test_setup_teardown(acks_wait_for_their_reader, begin, end),
                cmocka_unit_test_setup_teardown(server_ends_a_stream_with_an_error, begin, end),
                cmocka_unit_test_setup_teardown(INV_RPC_003_unknown_method_is_refused, begin, end),
                cmocka_unit_test_setup_teardown(INV_RPC_003_malformed_request_is_refused, begin, end),
                cmocka_unit_test_setup_teardown(INV_RPC_003_malformed_stream_message_ends_the_stream, begin, end),
                cmocka_unit_test_setup_teardown(malformed_response_is_not_an_answer, begin, end),
                cmocka_unit_test_setup_teardown(INV_RPC_006_too_large_a_message_is_refused_either_way, begin, end),
                cmocka_unit_test_setup_teardown(INV_RPC_006_too_large_a_stream_message_ends_the_stream, begin, end),
                cmocka_unit_test_setup_teardown(INV_RPC_005_late_request_is_not_carried_out, begin, end),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
