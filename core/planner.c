#include "core/planner.h"

#include <glib/gstdio.h>
#include <pthread.h>
#include <sys/stat.h>

#include "core/base/store.h"
#include "core/last_good.h"
#include "core/plan/catalog/catalog.h"
#include "core/plan/horizon/override.h"
#include "core/plan/schedule/policy.h"
#include "core/plan/schedule/schedule.h"
#include "core/starter.h"
#include "proto/base/log.h"
#include "proto/base/mailbox.h"
#include "proto/base/thread.h"

/* While the first scan goes on: little is locked of what is made from half a library. */
#define HOUR_MS INT64_C(3600000)
#define GROWING_EPG_MS INT64_C(86400000)
#define GROWING_EXECUTION_MS INT64_C(600000)
/* Folders below the channel files' that are looked at for changes, one in the other; and files altogether. */
#define FOLDERS_MAX 8
/* Some editors take a file away and write it anew: for so long it is not gone. */
#define MISSING_MS 2000
/* How often the store is asked whether another program has edited it, and the clock whether it was set. */
#define WATCH_MS 2000
/* The horizon is looked at after so long, whatever it says. */
#define EVALUATE_LEAST_MS 100
#define EVALUATE_MOST_MS 60000
#define FILES_MAX 10000

struct Planner {
        PlannerOptions options;
        RvThread *thread;
        GMainContext *context; /* the planner thread's */
        GMainLoop *loop;
        bool ending; /* the owner's thread only */

        /* The planner thread only. */
        Store *store;
        Horizon *horizon;
        GPtrArray *good; /* ChannelSpec: the last of each file that had no fault; NULL = none was read yet */
        Starter *starter;
        char *nothing; /* as told last; NULL = something is on the air */
        GSource *timer, *watch, *missing_timer;
        GHashTable *missing;      /* channel id -> Missing: their files were there the last time */
        uint64_t files;           /* fingerprint of the channel files as they were read */
        int64_t catalog_revision; /* as it was read; -1 = it was not */
        int64_t override_mark;    /* of the overrides that were decided on */
        int64_t due_utc_ms;       /* when the horizon is looked at next */

        pthread_mutex_t lock; /* guards what follows */
        json_t *alerts;
        bool reload_asked, has_planned;
        GQueue extensions; /* Extension, in the order of asking */
        LibraryState library;
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

static bool is_same_file(const ChannelSpec *a, const ChannelSpec *b) {
        g_autofree char *one = g_path_get_basename(a->source_file), *other = g_path_get_basename(b->source_file);
        return g_str_equal(one, other);
}

/* The file, or its channel in another file. */
static bool holds(const GPtrArray *specs, const ChannelSpec *wanted) {
        for (unsigned i = 0; i < specs->len; i++) {
                const ChannelSpec *spec = g_ptr_array_index(specs, i);
                if (is_same_file(spec, wanted) || g_str_equal(spec->id, wanted->id))
                        return true;
        }
        return false;
}

/* Among the channel files, wherever the spec itself was read from. */
static bool has_file(const Planner *planner, const ChannelSpec *spec) {
        g_autofree char *name = g_path_get_basename(spec->source_file);
        g_autofree char *path = g_build_filename(planner->options.config->channels_dir, name, NULL);
        return g_file_test(path, G_FILE_TEST_EXISTS);
}

static char *last_good_dir(const Planner *planner) {
        g_autofree char *data = g_path_get_dirname(planner->options.store_path);
        return g_build_filename(data, "last_good_channels", NULL);
}

/* Without a fault, the files are what a restart falls back on. */
static void remember_files(const Planner *planner, const Diag *diag) {
        g_autoptr(GError) error = NULL;
        g_autofree char *dir = last_good_dir(planner);
        if (diag_errors(diag) == 0 &&
            !last_good_keep(dir, planner->options.config->channels_dir, planner->files, &error))
                rv_warning("planner.last_good", RV_S("error", error->message));
}

typedef enum { MISSING_NOW = 1, MISSING_FOR_GOOD } Missing;

static void reload(void *user);

static gboolean missed_long_enough(void *user) {
        Planner *planner = user;
        GHashTableIter iter;
        g_clear_pointer(&planner->missing_timer, g_source_unref);
        g_hash_table_iter_init(&iter, planner->missing);
        while (g_hash_table_iter_next(&iter, NULL, NULL))
                g_hash_table_iter_replace(&iter, GINT_TO_POINTER(MISSING_FOR_GOOD));
        reload(planner);
        return G_SOURCE_REMOVE;
}

/* The channel's file is not there, and was just now: it may be back in a moment. */
static bool is_missed(Planner *planner, const ChannelSpec *spec) {
        const Missing missing = (Missing)GPOINTER_TO_INT(g_hash_table_lookup(planner->missing, spec->id));
        if (missing == MISSING_FOR_GOOD)
                return false;
        if (!missing)
                g_hash_table_insert(planner->missing, g_strdup(spec->id), GINT_TO_POINTER(MISSING_NOW));
        if (!planner->missing_timer) {
                planner->missing_timer = g_timeout_source_new(MISSING_MS);
                g_source_set_callback(planner->missing_timer, missed_long_enough, planner, NULL);
                g_source_attach(planner->missing_timer, planner->context);
        }
        return true;
}

/* Whether its last good rules stay in force although they were not read. */
static bool keeps(Planner *planner, const ChannelSpec *spec) {
        if (!has_file(planner, spec))
                return planner->good && is_missed(planner, spec); /* at the start nothing was there just now */
        g_hash_table_remove(planner->missing, spec->id);
        return true;
}

/* A file that is there but has become faulty keeps what it last said; after a start, what it said before. */
static void keep_last_good(Planner *planner, GPtrArray *specs, const CatalogSnapshot *catalog) {
        g_autofree char *dir = last_good_dir(planner);
        g_autoptr(GPtrArray) before = planner->good ? g_ptr_array_ref(planner->good) : last_good_specs(dir, catalog);
        for (unsigned i = 0; i < before->len; i++) {
                ChannelSpec *spec = g_ptr_array_index(before, i);
                if (holds(specs, spec))
                        g_hash_table_remove(planner->missing, spec->id);
                else if (keeps(planner, spec))
                        g_ptr_array_add(specs, channel_spec_ref(spec));
                else
                        g_hash_table_remove(planner->missing, spec->id);
        }
        g_clear_pointer(&planner->good, g_ptr_array_unref);
        planner->good = g_ptr_array_ref(specs);
}

/* --- nothing to put on the air ----------------------------------------------------------------------------------- */

/* "3 promo, 2 refused": what there is, none of it a programme. */
static char *describe_assets(const CatalogSnapshot *catalog) {
        unsigned by_kind[ASSET_FILLER + 1] = {0}, refused = 0, missing = 0;
        for (uint32_t i = 0; i < catalog->n_assets; i++) {
                const Asset *asset = catalog->assets[i];
                if (asset_eligible(asset))
                        by_kind[asset->kind]++;
                else if (asset->state == ASSET_MISSING)
                        missing++;
                else
                        refused++;
        }
        GString *text = g_string_new(NULL);
        for (int kind = ASSET_EPISODE; kind <= ASSET_FILLER; kind++)
                if (by_kind[kind] > 0)
                        g_string_append_printf(text, "%s%u %s", text->len ? ", " : "", by_kind[kind],
                                               asset_kind_name((AssetKind)kind));
        if (refused > 0)
                g_string_append_printf(text, "%s%u refused", text->len ? ", " : "", refused);
        if (missing > 0)
                g_string_append_printf(text, "%s%u gone", text->len ? ", " : "", missing);
        return g_string_free(text, FALSE);
}

static bool holds_programme(const CatalogSnapshot *catalog) {
        for (uint32_t i = 0; i < catalog->n_assets; i++) {
                const Asset *asset = catalog->assets[i];
                if (asset_eligible(asset) && asset_is_programme(asset))
                        return true;
        }
        return false;
}

static char *explain_nothing(const Planner *planner, const CatalogSnapshot *catalog, const Diag *diag) {
        const Config *config = planner->options.config;
        g_autofree char *folders = g_strjoinv(", ", config->media_dirs), *found = describe_assets(catalog);
        if (diag_errors(diag) > 0)
                return g_strdup_printf("no channel is on the air: every file in %s has a fault; mend one of them "
                                       "(`retrovue channels` lists the faults) and it is taken up",
                                       config->channels_dir);
        if (!config->media_dirs[0] && catalog->n_assets == 0)
                return g_strdup("no channel is on the air: no folder of videos is known; start with --media FOLDER, or "
                                "list media_dirs in retrovue.yaml");
        if (catalog->n_assets == 0)
                return g_strdup_printf("no channel is on the air: there are no videos in %s; put some there, they are "
                                       "found within a minute",
                                       folders);
        if (holds_programme(catalog))
                return g_strdup_printf(
                        "no channel is on the air: there is no channel file in %s; write one, or restart to "
                        "be given some to begin with",
                        config->channels_dir);
        return g_strdup_printf("no channel is on the air: nothing of what was found (%s) can be a programme: add "
                               "episodes or films (`retrovue scan` says why files were refused)",
                               found);
}

typedef struct {
        Planner *planner;
        char *reason;
} Nothing;

static void tell_nothing(void *user) {
        Nothing *nothing = user;
        Planner *planner = nothing->planner;
        if (!planner->ending)
                planner->options.on_nothing(planner->options.user, nothing->reason);
        g_free(nothing->reason);
        g_free(nothing);
}

/* Before anything is published: no engine airs a channel whose days are not known. */
static void keep_clocks(Planner *planner, const GPtrArray *specs) {
        g_autoptr(GError) error = NULL;
        for (guint i = 0; i < specs->len && !error; i++)
                (void)schedule_store_keep_clock(planner->store, specs->pdata[i], &error);
        if (error)
                rv_error("planner.clock_not_kept", RV_S("error", error->message));
}

/* As an alert for the page as long as it holds, and once to whoever started us. */
static void check_nothing(Planner *planner, const GPtrArray *specs, const CatalogSnapshot *catalog, Diag *diag,
                          LibraryState library) {
        g_autofree char *reason = NULL;
        if (specs->len == 0 && library == LIBRARY_KNOWN)
                reason = explain_nothing(planner, catalog, diag);
        if (reason)
                diag_add(diag, DIAG_WARNING, NULL, 0, 0, "%s", reason);
        if (reason && g_strcmp0(reason, planner->nothing) != 0) {
                Nothing *nothing = g_new(Nothing, 1);
                *nothing = (Nothing){planner, g_strdup(reason)};
                rv_mailbox_call(planner->options.context, tell_nothing, nothing);
        }
        g_free(planner->nothing);
        planner->nothing = g_steal_pointer(&reason);
}

/* --- changes that nobody told us of --------------------------------------------------------------------------------
 */

/* Names, sizes, modes and times of the files below a folder, whatever their order there. */
static uint64_t fingerprint_below(const char *folder, unsigned depth, unsigned *n_files) {
        g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
        const char *name;
        uint64_t sum = 0;
        while (dir && *n_files < FILES_MAX && (name = g_dir_read_name(dir))) {
                g_autofree char *path = g_build_filename(folder, name, NULL);
                struct stat status;
                if (name[0] == '.' || g_stat(path, &status) != 0)
                        continue;
                ++*n_files;
                if (S_ISDIR(status.st_mode)) {
                        sum += depth < FOLDERS_MAX ? fingerprint_below(path, depth + 1, n_files) : 0;
                        continue;
                }
                uint64_t file = seed_mix(0, path);
                file = seed_mix_int(file, status.st_size);
                file = seed_mix_int(file, status.st_mode);
                file = seed_mix_int(file, (int64_t)status.st_ino);
                file = seed_mix_int(file, status.st_mtim.tv_sec);
                sum += seed_mix_int(file, status.st_mtim.tv_nsec);
        }
        return sum;
}

static uint64_t fingerprint_of(const char *folder) {
        unsigned n_files = 0;
        return fingerprint_below(folder, 0, &n_files);
}

/* A catalog that another process edited. */
static bool catalog_changed(Planner *planner) {
        int64_t revision = planner->catalog_revision;
        if (revision < 0)
                return false; /* not read yet: whoever asks for that will */
        sqlite3_stmt *query = store_query(planner->store, NULL, "SELECT revision FROM catalog_revision", "");
        if (query && store_row(planner->store, query, NULL)) {
                revision = store_int(query, 0);
                store_reset(query);
        }
        return revision != planner->catalog_revision;
}

/* Included files below the folder, and file systems that report no changes, as well. */
static bool inputs_changed(Planner *planner) {
        return catalog_changed(planner) || (planner->catalog_revision >= 0 &&
                                            fingerprint_of(planner->options.config->channels_dir) != planner->files);
}

/* --- reading the inputs ------------------------------------------------------------------------------------------ */

static LibraryState take_request(Planner *planner) {
        pthread_mutex_lock(&planner->lock);
        planner->reload_asked = false;
        LibraryState library = planner->library;
        pthread_mutex_unlock(&planner->lock);
        return library;
}

static void write_starters(Planner *planner, const CatalogSnapshot *catalog, LibraryState library, Diag *diag) {
        g_autoptr(GError) error = NULL;
        if (starter_write(planner->starter, catalog, library == LIBRARY_KNOWN ? STARTER_FINAL : STARTER_PROVISIONAL,
                          &error))
                return;
        diag_add(diag, DIAG_ERROR, planner->options.config->channels_dir, 0, 0, "no channels could be made: %s",
                 error->message);
}

static void set_planned(Planner *planner) {
        pthread_mutex_lock(&planner->lock);
        planner->has_planned = true;
        pthread_mutex_unlock(&planner->lock);
        rv_mailbox_call(planner->options.context, tell_published, planner);
}

static void set_depth(Planner *planner, LibraryState library) {
        const Config *config = planner->options.config;
        const bool growing = library == LIBRARY_GROWING;
        horizon_set_depth(planner->horizon, growing ? MIN(config->min_epg_ms, GROWING_EPG_MS) : config->min_epg_ms,
                          growing ? MIN(config->min_execution_ms, GROWING_EXECUTION_MS) : config->min_execution_ms);
}

static void evaluate(Planner *planner);

static void reload(void *user) {
        Planner *planner = user;
        planner->files = fingerprint_of(planner->options.config->channels_dir); /* before they are read */
        planner->catalog_revision = -1;
        LibraryState library = take_request(planner);
        g_autoptr(GError) error = NULL;
        g_autoptr(Diag) diag = diag_new();
        g_autoptr(CatalogSnapshot) catalog = catalog_load(planner->store, &error);
        if (!catalog) {
                diag_add(diag, DIAG_ERROR, planner->options.store_path, 0, 0, "%s", error->message);
                set_alerts(planner, diag);
                return;
        }
        planner->catalog_revision = catalog->revision;
        write_starters(planner, catalog, library, diag);
        g_autoptr(GPtrArray) specs = channel_specs_load(planner->options.config->channels_dir, catalog, diag);
        remember_files(planner, diag);
        keep_last_good(planner, specs, catalog);
        keep_clocks(planner, specs);
        check_nothing(planner, specs, catalog, diag, library);
        set_alerts(planner, diag);
        set_depth(planner, library);
        horizon_set_inputs(planner->horizon, specs, catalog);
        evaluate(planner);
        set_planned(planner);
}

/* --- the horizon's own clock ------------------------------------------------------------------------------------- */

static gboolean timer_fired(void *user) {
        Planner *planner = user;
        if (inputs_changed(planner))
                reload(planner);
        else
                evaluate(planner);
        return G_SOURCE_REMOVE;
}

/* The timer knows nothing of a wall clock that is set, or of a machine that has slept. */
static bool clock_was_set(const Planner *planner) {
        const int64_t wait_ms = planner->due_utc_ms - rv_clock_utc_ms(planner->options.clock);
        return wait_ms < -WATCH_MS || wait_ms > EVALUATE_MOST_MS + WATCH_MS;
}

static gboolean watch_fired(void *user) {
        Planner *planner = user;
        if (catalog_changed(planner))
                reload(planner);
        else if (override_store_mark(planner->store) != planner->override_mark || clock_was_set(planner))
                evaluate(planner);
        return G_SOURCE_CONTINUE;
}

static void drop_timer(GSource **timer) {
        if (!*timer)
                return;
        g_source_destroy(*timer);
        g_clear_pointer(timer, g_source_unref);
}

static void evaluate(Planner *planner) {
        planner->override_mark = override_store_mark(planner->store); /* before they are decided on */
        int64_t next_utc_ms = horizon_evaluate(planner->horizon);
        int64_t now_utc_ms = rv_clock_utc_ms(planner->options.clock);
        int64_t wait_ms = CLAMP(next_utc_ms - now_utc_ms, EVALUATE_LEAST_MS, EVALUATE_MOST_MS);
        planner->due_utc_ms = now_utc_ms + wait_ms;
        drop_timer(&planner->timer);
        planner->timer = g_timeout_source_new((guint)wait_ms);
        g_source_set_callback(planner->timer, timer_fired, planner, NULL);
        g_source_attach(planner->timer, planner->context);
}

static void run(void *user) {
        Planner *planner = user;
        g_main_context_push_thread_default(planner->context);
        planner->watch = g_timeout_source_new(WATCH_MS);
        g_source_set_callback(planner->watch, watch_fired, planner, NULL);
        g_source_attach(planner->watch, planner->context);
        g_main_loop_run(planner->loop);
        drop_timer(&planner->timer);
        drop_timer(&planner->watch);
        drop_timer(&planner->missing_timer);
        g_main_context_pop_thread_default(planner->context);
}

/* --- owner's side ------------------------------------------------------------------------------------------------ */

Planner *planner_start(const PlannerOptions *options, GError **error) {
        Planner *planner = g_new0(Planner, 1);
        planner->options = *options;
        planner->context = g_main_context_new();
        planner->loop = g_main_loop_new(planner->context, FALSE);
        planner->missing = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        planner->starter = starter_new(options->config->channels_dir);
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

void planner_reload(Planner *planner, LibraryState state) {
        pthread_mutex_lock(&planner->lock);
        bool asked = planner->reload_asked;
        planner->reload_asked = true;
        planner->library = state;
        pthread_mutex_unlock(&planner->lock);
        if (!asked)
                rv_mailbox_call(planner->context, reload, planner);
}

static void look(void *user) {
        (void)timer_fired(user);
}

void planner_look(Planner *planner) {
        rv_mailbox_call(planner->context, look, planner);
}

typedef struct {
        ExtendCall call;
        char *channel_id;
        ExtendDone done;
        void *user;
} Extension;

static Extension *next_extension(Planner *planner) {
        pthread_mutex_lock(&planner->lock);
        Extension *extension = g_queue_pop_head(&planner->extensions);
        pthread_mutex_unlock(&planner->lock);
        return extension;
}

static void extension_end(Extension *extension, ExtendResult result) {
        extension->done(extension->user, result);
        g_free(extension->channel_id);
        g_free(extension);
}

static void extend(void *user) {
        Planner *planner = user;
        Extension *extension = next_extension(planner);
        extension_end(extension, horizon_extend(planner->horizon, &extension->call));
}

void planner_extend(Planner *planner, const ExtendCall *call, ExtendDone done, void *done_user) {
        Extension *extension = g_new0(Extension, 1);
        *extension = (Extension){*call, g_strdup(call->channel_id), done, done_user};
        extension->call.channel_id = extension->channel_id;
        pthread_mutex_lock(&planner->lock);
        g_queue_push_tail(&planner->extensions, extension);
        pthread_mutex_unlock(&planner->lock);
        rv_mailbox_call(planner->context, extend, planner);
}

bool planner_has_planned(Planner *planner) {
        pthread_mutex_lock(&planner->lock);
        bool has_planned = planner->has_planned;
        pthread_mutex_unlock(&planner->lock);
        return has_planned;
}

/* What keeps a channel's plan short, or from being what its rules say. */
typedef struct {
        const char *severity, *code;
} AlertKind;

static void add_alert(json_t *alerts, const PlanView *view, AlertKind kind, const char *text) {
        g_autofree char *valid = g_utf8_make_valid(text, -1);
        g_autofree char *message = g_strdup_printf("channel %s: %s", view->spec->id, valid);
        json_array_append_new(alerts, json_pack("{s:s,s:n,s:i,s:i,s:s,s:s}", "severity", kind.severity, "file", "line",
                                                0, "column", 0, "message", message, "code", kind.code));
}

static void add_shortfall(json_t *alerts, const PlanView *view, int64_t now_utc_ms) {
        const PlanHealth health = plan_view_health(view, now_utc_ms);
        const bool is_short = health.execution_short_ms > 0;
        if (!view->fault && !is_short && health.epg_short_ms == 0)
                return;
        g_autofree char *depth =
                g_strdup_printf("planned for %.1f of %.1f hours, the guide for %.1f of %.1f",
                                (double)health.execution_depth_ms / HOUR_MS, (double)view->min_execution_ms / HOUR_MS,
                                (double)health.epg_depth_ms / HOUR_MS, (double)view->min_epg_ms / HOUR_MS);
        g_autofree char *text = g_strdup_printf("%s (%s)", view->fault ? view->fault : "the plan is too short", depth);
        add_alert(alerts, view,
                  (AlertKind){is_short ? "error" : "warning", view->fault ? "horizon.fault" : "horizon.short"}, text);
}

/* What is soon not on the air is an error; what is not as asked, or black between programmes, is not. Who has no spots
 * at all knows. */
static void add_notices(json_t *alerts, const PlanView *view, LibraryState library) {
        for (char **lost = view->lost; lost && *lost; lost++)
                add_alert(alerts, view, (AlertKind){"error", "horizon.lost_file"}, *lost);
        for (char **notice = view->notices; notice && *notice; notice++)
                add_alert(alerts, view, (AlertKind){"warning", "horizon.override"}, *notice);
        if (view->empty_breaks && library == LIBRARY_KNOWN) /* spots may be among what is not looked at yet */
                add_alert(alerts, view, (AlertKind){view->has_spots ? "warning" : "info", "horizon.empty_breaks"},
                          view->empty_breaks);
}

json_t *planner_alerts(Planner *planner) {
        const int64_t now = rv_clock_utc_ms(planner->options.clock);
        g_autoptr(GPtrArray) views = plan_board_views(planner->options.board);
        pthread_mutex_lock(&planner->lock);
        json_t *alerts = json_deep_copy(planner->alerts); /* its counts are no other thread's business */
        const LibraryState library = planner->library;
        pthread_mutex_unlock(&planner->lock);
        for (guint i = 0; i < views->len; i++) {
                add_shortfall(alerts, views->pdata[i], now);
                add_notices(alerts, views->pdata[i], library);
        }
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
        for (Extension *left; (left = next_extension(planner));)
                extension_end(left, EXTEND_ENDED);
        while (g_main_context_iteration(planner->options.context, FALSE)) /* publications still in the mail */
                ;
        horizon_free(planner->horizon);
        store_close(planner->store);
        g_clear_pointer(&planner->good, g_ptr_array_unref);
        starter_free(planner->starter);
        g_hash_table_unref(planner->missing);
        g_free(planner->nothing);
        g_main_loop_unref(planner->loop);
        g_main_context_unref(planner->context);
        json_decref(planner->alerts);
        pthread_mutex_destroy(&planner->lock);
        g_free(planner);
}
