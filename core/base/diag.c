#include "core/base/diag.h"

#include <stdarg.h>
#include <string.h>

#define MAX_ENTRIES 200
#define MAX_WORD 64 /* longer words are not typing errors of one another */

struct Diag {
        GPtrArray *entries; /* DiagEntry */
        unsigned errors, total;
};

static void entry_free(DiagEntry *entry) {
        g_free(entry->file);
        g_free(entry->message);
        g_free(entry);
}

Diag *diag_new(void) {
        Diag *diag = g_new0(Diag, 1);
        diag->entries = g_ptr_array_new_with_free_func((GDestroyNotify)entry_free);
        return diag;
}

void diag_free(Diag *diag) {
        if (!diag)
                return;
        g_ptr_array_unref(diag->entries);
        g_free(diag);
}

void diag_add(Diag *diag, DiagSeverity severity, const char *file, int line, int column, const char *format, ...) {
        diag->total++;
        if (severity == DIAG_ERROR)
                diag->errors++;
        if (diag->entries->len == MAX_ENTRIES) /* INV-DIAG-002 */
                return;
        DiagEntry *entry = g_new0(DiagEntry, 1);
        entry->severity = severity;
        entry->file = g_strdup(file);
        entry->line = line;
        entry->column = column;
        va_list args;
        va_start(args, format);
        entry->message = g_strdup_vprintf(format, args);
        va_end(args);
        g_ptr_array_add(diag->entries, entry);
}

unsigned diag_errors(const Diag *diag) {
        return diag->errors;
}

unsigned diag_count(const Diag *diag) {
        return diag->entries->len;
}

const DiagEntry *diag_get(const Diag *diag, unsigned i) {
        g_assert(i < diag->entries->len);
        return g_ptr_array_index(diag->entries, i);
}

static int compare_places(const void *a, const void *b) {
        const DiagEntry *left = *(DiagEntry *const *)a, *right = *(DiagEntry *const *)b;
        const int files = g_strcmp0(left->file, right->file);
        if (files != 0)
                return files;
        if (left->line != right->line)
                return left->line < right->line ? -1 : 1;
        return (left->column > right->column) - (left->column < right->column);
}

/* The list in the order of places; entries of one place stay in the order in which they were found. */
static GPtrArray *by_place(const Diag *diag) {
        GPtrArray *sorted = g_ptr_array_new();
        for (unsigned i = 0; i < diag->entries->len; i++)
                g_ptr_array_add(sorted, g_ptr_array_index(diag->entries, i));
        g_ptr_array_sort(sorted, compare_places); /* INV-DIAG-001; a merge sort: stable */
        return sorted;
}

static void append_place(GString *text, const DiagEntry *entry) {
        if (!entry->file)
                return;
        g_string_append(text, entry->file);
        if (entry->line > 0)
                g_string_append_printf(text, ":%d", entry->line);
        if (entry->line > 0 && entry->column > 0)
                g_string_append_printf(text, ":%d", entry->column);
        g_string_append(text, ": ");
}

char *diag_text(const Diag *diag) {
        g_autoptr(GPtrArray) sorted = by_place(diag);
        GString *text = g_string_new(NULL);
        for (unsigned i = 0; i < sorted->len; i++) {
                const DiagEntry *entry = g_ptr_array_index(sorted, i);
                append_place(text, entry);
                g_string_append_printf(text, "%s%s\n", entry->severity == DIAG_WARNING ? "warning: " : "",
                                       entry->message);
        }
        if (diag->total > sorted->len)
                g_string_append_printf(text, "... and %u more\n", diag->total - sorted->len);
        return g_string_free(text, FALSE);
}

json_t *diag_json(const Diag *diag) {
        g_autoptr(GPtrArray) sorted = by_place(diag);
        json_t *list = json_array();
        for (unsigned i = 0; i < sorted->len; i++) {
                const DiagEntry *entry = g_ptr_array_index(sorted, i);
                g_autofree char *file = entry->file ? g_utf8_make_valid(entry->file, -1) : NULL;
                g_autofree char *message = g_utf8_make_valid(entry->message, -1);
                json_array_append_new(list,
                                      json_pack("{s:s, s:s?, s:i, s:i, s:s}", "severity",
                                                entry->severity == DIAG_ERROR ? "error" : "warning", "file", file,
                                                "line", entry->line, "column", entry->column, "message", message));
        }
        return list;
}

/* Edits (insert, delete, replace, swap neighbours) from a to b: optimal string alignment over three rows. */
static unsigned distance(const char *a, const char *b) {
        const size_t n = strlen(a), m = strlen(b);
        unsigned rows[3][MAX_WORD + 1];
        for (size_t j = 0; j <= m; j++)
                rows[0][j] = (unsigned)j;
        for (size_t i = 1; i <= n; i++) {
                unsigned *row = rows[i % 3];
                const unsigned *above = rows[(i + 2) % 3], *above2 = rows[(i + 1) % 3];
                row[0] = (unsigned)i;
                for (size_t j = 1; j <= m; j++) {
                        const unsigned change = above[j - 1] + (a[i - 1] != b[j - 1]);
                        row[j] = MIN(MIN(above[j], row[j - 1]) + 1, change);
                        if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                                row[j] = MIN(row[j], above2[j - 2] + 1);
                }
        }
        return rows[n % 3][m];
}

const char *diag_nearest(const char *word, const char *const *candidates) {
        if (strlen(word) > MAX_WORD)
                return NULL;
        g_autofree char *lower = g_ascii_strdown(word, -1);
        unsigned least = (unsigned)CLAMP(strlen(word) / 3, 1, 3) + 1;
        const char *nearest = NULL;
        for (size_t i = 0; candidates[i]; i++) {
                if (strlen(candidates[i]) > MAX_WORD)
                        continue;
                g_autofree char *candidate = g_ascii_strdown(candidates[i], -1);
                const unsigned d = distance(lower, candidate);
                if (d < least) {
                        least = d;
                        nearest = candidates[i];
                }
        }
        return nearest;
}
