#include <glib-unix.h>
#include <stdio.h>

#include "core/cli/cli.h"
#include "core/record/asrun/asrun.h"

#define LOOK_EVERY_MS 500

typedef struct {
        GMainLoop *loop;
        AsRunTail *tail;
        AsRunExport *export;
        GError *error; /* why it ended; NULL: it was asked to */
} Follow;

static void told(void *user, const json_t *entry) {
        Follow *follow = user;
        asrun_export_entry(follow->export, entry);
}

/* Also ends when nobody reads any more. */
static gboolean look_on(void *user) {
        Follow *follow = user;
        const bool good = asrun_tail_look(follow->tail, told, follow, &follow->error) && fflush(stdout) == 0;
        if (good)
                return G_SOURCE_CONTINUE;
        g_main_loop_quit(follow->loop);
        return G_SOURCE_CONTINUE;
}

static gboolean quit(void *user) {
        Follow *follow = user;
        g_main_loop_quit(follow->loop);
        return G_SOURCE_CONTINUE;
}

int cli_asrun_follow(const CliLook *look, const AsRunExportOptions *options) {
        g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
        g_autoptr(AsRunTail) tail = asrun_tail_new(look->store, look->logs_dir, options->channel_id);
        Follow follow = {.loop = loop, .tail = tail, .export = asrun_export_new(options)};
        const guint sources[] = {g_unix_signal_add(SIGINT, quit, &follow), g_unix_signal_add(SIGTERM, quit, &follow),
                                 g_timeout_add(LOOK_EVERY_MS, look_on, &follow)};
        look_on(&follow);
        if (!follow.error && !ferror(stdout))
                g_main_loop_run(loop);
        for (size_t i = 0; i < G_N_ELEMENTS(sources); i++)
                g_source_remove(sources[i]);
        asrun_export_end(follow.export);
        if (!follow.error)
                return 0;
        const int status = cli_fail("%s", follow.error->message);
        g_error_free(follow.error);
        return status;
}
