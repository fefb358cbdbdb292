/* Where a session enters a block: a little earlier than asked for, where that spares decoding; what airs is the plan.
 */
#include "core/play/feed/join.h"
#include "tests/support/chance.h"
#include "tests/support/cmocka.h"

#define NOON INT64_C(1795262400000)
#define UUID "00000000-0000-4000-8000-%012u"
#define MAX_SEGMENTS 6
#define GOP_MS 4171

/* Key pictures each gop_ms, or nothing known. */
static int64_t each_gop(void *user, const char *asset_uuid, int64_t at_ms) {
        const int64_t *gop_ms = user;
        assert_non_null(asset_uuid);
        assert_true(at_ms >= 0);
        return *gop_ms > 0 ? at_ms / *gop_ms * *gop_ms : -1;
}

static void fill(BlockPlan *block, uint32_t i, int64_t offset_ms, int64_t duration_ms) {
        BlockSegment *segment = &block->segments[i];
        g_autofree char *uuid = g_strdup_printf(UUID, i);
        const bool pad = offset_ms < 0;
        segment->type = pad ? SEGMENT_PAD : SEGMENT_CONTENT;
        segment->event_id = segment->segment_uuid = block_plan_text(block, uuid);
        segment->asset_uuid = pad ? NULL : segment->segment_uuid;
        segment->asset_uri = pad ? NULL : "/media/film.mkv";
        segment->title = "title";
        segment->asset_start_offset_ms = MAX(offset_ms, 0);
        segment->duration_ms = duration_ms;
}

/* One segment of a minute, which begins offset_ms into its file. */
static int64_t earlier(int64_t offset_ms, int64_t elapsed_ms, int64_t gop_ms) {
        g_autoptr(BlockPlan) block = block_plan_new("block", "retro", "Show", NOON, NOON + 60000, 1);
        fill(block, 0, offset_ms, 60000);
        return elapsed_ms - (join_instant(block, NOON + elapsed_ms, (JoinKeys){each_gop, &gop_ms}) - NOON);
}

static void INV_JIP_KEY_001_enters_right_behind_a_key_picture(void **state) {
        assert_int_equal(earlier(600000, 10000, GOP_MS), 610000 - (146 * GOP_MS + JOIN_BEHIND_KEY_MS));
        assert_int_equal(earlier(GOP_MS, 5000, GOP_MS), 5000 - GOP_MS - JOIN_BEHIND_KEY_MS);
        assert_int_equal(earlier(GOP_MS, GOP_MS + JOIN_BEHIND_KEY_MS, GOP_MS), 0); /* there already */
        assert_int_equal(earlier(GOP_MS, GOP_MS + JOIN_BEHIND_KEY_MS - 1, GOP_MS), GOP_MS - 1);
}

static void INV_JIP_KEY_001_enters_at_the_segments_start_when_that_is_nearer(void **state) {
        assert_int_equal(earlier(3 * GOP_MS + 2000, 1500, GOP_MS), 1500);
        assert_int_equal(earlier(3 * GOP_MS - 100, 250, GOP_MS), 250); /* a key picture is too near to be used */
        assert_int_equal(earlier(0, 3000, GOP_MS), 3000);              /* the file's start needs no decoding */
        assert_int_equal(earlier(0, 100, GOP_MS), 100);
}

static void INV_JIP_KEY_001_stays_where_it_is_when_that_is_far(void **state) {
        assert_int_equal(earlier(600000, 9000, 600000), 0);
        assert_int_equal(earlier(600000, JOIN_MAX_EARLIER_MS, 600000), JOIN_MAX_EARLIER_MS - JOIN_BEHIND_KEY_MS);
        assert_int_equal(earlier(600000, JOIN_MAX_EARLIER_MS + JOIN_BEHIND_KEY_MS + 1, 600000), 0);
}

static void INV_JIP_KEY_001_stays_where_nothing_is_known(void **state) {
        assert_int_equal(earlier(600000, 9000, -1), 0);
        assert_int_equal(earlier(-1, 9000, GOP_MS), 0); /* pad */
        g_autoptr(BlockPlan) block = block_plan_new("block", "retro", "Show", NOON, NOON + 60000, 1);
        fill(block, 0, 600000, 60000);
        assert_int_equal(join_instant(block, NOON + 9000, (JoinKeys){0}), NOON + 9000);
}

/* --- whatever the block ------------------------------------------------------------------------------------------ */

static BlockPlan *random_block(GRand *rand) {
        const uint32_t n = (uint32_t)g_rand_int_range(rand, 1, MAX_SEGMENTS + 1);
        int32_t lengths_ms[MAX_SEGMENTS];
        int64_t end_utc_ms = NOON;
        for (uint32_t i = 0; i < n; i++)
                end_utc_ms += lengths_ms[i] = g_rand_int_range(rand, 1, g_rand_boolean(rand) ? 2000 : 60000);
        BlockPlan *block = block_plan_new("block", "retro", "Show", NOON, end_utc_ms, n);
        for (uint32_t i = 0; i < n; i++)
                fill(block, i, g_rand_int_range(rand, -1, 3) * g_rand_int_range(rand, 0, 100000), lengths_ms[i]);
        return block;
}

/* What is on the air at an instant: whose segment, and where in its file. */
typedef struct {
        const char *segment_uuid;
        int64_t at_ms;
} OnAir;

static OnAir on_air(const BlockPlan *block, int64_t utc_ms) {
        int64_t start_utc_ms = block->start_utc_ms;
        for (uint32_t i = 0; i < block->n_segments; i++) {
                const BlockSegment *segment = &block->segments[i];
                if (utc_ms < start_utc_ms + segment->duration_ms)
                        return (OnAir){segment->segment_uuid,
                                       segment->type == SEGMENT_PAD
                                               ? 0
                                               : segment->asset_start_offset_ms + utc_ms - start_utc_ms};
                start_utc_ms += segment->duration_ms;
        }
        fail_msg("nothing is on the air at %+d ms", (int)(utc_ms - block->start_utc_ms));
        return (OnAir){0};
}

static void assert_same_from(const BlockPlan *joined, const BlockPlan *block, int64_t utc_ms) {
        const OnAir planned = on_air(block, utc_ms), airs = on_air(joined, utc_ms);
        assert_string_equal(airs.segment_uuid, planned.segment_uuid);
        assert_int_equal(airs.at_ms, planned.at_ms);
}

static void INV_JIP_KEY_001_whatever_the_block_what_airs_is_the_plan(void **state) {
        g_autoptr(GRand) rand = chance_new();
        for (int round = 0; round < 3000; round++) {
                g_autoptr(BlockPlan) block = random_block(rand);
                const int64_t length_ms = block->end_utc_ms - NOON;
                const int64_t asked_utc_ms = NOON + g_rand_int_range(rand, 0, (gint32)length_ms);
                int64_t gop_ms = g_rand_int_range(rand, -1, 12000);
                const int64_t utc_ms = join_instant(block, asked_utc_ms, (JoinKeys){each_gop, &gop_ms});
                assert_true(utc_ms <= asked_utc_ms && utc_ms >= asked_utc_ms - JOIN_MAX_EARLIER_MS);
                assert_true(utc_ms >= NOON);
                assert_string_equal(on_air(block, utc_ms).segment_uuid, on_air(block, asked_utc_ms).segment_uuid);

                g_autoptr(BlockPlan) joined = block_plan_join(block, utc_ms);
                assert_int_equal(block_plan_validate(joined, NULL), BLOCK_PLAN_OK);
                assert_int_equal(joined->start_utc_ms, utc_ms);
                assert_int_equal(joined->end_utc_ms, block->end_utc_ms);
                for (int i = 0; i < 20; i++)
                        assert_same_from(joined, block,
                                         g_rand_int_range(rand, (gint32)(utc_ms - NOON), (gint32)length_ms) + NOON);
                assert_same_from(joined, block, asked_utc_ms);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(INV_JIP_KEY_001_enters_right_behind_a_key_picture),
                cmocka_unit_test(INV_JIP_KEY_001_enters_at_the_segments_start_when_that_is_nearer),
                cmocka_unit_test(INV_JIP_KEY_001_stays_where_it_is_when_that_is_far),
                cmocka_unit_test(INV_JIP_KEY_001_stays_where_nothing_is_known),
                cmocka_unit_test(INV_JIP_KEY_001_whatever_the_block_what_airs_is_the_plan),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
