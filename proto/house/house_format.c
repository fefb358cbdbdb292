#include "proto/house/house_format.h"

#include <glib.h>
#include <stddef.h>

#define DEFAULT_BUFFER_MS 1000

HouseFormat house_format_default(void) {
        return (HouseFormat){
                .width = 1280,
                .height = 720,
                .rate = {30000, 1001},
                .sample_rate_hz = 48000,
                .channels = 2,
                .video_bitrate_kbps = 3000,
                .audio_bitrate_kbps = 128,
                .gop_frames = 30,
                .video_preset = VIDEO_SUPERFAST,
                .audio_codec = AUDIO_AAC,
                .video_encoder = ENCODER_SOFTWARE,
                .video_buffer_ms = DEFAULT_BUFFER_MS,
        };
}

const char *video_preset_name(VideoPreset preset) {
        static const char *const names[] = {NULL, "ultrafast", "superfast", "veryfast", "faster", "fast", "medium"};
        return (unsigned)preset < G_N_ELEMENTS(names) ? names[preset] : NULL;
}

const char *audio_codec_name(AudioCodec codec) {
        static const char *const names[] = {NULL, "aac", "ac3", "mp2"};
        return (unsigned)codec < G_N_ELEMENTS(names) ? names[codec] : NULL;
}

const char *video_encoder_name(VideoEncoder encoder) {
        static const char *const names[] = {NULL, "software", "hardware", "va", "nvenc"};
        return (unsigned)encoder < G_N_ELEMENTS(names) ? names[encoder] : NULL;
}

int32_t audio_codec_bitrate_kbps(AudioCodec codec) {
        return codec == AUDIO_AAC ? 128 : 192;
}

/* AAC has any; the others have those that stand in their tables for two channels (A/52 5.4.1.4, ISO/IEC 11172-3
 * 2.4.2.3). */
static bool audio_bitrate_ok(AudioCodec codec, int32_t kbps) { /* INV-HOUSE-003 */
        static const int32_t ac3[] = {96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 0};
        static const int32_t mp2[] = {64, 96, 112, 128, 160, 192, 224, 256, 320, 384, 0};
        if (codec == AUDIO_AAC)
                return kbps >= 32 && kbps <= 512;
        const int32_t *rate = codec == AUDIO_AC3 ? ac3 : mp2;
        while (*rate && *rate != kbps)
                rate++;
        return *rate != 0;
}

/* NULL or what cannot be of the choice and the measure of coders. */
static const char *coder_fault(const HouseFormat *format) {
        if (!video_preset_name(format->video_preset))
                return "the video preset must be one of ultrafast ... medium";
        if (!video_encoder_name(format->video_encoder))
                return "the video encoder must be software, hardware, va or nvenc";
        if (format->video_buffer_ms < 100 || format->video_buffer_ms > 5000)
                return "the video buffer must be within 100..5000 ms";
        if (!audio_codec_name(format->audio_codec))
                return "the audio codec must be aac, ac3 or mp2";
        if (!audio_bitrate_ok(format->audio_codec, format->audio_bitrate_kbps))
                return format->audio_codec == AUDIO_AAC ? "the audio bit rate must be within 32..512 kbit/s"
                       : format->audio_codec == AUDIO_AC3
                               ? "the audio bit rate must be one that ac3 has: 96, 112, 128, "
                                 "160, 192, 224, 256, 320, 384, 448 or 512 kbit/s"
                               : "the audio bit rate must be one that mp2 has: 64, 96, 112, "
                                 "128, 160, 192, 224, 256, 320 or 384 kbit/s";
        return NULL;
}

static bool side_ok(int32_t pixels) {
        return pixels >= 64 && pixels <= 4096 && pixels % 2 == 0;
}

/* A tick's sound must fit a cell (10 fps: 4800 samples) and an encoder must keep up. */
static bool rate_ok(RvRational rate) {
        if (rate.num <= 0 || rate.den <= 0)
                return false;
        return rate.num >= 10 * (int64_t)rate.den && rate.num <= 120 * (int64_t)rate.den;
}

bool house_format_has_second(const HouseFormat *format) {
        return format->second_width != 0 || format->second_height != 0 || format->second_bitrate_kbps != 0;
}

HouseFormat house_format_second(const HouseFormat *format) {
        HouseFormat second = *format;
        second.width = format->second_width;
        second.height = format->second_height;
        second.video_bitrate_kbps = format->second_bitrate_kbps;
        second.video_encoder = ENCODER_SOFTWARE;
        second.second_width = second.second_height = second.second_bitrate_kbps = 0;
        return second;
}

/* INV-HOUSE-004 */
static const char *second_fault(const HouseFormat *format) {
        if (!house_format_has_second(format))
                return NULL;
        if (!side_ok(format->second_width) || !side_ok(format->second_height) ||
            format->second_width >= format->width || format->second_height >= format->height)
                return "a second rendition must have an even width and height, at least 64 and less than the first's";
        if (format->second_bitrate_kbps < 100 || format->second_bitrate_kbps >= format->video_bitrate_kbps)
                return "a second rendition must have at least 100 kbit/s, and less than the first";
        return NULL;
}

const char *house_format_fault(const HouseFormat *format) {
        if (!side_ok(format->width) || !side_ok(format->height))
                return "width and height must be even and within 64..4096 pixels";
        if (!rate_ok(format->rate))
                return "the frame rate must be within 10..120 frames per second";
        if (format->sample_rate_hz != 48000 || format->channels != 2)
                return "sound must be 48000 Hz with 2 channels";
        if (format->video_bitrate_kbps < 100 || format->video_bitrate_kbps > 100000)
                return "the video bit rate must be within 100..100000 kbit/s";
        if (format->gop_frames < 1 || format->gop_frames > 1200)
                return "there must be an IDR every 1..1200 frames";
        const char *fault = coder_fault(format);
        return fault ? fault : second_fault(format);
}

void house_format_to_message(const HouseFormat *format, Retrovue__Playout__V1__HouseFormat *ret_message) {
        retrovue__playout__v1__house_format__init(ret_message);
        ret_message->width = format->width;
        ret_message->height = format->height;
        ret_message->frame_rate_num = format->rate.num;
        ret_message->frame_rate_den = format->rate.den;
        ret_message->sample_rate_hz = format->sample_rate_hz;
        ret_message->channels = format->channels;
        ret_message->video_bitrate_kbps = format->video_bitrate_kbps;
        ret_message->audio_bitrate_kbps = format->audio_bitrate_kbps;
        ret_message->gop_frames = format->gop_frames;
        ret_message->video_preset = (Retrovue__Playout__V1__VideoPreset)format->video_preset;
        ret_message->audio_codec = (Retrovue__Playout__V1__AudioCodec)format->audio_codec;
        ret_message->video_encoder = (Retrovue__Playout__V1__VideoEncoder)format->video_encoder;
        ret_message->video_buffer_ms = format->video_buffer_ms;
        ret_message->second_width = format->second_width;
        ret_message->second_height = format->second_height;
        ret_message->second_bitrate_kbps = format->second_bitrate_kbps;
}

bool house_format_from_message(const Retrovue__Playout__V1__HouseFormat *message, HouseFormat *ret_format) {
        if (!message)
                return false;
        const HouseFormat format = {
                .width = message->width,
                .height = message->height,
                .rate = {message->frame_rate_num, message->frame_rate_den},
                .sample_rate_hz = message->sample_rate_hz,
                .channels = message->channels,
                .video_bitrate_kbps = message->video_bitrate_kbps,
                .audio_bitrate_kbps = message->audio_bitrate_kbps,
                .gop_frames = message->gop_frames,
                .video_preset = message->video_preset ? (VideoPreset)message->video_preset : VIDEO_SUPERFAST,
                .audio_codec = message->audio_codec ? (AudioCodec)message->audio_codec : AUDIO_AAC,
                .video_encoder = message->video_encoder ? (VideoEncoder)message->video_encoder : ENCODER_SOFTWARE,
                .video_buffer_ms = message->video_buffer_ms ? message->video_buffer_ms : DEFAULT_BUFFER_MS,
                .second_width = message->second_width,
                .second_height = message->second_height,
                .second_bitrate_kbps = message->second_bitrate_kbps,
        };
        if (house_format_fault(&format)) /* INV-HOUSE-001 */
                return false;
        *ret_format = format;
        return true;
}

PictureLayout house_picture_layout(int32_t width, int32_t height) {
        const int32_t luma_stride = (width + 63) & ~63, chroma_stride = luma_stride / 2;
        const int32_t luma_rows = (height + 1) & ~1;
        const size_t luma = (size_t)luma_stride * (size_t)luma_rows;
        const size_t chroma = (size_t)chroma_stride * (size_t)(luma_rows / 2);
        return (PictureLayout){
                .width = width,
                .height = height,
                .stride = {luma_stride, chroma_stride, chroma_stride},
                .offset = {0, luma, luma + chroma},
                .size = luma + 2 * chroma,
        };
}
