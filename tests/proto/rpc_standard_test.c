/* Health checking and reflection, as any gRPC tool asks for them. */
#include <string.h>

#include "proto/rpc/health.pb-c.h"
#include "proto/rpc/reflection.pb-c.h"
#include "tests/proto/rpc_callers.h"

#define DEADLINE_MS 10000
#define HEALTH (&grpc__health__v1__health__descriptor)

typedef Grpc__Health__V1__HealthCheckRequest HealthRequest;
typedef Grpc__Health__V1__HealthCheckResponse HealthResponse;
typedef Grpc__Reflection__V1__ServerReflectionRequest ReflectionRequest;
typedef Grpc__Reflection__V1__ServerReflectionResponse ReflectionResponse;

#define STATUS(name) ((int)GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__##name)
#define ASKS(what) GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_##what
#define TOLD(what) ((int)GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_##what)

static int begin(void **state) {
        *state = engine_serving((RpcOptions){0});
        return 0;
}

static int end(void **state) {
        engine_free(*state, 1000);
        return 0;
}

/* --- health ------------------------------------------------------------------------------------------------------ */

static RpcStatus check(RpcClient *client, const char *service, int timeout_ms) {
        HealthRequest request = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
        request.service = (char *)service;
        void *response = NULL;
        RpcStatus status = rpc_client_call(client, HEALTH, "Check", &request, &response, timeout_ms);
        if (status.code == RPC_CODE_OK)
                assert_int_equal(((HealthResponse *)response)->status, STATUS(SERVING));
        rpc_message_free(response);
        return status;
}

static void check_says_what_is_served(void **state) {
        Engine *engine = *state;
        g_autoptr(RpcClient) client = engine_connect(engine->path, (RpcOptions){0});
        assert_int_equal(check(client, "", DEADLINE_MS).code, RPC_CODE_OK);
        assert_int_equal(check(client, PLAYOUT->name, DEADLINE_MS).code, RPC_CODE_OK);
        assert_int_equal(check(client, EVIDENCE->name, DEADLINE_MS).code, RPC_CODE_OK);
        assert_int_equal(check(client, "retrovue.playout.v1", DEADLINE_MS).code, RPC_CODE_NOT_FOUND);
}

static void INV_RPC_002_check_is_not_answered_when_the_loop_does_not_turn(void **state) {
        Engine *engine = *state;
        g_autoptr(RpcClient) client = engine_connect(engine->path, (RpcOptions){0});
        assert_int_equal(check(client, "", DEADLINE_MS).code, RPC_CODE_OK);
        engine_stop_loop(engine);
        assert_int_equal(check(client, "", 50).code, RPC_CODE_DEADLINE_EXCEEDED);
}

static int next_status(RpcCall *call) {
        HealthResponse *response = rpc_read(call);
        int status = response ? (int)response->status : -1;
        rpc_message_free(response);
        return status;
}

static RpcCall *watch(RpcClient *client, const char *service) {
        HealthRequest request = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
        request.service = (char *)service;
        return rpc_client_open(client, HEALTH, "Watch", &request);
}

static void INV_RPC_007_watch_says_that_the_server_ends(void **state) {
        Engine *engine = engine_serving((RpcOptions){0});
        g_autoptr(RpcClient) client = engine_connect(engine->path, (RpcOptions){0});
        RpcCall *served = watch(client, "");
        RpcCall *other = watch(client, "nothing.of.the.kind");
        assert_int_equal(next_status(served), STATUS(SERVING));
        assert_int_equal(next_status(other), STATUS(SERVICE_UNKNOWN));
        engine_free(engine, DEADLINE_MS);
        assert_int_equal(next_status(served), STATUS(NOT_SERVING));
        assert_int_equal(next_status(served), -1);
        assert_int_equal(rpc_close(served).code, RPC_CODE_OK);
        assert_int_equal(rpc_close(other).code, RPC_CODE_CANCELLED);
}

/* --- reflection -------------------------------------------------------------------------------------------------- */

static ReflectionResponse *ask(RpcCall *call, int what, const char *name) {
        ReflectionRequest request = GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;
        request.message_request_case = (Grpc__Reflection__V1__ServerReflectionRequest__MessageRequestCase)what;
        request.list_services = (char *)name; /* the strings of the union are one */
        assert_true(rpc_write(call, &request));
        ReflectionResponse *response = rpc_read(call);
        assert_non_null(response);
        assert_int_equal(response->original_request->message_request_case, what);
        return response;
}

static bool lists(const ReflectionResponse *response, const char *service) {
        for (size_t i = 0; i < response->list_services_response->n_service; i++)
                if (g_str_equal(response->list_services_response->service[i]->name, service))
                        return true;
        return false;
}

static bool holds(const ProtobufCBinaryData *file, const char *text) {
        return memmem(file->data, file->len, text, strlen(text)) != NULL;
}

static void assert_described(RpcCall *call, int what, const char *name, const char *by) {
        ReflectionResponse *response = ask(call, what, name);
        assert_int_equal(response->message_response_case, TOLD(FILE_DESCRIPTOR_RESPONSE));
        bool found = false;
        for (size_t i = 0; i < response->file_descriptor_response->n_file_descriptor_proto; i++)
                found |= holds(&response->file_descriptor_response->file_descriptor_proto[i], by);
        assert_true(found);
        rpc_message_free(response);
}

static void assert_not_described(RpcCall *call, int what, const char *name) {
        ReflectionResponse *response = ask(call, what, name);
        assert_int_equal(response->message_response_case, TOLD(ERROR_RESPONSE));
        assert_int_equal(response->error_response->error_code, RPC_CODE_NOT_FOUND);
        rpc_message_free(response);
}

static void reflect(RpcClient *client, const ProtobufCServiceDescriptor *service) {
        RpcCall *call = rpc_client_open(client, service, "ServerReflectionInfo", NULL);
        ReflectionResponse *response = ask(call, ASKS(LIST_SERVICES), "*");
        assert_int_equal(response->message_response_case, TOLD(LIST_SERVICES_RESPONSE));
        assert_true(lists(response, PLAYOUT->name));
        assert_true(lists(response, EVIDENCE->name));
        assert_true(lists(response, HEALTH->name));
        rpc_message_free(response);
        assert_described(call, ASKS(FILE_BY_FILENAME), "proto/evidence.proto", "EvidenceFromAir");
        assert_described(call, ASKS(FILE_CONTAINING_SYMBOL), PLAYOUT->name, "FeedBlockPlan");
        assert_described(call, ASKS(FILE_CONTAINING_SYMBOL), "grpc.health.v1.Health", "HealthCheckRequest");
        assert_not_described(call, ASKS(FILE_BY_FILENAME), "proto/nothing.proto");
        assert_not_described(call, ASKS(FILE_CONTAINING_SYMBOL), "retrovue.playout.v10.PlayoutControl");
        assert_not_described(call, ASKS(FILE_CONTAINING_SYMBOL), "");
        assert_not_described(call, ASKS(ALL_EXTENSION_NUMBERS_OF_TYPE), PLAYOUT->name);
        rpc_end_writes(call);
        assert_null(rpc_read(call));
        assert_int_equal(rpc_close(call).code, RPC_CODE_OK);
}

static void reflection_describes_every_service_under_both_names(void **state) {
        Engine *engine = *state;
        g_autoptr(RpcClient) client = engine_connect(engine->path, (RpcOptions){0});
        ProtobufCServiceDescriptor v1alpha = grpc__reflection__v1__server_reflection__descriptor;
        v1alpha.name = "grpc.reflection.v1alpha.ServerReflection";
        reflect(client, &grpc__reflection__v1__server_reflection__descriptor);
        reflect(client, &v1alpha);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(check_says_what_is_served, begin, end),
                cmocka_unit_test_setup_teardown(INV_RPC_002_check_is_not_answered_when_the_loop_does_not_turn, begin,
                                                end),
                cmocka_unit_test(INV_RPC_007_watch_says_that_the_server_ends),
                cmocka_unit_test_setup_teardown(reflection_describes_every_service_under_both_names, begin, end),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
