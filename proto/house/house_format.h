/*
 * The house format: what leaves an engine, whatever comes in. Chosen per channel in its YAML file, fixed for a session.
 * A plain value; any thread.
 */
#pragma once

#include <stdbool.h>
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

typedef struct {
        int32_t width, height;  /* pixels, even, 64..4096 */
        RvRational rate;        /* frames per second, exact */
        int32_t sample_rate_hz; /* 48000 */
        int32_t channels;       /* 2 */
        int32_t video_bitrate_kbps, audio_bitrate_kbps;
        int32_t gop_frames; /* an IDR every so many frames from tick 0, besides those at seams */
        VideoPreset video_preset;
} HouseFormat;

/* 1280x720, 30000/1001, 48 kHz stereo, 3000 + 128 kbit/s, an IDR a second (30 frames), superfast. */
HouseFormat house_format_default(void);
/* NULL when it can be put on the air, else a static sentence that says what cannot. */
const char *house_format_fault(const HouseFormat *format);
/* Fills *ret_message, whose storage is the caller's; nothing to free. */
void house_format_to_message(const HouseFormat *format, Retrovue__Playout__V1__HouseFormat *ret_message);
/* False when the message is NULL or house_format_fault finds one. */
bool house_format_from_message(const Retrovue__Playout__V1__HouseFormat *message, HouseFormat *ret_format);
