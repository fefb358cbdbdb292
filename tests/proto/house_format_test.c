#include "tests/support/cmocka.h"

#include <glib.h>

#include "proto/house/house_format.h"

static void the_default_can_be_put_on_the_air(void **state) {
        const HouseFormat format = house_format_default();
        assert_null(house_format_fault(&format));
        assert_int_equal(format.rate.num, 30000);
        assert_int_equal(format.rate.den, 1001);
}

static void INV_HOUSE_001_what_no_engine_can_do_is_refused(void **state) {
        static const struct {
                size_t offset;
                int32_t good[2];
                int32_t bad[2];
        } limits[] = {
                {offsetof(HouseFormat, width), {64, 4096}, {62, 4098}},
                {offsetof(HouseFormat, height), {64, 4096}, {721, -2}},
                {offsetof(HouseFormat, rate.num), {10010, 120120}, {10009, 120121}},
                {offsetof(HouseFormat, rate.den), {250, 3000}, {0, -1001}},
                {offsetof(HouseFormat, sample_rate_hz), {48000, 48000}, {44100, 0}},
                {offsetof(HouseFormat, channels), {2, 2}, {1, 6}},
                {offsetof(HouseFormat, video_bitrate_kbps), {100, 100000}, {99, 100001}},
                {offsetof(HouseFormat, audio_bitrate_kbps), {32, 512}, {31, 513}},
                {offsetof(HouseFormat, gop_frames), {1, 1200}, {0, 1201}},
                {offsetof(HouseFormat, video_preset), {VIDEO_ULTRAFAST, VIDEO_MEDIUM}, {0, VIDEO_MEDIUM + 1}},
                {offsetof(HouseFormat, audio_codec), {AUDIO_AAC, AUDIO_MP2}, {0, AUDIO_MP2 + 1}},
                {offsetof(HouseFormat, video_encoder), {ENCODER_SOFTWARE, ENCODER_NVENC}, {0, ENCODER_NVENC + 1}},
                {offsetof(HouseFormat, video_buffer_ms), {100, 5000}, {99, 5001}},
        };
        for (size_t i = 0; i < G_N_ELEMENTS(limits); i++) {
                for (int j = 0; j < 2; j++) {
                        HouseFormat format = house_format_default();
                        int32_t *field = (int32_t *)((char *)&format + limits[i].offset);
                        *field = limits[i].good[j];
                        assert_null(house_format_fault(&format));
                        *field = limits[i].bad[j];
                        assert_non_null(house_format_fault(&format));
                }
        }
}

static void INV_HOUSE_003_a_codec_has_its_own_bit_rates(void **state) {
        static const struct {
                AudioCodec codec;
                int32_t kbps;
                bool good;
        } cases[] = {{AUDIO_AC3, 96, true},   {AUDIO_AC3, 512, true}, {AUDIO_AC3, 64, false}, {AUDIO_AC3, 129, false},
                     {AUDIO_AC3, 640, false}, {AUDIO_MP2, 64, true},  {AUDIO_MP2, 384, true}, {AUDIO_MP2, 80, false},
                     {AUDIO_MP2, 448, false}, {AUDIO_AAC, 129, true}, {AUDIO_AC3, 0, false},  {AUDIO_MP2, 0, false}};
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                HouseFormat format = house_format_default();
                format.audio_codec = cases[i].codec;
                format.audio_bitrate_kbps = cases[i].kbps;
                assert_int_equal(house_format_fault(&format) == NULL, cases[i].good);
        }
        for (AudioCodec codec = AUDIO_AAC; codec <= AUDIO_MP2; codec++) {
                HouseFormat format = house_format_default();
                format.audio_codec = codec;
                format.audio_bitrate_kbps = audio_codec_bitrate_kbps(codec);
                assert_null(house_format_fault(&format));
        }
}

static void INV_HOUSE_004_a_second_rendition_is_less_than_the_first(void **state) {
        static const struct {
                int32_t width, height, kbps;
                bool good;
        } cases[] = {{0, 0, 0, true},         {640, 360, 800, true},  {640, 360, 0, false},   {0, 0, 800, false},
                     {1280, 360, 800, false}, {640, 720, 800, false}, {641, 360, 800, false}, {640, 62, 800, false},
                     {640, 360, 3000, false}, {640, 360, 99, false}};
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                HouseFormat format = house_format_default();
                format.second_width = cases[i].width;
                format.second_height = cases[i].height;
                format.second_bitrate_kbps = cases[i].kbps;
                assert_int_equal(house_format_fault(&format) == NULL, cases[i].good);
                const HouseFormat second = house_format_second(&format);
                if (cases[i].good && house_format_has_second(&format))
                        assert_null(house_format_fault(&second));
        }
}

static void INV_HOUSE_001_a_message_is_judged_on_arrival(void **state) {
        const HouseFormat format = {.width = 640,
                                    .height = 360,
                                    .rate = {25, 1},
                                    .sample_rate_hz = 48000,
                                    .channels = 2,
                                    .video_bitrate_kbps = 900,
                                    .audio_bitrate_kbps = 96,
                                    .gop_frames = 50,
                                    .video_preset = VIDEO_FASTER,
                                    .audio_codec = AUDIO_MP2,
                                    .video_encoder = ENCODER_VA,
                                    .video_buffer_ms = 300,
                                    .second_width = 320,
                                    .second_height = 180,
                                    .second_bitrate_kbps = 300};
        Retrovue__Playout__V1__HouseFormat message;
        house_format_to_message(&format, &message);
        HouseFormat back = {0};
        assert_true(house_format_from_message(&message, &back));
        assert_memory_equal(&back, &format, sizeof(format));

        message.video_preset = RETROVUE__PLAYOUT__V1__VIDEO_PRESET__VIDEO_PRESET_UNSPECIFIED; /* as of older cores */
        assert_true(house_format_from_message(&message, &back));
        assert_int_equal(back.video_preset, VIDEO_SUPERFAST);
        message.audio_codec = RETROVUE__PLAYOUT__V1__AUDIO_CODEC__AUDIO_CODEC_UNSPECIFIED;
        message.video_encoder = RETROVUE__PLAYOUT__V1__VIDEO_ENCODER__VIDEO_ENCODER_UNSPECIFIED;
        message.video_buffer_ms = 0;
        assert_true(house_format_from_message(&message, &back));
        assert_int_equal(back.audio_codec, AUDIO_AAC);
        assert_int_equal(back.video_encoder, ENCODER_SOFTWARE);
        assert_int_equal(back.video_buffer_ms, 1000);
        back = format;
        message.frame_rate_den = 0;
        assert_false(house_format_from_message(&message, &back));
        assert_memory_equal(&back, &format, sizeof(format));
        assert_false(house_format_from_message(NULL, &back));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_default_can_be_put_on_the_air),
                cmocka_unit_test(INV_HOUSE_001_what_no_engine_can_do_is_refused),
                cmocka_unit_test(INV_HOUSE_003_a_codec_has_its_own_bit_rates),
                cmocka_unit_test(INV_HOUSE_004_a_second_rendition_is_less_than_the_first),
                cmocka_unit_test(INV_HOUSE_001_a_message_is_judged_on_arrival),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
