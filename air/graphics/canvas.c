#include "air/graphics/canvas.h"

#include <math.h>

Canvas *canvas_new(int32_t width, int32_t height) {
        g_assert(width > 0 && height > 0);
        Canvas *canvas = g_new0(Canvas, 1);
        canvas->width = width;
        canvas->height = height;
        canvas->pixels = g_malloc0_n((size_t)width * (size_t)height, 4);
        return canvas;
}

void canvas_free(Canvas *canvas) {
        if (!canvas)
                return;
        g_free(canvas->pixels);
        g_free(canvas);
}

/* a * b / 255, to the nearest. */
static uint32_t share(uint32_t a, uint32_t b) {
        return (a * b + 127) / 255;
}

static void put(uint8_t *pixel, Colour colour, uint32_t coverage) {
        const uint32_t opacity = share(colour & 0xFF, coverage);
        for (int i = 0; i < 3; i++)
                pixel[i] = (uint8_t)(share(pixel[i], 255 - opacity) + share(colour >> (24 - 8 * i) & 0xFF, opacity));
        pixel[3] = (uint8_t)(share(pixel[3], 255 - opacity) + opacity);
}

static uint8_t *pixel_at(Canvas *canvas, int32_t x, int32_t y) {
        return canvas->pixels + ((size_t)y * (size_t)canvas->width + (size_t)x) * 4;
}

static CanvasRect clip(const Canvas *canvas, CanvasRect rect) {
        const int32_t left = CLAMP(rect.x, 0, canvas->width), top = CLAMP(rect.y, 0, canvas->height);
        return (CanvasRect){
                .x = left,
                .y = top,
                .width = CLAMP(rect.x + rect.width, left, canvas->width) - left,
                .height = CLAMP(rect.y + rect.height, top, canvas->height) - top,
        };
}

static Colour between(Colour from, Colour to, int32_t at, int32_t span) {
        Colour colour = 0;
        for (int i = 0; i < 32; i += 8) {
                const int32_t a = (int32_t)(from >> i & 0xFF), b = (int32_t)(to >> i & 0xFF);
                colour |= (Colour)(a + ((b - a) * at + span / 2) / span) << i;
        }
        return colour;
}

/* How much of a pixel a rectangle with round corners covers: 255 but at the corners. */
static uint32_t corner_coverage(CanvasRect rect, int32_t radius, int32_t x, int32_t y) {
        const double dx = MAX(MAX(rect.x + radius - (x + 0.5), x + 0.5 - (rect.x + rect.width - radius)), 0);
        const double dy = MAX(MAX(rect.y + radius - (y + 0.5), y + 0.5 - (rect.y + rect.height - radius)), 0);
        if (dx <= 0 || dy <= 0)
                return 255;
        return (uint32_t)lrint(CLAMP(radius - sqrt(dx * dx + dy * dy) + 0.5, 0, 1) * 255);
}

void canvas_plate(Canvas *canvas, CanvasRect rect, int32_t radius, Colour top, Colour bottom) {
        const CanvasRect seen = clip(canvas, rect);
        for (int32_t y = seen.y; y < seen.y + seen.height; y++) {
                const Colour colour = between(top, bottom, y - rect.y, MAX(1, rect.height - 1));
                for (int32_t x = seen.x; x < seen.x + seen.width; x++)
                        put(pixel_at(canvas, x, y), colour, corner_coverage(rect, radius, x, y));
        }
}

void canvas_mask(Canvas *canvas, CanvasRect rect, const uint8_t *mask, int32_t stride, Colour colour) {
        const CanvasRect seen = clip(canvas, rect);
        for (int32_t y = seen.y; y < seen.y + seen.height; y++) {
                const uint8_t *row = mask + (ptrdiff_t)(y - rect.y) * stride - rect.x;
                for (int32_t x = seen.x; x < seen.x + seen.width; x++)
                        put(pixel_at(canvas, x, y), colour, row[x]);
        }
}
