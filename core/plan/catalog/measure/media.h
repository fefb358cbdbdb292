/*
 * Media: how the catalog opens other people's files. The same bounds for whoever reads them: containers from the list
 * that engines have, too, no protocol but file, few streams. Any thread.
 */
#pragma once

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <stdbool.h>
#include <stdint.h>

#define MEDIA_MAX_SIDE 8192 /* pixels of a picture, either way */

/* How far a stream was seen to go. */
typedef struct {
        int64_t end_us; /* INT64_MIN: nothing was seen */
        uint64_t n_packets;
} MediaTrack;

/* 0, or libav's error; avformat_close_input what it gives. Streams are not looked at yet. */
int media_open(const char *path, AVIOInterruptCB interrupt, AVFormatContext **ret_format);
/* Stream indexes; -1: there is none that can be shown or heard. A cover picture is nothing to watch. */
int media_find_video(AVFormatContext *format);
int media_find_audio(AVFormatContext *format, int video);
/* Only these two are read from now on. */
void media_keep_streams(AVFormatContext *format, int video, int audio);
/* One thread, bounded pictures; NULL: it cannot be decoded. */
AVCodecContext *media_decoder(const AVStream *stream);

/* The first instant of the file: what times are counted from. */
int64_t media_start_us(const AVFormatContext *format);
/* What a picture lasts; 0 = unknown. */
int64_t media_frame_us(const AVStream *stream);
/* A timestamp more than ten minutes ahead of the one before counts for nothing. */
void media_track_note(MediaTrack *track, const AVFormatContext *format, const AVPacket *packet);
