#include "core/plan/horizon/horizon.h"

#include <string.h>

#include "core/plan/horizon/channel_plan.h"
#include "core/plan/schedule/policy.h"
#include "proto/base/log.h"

#define EVALUATE_MS INT64_C(60000)
#define RETRY_MS INT64_C(10000)   /* while a channel has nothing for now */
#define JITTER_MS INT64_C(540000) /* channels do not all extend in the same minute */
#define EPG_DAYS_MAX 40           /* a bound for one evaluation */
#define PURGE_MS INT64_C(3600000) /* how often what is left of channels that are gone is looked for */

struct Horizon {
        HorizonOptions options;
        GHashTable *plans; /* channel id -> ChannelPlan */
        char *logs_dir;
        int64_t purged_utc_ms; /* 0 = not since the start */
};

Horizon *horizon_new(const HorizonOptions *options) {
        Horizon *horizon = g_new0(Horizon, 1);
        horizon->options = *options;
        horizon->logs_dir = g_strdup(options->logs_dir);
        horizon->options.logs_dir = horizon->logs_dir;
        horizon->plans = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)channel_plan_free);
        return horizon;
}

void horizon_free(Horizon *horizon) {
        if (!horizon)
                return;
        g_hash_table_unref(horizon->plans);
        g_free(horizon->logs_dir);
        g_free(horizon);
}

void horizon_set_depth(Horizon *horizon, int64_t min_epg_ms, int64_t min_execution_ms) {
        GHashTableIter iter;
        gpointer plan;
        if (horizon->options.min_epg_ms == min_epg_ms && horizon->options.min_execution_ms == min_execution_ms)
                return;
        horizon->options.min_epg_ms = min_epg_ms;
        horizon->options.min_execution_ms = min_execution_ms;
        g_hash_table_iter_init(&iter, horizon->plans);
        while (g_hash_table_iter_next(&iter, NULL, &plan))
                ((ChannelPlan *)plan)->dirty = true; /* views say what the minimum is */
}

static int64_t now_of(const Horizon *horizon) {
        return rv_clock_utc_ms(horizon->options.clock);
}

static bool has_spec(const GPtrArray *specs, const char *channel_id) {
        for (guint i = 0; i < specs->len; i++)
                if (strcmp(((const ChannelSpec *)specs->pdata[i])->id, channel_id) == 0)
                        return true;
        return false;
}

static void tell(const Horizon *horizon, const char *channel_id) {
        if (horizon->options.on_published)
                horizon->options.on_published(horizon->options.user, channel_id);
}

void horizon_set_inputs(Horizon *horizon, GPtrArray *specs, CatalogSnapshot *catalog) {
        GHashTableIter iter;
        gpointer channel_id;
        g_hash_table_iter_init(&iter, horizon->plans);
        while (g_hash_table_iter_next(&iter, &channel_id, NULL)) {
                if (has_spec(specs, channel_id))
                        continue;
                plan_board_unpublish(horizon->options.board, channel_id);
                tell(horizon, channel_id);
                g_hash_table_iter_remove(&iter);
        }
        for (guint i = 0; i < specs->len; i++) {
                ChannelSpec *spec = specs->pdata[i];
                ChannelPlan *plan = g_hash_table_lookup(horizon->plans, spec->id);
                if (plan)
                        channel_plan_set_inputs(plan, spec, catalog);
                else
                        g_hash_table_insert(horizon->plans, g_strdup(spec->id),
                                            channel_plan_new(horizon->options.store, spec, catalog));
        }
}

/* --- publishing -----------------------------------------------------------------------------------------------------
 */

static char **copy_texts(const GPtrArray *texts) {
        char **copy = g_new0(char *, texts->len + 1);
        for (guint i = 0; i < texts->len; i++)
                copy[i] = g_strdup(texts->pdata[i]);
        return copy;
}

static PlanView *view_of(const Horizon *horizon, const ChannelPlan *plan) {
        PlanView *view = g_new0(PlanView, 1);
        view->refs = 1;
        view->spec = channel_spec_ref(plan->spec);
        view->programmes = g_ptr_array_new_with_free_func((GDestroyNotify)programme_unref);
        view->blocks = g_ptr_array_new_with_free_func((GDestroyNotify)block_plan_unref);
        for (guint i = 0; i < plan->days->len; i++) {
                const ScheduleDay *day = plan->days->pdata[i];
                for (guint j = 0; j < day->programmes->len; j++)
                        g_ptr_array_add(view->programmes, programme_ref(day->programmes->pdata[j]));
        }
        for (guint i = 0; i < plan->blocks->len; i++)
                g_ptr_array_add(view->blocks, block_plan_ref(plan->blocks->pdata[i]));
        view->epg_end_utc_ms = plan->days->len > 0 ? channel_plan_epg_end(plan) : 0;
        view->execution_end_utc_ms = plan->blocks->len > 0 ? channel_plan_execution_end(plan) : 0;
        view->min_epg_ms = horizon->options.min_epg_ms;
        view->min_execution_ms = horizon->options.min_execution_ms;
        view->extension = plan->extension;
        view->fault = plan->fault->len > 0 ? g_strdup(plan->fault->str) : NULL;
        view->notices = copy_texts(plan->notices);
        view->lost = copy_texts(plan->lost);
        view->has_spots = plan->has_spots;
        view->empty_breaks = g_strdup(plan->empty_breaks);
        return view;
}

static bool same_texts(char *const *a, const GPtrArray *b) {
        guint n = 0;
        for (; a[n] && n < b->len; n++)
                if (strcmp(a[n], b->pdata[n]) != 0)
                        return false;
        return n == b->len && !a[n];
}

static bool says_the_same(const PlanView *view, const ChannelPlan *plan) {
        return same_texts(view->notices, plan->notices) && same_texts(view->lost, plan->lost) &&
               g_strcmp0(view->empty_breaks, plan->empty_breaks) == 0;
}

static void log_lost(const PlanView *before, const ChannelPlan *plan) {
        for (guint i = 0; i < plan->lost->len; i++)
                if (!before || !g_strv_contains((const char *const *)before->lost, plan->lost->pdata[i]))
                        rv_warning("horizon.lost_file", RV_S("channel", plan->spec->id),
                                   RV_S("reason", plan->lost->pdata[i]));
}

static void publish(Horizon *horizon, ChannelPlan *plan) {
        g_autoptr(PlanView) before = plan_board_view(horizon->options.board, plan->spec->id);
        if (plan->compile_fault)
                channel_plan_fault(plan, "%s", plan->compile_fault);
        const char *fault = plan->fault->len > 0 ? plan->fault->str : NULL;
        if (fault && g_strcmp0(before ? before->fault : NULL, fault) != 0) {
                plan_board_count_fault(horizon->options.board, plan->spec->id);
                rv_warning("horizon.fault", RV_S("channel", plan->spec->id), RV_S("fault", fault));
        }
        if (before && !plan->dirty && g_strcmp0(before->fault, fault) == 0 && says_the_same(before, plan))
                return;
        log_lost(before, plan);
        if (plan->n_empty > 0)
                rv_warning("horizon.empty_breaks", RV_S("channel", plan->spec->id), RV_I("breaks", plan->n_empty));
        PlanView *view = view_of(horizon, plan);
        rv_debug("horizon.published", RV_S("channel", plan->spec->id), RV_I("programmes", view->programmes->len),
                 RV_I("blocks", view->blocks->len), RV_I("execution_end_utc_ms", view->execution_end_utc_ms));
        plan_board_publish(horizon->options.board, view);
        plan->dirty = false;
        plan->n_empty = 0;
        tell(horizon, plan->spec->id);
}

/* --- extending ------------------------------------------------------------------------------------------------------
 */

/* What earlier runs stored. Begins the evaluation's faults anew. */
static bool take_up(ChannelPlan *plan, int64_t now_utc_ms) {
        g_string_truncate(plan->fault, 0);
        return plan->loaded || channel_plan_load(plan, now_utc_ms);
}

/* Ready to be extended: the rules in force are those of today, now is covered. */
static bool prepare(ChannelPlan *plan, int64_t now_utc_ms) {
        channel_plan_readmit(plan);
        const ScheduleDay *first = plan->days->len > 0 ? plan->days->pdata[0] : NULL;
        if (first && now_utc_ms < first->start_utc_ms) {
                channel_plan_fault(plan, "the clock is earlier than the plan, which begins on %s: set the clock",
                                   first->day);
                return false;
        }
        if (plan->stale)
                (void)channel_plan_recompile(plan, now_utc_ms); /* failing, the last good plan stays in force */
        for (unsigned i = 0; i < EPG_DAYS_MAX && channel_plan_epg_end(plan) <= now_utc_ms; i++)
                if (!channel_plan_extend_day(plan, now_utc_ms))
                        return false;
        return true;
}

static bool extend_epg_until(ChannelPlan *plan, int64_t until_utc_ms, int64_t now_utc_ms) {
        for (unsigned i = 0; i < EPG_DAYS_MAX && channel_plan_epg_end(plan) < until_utc_ms; i++)
                if (!channel_plan_extend_day(plan, now_utc_ms))
                        return false;
        return true;
}

/* Block by block; the guide grows with it where it is too short. What was reached is stored also when the rest fails.
 */
static bool extend_execution(const Horizon *horizon, ChannelPlan *plan, int64_t until_utc_ms, unsigned n_blocks,
                             int64_t now_utc_ms) {
        g_autoptr(GError) error = NULL;
        bool good = true;
        while (good && n_blocks > 0 && channel_plan_execution_end(plan) < until_utc_ms) {
                good = channel_plan_execution_end(plan) < channel_plan_epg_end(plan) ||
                       channel_plan_extend_day(plan, now_utc_ms);
                good = good && channel_plan_extend_block(plan, now_utc_ms);
                n_blocks--;
        }
        good = channel_plan_store(plan, now_utc_ms) && good;
        if (plan->dirty || plan->unsealed)
                plan->unsealed = !transmission_log_seal(plan->store, plan->spec, horizon->logs_dir, now_utc_ms, &error);
        if (error)
                channel_plan_fault(plan, "the log's files cannot be written: %s", error->message);
        return good;
}

/* Where a plan ended before something was done about it, and what for. */
typedef struct {
        int64_t epg_end_utc_ms, execution_end_utc_ms;
        ExtensionReason reason;
} Before;

static Before before_of(const ChannelPlan *plan, ExtensionReason reason) {
        Before before = {channel_plan_epg_end(plan), channel_plan_execution_end(plan), reason};
        if (plan->stale)
                before.reason = EXTENSION_CHANGED;
        if (plan->loaded && before.epg_end_utc_ms == INT64_MIN)
                before.reason = EXTENSION_FIRST;
        return before;
}

/* What came of it: noted if the plan grew, or if it failed to for the first time. */
static void note(ChannelPlan *plan, Before before, bool complete, int64_t now_utc_ms) {
        const bool grew = channel_plan_epg_end(plan) > before.epg_end_utc_ms ||
                          channel_plan_execution_end(plan) > before.execution_end_utc_ms;
        const bool newly_failed = !complete && (plan->extension.complete || plan->extension.id == 0);
        if (!grew && !newly_failed)
                return;
        channel_plan_note_extension(plan, before.reason, complete, now_utc_ms);
        rv_debug("horizon.extended", RV_S("channel", plan->spec->id), RV_I("id", plan->extension.id),
                 RV_S("reason", extension_reason_name(before.reason)), RV_S("result", complete ? "complete" : "short"),
                 RV_I("epg_end_utc_ms", channel_plan_epg_end(plan)),
                 RV_I("execution_end_utc_ms", channel_plan_execution_end(plan)));
}

/* INV-HORIZON-PROACTIVE-EXTEND-001: time alone brings this about. */
static int64_t evaluate_plan(Horizon *horizon, ChannelPlan *plan) {
        const int64_t now = now_of(horizon);
        const int64_t lead = EVALUATE_MS + (int64_t)(seed_mix(0, plan->spec->id) % JITTER_MS);
        bool good = take_up(plan, now);
        channel_plan_review_files(plan, now);
        const Before before = before_of(plan, EXTENSION_DUE);
        const bool prepared = good && prepare(plan, now);
        good = prepared;
        if (good) {
                channel_plan_apply_overrides(plan, horizon->options.board, horizon->logs_dir, now);
                /* INV-HORIZON-EXECUTION-MIN-001: with the lead, also a minute later, before the next evaluation. */
                good = extend_epg_until(plan, now + horizon->options.min_epg_ms + lead, now);
                good = extend_execution(horizon, plan, now + horizon->options.min_execution_ms + lead, UINT_MAX, now) &&
                       good;
        }
        note(plan, before, good, now);
        if (prepared)
                channel_plan_drop_past(plan, now);
        channel_plan_review_overrides(plan, now);
        channel_plan_review_breaks(plan, now);
        publish(horizon, plan);
        plan_board_release(horizon->options.board, plan->spec->id);
        return now + (good || channel_plan_execution_end(plan) > now + EVALUATE_MS ? EVALUATE_MS : RETRY_MS);
}

static void purge_gone(Horizon *horizon) {
        g_autoptr(GError) error = NULL;
        const int64_t now = now_of(horizon);
        if (ABS(now - horizon->purged_utc_ms) < PURGE_MS)
                return;
        horizon->purged_utc_ms = now;
        if (!channel_plans_purge_gone(horizon->options.store, horizon->plans, now, &error))
                rv_warning("horizon.purge", RV_S("error", error->message));
}

int64_t horizon_evaluate(Horizon *horizon) {
        int64_t next = now_of(horizon) + EVALUATE_MS;
        GHashTableIter iter;
        gpointer plan;
        g_hash_table_iter_init(&iter, horizon->plans);
        while (g_hash_table_iter_next(&iter, NULL, &plan)) {
                const int64_t due = evaluate_plan(horizon, plan);
                next = MIN(next, due);
        }
        purge_gone(horizon);
        return next;
}

/* --- the extension calls --------------------------------------------------------------------------------------------
 */

typedef struct {
        bool epg; /* a day of guide; else execution: */
        int64_t until_utc_ms;
        unsigned n_blocks;
} Wanted;

static ExtendResult extend(Horizon *horizon, const char *channel_id, Wanted wanted, int64_t *ret_end_utc_ms) {
        ChannelPlan *plan = g_hash_table_lookup(horizon->plans, channel_id);
        const int64_t now = now_of(horizon);
        if (!plan)
                return EXTEND_NO_CHANNEL;
        bool good = take_up(plan, now);
        const Before before = before_of(plan, EXTENSION_ASKED);
        good = good && prepare(plan, now);
        if (good && wanted.epg)
                good = channel_plan_extend_day(plan, now);
        else if (good)
                good = extend_execution(horizon, plan, wanted.until_utc_ms, wanted.n_blocks, now);
        note(plan, before, good, now);
        publish(horizon, plan);
        const int64_t end = wanted.epg ? channel_plan_epg_end(plan) : channel_plan_execution_end(plan);
        if (ret_end_utc_ms)
                *ret_end_utc_ms = MAX(0, end);
        return good ? EXTEND_OK : EXTEND_SHORT;
}

ExtendResult horizon_extend_epg_day(Horizon *horizon, const char *channel_id, int64_t *ret_end_utc_ms) {
        return extend(horizon, channel_id, (Wanted){.epg = true}, ret_end_utc_ms);
}

ExtendResult horizon_extend_execution_blocks(Horizon *horizon, const char *channel_id, unsigned n_blocks,
                                             int64_t *ret_end_utc_ms) {
        return extend(horizon, channel_id, (Wanted){.until_utc_ms = INT64_MAX, .n_blocks = n_blocks}, ret_end_utc_ms);
}

ExtendResult horizon_extend_execution_until(Horizon *horizon, const char *channel_id, int64_t utc_ms,
                                            int64_t *ret_end_utc_ms) {
        return extend(horizon, channel_id, (Wanted){.until_utc_ms = utc_ms, .n_blocks = UINT_MAX}, ret_end_utc_ms);
}

ExtendResult horizon_extend_execution_day(Horizon *horizon, const char *channel_id, int64_t *ret_end_utc_ms) {
        ChannelPlan *plan = g_hash_table_lookup(horizon->plans, channel_id);
        char day[11];
        int64_t start = 0, end = 0;
        if (!plan)
                return EXTEND_NO_CHANNEL;
        (void)take_up(plan, now_of(horizon)); /* failing, it fails again below */
        schedule_day_of(plan->spec, MAX(channel_plan_execution_end(plan), now_of(horizon)), day);
        schedule_day_bounds(plan->spec, day, &start, &end);
        return horizon_extend_execution_until(horizon, channel_id, end, ret_end_utc_ms);
}

ExtendResult horizon_extend(Horizon *horizon, const ExtendCall *call) {
        switch (call->by) {
        case EXTEND_BY_GUIDE_DAY:
                return horizon_extend_epg_day(horizon, call->channel_id, NULL);
        case EXTEND_BY_EXECUTION_DAY:
                return horizon_extend_execution_day(horizon, call->channel_id, NULL);
        case EXTEND_BY_EXECUTION_BLOCKS:
                return horizon_extend_execution_blocks(horizon, call->channel_id, (unsigned)call->amount, NULL);
        case EXTEND_BY_EXECUTION_UNTIL:
                return horizon_extend_execution_until(horizon, call->channel_id, call->amount, NULL);
        default:
                g_assert_not_reached();
        }
}
