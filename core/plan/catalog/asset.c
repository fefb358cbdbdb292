#include <string.h>

#include "core/plan/catalog/catalog.h"

static const char *const kind_names[] = {
        [ASSET_EPISODE] = "episode", [ASSET_MOVIE] = "movie",     [ASSET_COMMERCIAL] = "commercial",
        [ASSET_PROMO] = "promo",     [ASSET_BUMPER] = "bumper",   [ASSET_STATION_ID] = "station_id",
        [ASSET_PSA] = "psa",         [ASSET_STINGER] = "stinger", [ASSET_TRAILER] = "trailer",
        [ASSET_FILLER] = "filler",
};

static const char *const state_names[] = {
        [ASSET_NEW] = "new",         [ASSET_READY] = "ready",     [ASSET_REFUSED] = "refused",
        [ASSET_MISSING] = "missing", [ASSET_RETIRED] = "retired",
};

const char *asset_kind_name(AssetKind kind) {
        g_assert(kind >= ASSET_EPISODE && kind < G_N_ELEMENTS(kind_names));
        return kind_names[kind];
}

AssetKind asset_kind_from_name(const char *name) {
        for (AssetKind kind = ASSET_EPISODE; kind < G_N_ELEMENTS(kind_names); kind++)
                if (g_str_equal(kind_names[kind], name))
                        return kind;
        return 0;
}

const char *asset_state_name(AssetState state) {
        g_assert(state >= ASSET_NEW && state < G_N_ELEMENTS(state_names));
        return state_names[state];
}

Asset *asset_new(void) {
        Asset *asset = g_new0(Asset, 1);
        asset->kind = ASSET_EPISODE;
        asset->state = ASSET_NEW;
        asset->rate = (RvRational){0, 1};
        asset->genres = g_new0(char *, 1);
        asset->tags = g_new0(char *, 1);
        asset->collections = g_new0(char *, 1);
        asset->source = g_strdup("folder");
        return asset;
}

void asset_free(Asset *asset) {
        if (!asset)
                return;
        g_free(asset->id);
        g_free(asset->reason);
        g_free(asset->uri);
        g_free(asset->source);
        g_free(asset->library);
        g_free(asset->title);
        g_free(asset->series);
        g_free(asset->rating);
        g_free(asset->description);
        g_free(asset->air_date);
        g_free(asset->studio);
        g_strfreev(asset->genres);
        g_strfreev(asset->tags);
        g_strfreev(asset->collections);
        g_free(asset->video_codec);
        g_free(asset->audio_codec);
        g_free(asset->chapter_ms);
        g_free(asset->quiet_ms);
        g_free(asset);
}

static int compare_numbers(int64_t a, int64_t b) {
        return (a > b) - (a < b);
}

int asset_compare(const Asset *a, const Asset *b) {
        int order = g_strcmp0(a->series, b->series);
        if (order == 0)
                order = compare_numbers(a->season, b->season);
        if (order == 0)
                order = compare_numbers(a->episode, b->episode);
        if (order == 0)
                order = g_strcmp0(a->title, b->title);
        return order ? order : strcmp(a->id, b->id);
}

bool asset_is_programme(const Asset *asset) {
        return asset->kind == ASSET_EPISODE || asset->kind == ASSET_MOVIE;
}

bool asset_eligible(const Asset *asset) {
        /* LAW-ELIGIBILITY, INV-ASSET-SCHEDULABLE-TRIPLE-GATE-001: missing and retired are states, so neither is ready.
         */
        return asset->state == ASSET_READY && asset->approved && asset->duration_ms > 0;
}

static json_t *texts_json(char *const *texts) {
        json_t *list = json_array();
        for (size_t i = 0; texts[i]; i++)
                json_array_append_new(list, json_string(texts[i]));
        return list;
}

static json_t *times_json(const int64_t *times_ms, uint32_t n) {
        json_t *list = json_array();
        for (uint32_t i = 0; i < n; i++)
                json_array_append_new(list, json_integer(times_ms[i]));
        return list;
}

static void add_editorial(json_t *object, const Asset *asset) {
        json_object_set_new(object, "title", json_string(asset->title ? asset->title : ""));
        json_object_set_new(object, "series", asset->series ? json_string(asset->series) : json_null());
        json_object_set_new(object, "season", json_integer(asset->season));
        json_object_set_new(object, "episode", json_integer(asset->episode));
        json_object_set_new(object, "year", json_integer(asset->year));
        json_object_set_new(object, "rating", asset->rating ? json_string(asset->rating) : json_null());
        json_object_set_new(object, "description", asset->description ? json_string(asset->description) : json_null());
        json_object_set_new(object, "air_date", asset->air_date ? json_string(asset->air_date) : json_null());
        json_object_set_new(object, "genres", texts_json(asset->genres));
        json_object_set_new(object, "tags", texts_json(asset->tags));
        json_object_set_new(object, "collections", texts_json(asset->collections));
        json_object_set_new(object, "studio", asset->studio ? json_string(asset->studio) : json_null());
}

static void add_measured(json_t *object, const Asset *asset) {
        g_autofree char *rate = g_strdup_printf("%d/%d", asset->rate.num, asset->rate.den);
        json_object_set_new(object, "duration_ms", json_integer(asset->duration_ms));
        json_object_set_new(object, "width", json_integer(asset->width));
        json_object_set_new(object, "height", json_integer(asset->height));
        json_object_set_new(object, "rate", json_string(rate));
        json_object_set_new(object, "video_codec", asset->video_codec ? json_string(asset->video_codec) : json_null());
        json_object_set_new(object, "audio_codec", asset->audio_codec ? json_string(asset->audio_codec) : json_null());
        json_object_set_new(object, "surveyed", json_boolean(asset->surveyed));
        json_object_set_new(object, "loudness_millibel",
                            asset->has_loudness ? json_integer(asset->loudness_millibel) : json_null());
        json_object_set_new(object, "gain_millibel", json_integer(asset->gain_millibel));
        json_object_set_new(object, "chapter_ms", times_json(asset->chapter_ms, asset->n_chapters));
        json_object_set_new(object, "quiet_ms", times_json(asset->quiet_ms, asset->n_quiet));
}

json_t *asset_json(const Asset *asset) {
        json_t *object = json_object();
        json_object_set_new(object, "id", json_string(asset->id));
        json_object_set_new(object, "kind", json_string(asset_kind_name(asset->kind)));
        json_object_set_new(object, "state", json_string(asset_state_name(asset->state)));
        json_object_set_new(object, "approved", json_boolean(asset->approved));
        json_object_set_new(object, "eligible", json_boolean(asset_eligible(asset)));
        json_object_set_new(object, "reason", asset->reason ? json_string(asset->reason) : json_null());
        json_object_set_new(object, "uri", json_string(asset->uri));
        json_object_set_new(object, "source", json_string(asset->source));
        json_object_set_new(object, "library", asset->library ? json_string(asset->library) : json_null());
        add_editorial(object, asset);
        add_measured(object, asset);
        json_object_set_new(object, "added_utc_ms", json_integer(asset->added_utc_ms));
        return object;
}
