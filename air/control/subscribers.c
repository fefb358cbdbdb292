#include "air/control/subscribers.h"

#include <pthread.h>

#include "proto/base/log.h"
#include "proto/playout.pb-c.h"

typedef Retrovue__Playout__V1__BlockEvent Message;

typedef struct {
        GQueue queue; /* GBytes: packed messages */
        RpcCall *call;
        bool behind; /* announced */
} Subscriber;

struct Subscribers {
        char *channel_id;

        pthread_mutex_t lock; /* guards: */
        int64_t sequence;     /* of the last event */
        GPtrArray *all;       /* Subscriber, on their threads' stacks */
        bool closed;
};

Subscribers *subscribers_new(const char *channel_id) {
        Subscribers *subscribers = g_new0(Subscribers, 1);
        subscribers->channel_id = g_strdup(channel_id);
        subscribers->all = g_ptr_array_new();
        pthread_mutex_init(&subscribers->lock, NULL);
        return subscribers;
}

void subscribers_free(Subscribers *subscribers) {
        if (!subscribers)
                return;
        g_assert(subscribers->all->len == 0);
        g_ptr_array_unref(subscribers->all);
        pthread_mutex_destroy(&subscribers->lock);
        g_free(subscribers->channel_id);
        g_free(subscribers);
}

/* --- publishing --- */

static GBytes *pack(Message *message) {
        const size_t size = retrovue__playout__v1__block_event__get_packed_size(message);
        uint8_t *data = g_malloc(size);
        retrovue__playout__v1__block_event__pack(message, data);
        return g_bytes_new_take(data, size);
}

/* The four payloads live on the stack: messages borrow everything. With the lock held. */
static GBytes *pack_event(Subscribers *subscribers, const BlockEventFacts *facts) {
        Message message = RETROVUE__PLAYOUT__V1__BLOCK_EVENT__INIT;
        Retrovue__Playout__V1__SessionStarted session_started = RETROVUE__PLAYOUT__V1__SESSION_STARTED__INIT;
        Retrovue__Playout__V1__BlockStarted block_started = RETROVUE__PLAYOUT__V1__BLOCK_STARTED__INIT;
        Retrovue__Playout__V1__BlockCompleted block_completed = RETROVUE__PLAYOUT__V1__BLOCK_COMPLETED__INIT;
        Retrovue__Playout__V1__SessionEnded session_ended = RETROVUE__PLAYOUT__V1__SESSION_ENDED__INIT;
        message.channel_id = subscribers->channel_id;
        message.session_id = (char *)facts->session_id;
        message.sequence = ++subscribers->sequence; /* INV-CONTROL-006 */
        message.utc_ms = facts->utc_ms;
        message.tick = facts->tick;
        switch (facts->kind) {
        case EVENT_SESSION_STARTED:
                session_started.epoch_utc_ms = facts->epoch_utc_ms;
                message.event_case = RETROVUE__PLAYOUT__V1__BLOCK_EVENT__EVENT_SESSION_STARTED;
                message.session_started = &session_started;
                break;
        case EVENT_BLOCK_STARTED:
                block_started.block_id = (char *)facts->block_id;
                block_started.fence_tick = facts->fence_tick;
                block_started.credits = facts->credits;
                message.event_case = RETROVUE__PLAYOUT__V1__BLOCK_EVENT__EVENT_BLOCK_STARTED;
                message.block_started = &block_started;
                break;
        case EVENT_BLOCK_COMPLETED:
                block_completed.block_id = (char *)facts->block_id;
                block_completed.frames = facts->frames;
                block_completed.pad_frames = facts->pad_frames;
                message.event_case = RETROVUE__PLAYOUT__V1__BLOCK_EVENT__EVENT_BLOCK_COMPLETED;
                message.block_completed = &block_completed;
                break;
        case EVENT_SESSION_ENDED:
                session_ended.reason = (char *)facts->reason;
                session_ended.detail = (char *)facts->detail;
                message.event_case = RETROVUE__PLAYOUT__V1__BLOCK_EVENT__EVENT_SESSION_ENDED;
                message.session_ended = &session_ended;
                break;
        }
        return pack(&message);
}

static void put(Subscriber *subscriber, GBytes *event) {
        if (subscriber->queue.length >= SUBSCRIBER_QUEUE) {
                if (!subscriber->behind)
                        rv_warning("control.subscriber_behind", RV_I("queued", SUBSCRIBER_QUEUE));
                subscriber->behind = true;
                return;
        }
        subscriber->behind = false;
        g_queue_push_tail(&subscriber->queue, g_bytes_ref(event));
        rpc_wake(subscriber->call);
}

void subscribers_publish(Subscribers *subscribers, const BlockEventFacts *facts) {
        pthread_mutex_lock(&subscribers->lock);
        g_autoptr(GBytes) event = pack_event(subscribers, facts);
        for (guint i = 0; i < subscribers->all->len; i++)
                put(subscribers->all->pdata[i], event);
        pthread_mutex_unlock(&subscribers->lock);
}

void subscribers_close(Subscribers *subscribers) {
        pthread_mutex_lock(&subscribers->lock);
        subscribers->closed = true;
        for (guint i = 0; i < subscribers->all->len; i++)
                rpc_wake(((Subscriber *)subscribers->all->pdata[i])->call);
        pthread_mutex_unlock(&subscribers->lock);
}

/* --- serving --- */

static bool enter(Subscribers *subscribers, Subscriber *subscriber) {
        pthread_mutex_lock(&subscribers->lock);
        const bool room = subscribers->all->len < SUBSCRIBERS_MAX;
        if (room)
                g_ptr_array_add(subscribers->all, subscriber);
        pthread_mutex_unlock(&subscribers->lock);
        return room;
}

static void leave(Subscribers *subscribers, Subscriber *subscriber) {
        pthread_mutex_lock(&subscribers->lock);
        g_ptr_array_remove(subscribers->all, subscriber);
        pthread_mutex_unlock(&subscribers->lock);
        g_queue_clear_full(&subscriber->queue, (GDestroyNotify)g_bytes_unref);
}

static GBytes *next_event(Subscribers *subscribers, Subscriber *subscriber, bool *ret_closed) {
        pthread_mutex_lock(&subscribers->lock);
        GBytes *event = g_queue_pop_head(&subscriber->queue);
        *ret_closed = subscribers->closed;
        pthread_mutex_unlock(&subscribers->lock);
        return event;
}

static bool write_event(RpcCall *call, GBytes *event) {
        gsize size;
        const void *data = g_bytes_get_data(event, &size);
        Message *message = retrovue__playout__v1__block_event__unpack(NULL, size, data);
        g_assert(message);
        const bool ok = rpc_write(call, message);
        retrovue__playout__v1__block_event__free_unpacked(message, NULL);
        return ok;
}

/* A stream is answered by a thread of its own, so a client cannot know when it has entered unless it is told. */
static bool greet(Subscribers *subscribers, RpcCall *call) {
        Message message = RETROVUE__PLAYOUT__V1__BLOCK_EVENT__INIT;
        Retrovue__Playout__V1__Subscribed subscribed = RETROVUE__PLAYOUT__V1__SUBSCRIBED__INIT;
        pthread_mutex_lock(&subscribers->lock);
        message.sequence = subscribers->sequence;
        pthread_mutex_unlock(&subscribers->lock);
        message.channel_id = subscribers->channel_id;
        message.event_case = RETROVUE__PLAYOUT__V1__BLOCK_EVENT__EVENT_SUBSCRIBED;
        message.subscribed = &subscribed;
        return rpc_write(call, &message);
}

RpcStatus subscribers_serve(Subscribers *subscribers, RpcCall *call) {
        Subscriber subscriber = {.call = call, .queue = G_QUEUE_INIT};
        if (!enter(subscribers, &subscriber))
                return rpc_status(RPC_CODE_RESOURCE_EXHAUSTED, "%d subscribers are the most", SUBSCRIBERS_MAX);
        for (bool open = greet(subscribers, call), closed = false; open;) {
                g_autoptr(GBytes) event = next_event(subscribers, &subscriber, &closed);
                if (event)
                        open = write_event(call, event);
                else
                        open = !closed && rpc_wait(call, -1) == RPC_EVENT_WOKEN;
        }
        leave(subscribers, &subscriber);
        return RPC_OK;
}
