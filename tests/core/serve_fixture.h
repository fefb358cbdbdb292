/* Plans made by hand, for the tests of what shows them. */
#pragma once

#include "core/plan/horizon/horizon.h"

#define SERVE_NOON INT64_C(1795262400000) /* 2026-11-21T12:00:00Z */
#define SERVE_MINUTE INT64_C(60000)

static inline PlanView *view_new(const char *id, int32_t number, const char *name) {
        ChannelSpec *spec = g_new0(ChannelSpec, 1);
        spec->style = house_style_new();
        g_atomic_ref_count_init(&spec->refs);
        spec->id = g_strdup(id);
        spec->number = number;
        spec->name = g_strdup(name);
        spec->timezone = g_strdup("Europe/Bucharest");
        spec->format = house_format_default();
        PlanView *view = g_new0(PlanView, 1);
        g_atomic_ref_count_init(&view->refs);
        view->spec = spec;
        view->programmes = g_ptr_array_new_with_free_func((GDestroyNotify)programme_unref);
        view->blocks = g_ptr_array_new();
        return view;
}

/* After the last one, or at noon; so many minutes. asset_id NULL: filler. */
static inline Programme *view_add(PlanView *view, const char *title, const char *asset_id, int minutes) {
        const Programme *last =
                view->programmes->len ? g_ptr_array_index(view->programmes, view->programmes->len - 1) : NULL;
        Programme *programme = g_new0(Programme, 1);
        g_atomic_ref_count_init(&programme->refs);
        programme->start_utc_ms = last ? last->end_utc_ms : SERVE_NOON;
        programme->end_utc_ms = programme->start_utc_ms + minutes * SERVE_MINUTE;
        programme->id = g_strdup_printf("%s-%u", view->spec->id, view->programmes->len);
        programme->title = g_strdup(title);
        programme->asset_id = g_strdup(asset_id);
        programme->kind = asset_id ? ASSET_EPISODE : ASSET_FILLER;
        programme->content_ms = asset_id ? (minutes - 1) * SERVE_MINUTE : 0;
        programme->genres = g_new0(char *, 1);
        g_ptr_array_add(view->programmes, programme);
        return programme;
}
