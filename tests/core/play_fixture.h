/* Plans as the horizon publishes them, for the tests of what plays them. */
#pragma once

#include "core/plan/horizon/horizon.h"
#include "proto/house/house_format.h"

/* Channel number 1 in the house format, with these blocks and no programmes. */
static inline void publish_blocks(PlanBoard *board, const char *channel_id, GPtrArray *take_blocks) {
        ChannelSpec *spec = g_new0(ChannelSpec, 1);
        spec->style = house_style_new();
        g_atomic_ref_count_init(&spec->refs);
        spec->id = g_strdup(channel_id);
        spec->number = 1;
        spec->format = house_format_default();
        PlanView *view = g_new0(PlanView, 1);
        g_atomic_ref_count_init(&view->refs);
        view->spec = spec;
        view->programmes = g_ptr_array_new();
        view->blocks = take_blocks;
        plan_board_publish(board, view);
}
