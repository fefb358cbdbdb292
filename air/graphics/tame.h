/* Tame: what scripts ask for, within what a picture can show: letters of any size would take memory without end. */
#pragma once

#include <ass/ass.h>
#include <glib.h>

/* Bounds the styles; after the script's header has been read. */
void tame_styles(ASS_Track *track);
/* The event with the numbers of its commands bounded; free with g_free. */
char *tame_event(const ASS_Track *track, const char *event);
