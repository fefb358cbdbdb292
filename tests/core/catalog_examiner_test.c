#include "tests/support/cmocka.h"

#include <glib/gstdio.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/process.h"
#include "core/plan/catalog/measure/examiner.h"
#include "tests/support/temp_dir.h"

#define CLIP RV_TEST_CLIPS "/r2997.mp4"

/* --- the process: this program, with faults that the name of the first file asks for ----------------------------- */

/* Once for each file that says so: a second process finds what the first one has left. */
static bool first_time(const char *path) {
        g_autofree char *mark = g_strconcat(path, ".seen", NULL);
        const bool first = !g_file_test(mark, G_FILE_TEST_EXISTS);
        assert_true(g_file_set_contents(mark, "", 0, NULL));
        return first;
}

static void fail_as_asked(const char *question) {
        const char *path = strstr(question, "/");
        g_autofree char *file = path ? g_strndup(path, strcspn(path, "\"")) : g_strdup("");
        if (strstr(file, "crash") || (strstr(file, "once") && first_time(file)))
                (void)raise(SIGSEGV);
        if (strstr(file, "exit"))
                _exit(3);
        if (strstr(file, "killed"))
                (void)raise(SIGKILL);
        if (strstr(file, "nonsense"))
                (void)send(PROCESS_FD, "{}\n", 3, MSG_NOSIGNAL);
        while (strstr(file, "hang"))
                (void)pause();
}

static int be_examiner(void) {
        char question[4096] = "";
        (void)signal(SIGSEGV, SIG_DFL); /* also under a sanitizer */
        if (recv(PROCESS_FD, question, sizeof question - 1, MSG_PEEK) > 0)
                fail_as_asked(question);
        return examiner_serve(PROCESS_FD, rv_clock_system());
}

/* --- the side that asks ------------------------------------------------------------------------------------------ */

typedef struct {
        char *dir;
        Examiner *examiner;
        Asset *asset;
        int asked, give_up_after;
} World;

static int set_up(void **state) {
        World *world = g_new0(World, 1);
        world->dir = temp_dir_new();
        world->examiner = examiner_new(rv_clock_system());
        world->asset = asset_new();
        world->give_up_after = INT_MAX;
        *state = world;
        return 0;
}

static int tear_down(void **state) {
        World *world = *state;
        examiner_free(world->examiner);
        asset_free(world->asset);
        temp_dir_free(world->dir);
        g_free(world);
        return 0;
}

static ProbeResult probe(World *world, const char *path) {
        const atomic_bool stop = false;
        g_free(world->asset->uri);
        world->asset->uri = g_strdup(path);
        return examiner_probe(world->examiner, world->asset, &stop);
}

static ProbeResult probe_named(World *world, const char *name) {
        g_autofree char *path = g_build_filename(world->dir, name, NULL), *bytes = NULL;
        gsize size = 0;
        assert_true(g_file_get_contents(CLIP, &bytes, &size, NULL));
        assert_true(g_file_set_contents(path, bytes, (gssize)size, NULL));
        return probe(world, path);
}

static bool go_on(void *user) {
        World *world = user;
        return world->asked++ < world->give_up_after;
}

static SurveyResult survey(World *world, const char *path, int64_t expected_ms, Survey *ret_survey) {
        const SurveyOptions options = {path, expected_ms, rv_clock_system(), go_on, world};
        return examiner_survey(world->examiner, &options, ret_survey);
}

static void answers_are_those_of_this_process(void **state) {
        World *world = *state;
        const atomic_bool stop = false;
        Asset *here = asset_new();
        g_free(here->uri);
        here->uri = g_strdup(CLIP);
        assert_int_equal(probe_file(here, rv_clock_system(), &stop), PROBE_OK);
        assert_int_equal(probe(world, CLIP), PROBE_OK);
        const Asset *there = world->asset;
        assert_int_equal(there->duration_ms, here->duration_ms);
        assert_int_equal(there->width, here->width);
        assert_int_equal(there->rate.num, here->rate.num);
        assert_int_equal(there->rate.den, here->rate.den);
        assert_int_equal(there->has_audio, here->has_audio);
        assert_string_equal(there->video_codec, here->video_codec);
        assert_string_equal(there->audio_codec, here->audio_codec);
        assert_int_equal(there->n_chapters, here->n_chapters);
        assert_null(there->reason);

        g_auto(Survey) one = {0}, other = {0};
        const SurveyOptions options = {CLIP, here->duration_ms, rv_clock_system(), go_on, world};
        assert_int_equal(survey_file(&options, &one), SURVEY_OK);
        assert_int_equal(survey(world, CLIP, here->duration_ms, &other), SURVEY_OK);
        assert_int_equal(other.end_ms, one.end_ms);
        assert_int_equal(other.has_loudness, one.has_loudness);
        assert_int_equal(other.loudness_millibel, one.loudness_millibel);
        assert_int_equal(other.gain_millibel, one.gain_millibel);
        assert_int_equal(other.n_quiet, one.n_quiet);
        assert_true(one.n_keys > 0);
        assert_int_equal(other.n_keys, one.n_keys);
        assert_memory_equal(other.key_ms, one.key_ms, one.n_keys * sizeof one.key_ms[0]);
        asset_free(here);
}

static void a_refusal_comes_with_its_reason(void **state) {
        World *world = *state;
        g_autofree char *path = g_build_filename(world->dir, "text.mp4", NULL);
        assert_true(g_file_set_contents(path, "no film \xc3\xbc", -1, NULL));
        assert_int_equal(probe(world, path), PROBE_REFUSED);
        assert_non_null(strstr(world->asset->reason, "not a video file"));
        assert_int_equal(probe(world, CLIP), PROBE_OK); /* by the same process */
}

static void INV_MEASURE_004_a_file_that_crashes_its_decoder_is_refused(void **state) {
        World *world = *state;
        assert_int_equal(probe_named(world, "crash.mp4"), PROBE_REFUSED);
        assert_non_null(strstr(world->asset->reason, "crashes"));
        assert_int_equal(world->asset->duration_ms, 0);
        assert_int_equal(probe_named(world, "exit.mp4"), PROBE_REFUSED); /* as abort() may be made to */
        g_auto(Survey) found = {0};
        g_autofree char *path = g_build_filename(world->dir, "crash.mp4", NULL);
        assert_int_equal(survey(world, path, 1000, &found), SURVEY_BROKEN);
        assert_non_null(strstr(found.fault, "crashes"));
        assert_int_equal(probe(world, CLIP), PROBE_OK);
}

static void INV_MEASURE_004_a_file_is_not_blamed_for_the_one_before(void **state) {
        World *world = *state;
        assert_int_equal(probe_named(world, "once.mp4"), PROBE_OK);
        assert_true(world->asset->duration_ms > 0);
}

static void INV_MEASURE_004_what_was_killed_is_tried_another_time(void **state) {
        World *world = *state;
        assert_int_equal(probe_named(world, "killed.mp4"), PROBE_RETRY);
        assert_int_equal(probe_named(world, "nonsense.mp4"), PROBE_RETRY);
        assert_non_null(world->asset->reason);
        g_auto(Survey) found = {0};
        g_autofree char *path = g_build_filename(world->dir, "killed.mp4", NULL);
        assert_int_equal(survey(world, path, 1000, &found), SURVEY_RETRY);
}

static void what_is_not_wanted_any_more_ends(void **state) {
        World *world = *state;
        g_autofree char *path = g_build_filename(world->dir, "hang.mp4", NULL);
        g_auto(Survey) found = {0};
        world->give_up_after = 1;
        assert_int_equal(survey(world, path, 1000, &found), SURVEY_STOPPED);
        assert_null(found.fault);
        world->give_up_after = INT_MAX;
        assert_int_equal(probe(world, CLIP), PROBE_OK);
}

static void a_program_that_cannot_be_started_refuses_nothing(void **state) {
        World *world = *state;
        examiner_set_program("/nowhere/retrovue");
        assert_int_equal(probe(world, CLIP), PROBE_RETRY);
        examiner_set_program("/proc/self/exe");
        assert_int_equal(probe(world, CLIP), PROBE_OK);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(int argc, char **argv) {
        if (argc == 2 && strcmp(argv[1], EXAMINER_COMMAND) == 0)
                return be_examiner();
        probe_init();
        examiner_set_program("/proc/self/exe");
        const struct CMUnitTest tests[] = {
                TEST(answers_are_those_of_this_process),
                TEST(a_refusal_comes_with_its_reason),
                TEST(INV_MEASURE_004_a_file_that_crashes_its_decoder_is_refused),
                TEST(INV_MEASURE_004_a_file_is_not_blamed_for_the_one_before),
                TEST(INV_MEASURE_004_what_was_killed_is_tried_another_time),
                TEST(what_is_not_wanted_any_more_ends),
                TEST(a_program_that_cannot_be_started_refuses_nothing),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
