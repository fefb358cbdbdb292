/*
 * Track: what a file says about one of its sound or subtitle tracks, and which of them a channel's wishes choose. Pure
 * functions of their arguments: the same file is given the same tracks, wherever in it a segment begins.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "proto/house/house_style.h"

#define TRACK_LANGUAGE_SIZE 4

enum {
        TRACK_DEFAULT = 1 << 0,
        TRACK_FORCED = 1 << 1,     /* only what every viewer needs: signs, foreign speech */
        TRACK_COMMENTARY = 1 << 2, /* not the programme's own */
        TRACK_IMPAIRED = 1 << 3,   /* described for the blind, or with noises for the deaf */
        TRACK_BITMAP = 1 << 4,     /* subtitles as pictures */
        TRACK_BESIDE = 1 << 5,     /* in a file of its own */
};

typedef struct {
        char language[TRACK_LANGUAGE_SIZE]; /* see track_language; empty: not known */
        unsigned flags;
        int channels; /* of sound */
} Track;

/* A language tag of any container ("en", "ger", "deu", "en-US", "und") as ISO 639-2/T. False, and into empty: none. */
bool track_language(const char *tag, char into[TRACK_LANGUAGE_SIZE]);
/* What a track's title (NULL: it has none) says about it: TRACK_COMMENTARY, TRACK_IMPAIRED, TRACK_FORCED. */
unsigned track_title_flags(const char *title);

/* The sound track for a list of wished languages, the best first: an index; -1: none matches, or nothing is wished. */
int track_choose_sound(const Track *tracks, size_t n, char *const *wishes);

typedef struct {
        SubtitlePolicy policy;
        char *const *sound_wishes;
        char *const *wishes;        /* none: sound_wishes */
        const char *sound_language; /* of the sound that was chosen; empty: not known, or no sound */
} SubtitleWishes;

typedef struct {
        int track;        /* -1: none */
        bool forced_only; /* of its events only those marked so */
} SubtitleChoice;

SubtitleChoice track_choose_subtitles(const Track *tracks, size_t n, const SubtitleWishes *wishes);
