/* The histogram of ticks' lateness. That each tick is noted: seam_test, where a stall is. */
#include <glib.h>

#include "air/seam/lateness.h"
#include "tests/support/cmocka.h"

static void INV_SEAM_108_each_lateness_is_in_its_step(void **state) {
        LatenessCounters counters = {0};
        for (int64_t late_us = 0; late_us < 1000; late_us++)
                lateness_note(&counters, late_us);
        lateness_note(&counters, INT64_C(3600) * 1000000);
        const Lateness lateness = lateness_read(&counters);
        assert_int_equal(lateness_count(&lateness), 1001);
        g_autofree char *text = lateness_text(&lateness);
        assert_string_equal(text, "10:11,20:10,50:30,100:50,200:100,500:300,1000:499,2000:0,5000:0,10000:0,20000:0,"
                                  "50000:0,100000:0,200000:0,500000:0,inf:1");
}

static void percentiles_are_bounds_of_steps_and_never_more_than_the_greatest(void **state) {
        LatenessCounters counters = {0};
        Lateness lateness = lateness_read(&counters);
        assert_int_equal(lateness_percentile_us(&lateness, 500), 0);
        for (int64_t late_us = 0; late_us < 1000; late_us++)
                lateness_note(&counters, late_us);
        lateness = lateness_read(&counters);
        assert_int_equal(lateness_percentile_us(&lateness, 11), 10);
        assert_int_equal(lateness_percentile_us(&lateness, 12), 20);
        assert_int_equal(lateness_percentile_us(&lateness, 500), 500);
        assert_int_equal(lateness_percentile_us(&lateness, 990), 999);
        lateness_note(&counters, INT64_C(3600) * 1000000);
        lateness = lateness_read(&counters);
        assert_int_equal(lateness_percentile_us(&lateness, 1000), INT64_C(3600) * 1000000);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(INV_SEAM_108_each_lateness_is_in_its_step),
                cmocka_unit_test(percentiles_are_bounds_of_steps_and_never_more_than_the_greatest),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
