/* Which of a file's sound and subtitle tracks are played. */
#include <string.h>

#include "air/producer/track/track.h"
#include "tests/support/cmocka.h"

#define MOST 6

static void language_tags_of_all_containers(void **state) {
        static const struct {
                const char *tag, *expected;
        } cases[] = {
                {"eng", "eng"},    {"en", "eng"},  {"en-US", "eng"}, {"EN_gb", "eng"},   {"ger", "deu"},
                {"deu", "deu"},    {"de", "deu"},  {"fre", "fra"},   {"zh-Hant", "zho"}, {"chi", "zho"},
                {"que", "que"},    {"haw", "haw"}, {"zu", "zul"},    {"zul", "zul"},     {"wel", "cym"},
                {"und", ""},       {"mul", ""},    {"zxx", ""},      {"qaa", ""},        {"", ""},
                {NULL, ""},        {"e", ""},      {"xx", ""},       {"english", ""},    {"en1", ""},
                {"\xc3\xa9n", ""}, {"aa", "aar"},
        };
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                char language[TRACK_LANGUAGE_SIZE] = "???";
                assert_int_equal(track_language(cases[i].tag, language), cases[i].expected[0] != '\0');
                assert_string_equal(language, cases[i].expected);
        }
}

static void titles_say_what_a_track_is(void **state) {
        assert_int_equal(track_title_flags(NULL), 0);
        assert_int_equal(track_title_flags("English 5.1"), 0);
        assert_int_equal(track_title_flags("Director's COMMENTARY"), TRACK_COMMENTARY);
        assert_int_equal(track_title_flags("Audiokommentar"), TRACK_COMMENTARY);
        assert_int_equal(track_title_flags("English (SDH)"), TRACK_IMPAIRED);
        assert_int_equal(track_title_flags("Forced"), TRACK_FORCED);
        assert_int_equal(track_title_flags("\xff commentary"), 0);
}

/* "eng,deu": what is wished. "eng2d": language, channels, marks d(efault) f(orced) c(ommentary) i(mpaired) b(itmap)
 * s(ide-car). */
static char **list_of(const char *text) {
        return g_strsplit(text, ",", -1);
}

static size_t tracks_of(const char *text, Track *tracks) {
        static const struct {
                char letter;
                unsigned flag;
        } marks[] = {{'d', TRACK_DEFAULT},  {'f', TRACK_FORCED}, {'c', TRACK_COMMENTARY},
                     {'i', TRACK_IMPAIRED}, {'b', TRACK_BITMAP}, {'s', TRACK_BESIDE}};
        g_auto(GStrv) words = g_strsplit(text, " ", -1);
        size_t n = 0;
        for (; words[n]; n++) {
                assert_true(n < MOST);
                tracks[n] = (Track){.channels = words[n][3] - '0'};
                if (words[n][0] != '-')
                        memcpy(tracks[n].language, words[n], 3);
                for (size_t i = 0; i < G_N_ELEMENTS(marks); i++)
                        if (strchr(words[n] + 4, marks[i].letter))
                                tracks[n].flags |= marks[i].flag;
        }
        return n;
}

static void INV_PRODUCER_014_the_best_wished_sound(void **state) {
        static const struct {
                const char *wishes, *tracks;
                int expected;
        } cases[] = {
                {"", "eng2 deu2d", -1},           /* nothing is wished: the file decides */
                {"fra", "eng2 deu2d", -1},        /* nor when nothing matches */
                {"deu", "eng2d deu2", 1},         /* a wish is worth more than the file's mark */
                {"fra,deu,eng", "eng2d deu2", 1}, /* the best that is there */
                {"eng,deu", "deu2d eng2", 1},     /* the first wish first */
                {"eng", "eng2 eng2d", 1},         /* the file's mark among equals */
                {"eng", "eng2c eng2d", 1},        /* no commentary ... */
                {"eng", "jpn2d eng2c", -1},       /* ... not even when it is the only one */
                {"eng", "eng6id eng2", 1},        /* plain sound before that for the blind ... */
                {"eng", "jpn2d eng2i", 1},        /* ... which is better than a foreign one */
                {"eng", "eng2 eng6 eng6", 1},     /* more channels, then the first */
                {"eng,deu", "---2d deu2", 1},     /* what is not known is no match */
                {"eng", "---2d ---6", -1},
        };
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_auto(GStrv) wishes = list_of(cases[i].wishes);
                Track tracks[MOST];
                const size_t n = tracks_of(cases[i].tracks, tracks);
                if (track_choose_sound(tracks, n, wishes) != cases[i].expected)
                        fail_msg("%s of %s: %d", cases[i].wishes, cases[i].tracks,
                                 track_choose_sound(tracks, n, wishes));
        }
        assert_int_equal(track_choose_sound(NULL, 0, NULL), -1);
}

#define MARKED 100 /* only the events that are marked as forced */

static void INV_SUBTITLE_001_by_rule_and_language(void **state) {
        static const struct {
                SubtitlePolicy policy;
                const char *sound_wishes, *wishes, *sound, *tracks;
                int expected;
        } cases[] = {
                {SUBTITLES_NEVER, "eng", "", "eng", "eng0 deu0", -1},
                {SUBTITLES_NEVER, "eng", "", "jpn", "eng0d deu0", -1},
                {SUBTITLES_NEVER, "eng", "", "eng", "eng0 eng0f", 1}, /* forced ones always */
                {SUBTITLES_NEVER, "eng", "", "eng", "deu0f", -1},     /* in a language of the channel */
                {SUBTITLES_NEVER, "eng", "", "eng", "---0f", 0},      /* or one that is not known */
                {SUBTITLES_NEVER, "", "", "fra", "eng0f fra0f", 1},   /* no wish: that of the sound */
                {SUBTITLES_NEVER, "", "", "", "eng0f fra0f", 0},
                {SUBTITLES_NEVER, "eng", "", "eng", "deu0b eng0b", 1 + MARKED},
                {SUBTITLES_NEVER, "eng", "", "eng", "---0b", -1},
                {SUBTITLES_FOREIGN, "eng", "", "eng", "eng0", -1},
                {SUBTITLES_FOREIGN, "eng", "", "jpn", "deu0 eng0", 1}, /* foreign sound */
                {SUBTITLES_FOREIGN, "eng,deu", "", "deu", "eng0", -1}, /* the second wish is no foreign language */
                {SUBTITLES_FOREIGN, "eng", "deu", "jpn", "eng0 deu0", 1},
                {SUBTITLES_FOREIGN, "eng", "", "", "eng0", -1}, /* not known: not foreign */
                {SUBTITLES_FOREIGN, "", "", "jpn", "eng0", -1}, /* no language is foreign to this channel */
                {SUBTITLES_FOREIGN, "", "eng", "jpn", "eng0", 0},
                {SUBTITLES_FOREIGN, "eng", "", "jpn", "eng0f eng0", 1}, /* all of them, not only the forced */
                {SUBTITLES_FOREIGN, "eng", "", "jpn", "eng0f", 0},
                {SUBTITLES_ALWAYS, "eng", "", "eng", "deu0 eng0", 1},
                {SUBTITLES_ALWAYS, "eng", "deu,fra", "eng", "eng0 fra0 ---0", 1},
                {SUBTITLES_ALWAYS, "eng", "", "eng", "deu0 ---0", 1},  /* what is not known may be right */
                {SUBTITLES_ALWAYS, "eng", "", "eng", "deu0 fra0", -1}, /* what is known to be wrong is not */
                {SUBTITLES_ALWAYS, "", "", "eng", "deu0 fra0d", 1},    /* no wish: as the file prefers */
                {SUBTITLES_ALWAYS, "eng", "", "eng", "eng0i eng0", 1},
                {SUBTITLES_ALWAYS, "eng", "", "eng", "eng0i deu0", 0},
                {SUBTITLES_ALWAYS, "eng", "", "eng", "eng0d eng0s", 1}, /* put beside the film on purpose */
                {SUBTITLES_ALWAYS, "eng", "", "eng", "eng0b eng0", 1},  /* text is sharper than pictures */
                {SUBTITLES_ALWAYS, "eng", "", "eng", "eng0c", -1},
                {SUBTITLES_ALWAYS, "eng", "", "eng", "", -1},
        };
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_auto(GStrv) sound_wishes = list_of(cases[i].sound_wishes), wishes = list_of(cases[i].wishes);
                Track tracks[MOST];
                const size_t n = tracks_of(cases[i].tracks, tracks);
                const SubtitleChoice choice = track_choose_subtitles(
                        tracks, n, &(SubtitleWishes){cases[i].policy, sound_wishes, wishes, cases[i].sound});
                const int is = choice.track < 0 ? -1 : choice.track + (choice.forced_only ? MARKED : 0);
                if (is != cases[i].expected)
                        fail_msg("case %zu, %s: %d, not %d", i, cases[i].tracks, is, cases[i].expected);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(language_tags_of_all_containers),
                cmocka_unit_test(titles_say_what_a_track_is),
                cmocka_unit_test(INV_PRODUCER_014_the_best_wished_sound),
                cmocka_unit_test(INV_SUBTITLE_001_by_rule_and_language),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
