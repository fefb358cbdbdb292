#include "proto/house/house_format.h"

#include <glib.h>
#include <stddef.h>

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
        };
}

const char *video_preset_name(VideoPreset preset) {
        static const char *const names[] = {NULL, "ultrafast", "superfast", "veryfast", "faster", "fast", "medium"};
        return (unsigned)preset < G_N_ELEMENTS(names) ? names[preset] : NULL;
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

const char *house_format_fault(const HouseFormat *format) {
        if (!side_ok(format->width) || !side_ok(format->height))
                return "width and height must be even and within 64..4096 pixels";
        if (!rate_ok(format->rate))
                return "the frame rate must be within 10..120 frames per second";
        if (format->sample_rate_hz != 48000 || format->channels != 2)
                return "sound must be 48000 Hz with 2 channels";
        if (format->video_bitrate_kbps < 100 || format->video_bitrate_kbps > 100000)
                return "the video bit rate must be within 100..100000 kbit/s";
        if (format->audio_bitrate_kbps < 32 || format->audio_bitrate_kbps > 512)
                return "the audio bit rate must be within 32..512 kbit/s";
        if (format->gop_frames < 1 || format->gop_frames > 1200)
                return "there must be an IDR every 1..1200 frames";
        if (!video_preset_name(format->video_preset))
                return "the video preset must be one of ultrafast ... medium";
        return NULL;
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
        };
        if (house_format_fault(&format)) /* INV-HOUSE-001 */
                return false;
        *ret_format = format;
        return true;
}
