#include "tests/support/temp_dir.h"

#include <ftw.h>
#include <glib.h>
#include <glib/gstdio.h>

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw) {
        return g_remove(path);
}

char *temp_dir_new(void) {
        g_autoptr(GError) error = NULL;
        char *dir = g_dir_make_tmp("retrovue-test-XXXXXX", &error);
        g_assert_no_error(error);
        return dir;
}

void temp_dir_free(char *dir) {
        if (!dir)
                return;
        (void)nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
        g_free(dir);
}
