#include "core/base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

#include "proto/base/error.h"

static int spawn(pid_t *ret_pid, const char *program, char *const arguments[], int fd) {
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attributes;
        sigset_t none, defaults;
        sigemptyset(&none);
        sigemptyset(&defaults);
        sigaddset(&defaults, SIGPIPE);
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, fd, PROCESS_FD);
        posix_spawn_file_actions_addclosefrom_np(&actions, PROCESS_FD + 1);
        posix_spawnattr_init(&attributes);
        posix_spawnattr_setsigmask(&attributes, &none);
        posix_spawnattr_setsigdefault(&attributes, &defaults);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
        const int errnum = posix_spawn(ret_pid, program, &actions, &attributes, arguments, environ);
        posix_spawnattr_destroy(&attributes);
        posix_spawn_file_actions_destroy(&actions);
        return errnum;
}

/* dup2 onto itself would keep close-on-exec: what is handed over must never have that number here. */
pid_t process_start(const char *program, char *const arguments[], int fd, GError **error) {
        pid_t pid = 0;
        const int moved = fd == PROCESS_FD ? fcntl(fd, F_DUPFD_CLOEXEC, PROCESS_FD + 1) : fd;
        const int errnum = moved < 0 ? errno : spawn(&pid, program, arguments, moved);
        if (moved >= 0 && moved != fd)
                close(moved);
        if (errnum == 0)
                return pid;
        rv_error_set_errno(error, errnum, "cannot start %s", program);
        return 0;
}
