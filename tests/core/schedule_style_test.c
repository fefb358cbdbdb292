#include <glib/gstdio.h>

#include "core/plan/schedule/policy.h"
#include "core/plan/schedule/style/style.h"
#include "proto/base/language.h"
#include "tests/core/plan_fixture.h"
#include "tests/support/cmocka.h"

#define HEAD                                                                                                           \
        "channel: one\n"                                                                                               \
        "timezone: America/New_York\n"                                                                                 \
        "pools: {all: {match: {type: episode}}}\n"                                                                     \
        "schedule: {all_day: [{block: {start: \"06:00\", duration: 24h, pool: all}}]}\n"

static int set_up(void **state) {
        Fixture *fixture = g_new0(Fixture, 1);
        fixture_begin(fixture);
        g_autofree char *logo = fixture_write(fixture, "logo.png", "png");
        *state = fixture;
        return 0;
}

static int tear_down(void **state) {
        fixture_end(*state);
        g_free(*state);
        return 0;
}

/* The channel file with more in it, which must be good, and say nothing but what is expected ("" = nothing). */
static ChannelSpec *told(const Fixture *fixture, const char *more, const char *expected) {
        g_autofree char *text = g_strconcat(HEAD, more, NULL), *faults = NULL;
        ChannelSpec *spec = fixture_try_spec(fixture, text, NULL, &faults);
        if (!spec || (*expected ? !strstr(faults, expected) : *faults != '\0'))
                print_error("%s\nfaults: %s\nexpected: %s\n", more, faults, expected);
        assert_non_null(spec);
        assert_true(*expected ? strstr(faults, expected) != NULL : *faults == '\0');
        return spec;
}

static void refused(const Fixture *fixture, const char *more, const char *what) {
        g_autofree char *text = g_strconcat(HEAD, more, NULL), *faults = NULL;
        g_autoptr(ChannelSpec) spec = fixture_try_spec(fixture, text, NULL, &faults);
        if (spec || !strstr(faults, what))
                print_error("%s\nfaults: %s\nexpected: %s\n", more, faults, what);
        assert_null(spec);
        assert_non_null(strstr(faults, what));
}

static void assert_texts(char **texts, const char *joined) {
        g_autofree char *all = g_strjoinv(" ", texts);
        assert_string_equal(all, joined);
}

/* --- languages ------------------------------------------------------------------------------------------------------
 */

static void INV_STYLE_LANGUAGES_001_codes_and_names_become_three_letters(void **state) {
        g_autoptr(ChannelSpec) spec =
                told(*state,
                     "sound: {languages: [en, DE, ger, fre, Spanish, castilian, greek, zho, haw]}\n"
                     "subtitles: {show: foreign, languages: English}\n",
                     "");
        assert_texts(spec->style->sound_languages, "eng deu deu fra spa spa ell zho haw");
        assert_texts(spec->style->subtitle_languages, "eng");
        assert_int_equal(spec->style->subtitles, SUBTITLES_FOREIGN);
}

static void INV_STYLE_LANGUAGES_001_an_unknown_one_is_a_fault_with_a_suggestion(void **state) {
        refused(*state, "sound: {languages: [en, Germen]}\n",
                "channel.yaml:5:25: no language \"Germen\": did you mean \"German\"?");
        refused(*state, "sound: {languages: pt-BR}\n", "no language \"pt-BR\": did you mean \"pt\"?");
        refused(*state, "subtitles: {show: always, languages: [q]}\n", "write a code of ISO 639");
        refused(*state, "sound: {languages: [und]}\n", "no language \"und\"");
        refused(*state, "sound: {languages: [zxx, [en]]}\n", "no language \"zxx\"");
        refused(*state, "sound: {languages: [en, en, en, en, en, en, en, en, en, en, en, en, en, en, en, en, en]}\n",
                "16 languages at most");
        assert_null(rv_language_of(""));
        assert_null(rv_language_of(";"));
        assert_null(rv_language_of("Spanish;Castilian"));
}

/* --- each key ------------------------------------------------------------------------------------------------------
 */

static void a_channel_that_says_nothing_is_plain(void **state) {
        g_autoptr(ChannelSpec) spec = told(*state, "", "");
        assert_null(channel_spec_graphics(spec));
        assert_null(spec->style->logo.image_uri);
        assert_texts(spec->style->sound_languages, "");
        assert_int_equal(spec->style->subtitles, SUBTITLES_NEVER);
        assert_int_equal(spec->style->slate, SLATE_OFF);
        assert_false(spec->style->splices);
        assert_int_equal(spec->style->service_id, 1);
        assert_string_equal(spec->style->channel_name, "one");
}

static void every_key_is_read(void **state) {
        const Fixture *fixture = *state;
        g_autofree char *path = g_build_filename(fixture->dir, "logo.png", NULL);
        g_autoptr(ChannelSpec) spec =
                told(fixture,
                     "name: One TV\nchannel_number: 42\nsignalling: {splices: true}\n"
                     "graphics:\n"
                     "  logo: {file: logo.png, corner: top-left, opacity: 35%, height: 7.5%, on: [content, promo],\n"
                     "         hours: [\"18:00-02:00\", \"12:00-24:00\"]}\n"
                     "  next: {at: 90s, for: 6s, text: \"Up next, {time}: {title}\"}\n"
                     "  title: {after: 20s, for: 5s, after_breaks: true}\n"
                     "  slate: operator\n",
                     "");
        const HouseStyle *style = spec->style;
        const ChannelGraphics *graphics = channel_spec_graphics(spec);
        assert_string_equal(style->channel_name, "One TV");
        assert_int_equal(style->service_id, 42);
        assert_true(style->splices);
        assert_int_equal(style->slate, SLATE_OPERATOR);
        assert_string_equal(style->logo.image_uri, path);
        assert_int_equal(style->logo.corner, CORNER_TOP_LEFT);
        assert_int_equal(style->logo.opacity_percent, 35);
        assert_int_equal(style->logo.height_permille, 75);
        assert_true(graphics->logo && graphics->logo_on[0] && graphics->logo_on[ASSET_PROMO]);
        assert_false(graphics->logo_on[ASSET_COMMERCIAL]);
        assert_int_equal(graphics->logo_hours->len, 2);
        assert_int_equal(g_array_index(graphics->logo_hours, DayHours, 0).start, 1080);
        assert_int_equal(g_array_index(graphics->logo_hours, DayHours, 0).end, 120);
        assert_int_equal(g_array_index(graphics->logo_hours, DayHours, 1).end, 0);
        assert_true(graphics->next && graphics->next_at_ms == 90000 && graphics->next_for_ms == 6000);
        assert_string_equal(graphics->next_text, "Up next, {time}: {title}");
        assert_true(graphics->title && graphics->title_after_breaks);
        assert_true(graphics->title_after_ms == 20000 && graphics->title_for_ms == 5000);
}

static void true_means_the_usual(void **state) {
        g_autoptr(ChannelSpec) spec =
                told(*state, "logo: logo.png\ngraphics: {logo: true, next: true, title: true}\n", "");
        const ChannelGraphics *graphics = channel_spec_graphics(spec);
        assert_string_equal(spec->style->logo.image_uri, spec->logo);
        assert_int_equal(spec->style->logo.corner, CORNER_BOTTOM_RIGHT);
        assert_int_equal(spec->style->logo.opacity_percent, 60);
        assert_int_equal(spec->style->logo.height_permille, 80);
        assert_true(graphics->logo_on[0] && !graphics->logo_on[ASSET_PROMO]);
        assert_null(graphics->logo_hours);
        assert_string_equal(graphics->next_text, "Next at {time}");
        assert_true(graphics->next_at_ms == 300000 && graphics->next_for_ms == 8000);
        assert_true(graphics->title_after_ms == 10000 && graphics->title_for_ms == 8000);
        assert_false(graphics->title_after_breaks);
}

static void INV_SCHEDULE_FAULTS_001_bad_graphics_are_faults_at_their_places(void **state) {
        static const struct {
                const char *more, *what;
        } cases[] = {
                {"graphics: on\n", "graphics must be keys and values"},
                {"graphics: {logos: true}\n", "unknown key \"logos\" in graphics: did you mean \"logo\"?"},
                {"graphics: {logo: {fil: a.png}}\n", "did you mean \"file\"?"},
                {"graphics: {logo: perhaps}\n", "channel.yaml:5:18: "},
                {"graphics: {logo: [a]}\n", "graphics.logo must be a single value"},
                {"graphics: {logo: {file: a.png, corner: top}}\n", "\"top\" is not one of top-left"},
                {"graphics: {logo: {file: a.png, opacity: 0%}}\n", "\"0%\" is no opacity: write 1% to 100%"},
                {"graphics: {logo: {file: a.png, opacity: 101}}\n", "is no opacity"},
                {"graphics: {logo: {file: a.png, opacity: 99999999999999999999}}\n", "is no opacity"},
                {"graphics: {logo: {file: a.png, opacity: 50%%}}\n", "is no opacity"},
                {"graphics: {logo: {file: a.png, height: 0.5%}}\n", "is no height: write 1% to 50%"},
                {"graphics: {logo: {file: a.png, height: 51%}}\n", "is no height"},
                {"graphics: {logo: {file: a.png, on: [pad]}}\n", "\"pad\" is not one of content, commercial"},
                {"graphics: {logo: {file: a.png, on: []}}\n", "this list is empty"},
                {"graphics: {logo: {file: a.png, hours: []}}\n", "hours are 1 to 100 stretches"},
                {"graphics: {logo: {file: a.png, hours: \"6-8\"}}\n", "write it like \"18:00-02:00\""},
                {"graphics: {logo: {file: a.png, hours: \"18:00-24:30\"}}\n", "is no stretch of the day"},
                {"graphics: {logo: {file: a.png, hours: \"18:00-02:00x\"}}\n", "is no stretch of the day"},
                {"graphics: {next: {at: 2h}}\n", "channel.yaml:5:23: "},
                {"graphics: {next: {for: 1s}}\n", "channel.yaml:5:24: "},
                {"graphics: {next: {text: \"at {hour}\"}}\n", "nothing else is in braces"},
                {"graphics: {next: {text: \"at {time\"}}\n", "nothing else is in braces"},
                {"graphics: {next: {text: \"a\\nb\"}}\n", "must be a line"},
                {"graphics: {next: 3}\n", "channel.yaml:5:18: "},
                {"graphics: {title: {after: soon}}\n", "channel.yaml:5:27: "},
                {"graphics: {slate: of}\n", "did you mean \"off\"?"},
                {"sound: [en]\n", "sound must be keys and values"},
                {"sound: {language: en}\n", "did you mean \"languages\"?"},
                {"subtitles: {show: foriegn}\n", "did you mean \"foreign\"?"},
                {"signalling: {splices: 7}\n", "channel.yaml:5:23: "},
        };
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
                refused(*state, cases[i].more, cases[i].what);
}

static void subtitles_that_never_show_are_told(void **state) {
        g_autoptr(ChannelSpec) spec = told(*state, "subtitles: {languages: [en]}\n", "no subtitles are shown");
        assert_int_equal(spec->style->subtitles, SUBTITLES_NEVER);
}

/* --- the picture ----------------------------------------------------------------------------------------------------
 */

static void INV_STYLE_LOGO_001_a_missing_picture_is_a_warning(void **state) {
        const Fixture *fixture = *state;
        g_autofree char *path = g_build_filename(fixture->dir, "pictures", "gone.png", NULL);
        g_autoptr(ChannelSpec) spec =
                told(fixture, "graphics: {logo: {file: pictures/gone.png}}\n", "channel.yaml:5:18: warning: the logo ");
        assert_string_equal(spec->style->logo.image_uri, path); /* it may come */
        g_autoptr(ChannelSpec) drawn = told(fixture, "logo: logo.svg\ngraphics: {logo: true}\n", "is SVG");
        assert_non_null(drawn);
}

static void INV_STYLE_LOGO_001_without_a_file_it_is_the_channels(void **state) {
        const Fixture *fixture = *state;
        g_autofree char *path = g_build_filename(fixture->dir, "logo.png", NULL);
        g_autoptr(ChannelSpec) spec = told(fixture, "logo: logo.png\ngraphics: {logo: {corner: top-right}}\n", "");
        assert_string_equal(spec->style->logo.image_uri, path);
        refused(fixture, "graphics: {logo: true}\n", "channel.yaml:5:18: there is no logo to show: name its \"file\"");
        g_autoptr(ChannelSpec) none = told(fixture, "logo: logo.png\ngraphics: {logo: false}\n", "");
        assert_null(none->style->logo.image_uri);
        assert_null(channel_spec_graphics(none));
}

/* --- _defaults.yaml -------------------------------------------------------------------------------------------------
 */

static void INV_STYLE_DEFAULTS_001_the_channels_own_go_before_field_by_field(void **state) {
        const Fixture *fixture = *state;
        g_autofree char *defaults = fixture_write(
                fixture, "_defaults.yaml",
                "sound: {languages: [de]}\nsubtitles: {show: always, languages: [de]}\n"
                "signalling: {splices: true}\n"
                "graphics: {logo: {file: logo.png, opacity: 40%, height: 9%}, next: {at: 2m}, slate: on}\n");
        g_autoptr(ChannelSpec) spec = told(fixture,
                                           "sound: {languages: [en]}\nsubtitles: {show: never}\n"
                                           "graphics: {logo: {opacity: 80%}, next: {for: 5s}, title: true}\n",
                                           "");
        const ChannelGraphics *graphics = channel_spec_graphics(spec);
        assert_texts(spec->style->sound_languages, "eng");
        assert_texts(spec->style->subtitle_languages, "deu");
        assert_int_equal(spec->style->subtitles, SUBTITLES_NEVER);
        assert_true(spec->style->splices);
        assert_int_equal(spec->style->slate, SLATE_ON);
        assert_int_equal(spec->style->logo.opacity_percent, 80);
        assert_int_equal(spec->style->logo.height_permille, 90);
        assert_true(graphics->next && graphics->next_at_ms == 120000 && graphics->next_for_ms == 5000);
        assert_true(graphics->title);
        g_autoptr(ChannelSpec) plain = told(fixture, "graphics: {logo: false, next: false}\n", "");
        assert_null(channel_spec_graphics(plain));
}

static void INV_STYLE_DEFAULTS_001_faults_in_it_are_told_there(void **state) {
        const Fixture *fixture = *state;
        g_autofree char *defaults = fixture_write(fixture, "_defaults.yaml", "graphics: {logo: true, nxt: true}\n");
        refused(fixture, "", "_defaults.yaml:1:24: unknown key \"nxt\" in graphics: did you mean \"next\"?");
        g_autofree char *true_of_all = fixture_write(fixture, "_defaults.yaml", "graphics: {logo: true}\n");
        g_autoptr(ChannelSpec) without = told(fixture, "", ""); /* true of those that have one */
        assert_null(channel_spec_graphics(without));
}

static void a_channel_without_a_number_is_the_service_of_the_one_it_gets(void **state) {
        const Fixture *fixture = *state;
        g_autofree char *first = fixture_write(fixture, "a.yaml", HEAD "channel_number: 1\n");
        g_autofree char *text = g_strdup(HEAD), *second = NULL;
        memcpy(strstr(text, "one"), "two", 3);
        second = fixture_write(fixture, "b.yaml", text);
        g_autoptr(Diag) diag = diag_new();
        g_autoptr(GPtrArray) specs = channel_specs_load(fixture->dir, NULL, diag);
        assert_int_equal(specs->len, 2);
        assert_int_equal(((const ChannelSpec *)specs->pdata[0])->style->service_id, 1);
        assert_int_equal(((const ChannelSpec *)specs->pdata[1])->style->service_id, 2);
}

#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                T(INV_STYLE_LANGUAGES_001_codes_and_names_become_three_letters),
                T(INV_STYLE_LANGUAGES_001_an_unknown_one_is_a_fault_with_a_suggestion),
                T(a_channel_that_says_nothing_is_plain),
                T(every_key_is_read),
                T(true_means_the_usual),
                T(INV_SCHEDULE_FAULTS_001_bad_graphics_are_faults_at_their_places),
                T(subtitles_that_never_show_are_told),
                T(INV_STYLE_LOGO_001_a_missing_picture_is_a_warning),
                T(INV_STYLE_LOGO_001_without_a_file_it_is_the_channels),
                T(INV_STYLE_DEFAULTS_001_the_channels_own_go_before_field_by_field),
                T(INV_STYLE_DEFAULTS_001_faults_in_it_are_told_there),
                T(a_channel_without_a_number_is_the_service_of_the_one_it_gets),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
