#include "air/producer/filter.h"

#include <libavfilter/avfilter.h>
#include <libavfilter/buffersink.h>
#include <libavfilter/buffersrc.h>
#include <libavutil/display.h>
#include <math.h>

#define DEINTERLACE "bwdif=mode=send_frame:parity=auto:deint=interlaced"

struct Filter {
        AVRational time_base;
        const char *upright;  /* filters that put the picture up; NULL: it is */
        bool interlaced;      /* a picture has been, since the last flush */
        AVFilterGraph *graph; /* NULL: pictures pass through */
        AVFilterContext *source, *sink;
        int width, height, format; /* of the graph's input */
        AVFrame *passing;          /* has a buffer when there is one to pull */
};

/* Clockwise quarter turns of the picture as coded, after an optional mirroring. */
static const char *upright_of(const AVStream *stream) {
        static const char *const turned[] = {NULL, "transpose=clock", "hflip,vflip", "transpose=cclock"};
        static const char *const mirrored[] = {"hflip", "transpose=cclock_flip", "vflip", "transpose=clock_flip"};
        const int32_t *stored = (const int32_t *)av_stream_get_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, NULL);
        if (!stored)
                return NULL;
        int32_t matrix[9];
        for (int i = 0; i < 9; i++)
                matrix[i] = stored[i];
        const bool mirror = (int64_t)matrix[0] * matrix[4] - (int64_t)matrix[1] * matrix[3] < 0;
        if (mirror)
                av_display_matrix_flip(matrix, 1, 0);
        const double clockwise = -av_display_rotation_get(matrix);
        if (isnan(clockwise))
                return NULL;
        const int quarter = (int)lround(clockwise / 90.0) & 3;
        return mirror ? mirrored[quarter] : turned[quarter];
}

Filter *filter_new(const AVStream *stream) {
        Filter *filter = g_new0(Filter, 1);
        filter->time_base = stream->time_base;
        filter->upright = upright_of(stream);
        filter->passing = av_frame_alloc();
        g_assert(filter->passing);
        return filter;
}

void filter_free(Filter *filter) {
        if (!filter)
                return;
        avfilter_graph_free(&filter->graph);
        av_frame_free(&filter->passing);
        g_free(filter);
}

static bool parse(Filter *filter, const char *chain) {
        AVFilterInOut *outputs = avfilter_inout_alloc(), *inputs = avfilter_inout_alloc();
        g_assert(outputs && inputs);
        outputs->name = av_strdup("in");
        outputs->filter_ctx = filter->source;
        inputs->name = av_strdup("out");
        inputs->filter_ctx = filter->sink;
        const int error = avfilter_graph_parse_ptr(filter->graph, chain, &inputs, &outputs, NULL);
        avfilter_inout_free(&inputs);
        avfilter_inout_free(&outputs);
        return error >= 0 && avfilter_graph_config(filter->graph, NULL) >= 0;
}

static bool build(Filter *filter, const AVFrame *frame) {
        g_autofree char *input =
                g_strdup_printf("video_size=%dx%d:pix_fmt=%d:time_base=%d/%d:pixel_aspect=%d/%d", frame->width,
                                frame->height, frame->format, filter->time_base.num, filter->time_base.den,
                                frame->sample_aspect_ratio.num, MAX(frame->sample_aspect_ratio.den, 1));
        g_autofree char *chain =
                g_strjoin(filter->interlaced && filter->upright ? "," : "", filter->interlaced ? DEINTERLACE : "",
                          filter->upright ? filter->upright : "", NULL);
        avfilter_graph_free(&filter->graph);
        filter->graph = avfilter_graph_alloc();
        g_assert(filter->graph);
        filter->graph->nb_threads = 1;
        filter->width = frame->width;
        filter->height = frame->height;
        filter->format = frame->format;
        if (avfilter_graph_create_filter(&filter->source, avfilter_get_by_name("buffer"), "in", input, NULL,
                                         filter->graph) >= 0 &&
            avfilter_graph_create_filter(&filter->sink, avfilter_get_by_name("buffersink"), "out", NULL, NULL,
                                         filter->graph) >= 0 &&
            parse(filter, chain))
                return true;
        avfilter_graph_free(&filter->graph);
        return false;
}

static bool fits(const Filter *filter, const AVFrame *frame) {
        return filter->graph && filter->width == frame->width && filter->height == frame->height &&
               filter->format == frame->format;
}

/* INV-PRODUCER-005 */
void filter_push(Filter *filter, AVFrame *frame) {
        if (!frame) {
                if (filter->graph && av_buffersrc_close(filter->source, AV_NOPTS_VALUE, 0) < 0)
                        avfilter_graph_free(&filter->graph);
                return;
        }
        const bool newly_interlaced = frame->interlaced_frame && !filter->interlaced;
        filter->interlaced |= newly_interlaced;
        const bool needed = filter->interlaced || filter->upright;
        if (needed && (newly_interlaced || !fits(filter, frame)))
                (void)build(filter, frame);
        if (filter->graph && av_buffersrc_add_frame(filter->source, frame) >= 0)
                return;
        av_frame_unref(filter->passing); /* as it is rather than not at all */
        av_frame_move_ref(filter->passing, frame);
}

bool filter_pull(Filter *filter, AVFrame *into) {
        if (filter->passing->buf[0]) {
                av_frame_move_ref(into, filter->passing);
                return true;
        }
        if (!filter->graph || av_buffersink_get_frame(filter->sink, into) < 0)
                return false;
        const AVRational base = av_buffersink_get_time_base(filter->sink);
        if (into->pts != AV_NOPTS_VALUE)
                into->pts = av_rescale_q(into->pts, base, filter->time_base);
        return true;
}

bool filter_remembers(const Filter *filter) {
        return filter->interlaced;
}

void filter_flush(Filter *filter) {
        avfilter_graph_free(&filter->graph);
        av_frame_unref(filter->passing);
}
