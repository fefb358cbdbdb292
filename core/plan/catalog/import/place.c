#include "core/plan/catalog/import/place.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "proto/base/error.h"

typedef struct {
        char *from, *to; /* without a slash at the end; "" = the root */
        bool windows;
} Map;

struct Places {
        GPtrArray *maps; /* Map, the longest FROM first */
};

static void map_free(void *data) {
        Map *map = data;
        g_free(map->from);
        g_free(map->to);
        g_free(map);
}

void import_place_clear(ImportPlace *place) {
        g_clear_pointer(&place->uri, g_free);
}

void places_free(Places *places) {
        if (!places)
                return;
        g_ptr_array_unref(places->maps);
        g_free(places);
}

static char *without_end_slash(char *take_path) {
        for (size_t n = strlen(take_path); n > 0 && (take_path[n - 1] == '/' || take_path[n - 1] == '\\'); n--)
                take_path[n - 1] = '\0';
        return take_path;
}

static bool is_windows(const char *path) {
        return (g_ascii_isalpha(path[0]) && path[1] == ':') || g_str_has_prefix(path, "\\\\");
}

static int compare_maps(const void *a, const void *b) {
        const size_t left = strlen((*(const Map *const *)a)->from), right = strlen((*(const Map *const *)b)->from);
        return left == right ? 0 : left > right ? -1 : 1;
}

static bool add_map(Places *places, const char *text, GError **error) {
        const char *equals = strchr(text, '=');
        if (!equals || equals == text || equals[1] != '/') {
                g_set_error(error, RV_ERROR, RV_ERROR_INVALID,
                            "\"%s\" is not of the form FROM=TO, TO being an absolute path here: /data/tv=/mnt/tv",
                            text);
                return false;
        }
        g_autofree char *from = g_strndup(text, (size_t)(equals - text));
        Map *map = g_new0(Map, 1);
        map->windows = is_windows(from);
        map->from = without_end_slash(g_steal_pointer(&from));
        map->to = without_end_slash(g_canonicalize_filename(equals + 1, "/"));
        g_ptr_array_add(places->maps, map);
        return true;
}

Places *places_new(const char *const *maps, GError **error) {
        g_autoptr(GPtrArray) made = g_ptr_array_new_with_free_func(map_free);
        Places *places = g_new0(Places, 1);
        places->maps = g_ptr_array_ref(made);
        for (size_t i = 0; maps && maps[i]; i++)
                if (!add_map(places, maps[i], error)) {
                        places_free(places);
                        return NULL;
                }
        g_ptr_array_sort(places->maps, compare_maps);
        return places;
}

/* What follows map's FROM in path; NULL: path does not lie there. */
static const char *rest_below(const Map *map, const char *path) {
        const size_t n = strlen(map->from);
        const bool same =
                map->windows ? g_ascii_strncasecmp(path, map->from, n) == 0 : strncmp(path, map->from, n) == 0;
        const bool ends = same && (path[n] == '\0' || path[n] == '/' || (map->windows && path[n] == '\\'));
        return ends ? path + n : NULL;
}

char *places_map(const Places *places, const char *path) {
        for (guint i = 0; i < places->maps->len; i++) {
                const Map *map = places->maps->pdata[i];
                const char *rest = rest_below(map, path);
                if (!rest)
                        continue;
                g_autofree char *here = g_strconcat(map->to, rest[0] ? rest : "/", NULL);
                if (map->windows)
                        g_strdelimit(here, "\\", '/');
                return g_canonicalize_filename(here, "/");
        }
        return path[0] == '/' ? g_canonicalize_filename(path, "/") : g_strdup(path);
}

void places_find(const Places *places, const char *path, ImportPlace *ret_place) {
        struct stat st;
        ret_place->uri = places_map(places, path);
        ret_place->state = PLACE_MISSING;
        if (ret_place->uri[0] != '/')
                return;
        if (stat(ret_place->uri, &st) == 0)
                ret_place->state = S_ISDIR(st.st_mode) ? PLACE_MISSING : PLACE_THERE;
        else if (errno != ENOENT && errno != ENOTDIR && errno != ENAMETOOLONG && errno != ELOOP)
                ret_place->state = PLACE_UNKNOWN;
}
