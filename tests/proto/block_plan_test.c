#include "tests/support/cmocka.h"

#include <string.h>

#include "proto/base/id.h"
#include "proto/block_plan/block_plan.h"
#include "tests/support/chance.h"

#define START_UTC_MS INT64_C(1795406400000)
#define HOUR_MS INT64_C(3600000)
#define N_SEGMENTS 4
#define PAD 3

/* Content, commercial, content, pad: 600 + 30 + 500 + 70 seconds. */
static BlockPlan *block_new(void) {
        static const int64_t durations_ms[N_SEGMENTS] = {600000, 30000, 500000, 70000};
        static const SegmentType types[N_SEGMENTS] = {SEGMENT_CONTENT, SEGMENT_COMMERCIAL, SEGMENT_CONTENT,
                                                      SEGMENT_PAD};
        BlockPlan *block = block_plan_new("retro-20261123-0600", "retro", "Tales & Tails", START_UTC_MS,
                                          START_UTC_MS + 1200000, N_SEGMENTS);
        for (int i = 0; i < N_SEGMENTS; i++) {
                BlockSegment *segment = &block->segments[i];
                char uuid[RV_UUID_SIZE];
                rv_uuid_random(uuid);
                segment->type = types[i];
                g_autofree char *event_id = g_strdup_printf("event-%d", i), *title = g_strdup_printf("part %d", i);
                segment->event_id = block_plan_text(block, event_id);
                segment->segment_uuid = block_plan_text(block, uuid);
                segment->title = block_plan_text(block, title);
                segment->duration_ms = durations_ms[i];
                segment->gain_millibel = -350;
                segment->fade_in_ms = 500;
                segment->fade_out_ms = 400;
                if (types[i] == SEGMENT_PAD)
                        continue;
                g_autofree char *uri = g_strdup_printf("/media/clip %d.mkv", i);
                segment->asset_uuid = "123e4567-e89b-42d3-a456-426614174000";
                segment->asset_uri = block_plan_text(block, uri);
                segment->asset_start_offset_ms = i * 1000;
                segment->logo = types[i] == SEGMENT_CONTENT;
                if (types[i] != SEGMENT_CONTENT)
                        continue;
                static const BlockSnipe snipes[] = {{5000, 8000, "Tales & Tails", NULL},
                                                    {400000, 10000, "Late News", "Next at 21:30"}};
                segment->n_snipes = G_N_ELEMENTS(snipes);
                segment->snipes = block_plan_snipes(block, snipes, segment->n_snipes);
        }
        return block;
}

static int set_up_block(void **state) {
        *state = block_new();
        return 0;
}

static int tear_down_block(void **state) {
        block_plan_unref(*state);
        return 0;
}

static void check_fault(const BlockPlan *block, BlockPlanFault expected) {
        g_autofree char *detail = NULL;
        const BlockPlanFault fault = block_plan_validate(block, &detail);
        if (fault != expected)
                fail_msg("%s instead of %s: %s", block_plan_fault_name(fault), block_plan_fault_name(expected), detail);
        assert_int_equal(block_plan_validate(block, NULL), expected);
        assert_int_equal(detail == NULL, expected == BLOCK_PLAN_OK);
        assert_true(!detail || g_utf8_validate(detail, -1, NULL));
}

static void set_long(BlockPlan *block, const char **string, gsize size) {
        g_autofree char *value = g_strnfill(size, 'x');
        *string = block_plan_text(block, value);
}

static void a_good_block_is_good(void **state) {
        check_fault(*state, BLOCK_PLAN_OK);
}

static void INV_BLOCK_PLAN_001_segments_tile_the_window(void **state) {
        BlockPlan *block = *state;
        block->segments[2].duration_ms++;
        check_fault(block, BLOCK_PLAN_BAD_SUM);
        block->segments[2].duration_ms -= 2;
        check_fault(block, BLOCK_PLAN_BAD_SUM);
        block->segments[2].duration_ms = INT64_MAX; /* no overflow into a sum that fits */
        block->segments[PAD].duration_ms = INT64_MAX;
        check_fault(block, BLOCK_PLAN_BAD_SUM);
        block->segments[2].duration_ms = 0;
        check_fault(block, BLOCK_PLAN_BAD_DURATION);
        block->segments[2].duration_ms = -500000;
        check_fault(block, BLOCK_PLAN_BAD_DURATION);
}

static void INV_BLOCK_PLAN_001_indexes_count_up_from_0(void **state) {
        BlockPlan *block = *state;
        block->segments[1].index = 2;
        check_fault(block, BLOCK_PLAN_BAD_INDEX);
        for (int i = 0; i < N_SEGMENTS; i++)
                block->segments[i].index = i + 1;
        check_fault(block, BLOCK_PLAN_BAD_INDEX);
}

static void check_window(int64_t start_utc_ms, int64_t end_utc_ms, BlockPlanFault expected) {
        g_autoptr(BlockPlan) block = block_new();
        block->start_utc_ms = start_utc_ms;
        block->end_utc_ms = end_utc_ms;
        check_fault(block, expected);
}

static void INV_BLOCK_PLAN_002_windows_are_bounded(void **state) {
        check_window(START_UTC_MS, START_UTC_MS, BLOCK_PLAN_BAD_WINDOW);
        check_window(START_UTC_MS, START_UTC_MS - 1, BLOCK_PLAN_BAD_WINDOW);
        check_window(START_UTC_MS, START_UTC_MS + 26 * HOUR_MS, BLOCK_PLAN_BAD_SUM);
        check_window(START_UTC_MS, START_UTC_MS + 26 * HOUR_MS + 1, BLOCK_PLAN_BAD_WINDOW);
        check_window(INT64_MIN, INT64_MAX, BLOCK_PLAN_BAD_WINDOW);
        check_window(INT64_MAX, INT64_MIN, BLOCK_PLAN_BAD_WINDOW);
        check_window(-600000, 600000, BLOCK_PLAN_OK);
}

static void INV_BLOCK_PLAN_002_ids_and_titles_are_bounded(void **state) {
        BlockPlan *block = *state;
        set_long(block, &block->block_id, 200);
        set_long(block, &block->title, 1000);
        block->segments[0].title = NULL;
        check_fault(block, BLOCK_PLAN_OK);
        set_long(block, &block->segments[1].title, 1001);
        check_fault(block, BLOCK_PLAN_BAD_TITLE);
        block->segments[1].title = "\xff";
        check_fault(block, BLOCK_PLAN_BAD_TITLE);
        block->segments[1].title = "";
        set_long(block, &block->title, 1001);
        check_fault(block, BLOCK_PLAN_BAD_TITLE);

        set_long(block, &block->block_id, 201);
        check_fault(block, BLOCK_PLAN_BAD_ID);
        block->block_id = "";
        check_fault(block, BLOCK_PLAN_BAD_ID);
        block->block_id = NULL;
        check_fault(block, BLOCK_PLAN_BAD_ID);
        block->block_id = "caf\xe9"; /* and the sentence that quotes it is UTF-8 all the same */
        check_fault(block, BLOCK_PLAN_BAD_ID);
        block->block_id = "b";
        block->channel_id = "";
        check_fault(block, BLOCK_PLAN_BAD_ID);
}

static BlockPlan *block_of(uint32_t n_segments) {
        BlockPlan *block = block_plan_new("b", "c", NULL, 0, (int64_t)MAX(n_segments, 1) * 1000, n_segments);
        for (uint32_t i = 0; i < n_segments; i++) {
                char uuid[RV_UUID_SIZE];
                rv_uuid_random(uuid);
                block->segments[i].type = SEGMENT_PAD;
                block->segments[i].event_id = "e";
                block->segments[i].segment_uuid = block_plan_text(block, uuid);
                block->segments[i].duration_ms = 1000;
        }
        return block;
}

static void INV_BLOCK_PLAN_002_segments_are_bounded(void **state) {
        static const struct {
                uint32_t n_segments;
                BlockPlanFault expected;
        } cases[] = {
                {0, BLOCK_PLAN_NO_SEGMENTS}, {1, BLOCK_PLAN_OK}, {4096, BLOCK_PLAN_OK}, {4097, BLOCK_PLAN_NO_SEGMENTS}};
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(BlockPlan) block = block_of(cases[i].n_segments);
                check_fault(block, cases[i].expected);
        }
}

static void INV_BLOCK_PLAN_003_every_segment_can_be_traced(void **state) {
        BlockPlan *block = *state;
        block->segments[2].segment_uuid = block->segments[0].segment_uuid;
        check_fault(block, BLOCK_PLAN_BAD_SEGMENT_ID);
        block->segments[2].segment_uuid = "123E4567-E89B-42D3-A456-426614174000";
        check_fault(block, BLOCK_PLAN_BAD_SEGMENT_ID);
        block->segments[2].segment_uuid = NULL;
        check_fault(block, BLOCK_PLAN_BAD_SEGMENT_ID);
        block->segments[2].segment_uuid = "123e4567-e89b-42d3-a456-426614174000";
        check_fault(block, BLOCK_PLAN_OK);
        block->segments[2].event_id = "";
        check_fault(block, BLOCK_PLAN_BAD_SEGMENT_ID);
        block->segments[2].event_id = NULL;
        check_fault(block, BLOCK_PLAN_BAD_SEGMENT_ID);
}

static void check_asset(int position, const char *uuid, const char *uri, BlockPlanFault expected) {
        g_autoptr(BlockPlan) block = block_new();
        block->segments[position].asset_uuid = uuid;
        block->segments[position].asset_uri = uri;
        check_fault(block, expected);
}

static void INV_BLOCK_PLAN_003_all_but_pad_has_an_asset(void **state) {
        check_asset(0, "id", "/a", BLOCK_PLAN_OK);
        check_asset(0, NULL, "/a", BLOCK_PLAN_BAD_ASSET);
        check_asset(0, "", "/a", BLOCK_PLAN_BAD_ASSET);
        check_asset(0, "id", NULL, BLOCK_PLAN_BAD_ASSET);
        check_asset(0, "id", "a", BLOCK_PLAN_BAD_ASSET);
        check_asset(0, "id", "", BLOCK_PLAN_BAD_ASSET);
        check_asset(0, "id", "/caf\xe9", BLOCK_PLAN_BAD_ASSET);
        check_asset(0, "\xff", "/a", BLOCK_PLAN_BAD_ASSET);
        check_asset(PAD, "id", NULL, BLOCK_PLAN_BAD_ASSET);
        check_asset(PAD, NULL, "/a", BLOCK_PLAN_BAD_ASSET);
        check_asset(PAD, NULL, NULL, BLOCK_PLAN_OK);
}

static void check_values(int position, int64_t offset_ms, int32_t gain, int32_t in_ms, int32_t out_ms,
                         BlockPlanFault expected) {
        g_autoptr(BlockPlan) block = block_new();
        BlockSegment *segment = &block->segments[position];
        segment->asset_start_offset_ms = offset_ms;
        segment->gain_millibel = gain;
        segment->fade_in_ms = in_ms;
        segment->fade_out_ms = out_ms;
        check_fault(block, expected);
}

static void INV_BLOCK_PLAN_004_values_can_be_executed(void **state) {
        check_values(1, 0, -6000, 0, 0, BLOCK_PLAN_OK);
        check_values(1, 1000 * HOUR_MS, 2400, 15000, 15000, BLOCK_PLAN_OK);
        check_values(1, -1, 0, 0, 0, BLOCK_PLAN_BAD_OFFSET);
        check_values(1, 1000 * HOUR_MS + 1, 0, 0, 0, BLOCK_PLAN_BAD_OFFSET);
        check_values(PAD, 1, 0, 0, 0, BLOCK_PLAN_BAD_OFFSET);
        check_values(1, 0, -6001, 0, 0, BLOCK_PLAN_BAD_GAIN);
        check_values(1, 0, 2401, 0, 0, BLOCK_PLAN_BAD_GAIN);
        check_values(1, 0, 0, -1, 0, BLOCK_PLAN_BAD_FADE);
        check_values(1, 0, 0, 0, -1, BLOCK_PLAN_BAD_FADE);
        check_values(1, 0, 0, 15000, 15001, BLOCK_PLAN_BAD_FADE);
        check_values(1, 0, 0, INT32_MAX, INT32_MAX, BLOCK_PLAN_BAD_FADE);
}

static void check_snipe(int position, BlockSnipe first, BlockSnipe second, BlockPlanFault expected) {
        g_autoptr(BlockPlan) block = block_new();
        const BlockSnipe snipes[] = {first, second};
        block->segments[position].n_snipes = second.headline ? 2 : 1;
        block->segments[position].snipes = snipes;
        check_fault(block, expected);
}

static void INV_BLOCK_PLAN_004_snipes_fit_their_segment(void **state) {
        const BlockSnipe none = {0};
        check_snipe(1, (BlockSnipe){0, 30000, "x", NULL}, none, BLOCK_PLAN_OK);
        check_snipe(1, (BlockSnipe){1, 30000, "x", NULL}, none, BLOCK_PLAN_BAD_SNIPE);
        check_snipe(1, (BlockSnipe){-1, 10, "x", NULL}, none, BLOCK_PLAN_BAD_SNIPE);
        check_snipe(1, (BlockSnipe){30001, 1, "x", NULL}, none, BLOCK_PLAN_BAD_SNIPE);
        check_snipe(1, (BlockSnipe){30000, 0, "x", NULL}, none, BLOCK_PLAN_BAD_SNIPE);
        check_snipe(1, (BlockSnipe){1, INT64_MAX, "x", NULL}, none, BLOCK_PLAN_BAD_SNIPE);
        check_snipe(1, (BlockSnipe){0, 10, "", "x"}, none, BLOCK_PLAN_BAD_SNIPE);
        check_snipe(1, (BlockSnipe){0, 10, "\xff", NULL}, none, BLOCK_PLAN_BAD_SNIPE);
        check_snipe(PAD, (BlockSnipe){0, 10, "x", NULL}, none, BLOCK_PLAN_BAD_SNIPE);
        check_snipe(1, (BlockSnipe){0, 10, "x", NULL}, (BlockSnipe){10, 10, "y", NULL}, BLOCK_PLAN_OK);
        check_snipe(1, (BlockSnipe){0, 10, "x", NULL}, (BlockSnipe){9, 10, "y", NULL}, BLOCK_PLAN_BAD_SNIPE);
}

static void INV_BLOCK_PLAN_006_snipes_keep_their_time_of_day(void **state) {
        const BlockPlan *block = *state;
        g_autoptr(BlockPlan) joined = block_plan_join(block, block->start_utc_ms + 404000);
        assert_int_equal(joined->segments[0].n_snipes, 1);
        assert_int_equal(joined->segments[0].snipes[0].start_ms, 0);
        assert_int_equal(joined->segments[0].snipes[0].duration_ms, 6000);
        assert_string_equal(joined->segments[0].snipes[0].detail, "Next at 21:30");
        assert_int_equal(joined->segments[2].n_snipes, 2);
        assert_int_equal(joined->segments[2].snipes[1].start_ms, 400000);
        assert_true(joined->segments[0].logo);
}

static void INV_BLOCK_PLAN_004_types_are_known(void **state) {
        BlockPlan *block = *state;
        block->segments[0].type = 0;
        check_fault(block, BLOCK_PLAN_BAD_TYPE);
        block->segments[0].type = SEGMENT_PAD + 1;
        check_fault(block, BLOCK_PLAN_BAD_TYPE);
        block->segments[0].type = (SegmentType)-1;
        check_fault(block, BLOCK_PLAN_BAD_TYPE);
}

static void joining_at_the_start_is_the_block_itself(void **state) {
        BlockPlan *block = *state;
        g_autoptr(BlockPlan) joined = block_plan_join(block, block->start_utc_ms);
        assert_ptr_equal(joined, block);
        assert_false(joined->join_in_progress);
}

static void INV_BLOCK_PLAN_006_joining_within_a_segment_trims_it(void **state) {
        BlockPlan *block = *state;
        g_autoptr(BlockPlan) joined = block_plan_join(block, block->start_utc_ms + 630000 + 499900);
        assert_int_equal(joined->n_segments, 2);
        const BlockSegment *entered = &joined->segments[0];
        assert_int_equal(entered->index, 0);
        assert_int_equal(entered->duration_ms, 100);
        assert_int_equal(entered->asset_start_offset_ms, 2000 + 499900);
        assert_int_equal(entered->fade_in_ms, 0);
        assert_int_equal(entered->fade_out_ms, 100); /* no more than is left */
        assert_int_equal(entered->gain_millibel, -350);
        assert_string_equal(entered->segment_uuid, block->segments[2].segment_uuid);
        const BlockSegment *pad = &joined->segments[1];
        assert_int_equal(pad->index, 1);
        assert_int_equal(pad->duration_ms, 70000);
        assert_int_equal(pad->fade_in_ms, 500);
        check_fault(joined, BLOCK_PLAN_OK);
}

static void INV_BLOCK_PLAN_006_joining_on_a_boundary_keeps_the_fade_in(void **state) {
        BlockPlan *block = *state;
        g_autoptr(BlockPlan) joined = block_plan_join(block, block->start_utc_ms + 600000);
        assert_int_equal(joined->n_segments, 3);
        assert_int_equal(joined->segments[0].duration_ms, 30000);
        assert_int_equal(joined->segments[0].asset_start_offset_ms, 1000);
        assert_int_equal(joined->segments[0].fade_in_ms, 500);
        assert_int_equal(joined->segments[0].fade_out_ms, 400);
}

static void INV_BLOCK_PLAN_006_pad_is_trimmed_without_an_offset(void **state) {
        BlockPlan *block = *state;
        g_autoptr(BlockPlan) joined = block_plan_join(block, block->end_utc_ms - 1);
        assert_int_equal(joined->n_segments, 1);
        assert_int_equal(joined->segments[0].duration_ms, 1);
        assert_int_equal(joined->segments[0].asset_start_offset_ms, 0);
        check_fault(joined, BLOCK_PLAN_OK);
}

static void INV_BLOCK_PLAN_005_joining_anywhere_keeps_the_end_and_what_is_shown_when(void **state) {
        BlockPlan *block = *state;
        GRand *rand = chance_new();
        for (int i = 0; i < 3000; i++) {
                const int64_t utc_ms = START_UTC_MS + g_rand_int_range(rand, 1, 1200000);
                g_autoptr(BlockPlan) joined = block_plan_join(block, utc_ms);
                check_fault(joined, BLOCK_PLAN_OK);
                assert_true(joined->join_in_progress);
                assert_int_equal(joined->start_utc_ms, utc_ms);
                assert_int_equal(joined->end_utc_ms, block->end_utc_ms);
                assert_string_equal(joined->block_id, block->block_id);
                assert_string_equal(joined->title, block->title);
                /* A second join at a later instant is the same as that one alone. */
                const int64_t later_ms = utc_ms + g_rand_int_range(rand, 0, (gint32)(block->end_utc_ms - utc_ms));
                g_autoptr(BlockPlan) again = block_plan_join(joined, later_ms);
                g_autoptr(BlockPlan) direct = block_plan_join(block, later_ms);
                g_autofree char *again_sha = block_plan_sha256(again), *direct_sha = block_plan_sha256(direct);
                assert_string_equal(again_sha, direct_sha);
        }
        g_rand_free(rand);
}

static void check_hash_sees(BlockPlan *changed, GHashTable *seen) {
        char *hex = block_plan_sha256(changed);
        assert_int_equal(strlen(hex), 64);
        assert_true(g_hash_table_add(seen, hex));
        block_plan_unref(changed);
}

#define CHANGE(statement)                                                                                              \
        do {                                                                                                           \
                BlockPlan *b = block_plan_from_message(message);                                                       \
                statement;                                                                                             \
                check_hash_sees(b, seen);                                                                              \
        } while (0)

static void INV_BLOCK_PLAN_007_the_hash_sees_every_field(void **state) {
        g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        Retrovue__Playout__V1__BlockPlan *message = block_plan_to_message(*state);
        CHANGE((void)0);
        CHANGE(b->block_id = "other");
        CHANGE(b->channel_id = "other");
        CHANGE(b->title = "other");
        CHANGE(b->start_utc_ms++);
        CHANGE(b->end_utc_ms++);
        CHANGE(b->join_in_progress = true);
        CHANGE(b->segments[1].index++);
        CHANGE(b->segments[1].type = SEGMENT_PROMO);
        CHANGE(b->segments[1].event_id = "other");
        CHANGE(b->segments[1].segment_uuid = "other");
        CHANGE(b->segments[1].asset_uuid = "other");
        CHANGE(b->segments[1].title = "other");
        CHANGE(b->segments[1].asset_uri = "other");
        CHANGE(b->segments[1].asset_start_offset_ms++);
        CHANGE(b->segments[1].duration_ms++);
        CHANGE(b->segments[1].gain_millibel++);
        CHANGE(b->segments[1].fade_in_ms++);
        CHANGE(b->segments[1].fade_out_ms++);
        CHANGE(b->segments[1].logo = true);
        CHANGE(b->segments[2].n_snipes--);
        CHANGE(((BlockSnipe *)b->segments[2].snipes)->start_ms++);
        CHANGE(((BlockSnipe *)b->segments[2].snipes)->duration_ms++);
        CHANGE(((BlockSnipe *)b->segments[2].snipes)->headline = "other");
        CHANGE(((BlockSnipe *)b->segments[2].snipes)->detail = "other");
        block_plan_message_free(message);
        assert_int_equal(g_hash_table_size(seen), 25);
}

static void INV_BLOCK_PLAN_007_the_hash_is_the_same_on_every_machine(void **state) {
        g_autoptr(BlockPlan) block = block_plan_new("b", "c", "t", 1, 2, 1);
        block->segments[0].type = SEGMENT_PAD;
        block->segments[0].event_id = "e";
        block->segments[0].segment_uuid = "123e4567-e89b-42d3-a456-426614174000";
        block->segments[0].duration_ms = 1;
        g_autofree char *hex = block_plan_sha256(block);
        assert_string_equal(hex, "9eca94e206673a56f4961410d5fc9ba3a5d30e3acc213c6d9912bd6fe07a96b4");
}

static int64_t any_number(GRand *rand) {
        const int64_t number = (int64_t)((uint64_t)g_rand_int(rand) << 32 | g_rand_int(rand));
        return number >> g_rand_int_range(rand, 0, 64);
}

static const char *any_text(BlockPlan *block, GRand *rand) {
        static const gsize sizes[] = {0, 1, 36, 127, 128, 20000};
        const gsize size = sizes[g_rand_int_range(rand, 0, G_N_ELEMENTS(sizes))];
        g_autofree char *text = g_strnfill(size, 'x');
        return size == 0 && g_rand_boolean(rand) ? NULL : block_plan_text(block, text);
}

static BlockPlan *any_block(GRand *rand) {
        BlockPlan *block =
                block_plan_new("", NULL, "t", any_number(rand), any_number(rand), g_rand_int_range(rand, 0, 9));
        block->join_in_progress = g_rand_boolean(rand);
        block->block_id = any_text(block, rand);
        for (uint32_t i = 0; i < block->n_segments; i++) {
                const BlockSnipe snipes[] = {
                        {any_number(rand), any_number(rand), any_text(block, rand), any_text(block, rand)},
                        {any_number(rand), any_number(rand), any_text(block, rand), any_text(block, rand)}};
                const uint32_t n_snipes = (uint32_t)g_rand_int_range(rand, 0, 3);
                block->segments[i] = (BlockSegment){.index = (int32_t)any_number(rand),
                                                    .type = (SegmentType)any_number(rand),
                                                    .event_id = any_text(block, rand),
                                                    .segment_uuid = any_text(block, rand),
                                                    .asset_uuid = any_text(block, rand),
                                                    .title = any_text(block, rand),
                                                    .asset_uri = any_text(block, rand),
                                                    .asset_start_offset_ms = any_number(rand),
                                                    .duration_ms = any_number(rand),
                                                    .gain_millibel = (int32_t)any_number(rand),
                                                    .fade_in_ms = (int32_t)any_number(rand),
                                                    .fade_out_ms = (int32_t)any_number(rand),
                                                    .logo = g_rand_boolean(rand),
                                                    .n_snipes = n_snipes,
                                                    .snipes = block_plan_snipes(block, snipes, n_snipes)};
        }
        return block;
}

static void INV_BLOCK_PLAN_007_the_bytes_are_those_of_the_message(void **state) {
        const guint32 seed = g_random_int();
        print_message("seed %u\n", seed);
        GRand *rand = g_rand_new_with_seed(seed);
        for (int i = 0; i < 500; i++) {
                g_autoptr(BlockPlan) block = any_block(rand);
                Retrovue__Playout__V1__BlockPlan *message = block_plan_to_message(block);
                const size_t expected_size = protobuf_c_message_get_packed_size(&message->base);
                g_autofree uint8_t *expected = g_malloc(expected_size + 1);
                protobuf_c_message_pack(&message->base, expected);
                block_plan_message_free(message);
                size_t size = 0;
                g_autofree uint8_t *bytes = block_plan_pack(block, &size);
                assert_int_equal(size, expected_size);
                assert_memory_equal(bytes, expected, size);
        }
        g_rand_free(rand);
}

static void INV_BLOCK_PLAN_008_a_message_carries_all_of_it(void **state) {
        const BlockPlan *block = *state;
        Retrovue__Playout__V1__BlockPlan *message = block_plan_to_message(block);
        g_autoptr(BlockPlan) back = block_plan_from_message(message);
        block_plan_message_free(message);
        assert_non_null(back);
        g_autofree char *before = block_plan_sha256(block), *after = block_plan_sha256(back);
        assert_string_equal(before, after);
        assert_string_equal(back->segments[2].asset_uri, "/media/clip 2.mkv");
        assert_int_equal(back->segments[2].asset_start_offset_ms, 2000);
        assert_null(back->segments[PAD].asset_uuid);
        assert_null(back->segments[PAD].asset_uri);
        check_fault(back, BLOCK_PLAN_OK);
}

/* Each string of a message in turn. */
static char **string_of(Retrovue__Playout__V1__BlockPlan *message, int n) {
        Retrovue__Playout__V1__Segment *segment = message->segments[2];
        char **const strings[] = {&message->block_id,     &message->channel_id, &message->title, &segment->event_id,
                                  &segment->segment_uuid, &segment->asset_uuid, &segment->title, &segment->asset_uri};
        return n < (int)G_N_ELEMENTS(strings) ? strings[n] : NULL;
}

static void INV_BLOCK_PLAN_008_strings_of_a_message_are_not_believed(void **state) {
        Retrovue__Playout__V1__BlockPlan *message = block_plan_to_message(*state);
        char **string;
        int n = 0;
        for (; (string = string_of(message, n)); n++) {
                char not_utf8[] = "\xc3\x28", *before = *string;
                *string = NULL;
                assert_null(block_plan_from_message(message));
                *string = not_utf8;
                assert_null(block_plan_from_message(message));
                *string = before;
        }
        assert_int_equal(n, 8);
        Retrovue__Playout__V1__Segment *segment = message->segments[1];
        message->segments[1] = NULL;
        assert_null(block_plan_from_message(message));
        message->segments[1] = segment;
        block_plan_message_free(message);
        assert_null(block_plan_from_message(NULL));
}

static void an_empty_message_is_a_block_that_breaks_rules(void **state) {
        Retrovue__Playout__V1__BlockPlan message = RETROVUE__PLAYOUT__V1__BLOCK_PLAN__INIT;
        g_autoptr(BlockPlan) block = block_plan_from_message(&message);
        assert_non_null(block);
        check_fault(block, BLOCK_PLAN_BAD_ID);
}

static void names_of_types_and_faults(void **state) {
        for (SegmentType type = SEGMENT_CONTENT; type <= SEGMENT_PAD; type++)
                assert_int_equal(segment_type_from_name(segment_type_name(type)), type);
        assert_string_equal(segment_type_name(SEGMENT_STATION_ID), "station_id");
        assert_string_equal(segment_type_name(0), "unknown");
        assert_string_equal(segment_type_name((SegmentType)-1), "unknown");
        assert_int_equal(segment_type_from_name("unknown"), 0);
        assert_int_equal(segment_type_from_name(NULL), 0);
        assert_string_equal(block_plan_fault_name(BLOCK_PLAN_OK), "ok");
        assert_string_equal(block_plan_fault_name(BLOCK_PLAN_BAD_SNIPE), "bad_snipe");
        assert_string_equal(block_plan_fault_name(BLOCK_PLAN_BAD_SNIPE + 1), "unknown");
}

static void references_keep_a_block(void **state) {
        BlockPlan *block = block_new();
        BlockPlan *other = block_plan_ref(block);
        block_plan_unref(block);
        assert_string_equal(other->channel_id, "retro");
        block_plan_unref(other);
        block_plan_unref(NULL);
}

#define with_block(test) cmocka_unit_test_setup_teardown(test, set_up_block, tear_down_block)

int main(void) {
        const struct CMUnitTest tests[] = {
                with_block(a_good_block_is_good),
                with_block(INV_BLOCK_PLAN_001_segments_tile_the_window),
                with_block(INV_BLOCK_PLAN_001_indexes_count_up_from_0),
                cmocka_unit_test(INV_BLOCK_PLAN_002_windows_are_bounded),
                with_block(INV_BLOCK_PLAN_002_ids_and_titles_are_bounded),
                cmocka_unit_test(INV_BLOCK_PLAN_002_segments_are_bounded),
                with_block(INV_BLOCK_PLAN_003_every_segment_can_be_traced),
                cmocka_unit_test(INV_BLOCK_PLAN_003_all_but_pad_has_an_asset),
                cmocka_unit_test(INV_BLOCK_PLAN_004_values_can_be_executed),
                cmocka_unit_test(INV_BLOCK_PLAN_004_snipes_fit_their_segment),
                with_block(INV_BLOCK_PLAN_006_snipes_keep_their_time_of_day),
                with_block(INV_BLOCK_PLAN_004_types_are_known),
                with_block(joining_at_the_start_is_the_block_itself),
                with_block(INV_BLOCK_PLAN_005_joining_anywhere_keeps_the_end_and_what_is_shown_when),
                with_block(INV_BLOCK_PLAN_006_joining_within_a_segment_trims_it),
                with_block(INV_BLOCK_PLAN_006_joining_on_a_boundary_keeps_the_fade_in),
                with_block(INV_BLOCK_PLAN_006_pad_is_trimmed_without_an_offset),
                with_block(INV_BLOCK_PLAN_007_the_hash_sees_every_field),
                cmocka_unit_test(INV_BLOCK_PLAN_007_the_hash_is_the_same_on_every_machine),
                cmocka_unit_test(INV_BLOCK_PLAN_007_the_bytes_are_those_of_the_message),
                with_block(INV_BLOCK_PLAN_008_a_message_carries_all_of_it),
                with_block(INV_BLOCK_PLAN_008_strings_of_a_message_are_not_believed),
                cmocka_unit_test(an_empty_message_is_a_block_that_breaks_rules),
                cmocka_unit_test(names_of_types_and_faults),
                cmocka_unit_test(references_keep_a_block),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
