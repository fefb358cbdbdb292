#include "core/plan/catalog/catalog_store.h"

#include <string.h>

#include "proto/base/error.h"
#include "proto/base/hash.h"
#include "proto/base/id.h"

#define COLUMNS                                                                                                        \
        "id, uri, size, mtime_ns, present, state, approved, reason, stamp, kind, title, series, season, episode, "     \
        "year, rating, description, air_date, genres, tags, duration_ms, width, height, rate_num, rate_den, "          \
        "has_video, has_audio, video_codec, audio_codec, added_utc_ms, source, library, studio, "                      \
        "collections, origin, hint_ms, fingerprint"
/* What its survey says, as long as the file is the one that was surveyed. */
#define ROWS                                                                                                           \
        "SELECT " COLUMNS ", s.rules, s.end_ms, s.loudness_millibel, s.gain_millibel, s.fault FROM asset "             \
        "LEFT JOIN (SELECT asset_id, size AS s_size, mtime_ns AS s_mtime_ns, rules, end_ms, loudness_millibel, "       \
        "gain_millibel, fault FROM asset_survey) s ON s.asset_id = id AND s.s_size = size AND s.s_mtime_ns = mtime_ns"
#define MARKERS "SELECT asset_id, at_ms, kind = 'quiet' FROM asset_marker"
#define MAX_NAMESAKES 64 /* files that were at one path, one after the other, and have all moved */

CatalogRow *catalog_row_new(void) {
        CatalogRow *row = g_new0(CatalogRow, 1);
        row->asset = asset_new();
        row->present = true;
        return row;
}

void catalog_row_free(CatalogRow *row) {
        if (!row)
                return;
        asset_free(row->asset);
        g_free(row->stamp);
        g_free(row->origin);
        g_strfreev(row->aliases);
        g_free(row->fingerprint);
        g_free(row->fault);
        g_free(row);
}

/* nth: of the files that have had this path, from 0. */
static void identity_of(const char *uri, int nth, char ret_id[RV_UUID_SIZE], char ret_key[RV_SHA256_HEX_SIZE]) {
        g_autofree char *key = nth == 0 ? g_strconcat("folder:", uri, NULL) : g_strdup_printf("folder:%s#%d", uri, nth);
        rv_uuid_named(key, ret_id);
        rv_sha256_hex(key, strlen(key), ret_key);
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

/* Lists are stored one item a line; an empty text is an empty list. */
static char **lines_of(const char *text) {
        return g_strsplit(text ? text : "", "\n", -1);
}

static void read_editorial(Asset *asset, sqlite3_stmt *row, int c) {
        asset->kind = (AssetKind)store_int(row, c++);
        asset->title = g_strdup(store_text(row, c++));
        asset->series = g_strdup(store_text(row, c++));
        asset->season = (int32_t)store_int(row, c++);
        asset->episode = (int32_t)store_int(row, c++);
        asset->year = (int32_t)store_int(row, c++);
        asset->rating = g_strdup(store_text(row, c++));
        asset->description = g_strdup(store_text(row, c++));
        asset->air_date = g_strdup(store_text(row, c++));
        g_strfreev(asset->genres);
        asset->genres = lines_of(store_text(row, c++));
        g_strfreev(asset->tags);
        asset->tags = lines_of(store_text(row, c++));
}

static void read_measured(Asset *asset, sqlite3_stmt *row, int c) {
        asset->duration_ms = store_int(row, c++);
        asset->width = (int32_t)store_int(row, c++);
        asset->height = (int32_t)store_int(row, c++);
        asset->rate.num = (int32_t)store_int(row, c++);
        asset->rate.den = (int32_t)store_int(row, c++);
        asset->has_video = store_int(row, c++) != 0;
        asset->has_audio = store_int(row, c++) != 0;
        asset->video_codec = g_strdup(store_text(row, c++));
        asset->audio_codec = g_strdup(store_text(row, c++));
        asset->added_utc_ms = store_int(row, c++);
}

static void read_source(CatalogRow *row, sqlite3_stmt *statement, int c) {
        Asset *asset = row->asset;
        g_free(asset->source);
        asset->source = g_strdup(store_text(statement, c++));
        asset->library = g_strdup(store_text(statement, c++));
        asset->studio = g_strdup(store_text(statement, c++));
        g_strfreev(asset->collections);
        asset->collections = lines_of(store_text(statement, c++));
        row->origin = g_strdup(store_text(statement, c++));
        asset->hint_ms = store_int(statement, c++);
        row->fingerprint = g_strdup(store_text(statement, c++));
}

static void read_survey(CatalogRow *row, sqlite3_stmt *statement, int c) {
        Asset *asset = row->asset;
        asset->surveyed = store_text(statement, c++) != NULL;
        row->end_ms = store_int(statement, c++);
        asset->has_loudness = store_text(statement, c) != NULL;
        asset->loudness_millibel = (int32_t)store_int(statement, c++);
        asset->gain_millibel = (int32_t)store_int(statement, c++);
        row->fault = g_strdup(store_text(statement, c++));
        if (asset->duration_ms > 0 && row->end_ms > 0)
                asset->duration_ms = row->end_ms;
}

static CatalogRow *read_row(sqlite3_stmt *statement) {
        CatalogRow *row = catalog_row_new();
        Asset *asset = row->asset;
        asset->id = g_strdup(store_text(statement, 0));
        asset->uri = g_strdup(store_text(statement, 1));
        row->size = store_int(statement, 2);
        row->mtime_ns = store_int(statement, 3);
        row->present = store_int(statement, 4) != 0;
        asset->state = (AssetState)store_int(statement, 5);
        asset->approved = store_int(statement, 6) != 0;
        asset->reason = g_strdup(store_text(statement, 7));
        row->stamp = g_strdup(store_text(statement, 8));
        read_editorial(asset, statement, 9);
        read_measured(asset, statement, 20);
        read_source(row, statement, 30);
        read_survey(row, statement, 37);
        return row;
}

static void append_time(int64_t **times_ms, uint32_t *n, int64_t at_ms) {
        if ((*n & (*n + 1)) == 0) /* full at 0, 1, 3, 7, ...: twice as many */
                *times_ms = g_renew(int64_t, *times_ms, 2 * *n + 1);
        (*times_ms)[(*n)++] = at_ms;
}

static void read_marker(Asset *asset, sqlite3_stmt *marker) {
        const int64_t at_ms = store_int(marker, 1);
        if (at_ms >= asset->duration_ms) /* INV-ASSET-MARKER-BOUNDS-001 */
                return;
        if (store_int(marker, 2) == 0)
                append_time(&asset->chapter_ms, &asset->n_chapters, at_ms);
        else if (asset->surveyed)
                append_time(&asset->quiet_ms, &asset->n_quiet, at_ms);
}

/* Both are read in the order of ids, in which the database keeps them: rows without a marker are passed by. */
static bool load_markers(Store *store, const GPtrArray *rows, GError **error) {
        sqlite3_stmt *markers = store_query(store, error, MARKERS " ORDER BY asset_id, at_ms", "");
        guint at = 0;
        if (!markers)
                return false;
        g_autoptr(GError) failure = NULL;
        while (store_row(store, markers, &failure)) {
                const char *asset_id = store_text(markers, 0);
                while (at < rows->len && strcmp(((const CatalogRow *)rows->pdata[at])->asset->id, asset_id) < 0)
                        at++;
                Asset *asset = at < rows->len ? ((const CatalogRow *)rows->pdata[at])->asset : NULL;
                if (asset && strcmp(asset->id, asset_id) == 0)
                        read_marker(asset, markers);
        }
        if (!failure)
                return true;
        g_propagate_error(error, g_steal_pointer(&failure));
        return false;
}

/* CatalogRow by id, with its free; NULL on failure. */
static GPtrArray *load_rows(Store *store, GError **error) {
        sqlite3_stmt *assets = store_query(store, error, ROWS " ORDER BY id", "");
        g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func((GDestroyNotify)catalog_row_free);
        g_autoptr(GError) failure = NULL;
        if (!assets)
                return NULL;
        while (store_row(store, assets, &failure))
                g_ptr_array_add(rows, read_row(assets));
        if (failure) {
                g_propagate_error(error, g_steal_pointer(&failure));
                return NULL;
        }
        return load_markers(store, rows, error) ? g_steal_pointer(&rows) : NULL;
}

GHashTable *catalog_store_rows(Store *store, GError **error) {
        g_autoptr(GPtrArray) rows = load_rows(store, error);
        if (!rows)
                return NULL;
        GHashTable *by_uri = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)catalog_row_free);
        g_ptr_array_set_free_func(rows, NULL);
        for (guint i = 0; i < rows->len; i++) {
                CatalogRow *row = rows->pdata[i];
                g_hash_table_replace(by_uri, row->asset->uri, row);
        }
        return by_uri;
}

/* The one row that a query answers with, with its markers. */
static CatalogRow *take_row(Store *store, sqlite3_stmt *query, GError **error) {
        g_autoptr(GError) failure = NULL;
        if (!query)
                return NULL;
        g_autoptr(CatalogRow) row = store_row(store, query, &failure) ? read_row(query) : NULL;
        store_reset(query);
        sqlite3_stmt *markers =
                row ? store_query(store, &failure, MARKERS " WHERE asset_id = ? ORDER BY at_ms", "s", row->asset->id)
                    : NULL;
        while (markers && store_row(store, markers, &failure))
                read_marker(row->asset, markers);
        if (!failure)
                return g_steal_pointer(&row);
        g_propagate_error(error, g_steal_pointer(&failure));
        return NULL;
}

CatalogRow *catalog_store_find(Store *store, const char *uri, GError **error) {
        return take_row(store, store_query(store, error, ROWS " WHERE uri = ?", "s", uri), error);
}

static bool read_revision(Store *store, int64_t *ret_revision, GError **error) {
        sqlite3_stmt *query = store_query(store, error, "SELECT revision FROM catalog_revision", "");
        if (!query || !store_row(store, query, error))
                return false;
        *ret_revision = store_int(query, 0);
        store_reset(query);
        return true;
}

/* An absent file is missing, whatever was measured when it was there. */
static Asset *take_asset(CatalogRow *row) {
        Asset *asset = g_steal_pointer(&row->asset);
        if (row->fault && asset->state == ASSET_READY) { /* INV-MEASURE-002 */
                asset->state = ASSET_REFUSED;
                asset->approved = false;
                g_free(asset->reason);
                asset->reason = g_steal_pointer(&row->fault);
        }
        if (row->present || asset->state == ASSET_RETIRED)
                return asset;
        if (!asset->reason || asset->state == ASSET_REFUSED) { /* else it was never there, and it says so */
                g_free(asset->reason);
                asset->reason = g_strdup("The file is no longer there.");
        }
        asset->state = ASSET_MISSING;
        return asset;
}

static CatalogSnapshot *load_snapshot(Store *store, GError **error) {
        int64_t revision = 0;
        if (!read_revision(store, &revision, error))
                return NULL;
        g_autoptr(GPtrArray) rows = load_rows(store, error);
        if (!rows)
                return NULL;
        Asset **assets = g_new(Asset *, rows->len + 1);
        for (guint i = 0; i < rows->len; i++)
                assets[i] = take_asset(rows->pdata[i]);
        return catalog_snapshot_new(assets, rows->len, revision);
}

CatalogSnapshot *catalog_load(Store *store, GError **error) {
        /* One read transaction: a scan that writes at the same time is seen as before or as after, not as both. */
        if (!store_run(store, error, "BEGIN", ""))
                return NULL;
        CatalogSnapshot *snapshot = load_snapshot(store, error);
        store_rollback(store);
        return snapshot;
}

/* --- writing ----------------------------------------------------------------------------------------------------- */

/* INV-ASSET-CANONICAL-KEY-FORMAT-001: the key that the id came with. */
static void key_of(const Asset *asset, char ret_key[RV_SHA256_HEX_SIZE]) {
        char id[RV_UUID_SIZE];
        for (int nth = 0; nth < MAX_NAMESAKES; nth++) {
                identity_of(asset->uri, nth, id, ret_key);
                if (g_str_equal(id, asset->id))
                        return;
        }
}

static bool put_asset(Store *store, const CatalogRow *row, GError **error) {
        const Asset *asset = row->asset;
        char key[RV_SHA256_HEX_SIZE];
        key_of(asset, key);
        g_autofree char *genres = g_strjoinv("\n", asset->genres), *tags = g_strjoinv("\n", asset->tags);
        g_autofree char *collections = g_strjoinv("\n", asset->collections);
        return store_run(
                store, error,
                "INSERT INTO asset (canonical_key, " COLUMNS ") "
                "VALUES (coalesce((SELECT canonical_key FROM asset WHERE id = ?2), ?1), "
                "?2,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) "
                "ON CONFLICT (id) DO UPDATE SET size=excluded.size, mtime_ns=excluded.mtime_ns, "
                "present=excluded.present, state=excluded.state, approved=excluded.approved, reason=excluded.reason, "
                "stamp=excluded.stamp, kind=excluded.kind, title=excluded.title, series=excluded.series, "
                "season=excluded.season, episode=excluded.episode, year=excluded.year, rating=excluded.rating, "
                "description=excluded.description, air_date=excluded.air_date, genres=excluded.genres, "
                "tags=excluded.tags, duration_ms=excluded.duration_ms, width=excluded.width, height=excluded.height, "
                "rate_num=excluded.rate_num, rate_den=excluded.rate_den, has_video=excluded.has_video, "
                "has_audio=excluded.has_audio, video_codec=excluded.video_codec, audio_codec=excluded.audio_codec, "
                "source=excluded.source, library=excluded.library, "
                "studio=excluded.studio, collections=excluded.collections, origin=excluded.origin, "
                "hint_ms=excluded.hint_ms, fingerprint=CASE WHEN size=excluded.size AND mtime_ns=excluded.mtime_ns "
                "THEN coalesce(excluded.fingerprint, fingerprint) ELSE excluded.fingerprint END",
                "sssiiiiississiiisssssiiiiiiississsssis", key, asset->id, asset->uri, row->size, row->mtime_ns,
                (int64_t)row->present, (int64_t)asset->state, (int64_t)asset->approved, asset->reason, row->stamp,
                (int64_t)asset->kind, asset->title, asset->series, (int64_t)asset->season, (int64_t)asset->episode,
                (int64_t)asset->year, asset->rating, asset->description, asset->air_date, genres, tags,
                asset->duration_ms, (int64_t)asset->width, (int64_t)asset->height, (int64_t)asset->rate.num,
                (int64_t)asset->rate.den, (int64_t)asset->has_video, (int64_t)asset->has_audio, asset->video_codec,
                asset->audio_codec, asset->added_utc_ms, asset->source, asset->library, asset->studio, collections,
                row->origin, asset->hint_ms, row->fingerprint);
}

static bool put_chapters(Store *store, const Asset *asset, GError **error) {
        if (!store_run(store, error, "DELETE FROM asset_marker WHERE asset_id = ? AND kind = 'chapter'", "s",
                       asset->id))
                return false;
        for (uint32_t i = 0; i < asset->n_chapters; i++)
                if (!store_run(store, error,
                               "INSERT INTO asset_marker (asset_id, kind, at_ms) VALUES (?, 'chapter', ?)", "si",
                               asset->id, asset->chapter_ms[i]))
                        return false;
        return true;
}

bool catalog_store_put_alias(Store *store, const char *asset_id, const char *alias, GError **error) {
        return store_run(store, error, "INSERT OR IGNORE INTO asset_alias (alias, asset_id) VALUES (?, ?)", "ss", alias,
                         asset_id);
}

char *catalog_episode_alias(const char *series, int32_t season, int32_t episode) {
        g_autofree char *slug = rv_slug_from(series);
        return g_strdup_printf("asset.%s.s%02de%02d", slug, season, episode);
}

/* "asset.<series>.s01e02", and what its library calls it; of two files of one name the first known keeps it. A row that
 * does not know its library's names leaves them as they are. */
static bool put_aliases(Store *store, const CatalogRow *row, GError **error) {
        const Asset *asset = row->asset;
        if (row->origin && !row->aliases)
                return true;
        if (!store_run(store, error, "DELETE FROM asset_alias WHERE asset_id = ?", "s", asset->id))
                return false;
        for (char **alias = row->aliases; alias && *alias; alias++)
                if (!catalog_store_put_alias(store, asset->id, *alias, error))
                        return false;
        if (!asset->series || asset->kind != ASSET_EPISODE)
                return true;
        g_autofree char *alias = catalog_episode_alias(asset->series, asset->season, asset->episode);
        return catalog_store_put_alias(store, asset->id, alias, error);
}

bool catalog_store_put(Store *store, const CatalogRow *row, GError **error) {
        return put_asset(store, row, error) && put_chapters(store, row->asset, error) && put_aliases(store, row, error);
}

bool catalog_store_name(Store *store, const char *uri, char ret_id[RV_UUID_SIZE], GError **error) {
        char key[RV_SHA256_HEX_SIZE];
        for (int nth = 0; nth < MAX_NAMESAKES; nth++) {
                g_autoptr(GError) failure = NULL;
                identity_of(uri, nth, ret_id, key);
                sqlite3_stmt *query = store_query(store, &failure, "SELECT 1 FROM asset WHERE id = ? AND uri <> ?",
                                                  "ss", ret_id, uri);
                const bool taken = query && store_row(store, query, &failure);
                if (query)
                        store_reset(query);
                if (failure) {
                        g_propagate_error(error, g_steal_pointer(&failure));
                        return false;
                }
                if (!taken)
                        return true;
        }
        g_set_error(error, RV_ERROR, RV_ERROR_LIMIT, "too many files have been at %s and moved", uri);
        return false;
}

/* --- changing one ------------------------------------------------------------------------------------------------ */

bool catalog_store_set_present(Store *store, const char *asset_id, bool present, GError **error) {
        return store_run(store, error, "UPDATE asset SET present = ? WHERE id = ?", "is", (int64_t)present, asset_id);
}

bool catalog_store_forget(Store *store, const char *asset_id, GError **error) {
        return store_run(store, error, "DELETE FROM asset WHERE id = ?", "s", asset_id);
}

bool catalog_store_decide(Store *store, const char *asset_id, AssetState state, bool approved, GError **error) {
        return store_run(store, error, "UPDATE asset SET state = ?, approved = ?, reason = NULL WHERE id = ?", "iis",
                         (int64_t)state, (int64_t)approved, asset_id);
}

bool catalog_store_bump(Store *store, GError **error) {
        return store_run(store, error, "UPDATE catalog_revision SET revision = revision + 1, unpublished = 0", "");
}
