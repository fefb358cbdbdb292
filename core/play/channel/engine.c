#include "core/play/channel/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/process.h"
#include "core/play/feed/feed.h"
#include "proto/base/error.h"
#include "proto/base/id.h"
#include "proto/base/log.h"

#define SIGNAL_BIT(number) (UINT64_C(1) << ((number)-1))
/* Where time is led: how long ago sessions may begin, and how long an engine, at hundreds of times real time, may
 * miss us. */
#define LED_REPLAY_MS "864000000"
#define LED_ORPHAN_MS "1000"
#define KILL_AFTER_NS (3 * INT64_C(1000000000))

struct Engine {
        const ChannelHubOptions *hub;
        char *channel_id;
        char session_id[RV_UUID_SIZE];
        char *control_path, *stream_path, *second_path, *spool_dir;
        RvRational rate;
        void *streams;
        void (*on_live)(void *user);
        void (*on_gone)(void *user, EngineEnd end, const char *detail);
        void *user;

        bool has_second;
        Intake *intake, *second_intake; /* second_intake: NULL: nobody takes the second rendition */
        Feed *feed;
        pid_t pid; /* 0 = not running */
        int pidfd;
        GSource *exit_watch;
        bool feed_over;
        bool unplanned; /* nothing was planned for the start */
        bool stop_asked;
        bool crashed;            /* a signal ended it, whoever sent it */
        uint64_t signals_sent;   /* by us, as bits */
        int64_t kill_at_mono_ns; /* 0 = no deadline */
        char detail[256];        /* what went wrong first */
        char lost_detail[256];   /* how the connection was lost: what is told when nobody knows why */
};

static void note(Engine *engine, const char *detail) {
        if (engine->detail[0] == 0)
                g_strlcpy(engine->detail, detail, sizeof engine->detail);
}

static void send_signal(Engine *engine, int signal_number) {
        if (engine->pid <= 0)
                return;
        engine->signals_sent |= SIGNAL_BIT(signal_number);
        (void)pidfd_send_signal(engine->pidfd, signal_number, NULL, 0);
}

static void set_deadline(Engine *engine) {
        if (engine->kill_at_mono_ns == 0)
                engine->kill_at_mono_ns = rv_clock_mono_ns(engine->hub->clock) + KILL_AFTER_NS;
}

static void check_gone(Engine *engine) {
        if (engine->pid > 0 || !engine->feed_over)
                return;
        if (!engine->stop_asked)
                engine->on_gone(engine->user, engine->unplanned ? ENGINE_UNPLANNED : ENGINE_DIED,
                                engine->detail[0] ? engine->detail : engine->lost_detail);
        else if (engine->crashed)
                engine->on_gone(engine->user, ENGINE_KILLED, "the engine was killed after it had been asked to end");
        else
                engine->on_gone(engine->user, ENGINE_ENDED, "");
}

/* --- the process ------------------------------------------------------------------------------------------------- */

/* Whether the exit is a cause by itself, and not what may have come of a signal of ours. */
static bool exit_explains(const Engine *engine, int status) {
        if (WIFSIGNALED(status))
                return !(engine->signals_sent & SIGNAL_BIT(WTERMSIG(status)));
        return engine->signals_sent == 0 || WEXITSTATUS(status) != 0;
}

static gboolean process_exited(int fd, GIOCondition condition, void *user) {
        Engine *engine = user;
        int status = 0;
        pid_t pid = engine->pid;
        if (waitpid(pid, &status, WNOHANG) == 0)
                return G_SOURCE_CONTINUE;
        engine->pid = 0;
        engine->crashed = WIFSIGNALED(status);
        char detail[96];
        if (WIFSIGNALED(status))
                g_snprintf(detail, sizeof detail, "the engine was killed by signal %d", WTERMSIG(status));
        else
                g_snprintf(detail, sizeof detail, "the engine ended with status %d", WEXITSTATUS(status));
        if (exit_explains(engine, status))
                note(engine, detail);
        rv_info("channel.engine_exited", RV_S("channel", engine->channel_id), RV_I("pid", pid), RV_S("detail", detail));
        if (engine->feed)
                feed_stop(engine->feed, "engine_gone");
        g_clear_pointer(&engine->exit_watch, g_source_unref);
        check_gone(engine);
        return G_SOURCE_REMOVE;
}

static bool watch_process(Engine *engine, GError **error) {
        engine->pidfd = pidfd_open(engine->pid, 0);
        if (engine->pidfd < 0) {
                rv_error_set_errno(error, errno, "cannot watch process %d", engine->pid);
                return false;
        }
        (void)fcntl(engine->pidfd, F_SETFD, FD_CLOEXEC);
        engine->exit_watch = g_unix_fd_source_new(engine->pidfd, G_IO_IN);
        g_source_set_callback(engine->exit_watch, G_SOURCE_FUNC(process_exited), engine, NULL);
        g_source_attach(engine->exit_watch, engine->hub->context);
        return true;
}

/* The socket is made here and handed over listening, so that we can connect before the engine has come up. */
static int listen_for_engine(const char *path, GError **error) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        if (g_strlcpy(address.sun_path, path, sizeof address.sun_path) >= sizeof address.sun_path) {
                g_set_error(error, RV_ERROR, RV_ERROR_LIMIT, "socket path is too long: %s", path);
                return -1;
        }
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)unlink(path);
        if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || chmod(path, 0600) < 0 ||
            listen(fd, 16) < 0) {
                rv_error_set_errno(error, errno, "cannot listen on %s", path);
                if (fd >= 0)
                        close(fd);
                return -1;
        }
        return fd;
}

static bool start_process(Engine *engine, GError **error) {
        int fd = listen_for_engine(engine->control_path, error);
        if (fd < 0)
                return false;
        g_autofree char *number = g_strdup_printf("%d", PROCESS_FD);
        g_autofree char *program = g_strdup(engine->hub->air_program);
        g_autofree char *cache_dir = g_strdup(engine->hub->cache_dir);
        char *arguments[] = {program,
                             (char[]){"--channel"},
                             engine->channel_id,
                             (char[]){"--control-fd"},
                             number,
                             (char[]){"--cache-dir"},
                             cache_dir,
                             engine->hub->led ? (char[]){"--replay-ms=" LED_REPLAY_MS} : NULL,
                             (char[]){"--orphan-ms=" LED_ORPHAN_MS},
                             NULL};
        engine->pid = process_start(program, arguments, fd, error);
        close(fd);
        if (engine->pid == 0) {
                g_prefix_error(error, "cannot start the engine (set air_program in retrovue.yaml, or install it): ");
                return false;
        }
        return watch_process(engine, error);
}

/* --- the conversation -------------------------------------------------------------------------------------------- */

static void feed_epoch(void *user, int64_t epoch_utc_ms) {
        Engine *engine = user;
        engine->hub->streams.begin(engine->streams, engine->session_id, epoch_utc_ms, engine->rate);
}

static void feed_live(void *user) {
        Engine *engine = user;
        engine->on_live(engine->user);
}

static void feed_ended(void *user, FeedEnd end, const char *detail) {
        Engine *engine = user;
        engine->feed_over = true;
        engine->unplanned = end == FEED_NO_SCHEDULE_DATA;
        if (end == FEED_LOST)
                g_strlcpy(engine->lost_detail, detail, sizeof engine->lost_detail);
        else if (end != FEED_STOPPED)
                note(engine, detail);
        send_signal(engine, SIGTERM);
        set_deadline(engine);
        check_gone(engine);
}

static bool start_feed(Engine *engine, GError **error) {
        FeedOptions options = {
                .channel_id = engine->channel_id,
                .session_id = engine->session_id,
                .board = engine->hub->board,
                .control_path = engine->control_path,
                .stream_path = engine->stream_path,
                .second_path = engine->second_intake ? engine->second_path : NULL,
                .evidence_endpoint = engine->hub->evidence_endpoint,
                .spool_dir = engine->spool_dir,
                .preroll_ms = engine->hub->preroll_ms,
                .keys = engine->hub->keys,
                .clock = engine->hub->clock,
                .context = engine->hub->context,
                .on_epoch = feed_epoch,
                .on_live = feed_live,
                .on_end = feed_ended,
                .user = engine,
        };
        engine->feed = feed_start(&options, error);
        return engine->feed != NULL;
}

/* --- EngineOps --------------------------------------------------------------------------------------------------- */

static void engine_free(Engine *engine) {
        if (!engine)
                return;
        if (engine->exit_watch) {
                g_source_destroy(engine->exit_watch);
                g_source_unref(engine->exit_watch);
        }
        if (engine->pid > 0) { /* only when it could not be started completely: nobody talks to it yet */
                (void)kill(engine->pid, SIGKILL);
                (void)waitpid(engine->pid, NULL, 0);
        }
        if (engine->pidfd >= 0)
                close(engine->pidfd);
        intake_stop(engine->intake);
        intake_stop(engine->second_intake);
        feed_free(engine->feed);
        (void)unlink(engine->control_path);
        g_free(engine->channel_id);
        g_free(engine->control_path);
        g_free(engine->stream_path);
        g_free(engine->second_path);
        g_free(engine->spool_dir);
        g_free(engine);
}

/* A channel without it is better than none. */
static void start_second(Engine *engine, const EngineOptions *options) {
        const ChannelStreamsOps *streams = &options->hub->streams;
        IntakeSink sinks[4];
        g_autoptr(GError) error = NULL;
        engine->has_second = options->has_second && streams->second_sinks;
        if (!engine->has_second)
                return;
        engine->second_path = g_strdup_printf("%s/%.8s.second", options->hub->run_dir, engine->session_id);
        const unsigned n_sinks = streams->second_sinks(options->streams, sinks);
        engine->second_intake =
                intake_start(engine->second_path, engine->rate, sinks, n_sinks, options->hub->clock, &error);
        if (!engine->second_intake)
                rv_error("channel.no_second_rendition", RV_S("channel", engine->channel_id),
                         RV_S("error", error->message));
}

static Engine *engine_start(const EngineOptions *options, GError **error) {
        Engine *engine = g_new0(Engine, 1);
        engine->hub = options->hub;
        engine->channel_id = g_strdup(options->channel_id);
        engine->rate = options->rate;
        engine->streams = options->streams;
        engine->on_live = options->on_live;
        engine->on_gone = options->on_gone;
        engine->user = options->user;
        engine->pidfd = -1;
        rv_uuid_random(engine->session_id);
        engine->control_path = g_strdup_printf("%s/%.8s.control", options->hub->run_dir, engine->session_id);
        engine->stream_path = g_strdup_printf("%s/%.8s.stream", options->hub->run_dir, engine->session_id);
        engine->spool_dir = g_build_filename(options->hub->spool_dir, options->channel_id, NULL);
        if (g_mkdir_with_parents(engine->spool_dir, 0700) < 0)
                rv_warning("channel.no_spool", RV_S("channel", engine->channel_id), RV_S("path", engine->spool_dir),
                           RV_S("error", g_strerror(errno)));

        IntakeSink sinks[4];
        unsigned n_sinks = options->hub->streams.sinks(options->streams, sinks);
        engine->intake = intake_start(engine->stream_path, engine->rate, sinks, n_sinks, options->hub->clock, error);
        start_second(engine, options);
        if (engine->intake && start_process(engine, error) && start_feed(engine, error))
                return engine;
        engine_free(engine);
        return NULL;
}

static void engine_stop(Engine *engine, const char *reason) {
        engine->stop_asked = true;
        set_deadline(engine);
        feed_stop(engine->feed, reason);
}

static void engine_kill(Engine *engine, const char *why) {
        note(engine, why);
        send_signal(engine, SIGKILL);
}

/* INV-CHANNEL-006 */
static void engine_poll(Engine *engine) {
        if (engine->kill_at_mono_ns == 0 || rv_clock_mono_ns(engine->hub->clock) < engine->kill_at_mono_ns)
                return;
        if (engine->pid > 0)
                rv_warning("channel.engine_killed", RV_S("channel", engine->channel_id), RV_I("pid", engine->pid));
        send_signal(engine, SIGKILL);
        engine->kill_at_mono_ns += KILL_AFTER_NS;
}

static void engine_plan_changed(Engine *engine) {
        if (!engine->feed_over)
                feed_plan_changed(engine->feed);
}

static const char *engine_session_id(const Engine *engine) {
        return engine->session_id;
}

static int64_t engine_pid(const Engine *engine) {
        return engine->pid;
}

static int64_t engine_last_bytes_mono_ns(Engine *engine) {
        return intake_stats(engine->intake).last_bytes_mono_ns;
}

static int64_t engine_second_last_bytes_mono_ns(Engine *engine) {
        if (!engine->has_second)
                return ENGINE_NO_SECOND;
        return engine->second_intake ? intake_stats(engine->second_intake).last_bytes_mono_ns : 0;
}

const EngineOps engine_process_ops = {
        .start = engine_start,
        .stop = engine_stop,
        .kill = engine_kill,
        .poll = engine_poll,
        .plan_changed = engine_plan_changed,
        .session_id = engine_session_id,
        .pid = engine_pid,
        .last_bytes_mono_ns = engine_last_bytes_mono_ns,
        .second_last_bytes_mono_ns = engine_second_last_bytes_mono_ns,
        .free = engine_free,
};
