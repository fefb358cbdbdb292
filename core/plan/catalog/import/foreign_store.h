/*
 * Foreign: another program's SQLite database, opened to read while that program may be writing. Nothing of it is
 * trusted: neither its schema nor its types, sizes or texts. One read transaction from open to close: what is read is
 * of one moment. One thread.
 */
#pragma once

#include <glib.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/store.h"

typedef struct Foreign Foreign;

/*
 * whose: for messages ("Plex"). stop may be NULL; else queries end soon after it is set.
 *
 * A database whose writer is at work is read beside it. One that cannot be locked (no write-ahead log is there, or it
 * may not be opened) is read as a plain file: then foreign_finish tells whether it stayed the same. Leaves no file
 * behind beside the database.
 */
Foreign *foreign_open(const char *path, const char *whose, const atomic_bool *stop, GError **error);
void foreign_close(Foreign *foreign);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Foreign, foreign_close)
/* All was read. RV_ERROR_UNAVAILABLE: the file was changed meanwhile, and what was read is not to be believed. */
bool foreign_finish(Foreign *foreign, GError **error);

/* It has a write-ahead log that may not be opened: what its server wrote lately was not seen. */
bool foreign_lacks_log(const Foreign *foreign);

/* The names of a table's columns in lower case; empty when there is no such table. g_hash_table_unref it. */
GHashTable *foreign_columns(Foreign *foreign, const char *table, GError **error);
/* RV_ERROR_INVALID with the names of those of columns (NULL-terminated) that the table lacks. */
bool foreign_require(Foreign *foreign, const char *table, const char *const *columns, GError **error);

/* Lives as long as the database is open. sql is made of literals only. */
sqlite3_stmt *foreign_query(Foreign *foreign, const char *sql, GError **error);
/* True: a row is there. False: the end, or *error is set. */
bool foreign_row(Foreign *foreign, sqlite3_stmt *query, GError **error);

/* NULL: no value. Up to the first NUL byte; not necessarily UTF-8. Until the next row. */
const char *foreign_text(sqlite3_stmt *query, int column);
/* The same, but NULL as well for what no path can be: empty, with a NUL byte, not UTF-8. */
const char *foreign_path(sqlite3_stmt *query, int column);
/* 0 for no value and for what is no number. */
int64_t foreign_int(sqlite3_stmt *query, int column);
/* A day as number of seconds since 1970 or as text that begins with it: "1994-09-22"; NULL: neither. g_free it. */
char *foreign_day(sqlite3_stmt *query, int column);
/* An instant, written either way; 0: neither. */
int64_t foreign_utc_ms(sqlite3_stmt *query, int column);
