#include "core/operator.h"

#include "core/plan/catalog/catalog.h"
#include "proto/base/error.h"

json_t *operator_overrides(const char *store_path, const char *channel_id, GError **error) {
        g_autoptr(Store) store = store_open_to_read(store_path, error);
        g_autoptr(GPtrArray) overrides = store ? override_store_list(store, channel_id, error) : NULL;
        if (!overrides)
                return NULL;
        json_t *list = json_array();
        for (guint i = 0; i < overrides->len; i++)
                json_array_append_new(list, override_json(overrides->pdata[i]));
        return list;
}

/* 0: there is no such kind. */
static OverrideKind kind_of(const char *name) {
        for (OverrideKind kind = OVERRIDE_REPLACE; kind <= OVERRIDE_SKIP; kind++)
                if (g_strcmp0(override_kind_name(kind), name) == 0)
                        return kind;
        return 0;
}

/* *ret_asset_id: g_free it; NULL where none is needed. */
static bool find_asset(Store *store, const HttpOverride *wish, OverrideKind kind, char **ret_asset_id, GError **error) {
        g_autoptr(GError) local = NULL;
        if ((kind == OVERRIDE_SKIP) != !wish->asset) {
                g_set_error(error, RV_ERROR, RV_ERROR_INVALID, "%s %s an asset", wish->kind,
                            wish->asset ? "takes no" : "needs");
                return false;
        }
        *ret_asset_id = NULL;
        if (!wish->asset || (*ret_asset_id = catalog_resolve(store, wish->asset, &local)))
                return true;
        if (g_error_matches(local, RV_ERROR, RV_ERROR_NOT_FOUND))
                g_set_error(error, RV_ERROR, RV_ERROR_INVALID,
                            "nothing in the catalog has the id, path or alias \"%s\"", wish->asset);
        else
                g_propagate_error(error, g_steal_pointer(&local));
        return false;
}

json_t *operator_override_ask(const char *store_path, RvClock *clock, const HttpOverride *wish, GError **error) {
        Override override = {
                .kind = kind_of(wish->kind), .at_utc_ms = wish->at_utc_ms, .asked_utc_ms = rv_clock_utc_ms(clock)};
        g_autofree char *asset_id = NULL, *channel_id = g_strdup(wish->channel_id);
        if (!override.kind) {
                g_set_error(error, RV_ERROR, RV_ERROR_INVALID, "kind is replace, insert or skip");
                return NULL;
        }
        if (wish->at_utc_ms <= override.asked_utc_ms) {
                g_set_error(error, RV_ERROR, RV_ERROR_INVALID, "that time is past: what has aired is not changed");
                return NULL;
        }
        g_autoptr(Store) store = store_open(store_path, error);
        if (!store || !find_asset(store, wish, override.kind, &asset_id, error))
                return NULL;
        override.channel_id = channel_id;
        override.asset_id = asset_id;
        return override_store_ask(store, &override, error) ? override_json(&override) : NULL;
}

bool operator_override_cancel(const char *store_path, RvClock *clock, const char *channel_id, int64_t id,
                              GError **error) {
        bool done = false;
        g_autoptr(Store) store = store_open(store_path, error);
        if (!store || !override_store_cancel(store, channel_id, id, rv_clock_utc_ms(clock), &done, error))
                return false;
        if (!done)
                g_set_error(error, RV_ERROR, RV_ERROR_NOT_FOUND,
                            "channel %s has no override %" G_GINT64_FORMAT " that is asked for, in force or refused",
                            channel_id, id);
        return done;
}
