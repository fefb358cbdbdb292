/* Overlays: how they are made, set in type, and put over house pictures. */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "air/graphics/canvas.h"
#include "air/graphics/script.h"
#include "air/graphics/text.h"
#include "tests/air/page.h"
#include "tests/support/cmocka.h"

static Overlay *box(CanvasRect rect, Colour colour, int32_t height, int32_t opacity_percent) {
        g_autoptr(Canvas) canvas = canvas_new(64, 64);
        canvas_plate(canvas, rect, 0, colour, colour);
        return overlay_new(canvas, 0, 0, height, opacity_percent);
}

/* --- making --- */

static void check_colour(Colour colour, int32_t height, const int expected[3]) {
        g_autoptr(Overlay) overlay = box((CanvasRect){8, 8, 16, 16}, colour, height, 100);
        g_auto(Page) page = page_new(64, 64, GREY);
        overlay_blend(overlay, &page.view, 0, OVERLAY_OPAQUE);
        check_sample(&page, 0, 12, 12, expected[0]);
        check_sample(&page, 1, 6, 6, expected[1]);
        check_sample(&page, 2, 6, 6, expected[2]);
}

static void INV_GRAPHICS_002_colours_are_the_houses(void **state) {
        static const struct {
                Colour colour;
                int32_t height;
                int yuv[3];
        } cases[] = {
                {0xFFFFFFFF, 720, {235, 128, 128}}, {0x000000FF, 720, {16, 128, 128}},
                {0xFF0000FF, 720, {63, 102, 240}},  {0x00FF00FF, 720, {173, 42, 26}},
                {0x0000FFFF, 720, {32, 240, 118}},  {0xFF0000FF, 480, {81, 90, 240}},
                {0x00FF00FF, 480, {145, 54, 34}},   {0x0000FFFF, 480, {41, 240, 110}},
                {0xFFFFFF80, 720, {180, 128, 128}},
        };
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
                check_colour(cases[i].colour, cases[i].height, cases[i].yuv);
}

/* Left-hand chroma: at an even column it has a half of that column and a quarter of each of its neighbours'. */
static void INV_GRAPHICS_002_chroma_lies_in_line_with_even_columns(void **state) {
        g_auto(Page) page = page_new(64, 64, GREY);
        g_autoptr(Overlay) overlay = box((CanvasRect){8, 8, 8, 8}, 0xFF0000FF, 720, 100);
        overlay_blend(overlay, &page.view, 0, OVERLAY_OPAQUE);
        check_sample(&page, 2, 3, 4, 128);
        check_sample(&page, 2, 4, 4, 128 + 112 * 3 / 4); /* columns 7, 8, 9 */
        check_sample(&page, 2, 5, 4, 240);
        check_sample(&page, 2, 8, 4, 128 + 112 / 4); /* columns 15, 16, 17 */
        check_sample(&page, 2, 9, 4, 128);
        check_sample(&page, 2, 5, 3, 128);
        check_sample(&page, 2, 5, 8, 128);
        check_sample(&page, 0, 7, 8, 126);
        check_sample(&page, 0, 8, 8, 63);
        check_sample(&page, 0, 16, 8, 126);
}

static void nothing_makes_no_overlay(void **state) {
        g_autoptr(Canvas) canvas = canvas_new(16, 16);
        assert_null(overlay_new(canvas, 0, 0, 720, 100));
        canvas_plate(canvas, (CanvasRect){20, 20, 9, 9}, 3, 0xFFFFFFFF, 0xFFFFFFFF);
        canvas_plate(canvas, (CanvasRect){-9, -9, 9, 9}, 3, 0xFFFFFFFF, 0xFFFFFFFF);
        assert_null(overlay_new(canvas, 0, 0, 720, 100));
        canvas_plate(canvas, (CanvasRect){15, 15, 9, 9}, 0, 0xFFFFFFFF, 0xFFFFFFFF);
        g_autoptr(Overlay) overlay = overlay_new(canvas, 2, 4, 720, 100);
        assert_int_equal(overlay->x, 16);
        assert_int_equal(overlay->y, 18);
}

/* --- putting over --- */

/* A canvas of every opacity and many colours. */
static Overlay *motley(GRand *rand) {
        g_autoptr(Canvas) canvas = canvas_new(32, 32);
        for (int32_t y = 0; y < 32; y++)
                for (int32_t x = 0; x < 32; x++) {
                        const Colour colour = g_rand_int(rand) << 8 | (uint32_t)((y * 32 + x) % 256);
                        canvas_plate(canvas, (CanvasRect){x, y, 1, 1}, 0, colour, colour);
                }
        return overlay_new(canvas, 16, 16, 720, 100);
}

static int reference(const Overlay *overlay, int plane, size_t i, int under, int level) {
        const double opacity = (OVERLAY_OPAQUE - overlay->rest[plane ? 1 : 0][i]) * level / 65536.0;
        return (int)floor(overlay->light[plane][i] * level / 65536.0 + under * (1 - opacity) + 0.5);
}

static void check_blend(const Overlay *overlay, uint8_t under, int32_t down_rows, int level) {
        const uint8_t yuv[3] = {under, under, under};
        g_auto(Page) page = page_new(64, 64, yuv);
        overlay_blend(overlay, &page.view, down_rows, level);
        for (int p = 0; p < I420_PLANES; p++) {
                const int32_t scale = p ? 2 : 1, width = overlay->width / scale;
                for (int32_t y = 0; y < 64 / scale; y++)
                        for (int32_t x = 0; x < 64 / scale + SPARE; x++) {
                                const int32_t ox = x - overlay->x / scale, oy = y - (overlay->y + down_rows) / scale;
                                const bool in = ox >= 0 && oy >= 0 && ox < width && oy < overlay->height / scale &&
                                                x < 64 / scale;
                                const size_t i = in ? (size_t)oy * (size_t)width + (size_t)ox : 0;
                                check_sample(&page, p, x, y, in ? reference(overlay, p, i, under, level) : under);
                        }
        }
}

static void INV_GRAPHICS_001_blending_is_exact_and_stays_in_its_rectangle(void **state) {
        g_autoptr(GRand) rand = g_rand_new_with_seed(20260611);
        g_autoptr(Overlay) overlay = motley(rand);
        const uint8_t unders[] = {0, 1, 16, 126, 235, 254, 255};
        for (size_t i = 0; i < G_N_ELEMENTS(unders); i++)
                for (int level = 0; level <= OVERLAY_OPAQUE; level += 32)
                        check_blend(overlay, unders[i], 0, level);
        for (int32_t rows = -64; rows <= 64; rows += 8)
                check_blend(overlay, 126, rows, OVERLAY_OPAQUE);
}

/* --- type --- */

static const char HEADER[] = "[Script Info]\nScriptType: v4.00+\nPlayResX: 320\nPlayResY: 180\n\n[V4+ Styles]\n"
                             "Format: Name, Fontname, Fontsize, PrimaryColour, Alignment, MarginV\n"
                             "Style: Default,Sans,20,&H00FFFFFF,2,10\n\n[Events]\n"
                             "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n";

static Text *script_of(const char *event) {
        Text *text = text_new(320, 180);
        assert_non_null(text);
        text_set_header(text, HEADER, strlen(HEADER));
        text_add_event(text, event, 1000, 500);
        return text;
}

static void INV_GRAPHICS_003_an_event_stands_for_its_time(void **state) {
        g_autoptr(Text) text = script_of("0,0,Default,,0,0,0,,Hello");
        uint32_t look = 9, again;
        assert_null(text_at(text, 999, &look));
        assert_int_equal(look, 0);
        const Overlay *overlay = text_at(text, 1000, &look);
        assert_non_null(overlay);
        assert_true(look > 0);
        assert_true(overlay->y > 100 && overlay->y + overlay->height <= 180);
        assert_ptr_equal(text_at(text, 1499, &again), overlay);
        assert_int_equal(again, look);
        assert_null(text_at(text, 1500, &again));
        assert_int_equal(again, 0);
        assert_non_null(text_at(text, 1200, &again));
        text_forget_events(text);
        assert_null(text_at(text, 1200, &again));
}

static void INV_GRAPHICS_003_hostile_scripts_cost_nothing_but_time(void **state) {
        static const char *const events[] = {
                "",
                "0",
                "0,0,Default,,0,0,0,,",
                "0,0,None,,0,0,0,,no such style",
                "0,0,Default,,0,0,0,,{\\fs99999}huge",
                "0,0,Default,,0,0,0,,{\\fs3000}many ABCDEFGHIJKLMNOPQRSTUVWXYZ",
                "0,0,Default,,0,0,0,,{\\ fs(3e3)\\fs+9e9\\fscx9000\\t(\\fscy9000)}ABCDEFGHIJKLMNOPQRSTUVWXYZ",
                "0,0,Default,,0,0,0,,{\\fs",
                "0,0,Default,,0,0,0,,{\\fs-}\\",
                "0,0,Default,,0,0,0,,{\\pos(-99999,99999)}far away",
                "0,0,Default,,0,0,0,,{\\p1\\fscx10000\\fscy10000}m 0 0 l 99999 0 99999 99999 0 99999",
                "0,0,Default,,0,0,0,,{\\blur100\\bord100}blurred",
                "0,0,Default,,0,0,0,,\xff\xfe\x80 not UTF-8",
                "0,0,Default,,-9999,99999,-9999,,margins",
        };
        for (size_t i = 0; i < G_N_ELEMENTS(events); i++) {
                g_autoptr(Text) text = script_of(events[i]);
                g_auto(Page) page = page_new(320, 180, GREY);
                const Overlay *overlay = text_at(text, 1100, NULL);
                if (overlay)
                        overlay_blend(overlay, &page.view, 0, OVERLAY_OPAQUE);
        }
}

/* Nothing larger than the picture is made: of letters of 3,000 lines a few would take gigabytes. */
static void INV_GRAPHICS_003_numbers_are_bounded(void **state) {
        static const char *const cases[][2] = {
                {"{\\fs3000}A", "{\\fs180}A"},
                {"{\\fs20\\b1}A {\\fs 1e9}B", "{\\fs20\\b1}A {\\fs 180}B"},
                {"{\\ fs(9999)}A", "{\\ fs(180)}A"},
                {"{\\fs+60}A", "{\\fs0}A"},
                {"{\\t(0,50,\\fscx9000)\\fscy100}A", "{\\t(0,50,\\fscx400)\\fscy100}A"},
                {"{\\blur99\\bord500\\be3}A\\N\\", "{\\blur20\\bord45\\be3}A\\N\\"},
                {"{\\fsnan\\fs}A", "{\\fs180\\fs}A"},
        };
        ASS_Track track = {.PlayResY = 180};
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *tame = script_tame_event(&track, cases[i][0]);
                assert_string_equal(tame, cases[i][1]);
        }
        ASS_Style style = {.FontSize = 9999, .ScaleX = 50, .ScaleY = 1, .Outline = 99, .Shadow = 2};
        track.styles = &style;
        track.n_styles = 1;
        script_tame_styles(&track);
        assert_true(style.FontSize <= 180 && style.ScaleX <= 4 && style.Outline <= 45);
        assert_true(style.ScaleY >= 1 && style.Shadow >= 2);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(INV_GRAPHICS_002_colours_are_the_houses),
                cmocka_unit_test(INV_GRAPHICS_002_chroma_lies_in_line_with_even_columns),
                cmocka_unit_test(nothing_makes_no_overlay),
                cmocka_unit_test(INV_GRAPHICS_001_blending_is_exact_and_stays_in_its_rectangle),
                cmocka_unit_test(INV_GRAPHICS_003_an_event_stands_for_its_time),
                cmocka_unit_test(INV_GRAPHICS_003_numbers_are_bounded),
                cmocka_unit_test(INV_GRAPHICS_003_hostile_scripts_cost_nothing_but_time),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
