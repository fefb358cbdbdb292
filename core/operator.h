/*
 * Operator: what `retrovue override` and those who ask by the network may do to the plan. The store is opened for each
 * wish; the horizon decides on it at its next evaluation (core/plan/horizon/override.h). Any thread.
 */
#pragma once

#include <jansson.h>

#include "core/plan/horizon/override.h"
#include "core/serve/http/http.h"
#include "proto/base/clock.h"

/* All of a channel, by number. */
json_t *operator_overrides(const char *store_path, const char *channel_id, GError **error);
/* Records the wish. RV_ERROR_INVALID: a kind that there is not, an asset where none belongs, none or an unknown one
 * where one does, or a time that is past. */
json_t *operator_override_ask(const char *store_path, RvClock *clock, const HttpOverride *wish, GError **error);
/* RV_ERROR_NOT_FOUND: there is none that could be taken back. */
bool operator_override_cancel(const char *store_path, RvClock *clock, const char *channel_id, int64_t id,
                              GError **error);
