/*
 * Lineup: who is next. For each line of an inventory its spots in the order in which they last played, and what caps,
 * separation and campaigns count: worked out once from the history and kept up to date with every pick. Private to
 * traffic.
 */
#pragma once

#include "core/plan/traffic/inventory.h"

/* Left-over time above this is filler's, not pads'. */
#define LINEUP_ROOM_LEFT_MS 15000

typedef struct Lineup Lineup;

typedef struct {
        int64_t start_utc_ms, end_utc_ms;
} LineupDay;

/* The history's own lineup for that inventory, made anew where it is not up to date. day: the broadcast day. */
Lineup *lineup_of(TrafficHistory *history, const TrafficInventory *inventory, LineupDay day);
/* The day that the history's lineup is of, when it is that inventory's; zeros: none. */
LineupDay lineup_day(const TrafficHistory *history, const TrafficInventory *inventory);

/* A new break under the rules of a frame. */
void lineup_begin_break(Lineup *lineup, const Frame *frame);
/* A new programme: shares of types are counted anew. airings: by subject of the inventory; borrowed until the next. */
void lineup_begin_programme(Lineup *lineup, uint64_t seed, const int64_t *airings);

typedef struct {
        const bool *kinds;
        int64_t at_utc_ms;
        int64_t room_ms;
        int64_t until_utc_ms; /* not 0: it is to be the last before this, behind those that are picked next */
} LineupAsk;

/* The number of the spot to be at the instant, of one of these kinds and within the room, or -1: none may. Never one
 * that is in the break already. */
int lineup_pick(Lineup *lineup, const LineupAsk *ask);
/* The same between the ends of a break, by the frame's shares; where there is no other, one that is in it already. */
int lineup_pick_body(Lineup *lineup, int64_t at_utc_ms, int64_t room_ms);

/* Nothing that was picked for the break has been picked: it is chosen anew. */
void lineup_take_back(Lineup *lineup);
/* The break is chosen: what has been picked counts no more until it is played. */
void lineup_end_break(Lineup *lineup);
/* A play, in order of time, of a spot or of filler: in the history from now on. */
void lineup_play(Lineup *lineup, const Asset *asset, int64_t start_utc_ms);
