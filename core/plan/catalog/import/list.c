#include <string.h>

#include "core/plan/catalog/import/import.h"
#include "core/plan/catalog/names.h"
#include "proto/base/error.h"

#define MAX_NOTES 20
#define MAX_PARAGRAPH_CHARS 4000

static void library_free(ImportLibrary *library) {
        g_free(library->id);
        g_free(library->name);
        g_strfreev(library->roots);
        g_free(library);
}

void import_item_free(ImportItem *item) {
        if (!item)
                return;
        g_free(item->path);
        g_free(item->key);
        g_free(item->group);
        g_free(item->title);
        g_clear_pointer(&item->series, g_ref_string_release);
        g_clear_pointer(&item->rating, g_ref_string_release);
        g_clear_pointer(&item->studio, g_ref_string_release);
        g_free(item->description);
        g_clear_pointer(&item->air_date, g_ref_string_release);
        g_strfreev(item->genres);
        g_strfreev(item->collections);
        g_strfreev(item->labels);
        g_free(item);
}

ImportList *import_list_new(void) {
        ImportList *list = g_new0(ImportList, 1);
        list->libraries = g_ptr_array_new_with_free_func((GDestroyNotify)library_free);
        list->items = g_ptr_array_new_with_free_func((GDestroyNotify)import_item_free);
        list->notes = g_ptr_array_new_with_free_func(g_free);
        return list;
}

void import_list_free(ImportList *list) {
        if (!list)
                return;
        g_ptr_array_unref(list->items);
        g_ptr_array_unref(list->libraries);
        g_ptr_array_unref(list->notes);
        g_free(list);
}

void import_list_skip(ImportList *list, const char *format, ...) {
        va_list args;
        list->n_skipped++;
        if (list->notes->len == MAX_NOTES)
                return;
        va_start(args, format);
        g_autofree char *note = g_strdup_vprintf(format, args);
        va_end(args);
        g_ptr_array_add(list->notes, g_utf8_make_valid(note, -1));
}

/* What thousands of items say alike is kept once. */
static void share(char **text) {
        char *shared = *text ? g_ref_string_new_intern(*text) : NULL;
        g_free(*text);
        *text = shared;
}

bool import_list_add(ImportList *list, ImportItem *take_item, GError **error) {
        share(&take_item->series);
        share(&take_item->rating);
        share(&take_item->studio);
        share(&take_item->air_date);
        if (list->items->len < IMPORT_MAX_ITEMS) {
                g_ptr_array_add(list->items, take_item);
                return true;
        }
        import_item_free(take_item);
        g_set_error(error, RV_ERROR, RV_ERROR_LIMIT, "the library has more than %d files", IMPORT_MAX_ITEMS);
        return false;
}

/* --- libraries --------------------------------------------------------------------------------------------------- */

static bool is_chosen(const ImportLibrary *library, const char *const *names) {
        for (size_t i = 0; names[i]; i++)
                if (g_ascii_strcasecmp(library->name, names[i]) == 0)
                        return true;
        return false;
}

static bool is_there(const ImportList *list, const char *name) {
        const char *const names[] = {name, NULL};
        for (guint i = 0; i < list->libraries->len; i++)
                if (is_chosen(list->libraries->pdata[i], names))
                        return true;
        return false;
}

static char *describe(const ImportList *list) {
        g_autoptr(GString) text = g_string_new(NULL);
        for (guint i = 0; i < list->libraries->len; i++) {
                const ImportLibrary *library = list->libraries->pdata[i];
                g_string_append_printf(text, "%s\"%s\"", i > 0 ? ", " : "", library->name);
        }
        return text->len > 0 ? g_strdup(text->str) : g_strdup("none");
}

bool import_list_choose(ImportList *list, const char *const *names, GError **error) {
        if (!names || !names[0])
                return true;
        for (size_t i = 0; names[i]; i++)
                if (!is_there(list, names[i])) {
                        g_autofree char *known = describe(list);
                        g_set_error(error, RV_ERROR, RV_ERROR_INVALID, "there is no library \"%s\"; there are: %s",
                                    names[i], known);
                        return false;
                }
        for (guint i = list->libraries->len; i > 0; i--)
                if (!is_chosen(list->libraries->pdata[i - 1], names))
                        g_ptr_array_remove_index(list->libraries, i - 1);
        return true;
}

const ImportLibrary *import_list_library(const ImportList *list, const char *id) {
        for (guint i = 0; id && i < list->libraries->len; i++) {
                const ImportLibrary *library = list->libraries->pdata[i];
                if (g_str_equal(library->id, id))
                        return library;
        }
        return NULL;
}

/* --- texts ------------------------------------------------------------------------------------------------------- */

static char *unless_empty(char *take_text) {
        if (take_text[0])
                return take_text;
        g_free(take_text);
        return NULL;
}

char *import_text(const char *text) {
        return text ? unless_empty(names_clean(text)) : NULL;
}

char *import_paragraph(const char *text) {
        return text ? unless_empty(names_paragraph(text, MAX_PARAGRAPH_CHARS)) : NULL;
}
