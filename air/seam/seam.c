#include "air/seam/seam.h"

#include <glib-unix.h>

#include "air/seam/private.h"

static const SeamSources REAL = {
        .make = producer_new,
        .settled = producer_settled,
        .take = producer_take,
        .near = producer_near,
        .state = producer_state,
        .result = producer_result,
        .free = producer_free,
};

/* The producer is asked how it went, and let go of, only here: its last frame has been shown. */
static void deliver_record(Seam *seam, Record *record) {
        SeamReport *report = &record->report;
        ProducerResult result = {0};
        if (record->producer) {
                result = seam->sources->result(record->producer);
                seam->sources->free(record->producer);
        }
        if (result.state == PRODUCER_FAILED) {
                report->reason = result.reason;
                report->detail = result.detail;
        }
        if (report->kind == SEAM_BLOCK_FENCE)
                block_queue_pop(seam->queue); /* INV-BLOCK-WALLFENCE-005 */
        seam->loop.on_report(seam->loop.user, report);
}

static void deliver(Seam *seam) {
        for (Record *record; (record = reports_front(&seam->reports));) { /* INV-SEAM-103 */
                deliver_record(seam, record);
                reports_drop(&seam->reports);
        }
}

static gboolean on_notice(gint fd, GIOCondition condition, gpointer user) {
        Seam *seam = user;
        reports_forget_notice(&seam->reports);
        deliver(seam);
        return G_SOURCE_CONTINUE;
}

static void listen_to_reports(Seam *seam, GMainContext *context) {
        seam->loop.source = g_unix_fd_source_new(seam->reports.event_fd, G_IO_IN);
        g_source_set_callback(seam->loop.source, G_SOURCE_FUNC(on_notice), seam, NULL);
        g_source_attach(seam->loop.source, context);
}

/* The only look at the wall clock: where tick 0 lies on the monotonic one. */
static int64_t place_tick0(const SeamOptions *options) {
        const int64_t since_epoch_ms = rv_clock_utc_ms(options->clock) - options->epoch_utc_ms;
        return rv_clock_mono_ns(options->clock) - since_epoch_ms * 1000000; /* INV-TICK-MONOTONIC-UTC-ANCHOR-001 */
}

static Seam *seam_alloc(const SeamOptions *options) {
        const HouseFormat *format = &options->format;
        g_assert(house_format_fault(format) == NULL);
        Seam *seam = g_new0(Seam, 1);
        seam->format = *format;
        seam->style = options->style ? house_style_ref(options->style) : house_style_new();
        seam->epoch_utc_ms = options->epoch_utc_ms;
        seam->tick0_mono_ns = place_tick0(options);
        seam->hold_ticks = rv_mul_div_floor(SEAM_HOLD_MS, format->rate.num, INT64_C(1000) * format->rate.den);
        seam->slate_ticks = rv_tick_at_ms(SLATE_AFTER_MS, format->rate);
        seam->rt.hole_tick = -1;
        seam->lead_ticks = options->lead_ticks;
        seam->patient = options->patient;
        caption_guard_init(&seam->rt.captions, format->rate);
        seam->rt.blank = true;
        seam->queue = options->queue;
        seam->clock = options->clock;
        seam->sources = options->sources ? options->sources : &REAL;
        seam->black = producer_black(format);
        seam->silence = g_new0(float, (size_t)CELL_MAX_SAMPLES * 2);
        seam->loop.on_report = options->on_report;
        seam->loop.user = options->user;
        sem_init(&seam->news, 0, 0);
        atomic_init(&seam->tick, -1);
        atomic_init(&seam->wake_tick, INT64_MAX);
        atomic_init(&seam->asked, 1); /* the preparer has yet to look for the first time */
        return seam;
}

Seam *seam_new(const SeamOptions *options, GError **error) {
        g_autoptr(Seam) seam = seam_alloc(options);
        if (!reports_init(&seam->reports, error) || !slate_init(&seam->slate, &seam->format, seam->style, error))
                return NULL;
        seam->loop.preparer = rv_thread_start("preparer", RV_PRIORITY_NORMAL, seam_prepare, seam, error);
        if (!seam->loop.preparer)
                return NULL;
        listen_to_reports(seam, options->context);
        return g_steal_pointer(&seam);
}

bool seam_run(Seam *seam, const SeamSink *sink, GError **error) {
        g_assert(!seam->loop.ticker);
        seam->sink = *sink;
        seam->loop.ticker = rv_thread_start("tick", RV_PRIORITY_TICK, seam_count_ticks, seam, error);
        return seam->loop.ticker;
}

void seam_queue_changed(Seam *seam) {
        seam_ask_preparer(seam);
}

int64_t seam_tick(const Seam *seam) {
        return atomic_load(&seam->tick);
}

SeamStats seam_stats(const Seam *seam) {
        return (SeamStats){
                .ticks = atomic_load(&seam->tick) + 1,
                .fallback = atomic_load(&seam->fallback),
                .late_ticks = atomic_load(&seam->late_ticks),
                .lateness = lateness_read(&seam->lateness),
        };
}

void seam_stop(Seam *seam) {
        atomic_store(&seam->stopping, true);
        seam_ask_preparer(seam);
}

static void drop_turns(Seam *seam) {
        while (turns_waiting(&seam->turns) > 0) {
                const Turn turn = turns_take(&seam->turns);
                if (turn.producer)
                        seam->sources->free(turn.producer);
                block_plan_unref(turn.block);
        }
}

void seam_free(Seam *seam) {
        if (!seam)
                return;
        seam_stop(seam);
        rv_thread_join(seam->loop.ticker);
        rv_thread_join(seam->loop.preparer);
        if (seam->loop.source) {
                g_source_destroy(seam->loop.source);
                g_source_unref(seam->loop.source);
                deliver(seam);
        }
        drop_turns(seam);
        reports_clear(&seam->reports);
        picture_unref(seam->rt.slate);
        slate_clear(&seam->slate);
        sem_destroy(&seam->news);
        picture_unref(seam->black);
        house_style_unref(seam->style);
        g_free(seam->silence);
        g_free(seam);
}
