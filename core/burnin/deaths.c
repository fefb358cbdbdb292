#include <math.h>
#include <signal.h>

#include "core/burnin/private.h"

/* Between a kill and the next, in the mean. */
#define KILL_EACH_NS (G_USEC_PER_SEC * INT64_C(1000))
#define KILL_MOST_NS (5 * KILL_EACH_NS)
/* So many in a hundred come while what the one before broke is not mended yet. */
#define AMID_PERCENT 25
/* What is broken by the last one is seen to be mended. */
#define MENDED_MS (10 * MINUTE_MS)

bool kill_engine(Rig *rig, Course *course, const char *channel_id) {
        const int64_t pid = watch_engine_of(rig_core_pid(rig), channel_id);
        if (pid == 0 || kill((pid_t)pid, SIGKILL) != 0)
                return false;
        course_skip(course, DEATH_MS);
        return true;
}

void kill_core(Rig *rig, Course *course, BurninReport *report) {
        g_autoptr(GError) error = NULL;
        rig_kill_core(rig);
        course_skip(course, DEATH_MS);
        if (!rig_start_core(rig, &error))
                burnin_report_violation(report, &(BurninViolation){.contract = "INV-BURNIN-008"}, "%s", error->message);
}

struct Killer {
        const BurninOptions *options;
        Rig *rig;
        Course *course;
        GRand *rand;
        int done;
        int64_t due_mono_ns;
        int64_t seen_utc_ms; /* the next waits until the slowest channel is seen beyond it; 0: it does not */
        int64_t last_utc_ms; /* where the slowest channel was at the last; 0: there was none */
};

Killer *killer_new(const BurninOptions *options, Rig *rig, Course *course) {
        Killer *killer = g_new0(Killer, 1);
        *killer = (Killer){.options = options,
                           .rig = rig,
                           .course = course,
                           .rand = g_rand_new_with_seed(options->seed),
                           .seen_utc_ms = 1};
        return killer;
}

void killer_free(Killer *killer) {
        if (!killer)
                return;
        g_rand_free(killer->rand);
        g_free(killer);
}

/* By turns. False: there is no engine of the channel that was drawn. */
static bool strike(Killer *killer, BurninReport *report, int64_t now_utc_ms) {
        const GPtrArray *specs = rig_specs(killer->rig);
        if (killer->done % 2 == 1) {
                kill_core(killer->rig, killer->course, report);
                burnin_report_kill(report, BURNIN_DEAD_CORE, NULL, now_utc_ms);
                return true;
        }
        const ChannelSpec *spec = specs->pdata[g_rand_int_range(killer->rand, 0, (gint32)specs->len)];
        if (!kill_engine(killer->rig, killer->course, spec->id))
                return false;
        burnin_report_kill(report, BURNIN_DEAD_AIR, spec->id, now_utc_ms);
        return true;
}

/* INV-BURNIN-009: any moment of the programs' lives, their first ones too; but all channels are seen again and again.
 */
void killer_look(Killer *killer, BurninReport *report, int64_t now_utc_ms, int64_t now_mono_ns) {
        if (killer->done == killer->options->kills || now_mono_ns < killer->due_mono_ns ||
            (killer->seen_utc_ms > 0 && now_utc_ms <= killer->seen_utc_ms) || !strike(killer, report, now_utc_ms))
                return;
        const double wait = -log1p(-g_rand_double(killer->rand)) * (double)KILL_EACH_NS;
        const bool amid = g_rand_int_range(killer->rand, 0, 100) < AMID_PERCENT;
        killer->done++;
        killer->due_mono_ns = now_mono_ns + MIN((int64_t)wait, KILL_MOST_NS);
        killer->seen_utc_ms = amid ? 0 : now_utc_ms;
        killer->last_utc_ms = now_utc_ms;
}

int64_t killer_seen_by_utc_ms(const Killer *killer, int64_t now_utc_ms) {
        if (killer->done < killer->options->kills)
                return now_utc_ms + MENDED_MS;
        return killer->last_utc_ms ? killer->last_utc_ms + DEATH_MS + MENDED_MS : 0;
}
