/*
 * Preloaded into the programs under test: their wall clock runs RV_CLOCK_SHIFT_MS ahead of the machine's (behind, if
 * negative), so that a fence comes when a test has time for it, or as far as the eight bytes of RV_CLOCK_SHIFT_FILE say
 * at the moment, so that a test can step it as NTP, an operator or a suspended machine does. The monotonic clock stays
 * as it is.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const _Atomic int64_t *map_file(const char *path) {
        const int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
        void *map = fd >= 0 ? mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;
        if (fd >= 0)
                close(fd);
        return map != MAP_FAILED ? map : NULL;
}

static int64_t shift_ms(void) {
        static const _Atomic int64_t *volatile mapped; /* two threads at first: each maps it, one is kept */
        if (!mapped)
                mapped = map_file(getenv("RV_CLOCK_SHIFT_FILE"));
        if (mapped)
                return *mapped;
        const char *text = getenv("RV_CLOCK_SHIFT_MS");
        return text ? strtoll(text, NULL, 10) : 0;
}

int clock_gettime(clockid_t clock, struct timespec *ret_time) {
        int status = (int)syscall(SYS_clock_gettime, clock, ret_time);
        if (status != 0 || clock != CLOCK_REALTIME)
                return status;
        int64_t ns = (int64_t)ret_time->tv_sec * 1000000000 + ret_time->tv_nsec + shift_ms() * 1000000;
        ret_time->tv_sec = ns / 1000000000;
        ret_time->tv_nsec = ns % 1000000000;
        return 0;
}
