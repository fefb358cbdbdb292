#include "core/serve/hls/shelf.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "proto/base/error.h"
#include "proto/base/log.h"
#include "proto/base/thread.h"

#define FOLDER_MODE 0755
#define FILE_MODE 0644
#define DEPTH_MAX 4 /* channel/<id>/second/seg */

typedef struct {
        char *path;
        GBytes *data; /* NULL: to be removed */
} Job;

struct Shelf {
        char *dir;
        RvThread *thread;

        pthread_mutex_t lock; /* guards what follows */
        pthread_cond_t news;
        GQueue jobs;
        unsigned n_puts; /* of jobs */
        bool ending;

        bool failing; /* the thread's: the last file could not be written */
};

static void job_free(void *user) {
        Job *job = user;
        g_clear_pointer(&job->data, g_bytes_unref);
        g_free(job->path);
        g_free(job);
}

/* --- files: the shelf's thread ----------------------------------------------------------------------------------- */

static bool write_whole(int fd, const char *bytes, size_t size) {
        while (size > 0) {
                const ssize_t n = write(fd, bytes, size);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return false;
                bytes += n;
                size -= (size_t)n;
        }
        return true;
}

/* As a file beside it first: a reader finds it whole or not at all. Nothing is synced: a segment is worth nothing after
 * a crash. */
static bool write_file(const char *path, GBytes *data) {
        size_t size;
        const char *bytes = g_bytes_get_data(data, &size);
        g_autofree char *folder = g_path_get_dirname(path), *part = g_strconcat(path, ".part", NULL);
        if (g_mkdir_with_parents(folder, FOLDER_MODE) < 0)
                return false;
        const int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, FILE_MODE);
        if (fd < 0)
                return false;
        bool done = write_whole(fd, bytes, size);
        done = close(fd) == 0 && done && rename(part, path) == 0;
        const int errnum = errno;
        if (!done)
                (void)unlink(part);
        errno = errnum;
        return done;
}

/* Said once until it works again: a full tmpfs would fill the log as well. */
static void tell(Shelf *shelf, bool done, const char *path) {
        if (!done && !shelf->failing)
                rv_warning("hls.not_shelved", RV_S("path", path), RV_S("error", g_strerror(errno)));
        shelf->failing = !done;
}

static void carry_out(Shelf *shelf, const Job *job) {
        g_autofree char *path = g_build_filename(shelf->dir, job->path, NULL);
        if (job->data)
                tell(shelf, write_file(path, job->data), path);
        else
                (void)unlink(path); /* which may never have come there */
}

static Job *take_job(Shelf *shelf) {
        pthread_mutex_lock(&shelf->lock);
        while (shelf->jobs.length == 0 && !shelf->ending)
                pthread_cond_wait(&shelf->news, &shelf->lock);
        Job *job = g_queue_pop_head(&shelf->jobs);
        if (job && job->data)
                shelf->n_puts--;
        pthread_mutex_unlock(&shelf->lock);
        return job;
}

static void run(void *user) {
        Job *job;
        while ((job = take_job(user))) {
                carry_out(user, job);
                job_free(job);
        }
}

/* --- what an earlier run left ------------------------------------------------------------------------------------- */

/* "0123abcd-17.ts", or what was to become it. */
static bool is_segment(const char *name) {
        return g_regex_match_simple("^[0-9a-f]{8}-[0-9]+\\.ts(\\.part)?$", name, 0, 0);
}

/* Segments below a folder, and folders that are empty without them. */
static void sweep(const char *folder, int depth) {
        g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
        const char *name;
        while (dir && (name = g_dir_read_name(dir))) {
                g_autofree char *path = g_build_filename(folder, name, NULL);
                if (is_segment(name))
                        (void)unlink(path);
                else if (depth < DEPTH_MAX && !g_file_test(path, G_FILE_TEST_IS_SYMLINK) &&
                         g_file_test(path, G_FILE_TEST_IS_DIR))
                        sweep(path, depth + 1);
        }
        (void)rmdir(folder);
}

static void sweep_all(const Shelf *shelf) {
        g_autofree char *channels = g_build_filename(shelf->dir, "channel", NULL);
        if (!g_file_test(channels, G_FILE_TEST_IS_SYMLINK))
                sweep(channels, 1);
}

/* --- the shelf ---------------------------------------------------------------------------------------------------- */

static bool prepare(const Shelf *shelf, GError **error) {
        if (g_mkdir_with_parents(shelf->dir, FOLDER_MODE) < 0 || access(shelf->dir, W_OK | X_OK) < 0) {
                rv_error_set_errno(error, errno, "cannot put segments into %s (segments_dir)", shelf->dir);
                return false;
        }
        sweep_all(shelf);
        return true;
}

Shelf *shelf_new(const char *dir, GError **error) {
        Shelf *shelf = g_new0(Shelf, 1);
        shelf->dir = g_strdup(dir);
        pthread_mutex_init(&shelf->lock, NULL);
        pthread_cond_init(&shelf->news, NULL);
        g_queue_init(&shelf->jobs);
        if (prepare(shelf, error))
                shelf->thread = rv_thread_start("shelf", RV_PRIORITY_NORMAL, run, shelf, error);
        if (!shelf->thread)
                g_clear_pointer(&shelf, shelf_free);
        return shelf;
}

void shelf_free(Shelf *shelf) {
        if (!shelf)
                return;
        pthread_mutex_lock(&shelf->lock);
        shelf->ending = true;
        g_queue_clear_full(&shelf->jobs, job_free); /* what is there is swept */
        shelf->n_puts = 0;
        pthread_cond_signal(&shelf->news);
        pthread_mutex_unlock(&shelf->lock);
        if (shelf->thread) {
                rv_thread_join(shelf->thread);
                sweep_all(shelf);
        }
        pthread_cond_destroy(&shelf->news);
        pthread_mutex_destroy(&shelf->lock);
        g_free(shelf->dir);
        g_free(shelf);
}

/* Removals are never left out: what nobody removes would fill the disk. */
static void add(Shelf *shelf, const char *path, GBytes *data) {
        pthread_mutex_lock(&shelf->lock);
        if (!data || shelf->n_puts < SHELF_WAITING) { /* INV-HLS-013 */
                Job *job = g_new(Job, 1);
                *job = (Job){g_strdup(path), data ? g_bytes_ref(data) : NULL};
                g_queue_push_tail(&shelf->jobs, job);
                shelf->n_puts += data != NULL;
                pthread_cond_signal(&shelf->news);
        }
        pthread_mutex_unlock(&shelf->lock);
}

void shelf_put(Shelf *shelf, const char *path, GBytes *data) {
        add(shelf, path, data);
}

void shelf_remove(Shelf *shelf, const char *path) {
        add(shelf, path, NULL);
}
