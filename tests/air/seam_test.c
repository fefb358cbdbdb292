#include "tests/air/seam_rig.h"

/* --- fences and seams -------------------------------------------------------------------------------------------- */

static void INV_BLOCK_WALLFENCE_001_fences_are_exact_for_every_rate(void **state) {
        static const RvRational RATES[] = {{24000, 1001}, {24, 1}, {25, 1}, {30000, 1001}, {30, 1}, {60000, 1001}};
        g_autoptr(GRand) rand = chance_new();
        for (guint r = 0; r < G_N_ELEMENTS(RATES); r++) {
                g_autoptr(Session) s = session_new(RATES[r]);
                for (int b = 0; b < 4; b++) {
                        int64_t durations_ms[5];
                        for (int i = 0; i < 5; i++)
                                durations_ms[i] = g_rand_int_range(rand, 1, 900);
                        block_plan_unref(feed(s, "/good", durations_ms, 5));
                }
                const int64_t ticks = tick_at(s, s->fed_until_utc_ms);
                begin(s);
                run_ticks(s, ticks + 1);
                end(s);
                int64_t at_utc_ms = T0;
                for (guint b = 0; b < 4; b++) {
                        const SeamReport *fence = report_of(s, SEAM_BLOCK_FENCE, b);
                        assert_int_equal(fence->start_tick, tick_at(s, fence->block->start_utc_ms));
                        assert_int_equal(fence->tick, tick_at(s, fence->block->end_utc_ms));
                        assert_int_equal(fence->frames, fence->tick - fence->start_tick);
                        for (guint i = 0; i < 5; i++) {
                                const SeamReport *over = report_of(s, SEAM_SEGMENT_END, b * 5 + i);
                                assert_int_equal(over->start_tick, tick_at(s, at_utc_ms));
                                at_utc_ms += over->block->segments[i].duration_ms;
                                assert_int_equal(over->tick, tick_at(s, at_utc_ms));
                        }
                }
        }
}

/* 1001 pieces of 333 ms at 29.97: rounding each would be off by ten frames at the end. */
static void INV_SEAM_SEG_004_seams_do_not_drift(void **state) {
        g_autoptr(Session) s = session_new(NTSC);
        enum { N = 1001 };
        int64_t durations_ms[N];
        for (int i = 0; i < N; i++)
                durations_ms[i] = 333;
        block_plan_unref(feed(s, "/good", durations_ms, N));
        begin(s);
        run_ticks(s, tick_at(s, s->fed_until_utc_ms) + 1);
        end(s);
        for (guint i = 0; i < N; i++)
                assert_int_equal(report_of(s, SEAM_SEGMENT_START, i)->tick, tick_at(s, T0 + 333 * (int64_t)i));
        assert_int_equal(report_of(s, SEAM_BLOCK_FENCE, 0)->own_frames, tick_at(s, s->fed_until_utc_ms));
}

static void INV_BLOCK_WALLFENCE_003_early_end_leaves_black_until_the_fence(void **state) {
        g_autoptr(Session) s = session_new(PAL);
        feed_one(s, "/short/10", 1000);
        feed_one(s, "/good", 1000);
        begin(s);
        run_ticks(s, 50);
        end(s);
        for (int tick = 10; tick < 25; tick++) {
                assert_int_equal(s->shots[tick].kind, CELL_BLACK);
                assert_false(s->shots[tick].own_picture);
        }
        assert_int_equal(s->shots[25].source_frame, 0);
        const SeamReport *over = report_of(s, SEAM_SEGMENT_END, 0);
        assert_int_equal(over->own_frames, 10);
        assert_int_equal(over->black_frames, 15);
        assert_int_equal(over->last_source_frame, 9);
        assert_true(report_of(s, SEAM_BLOCK_FENCE, 0)->exhausted);
}

static void INV_BLOCK_WALLFENCE_004_fence_tick_is_the_next_blocks_first(void **state) {
        g_autoptr(Session) s = session_new(NTSC);
        feed_one(s, "/good", 1000);
        feed_one(s, "/good", 1000);
        begin(s);
        run_ticks(s, 61);
        end(s);
        const SeamReport *fence = report_of(s, SEAM_BLOCK_FENCE, 0), *start = report_of(s, SEAM_BLOCK_START, 1);
        assert_int_equal(fence->tick, 30);
        assert_int_equal(start->tick, fence->tick);
        assert_true(fence->primed);
        assert_true(start->primed);
        assert_int_equal(s->shots[29].source_frame, 29);
        assert_int_equal(s->shots[30].source_frame, 0);
}

static void INV_BLOCK_WALLFENCE_005_credit_comes_with_the_fence(void **state) {
        g_autoptr(Session) s = session_new(PAL);
        feed_one(s, "/good", 400);
        feed_one(s, "/good", 400);
        begin(s);
        run_ticks(s, 10);
        assert_int_equal(block_queue_credits(s->queue), 6);
        run_ticks(s, 11);
        pump();
        while (count_reports(s, SEAM_BLOCK_FENCE) == 0)
                g_main_context_iteration(NULL, TRUE);
        assert_int_equal(block_queue_credits(s->queue), 7);
}

static void INV_SEAM_101_segment_shorter_than_a_tick_is_skipped_and_said(void **state) {
        g_autoptr(Session) s = session_new(PAL);
        const int64_t durations_ms[] = {401, 20, 19, 560};
        block_plan_unref(feed(s, "/good", durations_ms, 4));
        begin(s);
        run_ticks(s, 26);
        end(s);
        assert_int_equal(count_reports(s, SEAM_SEGMENT_START), 2);
        assert_int_equal(count_reports(s, SEAM_SEGMENT_END), 4);
        assert_int_equal(report_of(s, SEAM_SEGMENT_END, 1)->frames, 0);
        assert_int_equal(report_of(s, SEAM_SEGMENT_END, 2)->frames, 0);
        assert_int_equal(report_of(s, SEAM_SEGMENT_END, 3)->segment_index, 3);
        assert_int_equal(report_of(s, SEAM_BLOCK_FENCE, 0)->frames, 25);
        assert_int_equal(atomic_load(&sources_made), 2);
}

static void INV_SEAM_102_idr_at_zero_each_gop_each_seam_each_fence(void **state) {
        g_autoptr(Session) s = session_new(PAL);
        s->format.gop_frames = 20;
        const int64_t durations_ms[] = {280, 720};
        block_plan_unref(feed(s, "/good", durations_ms, 2));
        begin(s);
        run_ticks(s, 70); /* dry from tick 25 on */
        end(s);
        for (int tick = 0; tick < 70; tick++)
                assert_int_equal(s->shots[tick].idr, tick % 20 == 0 || tick == 7 || tick == 25);
}

static void INV_SEAM_006_sources_are_prepared_ninety_ticks_ahead_and_three_at_most(void **state) {
        g_autoptr(Session) s = session_new(PAL);
        const int64_t durations_ms[] = {8000, 40, 40, 40, 40, 40, 40, 40, 40, 1000};
        block_plan_unref(feed(s, "/good", durations_ms, G_N_ELEMENTS(durations_ms)));
        begin(s);
        run_ticks(s, 200 - SEAM_PREPARE_TICKS);
        assert_int_equal(atomic_load(&sources_made), 1);
        run_ticks(s, 200 - SEAM_PREPARE_TICKS + 1);
        while (atomic_load(&sources_made) < 2)
                sched_yield();
        run_ticks(s, 199);
        while (atomic_load(&sources_made) < 1 + SEAM_PREPARED_SOURCES)
                sched_yield();
        assert_int_equal(atomic_load(&sources_made), 1 + SEAM_PREPARED_SOURCES);
        run_ticks(s, 209);
        end(s);
        assert_int_equal(report_of(s, SEAM_SEGMENT_START, 9)->primed, true);
}

static void INV_SEAM_006_the_next_source_is_told_when_it_is_near(void **state) {
        g_autoptr(Session) s = session_new(PAL);
        block_plan_unref(feed(s, "/good", (const int64_t[]){4000, 1000, 1000}, 3));
        const int before = atomic_load(&sources_near);
        begin(s);
        run_ticks(s, 100 - SEAM_NEAR_TICKS);
        assert_int_equal(atomic_load(&sources_near) - before, 1);
        run_ticks(s, 100 - SEAM_NEAR_TICKS + 1);
        assert_int_equal(atomic_load(&sources_near) - before, 2); /* while the third one has been started as well */
        run_ticks(s, 125);
        assert_int_equal(atomic_load(&sources_near) - before, 3);
        end(s);
}

/* --- one picture a tick ------------------------------------------------------------------------------------------- */

static void INV_CONTINUOUS_FRAME_AUTHORITY_001_one_cell_a_tick_whatever_happens(void **state) {
        static const char *const URIS[] = {"/good",      "/broken", "/short/0",    "/short/7",      NULL,
                                           "/stall/3/9", "/slow/5", "/slow/10000", "/stall/1/5000", "/tired/9"};
        g_autoptr(GRand) rand = chance_new();
        for (int round = 0; round < 5; round++) {
                g_autoptr(Session) s = session_new(NTSC);
                for (int b = 0; b < 8; b++) {
                        int64_t durations_ms[3];
                        for (int i = 0; i < 3; i++)
                                durations_ms[i] = g_rand_int_range(rand, 1, 1200);
                        const char *uri = URIS[g_rand_int_range(rand, 0, G_N_ELEMENTS(URIS))];
                        block_plan_unref(feed(s, uri, durations_ms, 3));
                }
                begin(s);
                run_ticks(s, tick_at(s, s->fed_until_utc_ms) + 20);
                end(s);
                for (int64_t tick = 0; tick < s->n_shots; tick++) {
                        const int64_t n =
                                rv_tick_to_sample(tick + 1, NTSC, 48000) - rv_tick_to_sample(tick, NTSC, 48000);
                        assert_int_equal(s->shots[tick].tick, tick);
                        assert_int_equal(s->shots[tick].n_samples, n);
                }
                int64_t frames = 0;
                for (guint i = 0; i < 24; i++) {
                        const SeamReport *r = report_of(s, SEAM_SEGMENT_END, i);
                        assert_int_equal(r->own_frames + r->held_frames + r->missing_frames + r->black_frames,
                                         r->frames);
                        assert_int_equal(r->frames, r->tick - r->start_tick);
                        frames += r->frames;
                }
                assert_int_equal(frames, tick_at(s, s->fed_until_utc_ms));
        }
}

static void INV_FENCE_TAKE_READY_001_missing_cells_hold_for_250_ms_then_black(void **state) {
        g_autoptr(Session) s = session_new(PAL);
        feed_one(s, "/stall/10/20", 1000);
        begin(s);
        run_ticks(s, 25);
        end(s);
        for (int tick = 10; tick < 25; tick++) {
                const bool held = tick < 16; /* 6 ticks are 240 ms */
                assert_int_equal(s->shots[tick].own_picture, held || tick >= 20);
                assert_int_equal(s->shots[tick].source_frame, tick >= 20 ? tick : -1);
        }
        const SeamReport *over = report_of(s, SEAM_SEGMENT_END, 0);
        assert_int_equal(over->held_frames, 6);
        assert_int_equal(over->missing_frames, 4);
        assert_int_equal(over->own_frames, 15);
}

static void INV_FENCE_TAKE_READY_001_a_late_source_shows_no_picture_of_another_segment(void **state) {
        g_autoptr(Session) s = session_new(PAL);
        feed_one(s, "/good", 400);
        feed_one(s, "/slow/4", 400);
        begin(s);
        run_ticks(s, 20);
        end(s);
        for (int tick = 10; tick < 14; tick++)
                assert_false(s->shots[tick].own_picture);
        assert_int_equal(s->shots[14].source_frame, 4);
        assert_false(report_of(s, SEAM_BLOCK_FENCE, 0)->primed);
        assert_false(report_of(s, SEAM_SEGMENT_START, 1)->primed);
        assert_int_equal(report_of(s, SEAM_SEGMENT_END, 1)->missing_frames, 4);
}

/* A source that has given up, because it could not be in time any more, is not one whose material is over. */
static void INV_FENCE_TAKE_READY_001_what_comes_too_late_is_missing_and_not_over(void **state) {
        g_autoptr(Session) s = session_new(PAL);
        feed_one(s, "/tired/10", 1000);
        feed_one(s, "/tired/0", 1000);
        begin(s);
        run_ticks(s, 51);
        end(s);
        const SeamReport *over = report_of(s, SEAM_SEGMENT_END, 0);
        assert_int_equal(over->own_frames, 10);
        assert_int_equal(over->held_frames, 6);
        assert_int_equal(over->missing_frames, 9);
        assert_int_equal(report_of(s, SEAM_SEGMENT_END, 1)->missing_frames, 25);
        assert_true(report_of(s, SEAM_BLOCK_FENCE, 0)->behind);
        assert_false(report_of(s, SEAM_BLOCK_FENCE, 0)->exhausted);
}

static void broken_material_is_black_and_named(void **state) {
        g_autoptr(Session) s = session_new(PAL);
        feed_one(s, "/broken", 400);
        begin(s);
        run_ticks(s, 11);
        end(s);
        const SeamReport *over = report_of(s, SEAM_SEGMENT_END, 0);
        assert_string_equal(over->reason, "OPEN_FAILED");
        assert_int_equal(over->black_frames, 10);
        assert_int_equal(over->first_source_frame, -1);
}

static void pads_black_is_its_own(void **state) {
        g_autoptr(Session) s = session_new(PAL);
        feed_one(s, NULL, 400);
        begin(s);
        run_ticks(s, 11);
        end(s);
        assert_int_equal(report_of(s, SEAM_SEGMENT_END, 0)->own_frames, 10);
        assert_false(report_of(s, SEAM_BLOCK_FENCE, 0)->exhausted);
}

/* --- a dry queue ---------------------------------------------------------------------------------------------------
 */

static void INV_SEAM_105_late_block_is_joined_where_it_should_be(void **state) {
        g_autoptr(Session) s = session_new(PAL);
        feed_one(s, "/good", 400);
        begin(s);
        run_ticks(s, 20);
        assert_int_equal(count_reports(s, SEAM_DRY), 1);
        const int64_t durations_ms[] = {200, 1000};
        block_plan_unref(feed(s, "/good", durations_ms, 2));
        run_ticks(s, 41);
        end(s);
        for (int tick = 10; tick < 20; tick++)
                assert_int_equal(s->shots[tick].kind, CELL_BLACK);
        assert_int_equal(s->shots[20].source_frame, 20 - 15); /* the second segment began at tick 15 */
        assert_true(s->shots[20].idr);
        assert_int_equal(report_of(s, SEAM_DRY, 0)->tick, 10);
        assert_int_equal(report_of(s, SEAM_BLOCK_START, 1)->tick, 20);
        assert_int_equal(report_of(s, SEAM_SEGMENT_END, 1)->frames, 0);
        const SeamReport *over = report_of(s, SEAM_SEGMENT_END, 2);
        assert_true(over->late);
        assert_int_equal(over->frames, 20);
        assert_int_equal(report_of(s, SEAM_BLOCK_FENCE, 1)->tick, 40);
}

static void a_block_that_is_over_when_it_comes_is_skipped_whole(void **state) {
        g_autoptr(Session) s = session_new(PAL);
        feed_one(s, "/good", 400);
        begin(s);
        run_ticks(s, 40);
        feed_one(s, "/good", 400);
        feed_one(s, "/good", 2000);
        run_ticks(s, 45);
        end(s);
        assert_int_equal(report_of(s, SEAM_BLOCK_FENCE, 1)->frames, 0);
        assert_int_equal(report_of(s, SEAM_BLOCK_FENCE, 1)->tick, 20);
        assert_int_equal(s->shots[40].source_frame, 20);
}

/* --- reports -------------------------------------------------------------------------------------------------------
 */

static void INV_SEAM_103_reports_come_in_order_and_tell_of_an_early_end(void **state) {
        static const SeamReportKind ORDER[] = {
                SEAM_BLOCK_START, SEAM_SEGMENT_START, SEAM_SEGMENT_END,   SEAM_SEGMENT_START, SEAM_SEGMENT_END,
                SEAM_BLOCK_FENCE, SEAM_BLOCK_START,   SEAM_SEGMENT_START, SEAM_SEGMENT_END,   SEAM_ENDED};
        g_autoptr(Session) s = session_new(PAL);
        const int64_t durations_ms[] = {400, 400};
        block_plan_unref(feed(s, "/good", durations_ms, 2));
        feed_one(s, "/good", 1000);
        begin(s);
        run_ticks(s, 30);
        end(s);
        assert_int_equal(s->reports->len, G_N_ELEMENTS(ORDER));
        int64_t tick = 0;
        for (guint i = 0; i < G_N_ELEMENTS(ORDER); i++) {
                const SeamReport *report = &g_array_index(s->reports, SeamReport, i);
                assert_int_equal(report->kind, ORDER[i]);
                assert_true(report->tick >= tick);
                tick = report->tick;
        }
        const SeamReport *cut = report_of(s, SEAM_SEGMENT_END, 2);
        assert_true(cut->cut);
        assert_int_equal(cut->frames, 10);
        assert_int_equal(report_of(s, SEAM_ENDED, 0)->tick, 30);
}

/* Over a seam, which is ten ticks in. */
static void INV_SEAM_109_what_the_sink_did_not_show_is_told_of_its_own_segment(void **state) {
        g_autoptr(Session) s = session_new(PAL);
        s->unseen_from = 8;
        s->unseen_end = 13;
        const int64_t durations_ms[] = {400, 400};
        block_plan_unref(feed(s, "/good", durations_ms, 2));
        begin(s);
        run_ticks(s, 21);
        end(s);
        const SeamReport *first = report_of(s, SEAM_SEGMENT_END, 0), *second = report_of(s, SEAM_SEGMENT_END, 1);
        assert_int_equal(first->own_frames, 8);
        assert_int_equal(first->held_frames, 2);
        assert_int_equal(first->last_source_frame, 7);
        assert_int_equal(second->own_frames, 7);
        assert_int_equal(second->held_frames, 3);
        assert_int_equal(second->first_source_frame, 3);
        assert_int_equal(report_of(s, SEAM_BLOCK_FENCE, 0)->own_frames, 15);
}

/* The control loop does not run while a thousand segments pass: none of their reports may be lost, and frames go on. */
static void INV_SEAM_104_reports_outlast_a_stuck_control_loop(void **state) {
        g_autoptr(Session) s = session_new(PAL);
        enum { N = 1000 };
        int64_t durations_ms[N];
        for (int i = 0; i < N; i++)
                durations_ms[i] = 40;
        block_plan_unref(feed(s, "/good", durations_ms, N));
        begin(s);
        for (int64_t tick = 0; tick < N; tick++) {
                rv_clock_fake_await_sleepers(s->clock, 1);
                advance_to_ns(s, rv_tick_to_ns(tick, PAL));
                await_shots(s, tick + 1);
        }
        assert_int_equal(s->reports->len, 0);
        pump();
        for (int64_t tick = N; count_reports(s, SEAM_BLOCK_FENCE) == 0; tick++) {
                rv_clock_fake_await_sleepers(s->clock, 1);
                advance_to_ns(s, rv_tick_to_ns(tick, PAL));
                await_shots(s, tick + 1);
                pump();
        }
        end(s);
        assert_int_equal(count_reports(s, SEAM_SEGMENT_END), N);
        for (guint i = 0; i < N; i++)
                assert_int_equal(report_of(s, SEAM_SEGMENT_END, i)->segment_index, i);
        assert_int_equal(count_reports(s, SEAM_BLOCK_FENCE), 1);
}

/* --- time ----------------------------------------------------------------------------------------------------------
 */

static void INV_TICK_DEADLINE_DISCIPLINE_001_a_stall_delays_nothing_that_follows(void **state) {
        g_autoptr(Session) s = session_new(NTSC);
        feed_one(s, "/good", 10000);
        begin(s);
        run_ticks(s, 30);
        rv_clock_fake_await_sleepers(s->clock, 1);
        advance_to_ns(s, rv_tick_to_ns(60, NTSC)); /* the machine slept for a second */
        await_shots(s, 61);
        rv_clock_fake_await_sleepers(s->clock, 1);
        assert_int_equal(shots(s), 61);
        advance_to_ns(s, rv_tick_to_ns(61, NTSC) - 2000000);
        rv_clock_fake_await_sleepers(s->clock, 1);
        assert_int_equal(shots(s), 61);
        run_ticks(s, 90);
        const Lateness lateness = seam_stats(s->seam).lateness;
        assert_int_equal(lateness_count(&lateness), shots(s));
        assert_int_equal(lateness.max_us, 1001000);
        end(s);
        for (int tick = 0; tick < 90; tick++)
                assert_int_equal(s->shots[tick].source_frame, tick);
}

static void INV_TICK_MONOTONIC_UTC_ANCHOR_001_steps_of_the_wall_clock_move_nothing(void **state) {
        g_autoptr(Session) s = session_new(PAL);
        feed_one(s, "/good", 1000);
        feed_one(s, "/good", 1000);
        begin(s);
        run_ticks(s, 10);
        rv_clock_fake_step_utc_ms(s->clock, -3600000);
        run_ticks(s, 20);
        rv_clock_fake_step_utc_ms(s->clock, 7200000);
        run_ticks(s, 51);
        end(s);
        assert_int_equal(report_of(s, SEAM_BLOCK_FENCE, 0)->tick, 25);
        assert_int_equal(report_of(s, SEAM_BLOCK_FENCE, 1)->tick, 50);
        for (int tick = 0; tick < 50; tick++)
                assert_int_equal(s->shots[tick].source_frame, tick % 25);
}

/* Lets time pass in the steps of whoever waits, until so many ticks have been made. How much did. The preparer, which
 * no clock holds up, is given the time it needs. */
static int64_t pass_time_until(Session *s, int64_t n_shots) {
        int64_t passed_ms = 0;
        for (rv_clock_fake_await_sleepers(s->clock, 1); shots(s) < n_shots; passed_ms += 2) {
                while (atomic_load(&s->seam->looked) != atomic_load(&s->seam->asked))
                        sched_yield();
                rv_clock_fake_advance_ms(s->clock, 2);
                rv_clock_fake_await_sleepers(s->clock, 1);
        }
        return passed_ms;
}

/* Starts with tick 0 due now; nothing may go out before its cell is there or 150 ms have passed. */
static void INV_SEAM_106_start_waits_for_the_first_cell_but_not_for_ever(void **state) {
        g_autoptr(Session) s = session_new(PAL);
        feed_one(s, "/slow/50", 4000);
        prepare(s);
        await_turns(s, 0);
        rv_clock_fake_advance_ms(s->clock, 1000);
        rv_clock_fake_advance_ms(s->clock, 1); /* a millisecond behind: not caught up */
        run(s);
        assert_true(pass_time_until(s, 1) >= SEAM_START_WAIT_MS);
        assert_false(s->shots[0].own_picture);
}

/* Ten ticks and one due now: all of them at once, but for the wait until the sink takes more. */
static void INV_SEAM_106_ticks_of_the_past_are_made_of_real_cells_as_fast_as_the_sink_takes_them(void **state) {
        g_autoptr(Session) s = session_new(PAL);
        feed_one(s, "/good", 4000);
        prepare(s);
        await_turns(s, 0);
        rv_clock_fake_advance_ms(s->clock, 1000 + 400);
        set_room(s, 4);
        run(s);
        await_shots(s, 4);
        rv_clock_fake_await_sleepers(s->clock, 1);
        assert_int_equal(shots(s), 4);
        set_room(s, MAX_TICKS);
        rv_clock_fake_advance_ms(s->clock, 2);
        await_shots(s, 11);
        rv_clock_fake_await_sleepers(s->clock, 1);
        assert_int_equal(shots(s), 11);
        end(s);
        for (int tick = 0; tick < 11; tick++)
                assert_int_equal(s->shots[tick].source_frame, tick);
}

static void INV_SEAM_106_a_sink_without_room_is_not_waited_for_for_ever(void **state) {
        g_autoptr(Session) s = session_new(PAL);
        feed_one(s, "/good", 8000);
        prepare(s);
        await_turns(s, 0);
        rv_clock_fake_advance_ms(s->clock, 1000 + 400);
        set_room(s, 0);
        run(s);
        assert_true(pass_time_until(s, 1) >= SEAM_START_WAIT_MS + 2 * 400);
}

/* A picture every 32 ms where 40 are due: 400 ms are caught up with in two seconds, and none is lost on the way. */
static void INV_SEAM_106_a_sink_that_gains_on_time_is_waited_for(void **state) {
        g_autoptr(Session) s = session_new(PAL);
        feed_one(s, "/good", 8000);
        prepare(s);
        await_turns(s, 0);
        rv_clock_fake_advance_ms(s->clock, 1000 + 400);
        set_room(s, 1);
        run(s);
        await_shots(s, 1);
        for (int room = 2; room <= 45; room++) {
                for (int ms = 0; ms < 30; ms += 2) {
                        rv_clock_fake_await_sleepers(s->clock, 1);
                        rv_clock_fake_advance_ms(s->clock, 2);
                }
                rv_clock_fake_await_sleepers(s->clock, 1);
                assert_int_equal(shots(s), room - 1);
                set_room(s, room);
                rv_clock_fake_advance_ms(s->clock, 2);
                await_shots(s, room);
        }
        end(s);
        for (int tick = 0; tick < 45; tick++)
                assert_true(s->shots[tick].own_picture);
}

/* Three seconds late and a source that hangs: black soon enough for core to see that the engine lives. */
static void INV_SEAM_106_a_source_that_hangs_is_waited_for_once(void **state) {
        g_autoptr(Session) s = session_new(PAL);
        const int64_t durations_ms[] = {400, 20000};
        block_plan_unref(feed(s, "/slow/500", durations_ms, 2));
        prepare(s);
        await_turns(s, 0);
        rv_clock_fake_advance_ms(s->clock, 1000 + 3000);
        run(s);
        assert_in_range(pass_time_until(s, 1), SEAM_CELL_WAIT_MS, SEAM_CELL_WAIT_MS + 10);
        assert_in_range(pass_time_until(s, 75), 0, 10);
        for (int tick = 0; tick < 75; tick++)
                assert_false(s->shots[tick].own_picture);
}

/* The same in a replay: the first turn is waited for as long as that lasts, and the second one all the same. */
static void INV_SEAM_106_a_replay_waits_for_every_source(void **state) {
        g_autoptr(Session) s = session_new(PAL);
        s->patient = true;
        const int64_t durations_ms[] = {400, 20000};
        block_plan_unref(feed(s, "/slow/500", durations_ms, 2));
        prepare(s);
        await_turns(s, 0);
        rv_clock_fake_advance_ms(s->clock, 1000 + 3000);
        run(s);
        assert_in_range(pass_time_until(s, 1), SEAM_PATIENT_WAIT_MS, SEAM_PATIENT_WAIT_MS + 10);
        assert_in_range(pass_time_until(s, 10), 0, 10);
        assert_in_range(pass_time_until(s, 11), SEAM_PATIENT_WAIT_MS, SEAM_PATIENT_WAIT_MS + 10);
}

/* Thirty sources of a tick each: ticks made without waiting for the preparer would find none. */
static void INV_SEAM_106_sources_of_the_past_are_started_before_they_are_missed(void **state) {
        int64_t durations_ms[31] = {[30] = 20000};
        for (int i = 0; i < 30; i++)
                durations_ms[i] = 40;
        for (int round = 0; round < 20; round++) {
                g_autoptr(Session) s = session_new(PAL);
                block_plan_unref(feed(s, "/good", durations_ms, 31));
                prepare(s);
                await_turns(s, 0);
                rv_clock_fake_advance_ms(s->clock, 1000 + 1200);
                run(s);
                (void)pass_time_until(s, 31); /* the last one is due now */
                end(s);
                assert_int_equal(count_reports(s, SEAM_DRY), 0);
                for (int tick = 0; tick < 31; tick++)
                        assert_true(s->shots[tick].own_picture);
        }
}

static void INV_SEAM_106_a_stop_does_not_wait_for_the_epoch(void **state) {
        g_autoptr(Session) s = session_new(PAL);
        s->epoch_utc_ms = s->fed_until_utc_ms = T0 + 60000;
        feed_one(s, "/good", 4000);
        begin(s);
        rv_clock_fake_await_sleepers(s->clock, 1);
        seam_stop(s->seam);
        rv_clock_fake_advance_ms(s->clock, 50);
        g_clear_pointer(&s->seam, seam_free); /* or never */
        assert_int_equal(shots(s), 0);
        assert_int_equal(count_reports(s, SEAM_ENDED), 1);
}

/* --- slates ---------------------------------------------------------------------------------------------------- */

/* With the slate for every hole drawn. */
static const Picture *begin_with_slate(Session *s, SlateMode mode) {
        s->style->slate = mode;
        prepare(s);
        while (!atomic_load(&s->seam->slate.general))
                sched_yield();
        run(s);
        return atomic_load(&s->seam->slate.general);
}

/* Shots [from, to) have this picture; NULL: the source's own. */
static void check_shown(const Session *s, int64_t from, int64_t to, const Picture *picture) {
        for (int64_t i = from; i < to; i++)
                if (s->shots[i].picture != (picture ? picture : source_picture))
                        fail_msg("tick %d: another picture", (int)i);
}

static void INV_SEAM_107_a_hole_that_is_sure_to_last_is_the_slate_at_once(void **state) {
        g_autoptr(Session) s = session_new(PAL);
        feed_one(s, "/broken", 4000);   /* 0..100 */
        feed_one(s, "/good", 1000);     /* 100..125 */
        feed_one(s, "/broken", 1960);   /* 125..174: too short */
        feed_one(s, "/short/20", 4000); /* 174..274 */
        feed_one(s, "/short/60", 4000); /* 274..374: over when 40 ticks are left */
        feed_one(s, NULL, 4000);        /* 374..474 */
        const Picture *slate = begin_with_slate(s, SLATE_ON), *black = s->seam->black;
        run_ticks(s, 474);
        check_shown(s, 0, 100, slate);
        check_shown(s, 100, 125, NULL);
        check_shown(s, 125, 174, black);
        check_shown(s, 174, 194, NULL);
        check_shown(s, 194, 274, slate);
        check_shown(s, 274, 334, NULL);
        check_shown(s, 334, 374, black);
        check_shown(s, 374, 474, source_picture); /* pad has its own */
        const SeamReport *broken = report_of(s, SEAM_SEGMENT_END, 0);
        assert_int_equal(broken->black_frames, 100); /* evidence counts it as what it is */
        assert_int_equal(broken->own_frames, 0);
}

static void INV_SEAM_107_a_hole_that_may_end_is_black_for_two_seconds(void **state) {
        g_autoptr(Session) s = session_new(PAL);
        feed_one(s, "/stall/25/100", 8000); /* cells are missing from tick 25 to 100 of 200 */
        const Picture *slate = begin_with_slate(s, SLATE_ON), *black = s->seam->black;
        run_ticks(s, 275);
        check_shown(s, 0, 31, NULL); /* 6 ticks held */
        check_shown(s, 31, 81, black);
        check_shown(s, 81, 100, slate);
        check_shown(s, 100, 200, NULL);
        check_shown(s, 200, 250, black); /* dry */
        check_shown(s, 250, 275, slate);
        assert_int_equal(report_of(s, SEAM_SEGMENT_END, 0)->missing_frames, 69);
}

static void INV_SEAM_107_operators_are_told_of_each_cause(void **state) {
        g_autoptr(Session) s = session_new(PAL);
        feed_one(s, "/broken", 4000);
        feed_one(s, "/broken", 4000);
        const Picture *general = begin_with_slate(s, SLATE_OPERATOR), *black = s->seam->black;
        const Picture *slates[2];
        for (int64_t i = 0; i < 2; i++) {
                run_ticks(s, 100 * i + 1);
                check_shown(s, 100 * i, 100 * i + 1, black); /* asked for */
                while (atomic_load(&s->seam->slate.question) != SLATE_DRAWN)
                        sched_yield();
                run_ticks(s, 100 * (i + 1));
                slates[i] = s->shots[100 * i + 1].picture;
                assert_ptr_not_equal(slates[i], general);
                assert_ptr_not_equal(slates[i], black);
                check_shown(s, 100 * i + 1, 100 * (i + 1), slates[i]);
        }
        assert_ptr_not_equal(slates[0], slates[1]);
        run_ticks(s, 260);
        check_shown(s, 200, 250, general); /* the hole goes on: dry */
}

static void a_seam_that_never_ran_reports_nothing(void **state) {
        g_autoptr(Session) s = session_new(PAL);
        feed_one(s, "/good", 400);
        prepare(s);
        await_turns(s, 0);
        g_clear_pointer(&s->seam, seam_free);
        assert_int_equal(s->reports->len, 0);
        assert_int_equal(atomic_load(&sources_freed), 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(INV_BLOCK_WALLFENCE_001_fences_are_exact_for_every_rate),
                cmocka_unit_test(INV_SEAM_SEG_004_seams_do_not_drift),
                cmocka_unit_test(INV_BLOCK_WALLFENCE_003_early_end_leaves_black_until_the_fence),
                cmocka_unit_test(INV_BLOCK_WALLFENCE_004_fence_tick_is_the_next_blocks_first),
                cmocka_unit_test(INV_BLOCK_WALLFENCE_005_credit_comes_with_the_fence),
                cmocka_unit_test(INV_SEAM_101_segment_shorter_than_a_tick_is_skipped_and_said),
                cmocka_unit_test(INV_SEAM_102_idr_at_zero_each_gop_each_seam_each_fence),
                cmocka_unit_test(INV_SEAM_006_sources_are_prepared_ninety_ticks_ahead_and_three_at_most),
                cmocka_unit_test(INV_SEAM_006_the_next_source_is_told_when_it_is_near),
                cmocka_unit_test(INV_CONTINUOUS_FRAME_AUTHORITY_001_one_cell_a_tick_whatever_happens),
                cmocka_unit_test(INV_FENCE_TAKE_READY_001_missing_cells_hold_for_250_ms_then_black),
                cmocka_unit_test(INV_FENCE_TAKE_READY_001_a_late_source_shows_no_picture_of_another_segment),
                cmocka_unit_test(INV_FENCE_TAKE_READY_001_what_comes_too_late_is_missing_and_not_over),
                cmocka_unit_test(broken_material_is_black_and_named),
                cmocka_unit_test(pads_black_is_its_own),
                cmocka_unit_test(INV_SEAM_105_late_block_is_joined_where_it_should_be),
                cmocka_unit_test(a_block_that_is_over_when_it_comes_is_skipped_whole),
                cmocka_unit_test(INV_SEAM_103_reports_come_in_order_and_tell_of_an_early_end),
                cmocka_unit_test(INV_SEAM_109_what_the_sink_did_not_show_is_told_of_its_own_segment),
                cmocka_unit_test(INV_SEAM_104_reports_outlast_a_stuck_control_loop),
                cmocka_unit_test(INV_TICK_DEADLINE_DISCIPLINE_001_a_stall_delays_nothing_that_follows),
                cmocka_unit_test(INV_TICK_MONOTONIC_UTC_ANCHOR_001_steps_of_the_wall_clock_move_nothing),
                cmocka_unit_test(INV_SEAM_106_start_waits_for_the_first_cell_but_not_for_ever),
                cmocka_unit_test(INV_SEAM_106_ticks_of_the_past_are_made_of_real_cells_as_fast_as_the_sink_takes_them),
                cmocka_unit_test(INV_SEAM_106_a_sink_without_room_is_not_waited_for_for_ever),
                cmocka_unit_test(INV_SEAM_106_a_sink_that_gains_on_time_is_waited_for),
                cmocka_unit_test(INV_SEAM_106_a_source_that_hangs_is_waited_for_once),
                cmocka_unit_test(INV_SEAM_106_a_replay_waits_for_every_source),
                cmocka_unit_test(INV_SEAM_106_sources_of_the_past_are_started_before_they_are_missed),
                cmocka_unit_test(INV_SEAM_106_a_stop_does_not_wait_for_the_epoch),
                cmocka_unit_test(INV_SEAM_107_a_hole_that_is_sure_to_last_is_the_slate_at_once),
                cmocka_unit_test(INV_SEAM_107_a_hole_that_may_end_is_black_for_two_seconds),
                cmocka_unit_test(INV_SEAM_107_operators_are_told_of_each_cause),
                cmocka_unit_test(a_seam_that_never_ran_reports_nothing),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
