/* The ring and its writer, fed by hand: what a reader gets, byte for byte. */
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "air/output/sender.h"
#include "proto/base/clock.h"
#include "proto/base/error.h"
#include "proto/base/log.h"
#include "tests/support/cmocka.h"
#include "tests/support/temp_dir.h"

#define UNIT_BYTES ((size_t)64 << 10)
#define RING_BYTES (4 * UNIT_BYTES)
#define FOREVER_NS (INT64_MAX / 2)
#define GOP_UNITS 10
#define MANY_UNITS 404 /* more than socket and ring hold together; the next is no random access point */

/* What the writer tells is how a test knows what it has seen. Protected by lock. */
static struct {
        pthread_mutex_t lock;
        pthread_cond_t changed;
        int readers_gone;
} told = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void hear(void *user, RvLogLevel level, const char *event, const RvField *fields, size_t n_fields) {
        pthread_mutex_lock(&told.lock);
        told.readers_gone += strcmp(event, "output.reader_gone") == 0;
        pthread_cond_broadcast(&told.changed);
        pthread_mutex_unlock(&told.lock);
}

static void await_gone(void) {
        pthread_mutex_lock(&told.lock);
        while (told.readers_gone == 0)
                pthread_cond_wait(&told.changed, &told.lock);
        pthread_mutex_unlock(&told.lock);
}

typedef struct {
        char *dir, *path;
        int listener;
        Sender *sender;
        uint32_t next; /* number of the next unit: every 4 bytes of a unit hold its number */
} Rig;

static int listen_at(const char *path) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        g_strlcpy(address.sun_path, path, sizeof(address.sun_path));
        const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_true(fd >= 0);
        assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        assert_int_equal(listen(fd, 4), 0);
        return fd;
}

static int set_up(void **state) {
        told.readers_gone = 0; /* no writer yet */
        Rig *rig = g_new0(Rig, 1);
        rig->dir = temp_dir_new();
        rig->path = g_build_filename(rig->dir, "ts.sock", NULL);
        rig->listener = listen_at(rig->path);
        rig->sender = sender_new(RING_BYTES, NULL);
        assert_non_null(rig->sender);
        *state = rig;
        return 0;
}

static int tear_down(void **state) {
        Rig *rig = *state;
        sender_free(rig->sender);
        if (rig->listener >= 0)
                close(rig->listener);
        temp_dir_free(rig->dir);
        g_free(rig->path);
        g_free(rig);
        return 0;
}

static int attach(Rig *rig) {
        g_autoptr(GError) error = NULL;
        assert_true(sender_attach(rig->sender, rig->path, &error));
        const int fd = accept(rig->listener, NULL, NULL);
        assert_true(fd >= 0);
        return fd;
}

static uint32_t put(Rig *rig, MuxUnitKind kind) {
        uint32_t *data = g_malloc(UNIT_BYTES);
        for (size_t i = 0; i < UNIT_BYTES / sizeof(*data); i++)
                data[i] = rig->next;
        sender_put(rig->sender, (uint8_t *)data, UNIT_BYTES, kind);
        return rig->next++;
}

/* The number of the next unit read, which must be whole; -1 at the end of the stream. */
static int64_t read_unit(int fd) {
        g_autofree uint32_t *data = g_malloc(UNIT_BYTES);
        size_t done = 0;
        while (done < UNIT_BYTES) {
                const ssize_t n = read(fd, (uint8_t *)data + done, UNIT_BYTES - done);
                if (n == 0 && done == 0)
                        return -1;
                assert_true(n > 0);
                done += (size_t)n;
        }
        for (size_t i = 1; i < UNIT_BYTES / sizeof(*data); i++)
                assert_int_equal(data[i], data[0]);
        return data[0];
}

/* As a stream goes: a random access point every so often. */
static void put_next(Rig *rig) {
        put(rig, rig->next % GOP_UNITS == 0 ? MUX_RANDOM_ACCESS : MUX_CONTINUES);
}

static uint64_t unsent(Rig *rig) {
        const SenderStats stats = sender_stats(rig->sender);
        return rig->next * UNIT_BYTES - stats.bytes_sent - stats.bytes_dropped;
}

static void INV_AIR_IDR_BEFORE_OUTPUT_reader_starts_at_random_access(void **state) {
        Rig *rig = *state;
        put(rig, MUX_RANDOM_ACCESS); /* nobody there */
        const int fd = attach(rig);
        put(rig, MUX_CONTINUES);
        const uint32_t first = put(rig, MUX_RANDOM_ACCESS);
        put(rig, MUX_CONTINUES);
        assert_int_equal(read_unit(fd), first);
        assert_int_equal(read_unit(fd), first + 1);
        assert_int_equal(sender_stats(rig->sender).bytes_dropped, 0);
        close(fd);
}

static void INV_AIR_IDR_BEFORE_OUTPUT_each_new_reader_too(void **state) {
        Rig *rig = *state;
        const int first = attach(rig);
        put(rig, MUX_RANDOM_ACCESS);
        assert_int_equal(read_unit(first), 0);
        const int second = attach(rig);
        put(rig, MUX_CONTINUES);
        const uint32_t start = put(rig, MUX_RANDOM_ACCESS);
        assert_int_equal(read_unit(second), start);
        assert_int_equal(read_unit(first), -1); /* replaced: its stream is over */
        close(first);
        close(second);
}

static void INV_NETWORK_BACKPRESSURE_DROP_ring_is_bounded(void **state) {
        Rig *rig = *state;
        const int fd = attach(rig);
        while (rig->next < MANY_UNITS) {
                put_next(rig);
                assert_true(unsent(rig) <= RING_BYTES);
        }
        assert_true(sender_stats(rig->sender).bytes_dropped > 0);
        close(fd);
}

static uint64_t to_come(Rig *rig, uint64_t received) {
        return rig->next * UNIT_BYTES - sender_stats(rig->sender).bytes_dropped - received;
}

static void INV_NETWORK_BACKPRESSURE_DROP_resumes_at_random_access(void **state) {
        Rig *rig = *state;
        const int fd = attach(rig);
        while (rig->next < MANY_UNITS)
                put_next(rig);
        /* The reader wakes up: everything is whole, in order, and each hole ends at a random access point. */
        int64_t last = -1;
        uint64_t received = 0;
        for (; last < MANY_UNITS || to_come(rig, received) > 0; received += UNIT_BYTES) {
                while (to_come(rig, received) == 0)
                        put_next(rig);
                const int64_t number = read_unit(fd);
                assert_true(number > last);
                assert_true(number == last + 1 || number % GOP_UNITS == 0);
                last = number;
        }
        const SenderStats stats = sender_stats(rig->sender);
        assert_true(stats.bytes_dropped > 0);
        assert_int_equal(stats.bytes_sent + stats.bytes_dropped, rig->next * UNIT_BYTES);
        close(fd);
}

static void unit_larger_than_the_ring_goes_alone(void **state) {
        Rig *rig = *state;
        const int fd = attach(rig);
        const size_t size = 3 * RING_BYTES;
        uint8_t *large = g_malloc0(size);
        sender_put(rig->sender, large, size, MUX_RANDOM_ACCESS);
        g_autofree uint8_t *received = g_malloc(size);
        size_t done = 0;
        while (done < size) {
                const ssize_t n = read(fd, received + done, size - done);
                assert_true(n > 0);
                done += (size_t)n;
        }
        sender_drain(rig->sender, FOREVER_NS);
        assert_int_equal(sender_stats(rig->sender).bytes_sent, size);
        close(fd);
}

static void INV_SINK_NO_IMPLICIT_EOF_reader_gone_then_another(void **state) {
        Rig *rig = *state;
        int fd = attach(rig);
        while (rig->next < MANY_UNITS)
                put_next(rig);
        close(fd); /* with a full ring, and a unit half-way through the socket */
        await_gone();
        assert_int_equal(unsent(rig), 0);
        const uint64_t dropped = sender_stats(rig->sender).bytes_dropped;
        put(rig, MUX_RANDOM_ACCESS);
        fd = attach(rig);
        put(rig, MUX_CONTINUES);
        const uint32_t first = put(rig, MUX_RANDOM_ACCESS);
        assert_int_equal(read_unit(fd), first);
        assert_int_equal(sender_stats(rig->sender).bytes_dropped, dropped);
        close(fd);
}

static void hang_up_is_noticed_without_traffic(void **state) {
        Rig *rig = *state;
        close(attach(rig));
        await_gone();
        assert_false(sender_stats(rig->sender).connected);
}

static void detach_ends_the_stream(void **state) {
        Rig *rig = *state;
        const int fd = attach(rig);
        put(rig, MUX_RANDOM_ACCESS);
        assert_int_equal(read_unit(fd), 0);
        sender_detach(rig->sender);
        assert_false(sender_stats(rig->sender).connected);
        put(rig, MUX_RANDOM_ACCESS);
        assert_int_equal(read_unit(fd), -1);
        sender_detach(rig->sender);
        close(fd);
}

static void INV_SOCKET_NONBLOCK_refused_attach_keeps_the_reader(void **state) {
        Rig *rig = *state;
        const int fd = attach(rig);
        g_autoptr(GError) error = NULL;
        g_autofree char *nowhere = g_build_filename(rig->dir, "nobody.sock", NULL);
        assert_false(sender_attach(rig->sender, nowhere, &error));
        assert_true(g_error_matches(error, RV_ERROR, RV_ERROR_UNAVAILABLE));
        g_clear_error(&error);
        g_autofree char *too_long = g_strnfill(sizeof(((struct sockaddr_un *)0)->sun_path), 'x');
        assert_false(sender_attach(rig->sender, too_long, &error));
        assert_true(g_error_matches(error, RV_ERROR, RV_ERROR_INVALID));
        put(rig, MUX_RANDOM_ACCESS);
        assert_int_equal(read_unit(fd), 0);
        close(fd);
}

/* A listener that accepts nobody: when its queue is full the answer is an error, not a wait. */
static void INV_SOCKET_NONBLOCK_full_backlog_is_an_error(void **state) {
        Rig *rig = *state;
        g_autoptr(GError) error = NULL;
        int attached = 0;
        while (sender_attach(rig->sender, rig->path, &error))
                assert_true(++attached < 1000);
        assert_true(g_error_matches(error, RV_ERROR, RV_ERROR_UNAVAILABLE));
}

static void drain_gives_up_in_time(void **state) {
        Rig *rig = *state;
        const int fd = attach(rig);
        while (rig->next < MANY_UNITS)
                put_next(rig);
        sender_drain(rig->sender, rv_clock_mono_ns(rv_clock_system()) + 1000000);
        assert_true(sender_stats(rig->sender).connected);
        close(fd);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(INV_AIR_IDR_BEFORE_OUTPUT_reader_starts_at_random_access),
                TEST(INV_AIR_IDR_BEFORE_OUTPUT_each_new_reader_too),
                TEST(INV_NETWORK_BACKPRESSURE_DROP_ring_is_bounded),
                TEST(INV_NETWORK_BACKPRESSURE_DROP_resumes_at_random_access),
                TEST(unit_larger_than_the_ring_goes_alone),
                TEST(INV_SINK_NO_IMPLICIT_EOF_reader_gone_then_another),
                TEST(hang_up_is_noticed_without_traffic),
                TEST(detach_ends_the_stream),
                TEST(INV_SOCKET_NONBLOCK_refused_attach_keeps_the_reader),
                TEST(INV_SOCKET_NONBLOCK_full_backlog_is_an_error),
                TEST(drain_gives_up_in_time),
        };
        rv_log_set_sink(hear, NULL);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
