#include "air/control/session.h"

#include "air/control/memory.h"
#include "air/control/outlook.h"
#include "air/control/testimony.h"
#include "air/evidence/evidence.h"
#include "air/output/output.h"
#include "air/seam/seam.h"
#include "proto/base/log.h"
#include "proto/base/mailbox.h"
#include "proto/base/thread.h"

#define LEAD_TICKS 3 /* keeps the sound encoder's look-ahead from delaying pictures */
#define EVIDENCE_FLUSH_MS 300
#define SETTLED_S 10 /* what a start needs has been needed by then, and the burst it begins with is over */

struct Session {
        char *id, *channel_id;
        char *endpoints[SESSION_RENDITIONS];
        HouseFormat format;
        HouseStyle *style;
        FrameClock frames;
        RvClock *clock;
        Boot *boot;
        Subscribers *subscribers;
        void (*on_broken)(void *user, const char *detail);
        void *user;

        BlockQueue *queue;
        Seam *seam;
        EvidenceSender *evidence; /* NULL: none is kept */
        RvMailbox *mailbox;       /* News from other threads */
        RvThread *builder;
        Output *output; /* NULL until built */
        int64_t last_tick;
        bool broken;    /* told */
        guint settling; /* a timer; 0: none */

        atomic_bool over; /* any thread: nobody waits for the output any more */
};

/* From the builder: an output or why there is none. From the output: why it died. */
typedef struct {
        Output *output;
        char *failure;
} News;

static void news_free(gpointer user) {
        News *news = user;
        output_free(news->output);
        g_free(news->failure);
        g_free(news);
}

/* --- the output --- */

static void release_picture(void *picture) {
        picture_unref(picture);
}

/* Tick thread. */
static bool push_cell(void *user, const Cell *cell, bool idr) {
        Session *session = user;
        const OutputFrame frame = {
                .tick = cell->tick,
                .data = picture_data(cell->picture),
                .size = picture_size(cell->picture),
                .picture = picture_ref(cell->picture),
                .release = release_picture,
                .samples = cell->samples,
                .n_samples = cell->n_samples,
                .captions = cell->captions.bytes,
                .captions_size = cell->captions.size,
                .idr = idr,
        };
        return output_push(session->output, &frame);
}

/* Tick thread. */
static bool output_ready(void *user) {
        const Session *session = user;
        return output_has_room(session->output);
}

/* Any thread. */
static void on_output_failed(void *user, const char *detail) {
        Session *session = user;
        News *news = g_new0(News, 1);
        news->failure = g_strdup(detail);
        rv_mailbox_post(session->mailbox, news);
}

/* The builder's thread: GStreamer takes its time, core does not wait for it. */
static void build_output(void *user) {
        Session *session = user;
        const OutputOptions options = {
                .format = session->format,
                .style = session->style,
                .epoch_utc_ms = session->frames.epoch_utc_ms,
                .lead_ticks = LEAD_TICKS,
                .on_failed = on_output_failed,
                .user = session,
        };
        g_autoptr(GError) error = NULL;
        News *news = g_new0(News, 1);
        if (boot_wait(session->boot, &session->over, &error))
                news->output = output_new(&options, &error);
        if (!news->output)
                news->failure = g_strdup(error->message);
        rv_mailbox_post(session->mailbox, news);
}

static void tell_broken(Session *session, const char *detail) {
        if (session->broken)
                return;
        session->broken = true;
        rv_error("session.output_failed", RV_S("session", session->id), RV_S("detail", detail));
        session->on_broken(session->user, detail);
}

static bool attach_output(Session *session, int rendition, const char *endpoint, GError **error) {
        return rendition == 0 ? output_attach(session->output, endpoint, error)
                              : output_attach_second(session->output, endpoint, error);
}

/* Both before the first tick, so that both streams begin with it. */
static void connect_streams(Session *session) {
        for (int i = 0; i < SESSION_RENDITIONS; i++) {
                g_autoptr(GError) error = NULL;
                if (session->endpoints[i] && !attach_output(session, i, session->endpoints[i], &error))
                        rv_warning("session.stream_refused", RV_S("session", session->id), RV_I("rendition", i),
                                   RV_S("detail", error->message));
        }
}

/* INV-CONTROL-008: whenever more is known; before the first tick, too. */
static void announce(Session *session) {
        if (!session->output)
                return;
        g_autoptr(GPtrArray) blocks = block_queue_look(session->queue);
        g_auto(Outlook) found = outlook_of(blocks, &session->frames);
        const OutputOutlook outlook = {
                .programmes = (const OutputProgramme *)(void *)found.programmes->data,
                .n_programmes = found.programmes->len,
                .breaks = (const OutputBreak *)(void *)found.breaks->data,
                .n_breaks = found.breaks->len,
        };
        output_announce(session->output, &outlook);
}

static gboolean on_settled(gpointer user) {
        Session *session = user;
        session->settling = 0;
        memory_settle();
        return G_SOURCE_REMOVE;
}

static void go_on_the_air(Session *session) {
        const SeamSink sink = {.push = push_cell, .has_room = output_ready, .user = session};
        g_autoptr(GError) error = NULL;
        connect_streams(session);
        announce(session);
        if (seam_run(session->seam, &sink, &error))
                rv_info("session.on_air", RV_S("session", session->id));
        else
                tell_broken(session, error->message);
        session->settling = g_timeout_add_seconds(SETTLED_S, on_settled, session);
}

static void on_news(void *user, void *take_message) {
        Session *session = user;
        News *news = take_message;
        session->output = session->output ? session->output : g_steal_pointer(&news->output);
        if (news->failure)
                tell_broken(session, news->failure);
        else
                go_on_the_air(session);
        news_free(news);
}

/* --- what happened --- */

static void publish(Session *session, BlockEventFacts facts, int64_t tick) {
        facts.session_id = session->id;
        facts.tick = tick;
        facts.utc_ms = frame_clock_utc_ms(&session->frames, tick);
        subscribers_publish(session->subscribers, &facts);
}

static void publish_block_start(Session *session, const SeamReport *report) {
        const int32_t credits = (int32_t)block_queue_credits(session->queue);
        rv_info("session.block_started", RV_S("session", session->id), RV_S("block", report->block->block_id),
                RV_I("tick", report->tick), RV_I("credits", credits));
        publish(session,
                (BlockEventFacts){.kind = EVENT_BLOCK_STARTED,
                                  .block_id = report->block->block_id,
                                  .fence_tick = report->fence_tick,
                                  .credits = credits},
                report->tick);
}

static void publish_fence(Session *session, const SeamReport *report) {
        const SeamStats stats = seam_stats(session->seam);
        rv_info("session.block_completed", RV_S("session", session->id), RV_S("block", report->block->block_id),
                RV_I("tick", report->tick), RV_I("frames", report->frames), RV_I("own", report->own_frames),
                RV_I("held", report->held_frames), RV_I("missing", report->missing_frames),
                RV_I("black", report->black_frames), RV_I("late_ticks", stats.late_ticks),
                RV_I("max_late_us", stats.lateness.max_us));
        publish(session,
                (BlockEventFacts){.kind = EVENT_BLOCK_COMPLETED,
                                  .block_id = report->block->block_id,
                                  .frames = report->frames,
                                  .pad_frames = report->black_frames + report->missing_frames},
                report->tick);
}

static void log_segment(const Session *session, const SeamReport *report) {
        if (report->own_frames == report->frames && report->frames > 0)
                return;
        const BlockSegment *segment = &report->block->segments[report->segment_index];
        rv_warning("session.segment_incomplete", RV_S("session", session->id), RV_S("block", report->block->block_id),
                   RV_S("event", segment->event_id), RV_S("uri", segment->asset_uri), RV_I("frames", report->frames),
                   RV_I("own", report->own_frames), RV_S("reason", report->reason), RV_S("detail", report->detail));
}

static void on_report(void *user, const SeamReport *report) {
        Session *session = user;
        EvidenceEvent *event = testimony_of(report, &session->frames);
        if (event && session->evidence)
                (void)evidence_sender_emit(session->evidence, event);
        else
                evidence_event_free(event);
        session->last_tick = report->tick;
        switch (report->kind) {
        case SEAM_BLOCK_START:
                publish_block_start(session, report);
                break;
        case SEAM_BLOCK_FENCE:
                publish_fence(session, report);
                break;
        case SEAM_SEGMENT_END:
                log_segment(session, report);
                break;
        case SEAM_DRY:
                rv_warning("session.dry", RV_S("session", session->id), RV_I("tick", report->tick));
                break;
        case SEAM_SEGMENT_START:
        case SEAM_ENDED:
                break;
        }
}

/* --- life --- */

static bool start_evidence(Session *session, const SessionOptions *options, GError **error) {
        if (!*options->evidence_endpoint)
                return true;
        const EvidenceOptions evidence = {
                .channel_id = session->channel_id,
                .session_id = session->id,
                .endpoint = options->evidence_endpoint,
                .spool_dir = options->spool_dir,
                .clock = session->clock,
        };
        session->evidence = evidence_sender_new(&evidence, error);
        return session->evidence;
}

static bool start_seam(Session *session, const SessionOptions *from, GError **error) {
        const SeamOptions options = {
                .format = session->format,
                .style = session->style,
                .epoch_utc_ms = session->frames.epoch_utc_ms,
                .lead_ticks = LEAD_TICKS,
                .patient = from->replay,
                .queue = session->queue,
                .clock = session->clock,
                .on_report = on_report,
                .user = session,
        };
        session->seam = seam_new(&options, error);
        return session->seam;
}

static bool start_builder(Session *session, GError **error) {
        session->builder = rv_thread_start("output-build", RV_PRIORITY_NORMAL, build_output, session, error);
        return session->builder;
}

/* Sources first: they are what takes longest (INV-CONTROL-003). */
static bool start(Session *session, const SessionOptions *options, GError **error) {
        return start_seam(session, options, error) && start_builder(session, error) && /* INV-CONTROL-003 */
               start_evidence(session, options, error);
}

/* Nobody else may hold on to the mailbox when it goes: builder and output are its posters. */
static void session_free(Session *session) {
        g_clear_handle_id(&session->settling, g_source_remove);
        seam_free(session->seam);
        boot_give_up(session->boot, &session->over);
        rv_thread_join(session->builder);
        output_free(session->output);
        rv_mailbox_free(session->mailbox);
        evidence_sender_free(session->evidence, EVIDENCE_FLUSH_MS);
        block_queue_free(session->queue);
        house_style_unref(session->style);
        for (int i = 0; i < SESSION_RENDITIONS; i++)
                g_free(session->endpoints[i]);
        g_free(session->channel_id);
        g_free(session->id);
        g_free(session);
}

Session *session_new(const SessionOptions *options, BlockQueue *take_queue, GError **error) {
        Session *session = g_new0(Session, 1);
        session->id = g_strdup(options->session_id);
        session->channel_id = g_strdup(options->channel_id);
        for (int i = 0; i < SESSION_RENDITIONS; i++)
                session->endpoints[i] = g_strdup(options->stream_endpoints[i]);
        session->format = options->format;
        session->style = options->style ? house_style_ref(options->style) : house_style_new();
        session->frames = (FrameClock){options->epoch_utc_ms, options->format.rate};
        session->clock = options->clock;
        session->boot = options->boot;
        session->subscribers = options->subscribers;
        session->on_broken = options->on_broken;
        session->user = options->user;
        session->queue = take_queue;
        session->mailbox = rv_mailbox_new(NULL, on_news, session, news_free);
        if (!start(session, options, error)) {
                session_free(session);
                return NULL;
        }
        rv_info("session.started", RV_S("session", session->id), RV_I("epoch_utc_ms", options->epoch_utc_ms));
        publish(session, (BlockEventFacts){.kind = EVENT_SESSION_STARTED, .epoch_utc_ms = options->epoch_utc_ms}, 0);
        return session;
}

static void log_lateness(const Session *session) {
        const SeamStats stats = seam_stats(session->seam);
        g_autofree char *histogram = lateness_text(&stats.lateness);
        rv_info("session.lateness", RV_S("session", session->id), RV_I("ticks", lateness_count(&stats.lateness)),
                RV_I("late_ticks", stats.late_ticks), RV_I("fallback", stats.fallback),
                RV_I("p50_us", lateness_percentile_us(&stats.lateness, 500)),
                RV_I("p99_us", lateness_percentile_us(&stats.lateness, 990)), RV_I("max_us", stats.lateness.max_us),
                RV_S("histogram_us", histogram));
}

void session_end(Session *session, const char *reason, const char *detail) {
        log_lateness(session);
        seam_free(session->seam); /* the last reports come now */
        session->seam = NULL;
        if (session->evidence)
                (void)evidence_sender_emit(session->evidence,
                                           testimony_of_end(reason, detail, rv_clock_utc_ms(session->clock)));
        publish(session, (BlockEventFacts){.kind = EVENT_SESSION_ENDED, .reason = reason, .detail = detail},
                session->last_tick); /* INV-CONTROL-007 */
        rv_info("session.ended", RV_S("session", session->id), RV_S("reason", reason), RV_S("detail", detail),
                RV_I("tick", session->last_tick));
        session_free(session);
}

/* --- from core --- */

const char *session_id(const Session *session) {
        return session->id;
}

int64_t session_epoch_utc_ms(const Session *session) {
        return session->frames.epoch_utc_ms;
}

QueueResult session_feed(Session *session, const BlockPlan *block, char **ret_detail) {
        const QueueResult result = block_queue_push(session->queue, block, ret_detail);
        if (result != QUEUE_OK)
                return result;
        announce(session);
        seam_queue_changed(session->seam);
        return result;
}

unsigned session_credits(Session *session) {
        return block_queue_credits(session->queue);
}

bool session_attach(Session *session, int rendition, const char *endpoint, GError **error) {
        if (session->output && !attach_output(session, rendition, endpoint, error))
                return false;
        g_free(session->endpoints[rendition]);
        session->endpoints[rendition] = g_strdup(endpoint);
        return true;
}

void session_detach(Session *session) {
        for (int i = 0; i < SESSION_RENDITIONS; i++)
                g_clear_pointer(&session->endpoints[i], g_free);
        if (session->output)
                output_detach(session->output);
}

bool session_has_reader(Session *session) {
        return session->output && output_stats(session->output).connected;
}
