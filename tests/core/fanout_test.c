#include "core/serve/fanout/fanout.h"

#include <pthread.h>
#include <string.h>

#include "proto/base/thread.h"
#include "tests/support/cmocka.h"

#define RING_PACKETS 100
#define RING (RING_PACKETS * TS_PACKET)

/* Packets carry a rising number; the first of a random access point says so. */
typedef struct {
        Fanout *fanout;
        IntakeSink sink;
        uint32_t next;
} Source;

static void source_open(Source *source) {
        source->fanout = fanout_new(RING);
        source->sink = fanout_sink(source->fanout);
        source->next = 0;
}

static void source_write(Source *source, unsigned n) {
        for (unsigned i = 0; i < n; i++) {
                uint8_t packet[TS_PACKET] = {0x47};
                memcpy(packet + 4, &source->next, sizeof source->next);
                source->next++;
                source->sink.packets(source->sink.user, packet, sizeof packet);
        }
}

/* A random access point and so many packets. */
static void source_gop(Source *source, unsigned n) {
        source->sink.random_access(source->sink.user, source->next);
        source_write(source, n);
}

static void count_wake(void *user) {
        (*(unsigned *)user)++;
}

/* Reads all there is: how many packets, which must rise by one from *next; UINT32_MAX: begin anywhere. */
static unsigned read_all(FanoutViewer *viewer, uint32_t *next) {
        uint8_t buffer[7 * TS_PACKET + 5];
        unsigned total = 0;
        for (size_t n; (n = fanout_read(viewer, buffer, sizeof buffer)) > 0;) {
                assert_int_equal(n % TS_PACKET, 0);
                for (size_t at = 0; at < n; at += TS_PACKET) {
                        uint32_t number;
                        assert_int_equal(buffer[at], 0x47);
                        memcpy(&number, buffer + at + 4, sizeof number);
                        if (*next != UINT32_MAX)
                                assert_int_equal(number, *next);
                        *next = number + 1;
                        total++;
                }
        }
        return total;
}

static void INV_FANOUT_001_a_viewer_begins_at_a_random_access_point(void **state) {
        Source source;
        unsigned wakes = 0;
        uint32_t next = UINT32_MAX;
        source_open(&source);
        FanoutViewer *early = fanout_join(source.fanout, count_wake, &wakes);
        source_write(&source, 5);
        assert_int_equal(read_all(early, &next), 0); /* nothing to begin with yet */
        source_gop(&source, 10);
        assert_int_equal(read_all(early, &next), 10);
        assert_int_equal(next, 15);
        fanout_leave(early);
        fanout_unref(source.fanout);
}

static void INV_FANOUT_001_a_viewer_begins_some_seconds_back(void **state) {
        Source source;
        unsigned wakes = 0;
        source_open(&source);
        for (int i = 0; i < 8; i++)
                source_gop(&source, 10);
        source_write(&source, 3);
        uint32_t next = UINT32_MAX;
        FanoutViewer *viewer = fanout_join(source.fanout, count_wake, &wakes);
        assert_int_equal(read_all(viewer, &next), 43); /* from the fourth random access point, counted from the last */
        fanout_leave(viewer);
        fanout_unref(source.fanout);
}

static void INV_FANOUT_001_never_further_back_than_the_session_or_the_ring(void **state) {
        Source source;
        unsigned wakes = 0;
        source_open(&source);
        for (int i = 0; i < 5; i++)
                source_gop(&source, 10);
        source.sink.end(source.sink.user);
        source_gop(&source, 10);
        uint32_t next = 50;
        FanoutViewer *viewer = fanout_join(source.fanout, count_wake, &wakes);
        assert_int_equal(read_all(viewer, &next), 10);
        fanout_leave(viewer);

        source_gop(&source, 60);
        source_gop(&source, 60);
        next = 120;
        viewer = fanout_join(source.fanout, count_wake, &wakes); /* the one before has left the ring */
        assert_int_equal(read_all(viewer, &next), 60);
        fanout_leave(viewer);
        fanout_unref(source.fanout);
}

static void INV_FANOUT_002_a_slow_viewer_loses_only_its_own(void **state) {
        Source source;
        unsigned wakes = 0;
        uint32_t slow_next = UINT32_MAX, fast_next = UINT32_MAX;
        source_open(&source);
        source_gop(&source, 10);
        FanoutViewer *slow = fanout_join(source.fanout, count_wake, &wakes);
        FanoutViewer *fast = fanout_join(source.fanout, count_wake, &wakes);
        assert_int_equal(read_all(slow, &slow_next), 10);
        unsigned fast_total = read_all(fast, &fast_next);
        for (int i = 0; i < 30; i++) {
                source_gop(&source, 10);
                fast_total += read_all(fast, &fast_next);
        }
        assert_int_equal(fast_total, 310);
        slow_next = 300; /* the newest random access point */
        assert_int_equal(read_all(slow, &slow_next), 10);
        FanoutStats stats = fanout_stats(source.fanout);
        assert_int_equal(stats.bytes_skipped, 290 * TS_PACKET);
        assert_int_equal(stats.bytes_in, 310 * TS_PACKET);
        assert_int_equal(stats.bytes_out, 330 * TS_PACKET);
        assert_int_equal(stats.viewers, 2);
        fanout_leave(slow);
        fanout_leave(fast);
        fanout_unref(source.fanout);
}

/* A group of pictures that does not fit into the ring: nobody can be placed in it, nobody is sent part of it. */
static void INV_FANOUT_002_what_is_larger_than_the_ring_is_waited_out(void **state) {
        Source source;
        unsigned wakes = 0;
        uint32_t next = UINT32_MAX;
        source_open(&source);
        FanoutViewer *viewer = fanout_join(source.fanout, count_wake, &wakes);
        source_gop(&source, RING_PACKETS + 50);
        assert_int_equal(read_all(viewer, &next), 0);
        source_gop(&source, 20);
        assert_int_equal(read_all(viewer, &next), 20);
        fanout_leave(viewer);
        fanout_unref(source.fanout);
}

static void INV_FANOUT_003_viewers_outlive_sessions(void **state) {
        Source source;
        unsigned wakes = 0;
        uint32_t next = UINT32_MAX;
        source_open(&source);
        FanoutViewer *viewer = fanout_join(source.fanout, count_wake, &wakes);
        source_gop(&source, 10);
        assert_int_equal(read_all(viewer, &next), 10);
        source.sink.end(source.sink.user); /* a crash */
        assert_int_equal(read_all(viewer, &next), 0);
        fanout_arm(viewer);
        assert_int_equal(wakes, 0);
        source_gop(&source, 4);
        assert_int_equal(wakes, 1);
        assert_int_equal(read_all(viewer, &next), 4);

        source.sink.end(source.sink.user);
        fanout_rest(source.fanout); /* off; but somebody has come meanwhile */
        fanout_arm(viewer);
        assert_int_equal(wakes, 1);
        source_gop(&source, 6);
        assert_int_equal(wakes, 2);
        assert_int_equal(read_all(viewer, &next), 6);
        fanout_leave(viewer);
        fanout_unref(source.fanout);
}

static void INV_FANOUT_004_who_waits_is_woken_once(void **state) {
        Source source;
        unsigned wakes = 0;
        uint32_t next = UINT32_MAX;
        source_open(&source);
        FanoutViewer *viewer = fanout_join(source.fanout, count_wake, &wakes);
        source_gop(&source, 1);
        assert_int_equal(wakes, 0); /* it had not asked */
        fanout_arm(viewer);
        assert_int_equal(wakes, 1); /* there already */
        (void)read_all(viewer, &next);
        fanout_arm(viewer);
        assert_int_equal(wakes, 1);
        source_write(&source, 3);
        assert_int_equal(wakes, 2);
        fanout_leave(viewer);
        source_write(&source, 3);
        assert_int_equal(wakes, 2);
        fanout_unref(source.fanout);
}

/* --- writer and readers at once ---------------------------------------------------------------------------------- */

typedef struct {
        Fanout *fanout;
        pthread_mutex_t lock;
        pthread_cond_t woken;
        bool awake;
        uint32_t last; /* the number of the last packet ever */
} Reader;

static void wake_reader(void *user) {
        Reader *reader = user;
        pthread_mutex_lock(&reader->lock);
        reader->awake = true;
        pthread_cond_signal(&reader->woken);
        pthread_mutex_unlock(&reader->lock);
}

static void *read_to_the_last(void *user) {
        Reader *reader = user;
        FanoutViewer *viewer = fanout_join(reader->fanout, wake_reader, reader);
        uint8_t buffer[3 * TS_PACKET];
        uint32_t number = 0, before = 0;
        bool ordered = true;
        while (number != reader->last) {
                size_t n = fanout_read(viewer, buffer, sizeof buffer);
                if (n > 0) {
                        memcpy(&number, buffer + n - TS_PACKET + 4, sizeof number);
                        ordered &= number >= before;
                        before = number;
                        continue;
                }
                fanout_arm(viewer);
                pthread_mutex_lock(&reader->lock);
                while (!reader->awake)
                        pthread_cond_wait(&reader->woken, &reader->lock);
                reader->awake = false;
                pthread_mutex_unlock(&reader->lock);
        }
        fanout_leave(viewer);
        return ordered ? NULL : user;
}

static void INV_FANOUT_004_no_wake_is_lost(void **state) {
        enum { READERS = 3, GOPS = 2000, PACKETS = 7 };
        Source source;
        Reader readers[READERS];
        pthread_t threads[READERS];
        source_open(&source);
        for (int i = 0; i < READERS; i++) {
                readers[i] = (Reader){.fanout = source.fanout, .last = GOPS * PACKETS - 1};
                pthread_mutex_init(&readers[i].lock, NULL);
                pthread_cond_init(&readers[i].woken, NULL);
                assert_int_equal(pthread_create(&threads[i], NULL, read_to_the_last, &readers[i]), 0);
        }
        for (int i = 0; i < GOPS; i++)
                source_gop(&source, PACKETS);
        for (int i = 0; i < READERS; i++) {
                void *disordered;
                pthread_join(threads[i], &disordered);
                assert_null(disordered);
                pthread_cond_destroy(&readers[i].woken);
                pthread_mutex_destroy(&readers[i].lock);
        }
        fanout_unref(source.fanout);
}

typedef struct {
        Source source;
        FanoutViewer *viewer;
} Patient;

static void write_much(void *user) {
        Patient *patient = user;
        for (int i = 0; i < 50; i++)
                source_gop(&patient->source, RING_PACKETS / 2);
}

static void who_is_waited_for_loses_nothing(void **state) {
        Patient patient = {0};
        uint32_t next = 0;
        unsigned woken = 0, read = 0;
        source_open(&patient.source);
        fanout_wait_for_viewers(patient.source.fanout);
        source_gop(&patient.source, 1);
        patient.viewer = fanout_join(patient.source.fanout, count_wake, &woken);
        read += read_all(patient.viewer, &next);
        RvThread *writer = rv_thread_start("writer", RV_PRIORITY_NORMAL, write_much, &patient, NULL);
        while (read < 1 + 50 * RING_PACKETS / 2)
                read += read_all(patient.viewer, &next);
        rv_thread_join(writer);
        assert_int_equal(fanout_stats(patient.source.fanout).bytes_skipped, 0);
        fanout_leave(patient.viewer);
        fanout_unref(patient.source.fanout);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(INV_FANOUT_001_a_viewer_begins_at_a_random_access_point),
                cmocka_unit_test(INV_FANOUT_001_a_viewer_begins_some_seconds_back),
                cmocka_unit_test(INV_FANOUT_001_never_further_back_than_the_session_or_the_ring),
                cmocka_unit_test(INV_FANOUT_002_a_slow_viewer_loses_only_its_own),
                cmocka_unit_test(INV_FANOUT_002_what_is_larger_than_the_ring_is_waited_out),
                cmocka_unit_test(INV_FANOUT_003_viewers_outlive_sessions),
                cmocka_unit_test(INV_FANOUT_004_who_waits_is_woken_once),
                cmocka_unit_test(INV_FANOUT_004_no_wake_is_lost),
                cmocka_unit_test(who_is_waited_for_loses_nothing),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
