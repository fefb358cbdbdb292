#include "air/evidence/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/error.h"
#include "proto/evidence/evidence.h"
#include "proto/evidence/spool_file.h"

#define COMPACT_BYTES ((off_t)256 << 10) /* acknowledged bytes that the file may carry along */

struct Spool {
        char *path;       /* NULL: in memory */
        int fd;           /* -1: in memory */
        GQueue events;    /* GBytes, of sequences first.. */
        int64_t first;    /* sequence of the front one, or of the next one to come */
        off_t file_bytes; /* good bytes in the file */
        off_t held_bytes; /* of those: of events still held */
        bool unsaved;     /* some held events are not in the file */
        bool unsynced;    /* the file may not be on disk yet */
};

static off_t record_bytes(GBytes *event) {
        return (off_t)(sizeof(EvidenceRecordHead) + g_bytes_get_size(event));
}

static bool write_all(int fd, const void *data, size_t size) {
        const uint8_t *at = data;
        while (size > 0) {
                const ssize_t n = write(fd, at, size);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return false;
                at += n;
                size -= (size_t)n;
        }
        return true;
}

static bool write_record(int fd, GBytes *event) {
        gsize size;
        const void *data = g_bytes_get_data(event, &size);
        const EvidenceRecordHead head = evidence_record_head(data, size);
        return write_all(fd, &head, sizeof head) && write_all(fd, data, size);
}

/* --- reading what a crash left --- */

/* False: it does not continue the sequence. */
static bool adopt_record(Spool *spool, GBytes *event) {
        gsize size;
        const void *data = g_bytes_get_data(event, &size);
        g_autoptr(EvidenceEvent) parsed = evidence_event_unpack(data, size);
        if (!parsed || parsed->sequence < 1)
                return false;
        if (g_queue_is_empty(&spool->events))
                spool->first = parsed->sequence;
        if (parsed->sequence != spool_last(spool) + 1)
                return false;
        g_queue_push_tail(&spool->events, g_bytes_ref(event));
        return true;
}

static void adopt_records(Spool *spool, const uint8_t *data, size_t size) {
        for (;;) {
                g_autoptr(GBytes) event = evidence_record_parse(data, size, (size_t)spool->file_bytes);
                if (!event || !adopt_record(spool, event))
                        break;
                spool->file_bytes += record_bytes(event);
        }
        spool->held_bytes = spool->file_bytes;
}

static bool load(Spool *spool, GError **error) {
        g_autofree char *data = NULL;
        gsize size;
        if (!g_file_get_contents(spool->path, &data, &size, error))
                return false;
        adopt_records(spool, (const uint8_t *)data, size);
        if (ftruncate(spool->fd, spool->file_bytes) == 0 && lseek(spool->fd, spool->file_bytes, SEEK_SET) >= 0)
                return true;
        rv_error_set_errno(error, errno, "%s", spool->path);
        return false;
}

Spool *spool_in_memory(void) {
        Spool *spool = g_new0(Spool, 1);
        spool->fd = -1;
        spool->first = 1;
        g_queue_init(&spool->events);
        return spool;
}

/* A new one is never seen without its lock: nobody takes it for what a dead engine has left. */
static int open_new(const char *path, GError **error) {
        g_autofree char *making = g_strconcat(path, ".new", NULL);
        const int fd = evidence_spool_lock(making, O_CREAT | O_TRUNC, error);
        if (fd < 0 || rename(making, path) == 0)
                return fd;
        rv_error_set_errno(error, errno, "%s", path);
        (void)unlink(making);
        close(fd);
        return -1;
}

Spool *spool_open(const char *path, GError **error) {
        const bool is_new = access(path, F_OK) < 0 && errno == ENOENT;
        const int fd = is_new ? open_new(path, error) : evidence_spool_lock(path, O_CREAT, error);
        if (fd < 0)
                return NULL;
        Spool *spool = spool_in_memory();
        spool->path = g_strdup(path);
        spool->fd = fd;
        if (load(spool, error))
                return spool;
        close(spool->fd);
        g_queue_clear_full(&spool->events, (GDestroyNotify)g_bytes_unref);
        g_free(spool->path);
        g_free(spool);
        return NULL;
}

void spool_close(Spool *spool) {
        if (!spool)
                return;
        if (spool->path && g_queue_is_empty(&spool->events))
                (void)unlink(spool->path);
        if (spool->fd >= 0)
                close(spool->fd);
        g_queue_clear_full(&spool->events, (GDestroyNotify)g_bytes_unref);
        g_free(spool->path);
        g_free(spool);
}

/* --- writing --- */

/* What is held, and nothing else, becomes the file: another one takes its place in one step. */
static bool rewrite(Spool *spool) {
        g_autofree char *path = g_strconcat(spool->path, ".new", NULL);
        const int fd = evidence_spool_lock(path, O_CREAT | O_TRUNC, NULL);
        if (fd < 0)
                return false;
        off_t bytes = 0;
        bool ok = true;
        for (const GList *l = spool->events.head; l && ok; l = l->next) {
                ok = write_record(fd, l->data);
                bytes += record_bytes(l->data);
        }
        if (!ok || fdatasync(fd) < 0 || rename(path, spool->path) < 0) {
                (void)unlink(path);
                close(fd);
                return false;
        }
        close(spool->fd);
        spool->fd = fd;
        spool->file_bytes = spool->held_bytes = bytes;
        spool->unsaved = spool->unsynced = false;
        return true;
}

/* Half a record must not stay: what follows it would be lost with it. */
static bool append_to_file(Spool *spool, GBytes *event) {
        if (write_record(spool->fd, event)) {
                spool->unsynced = true;
                spool->file_bytes += record_bytes(event);
                spool->held_bytes += record_bytes(event);
                return true;
        }
        if (ftruncate(spool->fd, spool->file_bytes) < 0 || lseek(spool->fd, spool->file_bytes, SEEK_SET) < 0)
                return false;
        return false;
}

bool spool_append(Spool *spool, int64_t sequence, GBytes *take_event) {
        g_assert(sequence == spool_last(spool) + 1); /* INV-EVIDENCE-001 */
        g_queue_push_tail(&spool->events, take_event);
        if (spool->fd < 0)
                return false;
        if (spool->unsaved)
                return rewrite(spool);
        spool->unsaved = !append_to_file(spool, take_event);
        return !spool->unsaved;
}

bool spool_sync(Spool *spool) {
        if (spool->fd < 0 || spool->unsaved)
                return false;
        if (spool->unsynced && fdatasync(spool->fd) < 0)
                spool->unsaved = true; /* what did not reach the disk is written again, not synced again */
        spool->unsynced = false;
        return !spool->unsaved;
}

static void shrink_file(Spool *spool) {
        if (g_queue_is_empty(&spool->events)) {
                if (ftruncate(spool->fd, 0) == 0 && lseek(spool->fd, 0, SEEK_SET) == 0) {
                        spool->file_bytes = spool->held_bytes = 0;
                        spool->unsaved = false;
                }
        } else if (spool->unsaved || spool->file_bytes - spool->held_bytes > COMPACT_BYTES) {
                (void)rewrite(spool);
        }
}

void spool_acknowledge(Spool *spool, int64_t sequence) {
        bool any = false;
        while (!g_queue_is_empty(&spool->events) && spool->first <= sequence) {
                g_autoptr(GBytes) event = g_queue_pop_head(&spool->events);
                spool->held_bytes -= record_bytes(event);
                spool->first++;
                any = true;
        }
        if (any && spool->fd >= 0)
                shrink_file(spool);
}

int64_t spool_first(const Spool *spool) {
        return spool->first;
}

int64_t spool_last(const Spool *spool) {
        return spool->first + spool->events.length - 1;
}

GBytes *spool_get(const Spool *spool, int64_t sequence) {
        g_assert(sequence >= spool->first && sequence <= spool_last(spool));
        return g_queue_peek_nth((GQueue *)&spool->events, (guint)(sequence - spool->first));
}
