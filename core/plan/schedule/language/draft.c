/* Entries as they are written: which kind each is, with the templates that it uses put in. */
#include "core/plan/schedule/language/language.h"

static const char *const kind_words[] = {"block", "movie_marathon", "movie_block", NULL};
static const char *const item_keys[] = {
        "block",           "movie_marathon", "movie_block", "slots",       "use",   "start",      "end",
        "duration",        "title",          "pool",        "pools",       "mode",  "weights",    "allow_bleed",
        "movie_selector",  "notes",          "program",     "progression", "bleed", "exhaustion", "run_id",
        "traffic_profile", "daypart",        NULL};
/* Of entries that name programmes, and of all others. */
static const char *const program_words[] = {"progression",     "bleed",   "exhaustion", "run_id",
                                            "traffic_profile", "daypart", NULL};
static const char *const pool_words[] = {"pool", "pools", "mode", "weights", "movie_selector", "allow_bleed", NULL};
static const char *const block_keys[] = {"start", "end",  "duration", "title",       "pool",
                                         "pools", "mode", "weights",  "allow_bleed", NULL};
static const char *const movie_keys[] = {"start", "end", "duration", "title", "movie_selector", "allow_bleed", NULL};

#define MAX_USES 8     /* templates within templates */
#define MAX_ITEMS 5000 /* of a file, templates put in */

void draft_free(Draft *draft) {
        g_free(draft->where);
        g_free(draft);
}

/* --- chains ---------------------------------------------------------------------------------------------------------
 */

void chain_add(Chain *chain, const YamlNode *node) {
        if (node && yaml_kind(node) == YAML_MAPPING && chain->n < CHAIN_MAX)
                chain->nodes[chain->n++] = node;
}

void chain_join(Chain *chain, const Chain *behind) {
        for (unsigned i = 0; i < behind->n; i++)
                chain_add(chain, behind->nodes[i]);
}

const YamlNode *chain_get(const Chain *chain, const char *key) {
        const YamlNode *node = chain_owner(chain, key, key);
        return node ? yaml_get(node, key) : NULL;
}

const YamlNode *chain_owner(const Chain *chain, const char *key, const char *other_key) {
        for (unsigned i = 0; i < chain->n; i++)
                if (yaml_get(chain->nodes[i], key) || yaml_get(chain->nodes[i], other_key))
                        return chain->nodes[i];
        return NULL;
}

/* --- templates ------------------------------------------------------------------------------------------------------
 */

static const YamlNode *template_of(Reader *reader, const YamlNode *use, const char *where) {
        const char *name = NULL;
        if (!yaml_read_text(use, &name, reader->diag))
                return NULL;
        const YamlNode *node = chain_get(&reader->templates, name);
        if (node || reader->rules->incomplete)
                return node;
        g_autoptr(GPtrArray) names = g_ptr_array_new();
        for (unsigned part = 0; part < reader->templates.n; part++)
                for (unsigned i = 0; i < yaml_size(reader->templates.nodes[part]); i++)
                        g_ptr_array_add(names, (char *)yaml_key(reader->templates.nodes[part], i));
        g_ptr_array_add(names, NULL);
        reader_unknown(use, "template", name, where, (const char *const *)names->pdata, reader->diag);
        return NULL;
}

/* --- items ----------------------------------------------------------------------------------------------------------
 */

/* Programmes have their own words for how they are taken. */
static void check_program_words(Reader *reader, const YamlNode *item, const char *where) {
        const bool program = yaml_get(item, "program") != NULL;
        const char *const *others = program ? pool_words : program_words;
        for (int i = 0; others[i]; i++)
                if (yaml_get(item, others[i]))
                        yaml_fault(yaml_get(item, others[i]), reader->diag,
                                   program ? "\"%s\" does not go with \"program\" (in %s)"
                                           : "\"%s\" goes with \"program\" only (in %s)",
                                   others[i], where);
}

/* The keys of an item as written, each in its place; false when it is several things. */
static bool check_item(Reader *reader, const YamlNode *item, const char *where) {
        unsigned n_kinds = 0;
        yaml_check_keys(item, where, item_keys, reader->diag);
        for (int kind = 0; kind_words[kind]; kind++) {
                const YamlNode *body = yaml_get(item, kind_words[kind]);
                n_kinds += body != NULL;
                if (body && reader_want(body, YAML_MAPPING, kind_words[kind], reader->diag))
                        yaml_check_keys(body, where, kind == ENTRY_BLOCK ? block_keys : movie_keys, reader->diag);
        }
        n_kinds += yaml_get(item, "slots") != NULL;
        if (!yaml_get(item, "use"))
                check_program_words(reader, item, where);
        if (n_kinds > 1)
                yaml_fault(item, reader->diag,
                           "%s must be one of block, movie_marathon, movie_block or slots, not several", where);
        return n_kinds <= 1;
}

/* What the item is; its own fields before those that stand around them. */
static bool read_kind(const Chain *items, Draft *draft) {
        for (unsigned i = 0; i < items->n; i++)
                for (int kind = 0; kind_words[kind]; kind++)
                        if (yaml_get(items->nodes[i], kind_words[kind])) {
                                draft->kind = (EntryKind)kind;
                                return true;
                        }
        const YamlNode *slots = chain_get(items, "slots");
        if (chain_get(items, "program"))
                draft->kind = ENTRY_BLOCK;
        else if (slots && yaml_kind(slots) != YAML_SCALAR)
                draft->kind = ENTRY_SLOT;
        else if (chain_get(items, "movie_selector"))
                draft->kind = ENTRY_MOVIE_BLOCK;
        else if (chain_owner(items, "pool", "pools"))
                draft->kind = ENTRY_BLOCK;
        else if (slots) /* not a list: told where it is read */
                draft->kind = ENTRY_SLOT;
        else
                return false;
        return true;
}

static void add_draft(Reader *reader, const Chain *items, const char *where, GPtrArray *drafts) {
        Draft draft = {.node = items->nodes[0]};
        if (!read_kind(items, &draft)) {
                yaml_fault(draft.node, reader->diag,
                           "%s must be one of block, movie_marathon, movie_block, slots or use", where);
                return;
        }
        for (unsigned i = 0; i < items->n; i++) {
                if (draft.kind != ENTRY_SLOT)
                        chain_add(&draft.body, yaml_get(items->nodes[i], kind_words[draft.kind]));
                chain_add(&draft.body, items->nodes[i]);
        }
        draft.where = g_strdup(where);
        draft.node = draft.body.nodes[0];
        g_ptr_array_add(drafts, g_memdup2(&draft, sizeof(draft)));
}

static void read_items(Reader *reader, const Chain *users, const YamlNode *node, const char *where, int depth,
                       GPtrArray *drafts);

/* One item. users: those that use it as their template, the nearest last. */
static void read_item(Reader *reader, const Chain *users, const YamlNode *item, const char *where, int depth,
                      GPtrArray *drafts) {
        if (++reader->n_items == MAX_ITEMS) /* INV-LANGUAGE-TEMPLATES-001 */
                yaml_fault(item, reader->diag, "the schedule has more than %d entries, templates put in", MAX_ITEMS);
        if (reader->n_items >= MAX_ITEMS || !reader_want(item, YAML_MAPPING, where, reader->diag))
                return;
        if (depth == 0 && !check_item(reader, item, where)) /* a template's own faults are told where it stands */
                return;
        Chain items = *users;
        chain_add(&items, item);
        const YamlNode *use = yaml_get(item, "use");
        if (!use) {
                add_draft(reader, &items, where, drafts);
                return;
        }
        const YamlNode *template = template_of(reader, use, where);
        if (template && depth >= MAX_USES) {
                if (!reader->too_deep)
                        yaml_fault(use, reader->diag, "templates use each other in a circle, or more than %d deep",
                                   MAX_USES);
                reader->too_deep = true;
        } else if (template && yaml_kind(template) == YAML_SEQUENCE && (yaml_size(item) > 1 || users->n > 0))
                yaml_fault(item, reader->diag,
                           "\"%s\" is a list of entries: nothing of them can be changed where it is used",
                           yaml_text(use));
        else if (template && yaml_kind(template) == YAML_SEQUENCE)
                read_items(reader, users, template, where, depth + 1, drafts);
        else if (template)
                read_item(reader, &items, template, where, depth + 1, drafts);
}

static void read_items(Reader *reader, const Chain *users, const YamlNode *node, const char *where, int depth,
                       GPtrArray *drafts) {
        for (unsigned i = 0; i < yaml_size(node); i++) {
                g_autofree char *item = g_strdup_printf("%s[%u]", where, i);
                read_item(reader, users, yaml_item(node, i), depth > 0 ? where : item, depth, drafts);
        }
}

void draft_read(Reader *reader, const YamlNode *node, const char *where, GPtrArray *drafts) {
        const Chain nobody = {.n = 0};
        reader->too_deep = false;
        g_autofree char *only = g_strdup_printf("%s[0]", where);
        if (yaml_kind(node) != YAML_SEQUENCE)
                read_item(reader, &nobody, node, only, 0, drafts);
        else if (yaml_size(node) == 0)
                yaml_fault(node, reader->diag, "%s is empty", where);
        else
                read_items(reader, &nobody, node, where, 0, drafts);
}

static void check_template(Reader *reader, const char *name, const YamlNode *template) {
        const bool list = yaml_kind(template) == YAML_SEQUENCE;
        g_autofree char *where = g_strdup_printf("templates.%s", name);
        if (list && yaml_size(template) == 0)
                yaml_fault(template, reader->diag, "%s is empty", where);
        for (unsigned i = 0; i < (list ? yaml_size(template) : 1); i++) {
                const YamlNode *item = list ? yaml_item(template, i) : template;
                if (reader_want(item, YAML_MAPPING, where, reader->diag))
                        (void)check_item(reader, item, where);
        }
}

void draft_check_templates(Reader *reader) {
        for (unsigned part = 0; part < reader->templates.n; part++) {
                const YamlNode *templates = reader->templates.nodes[part];
                for (unsigned i = 0; i < yaml_size(templates); i++)
                        check_template(reader, yaml_key(templates, i), yaml_value(templates, i));
        }
}
