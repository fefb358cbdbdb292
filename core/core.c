#include "core/core.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/base/store.h"
#include "core/clerk.h"
#include "core/plan/catalog/catalog.h"
#include "core/plan/horizon/horizon.h"
#include "core/planner.h"
#include "core/play/channel/channel.h"
#include "core/record/asrun/asrun.h"
#include "core/record/evidence/evidence.h"
#include "core/sequence_store.h"
#include "core/serve/guide/guide.h"
#include "core/serve/http/http.h"
#include "proto/base/error.h"
#include "proto/base/log.h"
#include "proto/rpc/rpc.h"

#define GUIDE_DOMAIN "retrovue.local"
/* A unix socket's path has 107 bytes; ours end in "/12345678.control". */
#define RUN_DIR_MAX 88
/* While a first scan is still going on, plan with what is there after so long. */
#define FIRST_PLAN_MS 30000
/* Without a channel the folders are looked through again now and then, for somebody may be filling them. */
#define LOOK_AGAIN_S 30
#define RPC_GRACE_MS 500
#define FAR_UTC_MS INT64_C(32503680000000) /* the year 3000 */

typedef struct {
        const Config *config;
        RvClock *clock;
        GMainLoop *loop;
        char *store_path, *run_dir, *logs_dir, *spool_dir, *cache_dir, *core_socket;
        int lock_fd;

        PlanBoard *board;
        Planner *planner;
        Clerk *clerk;
        SequenceStore *sequences;
        AsRun *asrun;
        RpcServer *rpc;
        EvidenceService *evidence;
        HttpStreamsSet *streams;
        ChannelHub *hub;
        Guide *guide;
        Http *http;
        GFileMonitor *channels_monitor;
        guint reload_timer, first_plan_timer, look_again_timer, rescan_timer;

        bool has_catalog;     /* of an earlier run, or enough of this one's to plan with */
        LibraryState library; /* known once a scan has ended */
        bool rescan_asked;    /* while a scan is running */
        bool said_ready;
        bool ending; /* stages go one after the other: what they still report is nobody's business */

        /* HTTP workers ask, too: scan and scan_fault are changed with the lock held. */
        pthread_mutex_t lock;
        CatalogScan *scan;
        char *scan_fault; /* why the folders could not be looked through; NULL = they were */
} Core;

/* --- directories ------------------------------------------------------------------------------------------------- */

static bool make_dir(const char *path, GError **error) {
        if (g_mkdir_with_parents(path, 0755) == 0 && g_access(path, W_OK | X_OK) == 0)
                return true;
        rv_error_set_errno(error, errno, "cannot use the directory %s (choose another with --data)", path);
        return false;
}

/* Sockets need a short path: beside the data if that is short enough, else in the user's runtime directory. */
static char *choose_run_dir(const Config *config, GError **error) {
        g_autofree char *beside = config_path(config, "run");
        if (strlen(beside) <= RUN_DIR_MAX)
                return g_steal_pointer(&beside);
        g_autofree char *hash = g_compute_checksum_for_string(G_CHECKSUM_SHA256, config->data_dir, -1);
        g_autofree char *name = g_strdup_printf("retrovue-%.16s", hash);
        g_autofree char *path = g_build_filename(g_get_user_runtime_dir(), name, NULL);
        if (strlen(path) <= RUN_DIR_MAX)
                return g_steal_pointer(&path);
        g_set_error(error, RV_ERROR, RV_ERROR_LIMIT,
                    "%s and %s are both too long for the paths of sockets: choose a shorter directory with --data",
                    beside, path);
        return NULL;
}

/* Sockets of engines that a killed core left behind: nobody connects to them any more. */
static void sweep_run_dir(const char *run_dir) {
        g_autoptr(GDir) dir = g_dir_open(run_dir, 0, NULL);
        const char *name;
        while (dir && (name = g_dir_read_name(dir))) {
                g_autofree char *path = g_build_filename(run_dir, name, NULL);
                if (g_str_has_suffix(name, ".control") || g_str_has_suffix(name, ".stream"))
                        (void)g_unlink(path);
        }
}

static bool make_dirs(Core *core, GError **error) {
        core->store_path = config_path(core->config, "retrovue.db");
        core->logs_dir = config_path(core->config, "logs");
        core->spool_dir = config_path(core->config, "spool");
        core->cache_dir = config_path(core->config, "cache");
        core->run_dir = choose_run_dir(core->config, error);
        if (!core->run_dir)
                return false;
        core->core_socket = g_build_filename(core->run_dir, "core.sock", NULL);
        return make_dir(core->config->data_dir, error) && make_dir(core->config->channels_dir, error) &&
               make_dir(core->logs_dir, error) && make_dir(core->spool_dir, error) &&
               make_dir(core->cache_dir, error) && make_dir(core->run_dir, error);
}

/* One daemon per data directory; the lock goes with the process, however it ends. */
static bool lock_data(Core *core, GError **error) {
        g_autofree char *path = config_path(core->config, "lock");
        core->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
        if (core->lock_fd < 0) {
                rv_error_set_errno(error, errno, "cannot write in %s", core->config->data_dir);
                return false;
        }
        if (flock(core->lock_fd, LOCK_EX | LOCK_NB) == 0) {
                sweep_run_dir(core->run_dir);
                return true;
        }
        g_set_error(error, RV_ERROR, RV_ERROR_UNAVAILABLE,
                    "another retrovue uses %s: end it first, or choose another directory with --data",
                    core->config->data_dir);
        return false;
}

/* Every viewer is a connection: take what the system allows. */
static void raise_fd_limit(void) {
        struct rlimit limit;
        if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
                limit.rlim_cur = limit.rlim_max;
                (void)setrlimit(RLIMIT_NOFILE, &limit);
        }
}

/* --- plans ------------------------------------------------------------------------------------------------------- */

/* As seen from this machine. */
static char *page_url(const Core *core) {
        const char *address = core->config->listen_address;
        if (g_str_equal(address, "0.0.0.0") || g_str_equal(address, "::"))
                address = "127.0.0.1";
        bool v6 = strchr(address, ':') != NULL;
        return g_strdup_printf("http://%s%s%s:%d/", v6 ? "[" : "", address, v6 ? "]" : "", http_port(core->http));
}

static void say_ready(Core *core) {
        if (core->said_ready)
                return;
        g_autofree char *url = page_url(core);
        core->said_ready = true;
        printf("ready %s\n", url);
        fflush(stdout);
}

static void on_published(void *user) {
        Core *core = user;
        if (core->ending)
                return;
        channel_hub_sync(core->hub);
        g_autoptr(GPtrArray) views = plan_board_views(core->board);
        if (views->len > 0 && planner_has_planned(core->planner))
                say_ready(core);
}

static void plan(Core *core) {
        core->has_catalog = true;
        planner_reload(core->planner, core->library);
}

static gboolean reload_due(void *user) {
        Core *core = user;
        core->reload_timer = 0;
        if (core->has_catalog)
                plan(core);
        return G_SOURCE_REMOVE;
}

/* Editors write in several steps and scans report in batches: one reload for what comes within a second. */
static void reload_soon(Core *core) {
        if (core->reload_timer == 0 && !core->ending)
                core->reload_timer = g_timeout_add(1000, reload_due, core);
}

static void channels_changed(GFileMonitor *monitor, GFile *file, GFile *other, GFileMonitorEvent event, void *user) {
        reload_soon(user);
}

static void watch_channels(Core *core) {
        g_autoptr(GFile) dir = g_file_new_for_path(core->config->channels_dir);
        core->channels_monitor = g_file_monitor_directory(dir, G_FILE_MONITOR_WATCH_MOVES, NULL, NULL);
        if (core->channels_monitor)
                g_signal_connect(core->channels_monitor, "changed", G_CALLBACK(channels_changed), core);
        else
                rv_warning("core.channels_unwatched", RV_S("path", core->config->channels_dir));
}

/* --- catalog ----------------------------------------------------------------------------------------------------- */

/* What a person at a terminal sees of the first scan; later ones are in the log. */
static void show_progress(const Core *core, const CatalogProgress *progress) {
        if (core->library == LIBRARY_GROWING && isatty(STDERR_FILENO))
                fprintf(stderr, "\rscanning: %u files, %u measured, %u unchanged, %u refused, %u to go   %s",
                        progress->found, progress->measured, progress->unchanged, progress->refused,
                        progress->to_measure, progress->done ? "\n" : "");
}

static void set_scan_fault(Core *core, const char *fault) {
        pthread_mutex_lock(&core->lock);
        bool changed = g_strcmp0(core->scan_fault, fault) != 0;
        g_free(core->scan_fault);
        core->scan_fault = g_strdup(fault);
        pthread_mutex_unlock(&core->lock);
        if (fault && changed)
                fprintf(stderr, "retrovue: the media folders were not looked through: %s\n", fault);
}

static void rescan(Core *core);

static void on_scan_progress(void *user, const CatalogProgress *progress) {
        Core *core = user;
        show_progress(core, progress);
        if (!progress->done)
                return;
        set_scan_fault(core, progress->fault[0] ? progress->fault : NULL);
        core->library = LIBRARY_KNOWN;
        plan(core);
        if (core->rescan_asked)
                rescan(core);
}

static void on_catalog_changed(void *user) {
        reload_soon(user);
}

static gboolean first_plan_due(void *user) {
        Core *core = user;
        core->first_plan_timer = 0;
        if (!core->has_catalog)
                plan(core);
        return G_SOURCE_REMOVE;
}

static bool start_scan(Core *core, GError **error) {
        CatalogScanOptions options = {
                .store_path = core->store_path,
                .folders = (const char *const *)core->config->media_dirs,
                .whole_library = true,
                .threads = core->config->scan_threads,
                .clock = core->clock,
                .on_progress = on_scan_progress,
                .on_changed = on_catalog_changed,
                .user = core,
        };
        CatalogScan *scan = catalog_scan_start(&options, error);
        if (!scan)
                return false;
        pthread_mutex_lock(&core->lock);
        CatalogScan *before = g_steal_pointer(&core->scan);
        core->scan = scan;
        pthread_mutex_unlock(&core->lock);
        catalog_scan_free(before);
        return true;
}

static gboolean rescan_due(void *user) {
        Core *core = user;
        g_autoptr(GError) error = NULL;
        core->rescan_timer = 0;
        core->rescan_asked = false;
        if (!start_scan(core, &error))
                set_scan_fault(core, error->message);
        return G_SOURCE_REMOVE;
}

/* Looks through the folders again, now or when the scan that is running has ended. */
static void rescan(Core *core) {
        bool idle = !core->scan || catalog_scan_progress(core->scan).done;
        core->rescan_asked = true;
        if (core->config->media_dirs[0] && idle && core->rescan_timer == 0 && !core->ending)
                core->rescan_timer = g_idle_add(rescan_due, core); /* not within a report of the scan it replaces */
}

static gboolean look_again(void *user) {
        Core *core = user;
        g_autoptr(GPtrArray) views = plan_board_views(core->board);
        if (views->len == 0 && core->library == LIBRARY_KNOWN && !core->rescan_asked)
                rescan(core);
        return G_SOURCE_CONTINUE;
}

static bool has_catalog(const Core *core, bool *ret_has, GError **error) {
        g_autoptr(Store) store = store_open(core->store_path, error);
        g_autoptr(CatalogSnapshot) catalog = store ? catalog_load(store, error) : NULL;
        *ret_has = catalog && catalog->n_assets > 0;
        return catalog != NULL;
}

/* What an earlier run knew is planned with at once; else the scan's end is awaited, though not for ever. */
static bool start_catalog(Core *core, GError **error) {
        bool known;
        if (!has_catalog(core, &known, error))
                return false;
        if (!core->config->media_dirs[0])
                core->library = LIBRARY_KNOWN;
        else if (!start_scan(core, error))
                return false;
        if (known || core->library == LIBRARY_KNOWN)
                plan(core);
        core->first_plan_timer = g_timeout_add(FIRST_PLAN_MS, first_plan_due, core);
        core->look_again_timer = g_timeout_add_seconds(LOOK_AGAIN_S, look_again, core);
        return true;
}

/* --- record ------------------------------------------------------------------------------------------------------ */

static void place_of(void *user, const char *channel_id, int64_t utc_ms, char ret_day[11], char ret_time[9]) {
        Core *core = user;
        g_autoptr(PlanView) view = plan_board_view(core->board, channel_id);
        utc_ms = CLAMP(utc_ms, 0, FAR_UTC_MS); /* engines may say anything */
        g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(utc_ms / 1000);
        g_autoptr(GDateTime) local = view ? g_date_time_to_timezone(utc, view->spec->zone) : g_date_time_ref(utc);
        g_autofree char *time = g_date_time_format(local, "%H:%M:%S");
        g_autofree char *day = g_date_time_format(local, "%Y-%m-%d"); /* of a channel that is gone: the calendar's */
        g_strlcpy(ret_time, time, 9);
        g_strlcpy(ret_day, day, 11);
        if (view)
                schedule_day_of(view->spec, utc_ms, ret_day);
}

static int64_t recorder_last_sequence(void *user, const char *channel_id, const char *session_id) {
        return asrun_last_sequence(user, channel_id, session_id);
}

static bool recorder_record(void *user, const EvidenceEvent *event, GError **error) {
        return asrun_record(user, event, error);
}

static bool start_record(Core *core, GError **error) {
        AsRunOptions options = {
                .store_path = core->store_path,
                .logs_dir = core->logs_dir,
                .clock = core->clock,
                .place_of = place_of,
                .user = core,
        };
        core->asrun = asrun_new(&options, error);
        if (!core->asrun)
                return false;
        EvidenceRecorder recorder = {recorder_last_sequence, recorder_record, core->asrun};
        core->rpc = rpc_server_new(NULL, (RpcOptions){0});
        core->evidence = evidence_service_new(core->rpc, &recorder);
        return rpc_server_listen(core->rpc, core->core_socket, error) && rpc_server_start(core->rpc, error);
}

typedef struct {
        AsRun *asrun;
        char *channel_id, *session_id, *detail;
} Death;

static void record_death(void *user) {
        Death *death = user;
        g_autoptr(GError) error = NULL;
        if (!asrun_engine_died(death->asrun, death->channel_id, death->session_id, death->detail, &error))
                rv_error("asrun.not_closed", RV_S("channel", death->channel_id), RV_S("session", death->session_id),
                         RV_S("error", error->message));
        g_free(death->channel_id);
        g_free(death->session_id);
        g_free(death->detail);
        g_free(death);
}

/* The record is flushed to the disk: nothing for the control loop to wait for. */
static void on_engine_died(void *user, const char *channel_id, const char *session_id, const char *detail) {
        Core *core = user;
        Death *death = g_new(Death, 1);
        *death = (Death){core->asrun, g_strdup(channel_id), g_strdup(session_id), g_strdup(detail)};
        clerk_do(core->clerk, record_death, death);
}

/* --- play and serve ---------------------------------------------------------------------------------------------- */

static bool start_play(Core *core, GError **error) {
        core->clerk = clerk_start(error);
        core->sequences = core->clerk ? sequence_store_new(core->store_path, core->clerk, error) : NULL;
        if (!core->sequences)
                return false;
        HttpStreamsOptions streams = {
                .segment_ms = core->config->segment_ms,
                .clock = core->clock,
                .sequences = sequence_store_reserve,
                .on_sequence = sequence_store_note,
                .user = core->sequences,
        };
        core->streams = http_streams_set_new(&streams);
        ChannelHubOptions options = {
                .board = core->board,
                .clock = core->clock,
                .streams = http_streams_ops(core->streams),
                .air_program = core->config->air_program,
                .run_dir = core->run_dir,
                .spool_dir = core->spool_dir,
                .cache_dir = core->cache_dir,
                .evidence_endpoint = core->core_socket,
                .linger_ms = core->config->linger_ms,
                .viewer_timeout_ms = 10000,
                .preroll_ms = core->config->preroll_ms,
                .stall_ms = 5000,
                .max_running = core->config->max_channels_running,
                .on_engine_died = on_engine_died,
                .user = core,
        };
        core->hub = channel_hub_new(&options);
        return true;
}

static json_t *asrun_json(void *user, const char *channel_id, int64_t from_utc_ms, int64_t to_utc_ms) {
        Core *core = user;
        g_autoptr(GError) error = NULL;
        json_t *entries = asrun_entries(core->asrun, channel_id, from_utc_ms, to_utc_ms, 1000, &error);
        if (!entries)
                rv_error("asrun.unreadable", RV_S("channel", channel_id), RV_S("error", error->message));
        return entries;
}

static json_t *progress_json(void *user) {
        Core *core = user;
        CatalogProgress p = {0};
        pthread_mutex_lock(&core->lock);
        bool scanning = core->scan != NULL;
        if (scanning)
                p = catalog_scan_progress(core->scan);
        pthread_mutex_unlock(&core->lock);
        if (!scanning)
                return NULL;
        return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:b}", "found", (json_int_t)p.found, "measured",
                         (json_int_t)p.measured, "refused", (json_int_t)p.refused, "missing", (json_int_t)p.missing,
                         "unchanged", (json_int_t)p.unchanged, "to_measure", (json_int_t)p.to_measure, "done", p.done);
}

static json_t *alerts_json(void *user) {
        Core *core = user;
        json_t *of_planner = planner_alerts(core->planner), *alerts = json_copy(of_planner);
        json_decref(of_planner);
        pthread_mutex_lock(&core->lock);
        if (core->scan_fault)
                json_array_append_new(alerts, json_pack("{s:s,s:n,s:i,s:i,s:s}", "severity", "error", "file", "line", 0,
                                                        "column", 0, "message", core->scan_fault));
        pthread_mutex_unlock(&core->lock);
        return alerts;
}

static void on_nothing(void *user, const char *reason) {
        Core *core = user;
        if (core->ending)
                return;
        g_autofree char *url = page_url(core);
        fprintf(stderr, "retrovue: %s (the page is at %s)\n", reason, url);
}

static bool start_serve(Core *core, GError **error) {
        core->guide = guide_new(core->board, core->clock, GUIDE_DOMAIN);
        HttpOptions options = {
                .listen_address = core->config->listen_address,
                .port = core->config->port,
                .public_url = core->config->public_url,
                .web_dir = core->config->web_dir,
                .max_connections = core->config->max_connections,
                .start_timeout_ms = 10000,
                .streams = core->streams,
                .hub = core->hub,
                .guide = core->guide,
                .board = core->board,
                .clock = core->clock,
                .asrun = asrun_json,
                .progress = progress_json,
                .alerts = alerts_json,
                .user = core,
        };
        core->http = http_new(&options, error);
        return core->http != NULL;
}

static bool start_plan(Core *core, GError **error) {
        PlannerOptions options = {
                .config = core->config,
                .store_path = core->store_path,
                .logs_dir = core->logs_dir,
                .board = core->board,
                .clock = core->clock,
                .on_published = on_published,
                .on_nothing = on_nothing,
                .user = core,
        };
        core->planner = planner_start(&options, error);
        return core->planner != NULL;
}

/* --- life -------------------------------------------------------------------------------------------------------- */

static bool core_start(Core *core, GError **error) {
        if (!make_dirs(core, error) || !lock_data(core, error))
                return false;
        core->board = plan_board_new();
        if (!start_record(core, error) || !start_play(core, error) || !start_plan(core, error) ||
            !start_serve(core, error))
                return false;
        watch_channels(core);
        return start_catalog(core, error);
}

static void stop_scan(Core *core) {
        pthread_mutex_lock(&core->lock);
        CatalogScan *scan = g_steal_pointer(&core->scan);
        pthread_mutex_unlock(&core->lock);
        catalog_scan_free(scan);
}

/* The loop still turns while engines end: from now on reports of stages change nothing. */
static void core_clear(Core *core) {
        core->ending = true;
        g_clear_handle_id(&core->reload_timer, g_source_remove);
        g_clear_handle_id(&core->first_plan_timer, g_source_remove);
        g_clear_handle_id(&core->look_again_timer, g_source_remove);
        g_clear_handle_id(&core->rescan_timer, g_source_remove);
        g_clear_object(&core->channels_monitor);
        stop_scan(core);
        http_free(core->http);
        channel_hub_free(core->hub);
        http_streams_set_free(core->streams);
        planner_free(core->planner);
        guide_free(core->guide);
        if (core->rpc)
                rpc_server_free(core->rpc, RPC_GRACE_MS); /* after the engines, whose last words it takes */
        evidence_service_free(core->evidence);
        clerk_free(core->clerk); /* before what its work is about */
        sequence_store_free(core->sequences);
        asrun_free(core->asrun);
        if (core->board)
                plan_board_unref(core->board);
        pthread_mutex_destroy(&core->lock);
        g_free(core->scan_fault);
        if (core->lock_fd >= 0)
                close(core->lock_fd);
        g_free(core->store_path);
        g_free(core->run_dir);
        g_free(core->logs_dir);
        g_free(core->spool_dir);
        g_free(core->cache_dir);
        g_free(core->core_socket);
}

static gboolean quit(void *user) {
        g_main_loop_quit(user);
        return G_SOURCE_CONTINUE;
}

static gboolean reload_asked(void *user) {
        rv_info("core.reload");
        reload_soon(user);
        rescan(user);
        return G_SOURCE_CONTINUE;
}

int core_run(const Config *config) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
        Core core = {.config = config, .clock = rv_clock_system(), .loop = loop, .lock_fd = -1};
        guint signals[] = {g_unix_signal_add(SIGINT, quit, loop), g_unix_signal_add(SIGTERM, quit, loop),
                           g_unix_signal_add(SIGHUP, reload_asked, &core)};
        pthread_mutex_init(&core.lock, NULL);
        raise_fd_limit();
        rpc_init();
        bool started = core_start(&core, &error);
        if (started) {
                rv_info("core.started", RV_S("data", config->data_dir), RV_I("port", http_port(core.http)));
                g_main_loop_run(loop);
                rv_info("core.stopping");
        } else {
                fprintf(stderr, "retrovue: %s\n", error->message);
        }
        core_clear(&core);
        for (size_t i = 0; i < G_N_ELEMENTS(signals); i++)
                g_source_remove(signals[i]);
        return started ? 0 : 1;
}
