/*
 * Writes the raw material of one test clip to standard output (barcode.h):
 *   barcode_clip picture CLIP WIDTH HEIGHT FRAMES        8-bit gray frames, numbered from 0
 *   barcode_clip sound CLIP RATE CHANNELS SAMPLES        interleaved 32-bit float, the same on every channel
 */
#include "tests/support/media/barcode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int write_picture(unsigned clip, const int *value) {
        BarcodeSize size = {.width = value[0], .height = value[1], .stride = value[0]};
        size_t bytes = (size_t)size.width * size.height;
        uint8_t *luma = malloc(bytes);
        if (!luma)
                return 1;
        int status = 0;
        for (int frame = 0; frame < value[2] && status == 0; frame++) {
                barcode_draw(luma, &size, frame, clip);
                status = fwrite(luma, 1, bytes, stdout) == bytes ? 0 : 1;
        }
        free(luma);
        return status;
}

static int write_sound(unsigned clip, const int *value) {
        for (int sample = 0; sample < value[2]; sample++) {
                float heard = (float)barcode_sound(clip, (double)sample / value[0]);
                for (int channel = 0; channel < value[1]; channel++)
                        if (fwrite(&heard, sizeof heard, 1, stdout) != 1)
                                return 1;
        }
        return 0;
}

int main(int argc, char **argv) {
        int value[4];
        for (int i = 0; i < 4 && argc == 6; i++) {
                char *end;
                value[i] = (int)strtol(argv[2 + i], &end, 10);
                if (*end || value[i] < 0)
                        argc = 0;
        }
        if (argc != 6 || value[0] >= BARCODE_CLIP_LIMIT) {
                fputs("usage: barcode_clip picture CLIP WIDTH HEIGHT FRAMES | sound CLIP RATE CHANNELS SAMPLES\n",
                      stderr);
                return 2;
        }
        int status =
                strcmp(argv[1], "picture") == 0 ? write_picture(value[0], value + 1) : write_sound(value[0], value + 1);
        return fflush(stdout) == 0 ? status : 1;
}
