/*
 * The pictures of a file, as few of them as will do: those that stand alone tell whether it can be decoded, and
 * stretches that are asked for are decoded to see where they are black and where the last picture is. One thread.
 */
#pragma once

#include <glib.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Pictures Pictures;

typedef struct {
        int64_t start_us, end_us; /* from the file's first instant */
} PicturesBlack;

/* NULL: they cannot be decoded. format is borrowed, and read and sought in by pictures_look. */
Pictures *pictures_new(AVFormatContext *format, int stream_index, bool (*go_on)(void *user), void *user);
void pictures_free(Pictures *pictures);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Pictures, pictures_free)

/* A packet of the stream, in passing: decoded if it stands alone and the last such was two seconds before. */
void pictures_pass(Pictures *pictures, const AVPacket *packet);
/* More of those that were tried failed than were decoded. */
bool pictures_are_broken(const Pictures *pictures);
/* Of the last of them that was decoded, from the file's first instant; INT64_MIN: none was. */
int64_t pictures_last_us(const Pictures *pictures);

/* Decodes all from from_us to to_us; appends where they are black (PicturesBlack) unless black is NULL. The end of the
 * last picture in ret_end_us, INT64_MIN: there was none. False: the file does not seek. */
bool pictures_look(Pictures *pictures, int64_t from_us, int64_t to_us, GArray *black, int64_t *ret_end_us);
