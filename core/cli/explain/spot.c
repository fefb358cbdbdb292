/* `retrovue plan explain`, of an instant in a break: what stands there, and what the rules say of it and of the others.
 */
#include <stdio.h>
#include <string.h>

#include "core/cli/cli.h"
#include "core/plan/schedule/policy.h"
#include "core/plan/transmission_log/transmission_log.h"

#define DAY_MS INT64_C(86400000)
#define LOOK_BACK_MS (8 * DAY_MS) /* longer than any cooldown */

/* A break of a locked block, and the one of its segments that is asked for. */
typedef struct {
        const CliLook *look;
        const ChannelSpec *spec;
        const CatalogSnapshot *catalog;
        const BlockPlan *block;
        uint32_t first, last, at; /* segments */
        int64_t start_utc_ms, ms; /* of the break */
        int64_t at_utc_ms;        /* of the segment */
        int64_t day_utc_ms;       /* of the broadcast day's start */
        const BreakRules *rules;
        GHashTable *plays; /* asset id -> GArray of int64_t: starts before the segment's */
} Break;

/* --- finding it --------------------------------------------------------------------------------------------------- */

static bool is_spot(const BlockSegment *segment) {
        return segment->type != SEGMENT_CONTENT && segment->type != SEGMENT_FILLER && segment->type != SEGMENT_PAD;
}

/* Where the instant is in the block; false: in a piece of the programme. */
static bool find_break(Break *found, int64_t utc_ms) {
        const BlockPlan *block = found->block;
        int64_t start = block->start_utc_ms;
        uint32_t at = 0;
        for (; at + 1 < block->n_segments && start + block->segments[at].duration_ms <= utc_ms; at++)
                start += block->segments[at].duration_ms;
        while (block->segments[at].type == SEGMENT_PAD && at > 0 && is_spot(&block->segments[at - 1]))
                start -=
                        block->segments[--at].duration_ms; /* the pad behind a spot is its share of what is left over */
        if (block->segments[at].type == SEGMENT_CONTENT)
                return false;
        found->at = found->first = found->last = at;
        found->at_utc_ms = found->start_utc_ms = start;
        found->ms = block->segments[at].duration_ms;
        while (found->first > 0 && block->segments[found->first - 1].type != SEGMENT_CONTENT) {
                found->start_utc_ms -= block->segments[--found->first].duration_ms;
                found->ms += block->segments[found->first].duration_ms;
        }
        while (found->last + 1 < block->n_segments && block->segments[found->last + 1].type != SEGMENT_CONTENT)
                found->ms += block->segments[++found->last].duration_ms;
        return true;
}

/* As when breaks are filled: the first daypart that holds the instant states its own rules; the others are the
 * policy's. */
static const Daypart *daypart_at(const ChannelSpec *spec, const char *day, int64_t utc_ms) {
        const BreakPolicy *policy = channel_spec_policy(spec);
        g_autofree char *local = channel_spec_time(spec, utc_ms, "%H:%M");
        const int minute = cli_clock(local) / 60;
        GDate date;
        g_date_clear(&date, 1);
        g_date_set_parse(&date, day);
        for (guint i = 0; policy->dayparts && i < policy->dayparts->len; i++) {
                const Daypart *daypart = policy->dayparts->pdata[i];
                const bool wraps = daypart->start >= daypart->end;
                const bool after = minute >= daypart->start, before = minute < daypart->end;
                if (g_date_valid(&date) && daypart->days[g_date_get_weekday(&date) - 1] &&
                    (wraps ? after || before : after && before))
                        return daypart;
        }
        return NULL;
}

static void note_play(GHashTable *plays, const char *asset_id, int64_t start_utc_ms) {
        GArray *starts = g_hash_table_lookup(plays, asset_id);
        if (!starts) {
                starts = g_array_new(false, false, sizeof(int64_t));
                g_hash_table_insert(plays, g_strdup(asset_id), starts);
        }
        g_array_append_val(starts, start_utc_ms);
}

/* What was planned before the segment: cooldowns and caps look at that. */
static GHashTable *plays_before(const GPtrArray *blocks, int64_t utc_ms) {
        GHashTable *plays = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_array_unref);
        for (guint i = 0; i < blocks->len; i++) {
                const BlockPlan *block = blocks->pdata[i];
                int64_t start = block->start_utc_ms;
                for (uint32_t j = 0; j < block->n_segments; j++) {
                        const BlockSegment *segment = &block->segments[j];
                        if (is_spot(segment) && segment->asset_uuid && start < utc_ms)
                                note_play(plays, segment->asset_uuid, start);
                        start += segment->duration_ms;
                }
        }
        return plays;
}

/* --- judging ------------------------------------------------------------------------------------------------------ */

static int64_t last_play(const Break *in, const char *asset_id) {
        const GArray *starts = g_hash_table_lookup(in->plays, asset_id);
        return starts ? g_array_index(starts, int64_t, starts->len - 1) : INT64_MIN;
}

static int plays_today(const Break *in, const char *asset_id) {
        const GArray *starts = g_hash_table_lookup(in->plays, asset_id);
        int n = 0;
        for (guint i = 0; starts && i < starts->len; i++)
                n += g_array_index(starts, int64_t, i) >= in->day_utc_ms;
        return n;
}

/* The campaign that holds the asset, or else the inventory; NULL: the house's own. */
static const SpotGroup *group_of(const Break *in, const Asset *asset) {
        const BreakPolicy *policy = channel_spec_policy(in->spec);
        const SpotGroup *found = NULL;
        for (guint i = 0; policy->groups && i < policy->groups->len; i++) {
                const SpotGroup *group = policy->groups->pdata[i];
                if (spot_group_holds(policy->groups, group, asset) && (!found || group->campaign))
                        found = group;
        }
        return found;
}

static int64_t cooldown_of(const Break *in, const Asset *asset) {
        const SpotGroup *group = group_of(in, asset);
        return group && group->campaign && group->cooldown_ms >= 0
                       ? group->cooldown_ms
                       : channel_spec_policy(in->spec)->cooldown_ms[asset->kind];
}

typedef enum { NOT_ALLOWED, TOO_LONG, IN_BREAK, RESTS, USED_UP, POSSIBLE, N_VERDICTS } Verdict;

static const char *const verdict_texts[N_VERDICTS] = {
        "of types that are not allowed then",   "longer than the break",        "in this break already",
        "resting: their cooldown was not over", "at their most plays of a day", "possible by these rules"};
static const char *const verdict_keys[N_VERDICTS] = {"not_allowed", "too_long", "in_break",
                                                     "resting",     "used_up",  "possible"};

static bool in_break(const Break *in, const char *asset_id) {
        for (uint32_t i = in->first; i <= in->last; i++)
                if (i != in->at && g_strcmp0(in->block->segments[i].asset_uuid, asset_id) == 0)
                        return true;
        return false;
}

static Verdict judge(const Break *in, const Asset *asset) {
        const int32_t most = channel_spec_policy(in->spec)->max_plays_per_day;
        const int64_t last = last_play(in, asset->id);
        if (!in->rules->allowed[asset->kind])
                return NOT_ALLOWED;
        if (asset->duration_ms > in->ms)
                return TOO_LONG;
        if (in_break(in, asset->id))
                return IN_BREAK;
        if (last != INT64_MIN && last + cooldown_of(in, asset) > in->at_utc_ms)
                return RESTS;
        return most > 0 && plays_today(in, asset->id) >= most ? USED_UP : POSSIBLE;
}

static json_t *others_json(const Break *in, const char *asset_id) {
        json_int_t counts[N_VERDICTS] = {0};
        json_t *object = json_object();
        for (uint32_t i = 0; i < in->catalog->n_assets; i++) {
                const Asset *asset = in->catalog->assets[i];
                if (asset->kind >= ASSET_COMMERCIAL && asset->kind < ASSET_FILLER && asset_eligible(asset) &&
                    g_strcmp0(asset->id, asset_id) != 0)
                        counts[judge(in, asset)]++;
        }
        for (int i = 0; i < N_VERDICTS; i++)
                json_object_set_new(object, verdict_keys[i], json_integer(counts[i]));
        return object;
}

/* --- saying it ---------------------------------------------------------------------------------------------------- */

static bool among(const AssetKind *kinds, AssetKind kind) {
        for (; *kinds; kinds++)
                if (*kinds == kind)
                        return true;
        return false;
}

static char *place_text(const Break *in, AssetKind kind) {
        int total = 0;
        if (in->at == in->first && among(in->rules->open, kind))
                return g_strdup("opens the break (structure.open)");
        bool last = true;
        for (uint32_t i = in->at + 1; i <= in->last; i++)
                last = last && !is_spot(&in->block->segments[i]);
        if (last && among(in->rules->close, kind))
                return g_strdup("closes the break (structure.close)");
        for (int i = 0; i < ASSET_KINDS; i++)
                total += in->rules->share[i];
        return total > 0 ? g_strdup_printf("in the body; %ss have %d of %d parts of it (structure.body)",
                                           asset_kind_name(kind), in->rules->share[kind], total)
                         : g_strdup("in the body, which any allowed type may fill");
}

static json_t *spot_json(const Break *in, const Asset *asset) {
        const int64_t last = last_play(in, asset->id);
        const SpotGroup *group = group_of(in, asset);
        g_autofree char *place = place_text(in, asset->kind);
        json_t *object =
                json_pack("{s:s,s:s,s:I,s:I,s:s,s:i,s:i}", "asset", asset->id, "kind", asset_kind_name(asset->kind),
                          "duration_ms", (json_int_t)asset->duration_ms, "cooldown_ms",
                          (json_int_t)cooldown_of(in, asset), "place", place, "plays_today", plays_today(in, asset->id),
                          "max_plays_per_day", (int)channel_spec_policy(in->spec)->max_plays_per_day);
        json_object_set_new(object, "last_play_utc_ms", last == INT64_MIN ? json_null() : json_integer(last));
        json_object_set_new(object, group && group->campaign ? "campaign" : "inventory",
                            group ? json_string(group->name) : json_null());
        json_object_set_new(object, "others", others_json(in, asset->id));
        return object;
}

static json_t *break_json(const Break *in) {
        const BlockSegment *segment = &in->block->segments[in->at];
        const Asset *asset =
                segment->asset_uuid ? channel_spec_asset(in->spec, in->catalog, segment->asset_uuid) : NULL;
        json_t *object = json_pack("{s:I,s:I,s:I,s:s,s:s?}", "break_start_utc_ms", (json_int_t)in->start_utc_ms,
                                   "break_ms", (json_int_t)in->ms, "start_utc_ms", (json_int_t)in->at_utc_ms, "type",
                                   segment_type_name(segment->type), "title", segment->title);
        if (asset && is_spot(segment))
                json_object_set_new(object, "spot", spot_json(in, asset));
        return object;
}

json_t *cli_explain_break(const CliLook *look, const ChannelSpec *spec, const CatalogSnapshot *catalog, int64_t utc_ms,
                          GError **error) {
        Break in = {.look = look, .spec = spec, .catalog = catalog};
        char day[11];
        int64_t day_end = 0;
        g_autoptr(GPtrArray) blocks = transmission_log_blocks(look->store, spec->id, utc_ms - LOOK_BACK_MS, error);
        for (guint i = 0; blocks && i < blocks->len; i++) {
                const BlockPlan *block = blocks->pdata[i];
                if (block->start_utc_ms <= utc_ms && utc_ms < block->end_utc_ms)
                        in.block = block;
        }
        if (!in.block || !find_break(&in, utc_ms))
                return NULL;
        schedule_day_of(spec, in.at_utc_ms, day);
        schedule_day_bounds(spec, day, &in.day_utc_ms, &day_end);
        const Daypart *daypart = daypart_at(spec, day, in.at_utc_ms);
        in.rules = daypart && daypart->rules.given & BREAK_RULE_ALLOWED ? &daypart->rules
                                                                        : &channel_spec_policy(spec)->rules;
        g_autoptr(GHashTable) plays = plays_before(blocks, in.at_utc_ms);
        in.plays = plays;
        json_t *object = break_json(&in);
        json_object_set_new(object, "daypart", daypart ? json_string(daypart->name) : json_null());
        return object;
}

static int64_t integer(const json_t *object, const char *key) {
        return json_integer_value(json_object_get(object, key));
}

static void print_others(const json_t *others) {
        const char *label = "others";
        for (int i = 0; i < N_VERDICTS; i++) {
                const int n = (int)integer(others, verdict_keys[i]);
                if (n > 0)
                        printf("  %-10s %d %s\n", label, n, verdict_texts[i]);
                label = n > 0 ? "" : label;
        }
}

static void print_spot(const ChannelSpec *spec, const json_t *explained, const json_t *spot) {
        const char *campaign = json_string_value(json_object_get(spot, "campaign"));
        const char *inventory = json_string_value(json_object_get(spot, "inventory"));
        const int64_t last = integer(spot, "last_play_utc_ms"), most = integer(spot, "max_plays_per_day");
        g_autofree char *cooldown = cli_length(integer(spot, "cooldown_ms"));
        printf("  %-10s %s\n", "place", json_string_value(json_object_get(spot, "place")));
        printf("  %-10s %s%s\n", campaign ? "campaign" : "asked by",
               campaign    ? campaign
               : inventory ? "no campaign; inventory "
                           : "no campaign: one of the house's own",
               !campaign && inventory ? inventory : "");
        if (last > 0) {
                g_autofree char *rested = cli_length(integer(explained, "start_utc_ms") - last);
                g_autofree char *at = channel_spec_time(spec, last, "%a %H:%M:%S");
                printf("  %-10s %s since %s; its cooldown is %s\n", "rested", rested, at,
                       integer(spot, "cooldown_ms") > 0 ? cooldown : "none");
        } else {
                printf("  %-10s it was not planned in the eight days before\n", "rested");
        }
        printf("  %-10s play %d of the broadcast day", "today", (int)integer(spot, "plays_today") + 1);
        if (most > 0)
                printf(", of %d at most", (int)most);
        putchar('\n');
        print_others(json_object_get(spot, "others"));
}

void cli_print_break(const ChannelSpec *spec, const json_t *explained) {
        const char *title = json_string_value(json_object_get(explained, "title"));
        const char *daypart = json_string_value(json_object_get(explained, "daypart"));
        const json_t *spot = json_object_get(explained, "spot");
        g_autofree char *at = channel_spec_time(spec, integer(explained, "start_utc_ms"), "%H:%M:%S");
        g_autofree char *start = channel_spec_time(spec, integer(explained, "break_start_utc_ms"), "%H:%M:%S");
        g_autofree char *length = cli_length(integer(explained, "break_ms"));
        printf("%s  %s %s, in the break of %s at %s%s%s\n", at, json_string_value(json_object_get(explained, "type")),
               title ? title : "", length, start, daypart ? ", daypart " : "", daypart ? daypart : "");
        if (spot)
                print_spot(spec, explained, spot);
        else
                printf("  %-10s nothing that may stand in a break fitted here\n", "rule");
}
