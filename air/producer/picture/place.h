/*
 * Placer: scales pictures of any size, shape and colour space into the house picture: whole, in proportion, centred,
 * black around it. Keeps the scaler for as long as the pictures stay alike.
 */
#pragma once

#include <glib.h>
#include <libavutil/frame.h>
#include <stdbool.h>

#include "air/producer/picture/picture.h"

typedef struct Placer Placer;

typedef struct {
        int32_t x, y, width, height; /* all even */
} PlaceRect;

/* Where a source of so many pixels of shape sar_num/sar_den (0: square) goes. */
PlaceRect place_rect(int32_t house_width, int32_t house_height, int32_t width, int32_t height, int32_t sar_num,
                     int32_t sar_den);

Placer *placer_new(void);
void placer_free(Placer *placer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Placer, placer_free)

/* Where a picture goes. */
PlaceRect placer_rect(const AVFrame *frame, int32_t house_width, int32_t house_height);

/* False when no scaler understands the frame; into is then undefined. */
bool placer_place(Placer *placer, const AVFrame *frame, Picture *into);
