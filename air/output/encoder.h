/*
 * The live encoders: pictures and sound of one session in, access units of H.264 and of AAC, AC-3 or MP2 out on two
 * source pads.
 * The only place that computes time stamps and the only place that knows encoder settings: those that shape SPS and PPS
 * must be the same for every picture ever put in front of one multiplexer.
 *
 * Time stamps come from tick and sample numbers alone. Pushing never waits: appsrc's queues have no bound of their own,
 * encoder_backlog tells how full the picture's is.
 */
#pragma once

#include <glib.h>
#include <gst/app/gstappsrc.h>
#include <gst/gst.h>
#include <stdbool.h>
#include <stdint.h>

#include "proto/house/house_format.h"

typedef struct {
        HouseFormat format;
        GstAppSrc *picture_in, *sound_in;    /* owned by the pipeline they were added to */
        GstElement *picture_out, *sound_out; /* likewise: their "src" pads carry the access units */
        bool begun;                          /* a picture has been pushed */
} Encoder;

/* Adds the elements to the pipeline and links them up to the two outlets. Fails when an element is missing. */
bool encoder_init(Encoder *ret_encoder, GstBin *pipeline, const HouseFormat *format, GError **error);

/* interleaved: n_samples per channel, copied. False when the pipeline does not take it (it has failed or is flushing).
 */
bool encoder_push_sound(Encoder *encoder, int64_t tick, const float *interleaved, uint32_t n_samples);
/* The picture's own time stamps are set here. idr: it is a random access point; the first one ever is in any case. */
bool encoder_push_picture(Encoder *encoder, int64_t tick, GstBuffer *take_picture, bool idr);

/* Pictures pushed and not yet taken by the encoder. */
uint64_t encoder_backlog(const Encoder *encoder);
/* No more will be pushed: what is inside is finished and followed by end of stream. */
void encoder_end(Encoder *encoder);
