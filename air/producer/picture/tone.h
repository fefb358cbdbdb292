/*
 * Tone: HDR pictures (SMPTE ST 2084 "PQ", ARIB STD-B67 "HLG"; ITU-R BT.2100) as SDR ones of the size that they are
 * shown in. Reference white is at 203 cd/m2 (ITU-R BT.2408); what is brighter is rolled off towards the brightest that
 * the material says it has, or 1,000 cd/m2. Used by one thread.
 */
#pragma once

#include <glib.h>
#include <libavutil/frame.h>
#include <stdbool.h>

typedef struct Tone Tone;

Tone *tone_new(void);
void tone_free(Tone *tone);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Tone, tone_free)

/* Whether shown as it is the picture would be dull and pale. */
bool tone_is_hdr(const AVFrame *frame);
/* A planar 4:2:0 picture of video range in BT.709, or BT.601 colours where hd is not set; lent until the next call.
 * NULL: it cannot be made. */
const AVFrame *tone_map(Tone *tone, const AVFrame *frame, int width, int height, bool hd);
