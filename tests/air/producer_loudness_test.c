/* What a gain makes of a file that is too loud or too soft, heard by another program: EBU R128 as ffmpeg measures it.
 */
#include "tests/air/producer_rig.h"

#include <stdio.h>

#include "tests/support/temp_dir.h"

#define TARGET_LUFS (-24.0)
#define DURATION_MS 6000

static char *dir;

static int make_dir(void **state) {
        dir = temp_dir_new();
        return 0;
}

static int remove_dir(void **state) {
        temp_dir_free(dir);
        return 0;
}

/* What a command writes to stderr. */
static char *run(const char *command) {
        char *errors = NULL;
        int status = 0;
        assert_true(g_spawn_command_line_sync(command, NULL, &errors, &status, NULL));
        if (!g_spawn_check_wait_status(status, NULL))
                fail_msg("%s: %s", command, errors);
        return errors;
}

/* A file of that loudness: 997 Hz in both channels are as many LUFS as dB of full scale. */
static char *make_clip(const char *name, const char *amplitude, const char *codec) {
        char *path = g_build_filename(dir, name, NULL);
        g_autofree char *command = g_strdup_printf(
                "ffmpeg -v error -nostdin -y -f lavfi -i testsrc2=size=320x180:rate=25:duration=6 -f lavfi -i "
                "'aevalsrc=exprs=%s*sin(2*PI*997*t):s=44100:c=stereo:d=6' -c:v mpeg4 -c:a %s %s",
                amplitude, codec, path);
        g_autofree char *errors = run(command);
        return path;
}

/* The integrated loudness of what comes out of the segment. */
static double loudness_out(const char *path, int32_t gain_millibel) {
        const RigSpec spec = {.path = path, .duration_ms = DURATION_MS, .gain_millibel = gain_millibel};
        g_autoptr(Rig) rig = rig_new(&spec);
        g_autofree char *raw = g_build_filename(dir, "out.f32", NULL);
        FILE *file = fopen(raw, "wb");
        assert_non_null(rig->source);
        assert_non_null(file);
        for (int64_t k = 0; k < rig->n_ticks; k++) {
                assert_int_equal(rig_make(rig, k), SOURCE_CELL);
                assert_int_equal(fwrite(rig->cell.samples, 2 * sizeof(float), rig->cell.n_samples, file),
                                 rig->cell.n_samples);
        }
        assert_int_equal(fclose(file), 0);
        g_autofree char *command = g_strdup_printf(
                "ffmpeg -nostdin -f f32le -ar 48000 -ac 2 -i %s -af ebur128=framelog=verbose -f null -", raw);
        g_autofree char *told = run(command);
        const char *summary = g_strrstr(told, "    I:");
        assert_non_null(summary);
        return g_ascii_strtod(summary + strlen("    I:"), NULL);
}

static void INV_PRODUCER_011_loud_and_soft_files_come_out_as_loud_as_the_house(void **state) {
        static const struct {
                const char *name, *amplitude, *codec;
                int32_t gain_millibel;
        } files[] = {
                {"loud.mkv", "0.19953", "pcm_s16le", -1000}, /* -14 LUFS */
                {"soft.mkv", "0.01995", "pcm_s16le", 1000},  /* -34 LUFS */
                {"loud.mp4", "0.19953", "aac", -1000},       {"soft.mp4", "0.01995", "aac", 1000},
                {"right.mp4", "0.06310", "aac", 0},
        };
        for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
                g_autofree char *path = make_clip(files[i].name, files[i].amplitude, files[i].codec);
                const double out = loudness_out(path, files[i].gain_millibel);
                if (out < TARGET_LUFS - 1 || out > TARGET_LUFS + 1)
                        fail_msg("%s: %.1f LUFS", files[i].name, out);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(INV_PRODUCER_011_loud_and_soft_files_come_out_as_loud_as_the_house),
        };
        return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
