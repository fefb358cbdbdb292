/*
 * Preloaded into the programs under test: their wall clock runs RV_CLOCK_SHIFT_MS ahead of the machine's (behind, if
 * negative), so that a fence comes when a test has time for it. The monotonic clock stays as it is.
 */
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int64_t shift_ns(void) {
        const char *text = getenv("RV_CLOCK_SHIFT_MS");
        return text ? strtoll(text, NULL, 10) * 1000000 : 0;
}

int clock_gettime(clockid_t clock, struct timespec *ret_time) {
        int status = (int)syscall(SYS_clock_gettime, clock, ret_time);
        if (status != 0 || clock != CLOCK_REALTIME)
                return status;
        int64_t ns = (int64_t)ret_time->tv_sec * 1000000000 + ret_time->tv_nsec + shift_ns();
        ret_time->tv_sec = ns / 1000000000;
        ret_time->tv_nsec = ns % 1000000000;
        return 0;
}
