/* The tick thread: counts, changes sources at their ticks, shows one picture a tick. */
#include "air/seam/private.h"

#define NS_PER_MS INT64_C(1000000)
#define WAIT_STEP_NS (2 * NS_PER_MS)
#define STOP_LOOK_NS (50 * NS_PER_MS) /* before the epoch a stop is seen within this */

/* What one change of sources can report at most, and the end of the session after it. */
#define REPORTS_A_CHANGE (3 * TURNS_MAX + 5)
#define REPORTS_AT_END 3

/* --- time --- */

static int64_t due_ns(const Seam *seam, int64_t tick) {
        return seam->tick0_mono_ns + rv_tick_to_ns(tick - seam->lead_ticks, seam->format.rate);
}

static void note_lateness(Seam *seam, int64_t late_ns) {
        if (late_ns > rv_tick_to_ns(1, seam->format.rate))
                atomic_fetch_add(&seam->late_ticks, 1);
        lateness_note(&seam->lateness, late_ns / 1000);
}

/* INV-SEAM-106: before time is caught up with, and as long as patience lasts, waiting costs nobody a frame. */
static bool wait_a_little(Seam *seam, int64_t until_ns) {
        const int64_t now_ns = rv_clock_mono_ns(seam->clock);
        if (seam->rt.caught_up || now_ns >= until_ns || atomic_load(&seam->stopping))
                return false;
        rv_clock_sleep_until_mono_ns(seam->clock, now_ns + WAIT_STEP_NS);
        return true;
}

/* How long one cell is waited for: somebody may be watching for a sign of life. */
static int64_t cell_limit_ns(const Seam *seam) {
        const int64_t wait_ms = seam->patient ? SEAM_PATIENT_WAIT_MS : SEAM_CELL_WAIT_MS;
        if (seam->rt.hangs)
                return 0;
        return MIN(seam->rt.give_up_cells_ns, rv_clock_mono_ns(seam->clock) + wait_ms * NS_PER_MS);
}

/* A source that hangs would cost as much at every tick, and those after it, most likely from the same place, too. */
static void give_up_waiting(Seam *seam) {
        seam->rt.hangs = true;
        if (!seam->patient)
                seam->rt.give_up_cells_ns = 0;
}

static bool sink_has_room(const Seam *seam) {
        return !seam->sink.has_room || seam->sink.has_room(seam->sink.user);
}

/* INV-SEAM-106: who gains on time at all will have caught up, and is given the time for it. */
static void renew_patience(Seam *seam, int64_t behind_ns) {
        const int64_t gained_ns = MAX(0, seam->rt.behind_ns - behind_ns);
        if (seam->patient)
                return;
        seam->rt.give_up_ns = seam->rt.patient_until_ns + SEAM_GAIN_WORTH * gained_ns;
        if (seam->rt.give_up_cells_ns > 0)
                seam->rt.give_up_cells_ns = seam->rt.give_up_ns;
}

/*
 * Sleeps until it is this tick's turn. The instant is computed from the tick number, so lateness does not add up. A
 * tick of the past has its turn when the sink has room: time is caught up with as fast as pictures can be made and
 * encoded.
 */
static void pace(Seam *seam, int64_t tick) {
        const int64_t due = due_ns(seam, tick); /* INV-TICK-DEADLINE-DISCIPLINE-001 */
        const int64_t behind_ns = rv_clock_mono_ns(seam->clock) - due;
        if (behind_ns < 0)
                seam->rt.caught_up = true;
        if (!seam->rt.caught_up)
                renew_patience(seam, behind_ns);
        while (!seam->rt.caught_up && !sink_has_room(seam) && wait_a_little(seam, seam->rt.give_up_ns))
                ;
        rv_clock_sleep_until_mono_ns(seam->clock, due);
        if (seam->rt.caught_up)
                note_lateness(seam, rv_clock_mono_ns(seam->clock) - due);
}

/* The epoch may be a minute away: a stop does not wait for it. */
static void await_epoch(Seam *seam) {
        const int64_t epoch_ns = due_ns(seam, 0);
        int64_t now_ns;
        while (!atomic_load(&seam->stopping) && (now_ns = rv_clock_mono_ns(seam->clock)) < epoch_ns)
                rv_clock_sleep_until_mono_ns(seam->clock, MIN(now_ns + STOP_LOOK_NS, epoch_ns));
}

/* Ticks in the past are made of real cells where they can be had in less time than the past was long, twice over. */
static void start_time(Seam *seam) {
        const int64_t now_ns = rv_clock_mono_ns(seam->clock);
        const int64_t behind_ns = MAX(0, now_ns - due_ns(seam, 0));
        seam->rt.behind_ns = behind_ns;
        seam->rt.patient_until_ns = now_ns + SEAM_START_WAIT_MS * NS_PER_MS + 2 * behind_ns;
        seam->rt.give_up_ns = seam->patient ? INT64_MAX : seam->rt.patient_until_ns;
        seam->rt.give_up_cells_ns = seam->rt.give_up_ns;
        seam->rt.caught_up = behind_ns == 0;
        await_epoch(seam);
}

/* --- reports --- */

static void report_end(Seam *seam, const Turn *turn, int64_t start_tick, int64_t tick, const Tally *tally) {
        Record *record = reports_begin(&seam->reports, SEAM_SEGMENT_END, turn->block, turn->segment_index);
        SeamReport *report = &record->report;
        record->producer = turn->producer;
        report->tick = tick;
        report->start_tick = start_tick;
        report->own_frames = tally->own;
        report->held_frames = tally->held;
        report->missing_frames = tally->missing;
        report->black_frames = tally->black;
        report->frames = tally->own + tally->held + tally->missing + tally->black;
        report->first_source_frame = tally->first_source_frame;
        report->last_source_frame = tally->last_source_frame;
        report->late = start_tick > turn->start_tick;
        report->cut = tick < turn->end_tick;
        reports_commit(&seam->reports);
}

static void report_fence(Seam *seam, const Turn *turn, int64_t tick, bool primed) {
        const Tally *tally = &seam->rt.block;
        SeamReport *report = &reports_begin(&seam->reports, SEAM_BLOCK_FENCE, turn->block, turn->segment_index)->report;
        report->tick = tick;
        report->start_tick = seam->rt.block_start_tick;
        report->fence_tick = turn->fence_tick;
        report->own_frames = tally->own;
        report->held_frames = tally->held;
        report->missing_frames = tally->missing;
        report->black_frames = tally->black;
        report->frames = tally->own + tally->held + tally->missing + tally->black;
        report->primed = primed;
        report->exhausted = report->frames > 0 && seam->rt.shown == SHOWN_BLACK;
        report->behind = report->frames > 0 && (seam->rt.shown == SHOWN_HELD || seam->rt.shown == SHOWN_MISSING);
        reports_commit(&seam->reports);
}

static void report_block_start(Seam *seam, const Turn *turn, int64_t tick, bool primed) {
        seam->rt.block = (Tally){0};
        seam->rt.block_start_tick = MIN(tick, turn->fence_tick);
        SeamReport *report = &reports_begin(&seam->reports, SEAM_BLOCK_START, turn->block, turn->segment_index)->report;
        report->tick = seam->rt.block_start_tick;
        report->fence_tick = turn->fence_tick;
        report->primed = primed;
        reports_commit(&seam->reports);
}

static void report_segment_start(Seam *seam, const Turn *turn, int64_t tick, const Cell *cell) {
        SeamReport *report =
                &reports_begin(&seam->reports, SEAM_SEGMENT_START, turn->block, turn->segment_index)->report;
        report->tick = tick;
        report->primed = cell != NULL;
        if (cell && cell->kind == CELL_CONTENT)
                report->first_source_frame = cell->source_frame;
        reports_commit(&seam->reports);
}

static void report_plain(Seam *seam, SeamReportKind kind, int64_t tick) {
        reports_begin(&seam->reports, kind, NULL, 0)->report.tick = tick;
        reports_commit(&seam->reports);
}

/* --- changing sources --- */

static const Tally NOTHING = {.first_source_frame = -1, .last_source_frame = -1};

/* NULL: not there. While the start is being caught up with it is not asked for too early, for asking gives it up. */
static const Cell *take_cell(Seam *seam, Producer *producer, int64_t tick) {
        const Cell *cell = NULL;
        if (!producer)
                return NULL;
        const int64_t until_ns = cell_limit_ns(seam);
        bool settled;
        while (!(settled = seam->sources->settled(producer, tick)) && wait_a_little(seam, until_ns))
                ;
        if (!settled)
                give_up_waiting(seam);
        return seam->sources->take(producer, tick, &cell) ? cell : NULL;
}

static void close_turn(Seam *seam, int64_t tick, bool next_primed) {
        Turn *turn = &seam->rt.turn;
        g_clear_pointer(&seam->rt.held, picture_unref);
        report_end(seam, turn, seam->rt.start_tick, tick, &seam->rt.segment);
        if (turn->last && tick >= turn->fence_tick)
                report_fence(seam, turn, tick, next_primed);
        block_plan_unref(turn->block); /* never the last reference: the report has one */
        *turn = (Turn){0};
}

static void open_turn(Seam *seam, int64_t tick, const Cell *cell) {
        seam->rt.turn = turns_take(&seam->turns);
        if (seam->rt.turn.producer && !seam->rt.turn.pad)
                atomic_fetch_add(&seam->released, 1);
        if (seam->rt.turn.first)
                report_block_start(seam, &seam->rt.turn, tick, cell != NULL);
        report_segment_start(seam, &seam->rt.turn, tick, cell);
        seam->rt.start_tick = tick;
        seam->rt.turns++;
        seam->rt.segment = NOTHING;
        seam->rt.dry = false;
}

/* A turn whose time is over before it came, or that is shorter than a tick. */
static void skip_turn(Seam *seam, int64_t tick, bool next_primed) {
        const Turn turn = turns_take(&seam->turns);
        if (turn.producer && !turn.pad)
                atomic_fetch_add(&seam->released, 1);
        if (turn.first)
                report_block_start(seam, &turn, tick, next_primed);
        report_end(seam, &turn, turn.end_tick, turn.end_tick, &NOTHING); /* INV-SEAM-101 */
        if (turn.last)
                report_fence(seam, &turn, turn.fence_tick, next_primed);
        block_plan_unref(turn.block);
}

/* While the start is caught up with, ticks are made faster than sources may be started. */
static void await_preparer(Seam *seam) {
        const int64_t until_ns = cell_limit_ns(seam);
        while (turns_waiting(&seam->turns) == 0 && atomic_load(&seam->looked) != atomic_load(&seam->asked) &&
               wait_a_little(seam, until_ns))
                ;
}

/* How many waiting turns are over by this tick, and the one after them, from one look: more may arrive meanwhile. */
static uint32_t count_passed(const Seam *seam, int64_t tick, const Turn **ret_next) {
        uint32_t n = 0;
        const Turn *turn = turns_at(&seam->turns, n);
        while (turn && turn->end_tick <= tick)
                turn = turns_at(&seam->turns, ++n);
        *ret_next = turn;
        return n;
}

/*
 * The source of this tick is not that of the last: ends the one on the air, passes over what there is no time for,
 * begins the next. *ret_cell is its first cell, or NULL. False: nothing has changed.
 */
static bool change_source(Seam *seam, int64_t tick, const Cell **ret_cell) {
        if (reports_room(&seam->reports) < REPORTS_A_CHANGE + REPORTS_AT_END)
                return false; /* INV-SEAM-104 */
        const bool ends = seam->rt.turn.block;
        const Turn *next;
        seam->rt.hangs = false;
        await_preparer(seam);
        const uint32_t passed = count_passed(seam, tick, &next);
        const bool begins = next && next->start_tick <= tick; /* INV-SEAM-105 */
        if (begins && next->producer)
                seam->sources->near(next->producer); /* nobody had the time to announce it */
        const Cell *cell = begins ? take_cell(seam, next->producer, tick) : NULL;
        if (ends)
                close_turn(seam, tick, cell);
        for (uint32_t i = 0; i < passed; i++)
                skip_turn(seam, tick, cell);
        if (begins)
                open_turn(seam, tick, cell); /* INV-BLOCK-WALLFENCE-004 */
        else if (!seam->rt.dry)
                report_plain(seam, SEAM_DRY, tick);
        seam->rt.dry = !begins;
        if (!ends && !begins && passed == 0)
                return false;
        reports_notify(&seam->reports);
        seam_ask_preparer(seam);
        *ret_cell = cell;
        return ends || begins;
}

/* --- showing --- */

static void count_frame(Tally *tally, Shown shown, const Cell *cell) {
        switch (shown) {
        case SHOWN_OWN:
                tally->own++;
                break;
        case SHOWN_HELD:
                tally->held++;
                break;
        case SHOWN_MISSING:
                tally->missing++;
                break;
        case SHOWN_BLACK:
                tally->black++;
                break;
        }
        if (!cell || cell->kind != CELL_CONTENT || cell->source_frame < 0)
                return;
        if (tally->first_source_frame < 0)
                tally->first_source_frame = cell->source_frame;
        tally->last_source_frame = cell->source_frame;
}

static void hold(Seam *seam, const Cell *cell) {
        g_clear_pointer(&seam->rt.held, picture_unref);
        seam->rt.held = picture_ref(cell->picture);
        seam->rt.held_tick = cell->tick;
}

/* What this tick is, given its cell or the want of it. */
static Shown judge(const Seam *seam, int64_t tick, const Cell *cell) {
        const Turn *turn = &seam->rt.turn;
        if (cell)
                return cell->kind == CELL_CONTENT || turn->pad ? SHOWN_OWN : SHOWN_BLACK;
        if (!turn->producer)
                return SHOWN_BLACK;
        if (seam->sources->state(turn->producer) == PRODUCER_FAILED)
                return SHOWN_BLACK; /* that the material is over is said by cells: INV-BLOCK-WALLFENCE-003 */
        if (seam->rt.held && tick - seam->rt.held_tick <= seam->hold_ticks)
                return SHOWN_HELD; /* INV-FENCE-TAKE-READY-001 */
        return SHOWN_MISSING;
}

/* Captions are those of the picture's source: what another one has left on the screen goes, also where none follows. */
static CaptionSeam caption_seam(Seam *seam, bool changed, const Cell *cell) {
        const bool shows = cell ? seam->rt.shown == SHOWN_OWN : seam->rt.shown == SHOWN_HELD;
        const bool blank = !seam->rt.turn.block || !shows;
        const bool ends = (changed && !(cell && cell->continues)) || (blank && !seam->rt.blank);
        seam->rt.blank = blank;
        return ends ? CAPTIONS_ERASE : CAPTIONS_GO_ON; /* INV-SEAM-130 */
}

/* Exactly one cell goes out: the source's own, or one made here of the held picture, the slate or black, and silence.
 */
static bool show(Seam *seam, int64_t tick, const Cell *cell, bool changed) {
        const RvRational rate = seam->format.rate;
        const int32_t hz = seam->format.sample_rate_hz;
        Cell shown = {
                .tick = tick,
                .kind = CELL_BLACK,
                .source_frame = -1,
                .picture = seam->black,
                .n_samples = (uint32_t)(rv_tick_to_sample(tick + 1, rate, hz) - rv_tick_to_sample(tick, rate, hz)),
                .samples = seam->silence,
        };
        Picture *slate = seam_slate(seam, tick);
        if (slate)
                shown.picture = slate;
        else if (cell)
                shown = *cell;
        else if (seam->rt.turn.block && seam->rt.shown == SHOWN_HELD)
                shown.picture = seam->rt.held;
        caption_guard_pass(&seam->rt.captions, tick, caption_seam(seam, changed, cell), &shown.captions);
        const bool idr = changed || tick % seam->format.gop_frames == 0; /* INV-SEAM-102 */
        return seam->sink.push(seam->sink.user, &shown, idr);            /* INV-CONTINUOUS-FRAME-AUTHORITY-001 */
}

static void account(Seam *seam, Shown shown, const Cell *cell) {
        if (!seam->rt.turn.block || shown == SHOWN_HELD || shown == SHOWN_MISSING)
                atomic_fetch_add(&seam->fallback, 1);
        if (!seam->rt.turn.block)
                return;
        count_frame(&seam->rt.segment, shown, cell);
        count_frame(&seam->rt.block, shown, cell);
}

/* What is told is what was seen, which is the sink's to say. */
static void show_and_account(Seam *seam, int64_t tick, const Cell *cell, bool changed) {
        if (seam->rt.turn.block)
                seam->rt.shown = judge(seam, tick, cell);
        const bool seen = show(seam, tick, cell, changed);
        if (cell && cell->kind == CELL_CONTENT)
                hold(seam, cell);
        const Shown shown = seam->rt.shown;
        account(seam, !seen && shown == SHOWN_OWN ? SHOWN_HELD : shown, seen ? cell : NULL); /* INV-SEAM-109 */
}

/* INV-SEAM-006: pictures are made ahead for the one on the air and the one after it, when it is about to be. */
static void announce_next(Seam *seam, int64_t tick) {
        const Turn *next = turns_at(&seam->turns, 0);
        const uint32_t number = atomic_load_explicit(&seam->turns.head, memory_order_relaxed) + 1;
        if (!next || number == seam->rt.announced || next->start_tick - tick > SEAM_NEAR_TICKS)
                return;
        seam->rt.announced = number;
        if (next->producer)
                seam->sources->near(next->producer);
}

static void make_tick(Seam *seam, int64_t tick) {
        const Cell *cell = NULL;
        bool changed = false;
        if (!seam->rt.turn.block || tick >= seam->rt.turn.end_tick)
                changed = change_source(seam, tick, &cell);
        else
                cell = take_cell(seam, seam->rt.turn.producer, tick);
        show_and_account(seam, tick, cell, changed);
        announce_next(seam, tick);
        atomic_store(&seam->tick, tick);
        if (tick >= atomic_load(&seam->wake_tick)) {
                atomic_store(&seam->wake_tick, INT64_MAX);
                seam_ask_preparer(seam);
        }
}

void seam_count_ticks(void *user) {
        Seam *seam = user;
        int64_t tick = 0;
        start_time(seam);
        for (; !atomic_load(&seam->stopping); tick++) {
                pace(seam, tick);
                if (atomic_load(&seam->stopping))
                        break;
                make_tick(seam, tick);
        }
        if (seam->rt.turn.block)
                close_turn(seam, tick, false);
        report_plain(seam, SEAM_ENDED, tick);
}
