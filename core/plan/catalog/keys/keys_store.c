#include <pthread.h>
#include <sqlite3.h>

#include "core/plan/catalog/keys/keys.h"
#include "proto/base/error.h"
#include "proto/base/log.h"

struct KeysIndex {
        pthread_mutex_t lock; /* guards the store */
        Store *store;
};

static bool insert(Store *store, const char *asset_id, const void *bytes, size_t size, GError **error) {
        sqlite3_stmt *statement = store_prepare(store, "INSERT INTO asset_keys (asset_id, times) VALUES (?, ?)", error);
        if (!statement)
                return false;
        const bool bound = sqlite3_bind_text(statement, 1, asset_id, -1, SQLITE_STATIC) == SQLITE_OK &&
                           sqlite3_bind_blob64(statement, 2, bytes, size, SQLITE_STATIC) == SQLITE_OK;
        g_autoptr(GError) failure = NULL;
        if (bound)
                (void)store_row(store, statement, &failure);
        else
                g_set_error(&failure, RV_ERROR, RV_ERROR_LIMIT, "key pictures of an asset cannot be stored");
        store_reset(statement);
        (void)sqlite3_clear_bindings(statement); /* what they point to is the caller's */
        if (!failure)
                return true;
        g_propagate_error(error, g_steal_pointer(&failure));
        return false;
}

bool keys_store_put(Store *store, const char *asset_id, const int64_t *times_ms, uint32_t n, GError **error) {
        size_t size = 0;
        g_autofree uint8_t *bytes = keys_pack(times_ms, n, &size);
        return store_run(store, error, "DELETE FROM asset_keys WHERE asset_id = ?", "s", asset_id) &&
               (n == 0 || insert(store, asset_id, bytes, size, error));
}

/* --- looking up -------------------------------------------------------------------------------------------------- */

KeysIndex *keys_index_open(const char *store_path, GError **error) {
        g_autoptr(Store) store = store_open_to_read(store_path, error);
        if (!store)
                return NULL;
        KeysIndex *index = g_new0(KeysIndex, 1);
        pthread_mutex_init(&index->lock, NULL);
        index->store = g_steal_pointer(&store);
        return index;
}

void keys_index_free(KeysIndex *index) {
        if (!index)
                return;
        store_close(index->store);
        pthread_mutex_destroy(&index->lock);
        g_free(index);
}

static int64_t look_up(Store *store, const char *asset_id, int64_t at_ms, GError **error) {
        sqlite3_stmt *query = store_query(store, error,
                                          "SELECT k.times FROM asset_keys k JOIN asset_survey s ON s.asset_id = "
                                          "k.asset_id JOIN asset a ON a.id = k.asset_id AND a.size = s.size AND "
                                          "a.mtime_ns = s.mtime_ns WHERE k.asset_id = ?",
                                          "s", asset_id);
        if (!query)
                return -1;
        int64_t found_ms = -1;
        if (store_row(store, query, error)) {
                const void *times = sqlite3_column_blob(query, 0);
                const int size = sqlite3_column_bytes(query, 0);
                if (times && size > 0)
                        found_ms = keys_before(times, (size_t)size, at_ms);
        }
        store_reset(query);
        return found_ms;
}

int64_t keys_index_before(KeysIndex *index, const char *asset_id, int64_t at_ms) {
        g_autoptr(GError) error = NULL;
        pthread_mutex_lock(&index->lock);
        const int64_t found_ms = look_up(index->store, asset_id, at_ms, &error);
        pthread_mutex_unlock(&index->lock);
        if (error)
                rv_warning("catalog.keys_unreadable", RV_S("asset", asset_id), RV_S("error", error->message));
        return found_ms;
}
