/* Which captions of the pictures of a file the ticks of a segment carry. */
#include "tests/air/producer_rig.h"

#define STYLE 0x9429
#define MAX_PAIRS 400

typedef struct {
        uint16_t pairs[MAX_PAIRS]; /* of field 1, without nulls */
        int64_t ticks[MAX_PAIRS];
        int n;
} Heard;

static uint16_t numbered(int i) {
        return (uint16_t)((0x20 + i / 64) << 8 | (0x20 + i % 64));
}

static void note(Heard *heard, const Cell *cell) {
        for (size_t at = 0; at < cell->captions.size; at += CAPTIONS_TRIPLET) {
                const uint8_t *triplet = cell->captions.bytes + at;
                const uint16_t pair = (uint16_t)(triplet[1] << 8 | triplet[2]);
                if (triplet[0] != 0xfc || pair == 0x8080)
                        continue;
                g_assert(heard->n < MAX_PAIRS);
                heard->ticks[heard->n] = cell->tick;
                heard->pairs[heard->n++] = pair;
        }
}

static void hear(Rig *rig, int64_t from, int64_t to, Heard *heard) {
        *heard = (Heard){0};
        rig_seek(rig, from);
        for (int64_t k = from; k < to; k++) {
                assert_int_equal(rig_make(rig, k), SOURCE_CELL);
                note(heard, &rig->cell);
        }
}

/* All pairs of the file from the first one on, each once, in order, soon after their pictures. */
static void assert_whole(const Heard *heard, int n_pairs, int pairs_a_second, RvRational house) {
        assert_int_equal(heard->n, n_pairs);
        for (int i = 0; i < n_pairs; i++) {
                assert_int_equal(heard->pairs[i], i < 2 ? STYLE : numbered(i));
                const int64_t due = (int64_t)i * house.num / house.den / pairs_a_second;
                assert_in_range(heard->ticks[i] - due + 1, 0, 5);
        }
}

static void INV_PRODUCER_030_pictures_shown_twice_say_it_once(void **state) {
        g_autofree char *path = rig_clip("captions24.mkv");
        const RvRational houses[] = {{60, 1}, {30000, 1001}, {25, 1}, {24, 1}};
        for (size_t i = 0; i < G_N_ELEMENTS(houses); i++) {
                Heard heard;
                g_autoptr(Rig) rig =
                        rig_new(&(RigSpec){.path = path, .duration_ms = 6000, .rate = houses[i], .start_tick = 100});
                assert_non_null(rig->source);
                hear(rig, 0, rv_tick_at_ms(4900, houses[i]), &heard);
                for (int j = 0; j < heard.n; j++)
                        heard.ticks[j] -= 100;
                assert_true(heard.n > 110);
                assert_whole(&heard, heard.n, 24, houses[i]);
        }
}

static void INV_PRODUCER_030_pictures_left_out_say_it_too(void **state) {
        g_autofree char *path = rig_clip("captions60.mp4");
        Heard heard;
        g_autoptr(Rig) rig = rig_new(&(RigSpec){.path = path, .duration_ms = 6000, .rate = {30, 1}});
        assert_non_null(rig->source);
        hear(rig, 0, 149, &heard);
        assert_true(heard.n > 140);
        assert_whole(&heard, heard.n, 30, (RvRational){30, 1});
}

static void INV_PRODUCER_030_what_was_said_before_the_beginning_is_left_out(void **state) {
        g_autofree char *path = rig_clip("captions24.mkv");
        Heard heard;
        g_autoptr(Rig) late =
                rig_new(&(RigSpec){.path = path, .duration_ms = 4000, .rate = {24, 1}, .offset_ms = 1000});
        assert_non_null(late->source);
        hear(late, 0, 90, &heard);
        assert_int_equal(heard.n, 0); /* the style was said before: whose it is nobody knows */
        g_autoptr(Rig) again = rig_new(&(RigSpec){.path = path, .duration_ms = 4000, .rate = {24, 1}});
        hear(again, 50, 90, &heard);
        assert_int_equal(heard.n, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(INV_PRODUCER_030_pictures_shown_twice_say_it_once),
                cmocka_unit_test(INV_PRODUCER_030_pictures_left_out_say_it_too),
                cmocka_unit_test(INV_PRODUCER_030_what_was_said_before_the_beginning_is_left_out),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
