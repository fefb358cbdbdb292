#include "air/output/rendition.h"

#include <stdatomic.h>

#include "air/output/line.h"
#include "proto/base/error.h"
#include "proto/base/log.h"

struct Rendition {
        Line *line;
        GstPad *sound; /* of the first rendition */
        gulong sound_probe;
        bool has_sound_caps; /* the first rendition's sound thread's */
        bool stopped;        /* the tick thread's, then the control loop's: it has failed, and its stream is closed */
};

/* INV-OUTPUT-022: told once, and nobody else hears of it. */
static void on_failed(void *user, const char *detail) {
        rv_error("output.rendition_failed", RV_S("detail", detail));
}

/* Frames of sound on their way into the first multiplexer: the second gets them, too, with the same times. */
static GstPadProbeReturn on_sound(GstPad *pad, GstPadProbeInfo *info, gpointer user) {
        Rendition *rendition = user;
        if (line_has_failed(rendition->line))
                return GST_PAD_PROBE_OK;
        GstAppSrc *in = line_sound_in(rendition->line);
        if (!rendition->has_sound_caps) {
                g_autoptr(GstCaps) caps = gst_pad_get_current_caps(pad);
                gst_app_src_set_caps(in, caps);
                rendition->has_sound_caps = caps != NULL;
        }
        if (gst_app_src_push_buffer(in, gst_buffer_copy(GST_PAD_PROBE_INFO_BUFFER(info))) != GST_FLOW_OK)
                line_fail(rendition->line, "it takes no sound");
        return GST_PAD_PROBE_OK;
}

Rendition *rendition_new(const OutputOptions *options, GstElement *sound, size_t ring_bytes, GError **error) {
        const LineOptions second = {
                .format = house_format_second(&options->format),
                .from = &options->format,
                .style = options->style,
                .epoch_utc_ms = options->epoch_utc_ms,
                .ring_bytes = ring_bytes,
                .on_failed = on_failed,
        };
        Line *line = line_new(&second, error);
        if (!line)
                return NULL;
        Rendition *rendition = g_new0(Rendition, 1);
        rendition->line = line;
        rendition->sound = gst_element_get_static_pad(sound, "src");
        rendition->sound_probe =
                gst_pad_add_probe(rendition->sound, GST_PAD_PROBE_TYPE_BUFFER, on_sound, rendition, NULL);
        return rendition;
}

void rendition_free(Rendition *rendition) {
        if (!rendition)
                return;
        gst_pad_remove_probe(rendition->sound, rendition->sound_probe);
        gst_object_unref(rendition->sound);
        line_free(rendition->line);
        g_free(rendition);
}

bool rendition_attach(Rendition *rendition, const char *socket_path, GError **error) {
        if (!line_has_failed(rendition->line))
                return line_attach(rendition->line, socket_path, error);
        g_set_error(error, RV_ERROR, RV_ERROR_UNAVAILABLE, "the second rendition has failed");
        return false;
}

void rendition_detach(Rendition *rendition) {
        line_detach(rendition->line);
}

void rendition_announce(Rendition *rendition, const OutputOutlook *outlook) {
        line_announce(rendition->line, outlook);
}

/* Its reader is told by the end of the stream; pictures that wait for its coder are let go. */
static bool has_ended(Rendition *rendition) {
        if (line_has_failed(rendition->line) && !rendition->stopped) {
                rendition->stopped = true;
                line_stop(rendition->line);
        }
        return rendition->stopped;
}

void rendition_push_picture(Rendition *rendition, int64_t tick, GstBuffer *picture, bool idr) {
        if (!has_ended(rendition))
                line_push_picture(rendition->line, tick, gst_buffer_copy(picture), idr,
                                  line_is_behind(rendition->line) ? LINE_SHOWS_LAST : LINE_SHOWS_IT);
}

void rendition_finish(Rendition *rendition, int64_t until_mono_ns) {
        if (has_ended(rendition) || !line_sent(rendition->line).connected)
                return;
        line_end(rendition->line, until_mono_ns);
        line_drain(rendition->line, until_mono_ns);
}
