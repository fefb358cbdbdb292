/* What the C library refused stays known to the thread that it was refused to. */
#include "air/producer/shortage.h"

#include <errno.h>
#include <libavutil/error.h>
#include <pthread.h>

#include "tests/support/cmocka.h"

static void what_errno_said_is_remembered_when_it_is_overwritten(void **state) {
        shortage_forget();
        assert_false(shortage_seen());
        errno = ENOMEM;
        assert_int_equal(shortage_look(7), 7);
        errno = 0;
        assert_true(shortage_seen());
        shortage_forget();
        assert_false(shortage_seen());
}

static void a_result_says_it_as_well(void **state) {
        shortage_forget();
        assert_int_equal(shortage_look(AVERROR(EIO)), AVERROR(EIO));
        assert_false(shortage_seen());
        assert_int_equal(shortage_look(AVERROR(ENOMEM)), AVERROR(ENOMEM));
        assert_true(shortage_seen());
}

static void *look(void *seen) {
        *(bool *)seen = shortage_seen();
        return NULL;
}

static void it_is_no_other_threads(void **state) {
        shortage_forget();
        (void)shortage_look(AVERROR(ENOMEM));
        bool seen = true;
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, look, &seen), 0);
        pthread_join(thread, NULL);
        assert_false(seen);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_errno_said_is_remembered_when_it_is_overwritten),
                cmocka_unit_test(a_result_says_it_as_well),
                cmocka_unit_test(it_is_no_other_threads),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
