#include "core/core.h"

#include <gio/gio.h>
#include <glib-unix.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "core/base/store.h"
#include "core/clerk.h"
#include "core/library.h"
#include "core/operator.h"
#include "core/places.h"
#include "core/plan/catalog/keys/keys.h"
#include "core/plan/horizon/horizon.h"
#include "core/planner.h"
#include "core/play/channel/channel.h"
#include "core/record/asrun/asrun.h"
#include "core/record/evidence/evidence.h"
#include "core/record/reconcile/reconcile.h"
#include "core/sequence_store.h"
#include "core/serve/guide/guide.h"
#include "core/serve/http/http.h"
#include "core/serve/ops/ops.h"
#include "proto/base/error.h"
#include "proto/base/log.h"
#include "proto/failure/failure.h"
#include "proto/rpc/rpc.h"

#define GUIDE_DOMAIN "retrovue.local"
/* Without a channel the folders are looked through again now and then, for somebody may be filling them. */
#define LOOK_AGAIN_S 30
/* How soon measuring in the background makes way for viewers. */
#define WATCHED_S 2
/* How soon the record of an engine that is gone is settled, and what is known of the time of a sudden end. */
#define SETTLE_S 5
#define RPC_GRACE_MS 500
/* No bytes for so long: the engine is replaced. Who leads us through time lets engines wait for one another. */
#define STALL_MS 5000
#define START_TIMEOUT_MS 10000 /* of viewers */
#define LED_STALL_MS 120000
#define FAR_UTC_MS INT64_C(32503680000000) /* the year 3000 */

typedef struct {
        const Config *config;
        RvClock *clock;
        RvClock *led; /* the same, if somebody leads us; NULL: the system's */
        GMainLoop *loop;
        Places places;

        PlanBoard *board;
        Library *library;
        Planner *planner;
        Clerk *clerk;
        SequenceStore *sequences;
        KeysIndex *keys;
        AsRun *asrun;
        Reconciler *reconciler;
        RpcServer *rpc;
        EvidenceService *evidence;
        Shelf *shelf; /* NULL: segments are in memory alone */
        HttpStreamsSet *streams;
        ChannelHub *hub;
        Guide *guide;
        Http *http;
        Ops *ops;
        GFileMonitor *channels_monitor;
        guint reload_timer, look_again_timer, watched_timer, settle_timer;

        bool said_ready;
        bool ending; /* stages go one after the other: what they still report is nobody's business */

        pthread_mutex_t lock; /* guards record_fault: the evidence thread sets it, HTTP workers read it */
        char *record_fault;   /* why the last event could not be recorded; NULL = it was */
} Core;

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

static void plan(void *user) {
        Core *core = user;
        planner_reload(core->planner, library_state(core->library));
}

static gboolean reload_due(void *user) {
        Core *core = user;
        core->reload_timer = 0;
        if (library_is_usable(core->library))
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

/* --- library ----------------------------------------------------------------------------------------------------- */

static void plan_soon(void *user) {
        reload_soon(user);
}

static gboolean look_again(void *user) {
        Core *core = user;
        g_autoptr(GPtrArray) views = plan_board_views(core->board);
        if (views->len == 0 && library_state(core->library) == LIBRARY_KNOWN)
                library_rescan(core->library);
        return G_SOURCE_CONTINUE;
}

static bool is_watched(Core *core) {
        g_autoptr(GPtrArray) views = plan_board_views(core->board);
        for (guint i = 0; i < views->len; i++) {
                const PlanView *view = views->pdata[i];
                g_autoptr(Channel) channel = channel_hub_find(core->hub, view->spec->id);
                if (channel && channel_status(channel).pid != 0)
                        return true;
        }
        return false;
}

static gboolean look_for_viewers(void *user) {
        Core *core = user;
        library_set_watched(core->library, is_watched(core));
        return G_SOURCE_CONTINUE;
}

static Library *make_library(Core *core) {
        LibraryOptions options = {
                .config = core->config,
                .store_path = core->places.store_path,
                .clock = core->clock,
                .plan_now = plan,
                .plan_soon = plan_soon,
                .user = core,
        };
        return library_new(&options);
}

/* --- record ------------------------------------------------------------------------------------------------------ */

/* INV-ASRUN-DAY-001: what dead engines left is recorded before channel files are read, and of channels that are gone;
 * by the clocks that the channel last had, then. Of one that never was, by UTC's. */
static GTimeZone *clock_of(const Core *core, const char *channel_id, int32_t *ret_day_start_minutes) {
        g_autoptr(PlanView) view = plan_board_view(core->board, channel_id);
        *ret_day_start_minutes = view ? view->spec->day_start_minutes : 0;
        if (view)
                return g_time_zone_ref(view->spec->zone);
        g_autoptr(Store) store = store_open_to_read(core->places.store_path, NULL);
        GTimeZone *zone = NULL;
        return store && schedule_store_clock(store, channel_id, &zone, ret_day_start_minutes) ? zone
                                                                                              : g_time_zone_new_utc();
}

static void place_of(void *user, const char *channel_id, int64_t utc_ms, char ret_day[11], char ret_time[9]) {
        int32_t day_start_minutes;
        g_autoptr(GTimeZone) zone = clock_of(user, channel_id, &day_start_minutes);
        utc_ms = CLAMP(utc_ms, 0, FAR_UTC_MS); /* engines may say anything */
        g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(utc_ms / 1000);
        g_autoptr(GDateTime) local = g_date_time_to_timezone(utc, zone);
        g_autofree char *time = g_date_time_format(local, "%H:%M:%S");
        g_strlcpy(ret_time, time, 9);
        schedule_day_in(zone, day_start_minutes, utc_ms, ret_day);
}

static int64_t recorder_last_sequence(void *user, const char *channel_id, const char *session_id) {
        Core *core = user;
        return asrun_last_sequence(core->asrun, channel_id, session_id);
}

static void set_record_fault(Core *core, const char *fault) {
        pthread_mutex_lock(&core->lock);
        g_free(core->record_fault);
        core->record_fault = g_strdup(fault);
        pthread_mutex_unlock(&core->lock);
}

/* INV-FAILURE-002: of what is recorded and did not air as planned, the reasons. */
static void count_reasons(const EvidenceEvent *const *events, unsigned n) {
        for (unsigned i = 0; i < n; i++)
                if (events[i]->kind == EVIDENCE_SEGMENT_END && events[i]->reason)
                        failure_note_of("segment", events[i]->reason, events[i]->event_id);
}

/* What cannot be recorded stays with the engines, which come again; the operator can see why meanwhile. */
static bool recorder_record(void *user, const EvidenceEvent *const *events, unsigned n, GError **error) {
        Core *core = user;
        g_autoptr(GError) local = NULL;
        bool done = asrun_record_all(core->asrun, events, n, &local);
        set_record_fault(core, done ? NULL : local->message);
        if (done)
                count_reasons(events, n);
        else
                g_propagate_error(error, g_steal_pointer(&local));
        return done;
}

static bool start_record(Core *core, GError **error) {
        AsRunOptions options = {
                .store_path = core->places.store_path,
                .logs_dir = core->places.logs_dir,
                .clock = core->clock,
                .place_of = place_of,
                .user = core,
                .spool_dir = core->places.spool_dir,
        };
        core->asrun = asrun_new(&options, error);
        if (!core->asrun)
                return false;
        EvidenceRecorder recorder = {recorder_last_sequence, recorder_record, core};
        core->rpc = rpc_server_new(NULL, (RpcOptions){0});
        core->evidence = evidence_service_new(core->rpc, &recorder, error);
        return core->evidence && rpc_server_listen(core->rpc, core->places.core_socket, error) &&
               rpc_server_start(core->rpc, error);
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

/* The clerk's thread. */
static GPtrArray *channels_of(void *user) {
        Core *core = user;
        GPtrArray *specs = g_ptr_array_new_with_free_func((GDestroyNotify)channel_spec_unref);
        g_autoptr(GPtrArray) views = plan_board_views(core->board);
        for (guint i = 0; i < views->len; i++)
                g_ptr_array_add(specs, channel_spec_ref(((const PlanView *)views->pdata[i])->spec));
        return specs;
}

static bool start_reconcile(Core *core, GError **error) {
        const ReconcilerOptions options = {
                .store_path = core->places.store_path,
                .clock = core->clock,
                .channels = channels_of,
                .user = core,
        };
        core->reconciler = reconciler_new(&options, error);
        return core->reconciler != NULL;
}

static void settle_record(void *user) {
        Core *core = user;
        asrun_settle(core->asrun);
        asrun_note_alive(core->asrun);
        reconciler_look(core->reconciler);
}

static gboolean settle_soon(void *user) {
        Core *core = user;
        clerk_do(core->clerk, settle_record, core);
        return G_SOURCE_CONTINUE;
}

/* The record is flushed to the disk: nothing for the control loop to wait for. */
static void on_engine_died(void *user, const char *channel_id, const char *session_id, const char *detail) {
        Core *core = user;
        Death *death = g_new(Death, 1);
        *death = (Death){core->asrun, g_strdup(channel_id), g_strdup(session_id), g_strdup(detail)};
        clerk_do(core->clerk, record_death, death);
}

/* --- play and serve ---------------------------------------------------------------------------------------------- */

/* On the threads that start sessions. */
static int64_t key_before(void *user, const char *asset_uuid, int64_t at_ms) {
        return keys_index_before(user, asset_uuid, at_ms);
}

static bool start_play(Core *core, GError **error) {
        core->clerk = clerk_start(error);
        core->sequences = core->clerk ? sequence_store_new(core->places.store_path, core->clerk, error) : NULL;
        core->keys = core->sequences ? keys_index_open(core->places.store_path, error) : NULL;
        if (!core->keys)
                return false;
        if (core->config->segments_dir && !(core->shelf = shelf_new(core->config->segments_dir, error)))
                return false;
        HttpStreamsOptions streams = {
                .shelf = core->shelf,
                .segment_ms = core->config->segment_ms,
                .clock = core->clock,
                .board = core->board,
                .sequences = sequence_store_reserve,
                .on_sequence = sequence_store_note,
                .user = core->sequences,
                .wait_for_viewers = core->led != NULL,
        };
        core->streams = http_streams_set_new(&streams);
        ChannelHubOptions options = {
                .board = core->board,
                .clock = core->clock,
                .streams = http_streams_ops(core->streams),
                .air_program = core->config->air_program,
                .run_dir = core->places.run_dir,
                .spool_dir = core->places.spool_dir,
                .cache_dir = core->places.cache_dir,
                .evidence_endpoint = core->places.core_socket,
                .linger_ms = core->config->linger_ms,
                .viewer_timeout_ms = 10000,
                .preroll_ms = core->config->preroll_ms,
                .keys = {key_before, core->keys},
                .stall_ms = core->led ? LED_STALL_MS : STALL_MS,
                .led = core->led != NULL,
                .max_running = core->config->max_channels_running,
                .on_engine_died = on_engine_died,
                .user = core,
        };
        core->hub = channel_hub_new(&options);
        return true;
}

static json_t *asrun_json(void *user, const AsRunQuery *query, char **ret_next, GError **error) {
        Core *core = user;
        g_autoptr(GError) local = NULL;
        json_t *entries = asrun_entries(core->asrun, query, ret_next, &local);
        if (!entries && !g_error_matches(local, RV_ERROR, RV_ERROR_INVALID))
                rv_error("asrun.unreadable", RV_S("channel", query->channel_id), RV_S("error", local->message));
        if (local)
                g_propagate_error(error, g_steal_pointer(&local));
        return entries;
}

static json_t *reconciliation_json(void *user, const char *channel_id, const char *day, const char *session_id) {
        Core *core = user;
        g_autoptr(GError) error = NULL;
        char today[11];
        g_autoptr(PlanView) view = plan_board_view(core->board, channel_id);
        if (!view)
                return NULL;
        schedule_day_of(view->spec, rv_clock_utc_ms(core->clock), today);
        const ReconcileScope scope = session_id ? RECONCILE_SESSION : RECONCILE_DAY;
        json_t *document = reconciler_ask(core->reconciler, view->spec, scope,
                                          session_id ? session_id
                                          : day      ? day
                                                     : today,
                                          &error);
        if (!document && !g_error_matches(error, RV_ERROR, RV_ERROR_NOT_FOUND))
                rv_warning("reconcile.failed", RV_S("channel", channel_id), RV_S("error", error->message));
        return document;
}

static json_t *progress_json(void *user) {
        Core *core = user;
        return library_progress(core->library);
}

/* fault NULL: none. */
static void add_alert(json_t *alerts, const char *severity, const char *code, const char *fault) {
        if (!fault)
                return;
        g_autofree char *message = g_strdup_printf("%s %s", failure_kind(code)->sentence, fault);
        json_array_append_new(alerts, json_pack("{s:s,s:n,s:i,s:i,s:s,s:s}", "severity", severity, "file", "line", 0,
                                                "column", 0, "message", message, "code", code));
}

/* Each alert has its code, the class of it and what to do. What the planner tells has none yet: faults of files. */
static void add_kind(json_t *alert) {
        const json_t *code = json_object_get(alert, "code");
        const FailureKind *kind = failure_kind(code ? json_string_value(code) : "planner.fault");
        json_object_set_new(alert, "code", json_string(kind->code));
        json_object_set_new(alert, "class", json_string(failure_class_name(kind->class)));
        json_object_set_new(alert, "cure", json_string(kind->cure));
}

/* A ladder of which one step is left is no fault that keeps a channel off the air. */
static void add_lost_renditions(json_t *alerts, Core *core) {
        g_autoptr(GPtrArray) views = plan_board_views(core->board);
        for (guint i = 0; i < views->len; i++) {
                const ChannelSpec *spec = ((const PlanView *)views->pdata[i])->spec;
                g_autoptr(Channel) channel = channel_hub_find(core->hub, spec->id);
                if (!channel || !channel_status(channel).second_lost || !house_format_has_second(&spec->format))
                        continue;
                g_autofree char *which = g_strdup_printf("It is of channel %s.", spec->id);
                add_alert(alerts, "warning", "channel.rendition_lost", which);
        }
}

static json_t *alerts_json(void *user) {
        Core *core = user;
        json_t *alerts = planner_alerts(core->planner);
        g_autofree char *fault = library_fault(core->library);
        add_alert(alerts, "error", "catalog.scan_failed", fault);
        pthread_mutex_lock(&core->lock);
        add_alert(alerts, "error", "evidence.not_recorded", core->record_fault);
        pthread_mutex_unlock(&core->lock);
        add_lost_renditions(alerts, core);
        g_auto(GStrv) diverged = reconciler_alerts(core->reconciler);
        for (char **one = diverged; *one; one++)
                add_alert(alerts, "error", "reconcile.diverged", *one);
        size_t i;
        json_t *alert;
        json_array_foreach(alerts, i, alert) add_kind(alert);
        return alerts;
}

static void on_nothing(void *user, const char *reason) {
        Core *core = user;
        if (core->ending)
                return;
        g_autofree char *url = page_url(core);
        fprintf(stderr, "retrovue: %s (the page is at %s)\n", reason, url);
}

/* --- what operators ask for by the network: HTTP's workers ------------------------------------------------------- */

static json_t *overrides_json(void *user, const char *channel_id, GError **error) {
        const Core *core = user;
        return operator_overrides(core->places.store_path, channel_id, error);
}

static json_t *ask_override(void *user, const HttpOverride *wish, GError **error) {
        const Core *core = user;
        return operator_override_ask(core->places.store_path, core->clock, wish, error);
}

static bool cancel_override(void *user, const char *channel_id, int64_t id, GError **error) {
        const Core *core = user;
        return operator_override_cancel(core->places.store_path, core->clock, channel_id, id, error);
}

static gboolean reload_once(void *user) {
        Core *core = user;
        rv_info("core.reload");
        reload_soon(core);
        if (core->library)
                library_rescan(core->library);
        return G_SOURCE_REMOVE;
}

static void ask_rescan(void *user) {
        g_idle_add(reload_once, user);
}

/* --- serve -------------------------------------------------------------------------------------------------------- */

static bool read_identity(Core *core, uint32_t *ret_identity, GError **error) {
        g_autoptr(Store) store = store_open(core->places.store_path, error);
        return store && store_identity(store, ret_identity, error);
}

static bool start_serve(Core *core, GError **error) {
        uint32_t identity;
        if (!read_identity(core, &identity, error))
                return false;
        core->guide = guide_new(core->board, core->clock, GUIDE_DOMAIN);
        HttpOptions options = {
                .listen_address = core->config->listen_address,
                .port = core->config->port,
                .public_url = core->config->public_url,
                .web_dir = core->config->web_dir,
                .max_connections = core->config->max_connections,
                .max_per_ip = core->config->max_per_ip,
                .api_rate = core->config->api_rate,
                .media_rate = core->config->media_rate,
                .tokens_file = core->config->tokens_file,
                .proxies = (const char *const *)core->config->trusted_proxies,
                .start_timeout_ms = core->led ? LED_STALL_MS : START_TIMEOUT_MS,
                .streams = core->streams,
                .hub = core->hub,
                .guide = core->guide,
                .board = core->board,
                .clock = core->clock,
                .tuner = {core->config->tuner_name, core->config->tuner_model, http_tuner_id(identity),
                          core->config->max_channels_running},
                .asrun = asrun_json,
                .progress = progress_json,
                .reconciliation = reconciliation_json,
                .alerts = alerts_json,
                .overrides = overrides_json,
                .override_ask = ask_override,
                .override_cancel = cancel_override,
                .rescan = ask_rescan,
                .user = core,
        };
        core->http = http_new(&options, error);
        return core->http != NULL;
}

static void extend_plan(void *user, const ExtendCall *call, ExtendDone done, void *done_user) {
        Core *core = user;
        planner_extend(core->planner, call, done, done_user);
}

static bool start_ops(Core *core, GError **error) {
        const OpsOptions options = {
                .store_path = core->places.store_path,
                .socket_path = core->places.ops_socket,
                .board = core->board,
                .hub = core->hub,
                .clock = core->clock,
                .listen = core->config->ops_listen,
                .certificate = core->config->ops_certificate,
                .key = core->config->ops_key,
                .tokens_file = core->config->tokens_file,
                .extend = extend_plan,
                .user = core,
        };
        core->ops = ops_new(&options, error);
        return core->ops != NULL;
}

static bool start_plan(Core *core, GError **error) {
        PlannerOptions options = {
                .config = core->config,
                .store_path = core->places.store_path,
                .logs_dir = core->places.logs_dir,
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

static bool take_clock(Core *core, GError **error) {
        if (!core->config->led_clock)
                return true;
        core->clock = core->led = rv_clock_led_new(core->config->led_clock, error);
        return core->led != NULL;
}

static bool core_start(Core *core, GError **error) {
        if (!take_clock(core, error))
                return false;
        if (!places_take(&core->places, core->config, error))
                return false;
        core->board = plan_board_new();
        core->library = make_library(core);
        if (!start_record(core, error) || !start_reconcile(core, error) || !start_play(core, error) ||
            !start_plan(core, error) || !start_serve(core, error) || !start_ops(core, error))
                return false;
        watch_channels(core);
        settle_soon(core);
        core->settle_timer = g_timeout_add_seconds(SETTLE_S, settle_soon, core);
        core->look_again_timer = g_timeout_add_seconds(LOOK_AGAIN_S, look_again, core);
        core->watched_timer = g_timeout_add_seconds(WATCHED_S, look_for_viewers, core);
        return library_begin(core->library, error);
}

/* The loop still turns while engines end: from now on reports of stages change nothing. */
static void core_clear(Core *core) {
        core->ending = true;
        g_clear_handle_id(&core->reload_timer, g_source_remove);
        g_clear_handle_id(&core->look_again_timer, g_source_remove);
        g_clear_handle_id(&core->watched_timer, g_source_remove);
        g_clear_handle_id(&core->settle_timer, g_source_remove);
        g_clear_object(&core->channels_monitor);
        ops_stop(core->ops);
        http_free(core->http); /* first: its workers ask everybody else */
        g_clear_pointer(&core->library, library_free);
        channel_hub_free(core->hub);
        http_streams_set_free(core->streams);
        shelf_free(core->shelf);
        planner_free(core->planner);
        guide_free(core->guide);
        if (core->rpc)
                rpc_server_free(core->rpc, RPC_GRACE_MS); /* after the engines, whose last words it takes */
        evidence_service_free(core->evidence);
        ops_free(core->ops);     /* after the last that it tells of */
        clerk_free(core->clerk); /* before what its work is about */
        sequence_store_free(core->sequences);
        keys_index_free(core->keys);
        reconciler_free(core->reconciler);
        asrun_free(core->asrun);
        if (core->board)
                plan_board_unref(core->board);
        places_clear(&core->places);
        pthread_mutex_destroy(&core->lock);
        g_free(core->record_fault);
        rv_clock_led_free(core->led);
}

static gboolean quit(void *user) {
        g_main_loop_quit(user);
        return G_SOURCE_CONTINUE;
}

static gboolean reload_asked(void *user) {
        (void)reload_once(user);
        return G_SOURCE_CONTINUE;
}

int core_run(const Config *config) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
        Core core = {.config = config, .clock = rv_clock_system(), .loop = loop, .places.lock_fd = -1};
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

char *core_ops_socket(const Config *config, GError **error) {
        return places_ops_socket(config, error);
}
