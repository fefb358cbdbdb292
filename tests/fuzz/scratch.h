/* A file of the process's own that holds an input, for readers that take a path. */
#pragma once

#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

static char *scratch_dir, *scratch_file;

static void scratch_remove(void) {
        g_remove(scratch_file);
        g_rmdir(scratch_dir);
        g_free(scratch_file);
        g_free(scratch_dir);
}

/* The path; the same each time, so that an input replaces the one before. */
static inline const char *scratch_write(const char *name, const uint8_t *data, size_t size) {
        if (!scratch_dir) {
                scratch_dir = g_dir_make_tmp("retrovue-fuzz-XXXXXX", NULL);
                g_assert(scratch_dir);
                scratch_file = g_build_filename(scratch_dir, name, NULL);
                atexit(scratch_remove);
        }
        int fd = open(scratch_file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        g_assert(fd >= 0 && write(fd, data, size) == (ssize_t)size);
        close(fd);
        return scratch_file;
}
