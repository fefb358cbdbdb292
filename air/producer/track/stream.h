/* Track of a stream: what a container says about it, the same words for all containers. */
#pragma once

#include <libavformat/avformat.h>

#include "air/producer/track/track.h"

Track track_of_stream(const AVStream *stream);

/* The index of the stream whose sound is played; wishes: see track_choose_sound, NULL for none. -1: there is none. */
int track_sound_of(AVFormatContext *format, char *const *wishes);
