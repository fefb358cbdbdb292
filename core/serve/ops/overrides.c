/* Changes of the plan, as `retrovue override` asks for them: by the rules that the planner decides by. */
#include "core/plan/horizon/override.h"
#include "core/serve/ops/ops_private.h"
#include "proto/base/error.h"

typedef Retrovue__Operations__V1__Override OverrideMessage;

static char *copy(const char *text) {
        return g_utf8_make_valid(text ? text : "", -1);
}

static void fill_override(OverrideMessage *message, const Override *override) {
        message->id = override->id;
        message->channel_id = copy(override->channel_id);
        message->kind = (Retrovue__Operations__V1__OverrideKind) override->kind;
        message->at_utc_ms = override->at_utc_ms;
        message->asset_id = copy(override->asset_id);
        message->state = copy(override_state_name(override->state));
        message->detail = copy(override->detail);
        message->asked_utc_ms = override->asked_utc_ms;
        message->decided_utc_ms = override->decided_utc_ms;
        message->start_utc_ms = override->start_utc_ms;
        message->end_utc_ms = override->end_utc_ms;
}

static RpcStatus unavailable(const GError *error) {
        return rpc_status(RPC_CODE_UNAVAILABLE, "%s", error->message);
}

/* NULL after *ret_status was set. */
static PlanView *view_of(Ops *ops, const char *channel_id, RpcStatus *ret_status) {
        *ret_status = ops_stopping();
        if (!ops_hold(ops))
                return NULL;
        PlanView *view = ops_view(ops, channel_id, ret_status);
        ops_release(ops);
        return view;
}

/* --- asking for one ----------------------------------------------------------------------------------------------- */

/* By day and catalog as they are stored now. */
static RpcStatus judge(Ops *ops, const ChannelSpec *spec, const Override *override) {
        g_autoptr(GError) error = NULL;
        g_autoptr(CatalogSnapshot) catalog = catalog_load(ops->store, &error);
        g_autoptr(GPtrArray) days = catalog ? schedule_store_days(ops->store, spec->id, "1970-01-01", &error) : NULL;
        const Programme *planned;
        if (!days)
                return unavailable(error);
        const ScheduleDay *day = override_place(days, override->at_utc_ms, &planned);
        g_autofree char *objection = override_objection(spec, catalog, day, override);
        if (objection)
                return rpc_status(RPC_CODE_FAILED_PRECONDITION, "%s", objection);
        if (planned && planned->start_utc_ms <= override->asked_utc_ms)
                return rpc_status(RPC_CODE_FAILED_PRECONDITION,
                                  "what is planned then is on the air: the next programme can be changed");
        return RPC_OK;
}

/* Sets override's asset_id. */
static RpcStatus find_asset(Ops *ops, const char *word, Override *override) {
        g_autoptr(GError) error = NULL;
        if (override->kind == OVERRIDE_SKIP)
                return *word ? rpc_status(RPC_CODE_INVALID_ARGUMENT, "skip takes no asset") : RPC_OK;
        override->asset_id = catalog_resolve(ops->store, word, &error);
        if (override->asset_id)
                return RPC_OK;
        if (g_error_matches(error, RV_ERROR, RV_ERROR_NOT_FOUND))
                return rpc_status(RPC_CODE_NOT_FOUND, "%s", error->message);
        return g_error_matches(error, RV_ERROR, RV_ERROR_INVALID)
                       ? rpc_status(RPC_CODE_INVALID_ARGUMENT, "%s", error->message)
                       : unavailable(error);
}

static RpcStatus ask_for(Ops *ops, const ChannelSpec *spec, const char *asset, Override *override) {
        g_autoptr(GError) error = NULL;
        override->asked_utc_ms = rv_clock_utc_ms(ops->options.clock);
        if (override->at_utc_ms <= override->asked_utc_ms)
                return rpc_status(RPC_CODE_INVALID_ARGUMENT, "at_utc_ms is past: what has aired is not changed");
        RpcStatus status = find_asset(ops, asset, override);
        if (status.code == RPC_CODE_OK)
                status = judge(ops, spec, override);
        if (status.code == RPC_CODE_OK && !override_store_ask(ops->store, override, &error))
                status = unavailable(error);
        return status;
}

RpcStatus ops_add_override(void *user, const void *request, void *response) {
        Ops *ops = user;
        const Retrovue__Operations__V1__AddOverrideRequest *asked = request;
        RpcStatus status;
        g_autoptr(PlanView) view = view_of(ops, asked->channel_id, &status);
        if (!view)
                return status;
        if (asked->kind < (int)OVERRIDE_REPLACE || asked->kind > (int)OVERRIDE_SKIP)
                return rpc_status(RPC_CODE_INVALID_ARGUMENT, "kind is replace, insert or skip");
        g_autoptr(Override) override = g_new0(Override, 1);
        override->channel_id = g_strdup(asked->channel_id);
        override->kind = (OverrideKind)asked->kind;
        override->at_utc_ms = asked->at_utc_ms;
        status = ask_for(ops, view->spec, asked->asset, override);
        if (status.code == RPC_CODE_OK)
                fill_override(response, override);
        return status;
}

/* --- the rest ----------------------------------------------------------------------------------------------------- */

RpcStatus ops_list_overrides(void *user, const void *request, void *response) {
        Ops *ops = user;
        const Retrovue__Operations__V1__ListOverridesRequest *asked = request;
        Retrovue__Operations__V1__ListOverridesResponse *answer = response;
        g_autoptr(GError) error = NULL;
        RpcStatus status;
        g_autoptr(PlanView) view = view_of(ops, asked->channel_id, &status);
        if (!view)
                return status;
        g_autoptr(GPtrArray) overrides = override_store_list(ops->store, asked->channel_id, &error);
        if (!overrides)
                return unavailable(error);
        answer->overrides = g_new0(OverrideMessage *, overrides->len);
        for (; answer->n_overrides < overrides->len; answer->n_overrides++) {
                OverrideMessage *message = answer->overrides[answer->n_overrides] = g_new0(OverrideMessage, 1);
                retrovue__operations__v1__override__init(message);
                fill_override(message, overrides->pdata[answer->n_overrides]);
        }
        return RPC_OK;
}

RpcStatus ops_cancel_override(void *user, const void *request, void *response) {
        Ops *ops = user;
        const Retrovue__Operations__V1__CancelOverrideRequest *asked = request;
        g_autoptr(GError) error = NULL;
        RpcStatus status;
        bool done = false;
        g_autoptr(PlanView) view = view_of(ops, asked->channel_id, &status);
        if (!view)
                return status;
        if (!override_store_cancel(ops->store, asked->channel_id, asked->id, rv_clock_utc_ms(ops->options.clock), &done,
                                   &error))
                return unavailable(error);
        return done ? RPC_OK
                    : rpc_status(RPC_CODE_NOT_FOUND,
                                 "there is no override %" G_GINT64_FORMAT " that is asked for, in force or refused",
                                 asked->id);
}
