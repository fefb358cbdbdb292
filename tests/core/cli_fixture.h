/* `retrovue` as an operator runs it, within the test's process. */
#pragma once

#include <string.h>

#include "core/cli/cli.h"
#include "tests/support/capture.h"
#include "tests/support/cmocka.h"

/* `retrovue WORDS... --data DATA`, words parted by single blanks: its exit status, and what it printed in the place of
 * *out and *err. */
static inline int cli_run(const char *data, const char *words, char **out, char **err) {
        g_auto(GStrv) given = g_strsplit(words, " ", -1);
        g_autoptr(GPtrArray) argv = g_ptr_array_new();
        g_ptr_array_add(argv, (char[]){"retrovue"});
        for (unsigned i = 0; given[i]; i++)
                g_ptr_array_add(argv, given[i]);
        g_ptr_array_add(argv, (char[]){"--data"});
        g_ptr_array_add(argv, (char *)data);
        g_ptr_array_add(argv, NULL);
        capture_stdout_begin();
        capture_stderr_begin();
        const int status = cli_main((int)argv->len - 1, (char **)argv->pdata);
        g_free(*out);
        g_free(*err);
        *err = capture_stderr_end();
        *out = capture_stdout_end();
        return status;
}

static inline void assert_has(const char *text, const char *part) {
        if (!strstr(text, part))
                fail_msg("\"%s\" is not in: %s", part, text);
}
