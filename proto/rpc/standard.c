/* The services that every server has: grpc.health.v1 and grpc.reflection.v1 (also as v1alpha). */
#include <string.h>

#include "proto/rpc/descriptor.pb-c.h"
#include "proto/rpc/health.pb-c.h"
#include "proto/rpc/reflection.pb-c.h"
#include "proto/rpc/serve.h"

/* The FileDescriptorSet of everything in proto/, as protoc wrote it. */
extern const uint8_t rpc_descriptor_set[];
extern const uint8_t rpc_descriptor_set_end[];
__asm__(".pushsection .rodata\n"
        ".global rpc_descriptor_set\n"
        ".global rpc_descriptor_set_end\n"
        "rpc_descriptor_set:\n"
        ".incbin \"" RV_DESCRIPTOR_SET "\"\n"
        "rpc_descriptor_set_end:\n"
        ".popsection\n");

typedef Grpc__Health__V1__HealthCheckRequest HealthRequest;
typedef Grpc__Health__V1__HealthCheckResponse HealthResponse;
typedef Grpc__Reflection__V1__ServerReflectionRequest ReflectionRequest;
typedef Grpc__Reflection__V1__ServerReflectionResponse ReflectionResponse;
typedef Retrovue__Rpc__V1__DescriptorSet DescriptorSet;
typedef Retrovue__Rpc__V1__DescriptorFile DescriptorFile;

#define HEALTH(name) GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__##name

/* --- health ------------------------------------------------------------------------------------------------------ */

static bool is_served(const RpcServer *server, const char *service) {
        for (size_t i = 0; i < rpc_server_n_services(server); i++)
                if (strcmp(rpc_server_service(server, i)->name, service) == 0)
                        return true;
        return *service == '\0';
}

static RpcStatus health_check(void *user, const void *request, void *response) {
        const HealthRequest *asked = request;
        HealthResponse *answer = response;
        if (!is_served(user, asked->service))
                return rpc_status(RPC_CODE_NOT_FOUND, "there is no service %s here", asked->service);
        answer->status = HEALTH(SERVING);
        return RPC_OK;
}

static RpcStatus health_watch(void *user, RpcCall *call, const void *request) {
        const HealthRequest *asked = request;
        HealthResponse answer = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;
        answer.status = is_served(user, asked->service) ? HEALTH(SERVING) : HEALTH(SERVICE_UNKNOWN);
        if (!rpc_write(call, &answer))
                return RPC_OK;
        while (rpc_wait(call, -1) == RPC_EVENT_WOKEN) {
                if (!rpc_server_ending(user))
                        continue;
                answer.status = HEALTH(NOT_SERVING);
                if (rpc_write(call, &answer))
                        break;
        }
        return RPC_OK;
}

/* --- reflection -------------------------------------------------------------------------------------------------- */

#define ASKS(what) GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_##what
#define TELLS(what) GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_##what

/* One conversation: what is asked, and the files that may be told of. */
typedef struct {
        const RpcServer *server;
        RpcCall *call;
        DescriptorSet *set;
} Reflection;

static ReflectionResponse response_to(ReflectionRequest *request) {
        ReflectionResponse response = GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__INIT;
        response.valid_host = request->host;
        response.original_request = request;
        return response;
}

static bool tell_not_found(const Reflection *reflection, ReflectionRequest *request, const char *message) {
        Grpc__Reflection__V1__ErrorResponse error = GRPC__REFLECTION__V1__ERROR_RESPONSE__INIT;
        error.error_code = RPC_CODE_NOT_FOUND;
        error.error_message = (char *)message;
        ReflectionResponse response = response_to(request);
        response.message_response_case = TELLS(ERROR_RESPONSE);
        response.error_response = &error;
        return rpc_write(reflection->call, &response);
}

static bool is_named(const DescriptorFile *file, const char *name) {
        return strcmp(file->name, name) == 0;
}

/* All symbols of a package begin with its name. */
static bool is_package_of(const DescriptorFile *file, const char *symbol) {
        size_t n = strlen(file->package);
        return strncmp(symbol, file->package, n) == 0 && symbol[n] == '.';
}

typedef bool (*Matches)(const DescriptorFile *file, const char *name);

static bool set_has(const DescriptorSet *set, Matches matches, const char *name) {
        bool found = false;
        for (size_t i = 0; i < set->n_file && !found; i++) {
                DescriptorFile *file =
                        retrovue__rpc__v1__descriptor_file__unpack(NULL, set->file[i].len, set->file[i].data);
                found = file && matches(file, name);
                rpc_message_free(file);
        }
        return found;
}

static bool tell_services(const Reflection *reflection, ReflectionRequest *request) {
        Grpc__Reflection__V1__ListServiceResponse list = GRPC__REFLECTION__V1__LIST_SERVICE_RESPONSE__INIT;
        size_t n = rpc_server_n_services(reflection->server);
        g_autofree Grpc__Reflection__V1__ServiceResponse *services = g_new0(Grpc__Reflection__V1__ServiceResponse, n);
        g_autofree Grpc__Reflection__V1__ServiceResponse **pointers =
                g_new0(Grpc__Reflection__V1__ServiceResponse *, n);
        for (size_t i = 0; i < n; i++) {
                const char *name = rpc_server_service(reflection->server, i)->name;
                if (!set_has(reflection->set, is_package_of, name))
                        continue;
                grpc__reflection__v1__service_response__init(&services[list.n_service]);
                services[list.n_service].name = (char *)name;
                pointers[list.n_service] = &services[list.n_service];
                list.n_service++;
        }
        list.service = pointers;
        ReflectionResponse response = response_to(request);
        response.message_response_case = TELLS(LIST_SERVICES_RESPONSE);
        response.list_services_response = &list;
        return rpc_write(reflection->call, &response);
}

/* All files at once: they are few, and nobody has to ask for what they import. */
static bool tell_files(const Reflection *reflection, ReflectionRequest *request, Matches matches, const char *name) {
        if (!set_has(reflection->set, matches, name))
                return tell_not_found(reflection, request, "not described here");
        Grpc__Reflection__V1__FileDescriptorResponse files = GRPC__REFLECTION__V1__FILE_DESCRIPTOR_RESPONSE__INIT;
        files.n_file_descriptor_proto = reflection->set->n_file;
        files.file_descriptor_proto = reflection->set->file;
        ReflectionResponse response = response_to(request);
        response.message_response_case = TELLS(FILE_DESCRIPTOR_RESPONSE);
        response.file_descriptor_response = &files;
        return rpc_write(reflection->call, &response);
}

static bool reflect(const Reflection *reflection, ReflectionRequest *request) {
        if (request->message_request_case == ASKS(LIST_SERVICES))
                return tell_services(reflection, request);
        if (request->message_request_case == ASKS(FILE_BY_FILENAME))
                return tell_files(reflection, request, is_named, request->file_by_filename);
        if (request->message_request_case == ASKS(FILE_CONTAINING_SYMBOL))
                return tell_files(reflection, request, is_package_of, request->file_containing_symbol);
        return tell_not_found(reflection, request, "proto3 files have no extensions");
}

static RpcStatus reflection_info(void *user, RpcCall *call, const void *nothing) {
        size_t size = (size_t)(rpc_descriptor_set_end - rpc_descriptor_set);
        Reflection reflection = {.server = user,
                                 .call = call,
                                 .set = retrovue__rpc__v1__descriptor_set__unpack(NULL, size, rpc_descriptor_set)};
        g_assert(reflection.set);
        bool more = true;
        ReflectionRequest *request;
        while (more && (request = rpc_read(call))) {
                more = reflect(&reflection, request);
                rpc_message_free(request);
        }
        rpc_message_free(reflection.set);
        return RPC_OK;
}

void rpc_standard_add(RpcServer *server) {
        static const RpcMethod health[] = {{"Check", .unary = health_check}, {"Watch", .stream = health_watch}};
        static const RpcMethod reflection[] = {
                {"ServerReflectionInfo", .stream = reflection_info, .client_streams = true}};
        static ProtobufCServiceDescriptor v1alpha;
        static gsize once;
        if (g_once_init_enter(&once)) {
                v1alpha = grpc__reflection__v1__server_reflection__descriptor;
                v1alpha.name = "grpc.reflection.v1alpha.ServerReflection";
                g_once_init_leave(&once, 1);
        }
        rpc_server_add(server, &grpc__health__v1__health__descriptor, health, G_N_ELEMENTS(health), server);
        rpc_server_add(server, &grpc__reflection__v1__server_reflection__descriptor, reflection,
                       G_N_ELEMENTS(reflection), server);
        rpc_server_add(server, &v1alpha, reflection, G_N_ELEMENTS(reflection), server);
}
