#include "core/burnin/burnin.h"

#include <stdatomic.h>

#include "core/base/store.h"
#include "core/burnin/private.h"
#include "core/plan/transmission_log/transmission_log.h"
#include "core/record/asrun/asrun.h"

#define MS_NS INT64_C(1000000)
#define LOOK_NS (100 * MS_NS)
#define ASK_NS (500 * MS_NS)
#define LOOK_EACH_MS (5 * MINUTE_MS) /* of the channels' time, or of ours */
/* Compressed, a run begins so much longer ago than it lasts: faults cost time, and now is never reached. */
#define SPARE_MS (3 * HOUR_MS)
#define KILL_SPARE_MS (2 * DEATH_MS)
/* Nobody shows anything for so long: the run is over. */
#define SILENCE_NS (90 * INT64_C(1000000000))
#define PAGE_ENTRIES 1000

typedef struct {
        const BurninOptions *options;
        BurninReport *report;
        RvClock *system;
        Rig *rig;
        Course course;
        Viewer **viewers;
        GPtrArray **stretches; /* of each channel; GPtrArray of Stretch */
        Watch *watch;
        Injector *injector;
        Killer *killer;
        int64_t from_utc_ms, to_utc_ms;
        int64_t begun_mono_ns, asked_mono_ns, looked_mono_ns, looked_utc_ms;
        int64_t moved_mono_ns, behind_utc_ms; /* when the slowest channel last went on, and where it is */
        bool has_course;
} Run;

static unsigned n_channels(const Run *run) {
        return rig_specs(run->rig)->len;
}

/* --- while it runs ----------------------------------------------------------------------------------------------- */

static void ask(Run *run, int64_t now_mono_ns) {
        if (now_mono_ns - run->asked_mono_ns < ASK_NS)
                return;
        run->asked_mono_ns = now_mono_ns;
        json_t *document = ask_json(atomic_load(rig_port(run->rig)), "/api/channels");
        if (document)
                watch_channels(run->watch, run->report, document, run->behind_utc_ms);
        json_decref(document);
        if (run->options->on_progress)
                run->options->on_progress(run->options->user, run->behind_utc_ms - run->from_utc_ms,
                                          run->report->violations->len);
}

static void look(Run *run, int64_t now_mono_ns) {
        if (run->behind_utc_ms - run->looked_utc_ms < LOOK_EACH_MS &&
            now_mono_ns - run->looked_mono_ns < LOOK_EACH_MS * MS_NS)
                return;
        run->looked_utc_ms = run->behind_utc_ms;
        run->looked_mono_ns = now_mono_ns;
        watch_processes(run->watch, rig_core_pid(run->rig));
}

/* INV-BURNIN-008: a channel that shows nothing ends the run, and is a violation of its own. */
static bool has_fallen_silent(Run *run, int64_t now_mono_ns) {
        unsigned index = 0;
        const int64_t behind = course_behind_utc_ms(&run->course, &index);
        if (behind != run->behind_utc_ms)
                run->moved_mono_ns = now_mono_ns;
        run->behind_utc_ms = behind;
        if (now_mono_ns - run->moved_mono_ns < SILENCE_NS)
                return false;
        const ChannelSpec *spec = rig_specs(run->rig)->pdata[index];
        burnin_report_violation(run->report,
                                &(BurninViolation){.contract = "INV-BURNIN-008", .channel = spec->id, .utc_ms = behind},
                                "nothing was seen for %d s", (int)(SILENCE_NS / 1000 / MS_NS));
        return true;
}

static bool core_has_died(const Run *run) {
        if (rig_core_runs(run->rig))
                return false;
        burnin_report_violation(run->report,
                                &(BurninViolation){.contract = "INV-BURNIN-008",
                                                   .cause = BURNIN_DEAD_CORE,
                                                   .utc_ms = run->behind_utc_ms},
                                "core ended by itself");
        return true;
}

static void follow(Run *run) {
        run->begun_mono_ns = run->moved_mono_ns = rv_clock_mono_ns(run->system);
        run->behind_utc_ms = run->from_utc_ms;
        for (int64_t now = run->begun_mono_ns; run->behind_utc_ms < run->to_utc_ms + course_doubt_ms(&run->course);
             now = rv_clock_mono_ns(run->system)) {
                if (has_fallen_silent(run, now) || core_has_died(run))
                        break;
                ask(run, now);
                look(run, now);
                injector_look(run->injector, run->report, run->behind_utc_ms);
                killer_look(run->killer, run->report, run->behind_utc_ms, now);
                run->to_utc_ms = MAX(run->to_utc_ms, injector_seen_by_utc_ms(run->injector, run->behind_utc_ms));
                run->to_utc_ms = MAX(run->to_utc_ms, killer_seen_by_utc_ms(run->killer, run->behind_utc_ms));
                rv_clock_sleep_until_mono_ns(run->system, now + LOOK_NS);
        }
        injector_end(run->injector, run->report);
}

/* --- beginning and end ------------------------------------------------------------------------------------------- */

static bool begin(Run *run, GError **error) {
        const int64_t length_ms = run->options->length_ms;
        run->from_utc_ms = rv_clock_utc_ms(run->system);
        if (run->options->compressed)
                run->from_utc_ms -= length_ms + SPARE_MS + run->options->kills * KILL_SPARE_MS;
        run->to_utc_ms = run->from_utc_ms + length_ms;
        run->rig = rig_new(run->options, run->system, run->from_utc_ms, error);
        if (!run->rig || !rig_start_core(run->rig, error))
                return false;
        const unsigned n = n_channels(run);
        course_init(&run->course, rig_clock(run->rig), run->options->compressed, n, run->from_utc_ms);
        run->has_course = true;
        run->watch = watch_new();
        run->injector = injector_new(run->options, run->rig, &run->course, run->from_utc_ms);
        run->killer = killer_new(run->options, run->rig, &run->course);
        run->viewers = g_new0(Viewer *, n + 1);
        run->stretches = g_new0(GPtrArray *, n + 1);
        for (unsigned i = 0; i < n; i++) {
                run->viewers[i] =
                        viewer_start(&run->course, i, rig_specs(run->rig)->pdata[i], rig_port(run->rig), error);
                if (!run->viewers[i])
                        return false;
        }
        return true;
}

static void leave(Run *run) {
        if (!run->has_course)
                return;
        course_end(&run->course);
        for (unsigned i = 0; run->viewers && run->viewers[i]; i++) {
                int64_t bytes = 0;
                run->stretches[i] = viewer_end(run->viewers[i], &bytes);
                run->viewers[i] = NULL;
        }
}

static void run_clear(Run *run) {
        leave(run);
        rig_free(run->rig);
        for (unsigned i = 0; run->stretches && run->stretches[i]; i++)
                g_ptr_array_unref(run->stretches[i]);
        g_free(run->stretches);
        g_free(run->viewers);
        injector_free(run->injector);
        killer_free(run->killer);
        watch_free(run->watch);
        if (run->has_course)
                course_clear(&run->course);
        burnin_report_free(run->report);
}

/* --- judgement --------------------------------------------------------------------------------------------------- */

/* All of it, page by page; NULL on failure. */
static json_t *read_record(Store *store, const char *channel_id, GError **error) {
        json_t *entries = json_array();
        g_autofree char *after = NULL;
        do {
                g_autofree char *next = NULL;
                const AsRunQuery query = {
                        .channel_id = channel_id, .to_utc_ms = G_MAXINT64, .after = after, .limit = PAGE_ENTRIES};
                json_t *page = asrun_read(store, &query, &next, error);
                if (!page) {
                        json_decref(entries);
                        return NULL;
                }
                json_array_extend(entries, page);
                json_decref(page);
                g_free(after);
                after = g_steal_pointer(&next);
        } while (after);
        return entries;
}

static bool judge_one(const Run *run, Store *store, unsigned index, GError **error) {
        const ChannelSpec *spec = rig_specs(run->rig)->pdata[index];
        g_autoptr(GPtrArray) blocks = transmission_log_blocks(store, spec->id, run->from_utc_ms - HOUR_MS, error);
        if (!blocks)
                return false;
        json_t *entries = read_record(store, spec->id, error);
        if (!entries)
                return false;
        const Evidence evidence = {
                .channel_id = spec->id,
                .compressed = run->options->compressed,
                .rate = spec->format.rate,
                .from_utc_ms = run->from_utc_ms,
                .to_utc_ms = run->to_utc_ms,
                .blocks = blocks,
                .entries = entries,
                .stretches = run->stretches[index],
        };
        judge_channel(run->report, &evidence);
        json_decref(entries);
        return true;
}

/* Core has ended: what it kept is all there is. */
static bool judge_all(const Run *run, GError **error) {
        g_autofree char *path = rig_data_path(run->rig, "retrovue.db");
        g_autoptr(Store) store = store_open_to_read(path, error);
        bool done = store != NULL;
        for (unsigned i = 0; done && i < n_channels(run); i++)
                done = judge_one(run, store, i, error);
        watch_judge(run->watch, run->report);
        return done;
}

BurninReport *burnin_run(const BurninOptions *options, GError **error) {
        Run run = {.options = options, .report = burnin_report_new(), .system = rv_clock_system()};
        run.report->compressed = options->compressed;
        run.report->seed = options->seed;
        run.report->asked_ms = options->length_ms;
        bool done = begin(&run, error);
        if (done) {
                follow(&run);
                leave(&run);
                if (!rig_stop_core(run.rig))
                        burnin_report_violation(run.report, &(BurninViolation){.contract = "INV-BURNIN-008"},
                                                "core did not end well when it was asked to");
                run.report->wall_ms = (rv_clock_mono_ns(run.system) - run.begun_mono_ns) / MS_NS;
                done = judge_all(&run, error);
        }
        BurninReport *report = done ? g_steal_pointer(&run.report) : NULL;
        if (report)
                burnin_report_close(report);
        run_clear(&run);
        return report;
}
