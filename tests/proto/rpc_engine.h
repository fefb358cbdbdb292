/* A playout engine and a recorder that only talk: the real services with handlers that answer by rule, on a control
 * loop of their own thread. */
#pragma once

#include <glib.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "proto/base/thread.h"
#include "proto/evidence.pb-c.h"
#include "proto/playout.pb-c.h"
#include "proto/rpc/rpc.h"
#include "tests/support/cmocka.h"
#include "tests/support/temp_dir.h"

#define PLAYOUT (&retrovue__playout__v1__playout_control__descriptor)
#define EVIDENCE (&retrovue__evidence__v1__evidence__descriptor)

typedef Retrovue__Playout__V1__GetVersionRequest VersionRequest;
typedef Retrovue__Playout__V1__GetVersionResponse VersionResponse;
typedef Retrovue__Playout__V1__AttachStreamRequest AttachRequest;
typedef Retrovue__Playout__V1__AttachStreamResponse AttachResponse;
typedef Retrovue__Playout__V1__SubscribeBlockEventsRequest SubscribeRequest;
typedef Retrovue__Playout__V1__BlockEvent BlockEvent;
typedef Retrovue__Evidence__V1__EvidenceFromAir EvidenceMessage;
typedef Retrovue__Evidence__V1__EvidenceAck Ack;

typedef struct {
        RpcServer *server;
        GMainContext *context;
        GMainLoop *loop;
        RvThread *thread;
        char *dir;
        char *path;

        atomic_int handled;     /* unary calls that reached their handler */
        atomic_int off_context; /* of those: not on the context's thread */

        pthread_mutex_t lock; /* guards: */
        pthread_cond_t changed;
        int n_events;        /* what a subscriber gets before its handler waits; < 0: without end */
        char *ballast;       /* the channel_id of each event; set once */
        int open;            /* stream handlers running */
        int written;         /* events that their handlers got rid of */
        RpcCall *subscriber; /* the newest, while its handler waits to be woken */
} Engine;

static inline RpcStatus engine_version(void *user, const void *request, void *response) {
        Engine *engine = user;
        VersionResponse *answer = response;
        atomic_fetch_add(&engine->handled, 1);
        if (!g_main_context_is_owner(engine->context))
                atomic_fetch_add(&engine->off_context, 1);
        answer->version = g_strdup("0.1.0");
        answer->protocol_version = 1;
        answer->session_epoch_utc_ms = INT64_C(1795320000000);
        return RPC_OK;
}

/* Endpoint "refuse" is answered by an error, "huge" by as many bytes as transport says, "die" by the end of it all. */
static inline RpcStatus engine_attach(void *user, const void *request, void *response) {
        Engine *engine = user;
        const AttachRequest *asked = request;
        AttachResponse *answer = response;
        atomic_fetch_add(&engine->handled, 1);
        if (g_str_equal(asked->endpoint, "die"))
                (void)raise(SIGKILL);
        if (g_str_equal(asked->endpoint, "refuse"))
                return rpc_status(RPC_CODE_FAILED_PRECONDITION, "no %s %d%%", "stream", 100);
        answer->result = RETROVUE__PLAYOUT__V1__RESULT__RESULT_OK;
        answer->detail = g_str_equal(asked->endpoint, "huge") ? g_strnfill((gsize)asked->transport, 'x')
                                                              : g_strdup(asked->endpoint);
        return RPC_OK;
}

/* What subscribers get from now on: so many events of at least so many bytes. */
static inline void engine_set_events(Engine *engine, int n_events, gsize bytes) {
        pthread_mutex_lock(&engine->lock);
        g_assert(!engine->ballast);
        engine->n_events = n_events;
        engine->ballast = g_strnfill(bytes, 'x');
        pthread_mutex_unlock(&engine->lock);
}

static inline void engine_note(Engine *engine, int opened, int written, RpcCall *subscriber) {
        pthread_mutex_lock(&engine->lock);
        engine->open += opened;
        engine->written += written;
        engine->subscriber = subscriber;
        pthread_cond_broadcast(&engine->changed);
        pthread_mutex_unlock(&engine->lock);
}

/* Until so many stream handlers run. */
static inline void engine_await_open(Engine *engine, int n) {
        pthread_mutex_lock(&engine->lock);
        while (engine->open != n)
                pthread_cond_wait(&engine->changed, &engine->lock);
        pthread_mutex_unlock(&engine->lock);
}

static inline void engine_await_written(Engine *engine, int n) {
        pthread_mutex_lock(&engine->lock);
        while (engine->written < n)
                pthread_cond_wait(&engine->changed, &engine->lock);
        pthread_mutex_unlock(&engine->lock);
}

/* f(call) with the subscriber's call, when its handler waits. */
static inline void engine_with_subscriber(Engine *engine, void (*f)(RpcCall *call)) {
        pthread_mutex_lock(&engine->lock);
        while (!engine->subscriber)
                pthread_cond_wait(&engine->changed, &engine->lock);
        f(engine->subscriber);
        pthread_mutex_unlock(&engine->lock);
}

static inline bool engine_emit(Engine *engine, RpcCall *call, char *ballast, int64_t sequence) {
        BlockEvent event = RETROVUE__PLAYOUT__V1__BLOCK_EVENT__INIT;
        event.sequence = sequence;
        if (ballast)
                event.channel_id = ballast;
        if (!rpc_write(call, &event))
                return false;
        engine_note(engine, 0, 1, NULL);
        return true;
}

/* n_events events, then one (of sequence -1) for every time it is woken. */
static inline RpcStatus engine_subscribe(void *user, RpcCall *call, const void *request) {
        Engine *engine = user;
        bool more = true;
        pthread_mutex_lock(&engine->lock);
        int n_events = engine->n_events;
        char *ballast = engine->ballast;
        pthread_mutex_unlock(&engine->lock);
        engine_note(engine, 1, 0, NULL);
        for (int i = 1; more && (n_events < 0 || i <= n_events); i++)
                more = engine_emit(engine, call, ballast, i);
        while (more) {
                engine_note(engine, 0, 0, call);
                more = rpc_wait(call, -1) == RPC_EVENT_WOKEN && engine_emit(engine, call, ballast, -1);
        }
        engine_note(engine, -1, 0, NULL);
        return RPC_OK;
}

/* Acknowledges each message; sequence -2 makes it end with an error. */
static inline RpcStatus engine_evidence(void *user, RpcCall *call, const void *nothing) {
        Engine *engine = user;
        RpcStatus status = RPC_OK;
        EvidenceMessage *message;
        bool more = true;
        engine_note(engine, 1, 0, NULL);
        while (more && (message = rpc_read(call))) {
                Ack ack = RETROVUE__EVIDENCE__V1__EVIDENCE_ACK__INIT;
                ack.acked_sequence = message->sequence;
                if (message->sequence == -2)
                        status = rpc_status(RPC_CODE_FAILED_PRECONDITION, "disk full");
                more = status.code == RPC_CODE_OK && rpc_write(call, &ack);
                rpc_message_free(message);
        }
        engine_note(engine, -1, 0, NULL);
        return status;
}

static inline void engine_loop(void *user) {
        Engine *engine = user;
        g_main_context_push_thread_default(engine->context);
        g_main_loop_run(engine->loop);
        g_main_context_pop_thread_default(engine->context);
}

/* Not yet listening; its loop does not turn yet. Its socket is dir/engine.sock. */
static inline Engine *engine_new_in(char *take_dir, RpcOptions options) {
        static const RpcMethod playout[] = {
                {"GetVersion", .unary = engine_version},
                {"AttachStream", .unary = engine_attach},
                {"SubscribeBlockEvents", .stream = engine_subscribe},
        };
        static const RpcMethod evidence[] = {{"EvidenceStream", .stream = engine_evidence, .client_streams = true}};
        rpc_init();
        Engine *engine = g_new0(Engine, 1);
        pthread_mutex_init(&engine->lock, NULL);
        pthread_cond_init(&engine->changed, NULL);
        engine->dir = take_dir;
        engine->path = g_build_filename(engine->dir, "engine.sock", NULL);
        engine->context = g_main_context_new();
        engine->loop = g_main_loop_new(engine->context, FALSE);
        engine->server = rpc_server_new(engine->context, options);
        rpc_server_add(engine->server, PLAYOUT, playout, G_N_ELEMENTS(playout), engine);
        rpc_server_add(engine->server, EVIDENCE, evidence, G_N_ELEMENTS(evidence), engine);
        return engine;
}

static inline Engine *engine_new(RpcOptions options) {
        return engine_new_in(temp_dir_new(), options);
}

static inline void engine_run_loop(Engine *engine) {
        g_autoptr(GError) error = NULL;
        engine->thread = rv_thread_start("engine-loop", RV_PRIORITY_NORMAL, engine_loop, engine, &error);
        g_assert_no_error(error);
}

static inline gboolean engine_quit_loop(gpointer engine) {
        g_main_loop_quit(((Engine *)engine)->loop);
        return G_SOURCE_REMOVE;
}

static inline void engine_start(Engine *engine) {
        g_autoptr(GError) error = NULL;
        rpc_server_listen(engine->server, engine->path, &error);
        g_assert_no_error(error);
        rpc_server_start(engine->server, &error);
        g_assert_no_error(error);
}

static inline Engine *engine_serving(RpcOptions options) {
        Engine *engine = engine_new(options);
        engine_start(engine);
        engine_run_loop(engine);
        return engine;
}

/* Its loop ends, as the program's would that frees its server. */
static inline void engine_stop_loop(Engine *engine) {
        if (!engine->thread)
                return;
        g_autoptr(GSource) source = g_idle_source_new();
        g_source_set_callback(source, engine_quit_loop, engine, NULL);
        g_source_attach(source, engine->context);
        rv_thread_join(g_steal_pointer(&engine->thread));
}

static inline void engine_free(Engine *engine, int grace_ms) {
        engine_stop_loop(engine);
        rpc_server_free(engine->server, grace_ms);
        g_main_loop_unref(engine->loop);
        g_main_context_unref(engine->context);
        temp_dir_free(engine->dir);
        g_free(engine->path);
        g_free(engine->ballast);
        pthread_cond_destroy(&engine->changed);
        pthread_mutex_destroy(&engine->lock);
        g_free(engine);
}
