#include "air/output/line.h"

#include <stdatomic.h>

#include "air/output/encoder.h"
#include "air/output/mux.h"
#include "air/output/signals/signals.h"
#include "proto/base/clock.h"
#include "proto/base/error.h"

/* Pictures waiting for the encoder: from here on the last one is shown again, which costs next to nothing to encode. */
#define BEHIND_PICTURES 12
/* Pictures waiting for the encoder that keep it busy while more are made. */
#define ENOUGH_PICTURES 6
/* Pictures wait, it had so long to take one, and did not: it is not slow but stuck. */
#define STUCK_NS (20 * INT64_C(1000000000))
/* What counts of the time between two pictures: in a machine that was stopped, or that has no time for anybody, the
 * encoder was not given more. */
#define GIVEN_NS_MOST (INT64_C(1000000000))
/* More waiting would be memory without a bound: minutes of an engine that gets no processor. */
#define WAITING_MOST 7200

struct Line {
        LineOptions options; /* constant; what it borrows is not looked at again */
        GstElement *pipeline;
        Mux mux;
        Sender *sender;
        Signals *signals;

        /* Any thread. */
        atomic_bool failed;
        atomic_int_fast64_t signalled_tick; /* of the next picture to leave the multiplexer; its thread's once begun */
        atomic_bool coder_failed;           /* hardware did: the tick thread replaces it */
        atomic_uint_fast64_t frames_repeated;

        /* The tick thread's, and the control loop's once there is no tick thread any more. */
        struct {
                Encoder encoder;
                GstMemory *shown;   /* the picture last given to the encoder */
                uint64_t pushed;    /* pictures given to the encoder, ever; ... */
                uint64_t taken;     /* ... and taken by it, as seen last */
                int64_t looked_ns;  /* when that was; 0: never */
                int64_t without_ns; /* so long has it been given pictures and taken none */
        } rt;
};

void line_fail(Line *line, const char *detail) {
        if (!atomic_exchange(&line->failed, true) && line->options.on_failed)
                line->options.on_failed(line->options.user, detail);
}

bool line_has_failed(const Line *line) {
        return atomic_load(&line->failed);
}

/* Told once: what an encoder says is said again by what feeds it. */
static void coder_fails(Line *line, const char *detail) {
        if (!atomic_exchange(&line->coder_failed, true))
                coder_tell_fallback(&line->options.format, detail);
}

static char *detail_of(GstMessage *message) {
        g_autoptr(GError) error = NULL;
        g_autofree char *debug = NULL;
        gst_message_parse_error(message, &error, &debug);
        return g_strdup_printf("%s: %s (%s)", GST_MESSAGE_SRC_NAME(message), error->message,
                               debug ? debug : "no detail");
}

/* On whichever thread an element speaks. Nobody reads the bus but line_end, and only for the end: what it does not want
 * must not pile up. */
static GstBusSyncReply on_message(GstBus *bus, GstMessage *message, gpointer user) {
        const GstMessageType type = GST_MESSAGE_TYPE(message);
        if (type == GST_MESSAGE_EOS)
                return GST_BUS_PASS;
        if (type == GST_MESSAGE_ERROR) {
                g_autofree char *detail = detail_of(message);
                if (!coder_is_hardware_part(GST_MESSAGE_SRC(message))) {
                        line_fail(user, detail);
                        return GST_BUS_PASS;
                }
                coder_fails(user, detail);
        }
        gst_message_unref(message);
        return GST_BUS_DROP;
}

static void on_unit(void *user, uint8_t *take_data, size_t size, MuxUnitKind kind) {
        Line *line = user;
        sender_put(line->sender, take_data, size, kind);
}

static void on_picture(void *user) {
        Line *line = user;
        size_t size;
        uint8_t *packets = signals_behind(line->signals, atomic_fetch_add(&line->signalled_tick, 1), &size);
        if (packets)
                sender_put(line->sender, packets, size, MUX_CONTINUES);
}

static bool play(Line *line) {
        return gst_element_set_state(line->pipeline, GST_STATE_PLAYING) != GST_STATE_CHANGE_FAILURE;
}

/* Hardware that does not start at all. */
static bool play_software(Line *line) {
        int64_t none;
        coder_fails(line, "it does not start");
        (void)gst_element_set_state(line->pipeline, GST_STATE_NULL);
        if (!encoder_fall_back(&line->rt.encoder, &none, NULL))
                return false;
        atomic_store(&line->coder_failed, false);
        return play(line);
}

static bool not_started(GError **error) {
        g_set_error(error, RV_ERROR, RV_ERROR_FAILED, "the GStreamer pipeline does not start");
        return false;
}

static bool init_encoder(Line *line, GstBin *bin, GError **error) {
        const HouseFormat *format = &line->options.format, *from = line->options.from;
        return from ? encoder_init_second(&line->rt.encoder, bin, format, from, error)
                    : encoder_init(&line->rt.encoder, bin, format, error);
}

static bool build(Line *line, GError **error) {
        const HouseStyle *style = line->options.style;
        const MuxOptions mux = {
                .sink = {.unit = on_unit, .behind_picture = on_picture, .user = line},
                .service_id = style->service_id,
                .splices = style->splices,
        };
        line->pipeline = gst_pipeline_new("line");
        GstBin *bin = GST_BIN(line->pipeline);
        const Encoder *encoder = &line->rt.encoder;
        if (!init_encoder(line, bin, error) || !mux_init(&line->mux, bin, &mux, error) ||
            !mux_link(&line->mux, encoder->picture_out, encoder->sound_out, error))
                return false;
        g_autoptr(GstBus) bus = gst_element_get_bus(line->pipeline);
        gst_bus_set_sync_handler(bus, on_message, line, NULL);
        gst_pipeline_use_clock(GST_PIPELINE(line->pipeline), NULL);
        return play(line) || (encoder->coder.hardware && play_software(line)) || not_started(error);
}

Line *line_new(const LineOptions *options, GError **error) {
        g_autoptr(Line) line = g_new0(Line, 1);
        line->options = *options;
        line->sender = sender_new(options->ring_bytes, error);
        line->signals = signals_new(&options->format, options->style, options->epoch_utc_ms,
                                    options->style->splices ? MUX_SPLICE_PID : 0);
        return line->sender && build(line, error) ? g_steal_pointer(&line) : NULL;
}

void line_free(Line *line) {
        if (!line)
                return;
        if (line->pipeline) {
                (void)gst_element_set_state(line->pipeline, GST_STATE_NULL);
                gst_object_unref(line->pipeline);
        }
        g_clear_pointer(&line->rt.shown, gst_memory_unref);
        signals_free(line->signals);
        sender_free(line->sender);
        g_free(line);
}

bool line_attach(Line *line, const char *socket_path, GError **error) {
        return sender_attach(line->sender, socket_path, error);
}

void line_detach(Line *line) {
        sender_detach(line->sender);
}

void line_announce(Line *line, const OutputOutlook *outlook) {
        signals_announce(line->signals, outlook);
}

static GstBuffer *shown_again(Line *line) {
        GstBuffer *picture = gst_buffer_new();
        gst_buffer_append_memory(picture, gst_memory_ref(line->rt.shown));
        atomic_fetch_add(&line->frames_repeated, 1);
        return picture;
}

/* INV-OUTPUT-021: what hardware has swallowed is made up for by the picture shown last, tick for tick. */
static void fall_back(Line *line, int64_t due_tick) {
        Encoder *encoder = &line->rt.encoder;
        g_autoptr(GError) error = NULL;
        int64_t tick;
        if (!encoder_fall_back(encoder, &tick, &error)) {
                line_fail(line, error->message);
                return;
        }
        atomic_store(&line->coder_failed, false);
        for (; line->rt.shown && tick < due_tick; tick++)
                (void)encoder_push_picture(encoder, tick, shown_again(line), encoder_asked_for_idr(encoder, tick));
}

/* INV-OUTPUT-005: one picture goes in for every tick, the one due or, while the encoder is behind, the last one again.
 */
static GstBuffer *to_be_shown(Line *line, GstBuffer *take_picture, LineShows shows) {
        if (shows == LINE_SHOWS_IT || !line->rt.shown) {
                g_clear_pointer(&line->rt.shown, gst_memory_unref);
                line->rt.shown = gst_buffer_get_memory(take_picture, 0);
                return take_picture;
        }
        GstBuffer *again = shown_again(line);
        encoder_keep_captions(again, take_picture);
        gst_buffer_unref(take_picture);
        return again;
}

/* Slow is whoever takes a picture now and then: minutes of pictures may wait for it, and are made up for. */
static bool is_stuck(Line *line) {
        const uint64_t backlog = encoder_backlog(&line->rt.encoder);
        const uint64_t taken = line->rt.pushed - MIN(backlog, line->rt.pushed);
        const int64_t now_ns = rv_clock_mono_ns(rv_clock_system());
        const int64_t given_ns = line->rt.looked_ns ? MIN(now_ns - line->rt.looked_ns, GIVEN_NS_MOST) : 0;
        line->rt.without_ns = backlog > BEHIND_PICTURES && taken == line->rt.taken ? line->rt.without_ns + given_ns : 0;
        line->rt.taken = taken;
        line->rt.looked_ns = now_ns;
        return line->rt.without_ns > STUCK_NS || backlog > WAITING_MOST;
}

bool line_is_behind(const Line *line) {
        return encoder_backlog(&line->rt.encoder) > BEHIND_PICTURES;
}

void line_push_picture(Line *line, int64_t tick, GstBuffer *take_picture, bool idr, LineShows shows) {
        if (!line->rt.shown)
                atomic_store(&line->signalled_tick, tick);
        if (atomic_load(&line->coder_failed))
                fall_back(line, tick);
        if (is_stuck(line)) /* INV-OUTPUT-005 */
                line_fail(line, "the encoder has stopped taking pictures");
        if (line_has_failed(line)) {
                gst_buffer_unref(take_picture);
                return;
        }
        GstBuffer *picture = to_be_shown(line, take_picture, shows);
        line->rt.pushed++;
        if (!encoder_push_picture(&line->rt.encoder, tick, picture, idr) && !atomic_load(&line->coder_failed))
                line_fail(line, "the encoder takes no pictures");
}

void line_push_sound(Line *line, int64_t tick, const float *samples, uint32_t n_samples) {
        if (!line_has_failed(line) && !encoder_push_sound(&line->rt.encoder, tick, samples, n_samples))
                line_fail(line, "the encoder takes no sound");
}

bool line_has_room(const Line *line) {
        return encoder_backlog(&line->rt.encoder) < ENOUGH_PICTURES && !sender_is_behind(line->sender);
}

GstElement *line_sound_out(const Line *line) {
        return line->rt.encoder.sound_out;
}

GstAppSrc *line_sound_in(const Line *line) {
        return line->rt.encoder.sound_in;
}

void line_end(Line *line, int64_t until_mono_ns) {
        encoder_end(&line->rt.encoder);
        const int64_t left_ns = until_mono_ns - rv_clock_mono_ns(rv_clock_system());
        g_autoptr(GstBus) bus = gst_element_get_bus(line->pipeline);
        g_autoptr(GstMessage) end =
                gst_bus_timed_pop_filtered(bus, (GstClockTime)MAX(left_ns, 0), GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
}

void line_drain(Line *line, int64_t until_mono_ns) {
        sender_drain(line->sender, until_mono_ns);
}

void line_stop(Line *line) {
        sender_detach(line->sender);
        (void)gst_element_set_state(line->pipeline, GST_STATE_NULL);
        g_clear_pointer(&line->rt.shown, gst_memory_unref);
}

SenderStats line_sent(const Line *line) {
        return sender_stats(line->sender);
}

uint64_t line_frames_repeated(const Line *line) {
        return atomic_load(&line->frames_repeated);
}
