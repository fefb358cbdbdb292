#include "air/graphics/blend.h"

#include <stdbool.h>

#include "air/graphics/canvas.h"

#define HD_LINES 720

/* --- making --- */

/* Weights in 1/65536 of red, green and blue, and of the opacity (for the offset), in what a sample of a plane adds. A
 * colour is 0..255, and what it adds is 0..255 * OVERLAY_OPAQUE: each weight has 256/255 in it. */
typedef struct {
        int64_t red, green, blue, offset;
} Weights;

/* ITU-R BT.709 and BT.601 in video range; kr and kb are in 1/10000. */
static void set_weights(Weights weights[I420_PLANES], int64_t kr, int64_t kb) {
        const int64_t whole = 10000, kg = whole - kr - kb;
        const int64_t unit = INT64_C(65536) * OVERLAY_OPAQUE;
        const int64_t luma = 219 * unit, chroma = 112 * unit, steps = 255;
        weights[0] = (Weights){.red = luma * kr / (steps * whole),
                               .green = luma * kg / (steps * whole),
                               .blue = luma * kb / (steps * whole),
                               .offset = 16 * unit / 255};
        weights[1] = (Weights){.red = -chroma * kr / (steps * (whole - kb)),
                               .green = -chroma * kg / (steps * (whole - kb)),
                               .blue = chroma / steps,
                               .offset = 128 * unit / 255};
        weights[2] = (Weights){.red = chroma / steps,
                               .green = -chroma * kg / (steps * (whole - kr)),
                               .blue = -chroma * kb / (steps * (whole - kr)),
                               .offset = 128 * unit / 255};
}

typedef struct {
        const Canvas *canvas;
        int32_t x, y; /* of the overlay within the canvas; even */
        bool at_edge; /* of the picture: its first column is its own left neighbour */
        int32_t opacity_percent;
} Original;

/* Premultiplied red, green, blue, opacity; nothing outside the canvas. */
static void add_pixel(const Original *original, int32_t x, int32_t y, int64_t weight, int64_t sum[4]) {
        const Canvas *canvas = original->canvas;
        x = (original->at_edge ? MAX(x, 0) : x) + original->x;
        y += original->y;
        if (x < 0 || y < 0 || x >= canvas->width || y >= canvas->height)
                return;
        const uint8_t *pixel = canvas->pixels + ((size_t)y * (size_t)canvas->width + (size_t)x) * 4;
        for (int i = 0; i < 4; i++)
                sum[i] += weight * pixel[i];
}

static int64_t nearest(int64_t num, int64_t den) {
        return (num + den / 2) / den;
}

static uint16_t light_of(const Weights *weights, const int64_t sum[4], int64_t parts) {
        const int64_t light =
                weights->red * sum[0] + weights->green * sum[1] + weights->blue * sum[2] + weights->offset * sum[3];
        return (uint16_t)MAX(0, nearest(light, 65536 * parts));
}

static uint16_t rest_of(const int64_t sum[4], int64_t parts) {
        return (uint16_t)(OVERLAY_OPAQUE - nearest(sum[3] * OVERLAY_OPAQUE, 255 * parts));
}

/* INV-GRAPHICS-002: chroma lies where the house's does. */
static void make_planes(Overlay *overlay, const Original *original, const Weights weights[I420_PLANES]) {
        const int64_t whole = 100;
        for (int32_t y = 0, i = 0; y < overlay->height; y++)
                for (int32_t x = 0; x < overlay->width; x++, i++) {
                        int64_t sum[4] = {0};
                        add_pixel(original, x, y, original->opacity_percent, sum);
                        overlay->light[0][i] = light_of(&weights[0], sum, whole);
                        overlay->rest[0][i] = rest_of(sum, whole);
                }
        for (int32_t y = 0, i = 0; y < overlay->height; y += 2)
                for (int32_t x = 0; x < overlay->width; x += 2, i++) {
                        int64_t sum[4] = {0};
                        for (int32_t tap = 0; tap < 6; tap++)
                                add_pixel(original, x + tap % 3 - 1, y + tap / 3,
                                          original->opacity_percent * (tap % 3 == 1 ? 2 : 1), sum);
                        overlay->light[1][i] = light_of(&weights[1], sum, 8 * whole);
                        overlay->light[2][i] = light_of(&weights[2], sum, 8 * whole);
                        overlay->rest[1][i] = rest_of(sum, 8 * whole);
                }
}

/* Where there is something in it, from an even corner on and of even size. */
static CanvasRect used_part(const Canvas *canvas) {
        int32_t left = canvas->width, right = 0, top = canvas->height, bottom = 0;
        const uint8_t *pixel = canvas->pixels;
        for (int32_t y = 0; y < canvas->height; y++)
                for (int32_t x = 0; x < canvas->width; x++, pixel += 4)
                        if (pixel[3]) {
                                left = MIN(left, x);
                                right = MAX(right, x + 1);
                                top = MIN(top, y);
                                bottom = MAX(bottom, y + 1);
                        }
        if (right == 0)
                return (CanvasRect){0};
        left = left / 2 * 2;
        top = top / 2 * 2;
        /* Chroma of the column after the last one has a part of it, too. */
        return (CanvasRect){left, top, (right + 2) / 2 * 2 - left, (bottom + 1) / 2 * 2 - top};
}

static Overlay *alloc_overlay(CanvasRect rect) {
        const size_t luma = (size_t)rect.width * (size_t)rect.height, chroma = luma / 4;
        Overlay *overlay = g_new0(Overlay, 1);
        overlay->bytes = (2 * luma + 3 * chroma) * sizeof(uint16_t);
        uint16_t *storage = g_malloc(overlay->bytes);
        overlay->light[0] = storage;
        overlay->rest[0] = storage + luma;
        overlay->light[1] = storage + 2 * luma;
        overlay->light[2] = overlay->light[1] + chroma;
        overlay->rest[1] = overlay->light[2] + chroma;
        overlay->width = rect.width;
        overlay->height = rect.height;
        overlay->refs = 1;
        return overlay;
}

Overlay *overlay_new(const Canvas *canvas, int32_t x, int32_t y, int32_t house_height, int32_t opacity_percent) {
        g_assert(x >= 0 && y >= 0 && x % 2 == 0 && y % 2 == 0);
        const CanvasRect part = used_part(canvas);
        if (part.width == 0)
                return NULL;
        Weights weights[I420_PLANES];
        if (house_height >= HD_LINES)
                set_weights(weights, 2126, 722);
        else
                set_weights(weights, 2990, 1140);
        Overlay *overlay = alloc_overlay(part);
        overlay->x = x + part.x;
        overlay->y = y + part.y;
        make_planes(overlay, &(Original){canvas, part.x, part.y, overlay->x == 0, opacity_percent}, weights);
        return overlay;
}

Overlay *overlay_ref(const Overlay *overlay) {
        Overlay *mutable = (Overlay *)overlay;
        g_atomic_int_inc(&mutable->refs);
        return mutable;
}

void overlay_unref(Overlay *overlay) {
        if (!overlay || !g_atomic_int_dec_and_test(&overlay->refs))
                return;
        g_free(overlay->light[0]);
        g_free(overlay);
}

/* --- putting over --- */

/* INV-GRAPHICS-001: light <= 255 * opacity, so that sixteen bits are enough for the sum. */
static void blend_row(uint8_t *restrict into, const uint16_t *restrict light, const uint16_t *restrict rest,
                      int32_t n) {
        for (int32_t i = 0; i < n; i++)
                into[i] = (uint8_t)((uint16_t)(light[i] + (uint16_t)(into[i] * rest[i]) + 128) >> 8);
}

static void blend_row_at(uint8_t *restrict into, const uint16_t *restrict light, const uint16_t *restrict rest,
                         int32_t n, uint32_t level) {
        for (int32_t i = 0; i < n; i++) {
                const uint32_t opacity = (OVERLAY_OPAQUE - (uint32_t)rest[i]) * level;
                into[i] = (uint8_t)((light[i] * level + into[i] * (65536 - opacity) + 32768) >> 16);
        }
}

void overlay_blend(const Overlay *overlay, const I420 *into, int32_t down_rows, int32_t level) {
        g_assert(down_rows % 2 == 0 && level >= 0 && level <= OVERLAY_OPAQUE);
        for (int p = 0; p < I420_PLANES; p++) {
                const int32_t scale = p ? 2 : 1;
                const int32_t width = overlay->width / scale, x = overlay->x / scale;
                const int32_t y = (overlay->y + down_rows) / scale, house = into->height / scale;
                const int32_t n = MIN(width, into->width / scale - x);
                const int32_t end = MIN(overlay->height / scale, house - y);
                for (int32_t row = MAX(0, -y); row < end; row++) {
                        uint8_t *to = into->plane[p] + (ptrdiff_t)(y + row) * into->stride[p] + x;
                        const size_t at = (size_t)row * (size_t)width;
                        const uint16_t *light = overlay->light[p] + at, *rest = overlay->rest[p ? 1 : 0] + at;
                        if (level == OVERLAY_OPAQUE)
                                blend_row(to, light, rest, n);
                        else
                                blend_row_at(to, light, rest, n, (uint32_t)level);
                }
        }
}
