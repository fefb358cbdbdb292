#include "tests/support/cmocka.h"

#include <errno.h>
#include <glib.h>
#include <string.h>

#include "proto/base/error.h"
#include "proto/base/hash.h"
#include "proto/base/id.h"
#include "tests/support/chance.h"

static void INV_BASE_005_a_name_always_gives_the_same_id(void **state) {
        char uuid[RV_UUID_SIZE];
        rv_uuid_named("asset:/media/show/s01e01.mkv", uuid);
        assert_string_equal(uuid, "32df1879-16a1-5efa-b87b-9900da68933e");
        rv_uuid_named("", uuid);
        assert_string_equal(uuid, "5cb6b525-6581-5b72-8c01-dba56b688e74");
}

static void random_ids_are_valid_and_differ(void **state) {
        g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        for (int i = 0; i < 1000; i++) {
                char uuid[RV_UUID_SIZE];
                rv_uuid_random(uuid);
                assert_true(rv_uuid_valid(uuid));
                assert_int_equal(uuid[14], '4');
                assert_true(g_hash_table_add(seen, g_strdup(uuid)));
        }
}

static void only_canonical_uuids_are_valid(void **state) {
        static const char *const bad[] = {"",
                                          "123e4567-e89b-42d3-a456-42661417400",
                                          "123e4567-e89b-42d3-a456-4266141740000",
                                          "123E4567-e89b-42d3-a456-426614174000",
                                          "123e4567-e89b-42d3-a456_426614174000",
                                          "123e4567ee89b-42d3-a456-426614174000",
                                          "g23e4567-e89b-42d3-a456-426614174000",
                                          "{23e4567-e89b-42d3-a456-42661417400}"};
        assert_true(rv_uuid_valid("123e4567-e89b-42d3-a456-426614174000"));
        assert_false(rv_uuid_valid(NULL));
        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
                assert_false(rv_uuid_valid(bad[i]));
}

static void INV_BASE_006_slugs_are_safe_names(void **state) {
        static const char *const good[] = {"a", "0", "retro-tv_2", "a--b", "a-"};
        static const char *const bad[] = {"", "-a", "_a", "A", "a b", "a/b", "..", "a.b", "\xc3\xa9", "a\n"};
        g_autofree char *longest = g_strnfill(RV_SLUG_MAX, 'a');
        g_autofree char *longer = g_strnfill(RV_SLUG_MAX + 1, 'a');
        assert_true(rv_slug_valid(longest));
        assert_false(rv_slug_valid(longer));
        assert_false(rv_slug_valid(NULL));
        for (size_t i = 0; i < G_N_ELEMENTS(good); i++)
                assert_true(rv_slug_valid(good[i]));
        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
                assert_false(rv_slug_valid(bad[i]));
}

static void check_slug(const char *text, const char *expected) {
        g_autofree char *slug = rv_slug_from(text);
        assert_string_equal(slug, expected);
}

static void slugs_are_made_of_titles(void **state) {
        check_slug("Tales & Tails", "tales-tails");
        check_slug("Bob's  Burgers!", "bobs-burgers");
        check_slug("  Amélie – Café ", "amelie-cafe");
        check_slug("STRAßE", "strasse");
        check_slug("__Show_Name__", "show_name__");
        check_slug("千と千尋", "untitled");
        check_slug("\xff\xfe", "untitled");
        check_slug("", "untitled");
        check_slug("---", "untitled");
        check_slug("S01E02", "s01e02");
}

static void INV_BASE_006_any_bytes_make_a_valid_slug(void **state) {
        GRand *rand = chance_new();
        for (int i = 0; i < 5000; i++) {
                g_autofree char *bytes = chance_bytes(rand, 300);
                g_autofree char *slug = rv_slug_from(bytes);
                assert_true(rv_slug_valid(slug));
                g_autofree char *again = rv_slug_from(slug);
                assert_string_equal(again, slug);
        }
        g_rand_free(rand);
}

static void sha256_of_the_standard_s_examples(void **state) {
        char hex[RV_SHA256_HEX_SIZE];
        rv_sha256_hex("abc", 3, hex);
        assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        rv_sha256_hex(NULL, 0, hex);
        assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void errno_s_text_is_in_the_error(void **state) {
        g_autoptr(GError) error = NULL;
        rv_error_set_errno(&error, ENOSPC, "cannot write %s", "spool");
        assert_true(g_error_matches(error, RV_ERROR, RV_ERROR_IO));
        assert_string_equal(error->message, "cannot write spool: No space left on device");
        rv_error_set_errno(NULL, ENOSPC, "nobody %s", "asks");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(INV_BASE_005_a_name_always_gives_the_same_id),
                cmocka_unit_test(random_ids_are_valid_and_differ),
                cmocka_unit_test(only_canonical_uuids_are_valid),
                cmocka_unit_test(INV_BASE_006_slugs_are_safe_names),
                cmocka_unit_test(slugs_are_made_of_titles),
                cmocka_unit_test(INV_BASE_006_any_bytes_make_a_valid_slug),
                cmocka_unit_test(sha256_of_the_standard_s_examples),
                cmocka_unit_test(errno_s_text_is_in_the_error),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
