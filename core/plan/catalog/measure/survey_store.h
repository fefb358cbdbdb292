/* Surveys in the store, and which are wanted. On the thread that owns the store. */
#pragma once

#include "core/base/store.h"
#include "core/plan/catalog/measure/survey.h"

/* A file that was never surveyed, as it was measured. */
typedef struct {
        char *asset_id, *uri;
        int64_t size, mtime_ns, duration_ms;
} SurveyTask;

void survey_task_free(SurveyTask *task);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SurveyTask, survey_task_free)

/* All of them, short ones first; NULL on failure. */
GQueue *survey_store_tasks(Store *store, GError **error);
/* In one transaction. Nothing is written when the asset's file is another by now, or has been surveyed meanwhile. */
bool survey_store_put(Store *store, const SurveyTask *task, const Survey *survey, GError **error);
/* Raises the catalog's revision if surveys were put that it does not speak of. */
bool survey_store_publish(Store *store, GError **error);
