/*
 * Preloaded into a program under test: reads of files whose path ends in RV_READ_STALL never return, as from a server
 * that is gone; or, with RV_READ_SLOW_MS, return so much later than they should.
 */
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool stalls(int fd) {
        char link[64], path[1024];
        const char *end = getenv("RV_READ_STALL");
        (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        const ssize_t length = end ? readlink(link, path, sizeof path - 1) : -1;
        if (length < (ssize_t)strlen(end ? end : ""))
                return false;
        path[length] = 0;
        return strcmp(path + length - strlen(end), end) == 0;
}

ssize_t read(int fd, void *into, size_t size) {
        const char *slow_ms = getenv("RV_READ_SLOW_MS");
        if (slow_ms && stalls(fd))
                (void)poll(NULL, 0, (int)strtol(slow_ms, NULL, 10));
        while (!slow_ms && stalls(fd))
                (void)poll(NULL, 0, -1);
        return syscall(SYS_read, fd, into, size);
}
