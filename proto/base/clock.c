#include "proto/base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "proto/base/error.h"

/* A fake clock's monotonic time does not begin at 0, so that code which takes 0 for "never" is found out. */
#define FAKE_MONO_ORIGIN_NS INT64_C(1000000000000)

struct RvClock {
        bool fake;
        _Atomic int64_t *led; /* NULL: nobody leads */

        /* A fake clock's own; protected by lock. */
        pthread_mutex_t lock;
        pthread_cond_t moved;
        int64_t utc_ms;
        int64_t mono_ns;
        GArray *sleepers; /* int64_t: until when each of them does; one whose time has come is awake, or nearly so */
};

/* The only three places that ask the operating system (LAW-CLOCK). */
static int64_t system_utc_ms(void) {
        struct timespec now;
        g_assert(clock_gettime(CLOCK_REALTIME, &now) == 0); /* LAW-CLOCK */
        return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t system_mono_ns(void) {
        struct timespec now;
        g_assert(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
        return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void system_sleep_until(int64_t mono_ns) {
        if (mono_ns <= 0)
                return;
        const struct timespec until = {.tv_sec = mono_ns / 1000000000, .tv_nsec = mono_ns % 1000000000};
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
                ;
}

RvClock *rv_clock_system(void) {
        static RvClock clock = {.fake = false};
        return &clock;
}

RvClock *rv_clock_fake_new(int64_t utc_ms) {
        RvClock *clock = g_new0(RvClock, 1);
        clock->fake = true;
        clock->utc_ms = utc_ms;
        clock->mono_ns = FAKE_MONO_ORIGIN_NS;
        clock->sleepers = g_array_new(FALSE, FALSE, sizeof(int64_t));
        g_assert(pthread_mutex_init(&clock->lock, NULL) == 0);
        g_assert(pthread_cond_init(&clock->moved, NULL) == 0);
        return clock;
}

void rv_clock_fake_free(RvClock *clock) {
        if (!clock)
                return;
        g_assert(clock->fake && clock->sleepers->len == 0);
        g_array_unref(clock->sleepers);
        pthread_cond_destroy(&clock->moved);
        pthread_mutex_destroy(&clock->lock);
        g_free(clock);
}

void rv_clock_fake_advance_ms(RvClock *clock, int64_t ms) {
        g_assert(clock->fake && ms >= 0);
        pthread_mutex_lock(&clock->lock);
        clock->utc_ms += ms;
        clock->mono_ns += ms * 1000000;
        pthread_cond_broadcast(&clock->moved);
        pthread_mutex_unlock(&clock->lock);
}

void rv_clock_fake_step_utc_ms(RvClock *clock, int64_t ms) {
        g_assert(clock->fake);
        pthread_mutex_lock(&clock->lock);
        clock->utc_ms += ms;
        pthread_mutex_unlock(&clock->lock);
}

/* Locked. */
static int count_sleepers(const RvClock *clock) {
        int n = 0;
        for (guint i = 0; i < clock->sleepers->len; i++)
                n += g_array_index(clock->sleepers, int64_t, i) > clock->mono_ns;
        return n;
}

void rv_clock_fake_await_sleepers(RvClock *clock, int n) {
        g_assert(clock->fake);
        pthread_mutex_lock(&clock->lock);
        while (count_sleepers(clock) < n)
                pthread_cond_wait(&clock->moved, &clock->lock);
        pthread_mutex_unlock(&clock->lock);
}

/* Reads one member of a fake clock under its lock. */
static int64_t fake_read(RvClock *clock, const int64_t *member) {
        pthread_mutex_lock(&clock->lock);
        const int64_t value = *member;
        pthread_mutex_unlock(&clock->lock);
        return value;
}

static void fake_sleep_until(RvClock *clock, int64_t mono_ns) {
        pthread_mutex_lock(&clock->lock);
        if (clock->mono_ns < mono_ns) {
                g_array_append_val(clock->sleepers, mono_ns);
                pthread_cond_broadcast(&clock->moved);
                while (clock->mono_ns < mono_ns)
                        pthread_cond_wait(&clock->moved, &clock->lock);
                guint i = 0;
                while (g_array_index(clock->sleepers, int64_t, i) != mono_ns)
                        i++;
                g_array_remove_index_fast(clock->sleepers, i);
        }
        pthread_mutex_unlock(&clock->lock);
}

RvClock *rv_clock_led_new(const char *path, GError **error) {
        const int fd = open(path, O_RDWR | O_CLOEXEC);
        struct stat status;
        void *map = MAP_FAILED;
        errno = EINVAL;
        if (fd >= 0 && fstat(fd, &status) == 0 && status.st_size >= (off_t)sizeof(int64_t))
                map = mmap(NULL, sizeof(int64_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (map == MAP_FAILED)
                rv_error_set_errno(error, errno, "no clock can be read from %s", path);
        if (fd >= 0)
                close(fd);
        if (map == MAP_FAILED)
                return NULL;
        RvClock *clock = g_new0(RvClock, 1);
        clock->led = map;
        return clock;
}

void rv_clock_led_free(RvClock *clock) {
        if (!clock)
                return;
        g_assert(clock->led);
        munmap((void *)clock->led, sizeof(int64_t));
        g_free(clock);
}

void rv_clock_led_set_utc_ms(RvClock *clock, int64_t utc_ms) {
        g_assert(clock->led);
        *clock->led = utc_ms;
}

int64_t rv_clock_utc_ms(RvClock *clock) {
        if (clock->led)
                return *clock->led;
        return clock->fake ? fake_read(clock, &clock->utc_ms) : system_utc_ms();
}

int64_t rv_clock_mono_ns(RvClock *clock) {
        return clock->fake ? fake_read(clock, &clock->mono_ns) : system_mono_ns();
}

void rv_clock_sleep_until_mono_ns(RvClock *clock, int64_t mono_ns) {
        if (clock->fake)
                fake_sleep_until(clock, mono_ns);
        else
                system_sleep_until(mono_ns);
}
