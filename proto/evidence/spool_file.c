#include "proto/evidence/spool_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/error.h"

#define MAX_RECORD_BYTES (1u << 20)

static uint32_t checksum(const void *data, size_t size) {
        const uint8_t *bytes = data;
        uint32_t hash = 2166136261u;
        for (size_t i = 0; i < size; i++)
                hash = (hash ^ bytes[i]) * 16777619u;
        return hash;
}

EvidenceRecordHead evidence_record_head(const void *event, size_t size) {
        return (EvidenceRecordHead){GUINT32_TO_LE((uint32_t)size), GUINT32_TO_LE(checksum(event, size))};
}

GBytes *evidence_record_parse(const uint8_t *data, size_t size, size_t offset) {
        EvidenceRecordHead head;
        if (size - offset < sizeof head)
                return NULL;
        memcpy(&head, data + offset, sizeof head);
        const uint32_t length = GUINT32_FROM_LE(head.length_le);
        const uint8_t *body = data + offset + sizeof head;
        if (length > MAX_RECORD_BYTES || size - offset - sizeof head < length)
                return NULL;
        if (checksum(body, length) != GUINT32_FROM_LE(head.checksum_le)) /* INV-EVIDENCE-007 */
                return NULL;
        return g_bytes_new(body, length);
}

/* Its owner may have removed or replaced it between our opening and our locking it. */
static bool is_still_at(int fd, const char *path) {
        struct stat ours, there;
        return fstat(fd, &ours) == 0 && stat(path, &there) == 0 && ours.st_ino == there.st_ino &&
               ours.st_dev == there.st_dev;
}

int evidence_spool_lock(const char *path, int flags, GError **error) {
        const int fd = open(path, flags | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0) {
                if (errno == ENOENT)
                        g_set_error(error, RV_ERROR, RV_ERROR_NOT_FOUND, "there is no %s", path);
                else
                        rv_error_set_errno(error, errno, "%s", path);
                return -1;
        }
        if (flock(fd, LOCK_EX | LOCK_NB) == 0 && is_still_at(fd, path))
                return fd;
        g_set_error(error, RV_ERROR, RV_ERROR_UNAVAILABLE, "%s is in use", path);
        close(fd);
        return -1;
}
