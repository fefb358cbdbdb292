/*
 * Filter: makes decoded pictures progressive and upright. Pictures that are both pass through untouched; the first
 * interlaced one brings bwdif in (a picture for a picture, flagged ones only), a display matrix turns or mirrors.
 */
#pragma once

#include <glib.h>
#include <libavformat/avformat.h>
#include <libavutil/frame.h>
#include <stdbool.h>

typedef struct Filter Filter;

Filter *filter_new(const AVStream *stream);
void filter_free(Filter *filter);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Filter, filter_free)

/* Takes the frame's content, NULL at the end; stamps are in the stream's time base. */
void filter_push(Filter *filter, AVFrame *frame);
/* The next picture; false: push first. */
bool filter_pull(Filter *filter, AVFrame *into);
/* What comes out depends on the picture before, too. */
bool filter_remembers(const Filter *filter);
/* After a seek: nothing of what came before is remembered. */
void filter_flush(Filter *filter);
