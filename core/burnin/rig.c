#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "core/base/store.h"
#include "core/burnin/private.h"
#include "proto/base/error.h"

#define READY "ready http://127.0.0.1:"
#define STOP_NS INT64_C(20000000000)
#define LOOK_NS INT64_C(20000000)
#define FOLDERS_MAX 16

struct Rig {
        const BurninOptions *options;
        GPtrArray *specs;
        char *data_dir, *channels_dir, *media_dir, *clock_path;
        RvClock *clock, *led; /* led: the same, where time is */
        GSubprocess *core;    /* NULL: not running */
        _Atomic int port;
        bool scanned;
};

static bool fail_io(GError **error, const char *path) {
        rv_error_set_errno(error, errno, "%s", path);
        return false;
}

/* --- the work folder --------------------------------------------------------------------------------------------- */

typedef bool (*PutFile)(Rig *rig, const char *from, const char *to, GError **error);

static bool put_tree(Rig *rig, const char *from, const char *to, unsigned depth, PutFile put, GError **error) {
        g_autoptr(GDir) dir = g_dir_open(from, 0, error);
        const char *name;
        if (!dir)
                return false;
        if (g_mkdir_with_parents(to, 0755) < 0)
                return fail_io(error, to);
        while ((name = g_dir_read_name(dir))) {
                g_autofree char *source = g_build_filename(from, name, NULL),
                                *target = g_build_filename(to, name, NULL);
                const bool is_folder = g_file_test(source, G_FILE_TEST_IS_DIR);
                if (name[0] == '.' || (is_folder && depth == 0))
                        continue;
                if (is_folder ? !put_tree(rig, source, target, depth - 1, put, error)
                              : !put(rig, source, target, error))
                        return false;
        }
        return true;
}

/* INV-BURNIN-003: what is played are links to the operator's files, and only links are ever taken away. */
static bool link_file(Rig *rig, const char *from, const char *to, GError **error) {
        return symlink(from, to) == 0 || fail_io(error, to);
}

static bool link_media(Rig *rig, GError **error) {
        const char *const *dirs = rig->options->media_dirs;
        for (unsigned i = 0; dirs[i]; i++) {
                g_autofree char *number = g_strdup_printf("%u", i);
                g_autofree char *to = g_build_filename(rig->media_dir, number, NULL);
                g_autofree char *from = g_canonicalize_filename(dirs[i], NULL);
                if (!put_tree(rig, from, to, FOLDERS_MAX, link_file, error))
                        return false;
        }
        return true;
}

static bool copy_file(Rig *rig, const char *from, const char *to, GError **error) {
        g_autofree char *text = NULL, *name = g_path_get_basename(from);
        gsize size = 0;
        if (g_str_has_suffix(name, ".yaml") && name[0] != '_')
                return true; /* a channel: only those asked for */
        return g_file_get_contents(from, &text, &size, error) && g_file_set_contents(to, text, (gssize)size, error);
}

/* The text without its `format:` at the top, which may have lines of its own. */
static char *without_format(const char *text) {
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        GString *out = g_string_new(NULL);
        bool inside = false;
        for (char **line = lines; *line; line++) {
                if (g_str_has_prefix(*line, "format:"))
                        inside = true;
                else if ((*line)[0] && !g_ascii_isspace((*line)[0]))
                        inside = false;
                if (!inside)
                        g_string_append_printf(out, "%s\n", *line);
        }
        return g_string_free(out, FALSE);
}

/* INV-BURNIN-005: the house's rate, grid and rules are the operator's; the picture is as small as serves to be counted.
 */
static char *compressed_format(const ChannelSpec *spec) {
        return g_strdup_printf("format:\n"
                               "  video: {width: 64, height: 64, frame_rate: \"%d/%d\", bitrate_kbps: 100, preset: "
                               "ultrafast}\n"
                               "  audio: {sample_rate: 48000, channels: 2, codec: mp2, bitrate_kbps: 64}\n"
                               "  grid_minutes: %d\n",
                               spec->format.rate.num, spec->format.rate.den, spec->grid_minutes);
}

static bool write_channel(const Rig *rig, const ChannelSpec *spec, GError **error) {
        g_autofree char *text = NULL, *name = g_path_get_basename(spec->source_file);
        g_autofree char *to = g_build_filename(rig->channels_dir, name, NULL);
        if (!g_file_get_contents(spec->source_file, &text, NULL, error))
                return false;
        if (!rig->options->compressed)
                return g_file_set_contents(to, text, -1, error);
        g_autofree char *rest = without_format(text), *format = compressed_format(spec);
        g_autofree char *small = g_strconcat(rest, format, NULL);
        return g_file_set_contents(to, small, -1, error);
}

static bool take_channels(Rig *rig, GError **error) {
        g_autoptr(Diag) diag = diag_new();
        rig->specs = channel_specs_load(rig->options->channels_dir, NULL, diag);
        if (diag_errors(diag) > 0 || rig->specs->len == 0) {
                g_autofree char *faults = diag_text(diag);
                g_set_error(error, RV_ERROR, RV_ERROR_INVALID, "%s: %s", rig->options->channels_dir,
                            faults[0] ? faults : "no channel file is there");
                return false;
        }
        const guint wanted = rig->options->channels ? (guint)rig->options->channels : rig->specs->len;
        if (wanted > rig->specs->len) {
                g_set_error(error, RV_ERROR, RV_ERROR_NOT_FOUND, "%s holds %u channels, not %u",
                            rig->options->channels_dir, rig->specs->len, wanted);
                return false;
        }
        g_ptr_array_set_size(rig->specs, (gint)wanted);
        if (!put_tree(rig, rig->options->channels_dir, rig->channels_dir, FOLDERS_MAX, copy_file, error))
                return false;
        for (guint i = 0; i < wanted; i++)
                if (!write_channel(rig, rig->specs->pdata[i], error))
                        return false;
        return true;
}

/* A plan that is to be late is made for a short time ahead, so that it is soon. */
static bool write_settings(const Rig *rig, GError **error) {
        const bool late = rig->options->inject & BURNIN_LATE_FEED;
        g_autofree char *path = g_build_filename(rig->data_dir, "retrovue.yaml", NULL);
        g_autofree char *text = g_strdup_printf("linger: 1s\npreroll: 1s\nmin_epg: 1d\nmin_execution: %s\n",
                                                late ? (rig->options->length_ms < 3 * HOUR_MS ? "10m" : "1h") : "6h");
        return g_file_set_contents(path, text, -1, error);
}

static bool make_clock(Rig *rig, int64_t from_utc_ms, GError **error) {
        if (!rig->options->compressed)
                return true;
        if (!g_file_set_contents(rig->clock_path, (const char *)&from_utc_ms, sizeof from_utc_ms, error))
                return false;
        rig->clock = rig->led = rv_clock_led_new(rig->clock_path, error);
        return rig->led != NULL;
}

Rig *rig_new(const BurninOptions *options, RvClock *system, int64_t from_utc_ms, GError **error) {
        Rig *rig = g_new0(Rig, 1);
        rig->options = options;
        rig->clock = system;
        rig->data_dir = g_build_filename(options->work_dir, "data", NULL);
        rig->channels_dir = g_build_filename(options->work_dir, "channels", NULL);
        rig->media_dir = g_build_filename(options->work_dir, "media", NULL);
        rig->clock_path = g_build_filename(options->work_dir, "clock", NULL);
        if (g_mkdir_with_parents(rig->data_dir, 0700) < 0)
                (void)fail_io(error, rig->data_dir);
        else if (take_channels(rig, error) && link_media(rig, error) && write_settings(rig, error) &&
                 make_clock(rig, from_utc_ms, error))
                return rig;
        rig_free(rig);
        return NULL;
}

void rig_free(Rig *rig) {
        if (!rig)
                return;
        if (rig->core)
                (void)rig_stop_core(rig);
        rv_clock_led_free(rig->led);
        g_clear_pointer(&rig->specs, g_ptr_array_unref);
        g_free(rig->data_dir);
        g_free(rig->channels_dir);
        g_free(rig->media_dir);
        g_free(rig->clock_path);
        g_free(rig);
}

/* --- core -------------------------------------------------------------------------------------------------------- */

typedef struct {
        const char *option, *value; /* NULL: it is not said */
} Argument;

static GPtrArray *arguments_of(const Rig *rig, const char *command, const Argument *more, size_t n_more) {
        const Argument all[] = {
                {"--data", rig->data_dir}, {"--channels", rig->channels_dir}, {"--media", rig->media_dir}};
        GPtrArray *arguments = g_ptr_array_new();
        g_ptr_array_add(arguments, (char *)rig->options->core_program);
        g_ptr_array_add(arguments, (char *)command);
        for (size_t i = 0; i < G_N_ELEMENTS(all) + n_more; i++) {
                const Argument *argument = i < G_N_ELEMENTS(all) ? &all[i] : &more[i - G_N_ELEMENTS(all)];
                if (!argument->value)
                        continue;
                g_ptr_array_add(arguments, (char *)argument->option);
                g_ptr_array_add(arguments, (char *)argument->value);
        }
        g_ptr_array_add(arguments, NULL);
        return arguments;
}

/* "ready URL" is the first line, or the end. */
static int read_port(GSubprocess *core) {
        char line[128];
        gsize n = 0, got;
        GInputStream *out = g_subprocess_get_stdout_pipe(core);
        while (n < sizeof(line) - 1 && g_input_stream_read_all(out, line + n, 1, &got, NULL, NULL) && got == 1 &&
               line[n] != '\n')
                n++;
        line[n] = '\0';
        return g_str_has_prefix(line, READY) ? (int)g_ascii_strtoll(line + strlen(READY), NULL, 10) : 0;
}

/* Its log goes on where the one before it ended. */
static int open_log(const Rig *rig, GError **error) {
        g_autofree char *path = g_build_filename(rig->options->work_dir, "core.log", NULL);
        const int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (fd < 0)
                (void)fail_io(error, path);
        return fd;
}

static GSubprocess *spawn(const Rig *rig, const GPtrArray *arguments, GError **error) {
        g_autoptr(GSubprocessLauncher) launcher = g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_STDOUT_PIPE);
        const int log = open_log(rig, error);
        if (log < 0)
                return NULL;
        g_subprocess_launcher_take_stderr_fd(launcher, log);
        return g_subprocess_launcher_spawnv(launcher, (const gchar *const *)arguments->pdata, error);
}

/* Before time begins: a library that is still being looked through is not what is to be proved. */
static bool scan(Rig *rig, GError **error) {
        g_autoptr(GPtrArray) arguments = arguments_of(rig, "scan", NULL, 0);
        g_autoptr(GSubprocess) core = spawn(rig, arguments, error);
        if (!core || !g_subprocess_communicate(core, NULL, NULL, NULL, NULL, error))
                return false;
        rig->scanned = g_subprocess_get_successful(core);
        if (!rig->scanned)
                g_set_error(error, RV_ERROR, RV_ERROR_FAILED, "the media cannot be looked through: see %s/core.log",
                            rig->options->work_dir);
        return rig->scanned;
}

bool rig_start_core(Rig *rig, GError **error) {
        const Argument more[] = {{"--port", "0"},
                                 {"--air", rig->options->air_program},
                                 {"--web", rig->options->web_dir},
                                 {"--led-clock", rig->led ? rig->clock_path : NULL}};
        if (!rig->scanned && !scan(rig, error))
                return false;
        g_autoptr(GPtrArray) arguments = arguments_of(rig, "serve", more, G_N_ELEMENTS(more));
        rig->core = spawn(rig, arguments, error);
        if (!rig->core)
                return false;
        const int port = read_port(rig->core);
        atomic_store(&rig->port, port);
        if (port > 0)
                return true;
        g_set_error(error, RV_ERROR, RV_ERROR_FAILED, "core did not come up: see %s/core.log", rig->options->work_dir);
        rig_kill_core(rig);
        return false;
}

bool rig_core_runs(Rig *rig) {
        return rig->core && g_subprocess_get_identifier(rig->core) != NULL;
}

bool rig_stop_core(Rig *rig) {
        RvClock *system = rv_clock_system();
        const int64_t until = rv_clock_mono_ns(system) + STOP_NS;
        atomic_store(&rig->port, 0);
        if (rig_core_runs(rig))
                g_subprocess_send_signal(rig->core, SIGTERM);
        while (rig_core_runs(rig) && rv_clock_mono_ns(system) < until)
                rv_clock_sleep_until_mono_ns(system, rv_clock_mono_ns(system) + LOOK_NS);
        const bool ended = !rig_core_runs(rig) && g_subprocess_get_successful(rig->core);
        rig_kill_core(rig);
        return ended;
}

void rig_kill_core(Rig *rig) {
        atomic_store(&rig->port, 0);
        if (!rig->core)
                return;
        g_subprocess_force_exit(rig->core);
        (void)g_subprocess_wait(rig->core, NULL, NULL);
        g_clear_object(&rig->core);
}

int64_t rig_core_pid(const Rig *rig) {
        const char *pid = rig->core ? g_subprocess_get_identifier(rig->core) : NULL;
        return pid ? g_ascii_strtoll(pid, NULL, 10) : 0;
}

const _Atomic int *rig_port(const Rig *rig) {
        return &rig->port;
}

RvClock *rig_clock(const Rig *rig) {
        return rig->clock;
}

const GPtrArray *rig_specs(const Rig *rig) {
        return rig->specs;
}

char *rig_data_path(const Rig *rig, const char *name) {
        return g_build_filename(rig->data_dir, name, NULL);
}

/* --- media ------------------------------------------------------------------------------------------------------- */

bool rig_take_away(const Rig *rig, const char *path) {
        return g_str_has_prefix(path, rig->media_dir) && g_file_test(path, G_FILE_TEST_IS_SYMLINK) &&
               g_unlink(path) == 0;
}

bool rig_spoil(const Rig *rig, const char *path) {
        g_autofree char *noise = g_malloc(65536);
        for (size_t i = 0; i < 65536; i++)
                noise[i] = (char)(i * 2654435761u >> 13);
        return rig_take_away(rig, path) && g_file_set_contents(path, noise, 65536, NULL);
}
