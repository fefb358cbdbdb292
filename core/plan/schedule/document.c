/* Programmes and days as values, and as documents. */
#include <string.h>

#include "core/plan/schedule/rules.h"
#include "proto/base/error.h"
#include "proto/base/hash.h"
#include "proto/base/id.h"

#define DOCUMENT_VERSION 1
#define PROGRAMME_BYTES 1024 /* usual, of its canonical text */

Programme *programme_ref(Programme *programme) {
        g_atomic_int_inc(&programme->refs);
        return programme;
}

void programme_unref(Programme *programme) {
        if (!programme || !g_atomic_int_dec_and_test(&programme->refs))
                return;
        g_free(programme->id);
        g_free(programme->title);
        g_free(programme->subtitle);
        g_free(programme->description);
        g_free(programme->series);
        g_free(programme->rating);
        g_strfreev(programme->genres);
        g_free(programme->asset_id);
        g_free(programme->entry);
        g_free(programme->pool);
        g_strfreev(programme->part_ids);
        g_free(programme);
}

/* "20261122T043000Z" and 15 hex digits over channel, start and asset: 32 bytes, readable, the same whenever it is made.
 */
static char *occurrence_id(const ChannelSpec *spec, int64_t start_utc_ms, const char *asset_id) {
        char uuid[RV_UUID_SIZE];
        g_autofree char *name = g_strdup_printf("programme/%s/%" G_GINT64_FORMAT "/%s", spec->id, start_utc_ms,
                                                asset_id ? asset_id : "");
        rv_uuid_named(name, uuid); /* INV-SCHEDULE-IDENTITY-001 */
        g_autoptr(GDateTime) start = g_date_time_new_from_unix_utc(start_utc_ms / 1000);
        g_autofree char *stamp = g_date_time_format(start, "%Y%m%dT%H%M%SZ");
        return g_strdup_printf("%s-%.8s%.4s%.3s", stamp, uuid, uuid + 9, uuid + 15);
}

static Programme *programme_new(const ChannelSpec *spec, int64_t start_utc_ms, int64_t end_utc_ms,
                                const char *asset_id) {
        Programme *programme = g_new0(Programme, 1);
        programme->refs = 1;
        programme->id = occurrence_id(spec, start_utc_ms, asset_id);
        programme->start_utc_ms = start_utc_ms;
        programme->end_utc_ms = end_utc_ms;
        programme->asset_id = g_strdup(asset_id);
        programme->kind = ASSET_FILLER;
        return programme;
}

Programme *programme_filler(const ChannelSpec *spec, int64_t start_utc_ms, int64_t end_utc_ms, const char *entry) {
        Programme *programme = programme_new(spec, start_utc_ms, end_utc_ms, NULL);
        programme->title = g_strdup(spec->name);
        programme->genres = g_new0(char *, 1);
        programme->entry = g_strdup(entry);
        return programme;
}

Programme *programme_of(const ChannelSpec *spec, const Asset *asset, int64_t start_utc_ms, int64_t end_utc_ms) {
        Programme *programme = programme_new(spec, start_utc_ms, end_utc_ms, asset->id);
        const bool episode = asset->kind == ASSET_EPISODE && asset->series;
        programme->title = g_strdup(episode ? asset->series : asset->title);
        programme->subtitle = g_strdup(episode ? asset->title : NULL);
        programme->description = g_strdup(asset->description);
        programme->series = g_strdup(episode ? asset->series : NULL);
        programme->season = episode ? asset->season : 0;
        programme->episode = episode ? asset->episode : 0;
        programme->year = asset->year;
        programme->rating = g_strdup(asset->rating);
        programme->genres = asset->genres ? g_strdupv(asset->genres) : g_new0(char *, 1);
        programme->kind = asset->kind;
        programme->content_ms = asset->duration_ms;
        return programme;
}

/* --- to a document --------------------------------------------------------------------------------------------------
 */

static void put_text(json_t *object, const char *key, const char *text) {
        if (text)
                json_object_set_new(object, key, json_string(text));
}

static void put_int(json_t *object, const char *key, int64_t value) {
        if (value != 0)
                json_object_set_new(object, key, json_integer(value));
}

json_t *programme_json(const Programme *programme) {
        json_t *object = json_object();
        put_text(object, "id", programme->id);
        put_int(object, "start_utc_ms", programme->start_utc_ms);
        put_int(object, "end_utc_ms", programme->end_utc_ms);
        put_text(object, "title", programme->title);
        put_text(object, "subtitle", programme->subtitle);
        put_text(object, "description", programme->description);
        put_text(object, "series", programme->series);
        put_int(object, "season", programme->season);
        put_int(object, "episode", programme->episode);
        put_int(object, "year", programme->year);
        put_text(object, "rating", programme->rating);
        json_t *genres = json_array();
        for (char **genre = programme->genres; *genre; genre++)
                json_array_append_new(genres, json_string(*genre));
        json_object_set_new(object, "genres", genres);
        put_text(object, "kind", asset_kind_name(programme->kind));
        put_text(object, "asset_id", programme->asset_id);
        put_int(object, "content_ms", programme->content_ms);
        put_text(object, "entry", programme->entry);
        put_text(object, "pool", programme->pool);
        json_t *parts = programme->part_ids ? json_array() : NULL;
        for (char **id = programme->part_ids; id && *id; id++)
                json_array_append_new(parts, json_string(*id));
        if (parts)
                json_object_set_new(object, "parts", parts);
        return object;
}

json_t *entry_json(const Entry *entry) {
        static const char *const kinds[] = {"block", "movie_marathon", "movie_block", "slot"};
        json_t *object = json_object();
        put_text(object, "key", entry->key);
        put_text(object, "kind", kinds[entry->kind]);
        put_text(object, "title", entry->title);
        put_text(object, "file", entry->place.file);
        put_int(object, "line", entry->place.line);
        put_int(object, "column", entry->place.column);
        return object;
}

json_t *schedule_day_json(const ScheduleDay *day) {
        json_t *document = json_object(), *programmes = json_array();
        json_object_set_new(document, "version", json_integer(DOCUMENT_VERSION));
        put_text(document, "channel", day->channel_id);
        put_text(document, "day", day->day);
        put_text(document, "timezone", day->timezone);
        put_text(document, "source_sha256", day->source_sha256);
        json_object_set_new(document, "catalog_revision", json_integer(day->catalog_revision));
        for (guint i = 0; i < day->programmes->len; i++)
                json_array_append_new(programmes, programme_json(day->programmes->pdata[i]));
        json_object_set_new(document, "programmes", programmes);
        return document;
}

/* --- to canonical text ----------------------------------------------------------------------------------------------
 *
 * What jansson makes of the document, compact and with its keys sorted, without the document: every day is sealed, few
 * are looked at.
 */

static void write_character(GString *to, char c) {
        static const char letters[] = "btnvfr"; /* of 8 to 13; there is none for 11 */
        if (c == '"' || c == '\\')
                g_string_append_printf(to, "\\%c", c);
        else if (c >= 8 && c <= 13 && c != 11)
                g_string_append_printf(to, "\\%c", letters[c - 8]);
        else
                g_string_append_printf(to, "\\u%04X", (unsigned)c);
}

static void write_string(GString *to, const char *text) {
        const char *from = text, *at = text;
        g_string_append_c(to, '"');
        for (; *at; at++) {
                if (*at != '"' && *at != '\\' && (guchar)*at >= 0x20)
                        continue;
                g_string_append_len(to, from, at - from);
                write_character(to, *at);
                from = at + 1;
        }
        g_string_append_len(to, from, at - from);
        g_string_append_c(to, '"');
}

/* Keys come in the order of the alphabet. */
static void write_key(GString *to, const char *key) {
        if (to->str[to->len - 1] != '{')
                g_string_append_c(to, ',');
        write_string(to, key);
        g_string_append_c(to, ':');
}

/* As in the document: a text that is none is left out, and so is a zero. */
static void write_text(GString *to, const char *key, const char *text) {
        if (!text || !g_utf8_validate(text, -1, NULL))
                return;
        write_key(to, key);
        write_string(to, text);
}

static void write_int(GString *to, const char *key, int64_t value) {
        char digits[24];
        if (value == 0)
                return;
        g_snprintf(digits, sizeof(digits), "%" G_GINT64_FORMAT, value);
        write_key(to, key);
        g_string_append(to, digits);
}

static void write_texts(GString *to, const char *key, char **texts) {
        write_key(to, key);
        g_string_append_c(to, '[');
        for (char **text = texts; *text; text++) {
                if (!g_utf8_validate(*text, -1, NULL))
                        continue;
                if (to->str[to->len - 1] != '[')
                        g_string_append_c(to, ',');
                write_string(to, *text);
        }
        g_string_append_c(to, ']');
}

static void write_programme(GString *to, const Programme *programme) {
        g_string_append(to, to->str[to->len - 1] == '[' ? "{" : ",{");
        write_text(to, "asset_id", programme->asset_id);
        write_int(to, "content_ms", programme->content_ms);
        write_text(to, "description", programme->description);
        write_int(to, "end_utc_ms", programme->end_utc_ms);
        write_text(to, "entry", programme->entry);
        write_int(to, "episode", programme->episode);
        write_texts(to, "genres", programme->genres);
        write_text(to, "id", programme->id);
        write_text(to, "kind", asset_kind_name(programme->kind));
        if (programme->part_ids)
                write_texts(to, "parts", programme->part_ids);
        write_text(to, "pool", programme->pool);
        write_text(to, "rating", programme->rating);
        write_int(to, "season", programme->season);
        write_text(to, "series", programme->series);
        write_int(to, "start_utc_ms", programme->start_utc_ms);
        write_text(to, "subtitle", programme->subtitle);
        write_text(to, "title", programme->title);
        write_int(to, "year", programme->year);
        g_string_append_c(to, '}');
}

char *schedule_day_text(const ScheduleDay *day) {
        GString *to = g_string_sized_new(PROGRAMME_BYTES * (day->programmes->len + 1));
        g_string_append_printf(to, "{\"catalog_revision\":%" G_GINT64_FORMAT, day->catalog_revision);
        write_text(to, "channel", day->channel_id);
        write_text(to, "day", day->day);
        write_key(to, "programmes");
        g_string_append_c(to, '[');
        for (guint i = 0; i < day->programmes->len; i++)
                write_programme(to, day->programmes->pdata[i]);
        g_string_append_c(to, ']');
        write_text(to, "source_sha256", day->source_sha256);
        write_text(to, "timezone", day->timezone);
        g_string_append_printf(to, ",\"version\":%d}", DOCUMENT_VERSION);
        return g_string_free(to, false);
}

void schedule_day_seal(ScheduleDay *day) {
        char hex[RV_SHA256_HEX_SIZE];
        g_autofree char *text = schedule_day_text(day);
        rv_sha256_hex(text, strlen(text), hex);
        g_free(day->sha256);
        day->sha256 = g_strdup(hex);
}

ScheduleDay *schedule_day_new(const ChannelSpec *spec, int64_t catalog_revision, const char *day,
                              GPtrArray *take_programmes) {
        g_assert(take_programmes->len > 0);
        ScheduleDay *made = g_new0(ScheduleDay, 1);
        made->channel_id = g_strdup(spec->id);
        g_strlcpy(made->day, day, sizeof(made->day));
        made->timezone = g_strdup(spec->timezone);
        made->source_sha256 = g_strdup(spec->source_sha256);
        made->catalog_revision = catalog_revision;
        made->programmes = take_programmes;
        made->start_utc_ms = ((const Programme *)take_programmes->pdata[0])->start_utc_ms;
        made->end_utc_ms = ((const Programme *)take_programmes->pdata[take_programmes->len - 1])->end_utc_ms;
        return made;
}

void schedule_day_free(ScheduleDay *day) {
        if (!day)
                return;
        g_free(day->channel_id);
        g_free(day->timezone);
        g_free(day->source_sha256);
        g_clear_pointer(&day->programmes, g_ptr_array_unref);
        json_decref(day->state_before);
        json_decref(day->state_after);
        g_free(day->sha256);
        g_free(day);
}

/* --- from a document ------------------------------------------------------------------------------------------------
 */

static char *get_text(const json_t *object, const char *key) {
        return g_strdup(json_string_value(json_object_get(object, key)));
}

static int64_t get_int(const json_t *object, const char *key) {
        return json_integer_value(json_object_get(object, key));
}

static char **get_texts(const json_t *array) {
        char **texts = g_new0(char *, json_array_size(array) + 1);
        for (size_t i = 0; i < json_array_size(array); i++) {
                const char *text = json_string_value(json_array_get(array, i));
                texts[i] = g_strdup(text ? text : "");
        }
        return texts;
}

static Programme *programme_from_json(const json_t *object) {
        g_autoptr(Programme) programme = g_new0(Programme, 1);
        const char *kind = json_string_value(json_object_get(object, "kind"));
        programme->refs = 1;
        programme->id = get_text(object, "id");
        programme->start_utc_ms = get_int(object, "start_utc_ms");
        programme->end_utc_ms = get_int(object, "end_utc_ms");
        programme->title = get_text(object, "title");
        programme->subtitle = get_text(object, "subtitle");
        programme->description = get_text(object, "description");
        programme->series = get_text(object, "series");
        programme->season = (int32_t)get_int(object, "season");
        programme->episode = (int32_t)get_int(object, "episode");
        programme->year = (int32_t)get_int(object, "year");
        programme->rating = get_text(object, "rating");
        programme->genres = get_texts(json_object_get(object, "genres"));
        programme->kind = kind ? asset_kind_from_name(kind) : 0;
        programme->asset_id = get_text(object, "asset_id");
        programme->content_ms = get_int(object, "content_ms");
        programme->entry = get_text(object, "entry");
        programme->pool = get_text(object, "pool");
        if (json_object_get(object, "parts"))
                programme->part_ids = get_texts(json_object_get(object, "parts"));
        const bool good = programme->id && programme->title && programme->kind != 0 &&
                          programme->end_utc_ms > programme->start_utc_ms &&
                          (!programme->asset_id || programme->content_ms > 0);
        return good ? g_steal_pointer(&programme) : NULL;
}

static bool read_programmes(const json_t *array, GPtrArray *programmes) {
        for (size_t i = 0; i < json_array_size(array); i++) {
                Programme *programme = programme_from_json(json_array_get(array, i));
                if (!programme)
                        return false;
                g_ptr_array_add(programmes, programme);
        }
        return programmes->len > 0;
}

ScheduleDay *schedule_day_from_json(const json_t *document, const json_t *state_before, const json_t *state_after,
                                    GError **error) {
        g_autoptr(ScheduleDay) day = g_new0(ScheduleDay, 1);
        g_autofree char *label = get_text(document, "day");
        day->channel_id = get_text(document, "channel");
        day->timezone = get_text(document, "timezone");
        day->source_sha256 = get_text(document, "source_sha256");
        day->catalog_revision = get_int(document, "catalog_revision");
        day->programmes = g_ptr_array_new_with_free_func((GDestroyNotify)programme_unref);
        if (get_int(document, "version") != DOCUMENT_VERSION || !day->channel_id || !day->timezone ||
            !day->source_sha256 || !label || !day_valid(label) ||
            !read_programmes(json_object_get(document, "programmes"), day->programmes)) {
                g_set_error(error, RV_ERROR, RV_ERROR_INVALID, "stored schedule day %s of %s is damaged",
                            label ? label : "(no date)", day->channel_id ? day->channel_id : "(no channel)");
                return NULL;
        }
        g_strlcpy(day->day, label, sizeof(day->day));
        day->start_utc_ms = ((const Programme *)day->programmes->pdata[0])->start_utc_ms;
        day->end_utc_ms = ((const Programme *)day->programmes->pdata[day->programmes->len - 1])->end_utc_ms;
        day->state_before = json_incref((json_t *)state_before);
        day->state_after = json_incref((json_t *)state_after);
        schedule_day_seal(day);
        return g_steal_pointer(&day);
}
