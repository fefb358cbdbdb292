/* Layers: which entries there are on which days, and what an entry inherits from the one below it. */
#include <string.h>

#include "core/plan/schedule/language/language.h"

/* The days of the week that a layer is there on, and how specific it is. */
static const struct {
        const char *name;
        int rank;
        unsigned weekdays;
} week[] = {
        {"all_day", 0, EVERY_WEEKDAY}, {"weekdays", 1, 0x1f}, {"weeknights", 1, 0x1f}, {"weekends", 1, 0x60},
        {"monday", 2, 0x01},           {"tuesday", 2, 0x02},  {"wednesday", 2, 0x04},  {"thursday", 2, 0x08},
        {"friday", 2, 0x10},           {"saturday", 2, 0x20}, {"sunday", 2, 0x40},
};
#define WEEK_RANKS 3

static const char *const schedule_keys[] = {"all_day", "weekdays",  "weeknights", "weekends", "monday",
                                            "tuesday", "wednesday", "thursday",   "friday",   "saturday",
                                            "sunday",  "dates",     "seasons",    NULL};
static const char *const season_keys[] = {"dates",      "entries",  "name",   "notes",   "all_day",   "weekdays",
                                          "weeknights", "weekends", "monday", "tuesday", "wednesday", "thursday",
                                          "friday",     "saturday", "sunday", NULL};

#define MAX_DATED 400
#define MAX_RANGES 4000 /* of dates, in a file */

/* A layer while its file is read. */
typedef struct {
        Layer *layer;
        GPtrArray *drafts; /* Draft, with their starts */
} Sheet;

/* Layers that apply on the same dates: all, or those of a season. */
typedef struct {
        char *name;    /* "schedule", "schedule.dates.2026-12-24" */
        GArray *dates; /* DateRange; NULL = any */
        int span, order;
        bool season;
        GPtrArray *sheets; /* Sheet */
        GPtrArray *below;  /* Sheaf that are there on all of its dates, the nearest first; the undated one last */
} Sheaf;

void layer_free(Layer *layer) {
        if (!layer)
                return;
        g_free(layer->name);
        g_clear_pointer(&layer->dates, g_array_unref);
        g_ptr_array_unref(layer->entries);
        g_free(layer);
}

bool layer_applies(const Layer *layer, int64_t number) {
        return layer->weekdays & (1u << day_weekday(number)) && (!layer->dates || dates_hold(layer->dates, number));
}

static void sheet_free(Sheet *sheet) {
        layer_free(sheet->layer);
        g_ptr_array_unref(sheet->drafts);
        g_free(sheet);
}

static void sheaf_free(Sheaf *sheaf) {
        g_free(sheaf->name);
        g_clear_pointer(&sheaf->dates, g_array_unref);
        g_ptr_array_unref(sheaf->sheets);
        g_ptr_array_unref(sheaf->below);
        g_free(sheaf);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Sheaf, sheaf_free)

static Sheaf *sheaf_new(const char *name, GArray *take_dates) {
        Sheaf *sheaf = g_new0(Sheaf, 1);
        sheaf->name = g_strdup(name);
        sheaf->dates = take_dates;
        sheaf->sheets = g_ptr_array_new_with_free_func((GDestroyNotify)sheet_free);
        sheaf->below = g_ptr_array_new();
        return sheaf;
}

/* --- drafts ------------------------------------------------------------------------------------------------------- */

/* INV-SCHEDULE-FAULTS-001: an entry without a start belongs nowhere, but its other faults are told in the same run.
 * What it may have from below is not known: of pools it must speak itself. */
static void tell_faults(Reader *reader, const Draft *draft) {
        static const char *const own[] = {"pool", "pools", "program", "movie_selector", "slots"};
        const Chain nothing = {.n = 0};
        g_autoptr(GPtrArray) entries = g_ptr_array_new_with_free_func((GDestroyNotify)entry_free);
        bool speaks = false;
        for (size_t i = 0; i < G_N_ELEMENTS(own); i++)
                speaks = speaks || chain_get(&draft->body, own[i]);
        if (speaks)
                (void)entry_read(reader, draft, &nothing, EVERY_WEEKDAY, entries);
}

static void read_sheet(Reader *reader, Sheaf *sheaf, size_t at, const YamlNode *node) {
        g_autofree char *where = g_strdup_printf("%s.%s", sheaf->name, week[at].name);
        const bool plain = g_str_has_prefix(sheaf->name, "schedule.") && at == 0;
        const char *name = plain ? sheaf->name : where;
        Sheet *sheet = g_new0(Sheet, 1);
        sheet->drafts = g_ptr_array_new_with_free_func((GDestroyNotify)draft_free);
        sheet->layer = g_new0(Layer, 1);
        sheet->layer->name = g_strdup(name + strlen("schedule."));
        sheet->layer->rank = week[at].rank;
        sheet->layer->weekdays = week[at].weekdays;
        sheet->layer->dates = sheaf->dates ? g_array_ref(sheaf->dates) : NULL;
        sheet->layer->entries = g_ptr_array_new_with_free_func((GDestroyNotify)entry_free);
        g_ptr_array_add(sheaf->sheets, sheet);
        draft_read(reader, node, name, sheet->drafts);
        for (guint i = sheet->drafts->len; i > 0; i--) {
                Draft *draft = sheet->drafts->pdata[i - 1];
                if (entry_read_start(reader, draft, &draft->start))
                        continue;
                tell_faults(reader, draft);
                g_ptr_array_remove_index(sheet->drafts, i - 1);
        }
}

static void read_week(Reader *reader, Sheaf *sheaf, const YamlNode *node) {
        for (size_t at = 0; at < G_N_ELEMENTS(week); at++)
                if (yaml_get(node, week[at].name))
                        read_sheet(reader, sheaf, at, yaml_get(node, week[at].name));
}

/* {dates, entries} or {dates, all_day, weekends, ...}; under a key that says the dates, the entries alone, too. */
static void read_dated(Reader *reader, GPtrArray *sheaves, const char *name, const YamlNode *node,
                       const YamlNode *dates_node) {
        const bool mapping = yaml_kind(node) == YAML_MAPPING;
        const YamlNode *own = mapping ? yaml_get(node, "dates") : NULL, *entries = NULL;
        if (!own && !dates_node) {
                yaml_fault(node, reader->diag, "%s needs \"dates\", like dates: [2026-12-24..2026-12-26]", name);
                return;
        }
        GArray *dates = dates_read(own ? own : dates_node, reader->diag);
        if (!dates)
                return;
        reader->n_ranges += (int)dates->len;
        if (reader->n_ranges > MAX_RANGES) {
                yaml_fault(node, reader->diag, "the schedule has more than %d dates: write them as ranges", MAX_RANGES);
                g_array_unref(dates);
                return;
        }
        Sheaf *sheaf = sheaf_new(name, dates);
        sheaf->span = dates_span(dates);
        sheaf->order = (int)sheaves->len;
        g_ptr_array_add(sheaves, sheaf);
        const bool week_of_its_own = mapping && (own || yaml_get(node, "entries") || yaml_get(node, "all_day"));
        if (!week_of_its_own) {
                read_sheet(reader, sheaf, 0, node);
                return;
        }
        yaml_check_keys(node, name, season_keys, reader->diag);
        entries = yaml_get(node, "entries");
        if (entries && yaml_get(node, "all_day"))
                yaml_fault(entries, reader->diag, "give either \"entries\" or \"all_day\" in %s: they are the same",
                           name);
        else if (entries)
                read_sheet(reader, sheaf, 0, entries);
        read_week(reader, sheaf, node);
        if (sheaf->sheets->len == 0)
                yaml_fault(node, reader->diag, "%s has no entries", name);
}

/* `dates` and `seasons`: by name (or date), or a list. */
static void read_calendar(Reader *reader, GPtrArray *sheaves, const char *key, const YamlNode *node) {
        const bool season = strcmp(key, "seasons") == 0;
        const guint before = sheaves->len;
        if (yaml_kind(node) == YAML_SCALAR) {
                yaml_fault(node, reader->diag, "schedule.%s must be keys and values, or a list", key);
                return;
        }
        if (yaml_size(node) > MAX_DATED) {
                yaml_fault(node, reader->diag, "schedule.%s has more than %d parts", key, MAX_DATED);
                return;
        }
        for (unsigned i = 0; i < yaml_size(node); i++) {
                const bool list = yaml_kind(node) == YAML_SEQUENCE;
                const YamlNode *item = list ? yaml_item(node, i) : yaml_value(node, i);
                const char *given = list ? yaml_text(yaml_get(item, "name")) : yaml_key(node, i);
                g_autofree char *name = given ? g_strdup_printf("schedule.%s.%s", key, given)
                                              : g_strdup_printf("schedule.%s[%u]", key, i);
                read_dated(reader, sheaves, name, item, list || season ? NULL : yaml_key_node(node, i));
        }
        for (guint i = before; i < sheaves->len; i++)
                ((Sheaf *)sheaves->pdata[i])->season = season;
}

/* --- inheriting --------------------------------------------------------------------------------------------------- */

static const Draft *draft_at(const Sheet *sheet, const Draft *like) {
        for (guint i = 0; i < sheet->drafts->len; i++) {
                const Draft *draft = sheet->drafts->pdata[i];
                if (draft->kind == like->kind && draft->start == like->start)
                        return draft;
        }
        return NULL;
}

/* INV-LANGUAGE-INHERIT-001: what an entry does not say comes from the one of its kind and start below it, on that day
 * of the week. */
static void inherit(const Sheaf *sheaf, const Draft *draft, int below_rank, int weekday, Chain *below) {
        for (int rank = below_rank - 1; rank >= 0; rank--)
                for (guint i = 0; i < sheaf->sheets->len; i++) {
                        const Sheet *sheet = sheaf->sheets->pdata[i];
                        if (sheet->layer->rank != rank || !(sheet->layer->weekdays & (1u << weekday)))
                                continue;
                        const Draft *base = draft_at(sheet, draft);
                        if (base)
                                chain_join(below, &base->body);
                }
}

static bool same_chain(const Chain *a, const Chain *b) {
        bool same = a->n == b->n;
        for (unsigned i = 0; i < a->n && same; i++)
                same = a->nodes[i] == b->nodes[i];
        return same;
}

static bool same_texts(char **a, char **b) {
        return a == b || (a && b && g_strv_equal((const char *const *)a, (const char *const *)b));
}

static bool same_weights(const GArray *a, const GArray *b) {
        return a == b || (a && b && a->len == b->len && memcmp(a->data, b->data, a->len * sizeof(int64_t)) == 0);
}

/* Whether two entries are the same but for the days that they are there on. */
static bool same_entry(const Entry *a, const Entry *b) {
        return a->start == b->start && a->end == b->end && a->mode == b->mode && a->allow_bleed == b->allow_bleed &&
               a->cooldown_days == b->cooldown_days && g_strcmp0(a->title, b->title) == 0 &&
               same_texts(a->pools, b->pools) && same_weights(a->weights, b->weights) &&
               same_texts(a->filter.rating_include, b->filter.rating_include) &&
               same_texts(a->filter.rating_exclude, b->filter.rating_exclude) && a->filter.min_ms == b->filter.min_ms &&
               a->filter.max_ms == b->filter.max_ms;
}

/* Those that are there already get the days; the others are taken over. */
static void add_entries(Layer *layer, guint from, GPtrArray *take_entries) {
        while (take_entries->len > 0) {
                Entry *entry = g_ptr_array_steal_index(take_entries, 0), *same = NULL;
                for (guint i = from; i < layer->entries->len && !same; i++)
                        same = same_entry(layer->entries->pdata[i], entry) ? layer->entries->pdata[i] : NULL;
                if (!same) {
                        g_ptr_array_add(layer->entries, entry);
                        continue;
                }
                same->weekdays |= entry->weekdays;
                entry_free(entry);
        }
}

/* The draft's entries: one, or one for each group of weekdays that inherit differently. */
static void read_draft(Reader *reader, const Sheaf *sheaf, const Sheet *sheet, const Draft *draft) {
        const guint from = sheet->layer->entries->len;
        g_autoptr(GPtrArray) entries = g_ptr_array_new_with_free_func((GDestroyNotify)entry_free);
        Chain below[7] = {0};
        unsigned done = 0;
        for (int day = 0; day < 7; day++) {
                inherit(sheaf, draft, sheet->layer->rank, day, &below[day]);
                for (guint i = 0; i < sheaf->below->len; i++)
                        inherit(sheaf->below->pdata[i], draft, WEEK_RANKS, day, &below[day]);
        }
        for (int day = 0; day < 7; day++) {
                unsigned days = 0;
                for (int other = day; other < 7; other++)
                        if (same_chain(&below[day], &below[other]))
                                days |= sheet->layer->weekdays & (1u << other);
                days &= ~done;
                done |= days;
                const bool good = !days || entry_read(reader, draft, &below[day], days, entries);
                add_entries(sheet->layer, from, entries);
                if (!good)
                        return; /* the other days' faults would be the same again */
        }
}

/* --- finishing ---------------------------------------------------------------------------------------------------- */

static int compare_entries(gconstpointer a_at, gconstpointer b_at) {
        const Entry *a = *(const Entry *const *)a_at, *b = *(const Entry *const *)b_at;
        if (a->start != b->start)
                return a->start - b->start;
        return a->place.line != b->place.line ? a->place.line - b->place.line : (int)a->weekdays - (int)b->weekdays;
}

static void clock_text(int after_day_start, int day_start, char ret_text[6]) {
        const int minutes = (after_day_start + day_start) % DAY_MINUTES;
        g_snprintf(ret_text, 6, "%02d:%02d", minutes / 60 % 24, minutes % 60);
}

/* What comes after the entry on one of its days; in the layer of every day the first comes after the last. */
static const Entry *entry_after(const Layer *layer, guint at, int *ret_start) {
        const Entry *entry = layer->entries->pdata[at];
        for (guint i = at + 1; i < layer->entries->len; i++) {
                const Entry *next = layer->entries->pdata[i];
                *ret_start = next->start;
                if (next->weekdays & entry->weekdays)
                        return next;
        }
        const Entry *first = layer->entries->pdata[0];
        *ret_start = first->start + DAY_MINUTES;
        return layer->rank == 0 && !layer->dates ? first : NULL;
}

/* INV-PLAN-NO-ZONE-OVERLAP-001: within a layer nothing meets; between layers the more specific one lies on top. */
static void check_overlap(const Reader *reader, const Layer *layer, const Entry *entry, const Entry *next,
                          int next_start) {
        char end[6], start[6];
        if (!next || next == entry || entry->end <= next_start)
                return;
        clock_text(entry->end, reader->spec->day_start_minutes, end);
        clock_text(next->start, reader->spec->day_start_minutes, start);
        if (entry->start == next_start) {
                diag_add(reader->diag, DIAG_ERROR, next->place.file, next->place.line, next->place.column,
                         "two entries of schedule.%s start at %s: this one and that of line %d", layer->name, start,
                         entry->place.line);
                return;
        }
        diag_add(reader->diag, DIAG_ERROR, next->place.file, next->place.line, next->place.column,
                 "two entries of schedule.%s meet: one runs until %s (line %d), this one starts at %s", layer->name,
                 end, entry->place.line, start);
}

/* Names an entry among those that are one and the same in the file, but inherit from different ones. */
static const char *first_day(unsigned weekdays) {
        static const char *const names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
        int day = 0;
        while (day < 6 && !(weekdays & (1u << day)))
                day++;
        return names[day];
}

static void finish_layer(const Reader *reader, Layer *layer) {
        g_ptr_array_sort(layer->entries, compare_entries);
        for (guint i = 0; i < layer->entries->len; i++) {
                Entry *entry = layer->entries->pdata[i];
                char start[6];
                int next_start = DAY_MINUTES;
                clock_text(entry->start, reader->spec->day_start_minutes, start);
                entry->key = entry->weekdays == layer->weekdays
                                     ? g_strdup_printf("%s@%s", layer->name, start)
                                     : g_strdup_printf("%s@%s/%s", layer->name, start, first_day(entry->weekdays));
                const Entry *next = entry_after(layer, i, &next_start);
                if (entry->end == OPEN_END) /* until the next one, or the day's end */
                        entry->end = next ? MAX(next_start, entry->start + 1) : DAY_MINUTES;
                check_overlap(reader, layer, entry, next, next_start);
        }
}

/* Of dated layers seasons lie below dates, and those of many days below those of few. */
static int compare_sheaves(gconstpointer a_at, gconstpointer b_at) {
        const Sheaf *a = *(const Sheaf *const *)a_at, *b = *(const Sheaf *const *)b_at;
        if (a->season != b->season)
                return b->season - a->season;
        return a->span != b->span ? (a->span < b->span ? 1 : -1) : a->order - b->order;
}

/* Those under the i-th that its entries inherit from: what is there on some of its dates only is no base for all. */
static void find_below(GPtrArray *dated, guint i, Sheaf *undated) {
        Sheaf *sheaf = dated->pdata[i];
        for (guint j = i; j > 0; j--)
                if (dates_within(sheaf->dates, ((const Sheaf *)dated->pdata[j - 1])->dates))
                        g_ptr_array_add(sheaf->below, dated->pdata[j - 1]);
        g_ptr_array_add(sheaf->below, undated);
}

static void finish_sheaf(Reader *reader, Sheaf *sheaf, int rank) {
        for (guint i = 0; i < sheaf->sheets->len; i++) {
                const Sheet *sheet = sheaf->sheets->pdata[i];
                for (guint j = 0; j < sheet->drafts->len; j++)
                        read_draft(reader, sheaf, sheet, sheet->drafts->pdata[j]);
                finish_layer(reader, sheet->layer);
        }
        for (guint i = 0; i < sheaf->sheets->len; i++) {
                Sheet *sheet = sheaf->sheets->pdata[i];
                sheet->layer->rank += rank;
                g_ptr_array_add(reader->rules->layers, g_steal_pointer(&sheet->layer));
        }
}

static int compare_layers(gconstpointer a_at, gconstpointer b_at) {
        return (*(const Layer *const *)a_at)->rank - (*(const Layer *const *)b_at)->rank;
}

void schedule_read(Reader *reader, const YamlNode *node) {
        g_autoptr(Sheaf) undated = sheaf_new("schedule", NULL);
        g_autoptr(GPtrArray) dated = g_ptr_array_new_with_free_func((GDestroyNotify)sheaf_free);
        const unsigned errors = diag_errors(reader->diag);
        draft_check_templates(reader);
        if (!reader_want(node, YAML_MAPPING, "schedule", reader->diag))
                return;
        yaml_check_keys(node, "schedule", schedule_keys, reader->diag);
        read_week(reader, undated, node);
        if (yaml_get(node, "seasons"))
                read_calendar(reader, dated, "seasons", yaml_get(node, "seasons"));
        if (yaml_get(node, "dates"))
                read_calendar(reader, dated, "dates", yaml_get(node, "dates"));
        if (undated->sheets->len + dated->len == 0 && diag_errors(reader->diag) == errors)
                yaml_fault(node, reader->diag, "schedule has no layer: begin with all_day");
        g_ptr_array_sort(dated, compare_sheaves);
        for (guint i = dated->len; i > 0; i--) { /* each before those below it give their layers away */
                find_below(dated, i - 1, undated);
                finish_sheaf(reader, dated->pdata[i - 1], WEEK_RANKS * (int)i);
        }
        finish_sheaf(reader, undated, 0);
        g_ptr_array_sort(reader->rules->layers, compare_layers);
}
