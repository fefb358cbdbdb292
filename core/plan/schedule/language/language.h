/* Reading the days of a channel file: layers of entries. Private to language; what comes out is in rules.h. */
#pragma once

#include "core/plan/schedule/reader.h"

/* Mappings that a field is looked for in, one after the other: the entry as written, its template, the entries below
 * that it inherits from. */
#define CHAIN_MAX 32
typedef struct {
        const YamlNode *nodes[CHAIN_MAX];
        unsigned n;
} Chain;

/* NULL and what is too much is left out. */
void chain_add(Chain *chain, const YamlNode *node);
void chain_join(Chain *chain, const Chain *behind);
const YamlNode *chain_get(const Chain *chain, const char *key);
/* The first mapping that has one of two keys that say the same in two ways; NULL: none. */
const YamlNode *chain_owner(const Chain *chain, const char *key, const char *other_key);

/* An entry as written, templates put in. */
typedef struct {
        EntryKind kind;
        const YamlNode *node; /* where it stands */
        char *where;          /* "schedule.friday[1]" */
        Chain body;
        int start; /* minutes after the local day start */
} Draft;

void draft_free(Draft *draft);

typedef struct {
        ScheduleRules *rules;
        const ChannelSpec *spec;
        Chain templates;             /* mappings of the file and of what it imports */
        const YamlNode *programs;    /* mapping of the file, or NULL */
        const char *traffic_profile; /* the channel's; NULL */
        Diag *diag;
        int n_groups, n_items, n_ranges; /* so far */
        bool too_deep;                   /* of the layer: told once, not by every way that leads there */
} Reader;

/* --- draft.c ----------------------------------------------------------------------------------------------------- */

/* An entry, a list of entries or a use of a template: what they are, added to drafts (Draft). where names the node. */
void draft_read(Reader *reader, const YamlNode *node, const char *where, GPtrArray *drafts);
/* Faults of the templates themselves, used or not. */
void draft_check_templates(Reader *reader);

/* --- entry.c ----------------------------------------------------------------------------------------------------- */

#define OPEN_END (-1)

/* The entry that the draft is when it inherits from below, or its slots: added to entries, without keys and with
 * OPEN_END where nothing is said. False with faults; the entries are there all the same, marked as faulty. */
bool entry_read(Reader *reader, const Draft *draft, const Chain *below, unsigned weekdays, GPtrArray *entries);
/* Minutes after the day start of the draft's `start`; false with a fault. */
bool entry_read_start(Reader *reader, const Draft *draft, int *ret_start);

/* --- program.c --------------------------------------------------------------------------------------------------- */

/* The programmes themselves, used or not: their faults, and pools of those that narrow theirs. After all pools. */
void program_read_all(Reader *reader);
/* The entry's `program`: its pools, mode and what fits. */
void program_read(Reader *reader, const Chain *body, const char *where, Entry *entry);

/* --- match.c ----------------------------------------------------------------------------------------------------- */

/* `select` into a pool's conditions. */
void where_read(Pool *pool, const YamlNode *select, Diag *diag);

/* --- profile.c --------------------------------------------------------------------------------------------------- */

/* Profiles and inventories of the original's later files in `traffic`, over what the policy says already. After all
 * pools. */
void profile_read(ScheduleRules *rules, const YamlNode *traffic, Diag *diag);
/* The channel's profile; NULL. Borrowed. */
const char *profile_name(const YamlNode *traffic);

/* --- layer.c ----------------------------------------------------------------------------------------------------- */

/* Reads `schedule` into the reader's rules. */
void schedule_read(Reader *reader, const YamlNode *node);

/* --- imports.c --------------------------------------------------------------------------------------------------- */

typedef struct {
        GPtrArray *documents; /* YamlDocument */
        char *file;           /* that imports them, canonical */
        char *sha256;         /* of them, in order */
} Imports;

/* imports_clear it, whatever comes back. root_dir: they stay below it. */
void imports_read(Imports *imports, const YamlNode *root, const char *root_dir, Diag *diag);
void imports_clear(Imports *imports);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Imports, imports_clear)
/* The mappings of that key: the file's own (or NULL), then those of its imports. Borrowed. */
Chain imports_parts(const Imports *imports, const YamlNode *root, const char *key, Diag *diag);

/* --- virtual.c --------------------------------------------------------------------------------------------------- */

/* A virtual asset: a pool with a composition. After all pools as such. all: the mappings of virtual assets. */
void virtual_read(ScheduleRules *rules, const Chain *all, const YamlNode *key, const YamlNode *node, Diag *diag);

/* --- dates.c ----------------------------------------------------------------------------------------------------- */

/* "2026-12-24", "2026-12-24..2026-12-26", "12-24", "12-24..01-06", or a list of them. Element type DateRange; NULL with
 * faults. */
GArray *dates_read(const YamlNode *node, Diag *diag);
/* How many days of a year they are: fewer are more specific. */
int dates_span(const GArray *dates);
bool dates_hold(const GArray *dates, int64_t number);
/* Whether each range of inner lies in one of outer. */
bool dates_within(const GArray *inner, const GArray *outer);
