#include "tests/support/cmocka.h"

#include "proto/base/language.h"

static void codes_of_all_kinds_are_known(void **state) {
        assert_string_equal(rv_language_of_code("de"), "deu");
        assert_string_equal(rv_language_of_code("GER"), "deu");
        assert_string_equal(rv_language_of_code("deu"), "deu");
        assert_string_equal(rv_language_of_code("zun"), "zun");
        assert_null(rv_language_of_code(""));
        assert_null(rv_language_of_code("xx"));
        assert_null(rv_language_of_code("edo")); /* a name */
}

static void names_are_known_besides(void **state) {
        assert_string_equal(rv_language_of("german"), "deu");
        assert_string_equal(rv_language_of("Castilian"), "spa");
        assert_string_equal(rv_language_of("pt"), "por");
        assert_string_equal(rv_language_of("Edo"), "bin");
        assert_null(rv_language_of("Ge"));
        assert_null(rv_language_of(""));
        assert_null(rv_language_of("Klingonish"));
}

static void each_language_has_its_names(void **state) {
        size_t n = 0;
        for (const char *names; (names = rv_language_names(n)); n++)
                assert_true(*names != '\0' && *names != ';');
        assert_int_equal(n, 482);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(codes_of_all_kinds_are_known),
                cmocka_unit_test(names_are_known_besides),
                cmocka_unit_test(each_language_has_its_names),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
