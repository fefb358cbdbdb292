#include "core/last_good.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/diag.h"
#include "core/base/store.h"
#include "core/plan/schedule/schedule.h"
#include "proto/base/error.h"

#define POINTER "current" /* names the copy that is whole */
#define FILE_MAX (1024 * 1024)
#define FILES_MAX 10000
#define FOLDERS_MAX 8 /* one in the other */

typedef struct {
        unsigned n_files;
        GError **error;
} Copy;

static bool copy_folder(Copy *copy, const char *from, const char *to, unsigned depth);

static bool copy_file(Copy *copy, const char *from, const char *to) {
        g_autofree char *text = NULL;
        gsize size = 0;
        return g_file_get_contents(from, &text, &size, copy->error) &&
               g_file_set_contents_full(to, text, (gssize)size, G_FILE_SET_CONTENTS_NONE, 0644, copy->error);
}

static bool copy_entry(Copy *copy, const char *from, const char *to, unsigned depth) {
        struct stat status;
        if (g_stat(from, &status) != 0)
                return true; /* gone meanwhile: a change of which we shall hear */
        if (S_ISDIR(status.st_mode))
                return depth >= FOLDERS_MAX || copy_folder(copy, from, to, depth + 1);
        if (!S_ISREG(status.st_mode) || status.st_size > FILE_MAX || copy->n_files++ >= FILES_MAX)
                return true;
        return copy_file(copy, from, to);
}

static bool copy_folder(Copy *copy, const char *from, const char *to, unsigned depth) {
        g_autoptr(GDir) dir = g_dir_open(from, 0, copy->error);
        const char *name;
        if (!dir)
                return false;
        if (g_mkdir_with_parents(to, 0755) != 0) {
                rv_error_set_errno(copy->error, errno, "cannot make %s", to);
                return false;
        }
        while ((name = g_dir_read_name(dir))) {
                g_autofree char *below = g_build_filename(from, name, NULL), *copied = g_build_filename(to, name, NULL);
                if (name[0] != '.' && !copy_entry(copy, below, copied, depth))
                        return false;
        }
        return true;
}

/* As far as it can be: what is left is in nobody's way. */
static void remove_tree(const char *path) {
        g_autoptr(GDir) dir = g_file_test(path, G_FILE_TEST_IS_SYMLINK) ? NULL : g_dir_open(path, 0, NULL);
        const char *name;
        while (dir && (name = g_dir_read_name(dir))) {
                g_autofree char *below = g_build_filename(path, name, NULL);
                remove_tree(below);
        }
        (void)g_remove(path);
}

static void remove_others(const char *dir_path, const char *current) {
        g_autoptr(GDir) dir = g_dir_open(dir_path, 0, NULL);
        const char *name;
        while (dir && (name = g_dir_read_name(dir))) {
                g_autofree char *path = g_build_filename(dir_path, name, NULL);
                if (!g_str_equal(name, current) && !g_str_equal(name, POINTER))
                        remove_tree(path);
        }
}

/* NULL: there is no copy. */
static char *current_copy(const char *dir) {
        g_autofree char *path = g_build_filename(dir, POINTER, NULL);
        char *name = NULL;
        if (!g_file_get_contents(path, &name, NULL, NULL))
                return NULL;
        if (strlen(name) == 16 && strspn(name, "0123456789abcdef") == 16)
                return name;
        g_free(name);
        return NULL;
}

bool last_good_keep(const char *dir, const char *channels_dir, uint64_t version, GError **error) {
        Copy copy = {.error = error};
        g_autofree char *name = g_strdup_printf("%016" G_GINT64_MODIFIER "x", version);
        g_autofree char *current = current_copy(dir), *to = g_build_filename(dir, name, NULL);
        g_autofree char *pointer = g_build_filename(dir, POINTER, NULL);
        if (g_strcmp0(current, name) == 0)
                return true;
        remove_tree(to); /* what a crash left of it */
        if (!copy_folder(&copy, channels_dir, to, 0) || !store_write_file(pointer, name, strlen(name), error))
                return false;
        remove_others(dir, name);
        return true;
}

GPtrArray *last_good_specs(const char *dir, const CatalogSnapshot *catalog) {
        g_autofree char *current = current_copy(dir);
        g_autofree char *copy = current ? g_build_filename(dir, current, NULL) : NULL;
        g_autoptr(Diag) diag = diag_new();
        if (copy && g_file_test(copy, G_FILE_TEST_IS_DIR))
                return channel_specs_load(copy, catalog, diag);
        return g_ptr_array_new_with_free_func((GDestroyNotify)channel_spec_unref);
}
