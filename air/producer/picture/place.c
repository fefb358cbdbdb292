#include "air/producer/picture/place.h"

#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>

#include "air/producer/picture/tone.h"

#define HD_LINES 720

/* What the scaler depends on. */
typedef struct {
        int width, height, format;
        int colorspace;
        bool full_range;
        PlaceRect rect;
        int32_t house_height;
} Key;

struct Placer {
        Key key;
        struct SwsContext *scaler;
        Tone *tone;
};

static int32_t even(int64_t num, int64_t den, int32_t most) {
        const int64_t rounded = (num + den) / (2 * den) * 2;
        return (int32_t)CLAMP(rounded, 2, most);
}

PlaceRect place_rect(int32_t house_width, int32_t house_height, int32_t width, int32_t height, int32_t sar_num,
                     int32_t sar_den) {
        const bool shaped = sar_num > 0 && sar_den > 0;
        const int64_t wide = (int64_t)width * (shaped ? sar_num : 1);
        const int64_t high = (int64_t)height * (shaped ? sar_den : 1);
        PlaceRect rect = {.width = house_width, .height = house_height};
        /* INV-ASPECT-PRESERVE-001 */
        if (house_width * high <= house_height * wide)
                rect.height = even(house_width * high, wide, house_height);
        else
                rect.width = even(house_height * wide, high, house_width);
        rect.x = (house_width - rect.width) / 2 & ~1;
        rect.y = (house_height - rect.height) / 2 & ~1;
        return rect;
}

static bool is_full_range(const AVFrame *frame) {
        switch ((int)frame->format) {
        case AV_PIX_FMT_YUVJ411P:
        case AV_PIX_FMT_YUVJ420P:
        case AV_PIX_FMT_YUVJ422P:
        case AV_PIX_FMT_YUVJ440P:
        case AV_PIX_FMT_YUVJ444P:
                return true;
        default:
                return frame->color_range == AVCOL_RANGE_JPEG;
        }
}

/* swscale numbers its matrices as the standards do. */
static int matrix_of(const AVFrame *frame) {
        switch ((int)frame->colorspace) {
        case AVCOL_SPC_BT709:
                return SWS_CS_ITU709;
        case AVCOL_SPC_FCC:
                return SWS_CS_FCC;
        case AVCOL_SPC_BT470BG:
        case AVCOL_SPC_SMPTE170M:
                return SWS_CS_ITU601;
        case AVCOL_SPC_SMPTE240M:
                return SWS_CS_SMPTE240M;
        case AVCOL_SPC_BT2020_NCL:
        case AVCOL_SPC_BT2020_CL:
                return SWS_CS_BT2020;
        default:
                return frame->height >= HD_LINES ? SWS_CS_ITU709 : SWS_CS_ITU601;
        }
}

PlaceRect placer_rect(const AVFrame *frame, int32_t house_width, int32_t house_height) {
        const AVRational shape = frame->sample_aspect_ratio;
        return place_rect(house_width, house_height, frame->width, frame->height, shape.num, shape.den);
}

static Key key_of(const AVFrame *frame, PlaceRect rect, const PictureLayout *house) {
        return (Key){
                .width = frame->width,
                .height = frame->height,
                .format = frame->format,
                .colorspace = matrix_of(frame),
                .full_range = is_full_range(frame),
                .rect = rect,
                .house_height = house->height,
        };
}

static bool same(const Key *a, const Key *b) {
        return a->width == b->width && a->height == b->height && a->format == b->format &&
               a->colorspace == b->colorspace && a->full_range == b->full_range && a->rect.x == b->rect.x &&
               a->rect.y == b->rect.y && a->rect.width == b->rect.width && a->rect.height == b->rect.height &&
               a->house_height == b->house_height;
}

Placer *placer_new(void) {
        Placer *placer = g_new0(Placer, 1);
        placer->tone = tone_new();
        return placer;
}

void placer_free(Placer *placer) {
        if (!placer)
                return;
        sws_freeContext(placer->scaler);
        tone_free(placer->tone);
        g_free(placer);
}

/* INV-PRODUCER-005 */
static bool build(Placer *placer, const Key *key) {
        sws_freeContext(placer->scaler);
        placer->scaler = NULL;
        if (!sws_isSupportedInput(key->format))
                return false;
        struct SwsContext *scaler = sws_alloc_context();
        g_assert(scaler);
        av_opt_set_int(scaler, "srcw", key->width, 0);
        av_opt_set_int(scaler, "srch", key->height, 0);
        av_opt_set_int(scaler, "src_format", key->format, 0);
        av_opt_set_int(scaler, "src_range", key->full_range, 0); /* before init: afterwards a plain copy stays one */
        av_opt_set_int(scaler, "dstw", key->rect.width, 0);
        av_opt_set_int(scaler, "dsth", key->rect.height, 0);
        av_opt_set_int(scaler, "dst_format", AV_PIX_FMT_YUV420P, 0);
        av_opt_set_int(scaler, "sws_flags", SWS_BICUBIC, 0);
        if (sws_init_context(scaler, NULL, NULL) < 0) {
                sws_freeContext(scaler);
                return false;
        }
        const int house = key->house_height >= HD_LINES ? SWS_CS_ITU709 : SWS_CS_ITU601;
        (void)sws_setColorspaceDetails(scaler, sws_getCoefficients(key->colorspace), key->full_range,
                                       sws_getCoefficients(house), 0, 0, 1 << 16, 1 << 16);
        placer->scaler = scaler;
        placer->key = *key;
        return true;
}

/* The frame itself, or an SDR one of its size in the house; pale rather than not at all. */
static const AVFrame *in_house_tones(Placer *placer, const AVFrame *frame, PlaceRect rect, int32_t house_height) {
        const AVFrame *mapped =
                tone_is_hdr(frame) ? tone_map(placer->tone, frame, rect.width, rect.height, house_height >= HD_LINES)
                                   : NULL;
        return mapped ? mapped : frame;
}

bool placer_place(Placer *placer, const AVFrame *shot, Picture *into) {
        const PictureLayout *layout = picture_get_layout(into);
        const PlaceRect at = placer_rect(shot, layout->width, layout->height);
        const AVFrame *frame = in_house_tones(placer, shot, at, layout->height);
        const Key key = key_of(frame, at, layout);
        if ((!placer->scaler || !same(&key, &placer->key)) && !build(placer, &key))
                return false;
        const PlaceRect *rect = &at;
        uint8_t *planes[4] = {NULL};
        int strides[4] = {0};
        for (int i = 0; i < PICTURE_PLANES; i++) {
                const int scale = i ? 2 : 1;
                strides[i] = layout->stride[i];
                planes[i] = picture_plane(into, i) + (ptrdiff_t)(rect->y / scale) * strides[i] + rect->x / scale;
        }
        const uint8_t *const *source = (const uint8_t *const *)frame->data;
        if (sws_scale(placer->scaler, source, frame->linesize, 0, frame->height, planes, strides) <= 0)
                return false;
        /* Afterwards: vector code writes whole words, past the edge of the rectangle too. */
        picture_fill_border(into, rect->x, rect->y, rect->width, rect->height);
        return true;
}
