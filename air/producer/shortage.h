/*
 * Shortage: memory that the C library refused to FFmpeg, which passes over much of what it cannot allocate: what comes
 * out then is another film, with packets missing, or its beginning. The C library says so in the thread's errno, and
 * whatever is called next may overwrite that; so it is looked at where FFmpeg returns, and remembered for the thread.
 * Sizes that a damaged file makes up never get as far as the C library.
 */
#pragma once

#include <stdbool.h>

/* From here on: nothing has been refused to this thread. */
void shortage_forget(void);
/* FFmpeg, or what else allocates, has returned, with an AVERROR (negative) or not. Gives that back. */
int shortage_look(int result);
/* Something has been refused to this thread since it last forgot, as far as was looked, and just now. */
bool shortage_seen(void);
