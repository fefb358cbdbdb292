#include "core/plan/traffic/lineup.h"

#include <string.h>

#define HOUR_MS INT64_C(3600000)
#define RECENT_MS (2 * HOUR_MS) /* plays that hourly caps are counted from */
#define AHEAD_MAX_MS (24 * HOUR_MS)
#define PROMO_SOON_MAX 12 /* what is on at once counts as if its promo had rested (12 + 4) / 4 times as long */
#define PROMO_SOON_STEP 4
#define PROMO_REST_MS (HOUR_MS / 4) /* but not in the next break */

/* A spot's plays, and its place in the break being filled. */
typedef struct {
        TrafficPlays *plays;
        int64_t last_utc_ms; /* INT64_MIN = never */
        unsigned in_break;
} Runner;

typedef struct {
        int64_t start_utc_ms, duration_ms;
        AssetKind kind;
} Recent;

/* What is to be put back when a pick is taken back. */
typedef struct {
        guint spot;
        int64_t last_utc_ms;
} Pick;

/* The spot at the end of a line stood elsewhere in it before. */
typedef struct {
        guint line, from;
} Move;

/* A campaign as of now. */
typedef struct {
        int64_t start_utc_ms, end_utc_ms; /* of its flight; equal: not on air */
        int64_t delivered;                /* in the flight */
        int64_t today, in_break;
} Effort;

struct Lineup {
        const TrafficInventory *inventory; /* borrowed: only used while the caller's is the same */
        TrafficHistory *history;           /* whose lineup this is */
        const BreakPolicy *policy;
        uint64_t serial, version;
        int64_t settled_utc_ms;
        LineupDay day;
        Runner *runners;                            /* by spot */
        GArray **order;                             /* by line: guint, longest rest first */
        int64_t *advertiser_last, *category_last;   /* by number */
        int64_t *advertiser_saved, *category_saved; /* as they were before the break */
        GArray *recent;                             /* Recent, by start */
        Effort *efforts;                            /* by group */
        int previous;                               /* spot that played last; -1 = none */
        /* The programme and the break being filled. */
        const Frame *frame;
        uint64_t seed;
        const int64_t *airings; /* by subject: when it is on next; 0 = no promo of it may be */
        int64_t placed_ms[ASSET_KINDS];
        unsigned in_break[ASSET_KINDS]; /* [0] = all */
        GArray *picks;                  /* Pick */
        GArray *moves;                  /* Move: what the picks did to the lines */
        /* As it was before the break. */
        guint n_recent_before;
        int previous_before;
        int64_t placed_before_ms[ASSET_KINDS];
};

static guint n_groups(const Lineup *lineup) {
        return lineup->policy->groups ? lineup->policy->groups->len : 0;
}

static const Spot *spot_at(const Lineup *lineup, guint spot) {
        return &g_array_index(lineup->inventory->spots, Spot, spot);
}

/* --- making ---------------------------------------------------------------------------------------------------------
 */

static void lineup_free(gpointer pointer) {
        Lineup *lineup = pointer;
        for (GArray **order = lineup->order; *order; order++)
                g_array_unref(*order);
        g_free(lineup->order);
        g_free(lineup->runners);
        g_free(lineup->advertiser_last);
        g_free(lineup->category_last);
        g_free(lineup->advertiser_saved);
        g_free(lineup->category_saved);
        g_array_unref(lineup->recent);
        g_array_unref(lineup->picks);
        g_array_unref(lineup->moves);
        g_free(lineup->efforts);
        g_free(lineup);
}

/* INV-TRAFFIC-MONOTONE-001: nothing that a play adds brings its spot forward. */
static gint by_rest(gconstpointer a, gconstpointer b, gpointer user) {
        const Runner *runners = user;
        const guint x = *(const guint *)a, y = *(const guint *)b;
        if (runners[x].last_utc_ms != runners[y].last_utc_ms)
                return runners[x].last_utc_ms < runners[y].last_utc_ms ? -1 : 1;
        return x < y ? -1 : 1;
}

static gint by_start(gconstpointer a, gconstpointer b) {
        const int64_t x = ((const Recent *)a)->start_utc_ms, y = ((const Recent *)b)->start_utc_ms;
        return x < y ? -1 : x > y;
}

static void remember_group(int64_t *last, int group, int64_t utc_ms) {
        if (group >= 0)
                last[group] = MAX(last[group], utc_ms);
}

static void look_up_runners(Lineup *lineup) {
        int64_t latest = INT64_MIN;
        for (guint i = 0; i < lineup->inventory->spots->len; i++) {
                const Spot *spot = spot_at(lineup, i);
                Runner *runner = &lineup->runners[i];
                runner->plays = traffic_history_plays(lineup->history, spot->asset->id);
                runner->last_utc_ms = traffic_plays_last(runner->plays);
                remember_group(lineup->advertiser_last, spot->advertiser, runner->last_utc_ms);
                remember_group(lineup->category_last, spot->category, runner->last_utc_ms);
                if (runner->last_utc_ms > latest) {
                        latest = runner->last_utc_ms;
                        lineup->previous = (int)i;
                }
        }
        for (guint i = 0; latest > INT64_MIN && i < lineup->inventory->spots->len; i++) {
                const GArray *starts = lineup->runners[i].plays->starts;
                const Asset *asset = spot_at(lineup, i)->asset;
                for (guint j = starts->len; j > 0; j--) {
                        const Recent play = {g_array_index(starts, int64_t, j - 1), asset->duration_ms, asset->kind};
                        if (play.start_utc_ms < latest - RECENT_MS)
                                break;
                        g_array_append_val(lineup->recent, play);
                }
        }
        g_array_sort(lineup->recent, by_start);
}

static void sort_lines(Lineup *lineup) {
        const GArray *lines = lineup->inventory->lines;
        lineup->order = g_new0(GArray *, lines->len + 1);
        for (guint i = 0; i < lines->len; i++) {
                lineup->order[i] = g_array_copy(g_array_index(lines, Line, i).spots);
                g_array_sort_with_data(lineup->order[i], by_rest, lineup->runners);
        }
}

static int64_t *never(guint n) {
        int64_t *last = g_new(int64_t, n + 1);
        for (guint i = 0; i < n; i++)
                last[i] = INT64_MIN;
        return last;
}

static Lineup *lineup_new(TrafficHistory *history, const TrafficInventory *inventory) {
        Lineup *lineup = g_new0(Lineup, 1);
        lineup->inventory = inventory;
        lineup->history = history;
        lineup->policy = channel_spec_policy(inventory->spec);
        lineup->serial = inventory->serial;
        lineup->previous = -1;
        lineup->runners = g_new0(Runner, inventory->spots->len + 1);
        lineup->advertiser_last = never(g_hash_table_size(inventory->advertisers));
        lineup->category_last = never(g_hash_table_size(inventory->categories));
        lineup->advertiser_saved = never(g_hash_table_size(inventory->advertisers));
        lineup->category_saved = never(g_hash_table_size(inventory->categories));
        lineup->recent = g_array_new(false, true, sizeof(Recent));
        lineup->picks = g_array_new(false, true, sizeof(Pick));
        lineup->moves = g_array_new(false, true, sizeof(Move));
        lineup->efforts = g_new0(Effort, n_groups(lineup) + 1);
        look_up_runners(lineup);
        sort_lines(lineup);
        lineup->version = traffic_history_version(history);
        return lineup;
}

/* --- campaigns ------------------------------------------------------------------------------------------------------
 */

/* The flight of the campaign that the day is in; without flights always. */
static void find_flight(const Lineup *lineup, const SpotGroup *group, Effort *effort) {
        int64_t unused = 0;
        *effort = (Effort){0};
        if (!group->flights) {
                effort->start_utc_ms = INT64_MIN;
                effort->end_utc_ms = INT64_MAX;
                return;
        }
        for (guint i = 0; i < group->flights->len; i++) {
                const Flight *flight = &g_array_index(group->flights, Flight, i);
                int64_t start = 0, end = 0;
                schedule_day_bounds(lineup->inventory->spec, flight->first, &start, &unused);
                schedule_day_bounds(lineup->inventory->spec, flight->last, &unused, &end);
                if (lineup->day.start_utc_ms < start || lineup->day.start_utc_ms >= end)
                        continue;
                effort->start_utc_ms = start;
                effort->end_utc_ms = end;
                return;
        }
}

static void count_line(Lineup *lineup, const Line *line) {
        Effort *effort = &lineup->efforts[line->campaign];
        for (guint i = 0; i < line->spots->len; i++) {
                const TrafficPlays *plays = lineup->runners[g_array_index(line->spots, guint, i)].plays;
                effort->delivered += traffic_plays_delivered(plays, effort->start_utc_ms, effort->end_utc_ms,
                                                             lineup->settled_utc_ms);
                effort->today += traffic_plays_since(plays, lineup->day.start_utc_ms);
        }
}

static void count_campaigns(Lineup *lineup) {
        for (guint i = 0; i < n_groups(lineup); i++) {
                const SpotGroup *group = lineup->policy->groups->pdata[i];
                if (group->campaign)
                        find_flight(lineup, group, &lineup->efforts[i]);
        }
        for (guint i = 0; i < lineup->inventory->lines->len; i++) {
                const Line *line = &g_array_index(lineup->inventory->lines, Line, i);
                if (line->campaign >= 0)
                        count_line(lineup, line);
        }
}

Lineup *lineup_of(TrafficHistory *history, const TrafficInventory *inventory, LineupDay day) {
        Lineup *lineup = traffic_history_lineup(history);
        const int64_t settled = traffic_history_mark(history)->settled_utc_ms;
        if (!lineup || lineup->serial != inventory->serial || lineup->version != traffic_history_version(history)) {
                lineup = lineup_new(history, inventory);
                traffic_history_set_lineup(history, lineup, lineup_free);
        } else if (lineup->day.start_utc_ms == day.start_utc_ms && lineup->settled_utc_ms == settled) {
                return lineup;
        }
        lineup->day = day;
        lineup->settled_utc_ms = settled;
        count_campaigns(lineup);
        return lineup;
}

LineupDay lineup_day(const TrafficHistory *history, const TrafficInventory *inventory) {
        const Lineup *lineup = traffic_history_lineup(history);
        return lineup && lineup->serial == inventory->serial ? lineup->day : (LineupDay){0};
}

static int64_t campaign_hour(const Lineup *lineup, int campaign, int64_t at_utc_ms) {
        int64_t n = 0;
        for (guint i = 0; i < lineup->inventory->lines->len; i++) {
                const Line *line = &g_array_index(lineup->inventory->lines, Line, i);
                for (guint j = 0; line->campaign == campaign && j < line->spots->len; j++)
                        n += traffic_plays_since(lineup->runners[g_array_index(line->spots, guint, j)].plays,
                                                 at_utc_ms - HOUR_MS + 1);
        }
        return n;
}

/* INV-TRAFFIC-CAMPAIGN-001: within its flight and dayparts, not beyond its goal, and not further ahead of it than
 * that. */
static bool campaign_may(const Lineup *lineup, int campaign, int64_t at_utc_ms, int64_t ahead_ms) {
        const SpotGroup *group = inventory_campaign(lineup->inventory, campaign);
        const Effort *effort = &lineup->efforts[campaign];
        const int64_t delivered = effort->delivered + effort->in_break;
        if (at_utc_ms < effort->start_utc_ms || at_utc_ms >= effort->end_utc_ms)
                return false;
        if (group->dayparts && !(lineup->frame->daypart &&
                                 g_strv_contains((const char *const *)group->dayparts, lineup->frame->daypart->name)))
                return false;
        if (group->max_plays_per_day > 0 && effort->today + effort->in_break >= group->max_plays_per_day)
                return false;
        if (group->max_plays_per_hour > 0 &&
            campaign_hour(lineup, campaign, at_utc_ms) + effort->in_break >= group->max_plays_per_hour)
                return false;
        if (group->goal_plays == 0)
                return true;
        if (group->pacing == PACING_ASAP || !group->flights)
                return delivered < group->goal_plays;
        /* At a point of the flight there have been that part of the goal, rounded up, and never more than the goal. */
        const int64_t minutes = (effort->end_utc_ms - effort->start_utc_ms) / 60000;
        const int64_t elapsed = (at_utc_ms - effort->start_utc_ms + ahead_ms) / 60000;
        return delivered < MIN(group->goal_plays * elapsed / minutes + 1, group->goal_plays);
}

/* --- picking --------------------------------------------------------------------------------------------------------
 */

static bool cap_allows(const Lineup *lineup, AssetKind kind, AssetKind of, const LineupAsk *ask, int64_t duration_ms) {
        const SpotCaps *caps = &lineup->frame->rules.caps[kind];
        int64_t plays = 0, time_ms = 0;
        if (caps->per_break > 0 && lineup->in_break[kind] >= (unsigned)caps->per_break)
                return false;
        if (caps->per_hour == 0 && caps->seconds_per_hour == 0)
                return true;
        for (guint i = lineup->recent->len; i > 0; i--) {
                const Recent *play = &g_array_index(lineup->recent, Recent, i - 1);
                if (kind != 0 && play->kind != of)
                        continue;
                if (play->start_utc_ms > ask->at_utc_ms - HOUR_MS)
                        plays++;
                time_ms += MAX(0, play->start_utc_ms + play->duration_ms -
                                          MAX(play->start_utc_ms, ask->at_utc_ms + duration_ms - HOUR_MS));
        }
        return (caps->per_hour == 0 || plays < caps->per_hour) &&
               (caps->seconds_per_hour == 0 || time_ms + duration_ms <= caps->seconds_per_hour * INT64_C(1000));
}

static bool rested(const int64_t *last, int group, int64_t apart_ms, int64_t at_utc_ms) {
        return group < 0 || apart_ms == 0 || last[group] == INT64_MIN || at_utc_ms - last[group] >= apart_ms;
}

static bool is_barred(const Frame *frame, const Spot *spot) {
        return frame->rules.barred && spot->category_name &&
               g_strv_contains((const char *const *)frame->rules.barred, spot->category_name);
}

/* Everything but cooldown, which the order of the line is cut off by. INV-TRAFFIC-CAPS-001 */
static bool spot_may(const Lineup *lineup, guint number, const LineupAsk *ask) {
        const BreakPolicy *policy = lineup->policy;
        const Spot *spot = spot_at(lineup, number);
        const Runner *runner = &lineup->runners[number];
        if (spot->subject >= 0 && lineup->airings[spot->subject] == 0)
                return false; /* INV-TRAFFIC-PROMO-001 */
        if (policy->max_plays_per_day > 0 &&
            traffic_plays_since(runner->plays, lineup->day.start_utc_ms) + runner->in_break >=
                    (unsigned)policy->max_plays_per_day)
                return false;
        if (policy->max_plays_per_hour > 0 &&
            traffic_plays_since(runner->plays, ask->at_utc_ms - HOUR_MS + 1) + runner->in_break >=
                    (unsigned)policy->max_plays_per_hour)
                return false;
        /* INV-TRAFFIC-SEPARATION-001 */
        return rested(lineup->advertiser_last, spot->advertiser, policy->advertiser_ms, ask->at_utc_ms) &&
               rested(lineup->category_last, spot->category, policy->category_ms, ask->at_utc_ms) &&
               !is_barred(lineup->frame, spot);
}

/* The last one: where there would be filler else, a campaign may be ahead of its pace. */
typedef enum { PASS_FRESH, PASS_ADJACENT, PASS_AGAIN, PASS_ANY, PASS_AHEAD, N_PASSES } Pass;

static bool pass_admits(const Lineup *lineup, guint number, Pass pass) {
        const bool adjacent = (int)number == lineup->previous;
        const bool again = pass == PASS_AGAIN || pass == PASS_ANY;
        return (lineup->runners[number].in_break == 0 || again) &&
               (!adjacent || pass == PASS_ADJACENT || pass == PASS_ANY);
}

static uint64_t lot_of(const Lineup *lineup, guint number, int64_t at_utc_ms) {
        /* INV-TRAFFIC-FILL-DETERMINISTIC-001 */
        return seed_mix_int(lineup->seed ^ spot_at(lineup, number)->lot, at_utc_ms);
}

static bool in_line_may(const Lineup *lineup, const Line *line, guint number, const LineupAsk *ask, Pass pass) {
        const int64_t duration_ms = spot_at(lineup, number)->asset->duration_ms;
        return duration_ms <= ask->room_ms && pass_admits(lineup, number, pass) && spot_may(lineup, number, ask) &&
               cap_allows(lineup, line->kind, line->kind, ask, duration_ms) &&
               cap_allows(lineup, (AssetKind)0, line->kind, ask, duration_ms);
}

static bool has_cooled_down(const Line *line, const Runner *runner, int64_t at_utc_ms) {
        return runner->last_utc_ms == INT64_MIN || line->cooldown_ms == 0 ||
               at_utc_ms - runner->last_utc_ms >= line->cooldown_ms;
}

/* The first of the line that may; of those that never played, by lot. */
static int pick_in_line(const Lineup *lineup, guint line_number, const LineupAsk *ask, Pass pass) {
        const Line *line = &g_array_index(lineup->inventory->lines, Line, line_number);
        const GArray *order = lineup->order[line_number];
        uint64_t best_lot = 0;
        int best = -1;
        for (guint i = 0; i < order->len; i++) {
                const guint number = g_array_index(order, guint, i);
                const Runner *runner = &lineup->runners[number];
                const bool fresh = runner->last_utc_ms == INT64_MIN;
                if ((!fresh && best >= 0) || !has_cooled_down(line, runner, ask->at_utc_ms))
                        break; /* those behind it have rested less */
                if (!in_line_may(lineup, line, number, ask, pass))
                        continue;
                if (!fresh)
                        return (int)number;
                const uint64_t lot = lot_of(lineup, number, ask->at_utc_ms);
                if (best < 0 || lot < best_lot) {
                        best = (int)number;
                        best_lot = lot;
                }
        }
        return best;
}

/* How soon what the spot is a promo of is on, in PROMO_SOON_MAX steps; 0: not soon, or it is of nothing. */
static int64_t soon_steps(const Lineup *lineup, guint number, int64_t at_utc_ms) {
        const int subject = spot_at(lineup, number)->subject;
        if (subject < 0)
                return 0;
        const int64_t within_ms = g_array_index(lineup->inventory->subjects, Subject, subject).within_ms;
        const int64_t lead_ms = CLAMP(lineup->airings[subject] - at_utc_ms, 0, within_ms);
        return PROMO_SOON_MAX * (within_ms - lead_ms) / within_ms;
}

/* How long the spot has rested, and more the sooner its programme is on: so that promos of what is near play more often
 * than others, but not in every break. */
static int64_t eagerness(const Lineup *lineup, guint number, int64_t at_utc_ms) {
        const int64_t last = lineup->runners[number].last_utc_ms;
        const int64_t steps = soon_steps(lineup, number, at_utc_ms);
        if (last == INT64_MIN)
                return INT64_MAX - PROMO_SOON_MAX + steps;
        const int64_t rest_ms = at_utc_ms - last;
        return rest_ms < PROMO_REST_MS ? rest_ms : rest_ms * (PROMO_SOON_STEP + steps) / PROMO_SOON_STEP;
}

/* Of a line with promos of something: the most eager, by lot among equals. */
static int pick_promo(const Lineup *lineup, guint line_number, const LineupAsk *ask, Pass pass) {
        const Line *line = &g_array_index(lineup->inventory->lines, Line, line_number);
        const GArray *order = lineup->order[line_number];
        int64_t best_eagerness = 0;
        int best = -1;
        for (guint i = 0; i < order->len; i++) {
                const guint number = g_array_index(order, guint, i);
                if (!has_cooled_down(line, &lineup->runners[number], ask->at_utc_ms))
                        break; /* those behind it have rested less */
                if (!in_line_may(lineup, line, number, ask, pass))
                        continue;
                const int64_t mine = eagerness(lineup, number, ask->at_utc_ms);
                if (best < 0 || mine > best_eagerness ||
                    (mine == best_eagerness &&
                     lot_of(lineup, number, ask->at_utc_ms) < lot_of(lineup, (guint)best, ask->at_utc_ms))) {
                        best = (int)number;
                        best_eagerness = mine;
                }
        }
        return best;
}

typedef struct {
        int spot;
        const Line *line;
        int64_t last_utc_ms;
        uint64_t lot;
} Candidate;

/* Priority first; campaigns of equal priority in turn, by their weights; then who rested longest; then by lot. */
static bool better(const Lineup *lineup, const Candidate *a, const Candidate *b) {
        if (a->line->priority != b->line->priority)
                return a->line->priority > b->line->priority;
        if (a->line->campaign >= 0 && b->line->campaign >= 0 && a->line->campaign != b->line->campaign) {
                const Effort *x = &lineup->efforts[a->line->campaign], *y = &lineup->efforts[b->line->campaign];
                const int64_t left =
                        (x->today + x->in_break) * inventory_campaign(lineup->inventory, b->line->campaign)->weight;
                const int64_t right =
                        (y->today + y->in_break) * inventory_campaign(lineup->inventory, a->line->campaign)->weight;
                if (left != right)
                        return left < right;
        }
        return a->last_utc_ms != b->last_utc_ms ? a->last_utc_ms < b->last_utc_ms : a->lot < b->lot;
}

static Candidate candidate_of(const Lineup *lineup, const LineupAsk *ask, Pass pass) {
        const int64_t ahead_ms = pass == PASS_AHEAD ? AHEAD_MAX_MS : 0;
        Candidate best = {.spot = -1};
        for (guint i = 0; i < lineup->inventory->lines->len; i++) {
                const Line *line = &g_array_index(lineup->inventory->lines, Line, i);
                if (!ask->kinds[line->kind] || line->shortest_ms > ask->room_ms ||
                    (line->campaign >= 0 && !campaign_may(lineup, line->campaign, ask->at_utc_ms, ahead_ms)))
                        continue;
                const int spot = line->promotes ? pick_promo(lineup, i, ask, pass) : pick_in_line(lineup, i, ask, pass);
                if (spot < 0)
                        continue;
                const Candidate found = {.spot = spot,
                                         .line = line,
                                         .last_utc_ms = lineup->runners[spot].last_utc_ms,
                                         .lot = lot_of(lineup, (guint)spot, ask->at_utc_ms)};
                if (best.spot < 0 || better(lineup, &found, &best))
                        best = found;
        }
        return best;
}

static bool holds_kind(const Lineup *lineup, guint line, AssetKind kind) {
        return g_array_index(lineup->inventory->lines, Line, line).kind == kind;
}

static void move_to_end(GArray *order, guint from) {
        const guint number = g_array_index(order, guint, from);
        g_array_remove_index(order, from);
        g_array_append_val(order, number);
}

/* A pick goes to the end of its lines, as if it had played. It stood near the front: it rested longest. */
static void move_picked(Lineup *lineup, guint number) {
        const AssetKind kind = spot_at(lineup, number)->asset->kind;
        for (guint i = 0; i < lineup->inventory->lines->len; i++) {
                GArray *order = lineup->order[i];
                Move move = {.line = i};
                if (!holds_kind(lineup, i, kind))
                        continue;
                while (move.from < order->len && g_array_index(order, guint, move.from) != number)
                        move.from++;
                if (move.from == order->len)
                        continue;
                move_to_end(order, move.from);
                g_array_append_val(lineup->moves, move);
        }
}

/* A play goes to the end of its lines. It stands near it, having been picked. */
static void move_played(Lineup *lineup, guint number) {
        const AssetKind kind = spot_at(lineup, number)->asset->kind;
        for (guint i = 0; i < lineup->inventory->lines->len; i++) {
                GArray *order = lineup->order[i];
                guint at = holds_kind(lineup, i, kind) ? order->len : 0;
                while (at > 0 && g_array_index(order, guint, at - 1) != number)
                        at--;
                if (at > 0)
                        move_to_end(order, at - 1);
        }
}

static void touch(Lineup *lineup, guint number, int64_t at_utc_ms) {
        const Spot *spot = spot_at(lineup, number);
        lineup->runners[number].last_utc_ms = at_utc_ms;
        remember_group(lineup->advertiser_last, spot->advertiser, at_utc_ms);
        remember_group(lineup->category_last, spot->category, at_utc_ms);
}

static void count_campaigns_of(Lineup *lineup, guint number) {
        for (guint i = 0; n_groups(lineup) > 0 && i < lineup->inventory->lines->len; i++) {
                const Line *line = &g_array_index(lineup->inventory->lines, Line, i);
                for (guint j = 0; line->campaign >= 0 && j < line->spots->len; j++)
                        if (g_array_index(line->spots, guint, j) == number)
                                lineup->efforts[line->campaign].in_break++;
        }
}

static void take(Lineup *lineup, guint number, int64_t at_utc_ms) {
        const Asset *asset = spot_at(lineup, number)->asset;
        const Recent play = {at_utc_ms, asset->duration_ms, asset->kind};
        const Pick pick = {number, lineup->runners[number].last_utc_ms};
        lineup->runners[number].in_break++;
        lineup->in_break[0]++;
        lineup->in_break[asset->kind]++;
        lineup->placed_ms[asset->kind] += asset->duration_ms;
        g_array_append_val(lineup->picks, pick);
        g_array_append_val(lineup->recent, play);
        count_campaigns_of(lineup, number);
        touch(lineup, number, at_utc_ms);
        move_picked(lineup, number);
        lineup->previous = (int)number;
}

static int pick_pass(Lineup *lineup, const LineupAsk *ask, Pass pass) {
        const int previous = lineup->previous;
        const Candidate found = candidate_of(lineup, ask, pass);
        if (found.spot >= 0)
                take(lineup, (guint)found.spot, MAX(ask->until_utc_ms, ask->at_utc_ms));
        if (ask->until_utc_ms > 0)
                lineup->previous = previous;
        return found.spot;
}

int lineup_pick(Lineup *lineup, const LineupAsk *ask) {
        const int found = pick_pass(lineup, ask, PASS_FRESH);
        return found >= 0 ? found : pick_pass(lineup, ask, PASS_ADJACENT);
}

/* The kinds of the body by how much of their share they still lack; ends with 0. */
static void kinds_by_need(const Lineup *lineup, AssetKind kinds[ASSET_KINDS]) {
        const int32_t *share = lineup->frame->rules.share;
        unsigned n = 0;
        for (int kind = ASSET_COMMERCIAL; kind < ASSET_FILLER; kind++) {
                if (!lineup->frame->body[kind])
                        continue;
                unsigned at = n++;
                for (; at > 0; at--) {
                        const AssetKind other = kinds[at - 1];
                        const int64_t mine = lineup->placed_ms[kind] * share[other];
                        const int64_t its = lineup->placed_ms[other] * share[kind];
                        if (mine > its || (mine == its && share[kind] <= share[other]))
                                break;
                        kinds[at] = other;
                }
                kinds[at] = (AssetKind)kind;
        }
        kinds[n] = (AssetKind)0;
}

/* INV-TRAFFIC-STRUCTURE-001 */
int lineup_pick_body(Lineup *lineup, int64_t at_utc_ms, int64_t room_ms) {
        LineupAsk ask = {.kinds = lineup->frame->body, .at_utc_ms = at_utc_ms, .room_ms = room_ms};
        AssetKind kinds[ASSET_KINDS];
        int found = -1;
        kinds_by_need(lineup, kinds);
        for (int pass = PASS_FRESH; pass < N_PASSES && found < 0; pass++) { /* INV-TRAFFIC-NO-REPEAT-001 */
                if (pass == PASS_AHEAD && room_ms <= LINEUP_ROOM_LEFT_MS)
                        break; /* so little is pads, not filler */
                if (!lineup->frame->shared)
                        found = pick_pass(lineup, &ask, (Pass)pass);
                for (int i = 0; lineup->frame->shared && kinds[i] && found < 0; i++) {
                        bool only[ASSET_KINDS] = {false};
                        only[kinds[i]] = true;
                        ask.kinds = only;
                        found = pick_pass(lineup, &ask, (Pass)pass);
                }
        }
        return found;
}

/* --- breaks and plays -----------------------------------------------------------------------------------------------
 */

void lineup_begin_programme(Lineup *lineup, uint64_t seed, const int64_t *airings) {
        lineup->seed = seed;
        lineup->airings = airings;
        memset(lineup->placed_ms, 0, sizeof(lineup->placed_ms));
}

static void copy_groups(const Lineup *lineup, int64_t *advertisers, const int64_t *advertisers_from,
                        int64_t *categories, const int64_t *categories_from) {
        memcpy(advertisers, advertisers_from, sizeof(int64_t) * g_hash_table_size(lineup->inventory->advertisers));
        memcpy(categories, categories_from, sizeof(int64_t) * g_hash_table_size(lineup->inventory->categories));
}

void lineup_begin_break(Lineup *lineup, const Frame *frame) {
        lineup->frame = frame;
        lineup->n_recent_before = lineup->recent->len;
        lineup->previous_before = lineup->previous;
        memcpy(lineup->placed_before_ms, lineup->placed_ms, sizeof(lineup->placed_ms));
        copy_groups(lineup, lineup->advertiser_saved, lineup->advertiser_last, lineup->category_saved,
                    lineup->category_last);
}

void lineup_end_break(Lineup *lineup) {
        for (guint i = 0; i < lineup->picks->len; i++)
                lineup->runners[g_array_index(lineup->picks, Pick, i).spot].in_break = 0;
        for (guint i = 0; i < n_groups(lineup); i++)
                lineup->efforts[i].in_break = 0;
        memset(lineup->in_break, 0, sizeof(lineup->in_break));
        g_array_set_size(lineup->picks, 0);
        g_array_set_size(lineup->moves, 0);
        g_array_set_size(lineup->recent, lineup->n_recent_before);
        copy_groups(lineup, lineup->advertiser_last, lineup->advertiser_saved, lineup->category_last,
                    lineup->category_saved);
}

void lineup_take_back(Lineup *lineup) {
        for (guint i = lineup->moves->len; i > 0; i--) {
                const Move *move = &g_array_index(lineup->moves, Move, i - 1);
                GArray *order = lineup->order[move->line];
                const guint number = g_array_index(order, guint, order->len - 1);
                g_array_set_size(order, order->len - 1);
                g_array_insert_val(order, move->from, number);
        }
        for (guint i = lineup->picks->len; i > 0; i--) {
                const Pick *pick = &g_array_index(lineup->picks, Pick, i - 1);
                lineup->runners[pick->spot].last_utc_ms = pick->last_utc_ms;
        }
        memcpy(lineup->placed_ms, lineup->placed_before_ms, sizeof(lineup->placed_ms));
        lineup->previous = lineup->previous_before;
        lineup_end_break(lineup);
}

static void note_recent(Lineup *lineup, const Asset *asset, int64_t start_utc_ms) {
        const Recent play = {start_utc_ms, asset->duration_ms, asset->kind};
        guint old = 0;
        while (old < lineup->recent->len &&
               g_array_index(lineup->recent, Recent, old).start_utc_ms < start_utc_ms - RECENT_MS)
                old++;
        g_array_remove_range(lineup->recent, 0, old);
        g_array_append_val(lineup->recent, play);
}

void lineup_play(Lineup *lineup, const Asset *asset, int64_t start_utc_ms) {
        gpointer known = g_hash_table_lookup(lineup->inventory->spot_of, asset);
        if (!known) { /* filler */
                traffic_plays_add(traffic_history_plays(lineup->history, asset->id), start_utc_ms);
                return;
        }
        const guint number = GPOINTER_TO_UINT(known) - 1;
        traffic_plays_add(lineup->runners[number].plays, start_utc_ms);
        touch(lineup, number, start_utc_ms);
        move_played(lineup, number);
        note_recent(lineup, asset, start_utc_ms);
        lineup->previous = (int)number;
        count_campaigns_of(lineup, number);
        for (guint i = 0; i < n_groups(lineup); i++) {
                lineup->efforts[i].delivered += lineup->efforts[i].in_break;
                lineup->efforts[i].today += lineup->efforts[i].in_break;
                lineup->efforts[i].in_break = 0;
        }
}
