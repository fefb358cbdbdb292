#include "core/plan/horizon/override.h"
#include "core/plan/transmission_log/transmission_log.h"
#include "tests/core/horizon_fixture.h"

#define NOW "2026-11-22T04:28:00Z" /* 23:28 on the 21st in New York: broadcast day 2026-11-21, until 11:00Z */

static const char *const GRAPHICS = "channel: cheers\n"
                                    "timezone: America/New_York\n"
                                    "pools: {c: {match: {series_title: Cheers}}, t: {match: {series_title: Taxi}}}\n"
                                    "schedule: {all_day: [{block: {start: \"06:00\", end: \"04:00\", pools: [c, t]}},\n"
                                    "                     {block: {start: \"05:00\", end: \"06:00\", pool: c}}]}\n"
                                    "graphics: {next: {at: 2m}}\n";

static const char *film_id; /* 22 minutes */

static int set_up(void **state) {
        World *world = world_new(NOW, 72 * HOUR, 9 * HOUR);
        for (int i = 0; i < 40; i++)
                fixture_episode(&world->fixture, i % 2 ? "Taxi" : "Cheers", 1, 1 + i, 22 * MINUTE);
        fixture_asset(&world->fixture, ASSET_FILLER, "Loop", MINUTE);
        film_id = fixture_asset(&world->fixture, ASSET_MOVIE, "Alien", 22 * MINUTE)->id;
        begin(world, GRAPHICS);
        *state = world;
        return 0;
}

static PlanView *evaluated(World *world) {
        horizon_evaluate(world->horizon);
        PlanView *view = plan_board_view(world->board, "cheers");
        assert_non_null(view);
        assert_planned(view);
        return view;
}

/* The block's only snipe; NULL: there is none. */
static const BlockSnipe *snipe_of(const BlockPlan *block) {
        const BlockSnipe *found = NULL;
        for (uint32_t i = 0; i < block->n_segments; i++)
                for (uint32_t j = 0; j < block->segments[i].n_snipes; j++) {
                        assert_null(found);
                        found = &block->segments[i].snipes[j];
                }
        return found;
}

static const Programme *shown_after(const PlanView *view, int64_t utc_ms) {
        for (guint i = 0; i < view->programmes->len; i++) {
                const Programme *programme = view->programmes->pdata[i];
                if (programme->start_utc_ms >= utc_ms && programme->asset_id)
                        return programme;
        }
        return NULL;
}

/* Each block says what the guide shows after it; returns how many do. */
static int assert_said(const World *world, const PlanView *view) {
        const ChannelSpec *spec = world->specs->pdata[0];
        int n = 0;
        for (guint i = 0; i < view->blocks->len; i++) {
                const BlockPlan *block = view->blocks->pdata[i];
                const BlockSnipe *snipe = snipe_of(block);
                const Programme *next = shown_after(view, block->end_utc_ms);
                if (!snipe)
                        continue;
                g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(next->start_utc_ms / 1000);
                g_autoptr(GDateTime) local = g_date_time_to_timezone(utc, spec->zone);
                g_autofree char *detail = g_date_time_format(local, "Next at %H:%M");
                assert_string_equal(snipe->headline, next->title);
                assert_string_equal(snipe->detail, detail);
                n++;
        }
        return n;
}

static const BlockPlan *block_at(const PlanView *view, const char *at) {
        g_autoptr(BlockPlan) block = NULL;
        assert_int_equal(plan_view_block_at(view, fixture_utc(at), &block), PLAN_OK);
        return block; /* the view's */
}

static void assert_next(const PlanView *view, const char *at, const char *detail, const char *headline) {
        const BlockSnipe *snipe = snipe_of(block_at(view, at));
        assert_non_null(snipe);
        assert_string_equal(snipe->detail, detail);
        assert_string_equal(snipe->headline, headline);
}

static int64_t ask(World *world, OverrideKind kind, const char *at, const char *asset_id) {
        Override override = {.channel_id = (char[]){"cheers"},
                             .kind = kind,
                             .at_utc_ms = fixture_utc(at),
                             .asset_id = (char *)asset_id,
                             .asked_utc_ms = rv_clock_utc_ms(world->clock)};
        assert_true(override_store_ask(world->store, &override, NULL));
        return override.id;
}

static void INV_HORIZON_NEXT_001_blocks_say_what_the_guide_shows_next(void **state) {
        World *world = *state;
        g_autoptr(PlanView) view = evaluated(world);
        assert_int_equal(assert_said(world, view), 18);                       /* all but the hour of filler */
        assert_next(view, "2026-11-22T04:30:00Z", "Next at 00:00", "Cheers"); /* over midnight */
        assert_next(view, "2026-11-22T08:30:00Z", "Next at 05:00", "Cheers"); /* filler passed over */
        assert_null(snipe_of(block_at(view, "2026-11-22T09:30:00Z")));
        assert_next(view, "2026-11-22T10:30:00Z", "Next at 06:00", "Cheers"); /* over the broadcast day's end */
}

static void INV_HORIZON_NEXT_001_a_restart_changes_nothing(void **state) {
        World *world = *state;
        g_autoptr(PlanView) before = evaluated(world);
        restart(world);
        g_autoptr(PlanView) after = evaluated(world);
        assert_int_equal(after->blocks->len, before->blocks->len);
        for (guint i = 0; i < before->blocks->len; i++) {
                g_autofree char *one = block_plan_sha256(before->blocks->pdata[i]);
                g_autofree char *two = block_plan_sha256(after->blocks->pdata[i]);
                assert_string_equal(one, two);
        }
}

static void INV_HORIZON_NEXT_001_an_override_is_said_by_the_block_before_it(void **state) {
        World *world = *state;
        g_autoptr(PlanView) first = evaluated(world);
        (void)ask(world, OVERRIDE_REPLACE, "2026-11-22T07:00:00Z", film_id);
        g_autoptr(PlanView) replaced = evaluated(world);
        assert_int_equal(assert_said(world, replaced), 18);
        assert_next(replaced, "2026-11-22T06:30:00Z", "Next at 02:00", "Alien");
        for (uint32_t i = 0; i < block_at(first, "2026-11-22T06:30:00Z")->n_segments; i++) /* all else is as it was */
                assert_string_equal(block_at(replaced, "2026-11-22T06:30:00Z")->segments[i].segment_uuid,
                                    block_at(first, "2026-11-22T06:30:00Z")->segments[i].segment_uuid);
        (void)ask(world, OVERRIDE_REPLACE, "2026-11-22T10:00:00Z", film_id); /* behind the filler */
        g_autoptr(PlanView) behind = evaluated(world);
        assert_int_equal(assert_said(world, behind), 18);
        assert_next(behind, "2026-11-22T08:30:00Z", "Next at 05:00", "Alien");
        (void)ask(world, OVERRIDE_SKIP, "2026-11-22T07:30:00Z", NULL);
        g_autoptr(PlanView) skipped = evaluated(world);
        assert_int_equal(assert_said(world, skipped), 17);
        assert_next(skipped, "2026-11-22T07:00:00Z", "Next at 03:00", "Cheers");
        restart(world); /* it is stored, too */
        g_autoptr(PlanView) again = evaluated(world);
        assert_int_equal(assert_said(world, again), 17);
}

static void INV_HORIZON_NEXT_001_what_is_handed_out_stays_as_it_is(void **state) {
        World *world = *state;
        g_autoptr(PlanView) before = evaluated(world);
        g_autoptr(PlanReader) reader = plan_reader_new(world->board, "cheers");
        g_autoptr(BlockPlan) taken = NULL;
        assert_int_equal(plan_reader_take(reader, fixture_utc("2026-11-22T06:30:00Z"), &taken), PLAN_OK);
        (void)ask(world, OVERRIDE_REPLACE, "2026-11-22T07:00:00Z", film_id);
        g_autoptr(PlanView) after = evaluated(world);
        g_autofree char *one = block_plan_sha256(taken);
        g_autofree char *two = block_plan_sha256(block_at(after, "2026-11-22T06:30:00Z"));
        assert_string_equal(one, two);
        assert_string_equal(block_at(after, "2026-11-22T07:00:00Z")->segments[0].asset_uuid, film_id);
        assert_int_equal(before->blocks->len, after->blocks->len);
}

#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                T(INV_HORIZON_NEXT_001_blocks_say_what_the_guide_shows_next),
                T(INV_HORIZON_NEXT_001_a_restart_changes_nothing),
                T(INV_HORIZON_NEXT_001_an_override_is_said_by_the_block_before_it),
                T(INV_HORIZON_NEXT_001_what_is_handed_out_stays_as_it_is),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
