/*
 * A file of any content -> cells. The first four bytes say where it is begun, into which house rate it goes, and which
 * ticks are asked for; the rest is the file. Whatever it is, each cell that comes is one of the tick asked for, of the
 * house's size and with its samples, and a producer that fails says why.
 */
#include <math.h>

#include "air/producer/producer.h"
#include "proto/base/log.h"
#include "tests/air/blocks.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/scratch.h"

#define HEAD 4
#define START_TICK 1000
#define SEGMENT_MS 4000
#define OFFSET_STEP_MS 40

static const RvRational RATES[] = {{24000, 1001}, {24, 1}, {25, 1}, {30000, 1001}, {30, 1}, {50, 1}, {60000, 1001}};

static void check_cell(const Cell *cell, int64_t tick, const HouseFormat *format) {
        const int64_t samples = rv_tick_to_sample(tick + 1, format->rate, format->sample_rate_hz) -
                                rv_tick_to_sample(tick, format->rate, format->sample_rate_hz);
        g_assert(cell->tick == tick && cell->n_samples == samples && cell->source_frame >= -1);
        g_assert(picture_size(cell->picture) >= (size_t)format->width * (size_t)format->height * 3 / 2);
        for (uint32_t i = 0; i < 2 * cell->n_samples; i++)
                g_assert(fabsf(cell->samples[i]) <= 1.0F); /* nor is it no number */
}

static void take_cells(Producer *producer, const ProducerOptions *options, int64_t n, int64_t step) {
        for (int64_t i = 0; i < n; i++) {
                const int64_t tick = options->start_tick + i * step;
                const Cell *cell;
                if (tick >= options->end_tick)
                        return;
                if (step >= options->ring_cells) /* so far ahead nothing is made before it is asked for */
                        (void)producer_take(producer, tick, &cell);
                producer_wait(producer, tick);
                if (producer_take(producer, tick, &cell))
                        check_cell(cell, tick, &options->format);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        if (size < HEAD)
                return 0;
        rv_log_set_level(RV_LOG_ERROR);
        const int64_t duration_ms = SEGMENT_MS;
        const char *path = scratch_write("film", data + HEAD, size - HEAD);
        BlockPlan *block = blocks_make("fuzz", 0, path, &duration_ms, 1);
        block->segments[0].asset_start_offset_ms = data[0] < 128 ? 0 : data[0] * OFFSET_STEP_MS;
        ProducerOptions options = {.format = house_format_default(), .block = block, .ring_cells = 8};
        options.format.width = 64;
        options.format.height = 48;
        options.format.rate = RATES[data[1] % G_N_ELEMENTS(RATES)];
        options.start_tick = START_TICK;
        options.end_tick = START_TICK + rv_tick_at_ms(SEGMENT_MS, options.format.rate);
        Producer *producer = producer_new(&options);
        take_cells(producer, &options, 1 + data[2] % 12, 1 + data[3] % 40);
        const ProducerResult result = producer_result(producer);
        g_assert(result.state != PRODUCER_FAILED || (result.reason[0] && result.detail[0]));
        producer_free(producer);
        while (producer_stuck_threads() > 0) /* the next input is another file's content */
                g_thread_yield();
        block_plan_unref(block);
        return 0;
}
