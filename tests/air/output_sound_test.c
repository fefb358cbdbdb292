/* Each codec that sound can go out in: framed and stamped as its standard says, and heard when it was meant to be. */
#include <stdio.h>

#include "tests/air/output_group.h"
#include "tests/air/output_rig.h"

#define NOISE_TICK 30
#define NOISE_SAMPLES 1920 /* of a tick at 25 frames a second */
#define PTS_HZ 90000

typedef struct {
        AudioCodec codec;
        uint8_t type; /* of the PMT */
        int64_t frame_samples;
} Codec;

static const Codec codecs[] = {{AUDIO_AAC, 0x0f, 1024}, {AUDIO_AC3, 0x81, 1536}, {AUDIO_MP2, 0x03, 1152}};

static HouseFormat format_with(AudioCodec codec, int32_t num, int32_t den) {
        HouseFormat format = format_of(64, 64, num, den);
        format.audio_codec = codec;
        format.audio_bitrate_kbps = 192;
        return format;
}

static void INV_OUTPUT_020_frames_of_each_codec_follow_each_other(void **state) {
        static const RvRational rates[] = {{24000, 1001}, {25, 1}, {30000, 1001}, {60000, 1001}};
        for (size_t i = 0; i < G_N_ELEMENTS(codecs); i++) {
                for (size_t j = 0; j < G_N_ELEMENTS(rates); j++) {
                        g_autoptr(Rig) rig = rig_new(format_with(codecs[i].codec, rates[j].num, rates[j].den), 0);
                        run_whole(rig, 0, 120, 30);
                        assert_int_equal(rig->reader->sound_type, codecs[i].type);
                }
        }
}

/* 25.5 hours into a session the 33-bit clock begins anew. */
static void INV_OUTPUT_020_clock_goes_round_under_each_codec(void **state) {
        for (size_t i = 0; i < G_N_ELEMENTS(codecs); i++) {
                g_autoptr(Rig) rig = rig_new(format_with(codecs[i].codec, 30000, 1001), 0);
                run_whole(rig, 2752400, 150, 30);
        }
}

/* Whether PAT or PMT have them. */
static bool tables_hold(Rig *rig, const void *bytes, size_t size) {
        for (guint at = 0; at + size <= MIN(rig->stream->len, 2 * 188); at++)
                if (memcmp(rig->stream->data + at, bytes, size) == 0)
                        return true;
        return false;
}

static void INV_OUTPUT_020_ac3_is_registered(void **state) {
        g_autoptr(Rig) rig = rig_new(format_with(AUDIO_AC3, 25, 1), 0);
        run_whole(rig, 0, 30, 30);
        assert_true(tables_hold(rig, "AC-3", 4));
}

static float *noise_new(void) {
        float *noise = g_new(float, NOISE_SAMPLES);
        GRand *chance = g_rand_new_with_seed(7);
        for (int i = 0; i < NOISE_SAMPLES; i++)
                noise[i] = (float)g_rand_double_range(chance, -0.5, 0.5);
        g_rand_free(chance);
        return noise;
}

/* The left channel of what the stream holds, from the first frame on and nothing skipped. */
static GArray *heard(Rig *rig) {
        g_autofree char *ts = g_build_filename(rig->dir, "sound.ts", NULL);
        g_autofree char *raw = g_build_filename(rig->dir, "sound.raw", NULL);
        assert_true(g_file_set_contents(ts, (char *)rig->stream->data, rig->stream->len, NULL));
        const char *argv[] = {"ffmpeg", "-v",    "error", "-flags2", "+skip_manual", "-i",    ts,  "-map", "0:a",
                              "-f",     "f32le", "-ac",   "2",       "-ar",          "48000", raw, NULL};
        int status = -1;
        assert_true(
                g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, &status, NULL));
        assert_int_equal(status, 0);
        g_autofree char *bytes = NULL;
        gsize size;
        assert_true(g_file_get_contents(raw, &bytes, &size, NULL));
        GArray *left = g_array_new(FALSE, FALSE, sizeof(float));
        for (gsize at = 0; at + 2 * sizeof(float) <= size; at += 2 * sizeof(float))
                g_array_append_vals(left, bytes + at, 1);
        return left;
}

static double likeness(const GArray *samples, gint64 at, const float *noise) {
        double sum = 0;
        for (int i = 0; i < NOISE_SAMPLES; i++)
                sum += (double)noise[i] * g_array_index(samples, float, at + i);
        return sum;
}

/* Where in the samples the noise begins. */
static int64_t find_noise(const GArray *samples, const float *noise) {
        int64_t best_at = -1;
        double best = 0;
        for (int64_t at = 0; at + NOISE_SAMPLES <= samples->len; at++) {
                const double here = likeness(samples, at, noise);
                if (here > best) {
                        best = here;
                        best_at = at;
                }
        }
        return best_at;
}

/* Silence with one tick of noise in it, heard through a decoder that is not ours: at its own samples, to the sample. */
static void INV_OUTPUT_004_sound_of_each_codec_is_heard_at_its_own_sample(void **state) {
        g_autofree float *noise = noise_new();
        for (size_t i = 0; i < G_N_ELEMENTS(codecs); i++) {
                g_autoptr(Rig) rig = rig_new(format_with(codecs[i].codec, 25, 1), 0);
                rig_attach(rig);
                run(rig, NOISE_TICK, NOISE_TICK);
                for (int s = 0; s < NOISE_SAMPLES; s++)
                        rig->samples[2 * s] = rig->samples[2 * s + 1] = noise[s];
                run(rig, 1, NOISE_TICK);
                memset(rig->samples, 0, sizeof(float) * 2 * NOISE_SAMPLES);
                run(rig, 20, NOISE_TICK);
                end_output(rig);
                assert_stream(rig, TS_UNBROKEN);
                g_autoptr(GArray) samples = heard(rig);
                const int64_t first_pts = g_array_index(rig->reader->sounds, TsSound, 0).pts - TS_TICK_0_PTS;
                const int64_t found_pts = first_pts + rv_mul_div_floor(find_noise(samples, noise), PTS_HZ, 48000);
                const int64_t due_pts = rv_mul_div_floor(NOISE_TICK, PTS_HZ, 25);
                assert_in_range(found_pts - due_pts + 1, 0, 2); /* a sample is 1.9 */
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(INV_OUTPUT_020_frames_of_each_codec_follow_each_other),
                cmocka_unit_test(INV_OUTPUT_020_clock_goes_round_under_each_codec),
                cmocka_unit_test(INV_OUTPUT_020_ac3_is_registered),
                cmocka_unit_test(INV_OUTPUT_004_sound_of_each_codec_is_heard_at_its_own_sample),
        };
        return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
