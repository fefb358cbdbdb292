/* What every tick of a segment shows and sounds, over the whole set of test clips (tests/support/media). */
#include <math.h>

#include "air/producer/audio.h"
#include "air/producer/producer.h"
#include "tests/air/producer_rig.h"
#include "tests/support/chance.h"
#include "tests/support/temp_dir.h"

#define NTSC                                                                                                           \
        { 30000, 1001 }
#define PAL                                                                                                            \
        { 25, 1 }

typedef struct {
        unsigned id;
        char *path;
        int64_t rate_num, rate_den, n_frames;
        int sample_rate_hz; /* 0: silent */
} Clip;

static GArray *clips; /* of Clip */

static void clear_clip(gpointer clip) {
        g_free(((Clip *)clip)->path);
}

static int load_clips(void **state) {
        g_autofree char *path = rig_clip("clips.txt");
        g_autofree char *text = NULL;
        if (!g_file_get_contents(path, &text, NULL, NULL))
                return -1;
        clips = g_array_new(FALSE, TRUE, sizeof(Clip));
        g_array_set_clear_func(clips, clear_clip);
        g_auto(GStrv) lines = g_strsplit(g_strstrip(text), "\n", -1);
        for (char **line = lines; *line; line++) {
                g_auto(GStrv) word = g_strsplit(*line, " ", -1);
                if (g_strv_length(word) != 8)
                        return -1;
                const Clip clip = {
                        .id = (unsigned)g_ascii_strtoull(word[0], NULL, 10),
                        .path = rig_clip(word[1]),
                        .rate_num = g_ascii_strtoll(word[2], NULL, 10),
                        .rate_den = g_ascii_strtoll(word[3], NULL, 10),
                        .n_frames = g_ascii_strtoll(word[4], NULL, 10),
                        .sample_rate_hz = (int)g_ascii_strtoll(word[7], NULL, 10),
                };
                g_array_append_val(clips, clip);
        }
        return 0;
}

static int free_clips(void **state) {
        g_array_free(clips, TRUE);
        return 0;
}

static const Clip *clip_named(const char *name) {
        for (guint i = 0; i < clips->len; i++)
                if (g_str_has_suffix(g_array_index(clips, Clip, i).path, name))
                        return &g_array_index(clips, Clip, i);
        fail_msg("no clip %s", name);
        return NULL;
}

static int64_t clip_ms(const Clip *clip) {
        return clip->n_frames * clip->rate_den * 1000 / clip->rate_num;
}

/* The mapping once more, from its definition: floor((i/r - o) * F + 1/2). */
static int64_t first_tick(const Clip *clip, int64_t i, int64_t offset_ms, RvRational house) {
        const int64_t num = 2 * (i * clip->rate_den * 1000 - offset_ms * clip->rate_num) * house.num;
        const int64_t den = 2 * clip->rate_num * 1000 * house.den;
        return rv_mul_div_floor(1, num + den / 2, den);
}

static void check_tick(const Rig *rig, const Clip *clip, int64_t k, int64_t expected) {
        unsigned frame, id;
        if (rig_read(rig, &frame, &id) != BARCODE_OK || id != clip->id || frame != expected ||
            rig->cell.source_frame != expected)
                fail_msg("%s tick %" G_GINT64_FORMAT ": expected %" G_GINT64_FORMAT
                         ", is %u of %u, told %" G_GINT64_FORMAT,
                         clip->path, k, expected, frame, id, rig->cell.source_frame);
}

static double loudness_of(const Rig *rig, uint32_t from, uint32_t to) {
        double sum = 0;
        for (uint32_t i = from; i < to; i++)
                sum += (double)rig->samples[2 * i] * rig->samples[2 * i];
        return sqrt(sum / (to - from));
}

/* Every tick from k on, to the end of the clip or for n ticks. */
static void check_pictures(const Clip *clip, const RigSpec *spec, int64_t k, int64_t n) {
        g_autoptr(Rig) rig = rig_new(spec);
        assert_non_null(rig->source);
        rig_seek(rig, k);
        int64_t expected = 0;
        for (const int64_t end = k + n; k < end; k++) {
                while (first_tick(clip, expected + 1, spec->offset_ms, rig->format.rate) <= k)
                        expected++;
                const SourceResult result = rig_make(rig, k);
                if (expected < clip->n_frames) {
                        assert_int_equal(result, SOURCE_CELL);
                        check_tick(rig, clip, k, expected);
                } else if (result == SOURCE_CELL) { /* sound that is longer than the pictures */
                        unsigned frame, id;
                        assert_int_equal(rig->cell.source_frame, -1);
                        assert_int_equal(rig_read(rig, &frame, &id), BARCODE_BLACK);
                } else {
                        assert_int_equal(result, SOURCE_OVER);
                        return;
                }
        }
}

static void check_rate(RvRational house) {
        GRand *rand = chance_new();
        for (guint i = 0; i < clips->len; i++) {
                const Clip *clip = &g_array_index(clips, Clip, i);
                const int64_t all_ms = clip_ms(clip);
                RigSpec spec = {.path = clip->path, .duration_ms = all_ms + 1000, .rate = house};
                check_pictures(clip, &spec, 0, 20);
                spec.offset_ms = g_rand_int_range(rand, 1, (int)MAX(all_ms - 500, 2));
                spec.start_tick = g_rand_int_range(rand, 0, 3000000);
                check_pictures(clip, &spec, 0, 60);
                spec.offset_ms = MAX(all_ms - 300, 0);
                check_pictures(clip, &spec, 0, 60);
        }
        g_rand_free(rand);
}

static void INV_PRODUCER_001_every_rate_at_30000_1001(void **state) {
        check_rate((RvRational)NTSC);
}

static void INV_PRODUCER_001_every_rate_at_25(void **state) {
        check_rate((RvRational)PAL);
}

static void INV_PRODUCER_001_whole_clips_in_every_house(void **state) {
        static const char *const names[] = {"r23976.mkv", "r12.avi", "r2997.mp4"};
        static const RvRational houses[] = {{24000, 1001}, {24, 1}, {25, 1},       {30000, 1001},
                                            {30, 1},       {50, 1}, {60000, 1001}, {60, 1}};
        for (size_t h = 0; h < G_N_ELEMENTS(houses); h++) {
                const Clip *clip = clip_named(names[h % G_N_ELEMENTS(names)]);
                const RigSpec spec = {.path = clip->path, .duration_ms = 9000, .rate = houses[h], .start_tick = 17};
                check_pictures(clip, &spec, 0, INT32_MAX);
        }
}

/* A rate that halves half way: frames 0..199 at 50, then every second one. */
static void INV_PRODUCER_001_variable_rate(void **state) {
        g_autofree char *path = rig_clip("vfr.mkv");
        const RigSpec spec = {.path = path, .duration_ms = 8000, .rate = NTSC};
        g_autoptr(Rig) rig = rig_new(&spec);
        const Clip even = {.id = 6, .path = path, .rate_num = 50, .rate_den = 1, .n_frames = 400};
        int64_t expected = 0;
        for (int64_t k = 0; k < 230; k++) {
                for (;;) {
                        const int64_t after = expected < 200 ? expected + 1 : expected + 2;
                        if (first_tick(&even, after, 0, spec.rate) > k)
                                break;
                        expected = after;
                }
                assert_int_equal(rig_make(rig, k), SOURCE_CELL);
                check_tick(rig, &even, k, expected);
        }
}

/* A recording that goes on with stamps of another one: 200 pictures, then the same 200 again, at the same pace. */
static void INV_PRODUCER_002_a_spliced_recording_goes_on(void **state) {
        const Clip *clip = clip_named("r25.ts");
        char *dir = temp_dir_new();
        g_autofree char *path = g_build_filename(dir, "spliced.ts", NULL);
        g_autofree char *data = NULL;
        gsize size;
        assert_true(g_file_get_contents(clip->path, &data, &size, NULL));
        g_autofree char *twice = g_malloc(2 * size);
        memcpy(twice, data, size);
        memcpy(twice + size, data, size);
        assert_true(g_file_set_contents(path, twice, (gssize)(2 * size), NULL));
        const RigSpec spec = {.path = path, .duration_ms = 17000, .rate = PAL};
        g_autoptr(Rig) rig = rig_new(&spec);
        int64_t k = 0;
        for (unsigned last = 0; rig_make(rig, k) == SOURCE_CELL && rig->cell.source_frame >= 0; k++) {
                unsigned frame, id;
                assert_int_equal(rig_read(rig, &frame, &id), BARCODE_OK);
                assert_true(frame == last || frame == (last + 1) % 200 || (k >= 198 && k <= 204));
                assert_true(loudness_of(rig, 0, rig->cell.n_samples) > 0.05 || (k >= 197 && k <= 205));
                last = frame;
        }
        assert_in_range(k, 397, 403);
        temp_dir_free(dir);
}

static GBytes *picture_bytes(const Rig *rig) {
        return g_bytes_new(picture_data(rig->cell.picture), picture_size(rig->cell.picture));
}

/* Joined anywhere, a segment shows bit for bit what it shows when it is played through. */
static void check_joins(const RigSpec *spec, GRand *rand, int n) {
        g_autoptr(Rig) through = rig_new(spec);
        int64_t k = g_rand_int_range(rand, 40, 50);
        for (; n > 0 && k < through->n_ticks - 4; n--, k += g_rand_int_range(rand, 5, 70)) {
                assert_int_equal(rig_make(through, k), SOURCE_CELL);
                g_autoptr(Rig) joined = rig_new(spec);
                rig_seek(joined, k);
                assert_int_equal(rig_make(joined, k), SOURCE_CELL);
                g_autoptr(GBytes) a = picture_bytes(through);
                g_autoptr(GBytes) b = picture_bytes(joined);
                if (!g_bytes_equal(a, b))
                        fail_msg("%s differs at tick %" G_GINT64_FORMAT, spec->path, k);
        }
}

static void INV_PRODUCER_003_joined_is_as_played_through(void **state) {
        GRand *rand = chance_new();
        for (guint i = 0; i < clips->len; i++) {
                const Clip *clip = &g_array_index(clips, Clip, i);
                const RigSpec spec = {.path = clip->path, .duration_ms = clip_ms(clip), .rate = NTSC};
                if (clip_ms(clip) >= 2000 && clip->n_frames <= 1000)
                        check_joins(&spec, rand, 3);
        }
        g_rand_free(rand);
}

/* The deinterlacer looks at the pictures before; they must have been decoded although nobody sees them. */
static void INV_PRODUCER_003_interlaced_joined_is_as_played_through(void **state) {
        char *dir = temp_dir_new();
        g_autofree char *path = g_build_filename(dir, "fields.mpg", NULL);
        const char *command[] = {"ffmpeg", "-nostdin",
                                 "-v",     "error",
                                 "-f",     "lavfi",
                                 "-i",     "testsrc2=s=352x288:r=50:d=6",
                                 "-vf",    "tinterlace=interleave_top",
                                 "-r",     "25",
                                 "-c:v",   "mpeg2video",
                                 "-flags", "+ilme+ildct",
                                 "-q:v",   "4",
                                 "-bf",    "2",
                                 path,     NULL};
        int status = -1;
        assert_true(
                g_spawn_sync(NULL, (char **)command, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, &status, NULL));
        assert_int_equal(status, 0);
        GRand *rand = chance_new();
        const RigSpec spec = {.path = path, .duration_ms = 6000, .rate = PAL};
        check_joins(&spec, rand, 5);
        g_rand_free(rand);
        temp_dir_free(dir);
}

static char *make_film(const char *dir, const char *name, const char *source, const char *picture_every) {
        char *path = g_build_filename(dir, name, NULL);
        const char *command[] = {"ffmpeg",        "-nostdin", "-v",   "error",   "-f",
                                 "lavfi",         "-i",       source, "-vf",     "noise=alls=20:allf=t+u",
                                 "-pix_fmt",      "yuv420p",  "-c:v", "libx264", "-preset",
                                 "veryfast",      "-bf",      "3",    "-g",      picture_every,
                                 "-sc_threshold", "0",        path,   NULL};
        int status = -1;
        assert_true(
                g_spawn_sync(NULL, (char **)command, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, &status, NULL));
        assert_int_equal(status, 0);
        return path;
}

/* On the way to the place joined, pictures that nobody refers to are not decoded; what is shown there must not be of
 * them, also where a picture stays for a second. */
static void INV_PRODUCER_003_pictures_passed_over_change_nothing(void **state) {
        char *dir = temp_dir_new();
        g_autofree char *film = make_film(dir, "film.mkv", "testsrc2=s=320x180:r=25:d=12", "250");
        g_autofree char *slides = make_film(dir, "slides.mp4", "testsrc2=s=320x180:r=1:d=60", "60");
        GRand *rand = chance_new();
        const RigSpec fast = {.path = film, .duration_ms = 12000, .rate = PAL};
        const RigSpec slow = {.path = slides, .duration_ms = 60000, .rate = PAL};
        check_joins(&fast, rand, 8);
        check_joins(&slow, rand, 20);
        g_rand_free(rand);
        temp_dir_free(dir);
}

static void INV_PRODUCER_003_offset_and_join_are_the_same_place(void **state) {
        g_autofree char *path = rig_clip("long.mkv");
        const RigSpec joined = {.path = path, .duration_ms = 60000, .rate = PAL};
        RigSpec trimmed = joined;
        trimmed.offset_ms = 41000;
        trimmed.duration_ms = 19000;
        g_autoptr(Rig) a = rig_new(&joined);
        g_autoptr(Rig) b = rig_new(&trimmed);
        rig_seek(a, 41 * 25);
        rig_seek(b, 0);
        for (int64_t k = 0; k < 20; k++) {
                assert_int_equal(rig_make(a, 41 * 25 + k), SOURCE_CELL);
                assert_int_equal(rig_make(b, k), SOURCE_CELL);
                assert_int_equal(a->cell.source_frame, b->cell.source_frame);
                assert_int_equal(a->cell.n_samples, b->cell.n_samples);
                const size_t led_in = k == 0 ? 2 * AUDIO_EDGE : 0;
                assert_memory_equal(a->samples + led_in, b->samples + led_in,
                                    sizeof(float) * (2 * a->cell.n_samples - led_in));
        }
}

/* ---- sound -------------------------------------------------------------------------------------------------- */

#define WINDOW 4096

static double correlation(const float *heard, unsigned clip, double seconds) {
        double hh = 0, rr = 0, hr = 0;
        for (int i = 0; i < WINDOW; i++) {
                const double reference = barcode_sound(clip, seconds + i / 48000.0);
                hh += (double)heard[i] * heard[i];
                rr += reference * reference;
                hr += heard[i] * reference;
        }
        return hh > 0 && rr > 0 ? hr / sqrt(hh * rr) : 0;
}

/* Samples by which what is heard is late; fails when the clip is not heard within reach. */
static int lag_of(const float *heard, const Clip *clip, double seconds, int reach) {
        int best = 0;
        double most = 0;
        for (int lag = -reach; lag <= reach; lag++) {
                const double value = correlation(heard, clip->id, seconds - lag / 48000.0);
                if (value > most) {
                        most = value;
                        best = lag;
                }
        }
        if (most < 0.7)
                fail_msg("%s at %.3f s: not its sound (%.2f)", clip->path, seconds, most);
        return best;
}

/* A window of the left channel from tick k on. */
static void listen(Rig *rig, int64_t k, float *ret_heard) {
        size_t n = 0;
        while (n < WINDOW) {
                assert_int_equal(rig_make(rig, k++), SOURCE_CELL);
                for (uint32_t i = 0; i < rig->cell.n_samples && n < WINDOW; i++) {
                        assert_true(rig->samples[2 * i] == rig->samples[2 * i + 1] || rig->samples[2 * i] != 0);
                        ret_heard[n++] = rig->samples[2 * i];
                }
        }
}

/* What containers themselves cannot say is allowed: milliseconds, and Opus' pre-skip as FFmpeg writes it. */
static int tolerance_of(const Clip *clip) {
        if (g_str_has_suffix(clip->path, ".webm"))
                return 340;
        return g_str_has_suffix(clip->path, ".mkv") ? 26 : 2;
}

static void INV_PRODUCER_004_sound_lies_where_the_picture_says(void **state) {
        static float heard[WINDOW];
        static const int64_t offsets_ms[] = {0, 333, 3271};
        for (guint i = 0; i < clips->len; i++) {
                const Clip *clip = &g_array_index(clips, Clip, i);
                if (clip->sample_rate_hz == 0 || clip_ms(clip) < 4000)
                        continue;
                for (size_t o = 0; o < G_N_ELEMENTS(offsets_ms) + 1; o++) {
                        const bool at_the_end = o == G_N_ELEMENTS(offsets_ms);
                        const int64_t offset_ms = at_the_end ? clip_ms(clip) - 400 : offsets_ms[o];
                        const RigSpec spec = {.path = clip->path,
                                              .offset_ms = offset_ms,
                                              .duration_ms = 4000,
                                              .rate = NTSC,
                                              .start_tick = 1001 * (int64_t)o};
                        g_autoptr(Rig) rig = rig_new(&spec);
                        rig_seek(rig, 0);
                        listen(rig, 0, heard);
                        const int most = tolerance_of(clip);
                        const int lag = lag_of(heard, clip, (double)offset_ms / 1000, most + 10);
                        if (abs(lag) > most)
                                fail_msg("%s from %d ms: %d samples late", clip->path, (int)offset_ms, lag);
                }
        }
}

static void INV_PRODUCER_004_ticks_take_exactly_their_samples(void **state) {
        const Clip *clip = clip_named("r12.avi");
        const RigSpec spec = {.path = clip->path, .duration_ms = 4000, .rate = NTSC, .start_tick = 3};
        static const uint32_t cadence[] = {1601, 1602, 1601, 1602, 1602};
        g_autoptr(Rig) rig = rig_new(&spec);
        for (int64_t k = 0; k < 100; k++) {
                assert_int_equal(rig_make(rig, k), SOURCE_CELL);
                assert_int_equal(rig->cell.n_samples, cadence[(3 + k) % 5]);
        }
}

static void INV_PRODUCER_004_a_file_without_pictures_is_black_with_its_sound(void **state) {
        static float heard[WINDOW];
        g_autofree char *path = rig_clip("soundonly.mkv");
        const Clip clip = {.id = 16, .path = path};
        static const int64_t offsets_ms[] = {0, 7123};
        for (size_t o = 0; o < G_N_ELEMENTS(offsets_ms); o++) {
                const RigSpec spec = {.path = path, .offset_ms = offsets_ms[o], .duration_ms = 20000, .rate = PAL};
                g_autoptr(Rig) rig = rig_new(&spec);
                rig_seek(rig, 0);
                listen(rig, 0, heard);
                (void)lag_of(heard, &clip, (double)offsets_ms[o] / 1000, 350);
                unsigned frame, id;
                assert_int_equal(rig->cell.kind, CELL_CONTENT);
                assert_int_equal(rig->cell.source_frame, -1);
                assert_int_equal(rig_read(rig, &frame, &id), BARCODE_BLACK);
                assert_int_equal(rig_make(rig, 10 * 25 + 2 - offsets_ms[o] / 40), SOURCE_OVER);
        }
}

static void INV_PRODUCER_004_a_file_without_sound_is_silent(void **state) {
        const Clip *clip = clip_named("silent.mp4");
        const RigSpec spec = {.path = clip->path, .duration_ms = 2000, .rate = PAL};
        g_autoptr(Rig) rig = rig_new(&spec);
        assert_int_equal(rig_make(rig, 7), SOURCE_CELL);
        assert_int_equal(rig->cell.n_samples, 1920);
        for (uint32_t i = 0; i < 2 * rig->cell.n_samples; i++)
                assert_true(rig->samples[i] == 0);
}

/* ---- the end, fades, gain ----------------------------------------------------------------------------------- */

static void INV_PRODUCER_010_material_ends_on_its_tick(void **state) {
        const Clip *clip = clip_named("silent.mp4"); /* 240 pictures at 30000/1001 */
        RigSpec spec = {.path = clip->path, .duration_ms = 10000, .rate = NTSC};
        g_autoptr(Rig) rig = rig_new(&spec);
        assert_int_equal(rig_make(rig, 239), SOURCE_CELL);
        assert_int_equal(rig->cell.source_frame, 239);
        assert_int_equal(rig_make(rig, 240), SOURCE_OVER);

        spec.rate = (RvRational)PAL; /* 8.008 s end at tick 200.2 */
        g_autoptr(Rig) slower = rig_new(&spec);
        rig_seek(slower, 190);
        assert_int_equal(rig_make(slower, 199), SOURCE_CELL);
        assert_int_equal(rig_make(slower, 200), SOURCE_OVER);

        spec.offset_ms = 60000; /* beyond the end */
        g_autoptr(Rig) beyond = rig_new(&spec);
        rig_seek(beyond, 0);
        assert_int_equal(rig_make(beyond, 0), SOURCE_OVER);
}

static int white_of(const Rig *rig) {
        return picture_data(rig->cell.picture)[0]; /* the white band at the top; 4:3 and 16:9 alike fill the height */
}

static void INV_PRODUCER_011_fades_go_to_black_and_silence(void **state) {
        const Clip *clip = clip_named("r50.mp4");
        RigSpec spec = {.path = clip->path, .duration_ms = 4000, .rate = PAL};
        g_autoptr(Rig) plain = rig_new(&spec);
        assert_int_equal(rig_make(plain, 20), SOURCE_CELL);
        const int white = white_of(plain) - 16;
        const double loud = loudness_of(plain, 0, 1920);

        spec.fade_in_ms = spec.fade_out_ms = 400; /* ten ticks each */
        g_autoptr(Rig) rig = rig_new(&spec);
        for (int64_t k = 0; k < 100; k++) {
                assert_int_equal(rig_make(rig, k), SOURCE_CELL);
                const int64_t tenths = MIN(MIN(k + 1, 99 - k), 10);
                assert_in_range(white_of(rig), 16 + white * tenths / 10 - 3, 16 + white * tenths / 10 + 3);
                if (k == 0) /* rises within the tick: its last samples are louder than its first */
                        assert_true(loudness_of(rig, 0, 100) < loudness_of(rig, 1820, 1920) / 3);
                if (k == 20)
                        assert_true(fabs(loudness_of(rig, 0, 1920) / loud - 1) < 1e-3);
                if (k == 99)
                        assert_true(loudness_of(rig, 1900, 1920) < loud / 50);
        }
}

/* The loudest sample, of the left channel, of those from..to of the cell in hand. */
static float loudest(const Rig *rig, uint32_t from, uint32_t to) {
        float most = 0;
        for (uint32_t i = from; i < to; i++)
                most = MAX(most, fabsf(rig->samples[2 * i]));
        return most;
}

static void INV_PRODUCER_013_a_hard_cut_does_not_click(void **state) {
        const Clip *clip = clip_named("r24.mp4");
        const RigSpec spec = {.path = clip->path, .offset_ms = 2000, .duration_ms = 1000, .rate = PAL};
        g_autoptr(Rig) rig = rig_new(&spec);
        rig_seek(rig, 0);
        assert_int_equal(rig_make(rig, 0), SOURCE_CELL);
        const uint32_t n = rig->cell.n_samples;
        const float loud = loudest(rig, AUDIO_EDGE, n);
        assert_true(loud > 0.3);
        assert_true(rig->samples[0] == 0);
        for (uint32_t i = 0; i < AUDIO_EDGE; i++)
                assert_true(fabsf(rig->samples[2 * i]) <= loud * 1.3F * (float)i / AUDIO_EDGE + 0.001F);
        for (int64_t k = 1; k < 25; k++)
                assert_int_equal(rig_make(rig, k), SOURCE_CELL);
        assert_true(rig->samples[2 * n - 2] == 0);
        assert_true(loudest(rig, n - 10, n) <= loud * 1.3F * 10 / AUDIO_EDGE);
        assert_true(loudest(rig, 0, n - AUDIO_EDGE) > loud / 2);
}

/* Two segments of one file that touch sound as the file does. */
static void INV_PRODUCER_013_material_that_runs_on_is_untouched(void **state) {
        const Clip *clip = clip_named("r25.ts");
        static float whole[1920 * 2];
        const RigSpec spec = {.path = clip->path, .offset_ms = 1000, .duration_ms = 2000, .rate = PAL};
        g_autoptr(Rig) rig = rig_new(&spec);
        rig_seek(rig, 25);
        assert_int_equal(rig_make(rig, 25), SOURCE_CELL);
        memcpy(whole, rig->samples, sizeof whole);

        g_autoptr(BlockPlan) block = blocks_make("cut", 0, clip->path, (int64_t[]){1000, 1000}, 2);
        block->segments[0].asset_start_offset_ms = 1000;
        block->segments[1].asset_start_offset_ms = 2000;
        const ProducerOptions options = {.format = rig->format,
                                         .block = block,
                                         .segment_index = 1,
                                         .start_tick = 25,
                                         .end_tick = 50,
                                         .ring_cells = 8};
        g_autoptr(Producer) producer = producer_new(&options);
        const Cell *cell;
        producer_wait(producer, 25);
        assert_true(producer_take(producer, 25, &cell));
        assert_int_equal(cell->n_samples, 1920);
        for (size_t i = 0; i < G_N_ELEMENTS(whole); i++)
                assert_true(fabsf(cell->samples[i] - whole[i]) < 0.001F);
}

static void INV_PRODUCER_011_gain_is_exact_and_never_exceeds_full_scale(void **state) {
        const Clip *clip = clip_named("r5994.mkv"); /* FLAC: the very samples */
        RigSpec spec = {.path = clip->path, .duration_ms = 2000, .rate = PAL};
        g_autoptr(Rig) plain = rig_new(&spec);
        assert_int_equal(rig_make(plain, 10), SOURCE_CELL);

        spec.gain_millibel = -602;
        g_autoptr(Rig) half = rig_new(&spec);
        assert_int_equal(rig_make(half, 10), SOURCE_CELL);
        spec.gain_millibel = 2400;
        g_autoptr(Rig) loud = rig_new(&spec);
        assert_int_equal(rig_make(loud, 10), SOURCE_CELL);
        for (uint32_t i = 0; i < 2 * plain->cell.n_samples; i++) {
                assert_true(fabsf(half->samples[i] - plain->samples[i] * 0.5F) < 1e-4F);
                assert_true(fabsf(loud->samples[i]) <= 1.0F);
        }
        assert_true(loudness_of(loud, 0, 1920) > 0.5);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(INV_PRODUCER_001_every_rate_at_30000_1001),
                cmocka_unit_test(INV_PRODUCER_001_every_rate_at_25),
                cmocka_unit_test(INV_PRODUCER_001_whole_clips_in_every_house),
                cmocka_unit_test(INV_PRODUCER_001_variable_rate),
                cmocka_unit_test(INV_PRODUCER_002_a_spliced_recording_goes_on),
                cmocka_unit_test(INV_PRODUCER_003_joined_is_as_played_through),
                cmocka_unit_test(INV_PRODUCER_003_interlaced_joined_is_as_played_through),
                cmocka_unit_test(INV_PRODUCER_003_pictures_passed_over_change_nothing),
                cmocka_unit_test(INV_PRODUCER_003_offset_and_join_are_the_same_place),
                cmocka_unit_test(INV_PRODUCER_004_sound_lies_where_the_picture_says),
                cmocka_unit_test(INV_PRODUCER_004_ticks_take_exactly_their_samples),
                cmocka_unit_test(INV_PRODUCER_004_a_file_without_pictures_is_black_with_its_sound),
                cmocka_unit_test(INV_PRODUCER_004_a_file_without_sound_is_silent),
                cmocka_unit_test(INV_PRODUCER_010_material_ends_on_its_tick),
                cmocka_unit_test(INV_PRODUCER_011_fades_go_to_black_and_silence),
                cmocka_unit_test(INV_PRODUCER_013_a_hard_cut_does_not_click),
                cmocka_unit_test(INV_PRODUCER_013_material_that_runs_on_is_untouched),
                cmocka_unit_test(INV_PRODUCER_011_gain_is_exact_and_never_exceeds_full_scale),
        };
        return cmocka_run_group_tests(tests, load_clips, free_clips);
}
