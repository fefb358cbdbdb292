/* Reconciliation by itself: what has ended is found by what the store has, so that nothing is forgotten over restarts.
 */
#include "core/record/reconcile/reconcile.h"

#include <pthread.h>
#include <string.h>

#include "core/record/reconcile/reconcile_private.h"
#include "proto/base/error.h"
#include "proto/base/log.h"

#define MINUTE_MS INT64_C(60000)
#define DAY_MS (24 * 60 * MINUTE_MS)
/* How far back logs are stored; what ended before is not looked for. */
#define LOGS_DAYS 8
/* After a day's last block, for the evidence to arrive. */
#define SETTLE_MS MINUTE_MS
/* Sessions are looked for thoroughly in the first looks, when spools are delivered, and now and then. */
#define LOOKS_AT_START 24
#define LOOKS_A_ROUND 720
#define RECENT_MS (60 * MINUTE_MS)
#define SESSIONS_A_LOOK 20
#define SESSIONS_FOUND 2000 /* those of channels that are not there are passed over */
#define ALERT_MS DAY_MS
#define KEPT_MS (400 * DAY_MS)

struct Reconciler {
        ReconcilerOptions options;
        /* The looking thread's own. */
        Store *store;
        unsigned looks;
        int64_t days_utc_ms; /* when days were last looked for */
        GHashTable *seen;    /* channel id -> char *: the last day that is done with */
        GHashTable *later;   /* days ("channel/day") and sessions that could not be judged: again in the next round */

        pthread_mutex_t lock; /* guards asked: any thread asks */
        Store *asked;
};

Reconciler *reconciler_new(const ReconcilerOptions *options, GError **error) {
        g_autoptr(Store) store = store_open(options->store_path, error);
        g_autoptr(Store) asked = store ? store_open(options->store_path, error) : NULL;
        if (!asked)
                return NULL;
        Reconciler *reconciler = g_new0(Reconciler, 1);
        reconciler->options = *options;
        reconciler->store = g_steal_pointer(&store);
        reconciler->asked = g_steal_pointer(&asked);
        reconciler->days_utc_ms = G_MININT64 / 2;
        reconciler->seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        reconciler->later = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        pthread_mutex_init(&reconciler->lock, NULL);
        return reconciler;
}

void reconciler_free(Reconciler *reconciler) {
        if (!reconciler)
                return;
        store_close(reconciler->store);
        store_close(reconciler->asked);
        g_hash_table_unref(reconciler->seen);
        g_hash_table_unref(reconciler->later);
        pthread_mutex_destroy(&reconciler->lock);
        g_free(reconciler);
}

static void tell(const ReconcileReport *report, const char *subject) {
        g_autofree char *summary = reconcile_report_summary(report);
        if (reconcile_report_ok(report))
                rv_info("reconcile.done", RV_S("channel", report->channel_id), RV_S("subject", subject),
                        RV_S("summary", summary));
        else
                rv_warning("reconcile.diverged", RV_S("channel", report->channel_id), RV_S("subject", subject),
                           RV_S("summary", summary));
}

static void tell_fault(const char *channel_id, const char *subject, const GError *error) {
        rv_warning("reconcile.failed", RV_S("channel", channel_id), RV_S("subject", subject),
                   RV_S("error", error->message));
}

static bool keep(Reconciler *reconciler, ReconcileReport *report, const char *subject, GError **error) {
        if (!reconcile_store_keep(reconciler->store, report, subject, rv_clock_utc_ms(reconciler->options.clock),
                                  error))
                return false;
        tell(report, subject);
        return true;
}

/* --- days -------------------------------------------------------------------------------------------------------- */

static bool run_day(Reconciler *reconciler, const ChannelSpec *spec, const char *day, GError **error) {
        const int64_t now = rv_clock_utc_ms(reconciler->options.clock);
        g_autoptr(ReconcileReport) report = reconcile_day(reconciler->store, spec, day, now, NULL, error);
        return report && keep(reconciler, report, day, error);
}

/* The end of the last block that starts in the day. */
static bool find_day_end(Reconciler *reconciler, const ChannelSpec *spec, const char *day, int64_t *ret_end_utc_ms,
                         GError **error) {
        int64_t from = 0, to = 0;
        schedule_day_bounds(spec, day, &from, &to);
        g_autoptr(GPtrArray) blocks = transmission_log_blocks(reconciler->store, spec->id, from, error);
        *ret_end_utc_ms = to;
        for (guint i = 0; blocks && i < blocks->len; i++) {
                const BlockPlan *block = blocks->pdata[i];
                if (block->start_utc_ms < to)
                        *ret_end_utc_ms = MAX(*ret_end_utc_ms, block->end_utc_ms);
        }
        return blocks != NULL;
}

/* True: the day is done with. INV-RECONCILE-006: whether it has ended just now or while nobody looked. */
static bool look_at_day(Reconciler *reconciler, const ChannelSpec *spec, const char *day) {
        g_autoptr(GError) error = NULL;
        g_autofree char *name = g_strconcat(spec->id, "/", day, NULL);
        bool has = false;
        int64_t end_utc_ms = 0;
        if (g_hash_table_contains(reconciler->later, name))
                return false;
        bool done = reconcile_store_has(reconciler->store, spec->id, RECONCILE_DAY, day, &has, &error);
        if (done && !has) {
                done = find_day_end(reconciler, spec, day, &end_utc_ms, &error);
                if (done && end_utc_ms + SETTLE_MS > rv_clock_utc_ms(reconciler->options.clock))
                        return false;
                done = done && run_day(reconciler, spec, day, &error);
        }
        if (done || g_error_matches(error, RV_ERROR, RV_ERROR_NOT_FOUND)) /* nothing was planned then */
                return true;
        g_hash_table_add(reconciler->later, g_steal_pointer(&name));
        tell_fault(spec->id, day, error);
        return false;
}

static void look_at_days(Reconciler *reconciler, const ChannelSpec *spec) {
        const int64_t now = rv_clock_utc_ms(reconciler->options.clock);
        char today[11];
        schedule_day_of(spec, now, today);
        for (int back = LOGS_DAYS; back >= 1; back--) {
                char day[11];
                schedule_day_of(spec, now - back * DAY_MS, day);
                const char *last = g_hash_table_lookup(reconciler->seen, spec->id);
                if (strcmp(day, today) >= 0 || (last && strcmp(day, last) <= 0))
                        continue;
                if (!look_at_day(reconciler, spec, day))
                        return;
                g_hash_table_replace(reconciler->seen, g_strdup(spec->id), g_strdup(day));
        }
}

/* --- sessions ---------------------------------------------------------------------------------------------------- */

static const ChannelSpec *find_spec(const GPtrArray *specs, const char *channel_id) {
        for (guint i = 0; i < specs->len; i++)
                if (g_str_equal(((const ChannelSpec *)specs->pdata[i])->id, channel_id))
                        return specs->pdata[i];
        return NULL;
}

/* A day whose report was made before the session's last word came is judged again. */
static bool run_days_of(Reconciler *reconciler, const ChannelSpec *spec, const Due *due, GError **error) {
        char last[11] = "";
        for (int64_t at = due->from_utc_ms; at < due->to_utc_ms + DAY_MS; at += DAY_MS) {
                char day[11];
                bool has = false;
                schedule_day_of(spec, MIN(at, due->to_utc_ms), day);
                if (g_str_equal(day, last))
                        continue;
                g_strlcpy(last, day, sizeof last);
                if (!reconcile_store_has(reconciler->store, spec->id, RECONCILE_DAY, day, &has, error) ||
                    (has && !run_day(reconciler, spec, day, error)))
                        return false;
        }
        return true;
}

/* Of a session whose logs are not stored any more, so that it is not looked for again. */
static ReconcileReport *nothing(const ChannelSpec *spec) {
        g_autoptr(GPtrArray) none = g_ptr_array_new();
        const ReconcilePlan plan = {.channel_id = spec->id, .scope = RECONCILE_SESSION, .blocks = none};
        return reconcile_compare(&plan, &(ReconcileRecord){none});
}

static void postpone(Reconciler *reconciler, const ChannelSpec *spec, const Due *due, const GError *error) {
        g_hash_table_add(reconciler->later, g_strdup(due->subject));
        tell_fault(spec->id, due->subject, error);
}

/* INV-RECONCILE-006 */
static void run_session(Reconciler *reconciler, const ChannelSpec *spec, const Due *due) {
        g_autoptr(GError) error = NULL;
        g_autoptr(ReconcileReport) report = reconcile_session(reconciler->store, spec, due->subject, NULL, &error);
        if (!report && g_error_matches(error, RV_ERROR, RV_ERROR_NOT_FOUND)) {
                g_clear_error(&error);
                report = nothing(spec);
        }
        if (!report || !run_days_of(reconciler, spec, due, &error) || !keep(reconciler, report, due->subject, &error))
                postpone(reconciler, spec, due, error);
}

static void look_at_sessions(Reconciler *reconciler, const GPtrArray *specs) {
        g_autoptr(GError) error = NULL;
        const int64_t now = rv_clock_utc_ms(reconciler->options.clock);
        const bool thorough = reconciler->looks < LOOKS_AT_START || reconciler->looks % LOOKS_A_ROUND == 0;
        const int64_t since = now - (thorough ? LOGS_DAYS * DAY_MS : RECENT_MS);
        g_autoptr(GPtrArray) ended = reconcile_store_ended(reconciler->store, since, SESSIONS_FOUND, &error);
        if (!ended)
                tell_fault("", "sessions", error);
        unsigned run = 0;
        for (guint i = 0; ended && i < ended->len && run < SESSIONS_A_LOOK; i++) {
                const Due *due = ended->pdata[i];
                const ChannelSpec *spec = find_spec(specs, due->channel_id);
                if (!spec || g_hash_table_contains(reconciler->later, due->subject))
                        continue;
                run_session(reconciler, spec, due);
                run++;
        }
}

void reconciler_look(Reconciler *reconciler) {
        g_autoptr(GError) error = NULL;
        const int64_t now = rv_clock_utc_ms(reconciler->options.clock);
        g_autoptr(GPtrArray) specs = reconciler->options.channels(reconciler->options.user);
        if (reconciler->looks % LOOKS_A_ROUND == 0)
                g_hash_table_remove_all(reconciler->later);
        look_at_sessions(reconciler, specs);
        reconciler->looks++;
        if (ABS(now - reconciler->days_utc_ms) < MINUTE_MS)
                return;
        reconciler->days_utc_ms = now;
        for (guint i = 0; i < specs->len; i++)
                look_at_days(reconciler, specs->pdata[i]);
        if (!reconcile_store_forget(reconciler->store, now - KEPT_MS, &error))
                tell_fault("", "old reports", error);
}

/* --- any thread -------------------------------------------------------------------------------------------------- */

json_t *reconciler_ask(Reconciler *reconciler, const ChannelSpec *spec, ReconcileScope scope, const char *subject,
                       GError **error) {
        pthread_mutex_lock(&reconciler->lock);
        json_t *document = reconcile_ask(reconciler->asked, spec, scope, subject,
                                         rv_clock_utc_ms(reconciler->options.clock), error);
        pthread_mutex_unlock(&reconciler->lock);
        return document;
}

char **reconciler_alerts(Reconciler *reconciler) {
        g_autoptr(GError) error = NULL;
        const int64_t since = rv_clock_utc_ms(reconciler->options.clock) - ALERT_MS;
        pthread_mutex_lock(&reconciler->lock);
        char **alerts = reconcile_store_alerts(reconciler->asked, since, &error);
        pthread_mutex_unlock(&reconciler->lock);
        if (!alerts)
                tell_fault("", "alerts", error);
        return alerts ? alerts : g_new0(char *, 1);
}
