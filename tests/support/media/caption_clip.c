/*
 * Makes a clip with closed captions: caption_clip FILE CODEC NUM/DEN PICTURES <SCRIPT
 *
 * CODEC is one of libavcodec's encoders that write AV_FRAME_DATA_A53_CC (libx264, mpeg2video). A line of the script is
 * a picture's number, in rising order, and the triplets that it carries, in hexadecimal.
 */
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/opt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH 256
#define HEIGHT 144
#define MAX_TRIPLETS 31

typedef struct {
        AVFormatContext *format;
        AVStream *stream;
        AVCodecContext *codec;
        AVPacket *packet;
        long next; /* picture that the script's next triplets are of; -1: none */
        uint8_t triplets[MAX_TRIPLETS * 3];
        size_t size;
} Clip;

static void check(int result, const char *what) {
        if (result >= 0)
                return;
        fprintf(stderr, "caption_clip: %s: %s\n", what, av_err2str(result));
        exit(1);
}

static void check_found(const void *found, const char *what) {
        check(found ? 0 : AVERROR(ENOMEM), what);
}

static void read_line(Clip *clip) {
        char line[256], *at;
        clip->next = -1;
        clip->size = 0;
        if (!fgets(line, sizeof(line), stdin))
                return;
        clip->next = strtol(line, &at, 10);
        unsigned byte;
        for (at += *at == ' '; clip->size < sizeof(clip->triplets) && sscanf(at, "%2x", &byte) == 1; at += 2)
                clip->triplets[clip->size++] = (uint8_t)byte;
}

static void open_clip(Clip *clip, const char *path, const char *codec_name, AVRational rate) {
        const AVCodec *codec = avcodec_find_encoder_by_name(codec_name);
        check_found(codec, codec_name);
        check(avformat_alloc_output_context2(&clip->format, NULL, NULL, path), path);
        check_found(clip->stream = avformat_new_stream(clip->format, NULL), path);
        check_found(clip->codec = avcodec_alloc_context3(codec), path);
        check_found(clip->packet = av_packet_alloc(), path);
        clip->codec->width = WIDTH;
        clip->codec->height = HEIGHT;
        clip->codec->pix_fmt = AV_PIX_FMT_YUV420P;
        clip->codec->time_base = av_inv_q(rate);
        clip->codec->framerate = rate;
        clip->codec->gop_size = 24;
        clip->codec->max_b_frames = 2;
        clip->codec->thread_count = 1;
        clip->codec->bit_rate = 400000;
        if (clip->format->oformat->flags & AVFMT_GLOBALHEADER)
                clip->codec->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
        (void)av_opt_set(clip->codec->priv_data, "preset", "ultrafast", 0);
        check(av_opt_set(clip->codec->priv_data, "a53cc", "1", 0), "no captions with this encoder");
        check(avcodec_open2(clip->codec, codec, NULL), codec_name);
        clip->stream->time_base = clip->codec->time_base;
        clip->stream->avg_frame_rate = rate;
        check(avcodec_parameters_from_context(clip->stream->codecpar, clip->codec), path);
        check(avio_open(&clip->format->pb, path, AVIO_FLAG_WRITE), path);
        check(avformat_write_header(clip->format, NULL), path);
}

static void write_picture(Clip *clip, AVFrame *frame) {
        check(avcodec_send_frame(clip->codec, frame), "encoding");
        int result;
        while ((result = avcodec_receive_packet(clip->codec, clip->packet)) >= 0) {
                clip->packet->duration = clip->packet->duration ? clip->packet->duration : 1;
                av_packet_rescale_ts(clip->packet, clip->codec->time_base, clip->stream->time_base);
                clip->packet->stream_index = clip->stream->index;
                check(av_interleaved_write_frame(clip->format, clip->packet), "writing");
        }
        if (result != AVERROR(EAGAIN) && result != AVERROR_EOF)
                check(result, "encoding");
}

static AVFrame *new_frame(const Clip *clip) {
        AVFrame *frame = av_frame_alloc();
        check_found(frame, "frame");
        frame->format = clip->codec->pix_fmt;
        frame->width = WIDTH;
        frame->height = HEIGHT;
        check(av_frame_get_buffer(frame, 0), "frame");
        return frame;
}

static void write_pictures(Clip *clip, long n) {
        read_line(clip);
        for (long i = 0; i < n; i++) {
                AVFrame *frame = new_frame(clip);
                frame->pts = i;
                memset(frame->data[0], (int)(32 + i * 7 % 160), (size_t)frame->linesize[0] * HEIGHT);
                for (int plane = 1; plane < 3; plane++)
                        memset(frame->data[plane], 128, (size_t)frame->linesize[plane] * HEIGHT / 2);
                if (i == clip->next) {
                        AVFrameSideData *data = av_frame_new_side_data(frame, AV_FRAME_DATA_A53_CC, clip->size);
                        check_found(data, "captions");
                        memcpy(data->data, clip->triplets, clip->size);
                        read_line(clip);
                }
                write_picture(clip, frame);
                av_frame_free(&frame);
        }
        write_picture(clip, NULL);
}

int main(int argc, char **argv) {
        AVRational rate;
        if (argc != 5 || sscanf(argv[3], "%d/%d", &rate.num, &rate.den) != 2) {
                fputs("usage: caption_clip FILE CODEC NUM/DEN PICTURES <SCRIPT\n", stderr);
                return 2;
        }
        Clip clip = {0};
        av_log_set_level(AV_LOG_ERROR);
        open_clip(&clip, argv[1], argv[2], rate);
        write_pictures(&clip, strtol(argv[4], NULL, 10));
        check(av_write_trailer(clip.format), argv[1]);
        check(avio_closep(&clip.format->pb), argv[1]);
        av_packet_free(&clip.packet);
        avcodec_free_context(&clip.codec);
        avformat_free_context(clip.format);
        return 0;
}
