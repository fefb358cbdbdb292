#include "core/plan/catalog/import/foreign_store.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "proto/base/error.h"

#define BUSY_TIMEOUT_MS 5000
#define MAX_VALUE_BYTES (16 * 1024 * 1024) /* a longer text is an attack, or another kind of database */
#define STEPS_PER_CHECK 1000000
#define MAX_CHECKS 4000 /* some minutes: a library of a million items needs a tenth of it */
#define MIN_YEAR 1800
#define MAX_YEAR 2200

struct Foreign {
        sqlite3 *db;
        char *path, *whose;
        GPtrArray *queries; /* sqlite3_stmt */
        const atomic_bool *stop;
        int n_checks;
        bool as_file; /* read without locks */
        struct stat before;
};

static bool is_stopped(const Foreign *foreign) {
        return foreign->stop && atomic_load(foreign->stop);
}

/* INV-CATALOG-006: neither its size nor its schema can keep us for ever. */
static int on_steps(void *user) {
        Foreign *foreign = user;
        return is_stopped(foreign) || ++foreign->n_checks > MAX_CHECKS;
}

static void set_error(Foreign *foreign, GError **error) {
        const int code = sqlite3_extended_errcode(foreign->db);
        RvErrorCode kind = RV_ERROR_INVALID;
        const char *advice = "";
        switch (code & 0xff) {
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
                kind = RV_ERROR_UNAVAILABLE;
                advice = "; its server keeps it locked, try again later";
                break;
        case SQLITE_CANTOPEN:
        case SQLITE_PERM:
        case SQLITE_AUTH:
        case SQLITE_IOERR:
        case SQLITE_READONLY:
                kind = RV_ERROR_IO;
                advice = "; check that this user may read it and the folder it is in";
                break;
        case SQLITE_INTERRUPT:
                kind = RV_ERROR_LIMIT;
                advice = is_stopped(foreign) ? "" : "; it takes far longer to read than any library";
                break;
        case SQLITE_TOOBIG:
                kind = RV_ERROR_LIMIT;
                advice = "; one of its texts is longer than 16 MiB";
                break;
        case SQLITE_NOTADB:
                advice = "; it is no SQLite database or is encrypted: name the library's own file, not a backup's "
                         "archive";
                break;
        case SQLITE_CORRUPT:
        case SQLITE_FORMAT:
                advice = "; it is damaged or not copied to its end: have its server repair it, or restore a backup";
                break;
        default:
                break;
        }
        g_set_error(error, RV_ERROR, (int)kind, "%s database %s: %s%s", foreign->whose, foreign->path,
                    sqlite3_errmsg(foreign->db), advice);
}

/* What a person is to look for. */
static const char *file_of(const Foreign *foreign) {
        return g_str_equal(foreign->whose, "Plex") ? "com.plexapp.plugins.library.db"
                                                   : "library.db (jellyfin.db since 10.11)";
}

/* --- opening ----------------------------------------------------------------------------------------------------- */

static bool beside(const char *path, const char *suffix) {
        g_autofree char *name = g_strconcat(path, suffix, NULL);
        return g_file_test(name, G_FILE_TEST_EXISTS);
}

/* Whether its header says that writers use a write-ahead log. */
static bool is_wal(const char *path) {
        unsigned char header[20] = {0};
        FILE *file = fopen(path, "rbe");
        const size_t n = file ? fread(header, 1, sizeof(header), file) : 0;
        if (file)
                fclose(file);
        return n == sizeof(header) && header[18] == 2;
}

static void harden(sqlite3 *db) {
        sqlite3_extended_result_codes(db, 1);
        sqlite3_limit(db, SQLITE_LIMIT_LENGTH, MAX_VALUE_BYTES);
        sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
        sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
        sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
        sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
        sqlite3_busy_timeout(db, BUSY_TIMEOUT_MS);
}

static bool exec(Foreign *foreign, const char *sql) {
        return sqlite3_exec(foreign->db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

/* A connection with its read transaction begun; what was open is closed. */
static bool connect_to(Foreign *foreign, bool as_file) {
        g_autofree char *escaped = g_uri_escape_string(foreign->path, "/", FALSE);
        g_autofree char *uri = g_strconcat("file:", escaped, as_file ? "?immutable=1" : "?mode=ro", NULL);
        sqlite3_close(foreign->db);
        foreign->as_file = as_file;
        const int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
        if (sqlite3_open_v2(uri, &foreign->db, flags, NULL) != SQLITE_OK)
                return false;
        harden(foreign->db);
        return exec(foreign, "PRAGMA cell_size_check=ON; PRAGMA mmap_size=0; PRAGMA cache_size=-512; BEGIN; SELECT "
                             "count(*) FROM sqlite_schema");
}

static bool may_be_read_as_file(const Foreign *foreign) {
        const int kind = sqlite3_extended_errcode(foreign->db) & 0xff;
        return kind == SQLITE_CANTOPEN || kind == SQLITE_READONLY || kind == SQLITE_PERM || kind == SQLITE_IOERR;
}

/*
 * INV-CATALOG-007: to open a database whose log is not there would make one, belonging to us, that its own server may
 * then not be able to write.
 */
static bool begin(Foreign *foreign) {
        const bool at_rest = is_wal(foreign->path) && !beside(foreign->path, "-wal");
        if (!at_rest && connect_to(foreign, false))
                return true;
        if (!at_rest && (!foreign->db || !may_be_read_as_file(foreign)))
                return false;
        return connect_to(foreign, true);
}

static bool check_file(Foreign *foreign, GError **error) {
        if (stat(foreign->path, &foreign->before) != 0) {
                rv_error_set_errno(error, errno, "%s database %s cannot be read", foreign->whose, foreign->path);
                return false;
        }
        if (S_ISREG(foreign->before.st_mode))
                return true;
        g_set_error(error, RV_ERROR, RV_ERROR_INVALID, "%s database %s is not a file: name the %s in it",
                    foreign->whose, foreign->path, file_of(foreign));
        return false;
}

static void finalize(void *query) {
        (void)sqlite3_finalize(query);
}

Foreign *foreign_open(const char *path, const char *whose, const atomic_bool *stop, GError **error) {
        g_autoptr(Foreign) foreign = g_new0(Foreign, 1);
        foreign->path = g_strdup(path);
        foreign->whose = g_strdup(whose);
        foreign->stop = stop;
        foreign->queries = g_ptr_array_new_with_free_func(finalize);
        if (!check_file(foreign, error))
                return NULL;
        if (!begin(foreign)) {
                set_error(foreign, error);
                return NULL;
        }
        sqlite3_progress_handler(foreign->db, STEPS_PER_CHECK, on_steps, foreign);
        return g_steal_pointer(&foreign);
}

void foreign_close(Foreign *foreign) {
        if (!foreign)
                return;
        g_ptr_array_unref(foreign->queries);
        sqlite3_close(foreign->db);
        g_free(foreign->path);
        g_free(foreign->whose);
        g_free(foreign);
}

bool foreign_finish(Foreign *foreign, GError **error) {
        struct stat now;
        if (!foreign->as_file)
                return true;
        if (stat(foreign->path, &now) == 0 && now.st_size == foreign->before.st_size &&
            now.st_mtim.tv_sec == foreign->before.st_mtim.tv_sec &&
            now.st_mtim.tv_nsec == foreign->before.st_mtim.tv_nsec && now.st_ino == foreign->before.st_ino)
                return true;
        g_set_error(error, RV_ERROR, RV_ERROR_UNAVAILABLE,
                    "%s database %s was changed while it was read; try again, as a user who may lock it",
                    foreign->whose, foreign->path);
        return false;
}

bool foreign_lacks_log(const Foreign *foreign) {
        return foreign->as_file && beside(foreign->path, "-wal");
}

/* --- schema ------------------------------------------------------------------------------------------------------ */

/* A view or a virtual table of that name is none: it could be any program. INV-CATALOG-006 */
static bool is_table(Foreign *foreign, const char *table, bool *ret_is, GError **error) {
        sqlite3_stmt *query = foreign_query(foreign,
                                            "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 "
                                            "AND name = ? COLLATE NOCASE",
                                            error);
        if (!query)
                return false;
        g_autoptr(GError) failure = NULL;
        (void)sqlite3_bind_text(query, 1, table, -1, SQLITE_TRANSIENT);
        *ret_is = foreign_row(foreign, query, &failure);
        if (!failure)
                return true;
        g_propagate_error(error, g_steal_pointer(&failure));
        return false;
}

static bool read_columns(Foreign *foreign, const char *table, GHashTable *columns, GError **error) {
        sqlite3_stmt *query = foreign_query(foreign, "SELECT name FROM pragma_table_info(?)", error);
        if (!query)
                return false;
        g_autoptr(GError) failure = NULL;
        (void)sqlite3_bind_text(query, 1, table, -1, SQLITE_TRANSIENT);
        while (foreign_row(foreign, query, &failure)) {
                const char *name = foreign_text(query, 0);
                if (name)
                        g_hash_table_add(columns, g_ascii_strdown(name, -1));
        }
        if (!failure)
                return true;
        g_propagate_error(error, g_steal_pointer(&failure));
        return false;
}

GHashTable *foreign_columns(Foreign *foreign, const char *table, GError **error) {
        g_autoptr(GHashTable) columns = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        bool is = false;
        if (!is_table(foreign, table, &is, error))
                return NULL;
        if (is && !read_columns(foreign, table, columns, error))
                return NULL;
        return g_steal_pointer(&columns);
}

bool foreign_require(Foreign *foreign, const char *table, const char *const *columns, GError **error) {
        g_autoptr(GHashTable) known = foreign_columns(foreign, table, error);
        g_autoptr(GString) lacking = g_string_new(NULL);
        if (!known)
                return false;
        for (size_t i = 0; columns[i]; i++)
                if (!g_hash_table_contains(known, columns[i]))
                        g_string_append_printf(lacking, "%s%s.%s", lacking->len > 0 ? ", " : "", table, columns[i]);
        if (lacking->len == 0)
                return true;
        if (g_hash_table_size(known) == 0)
                g_set_error(error, RV_ERROR, RV_ERROR_INVALID,
                            "%s is no %s database: it has no table %s; the "
                            "library's is %s",
                            foreign->path, foreign->whose, table, file_of(foreign));
        else
                g_set_error(error, RV_ERROR, RV_ERROR_INVALID,
                            "%s database %s is of a version that cannot be read: it lacks %s", foreign->whose,
                            foreign->path, lacking->str);
        return false;
}

/* --- rows -------------------------------------------------------------------------------------------------------- */

sqlite3_stmt *foreign_query(Foreign *foreign, const char *sql, GError **error) {
        sqlite3_stmt *query = NULL;
        if (sqlite3_prepare_v2(foreign->db, sql, -1, &query, NULL) != SQLITE_OK) {
                set_error(foreign, error);
                return NULL;
        }
        g_ptr_array_add(foreign->queries, query);
        return query;
}

bool foreign_row(Foreign *foreign, sqlite3_stmt *query, GError **error) {
        const int result = sqlite3_step(query);
        if (result == SQLITE_ROW)
                return true;
        if (result != SQLITE_DONE)
                set_error(foreign, error);
        return false;
}

const char *foreign_text(sqlite3_stmt *query, int column) {
        return (const char *)sqlite3_column_text(query, column);
}

const char *foreign_path(sqlite3_stmt *query, int column) {
        const char *text = foreign_text(query, column);
        const size_t n = (size_t)sqlite3_column_bytes(query, column);
        return text && n > 0 && strlen(text) == n && g_utf8_validate(text, (gssize)n, NULL) ? text : NULL;
}

int64_t foreign_int(sqlite3_stmt *query, int column) {
        return sqlite3_column_int64(query, column);
}

/* --- dates: seconds in newer databases, text in older ones -------------------------------------------------------- */

/* "1994-09-22", or with "01:02:03" behind one character more. */
static GDateTime *from_text(const char *text) {
        static const char form[] = "dddd-dd-dd?dd:dd:dd";
        int numbers[6] = {0};
        size_t n = 0, at = 0;
        for (; text && at < sizeof(form) - 1; at++) {
                const bool digit = form[at] == 'd';
                if (digit ? !g_ascii_isdigit(text[at]) : form[at] != '?' && text[at] != form[at])
                        break;
                n += !digit;
                if (digit)
                        numbers[n] = numbers[n] * 10 + (text[at] - '0');
        }
        if (at < strlen("dddd-dd-dd"))
                return NULL;
        const bool time = at == sizeof(form) - 1;
        return g_date_time_new_utc(numbers[0], numbers[1], numbers[2], time ? numbers[3] : 0, time ? numbers[4] : 0,
                                   time ? numbers[5] : 0);
}

static GDateTime *when(sqlite3_stmt *query, int column) {
        const int type = sqlite3_column_type(query, column);
        g_autoptr(GDateTime) at = NULL;
        if (type == SQLITE_INTEGER)
                at = g_date_time_new_from_unix_utc(foreign_int(query, column));
        else if (type == SQLITE_TEXT)
                at = from_text(foreign_text(query, column));
        const int year = at ? g_date_time_get_year(at) : 0;
        return year >= MIN_YEAR && year <= MAX_YEAR ? g_steal_pointer(&at) : NULL;
}

char *foreign_day(sqlite3_stmt *query, int column) {
        g_autoptr(GDateTime) at = when(query, column);
        return at ? g_strdup_printf("%04d-%02d-%02d", g_date_time_get_year(at), g_date_time_get_month(at),
                                    g_date_time_get_day_of_month(at))
                  : NULL;
}

int64_t foreign_utc_ms(sqlite3_stmt *query, int column) {
        g_autoptr(GDateTime) at = when(query, column);
        return at ? g_date_time_to_unix(at) * 1000 : 0;
}
