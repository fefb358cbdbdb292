#include <string.h>

#include "core/plan/schedule/reader.h"

static const char *const layer_names[] = {"all_day",  "weekdays", "weekends", "monday", "tuesday", "wednesday",
                                          "thursday", "friday",   "saturday", "sunday", NULL};
static const char *const schedule_later[] = {"dates", "seasons", NULL};
static const char *const schedule_keys[] = {"all_day",   "weekdays", "weekends", "monday",   "tuesday",
                                            "wednesday", "thursday", "friday",   "saturday", "sunday",
                                            "dates",     "seasons",  NULL};
static const char *const entry_names[] = {"block", "movie_marathon", "movie_block", NULL};
static const char *const entry_keys[] = {"block", "movie_marathon", "movie_block", "slots", "use", NULL};
static const char *const entry_later[] = {"slots", "use", NULL};
static const char *const block_keys[] = {"start", "end",  "duration",    "title", "pool",
                                         "pools", "mode", "allow_bleed", NULL};
static const char *const movie_keys[] = {"start", "end", "duration", "title", "movie_selector", "allow_bleed", NULL};
static const char *const selector_keys[] = {
        "pool", "pools", "mode", "rating", "min_duration_sec", "max_duration_sec", "min_cooldown_days", NULL};
static const char *const mode_words[] = {"sequential", "shuffle", "random", NULL};

#define FILM_MIN_MS (60 * MINUTE_MS) /* shorter ones are not films unless asked for */
#define OPEN_END (-1)

typedef struct {
        ScheduleRules *rules;
        const ChannelSpec *spec;
        Diag *diag;
        const char *where; /* "schedule.friday[1]" */
} Reader;

void entry_free(Entry *entry) {
        if (!entry)
                return;
        place_clear(&entry->place);
        g_free(entry->key);
        g_free(entry->title);
        g_strfreev(entry->pools);
        g_free(entry->pools_key);
        asset_filter_clear(&entry->filter);
        g_free(entry);
}

const Pool *rules_pool(const ScheduleRules *rules, const char *name) {
        for (guint i = 0; i < rules->pools->len; i++) {
                const Pool *pool = rules->pools->pdata[i];
                if (strcmp(pool->name, name) == 0)
                        return pool;
        }
        return NULL;
}

static void check_pool(const Reader *reader, const YamlNode *node, const char *name) {
        if (rules_pool(reader->rules, name))
                return;
        g_autoptr(GPtrArray) names = g_ptr_array_new();
        for (guint i = 0; i < reader->rules->pools->len; i++)
                g_ptr_array_add(names, ((Pool *)reader->rules->pools->pdata[i])->name);
        g_ptr_array_add(names, NULL);
        const char *near = diag_nearest(name, (const char *const *)names->pdata);
        if (near)
                yaml_fault(node, reader->diag, "no pool \"%s\" (used in %s): did you mean \"%s\"?", name, reader->where,
                           near);
        else
                yaml_fault(node, reader->diag, "no pool \"%s\" (used in %s): define it under \"pools\"", name,
                           reader->where);
}

static void read_pools(const Reader *reader, Entry *entry, const YamlNode *mapping) {
        const YamlNode *pool = yaml_get(mapping, "pool"), *pools = yaml_get(mapping, "pools");
        if (!pool == !pools) {
                yaml_fault(mapping, reader->diag, "%s needs either \"pool\" or \"pools\"", reader->where);
                return;
        }
        const YamlNode *node = pool ? pool : pools;
        entry->pools = reader_strings(node, reader->diag);
        if (!entry->pools)
                return;
        for (unsigned i = 0; entry->pools[i]; i++)
                check_pool(reader, yaml_kind(node) == YAML_SEQUENCE ? yaml_item(node, i) : node, entry->pools[i]);
        entry->pools_key = g_strjoinv("+", entry->pools);
}

static void read_mode(const Reader *reader, Entry *entry, const YamlNode *node, PickMode otherwise) {
        entry->mode = otherwise;
        if (!node)
                return;
        const char *text = yaml_text(node);
        if (text && (strcmp(text, "weighted") == 0 || strcmp(text, "random_no_repeat") == 0)) {
                yaml_fault(node, reader->diag, "mode \"%s\" is not supported yet: use sequential, shuffle or random",
                           text);
                return;
        }
        const int choice = reader_choice(node, mode_words, reader->diag);
        if (choice >= 0)
                entry->mode = (PickMode)choice;
}

static void read_selector(const Reader *reader, Entry *entry, const YamlNode *mapping) {
        const YamlNode *selector = yaml_get(mapping, "movie_selector");
        int64_t days = 0;
        if (!selector) {
                yaml_fault(mapping, reader->diag, "%s needs a \"movie_selector\" with a pool", reader->where);
                return;
        }
        if (!reader_want(selector, YAML_MAPPING, "movie_selector", reader->diag))
                return;
        yaml_check_keys(selector, "movie_selector", selector_keys, reader->diag);
        read_pools(reader, entry, selector);
        read_mode(reader, entry, yaml_get(selector, "mode"), MODE_RANDOM);
        entry->filter.min_ms = FILM_MIN_MS;
        filter_read_durations(&entry->filter, selector, reader->diag);
        filter_read_rating(&entry->filter, yaml_get(selector, "rating"), reader->diag);
        if (yaml_get(selector, "min_cooldown_days") &&
            yaml_read_int(yaml_get(selector, "min_cooldown_days"), 0, 365, &days, reader->diag))
                entry->cooldown_days = (int32_t)days;
}

static bool on_grid(const Reader *reader, const YamlNode *node, int minutes) {
        if (minutes % reader->spec->grid_minutes == 0) /* INV-PLAN-GRID-ALIGNMENT-001 */
                return true;
        yaml_fault(node, reader->diag, "%s is not on the channel's %d-minute grid", yaml_text(node),
                   reader->spec->grid_minutes);
        return false;
}

/* Start and end in minutes after the day start; OPEN_END where a single film says nothing about its end. */
static bool read_window(const Reader *reader, Entry *entry, const YamlNode *mapping) {
        const YamlNode *start = yaml_get(mapping, "start"), *end = yaml_get(mapping, "end");
        const YamlNode *duration = yaml_get(mapping, "duration");
        int start_minutes = 0, minutes = 0;
        if (!start) {
                yaml_fault(mapping, reader->diag, "%s needs a \"start\", like start: \"20:00\"", reader->where);
                return false;
        }
        if (!reader_clock(start, &start_minutes, reader->diag) || !on_grid(reader, start, start_minutes))
                return false;
        entry->start = (start_minutes - reader->spec->day_start_minutes + DAY_MINUTES) % DAY_MINUTES;
        entry->end = OPEN_END;
        if (end && duration) {
                yaml_fault(duration, reader->diag, "give either \"end\" or \"duration\", not both");
                return false;
        }
        if (!end && !duration) {
                if (entry->kind != ENTRY_MOVIE_BLOCK)
                        yaml_fault(mapping, reader->diag, "%s needs an \"end\" or a \"duration\"", reader->where);
                return entry->kind == ENTRY_MOVIE_BLOCK;
        }
        if (duration) {
                if (!reader_duration(duration, &minutes, reader->diag) || !on_grid(reader, duration, minutes))
                        return false;
        } else {
                if (!reader_clock(end, &minutes, reader->diag) || !on_grid(reader, end, minutes))
                        return false;
                /* INV-MARATHON-CROSSMIDNIGHT-001; the same time: 24 hours */
                minutes = (minutes - start_minutes + DAY_MINUTES - 1) % DAY_MINUTES + 1;
        }
        entry->end = entry->start + minutes;
        return true;
}

static Entry *read_body(const Reader *reader, EntryKind kind, const YamlNode *mapping) {
        const unsigned errors = diag_errors(reader->diag);
        g_autoptr(Entry) entry = g_new0(Entry, 1);
        const char *title = NULL;
        const YamlNode *bleed = yaml_get(mapping, "allow_bleed");
        entry->kind = kind;
        place_set(&entry->place, mapping);
        yaml_check_keys(mapping, reader->where, kind == ENTRY_BLOCK ? block_keys : movie_keys, reader->diag);
        if (yaml_get(mapping, "title") && yaml_read_text(yaml_get(mapping, "title"), &title, reader->diag))
                entry->title = g_strdup(title);
        read_window(reader, entry, mapping);
        if (kind == ENTRY_BLOCK) {
                read_pools(reader, entry, mapping);
                read_mode(reader, entry, yaml_get(mapping, "mode"), MODE_SEQUENTIAL);
        } else {
                read_selector(reader, entry, mapping);
        }
        entry->allow_bleed = kind != ENTRY_MOVIE_MARATHON;
        if (bleed)
                yaml_read_bool(bleed, &entry->allow_bleed, reader->diag);
        return diag_errors(reader->diag) == errors ? g_steal_pointer(&entry) : NULL;
}

/* One item of a layer: a mapping whose single key says what it is. */
static Entry *read_entry(const Reader *reader, const YamlNode *node) {
        if (!reader_want(node, YAML_MAPPING, reader->where, reader->diag))
                return NULL;
        const unsigned errors = diag_errors(reader->diag);
        reader_refuse(node, reader->where, entry_later, reader->diag);
        yaml_check_keys(node, reader->where, entry_keys, reader->diag);
        if (diag_errors(reader->diag) != errors)
                return NULL;
        if (yaml_size(node) != 1) {
                yaml_fault(node, reader->diag, "%s must be one of block, movie_marathon or movie_block", reader->where);
                return NULL;
        }
        for (int kind = 0; entry_names[kind]; kind++) {
                const YamlNode *body = yaml_get(node, entry_names[kind]);
                if (body && reader_want(body, YAML_MAPPING, entry_names[kind], reader->diag))
                        return read_body(reader, (EntryKind)kind, body);
        }
        return NULL;
}

static int compare_entries(gconstpointer a_at, gconstpointer b_at) {
        const Entry *a = *(const Entry *const *)a_at, *b = *(const Entry *const *)b_at;
        return a->start != b->start ? a->start - b->start : a->place.line - b->place.line;
}

static void clock_text(int after_day_start, int day_start, char ret_text[6]) {
        const int minutes = (after_day_start + day_start) % DAY_MINUTES;
        g_snprintf(ret_text, 6, "%02d:%02d", minutes / 60 % 24, minutes % 60);
}

/* INV-PLAN-NO-ZONE-OVERLAP-001: within a layer nothing meets; between layers the more specific one lies on top. */
static void check_overlap(const Reader *reader, Layer layer, const GPtrArray *entries) {
        for (guint i = 0; i < entries->len; i++) {
                const Entry *entry = entries->pdata[i];
                const bool last = i + 1 == entries->len;
                const Entry *next = entries->pdata[last ? 0 : i + 1];
                /* What runs over the day's end meets the same layer's next day only where that is every day. */
                if (last && (entries->len == 1 || layer != LAYER_ALL_DAY))
                        continue;
                const int next_start = next->start + (last ? DAY_MINUTES : 0);
                if (entry->end <= next_start)
                        continue;
                char end[6], start[6];
                clock_text(entry->end, reader->spec->day_start_minutes, end);
                clock_text(next->start, reader->spec->day_start_minutes, start);
                diag_add(reader->diag, DIAG_ERROR, next->place.file, next->place.line, next->place.column,
                         "two entries of schedule.%s meet: one runs until %s (line %d), this one starts at %s",
                         layer_names[layer], end, entry->place.line, start);
        }
}

static void finish_layer(const Reader *reader, Layer layer, GPtrArray *entries) {
        g_ptr_array_sort(entries, compare_entries);
        for (guint i = 0; i < entries->len; i++) {
                Entry *entry = entries->pdata[i];
                char start[6];
                clock_text(entry->start, reader->spec->day_start_minutes, start);
                entry->key = g_strdup_printf("%s@%s", layer_names[layer], start);
                if (entry->end == OPEN_END)
                        entry->end = i + 1 < entries->len ? ((Entry *)entries->pdata[i + 1])->start : DAY_MINUTES;
        }
        check_overlap(reader, layer, entries);
}

static void read_layer(Reader *reader, Layer layer, const YamlNode *node) {
        const bool list = yaml_kind(node) == YAML_SEQUENCE;
        GPtrArray *entries = g_ptr_array_new_with_free_func((GDestroyNotify)entry_free);
        reader->rules->layers[layer] = entries;
        if (list && yaml_size(node) == 0)
                yaml_fault(node, reader->diag, "schedule.%s is empty", layer_names[layer]);
        for (unsigned i = 0; i < (list ? yaml_size(node) : 1); i++) {
                g_autofree char *where = g_strdup_printf("schedule.%s[%u]", layer_names[layer], i);
                reader->where = where;
                Entry *entry = read_entry(reader, list ? yaml_item(node, i) : node);
                reader->where = NULL;
                if (entry)
                        g_ptr_array_add(entries, entry);
        }
        finish_layer(reader, layer, entries);
}

void schedule_read(ScheduleRules *rules, const ChannelSpec *spec, const YamlNode *node, Diag *diag) {
        Reader reader = {.rules = rules, .spec = spec, .diag = diag};
        if (!reader_want(node, YAML_MAPPING, "schedule", diag))
                return;
        yaml_check_keys(node, "schedule", schedule_keys, diag);
        reader_refuse(node, "schedule", schedule_later, diag);
        bool any = false;
        for (int layer = 0; layer < LAYER_COUNT; layer++) {
                const YamlNode *entries = yaml_get(node, layer_names[layer]);
                if (entries)
                        read_layer(&reader, (Layer)layer, entries);
                any = any || entries;
        }
        if (!any)
                yaml_fault(node, diag, "schedule has no layer: begin with all_day");
}
