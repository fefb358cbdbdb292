/* What is freed, and what only a start has needed, is given back. */
#include "air/control/memory.h"

#include <fcntl.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/cmocka.h"

#define PIECES 64
#define PIECE_BYTES ((size_t)1 << 20)

/* KiB of a line of /proc/self/status. */
static long resident(const char *what) {
        g_autofree char *status = NULL;
        assert_true(g_file_get_contents("/proc/self/status", &status, NULL, NULL));
        const char *at = strstr(status, what);
        assert_non_null(at);
        return strtol(at + strlen(what), NULL, 10);
}

static void free_them(char **pieces) {
        for (int i = 0; i < PIECES; i++)
                free(pieces[i]);
}

/* The last one stays: a heap of which only the end is in use could not be given back. */
static void INV_CONTROL_009_what_was_freed_is_the_systems(void **state) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
        skip(); /* they keep what is freed, and look at it */
#endif
        memory_prepare();
        char *pieces[PIECES];
        for (int round = 0; round < 2; round++) { /* a threshold that rises does so by the first round */
                const long before_kib = resident("VmRSS:");
                for (int i = 0; i < PIECES; i++) {
                        pieces[i] = malloc(PIECE_BYTES);
                        assert_non_null(pieces[i]);
                        memset(pieces[i], i, PIECE_BYTES);
                }
                char *last = malloc(64);
                assert_true(resident("VmRSS:") - before_kib >= PIECES * 1000);
                free_them(pieces);
                assert_true(resident("VmRSS:") - before_kib < PIECES * 100);
                free(last);
        }
}

static void INV_CONTROL_009_what_only_the_start_has_read_is_given_up(void **state) {
        const long before_kib = resident("RssFile:");
        memory_settle();
        assert_true(resident("RssFile:") < before_kib / 2);
        g_autofree char *text = g_strdup_printf("%d %s", 7, g_get_host_name()); /* comes back as it is needed */
        assert_true(g_str_has_prefix(text, "7 "));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(INV_CONTROL_009_what_was_freed_is_the_systems),
                cmocka_unit_test(INV_CONTROL_009_what_only_the_start_has_read_is_given_up),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
