#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/record/asrun/asrun_private.h"
#include "proto/base/error.h"
#include "proto/base/log.h"

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

/* Where the next text goes; -1 on failure. A file that somebody has taken away or cut goes on at its end, not beyond.
 */
static int64_t place_in(int fd, const char *path, int64_t offset) {
        struct stat st;
        if (fstat(fd, &st) < 0)
                return -1;
        if (st.st_size < offset)
                rv_warning("asrun.file_cut", RV_S("path", path), RV_I("size", st.st_size), RV_I("expected", offset));
        return MIN(offset, (int64_t)st.st_size);
}

int64_t asrun_file_append(const char *path, int64_t offset, const char *header, const char *text, GError **error) {
        g_autofree char *dir = g_path_get_dirname(path);
        if (g_mkdir_with_parents(dir, 0755) < 0) {
                rv_error_set_errno(error, errno, "cannot make %s", dir);
                return -1;
        }
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        int64_t at = fd >= 0 ? place_in(fd, path, offset) : -1;
        g_autofree char *all = g_strconcat(at == 0 ? header : "", text, NULL);
        size_t size = strlen(all);
        bool done = at >= 0 && write_at(fd, at, all, size) && ftruncate(fd, at + (int64_t)size) == 0;
        if (!done)
                rv_error_set_errno(error, errno, "cannot write %s", path);
        if (fd >= 0)
                close(fd);
        return done ? at + (int64_t)size : -1;
}

void asrun_file_cut(const char *path, int64_t size) {
        if (truncate(path, size) < 0 && errno != ENOENT)
                rv_warning("asrun.file_not_cut", RV_S("path", path), RV_S("error", g_strerror(errno)));
}

/* --- onto the disk ----------------------------------------------------------------------------------------------- */

static bool sync_by(const char *path, int flags, int (*sync)(int fd), GError **error) {
        int fd = open(path, flags | O_CLOEXEC);
        bool done = fd >= 0 && sync(fd) == 0;
        if (!done)
                rv_error_set_errno(error, errno, "cannot flush %s to the disk", path);
        if (fd >= 0)
                close(fd);
        return done;
}

/* A new file is only there for good when its folder has been flushed, too. */
bool asrun_file_sync(const char *path, GError **error) {
        g_autofree char *dir = g_path_get_dirname(path);
        return sync_by(path, O_WRONLY, fdatasync, error) && sync_by(dir, O_RDONLY | O_DIRECTORY, fsync, error);
}

bool asrun_file_sync_all(const char *dir, GError **error) {
        return sync_by(dir, O_RDONLY | O_DIRECTORY, syncfs, error);
}

/* --- a file's time ----------------------------------------------------------------------------------------------- */

void asrun_file_touch(const char *path, int64_t utc_ms) {
        const struct timespec then = {.tv_sec = utc_ms / 1000, .tv_nsec = (utc_ms % 1000) * 1000000};
        const struct timespec times[] = {then, then};
        g_autofree char *dir = g_path_get_dirname(path);
        int fd = g_mkdir_with_parents(dir, 0755) == 0 ? open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644) : -1;
        if (fd < 0 || futimens(fd, times) < 0)
                rv_debug("asrun.not_touched", RV_S("path", path), RV_S("error", g_strerror(errno)));
        if (fd >= 0)
                close(fd);
}

int64_t asrun_file_touched_utc_ms(const char *path) {
        struct stat st;
        if (stat(path, &st) < 0)
                return 0;
        return (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
}
