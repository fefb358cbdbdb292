/*
 * Beside: subtitle files of their own, next to the film's: "Movie.mkv" has "Movie.srt", "Movie.en.srt",
 * "Movie.eng.forced.ass". What a name says beyond the film's has to be understood, or it is another film's.
 */
#pragma once

#include <libavformat/avformat.h>
#include <stdatomic.h>

#include "air/producer/fault.h"
#include "air/producer/track/track.h"

typedef struct {
        char *name;         /* of the file, in the film's folder */
        const char *format; /* of FFmpeg's */
        Track track;
} BesideFile;

/* What a file's name says, seen from the film's ("Movie.mkv"); name is not set. False: it is none of its subtitles. */
bool beside_understand(const char *film, const char *name, BesideFile *ret_file);

/* Those of a film, by name; a GArray of BesideFile that frees what is in it. Its folder is looked through in bounds. */
GArray *beside_find(const char *path, const atomic_bool *abort);

/* A subtitle file, read whole, as UTF-8, without touching anything else. */
typedef struct BesideText BesideText;

/* NULL and *fault when it cannot be read, is no regular file, or too large. */
BesideText *beside_open(const char *path, const BesideFile *file, const atomic_bool *abort, Fault *fault);
void beside_close(BesideText *text);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BesideText, beside_close)

/* Its one stream. */
const AVStream *beside_stream(const BesideText *text);
/* The next packet; false: no more. into is unreferenced first. */
bool beside_next(BesideText *text, AVPacket *into);

/* Any text as UTF-8: by its byte order mark, else UTF-8 if it is that, else Windows-1252. *size is set to what comes.
 */
char *beside_to_utf8(const char *bytes, gsize *size);
