#include "core/plan/schedule/reader.h"

#include <stdarg.h>
#include <string.h>

#define NUMBER_MAX 100000
#define FAULTS_MANY 200 /* more are counted and not shown */

void place_set(Place *place, const YamlNode *node) {
        place_clear(place);
        *place = (Place){.file = g_strdup(yaml_file(node)), .line = yaml_line(node), .column = yaml_column(node)};
}

void place_clear(Place *place) {
        g_clear_pointer(&place->file, g_free);
}

static const char *kind_name(YamlKind kind) {
        switch (kind) {
        case YAML_SCALAR:
                return "a single value";
        case YAML_SEQUENCE:
                return "a list";
        case YAML_MAPPING:
                return "keys and values";
        }
        return "something else";
}

bool reader_want(const YamlNode *node, YamlKind kind, const char *where, Diag *diag) {
        if (yaml_kind(node) == kind)
                return true;
        yaml_fault(node, diag, "%s must be %s, not %s", where, kind_name(kind), kind_name(yaml_kind(node)));
        return false;
}

void reader_warn(const YamlNode *node, Diag *diag, const char *format, ...) {
        va_list arguments;
        va_start(arguments, format);
        g_autofree char *message = g_strdup_vprintf(format, arguments);
        va_end(arguments);
        diag_add(diag, DIAG_WARNING, yaml_file(node), yaml_line(node), yaml_column(node), "%s", message);
}

/* --- names ----------------------------------------------------------------------------------------------------------
 */

void reader_unknown(const YamlNode *node, const char *what, const char *name, const char *where,
                    const char *const *known, Diag *diag) {
        const char *near = diag_errors(diag) < FAULTS_MANY ? diag_nearest(name, known) : NULL;
        if (near)
                yaml_fault(node, diag, "no %s \"%s\" (used in %s): did you mean \"%s\"?", what, name, where, near);
        else
                yaml_fault(node, diag, "no %s \"%s\" (used in %s): define it under \"%ss\"", what, name, where, what);
}

const char **reader_keys(const YamlNode *mapping) {
        const unsigned n = mapping ? yaml_size(mapping) : 0;
        const char **keys = g_new0(const char *, n + 1);
        for (unsigned i = 0; i < n; i++)
                keys[i] = yaml_key(mapping, i);
        return keys;
}

const Pool *reader_pool(const ScheduleRules *rules, const YamlNode *node, const char *name, const char *where,
                        Diag *diag) {
        const Pool *pool = rules_pool(rules, name);
        if (pool || rules->incomplete)
                return pool;
        g_autoptr(GPtrArray) names = g_ptr_array_new();
        for (guint i = 0; i < rules->pools->len; i++)
                if (!((const Pool *)rules->pools->pdata[i])->unwritten)
                        g_ptr_array_add(names, ((const Pool *)rules->pools->pdata[i])->name);
        g_ptr_array_add(names, NULL);
        reader_unknown(node, "pool", name, where, (const char *const *)names->pdata, diag);
        return NULL;
}

/* --- values ---------------------------------------------------------------------------------------------------------
 */

static bool add_string(GStrvBuilder *builder, const YamlNode *node, Diag *diag) {
        const char *text = NULL;
        if (!yaml_read_text(node, &text, diag))
                return false;
        g_strv_builder_add(builder, text);
        return true;
}

char **reader_strings(const YamlNode *node, Diag *diag) {
        g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
        if (yaml_kind(node) != YAML_SEQUENCE)
                return add_string(builder, node, diag) ? g_strv_builder_end(builder) : NULL;
        if (yaml_size(node) == 0) {
                yaml_fault(node, diag, "this list is empty: name at least one");
                return NULL;
        }
        bool good = true;
        for (unsigned i = 0; i < yaml_size(node); i++)
                good = add_string(builder, yaml_item(node, i), diag) && good;
        g_auto(GStrv) strings = g_strv_builder_end(builder);
        return good ? g_steal_pointer(&strings) : NULL;
}

/* A run of 1..n digits; its value, and the place after it. -1 when there is none. */
static int64_t digits(const char **at, int most) {
        int64_t value = 0;
        int n = 0;
        for (; n < most && g_ascii_isdigit((*at)[n]); n++)
                value = value * 10 + ((*at)[n] - '0');
        *at += n;
        return n > 0 ? value : -1;
}

bool reader_clock(const YamlNode *node, int *ret_minutes, Diag *diag) {
        const char *text = NULL;
        if (!yaml_read_text(node, &text, diag))
                return false;
        const char *at = text;
        const int64_t hours = digits(&at, 2);
        const bool colon = *at == ':';
        at += colon;
        const char *const minutes_at = at;
        const int64_t minutes = digits(&at, 2);
        if (hours < 0 || !colon || at - minutes_at != 2 || *at || minutes > 59 || hours * 60 + minutes > DAY_MINUTES) {
                yaml_fault(node, diag, "\"%s\" is not a time of day: write it as HH:MM, like \"20:30\"", text);
                return false;
        }
        *ret_minutes = (int)(hours * 60 + minutes) % DAY_MINUTES;
        return true;
}

bool reader_duration(const YamlNode *node, int *ret_minutes, Diag *diag) {
        int64_t ms = 0;
        if (!yaml_read_duration_ms(node, MINUTE_MS, DAY_MINUTES * MINUTE_MS, &ms, diag))
                return false;
        if (ms % MINUTE_MS != 0) {
                yaml_fault(node, diag, "\"%s\" is not a whole number of minutes", yaml_text(node));
                return false;
        }
        *ret_minutes = (int)(ms / MINUTE_MS);
        return true;
}

static bool parse_range(const char *text, NumberRange *ret_range) {
        const char *at = text;
        const int64_t low = digits(&at, 6);
        int64_t high = low;
        if (g_str_has_prefix(at, "..") || *at == '-') {
                at += *at == '-' ? 1 : 2;
                high = digits(&at, 6);
        }
        if (low < 0 || high < low || high > NUMBER_MAX || *at)
                return false;
        *ret_range = (NumberRange){low, high};
        return true;
}

static bool add_range(GArray *ranges, const YamlNode *node, Diag *diag) {
        const char *text = NULL;
        NumberRange range;
        if (!yaml_read_text(node, &text, diag))
                return false;
        if (!parse_range(text, &range)) {
                yaml_fault(node, diag, "\"%s\" is neither a number nor a range: write 3, \"4..6\" or [1, \"4..6\"]",
                           text);
                return false;
        }
        g_array_append_val(ranges, range);
        return true;
}

GArray *reader_numbers(const YamlNode *node, Diag *diag) {
        g_autoptr(GArray) ranges = g_array_new(false, false, sizeof(NumberRange));
        bool good = true;
        if (yaml_kind(node) == YAML_SEQUENCE)
                for (unsigned i = 0; i < yaml_size(node); i++)
                        good = add_range(ranges, yaml_item(node, i), diag) && good;
        else
                good = add_range(ranges, node, diag);
        if (good && ranges->len == 0) {
                yaml_fault(node, diag, "this list is empty: name at least one");
                good = false;
        }
        return good ? g_steal_pointer(&ranges) : NULL;
}

int reader_choice(const YamlNode *node, const char *const *words, Diag *diag) {
        const char *text = NULL;
        if (!yaml_read_text(node, &text, diag))
                return -1;
        for (int i = 0; words[i]; i++)
                if (strcmp(words[i], text) == 0)
                        return i;
        const char *near = diag_nearest(text, words);
        g_autofree char *all = g_strjoinv(", ", (char **)words);
        if (near)
                yaml_fault(node, diag, "\"%s\" is not one of %s: did you mean \"%s\"?", text, all, near);
        else
                yaml_fault(node, diag, "\"%s\" is not one of %s", text, all);
        return -1;
}
