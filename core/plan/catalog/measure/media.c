#include "core/plan/catalog/measure/media.h"

#include <glib.h>

#include "proto/base/containers.h"

#define MAX_STREAMS 64
#define PROBE_BYTES "10000000"
#define PROBE_US "10000000"
/* A timestamp further ahead than this is damaged, or another recording's. */
#define MAX_LEAP_US (600 * INT64_C(1000000))

int media_open(const char *path, AVIOInterruptCB interrupt, AVFormatContext **ret_format) {
        AVFormatContext *format = avformat_alloc_context();
        g_assert(format);
        format->interrupt_callback = interrupt;
        format->max_streams = MAX_STREAMS;

        AVDictionary *options = NULL;
        av_dict_set(&options, "format_whitelist", CONTAINERS, 0); /* INV-CATALOG-003 */
        av_dict_set(&options, "protocol_whitelist", "file", 0);
        av_dict_set(&options, "probesize", PROBE_BYTES, 0);
        av_dict_set(&options, "analyzeduration", PROBE_US, 0);
        g_autofree char *url = g_strconcat("file:", path, NULL);
        const int error = avformat_open_input(&format, url, NULL, &options);
        av_dict_free(&options);
        if (error >= 0)
                *ret_format = format;
        return MIN(error, 0);
}

int media_find_video(AVFormatContext *format) {
        const int best = av_find_best_stream(format, AVMEDIA_TYPE_VIDEO, -1, -1, NULL, 0);
        if (best < 0 || (format->streams[best]->disposition & AV_DISPOSITION_ATTACHED_PIC))
                return -1;
        return best;
}

int media_find_audio(AVFormatContext *format, int video) {
        const AVCodec *decoder = NULL;
        const int best = av_find_best_stream(format, AVMEDIA_TYPE_AUDIO, -1, video, &decoder, 0);
        return best < 0 || !decoder ? -1 : best;
}

void media_keep_streams(AVFormatContext *format, int video, int audio) {
        for (unsigned i = 0; i < format->nb_streams; i++)
                if ((int)i != video && (int)i != audio)
                        format->streams[i]->discard = AVDISCARD_ALL;
}

AVCodecContext *media_decoder(const AVStream *stream) {
        const AVCodec *codec = avcodec_find_decoder(stream->codecpar->codec_id);
        AVCodecContext *decoder = codec ? avcodec_alloc_context3(codec) : NULL;
        if (!decoder)
                return NULL;
        decoder->thread_count = 1;
        decoder->max_pixels = MEDIA_MAX_SIDE * MEDIA_MAX_SIDE;
        decoder->pkt_timebase = stream->time_base;
        if (avcodec_parameters_to_context(decoder, stream->codecpar) < 0 || avcodec_open2(decoder, codec, NULL) < 0)
                avcodec_free_context(&decoder);
        return decoder;
}

int64_t media_start_us(const AVFormatContext *format) {
        return format->start_time == AV_NOPTS_VALUE ? 0 : format->start_time;
}

int64_t media_frame_us(const AVStream *stream) {
        const AVRational rate = stream->avg_frame_rate.num > 0 ? stream->avg_frame_rate : stream->r_frame_rate;
        return rate.num > 0 && rate.den > 0 ? av_rescale(AV_TIME_BASE, rate.den, rate.num) : 0;
}

void media_track_note(MediaTrack *track, const AVFormatContext *format, const AVPacket *packet) {
        const AVStream *stream = format->streams[packet->stream_index];
        track->n_packets++;
        const int64_t at = packet->pts != AV_NOPTS_VALUE ? packet->pts : packet->dts;
        if (at == AV_NOPTS_VALUE)
                return;
        int64_t length_us = av_rescale_q(packet->duration, stream->time_base, AV_TIME_BASE_Q);
        if (length_us <= 0 && stream->codecpar->codec_type == AVMEDIA_TYPE_VIDEO)
                length_us = media_frame_us(stream);
        const int64_t end_us = av_rescale_q(at, stream->time_base, AV_TIME_BASE_Q) + length_us;
        const int64_t before_us = track->end_us == INT64_MIN ? media_start_us(format) : track->end_us;
        if (end_us > before_us && end_us - before_us <= MAX_LEAP_US)
                track->end_us = end_us;
}
