#include <jansson.h>
#include <string.h>

#include "core/plan/transmission_log/transmission_log.h"
#include "proto/base/error.h"
#include "proto/base/id.h"

void transmission_log_id(const char *channel_id, const char *day, int64_t version, char ret_uuid[37]) {
        g_autofree char *name = g_strdup_printf("transmission_log/%s/%s/%" G_GINT64_FORMAT, channel_id, day, version);
        rv_uuid_named(name, ret_uuid);
}

/* --- blocks as documents --------------------------------------------------------------------------------------------
 */

static json_t *segment_json(const BlockSegment *segment) {
        json_t *object =
                json_pack("{s:s, s:s, s:s, s:s?, s:s, s:s?, s:I, s:I, s:i, s:i, s:i}", "type",
                          segment_type_name(segment->type), "event_id", segment->event_id, "segment_uuid",
                          segment->segment_uuid, "asset_uuid", segment->asset_uuid, "title", segment->title,
                          "asset_uri", segment->asset_uri, "offset_ms", (json_int_t)segment->asset_start_offset_ms,
                          "duration_ms", (json_int_t)segment->duration_ms, "gain_millibel", segment->gain_millibel,
                          "fade_in_ms", segment->fade_in_ms, "fade_out_ms", segment->fade_out_ms);
        transmission_log_put_graphics(object, segment); /* INV-TL-GRAPHICS-003 */
        return object;
}

static char *block_text(const BlockPlan *block) {
        json_t *segments = json_array();
        for (uint32_t i = 0; i < block->n_segments; i++)
                json_array_append_new(segments, segment_json(&block->segments[i]));
        json_t *document = json_pack("{s:s, s:o}", "title", block->title, "segments", segments);
        char *text = json_dumps(document, JSON_COMPACT), *copy = g_strdup(text);
        free(text);
        json_decref(document);
        return copy;
}

static int32_t get_int(const json_t *object, const char *key) {
        return (int32_t)json_integer_value(json_object_get(object, key));
}

static const char *get_text(BlockPlan *block, const json_t *object, const char *key) {
        return block_plan_text(block, json_string_value(json_object_get(object, key)));
}

static void read_snipes(BlockPlan *block, BlockSegment *segment, const json_t *list) {
        g_autoptr(GArray) snipes = g_array_new(false, true, sizeof(BlockSnipe));
        for (size_t i = 0; i < json_array_size(list); i++) {
                const json_t *object = json_array_get(list, i);
                const BlockSnipe snipe = {
                        .start_ms = json_integer_value(json_object_get(object, "start_ms")),
                        .duration_ms = json_integer_value(json_object_get(object, "duration_ms")),
                        .headline = json_string_value(json_object_get(object, "headline")),
                        .detail = json_string_value(json_object_get(object, "detail")),
                };
                g_array_append_val(snipes, snipe);
        }
        segment->snipes = block_plan_snipes(block, (const BlockSnipe *)(void *)snipes->data, snipes->len);
        segment->n_snipes = snipes->len;
}

static void read_segment(BlockPlan *block, BlockSegment *segment, const json_t *object) {
        const char *type = json_string_value(json_object_get(object, "type"));
        segment->type = type ? segment_type_from_name(type) : 0;
        segment->event_id = get_text(block, object, "event_id");
        segment->segment_uuid = get_text(block, object, "segment_uuid");
        segment->asset_uuid = get_text(block, object, "asset_uuid");
        segment->title = get_text(block, object, "title");
        segment->asset_uri = get_text(block, object, "asset_uri");
        segment->asset_start_offset_ms = json_integer_value(json_object_get(object, "offset_ms"));
        segment->duration_ms = json_integer_value(json_object_get(object, "duration_ms"));
        segment->gain_millibel = get_int(object, "gain_millibel");
        segment->fade_in_ms = get_int(object, "fade_in_ms");
        segment->fade_out_ms = get_int(object, "fade_out_ms");
        segment->logo = json_is_true(json_object_get(object, "logo"));
        read_snipes(block, segment, json_object_get(object, "snipes"));
}

/* Columns: channel_id, block_id, start_utc_ms, end_utc_ms, sha256, document. NULL and RV_ERROR_INVALID when damaged. */
static BlockPlan *read_block(sqlite3_stmt *row, GError **error) {
        const char *text = store_text(row, 5);
        json_t *document = text ? json_loads(text, 0, NULL) : NULL;
        const json_t *segments = json_object_get(document, "segments");
        const char *title = json_string_value(json_object_get(document, "title"));
        g_autoptr(BlockPlan) block =
                block_plan_new(store_text(row, 1), store_text(row, 0), title ? title : "", store_int(row, 2),
                               store_int(row, 3), (uint32_t)json_array_size(segments));
        for (uint32_t i = 0; i < block->n_segments; i++)
                read_segment(block, &block->segments[i], json_array_get(segments, i));
        json_decref(document);
        /* INV-TL-IMMUTABLE-001: what comes back is what was locked, or nothing does. */
        g_autofree char *sha256 = block_plan_validate(block, NULL) == BLOCK_PLAN_OK ? block_plan_sha256(block) : NULL;
        if (g_strcmp0(sha256, store_text(row, 4)) == 0)
                return g_steal_pointer(&block);
        g_set_error(error, RV_ERROR, RV_ERROR_INVALID, "locked block %s of %s is damaged in the database",
                    store_text(row, 1), store_text(row, 0));
        return NULL;
}

/* --- locking --------------------------------------------------------------------------------------------------------
 */

/* The log of a channel-day as it is now; log_id is empty when there is none. */
typedef struct {
        char day[11], log_id[RV_UUID_SIZE];
        int64_t version;
        bool sealed;
} Log;

static bool find_log(Store *store, const char *channel_id, const char *day, Log *ret_log, GError **error) {
        g_autoptr(GError) failure = NULL;
        Log log = {.version = 1};
        g_strlcpy(log.day, day, sizeof(log.day));
        sqlite3_stmt *query = store_query(store, error,
                                          "SELECT log_id, version, sealed_utc_ms IS NOT NULL FROM transmission_log "
                                          "WHERE channel_id = ? AND day = ?",
                                          "ss", channel_id, day);
        if (!query)
                return false;
        if (store_row(store, query, &failure)) {
                g_strlcpy(log.log_id, store_text(query, 0), sizeof(log.log_id));
                log.version = store_int(query, 1);
                log.sealed = store_int(query, 2) != 0;
        }
        store_reset(query);
        if (failure) {
                g_propagate_error(error, g_steal_pointer(&failure));
                return false;
        }
        *ret_log = log;
        return true;
}

/* The log of the day, made if need be. */
static bool have_log(Store *store, const char *channel_id, const char *day, Log *ret_log, int64_t now_utc_ms,
                     GError **error) {
        if (!find_log(store, channel_id, day, ret_log, error))
                return false;
        if (ret_log->log_id[0])
                return true;
        transmission_log_id(channel_id, day, 1, ret_log->log_id);
        return store_run(store, error,
                         "INSERT INTO transmission_log (log_id, channel_id, day, created_utc_ms) VALUES (?, ?, ?, ?)",
                         "sssi", ret_log->log_id, channel_id, day, now_utc_ms);
}

static bool insert_block(Store *store, const ChannelSpec *spec, const BlockPlan *block, int64_t now_utc_ms,
                         GError **error) {
        char day[11];
        Log log = {0};
        schedule_day_of(spec, block->start_utc_ms, day);
        g_autofree char *text = block_text(block), *sha256 = block_plan_sha256(block);
        return have_log(store, spec->id, day, &log, now_utc_ms, error) &&
               store_run(store, error, /* INV-TL-IMMUTABLE-001: a second block at the same start is refused */
                         "INSERT INTO transmission_block (block_id, channel_id, log_id, start_utc_ms, end_utc_ms, "
                         "sha256, "
                         "document, locked_utc_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                         "sssiissi", block->block_id, block->channel_id, log.log_id, block->start_utc_ms,
                         block->end_utc_ms, sha256, text, now_utc_ms);
}

/* What fills breaks is a play from now on, wherever the channel's history is asked. */
static bool insert_plays(Store *store, const BlockPlan *block, GError **error) {
        int64_t at = block->start_utc_ms;
        for (uint32_t i = 0; i < block->n_segments; i++) {
                const BlockSegment *segment = &block->segments[i];
                const TrafficPlanned planned = {segment->segment_uuid, segment->asset_uuid, at};
                if (segment->type != SEGMENT_PAD && segment->type != SEGMENT_CONTENT &&
                    !traffic_plays_put(store, block->channel_id, &planned, error))
                        return false;
                at += segment->duration_ms;
        }
        return true;
}

bool transmission_log_lock(Store *store, const ChannelSpec *spec, const GPtrArray *blocks, int64_t now_utc_ms,
                           GError **error) {
        if (!store_begin(store, error))
                return false;
        for (guint i = 0; i < blocks->len; i++)
                if (!insert_block(store, spec, blocks->pdata[i], now_utc_ms, error) ||
                    !insert_plays(store, blocks->pdata[i], error)) {
                        store_rollback(store);
                        return false;
                }
        return store_commit(store, error);
}

/* --- reading --------------------------------------------------------------------------------------------------------
 */

static GPtrArray *read_blocks(Store *store, sqlite3_stmt *query, GError **error) {
        g_autoptr(GPtrArray) blocks = g_ptr_array_new_with_free_func((GDestroyNotify)block_plan_unref);
        g_autoptr(GError) failure = NULL;
        while (query && store_row(store, query, &failure)) {
                BlockPlan *block = read_block(query, error);
                if (!block) {
                        store_reset(query);
                        return NULL;
                }
                g_ptr_array_add(blocks, block);
        }
        if (failure) {
                g_propagate_error(error, g_steal_pointer(&failure));
                return NULL;
        }
        return query ? g_steal_pointer(&blocks) : NULL;
}

GPtrArray *transmission_log_blocks(Store *store, const char *channel_id, int64_t after_utc_ms, GError **error) {
        return read_blocks(
                store,
                store_query(store, error,
                            "SELECT channel_id, block_id, start_utc_ms, end_utc_ms, sha256, document "
                            "FROM transmission_block WHERE channel_id = ? AND end_utc_ms > ? ORDER BY start_utc_ms",
                            "si", channel_id, after_utc_ms),
                error);
}

BlockPlan *transmission_log_find(Store *store, const char *channel_id, const char *block_id, GError **error) {
        g_autoptr(GPtrArray) blocks =
                read_blocks(store,
                            store_query(store, error,
                                        "SELECT channel_id, block_id, start_utc_ms, end_utc_ms, sha256, document "
                                        "FROM transmission_block WHERE channel_id = ? AND block_id = ?",
                                        "ss", channel_id, block_id),
                            error);
        return blocks && blocks->len > 0 ? block_plan_ref(blocks->pdata[0]) : NULL;
}

bool transmission_log_purge(Store *store, const char *channel_id, int64_t before_utc_ms, GError **error) {
        return store_run(store, error, "DELETE FROM transmission_block WHERE channel_id = ? AND end_utc_ms <= ?", "si",
                         channel_id, before_utc_ms) &&
               store_run(store, error,
                         "DELETE FROM transmission_log WHERE channel_id = ? AND NOT EXISTS "
                         "(SELECT 1 FROM transmission_block b WHERE b.log_id = transmission_log.log_id)",
                         "s", channel_id);
}

/* --- replacing ------------------------------------------------------------------------------------------------------
 */

/* The next log that has blocks which start in the time replaced, after a day; *ret_log has no id when there is none. */
static bool next_log(Store *store, const ChannelSpec *spec, const TlReplacement *replacement, const char *after_day,
                     Log *ret_log, GError **error) {
        g_autoptr(GError) failure = NULL;
        char day[11] = "";
        sqlite3_stmt *query =
                store_query(store, error,
                            "SELECT min(day) FROM transmission_log JOIN transmission_block USING (log_id) "
                            "WHERE transmission_log.channel_id = ? AND start_utc_ms >= ? AND start_utc_ms < ? "
                            "AND day > ?",
                            "siis", spec->id, replacement->from_utc_ms, replacement->to_utc_ms, after_day);
        if (!query)
                return false;
        if (store_row(store, query, &failure) && store_text(query, 0))
                g_strlcpy(day, store_text(query, 0), sizeof(day));
        store_reset(query);
        if (failure) {
                g_propagate_error(error, g_steal_pointer(&failure));
                return false;
        }
        *ret_log = (Log){0};
        return !day[0] || find_log(store, spec->id, day, ret_log, error);
}

/* INV-TL-REPLACE-001: what was locked before is another log than what is locked from now on. */
static bool renew_log(Store *store, const ChannelSpec *spec, const Log *log, GError **error) {
        char new_id[RV_UUID_SIZE];
        transmission_log_id(spec->id, log->day, log->version + 1, new_id);
        return store_run(store, error, "PRAGMA defer_foreign_keys = ON", "") &&
               store_run(store, error,
                         "UPDATE transmission_log SET log_id = ?, version = version + 1, sealed_utc_ms = NULL "
                         "WHERE log_id = ?",
                         "ss", new_id, log->log_id) &&
               store_run(store, error, "UPDATE transmission_block SET log_id = ? WHERE log_id = ?", "ss", new_id,
                         log->log_id);
}

bool transmission_log_replace(Store *store, const ChannelSpec *spec, const TlReplacement *replacement,
                              int64_t now_utc_ms, GError **error) {
        Log log = {0};
        do {
                g_autofree char *after = g_strdup(log.day);
                if (!next_log(store, spec, replacement, after, &log, error) ||
                    (log.log_id[0] && !renew_log(store, spec, &log, error)))
                        return false;
        } while (log.log_id[0]);
        if (!store_run(store, error,
                       "DELETE FROM transmission_block WHERE channel_id = ? AND start_utc_ms >= ? AND start_utc_ms < ?",
                       "sii", spec->id, replacement->from_utc_ms, replacement->to_utc_ms) ||
            !traffic_plays_withdraw(store, spec->id, replacement->from_utc_ms, replacement->to_utc_ms, error))
                return false;
        for (guint i = 0; i < replacement->blocks->len; i++)
                if (!insert_block(store, spec, replacement->blocks->pdata[i], now_utc_ms, error) ||
                    !insert_plays(store, replacement->blocks->pdata[i], error))
                        return false;
        return true;
}

/* --- sealing --------------------------------------------------------------------------------------------------------
 */

typedef enum { FILE_ONCE, FILE_AGAIN } FileWriting;

static bool write_file(const char *path, const char *text, FileWriting writing, GError **error) {
        if (writing == FILE_ONCE && g_file_test(path, G_FILE_TEST_EXISTS))
                return true; /* INV-TL-ARTIFACT-001: a file that exists stays as it is. */
        return store_write_file(path, text, strlen(text), error);
}

/* Where the files of a log are, and what it is. */
typedef struct {
        const ChannelSpec *spec;
        const char *logs_dir;
        FileWriting writing;
        int64_t now_utc_ms;
} Files;

/* "<day>.tlog" of a log that was never replaced, "<day>.v2.tlog" else. */
static bool write_files(const Files *files, const Log *log, const char *stem, const GPtrArray *blocks, GError **error) {
        g_autofree char *directory = g_build_filename(files->logs_dir, "transmission", files->spec->id, NULL);
        g_autofree char *path = g_strdup_printf("%s/%s.tlog", directory, stem);
        g_autofree char *lines_path = g_strconcat(path, ".jsonl", NULL);
        if (g_mkdir_with_parents(directory, 0755) != 0) {
                rv_error_set_errno(error, errno, "cannot make %s", directory);
                return false;
        }
        g_autofree char *text = transmission_log_text(files->spec, log->day, log->log_id, blocks, files->now_utc_ms);
        g_autofree char *lines = transmission_log_jsonl(blocks);
        return write_file(lines_path, lines, files->writing, error) && write_file(path, text, files->writing, error);
}

static char *stem_of(const Log *log) {
        return log->version == 1 ? g_strdup(log->day) : g_strdup_printf("%s.v%d", log->day, (int)log->version);
}

static GPtrArray *blocks_of(Store *store, const Log *log, GError **error) {
        return read_blocks(store,
                           store_query(store, error,
                                       "SELECT channel_id, block_id, start_utc_ms, end_utc_ms, sha256, document "
                                       "FROM transmission_block WHERE log_id = ? ORDER BY start_utc_ms",
                                       "s", log->log_id),
                           error);
}

static bool seal_day(Store *store, const ChannelSpec *spec, const char *day, const char *logs_dir, int64_t now_utc_ms,
                     GError **error) {
        Log log = {0};
        if (!find_log(store, spec->id, day, &log, error))
                return false;
        g_autofree char *stem = stem_of(&log);
        g_autoptr(GPtrArray) blocks = blocks_of(store, &log, error);
        const Files files = {spec, logs_dir, FILE_ONCE, now_utc_ms};
        return blocks && write_files(&files, &log, stem, blocks, error) &&
               store_run(store, error, "UPDATE transmission_log SET sealed_utc_ms = ? WHERE log_id = ?", "is",
                         now_utc_ms, log.log_id);
}

/* Nothing can be added to the log any more: its last block reaches the day's end, or that is past. */
static bool is_complete(const ChannelSpec *spec, const char *day, int64_t blocks_end_utc_ms, int64_t now_utc_ms) {
        int64_t day_start = 0, day_end = 0;
        schedule_day_bounds(spec, day, &day_start, &day_end);
        return MAX(blocks_end_utc_ms, now_utc_ms) >= day_end;
}

bool transmission_log_seal(Store *store, const ChannelSpec *spec, const char *logs_dir, int64_t now_utc_ms,
                           GError **error) {
        sqlite3_stmt *query =
                store_query(store, error,
                            "SELECT day, max(end_utc_ms) FROM transmission_log JOIN transmission_block "
                            "USING (log_id) WHERE transmission_log.channel_id = ? AND sealed_utc_ms IS NULL "
                            "GROUP BY day",
                            "s", spec->id);
        g_autoptr(GPtrArray) days = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(GError) failure = NULL;
        while (query && store_row(store, query, &failure))
                if (is_complete(spec, store_text(query, 0), store_int(query, 1), now_utc_ms))
                        g_ptr_array_add(days, g_strdup(store_text(query, 0)));
        if (!query || failure) {
                if (failure)
                        g_propagate_error(error, g_steal_pointer(&failure));
                return false;
        }
        for (guint i = 0; i < days->len; i++)
                if (!seal_day(store, spec, days->pdata[i], logs_dir, now_utc_ms, error))
                        return false;
        return true;
}

bool transmission_log_keep(Store *store, const ChannelSpec *spec, const TlReplacement *replacement,
                           const char *logs_dir, int64_t now_utc_ms, GError **error) {
        const Files files = {spec, logs_dir, FILE_AGAIN, now_utc_ms}; /* of a replacement that did not come about */
        Log log = {0};
        for (;;) {
                g_autofree char *after = g_strdup(log.day);
                if (!next_log(store, spec, replacement, after, &log, error))
                        return false;
                if (!log.log_id[0])
                        return true;
                g_autofree char *stem = g_strdup_printf("%s.v%d-replaced", log.day, (int)log.version);
                g_autoptr(GPtrArray) blocks = log.sealed ? NULL : blocks_of(store, &log, error);
                if (!log.sealed && (!blocks || !write_files(&files, &log, stem, blocks, error)))
                        return false;
        }
}
