/*
 * Killed (SIGKILL) at any moment while it compiles, locks and extends, what was published is in the store, nothing of
 * it by halves, and the next run goes on. RETROVUE_TEST_KILLS=200 for more than the usual number of deaths.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/plan/horizon/horizon.h"
#include "core/plan/horizon/override.h"
#include "core/plan/transmission_log/transmission_log.h"
#include "proto/base/log.h"
#include "tests/core/plan_fixture.h"
#include "tests/support/chance.h"
#include "tests/support/cmocka.h"

#define KILLS 20
#define LIFE_MAX_US 250000 /* some tens of evaluations */
#define N_CHANNELS 2

static const char *const ids[N_CHANNELS] = {"one", "two"};

typedef struct {
        Fixture fixture;
        char *store_path;
        CatalogSnapshot *catalog;
        GPtrArray *rules[2]; /* ChannelSpec: the same channels, changed and changed back */
        int64_t now_utc_ms;
        unsigned n_promised, n_overridden; /* blocks that dead children had published */
        unsigned n_sealed;                 /* logs whose files were looked at */
} World;

/* What a child says of a block that it has published. */
typedef struct {
        int64_t now_utc_ms, start_utc_ms;
        int channel;
        char block_id[64], sha256[65];
} Promise;

/* A horizon on the store, as a process has it. */
typedef struct {
        RvClock *clock;
        Store *store;
        PlanBoard *board;
        Horizon *horizon;
} Life;

static void life_begin(const World *world, Life *life) {
        life->clock = rv_clock_fake_new(world->now_utc_ms);
        life->store = store_open(world->store_path, NULL);
        g_assert(life->store);
        life->board = plan_board_new();
        const HorizonOptions options = {.store = life->store,
                                        .board = life->board,
                                        .clock = life->clock,
                                        .min_epg_ms = 72 * HOUR,
                                        .min_execution_ms = 6 * HOUR,
                                        .logs_dir = world->fixture.dir};
        life->horizon = horizon_new(&options);
}

static void life_end(Life *life) {
        horizon_free(life->horizon);
        plan_board_unref(life->board);
        store_close(life->store);
        rv_clock_fake_free(life->clock);
}

static int set_up(void **state) {
        static const char *const pools[2] = {"cheers", "frasier"};
        World *world = g_new0(World, 1);
        fixture_begin(&world->fixture);
        world->store_path = g_build_filename(world->fixture.dir, "retrovue.db", NULL);
        world->now_utc_ms = fixture_utc("2026-11-22T04:28:00Z");
        fixture_series(&world->fixture, "Cheers", 60, 22 * MINUTE);
        fixture_series(&world->fixture, "Frasier", 40, 50 * MINUTE);
        for (int i = 0; i < 12; i++)
                fixture_asset(&world->fixture, ASSET_COMMERCIAL, "Soap", 45000 + i * 5000);
        world->catalog = fixture_catalog(&world->fixture);
        for (int r = 0; r < 2; r++) {
                world->rules[r] = g_ptr_array_new_with_free_func((GDestroyNotify)channel_spec_unref);
                for (int c = 0; c < N_CHANNELS; c++) {
                        g_autofree char *text = g_strdup_printf(
                                "channel: %s\nchannel_number: %d\ntimezone: America/New_York\n"
                                "pools:\n  cheers: {match: {type: episode, series_title: Cheers}}\n"
                                "  frasier: {match: {type: episode, series_title: Frasier}}\n"
                                "schedule: {all_day: [{block: {start: \"06:00\", duration: 24h, pool: %s}}]}\n",
                                ids[c], c + 1, pools[(r + c) % 2]);
                        g_ptr_array_add(world->rules[r], fixture_spec(&world->fixture, text));
                }
        }
        *state = world;
        return 0;
}

static int tear_down(void **state) {
        World *world = *state;
        g_ptr_array_unref(world->rules[0]);
        g_ptr_array_unref(world->rules[1]);
        catalog_snapshot_unref(world->catalog);
        fixture_end(&world->fixture);
        g_free(world->store_path);
        g_free(world);
        return 0;
}

/* --- the child ---------------------------------------------------------------------------------------------------- */

static void die(int signal_number) {
        (void)kill(getpid(), SIGKILL);
}

static void promise(const Life *life, int channel, int fd, int64_t *seen_until_utc_ms) {
        g_autoptr(PlanView) view = plan_board_view(life->board, ids[channel]);
        for (guint i = 0; view && i < view->blocks->len; i++) {
                const BlockPlan *block = view->blocks->pdata[i];
                Promise said = {.now_utc_ms = rv_clock_utc_ms(life->clock),
                                .start_utc_ms = block->start_utc_ms,
                                .channel = channel};
                if (block->end_utc_ms <= *seen_until_utc_ms)
                        continue;
                g_autofree char *sha256 = block_plan_sha256(block);
                g_strlcpy(said.block_id, block->block_id, sizeof(said.block_id));
                g_strlcpy(said.sha256, sha256, sizeof(said.sha256));
                if (write(fd, &said, sizeof(said)) != (ssize_t)sizeof(said)) /* a record is less than PIPE_BUF: whole */
                        _exit(1);
                *seen_until_utc_ms = block->end_utc_ms;
        }
}

/* What is on in four hours gives way to filler. */
static void ask(const Life *life, const char *channel_id) {
        const int64_t now = rv_clock_utc_ms(life->clock);
        Override override = {.channel_id = (char *)channel_id,
                             .kind = OVERRIDE_SKIP,
                             .at_utc_ms = now + 4 * HOUR,
                             .asked_utc_ms = now};
        g_assert(override_store_ask(life->store, &override, NULL));
}

/* Plans on and on, by rules that keep changing and with overrides, until it is killed. */
static G_GNUC_NORETURN void live(const World *world, int fd, int64_t life_us) {
        int64_t seen_until_utc_ms[N_CHANNELS] = {0};
        Life life;
        const struct itimerval end = {.it_value = {.tv_sec = life_us / 1000000, .tv_usec = life_us % 1000000}};
        signal(SIGALRM, die);
        setitimer(ITIMER_REAL, &end, NULL);
        life_begin(world, &life);
        for (unsigned round = 0;; round++) {
                horizon_set_inputs(life.horizon, world->rules[round / 3 % 2], world->catalog);
                horizon_evaluate(life.horizon);
                if (round % 2 == 1)
                        ask(&life, ids[round / 2 % N_CHANNELS]);
                for (int c = 0; c < N_CHANNELS; c++)
                        promise(&life, c, fd, &seen_until_utc_ms[c]);
                rv_clock_fake_advance_ms(life.clock, 35 * MINUTE);
        }
}

/* --- who finds it dead -------------------------------------------------------------------------------------------- */

/* Starts a child and hears it out. What it promised: Promise. */
static GArray *live_and_die(const World *world, int64_t life_us) {
        GArray *promises = g_array_new(false, false, sizeof(Promise));
        Promise said;
        int fds[2], status = 0;
        assert_int_equal(pipe(fds), 0);
        const pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                close(fds[0]);
                live(world, fds[1], life_us);
        }
        close(fds[1]);
        while (read(fds[0], &said, sizeof(said)) == (ssize_t)sizeof(said))
                g_array_append_val(promises, said);
        close(fds[0]);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        return promises;
}

static char *answer(Store *store, const char *sql) {
        sqlite3_stmt *query = store_query(store, NULL, sql, "");
        assert_non_null(query);
        char *text = store_row(store, query, NULL) ? g_strdup(store_text(query, 0)) : NULL;
        store_reset(query);
        return text;
}

/* Whether a record in force says that what began then gave way. */
static bool is_overridden(Store *store, const char *channel_id, int64_t start_utc_ms) {
        g_autoptr(GPtrArray) overrides = override_store_list(store, channel_id, NULL);
        for (guint i = 0; i < overrides->len; i++) {
                const Override *override = overrides->pdata[i];
                if (override->state == OVERRIDE_IN_FORCE && start_utc_ms >= override->start_utc_ms &&
                    start_utc_ms < override->end_utc_ms)
                        return true;
        }
        return false;
}

/* Every block that was published is locked, to the last field, or an override's record says why not. */
static void assert_kept(World *world, Store *store, const GArray *promises) {
        for (guint i = 0; i < promises->len; i++) {
                const Promise *said = &g_array_index(promises, Promise, i);
                g_autoptr(BlockPlan) block = transmission_log_find(store, ids[said->channel], said->block_id, NULL);
                world->n_promised++;
                world->now_utc_ms = MAX(world->now_utc_ms, said->now_utc_ms);
                if (!block) {
                        assert_true(is_overridden(store, ids[said->channel], said->start_utc_ms));
                        world->n_overridden++;
                        continue;
                }
                g_autofree char *sha256 = block_plan_sha256(block);
                assert_string_equal(sha256, said->sha256);
        }
}

/* INV-HORIZON-ATOMIC-PUBLISH-001: days touch, and those beyond the locked blocks are all by the same rules. */
static void assert_whole(Store *store, const char *channel_id) {
        g_autoptr(GPtrArray) days = schedule_store_days(store, channel_id, "2000-01-01", NULL);
        g_autoptr(GPtrArray) blocks = transmission_log_blocks(store, channel_id, 0, NULL);
        assert_true(days && blocks);
        const char *rules = NULL;
        int64_t locked_until_utc_ms = 0;
        for (guint i = 0; i < blocks->len; i++) {
                const BlockPlan *block = blocks->pdata[i];
                assert_true(i == 0 || block->start_utc_ms == locked_until_utc_ms);
                locked_until_utc_ms = block->end_utc_ms;
        }
        for (guint i = 0; i < days->len; i++) {
                const ScheduleDay *day = days->pdata[i];
                assert_true(i == 0 || day->start_utc_ms == ((ScheduleDay *)days->pdata[i - 1])->end_utc_ms);
                if (day->start_utc_ms < locked_until_utc_ms)
                        continue;
                if (rules)
                        assert_string_equal(day->source_sha256, rules);
                rules = day->source_sha256;
        }
}

/* Files of a sealed log say what is locked; the oldest blocks may have been let go of. */
static void assert_sealed(const World *world, Store *store, int channel, const char *day, const char *stem) {
        g_autoptr(GPtrArray) blocks = transmission_log_blocks(store, ids[channel], 0, NULL);
        g_autoptr(GPtrArray) of_day = g_ptr_array_new();
        g_autofree char *name = g_strdup_printf("%s.tlog.jsonl", stem);
        g_autofree char *path = g_build_filename(world->fixture.dir, "transmission", ids[channel], name, NULL);
        g_autofree char *text = g_build_filename(world->fixture.dir, "transmission", ids[channel], stem, NULL);
        g_autofree char *columns = g_strconcat(text, ".tlog", NULL), *found = NULL;
        for (guint i = 0; i < blocks->len; i++) {
                char block_day[11];
                schedule_day_of(world->rules[0]->pdata[channel], ((BlockPlan *)blocks->pdata[i])->start_utc_ms,
                                block_day);
                if (strcmp(block_day, day) == 0)
                        g_ptr_array_add(of_day, blocks->pdata[i]);
        }
        g_autofree char *expected = transmission_log_jsonl(of_day);
        assert_true(g_file_get_contents(path, &found, NULL, NULL));
        assert_true(g_str_has_suffix(found, expected));
        assert_true(g_file_test(columns, G_FILE_TEST_EXISTS));
}

/* INV-TL-ARTIFACT-001: store and files agree, whenever it died. */
static void assert_artifacts(World *world, Store *store, int channel) {
        g_autoptr(GPtrArray) days = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(GPtrArray) stems = g_ptr_array_new_with_free_func(g_free);
        sqlite3_stmt *query = store_query(store, NULL,
                                          "SELECT day, version FROM transmission_log WHERE channel_id = ? AND "
                                          "sealed_utc_ms IS NOT NULL",
                                          "s", ids[channel]);
        while (store_row(store, query, NULL)) {
                const int64_t version = store_int(query, 1);
                g_ptr_array_add(days, g_strdup(store_text(query, 0)));
                g_ptr_array_add(stems, version == 1 ? g_strdup(store_text(query, 0))
                                                    : g_strdup_printf("%s.v%d", store_text(query, 0), (int)version));
        }
        for (guint i = 0; i < days->len; i++)
                assert_sealed(world, store, channel, days->pdata[i], stems->pdata[i]);
        world->n_sealed += days->len;
}

/* The next run takes up what is there and completes it. */
static void assert_goes_on(const World *world, unsigned round) {
        Life life;
        life_begin(world, &life);
        horizon_set_inputs(life.horizon, world->rules[round % 2], world->catalog);
        horizon_evaluate(life.horizon);
        for (int c = 0; c < N_CHANNELS; c++) {
                g_autoptr(PlanView) view = plan_board_view(life.board, ids[c]);
                const PlanHealth health = plan_view_health(view, world->now_utc_ms);
                assert_null(view->fault);
                assert_int_equal(health.epg_short_ms, 0);
                assert_int_equal(health.execution_short_ms, 0);
                for (guint i = 0; i < view->blocks->len; i++) {
                        const BlockPlan *block = view->blocks->pdata[i];
                        g_autoptr(Programme) programme = NULL;
                        assert_int_equal(plan_view_programme_at(view, block->start_utc_ms, &programme), PLAN_OK);
                        assert_string_equal(programme->id, block->block_id);
                }
        }
        life_end(&life);
}

static void INV_HORIZON_CRASH_001_killed_at_any_moment_nothing_is_lost_or_by_halves(void **state) {
        World *world = *state;
        const char *asked = g_getenv("RETROVUE_TEST_KILLS");
        const unsigned n = asked ? (unsigned)g_ascii_strtoull(asked, NULL, 10) : KILLS;
        g_autoptr(GRand) rand = chance_new();
        for (unsigned round = 0; round < n; round++) {
                g_autoptr(GArray) promises = live_and_die(world, g_rand_int_range(rand, 100, LIFE_MAX_US));
                g_autoptr(Store) store = store_open(world->store_path, NULL);
                assert_non_null(store);
                g_autofree char *sound = answer(store, "PRAGMA integrity_check");
                assert_string_equal(sound, "ok");
                assert_null(answer(store, "PRAGMA foreign_key_check"));
                assert_kept(world, store, promises);
                for (int c = 0; c < N_CHANNELS; c++) {
                        assert_whole(store, ids[c]);
                        assert_artifacts(world, store, c);
                }
                g_clear_pointer(&store, store_close);
                assert_goes_on(world, round);
        }
        print_message("%u blocks were promised, %u overridden; %u sealed logs\n", world->n_promised,
                      world->n_overridden, world->n_sealed);
        assert_true(world->n_promised > 0);
        assert_true(world->n_sealed > 0);
}

int main(void) {
        rv_log_init("test", rv_clock_system());
        rv_log_set_level((RvLogLevel)(RV_LOG_ERROR + 1));
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(INV_HORIZON_CRASH_001_killed_at_any_moment_nothing_is_lost_or_by_halves,
                                                set_up, tear_down),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
