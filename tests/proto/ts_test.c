#include "proto/ts/ts_reader.h"

#include "tests/support/cmocka.h"

#define RATE ((RvRational){30000, 1001})
#define AAC_PTS 1920

/* What a stream of so many pictures has carried, as the reader would have it. */
static TsReader *carried(int n) {
        TsReader *reader = ts_reader_new();
        reader->sound_type = 0x0f;
        for (int i = 0; i < n; i++) {
                const bool first = i == 0;
                const TsPicture picture = {.pts = ts_pts_of_tick(i, RATE),
                                           .margin = 9000,
                                           .tables_packet = first ? 0 : UINT64_MAX,
                                           .random_access = first,
                                           .idr = first,
                                           .sps = first,
                                           .pps = first,
                                           .aud = true};
                const TsSound sound = {.pts = TS_TICK_0_PTS + (int64_t)i * AAC_PTS, .frames = 1};
                g_array_append_val(reader->pictures, picture);
                g_array_append_val(reader->sounds, sound);
        }
        return reader;
}

static bool is_faulty(const TsReader *reader) {
        g_autofree char *fault = ts_reader_check(reader, RATE, 0, TS_UNBROKEN);
        return fault != NULL;
}

static void INV_TS_001_every_instant_is_the_next(void **state) {
        for (int i = 0; i < 10; i++) {
                g_autoptr(TsReader) early = carried(10), late = carried(10), sound = carried(10), whole = carried(10);
                g_array_index(early->pictures, TsPicture, i).pts--;
                g_array_index(late->pictures, TsPicture, i).pts++;
                g_array_index(sound->sounds, TsSound, i).pts++;
                assert_true(is_faulty(early) && is_faulty(late) && is_faulty(sound));
                assert_false(is_faulty(whole));
        }
}

static void INV_TS_002_a_lost_packet_is_seen(void **state) {
        g_autoptr(TsReader) reader = carried(10);
        const uint64_t packet = 7;
        assert_false(is_faulty(reader));
        g_array_append_val(reader->cc_jumps, packet);
        assert_true(is_faulty(reader));
}

static void ticks_and_instants_lead_to_each_other_over_the_wrap(void **state) {
        for (int64_t tick = 0; tick < 6000000; tick += 99991) {
                const int64_t near = tick > 1000000 ? tick - 1000000 : 0;
                assert_int_equal(ts_tick_of_pts(ts_pts_of_tick(tick, RATE), RATE, near), tick);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(INV_TS_001_every_instant_is_the_next),
                cmocka_unit_test(INV_TS_002_a_lost_packet_is_seen),
                cmocka_unit_test(ticks_and_instants_lead_to_each_other_over_the_wrap),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
