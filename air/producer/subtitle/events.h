/*
 * Events: what subtitles say, from which tick to which; asked in rising order of ticks. Texts may overlap; each picture
 * replaces the one before. Bounded: what would be too much is left out and counted.
 */
#pragma once

#include <glib.h>
#include <libavcodec/avcodec.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct {
        int64_t start_tick, end_tick;    /* relative to the segment's first; end: first one without it */
        char *line;                      /* an ASS event as FFmpeg gives it; NULL: pictures */
        AVSubtitle pictures;             /* those that say nothing end the ones before, and are no events */
        int canvas_width, canvas_height; /* that the pictures' places refer to */
} Event;

#define EVENTS_AT_ONCE 32

typedef struct Events Events;

Events *events_new(void);
void events_free(Events *events);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Events, events_free)

/* Takes over line or pictures, whose storage is then empty. */
void events_add(Events *events, Event *take_event);

/* Those of tick k, in the order in which they begin: *ret_n pointers, valid until the next call of any function. True
 * when they may not be the same as at the call before. Those that are over are forgotten. */
bool events_at(Events *events, int64_t k, const Event *const **ret_events, size_t *ret_n);

/* How many were left out because there were too many, or too much of one. */
unsigned events_left_out(const Events *events);
