#include "air/producer/picture/graph.h"

#include <dlfcn.h>
#include <glib.h>
#include <libavfilter/avfilter.h>
#include <libavfilter/buffersink.h>
#include <libavfilter/buffersrc.h>
#include <pthread.h>

#include "proto/base/log.h"

/* INV-PRODUCER-009: libavfilter brings thirty libraries with it, and few pictures need any: they are in memory from the
 * first that does. Until then a program that plays starts in two thirds of the time. */
#define LIBRARY "libavfilter.so." AV_STRINGIFY(LIBAVFILTER_VERSION_MAJOR)
#define FUNCTIONS(X)                                                                                                   \
        X(avfilter_inout_alloc)                                                                                        \
        X(avfilter_inout_free)                                                                                         \
        X(avfilter_graph_parse_ptr)                                                                                    \
        X(avfilter_graph_config)                                                                                       \
        X(avfilter_graph_create_filter)                                                                                \
        X(avfilter_get_by_name)                                                                                        \
        X(avfilter_graph_alloc)                                                                                        \
        X(avfilter_graph_free)                                                                                         \
        X(av_buffersrc_add_frame)                                                                                      \
        X(av_buffersrc_close)                                                                                          \
        X(av_buffersink_get_frame)                                                                                     \
        X(av_buffersink_get_time_base)

#define MEMBER(name) typeof(name) *name; /* NOLINT(bugprone-macro-parentheses) */
static struct { FUNCTIONS(MEMBER) } late;
static bool loaded;

#define FIND(name) found &= (late.name = (typeof(name) *)dlsym(library, #name)) != NULL;
static void load(void) {
        void *library = dlopen(LIBRARY, RTLD_LAZY | RTLD_LOCAL);
        bool found = library;
        if (library) {
                FUNCTIONS(FIND)
        }
        loaded = found;
        if (!loaded)
                rv_warning("producer.no_filters", RV_S("library", LIBRARY), RV_S("error", dlerror()));
}

static bool has_filters(void) {
        static pthread_once_t once = PTHREAD_ONCE_INIT;
        pthread_once(&once, load);
        return loaded;
}

static bool parse(Graph *graph, const char *chain) {
        AVFilterInOut *outputs = late.avfilter_inout_alloc(), *inputs = late.avfilter_inout_alloc();
        g_assert(outputs && inputs);
        outputs->name = av_strdup("in");
        outputs->filter_ctx = graph->source;
        inputs->name = av_strdup("out");
        inputs->filter_ctx = graph->sink;
        const int error = late.avfilter_graph_parse_ptr(graph->graph, chain, &inputs, &outputs, NULL);
        late.avfilter_inout_free(&inputs);
        late.avfilter_inout_free(&outputs);
        return error >= 0 && late.avfilter_graph_config(graph->graph, NULL) >= 0;
}

static bool make_ends(Graph *graph, const AVFrame *like) {
        g_autofree char *input =
                g_strdup_printf("video_size=%dx%d:pix_fmt=%d:time_base=%d/%d:pixel_aspect=%d/%d", like->width,
                                like->height, like->format, graph->time_base.num, graph->time_base.den,
                                like->sample_aspect_ratio.num, MAX(like->sample_aspect_ratio.den, 1));
        return late.avfilter_graph_create_filter(&graph->source, late.avfilter_get_by_name("buffer"), "in", input, NULL,
                                                 graph->graph) >= 0 &&
               late.avfilter_graph_create_filter(&graph->sink, late.avfilter_get_by_name("buffersink"), "out", NULL,
                                                 NULL, graph->graph) >= 0;
}

bool graph_build(Graph *graph, const AVFrame *like, AVRational time_base, const char *chain) {
        graph_clear(graph);
        if (!has_filters())
                return false;
        graph->graph = late.avfilter_graph_alloc();
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
        return graph->graph && late.av_buffersrc_add_frame(graph->source, frame) >= 0;
}

void graph_end(Graph *graph) {
        if (graph->graph && late.av_buffersrc_close(graph->source, AV_NOPTS_VALUE, 0) < 0)
                graph_clear(graph);
}

bool graph_pull(Graph *graph, AVFrame *into) {
        if (!graph->graph || late.av_buffersink_get_frame(graph->sink, into) < 0)
                return false;
        if (into->pts != AV_NOPTS_VALUE)
                into->pts = av_rescale_q(into->pts, late.av_buffersink_get_time_base(graph->sink), graph->time_base);
        return true;
}

void graph_clear(Graph *graph) {
        if (graph->graph)
                late.avfilter_graph_free(&graph->graph);
}
