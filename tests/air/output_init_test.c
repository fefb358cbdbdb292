/* GStreamer's start, each in a process of its own: this program again, with a cache folder as its argument. */
#include <glib/gstdio.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "air/output/output.h"
#include "tests/support/cmocka.h"
#include "tests/support/temp_dir.h"

#define N_ENGINES 4

static int start_as_engine(const char *cache_dir) {
        g_autoptr(GError) error = NULL;
        output_prepare(cache_dir);
        g_auto(GStrv) prepared = g_get_environ();
        if (!output_init(&error)) {
                g_printerr("%s\n", error->message);
                return 1;
        }
        const OutputOptions options = {.format = house_format_default(), .lead_ticks = 3};
        g_autoptr(Output) output = output_new(&options, &error);
        g_auto(GStrv) running = g_get_environ();
        if (!g_strv_equal((const char *const *)prepared, (const char *const *)running))
                return 3; /* other threads may have been reading it */
        return output ? 0 : 2;
}

static pid_t spawn_engine(const char *cache_dir) {
        char *const argv[] = {(char *)"/proc/self/exe", (char *)cache_dir, NULL};
        pid_t pid;
        assert_int_equal(posix_spawn(&pid, "/proc/self/exe", NULL, NULL, argv, environ), 0);
        return pid;
}

static void assert_ends_well(pid_t pid) {
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
}

static int count_entries(const char *path) {
        g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
        assert_non_null(dir);
        int n = 0;
        while (g_dir_read_name(dir))
                n++;
        return n;
}

/* The engines that the group's set-up started at once, in an empty folder; all tests use what they made. */
static struct {
        char *dir, *cache_dir;
        pid_t pids[N_ENGINES];
} first;

static void INV_OUTPUT_006_many_engines_start_at_once(void **state) {
        for (int i = 0; i < N_ENGINES; i++)
                assert_ends_well(first.pids[i]);
        /* The links and the registry, and nothing left behind by those who came second. */
        g_autofree char *plugins = g_build_filename(first.cache_dir, "plugins", NULL);
        assert_int_equal(count_entries(plugins), 6);
        assert_int_equal(count_entries(first.cache_dir), 2);
}

static void INV_OUTPUT_006_only_the_named_plugins_are_known(void **state) {
        g_autofree char *registry = g_build_filename(first.cache_dir, "registry.bin", NULL);
        g_autofree char *bytes = NULL;
        size_t size;
        assert_true(g_file_get_contents(registry, &bytes, &size, NULL));
        assert_non_null(memmem(bytes, size, "mpegtsmux", 9));
        assert_null(memmem(bytes, size, "playbin", 7));
        assert_null(memmem(bytes, size, "videotestsrc", 12));
}

static void INV_OUTPUT_006_damaged_cache_is_mended(void **state) {
        const char *cache_dir = first.cache_dir;
        g_autofree char *registry = g_build_filename(cache_dir, "registry.bin", NULL);
        g_autofree char *link_path = g_build_filename(cache_dir, "plugins", "libgstx264.so", NULL);
        g_autofree char *target = g_file_read_link(link_path, NULL);
        assert_int_equal(truncate(registry, 1000), 0);
        assert_int_equal(g_unlink(link_path), 0);
        assert_int_equal(symlink("/nowhere/libgstx264.so", link_path), 0);
        assert_ends_well(spawn_engine(cache_dir));
        g_autofree char *mended = g_file_read_link(link_path, NULL);
        assert_string_equal(mended, target);
}

/* A file stands where the folder should be: a slower start is better than none. */
static void unusable_cache_dir_does_not_keep_us_off_the_air(void **state) {
        /* What stands for the system here, which would take long to search. */
        g_autofree char *plugins = g_build_filename(first.cache_dir, "plugins", NULL);
        g_autofree char *registry = g_build_filename(first.dir, "registry.bin", NULL);
        g_setenv("GST_PLUGIN_SYSTEM_PATH_1_0", plugins, TRUE);
        g_setenv("GST_REGISTRY_1_0", registry, TRUE);
        g_autofree char *in_the_way = g_build_filename(first.dir, "file", NULL);
        assert_true(g_file_set_contents(in_the_way, "x", 1, NULL));
        assert_ends_well(spawn_engine(in_the_way));
        assert_true(g_file_test(registry, G_FILE_TEST_EXISTS));
        g_unsetenv("GST_PLUGIN_SYSTEM_PATH_1_0");
        g_unsetenv("GST_REGISTRY_1_0");
}

static int set_up(void **state) {
        first.dir = temp_dir_new();
        first.cache_dir = g_build_filename(first.dir, "cache", NULL);
        for (int i = 0; i < N_ENGINES; i++)
                first.pids[i] = spawn_engine(first.cache_dir);
        return 0;
}

static int tear_down(void **state) {
        temp_dir_free(first.dir);
        g_free(first.cache_dir);
        return 0;
}

int main(int argc, char **argv) {
        if (argc > 1)
                return start_as_engine(argv[1]);
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(INV_OUTPUT_006_many_engines_start_at_once),
                cmocka_unit_test(INV_OUTPUT_006_only_the_named_plugins_are_known),
                cmocka_unit_test(INV_OUTPUT_006_damaged_cache_is_mended),
                cmocka_unit_test(unusable_cache_dir_does_not_keep_us_off_the_air),
        };
        return cmocka_run_group_tests(tests, set_up, tear_down);
}
