/* Another program's library database -> a list of files, or an error. Read as either kind. */
#include "core/plan/catalog/import/import.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/scratch.h"

typedef bool (*Reader)(Foreign *foreign, const char *const *sections, ImportList *list, GError **error);

static void read_as(const char *path, Reader reader) {
        atomic_bool stop = false;
        g_autoptr(GError) error = NULL;
        g_autoptr(ImportList) list = import_list_new();
        g_autoptr(Foreign) foreign = foreign_open(path, "a", &stop, &error);
        bool good = foreign && reader(foreign, NULL, list, &error);
        g_assert(good == !error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        const char *path = scratch_write("library.db", data, size);
        read_as(path, plex_read);
        read_as(path, jellyfin_read);
        return 0;
}
