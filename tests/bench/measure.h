/* What the benches in C share: CPU seconds and medians. */
#pragma once

#include <stdlib.h>
#include <time.h>

#define ROUNDS 5

/* Of this process so far. */
static inline double cpu_s(void) {
        struct timespec now;
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
        return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static inline int by_value(const void *a, const void *b) {
        const double x = *(const double *)a, y = *(const double *)b;
        return x < y ? -1 : x > y;
}

static inline double median_of(double values[ROUNDS]) {
        qsort(values, ROUNDS, sizeof(double), by_value);
        return values[ROUNDS / 2];
}
