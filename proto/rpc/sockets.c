#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "proto/base/clock.h"
#include "proto/base/error.h"
#include "proto/rpc/connections.h"
#include "proto/rpc/message.h"

enum { BACKLOG = 1024, CONNECT_RETRY_NS = 5000000 };

static bool address_from_path(const char *path, struct sockaddr_un *ret_address, GError **error) {
        size_t length = strlen(path);
        if (length == 0 || length >= sizeof ret_address->sun_path) {
                g_set_error(error, RV_ERROR, RV_ERROR_INVALID, "%s: the path of a socket has 1 to %zu bytes", path,
                            sizeof ret_address->sun_path - 1);
                return false;
        }
        *ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
        memcpy(ret_address->sun_path, path, length);
        return true;
}

static int socket_new(void) {
        return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

/* 0, or errno. A unix socket connects at once or not at all. */
static int connect_once(int fd, const struct sockaddr_un *address) {
        int result;
        do
                result = connect(fd, (const struct sockaddr *)address, sizeof *address);
        while (result != 0 && errno == EINTR);
        return result == 0 ? 0 : errno;
}

/* --- listening ------------------------------------------------------------------------------------------------- */

/* Those who make or remove sockets in a directory do it one at a time. Close the descriptor to let the next one in. */
static int lock_directory_of(const char *path, GError **error) {
        g_autofree char *directory = g_path_get_dirname(path);
        int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0) {
                rv_error_set_errno(error, errno, "cannot open %s", directory);
                return -1;
        }
        int result;
        do
                result = flock(fd, LOCK_EX);
        while (result != 0 && errno == EINTR);
        if (result != 0) {
                rv_error_set_errno(error, errno, "cannot lock %s", directory);
                close(fd);
                return -1;
        }
        return fd;
}

/* Leaves the path free to bind, or says why it must not be touched. */
static bool clear_path(const char *path, const struct sockaddr_un *address, GError **error) {
        struct stat st;
        if (lstat(path, &st) != 0) {
                if (errno == ENOENT)
                        return true;
                rv_error_set_errno(error, errno, "cannot look at %s", path);
                return false;
        }
        if (!S_ISSOCK(st.st_mode)) {
                g_set_error(error, RV_ERROR, RV_ERROR_INVALID, "%s exists and is not a socket", path);
                return false;
        }
        int probe = socket_new();
        int result = probe < 0 ? errno : connect_once(probe, address);
        if (probe >= 0)
                close(probe);
        if (result != ECONNREFUSED) { /* INV-RPC-004 */
                g_set_error(error, RV_ERROR, RV_ERROR_UNAVAILABLE, "%s is in use by another process", path);
                return false;
        }
        if (unlink(path) != 0) {
                rv_error_set_errno(error, errno, "cannot remove the dead socket %s", path);
                return false;
        }
        return true;
}

/* The mode is set before anybody can connect, so that there is no moment at which others may. */
static bool bind_and_listen(int fd, const char *path, const struct sockaddr_un *address, unsigned mode,
                            GError **error) {
        if (bind(fd, (const struct sockaddr *)address, sizeof *address) != 0) {
                rv_error_set_errno(error, errno, "cannot make the socket %s", path);
                return false;
        }
        if (chmod(path, mode) != 0 || listen(fd, BACKLOG) != 0) {
                rv_error_set_errno(error, errno, "cannot listen on %s", path);
                (void)unlink(path);
                return false;
        }
        return true;
}

bool rpc_listener_open(const char *path, unsigned mode, RpcListener *ret_listener, GError **error) {
        struct sockaddr_un address;
        if (!address_from_path(path, &address, error))
                return false;
        int lock = lock_directory_of(path, error);
        if (lock < 0)
                return false;
        int fd = socket_new();
        if (fd < 0)
                rv_error_set_errno(error, errno, "cannot make a socket");
        bool ok = fd >= 0 && clear_path(path, &address, error) && bind_and_listen(fd, path, &address, mode, error);
        struct stat st = {0};
        if (ok && lstat(path, &st) == 0)
                *ret_listener =
                        (RpcListener){.fd = fd, .path = g_strdup(path), .device = st.st_dev, .inode = st.st_ino};
        else if (fd >= 0)
                close(fd);
        close(lock);
        return ok;
}

bool rpc_listener_adopt(int take_fd, RpcListener *ret_listener, GError **error) {
        int listening = 0;
        socklen_t size = sizeof listening;
        if (getsockopt(take_fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0 || !listening) {
                g_set_error(error, RV_ERROR, RV_ERROR_INVALID, "descriptor %d is not a listening socket", take_fd);
                if (take_fd >= 0)
                        close(take_fd);
                return false;
        }
        int flags = fcntl(take_fd, F_GETFL);
        if (flags < 0 || fcntl(take_fd, F_SETFL, flags | O_NONBLOCK) != 0 || fcntl(take_fd, F_SETFD, FD_CLOEXEC) != 0) {
                rv_error_set_errno(error, errno, "cannot set up descriptor %d", take_fd);
                close(take_fd);
                return false;
        }
        *ret_listener = (RpcListener){.fd = take_fd};
        return true;
}

void rpc_listener_clear(RpcListener *listener) {
        if (listener->path) {
                int lock = lock_directory_of(listener->path, NULL);
                struct stat st;
                if (lstat(listener->path, &st) == 0 && st.st_dev == listener->device && st.st_ino == listener->inode)
                        (void)unlink(listener->path);
                if (lock >= 0)
                        close(lock);
        }
        close(listener->fd);
        g_clear_pointer(&listener->path, g_free);
        listener->fd = -1;
}

/* --- connecting ------------------------------------------------------------------------------------------------ */

/* Nobody there yet, nobody there any more, or too many there already: all may change. */
static bool worth_another_try(int errnum) {
        return errnum == ENOENT || errnum == ECONNREFUSED || errnum == EAGAIN;
}

int rpc_socket_connect(const char *path, int timeout_ms, GError **error) {
        struct sockaddr_un address;
        if (!address_from_path(path, &address, error))
                return -1;
        RpcDeadline deadline = rpc_deadline_in(MAX(timeout_ms, 0));
        while (true) {
                int fd = socket_new();
                int result = fd < 0 ? errno : connect_once(fd, &address);
                if (result == 0)
                        return fd;
                if (fd >= 0)
                        close(fd);
                if (!worth_another_try(result)) {
                        rv_error_set_errno(error, result, "cannot connect to %s", path);
                        return -1;
                }
                if (rpc_deadline_passed(deadline)) {
                        g_set_error(error, RV_ERROR, RV_ERROR_UNAVAILABLE, "nobody answers at %s after %d ms: %s", path,
                                    timeout_ms, g_strerror(result));
                        return -1;
                }
                RvClock *clock = rv_clock_system();
                rv_clock_sleep_until_mono_ns(clock, rv_clock_mono_ns(clock) + CONNECT_RETRY_NS);
        }
}
