#include "air/producer/subtitle/events.h"

#include <string.h>

/* That are waiting or on show. A film has 1,500 or so. */
#define MOST_EVENTS 50000
#define MOST_BYTES ((size_t)64 * 1024 * 1024)
#define MOST_LINE_BYTES ((size_t)32 * 1024)

struct Events {
        GPtrArray *all; /* of Event, by start */
        size_t bytes;
        unsigned left_out;
        const Event *now[EVENTS_AT_ONCE];
        size_t n_now;
        int64_t from, until; /* now holds for these ticks */
};

static size_t size_of(const Event *event) {
        size_t bytes = sizeof(Event) + (event->line ? strlen(event->line) : 0);
        for (unsigned i = 0; i < event->pictures.num_rects; i++)
                bytes += (size_t)event->pictures.rects[i]->w * (size_t)event->pictures.rects[i]->h;
        return bytes;
}

static void clear_event(Event *event) {
        g_clear_pointer(&event->line, g_free);
        avsubtitle_free(&event->pictures);
}

static void free_event(gpointer user) {
        clear_event(user);
        g_free(user);
}

Events *events_new(void) {
        Events *events = g_new0(Events, 1);
        events->all = g_ptr_array_new_with_free_func(free_event);
        return events;
}

void events_free(Events *events) {
        if (!events)
                return;
        g_ptr_array_free(events->all, TRUE);
        g_free(events);
}

static Event *event_at(const Events *events, guint i) {
        return events->all->pdata[i];
}

/* Behind all that begin no later. */
static guint place_of(const Events *events, int64_t start_tick) {
        guint i = events->all->len;
        while (i > 0 && event_at(events, i - 1)->start_tick > start_tick)
                i--;
        return i;
}

static void end_pictures(Events *events, int64_t at) {
        for (guint i = 0; i < events->all->len; i++) {
                Event *event = event_at(events, i);
                if (!event->line && event->start_tick <= at)
                        event->end_tick = MIN(event->end_tick, at);
        }
}

static bool is_too_much(const Events *events, const Event *event, size_t bytes) {
        return events->all->len >= MOST_EVENTS || events->bytes + bytes > MOST_BYTES ||
               (event->line && strlen(event->line) > MOST_LINE_BYTES);
}

void events_add(Events *events, Event *take_event) {
        events->until = INT64_MIN;
        events->n_now = 0;
        if (!take_event->line)
                end_pictures(events, take_event->start_tick);
        const size_t bytes = size_of(take_event);
        const bool says = take_event->line || take_event->pictures.num_rects > 0;
        if (!says || take_event->end_tick <= take_event->start_tick || is_too_much(events, take_event, bytes)) {
                events->left_out += says && is_too_much(events, take_event, bytes); /* INV-SUBTITLE-002 */
                clear_event(take_event);
                return;
        }
        Event *event = g_new(Event, 1);
        *event = *take_event;
        *take_event = (Event){0};
        events->bytes += bytes;
        g_ptr_array_insert(events->all, (gint)place_of(events, event->start_tick), event);
}

static void forget_past(Events *events, int64_t k) {
        guint kept = 0;
        for (guint i = 0; i < events->all->len; i++) {
                Event *event = event_at(events, i);
                if (event->end_tick > k) {
                        events->all->pdata[kept++] = event;
                        continue;
                }
                events->bytes -= size_of(event);
                free_event(event);
        }
        events->all->len = kept; /* the rest has been freed */
}

bool events_at(Events *events, int64_t k, const Event *const **ret_events, size_t *ret_n) {
        *ret_events = events->now;
        const bool same = k >= events->from && k < events->until;
        if (!same) {
                forget_past(events, k);
                events->n_now = 0;
                events->from = k;
                events->until = INT64_MAX;
                for (guint i = 0; i < events->all->len; i++) {
                        const Event *event = event_at(events, i);
                        if (event->start_tick > k) {
                                events->until = MIN(events->until, event->start_tick);
                                break;
                        }
                        events->until = MIN(events->until, event->end_tick);
                        if (events->n_now < EVENTS_AT_ONCE)
                                events->now[events->n_now++] = event;
                        else
                                events->left_out++;
                }
        }
        *ret_n = events->n_now;
        return !same;
}

unsigned events_left_out(const Events *events) {
        return events->left_out;
}
