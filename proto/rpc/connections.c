#include "proto/rpc/connections.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/base/error.h"
#include "proto/base/log.h"
#include "proto/base/thread.h"

/* More than any number of engines on one machine, each with the spools of a few before it; what is above is closed at
 * once. */
enum { MAX_CONNECTIONS = 4096, ACCEPT_PAUSE_MS = 100 };

struct RpcConnection {
        atomic_int refs;
        int fd;      /* ours */
        int core_fd; /* the core's, by which its calls name their peer */
};

struct RpcConnections {
        void (*accepted)(void *user, int take_fd);
        void *user;
        GArray *listeners; /* RpcListener */
        int epoll_fd;
        int stop_fd;
        RvThread *thread;
        bool paused; /* the accepting thread's: no descriptors left, listeners are not watched for a while */

        pthread_mutex_t lock; /* guards: */
        GHashTable *open;     /* our descriptor -> RpcConnection */
};

/* --- one connection -------------------------------------------------------------------------------------------- */

RpcConnection *rpc_connection_new(int fd) {
        int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
        if (own < 0)
                return NULL;
        RpcConnection *connection = g_new0(RpcConnection, 1);
        atomic_init(&connection->refs, 1);
        connection->fd = own;
        connection->core_fd = fd;
        return connection;
}

RpcConnection *rpc_connection_ref(RpcConnection *connection) {
        atomic_fetch_add(&connection->refs, 1);
        return connection;
}

void rpc_connection_unref(RpcConnection *connection) {
        if (!connection || atomic_fetch_sub(&connection->refs, 1) != 1)
                return;
        close(connection->fd);
        g_free(connection);
}

void rpc_connection_cut(RpcConnection *connection) {
        if (connection)
                (void)shutdown(connection->fd, SHUT_RDWR);
}

bool rpc_connection_alive(const RpcConnection *connection) {
        struct pollfd pollfd = {.fd = connection->fd};
        return poll(&pollfd, 1, 0) == 0;
}

/* --- those of a server ----------------------------------------------------------------------------------------- */

static void connection_free(void *connection) {
        rpc_connection_unref(connection);
}

static void listener_clear(void *listener) {
        rpc_listener_clear(listener);
}

RpcConnections *rpc_connections_new(void (*accepted)(void *user, int take_fd), void *user) {
        RpcConnections *connections = g_new0(RpcConnections, 1);
        connections->accepted = accepted;
        connections->user = user;
        connections->listeners = g_array_new(FALSE, FALSE, sizeof(RpcListener));
        g_array_set_clear_func(connections->listeners, listener_clear);
        connections->epoll_fd = -1;
        connections->stop_fd = -1;
        pthread_mutex_init(&connections->lock, NULL);
        connections->open = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, connection_free);
        return connections;
}

void rpc_connections_add_listener(RpcConnections *connections, RpcListener take_listener) {
        g_assert(!connections->thread);
        g_array_append_val(connections->listeners, take_listener);
}

static bool watch(RpcConnections *connections, int fd, uint32_t events) {
        struct epoll_event event = {.events = events, .data.fd = fd};
        return epoll_ctl(connections->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

static gboolean has_core_fd(gpointer key, gpointer value, gpointer core_fd) {
        const RpcConnection *connection = value;
        return connection->core_fd == GPOINTER_TO_INT(core_fd);
}

/* False: the connection cannot be kept track of and must not be served. A descriptor number that the system gives out
 * again belonged to a connection whose end we have not been told of yet. */
static bool keep_track(RpcConnections *connections, int core_fd) {
        RpcConnection *connection = rpc_connection_new(core_fd);
        if (!connection) {
                rv_warning("rpc.refused", RV_S("reason", "out_of_descriptors"));
                return false;
        }
        pthread_mutex_lock(&connections->lock);
        g_hash_table_foreach_remove(connections->open, has_core_fd, GINT_TO_POINTER(core_fd));
        bool room = g_hash_table_size(connections->open) < MAX_CONNECTIONS;
        bool kept = room && watch(connections, connection->fd, 0); /* 0: only its end */
        if (kept)
                g_hash_table_insert(connections->open, GINT_TO_POINTER(connection->fd), connection);
        pthread_mutex_unlock(&connections->lock);
        if (!kept) {
                rv_warning("rpc.refused", RV_S("reason", room ? "out_of_descriptors" : "too_many_connections"));
                rpc_connection_unref(connection);
        }
        return kept;
}

static void forget(RpcConnections *connections, int fd) {
        pthread_mutex_lock(&connections->lock);
        (void)epoll_ctl(connections->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
        g_hash_table_remove(connections->open, GINT_TO_POINTER(fd));
        pthread_mutex_unlock(&connections->lock);
}

static void watch_listeners(RpcConnections *connections, bool on) {
        for (guint i = 0; i < connections->listeners->len; i++) {
                int fd = g_array_index(connections->listeners, RpcListener, i).fd;
                struct epoll_event event = {.events = on ? EPOLLIN : 0, .data.fd = fd};
                (void)epoll_ctl(connections->epoll_fd, EPOLL_CTL_MOD, fd, &event);
        }
        connections->paused = !on;
}

static void accept_one(RpcConnections *connections, int listener) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0) {
                if (keep_track(connections, fd))
                        connections->accepted(connections->user, fd);
                else
                        close(fd);
                return;
        }
        if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
                return;
        /* No descriptors or no memory: the connection stays in the backlog, and trying at once would only spin. */
        rv_warning("rpc.accept_failed", RV_S("error", g_strerror(errno)));
        watch_listeners(connections, false);
}

static bool is_listener(RpcConnections *connections, int fd) {
        for (guint i = 0; i < connections->listeners->len; i++)
                if (g_array_index(connections->listeners, RpcListener, i).fd == fd)
                        return true;
        return false;
}

static void run(void *user) {
        RpcConnections *connections = user;
        while (true) {
                struct epoll_event event;
                int n = epoll_wait(connections->epoll_fd, &event, 1, connections->paused ? ACCEPT_PAUSE_MS : -1);
                if (n == 0)
                        watch_listeners(connections, true);
                if (n <= 0)
                        continue;
                if (event.data.fd == connections->stop_fd)
                        return;
                if (is_listener(connections, event.data.fd))
                        accept_one(connections, event.data.fd);
                else
                        forget(connections, event.data.fd);
        }
}

static bool open_watches(RpcConnections *connections, GError **error) {
        connections->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
        connections->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        bool ok = connections->epoll_fd >= 0 && connections->stop_fd >= 0 &&
                  watch(connections, connections->stop_fd, EPOLLIN);
        for (guint i = 0; ok && i < connections->listeners->len; i++)
                ok = watch(connections, g_array_index(connections->listeners, RpcListener, i).fd, EPOLLIN);
        if (!ok)
                rv_error_set_errno(error, errno, "cannot wait for connections");
        return ok;
}

bool rpc_connections_start(RpcConnections *connections, GError **error) {
        g_assert(!connections->thread);
        if (!open_watches(connections, error))
                return false;
        connections->thread = rv_thread_start("rpc-accept", RV_PRIORITY_NORMAL, run, connections, error);
        return connections->thread != NULL;
}

void rpc_connections_stop(RpcConnections *connections) {
        if (connections->thread) {
                (void)eventfd_write(connections->stop_fd, 1);
                rv_thread_join(g_steal_pointer(&connections->thread));
        }
        g_array_set_size(connections->listeners, 0);
}

void rpc_connections_free(RpcConnections *connections) {
        if (!connections)
                return;
        g_assert(!connections->thread);
        g_array_unref(connections->listeners);
        g_hash_table_unref(connections->open);
        if (connections->stop_fd >= 0)
                close(connections->stop_fd);
        if (connections->epoll_fd >= 0)
                close(connections->epoll_fd);
        pthread_mutex_destroy(&connections->lock);
        g_free(connections);
}

unsigned rpc_connections_count(RpcConnections *connections) {
        pthread_mutex_lock(&connections->lock);
        unsigned count = g_hash_table_size(connections->open);
        pthread_mutex_unlock(&connections->lock);
        return count;
}

RpcConnection *rpc_connections_find(RpcConnections *connections, int core_fd) {
        pthread_mutex_lock(&connections->lock);
        RpcConnection *found = g_hash_table_find(connections->open, has_core_fd, GINT_TO_POINTER(core_fd));
        if (found)
                rpc_connection_ref(found);
        pthread_mutex_unlock(&connections->lock);
        return found;
}

void rpc_connections_cut_all(RpcConnections *connections) {
        pthread_mutex_lock(&connections->lock);
        GHashTableIter iter;
        gpointer connection;
        g_hash_table_iter_init(&iter, connections->open);
        while (g_hash_table_iter_next(&iter, NULL, &connection))
                rpc_connection_cut(connection);
        pthread_mutex_unlock(&connections->lock);
}
