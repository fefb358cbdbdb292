#include "core/plan/catalog/measure/survey_store.h"

#include "core/plan/catalog/catalog_store.h"
#include "core/plan/catalog/keys/keys.h"

void survey_task_free(SurveyTask *task) {
        if (!task)
                return;
        g_free(task->asset_id);
        g_free(task->uri);
        g_free(task);
}

static SurveyTask *read_task(sqlite3_stmt *row) {
        SurveyTask *task = g_new0(SurveyTask, 1);
        task->asset_id = g_strdup(store_text(row, 0));
        task->uri = g_strdup(store_text(row, 1));
        task->size = store_int(row, 2);
        task->mtime_ns = store_int(row, 3);
        task->duration_ms = store_int(row, 4);
        return task;
}

/* Spots are short, and are heard beside each other most often. */
GQueue *survey_store_tasks(Store *store, GError **error) {
        sqlite3_stmt *query = store_query(store, error,
                                          "SELECT id, uri, size, mtime_ns, duration_ms FROM asset WHERE state = ? AND "
                                          "present = 1 AND NOT EXISTS (SELECT 1 FROM asset_survey s WHERE s.asset_id = "
                                          "asset.id AND s.size = asset.size AND s.mtime_ns = asset.mtime_ns AND "
                                          "s.rules = ?) ORDER BY duration_ms, id",
                                          "ii", (int64_t)ASSET_READY, (int64_t)SURVEY_RULES);
        if (!query)
                return NULL;
        GQueue *tasks = g_queue_new();
        g_autoptr(GError) failure = NULL;
        while (store_row(store, query, &failure))
                g_queue_push_tail(tasks, read_task(query));
        if (!failure)
                return tasks;
        g_propagate_error(error, g_steal_pointer(&failure));
        g_queue_free_full(tasks, (GDestroyNotify)survey_task_free);
        return NULL;
}

/* Ret_wanted: the asset is still the file that was surveyed, and nobody else was faster. INV-MEASURE-001 */
static bool is_wanted(Store *store, const SurveyTask *task, bool *ret_wanted, GError **error) {
        g_autoptr(GError) failure = NULL;
        sqlite3_stmt *query = store_query(store, &failure,
                                          "SELECT 1 FROM asset WHERE id = ?1 AND size = ?2 AND mtime_ns = ?3 AND NOT "
                                          "EXISTS (SELECT 1 FROM asset_survey WHERE asset_id = ?1 AND size = ?2 AND "
                                          "mtime_ns = ?3 AND rules = ?4)",
                                          "siii", task->asset_id, task->size, task->mtime_ns, (int64_t)SURVEY_RULES);
        *ret_wanted = query && store_row(store, query, &failure);
        if (query)
                store_reset(query);
        if (!failure)
                return true;
        g_propagate_error(error, g_steal_pointer(&failure));
        return false;
}

static bool put_quiet(Store *store, const SurveyTask *task, const Survey *survey, GError **error) {
        if (!store_run(store, error, "DELETE FROM asset_marker WHERE asset_id = ? AND kind = 'quiet'", "s",
                       task->asset_id))
                return false;
        for (uint32_t i = 0; i < survey->n_quiet; i++)
                if (!store_run(store, error, "INSERT INTO asset_marker (asset_id, kind, at_ms) VALUES (?, 'quiet', ?)",
                               "si", task->asset_id, survey->quiet_ms[i]))
                        return false;
        return true;
}

static bool put(Store *store, const SurveyTask *task, const Survey *survey, GError **error) {
        bool wanted;
        if (!is_wanted(store, task, &wanted, error))
                return false;
        if (!wanted)
                return true;
        g_autofree char *loudness = g_strdup_printf("%d", survey->loudness_millibel);
        return store_run(store, error,
                         "INSERT OR REPLACE INTO asset_survey (asset_id, size, mtime_ns, rules, end_ms, "
                         "loudness_millibel, gain_millibel, fault) VALUES (?, ?, ?, ?, ?, CAST(? AS INTEGER), ?, ?)",
                         "siiiisis", task->asset_id, task->size, task->mtime_ns, (int64_t)SURVEY_RULES, survey->end_ms,
                         survey->has_loudness ? loudness : NULL, (int64_t)survey->gain_millibel, survey->fault) &&
               put_quiet(store, task, survey, error) &&
               keys_store_put(store, task->asset_id, survey->key_ms, survey->n_keys, error) &&
               store_run(store, error, "UPDATE catalog_revision SET unpublished = unpublished + 1", "");
}

static bool publish(Store *store, GError **error) {
        return store_run(store, error,
                         "UPDATE catalog_revision SET revision = revision + 1, unpublished = 0 WHERE unpublished > 0",
                         "");
}

bool survey_store_put(Store *store, const SurveyTask *task, const Survey *survey, GError **error) {
        if (!store_begin(store, error))
                return false;
        if (put(store, task, survey, error))
                return store_commit(store, error);
        store_rollback(store);
        return false;
}

bool survey_store_publish(Store *store, GError **error) {
        if (!store_begin(store, error))
                return false;
        if (publish(store, error))
                return store_commit(store, error);
        store_rollback(store);
        return false;
}
