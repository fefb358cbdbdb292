/* Against clients that hold a connection with half a request: headers are complete within a time, or the connection is
 * shut. libmicrohttpd's own time-out starts anew with every byte. */
#include <sys/socket.h>

#include "core/serve/http/http_private.h"

/* For the headers of a request, from the connection's beginning or the end of the request before. */
#define HEADERS_MS (HTTP_IDLE_TIMEOUT_S * 1000 + 10000)

struct Pace {
        RvClock *clock;
        pthread_mutex_t lock; /* guards everything below, and that descriptors in the list are open */
        GQueue connections;
};

typedef struct {
        GList link;
        int fd;
        bool expecting; /* headers */
        int64_t since_mono_ns;
} PacedConnection;

Pace *pace_new(RvClock *clock) {
        Pace *pace = g_new0(Pace, 1);
        pace->clock = clock;
        pthread_mutex_init(&pace->lock, NULL);
        return pace;
}

void pace_free(Pace *pace) {
        if (!pace)
                return;
        g_assert(g_queue_is_empty(&pace->connections));
        pthread_mutex_destroy(&pace->lock);
        g_free(pace);
}

static void add_connection(Pace *pace, struct MHD_Connection *connection, void **state) {
        const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        PacedConnection *paced = g_new0(PacedConnection, 1);
        paced->link.data = paced;
        paced->fd = info->connect_fd;
        paced->expecting = true;
        paced->since_mono_ns = rv_clock_mono_ns(pace->clock);
        pthread_mutex_lock(&pace->lock);
        g_queue_push_tail_link(&pace->connections, &paced->link);
        pthread_mutex_unlock(&pace->lock);
        *state = paced;
}

void pace_on_connection(void *user, struct MHD_Connection *connection, void **state,
                        enum MHD_ConnectionNotificationCode code) {
        Pace *pace = user;
        if (code == MHD_CONNECTION_NOTIFY_STARTED) {
                add_connection(pace, connection, state);
        } else if (*state) {
                PacedConnection *paced = *state;
                pthread_mutex_lock(&pace->lock);
                g_queue_unlink(&pace->connections, &paced->link);
                pthread_mutex_unlock(&pace->lock);
                g_free(paced);
                *state = NULL;
        }
}

void pace_expect(Pace *pace, struct MHD_Connection *connection, bool headers) {
        const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
        PacedConnection *paced = info ? info->socket_context : NULL;
        if (!paced)
                return;
        pthread_mutex_lock(&pace->lock);
        paced->expecting = headers;
        paced->since_mono_ns = rv_clock_mono_ns(pace->clock);
        pthread_mutex_unlock(&pace->lock);
}

/* INV-HTTP-004 */
unsigned pace_check(Pace *pace) {
        unsigned n_shut = 0;
        pthread_mutex_lock(&pace->lock);
        int64_t too_old = rv_clock_mono_ns(pace->clock) - HEADERS_MS * INT64_C(1000000);
        for (GList *l = pace->connections.head; l; l = l->next) {
                PacedConnection *paced = l->data;
                if (!paced->expecting || paced->since_mono_ns > too_old)
                        continue;
                (void)shutdown(paced->fd, SHUT_RDWR); /* its worker sees the end and closes it */
                paced->expecting = false;
                n_shut++;
        }
        pthread_mutex_unlock(&pace->lock);
        return n_shut;
}
