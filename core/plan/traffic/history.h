/* The history's inside, for who fills and who stores. Private to traffic. */
#pragma once

#include "core/plan/traffic/traffic.h"

/* One asset's plays on one channel. */
typedef struct {
        GArray *starts; /* int64_t, rising */
        GArray *aired;  /* bool, of each: evidence says that it aired */
} TrafficPlays;

/* Never NULL; lives until something is forgotten. */
TrafficPlays *traffic_history_plays(TrafficHistory *history, const char *asset_id);
void traffic_plays_add(TrafficPlays *plays, int64_t start_utc_ms);
int64_t traffic_plays_last(const TrafficPlays *plays);
uint32_t traffic_plays_since(const TrafficPlays *plays, int64_t utc_ms);
/* Plays in [from, to) that aired, or may still: those before settled need the evidence. */
uint32_t traffic_plays_delivered(const TrafficPlays *plays, int64_t from_utc_ms, int64_t to_utc_ms,
                                 int64_t settled_utc_ms);

/* How much of the store the history knows. */
typedef struct {
        bool loaded;
        int64_t noted;          /* evidence up to this one */
        int64_t asked_utc_ms;   /* when the store was asked last */
        int64_t pruned_utc_ms;  /* and pruned */
        int64_t settled_utc_ms; /* what was planned before and has no evidence was seen by nobody */
} TrafficHistoryMark;

TrafficHistoryMark *traffic_history_mark(TrafficHistory *history);

/* Rises with every change but those made to plays directly. */
uint64_t traffic_history_version(const TrafficHistory *history);
/* What a filler works out from the whole history and keeps up to date while it alone changes it: one for each history,
 * dropped when plays are forgotten. */
gpointer traffic_history_lineup(const TrafficHistory *history);
void traffic_history_set_lineup(TrafficHistory *history, gpointer take_lineup, GDestroyNotify free_lineup);
