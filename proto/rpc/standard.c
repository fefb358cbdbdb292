/* The services that every server has: grpc.health.v1 and grpc.reflection.v1 (also as v1alpha). */
#include <pthread.h>
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

struct RpcHealth {
        const RpcServer *server;
        pthread_mutex_t lock; /* guards: */
        GPtrArray *watchers;  /* HealthWatcher */
        bool serving, ended;
};

typedef struct {
        RpcHealth *health;
        RpcFlow *flow; /* NULL: finished */
        bool known;    /* what is watched is there */
} HealthWatcher;

/* With the lock held. */
static void tell_watcher(HealthWatcher *watcher) {
        HealthResponse answer = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;
        answer.status = watcher->health->ended || (watcher->known && !watcher->health->serving) ? HEALTH(NOT_SERVING)
                        : watcher->known                                                        ? HEALTH(SERVING)
                                         : HEALTH(SERVICE_UNKNOWN);
        (void)rpc_flow_write(watcher->flow, &answer);
        if (watcher->health->ended)
                rpc_flow_finish(g_steal_pointer(&watcher->flow), RPC_OK);
}

static RpcStatus health_check(void *user, const void *request, void *response) {
        RpcHealth *health = user;
        const HealthRequest *asked = request;
        HealthResponse *answer = response;
        if (!is_served(health->server, asked->service))
                return rpc_status(RPC_CODE_NOT_FOUND, "there is no service %s here", asked->service);
        pthread_mutex_lock(&health->lock);
        answer->status = health->serving ? HEALTH(SERVING) : HEALTH(NOT_SERVING);
        pthread_mutex_unlock(&health->lock);
        return RPC_OK;
}

static void *health_watched(void *user, RpcFlow *flow, const void *request) {
        RpcHealth *health = user;
        const HealthRequest *asked = request;
        HealthWatcher *watcher = g_new0(HealthWatcher, 1);
        *watcher = (HealthWatcher){health, flow, is_served(health->server, asked->service)};
        pthread_mutex_lock(&health->lock);
        g_ptr_array_add(health->watchers, watcher);
        tell_watcher(watcher);
        pthread_mutex_unlock(&health->lock);
        return watcher;
}

static void health_left(void *user) {
        HealthWatcher *watcher = user;
        RpcHealth *health = watcher->health;
        pthread_mutex_lock(&health->lock);
        g_ptr_array_remove_fast(health->watchers, watcher);
        pthread_mutex_unlock(&health->lock);
        if (watcher->flow)
                rpc_flow_finish(watcher->flow, RPC_OK);
        g_free(watcher);
}

/* With the lock held. */
static void tell_watchers(RpcHealth *health) {
        for (guint i = 0; i < health->watchers->len; i++) {
                HealthWatcher *watcher = g_ptr_array_index(health->watchers, i);
                if (watcher->flow)
                        tell_watcher(watcher);
        }
}

void rpc_health_set(RpcHealth *health, bool serving) {
        pthread_mutex_lock(&health->lock);
        const bool changed = health->serving != serving && !health->ended;
        health->serving = serving;
        if (changed)
                tell_watchers(health);
        pthread_mutex_unlock(&health->lock);
}

void rpc_health_end(RpcHealth *health) {
        pthread_mutex_lock(&health->lock);
        health->ended = true;
        tell_watchers(health);
        pthread_mutex_unlock(&health->lock);
}

static RpcHealth *health_new(const RpcServer *server) {
        RpcHealth *health = g_new0(RpcHealth, 1);
        health->server = server;
        health->serving = true;
        health->watchers = g_ptr_array_new();
        pthread_mutex_init(&health->lock, NULL);
        return health;
}

void rpc_health_free(RpcHealth *health) {
        g_ptr_array_unref(health->watchers);
        pthread_mutex_destroy(&health->lock);
        g_free(health);
}

/* --- reflection -------------------------------------------------------------------------------------------------- */

#define ASKS(what) GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_##what
#define TELLS(what) GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_##what

/* One conversation: what is asked, and the files that may be told of. */
typedef struct {
        const RpcServer *server;
        RpcFlow *flow;
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
        return rpc_flow_write(reflection->flow, &response);
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
        return rpc_flow_write(reflection->flow, &response);
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
        return rpc_flow_write(reflection->flow, &response);
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

static void *reflection_opened(void *user, RpcFlow *flow) {
        const size_t size = (size_t)(rpc_descriptor_set_end - rpc_descriptor_set);
        Reflection *reflection = g_new0(Reflection, 1);
        *reflection =
                (Reflection){user, flow, retrovue__rpc__v1__descriptor_set__unpack(NULL, size, rpc_descriptor_set)};
        g_assert(reflection->set);
        rpc_flow_next(flow);
        return reflection;
}

static void reflection_asked(void *user, void *take_request) {
        Reflection *reflection = user;
        if (reflect(reflection, take_request))
                rpc_flow_next(reflection->flow);
        rpc_message_free(take_request);
}

static void reflection_ended(void *user) {
        Reflection *reflection = user;
        rpc_flow_finish(reflection->flow, RPC_OK);
        rpc_message_free(reflection->set);
        g_free(reflection);
}

RpcHealth *rpc_standard_add(RpcServer *server) {
        static const RpcFlowOps watch = {.asked = health_watched, .ended = health_left};
        static const RpcFlowOps info = {
                .opened = reflection_opened, .message = reflection_asked, .ended = reflection_ended};
        static const RpcMethod health_methods[] = {{"Check", .unary = health_check}, {"Watch", .flow = &watch}};
        static const RpcMethod reflection[] = {{"ServerReflectionInfo", .flow = &info}};
        static ProtobufCServiceDescriptor v1alpha;
        static gsize once;
        if (g_once_init_enter(&once)) {
                v1alpha = grpc__reflection__v1__server_reflection__descriptor;
                v1alpha.name = "grpc.reflection.v1alpha.ServerReflection";
                g_once_init_leave(&once, 1);
        }
        RpcHealth *health = health_new(server);
        rpc_server_add(server, &grpc__health__v1__health__descriptor, health_methods, G_N_ELEMENTS(health_methods),
                       health);
        rpc_server_add(server, &grpc__reflection__v1__server_reflection__descriptor, reflection,
                       G_N_ELEMENTS(reflection), server);
        rpc_server_add(server, &v1alpha, reflection, G_N_ELEMENTS(reflection), server);
        return health;
}
