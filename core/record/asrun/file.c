#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "core/record/asrun/asrun_private.h"
#include "proto/base/error.h"

static bool write_at(int fd, int64_t offset, const char *text, size_t size) {
        while (size > 0) {
                ssize_t n = pwrite(fd, text, size, offset);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return false;
                text += n;
                offset += n;
                size -= (size_t)n;
        }
        return true;
}

int64_t asrun_file_append(const char *path, int64_t offset, const char *header, const char *text, GError **error) {
        g_autofree char *dir = g_path_get_dirname(path);
        g_autofree char *all = g_strconcat(offset == 0 ? header : "", text, NULL);
        size_t size = strlen(all);
        if (g_mkdir_with_parents(dir, 0755) < 0) {
                rv_error_set_errno(error, errno, "cannot make %s", dir);
                return -1;
        }
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        bool done = fd >= 0 && write_at(fd, offset, all, size) && ftruncate(fd, offset + (int64_t)size) == 0 &&
                    fdatasync(fd) == 0;
        if (!done)
                rv_error_set_errno(error, errno, "cannot write %s", path);
        if (fd >= 0)
                close(fd);
        return done ? offset + (int64_t)size : -1;
}
