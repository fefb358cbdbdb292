#include "core/sequence_store.h"

#include "core/base/store.h"
#include "tests/support/cmocka.h"
#include "tests/support/temp_dir.h"

typedef struct {
        char *dir, *path;
        Clerk *clerk;
        SequenceStore *sequences;
} World;

static void open_world(World *world) {
        world->clerk = clerk_start(NULL);
        world->sequences = sequence_store_new(world->path, world->clerk, NULL);
        assert_non_null(world->sequences);
}

/* Core ends, or is killed after what the clerk was asked for has reached the disk. */
static void close_world(World *world) {
        clerk_free(world->clerk);
        sequence_store_free(world->sequences);
}

static int set_up(void **state) {
        World *world = g_new0(World, 1);
        world->dir = temp_dir_new();
        world->path = g_build_filename(world->dir, "retrovue.db", NULL);
        open_world(world);
        *state = world;
        return 0;
}

static int tear_down(void **state) {
        World *world = *state;
        close_world(world);
        temp_dir_free(world->dir);
        g_free(world->path);
        g_free(world);
        return 0;
}

typedef struct {
        int64_t sequence, discontinuity;
} Numbers;

static Numbers reserve(World *world, const char *channel_id) {
        Numbers numbers = {-1, -1};
        sequence_store_reserve(world->sequences, channel_id, &numbers.sequence, &numbers.discontinuity);
        return numbers;
}

static void a_new_channel_begins_at_0(void **state) {
        Numbers numbers = reserve(*state, "retro");
        assert_int_equal(numbers.sequence, 0);
        assert_int_equal(numbers.discontinuity, 0);
}

/* Any number of segments and sessions: what the next run may use was never used. */
static void no_number_comes_twice_over_restarts(void **state) {
        World *world = *state;
        int64_t used_sequence = -1, used_discontinuity = -1;
        for (int run = 0; run < 5; run++) {
                Numbers numbers = reserve(world, "retro");
                assert_true(numbers.sequence > used_sequence);
                assert_true(numbers.discontinuity > used_discontinuity);
                for (int i = 0; i < run * 4000; i++) {
                        used_sequence = numbers.sequence + i;
                        used_discontinuity = numbers.discontinuity + i * 2 / 3;
                        sequence_store_note(world->sequences, "retro", used_sequence + 1, used_discontinuity);
                }
                close_world(world);
                open_world(world);
        }
}

/* A channel that is removed and comes back within a run has new streams, whose numbers are new, too. */
static void no_number_comes_twice_within_a_run(void **state) {
        World *world = *state;
        Numbers first = reserve(world, "retro");
        sequence_store_note(world->sequences, "retro", first.sequence + 100, first.discontinuity + 1);
        Numbers second = reserve(world, "retro");
        assert_true(second.sequence >= first.sequence + 100);
        assert_true(second.discontinuity > first.discontinuity + 1);
}

static void channels_are_apart(void **state) {
        World *world = *state;
        (void)reserve(world, "retro");
        (void)reserve(world, "retro");
        assert_int_equal(reserve(world, "prime").sequence, 0);
}

/* A crash before the clerk has written anything of this run: the chunk was taken when the store was opened. */
static void an_unwritten_reservation_is_not_given_out_again(void **state) {
        World *world = *state;
        Numbers first = reserve(world, "retro");
        close_world(world);
        open_world(world);
        Numbers used = reserve(world, "retro");
        assert_true(used.sequence > first.sequence);
        Clerk *clerk = clerk_start(NULL);
        SequenceStore *next_run = sequence_store_new(world->path, clerk, NULL);
        int64_t sequence, discontinuity;
        sequence_store_reserve(next_run, "retro", &sequence, &discontinuity);
        assert_true(sequence > used.sequence);
        assert_true(discontinuity > used.discontinuity);
        clerk_free(clerk);
        sequence_store_free(next_run);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(a_new_channel_begins_at_0),
                TEST(no_number_comes_twice_over_restarts),
                TEST(no_number_comes_twice_within_a_run),
                TEST(channels_are_apart),
                TEST(an_unwritten_reservation_is_not_given_out_again),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
