/* A source without its thread: the cells of a segment, made on demand and looked at. */
#pragma once

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "air/producer/source.h"
#include "tests/air/blocks.h"
#include "tests/support/cmocka.h"
#include "tests/support/media/barcode.h"

#define RIG_PICTURES 4

typedef struct {
        const char *path;
        int64_t offset_ms, duration_ms;
        RvRational rate;
        int32_t width, height;
        int64_t start_tick;
        int32_t fade_in_ms, fade_out_ms, gain_millibel;
        const HouseStyle *style;
} RigSpec;

typedef struct {
        BlockPlan *block;
        PicturePool *pool;
        atomic_bool abort;
        Source *source; /* NULL: fault says why */
        Fault fault;
        HouseFormat format;
        int64_t n_ticks;
        Cell cell; /* the last one made; its picture is ours */
        float samples[CELL_MAX_SAMPLES * 2];
} Rig;

static inline HouseFormat rig_format(const RigSpec *spec) {
        HouseFormat format = house_format_default();
        if (spec->rate.num)
                format.rate = spec->rate;
        format.width = spec->width ? spec->width : 320;
        format.height = spec->height ? spec->height : 180;
        return format;
}

static inline BlockPlan *rig_block(const RigSpec *spec) {
        BlockPlan *block = blocks_make("rig", 0, spec->path, &spec->duration_ms, 1);
        BlockSegment *segment = &block->segments[0];
        segment->asset_start_offset_ms = spec->offset_ms;
        segment->fade_in_ms = spec->fade_in_ms;
        segment->fade_out_ms = spec->fade_out_ms;
        segment->gain_millibel = spec->gain_millibel;
        return block;
}

static inline Rig *rig_new(const RigSpec *spec) {
        Rig *rig = g_new0(Rig, 1);
        rig->format = rig_format(spec);
        rig->block = rig_block(spec);
        rig->n_ticks = rv_tick_at_ms(spec->duration_ms, rig->format.rate);
        rig->pool = picture_pool_new(rig->format.width, rig->format.height, RIG_PICTURES);
        atomic_init(&rig->abort, false);
        const SourceOptions options = {
                .format = rig->format,
                .style = spec->style,
                .segment = &rig->block->segments[0],
                .start_tick = spec->start_tick,
                .end_tick = spec->start_tick + rig->n_ticks,
                .pool = rig->pool,
                .abort = &rig->abort,
        };
        rig->source = source_open(&options, &rig->fault);
        rig->cell.samples = rig->samples;
        return rig;
}

static inline void rig_free(Rig *rig) {
        if (!rig)
                return;
        picture_unref(rig->cell.picture);
        source_free(rig->source);
        picture_pool_release(rig->pool);
        block_plan_unref(rig->block);
        g_free(rig);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Rig, rig_free)

static inline void rig_seek(Rig *rig, int64_t k) {
        assert_true(source_seek(rig->source, k, &rig->fault));
}

static inline SourceResult rig_make(Rig *rig, int64_t k) {
        g_clear_pointer(&rig->cell.picture, picture_unref);
        return source_make(rig->source, k, &rig->cell, &rig->fault);
}

static inline BarcodeResult rig_read(const Rig *rig, unsigned *ret_frame, unsigned *ret_clip) {
        const BarcodeSize size = {rig->format.width, rig->format.height,
                                  house_picture_layout(rig->format.width, rig->format.height).stride[0]};
        return barcode_read(picture_data(rig->cell.picture), &size, ret_frame, ret_clip);
}

static inline char *rig_clip(const char *name) {
        return g_build_filename(RV_TEST_CLIPS, name, NULL);
}
