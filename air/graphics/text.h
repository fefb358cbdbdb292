/*
 * Text: ASS scripts (what FFmpeg makes of every subtitle format) set in type by libass: what stands over the picture at
 * a time, as an overlay. Scripts come from files of any origin; whatever is in them costs time at most. Each Text
 * belongs to one thread; several may be at work at once. Never on the tick thread: setting type takes milliseconds,
 * and the first look at the system's fonts many.
 */
#pragma once

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

#include "air/graphics/blend.h"

typedef struct Text Text;

/* For house pictures of this size. NULL: libass cannot be had. */
Text *text_new(int32_t width, int32_t height);
void text_free(Text *text);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Text, text_free)

/* A font that came with the material; to be given before the first text_at. */
void text_add_font(Text *text, const char *name, const void *data, size_t size);
/* The script's beginning (AVCodecContext.subtitle_header): styles, and the size that positions are meant for. */
void text_set_header(Text *text, const char *header, size_t size);
/* An event as FFmpeg's decoders give it (AVSubtitleRect.ass): "ReadOrder,Layer,Style,Name,L,R,V,Effect,Text". */
void text_add_event(Text *text, const char *event, int64_t start_ms, int64_t duration_ms);
/* After a seek: no event has been given. */
void text_forget_events(Text *text);

/*
 * What stands over the picture at this time: lent until the next call, NULL when nothing does. *ret_look (may be NULL)
 * is the same number as long as it looks the same, and 0 for nothing.
 */
const Overlay *text_at(Text *text, int64_t time_ms, uint32_t *ret_look);
