/* The guide as JSON: for the page and for programs. */
#include "core/serve/guide/guide_private.h"

static void set_text(json_t *object, const char *key, const char *text) {
        if (!text)
                return;
        g_autofree char *clean = guide_text(text);
        json_object_set_new(object, key, json_string(clean));
}

static void set_number(json_t *object, const char *key, int64_t number) {
        if (number > 0)
                json_object_set_new(object, key, json_integer(number));
}

static json_t *entry_json(const GuideEntry *entry) {
        const Programme *programme = entry->programme;
        json_t *object = json_object(), *genres = json_array();
        set_text(object, "id", programme->id);
        set_text(object, "title", programme->title ? programme->title : "");
        json_object_set_new(object, "kind", json_string(asset_kind_name(programme->kind)));
        json_object_set_new(object, "start_utc_ms", json_integer(entry->start_utc_ms));
        json_object_set_new(object, "end_utc_ms", json_integer(entry->end_utc_ms));
        json_object_set_new(object, "content_ms", json_integer(programme->content_ms));
        set_text(object, "subtitle", programme->subtitle);
        set_text(object, "description", programme->description);
        set_text(object, "series", programme->series);
        set_number(object, "season", programme->season);
        set_number(object, "episode", programme->episode);
        set_number(object, "year", programme->year);
        set_text(object, "rating", programme->rating);
        set_text(object, "asset_id", programme->asset_id);
        if (programme->part_ids)
                json_object_set_new(object, "parts", json_array());
        for (char **part = programme->part_ids; part && *part; part++)
                json_array_append_new(json_object_get(object, "parts"), json_string(*part));
        for (char **genre = programme->genres; *genre; genre++) {
                g_autofree char *clean = guide_text(*genre);
                json_array_append_new(genres, json_string(clean));
        }
        json_object_set_new(object, "genres", genres);
        return object;
}

static json_t *channel_json(const ChannelSpec *spec) {
        g_autofree char *name = guide_channel_name(spec);
        json_t *object = json_pack("{s:s,s:i,s:s,s:n,s:s}", "id", spec->id, "number", (int)spec->number, "name", name,
                                   "group", "timezone", spec->timezone);
        set_text(object, "group", spec->group);
        return object;
}

static json_t *now_json(const GuideEntry *entry, int64_t now_utc_ms) {
        json_t *object = entry_json(entry);
        double whole = (double)(entry->end_utc_ms - entry->start_utc_ms);
        json_object_set_new(object, "progress", json_real((double)(now_utc_ms - entry->start_utc_ms) / whole));
        return object;
}

json_t *guide_channel_json(Guide *guide, const PlanView *view) {
        int64_t now = rv_clock_utc_ms(guide->clock);
        json_t *object = channel_json(view->spec), *current = json_null(), *next = json_null();
        unsigned index = guide_index_at(view, now);
        GuideEntry entry;
        while (guide_next(view, &index, &entry)) {
                if (entry.start_utc_ms > now) {
                        next = entry_json(&entry);
                        break;
                }
                if (entry.end_utc_ms > now)
                        current = now_json(&entry, now);
        }
        json_object_set_new(object, "now", current);
        json_object_set_new(object, "next", next);
        return object;
}

static json_t *programmes_json(const PlanView *view, int64_t from_utc_ms, int64_t to_utc_ms) {
        json_t *programmes = json_array();
        unsigned index = guide_index_at(view, from_utc_ms);
        GuideEntry entry;
        while (guide_next(view, &index, &entry) && entry.start_utc_ms < to_utc_ms)
                if (entry.end_utc_ms > from_utc_ms)
                        json_array_append_new(programmes, entry_json(&entry));
        return programmes;
}

json_t *guide_json(Guide *guide, const char *channel_id, int64_t from_utc_ms, int64_t to_utc_ms) {
        g_autoptr(GPtrArray) views = plan_board_views(guide->board);
        json_t *channels = json_array();
        for (unsigned i = 0; i < views->len; i++) {
                const PlanView *view = g_ptr_array_index(views, i);
                if (channel_id && !g_str_equal(channel_id, view->spec->id))
                        continue;
                json_t *channel = channel_json(view->spec);
                json_object_set_new(channel, "programmes", programmes_json(view, from_utc_ms, to_utc_ms));
                json_array_append_new(channels, channel);
        }
        if (channel_id && json_array_size(channels) == 0) {
                json_decref(channels);
                return NULL;
        }
        return json_pack("{s:I,s:I,s:o}", "from_utc_ms", (json_int_t)from_utc_ms, "to_utc_ms", (json_int_t)to_utc_ms,
                         "channels", channels);
}
