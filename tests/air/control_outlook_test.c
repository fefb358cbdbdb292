#include "air/control/outlook.h"
#include "tests/air/blocks.h"
#include "tests/support/cmocka.h"

#define EPOCH_UTC_MS INT64_C(1700000000000)

static const FrameClock FRAMES = {EPOCH_UTC_MS, {25, 1}};

static void unref_block(gpointer block) {
        block_plan_unref(block);
}

/*
 * A block of segments of a second each, by a letter: Content, coMmercial, Promo, bumper (B), psa (A), station id (I),
 * stinger (S), Trailer, Filler, pad (-). It begins where the one before ends.
 */
static void add_block(GPtrArray *blocks, const char *letters) {
        static const struct {
                char letter;
                SegmentType type;
        } types[] = {{'C', SEGMENT_CONTENT}, {'M', SEGMENT_COMMERCIAL}, {'P', SEGMENT_PROMO},   {'B', SEGMENT_BUMPER},
                     {'A', SEGMENT_PSA},     {'I', SEGMENT_STATION_ID}, {'S', SEGMENT_STINGER}, {'T', SEGMENT_TRAILER},
                     {'F', SEGMENT_FILLER},  {'-', SEGMENT_PAD}};
        const uint32_t n = (uint32_t)strlen(letters);
        g_autofree int64_t *durations = g_new(int64_t, n);
        for (uint32_t i = 0; i < n; i++)
                durations[i] = 1000;
        const BlockPlan *before = blocks->len > 0 ? blocks->pdata[blocks->len - 1] : NULL;
        g_autofree char *id = g_strdup_printf("block-%u", blocks->len);
        BlockPlan *block = blocks_make(id, before ? before->end_utc_ms : EPOCH_UTC_MS, "/media/x.mkv", durations, n);
        for (uint32_t i = 0; i < n; i++)
                for (size_t t = 0; t < G_N_ELEMENTS(types); t++)
                        if (types[t].letter == letters[i])
                                block->segments[i].type = types[t].type;
        g_ptr_array_add(blocks, block);
}

static GPtrArray *blocks_of(const char *plan) {
        GPtrArray *blocks = g_ptr_array_new_with_free_func(unref_block);
        g_auto(GStrv) rows = g_strsplit(plan, " ", -1);
        for (char **row = rows; *row; row++)
                add_block(blocks, *row);
        return blocks;
}

static void assert_breaks(const GPtrArray *blocks, const char *wanted) {
        g_auto(Outlook) outlook = outlook_of(blocks, &FRAMES);
        g_autoptr(GString) found = g_string_new("");
        for (guint i = 0; i < outlook.breaks->len; i++) {
                const OutputBreak *it = &g_array_index(outlook.breaks, OutputBreak, i);
                assert_int_equal(it->start_tick % 25 + it->end_tick % 25, 0);
                g_string_append_printf(found, "%s%d-%d", i > 0 ? " " : "", (int)it->start_tick / 25,
                                       (int)it->end_tick / 25);
        }
        assert_string_equal(found->str, wanted);
}

static void INV_CONTROL_008_a_break_is_from_the_first_spot_to_the_last_and_its_pads(void **state) {
        static const char *const cases[][2] = {
                {"CCC", ""},         {"CMC", "1-2"},        {"CMPATFC", "1-6"},
                {"C-M-P--C", "2-7"},                        /* spare time behind each spot, and at the end */
                {"CBMPBC", "2-4"},                          /* bumpers are the channel's own */
                {"CBMIPS-C", "2-5"},                        /* between spots nothing is kept */
                {"C-C--BC", ""},                            /* nothing to replace */
                {"CM-B-C", "1-3"},   {"CM CMC", "1-2 3-4"}, /* the blocks' edge is no content */
                {"CM- PMC", "1-5"},  {"CMB BMC", "1-5"},    {"CM F M CP", "1-4 5-6"},
                {"MC", "0-1"},       {"CM", "1-2"},
        };
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(GPtrArray) blocks = blocks_of(cases[i][0]);
                assert_breaks(blocks, cases[i][1]);
        }
}

static void INV_CONTROL_008_time_without_a_plan_ends_a_break(void **state) {
        g_autoptr(GPtrArray) blocks = blocks_of("CM MC");
        BlockPlan *late = blocks->pdata[1];
        late->start_utc_ms += 3000;
        late->end_utc_ms += 3000;
        assert_breaks(blocks, "1-2 5-6");
}

static void INV_CONTROL_008_ids_outlive_a_join(void **state) {
        g_autoptr(GPtrArray) blocks = blocks_of("CMPMBC CMC");
        g_auto(Outlook) whole = outlook_of(blocks, &FRAMES);
        g_autoptr(GPtrArray) joined = g_ptr_array_new_with_free_func(unref_block);
        g_ptr_array_add(joined, block_plan_join(blocks->pdata[0], EPOCH_UTC_MS + 2400));
        g_ptr_array_add(joined, block_plan_ref(blocks->pdata[1]));
        const FrameClock frames = {EPOCH_UTC_MS + 2400, FRAMES.rate};
        g_auto(Outlook) rest = outlook_of(joined, &frames);
        assert_int_equal(whole.breaks->len, 2);
        assert_int_equal(rest.breaks->len, 2);
        const OutputBreak *all = (void *)whole.breaks->data, *left = (void *)rest.breaks->data;
        assert_int_equal(left[0].start_tick, 0);
        assert_int_equal(left[0].end_tick, all[0].end_tick - 60);
        for (int i = 0; i < 2; i++)
                assert_int_equal(left[i].id, all[i].id);
        assert_int_not_equal(all[0].id, all[1].id);
        const OutputProgramme *before = (void *)whole.programmes->data, *after = (void *)rest.programmes->data;
        assert_int_equal(before[0].id, after[0].id);
        assert_false(before[0].begun_before);
        assert_true(after[0].begun_before);
        assert_int_equal(after[0].end_tick, after[1].start_tick);
        assert_int_equal(after[1].end_utc_ms, EPOCH_UTC_MS + 9000);
        assert_string_equal(after[1].title, "A programme");
}

/* Core names the segments of a block alike but for some bits, at whichever end. */
static void INV_CONTROL_008_breaks_of_a_block_have_different_ids(void **state) {
        static const char *const uuids[] = {
                "0d37a8ef-98b8-55bf-af6b-45fc58f987e7", "0d37a8ef-98b8-55bf-af6b-45fc58f987e6",
                "1d37a8ef-98b8-55bf-af6b-45fc58f987e6", "0d37a8ef-98b8-55bf-af6b-45fc59f987e7"};
        g_autoptr(GPtrArray) blocks = blocks_of("MCMCMCM");
        BlockPlan *block = blocks->pdata[0];
        for (uint32_t i = 0; i < G_N_ELEMENTS(uuids); i++)
                block->segments[2 * i].segment_uuid = uuids[i];
        g_auto(Outlook) outlook = outlook_of(blocks, &FRAMES);
        const OutputBreak *all = (void *)outlook.breaks->data;
        for (size_t i = 0; i < G_N_ELEMENTS(uuids); i++)
                for (size_t k = 0; k < i; k++)
                        assert_int_not_equal(all[i].id, all[k].id);
}

/* Three frames at 29.97 are 100.1 ms: seams and what is told of them are computed from cumulative times alike. */
static void breaks_are_at_the_ticks_of_seams(void **state) {
        g_autoptr(GPtrArray) blocks = blocks_of("CMCMCMCMCM");
        const FrameClock frames = {EPOCH_UTC_MS, {30000, 1001}};
        g_auto(Outlook) outlook = outlook_of(blocks, &frames);
        for (guint i = 0; i < outlook.breaks->len; i++) {
                const OutputBreak *it = &g_array_index(outlook.breaks, OutputBreak, i);
                assert_int_equal(it->start_tick, rv_tick_at_ms(1000 + 2000 * i, frames.rate));
                assert_int_equal(it->end_tick, rv_tick_at_ms(2000 + 2000 * i, frames.rate));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(INV_CONTROL_008_a_break_is_from_the_first_spot_to_the_last_and_its_pads),
                cmocka_unit_test(INV_CONTROL_008_time_without_a_plan_ends_a_break),
                cmocka_unit_test(INV_CONTROL_008_ids_outlive_a_join),
                cmocka_unit_test(INV_CONTROL_008_breaks_of_a_block_have_different_ids),
                cmocka_unit_test(breaks_are_at_the_ticks_of_seams),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
