#include "tests/support/cmocka.h"

#include <glib.h>

#include "proto/house/house_style.h"

static HouseStyle *any_style(void) {
        HouseStyle *style = house_style_new();
        g_free(style->channel_name);
        style->channel_name = g_strdup("Kanal Süd");
        g_strfreev(style->sound_languages);
        style->sound_languages = g_strsplit("deu,eng", ",", 0);
        style->subtitles = SUBTITLES_FOREIGN;
        g_strfreev(style->subtitle_languages);
        style->subtitle_languages = g_strsplit("deu", ",", 0);
        style->logo = (StyleLogo){g_strdup("/logos/süd.png"), CORNER_TOP_LEFT, 45, 120};
        style->slate = SLATE_OPERATOR;
        style->splices = true;
        style->service_id = 7;
        return style;
}

static void nothing_said_can_be_put_on_the_air(void **state) {
        g_autoptr(HouseStyle) style = house_style_from_message(NULL);
        assert_null(house_style_fault(style));
        assert_null(style->logo.image_uri);
        assert_int_equal(style->slate, SLATE_OFF);
        Retrovue__Playout__V1__HouseStyle empty = RETROVUE__PLAYOUT__V1__HOUSE_STYLE__INIT; /* as of older cores */
        g_autoptr(HouseStyle) same = house_style_from_message(&empty);
        assert_non_null(same);
        assert_int_equal(same->subtitles, SUBTITLES_NEVER);
        assert_int_equal(same->service_id, 1);
}

static void a_message_carries_all_of_it(void **state) {
        g_autoptr(HouseStyle) style = any_style();
        assert_null(house_style_fault(style));
        Retrovue__Playout__V1__HouseStyle *message = house_style_to_message(style);
        g_autoptr(HouseStyle) back = house_style_from_message(message);
        house_style_message_free(message);
        assert_non_null(back);
        assert_string_equal(back->channel_name, "Kanal Süd");
        assert_int_equal(g_strv_length(back->sound_languages), 2);
        assert_string_equal(back->sound_languages[1], "eng");
        assert_int_equal(back->subtitles, SUBTITLES_FOREIGN);
        assert_string_equal(back->subtitle_languages[0], "deu");
        assert_string_equal(back->logo.image_uri, "/logos/süd.png");
        assert_int_equal(back->logo.corner, CORNER_TOP_LEFT);
        assert_int_equal(back->logo.opacity_percent, 45);
        assert_int_equal(back->logo.height_permille, 120);
        assert_int_equal(back->slate, SLATE_OPERATOR);
        assert_true(back->splices);
        assert_int_equal(back->service_id, 7);
}

static void INV_HOUSE_002_what_no_engine_can_do_is_refused(void **state) {
        static const struct {
                size_t offset;
                int32_t good[2];
                int32_t bad[2];
        } limits[] = {
                {offsetof(HouseStyle, subtitles), {SUBTITLES_NEVER, SUBTITLES_ALWAYS}, {0, SUBTITLES_ALWAYS + 1}},
                {offsetof(HouseStyle, logo.corner), {CORNER_TOP_LEFT, CORNER_BOTTOM_RIGHT}, {0, -1}},
                {offsetof(HouseStyle, logo.opacity_percent), {1, 100}, {0, 101}},
                {offsetof(HouseStyle, logo.height_permille), {10, 500}, {9, 501}},
                {offsetof(HouseStyle, slate), {SLATE_OFF, SLATE_ON}, {0, SLATE_ON + 1}},
                {offsetof(HouseStyle, service_id), {1, 65535}, {0, 65536}},
        };
        for (size_t i = 0; i < G_N_ELEMENTS(limits); i++) {
                for (int j = 0; j < 2; j++) {
                        g_autoptr(HouseStyle) style = any_style();
                        int32_t *field = (int32_t *)(void *)((char *)style + limits[i].offset);
                        *field = limits[i].good[j];
                        assert_null(house_style_fault(style));
                        *field = limits[i].bad[j];
                        assert_non_null(house_style_fault(style));
                }
        }
}

static void check_refused(Retrovue__Playout__V1__HouseStyle *message) {
        g_autoptr(HouseStyle) style = house_style_from_message(message);
        assert_null(style);
}

static void INV_HOUSE_002_a_message_is_judged_on_arrival(void **state) {
        g_autoptr(HouseStyle) style = any_style();
        Retrovue__Playout__V1__HouseStyle *message = house_style_to_message(style);
        static char *const bad_languages[] = {(char *)"en", (char *)"ENG", (char *)"engl", (char *)"", NULL};
        for (unsigned i = 0; bad_languages[i]; i++) {
                char *one[] = {bad_languages[i]};
                message->n_sound_languages = 1;
                message->sound_languages = one;
                check_refused(message);
        }
        message->n_sound_languages = 0;
        message->logo->image_uri = (char *)"logo.png";
        check_refused(message);
        message->logo->image_uri = (char *)"/\xff.png";
        check_refused(message);
        message->logo->image_uri = NULL;
        message->channel_name = (char *)"\xff";
        check_refused(message);
        house_style_message_free(message);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(nothing_said_can_be_put_on_the_air),
                cmocka_unit_test(a_message_carries_all_of_it),
                cmocka_unit_test(INV_HOUSE_002_what_no_engine_can_do_is_refused),
                cmocka_unit_test(INV_HOUSE_002_a_message_is_judged_on_arrival),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
