/*
 * The coder of pictures: a bin that begins with an appsrc of the house format's pictures and ends with a pad "src" of
 * H.264, one access unit a buffer, byte-stream, no picture reordered, SPS and PPS with each IDR. The only place that
 * knows of picture encoders and their settings.
 *
 * A hardware encoder is given away with the first thing it does wrong: whoever runs one finds out by coder_is_part, and
 * puts one of software in its place.
 */
#pragma once

#include <glib.h>
#include <gst/app/gstappsrc.h>
#include <gst/gst.h>
#include <stdbool.h>

#include "proto/house/house_format.h"

typedef struct {
        GstElement *bin; /* floating until it is added to a pipeline */
        GstAppSrc *in;   /* the bin's */
        bool hardware;
} Coder;

/*
 * With the encoder that the format wants. When it is hardware and there is none, or it cannot be opened, software it
 * is, with a warning that says why. Fails when an element of software is missing.
 */
bool coder_init(Coder *ret_coder, const HouseFormat *format, GError **error);
/* The warning that says so: `output.encoder_fallback`. */
void coder_tell_fallback(const HouseFormat *format, const char *reason);
bool coder_init_software(Coder *ret_coder, const HouseFormat *format, GError **error);
/* Software whose pictures come in the format of another and are scaled. */
bool coder_init_scaled(Coder *ret_coder, const HouseFormat *format, const HouseFormat *from, GError **error);

/* Any thread: whether an object, one that speaks on the bus, is of a coder with hardware. */
bool coder_is_hardware_part(GstObject *object);

/* A pipeline's source of pictures or sound. Consumes the caps; NULL: they come with what is pushed. */
void coder_set_source(GstElement *source, GstCaps *take_caps);
/* Makes an element; NULL: RV_ERROR_UNAVAILABLE. */
GstElement *coder_make(const char *factory, const char *name, GError **error);
