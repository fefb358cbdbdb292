#include "air/graphics/image.h"

#include <errno.h>
#include <libavcodec/avcodec.h>
#include <libswscale/swscale.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* --- reading --- */

/* By what a file begins with: names lie, and containers that point to other files are not asked. */
static const AVCodec *find_decoder(const uint8_t *bytes, size_t size) {
        static const struct {
                const char *mark;
                size_t at, length;
                enum AVCodecID codec;
        } kinds[] = {
                {"\x89PNG\r\n\x1a\n", 0, 8, AV_CODEC_ID_PNG},
                {"\xff\xd8\xff", 0, 3, AV_CODEC_ID_MJPEG},
                {"WEBPVP8", 8, 7, AV_CODEC_ID_WEBP},
                {"GIF8", 0, 4, AV_CODEC_ID_GIF},
                {"BM", 0, 2, AV_CODEC_ID_BMP},
                {"II*\0", 0, 4, AV_CODEC_ID_TIFF},
                {"MM\0*", 0, 4, AV_CODEC_ID_TIFF},
        };
        for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
                if (size >= kinds[i].at + kinds[i].length &&
                    memcmp(bytes + kinds[i].at, kinds[i].mark, kinds[i].length) == 0)
                        return avcodec_find_decoder(kinds[i].codec);
        return NULL;
}

/* The file in one packet, which has the room after it that libavcodec asks for. */
static bool read_file(const char *path, AVPacket *packet, char **ret_fault) {
        if (!g_file_test(path, G_FILE_TEST_IS_REGULAR)) {
                *ret_fault = g_strdup("there is no such file");
                return false;
        }
        FILE *file = fopen(path, "rbe");
        if (!file) {
                *ret_fault = g_strdup(g_strerror(errno));
                return false;
        }
        const long size = fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
        rewind(file);
        bool read = size > 0 && size <= IMAGE_MAX_BYTES && av_new_packet(packet, (int)size) == 0;
        if (!read)
                *ret_fault = g_strdup_printf("it has %ld bytes, and may have 1 to %d", size, IMAGE_MAX_BYTES);
        else if (!(read = fread(packet->data, (size_t)size, 1, file) == 1))
                *ret_fault = g_strdup("it cannot be read");
        (void)fclose(file);
        return read;
}

static void free_codec(AVCodecContext *context) {
        avcodec_free_context(&context);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AVCodecContext, free_codec)

static bool decode(const AVPacket *packet, AVFrame *into, char **ret_fault) {
        const AVCodec *codec = find_decoder(packet->data, (size_t)packet->size);
        if (!codec) {
                *ret_fault = g_strdup("it is no PNG, WebP, JPEG, GIF, BMP or TIFF picture");
                return false;
        }
        g_autoptr(AVCodecContext) context = avcodec_alloc_context3(codec);
        g_assert(context);
        context->thread_count = 1;
        context->max_pixels = IMAGE_MAX_PIXELS; /* INV-GRAPHICS-007: before the memory for them is taken */
        int error = avcodec_open2(context, codec, NULL);
        if (error >= 0)
                error = avcodec_send_packet(context, packet);
        if (error >= 0)
                (void)avcodec_send_packet(context, NULL);
        if (error >= 0)
                error = avcodec_receive_frame(context, into);
        if (error < 0) {
                *ret_fault = g_strdup_printf("it cannot be decoded: %s", av_err2str(error));
                return false;
        }
        return true;
}

/* --- scaling --- */

/* Red, green, blue, opacity as the file has them. */
static Canvas *to_canvas(const AVFrame *frame) {
        struct SwsContext *scaler =
                sws_getContext(frame->width, frame->height, frame->format, frame->width, frame->height, AV_PIX_FMT_RGBA,
                               SWS_BICUBIC | SWS_FULL_CHR_H_INT | SWS_ACCURATE_RND | SWS_BITEXACT, NULL, NULL, NULL);
        if (!scaler)
                return NULL;
        /* A row more: swscale may write past the end of the last one. */
        Canvas *canvas = canvas_new(frame->width, frame->height + 1);
        canvas->height = frame->height;
        uint8_t *planes[4] = {canvas->pixels};
        const int strides[4] = {4 * frame->width};
        const uint8_t *const *source = (const uint8_t *const *)frame->data;
        if (sws_scale(scaler, source, frame->linesize, 0, frame->height, planes, strides) <= 0)
                g_clear_pointer(&canvas, canvas_free);
        sws_freeContext(scaler);
        return canvas;
}

/* So that what is transparent has no colour that could bleed into its neighbours. */
static void multiply_by_opacity(Canvas *canvas) {
        uint8_t *pixel = canvas->pixels;
        for (size_t n = (size_t)canvas->width * (size_t)canvas->height; n > 0; n--, pixel += 4)
                for (int i = 0; i < 3; i++)
                        pixel[i] = (uint8_t)((pixel[i] * pixel[3] + 127) / 255);
}

/* Catmull-Rom. */
static double cubic(double x) {
        x = fabs(x);
        if (x < 1)
                return (1.5 * x - 2.5) * x * x + 1;
        return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
}

typedef struct {
        const uint8_t *from; /* of a row or column of n pixels, each step bytes after the one before */
        ptrdiff_t from_step;
        int32_t from_n;
        uint8_t *to;
        ptrdiff_t to_step;
        int32_t to_n;
} Line;

/* Pixel i of the scaled line; when it becomes smaller each pixel is made of all that it covers. */
static void scale_pixel(const Line *line, int32_t i) {
        const double ratio = (double)line->from_n / line->to_n, spread = MAX(ratio, 1), centre = (i + 0.5) * ratio;
        double sum[4] = {0}, weights = 0;
        for (int32_t j = (int32_t)floor(centre - 2 * spread); j <= (int32_t)ceil(centre + 2 * spread); j++) {
                const double weight = cubic((j + 0.5 - centre) / spread);
                const uint8_t *pixel = line->from + CLAMP(j, 0, line->from_n - 1) * line->from_step;
                weights += weight;
                for (int c = 0; c < 4; c++)
                        sum[c] += weight * pixel[c];
        }
        uint8_t *pixel = line->to + i * line->to_step;
        pixel[3] = (uint8_t)lrint(CLAMP(sum[3] / weights, 0, 255));
        for (int c = 0; c < 3; c++)
                pixel[c] = (uint8_t)lrint(CLAMP(sum[c] / weights, 0, pixel[3]));
}

static Canvas *scale(const Canvas *from, int32_t width, int32_t height) {
        g_autoptr(Canvas) narrow = canvas_new(width, from->height);
        Canvas *to = canvas_new(width, height);
        for (int32_t y = 0; y < from->height; y++) {
                const Line row = {from->pixels + (size_t)y * 4 * (size_t)from->width, 4, from->width,
                                  narrow->pixels + (size_t)y * 4 * (size_t)width,     4, width};
                for (int32_t x = 0; x < width; x++)
                        scale_pixel(&row, x);
        }
        const ptrdiff_t stride = 4 * (ptrdiff_t)width;
        for (int32_t x = 0; x < width; x++) {
                const Line column = {narrow->pixels + 4 * (size_t)x, stride, from->height,
                                     to->pixels + 4 * (size_t)x,     stride, height};
                for (int32_t y = 0; y < height; y++)
                        scale_pixel(&column, y);
        }
        return to;
}

static Canvas *fit(const AVFrame *frame, int32_t max_width, int32_t height) {
        g_autoptr(Canvas) whole = to_canvas(frame);
        if (!whole)
                return NULL;
        multiply_by_opacity(whole);
        int64_t width = ((int64_t)whole->width * height + whole->height / 2) / whole->height;
        if (width > max_width) {
                width = max_width;
                height = (int32_t)(((int64_t)whole->height * width + whole->width / 2) / whole->width);
        }
        return scale(whole, (int32_t)MAX(1, width), MAX(1, height));
}

Canvas *image_load(const char *path, int32_t max_width, int32_t height, char **ret_fault) {
        AVPacket *packet = av_packet_alloc();
        AVFrame *frame = av_frame_alloc();
        g_assert(packet && frame);
        Canvas *canvas = NULL;
        char *fault = NULL;
        if (read_file(path, packet, &fault) && decode(packet, frame, &fault)) {
                canvas = fit(frame, max_width, height);
                if (!canvas)
                        fault = g_strdup("its kind of colour is not known");
        }
        av_frame_free(&frame);
        av_packet_free(&packet);
        if (!canvas)
                *ret_fault = fault;
        return canvas;
}
