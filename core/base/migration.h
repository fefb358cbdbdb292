/* The migrations that were built in: every core/base/store/NNN_name.sql, by number (cmake/Migrations.cmake). */
#pragma once

typedef struct {
        int number;
        const char *name; /* "001_catalog" */
        const char *sql;
} Migration;

/* In order; ends with an entry whose name is NULL. */
extern const Migration store_migrations[];
