#include "air/output/output.h"

#include <gst/gst.h>
#include <gst/video/video.h>
#include <stdatomic.h>

#include "air/output/gst.h"
#include "air/output/line.h"
#include "air/output/rendition.h"
#include "proto/base/clock.h"
#include "proto/base/error.h"
#include "proto/base/log.h"

#define DEFAULT_RING_BYTES ((size_t)8 << 20)
#define MAX_LEAD_TICKS 240
/* INV-TEARDOWN-BOUNDED: what is inside gets so long to leave the encoders, and the ring, before all is closed. */
#define FINISH_NS (500 * 1000000LL)
#define DRAIN_NS (800 * 1000000LL)

/* A picture whose sound has gone ahead. */
typedef struct {
        GstBuffer *picture;
        int64_t tick;
        bool idr;
        LineShows shows;
} Held;

struct Output {
        OutputOptions options; /* constant, as is the size of a picture */
        size_t picture_bytes;
        Line *line;
        Rendition *second; /* NULL: there is none */
        atomic_uint_fast64_t frames_in;

        /* The tick thread's, and the control loop's once there is no tick thread any more. */
        struct {
                Held *held; /* ring of lead_ticks + 1 */
                uint32_t first_held, n_held;
                const uint8_t *shown; /* what is seen at the tick before: its buffer is held, or the line's last */
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

/* INV-OUTPUT-022: a channel without it is better than none. */
static void build_second(Output *output, const HouseStyle *style, size_t ring_bytes) {
        g_autoptr(GError) error = NULL;
        OutputOptions options = output->options;
        options.style = style;
        output->second = rendition_new(&options, line_sound_out(output->line), ring_bytes, &error);
        if (!output->second)
                rv_error("output.rendition_failed", RV_S("detail", error->message));
}

static bool build(Output *output, GError **error) {
        const OutputOptions *options = &output->options;
        g_autoptr(HouseStyle) style = options->style ? house_style_ref(options->style) : house_style_new();
        const LineOptions first = {
                .format = options->format,
                .style = style,
                .epoch_utc_ms = options->epoch_utc_ms,
                .ring_bytes = options->ring_bytes ? options->ring_bytes : DEFAULT_RING_BYTES,
                .on_failed = options->on_failed,
                .user = options->user,
        };
        output->line = line_new(&first, error);
        if (output->line && house_format_has_second(&options->format))
                build_second(output, style, first.ring_bytes);
        return output->line != NULL;
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
        output->picture_bytes = house_picture_layout(options->format.width, options->format.height).size;
        output->rt.held = g_new0(Held, options->lead_ticks + 1);
        return build(output, error) ? g_steal_pointer(&output) : NULL;
}

static void encode(Output *output, const Held *take_held) {
        if (output->second)
                rendition_push_picture(output->second, take_held->tick, take_held->picture, take_held->idr);
        line_push_picture(output->line, take_held->tick, take_held->picture, take_held->idr, take_held->shows);
}

/* INV-OUTPUT-005: what will be seen at this tick is known now, although its picture is not encoded yet. */
static LineShows choose(Output *output, const OutputFrame *frame) {
        if (output->rt.shown && output->rt.shown != frame->data && line_is_behind(output->line))
                return LINE_SHOWS_LAST;
        output->rt.shown = frame->data;
        return LINE_SHOWS_IT;
}

static void hold(Output *output, GstBuffer *take_picture, const OutputFrame *frame, LineShows shows) {
        const uint32_t slots = output->options.lead_ticks + 1;
        output->rt.held[(output->rt.first_held + output->rt.n_held) % slots] =
                (Held){.picture = take_picture, .tick = frame->tick, .idr = frame->idr, .shows = shows};
        output->rt.n_held++;
}

static Held take_oldest(Output *output) {
        const Held held = output->rt.held[output->rt.first_held];
        output->rt.first_held = (output->rt.first_held + 1) % (output->options.lead_ticks + 1);
        output->rt.n_held--;
        return held;
}

bool output_push(Output *output, const OutputFrame *take_frame) {
        const OutputFrame *frame = take_frame;
        g_assert(frame->size == output->picture_bytes);
        g_assert(output->rt.begun ? frame->tick == output->rt.next_tick : frame->tick >= 0);
        const bool first = !output->rt.begun;
        output->rt.begun = true;
        output->rt.next_tick = frame->tick + 1;
        atomic_fetch_add(&output->frames_in, 1);

        /* INV-OUTPUT-007: from here on the buffer's end, wherever it comes, is the picture's release. */
        GstBuffer *picture = gst_buffer_new_wrapped_full(GST_MEMORY_FLAG_READONLY, (gpointer)frame->data, frame->size,
                                                         0, frame->size, frame->picture, frame->release);
        if (line_has_failed(output->line)) {
                gst_buffer_unref(picture);
                return false;
        }
        line_push_sound(output->line, frame->tick, frame->samples, frame->n_samples);
        if (frame->captions_size > 0)
                (void)gst_buffer_add_video_caption_meta(picture, GST_VIDEO_CAPTION_TYPE_CEA708_RAW, frame->captions,
                                                        frame->captions_size);
        const LineShows shows = choose(output, frame);
        hold(output, picture, frame, shows);
        /* The first is the slowest to code, which is done while those are made whose sound it waits for. */
        if (first || output->rt.n_held > output->options.lead_ticks) {
                const Held due = take_oldest(output);
                encode(output, &due);
        }
        return shows == LINE_SHOWS_IT;
}

void output_announce(Output *output, const OutputOutlook *outlook) {
        line_announce(output->line, outlook);
        if (output->second)
                rendition_announce(output->second, outlook);
}

bool output_has_room(const Output *output) {
        return line_has_room(output->line);
}

bool output_attach(Output *output, const char *socket_path, GError **error) {
        return line_attach(output->line, socket_path, error);
}

bool output_attach_second(Output *output, const char *socket_path, GError **error) {
        if (output->second)
                return rendition_attach(output->second, socket_path, error);
        g_set_error(error, RV_ERROR, RV_ERROR_UNAVAILABLE, "there is no second rendition");
        return false;
}

void output_detach(Output *output) {
        line_detach(output->line);
        if (output->second)
                rendition_detach(output->second);
}

OutputStats output_stats(Output *output) {
        const SenderStats sent = line_sent(output->line);
        return (OutputStats){
                .bytes_sent = sent.bytes_sent,
                .bytes_dropped = sent.bytes_dropped,
                .frames_in = atomic_load(&output->frames_in),
                .frames_repeated = line_frames_repeated(output->line),
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
        line_end(output->line, now_ns + FINISH_NS);
        if (output->second)
                rendition_finish(output->second, now_ns + DRAIN_NS);
        line_drain(output->line, now_ns + DRAIN_NS); /* INV-TEARDOWN-BOUNDED */
}

void output_free(Output *output) {
        if (!output)
                return;
        if (output->rt.begun && !line_has_failed(output->line) && line_sent(output->line).connected)
                finish(output);
        while (output->rt.n_held > 0)
                gst_buffer_unref(take_oldest(output).picture);
        if (output->line)
                line_stop(output->line); /* what the second hears of it must be still */
        rendition_free(output->second);
        line_free(output->line);
        g_free(output->rt.held);
        g_free(output);
}
