/* Script: libass, once for each user: an ASS script and what draws it. Used by one thread at a time. */
#pragma once

#include <ass/ass.h>
#include <stdbool.h>

#include "air/graphics/canvas.h"

typedef struct {
        ASS_Library *library;
        ASS_Renderer *renderer;
        ASS_Track *track;
} Script;

/* False: libass cannot be had, and there is nothing to clear. */
bool script_init(Script *script, int32_t width, int32_t height, const char *family);
void script_clear(Script *script);

/* Draws images into the canvas, whose corner is at (x, y) of the frame that they are for. */
void script_draw(const ASS_Image *images, Canvas *into, int32_t x, int32_t y);
/* The rectangle that the images are in; 0 wide when there are none. */
CanvasRect script_bounds(const ASS_Image *images);

/* What scripts ask for is bounded to what a picture can show: letters of any size would take memory without end.
 * The styles, after the header has been read: */
void script_tame_styles(ASS_Track *track);
/* and the numbers of an event's commands; free with g_free. */
char *script_tame_event(const ASS_Track *track, const char *event);
