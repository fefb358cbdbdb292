/*
 * Says which frame of which clip each picture is (barcode.h):
 *   ffmpeg ... -f rawvideo -pix_fmt gray - | barcode_read WIDTH HEIGHT
 * One line a picture: "N CLIP FRAME", "N black" or "N unreadable", N from 0. Fails on a partial last picture.
 * Video range is expected: ask swscale for it (-pix_fmt gray from yuv420p keeps the luma as it is).
 */
#include "tests/support/media/barcode.h"

#include <stdio.h>
#include <stdlib.h>

static void tell(long n, const uint8_t *luma, const BarcodeSize *size) {
        unsigned frame, clip;
        switch (barcode_read(luma, size, &frame, &clip)) {
        case BARCODE_OK:
                printf("%ld %u %u\n", n, clip, frame);
                break;
        case BARCODE_BLACK:
                printf("%ld black\n", n);
                break;
        case BARCODE_UNREADABLE:
                printf("%ld unreadable\n", n);
                break;
        }
}

int main(int argc, char **argv) {
        BarcodeSize size = {0};
        if (argc == 3)
                size = (BarcodeSize){.width = (int)strtol(argv[1], NULL, 10), .height = (int)strtol(argv[2], NULL, 10)};
        if (size.width <= 0 || size.height <= 0 || size.width > 16384 || size.height > 16384) {
                fputs("usage: barcode_read WIDTH HEIGHT <gray\n", stderr);
                return 2;
        }
        size.stride = size.width;
        size_t bytes = (size_t)size.width * size.height, got;
        uint8_t *luma = malloc(bytes);
        if (!luma)
                return 1;
        for (long n = 0; (got = fread(luma, 1, bytes, stdin)) == bytes; n++)
                tell(n, luma, &size);
        free(luma);
        if (got != 0)
                fputs("barcode_read: the last picture is not whole\n", stderr);
        return got == 0 && fflush(stdout) == 0 ? 0 : 1;
}
