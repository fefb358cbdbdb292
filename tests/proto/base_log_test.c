#include "tests/support/cmocka.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/base/log.h"
#include "proto/base/thread.h"
#include "tests/support/capture.h"
#include "tests/support/chance.h"

#define LINE_MAX_BYTES 4096
#define N_THREADS 4
#define N_LINES 500

static RvClock *clock_at;

static void set_up_format(const char *format, const char *level) {
        g_setenv("RETROVUE_LOG_FORMAT", format, TRUE);
        g_setenv("RETROVUE_LOG_LEVEL", level, TRUE);
        rv_log_init("log_test", clock_at);
}

static void text_lines_quote_what_needs_it(void **state) {
        set_up_format("text", "info");
        capture_stderr_begin();
        rv_info("channel.live", RV_S("channel", "retro"), RV_I("pid", 4711));
        rv_error("a.b", RV_S("text", "two words"), RV_S("none", NULL), RV_S("line", "a\nb\"c"), RV_I("low", INT64_MIN));
        rv_warning("no.fields");
        g_autofree char *lines = capture_stderr_end();
        assert_string_equal(lines, "2026-11-22T04:08:50.123Z info channel.live channel=retro pid=4711\n"
                                   "2026-11-22T04:08:50.123Z error a.b text=\"two words\" none=\"\" "
                                   "line=\"a\\nb\\\"c\" low=-9223372036854775808\n"
                                   "2026-11-22T04:08:50.123Z warning no.fields\n");
}

static void INV_BASE_004_json_lines_escape_what_they_must(void **state) {
        set_up_format("json", "info");
        capture_stderr_begin();
        rv_info("a.b", RV_S("s", "q\" b\\ n\n t\t c\x01 d\x7f u\xc3\xa9 bad\xff end"), RV_I("i", -5), RV_S("z", NULL));
        g_autofree char *line = capture_stderr_end();
        assert_string_equal(
                line, "{\"time\":\"2026-11-22T04:08:50.123Z\",\"level\":\"info\",\"program\":\"log_test\","
                      "\"event\":\"a.b\",\"s\":\"q\\\" b\\\\ n\\n t\\t c\\u0001 d\\u007f u\xc3\xa9 bad\xef\xbf\xbd"
                      " end\",\"i\":-5,\"z\":\"\"}\n");
}

static void no_key_occurs_twice(void **state) {
        set_up_format("json", "info");
        capture_stderr_begin();
        rv_info("a.b", RV_S("event", "e7"), RV_S("level", "l"), RV_I("time", 1));
        g_autofree char *line = capture_stderr_end();
        assert_non_null(strstr(line, "\"event\":\"a.b\",\"event_\":\"e7\",\"level_\":\"l\",\"time_\":1}"));
}

/* One line, UTF-8, no control character, at most 4096 bytes, quotes closed, an object. */
static void check_json_line(const char *line) {
        const size_t size = strlen(line);
        assert_true(size <= LINE_MAX_BYTES && g_utf8_validate(line, -1, NULL));
        assert_true(g_str_has_prefix(line, "{\"") && g_str_has_suffix(line, "}\n"));
        bool in_string = false;
        for (const char *p = line; p < line + size - 1; p++) {
                assert_true((unsigned char)*p >= 0x20 && *p != 0x7f);
                if (in_string && *p == '\\') {
                        p++;
                        assert_non_null(strchr("\"\\ntu", *p));
                } else if (*p == '"') {
                        in_string = !in_string;
                }
        }
        assert_false(in_string);
}

static void INV_BASE_004_any_bytes_make_one_valid_line(void **state) {
        set_up_format("json", "info");
        GRand *rand = chance_new();
        for (int i = 0; i < 1000; i++) {
                g_autofree char *first = chance_bytes(rand, 3000);
                g_autofree char *second = chance_bytes(rand, i % 2 ? 10 : 9000);
                capture_stderr_begin();
                rv_info("any.bytes", RV_S("first", first), RV_S("second", second), RV_I("last", i));
                g_autofree char *line = capture_stderr_end();
                check_json_line(line);
        }
        g_rand_free(rand);
}

static void INV_BASE_004_what_does_not_fit_is_cut_and_said_so(void **state) {
        g_autofree char *long_text = g_strnfill(10000, '"');
        static const char *const formats[] = {"json", "text"};
        for (size_t i = 0; i < G_N_ELEMENTS(formats); i++) {
                set_up_format(formats[i], "info");
                capture_stderr_begin();
                rv_info("too.long", RV_S("text", long_text), RV_I("lost", 1));
                g_autofree char *line = capture_stderr_end();
                assert_true(strlen(line) <= LINE_MAX_BYTES && strlen(line) > LINE_MAX_BYTES - 100);
                assert_true(g_str_has_suffix(line, i == 0 ? "\",\"cut\":1}\n" : "\" cut=1\n"));
                assert_null(strstr(line, "lost"));
        }
}

static void write_lines(void *user) {
        g_autofree char *filler = g_strnfill(700, 'x');
        for (int i = 0; i < N_LINES; i++)
                rv_info("torn.line", RV_S("filler", filler), RV_I("number", i));
}

static void INV_BASE_004_lines_of_many_threads_are_whole(void **state) {
        set_up_format("json", "info");
        RvThread *threads[N_THREADS];
        capture_stderr_begin();
        for (int i = 0; i < N_THREADS; i++)
                threads[i] = rv_thread_start("logger", RV_PRIORITY_NORMAL, write_lines, NULL, NULL);
        for (int i = 0; i < N_THREADS; i++)
                rv_thread_join(threads[i]);
        g_autofree char *text = capture_stderr_end();
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        assert_int_equal(g_strv_length(lines), N_THREADS * N_LINES + 1);
        for (int i = 0; i < N_THREADS * N_LINES; i++) {
                g_autofree char *line = g_strconcat(lines[i], "\n", NULL);
                check_json_line(line);
                assert_non_null(strstr(line, "x\",\"number\":"));
        }
}

static int evaluated(int *count) {
        return ++*count;
}

static void levels_below_are_not_even_evaluated(void **state) {
        int count = 0;
        set_up_format("json", "warning");
        capture_stderr_begin();
        rv_info("a.b", RV_I("n", evaluated(&count)));
        rv_warning("c.d", RV_I("n", evaluated(&count)));
        rv_log_set_level(RV_LOG_DEBUG);
        rv_debug("e.f", RV_I("n", evaluated(&count)));
        g_autofree char *lines = capture_stderr_end();
        assert_int_equal(count, 2);
        assert_null(strstr(lines, "a.b"));
        assert_non_null(strstr(lines, "\"event\":\"c.d\",\"n\":1}"));
        assert_non_null(strstr(lines, "\"level\":\"debug\",\"program\":\"log_test\",\"event\":\"e.f\",\"n\":2}"));
}

static void a_bad_setting_is_said_and_ignored(void **state) {
        capture_stderr_begin();
        set_up_format("json", "loud");
        g_autofree char *lines = capture_stderr_end();
        assert_non_null(
                strstr(lines, "\"event\":\"log.bad_setting\",\"variable\":\"RETROVUE_LOG_LEVEL\",\"value\":\"loud\""));
        assert_true(rv_log_enabled(RV_LOG_INFO) && !rv_log_enabled(RV_LOG_DEBUG));
}

static void glib_s_messages_join_the_stream(void **state) {
        set_up_format("json", "info");
        capture_stderr_begin();
        g_log("Some", G_LOG_LEVEL_WARNING, "odd \"%s\"", "thing");
        g_log("Some", G_LOG_LEVEL_DEBUG, "silent");
        g_autofree char *lines = capture_stderr_end();
        assert_non_null(strstr(lines, "\"level\":\"warning\",\"program\":\"log_test\",\"event\":\"glib.message\","
                                      "\"domain\":\"Some\",\"message\":\"odd \\\"thing\\\"\"}\n"));
        assert_null(strstr(lines, "silent"));
}

typedef struct {
        int events;
        int64_t value;
} Seen;

static void see(void *user, RvLogLevel level, const char *event, const RvField *fields, size_t n_fields) {
        Seen *seen = user;
        assert_int_equal(level, RV_LOG_DEBUG);
        assert_string_equal(event, "seen.it");
        assert_int_equal(n_fields, 1);
        assert_string_equal(fields[0].key, "n");
        seen->events++;
        seen->value = fields[0].integer;
}

static void a_sink_takes_every_line_unfiltered(void **state) {
        Seen seen = {0};
        set_up_format("json", "error");
        capture_stderr_begin();
        rv_log_set_sink(see, &seen);
        rv_debug("seen.it", RV_I("n", 42));
        rv_log_set_sink(NULL, NULL);
        rv_debug("seen.it", RV_I("n", 43));
        g_autofree char *lines = capture_stderr_end();
        assert_int_equal(seen.events, 1);
        assert_int_equal(seen.value, 42);
        assert_string_equal(lines, "");
}

static void times_before_1970_are_right(void **state) {
        set_up_format("text", "info");
        RvClock *early = rv_clock_fake_new(-1);
        rv_log_init("log_test", early);
        capture_stderr_begin();
        rv_info("a.b");
        g_autofree char *line = capture_stderr_end();
        assert_string_equal(line, "1969-12-31T23:59:59.999Z info a.b\n");
        rv_log_init("log_test", clock_at);
        rv_clock_fake_free(early);
}

static void a_full_disk_costs_the_line_and_not_errno(void **state) {
        set_up_format("json", "info");
        const int full = open("/dev/full", O_WRONLY | O_CLOEXEC), before = dup(STDERR_FILENO);
        assert_true(full >= 0 && before >= 0);
        dup2(full, STDERR_FILENO);
        errno = ENOENT;
        rv_info("a.b");
        const int after = errno;
        dup2(before, STDERR_FILENO);
        close(before);
        close(full);
        assert_int_equal(after, ENOENT);
}

/* Whether a line written with no format named, stderr being fd, is JSON. */
static bool json_on(int fd, int read_fd) {
        const int before = dup(STDERR_FILENO);
        g_unsetenv("RETROVUE_LOG_FORMAT");
        dup2(fd, STDERR_FILENO);
        rv_log_init("log_test", clock_at);
        rv_info("a.b");
        dup2(before, STDERR_FILENO);
        close(before);
        char first;
        assert_int_equal(read(read_fd, &first, 1), 1);
        return first == '{';
}

static void a_terminal_gets_text_and_a_pipe_json(void **state) {
        g_setenv("RETROVUE_LOG_LEVEL", "info", TRUE);
        const int terminal = posix_openpt(O_RDWR | O_NOCTTY);
        assert_true(terminal >= 0 && grantpt(terminal) == 0 && unlockpt(terminal) == 0);
        const int its_user = open(ptsname(terminal), O_RDWR | O_NOCTTY);
        assert_true(its_user >= 0);
        assert_false(json_on(its_user, terminal));
        close(its_user);
        close(terminal);

        int ends[2];
        assert_int_equal(pipe(ends), 0);
        assert_true(json_on(ends[1], ends[0]));
        close(ends[0]);
        close(ends[1]);
}

int main(void) {
        clock_at = rv_clock_fake_new(INT64_C(1795320530123));
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(text_lines_quote_what_needs_it),
                cmocka_unit_test(INV_BASE_004_json_lines_escape_what_they_must),
                cmocka_unit_test(no_key_occurs_twice),
                cmocka_unit_test(INV_BASE_004_any_bytes_make_one_valid_line),
                cmocka_unit_test(INV_BASE_004_what_does_not_fit_is_cut_and_said_so),
                cmocka_unit_test(INV_BASE_004_lines_of_many_threads_are_whole),
                cmocka_unit_test(levels_below_are_not_even_evaluated),
                cmocka_unit_test(a_bad_setting_is_said_and_ignored),
                cmocka_unit_test(glib_s_messages_join_the_stream),
                cmocka_unit_test(a_sink_takes_every_line_unfiltered),
                cmocka_unit_test(times_before_1970_are_right),
                cmocka_unit_test(a_full_disk_costs_the_line_and_not_errno),
                cmocka_unit_test(a_terminal_gets_text_and_a_pipe_json),
        };
        const int result = cmocka_run_group_tests(tests, NULL, NULL);
        rv_clock_fake_free(clock_at);
        return result;
}
