#include "tests/support/cmocka.h"

#include <glib/gstdio.h>
#include <string.h>

#include "proto/base/error.h"
#include "proto/base/thread.h"
#include "tests/core/store_fixture.h"
#include "tests/support/capture.h"
#include "tests/support/temp_dir.h"

#define N_OPENERS 4

typedef struct {
        char *dir, *path;
} World;

static int set_up(void **state) {
        World *world = g_new0(World, 1);
        world->dir = temp_dir_new();
        world->path = g_build_filename(world->dir, "retrovue.db", NULL);
        *state = world;
        return 0;
}

static int tear_down(void **state) {
        World *world = *state;
        temp_dir_free(world->dir);
        g_free(world->path);
        g_free(world);
        return 0;
}

static Store *open_store(const World *world) {
        g_autoptr(GError) error = NULL;
        Store *store = store_open(world->path, &error);
        if (!store)
                fail_msg("%s", error->message);
        return store;
}

/* That opening fails with this code and says this; the log's lines about it are not of interest. */
static void assert_refused(const char *path, int code, const char *expected) {
        g_autoptr(GError) error = NULL;
        capture_stderr_begin();
        Store *store = store_open(path, &error);
        g_free(capture_stderr_end());
        assert_null(store);
        assert_true(error->domain == RV_ERROR);
        if (error->code != code || !strstr(error->message, expected) || !strstr(error->message, path))
                fail_msg("%d: %s", error->code, error->message);
}

static void a_new_database_has_the_schema_and_keeps_what_it_is_given(void **state) {
        const World *world = *state;
        g_autoptr(Store) store = open_store(world);
        assert_string_equal(store_path(store), world->path);
        assert_int_equal(sql_int(store, "PRAGMA foreign_keys"), 1);
        g_autoptr(GError) error = NULL;
        sql_run(store, "CREATE TABLE t (a TEXT, b INTEGER)");
        assert_true(store_run(store, &error, "INSERT INTO t VALUES (?, ?)", "si", "x", INT64_MAX));
        assert_true(store_run(store, &error, "INSERT INTO t VALUES (?, ?)", "si", NULL, (int64_t)-1));
        g_clear_pointer(&store, store_close);

        store = open_store(world);
        sqlite3_stmt *query =
                store_query(store, &error, "SELECT a, b FROM t WHERE b > ? ORDER BY b DESC", "i", (int64_t)-5);
        assert_true(store_row(store, query, &error));
        assert_string_equal(store_text(query, 0), "x");
        assert_true(store_int(query, 1) == INT64_MAX);
        assert_true(store_row(store, query, &error));
        assert_null(store_text(query, 0));
        assert_false(store_row(store, query, &error));
        assert_null(error);
        assert_true(sql_int(store, "SELECT count(*) FROM schema_migration") >= 1);
}

static void INV_STORE_001_a_newer_programs_database_is_refused(void **state) {
        const World *world = *state;
        g_autoptr(Store) store = open_store(world);
        sql_run(store, "INSERT INTO schema_migration (number, name) VALUES (999, '999_future')");
        g_clear_pointer(&store, store_close);
        assert_refused(world->path, RV_ERROR_INVALID, "newer version of this program (it has 999_future)");
}

static void INV_STORE_001_what_an_older_program_made_is_brought_up(void **state) {
        const World *world = *state;
        g_autoptr(Store) store = open_store(world);
        const int64_t n = sql_int(store, "SELECT count(*) FROM schema_migration");
        sql_run(store, "DELETE FROM schema_migration WHERE number = 1");
        sql_run(store, "DROP TABLE asset_marker");
        sql_run(store, "DROP TABLE asset_alias");
        sql_run(store, "DROP TABLE asset");
        sql_run(store, "DROP TABLE catalog_revision");
        g_clear_pointer(&store, store_close);
        store = open_store(world);
        assert_int_equal(sql_int(store, "SELECT count(*) FROM schema_migration"), n);
        assert_int_equal(sql_int(store, "SELECT count(*) FROM asset"), 0);
}

static void INV_STORE_002_what_is_not_ours_is_left_alone(void **state) {
        const World *world = *state;
        g_autoptr(Store) store = open_store(world);
        sql_run(store, "PRAGMA application_id = 4711");
        g_clear_pointer(&store, store_close);
        assert_refused(world->path, RV_ERROR_INVALID, "belongs to another program");

        static const char poem[] = "It was a dark and stormy night; the rain fell in torrents, except at intervals.";
        assert_true(g_file_set_contents(world->path, poem, -1, NULL));
        assert_refused(world->path, RV_ERROR_INVALID, "restore it from a backup");
        g_autofree char *after = NULL;
        assert_true(g_file_get_contents(world->path, &after, NULL, NULL));
        assert_string_equal(after, poem);
}

static void INV_STORE_002_damage_is_told_and_not_written_over(void **state) {
        const World *world = *state;
        g_autoptr(Store) store = open_store(world);
        g_clear_pointer(&store, store_close);
        g_autofree char *data = NULL;
        size_t size = 0;
        assert_true(g_file_get_contents(world->path, &data, &size, NULL));
        memset(data + 100, 0xa5, 2000); /* the schema's page, behind the file's header */
        assert_true(g_file_set_contents(world->path, data, (gssize)size, NULL));
        assert_refused(world->path, RV_ERROR_INVALID, "restore it from a backup");
}

static void paths_that_cannot_be_written_are_told(void **state) {
        const World *world = *state;
        g_autofree char *path = g_build_filename(world->dir, "nowhere", "retrovue.db", NULL);
        assert_refused(path, RV_ERROR_IO, "check that the folder exists");
        assert_refused(world->dir, RV_ERROR_IO, "check that the folder exists");
}

static void INV_STORE_003_a_transaction_is_whole_or_nothing(void **state) {
        const World *world = *state;
        g_autoptr(Store) store = open_store(world);
        g_autoptr(GError) error = NULL;
        assert_true(store_begin(store, &error));
        sql_run(store, "UPDATE catalog_revision SET revision = 5");
        store_rollback(store);
        store_rollback(store);
        assert_int_equal(sql_int(store, "SELECT revision FROM catalog_revision"), 0);

        assert_true(store_begin(store, &error));
        sql_run(store, "PRAGMA defer_foreign_keys = ON");
        sql_run(store, "UPDATE catalog_revision SET revision = 6");
        sql_run(store, "INSERT INTO asset_alias (alias, asset_id) VALUES ('a', 'nobody')");
        capture_stderr_begin();
        assert_false(store_commit(store, &error));
        g_free(capture_stderr_end());
        assert_non_null(error);
        g_clear_error(&error);
        assert_int_equal(sql_int(store, "SELECT revision FROM catalog_revision"), 0);
        assert_true(store_begin(store, &error));
        assert_true(store_commit(store, &error));
}

static void INV_STORE_003_a_full_disk_breaks_nothing(void **state) {
        const World *world = *state;
        g_autoptr(Store) store = open_store(world);
        g_autoptr(GError) error = NULL;
        sql_run(store, "CREATE TABLE t (a TEXT)");
        sql_run(store, "PRAGMA max_page_count = 60");
        assert_true(store_begin(store, &error));
        g_autofree char *large = g_strnfill(1000000, 'x');
        capture_stderr_begin();
        assert_false(store_run(store, &error, "INSERT INTO t VALUES (?)", "s", large));
        g_free(capture_stderr_end());
        assert_int_equal(error->code, RV_ERROR_IO);
        assert_non_null(strstr(error->message, "make room on the disk"));
        store_rollback(store);
        assert_int_equal(sql_int(store, "SELECT count(*) FROM t"), 0);
        sql_run(store, "INSERT INTO t VALUES ('small')");
}

static void open_and_close(void *user) {
        g_autoptr(GError) error = NULL;
        Store *store = store_open(user, &error);
        if (!store)
                g_error("%s", error->message);
        store_close(store);
}

static void INV_STORE_004_several_may_open_a_new_database_at_once(void **state) {
        const World *world = *state;
        RvThread *threads[N_OPENERS];
        for (int i = 0; i < N_OPENERS; i++)
                assert_non_null(
                        threads[i] = rv_thread_start("opener", RV_PRIORITY_NORMAL, open_and_close, world->path, NULL));
        for (int i = 0; i < N_OPENERS; i++)
                rv_thread_join(threads[i]);
        g_autoptr(Store) store = open_store(world);
        assert_int_equal(sql_int(store, "SELECT count(*) FROM catalog_revision"), 1);
}

static void INV_STORE_004_a_reader_sees_one_state_while_another_writes(void **state) {
        const World *world = *state;
        g_autoptr(Store) reader = open_store(world), writer = open_store(world);
        sql_run(reader, "BEGIN");
        assert_int_equal(sql_int(reader, "SELECT revision FROM catalog_revision"), 0);
        sql_run(writer, "UPDATE catalog_revision SET revision = 1");
        assert_int_equal(sql_int(reader, "SELECT revision FROM catalog_revision"), 0);
        store_rollback(reader);
        assert_int_equal(sql_int(reader, "SELECT revision FROM catalog_revision"), 1);
}

static void INV_STORE_005_a_file_is_the_old_one_or_the_new_one(void **state) {
        const World *world = *state;
        g_autofree char *path = g_build_filename(world->dir, "a.tlog", NULL);
        g_autofree char *lost = g_build_filename(world->dir, "nowhere", "a.tlog", NULL);
        g_autoptr(GError) error = NULL;
        assert_true(store_write_file(path, "one", 3, &error));
        assert_true(store_write_file(path, "two\0!", 5, &error));
        g_autofree char *data = NULL;
        size_t size = 0;
        assert_true(g_file_get_contents(path, &data, &size, NULL));
        assert_int_equal(size, 5);
        assert_memory_equal(data, "two\0!", 5);

        assert_false(store_write_file(lost, "one", 3, &error));
        assert_int_equal(error->code, RV_ERROR_IO);
        assert_non_null(strstr(error->message, lost));
        g_clear_error(&error);
        assert_false(store_write_file(world->dir, "one", 3, &error));
        g_autoptr(GDir) dir = g_dir_open(world->dir, 0, NULL);
        int n = 0;
        while (g_dir_read_name(dir))
                n++;
        assert_int_equal(n, 1); /* no temporary file was left behind */
}

/* What a look must not do: make, migrate, write. */
static void a_look_changes_nothing(void **state) {
        const World *world = *state;
        g_autoptr(GError) error = NULL;
        capture_stderr_begin();
        assert_null(store_open_to_read(world->path, &error));
        g_free(capture_stderr_end());
        assert_non_null(strstr(error->message, world->path));
        assert_false(g_file_test(world->path, G_FILE_TEST_EXISTS));
        g_clear_error(&error);

        g_autoptr(Store) writer = open_store(world), reader = store_open_to_read(world->path, &error);
        assert_non_null(reader);
        sql_run(writer, "UPDATE catalog_revision SET revision = 7");
        assert_int_equal(sql_int(reader, "SELECT revision FROM catalog_revision"), 7);
        capture_stderr_begin();
        assert_false(store_run(reader, &error, "UPDATE catalog_revision SET revision = 8", ""));
        g_free(capture_stderr_end());
        assert_non_null(error);
}

static void a_look_refuses_what_it_does_not_know(void **state) {
        const World *world = *state;
        g_autoptr(GError) error = NULL;
        g_autoptr(Store) store = open_store(world);
        sql_run(store, "DELETE FROM schema_migration WHERE number = 40");
        assert_null(store_open_to_read(world->path, &error));
        assert_non_null(strstr(error->message, "older"));
        g_clear_error(&error);
        sql_run(store, "INSERT INTO schema_migration VALUES (999, 'the_future')");
        assert_null(store_open_to_read(world->path, &error));
        assert_non_null(strstr(error->message, "newer"));
        assert_int_equal(sql_int(store, "SELECT count(*) FROM schema_migration WHERE number = 40"), 0);
}

static void a_database_keeps_its_identity(void **state) {
        g_autoptr(Store) store = open_store(*state);
        g_autoptr(Store) again = open_store(*state);
        g_autoptr(Store) other = NULL;
        g_autoptr(GError) error = NULL;
        g_autofree char *path = g_strconcat(((World *)*state)->path, "2", NULL);
        uint32_t first = 0, second = 1, third = 0;
        assert_true(store_identity(store, &first, &error));
        assert_true(store_identity(again, &second, &error));
        assert_int_equal(first, second);
        other = store_open(path, &error);
        assert_non_null(other);
        assert_true(store_identity(other, &third, &error));
        assert_int_not_equal(first, third);
}

#define STORE_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                STORE_TEST(a_new_database_has_the_schema_and_keeps_what_it_is_given),
                STORE_TEST(INV_STORE_001_a_newer_programs_database_is_refused),
                STORE_TEST(INV_STORE_001_what_an_older_program_made_is_brought_up),
                STORE_TEST(INV_STORE_002_what_is_not_ours_is_left_alone),
                STORE_TEST(INV_STORE_002_damage_is_told_and_not_written_over),
                STORE_TEST(a_database_keeps_its_identity),
                STORE_TEST(a_look_changes_nothing),
                STORE_TEST(a_look_refuses_what_it_does_not_know),
                STORE_TEST(paths_that_cannot_be_written_are_told),
                STORE_TEST(INV_STORE_003_a_transaction_is_whole_or_nothing),
                STORE_TEST(INV_STORE_003_a_full_disk_breaks_nothing),
                STORE_TEST(INV_STORE_004_several_may_open_a_new_database_at_once),
                STORE_TEST(INV_STORE_004_a_reader_sees_one_state_while_another_writes),
                STORE_TEST(INV_STORE_005_a_file_is_the_old_one_or_the_new_one),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
