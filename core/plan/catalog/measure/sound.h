/* The sound of a file as engines would play it: its loudness, its silences, its end. One thread. */
#pragma once

#include <glib.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Sound Sound;

typedef struct {
        int64_t start_us, end_us; /* from the file's first instant */
} SoundSilence;

/* NULL: it cannot be decoded. stream and format are borrowed. */
Sound *sound_new(const AVFormatContext *format, const AVStream *stream);
void sound_free(Sound *sound);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Sound, sound_free)

/* packet NULL: no more will come. */
void sound_take(Sound *sound, const AVPacket *packet);

/* More packets failed than were decoded, or most of them are missing between its first and its last. */
bool sound_is_broken(const Sound *sound);
/* False: there is none to speak of. In 1/100 LUFS, and 1/100 dB of full scale. */
bool sound_loudness(const Sound *sound, int32_t *ret_loudness_millibel, int32_t *ret_peak_millibel);
/* SoundSilence, rising. */
const GArray *sound_silences(const Sound *sound);
/* Of what was decoded; INT64_MIN: nothing. */
int64_t sound_end_us(const Sound *sound);
