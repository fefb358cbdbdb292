#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/plan/catalog/probe.h"
#include "core/plan/catalog/walk.h"
#include "proto/base/error.h"
#include "proto/base/id.h"
#include "tests/core/clip_fixture.h"
#include "tests/support/chance.h"
#include "tests/support/plex_fixture.h"

#define N_DAMAGED 120

#define PICTURES "-f lavfi -i testsrc2=size=160x120:rate=25:duration=2 "
#define SOUND "-f lavfi -i sine=sample_rate=44100:duration=2 "

static int make_clips(void **state) {
        clips_begin();
        probe_init();
        g_autofree char *chapters = g_build_filename(clips, "chapters.txt", NULL);
        assert_true(g_file_set_contents(chapters,
                                        ";FFMETADATA1\n"
                                        "[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=500\n"
                                        "[CHAPTER]\nTIMEBASE=1/1000\nSTART=500\nEND=1500\n"
                                        "[CHAPTER]\nTIMEBASE=1/1000\nSTART=1500\nEND=2000\n"
                                        "[CHAPTER]\nTIMEBASE=1/1000\nSTART=9000\nEND=9100\n",
                                        -1, NULL));
        g_autofree char *with_chapters =
                g_strdup_printf(PICTURES SOUND "-i %s -map 0:v -map 1:a -map_metadata 2 -map_chapters 2 "
                                               "-c:v mpeg4 -g 5 -c:a mp2 -shortest",
                                chapters);
        ffmpeg("chapters.mkv", with_chapters);
        ffmpeg("both.mp4", PICTURES SOUND "-c:v mpeg4 -c:a aac");
        ffmpeg("silent.avi", PICTURES "-c:v mpeg4");
        ffmpeg("broadcast.ts", PICTURES SOUND "-c:v mpeg2video -c:a mp2");
        ffmpeg("sound.mkv", SOUND "-c:a mp2");
        ffmpeg("wide.mkv", "-f lavfi -i testsrc2=size=8200x16:rate=5:duration=1 -c:v ffv1");
        return 0;
}

/* --- files ------------------------------------------------------------------------------------------------------- */

static void put_text(const World *world, const char *name, const char *text) {
        put_bytes(world, name, text, strlen(text));
}

/* The first percent of a clip. */
static void put_part(const World *world, const char *name, const char *clip, size_t percent) {
        size_t size = 0;
        g_autofree char *data = clip_bytes(clip, &size);
        put_bytes(world, name, data, size * percent / 100);
}

/* Moves the time of its last change a day on. */
static void touch(const World *world, const char *name) {
        g_autofree char *path = media_path(world, name);
        struct stat st;
        assert_int_equal(stat(path, &st), 0);
        const struct timespec times[2] = {st.st_atim, {st.st_mtim.tv_sec + 86400, 0}};
        assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

/* --- scans ------------------------------------------------------------------------------------------------------- */

static CatalogSnapshot *scan_with_and_load(World *world, const CatalogScanOptions *options) {
        scan_with(world, options);
        return load(world);
}

/* --- tests ------------------------------------------------------------------------------------------------------- */

static void a_file_is_measured(void **state) {
        World *world = *state;
        put_clip(world, "Show/Season 1/Show - S01E02 - Title.mp4", "both.mp4");
        g_autoptr(CatalogSnapshot) snapshot = scan_and_load(world);
        assert_int_equal(snapshot->n_assets, 1);
        const Asset *asset = snapshot->assets[0];
        assert_true(asset_eligible(asset));
        assert_int_equal(asset->kind, ASSET_EPISODE);
        assert_string_equal(asset->series, "Show");
        assert_int_equal(asset->width, 160);
        assert_int_equal(asset->height, 120);
        assert_int_equal(asset->rate.num, 25);
        assert_int_equal(asset->rate.den, 1);
        assert_true(asset->has_video && asset->has_audio);
        assert_string_equal(asset->video_codec, "mpeg4");
        assert_string_equal(asset->audio_codec, "aac");
        assert_near(asset->duration_ms, 2000, 50);
        assert_true(asset->added_utc_ms == NOW_UTC_MS);
        assert_ptr_equal(catalog_snapshot_find(snapshot, asset->id), asset);
        assert_int_equal(world->scanned.found, 1);
        assert_int_equal(world->scanned.measured, 1);
        assert_int_equal(world->scanned.to_measure, 0);
        assert_true(world->n_changed >= 1);
}

static void INV_ASSET_CANONICAL_KEY_FORMAT_001_a_file_has_one_identity_for_ever(void **state) {
        World *world = *state;
        put_clip(world, "a.avi", "silent.avi");
        g_autoptr(CatalogSnapshot) first = scan_and_load(world);
        assert_true(rv_uuid_valid(first->assets[0]->id));
        sqlite3_stmt *query = store_query(world->store, NULL, "SELECT canonical_key FROM asset", "");
        assert_true(store_row(world->store, query, NULL));
        assert_true(g_regex_match_simple("^[0-9a-f]{64}$", store_text(query, 0), 0, 0));
        store_reset(query);
        assert_true(store_run(world->store, NULL, "DELETE FROM asset", ""));
        touch(world, "a.avi");
        g_autoptr(CatalogSnapshot) again = scan_and_load(world);
        assert_string_equal(again->assets[0]->id, first->assets[0]->id);
}

static void INV_CATALOG_001_links_neither_loop_nor_double(void **state) {
        World *world = *state;
        put_clip(world, "a/x.avi", "silent.avi");
        put_clip(world, "b/y.avi", "silent.avi");
        g_autofree char *loop = media_path(world, "a/loop"), *twin = media_path(world, "twin");
        assert_int_equal(symlink("..", loop), 0);
        assert_int_equal(symlink("b", twin), 0);
        g_autofree char *inner = g_build_filename(world->media, "b", NULL);
        const char *const folders[] = {world->media, inner, world->media, NULL};
        const CatalogScanOptions o = scan_options(world, folders);
        g_autoptr(CatalogSnapshot) snapshot = scan_with_and_load(world, &o);
        assert_int_equal(snapshot->n_assets, 2);
        assert_int_equal(world->scanned.found, 2);
}

static void INV_CATALOG_001_folders_nest_to_a_bound(void **state) {
        World *world = *state;
        g_autoptr(GString) name = g_string_new(NULL);
        for (int i = 0; i < 40; i++)
                g_string_append(name, "d/");
        g_string_append(name, "x.avi");
        put_clip(world, name->str, "silent.avi");
        g_autoptr(Walk) walk = walk_new();
        const char *const roots[] = {world->media, NULL};
        atomic_bool stop = false;
        walk_folders(walk, roots, &stop);
        assert_int_equal(walk->files->len, 0);
        assert_int_equal(walk->unread->len, 1);
}

static void INV_CATALOG_002_an_unchanged_file_is_not_opened_again(void **state) {
        World *world = *state;
        put_clip(world, "Show/1.avi", "silent.avi");
        put_clip(world, "Show/2.mp4", "both.mp4");
        put_text(world, "Show/3.mkv", "no film");
        g_autoptr(CatalogSnapshot) first = scan_and_load(world);
        g_autoptr(CatalogSnapshot) second = scan_and_load(world);
        assert_int_equal(world->scanned.unchanged, 3);
        assert_int_equal(world->scanned.measured, 0);
        assert_int_equal(world->scanned.refused, 1);
        assert_int_equal(world->n_changed, 0);
        assert_int_equal(second->revision, first->revision);
        assert_int_equal(second->n_assets, 3);
}

static void INV_CATALOG_002_a_sidecar_is_read_without_measuring(void **state) {
        World *world = *state;
        put_clip(world, "Show/1.avi", "silent.avi");
        g_autoptr(CatalogSnapshot) first = scan_and_load(world);
        put_text(world, "Show/1.nfo", "<episodedetails><title>Named</title></episodedetails>");
        g_autoptr(CatalogSnapshot) second = scan_and_load(world);
        assert_int_equal(world->scanned.unchanged, 1);
        assert_int_equal(world->scanned.measured, 0);
        assert_string_equal(second->assets[0]->title, "Named");
        assert_int_equal(second->assets[0]->duration_ms, first->assets[0]->duration_ms);
        assert_true(asset_eligible(second->assets[0]));
        assert_true(second->revision > first->revision);
}

static void INV_ASSET_REPROBE_RESETS_APPROVAL_001_a_changed_file_is_measured_anew(void **state) {
        World *world = *state;
        put_clip(world, "a.mkv", "chapters.mkv");
        g_autoptr(CatalogSnapshot) first = scan_and_load(world);
        assert_int_equal(first->assets[0]->n_chapters, 2);
        put_text(world, "a.mkv", "replaced by something that is no film");
        g_autoptr(CatalogSnapshot) second = scan_and_load(world);
        const Asset *asset = second->assets[0];
        assert_string_equal(asset->id, first->assets[0]->id);
        assert_int_equal(asset->state, ASSET_REFUSED);
        assert_false(asset->approved);
        assert_int_equal(asset->n_chapters, 0);
        assert_int_equal(asset->duration_ms, 0);
        put_clip(world, "a.mkv", "silent.avi");
        g_autoptr(CatalogSnapshot) third = scan_and_load(world);
        assert_true(asset_eligible(third->assets[0]));
        assert_null(third->assets[0]->reason);
        assert_int_equal(third->assets[0]->n_chapters, 0);
}

static void INV_ASSET_STATE_MACHINE_001_from_new_to_ready_and_back(void **state) {
        World *world = *state;
        put_clip(world, "a.avi", "silent.avi");
        const char *const folders[] = {world->media, NULL};
        const CatalogScanOptions o = scan_options(world, folders);
        g_autoptr(CatalogSnapshot) first = scan_and_load(world);
        assert_int_equal(first->assets[0]->state, ASSET_READY);
        /* As a scan leaves it that was stopped before the file was measured. */
        assert_true(store_run(world->store, NULL, "UPDATE asset SET state = 1, approved = 0", ""));
        g_autoptr(CatalogSnapshot) interrupted = load(world);
        assert_false(asset_eligible(interrupted->assets[0]));
        g_autoptr(CatalogSnapshot) resumed = scan_with_and_load(world, &o);
        assert_int_equal(resumed->assets[0]->state, ASSET_READY);
        assert_int_equal(world->scanned.measured, 1);
        /* While it waits to be measured again, whoever asks then. */
        assert_true(store_run(world->store, NULL, "CREATE TABLE was_new (id TEXT)", ""));
        assert_true(store_run(world->store, NULL,
                              "CREATE TRIGGER seen AFTER UPDATE ON asset WHEN new.state = 1 AND new.approved = 0 "
                              "BEGIN INSERT INTO was_new VALUES (new.id); END",
                              ""));
        touch(world, "a.avi");
        g_autoptr(CatalogSnapshot) again = scan_with_and_load(world, &o);
        assert_int_equal(again->assets[0]->state, ASSET_READY);
        sqlite3_stmt *seen = store_query(world->store, NULL, "SELECT count(*) FROM was_new", "");
        assert_true(store_row(world->store, seen, NULL) && store_int(seen, 0) == 1);
        store_reset(seen);
        assert_true(store_run(world->store, NULL, "UPDATE asset SET state = 5, approved = 0", ""));
        touch(world, "a.avi");
        g_autoptr(CatalogSnapshot) retired = scan_with_and_load(world, &o);
        assert_int_equal(retired->assets[0]->state, ASSET_RETIRED);
}

static void refused_rows(const World *world, const char *sql) {
        g_autoptr(GError) error = NULL;
        assert_false(store_run(world->store, &error, sql, ""));
        assert_non_null(error);
}

static void INV_ASSET_DURATION_REQUIRED_FOR_READY_001_the_store_holds_no_other(void **state) {
        World *world = *state;
        put_clip(world, "a.avi", "silent.avi");
        g_autoptr(CatalogSnapshot) snapshot = scan_and_load(world);
        assert_true(snapshot->assets[0]->duration_ms > 0);
        refused_rows(world, "UPDATE asset SET duration_ms = 0");
}

static void INV_ASSET_APPROVED_IMPLIES_READY_001_the_store_holds_no_other(void **state) {
        World *world = *state;
        put_clip(world, "a.avi", "silent.avi");
        g_autoptr(CatalogSnapshot) snapshot = scan_and_load(world);
        assert_true(snapshot->assets[0]->approved);
        refused_rows(world, "UPDATE asset SET state = 1");
        refused_rows(world, "UPDATE asset SET state = 3");
}

static void INV_CATALOG_004_every_file_is_an_asset_or_has_a_reason(void **state) {
        World *world = *state;
        put_clip(world, "good.ts", "broadcast.ts");
        put_clip(world, "sound.mkv", "sound.mkv");
        put_text(world, "empty.mkv", "");
        put_text(world, "text.mkv", "this is a text\n");
        put_part(world, "cut.mp4", "both.mp4", 50);
        put_clip(world, "wide.mkv", "wide.mkv");
        put_text(world, "ignored.txt", "text");
        put_text(world, ".hidden.mkv", "hidden");
        put_text(world, "name\xe9.mkv", "a name in Latin 1");
        g_autofree char *fifo = media_path(world, "fifo.avi"), *dangling = media_path(world, "dangling.mp4");
        assert_int_equal(mkfifo(fifo, 0644), 0);
        assert_int_equal(symlink("/nowhere/at/all", dangling), 0);
        g_autoptr(CatalogSnapshot) snapshot = scan_and_load(world);
        assert_int_equal(snapshot->n_assets, 9);
        for (uint32_t i = 0; i < snapshot->n_assets; i++) {
                const Asset *asset = snapshot->assets[i];
                assert_true(asset->state == ASSET_READY || asset->state == ASSET_REFUSED);
                assert_int_equal(asset->reason != NULL, asset->state == ASSET_REFUSED);
                assert_true(!asset->reason || g_str_has_suffix(asset->reason, "."));
                assert_true(g_utf8_validate(asset->uri, -1, NULL));
        }
        assert_int_equal(asset_of(world, snapshot, "good.ts")->state, ASSET_READY);
        assert_string_equal(asset_of(world, snapshot, "sound.mkv")->reason, "It has no pictures, only sound.");
        assert_string_equal(asset_of(world, snapshot, "empty.mkv")->reason, "The file is empty.");
        assert_string_equal(asset_of(world, snapshot, "fifo.avi")->reason, "It is not a regular file.");
        assert_non_null(strstr(asset_of(world, snapshot, "text.mkv")->reason, "not a video file"));
        assert_non_null(strstr(asset_of(world, snapshot, "dangling.mp4")->reason, "link to a file"));
        assert_non_null(strstr(asset_of(world, snapshot, "wide.mkv")->reason, "too large"));
        assert_int_equal(world->scanned.refused, 8);
        assert_int_equal(world->scanned.measured, 1);
}

static void INV_CATALOG_005_what_is_gone_is_missing_and_comes_back_as_it_was(void **state) {
        World *world = *state;
        put_clip(world, "Show/1.mkv", "chapters.mkv");
        put_clip(world, "Show/2.avi", "silent.avi");
        g_autoptr(CatalogSnapshot) first = scan_and_load(world);
        g_autofree char *media = g_build_filename(world->media, "Show", NULL);
        g_autofree char *away = g_build_filename(world->dir, "away", NULL);
        assert_int_equal(g_rename(media, away), 0);
        g_autoptr(CatalogSnapshot) second = scan_and_load(world);
        assert_int_equal(second->n_assets, 2);
        for (uint32_t i = 0; i < 2; i++) {
                assert_int_equal(second->assets[i]->state, ASSET_MISSING);
                assert_non_null(second->assets[i]->reason);
                assert_false(asset_eligible(second->assets[i]));
        }
        assert_int_equal(world->scanned.missing, 2);
        assert_int_equal(g_rename(away, media), 0);
        g_autoptr(CatalogSnapshot) third = scan_and_load(world);
        assert_int_equal(world->scanned.measured, 0);
        assert_int_equal(third->assets[0]->duration_ms, first->assets[0]->duration_ms);
        assert_int_equal(asset_of(world, third, "Show/1.mkv")->n_chapters, 2);
        assert_true(asset_eligible(third->assets[0]) && asset_eligible(third->assets[1]));
        remove_file(world, "Show/2.avi");
        g_autoptr(CatalogSnapshot) fourth = scan_and_load(world);
        assert_int_equal(asset_of(world, fourth, "Show/2.avi")->state, ASSET_MISSING);
        assert_int_equal(asset_of(world, fourth, "Show/1.mkv")->state, ASSET_READY);
}

static void INV_CATALOG_005_an_absent_folder_changes_nothing(void **state) {
        World *world = *state;
        put_clip(world, "a.avi", "silent.avi");
        g_autoptr(CatalogSnapshot) first = scan_and_load(world);
        g_autofree char *away = g_build_filename(world->dir, "away", NULL);
        assert_int_equal(g_rename(world->media, away), 0);
        const char *const folders[] = {world->media, NULL};
        const CatalogScanOptions o = scan_options(world, folders);
        g_autoptr(GError) error = NULL;
        assert_null(catalog_scan_start(&o, &error));
        assert_int_equal(error->code, RV_ERROR_IO);
        assert_non_null(strstr(error->message, world->media));
        g_autoptr(CatalogSnapshot) second = load(world);
        assert_true(asset_eligible(second->assets[0]));
}

static void INV_CATALOG_005_other_folders_are_left_alone_unless_all_are_named(void **state) {
        World *world = *state;
        put_clip(world, "a/x.avi", "silent.avi");
        put_clip(world, "b/y.avi", "silent.avi");
        g_autoptr(CatalogSnapshot) first = scan_and_load(world);
        g_autofree char *a = g_build_filename(world->media, "a", NULL);
        const char *const folders[] = {a, NULL};
        CatalogScanOptions o = scan_options(world, folders);
        g_autoptr(CatalogSnapshot) second = scan_with_and_load(world, &o);
        assert_true(asset_eligible(asset_of(world, second, "b/y.avi")));
        o.whole_library = true;
        g_autoptr(CatalogSnapshot) third = scan_with_and_load(world, &o);
        assert_int_equal(asset_of(world, third, "b/y.avi")->state, ASSET_MISSING);
        assert_true(asset_eligible(asset_of(world, third, "a/x.avi")));
}

static Asset *probe(const World *world, const char *name, ProbeResult *ret_result) {
        Asset *asset = asset_new();
        asset->uri = g_build_filename(world->media, name, NULL);
        atomic_bool stop = false;
        *ret_result = probe_file(asset, rv_clock_system(), &stop);
        return asset;
}

static void INV_ASSET_DURATION_CONTRACTUAL_TRUTH_001_a_header_is_not_believed(void **state) {
        World *world = *state;
        static const char *const names[] = {"chapters.mkv", "silent.avi", "broadcast.ts"};
        for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
                ProbeResult result;
                put_clip(world, "whole", names[i]);
                Asset *whole = probe(world, "whole", &result);
                assert_int_equal(result, PROBE_OK);
                assert_near(whole->duration_ms, 2000, 60);
                put_part(world, "half", names[i], 50);
                Asset *half = probe(world, "half", &result);
                assert_int_equal(result, PROBE_OK);
                if (half->duration_ms < 500 || half->duration_ms > 1700)
                        fail_msg("half of %s: %d ms", names[i], (int)half->duration_ms);
                asset_free(whole);
                asset_free(half);
        }
}

/* 60 s of raw pictures: large enough that only the end is read. Cut, its index is gone or wrong. */
static void INV_ASSET_DURATION_CONTRACTUAL_TRUTH_001_a_large_file_too(void **state) {
        World *world = *state;
        ffmpeg("large.nut", "-f lavfi -i testsrc2=size=160x120:rate=24:duration=60 -c:v rawvideo -pix_fmt yuv420p");
        ffmpeg("large.mkv", "-f lavfi -i testsrc2=size=160x120:rate=24:duration=60 -c:v rawvideo -pix_fmt yuv420p");
        static const char *const names[] = {"large.nut", "large.mkv"};
        for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
                ProbeResult result;
                put_clip(world, "whole", names[i]);
                Asset *whole = probe(world, "whole", &result);
                assert_int_equal(result, PROBE_OK);
                assert_near(whole->duration_ms, 60000, 45);
                put_part(world, "most", names[i], 90);
                Asset *most = probe(world, "most", &result);
                assert_int_equal(result, PROBE_OK);
                assert_near(most->duration_ms, 54000, 200);
                asset_free(whole);
                asset_free(most);
                remove_file(world, "whole");
                remove_file(world, "most");
        }
}

/* Two recordings in one file, the second an hour on by its timestamps. */
static void INV_ASSET_DURATION_CONTRACTUAL_TRUTH_001_a_leap_is_no_length(void **state) {
        World *world = *state;
        ffmpeg("later.ts", PICTURES SOUND "-c:v mpeg2video -c:a mp2 -output_ts_offset 3600");
        size_t size = 0, size_later = 0;
        g_autofree char *first = clip_bytes("broadcast.ts", &size), *later = clip_bytes("later.ts", &size_later);
        first = g_realloc(first, size + size_later);
        memcpy(first + size, later, size_later);
        put_bytes(world, "leap.ts", first, size + size_later);
        ProbeResult result;
        Asset *asset = probe(world, "leap.ts", &result);
        assert_int_equal(result, PROBE_OK);
        assert_near(asset->duration_ms, 2000, 60);
        asset_free(asset);
}

static void INV_ASSET_MARKER_BOUNDS_001_chapters_lie_inside(void **state) {
        World *world = *state;
        put_clip(world, "a.mkv", "chapters.mkv");
        g_autoptr(CatalogSnapshot) snapshot = scan_and_load(world);
        const Asset *asset = snapshot->assets[0];
        assert_int_equal(asset->n_chapters, 2);
        assert_int_equal(asset->chapter_ms[0], 500);
        assert_int_equal(asset->chapter_ms[1], 1500);
        assert_true(asset->chapter_ms[1] < asset->duration_ms);
        refused_rows(world, "UPDATE asset_marker SET at_ms = 0 WHERE at_ms = 500");
}

static void INV_CATALOG_003_a_file_cannot_make_us_open_another(void **state) {
        World *world = *state;
        put_clip(world, "good.ts", "broadcast.ts");
        put_text(world, "list.ts", "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\ngood.ts\n#EXT-X-ENDLIST\n");
        put_text(world, "concat.mkv", "ffconcat version 1.0\nfile 'good.ts'\n");
        put_text(world, "net.mkv", "http://127.0.0.1:9/x.mkv\n");
        static const char *const names[] = {"list.ts", "concat.mkv", "net.mkv"};
        for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
                ProbeResult result;
                Asset *asset = probe(world, names[i], &result);
                assert_int_equal(result, PROBE_REFUSED);
                asset_free(asset);
        }
}

static void INV_CATALOG_003_a_probe_can_be_stopped_and_retried(void **state) {
        World *world = *state;
        put_clip(world, "a.mkv", "chapters.mkv");
        Asset *asset = asset_new();
        asset->uri = g_build_filename(world->media, "a.mkv", NULL);
        atomic_bool stop = true;
        assert_int_equal(probe_file(asset, world->clock, &stop), PROBE_STOPPED);
        stop = false;
        assert_int_equal(probe_file(asset, world->clock, &stop), PROBE_OK);
        g_free(asset->uri);
        asset->uri = g_build_filename(world->media, "nowhere.mkv", NULL);
        assert_int_equal(probe_file(asset, world->clock, &stop), PROBE_RETRY);
        assert_int_equal(asset->duration_ms, 0);
        assert_non_null(asset->reason);
        asset_free(asset);
}

/* A picture that is damaged anywhere: a measured asset, or a reason. */
static void INV_CATALOG_003_damage_never_breaks_the_probe(void **state) {
        World *world = *state;
        static const char *const names[] = {"chapters.mkv", "both.mp4", "silent.avi", "broadcast.ts"};
        GRand *rand = chance_new();
        for (int i = 0; i < N_DAMAGED; i++) {
                size_t size = 0;
                g_autofree char *data = clip_bytes(names[i % 4], &size);
                const int span = i % 8 < 4 ? MIN(1024, (int)size) : (int)size;
                for (int n = g_rand_int_range(rand, 1, 40); n > 0; n--)
                        data[g_rand_int_range(rand, 0, span)] = (char)g_rand_int_range(rand, 0, 256);
                put_bytes(world, "x.mkv", data, size);
                ProbeResult result;
                Asset *asset = probe(world, "x.mkv", &result);
                if (result == PROBE_OK)
                        assert_true(asset->duration_ms > 0 && asset->width > 0 && asset->rate.den > 0);
                else
                        assert_true(asset->duration_ms == 0 && asset->reason != NULL);
                for (uint32_t c = 0; c < asset->n_chapters; c++)
                        assert_true(asset->chapter_ms[c] > 0 && asset->chapter_ms[c] < asset->duration_ms);
                asset_free(asset);
        }
        g_rand_free(rand);
}

static void a_scan_that_is_cut_short_is_completed_by_the_next(void **state) {
        World *world = *state;
        for (int i = 0; i < 40; i++) {
                g_autofree char *name = g_strdup_printf("Show/%d.mkv", i);
                put_clip(world, name, "chapters.mkv");
        }
        const char *const folders[] = {world->media, NULL};
        const CatalogScanOptions o = scan_options(world, folders);
        for (int i = 0; i < 3; i++) {
                CatalogScan *scan = catalog_scan_start(&o, NULL);
                assert_non_null(scan);
                for (int n = 0; n < i; n++)
                        g_main_context_iteration(world->context, TRUE);
                catalog_scan_free(scan);
        }
        g_autoptr(CatalogSnapshot) snapshot = scan_and_load(world);
        assert_int_equal(snapshot->n_assets, 40);
        for (uint32_t i = 0; i < snapshot->n_assets; i++)
                assert_true(asset_eligible(snapshot->assets[i]));
        for (int i = 0; i < 40; i++) {
                g_autofree char *name = g_strdup_printf("Show/%d.mkv", i);
                assert_int_equal(asset_of(world, snapshot, name)->episode, i + 1);
        }
}

static void a_database_that_cannot_be_written_ends_the_scan_with_a_reason(void **state) {
        World *world = *state;
        put_clip(world, "a.avi", "silent.avi");
        const char *const folders[] = {world->media, NULL};
        CatalogScanOptions o = scan_options(world, folders);
        o.store_path = "/nowhere/retrovue.db";
        g_autoptr(CatalogSnapshot) snapshot = scan_with_and_load(world, &o);
        assert_non_null(strstr(world->scanned.fault, "/nowhere/retrovue.db"));
        assert_int_equal(snapshot->n_assets, 0);
}

static void episodes_are_known_by_a_readable_alias(void **state) {
        World *world = *state;
        put_clip(world, "Night Owls/Season 1/02 - Title.avi", "silent.avi");
        g_autoptr(CatalogSnapshot) snapshot = scan_and_load(world);
        sqlite3_stmt *query = store_query(world->store, NULL, "SELECT asset_id FROM asset_alias WHERE alias = ?", "s",
                                          "asset.night-owls.s01e02");
        assert_true(store_row(world->store, query, NULL));
        assert_string_equal(store_text(query, 0), snapshot->assets[0]->id);
        store_reset(query);
}

/* --- imported libraries ------------------------------------------------------------------------------------------ */

static void make_library(World *world, const char *name, const char *title) {
        g_autofree char *path = media_path(world, name);
        PlexFixture *plex = plex_fixture_new(world->library, PLEX_TODAY);
        const int64_t movies = plex_fixture_section(plex, "Movies", 1, world->media);
        plex_fixture_file(plex, plex_fixture_movie(plex, movies, title, 1984), path, 160);
        plex_fixture_close(plex);
}

static void import_film(World *world, const char *name, const char *title) {
        make_library(world, name, title);
        import(world);
}

/* The library says two and twenty minutes of a file of two seconds. */
static void an_imported_file_is_measured_by_the_next_scan(void **state) {
        World *world = *state;
        const char *const folders[] = {NULL};
        const CatalogScanOptions o = scan_options(world, folders);
        put_clip(world, "both.mp4", "both.mp4");
        import_film(world, "both.mp4", "The Ark");
        g_autoptr(CatalogSnapshot) snapshot = scan_with_and_load(world, &o);
        assert_int_equal(world->scanned.found, 1);
        assert_int_equal(world->scanned.measured, 1);
        const Asset *film = asset_of(world, snapshot, "both.mp4");
        assert_true(asset_eligible(film));
        assert_string_equal(film->title, "The Ark");
        assert_near(film->duration_ms, 2000, 50);
        g_autoptr(CatalogSnapshot) again = scan_with_and_load(world, &o);
        assert_int_equal(world->scanned.unchanged, 1);
        assert_int_equal(again->revision, snapshot->revision);
}

static void INV_CATALOG_005_a_source_that_cannot_be_read_stops_no_other(void **state) {
        World *world = *state;
        put_clip(world, "both.mp4", "both.mp4");
        put_clip(world, "Show/1.avi", "silent.avi");
        make_library(world, "both.mp4", "The Ark");
        char *none[] = {NULL};
        const ConfigSource absent = {(char[]){"jellyfin"}, (char[]){"/nowhere/library.db"}, none, none};
        const ConfigSource there = {(char[]){"plex"}, world->library, none, none};
        const ConfigSource *const sources[] = {&absent, &there, NULL};
        const char *const folders[] = {world->media, NULL};
        CatalogScanOptions o = scan_options(world, folders);
        o.sources = sources;
        g_autoptr(CatalogSnapshot) snapshot = scan_with_and_load(world, &o);
        assert_non_null(strstr(world->scanned.fault, "/nowhere/library.db cannot be read"));
        assert_int_equal(world->scanned.measured, 2);
        assert_string_equal(asset_of(world, snapshot, "both.mp4")->title, "The Ark");
        assert_true(asset_eligible(asset_of(world, snapshot, "Show/1.avi")));
}

static void what_a_library_says_is_not_undone_by_its_folders_scan(void **state) {
        World *world = *state;
        put_clip(world, "Show/1.avi", "silent.avi");
        g_autoptr(CatalogSnapshot) before = scan_and_load(world);
        assert_string_equal(asset_of(world, before, "Show/1.avi")->source, "folder");
        import_film(world, "Show/1.avi", "The Ark");
        g_autoptr(CatalogSnapshot) after = scan_and_load(world);
        assert_int_equal(world->scanned.unchanged, 1);
        assert_string_equal(after->assets[0]->title, "The Ark");
        assert_string_equal(after->assets[0]->source, "plex");
        assert_string_equal(after->assets[0]->id, before->assets[0]->id);
        touch(world, "Show/1.avi");
        g_autoptr(CatalogSnapshot) changed = scan_and_load(world);
        assert_int_equal(world->scanned.measured, 1);
        assert_string_equal(changed->assets[0]->title, "The Ark");
}

static void INV_CATALOG_009_a_scan_looks_for_imported_files_where_they_are(void **state) {
        World *world = *state;
        put_clip(world, "1.avi", "silent.avi");
        import_film(world, "1.avi", "The Ark");
        const char *const folders[] = {NULL};
        CatalogScanOptions o = scan_options(world, folders);
        o.whole_library = true;
        g_autoptr(CatalogSnapshot) there = scan_with_and_load(world, &o);
        assert_true(asset_eligible(there->assets[0]));
        g_autofree char *path = media_path(world, "1.avi"), *away = media_path(world, "away");
        assert_int_equal(g_rename(path, away), 0);
        g_autoptr(CatalogSnapshot) gone = scan_with_and_load(world, &o);
        assert_int_equal(gone->assets[0]->state, ASSET_MISSING);
        assert_int_equal(g_rename(away, path), 0);
        g_autoptr(CatalogSnapshot) back = scan_with_and_load(world, &o);
        assert_int_equal(world->scanned.unchanged, 1);
        assert_true(asset_eligible(back->assets[0]));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                IN_WORLD(a_file_is_measured),
                IN_WORLD(INV_ASSET_CANONICAL_KEY_FORMAT_001_a_file_has_one_identity_for_ever),
                IN_WORLD(INV_CATALOG_001_links_neither_loop_nor_double),
                IN_WORLD(INV_CATALOG_001_folders_nest_to_a_bound),
                IN_WORLD(INV_CATALOG_002_an_unchanged_file_is_not_opened_again),
                IN_WORLD(INV_CATALOG_002_a_sidecar_is_read_without_measuring),
                IN_WORLD(INV_ASSET_REPROBE_RESETS_APPROVAL_001_a_changed_file_is_measured_anew),
                IN_WORLD(INV_ASSET_STATE_MACHINE_001_from_new_to_ready_and_back),
                IN_WORLD(INV_ASSET_DURATION_REQUIRED_FOR_READY_001_the_store_holds_no_other),
                IN_WORLD(INV_ASSET_APPROVED_IMPLIES_READY_001_the_store_holds_no_other),
                IN_WORLD(INV_CATALOG_004_every_file_is_an_asset_or_has_a_reason),
                IN_WORLD(INV_CATALOG_005_what_is_gone_is_missing_and_comes_back_as_it_was),
                IN_WORLD(INV_CATALOG_005_an_absent_folder_changes_nothing),
                IN_WORLD(INV_CATALOG_005_other_folders_are_left_alone_unless_all_are_named),
                IN_WORLD(INV_ASSET_DURATION_CONTRACTUAL_TRUTH_001_a_header_is_not_believed),
                IN_WORLD(INV_ASSET_DURATION_CONTRACTUAL_TRUTH_001_a_large_file_too),
                IN_WORLD(INV_ASSET_DURATION_CONTRACTUAL_TRUTH_001_a_leap_is_no_length),
                IN_WORLD(INV_ASSET_MARKER_BOUNDS_001_chapters_lie_inside),
                IN_WORLD(INV_CATALOG_003_a_file_cannot_make_us_open_another),
                IN_WORLD(INV_CATALOG_003_a_probe_can_be_stopped_and_retried),
                IN_WORLD(INV_CATALOG_003_damage_never_breaks_the_probe),
                IN_WORLD(a_scan_that_is_cut_short_is_completed_by_the_next),
                IN_WORLD(a_database_that_cannot_be_written_ends_the_scan_with_a_reason),
                IN_WORLD(an_imported_file_is_measured_by_the_next_scan),
                IN_WORLD(INV_CATALOG_005_a_source_that_cannot_be_read_stops_no_other),
                IN_WORLD(what_a_library_says_is_not_undone_by_its_folders_scan),
                IN_WORLD(INV_CATALOG_009_a_scan_looks_for_imported_files_where_they_are),
                IN_WORLD(episodes_are_known_by_a_readable_alias),
        };
        return cmocka_run_group_tests(tests, make_clips, clips_end);
}
