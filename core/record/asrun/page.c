#include "core/record/asrun/asrun_private.h"

/* Up to so many files are flushed one by one; beyond, one flush of the file system costs less than theirs together. */
enum { SYNCED_ALONE = 8 };

typedef struct {
        char *header;
        GString *text;
        int64_t old_size;
        bool touched;
} Page;

static void page_free(void *user) {
        Page *page = user;
        g_free(page->header);
        g_string_free(page->text, TRUE);
        g_free(page);
}

GHashTable *asrun_pages_new(void) {
        return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, page_free);
}

void asrun_page_add(AsRun *asrun, char *take_name, const char *header, const char *text) {
        Page *page = g_hash_table_lookup(asrun->pages, take_name);
        if (!page) {
                page = g_new0(Page, 1);
                page->header = g_strdup(header);
                page->text = g_string_new(NULL);
                g_hash_table_insert(asrun->pages, g_strdup(take_name), page);
        }
        g_string_append(page->text, text);
        g_free(take_name);
}

static char *path_of(const AsRun *asrun, const char *name) {
        return g_build_filename(asrun->logs_dir, "asrun", name, NULL);
}

/* INV-ASRUN-IMMUTABLE-001: only ever appended to. The size is committed with the events, so a line whose commit did not
 * happen is written over, and none appears twice. */
static bool write_page(AsRun *asrun, const char *name, Page *page, GError **error) {
        g_autofree char *path = path_of(asrun, name);
        page->old_size = asrun_store_file_size(asrun, name, error);
        if (page->old_size < 0)
                return false;
        page->touched = true;
        int64_t size = asrun_file_append(path, page->old_size, page->header, page->text->str, error);
        return size >= 0 && asrun_store_set_file_size(asrun, name, size, error);
}

static bool write_all(AsRun *asrun, GError **error) {
        GHashTableIter iter;
        gpointer name, page;
        g_hash_table_iter_init(&iter, asrun->pages);
        while (g_hash_table_iter_next(&iter, &name, &page))
                if (!write_page(asrun, name, page, error))
                        return false;
        return true;
}

static bool sync_all(AsRun *asrun, GError **error) {
        GHashTableIter iter;
        gpointer name;
        if (g_hash_table_size(asrun->pages) > SYNCED_ALONE)
                return asrun_file_sync_all(asrun->logs_dir, error);
        g_hash_table_iter_init(&iter, asrun->pages);
        while (g_hash_table_iter_next(&iter, &name, NULL)) {
                g_autofree char *path = path_of(asrun, name);
                if (!asrun_file_sync(path, error))
                        return false;
        }
        return true;
}

bool asrun_pages_write(AsRun *asrun, GError **error) {
        return write_all(asrun, error) && sync_all(asrun, error);
}

/* Nobody should read what is not recorded, until the next line takes its place. */
void asrun_pages_take_back(AsRun *asrun) {
        GHashTableIter iter;
        gpointer name, value;
        g_hash_table_iter_init(&iter, asrun->pages);
        while (g_hash_table_iter_next(&iter, &name, &value)) {
                const Page *page = value;
                g_autofree char *path = path_of(asrun, name);
                if (page->touched)
                        asrun_file_cut(path, page->old_size);
        }
}

void asrun_pages_drop(AsRun *asrun) {
        g_hash_table_remove_all(asrun->pages);
}
