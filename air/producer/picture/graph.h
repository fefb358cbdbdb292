/*
 * Graph: one libavfilter chain of a picture in and a picture out, for pictures that are alike. Used by one thread.
 */
#pragma once

#include <libavutil/frame.h>
#include <stdbool.h>

struct AVFilterContext;
struct AVFilterGraph;

typedef struct {
        struct AVFilterGraph *graph; /* NULL: none is there */
        struct AVFilterContext *source, *sink;
        int width, height, format; /* of what goes in */
        AVRational time_base;      /* of what goes in and what comes out */
} Graph;

/* A new chain, in libavfilter's words, for pictures like this one. False: it cannot be made, and none is there. */
bool graph_build(Graph *graph, const AVFrame *like, AVRational time_base, const char *chain);
/* Whether a chain is there and takes the picture. */
bool graph_fits(const Graph *graph, const AVFrame *frame);
/* Takes the frame's content, when true. */
bool graph_push(Graph *graph, AVFrame *frame);
/* No more will be pushed. */
void graph_end(Graph *graph);
/* False: push first. into is blank. */
bool graph_pull(Graph *graph, AVFrame *into);
/* Leaves none. */
void graph_clear(Graph *graph);
