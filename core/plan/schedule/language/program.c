/* Programmes of the original's later files: `programs` are recipes over pools, which entries with `slots: N` name. */
#include <string.h>

#include "core/plan/schedule/language/language.h"

static const char *const program_keys[] = {"pool",      "select", "grid_blocks",  "grid_blocks_max",
                                           "fill_mode", "bleed",  "presentation", "presentation_postroll",
                                           "intro",     "outro",  "notes",        NULL};
static const char *const fill_words[] = {"single", "accumulate", NULL};
static const char *const progression_words[] = {"sequential", "shuffle", "random", NULL};
static const char *const exhaustion_words[] = {"wrap", "hold_last", "stop", NULL};

#define GRID_BLOCKS_MAX 48

/* A programme under its name: `select` makes it a pool of its own. */
static char *pool_name(const char *program) {
        return g_strdup_printf("programs.%s", program);
}

static const YamlNode *program_of(const Reader *reader, const char *name) {
        return reader->programs ? yaml_get(reader->programs, name) : NULL;
}

/* --- programmes as such ---------------------------------------------------------------------------------------------
 */

/* What is read and not done is said (INV-LANGUAGE-COMPATIBLE-001). */
static void warn_of_parts(const YamlNode *program, const char *where, Diag *diag) {
        static const char *const parts[] = {"presentation", "presentation_postroll", "intro", "outro"};
        for (size_t i = 0; i < G_N_ELEMENTS(parts); i++)
                if (yaml_get(program, parts[i]))
                        reader_warn(yaml_get(program, parts[i]), diag,
                                    "\"%s\" of %s is not played: what stands before and after programmes is said by "
                                    "traffic.structure (docs/TRAFFIC.md), or by a virtual asset of kind block",
                                    parts[i], where);
        const YamlNode *fill = yaml_get(program, "fill_mode");
        if (fill && reader_choice(fill, fill_words, diag) == 1)
                reader_warn(fill, diag,
                            "fill_mode accumulate is not done: %s plays one asset at a time (a virtual asset of kind "
                            "pair makes one of several)",
                            where);
}

/* The programme's pool, narrowed by its `select`. */
static void add_narrowed(Reader *reader, const char *program, const YamlNode *node, const Pool *within) {
        g_autofree char *name = pool_name(program);
        const unsigned errors = diag_errors(reader->diag);
        Pool *pool = pool_new_unwritten(name, node);
        pool->within = within;
        pool->order = within->order;
        memcpy(pool->kinds, within->kinds, sizeof(pool->kinds));
        where_read(pool, yaml_get(node, "select"), reader->diag);
        pool->faulty = within->faulty || diag_errors(reader->diag) != errors;
        g_ptr_array_add(reader->rules->pools, pool);
}

static void check_program(Reader *reader, const YamlNode *key, const YamlNode *node) {
        const char *name = yaml_text(key), *pool = name;
        g_autofree char *where = pool_name(name);
        int64_t blocks = 0;
        bool bleed = false;
        if (!reader_want(node, YAML_MAPPING, where, reader->diag))
                return;
        yaml_check_keys(node, where, program_keys, reader->diag);
        warn_of_parts(node, where, reader->diag);
        const YamlNode *fixed = yaml_get(node, "grid_blocks"), *most = yaml_get(node, "grid_blocks_max");
        if (fixed && most)
                yaml_fault(most, reader->diag, "give either \"grid_blocks\" or \"grid_blocks_max\" in %s", where);
        if (fixed && yaml_read_int(fixed, 1, GRID_BLOCKS_MAX, &blocks, reader->diag) && blocks > 1)
                reader_warn(fixed, reader->diag,
                            "%s takes as many units of the grid as it is long, %d at most; not %d always", where,
                            (int)blocks, (int)blocks);
        if (most)
                (void)!yaml_read_int(most, 1, GRID_BLOCKS_MAX, &blocks, reader->diag);
        if (yaml_get(node, "bleed"))
                (void)!yaml_read_bool(yaml_get(node, "bleed"), &bleed, reader->diag);
        const YamlNode *named = yaml_get(node, "pool");
        if (named && !yaml_read_text(named, &pool, reader->diag))
                return;
        const Pool *within = reader_pool(reader->rules, named ? named : key, pool, where, reader->diag);
        if (within && yaml_get(node, "select"))
                add_narrowed(reader, name, node, within);
}

void program_read_all(Reader *reader) {
        for (unsigned i = 0; reader->programs && i < yaml_size(reader->programs); i++)
                check_program(reader, yaml_key_node(reader->programs, i), yaml_value(reader->programs, i));
}

/* --- entries that name them -----------------------------------------------------------------------------------------
 */

/* How many units of the grid it may take; 0: faulty, which is told where it stands. */
static int64_t blocks_of(const YamlNode *program) {
        const YamlNode *blocks = yaml_get(program, "grid_blocks"), *most = yaml_get(program, "grid_blocks_max");
        const char *text = most ? yaml_text(most) : blocks ? yaml_text(blocks) : "1";
        return text ? g_ascii_strtoll(text, NULL, 10) : 0;
}

static bool bleeds(const Reader *reader, const Chain *body, const YamlNode *program) {
        const YamlNode *entry = chain_get(body, "bleed"), *own = yaml_get(program, "bleed");
        bool bleed = false;
        if (entry)
                (void)!yaml_read_bool(entry, &bleed, reader->diag);
        else if (own) /* its fault is told where it stands */
                bleed = g_strcmp0(yaml_text(own), "true") == 0 || g_strcmp0(yaml_text(own), "yes") == 0;
        return bleed;
}

static void read_progression(Reader *reader, const Chain *body, Entry *entry) {
        const YamlNode *node = chain_get(body, "progression");
        const int choice = node ? reader_choice(node, progression_words, reader->diag) : 0;
        const guint n = g_strv_length(entry->pools);
        const int64_t equal = 1;
        entry->mode = choice == 2 ? MODE_RANDOM : choice == 1 ? MODE_RANDOM_NO_REPEAT : MODE_SEQUENTIAL;
        if (choice != 0 || n < 2)
                return;
        entry->mode = MODE_WEIGHTED; /* as they had it: a programme is drawn, and goes on in its order */
        entry->weights = g_array_new(false, false, sizeof(int64_t));
        for (guint i = 0; i < n; i++)
                g_array_append_val(entry->weights, equal);
}

static void warn_of_entry(const Reader *reader, const Chain *body) {
        const YamlNode *exhaustion = chain_get(body, "exhaustion"), *run = chain_get(body, "run_id");
        const YamlNode *daypart = chain_get(body, "daypart"), *profile = chain_get(body, "traffic_profile");
        if (exhaustion && reader_choice(exhaustion, exhaustion_words, reader->diag) > 0)
                reader_warn(exhaustion, reader->diag, "exhaustion %s is not done: a pool begins anew after its last",
                            yaml_text(exhaustion));
        if (run)
                reader_warn(run, reader->diag,
                            "run_id is not needed: a pool goes on where it stopped, whichever entry it plays in");
        if (daypart)
                reader_warn(daypart, reader->diag, "daypart of an entry is not obeyed: see traffic.dayparts");
        if (profile && g_strcmp0(yaml_text(profile), reader->traffic_profile) != 0)
                reader_warn(profile, reader->diag,
                            "traffic_profile of an entry is not obeyed: breaks follow the channel's, and "
                            "traffic.dayparts by the clock");
}

/* One programme of the entry: its pool is added, and what it may take counts for the entry. */
static bool add_program(Reader *reader, const YamlNode *node, const char *where, GStrvBuilder *pools,
                        const YamlNode **ret_program) {
        const char *name = NULL, *pool = NULL;
        if (!yaml_read_text(node, &name, reader->diag))
                return false;
        *ret_program = program_of(reader, name);
        if (!*ret_program) {
                g_autofree const char **known = reader_keys(reader->programs);
                reader_unknown(node, "program", name, where, known, reader->diag);
                return false;
        }
        g_autofree char *narrowed = pool_name(name);
        pool = yaml_get(*ret_program, "pool") ? yaml_text(yaml_get(*ret_program, "pool")) : name;
        g_strv_builder_add(pools, rules_pool(reader->rules, narrowed) ? narrowed : pool ? pool : name);
        return true;
}

void program_read(Reader *reader, const Chain *body, const char *where, Entry *entry) {
        g_autoptr(GStrvBuilder) pools = g_strv_builder_new();
        const YamlNode *node = chain_get(body, "program"), *program = NULL;
        const bool list = yaml_kind(node) == YAML_SEQUENCE;
        int64_t blocks = 0;
        if (list && yaml_size(node) == 0)
                yaml_fault(node, reader->diag, "this list is empty: name at least one programme");
        for (unsigned i = 0; i < (list ? yaml_size(node) : 1); i++) {
                if (!add_program(reader, list ? yaml_item(node, i) : node, where, pools, &program))
                        continue;
                if (blocks != 0 && blocks_of(program) != blocks)
                        yaml_fault(node, reader->diag,
                                   "the programmes of %s differ in their grid_blocks: give them the same", where);
                blocks = blocks_of(program);
                entry->allow_bleed = bleeds(reader, body, program);
        }
        entry->pools = g_strv_builder_end(pools);
        entry->pools_key = g_strjoinv("+", entry->pools);
        if (!entry->allow_bleed)
                entry->filter.max_ms = blocks * reader->spec->grid_minutes * MINUTE_MS;
        read_progression(reader, body, entry);
        warn_of_entry(reader, body);
}
