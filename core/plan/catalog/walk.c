#include "core/plan/catalog/walk.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "proto/base/hash.h"
#include "proto/base/log.h"

#define MAX_DEPTH 32
#define MAX_FILES 1000000
#define EDITORIAL_RULES "1" /* rises when names.c or nfo.c read the same inputs differently */

static const char *const media_extensions[] = {
        "mkv", "mp4",  "m4v", "mov",  "avi", "webm", "mpg", "mpeg", "ts",  "m2ts", "mts", "ogv", "ogm",
        "wmv", "flv",  "3gp", "3g2",  "vob", "divx", "mpe", "m2v",  "m1v", "asf",  "f4v", "mxf", "qt",
        "m2t", "mk3d", "nut", "rmvb", "rm",  "y4m",  "dv",  "wtv",  "ogg", "opus", "mka", NULL,
};

/* Written by storage boxes and desktops, not by people. */
static const char *const ignored_folders[] = {
        "@eaDir", "lost+found", "$RECYCLE.BIN", "System Volume Information", "#recycle", NULL,
};

typedef struct {
        dev_t device;
        ino_t number;
} FolderId;

typedef struct {
        Walk *walk;
        const char *root, *root_name;
        GHashTable *seen; /* FolderId */
        const atomic_bool *stop;
} Walker;

/* An entry of the folder that is being read. */
typedef struct {
        char *name;
        struct stat st;
        int stat_errno;
} Entry;

static guint folder_hash(const void *key) {
        const FolderId *id = key;
        return (guint)(id->number ^ (id->number >> 32) ^ id->device * 31);
}

static gboolean folder_equal(const void *a, const void *b) {
        const FolderId *left = a, *right = b;
        return left->device == right->device && left->number == right->number;
}

void walk_file_free(WalkFile *file) {
        if (!file)
                return;
        g_free(file->path);
        g_free(file->root_name);
        g_free(file->relative);
        g_free(file->nfo);
        g_free(file->show_nfo);
        g_free(file->stamp);
        g_free(file->fault);
        g_free(file);
}

static void entry_free(Entry *entry) {
        g_free(entry->name);
        g_free(entry);
}

Walk *walk_new(void) {
        Walk *walk = g_new0(Walk, 1);
        walk->files = g_ptr_array_new_with_free_func((GDestroyNotify)walk_file_free);
        walk->unread = g_ptr_array_new_with_free_func(g_free);
        return walk;
}

void walk_free(Walk *walk) {
        if (!walk)
                return;
        g_ptr_array_unref(walk->files);
        g_ptr_array_unref(walk->unread);
        g_free(walk);
}

bool walk_below(const char *path, const char *dir) {
        const size_t n = strlen(dir);
        return strncmp(path, dir, n) == 0 && (path[n] == '/' || (n > 0 && dir[n - 1] == '/'));
}

static const char *skip_zeros(const char *digits) {
        while (*digits == '0' && g_ascii_isdigit(digits[1]))
                digits++;
        return digits;
}

/* Compares the numbers at *a and *b and moves both behind them. */
static int compare_numbers(const char **a, const char **b) {
        const char *left = skip_zeros(*a), *right = skip_zeros(*b);
        const size_t n = strspn(left, "0123456789"), m = strspn(right, "0123456789");
        *a = left + n;
        *b = right + m;
        return n != m ? (n < m ? -1 : 1) : strncmp(left, right, n);
}

int walk_natural_order(const char *a, const char *b) {
        const char *p = a, *q = b;
        while (*p != '\0' && *q != '\0') {
                if (g_ascii_isdigit(*p) && g_ascii_isdigit(*q)) {
                        const int order = compare_numbers(&p, &q);
                        if (order != 0)
                                return order;
                        continue;
                }
                const int left = (unsigned char)g_ascii_tolower(*p), right = (unsigned char)g_ascii_tolower(*q);
                if (left != right)
                        return left - right;
                p++;
                q++;
        }
        if (*p != *q)
                return *p == '\0' ? -1 : 1;
        return strcmp(a, b);
}

static int compare_entries(const void *a, const void *b) {
        return walk_natural_order((*(Entry *const *)a)->name, (*(Entry *const *)b)->name);
}

static bool is_media(const char *name) {
        const char *dot = strrchr(name, '.');
        g_autofree char *extension = dot && dot != name ? g_ascii_strdown(dot + 1, -1) : NULL;
        return extension && g_strv_contains(media_extensions, extension);
}

static bool is_folder(const Entry *entry) {
        return entry->stat_errno == 0 && S_ISDIR(entry->st.st_mode);
}

/* The folder's entries in natural order; NULL: it could not be read. */
static GPtrArray *read_folder(const char *path) {
        DIR *dir = opendir(path);
        if (!dir)
                return NULL;
        GPtrArray *entries = g_ptr_array_new_with_free_func((GDestroyNotify)entry_free);
        errno = 0;
        for (struct dirent *item; (item = readdir(dir)); errno = 0) {
                if (item->d_name[0] == '.' || g_strv_contains(ignored_folders, item->d_name))
                        continue;
                Entry *entry = g_new0(Entry, 1);
                entry->name = g_strdup(item->d_name);
                entry->stat_errno = fstatat(dirfd(dir), item->d_name, &entry->st, 0) == 0 ? 0 : errno;
                g_ptr_array_add(entries, entry);
        }
        const int failure = errno;
        closedir(dir);
        if (failure != 0)
                g_clear_pointer(&entries, g_ptr_array_unref);
        else
                g_ptr_array_sort(entries, compare_entries);
        errno = failure;
        return entries;
}

static const Entry *find_entry(GPtrArray *entries, const char *name) {
        for (guint i = 0; i < entries->len; i++) {
                const Entry *entry = g_ptr_array_index(entries, i);
                if (entry->stat_errno == 0 && S_ISREG(entry->st.st_mode) && g_ascii_strcasecmp(entry->name, name) == 0)
                        return entry;
        }
        return NULL;
}

/* "Pilot.nfo" for "Pilot.mkv"; "movie.nfo" for the only film of a folder. */
static char *own_nfo(const char *dir, GPtrArray *entries, const Entry *entry, bool alone) {
        const char *dot = strrchr(entry->name, '.');
        g_autofree char *name = g_strdup_printf("%.*s.nfo", (int)(dot - entry->name), entry->name);
        const Entry *nfo = find_entry(entries, name);
        if (!nfo && alone)
                nfo = find_entry(entries, "movie.nfo");
        return nfo ? g_build_filename(dir, nfo->name, NULL) : NULL;
}

static void append_sidecar(GString *text, const char *path) {
        struct stat st;
        if (path && stat(path, &st) == 0)
                g_string_append_printf(text, "%s %" G_GINT64_FORMAT " %" G_GINT64_FORMAT ".%09ld", path,
                                       (gint64)st.st_size, (gint64)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
        g_string_append_c(text, '\n');
}

static char *stamp(const WalkFile *file) {
        g_autoptr(GString) text = g_string_new(EDITORIAL_RULES "\n");
        g_string_append_printf(text, "%s\n%s\n%u %d\n", file->root_name, file->relative, file->position, file->alone);
        append_sidecar(text, file->nfo);
        append_sidecar(text, file->show_nfo);
        char hex[RV_SHA256_HEX_SIZE];
        rv_sha256_hex(text->str, text->len, hex);
        return g_strdup(hex);
}

static char *fault_of(const Entry *entry) {
        if (entry->stat_errno == ENOENT)
                return g_strdup("It is a link to a file that does not exist.");
        if (entry->stat_errno != 0)
                return g_strdup_printf("It cannot be looked at: %s.", g_strerror(entry->stat_errno));
        if (!S_ISREG(entry->st.st_mode))
                return g_strdup("It is not a regular file.");
        if (!g_utf8_validate(entry->name, -1, NULL))
                return g_strdup("Its name is not valid UTF-8; rename it.");
        return entry->st.st_size == 0 ? g_strdup("The file is empty.") : NULL;
}

static WalkFile *file_new(const Walker *walker, const char *dir, const Entry *entry) {
        WalkFile *file = g_new0(WalkFile, 1);
        file->path = g_build_filename(dir, entry->name, NULL);
        file->fault = fault_of(entry);
        if (!g_utf8_validate(file->path, -1, NULL)) {
                g_autofree char *raw = g_steal_pointer(&file->path);
                file->path = g_strescape(raw, NULL);
                if (!file->fault)
                        file->fault = g_strdup("Its folder's name is not valid UTF-8; rename it.");
        }
        file->root_name = g_strdup(walker->root_name);
        const char *below = walk_below(file->path, walker->root) ? file->path + strlen(walker->root) : file->path;
        while (*below == '/')
                below++;
        file->relative = g_strdup(below);
        if (entry->stat_errno == 0) {
                file->size = entry->st.st_size;
                file->mtime_ns = entry->st.st_mtim.tv_sec * INT64_C(1000000000) + entry->st.st_mtim.tv_nsec;
        }
        return file;
}

WalkFile *walk_file(const char *path) {
        g_autofree char *dir = g_path_get_dirname(path), *name = g_path_get_basename(path);
        Entry entry = {.name = name};
        if (path[0] != '/') {
                errno = ENOENT;
                return NULL;
        }
        if (stat(path, &entry.st) != 0)
                return NULL;
        const Walker walker = {.root = dir, .root_name = ""};
        return file_new(&walker, dir, &entry);
}

static void add_files(Walker *walker, const char *dir, GPtrArray *entries, const char *show_nfo) {
        uint32_t n_media = 0;
        for (guint i = 0; i < entries->len; i++) {
                const Entry *entry = g_ptr_array_index(entries, i);
                n_media += !is_folder(entry) && is_media(entry->name);
        }
        uint32_t position = 0;
        for (guint i = 0; i < entries->len && walker->walk->files->len < MAX_FILES; i++) {
                const Entry *entry = g_ptr_array_index(entries, i);
                if (is_folder(entry) || !is_media(entry->name))
                        continue;
                WalkFile *file = file_new(walker, dir, entry);
                file->position = ++position;
                file->alone = n_media == 1;
                file->nfo = own_nfo(dir, entries, entry, file->alone);
                file->show_nfo = g_strdup(show_nfo);
                file->stamp = stamp(file);
                g_ptr_array_add(walker->walk->files, file);
        }
}

static void leave_out(Walker *walker, const char *dir, const char *why) {
        rv_warning("catalog.folder_unread", RV_S("folder", dir), RV_S("reason", why));
        g_ptr_array_add(walker->walk->unread, g_strdup(dir));
}

/* False: it was met before, by another link or as part of another folder. INV-CATALOG-001 */
static bool first_visit(Walker *walker, const struct stat *st) {
        FolderId *id = g_new0(FolderId, 1);
        id->device = st->st_dev;
        id->number = st->st_ino;
        return g_hash_table_add(walker->seen, id);
}

static void visit(Walker *walker, const char *dir, const char *show_nfo_above, int depth) {
        g_autoptr(GPtrArray) entries = read_folder(dir);
        if (!entries) {
                leave_out(walker, dir, g_strerror(errno));
                return;
        }
        const Entry *nfo = find_entry(entries, "tvshow.nfo");
        g_autofree char *show_nfo = nfo ? g_build_filename(dir, nfo->name, NULL) : g_strdup(show_nfo_above);
        add_files(walker, dir, entries, show_nfo);
        for (guint i = 0; i < entries->len && !atomic_load(walker->stop); i++) {
                const Entry *entry = g_ptr_array_index(entries, i);
                if (!is_folder(entry) || !first_visit(walker, &entry->st))
                        continue;
                g_autofree char *path = g_build_filename(dir, entry->name, NULL);
                if (depth == MAX_DEPTH)
                        leave_out(walker, path, "folders are nested too deeply");
                else
                        visit(walker, path, show_nfo, depth + 1);
        }
}

void walk_folders(Walk *walk, const char *const *roots, const atomic_bool *stop) {
        g_autoptr(GHashTable) seen = g_hash_table_new_full(folder_hash, folder_equal, g_free, NULL);
        for (size_t i = 0; roots[i] && !atomic_load(stop); i++) {
                g_autofree char *root_name = g_path_get_basename(roots[i]);
                g_autofree char *valid_name = g_utf8_make_valid(root_name, -1);
                Walker walker = {walk, roots[i], valid_name, seen, stop};
                struct stat st;
                if (stat(roots[i], &st) != 0)
                        leave_out(&walker, roots[i], g_strerror(errno));
                else if (first_visit(&walker, &st))
                        visit(&walker, roots[i], NULL, 1);
        }
        if (walk->files->len == MAX_FILES)
                rv_warning("catalog.too_many_files", RV_I("limit", MAX_FILES));
}
