#include "core/plan/horizon/channel_plan.h"

#include <string.h>

#include "core/plan/horizon/override.h"

#include "proto/base/log.h"

#define HOUR_MS INT64_C(3600000)
#define DAY_MS (24 * HOUR_MS)
#define FAULT_MAX 600               /* characters of a fault's text */
#define BLOCKS_KEPT_MS (10 * 60000) /* in the view after their end */

ChannelPlan *channel_plan_new(Store *store, ChannelSpec *spec, CatalogSnapshot *catalog) {
        ChannelPlan *plan = g_new0(ChannelPlan, 1);
        plan->store = store;
        plan->spec = channel_spec_ref(spec);
        plan->catalog = catalog_snapshot_ref(catalog);
        plan->days = g_ptr_array_new_with_free_func((GDestroyNotify)schedule_day_free);
        plan->blocks = g_ptr_array_new_with_free_func((GDestroyNotify)block_plan_unref);
        plan->history = traffic_history_new();
        plan->overrides = g_ptr_array_new_with_free_func((GDestroyNotify)override_free);
        plan->notices = g_ptr_array_new_with_free_func(g_free);
        plan->lost = g_ptr_array_new_with_free_func(g_free);
        plan->excluded = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        plan->fault = g_string_new(NULL);
        plan->dirty = true;
        return plan;
}

void channel_plan_free(ChannelPlan *plan) {
        if (!plan)
                return;
        g_ptr_array_unref(plan->days);
        g_ptr_array_unref(plan->blocks);
        traffic_history_free(plan->history);
        traffic_inventory_free(plan->inventory);
        traffic_coming_free(plan->coming);
        g_ptr_array_unref(plan->overrides);
        g_ptr_array_unref(plan->notices);
        g_ptr_array_unref(plan->lost);
        g_free(plan->empty_breaks);
        g_hash_table_unref(plan->excluded);
        g_string_free(plan->fault, true);
        g_free(plan->compile_fault);
        catalog_snapshot_unref(plan->catalog);
        channel_spec_unref(plan->spec);
        g_free(plan);
}

void channel_plan_fault(ChannelPlan *plan, const char *format, ...) {
        va_list args;
        if (plan->fault->len >= FAULT_MAX)
                return;
        va_start(args, format);
        g_autofree char *text = g_strdup_vprintf(format, args);
        va_end(args);
        if (strstr(plan->fault->str, text))
                return;
        g_string_append_printf(plan->fault, "%s%s", plan->fault->len > 0 ? "; " : "", text);
        if (plan->fault->len > FAULT_MAX) {
                char *end = g_utf8_find_prev_char(plan->fault->str, plan->fault->str + FAULT_MAX);
                g_string_truncate(plan->fault, (gsize)(end - plan->fault->str));
                g_string_append(plan->fault, "...");
        }
}

void channel_plan_note_extension(ChannelPlan *plan, ExtensionReason reason, bool complete, int64_t now_utc_ms) {
        plan->extension = (PlanExtension){
                .id = plan->extension.id + 1, .reason = reason, .complete = complete, .at_utc_ms = now_utc_ms};
        plan->dirty = true;
}

void channel_plan_set_inputs(ChannelPlan *plan, ChannelSpec *spec, CatalogSnapshot *catalog) {
        plan->stale = plan->stale || strcmp(plan->spec->source_sha256, spec->source_sha256) != 0 ||
                      plan->catalog->revision != catalog->revision || g_hash_table_size(plan->excluded) > 0;
        channel_spec_ref(spec);
        channel_spec_unref(plan->spec);
        plan->spec = spec;
        catalog_snapshot_ref(catalog);
        catalog_snapshot_unref(plan->catalog);
        plan->catalog = catalog;
        g_clear_pointer(&plan->inventory, traffic_inventory_free);
        g_hash_table_remove_all(plan->excluded);
        channel_plan_days_changed(plan);
}

int64_t channel_plan_epg_end(const ChannelPlan *plan) {
        return plan->days->len > 0 ? ((const ScheduleDay *)plan->days->pdata[plan->days->len - 1])->end_utc_ms
                                   : INT64_MIN;
}

int64_t channel_plan_execution_end(const ChannelPlan *plan) {
        return plan->blocks->len > 0 ? ((const BlockPlan *)plan->blocks->pdata[plan->blocks->len - 1])->end_utc_ms
                                     : INT64_MIN;
}

Programme *channel_plan_programme_at(const ChannelPlan *plan, int64_t utc_ms) {
        for (guint i = 0; i < plan->days->len; i++) {
                const ScheduleDay *day = plan->days->pdata[i];
                if (utc_ms < day->start_utc_ms || utc_ms >= day->end_utc_ms)
                        continue;
                for (guint j = 0; j < day->programmes->len; j++) {
                        Programme *programme = day->programmes->pdata[j];
                        if (utc_ms >= programme->start_utc_ms && utc_ms < programme->end_utc_ms)
                                return programme;
                }
        }
        return NULL;
}

bool channel_plan_says_next(const ChannelPlan *plan) {
        const ChannelGraphics *graphics = channel_spec_graphics(plan->spec);
        return graphics && graphics->next;
}

static const Programme *shown_of(const ScheduleDay *day, int64_t utc_ms) {
        for (guint i = 0; day->end_utc_ms > utc_ms && i < day->programmes->len; i++) {
                const Programme *programme = day->programmes->pdata[i];
                if (programme->start_utc_ms >= utc_ms && programme->asset_id)
                        return programme;
        }
        return NULL;
}

const Programme *channel_plan_next_shown(const ChannelPlan *plan, const ScheduleDay *changed, int64_t utc_ms) {
        const Programme *found = NULL;
        for (guint i = 0; i < plan->days->len && !found && channel_plan_says_next(plan); i++) {
                const ScheduleDay *day = plan->days->pdata[i];
                found = shown_of(changed && strcmp(changed->day, day->day) == 0 ? changed : day, utc_ms);
        }
        return found;
}

/* --- taking up what is stored ---------------------------------------------------------------------------------------
 */

/* INV-HORIZON-CONTINUOUS-COVERAGE-001: what does not touch the day before it is not used; it is compiled again. */
static void cut_at_hole(ChannelPlan *plan) {
        for (guint i = 1; i < plan->days->len; i++) {
                const ScheduleDay *before = plan->days->pdata[i - 1], *day = plan->days->pdata[i];
                if (before->end_utc_ms == day->start_utc_ms)
                        continue;
                rv_warning("horizon.hole", RV_S("channel", plan->spec->id), RV_S("day", day->day));
                g_ptr_array_set_size(plan->days, (gint)i);
                plan->stale = true;
        }
}

static bool load_days(ChannelPlan *plan, int64_t now_utc_ms, GError **error) {
        char today[11], yesterday[11];
        ScheduleDay *last = NULL; /* INV-SCHEDULEDAY-IMMUTABLE-001: with the state that the next day is compiled from */
        schedule_day_of(plan->spec, now_utc_ms, today);
        schedule_day_step(today, -1, yesterday);
        g_autoptr(GPtrArray) days = schedule_store_days(plan->store, plan->spec->id, yesterday, error);
        if (!days)
                return false;
        if (days->len > 0) {
                g_ptr_array_extend_and_steal(plan->days, g_steal_pointer(&days));
                cut_at_hole(plan);
        } else {
                if (!schedule_store_last(plan->store, plan->spec->id, &last, error))
                        return false;
                if (last)
                        g_ptr_array_add(plan->days, last);
        }
        for (guint i = 0; i < plan->days->len; i++) {
                const ScheduleDay *day = plan->days->pdata[i];
                plan->stale = plan->stale || strcmp(day->source_sha256, plan->spec->source_sha256) != 0 ||
                              day->catalog_revision != plan->catalog->revision;
        }
        return true;
}

static void remember_plays(ChannelPlan *plan, const BlockPlan *block) {
        int64_t at = block->start_utc_ms;
        for (uint32_t i = 0; i < block->n_segments; i++) {
                const BlockSegment *segment = &block->segments[i];
                if (segment->type != SEGMENT_PAD && segment->type != SEGMENT_CONTENT)
                        traffic_history_add(plan->history, segment->asset_uuid, at);
                at += segment->duration_ms;
        }
}

/* How far back the rules of filling look: the broadcast day, or the longest cooldown. */
static int64_t look_back_ms(const ChannelPlan *plan) {
        const BreakPolicy *policy = channel_spec_policy(plan->spec);
        int64_t longest = 26 * HOUR_MS;
        for (int kind = 0; kind < ASSET_KINDS; kind++)
                longest = MAX(longest, policy->cooldown_ms[kind] + HOUR_MS);
        return longest;
}

/* The blocks that touch, back from the last one, as far as they are still of use. */
static bool load_blocks(ChannelPlan *plan, int64_t now_utc_ms, GError **error) {
        g_autoptr(GPtrArray) blocks =
                transmission_log_blocks(plan->store, plan->spec->id, now_utc_ms - look_back_ms(plan), error);
        if (!blocks)
                return false;
        for (guint i = 0; i < blocks->len; i++) {
                BlockPlan *block = blocks->pdata[i];
                remember_plays(plan, block);
                if (block->start_utc_ms != channel_plan_execution_end(plan))
                        g_ptr_array_set_size(plan->blocks, 0);
                g_ptr_array_add(plan->blocks, block_plan_ref(block));
        }
        return true;
}

bool channel_plan_load(ChannelPlan *plan, int64_t now_utc_ms) {
        g_autoptr(GError) error = NULL;
        if (load_days(plan, now_utc_ms, &error) && load_blocks(plan, now_utc_ms, &error) &&
            channel_plan_load_overrides(plan, now_utc_ms, &error)) {
                plan->loaded = true;
                return true;
        }
        channel_plan_fault(plan, "the stored plan cannot be taken up: %s", error->message);
        g_ptr_array_set_size(plan->days, 0);
        g_ptr_array_set_size(plan->blocks, 0);
        traffic_history_forget_from(plan->history, INT64_MIN);
        return false;
}

/* --- letting go -----------------------------------------------------------------------------------------------------
 */

/* INV-SCHEDULE-RETENTION-001 */
void channel_plan_drop_past(ChannelPlan *plan, int64_t now_utc_ms) {
        g_autoptr(GError) error = NULL;
        char today[11], yesterday[11];
        guint over = 0;
        while (over < plan->blocks->len &&
               ((const BlockPlan *)plan->blocks->pdata[over])->end_utc_ms <= now_utc_ms - BLOCKS_KEPT_MS)
                over++;
        if (over > 0) {
                g_ptr_array_remove_range(plan->blocks, 0, over);
                plan->dirty = true;
        }
        schedule_day_of(plan->spec, now_utc_ms, today);
        schedule_day_step(today, -1, yesterday);
        for (over = 0;
             over + 1 < plan->days->len && strcmp(((ScheduleDay *)plan->days->pdata[over])->day, yesterday) < 0;)
                over++;
        if (over == 0)
                return;
        g_ptr_array_remove_range(plan->days, 0, over);
        channel_plan_days_changed(plan);
        traffic_history_forget_before(plan->history, traffic_history_begin_utc_ms(plan->spec, now_utc_ms));
        if (!schedule_store_purge(plan->store, plan->spec->id, yesterday, &error) ||
            !transmission_log_purge(plan->store, plan->spec->id, now_utc_ms - BLOCKS_STORED_MS, &error))
                rv_warning("horizon.purge", RV_S("channel", plan->spec->id), RV_S("error", error->message));
}
