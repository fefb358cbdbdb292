/*
 * A line: one rendition's way from its encoders to its reader. A pipeline of encoders and multiplexer, the signals that
 * go between access units, and the sender; what watches them, and the limits to what waits in them. The output is one
 * line, or two that are given the same pictures.
 *
 * Made, attached and freed on the control loop. What is pushed comes from the tick thread, and from the control loop
 * once there is no tick thread any more.
 */
#pragma once

#include <glib.h>
#include <gst/app/gstappsrc.h>
#include <gst/gst.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "air/output/output.h"
#include "air/output/sender.h"

typedef struct Line Line;

typedef struct {
        HouseFormat format;
        /* NULL: pictures come in the line's own format, and sound as samples. Otherwise pictures come in that format
         * and are scaled, and sound as the frames that another line has coded. Borrowed for line_new, as is the style.
         */
        const HouseFormat *from;
        const HouseStyle *style;
        int64_t epoch_utc_ms;
        size_t ring_bytes;
        /* Nothing more will come out. Any thread, at most once, not after line_free has returned. */
        void (*on_failed)(void *user, const char *detail);
        void *user;
} LineOptions;

/* Builds and starts the pipeline. */
Line *line_new(const LineOptions *options, GError **error);
/* Closes the stream, whatever is still inside. */
void line_free(Line *line);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Line, line_free)

/* Control loop; as sender_attach and sender_detach, and as output_announce. */
bool line_attach(Line *line, const char *socket_path, GError **error);
void line_detach(Line *line);
void line_announce(Line *line, const OutputOutlook *outlook);

/* Any thread. What else is found out to have failed is told the same way, once. */
void line_fail(Line *line, const char *detail);
bool line_has_failed(const Line *line);

typedef enum {
        LINE_SHOWS_IT,
        LINE_SHOWS_LAST, /* the picture before is shown again, which costs the encoder next to nothing */
} LineShows;

/* More than a dozen pictures wait for the encoder: the next ones had better show the last one again. */
bool line_is_behind(const Line *line);
/* The picture of the next tick. Never waits: when the encoder has stopped taking any the line has failed, and then only
 * lets pictures go. */
void line_push_picture(Line *line, int64_t tick, GstBuffer *take_picture, bool idr, LineShows shows);
/* Interleaved, of that tick; copied. Only where sound is not another line's. */
void line_push_sound(Line *line, int64_t tick, const float *samples, uint32_t n_samples);
/* False while the encoder has enough to do. */
bool line_has_room(const Line *line);

/* The element whose "src" pad gives the line's frames of sound; borrowed. */
GstElement *line_sound_out(const Line *line);
/* What takes the frames of sound that another line has coded; borrowed. */
GstAppSrc *line_sound_in(const Line *line);

/* No more will be pushed: what is inside the encoders gets until then to come out of them. */
void line_end(Line *line, int64_t until_mono_ns);
/* As sender_drain. */
void line_drain(Line *line, int64_t until_mono_ns);
/* At once: the reader sees the end of its stream, and nothing is taken any more. What pushes must not be doing so. */
void line_stop(Line *line);

SenderStats line_sent(const Line *line);
/* Pictures that were shown again because the encoder was behind. */
uint64_t line_frames_repeated(const Line *line);
