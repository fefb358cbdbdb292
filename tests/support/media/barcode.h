/*
 * What the test clips carry: a picture that says which frame of which clip it is, and a sound that says the same.
 *
 * The picture, whatever its size: a white band over the top eighth and one over the bottom eighth, and between them 32
 * cells from left to right, white for 1: 20 bits of frame number, 6 of clip id, 6 of checksum, the highest bit first.
 * The bands make the picture findable after scaling, letterboxing and a fade; the checksum makes a mixture of two
 * frames, or a torn one, unreadable rather than wrong.
 *
 * The sound is noise, one value each 1/8000 s drawn from (clip, index) and joined by straight lines, so that it exists
 * at any instant and any sample rate can be compared with it. Its band ends near 4 kHz: codecs keep its waveform.
 *
 * Used by the clip maker and the readers of this folder; C tests of air may call it directly. No global state.
 */
#pragma once

#include <stdint.h>

enum { BARCODE_FRAME_LIMIT = 1 << 20, BARCODE_CLIP_LIMIT = 1 << 6 };

typedef enum BarcodeResult { BARCODE_OK = 0, BARCODE_BLACK, BARCODE_UNREADABLE } BarcodeResult;

typedef struct BarcodeSize {
        int width, height, stride; /* pixels, pixels, bytes */
} BarcodeSize;

/* Fills a luma plane in video range (16..235). frame and clip must be below the limits, width at least 64. */
void barcode_draw(uint8_t *luma, const BarcodeSize *size, unsigned frame, unsigned clip);

/* Reads a luma plane; *ret_frame and *ret_clip are set on BARCODE_OK only. Black: no pixel above 40. */
BarcodeResult barcode_read(const uint8_t *luma, const BarcodeSize *size, unsigned *ret_frame, unsigned *ret_clip);

/* The sound of a clip, -0.5..0.5, at a time since the clip's start. Negative times are silence. */
double barcode_sound(unsigned clip, double seconds);
