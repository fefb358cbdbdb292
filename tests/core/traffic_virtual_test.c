/* A programme of several assets on its way to segments. */
#include "core/plan/traffic/traffic.h"
#include "tests/core/plan_fixture.h"
#include "tests/support/cmocka.h"

static const char channel[] = "channel: one\ntimezone: UTC\n"
                              "pools: {shorts: {match: {type: episode}}}\n"
                              "virtual_assets: {two: {compose: pair, from: {pool: shorts}}}\n"
                              "schedule: {all_day: [{start: \"06:00\", pool: two}]}\n";

/* Two of eleven minutes in half an hour: the items sum to the slot, and each part is shown whole, in order. */
static void INV_LANGUAGE_VIRTUAL_001_breaks_come_at_the_joint(void **state) {
        Fixture fixture;
        fixture_begin(&fixture);
        fixture_series(&fixture, "Shorts", 8, 11 * MINUTE);
        g_autoptr(CatalogSnapshot) catalog = fixture_catalog(&fixture);
        g_autoptr(ChannelSpec) spec = fixture_spec(&fixture, channel);
        g_autoptr(Diag) diag = diag_new();
        g_autoptr(ScheduleDay) day = schedule_compile(spec, catalog, "2026-06-01", NULL, diag);
        g_autoptr(TrafficInventory) inventory = traffic_inventory_new(spec, catalog, NULL);
        g_autoptr(TrafficHistory) history = traffic_history_new();
        g_autoptr(GError) error = NULL;
        for (guint i = 0; i < day->programmes->len; i++) {
                const Programme *programme = day->programmes->pdata[i];
                g_autoptr(GArray) items = traffic_fill(inventory, history, NULL, programme, NULL, &error);
                int64_t total_ms = 0, last_end_ms = 0;
                guint n_content = 0;
                assert_non_null(items);
                for (guint j = 0; j < items->len; j++) {
                        const TrafficItem *item = &g_array_index(items, TrafficItem, j);
                        total_ms += item->duration_ms;
                        if (!item->content)
                                continue;
                        assert_string_equal(item->asset->id, programme->part_ids[n_content++]);
                        assert_int_equal(item->offset_ms, 0);
                        assert_int_equal(item->duration_ms, 11 * MINUTE);
                        assert_true(n_content == 1 || total_ms - item->duration_ms > last_end_ms); /* a break between */
                        assert_int_equal(item->fade_in_ms + item->fade_out_ms, 0);
                        last_end_ms = total_ms;
                }
                assert_int_equal(n_content, 2);
                assert_int_equal(total_ms, 30 * MINUTE);
        }
        /* A part that has gone takes the programme with it. */
        const Programme *first = day->programmes->pdata[0];
        ((Asset *)catalog_snapshot_find(catalog, first->part_ids[1]))->state = ASSET_MISSING;
        assert_null(traffic_fill(inventory, history, NULL, first, NULL, &error));
        assert_non_null(strstr(error->message, "not in the catalog any more"));
        fixture_end(&fixture);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(INV_LANGUAGE_VIRTUAL_001_breaks_come_at_the_joint),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
