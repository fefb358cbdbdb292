/* Virtual assets: units of several assets, usable wherever a pool is. */
#include <string.h>

#include "core/plan/schedule/language/language.h"

static const char *const pair_keys[] = {"compose", "title", "count", "from", "mode", "allow_short", "notes", NULL};
static const char *const block_keys[] = {"compose", "title", "segments", "mode", "notes", NULL};
static const char *const sequence_keys[] = {"compose", "title", "assets", "notes", NULL};
static const char *const segment_keys[] = {"pool", NULL};
static const char *const compose_words[] = {"pair", "block", "sequence", NULL};
static const char *const mode_words[] = {"sequential", "random", NULL};

#define PARTS_MAX 20

typedef struct {
        const ScheduleRules *rules;
        const Chain *all; /* mappings of virtual assets */
        Composition *into;
        GPtrArray *names; /* char * */
        const char *where;
        Diag *diag;
} Site;

/* A pool that is written down: virtual assets are not made of virtual assets. */
static void add_source(const Site *site, const YamlNode *node) {
        const char *name = NULL;
        if (yaml_kind(node) == YAML_MAPPING) {
                yaml_check_keys(node, site->where, segment_keys, site->diag);
                node = yaml_get(node, "pool") ? yaml_get(node, "pool") : node;
        }
        if (!yaml_read_text(node, &name, site->diag))
                return;
        const bool is_virtual = chain_get(site->all, name) && !rules_pool(site->rules, name); /* a later one */
        const Pool *pool = is_virtual ? NULL : reader_pool(site->rules, node, name, site->where, site->diag);
        if (is_virtual || (pool && pool->composition))
                yaml_fault(node, site->diag, "%s cannot be made of \"%s\", which is a virtual asset itself",
                           site->where, name);
        g_ptr_array_add(site->names, g_strdup(name));
}

static void add_asset(const Site *site, const YamlNode *node, const char *asset) {
        Place place = {0};
        place_set(&place, node);
        if (!site->into->places)
                site->into->places = g_array_new(false, false, sizeof(Place));
        g_array_append_val(site->into->places, place);
        g_ptr_array_add(site->names, g_strdup(asset));
}

static void read_pair(const Site *site, const YamlNode *node) {
        const YamlNode *from = yaml_get(node, "from"), *count = yaml_get(node, "count");
        const YamlNode *allow_short = yaml_get(node, "allow_short");
        int64_t n = 2;
        yaml_check_keys(node, site->where, pair_keys, site->diag);
        if (!from)
                yaml_fault(node, site->diag, "%s needs \"from\", like from: {pool: shorts}", site->where);
        else
                add_source(site, from);
        if (count && yaml_read_int(count, 2, PARTS_MAX, &n, site->diag))
                site->into->count = (int)n;
        if (allow_short)
                yaml_read_bool(allow_short, &site->into->allow_short, site->diag);
}

static void read_list(const Site *site, const YamlNode *list, const char *key, const YamlNode *node) {
        if (!list) {
                yaml_fault(node, site->diag, "%s needs \"%s\"", site->where, key);
                return;
        }
        if (!reader_want(list, YAML_SEQUENCE, key, site->diag))
                return;
        if (yaml_size(list) == 0 || yaml_size(list) > PARTS_MAX)
                yaml_fault(list, site->diag, "%s has from 1 to %d parts", site->where, PARTS_MAX);
        for (unsigned i = 0; i < yaml_size(list) && i < PARTS_MAX; i++) {
                const char *asset = NULL;
                if (site->into->kind == COMPOSE_BLOCK)
                        add_source(site, yaml_item(list, i));
                else if (yaml_read_text(yaml_item(list, i), &asset, site->diag))
                        add_asset(site, yaml_item(list, i), asset);
        }
}

static void read_composition(const Site *site, const YamlNode *node) {
        const YamlNode *compose = yaml_get(node, "compose"), *title = yaml_get(node, "title");
        const YamlNode *mode = yaml_get(node, "mode");
        const char *text = NULL;
        const int kind = compose ? reader_choice(compose, compose_words, site->diag) : -1;
        const int choice = mode ? reader_choice(mode, mode_words, site->diag) : 0;
        if (!compose)
                yaml_fault(node, site->diag, "%s needs \"compose\": pair, block or sequence", site->where);
        if (kind < 0)
                return;
        site->into->kind = (ComposeKind)kind;
        site->into->random = choice == 1;
        if (title && yaml_read_text(title, &text, site->diag))
                site->into->title = g_strdup(text);
        if (kind == COMPOSE_PAIR) {
                read_pair(site, node);
        } else if (kind == COMPOSE_BLOCK) {
                yaml_check_keys(node, site->where, block_keys, site->diag);
                read_list(site, yaml_get(node, "segments"), "segments", node);
        } else {
                yaml_check_keys(node, site->where, sequence_keys, site->diag);
                read_list(site, yaml_get(node, "assets"), "assets", node);
        }
}

/* Whether what it is made of is known: a fault of its own or of one of its pools is told already. */
static bool is_faulty(const ScheduleRules *rules, const Composition *composition) {
        bool faulty = false;
        for (char **name = composition->names; composition->kind != COMPOSE_SEQUENCE && *name; name++) {
                const Pool *pool = rules_pool(rules, *name);
                faulty = faulty || !pool || pool->faulty;
        }
        return faulty;
}

void virtual_read(ScheduleRules *rules, const Chain *all, const YamlNode *key, const YamlNode *node, Diag *diag) {
        const unsigned errors = diag_errors(diag);
        const char *name = yaml_text(key);
        g_autofree char *where = g_strdup_printf("virtual_assets.%s", name);
        if (!reader_want(node, YAML_MAPPING, where, diag))
                return;
        if (strchr(name, '+'))
                yaml_fault(key, diag, "a virtual asset's name must not contain \"+\"");
        const Pool *other = rules_pool(rules, name);
        if (other) {
                if (!other->composition) /* else: that of the file itself, which goes before an imported one */
                        yaml_fault(key, diag, "\"%s\" is the name of a pool, too: they share their names", name);
                return;
        }
        g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
        Pool *pool = g_new0(Pool, 1);
        pool->name = g_strdup(name);
        pool->composition = g_new0(Composition, 1);
        pool->composition->count = 2;
        place_set(&pool->place, node);
        const Site site = {rules, all, pool->composition, names, where, diag};
        read_composition(&site, node);
        g_ptr_array_add(names, NULL);
        pool->composition->names = (char **)g_ptr_array_free(g_steal_pointer(&names), false);
        pool->faulty = diag_errors(diag) != errors || is_faulty(rules, pool->composition);
        g_ptr_array_add(rules->pools, pool);
}
