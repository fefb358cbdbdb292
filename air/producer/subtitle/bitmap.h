/* Bitmap: subtitles that are pictures, laid over the programme's picture. */
#pragma once

#include <stdint.h>

#include "air/graphics/blend.h"
#include "air/producer/subtitle/events.h"

typedef struct {
        int32_t width, height;               /* of the programme's picture in the house's */
        int32_t source_width, source_height; /* of the same before it was scaled */
        int32_t house_height;
} BitmapFrame;

/* All pictures of the events, placed within the programme's picture; NULL: there is nothing to be seen. */
Overlay *bitmap_overlay(const Event *const *events, size_t n, const BitmapFrame *frame);
