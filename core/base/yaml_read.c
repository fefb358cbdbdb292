/* Typed readings of scalars and the check of keys: what a person meant, or a fault that says what was expected. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/yaml.h"

void yaml_fault(const YamlNode *node, Diag *diag, const char *format, ...) {
        va_list args;
        va_start(args, format);
        g_autofree char *message = g_strdup_vprintf(format, args);
        va_end(args);
        diag_add(diag, DIAG_ERROR, yaml_file(node), yaml_line(node), yaml_column(node), "%s", message);
}

static const char *kind_name(const YamlNode *node) {
        static const char *const names[] = {
                [YAML_SCALAR] = "a text", [YAML_SEQUENCE] = "a list", [YAML_MAPPING] = "a mapping"};
        return names[yaml_kind(node)];
}

/* What was written, for a message. */
static char *written(const YamlNode *node) {
        const char *text = yaml_text(node);
        if (!text)
                return g_strdup(kind_name(node));
        return *text == '\0' ? g_strdup("nothing") : g_strdup_printf("\"%.60s\"", text);
}

bool yaml_read_int(const YamlNode *node, int64_t min, int64_t max, int64_t *ret_value, Diag *diag) {
        const char *text = yaml_text(node);
        gint64 value = 0;
        if (!text || !g_ascii_string_to_signed(text, 10, min, max, &value, NULL)) {
                g_autofree char *got = written(node);
                yaml_fault(node, diag,
                           "expected a whole number from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT ", found %s", min,
                           max, got);
                return false;
        }
        *ret_value = value;
        return true;
}

bool yaml_read_bool(const YamlNode *node, bool *ret_value, Diag *diag) {
        static const char *const yes[] = {"true", "yes", "on", NULL}, *const no[] = {"false", "no", "off", NULL};
        const char *text = yaml_text(node);
        g_autofree char *lower = text ? g_ascii_strdown(text, -1) : NULL;
        if (lower && g_strv_contains(yes, lower)) {
                *ret_value = true;
                return true;
        }
        if (lower && g_strv_contains(no, lower)) {
                *ret_value = false;
                return true;
        }
        g_autofree char *got = written(node);
        yaml_fault(node, diag, "expected true or false, found %s", got);
        return false;
}

bool yaml_read_text(const YamlNode *node, const char **ret_text, Diag *diag) {
        const char *text = yaml_text(node);
        if (!text || *text == '\0') {
                g_autofree char *got = written(node);
                yaml_fault(node, diag, "expected a text, found %s", got);
                return false;
        }
        *ret_text = text;
        return true;
}

typedef struct {
        const char *name;
        int64_t ms;
} Unit;

/* Largest first: "3h30m" is a duration, "30m3h" is a slip. "ms" before "m", so that the longer name is tried first. */
static const Unit units[] = {{"d", 86400000}, {"h", 3600000}, {"ms", 1}, {"m", 60000}, {"s", 1000}};

/* One "<digits><unit>" at *p, smaller than the one before it. */
static bool duration_part(const char **p, int64_t *before_ms, int64_t *total_ms) {
        if (!g_ascii_isdigit(**p))
                return false;
        char *end = NULL;
        errno = 0;
        const guint64 number = g_ascii_strtoull(*p, &end, 10);
        for (size_t i = 0; i < G_N_ELEMENTS(units) && errno == 0; i++) {
                int64_t part = 0;
                if (!g_str_has_prefix(end, units[i].name))
                        continue;
                if (units[i].ms >= *before_ms || number > G_MAXINT64 ||
                    __builtin_mul_overflow((int64_t)number, units[i].ms, &part) ||
                    __builtin_add_overflow(*total_ms, part, total_ms))
                        return false;
                *before_ms = units[i].ms;
                *p = end + strlen(units[i].name);
                return true;
        }
        return false;
}

static bool parse_duration(const char *text, int64_t *ret_ms) {
        int64_t before_ms = G_MAXINT64, total_ms = 0;
        do {
                if (!duration_part(&text, &before_ms, &total_ms))
                        return false;
        } while (*text != '\0');
        *ret_ms = total_ms;
        return true;
}

bool yaml_read_duration_ms(const YamlNode *node, int64_t min_ms, int64_t max_ms, int64_t *ret_ms, Diag *diag) {
        const char *text = yaml_text(node);
        int64_t ms = 0;
        if (!text || !parse_duration(text, &ms)) {
                g_autofree char *got = written(node);
                yaml_fault(node, diag, "expected a duration such as 500ms, 20s, 90m, 3h30m or 2d, found %s", got);
                return false;
        }
        if (ms < min_ms || ms > max_ms) {
                yaml_fault(node, diag, "the duration %s is not within %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT " ms",
                           text, min_ms, max_ms);
                return false;
        }
        *ret_ms = ms;
        return true;
}

void yaml_check_keys(const YamlNode *mapping, const char *where, const char *const *allowed, Diag *diag) {
        if (yaml_kind(mapping) != YAML_MAPPING)
                return;
        for (unsigned i = 0; i < yaml_size(mapping); i++) {
                const char *key = yaml_key(mapping, i);
                if (g_strv_contains(allowed, key))
                        continue;
                const char *nearest = diag_nearest(key, allowed);
                g_autofree char *place = where && *where != '\0' ? g_strdup_printf(" in %s", where) : g_strdup("");
                if (nearest) /* INV-YAML-005 */
                        yaml_fault(yaml_key_node(mapping, i), diag, "unknown key \"%s\"%s: did you mean \"%s\"?", key,
                                   place, nearest);
                else
                        yaml_fault(yaml_key_node(mapping, i), diag, "unknown key \"%s\"%s", key, place);
        }
}
