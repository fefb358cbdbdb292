/*
 * Says how far each probed stretch of sound is from where it ought to be (barcode.h):
 *   ffmpeg ... -f f32le -ac 1 -ar 48000 - | sound_read PROBES
 * PROBES is a file of lines "SAMPLE CLIP TIME_US": at that output sample the clip's sound at that time is expected to
 * begin. Answers "SAMPLE CLIP LAG_US CORRELATION" for each: what is heard there is the clip at TIME_US - LAG_US, so a
 * positive lag is late sound. 4096 samples are compared, over lags of up to 60 ms either way; a correlation below 0.5
 * means that it is not this clip (or silence).
 */
#include "tests/support/media/barcode.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { RATE = 48000, WINDOW = 4096, REACH = 2880 };

typedef struct Pcm {
        float *sample;
        long count;
} Pcm;

static Pcm read_all(FILE *file) {
        Pcm pcm = {0};
        long room = 0;
        for (;;) {
                if (pcm.count == room) {
                        room = room ? room * 2 : 1 << 16;
                        float *grown = realloc(pcm.sample, (size_t)room * sizeof *grown);
                        if (!grown)
                                exit(1);
                        pcm.sample = grown;
                }
                size_t got = fread(pcm.sample + pcm.count, sizeof *pcm.sample, room - pcm.count, file);
                if (got == 0)
                        return pcm;
                pcm.count += (long)got;
        }
}

/* The normalised correlation of the window at a sample with the reference delayed by some samples. */
static double correlate(const float *heard, const double *reference) {
        double hh = 0, rr = 0, hr = 0;
        for (int i = 0; i < WINDOW; i++) {
                hh += (double)heard[i] * heard[i];
                rr += reference[i] * reference[i];
                hr += heard[i] * reference[i];
        }
        return hh > 1e-9 && rr > 1e-9 ? hr / sqrt(hh * rr) : 0;
}

/* The vertex of the parabola through three neighbours of a peak, -0.5..0.5. */
static double vertex(double before, double peak, double after) {
        double bend = before - 2 * peak + after;
        return bend < -1e-12 ? 0.5 * (before - after) / bend : 0;
}

static void probe(const Pcm *pcm, long at, unsigned clip, long time_us) {
        if (at < 0 || at + WINDOW > pcm->count) {
                printf("%ld %u 0 0.000\n", at, clip);
                return;
        }
        static double reference[WINDOW + 2 * REACH + 2], value[2 * REACH + 2];
        for (int i = 0; i < WINDOW + 2 * REACH + 2; i++)
                reference[i] = barcode_sound(clip, time_us / 1e6 + (double)(i - REACH) / RATE);
        int best = 0;
        for (int shift = 0; shift <= 2 * REACH; shift++) {
                value[shift] = correlate(pcm->sample + at, reference + shift);
                if (value[shift] > value[best])
                        best = shift;
        }
        double ahead = best - REACH;
        if (best > 0 && best < 2 * REACH)
                ahead += vertex(value[best - 1], value[best], value[best + 1]);
        printf("%ld %u %ld %.3f\n", at, clip, lround(-ahead * 1e6 / RATE), value[best]);
}

int main(int argc, char **argv) {
        FILE *probes = argc == 2 ? fopen(argv[1], "r") : NULL;
        if (!probes) {
                fputs("usage: sound_read PROBES <mono 48 kHz f32le\n", stderr);
                return 2;
        }
        Pcm pcm = read_all(stdin);
        long at, time_us;
        unsigned clip;
        while (fscanf(probes, "%ld %u %ld", &at, &clip, &time_us) == 3)
                probe(&pcm, at, clip, time_us);
        int status = feof(probes) ? 0 : 1;
        if (status)
                fputs("sound_read: a line of the probes is not SAMPLE CLIP TIME_US\n", stderr);
        fclose(probes);
        free(pcm.sample);
        return fflush(stdout) == 0 ? status : 1;
}
