#include "core/plan/transmission_log/transmission_log.h"
#include "tests/core/plan_fixture.h"
#include "tests/support/chance.h"
#include "tests/support/cmocka.h"

#define EDGE 2000 /* ms */
#define HEAD                                                                                                           \
        "channel: one\n"                                                                                               \
        "timezone: America/New_York\n"                                                                                 \
        "pools: {all: {match: {type: episode}}}\n"                                                                     \
        "schedule: {all_day: [{block: {start: \"06:00\", duration: 24h, pool: all}}]}\n"
#define LOGO "graphics: {logo: {file: logo.png, on: [content, promo], hours: "

static int set_up(void **state) {
        Fixture *fixture = g_new0(Fixture, 1);
        fixture_begin(fixture);
        g_autofree char *logo = fixture_write(fixture, "logo.png", "png");
        *state = fixture;
        return 0;
}

static int tear_down(void **state) {
        fixture_end(*state);
        g_free(*state);
        return 0;
}

static ChannelSpec *spec_of(const Fixture *fixture, const char *more) {
        g_autofree char *text = g_strconcat(HEAD, more, NULL);
        return fixture_spec(fixture, text);
}

/* --- blocks by hand -------------------------------------------------------------------------------------------------
 */

typedef struct {
        SegmentType type;
        int64_t ms;
        int32_t fade_in_ms, fade_out_ms;
} Piece;

#define N_PIECES_MAX 32

static BlockPlan *block_of(int64_t start_utc_ms, const Piece *pieces, uint32_t n) {
        int64_t length_ms = 0;
        for (uint32_t i = 0; i < n; i++)
                length_ms += pieces[i].ms;
        BlockPlan *block = block_plan_new("b", "one", "t", start_utc_ms, start_utc_ms + length_ms, n);
        for (uint32_t i = 0; i < n; i++) {
                BlockSegment *segment = &block->segments[i];
                const bool pad = pieces[i].type == SEGMENT_PAD;
                g_autofree char *id = g_strdup_printf("00000000-0000-4000-8000-%012u", i);
                *segment = (BlockSegment){.index = (int32_t)i,
                                          .type = pieces[i].type,
                                          .event_id = block_plan_text(block, id),
                                          .segment_uuid = block_plan_text(block, id),
                                          .asset_uuid = pad ? NULL : "a",
                                          .asset_uri = pad ? NULL : "/a",
                                          .title = "",
                                          .duration_ms = pieces[i].ms,
                                          .fade_in_ms = pieces[i].fade_in_ms,
                                          .fade_out_ms = pieces[i].fade_out_ms};
        }
        return block;
}

/* An hour's half: two acts, a break after each. The second begins out of black and ends in it. */
static const Piece half_hour[] = {
        {SEGMENT_BUMPER, 5000, 0, 0},       {SEGMENT_CONTENT, 595000, 0, 0},    {SEGMENT_PROMO, 30000, 0, 0},
        {SEGMENT_PAD, 500, 0, 0},           {SEGMENT_COMMERCIAL, 269500, 0, 0}, {SEGMENT_CONTENT, 540000, 4000, 6000},
        {SEGMENT_COMMERCIAL, 360000, 0, 0},
};

static BlockPlan *half_hour_at(const char *start) {
        return block_of(fixture_utc(start), half_hour, G_N_ELEMENTS(half_hour));
}

static Programme programme_of(const char *title, const char *subtitle, int64_t start_utc_ms) {
        return (Programme){.title = (char *)title, .subtitle = (char *)subtitle, .start_utc_ms = start_utc_ms};
}

static void dress(BlockPlan *block, const ChannelSpec *spec, const char *next_title, int64_t next_in_ms) {
        const Programme programme = programme_of("Taxi", "The Meter", block->start_utc_ms);
        const Programme next = programme_of(next_title, NULL, block->end_utc_ms + next_in_ms);
        transmission_log_dress(block, spec, &programme, next_title ? &next : NULL);
        g_autofree char *detail = NULL;
        if (block_plan_validate(block, &detail) != BLOCK_PLAN_OK)
                fail_msg("%s", detail);
}

/* "L" and "-" of each segment, then "segment:start+length detail|headline" of each snipe. */
static void assert_dressed(const BlockPlan *block, const char *expected) {
        g_autoptr(GString) text = g_string_new(NULL);
        for (uint32_t i = 0; i < block->n_segments; i++)
                g_string_append_c(text, block->segments[i].logo ? 'L' : '-');
        for (uint32_t i = 0; i < block->n_segments; i++)
                for (uint32_t j = 0; j < block->segments[i].n_snipes; j++) {
                        const BlockSnipe *snipe = &block->segments[i].snipes[j];
                        g_string_append_printf(text, " %u:%d+%d %s|%s", i, (int)snipe->start_ms,
                                               (int)snipe->duration_ms, snipe->detail ? snipe->detail : "",
                                               snipe->headline);
                }
        assert_string_equal(text->str, expected);
}

static void assert_half_hour(const ChannelSpec *spec, const char *start, const char *expected) {
        g_autoptr(BlockPlan) block = half_hour_at(start);
        dress(block, spec, NULL, 0);
        assert_dressed(block, expected);
}

/* --- the logo -------------------------------------------------------------------------------------------------------
 */

static void INV_TL_GRAPHICS_001_the_logo_stands_over_what_it_is_for(void **state) {
        g_autoptr(ChannelSpec) usual = spec_of(*state, "graphics: {logo: {file: logo.png}}\n");
        g_autoptr(ChannelSpec) promos = spec_of(*state, "graphics: {logo: {file: logo.png, on: [promo, bumper]}}\n");
        g_autoptr(ChannelSpec) all =
                spec_of(*state, "graphics: {logo: {file: logo.png, on: [content, commercial, promo, bumper]}}\n");
        assert_half_hour(usual, "2026-06-01T12:00:00Z", "-L---L-");
        assert_half_hour(promos, "2026-06-01T12:00:00Z", "L-L----");
        assert_half_hour(all, "2026-06-01T12:00:00Z", "LLL-LLL"); /* none over pad */
}

static void INV_TL_GRAPHICS_001_hours_count_when_a_segment_begins(void **state) {
        g_autoptr(ChannelSpec) evening = spec_of(*state, LOGO "\"18:00-02:00\"}}\n"); /* 22:00Z to 06:00Z */
        assert_half_hour(evening, "2026-06-01T21:30:00Z", "-------"); /* also not where 18:00 is within a segment */
        assert_half_hour(evening, "2026-06-01T21:49:00Z", "-----L-"); /* the second act begins at 18:04 */
        assert_half_hour(evening, "2026-06-01T22:00:00Z", "-LL--L-");
        assert_half_hour(evening, "2026-06-02T03:45:00Z", "-LL--L-"); /* midnight is within it */
        assert_half_hour(evening, "2026-06-02T05:50:00Z", "-L-----"); /* until its end, though 02:00 comes */
        assert_half_hour(evening, "2026-06-02T06:00:00Z", "-------");
        g_autoptr(ChannelSpec) twice = spec_of(*state, LOGO "[\"06:00-06:05\", \"06:10-06:11\"]}}\n");
        assert_half_hour(twice, "2026-06-01T10:00:00Z", "-LL----");
        g_autoptr(ChannelSpec) always = spec_of(*state, LOGO "\"07:00-07:00\"}}\n");
        assert_half_hour(always, "2026-06-01T10:45:00Z", "-LL--L-");
}

static void INV_TL_GRAPHICS_001_hours_are_those_of_the_wall_clock_when_it_changes(void **state) {
        g_autoptr(ChannelSpec) one = spec_of(*state, LOGO "\"01:00-02:00\"}}\n");
        assert_half_hour(one, "2026-11-01T05:00:00Z", "-LL--L-"); /* 01:00 EDT */
        assert_half_hour(one, "2026-11-01T06:00:00Z", "-LL--L-"); /* 01:00 EST, again */
        assert_half_hour(one, "2026-11-01T07:00:00Z", "-------");
        g_autoptr(ChannelSpec) two = spec_of(*state, LOGO "\"02:00-03:00\"}}\n");
        assert_half_hour(two, "2026-03-08T06:30:00Z", "-------"); /* 01:30 EST */
        assert_half_hour(two, "2026-03-08T07:00:00Z", "-------"); /* 03:00 EDT: there is no 02:00 */
}

/* --- what comes next ------------------------------------------------------------------------------------------------
 */

static void INV_TL_GRAPHICS_002_what_comes_next_is_said_before_the_end(void **state) {
        g_autoptr(ChannelSpec) spec = spec_of(*state, "graphics: {next: {at: 10m}}\n");
        g_autoptr(BlockPlan) evening = half_hour_at("2026-06-01T23:30:00Z");
        dress(evening, spec, "Cheers", 0);
        assert_dressed(evening, "------- 5:300000+8000 Next at 20:00|Cheers");
        g_autoptr(BlockPlan) midnight = half_hour_at("2026-06-02T03:30:00Z");
        dress(midnight, spec, "Cheers", 30 * MINUTE); /* filler in between */
        assert_dressed(midnight, "------- 5:300000+8000 Next at 00:30|Cheers");
        g_autoptr(BlockPlan) spring = half_hour_at("2026-03-08T06:30:00Z");
        dress(spring, spec, "Cheers", 0);
        assert_dressed(spring, "------- 5:300000+8000 Next at 03:00|Cheers");
        g_autoptr(BlockPlan) autumn = half_hour_at("2026-11-01T05:30:00Z");
        dress(autumn, spec, "Cheers", 0);
        assert_dressed(autumn, "------- 5:300000+8000 Next at 01:00|Cheers"); /* as the clock will show */
}

static void INV_TL_GRAPHICS_002_in_a_break_it_is_said_beside_it(void **state) {
        g_autoptr(ChannelSpec) late = spec_of(*state, "graphics: {next: {at: 1m}}\n");
        g_autoptr(BlockPlan) block = half_hour_at("2026-06-01T23:30:00Z");
        dress(block, late, "Cheers", 0);
        assert_dressed(block, "------- 5:526000+8000 Next at 20:00|Cheers"); /* ahead of the fade of 6 s */
        g_autoptr(ChannelSpec) early = spec_of(*state, "graphics: {next: {at: 15m, text: \"{title}: {time}\"}}\n");
        dress(block, early, "Cheers", 0);
        assert_dressed(block,
                       "------- 5:4000+8000 Cheers: 20:00|Cheers"); /* behind the fade of 4 s; half of the time */
        g_autoptr(ChannelSpec) earlier = spec_of(*state, "graphics: {next: {at: 1h}}\n");
        dress(block, earlier, "Cheers", 0);
        assert_dressed(block, "------- 5:4000+8000 Next at 20:00|Cheers"); /* not before half of it */
}

static void INV_TL_GRAPHICS_002_nothing_is_said_that_has_no_room_or_is_not_known(void **state) {
        static const Piece shreds[] = {{SEGMENT_CONTENT, 11999, 0, 0},
                                       {SEGMENT_FILLER, 1000000, 0, 0},
                                       {SEGMENT_CONTENT, 13000, 2000, 3001},
                                       {SEGMENT_PAD, 5000, 0, 0}};
        static const Piece enough[] = {{SEGMENT_CONTENT, 12000, 0, 0}, {SEGMENT_FILLER, 588000, 0, 0}};
        g_autoptr(ChannelSpec) spec = spec_of(*state, "graphics: {next: true, title: {after: 0s}}\n");
        g_autoptr(BlockPlan) small = block_of(fixture_utc("2026-06-01T23:30:00Z"), shreds, G_N_ELEMENTS(shreds));
        dress(small, spec, "Cheers", 0);
        assert_dressed(small, "----");
        g_autoptr(BlockPlan) just = block_of(fixture_utc("2026-06-01T23:30:00Z"), enough, G_N_ELEMENTS(enough));
        dress(just, spec, "Cheers", 0);
        assert_dressed(just, "-- 0:2000+8000 Next at 19:40|Cheers"); /* and the title gives way */
        dress(just, spec, NULL, 0);
        assert_dressed(just, "-- 0:2000+8000 The Meter|Taxi");
        dress(just, spec, "Cheers", 12 * HOUR);
        assert_dressed(just, "-- 0:2000+8000 Next at 07:40|Cheers");
        dress(just, spec, "Cheers", 12 * HOUR + 1);
        assert_dressed(just, "-- 0:2000+8000 The Meter|Taxi");
        dress(just, spec, " \t\n", 0);
        assert_dressed(just, "-- 0:2000+8000 The Meter|Taxi");
}

/* --- titles ---------------------------------------------------------------------------------------------------------
 */

static void INV_TL_GRAPHICS_002_the_title_stands_at_the_beginning_and_after_breaks(void **state) {
        g_autoptr(BlockPlan) block = half_hour_at("2026-06-01T23:30:00Z");
        g_autoptr(ChannelSpec) once = spec_of(*state, "graphics: {title: true}\n");
        dress(block, once, "Cheers", 0);
        assert_dressed(block, "------- 1:10000+8000 The Meter|Taxi");
        g_autoptr(ChannelSpec) again =
                spec_of(*state, "graphics: {title: {after: 1s, for: 5s, after_breaks: true}, next: {at: 10m}}\n");
        dress(block, again, "Cheers", 0);
        assert_dressed(block, "------- 1:2000+5000 The Meter|Taxi 5:4000+5000 The Meter|Taxi "
                              "5:300000+8000 Next at 20:00|Cheers");
        static const Piece parts[] = {{SEGMENT_CONTENT, 600000, 0, 0}, {SEGMENT_CONTENT, 600000, 0, 0}};
        g_autoptr(BlockPlan) composed = block_of(0, parts, G_N_ELEMENTS(parts));
        dress(composed, again, NULL, 0);
        assert_dressed(composed, "-- 0:2000+5000 The Meter|Taxi"); /* there is no break between its parts */
}

static void INV_TL_GRAPHICS_002_texts_are_lines_of_200_bytes_at_most(void **state) {
        g_autoptr(ChannelSpec) spec = spec_of(*state, "graphics: {next: {text: \"{time} {title}\"}, title: true}\n");
        g_autofree char *kanji = g_strnfill(3 * 80, ' '), *found = NULL;
        for (int i = 0; i < 80; i++)
                memcpy(kanji + i * 3, "\xe6\xbc\xa2", 3); /* 240 bytes */
        static const Piece whole[] = {{SEGMENT_CONTENT, 1800000, 0, 0}};
        g_autoptr(BlockPlan) block = block_of(fixture_utc("2026-06-01T23:30:00Z"), whole, 1);
        const Programme programme = programme_of("a\nb\x01\xff{time}", kanji, block->start_utc_ms);
        const Programme next = programme_of(kanji, NULL, block->end_utc_ms);
        transmission_log_dress(block, spec, &programme, &next);
        assert_int_equal(block_plan_validate(block, NULL), BLOCK_PLAN_OK);
        const BlockSnipe *snipes = block->segments[0].snipes;
        assert_int_equal(block->segments[0].n_snipes, 2);
        assert_string_equal(snipes[0].headline, "a b \xef\xbf\xbd{time}");
        assert_int_equal(strlen(snipes[0].detail), 198); /* whole characters only */
        assert_int_equal(strlen(snipes[1].headline), 198);
        assert_int_equal(strlen(snipes[1].detail), 6 + 192);
        found = g_utf8_make_valid(snipes[1].detail, -1);
        assert_string_equal(found, snipes[1].detail);
}

/* --- any block ------------------------------------------------------------------------------------------------------
 */

static uint32_t random_pieces(GRand *rand, Piece *pieces) {
        const uint32_t n = (uint32_t)g_rand_int_range(rand, 1, N_PIECES_MAX);
        for (uint32_t i = 0; i < n; i++) {
                pieces[i] = (Piece){.type = (SegmentType)g_rand_int_range(rand, SEGMENT_CONTENT, SEGMENT_PAD + 1),
                                    .ms = g_rand_int_range(rand, 1, g_rand_boolean(rand) ? 20000 : 900000)};
                if (pieces[i].type == SEGMENT_CONTENT || g_rand_boolean(rand)) {
                        pieces[i].type = SEGMENT_CONTENT;
                        pieces[i].fade_in_ms = g_rand_int_range(rand, 0, (gint32)MIN(pieces[i].ms, 5000) / 2 + 1);
                        pieces[i].fade_out_ms = g_rand_int_range(rand, 0, (gint32)MIN(pieces[i].ms, 5000) / 2 + 1);
                }
        }
        return n;
}

static void assert_off_the_seams(const BlockPlan *block) {
        for (uint32_t i = 0; i < block->n_segments; i++) {
                const BlockSegment *segment = &block->segments[i];
                for (uint32_t j = 0; j < segment->n_snipes; j++) {
                        const BlockSnipe *snipe = &segment->snipes[j];
                        assert_int_equal(segment->type, SEGMENT_CONTENT);
                        assert_true(snipe->start_ms >= MAX(EDGE, segment->fade_in_ms));
                        assert_true(snipe->start_ms + snipe->duration_ms <=
                                    segment->duration_ms - MAX(EDGE, segment->fade_out_ms));
                }
        }
}

static void INV_TL_GRAPHICS_002_any_block_is_valid_and_so_is_who_joins_it(void **state) {
        g_autoptr(GRand) rand = chance_new();
        g_autoptr(ChannelSpec) spec =
                spec_of(*state, "graphics: {logo: {file: logo.png, hours: \"18:00-02:00\"}, next: {at: 2m, for: 5s},\n"
                                "           title: {after: 3s, for: 4s, after_breaks: true}}\n");
        unsigned n_snipes = 0;
        for (int round = 0; round < 3000; round++) {
                Piece pieces[N_PIECES_MAX];
                const uint32_t n = random_pieces(rand, pieces);
                const int64_t start = INT64_C(1790000000000) + g_rand_int_range(rand, 0, 86400) * INT64_C(1000);
                g_autoptr(BlockPlan) block = block_of(start, pieces, n), again = block_of(start, pieces, n);
                dress(block, spec, "Cheers", 0);
                dress(again, spec, "Cheers", 0);
                dress(again, spec, "Cheers", 0); /* anew: the same */
                g_autofree char *one = block_plan_sha256(block), *two = block_plan_sha256(again);
                assert_string_equal(one, two);
                assert_off_the_seams(block);
                const int64_t at = start + (int64_t)(g_rand_double(rand) * (double)(block->end_utc_ms - start));
                g_autoptr(BlockPlan) joined = block_plan_join(block, at);
                assert_int_equal(block_plan_validate(joined, NULL), BLOCK_PLAN_OK);
                for (uint32_t i = 0; i < n; i++)
                        n_snipes += block->segments[i].n_snipes;
        }
        assert_true(n_snipes > 3000);
}

/* --- keeping --------------------------------------------------------------------------------------------------------
 */

static void INV_TL_GRAPHICS_003_without_graphics_a_block_is_as_ever(void **state) {
        g_autoptr(ChannelSpec) spec = spec_of(*state, "logo: logo.png\ngraphics: {slate: on}\n");
        g_autoptr(BlockPlan) block = half_hour_at("2026-06-01T12:00:00Z");
        g_autofree char *before = block_plan_sha256(block);
        dress(block, spec, "Cheers", 0);
        g_autofree char *after = block_plan_sha256(block);
        assert_string_equal(before, after);
}

typedef struct {
        Store *store;
        ChannelSpec *spec;
        GPtrArray *blocks;
} Kept;

static int keep(const Fixture *fixture, Kept *kept, const char *graphics) {
        g_autofree char *path = g_build_filename(fixture->dir, "x.db", NULL);
        kept->spec = spec_of(fixture, graphics);
        kept->store = store_open(path, NULL);
        kept->blocks = g_ptr_array_new_with_free_func((GDestroyNotify)block_plan_unref);
        BlockPlan *block = half_hour_at("2026-06-01T12:00:00Z");
        dress(block, kept->spec, "Cheers", 0);
        g_ptr_array_add(kept->blocks, block);
        return transmission_log_lock(kept->store, kept->spec, kept->blocks, 1, NULL);
}

static void kept_clear(Kept *kept) {
        store_close(kept->store);
        channel_spec_unref(kept->spec);
        g_ptr_array_unref(kept->blocks);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Kept, kept_clear)

static void INV_TL_GRAPHICS_003_what_is_locked_comes_back_with_all_that_stands_over_it(void **state) {
        g_auto(Kept) kept = {0};
        assert_true(keep(*state, &kept, "graphics: {logo: {file: logo.png}, next: {at: 10m}, title: true}\n"));
        g_autoptr(GPtrArray) back = transmission_log_blocks(kept.store, "one", 0, NULL);
        assert_int_equal(back->len, 1);
        assert_dressed(back->pdata[0], "-L---L- 1:10000+8000 The Meter|Taxi 5:300000+8000 Next at 08:30|Cheers");
        assert_true(store_run(kept.store, NULL,
                              "UPDATE transmission_block SET document = replace(document, 'Cheers', "
                              "'Jeers')",
                              ""));
        assert_null(transmission_log_blocks(kept.store, "one", 0, NULL)); /* damaged */
}

static void INV_TL_GRAPHICS_003_rows_of_before_are_read(void **state) {
        g_auto(Kept) kept = {0};
        assert_true(keep(*state, &kept, ""));
        sqlite3_stmt *row = store_query(kept.store, NULL, "SELECT document FROM transmission_block", "");
        assert_true(store_row(kept.store, row, NULL));
        assert_null(strstr(store_text(row, 0), "logo")); /* as those were written that knew nothing of it */
        assert_null(strstr(store_text(row, 0), "snipes"));
        store_reset(row);
        g_autoptr(GPtrArray) back = transmission_log_blocks(kept.store, "one", 0, NULL);
        assert_dressed(back->pdata[0], "-------");
}

static void INV_TL_GRAPHICS_003_the_files_have_what_stands_over_segments(void **state) {
        g_auto(Kept) kept = {0};
        assert_true(keep(*state, &kept, "graphics: {logo: {file: logo.png}, next: {at: 10m}}\n"));
        g_autofree char *text = transmission_log_text(kept.spec, "2026-06-01", "id", kept.blocks, 0);
        g_autofree char *lines = transmission_log_jsonl(kept.blocks);
        assert_non_null(strstr(text, "\n08:00:05 00:09:55 LOGO     00000000-0000-4000-8000-000000000001 -\n"));
        assert_non_null(strstr(text, "\n08:20:00 00:00:08 SNIPE    00000000-0000-4000-8000-000000000005 "
                                     "Next at 08:30: Cheers\n"));
        assert_non_null(strstr(lines, "\"logo\":true,\"snipes\":[{\"start_ms\":300000,\"duration_ms\":8000,"
                                      "\"headline\":\"Cheers\",\"detail\":\"Next at 08:30\"}]}\n"));
        g_auto(Kept) plain = {.spec = spec_of(*state, ""),
                              .blocks = g_ptr_array_new_with_free_func((GDestroyNotify)block_plan_unref)};
        g_ptr_array_add(plain.blocks, half_hour_at("2026-06-01T12:00:00Z"));
        g_autofree char *plain_lines = transmission_log_jsonl(plain.blocks);
        assert_null(strstr(plain_lines, "logo"));
        assert_null(strstr(plain_lines, "snipes"));
}

#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                T(INV_TL_GRAPHICS_001_the_logo_stands_over_what_it_is_for),
                T(INV_TL_GRAPHICS_001_hours_count_when_a_segment_begins),
                T(INV_TL_GRAPHICS_001_hours_are_those_of_the_wall_clock_when_it_changes),
                T(INV_TL_GRAPHICS_002_what_comes_next_is_said_before_the_end),
                T(INV_TL_GRAPHICS_002_in_a_break_it_is_said_beside_it),
                T(INV_TL_GRAPHICS_002_nothing_is_said_that_has_no_room_or_is_not_known),
                T(INV_TL_GRAPHICS_002_the_title_stands_at_the_beginning_and_after_breaks),
                T(INV_TL_GRAPHICS_002_texts_are_lines_of_200_bytes_at_most),
                T(INV_TL_GRAPHICS_002_any_block_is_valid_and_so_is_who_joins_it),
                T(INV_TL_GRAPHICS_003_without_graphics_a_block_is_as_ever),
                T(INV_TL_GRAPHICS_003_what_is_locked_comes_back_with_all_that_stands_over_it),
                T(INV_TL_GRAPHICS_003_rows_of_before_are_read),
                T(INV_TL_GRAPHICS_003_the_files_have_what_stands_over_segments),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
