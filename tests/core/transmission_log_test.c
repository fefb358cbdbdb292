#include "core/plan/transmission_log/transmission_log.h"

#include <glib/gstdio.h>

#include "tests/core/plan_fixture.h"
#include "tests/support/cmocka.h"

static const char *const yaml = "channel: one\n"
                                "timezone: America/New_York\n"
                                "pools: {all: {match: {type: episode}}}\n"
                                "schedule: {all_day: [{block: {start: \"06:00\", duration: 24h, pool: all}}]}\n";

typedef struct {
        Fixture fixture;
        CatalogSnapshot *catalog;
        ChannelSpec *spec;
        Store *store;
        ScheduleDay *day;
        GPtrArray *blocks; /* of the day */
} World;

static int set_up(void **state) {
        World *world = g_new0(World, 1);
        fixture_begin(&world->fixture);
        fixture_series(&world->fixture, "A", 20, 22 * MINUTE);
        for (int i = 0; i < 9; i++)
                fixture_asset(&world->fixture, ASSET_PROMO, "Pro\nmo", 30000);
        world->catalog = fixture_catalog(&world->fixture);
        world->spec = fixture_spec(&world->fixture, yaml);
        g_autofree char *path = g_build_filename(world->fixture.dir, "x.db", NULL);
        world->store = store_open(path, NULL);
        g_autoptr(Diag) diag = diag_new();
        world->day = schedule_compile(world->spec, world->catalog, "2026-06-01", NULL, diag);
        g_autoptr(TrafficInventory) inventory = traffic_inventory_new(world->spec, world->catalog, NULL);
        g_autoptr(TrafficHistory) history = traffic_history_new();
        world->blocks = g_ptr_array_new_with_free_func((GDestroyNotify)block_plan_unref);
        for (guint i = 0; i < world->day->programmes->len; i++) {
                const Programme *programme = world->day->programmes->pdata[i];
                g_autoptr(GArray) items = traffic_fill(inventory, history, NULL, programme, NULL, NULL);
                g_ptr_array_add(world->blocks, transmission_log_block(world->spec, programme, items));
        }
        *state = world;
        return 0;
}

static int tear_down(void **state) {
        World *world = *state;
        g_ptr_array_unref(world->blocks);
        schedule_day_free(world->day);
        store_close(world->store);
        channel_spec_unref(world->spec);
        catalog_snapshot_unref(world->catalog);
        fixture_end(&world->fixture);
        g_free(world);
        return 0;
}

static TlFault check(const World *world, const GPtrArray *blocks, const BlockPlan *previous, TlRefusal *refusal) {
        const TlRules rules = {
                .spec = world->spec, .catalog = world->catalog, .unit_ms = 30 * MINUTE, .previous = previous};
        return transmission_log_check(&rules, blocks, refusal);
}

static void assert_refused(const World *world, TlFault expected, const char *what) {
        g_auto(TlRefusal) refusal = {0};
        assert_int_equal(check(world, world->blocks, NULL, &refusal), expected);
        assert_true(g_str_has_prefix(refusal.detail, "block "));
        assert_non_null(strstr(refusal.detail, "\"A\" of one: "));
        if (!strstr(refusal.detail, what))
                print_error("%s\n", refusal.detail);
        assert_non_null(strstr(refusal.detail, what));
}

static BlockPlan *block(const World *world, guint i) {
        return world->blocks->pdata[i];
}

static void a_sound_day_passes(void **state) {
        const World *world = *state;
        g_auto(TlRefusal) refusal = {0};
        assert_int_equal(check(world, world->blocks, NULL, &refusal), TL_OK);
        assert_null(refusal.detail);
        assert_int_equal(world->blocks->len, 48);
}

static void INV_TL_SEAM_001_gap_refuses_lock(void **state) {
        World *world = *state;
        g_ptr_array_remove_index(world->blocks, 7);
        assert_refused(world, TL_GAP, "INV-TL-SEAM-001: 1800000 ms of gap");
        assert_refused(world, TL_GAP, block(world, 7)->block_id);
}

static void INV_TL_SEAM_001_overlap_refuses_lock(void **state) {
        World *world = *state;
        block(world, 7)->start_utc_ms -= 30 * MINUTE - 1; /* still after the one before it */
        block(world, 7)->end_utc_ms += 1;
        assert_refused(world, TL_GAP, "INV-TL-SEAM-001: 1799999 ms of overlap");
}

static void INV_TL_SEAM_001_gap_to_what_is_locked_refuses_lock(void **state) {
        World *world = *state;
        g_auto(TlRefusal) refusal = {0};
        g_autoptr(BlockPlan) first = block_plan_ref(block(world, 0));
        g_ptr_array_remove_range(world->blocks, 0, 2);
        assert_int_equal(check(world, world->blocks, first, &refusal), TL_GAP);
}

static void INV_TL_SEAM_002_part_of_a_grid_unit_refuses_lock(void **state) {
        World *world = *state;
        block(world, 3)->end_utc_ms -= 1;
        assert_refused(world, TL_UNIT, "INV-TL-SEAM-002: its length of 1799999 ms");
}

static void INV_TL_SEAM_003_disorder_refuses_lock(void **state) {
        const World *world = *state;
        g_autoptr(GPtrArray) twice = g_ptr_array_new(), back = g_ptr_array_new();
        g_auto(TlRefusal) same = {0}, earlier = {0};
        g_ptr_array_add(twice, block(world, 3));
        g_ptr_array_add(twice, block(world, 3));
        assert_int_equal(check(world, twice, NULL, &same), TL_ORDER);
        assert_non_null(strstr(same.detail, "INV-TL-SEAM-003"));
        g_ptr_array_add(back, block(world, 3));
        assert_int_equal(check(world, back, block(world, 4), &earlier), TL_ORDER);
}

static void INV_TL_SEAM_004_no_length_refuses_lock(void **state) {
        World *world = *state;
        block(world, 5)->end_utc_ms = block(world, 5)->start_utc_ms;
        assert_refused(world, TL_LENGTH, "INV-TL-SEAM-004: its length is 0 ms");
        block(world, 5)->end_utc_ms -= 30 * MINUTE;
        assert_refused(world, TL_LENGTH, "INV-TL-SEAM-004: its length is -1800000 ms");
}

static void INV_TL_SUM_001_segments_that_do_not_sum_refuse_lock(void **state) {
        World *world = *state;
        block(world, 2)->segments[1].duration_ms -= 1;
        assert_refused(world, TL_BLOCK, block(world, 2)->block_id);
}

static void INV_EXECUTIONENTRY_ELIGIBLE_CONTENT_001_ineligible_refuses_lock(void **state) {
        World *world = *state;
        Asset *asset = (Asset *)catalog_snapshot_find(world->catalog, block(world, 4)->segments[0].asset_uuid);
        g_auto(TlRefusal) refusal = {0};
        asset->approved = false;
        assert_int_equal(check(world, world->blocks, NULL, &refusal), TL_INELIGIBLE);
        assert_string_equal(refusal.asset_id, asset->id);
        asset->approved = true;
        char *uri = g_steal_pointer(&asset->uri);
        asset->uri = g_strdup("/elsewhere/now.mp4");
        assert_refused(world, TL_INELIGIBLE, "may not be planned");
        g_free(asset->uri);
        asset->uri = uri;
        asset->duration_ms -= 1;
        assert_refused(world, TL_INELIGIBLE, "goes beyond the end");
}

static void INV_MATERIAL_RESOLVED_BEFORE_HORIZON_ENTRY_001_no_file_refuses_lock(void **state) {
        World *world = *state;
        const Asset *asset = catalog_snapshot_find(world->catalog, block(world, 4)->segments[0].asset_uuid);
        g_auto(TlRefusal) refusal = {0};
        assert_int_equal(g_unlink(asset->uri), 0);
        assert_int_equal(check(world, world->blocks, NULL, &refusal), TL_UNRESOLVED);
        assert_string_equal(refusal.asset_id, asset->id);
        assert_non_null(strstr(refusal.detail, asset->uri));
        assert_int_equal(g_mkdir(asset->uri, 0755), 0);
        assert_refused(world, TL_UNRESOLVED, "no file that can be read");
}

static void INV_TL_ID_001_the_same_block_made_again_has_the_same_ids(void **state) {
        const World *world = *state;
        g_autoptr(TrafficInventory) inventory = traffic_inventory_new(world->spec, world->catalog, NULL);
        g_autoptr(TrafficHistory) history = traffic_history_new();
        g_autoptr(GArray) items = traffic_fill(inventory, history, NULL, world->day->programmes->pdata[0], NULL, NULL);
        g_autoptr(BlockPlan) again = transmission_log_block(world->spec, world->day->programmes->pdata[0], items);
        g_autofree char *sha256 = block_plan_sha256(again), *expected = block_plan_sha256(block(world, 0));
        assert_string_equal(sha256, expected);
        g_autoptr(GHashTable) ids = g_hash_table_new(g_str_hash, g_str_equal);
        for (guint i = 0; i < world->blocks->len; i++)
                for (uint32_t j = 0; j < block(world, i)->n_segments; j++) {
                        const BlockSegment *segment = &block(world, i)->segments[j];
                        assert_int_equal(strlen(segment->event_id), 32);
                        assert_true(g_hash_table_add(ids, (char *)segment->event_id));
                        g_auto(GStrv) digits = g_strsplit(segment->segment_uuid, "-", -1);
                        g_autofree char *plain = g_strjoinv("", digits);
                        assert_string_not_equal(plain, segment->event_id);
                        assert_true(g_hash_table_add(ids, (char *)segment->segment_uuid));
                }
}

static void INV_TL_IMMUTABLE_001_what_is_locked_comes_back_and_is_never_replaced(void **state) {
        World *world = *state;
        g_autoptr(GError) error = NULL, refusal = NULL;
        assert_true(transmission_log_lock(world->store, world->spec, world->blocks, 1, &error));
        g_autoptr(GPtrArray) back = transmission_log_blocks(world->store, "one", 0, &error);
        assert_int_equal(back->len, 48);
        for (guint i = 0; i < 48; i++) {
                g_autofree char *a = block_plan_sha256(back->pdata[i]), *b = block_plan_sha256(block(world, i));
                assert_string_equal(a, b);
        }
        assert_false(transmission_log_lock(world->store, world->spec, world->blocks, 2, &refusal));
        g_autoptr(BlockPlan) found = transmission_log_find(world->store, "one", block(world, 9)->block_id, &error);
        assert_int_equal(found->start_utc_ms, block(world, 9)->start_utc_ms);
        assert_null(transmission_log_find(world->store, "two", block(world, 9)->block_id, &error));
        assert_null(error);
        g_autoptr(GPtrArray) late = transmission_log_blocks(world->store, "one", block(world, 9)->end_utc_ms, &error);
        assert_int_equal(late->len, 38);
        assert_true(transmission_log_purge(world->store, "one", block(world, 9)->end_utc_ms, &error));
        g_autoptr(GPtrArray) left = transmission_log_blocks(world->store, "one", 0, &error);
        assert_int_equal(left->len, 38);
}

static void INV_TL_IMMUTABLE_001_a_damaged_row_is_told_not_played(void **state) {
        World *world = *state;
        g_autoptr(GError) error = NULL;
        assert_true(transmission_log_lock(world->store, world->spec, world->blocks, 1, &error));
        assert_true(store_run(
                world->store, &error,
                "UPDATE transmission_block SET document = replace(document, 'promo', 'psa') WHERE block_id = ?", "s",
                block(world, 3)->block_id));
        assert_null(transmission_log_blocks(world->store, "one", 0, &error));
        assert_non_null(strstr(error->message, block(world, 3)->block_id));
        g_clear_error(&error);
        assert_true(store_run(world->store, &error, "UPDATE transmission_block SET document = '{' WHERE block_id = ?",
                              "s", block(world, 3)->block_id));
        assert_null(transmission_log_blocks(world->store, "one", 0, &error));
}

static char *artifact(const World *world, const char *name) {
        g_autofree char *path = g_build_filename(world->fixture.dir, "transmission", "one", name, NULL);
        char *text = NULL;
        return g_file_get_contents(path, &text, NULL, NULL) ? text : NULL;
}

static void INV_TL_ARTIFACT_001_files_are_written_once_when_the_day_is_locked(void **state) {
        World *world = *state;
        g_autoptr(GError) error = NULL;
        g_autoptr(GPtrArray) first = g_ptr_array_new(), rest = g_ptr_array_new();
        for (guint i = 0; i < 48; i++)
                g_ptr_array_add(i < 20 ? first : rest, block(world, i));
        const int64_t now = world->day->start_utc_ms;
        assert_true(transmission_log_lock(world->store, world->spec, first, now, &error));
        assert_true(transmission_log_seal(world->store, world->spec, world->fixture.dir, now, &error));
        assert_null(artifact(world, "2026-06-01.tlog"));
        assert_true(transmission_log_lock(world->store, world->spec, rest, now, &error));
        assert_true(transmission_log_seal(world->store, world->spec, world->fixture.dir, now, &error));
        g_autofree char *text = artifact(world, "2026-06-01.tlog"), *lines = artifact(world, "2026-06-01.tlog.jsonl");
        assert_non_null(text);
        assert_non_null(lines);
        g_autofree char *path = g_build_filename(world->fixture.dir, "transmission", "one", "2026-06-01.tlog", NULL);
        assert_true(g_file_set_contents(path, "mine", -1, NULL));
        assert_true(store_run(world->store, &error, "UPDATE transmission_log SET sealed_utc_ms = NULL", ""));
        assert_true(transmission_log_seal(world->store, world->spec, world->fixture.dir, now + 1, &error));
        g_autofree char *kept = artifact(world, "2026-06-01.tlog");
        assert_string_equal(kept, "mine");
}

static void a_day_that_is_over_is_sealed_as_it_is(void **state) {
        World *world = *state;
        g_autoptr(GError) error = NULL;
        g_ptr_array_set_size(world->blocks, 10);
        assert_true(transmission_log_lock(world->store, world->spec, world->blocks, 1, &error));
        assert_true(
                transmission_log_seal(world->store, world->spec, world->fixture.dir, world->day->end_utc_ms, &error));
        g_autofree char *text = artifact(world, "2026-06-01.tlog");
        assert_non_null(text);
}

static void the_files_say_what_airs_in_fixed_columns(void **state) {
        const World *world = *state;
        g_autofree char *text = transmission_log_text(world->spec, "2026-06-01", "LOG", world->blocks, 1780300800123);
        g_auto(GStrv) rows = g_strsplit(text, "\n", -1);
        assert_string_equal(rows[0], "# RetroVue transmission log");
        assert_string_equal(rows[1], "# CHANNEL: one");
        assert_string_equal(rows[2], "# DATE: 2026-06-01");
        assert_string_equal(rows[3], "# TIMEZONE_DISPLAY: America/New_York");
        assert_string_equal(rows[4], "# GENERATED_UTC: 2026-06-01T08:00:00.123Z");
        assert_string_equal(rows[5], "# TRANSMISSION_LOG_ID: LOG");
        assert_true(g_str_has_prefix(rows[8], "06:00:00 00:30:00 BLOCK    "));
        assert_true(
                g_str_has_suffix(rows[8], " A UTC_START=2026-06-01T10:00:00.000Z UTC_END=2026-06-01T10:30:00.000Z"));
        assert_memory_equal(rows[9], "06:00:00 00:05:30 CONTENT  ", 27);
        assert_memory_equal(rows[9] + 27, block(world, 0)->segments[0].event_id, 32);
        assert_int_equal(rows[9][59], ' ');
        assert_int_equal(rows[9][60], '/');
        guint fences = 0, blocks = 0;
        for (char **row = rows; *row; row++) {
                fences += g_str_has_prefix(*row, "#") ? 0 : strncmp(*row + MIN(18, strlen(*row)), "FENCE", 5) == 0;
                blocks += strlen(*row) > 18 && strncmp(*row + 18, "BLOCK", 5) == 0;
        }
        assert_int_equal(fences, 48);
        assert_int_equal(blocks, 48);
}

/* The same events, in the same order, in blocks, in the lines and in the columns. */
static void assert_same_events(const World *world, char **lines, guint n_lines) {
        g_autofree char *text =
                transmission_log_text(world->spec, "2026-06-01", "LOG", world->blocks, world->day->start_utc_ms);
        const char *from = text;
        guint n = 0;
        for (guint i = 0; i < world->blocks->len; i++)
                for (uint32_t j = 0; j < block(world, i)->n_segments; j++, n++) {
                        const char *event_id = block(world, i)->segments[j].event_id;
                        assert_true(n < n_lines);
                        assert_non_null(strstr(lines[n], event_id));
                        from = strstr(from, event_id);
                        assert_non_null(from);
                }
        assert_int_equal(n, n_lines);
}

static void the_lines_are_json_and_tile_the_day(void **state) {
        const World *world = *state;
        g_autofree char *text = transmission_log_jsonl(world->blocks);
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        int64_t total = 0;
        guint n = 0;
        for (; lines[n] && *lines[n]; n++) {
                json_t *event = json_loads(lines[n], 0, NULL);
                assert_non_null(event);
                total += json_integer_value(json_object_get(event, "scheduled_duration_ms"));
                assert_non_null(json_string_value(json_object_get(event, "event_id")));
                assert_non_null(json_string_value(json_object_get(event, "block_id")));
                json_decref(event);
        }
        assert_int_equal(total, 24 * HOUR);
        assert_same_events(world, lines, n);
        json_t *first = json_loads(lines[0], 0, NULL);
        assert_string_equal(json_string_value(json_object_get(first, "scheduled_start_utc")),
                            "2026-06-01T10:00:00.000Z");
        assert_string_equal(json_string_value(json_object_get(first, "type")), "content");
        json_decref(first);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                T(a_sound_day_passes),
                T(INV_TL_SEAM_001_gap_refuses_lock),
                T(INV_TL_SEAM_001_overlap_refuses_lock),
                T(INV_TL_SEAM_001_gap_to_what_is_locked_refuses_lock),
                T(INV_TL_SEAM_002_part_of_a_grid_unit_refuses_lock),
                T(INV_TL_SEAM_003_disorder_refuses_lock),
                T(INV_TL_SEAM_004_no_length_refuses_lock),
                T(INV_TL_SUM_001_segments_that_do_not_sum_refuse_lock),
                T(INV_EXECUTIONENTRY_ELIGIBLE_CONTENT_001_ineligible_refuses_lock),
                T(INV_MATERIAL_RESOLVED_BEFORE_HORIZON_ENTRY_001_no_file_refuses_lock),
                T(INV_TL_ID_001_the_same_block_made_again_has_the_same_ids),
                T(INV_TL_IMMUTABLE_001_what_is_locked_comes_back_and_is_never_replaced),
                T(INV_TL_IMMUTABLE_001_a_damaged_row_is_told_not_played),
                T(INV_TL_ARTIFACT_001_files_are_written_once_when_the_day_is_locked),
                T(a_day_that_is_over_is_sealed_as_it_is),
                T(the_files_say_what_airs_in_fixed_columns),
                T(the_lines_are_json_and_tile_the_day),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
