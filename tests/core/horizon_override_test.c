#include "core/plan/horizon/override.h"

#include <glib/gstdio.h>

#include "core/plan/transmission_log/transmission_log.h"
#include "proto/base/log.h"
#include "tests/core/horizon_fixture.h"
#include "tests/support/chance.h"

#define NOW "2026-11-22T04:28:00Z" /* 23:28 on the 21st in New York: broadcast day 2026-11-21, until 11:00Z */

static const char *film_id, *episode_id; /* asset ids: 100 minutes, 22 minutes */

static int set_up(void **state) {
        World *world = world_new(NOW, 72 * HOUR, 5 * HOUR);
        fixture_series(&world->fixture, "Cheers", 60, 22 * MINUTE);
        for (int i = 0; i < 12; i++)
                fixture_asset(&world->fixture, ASSET_COMMERCIAL, "Soap", 45000 + i * 5000);
        film_id = fixture_asset(&world->fixture, ASSET_MOVIE, "Alien", 100 * MINUTE)->id;
        fixture_series(&world->fixture, "Long", 20, 50 * MINUTE);
        episode_id = fixture_episode(&world->fixture, "Frasier", 1, 1, 22 * MINUTE)->id;
        begin(world, ALL_DAY);
        *state = world;
        return 0;
}

static PlanView *evaluated(World *world) {
        horizon_evaluate(world->horizon);
        PlanView *view = plan_board_view(world->board, "cheers");
        assert_non_null(view);
        assert_planned(view);
        const PlanHealth health = plan_view_health(view, rv_clock_utc_ms(world->clock));
        assert_int_equal(health.execution_short_ms + health.epg_short_ms, 0);
        return view;
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

static Override *record(World *world, int64_t id) {
        g_autoptr(GPtrArray) all = override_store_list(world->store, "cheers", NULL);
        for (guint i = 0; i < all->len; i++)
                if (((Override *)all->pdata[i])->id == id)
                        return g_ptr_array_steal_index(all, i);
        fail_msg("no record %d", (int)id);
        return NULL;
}

static void assert_state(World *world, int64_t id, OverrideState state, const char *detail) {
        g_autoptr(Override) override = record(world, id);
        assert_string_equal(override_state_name(override->state), override_state_name(state));
        if (detail && !strstr(override->detail ? override->detail : "", detail))
                fail_msg("\"%s\" is not in: %s", detail, override->detail);
        if (!detail)
                assert_null(override->detail);
}

static void cancel(World *world, int64_t id) {
        bool done = false;
        assert_true(override_store_cancel(world->store, "cheers", id, rv_clock_utc_ms(world->clock), &done, NULL));
        assert_true(done);
}

/* "start-end what" of each programme from an instant on. */
static char *row(const PlanView *view, int64_t from_utc_ms, int64_t to_utc_ms) {
        GString *text = g_string_new(NULL);
        for (guint i = 0; i < view->programmes->len; i++) {
                const Programme *p = view->programmes->pdata[i];
                if (p->start_utc_ms >= from_utc_ms && p->start_utc_ms < to_utc_ms)
                        g_string_append_printf(text, "%d %s\n", (int)((p->end_utc_ms - p->start_utc_ms) / MINUTE),
                                               p->asset_id ? p->subtitle ? p->subtitle : p->title : "filler");
        }
        return g_string_free(text, false);
}

static void assert_row(const PlanView *view, const char *from, const char *to, const char *expected) {
        g_autofree char *found = row(view, fixture_utc(from), fixture_utc(to));
        assert_string_equal(found, expected);
}

static const BlockPlan *block_at(const PlanView *view, const char *at) {
        g_autoptr(BlockPlan) block = NULL;
        assert_int_equal(plan_view_block_at(view, fixture_utc(at), &block), PLAN_OK);
        return block; /* the view's */
}

static void assert_same_blocks(const PlanView *a, const PlanView *b, int64_t except_from, int64_t except_to) {
        for (guint i = 0; i < a->blocks->len; i++) {
                const BlockPlan *block = a->blocks->pdata[i];
                g_autoptr(BlockPlan) other = NULL;
                if (block->start_utc_ms >= except_from && block->start_utc_ms < except_to)
                        continue;
                assert_int_equal(plan_view_block_at(b, block->start_utc_ms, &other), PLAN_OK);
                g_autofree char *one = block_plan_sha256(block), *two = block_plan_sha256(other);
                assert_string_equal(one, two);
        }
}

static char *log_id(World *world, const char *day) {
        sqlite3_stmt *query =
                store_query(world->store, NULL, "SELECT log_id FROM transmission_log WHERE day = ?", "s", day);
        assert_true(store_row(world->store, query, NULL));
        char *id = g_strdup(store_text(query, 0));
        store_reset(query);
        return id;
}

static char *artifact(World *world, const char *name) {
        g_autofree char *path = g_build_filename(world->fixture.dir, "transmission", "cheers", name, NULL);
        char *text = NULL;
        (void)g_file_get_contents(path, &text, NULL, NULL);
        return text;
}

static int64_t n_spots(const BlockPlan *block) {
        int64_t n = 0;
        for (uint32_t i = 0; i < block->n_segments; i++)
                n += block->segments[i].type == SEGMENT_COMMERCIAL;
        return n;
}

/* --- tests -------------------------------------------------------------------------------------------------------- */

static void INV_HORIZON_OVERRIDE_001_a_locked_block_changes_with_a_record_and_nothing_else_does(void **state) {
        World *world = *state;
        g_autoptr(PlanView) before = evaluated(world);
        g_autofree char *old_log = log_id(world, "2026-11-21");
        const int64_t id = ask(world, OVERRIDE_REPLACE, "2026-11-22T08:10:00Z", episode_id);
        assert_state(world, id, OVERRIDE_ASKED, NULL);
        g_autoptr(PlanView) after = evaluated(world);
        assert_state(world, id, OVERRIDE_IN_FORCE, NULL);
        assert_true(after->generation > before->generation);
        assert_row(after, "2026-11-22T07:30:00Z", "2026-11-22T09:00:00Z",
                   "30 Cheers 5x02\n30 Frasier 1x01\n30 Cheers 5x04\n");
        assert_string_equal(block_at(after, "2026-11-22T08:00:00Z")->segments[0].asset_uuid, episode_id);
        assert_same_blocks(before, after, fixture_utc("2026-11-22T08:00:00Z"), fixture_utc("2026-11-22T08:30:00Z"));
        g_autoptr(Override) made = record(world, id);
        assert_int_equal(made->start_utc_ms, fixture_utc("2026-11-22T08:00:00Z"));
        assert_string_equal(json_string_value(json_object_get(json_array_get(made->was, 0), "subtitle")),
                            "Cheers 5x03");

        sqlite3_stmt *plays = store_query(
                world->store, NULL, "SELECT count(*) FROM play WHERE start_utc_ms >= ? AND start_utc_ms < ?", "ii",
                fixture_utc("2026-11-22T08:00:00Z"), fixture_utc("2026-11-22T08:30:00Z"));
        assert_true(store_row(world->store, plays, NULL));
        assert_int_equal(store_int(plays, 0), n_spots(block_at(after, "2026-11-22T08:00:00Z")));
        store_reset(plays);

        g_autofree char *new_log = log_id(world, "2026-11-21"), *kept = artifact(world, "2026-11-21.v1-replaced.tlog");
        assert_string_not_equal(new_log, old_log);
        assert_non_null(strstr(kept, old_log));
        assert_null(strstr(kept, new_log));
        g_autoptr(PlanView) same = evaluated(world);
        assert_ptr_equal(same, after); /* once */
}

static void INV_TL_REPLACE_001_the_files_of_a_sealed_log_stay_and_the_new_one_has_its_own(void **state) {
        World *world = *state;
        g_autoptr(PlanView) before = evaluated(world);
        assert_int_equal(horizon_extend_execution_day(world->horizon, "cheers", NULL), EXTEND_OK);
        g_autofree char *sealed = artifact(world, "2026-11-21.tlog");
        assert_non_null(sealed);
        const int64_t id = ask(world, OVERRIDE_SKIP, "2026-11-22T08:00:00Z", NULL);
        g_autoptr(PlanView) after = evaluated(world);
        assert_state(world, id, OVERRIDE_IN_FORCE, NULL);
        horizon_evaluate(world->horizon);
        g_autofree char *still = artifact(world, "2026-11-21.tlog"), *second = artifact(world, "2026-11-21.v2.tlog");
        g_autofree char *second_id = log_id(world, "2026-11-21");
        assert_string_equal(still, sealed);
        assert_non_null(second);
        assert_non_null(strstr(second, second_id));
        assert_null(strstr(still, second_id));
        assert_non_null(strstr(still, block_at(before, "2026-11-22T08:00:00Z")->block_id));
        assert_null(strstr(second, block_at(before, "2026-11-22T08:00:00Z")->block_id));
        assert_non_null(strstr(second, block_at(after, "2026-11-22T08:00:00Z")->block_id));
}

static void INV_HORIZON_OVERRIDE_001_what_is_on_the_air_or_past_stays(void **state) {
        World *world = *state;
        g_autoptr(PlanView) before = evaluated(world);
        static const char *const late[] = {"2026-11-22T04:10:00Z", "2026-11-22T04:28:00Z", "2026-11-21T20:00:00Z"};
        for (size_t i = 0; i < G_N_ELEMENTS(late); i++) {
                const int64_t id = ask(world, OVERRIDE_SKIP, late[i], NULL);
                g_autoptr(PlanView) after = evaluated(world);
                assert_same_blocks(before, after, 0, 0);
                assert_state(world, id, OVERRIDE_REFUSED, "too late: what begins before 2026-11-21T23:30");
        }
        const int64_t id =
                ask(world, OVERRIDE_SKIP, "2026-11-22T04:30:00Z", NULL); /* in two minutes, and nobody watches */
        g_autoptr(PlanView) after = evaluated(world);
        assert_state(world, id, OVERRIDE_IN_FORCE, NULL);
        assert_row(after, "2026-11-22T04:30:00Z", "2026-11-22T05:00:00Z", "30 filler\n");
}

static PlanResult take(PlanReader *reader, const char *at, BlockPlan **ret_block) {
        return plan_reader_take(reader, fixture_utc(at), ret_block);
}

static void INV_HORIZON_HANDED_OUT_001_what_an_engine_has_stays_and_the_next_block_may_change(void **state) {
        World *world = *state;
        g_autoptr(PlanView) before = evaluated(world);
        g_autoptr(PlanReader) reader = plan_reader_new(world->board, "cheers");
        g_autoptr(PlanReader) elsewhere = plan_reader_new(world->board, "other");
        g_autoptr(BlockPlan) first = NULL, second = NULL, third = NULL, none = NULL;
        assert_int_equal(take(reader, "2026-11-22T04:28:00Z", &first), PLAN_OK);
        assert_int_equal(take(reader, "2026-11-22T04:30:00Z", &second), PLAN_OK);
        assert_int_equal(take(reader, "2026-11-22T05:00:00Z", &third), PLAN_OK);
        assert_int_equal(take(elsewhere, "2026-11-22T05:00:00Z", &none), PLAN_NO_CHANNEL);
        const int64_t handed = ask(world, OVERRIDE_SKIP, "2026-11-22T05:00:00Z", NULL);
        const int64_t next = ask(world, OVERRIDE_REPLACE, "2026-11-22T05:30:00Z", episode_id);
        g_autoptr(PlanView) after = evaluated(world);
        assert_state(world, handed, OVERRIDE_REFUSED, "too late: what begins before 2026-11-22T00:30");
        assert_state(world, next, OVERRIDE_IN_FORCE, NULL);
        assert_ptr_equal(block_at(after, "2026-11-22T05:00:00Z"), third);
        g_autoptr(BlockPlan) fourth = NULL;
        assert_int_equal(take(reader, "2026-11-22T05:30:00Z", &fourth), PLAN_OK); /* it is held no longer */
        assert_string_equal(fourth->segments[0].asset_uuid, episode_id);
        g_clear_pointer(&reader, plan_reader_free); /* the session is over: who comes next joins anew */
        const int64_t again = ask(world, OVERRIDE_SKIP, "2026-11-22T05:00:00Z", NULL);
        g_autoptr(PlanView) last = evaluated(world);
        assert_state(world, again, OVERRIDE_IN_FORCE, NULL);
}

static void INV_HORIZON_HANDED_OUT_001_what_is_held_waits_for_the_next_publication(void **state) {
        World *world = *state;
        int64_t handed_until = 0;
        const int64_t from = fixture_utc("2026-11-22T05:00:00Z");
        g_autoptr(PlanView) view = evaluated(world);
        g_autoptr(PlanReader) reader = plan_reader_new(world->board, "cheers");
        g_autoptr(BlockPlan) before = NULL, held = NULL, later = NULL, released = NULL, published = NULL;
        assert_true(plan_board_hold(world->board, "cheers", from, &handed_until));
        assert_true(plan_board_hold(world->board, "cheers", from + HOUR, &handed_until)); /* the earlier one counts */
        assert_int_equal(take(reader, "2026-11-22T04:30:00Z", &before), PLAN_OK);
        assert_int_equal(take(reader, "2026-11-22T05:00:00Z", &held), PLAN_NO_SCHEDULE_DATA);
        assert_int_equal(take(reader, "2026-11-22T08:00:00Z", &later), PLAN_NO_SCHEDULE_DATA);
        plan_board_release(world->board, "cheers");
        assert_int_equal(take(reader, "2026-11-22T05:00:00Z", &released), PLAN_OK);
        assert_false(plan_board_hold(world->board, "cheers", from, &handed_until));
        assert_int_equal(handed_until, from + 30 * MINUTE);
        assert_true(plan_board_hold(world->board, "cheers", handed_until, &handed_until));
        plan_board_publish(world->board, plan_view_ref(view));
        assert_int_equal(take(reader, "2026-11-22T05:30:00Z", &published), PLAN_OK);
}

/* A day of sessions and overrides by chance: what was handed out is locked as it was, to the last field. */
static void INV_HORIZON_HANDED_OUT_001_no_block_changes_after_it_was_handed_out(void **state) {
        World *world = *state;
        g_autoptr(GRand) rand = chance_new();
        g_autoptr(GPtrArray) handed = g_ptr_array_new_with_free_func((GDestroyNotify)block_plan_unref);
        PlanReader *reader = NULL;
        int64_t next = 0;
        unsigned n_in_force = 0;
        for (int round = 0; round < 150; round++) {
                const int64_t now = rv_clock_utc_ms(world->clock);
                g_autoptr(PlanView) view = evaluated(world);
                if (!reader || g_rand_int_range(rand, 0, 8) == 0) { /* somebody else tunes in */
                        plan_reader_free(reader);
                        reader = plan_reader_new(world->board, "cheers");
                        next = now;
                        g_ptr_array_set_size(handed, 0);
                }
                for (int n = g_rand_int_range(rand, 0, 4); n > 0 && next < now + 2 * HOUR; n--) {
                        BlockPlan *block = NULL;
                        assert_int_equal(plan_reader_take(reader, MAX(next, now), &block), PLAN_OK);
                        next = block->end_utc_ms;
                        g_ptr_array_add(handed, block);
                }
                Override override = {.channel_id = (char *)"cheers", .kind = OVERRIDE_SKIP, .asked_utc_ms = now};
                override.at_utc_ms = now + g_rand_int_range(rand, 0, 16) * 10 * MINUTE;
                if (g_rand_boolean(rand)) {
                        override.kind = OVERRIDE_REPLACE;
                        override.asset_id = (char *)episode_id;
                }
                assert_true(override_store_ask(world->store, &override, NULL));
                g_autoptr(PlanView) after = evaluated(world);
                g_autoptr(Override) decided = record(world, override.id);
                n_in_force += decided->state == OVERRIDE_IN_FORCE;
                for (guint i = 0; i < handed->len; i++) {
                        const BlockPlan *block = handed->pdata[i];
                        g_autoptr(BlockPlan) locked =
                                transmission_log_find(world->store, "cheers", block->block_id, NULL);
                        assert_non_null(locked);
                        g_autofree char *one = block_plan_sha256(block), *other = block_plan_sha256(locked);
                        assert_string_equal(one, other);
                }
                rv_clock_fake_advance_ms(world->clock, g_rand_int_range(rand, 1, 25) * MINUTE);
        }
        plan_reader_free(reader);
        assert_in_range(n_in_force, 20, 149);
}

static guint n_notices(const PlanView *view, const char *text) {
        guint n = 0;
        for (char **notice = view->notices; *notice; notice++)
                n += strstr(*notice, text) != NULL;
        return n;
}

static void INV_HORIZON_OVERRIDE_001_a_refusal_is_told_until_its_time_is_past_or_it_is_cancelled(void **state) {
        World *world = *state;
        const int64_t id = ask(world, OVERRIDE_SKIP, "2026-11-22T04:10:00Z", NULL);
        const int64_t other = ask(world, OVERRIDE_INSERT, "2026-11-22T08:10:00Z", film_id);
        g_autoptr(PlanView) told = evaluated(world);
        assert_int_equal(n_notices(told, "override 1 (skip at 2026-11-21T23:10) was refused: too late"), 1);
        assert_int_equal(n_notices(told, "override 2 (insert at 2026-11-22T03:10) was refused: no programme begins"),
                         1);
        assert_null(told->fault); /* the plan itself is as it should be */
        rv_clock_fake_advance_ms(world->clock, HOUR);
        g_autoptr(PlanView) later = evaluated(world);
        assert_int_equal(n_notices(later, "override 1"), 0);
        assert_int_equal(n_notices(later, "override 2"), 1);
        cancel(world, other);
        g_autoptr(PlanView) quiet = evaluated(world);
        assert_int_equal(n_notices(quiet, "override"), 0);
        assert_state(world, other, OVERRIDE_CANCELLED, "no programme begins"); /* the record stays */
        assert_state(world, id, OVERRIDE_REFUSED, "too late");
}

static void one_that_cannot_be_taken_back_is_told(void **state) {
        World *world = *state;
        g_autoptr(PlanView) before = evaluated(world);
        const int64_t id = ask(world, OVERRIDE_SKIP, "2026-11-22T04:30:00Z", NULL);
        g_autoptr(PlanView) during = evaluated(world);
        rv_clock_fake_advance_ms(world->clock, 3 * MINUTE); /* on the air */
        cancel(world, id);
        g_autoptr(PlanView) after = evaluated(world);
        assert_state(world, id, OVERRIDE_IN_FORCE, "too late");
        assert_int_equal(n_notices(after, "could not be taken back: too late"), 1);
        assert_row(after, "2026-11-22T04:30:00Z", "2026-11-22T05:00:00Z", "30 filler\n");
}

/* No room in the store: not a refusal. It is tried again, and the fault says why it is not in force. */
static void what_cannot_be_stored_is_tried_again(void **state) {
        World *world = *state;
        g_autoptr(PlanView) before = evaluated(world);
        assert_true(store_run(world->store, NULL,
                              "CREATE TRIGGER full_log BEFORE UPDATE ON transmission_log "
                              "BEGIN SELECT RAISE(ABORT, 'no room'); END",
                              ""));
        const int64_t id = ask(world, OVERRIDE_REPLACE, "2026-11-22T08:00:00Z", episode_id);
        horizon_evaluate(world->horizon);
        g_autoptr(PlanView) failed = plan_board_view(world->board, "cheers");
        assert_non_null(strstr(failed->fault, "override 1 cannot be put in force yet"));
        assert_state(world, id, OVERRIDE_ASKED, NULL);
        assert_same_blocks(before, failed, 0, 0);
        assert_true(store_run(world->store, NULL, "DROP TRIGGER full_log", ""));
        g_autoptr(PlanView) after = evaluated(world);
        assert_null(after->fault);
        assert_state(world, id, OVERRIDE_IN_FORCE, NULL);
        assert_row(after, "2026-11-22T08:00:00Z", "2026-11-22T08:30:00Z", "30 Frasier 1x01\n");
}

/* The later one lies over the earlier, over whole programmes; the earlier one comes back when it goes. */
static void specials_that_meet_lie_one_over_the_other(void **state) {
        World *world = *state;
        g_autoptr(PlanView) before = evaluated(world);
        const int64_t film = ask(world, OVERRIDE_INSERT, "2026-11-22T07:00:00Z", film_id);
        const int64_t inside = ask(world, OVERRIDE_INSERT, "2026-11-22T08:00:00Z", episode_id);
        const int64_t over = ask(world, OVERRIDE_INSERT, "2026-11-22T06:00:00Z", film_id); /* runs into the first */
        g_autoptr(PlanView) after = evaluated(world);
        assert_state(world, inside, OVERRIDE_REFUSED, "no programme begins then; one begins at 2026-11-22T02:00");
        assert_state(world, over, OVERRIDE_IN_FORCE, NULL);
        assert_row(after, "2026-11-22T06:00:00Z", "2026-11-22T09:30:00Z", "120 Alien\n60 filler\n30 Cheers 5x05\n");
        assert_int_equal(n_notices(after, "does not air"), 0); /* who asked for the second knows what it covers */
        cancel(world, over);
        g_autoptr(PlanView) back = evaluated(world);
        assert_row(back, "2026-11-22T06:00:00Z", "2026-11-22T09:30:00Z",
                   "30 Cheers 4x09\n30 Cheers 4x10\n120 Alien\n30 Cheers 5x05\n");
        cancel(world, film);
        g_autoptr(PlanView) gone = evaluated(world);
        assert_same_blocks(before, gone, 0, 0);
}

/* To the day's end exactly, and not a minute beyond: that belongs to the next day. */
static void a_special_may_reach_the_days_end(void **state) {
        World *world = *state;
        g_autoptr(PlanView) before = evaluated(world);
        const int64_t id = ask(world, OVERRIDE_INSERT, "2026-11-22T09:00:00Z", film_id);
        const int64_t beyond = ask(world, OVERRIDE_INSERT, "2026-11-23T09:30:00Z", film_id);
        g_autoptr(PlanView) view = evaluated(world);
        assert_state(world, id, OVERRIDE_IN_FORCE, NULL);
        assert_state(world, beyond, OVERRIDE_REFUSED, "end of the broadcast day");
        assert_row(view, "2026-11-22T08:30:00Z", "2026-11-22T11:30:00Z", "30 Cheers 5x04\n120 Alien\n30 Cheers 5x09\n");
}

static void assert_clock_change(World *world, const char *now, const char *at, const char *end) {
        rv_clock_fake_step_utc_ms(world->clock, fixture_utc(now) - rv_clock_utc_ms(world->clock));
        restart(world);
        g_autoptr(PlanView) before = evaluated(world);
        const int64_t id = ask(world, OVERRIDE_INSERT, at, film_id);
        g_autoptr(PlanView) after = evaluated(world);
        g_autoptr(Override) made = record(world, id);
        assert_state(world, id, OVERRIDE_IN_FORCE, NULL);
        assert_int_equal(made->start_utc_ms, fixture_utc(at));
        assert_int_equal(made->end_utc_ms, fixture_utc(end));
        assert_same_blocks(before, after, made->start_utc_ms, made->end_utc_ms);
        rv_clock_fake_advance_ms(world->clock, 3 * HOUR);
        g_autoptr(PlanView) aired = evaluated(world); /* asserts that nothing is missing */
        assert_string_equal(block_at(aired, at)->segments[0].asset_uuid, film_id);
}

/* 120 minutes of elapsed time, whatever the clocks on the wall do meanwhile. */
static void a_special_over_a_change_of_clock_is_as_long_as_it_is(void **state) {
        World *world = *state;
        assert_clock_change(world, "2027-03-14T03:10:00Z", "2027-03-14T06:00:00Z",
                            "2027-03-14T08:00:00Z"); /* 1:00 EST */
        assert_clock_change(world, "2027-11-07T02:10:00Z", "2027-11-07T05:00:00Z",
                            "2027-11-07T07:00:00Z"); /* 1:00 EDT */
}

static void a_special_covers_what_it_is_long_and_what_follows_stays(void **state) {
        World *world = *state;
        g_autoptr(PlanView) before = evaluated(world);
        const int64_t wrong = ask(world, OVERRIDE_REPLACE, "2026-11-22T08:00:00Z", film_id);
        const int64_t between = ask(world, OVERRIDE_INSERT, "2026-11-22T08:10:00Z", film_id);
        const int64_t nothing = ask(world, OVERRIDE_INSERT, "2026-11-22T08:00:00Z", "nosuch");
        const int64_t over_the_end = ask(world, OVERRIDE_INSERT, "2026-11-22T10:30:00Z", film_id);
        const int64_t id = ask(world, OVERRIDE_INSERT, "2026-11-22T08:00:00Z", film_id);
        g_autoptr(PlanView) after = evaluated(world);
        assert_state(world, wrong, OVERRIDE_REFUSED, "needs 120 minutes and the programme there has 30");
        assert_state(world, between, OVERRIDE_REFUSED, "2026-11-22T03:30");
        assert_state(world, nothing, OVERRIDE_REFUSED, "may not be planned");
        assert_state(world, over_the_end, OVERRIDE_REFUSED, "end of the broadcast day");
        assert_state(world, id, OVERRIDE_IN_FORCE, NULL);
        assert_row(after, "2026-11-22T07:30:00Z", "2026-11-22T10:30:00Z",
                   "30 Cheers 5x02\n120 Alien\n30 Cheers 5x07\n");
        assert_same_blocks(before, after, fixture_utc("2026-11-22T08:00:00Z"), fixture_utc("2026-11-22T10:00:00Z"));
}

/* Beyond what is locked: in the guide at once, through changes of the rules, a restart, and the lock. */
static void INV_HORIZON_OVERRIDE_001_it_stands_until_it_airs(void **state) {
        World *world = *state;
        g_autoptr(PlanView) before = evaluated(world);
        const int64_t id = ask(world, OVERRIDE_INSERT, "2026-11-23T01:00:00Z", film_id);
        const int64_t far = ask(world, OVERRIDE_SKIP, "2026-11-26T20:00:00Z", NULL); /* the guide is not there yet */
        g_autoptr(PlanView) after = evaluated(world);
        const int64_t from = fixture_utc("2026-11-23T01:00:00Z"), end = after->epg_end_utc_ms;
        assert_state(world, id, OVERRIDE_IN_FORCE, NULL);
        assert_state(world, far, OVERRIDE_ASKED, NULL);
        g_autofree char *planned = row(after, from, end), *rest = row(before, from + 2 * HOUR, end);
        g_autofree char *expected = g_strdup_printf("120 Alien\n%s", rest);
        assert_string_equal(planned, expected);

        world->catalog->revision += 10; /* all that is not locked is planned anew */
        restart(world);
        g_autoptr(PlanView) again = evaluated(world);
        g_autofree char *still = row(again, from, end);
        assert_string_equal(still, expected);
        rv_clock_fake_advance_ms(world->clock, 20 * HOUR);
        g_autoptr(PlanView) locked = evaluated(world);
        assert_string_equal(block_at(locked, "2026-11-23T01:00:00Z")->segments[0].asset_uuid, film_id);
        g_autofree char *at_last = row(locked, from, end);
        assert_string_equal(at_last, expected);
        rv_clock_fake_advance_ms(world->clock, 24 * HOUR);
        horizon_evaluate(world->horizon);
        rv_clock_fake_advance_ms(world->clock, 60000);
        horizon_evaluate(world->horizon);
        assert_state(world, far, OVERRIDE_IN_FORCE, NULL);
}

/* What gave way counts as shown: what follows is the same when it is compiled anew, although nothing of it is left. */
static void INV_HORIZON_OVERRIDE_001_rotation_goes_over_what_was_replaced(void **state) {
        World *world = *state;
        g_autoptr(PlanView) before = evaluated(world);
        const int64_t end = fixture_utc("2026-11-22T10:00:00Z");
        g_autofree char *expected = row(before, end, before->epg_end_utc_ms);
        assert_in_range(before->execution_end_utc_ms, end - HOUR, end); /* the special is the last that is locked */
        ask(world, OVERRIDE_INSERT, "2026-11-22T08:00:00Z", film_id);
        g_autoptr(PlanView) during = evaluated(world);
        assert_int_equal(during->execution_end_utc_ms, end);
        world->catalog->revision += 10;
        restart(world);
        g_autoptr(PlanView) after = evaluated(world);
        g_autofree char *found = row(after, end, before->epg_end_utc_ms);
        assert_string_equal(found, expected);
}

static void an_override_that_is_cancelled_leaves_what_was(void **state) {
        World *world = *state;
        g_autoptr(PlanView) before = evaluated(world);
        const int64_t from = fixture_utc(NOW);
        g_autofree char *expected = row(before, from, before->epg_end_utc_ms);
        const int64_t film = ask(world, OVERRIDE_INSERT, "2026-11-22T08:00:00Z", film_id);
        const int64_t over = ask(world, OVERRIDE_SKIP, "2026-11-22T08:00:00Z", NULL);
        g_autoptr(PlanView) during = evaluated(world);
        assert_row(during, "2026-11-22T08:00:00Z", "2026-11-22T10:30:00Z", "120 filler\n30 Cheers 5x07\n");
        cancel(world, film);
        g_autoptr(PlanView) refused = evaluated(world);
        assert_state(world, film, OVERRIDE_IN_FORCE, "cancel that one first");
        cancel(world, over);
        g_autoptr(PlanView) first = evaluated(world);
        assert_state(world, over, OVERRIDE_CANCELLED, NULL);
        assert_row(first, "2026-11-22T08:00:00Z", "2026-11-22T10:30:00Z", "120 Alien\n30 Cheers 5x07\n");
        cancel(world, film);
        g_autoptr(PlanView) after = evaluated(world);
        g_autofree char *found = row(after, from, before->epg_end_utc_ms);
        assert_string_equal(found, expected);
        bool done = true;
        assert_true(override_store_cancel(world->store, "cheers", film, 1, &done, NULL));
        assert_false(done); /* it is cancelled already */
}

/* Half hours, hours, and films that run on over the day's end: what lies under overrides changes its times. */
static void change_rules(World *world, int n) {
        static const char *const rules[] = {
                "schedule: {all_day: [{block: {start: \"06:00\", duration: 24h, pool: cheers}}]}\n",
                "schedule: {all_day: [{block: {start: \"06:30\", duration: 24h, pool: long}}]}\n",
                "schedule:\n  all_day:\n    - block: {start: \"06:00\", end: \"03:30\", pool: cheers}\n"
                "    - movie_marathon: {start: \"03:30\", end: \"06:00\", movie_selector: {pool: films}, allow_bleed: "
                "true}\n"};
        g_autofree char *yaml =
                g_strconcat("channel: cheers\nchannel_number: 5\ntimezone: America/New_York\npools:\n"
                            "  cheers: {match: {type: episode, series_title: Cheers}}\n"
                            "  long: {match: {type: episode, series_title: Long}}\n  films: {match: {type: movie}}\n",
                            rules[n], NULL);
        g_ptr_array_set_size(world->specs, 0);
        add_channel(world, yaml);
        set_inputs(world);
}

static void override_by_chance(World *world, GRand *rand, const PlanView *view) {
        static const OverrideKind kinds[] = {OVERRIDE_REPLACE, OVERRIDE_INSERT, OVERRIDE_INSERT, OVERRIDE_SKIP};
        const Programme *at =
                view->programmes->pdata[g_rand_int_range(rand, 0, MIN(100, (gint32)view->programmes->len))];
        Override override = {.channel_id = (char *)"cheers",
                             .kind = kinds[g_rand_int_range(rand, 0, 4)],
                             .at_utc_ms = at->start_utc_ms,
                             .asked_utc_ms = rv_clock_utc_ms(world->clock)};
        if (override.kind != OVERRIDE_SKIP)
                override.asset_id = (char *)(g_rand_boolean(rand) ? film_id : episode_id);
        assert_true(override_store_ask(world->store, &override, NULL));
        if (g_rand_int_range(rand, 0, 3) == 0) {
                bool done = false;
                assert_true(override_store_cancel(world->store, "cheers",
                                                  1 + g_rand_int_range(rand, 0, (gint32) override.id),
                                                  override.asked_utc_ms, &done, NULL));
        }
}

/* Whatever is asked for, taken back and changed under it: every view is whole, and what is locked is what was. */
static void INV_HORIZON_OVERRIDE_001_any_overrides_over_any_rules_leave_no_hole(void **state) {
        World *world = *state;
        g_autoptr(GRand) rand = chance_new();
        unsigned n_in_force = 0, n_far = 0;
        for (int round = 0; round < 250; round++) {
                if (g_rand_int_range(rand, 0, 6) == 0)
                        change_rules(world, g_rand_int_range(rand, 0, 3));
                if (g_rand_int_range(rand, 0, 15) == 0)
                        restart(world);
                g_autoptr(PlanView) before = evaluated(world);
                override_by_chance(world, rand, before);
                g_autoptr(PlanView) after = evaluated(world);
                for (guint i = 1; i < after->programmes->len; i++)
                        assert_int_equal(((Programme *)after->programmes->pdata[i])->start_utc_ms,
                                         ((Programme *)after->programmes->pdata[i - 1])->end_utc_ms);
                n_far += after->notices[0] != NULL;
                rv_clock_fake_advance_ms(world->clock, g_rand_int_range(rand, 0, 120) * MINUTE);
        }
        g_autoptr(GPtrArray) all = override_store_list(world->store, "cheers", NULL);
        for (guint i = 0; i < all->len; i++)
                n_in_force += ((Override *)all->pdata[i])->state == OVERRIDE_IN_FORCE;
        assert_in_range(n_in_force, 50, 220);
        assert_true(n_far > 0);
}

static void a_spot_whose_file_is_gone_is_passed_over(void **state) {
        World *world = *state;
        g_autoptr(PlanView) before = evaluated(world);
        for (uint32_t i = 0; i < world->catalog->n_assets; i++) {
                const Asset *asset = world->catalog->assets[i];
                if (asset->kind == ASSET_COMMERCIAL && asset->duration_ms > 60000)
                        assert_int_equal(g_unlink(asset->uri), 0);
        }
        const int64_t id = ask(world, OVERRIDE_REPLACE, "2026-11-22T08:00:00Z", episode_id);
        horizon_evaluate(world->horizon);
        assert_state(world, id, OVERRIDE_IN_FORCE, NULL);
        g_autoptr(PlanView) after = plan_board_view(world->board, "cheers");
        const BlockPlan *block = block_at(after, "2026-11-22T08:00:00Z");
        bool any = false;
        for (uint32_t i = 0; i < block->n_segments; i++) {
                assert_true(block->segments[i].type != SEGMENT_COMMERCIAL || block->segments[i].duration_ms <= 60000);
                any = any || block->segments[i].type == SEGMENT_COMMERCIAL;
        }
        assert_true(any);
}

/* It must not hold up everything after it. */
static void a_special_whose_file_goes_before_it_is_locked_is_filler(void **state) {
        World *world = *state;
        g_autoptr(PlanView) before = evaluated(world);
        ask(world, OVERRIDE_INSERT, "2026-11-23T01:00:00Z", film_id);
        g_autoptr(PlanView) after = evaluated(world);
        const Asset *film = catalog_snapshot_find(world->catalog, film_id);
        assert_int_equal(g_unlink(film->uri), 0);
        rv_clock_fake_advance_ms(world->clock, 20 * HOUR);
        horizon_evaluate(world->horizon);
        g_autoptr(PlanView) later = plan_board_view(world->board, "cheers");
        assert_non_null(strstr(later->fault, "no file that can be read"));
        assert_int_equal(plan_view_health(later, rv_clock_utc_ms(world->clock)).execution_short_ms, 0);
        assert_row(later, "2026-11-23T01:00:00Z", "2026-11-23T03:00:00Z", "120 filler\n");
        assert_int_equal(n_notices(later, "does not air as asked"), 1);
}

/* Before it is decided on, and after. */
static void a_special_that_becomes_ineligible_is_refused_or_filler(void **state) {
        World *world = *state;
        Asset *film = (Asset *)catalog_snapshot_find(world->catalog, film_id);
        g_autoptr(PlanView) before = evaluated(world);
        const int64_t early = ask(world, OVERRIDE_INSERT, "2026-11-23T01:00:00Z", film_id);
        g_autoptr(PlanView) during = evaluated(world);
        film->approved = false;
        world->catalog->revision++;
        restart(world);
        const int64_t late = ask(world, OVERRIDE_INSERT, "2026-11-23T05:00:00Z", film_id);
        g_autoptr(PlanView) after = evaluated(world);
        assert_state(world, early, OVERRIDE_IN_FORCE, NULL);
        assert_state(world, late, OVERRIDE_REFUSED, "may not be planned");
        assert_row(after, "2026-11-23T01:00:00Z", "2026-11-23T03:00:00Z", "120 filler\n");
        assert_int_equal(n_notices(after, "override 1 (insert at 2026-11-22T20:00) does not air as asked"), 1);
        film->approved = true;
        world->catalog->revision++;
        restart(world);
        g_autoptr(PlanView) again = evaluated(world);
        assert_row(again, "2026-11-23T01:00:00Z", "2026-11-23T03:00:00Z", "120 Alien\n");
        assert_int_equal(n_notices(again, "does not air"), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

/* What a command says beforehand is what the horizon decides. */
static void an_objection_is_the_refusal_and_a_lifted_day_the_rules(void **state) {
        World *world = *state;
        g_autoptr(PlanView) before = evaluated(world);
        Override wrong = {.channel_id = (char[]){"cheers"},
                          .kind = OVERRIDE_INSERT,
                          .at_utc_ms = fixture_utc("2026-11-22T08:10:00Z"),
                          .asset_id = (char *)film_id};
        g_autoptr(GPtrArray) days = schedule_store_days(world->store, "cheers", "2026-11-21", NULL);
        g_autofree char *objection = override_objection(before->spec, world->catalog, days->pdata[0], &wrong);
        assert_non_null(objection);
        const int64_t refused = ask(world, wrong.kind, "2026-11-22T08:10:00Z", film_id);
        const int64_t laid = ask(world, OVERRIDE_INSERT, "2026-11-22T08:00:00Z", film_id);
        ask(world, OVERRIDE_SKIP, "2026-11-22T08:00:00Z", NULL);
        g_autoptr(PlanView) after = evaluated(world);
        assert_state(world, refused, OVERRIDE_REFUSED, objection);
        assert_state(world, laid, OVERRIDE_IN_FORCE, NULL);
        g_autoptr(GPtrArray) all = override_store_list(world->store, "cheers", NULL);
        g_autoptr(GPtrArray) stored = schedule_store_days(world->store, "cheers", "2026-11-21", NULL);
        g_autoptr(ScheduleDay) lifted = override_lift(stored->pdata[0], all);
        const ScheduleDay *original = days->pdata[0];
        assert_string_equal(lifted->sha256, original->sha256);
}

int main(void) {
        rv_log_init("test", rv_clock_system());
        rv_log_set_level((RvLogLevel)(RV_LOG_ERROR + 1));
        const struct CMUnitTest tests[] = {
                T(INV_HORIZON_OVERRIDE_001_a_locked_block_changes_with_a_record_and_nothing_else_does),
                T(INV_TL_REPLACE_001_the_files_of_a_sealed_log_stay_and_the_new_one_has_its_own),
                T(INV_HORIZON_OVERRIDE_001_what_is_on_the_air_or_past_stays),
                T(INV_HORIZON_HANDED_OUT_001_what_an_engine_has_stays_and_the_next_block_may_change),
                T(INV_HORIZON_HANDED_OUT_001_what_is_held_waits_for_the_next_publication),
                T(INV_HORIZON_HANDED_OUT_001_no_block_changes_after_it_was_handed_out),
                T(INV_HORIZON_OVERRIDE_001_a_refusal_is_told_until_its_time_is_past_or_it_is_cancelled),
                T(one_that_cannot_be_taken_back_is_told),
                T(what_cannot_be_stored_is_tried_again),
                T(specials_that_meet_lie_one_over_the_other),
                T(a_special_may_reach_the_days_end),
                T(a_special_over_a_change_of_clock_is_as_long_as_it_is),
                T(a_special_covers_what_it_is_long_and_what_follows_stays),
                T(INV_HORIZON_OVERRIDE_001_it_stands_until_it_airs),
                T(INV_HORIZON_OVERRIDE_001_rotation_goes_over_what_was_replaced),
                T(an_override_that_is_cancelled_leaves_what_was),
                T(INV_HORIZON_OVERRIDE_001_any_overrides_over_any_rules_leave_no_hole),
                T(a_spot_whose_file_is_gone_is_passed_over),
                T(a_special_whose_file_goes_before_it_is_locked_is_filler),
                T(a_special_that_becomes_ineligible_is_refused_or_filler),
                T(an_objection_is_the_refusal_and_a_lifted_day_the_rules),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
