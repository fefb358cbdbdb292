/*
 * Store: core's SQLite database (<data>/retrovue.db, WAL, foreign keys on, synchronous=NORMAL; FULL where a writer
 * asks).
 *
 * A Store is one connection and belongs to one thread; each thread that needs the database opens its own. The schema is
 * the sum of the migrations in core/base/store/ (NNN_name.sql), applied in one transaction each, recorded in
 * schema_migration; a database made by a newer program is refused. Only *_store.c files see <sqlite3.h>.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Store Store;
typedef struct sqlite3 sqlite3;
typedef struct sqlite3_stmt sqlite3_stmt;

/* Opens (making it if need be) and migrates. RV_ERROR_INVALID: not our database, damaged or newer; RV_ERROR_IO: the
 * system refused (disk full, permissions); messages name the path and what to do. */
Store *store_open(const char *path, GError **error);
/* The same to look only: makes, changes and migrates nothing; an older schema is refused as well. */
Store *store_open_to_read(const char *path, GError **error);
void store_close(Store *store);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Store, store_close)

/* 32 bits that tell this database from others, the same as long as it lives, copies included. */
bool store_identity(Store *store, uint32_t *ret_identity, GError **error);

sqlite3 *store_db(Store *store);
const char *store_path(const Store *store);

/* A prepared statement, kept for the life of the store and reset before it is handed out: two users of one text must
 * not be nested. sql should be a literal, never made from data. */
sqlite3_stmt *store_prepare(Store *store, const char *sql, GError **error);
/* Binds by format: s (const char *, NULL allowed), i (int64_t), then steps to the end; for INSERT/UPDATE/DELETE. */
bool store_run(Store *store, GError **error, const char *sql, const char *format, ...);
/* Binds the same way; step through it with store_row to the end, or leave it with store_reset: an open query holds up
 * the writers' checkpoints. NULL on error. */
sqlite3_stmt *store_query(Store *store, GError **error, const char *sql, const char *format, ...);
/* True: a row is there. False: the end, or *error is set. */
bool store_row(Store *store, sqlite3_stmt *statement, GError **error);
void store_reset(sqlite3_stmt *statement);
const char *store_text(sqlite3_stmt *statement, int column); /* NULL for SQL NULL */
int64_t store_int(sqlite3_stmt *statement, int column);
/* The number that a query answers with, 0 without a row; ends the query. query NULL (error is set already): false. */
bool store_number(Store *store, sqlite3_stmt *query, int64_t *ret_number, GError **error);

/* Transactions (BEGIN IMMEDIATE). A commit that fails is rolled back. A rollback outside of one does nothing. */
bool store_begin(Store *store, GError **error);
bool store_commit(Store *store, GError **error);
void store_rollback(Store *store);

/* The other half of an atomic file: writes data to path by temporary file, fsync, rename, fsync of the directory. */
bool store_write_file(const char *path, const void *data, size_t size, GError **error);
