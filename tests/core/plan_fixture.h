/* Catalogs and channel files made by hand, for the tests of everything that plans. */
#pragma once

#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "core/plan/schedule/schedule.h"
#include "proto/base/id.h"
#include "tests/support/temp_dir.h"

#define MINUTE INT64_C(60000)
#define HOUR (60 * MINUTE)

typedef struct {
        char *dir;
        GPtrArray *assets; /* taken by fixture_catalog */
        int64_t revision;
} Fixture;

static inline void fixture_begin(Fixture *fixture) {
        *fixture = (Fixture){.dir = temp_dir_new(), .assets = g_ptr_array_new(), .revision = 1};
}

static inline void fixture_end(Fixture *fixture) {
        for (guint i = 0; i < fixture->assets->len; i++)
                asset_free(fixture->assets->pdata[i]);
        g_ptr_array_unref(fixture->assets);
        temp_dir_free(fixture->dir);
}

/* A ready asset whose (empty) file exists. */
static inline Asset *fixture_asset(Fixture *fixture, AssetKind kind, const char *title, int64_t duration_ms) {
        Asset *asset = asset_new();
        char id[RV_UUID_SIZE];
        g_autofree char *name = g_strdup_printf("%u-%s.mp4", fixture->assets->len, asset_kind_name(kind));
        rv_uuid_named(name, id);
        asset->id = g_strdup(id);
        asset->kind = kind;
        asset->state = ASSET_READY;
        asset->approved = true;
        asset->title = g_strdup(title);
        asset->uri = g_build_filename(fixture->dir, name, NULL);
        g_file_set_contents(asset->uri, "", 0, NULL);
        asset->duration_ms = duration_ms;
        g_ptr_array_add(fixture->assets, asset);
        return asset;
}

static inline Asset *fixture_episode(Fixture *fixture, const char *series, int season, int episode,
                                     int64_t duration_ms) {
        g_autofree char *title = g_strdup_printf("%s %dx%02d", series, season, episode);
        Asset *asset = fixture_asset(fixture, ASSET_EPISODE, title, duration_ms);
        asset->series = g_strdup(series);
        asset->season = season;
        asset->episode = episode;
        return asset;
}

static inline void fixture_series(Fixture *fixture, const char *series, int n, int64_t duration_ms) {
        for (int i = 0; i < n; i++)
                fixture_episode(fixture, series, 1 + i / 10, 1 + i % 10, duration_ms);
}

/* Two series, films and spots of many lengths. */
static inline void fixture_variety(Fixture *fixture) {
        fixture_series(fixture, "Cheers", 60, 22 * MINUTE);
        fixture_series(fixture, "Frasier", 40, 50 * MINUTE);
        for (int i = 0; i < 40; i++)
                fixture_asset(fixture, ASSET_MOVIE, "Film", (80 + i) * MINUTE);
        for (int i = 0; i < 12; i++)
                fixture_asset(fixture, ASSET_COMMERCIAL, "Soap", 45000 + i * 5000);
}

/* All assets so far; the fixture begins anew. */
static inline CatalogSnapshot *fixture_catalog(Fixture *fixture) {
        const guint n = fixture->assets->len;
        CatalogSnapshot *catalog =
                catalog_snapshot_new((Asset **)g_ptr_array_free(fixture->assets, false), n, fixture->revision++);
        fixture->assets = g_ptr_array_new();
        return catalog;
}

static inline char *fixture_write(const Fixture *fixture, const char *name, const char *text) {
        char *path = g_build_filename(fixture->dir, name, NULL);
        g_assert(g_file_set_contents(path, text, -1, NULL));
        return path;
}

/* The channel file's text as a spec; NULL and what is wrong in *ret_faults. */
static inline ChannelSpec *fixture_try_spec(const Fixture *fixture, const char *text, const CatalogSnapshot *catalog,
                                            char **ret_faults) {
        g_autofree char *path = fixture_write(fixture, "channel.yaml", text);
        g_autoptr(Diag) diag = diag_new();
        ChannelSpec *spec = channel_spec_load(path, fixture->dir, catalog, diag);
        *ret_faults = diag_text(diag);
        return spec;
}

static inline ChannelSpec *fixture_spec(const Fixture *fixture, const char *text) {
        g_autofree char *faults = NULL;
        ChannelSpec *spec = fixture_try_spec(fixture, text, NULL, &faults);
        if (!spec)
                g_printerr("%s%s", text, faults);
        g_assert(spec);
        return spec;
}

static inline int64_t fixture_utc(const char *iso) {
        g_autoptr(GTimeZone) utc = g_time_zone_new_utc();
        g_autoptr(GDateTime) time = g_date_time_new_from_iso8601(iso, utc);
        g_assert(time);
        return g_date_time_to_unix(time) * 1000;
}
