#include "core/burnin/private.h"

/* So far one channel may run ahead of another: what lies between is held in sockets and rings. */
#define LOCKSTEP_MS MINUTE_MS

void course_init(Course *course, RvClock *clock, bool led, unsigned n, int64_t from_utc_ms) {
        *course = (Course){
                .clock = clock, .led = led, .n = n, .playheads_utc_ms = g_new(int64_t, n), .doubt_ms = BEGUN_BEFORE_MS};
        pthread_mutex_init(&course->lock, NULL);
        pthread_cond_init(&course->moved, NULL);
        for (unsigned i = 0; i < n; i++)
                course->playheads_utc_ms[i] = from_utc_ms;
}

void course_clear(Course *course) {
        pthread_cond_destroy(&course->moved);
        pthread_mutex_destroy(&course->lock);
        g_free(course->playheads_utc_ms);
}

/* Locked. */
static int64_t slowest(const Course *course, unsigned *ret_channel) {
        unsigned found = 0;
        for (unsigned i = 1; i < course->n; i++)
                if (course->playheads_utc_ms[i] < course->playheads_utc_ms[found])
                        found = i;
        if (ret_channel)
                *ret_channel = found;
        return course->playheads_utc_ms[found];
}

/* INV-BURNIN-005: locked. Core's clock follows who is ahead, and is never set back. */
static void lead(Course *course, int64_t utc_ms) {
        if (course->led && !course->frozen && utc_ms > rv_clock_utc_ms(course->clock))
                rv_clock_led_set_utc_ms(course->clock, MIN(utc_ms, rv_clock_utc_ms(rv_clock_system())));
}

bool course_note(Course *course, unsigned channel, int64_t playhead_utc_ms) {
        pthread_mutex_lock(&course->lock);
        course->playheads_utc_ms[channel] = playhead_utc_ms;
        lead(course, playhead_utc_ms);
        pthread_cond_broadcast(&course->moved);
        while (course->led && !course->over && playhead_utc_ms > slowest(course, NULL) + LOCKSTEP_MS)
                pthread_cond_wait(&course->moved, &course->lock);
        const bool go_on = !course->over;
        pthread_mutex_unlock(&course->lock);
        return go_on;
}

void course_skip(Course *course, int64_t ms) {
        pthread_mutex_lock(&course->lock);
        if (course->led) {
                lead(course, rv_clock_utc_ms(course->clock) + ms);
                course->doubt_ms = MAX(course->doubt_ms, ms);
        }
        pthread_mutex_unlock(&course->lock);
}

int64_t course_doubt_ms(Course *course) {
        pthread_mutex_lock(&course->lock);
        const int64_t doubt_ms = course->doubt_ms;
        pthread_mutex_unlock(&course->lock);
        return doubt_ms;
}

void course_freeze(Course *course, bool frozen) {
        pthread_mutex_lock(&course->lock);
        course->frozen = frozen;
        pthread_mutex_unlock(&course->lock);
}

void course_end(Course *course) {
        pthread_mutex_lock(&course->lock);
        course->over = true;
        pthread_cond_broadcast(&course->moved);
        pthread_mutex_unlock(&course->lock);
}

bool course_is_over(Course *course) {
        pthread_mutex_lock(&course->lock);
        const bool over = course->over;
        pthread_mutex_unlock(&course->lock);
        return over;
}

int64_t course_behind_utc_ms(Course *course, unsigned *ret_channel) {
        pthread_mutex_lock(&course->lock);
        const int64_t behind = slowest(course, ret_channel);
        pthread_mutex_unlock(&course->lock);
        return behind;
}
