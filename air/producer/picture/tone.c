#include "air/producer/picture/tone.h"

#include <libavutil/mastering_display_metadata.h>

#include "air/producer/picture/graph.h"

#define REFERENCE_WHITE 203.0
#define BRIGHTEST 1000.0

struct Tone {
        Graph graph;
        char *chain; /* that graph was built of */
        AVFrame *in, *out;
};

Tone *tone_new(void) {
        Tone *tone = g_new0(Tone, 1);
        tone->in = av_frame_alloc();
        tone->out = av_frame_alloc();
        g_assert(tone->in && tone->out);
        return tone;
}

void tone_free(Tone *tone) {
        if (!tone)
                return;
        graph_clear(&tone->graph);
        av_frame_free(&tone->in);
        av_frame_free(&tone->out);
        g_free(tone->chain);
        g_free(tone);
}

bool tone_is_hdr(const AVFrame *frame) {
        return frame->color_trc == AVCOL_TRC_SMPTE2084 || frame->color_trc == AVCOL_TRC_ARIB_STD_B67;
}

/* In cd/m2, as the material says, or as it mostly is. */
static double brightest(const AVFrame *frame) {
        const AVFrameSideData *side = av_frame_get_side_data(frame, AV_FRAME_DATA_CONTENT_LIGHT_LEVEL);
        const AVContentLightMetadata *light = side ? (const void *)side->data : NULL;
        side = av_frame_get_side_data(frame, AV_FRAME_DATA_MASTERING_DISPLAY_METADATA);
        const AVMasteringDisplayMetadata *display = side ? (const void *)side->data : NULL;
        double nits = light ? light->MaxCLL : 0;
        if (nits <= 0 && display && display->has_luminance)
                nits = av_q2d(display->max_luminance);
        return nits > REFERENCE_WHITE ? MIN(nits, 10000) : BRIGHTEST;
}

/* INV-PRODUCER-005. Small first, then in light: that is what costs. What the frame does not say of its colours is as
 * BT.2100 has it. */
static char *chain_for(const AVFrame *frame, int width, int height, bool hd) {
        const bool pq = frame->color_trc == AVCOL_TRC_SMPTE2084;
        const bool constant = frame->colorspace == AVCOL_SPC_BT2020_CL;
        const bool narrow = frame->color_primaries == AVCOL_PRI_BT709;
        const bool full = frame->color_range == AVCOL_RANGE_JPEG;
        char peak[G_ASCII_DTOSTR_BUF_SIZE];
        (void)g_ascii_formatd(peak, sizeof(peak), "%.3f", brightest(frame) / REFERENCE_WHITE);
        return g_strdup_printf("zscale=w=%d:h=%d:f=bicubic:tin=%s:pin=%s:min=%s:rin=%s:t=linear:p=709:npl=203,"
                               "format=gbrpf32le,tonemap=mobius:param=0.5:desat=0:peak=%s,"
                               "zscale=t=709:p=709:m=%s:r=limited,format=yuv420p",
                               width, height, pq ? "smpte2084" : "arib-std-b67", narrow ? "709" : "2020",
                               constant ? "2020_cl" : "2020_ncl", full ? "full" : "limited", peak, hd ? "709" : "170m");
}

const AVFrame *tone_map(Tone *tone, const AVFrame *frame, int width, int height, bool hd) {
        g_autofree char *chain = chain_for(frame, width, height, hd);
        av_frame_unref(tone->in);
        av_frame_unref(tone->out);
        if (!graph_fits(&tone->graph, frame) || g_strcmp0(chain, tone->chain) != 0) {
                g_free(tone->chain);
                tone->chain = g_steal_pointer(&chain);
                if (!graph_build(&tone->graph, frame, (AVRational){1, 1}, tone->chain))
                        return NULL;
        }
        if (av_frame_ref(tone->in, frame) < 0 || !graph_push(&tone->graph, tone->in) ||
            !graph_pull(&tone->graph, tone->out))
                return NULL;
        return tone->out;
}
