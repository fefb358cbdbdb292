#include "core/planner.h"

#include <pthread.h>

#include "core/base/store.h"
#include "core/plan/catalog/catalog.h"
#include "core/plan/schedule/schedule.h"
#include "proto/base/log.h"
#include "proto/base/mailbox.h"
#include "proto/base/thread.h"

struct Planner {
        PlannerOptions options;
        RvThread *thread;
        GMainContext *context; /* the planner thread's */
        GMainLoop *loop;
        bool ending; /* the owner's thread only */

        /* The planner thread only. */
        Store *store;
        Horizon *horizon;
        GHashTable *good; /* source file -> ChannelSpec: the last that had no fault */
        GSource *timer;

        pthread_mutex_t lock; /* guards alerts */
        json_t *alerts;
};

/* --- publication ------------------------------------------------------------------------------------------------- */

static void tell_published(void *user) {
        Planner *planner = user;
        if (!planner->ending)
                planner->options.on_published(planner->options.user);
}

static void on_published(void *user, const char *channel_id) {
        Planner *planner = user;
        rv_mailbox_call(planner->options.context, tell_published, planner);
}

static void log_faults(const Diag *diag) {
        for (unsigned i = 0; i < diag_count(diag); i++) {
                const DiagEntry *entry = diag_get(diag, i);
                rv_warning("planner.fault", RV_S("file", entry->file), RV_I("line", entry->line),
                           RV_I("column", entry->column), RV_S("message", entry->message));
        }
}

static void set_alerts(Planner *planner, const Diag *diag) {
        json_t *alerts = diag_json(diag);
        pthread_mutex_lock(&planner->lock);
        bool changed = !json_equal(planner->alerts, alerts);
        json_decref(planner->alerts);
        planner->alerts = alerts;
        pthread_mutex_unlock(&planner->lock);
        if (changed)
                log_faults(diag);
}

/* --- inputs ------------------------------------------------------------------------------------------------------ */

static bool holds_file(GPtrArray *specs, const char *file) {
        for (unsigned i = 0; i < specs->len; i++)
                if (g_str_equal(((ChannelSpec *)g_ptr_array_index(specs, i))->source_file, file))
                        return true;
        return false;
}

/* A file that is there but has become faulty keeps what it last said. */
static void keep_last_good(Planner *planner, GPtrArray *specs) {
        GHashTableIter iter;
        gpointer file, spec;
        g_hash_table_iter_init(&iter, planner->good);
        while (g_hash_table_iter_next(&iter, &file, &spec))
                if (!holds_file(specs, file) && g_file_test(file, G_FILE_TEST_EXISTS))
                        g_ptr_array_add(specs, channel_spec_ref(spec));

        g_hash_table_remove_all(planner->good);
        for (unsigned i = 0; i < specs->len; i++) {
                ChannelSpec *good = g_ptr_array_index(specs, i);
                g_hash_table_insert(planner->good, g_strdup(good->source_file), channel_spec_ref(good));
        }
}

static void evaluate(Planner *planner);

static void reload(void *user) {
        Planner *planner = user;
        g_autoptr(GError) error = NULL;
        g_autoptr(Diag) diag = diag_new();
        CatalogSnapshot *catalog = catalog_load(planner->store, &error);
        if (!catalog) {
                rv_error("planner.no_catalog", RV_S("error", error->message));
                diag_add(diag, DIAG_ERROR, planner->options.store_path, 0, 0, "%s", error->message);
                set_alerts(planner, diag);
                return;
        }
        g_autoptr(GPtrArray) specs = channel_specs_load(planner->options.config->channels_dir, catalog, diag);
        keep_last_good(planner, specs);
        set_alerts(planner, diag);
        horizon_set_inputs(planner->horizon, specs, catalog);
        catalog_snapshot_unref(catalog);
        evaluate(planner);
}

/* --- the horizon's own clock ------------------------------------------------------------------------------------- */

static gboolean timer_fired(void *user) {
        evaluate(user);
        return G_SOURCE_REMOVE;
}

static void drop_timer(Planner *planner) {
        if (!planner->timer)
                return;
        g_source_destroy(planner->timer);
        g_clear_pointer(&planner->timer, g_source_unref);
}

static void evaluate(Planner *planner) {
        int64_t next_utc_ms = horizon_evaluate(planner->horizon);
        int64_t wait_ms = next_utc_ms - rv_clock_utc_ms(planner->options.clock);
        drop_timer(planner);
        planner->timer = g_timeout_source_new((guint)CLAMP(wait_ms, 100, 60000));
        g_source_set_callback(planner->timer, timer_fired, planner, NULL);
        g_source_attach(planner->timer, planner->context);
}

static void run(void *user) {
        Planner *planner = user;
        g_main_context_push_thread_default(planner->context);
        g_main_loop_run(planner->loop);
        drop_timer(planner);
        g_main_context_pop_thread_default(planner->context);
}

/* --- owner's side ------------------------------------------------------------------------------------------------ */

Planner *planner_start(const PlannerOptions *options, GError **error) {
        Planner *planner = g_new0(Planner, 1);
        planner->options = *options;
        planner->context = g_main_context_new();
        planner->loop = g_main_loop_new(planner->context, FALSE);
        planner->good = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)channel_spec_unref);
        planner->alerts = json_array();
        pthread_mutex_init(&planner->lock, NULL);
        planner->store = store_open(options->store_path, error);
        if (planner->store) {
                HorizonOptions horizon_options = {
                        .store = planner->store,
                        .board = options->board,
                        .clock = options->clock,
                        .min_epg_ms = options->config->min_epg_ms,
                        .min_execution_ms = options->config->min_execution_ms,
                        .logs_dir = options->logs_dir,
                        .on_published = on_published,
                        .user = planner,
                };
                planner->horizon = horizon_new(&horizon_options);
                planner->thread = rv_thread_start("planner", RV_PRIORITY_NORMAL, run, planner, error);
        }
        if (planner->thread)
                return planner;
        planner_free(planner);
        return NULL;
}

void planner_reload(Planner *planner) {
        rv_mailbox_call(planner->context, reload, planner);
}

json_t *planner_alerts(Planner *planner) {
        pthread_mutex_lock(&planner->lock);
        json_t *alerts = json_incref(planner->alerts);
        pthread_mutex_unlock(&planner->lock);
        return alerts;
}

static void quit(void *user) {
        g_main_loop_quit(user);
}

void planner_free(Planner *planner) {
        if (!planner)
                return;
        if (planner->thread)
                rv_mailbox_call(planner->context, quit, planner->loop);
        rv_thread_join(planner->thread);
        planner->ending = true;
        while (g_main_context_iteration(planner->options.context, FALSE)) /* publications still in the mail */
                ;
        horizon_free(planner->horizon);
        store_close(planner->store);
        g_hash_table_unref(planner->good);
        g_main_loop_unref(planner->loop);
        g_main_context_unref(planner->context);
        json_decref(planner->alerts);
        pthread_mutex_destroy(&planner->lock);
        g_free(planner);
}
