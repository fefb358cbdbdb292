/*
 * Canvas: where an overlay is drawn before it is one: rows of red, green, blue and opacity, 8 bits each, the colours
 * multiplied by the opacity. Used by one thread.
 */
#pragma once

#include <glib.h>
#include <stdint.h>

typedef struct Canvas {
        int32_t width, height;
        uint8_t *pixels; /* 4 * width * height */
} Canvas;

typedef struct {
        int32_t x, y, width, height;
} CanvasRect;

/* Transparent. */
Canvas *canvas_new(int32_t width, int32_t height);
void canvas_free(Canvas *canvas);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Canvas, canvas_free)

/* Colours are 0xRRGGBBAA, AA the opacity. Everything is put over what is there, and cut off at the edges. */
typedef uint32_t Colour;

/* A rectangle with round corners, shaded from the colour of its top to that of its bottom. */
void canvas_plate(Canvas *canvas, CanvasRect rect, int32_t radius, Colour top, Colour bottom);
/* A mask of opacities in one colour. */
void canvas_mask(Canvas *canvas, CanvasRect rect, const uint8_t *mask, int32_t stride, Colour colour);
