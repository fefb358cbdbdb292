#include "core/play/intake/intake.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "proto/base/error.h"
#include "proto/base/log.h"
#include "proto/base/thread.h"

#define READ_BYTES (64 * 1024)
/* A process without a descriptor to spare tries again so much later. */
#define ACCEPT_RETRY_MS 200

struct Intake {
        char *socket_path;
        RvClock *clock;
        IntakeParser *parser; /* the intake's thread only */
        RvThread *thread;
        int listen_fd, stop_fd;

        pthread_mutex_t lock; /* guards stats */
        IntakeStats stats;
};

static int listen_on(const char *path, GError **error) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        if (strlen(path) >= sizeof address.sun_path) {
                g_set_error(error, RV_ERROR, RV_ERROR_LIMIT, "socket path is longer than %zu bytes: %s",
                            sizeof address.sun_path - 1, path);
                return -1;
        }
        memcpy(address.sun_path, path, strlen(path) + 1);
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0) {
                rv_error_set_errno(error, errno, "cannot make a socket");
                return -1;
        }
        (void)unlink(path); /* ours: the name carries the session's id */
        /* Nobody can connect between bind and listen, so the mode is right before anybody can. */
        bool bound = bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && chmod(path, 0600) == 0 &&
                     listen(fd, 4) == 0;
        int errnum = errno;
        if (!bound) {
                rv_error_set_errno(error, errnum, "cannot listen on %s", path);
                close(fd);
                (void)unlink(path);
                return -1;
        }
        return fd;
}

static void note_bytes(Intake *intake, size_t n) {
        pthread_mutex_lock(&intake->lock);
        intake->stats.bytes += n;
        intake->stats.syncs_lost = intake_parser_syncs_lost(intake->parser);
        intake->stats.last_bytes_mono_ns = rv_clock_mono_ns(intake->clock);
        pthread_mutex_unlock(&intake->lock);
}

static void note_connected(Intake *intake, bool connected) {
        pthread_mutex_lock(&intake->lock);
        intake->stats.connected = connected;
        pthread_mutex_unlock(&intake->lock);
}

/* Waits for fd (-1 = for nothing but the time out); false when asked to stop. */
static bool wait_for(Intake *intake, int fd, int timeout_ms) {
        struct pollfd fds[] = {{.fd = intake->stop_fd, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
        return (poll(fds, G_N_ELEMENTS(fds), timeout_ms) >= 0 || errno == EINTR) && !fds[0].revents;
}

/* The next connection; -1 when asked to stop. */
static int accept_engine(Intake *intake) {
        while (wait_for(intake, intake->listen_fd, -1)) {
                int fd = accept4(intake->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
                if (fd >= 0)
                        return fd;
                if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
                        continue;
                rv_warning("intake.not_accepted", RV_S("error", g_strerror(errno)));
                if (!wait_for(intake, -1, ACCEPT_RETRY_MS))
                        break;
        }
        return -1;
}

/* Reads until the engine closes (true) or we are asked to stop (false). */
static bool read_engine(Intake *intake, int fd, uint8_t *buffer) {
        while (wait_for(intake, fd, -1)) {
                ssize_t n = read(fd, buffer, READ_BYTES);
                if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
                        return true;
                if (n > 0) {
                        intake_parser_push(intake->parser, buffer, (size_t)n);
                        note_bytes(intake, (size_t)n);
                }
        }
        return false;
}

static void run(void *user) {
        Intake *intake = user;
        g_autofree uint8_t *buffer = g_malloc(READ_BYTES);
        bool go_on = true;
        while (go_on) {
                int fd = accept_engine(intake);
                if (fd < 0)
                        break;
                note_connected(intake, true);
                go_on = read_engine(intake, fd, buffer);
                intake_parser_cut(intake->parser);
                note_connected(intake, false); /* INV-INTAKE-005: another may come, the sinks' stream is not over */
                close(fd);
        }
        intake_parser_end(intake->parser);
}

Intake *intake_start(const char *socket_path, RvRational rate, const IntakeSink *sinks, unsigned n_sinks,
                     RvClock *clock, GError **error) {
        int fd = listen_on(socket_path, error);
        if (fd < 0)
                return NULL;
        Intake *intake = g_new0(Intake, 1);
        intake->socket_path = g_strdup(socket_path);
        intake->clock = clock;
        intake->parser = intake_parser_new(rate, sinks, n_sinks);
        intake->listen_fd = fd;
        intake->stop_fd = eventfd(0, EFD_CLOEXEC);
        intake->stats.last_bytes_mono_ns = rv_clock_mono_ns(clock);
        pthread_mutex_init(&intake->lock, NULL);
        if (intake->stop_fd < 0)
                rv_error_set_errno(error, errno, "cannot make an eventfd");
        else
                intake->thread = rv_thread_start("intake", RV_PRIORITY_NORMAL, run, intake, error);
        if (!intake->thread) {
                intake_stop(intake);
                return NULL;
        }
        return intake;
}

IntakeStats intake_stats(Intake *intake) {
        pthread_mutex_lock(&intake->lock);
        IntakeStats stats = intake->stats;
        pthread_mutex_unlock(&intake->lock);
        return stats;
}

void intake_stop(Intake *intake) {
        if (!intake)
                return;
        if (intake->stop_fd >= 0) {
                uint64_t one = 1;
                if (write(intake->stop_fd, &one, sizeof one) < 0)
                        rv_warning("intake.stop_unheard", RV_S("error", g_strerror(errno)));
                rv_thread_join(intake->thread);
                close(intake->stop_fd);
        }
        close(intake->listen_fd);
        (void)unlink(intake->socket_path);
        intake_parser_free(intake->parser);
        pthread_mutex_destroy(&intake->lock);
        g_free(intake->socket_path);
        g_free(intake);
}
