/* Image: picture files (PNG, WebP, JPEG, GIF, BMP, TIFF; of moving ones the first picture) as canvases. Any thread. */
#pragma once

#include "air/graphics/canvas.h"

#define IMAGE_MAX_BYTES (32 << 20)
#define IMAGE_MAX_PIXELS (40 << 20)

/* The picture, in its shape: so high, or less high where it would be wider than max_width. NULL and *ret_fault, a
 * sentence to be freed with g_free, when the file holds no picture that can be used. */
Canvas *image_load(const char *path, int32_t max_width, int32_t height, char **ret_fault);
