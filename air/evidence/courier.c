#include "air/evidence/courier.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "proto/base/error.h"
#include "proto/base/id.h"
#include "proto/base/log.h"
#include "proto/base/thread.h"
#include "proto/evidence.pb-c.h"
#include "proto/evidence/evidence.h"
#include "proto/rpc/rpc.h"

#define WINDOW 64 /* events sent and not acknowledged, at most */
#define CONNECT_MS 200
#define RETRY_MS 500
#define ACK_MS 10000 /* core is deaf when it owes an acknowledgement for so long */

typedef Retrovue__Evidence__V1__EvidenceAck Ack;

typedef struct {
        int64_t sequence;
        GBytes *event;
} Fresh;

struct Courier {
        /* Constant. */
        char *endpoint, *channel_id, *session_id;
        RvClock *clock;
        bool ends_when_empty;
        int wake_fd;     /* for the thread, when it is in no call */
        int progress_fd; /* for courier_flush */
        RvThread *thread;

        pthread_mutex_t lock; /* guards: */
        GQueue fresh;         /* Fresh; put, not yet in the spool */
        int64_t put, acked;
        size_t held_bytes;
        bool connected, stopping;
        RpcClient *client; /* to be shut by courier_free */
        RpcCall *call;     /* to be woken by courier_put */

        struct {
                Spool *spool;
                int64_t sent;   /* on this connection */
                bool unspooled; /* announced */
        } own;                  /* the thread's */
};

static bool is_stopping(Courier *courier) {
        pthread_mutex_lock(&courier->lock);
        const bool stopping = courier->stopping;
        pthread_mutex_unlock(&courier->lock);
        return stopping;
}

static bool is_done(const Courier *courier) {
        return courier->ends_when_empty && spool_first(courier->own.spool) > spool_last(courier->own.spool);
}

/* --- into the spool --- */

static void tell_durability(Courier *courier, bool durable) {
        if (durable == !courier->own.unspooled)
                return;
        courier->own.unspooled = !durable;
        if (durable)
                rv_info("evidence.spool_recovered", RV_S("session", courier->session_id));
        else
                rv_error("evidence.spool_failed", RV_S("session", courier->session_id),
                         RV_S("detail", "events are kept in memory only; they are lost if this engine dies"));
}

static Fresh *take_one_fresh(Courier *courier) {
        pthread_mutex_lock(&courier->lock);
        Fresh *fresh = g_queue_pop_head(&courier->fresh);
        pthread_mutex_unlock(&courier->lock);
        return fresh;
}

static void spool_fresh(Courier *courier) {
        bool any = false;
        for (Fresh *fresh; (fresh = take_one_fresh(courier)); any = true) {
                (void)spool_append(courier->own.spool, fresh->sequence, fresh->event);
                g_free(fresh);
        }
        if (any)
                tell_durability(courier, spool_sync(courier->own.spool));
}

/* --- one connection --- */

static bool say_hello(Courier *courier, RpcCall *call) {
        const Spool *spool = courier->own.spool;
        const bool empty = spool_first(spool) > spool_last(spool);
        char uuid[RV_UUID_SIZE];
        rv_uuid_random(uuid);
        g_autoptr(EvidenceEvent) hello = evidence_event_new(EVIDENCE_HELLO);
        hello->channel_id = g_strdup(courier->channel_id);
        hello->session_id = g_strdup(courier->session_id);
        hello->event_uuid = g_strdup(uuid);
        hello->emitted_utc_ms = rv_clock_utc_ms(courier->clock);
        hello->first_sequence_available = empty ? 0 : spool_first(spool);
        hello->last_sequence_emitted = spool_last(spool);
        Retrovue__Evidence__V1__EvidenceFromAir *message = evidence_event_to_message(hello);
        const bool ok = rpc_write(call, message);
        evidence_message_free(message);
        return ok;
}

static bool send_one(Courier *courier, RpcCall *call, int64_t sequence) {
        gsize size;
        const void *data = g_bytes_get_data(spool_get(courier->own.spool, sequence), &size);
        Retrovue__Evidence__V1__EvidenceFromAir *message =
                retrovue__evidence__v1__evidence_from_air__unpack(NULL, size, data);
        if (!message) {
                rv_error("evidence.unreadable", RV_S("session", courier->session_id), RV_I("sequence", sequence));
                return false;
        }
        const bool ok = rpc_write(call, message);
        retrovue__evidence__v1__evidence_from_air__free_unpacked(message, NULL);
        return ok;
}

/* False: the connection is over. */
static bool send_window(Courier *courier, RpcCall *call) {
        const Spool *spool = courier->own.spool;
        while (courier->own.sent < spool_last(spool) && courier->own.sent - spool_first(spool) + 1 < WINDOW) {
                if (!send_one(courier, call, courier->own.sent + 1))
                        return false;
                courier->own.sent++;
        }
        return true;
}

static void note_acked(Courier *courier, int64_t sequence, size_t freed_bytes) {
        pthread_mutex_lock(&courier->lock);
        courier->acked = MAX(courier->acked, sequence);
        courier->held_bytes -= MIN(freed_bytes, courier->held_bytes);
        pthread_mutex_unlock(&courier->lock);
        (void)eventfd_write(courier->progress_fd, 1);
}

/* Core has everything up to here. More than was ever made is a fault of core's: it is not believed. */
static void acknowledge(Courier *courier, int64_t sequence) {
        Spool *spool = courier->own.spool;
        if (sequence > spool_last(spool)) {
                rv_error("evidence.bad_ack", RV_S("session", courier->session_id), RV_I("acked", sequence),
                         RV_I("last", spool_last(spool)));
                return;
        }
        size_t freed_bytes = 0;
        for (int64_t s = spool_first(spool); s <= sequence; s++)
                freed_bytes += g_bytes_get_size(spool_get(spool, s));
        spool_acknowledge(spool, sequence);
        courier->own.sent = MAX(courier->own.sent, sequence);
        note_acked(courier, sequence, freed_bytes);
}

/* False: the connection is over. */
static bool read_ack(Courier *courier, RpcCall *call) {
        Ack *ack = rpc_read(call);
        if (!ack)
                return false;
        if (strcmp(ack->playout_session_id, courier->session_id) == 0)
                acknowledge(courier, ack->acked_sequence);
        else
                rv_warning("evidence.foreign_ack", RV_S("session", courier->session_id),
                           RV_S("acked", ack->playout_session_id));
        rpc_message_free(ack);
        return true;
}

/* Core's answer to hello says where to go on: everything above is sent again, nothing at or below (INV-EVIDENCE-003).
 */
static bool greet(Courier *courier, RpcCall *call) {
        if (!say_hello(courier, call))
                return false;
        RpcEvent event;
        while ((event = rpc_wait(call, ACK_MS)) == RPC_EVENT_WOKEN)
                if (is_stopping(courier))
                        return false;
        if (event != RPC_EVENT_MESSAGE || !read_ack(courier, call))
                return false;
        courier->own.sent = spool_first(courier->own.spool) - 1; /* INV-EVIDENCE-003 */
        return true;
}

/* False: the connection is over. */
static bool wait_for_news(Courier *courier, RpcCall *call) {
        const bool owed = courier->own.sent >= spool_first(courier->own.spool);
        switch (rpc_wait(call, owed ? ACK_MS : -1)) {
        case RPC_EVENT_MESSAGE:
                return read_ack(courier, call);
        case RPC_EVENT_WOKEN:
                return true;
        case RPC_EVENT_END:
        case RPC_EVENT_TIMEOUT:
                break;
        }
        return false;
}

static void set_call(Courier *courier, RpcCall *call) {
        pthread_mutex_lock(&courier->lock);
        courier->call = call;
        courier->connected = call;
        pthread_mutex_unlock(&courier->lock);
}

static void converse(Courier *courier, RpcClient *client) {
        RpcCall *call = rpc_client_open(client, &retrovue__evidence__v1__evidence__descriptor, "EvidenceStream", NULL);
        if (!call)
                return;
        set_call(courier, call);
        bool open = greet(courier, call);
        while (open && !is_stopping(courier) && !is_done(courier)) {
                spool_fresh(courier); /* INV-EVIDENCE-002 */
                open = send_window(courier, call) && wait_for_news(courier, call);
        }
        set_call(courier, NULL);
        (void)rpc_close(call);
}

/* --- the thread --- */

static bool set_client(Courier *courier, RpcClient *client) {
        pthread_mutex_lock(&courier->lock);
        courier->client = client;
        const bool stopping = courier->stopping;
        pthread_mutex_unlock(&courier->lock);
        return !stopping;
}

static bool connect_and_converse(Courier *courier) {
        RpcClient *client = rpc_client_connect(courier->endpoint, CONNECT_MS, (RpcOptions){0}, NULL);
        if (!client)
                return false;
        if (set_client(courier, client))
                converse(courier, client);
        set_client(courier, NULL);
        rpc_client_free(client);
        return true;
}

static void wait_for_retry(Courier *courier) {
        struct pollfd fd = {.fd = courier->wake_fd, .events = POLLIN};
        eventfd_t count;
        if (poll(&fd, 1, RETRY_MS) > 0)
                (void)eventfd_read(courier->wake_fd, &count);
}

static void carry(void *user) {
        Courier *courier = user;
        while (!is_stopping(courier) && !is_done(courier)) {
                spool_fresh(courier);
                (void)connect_and_converse(courier);
                if (!is_done(courier))
                        wait_for_retry(courier);
        }
        spool_fresh(courier);
        g_clear_pointer(&courier->own.spool, spool_close);
}

/* --- the others --- */

static size_t spool_bytes(const Spool *spool) {
        size_t bytes = 0;
        for (int64_t s = spool_first(spool); s <= spool_last(spool); s++)
                bytes += g_bytes_get_size(spool_get(spool, s));
        return bytes;
}

static void courier_destroy(Courier *courier) {
        if (courier->wake_fd >= 0)
                close(courier->wake_fd);
        if (courier->progress_fd >= 0)
                close(courier->progress_fd);
        pthread_mutex_destroy(&courier->lock);
        g_free(courier->endpoint);
        g_free(courier->channel_id);
        g_free(courier->session_id);
        g_free(courier);
}

Courier *courier_new(const CourierOptions *options, GError **error) {
        Courier *courier = g_new0(Courier, 1);
        courier->endpoint = g_strdup(options->endpoint);
        courier->channel_id = g_strdup(options->channel_id);
        courier->session_id = g_strdup(options->session_id);
        courier->clock = options->clock;
        courier->ends_when_empty = options->ends_when_empty;
        courier->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        courier->progress_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        pthread_mutex_init(&courier->lock, NULL);
        g_queue_init(&courier->fresh);
        courier->own.spool = options->take_spool;
        courier->put = spool_last(options->take_spool);
        courier->acked = spool_first(options->take_spool) - 1;
        courier->held_bytes = spool_bytes(options->take_spool);
        if (courier->wake_fd >= 0 && courier->progress_fd >= 0)
                courier->thread = rv_thread_start("evidence", RV_PRIORITY_NORMAL, carry, courier, error);
        else
                rv_error_set_errno(error, errno, "cannot make an eventfd");
        if (courier->thread)
                return courier;
        spool_close(courier->own.spool);
        courier_destroy(courier);
        return NULL;
}

void courier_put(Courier *courier, int64_t sequence, GBytes *take_event) {
        Fresh *fresh = g_new(Fresh, 1);
        *fresh = (Fresh){sequence, take_event};
        pthread_mutex_lock(&courier->lock);
        g_queue_push_tail(&courier->fresh, fresh);
        courier->put = sequence;
        courier->held_bytes += g_bytes_get_size(take_event);
        if (courier->call)
                rpc_wake(courier->call); /* INV-EVIDENCE-006 */
        pthread_mutex_unlock(&courier->lock);
        (void)eventfd_write(courier->wake_fd, 1);
}

CourierStats courier_stats(Courier *courier) {
        pthread_mutex_lock(&courier->lock);
        const CourierStats stats = {courier->acked, courier->held_bytes, courier->connected};
        pthread_mutex_unlock(&courier->lock);
        return stats;
}

static bool all_acked(Courier *courier) {
        pthread_mutex_lock(&courier->lock);
        const bool all = courier->acked >= courier->put;
        pthread_mutex_unlock(&courier->lock);
        return all;
}

void courier_flush(Courier *courier, int timeout_ms) {
        const int64_t until_ns = rv_clock_mono_ns(courier->clock) + timeout_ms * INT64_C(1000000);
        while (!all_acked(courier)) {
                const int64_t left_ns = until_ns - rv_clock_mono_ns(courier->clock);
                struct pollfd fd = {.fd = courier->progress_fd, .events = POLLIN};
                eventfd_t count;
                if (left_ns <= 0 || poll(&fd, 1, (int)(left_ns / 1000000) + 1) <= 0)
                        return;
                (void)eventfd_read(courier->progress_fd, &count);
        }
}

void courier_free(Courier *courier) {
        if (!courier)
                return;
        pthread_mutex_lock(&courier->lock);
        courier->stopping = true;
        if (courier->call)
                rpc_wake(courier->call);
        if (courier->client)
                rpc_client_shut(courier->client);
        pthread_mutex_unlock(&courier->lock);
        (void)eventfd_write(courier->wake_fd, 1);
        rv_thread_join(courier->thread);
        courier_destroy(courier);
}
