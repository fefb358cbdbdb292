#include "core/places.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "proto/base/error.h"

/* A unix socket's path has 107 bytes; ours end in "/12345678.control". */
#define RUN_DIR_MAX 88
#define OPS_SOCKET "ops.sock"

static bool make_dir(const char *path, GError **error) {
        if (g_mkdir_with_parents(path, 0755) == 0 && g_access(path, W_OK | X_OK) == 0)
                return true;
        rv_error_set_errno(error, errno, "cannot use the directory %s (choose another with --data)", path);
        return false;
}

/* Channel files are the operator's: reading them is enough. */
static bool make_channels_dir(const char *path, GError **error) {
        if (g_mkdir_with_parents(path, 0755) == 0 && g_access(path, R_OK | X_OK) == 0)
                return true;
        rv_error_set_errno(error, errno, "cannot read the directory %s (choose another with --channels)", path);
        return false;
}

/* Beside the data if that is short enough, else in the user's runtime directory. */
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
static void sweep(const char *run_dir) {
        g_autoptr(GDir) dir = g_dir_open(run_dir, 0, NULL);
        const char *name;
        while (dir && (name = g_dir_read_name(dir))) {
                g_autofree char *path = g_build_filename(run_dir, name, NULL);
                if (g_str_has_suffix(name, ".control") || g_str_has_suffix(name, ".stream"))
                        (void)g_unlink(path);
        }
}

/* The lock goes with the process, however it ends. */
static bool lock(Places *places, const Config *config, GError **error) {
        g_autofree char *path = config_path(config, "lock");
        places->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
        if (places->lock_fd < 0) {
                rv_error_set_errno(error, errno, "cannot write in %s", config->data_dir);
                return false;
        }
        if (flock(places->lock_fd, LOCK_EX | LOCK_NB) == 0)
                return true;
        g_set_error(error, RV_ERROR, RV_ERROR_UNAVAILABLE,
                    "another retrovue uses %s: end it first, or choose another directory with --data",
                    config->data_dir);
        return false;
}

bool places_take(Places *places, const Config *config, GError **error) {
        *places = (Places){.store_path = config_path(config, "retrovue.db"),
                           .logs_dir = config_path(config, "logs"),
                           .spool_dir = config_path(config, "spool"),
                           .cache_dir = config_path(config, "cache"),
                           .lock_fd = -1};
        places->run_dir = choose_run_dir(config, error);
        if (!places->run_dir)
                return false;
        places->core_socket = g_build_filename(places->run_dir, "core.sock", NULL);
        places->ops_socket = g_build_filename(places->run_dir, OPS_SOCKET, NULL);
        if (!make_dir(config->data_dir, error) || !lock(places, config, error) ||
            !make_channels_dir(config->channels_dir, error) || !make_dir(places->logs_dir, error) ||
            !make_dir(places->spool_dir, error) || !make_dir(places->cache_dir, error) ||
            !make_dir(places->run_dir, error))
                return false;
        sweep(places->run_dir);
        return true;
}

void places_clear(Places *places) {
        if (places->lock_fd >= 0)
                close(places->lock_fd);
        g_free(places->store_path);
        g_free(places->logs_dir);
        g_free(places->spool_dir);
        g_free(places->cache_dir);
        g_free(places->run_dir);
        g_free(places->core_socket);
        g_free(places->ops_socket);
        *places = (Places){.lock_fd = -1};
}

char *places_ops_socket(const Config *config, GError **error) {
        g_autofree char *run_dir = choose_run_dir(config, error);
        return run_dir ? g_build_filename(run_dir, OPS_SOCKET, NULL) : NULL;
}
