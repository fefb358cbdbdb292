/* A house picture to draw on, and to look at. */
#pragma once

#include <string.h>

#include "air/graphics/blend.h"
#include "tests/support/cmocka.h"

/* A picture with some bytes after each row, which nobody may touch. */
typedef struct {
        I420 view;
        uint8_t *bytes;
        size_t size;
} Page;

#define SPARE 8

static inline Page page_new(int32_t width, int32_t height, const uint8_t yuv[3]) {
        Page page = {.view = {width, height, {NULL}, {width + SPARE, width / 2 + SPARE, width / 2 + SPARE}}};
        size_t offsets[I420_PLANES];
        for (int p = 0; p < I420_PLANES; p++) {
                offsets[p] = page.size;
                page.size += (size_t)page.view.stride[p] * (size_t)(height / (p ? 2 : 1));
        }
        page.bytes = g_malloc(page.size);
        for (int p = 0; p < I420_PLANES; p++) {
                page.view.plane[p] = page.bytes + offsets[p];
                memset(page.view.plane[p], yuv[p], page.size - offsets[p]);
        }
        return page;
}

static inline void page_clear(Page *page) {
        g_clear_pointer(&page->bytes, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Page, page_clear)

static inline int sample(const Page *page, int plane, int32_t x, int32_t y) {
        return page->view.plane[plane][(ptrdiff_t)y * page->view.stride[plane] + x];
}

static const uint8_t GREY[3] = {126, 128, 128};

static inline void check_sample(const Page *page, int plane, int32_t x, int32_t y, int expected) {
        const int seen = sample(page, plane, x, y);
        if (seen != expected)
                fail_msg("plane %d (%d, %d): %d, not %d", plane, x, y, seen, expected);
}
