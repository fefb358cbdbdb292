/* Bytes -> message -> block -> verdict; what passes is joined in progress and must still be a good block. */
#include "proto/block_plan/block_plan.h"
#include "tests/fuzz/fuzz.h"

#define JOINS 7

static void check_round_trip(const BlockPlan *block) {
        Retrovue__Playout__V1__BlockPlan *message = block_plan_to_message(block);
        g_autoptr(BlockPlan) back = block_plan_from_message(message);
        block_plan_message_free(message);
        g_assert(back);
        g_autofree char *before = block_plan_sha256(block), *after = block_plan_sha256(back);
        g_assert_cmpstr(before, ==, after);
}

static void check_joins(const BlockPlan *block) {
        const int64_t length_ms = block->end_utc_ms - block->start_utc_ms;
        for (int i = 0; i < JOINS; i++) {
                g_autoptr(BlockPlan) joined = block_plan_join(block, block->start_utc_ms + i * (length_ms - 1) / JOINS);
                g_autofree char *detail = NULL;
                if (block_plan_validate(joined, &detail) != BLOCK_PLAN_OK)
                        g_error("joined: %s", detail);
                g_assert_cmpint(joined->end_utc_ms, ==, block->end_utc_ms);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        Retrovue__Playout__V1__BlockPlan *message = retrovue__playout__v1__block_plan__unpack(NULL, size, data);
        if (!message)
                return 0;
        g_autoptr(BlockPlan) block = block_plan_from_message(message);
        retrovue__playout__v1__block_plan__free_unpacked(message, NULL);
        if (!block)
                return 0;
        check_round_trip(block);
        g_autofree char *detail = NULL;
        if (block_plan_validate(block, &detail) == BLOCK_PLAN_OK)
                check_joins(block);
        else
                g_assert(g_utf8_validate(detail, -1, NULL));
        return 0;
}
