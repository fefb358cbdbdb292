#include "core/base/store.h"

#include <sqlite3.h>
#include <stdarg.h>
#include <string.h>

#include "core/base/migration.h"
#include "proto/base/error.h"
#include "proto/base/log.h"

#define APPLICATION_ID 0x52565545 /* "RVUE", in the file's header: whose database it is */
#define BUSY_TIMEOUT_MS 10000     /* the longest batch of another connection */

struct Store {
        sqlite3 *db;
        char *path;
        GHashTable *statements; /* SQL text -> sqlite3_stmt */
};

static int rv_code(int code) {
        switch (code & 0xff) {
        case SQLITE_FULL:
        case SQLITE_IOERR:
        case SQLITE_CANTOPEN:
        case SQLITE_READONLY:
        case SQLITE_PERM:
        case SQLITE_AUTH:
                return RV_ERROR_IO;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
        case SQLITE_FORMAT:
                return RV_ERROR_INVALID;
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
                return RV_ERROR_UNAVAILABLE;
        default:
                return RV_ERROR_FAILED;
        }
}

/* What a person can do about it; empty where nobody can say. */
static const char *advice(int code) {
        switch (code & 0xff) {
        case SQLITE_FULL:
                return "; make room on the disk";
        case SQLITE_CANTOPEN:
        case SQLITE_READONLY:
        case SQLITE_PERM:
                return "; check that the folder exists and that this user may write there";
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
                return "; restore it from a backup, or move it away to begin with a new one";
        case SQLITE_BUSY:
                return "; another program keeps it locked";
        default:
                return "";
        }
}

static void set_error(const Store *store, GError **error, const char *doing) {
        const int code = sqlite3_extended_errcode(store->db);
        g_set_error(error, RV_ERROR, rv_code(code), "database %s: %s: %s%s", store->path, doing,
                    sqlite3_errmsg(store->db), advice(code));
}

/* Schema changes seen by other connections are everyday; the rest is worth a line. */
static void log_message(void *user, int code, const char *message) {
        const int kind = code & 0xff;
        const RvLogLevel level = kind == SQLITE_SCHEMA || kind == SQLITE_NOTICE ? RV_LOG_DEBUG : RV_LOG_WARNING;
        rv_log(level, "store.sqlite", RV_I("code", code), RV_S("message", message));
}

static void finalize(void *statement) {
        (void)sqlite3_finalize(statement);
}

static void join_log(void) {
        static gsize once;
        if (g_once_init_enter(&once)) {
                sqlite3_config(SQLITE_CONFIG_LOG, log_message, NULL);
                g_once_init_leave(&once, 1);
        }
}

static bool exec(Store *store, const char *sql, const char *doing, GError **error) {
        if (sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK)
                return true;
        set_error(store, error, doing);
        return false;
}

bool store_number(Store *store, sqlite3_stmt *statement, int64_t *ret_value, GError **error) {
        g_autoptr(GError) failure = NULL;
        if (!statement)
                return false;
        const bool row = store_row(store, statement, &failure);
        const int64_t value = row ? store_int(statement, 0) : 0;
        store_reset(statement);
        if (failure) {
                g_propagate_error(error, g_steal_pointer(&failure));
                return false;
        }
        *ret_value = value;
        return true;
}

static bool application_id(Store *store, int64_t *ret_id, GError **error) {
        return store_number(store, store_query(store, error, "PRAGMA application_id", ""), ret_id, error);
}

bool store_identity(Store *store, uint32_t *ret_identity, GError **error) {
        int64_t identity = 0;
        const bool known = store_number(store, store_query(store, error, "SELECT identity FROM store_identity", ""),
                                        &identity, error);
        *ret_identity = (uint32_t)identity;
        return known;
}

/* Ours, or new: a database of another program is left alone. INV-STORE-002. Asked in one statement, for another may be
 * setting up the same new database just now. */
static bool check_owner(Store *store, GError **error) {
        int64_t id = 0, n_tables = 0;
        sqlite3_stmt *query = store_query(
                store, error, "SELECT application_id, (SELECT count(*) FROM sqlite_schema) FROM pragma_application_id",
                "");
        if (!query)
                return false;
        g_autoptr(GError) failure = NULL;
        if (store_row(store, query, &failure)) {
                id = store_int(query, 0);
                n_tables = store_int(query, 1);
        }
        store_reset(query);
        if (failure) {
                g_propagate_error(error, g_steal_pointer(&failure));
                return false;
        }
        if (id == APPLICATION_ID || (id == 0 && n_tables == 0))
                return true;
        g_set_error(error, RV_ERROR, RV_ERROR_INVALID,
                    "database %s belongs to another program; name another data directory", store->path);
        return false;
}

static bool configure(Store *store, GError **error) {
        static const char pragmas[] = "PRAGMA journal_mode=WAL;"
                                      "PRAGMA synchronous=NORMAL;"
                                      "PRAGMA foreign_keys=ON;"
                                      "PRAGMA trusted_schema=OFF;"
                                      "PRAGMA temp_store=MEMORY;"
                                      "PRAGMA journal_size_limit=67108864;";
        sqlite3_extended_result_codes(store->db, 1);
        sqlite3_busy_timeout(store->db, BUSY_TIMEOUT_MS);
        return check_owner(store, error) && exec(store, pragmas, "cannot be prepared", error);
}

static bool known(int number) {
        for (const Migration *migration = store_migrations; migration->name; migration++)
                if (migration->number == number)
                        return true;
        return false;
}

static bool refuse_newer(Store *store, GError **error) {
        sqlite3_stmt *applied = store_query(store, error, "SELECT number, name FROM schema_migration", "");
        if (!applied)
                return false;
        g_autoptr(GError) failure = NULL;
        bool good = true;
        while (good && store_row(store, applied, &failure)) {
                good = known((int)store_int(applied, 0)); /* INV-STORE-001 */
                if (!good)
                        g_set_error(&failure, RV_ERROR, RV_ERROR_INVALID,
                                    "database %s was made by a newer version of this program (it has %s); "
                                    "install that version",
                                    store->path, store_text(applied, 1));
        }
        store_reset(applied);
        if (!failure)
                return true;
        g_propagate_error(error, g_steal_pointer(&failure));
        return false;
}

/* INV-STORE-004: whether it was applied is asked inside of the transaction, for several may open a new database at
 * once. */
static bool apply(Store *store, const Migration *migration, GError **error) {
        int64_t applied = 0;
        sqlite3_stmt *count = store_query(store, error, "SELECT count(*) FROM schema_migration WHERE number = ?", "i",
                                          (int64_t)migration->number);
        if (!store_number(store, count, &applied, error))
                return false;
        if (applied > 0)
                return true;
        g_autofree char *doing = g_strdup_printf("cannot apply migration %s", migration->name);
        if (!exec(store, migration->sql, doing, error))
                return false;
        return store_run(store, error, "INSERT INTO schema_migration (number, name) VALUES (?, ?)", "is",
                         (int64_t)migration->number, migration->name);
}

static bool in_transaction(Store *store, const Migration *migration, GError **error) {
        if (!store_begin(store, error))
                return false;
        if (!apply(store, migration, error)) {
                store_rollback(store); /* INV-STORE-003 */
                return false;
        }
        return store_commit(store, error);
}

/* Name and first table at once: who sees the one may rely on the other. */
static bool set_up(Store *store, GError **error) {
        g_autofree char *first = g_strdup_printf(
                "PRAGMA application_id=%d;"
                "CREATE TABLE IF NOT EXISTS schema_migration (number INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;",
                APPLICATION_ID);
        if (!store_begin(store, error))
                return false;
        if (exec(store, first, "cannot be set up", error))
                return store_commit(store, error);
        store_rollback(store);
        return false;
}

static bool migrate(Store *store, GError **error) {
        int64_t id = 0;
        if (!application_id(store, &id, error) || (id != APPLICATION_ID && !set_up(store, error)))
                return false;
        if (!refuse_newer(store, error))
                return false;
        for (const Migration *migration = store_migrations; migration->name; migration++)
                if (!in_transaction(store, migration, error))
                        return false;
        return true;
}

static Store *store_new(const char *path) {
        Store *store = g_new0(Store, 1);
        store->path = g_strdup(path);
        store->statements = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, finalize);
        return store;
}

Store *store_open(const char *path, GError **error) {
        join_log();
        g_autoptr(Store) store = store_new(path);
        const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
        if (sqlite3_open_v2(path, &store->db, flags, NULL) != SQLITE_OK) {
                set_error(store, error, "cannot be opened");
                return NULL;
        }
        if (!configure(store, error) || !migrate(store, error))
                return NULL;
        return g_steal_pointer(&store);
}

static bool refuse_older(Store *store, GError **error) {
        int64_t n_applied = 0, n_known = 0;
        if (!store_number(store, store_query(store, error, "SELECT count(*) FROM schema_migration", ""), &n_applied,
                          error))
                return false;
        for (const Migration *migration = store_migrations; migration->name; migration++)
                n_known++;
        if (n_applied >= n_known)
                return true;
        g_set_error(error, RV_ERROR, RV_ERROR_INVALID,
                    "database %s was made by an older version of this program; `retrovue serve` brings it up to date",
                    store->path);
        return false;
}

Store *store_open_to_read(const char *path, GError **error) {
        join_log();
        g_autoptr(Store) store = store_new(path);
        const int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
        if (sqlite3_open_v2(path, &store->db, flags, NULL) != SQLITE_OK) {
                set_error(store, error, "cannot be opened");
                return NULL;
        }
        sqlite3_extended_result_codes(store->db, 1);
        sqlite3_busy_timeout(store->db, BUSY_TIMEOUT_MS);
        if (!check_owner(store, error) || !refuse_newer(store, error) || !refuse_older(store, error))
                return NULL;
        return g_steal_pointer(&store);
}

void store_close(Store *store) {
        if (!store)
                return;
        g_hash_table_unref(store->statements); /* before the connection that they belong to */
        sqlite3_close(store->db);
        g_free(store->path);
        g_free(store);
}

sqlite3 *store_db(Store *store) {
        return store->db;
}

const char *store_path(const Store *store) {
        return store->path;
}

sqlite3_stmt *store_prepare(Store *store, const char *sql, GError **error) {
        sqlite3_stmt *statement = g_hash_table_lookup(store->statements, sql);
        if (statement) {
                sqlite3_reset(statement);
                sqlite3_clear_bindings(statement);
                return statement;
        }
        if (sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) != SQLITE_OK) {
                set_error(store, error, "cannot be read or written");
                return NULL;
        }
        g_hash_table_insert(store->statements, g_strdup(sql), statement);
        return statement;
}

/* Texts are copied by SQLite: the caller's may go before the rows are read. */
static sqlite3_stmt *prepare_bound(Store *store, const char *sql, const char *format, va_list *args, GError **error) {
        sqlite3_stmt *statement = store_prepare(store, sql, error);
        if (!statement)
                return NULL;
        g_assert((size_t)sqlite3_bind_parameter_count(statement) == strlen(format));
        for (int i = 0; format[i]; i++) {
                int result = SQLITE_OK;
                if (format[i] == 's')
                        result = sqlite3_bind_text(statement, i + 1, va_arg(*args, const char *), -1, SQLITE_TRANSIENT);
                else if (format[i] == 'i')
                        result = sqlite3_bind_int64(statement, i + 1, va_arg(*args, int64_t));
                else
                        g_assert_not_reached();
                if (result != SQLITE_OK) {
                        set_error(store, error, "cannot be read or written");
                        return NULL;
                }
        }
        return statement;
}

sqlite3_stmt *store_query(Store *store, GError **error, const char *sql, const char *format, ...) {
        va_list args;
        va_start(args, format);
        sqlite3_stmt *statement = prepare_bound(store, sql, format, &args, error);
        va_end(args);
        return statement;
}

bool store_run(Store *store, GError **error, const char *sql, const char *format, ...) {
        va_list args;
        va_start(args, format);
        sqlite3_stmt *statement = prepare_bound(store, sql, format, &args, error);
        va_end(args);
        if (!statement)
                return false;
        g_autoptr(GError) failure = NULL;
        while (store_row(store, statement, &failure))
                continue;
        if (!failure)
                return true;
        g_propagate_error(error, g_steal_pointer(&failure));
        return false;
}

bool store_row(Store *store, sqlite3_stmt *statement, GError **error) {
        const int result = sqlite3_step(statement);
        if (result == SQLITE_ROW)
                return true;
        if (result != SQLITE_DONE)
                set_error(store, error, "cannot be read or written");
        sqlite3_reset(statement); /* ends the read transaction that it holds */
        return false;
}

void store_reset(sqlite3_stmt *statement) {
        sqlite3_reset(statement);
}

const char *store_text(sqlite3_stmt *statement, int column) {
        return (const char *)sqlite3_column_text(statement, column);
}

int64_t store_int(sqlite3_stmt *statement, int column) {
        return sqlite3_column_int64(statement, column);
}

bool store_begin(Store *store, GError **error) {
        return store_run(store, error, "BEGIN IMMEDIATE", "");
}

bool store_commit(Store *store, GError **error) {
        if (store_run(store, error, "COMMIT", ""))
                return true;
        store_rollback(store); /* INV-STORE-003 */
        return false;
}

void store_rollback(Store *store) {
        if (sqlite3_get_autocommit(store->db)) /* SQLite has rolled back by itself: disk full, I/O error */
                return;
        g_autoptr(GError) failure = NULL;
        if (!store_run(store, &failure, "ROLLBACK", ""))
                rv_warning("store.rollback_failed", RV_S("reason", failure->message));
}

bool store_write_file(const char *path, const void *data, size_t size, GError **error) {
        const GFileSetContentsFlags flags = G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE;
        g_autoptr(GError) failure = NULL;
        if (g_file_set_contents_full(path, data, (gssize)size, flags, 0644, &failure)) /* INV-STORE-005 */
                return true;
        g_set_error(error, RV_ERROR, RV_ERROR_IO, "cannot write %s: %s", path, failure->message);
        return false;
}
