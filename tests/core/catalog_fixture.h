/*
 * A folder of media, a store and a fake clock, for the tests of what the catalog makes of files and of media servers'
 * libraries. Nothing is logged between world_new and world_tear_down.
 */
#pragma once

#include <glib/gstdio.h>
#include <string.h>

#include "core/plan/catalog/catalog.h"
#include "proto/base/log.h"
#include "tests/core/store_fixture.h"
#include "tests/support/temp_dir.h"

#define NOW_UTC_MS INT64_C(1795406400000)

typedef struct {
        char *dir, *media, *db; /* all that is made; in it the media's folder and the store's file */
        char *library;          /* where a media server's database is, in a folder of its own; a test may make it */
        CatalogSourceKind kind; /* of that server; Plex if the test does not say */
        char *map;              /* "FROM=TO" of its paths; NULL = none */
        RvClock *clock;
        Store *store; /* NULL until world_set_up */
        GMainContext *context;
        CatalogImportReport report;      /* of the last import */
        CatalogProgress scanned;         /* the last that was told */
        CatalogMeasureProgress measured; /* the last that was told */
        int n_changed;                   /* by the last scan */
} World;

static inline void no_log(void *user, RvLogLevel level, const char *event, const RvField *fields, size_t n_fields) {
}

/* With its folders, without a store. */
static inline World *world_new(void) {
        World *world = g_new0(World, 1);
        rv_log_set_sink(no_log, NULL);
        world->dir = temp_dir_new();
        world->media = g_build_filename(world->dir, "media", NULL);
        world->db = g_build_filename(world->dir, "retrovue.db", NULL);
        world->library = g_build_filename(world->dir, "server", "library.db", NULL);
        g_autofree char *server = g_path_get_dirname(world->library);
        assert_int_equal(g_mkdir(world->media, 0755), 0);
        assert_int_equal(g_mkdir(server, 0755), 0);
        world->kind = CATALOG_PLEX;
        world->clock = rv_clock_fake_new(NOW_UTC_MS);
        world->context = g_main_context_new();
        return world;
}

static inline int world_set_up(void **state) {
        World *world = world_new();
        world->store = store_open(world->db, NULL);
        assert_non_null(world->store);
        *state = world;
        return 0;
}

static inline int world_tear_down(void **state) {
        World *world = *state;
        catalog_import_report_clear(&world->report);
        g_clear_pointer(&world->store, store_close);
        g_main_context_unref(world->context);
        rv_clock_fake_free(world->clock);
        temp_dir_free(world->dir);
        g_free(world->media);
        g_free(world->db);
        g_free(world->library);
        g_free(world->map);
        g_free(world);
        rv_log_set_sink(NULL, NULL);
        return 0;
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, world_set_up, world_tear_down)

/* --- what is in the catalog -------------------------------------------------------------------------------------- */

static inline CatalogSnapshot *load(const World *world) {
        g_autoptr(GError) error = NULL;
        CatalogSnapshot *snapshot = catalog_load(world->store, &error);
        if (!snapshot)
                fail_msg("%s", error->message);
        return snapshot;
}

/* The one of a file in the media's folder. */
static inline const Asset *asset_of(const World *world, const CatalogSnapshot *snapshot, const char *name) {
        g_autofree char *path = g_build_filename(world->media, name, NULL);
        for (uint32_t i = 0; i < snapshot->n_assets; i++)
                if (g_str_equal(snapshot->assets[i]->uri, path))
                        return snapshot->assets[i];
        fail_msg("%s is not in the catalog", name);
        return NULL;
}

static inline const Asset *asset_titled(const CatalogSnapshot *snapshot, const char *title) {
        for (uint32_t i = 0; i < snapshot->n_assets; i++)
                if (g_str_equal(snapshot->assets[i]->title, title))
                        return snapshot->assets[i];
        fail_msg("there is no asset \"%s\"", title);
        return NULL;
}

/* --- scans ------------------------------------------------------------------------------------------------------- */

static inline void world_scanned(void *user, const CatalogProgress *progress) {
        ((World *)user)->scanned = *progress;
}

static inline void world_changed(void *user) {
        ((World *)user)->n_changed++;
}

static inline CatalogScanOptions scan_options(World *world, const char *const *folders) {
        return (CatalogScanOptions){.store_path = world->db,
                                    .folders = folders,
                                    .threads = 2,
                                    .clock = world->clock,
                                    .context = world->context,
                                    .on_progress = world_scanned,
                                    .on_changed = world_changed,
                                    .user = world};
}

/* From beginning to end. */
static inline void scan_with(World *world, const CatalogScanOptions *options) {
        g_autoptr(GError) error = NULL;
        world->scanned = (CatalogProgress){0};
        world->n_changed = 0;
        g_autoptr(CatalogScan) running = catalog_scan_start(options, &error);
        if (!running)
                fail_msg("%s", error->message);
        while (!world->scanned.done)
                g_main_context_iteration(world->context, TRUE);
}

/* Scans the media's folder. */
static inline void scan(World *world) {
        const char *const folders[] = {world->media, NULL};
        const CatalogScanOptions options = scan_options(world, folders);
        scan_with(world, &options);
}

static inline CatalogSnapshot *scan_and_load(World *world) {
        scan(world);
        return load(world);
}

/* --- imports ----------------------------------------------------------------------------------------------------- */

/* Of one of the library's sections, or of all (NULL). */
static inline bool try_import(World *world, const char *section, GError **error) {
        const char *const maps[] = {world->map, NULL}, *const sections[] = {section, NULL};
        const CatalogImportOptions options = {
                .kind = world->kind, .path = world->library, .maps = maps, .sections = sections, .clock = world->clock};
        catalog_import_report_clear(&world->report);
        return catalog_import(world->store, &options, &world->report, error);
}

static inline void import(World *world) {
        g_autoptr(GError) error = NULL;
        if (!try_import(world, NULL, &error))
                fail_msg("%s", error->message);
}
