/* What a store holds, asked and changed by SQL that takes no values, for the tests of all that is kept in one. */
#pragma once

#include "core/base/store.h"
#include "tests/support/cmocka.h"

static inline void sql_run(Store *store, const char *sql) {
        g_autoptr(GError) error = NULL;
        if (!store_run(store, &error, sql, ""))
                fail_msg("%s: %s", sql, error->message);
}

/* The first column of the first row. */
static inline int64_t sql_int(Store *store, const char *sql) {
        sqlite3_stmt *query = store_query(store, NULL, sql, "");
        assert_non_null(query);
        assert_true(store_row(store, query, NULL));
        const int64_t value = store_int(query, 0);
        store_reset(query);
        return value;
}
