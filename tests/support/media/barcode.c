#include "tests/support/media/barcode.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { CELLS = 32, CHECK_BITS = 6, CLIP_BITS = 6, BLACK = 16, WHITE = 235, BLACK_LIMIT = 40, SOUND_LATTICE_HZ = 8000 };

/* CRC-6 (x^6 + x + 1) of the 26 bits above it, inverted in part so that all-black and all-white cells are no code. */
static unsigned checksum(unsigned payload) {
        unsigned crc = 0x2a;
        for (int bit = 25; bit >= 0; bit--) {
                unsigned top = (crc >> 5 ^ payload >> bit) & 1;
                crc = (crc << 1 & 0x3f) ^ (top ? 0x03 : 0);
        }
        return crc ^ 0x15;
}

static uint32_t code(unsigned frame, unsigned clip) {
        unsigned payload = frame << CLIP_BITS | clip;
        return (uint32_t)payload << CHECK_BITS | checksum(payload);
}

void barcode_draw(uint8_t *luma, const BarcodeSize *size, unsigned frame, unsigned clip) {
        assert(frame < BARCODE_FRAME_LIMIT && clip < BARCODE_CLIP_LIMIT && size->width >= 2 * CELLS);
        uint32_t cells = code(frame, clip);
        int band = size->height / 8;
        for (int y = 0; y < size->height; y++) {
                uint8_t *row = luma + (size_t)y * size->stride;
                if (y < band || y >= size->height - band) {
                        memset(row, WHITE, size->width);
                        continue;
                }
                for (int cell = 0; cell < CELLS; cell++) {
                        int x0 = cell * size->width / CELLS, x1 = (cell + 1) * size->width / CELLS;
                        memset(row + x0, cells >> (CELLS - 1 - cell) & 1 ? WHITE : BLACK, x1 - x0);
                }
        }
}

typedef struct Box {
        int x0, y0, x1, y1; /* half open */
} Box;

static int brightest(const uint8_t *luma, const BarcodeSize *size) {
        int max = 0;
        for (int y = 0; y < size->height; y++)
                for (int x = 0; x < size->width; x++)
                        if (luma[(size_t)y * size->stride + x] > max)
                                max = luma[(size_t)y * size->stride + x];
        return max;
}

/* A row of a white band: bright without a hole over at least a quarter of the picture. */
static bool band_row(const uint8_t *row, int width, int threshold, int *ret_x0, int *ret_x1) {
        int x0 = 0, x1 = width;
        while (x0 < width && row[x0] <= threshold)
                x0++;
        while (x1 > x0 && row[x1 - 1] <= threshold)
                x1--;
        if (x1 - x0 < width / 4)
                return false;
        for (int x = x0; x < x1; x++)
                if (row[x] <= threshold)
                        return false;
        *ret_x0 = x0;
        *ret_x1 = x1;
        return true;
}

static bool find_picture(const uint8_t *luma, const BarcodeSize *size, int threshold, Box *ret_box) {
        Box box = {.y0 = 0, .y1 = size->height};
        while (box.y0 < size->height &&
               !band_row(luma + (size_t)box.y0 * size->stride, size->width, threshold, &box.x0, &box.x1))
                box.y0++;
        int x0, x1;
        while (box.y1 > box.y0 &&
               !band_row(luma + (size_t)(box.y1 - 1) * size->stride, size->width, threshold, &x0, &x1))
                box.y1--;
        if (box.y1 - box.y0 < 16 || box.x1 - box.x0 < CELLS * 2)
                return false;
        *ret_box = box;
        return true;
}

/* The mean of the middle half of a cell, over the middle of the picture's height. */
static int cell_mean(const uint8_t *luma, int stride, const Box *box, int cell) {
        int width = box->x1 - box->x0, height = box->y1 - box->y0;
        int x0 = box->x0 + (4 * cell + 1) * width / (4 * CELLS), x1 = box->x0 + (4 * cell + 3) * width / (4 * CELLS);
        int64_t sum = 0, count = 0;
        for (int y = box->y0 + height * 3 / 8; y < box->y0 + height * 5 / 8; y++)
                for (int x = x0; x < x1 || x == x0; x++, count++)
                        sum += luma[(size_t)y * stride + x];
        return count ? (int)(sum / count) : 0;
}

BarcodeResult barcode_read(const uint8_t *luma, const BarcodeSize *size, unsigned *ret_frame, unsigned *ret_clip) {
        int white = brightest(luma, size);
        if (white <= BLACK_LIMIT)
                return BARCODE_BLACK;
        Box box;
        int range = white - BLACK;
        if (!find_picture(luma, size, BLACK + range / 2, &box))
                return BARCODE_UNREADABLE;
        uint32_t cells = 0;
        for (int cell = 0; cell < CELLS; cell++) {
                int mean = cell_mean(luma, size->stride, &box, cell) - BLACK;
                if (mean * 100 > range * 35 && mean * 100 < range * 65)
                        return BARCODE_UNREADABLE;
                cells = cells << 1 | (mean * 2 > range);
        }
        unsigned payload = cells >> CHECK_BITS;
        if (checksum(payload) != (cells & ((1 << CHECK_BITS) - 1)))
                return BARCODE_UNREADABLE;
        *ret_frame = payload >> CLIP_BITS;
        *ret_clip = payload & (BARCODE_CLIP_LIMIT - 1);
        return BARCODE_OK;
}

/* A value in -0.5..0.5 that depends on clip and index alone (the finaliser of splitmix64). */
static double lattice(unsigned clip, int64_t index) {
        uint64_t z = (uint64_t)index * 0x9e3779b97f4a7c15u + ((uint64_t)clip + 1) * 0xd1b54a32d192ed03u;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
        z = (z ^ z >> 27) * 0x94d049bb133111ebu;
        return (double)((z ^ z >> 31) >> 11) / (double)(1ull << 53) - 0.5;
}

double barcode_sound(unsigned clip, double seconds) {
        if (seconds < 0)
                return 0;
        double at = seconds * SOUND_LATTICE_HZ, below = floor(at);
        double a = lattice(clip, (int64_t)below), b = lattice(clip, (int64_t)below + 1);
        return a + (b - a) * (at - below);
}
