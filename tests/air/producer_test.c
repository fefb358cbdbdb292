/* Producers as their users know them: threads, the ring, and material of all sorts of badness. */
#include "air/producer/producer.h"

#include <dirent.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/air/producer_rig.h"
#include "tests/support/chance.h"
#include "tests/support/temp_dir.h"

#define RING 8

static Producer *start_early(const RigSpec *spec, uint32_t early_cells) {
        g_autoptr(BlockPlan) block = rig_block(spec);
        const ProducerOptions options = {
                .format = rig_format(spec),
                .block = block,
                .start_tick = spec->start_tick,
                .end_tick = spec->start_tick + rv_tick_at_ms(spec->duration_ms, rig_format(spec).rate),
                .ring_cells = RING,
                .early_cells = early_cells,
        };
        return producer_new(&options);
}

static Producer *start(const RigSpec *spec) {
        return start_early(spec, 0);
}

/* Let go of, a thread ends soon unless it is stuck: then this hangs, and the test's time limit says so. */
static void await_no_threads(void) {
        while (producer_stuck_threads() > 0)
                g_thread_yield();
}

static void check_black(const Cell *cell, int64_t tick) {
        assert_int_equal(cell->tick, tick);
        assert_int_equal(cell->kind, CELL_BLACK);
        assert_int_equal(cell->source_frame, -1);
        const uint8_t *luma = picture_data(cell->picture);
        for (size_t i = 0; i < picture_size(cell->picture); i += 97)
                assert_in_range(luma[i], 16, 128);
        assert_int_equal(luma[0], 16);
        for (uint32_t i = 0; i < 2 * cell->n_samples; i++)
                assert_true(cell->samples[i] == 0);
}

static void count(void *user) {
        ++*(int *)user;
}

/* ---- pad, the end of material ------------------------------------------------------------------------------- */

static void INV_PRODUCER_010_pad_is_black_and_silent_from_the_first_tick(void **state) {
        const RigSpec spec = {.duration_ms = 2000, .start_tick = 7};
        g_autoptr(Producer) pad = start(&spec);
        int called = 0;
        producer_on_ready(pad, count, &called);
        assert_int_equal(called, 1);
        assert_int_equal(producer_state(pad), PRODUCER_READY);
        const Cell *cell;
        assert_false(producer_take(pad, 6, &cell));
        static const uint32_t cadence[] = {1601, 1602, 1601, 1602, 1602};
        for (int64_t tick = 7; tick < 67; tick++) {
                assert_true(producer_take(pad, tick, &cell));
                check_black(cell, tick);
                assert_int_equal(cell->n_samples, cadence[tick % 5]);
        }
        assert_false(producer_take(pad, 67, &cell));
}

static void INV_PRODUCER_010_black_from_the_end_of_material_to_the_end_of_the_segment(void **state) {
        g_autofree char *path = rig_clip("silent.mp4");
        const RigSpec spec = {.path = path, .offset_ms = 7007, .duration_ms = 3000, .start_tick = 100};
        g_autoptr(Producer) producer = start(&spec); /* 30 pictures are left of 240 */
        for (int64_t tick = 100; tick < 190; tick++) {
                const Cell *cell;
                producer_wait(producer, tick);
                assert_true(producer_take(producer, tick, &cell));
                if (tick < 130) {
                        assert_int_equal(cell->kind, CELL_CONTENT);
                        assert_int_equal(cell->source_frame, 110 + tick);
                } else {
                        check_black(cell, tick);
                }
        }
        assert_int_equal(producer_state(producer), PRODUCER_OVER);
        assert_string_equal(producer_result(producer).reason, "");
        const Cell *cell;
        assert_false(producer_take(producer, 190, &cell));
}

/* ---- ready, late, free -------------------------------------------------------------------------------------- */

typedef struct {
        pthread_mutex_t lock;
        pthread_cond_t changed;
        int calls;
} Ready;

static void note_ready(void *user) {
        Ready *ready = user;
        pthread_mutex_lock(&ready->lock);
        ready->calls++;
        pthread_cond_signal(&ready->changed);
        pthread_mutex_unlock(&ready->lock);
}

static void tells_once_when_it_is_ready(void **state) {
        g_autofree char *path = rig_clip("r2997.mp4");
        const RigSpec spec = {.path = path, .duration_ms = 8000};
        Ready ready = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
        g_autoptr(Producer) producer = start(&spec);
        producer_on_ready(producer, note_ready, &ready);
        pthread_mutex_lock(&ready.lock);
        while (ready.calls == 0)
                pthread_cond_wait(&ready.changed, &ready.lock);
        pthread_mutex_unlock(&ready.lock);
        assert_int_equal(producer_state(producer), PRODUCER_READY);
        for (int64_t tick = 0; tick < 240; tick++) {
                const Cell *cell;
                producer_wait(producer, tick);
                assert_true(producer_take(producer, tick, &cell));
                assert_int_equal(cell->source_frame, tick);
        }
        g_clear_pointer(&producer, producer_free);
        await_no_threads();
        assert_int_equal(ready.calls, 1);
}

/* Takes n cells from tick on, whenever they come; each must be the one that belongs there. */
static void check_on_time(Producer *producer, int64_t tick, int64_t start_tick, int n) {
        for (int taken = 0; taken < n; tick++) {
                const Cell *cell;
                producer_wait(producer, tick);
                if (!producer_take(producer, tick, &cell))
                        continue;
                taken++;
                assert_int_equal(cell->tick, tick);
                assert_int_equal(cell->source_frame, tick - start_tick);
        }
}

static void INV_PRODUCER_012_started_late_it_lands_on_the_frame(void **state) {
        g_autofree char *path = rig_clip("long.mkv");
        const RigSpec spec = {.path = path, .duration_ms = 60000, .start_tick = 5000};
        g_autoptr(Producer) producer = start(&spec);
        const Cell *cell;
        (void)producer_take(producer, 5900, &cell);
        check_on_time(producer, 5901, 5000, 20);
}

static void INV_PRODUCER_012_fallen_behind_it_lands_on_the_frame(void **state) {
        g_autofree char *path = rig_clip("long.mkv");
        const RigSpec spec = {.path = path, .duration_ms = 60000};
        static const int64_t jumps[] = {30, 75, 500, 1300};
        g_autoptr(Producer) producer = start(&spec);
        const Cell *cell;
        int64_t tick = 0;
        check_on_time(producer, tick, 0, 5);
        for (size_t i = 0; i < G_N_ELEMENTS(jumps); i++) {
                (void)producer_take(producer, jumps[i], &cell);
                check_on_time(producer, jumps[i] + 1, 0, 5);
        }
}

static void INV_PRODUCER_012_asked_for_the_past_it_gives_nothing(void **state) {
        g_autofree char *path = rig_clip("r25.ts");
        const RigSpec spec = {.path = path, .duration_ms = 4000, .start_tick = 40};
        g_autoptr(Producer) producer = start(&spec);
        const Cell *cell;
        for (int64_t tick = 30; tick < 40; tick++)
                assert_false(producer_take(producer, tick, &cell));
        producer_wait(producer, 40);
        assert_true(producer_take(producer, 40, &cell));
        assert_int_equal(cell->source_frame, 0);
}

static int count_files(void) {
        int n = 0;
        DIR *dir = opendir("/proc/self/fd");
        while (readdir(dir))
                n++;
        closedir(dir);
        return n;
}

static void INV_PRODUCER_008_free_returns_at_once_and_everything_ends(void **state) {
        static const char *const names[] = {"long.mkv", "r25.mpg", "soundonly.mkv", "missing.mkv", "r25.ts"};
        GRand *rand = chance_new();
        await_no_threads();
        const int files = count_files();
        for (int i = 0; i < 60; i++) {
                g_autofree char *path = rig_clip(names[i % G_N_ELEMENTS(names)]);
                const RigSpec spec = {.path = path, .offset_ms = i % 2 ? 3000 : 0, .duration_ms = 4000};
                Producer *producer = start(&spec);
                for (int spin = g_rand_int_range(rand, 0, 200); spin > 0; spin--)
                        g_thread_yield();
                if (i % 3 == 0)
                        producer_wait(producer, 2);
                producer_free(producer);
        }
        await_no_threads();
        assert_int_equal(count_files(), files);
        g_rand_free(rand);
}

/* The user keeps every picture it gets, so the thread is stuck for want of one: take says so, free gets it out. */
static void INV_PRODUCER_009_pictures_are_bounded_and_no_take_waits_for_one(void **state) {
        g_autofree char *path = rig_clip("r60.mp4");
        const RigSpec spec = {.path = path, .duration_ms = 8000, .rate = {60, 1}};
        Producer *producer = start(&spec);
        Picture *kept[100];
        int n = 0;
        for (const Cell *cell; n < (int)G_N_ELEMENTS(kept); n++) {
                if (n < 28)
                        producer_wait(producer, n);
                if (!producer_take(producer, n, &cell))
                        break;
                kept[n] = picture_ref(cell->picture);
        }
        assert_in_range(n, 28, RING + 24);
        producer_free(producer);
        await_no_threads();
        for (int i = 0; i < n; i++) {
                unsigned frame, clip;
                const BarcodeSize size = {320, 180, 320};
                assert_int_equal(barcode_read(picture_data(kept[i]), &size, &frame, &clip), BARCODE_OK);
                assert_int_equal(frame, i);
                picture_unref(kept[i]);
        }
}

static void INV_PRODUCER_009_few_cells_are_made_before_the_time_is_near(void **state) {
        g_autofree char *path = rig_clip("r60.mp4");
        const RigSpec spec = {.path = path, .duration_ms = 1000, .rate = {60, 1}};
        g_autoptr(Producer) producer = start_early(&spec, 2);
        producer_wait(producer, 1);
        assert_false(producer_settled(producer, 2)); /* nor will it be: it sleeps */
        producer_near(producer);
        producer_wait(producer, RING - 1);
        assert_false(producer_settled(producer, RING));
        const Cell *cell;
        assert_true(producer_take(producer, 0, &cell));
}

static void INV_PRODUCER_009_the_first_take_says_that_the_time_is_near(void **state) {
        g_autofree char *path = rig_clip("r60.mp4");
        const RigSpec spec = {.path = path, .duration_ms = 1000, .rate = {60, 1}};
        g_autoptr(Producer) producer = start_early(&spec, 2);
        producer_wait(producer, 1);
        const Cell *cell;
        assert_true(producer_take(producer, 0, &cell));
        producer_wait(producer, RING - 1);
}

/* 28 kept and 4 in the ring are all there are; each one given back is made into the next cell, without a take. */
static void INV_PRODUCER_009_a_returned_picture_wakes_the_maker(void **state) {
        g_autofree char *path = rig_clip("r60.mp4");
        const RigSpec spec = {.path = path, .duration_ms = 1000, .rate = {60, 1}};
        g_autoptr(Producer) producer = start(&spec);
        Picture *kept[28];
        for (int64_t tick = 0; tick < 28; tick++) {
                const Cell *cell;
                producer_wait(producer, tick);
                assert_true(producer_take(producer, tick, &cell));
                kept[tick] = picture_ref(cell->picture);
        }
        for (int i = 0; i < 28; i++) {
                if (i < 3)
                        producer_wait(producer, 31 + i);
                picture_unref(kept[i]);
        }
}

/* ---- material that is none ---------------------------------------------------------------------------------- */

/* Runs it through; how many cells were content. */
static int64_t run_through(const char *path, ProducerResult *ret_result) {
        const RigSpec spec = {.path = path, .duration_ms = 9000, .rate = {25, 1}};
        g_autoptr(Producer) producer = start(&spec);
        int64_t content = 0;
        for (int64_t tick = 0; tick < 225; tick++) {
                const Cell *cell;
                producer_wait(producer, tick);
                if (producer_take(producer, tick, &cell))
                        content += cell->kind == CELL_CONTENT;
                else
                        assert_int_equal(producer_state(producer), PRODUCER_FAILED);
        }
        *ret_result = producer_result(producer);
        return content;
}

static void check_refused(const char *path, const char *reason) {
        ProducerResult result;
        assert_int_equal(run_through(path, &result), 0);
        assert_int_equal(result.state, PRODUCER_FAILED);
        assert_string_equal(result.reason, reason);
        assert_true(result.detail[0]);
}

static void INV_PRODUCER_006_what_is_no_film_fails_with_a_reason(void **state) {
        static const struct {
                const char *name, *reason;
        } cases[] = {
                {"bad/missing.mp4", "NOT_FOUND"},
                {"bad/empty.mp4", "OPEN_FAILED"},
                {"bad/text.mkv", "OPEN_FAILED"},
        };
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *path = rig_clip(cases[i].name);
                check_refused(path, cases[i].reason);
        }
        /* Noise may look like some raw format: it is refused or shows something, but it ends. */
        ProducerResult result;
        g_autofree char *noise = rig_clip("bad/random.avi");
        (void)run_through(noise, &result);
}

static void INV_PRODUCER_006_what_is_damaged_plays_as_far_as_it_goes(void **state) {
        ProducerResult result;
        g_autofree char *half = rig_clip("bad/half.mkv"); /* of 200 ticks */
        assert_in_range(run_through(half, &result), 60, 140);
        g_autofree char *damaged = rig_clip("bad/damaged.ts");
        assert_in_range(run_through(damaged, &result), 180, 203);
        assert_int_equal(result.state, PRODUCER_OVER);
}

static void flip_bytes(char *data, gsize size, GRand *rand) {
        for (int n = g_rand_int_range(rand, 1, 200); n > 0; n--)
                data[g_rand_int_range(rand, 0, (gint32)size)] ^= (char)g_rand_int_range(rand, 1, 256);
        if (g_rand_boolean(rand)) /* the head decides what the file is taken for */
                data[g_rand_int_range(rand, 0, (gint32)MIN(size, 600))] ^= 0x40;
}

static void INV_PRODUCER_006_flipped_bytes_do_no_harm(void **state) {
        static const char *const names[] = {"r12.avi", "r15.webm", "r24.mp4",  "r25.mpg",
                                            "r25.ts",  "r10.ogv",  "short.mp4"};
        GRand *rand = chance_new();
        char *dir = temp_dir_new();
        g_autofree char *path = g_build_filename(dir, "flipped", NULL);
        for (int i = 0; i < 14; i++) {
                g_autofree char *name = rig_clip(names[i % G_N_ELEMENTS(names)]);
                g_autofree char *data = NULL;
                gsize size;
                assert_true(g_file_get_contents(name, &data, &size, NULL));
                flip_bytes(data, size, rand);
                assert_true(g_file_set_contents(path, data, (gssize)size, NULL));
                ProducerResult result;
                (void)run_through(path, &result);
        }
        temp_dir_free(dir);
        g_rand_free(rand);
}

static void INV_PRODUCER_007_only_regular_files_are_opened(void **state) {
        char *dir = temp_dir_new();
        g_autofree char *fifo = g_build_filename(dir, "fifo.mp4", NULL);
        g_autofree char *dangling = g_build_filename(dir, "dangling.mp4", NULL);
        assert_int_equal(mkfifo(fifo, 0600), 0);
        assert_int_equal(symlink("/nowhere/at/all.mp4", dangling), 0);
        check_refused(dir, "NOT_A_FILE");
        check_refused(fifo, "NOT_A_FILE"); /* nobody writes it: a plain open would never return */
        check_refused("/dev/zero", "NOT_A_FILE");
        check_refused(dangling, "NOT_FOUND");
        temp_dir_free(dir);
}

/* Of such files FFmpeg's own choice of format would make pictures or sound. */
static void INV_PRODUCER_007_text_and_stills_are_no_film(void **state) {
        static const struct {
                const char *name, *head;
        } files[] = {
                {"notes.txt", "A plain text.\n"},
                {"art.ans", "\33[1;31mA picture of letters\33[0m\n"},
                {"film.srt", "1\n00:00:00,000 --> 00:00:02,000\nSubtitles\n\n"},
                {"drone.sbg", "-SE\nbase: 200+4/50\nNOW base\n"},
                {"still.ppm", "P6 2 2 255\n"},
                {"logo.svg", "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"9\" height=\"9\"></svg>\n"},
        };
        char *dir = temp_dir_new();
        for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
                g_autofree char *path = g_build_filename(dir, files[i].name, NULL);
                g_autoptr(GString) text = g_string_new(files[i].head);
                while (text->len < 4096)
                        g_string_append(text, i < 4 ? "and more of it\n" : "            ");
                assert_true(g_file_set_contents(path, text->str, (gssize)text->len, NULL));
                check_refused(path, "OPEN_FAILED");
        }
        temp_dir_free(dir);
}

static void INV_PRODUCER_007_what_a_file_names_is_not_opened(void **state) {
        char *dir = temp_dir_new();
        g_autofree char *film = rig_clip("r24.mp4");
        const struct {
                const char *name;
                char *text;
        } lists[] = {
                {"list.m3u8",
                 g_strdup_printf("#EXTM3U\n#EXT-X-TARGETDURATION:8\n#EXTINF:8,\n%s\n#EXT-X-ENDLIST\n", film)},
                {"list.ffconcat", g_strdup_printf("ffconcat version 1.0\nfile '%s'\n", film)},
                {"list.sdp", g_strdup("v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n"
                                      "a=rtpmap:96 H264/90000\n")},
        };
        for (size_t i = 0; i < G_N_ELEMENTS(lists); i++) {
                g_autofree char *path = g_build_filename(dir, lists[i].name, NULL);
                assert_true(g_file_set_contents(path, lists[i].text, -1, NULL));
                g_free(lists[i].text);
                ProducerResult result;
                assert_int_equal(run_through(path, &result), 0);
                assert_int_equal(result.state, PRODUCER_FAILED);
        }
        temp_dir_free(dir);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(INV_PRODUCER_010_pad_is_black_and_silent_from_the_first_tick),
                cmocka_unit_test(INV_PRODUCER_010_black_from_the_end_of_material_to_the_end_of_the_segment),
                cmocka_unit_test(tells_once_when_it_is_ready),
                cmocka_unit_test(INV_PRODUCER_012_started_late_it_lands_on_the_frame),
                cmocka_unit_test(INV_PRODUCER_012_fallen_behind_it_lands_on_the_frame),
                cmocka_unit_test(INV_PRODUCER_012_asked_for_the_past_it_gives_nothing),
                cmocka_unit_test(INV_PRODUCER_008_free_returns_at_once_and_everything_ends),
                cmocka_unit_test(INV_PRODUCER_009_pictures_are_bounded_and_no_take_waits_for_one),
                cmocka_unit_test(INV_PRODUCER_009_few_cells_are_made_before_the_time_is_near),
                cmocka_unit_test(INV_PRODUCER_009_the_first_take_says_that_the_time_is_near),
                cmocka_unit_test(INV_PRODUCER_009_a_returned_picture_wakes_the_maker),
                cmocka_unit_test(INV_PRODUCER_006_what_is_no_film_fails_with_a_reason),
                cmocka_unit_test(INV_PRODUCER_006_what_is_damaged_plays_as_far_as_it_goes),
                cmocka_unit_test(INV_PRODUCER_006_flipped_bytes_do_no_harm),
                cmocka_unit_test(INV_PRODUCER_007_only_regular_files_are_opened),
                cmocka_unit_test(INV_PRODUCER_007_text_and_stills_are_no_film),
                cmocka_unit_test(INV_PRODUCER_007_what_a_file_names_is_not_opened),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
