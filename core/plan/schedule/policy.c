#include "core/plan/schedule/policy.h"

#include <string.h>

#include "core/plan/schedule/reader.h"
#include "proto/base/id.h"

static const char *const traffic_keys[] = {"allowed_types",  "default_cooldown_seconds",
                                           "type_cooldowns", "max_plays_per_day",
                                           "breaks",         "inventories",
                                           "profiles",       "campaigns",
                                           "structure",      NULL};
static const char *const traffic_later[] = {"inventories", "profiles", "campaigns", "structure", NULL};
static const char *const break_keys[] = {"per_half_hour", "min_act_sec", "min_break_sec", "fade_ms", NULL};
static const char *const filler_keys[] = {"path", "duration_ms", "pool", NULL};

#define COOLDOWN_MAX_S INT64_C(604800)
#define FILLER_MIN_MS 1000

BreakPolicy break_policy_default(void) {
        BreakPolicy policy = {
                .breaks_per_half_hour = 3, .min_act_ms = 2 * MINUTE_MS, .min_break_ms = 30000, .fade_ms = 500};
        for (int kind = ASSET_COMMERCIAL; kind < ASSET_FILLER; kind++)
                policy.allowed[kind] = true;
        return policy;
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

static void read_allowed(BreakPolicy *policy, const YamlNode *node, Diag *diag) {
        if (!reader_want(node, YAML_SEQUENCE, "traffic.allowed_types", diag))
                return;
        memset(policy->allowed, 0, sizeof(policy->allowed));
        for (unsigned i = 0; i < yaml_size(node); i++) {
                const AssetKind kind = read_kind(yaml_item(node, i), diag);
                if (kind >= ASSET_COMMERCIAL)
                        policy->allowed[kind] = true;
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

static void read_breaks(BreakPolicy *policy, const YamlNode *node, Diag *diag) {
        int64_t value = 0;
        if (!reader_want(node, YAML_MAPPING, "traffic.breaks", diag))
                return;
        yaml_check_keys(node, "traffic.breaks", break_keys, diag);
        const YamlNode *per_half_hour = yaml_get(node, "per_half_hour"), *act = yaml_get(node, "min_act_sec");
        const YamlNode *hole = yaml_get(node, "min_break_sec"), *fade = yaml_get(node, "fade_ms");
        if (per_half_hour && yaml_read_int(per_half_hour, 0, 15, &value, diag))
                policy->breaks_per_half_hour = (int32_t)value;
        if (act && yaml_read_int(act, 5, 3600, &value, diag))
                policy->min_act_ms = value * 1000;
        if (hole && yaml_read_int(hole, 1, 3600, &value, diag))
                policy->min_break_ms = value * 1000;
        if (fade && yaml_read_int(fade, 0, 2000, &value, diag))
                policy->fade_ms = (int32_t)value;
}

void policy_read(BreakPolicy *policy, const YamlNode *node, Diag *diag) {
        int64_t plays = 0;
        if (!reader_want(node, YAML_MAPPING, "traffic", diag))
                return;
        yaml_check_keys(node, "traffic", traffic_keys, diag);
        reader_refuse(node, "traffic", traffic_later, diag);
        const YamlNode *allowed = yaml_get(node, "allowed_types"), *max = yaml_get(node, "max_plays_per_day");
        const YamlNode *breaks = yaml_get(node, "breaks");
        if (allowed)
                read_allowed(policy, allowed, diag);
        read_cooldowns(policy, yaml_get(node, "default_cooldown_seconds"), yaml_get(node, "type_cooldowns"), diag);
        if (max && yaml_read_int(max, 0, 10000, &plays, diag))
                policy->max_plays_per_day = (int32_t)plays;
        if (breaks)
                read_breaks(policy, breaks, diag);
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
