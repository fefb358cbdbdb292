#include "air/output/sender.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "proto/base/clock.h"
#include "proto/base/error.h"
#include "proto/base/log.h"
#include "proto/base/thread.h"

/* The writer looks so often at least, so that a wake-up that was lost costs no more. */
#define LOOK_MS 200
/* What the kernel will hold for the reader, if it allows so much: spares us most stalls altogether. */
#define SOCKET_BUFFER_BYTES (4 << 20)

typedef struct {
        uint8_t *data;
        size_t size, sent;
} Unit;

typedef enum {
        READER_NONE,    /* units are let go */
        READER_WAITING, /* new: gets nothing before a random access point */
        READER_SENDING,
        READER_DROPPING, /* too slow: units are dropped up to a random access point that finds half of the ring empty */
} ReaderState;

struct Sender {
        size_t ring_bytes;
        int wake_fd; /* eventfd: the writer should look again */
        RvThread *writer;

        pthread_mutex_t lock;
        pthread_cond_t emptied; /* the ring became empty or the reader left */
        /* Protected by lock, which is held across non-blocking socket calls only. */
        ReaderState state;
        int fd;          /* of the reader; -1 without one */
        GArray *retired; /* fds of replaced readers: only the writer closes, because it may be polling them */
        GQueue units;
        size_t queued_bytes;
        SenderStats stats;
        uint64_t dropped_in_a_row; /* bytes of the loss going on */
        uint64_t dropped_to_tell;  /* bytes of a loss that is over, for the log */
        bool gone_to_tell, quit;
};

static void unit_free(Unit *unit) {
        g_free(unit->data);
        g_free(unit);
}

static void wake(Sender *sender) {
        const uint64_t one = 1;
        while (write(sender->wake_fd, &one, sizeof(one)) < 0 && errno == EINTR)
                ;
}

static void count_dropped(Sender *sender, size_t size) {
        sender->stats.bytes_dropped += size;
        sender->dropped_in_a_row += size;
}

/* Locked. Returns how many bytes had not been sent. */
static size_t clear_ring(Sender *sender) {
        size_t unsent = 0;
        Unit *unit;
        while ((unit = g_queue_pop_head(&sender->units))) {
                unsent += unit->size - unit->sent;
                unit_free(unit);
        }
        sender->queued_bytes = 0;
        pthread_cond_broadcast(&sender->emptied);
        return unsent;
}

/* Locked. Ends what there was; the reader sees the end of the stream now, the descriptor is closed by the writer. */
static void set_reader(Sender *sender, int fd) {
        if (sender->fd >= 0) {
                (void)shutdown(sender->fd, SHUT_RDWR);
                g_array_append_val(sender->retired, sender->fd);
                sender->stats.bytes_dropped += clear_ring(sender);
        }
        sender->fd = fd;
        sender->state = fd >= 0 ? READER_WAITING : READER_NONE;
        sender->dropped_in_a_row = 0;
        wake(sender);
}

/* Locked. Sends until the socket is full or the ring empty; false when the reader is gone. */
static bool send_queued(Sender *sender) {
        Unit *unit;
        while ((unit = g_queue_peek_head(&sender->units))) {
                const ssize_t n =
                        send(sender->fd, unit->data + unit->sent, unit->size - unit->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return errno == EAGAIN || errno == EWOULDBLOCK;
                sender->stats.bytes_sent += (uint64_t)n;
                unit->sent += (size_t)n;
                if (unit->sent < unit->size)
                        continue;
                sender->queued_bytes -= unit->size;
                unit_free(g_queue_pop_head(&sender->units));
        }
        pthread_cond_broadcast(&sender->emptied);
        return true;
}

/* Locked. */
static void close_retired(Sender *sender) {
        for (guint i = 0; i < sender->retired->len; i++)
                close(g_array_index(sender->retired, int, i));
        g_array_set_size(sender->retired, 0);
}

/* The streaming thread must not wait for whoever reads the log: the writer tells. */
static void tell(Sender *sender) {
        pthread_mutex_lock(&sender->lock);
        const uint64_t dropped = sender->dropped_to_tell;
        const bool gone = sender->gone_to_tell;
        sender->dropped_to_tell = 0;
        sender->gone_to_tell = false;
        pthread_mutex_unlock(&sender->lock);
        if (dropped > 0)
                rv_warning("output.dropped", RV_I("bytes", (int64_t)dropped));
        if (gone)
                rv_info("output.reader_gone");
}

/* One look at the socket. False when the sender is being freed. */
static bool serve(Sender *sender, const struct pollfd *polled, struct pollfd *ret_next) {
        pthread_mutex_lock(&sender->lock);
        const bool hung_up = polled->fd == sender->fd && (polled->revents & (POLLHUP | POLLERR | POLLNVAL));
        if (sender->fd >= 0 && (hung_up || !send_queued(sender))) {
                set_reader(sender, -1); /* INV-SINK-NO-IMPLICIT-EOF: only this reader's stream ends */
                sender->gone_to_tell = true;
        }
        close_retired(sender);
        *ret_next = (struct pollfd){.fd = sender->fd, .events = sender->units.length > 0 ? POLLOUT : 0};
        const bool going_on = !sender->quit;
        pthread_mutex_unlock(&sender->lock);
        return going_on;
}

static void run_writer(void *user) {
        Sender *sender = user;
        struct pollfd fds[2] = {{.fd = sender->wake_fd, .events = POLLIN}, {.fd = -1}};
        while (serve(sender, &fds[1], &fds[1])) {
                tell(sender);
                if (poll(fds, G_N_ELEMENTS(fds), LOOK_MS) < 0)
                        fds[0].revents = fds[1].revents = 0;
                uint64_t count;
                if (fds[0].revents & POLLIN)
                        (void)!read(sender->wake_fd, &count, sizeof(count));
        }
}

Sender *sender_new(size_t ring_bytes, GError **error) {
        const int wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (wake_fd < 0) {
                rv_error_set_errno(error, errno, "cannot make an eventfd");
                return NULL;
        }
        Sender *sender = g_new0(Sender, 1);
        sender->ring_bytes = ring_bytes;
        sender->wake_fd = wake_fd;
        sender->fd = -1;
        sender->retired = g_array_new(FALSE, FALSE, sizeof(int));
        g_queue_init(&sender->units);
        g_assert(pthread_mutex_init(&sender->lock, NULL) == 0);
        pthread_condattr_t monotonic;
        g_assert(pthread_condattr_init(&monotonic) == 0);
        g_assert(pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC) == 0);
        g_assert(pthread_cond_init(&sender->emptied, &monotonic) == 0);
        pthread_condattr_destroy(&monotonic);
        sender->writer = rv_thread_start("ts-writer", RV_PRIORITY_NORMAL, run_writer, sender, error);
        if (!sender->writer)
                g_clear_pointer(&sender, sender_free);
        return sender;
}

void sender_free(Sender *sender) {
        if (!sender)
                return;
        pthread_mutex_lock(&sender->lock);
        sender->quit = true;
        set_reader(sender, -1);
        pthread_mutex_unlock(&sender->lock);
        rv_thread_join(sender->writer);
        close_retired(sender);
        g_array_unref(sender->retired);
        pthread_cond_destroy(&sender->emptied);
        pthread_mutex_destroy(&sender->lock);
        close(sender->wake_fd);
        g_free(sender);
}

/* INV-SOCKET-NONBLOCK: connecting neither waits for a busy listener nor does sending for a slow reader. */
static int connect_to(const char *path, GError **error) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        if (strlen(path) >= sizeof(address.sun_path)) {
                g_set_error(error, RV_ERROR, RV_ERROR_INVALID, "socket path is longer than %zu bytes: %s",
                            sizeof(address.sun_path) - 1, path);
                return -1;
        }
        memcpy(address.sun_path, path, strlen(path));
        const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0) {
                rv_error_set_errno(error, errno, "cannot make a socket");
                return -1;
        }
        const int size = SOCKET_BUFFER_BYTES;
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
        if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
                g_set_error(error, RV_ERROR, RV_ERROR_UNAVAILABLE, "cannot connect to %s: %s", path, g_strerror(errno));
                close(fd);
                return -1;
        }
        return fd;
}

bool sender_attach(Sender *sender, const char *socket_path, GError **error) {
        const int fd = connect_to(socket_path, error);
        if (fd < 0)
                return false;
        pthread_mutex_lock(&sender->lock);
        set_reader(sender, fd);
        pthread_mutex_unlock(&sender->lock);
        return true;
}

void sender_detach(Sender *sender) {
        pthread_mutex_lock(&sender->lock);
        set_reader(sender, -1);
        pthread_mutex_unlock(&sender->lock);
}

/* Locked: does this unit go into the ring? Changes of state happen here, between units, never within one. */
static bool admit(Sender *sender, size_t size, MuxUnitKind kind) {
        const bool overflows = sender->queued_bytes > 0 && sender->queued_bytes + size > sender->ring_bytes;
        switch (sender->state) {
        case READER_NONE:
                return false;
        case READER_WAITING:
                if (kind != MUX_RANDOM_ACCESS) /* INV-AIR-IDR-BEFORE-OUTPUT */
                        return false;
                sender->state = READER_SENDING;
                return true;
        case READER_DROPPING:
                if (kind != MUX_RANDOM_ACCESS || overflows || sender->queued_bytes > sender->ring_bytes / 2) {
                        count_dropped(sender, size);
                        return false;
                }
                sender->state = READER_SENDING;
                sender->dropped_to_tell += sender->dropped_in_a_row;
                sender->dropped_in_a_row = 0;
                return true;
        case READER_SENDING:
                if (!overflows)
                        return true;
                sender->state = READER_DROPPING; /* INV-NETWORK-BACKPRESSURE-DROP */
                count_dropped(sender, size);
                return false;
        }
        g_assert_not_reached();
}

/* Locked. Mostly the socket takes everything, and nobody needs to be woken for that. */
static bool sent_at_once(Sender *sender) {
        const bool idle = sender->units.length == 1 && sender->dropped_to_tell == 0;
        return idle && send_queued(sender) && sender->units.length == 0;
}

void sender_put(Sender *sender, uint8_t *take_data, size_t size, MuxUnitKind kind) {
        pthread_mutex_lock(&sender->lock);
        const bool admitted = admit(sender, size, kind);
        if (admitted) {
                Unit *unit = g_new(Unit, 1);
                *unit = (Unit){.data = take_data, .size = size};
                g_queue_push_tail(&sender->units, unit);
                sender->queued_bytes += size;
                if (!sent_at_once(sender))
                        wake(sender);
        }
        pthread_mutex_unlock(&sender->lock);
        if (!admitted)
                g_free(take_data);
}

void sender_drain(Sender *sender, int64_t until_mono_ns) {
        const struct timespec until = {.tv_sec = until_mono_ns / 1000000000, .tv_nsec = until_mono_ns % 1000000000};
        pthread_mutex_lock(&sender->lock);
        int result = 0;
        while (sender->units.length > 0 && result != ETIMEDOUT)
                result = pthread_cond_timedwait(&sender->emptied, &sender->lock, &until);
        pthread_mutex_unlock(&sender->lock);
}

bool sender_is_behind(Sender *sender) {
        pthread_mutex_lock(&sender->lock);
        const bool is_behind = sender->queued_bytes > sender->ring_bytes / 2;
        pthread_mutex_unlock(&sender->lock);
        return is_behind;
}

SenderStats sender_stats(Sender *sender) {
        pthread_mutex_lock(&sender->lock);
        SenderStats stats = sender->stats;
        stats.connected = sender->fd >= 0;
        pthread_mutex_unlock(&sender->lock);
        return stats;
}
