/* The guide's half of a channel's plan: days are compiled, one after the other, and anew when rules or catalog change.
 */
#include <string.h>

#include "core/plan/horizon/channel_plan.h"
#include "proto/base/log.h"

#define DAY_MS INT64_C(86400000)
#define DIFF_MAX 50      /* programmes of a change that are logged by name, each way */
#define CATCH_UP_DAYS 31 /* that nobody planned: computed, so that rotation goes on as if */

/* Compiles; what could not be done as the rules say becomes the plan's compile_fault. */
static ScheduleDay *compile(ChannelPlan *plan, const char *day, ScheduleFrom from) {
        g_autoptr(Diag) diag = diag_new();
        from.excluded = plan->excluded;
        from.allow_empty = plan->blocks->len > 0; /* a channel that is on the air goes on with filler */
        ScheduleDay *compiled = schedule_compile(plan->spec, plan->catalog, day, &from, diag);
        g_clear_pointer(&plan->compile_fault, g_free);
        if (diag_count(diag) > 0 && (!compiled || from.allow_empty))
                plan->compile_fault = g_strchomp(diag_text(diag));
        return compiled ? channel_plan_lay_overrides(plan, compiled) : NULL;
}

static bool store_day(ChannelPlan *plan, const ScheduleDay *day) {
        g_autoptr(GError) error = NULL;
        if (schedule_store_put(plan->store, day, &error))
                return true;
        channel_plan_fault(plan, "%s of %s cannot be stored: %s", day->day, plan->spec->id, error->message);
        return false;
}

/* After a long time off, or on the first day ever: a beginning that does not touch what was before. */
static bool begin_day(ChannelPlan *plan, int64_t now_utc_ms) {
        char day[11];
        ScheduleDay *last = plan->days->len > 0 ? plan->days->pdata[plan->days->len - 1] : NULL;
        schedule_day_of(plan->spec, now_utc_ms - PLAN_LEAD_MS, day);
        ScheduleDay *compiled = compile(plan, day, (ScheduleFrom){.state = last ? last->state_after : NULL});
        if (!compiled)
                return false;
        if (!store_day(plan, compiled)) {
                schedule_day_free(compiled);
                return false;
        }
        g_ptr_array_set_size(plan->days, 0);
        g_ptr_array_add(plan->days, compiled);
        channel_plan_days_changed(plan);
        return true;
}

bool channel_plan_extend_day(ChannelPlan *plan, int64_t now_utc_ms) {
        const int64_t end = channel_plan_epg_end(plan);
        if (end == INT64_MIN || end < now_utc_ms - CATCH_UP_DAYS * DAY_MS)
                return begin_day(plan, now_utc_ms);
        const ScheduleDay *last = plan->days->pdata[plan->days->len - 1];
        char day[11];
        schedule_day_step(last->day, 1, day);
        ScheduleDay *compiled = compile(plan, day, (ScheduleFrom){.carry_in_utc_ms = end, .state = last->state_after});
        if (!compiled)
                return false;
        if (!store_day(plan, compiled)) {
                schedule_day_free(compiled);
                return false;
        }
        g_ptr_array_add(plan->days, compiled);
        channel_plan_days_changed(plan);
        return true;
}

/* INV-HORIZON-LOCKED-IMMUTABLE-001: what is locked, on the air or past stays. */
static int64_t keep_until(const ChannelPlan *plan, int64_t now_utc_ms) {
        const Programme *on_air = channel_plan_programme_at(plan, now_utc_ms);
        return MAX(channel_plan_execution_end(plan), on_air ? on_air->end_utc_ms : now_utc_ms);
}

/* The days from first on, compiled anew; NULL with a fault. */
static GPtrArray *compile_from(ChannelPlan *plan, guint first, int64_t until_utc_ms) {
        const ScheduleDay *old = plan->days->pdata[first];
        g_autoptr(GPtrArray) made = g_ptr_array_new_with_free_func((GDestroyNotify)schedule_day_free);
        g_autoptr(GPtrArray) kept = channel_plan_lift_overrides(plan, old, until_utc_ms);
        ScheduleFrom from = {.carry_in_utc_ms = old->start_utc_ms, .state = old->state_before, .kept = kept};
        char day[11];
        g_strlcpy(day, old->day, sizeof(day));
        for (guint i = first; i < plan->days->len; i++) {
                ScheduleDay *compiled = compile(plan, day, from);
                if (!compiled)
                        return NULL;
                g_ptr_array_add(made, compiled);
                schedule_day_step(day, 1, day);
                from = (ScheduleFrom){.carry_in_utc_ms = compiled->end_utc_ms, .state = compiled->state_after};
        }
        return g_steal_pointer(&made);
}

/* INV-HORIZON-CRASH-001: all of them or none. */
static bool store_days(ChannelPlan *plan, const GPtrArray *days) {
        g_autoptr(GError) error = NULL;
        if (!store_begin(plan->store, &error)) {
                channel_plan_fault(plan, "%s", error->message);
                return false;
        }
        for (guint i = 0; i < days->len; i++)
                if (!store_day(plan, days->pdata[i])) {
                        store_rollback(plan->store);
                        return false;
                }
        if (store_commit(plan->store, &error))
                return true;
        channel_plan_fault(plan, "%s", error->message);
        return false;
}

/* --- what a change did ----------------------------------------------------------------------------------------------
 */

static GHashTable *ids_of(const GPtrArray *days, guint first) {
        GHashTable *ids = g_hash_table_new(g_str_hash, g_str_equal);
        for (guint i = first; i < days->len; i++) {
                const ScheduleDay *day = days->pdata[i];
                for (guint j = 0; j < day->programmes->len; j++)
                        g_hash_table_add(ids, ((const Programme *)day->programmes->pdata[j])->id);
        }
        return ids;
}

/* The programmes of days that are not among ids; the first ones are logged each. */
static unsigned tell_difference(const ChannelPlan *plan, const GPtrArray *days, guint first, GHashTable *ids,
                                const char *event) {
        unsigned n = 0;
        for (guint i = first; i < days->len; i++) {
                const ScheduleDay *day = days->pdata[i];
                for (guint j = 0; j < day->programmes->len; j++) {
                        const Programme *programme = day->programmes->pdata[j];
                        if (g_hash_table_contains(ids, programme->id) || n++ >= DIFF_MAX)
                                continue;
                        rv_info(event, RV_S("channel", plan->spec->id), RV_S("programme", programme->id),
                                RV_I("start_utc_ms", programme->start_utc_ms), RV_S("title", programme->title),
                                RV_S("subtitle", programme->subtitle));
                }
        }
        return n;
}

/* What left the plan and what came into it, days from first on being replaced. */
static void log_difference(const ChannelPlan *plan, guint first, const GPtrArray *made, int64_t until_utc_ms) {
        g_autoptr(GHashTable) old = ids_of(plan->days, first), new = ids_of(made, 0);
        const unsigned left = tell_difference(plan, plan->days, first, new, "horizon.left");
        const unsigned came = tell_difference(plan, made, 0, old, "horizon.came");
        rv_info("horizon.recompiled", RV_S("channel", plan->spec->id), RV_I("from_utc_ms", until_utc_ms),
                RV_I("catalog_revision", plan->catalog->revision), RV_I("left", left), RV_I("came", came));
}

bool channel_plan_recompile(ChannelPlan *plan, int64_t now_utc_ms) {
        const int64_t until = keep_until(plan, now_utc_ms);
        guint first = 0;
        while (first < plan->days->len && ((const ScheduleDay *)plan->days->pdata[first])->end_utc_ms <= until)
                first++;
        if (first < plan->days->len) {
                g_autoptr(GPtrArray) made = compile_from(plan, first, until);
                if (!made || !store_days(plan, made))
                        return false;
                log_difference(plan, first, made, until);
                g_ptr_array_set_size(plan->days, (gint)first);
                g_ptr_array_extend_and_steal(plan->days, g_steal_pointer(&made));
        }
        plan->stale = false;
        channel_plan_days_changed(plan);
        return true;
}
