#include "air/output/rendition.h"

#include <stdatomic.h>

#include "air/output/encoder.h"
#include "air/output/mux.h"
#include "air/output/sender.h"
#include "air/output/signals/signals.h"
#include "proto/base/clock.h"
#include "proto/base/error.h"
#include "proto/base/log.h"

/* As of the first rendition: from here on the last picture is shown again, and here the coder is stuck. */
#define BEHIND_PICTURES 12
#define STUCK_PICTURES 600

struct Rendition {
        GstElement *pipeline;
        Mux mux;
        Sender *sender;
        Signals *signals;
        GstPad *sound; /* of the first rendition */
        gulong sound_probe;

        /* Any thread. */
        atomic_bool failed;
        atomic_int_fast64_t signalled_tick; /* of the next picture to leave the multiplexer; its thread's once begun */

        bool has_sound_caps; /* the first rendition's sound thread's */

        /* The tick thread's, and the control loop's once there is no tick thread any more. */
        struct {
                Encoder encoder;
                GstBuffer *shown;
                bool ended; /* it has failed, and its stream is closed */
        } rt;
};

/* INV-OUTPUT-022: told once, and nobody else hears of it. */
static void fail(Rendition *rendition, const char *detail) {
        if (!atomic_exchange(&rendition->failed, true))
                rv_error("output.rendition_failed", RV_S("detail", detail));
}

static GstBusSyncReply on_message(GstBus *bus, GstMessage *message, gpointer user) {
        if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS)
                return GST_BUS_PASS;
        if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
                g_autoptr(GError) error = NULL;
                gst_message_parse_error(message, &error, NULL);
                fail(user, error->message);
        }
        gst_message_unref(message);
        return GST_BUS_DROP;
}

static void on_unit(void *user, uint8_t *take_data, size_t size, MuxUnitKind kind) {
        Rendition *rendition = user;
        sender_put(rendition->sender, take_data, size, kind);
}

static void on_picture(void *user) {
        Rendition *rendition = user;
        size_t size;
        uint8_t *packets = signals_behind(rendition->signals, atomic_fetch_add(&rendition->signalled_tick, 1), &size);
        if (packets)
                sender_put(rendition->sender, packets, size, MUX_CONTINUES);
}

/* Frames of sound on their way into the first multiplexer: the second gets them, too, with the same times. */
static GstPadProbeReturn on_sound(GstPad *pad, GstPadProbeInfo *info, gpointer user) {
        Rendition *rendition = user;
        GstAppSrc *in = rendition->rt.encoder.sound_in;
        if (atomic_load(&rendition->failed))
                return GST_PAD_PROBE_OK;
        if (!rendition->has_sound_caps) {
                g_autoptr(GstCaps) caps = gst_pad_get_current_caps(pad);
                gst_app_src_set_caps(in, caps);
                rendition->has_sound_caps = caps != NULL;
        }
        if (gst_app_src_push_buffer(in, gst_buffer_copy(GST_PAD_PROBE_INFO_BUFFER(info))) != GST_FLOW_OK)
                fail(rendition, "it takes no sound");
        return GST_PAD_PROBE_OK;
}

static bool build(Rendition *rendition, const OutputOptions *first, GError **error) {
        const HouseFormat *format = &first->format;
        const HouseFormat second = house_format_second(format);
        const MuxOptions options = {.sink = {.unit = on_unit, .behind_picture = on_picture, .user = rendition},
                                    .service_id = first->style->service_id,
                                    .splices = first->style->splices};
        rendition->signals =
                signals_new(&second, first->style, first->epoch_utc_ms, first->style->splices ? MUX_SPLICE_PID : 0);
        Encoder *encoder = &rendition->rt.encoder;
        rendition->pipeline = gst_pipeline_new("rendition");
        GstBin *bin = GST_BIN(rendition->pipeline);
        if (!encoder_init_second(encoder, bin, &second, format, error) ||
            !mux_init(&rendition->mux, bin, &options, error) ||
            !mux_link(&rendition->mux, encoder->picture_out, encoder->sound_out, error))
                return false;
        g_autoptr(GstBus) bus = gst_element_get_bus(rendition->pipeline);
        gst_bus_set_sync_handler(bus, on_message, rendition, NULL);
        gst_pipeline_use_clock(GST_PIPELINE(rendition->pipeline), NULL);
        if (gst_element_set_state(rendition->pipeline, GST_STATE_PLAYING) != GST_STATE_CHANGE_FAILURE)
                return true;
        g_set_error(error, RV_ERROR, RV_ERROR_FAILED, "the second rendition's pipeline does not start");
        return false;
}

Rendition *rendition_new(const OutputOptions *options, GstElement *sound, size_t ring_bytes, GError **error) {
        g_autoptr(Rendition) rendition = g_new0(Rendition, 1);
        rendition->sender = sender_new(ring_bytes, error);
        if (!rendition->sender || !build(rendition, options, error))
                return NULL;
        rendition->sound = gst_element_get_static_pad(sound, "src");
        rendition->sound_probe =
                gst_pad_add_probe(rendition->sound, GST_PAD_PROBE_TYPE_BUFFER, on_sound, rendition, NULL);
        return g_steal_pointer(&rendition);
}

void rendition_free(Rendition *rendition) {
        if (!rendition)
                return;
        if (rendition->sound_probe)
                gst_pad_remove_probe(rendition->sound, rendition->sound_probe);
        gst_clear_object(&rendition->sound);
        if (rendition->pipeline) {
                (void)gst_element_set_state(rendition->pipeline, GST_STATE_NULL);
                gst_object_unref(rendition->pipeline);
        }
        gst_clear_buffer(&rendition->rt.shown);
        signals_free(rendition->signals);
        sender_free(rendition->sender);
        g_free(rendition);
}

bool rendition_attach(Rendition *rendition, const char *socket_path, GError **error) {
        if (!atomic_load(&rendition->failed))
                return sender_attach(rendition->sender, socket_path, error);
        g_set_error(error, RV_ERROR, RV_ERROR_UNAVAILABLE, "the second rendition has failed");
        return false;
}

void rendition_detach(Rendition *rendition) {
        sender_detach(rendition->sender);
}

void rendition_announce(Rendition *rendition, const OutputOutlook *outlook) {
        signals_announce(rendition->signals, outlook);
}

/* Its reader is told by the end of the stream; pictures that wait for its coder are let go. */
static bool has_ended(Rendition *rendition) {
        if (atomic_load(&rendition->failed) && !rendition->rt.ended) {
                rendition->rt.ended = true;
                sender_detach(rendition->sender);
                (void)gst_element_set_state(rendition->pipeline, GST_STATE_NULL);
                gst_clear_buffer(&rendition->rt.shown);
        }
        return rendition->rt.ended;
}

void rendition_push_picture(Rendition *rendition, int64_t tick, GstBuffer *picture, bool idr) {
        const uint64_t backlog = encoder_backlog(&rendition->rt.encoder);
        if (backlog > STUCK_PICTURES)
                fail(rendition, "its encoder has stopped taking pictures");
        if (has_ended(rendition))
                return;
        if (!rendition->rt.shown)
                atomic_store(&rendition->signalled_tick, tick);
        if (backlog <= BEHIND_PICTURES || !rendition->rt.shown)
                gst_buffer_replace(&rendition->rt.shown, picture);
        GstBuffer *pushed = gst_buffer_copy(rendition->rt.shown);
        if (rendition->rt.shown != picture)
                encoder_keep_captions(pushed, picture);
        if (!encoder_push_picture(&rendition->rt.encoder, tick, pushed, idr))
                fail(rendition, "its encoder takes no pictures");
}

void rendition_finish(Rendition *rendition, int64_t until_mono_ns) {
        if (has_ended(rendition) || !sender_stats(rendition->sender).connected)
                return;
        encoder_end(&rendition->rt.encoder);
        const int64_t left_ns = until_mono_ns - rv_clock_mono_ns(rv_clock_system());
        g_autoptr(GstBus) bus = gst_element_get_bus(rendition->pipeline);
        g_autoptr(GstMessage) end = gst_bus_timed_pop_filtered(bus, (GstClockTime)MAX(left_ns, 0), GST_MESSAGE_EOS);
        sender_drain(rendition->sender, until_mono_ns);
}
