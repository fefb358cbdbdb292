#include "air/producer/picture/graph.h"

#include <glib.h>
#include <libavfilter/avfilter.h>
#include <libavfilter/buffersink.h>
#include <libavfilter/buffersrc.h>

static bool parse(Graph *graph, const char *chain) {
        AVFilterInOut *outputs = avfilter_inout_alloc(), *inputs = avfilter_inout_alloc();
        g_assert(outputs && inputs);
        outputs->name = av_strdup("in");
        outputs->filter_ctx = graph->source;
        inputs->name = av_strdup("out");
        inputs->filter_ctx = graph->sink;
        const int error = avfilter_graph_parse_ptr(graph->graph, chain, &inputs, &outputs, NULL);
        avfilter_inout_free(&inputs);
        avfilter_inout_free(&outputs);
        return error >= 0 && avfilter_graph_config(graph->graph, NULL) >= 0;
}

static bool make_ends(Graph *graph, const AVFrame *like) {
        g_autofree char *input =
                g_strdup_printf("video_size=%dx%d:pix_fmt=%d:time_base=%d/%d:pixel_aspect=%d/%d", like->width,
                                like->height, like->format, graph->time_base.num, graph->time_base.den,
                                like->sample_aspect_ratio.num, MAX(like->sample_aspect_ratio.den, 1));
        return avfilter_graph_create_filter(&graph->source, avfilter_get_by_name("buffer"), "in", input, NULL,
                                            graph->graph) >= 0 &&
               avfilter_graph_create_filter(&graph->sink, avfilter_get_by_name("buffersink"), "out", NULL, NULL,
                                            graph->graph) >= 0;
}

bool graph_build(Graph *graph, const AVFrame *like, AVRational time_base, const char *chain) {
        graph_clear(graph);
        graph->graph = avfilter_graph_alloc();
        g_assert(graph->graph);
        graph->graph->nb_threads = 1;
        graph->width = like->width;
        graph->height = like->height;
        graph->format = like->format;
        graph->time_base = time_base;
        if (make_ends(graph, like) && parse(graph, chain))
                return true;
        graph_clear(graph);
        return false;
}

bool graph_fits(const Graph *graph, const AVFrame *frame) {
        return graph->graph && graph->width == frame->width && graph->height == frame->height &&
               graph->format == frame->format;
}

bool graph_push(Graph *graph, AVFrame *frame) {
        return graph->graph && av_buffersrc_add_frame(graph->source, frame) >= 0;
}

void graph_end(Graph *graph) {
        if (graph->graph && av_buffersrc_close(graph->source, AV_NOPTS_VALUE, 0) < 0)
                graph_clear(graph);
}

bool graph_pull(Graph *graph, AVFrame *into) {
        if (!graph->graph || av_buffersink_get_frame(graph->sink, into) < 0)
                return false;
        if (into->pts != AV_NOPTS_VALUE)
                into->pts = av_rescale_q(into->pts, av_buffersink_get_time_base(graph->sink), graph->time_base);
        return true;
}

void graph_clear(Graph *graph) {
        avfilter_graph_free(&graph->graph);
}
