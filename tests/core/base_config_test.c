#include "tests/support/cmocka.h"

#include <glib/gstdio.h>
#include <string.h>

#include "core/base/config.h"
#include "tests/support/temp_dir.h"

static int set_up(void **state) {
        *state = temp_dir_new();
        return 0;
}

static int tear_down(void **state) {
        temp_dir_free(*state);
        return 0;
}

static char *put(const char *dir, const char *name, const char *text) {
        char *path = g_build_filename(dir, name, NULL);
        assert_true(g_file_set_contents(path, text, -1, NULL));
        return path;
}

static Config *make(const char *dir, Diag *diag) {
        return config_new(&(ConfigFlags){.data_dir = dir, .port = -1}, "/proc/self/exe", diag);
}

/* The faults of a configuration file, and that it is not used. */
static void assert_fault(const char *dir, const char *text, const char *expected) {
        g_autofree char *path = put(dir, "retrovue.yaml", text);
        g_autoptr(Diag) diag = diag_new();
        g_autoptr(Config) config = make(dir, diag);
        g_autofree char *faults = diag_text(diag);
        if (config || !strstr(faults, expected))
                fail_msg("expected \"%s\" among:\n%s", expected, faults);
}

static void defaults_need_no_file(void **state) {
        g_autoptr(Diag) diag = diag_new();
        g_autoptr(Config) config = make(*state, diag);
        assert_int_equal(diag_errors(diag), 0);
        assert_string_equal(config->listen_address, "127.0.0.1");
        assert_int_equal(config->port, 8080);
        assert_int_equal(config->linger_ms, 20000);
        assert_int_equal(config->min_epg_ms, 3 * 86400000);
        assert_int_equal(config->min_execution_ms, 6 * 3600000);
        assert_null(config->media_dirs[0]);
        assert_null(config->public_url);
        assert_true(g_path_is_absolute(config->air_program) && g_path_is_absolute(config->web_dir));
        g_autofree char *channels = g_build_filename(*state, "channels", NULL);
        assert_string_equal(config->channels_dir, channels);
        g_autofree char *db = config_path(config, "retrovue.db");
        assert_true(g_str_has_prefix(db, *state) && g_str_has_suffix(db, "/retrovue.db"));
}

static void INV_CONFIG_001_flags_win_over_the_file_over_the_defaults(void **state) {
        const char *dir = *state;
        g_autofree char *path = put(dir, "retrovue.yaml",
                                    "port: 9000\nlisten_address: 0.0.0.0\nmedia_dirs: [shows, /srv/films]\n"
                                    "linger: 1m30s\nsegment: 2s\npublic_url: https://tv.example.org//\n"
                                    "scan_threads: 4\nrescan: 1h\nchannels_dir: my-channels\n");
        g_autoptr(Diag) diag = diag_new();
        g_autoptr(Config) config = make(dir, diag);
        assert_int_equal(diag_errors(diag), 0);
        assert_int_equal(config->port, 9000);
        assert_string_equal(config->listen_address, "0.0.0.0");
        g_autofree char *shows = g_build_filename(dir, "shows", NULL);
        g_autofree char *channels = g_build_filename(dir, "my-channels", NULL);
        assert_string_equal(config->media_dirs[0], shows);
        assert_string_equal(config->media_dirs[1], "/srv/films");
        assert_string_equal(config->channels_dir, channels);
        assert_string_equal(config->public_url, "https://tv.example.org");
        assert_int_equal(config->linger_ms, 90000);
        assert_int_equal(config->segment_ms, 2000);
        assert_int_equal(config->scan_threads, 4);
        assert_int_equal(config->rescan_ms, 3600000);

        static const char *const media[] = {"/media/a", NULL};
        const ConfigFlags flags = {
                .config_file = path, .data_dir = dir, .port = 0, .media_dirs = media, .listen_address = "::1"};
        g_autoptr(Config) flagged = config_new(&flags, "/proc/self/exe", diag);
        assert_int_equal(flagged->port, 0);
        assert_string_equal(flagged->listen_address, "::1");
        assert_string_equal(flagged->media_dirs[0], "/media/a");
        assert_null(flagged->media_dirs[1]);
        assert_int_equal(flagged->linger_ms, 90000);
}

static void INV_CONFIG_002_what_cannot_work_is_refused_with_its_place(void **state) {
        const char *dir = *state;
        assert_fault(dir, "prot: 80\n", "retrovue.yaml:1:1: unknown key \"prot\": did you mean \"port\"?");
        assert_fault(dir, "a: 1\nport: 70000\n", "retrovue.yaml:2:7: expected a whole number from 0 to 65535");
        assert_fault(dir, "linger: 20\n", "retrovue.yaml:1:9: expected a duration");
        assert_fault(dir, "min_epg: 1h\n", "retrovue.yaml:1:10: the duration 1h is not within");
        assert_fault(dir, "listen_address: everywhere\n", "listen_address: \"everywhere\" is not an IP address");
        assert_fault(dir, "ops_listen: 127.0.0.1\n", "ops_listen: \"127.0.0.1\" is not an address and a port");
        assert_fault(dir, "ops_listen: \"::1:80\"\n", "ops_listen: \"::1:80\" is not an address and a port");
        assert_fault(dir, "ops_listen: \"[::]:80\"\ntokens_file: a\n", "ops_listen: name the certificate");
        assert_fault(dir, "ops_listen: \"0.0.0.0:80\"\nops_certificate: a\nops_key: b\n",
                     "ops_listen: name a file of tokens");
        assert_fault(dir, "public_url: tv.example.org\n", "public_url: \"tv.example.org\" is not an address");
        assert_fault(dir, "air_program: /nowhere/air\n", "air_program: /nowhere/air is not an executable file");
        assert_fault(dir, "- a\n- b\n", "retrovue.yaml:1:1: expected settings");
        assert_fault(dir, "port: [1\n", "retrovue.yaml:2:1:");
        assert_fault(dir, "", "retrovue.yaml: the file is empty");
}

static void INV_CONFIG_002_all_faults_are_told_at_once(void **state) {
        g_autofree char *path = put(*state, "retrovue.yaml", "port: x\nlinger: y\nlisten_address: z\n");
        g_autoptr(Diag) diag = diag_new();
        assert_null(make(*state, diag));
        assert_int_equal(diag_errors(diag), 3);
}

static void a_named_file_must_be_there(void **state) {
        g_autofree char *path = g_build_filename(*state, "other.yaml", NULL);
        g_autoptr(Diag) diag = diag_new();
        const ConfigFlags flags = {.config_file = path, .data_dir = *state, .port = -1};
        assert_null(config_new(&flags, "/proc/self/exe", diag));
        assert_int_equal(diag_errors(diag), 1);
}

static void an_engine_beside_the_program_is_found(void **state) {
        const char *dir = *state;
        g_autofree char *program = put(dir, "retrovue", "#!/bin/sh\n"), *air = put(dir, "retrovue-air", "#!/bin/sh\n");
        assert_int_equal(g_chmod(program, 0755), 0);
        assert_int_equal(g_chmod(air, 0755), 0);
        g_autoptr(Diag) diag = diag_new();
        g_autoptr(Config) config = config_new(&(ConfigFlags){.data_dir = dir, .port = -1}, program, diag);
        assert_string_equal(config->air_program, air);
        assert_int_equal(diag_count(diag), 0);
        assert_int_equal(g_unlink(air), 0);
        g_autoptr(Config) without = config_new(&(ConfigFlags){.data_dir = dir, .port = -1}, program, diag);
        assert_non_null(without);
}

#define CONFIG_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

static void sources_are_libraries_of_other_programs(void **state) {
        const char *dir = *state;
        g_autofree char *path = put(dir, "retrovue.yaml",
                                    "sources:\n- plex: plex.db\n  map: [/data/tv=/mnt/tv, 'D:\\F=/mnt/f']\n"
                                    "- {jellyfin: /srv/jellyfin.db, sections: Films}\n");
        g_autoptr(Diag) diag = diag_new();
        g_autoptr(Config) config = make(dir, diag);
        assert_non_null(config);
        g_autofree char *plex = g_build_filename(dir, "plex.db", NULL);
        assert_string_equal(config->sources[0]->kind, "plex");
        assert_string_equal(config->sources[0]->path, plex);
        assert_string_equal(config->sources[0]->maps[1], "D:\\F=/mnt/f");
        assert_null(config->sources[0]->sections[0]);
        assert_string_equal(config->sources[1]->kind, "jellyfin");
        assert_string_equal(config->sources[1]->sections[0], "Films");
        assert_null(config->sources[2]);
}

static void INV_CONFIG_002_a_source_that_is_none_is_a_fault(void **state) {
        assert_fault(*state, "sources: plex.db\n", "expected a list");
        assert_fault(*state, "sources: [plex.db]\n", "expected \"plex: FILE\"");
        assert_fault(*state, "sources: [{plex: a, jellyfin: b}]\n", "expected \"plex: FILE\"");
        assert_fault(*state, "sources: [{plex: a, map: /data}]\n", "expected FROM=TO");
        assert_fault(*state, "sources: [{plex: a, maps: /data=/mnt}]\n", "maps");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                CONFIG_TEST(defaults_need_no_file),
                CONFIG_TEST(INV_CONFIG_001_flags_win_over_the_file_over_the_defaults),
                CONFIG_TEST(INV_CONFIG_002_a_source_that_is_none_is_a_fault),
                CONFIG_TEST(sources_are_libraries_of_other_programs),
                CONFIG_TEST(INV_CONFIG_002_what_cannot_work_is_refused_with_its_place),
                CONFIG_TEST(INV_CONFIG_002_all_faults_are_told_at_once),
                CONFIG_TEST(a_named_file_must_be_there),
                CONFIG_TEST(an_engine_beside_the_program_is_found),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
