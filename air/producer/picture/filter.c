#include "air/producer/picture/filter.h"

#include <libavutil/display.h>
#include <math.h>

#include "air/producer/picture/graph.h"

#define DEINTERLACE "bwdif=mode=send_frame:parity=auto:deint=interlaced"

struct Filter {
        AVRational time_base;
        const char *upright; /* filters that put the picture up; NULL: it is */
        bool interlaced;     /* a picture has been, since the last flush */
        Graph graph;         /* none: pictures pass through */
        AVFrame *passing;    /* has a buffer when there is one to pull */
};

/* Clockwise quarter turns of the picture as coded, after an optional mirroring. */
static const char *upright_of(const AVStream *stream) {
        static const char *const turned[] = {NULL, "transpose=clock", "hflip,vflip", "transpose=cclock"};
        static const char *const mirrored[] = {"hflip", "transpose=cclock_flip", "vflip", "transpose=clock_flip"};
        const int32_t *stored = (const void *)av_stream_get_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, NULL);
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
        graph_clear(&filter->graph);
        av_frame_free(&filter->passing);
        g_free(filter);
}

static void build(Filter *filter, const AVFrame *frame) {
        g_autofree char *chain =
                g_strjoin(filter->interlaced && filter->upright ? "," : "", filter->interlaced ? DEINTERLACE : "",
                          filter->upright ? filter->upright : "", NULL);
        (void)graph_build(&filter->graph, frame, filter->time_base, chain);
}

/* INV-PRODUCER-005 */
void filter_push(Filter *filter, AVFrame *frame) {
        if (!frame) {
                graph_end(&filter->graph);
                return;
        }
        const bool newly_interlaced = frame->interlaced_frame && !filter->interlaced;
        filter->interlaced |= newly_interlaced;
        const bool needed = filter->interlaced || filter->upright;
        if (needed && (newly_interlaced || !graph_fits(&filter->graph, frame)))
                build(filter, frame);
        if (graph_push(&filter->graph, frame))
                return;
        av_frame_unref(filter->passing); /* as it is rather than not at all */
        av_frame_move_ref(filter->passing, frame);
}

bool filter_pull(Filter *filter, AVFrame *into) {
        if (!filter->passing->buf[0])
                return graph_pull(&filter->graph, into);
        av_frame_move_ref(into, filter->passing);
        return true;
}

bool filter_remembers(const Filter *filter) {
        return filter->interlaced;
}

void filter_flush(Filter *filter) {
        graph_clear(&filter->graph);
        av_frame_unref(filter->passing);
}
