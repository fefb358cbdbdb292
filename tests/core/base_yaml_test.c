#include "tests/support/cmocka.h"

#include <glib/gstdio.h>
#include <string.h>

#include "core/base/yaml.h"
#include "tests/support/chance.h"
#include "tests/support/temp_dir.h"

#define N_MUTATIONS 2000

static YamlDocument *load(const char *text, Diag *diag) {
        return yaml_load_text(text, "t.yaml", diag);
}

/* The faults of a text, as a person reads them. */
static char *faults_of(const char *text) {
        g_autoptr(Diag) diag = diag_new();
        g_autoptr(YamlDocument) document = load(text, diag);
        return diag_text(diag);
}

static void assert_fault(const char *text, const char *expected) {
        g_autofree char *faults = faults_of(text);
        if (!strstr(faults, expected))
                fail_msg("expected \"%s\" among:\n%s", expected, faults);
}

static void put(const char *dir, const char *name, const char *text) {
        g_autofree char *path = g_build_filename(dir, name, NULL);
        assert_true(g_file_set_contents(path, text, -1, NULL));
}

static YamlDocument *load_from(const char *dir, const char *name, Diag *diag) {
        g_autofree char *path = g_build_filename(dir, name, NULL);
        return yaml_load_file(path, dir, diag);
}

static void INV_YAML_001_scalars_stay_text_and_know_their_place(void **state) {
        g_autoptr(Diag) diag = diag_new();
        g_autoptr(YamlDocument) document = load("# a comment\n"
                                                "start: 06:00\n"
                                                "on: [1.10, \"two\", ~]\n",
                                                diag);
        const YamlNode *root = yaml_root(document);
        assert_int_equal(yaml_kind(root), YAML_MAPPING);
        assert_int_equal(yaml_size(root), 2);
        assert_string_equal(yaml_text(yaml_get(root, "start")), "06:00");
        assert_string_equal(yaml_key(root, 1), "on");
        assert_int_equal(yaml_line(yaml_key_node(root, 1)), 3);
        assert_int_equal(yaml_column(yaml_key_node(root, 1)), 1);
        const YamlNode *list = yaml_get(root, "on");
        assert_string_equal(yaml_text(yaml_item(list, 0)), "1.10");
        assert_int_equal(yaml_column(yaml_item(list, 1)), 12);
        assert_string_equal(yaml_text(yaml_item(list, 2)), "~");
        assert_null(yaml_text(list));
        assert_null(yaml_get(root, "off"));
        assert_null(yaml_text(NULL));
        assert_string_equal(yaml_file(list), "t.yaml");
}

static void INV_YAML_001_a_syntax_error_has_line_and_column(void **state) {
        assert_fault("a: 1\nb: [1, 2\nc: 3\n", "t.yaml:3:2: while parsing a flow sequence");
        assert_fault("a: \"open\n", "t.yaml:2:1:");
        assert_fault("a: 1\n\tb: 2\n", "t.yaml:2:1:");
        assert_fault("a: \xc3(\n", "t.yaml:1:");
        assert_fault("", "t.yaml: the file is empty");
        assert_fault("a: 1\n---\nb: 1\n", "t.yaml:2:1: a second document");
        assert_fault("a: !python/object x\n", "t.yaml:1:4: unknown tag !python/object");
        assert_fault("? [a, b]\n: 1\n", "t.yaml:1:3: a key must be a plain text");
}

static void INV_YAML_002_a_key_twice_is_a_fault_and_reading_goes_on(void **state) {
        g_autoptr(Diag) diag = diag_new();
        g_autoptr(YamlDocument) document = load("a: 1\nb: 2\na: 3\nb: 4\n", diag);
        g_autofree char *faults = diag_text(diag);
        assert_string_equal(faults, "t.yaml:3:1: key \"a\" is here a second time\n"
                                    "t.yaml:4:1: key \"b\" is here a second time\n");
        assert_non_null(document);
        assert_string_equal(yaml_text(yaml_get(yaml_root(document), "a")), "1");
}

static char *nested(const char *open, const char *close, int levels) {
        GString *text = g_string_new(NULL);
        for (int i = 0; i < levels; i++)
                g_string_append(text, open);
        for (int i = 0; i < levels; i++)
                g_string_append(text, close);
        return g_string_free(text, FALSE);
}

static void INV_YAML_003_nesting_is_bounded(void **state) {
        g_autofree char *deep = nested("[", "]", 64), *deeper = nested("[", "]", 65), *abyss = nested("[", "]", 100000);
        g_autofree char *faults = faults_of(deep);
        assert_string_equal(faults, "");
        assert_fault(deeper, "more than 64 levels");
        assert_fault(abyss, "more than 64 levels");
}

/* Ten aliases a level: 10^9 nodes to whoever walks it. */
static void INV_YAML_003_aliases_cannot_explode(void **state) {
        g_autoptr(GString) bomb = g_string_new("a: &a [x, x, x, x, x, x, x, x, x, x]\n");
        for (int c = 'b'; c <= 'i'; c++) {
                g_string_append_printf(bomb, "%c: &%c [", c, c);
                for (int i = 0; i < 10; i++)
                        g_string_append_printf(bomb, "%s*%c", i > 0 ? ", " : "", c - 1);
                g_string_append(bomb, "]\n");
        }
        assert_fault(bomb->str, "nodes, aliases expanded");
        g_autoptr(GString) tower = g_string_new("a: &a [x]\n");
        for (int i = 0; i < 80; i++)
                g_string_append_printf(tower, "k%d: &k%d [%s%d]\n", i, i, i > 0 ? "*k" : "", i > 0 ? i - 1 : 0);
        assert_fault(tower->str, "levels of nesting, aliases expanded");
        assert_fault("a: &a [*a]\n", "alias *a has no complete anchor");
        assert_fault("a: *nowhere\n", "alias *nowhere has no complete anchor");
}

static void INV_YAML_003_size_is_bounded(void **state) {
        g_autoptr(GString) many = g_string_new(NULL);
        for (int i = 0; i < 300000; i++)
                g_string_append_printf(many, "k%d: v\n", i);
        assert_fault(many->str, "nodes");
        g_autofree char *large = g_strnfill(5 * 1024 * 1024, '#');
        assert_fault(large, "more than 4 MiB of YAML");
}

static void includes_are_whole_files_or_one_key(void **state) {
        char *dir = temp_dir_new();
        put(dir, "main.yaml", "pools: !include pools.yaml\ngenres: !include pools.yaml:horror\n");
        put(dir, "pools.yaml", "horror: [alien, thing]\n");
        g_autoptr(Diag) diag = diag_new();
        g_autoptr(YamlDocument) document = load_from(dir, "main.yaml", diag);
        assert_int_equal(diag_errors(diag), 0);
        const YamlNode *genres = yaml_get(yaml_root(document), "genres");
        assert_string_equal(yaml_text(yaml_item(genres, 1)), "thing");
        assert_ptr_equal(yaml_get(yaml_get(yaml_root(document), "pools"), "horror"), genres);
        assert_true(g_str_has_suffix(yaml_file(genres), "/pools.yaml"));
        assert_int_equal(g_strv_length((char **)yaml_files(document)), 2);

        g_autofree char *before = g_strdup(yaml_sha256(document));
        put(dir, "pools.yaml", "horror: [alien, them]\n");
        g_autoptr(YamlDocument) again = load_from(dir, "main.yaml", diag);
        assert_string_not_equal(yaml_sha256(again), before);
        temp_dir_free(dir);
}

static void assert_include_fault(const char *dir, const char *line, const char *expected) {
        put(dir, "main.yaml", line);
        g_autoptr(Diag) diag = diag_new();
        g_autoptr(YamlDocument) document = load_from(dir, "main.yaml", diag);
        g_autofree char *faults = diag_text(diag);
        if (!strstr(faults, expected))
                fail_msg("expected \"%s\" among:\n%s", expected, faults);
        assert_non_null(document);
        assert_string_equal(yaml_text(yaml_get(yaml_root(document), "b")), "2");
}

static void INV_YAML_004_includes_stay_below_the_root(void **state) {
        char *outside = temp_dir_new();
        put(outside, "secret.yaml", "password: 1\n");
        g_autofree char *dir = g_build_filename(outside, "config", NULL), *link = g_build_filename(dir, "link", NULL);
        assert_int_equal(g_mkdir(dir, 0755), 0);
        assert_int_equal(symlink("../secret.yaml", link), 0);
        assert_include_fault(dir, "a: !include ../secret.yaml\nb: 2\n", "main.yaml:1:4: cannot include ../secret.yaml");
        assert_include_fault(dir, "a: !include /etc/passwd\nb: 2\n", "it is outside of");
        assert_include_fault(dir, "a: !include link\nb: 2\n", "it is outside of");
        assert_include_fault(dir, "a: !include nowhere.yaml\nb: 2\n", "there is no such file");
        assert_include_fault(dir, "a: !include .\nb: 2\n", "cannot include .");
        assert_include_fault(dir, "a: !include main.yaml\nb: 2\n", "already being read");
        put(dir, "x.yaml", "k: 1\n");
        assert_include_fault(dir, "a: !include x.yaml:z\nb: 2\n", "x.yaml has no key \"z\"");
        put(dir, "x.yaml", "k: [1\n");
        assert_include_fault(dir, "a: !include x.yaml\nb: 2\n", "x.yaml:2:1:");
        assert_fault("a: !include x.yaml\n", "!include is not possible here");
        temp_dir_free(outside);
}

/* What is no text is told where it stands, in words for those who do not know what an octet is. */
static void INV_YAML_001_bytes_that_are_no_text_know_their_place(void **state) {
        assert_fault("a: 1\nb: \xc3\xa4 \xff\n", "t.yaml:2:6: not UTF-8");
        assert_fault("a: 1\nb: \"x\x07\"\n", "t.yaml:2:6: a control character (0x07)");
        assert_fault("a: 1\nb:\n\tc: 1\n", "t.yaml:3:1: a tab: YAML is indented with spaces");
        assert_fault("a: !!python/object:os.system x\n", "t.yaml:1:4: unknown tag");
        g_autoptr(Diag) diag = diag_new();
        char *dir = temp_dir_new();
        g_autofree char *path = g_build_filename(dir, "nul.yaml", NULL);
        assert_true(g_file_set_contents(path, "a: 1\nb: \0\n", 10, NULL));
        assert_null(load_from(dir, "nul.yaml", diag));
        g_autofree char *faults = diag_text(diag);
        assert_non_null(strstr(faults, "nul.yaml:2:4: a NUL character"));
        temp_dir_free(dir);
}

static void INV_YAML_003_a_huge_file_is_not_even_read(void **state) {
        char *dir = temp_dir_new();
        g_autofree char *path = g_build_filename(dir, "huge.yaml", NULL), *faults = NULL;
        g_autoptr(Diag) diag = diag_new();
        put(dir, "huge.yaml", "a: 1\n");
        assert_int_equal(truncate(path, INT64_C(1) << 40), 0); /* a terabyte of nothing */
        assert_null(load_from(dir, "huge.yaml", diag));
        faults = diag_text(diag);
        assert_non_null(strstr(faults, "huge.yaml: cannot be read: it has more than 4 MiB"));
        assert_include_fault(dir, "a: !include huge.yaml\nb: 2\n",
                             "main.yaml:1:4: cannot include huge.yaml: it has more than");
        temp_dir_free(dir);
}

static void INV_YAML_004_a_named_file_is_found_beside_the_one_that_names_it(void **state) {
        char *dir = temp_dir_new();
        g_autofree char *sub = g_build_filename(dir, "sub", NULL);
        assert_int_equal(g_mkdir(sub, 0755), 0);
        put(dir, "sub/names.yaml", "[pools.yaml, ../sub/pools.yaml, ../../x, nowhere, '']\n");
        put(dir, "sub/pools.yaml", "a: 1\n");
        g_autoptr(Diag) diag = diag_new();
        g_autoptr(YamlDocument) names = load_from(dir, "sub/names.yaml", diag);
        const YamlNode *list = yaml_root(names);
        for (unsigned i = 0; i < yaml_size(list); i++) {
                g_autoptr(YamlDocument) document = yaml_load_named(yaml_item(list, i), dir, diag);
                assert_true((document != NULL) == (i < 2));
                assert_int_equal(diag_errors(diag), i < 2 ? 0 : i - 1);
        }
        g_autofree char *faults = diag_text(diag);
        assert_non_null(strstr(faults, "names.yaml:1:42: cannot read nowhere: there is no such file"));
        temp_dir_free(dir);
}

static void INV_YAML_004_files_that_are_no_files_are_refused(void **state) {
        char *dir = temp_dir_new();
        g_autoptr(Diag) diag = diag_new();
        assert_null(load_from(dir, "nowhere.yaml", diag));
        assert_null(yaml_load_file(dir, dir, diag));
        assert_null(yaml_load_file("/dev/zero", dir, diag));
        assert_int_equal(diag_errors(diag), 3);
        temp_dir_free(dir);
}

static void merged_keys_give_way_to_written_ones(void **state) {
        g_autoptr(Diag) diag = diag_new();
        g_autoptr(YamlDocument) document = load("base: &base {a: 1, b: 2}\n"
                                                "more: &more {b: 3, c: 4}\n"
                                                "own:\n"
                                                "  <<: [*base, *more]\n"
                                                "  a: 9\n",
                                                diag);
        assert_int_equal(diag_errors(diag), 0);
        const YamlNode *own = yaml_get(yaml_root(document), "own");
        assert_string_equal(yaml_text(yaml_get(own, "a")), "9");
        assert_string_equal(yaml_text(yaml_get(own, "b")), "2");
        assert_string_equal(yaml_text(yaml_get(own, "c")), "4");
        assert_int_equal(yaml_size(own), 3);
        assert_fault("a:\n  <<: text\n  b: 1\n", "<< takes a mapping");
}

static void INV_YAML_005_unknown_keys_are_faults_with_a_suggestion(void **state) {
        static const char *const allowed[] = {"pool", "start", NULL};
        g_autoptr(Diag) diag = diag_new();
        g_autoptr(YamlDocument) document = load("pol: x\nstart: 1\nzzzzzz: 2\n", diag);
        yaml_check_keys(yaml_root(document), "schedule.all_day[0]", allowed, diag);
        g_autofree char *faults = diag_text(diag);
        assert_string_equal(faults, "t.yaml:1:1: unknown key \"pol\" in schedule.all_day[0]: did you mean \"pool\"?\n"
                                    "t.yaml:3:1: unknown key \"zzzzzz\" in schedule.all_day[0]\n");
}

static void numbers_and_truths_are_read_strictly(void **state) {
        g_autoptr(Diag) diag = diag_new();
        g_autoptr(YamlDocument) document = load("[42, -1, 4x, 99999999999999999999, yes, OFF, 1, [1]]", diag);
        const YamlNode *root = yaml_root(document);
        int64_t n = 7;
        assert_true(yaml_read_int(yaml_item(root, 0), 0, 100, &n, diag));
        assert_int_equal(n, 42);
        for (unsigned i = 1; i <= 3; i++)
                assert_false(yaml_read_int(yaml_item(root, i), 0, 100, &n, diag));
        assert_false(yaml_read_int(yaml_item(root, 7), 0, 100, &n, diag));
        assert_int_equal(n, 42);
        bool b = false;
        assert_true(yaml_read_bool(yaml_item(root, 4), &b, diag) && b);
        assert_true(yaml_read_bool(yaml_item(root, 5), &b, diag) && !b);
        assert_false(yaml_read_bool(yaml_item(root, 6), &b, diag));
        assert_int_equal(diag_errors(diag), 5);
        g_autofree char *faults = diag_text(diag);
        assert_non_null(strstr(faults, "t.yaml:1:6: expected a whole number from 0 to 100, found \"-1\""));
}

static void durations_have_units_and_no_guesses(void **state) {
        static const struct {
                const char *text;
                int64_t ms; /* -1: a fault */
        } cases[] = {
                {"500ms", 500},    {"20s", 20000},
                {"90m", 5400000},  {"3h30m", 12600000},
                {"2d", 172800000}, {"1s500ms", 1500},
                {"0s", 0},         {"1.5h", -1},
                {"90", -1},        {"", -1},
                {"30m3h", -1},     {"1h1h", -1},
                {"h", -1},         {"-5s", -1},
                {"5 s", -1},       {"99999999d", -1},
                {"1d1", -1},       {"18446744073709551615s", -1},
        };
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(Diag) diag = diag_new();
                g_autofree char *text = g_strdup_printf("[\"%s\"]", cases[i].text);
                g_autoptr(YamlDocument) document = load(text, diag);
                int64_t ms = -1;
                const bool good = yaml_read_duration_ms(yaml_item(yaml_root(document), 0), 0, 2 * 86400000, &ms, diag);
                if (ms != cases[i].ms || good != (cases[i].ms >= 0))
                        fail_msg("\"%s\": %d ms", cases[i].text, (int)ms);
                assert_int_equal(diag_errors(diag), good ? 0 : 1);
        }
}

static void walk(const YamlNode *node, unsigned *count) {
        (*count)++;
        assert_true(yaml_line(node) > 0 && yaml_column(node) > 0);
        for (unsigned i = 0; i < yaml_size(node); i++)
                walk(yaml_kind(node) == YAML_MAPPING ? yaml_value(node, i) : yaml_item(node, i), count);
}

/* Whatever bytes come: a tree that can be walked, or faults; never both nothing. */
static void damaged_text_never_breaks_the_reader(void **state) {
        static const char good[] =
                "a: &x {k: [1, 2], 'q': \"t\"}\nb: *x\nc:\n  <<: *x\n  d: |\n    text\n  e: !!str 5\n";
        GRand *rand = chance_new();
        for (int i = 0; i < N_MUTATIONS; i++) {
                g_autofree char *text = g_strdup(good);
                for (int n = g_rand_int_range(rand, 1, 6); n > 0; n--)
                        text[g_rand_int_range(rand, 0, sizeof(good) - 1)] =
                                "&*:[]{},'\"\n\t -!|>%x\xc3\x01"[g_rand_int_range(rand, 0, 22)];
                g_autoptr(Diag) diag = diag_new();
                g_autoptr(YamlDocument) document = load(text, diag);
                unsigned count = 0;
                if (document)
                        walk(yaml_root(document), &count);
                assert_true(count > 0 || diag_errors(diag) > 0);
        }
        g_rand_free(rand);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(INV_YAML_001_scalars_stay_text_and_know_their_place),
                cmocka_unit_test(INV_YAML_001_a_syntax_error_has_line_and_column),
                cmocka_unit_test(INV_YAML_002_a_key_twice_is_a_fault_and_reading_goes_on),
                cmocka_unit_test(INV_YAML_003_nesting_is_bounded),
                cmocka_unit_test(INV_YAML_003_aliases_cannot_explode),
                cmocka_unit_test(INV_YAML_003_size_is_bounded),
                cmocka_unit_test(includes_are_whole_files_or_one_key),
                cmocka_unit_test(INV_YAML_004_includes_stay_below_the_root),
                cmocka_unit_test(INV_YAML_001_bytes_that_are_no_text_know_their_place),
                cmocka_unit_test(INV_YAML_003_a_huge_file_is_not_even_read),
                cmocka_unit_test(INV_YAML_004_a_named_file_is_found_beside_the_one_that_names_it),
                cmocka_unit_test(INV_YAML_004_files_that_are_no_files_are_refused),
                cmocka_unit_test(merged_keys_give_way_to_written_ones),
                cmocka_unit_test(INV_YAML_005_unknown_keys_are_faults_with_a_suggestion),
                cmocka_unit_test(numbers_and_truths_are_read_strictly),
                cmocka_unit_test(durations_have_units_and_no_guesses),
                cmocka_unit_test(damaged_text_never_breaks_the_reader),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
