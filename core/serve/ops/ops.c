#include "core/serve/ops/ops.h"

#include "core/serve/ops/ops_private.h"
#include "proto/base/log.h"
#include "proto/base/mailbox.h"

#define GRACE_MS 500
#define SOCKET_MODE 0660

bool ops_hold(Ops *ops) {
        pthread_mutex_lock(&ops->lock);
        if (!ops->stopped)
                return true;
        pthread_mutex_unlock(&ops->lock);
        return false;
}

void ops_release(Ops *ops) {
        pthread_mutex_unlock(&ops->lock);
}

RpcStatus ops_stopping(void) {
        return rpc_status(RPC_CODE_UNAVAILABLE, "retrovue is stopping");
}

RpcStatus ops_no_channel(const char *channel_id) {
        g_autofree char *shown = g_utf8_make_valid(channel_id, (gssize)strnlen(channel_id, 100));
        return rpc_status(RPC_CODE_NOT_FOUND, "there is no channel \"%s\"", shown);
}

PlanView *ops_view(Ops *ops, const char *channel_id, RpcStatus *ret_status) {
        PlanView *view = plan_board_view(ops->options.board, channel_id);
        if (!view)
                *ret_status = ops_no_channel(channel_id);
        return view;
}

/* --- life -------------------------------------------------------------------------------------------------------- */

static void quit(void *user) {
        g_main_loop_quit(user);
}

static void run(void *user) {
        Ops *ops = user;
        g_main_context_push_thread_default(ops->context);
        g_main_loop_run(ops->loop);
        listeners_end(ops);
        rpc_server_free(g_steal_pointer(&ops->server), GRACE_MS);
        while (g_main_context_iteration(ops->context, FALSE)) /* those who leave */
                ;
        g_main_context_pop_thread_default(ops->context);
}

static void add_services(Ops *ops) {
        static const RpcMethod methods[] = {
                {"ListChannels", .unary = ops_list_channels},
                {"GetChannel", .unary = ops_get_channel},
                {"WatchChannels", .flow = &listener_channels},
                {"Subscribe", .flow = &listener_events},
                {"GetPlan", .unary = ops_get_plan},
                {"GetHorizon", .unary = ops_get_horizon},
                {"ExtendHorizon", .flow = &ops_extension},
                {"AddOverride", .unary = ops_add_override},
                {"ListOverrides", .unary = ops_list_overrides},
                {"CancelOverride", .unary = ops_cancel_override},
        };
        rpc_server_add(ops->server, &retrovue__operations__v1__operations__descriptor, methods, G_N_ELEMENTS(methods),
                       ops);
}

/* INV-OPS-006 */
static RpcStatus authorize(void *user, const char *shown) {
        const Ops *ops = user;
        switch (tokens_ask(ops->tokens, tokens_of_header(shown))) {
        case TOKEN_GOOD:
                return RPC_OK;
        case TOKEN_NONE_USABLE:
                return rpc_status(RPC_CODE_UNAVAILABLE, "tokens_file cannot be used; the log says why");
        case TOKEN_MISSING:
                return rpc_status(RPC_CODE_UNAUTHENTICATED,
                                  "send \"authorization: Bearer\" and one of the tokens of tokens_file");
        case TOKEN_WRONG:
        default:
                return rpc_status(RPC_CODE_UNAUTHENTICATED, "the token is none of those in tokens_file");
        }
}

static bool listen_everywhere(Ops *ops, GError **error) {
        const OpsOptions *options = &ops->options;
        if (!rpc_server_listen(ops->server, options->socket_path, error))
                return false;
        if (!options->listen)
                return true;
        ops->tokens = tokens_new(options->tokens_file);
        ops->tls = rpc_tls_new(options->certificate, options->key, error);
        if (!ops->tls)
                return false;
        rpc_server_listen_network(ops->server, &(RpcNetwork){.address = options->listen,
                                                             .credentials = rpc_tls_credentials(ops->tls),
                                                             .authorize = authorize,
                                                             .user = ops});
        return true;
}

static bool start(Ops *ops, GError **error) {
        ops->store = store_open(ops->options.store_path, error);
        if (!ops->store || !store_identity(ops->store, &ops->store_id, error))
                return false;
        ops->server = rpc_server_new(ops->context, (RpcOptions){.socket_mode = SOCKET_MODE}); /* INV-OPS-006 */
        add_services(ops);
        if (!listen_everywhere(ops, error) || !rpc_server_start(ops->server, error))
                return false;
        if (ops->options.listen)
                rv_info("ops.listening", RV_S("address", ops->options.listen),
                        RV_I("port", rpc_server_port(ops->server)));
        ops->thread = rv_thread_start("ops", RV_PRIORITY_NORMAL, run, ops, error);
        return ops->thread != NULL;
}

Ops *ops_new(const OpsOptions *options, GError **error) {
        Ops *ops = g_new0(Ops, 1);
        ops->options = *options;
        ops->context = g_main_context_new();
        ops->loop = g_main_loop_new(ops->context, FALSE);
        ops->listeners = g_ptr_array_new();
        pthread_mutex_init(&ops->lock, NULL);
        if (start(ops, error))
                return ops;
        ops_free(ops);
        return NULL;
}

void ops_stop(Ops *ops) {
        if (!ops)
                return;
        pthread_mutex_lock(&ops->lock);
        ops->stopped = true;
        pthread_mutex_unlock(&ops->lock);
        rpc_server_set_serving(ops->server, false); /* INV-OPS-005 */
}

void ops_free(Ops *ops) {
        if (!ops)
                return;
        if (ops->thread)
                rv_mailbox_call(ops->context, quit, ops->loop);
        rv_thread_join(ops->thread);
        rpc_server_free(ops->server, 0);
        rpc_tls_free(ops->tls);
        tokens_free(ops->tokens);
        g_assert(ops->listeners->len == 0);
        g_ptr_array_unref(ops->listeners);
        store_close(ops->store);
        g_main_loop_unref(ops->loop);
        g_main_context_unref(ops->context);
        pthread_mutex_destroy(&ops->lock);
        g_free(ops);
}
