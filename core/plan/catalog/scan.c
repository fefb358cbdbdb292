/*
 * A scan: one coordinating thread that owns its connection to the store, and workers that measure files for it. What
 * they tell the owner of the scan goes through a mailbox to the owner's context, and is thinned out there.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/plan/catalog/catalog_store.h"
#include "core/plan/catalog/measure/examiner.h"
#include "core/plan/catalog/measure/fingerprint.h"
#include "core/plan/catalog/names.h"
#include "core/plan/catalog/nfo.h"
#include "core/plan/catalog/probe.h"
#include "core/plan/catalog/walk.h"
#include "proto/base/error.h"
#include "proto/base/log.h"
#include "proto/base/mailbox.h"
#include "proto/base/thread.h"

#define MAX_THREADS 64
#define PROGRESS_INTERVAL_MS 100
#define CHANGED_INTERVAL_MS 1000
#define MAX_BATCH 64 /* rows of one transaction */

/* One file to be measured. */
typedef struct {
        CatalogRow *row;
        ProbeResult result;
} Job;

struct CatalogScan {
        /* Set at the start, then only read. */
        char *store_path;
        char **folders; /* canonical */
        bool whole_library;
        RvClock *clock;
        int n_threads;

        atomic_bool stop;

        /* Protected by lock. */
        pthread_mutex_t lock;
        pthread_cond_t measured; /* results has grown */
        CatalogProgress progress;
        GQueue waiting; /* Job; the coordinating thread's alone until there are workers */
        GQueue results; /* Job */

        /* The coordinating thread's. */
        RvThread *coordinator; /* the owner's */
        Store *store;
        GError *source_failure; /* of the first source that could not be read */
        Walk *walk;
        GHashTable *rows;          /* uri -> CatalogRow: as stored */
        CatalogProgress inventory; /* of the files that need no measuring */
        bool changed;              /* the open transaction changes what planning sees */

        /* The owner's, on context's thread. */
        GMainContext *context;
        RvMailbox *mailbox;
        GSource *timer; /* while notices are held back; NULL = none was given lately */
        bool progress_due, changed_due;
        int64_t ticks; /* of the timer */
        CatalogScanOptions callbacks;
};

/* --- telling the owner ------------------------------------------------------------------------------------------- */

typedef enum { NOTICE_PROGRESS = 1, NOTICE_CHANGED } Notice;

static void post(CatalogScan *scan, Notice notice) {
        rv_mailbox_post(scan->mailbox, GINT_TO_POINTER(notice));
}

static void tell_progress(CatalogScan *scan) {
        const CatalogProgress progress = catalog_scan_progress(scan);
        scan->progress_due = false;
        if (scan->callbacks.on_progress)
                scan->callbacks.on_progress(scan->callbacks.user, &progress);
}

static void tell_changed(CatalogScan *scan) {
        scan->changed_due = false;
        if (scan->callbacks.on_changed)
                scan->callbacks.on_changed(scan->callbacks.user);
}

/* What came meanwhile is told now; when nothing came for a while, the timer goes and the next notice is told at once.
 */
static gboolean on_timer(void *user) {
        CatalogScan *scan = user;
        if (++scan->ticks % (CHANGED_INTERVAL_MS / PROGRESS_INTERVAL_MS) == 0) {
                if (!scan->progress_due && !scan->changed_due) {
                        g_clear_pointer(&scan->timer, g_source_unref);
                        return G_SOURCE_REMOVE;
                }
                if (scan->changed_due)
                        tell_changed(scan);
        }
        if (scan->progress_due)
                tell_progress(scan);
        return G_SOURCE_CONTINUE;
}

static void start_timer(CatalogScan *scan) {
        scan->ticks = 0;
        scan->timer = g_timeout_source_new(PROGRESS_INTERVAL_MS);
        g_source_set_callback(scan->timer, on_timer, scan, NULL);
        g_source_attach(scan->timer, scan->context);
}

static void on_notice(void *user, void *take_message) {
        CatalogScan *scan = user;
        const Notice notice = (Notice)GPOINTER_TO_INT(take_message);
        scan->progress_due |= notice == NOTICE_PROGRESS;
        scan->changed_due |= notice == NOTICE_CHANGED;
        const bool done = catalog_scan_progress(scan).done;
        if (scan->timer && !done)
                return;
        if (scan->changed_due)
                tell_changed(scan);
        if (scan->progress_due)
                tell_progress(scan);
        if (!scan->timer && !done)
                start_timer(scan);
}

CatalogProgress catalog_scan_progress(CatalogScan *scan) {
        pthread_mutex_lock(&scan->lock);
        const CatalogProgress progress = scan->progress;
        pthread_mutex_unlock(&scan->lock);
        return progress;
}

/* --- what the folders say ---------------------------------------------------------------------------------------- */

static void reset_editorial(Asset *asset) {
        g_clear_pointer(&asset->title, g_free);
        g_clear_pointer(&asset->series, g_free);
        g_clear_pointer(&asset->rating, g_free);
        g_clear_pointer(&asset->description, g_free);
        g_clear_pointer(&asset->air_date, g_free);
        g_clear_pointer(&asset->library, g_free);
        g_clear_pointer(&asset->studio, g_free);
        asset->hint_ms = 0;
        asset->season = asset->episode = asset->year = 0;
        g_strfreev(asset->genres);
        asset->genres = g_new0(char *, 1);
        g_strfreev(asset->collections);
        asset->collections = g_new0(char *, 1);
}

/* Everything but what is measured, anew. The kind may stay open (0) until the file is measured. What an imported
 * library says is left as it is: its import reads it. */
static void read_editorial(CatalogRow *row, const WalkFile *file) {
        Asset *asset = row->asset;
        if (row->origin)
                return;
        g_free(asset->source);
        asset->source = g_strdup("folder");
        reset_editorial(asset);
        names_read(asset, file);
        if (file->nfo)
                nfo_apply(asset, file->nfo);
        if (file->show_nfo)
                nfo_apply_show(asset, file->show_nfo);
}

static void take_file(CatalogRow *row, const WalkFile *file) {
        row->size = file->size;
        row->mtime_ns = file->mtime_ns;
        row->present = true;
        if (row->asset->state == ASSET_READY)
                g_clear_pointer(&row->asset->reason, g_free);
        if (row->origin)
                return;
        g_free(row->stamp);
        row->stamp = g_strdup(file->stamp);
}

static CatalogRow *new_row(CatalogScan *scan, const WalkFile *file, GError **error) {
        char id[37];
        if (!catalog_store_name(scan->store, file->path, id, error))
                return NULL;
        CatalogRow *row = catalog_row_new();
        row->asset->id = g_strdup(id);
        row->asset->uri = g_strdup(file->path);
        row->asset->added_utc_ms = rv_clock_utc_ms(scan->clock);
        return row;
}

/* A row that is not measured yet is stored under the kind that most files have. */
static bool put(CatalogScan *scan, CatalogRow *row, GError **error) {
        scan->changed = true;
        Asset *asset = row->asset;
        const AssetKind kind = asset->kind;
        if (!kind)
                asset->kind = ASSET_EPISODE;
        const bool good = catalog_store_put(scan->store, row, error);
        asset->kind = kind;
        return good;
}

static void refuse_row(CatalogRow *row, const char *reason) {
        Asset *asset = row->asset;
        asset->state = ASSET_REFUSED;
        asset->approved = false;
        asset->duration_ms = 0;
        asset->n_chapters = 0;
        g_free(asset->reason);
        asset->reason = g_strdup(reason);
        names_settle(asset);
}

/* INV-ASSET-STATE-MACHINE-001: what is measured anew is new until then, whatever it was before. */
static bool queue_row(CatalogScan *scan, CatalogRow *take_row, GError **error) {
        Asset *asset = take_row->asset;
        asset->state = ASSET_NEW;
        asset->approved = false; /* INV-ASSET-REPROBE-RESETS-APPROVAL-001 */
        asset->n_chapters = 0;
        g_clear_pointer(&take_row->fingerprint, g_free);
        g_clear_pointer(&asset->reason, g_free);
        Job *job = g_new0(Job, 1);
        job->row = take_row;
        g_queue_push_tail(&scan->waiting, job);
        return put(scan, take_row, error);
}

/* INV-CATALOG-002: same size and same time: measured already, whether or not it was gone in between. */
static bool is_measured(const CatalogRow *row, const WalkFile *file) {
        return row->size == file->size && row->mtime_ns == file->mtime_ns && row->asset->state != ASSET_NEW;
}

static bool keep_row(CatalogScan *scan, CatalogRow *row, const WalkFile *file, GError **error) {
        scan->inventory.unchanged++;
        scan->inventory.refused += row->asset->state == ASSET_REFUSED;
        const bool same = row->origin || g_str_equal(row->stamp, file->stamp);
        if (same && row->present)
                return true;
        if (!same) {
                read_editorial(row, file);
                names_settle(row->asset);
        }
        take_file(row, file);
        return put(scan, row, error);
}

static bool refuse_file(CatalogScan *scan, CatalogRow *row, const WalkFile *file, GError **error) {
        scan->inventory.refused++;
        const bool known = row->asset->state == ASSET_REFUSED && row->present && row->size == file->size &&
                           g_strcmp0(row->asset->reason, file->fault) == 0;
        read_editorial(row, file);
        take_file(row, file);
        refuse_row(row, file->fault);
        return known || put(scan, row, error);
}

static CatalogRow *steal_row(CatalogScan *scan, const char *path) {
        void *row = NULL;
        g_hash_table_steal_extended(scan->rows, path, NULL, &row);
        return row;
}

static bool below_any(const char *path, char *const *dirs) {
        for (size_t i = 0; dirs[i]; i++)
                if (walk_below(path, dirs[i]))
                        return true;
        return false;
}

/* That a file is not at this path says that it is not there, not that its disk is away. */
static bool was_looked_at(const CatalogScan *scan, const char *uri, const CatalogRow *row) {
        for (guint i = 0; i < scan->walk->unread->len; i++)
                if (walk_below(uri, g_ptr_array_index(scan->walk->unread, i)))
                        return false;
        return (scan->whole_library && !row->origin) || below_any(uri, scan->folders);
}

/* A file that was elsewhere keeps what is known of it, if that other place was looked at and it is there no more. */
static CatalogRow *moved_row(CatalogScan *scan, const WalkFile *file, GError **error) {
        g_autoptr(GError) failure = NULL;
        g_autoptr(CatalogRow) row =
                file->fault ? NULL : catalog_store_find_moved(scan->store, file->path, file->size, NULL, &failure);
        if (row && !was_looked_at(scan, row->asset->uri, row))
                g_clear_pointer(&row, catalog_row_free);
        if (row) {
                scan->changed = true;
                catalog_row_free(steal_row(scan, row->asset->uri));
                if (!catalog_store_move(scan->store, row, file->path, file->mtime_ns, &failure))
                        g_clear_pointer(&row, catalog_row_free);
        }
        if (failure)
                g_propagate_error(error, g_steal_pointer(&failure));
        return g_steal_pointer(&row);
}

/* NULL: the database failed. */
static CatalogRow *row_of(CatalogScan *scan, const WalkFile *file, GError **error) {
        g_autoptr(GError) failure = NULL;
        CatalogRow *row = steal_row(scan, file->path);
        if (!row)
                row = moved_row(scan, file, &failure);
        if (!failure)
                return row ? row : new_row(scan, file, error);
        g_propagate_error(error, g_steal_pointer(&failure));
        return NULL;
}

/* Every media file gets its row here: kept, refused, or waiting to be measured. INV-CATALOG-004 */
static bool classify(CatalogScan *scan, const WalkFile *file, GError **error) {
        g_autoptr(CatalogRow) row = row_of(scan, file, error);
        if (!row || row->asset->state == ASSET_RETIRED)
                return row != NULL;
        if (file->fault)
                return refuse_file(scan, row, file, error);
        if (row->stamp && is_measured(row, file))
                return keep_row(scan, row, file, error);
        read_editorial(row, file);
        take_file(row, file);
        return queue_row(scan, g_steal_pointer(&row), error);
}

static int compare_texts(const void *a, const void *b) {
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* What the walk did not meet and an imported library names, in a fixed order. */
static GPtrArray *imported_paths(const CatalogScan *scan) {
        GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);
        GHashTableIter iter;
        void *uri, *value;
        g_hash_table_iter_init(&iter, scan->rows);
        while (g_hash_table_iter_next(&iter, &uri, &value)) {
                const CatalogRow *row = value;
                if (row->origin && row->asset->state != ASSET_RETIRED)
                        g_ptr_array_add(paths, g_strdup(uri));
        }
        g_ptr_array_sort(paths, compare_texts);
        return paths;
}

/* Imported files are looked at where they are. One that is not there stays among the rows, for mark_missing; what
 * cannot be told now is left as it was. */
static bool classify_imported(CatalogScan *scan, GError **error) {
        g_autoptr(GPtrArray) paths = imported_paths(scan);
        for (guint i = 0; i < paths->len && !atomic_load(&scan->stop); i++) {
                const char *path = paths->pdata[i];
                g_autoptr(WalkFile) file = walk_file(path);
                if (file && !classify(scan, file, error))
                        return false;
                scan->inventory.found += file != NULL;
                if (!file && errno != ENOENT && errno != ENOTDIR)
                        catalog_row_free(steal_row(scan, path));
        }
        return true;
}

/* Of imported files, classify_imported has looked: INV-CATALOG-009 */
static bool is_gone(const CatalogScan *scan, const char *uri, const CatalogRow *row) {
        return row->origin || was_looked_at(scan, uri, row);
}

/* What is left of the known rows was not found. INV-CATALOG-005 */
static bool mark_missing(CatalogScan *scan, GError **error) {
        GHashTableIter iter;
        void *uri, *value;
        g_hash_table_iter_init(&iter, scan->rows);
        while (g_hash_table_iter_next(&iter, &uri, &value)) {
                const CatalogRow *row = value;
                if (row->asset->state == ASSET_RETIRED || !is_gone(scan, uri, row))
                        continue;
                scan->inventory.missing++;
                if (!row->present)
                        continue;
                if (!catalog_store_set_present(scan->store, row->asset->id, false, error))
                        return false;
                scan->changed = true;
        }
        return true;
}

/* --- transactions ------------------------------------------------------------------------------------------------ */

static bool commit(CatalogScan *scan, GError **error) {
        if (scan->changed && !catalog_store_bump(scan->store, error)) {
                store_rollback(scan->store);
                return false;
        }
        if (!store_commit(scan->store, error))
                return false;
        if (scan->changed)
                post(scan, NOTICE_CHANGED);
        scan->changed = false;
        return true;
}

static bool in_transaction(CatalogScan *scan, bool (*write)(CatalogScan *, GError **), GError **error) {
        if (!store_begin(scan->store, error))
                return false;
        if (write(scan, error))
                return commit(scan, error);
        store_rollback(scan->store);
        scan->changed = false;
        return false;
}

static bool write_inventory(CatalogScan *scan, GError **error) {
        for (guint i = 0; i < scan->walk->files->len; i++)
                if (!classify(scan, g_ptr_array_index(scan->walk->files, i), error))
                        return false;
        scan->inventory.found = scan->walk->files->len;
        return classify_imported(scan, error) && (atomic_load(&scan->stop) || mark_missing(scan, error));
}

/* Small files first: interstitials and short episodes are there within seconds, and channels can begin. */
static int compare_jobs(const void *a, const void *b, void *user) {
        const CatalogRow *left = ((const Job *)a)->row, *right = ((const Job *)b)->row;
        if (left->size != right->size)
                return left->size < right->size ? -1 : 1;
        return strcmp(left->asset->uri, right->asset->uri);
}

/* Compares the folders with what is stored; all at once, so that planning never sees half of a library go. */
static bool take_inventory(CatalogScan *scan, GError **error) {
        scan->walk = walk_new();
        walk_folders(scan->walk, (const char *const *)scan->folders, &scan->stop);
        if (atomic_load(&scan->stop))
                return true;
        scan->rows = catalog_store_rows(scan->store, error);
        if (!scan->rows)
                return false;
        if (!in_transaction(scan, write_inventory, error))
                return false;
        g_queue_sort(&scan->waiting, compare_jobs, NULL);
        scan->inventory.to_measure = g_queue_get_length(&scan->waiting);
        pthread_mutex_lock(&scan->lock);
        scan->progress = scan->inventory;
        pthread_mutex_unlock(&scan->lock);
        post(scan, NOTICE_PROGRESS);
        return true;
}

/* --- measuring --------------------------------------------------------------------------------------------------- */

static Job *next_job(CatalogScan *scan) {
        pthread_mutex_lock(&scan->lock);
        Job *job = atomic_load(&scan->stop) ? NULL : g_queue_pop_head(&scan->waiting);
        pthread_mutex_unlock(&scan->lock);
        return job;
}

static void measure_files(void *user) {
        CatalogScan *scan = user;
        g_autoptr(Examiner) examiner = examiner_new(scan->clock);
        for (Job *job; (job = next_job(scan));) {
                job->result = examiner_probe(examiner, job->row->asset, &scan->stop);
                if (job->result == PROBE_OK)
                        job->row->fingerprint = fingerprint_of(job->row->asset->uri, job->row->size);
                pthread_mutex_lock(&scan->lock);
                g_queue_push_tail(&scan->results, job);
                pthread_cond_signal(&scan->measured);
                pthread_mutex_unlock(&scan->lock);
        }
}

static void job_free(Job *job) {
        if (!job)
                return;
        catalog_row_free(job->row);
        g_free(job);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Job, job_free)

static void settle_row(CatalogRow *row, ProbeResult result) {
        Asset *asset = row->asset;
        if (result != PROBE_OK) {
                g_autofree char *reason = g_steal_pointer(&asset->reason);
                refuse_row(row, reason);
                if (result == PROBE_RETRY)
                        row->size = row->mtime_ns = 0;
                rv_info("catalog.refused", RV_S("file", asset->uri), RV_S("reason", asset->reason));
                return;
        }
        names_settle(asset);
        asset->state = ASSET_READY; /* INV-ASSET-DURATION-REQUIRED-FOR-READY-001: the probe measured it */
        asset->approved = true;     /* INV-ASSET-APPROVED-IMPLIES-READY-001: who named the folder approved of it */
}

static bool write_result(CatalogScan *scan, Job *take_job, GError **error) {
        g_autoptr(Job) job = take_job;
        if (job->result == PROBE_STOPPED) /* it stays new, and is measured by the next scan */
                return true;
        settle_row(job->row, job->result);
        pthread_mutex_lock(&scan->lock);
        scan->progress.to_measure--;
        scan->progress.measured += job->result == PROBE_OK;
        scan->progress.refused += job->result != PROBE_OK;
        pthread_mutex_unlock(&scan->lock);
        return put(scan, job->row, error);
}

static Job *take_result(CatalogScan *scan) {
        pthread_mutex_lock(&scan->lock);
        Job *job = g_queue_pop_head(&scan->results);
        pthread_mutex_unlock(&scan->lock);
        return job;
}

static bool write_batch(CatalogScan *scan, GError **error) {
        Job *job;
        for (int i = 0; i < MAX_BATCH && (job = take_result(scan)); i++)
                if (!write_result(scan, job, error))
                        return false;
        return true;
}

static void await_result(CatalogScan *scan) {
        pthread_mutex_lock(&scan->lock);
        while (g_queue_is_empty(&scan->results) && !atomic_load(&scan->stop))
                pthread_cond_wait(&scan->measured, &scan->lock);
        pthread_mutex_unlock(&scan->lock);
}

/* Writes results as they come, as many at once as there are. */
static bool collect(CatalogScan *scan, GError **error) {
        while (catalog_scan_progress(scan).to_measure > 0 && !atomic_load(&scan->stop)) {
                await_result(scan);
                if (!in_transaction(scan, write_batch, error))
                        return false;
                post(scan, NOTICE_PROGRESS);
        }
        return true;
}

static bool measure_all(CatalogScan *scan, GError **error) {
        RvThread *workers[MAX_THREADS] = {NULL};
        int n_workers = 0;
        bool good = true;
        while (n_workers < scan->n_threads && good) {
                workers[n_workers] =
                        rv_thread_start("catalog-probe", RV_PRIORITY_BACKGROUND, measure_files, scan, error);
                good = workers[n_workers] != NULL;
                n_workers += good;
        }
        if (n_workers > 0 && !good) { /* fewer than wanted are enough */
                g_clear_error(error);
                good = true;
        }
        good = good && collect(scan, error);
        if (!good)
                atomic_store(&scan->stop, true);
        for (int i = 0; i < n_workers; i++)
                rv_thread_join(workers[i]);
        return good;
}

/* --- the scan ---------------------------------------------------------------------------------------------------- */

static bool import_source(CatalogScan *scan, const ConfigSource *source, GError **error) {
        const CatalogImportOptions options = {
                .kind = catalog_source_kind_from_name(source->kind),
                .path = source->path,
                .maps = (const char *const *)source->maps,
                .sections = (const char *const *)source->sections,
                .clock = scan->clock,
                .stop = &scan->stop,
        };
        g_auto(CatalogImportReport) report = {0};
        if (!catalog_import(scan->store, &options, &report, error))
                return false;
        if (report.added + report.changed + report.vanished > 0)
                post(scan, NOTICE_CHANGED);
        return true;
}

/* A source that cannot be read now is no reason not to look through the others and the folders. INV-CATALOG-005 */
static void import_sources(CatalogScan *scan) {
        const ConfigSource *const *sources = scan->callbacks.sources;
        for (size_t i = 0; sources && sources[i] && !atomic_load(&scan->stop); i++) {
                g_autoptr(GError) failure = NULL;
                if (import_source(scan, sources[i], &failure))
                        continue;
                rv_warning("catalog.source_unread", RV_S("source", sources[i]->path), RV_S("reason", failure->message));
                if (!scan->source_failure)
                        scan->source_failure = g_steal_pointer(&failure);
        }
}

static bool run(CatalogScan *scan, GError **error) {
        scan->store = store_open(scan->store_path, error);
        if (!scan->store)
                return false;
        import_sources(scan);
        if (!take_inventory(scan, error))
                return false;
        return catalog_scan_progress(scan).to_measure == 0 || measure_all(scan, error);
}

static void finish(CatalogScan *scan, const GError *failure) {
        const bool cut_short = atomic_load(&scan->stop);
        pthread_mutex_lock(&scan->lock);
        scan->progress.done = true;
        if (failure)
                g_strlcpy(scan->progress.fault, failure->message, sizeof(scan->progress.fault));
        const CatalogProgress progress = scan->progress;
        pthread_mutex_unlock(&scan->lock);
        if (failure)
                rv_error("catalog.scan_failed", RV_S("reason", failure->message));
        else if (!cut_short)
                rv_info("catalog.scanned", RV_I("found", progress.found), RV_I("measured", progress.measured),
                        RV_I("refused", progress.refused), RV_I("missing", progress.missing),
                        RV_I("unchanged", progress.unchanged));
        post(scan, NOTICE_PROGRESS);
}

static void coordinate(void *user) {
        CatalogScan *scan = user;
        g_autoptr(GError) failure = NULL;
        (void)run(scan, &failure);
        g_clear_pointer(&scan->rows, g_hash_table_unref);
        g_clear_pointer(&scan->walk, walk_free);
        g_clear_pointer(&scan->store, store_close);
        finish(scan, failure ? failure : scan->source_failure);
}

/* Absolute paths without links, each of which can be read now. */
static char **check_folders(const char *const *folders, GError **error) {
        g_autoptr(GStrvBuilder) canonical = g_strv_builder_new();
        for (size_t i = 0; folders[i]; i++) {
                char resolved[PATH_MAX];
                DIR *dir = realpath(folders[i], resolved) ? opendir(resolved) : NULL;
                if (!dir) { /* INV-CATALOG-005 */
                        rv_error_set_errno(error, errno, "media folder %s cannot be read", folders[i]);
                        return NULL;
                }
                closedir(dir);
                g_strv_builder_add(canonical, resolved);
        }
        return g_strv_builder_end(canonical);
}

static void init_libraries(void) {
        static gsize once;
        if (g_once_init_enter(&once)) {
                probe_init();
                nfo_init();
                g_once_init_leave(&once, 1);
        }
}

CatalogScan *catalog_scan_start(const CatalogScanOptions *options, GError **error) {
        g_auto(GStrv) folders = check_folders(options->folders, error);
        if (!folders)
                return NULL;
        init_libraries();
        CatalogScan *scan = g_new0(CatalogScan, 1);
        scan->store_path = g_strdup(options->store_path);
        scan->folders = g_steal_pointer(&folders);
        scan->whole_library = options->whole_library;
        scan->clock = options->clock;
        scan->n_threads = CLAMP(options->threads, 1, MAX_THREADS);
        scan->callbacks = *options;
        scan->context = options->context;
        pthread_mutex_init(&scan->lock, NULL);
        pthread_cond_init(&scan->measured, NULL);
        g_queue_init(&scan->waiting);
        g_queue_init(&scan->results);
        scan->mailbox = rv_mailbox_new(options->context, on_notice, scan, NULL);
        scan->coordinator = rv_thread_start("catalog-scan", RV_PRIORITY_BACKGROUND, coordinate, scan, error);
        if (scan->coordinator)
                return scan;
        catalog_scan_free(scan);
        return NULL;
}

static void stop(CatalogScan *scan) {
        atomic_store(&scan->stop, true);
        pthread_mutex_lock(&scan->lock); /* so that a waiter has either seen it or waits already */
        pthread_cond_broadcast(&scan->measured);
        pthread_mutex_unlock(&scan->lock);
        rv_thread_join(scan->coordinator);
}

void catalog_scan_free(CatalogScan *scan) {
        if (!scan)
                return;
        stop(scan);
        if (scan->timer)
                g_source_destroy(scan->timer);
        g_clear_pointer(&scan->timer, g_source_unref);
        rv_mailbox_free(scan->mailbox);
        g_queue_clear_full(&scan->waiting, (GDestroyNotify)job_free);
        g_queue_clear_full(&scan->results, (GDestroyNotify)job_free);
        pthread_cond_destroy(&scan->measured);
        pthread_mutex_destroy(&scan->lock);
        g_clear_error(&scan->source_failure);
        g_strfreev(scan->folders);
        g_free(scan->store_path);
        g_free(scan);
}
