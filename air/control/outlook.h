/*
 * Outlook: what the queued blocks mean to those who watch or distribute the stream: programmes, and breaks.
 *
 * A break is a time in which another may show its own spots instead of ours: from the first to the last spot
 * (commercial, promo, psa, trailer, filler) between two pieces of content, and the pads right behind the last. What
 * stands at its edges for the channel's own sake (bumper, station_id, stinger, pads in front) is not of it, nor are
 * pads alone; between two spots they are. Breaks go on from block to block, as long as one follows the other.
 */
#pragma once

#include <glib.h>

#include "air/control/testimony.h"
#include "air/output/output.h"
#include "proto/block_plan/block_plan.h"

typedef struct {
        GArray *programmes; /* of OutputProgramme, whose titles are the blocks' */
        GArray *breaks;     /* of OutputBreak */
} Outlook;

/* blocks: BlockPlan in order, which must live as long as the outlook. Clear with outlook_clear. Pure. */
Outlook outlook_of(const GPtrArray *blocks, const FrameClock *frames);
void outlook_clear(Outlook *outlook);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Outlook, outlook_clear)
