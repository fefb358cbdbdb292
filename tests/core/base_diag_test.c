#include "tests/support/cmocka.h"

#include "core/base/diag.h"

static void INV_DIAG_001_all_faults_are_told_in_the_order_of_their_places(void **state) {
        g_autoptr(Diag) diag = diag_new();
        diag_add(diag, DIAG_ERROR, "b.yaml", 1, 1, "last");
        diag_add(diag, DIAG_ERROR, "a.yaml", 12, 7, "third");
        diag_add(diag, DIAG_WARNING, "a.yaml", 3, 20, "second");
        diag_add(diag, DIAG_ERROR, "a.yaml", 3, 4, "first");
        diag_add(diag, DIAG_ERROR, NULL, 0, 0, "of no file: %d", 5);
        g_autofree char *text = diag_text(diag);
        assert_string_equal(text, "of no file: 5\n"
                                  "a.yaml:3:4: first\n"
                                  "a.yaml:3:20: warning: second\n"
                                  "a.yaml:12:7: third\n"
                                  "b.yaml:1:1: last\n");
        assert_int_equal(diag_errors(diag), 4);
        assert_int_equal(diag_count(diag), 5);
}

static void INV_DIAG_002_a_flood_of_faults_is_counted_but_not_kept(void **state) {
        g_autoptr(Diag) diag = diag_new();
        for (int i = 1; i <= 1000; i++)
                diag_add(diag, DIAG_ERROR, "a.yaml", i, 1, "fault");
        assert_int_equal(diag_errors(diag), 1000);
        assert_int_equal(diag_count(diag), 200);
        g_autofree char *text = diag_text(diag);
        assert_true(g_str_has_suffix(text, "... and 800 more\n"));
}

static void json_has_every_field_and_survives_foreign_bytes(void **state) {
        g_autoptr(Diag) diag = diag_new();
        diag_add(diag, DIAG_ERROR, "caf\xe9.yaml", 2, 3, "bad byte \xff here");
        json_t *list = diag_json(diag);
        assert_int_equal(json_array_size(list), 1);
        const json_t *entry = json_array_get(list, 0);
        assert_string_equal(json_string_value(json_object_get(entry, "severity")), "error");
        assert_int_equal(json_integer_value(json_object_get(entry, "line")), 2);
        assert_int_equal(json_integer_value(json_object_get(entry, "column")), 3);
        assert_non_null(json_string_value(json_object_get(entry, "file")));
        assert_non_null(json_string_value(json_object_get(entry, "message")));
        json_decref(list);
}

static void a_slip_of_the_finger_finds_its_word(void **state) {
        static const char *const words[] = {"pool", "pools", "schedule", "start", "end", "mode", NULL};
        assert_string_equal(diag_nearest("pol", words), "pool");
        assert_string_equal(diag_nearest("shcedule", words), "schedule");
        assert_string_equal(diag_nearest("SCHEDULES", words), "schedule");
        assert_string_equal(diag_nearest("edn", words), "end");
        assert_null(diag_nearest("rating", words));
        assert_null(diag_nearest("", words));
        assert_null(diag_nearest("a word that is very much longer than any that anybody would ever type here", words));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(INV_DIAG_001_all_faults_are_told_in_the_order_of_their_places),
                cmocka_unit_test(INV_DIAG_002_a_flood_of_faults_is_counted_but_not_kept),
                cmocka_unit_test(json_has_every_field_and_survives_foreign_bytes),
                cmocka_unit_test(a_slip_of_the_finger_finds_its_word),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
