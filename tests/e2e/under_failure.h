/*
 * A real engine in which calls fail (fail_nth.c), and core as it is towards one: whatever is refused or dies, what the
 * engine did is collected. The plan is played twice, the second time on what the first one left.
 */
#pragma once

#include <glib.h>

#include "proto/house/house_format.h"

/*
 * blocks: BlockPlan, their time over. Writes, of session N = 0 and 1, OUT.N.ts, the stream, and OUT.N.jsonl, all
 * evidence by sequence, what core got and then what the engine's spool still has; and OUT.told: how each ended, what
 * descriptors and threads the engine had after it, and how the engine ended itself.
 */
void under_failure(const HouseFormat *format, const GPtrArray *blocks, const char *out);
