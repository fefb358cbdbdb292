#include "tests/support/cmocka.h"

#include <glib/gstdio.h>
#include <stdbool.h>
#include <string.h>

#include "core/serve/hls/shelf.h"
#include "tests/support/capture.h"
#include "tests/support/temp_dir.h"

#define NAME "0123abcd-17.ts"
#define PATH "channel/retro/seg/" NAME

typedef struct {
        char *dir;
        GError *error;
} World;

static int set_up(void **state) {
        World *world = g_new0(World, 1);
        world->dir = temp_dir_new();
        *state = world;
        return 0;
}

static int tear_down(void **state) {
        World *world = *state;
        (void)g_chmod(world->dir, 0755);
        temp_dir_free(world->dir);
        g_clear_error(&world->error);
        g_free(world);
        return 0;
}

static char *path_of(const World *world, const char *path) {
        return g_build_filename(world->dir, path, NULL);
}

static bool there(const World *world, const char *path) {
        g_autofree char *full = path_of(world, path);
        return g_file_test(full, G_FILE_TEST_EXISTS);
}

static void await(const World *world, const char *path, bool is_there) {
        while (there(world, path) != is_there)
                g_thread_yield();
}

static void INV_HLS_013_a_segment_lies_there_whole_until_it_is_forgotten(void **state) {
        World *world = *state;
        g_autoptr(Shelf) shelf = shelf_new(world->dir, &world->error);
        assert_non_null(shelf);
        g_autofree char *bytes = g_strnfill(1000000, 'x'), *full = path_of(world, PATH);
        g_autoptr(GBytes) data = g_bytes_new(bytes, 1000000);
        shelf_put(shelf, PATH, data);
        await(world, PATH, true);
        g_autofree char *found = NULL;
        gsize size;
        assert_true(g_file_get_contents(full, &found, &size, NULL));
        assert_int_equal(size, 1000000); /* the first look that finds it finds all */
        assert_memory_equal(found, bytes, size);
        shelf_remove(shelf, PATH);
        await(world, PATH, false);
        shelf_remove(shelf, PATH); /* a file that never came is no fault */
}

static void INV_HLS_013_what_is_left_goes_and_nothing_else(void **state) {
        World *world = *state;
        g_autofree char *folder = path_of(world, "channel/retro/second/seg");
        assert_int_equal(g_mkdir_with_parents(folder, 0755), 0);
        static const char *const files[] = {"channel/retro/second/seg/" NAME, "channel/retro/second/seg/" NAME ".part",
                                            "channel/retro/Film.ts", NAME};
        for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
                g_autofree char *path = path_of(world, files[i]);
                assert_true(g_file_set_contents(path, "x", 1, NULL));
        }
        g_autoptr(Shelf) shelf = shelf_new(world->dir, &world->error);
        assert_non_null(shelf);
        assert_false(there(world, files[0]) || there(world, files[1]));
        assert_true(there(world, files[2]) && there(world, files[3])); /* not ours: a film, and not below channel */
}

static void nothing_is_left_behind(void **state) {
        World *world = *state;
        Shelf *shelf = shelf_new(world->dir, &world->error);
        g_autoptr(GBytes) data = g_bytes_new_static("x", 1);
        shelf_put(shelf, PATH, data);
        await(world, PATH, true);
        shelf_free(shelf);
        assert_false(there(world, "channel"));
}

static void INV_HLS_013_what_cannot_be_written_is_told_once_and_costs_nothing_else(void **state) {
        World *world = *state;
        g_autofree char *in_the_way = path_of(world, "channel");
        capture_stderr_begin();
        Shelf *shelf = shelf_new(world->dir, &world->error);
        assert_true(g_file_set_contents(in_the_way, "a file", -1, NULL));
        g_autoptr(GBytes) data = g_bytes_new_static("x", 1);
        for (int i = 0; i < 3; i++)
                shelf_put(shelf, PATH, data);
        shelf_put(shelf, "other/" NAME, data);
        await(world, "other/" NAME, true);
        shelf_free(shelf);
        g_autofree char *log = capture_stderr_end();
        const char *line = strstr(log, "hls.not_shelved");
        assert_non_null(line);
        assert_null(strstr(line + 1, "hls.not_shelved"));
}

static void a_folder_that_cannot_be_made_is_told(void **state) {
        World *world = *state;
        g_autofree char *file = path_of(world, "file"), *below = g_build_filename(file, "dir", NULL);
        assert_true(g_file_set_contents(file, "x", 1, NULL));
        assert_null(shelf_new(below, &world->error));
        assert_non_null(strstr(world->error->message, below));
}

#define SHELF_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                SHELF_TEST(INV_HLS_013_a_segment_lies_there_whole_until_it_is_forgotten),
                SHELF_TEST(INV_HLS_013_what_is_left_goes_and_nothing_else),
                SHELF_TEST(nothing_is_left_behind),
                SHELF_TEST(INV_HLS_013_what_cannot_be_written_is_told_once_and_costs_nothing_else),
                SHELF_TEST(a_folder_that_cannot_be_made_is_told),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
