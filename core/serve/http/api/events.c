/* Server-sent events (WHATWG HTML, 9.2): how channels are and what is on, told as it changes. */
#include <string.h>

#include "core/serve/http/http_private.h"

/* How many changes are kept for listeners that are behind; who is further behind gets everything anew. */
#define KEPT 1024
/* A comment after so long a silence, so that proxies keep the connection and a client that is gone is found out. */
#define SILENCE_MS 15000
/* From one look at all channels to the next. */
#define LOOK_MS 1000
#define BLOCK_BYTES 4096
#define COMMENT ":\n\n"

struct Events {
        Http *http;
        pthread_mutex_t lock;   /* guards all below */
        GList *listeners;       /* Request */
        GHashTable *told;       /* channel id -> its object as it was told last, as text */
        GQueue changes;         /* GBytes, the last KEPT */
        int64_t next;           /* number of the change that comes next, from 1 */
        int64_t looked_mono_ns; /* when */
        int64_t base;           /* numbers of one run of the server begin here: no two runs use the same */
};

/* What one listener has had. */
struct Listening {
        GBytes *frame; /* being sent; NULL = none */
        size_t sent;   /* of it */
        int64_t next;  /* number of the change it gets next */
};

/* --- changes: with the lock held --------------------------------------------------------------------------------- */

static char *channel_text(Http *http, const PlanView *view) {
        const HttpOptions *options = &http->options;
        g_autoptr(Channel) channel = channel_hub_find(options->hub, view->spec->id);
        json_t *object = guide_channel_json(options->guide, view);
        api_add_status(object, channel);
        json_object_del(json_object_get(object, "now"), "progress"); /* would be news at every look */
        char *text = json_dumps(object, JSON_COMPACT);
        json_decref(object);
        return text;
}

static GBytes *frame_of(const char *kind, int64_t number, const char *data) {
        char *text = g_strdup_printf("event: %s\nid: %" G_GINT64_FORMAT "\ndata: %s\n\n", kind, number, data);
        return g_bytes_new_take(text, strlen(text));
}

static void tell(Events *events, const char *kind, const char *data) {
        g_queue_push_tail(&events->changes, frame_of(kind, events->next++, data));
        if (events->changes.length > KEPT)
                g_bytes_unref(g_queue_pop_head(&events->changes));
}

static void tell_gone(Events *events, const GPtrArray *views) {
        GHashTableIter iter;
        gpointer id;
        g_hash_table_iter_init(&iter, events->told);
        while (g_hash_table_iter_next(&iter, &id, NULL)) {
                bool there = false;
                for (unsigned i = 0; i < views->len && !there; i++)
                        there = g_str_equal(((const PlanView *)g_ptr_array_index(views, i))->spec->id, id);
                if (there)
                        continue;
                g_autofree char *data = g_strdup_printf("{\"id\":\"%s\"}", (const char *)id);
                tell(events, "gone", data);
                g_hash_table_iter_remove(&iter);
        }
}

/* INV-HTTP-012: each channel that is not as it was told last. */
static void look(Events *events) {
        g_autoptr(GPtrArray) views = plan_board_views(events->http->options.board);
        tell_gone(events, views);
        for (unsigned i = 0; i < views->len; i++) {
                const PlanView *view = g_ptr_array_index(views, i);
                char *text = channel_text(events->http, view);
                if (g_strcmp0(text, g_hash_table_lookup(events->told, view->spec->id)) == 0) {
                        free(text);
                        continue;
                }
                tell(events, "channel", text);
                g_hash_table_replace(events->told, g_strdup(view->spec->id), text);
        }
}

/* All channels as they were told last: where a listener begins that has nothing, or has missed too much. */
static GBytes *everything(Events *events) {
        GString *data = g_string_new("{\"channels\":[");
        GHashTableIter iter;
        gpointer text;
        g_hash_table_iter_init(&iter, events->told);
        for (bool first = true; g_hash_table_iter_next(&iter, NULL, &text); first = false)
                g_string_append_printf(data, "%s%s", first ? "" : ",", (const char *)text);
        g_string_append(data, "]}");
        GBytes *frame = frame_of("channels", events->next - 1, data->str);
        g_string_free(data, TRUE);
        return frame;
}

/* --- listeners --------------------------------------------------------------------------------------------------- */

/* The next thing that the listener has not had; NULL: it has all. With the lock held. */
static GBytes *next_frame(Events *events, Listening *listening) {
        const int64_t first = events->next - events->changes.length;
        if (listening->next < first || listening->next > events->next) {
                listening->next = events->next;
                return everything(events);
        }
        if (listening->next == events->next)
                return NULL;
        return g_bytes_ref(g_queue_peek_nth(&events->changes, (unsigned)(listening->next++ - first)));
}

static bool has_news(Request *request) {
        Events *events = request->http->events;
        pthread_mutex_lock(&events->lock);
        const bool news = request->listening->next != events->next;
        pthread_mutex_unlock(&events->lock);
        return news;
}

/* Nothing is to be sent: sleeps. False: the server ends. */
static bool await_news(Request *request) {
        const int64_t now_mono_ns = rv_clock_mono_ns(request->http->options.clock);
        if (!request_sleep(request, false, now_mono_ns + SILENCE_MS * INT64_C(1000000)))
                return false;
        if (has_news(request)) /* it may have come in between */
                request_wake(request);
        return true;
}

static ssize_t send_frame(Listening *listening, char *buffer, size_t size) {
        size_t whole;
        const char *bytes = g_bytes_get_data(listening->frame, &whole);
        const size_t n = MIN(size, whole - listening->sent);
        memcpy(buffer, bytes + listening->sent, n);
        listening->sent += n;
        if (listening->sent == whole) {
                g_clear_pointer(&listening->frame, g_bytes_unref);
                listening->sent = 0;
        }
        return (ssize_t)n;
}

static ssize_t read_events(void *user, uint64_t position, char *buffer, size_t size) {
        Request *request = user;
        Listening *listening = request->listening;
        Events *events = request->http->events;
        const bool silent = request_given_up(request);
        if (!listening->frame) {
                pthread_mutex_lock(&events->lock);
                listening->frame = next_frame(events, listening);
                pthread_mutex_unlock(&events->lock);
        }
        if (!listening->frame && silent)
                listening->frame = g_bytes_new_static(COMMENT, strlen(COMMENT));
        if (listening->frame)
                return send_frame(listening, buffer, size);
        return await_news(request) ? 0 : MHD_CONTENT_READER_END_OF_STREAM;
}

/* A client that was connected before says what it had last; numbers of another run are none of ours. With the lock
 * held. */
static int64_t begin_at(const Events *events, Request *request) {
        const char *last = request_header(request, "Last-Event-ID");
        const int64_t number = last ? g_ascii_strtoll(last, NULL, 10) : 0;
        return number >= events->base && number < events->next ? number + 1 : 0;
}

static void listen_to(Events *events, Request *request) {
        request->listening = g_new0(Listening, 1);
        pthread_mutex_lock(&events->lock);
        look(events); /* nobody looked while nobody listened */
        request->listening->next = begin_at(events, request);
        events->listeners = g_list_prepend(events->listeners, request);
        pthread_mutex_unlock(&events->lock);
}

void events_leave(Request *request) {
        Events *events = request->http->events;
        if (!request->listening)
                return;
        pthread_mutex_lock(&events->lock);
        events->listeners = g_list_remove(events->listeners, request);
        pthread_mutex_unlock(&events->lock);
        g_clear_pointer(&request->listening->frame, g_bytes_unref);
        g_clear_pointer(&request->listening, g_free);
}

enum MHD_Result api_events(Request *request) {
        if (!request->head)
                listen_to(request->http->events, request);
        return respond_stream(request, "text/event-stream", BLOCK_BYTES, read_events);
}

/* --- the server's part ------------------------------------------------------------------------------------------- */

void events_look(Events *events) {
        const int64_t now_mono_ns = rv_clock_mono_ns(events->http->options.clock);
        pthread_mutex_lock(&events->lock);
        const int64_t before = events->next;
        if (events->listeners && now_mono_ns - events->looked_mono_ns >= LOOK_MS * INT64_C(1000000)) {
                events->looked_mono_ns = now_mono_ns;
                look(events);
        }
        if (events->next != before)
                for (GList *l = events->listeners; l; l = l->next)
                        request_wake(l->data);
        pthread_mutex_unlock(&events->lock);
}

Events *events_new(Http *http) {
        Events *events = g_new0(Events, 1);
        events->http = http;
        events->told = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free);
        events->next = events->base = rv_clock_utc_ms(http->options.clock);
        g_queue_init(&events->changes);
        pthread_mutex_init(&events->lock, NULL);
        return events;
}

void events_free(Events *events) {
        g_assert(!events->listeners);
        g_hash_table_unref(events->told);
        g_queue_clear_full(&events->changes, (GDestroyNotify)g_bytes_unref);
        pthread_mutex_destroy(&events->lock);
        g_free(events);
}
