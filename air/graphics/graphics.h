/*
 * Graphics: what stands over the pictures of a segment (the channel's logo, snipes) and in place of pictures that are
 * not there (the slate). What a tick shows depends on plan, style and tick alone, and drawing it alters no timing: a
 * producer draws on its own thread, ahead of the playhead. Never on the tick thread.
 *
 * Graphics are keyed downstream, as in a broadcaster's master control: over the picture as it is faded, so they do not
 * fade with it. They have fades of their own.
 */
#pragma once

#include <glib.h>
#include <stdint.h>

#include "air/graphics/blend.h"
#include "proto/block_plan/block_plan.h"
#include "proto/house/house_format.h"
#include "proto/house/house_style.h"

#define GRAPHICS_LOGO_FADE_MS 500  /* at the beginning and end of a run of segments that have the logo */
#define GRAPHICS_SNIPE_MOVE_MS 400 /* a snipe comes in and goes out */

/* Of one segment; used by one thread. */
typedef struct Graphics Graphics;

typedef struct {
        HouseFormat format;
        const HouseStyle *style; /* a reference is taken, as of the block */
        const BlockPlan *block;
        uint32_t segment_index;
        int64_t n_ticks; /* of the segment */
} GraphicsOptions;

/* Begins to read the logo in the background. NULL: nothing will ever stand over this segment. */
Graphics *graphics_new(const GraphicsOptions *options);
void graphics_free(Graphics *graphics);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Graphics, graphics_free)

/* What stands over the picture of tick k, counted from the segment's first, as a number: two ticks with the same one
 * look the same; 0: nothing does. May wait for the logo to be read, LOGO_WAIT_MS once a session at most. graphics may
 * be NULL. */
int64_t graphics_look(Graphics *graphics, int64_t k);
/* Draws a look on a picture, once for each picture: it is put over what is there. */
void graphics_draw(Graphics *graphics, int64_t look, const I420 *into);

/* Why there is no picture; each may be NULL. */
typedef struct {
        const BlockPlan *block;
        uint32_t segment_index; /* in block */
        const char *reason;     /* UPPER_CASE code */
        const char *detail;     /* a sentence */
} SlateCause;

/* Draws the whole picture: the channel's name and that it will be back; in SLATE_OPERATOR the cause, too, where there
 * is one. Any thread but the tick thread. */
void graphics_slate(const HouseFormat *format, const HouseStyle *style, const SlateCause *cause, const I420 *into);
