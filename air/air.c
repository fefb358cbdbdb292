#include "air/air.h"

#include <glib-unix.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "air/control/control.h"
#include "air/control/memory.h"
#include "air/output/output.h"
#include "proto/base/clock.h"
#include "proto/base/log.h"
#include "proto/base/thread.h"
#include "proto/failure/failure.h"
#include "proto/rpc/rpc.h"

#define LAST_RESORT_MS 950 /* the program ends within a second of having to, whatever hangs */

typedef struct {
        GMainLoop *loop;
        Control *control;
        int exit_status;
} Air;

/* What was done is in the evidence spool by now: nothing is lost with the process. */
static void last_resort(void *exit_status) {
        (void)poll(NULL, 0, LAST_RESORT_MS);
        _exit(GPOINTER_TO_INT(exit_status));
}

static void on_quit(void *user, int exit_status) {
        Air *air = user;
        air->exit_status = exit_status;
        RvThread *thread =
                rv_thread_start("last-resort", RV_PRIORITY_NORMAL, last_resort, GINT_TO_POINTER(exit_status), NULL);
        if (thread)
                rv_thread_detach(thread);
        g_main_loop_quit(air->loop);
}

static gboolean on_signal(gpointer user) {
        Air *air = user;
        control_quit(air->control, "stop_requested", "signal", EXIT_SUCCESS);
        return G_SOURCE_CONTINUE;
}

static Control *start_control(Air *air, const AirOptions *options, GError **error) {
        const ControlOptions control = {
                .channel_id = options->channel_id,
                .version = RETROVUE_VERSION,
                .listen_fd = options->control_fd,
                .listen_path = options->control_path,
                .orphan_ms = options->orphan_ms,
                .replay_ms = options->replay_ms,
                .clock = rv_clock_system(),
                .on_quit = on_quit,
                .user = air,
        };
        return control_new(&control, error);
}

int air_run(const AirOptions *options) {
        memory_prepare();
        rv_log_init("retrovue-air", rv_clock_system());
        failure_watch_log();
        if (options->cache_dir)
                output_prepare(options->cache_dir);
        rpc_init();
        Air air = {.loop = g_main_loop_new(NULL, FALSE)};
        g_autoptr(GError) error = NULL;
        air.control = start_control(&air, options, &error);
        if (air.control) {
                static const int SIGNALS[] = {SIGTERM, SIGINT, SIGHUP};
                for (size_t i = 0; i < G_N_ELEMENTS(SIGNALS); i++)
                        g_unix_signal_add(SIGNALS[i], on_signal, &air);
                rv_info("air.ready", RV_S("channel", options->channel_id), RV_I("pid", getpid()));
                g_main_loop_run(air.loop);
                control_free(air.control);
        } else {
                rv_error("air.failed", RV_S("channel", options->channel_id), RV_S("detail", error->message));
                air.exit_status = EXIT_FAILURE;
        }
        g_main_loop_unref(air.loop);
        return air.exit_status;
}
