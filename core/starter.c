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
/* Of a slot; what is not content is breaks, and more of them is no television. */
#define CONTENT_PERCENT 70

static const int grids[] = {30, 15, 5}; /* minutes */

/* So many programmes, together. */
typedef struct {
        unsigned n, n_clips;
        int64_t total_ms;
        int64_t pal_ms;                        /* of it at 25 or 50 frames a second */
        int64_t slots_ms[G_N_ELEMENTS(grids)]; /* what they would occupy on each grid */
} Tally;

typedef struct {
        char *name; /* series title; NULL: films */
        char *pool; /* name of its pool */
        Tally tally;
} Group;

/* What the catalog holds, as far as channels are made of it. */
typedef struct {
        GPtrArray *groups; /* Group, the larger first */
        Tally tally;
        int64_t spots_ms; /* of what goes into breaks */
        bool has_filler;
} Holdings;

struct Starter {
        char *channels_dir;
        GHashTable *provisional; /* file name -> text, as written by us and not yet final */
        bool over;               /* the channels are the operator's */
};

/* --- what there is ----------------------------------------------------------------------------------------------- */

static void group_free(void *user) {
        Group *group = user;
        g_free(group->name);
        g_free(group->pool);
        g_free(group);
}

static void holdings_clear(Holdings *holdings) {
        g_clear_pointer(&holdings->groups, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Holdings, holdings_clear)

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
        if (x->tally.total_ms != y->tally.total_ms)
                return x->tally.total_ms > y->tally.total_ms ? -1 : 1;
        return g_strcmp0(x->name, y->name);
}

static void count(Tally *tally, const Asset *asset) {
        bool pal = asset->rate.num == 25 * asset->rate.den || asset->rate.num == 50 * asset->rate.den;
        tally->n++;
        tally->n_clips += asset->duration_ms <= CLIP_MAX_MS;
        tally->total_ms += asset->duration_ms;
        tally->pal_ms += pal ? asset->duration_ms : 0;
        for (size_t i = 0; i < G_N_ELEMENTS(grids); i++) {
                const int64_t unit_ms = grids[i] * MINUTE_MS;
                tally->slots_ms[i] += (asset->duration_ms + unit_ms - 1) / unit_ms * unit_ms;
        }
}

static void add_programme(Holdings *holdings, const Asset *asset) {
        Group *group = group_of(holdings->groups, asset->kind == ASSET_EPISODE ? asset->series : NULL);
        count(&group->tally, asset);
        count(&holdings->tally, asset);
}

static void survey(Holdings *holdings, const CatalogSnapshot *catalog) {
        holdings->groups = g_ptr_array_new_with_free_func(group_free);
        for (uint32_t i = 0; i < catalog->n_assets; i++) {
                const Asset *asset = catalog->assets[i];
                if (!asset_eligible(asset))
                        continue;
                if (asset_is_programme(asset))
                        add_programme(holdings, asset);
                else if (asset->kind == ASSET_FILLER)
                        holdings->has_filler = true;
                else
                        holdings->spots_ms += asset->duration_ms;
        }
        g_ptr_array_sort(holdings->groups, larger_first);
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

static bool has_spots(const Holdings *holdings) {
        return holdings->spots_ms >= SPOTS_MIN_MS;
}

/* Half hours are television where breaks can fill them; else a slot ends as soon after its content as may be. */
static int grid_minutes(const Holdings *holdings, const Tally *tally) {
        for (size_t i = 0; i < G_N_ELEMENTS(grids); i++)
                if (has_spots(holdings) && tally->total_ms * 100 >= tally->slots_ms[i] * CONTENT_PERCENT)
                        return grids[i];
        return grids[G_N_ELEMENTS(grids) - 1];
}

/* Whether clips fill what content leaves of a slot: short content leaves most of it, and black is worse. */
static bool clips_fill(const Holdings *holdings, const Tally *tally) {
        if (holdings->has_filler || holdings->tally.n_clips == 0)
                return false;
        return tally->total_ms / tally->n <= CLIP_MAX_MS ||
               (!has_spots(holdings) && holdings->tally.n_clips >= CLIPS_FOR_FILLER);
}

/* --- the files --------------------------------------------------------------------------------------------------- */

typedef struct {
        const Holdings *holdings;
        const char *id, *name;
        int number;
        const char *type; /* channel_type */
        const Tally *tally;
} Head;

static void write_head(GString *out, const Head *head) {
        g_autofree char *name = quoted(head->name);
        bool pal = head->holdings->tally.pal_ms > head->holdings->tally.total_ms / 2;
        g_string_append_printf(
                out,
                "# Made by RetroVue from what the catalog held. It is yours: edit it and the schedule follows.\n"
                "channel: %s\nchannel_number: %d\nname: %s\nchannel_type: %s\ntimezone: %s\n"
                "format:\n  video: {width: 1280, height: 720, frame_rate: \"%s\"}\n"
                "  audio: {sample_rate: 48000, channels: 2}\n  grid_minutes: %d\n",
                head->id, head->number, name, head->type, local_zone(), pal ? "25" : "30000/1001",
                grid_minutes(head->holdings, head->tally));
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
        bool clips = clips_fill(head->holdings, head->tally);
        if (clips)
                g_string_append_printf(
                        out,
                        "  clips: {match: {type: [episode, movie], max_duration_sec: %d}}\nfiller: {pool: clips}\n",
                        (int)(CLIP_MAX_MS / 1000));
        if (!clips && !head->holdings->has_filler && !has_spots(head->holdings))
                g_string_append(out, "# No commercials, promos or filler yet: without breaks, what is left of a slot "
                                     "comes at its end.\ntraffic:\n  breaks: {per_half_hour: 0}\n");
}

static char *make_one(const Holdings *holdings, const Group *group, const char *id, int number) {
        GString *out = g_string_new(NULL);
        const char *name = group->name ? group->name : "Films";
        bool films = !group->name && group->tally.total_ms / group->tally.n >= 40 * MINUTE_MS;
        g_autofree char *title = quoted(name);
        Head head = {holdings, id, name, number, films ? "movie" : "network", &group->tally};
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

static char *make_mix(const Holdings *holdings, const char *id, int number) {
        GString *out = g_string_new(NULL);
        g_autoptr(GString) pools = g_string_new(NULL);
        Head head = {holdings, id, "Everything", number, "network", &holdings->tally};
        write_head(out, &head);
        g_string_append(out, "pools:\n");
        for (unsigned i = 0; i < MIN(holdings->groups->len, MIX_MAX_POOLS); i++) {
                const Group *group = g_ptr_array_index(holdings->groups, i);
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
static GHashTable *make_files(const Holdings *holdings) {
        GHashTable *files = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        int number = 2;
        unsigned n_own = 0;
        for (unsigned i = 0; i < holdings->groups->len && n_own < SERIES_MAX_CHANNELS; i++) {
                const Group *group = g_ptr_array_index(holdings->groups, i);
                if (group->tally.total_ms < SERIES_MIN_MS)
                        continue;
                g_autofree char *id = free_id(files, group->name ? group->name : "Films");
                take_file(files, id, make_one(holdings, group, id, number++));
                n_own++;
        }
        if (holdings->groups->len == 1 && n_own == 1) /* a mix of one thing is that thing */
                return files;
        g_autofree char *id = free_id(files, "Everything");
        take_file(files, id, make_mix(holdings, id, number));
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
        starter->over = starter->over || is_taken(starter);
        if (starter->over)
                return true;
        g_auto(Holdings) holdings = {0};
        survey(&holdings, catalog);
        if (holdings.tally.n == 0)
                return true;
        GHashTable *files = make_files(&holdings);
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
        starter->over = good && state == STARTER_FINAL;
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
