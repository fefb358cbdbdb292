#include "core/library.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "core/base/store.h"
#include "core/plan/catalog/catalog.h"
#include "proto/base/log.h"

/* While a first scan is still going on, plan with what is there after so long. */
#define FIRST_PLAN_MS 30000

struct Library {
        LibraryOptions options;
        LibraryState state;
        bool usable;
        bool rescan_asked;
        guint first_plan_timer, rescan_timer, rescan_source, measure_source;

        pthread_mutex_t lock; /* others read, so both are changed with it held */
        CatalogScan *scan;
        CatalogMeasure *measure; /* after a scan, until the next */
        char *fault;

        bool watched, measure_asked;
};

/* --- a scan ------------------------------------------------------------------------------------------------------ */

/* What a person at a terminal sees of the first scan; later ones are in the log. */
static void show_progress(const Library *library, const CatalogProgress *progress) {
        if (library->state == LIBRARY_GROWING && isatty(STDERR_FILENO))
                fprintf(stderr, "\rscanning: %u files, %u measured, %u unchanged, %u refused, %u to go   %s",
                        progress->found, progress->measured, progress->unchanged, progress->refused,
                        progress->to_measure, progress->done ? "\n" : "");
}

static void set_fault(Library *library, const char *fault) {
        pthread_mutex_lock(&library->lock);
        bool changed = g_strcmp0(library->fault, fault) != 0;
        g_free(library->fault);
        library->fault = g_strdup(fault);
        pthread_mutex_unlock(&library->lock);
        if (fault && changed)
                fprintf(stderr, "retrovue: the media folders were not looked through to the end: %s\n", fault);
}

/* --- in the background ------------------------------------------------------------------------------------------- */

static int measure_threads(const Library *library) {
        const int processors = (int)g_get_num_processors();
        return library->watched ? MAX(1, processors / 2) : processors;
}

static void set_measure(Library *library, CatalogMeasure *take_measure) {
        pthread_mutex_lock(&library->lock);
        CatalogMeasure *before = library->measure;
        library->measure = take_measure;
        pthread_mutex_unlock(&library->lock);
        catalog_measure_free(before);
}

static void on_measured(void *user, const CatalogMeasureProgress *progress);

/* What it finds is published in the store, where the planner sees it. */
static gboolean measure_due(void *user) {
        Library *library = user;
        g_autoptr(GError) error = NULL;
        const CatalogMeasureOptions options = {
                .store_path = library->options.store_path,
                .threads = MIN(library->options.config->scan_threads, (int)g_get_num_processors()),
                .clock = library->options.clock,
                .on_progress = on_measured,
                .user = library,
        };
        library->measure_source = 0;
        library->measure_asked = false;
        CatalogMeasure *measure = catalog_measure_start(&options, &error);
        if (measure)
                catalog_measure_limit(measure, measure_threads(library));
        else
                rv_warning("library.not_measured", RV_S("error", error->message));
        set_measure(library, measure);
        return G_SOURCE_REMOVE;
}

/* Not at once: this may be within a report of the run that the new one replaces. */
static void schedule_measure(Library *library) {
        if (library->measure_source == 0)
                library->measure_source = g_idle_add(measure_due, library);
}

static void on_measured(void *user, const CatalogMeasureProgress *progress) {
        Library *library = user;
        if (progress->over && library->measure_asked)
                schedule_measure(library);
}

/* A run that is going on is not cut short: it would never get through a long film. */
static void start_measure(Library *library) {
        library->measure_asked = true;
        if (!library->measure || catalog_measure_progress(library->measure).over)
                schedule_measure(library);
}

void library_set_watched(Library *library, bool watched) {
        library->watched = watched;
        if (library->measure)
                catalog_measure_limit(library->measure, measure_threads(library));
}

/* --- reports of a scan ------------------------------------------------------------------------------------------- */

static void plan_now(Library *library) {
        library->usable = true;
        library->options.plan_now(library->options.user);
}

static void schedule_rescan(Library *library);

static void on_progress(void *user, const CatalogProgress *progress) {
        Library *library = user;
        show_progress(library, progress);
        if (!progress->done)
                return;
        set_fault(library, progress->fault[0] ? progress->fault : NULL);
        library->state = LIBRARY_KNOWN;
        plan_now(library);
        if (library->rescan_asked)
                schedule_rescan(library);
        else
                start_measure(library);
}

static void on_changed(void *user) {
        Library *library = user;
        if (library->usable)
                library->options.plan_soon(library->options.user);
}

/* In the place of the one before, which is ended. */
static void set_scan(Library *library, CatalogScan *take_scan) {
        pthread_mutex_lock(&library->lock);
        CatalogScan *before = library->scan;
        library->scan = take_scan;
        pthread_mutex_unlock(&library->lock);
        catalog_scan_free(before);
}

static bool has_media(const Library *library) {
        return library->options.config->media_dirs[0] || library->options.config->sources[0];
}

static bool start_scan(Library *library, GError **error) {
        CatalogScanOptions options = {
                .store_path = library->options.store_path,
                .folders = (const char *const *)library->options.config->media_dirs,
                .sources = (const ConfigSource *const *)library->options.config->sources,
                .whole_library = library->options.config->media_dirs[0] != NULL,
                .threads = library->options.config->scan_threads,
                .clock = library->options.clock,
                .on_progress = on_progress,
                .on_changed = on_changed,
                .user = library,
        };
        CatalogScan *scan = catalog_scan_start(&options, error);
        if (scan)
                set_scan(library, scan);
        return scan != NULL;
}

/* --- again ------------------------------------------------------------------------------------------------------- */

static gboolean rescan_due(void *user) {
        Library *library = user;
        g_autoptr(GError) error = NULL;
        library->rescan_source = 0;
        library->rescan_asked = false;
        if (!start_scan(library, &error))
                set_fault(library, error->message);
        return G_SOURCE_REMOVE;
}

/* Not at once: this may be within a report of the scan that the new one replaces. */
static void schedule_rescan(Library *library) {
        if (library->rescan_source == 0)
                library->rescan_source = g_idle_add(rescan_due, library);
}

void library_rescan(Library *library) {
        if (!has_media(library))
                return;
        library->rescan_asked = true;
        if (!library->scan || catalog_scan_progress(library->scan).done)
                schedule_rescan(library);
}

/* Disks come back and files are added without anybody telling us. */
static gboolean rescan_timer_fired(void *user) {
        library_rescan(user);
        return G_SOURCE_CONTINUE;
}

/* --- life -------------------------------------------------------------------------------------------------------- */

static gboolean first_plan_due(void *user) {
        Library *library = user;
        library->first_plan_timer = 0;
        if (!library->usable)
                plan_now(library);
        return G_SOURCE_REMOVE;
}

static bool knows_assets(const Library *library, bool *ret_knows, GError **error) {
        g_autoptr(Store) store = store_open(library->options.store_path, error);
        g_autoptr(CatalogSnapshot) catalog = store ? catalog_load(store, error) : NULL;
        *ret_knows = catalog && catalog->n_assets > 0;
        return catalog != NULL;
}

bool library_begin(Library *library, GError **error) {
        bool knows;
        if (!knows_assets(library, &knows, error))
                return false;
        if (!has_media(library)) {
                library->state = LIBRARY_KNOWN;
                start_measure(library);
        } else if (!start_scan(library, error)) {
                return false;
        }
        if (knows || library->state == LIBRARY_KNOWN)
                plan_now(library);
        library->first_plan_timer = g_timeout_add(FIRST_PLAN_MS, first_plan_due, library);
        const int64_t rescan_ms = library->options.config->rescan_ms;
        if (rescan_ms > 0)
                library->rescan_timer =
                        g_timeout_add_seconds((guint)MAX(1, rescan_ms / 1000), rescan_timer_fired, library);
        return true;
}

Library *library_new(const LibraryOptions *options) {
        Library *library = g_new0(Library, 1);
        library->options = *options;
        pthread_mutex_init(&library->lock, NULL);
        return library;
}

void library_free(Library *library) {
        if (!library)
                return;
        g_clear_handle_id(&library->first_plan_timer, g_source_remove);
        g_clear_handle_id(&library->rescan_timer, g_source_remove);
        g_clear_handle_id(&library->rescan_source, g_source_remove);
        g_clear_handle_id(&library->measure_source, g_source_remove);
        set_measure(library, NULL);
        set_scan(library, NULL);
        pthread_mutex_destroy(&library->lock);
        g_free(library->fault);
        g_free(library);
}

LibraryState library_state(const Library *library) {
        return library->state;
}

bool library_is_usable(const Library *library) {
        return library->usable;
}

/* --- any thread -------------------------------------------------------------------------------------------------- */

static json_t *survey_json(CatalogMeasure *measure) {
        const CatalogMeasureProgress p = catalog_measure_progress(measure);
        return json_pack("{s:I,s:I,s:I,s:b}", "to_do", (json_int_t)p.to_do, "done", (json_int_t)p.done, "refused",
                         (json_int_t)p.refused, "over", p.over);
}

json_t *library_progress(Library *library) {
        CatalogProgress p = {0};
        json_t *survey = json_null();
        pthread_mutex_lock(&library->lock);
        bool scanning = library->scan != NULL;
        if (scanning)
                p = catalog_scan_progress(library->scan);
        if (library->measure)
                survey = survey_json(library->measure);
        pthread_mutex_unlock(&library->lock);
        if (!scanning) {
                json_decref(survey);
                return NULL;
        }
        return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:b,s:o}", "found", (json_int_t)p.found, "measured",
                         (json_int_t)p.measured, "refused", (json_int_t)p.refused, "missing", (json_int_t)p.missing,
                         "unchanged", (json_int_t)p.unchanged, "to_measure", (json_int_t)p.to_measure, "done", p.done,
                         "survey", survey);
}

char *library_fault(Library *library) {
        pthread_mutex_lock(&library->lock);
        char *fault = g_strdup(library->fault);
        pthread_mutex_unlock(&library->lock);
        return fault;
}
