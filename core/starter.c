#include "core/starter.h"

#include <glib/gstdio.h>
#include <string.h>

#include "core/base/store.h"
#include "proto/base/id.h"
#include "proto/base/log.h"

#define MINUTE_MS INT64_C(60000)
/* A channel of its own is worth it for so much of a series, and nobody zaps through more. */
#define SERIES_MIN_MS (20 * MINUTE_MS)
#define SERIES_MAX_CHANNELS 12
#define MIX_MAX_POOLS 40
#define SLUG_MAX 48
/* Clips up to here fill what is left of a slot; so many make a change. */
#define CLIP_MAX_MS (6 * MINUTE_MS)
#define CLIPS_FOR_FILLER 10
/* So much to put into breaks makes breaks worth having. */
#define SPOTS_MIN_MS MINUTE_MS

typedef struct {
        char *name; /* series title; NULL: films */
        char *pool; /* name of its pool */
        unsigned n, n_clips;
        int64_t total_ms;
} Group;

/* What the catalog holds, as far as channels are made of it. */
typedef struct {
        GPtrArray *groups; /* Group, the larger first */
        unsigned n, n_clips;
        int64_t total_ms, pal_ms; /* pal_ms: at 25 or 50 frames a second */
        int64_t spots_ms;         /* of what goes into breaks */
        bool has_filler;
} Library;

struct Starter {
        char *channels_dir;
        GHashTable *provisional; /* file name -> text, as written by us and not yet final */
};

/* --- what there is ----------------------------------------------------------------------------------------------- */

static void group_free(void *user) {
        Group *group = user;
        g_free(group->name);
        g_free(group->pool);
        g_free(group);
}

static void library_clear(Library *library) {
        g_clear_pointer(&library->groups, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Library, library_clear)

static Group *group_of(GPtrArray *groups, const char *name) {
        for (unsigned i = 0; i < groups->len; i++) {
                Group *group = g_ptr_array_index(groups, i);
                if (g_strcmp0(group->name, name) == 0)
                        return group;
        }
        Group *group = g_new0(Group, 1);
        g_autofree char *slug = rv_slug_from(name ? name : "films");
        group->name = g_strdup(name);
        group->pool = g_strdup_printf("%.*s-%u", SLUG_MAX, slug, groups->len + 1);
        g_ptr_array_add(groups, group);
        return group;
}

static int larger_first(gconstpointer a, gconstpointer b) {
        const Group *x = *(Group *const *)a, *y = *(Group *const *)b;
        if (x->total_ms != y->total_ms)
                return x->total_ms > y->total_ms ? -1 : 1;
        return g_strcmp0(x->name, y->name);
}

static void add_programme(Library *library, const Asset *asset) {
        Group *group = group_of(library->groups, asset->kind == ASSET_EPISODE ? asset->series : NULL);
        bool clip = asset->duration_ms <= CLIP_MAX_MS;
        bool pal = asset->rate.num == 25 * asset->rate.den || asset->rate.num == 50 * asset->rate.den;
        group->n++;
        group->n_clips += clip;
        group->total_ms += asset->duration_ms;
        library->n++;
        library->n_clips += clip;
        library->total_ms += asset->duration_ms;
        if (pal)
                library->pal_ms += asset->duration_ms;
}

static void survey(Library *library, const CatalogSnapshot *catalog) {
        library->groups = g_ptr_array_new_with_free_func(group_free);
        for (uint32_t i = 0; i < catalog->n_assets; i++) {
                const Asset *asset = catalog->assets[i];
                if (!asset_eligible(asset))
                        continue;
                if (asset->kind == ASSET_EPISODE || asset->kind == ASSET_MOVIE)
                        add_programme(library, asset);
                else if (asset->kind == ASSET_FILLER)
                        library->has_filler = true;
                else
                        library->spots_ms += asset->duration_ms;
        }
        g_ptr_array_sort(library->groups, larger_first);
}

/* --- how a channel looks ----------------------------------------------------------------------------------------- */

static char *quoted(const char *text) {
        GString *out = g_string_new("\"");
        for (const char *p = text; *p; p = g_utf8_next_char(p)) {
                gunichar c = g_utf8_get_char(p);
                if (c == '"' || c == '\\')
                        g_string_append_c(out, '\\');
                if (g_unichar_isprint(c))
                        g_string_append_unichar(out, c);
                else
                        g_string_append_printf(out, "\\U%08X", (unsigned)c);
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

static bool has_spots(const Library *library) {
        return library->spots_ms >= SPOTS_MIN_MS;
}

/* Half hours are television where breaks can fill them; else a slot ends as soon after its content as may be. */
static int grid_minutes(const Library *library, int64_t mean_ms) {
        if (!has_spots(library) || mean_ms <= CLIP_MAX_MS)
                return 5;
        return mean_ms >= 15 * MINUTE_MS ? 30 : 15;
}

/* Whether clips fill what content leaves of a slot: short content leaves most of it, and black is worse. */
static bool clips_fill(const Library *library, unsigned n, int64_t total_ms) {
        if (library->has_filler || library->n_clips == 0)
                return false;
        return total_ms / n <= CLIP_MAX_MS || (!has_spots(library) && library->n_clips >= CLIPS_FOR_FILLER);
}

/* --- the files --------------------------------------------------------------------------------------------------- */

typedef struct {
        const Library *library;
        const char *id, *name;
        int number;
        const char *type; /* channel_type */
        unsigned n;       /* programmes */
        int64_t total_ms; /* of all of them */
} Head;

static void write_head(GString *out, const Head *head) {
        g_autofree char *name = quoted(head->name);
        bool pal = head->library->pal_ms > head->library->total_ms / 2;
        g_string_append_printf(
                out,
                "# Made by RetroVue from what the catalog held. It is yours: edit it and the schedule follows.\n"
                "channel: %s\nchannel_number: %d\nname: %s\nchannel_type: %s\ntimezone: %s\n"
                "format:\n  video: {width: 1280, height: 720, frame_rate: \"%s\"}\n"
                "  audio: {sample_rate: 48000, channels: 2}\n  grid_minutes: %d\n",
                head->id, head->number, name, head->type, local_zone(), pal ? "25" : "30000/1001",
                grid_minutes(head->library, head->total_ms / head->n));
}

static void write_pool(GString *out, const Group *group) {
        if (!group->name) {
                g_string_append_printf(out, "  %s: {match: {type: movie}}\n", group->pool);
                return;
        }
        g_autofree char *title = quoted(group->name);
        g_string_append_printf(out, "  %s: {match: {type: episode, series_title: %s}}\n", group->pool, title);
}

/* After the pools: what fills slots up, and whether there are breaks. */
static void write_filler(GString *out, const Head *head) {
        bool clips = clips_fill(head->library, head->n, head->total_ms);
        if (clips)
                g_string_append_printf(
                        out,
                        "  clips: {match: {type: [episode, movie], max_duration_sec: %d}}\nfiller: {pool: clips}\n",
                        (int)(CLIP_MAX_MS / 1000));
        if (!clips && !head->library->has_filler && !has_spots(head->library))
                g_string_append(out, "# No commercials, promos or filler yet: without breaks, what is left of a slot "
                                     "comes at its end.\ntraffic:\n  breaks: {per_half_hour: 0}\n");
}

static char *make_one(const Library *library, const Group *group, const char *id, int number) {
        GString *out = g_string_new(NULL);
        const char *name = group->name ? group->name : "Films";
        bool films = !group->name && group->total_ms / group->n >= 40 * MINUTE_MS;
        g_autofree char *title = quoted(name);
        Head head = {library, id, name, number, films ? "movie" : "network", group->n, group->total_ms};
        write_head(out, &head);
        g_string_append(out, "pools:\n");
        write_pool(out, group);
        write_filler(out, &head);
        g_string_append_printf(
                out,
                "schedule:\n  all_day:\n    - block: {start: \"06:00\", duration: 24h, title: %s, pool: %s, "
                "mode: %s}\n",
                title, group->pool, group->name ? "sequential" : "random");
        return g_string_free(out, FALSE);
}

static char *make_mix(const Library *library, const char *id, int number) {
        GString *out = g_string_new(NULL);
        g_autoptr(GString) pools = g_string_new(NULL);
        Head head = {library, id, "Everything", number, "network", library->n, library->total_ms};
        write_head(out, &head);
        g_string_append(out, "pools:\n");
        for (unsigned i = 0; i < MIN(library->groups->len, MIX_MAX_POOLS); i++) {
                const Group *group = g_ptr_array_index(library->groups, i);
                write_pool(out, group);
                g_string_append_printf(pools, "%s%s", i ? ", " : "", group->pool);
        }
        write_filler(out, &head);
        g_string_append_printf(
                out,
                "schedule:\n  all_day:\n    - block: {start: \"06:00\", duration: 24h, title: Everything, "
                "pool: [%s], mode: shuffle}\n",
                pools->str);
        return g_string_free(out, FALSE);
}

/* An id that no other file of ours has. Titles may differ by nothing that an id can hold. */
static char *free_id(GHashTable *files, const char *name) {
        g_autofree char *slug = rv_slug_from(name);
        for (unsigned n = 1;; n++) {
                g_autofree char *id = n == 1 ? g_strdup_printf("%.*s", SLUG_MAX, slug)
                                             : g_strdup_printf("%.*s-%u", SLUG_MAX, slug, n);
                g_autofree char *file = g_strconcat(id, ".yaml", NULL);
                if (!g_hash_table_contains(files, file))
                        return g_steal_pointer(&id);
        }
}

static void take_file(GHashTable *files, const char *id, char *take_text) {
        g_hash_table_insert(files, g_strconcat(id, ".yaml", NULL), take_text);
}

/* File name -> text. */
static GHashTable *make_files(const Library *library) {
        GHashTable *files = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        int number = 2;
        unsigned n_own = 0;
        for (unsigned i = 0; i < library->groups->len && n_own < SERIES_MAX_CHANNELS; i++) {
                const Group *group = g_ptr_array_index(library->groups, i);
                if (group->total_ms < SERIES_MIN_MS)
                        continue;
                g_autofree char *id = free_id(files, group->name ? group->name : "Films");
                take_file(files, id, make_one(library, group, id, number++));
                n_own++;
        }
        if (library->groups->len == 1 && n_own == 1) /* a mix of one thing is that thing */
                return files;
        g_autofree char *id = free_id(files, "Everything");
        take_file(files, id, make_mix(library, id, number));
        return files;
}

/* --- the folder -------------------------------------------------------------------------------------------------- */

static bool is_channel_file(const char *name) {
        return name[0] != '_' && name[0] != '.' && (g_str_has_suffix(name, ".yaml") || g_str_has_suffix(name, ".yml"));
}

/* As we left it. */
static bool is_untouched(const Starter *starter, const char *name) {
        g_autofree char *path = g_build_filename(starter->channels_dir, name, NULL), *text = NULL;
        const char *written = g_hash_table_lookup(starter->provisional, name);
        return written && g_file_get_contents(path, &text, NULL, NULL) && g_str_equal(text, written);
}

/* There is a channel file that is not ours to change. */
static bool is_taken(const Starter *starter) {
        g_autoptr(GDir) dir = g_dir_open(starter->channels_dir, 0, NULL);
        const char *name;
        while (dir && (name = g_dir_read_name(dir)))
                if (is_channel_file(name) && !is_untouched(starter, name))
                        return true;
        return false;
}

static bool save(const Starter *starter, const char *name, const char *text, GError **error) {
        g_autofree char *path = g_build_filename(starter->channels_dir, name, NULL);
        if (is_untouched(starter, name) && g_strcmp0(g_hash_table_lookup(starter->provisional, name), text) == 0)
                return true;
        rv_info("starter.channel", RV_S("file", path));
        return store_write_file(path, text, strlen(text), error);
}

static void drop_others(const Starter *starter, GHashTable *files) {
        GHashTableIter iter;
        gpointer name;
        g_hash_table_iter_init(&iter, starter->provisional);
        while (g_hash_table_iter_next(&iter, &name, NULL)) {
                g_autofree char *path = g_build_filename(starter->channels_dir, name, NULL);
                if (!g_hash_table_contains(files, name))
                        (void)g_unlink(path);
        }
}

bool starter_write(Starter *starter, const CatalogSnapshot *catalog, StarterState state, GError **error) {
        if (is_taken(starter)) {
                g_hash_table_remove_all(starter->provisional);
                return true;
        }
        g_auto(Library) library = {0};
        survey(&library, catalog);
        if (library.n == 0)
                return true;
        GHashTable *files = make_files(&library);
        GHashTableIter iter;
        gpointer name, text;
        bool good = true;
        g_hash_table_iter_init(&iter, files);
        while (good && g_hash_table_iter_next(&iter, &name, &text))
                good = save(starter, name, text, error);
        if (good)
                drop_others(starter, files);
        g_hash_table_unref(starter->provisional);
        starter->provisional = files;
        if (state == STARTER_FINAL)
                g_hash_table_remove_all(files);
        return good;
}

Starter *starter_new(const char *channels_dir) {
        Starter *starter = g_new0(Starter, 1);
        starter->channels_dir = g_strdup(channels_dir);
        starter->provisional = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        return starter;
}

void starter_free(Starter *starter) {
        if (!starter)
                return;
        g_hash_table_unref(starter->provisional);
        g_free(starter->channels_dir);
        g_free(starter);
}
