/* Reconciliation over a real store: locked blocks, recorded evidence, sessions and days that end. */
#include "core/record/reconcile/reconcile.h"

#include <string.h>

#include "core/record/asrun/asrun.h"
#include "proto/base/error.h"
#include "tests/core/plan_fixture.h"
#include "tests/core/reconcile_fixture.h"

#define DAY_END (NOON + 23 * 60 * MINUTE) /* 06:00 of the next day in New York */
#define DAY "2026-11-21"

static const char *const yaml = "channel: one\n"
                                "timezone: America/New_York\n"
                                "pools: {all: {match: {type: episode}}}\n"
                                "schedule: {all_day: [{block: {start: \"06:00\", duration: 24h, pool: all}}]}\n";

typedef struct {
        Fixture fixture;
        CatalogSnapshot *catalog;
        ChannelSpec *spec;
        char *store_path, *logs_dir;
        Store *store;
        RvClock *clock;
        AsRun *asrun;
        Reconciler *reconciler;
        World *world;
        guint recorded; /* of the world's events */
} Room;

static void place_of(void *user, const char *channel_id, int64_t utc_ms, char ret_day[11], char ret_time[9]) {
        const Room *room = user;
        schedule_day_of(room->spec, utc_ms, ret_day);
        g_strlcpy(ret_time, "00:00:00", 9);
}

static GPtrArray *channels(void *user) {
        const Room *room = user;
        GPtrArray *specs = g_ptr_array_new_with_free_func((GDestroyNotify)channel_spec_unref);
        g_ptr_array_add(specs, channel_spec_ref(room->spec));
        return specs;
}

static void open_reconciler(Room *room) {
        g_autoptr(GError) error = NULL;
        const ReconcilerOptions options = {room->store_path, room->clock, channels, room};
        room->reconciler = reconciler_new(&options, &error);
        assert_null(error);
}

static int set_up(void **state) {
        Room *room = g_new0(Room, 1);
        fixture_begin(&room->fixture);
        fixture_series(&room->fixture, "A", 3, 22 * MINUTE);
        room->catalog = fixture_catalog(&room->fixture);
        room->spec = fixture_spec(&room->fixture, yaml);
        room->store_path = g_build_filename(room->fixture.dir, "x.db", NULL);
        room->logs_dir = g_build_filename(room->fixture.dir, "logs", NULL);
        room->store = store_open(room->store_path, NULL);
        room->clock = rv_clock_fake_new(NOON);
        const AsRunOptions options = {.store_path = room->store_path,
                                      .logs_dir = room->logs_dir,
                                      .clock = room->clock,
                                      .place_of = place_of,
                                      .user = room};
        room->asrun = asrun_new(&options, NULL);
        assert_non_null(room->asrun);
        room->world = world_new(6);
        assert_true(transmission_log_lock(room->store, room->spec, room->world->blocks, NOON - MINUTE, NULL));
        open_reconciler(room);
        *state = room;
        return 0;
}

static int tear_down(void **state) {
        Room *room = *state;
        reconciler_free(room->reconciler);
        asrun_free(room->asrun);
        rv_clock_fake_free(room->clock);
        world_free(room->world);
        store_close(room->store);
        channel_spec_unref(room->spec);
        catalog_snapshot_unref(room->catalog);
        g_free(room->store_path);
        g_free(room->logs_dir);
        fixture_end(&room->fixture);
        g_free(room);
        return 0;
}

static void set_clock(Room *room, int64_t utc_ms) {
        rv_clock_fake_advance_ms(room->clock, utc_ms - rv_clock_utc_ms(room->clock));
}

/* What the world has told since. */
static void record(Room *room) {
        for (; room->recorded < room->world->events->len; room->recorded++)
                assert_true(asrun_record(room->asrun, room->world->events->pdata[room->recorded], NULL));
}

static int64_t count(Room *room, const char *where) {
        g_autofree char *sql = g_strdup_printf("SELECT count(*) FROM reconciliation WHERE %s", where);
        sqlite3_stmt *row = store_query(room->store, NULL, sql, "");
        assert_true(row && store_row(room->store, row, NULL));
        const int64_t n = store_int(row, 0);
        store_reset(row);
        return n;
}

static int64_t block_start(const Room *room, guint i) {
        return world_nth(room->world, i)->start_utc_ms;
}

static void INV_RECONCILE_006_a_session_is_judged_when_it_has_ended(void **state) {
        Room *room = *state;
        world_play(room->world, block_start(room, 0) + 500, block_start(room, 2) + 200, END_NONE);
        record(room);
        reconciler_look(room->reconciler);
        assert_int_equal(count(room, "1"), 0); /* it runs */

        world_play(room->world, block_start(room, 2) + 900, block_start(room, 3) + 250, END_STOPPED);
        record(room);
        reconciler_look(room->reconciler);
        assert_int_equal(count(room, "scope = 'session' AND reconciled = 1 AND summary = 'reconciled'"), 1);
        reconciler_look(room->reconciler);
        assert_int_equal(count(room, "1"), 1); /* once */
}

static void INV_RECONCILE_006_what_diverges_is_kept_told_and_an_alert(void **state) {
        Room *room = *state;
        world_play(room->world, block_start(room, 0) + 500, block_start(room, 3) + 200, END_STOPPED);
        world_event(room->world, EVIDENCE_BLOCK_FENCE, 1)->end_utc_ms++;
        record(room);
        g_auto(GStrv) before = reconciler_alerts(room->reconciler);
        assert_null(before[0]);
        reconciler_look(room->reconciler);
        assert_int_equal(count(room, "reconciled = 0 AND summary = '1 BLOCK_TIME_MISMATCH'"), 1);
        g_auto(GStrv) alerts = reconciler_alerts(room->reconciler);
        assert_int_equal(g_strv_length(alerts), 1);
        assert_non_null(strstr(alerts[0], "channel one"));
        set_clock(room, NOON + 25 * 60 * MINUTE);
        g_auto(GStrv) after = reconciler_alerts(room->reconciler);
        assert_null(after[0]);
}

static void INV_RECONCILE_006_a_day_that_ended_while_nobody_looked(void **state) {
        Room *room = *state;
        world_play(room->world, block_start(room, 1) + 500, block_start(room, 3) + 200, END_STOPPED);
        record(room);
        set_clock(room, DAY_END + MINUTE - 1);
        reconciler_look(room->reconciler);
        assert_int_equal(count(room, "scope = 'day'"), 0); /* its evidence may still come */

        reconciler_free(room->reconciler);
        set_clock(room, DAY_END + 50 * 60 * MINUTE);
        open_reconciler(room);
        reconciler_look(room->reconciler);
        assert_int_equal(count(room, "scope = 'day'"), 1);
        assert_int_equal(count(room, "subject = '" DAY "' AND reconciled = 1 AND summary = '3 NOT_AIRED_BY_DESIGN'"),
                         1);
        reconciler_free(room->reconciler);
        open_reconciler(room);
        reconciler_look(room->reconciler);
        assert_int_equal(count(room, "scope = 'day'"), 1); /* once, over restarts */
}

/* What was recorded after the day had been judged. */
static void INV_RECONCILE_006_a_session_told_late_has_its_day_judged_again(void **state) {
        Room *room = *state;
        world_play(room->world, block_start(room, 1) + 500, block_start(room, 3) + 200, END_STOPPED);
        set_clock(room, DAY_END + 2 * MINUTE);
        reconciler_look(room->reconciler);
        assert_int_equal(count(room, "scope = 'day' AND summary = '6 NOT_AIRED_BY_DESIGN'"), 1);
        record(room);
        reconciler_look(room->reconciler);
        assert_int_equal(count(room, "scope = 'day'"), 2);
        assert_int_equal(count(room, "scope = 'day' AND summary = '3 NOT_AIRED_BY_DESIGN'"), 1);
}

static void INV_RECONCILE_006_whoever_asks_gets_it_now_or_as_it_was_kept(void **state) {
        Room *room = *state;
        g_autoptr(GError) error = NULL;
        world_play(room->world, block_start(room, 0) + 500, block_start(room, 3) + 200, END_STOPPED);
        record(room);
        set_clock(room, block_start(room, 4));
        json_t *now = reconciler_ask(room->reconciler, room->spec, RECONCILE_DAY, DAY, &error);
        assert_int_equal(json_array_size(json_object_get(now, "rows")), 4); /* of a day that is not over, what was */
        json_decref(now);
        json_t *session = reconciler_ask(room->reconciler, room->spec, RECONCILE_SESSION,
                                         world_event(room->world, EVIDENCE_BLOCK_START, 0)->session_id, &error);
        assert_string_equal(json_string_value(json_object_get(session, "summary")), "reconciled");
        json_decref(session);

        set_clock(room, DAY_END + 2 * MINUTE);
        reconciler_look(room->reconciler);
        assert_true(transmission_log_purge(room->store, "one", G_MAXINT64, NULL));
        json_t *kept = reconciler_ask(room->reconciler, room->spec, RECONCILE_DAY, DAY, &error);
        assert_string_equal(json_string_value(json_object_get(kept, "summary")), "2 NOT_AIRED_BY_DESIGN");
        assert_null(json_object_get(kept, "rows"));
        json_decref(kept);
        assert_null(reconciler_ask(room->reconciler, room->spec, RECONCILE_DAY, "2026-11-25", &error));
        assert_true(g_error_matches(error, RV_ERROR, RV_ERROR_NOT_FOUND));
}

/* Nothing that is compared is changed by it. */
static void INV_RECONCILE_007_nothing_is_corrected(void **state) {
        Room *room = *state;
        world_play(room->world, block_start(room, 0) + 500, block_start(room, 3) + 200, END_STOPPED);
        world_event(room->world, EVIDENCE_BLOCK_FENCE, 1)->end_utc_ms++;
        record(room);
        const char *const hash = "SELECT group_concat(document) FROM (SELECT document FROM asrun_event UNION ALL "
                                 "SELECT document FROM transmission_block)";
        g_autofree char *before = NULL, *after = NULL;
        sqlite3_stmt *row = store_query(room->store, NULL, hash, "");
        assert_true(store_row(room->store, row, NULL));
        before = g_strdup(store_text(row, 0));
        store_reset(row);
        reconciler_look(room->reconciler);
        set_clock(room, DAY_END + 2 * MINUTE);
        reconciler_look(room->reconciler);
        assert_true(count(room, "1") >= 2);
        row = store_query(room->store, NULL, hash, "");
        assert_true(store_row(room->store, row, NULL));
        after = g_strdup(store_text(row, 0));
        store_reset(row);
        assert_string_equal(after, before);
}

/* Of a channel whose logs are not stored any more, and of one that is not there. */
static void sessions_without_a_log_or_a_channel_are_passed_over(void **state) {
        Room *room = *state;
        world_play(room->world, block_start(room, 0) + 500, block_start(room, 1), END_STOPPED);
        world_play(room->world, block_start(room, 2), block_start(room, 3), END_STOPPED);
        for (guint i = 0; i < room->world->events->len; i++) {
                EvidenceEvent *event = room->world->events->pdata[i];
                if (event->start_utc_ms >= block_start(room, 2) || event->end_utc_ms > block_start(room, 2)) {
                        g_free(event->channel_id);
                        event->channel_id = g_strdup("gone");
                }
        }
        record(room);
        assert_true(transmission_log_purge(room->store, "one", G_MAXINT64, NULL));
        reconciler_look(room->reconciler);
        assert_int_equal(count(room, "scope = 'session' AND reconciled = 1"), 1);
        reconciler_look(room->reconciler);
        assert_int_equal(count(room, "1"), 1);
}

int main(void) {
#define WITH_ROOM(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
        const struct CMUnitTest tests[] = {
                WITH_ROOM(INV_RECONCILE_006_a_session_is_judged_when_it_has_ended),
                WITH_ROOM(INV_RECONCILE_006_what_diverges_is_kept_told_and_an_alert),
                WITH_ROOM(INV_RECONCILE_006_a_day_that_ended_while_nobody_looked),
                WITH_ROOM(INV_RECONCILE_006_a_session_told_late_has_its_day_judged_again),
                WITH_ROOM(INV_RECONCILE_006_whoever_asks_gets_it_now_or_as_it_was_kept),
                WITH_ROOM(INV_RECONCILE_007_nothing_is_corrected),
                WITH_ROOM(sessions_without_a_log_or_a_channel_are_passed_over),
        };
        const int failed = cmocka_run_group_tests(tests, NULL, NULL);
        g_rand_free(world_chance());
        return failed;
}
