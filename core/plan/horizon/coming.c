#include "core/plan/horizon/channel_plan.h"

/* A block is filled with what is known of the days ahead when it is locked; what changes after that stays unsaid. */
const TrafficComing *channel_plan_coming(ChannelPlan *plan) {
        if (plan->coming)
                return plan->coming;
        plan->coming = traffic_coming_new();
        for (guint i = 0; i < plan->days->len; i++) {
                const ScheduleDay *day = plan->days->pdata[i];
                for (guint j = 0; j < day->programmes->len; j++)
                        traffic_coming_add(plan->coming, day->programmes->pdata[j], plan->catalog);
        }
        return plan->coming;
}

void channel_plan_days_changed(ChannelPlan *plan) {
        g_clear_pointer(&plan->coming, traffic_coming_free);
        plan->dirty = true;
}
