/*
 * The house format: what leaves an engine, whatever comes in. Chosen per channel in its YAML file, fixed for a session.
 * A plain value; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/rational.h"
#include "proto/playout.pb-c.h"

/* How much work the encoder puts into each picture; its users call them by x264's names. */
typedef enum {
        VIDEO_ULTRAFAST = 1,
        VIDEO_SUPERFAST,
        VIDEO_VERYFAST,
        VIDEO_FASTER,
        VIDEO_FAST,
        VIDEO_MEDIUM,
} VideoPreset;

/* "ultrafast" ... "medium"; NULL for anything else. Static. */
const char *video_preset_name(VideoPreset preset);

/* How sound is coded; its users know them as aac, ac3 and mp2. */
typedef enum { AUDIO_AAC = 1, AUDIO_AC3, AUDIO_MP2 } AudioCodec;

/* What codes pictures. Software stands in for what is not there or fails. */
typedef enum {
        ENCODER_SOFTWARE = 1,
        ENCODER_HARDWARE, /* whichever there is */
        ENCODER_VA,
        ENCODER_NVENC,
} VideoEncoder;

/* "aac", "ac3", "mp2"; "software", "hardware", "va", "nvenc"; NULL for anything else. Static. */
const char *audio_codec_name(AudioCodec codec);
const char *video_encoder_name(VideoEncoder encoder);
/* What a channel gets that says nothing of it, in kbit/s: 128 for AAC, 192 for the others. */
int32_t audio_codec_bitrate_kbps(AudioCodec codec);

typedef struct {
        int32_t width, height;  /* pixels, even, 64..4096 */
        RvRational rate;        /* frames per second, exact */
        int32_t sample_rate_hz; /* 48000 */
        int32_t channels;       /* 2 */
        int32_t video_bitrate_kbps, audio_bitrate_kbps;
        int32_t gop_frames; /* an IDR every so many frames from tick 0, besides those at seams */
        VideoPreset video_preset;
        AudioCodec audio_codec;
        VideoEncoder video_encoder;
        int32_t video_buffer_ms; /* a decoder's buffer, at the video bit rate: how far pictures may be from the mean */
        /* The same pictures once more, for viewers with less of a line; all 0: there is no second rendition. */
        int32_t second_width, second_height, second_bitrate_kbps;
} HouseFormat;

/* 1280x720, 30000/1001, 48 kHz stereo, 3000 + 128 kbit/s, an IDR a second (30 frames), superfast; AAC, software, a
 * buffer of a second. */
HouseFormat house_format_default(void);
bool house_format_has_second(const HouseFormat *format);
/* The second rendition as a format of its own, which has no second one. */
HouseFormat house_format_second(const HouseFormat *format);
/* NULL when it can be put on the air, else a static sentence that says what cannot. */
const char *house_format_fault(const HouseFormat *format);
/* Fills *ret_message, whose storage is the caller's; nothing to free. */
void house_format_to_message(const HouseFormat *format, Retrovue__Playout__V1__HouseFormat *ret_message);
/* False when the message is NULL or house_format_fault finds one. */
bool house_format_from_message(const Retrovue__Playout__V1__HouseFormat *message, HouseFormat *ret_format);

/* How a picture of the house lies in memory: I420 in one piece, Y, then U, then V. Rows begin where vector code likes
 * them to: swscale takes a third longer over those that do not (854 pixels). */
#define PICTURE_PLANES 3

typedef struct {
        int32_t width, height;
        int32_t stride[PICTURE_PLANES]; /* bytes from row to row: a multiple of 64, of 32 for U and V */
        size_t offset[PICTURE_PLANES];
        size_t size;
} PictureLayout;

PictureLayout house_picture_layout(int32_t width, int32_t height);
