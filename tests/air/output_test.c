/* Pictures and sound in, a transport stream out, through the real encoders: what a reader on the socket gets. */
#include "tests/air/output_group.h"
#include "tests/air/output_rig.h"
#include "tests/support/chance.h"

static void INV_OUTPUT_001_each_picture_at_the_time_of_its_tick(void **state) {
        const HouseFormat formats[] = {
                format_of(426, 240, 24000, 1001), format_of(320, 240, 25, 1),       format_of(854, 480, 30000, 1001),
                format_of(256, 144, 50, 1),       format_of(256, 144, 60000, 1001), format_of(64, 64, 10, 1),
                format_of(64, 64, 120, 1),
        };
        for (size_t i = 0; i < G_N_ELEMENTS(formats); i++) {
                g_autoptr(Rig) rig = rig_new(formats[i], 0);
                run_whole(rig, 0, 100, 12);
        }
}

/* 25.5 hours into a session the 33-bit clock begins anew. */
static void INV_OUTPUT_001_clock_goes_round(void **state) {
        g_autoptr(Rig) rig = rig_new(format_of(64, 64, 30000, 1001), 0);
        run_whole(rig, 2752400, 300, 30);
        assert_true(picture(rig, 0)->pts > picture(rig, 299)->pts);
}

static void INV_OUTPUT_002_idr_at_every_asked_tick_and_no_other(void **state) {
        g_autoptr(Rig) rig = rig_new(format_of(256, 144, 30000, 1001), 0);
        GRand *chance = chance_new();
        rig_attach(rig);
        for (int i = 0; i < 300; i++) {
                push_paced(rig, g_rand_int_range(chance, 0, 5) == 0 || (i > 100 && i < 110));
                assert_true(rig_read(rig, false));
        }
        g_rand_free(chance);
        end_output(rig);
        assert_stream(rig, TS_UNBROKEN);
        assert_int_equal(rig->reader->pictures->len, 300);
        for (guint i = 1; i < 300; i++)
                assert_int_equal(picture(rig, i)->idr, g_array_index(rig->asked, bool, i));
        assert_true(picture(rig, 0)->idr);
}

/* Nothing but an order makes an IDR: neither a cut in the picture nor any number of frames. */
static void INV_OUTPUT_002_no_idr_of_the_encoders_own(void **state) {
        g_autoptr(Rig) rig = rig_new(format_of(64, 64, 25, 1), 0);
        run_whole(rig, 0, 600, 10000);
        for (guint i = 1; i < 600; i++)
                assert_false(picture(rig, i)->idr);
}

static void INV_OUTPUT_003_clock_reference_and_tables_often_enough(void **state) {
        g_autoptr(Rig) rig = rig_new(format_of(64, 64, 30000, 1001), 0);
        run_whole(rig, 0, 200, 30);
        assert_true(rig->reader->max_pcr_gap_27mhz <= 27000 * 34);
        assert_true(rig->reader->max_tables_gap_27mhz <= 27000 * 101);
}

#define SOUND_DELAY 1600  /* of the AAC encoder */
#define SILENCE_BYTES 400 /* a frame of it has less at 128 kbit/s, one of noise that nothing came before has more */

/*
 * Silence, then noise from sample 57600 on (tick 30). The frame stamped t holds, by its overlapping windows, sound from
 * t to t + 2048 samples: noise is coded first in the one whose second half is all noise.
 */
static void INV_OUTPUT_004_sound_is_stamped_with_its_own_time(void **state) {
        g_autoptr(Rig) rig = rig_new(format_of(64, 64, 25, 1), 0);
        rig_attach(rig);
        run(rig, 30, 30);
        uint32_t random = 1;
        for (int i = 0; i < 9600; i++)
                rig->samples[i] = (float)(random = random * 1664525 + 1013904223) / (float)UINT32_MAX - 0.5f;
        run(rig, 30, 30);
        end_output(rig);
        assert_stream(rig, TS_UNBROKEN);
        guint loud = 0;
        while (g_array_index(rig->reader->sounds, TsSound, loud).bytes < SILENCE_BYTES)
                assert_true(++loud < rig->reader->sounds->len);
        const int64_t noise = rv_tick_to_sample(30, rig->options.format.rate, 48000);
        const int64_t frames = rv_mul_div_ceil(noise - 1024 + SOUND_DELAY, 1, 1024);
        assert_int_equal(g_array_index(rig->reader->sounds, TsSound, loud).pts,
                         TS_TICK_0_PTS + 1920 * frames - SOUND_DELAY * 15 / 8);
}

static void INV_ENCODER_NO_B_FRAMES_001_decoded_in_the_order_shown(void **state) {
        g_autoptr(Rig) rig = rig_new(format_of(320, 180, 30000, 1001), 0);
        run_whole(rig, 0, 90, 30);
        for (guint i = 0; i < 90; i++)
                assert_false(picture(rig, i)->has_dts);
}

/* Two hundred ticks at once, as after a process was stopped: the encoder cannot but be behind. */
static void INV_OUTPUT_005_encoder_behind_costs_no_tick(void **state) {
        g_autoptr(Rig) rig = rig_new(format_of(1280, 720, 30000, 1001), 0);
        rig_attach(rig);
        for (int i = 0; i < 200; i++)
                push(rig, i % 50 == 0);
        while (rig->reader->pictures->len < 200 - LEAD_TICKS - 2)
                assert_true(rig_read(rig, true));
        const OutputStats stats = output_stats(rig->output);
        assert_int_equal(stats.frames_in, 200);
        assert_true(stats.frames_repeated > 80); /* every second one is the picture that is shown anyway */
        assert_in_range(rig->unseen - stats.frames_repeated, 0, LEAD_TICKS); /* which are still held */
        end_output(rig);
        assert_stream(rig, TS_UNBROKEN);
        assert_int_equal(rig->reader->pictures->len, 200);
        for (guint i = 0; i < 200; i += 50)
                assert_true(picture(rig, i)->idr);
}

static void INV_OUTPUT_030_captions_stay_with_their_ticks_also_when_pictures_are_repeated(void **state) {
        g_autoptr(Rig) rig = rig_new(format_of(1280, 720, 30000, 1001), 0);
        rig->captions_end = 150;
        rig_attach(rig);
        for (int i = 0; i < 200; i++)
                push(rig, i % 50 == 0);
        while (rig->reader->pictures->len < 200 - LEAD_TICKS - 2)
                assert_true(rig_read(rig, true));
        assert_true(output_stats(rig->output).frames_repeated > 80);
        end_output(rig);
        assert_stream(rig, TS_UNBROKEN);
        for (guint i = 0; i < 200; i++) {
                assert_int_equal(picture(rig, i)->n_captions, i < 150 ? 1 : 0);
                assert_int_equal(picture(rig, i)->first_pair, i < 150 ? (0x20 + i / 64) << 8 | (0x20 + i % 64) : 0);
        }
}

/* Half a minute in which nobody got the processor, made up for at once. */
static void INV_OUTPUT_005_an_encoder_that_is_minutes_behind_is_not_stuck(void **state) {
        g_autoptr(Rig) rig = rig_new(format_of(256, 144, 30, 1), 0);
        rig_attach(rig);
        for (int i = 0; i < 1500; i++)
                push(rig, i % 60 == 0);
        while (rig->reader->pictures->len < 1500 - LEAD_TICKS - 2)
                assert_true(rig_read(rig, true));
        end_output(rig);
        assert_int_equal(rig->failures, 0);
        assert_stream(rig, TS_UNBROKEN);
        assert_int_equal(rig->reader->pictures->len, 1500);
}

/* More than may ever wait. */
static void INV_OUTPUT_005_stuck_encoder_is_reported_once(void **state) {
        g_autoptr(Rig) rig = rig_new(format_of(1920, 1080, 30, 1), 0);
        while (rig->failures == 0 && rig->next_tick < 20000)
                push(rig, false);
        for (int i = 0; i < 10; i++)
                push(rig, false); /* only released */
        assert_int_equal(rig->failures, 1);
}

static void INV_NETWORK_BACKPRESSURE_DROP_stalled_reader_resumes_at_idr(void **state) {
        HouseFormat format = format_of(640, 360, 30000, 1001);
        format.video_bitrate_kbps = 60000;
        g_autoptr(Rig) rig = rig_new(format, 1 << 20);
        rig_attach(rig);
        while (output_stats(rig->output).bytes_dropped == 0)
                push_paced(rig, rig->next_tick % 10 == 0); /* nobody reads; nobody waits for that */
        const int64_t stalled_until = rig->next_tick;
        run(rig, 60, 10);
        end_output(rig);
        assert_stream(rig, TS_LOSSES);
        assert_true(rig->reader->pictures->len < rig->next_tick);
        const TsPicture *last = picture(rig, rig->reader->pictures->len - 1);
        assert_true(ts_tick_of_pts(last->pts, format.rate, 0) >= stalled_until);
}

static void INV_SINK_NO_IMPLICIT_EOF_output_goes_on_without_a_reader(void **state) {
        g_autoptr(Rig) rig = rig_new(format_of(64, 64, 25, 1), 0);
        rig_attach(rig);
        run(rig, 40, 20);
        close(rig->fd);
        rig->fd = -1;
        run(rig, 45, 20); /* up to tick 84 */
        ts_reader_free(rig->reader);
        rig->reader = ts_reader_new();
        rig_attach(rig);
        run(rig, 40, 20);
        end_output(rig);
        /* Ticks 80 and 100 were IDRs; which comes first depends on how far the encoder was when the reader came. */
        const int64_t first = ts_tick_of_pts(picture(rig, 0)->pts, rig->options.format.rate, 0);
        assert_true(first == 80 || first == 100);
        rig->first_tick = first;
        assert_stream(rig, TS_UNBROKEN);
        rig->first_tick = 0;
        assert_int_equal(picture(rig, 0)->tables_packet, 0);
        assert_int_equal(rig->reader->pictures->len, rig->next_tick - first);
}

/* Pictures at every distance from each other, with something told behind each of them: what is told stands beside
 * access units, and tables stand in front of theirs. */
static void INV_SIGNALS_006_signals_stand_between_access_units(void **state) {
        g_autoptr(HouseStyle) style = house_style_new();
        style->splices = true;
        style->service_id = 65535;
        g_autoptr(Rig) rig = rig_new_of(format_of(320, 180, 30000, 1001), 0, style);
        rig_attach(rig);
        for (uint32_t i = 0; i < 300; i++) {
                const OutputProgramme programmes[] = {
                        {"A programme with a title long enough for its table to take more than one packet, and then "
                         "some "
                         "more words, so that packets of one table follow each other in the stream as they have to",
                         i, i, i + 1000, 0, 1000},
                };
                const OutputBreak breaks[] = {{i, i + 5, i + 6}};
                output_announce(rig->output, &(OutputOutlook){programmes, 1, breaks, 1});
                push_paced(rig, i % 7 == 0);
                assert_true(rig_read(rig, false));
        }
        end_output(rig);
        assert_stream(rig, TS_UNBROKEN);
        assert_int_equal(rig->reader->pictures->len, 300);
        assert_int_equal(rig->reader->cc_jumps->len, 0);
        assert_int_equal(rig->reader->service_id, 65535);
        assert_int_equal(rig->reader->splice_pid, 67);
        assert_true(rig->reader->packets_of[0x11] >= 10);
        assert_true(rig->reader->packets_of[0x12] >= 40);
        assert_true(rig->reader->packets_of[0x14] >= 10);
        assert_true(rig->reader->packets_of[67] >= 50);
}

static void INV_TEARDOWN_BOUNDED_whatever_the_state(void **state) {
        const HouseFormat format = format_of(640, 360, 30000, 1001);
        enum { UNTOUCHED, ATTACHED, ONE_PICTURE, NO_READER, READER_GONE, BEHIND, N_STATES };
        for (int s = UNTOUCHED; s < N_STATES; s++) {
                g_autoptr(Rig) rig = rig_new(format, 0);
                if (s == ATTACHED || s == ONE_PICTURE || s == READER_GONE || s == BEHIND)
                        rig_attach(rig);
                const int n_pictures = s == ONE_PICTURE ? 1 : s == BEHIND ? 500 : s >= NO_READER ? 20 : 0;
                for (int i = 0; i < n_pictures; i++)
                        push(rig, false);
                if (s == READER_GONE) {
                        close(rig->fd);
                        rig->fd = -1;
                }
                end_output(rig);
                if (s == ONE_PICTURE)
                        assert_int_equal(rig->reader->pictures->len, 1);
        }
}

static void INV_TEARDOWN_BOUNDED_reader_stalled(void **state) {
        HouseFormat format = format_of(640, 360, 30000, 1001);
        format.video_bitrate_kbps = 60000;
        g_autoptr(Rig) rig = rig_new(format, 1 << 20);
        rig_attach(rig);
        while (output_stats(rig->output).bytes_dropped == 0)
                push_paced(rig, rig->next_tick % 10 == 0);
        g_clear_pointer(&rig->output, output_free); /* nobody reads */
}

static void INV_OUTPUT_007_pictures_are_released_without_anything_else(void **state) {
        g_autoptr(Rig) rig = rig_new(format_of(64, 64, 30, 1), 0);
        for (int i = 0; i < LEAD_TICKS; i++)
                push(rig, false); /* all still held for their sound's lead */
        g_clear_pointer(&rig->output, output_free);
        assert_int_equal(rig->released.n, LEAD_TICKS);
}

static void bad_format_is_refused(void **state) {
        OutputOptions options = {.format = house_format_default(), .lead_ticks = LEAD_TICKS};
        options.format.width = 641;
        g_autoptr(GError) error = NULL;
        assert_null(output_new(&options, &error));
        assert_non_null(error);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(INV_OUTPUT_001_each_picture_at_the_time_of_its_tick),
                cmocka_unit_test(INV_OUTPUT_001_clock_goes_round),
                cmocka_unit_test(INV_OUTPUT_002_idr_at_every_asked_tick_and_no_other),
                cmocka_unit_test(INV_OUTPUT_002_no_idr_of_the_encoders_own),
                cmocka_unit_test(INV_OUTPUT_003_clock_reference_and_tables_often_enough),
                cmocka_unit_test(INV_OUTPUT_004_sound_is_stamped_with_its_own_time),
                cmocka_unit_test(INV_ENCODER_NO_B_FRAMES_001_decoded_in_the_order_shown),
                cmocka_unit_test(INV_OUTPUT_005_encoder_behind_costs_no_tick),
                cmocka_unit_test(INV_OUTPUT_030_captions_stay_with_their_ticks_also_when_pictures_are_repeated),
                cmocka_unit_test(INV_OUTPUT_005_an_encoder_that_is_minutes_behind_is_not_stuck),
                cmocka_unit_test(INV_OUTPUT_005_stuck_encoder_is_reported_once),
                cmocka_unit_test(INV_NETWORK_BACKPRESSURE_DROP_stalled_reader_resumes_at_idr),
                cmocka_unit_test(INV_SINK_NO_IMPLICIT_EOF_output_goes_on_without_a_reader),
                cmocka_unit_test(INV_SIGNALS_006_signals_stand_between_access_units),
                cmocka_unit_test(INV_TEARDOWN_BOUNDED_whatever_the_state),
                cmocka_unit_test(INV_TEARDOWN_BOUNDED_reader_stalled),
                cmocka_unit_test(INV_OUTPUT_007_pictures_are_released_without_anything_else),
                cmocka_unit_test(bad_format_is_refused),
        };
        return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
