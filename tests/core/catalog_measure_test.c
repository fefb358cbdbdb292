/* What decoding all of a file finds, in the background, and what comes of it. */
#include <fcntl.h>
#include <sys/stat.h>

#include "core/plan/catalog/catalog_store.h"
#include "core/plan/catalog/keys/keys.h"
#include "core/plan/catalog/measure/survey.h"
#include "tests/core/clip_fixture.h"
#include "tests/support/chance.h"

/* 997 Hz in both channels are as many LUFS as dB of full scale, by EBU R128's definition. */
#define SINE(amplitude) "-f lavfi -i aevalsrc=exprs=" amplitude "*sin(2*PI*997*t):s=48000:c=stereo:d=6 "
#define PICTURES(seconds) "-f lavfi -i testsrc2=size=160x120:rate=25:duration=" seconds " "

#define GOP "-c:v mpeg4 -g 40 -sc_threshold 1000000000"

static int make_clips(void **state) {
        clips_begin();
        ffmpeg("loud.mkv", PICTURES("6") SINE("0.19953") "-c:v mpeg4 -c:a pcm_s16le");
        ffmpeg("soft.mp4", PICTURES("6") SINE("0.01995") "-c:v mpeg4 -c:a aac -b:a 192k");
        ffmpeg("silent.avi", PICTURES("6") "-c:v mpeg4");
        /* Black alone at 4, silence alone at 8, both at 12 and, for half a second, at 16. */
        ffmpeg("quiet.mkv",
               "-f lavfi -i 'testsrc2=size=160x120:rate=25:duration=20,drawbox=c=black:t=fill:"
               "enable=between(t\\,4\\,4.96)+between(t\\,12\\,12.96)+between(t\\,16\\,16.46)' "
               "-f lavfi -i 'aevalsrc=exprs=0.1*sin(2*PI*440*t)*not(between(t\\,8\\,9)+between(t\\,12\\,13)"
               "+between(t\\,16\\,16.5)):s=48000:c=stereo:d=20' -c:v mpeg4 -g 250 -c:a pcm_s16le");
        ffmpeg("whole.mp4", PICTURES("20") "-f lavfi -i sine=sample_rate=48000:duration=20 -c:v mpeg4 -c:a mp2 "
                                           "-movflags +faststart");
        ffmpeg("padded.webm",
               PICTURES("2") "-f lavfi -i sine=sample_rate=48000:duration=2.063 -c:v libvpx -c:a libopus");
        /* A key picture each 1.6 s; of the second file the sound begins at 0, the pictures 480 ms later. */
        ffmpeg("steady.mp4", PICTURES("6") GOP);
        ffmpeg("late.mkv",
               "-itsoffset 0.48 " PICTURES("6") "-f lavfi -i sine=sample_rate=48000:duration=6 " GOP " -c:a pcm_s16le");
        /* Each picture stands alone. */
        ffmpeg("intra.avi", PICTURES("3") "-c:v mjpeg");
        return 0;
}

/* --- files ------------------------------------------------------------------------------------------------------- */

/* Of the bytes from a percentage to another, none are left as they were. */
static void put_damaged(const World *world, const char *name, const char *clip, size_t from, size_t to) {
        size_t size = 0;
        g_autofree char *data = clip_bytes(clip, &size);
        memset(data + size * from / 100, 0, size * to / 100 - size * from / 100);
        put_bytes(world, name, data, size);
}

static void set_time(const World *world, const char *name, time_t seconds) {
        g_autofree char *path = media_path(world, name);
        const struct timespec times[2] = {{seconds, 0}, {seconds, 0}};
        assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void move(const World *world, const char *from, const char *to) {
        g_autofree char *old = media_path(world, from), *now = media_path(world, to);
        assert_int_equal(g_rename(old, now), 0);
}

/* --- measuring --------------------------------------------------------------------------------------------------- */

static void on_measured(void *user, const CatalogMeasureProgress *progress) {
        ((World *)user)->measured = *progress;
}

static CatalogMeasure *start(World *world) {
        const CatalogMeasureOptions options = {.store_path = world->db,
                                               .threads = 2,
                                               .clock = world->clock,
                                               .context = world->context,
                                               .on_progress = on_measured,
                                               .user = world};
        world->measured = (CatalogMeasureProgress){0};
        CatalogMeasure *measure = catalog_measure_start(&options, NULL);
        assert_non_null(measure);
        return measure;
}

static void measure(World *world) {
        g_autoptr(CatalogMeasure) running = start(world);
        while (!world->measured.over)
                g_main_context_iteration(world->context, TRUE);
        assert_string_equal(world->measured.fault, "");
}

static CatalogSnapshot *scan_and_measure(World *world) {
        scan(world);
        measure(world);
        return load(world);
}

/* --- loudness ---------------------------------------------------------------------------------------------------- */

static void INV_LOUDNESS_NORMALIZED_001_files_are_brought_to_the_house_loudness(void **state) {
        World *world = *state;
        put_clip(world, "loud.mkv", "loud.mkv");
        put_clip(world, "soft.mp4", "soft.mp4");
        put_clip(world, "silent.avi", "silent.avi");
        g_autoptr(CatalogSnapshot) catalog = scan_and_measure(world);
        const Asset *loud = asset_of(world, catalog, "loud.mkv"), *soft = asset_of(world, catalog, "soft.mp4");
        assert_true(loud->has_loudness && soft->has_loudness);
        assert_near(loud->loudness_millibel, -1400, 20);
        assert_near(loud->gain_millibel, -1000, 20);
        assert_near(soft->loudness_millibel, -3400, 30);
        assert_near(soft->gain_millibel, 1000, 30);
        const Asset *silent = asset_of(world, catalog, "silent.avi");
        assert_true(silent->surveyed && !silent->has_loudness);
        assert_int_equal(silent->gain_millibel, 0);
}

static void INV_LOUDNESS_NORMALIZED_001_what_is_not_measured_is_left_as_it_is_and_waits(void **state) {
        World *world = *state;
        put_clip(world, "loud.mkv", "loud.mkv");
        g_autoptr(CatalogSnapshot) before = scan_and_load(world);
        assert_true(asset_eligible(before->assets[0]));
        assert_false(before->assets[0]->surveyed);
        assert_int_equal(before->assets[0]->gain_millibel, 0);
        measure(world);
        assert_int_equal(world->measured.done, 1);
}

static void INV_LOUDNESS_NORMALIZED_001_a_gain_is_bounded_and_never_clips(void **state) {
        assert_int_equal(survey_gain(-1400, -10), -1000);
        assert_int_equal(survey_gain(-2400, -10), 0);
        assert_int_equal(survey_gain(-3400, -2000), 1000);
        assert_int_equal(survey_gain(-3400, -500), 400); /* up to 1 dB below full scale */
        assert_int_equal(survey_gain(-3400, 0), 0);
        assert_int_equal(survey_gain(-6900, -6000), 2400);
        assert_int_equal(survey_gain(4000, 0), -6000);
}

/* --- quiet points and the end ------------------------------------------------------------------------------------ */

static void INV_ASSET_MARKER_BOUNDS_001_where_it_is_black_and_silent_is_marked(void **state) {
        World *world = *state;
        put_clip(world, "quiet.mkv", "quiet.mkv");
        g_autoptr(CatalogSnapshot) catalog = scan_and_measure(world);
        const Asset *asset = catalog->assets[0];
        assert_int_equal(asset->n_quiet, 2);
        assert_near(asset->quiet_ms[0], 12500, 40);
        assert_near(asset->quiet_ms[1], 16250, 40);
        assert_int_equal(asset->n_chapters, 0);
}

static void INV_ASSET_MARKER_BOUNDS_001_no_quiet_point_lies_outside(void **state) {
        World *world = *state;
        put_clip(world, "quiet.mkv", "quiet.mkv");
        g_autoptr(CatalogSnapshot) first = scan_and_measure(world);
        assert_true(store_run(world->store, NULL,
                              "INSERT INTO asset_marker (asset_id, kind, at_ms) VALUES (?, 'quiet', 99999)", "s",
                              first->assets[0]->id));
        assert_false(store_run(world->store, NULL,
                               "INSERT INTO asset_marker (asset_id, kind, at_ms) VALUES (?, 'quiet', 0)", "s",
                               first->assets[0]->id));
        g_autoptr(CatalogSnapshot) second = load(world);
        assert_int_equal(second->assets[0]->n_quiet, 2);
}

/* Its packets go on to 20 s and cannot be decoded beyond three quarters of them. */
static void INV_ASSET_DURATION_CONTRACTUAL_TRUTH_001_what_cannot_be_decoded_is_not_there(void **state) {
        World *world = *state;
        put_damaged(world, "cut.mp4", "whole.mp4", 75, 100);
        g_autoptr(CatalogSnapshot) probed = scan_and_load(world);
        assert_near(probed->assets[0]->duration_ms, 20000, 100);
        measure(world);
        g_autoptr(CatalogSnapshot) catalog = load(world);
        assert_true(asset_eligible(catalog->assets[0]));
        assert_in_range(catalog->assets[0]->duration_ms, 12000, 17500);
        assert_true(catalog->revision > probed->revision);
}

/* The last packet of its sound is of 20 ms, of which 3 are to be heard: planned by packets, a picture would be black.
 */
static void INV_ASSET_DURATION_CONTRACTUAL_TRUTH_001_padding_of_the_sound_is_not_there(void **state) {
        World *world = *state;
        put_clip(world, "padded.webm", "padded.webm");
        g_autoptr(CatalogSnapshot) probed = scan_and_load(world);
        assert_in_range(probed->assets[0]->duration_ms, 2075, 2085);
        measure(world);
        g_autoptr(CatalogSnapshot) catalog = load(world);
        assert_in_range(catalog->assets[0]->duration_ms, 2063, 2071);
}

/* --- faults ------------------------------------------------------------------------------------------------------ */

static void INV_MEASURE_002_what_cannot_be_decoded_is_refused_until_it_is_another_file(void **state) {
        World *world = *state;
        put_damaged(world, "a.mp4", "whole.mp4", 25, 97);
        g_autoptr(CatalogSnapshot) first = scan_and_measure(world);
        const Asset *asset = first->assets[0];
        assert_int_equal(world->measured.refused, 1);
        assert_int_equal(asset->state, ASSET_REFUSED);
        assert_non_null(strstr(asset->reason, "damaged"));
        assert_false(asset_eligible(asset));
        CatalogVerdict verdict;
        assert_true(catalog_approve(world->store, asset->id, &verdict, NULL));
        assert_int_equal(verdict, CATALOG_UNFIT);

        put_clip(world, "a.mp4", "whole.mp4");
        g_autoptr(CatalogSnapshot) second = scan_and_measure(world);
        assert_string_equal(second->assets[0]->id, asset->id);
        assert_true(asset_eligible(second->assets[0]));
        assert_null(second->assets[0]->reason);
}

/* --- once -------------------------------------------------------------------------------------------------------- */

static void INV_MEASURE_001_no_file_is_measured_twice(void **state) {
        World *world = *state;
        put_clip(world, "loud.mkv", "loud.mkv");
        put_clip(world, "quiet.mkv", "quiet.mkv");
        g_autoptr(CatalogSnapshot) first = scan_and_measure(world);
        assert_int_equal(world->measured.done, 2);
        g_autoptr(CatalogSnapshot) second = scan_and_measure(world);
        assert_int_equal(world->measured.done, 0);
        assert_int_equal(second->revision, first->revision);
        set_time(world, "quiet.mkv", 1000000000);
        g_autoptr(CatalogSnapshot) touched = scan_and_load(world); /* what was measured is not of this file */
        assert_false(asset_of(world, touched, "quiet.mkv")->surveyed);
        assert_int_equal(asset_of(world, touched, "quiet.mkv")->n_quiet, 0);
        measure(world);
        assert_int_equal(world->measured.done, 1);
}

static void INV_MEASURE_001_a_run_goes_on_where_the_last_was_ended(void **state) {
        World *world = *state;
        for (int i = 0; i < 8; i++) {
                g_autofree char *name = g_strdup_printf("%d.mkv", i);
                put_clip(world, name, i < 2 ? "loud.mkv" : "quiet.mkv");
        }
        scan(world);
        unsigned done = 0;
        for (int run = 0; run < 4; run++) { /* each is ended after its first file */
                CatalogMeasure *running = start(world);
                while (world->measured.done == 0 && !world->measured.over)
                        g_main_context_iteration(world->context, TRUE);
                catalog_measure_free(running);
                g_autoptr(CatalogSnapshot) catalog = load(world);
                unsigned surveyed = 0;
                for (uint32_t i = 0; i < catalog->n_assets; i++)
                        surveyed += catalog->assets[i]->surveyed;
                assert_true(surveyed > done || surveyed == 8);
                done = surveyed;
        }
        measure(world);
        assert_int_equal(world->measured.done, 8 - done);
        assert_int_equal(world->measured.to_do, 0);
}

static void INV_MEASURE_003_a_run_rests_while_it_may_not_work(void **state) {
        World *world = *state;
        put_clip(world, "loud.mkv", "loud.mkv");
        scan(world);
        g_autoptr(CatalogMeasure) running = start(world);
        catalog_measure_limit(running, 0);
        const CatalogMeasureProgress progress = catalog_measure_progress(running);
        assert_true(progress.paused || progress.over);
        catalog_measure_limit(running, 1);
        while (!world->measured.over)
                g_main_context_iteration(world->context, TRUE);
        assert_int_equal(world->measured.done, 1);
}

static void a_run_that_rests_can_be_ended(void **state) {
        World *world = *state;
        put_clip(world, "loud.mkv", "loud.mkv");
        scan(world);
        CatalogMeasure *running = start(world);
        catalog_measure_limit(running, 0);
        catalog_measure_free(running);
}

static void a_file_that_goes_meanwhile_waits_for_a_scan(void **state) {
        World *world = *state;
        put_clip(world, "loud.mkv", "loud.mkv");
        scan(world);
        g_autofree char *path = media_path(world, "loud.mkv");
        assert_int_equal(g_unlink(path), 0);
        measure(world);
        g_autoptr(CatalogSnapshot) catalog = load(world);
        assert_false(catalog->assets[0]->surveyed);
}

/* --- where decoding can begin ------------------------------------------------------------------------------------ */

static int64_t key_before(const World *world, const CatalogSnapshot *catalog, const char *name, int64_t at_ms) {
        g_autoptr(KeysIndex) index = keys_index_open(world->db, NULL);
        assert_non_null(index);
        return keys_index_before(index, asset_of(world, catalog, name)->id, at_ms);
}

static void INV_MEASURE_005_key_pictures_are_known_by_asset_time(void **state) {
        World *world = *state;
        put_clip(world, "steady.mp4", "steady.mp4");
        put_clip(world, "late.mkv", "late.mkv");
        put_clip(world, "intra.avi", "intra.avi");
        g_autoptr(CatalogSnapshot) catalog = scan_and_measure(world);
        assert_int_equal(key_before(world, catalog, "steady.mp4", 1599), 0);
        assert_int_equal(key_before(world, catalog, "steady.mp4", 4000), 3200);
        assert_int_equal(key_before(world, catalog, "late.mkv", 479), -1);
        assert_near(key_before(world, catalog, "late.mkv", 2079), 480, 1);
        assert_near(key_before(world, catalog, "late.mkv", 3000), 2080, 1);
        assert_near(key_before(world, catalog, "intra.avi", 1490), 1000, KEYS_APART_MS); /* as good as the last one */
}

static void INV_MEASURE_005_of_another_file_nothing_is_known(void **state) {
        World *world = *state;
        put_clip(world, "steady.mp4", "steady.mp4");
        g_autoptr(CatalogSnapshot) before = scan_and_load(world);
        assert_int_equal(key_before(world, before, "steady.mp4", 4000), -1); /* not measured yet */
        measure(world);
        assert_int_equal(key_before(world, before, "steady.mp4", 4000), 3200);
        move(world, "steady.mp4", "moved.mp4");
        set_time(world, "moved.mp4", 1000000000);
        g_autoptr(CatalogSnapshot) moved = scan_and_load(world);
        assert_int_equal(key_before(world, moved, "moved.mp4", 4000), 3200);
        put_clip(world, "moved.mp4", "loud.mkv");
        g_autoptr(CatalogSnapshot) replaced = scan_and_load(world);
        assert_int_equal(key_before(world, replaced, "moved.mp4", 4000), -1);
}

/* As those that an earlier version measured. */
static void INV_MEASURE_005_a_file_without_them_is_not_measured_again(void **state) {
        World *world = *state;
        put_clip(world, "steady.mp4", "steady.mp4");
        g_autoptr(CatalogSnapshot) catalog = scan_and_measure(world);
        sql_run(world->store, "DELETE FROM asset_keys");
        measure(world);
        assert_int_equal(world->measured.done, 0);
        assert_int_equal(key_before(world, catalog, "steady.mp4", 4000), -1);
}

static int64_t last_before(const GArray *times_ms, int64_t at_ms) {
        int64_t found_ms = -1;
        for (guint i = 0; i < times_ms->len && g_array_index(times_ms, int64_t, i) <= at_ms; i++)
                found_ms = g_array_index(times_ms, int64_t, i);
        return found_ms;
}

static void INV_MEASURE_005_packed_times_are_found_as_they_were(void **state) {
        g_autoptr(GRand) rand = chance_new();
        for (int round = 0; round < 200; round++) {
                g_autoptr(GArray) times_ms = g_array_new(false, false, sizeof(int64_t));
                int64_t time_ms = 0;
                const int n = g_rand_int_range(rand, 0, 50);
                for (int i = 0; i < n; i++) {
                        g_array_append_val(times_ms, time_ms);
                        time_ms += g_rand_int_range(rand, 0, 1 << g_rand_int_range(rand, 1, 24));
                }
                size_t size = 0;
                g_autofree uint8_t *bytes =
                        keys_pack((const int64_t *)(const void *)times_ms->data, times_ms->len, &size);
                for (int i = 0; i < 50; i++) {
                        const int64_t at_ms = (int64_t)g_rand_double_range(rand, -1, (double)time_ms + 2);
                        assert_int_equal(keys_before(bytes, size, at_ms), last_before(times_ms, at_ms));
                }
        }
}

static void packed_times_may_be_any_bytes(void **state) {
        g_autoptr(GRand) rand = chance_new();
        const int64_t unsorted[] = {0, 3000, 2000, -1, 5000};
        size_t size = 0;
        g_autofree uint8_t *sorted = keys_pack(unsorted, G_N_ELEMENTS(unsorted), &size);
        assert_int_equal(keys_before(sorted, size, 4999), 3000);
        assert_int_equal(keys_before(sorted, size, INT64_MAX), 5000);
        for (int round = 0; round < 2000; round++) {
                uint8_t bytes[40];
                for (size_t i = 0; i < sizeof bytes; i++)
                        bytes[i] = (uint8_t)(g_rand_int(rand) | (round % 2 ? 0x80 : 0));
                const int64_t at_ms = chance_int64(rand);
                const int64_t found_ms = keys_before(bytes, (size_t)g_rand_int_range(rand, 0, sizeof bytes), at_ms);
                assert_true(found_ms >= -1 && found_ms <= MAX(at_ms, -1));
        }
}

/* --- identity ---------------------------------------------------------------------------------------------------- */

static void INV_CATALOG_011_a_file_that_moved_keeps_all_that_is_known_of_it(void **state) {
        World *world = *state;
        put_clip(world, "Show/Show - S01E01.mkv", "quiet.mkv");
        put_clip(world, "Show/Show - S01E02.mkv", "loud.mkv");
        g_autoptr(CatalogSnapshot) first = scan_and_measure(world);
        const Asset *kept = asset_of(world, first, "Show/Show - S01E01.mkv");
        const Asset *retired = asset_of(world, first, "Show/Show - S01E02.mkv");
        CatalogVerdict verdict;
        assert_true(catalog_retire(world->store, retired->id, &verdict, NULL));
        move(world, "Show/Show - S01E01.mkv", "Other/Other - S02E05.mkv");
        set_time(world, "Other/Other - S02E05.mkv", 1000000000); /* as some copy it */
        move(world, "Show/Show - S01E02.mkv", "Show/Renamed - S03E03.mkv");
        g_autoptr(CatalogSnapshot) second = scan_and_measure(world);
        assert_int_equal(second->n_assets, 2);
        assert_int_equal(world->scanned.measured, 0);
        assert_int_equal(world->measured.done, 0);
        const Asset *moved = asset_of(world, second, "Other/Other - S02E05.mkv");
        assert_string_equal(moved->id, kept->id);
        assert_true(asset_eligible(moved));
        assert_true(moved->surveyed);
        assert_int_equal(moved->n_quiet, 2);
        assert_string_equal(moved->series, "Other"); /* what its name says is another matter */
        g_autofree char *renamed = g_build_filename(world->media, "Show/Renamed - S03E03.mkv", NULL);
        assert_string_equal(catalog_snapshot_find(second, retired->id)->uri, renamed);
        assert_int_equal(catalog_snapshot_find(second, retired->id)->state, ASSET_RETIRED);
}

static void INV_CATALOG_011_a_copy_is_another_asset(void **state) {
        World *world = *state;
        put_clip(world, "a.mkv", "loud.mkv");
        g_autoptr(CatalogSnapshot) first = scan_and_load(world);
        put_clip(world, "b.mkv", "loud.mkv");
        g_autoptr(CatalogSnapshot) second = scan_and_load(world);
        assert_int_equal(second->n_assets, 2);
        assert_string_equal(asset_of(world, second, "a.mkv")->id, first->assets[0]->id);
}

/* A new film in the place of the one that moved is not that one. */
static void INV_CATALOG_011_who_takes_the_place_gets_an_id_of_its_own(void **state) {
        World *world = *state;
        put_clip(world, "film.mkv", "loud.mkv");
        g_autoptr(CatalogSnapshot) first = scan_and_load(world);
        move(world, "film.mkv", "old.mkv");
        scan(world);
        put_clip(world, "film.mkv", "quiet.mkv");
        g_autoptr(CatalogSnapshot) second = scan_and_load(world);
        assert_int_equal(second->n_assets, 2);
        assert_string_equal(asset_of(world, second, "old.mkv")->id, first->assets[0]->id);
        const char *id = asset_of(world, second, "film.mkv")->id;
        assert_string_not_equal(id, first->assets[0]->id);
        set_time(world, "film.mkv", 1000000000);
        g_autoptr(CatalogSnapshot) third = scan_and_load(world);
        assert_string_equal(asset_of(world, third, "film.mkv")->id, id);
}

static void INV_CATALOG_011_two_that_change_places_change_nothing_else(void **state) {
        World *world = *state;
        put_clip(world, "a.mkv", "loud.mkv");
        put_clip(world, "b.mkv", "quiet.mkv");
        g_autoptr(CatalogSnapshot) first = scan_and_load(world);
        move(world, "a.mkv", "c.mkv");
        scan(world);
        move(world, "b.mkv", "a.mkv");
        scan(world);
        move(world, "c.mkv", "b.mkv");
        g_autoptr(CatalogSnapshot) second = scan_and_load(world);
        assert_int_equal(second->n_assets, 2);
        assert_string_equal(asset_of(world, second, "a.mkv")->id, asset_of(world, first, "b.mkv")->id);
        assert_string_equal(asset_of(world, second, "b.mkv")->id, asset_of(world, first, "a.mkv")->id);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                IN_WORLD(INV_LOUDNESS_NORMALIZED_001_files_are_brought_to_the_house_loudness),
                IN_WORLD(INV_LOUDNESS_NORMALIZED_001_what_is_not_measured_is_left_as_it_is_and_waits),
                cmocka_unit_test(INV_LOUDNESS_NORMALIZED_001_a_gain_is_bounded_and_never_clips),
                IN_WORLD(INV_ASSET_MARKER_BOUNDS_001_where_it_is_black_and_silent_is_marked),
                IN_WORLD(INV_ASSET_MARKER_BOUNDS_001_no_quiet_point_lies_outside),
                IN_WORLD(INV_ASSET_DURATION_CONTRACTUAL_TRUTH_001_what_cannot_be_decoded_is_not_there),
                IN_WORLD(INV_ASSET_DURATION_CONTRACTUAL_TRUTH_001_padding_of_the_sound_is_not_there),
                IN_WORLD(INV_MEASURE_002_what_cannot_be_decoded_is_refused_until_it_is_another_file),
                IN_WORLD(INV_MEASURE_001_no_file_is_measured_twice),
                IN_WORLD(INV_MEASURE_001_a_run_goes_on_where_the_last_was_ended),
                IN_WORLD(INV_MEASURE_003_a_run_rests_while_it_may_not_work),
                IN_WORLD(a_run_that_rests_can_be_ended),
                IN_WORLD(a_file_that_goes_meanwhile_waits_for_a_scan),
                IN_WORLD(INV_MEASURE_005_key_pictures_are_known_by_asset_time),
                IN_WORLD(INV_MEASURE_005_of_another_file_nothing_is_known),
                IN_WORLD(INV_MEASURE_005_a_file_without_them_is_not_measured_again),
                cmocka_unit_test(INV_MEASURE_005_packed_times_are_found_as_they_were),
                cmocka_unit_test(packed_times_may_be_any_bytes),
                IN_WORLD(INV_CATALOG_011_a_file_that_moved_keeps_all_that_is_known_of_it),
                IN_WORLD(INV_CATALOG_011_a_copy_is_another_asset),
                IN_WORLD(INV_CATALOG_011_who_takes_the_place_gets_an_id_of_its_own),
                IN_WORLD(INV_CATALOG_011_two_that_change_places_change_nothing_else),
        };
        return cmocka_run_group_tests(tests, make_clips, clips_end);
}
