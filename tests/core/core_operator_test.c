#include "core/operator.h"

#include "proto/base/error.h"
#include "tests/support/cmocka.h"
#include "tests/support/temp_dir.h"

#define NOW_UTC_MS INT64_C(1795406400000)
#define LATER_UTC_MS (NOW_UTC_MS + 3600000)

static char *dir, *db;
static RvClock *fake;

static int set_up(void **state) {
        dir = temp_dir_new();
        db = g_build_filename(dir, "retrovue.db", NULL);
        fake = rv_clock_fake_new(NOW_UTC_MS);
        Store *store = store_open(db, NULL);
        assert_non_null(store);
        store_close(store);
        return 0;
}

static int tear_down(void **state) {
        rv_clock_fake_free(fake);
        temp_dir_free(dir);
        g_free(db);
        return 0;
}

static void a_wish_is_recorded_listed_and_taken_back(void **state) {
        g_autoptr(GError) error = NULL;
        const HttpOverride wish = {.channel_id = "retro", .kind = "skip", .at_utc_ms = LATER_UTC_MS};
        json_t *asked = operator_override_ask(db, fake, &wish, &error);
        assert_non_null(asked);
        const int64_t id = json_integer_value(json_object_get(asked, "id"));
        json_t *list = operator_overrides(db, "retro", &error);
        assert_int_equal(json_array_size(list), 1);
        assert_true(json_equal(json_array_get(list, 0), asked));
        json_decref(list);
        json_decref(asked);
        assert_false(operator_override_cancel(db, fake, "other", id, &error));
        assert_true(g_error_matches(error, RV_ERROR, RV_ERROR_NOT_FOUND));
        g_clear_error(&error);
        assert_true(operator_override_cancel(db, fake, "retro", id, &error));
        assert_false(operator_override_cancel(db, fake, "retro", id, &error)); /* it is gone already */
}

static void a_wish_that_makes_no_sense_is_not_recorded(void **state) {
        static const HttpOverride wishes[] = {
                {"retro", NULL, NULL, LATER_UTC_MS},        {"retro", "burn", NULL, LATER_UTC_MS},
                {"retro", "skip", "alien", LATER_UTC_MS},   {"retro", "replace", NULL, LATER_UTC_MS},
                {"retro", "insert", "alien", LATER_UTC_MS}, {"retro", "skip", NULL, NOW_UTC_MS},
        };
        for (size_t i = 0; i < G_N_ELEMENTS(wishes); i++) {
                g_autoptr(GError) error = NULL;
                assert_null(operator_override_ask(db, fake, &wishes[i], &error));
                assert_true(g_error_matches(error, RV_ERROR, RV_ERROR_INVALID));
        }
        json_t *list = operator_overrides(db, "retro", NULL);
        assert_int_equal(json_array_size(list), 0);
        json_decref(list);
}

static void without_a_database_it_is_an_error(void **state) {
        g_autoptr(GError) error = NULL;
        assert_null(operator_overrides("/nowhere/retrovue.db", "retro", &error));
        assert_non_null(error);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(a_wish_is_recorded_listed_and_taken_back, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_wish_that_makes_no_sense_is_not_recorded, set_up, tear_down),
                cmocka_unit_test_setup_teardown(without_a_database_it_is_an_error, set_up, tear_down),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
