/* A plan of blocks by chance, and what a perfect engine tells of it: made here independently of air, by its contracts
 * (INV-BLOCK-WALLFENCE-001, INV-SEAM-SEG-004, INV-SEAM-103). */
#pragma once

#include "core/record/reconcile/compare.h"
#include "proto/base/id.h"
#include "tests/support/chance.h"
#include "tests/support/cmocka.h"

#define NOON INT64_C(1795262400000)
#define SECOND INT64_C(1000)
#ifndef MINUTE
#define MINUTE (60 * SECOND)
#endif

typedef struct {
        GRand *chance;     /* borrowed */
        GPtrArray *blocks; /* BlockPlan */
        GPtrArray *events; /* EvidenceEvent */
        RvRational rate;
        ReconcileScope scope;
        int64_t to_utc_ms;     /* 0: to the last block's end */
        GArray *locked_utc_ms; /* NULL: in time */
        GHashTable *rates;     /* NULL: not known */
        unsigned sessions;     /* made so far */
} World;

static inline char *world_uuid(const char *of) {
        char *uuid = g_malloc(RV_UUID_SIZE);
        rv_uuid_named(of, uuid);
        return uuid;
}

static inline void world_segment(BlockPlan *block, uint32_t i, SegmentType type, int64_t duration_ms) {
        g_autofree char *name = g_strdup_printf("%s/%u", block->block_id, i);
        g_autofree char *uuid = world_uuid(name), *uri = g_strdup_printf("/media/%u.mkv", i);
        g_autofree char *asset = world_uuid(uri);
        BlockSegment *segment = &block->segments[i];
        segment->type = type;
        segment->event_id = block_plan_text(block, name);
        segment->segment_uuid = block_plan_text(block, uuid);
        segment->title = block_plan_text(block, type == SEGMENT_PAD ? "" : name);
        segment->duration_ms = duration_ms;
        if (type == SEGMENT_PAD)
                return;
        segment->asset_uuid = block_plan_text(block, asset);
        segment->asset_uri = block_plan_text(block, uri);
        segment->asset_start_offset_ms = 10 * SECOND * i;
}

/* A block that starts where the last one ends: content, spots and pads of so many segments. */
static inline BlockPlan *world_block(World *world, uint32_t n_segments) {
        const guint n = world->blocks->len;
        const int64_t start = n ? ((BlockPlan *)world->blocks->pdata[n - 1])->end_utc_ms : NOON;
        g_autofree char *id = g_strdup_printf("block-%u", n), *title = g_strdup_printf("Programme <%u>", n);
        g_autofree int64_t *durations = g_new(int64_t, n_segments);
        int64_t sum = 0;
        for (uint32_t i = 0; i < n_segments; i++)
                sum += durations[i] = g_rand_int_range(world->chance, 300, 60000);
        BlockPlan *block = block_plan_new(id, "one", title, start, start + sum, n_segments);
        for (uint32_t i = 0; i < n_segments; i++) {
                const int kind = g_rand_int_range(world->chance, 0, 4);
                world_segment(block, i,
                              kind == 0   ? SEGMENT_PAD
                              : kind == 1 ? SEGMENT_COMMERCIAL
                                          : SEGMENT_CONTENT,
                              durations[i]);
        }
        g_ptr_array_add(world->blocks, block);
        return block;
}

/* One for the whole program: its seed is told once. */
static inline GRand *world_chance(void) {
        static GRand *chance;
        if (!chance)
                chance = chance_new();
        return chance;
}

static inline World *world_new(unsigned n_blocks) {
        static const RvRational rates[] = {{24000, 1001}, {24, 1}, {25, 1}, {30000, 1001}, {30, 1}, {60000, 1001}};
        World *world = g_new0(World, 1);
        world->chance = world_chance();
        world->blocks = g_ptr_array_new_with_free_func((GDestroyNotify)block_plan_unref);
        world->events = g_ptr_array_new_with_free_func((GDestroyNotify)evidence_event_free);
        world->rate = rates[g_rand_int_range(world->chance, 0, G_N_ELEMENTS(rates))];
        for (unsigned i = 0; i < n_blocks; i++)
                world_block(world, (uint32_t)g_rand_int_range(world->chance, 2, 8));
        return world;
}

static inline void world_free(World *world) {
        g_ptr_array_unref(world->blocks);
        g_ptr_array_unref(world->events);
        g_clear_pointer(&world->locked_utc_ms, g_array_unref);
        g_clear_pointer(&world->rates, g_hash_table_unref);
        g_free(world);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(World, world_free)

static inline BlockPlan *world_nth(const World *world, guint i) {
        return world->blocks->pdata[i];
}

static inline int64_t world_end(const World *world) {
        return world_nth(world, world->blocks->len - 1)->end_utc_ms;
}

/* --- a perfect engine -------------------------------------------------------------------------------------------- */

/* One session: [epoch, stop). */
typedef struct {
        World *world;
        char *id;
        int64_t epoch_utc_ms, stop_tick, sequence;
} Play;

static inline int64_t play_tick(const Play *play, int64_t utc_ms) {
        return rv_tick_at_ms(utc_ms - play->epoch_utc_ms, play->world->rate);
}

static inline EvidenceEvent *play_event(Play *play, EvidenceKind kind, const BlockPlan *block) {
        EvidenceEvent *event = evidence_event_new(kind);
        event->channel_id = g_strdup("one");
        event->session_id = g_strdup(play->id);
        event->sequence = ++play->sequence;
        g_autofree char *name = g_strdup_printf("%s/%d", play->id, (int)event->sequence);
        event->event_uuid = world_uuid(name);
        event->block_id = g_strdup(block ? block->block_id : NULL);
        g_ptr_array_add(play->world->events, event);
        return event;
}

static inline int64_t play_utc_ms(const Play *play, int64_t tick) {
        return play->epoch_utc_ms + rv_tick_to_ms(tick, play->world->rate);
}

static inline void play_name(EvidenceEvent *event, const BlockSegment *segment, uint32_t index) {
        event->event_id = g_strdup(segment->event_id);
        event->segment_uuid = g_strdup(segment->segment_uuid);
        event->asset_uuid = g_strdup(segment->asset_uuid);
        event->title = g_strdup(segment->title);
        event->asset_uri = g_strdup(segment->asset_uri);
        event->type = segment->type;
        event->segment_index = (int32_t)index;
        event->asset_start_frame = event->asset_end_frame = -1;
}

static inline void play_segment(Play *play, const BlockPlan *joined, uint32_t i, int64_t start_utc_ms) {
        const BlockSegment *segment = &joined->segments[i];
        const int64_t start = play_tick(play, start_utc_ms);
        const int64_t planned_end = play_tick(play, start_utc_ms + segment->duration_ms);
        const int64_t end = MIN(planned_end, play->stop_tick);
        if (start >= play->stop_tick)
                return;
        if (start < end) {
                EvidenceEvent *event = play_event(play, EVIDENCE_SEGMENT_START, joined);
                play_name(event, segment, i);
                event->tick = start;
                event->start_utc_ms = play_utc_ms(play, start);
                event->scheduled_duration_ms = segment->duration_ms;
        }
        EvidenceEvent *event = play_event(play, EVIDENCE_SEGMENT_END, joined);
        play_name(event, segment, i);
        event->start_tick = start;
        event->end_tick = end;
        event->start_utc_ms = play_utc_ms(play, start);
        event->end_utc_ms = play_utc_ms(play, end);
        event->frames = end - start;
        event->status = end == start        ? SEGMENT_STATUS_SKIPPED
                        : end < planned_end ? SEGMENT_STATUS_TRUNCATED
                                            : SEGMENT_STATUS_AIRED;
        event->reason = end == start ? g_strdup("NO_TIME_LEFT") : end < planned_end ? g_strdup("STOPPED") : NULL;
        if (segment->type != SEGMENT_PAD)
                event->asset_start_frame = rv_mul_div_floor(segment->asset_start_offset_ms, 25, 1000);
}

static inline void play_block(Play *play, const BlockPlan *block) {
        g_autoptr(BlockPlan) joined = block_plan_join(block, MAX(block->start_utc_ms, play->epoch_utc_ms));
        const int64_t start = play_tick(play, joined->start_utc_ms), fence = play_tick(play, joined->end_utc_ms);
        EvidenceEvent *event = play_event(play, EVIDENCE_BLOCK_START, joined);
        event->title = g_strdup(block->title);
        event->tick = start;
        event->fence_tick = fence;
        event->start_utc_ms = play_utc_ms(play, start);
        int64_t at = joined->start_utc_ms;
        for (uint32_t i = 0; i < joined->n_segments; at += joined->segments[i++].duration_ms)
                play_segment(play, joined, i, at);
        if (fence > play->stop_tick)
                return;
        event = play_event(play, EVIDENCE_BLOCK_FENCE, joined);
        event->end_tick = fence;
        event->end_utc_ms = play_utc_ms(play, fence);
        event->frames = fence - start;
}

typedef enum { END_STOPPED, END_NONE, END_LOST } PlayEnd;

/* A session from the one instant to the other. Its id is the world's n-th. */
static inline void world_play(World *world, int64_t from_utc_ms, int64_t to_utc_ms, PlayEnd end) {
        g_autofree char *name = g_strdup_printf("session %u", world->sessions++);
        g_autofree char *id = world_uuid(name);
        Play play = {world, id, from_utc_ms, 0, 0};
        play.stop_tick = play_tick(&play, to_utc_ms);
        for (guint i = 0; i < world->blocks->len; i++) {
                const BlockPlan *block = world_nth(world, i);
                if (block->end_utc_ms > from_utc_ms && play_tick(&play, block->start_utc_ms) < play.stop_tick)
                        play_block(&play, block);
        }
        if (end == END_NONE)
                return;
        EvidenceEvent *event = play_event(&play, EVIDENCE_CHANNEL_TERMINATED, NULL);
        event->end_utc_ms = to_utc_ms + 40;
        event->reason = g_strdup(end == END_STOPPED ? "stop_requested" : "core_lost");
        event->detail = g_strdup(end == END_STOPPED ? "last_viewer_left" : "no control connection");
}

/* The n-th event of a kind. */
static inline EvidenceEvent *world_event(const World *world, EvidenceKind kind, unsigned n) {
        for (guint i = 0; i < world->events->len; i++) {
                EvidenceEvent *event = world->events->pdata[i];
                if (event->kind == kind && n-- == 0)
                        return event;
        }
        return NULL;
}
