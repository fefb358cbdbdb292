/* A seam with sources that do as their file names say, a sink that keeps what it was given, and a clock that a test
 * moves. */
#pragma once

#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "air/seam/private.h"
#include "air/seam/seam.h"
#include "tests/air/blocks.h"
#include "tests/air/seam_sources.h"
#include "tests/support/chance.h"
#include "tests/support/cmocka.h"

#define T0 INT64_C(1800000000000)
#define MAX_TICKS 20000

typedef struct {
        int64_t tick, source_frame;
        CellKind kind;
        uint32_t n_samples;
        bool own_picture, idr;
        const Picture *picture; /* for its identity */
} Shot;

typedef struct {
        HouseFormat format;
        HouseStyle *style;
        RvClock *clock;
        int64_t epoch_utc_ms;
        BlockQueue *queue;
        Seam *seam;
        int64_t fed_until_utc_ms;
        GArray *turn_starts; /* int64_t: ticks at which fed segments begin */
        GArray *reports;     /* SeamReport; block is a reference */
        pthread_mutex_t lock;
        pthread_cond_t more;
        Shot shots[MAX_TICKS]; /* guarded by lock, like n_shots and room */
        int64_t n_shots;
        int64_t room; /* the sink has some until so many shots */
        bool patient;
        int64_t unseen_from, unseen_end; /* ticks whose pictures the sink does not show */
} Session;

static inline bool on_push(void *user, const Cell *cell, bool idr) {
        Session *s = user;
        pthread_mutex_lock(&s->lock);
        g_assert(s->n_shots < MAX_TICKS); /* not the test's thread */
        s->shots[s->n_shots++] =
                (Shot){cell->tick, cell->source_frame, cell->kind, cell->n_samples, cell->picture == source_picture,
                       idr,        cell->picture};
        pthread_cond_broadcast(&s->more);
        pthread_mutex_unlock(&s->lock);
        return cell->tick < s->unseen_from || cell->tick >= s->unseen_end;
}

static inline bool has_room(void *user) {
        Session *s = user;
        pthread_mutex_lock(&s->lock);
        const bool room = s->n_shots < s->room;
        pthread_mutex_unlock(&s->lock);
        return room;
}

static inline void set_room(Session *s, int64_t room) {
        pthread_mutex_lock(&s->lock);
        s->room = room;
        pthread_mutex_unlock(&s->lock);
}

static inline void on_report(void *user, const SeamReport *report) {
        Session *s = user;
        SeamReport copy = *report;
        copy.block = report->block ? block_plan_ref(report->block) : NULL;
        copy.reason = g_intern_string(report->reason);
        copy.detail = NULL;
        g_array_append_val(s->reports, copy);
}

static inline void clear_report(gpointer report) {
        block_plan_unref(((SeamReport *)report)->block);
}

static inline Session *session_new(RvRational rate) {
        Session *s = g_new0(Session, 1);
        s->format = house_format_default();
        s->format.rate = rate;
        s->format.width = 64;
        s->format.height = 64;
        s->style = house_style_new();
        s->clock = rv_clock_fake_new(T0 - 1000);
        s->epoch_utc_ms = T0;
        s->fed_until_utc_ms = T0;
        s->room = MAX_TICKS;
        s->queue = block_queue_new(BLOCKS_CHANNEL, 8);
        s->turn_starts = g_array_new(FALSE, FALSE, sizeof(int64_t));
        s->reports = g_array_new(FALSE, FALSE, sizeof(SeamReport));
        g_array_set_clear_func(s->reports, clear_report);
        pthread_mutex_init(&s->lock, NULL);
        pthread_cond_init(&s->more, NULL);
        atomic_store(&sources_made, 0);
        atomic_store(&sources_freed, 0);
        HouseFormat other = s->format; /* another black picture, so that it can be told from the seam's own */
        other.width = 128;
        source_picture = producer_black(&other);
        return s;
}

static inline int64_t tick_at(const Session *s, int64_t utc_ms) {
        const __int128 a = (__int128)(utc_ms - s->epoch_utc_ms) * s->format.rate.num;
        const __int128 b = (__int128)s->format.rate.den * 1000;
        return (int64_t)((a + b - 1) / b);
}

static inline BlockPlan *feed(Session *s, const char *uri, const int64_t *durations_ms, uint32_t n) {
        g_autofree char *id = g_strdup_printf("block-%" G_GINT64_FORMAT, s->fed_until_utc_ms);
        BlockPlan *block = blocks_make(id, s->fed_until_utc_ms, uri, durations_ms, n);
        assert_int_equal(block_queue_push(s->queue, block, NULL), QUEUE_OK);
        int64_t start_utc_ms = s->fed_until_utc_ms;
        for (uint32_t i = 0; i < n; i++) {
                const int64_t tick = tick_at(s, start_utc_ms);
                g_array_append_val(s->turn_starts, tick);
                start_utc_ms += durations_ms[i];
        }
        s->fed_until_utc_ms = block->end_utc_ms;
        if (s->seam)
                seam_queue_changed(s->seam);
        return block;
}

static inline void feed_one(Session *s, const char *uri, int64_t duration_ms) {
        block_plan_unref(feed(s, uri, &duration_ms, 1));
}

static inline void prepare(Session *s) {
        const SeamOptions options = {
                .format = s->format,
                .style = s->style,
                .epoch_utc_ms = s->epoch_utc_ms,
                .queue = s->queue,
                .clock = s->clock,
                .patient = s->patient,
                .sources = &FAKES,
                .on_report = on_report,
                .user = s,
        };
        s->seam = seam_new(&options, NULL);
        assert_non_null(s->seam);
}

static inline void run(Session *s) {
        const SeamSink sink = {.push = on_push, .has_room = has_room, .user = s};
        assert_true(seam_run(s->seam, &sink, NULL));
}

static inline void begin(Session *s) {
        prepare(s);
        run(s);
}

static inline int64_t shots(Session *s) {
        pthread_mutex_lock(&s->lock);
        const int64_t n = s->n_shots;
        pthread_mutex_unlock(&s->lock);
        return n;
}

static inline void await_shots(Session *s, int64_t n) {
        pthread_mutex_lock(&s->lock);
        while (s->n_shots < n)
                pthread_cond_wait(&s->more, &s->lock);
        pthread_mutex_unlock(&s->lock);
}

/* Until the preparer has handed over every turn that begins at this tick or before: fake time must not outrun it. */
static inline void await_turns(Session *s, int64_t tick) {
        uint32_t n = 0;
        for (guint i = 0; i < s->turn_starts->len; i++)
                n += g_array_index(s->turn_starts, int64_t, i) <= tick;
        while (atomic_load(&s->seam->turns.tail) < n)
                sched_yield();
}

static inline void pump(void) {
        while (g_main_context_iteration(NULL, FALSE))
                ;
}

static inline void advance_to_ns(Session *s, int64_t since_epoch_ns) {
        const int64_t now_ns = rv_clock_mono_ns(s->clock) - s->seam->tick0_mono_ns;
        if (since_epoch_ns > now_ns)
                rv_clock_fake_advance_ms(s->clock, (since_epoch_ns - now_ns + 999999) / 1000000);
}

/* Lets time pass until this many ticks have been made, one at a time. */
static inline void run_ticks(Session *s, int64_t n) {
        for (int64_t tick = shots(s); tick < n; tick++) {
                await_turns(s, tick);
                rv_clock_fake_await_sleepers(s->clock, 1);
                advance_to_ns(s, rv_tick_to_ns(tick, s->format.rate));
                await_shots(s, tick + 1);
                pump();
        }
        rv_clock_fake_await_sleepers(s->clock, 1); /* what belongs to the last tick has been done */
}

static inline void end(Session *s) {
        rv_clock_fake_await_sleepers(s->clock, 1);
        seam_stop(s->seam);
        rv_clock_fake_advance_ms(s->clock, 1000);
        g_clear_pointer(&s->seam, seam_free);
}

static inline void session_free(Session *s) {
        if (s->seam)
                end(s);
        assert_int_equal(atomic_load(&sources_made), atomic_load(&sources_freed));
        g_array_unref(s->reports);
        g_array_unref(s->turn_starts);
        block_queue_free(s->queue);
        house_style_unref(s->style);
        rv_clock_fake_free(s->clock);
        picture_unref(source_picture);
        pthread_cond_destroy(&s->more);
        pthread_mutex_destroy(&s->lock);
        g_free(s);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Session, session_free)

static inline const SeamReport *report_of(const Session *s, SeamReportKind kind, guint nth) {
        for (guint i = 0; i < s->reports->len; i++) {
                const SeamReport *report = &g_array_index(s->reports, SeamReport, i);
                if (report->kind == kind && nth-- == 0)
                        return report;
        }
        fail_msg("no such report");
        return NULL;
}

static inline guint count_reports(const Session *s, SeamReportKind kind) {
        guint n = 0;
        for (guint i = 0; i < s->reports->len; i++)
                n += g_array_index(s->reports, SeamReport, i).kind == kind;
        return n;
}

static const RvRational NTSC = {30000, 1001}, PAL = {25, 1};
