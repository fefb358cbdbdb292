/* What stands over a segment, and when: logo, snipes; and the slate. */
#include <libavcodec/avcodec.h>
#include <stdbool.h>

#include "air/graphics/graphics.h"
#include "air/graphics/image.h"
#include "proto/base/log.h"
#include "tests/air/blocks.h"
#include "tests/air/page.h"
#include "tests/support/temp_dir.h"

#define WIDTH 1280
#define HEIGHT 720

/* --- picture files --- */

static char *folder;

static char *path_of(const char *name) {
        return g_build_filename(folder, name, NULL);
}

static char *write_file(const char *name, const void *bytes, size_t size) {
        char *path = path_of(name);
        assert_true(g_file_set_contents(path, bytes, (gssize)size, NULL));
        return path;
}

/* All of it of one colour, as libavcodec's encoder of the kind writes it. */
static char *write_image(const char *name, enum AVCodecID kind, enum AVPixelFormat format, int width, int height,
                         Colour colour) {
        const AVCodec *codec = avcodec_find_encoder(kind);
        AVCodecContext *context = avcodec_alloc_context3(codec);
        AVFrame *frame = av_frame_alloc();
        AVPacket *packet = av_packet_alloc();
        context->width = frame->width = width;
        context->height = frame->height = height;
        context->pix_fmt = frame->format = format;
        context->time_base = (AVRational){1, 25};
        context->strict_std_compliance = FF_COMPLIANCE_UNOFFICIAL;
        assert_int_equal(avcodec_open2(context, codec, NULL), 0);
        assert_int_equal(av_frame_get_buffer(frame, 0), 0);
        if (format == AV_PIX_FMT_RGBA || format == AV_PIX_FMT_BGRA)
                for (int y = 0; y < height; y++)
                        for (int x = 0; x < width * 4; x++) {
                                const int channel = format == AV_PIX_FMT_BGRA && x % 4 < 3 ? 2 - x % 4 : x % 4;
                                frame->data[0][y * frame->linesize[0] + x] = (uint8_t)(colour >> (24 - 8 * channel));
                        }
        else
                for (int plane = 0; plane < 3; plane++)
                        memset(frame->data[plane], plane ? 128 : (int)(colour >> 24),
                               (size_t)(frame->linesize[plane] * (plane ? (height + 1) / 2 : height)));
        assert_int_equal(avcodec_send_frame(context, frame), 0);
        (void)avcodec_send_frame(context, NULL);
        assert_int_equal(avcodec_receive_packet(context, packet), 0);
        char *path = write_file(name, packet->data, (size_t)packet->size);
        av_packet_free(&packet);
        av_frame_free(&frame);
        avcodec_free_context(&context);
        return path;
}

/* --- a segment --- */

static int warnings;
static char last_detail[200];

static void count_warnings(void *user, RvLogLevel level, const char *event, const RvField *fields, size_t n) {
        if (level < RV_LOG_WARNING)
                return;
        warnings++;
        assert_string_equal(event, "graphics.no_logo");
        g_strlcpy(last_detail, fields[1].string, sizeof(last_detail));
}

typedef struct {
        HouseFormat format;
        HouseStyle *style;
        BlockPlan *block;
} Plan;

static Plan plan_new(const int64_t *durations_ms, uint32_t n) {
        Plan plan = {.format = house_format_default(), .style = house_style_new()};
        plan.format.rate = (RvRational){30, 1};
        plan.block = blocks_make("plan", 0, "/media/film.mkv", durations_ms, n);
        return plan;
}

static void plan_clear(Plan *plan) {
        house_style_unref(plan->style);
        block_plan_unref(plan->block);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Plan, plan_clear)

static void set_logo(Plan *plan, const char *path, Corner corner) {
        plan->style->logo = (StyleLogo){g_strdup(path), corner, 100, 100};
}

static Graphics *graphics_of(const Plan *plan, uint32_t segment) {
        const int64_t n_ticks = rv_tick_at_ms(plan->block->segments[segment].duration_ms, plan->format.rate);
        return graphics_new(&(GraphicsOptions){plan->format, plan->style, plan->block, segment, n_ticks});
}

static Page draw_tick(Graphics *graphics, int64_t k) {
        Page page = page_new(WIDTH, HEIGHT, GREY);
        const int64_t look = graphics_look(graphics, k);
        if (look)
                graphics_draw(graphics, look, &page.view);
        return page;
}

/* How many samples of luma are no longer grey, and within which rectangle they are. */
static int count_drawn(const Page *page, CanvasRect *ret_bounds) {
        int n = 0, left = WIDTH, top = HEIGHT, right = 0, bottom = 0;
        for (int y = 0; y < HEIGHT; y++)
                for (int x = 0; x < WIDTH; x++)
                        if (sample(page, 0, x, y) != GREY[0]) {
                                n++;
                                left = MIN(left, x);
                                right = MAX(right, x + 1);
                                top = MIN(top, y);
                                bottom = MAX(bottom, y + 1);
                        }
        *ret_bounds = (CanvasRect){left, top, right - left, bottom - top};
        return n;
}

static void check_bounds(const Page *page, int32_t x, int32_t y, int32_t width, int32_t height) {
        CanvasRect seen;
        assert_int_not_equal(count_drawn(page, &seen), 0);
        if (seen.x != x || seen.y != y || seen.width != width || seen.height != height)
                fail_msg("%d x %d at (%d, %d)", seen.width, seen.height, seen.x, seen.y);
}

/* --- logo --- */

static void INV_GRAPHICS_004_the_logo_is_in_its_corner_of_the_safe_area(void **state) {
        g_autofree char *path = write_image("white.png", AV_CODEC_ID_PNG, AV_PIX_FMT_RGBA, 100, 50, 0xFFFFFFFF);
        static const struct {
                Corner corner;
                int32_t x, y;
        } cases[] = {{CORNER_TOP_LEFT, 64, 36},
                     {CORNER_TOP_RIGHT, WIDTH - 64 - 144, 36},
                     {CORNER_BOTTOM_LEFT, 64, HEIGHT - 36 - 72},
                     {CORNER_BOTTOM_RIGHT, WIDTH - 64 - 144, HEIGHT - 36 - 72}};
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_auto(Plan) plan = plan_new((const int64_t[]){10000}, 1);
                plan.block->segments[0].logo = true;
                set_logo(&plan, path, cases[i].corner);
                plan.style->logo.opacity_percent = i ? 100 : 50;
                g_autoptr(Graphics) graphics = graphics_of(&plan, 0);
                g_auto(Page) page = draw_tick(graphics, 150);
                check_bounds(&page, cases[i].x, cases[i].y, 144, 72);
                check_sample(&page, 0, cases[i].x + 70, cases[i].y + 30, i ? 235 : 181);
        }
}

static void INV_GRAPHICS_004_it_keeps_its_shape_within_the_picture(void **state) {
        g_autofree char *wide = write_image("wide.png", AV_CODEC_ID_PNG, AV_PIX_FMT_RGBA, 4000, 10, 0xFFFFFFFF);
        g_autofree char *fault = NULL;
        g_autoptr(Canvas) flat = image_load(wide, 1152, 72, &fault);
        assert_int_equal(flat->width, 1152);
        assert_int_equal(flat->height, 3);
        g_autofree char *dot = write_image("dot.png", AV_CODEC_ID_PNG, AV_PIX_FMT_RGBA, 1, 1, 0xFF0000FF);
        g_autoptr(Canvas) square = image_load(dot, 1152, 72, &fault);
        assert_int_equal(square->width, 72);
        assert_int_equal(square->height, 72);
        assert_memory_equal(square->pixels + 4 * (72 * 30 + 30), "\xff\x00\x00\xff", 4);
}

static int logo_level(const Plan *plan, uint32_t segment, int64_t k) {
        g_autoptr(Graphics) graphics = graphics_of(plan, segment);
        return (int)graphics_look(graphics, k);
}

/* Segments of 10 s, 300 ticks: logo, logo, none, logo (then pad). */
static void INV_GRAPHICS_004_it_fades_at_the_ends_of_a_run_only(void **state) {
        g_autofree char *path = write_image("white.png", AV_CODEC_ID_PNG, AV_PIX_FMT_RGBA, 100, 50, 0xFFFFFFFF);
        g_auto(Plan) plan = plan_new((const int64_t[]){10000, 10000, 10000, 10000, 10000}, 5);
        set_logo(&plan, path, CORNER_TOP_LEFT);
        for (int i = 0; i < 5; i++)
                plan.block->segments[i].logo = i != 2;
        plan.block->segments[4].type = SEGMENT_PAD;
        assert_int_equal(logo_level(&plan, 0, 0), 16);
        assert_int_equal(logo_level(&plan, 0, 7), 128);
        assert_int_equal(logo_level(&plan, 0, 14), 240);
        assert_int_equal(logo_level(&plan, 0, 15), OVERLAY_OPAQUE);
        assert_int_equal(logo_level(&plan, 0, 299), OVERLAY_OPAQUE);
        assert_int_equal(logo_level(&plan, 1, 0), OVERLAY_OPAQUE);
        assert_int_equal(logo_level(&plan, 1, 284), OVERLAY_OPAQUE);
        assert_int_equal(logo_level(&plan, 1, 285), 240);
        assert_int_equal(logo_level(&plan, 1, 299), 16);
        assert_int_equal(logo_level(&plan, 2, 100), 0);
        assert_int_equal(logo_level(&plan, 3, 0), 16);
        assert_int_equal(logo_level(&plan, 3, 299), 16);
        assert_int_equal(logo_level(&plan, 4, 100), 0);
}

static void INV_GRAPHICS_007_pictures_of_every_kind_are_read(void **state) {
        static const char gif[] =
                "GIF89a\x01\0\x01\0\x80\0\0\xff\xff\xff\0\0\0!\xf9\x04\0\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02"
                "\x02\x44\x01\0,\0\0\0\0\x01\0\x01\0\0\x02\x02\x4c\x01\0;"; /* white, then black */
        char *paths[] = {
                write_image("a.png", AV_CODEC_ID_PNG, AV_PIX_FMT_RGBA, 30, 20, 0xFFFFFFFF),
                write_image("a.webp", AV_CODEC_ID_WEBP, AV_PIX_FMT_BGRA, 30, 20, 0xFFFFFFFF),
                write_image("a.jpg", AV_CODEC_ID_MJPEG, AV_PIX_FMT_YUVJ420P, 30, 20, 0xFFFFFFFF),
                write_image("a.bmp", AV_CODEC_ID_BMP, AV_PIX_FMT_BGRA, 30, 20, 0xFFFFFFFF),
                write_image("a.tiff", AV_CODEC_ID_TIFF, AV_PIX_FMT_RGBA, 30, 20, 0xFFFFFFFF),
                write_file("a.gif", gif, sizeof(gif) - 1),
        };
        for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
                g_autofree char *fault = NULL;
                g_autoptr(Canvas) canvas = image_load(paths[i], 1152, 72, &fault);
                if (!canvas)
                        fail_msg("%s: %s", paths[i], fault);
                const uint8_t *middle = canvas->pixels + 4 * (36 * canvas->width + canvas->width / 2);
                assert_true(middle[0] >= 253 && middle[1] >= 253 && middle[2] >= 253);
                assert_int_equal(middle[3], 255);
                g_free(paths[i]);
        }
}

static char *write_part(const char *name, const char *of, size_t size) {
        g_autofree char *bytes = NULL;
        assert_true(g_file_get_contents(of, &bytes, NULL, NULL));
        return write_file(name, bytes, size);
}

static void INV_GRAPHICS_007_a_logo_that_is_none_is_told_once_and_costs_nothing_else(void **state) {
        static const char huge[] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x4e\x20\0\0\x4e\x20\x08\x06\0\0\0\0\0\0\0";
        g_autofree char *good = write_image("big.png", AV_CODEC_ID_PNG, AV_PIX_FMT_RGBA, 300, 300, 0x12345678);
        struct {
                char *path;
                const char *detail;
        } cases[] = {
                {path_of("none.png"), "there is no such file"},
                {g_strdup(folder), "there is no such file"},
                {write_file("empty.png", "", 0), "it has 0 bytes"},
                {write_file("text.png", "This is not a picture.", 22), "it is no PNG"},
                {write_file("huge.png", huge, sizeof(huge) - 1), "it cannot be decoded"},
                {write_part("part.png", good, 60), "it cannot be decoded"},
                {write_image("clear.png", AV_CODEC_ID_PNG, AV_PIX_FMT_RGBA, 90, 90, 0xFFFFFF00), "it is transparent"},
        };
        rv_log_set_sink(count_warnings, NULL);
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_auto(Plan) plan = plan_new((const int64_t[]){10000, 10000}, 2);
                plan.block->segments[0].logo = plan.block->segments[1].logo = true;
                set_logo(&plan, cases[i].path, CORNER_TOP_LEFT);
                warnings = 0;
                for (uint32_t segment = 0; segment < 2; segment++) {
                        g_autoptr(Graphics) graphics = graphics_of(&plan, segment);
                        assert_int_equal(graphics_look(graphics, 100), 0);
                }
                assert_int_equal(warnings, 1);
                if (!g_str_has_prefix(last_detail, cases[i].detail))
                        fail_msg("%s", last_detail);
                g_free(cases[i].path);
        }
        rv_log_set_sink(NULL, NULL);
}

/* --- snipes --- */

static void set_snipe(Plan *plan, int64_t start_ms, int64_t duration_ms, const char *headline, const char *detail) {
        const BlockSnipe snipe = {start_ms, duration_ms, headline, detail};
        plan->block->segments[0].n_snipes = 1;
        plan->block->segments[0].snipes = block_plan_snipes(plan->block, &snipe, 1);
}

static void INV_GRAPHICS_005_a_snipe_stands_for_exactly_its_ticks(void **state) {
        g_auto(Plan) plan = plan_new((const int64_t[]){20000}, 1);
        plan.format.rate = (RvRational){30000, 1001};
        set_snipe(&plan, 5000, 8000, "Late News", "Next at 21:30");
        g_autoptr(Graphics) graphics = graphics_of(&plan, 0);
        const int64_t from_k = 150, until_k = 390; /* ceil(149.85), ceil(389.61) */
        assert_int_equal(graphics_look(graphics, from_k - 1), 0);
        assert_int_equal(graphics_look(graphics, until_k), 0);
        const int64_t full = graphics_look(graphics, 200);
        for (int64_t k = from_k; k < until_k; k++) {
                const int64_t look = graphics_look(graphics, k);
                const bool moves = k < from_k + 12 || k >= until_k - 12;
                assert_true(look != 0 && (look == full) == !moves);
        }
        CanvasRect early, late, whole;
        g_auto(Page) first = draw_tick(graphics, from_k), middle = draw_tick(graphics, 200),
                     last = draw_tick(graphics, until_k - 1);
        assert_true(count_drawn(&first, &early) > 0);
        assert_true(count_drawn(&last, &late) > 0);
        assert_true(count_drawn(&middle, &whole) > 20000);
        assert_true(whole.x == 64 && whole.y + whole.height == HEIGHT - 36);
        assert_true(early.y > whole.y && late.y > whole.y);
}

static void INV_GRAPHICS_005_it_does_not_cover_the_logo(void **state) {
        static const Corner corners[] = {CORNER_TOP_LEFT, CORNER_BOTTOM_LEFT, CORNER_BOTTOM_RIGHT, CORNER_BOTTOM_RIGHT};
        g_autofree char *square = write_image("square.png", AV_CODEC_ID_PNG, AV_PIX_FMT_RGBA, 50, 50, 0xFFFFFFFF);
        g_autofree char *wide = write_image("wide.png", AV_CODEC_ID_PNG, AV_PIX_FMT_RGBA, 900, 80, 0xFFFFFFFF);
        g_autofree char *headline = g_strnfill(200, 'W');
        for (size_t i = 0; i < G_N_ELEMENTS(corners); i++) {
                g_auto(Plan) plan = plan_new((const int64_t[]){20000}, 1);
                plan.block->segments[0].logo = true;
                set_logo(&plan, i == 3 ? wide : square, corners[i]);
                g_autoptr(Graphics) bare = graphics_of(&plan, 0);
                set_snipe(&plan, 0, 20000, headline, NULL);
                g_autoptr(Graphics) both = graphics_of(&plan, 0);
                g_auto(Page) logo = draw_tick(bare, 300), page = draw_tick(both, 300);
                CanvasRect bounds;
                assert_true(count_drawn(&logo, &bounds) > 1000);
                for (int y = bounds.y; y < bounds.y + bounds.height; y++)
                        for (int x = bounds.x; x < bounds.x + bounds.width; x++)
                                check_sample(&page, 0, x, y, sample(&logo, 0, x, y));
                assert_true(count_drawn(&page, &bounds) > 40000);
        }
}

static int snipe_width(const char *headline, const char *detail, GChecksum *checksum) {
        g_auto(Plan) plan = plan_new((const int64_t[]){20000}, 1);
        set_snipe(&plan, 0, 20000, headline, detail);
        g_autoptr(Graphics) graphics = graphics_of(&plan, 0);
        g_auto(Page) page = draw_tick(graphics, 300);
        CanvasRect bounds;
        (void)count_drawn(&page, &bounds);
        if (checksum)
                g_checksum_update(checksum, page.bytes, (gssize)page.size);
        return bounds.width;
}

static void INV_GRAPHICS_006_long_lines_end_in_the_safe_area(void **state) {
        g_autofree char *latin = g_strnfill(200, 'W');
        static const char han[] =
                "映画映画映画映画映画映画映画映画映画映画映画映画映画映画映画映画映画映画映画映画映画映画映画";
        const int safe = WIDTH - 2 * 64;
        assert_in_range(snipe_width(latin, latin, NULL), safe - 80, safe);
        assert_in_range(snipe_width(han, han, NULL), 100, safe);
        assert_in_range(snipe_width("News", NULL, NULL), 100, safe / 2);
        assert_true(snipe_width("A somewhat longer headline", NULL, NULL) > snipe_width("News", NULL, NULL));
}

static char *picture_of(const char *headline) {
        GChecksum *checksum = g_checksum_new(G_CHECKSUM_SHA256);
        (void)snipe_width(headline, "x", checksum);
        char *hex = g_strdup(g_checksum_get_string(checksum));
        g_checksum_free(checksum);
        return hex;
}

static void check_same(const char *a, const char *b, bool same) {
        g_autofree char *of_a = picture_of(a), *of_b = picture_of(b);
        if ((strcmp(of_a, of_b) == 0) != same)
                fail_msg("'%s' and '%s' look %s", a, b, same ? "different" : "the same");
}

static void INV_GRAPHICS_006_text_is_literal(void **state) {
        check_same("one\ttwo\nthree", "one two three", true);
        check_same("one\x1b\x7ftwo", "one  two", true);
        check_same("A{\\b1}B", "AB", false);
        check_same("A{\\b1}B", "A{\\b0}B", false);
        check_same("A\\NB", "A B", false);
        check_same("A\\NB", "AB", false);
        check_same("A\\hB", "A B", false);
        check_same("A\\\\B", "A\\B", false);
        check_same("{comment}", "", false);
        assert_true(snipe_width("{\\fs300}Huge {\\pos(0,0)}", NULL, NULL) < WIDTH);
}

/* --- slate --- */

static void INV_GRAPHICS_009_the_slate_fills_the_picture_and_tells_operators_more(void **state) {
        g_auto(Plan) plan = plan_new((const int64_t[]){20000}, 1);
        g_free(plan.style->channel_name);
        plan.style->channel_name = g_strdup("Retro Cinema {7}");
        const SlateCause cause = {plan.block, 0, "NOT_FOUND", "there is no such file"};
        g_auto(Page)
                on = page_new(WIDTH, HEIGHT, GREY),
                other = page_new(WIDTH, HEIGHT, (const uint8_t[]){16, 1, 255}), operator= page_new(WIDTH, HEIGHT, GREY),
                dry = page_new(WIDTH, HEIGHT, GREY);
        plan.style->slate = SLATE_ON;
        graphics_slate(&plan.format, plan.style, &cause, &on.view);
        graphics_slate(&plan.format, plan.style, NULL, &other.view);
        plan.style->slate = SLATE_OPERATOR;
        graphics_slate(&plan.format, plan.style, &cause, &operator.view);
        graphics_slate(&plan.format, plan.style, NULL, &dry.view);
        int bright = 0;
        for (int p = 0; p < I420_PLANES; p++)
                for (int y = 0; y < HEIGHT / (p ? 2 : 1); y++) {
                        const size_t at = (size_t)y * (size_t)on.view.stride[p], n = WIDTH / (p ? 2 : 1);
                        assert_memory_equal(on.view.plane[p] + at, other.view.plane[p] + at, n);
                        assert_memory_equal(on.view.plane[p] + at, dry.view.plane[p] + at, n);
                }
        for (int y = HEIGHT * 3 / 4; y < HEIGHT; y++)
                for (int x = 0; x < WIDTH; x++) {
                        assert_true(sample(&on, 0, x, y) < 80);
                        bright += sample(&operator, 0, x, y) > 180;
                }
        assert_true(bright > 500);
}

static int make_folder(void **state) {
        folder = temp_dir_new();
        return 0;
}

static int remove_folder(void **state) {
        temp_dir_free(folder);
        return 0;
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(INV_GRAPHICS_004_the_logo_is_in_its_corner_of_the_safe_area),
                cmocka_unit_test(INV_GRAPHICS_004_it_keeps_its_shape_within_the_picture),
                cmocka_unit_test(INV_GRAPHICS_004_it_fades_at_the_ends_of_a_run_only),
                cmocka_unit_test(INV_GRAPHICS_007_pictures_of_every_kind_are_read),
                cmocka_unit_test(INV_GRAPHICS_007_a_logo_that_is_none_is_told_once_and_costs_nothing_else),
                cmocka_unit_test(INV_GRAPHICS_005_a_snipe_stands_for_exactly_its_ticks),
                cmocka_unit_test(INV_GRAPHICS_005_it_does_not_cover_the_logo),
                cmocka_unit_test(INV_GRAPHICS_006_long_lines_end_in_the_safe_area),
                cmocka_unit_test(INV_GRAPHICS_006_text_is_literal),
                cmocka_unit_test(INV_GRAPHICS_009_the_slate_fills_the_picture_and_tells_operators_more),
        };
        return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
