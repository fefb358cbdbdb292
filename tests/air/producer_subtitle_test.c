/* Subtitles over the picture: which, from which tick to which, wherever one joins, and whatever the file holds. */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/air/producer_rig.h"
#include "tests/support/chance.h"
#include "tests/support/pgs.h"
#include "tests/support/temp_dir.h"

#define FILM_S 70
#define WIDTH 320
#define HEIGHT 180
#define NTSC                                                                                                           \
        { 30000, 1001 }

static char *dir;

static char *path_of(const char *name) {
        return g_build_filename(dir, name, NULL);
}

static void run(const char *format, ...) G_GNUC_PRINTF(1, 2);
static void run(const char *format, ...) {
        va_list arguments;
        va_start(arguments, format);
        g_autofree char *command = g_strdup_vprintf(format, arguments);
        va_end(arguments);
        g_autofree char *errors = NULL;
        int status = 0;
        assert_true(g_spawn_command_line_sync(command, NULL, &errors, &status, NULL));
        if (!g_spawn_check_wait_status(status, NULL))
                fail_msg("%s: %s", command, errors);
}

static void write_file(const char *name, const char *text) {
        g_autofree char *path = path_of(name);
        assert_true(g_file_set_contents(path, text, -1, NULL));
}

/* Black, with sound in Japanese. */
static int make_film(void **state) {
        dir = temp_dir_new();
        run("ffmpeg -v error -nostdin -y -f lavfi -i color=black:size=%dx%d:rate=25:duration=%d -f lavfi -i "
            "sine=440:duration=%d -c:v libx264 -preset ultrafast -g 100 -bf 2 -c:a flac -metadata:s:a:0 language=jpn "
            "%s/film.mkv",
            WIDTH, HEIGHT, FILM_S, FILM_S, dir);
        return 0;
}

static int remove_dir(void **state) {
        temp_dir_free(dir);
        return 0;
}

/* The film with subtitles in it, without coding its pictures again. */
static char *film_with(const char *name, const char *inputs, const char *options) {
        run("sh -c 'cd %s && ffmpeg -v error -nostdin -y -i film.mkv %s -map 0:v -map 0:a -c:v copy -c:a %s %s %s'",
            dir, inputs, g_str_has_suffix(name, ".mkv") ? "copy" : "aac", options, name);
        return path_of(name);
}

/* An ASS script of white squares: number i is at 40 * i from the left, and 20 wide. */
typedef struct {
        int square, start_ms, end_ms;
        const char *tags;
} Square;

static char *stamp(int ms) {
        return g_strdup_printf("%d:%02d:%02d.%02d", ms / 3600000, ms / 60000 % 60, ms / 1000 % 60, ms % 1000 / 10);
}

static void write_squares(const char *name, const Square *squares, size_t n) {
        g_autoptr(GString) text =
                g_string_new("[Script Info]\nScriptType: v4.00+\nPlayResX: 320\nPlayResY: 180\n\n[V4+ Styles]\nFormat: "
                             "Name, Fontname, "
                             "Fontsize, PrimaryColour, Outline, Shadow, Alignment\nStyle: "
                             "Default,sans,20,&H00FFFFFF,0,0,7\n\n[Events]\n"
                             "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n");
        for (size_t i = 0; i < n; i++) {
                g_autofree char *start = stamp(squares[i].start_ms), *end = stamp(squares[i].end_ms);
                g_string_append_printf(
                        text, "Dialogue: 0,%s,%s,Default,,0,0,0,,{\\pos(%d,80)\\p1%s}m 0 0 l 20 0 20 20 0 20\n", start,
                        end, 40 * squares[i].square, squares[i].tags ? squares[i].tags : "");
        }
        write_file(name, text->str);
}

static void one_square(const char *name, int square) {
        write_squares(name, &(Square){square, 0, 60000, NULL}, 1);
}

static int luma_at(const Rig *rig, int x, int y) {
        return picture_data(
                rig->cell.picture)[y * house_picture_layout(rig->format.width, rig->format.height).stride[0] + x];
}

/* A bit for each square. */
static unsigned squares_of(const Rig *rig) {
        unsigned seen = 0;
        for (int i = 0; i < 8; i++)
                seen |= luma_at(rig, 40 * i + 10, 90) > 128 ? 1U << i : 0;
        return seen;
}

/* Whether there is any light in the picture. */
static bool is_lit(const Rig *rig) {
        for (int y = 0; y < rig->format.height; y++)
                for (int x = 0; x < rig->format.width; x++)
                        if (luma_at(rig, x, y) > 100)
                                return true;
        return false;
}

static HouseStyle *style_of(SubtitlePolicy policy, const char *sounds, const char *subtitles) {
        HouseStyle *style = house_style_new();
        style->subtitles = policy;
        g_strfreev(style->sound_languages);
        style->sound_languages = g_strsplit(sounds, ",", -1);
        g_strfreev(style->subtitle_languages);
        style->subtitle_languages = g_strsplit(subtitles, ",", -1);
        return style;
}

static Rig *rig_at(const char *path, int64_t offset_ms, const HouseStyle *style, RvRational rate) {
        const RigSpec spec = {.path = path,
                              .offset_ms = offset_ms,
                              .duration_ms = FILM_S * 1000 - offset_ms,
                              .rate = rate,
                              .width = WIDTH,
                              .height = HEIGHT,
                              .style = style};
        Rig *rig = rig_new(&spec);
        if (!rig->source)
                fail_msg("%s: %s", path, rig->fault.detail);
        return rig;
}

static unsigned squares_at_start(const char *path, const HouseStyle *style) {
        g_autoptr(Rig) rig = rig_at(path, 1000, style, (RvRational){25, 1});
        rig_seek(rig, 0);
        assert_int_equal(rig_make(rig, 0), SOURCE_CELL);
        return squares_of(rig);
}

/* ---- which -------------------------------------------------------------------------------------------------- */

static void INV_SUBTITLE_001_the_right_ones_of_a_file_are_shown(void **state) {
        one_square("s1.ass", 1);
        one_square("s2.ass", 2);
        one_square("s3.ass", 3);
        g_autofree char *path = film_with("choice.mkv", "-i s1.ass -i s2.ass -i s3.ass",
                                          "-map 1 -map 2 -map 3 -c:s copy -metadata:s:s:0 language=ger -metadata:s:s:1 "
                                          "language=eng -metadata:s:s:2 language=eng -disposition:s:2 forced");
        static const struct {
                SubtitlePolicy policy;
                const char *sounds, *subtitles;
                unsigned expected;
        } cases[] = {
                {SUBTITLES_ALWAYS, "eng", "", 1 << 2},  {SUBTITLES_ALWAYS, "jpn", "deu", 1 << 1},
                {SUBTITLES_FOREIGN, "eng", "", 1 << 2}, {SUBTITLES_FOREIGN, "jpn", "eng", 1 << 3},
                {SUBTITLES_NEVER, "eng", "", 1 << 3},   {SUBTITLES_NEVER, "deu", "", 0},
                {SUBTITLES_ALWAYS, "fra", "", 0},       {SUBTITLES_ALWAYS, "", "", 1 << 1},
        };
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(HouseStyle) style = style_of(cases[i].policy, cases[i].sounds, cases[i].subtitles);
                if (squares_at_start(path, style) != cases[i].expected)
                        fail_msg("case %zu: %#x", i, squares_at_start(path, style));
        }
        assert_int_equal(squares_at_start(path, NULL), 0);
}

static void INV_SUBTITLE_001_and_of_those_beside_it(void **state) {
        g_autofree char *path = film_with("Beside.mkv", "-i s1.ass", "-map 1 -c:s copy -metadata:s:s:0 language=eng");
        g_autoptr(HouseStyle) style = style_of(SUBTITLES_ALWAYS, "eng", "");
        assert_int_equal(squares_at_start(path, style), 1 << 1);
        one_square("Beside.2.en.ass", 2); /* another film's */
        one_square("Beside.de.ass", 3);
        assert_int_equal(squares_at_start(path, style), 1 << 1);
        one_square("Beside.en.ass", 4);
        assert_int_equal(squares_at_start(path, style), 1 << 4);
        one_square("Beside.eng.forced.ass", 5);
        assert_int_equal(squares_at_start(path, style), 1 << 4);
        style->subtitles = SUBTITLES_NEVER;
        assert_int_equal(squares_at_start(path, style), 1 << 5);
}

/* ---- when --------------------------------------------------------------------------------------------------- */

/* floor((t - o) * F + 1/2) */
static int64_t tick_of(int64_t ms, RvRational rate) {
        return rv_mul_div_floor(2 * ms * rate.num + 1000 * rate.den, 1, 2 * (int64_t)1000 * rate.den);
}

static void check_span(const char *path, int64_t offset_ms, RvRational rate, int64_t start_ms, int64_t end_ms) {
        const bool counted = strstr(path, "vob") != NULL; /* they end in steps of 11.4 ms */
        g_autoptr(HouseStyle) style = style_of(SUBTITLES_ALWAYS, "", "");
        g_autoptr(Rig) rig = rig_at(path, offset_ms, style, rate);
        const int64_t start = tick_of(start_ms - offset_ms, rate), end = tick_of(end_ms - offset_ms, rate);
        const int64_t from = MAX(0, start - 3), vague = counted ? end - 1 : -1;
        rig_seek(rig, from);
        for (int64_t k = from; k < end + 3; k++) {
                assert_int_equal(rig_make(rig, k), SOURCE_CELL);
                if (is_lit(rig) != (k >= start && k < end) && k != vague)
                        fail_msg("%s from %d ms at tick %d: %s, but it is for %d..%d", path, (int)offset_ms, (int)k,
                                 is_lit(rig) ? "lit" : "dark", (int)start, (int)end);
        }
}

static void INV_SUBTITLE_004_text_is_shown_from_tick_to_tick_in_every_container(void **state) {
        write_file("one.srt", "1\n00:00:12,345 --> 00:00:13,987\nHallo, <b>world</b>\n");
        static const char *const ways[][3] = {
                {"srt.mkv", "-i one.srt", "-map 1 -c:s srt"},
                {"ass.mkv", "-i one.srt", "-map 1 -c:s ass"},
                {"vtt.mkv", "-i one.srt", "-map 1 -c:s webvtt"},
                {"tx3g.mp4", "-i one.srt", "-map 1 -c:s mov_text"},
                {"beside.mp4", "", ""},
                {"beside.ts", "", ""},
        };
        write_file("beside.srt", "1\r\n00:00:12,345 --> 00:00:13,987\r\nGr\xfc\xdf Gott\r\n");
        for (size_t i = 0; i < G_N_ELEMENTS(ways); i++) {
                g_autofree char *path = film_with(ways[i][0], ways[i][1], ways[i][2]);
                const int64_t start_ms = 12345, end_ms = 13987;
                check_span(path, 0, (RvRational){25, 1}, start_ms, end_ms);
                check_span(path, 11230, (RvRational)NTSC, start_ms, end_ms);
                check_span(path, 12900, (RvRational)NTSC, start_ms, end_ms); /* in the middle of it */
        }
}

static void INV_SUBTITLE_004_pictures_are_shown_until_they_end(void **state) {
        g_autofree char *sup = path_of("one.sup");
        pgs_write(sup, &(PgsPicture){.canvas_width = WIDTH,
                                     .canvas_height = HEIGHT,
                                     .x = 100,
                                     .y = 120,
                                     .width = 64,
                                     .height = 32,
                                     .start_ms = 12340,
                                     .end_ms = 13980});
        static const char *const ways[][3] = {
                {"pgs.mkv", "-i one.sup", "-map 1 -c:s copy"},
                {"vob.mkv", "-fix_sub_duration -i one.sup", "-map 1 -c:s dvdsub -s:s 320x180"},
                {"dvb.ts", "-fix_sub_duration -i one.sup", "-map 1 -c:s dvbsub -s:s 320x180"},
        };
        for (size_t i = 0; i < G_N_ELEMENTS(ways); i++) {
                g_autofree char *path = film_with(ways[i][0], ways[i][1], ways[i][2]);
                check_span(path, 0, (RvRational){25, 1}, 12340, 13980);
                check_span(path, 12900, (RvRational){25, 1}, 12340, 13980);
        }
}

/* As in the canvas, which is the whole picture, whatever sizes they have. */
static void pictures_keep_their_place(void **state) {
        g_autofree char *sup = path_of("place.sup");
        pgs_write(sup, &(PgsPicture){.canvas_width = 1280,
                                     .canvas_height = 720,
                                     .x = 400,
                                     .y = 480,
                                     .width = 256,
                                     .height = 128,
                                     .start_ms = 1000,
                                     .end_ms = 3000});
        g_autofree char *path = film_with("place.mkv", "-i place.sup", "-map 1 -c:s copy");
        g_autoptr(HouseStyle) style = style_of(SUBTITLES_ALWAYS, "", "");
        g_autoptr(Rig) rig = rig_at(path, 2000, style, (RvRational){25, 1});
        rig_seek(rig, 0);
        assert_int_equal(rig_make(rig, 0), SOURCE_CELL);
        assert_true(luma_at(rig, 103, 123) > 200 && luma_at(rig, 160, 148) > 200);
        assert_true(luma_at(rig, 97, 123) < 30 && luma_at(rig, 166, 148) < 30 && luma_at(rig, 103, 117) < 30 &&
                    luma_at(rig, 103, 155) < 30);
}

/* ---- joining ------------------------------------------------------------------------------------------------ */

static void check_joins(const char *path, GRand *rand, int n) {
        g_autoptr(HouseStyle) style = style_of(SUBTITLES_ALWAYS, "", "");
        g_autoptr(Rig) through = rig_at(path, 0, style, (RvRational)NTSC);
        for (int64_t k = 0; n > 0; n--) {
                k += g_rand_int_range(rand, 50, 250);
                for (int64_t at = MAX(0, k - 1); at <= k; at++)
                        assert_int_equal(rig_make(through, at), SOURCE_CELL);
                g_autoptr(Rig) joined = rig_at(path, 0, style, (RvRational)NTSC);
                rig_seek(joined, k);
                for (int64_t at = k; at < k + 12; at++) {
                        if (at > k)
                                assert_int_equal(rig_make(through, at), SOURCE_CELL);
                        assert_int_equal(rig_make(joined, at), SOURCE_CELL);
                        if (memcmp(picture_data(through->cell.picture), picture_data(joined->cell.picture),
                                   picture_size(joined->cell.picture)) != 0)
                                fail_msg("%s joined at %d: tick %d is another: %#x, %#x", path, (int)k, (int)at,
                                         squares_of(through), squares_of(joined));
                }
                k += 12;
        }
}

static void INV_SUBTITLE_004_joined_anywhere_it_shows_what_it_would(void **state) {
        GRand *rand = chance_new();
        static const Square squares[] = {
                {0, 500, 20000, NULL},
                {1, 3000, 4000, "\\fad(300,300)"},
                {2, 3500, 27000, "\\t(\\fscx300)"},
                {3, 8000, 8200, NULL},
                {4, 20000, 45000, NULL},
                {5, 21000, 34000, NULL},
                {6, 33000, 58000, "\\move(240,80,260,120)"},
                {7, 40000, 41000, NULL},
        };
        write_squares("squares.ass", squares, G_N_ELEMENTS(squares));
        g_autofree char *inside = film_with("joins.mkv", "-i squares.ass", "-map 1 -c:s copy");
        check_joins(inside, rand, 6);
        write_squares("joins2.ass", squares, G_N_ELEMENTS(squares));
        g_autofree char *beside = film_with("joins2.ts", "", "");
        check_joins(beside, rand, 3);
        write_file("long.srt",
                   "1\n00:00:01,000 --> 00:00:50,000\nVery long\n\n2\n00:00:52,000 --> 00:00:54,000\nShort\n");
        g_autofree char *mp4 = film_with("long.mp4", "-i long.srt", "-map 1 -c:s mov_text");
        check_joins(mp4, rand, 3);
        g_rand_free(rand);
}

/* ---- whatever is in them ------------------------------------------------------------------------------------ */

/* The programme goes on: n cells, whatever is over them. */
static void goes_on(const char *path, int n) {
        g_autoptr(HouseStyle) style = style_of(SUBTITLES_ALWAYS, "", "");
        g_autoptr(Rig) rig = rig_at(path, 2000, style, (RvRational){25, 1});
        rig_seek(rig, 0);
        for (int64_t k = 0; k < n; k++)
                assert_int_equal(rig_make(rig, k), SOURCE_CELL);
}

static void INV_SUBTITLE_002_no_subtitles_stop_the_programme(void **state) {
        g_autofree char *path = film_with("Hostile.mkv", "", "");
        g_autofree char *srt = path_of("Hostile.srt"), *ass = path_of("Hostile.ass");
        write_file("Hostile.srt", "");
        assert_int_equal(truncate(srt, INT64_C(100) << 20), 0); /* 100 MB */
        goes_on(path, 5);
        g_autoptr(GString) many = g_string_new(NULL);
        for (int i = 0; i < 10000; i++)
                g_string_append_printf(many, "%d\n00:00:00,000 --> 00:01:00,000\nAll at once, number %d\n\n", i, i);
        write_file("Hostile.srt", many->str);
        goes_on(path, 8);
        g_string_truncate(many, 0);
        for (int i = 0; i < 100000; i++)
                g_string_append(many, "1\n00:00:00,000 --> 00:01:0");
        write_file("Hostile.srt", many->str);
        goes_on(path, 5);
        assert_int_equal(unlink(srt), 0);
        static const char *const scripts[] = {
                "\xff\xfe",
                "[Script Info]\nPlayResX: -1\nPlayResY: 2147483647\n[Events]\nDialogue: 0",
                "[V4+ Styles]\nStyle: Default,,1e99,,,,\n[Events]\nDialogue: "
                "0,0:00:00.00,0:01:00.00,Default,,0,0,0,,{\\fs99999}A",
                "[Events]\nDialogue: "
                "0,0:00:00.00,0:01:00.00,*,,,,,,{\\fs4000\\blur100\\be100\\bord500\\shad500\\t(\\frx3600)}WWW",
                "[Events]\nDialogue: 0,0:00:00.00,0:01:00.00,*,,,,,,{\\p1}m 0 0 l 1e9 0 1e9 1e9 b 1 2 3 4 5 6 nan inf",
                "[Events]\nDialogue: 0,0:00:00.00,9:99:99.99,*,,,,,,{\\t(\\t(\\t(\\t(\\clip(4,m 0 0 l 9 "
                "9)}{\\q9\\an99}x",
                "[Fonts]\nfontname: a.ttf\n!!!!!!!!!\n[Events]\nDialogue: 0,0:00:00.00,0:01:00.00,*,,,,,,{\\fna}x",
        };
        for (size_t i = 0; i < G_N_ELEMENTS(scripts); i++) {
                write_file("Hostile.ass", scripts[i]);
                goes_on(path, 5);
        }
        assert_int_equal(unlink(ass), 0);
}

static void INV_SUBTITLE_002_no_pictures_stop_the_programme(void **state) {
        g_autofree char *sup = path_of("huge.sup");
        pgs_write(sup, &(PgsPicture){.canvas_width = 20000,
                                     .canvas_height = 20000,
                                     .x = 0,
                                     .y = 0,
                                     .width = 20000,
                                     .height = 20000,
                                     .start_ms = 1000,
                                     .end_ms = 9000});
        g_autofree char *huge = film_with("huge.mkv", "-i huge.sup", "-map 1 -c:s copy");
        goes_on(huge, 10);
        GRand *rand = chance_new();
        g_autofree char *pgs = path_of("pgs.mkv"), *bent = path_of("bent.mkv"), *bytes = NULL;
        gsize size;
        assert_true(g_file_get_contents(pgs, &bytes, &size, NULL));
        for (int i = 0; i < 6; i++) {
                g_autofree char *copy = g_memdup2(bytes, size);
                for (int n = 0; n < 100; n++)
                        copy[g_rand_int_range(rand, 2000, (gint32)size)] = (char)g_rand_int(rand);
                assert_true(g_file_set_contents(bent, copy, (gssize)size, NULL));
                g_autoptr(HouseStyle) style = style_of(SUBTITLES_ALWAYS, "", "");
                const RigSpec spec = {
                        .path = bent, .offset_ms = 12000, .duration_ms = 9000, .rate = {25, 1}, .style = style};
                g_autoptr(Rig) rig = rig_new(&spec);
                if (rig->source && source_seek(rig->source, 0, &rig->fault))
                        for (int64_t k = 0; k < 60 && rig_make(rig, k) == SOURCE_CELL; k++)
                                ;
        }
        g_rand_free(rand);
}

static void INV_SUBTITLE_003_only_regular_files_of_the_folder_are_read(void **state) {
        g_autofree char *path = film_with("Links.mkv", "", "");
        g_autofree char *link = path_of("Links.ass"), *target = path_of("s2.ass");
        g_autoptr(HouseStyle) style = style_of(SUBTITLES_ALWAYS, "", "");
        assert_int_equal(symlink(target, link), 0);
        assert_int_equal(squares_at_start(path, style), 0);
        assert_int_equal(unlink(link), 0);
        assert_int_equal(mkfifo(link, 0600), 0);
        assert_int_equal(squares_at_start(path, style), 0);
        assert_int_equal(unlink(link), 0);
        assert_int_equal(mkdir(link, 0700), 0);
        assert_int_equal(squares_at_start(path, style), 0);
        assert_int_equal(rmdir(link), 0);
        one_square("Links.ass", 6);
        assert_int_equal(squares_at_start(path, style), 1 << 6);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(INV_SUBTITLE_001_the_right_ones_of_a_file_are_shown),
                cmocka_unit_test(INV_SUBTITLE_001_and_of_those_beside_it),
                cmocka_unit_test(INV_SUBTITLE_004_text_is_shown_from_tick_to_tick_in_every_container),
                cmocka_unit_test(INV_SUBTITLE_004_pictures_are_shown_until_they_end),
                cmocka_unit_test(pictures_keep_their_place),
                cmocka_unit_test(INV_SUBTITLE_004_joined_anywhere_it_shows_what_it_would),
                cmocka_unit_test(INV_SUBTITLE_002_no_subtitles_stop_the_programme),
                cmocka_unit_test(INV_SUBTITLE_002_no_pictures_stop_the_programme),
                cmocka_unit_test(INV_SUBTITLE_003_only_regular_files_of_the_folder_are_read),
        };
        return cmocka_run_group_tests(tests, make_film, remove_dir);
}
