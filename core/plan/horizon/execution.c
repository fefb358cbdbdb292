/* The execution half of a channel's plan: programmes become filled, checked, locked blocks. */
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "core/plan/horizon/channel_plan.h"
#include "proto/base/log.h"
#include "proto/failure/failure.h"

#define REFUSALS_MAX 16        /* assets given up for one block before the fault is the operator's */
#define REALIGN_UNIT_MS 300000 /* of filler that leads back to the grid after the grid was changed */

const TrafficInventory *channel_plan_inventory(ChannelPlan *plan) {
        if (!plan->inventory)
                plan->inventory = traffic_inventory_new(plan->spec, plan->catalog, plan->excluded);
        return plan->inventory;
}

/* The programme that the next block is made of; NULL: the guide does not reach that far. */
static Programme *next_programme(const ChannelPlan *plan, int64_t now_utc_ms) {
        const int64_t end = channel_plan_execution_end(plan);
        /* INV-PLAYLOG-COVERAGE-HOLE-001: what is on the air now is planned too, also after a time without plan. */
        const int64_t at = MAX(end, now_utc_ms - PLAN_LEAD_MS);
        Programme *programme = channel_plan_programme_at(plan, at);
        return programme ? programme : channel_plan_programme_at(plan, now_utc_ms);
}

static int64_t unit_of(const ChannelPlan *plan, const Programme *programme) {
        const int64_t grid_ms = plan->spec->grid_minutes * INT64_C(60000);
        const bool realigns =
                !programme->asset_id && !programme->entry && programme->end_utc_ms - programme->start_utc_ms < grid_ms;
        return realigns ? REALIGN_UNIT_MS : grid_ms;
}

/* The asset is not used any more, for now; what was planned with it is planned anew. */
static bool exclude(ChannelPlan *plan, const char *asset_id, TlFault fault, const Programme *programme,
                    int64_t now_utc_ms) {
        const bool content = g_strcmp0(programme->asset_id, asset_id) == 0;
        if (!g_hash_table_insert(plan->excluded, g_strdup(asset_id), GINT_TO_POINTER(fault)))
                return false; /* already, and yet it was planned */
        g_clear_pointer(&plan->inventory, traffic_inventory_free);
        return !content || channel_plan_recompile(plan, now_utc_ms);
}

typedef enum { TRY_DONE, TRY_AGAIN, TRY_FAILED } Try;

static Try judge(ChannelPlan *plan, const Programme *programme, BlockPlan *block, int64_t now_utc_ms) {
        const BlockPlan *previous = plan->blocks->len > 0 ? plan->blocks->pdata[plan->blocks->len - 1] : NULL;
        const bool touches = previous && previous->end_utc_ms > now_utc_ms - PLAN_LEAD_MS;
        const TlRules rules = {.spec = plan->spec,
                               .catalog = plan->catalog,
                               .unit_ms = unit_of(plan, programme),
                               .previous = touches ? previous : NULL};
        g_autoptr(GPtrArray) blocks = g_ptr_array_new();
        g_auto(TlRefusal) refusal = {0};
        g_ptr_array_add(blocks, block);
        const TlFault fault = transmission_log_check(&rules, blocks, &refusal);
        if (fault == TL_OK) {
                if (!touches)
                        g_ptr_array_set_size(plan->blocks, 0);
                g_ptr_array_add(plan->blocks, block_plan_ref(block));
                plan->n_unstored++;
                return TRY_DONE;
        }
        rv_warning("horizon.lock_refused", RV_S("channel", plan->spec->id), RV_S("rule", tl_fault_name(fault)),
                   RV_S("reason", refusal.detail));
        failure_note_of("lock", tl_fault_name(fault), refusal.detail);
        channel_plan_fault(plan, "%s", refusal.detail);
        return refusal.asset_id && exclude(plan, refusal.asset_id, fault, programme, now_utc_ms) ? TRY_AGAIN
                                                                                                 : TRY_FAILED;
}

static Try try_block(ChannelPlan *plan, int64_t now_utc_ms) {
        g_autoptr(GError) error = NULL;
        TrafficReport report = {0};
        Programme *planned = next_programme(plan, now_utc_ms);
        if (!planned) {
                channel_plan_fault(plan, "nothing is planned after the last block");
                return TRY_FAILED;
        }
        g_autoptr(Programme) programme = programme_ref(planned); /* a recompilation may let go of it */
        g_autoptr(GArray) items = traffic_fill(channel_plan_inventory(plan), plan->history, channel_plan_coming(plan),
                                               programme, &report, &error);
        if (!items) {
                channel_plan_fault(plan, "%s", error->message);
                return programme->asset_id && exclude(plan, programme->asset_id, TL_INELIGIBLE, programme, now_utc_ms)
                               ? TRY_AGAIN
                               : TRY_FAILED;
        }
        g_autoptr(BlockPlan) block = transmission_log_block(plan->spec, programme, items);
        transmission_log_dress(block, plan->spec, programme,
                               channel_plan_next_shown(plan, NULL, programme->end_utc_ms));
        const Try outcome = judge(plan, programme, block, now_utc_ms);
        if (outcome == TRY_DONE)
                plan->n_empty += report.empty_breaks;
        else
                traffic_history_forget_from(plan->history, programme->start_utc_ms);
        return outcome;
}

/* What evidence has said since; without it what is known is planned with. */
static void take_up_plays(ChannelPlan *plan, int64_t now_utc_ms) {
        g_autoptr(GError) error = NULL;
        if (!traffic_history_take_up(plan->history, plan->store, plan->spec, now_utc_ms, &error))
                rv_warning("horizon.history", RV_S("channel", plan->spec->id), RV_S("error", error->message));
}

bool channel_plan_extend_block(ChannelPlan *plan, int64_t now_utc_ms) {
        take_up_plays(plan, now_utc_ms);
        for (unsigned i = 0; i < REFUSALS_MAX; i++) {
                const Try outcome = try_block(plan, now_utc_ms);
                if (outcome != TRY_AGAIN)
                        return outcome == TRY_DONE;
        }
        return false;
}

bool channel_plan_store(ChannelPlan *plan, int64_t now_utc_ms) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GPtrArray) blocks = g_ptr_array_new();
        if (plan->n_unstored == 0)
                return true;
        const guint first = plan->blocks->len - plan->n_unstored;
        for (guint i = first; i < plan->blocks->len; i++)
                g_ptr_array_add(blocks, plan->blocks->pdata[i]);
        plan->n_unstored = 0;
        if (transmission_log_lock(plan->store, plan->spec, blocks, now_utc_ms, &error)) {
                plan->dirty = true;
                return true;
        }
        channel_plan_fault(plan, "blocks cannot be stored: %s", error->message);
        traffic_history_forget_from(plan->history, ((const BlockPlan *)blocks->pdata[0])->start_utc_ms);
        g_ptr_array_set_size(plan->blocks, (gint)first);
        return false;
}

void channel_plan_readmit(ChannelPlan *plan) {
        GHashTableIter iter;
        gpointer asset_id, fault;
        bool changed = false;
        unsigned n_out = 0;
        const Asset *out = NULL;
        g_hash_table_iter_init(&iter, plan->excluded);
        while (g_hash_table_iter_next(&iter, &asset_id, &fault)) {
                const Asset *asset = channel_spec_asset(plan->spec, plan->catalog, asset_id);
                if (GPOINTER_TO_INT(fault) == TL_UNRESOLVED && asset && g_access(asset->uri, R_OK) == 0) {
                        g_hash_table_iter_remove(&iter);
                        changed = true;
                } else if (asset) {
                        out = asset;
                        n_out++;
                }
        }
        if (out)
                channel_plan_fault(plan,
                                   "%u assets of the catalog cannot be put on the air and are left out: %s is one",
                                   n_out, out->uri);
        if (changed)
                g_clear_pointer(&plan->inventory, traffic_inventory_free);
}
