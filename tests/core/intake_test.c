#include "core/play/intake/intake.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "proto/base/error.h"
#include "tests/support/chance.h"
#include "tests/support/cmocka.h"
#include "tests/support/temp_dir.h"
#include "tests/support/ts_writer.h"

static const RvRational ntsc = {30000, 1001};
static const RvRational pal = {25, 1};

/* --- a sink that keeps what it is told --------------------------------------------------------------------------- */

typedef struct {
        GByteArray *bytes;
        GArray *entries, *entries_at; /* int64_t: frames of random access points; bytes that came before each */
        GArray *pictures;             /* int64_t: frames */
        GArray *splices;              /* IntakeSplice, without the message itself */
        unsigned ends;
        pthread_mutex_t lock;
        pthread_cond_t changed;
} Kept;

static void keep_entry(void *user, int64_t frame) {
        Kept *kept = user;
        pthread_mutex_lock(&kept->lock);
        int64_t at = kept->bytes->len;
        g_array_append_val(kept->entries, frame);
        g_array_append_val(kept->entries_at, at);
        pthread_mutex_unlock(&kept->lock);
}

static void keep_packets(void *user, const uint8_t *packets, size_t size) {
        Kept *kept = user;
        assert_int_equal(size % TS_PACKET, 0);
        pthread_mutex_lock(&kept->lock);
        g_byte_array_append(kept->bytes, packets, (guint)size);
        pthread_cond_broadcast(&kept->changed);
        pthread_mutex_unlock(&kept->lock);
}

static void keep_picture(void *user, int64_t frame) {
        g_array_append_val(((Kept *)user)->pictures, frame);
}

static void keep_splice(void *user, const IntakeSplice *splice) {
        assert_int_equal(splice->section[0], 0xfc);
        g_array_append_vals(((Kept *)user)->splices, splice, 1);
}

static void keep_end(void *user) {
        ((Kept *)user)->ends++;
}

static IntakeSink kept_new(Kept **ret_kept) {
        Kept *kept = *ret_kept = g_new0(Kept, 1);
        kept->bytes = g_byte_array_new();
        kept->entries = g_array_new(FALSE, FALSE, sizeof(int64_t));
        kept->entries_at = g_array_new(FALSE, FALSE, sizeof(int64_t));
        kept->pictures = g_array_new(FALSE, FALSE, sizeof(int64_t));
        kept->splices = g_array_new(FALSE, FALSE, sizeof(IntakeSplice));
        pthread_mutex_init(&kept->lock, NULL);
        pthread_cond_init(&kept->changed, NULL);
        return (IntakeSink){keep_entry, keep_packets, keep_picture, keep_splice, keep_end, kept};
}

static void kept_free(Kept *kept) {
        g_byte_array_unref(kept->bytes);
        g_array_unref(kept->entries);
        g_array_unref(kept->entries_at);
        g_array_unref(kept->pictures);
        g_array_unref(kept->splices);
        pthread_cond_destroy(&kept->changed);
        pthread_mutex_destroy(&kept->lock);
        g_free(kept);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Kept, kept_free)

static int64_t at(const GArray *array, unsigned i) {
        assert_true(i < array->len);
        return g_array_index(array, int64_t, i);
}

static int pid_at(const GByteArray *bytes, int64_t offset) {
        assert_true(offset + TS_PACKET <= bytes->len);
        return (bytes->data[offset + 1] & 0x1f) << 8 | bytes->data[offset + 2];
}

/* What a parser makes of bytes given at once. */
static Kept *parse(const GByteArray *bytes, RvRational rate, uint64_t *ret_syncs_lost) {
        Kept *kept;
        IntakeSink sink = kept_new(&kept);
        g_autoptr(IntakeParser) parser = intake_parser_new(rate, &sink, 1);
        intake_parser_push(parser, bytes->data, bytes->len);
        if (ret_syncs_lost)
                *ret_syncs_lost = intake_parser_syncs_lost(parser);
        intake_parser_end(parser);
        assert_int_equal(kept->ends, 1);
        return kept;
}

/* --- the parser -------------------------------------------------------------------------------------------------- */

static void INV_INTAKE_001_nothing_passes_before_the_first_random_access_point(void **state) {
        g_autoptr(TsWriter) writer = ts_writer_new(ntsc, 1000);
        ts_writer_tables(writer);
        ts_writer_picture(writer, 0, false, 500); /* tables, but not a picture to begin with */
        ts_writer_sound(writer, 0);
        ts_writer_picture(writer, 1, true, 500); /* one to begin with, but no tables in front */
        size_t useless = writer->bytes->len;
        {
                g_autoptr(Kept) kept = parse(writer->bytes, ntsc, NULL);
                assert_int_equal(kept->bytes->len, 0);
        }
        ts_writer_frames(writer, 30, 32, 30);
        g_autoptr(Kept) kept = parse(writer->bytes, ntsc, NULL);
        assert_int_equal(kept->entries->len, 1);
        assert_int_equal(at(kept->entries, 0), 30);
        assert_int_equal(kept->bytes->len, writer->bytes->len - useless);
        assert_memory_equal(kept->bytes->data, writer->bytes->data + useless, kept->bytes->len);
}

static void INV_INTAKE_002_random_access_points_begin_with_tables(void **state) {
        g_autoptr(TsWriter) writer = ts_writer_new(ntsc, 0);
        ts_writer_frames(writer, 0, 45, 15);
        ts_writer_tables(writer); /* tables also come in between */
        ts_writer_frames(writer, 46, 61, 15);
        g_autoptr(Kept) kept = parse(writer->bytes, ntsc, NULL);
        const int64_t expected[] = {0, 15, 30, 60};
        assert_int_equal(kept->entries->len, G_N_ELEMENTS(expected));
        for (unsigned i = 0; i < kept->entries->len; i++) {
                int64_t entry = at(kept->entries_at, i);
                assert_int_equal(at(kept->entries, i), expected[i]);
                assert_int_equal(pid_at(kept->bytes, entry), 0);
                assert_int_equal(pid_at(kept->bytes, entry + TS_PACKET), 0x20);
                assert_int_equal(pid_at(kept->bytes, entry + 2 * TS_PACKET), 0x41);
        }
        assert_int_equal(kept->bytes->len, writer->bytes->len);
}

static void assert_splice(const Kept *kept, guint i, IntakeSplice wanted) {
        assert_true(i < kept->splices->len);
        const IntakeSplice *splice = &g_array_index(kept->splices, IntakeSplice, i);
        assert_int_equal(splice->out, wanted.out);
        assert_int_equal(splice->event_id, wanted.event_id);
        assert_int_equal(splice->frame, wanted.frame);
        assert_int_equal(splice->duration_90khz, wanted.duration_90khz);
}

/* Before and after the clock goes round, and in the midst of a break. */
static void INV_INTAKE_006_splices_mean_exact_frames(void **state) {
        g_autoptr(TsWriter) writer = ts_writer_new(ntsc, (INT64_C(1) << 33) - 90000);
        writer->splices = true;
        ts_writer_splice(writer, 1, 5, 100, 90); /* nobody hears of it before the first random access point */
        ts_writer_frames(writer, 0, 20, 15);
        ts_writer_splice(writer, 1, 5, 260, 900000);
        ts_writer_splice(writer, 1, 5, 260, 900000);
        ts_writer_splice(writer, 1, 6, TS_WRITER_NOW, 90000);
        ts_writer_frames(writer, 20, 40, 15);
        ts_writer_splice(writer, 0, 5, 560, -1);
        ts_writer_splice(writer, 1, 7, 21, -1); /* what is past is for the sink to judge */
        g_autoptr(Kept) kept = parse(writer->bytes, ntsc, NULL);
        assert_int_equal(kept->splices->len, 5);
        assert_splice(kept, 0, (IntakeSplice){true, 5, 260, 900000, NULL, 0});
        assert_splice(kept, 1, (IntakeSplice){true, 5, 260, 900000, NULL, 0});
        assert_splice(kept, 2, (IntakeSplice){true, 6, 19, 90000, NULL, 0});
        assert_splice(kept, 3, (IntakeSplice){false, 5, 560, -1, NULL, 0});
        assert_splice(kept, 4, (IntakeSplice){true, 7, 21, -1, NULL, 0});
        assert_int_equal(kept->entries->len, 3);
}

/* Every byte of a message changed in every bit, and every length: told as it was, or not at all. */
static void INV_INTAKE_006_no_damaged_message_is_believed(void **state) {
        g_autoptr(TsWriter) writer = ts_writer_new(ntsc, 0);
        writer->splices = true;
        ts_writer_frames(writer, 0, 2, 15);
        const guint before = writer->bytes->len;
        ts_writer_splice(writer, 1, 5, 260, 900000);
        g_autoptr(GByteArray) bytes = g_byte_array_new();
        for (guint at = before + 4; at < before + TS_PACKET; at++) {
                for (int bit = 0; bit < 8; bit++) {
                        g_byte_array_set_size(bytes, 0);
                        g_byte_array_append(bytes, writer->bytes->data, writer->bytes->len);
                        bytes->data[at] ^= (uint8_t)(1 << bit);
                        g_autoptr(Kept) kept = parse(bytes, ntsc, NULL);
                        if (kept->splices->len > 0)
                                assert_splice(kept, 0, (IntakeSplice){true, 5, 260, 900000, NULL, 0});
                        assert_true(at < before + 5 + 40 ? kept->splices->len == 0 : kept->splices->len == 1);
                }
        }
}

/* Frames are counted right wherever the 33-bit clock stands, and over its wrap. */
static void INV_INTAKE_002_frames_are_exact_over_the_wrap(void **state) {
        static const RvRational rates[] = {{30000, 1001}, {25, 1}, {24000, 1001}, {60000, 1001}, {50, 1}, {12, 1}};
        GRand *rand = chance_new();
        for (int round = 0; round < 24; round++) {
                RvRational rate = rates[round % (int)G_N_ELEMENTS(rates)];
                int64_t first = (INT64_C(1) << 33) - g_rand_int_range(rand, 0, 400000);
                g_autoptr(TsWriter) writer = ts_writer_new(rate, first);
                ts_writer_frames(writer, 0, 200, 50);
                g_autoptr(Kept) kept = parse(writer->bytes, rate, NULL);
                assert_int_equal(kept->pictures->len, 200);
                for (unsigned i = 0; i < 200; i++)
                        assert_int_equal(at(kept->pictures, i), i);
        }
        g_rand_free(rand);
}

static void INV_INTAKE_002_a_long_session_stays_exact(void **state) {
        g_autoptr(TsWriter) writer = ts_writer_new(ntsc, 324000000);
        const int64_t step = 30 * 60 * 60 * 10; /* ten hours, less than half a turn of the clock */
        for (int64_t i = 0; i < 90; i++) {
                ts_writer_tables(writer);
                ts_writer_picture(writer, i * step, true, 300);
        }
        g_autoptr(Kept) kept = parse(writer->bytes, ntsc, NULL);
        for (unsigned i = 0; i < 90; i++)
                assert_int_equal(at(kept->entries, i), i * step);
}

static void INV_INTAKE_003_lost_sync_costs_packets_not_the_stream(void **state) {
        g_autoptr(TsWriter) writer = ts_writer_new(pal, 0);
        ts_writer_frames(writer, 0, 25, 25);
        size_t good = writer->bytes->len;
        uint8_t garbage[1000];
        for (size_t i = 0; i < sizeof garbage; i++)
                garbage[i] = i % 7 == 3 ? 0x47 : (uint8_t)i; /* with bytes that look like beginnings */
        g_byte_array_append(writer->bytes, garbage, sizeof garbage);
        ts_writer_frames(writer, 25, 50, 25);
        uint64_t lost;
        g_autoptr(Kept) kept = parse(writer->bytes, pal, &lost);
        assert_int_equal(kept->entries->len, 2);
        assert_int_equal(at(kept->entries, 1), 25);
        assert_in_range(lost, 1, 5);
        assert_memory_equal(kept->bytes->data, writer->bytes->data, good);
        size_t second = writer->bytes->len - good - sizeof garbage;
        assert_memory_equal(kept->bytes->data + kept->bytes->len - second, writer->bytes->data + good + sizeof garbage,
                            second);
        assert_true(kept->bytes->len - good - second <= 2 * TS_PACKET); /* of the garbage hardly anything passed */
}

static void INV_INTAKE_003_half_a_packet_is_forgotten_with_its_connection(void **state) {
        g_autoptr(TsWriter) writer = ts_writer_new(pal, 0);
        ts_writer_frames(writer, 0, 10, 25);
        size_t half = writer->bytes->len - 100;
        Kept *kept;
        IntakeSink sink = kept_new(&kept);
        g_autoptr(IntakeParser) parser = intake_parser_new(pal, &sink, 1);
        intake_parser_push(parser, writer->bytes->data, half);
        intake_parser_cut(parser);
        g_byte_array_set_size(writer->bytes, 0);
        ts_writer_frames(writer, 25, 26, 25);
        intake_parser_push(parser, writer->bytes->data, writer->bytes->len);
        assert_int_equal(intake_parser_syncs_lost(parser), 0);
        assert_int_equal(at(kept->entries, 1), 25); /* counted from the same first picture */
        kept_free(kept);
}

/* However the bytes are cut on their way, the sinks see the same. */
static void INV_INTAKE_004_bytes_pass_unchanged_however_they_are_cut(void **state) {
        GRand *rand = chance_new();
        g_autoptr(TsWriter) writer = ts_writer_new(ntsc, 5);
        ts_writer_frames(writer, 0, 90, 30);
        for (int round = 0; round < 20; round++) {
                Kept *kept;
                IntakeSink sink = kept_new(&kept);
                g_autoptr(IntakeParser) parser = intake_parser_new(ntsc, &sink, 1);
                for (size_t done = 0; done < writer->bytes->len;) {
                        size_t n = (size_t)g_rand_int_range(rand, 1, 2000);
                        n = MIN(n, writer->bytes->len - done);
                        intake_parser_push(parser, writer->bytes->data + done, n);
                        done += n;
                }
                intake_parser_end(parser);
                assert_int_equal(kept->bytes->len, writer->bytes->len);
                assert_memory_equal(kept->bytes->data, writer->bytes->data, writer->bytes->len);
                assert_int_equal(kept->entries->len, 3);
                assert_int_equal(at(kept->entries_at, 1) % TS_PACKET, 0);
                kept_free(kept);
        }
        g_rand_free(rand);
}

static void a_table_that_points_out_of_its_packet_is_not_read(void **state) {
        g_autoptr(TsWriter) writer = ts_writer_new(ntsc, 5);
        ts_writer_tables(writer);
        for (unsigned pointer = 0; pointer < 256; pointer++)
                for (unsigned length = 0; length < 256; length += 5) {
                        g_autoptr(GByteArray) bytes = g_byte_array_new();
                        g_byte_array_append(bytes, writer->bytes->data, writer->bytes->len);
                        bytes->data[4] = (uint8_t)pointer;
                        bytes->data[7] = (uint8_t)length;
                        bytes->data[TS_PACKET + 4] = (uint8_t)pointer;
                        bytes->data[TS_PACKET + 7] = (uint8_t)length;
                        kept_free(parse(bytes, ntsc, NULL));
                }
}

/* --- the socket -------------------------------------------------------------------------------------------------- */

typedef struct {
        char *dir, *path;
        RvClock *clock;
        Kept *kept;
        Intake *intake;
} Listening;

static void listening_begin(Listening *l) {
        g_autoptr(GError) error = NULL;
        l->dir = temp_dir_new();
        l->path = g_build_filename(l->dir, "stream", NULL);
        l->clock = rv_clock_fake_new(INT64_C(1795262400000));
        IntakeSink sink = kept_new(&l->kept);
        l->intake = intake_start(l->path, ntsc, &sink, 1, l->clock, &error);
        assert_null(error);
        assert_non_null(l->intake);
}

static void listening_end(Listening *l) {
        intake_stop(l->intake);
        assert_int_equal(l->kept->ends, 1);
        assert_false(g_file_test(l->path, G_FILE_TEST_EXISTS));
        kept_free(l->kept);
        rv_clock_fake_free(l->clock);
        g_free(l->path);
        temp_dir_free(l->dir);
}

static int connect_to(const char *path) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        g_strlcpy(address.sun_path, path, sizeof address.sun_path);
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_true(fd >= 0);
        assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
        return fd;
}

static void send_all(int fd, const GByteArray *bytes) {
        for (size_t done = 0; done < bytes->len;) {
                ssize_t n = write(fd, bytes->data + done, bytes->len - done);
                assert_true(n > 0);
                done += (size_t)n;
        }
}

static void await_bytes(Kept *kept, size_t n) {
        pthread_mutex_lock(&kept->lock);
        while (kept->bytes->len < n)
                pthread_cond_wait(&kept->changed, &kept->lock);
        pthread_mutex_unlock(&kept->lock);
}

static void INV_INTAKE_005_an_engine_may_attach_anew(void **state) {
        Listening l;
        listening_begin(&l);
        g_autoptr(TsWriter) writer = ts_writer_new(ntsc, 0);
        ts_writer_frames(writer, 0, 30, 30);
        int fd = connect_to(l.path);
        send_all(fd, writer->bytes);
        close(fd);
        size_t first = writer->bytes->len;
        await_bytes(l.kept, first);
        assert_int_equal(l.kept->ends, 0);

        g_byte_array_set_size(writer->bytes, 0);
        ts_writer_frames(writer, 60, 90, 30);
        fd = connect_to(l.path);
        send_all(fd, writer->bytes);
        await_bytes(l.kept, first + writer->bytes->len);
        assert_int_equal(at(l.kept->entries, 1), 60);
        listening_end(&l); /* while it is connected */
        close(fd);
}

static void INV_INTAKE_005_only_we_may_connect(void **state) {
        Listening l;
        struct stat info;
        listening_begin(&l);
        assert_int_equal(stat(l.path, &info), 0);
        assert_int_equal(info.st_mode & 0777, 0600);
        listening_end(&l); /* while nobody is connected */
}

static void it_says_when_bytes_last_came(void **state) {
        Listening l;
        listening_begin(&l);
        int64_t start = rv_clock_mono_ns(l.clock);
        assert_int_equal(intake_stats(l.intake).last_bytes_mono_ns, start);
        rv_clock_fake_advance_ms(l.clock, 5000);
        g_autoptr(TsWriter) writer = ts_writer_new(ntsc, 0);
        ts_writer_frames(writer, 0, 2, 30);
        int fd = connect_to(l.path);
        send_all(fd, writer->bytes);
        await_bytes(l.kept, writer->bytes->len);
        send_all(fd, writer->bytes); /* what is noted of the first is noted before the second is read */
        await_bytes(l.kept, 2 * writer->bytes->len);
        IntakeStats stats = intake_stats(l.intake);
        assert_int_equal(stats.last_bytes_mono_ns, start + INT64_C(5000000000));
        assert_true(stats.bytes >= writer->bytes->len && stats.connected);
        close(fd);
        listening_end(&l);
}

static void a_path_too_long_or_not_to_be_made_is_an_error(void **state) {
        g_autoptr(GError) error = NULL;
        RvClock *clock = rv_clock_fake_new(0);
        Kept *kept;
        IntakeSink sink = kept_new(&kept);
        g_autofree char *name = g_strnfill(120, 'x');
        g_autofree char *path = g_strconcat("/tmp/", name, NULL);
        assert_null(intake_start(path, ntsc, &sink, 1, clock, &error));
        assert_true(g_error_matches(error, RV_ERROR, RV_ERROR_LIMIT));
        g_clear_error(&error);
        assert_null(intake_start("/nowhere/at/all", ntsc, &sink, 1, clock, &error));
        assert_true(g_error_matches(error, RV_ERROR, RV_ERROR_IO));
        assert_non_null(strstr(error->message, "/nowhere/at/all"));
        kept_free(kept);
        rv_clock_fake_free(clock);
}

static void stopping_what_was_never_started_is_harmless(void **state) {
        intake_stop(NULL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(INV_INTAKE_001_nothing_passes_before_the_first_random_access_point),
                cmocka_unit_test(INV_INTAKE_002_random_access_points_begin_with_tables),
                cmocka_unit_test(INV_INTAKE_002_frames_are_exact_over_the_wrap),
                cmocka_unit_test(INV_INTAKE_006_splices_mean_exact_frames),
                cmocka_unit_test(INV_INTAKE_006_no_damaged_message_is_believed),
                cmocka_unit_test(INV_INTAKE_002_a_long_session_stays_exact),
                cmocka_unit_test(INV_INTAKE_003_lost_sync_costs_packets_not_the_stream),
                cmocka_unit_test(INV_INTAKE_003_half_a_packet_is_forgotten_with_its_connection),
                cmocka_unit_test(INV_INTAKE_004_bytes_pass_unchanged_however_they_are_cut),
                cmocka_unit_test(a_table_that_points_out_of_its_packet_is_not_read),
                cmocka_unit_test(INV_INTAKE_005_an_engine_may_attach_anew),
                cmocka_unit_test(INV_INTAKE_005_only_we_may_connect),
                cmocka_unit_test(it_says_when_bytes_last_came),
                cmocka_unit_test(a_path_too_long_or_not_to_be_made_is_an_error),
                cmocka_unit_test(stopping_what_was_never_started_is_harmless),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
