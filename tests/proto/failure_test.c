#include "tests/support/cmocka.h"

#include <errno.h>
#include <string.h>

#include "proto/base/log.h"
#include "proto/failure/failure.h"
#include "tests/support/capture.h"

static const FailureTally *tally_of(const GArray *tallies, const char *code) {
        for (unsigned i = 0; i < tallies->len; i++) {
                const FailureTally *tally = &g_array_index(tallies, FailureTally, i);
                if (g_str_equal(tally->kind->code, code))
                        return tally;
        }
        return NULL;
}

static int64_t count_of(const char *code) {
        g_autoptr(GArray) tallies = failure_tallies();
        const FailureTally *tally = tally_of(tallies, code);
        return tally ? tally->count : 0;
}

static void INV_FAILURE_001_each_code_is_found_and_says_what_to_do(void **state) {
        size_t n;
        const FailureKind *kinds = failure_kinds(&n);
        assert_true(n > 60);
        for (size_t i = 0; i < n; i++) {
                assert_ptr_equal(failure_kind(kinds[i].code), &kinds[i]);
                assert_true(i == 0 || strcmp(kinds[i - 1].code, kinds[i].code) < 0);
                assert_non_null(strchr(kinds[i].code, '.'));
                assert_true(g_str_has_suffix(kinds[i].sentence, ".") && g_str_has_suffix(kinds[i].cure, "."));
                assert_non_null(failure_class_name(kinds[i].class));
        }
        assert_null(failure_kind("no.such"));
        assert_null(failure_kind(""));
}

static void INV_FAILURE_002_warnings_count_though_they_are_not_shown(void **state) {
        rv_log_set_level(RV_LOG_ERROR);
        const int64_t before = count_of("feed.no_schedule_data");
        capture_stderr_begin();
        errno = EBUSY;
        rv_warning("feed.no_schedule_data", RV_S("channel", "retro"), RV_I("at_utc_ms", 5));
        assert_int_equal(errno, EBUSY);
        rv_info("feed.no_schedule_data", RV_S("channel", "info is no failure"));
        g_autofree char *lines = capture_stderr_end();
        rv_log_set_level(RV_LOG_INFO);
        assert_string_equal(lines, "");
        assert_int_equal(count_of("feed.no_schedule_data"), before + 1);
        g_autoptr(GArray) tallies = failure_tallies();
        const FailureTally *tally = tally_of(tallies, "feed.no_schedule_data");
        assert_string_equal(tally->last, "channel=retro at_utc_ms=5");
        assert_true(tally->last_utc_ms > 0);
        assert_int_equal(tally->kind->class, FAILURE_PLANNING);
}

static void lines_carry_the_class(void **state) {
        capture_stderr_begin();
        rv_error("channel.start_failed", RV_S("class", "mine"));
        rv_error("unknown.name");
        g_autofree char *lines = capture_stderr_end();
        assert_non_null(strstr(lines, "\"event\":\"channel.start_failed\",\"class\":\"runtime\",\"class_\":\"mine\"}"));
        assert_non_null(strstr(lines, "\"event\":\"unknown.name\"}"));
}

static void what_others_tell_is_counted_by_its_reason(void **state) {
        assert_true(failure_note_of("segment", "NOT_FOUND", "Tavern"));
        assert_true(failure_note("segment.not_found", NULL));
        assert_int_equal(count_of("segment.not_found"), 2);
        assert_false(failure_note_of("segment", "STOPPED", "viewers left"));
        assert_false(failure_note("segment.", NULL));
}

/* Cut where a character ends: the text goes into JSON. */
static void a_long_detail_is_cut_between_characters(void **state) {
        g_autofree char *e = g_strnfill(FAILURE_DETAIL_SIZE - 2, 'e');
        g_autofree char *text = g_strconcat(e, "\xc3\xa9\xc3\xa9\xc3\xa9", NULL);
        assert_true(failure_note("rpc.cut", text));
        g_autoptr(GArray) tallies = failure_tallies();
        const char *last = tally_of(tallies, "rpc.cut")->last;
        assert_true(g_utf8_validate(last, -1, NULL));
        assert_string_equal(last, e);
        assert_true(failure_note("rpc.cut", "\xff short"));
        g_autoptr(GArray) again = failure_tallies();
        assert_true(g_utf8_validate(tally_of(again, "rpc.cut")->last, -1, NULL));
}

static int set_up(void **state) {
        g_setenv("RETROVUE_LOG_FORMAT", "json", TRUE);
        rv_log_init("failure_test", rv_clock_system());
        failure_watch_log();
        return 0;
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(INV_FAILURE_001_each_code_is_found_and_says_what_to_do),
                cmocka_unit_test(INV_FAILURE_002_warnings_count_though_they_are_not_shown),
                cmocka_unit_test(lines_carry_the_class),
                cmocka_unit_test(what_others_tell_is_counted_by_its_reason),
                cmocka_unit_test(a_long_detail_is_cut_between_characters),
        };
        return cmocka_run_group_tests(tests, set_up, NULL);
}
