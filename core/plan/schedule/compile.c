/*
 * Compiling a day: a walk from where the day before ended to the day's end, one programme at a time. At each step the
 * entry on top (the most specific layer whose window holds the instant) says what to play; where none does, filler is
 * planned.
 */
#include <string.h>

#include "core/plan/schedule/rules.h"

#define FILLER_MAX_MS HOUR_MS /* of one planned filler programme */

/* An entry in its window of a certain day. */
typedef struct {
        const Entry *entry;
        int64_t start_utc_ms, end_utc_ms;
        int rank;                    /* the higher lies on top */
        bool today;                  /* not what is left of yesterday's */
        bool begun;                  /* something of it is planned */
        int64_t silent_until_utc_ms; /* has nothing to say until then: what lies below shows through */
} Window;

typedef struct {
        const ChannelSpec *spec;
        const CatalogSnapshot *catalog;
        Rotation *rotation;
        const char *day;
        int64_t day_start_utc_ms, day_end_utc_ms;
        int64_t now_utc_ms;     /* how far the plan has come */
        GArray *windows;        /* Window; fixed in length after set-up */
        GQueue *pushed;         /* Window: overrun altogether, play once as soon as may be */
        GPtrArray *programmes;  /* Programme */
        int64_t explain_utc_ms; /* why is it what plays then? 0 = nobody asks */
        json_t *explained;
} Walk;

/* --- windows --------------------------------------------------------------------------------------------------------
 */

static void add_layer(Walk *walk, const Layer *layer, int64_t number, bool today) {
        const unsigned weekday = 1u << day_weekday(number);
        for (guint i = 0; i < layer->entries->len; i++) {
                const Entry *entry = layer->entries->pdata[i];
                if (!(entry->weekdays & weekday))
                        continue;
                const Window window = {
                        .entry = entry,
                        .start_utc_ms =
                                local_to_utc_ms(walk->spec->zone, number, walk->spec->day_start_minutes + entry->start),
                        .end_utc_ms =
                                local_to_utc_ms(walk->spec->zone, number, walk->spec->day_start_minutes + entry->end),
                        .rank = layer->rank * 2 + today,
                        .today = today,
                };
                if (window.end_utc_ms > walk->day_start_utc_ms && window.end_utc_ms > window.start_utc_ms)
                        g_array_append_val(walk->windows, window);
        }
}

/* INV-LANGUAGE-LAYERS-001: today's windows, and what yesterday's leave over into today. */
static void add_windows(Walk *walk) {
        const int64_t number = day_number(walk->day);
        for (int today = 0; today <= 1; today++)
                for (guint i = 0; i < walk->spec->rules->layers->len; i++) {
                        const Layer *layer = walk->spec->rules->layers->pdata[i];
                        if (layer_applies(layer, number - 1 + today))
                                add_layer(walk, layer, number - 1 + today, today);
                }
}

static Window *window_at(const Walk *walk, guint i) {
        return &g_array_index(walk->windows, Window, i);
}

static Window *top_at(const Walk *walk, int64_t utc_ms) {
        Window *top = NULL;
        for (guint i = 0; i < walk->windows->len; i++) {
                Window *window = window_at(walk, i);
                if (window->silent_until_utc_ms <= utc_ms && window->start_utc_ms <= utc_ms &&
                    utc_ms < window->end_utc_ms && (!top || window->rank > top->rank))
                        top = window;
        }
        return top;
}

/* Until when a window (NULL: a hole) that is on top now stays so. */
static int64_t stays_until(const Walk *walk, const Window *top) {
        int64_t until = top ? top->end_utc_ms : walk->day_end_utc_ms;
        for (guint i = 0; i < walk->windows->len; i++) {
                const Window *window = window_at(walk, i);
                const int64_t speaks = MAX(window->start_utc_ms, window->silent_until_utc_ms);
                if ((!top || window->rank > top->rank) && speaks > walk->now_utc_ms && speaks < window->end_utc_ms)
                        until = MIN(until, speaks);
        }
        return until;
}

static bool shows_from(const Walk *walk, const Window *window, int64_t utc_ms) {
        const int64_t unit = walk->spec->grid_minutes * MINUTE_MS;
        for (int64_t at = utc_ms; at < window->end_utc_ms; at += unit)
                if (top_at(walk, at) == window)
                        return true;
        return false;
}

/* What [from, until) covers altogether is not lost: it plays once, right after. INV-BLEED-NO-GAP-001. But a programme
 * of a list of slots (by) takes the slots that it covers. */
static void push_overrun(Walk *walk, const Window *by, int64_t from_utc_ms, int64_t until_utc_ms) {
        const int64_t unit = walk->spec->grid_minutes * MINUTE_MS;
        for (int64_t at = from_utc_ms; at < until_utc_ms; at += unit) {
                Window *window = top_at(walk, at);
                if (window && window->today && !window->begun && !shows_from(walk, window, until_utc_ms)) {
                        window->begun = true;
                        if (!by || by->entry->group == 0 || by->entry->group != window->entry->group)
                                g_queue_push_tail(walk->pushed, window);
                }
        }
}

/* --- steps ----------------------------------------------------------------------------------------------------------
 */

static void place(Walk *walk, Programme *take_programme, Window *window) {
        const int64_t start = take_programme->start_utc_ms, end = take_programme->end_utc_ms;
        g_assert(start == walk->now_utc_ms && end > start); /* INV-SCHEDULEDAY-NO-GAPS-001 */
        g_ptr_array_add(walk->programmes, take_programme);
        rotation_record(walk->rotation, take_programme);
        if (window) {
                window->begun = true;
                if (window->entry->kind == ENTRY_MOVIE_BLOCK || window->entry->kind == ENTRY_SLOT)
                        window->silent_until_utc_ms = INT64_MAX;
        }
        push_overrun(walk, window, start, end);
        walk->now_utc_ms = end;
}

static void place_filler(Walk *walk, int64_t until_utc_ms, const Window *window) {
        const int64_t unit = walk->spec->grid_minutes * MINUTE_MS;
        const int64_t length = MAX(unit, MIN(until_utc_ms - walk->now_utc_ms, FILLER_MAX_MS / unit * unit));
        place(walk,
              programme_filler(walk->spec, walk->now_utc_ms, walk->now_utc_ms + length,
                               window ? window->entry->key : NULL),
              NULL);
}

static bool place_asset(Walk *walk, Window *window, int64_t room_ms) {
        const RotationAsk ask = {.start_utc_ms = walk->now_utc_ms,
                                 .day_start_utc_ms = walk->day_start_utc_ms,
                                 .day = walk->day,
                                 .room_ms = room_ms};
        const char *pool = NULL;
        const Asset *asset = rotation_pick(walk->rotation, window->entry, &ask, &pool);
        if (!asset)
                return false;
        const int64_t slot = schedule_slot_ms(walk->spec, asset->duration_ms); /* INV-BLOCK-ALIGNMENT-001 */
        Programme *programme = programme_of(walk->spec, asset, walk->now_utc_ms, walk->now_utc_ms + slot);
        programme->entry = g_strdup(window->entry->key);
        programme->pool = g_strdup(pool);
        const GPtrArray *parts = rotation_parts(walk->rotation, asset);
        if (parts) {
                programme->part_ids = g_new0(char *, parts->len + 1);
                for (guint i = 0; i < parts->len; i++)
                        programme->part_ids[i] = g_strdup(((const Asset *)parts->pdata[i])->id);
        }
        if (walk->now_utc_ms <= walk->explain_utc_ms && walk->explain_utc_ms < walk->now_utc_ms + slot)
                walk->explained = rotation_explain(walk->rotation, window->entry, &ask, pool);
        place(walk, programme, window);
        return true;
}

static void step(Walk *walk) {
        Window *pushed = g_queue_pop_head(walk->pushed);
        if (pushed) {
                (void)place_asset(walk, pushed, pushed->end_utc_ms - pushed->start_utc_ms);
                return;
        }
        Window *top = top_at(walk, walk->now_utc_ms);
        const int64_t until = stays_until(walk, top);
        if (!top)
                place_filler(walk, until, NULL);
        else if (!place_asset(walk, top, until - walk->now_utc_ms))
                top->silent_until_utc_ms = until; /* nothing of it fits before that: what lies below, else filler */
}

/* --- the day --------------------------------------------------------------------------------------------------------
 */

static Window *window_of(const Walk *walk, const Programme *programme) {
        for (guint i = 0; programme->entry && i < walk->windows->len; i++) {
                Window *window = window_at(walk, i);
                if (strcmp(window->entry->key, programme->entry) == 0 && window->start_utc_ms < programme->end_utc_ms)
                        return window;
        }
        return NULL;
}

/* What is locked or past is laid down as it was; the rotation moves on by it. */
static void place_kept(Walk *walk, const GPtrArray *kept) {
        if (!kept || kept->len == 0)
                return;
        walk->now_utc_ms = ((const Programme *)kept->pdata[0])->start_utc_ms;
        for (guint i = 0; i < kept->len; i++) {
                Programme *programme = kept->pdata[i];
                Window *window = window_of(walk, programme);
                if (window && g_queue_remove(walk->pushed, window))
                        window->begun = true;
                place(walk, programme_ref(programme), window);
        }
}

/* A changed grid leaves the plan off the wall clock's grid times: filler up to the next one. */
static void align(Walk *walk) {
        int64_t until = walk->now_utc_ms;
        while (!schedule_on_grid(walk->spec, until) && until < walk->now_utc_ms + HOUR_MS)
                until += MINUTE_MS;
        if (until > walk->now_utc_ms && until < walk->now_utc_ms + HOUR_MS)
                place(walk, programme_filler(walk->spec, walk->now_utc_ms, until, NULL), NULL);
}

static void walk_clear(Walk *walk) {
        g_clear_pointer(&walk->windows, g_array_unref);
        g_clear_pointer(&walk->pushed, g_queue_free);
        g_clear_pointer(&walk->rotation, rotation_free);
        g_clear_pointer(&walk->programmes, g_ptr_array_unref);
        json_decref(walk->explained);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Walk, walk_clear)

/* The day's programmes; false with entries in diag. */
static bool walk_day(Walk *walk, const ScheduleFrom *from, Diag *diag) {
        walk->rotation = rotation_new(walk->spec, walk->catalog, from, walk->day, diag);
        if (!walk->rotation)
                return false;
        schedule_day_bounds(walk->spec, walk->day, &walk->day_start_utc_ms, &walk->day_end_utc_ms);
        walk->windows = g_array_new(false, false, sizeof(Window));
        walk->pushed = g_queue_new();
        walk->programmes = g_ptr_array_new_with_free_func((GDestroyNotify)programme_unref);
        add_windows(walk);
        /* INV-SCHEDULEDAY-SEAM-NO-OVERLAP-001: today begins where yesterday's last programme ends. */
        walk->now_utc_ms = from->carry_in_utc_ms ? from->carry_in_utc_ms : walk->day_start_utc_ms;
        push_overrun(walk, NULL, walk->day_start_utc_ms, walk->now_utc_ms);
        place_kept(walk, from->kept);
        align(walk);
        while (walk->now_utc_ms < walk->day_end_utc_ms || !g_queue_is_empty(walk->pushed))
                step(walk);
        if (walk->programmes->len == 0) /* yesterday's last programme covers the day: it has one filler unit after it */
                place_filler(walk, walk->now_utc_ms, NULL);
        return true;
}

static const ScheduleFrom beginning = {0};

ScheduleDay *schedule_compile(const ChannelSpec *spec, const CatalogSnapshot *catalog, const char *day,
                              const ScheduleFrom *from, Diag *diag) {
        g_auto(Walk) walk = {.spec = spec, .catalog = catalog, .day = day};
        from = from ? from : &beginning;
        if (!walk_day(&walk, from, diag))
                return NULL;
        ScheduleDay *compiled = schedule_day_new(spec, catalog->revision, day, g_steal_pointer(&walk.programmes));
        compiled->state_before = from->state ? json_deep_copy(from->state) : json_object();
        compiled->state_after = rotation_state(walk.rotation, compiled->end_utc_ms);
        schedule_day_seal(compiled);
        return compiled;
}

json_t *schedule_explain(const ChannelSpec *spec, const CatalogSnapshot *catalog, const char *day,
                         const ScheduleFrom *from, int64_t utc_ms, Diag *diag) {
        g_auto(Walk) walk = {.spec = spec, .catalog = catalog, .day = day, .explain_utc_ms = utc_ms};
        if (!walk_day(&walk, from ? from : &beginning, diag))
                return NULL;
        for (guint i = 0; i < walk.programmes->len; i++) {
                const Programme *programme = walk.programmes->pdata[i];
                if (utc_ms < programme->start_utc_ms || utc_ms >= programme->end_utc_ms)
                        continue;
                json_t *object = walk.explained ? json_incref(walk.explained) : json_object();
                if (!walk.explained)
                        json_object_set_new(object, "rule",
                                            json_string(programme->asset_id
                                                                ? "it was locked or past before the day was compiled"
                                                                : "no entry has anything that fits here: filler"));
                json_object_set_new(object, "programme", programme_json(programme));
                return object;
        }
        diag_add(diag, DIAG_ERROR, NULL, 0, 0, "nothing of %s is planned at that time on %s", spec->id, day);
        return NULL;
}
