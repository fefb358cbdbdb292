/* Entries: from what is written, its template and what lies below to the values that days are compiled from. */
#include <string.h>

#include "core/plan/schedule/language/language.h"

static const char *const selector_keys[] = {
        "pool",    "pools",  "collection",       "collections",      "mode",
        "weights", "rating", "min_duration_sec", "max_duration_sec", "min_cooldown_days",
        NULL};
static const char *const slot_keys[] = {"title", "episode_selector", "movie_selector", "program", "duration", NULL};
static const char *const episode_keys[] = {"pool", "pools",   "collection", "collections",
                                           "mode", "weights", "seed",       NULL};
static const char *const mode_words[] = {"sequential", "shuffle", "random", "weighted", "random_no_repeat", NULL};

#define FILM_MIN_MS (60 * MINUTE_MS) /* shorter ones are not films unless asked for */
#define WEIGHT_MAX 1000

/* What is being read, and where it is said to be. */
typedef struct {
        Reader *reader;
        Diag *diag;
        const char *where;
        const YamlNode *node;
} Site;

void entry_free(Entry *entry) {
        if (!entry)
                return;
        place_clear(&entry->place);
        g_free(entry->key);
        g_free(entry->title);
        g_strfreev(entry->pools);
        g_free(entry->pools_key);
        g_clear_pointer(&entry->weights, g_array_unref);
        asset_filter_clear(&entry->filter);
        g_free(entry);
}

/* --- pools -------------------------------------------------------------------------------------------------------- */

const Pool *rules_pool(const ScheduleRules *rules, const char *name) {
        for (guint i = 0; i < rules->pools->len; i++) {
                const Pool *pool = rules->pools->pdata[i];
                if (strcmp(pool->name, name) == 0)
                        return pool;
        }
        return NULL;
}

static void check_pool(const Site *site, const YamlNode *node, const char *name) {
        (void)reader_pool(site->reader->rules, node, name, site->where, site->diag);
}

static void add_weight(const Site *site, Entry *entry, const YamlNode *node) {
        int64_t weight = 1;
        if (!entry->weights)
                entry->weights = g_array_new(false, false, sizeof(int64_t));
        (void)yaml_read_int(node, 1, WEIGHT_MAX, &weight, site->diag);
        g_array_append_val(entry->weights, weight);
}

/* pools: {cheers: 3, taxi: 1} */
static void read_weighted_pools(const Site *site, Entry *entry, const YamlNode *pools) {
        g_autoptr(GStrvBuilder) names = g_strv_builder_new();
        for (unsigned i = 0; i < yaml_size(pools); i++) {
                check_pool(site, yaml_key_node(pools, i), yaml_key(pools, i));
                g_strv_builder_add(names, yaml_key(pools, i));
                add_weight(site, entry, yaml_value(pools, i));
        }
        entry->pools = g_strv_builder_end(names);
        if (yaml_size(pools) == 0)
                yaml_fault(pools, site->diag, "this list is empty: name at least one pool");
}

/* collections: pools that nobody wrote down, of what the catalog has in them. */
static void read_collections(const Site *site, Entry *entry, const YamlNode *node) {
        g_auto(GStrv) names = reader_strings(node, site->diag);
        for (unsigned i = 0; names && names[i]; i++) {
                g_autofree char *name = g_strdup_printf("collection:%s", names[i]);
                if (!rules_pool(site->reader->rules, name)) {
                        Pool *pool = pool_new_unwritten(name, node);
                        pool->collections = g_new0(char *, 2);
                        pool->collections[0] = g_strdup(names[i]);
                        g_ptr_array_add(site->reader->rules->pools, pool);
                }
                g_free(names[i]);
                names[i] = g_steal_pointer(&name);
        }
        entry->pools = g_steal_pointer(&names);
}

static void read_named_pools(const Site *site, Entry *entry, const YamlNode *node) {
        if (yaml_kind(node) == YAML_MAPPING) {
                read_weighted_pools(site, entry, node);
                return;
        }
        entry->pools = reader_strings(node, site->diag);
        for (unsigned i = 0; entry->pools && entry->pools[i]; i++)
                check_pool(site, yaml_kind(node) == YAML_SEQUENCE ? yaml_item(node, i) : node, entry->pools[i]);
}

static void read_pools(const Site *site, Entry *entry, const Chain *chain) {
        static const char *const keys[] = {"pool", "pools", "collection", "collections"};
        const YamlNode *node = NULL;
        int which = -1, n = 0;
        for (unsigned i = 0; i < chain->n && n == 0; i++)
                for (int key = 0; key < (int)G_N_ELEMENTS(keys); key++)
                        if (yaml_get(chain->nodes[i], keys[key])) {
                                node = yaml_get(chain->nodes[i], keys[key]);
                                which = key;
                                n++;
                        }
        if (n != 1)
                yaml_fault(site->node, site->diag, "%s needs either \"pool\" or \"pools\"", site->where);
        else if (which < 2)
                read_named_pools(site, entry, node);
        else
                read_collections(site, entry, node);
        if (entry->pools)
                entry->pools_key = g_strjoinv("+", entry->pools);
}

/* weights: [3, 1], one for each pool */
static void read_weights(const Site *site, Entry *entry, const YamlNode *weights) {
        if (!reader_want(weights, YAML_SEQUENCE, "weights", site->diag))
                return;
        g_clear_pointer(&entry->weights, g_array_unref);
        for (unsigned i = 0; i < yaml_size(weights); i++)
                add_weight(site, entry, yaml_item(weights, i));
        if (entry->pools && yaml_size(weights) != g_strv_length(entry->pools))
                yaml_fault(weights, site->diag, "there are %u pools and %u weights: give each pool one",
                           g_strv_length(entry->pools), yaml_size(weights));
}

static void read_mode(const Site *site, Entry *entry, const Chain *chain, PickMode otherwise) {
        const YamlNode *node = chain_get(chain, "mode"), *weights = chain_get(chain, "weights");
        const int choice = node ? reader_choice(node, mode_words, site->diag) : -1;
        if (weights)
                read_weights(site, entry, weights);
        entry->mode = choice >= 0 ? (PickMode)choice : entry->weights ? MODE_WEIGHTED : otherwise;
        if (entry->mode == MODE_SEQUENTIAL && entry->pools && g_strv_length(entry->pools) > 1)
                entry->mode = MODE_SHUFFLE; /* INV-LANGUAGE-COMPATIBLE-001: several pools have their turns either way */
        if (entry->mode == MODE_WEIGHTED && !entry->weights)
                yaml_fault(node, site->diag, "mode weighted needs weights: pools: {a: 3, b: 1}, or weights: [3, 1]");
        else if (entry->mode != MODE_WEIGHTED && entry->weights)
                yaml_fault(node, site->diag, "weights go with mode weighted only");
}

static void read_selector(const Site *site, Entry *entry, const Chain *body) {
        Chain selectors = {.n = 0};
        int64_t days = 0;
        for (unsigned i = 0; i < body->n; i++) {
                const YamlNode *selector = yaml_get(body->nodes[i], "movie_selector");
                if (selector && reader_want(selector, YAML_MAPPING, "movie_selector", site->diag))
                        yaml_check_keys(selector, "movie_selector", selector_keys, site->diag);
                chain_add(&selectors, selector);
        }
        if (selectors.n == 0) {
                yaml_fault(site->node, site->diag, "%s needs a \"movie_selector\" with a pool", site->where);
                return;
        }
        const YamlNode *cooldown = chain_get(&selectors, "min_cooldown_days");
        read_pools(site, entry, &selectors);
        read_mode(site, entry, &selectors, MODE_RANDOM);
        entry->filter.min_ms = FILM_MIN_MS;
        filter_read_durations(&entry->filter, chain_get(&selectors, "min_duration_sec"),
                              chain_get(&selectors, "max_duration_sec"), site->diag);
        filter_read_rating(&entry->filter, chain_get(&selectors, "rating"), site->diag);
        if (cooldown && yaml_read_int(cooldown, 0, 365, &days, site->diag))
                entry->cooldown_days = (int32_t)days;
}

/* --- times -------------------------------------------------------------------------------------------------------- */

static bool on_grid(const Site *site, const YamlNode *node, int minutes) {
        if (minutes % site->reader->spec->grid_minutes == 0) /* INV-PLAN-GRID-ALIGNMENT-001 */
                return true;
        yaml_fault(node, site->diag, "%s is not on the channel's %d-minute grid", yaml_text(node),
                   site->reader->spec->grid_minutes);
        return false;
}

bool entry_read_start(Reader *reader, const Draft *draft, int *ret_start) {
        const Site site = {reader, reader->diag, draft->where, draft->node};
        const YamlNode *start = chain_get(&draft->body, "start");
        int minutes = 0;
        if (!start) {
                yaml_fault(draft->node, reader->diag, "%s needs a \"start\", like start: \"20:00\"", draft->where);
                return false;
        }
        if (!reader_clock(start, &minutes, reader->diag) || !on_grid(&site, start, minutes))
                return false;
        *ret_start = (minutes - reader->spec->day_start_minutes + DAY_MINUTES) % DAY_MINUTES;
        return true;
}

/* `slots: N`: so many units of the grid. */
static void read_length(const Site *site, Entry *entry, const YamlNode *slots) {
        const int grid = site->reader->spec->grid_minutes;
        int64_t n = 0;
        if (yaml_read_int(slots, 1, DAY_MINUTES / grid, &n, site->diag))
                entry->end = entry->start + (int)n * grid;
}

static void read_clock_end(const Site *site, Entry *entry, const YamlNode *end) {
        int minutes = 0;
        if (!reader_clock(end, &minutes, site->diag) || !on_grid(site, end, minutes))
                return;
        /* INV-MARATHON-CROSSMIDNIGHT-001; the same time: 24 hours */
        minutes -= (entry->start + site->reader->spec->day_start_minutes) % DAY_MINUTES;
        entry->end = entry->start + (minutes + DAY_MINUTES - 1) % DAY_MINUTES + 1;
}

/* The end in minutes after the day start; OPEN_END where nothing is said about it. */
static void read_end(const Site *site, Entry *entry, const Chain *body) {
        static const char *const keys[] = {"end", "duration", "slots"};
        const YamlNode *found[G_N_ELEMENTS(keys)] = {NULL};
        int n = 0, minutes = 0;
        entry->end = OPEN_END;
        for (unsigned i = 0; i < body->n && n == 0; i++)
                for (size_t key = 0; key < G_N_ELEMENTS(keys); key++) {
                        found[key] = yaml_get(body->nodes[i], keys[key]);
                        n += found[key] != NULL;
                }
        if (n > 1)
                yaml_fault(found[1] ? found[1] : found[2], site->diag,
                           found[2] ? "give only one of \"slots\", \"end\" and \"duration\""
                                    : "give either \"end\" or \"duration\", not both");
        else if (found[0])
                read_clock_end(site, entry, found[0]);
        else if (found[1] && reader_duration(found[1], &minutes, site->diag) && on_grid(site, found[1], minutes))
                entry->end = entry->start + minutes;
        else if (found[2])
                read_length(site, entry, found[2]);
}

/* --- entries ------------------------------------------------------------------------------------------------------ */

static Entry *entry_new(EntryKind kind, const YamlNode *node, unsigned weekdays) {
        Entry *entry = g_new0(Entry, 1);
        entry->kind = kind;
        entry->weekdays = weekdays;
        place_set(&entry->place, node);
        return entry;
}

static void read_title(const Site *site, Entry *entry, const YamlNode *node) {
        const char *title = NULL;
        if (node && yaml_read_text(node, &title, site->diag))
                entry->title = g_strdup(title);
}

/* Whether the entry takes from programmes: it, or the nearest that it has its pools from, names them. */
static bool names_programs(const Chain *body) {
        for (unsigned i = 0; i < body->n; i++) {
                if (yaml_get(body->nodes[i], "program"))
                        return true;
                if (yaml_get(body->nodes[i], "pool") || yaml_get(body->nodes[i], "pools"))
                        return false;
        }
        return false;
}

static Entry *read_body(const Site *site, const Draft *draft, const Chain *body, unsigned weekdays) {
        const YamlNode *bleed = chain_get(body, "allow_bleed");
        Entry *entry = entry_new(draft->kind, draft->node, weekdays);
        entry->start = draft->start;
        read_end(site, entry, body);
        read_title(site, entry, chain_get(body, "title"));
        entry->allow_bleed = draft->kind != ENTRY_MOVIE_MARATHON;
        if (draft->kind != ENTRY_BLOCK) {
                read_selector(site, entry, body);
        } else if (names_programs(body)) {
                if (entry->end == OPEN_END) /* theirs: one slot unless said otherwise */
                        entry->end = entry->start + site->reader->spec->grid_minutes;
                program_read(site->reader, body, site->where, entry);
        } else {
                read_pools(site, entry, body);
                read_mode(site, entry, body, MODE_SEQUENTIAL);
        }
        if (bleed)
                yaml_read_bool(bleed, &entry->allow_bleed, site->diag);
        return entry;
}

/* --- slots -------------------------------------------------------------------------------------------------------- */

/* A pool that nobody wrote down: the asset of that id or title. */
static void read_program(const Site *site, Entry *entry, const YamlNode *node) {
        const char *program = NULL;
        if (!yaml_read_text(node, &program, site->diag))
                return;
        g_autofree char *name = g_strdup_printf("program:%s", program);
        if (!rules_pool(site->reader->rules, name)) {
                Pool *pool = pool_new_unwritten(name, node);
                pool->program = g_strdup(program);
                g_ptr_array_add(site->reader->rules->pools, pool);
        }
        entry->pools = g_new0(char *, 2);
        entry->pools[0] = g_strdup(name);
        entry->pools_key = g_steal_pointer(&name);
}

static void read_what(const Site *site, Entry *entry, const YamlNode *slot) {
        const YamlNode *selector = yaml_get(slot, "episode_selector"), *program = yaml_get(slot, "program");
        const Chain own = {.nodes = {slot}, .n = 1};
        Chain chain = {.n = 0};
        if (yaml_get(slot, "movie_selector")) {
                read_selector(site, entry, &own);
        } else if (selector) {
                if (!reader_want(selector, YAML_MAPPING, "episode_selector", site->diag))
                        return;
                yaml_check_keys(selector, "episode_selector", episode_keys, site->diag);
                chain_add(&chain, selector);
                read_pools(site, entry, &chain);
                read_mode(site, entry, &chain, MODE_SEQUENTIAL);
        } else if (program) {
                read_program(site, entry, program);
        } else {
                yaml_fault(slot, site->diag, "%s needs an \"episode_selector\" with a pool, or a \"program\"",
                           site->where);
        }
}

/* One slot from `start` on; how long it is, or 0 with a fault. */
static int read_slot(const Site *site, int start, int group, unsigned weekdays, GPtrArray *entries) {
        int minutes = site->reader->spec->grid_minutes;
        if (!reader_want(site->node, YAML_MAPPING, site->where, site->diag))
                return 0;
        yaml_check_keys(site->node, site->where, slot_keys, site->diag);
        const YamlNode *duration = yaml_get(site->node, "duration");
        if (duration && (!reader_duration(duration, &minutes, site->diag) || !on_grid(site, duration, minutes)))
                return 0;
        if (start + minutes > DAY_MINUTES) {
                yaml_fault(site->node, site->diag, "%s lies beyond the end of the broadcast day", site->where);
                return 0;
        }
        Entry *entry = entry_new(ENTRY_SLOT, site->node, weekdays);
        g_ptr_array_add(entries, entry);
        entry->start = start;
        entry->end = start + minutes;
        entry->group = group;
        entry->allow_bleed = true;
        read_title(site, entry, yaml_get(site->node, "title"));
        read_what(site, entry, site->node);
        return minutes;
}

static void read_slots(const Site *site, const Draft *draft, const Chain *body, unsigned weekdays, GPtrArray *entries) {
        const YamlNode *slots = chain_get(body, "slots");
        const int group = ++site->reader->n_groups;
        int start = draft->start, minutes = 1;
        if (!reader_want(slots, YAML_SEQUENCE, "slots", site->diag))
                return;
        if (yaml_size(slots) == 0)
                yaml_fault(slots, site->diag, "%s has no slots", site->where);
        for (unsigned i = 0; i < yaml_size(slots) && minutes > 0; i++) {
                g_autofree char *where = g_strdup_printf("%s.slots[%u]", site->where, i);
                const Site slot = {site->reader, site->diag, where, yaml_item(slots, i)};
                minutes = read_slot(&slot, start, group, weekdays, entries);
                start += minutes;
        }
}

bool entry_read(Reader *reader, const Draft *draft, const Chain *below, unsigned weekdays, GPtrArray *entries) {
        const unsigned errors = diag_errors(reader->diag);
        const Site site = {reader, reader->diag, draft->where, draft->node};
        g_autoptr(GPtrArray) read = g_ptr_array_new_with_free_func((GDestroyNotify)entry_free);
        Chain body = draft->body;
        chain_join(&body, below);
        if (draft->kind == ENTRY_SLOT)
                read_slots(&site, draft, &body, weekdays, read);
        else
                g_ptr_array_add(read, read_body(&site, draft, &body, weekdays));
        const bool good = diag_errors(reader->diag) == errors;
        for (guint i = 0; i < read->len; i++)
                ((Entry *)read->pdata[i])->faulty = !good;
        g_ptr_array_extend_and_steal(entries, g_steal_pointer(&read));
        return good;
}
