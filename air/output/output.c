#include "air/output/output.h"

#include <gst/gst.h>
#include <gst/video/video.h>
#include <stdatomic.h>

#include "air/output/encoder.h"
#include "air/output/gst.h"
#include "air/output/mux.h"
#include "air/output/rendition.h"
#include "air/output/sender.h"
#include "air/output/signals/signals.h"
#include "proto/base/clock.h"
#include "proto/base/error.h"
#include "proto/base/log.h"

#define DEFAULT_RING_BYTES ((size_t)8 << 20)
#define MAX_LEAD_TICKS 240
/* Pictures waiting for the encoder: from here on the last one is shown again, which costs next to nothing to encode. */
#define BEHIND_PICTURES 12
/* Pictures waiting for the encoder that keep it busy while more are made. */
#define ENOUGH_PICTURES 6
/* ... and from here on it is not slow but stuck. */
#define STUCK_PICTURES 600
/* INV-TEARDOWN-BOUNDED: what is inside gets so long to leave the encoders, and the ring, before all is closed. */
#define FINISH_NS (500 * 1000000LL)
#define DRAIN_NS (800 * 1000000LL)

/* A picture whose sound has gone ahead. */
typedef struct {
        GstBuffer *picture;
        int64_t tick;
        bool idr;
} Held;

struct Output {
        OutputOptions options; /* constant, as is the size of a picture */
        size_t picture_bytes;
        GstElement *pipeline;
        Mux mux;
        Sender *sender;
        Rendition *second; /* NULL: there is none */
        Signals *signals;

        /* Any thread. */
        atomic_bool failed;
        atomic_int_fast64_t signalled_tick; /* of the next picture to leave the multiplexer; its thread's once begun */
        atomic_bool coder_failed;           /* hardware did: the tick thread replaces it */
        atomic_uint_fast64_t frames_in, frames_repeated;

        /* The tick thread's, and the control loop's once there is no tick thread any more. */
        struct {
                Encoder encoder;
                Held *held; /* ring of lead_ticks + 1 */
                uint32_t first_held, n_held;
                GstMemory *shown; /* the picture last given to the encoder */
                int64_t next_tick;
                bool begun;
        } rt;
};

void output_prepare(const char *cache_dir) {
        gst_prepare(cache_dir);
}

bool output_init(GError **error) {
        return gst_start(error);
}

static void fail(Output *output, const char *detail) {
        if (!atomic_exchange(&output->failed, true) && output->options.on_failed)
                output->options.on_failed(output->options.user, detail);
}

/* Told once: what an encoder says is said again by what feeds it. */
static void coder_fails(Output *output, const char *detail) {
        if (!atomic_exchange(&output->coder_failed, true))
                coder_tell_fallback(&output->options.format, detail);
}

/* On whichever thread an element speaks. Nobody reads the bus but output_free: what it does not want must not pile up.
 */
static GstBusSyncReply on_message(GstBus *bus, GstMessage *message, gpointer user) {
        const GstMessageType type = GST_MESSAGE_TYPE(message);
        if (type == GST_MESSAGE_EOS)
                return GST_BUS_PASS;
        if (type == GST_MESSAGE_ERROR) {
                g_autoptr(GError) error = NULL;
                g_autofree char *debug = NULL;
                gst_message_parse_error(message, &error, &debug);
                g_autofree char *detail = g_strdup_printf("%s: %s (%s)", GST_MESSAGE_SRC_NAME(message), error->message,
                                                          debug ? debug : "no detail");
                if (coder_is_hardware_part(GST_MESSAGE_SRC(message))) {
                        coder_fails(user, detail);
                        gst_message_unref(message);
                        return GST_BUS_DROP;
                }
                fail(user, detail);
                return GST_BUS_PASS;
        }
        gst_message_unref(message);
        return GST_BUS_DROP;
}

static void on_unit(void *user, uint8_t *take_data, size_t size, MuxUnitKind kind) {
        Output *output = user;
        sender_put(output->sender, take_data, size, kind);
}

static void on_picture(void *user) {
        Output *output = user;
        size_t size;
        uint8_t *packets = signals_behind(output->signals, atomic_fetch_add(&output->signalled_tick, 1), &size);
        if (packets)
                sender_put(output->sender, packets, size, MUX_CONTINUES);
}

static bool play(Output *output) {
        return gst_element_set_state(output->pipeline, GST_STATE_PLAYING) != GST_STATE_CHANGE_FAILURE;
}

/* Hardware that does not start at all. */
static bool play_software(Output *output) {
        int64_t none;
        coder_fails(output, "it does not start");
        (void)gst_element_set_state(output->pipeline, GST_STATE_NULL);
        if (!encoder_fall_back(&output->rt.encoder, &none, NULL))
                return false;
        atomic_store(&output->coder_failed, false);
        return play(output);
}

static bool not_started(GError **error) {
        g_set_error(error, RV_ERROR, RV_ERROR_FAILED, "the GStreamer pipeline does not start");
        return false;
}

static bool build(Output *output, const HouseStyle *style, GError **error) {
        output->pipeline = gst_pipeline_new("output");
        GstBin *bin = GST_BIN(output->pipeline);
        Encoder *encoder = &output->rt.encoder;
        const MuxOptions mux = {
                .sink = {.unit = on_unit, .behind_picture = on_picture, .user = output},
                .service_id = style->service_id,
                .splices = style->splices,
        };
        if (!encoder_init(encoder, bin, &output->options.format, error) || !mux_init(&output->mux, bin, &mux, error) ||
            !mux_link(&output->mux, encoder->picture_out, encoder->sound_out, error))
                return false;
        g_autoptr(GstBus) bus = gst_element_get_bus(output->pipeline);
        gst_bus_set_sync_handler(bus, on_message, output, NULL);
        gst_pipeline_use_clock(GST_PIPELINE(output->pipeline), NULL);
        return play(output) || (encoder->coder.hardware && play_software(output)) || not_started(error);
}

static size_t ring_bytes(const Output *output) {
        return output->options.ring_bytes ? output->options.ring_bytes : DEFAULT_RING_BYTES;
}

/* INV-OUTPUT-022: a channel without it is better than none. */
static void build_second(Output *output, const HouseStyle *style) {
        g_autoptr(GError) error = NULL;
        OutputOptions options = output->options;
        options.style = style;
        output->second = rendition_new(&options, output->rt.encoder.sound_out, ring_bytes(output), &error);
        if (!output->second)
                rv_error("output.rendition_failed", RV_S("detail", error->message));
}

static size_t picture_bytes(const HouseFormat *format) {
        GstVideoInfo info;
        g_assert(gst_video_info_set_format(&info, GST_VIDEO_FORMAT_I420, (guint)format->width, (guint)format->height));
        return GST_VIDEO_INFO_SIZE(&info);
}

Output *output_new(const OutputOptions *options, GError **error) {
        g_assert(options->lead_ticks <= MAX_LEAD_TICKS);
        const char *fault = house_format_fault(&options->format);
        if (fault) {
                g_set_error(error, RV_ERROR, RV_ERROR_INVALID, "house format: %s", fault);
                return NULL;
        }
        g_autoptr(Output) output = g_new0(Output, 1);
        output->options = *options;
        output->picture_bytes = picture_bytes(&options->format);
        output->rt.held = g_new0(Held, options->lead_ticks + 1);
        output->sender = sender_new(ring_bytes(output), error);
        g_autoptr(HouseStyle) style = options->style ? house_style_ref(options->style) : house_style_new();
        output->signals =
                signals_new(&options->format, style, options->epoch_utc_ms, style->splices ? MUX_SPLICE_PID : 0);
        if (!output->sender || !build(output, style, error))
                return NULL;
        if (house_format_has_second(&options->format))
                build_second(output, style);
        return g_steal_pointer(&output);
}

static GstBuffer *shown_again(Output *output) {
        GstBuffer *picture = gst_buffer_new();
        gst_buffer_append_memory(picture, gst_memory_ref(output->rt.shown));
        atomic_fetch_add(&output->frames_repeated, 1);
        return picture;
}

/* INV-OUTPUT-021: what hardware has swallowed is made up for by the picture shown last, tick for tick. */
static void fall_back(Output *output, int64_t due_tick) {
        Encoder *encoder = &output->rt.encoder;
        g_autoptr(GError) error = NULL;
        int64_t tick;
        if (!encoder_fall_back(encoder, &tick, &error)) {
                fail(output, error->message);
                return;
        }
        atomic_store(&output->coder_failed, false);
        for (; output->rt.shown && tick < due_tick; tick++)
                (void)encoder_push_picture(encoder, tick, shown_again(output), encoder_asked_for_idr(encoder, tick));
}

/* INV-OUTPUT-005: one picture goes in for every tick, the one due or, while the encoder is behind, the last one again.
 */
static void encode(Output *output, const Held *take_held) {
        GstBuffer *picture = take_held->picture;
        if (atomic_load(&output->coder_failed))
                fall_back(output, take_held->tick);
        if (output->second)
                rendition_push_picture(output->second, take_held->tick, picture, take_held->idr);
        const uint64_t backlog = encoder_backlog(&output->rt.encoder);
        if (backlog > STUCK_PICTURES) {
                gst_buffer_unref(picture);
                fail(output, "the encoder has stopped taking pictures");
                return;
        }
        if (backlog > BEHIND_PICTURES && output->rt.shown) {
                picture = shown_again(output);
                encoder_keep_captions(picture, take_held->picture);
                gst_buffer_unref(take_held->picture);
        } else {
                g_clear_pointer(&output->rt.shown, gst_memory_unref);
                output->rt.shown = gst_buffer_get_memory(picture, 0);
        }
        const bool pushed = encoder_push_picture(&output->rt.encoder, take_held->tick, picture, take_held->idr);
        if (!pushed && !atomic_load(&output->coder_failed))
                fail(output, "the encoder takes no pictures");
}

static void hold(Output *output, GstBuffer *take_picture, const OutputFrame *frame) {
        const uint32_t slots = output->options.lead_ticks + 1;
        output->rt.held[(output->rt.first_held + output->rt.n_held) % slots] =
                (Held){.picture = take_picture, .tick = frame->tick, .idr = frame->idr};
        output->rt.n_held++;
}

static Held take_oldest(Output *output) {
        const Held held = output->rt.held[output->rt.first_held];
        output->rt.first_held = (output->rt.first_held + 1) % (output->options.lead_ticks + 1);
        output->rt.n_held--;
        return held;
}

void output_push(Output *output, const OutputFrame *take_frame) {
        const OutputFrame *frame = take_frame;
        g_assert(frame->size == output->picture_bytes);
        g_assert(output->rt.begun ? frame->tick == output->rt.next_tick : frame->tick >= 0);
        if (!output->rt.begun)
                atomic_store(&output->signalled_tick, frame->tick);
        output->rt.begun = true;
        output->rt.next_tick = frame->tick + 1;
        atomic_fetch_add(&output->frames_in, 1);

        /* INV-OUTPUT-007: from here on the buffer's end, wherever it comes, is the picture's release. */
        GstBuffer *picture = gst_buffer_new_wrapped_full(GST_MEMORY_FLAG_READONLY, (gpointer)frame->data, frame->size,
                                                         0, frame->size, frame->picture, frame->release);
        if (atomic_load(&output->failed)) {
                gst_buffer_unref(picture);
                return;
        }
        if (!encoder_push_sound(&output->rt.encoder, frame->tick, frame->samples, frame->n_samples))
                fail(output, "the encoder takes no sound");
        if (frame->captions_size > 0)
                (void)gst_buffer_add_video_caption_meta(picture, GST_VIDEO_CAPTION_TYPE_CEA708_RAW, frame->captions,
                                                        frame->captions_size);
        hold(output, picture, frame);
        if (output->rt.n_held <= output->options.lead_ticks)
                return;
        const Held due = take_oldest(output);
        encode(output, &due);
}

void output_announce(Output *output, const OutputOutlook *outlook) {
        signals_announce(output->signals, outlook);
        if (output->second)
                rendition_announce(output->second, outlook);
}

bool output_has_room(const Output *output) {
        return encoder_backlog(&output->rt.encoder) < ENOUGH_PICTURES;
}

bool output_attach(Output *output, const char *socket_path, GError **error) {
        return sender_attach(output->sender, socket_path, error);
}

bool output_attach_second(Output *output, const char *socket_path, GError **error) {
        if (output->second)
                return rendition_attach(output->second, socket_path, error);
        g_set_error(error, RV_ERROR, RV_ERROR_UNAVAILABLE, "there is no second rendition");
        return false;
}

void output_detach(Output *output) {
        sender_detach(output->sender);
        if (output->second)
                rendition_detach(output->second);
}

OutputStats output_stats(Output *output) {
        const SenderStats sent = sender_stats(output->sender);
        return (OutputStats){
                .bytes_sent = sent.bytes_sent,
                .bytes_dropped = sent.bytes_dropped,
                .frames_in = atomic_load(&output->frames_in),
                .frames_repeated = atomic_load(&output->frames_repeated),
                .connected = sent.connected,
        };
}

/* Lets what was pushed come out at the other end, within bounds. */
static void finish(Output *output) {
        const int64_t now_ns = rv_clock_mono_ns(rv_clock_system());
        while (output->rt.n_held > 0) {
                const Held held = take_oldest(output);
                encode(output, &held);
        }
        encoder_end(&output->rt.encoder);
        g_autoptr(GstBus) bus = gst_element_get_bus(output->pipeline);
        g_autoptr(GstMessage) end = gst_bus_timed_pop_filtered(bus, FINISH_NS, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
        if (output->second)
                rendition_finish(output->second, now_ns + DRAIN_NS);
        sender_drain(output->sender, now_ns + DRAIN_NS); /* INV-TEARDOWN-BOUNDED */
}

void output_free(Output *output) {
        if (!output)
                return;
        if (output->rt.begun && !atomic_load(&output->failed) && sender_stats(output->sender).connected)
                finish(output);
        while (output->rt.n_held > 0)
                gst_buffer_unref(take_oldest(output).picture);
        if (output->pipeline) {
                (void)gst_element_set_state(output->pipeline, GST_STATE_NULL);
                gst_object_unref(output->pipeline);
        }
        rendition_free(output->second);
        g_clear_pointer(&output->rt.shown, gst_memory_unref);
        signals_free(output->signals);
        sender_free(output->sender);
        g_free(output->rt.held);
        g_free(output);
}
