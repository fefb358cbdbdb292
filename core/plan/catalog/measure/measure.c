/*
 * A run of measuring: a coordinating thread that owns its connection to the store, and workers that survey files for it
 * when nobody else wants the processor or the disk.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/plan/catalog/catalog.h"
#include "core/plan/catalog/measure/examiner.h"
#include "core/plan/catalog/measure/survey_store.h"
#include "core/plan/catalog/probe.h"
#include "proto/base/log.h"
#include "proto/base/mailbox.h"
#include "proto/base/thread.h"

#define TOLD_MS 100 /* so much longer or shorter than was probed is worth a line */
#define MAX_THREADS 64
#define LOWEST_NICE 19
#define IOPRIO_WHO_PROCESS 1
#define IOPRIO_IDLE (3 << 13)
#define PUBLISH_EVERY_NS (60 * INT64_C(1000000000))

/* One file. */
typedef struct {
        SurveyTask *task;
        SurveyResult result;
        Survey survey;
        bool gone; /* the file, or all of its disk */
} Job;

struct CatalogMeasure {
        /* Set at the start, then only read. */
        char *store_path;
        RvClock *clock;
        int n_threads;

        atomic_bool stop;
        atomic_int limit;
        atomic_int n_active; /* workers that are at work, not resting; changed with lock held */

        /* Protected by lock. */
        pthread_mutex_t lock;
        pthread_cond_t changed; /* results, limit, stop */
        CatalogMeasureProgress progress;
        GQueue *waiting; /* SurveyTask */
        GQueue results;  /* Job */
        int n_workers;   /* that have not ended */

        /* The coordinating thread's. */
        RvThread *coordinator; /* the owner's */
        Store *store;
        int64_t published_ns;
        int64_t n_gone;
        char *gone; /* one of them */

        /* The owner's, on context's thread. */
        RvMailbox *mailbox;
        CatalogMeasureOptions callbacks;
};

static void job_free(Job *job) {
        if (!job)
                return;
        survey_task_free(job->task);
        survey_clear(&job->survey);
        g_free(job);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Job, job_free)

/* --- telling the owner ------------------------------------------------------------------------------------------- */

static void on_notice(void *user, void *take_message) {
        CatalogMeasure *measure = user;
        const CatalogMeasureProgress progress = catalog_measure_progress(measure);
        if (measure->callbacks.on_progress)
                measure->callbacks.on_progress(measure->callbacks.user, &progress);
}

static void tell(CatalogMeasure *measure) {
        rv_mailbox_post(measure->mailbox, measure);
}

CatalogMeasureProgress catalog_measure_progress(CatalogMeasure *measure) {
        pthread_mutex_lock(&measure->lock);
        CatalogMeasureProgress progress = measure->progress;
        pthread_mutex_unlock(&measure->lock);
        progress.paused = !progress.over && atomic_load(&measure->limit) == 0;
        return progress;
}

/* --- a worker ---------------------------------------------------------------------------------------------------- */

/* This thread alone: behind everybody else at the processor and at the disk. Where that is not allowed, it goes on. */
static void stand_back(void) {
        const id_t me = (id_t)gettid();
        (void)setpriority(PRIO_PROCESS, me, LOWEST_NICE);
        (void)syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, me, IOPRIO_IDLE);
}

/* With lock held. False: it is to end. */
static bool await_turn(CatalogMeasure *measure) {
        while (atomic_load(&measure->n_active) >= atomic_load(&measure->limit) && !atomic_load(&measure->stop))
                pthread_cond_wait(&measure->changed, &measure->lock);
        return !atomic_load(&measure->stop);
}

/* In the middle of a file: rests while others are to go first. INV-MEASURE-003 */
static bool go_on(void *user) {
        CatalogMeasure *measure = user;
        if (atomic_load(&measure->n_active) <= atomic_load(&measure->limit))
                return !atomic_load(&measure->stop);
        pthread_mutex_lock(&measure->lock);
        bool more = !atomic_load(&measure->stop);
        if (atomic_load(&measure->n_active) > atomic_load(&measure->limit)) {
                atomic_fetch_sub(&measure->n_active, 1);
                more = await_turn(measure);
                atomic_fetch_add(&measure->n_active, 1);
        }
        pthread_mutex_unlock(&measure->lock);
        return more;
}

static bool is_as_it_was(const SurveyTask *task) {
        struct stat status;
        return stat(task->uri, &status) == 0 && S_ISREG(status.st_mode) && status.st_size == task->size &&
               status.st_mtim.tv_sec * INT64_C(1000000000) + status.st_mtim.tv_nsec == task->mtime_ns;
}

static bool is_gone(const SurveyTask *task) {
        struct stat status;
        return stat(task->uri, &status) != 0 && (errno == ENOENT || errno == ENOTDIR);
}

static void survey(CatalogMeasure *measure, Examiner *examiner, Job *job) {
        const SurveyOptions options = {
                .path = job->task->uri,
                .expected_ms = job->task->duration_ms,
                .clock = measure->clock,
                .go_on = go_on,
                .user = measure,
        };
        job->result = SURVEY_RETRY; /* a file that changes is the next scan's */
        if (is_as_it_was(job->task))
                job->result = examiner_survey(examiner, &options, &job->survey);
        if (job->result != SURVEY_STOPPED && !is_as_it_was(job->task))
                job->result = SURVEY_RETRY;
        job->gone = job->result == SURVEY_RETRY && is_gone(job->task);
}

/* With lock held: one file for a worker whose turn it is; NULL: there is none. */
static SurveyTask *take_task(CatalogMeasure *measure) {
        while (!g_queue_is_empty(measure->waiting) && !atomic_load(&measure->stop)) {
                if (atomic_load(&measure->n_active) < atomic_load(&measure->limit)) {
                        atomic_fetch_add(&measure->n_active, 1);
                        return g_queue_pop_head(measure->waiting);
                }
                pthread_cond_wait(&measure->changed, &measure->lock);
        }
        return NULL;
}

static void work(void *user) {
        CatalogMeasure *measure = user;
        stand_back();
        g_autoptr(Examiner) examiner = examiner_new(measure->clock);
        pthread_mutex_lock(&measure->lock);
        for (SurveyTask *task; (task = take_task(measure));) {
                Job *job = g_new0(Job, 1);
                job->task = task;
                pthread_mutex_unlock(&measure->lock);
                survey(measure, examiner, job);
                pthread_mutex_lock(&measure->lock);
                atomic_fetch_sub(&measure->n_active, 1);
                g_queue_push_tail(&measure->results, job);
                pthread_cond_broadcast(&measure->changed);
        }
        measure->n_workers--;
        pthread_cond_broadcast(&measure->changed);
        pthread_mutex_unlock(&measure->lock);
}

/* --- the coordinating thread ------------------------------------------------------------------------------------- */

/* A disk that is away is told once, not by each of its files. */
static void note_gone(CatalogMeasure *measure, const Job *job) {
        rv_debug("catalog.survey_gone", RV_S("file", job->task->uri));
        measure->n_gone++;
        if (!measure->gone)
                measure->gone = g_strdup(job->task->uri);
}

static void log_job(CatalogMeasure *measure, const Job *job) {
        const SurveyTask *task = job->task;
        if (job->gone) {
                note_gone(measure, job);
                return;
        }
        if (job->result == SURVEY_OK)
                rv_debug("catalog.surveyed", RV_S("file", task->uri), RV_I("gain_millibel", job->survey.gain_millibel),
                         RV_I("quiet", job->survey.n_quiet));
        else
                rv_info("catalog.survey_failed", RV_S("file", task->uri),
                        RV_S("reason", job->survey.fault ? job->survey.fault : "The file has changed."));
        if (job->survey.end_ms > 0 &&
            ABS(job->survey.end_ms - task->duration_ms) > TOLD_MS) /* a coder's frame is no news */
                rv_info("catalog.length_corrected", RV_S("file", task->uri), RV_I("from_ms", task->duration_ms),
                        RV_I("to_ms", job->survey.end_ms));
}

static bool write_job(CatalogMeasure *measure, Job *take_job, GError **error) {
        g_autoptr(Job) job = take_job;
        if (job->result == SURVEY_STOPPED)
                return true;
        log_job(measure, job);
        if (job->result != SURVEY_RETRY && !survey_store_put(measure->store, job->task, &job->survey, error))
                return false;
        pthread_mutex_lock(&measure->lock);
        measure->progress.done++;
        measure->progress.to_do--;
        measure->progress.refused += job->result == SURVEY_BROKEN;
        pthread_mutex_unlock(&measure->lock);
        tell(measure);
        return true;
}

/* NULL: all has been said. */
static Job *await_job(CatalogMeasure *measure) {
        pthread_mutex_lock(&measure->lock);
        while (g_queue_is_empty(&measure->results) && measure->n_workers > 0)
                pthread_cond_wait(&measure->changed, &measure->lock);
        Job *job = g_queue_pop_head(&measure->results);
        pthread_mutex_unlock(&measure->lock);
        return job;
}

/* Each revision makes plans anew: seldom, and when all is done. */
static bool publish(CatalogMeasure *measure, int64_t interval_ns, GError **error) {
        const int64_t now_ns = rv_clock_mono_ns(measure->clock);
        if (now_ns - measure->published_ns < interval_ns)
                return true;
        measure->published_ns = now_ns;
        return survey_store_publish(measure->store, error);
}

static bool collect(CatalogMeasure *measure, GError **error) {
        for (Job *job; (job = await_job(measure));)
                if (!write_job(measure, job, error) || !publish(measure, PUBLISH_EVERY_NS, error))
                        return false;
        return true;
}

static bool run_workers(CatalogMeasure *measure, GError **error) {
        RvThread *workers[MAX_THREADS];
        int n = 0;
        bool good = true;
        for (; n < measure->n_threads && good; n += good) {
                pthread_mutex_lock(&measure->lock);
                measure->n_workers++;
                pthread_mutex_unlock(&measure->lock);
                workers[n] = rv_thread_start("catalog-measure", RV_PRIORITY_BACKGROUND, work, measure, error);
                good = workers[n] != NULL;
        }
        if (!good) {
                pthread_mutex_lock(&measure->lock);
                measure->n_workers--;
                pthread_mutex_unlock(&measure->lock);
                if (n > 0) /* fewer than wanted are enough */
                        g_clear_error(error);
        }
        good = n > 0 && collect(measure, error);
        if (!good)
                atomic_store(&measure->stop, true);
        pthread_mutex_lock(&measure->lock);
        pthread_cond_broadcast(&measure->changed);
        pthread_mutex_unlock(&measure->lock);
        for (int i = 0; i < n; i++)
                rv_thread_join(workers[i]);
        return good;
}

static bool run(CatalogMeasure *measure, GError **error) {
        measure->store = store_open(measure->store_path, error);
        GQueue *tasks = measure->store ? survey_store_tasks(measure->store, error) : NULL;
        if (!tasks)
                return false;
        pthread_mutex_lock(&measure->lock);
        measure->waiting = tasks;
        measure->progress.to_do = g_queue_get_length(tasks);
        pthread_mutex_unlock(&measure->lock);
        tell(measure);
        measure->published_ns = rv_clock_mono_ns(measure->clock);
        const bool good = g_queue_is_empty(tasks) || run_workers(measure, error);
        return publish(measure, 0, good ? error : NULL) && good;
}

static void coordinate(void *user) {
        CatalogMeasure *measure = user;
        g_autoptr(GError) failure = NULL;
        (void)run(measure, &failure);
        g_clear_pointer(&measure->store, store_close);
        pthread_mutex_lock(&measure->lock);
        measure->progress.over = true;
        if (failure)
                g_strlcpy(measure->progress.fault, failure->message, sizeof(measure->progress.fault));
        const CatalogMeasureProgress progress = measure->progress;
        pthread_mutex_unlock(&measure->lock);
        if (failure)
                rv_error("catalog.measure_failed", RV_S("reason", failure->message));
        else if (progress.done > 0)
                rv_info("catalog.measured", RV_I("files", progress.done), RV_I("refused", progress.refused),
                        RV_I("to_do", progress.to_do));
        if (measure->n_gone > 0)
                rv_warning("catalog.survey_files_gone", RV_I("files", measure->n_gone), RV_S("example", measure->gone),
                           RV_S("reason", "They are not there any more; they are measured when a scan finds them."));
        tell(measure);
}

/* --- the owner's side -------------------------------------------------------------------------------------------- */

CatalogMeasure *catalog_measure_start(const CatalogMeasureOptions *options, GError **error) {
        probe_init();
        CatalogMeasure *measure = g_new0(CatalogMeasure, 1);
        measure->store_path = g_strdup(options->store_path);
        measure->clock = options->clock;
        measure->n_threads = CLAMP(options->threads, 1, MAX_THREADS);
        measure->callbacks = *options;
        atomic_init(&measure->limit, measure->n_threads);
        atomic_init(&measure->n_active, 0);
        pthread_mutex_init(&measure->lock, NULL);
        pthread_cond_init(&measure->changed, NULL);
        g_queue_init(&measure->results);
        measure->mailbox = rv_mailbox_new(options->context, on_notice, measure, NULL);
        measure->coordinator = rv_thread_start("catalog-survey", RV_PRIORITY_BACKGROUND, coordinate, measure, error);
        if (measure->coordinator)
                return measure;
        catalog_measure_free(measure);
        return NULL;
}

static void wake(CatalogMeasure *measure) {
        pthread_mutex_lock(&measure->lock); /* so that a waiter has either seen it or waits already */
        pthread_cond_broadcast(&measure->changed);
        pthread_mutex_unlock(&measure->lock);
}

void catalog_measure_limit(CatalogMeasure *measure, int threads) {
        if (atomic_exchange(&measure->limit, threads) != threads)
                wake(measure);
}

void catalog_measure_free(CatalogMeasure *measure) {
        if (!measure)
                return;
        atomic_store(&measure->stop, true);
        wake(measure);
        rv_thread_join(measure->coordinator);
        rv_mailbox_free(measure->mailbox);
        if (measure->waiting)
                g_queue_free_full(measure->waiting, (GDestroyNotify)survey_task_free);
        g_queue_clear_full(&measure->results, (GDestroyNotify)job_free);
        pthread_cond_destroy(&measure->changed);
        pthread_mutex_destroy(&measure->lock);
        g_free(measure->store_path);
        g_free(measure->gone);
        g_free(measure);
}
