/* Sources of a seam that do as their file names say. */
#pragma once

#include <string.h>

#include "air/seam/seam.h"

typedef enum { GOOD, BROKEN, SHORT, STALL, SLOW, TIRED } Habit;

/* /good | /broken | /short/N: N pictures | /stall/FROM/TO: no cells for those | /slow/N: first cell is its N-th |
 * /tired/N: after N it is too late for the rest. */
typedef struct {
        ProducerOptions options;
        Habit habit;
        int64_t from, to;
        Picture *black;
        Cell cell;
        float samples[CELL_MAX_SAMPLES * 2];
        bool pad;
        bool near; /* the tick thread's, as take is */
} FakeSource;

static _Atomic int sources_made, sources_freed, sources_near;
static Picture *source_picture; /* what every source shows */

static inline Producer *fake_make(const ProducerOptions *options) {
        const BlockSegment *segment = &options->block->segments[options->segment_index];
        FakeSource *source = g_new0(FakeSource, 1);
        source->options = *options;
        source->pad = segment->type == SEGMENT_PAD;
        g_auto(GStrv) words = g_strsplit(segment->asset_uri ? segment->asset_uri : "/good", "/", -1);
        source->from = words[2] ? g_ascii_strtoll(words[2], NULL, 10) : 0;
        source->to = words[2] && words[3] ? g_ascii_strtoll(words[3], NULL, 10) : source->from;
        source->habit = g_str_equal(words[1], "broken")  ? BROKEN
                        : g_str_equal(words[1], "short") ? SHORT
                        : g_str_equal(words[1], "stall") ? STALL
                        : g_str_equal(words[1], "slow")  ? SLOW
                        : g_str_equal(words[1], "tired") ? TIRED
                                                         : GOOD;
        source->black = producer_black(&options->format);
        atomic_fetch_add(&sources_made, 1);
        return (Producer *)source;
}

static inline bool fake_has(const FakeSource *source, int64_t i) {
        switch (source->habit) {
        case BROKEN:
                return false;
        case SHORT:
        case TIRED:
                return i < source->from;
        case STALL:
                return i < source->from || i >= source->to;
        case SLOW:
                return i >= source->from;
        case GOOD:
                break;
        }
        return true;
}

static inline void fake_near(Producer *producer) {
        FakeSource *source = (FakeSource *)producer;
        if (!source->near)
                atomic_fetch_add(&sources_near, 1);
        source->near = true;
}

static inline bool fake_take(Producer *producer, int64_t tick, const Cell **ret_cell) {
        FakeSource *source = (FakeSource *)producer;
        g_assert(source->near);
        const RvRational rate = source->options.format.rate;
        const int64_t i = tick - source->options.start_tick;
        g_assert(tick >= source->options.start_tick && tick < source->options.end_tick); /* not the test's thread */
        const bool has = fake_has(source, i);
        if (!has && source->habit != SHORT)
                return false;
        source->cell = (Cell){
                .tick = tick,
                .kind = source->pad || !has ? CELL_BLACK : CELL_CONTENT,
                .source_frame = source->pad || !has ? -1 : i,
                .picture = has ? source_picture : source->black,
                .n_samples =
                        (uint32_t)(rv_tick_to_sample(tick + 1, rate, 48000) - rv_tick_to_sample(tick, rate, 48000)),
                .samples = source->samples,
        };
        *ret_cell = &source->cell;
        return true;
}

static inline bool fake_settled(const Producer *producer, int64_t tick) {
        const FakeSource *source = (const FakeSource *)producer;
        return fake_has(source, tick - source->options.start_tick) || source->habit == BROKEN ||
               source->habit == SHORT || source->habit == TIRED;
}

static inline ProducerState fake_state(const Producer *producer) {
        const FakeSource *source = (const FakeSource *)producer;
        switch (source->habit) {
        case BROKEN:
                return PRODUCER_FAILED;
        case SHORT:
        case TIRED:
                return PRODUCER_OVER;
        case SLOW:
        case STALL:
        case GOOD:
                break;
        }
        return PRODUCER_READY;
}

static inline ProducerResult fake_result(const Producer *producer) {
        ProducerResult result = {.state = fake_state(producer)};
        if (result.state == PRODUCER_FAILED)
                g_strlcpy(result.reason, "OPEN_FAILED", sizeof result.reason);
        return result;
}

static inline void fake_free(Producer *producer) {
        atomic_fetch_add(&sources_freed, 1);
        picture_unref(((FakeSource *)producer)->black);
        g_free(producer);
}

static const SeamSources FAKES = {fake_make, fake_settled, fake_take, fake_near, fake_state, fake_result, fake_free};
