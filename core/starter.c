#include "core/starter.h"

#include <string.h>

#include "core/plan/catalog/catalog.h"
#include "proto/base/error.h"
#include "proto/base/id.h"
#include "proto/base/log.h"

#define MINUTE_MS INT64_C(60000)
/* A channel of its own is worth it for so much of a series, and nobody zaps through more. */
#define SERIES_MIN_MS (20 * MINUTE_MS)
#define SERIES_MAX_CHANNELS 12
#define MIX_MAX_POOLS 40

typedef struct {
        char *name; /* series title; NULL: films */
        char *pool; /* name of its pool */
        unsigned n;
        int64_t total_ms;
} Group;

static void group_free(void *user) {
        Group *group = user;
        g_free(group->name);
        g_free(group->pool);
        g_free(group);
}

/* --- what there is ----------------------------------------------------------------------------------------------- */

static Group *group_of(GPtrArray *groups, const char *name) {
        for (unsigned i = 0; i < groups->len; i++) {
                Group *group = g_ptr_array_index(groups, i);
                if (g_strcmp0(group->name, name) == 0)
                        return group;
        }
        Group *group = g_new0(Group, 1);
        g_autofree char *slug = rv_slug_from(name ? name : "films");
        group->name = g_strdup(name);
        group->pool = g_strdup_printf("%s-%u", slug, groups->len + 1);
        g_ptr_array_add(groups, group);
        return group;
}

static int larger_first(gconstpointer a, gconstpointer b) {
        const Group *x = *(Group *const *)a, *y = *(Group *const *)b;
        if (x->total_ms != y->total_ms)
                return x->total_ms > y->total_ms ? -1 : 1;
        return g_strcmp0(x->name, y->name);
}

static GPtrArray *group_catalog(const CatalogSnapshot *catalog) {
        GPtrArray *groups = g_ptr_array_new_with_free_func(group_free);
        for (uint32_t i = 0; i < catalog->n_assets; i++) {
                const Asset *asset = catalog->assets[i];
                bool programme = asset->kind == ASSET_EPISODE || asset->kind == ASSET_MOVIE;
                if (!programme || !asset_eligible(asset))
                        continue;
                Group *group = group_of(groups, asset->kind == ASSET_EPISODE ? asset->series : NULL);
                group->n++;
                group->total_ms += asset->duration_ms;
        }
        g_ptr_array_sort(groups, larger_first);
        return groups;
}

/* --- the files --------------------------------------------------------------------------------------------------- */

static char *quoted(const char *text) {
        GString *out = g_string_new("\"");
        for (const char *c = text; *c; c++) {
                if (*c == '"' || *c == '\\')
                        g_string_append_c(out, '\\');
                if ((unsigned char)*c >= 0x20)
                        g_string_append_c(out, *c);
        }
        g_string_append_c(out, '"');
        return g_string_free(out, FALSE);
}

static const char *local_zone(void) {
        g_autoptr(GTimeZone) zone = g_time_zone_new_local();
        const char *name = g_time_zone_get_identifier(zone);
        bool named = name && strchr(name, '/') && name[0] != '/';
        return named ? g_intern_string(name) : "Etc/UTC";
}

/* Slots that are mostly content: the grid follows the usual length. */
static int grid_minutes(int64_t mean_ms) {
        if (mean_ms >= 15 * MINUTE_MS)
                return 30;
        return mean_ms >= 6 * MINUTE_MS ? 15 : 5;
}

static void write_head(GString *out, const char *id, int number, const char *name, int64_t mean_ms) {
        g_autofree char *name_quoted = quoted(name);
        g_string_append_printf(
                out,
                "# Made by RetroVue from what the catalog held. It is yours: edit it and the schedule follows.\n"
                "channel: %s\nchannel_number: %d\nname: %s\nchannel_type: network\ntimezone: %s\n"
                "format:\n  video: {width: 1280, height: 720, frame_rate: \"30000/1001\"}\n"
                "  audio: {sample_rate: 48000, channels: 2}\n  grid_minutes: %d\n",
                id, number, name_quoted, local_zone(), grid_minutes(mean_ms));
}

static void write_pool(GString *out, const Group *group) {
        if (!group->name) {
                g_string_append_printf(out, "  %s: {match: {type: movie}}\n", group->pool);
                return;
        }
        g_autofree char *title = quoted(group->name);
        g_string_append_printf(out, "  %s: {match: {type: episode, series_title: %s}}\n", group->pool, title);
}

/* Short clips leave most of a slot open: more of them fill it. */
static void write_filler(GString *out, const char *pool, int64_t mean_ms) {
        if (grid_minutes(mean_ms) == 5)
                g_string_append_printf(out, "filler: {pool: %s}\n", pool);
}

static bool save(const char *channels_dir, const char *id, const GString *text, GError **error) {
        g_autofree char *name = g_strdup_printf("%s.yaml", id);
        g_autofree char *path = g_build_filename(channels_dir, name, NULL);
        rv_info("starter.channel", RV_S("file", path));
        return store_write_file(path, text->str, text->len, error);
}

static bool write_one(const char *channels_dir, int number, const Group *group, GError **error) {
        g_autoptr(GString) out = g_string_new(NULL);
        const char *name = group->name ? group->name : "Films";
        int64_t mean_ms = group->total_ms / group->n;
        g_autofree char *title = quoted(name);
        g_autofree char *id = rv_slug_from(name);
        write_head(out, id, number, name, mean_ms);
        g_string_append(out, "pools:\n");
        write_pool(out, group);
        write_filler(out, group->pool, mean_ms);
        g_string_append_printf(
                out,
                "schedule:\n  all_day:\n    - block: {start: \"06:00\", duration: 24h, title: %s, pool: %s, "
                "mode: %s}\n",
                title, group->pool, group->name ? "sequential" : "random");
        return save(channels_dir, id, out, error);
}

static bool write_mix(const char *channels_dir, int number, const GPtrArray *groups, GError **error) {
        g_autoptr(GString) out = g_string_new(NULL);
        g_autoptr(GString) pools = g_string_new(NULL);
        int64_t total_ms = 0, n = 0;
        unsigned n_pools = MIN(groups->len, MIX_MAX_POOLS);
        for (unsigned i = 0; i < n_pools; i++) {
                const Group *group = g_ptr_array_index(groups, i);
                total_ms += group->total_ms;
                n += group->n;
                g_string_append_printf(pools, "%s%s", i ? ", " : "", group->pool);
        }
        write_head(out, "everything", number, "Everything", total_ms / n);
        g_string_append(out, "pools:\n  everything: {match: {type: [episode, movie]}}\n");
        for (unsigned i = 0; i < n_pools; i++)
                write_pool(out, g_ptr_array_index(groups, i));
        write_filler(out, "everything", total_ms / n);
        g_string_append_printf(
                out,
                "schedule:\n  all_day:\n    - block: {start: \"06:00\", duration: 24h, title: Everything, "
                "pool: [%s], mode: shuffle}\n",
                pools->str);
        return save(channels_dir, "everything", out, error);
}

static bool has_channel_file(const char *channels_dir) {
        g_autoptr(GDir) dir = g_dir_open(channels_dir, 0, NULL);
        const char *name;
        while (dir && (name = g_dir_read_name(dir)))
                if (g_str_has_suffix(name, ".yaml") || g_str_has_suffix(name, ".yml"))
                        return true;
        return false;
}

bool starter_write_channels(const char *channels_dir, Store *store, GError **error) {
        if (has_channel_file(channels_dir))
                return true;
        g_autoptr(CatalogSnapshot) catalog = catalog_load(store, error);
        if (!catalog)
                return false;
        g_autoptr(GPtrArray) groups = group_catalog(catalog);
        if (groups->len == 0)
                return true;
        int number = 2;
        for (unsigned i = 0; i < groups->len && number < 2 + SERIES_MAX_CHANNELS; i++) {
                const Group *group = g_ptr_array_index(groups, i);
                if (group->total_ms >= SERIES_MIN_MS && !write_one(channels_dir, number++, group, error))
                        return false;
        }
        return write_mix(channels_dir, number, groups, error);
}
