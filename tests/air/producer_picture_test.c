/* From a decoded frame to a house picture: place, colour, and the filters before them. */
#include <libavutil/display.h>
#include <libavutil/frame.h>
#include <libavutil/pixdesc.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "air/producer/picture/filter.h"
#include "air/producer/picture/picture.h"
#include "air/producer/picture/place.h"
#include "tests/support/cmocka.h"

static AVFrame *new_frame(int width, int height, enum AVPixelFormat format) {
        AVFrame *frame = av_frame_alloc();
        frame->width = width;
        frame->height = height;
        frame->format = format;
        assert_int_equal(av_frame_get_buffer(frame, 0), 0);
        return frame;
}

static void fill(AVFrame *frame, int plane, int width, int height, int value) {
        for (int y = 0; y < height; y++)
                memset(frame->data[plane] + (ptrdiff_t)y * frame->linesize[plane], value, (size_t)width);
}

static AVFrame *new_yuv(int width, int height, const uint8_t yuv[3]) {
        AVFrame *frame = new_frame(width, height, AV_PIX_FMT_YUV420P);
        fill(frame, 0, width, height, yuv[0]);
        fill(frame, 1, (width + 1) / 2, (height + 1) / 2, yuv[1]);
        fill(frame, 2, (width + 1) / 2, (height + 1) / 2, yuv[2]);
        return frame;
}

static Picture *new_picture(PicturePool **ret_pool, int32_t width, int32_t height) {
        atomic_bool abort = false;
        *ret_pool = picture_pool_new(width, height, 2);
        return picture_pool_take(*ret_pool, &abort);
}

static void get_pixel(Picture *picture, int32_t x, int32_t y, uint8_t ret_yuv[3]) {
        const PictureLayout *layout = picture_get_layout(picture);
        for (int plane = 0; plane < PICTURE_PLANES; plane++) {
                const int scale = plane ? 2 : 1;
                ret_yuv[plane] =
                        picture_plane(picture, plane)[(ptrdiff_t)(y / scale) * layout->stride[plane] + x / scale];
        }
}

static void check_pixel(Picture *picture, int32_t x, int32_t y, const uint8_t yuv[3], int tolerance) {
        uint8_t is[3];
        get_pixel(picture, x, y, is);
        for (int i = 0; i < 3; i++)
                if (abs(is[i] - yuv[i]) > tolerance)
                        fail_msg("(%d, %d) is %d %d %d, not %d %d %d", x, y, is[0], is[1], is[2], yuv[0], yuv[1],
                                 yuv[2]);
}

static const uint8_t black[] = {16, 128, 128};

static void INV_ASPECT_PRESERVE_001_whole_centred_and_even(void **state) {
        static const struct {
                int32_t width, height, sar_num, sar_den;
                PlaceRect rect; /* in 1280x720 */
        } cases[] = {
                {1280, 720, 1, 1, {0, 0, 1280, 720}},     {1920, 1080, 0, 1, {0, 0, 1280, 720}},
                {640, 480, 1, 1, {160, 0, 960, 720}},     {720, 576, 16, 15, {160, 0, 960, 720}},
                {720, 576, 64, 45, {0, 0, 1280, 720}},    {720, 480, 8, 9, {160, 0, 960, 720}},
                {1920, 800, 1, 1, {0, 92, 1280, 534}},    {854, 480, 1, 1, {0, 0, 1280, 720}},
                {720, 1280, 1, 1, {436, 0, 406, 720}},    {1, 4096, 1, 1, {638, 0, 2, 720}},
                {8192, 1, 1000000, 1, {0, 358, 1280, 2}}, {16, 16, 0, 0, {280, 0, 720, 720}},
        };
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                const PlaceRect rect =
                        place_rect(1280, 720, cases[i].width, cases[i].height, cases[i].sar_num, cases[i].sar_den);
                assert_int_equal(rect.x, cases[i].rect.x);
                assert_int_equal(rect.y, cases[i].rect.y);
                assert_int_equal(rect.width, cases[i].rect.width);
                assert_int_equal(rect.height, cases[i].rect.height);
        }
}

/* Grey in, grey between black bars out, to the very pixel; sizes that vector code does not like. */
static void INV_ASPECT_PRESERVE_001_bars_are_black_to_the_edge(void **state) {
        static const int32_t sizes[][2] = {{640, 480}, {1920, 800}, {101, 77}, {333, 1000}, {17, 31}, {4096, 64}};
        static const uint8_t grey[] = {120, 128, 128};
        g_autoptr(Placer) placer = placer_new();
        for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
                AVFrame *frame = new_yuv(sizes[i][0], sizes[i][1], grey);
                frame->colorspace = AVCOL_SPC_SMPTE170M;
                PicturePool *pool;
                Picture *picture = new_picture(&pool, 854, 480);
                assert_true(placer_place(placer, frame, picture));
                const PlaceRect r = place_rect(854, 480, frame->width, frame->height, 0, 1);
                for (int32_t y = 0; y < 480; y++)
                        for (int32_t x = 0; x < 854; x += y % 16 ? 427 : 1) {
                                const bool in = x >= r.x && x < r.x + r.width && y >= r.y && y < r.y + r.height;
                                check_pixel(picture, x, y, in ? grey : black, in ? 1 : 0);
                        }
                picture_unref(picture);
                picture_pool_release(pool);
                av_frame_free(&frame);
        }
}

static void check_colour(AVFrame *frame, int32_t width, int32_t height, const uint8_t yuv[3]) {
        g_autoptr(Placer) placer = placer_new();
        PicturePool *pool;
        Picture *picture = new_picture(&pool, width, height);
        assert_true(placer_place(placer, frame, picture));
        check_pixel(picture, width / 2, height / 2, yuv, 3);
        picture_unref(picture);
        picture_pool_release(pool);
        av_frame_free(&frame);
}

static AVFrame *new_red(void) {
        AVFrame *frame = new_frame(320, 180, AV_PIX_FMT_RGB24);
        for (int y = 0; y < 180; y++)
                for (int x = 0; x < 320; x++)
                        memcpy(frame->data[0] + (ptrdiff_t)y * frame->linesize[0] + (ptrdiff_t)x * 3, "\xff\0\0", 3);
        return frame;
}

static void INV_PRODUCER_005_colours_survive_the_change_of_matrix(void **state) {
        static const uint8_t red_601[] = {81, 90, 240}, red_709[] = {63, 102, 240}, red_full[] = {76, 85, 255};
        check_colour(new_red(), 640, 360, red_601);
        check_colour(new_red(), 1280, 720, red_709);
        /* Unmarked: by the number of lines. */
        check_colour(new_yuv(720, 576, red_601), 1280, 720, red_709);
        check_colour(new_yuv(1280, 720, red_709), 640, 360, red_601);
        check_colour(new_yuv(1280, 720, red_709), 1920, 1080, red_709);
        AVFrame *marked = new_yuv(640, 360, red_709);
        marked->colorspace = AVCOL_SPC_BT709;
        check_colour(marked, 1280, 720, red_709);
        AVFrame *full = new_yuv(640, 360, red_full);
        full->color_range = AVCOL_RANGE_JPEG;
        check_colour(full, 640, 360, red_601);
}

/* Grey of a code value of 10 bits, in HDR of this transfer. */
static AVFrame *new_hdr(uint16_t code, enum AVColorTransferCharacteristic transfer) {
        AVFrame *frame = new_frame(640, 360, AV_PIX_FMT_YUV420P10LE);
        for (int plane = 0; plane < 3; plane++)
                for (int y = 0; y < (plane ? 180 : 360); y++)
                        for (int x = 0; x < (plane ? 320 : 640); x++)
                                ((uint16_t *)(frame->data[plane] + (ptrdiff_t)y * frame->linesize[plane]))[x] =
                                        plane ? 512 : code;
        frame->color_trc = transfer;
        frame->color_primaries = AVCOL_PRI_BT2020;
        frame->colorspace = AVCOL_SPC_BT2020_NCL;
        return frame;
}

static int luma_of(AVFrame *take_frame, int32_t width, int32_t height) {
        g_autoptr(Placer) placer = placer_new();
        PicturePool *pool;
        Picture *picture = new_picture(&pool, width, height);
        assert_true(placer_place(placer, take_frame, picture));
        const int luma = picture_plane(picture, 0)[(ptrdiff_t)(height / 2) * width + width / 2];
        picture_unref(picture);
        picture_pool_release(pool);
        av_frame_free(&take_frame);
        return luma;
}

/* Codes of ST 2084 and STD-B67 are by their standards; 4:3 in 16:9 has its bars still. */
static void INV_PRODUCER_005_hdr_has_the_tones_of_sdr(void **state) {
        const enum AVColorTransferCharacteristic pq = AVCOL_TRC_SMPTE2084, hlg = AVCOL_TRC_ARIB_STD_B67;
        const int sizes[][2] = {{640, 360}, {1280, 720}};
        for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
                const int w = sizes[i][0], h = sizes[i][1];
                assert_in_range(luma_of(new_hdr(64, pq), w, h), 16, 17);
                assert_in_range(luma_of(new_hdr(435, pq), w, h), 124, 132); /* 40.6 cd/m2: a fifth of white */
                assert_in_range(luma_of(new_hdr(573, pq), w, h), 190, 225); /* 203 cd/m2: white, with room above */
                assert_in_range(luma_of(new_hdr(723, pq), w, h), 230, 235); /* 1,000 cd/m2 */
                assert_in_range(luma_of(new_hdr(940, pq), w, h), 230, 240); /* brighter than it says it is */
                assert_in_range(luma_of(new_hdr(721, hlg), w, h), 185, 225);
        }
        assert_true(luma_of(new_hdr(573, AVCOL_TRC_BT709), 640, 360) < 150);
}

static void INV_PRODUCER_006_a_frame_that_no_scaler_knows_is_refused(void **state) {
        g_autoptr(Placer) placer = placer_new();
        AVFrame *frame = new_yuv(64, 64, black);
        frame->format = AV_PIX_FMT_VAAPI;
        PicturePool *pool;
        Picture *picture = new_picture(&pool, 640, 360);
        assert_false(placer_place(placer, frame, picture));
        picture_unref(picture);
        picture_pool_release(pool);
        av_frame_free(&frame);
}

/* ---- upright and progressive -------------------------------------------------------------------------------- */

/* A stream whose matrix shows pictures turned clockwise by so many degrees. */
static AVFormatContext *new_stream(double clockwise, bool mirrored) {
        AVFormatContext *format = avformat_alloc_context();
        AVStream *stream = avformat_new_stream(format, NULL);
        stream->time_base = (AVRational){1, 25};
        int32_t *matrix = (int32_t *)av_stream_new_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, 9 * sizeof(int32_t));
        av_display_rotation_set(matrix, clockwise);
        av_display_matrix_flip(matrix, mirrored, 0);
        return format;
}

/* White in the upper left quarter only. */
static AVFrame *new_corner(int64_t pts) {
        AVFrame *frame = new_yuv(64, 32, black);
        for (int y = 0; y < 16; y++)
                memset(frame->data[0] + (ptrdiff_t)y * frame->linesize[0], 235, 32);
        frame->pts = pts;
        frame->sample_aspect_ratio = (AVRational){2, 1};
        return frame;
}

static void check_turned(double clockwise, bool mirrored, bool right, bool low) {
        AVFormatContext *format = new_stream(clockwise, mirrored);
        g_autoptr(Filter) filter = filter_new(format->streams[0]);
        AVFrame *in = new_corner(7), *out = av_frame_alloc();
        filter_push(filter, in);
        assert_true(filter_pull(filter, out));
        const bool across = clockwise == 90 || clockwise == 270;
        assert_int_equal(out->width, across ? 32 : 64);
        assert_int_equal(out->height, across ? 64 : 32);
        assert_int_equal(out->sample_aspect_ratio.num, across ? 1 : 2);
        assert_int_equal(out->pts, 7);
        for (int corner = 0; corner < 4; corner++) {
                const int x = corner & 1 ? out->width * 3 / 4 : out->width / 4;
                const int y = corner & 2 ? out->height * 3 / 4 : out->height / 4;
                const bool white = ((corner & 1) != 0) == right && ((corner & 2) != 0) == low;
                assert_int_equal(out->data[0][(ptrdiff_t)y * out->linesize[0] + x], white ? 235 : 16);
        }
        av_frame_free(&in);
        av_frame_free(&out);
        avformat_free_context(format);
}

static void INV_PRODUCER_005_turned_pictures_are_put_upright(void **state) {
        check_turned(0, false, false, false);
        check_turned(90, false, true, false);
        check_turned(180, false, true, true);
        check_turned(270, false, false, true);
        check_turned(0, true, true, false);
        check_turned(90, true, false, false);
        check_turned(180, true, false, true);
        check_turned(270, true, true, true);
}

/* Fields of opposite brightness, alternating from picture to picture: combed as coded. */
static AVFrame *new_combed(int64_t pts) {
        AVFrame *frame = new_yuv(64, 64, black);
        for (int y = 0; y < 64; y += 2)
                memset(frame->data[0] + (ptrdiff_t)(y + (pts & 1)) * frame->linesize[0], 200, 64);
        frame->pts = pts;
        frame->interlaced_frame = 1;
        frame->top_field_first = 1;
        return frame;
}

static int comb_of(const AVFrame *frame) {
        int sum = 0;
        for (int y = 20; y < 40; y++)
                sum += abs(frame->data[0][(ptrdiff_t)y * frame->linesize[0] + 32] -
                           frame->data[0][(ptrdiff_t)(y + 1) * frame->linesize[0] + 32]);
        return sum;
}

static void INV_PRODUCER_005_interlaced_pictures_become_progressive(void **state) {
        AVFormatContext *format = new_stream(0, false);
        g_autoptr(Filter) filter = filter_new(format->streams[0]);
        AVFrame *out = av_frame_alloc();
        int64_t expected = 0;
        for (int64_t pts = 0; pts <= 10; pts++) {
                AVFrame *in = pts < 10 ? new_combed(pts) : NULL;
                if (in)
                        assert_true(comb_of(in) > 3000);
                filter_push(filter, in);
                for (; filter_pull(filter, out); expected++) {
                        assert_int_equal(out->pts, expected); /* a picture for a picture, where it was */
                        assert_true(comb_of(out) < 2000);
                        av_frame_unref(out);
                }
                av_frame_free(&in);
        }
        assert_int_equal(expected, 10);
        av_frame_free(&out);
        avformat_free_context(format);
}

static void progressive_pictures_pass_untouched(void **state) {
        AVFormatContext *format = new_stream(0, false);
        g_autoptr(Filter) filter = filter_new(format->streams[0]);
        AVFrame *in = new_corner(3), *out = av_frame_alloc();
        const uint8_t *data = in->data[0];
        filter_push(filter, in);
        assert_true(filter_pull(filter, out));
        assert_ptr_equal(out->data[0], data);
        assert_false(filter_pull(filter, out));
        av_frame_free(&in);
        av_frame_free(&out);
        avformat_free_context(format);
}

/* ---- memory ------------------------------------------------------------------------------------------------- */

static void rows_begin_where_vector_code_likes_them(void **state) {
        const PictureLayout layout = house_picture_layout(854, 480);
        assert_int_equal(layout.stride[0], 896);
        assert_int_equal(layout.stride[1], 448);
        assert_int_equal(layout.offset[1], 896 * 480);
        assert_int_equal(layout.offset[2], 896 * 480 + 448 * 240);
        assert_int_equal(layout.size, 896 * 480 + 2 * 448 * 240);
        assert_int_equal(house_picture_layout(1280, 720).size, 1280 * 720 * 3 / 2);
}

static void INV_PRODUCER_009_a_pool_outlives_its_owner_and_gives_no_more_than_it_has(void **state) {
        atomic_bool abort = false;
        PicturePool *pool = picture_pool_new(640, 360, 2);
        Picture *a = picture_pool_take(pool, &abort), *b = picture_pool_take(pool, &abort);
        assert_ptr_not_equal(a, b);
        abort = true;
        assert_null(picture_pool_take(pool, &abort));
        abort = false;
        picture_unref(a);
        assert_ptr_equal(picture_pool_take(pool, &abort), a);
        picture_pool_release(pool);
        memset(picture_plane(b, 0), 1, picture_size(b));
        picture_unref(a);
        picture_unref(b);
}

/* Pages of the picture that are in memory; its own, for it is large. */
static bool is_resident(const void *data) {
        unsigned char page;
        const uintptr_t start = ((uintptr_t)data + 4095) & ~(uintptr_t)4095;
        return mincore((void *)start, 4096, &page) == 0;
}

static void INV_PRODUCER_009_what_is_not_needed_any_more_is_given_back(void **state) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
        skip(); /* they keep what is freed, and look at it */
#endif
        atomic_bool abort = false;
        PicturePool *pool = picture_pool_new(1280, 720, 3);
        Picture *a = picture_pool_take(pool, &abort), *b = picture_pool_take(pool, &abort);
        const uint8_t *of_a = picture_data(a), *of_b = picture_data(b);
        picture_unref(b);
        for (int i = 0; i < 2 * PICTURES_REST; i++) { /* two are in use, never the third */
                picture_unref(a);
                a = picture_pool_take(pool, &abort);
        }
        assert_true(is_resident(of_a));
        assert_false(is_resident(of_b));
        picture_unref(a);
        picture_pool_trim(pool);
        assert_false(is_resident(of_a));
        a = picture_pool_take(pool, &abort);
        memset(picture_plane(a, 0), 1, picture_size(a));
        picture_unref(a);
        picture_pool_release(pool);
}

typedef struct {
        PicturePool *pool;
        atomic_bool abort;
        Picture *got;
} Taker;

static void *take_one(void *user) {
        Taker *taker = user;
        taker->got = picture_pool_take(taker->pool, &taker->abort);
        return NULL;
}

/* Starts a take that has to wait, and returns once it does. */
static pthread_t wait_for_picture(Taker *taker) {
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, take_one, taker), 0);
        while (!atomic_load(&picture_pool_wake(taker->pool)->waiting))
                g_thread_yield();
        return thread;
}

static void INV_PRODUCER_009_a_returned_picture_wakes_who_waits_for_one(void **state) {
        Taker taker = {.pool = picture_pool_new(64, 64, 1)};
        Picture *only = picture_pool_take(taker.pool, &taker.abort);
        pthread_t thread = wait_for_picture(&taker);
        picture_unref(only);
        pthread_join(thread, NULL);
        assert_ptr_equal(taker.got, only);

        thread = wait_for_picture(&taker);
        atomic_store(&taker.abort, true);
        wake_up(picture_pool_wake(taker.pool));
        pthread_join(thread, NULL);
        assert_null(taker.got);
        picture_unref(only);
        picture_pool_release(taker.pool);
}

static void INV_PRODUCER_011_darkening_ends_in_black(void **state) {
        PicturePool *pool;
        Picture *from = new_picture(&pool, 64, 64);
        atomic_bool abort = false;
        Picture *into = picture_pool_take(pool, &abort);
        static const uint8_t half[] = {16 + 92, 128 - 40, 128 + 40};
        memset(picture_plane(from, 0), 200, 64 * 64);
        memset(picture_plane(from, 1), 48, 32 * 32);
        memset(picture_plane(from, 2), 208, 32 * 32);
        picture_darken(into, from, 32768);
        check_pixel(into, 5, 5, half, 0);
        picture_darken(into, from, 0);
        check_pixel(into, 5, 5, black, 0);
        picture_unref(from);
        picture_unref(into);
        picture_pool_release(pool);
}

int main(void) {
        (void)mallopt(M_MMAP_THRESHOLD, 192 << 10); /* as the engine has it: what is freed is not there any more */
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(INV_ASPECT_PRESERVE_001_whole_centred_and_even),
                cmocka_unit_test(INV_ASPECT_PRESERVE_001_bars_are_black_to_the_edge),
                cmocka_unit_test(INV_PRODUCER_005_colours_survive_the_change_of_matrix),
                cmocka_unit_test(INV_PRODUCER_006_a_frame_that_no_scaler_knows_is_refused),
                cmocka_unit_test(INV_PRODUCER_005_hdr_has_the_tones_of_sdr),
                cmocka_unit_test(INV_PRODUCER_005_turned_pictures_are_put_upright),
                cmocka_unit_test(INV_PRODUCER_005_interlaced_pictures_become_progressive),
                cmocka_unit_test(progressive_pictures_pass_untouched),
                cmocka_unit_test(rows_begin_where_vector_code_likes_them),
                cmocka_unit_test(INV_PRODUCER_009_a_pool_outlives_its_owner_and_gives_no_more_than_it_has),
                cmocka_unit_test(INV_PRODUCER_009_what_is_not_needed_any_more_is_given_back),
                cmocka_unit_test(INV_PRODUCER_009_a_returned_picture_wakes_who_waits_for_one),
                cmocka_unit_test(INV_PRODUCER_011_darkening_ends_in_black),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
