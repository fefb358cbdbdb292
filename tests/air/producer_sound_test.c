/* Which sound of a file is heard, and how loud what has many channels is in two. */
#include <math.h>
#include <stdio.h>

#include "tests/air/producer_rig.h"
#include "tests/support/temp_dir.h"

#define VIDEO "-f lavfi -i testsrc2=size=320x180:rate=25:duration=3 "
#define TONE(hz) "-f lavfi -i aevalsrc=0.4*sin(2*PI*" #hz "*t):s=48000:d=3 "

static char *dir;

static int make_dir(void **state) {
        dir = temp_dir_new();
        return 0;
}

static int remove_dir(void **state) {
        temp_dir_free(dir);
        return 0;
}

static char *make_clip(const char *name, const char *options) {
        char *path = g_build_filename(dir, name, NULL);
        g_autofree char *command = g_strdup_printf("ffmpeg -v error -nostdin -y %s %s", options, path);
        g_autofree char *errors = NULL;
        int status = 0;
        assert_true(g_spawn_command_line_sync(command, NULL, &errors, &status, NULL));
        if (!g_spawn_check_wait_status(status, NULL))
                fail_msg("%s: %s", command, errors);
        return path;
}

/* A second of sound out of the middle; sample c of each pair in into[c]. */
static void hear(const char *path, const char *wish, float into[2][48000]) {
        g_autoptr(HouseStyle) style = house_style_new();
        g_strfreev(style->sound_languages);
        style->sound_languages = g_strsplit(wish, ",", -1);
        const RigSpec spec = {.path = path, .duration_ms = 3000, .rate = {25, 1}, .style = style};
        g_autoptr(Rig) rig = rig_new(&spec);
        if (!rig->source)
                fail_msg("%s: %s", path, rig->fault.detail);
        size_t n = 0;
        for (int64_t k = 0; k < 50; k++) {
                assert_int_equal(rig_make(rig, k), SOURCE_CELL);
                for (uint32_t i = 0; k >= 25 && i < rig->cell.n_samples; i++, n++)
                        for (int c = 0; c < 2; c++)
                                into[c][n] = rig->samples[2 * i + (uint32_t)c];
        }
        assert_int_equal(n, 48000);
}

static int pitch_of(const float *samples) {
        int crossings = 0;
        for (int i = 1; i < 48000; i++)
                crossings += samples[i - 1] < 0 && samples[i] >= 0;
        return crossings;
}

static double rms_of(const float *samples) {
        double sum = 0;
        for (int i = 0; i < 48000; i++)
                sum += (double)samples[i] * samples[i];
        return sqrt(sum / 48000);
}

static void INV_PRODUCER_014_the_wished_language_is_heard(void **state) {
        static const char *const ways[][2] = {{"two.mkv", "-c:v mpeg4 -c:a aac"},
                                              {"two.mp4", "-c:v mpeg4 -c:a aac"},
                                              {"two.ts", "-c:v mpeg2video -c:a mp2"}};
        static float heard[2][48000];
        for (size_t i = 0; i < G_N_ELEMENTS(ways); i++) {
                g_autofree char *options = g_strdup_printf(
                        VIDEO TONE(300) TONE(700) TONE(1100) "-map 0 -map 1 -map 2 -map 3 -metadata:s:a:0 language=jpn "
                                                             "-metadata:s:a:1 language=ger -metadata:s:a:2 "
                                                             "language=eng -disposition:a:0 default %s",
                        ways[i][1]);
                g_autofree char *path = make_clip(ways[i][0], options);
                static const struct {
                        const char *wish;
                        int hz;
                } cases[] = {{"deu,eng", 700}, {"fra,eng,deu", 1100}, {"jpn", 300}, {"", 300}, {"fra", 300}};
                for (size_t c = 0; c < G_N_ELEMENTS(cases); c++) {
                        hear(path, cases[c].wish, heard);
                        assert_in_range(pitch_of(heard[0]), cases[c].hz - 1, cases[c].hz + 1);
                }
        }
}

/* Each channel alone in a clip of many: how loud it is on the left and on the right, in thousandths of itself. */
static void INV_PRODUCER_014_many_channels_keep_their_levels_in_two(void **state) {
        static const struct {
                const char *layout;
                int n_channels, channel, left, right;
        } cases[] = {
                {"5.1", 6, 0, 1000, 0},        {"5.1", 6, 1, 0, 1000},      {"5.1", 6, 2, 707, 707},
                {"5.1", 6, 3, 0, 0},           {"5.1", 6, 4, 707, 0},       {"5.1", 6, 5, 0, 707},
                {"5.1(side)", 6, 2, 707, 707}, {"5.1(side)", 6, 4, 707, 0}, {"7.1", 8, 2, 707, 707},
                {"7.1", 8, 4, 707, 0},         {"7.1", 8, 7, 0, 707},
        };
        static float heard[2][48000];
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(GString) sounds = g_string_new(NULL);
                for (int c = 0; c < cases[i].n_channels; c++)
                        g_string_append_printf(sounds, "%s%s", c ? "|" : "",
                                               c == cases[i].channel ? "0.5*sin(2*PI*440*t)" : "0");
                g_autofree char *options = g_strdup_printf(
                        VIDEO "-f lavfi -i 'aevalsrc=exprs=%s:s=48000:c=%s:d=3' "
                              "-c:v mpeg4 -c:a %s",
                        sounds->str, cases[i].layout, cases[i].n_channels == 6 && i % 2 ? "ac3 -b:a 640k" : "flac");
                g_autofree char *path = make_clip("many.mkv", options);
                hear(path, "", heard);
                const double whole = 0.5 / sqrt(2);
                if (fabs(rms_of(heard[0]) / whole - cases[i].left / 1000.0) > 0.02 ||
                    fabs(rms_of(heard[1]) / whole - cases[i].right / 1000.0) > 0.02)
                        fail_msg("%s, channel %d: %.3f %.3f", cases[i].layout, cases[i].channel,
                                 rms_of(heard[0]) / whole, rms_of(heard[1]) / whole);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(INV_PRODUCER_014_the_wished_language_is_heard),
                cmocka_unit_test(INV_PRODUCER_014_many_channels_keep_their_levels_in_two),
        };
        return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
