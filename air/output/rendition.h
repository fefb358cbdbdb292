/*
 * The second rendition: the pictures of the first once more, smaller, and its sound, which is coded once, in a
 * transport stream of their own with the same time stamps and random access points. A pipeline, a multiplexer and a
 * sender of its own: whatever becomes of it, the first does not notice. When it fails it ends its stream, and that is
 * all.
 *
 * Made, attached and freed on the control loop; pictures come from the tick thread, sound from a thread of the first
 * rendition's pipeline.
 */
#pragma once

#include <glib.h>
#include <gst/gst.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "air/output/output.h"

typedef struct Rendition Rendition;

/* options: the first rendition's, its style not NULL. sound: the element whose "src" pad gives its frames of sound;
 * borrowed, and it must have stopped before the rendition is freed. */
Rendition *rendition_new(const OutputOptions *options, GstElement *sound, size_t ring_bytes, GError **error);
void rendition_free(Rendition *rendition);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Rendition, rendition_free)

bool rendition_attach(Rendition *rendition, const char *socket_path, GError **error);
void rendition_detach(Rendition *rendition);

/* Control loop; as output_announce: its viewers are told the same of breaks. */
void rendition_announce(Rendition *rendition, const OutputOutlook *outlook);

/* Tick thread. The picture of the next tick, borrowed: its memory is referred to, not copied. Never waits; when the
 * coder is behind, the picture before is shown again. */
void rendition_push_picture(Rendition *rendition, int64_t tick, GstBuffer *picture, bool idr);

/* No more will be pushed: what is inside gets until then to come out and be sent. */
void rendition_finish(Rendition *rendition, int64_t until_mono_ns);
