/*
 * Blend: small translucent pictures (overlays) that are put over house pictures. An overlay is made once, by whatever
 * thread, and is immutable from then on; putting it over a picture touches its rectangle only and is plain integer
 * arithmetic: the same on every machine, to the bit.
 */
#pragma once

#include <glib.h>
#include <stdint.h>

#define I420_PLANES 3

/* A picture to draw on, lent: planar 4:2:0 of video range, BT.709 from 720 lines on, else BT.601; chroma lies in line
 * with the even columns and between the rows, as in MPEG-2. */
typedef struct {
        int32_t width, height; /* even */
        uint8_t *plane[I420_PLANES];
        int32_t stride[I420_PLANES];
} I420;

#define OVERLAY_OPAQUE 256

typedef struct {
        int32_t x, y, width, height;  /* even; what of it is outside a picture is left out */
        uint16_t *light[I420_PLANES]; /* what it adds: sample * opacity, 0..OVERLAY_OPAQUE; rows of width, or half */
        uint16_t *rest[2];            /* OVERLAY_OPAQUE - opacity, of luma and of chroma */
        size_t bytes;                 /* that it takes */
        gint refs;                    /* private, atomic */
} Overlay;

typedef struct Canvas Canvas; /* air/graphics/canvas.h */

/* The part of the canvas in which there is something, as it lies at (x, y), even, of a house picture of so many lines;
 * opacity_percent of what it is. NULL: there is nothing in it. */
Overlay *overlay_new(const Canvas *canvas, int32_t x, int32_t y, int32_t house_height, int32_t opacity_percent);
Overlay *overlay_ref(const Overlay *overlay);
void overlay_unref(Overlay *overlay);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Overlay, overlay_unref)

/* Puts the overlay over the picture, down_rows (even) lower than where it belongs, with level 0..OVERLAY_OPAQUE of its
 * opacity. */
void overlay_blend(const Overlay *overlay, const I420 *into, int32_t down_rows, int32_t level);
