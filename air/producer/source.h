/*
 * Source: one segment's file, open, and able to make the cell of any tick of the segment in rising order. What tick k
 * shows and sounds depends on the file, the offset and k only, not on where decoding began. Used by one thread.
 */
#pragma once

#include <glib.h>
#include <stdatomic.h>
#include <stdint.h>

#include "air/graphics/graphics.h"
#include "air/producer/cell.h"
#include "air/producer/fault.h"
#include "air/producer/picture/picture.h"
#include "proto/block_plan/block_plan.h"
#include "proto/house/house_format.h"
#include "proto/house/house_style.h"

typedef struct Source Source;

typedef struct {
        HouseFormat format;
        const HouseStyle *style; /* outlives the source, as does the segment */
        const BlockSegment *segment;
        int64_t start_tick, end_tick;
        bool goes_on_before, goes_on_after; /* the neighbour is the same material: nothing is to be heard of the seam */
        Graphics *graphics;                 /* what stands over it; NULL: nothing. Outlives the source */
        PicturePool *pool;                  /* outlives the source */
        const atomic_bool *abort;           /* everything ends early when it becomes true */
} SourceOptions;

typedef enum {
        SOURCE_CELL,
        SOURCE_OVER,   /* neither picture nor sound from this tick on (or aborted) */
        SOURCE_FAILED, /* *fault says why */
} SourceResult;

/* Opens and decodes up to the first picture. NULL and *fault when there is nothing to show. */
Source *source_open(const SourceOptions *options, Fault *fault);
void source_free(Source *source);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Source, source_free)

/* So that tick k, relative to start_tick, can be made soon. False and *fault when the file is no longer to be opened.
 */
bool source_seek(Source *source, int64_t k, Fault *fault);

/* Fills all of *cell but the storage of samples, which is the caller's; cell->picture is a new reference. */
SourceResult source_make(Source *source, int64_t k, Cell *cell, Fault *fault);
