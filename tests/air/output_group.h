/* What a whole group of tests of the output needs: GStreamer, with the plug-ins that engines have. */
#pragma once

#include "air/output/output.h"
#include "tests/support/cmocka.h"
#include "tests/support/temp_dir.h"

static inline int set_up_all(void **state) {
        char *dir = temp_dir_new();
        *state = dir;
        g_autoptr(GError) error = NULL;
        output_prepare(dir);
        assert_true(output_init(&error));
        return 0;
}

static inline int tear_down_all(void **state) {
        temp_dir_free(*state);
        return 0;
}
