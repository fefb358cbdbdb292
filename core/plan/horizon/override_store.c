#include <string.h>

#include "core/plan/horizon/override.h"
#include "proto/base/error.h"

static const char *const kinds[] = {NULL, "replace", "insert", "skip"};
static const char *const states[] = {NULL, "asked", "in_force", "cancelling", "cancelled", "refused"};

#define COLUMNS                                                                                                        \
        "override_id, channel_id, kind, at_utc_ms, asset_id, state, asked_utc_ms, decided_utc_ms, detail, "            \
        "start_utc_ms, end_utc_ms, was, becomes"

void override_free(Override *override) {
        if (!override)
                return;
        g_free(override->channel_id);
        g_free(override->asset_id);
        g_free(override->detail);
        json_decref(override->was);
        json_decref(override->becomes);
        g_free(override);
}

const char *override_kind_name(OverrideKind kind) {
        return kinds[kind];
}

const char *override_state_name(OverrideState state) {
        return states[state];
}

json_t *override_json(const Override *override) {
        return json_pack("{s:I,s:s,s:s,s:I,s:s?,s:s,s:I,s:I,s:s?,s:I,s:I}", "id", (json_int_t) override->id, "channel",
                         override->channel_id, "kind", override_kind_name(override->kind), "at_utc_ms",
                         (json_int_t) override->at_utc_ms, "asset_id", override->asset_id, "state",
                         override_state_name(override->state), "asked_utc_ms", (json_int_t) override->asked_utc_ms,
                         "decided_utc_ms", (json_int_t) override->decided_utc_ms, "detail", override->detail,
                         "start_utc_ms", (json_int_t) override->start_utc_ms, "end_utc_ms",
                         (json_int_t) override->end_utc_ms);
}

/* 0: none of them. */
static int index_of(const char *const *names, size_t n, const char *name) {
        for (size_t i = 1; i < n; i++)
                if (g_strcmp0(names[i], name) == 0)
                        return (int)i;
        return 0;
}

static json_t *parse(const char *text) {
        return text ? json_loads(text, 0, NULL) : NULL;
}

static char *dump(const json_t *json) {
        if (!json)
                return NULL;
        char *text = json_dumps(json, JSON_COMPACT), *copy = g_strdup(text);
        free(text);
        return copy;
}

static Override *read_override(sqlite3_stmt *row) {
        Override *override = g_new0(Override, 1);
        override->id = store_int(row, 0);
        override->channel_id = g_strdup(store_text(row, 1));
        override->kind = (OverrideKind)index_of(kinds, G_N_ELEMENTS(kinds), store_text(row, 2));
        override->at_utc_ms = store_int(row, 3);
        override->asset_id = g_strdup(store_text(row, 4));
        override->state = (OverrideState)index_of(states, G_N_ELEMENTS(states), store_text(row, 5));
        override->asked_utc_ms = store_int(row, 6);
        override->decided_utc_ms = store_int(row, 7);
        override->detail = g_strdup(store_text(row, 8));
        override->start_utc_ms = store_int(row, 9);
        override->end_utc_ms = store_int(row, 10);
        override->was = parse(store_text(row, 11));
        override->becomes = parse(store_text(row, 12));
        return override;
}

static GPtrArray *read_overrides(Store *store, sqlite3_stmt *query, GError **error) {
        g_autoptr(GPtrArray) overrides = g_ptr_array_new_with_free_func((GDestroyNotify)override_free);
        g_autoptr(GError) failure = NULL;
        while (query && store_row(store, query, &failure))
                g_ptr_array_add(overrides, read_override(query));
        if (failure)
                g_propagate_error(error, g_steal_pointer(&failure));
        else if (query)
                return g_steal_pointer(&overrides);
        return NULL;
}

GPtrArray *override_store_list(Store *store, const char *channel_id, GError **error) {
        return read_overrides(store,
                              store_query(store, error,
                                          "SELECT " COLUMNS " FROM plan_override WHERE channel_id = ? "
                                          "ORDER BY override_id",
                                          "s", channel_id),
                              error);
}

GPtrArray *override_store_live(Store *store, const char *channel_id, int64_t after_utc_ms, GError **error) {
        return read_overrides(store,
                              store_query(store, error,
                                          "SELECT " COLUMNS " FROM plan_override WHERE channel_id = ? AND (state IN "
                                          "('asked', 'cancelling') OR state = 'in_force' AND end_utc_ms > ?) "
                                          "ORDER BY override_id",
                                          "si", channel_id, after_utc_ms),
                              error);
}

GPtrArray *override_store_troubled(Store *store, const char *channel_id, int64_t after_utc_ms, GError **error) {
        return read_overrides(store,
                              store_query(store, error,
                                          "SELECT " COLUMNS " FROM plan_override WHERE channel_id = ? AND "
                                          "(state = 'refused' AND max(at_utc_ms, decided_utc_ms) > ? "
                                          "OR state = 'in_force' AND detail IS NOT NULL AND end_utc_ms > ?) "
                                          "ORDER BY override_id",
                                          "sii", channel_id, after_utc_ms, after_utc_ms),
                              error);
}

static bool number_of_new(Store *store, int64_t *ret_id, GError **error) {
        g_autoptr(GError) failure = NULL;
        sqlite3_stmt *query = store_query(store, error, "SELECT last_insert_rowid()", "");
        if (!query)
                return false;
        if (store_row(store, query, &failure))
                *ret_id = store_int(query, 0);
        store_reset(query);
        if (failure)
                g_propagate_error(error, g_steal_pointer(&failure));
        return *ret_id > 0;
}

bool override_store_ask(Store *store, Override *override, GError **error) {
        override->state = OVERRIDE_ASKED;
        override->id = 0;
        return store_run(store, error,
                         "INSERT INTO plan_override (channel_id, kind, at_utc_ms, asset_id, state, asked_utc_ms) "
                         "VALUES (?, ?, ?, ?, ?, ?)",
                         "ssissi", override->channel_id, kinds[override->kind], override->at_utc_ms, override->asset_id,
                         states[override->state], override->asked_utc_ms) &&
               number_of_new(store, &override->id, error);
}

bool override_store_cancel(Store *store, const char *channel_id, int64_t id, int64_t now_utc_ms, bool *ret_done,
                           GError **error) {
        g_autoptr(GError) failure = NULL;
        /* In one statement: the horizon may decide between a look and a step. */
        sqlite3_stmt *query = store_query(
                store, error,
                "UPDATE plan_override SET state = CASE state WHEN 'in_force' THEN 'cancelling' ELSE 'cancelled' END, "
                "detail = CASE state WHEN 'refused' THEN detail END, decided_utc_ms = ? "
                "WHERE channel_id = ? AND override_id = ? AND state IN ('asked', 'in_force', 'refused') "
                "RETURNING override_id",
                "isi", now_utc_ms, channel_id, id);
        if (!query)
                return false;
        bool done = false;
        while (store_row(store, query, &failure))
                done = true;
        if (failure) {
                g_propagate_error(error, g_steal_pointer(&failure));
                return false;
        }
        *ret_done = done;
        return true;
}

int64_t override_store_mark(Store *store) {
        int64_t mark = -1;
        /* What the horizon itself does to a record leaves the sum as it is. */
        sqlite3_stmt *query = store_query(store, NULL,
                                          "SELECT coalesce(sum(override_id * (1 + (state IN ('cancelling', "
                                          "'cancelled')))), 0) FROM plan_override",
                                          "");
        if (query && store_row(store, query, NULL)) {
                mark = store_int(query, 0);
                store_reset(query);
        }
        return mark;
}

bool override_store_decide(Store *store, const Override *override, GError **error) {
        g_autofree char *was = dump(override->was), *becomes = dump(override->becomes);
        return store_run(store, error,
                         "UPDATE plan_override SET state = ?, decided_utc_ms = ?, detail = ?, start_utc_ms = ?, "
                         "end_utc_ms = ?, was = ?, becomes = ? WHERE override_id = ?",
                         "sisiissi", states[override->state], override->decided_utc_ms, override->detail,
                         override->start_utc_ms, override->end_utc_ms, was, becomes, override->id);
}
