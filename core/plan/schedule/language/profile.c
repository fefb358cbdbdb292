/* `traffic` of the original's later files: named profiles of which the channel has one, and inventories by type. */
#include <string.h>

#include "core/plan/schedule/language/language.h"

static const char *const profile_keys[] = {"allowed_types",
                                           "allowed_pools",
                                           "weights",
                                           "rotation",
                                           "duration_strategy",
                                           "default_cooldown_seconds",
                                           "default_cooldown_ms",
                                           "type_cooldowns",
                                           "type_cooldowns_ms",
                                           "max_plays_per_day",
                                           "notes",
                                           NULL};
static const char *const inventory_keys[] = {"match", "select", "asset_type", "notes", NULL};

#define COOLDOWN_MAX_S INT64_C(604800)
#define PLAYS_MAX 10000

const char *profile_name(const YamlNode *traffic) {
        const YamlNode *name = yaml_get(traffic, "default_profile");
        return yaml_text(name ? name : yaml_get(traffic, "default"));
}

/* The kind of spot by name, or 0: one that is no kind here is left out with a warning, as their files name some that
 * this catalog has no use for. */
static AssetKind read_kind(const YamlNode *node, Diag *diag) {
        const char *text = NULL;
        if (!yaml_read_text(node, &text, diag))
                return (AssetKind)0;
        for (AssetKind kind = ASSET_COMMERCIAL; kind < ASSET_FILLER; kind++)
                if (strcmp(asset_kind_name(kind), text) == 0)
                        return kind;
        if (strcmp(text, "filler") != 0) /* it fills what nothing else does, named or not */
                reader_warn(node, diag, "there are no spots of type \"%s\" here: it is left out", text);
        return (AssetKind)0;
}

/* --- types ----------------------------------------------------------------------------------------------------------
 */

static void allow_types(BreakRules *rules, const YamlNode *types, Diag *diag) {
        if (!reader_want(types, YAML_SEQUENCE, "allowed_types", diag))
                return;
        for (unsigned i = 0; i < yaml_size(types); i++)
                rules->allowed[read_kind(yaml_item(types, i), diag)] = true;
}

static bool is_narrow(const Pool *pool) {
        return pool->tags || pool->tags_all || pool->tags_none || pool->titles || pool->genres || pool->sources ||
               pool->collections || pool->studios || pool->years || pool->added_within_ms;
}

static void allow_pool(ScheduleRules *rules, const YamlNode *node, int64_t weight, Diag *diag) {
        BreakRules *breaks = &rules->policy.rules;
        const char *name = NULL;
        const Pool *pool =
                yaml_read_text(node, &name, diag) ? reader_pool(rules, node, name, "allowed_pools", diag) : NULL;
        for (AssetKind kind = ASSET_COMMERCIAL; pool && kind < ASSET_FILLER; kind++) {
                breaks->allowed[kind] = breaks->allowed[kind] || pool->kinds[kind];
                if (pool->kinds[kind])
                        breaks->share[kind] += (int32_t)weight;
        }
        if (pool && is_narrow(pool))
                reader_warn(node, diag,
                            "breaks are filled by type of spot: what else pool \"%s\" asks for is not obeyed (see "
                            "barred_categories and campaigns in docs/TRAFFIC.md)",
                            name);
}

static void allow_pools(ScheduleRules *rules, const YamlNode *profile, Diag *diag) {
        const YamlNode *pools = yaml_get(profile, "allowed_pools"), *weights = yaml_get(profile, "weights");
        if (!reader_want(pools, YAML_SEQUENCE, "allowed_pools", diag))
                return;
        memset(rules->policy.rules.share, 0, sizeof(rules->policy.rules.share));
        for (unsigned i = 0; i < yaml_size(pools); i++) {
                const char *name = yaml_text(yaml_item(pools, i));
                const YamlNode *own = weights && name ? yaml_get(weights, name) : NULL;
                int64_t weight = 1;
                if (own)
                        (void)!yaml_read_int(own, 1, 1000, &weight, diag);
                allow_pool(rules, yaml_item(pools, i), weight, diag);
        }
        rules->policy.rules.given |= BREAK_RULE_BODY;
}

/* NULL unless keys and values: what else it is was told by the policy's reader. */
static const YamlNode *inventories_of(const YamlNode *traffic) {
        const YamlNode *node = yaml_get(traffic, "inventories");
        return node && yaml_kind(node) == YAML_MAPPING ? node : NULL;
}

/* Inventories say by their types what there is to fill breaks with. */
static bool allow_inventories(BreakRules *rules, const YamlNode *inventories, Diag *diag) {
        bool any = false;
        for (unsigned i = 0; inventories && i < yaml_size(inventories); i++) {
                const YamlNode *inventory = yaml_value(inventories, i), *type = yaml_get(inventory, "asset_type");
                if (!type)
                        continue;
                rules->allowed[read_kind(type, diag)] = true;
                any = true;
        }
        return any;
}

static void read_types(ScheduleRules *rules, const YamlNode *traffic, const YamlNode *profile, Diag *diag) {
        BreakRules *breaks = &rules->policy.rules;
        const YamlNode *types = yaml_get(profile, "allowed_types");
        bool before[ASSET_KINDS];
        memcpy(before, breaks->allowed, sizeof(before));
        memset(breaks->allowed, 0, sizeof(breaks->allowed));
        breaks->given |= BREAK_RULE_ALLOWED;
        if (types)
                allow_types(breaks, types, diag);
        else if (yaml_get(profile, "allowed_pools"))
                allow_pools(rules, profile, diag);
        else if (!allow_inventories(breaks, inventories_of(traffic), diag))
                memcpy(breaks->allowed, before, sizeof(before));
        breaks->allowed[0] = false; /* where those went that are no kind of spot */
}

/* --- times ----------------------------------------------------------------------------------------------------------
 */

static bool read_cooldown(const YamlNode *node, int64_t unit_ms, int64_t *ret_ms, Diag *diag) {
        int64_t value = 0;
        if (!node || !yaml_read_int(node, 0, COOLDOWN_MAX_S * 1000 / unit_ms, &value, diag))
                return false;
        *ret_ms = value * unit_ms;
        return true;
}

static void read_cooldowns(BreakPolicy *policy, const YamlNode *common, const YamlNode *by_type, int64_t unit_ms,
                           Diag *diag) {
        int64_t ms = 0;
        if (read_cooldown(common, unit_ms, &ms, diag))
                for (AssetKind kind = ASSET_COMMERCIAL; kind < ASSET_FILLER; kind++)
                        policy->cooldown_ms[kind] = ms;
        if (!by_type || !reader_want(by_type, YAML_MAPPING, "type_cooldowns", diag))
                return;
        for (unsigned i = 0; i < yaml_size(by_type); i++) {
                const AssetKind kind = read_kind(yaml_key_node(by_type, i), diag);
                if (read_cooldown(yaml_value(by_type, i), unit_ms, &ms, diag) && kind)
                        policy->cooldown_ms[kind] = ms;
        }
}

/* --- the channel's profile ------------------------------------------------------------------------------------------
 */

static void apply(ScheduleRules *rules, const YamlNode *traffic, const YamlNode *profile, Diag *diag) {
        const YamlNode *plays = yaml_get(profile, "max_plays_per_day");
        int64_t n = 0;
        read_types(rules, traffic, profile, diag);
        read_cooldowns(&rules->policy, yaml_get(profile, "default_cooldown_seconds"),
                       yaml_get(profile, "type_cooldowns"), 1000, diag);
        read_cooldowns(&rules->policy, yaml_get(profile, "default_cooldown_ms"), yaml_get(profile, "type_cooldowns_ms"),
                       1, diag);
        if (plays && yaml_read_int(plays, 0, PLAYS_MAX, &n, diag))
                rules->policy.max_plays_per_day = (int32_t)n;
}

static void check_inventories(const YamlNode *inventories, Diag *diag) {
        for (unsigned i = 0; inventories && i < yaml_size(inventories); i++) {
                const YamlNode *inventory = yaml_value(inventories, i);
                g_autofree char *where = g_strdup_printf("traffic.inventories.%s", yaml_key(inventories, i));
                if (!yaml_get(inventory, "asset_type"))
                        continue;
                yaml_check_keys(inventory, where, inventory_keys, diag);
                if (yaml_size(yaml_get(inventory, "match")) > 1 || yaml_get(inventory, "select"))
                        reader_warn(inventory, diag,
                                    "%s: breaks are filled by type of spot; what else it asks for is not obeyed",
                                    where);
        }
}

void profile_read(ScheduleRules *rules, const YamlNode *traffic, Diag *diag) {
        const YamlNode *profiles = yaml_get(traffic, "profiles"), *breaks = yaml_get(traffic, "break_config");
        const YamlNode *inventories = inventories_of(traffic);
        const char *name = profile_name(traffic);
        if (breaks)
                reader_warn(breaks, diag,
                            "break_config is not obeyed: traffic.structure says how a break begins and ends");
        check_inventories(inventories, diag);
        if (!profiles && !name) {
                if (allow_inventories(&(BreakRules){0}, inventories, diag))
                        read_types(rules, traffic, traffic, diag);
                return;
        }
        if (!profiles || !reader_want(profiles, YAML_MAPPING, "traffic.profiles", diag)) {
                if (!profiles)
                        yaml_fault(traffic, diag, "traffic names the profile \"%s\" and has no \"profiles\"", name);
                return;
        }
        for (unsigned i = 0; i < yaml_size(profiles); i++)
                if (reader_want(yaml_value(profiles, i), YAML_MAPPING, "traffic.profiles", diag))
                        yaml_check_keys(yaml_value(profiles, i), "traffic.profiles", profile_keys, diag);
        const YamlNode *profile = name ? yaml_get(profiles, name) : NULL;
        g_autofree const char **known = reader_keys(profiles);
        if (!name)
                yaml_fault(profiles, diag, "traffic has profiles and no \"default_profile\": name the channel's");
        else if (!profile)
                reader_unknown(traffic, "profile", name, "traffic", known, diag);
        else
                apply(rules, traffic, profile, diag);
}
