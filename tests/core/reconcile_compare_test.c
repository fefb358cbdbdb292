/* The comparator: records of a perfect engine, and the same with one thing changed. */
#include <string.h>

#include "tests/core/reconcile_fixture.h"

/* --- asking ------------------------------------------------------------------------------------------------------ */

static ReconcileReport *world_compare(const World *world) {
        const ReconcilePlan plan = {
                .channel_id = "one",
                .scope = world->scope ? world->scope : RECONCILE_DAY,
                .from_utc_ms = NOON,
                .to_utc_ms = world->to_utc_ms ? world->to_utc_ms : world_end(world),
                .blocks = world->blocks,
                .locked_utc_ms = world->locked_utc_ms,
                .rate = world->rate,
                .source_rates = world->rates,
        };
        return reconcile_compare(&plan, &(ReconcileRecord){world->events});
}

static void print_divergences(const ReconcileReport *report) {
        for (guint i = 0; i < report->divergences->len; i++) {
                const ReconcileDivergence *d = report->divergences->pdata[i];
                print_message("%s %s | %s | %s | %s\n", reconcile_class_name(d->class), d->block_id, d->expected,
                              d->found, d->sentence);
        }
}

/* At least one divergence, all of the class. */
static void assert_class(const World *world, ReconcileClass class) {
        g_autoptr(ReconcileReport) report = world_compare(world);
        bool right = report->divergences->len > 0;
        for (guint i = 0; i < report->divergences->len; i++)
                right &= ((ReconcileDivergence *)report->divergences->pdata[i])->class == class;
        if (right)
                return;
        print_divergences(report);
        fail_msg("expected %s and nothing else", reconcile_class_name(class));
}

static void assert_clean(const World *world) {
        g_autoptr(ReconcileReport) report = world_compare(world);
        if (report->divergences->len == 0)
                return;
        print_divergences(report);
        fail_msg("%u divergences", report->divergences->len);
}

/* --- worlds ---------------------------------------------------------------------------------------------------------
 */

/* A whole day watched from somewhere in the first block to somewhere in the last. */
static World *watched(unsigned n_blocks) {
        World *world = world_new(n_blocks);
        const BlockPlan *first = world_nth(world, 0), *last = world_nth(world, n_blocks - 1);
        world_play(world, first->start_utc_ms + g_rand_int_range(world->chance, 0, 200),
                   last->end_utc_ms - g_rand_int_range(world->chance, 1, 250), END_STOPPED);
        return world;
}

/* Takes what the block's events are out of the record; keep: puts them in again under other names. */
static void drop_block(World *world, const char *block_id) {
        for (guint i = world->events->len; i > 0; i--) {
                const EvidenceEvent *event = world->events->pdata[i - 1];
                if (g_strcmp0(event->block_id, block_id) == 0)
                        g_ptr_array_remove_index(world->events, i - 1);
        }
}

/* Room in the sequence behind an event, so that another can be told there. */
static void spread(World *world) {
        for (guint i = 0; i < world->events->len; i++)
                ((EvidenceEvent *)world->events->pdata[i])->sequence *= 1000;
}

static EvidenceEvent *tell_again(World *world, const EvidenceEvent *event, int64_t sequence) {
        EvidenceEvent *copy = evidence_event_copy(event);
        copy->sequence = sequence;
        g_free(copy->event_uuid);
        g_autofree char *name = g_strdup_printf("again %d", (int)sequence);
        copy->event_uuid = world_uuid(name);
        g_ptr_array_add(world->events, copy);
        return copy;
}

static unsigned count(const World *world, ReconcileClass class) {
        g_autoptr(ReconcileReport) report = world_compare(world);
        return report->counts[class];
}

/* --- INV-ASRUN-001: coverage ------------------------------------------------------------------------------------- */

static void INV_ASRUN_001_a_perfect_record_reconciles(void **state) {
        g_autoptr(World) world = watched(6);
        assert_clean(world);
        g_autoptr(ReconcileReport) report = world_compare(world);
        assert_true(reconcile_report_ok(report));
        assert_int_equal(report->blocks, 6);
        assert_int_equal(report->aired, 6);
}

static void INV_ASRUN_001_a_block_that_is_missing(void **state) {
        g_autoptr(World) world = watched(6);
        drop_block(world, "block-3");
        assert_class(world, RECONCILE_MISSING_BLOCK);
        g_autoptr(ReconcileReport) report = world_compare(world);
        const ReconcileDivergence *divergence = report->divergences->pdata[0];
        assert_int_equal(report->divergences->len, 1);
        assert_string_equal(divergence->block_id, "block-3");
        assert_int_equal(divergence->fault, RECONCILE_RUNTIME);
        assert_false(reconcile_report_ok(report));
}

static void INV_ASRUN_001_the_last_and_the_first_are_missed_too(void **state) {
        g_autoptr(World) world = watched(4);
        drop_block(world, "block-3");
        assert_class(world, RECONCILE_MISSING_BLOCK);
        g_autoptr(World) other = watched(4);
        drop_block(other, "block-0");
        assert_class(other, RECONCILE_MISSING_BLOCK);
}

/* What was locked after it should have begun is the plan's fault. */
static void INV_ASRUN_001_a_block_planned_too_late_is_a_planning_fault(void **state) {
        g_autoptr(World) world = watched(4);
        world->locked_utc_ms = g_array_new(FALSE, TRUE, sizeof(int64_t));
        g_array_set_size(world->locked_utc_ms, 4);
        g_array_index(world->locked_utc_ms, int64_t, 2) = world_nth(world, 2)->start_utc_ms + 1;
        drop_block(world, "block-2");
        g_autoptr(ReconcileReport) report = world_compare(world);
        assert_class(world, RECONCILE_MISSING_BLOCK);
        assert_int_equal(((ReconcileDivergence *)report->divergences->pdata[0])->fault, RECONCILE_PLANNING);
}

static void INV_ASRUN_001_a_hole_in_the_plan_is_a_planning_fault(void **state) {
        g_autoptr(World) world = watched(5);
        drop_block(world, "block-2");
        g_ptr_array_remove_index(world->blocks, 2);
        assert_class(world, RECONCILE_MISSING_BLOCK);
        g_autoptr(ReconcileReport) report = world_compare(world);
        assert_int_equal(((ReconcileDivergence *)report->divergences->pdata[0])->fault, RECONCILE_PLANNING);
}

static void INV_ASRUN_001_an_extra_block(void **state) {
        g_autoptr(World) world = watched(6);
        g_autofree char *title = g_strdup(world_nth(world, 3)->title);
        /* Of the plan, the one that was aired is gone, and another one is in its place. */
        g_autoptr(BlockPlan) aired = g_ptr_array_steal_index(world->blocks, 3);
        BlockPlan *other = block_plan_new("other", "one", title, aired->start_utc_ms, aired->end_utc_ms, 1);
        world_segment(other, 0, SEGMENT_CONTENT, aired->end_utc_ms - aired->start_utc_ms);
        g_ptr_array_insert(world->blocks, 3, other);
        g_autoptr(ReconcileReport) report = world_compare(world);
        assert_int_equal(report->counts[RECONCILE_EXTRA_BLOCK], 1);
        assert_int_equal(report->counts[RECONCILE_MISSING_BLOCK], 1);
        assert_int_equal(report->divergences->len, 2);
}

static void double_block(World *world, const char *block_id) {
        spread(world);
        int64_t last = 0;
        const guint n = world->events->len;
        for (guint i = 0; i < n; i++) {
                const EvidenceEvent *event = world->events->pdata[i];
                if (g_strcmp0(event->block_id, block_id) == 0)
                        last = MAX(last, event->sequence);
        }
        for (guint i = 0; i < n; i++) {
                const EvidenceEvent *event = world->events->pdata[i];
                if (g_strcmp0(event->block_id, block_id) == 0)
                        tell_again(world, event, ++last);
        }
}

static void INV_ASRUN_001_a_doubled_block(void **state) {
        g_autoptr(World) world = watched(6);
        double_block(world, "block-2");
        assert_class(world, RECONCILE_EXTRA_BLOCK);
        assert_int_equal(count(world, RECONCILE_EXTRA_BLOCK), 1);
}

/* --- INV-ASRUN-002: times ---------------------------------------------------------------------------------------- */

static void INV_ASRUN_002_one_millisecond_off(void **state) {
        for (unsigned i = 0; i < 4; i++) {
                g_autoptr(World) world = watched(4);
                world_event(world, EVIDENCE_BLOCK_START, i)->start_utc_ms += i % 2 ? 1 : -1;
                assert_class(world, RECONCILE_BLOCK_TIME_MISMATCH);
        }
        for (unsigned i = 0; i < 3; i++) {
                g_autoptr(World) world = watched(4);
                world_event(world, EVIDENCE_BLOCK_FENCE, i)->end_utc_ms += i % 2 ? 1 : -1;
                assert_class(world, RECONCILE_BLOCK_TIME_MISMATCH);
        }
}

static void INV_ASRUN_002_one_tick_off(void **state) {
        g_autoptr(World) world = watched(4);
        world_event(world, EVIDENCE_BLOCK_START, 2)->tick--;
        assert_class(world, RECONCILE_BLOCK_TIME_MISMATCH);
        g_autoptr(World) fence = watched(4);
        world_event(fence, EVIDENCE_BLOCK_FENCE, 1)->end_tick++;
        assert_class(fence, RECONCILE_BLOCK_TIME_MISMATCH);
        g_autoptr(World) segment = watched(4);
        world_event(segment, EVIDENCE_SEGMENT_END, 1)->end_utc_ms++;
        assert_class(segment, RECONCILE_BLOCK_TIME_MISMATCH);
}

static void INV_ASRUN_002_a_start_or_an_end_that_is_missing(void **state) {
        g_autoptr(World) start = watched(4);
        g_ptr_array_remove(start->events, world_event(start, EVIDENCE_BLOCK_START, 2));
        assert_class(start, RECONCILE_BLOCK_TIME_MISMATCH);
        g_autoptr(World) fence = watched(4);
        g_ptr_array_remove(fence->events, world_event(fence, EVIDENCE_BLOCK_FENCE, 2));
        assert_class(fence, RECONCILE_BLOCK_TIME_MISMATCH);
}

/* --- INV-ASRUN-003: ordered identity ----------------------------------------------------------------------------- */

/* The n-th end of a segment that was shown, and its start. */
static EvidenceEvent *shown_end(const World *world, unsigned n) {
        for (unsigned i = 0;; i++) {
                EvidenceEvent *end = world_event(world, EVIDENCE_SEGMENT_END, i);
                assert_non_null(end);
                if (end->frames > 0 && n-- == 0)
                        return end;
        }
}

static EvidenceEvent *start_of(const World *world, const EvidenceEvent *end) {
        for (unsigned i = 0;; i++) {
                EvidenceEvent *start = world_event(world, EVIDENCE_SEGMENT_START, i);
                assert_non_null(start);
                if (g_str_equal(start->segment_uuid, end->segment_uuid))
                        return start;
        }
}

#define SWAP(a, b)                                                                                                     \
        do {                                                                                                           \
                __typeof__(a) swapped_ = (a);                                                                          \
                (a) = (b);                                                                                             \
                (b) = swapped_;                                                                                        \
        } while (0)

static void swap_names(EvidenceEvent *one, EvidenceEvent *two) {
        SWAP(one->segment_uuid, two->segment_uuid);
        SWAP(one->event_id, two->event_id);
        SWAP(one->asset_uuid, two->asset_uuid);
        SWAP(one->asset_uri, two->asset_uri);
        SWAP(one->title, two->title);
        SWAP(one->type, two->type);
        SWAP(one->scheduled_duration_ms, two->scheduled_duration_ms);
}

/* Two neighbours of one block, the second of which is not its session's last. */
static void two_neighbours(const World *world, EvidenceEvent **ret_one, EvidenceEvent **ret_two) {
        for (unsigned i = 1;; i++) {
                EvidenceEvent *one = shown_end(world, i), *two = shown_end(world, i + 1);
                *ret_one = one;
                *ret_two = two;
                if (g_str_equal(one->block_id, two->block_id))
                        return;
        }
}

static void INV_ASRUN_003_two_segments_swapped(void **state) {
        g_autoptr(World) world = watched(5);
        EvidenceEvent *one, *two;
        two_neighbours(world, &one, &two);
        EvidenceEvent *one_start = start_of(world, one), *two_start = start_of(world, two);
        swap_names(one, two);
        swap_names(one_start, two_start);
        assert_class(world, RECONCILE_SEGMENT_SEQUENCE_MISMATCH);
}

static void INV_ASRUN_003_another_file_type_or_duration(void **state) {
        g_autoptr(World) file = watched(4);
        EvidenceEvent *end = shown_end(file, 3), *start = start_of(file, end);
        g_free(start->asset_uri);
        start->asset_uri = g_strdup("/media/other.mkv");
        assert_class(file, RECONCILE_SEGMENT_SEQUENCE_MISMATCH);

        g_autoptr(World) type = watched(4);
        end = shown_end(type, 3);
        end->type = end->type == SEGMENT_BUMPER ? SEGMENT_PROMO : SEGMENT_BUMPER;
        assert_class(type, RECONCILE_SEGMENT_SEQUENCE_MISMATCH);

        g_autoptr(World) duration = watched(4);
        start_of(duration, shown_end(duration, 3))->scheduled_duration_ms++;
        assert_class(duration, RECONCILE_SEGMENT_SEQUENCE_MISMATCH);
}

static void know_rates(World *world) {
        world->rates = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        for (guint i = 0; i < world->events->len; i++) {
                const EvidenceEvent *event = world->events->pdata[i];
                if (!event->asset_uuid)
                        continue;
                RvRational *rate = g_new(RvRational, 1);
                *rate = (RvRational){25, 1};
                g_hash_table_replace(world->rates, g_strdup(event->asset_uuid), rate);
        }
}

static void INV_ASRUN_003_another_offset(void **state) {
        g_autoptr(World) world = watched(5);
        know_rates(world);
        assert_clean(world);
        for (unsigned i = 2;; i++) {
                EvidenceEvent *end = shown_end(world, i);
                if (end->type == SEGMENT_PAD)
                        continue;
                end->asset_start_frame += 25; /* a second */
                break;
        }
        assert_class(world, RECONCILE_SEGMENT_SEQUENCE_MISMATCH);
}

static void INV_ASRUN_003_a_segment_that_is_missing(void **state) {
        g_autoptr(World) world = watched(5);
        EvidenceEvent *one, *two;
        two_neighbours(world, &one, &two);
        g_ptr_array_remove(world->events, start_of(world, one));
        g_ptr_array_remove(world->events, one);
        assert_class(world, RECONCILE_SEGMENT_SEQUENCE_MISMATCH);
}

static void INV_ASRUN_003_a_segment_that_never_ends(void **state) {
        g_autoptr(World) world = watched(5);
        g_ptr_array_remove(world->events, shown_end(world, 3));
        assert_class(world, RECONCILE_SEGMENT_SEQUENCE_MISMATCH);
}

/* --- INV-ASRUN-004: phantoms ------------------------------------------------------------------------------------- */

static void rename_segment(EvidenceEvent *event, const char *name) {
        g_free(event->segment_uuid);
        event->segment_uuid = world_uuid(name);
}

static void INV_ASRUN_004_a_phantom(void **state) {
        g_autoptr(World) world = watched(5);
        spread(world);
        EvidenceEvent *end = shown_end(world, 3), *start = start_of(world, end);
        rename_segment(tell_again(world, start, end->sequence + 1), "phantom");
        rename_segment(tell_again(world, end, end->sequence + 2), "phantom");
        EvidenceEvent *last = world->events->pdata[world->events->len - 1];
        last->type = SEGMENT_COMMERCIAL;
        assert_class(world, RECONCILE_PHANTOM_SEGMENT);
        assert_int_equal(count(world, RECONCILE_PHANTOM_SEGMENT), 1);
}

static void INV_ASRUN_004_a_doubled_segment(void **state) {
        g_autoptr(World) world = watched(5);
        spread(world);
        EvidenceEvent *end = shown_end(world, 3), *start = start_of(world, end);
        tell_again(world, start, end->sequence + 1);
        tell_again(world, end, end->sequence + 2);
        assert_class(world, RECONCILE_PHANTOM_SEGMENT);
}

/* --- INV-ASRUN-005 and INV-RECONCILE-005: recoveries ---------------------------------------------------------------
 */

static void INV_ASRUN_005_each_status_has_its_class_and_fault(void **state) {
        static const struct {
                SegmentStatus status;
                const char *reason;
                ReconcileFault fault;
        } cases[] = {{SEGMENT_STATUS_ERROR, "NOT_FOUND", RECONCILE_RUNTIME},
                     {SEGMENT_STATUS_SHORT, "MATERIAL_ENDED", RECONCILE_PLANNING},
                     {SEGMENT_STATUS_SUBSTITUTED, "UNDERRUN", RECONCILE_RUNTIME},
                     {SEGMENT_STATUS_SKIPPED, "NO_TIME_LEFT", RECONCILE_RUNTIME},
                     {SEGMENT_STATUS_TRUNCATED, "STOPPED", RECONCILE_RUNTIME}};
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(World) world = watched(4);
                EvidenceEvent *end = shown_end(world, 3);
                end->status = cases[i].status;
                g_free(end->reason);
                end->reason = g_strdup(cases[i].reason);
                end->fallback_frames = end->frames;
                assert_class(world, RECONCILE_RUNTIME_RECOVERY);
                g_autoptr(ReconcileReport) report = world_compare(world);
                const ReconcileDivergence *divergence = report->divergences->pdata[0];
                assert_int_equal(divergence->fault, cases[i].fault);
                assert_non_null(strstr(divergence->sentence, cases[i].reason));
                assert_string_equal(divergence->segment_uuid, end->segment_uuid);
        }
}

static void INV_ASRUN_005_every_divergence_says_all_of_it(void **state) {
        g_autoptr(World) world = watched(6);
        double_block(world, "block-1");
        drop_block(world, "block-3");
        world_event(world, EVIDENCE_BLOCK_FENCE, 2)->end_utc_ms++;
        shown_end(world, 1)->status = SEGMENT_STATUS_ERROR;
        g_autoptr(ReconcileReport) report = world_compare(world);
        assert_true(report->divergences->len >= 4);
        unsigned sum = 0;
        for (int i = 1; i < RECONCILE_CLASSES; i++)
                sum += report->counts[i];
        assert_int_equal(sum, report->divergences->len);
        for (guint i = 0; i < report->divergences->len; i++) {
                const ReconcileDivergence *divergence = report->divergences->pdata[i];
                assert_true(divergence->class > 0 && divergence->class < RECONCILE_CLASSES);
                assert_true(divergence->block_id && divergence->expected[0] && divergence->found[0]);
                assert_true(g_str_has_prefix(divergence->sentence, "2026-11-"));
        }
        json_t *document = reconcile_report_json(report);
        assert_int_equal(json_array_size(json_object_get(document, "divergences")), report->divergences->len);
        assert_string_equal(json_string_value(json_object_get(document, "result")), "diverged");
        json_decref(document);
}

static void INV_RECONCILE_005_a_recovery_does_not_fail_a_report(void **state) {
        g_autoptr(World) world = watched(4);
        shown_end(world, 2)->status = SEGMENT_STATUS_ERROR;
        g_autoptr(ReconcileReport) report = world_compare(world);
        assert_true(reconcile_report_ok(report));
        assert_false(reconcile_report_clean(report));
        g_autofree char *summary = reconcile_report_summary(report);
        assert_string_equal(summary, "1 RUNTIME_RECOVERY");
}

/* Black that says itself that it stands in is a recovery, and what it stands in for is no fault of order. */
static void INV_RECONCILE_005_a_recovery_marked_pad(void **state) {
        g_autoptr(World) world = watched(5);
        EvidenceEvent *end = shown_end(world, 3), *start = start_of(world, end);
        rename_segment(end, "recovery");
        rename_segment(start, "recovery");
        end->type = start->type = SEGMENT_PAD;
        end->status = SEGMENT_STATUS_SUBSTITUTED;
        g_free(end->reason);
        end->reason = g_strdup("RECOVERY");
        assert_class(world, RECONCILE_RUNTIME_RECOVERY);
        end->status = SEGMENT_STATUS_AIRED; /* not marked: nobody asked for it */
        end->reason[0] = '\0';
        assert_int_equal(count(world, RECONCILE_PHANTOM_SEGMENT), 1);
}

/* What a seam may cost is no recovery; one picture more is. */
static void INV_RECONCILE_005_five_held_pictures_are_as_planned(void **state) {
        g_autoptr(World) world = watched(4);
        EvidenceEvent *end = shown_end(world, 3);
        end->fallback_frames = 5;
        assert_clean(world);
        end->fallback_frames = 6;
        assert_class(world, RECONCILE_RUNTIME_RECOVERY);
        end->status = SEGMENT_STATUS_SHORT;
        end->fallback_frames = 1;
        assert_clean(world);
        end->fallback_frames = 2;
        assert_class(world, RECONCILE_RUNTIME_RECOVERY);
}

/* The block comes so much after its time: what has passed is told with no frames, the rest goes on where it is due. */
static void come_late(World *world, const char *block_id, int64_t late_ticks) {
        Play play = {.world = world, .epoch_utc_ms = world_event(world, EVIDENCE_BLOCK_START, 0)->start_utc_ms};
        int64_t late_tick = 0;
        for (guint i = 0; i < world->events->len; i++) {
                EvidenceEvent *event = world->events->pdata[i];
                if (g_strcmp0(event->block_id, block_id) != 0)
                        continue;
                if (event->kind == EVIDENCE_BLOCK_START) {
                        late_tick = event->tick += late_ticks;
                        event->start_utc_ms = play_utc_ms(&play, event->tick);
                } else if (event->kind == EVIDENCE_SEGMENT_START && event->tick < late_tick) {
                        event->tick = late_tick;
                        event->start_utc_ms = play_utc_ms(&play, event->tick);
                } else if (event->kind == EVIDENCE_SEGMENT_END && event->start_tick < late_tick) {
                        const bool passed = event->end_tick <= late_tick;
                        event->start_tick = passed ? event->end_tick : late_tick;
                        event->start_utc_ms = play_utc_ms(&play, event->start_tick);
                        event->frames = event->end_tick - event->start_tick;
                        event->status = passed ? SEGMENT_STATUS_SKIPPED : SEGMENT_STATUS_TRUNCATED;
                        g_free(event->reason);
                        event->reason = g_strdup(passed ? "NO_TIME_LEFT" : "BLOCK_CAME_LATE");
                }
        }
        for (guint i = world->events->len; i > 0; i--) { /* what was passed over has no start */
                const EvidenceEvent *event = world->events->pdata[i - 1];
                const bool is_start =
                        g_strcmp0(event->block_id, block_id) == 0 && event->kind == EVIDENCE_SEGMENT_START;
                const EvidenceEvent *end = is_start && i < world->events->len ? world->events->pdata[i] : NULL;
                if (end && end->kind == EVIDENCE_SEGMENT_END && end->frames == 0)
                        g_ptr_array_remove_index(world->events, i - 1);
        }
}

static void INV_RECONCILE_005_a_late_block_is_runway_degradation(void **state) {
        g_autoptr(World) world = watched(4);
        const BlockPlan *block = world_nth(world, 2);
        const int64_t length_ms = block->end_utc_ms - block->start_utc_ms;
        come_late(world, "block-2",
                  rv_tick_at_ms(g_rand_int_range(world->chance, 40, (int)length_ms - 40), world->rate));
        assert_class(world, RECONCILE_RUNWAY_DEGRADATION);
        g_autoptr(ReconcileReport) report = world_compare(world);
        assert_int_equal(report->counts[RECONCILE_RUNTIME_RECOVERY], 1); /* implied */
        assert_true(reconcile_report_ok(report));
}

/* --- INV-RECONCILE-001: determinism ------------------------------------------------------------------------------ */

static void shuffle(GRand *chance, GPtrArray *array) {
        for (guint i = array->len; i > 1; i--) {
                const int other = g_rand_int_range(chance, 0, (int)i);
                SWAP(array->pdata[i - 1], array->pdata[other]);
        }
}

static char *document_of(const World *world) {
        g_autoptr(ReconcileReport) report = world_compare(world);
        json_t *document = reconcile_report_json(report);
        char *text = json_dumps(document, JSON_SORT_KEYS), *copy = g_strdup(text);
        free(text);
        json_decref(document);
        return copy;
}

static void INV_RECONCILE_001_the_same_report_in_whatever_order_events_come(void **state) {
        g_autoptr(World) world = watched(6);
        world_play(world, world_nth(world, 3)->start_utc_ms + 500, world_end(world), END_NONE);
        drop_block(world, "block-1");
        double_block(world, "block-4");
        shown_end(world, 1)->status = SEGMENT_STATUS_SHORT;
        g_autofree char *first = document_of(world);
        for (int i = 0; i < 5; i++) {
                shuffle(world->chance, world->events);
                g_autofree char *again = document_of(world);
                assert_string_equal(again, first);
        }
}

/* --- INV-RECONCILE-002: by design -------------------------------------------------------------------------------- */

static void INV_RECONCILE_002_what_nobody_watched(void **state) {
        g_autoptr(World) world = world_new(8);
        world_play(world, world_nth(world, 2)->start_utc_ms + 700, world_nth(world, 3)->end_utc_ms - 5, END_STOPPED);
        world_play(world, world_nth(world, 6)->start_utc_ms, world_nth(world, 6)->start_utc_ms + 250, END_STOPPED);
        assert_class(world, RECONCILE_NOT_AIRED_BY_DESIGN);
        g_autoptr(ReconcileReport) report = world_compare(world);
        assert_int_equal(report->divergences->len, 5); /* 0, 1, 4, 5, 7 */
        assert_int_equal(report->blocks, 8);
        assert_int_equal(report->aired, 3);
        assert_true(reconcile_report_ok(report) && reconcile_report_clean(report));
        world->scope = RECONCILE_SESSION; /* has nothing to say of them */
        assert_clean(world);
}

static void INV_RECONCILE_002_a_day_without_anybody(void **state) {
        g_autoptr(World) world = world_new(3);
        assert_class(world, RECONCILE_NOT_AIRED_BY_DESIGN);
        assert_int_equal(count(world, RECONCILE_NOT_AIRED_BY_DESIGN), 3);
}

/* Between an engine that died and the next one viewers were waiting. */
static void INV_RECONCILE_002_an_outage_is_not_by_design(void **state) {
        g_autoptr(World) world = world_new(3);
        BlockPlan *brief = block_plan_new("brief", "one", "Brief", world_end(world), world_end(world) + 2000, 1);
        world_segment(brief, 0, SEGMENT_CONTENT, 2000);
        g_ptr_array_add(world->blocks, brief);
        world_block(world, 3);
        world_play(world, NOON, brief->start_utc_ms - 100, END_LOST);
        world_play(world, brief->end_utc_ms + 900, world_end(world), END_NONE);
        g_autoptr(ReconcileReport) report = world_compare(world);
        assert_int_equal(report->counts[RECONCILE_MISSING_BLOCK], 1);
        assert_int_equal(report->counts[RECONCILE_RUNTIME_RECOVERY], 1);
        assert_int_equal(report->divergences->len, 2);
}

/* --- INV-RECONCILE-003: the session's own clock ------------------------------------------------------------------ */

static void INV_RECONCILE_003_a_format_changed_since_changes_nothing(void **state) {
        g_autoptr(World) world = watched(5);
        world->rate = world->rate.num == 25 ? (RvRational){30, 1} : (RvRational){25, 1};
        assert_clean(world);
}

/* --- INV-RECONCILE-004: joins and ends --------------------------------------------------------------------------- */

static void INV_RECONCILE_004_any_join_and_any_end_reconcile(void **state) {
        for (int i = 0; i < 200; i++) {
                g_autoptr(World) world = world_new(3);
                const int64_t length = world_end(world) - NOON;
                const int64_t from = NOON + g_rand_int_range(world->chance, 0, (int)length - 1);
                const int64_t to = from + g_rand_int_range(world->chance, 1, (int)(world_end(world) - from) + 1);
                world_play(world, from, to, (PlayEnd)g_rand_int_range(world->chance, 0, 2));
                world->scope = RECONCILE_SESSION;
                assert_clean(world);
        }
}

/* Viewers leave and come back within a block: two parts of it are not the block twice. */
static void INV_RECONCILE_004_two_sessions_share_a_block(void **state) {
        g_autoptr(World) world = world_new(3);
        const BlockPlan *block = world_nth(world, 1);
        const int64_t middle = (block->start_utc_ms + block->end_utc_ms) / 2;
        world_play(world, NOON, middle - 30, END_STOPPED);
        world_play(world, middle + 40, world_end(world), END_STOPPED);
        assert_clean(world);
}

static void INV_RECONCILE_004_an_engine_that_died(void **state) {
        g_autoptr(World) world = world_new(4);
        const BlockPlan *block = world_nth(world, 1);
        const int64_t middle = (block->start_utc_ms + block->end_utc_ms) / 2;
        world_play(world, NOON, middle, END_LOST);
        world_play(world, middle - 2000, world_end(world), END_NONE); /* begins in the past, as sessions do */
        assert_class(world, RECONCILE_RUNTIME_RECOVERY);
        g_autoptr(ReconcileReport) report = world_compare(world);
        const ReconcileDivergence *divergence = report->divergences->pdata[0];
        assert_int_equal(report->divergences->len, 1);
        assert_string_equal(divergence->block_id, "block-1");
        assert_true(reconcile_report_ok(report));
}

/* There is nothing to compare, and yet somebody waited in vain. */
static void INV_RECONCILE_004_an_engine_that_died_before_it_showed_anything(void **state) {
        g_autoptr(World) world = world_new(3);
        world_play(world, NOON, world_nth(world, 1)->end_utc_ms, END_LOST);
        for (guint i = world->events->len; i > 0; i--)
                if (((EvidenceEvent *)world->events->pdata[i - 1])->kind != EVIDENCE_CHANNEL_TERMINATED)
                        g_ptr_array_remove_index(world->events, i - 1);
        world->scope = RECONCILE_SESSION;
        assert_class(world, RECONCILE_RUNTIME_RECOVERY);
        g_autoptr(ReconcileReport) report = world_compare(world);
        const ReconcileDivergence *divergence = report->divergences->pdata[0];
        assert_int_equal(report->divergences->len, 1);
        assert_non_null(strstr(divergence->sentence, "before it showed anything"));
        assert_null(strstr(divergence->sentence, "nobody watched"));
        EvidenceEvent *end = world_event(world, EVIDENCE_CHANNEL_TERMINATED, 0);
        g_free(end->reason);
        end->reason = g_strdup("stop_requested");
        assert_clean(world); /* whoever left before the first picture misses nothing */
}

/* Core closes what an engine leaves open, by its own clock, and the engine's own word may come afterwards. */
static void INV_RECONCILE_004_what_core_had_to_say_for_an_engine(void **state) {
        g_autoptr(World) world = world_new(3);
        const BlockPlan *block = world_nth(world, 1);
        world_play(world, NOON, (block->start_utc_ms + block->end_utc_ms) / 2, END_LOST);
        EvidenceEvent *end = NULL;
        for (unsigned i = 0; world_event(world, EVIDENCE_SEGMENT_END, i); i++)
                end = world_event(world, EVIDENCE_SEGMENT_END, i);
        EvidenceEvent *ours = tell_again(world, end, -1);
        ours->start_tick = ours->end_tick = ours->frames = 0;
        ours->end_utc_ms += 1234;
        ours->status = SEGMENT_STATUS_TRUNCATED;
        g_free(ours->reason);
        ours->reason = g_strdup("CHANNEL_TERMINATED");
        world_event(world, EVIDENCE_CHANNEL_TERMINATED, 0)->sequence = -2;
        world->scope = RECONCILE_SESSION;
        assert_class(world, RECONCILE_RUNTIME_RECOVERY);
        g_ptr_array_remove(world->events, end);
        assert_class(world, RECONCILE_RUNTIME_RECOVERY);
        assert_int_equal(count(world, RECONCILE_RUNTIME_RECOVERY), 1);
}

/* --- by chance --------------------------------------------------------------------------------------------------- */

static ReconcileClass mutate(World *world) {
        EvidenceEvent *one, *two;
        const unsigned n = (unsigned)g_rand_int_range(world->chance, 2, 5);
        switch (g_rand_int_range(world->chance, 0, 7)) {
        case 0:
                drop_block(world, world_nth(world, n)->block_id);
                return RECONCILE_MISSING_BLOCK;
        case 1:
                double_block(world, world_nth(world, n)->block_id);
                return RECONCILE_EXTRA_BLOCK;
        case 2:
                world_event(world, EVIDENCE_BLOCK_START, n)->start_utc_ms += g_rand_int_range(world->chance, 1, 500);
                return RECONCILE_BLOCK_TIME_MISMATCH;
        case 3:
                two_neighbours(world, &one, &two);
                swap_names(start_of(world, one), start_of(world, two));
                swap_names(one, two);
                return RECONCILE_SEGMENT_SEQUENCE_MISMATCH;
        case 4:
                spread(world);
                one = shown_end(world, n);
                rename_segment(tell_again(world, one, one->sequence + 1), "phantom");
                return RECONCILE_PHANTOM_SEGMENT;
        case 5:
                shown_end(world, n)->status = SEGMENT_STATUS_ERROR;
                return RECONCILE_RUNTIME_RECOVERY;
        default:
                come_late(world, world_nth(world, n)->block_id, 3);
                return RECONCILE_RUNWAY_DEGRADATION;
        }
}

static void INV_ASRUN_005_any_change_has_exactly_its_class(void **state) {
        for (int i = 0; i < 300; i++) {
                g_autoptr(World) world = watched(7);
                assert_clean(world);
                assert_class(world, mutate(world));
        }
}

/* --- rows -------------------------------------------------------------------------------------------------------- */

static void rows_stand_side_by_side(void **state) {
        g_autoptr(World) world = world_new(5);
        world_play(world, world_nth(world, 1)->start_utc_ms + 700, world_nth(world, 3)->start_utc_ms + 300,
                   END_STOPPED);
        const ReconcilePlan plan = {.channel_id = "one",
                                    .scope = RECONCILE_DAY,
                                    .from_utc_ms = NOON,
                                    .to_utc_ms = world_end(world),
                                    .blocks = world->blocks,
                                    .rate = world->rate};
        const ReconcileRecord record = {world->events};
        g_autoptr(ReconcileReport) report = reconcile_compare(&plan, &record);
        json_t *rows = reconcile_rows_json(&plan, &record, report);
        static const char *const states[] = {"not_aired", "partly", "aired", "partly", "not_aired"};
        assert_int_equal(json_array_size(rows), 5);
        for (unsigned i = 0; i < 5; i++) {
                const json_t *row = json_array_get(rows, i);
                assert_string_equal(json_string_value(json_object_get(row, "state")), states[i]);
                assert_int_equal(json_array_size(json_object_get(row, "segments")), world_nth(world, i)->n_segments);
        }
        json_decref(rows);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(INV_ASRUN_001_a_perfect_record_reconciles),
                cmocka_unit_test(INV_ASRUN_001_a_block_that_is_missing),
                cmocka_unit_test(INV_ASRUN_001_the_last_and_the_first_are_missed_too),
                cmocka_unit_test(INV_ASRUN_001_a_block_planned_too_late_is_a_planning_fault),
                cmocka_unit_test(INV_ASRUN_001_a_hole_in_the_plan_is_a_planning_fault),
                cmocka_unit_test(INV_ASRUN_001_an_extra_block),
                cmocka_unit_test(INV_ASRUN_001_a_doubled_block),
                cmocka_unit_test(INV_ASRUN_002_one_millisecond_off),
                cmocka_unit_test(INV_ASRUN_002_one_tick_off),
                cmocka_unit_test(INV_ASRUN_002_a_start_or_an_end_that_is_missing),
                cmocka_unit_test(INV_ASRUN_003_two_segments_swapped),
                cmocka_unit_test(INV_ASRUN_003_another_file_type_or_duration),
                cmocka_unit_test(INV_ASRUN_003_another_offset),
                cmocka_unit_test(INV_ASRUN_003_a_segment_that_is_missing),
                cmocka_unit_test(INV_ASRUN_003_a_segment_that_never_ends),
                cmocka_unit_test(INV_ASRUN_004_a_phantom),
                cmocka_unit_test(INV_ASRUN_004_a_doubled_segment),
                cmocka_unit_test(INV_ASRUN_005_each_status_has_its_class_and_fault),
                cmocka_unit_test(INV_ASRUN_005_every_divergence_says_all_of_it),
                cmocka_unit_test(INV_RECONCILE_005_a_recovery_does_not_fail_a_report),
                cmocka_unit_test(INV_RECONCILE_005_a_recovery_marked_pad),
                cmocka_unit_test(INV_RECONCILE_005_five_held_pictures_are_as_planned),
                cmocka_unit_test(INV_RECONCILE_005_a_late_block_is_runway_degradation),
                cmocka_unit_test(INV_RECONCILE_001_the_same_report_in_whatever_order_events_come),
                cmocka_unit_test(INV_RECONCILE_002_what_nobody_watched),
                cmocka_unit_test(INV_RECONCILE_002_a_day_without_anybody),
                cmocka_unit_test(INV_RECONCILE_002_an_outage_is_not_by_design),
                cmocka_unit_test(INV_RECONCILE_003_a_format_changed_since_changes_nothing),
                cmocka_unit_test(INV_RECONCILE_004_any_join_and_any_end_reconcile),
                cmocka_unit_test(INV_RECONCILE_004_two_sessions_share_a_block),
                cmocka_unit_test(INV_RECONCILE_004_an_engine_that_died),
                cmocka_unit_test(INV_RECONCILE_004_an_engine_that_died_before_it_showed_anything),
                cmocka_unit_test(INV_RECONCILE_004_what_core_had_to_say_for_an_engine),
                cmocka_unit_test(INV_ASRUN_005_any_change_has_exactly_its_class),
                cmocka_unit_test(rows_stand_side_by_side),
        };
        const int failed = cmocka_run_group_tests(tests, NULL, NULL);
        g_rand_free(world_chance());
        return failed;
}
