/*
 * Killed (SIGKILL) at any moment while it imports or measures, the store opens, holds nothing by halves, and the next
 * run completes. RETROVUE_TEST_KILLS=200 for more than the usual number of deaths.
 */
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/core/catalog_fixture.h"
#include "tests/support/chance.h"
#include "tests/support/plex_fixture.h"

#define KILLS 8
#define IMPORT_LIFE_US 120000
#define MEASURE_LIFE_US 400000
#define N_EPISODES 400
#define N_MOVIES 20
#define N_CLIPS 8

/* Each life opens the store itself. */
static int set_up(void **state) {
        *state = world_new();
        return 0;
}

static unsigned n_kills(void) {
        const char *text = g_getenv("RETROVUE_TEST_KILLS");
        const guint64 n = text ? g_ascii_strtoull(text, NULL, 10) : 0;
        return n > 0 ? (unsigned)MIN(n, 100000) : KILLS;
}

/* --- lives ------------------------------------------------------------------------------------------------------- */

static void die(int signal_number) {
        (void)kill(getpid(), SIGKILL);
}

/* A process of its own that does it again and again until it is killed, or ends with 0 when there is no more to do. */
static void live_and_die(const World *world, bool (*again)(const World *world), int64_t life_us) {
        const struct itimerval end = {.it_value = {.tv_sec = life_us / 1000000, .tv_usec = life_us % 1000000 + 1}};
        int status = 0;
        const pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                signal(SIGALRM, die);
                setitimer(ITIMER_REAL, &end, NULL);
                while (again(world))
                        ;
                _exit(0);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true((WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) ||
                    (WIFEXITED(status) && WEXITSTATUS(status) == 0));
}

static bool import_once(const World *world, CatalogImportReport *ret_report) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Store) store = store_open(world->db, &error);
        const CatalogImportOptions options = {.kind = CATALOG_PLEX, .path = world->library, .clock = rv_clock_system()};
        if (store && catalog_import(store, &options, ret_report, &error))
                return true;
        fprintf(stderr, "%s\n", error->message);
        return false;
}

static bool import_again(const World *world) {
        g_auto(CatalogImportReport) report = {0};
        return import_once(world, &report);
}

static void on_measured(void *user, const CatalogMeasureProgress *progress) {
        *(CatalogMeasureProgress *)user = *progress;
}

static CatalogMeasureProgress measure(const World *world) {
        CatalogMeasureProgress progress = {0};
        g_autoptr(GMainContext) context = g_main_context_new();
        const CatalogMeasureOptions options = {.store_path = world->db,
                                               .threads = 2,
                                               .clock = rv_clock_system(),
                                               .context = context,
                                               .on_progress = on_measured,
                                               .user = &progress};
        g_autoptr(CatalogMeasure) running = catalog_measure_start(&options, NULL);
        g_assert(running);
        while (!progress.over)
                g_main_context_iteration(context, TRUE);
        return progress;
}

static bool measure_again(const World *world) {
        (void)measure(world);
        return false;
}

/* --- what is found afterwards ------------------------------------------------------------------------------------ */

static void assert_sound(Store *store) {
        sqlite3_stmt *query = store_query(store, NULL, "PRAGMA integrity_check", "");
        assert_true(store_row(store, query, NULL));
        assert_string_equal(store_text(query, 0), "ok");
        store_reset(query);
        assert_int_equal(sql_int(store, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
}

/* INV-CATALOG-008: all of an import or nothing. */
static void INV_CATALOG_008_a_killed_import_leaves_all_or_nothing(void **state) {
        World *world = *state;
        PlexFixture *plex = plex_fixture_new(world->library, PLEX_TODAY);
        plex_fixture_generate(plex, world->media, N_EPISODES, N_MOVIES, true);
        plex_fixture_close(plex);
        g_autoptr(GRand) rand = chance_new();
        unsigned n_empty = 0, n_full = 0;
        for (unsigned i = 0; i < n_kills(); i++) {
                g_autofree char *wal = g_strconcat(world->db, "-wal", NULL),
                                *shm = g_strconcat(world->db, "-shm", NULL);
                if (i % 2 == 0) { /* else the one before is imported again */
                        (void)g_unlink(world->db);
                        (void)g_unlink(wal);
                        (void)g_unlink(shm);
                }
                live_and_die(world, import_again, g_rand_int_range(rand, 1, IMPORT_LIFE_US));
                g_autoptr(Store) store = store_open(world->db, NULL);
                assert_non_null(store);
                assert_sound(store);
                const int64_t n = sql_int(store, "SELECT count(*) FROM asset");
                assert_true(n == 0 || n == N_EPISODES + N_MOVIES);
                assert_int_equal(sql_int(store, "SELECT revision FROM catalog_revision") > 0, n > 0);
                n_empty += n == 0;
                n_full += n > 0;
                g_auto(CatalogImportReport) report = {0};
                g_clear_pointer(&store, store_close);
                assert_true(import_once(world, &report));
                assert_int_equal(report.added, n == 0 ? N_EPISODES + N_MOVIES : 0);
                assert_int_equal(report.unchanged, n);
        }
        print_message("%u had done nothing, %u all\n", n_empty, n_full);
}

static void make_clips(const World *world) {
        for (int i = 0; i < N_CLIPS; i++) {
                g_autofree char *command = g_strdup_printf(
                        "ffmpeg -v error -nostdin -y -f lavfi -i testsrc2=size=320x240:rate=25:duration=20 -f lavfi -i "
                        "sine=frequency=%d:duration=20 -c:v mpeg4 -c:a pcm_s16le %s/%d.mkv",
                        300 + i, world->media, i);
                int status = 0;
                assert_true(g_spawn_command_line_sync(command, NULL, NULL, &status, NULL));
                assert_true(g_spawn_check_wait_status(status, NULL));
        }
}

/* A killed run has stored each of its files whole; the next takes up the others. */
static void INV_MEASURE_001_a_killed_run_is_taken_up_where_it_was(void **state) {
        World *world = *state;
        make_clips(world);
        scan(world);
        g_autoptr(GRand) rand = chance_new();
        int64_t surveyed = 0;
        unsigned n_rounds = 0;
        for (unsigned i = 0; i < n_kills(); i++) {
                live_and_die(world, measure_again, g_rand_int_range(rand, 1, MEASURE_LIFE_US));
                g_autoptr(Store) store = store_open(world->db, NULL);
                assert_non_null(store);
                assert_sound(store);
                const int64_t now = sql_int(store, "SELECT count(*) FROM asset_survey");
                assert_true(now >= surveyed);
                assert_int_equal(sql_int(store, "SELECT count(*) FROM asset_survey WHERE loudness_millibel IS NULL"),
                                 0);
                surveyed = now;
                if (surveyed < N_CLIPS && i + 1 < n_kills())
                        continue;
                const CatalogMeasureProgress rest = measure(world);
                assert_int_equal(rest.done, N_CLIPS - surveyed);
                assert_int_equal(sql_int(store, "SELECT count(*) FROM asset_survey"), N_CLIPS);
                assert_int_equal(sql_int(store, "SELECT unpublished FROM catalog_revision"), 0);
                assert_true(store_run(store, NULL, "DELETE FROM asset_survey", "")); /* from the beginning */
                surveyed = 0;
                n_rounds++;
        }
        print_message("measured %u times over\n", n_rounds);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(INV_CATALOG_008_a_killed_import_leaves_all_or_nothing, set_up,
                                                world_tear_down),
                cmocka_unit_test_setup_teardown(INV_MEASURE_001_a_killed_run_is_taken_up_where_it_was, set_up,
                                                world_tear_down),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
