/*
 * Preloaded into the programs under test: their wall clock runs RV_CLOCK_SHIFT_MS ahead of the machine's (behind, if
 * negative), so that a fence comes when a test has time for it, or as far as the eight bytes of RV_CLOCK_SHIFT_FILE say
 * at the moment, so that a test can step it as NTP, an operator or a suspended machine does. The monotonic clock stays
 * as it is. The kernel knows of none of this: what waits until an instant by the wall clock, as gRPC's threads do, has
 * that instant put back into the machine's time.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)

typedef long (*Syscall)(long number, ...);

static Syscall real_syscall(void) {
        static Syscall volatile found;
        if (!found)
                *(void **)&found = dlsym(RTLD_NEXT, "syscall");
        return found;
}

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

static struct timespec moved(const struct timespec *time, int64_t by_ms) {
        const int64_t ns = (int64_t)time->tv_sec * NS_PER_S + time->tv_nsec + by_ms * NS_PER_MS;
        return (struct timespec){.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};
}

int clock_gettime(clockid_t clock, struct timespec *ret_time) {
        const int status = (int)real_syscall()(SYS_clock_gettime, clock, ret_time);
        if (status == 0 && clock == CLOCK_REALTIME)
                *ret_time = moved(ret_time, shift_ms());
        return status;
}

/* Whoever calls the kernel by number does so through here; only waits by the wall clock are not as they seem. */
long syscall(long number, ...) {
        long a[6];
        va_list arguments;
        va_start(arguments, number);
        for (int i = 0; i < 6; i++)
                a[i] = va_arg(arguments, long);
        va_end(arguments);
        struct timespec until;
        if (number == SYS_futex && (a[1] & FUTEX_CLOCK_REALTIME) && a[3]) {
                until = moved((const struct timespec *)a[3], -shift_ms());
                a[3] = (long)&until;
        }
        return real_syscall()(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
