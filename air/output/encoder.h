/*
 * The live encoders: pictures and sound of one session in, access units of H.264 and of AAC, AC-3 or MP2 out on two
 * source pads. The only place that computes time stamps, and knows how sound is coded; how pictures are is coder.h's.
 *
 * Time stamps come from tick and sample numbers alone. Pushing never waits: appsrc's queues have no bound of their own,
 * encoder_backlog tells how full the picture's is.
 */
#pragma once

#include <glib.h>
#include <gst/app/gstappsrc.h>
#include <gst/gst.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "air/output/coder.h"
#include "proto/house/house_format.h"

/* More ticks than may wait for the coder. */
#define ENCODER_MEMORY 8192

typedef struct {
        HouseFormat format;
        PictureLayout layout; /* of the pictures that come in */
        Coder coder;          /* of pictures; it and what follows is the pipeline's */
        GstAppSrc *sound_in;
        GstElement *picture_out, *sound_out; /* their "src" pads carry the access units */
        int64_t first_tick;                  /* of the first picture pushed; -1: none */
        bool begun;                          /* this coder has had a picture */
        bool idr_asked[ENCODER_MEMORY];      /* of the last ticks pushed */
        atomic_int_fast64_t last_out_ns;     /* time of the last picture that came out of hardware; -1: none */
        atomic_bool ended;
} Encoder;

/* Adds the elements to the pipeline, which must not move afterwards, and links them up to the two outlets. Fails when
 * an element is missing. */
bool encoder_init(Encoder *ret_encoder, GstBin *pipeline, const HouseFormat *format, GError **error);

/* The same pictures in another format, which is scaled to, and sound that another encoder has coded: its sound_in takes
 * what comes out of that one. */
bool encoder_init_second(Encoder *ret_encoder, GstBin *pipeline, const HouseFormat *format, const HouseFormat *from,
                         GError **error);

/* interleaved: n_samples per channel, copied. False when the pipeline does not take it (it has failed or is flushing).
 */
bool encoder_push_sound(Encoder *encoder, int64_t tick, const float *interleaved, uint32_t n_samples);
/* A picture that is pushed in place of the one that was due: captions belong to their tick, whichever picture it shows.
 */
void encoder_keep_captions(GstBuffer *picture, GstBuffer *due);
/* The picture's own time stamps are set here. idr: it is a random access point; the first one ever is in any case. */
bool encoder_push_picture(Encoder *encoder, int64_t tick, GstBuffer *take_picture, bool idr);

/*
 * Hardware has failed: puts a coder of software in its place, in a pipeline that goes on. *ret_next_tick: the pictures
 * from that tick on have not come out, and must be pushed again, the first of them as an IDR. The thread that pushes.
 */
bool encoder_fall_back(Encoder *encoder, int64_t *ret_next_tick, GError **error);
/* Of one of the ticks pushed last. */
bool encoder_asked_for_idr(const Encoder *encoder, int64_t tick);

/* Pictures pushed and not yet taken by the encoder. */
uint64_t encoder_backlog(const Encoder *encoder);
/* No more will be pushed: what is inside is finished and followed by end of stream. */
void encoder_end(Encoder *encoder);
