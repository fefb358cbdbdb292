/*
 * Cell: everything that one output tick needs, finished: a picture and the exact samples of that tick. Made by a
 * producer's thread, taken by the tick thread, handed on to the output. Pictures are immutable and reference-counted;
 * references are counted atomically, so any thread may hold one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "air/captions/captions.h"

/* In house size, as house_picture_layout has it. */
typedef struct Picture Picture;

Picture *picture_ref(Picture *picture);
void picture_unref(Picture *picture);
const uint8_t *picture_data(const Picture *picture);
size_t picture_size(const Picture *picture);

/* 60 fps at 48 kHz needs 800 samples, 10 fps 4800. */
#define CELL_MAX_SAMPLES 4800

typedef enum {
        CELL_CONTENT, /* the source's own picture, or the source's black after its last picture has had its time */
        CELL_BLACK,   /* material has ended (or never was): black and silence */
} CellKind;

typedef struct {
        int64_t tick; /* absolute: counted from the session's epoch */
        CellKind kind;
        int64_t source_frame; /* index of the source frame shown, 0 = the asset's first; -1 for none */
        Picture *picture;     /* a reference */
        uint32_t n_samples;   /* per channel: tick's share of 48 kHz, see rv_tick_to_sample */
        float *samples;       /* interleaved stereo, n_samples * 2; owned by the cell's slot */
        CaptionData captions; /* of this tick */
        bool continues;       /* the source goes on where the one before it ended */
} Cell;
