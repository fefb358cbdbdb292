/* A channel with spots and a programme to put them into, for the tests of what fills breaks. */
#pragma once

#include "core/plan/traffic/traffic.h"

#include "tests/core/plan_fixture.h"
#include "tests/support/cmocka.h"

#define TRAFFIC_HEAD                                                                                                   \
        "channel: one\n"                                                                                               \
        "timezone: Europe/Berlin\n"                                                                                    \
        "pools: {all: {match: {type: episode}}}\n"                                                                     \
        "schedule: {all_day: [{block: {start: \"06:00\", duration: 24h, pool: all}}]}\n"                               \
        "traffic:\n"

#define DAY_START "2026-06-01T04:00:00Z" /* 06:00 in Berlin */
#define SLOT (30 * MINUTE)

typedef struct {
        Fixture fixture;
        CatalogSnapshot *catalog;
        ChannelSpec *spec;
        TrafficInventory *inventory;
        TrafficHistory *history;
        TrafficComing *coming; /* NULL = nothing is known */
        Asset *content;        /* 22 minutes: three breaks of 160 s in a slot */
} TrafficWorld;

static inline int traffic_set_up(void **state) {
        TrafficWorld *world = g_new0(TrafficWorld, 1);
        fixture_begin(&world->fixture);
        world->history = traffic_history_new();
        world->content = fixture_episode(&world->fixture, "A", 1, 1, 22 * MINUTE);
        *state = world;
        return 0;
}

static inline int traffic_tear_down(void **state) {
        TrafficWorld *world = *state;
        traffic_history_free(world->history);
        traffic_coming_free(world->coming);
        g_clear_pointer(&world->inventory, traffic_inventory_free);
        g_clear_pointer(&world->spec, channel_spec_unref);
        g_clear_pointer(&world->catalog, catalog_snapshot_unref);
        fixture_end(&world->fixture);
        g_free(world);
        return 0;
}

/* n spots "Title 0", "Title 1" ... */
static inline void traffic_spots(TrafficWorld *world, AssetKind kind, const char *title, int n, int64_t duration_ms) {
        for (int i = 0; i < n; i++) {
                g_autofree char *name = g_strdup_printf("%s %d", title, i);
                fixture_asset(&world->fixture, kind, name, duration_ms);
        }
}

/* The world's assets and this policy, in force from now on. */
static inline void traffic_ready(TrafficWorld *world, const char *policy) {
        g_autofree char *yaml = g_strconcat(TRAFFIC_HEAD, policy, NULL);
        world->catalog = fixture_catalog(&world->fixture);
        world->spec = fixture_spec(&world->fixture, yaml);
        world->inventory = traffic_inventory_new(world->spec, world->catalog, NULL);
}

/* content NULL: a programme of filler. */
static inline GArray *traffic_fill_with(TrafficWorld *world, TrafficHistory *history, const Asset *content,
                                        int64_t start_utc_ms, int64_t slot_ms) {
        char *id = g_strdup_printf("p%" G_GINT64_FORMAT, start_utc_ms);
        const Programme programme = {.id = id,
                                     .title = id,
                                     .start_utc_ms = start_utc_ms,
                                     .end_utc_ms = start_utc_ms + slot_ms,
                                     .asset_id = content ? content->id : NULL};
        g_autoptr(GError) error = NULL;
        GArray *items = traffic_fill(world->inventory, history, world->coming, &programme, NULL, &error);
        assert_null(error);
        assert_non_null(items);
        g_free(id);
        return items;
}

/* The world's content in the half hour that begins then. */
static inline GArray *traffic_fill_at(TrafficWorld *world, int64_t start_utc_ms) {
        return traffic_fill_with(world, world->history, world->content, start_utc_ms, SLOT);
}

static inline const TrafficItem *traffic_item(const GArray *items, guint i) {
        assert_true(i < items->len);
        return &g_array_index(items, TrafficItem, i);
}

/* The spots of the items, "B" for each begin of a break: "B:Title 0,Title 1" ... */
static inline char *traffic_text(const GArray *items) {
        GString *text = g_string_new(NULL);
        bool begun = false;
        for (guint i = 0; i < items->len; i++) {
                const TrafficItem *item = traffic_item(items, i);
                if (item->content)
                        begun = false;
                if (item->content || !item->asset)
                        continue;
                g_string_append_printf(text, "%s%s", begun ? "," : text->len > 0 ? "; " : "", item->asset->title);
                begun = true;
        }
        return g_string_free(text, false);
}

/* Plays of spots whose title begins so. */
static inline unsigned traffic_plays_of(const GArray *items, const char *title) {
        unsigned n = 0;
        for (guint i = 0; i < items->len; i++)
                n += traffic_item(items, i)->asset && !traffic_item(items, i)->content &&
                     g_str_has_prefix(traffic_item(items, i)->asset->title, title);
        return n;
}
