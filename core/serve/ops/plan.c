/* What is planned, and planning further. */
#include "core/plan/transmission_log/transmission_log.h"
#include "core/serve/ops/ops_private.h"
#include "proto/block_plan/block_plan.h"

#define ANSWER_BYTES (768 * 1024) /* of blocks: less than a message may have */
#define MAX_AHEAD_MS (INT64_C(8) * 24 * 60 * 60 * 1000)
#define MAX_BLOCKS 500

typedef Retrovue__Playout__V1__BlockPlan BlockMessage;

/* --- locked blocks ------------------------------------------------------------------------------------------------ */

/* A message that owns what it holds. */
static BlockMessage *block_message(const BlockPlan *block, bool without_segments) {
        size_t size;
        g_autofree uint8_t *data = block_plan_pack(block, &size);
        BlockMessage *message = retrovue__playout__v1__block_plan__unpack(NULL, size, data);
        g_assert(message);
        for (size_t i = 0; without_segments && i < message->n_segments; i++)
                rpc_message_free(message->segments[i]);
        if (without_segments)
                message->n_segments = 0;
        return message;
}

/* INV-OPS-004: as many as one answer holds, one at least. */
static void fill_plan(Retrovue__Operations__V1__GetPlanResponse *answer, const GPtrArray *blocks,
                      const Retrovue__Operations__V1__GetPlanRequest *asked) {
        const int64_t to = asked->to_utc_ms > 0 ? asked->to_utc_ms : INT64_MAX;
        size_t bytes = 0;
        answer->blocks = g_new0(BlockMessage *, blocks->len);
        for (guint i = 0; i < blocks->len; i++) {
                const BlockPlan *block = blocks->pdata[i];
                if (block->start_utc_ms >= to)
                        return;
                BlockMessage *message = block_message(block, asked->without_segments);
                bytes += retrovue__playout__v1__block_plan__get_packed_size(message);
                if (bytes > ANSWER_BYTES && answer->n_blocks > 0) {
                        answer->next_from_utc_ms = block->start_utc_ms;
                        rpc_message_free(message);
                        return;
                }
                answer->blocks[answer->n_blocks++] = message;
        }
}

RpcStatus ops_get_plan(void *user, const void *request, void *response) {
        Ops *ops = user;
        const Retrovue__Operations__V1__GetPlanRequest *asked = request;
        g_autoptr(GError) error = NULL;
        RpcStatus status = RPC_OK;
        if (asked->from_utc_ms < 0 || asked->to_utc_ms < 0 ||
            (asked->to_utc_ms > 0 && asked->to_utc_ms <= asked->from_utc_ms))
                return rpc_status(RPC_CODE_INVALID_ARGUMENT, "to_utc_ms must be after from_utc_ms");
        if (!ops_hold(ops))
                return ops_stopping();
        g_autoptr(PlanView) view = ops_view(ops, asked->channel_id, &status);
        ops_release(ops);
        if (!view)
                return status;
        const int64_t from = asked->from_utc_ms > 0 ? asked->from_utc_ms : rv_clock_utc_ms(ops->options.clock);
        g_autoptr(GPtrArray) blocks = transmission_log_blocks(ops->store, asked->channel_id, from, &error);
        if (!blocks)
                return rpc_status(RPC_CODE_UNAVAILABLE, "%s", error->message);
        fill_plan(response, blocks, asked);
        return RPC_OK;
}

/* --- the horizon -------------------------------------------------------------------------------------------------- */

RpcStatus ops_get_horizon(void *user, const void *request, void *response) {
        Ops *ops = user;
        const Retrovue__Operations__V1__GetHorizonRequest *asked = request;
        RpcStatus status = RPC_OK;
        if (!ops_hold(ops))
                return ops_stopping();
        g_autoptr(PlanView) view = ops_view(ops, asked->channel_id, &status);
        if (view)
                ops_fill_horizon(ops, response, view);
        ops_release(ops);
        return status;
}

/* A call that waits for who plans; freed when it is answered and its caller has been told. Any thread. */
typedef struct {
        gatomicrefcount refs;
        Ops *ops;
        RpcFlow *flow;
        char *channel_id;
} Extension;

static void extension_unref(Extension *extension) {
        if (!g_atomic_ref_count_dec(&extension->refs))
                return;
        g_free(extension->channel_id);
        g_free(extension);
}

static RpcStatus answer_extension(Extension *extension) {
        Ops *ops = extension->ops;
        RpcStatus status = RPC_OK;
        HorizonMessage *message = g_new0(HorizonMessage, 1);
        retrovue__operations__v1__horizon__init(message);
        if (!ops_hold(ops)) {
                rpc_message_free(message);
                return ops_stopping();
        }
        g_autoptr(PlanView) view = ops_view(ops, extension->channel_id, &status);
        if (view)
                ops_fill_horizon(ops, message, view);
        ops_release(ops);
        if (view)
                (void)rpc_flow_write(extension->flow, message);
        rpc_message_free(message);
        return status;
}

static RpcStatus short_status(Ops *ops, const char *channel_id) {
        RpcStatus status = RPC_OK;
        if (!ops_hold(ops))
                return ops_stopping();
        g_autoptr(PlanView) view = ops_view(ops, channel_id, &status);
        ops_release(ops);
        if (!view)
                return status;
        g_autofree char *fault = g_utf8_make_valid(view->fault ? view->fault : "the plan cannot be made longer", -1);
        return rpc_status(RPC_CODE_FAILED_PRECONDITION, "%s", fault);
}

static void extended(void *user, ExtendResult result) {
        Extension *extension = user;
        RpcStatus status = ops_stopping();
        if (result == EXTEND_OK)
                status = answer_extension(extension);
        else if (result == EXTEND_SHORT)
                status = short_status(extension->ops, extension->channel_id);
        else if (result == EXTEND_NO_CHANNEL)
                status = ops_no_channel(extension->channel_id);
        rpc_flow_finish(extension->flow, status);
        extension_unref(extension);
}

static bool read_call(const Retrovue__Operations__V1__ExtendHorizonRequest *asked, int64_t now_utc_ms,
                      ExtendCall *ret_call) {
        ret_call->channel_id = asked->channel_id;
        switch (asked->by_case) {
        case RETROVUE__OPERATIONS__V1__EXTEND_HORIZON_REQUEST__BY_GUIDE_DAY:
                ret_call->by = EXTEND_BY_GUIDE_DAY;
                return asked->guide_day;
        case RETROVUE__OPERATIONS__V1__EXTEND_HORIZON_REQUEST__BY_EXECUTION_DAY:
                ret_call->by = EXTEND_BY_EXECUTION_DAY;
                return asked->execution_day;
        case RETROVUE__OPERATIONS__V1__EXTEND_HORIZON_REQUEST__BY_EXECUTION_BLOCKS:
                ret_call->by = EXTEND_BY_EXECUTION_BLOCKS;
                ret_call->amount = asked->execution_blocks;
                return ret_call->amount >= 1 && ret_call->amount <= MAX_BLOCKS;
        case RETROVUE__OPERATIONS__V1__EXTEND_HORIZON_REQUEST__BY_EXECUTION_UNTIL_UTC_MS:
                ret_call->by = EXTEND_BY_EXECUTION_UNTIL;
                ret_call->amount = asked->execution_until_utc_ms;
                return ret_call->amount > 0 && ret_call->amount <= now_utc_ms + MAX_AHEAD_MS;
        case RETROVUE__OPERATIONS__V1__EXTEND_HORIZON_REQUEST__BY__NOT_SET:
        case _RETROVUE__OPERATIONS__V1__EXTEND_HORIZON_REQUEST__BY__CASE_IS_INT_SIZE:
        default:
                return false;
        }
}

static void refuse_extension(Extension *extension, RpcStatus status) {
        rpc_flow_finish(extension->flow, status);
        extension_unref(extension);
}

/* The server's thread. */
static void *extension_asked(void *user, RpcFlow *flow, const void *request) {
        Ops *ops = user;
        const Retrovue__Operations__V1__ExtendHorizonRequest *asked = request;
        ExtendCall call = {0};
        Extension *extension = g_new0(Extension, 1);
        *extension = (Extension){.ops = ops, .flow = flow, .channel_id = g_strdup(asked->channel_id)};
        g_atomic_ref_count_init(&extension->refs);
        g_atomic_ref_count_inc(&extension->refs); /* who answers; the flow */
        if (!read_call(asked, rv_clock_utc_ms(ops->options.clock), &call)) {
                refuse_extension(extension, rpc_status(RPC_CODE_INVALID_ARGUMENT,
                                                       "ask for guide_day, execution_day, 1 to %d execution_blocks or "
                                                       "execution_until_utc_ms, 8 days from now at most",
                                                       MAX_BLOCKS));
        } else if (!ops_hold(ops)) {
                refuse_extension(extension, ops_stopping());
        } else {
                ops->options.extend(ops->options.user, &call, extended, extension);
                ops_release(ops);
        }
        return extension;
}

static void extension_ended(void *user) {
        extension_unref(user);
}

const RpcFlowOps ops_extension = {.asked = extension_asked, .ended = extension_ended};
