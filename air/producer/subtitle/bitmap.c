#include "air/producer/subtitle/bitmap.h"

#include "air/graphics/canvas.h"

#define CHANNELS 4

/* From the canvas of the subtitles to the programme's picture, and where one of them goes. */
typedef struct {
        double x_scale, y_scale;
        int64_t y_shift;
} Mapping;

/* A canvas like the source's picture, or of a television's 720 columns, is what the picture is: stretched like it. Any
 * other has square pixels: it is as wide as the picture, and they have the same middle. */
static Mapping mapping_of(const Event *event, const BitmapFrame *frame) {
        const int32_t width = event->canvas_width, height = event->canvas_height;
        Mapping mapping = {.x_scale = (double)frame->width / width, .y_scale = (double)frame->height / height};
        const bool like_source = width == frame->source_width && height == frame->source_height;
        if (!like_source && width != 720) {
                mapping.y_scale = mapping.x_scale;
                mapping.y_shift = (int64_t)((frame->height - height * mapping.y_scale) / 2);
        }
        return mapping;
}

/* Within the picture, whole as far as it fits. */
static CanvasRect target_of(const AVSubtitleRect *rect, const Mapping *mapping, const BitmapFrame *frame) {
        CanvasRect to = {
                .width = (int32_t)CLAMP(rect->w * mapping->x_scale + 0.5, 1, frame->width),
                .height = (int32_t)CLAMP(rect->h * mapping->y_scale + 0.5, 1, frame->height),
        };
        const double x = rect->x * mapping->x_scale, y = rect->y * mapping->y_scale + (double)mapping->y_shift;
        to.x = (int32_t)CLAMP(x, 0, frame->width - to.width);
        to.y = (int32_t)CLAMP(y, 0, frame->height - to.height);
        return to;
}

/* Red, green, blue and opacity of a pixel, the colours multiplied by the opacity. */
static void read_pixel(const AVSubtitleRect *rect, int x, int y, double weight, double sum[CHANNELS]) {
        const uint32_t *palette = (const void *)rect->data[1];
        const uint32_t argb = palette[rect->data[0][(ptrdiff_t)y * rect->linesize[0] + x]];
        if (argb >> 24 == 0)
                return;
        const double opacity = weight * (argb >> 24);
        sum[0] += opacity * (argb >> 16 & 0xFF) / 255;
        sum[1] += opacity * (argb >> 8 & 0xFF) / 255;
        sum[2] += opacity * (argb & 0xFF) / 255;
        sum[3] += opacity;
}

/* A tent over the source's pixels, as wide as the scale needs. */
typedef struct {
        int first, last;
        double centre, radius;
} Taps;

static Taps taps_at(int at, int from, int to) {
        const double step = (double)from / to;
        Taps taps = {.centre = (at + 0.5) * step - 0.5, .radius = MAX(step, 1.0)};
        taps.first = MAX(0, (int)(taps.centre - taps.radius + 1));
        taps.last = MIN(from - 1, (int)(taps.centre + taps.radius));
        return taps;
}

static double weight_of(const Taps *taps, int at) {
        const double away = at > taps->centre ? at - taps->centre : taps->centre - at;
        return MAX(0, 1 - away / taps->radius);
}

static void scale_pixel(const AVSubtitleRect *rect, const Taps *across, const Taps *down, uint8_t *into) {
        double sum[CHANNELS] = {0}, whole = 0;
        for (int y = down->first; y <= down->last; y++)
                for (int x = across->first; x <= across->last; x++) {
                        const double weight = weight_of(across, x) * weight_of(down, y);
                        whole += weight;
                        if (weight > 0)
                                read_pixel(rect, x, y, weight, sum);
                }
        for (int i = 0; i < CHANNELS; i++)
                into[i] = whole > 0 ? (uint8_t)CLAMP(sum[i] / whole + 0.5, 0, 255) : 0;
}

static void draw(const AVSubtitleRect *rect, CanvasRect to, Canvas *canvas) {
        for (int32_t y = 0; y < to.height; y++) {
                const Taps down = taps_at(y, rect->h, to.height);
                uint8_t *row = canvas->pixels + ((size_t)(to.y + y) * (size_t)canvas->width + (size_t)to.x) * CHANNELS;
                for (int32_t x = 0; x < to.width; x++, row += CHANNELS) {
                        const Taps across = taps_at(x, rect->w, to.width);
                        scale_pixel(rect, &across, &down, row);
                }
        }
}

Overlay *bitmap_overlay(const Event *const *events, size_t n, const BitmapFrame *frame) {
        g_autoptr(Canvas) canvas = canvas_new(frame->width, frame->height);
        for (size_t e = 0; e < n; e++) {
                const Mapping mapping = mapping_of(events[e], frame);
                for (unsigned i = 0; i < events[e]->pictures.num_rects; i++) {
                        const AVSubtitleRect *rect = events[e]->pictures.rects[i];
                        draw(rect, target_of(rect, &mapping, frame), canvas);
                }
        }
        return overlay_new(canvas, 0, 0, frame->house_height, 100);
}
