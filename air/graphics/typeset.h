/*
 * Typeset: lines of literal text, in any script that the system has a font for, put into canvases. What would be a
 * command in a script for libass (braces, backslashes) is shown as it is; control characters become blanks. Any thread:
 * there is one libass for all of them, behind a lock, made when it is first needed.
 */
#pragma once

#include "air/graphics/canvas.h"

typedef struct {
        int32_t size;   /* of a line, in pixels */
        int32_t weight; /* 400 normal, 700 bold */
        Colour colour;
} Face;

/* A text for one line of at most max_width: shortened with an ellipsis where it is too long. Free with g_free.
 * *ret_width: of what is seen of it; 0: nothing. */
char *typeset_fit(const Face *face, const char *text, int32_t max_width, int32_t *ret_width);
/* The line, its left end at x and the top of its box at y. */
void typeset_line(Canvas *into, const Face *face, const char *text, int32_t x, int32_t y);
