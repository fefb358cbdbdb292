#include "core/plan/schedule/policy.h"

#include <string.h>

#include "core/plan/schedule/reader.h"
#include "proto/base/id.h"

static const char *const traffic_keys[] = {"allowed_types",
                                           "default_cooldown_seconds",
                                           "type_cooldowns",
                                           "max_plays_per_day",
                                           "max_plays_per_hour",
                                           "breaks",
                                           "structure",
                                           "caps",
                                           "separation",
                                           "barred_categories",
                                           "dayparts",
                                           "inventories",
                                           "campaigns",
                                           "promos",
                                           "promo_within_hours",
                                           "profiles",
                                           "default",
                                           "default_profile",
                                           "break_config",
                                           NULL};
static const char *const structure_keys[] = {"open", "body", "close", NULL};
static const char *const cap_keys[] = {"per_break", "per_hour", "seconds_per_hour", NULL};
static const char *const separation_keys[] = {"advertiser_seconds", "category_seconds", NULL};
static const char *const daypart_keys[] = {
        "start", "end", "days", "allowed_types", "structure", "caps", "barred_categories", NULL};
static const char *const inventory_keys[] = {"assets", "tags", "advertiser", "category", NULL};
static const char *const campaign_keys[] = {
        "assets",           "tags",     "inventory", "advertiser", "category",          "flight",
        "goal_plays",       "pacing",   "priority",  "weight",     "max_plays_per_day", "max_plays_per_hour",
        "cooldown_seconds", "dayparts", NULL};
static const char *const break_keys[] = {"per_half_hour", "per_hour", "min_act_sec", "min_break_sec", "fade_ms", NULL};
static const char *const filler_keys[] = {"path", "duration_ms", "pool", NULL};

#define COOLDOWN_MAX_S INT64_C(604800)
#define FILLER_MIN_MS 1000

BreakPolicy break_policy_default(void) {
        BreakPolicy policy = {.breaks_per_half_hour = 3,
                              .min_act_ms = 2 * MINUTE_MS,
                              .min_break_ms = 30000,
                              .fade_ms = 500,
                              .promo_within_ms = 48 * 60 * MINUTE_MS};
        for (int kind = ASSET_COMMERCIAL; kind < ASSET_FILLER; kind++)
                policy.rules.allowed[kind] = true;
        policy.rules.open[0] = ASSET_BUMPER;
        policy.rules.close[0] = ASSET_STATION_ID;
        policy.rules.close[1] = ASSET_BUMPER;
        return policy;
}

static void daypart_free(gpointer pointer) {
        Daypart *daypart = pointer;
        g_free(daypart->name);
        g_strfreev(daypart->rules.barred);
        g_free(daypart);
}

static void group_free(gpointer pointer) {
        SpotGroup *group = pointer;
        g_free(group->name);
        g_free(group->file);
        g_strfreev(group->assets);
        g_strfreev(group->tags);
        g_free(group->inventory);
        g_free(group->advertiser);
        g_free(group->category);
        g_clear_pointer(&group->flights, g_array_unref);
        g_strfreev(group->dayparts);
        g_free(group);
}

void break_policy_clear(BreakPolicy *policy) {
        g_clear_pointer(&policy->dayparts, g_ptr_array_unref);
        g_clear_pointer(&policy->groups, g_ptr_array_unref);
        g_clear_pointer(&policy->promos, g_ptr_array_unref);
        g_clear_pointer(&policy->rules.barred, g_strfreev);
}

const BreakPolicy *channel_spec_policy(const ChannelSpec *spec) {
        return &spec->rules->policy;
}

/* The kinds that may stand in a break, by name. */
static AssetKind read_kind(const YamlNode *node, Diag *diag) {
        const char *names[ASSET_KINDS] = {NULL};
        for (int kind = ASSET_COMMERCIAL; kind < ASSET_FILLER; kind++)
                names[kind - ASSET_COMMERCIAL] = asset_kind_name(kind);
        return (AssetKind)(reader_choice(node, names, diag) + ASSET_COMMERCIAL);
}

static void read_allowed(BreakRules *rules, const YamlNode *node, Diag *diag) {
        if (!reader_want(node, YAML_SEQUENCE, "traffic.allowed_types", diag))
                return;
        memset(rules->allowed, 0, sizeof(rules->allowed));
        rules->given |= BREAK_RULE_ALLOWED;
        for (unsigned i = 0; i < yaml_size(node); i++) {
                if (g_strcmp0(yaml_text(yaml_item(node, i)), "filler") == 0)
                        continue; /* INV-LANGUAGE-COMPATIBLE-001: it fills what nothing else does, named or not */
                const AssetKind kind = read_kind(yaml_item(node, i), diag);
                if (kind >= ASSET_COMMERCIAL)
                        rules->allowed[kind] = true;
        }
}

static void read_cooldowns(BreakPolicy *policy, const YamlNode *common, const YamlNode *by_type, Diag *diag) {
        int64_t seconds = 0;
        if (common && yaml_read_int(common, 0, COOLDOWN_MAX_S, &seconds, diag))
                for (int kind = ASSET_COMMERCIAL; kind < ASSET_FILLER; kind++)
                        policy->cooldown_ms[kind] = seconds * 1000;
        if (!by_type || !reader_want(by_type, YAML_MAPPING, "traffic.type_cooldowns", diag))
                return;
        for (unsigned i = 0; i < yaml_size(by_type); i++) {
                const AssetKind kind = read_kind(yaml_key_node(by_type, i), diag);
                if (yaml_read_int(yaml_value(by_type, i), 0, COOLDOWN_MAX_S, &seconds, diag) &&
                    kind >= ASSET_COMMERCIAL)
                        policy->cooldown_ms[kind] = seconds * 1000;
        }
}

static void read_number(const YamlNode *mapping, const char *key, int64_t max, int32_t *value, Diag *diag) {
        int64_t number = 0;
        const YamlNode *node = yaml_get(mapping, key);
        if (node && yaml_read_int(node, 0, max, &number, diag))
                *value = (int32_t)number;
}

static void read_seconds(const YamlNode *mapping, const char *key, int64_t *value_ms, Diag *diag) {
        int64_t seconds = 0;
        const YamlNode *node = yaml_get(mapping, key);
        if (node && yaml_read_int(node, 0, COOLDOWN_MAX_S, &seconds, diag))
                *value_ms = seconds * 1000;
}

static void read_breaks(BreakPolicy *policy, const YamlNode *node, Diag *diag) {
        int64_t value = 0;
        if (!reader_want(node, YAML_MAPPING, "traffic.breaks", diag))
                return;
        yaml_check_keys(node, "traffic.breaks", break_keys, diag);
        const YamlNode *per_half_hour = yaml_get(node, "per_half_hour"), *act = yaml_get(node, "min_act_sec");
        const YamlNode *hole = yaml_get(node, "min_break_sec"), *fade = yaml_get(node, "fade_ms");
        if (per_half_hour && yaml_get(node, "per_hour"))
                yaml_fault(per_half_hour, diag, "breaks have either \"per_half_hour\" or \"per_hour\"");
        if (per_half_hour && yaml_read_int(per_half_hour, 0, 15, &value, diag)) {
                policy->breaks_per_half_hour = (int32_t)value;
                policy->breaks_per_hour = 0;
        }
        read_number(node, "per_hour", 30, &policy->breaks_per_hour, diag);
        if (act && yaml_read_int(act, 5, 3600, &value, diag))
                policy->min_act_ms = value * 1000;
        if (hole && yaml_read_int(hole, 1, 3600, &value, diag))
                policy->min_break_ms = value * 1000;
        if (fade && yaml_read_int(fade, 0, 2000, &value, diag))
                policy->fade_ms = (int32_t)value;
}

/* --- structure and caps ---------------------------------------------------------------------------------------------
 */

static void add_kind(AssetKind *kinds, AssetKind kind) {
        for (int i = 0; i < ASSET_KINDS - 1 && kind >= ASSET_COMMERCIAL; i++) {
                if (kinds[i] == kind)
                        return;
                if (kinds[i] == 0) {
                        kinds[i] = kind;
                        kinds[i + 1] = 0;
                        return;
                }
        }
}

/* A kind, a list of kinds by preference, or "none". */
static void read_end(AssetKind *kinds, const YamlNode *node, Diag *diag) {
        kinds[0] = 0;
        if (yaml_kind(node) == YAML_SEQUENCE)
                for (unsigned i = 0; i < yaml_size(node); i++)
                        add_kind(kinds, read_kind(yaml_item(node, i), diag));
        else if (g_strcmp0(yaml_text(node), "none") != 0)
                add_kind(kinds, read_kind(node, diag));
}

/* {commercial: 70, promo: 30}, or [commercial, promo] for equal shares. */
static void read_body(BreakRules *rules, const YamlNode *node, Diag *diag) {
        const bool mapping = yaml_kind(node) == YAML_MAPPING;
        if (!mapping && !reader_want(node, YAML_SEQUENCE, "traffic.structure.body", diag))
                return;
        memset(rules->share, 0, sizeof(rules->share));
        rules->given |= BREAK_RULE_BODY;
        for (unsigned i = 0; i < yaml_size(node); i++) {
                int64_t share = 1;
                const AssetKind kind = read_kind(mapping ? yaml_key_node(node, i) : yaml_item(node, i), diag);
                if (mapping && !yaml_read_int(yaml_value(node, i), 1, 1000, &share, diag))
                        continue;
                if (kind >= ASSET_COMMERCIAL)
                        rules->share[kind] = (int32_t)share;
        }
        if (yaml_size(node) == 0)
                yaml_fault(node, diag, "structure.body is empty: name the types that fill a break, with their shares");
}

static void read_structure(BreakRules *rules, const YamlNode *node, Diag *diag) {
        if (!reader_want(node, YAML_MAPPING, "traffic.structure", diag))
                return;
        yaml_check_keys(node, "traffic.structure", structure_keys, diag);
        const YamlNode *open = yaml_get(node, "open"), *close = yaml_get(node, "close"), *body = yaml_get(node, "body");
        if (open)
                read_end(rules->open, open, diag);
        if (close)
                read_end(rules->close, close, diag);
        if (open || close)
                rules->given |= BREAK_RULE_ENDS;
        if (body)
                read_body(rules, body, diag);
}

static void read_caps(BreakRules *rules, const YamlNode *node, Diag *diag) {
        if (!reader_want(node, YAML_MAPPING, "traffic.caps", diag))
                return;
        rules->given |= BREAK_RULE_CAPS;
        for (unsigned i = 0; i < yaml_size(node); i++) {
                const YamlNode *value = yaml_value(node, i);
                const bool all = strcmp(yaml_key(node, i), "spots") == 0;
                const AssetKind kind = all ? (AssetKind)0 : read_kind(yaml_key_node(node, i), diag);
                if (!reader_want(value, YAML_MAPPING, "traffic.caps", diag) || (!all && kind < ASSET_COMMERCIAL))
                        continue;
                yaml_check_keys(value, "traffic.caps", cap_keys, diag);
                read_number(value, "per_break", 1000, &rules->caps[kind].per_break, diag);
                read_number(value, "per_hour", 10000, &rules->caps[kind].per_hour, diag);
                read_number(value, "seconds_per_hour", 3600, &rules->caps[kind].seconds_per_hour, diag);
        }
}

static void read_rules(BreakRules *rules, const YamlNode *node, Diag *diag) {
        const YamlNode *allowed = yaml_get(node, "allowed_types"), *structure = yaml_get(node, "structure");
        const YamlNode *caps = yaml_get(node, "caps"), *barred = yaml_get(node, "barred_categories");
        if (allowed)
                read_allowed(rules, allowed, diag);
        if (structure)
                read_structure(rules, structure, diag);
        if (caps)
                read_caps(rules, caps, diag);
        if (barred) {
                g_strfreev(rules->barred);
                rules->barred = reader_strings(barred, diag);
                rules->given |= BREAK_RULE_BARRED;
        }
}

/* --- dayparts -------------------------------------------------------------------------------------------------------
 */

static void read_days(Daypart *daypart, const YamlNode *node, Diag *diag) {
        static const char *const names[] = {"monday",   "tuesday", "wednesday", "thursday", "friday",
                                            "saturday", "sunday",  "weekdays",  "weekends", NULL};
        enum { WEEKDAYS = 7, WEEKENDS };
        const bool list = yaml_kind(node) == YAML_SEQUENCE;
        memset(daypart->days, 0, sizeof(daypart->days));
        for (unsigned i = 0; i < (list ? yaml_size(node) : 1); i++) {
                const int choice = reader_choice(list ? yaml_item(node, i) : node, names, diag);
                for (int day = 0; day < 7; day++)
                        daypart->days[day] |=
                                choice == day || (choice == WEEKDAYS && day < 5) || (choice == WEEKENDS && day >= 5);
        }
}

static void put_daypart(BreakPolicy *policy, Daypart *take_daypart) {
        if (!policy->dayparts)
                policy->dayparts = g_ptr_array_new_with_free_func(daypart_free);
        for (guint i = 0; i < policy->dayparts->len; i++)
                if (strcmp(((Daypart *)policy->dayparts->pdata[i])->name, take_daypart->name) == 0) {
                        daypart_free(policy->dayparts->pdata[i]);
                        policy->dayparts->pdata[i] = take_daypart;
                        return;
                }
        g_ptr_array_add(policy->dayparts, take_daypart);
}

static void read_dayparts(BreakPolicy *policy, const YamlNode *node, Diag *diag) {
        if (!reader_want(node, YAML_MAPPING, "traffic.dayparts", diag))
                return;
        for (unsigned i = 0; i < yaml_size(node); i++) {
                const YamlNode *value = yaml_value(node, i);
                if (!reader_want(value, YAML_MAPPING, "traffic.dayparts", diag))
                        continue;
                Daypart *daypart = g_new0(Daypart, 1);
                daypart->name = g_strdup(yaml_key(node, i));
                for (int day = 0; day < 7; day++)
                        daypart->days[day] = true;
                yaml_check_keys(value, "traffic.dayparts", daypart_keys, diag);
                const YamlNode *start = yaml_get(value, "start"), *end = yaml_get(value, "end");
                if (!start || !end)
                        yaml_fault(yaml_key_node(node, i), diag, "daypart \"%s\" needs \"start\" and \"end\"",
                                   daypart->name);
                else if (reader_clock(start, &daypart->start, diag))
                        (void)!reader_clock(end, &daypart->end, diag);
                if (yaml_get(value, "days"))
                        read_days(daypart, yaml_get(value, "days"), diag);
                read_rules(&daypart->rules, value, diag);
                put_daypart(policy, daypart);
        }
}

/* --- inventories and campaigns --------------------------------------------------------------------------------------
 */

static void read_name(const YamlNode *mapping, const char *key, char **value, Diag *diag) {
        const char *text = NULL;
        const YamlNode *node = yaml_get(mapping, key);
        if (node && yaml_read_text(node, &text, diag))
                *value = g_strdup(text);
}

static void read_names(const YamlNode *mapping, const char *key, char ***value, Diag *diag) {
        const YamlNode *node = yaml_get(mapping, key);
        if (node)
                *value = reader_strings(node, diag);
}

/* "2026-03-01..2026-03-31" or a single day. */
static void read_flight(SpotGroup *group, const YamlNode *node, Diag *diag) {
        const char *text = NULL;
        Flight flight = {0};
        if (!yaml_read_text(node, &text, diag))
                return;
        g_auto(GStrv) days = g_strsplit(text, "..", 2);
        const char *last = days[1] ? days[1] : days[0];
        if (!day_valid(days[0]) || !day_valid(last) || day_number(days[0]) > day_number(last)) {
                yaml_fault(node, diag, "\"%s\" is no flight: write 2026-03-01..2026-03-31", text);
                return;
        }
        g_strlcpy(flight.first, days[0], sizeof(flight.first));
        g_strlcpy(flight.last, last, sizeof(flight.last));
        if (!group->flights)
                group->flights = g_array_new(false, false, sizeof(Flight));
        g_array_append_val(group->flights, flight);
}

static void read_flights(SpotGroup *group, const YamlNode *node, Diag *diag) {
        if (yaml_kind(node) == YAML_SEQUENCE)
                for (unsigned i = 0; i < yaml_size(node); i++)
                        read_flight(group, yaml_item(node, i), diag);
        else
                read_flight(group, node, diag);
}

static void read_campaign(SpotGroup *group, const YamlNode *node, Diag *diag) {
        static const char *const pacings[] = {"even", "asap", NULL};
        const YamlNode *pacing = yaml_get(node, "pacing"), *goal = yaml_get(node, "goal_plays");
        yaml_check_keys(node, "traffic.campaigns", campaign_keys, diag);
        read_name(node, "inventory", &group->inventory, diag);
        if (yaml_get(node, "flight"))
                read_flights(group, yaml_get(node, "flight"), diag);
        if (goal)
                (void)!yaml_read_int(goal, 1, 10000000, &group->goal_plays, diag);
        if (pacing)
                group->pacing = (Pacing)MAX(reader_choice(pacing, pacings, diag), 0);
        if (group->goal_plays > 0 && !group->flights && group->pacing == PACING_EVEN)
                yaml_fault(goal, diag, "a goal is paced over a flight: add \"flight\", or \"pacing: asap\"");
        read_number(node, "priority", 10, &group->priority, diag);
        read_number(node, "weight", 100, &group->weight, diag);
        read_number(node, "max_plays_per_day", 100000, &group->max_plays_per_day, diag);
        read_number(node, "max_plays_per_hour", 10000, &group->max_plays_per_hour, diag);
        read_seconds(node, "cooldown_seconds", &group->cooldown_ms, diag);
        read_names(node, "dayparts", &group->dayparts, diag);
}

/* Campaigns and inventories may have the same names. */
static const SpotGroup *find_group(const GPtrArray *groups, const char *name, bool campaign) {
        for (guint i = 0; groups && i < groups->len; i++) {
                const SpotGroup *group = groups->pdata[i];
                if (group->campaign == campaign && strcmp(group->name, name) == 0)
                        return group;
        }
        return NULL;
}

const SpotGroup *spot_group_inventory(const GPtrArray *groups, const SpotGroup *campaign) {
        return campaign->inventory ? find_group(groups, campaign->inventory, false) : NULL;
}

static void put_group(BreakPolicy *policy, SpotGroup *take_group) {
        guint at = 0;
        if (!policy->groups)
                policy->groups = g_ptr_array_new_with_free_func(group_free);
        const SpotGroup *old = find_group(policy->groups, take_group->name, take_group->campaign);
        if (old && g_ptr_array_find(policy->groups, old, &at)) {
                group_free(policy->groups->pdata[at]);
                policy->groups->pdata[at] = take_group;
        } else {
                g_ptr_array_add(policy->groups, take_group);
        }
}

static void read_group(BreakPolicy *policy, const YamlNode *key, const YamlNode *value, const char *where, Diag *diag) {
        SpotGroup *group = g_new0(SpotGroup, 1);
        group->name = g_strdup(yaml_text(key));
        group->file = g_strdup(yaml_file(key));
        group->line = yaml_line(key);
        group->column = yaml_column(key);
        group->campaign = strcmp(where, "traffic.campaigns") == 0;
        group->priority = group->campaign ? 5 : 0;
        group->weight = 1;
        group->cooldown_ms = -1;
        read_names(value, "assets", &group->assets, diag);
        read_names(value, "tags", &group->tags, diag);
        read_name(value, "advertiser", &group->advertiser, diag);
        read_name(value, "category", &group->category, diag);
        if (group->campaign)
                read_campaign(group, value, diag);
        else
                yaml_check_keys(value, where, inventory_keys, diag);
        group->weight = MAX(group->weight, 1);
        if (!yaml_get(value, "assets") && !yaml_get(value, "tags") && !yaml_get(value, "inventory"))
                yaml_fault(key, diag, "\"%s\" has no spots: add \"assets\"%s", group->name,
                           group->campaign ? ", \"tags\" or \"inventory\"" : " or \"tags\"");
        put_group(policy, group);
}

static void read_groups(BreakPolicy *policy, const YamlNode *node, const char *where, Diag *diag) {
        if (!node || !reader_want(node, YAML_MAPPING, where, diag))
                return;
        for (unsigned i = 0; i < yaml_size(node); i++)
                if (!yaml_get(yaml_value(node, i), "asset_type") && /* one of the original's: profile.c */
                    reader_want(yaml_value(node, i), YAML_MAPPING, where, diag))
                        read_group(policy, yaml_key_node(node, i), yaml_value(node, i), where, diag);
}

static bool has_daypart(const BreakPolicy *policy, const char *name) {
        for (guint i = 0; policy->dayparts && i < policy->dayparts->len; i++)
                if (strcmp(((const Daypart *)policy->dayparts->pdata[i])->name, name) == 0)
                        return true;
        return false;
}

/* Names that campaigns use and nobody defines. */
static void check_names(const BreakPolicy *policy, Diag *diag) {
        for (guint i = 0; policy->groups && i < policy->groups->len; i++) {
                const SpotGroup *group = policy->groups->pdata[i];
                if (group->inventory && !spot_group_inventory(policy->groups, group))
                        diag_add(diag, DIAG_ERROR, group->file, group->line, group->column,
                                 "campaign \"%s\": no inventory \"%s\": define it under traffic.inventories",
                                 group->name, group->inventory);
                for (guint j = 0; group->dayparts && group->dayparts[j]; j++)
                        if (!has_daypart(policy, group->dayparts[j]))
                                diag_add(diag, DIAG_ERROR, group->file, group->line, group->column,
                                         "campaign \"%s\": no daypart \"%s\": define it under traffic.dayparts",
                                         group->name, group->dayparts[j]);
        }
}

static bool name_matches(const char *pattern, const Asset *asset) {
        if (strcmp(pattern, asset->id) == 0 || g_strcmp0(pattern, asset->title) == 0)
                return true;
        const char *slash = asset->uri ? strrchr(asset->uri, '/') : NULL;
        return slash && g_pattern_match_simple(pattern, slash + 1);
}

bool spot_group_holds(const GPtrArray *groups, const SpotGroup *group, const Asset *asset) {
        const SpotGroup *inventory = spot_group_inventory(groups, group);
        for (guint i = 0; group->assets && group->assets[i]; i++)
                if (name_matches(group->assets[i], asset))
                        return true;
        for (guint i = 0; group->tags && group->tags[i]; i++)
                if (asset->tags && g_strv_contains((const char *const *)asset->tags, group->tags[i]))
                        return true;
        return inventory && spot_group_holds(groups, inventory, asset); /* which has none itself */
}

static bool any_spot(const GPtrArray *groups, const SpotGroup *group, const CatalogSnapshot *catalog) {
        for (uint32_t i = 0; i < catalog->n_assets; i++)
                if (catalog->assets[i]->kind >= ASSET_COMMERCIAL && spot_group_holds(groups, group, catalog->assets[i]))
                        return true;
        return false;
}

static void check_spots(const GPtrArray *groups, const SpotGroup *group, const char *what,
                        const CatalogSnapshot *catalog, Diag *diag) {
        if (!any_spot(groups, group, catalog))
                diag_add(diag, DIAG_WARNING, group->file, group->line, group->column,
                         "%s \"%s\": the catalog has none of its spots: check their titles, file names and tags", what,
                         group->name);
}

void break_policy_check(const BreakPolicy *policy, const CatalogSnapshot *catalog, Diag *diag) {
        for (guint i = 0; policy->groups && i < policy->groups->len; i++) {
                const SpotGroup *group = policy->groups->pdata[i];
                check_spots(policy->groups, group, group->campaign ? "campaign" : "inventory", catalog, diag);
        }
        for (guint i = 0; policy->promos && i < policy->promos->len; i++)
                check_spots(NULL, &((const PromoRule *)policy->promos->pdata[i])->spots, "promos", catalog, diag);
        promo_rules_check(policy, catalog, diag);
}

/* --- all of it ------------------------------------------------------------------------------------------------------
 */

void policy_read(BreakPolicy *policy, const YamlNode *node, Diag *diag) {
        if (!reader_want(node, YAML_MAPPING, "traffic", diag))
                return;
        yaml_check_keys(node, "traffic", traffic_keys, diag);
        const YamlNode *breaks = yaml_get(node, "breaks"), *separation = yaml_get(node, "separation");
        read_rules(&policy->rules, node, diag);
        read_cooldowns(policy, yaml_get(node, "default_cooldown_seconds"), yaml_get(node, "type_cooldowns"), diag);
        read_number(node, "max_plays_per_day", 10000, &policy->max_plays_per_day, diag);
        read_number(node, "max_plays_per_hour", 10000, &policy->max_plays_per_hour, diag);
        if (breaks)
                read_breaks(policy, breaks, diag);
        if (separation && reader_want(separation, YAML_MAPPING, "traffic.separation", diag)) {
                yaml_check_keys(separation, "traffic.separation", separation_keys, diag);
                read_seconds(separation, "advertiser_seconds", &policy->advertiser_ms, diag);
                read_seconds(separation, "category_seconds", &policy->category_ms, diag);
        }
        if (yaml_get(node, "dayparts"))
                read_dayparts(policy, yaml_get(node, "dayparts"), diag);
        read_groups(policy, yaml_get(node, "inventories"), "traffic.inventories", diag);
        read_groups(policy, yaml_get(node, "campaigns"), "traffic.campaigns", diag);
        promo_rules_read(policy, node, diag);
        check_names(policy, diag);
}

/* --- filler ---------------------------------------------------------------------------------------------------------
 */

/* A file that need not be in the catalog, with the length that the channel file states. */
static Asset *filler_asset(const ChannelSpec *spec, const char *path, int64_t duration_ms) {
        Asset *asset = asset_new();
        char id[RV_UUID_SIZE];
        g_autofree char *directory = g_path_get_dirname(spec->source_file);
        asset->uri = g_canonicalize_filename(path, directory);
        g_autofree char *name = g_strconcat("filler/", asset->uri, NULL);
        rv_uuid_named(name, id);
        g_free(asset->id);
        asset->id = g_strdup(id);
        asset->kind = ASSET_FILLER;
        asset->state = ASSET_READY;
        asset->approved = true;
        g_free(asset->title);
        asset->title = g_path_get_basename(path);
        asset->duration_ms = duration_ms;
        return asset;
}

void filler_read(ScheduleRules *rules, const ChannelSpec *spec, const YamlNode *node, Diag *diag) {
        const char *path = NULL, *pool = NULL;
        int64_t duration_ms = 0;
        if (!reader_want(node, YAML_MAPPING, "filler", diag))
                return;
        yaml_check_keys(node, "filler", filler_keys, diag);
        const YamlNode *path_node = yaml_get(node, "path"), *pool_node = yaml_get(node, "pool");
        const YamlNode *duration = yaml_get(node, "duration_ms");
        if (!path_node == !pool_node) {
                yaml_fault(node, diag, "filler needs either \"path\" (with \"duration_ms\") or \"pool\"");
        } else if (pool_node) {
                if (yaml_read_text(pool_node, &pool, diag) && !rules_pool(rules, pool))
                        yaml_fault(pool_node, diag, "no pool \"%s\" (used in filler): define it under \"pools\"", pool);
                rules->filler_pool = g_strdup(pool);
        } else if (!duration) {
                yaml_fault(node, diag, "filler needs \"duration_ms\": how long the file plays");
        } else if (yaml_read_text(path_node, &path, diag) &&
                   yaml_read_int(duration, FILLER_MIN_MS, DAY_MINUTES * MINUTE_MS, &duration_ms, diag)) {
                rules->filler = filler_asset(spec, path, duration_ms);
        }
}

static const Asset *find_uri(const CatalogSnapshot *catalog, const char *uri) {
        for (uint32_t i = 0; i < catalog->n_assets; i++)
                if (g_strcmp0(catalog->assets[i]->uri, uri) == 0 && asset_eligible(catalog->assets[i]))
                        return catalog->assets[i];
        return NULL;
}

static void add_any_filler(GPtrArray *filler, const CatalogSnapshot *catalog) {
        for (uint32_t i = 0; i < catalog->n_assets; i++)
                if (catalog->assets[i]->kind == ASSET_FILLER && asset_eligible(catalog->assets[i]))
                        g_ptr_array_add(filler, catalog->assets[i]);
}

GPtrArray *channel_spec_filler(const ChannelSpec *spec, const CatalogSnapshot *catalog) {
        const ScheduleRules *rules = spec->rules;
        if (rules->filler_pool)
                return pool_evaluate(rules_pool(rules, rules->filler_pool), spec->id, catalog, NULL);
        GPtrArray *filler = g_ptr_array_new();
        if (rules->filler) {
                const Asset *known = find_uri(catalog, rules->filler->uri); /* measured beats stated */
                g_ptr_array_add(filler, known ? (Asset *)known : rules->filler);
        } else {
                add_any_filler(filler, catalog);
        }
        return filler;
}

const Asset *channel_spec_asset(const ChannelSpec *spec, const CatalogSnapshot *catalog, const char *asset_id) {
        const Asset *asset = catalog_snapshot_find(catalog, asset_id);
        const Asset *filler = spec->rules->filler;
        return !asset && filler && strcmp(filler->id, asset_id) == 0 ? filler : asset;
}
