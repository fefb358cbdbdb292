#include "air/queue/queue.h"
#include "tests/air/blocks.h"
#include "tests/support/cmocka.h"

#define T0 INT64_C(1800000000000)
#define MINUTE INT64_C(60000)

static QueueResult push(BlockQueue *queue, const char *id, int64_t start_utc_ms) {
        g_autoptr(BlockPlan) block = blocks_one(id, start_utc_ms, MINUTE);
        return block_queue_push(queue, block, NULL);
}

static void walk(BlockQueue *queue, const char *id) {
        g_autoptr(BlockPlan) block = block_queue_next(queue);
        assert_non_null(block);
        assert_string_equal(block->block_id, id);
}

static void INV_QUEUE_001_invalid_block_is_refused_with_its_rule(void **state) {
        g_autoptr(BlockQueue) queue = block_queue_new(BLOCKS_CHANNEL, BLOCK_QUEUE_DEPTH);
        g_autoptr(BlockPlan) block = blocks_one("a", T0, MINUTE);
        block->segments[0].duration_ms = 1;
        g_autofree char *detail = NULL;
        assert_int_equal(block_queue_push(queue, block, &detail), QUEUE_INVALID_BLOCK);
        assert_non_null(detail);
        assert_int_equal(block_queue_credits(queue), BLOCK_QUEUE_DEPTH);
        assert_null(block_queue_next(queue));
}

static void INV_QUEUE_001_other_channel_and_repeated_id_are_refused(void **state) {
        g_autoptr(BlockQueue) queue = block_queue_new("other", BLOCK_QUEUE_DEPTH);
        g_autoptr(BlockPlan) block = blocks_one("a", T0, MINUTE);
        g_autofree char *detail = NULL;
        assert_int_equal(block_queue_push(queue, block, &detail), QUEUE_INVALID_BLOCK);
        assert_non_null(strstr(detail, "other"));

        g_autoptr(BlockQueue) ours = block_queue_new(BLOCKS_CHANNEL, BLOCK_QUEUE_DEPTH);
        assert_int_equal(push(ours, "a", T0), QUEUE_OK);
        assert_int_equal(push(ours, "a", T0 + MINUTE), QUEUE_INVALID_BLOCK);
        assert_int_equal(push(ours, "b", T0 + MINUTE), QUEUE_OK);
}

static void INV_QUEUE_002_gap_and_overlap_are_refused(void **state) {
        g_autoptr(BlockQueue) queue = block_queue_new(BLOCKS_CHANNEL, BLOCK_QUEUE_DEPTH);
        assert_int_equal(push(queue, "a", T0), QUEUE_OK);
        assert_int_equal(push(queue, "gap", T0 + MINUTE + 1), QUEUE_NOT_CONTIGUOUS);
        assert_int_equal(push(queue, "overlap", T0 + MINUTE - 1), QUEUE_NOT_CONTIGUOUS);
        assert_int_equal(push(queue, "before", T0 - MINUTE), QUEUE_NOT_CONTIGUOUS);
        assert_int_equal(push(queue, "b", T0 + MINUTE), QUEUE_OK);
        assert_int_equal(block_queue_credits(queue), BLOCK_QUEUE_DEPTH - 2);
}

static void INV_QUEUE_003_after_running_dry_a_late_block_is_taken(void **state) {
        g_autoptr(BlockQueue) queue = block_queue_new(BLOCKS_CHANNEL, BLOCK_QUEUE_DEPTH);
        assert_int_equal(push(queue, "a", T0), QUEUE_OK);
        walk(queue, "a");
        block_queue_pop(queue);
        assert_int_equal(push(queue, "back", T0), QUEUE_NOT_CONTIGUOUS);
        assert_int_equal(push(queue, "later", T0 + 3 * MINUTE), QUEUE_OK);
        assert_int_equal(push(queue, "gap", T0 + 5 * MINUTE), QUEUE_NOT_CONTIGUOUS);
        assert_int_equal(push(queue, "next", T0 + 4 * MINUTE), QUEUE_OK);
}

static void INV_QUEUE_004_full_is_said_and_credits_count_places(void **state) {
        g_autoptr(BlockQueue) queue = block_queue_new(BLOCKS_CHANNEL, 3);
        assert_int_equal(block_queue_depth(queue), 3);
        assert_int_equal(push(queue, "a", T0), QUEUE_OK);
        assert_int_equal(push(queue, "b", T0 + MINUTE), QUEUE_OK);
        assert_int_equal(block_queue_credits(queue), 1);
        assert_int_equal(push(queue, "c", T0 + 2 * MINUTE), QUEUE_OK);
        assert_int_equal(block_queue_credits(queue), 0);
        assert_int_equal(push(queue, "d", T0 + 3 * MINUTE), QUEUE_FULL);
        walk(queue, "a");
        block_queue_pop(queue);
        assert_int_equal(block_queue_credits(queue), 1);
        assert_int_equal(push(queue, "d", T0 + 3 * MINUTE), QUEUE_OK);
}

static void INV_RUNWAY_MIN_001_depth_is_at_least_three(void **state) {
        assert_true(BLOCK_QUEUE_DEPTH >= 3);
        g_autoptr(BlockQueue) queue = block_queue_new(BLOCKS_CHANNEL, BLOCK_QUEUE_DEPTH);
        assert_true(block_queue_credits(queue) >= 3);
}

static void INV_QUEUE_005_each_block_is_walked_once_and_in_order(void **state) {
        g_autoptr(BlockQueue) queue = block_queue_new(BLOCKS_CHANNEL, 3);
        int64_t start_utc_ms = T0;
        for (int i = 0; i < 50; i++) {
                g_autofree char *id = g_strdup_printf("block-%d", i);
                assert_int_equal(push(queue, id, start_utc_ms), QUEUE_OK);
                start_utc_ms += MINUTE;
                walk(queue, id);
                assert_null(block_queue_next(queue));
                if (i > 0)
                        block_queue_pop(queue);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(INV_QUEUE_001_invalid_block_is_refused_with_its_rule),
                cmocka_unit_test(INV_QUEUE_001_other_channel_and_repeated_id_are_refused),
                cmocka_unit_test(INV_QUEUE_002_gap_and_overlap_are_refused),
                cmocka_unit_test(INV_QUEUE_003_after_running_dry_a_late_block_is_taken),
                cmocka_unit_test(INV_QUEUE_004_full_is_said_and_credits_count_places),
                cmocka_unit_test(INV_RUNWAY_MIN_001_depth_is_at_least_three),
                cmocka_unit_test(INV_QUEUE_005_each_block_is_walked_once_and_in_order),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
