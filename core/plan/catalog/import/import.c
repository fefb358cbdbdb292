#include "core/plan/catalog/import/import.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/plan/catalog/catalog_store.h"
#include "core/plan/catalog/import/place.h"
#include "core/plan/catalog/names.h"
#include "proto/base/error.h"
#include "proto/base/hash.h"
#include "proto/base/id.h"
#include "proto/base/log.h"

#define EDITORIAL_RULES "1" /* rises when the same item is read differently */
#define MAX_DURATION_MS (48 * 3600 * INT64_C(1000))

typedef struct {
        Store *store;
        const CatalogImportOptions *options;
        CatalogImportReport report;
        const char *whose;
        char *prefix; /* of the origins of this database: "plex:/path#" */
        ImportList *list;
        Places *places;
        GHashTable *taken; /* uris of what this import has put or left */
} Import;

static void import_clear(Import *import) {
        g_free(import->prefix);
        g_clear_pointer(&import->list, import_list_free);
        g_clear_pointer(&import->places, places_free);
        g_clear_pointer(&import->taken, g_hash_table_unref);
        catalog_import_report_clear(&import->report);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Import, import_clear)

static const char *const kind_names[] = {[CATALOG_PLEX] = "plex", [CATALOG_JELLYFIN] = "jellyfin"};
static const char *const display_names[] = {[CATALOG_PLEX] = "Plex", [CATALOG_JELLYFIN] = "Jellyfin"};

const char *catalog_source_kind_name(CatalogSourceKind kind) {
        g_assert(kind >= CATALOG_PLEX && kind < G_N_ELEMENTS(kind_names));
        return kind_names[kind];
}

CatalogSourceKind catalog_source_kind_from_name(const char *name) {
        for (CatalogSourceKind kind = CATALOG_PLEX; kind < G_N_ELEMENTS(kind_names); kind++)
                if (g_str_equal(kind_names[kind], name))
                        return kind;
        return 0;
}

void catalog_import_report_clear(CatalogImportReport *report) {
        g_clear_pointer(&report->notes, g_strfreev);
}

/* --- one item's editorial data ----------------------------------------------------------------------------------- */

static void append_texts(GString *text, char *const *texts) {
        for (size_t i = 0; texts && texts[i]; i++)
                g_string_append_printf(text, "%s\x1f", texts[i]);
        g_string_append_c(text, '\x1e');
}

static void append_text(GString *text, const char *part) {
        g_string_append_printf(text, "%s\x1e", part ? part : "\x1d");
}

/* SHA-256 of all that an asset's editorial data are made from. */
static char *stamp_of(const ImportItem *item) {
        g_autoptr(GString) text = g_string_new(EDITORIAL_RULES "\x1e");
        const char *const parts[] = {item->path,   item->key,    item->library->name, item->title,   item->series,
                                     item->rating, item->studio, item->description,   item->air_date};
        for (size_t i = 0; i < G_N_ELEMENTS(parts); i++)
                append_text(text, parts[i]);
        g_string_append_printf(text, "%d %d %d %d %" G_GINT64_FORMAT "\x1e", (int)item->kind, item->season,
                               item->episode, item->year, item->hint_ms);
        append_texts(text, item->genres);
        append_texts(text, item->collections);
        append_texts(text, item->labels);
        char hex[RV_SHA256_HEX_SIZE];
        rv_sha256_hex(text->str, text->len, hex);
        return g_strdup(hex);
}

/* The path below its library's folder; without one, what a person would call the end of it. */
static const char *relative_of(const ImportItem *item) {
        for (size_t i = 0; item->library->roots[i]; i++) {
                const char *root = item->library->roots[i];
                if (walk_below(item->path, root))
                        return item->path + strlen(root) + (g_str_has_suffix(root, "/") ? 0 : 1);
        }
        const char *start = item->path + strlen(item->path);
        for (int slashes = 0; start > item->path && slashes < 3; slashes += *start == '/')
                start--;
        return *start == '/' ? start + 1 : start;
}

/* What the path says: it fills in what the source leaves open, and tells a commercial from a film. */
static Asset *asset_of_path(const ImportItem *item) {
        g_autofree char *relative = g_strdup(relative_of(item));
        if (item->path[0] != '/')
                g_strdelimit(relative, "\\", '/');
        const WalkFile file = {.root_name = item->library->name, .relative = relative};
        Asset *asset = asset_new();
        names_read(asset, &file);
        return asset;
}

/* Texts that differ in nothing but their case are one. */
static char **unique(char *const *texts, char *const *more) {
        g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
        for (size_t i = 0; texts && texts[i]; i++)
                if (g_hash_table_add(seen, g_utf8_casefold(texts[i], -1)))
                        g_strv_builder_add(builder, texts[i]);
        for (size_t i = 0; more && more[i]; i++) {
                g_autofree char *lower = g_utf8_strdown(more[i], -1);
                if (g_hash_table_add(seen, g_utf8_casefold(lower, -1)))
                        g_strv_builder_add(builder, lower);
        }
        return g_strv_builder_end(builder);
}

static void set_text(char **field, const char *text) {
        g_free(*field);
        *field = g_strdup(text);
}

static void set_texts(char ***field, char **take_texts) {
        g_strfreev(*field);
        *field = take_texts;
}

static void set_numbers(Asset *asset, const ImportItem *item, const Asset *named) {
        const bool episode = asset->kind == ASSET_EPISODE;
        set_text(&asset->series, episode ? (item->series ? item->series : named->series) : NULL);
        asset->season = !episode ? 0 : item->season >= 0 ? item->season : named->season;
        asset->episode = !episode ? 0 : item->episode >= 0 ? item->episode : named->episode;
        asset->year = item->year ? item->year : named->year;
}

/* INV-ASSET-PROBE-ONLY-FIELD-AUTHORITY-001: of the length only a hint is kept. */
static void read_editorial(CatalogRow *row, const ImportItem *item) {
        Asset *asset = row->asset, *named = asset_of_path(item);
        asset->kind = named->kind >= ASSET_COMMERCIAL ? named->kind : item->kind;
        set_numbers(asset, item, named);
        set_text(&asset->title, item->title ? item->title : named->title);
        set_text(&asset->rating, item->rating);
        set_text(&asset->studio, item->studio);
        set_text(&asset->description, item->description);
        set_text(&asset->air_date, item->air_date);
        set_text(&asset->library, item->library->name);
        set_texts(&asset->genres, unique(item->genres, NULL));
        set_texts(&asset->collections, unique(item->collections, NULL));
        set_texts(&asset->tags, unique(named->tags, item->labels));
        asset->hint_ms = CLAMP(item->hint_ms, 0, MAX_DURATION_MS);
        asset_free(named);
        const char *const aliases[] = {item->key, NULL};
        set_texts(&row->aliases, g_strdupv((char **)aliases));
}

/* --- one item's row ---------------------------------------------------------------------------------------------- */

static bool commit_row(Import *import, CatalogRow *row, GError **error) {
        g_hash_table_add(import->taken, g_strdup(row->asset->uri));
        return catalog_store_put(import->store, row, error);
}

static CatalogRow *new_row(Import *import, const char *uri, const ImportItem *item, GError **error) {
        char id[RV_UUID_SIZE];
        if (!catalog_store_name(import->store, uri, id, error))
                return NULL;
        CatalogRow *row = catalog_row_new();
        row->asset->id = g_strdup(id);
        row->asset->uri = g_strdup(uri);
        const int64_t now = rv_clock_utc_ms(import->options->clock);
        row->asset->added_utc_ms = item->added_utc_ms > 0 && item->added_utc_ms < now ? item->added_utc_ms : now;
        return row;
}

/* A measured file that is gone says so by itself; one that never was needs the source's word. */
static void set_present(CatalogRow *row, const Import *import, const ImportItem *item, PlaceState state) {
        Asset *asset = row->asset;
        row->present = state == PLACE_THERE || (state == PLACE_UNKNOWN && row->present);
        if (asset->state != ASSET_NEW && asset->state != ASSET_READY)
                return;
        g_clear_pointer(&asset->reason, g_free);
        if (!row->present && asset->state == ASSET_NEW)
                asset->reason =
                        g_strdup_printf("%s says that it is %s, and it is not there.", import->whose, item->path);
}

/* The same file of a second item: one more name for it. */
static bool add_names(Import *import, const char *uri, const ImportItem *item, GError **error) {
        g_autoptr(CatalogRow) row = catalog_store_find(import->store, uri, error);
        if (!row)
                return false;
        const char *asset_id = row->asset->id;
        if (item->key && !catalog_store_put_alias(import->store, asset_id, item->key, error))
                return false;
        if (item->kind != ASSET_EPISODE || !item->series || item->episode < 0)
                return true;
        g_autofree char *alias = catalog_episode_alias(item->series, MAX(item->season, 0), item->episode);
        return catalog_store_put_alias(import->store, asset_id, alias, error);
}

static bool is_same(const CatalogRow *row, const char *origin, const char *stamp, PlaceState state) {
        return g_strcmp0(row->origin, origin) == 0 && g_strcmp0(row->stamp, stamp) == 0 &&
               (state == PLACE_UNKNOWN || row->present == (state == PLACE_THERE));
}

/* The row of a file that was elsewhere when it was last named, and is there no more. */
static CatalogRow *moved_row(Import *import, const char *uri, GError **error) {
        struct stat status;
        if (stat(uri, &status) != 0)
                return NULL;
        g_autoptr(CatalogRow) row = catalog_store_find_moved(import->store, uri, status.st_size, import->prefix, error);
        const int64_t mtime_ns = status.st_mtim.tv_sec * INT64_C(1000000000) + status.st_mtim.tv_nsec;
        if (!row || !catalog_store_move(import->store, row, uri, mtime_ns, error))
                return NULL;
        return g_steal_pointer(&row);
}

/* Known under this path, or under another one; NULL without an error: it is new. */
static CatalogRow *known_row(Import *import, const ImportPlace *place, GError **error) {
        g_autoptr(GError) failure = NULL;
        CatalogRow *row = catalog_store_find(import->store, place->uri, &failure);
        if (!row && !failure && place->state == PLACE_THERE)
                row = moved_row(import, place->uri, &failure);
        if (failure)
                g_propagate_error(error, g_steal_pointer(&failure));
        return row;
}

/* INV-CATALOG-008: what is known is renewed, what was measured stays measured. */
static bool take_item(Import *import, const ImportItem *item, const ImportPlace *place, GError **error) {
        if (g_hash_table_contains(import->taken, place->uri))
                return add_names(import, place->uri, item, error);
        g_autofree char *origin = g_strconcat(import->prefix, item->library->id, NULL);
        g_autofree char *stamp = stamp_of(item);
        g_autoptr(GError) failure = NULL;
        g_autoptr(CatalogRow) row = known_row(import, place, &failure);
        if (failure) {
                g_propagate_error(error, g_steal_pointer(&failure));
                return false;
        }
        import->report.found++;
        import->report.missing += place->state == PLACE_MISSING;
        if (row && is_same(row, origin, stamp, place->state)) {
                import->report.unchanged++;
                g_hash_table_add(import->taken, g_strdup(place->uri));
                return true;
        }
        import->report.added += row == NULL;
        import->report.changed += row != NULL;
        if (!row && !(row = new_row(import, place->uri, item, error)))
                return false;
        set_text(&row->origin, origin);
        set_text(&row->stamp, stamp);
        set_text(&row->asset->source, kind_names[import->options->kind]);
        read_editorial(row, item);
        set_present(row, import, item, place->state);
        return commit_row(import, row, error);
}

/* --- all items --------------------------------------------------------------------------------------------------- */

/* The first of a group's files that is there, else the first. Returns how many the group has. */
static guint choose(Import *import, guint first, guint *ret_chosen, ImportPlace *ret_place) {
        const GPtrArray *items = import->list->items;
        const ImportItem *item = items->pdata[first];
        guint n = 1;
        *ret_chosen = first;
        places_find(import->places, item->path, ret_place);
        for (; item->group && first + n < items->len; n++) {
                const ImportItem *other = items->pdata[first + n];
                if (g_strcmp0(item->group, other->group) != 0)
                        break;
                if (ret_place->state == PLACE_THERE)
                        continue;
                g_auto(ImportPlace) place = {0};
                places_find(import->places, other->path, &place);
                if (place.state != PLACE_THERE)
                        continue;
                import_place_clear(ret_place);
                *ret_place = place;
                place = (ImportPlace){0};
                *ret_chosen = first + n;
        }
        return n;
}

static bool write_items(Import *import, GError **error) {
        const GPtrArray *items = import->list->items;
        for (guint i = 0; i < items->len;) {
                g_auto(ImportPlace) place = {0};
                guint chosen;
                if (import->options->stop && atomic_load(import->options->stop)) {
                        g_set_error_literal(error, RV_ERROR, RV_ERROR_UNAVAILABLE, "the import was stopped");
                        return false;
                }
                const guint n = choose(import, i, &chosen, &place);
                if (!take_item(import, items->pdata[chosen], &place, error))
                        return false;
                for (const guint end = i + n; i < end; i++) { /* what comes next has its room */
                        import_item_free(items->pdata[i]);
                        items->pdata[i] = NULL;
                }
        }
        return true;
}

/* A library that was read now, or one that is gone, when all were read. */
static bool is_covered(const Import *import, const char *origin) {
        const bool all = !import->options->sections || !import->options->sections[0];
        return all || import_list_library(import->list, origin + strlen(import->prefix));
}

/* From now on its folder describes it, if that is scanned: there it may still be. */
static bool vanish(Import *import, CatalogRow *row, GError **error) {
        Asset *asset = row->asset;
        import->report.vanished++;
        if (asset->state == ASSET_NEW)
                return catalog_store_forget(import->store, asset->id, error);
        row->present = false;
        g_clear_pointer(&row->origin, g_free);
        g_clear_pointer(&row->stamp, g_free);
        row->stamp = g_strdup("");
        if (asset->state == ASSET_READY) {
                g_free(asset->reason);
                asset->reason = g_strdup_printf("%s no longer has it in its library.", import->whose);
        }
        return catalog_store_put(import->store, row, error);
}

/* Paths of this database's assets that were not taken now; NULL on failure. */
static char **untaken_paths(Import *import, GError **error) {
        g_autoptr(GStrvBuilder) paths = g_strv_builder_new();
        g_autoptr(GError) failure = NULL;
        sqlite3_stmt *query = store_query(import->store, error,
                                          "SELECT uri, origin FROM asset WHERE substr(origin, 1, length(?1)) = ?1 "
                                          "AND state <> ?2 ORDER BY uri",
                                          "si", import->prefix, (int64_t)ASSET_RETIRED);
        if (!query)
                return NULL;
        while (store_row(import->store, query, &failure))
                if (is_covered(import, store_text(query, 1)) &&
                    !g_hash_table_contains(import->taken, store_text(query, 0)))
                        g_strv_builder_add(paths, store_text(query, 0));
        if (!failure)
                return g_strv_builder_end(paths);
        g_propagate_error(error, g_steal_pointer(&failure));
        return NULL;
}

/* INV-CATALOG-009: what the source no longer has is not planned. */
static bool write_vanished(Import *import, GError **error) {
        g_auto(GStrv) paths = untaken_paths(import, error);
        for (size_t i = 0; paths && paths[i]; i++) {
                g_autoptr(CatalogRow) row = catalog_store_find(import->store, paths[i], error);
                if (!row || !vanish(import, row, error))
                        return false;
        }
        return paths != NULL;
}

static bool write_all(Import *import, GError **error) {
        if (!store_begin(import->store, error))
                return false;
        const bool good = write_items(import, error) && write_vanished(import, error);
        const CatalogImportReport *report = &import->report;
        const bool changed = report->added + report->changed + report->vanished > 0;
        if (good && (!changed || catalog_store_bump(import->store, error)))
                return store_commit(import->store, error);
        store_rollback(import->store);
        return false;
}

/* --- the whole --------------------------------------------------------------------------------------------------- */

static bool read_all(Import *import, GError **error) {
        const CatalogImportOptions *options = import->options;
        char resolved[PATH_MAX];
        if (!realpath(options->path, resolved)) {
                rv_error_set_errno(error, errno, "%s database %s cannot be read", import->whose, options->path);
                return false;
        }
        import->prefix = g_strconcat(kind_names[options->kind], ":", resolved, "#", NULL);
        g_autoptr(Foreign) foreign = foreign_open(resolved, import->whose, options->stop, error);
        if (!foreign)
                return false;
        bool (*read)(Foreign *, const char *const *, ImportList *, GError **) =
                options->kind == CATALOG_PLEX ? plex_read : jellyfin_read;
        if (!read(foreign, options->sections, import->list, error) || !foreign_finish(foreign, error))
                return false;
        if (foreign_lacks_log(foreign))
                g_ptr_array_insert(import->list->notes, 0,
                                   g_strdup_printf("%s-wal may not be opened by this user: what %s wrote last was not "
                                                   "seen.",
                                                   resolved, import->whose));
        return true;
}

/* A library whose folder is not there is the likeliest reason why its files are not. */
static void note_roots(const Import *import, GStrvBuilder *notes) {
        for (guint i = 0; import->report.missing > 0 && i < import->list->libraries->len; i++) {
                const ImportLibrary *library = import->list->libraries->pdata[i];
                for (char **root = library->roots; *root; root++) {
                        g_autofree char *dir = places_map(import->places, *root);
                        if (g_file_test(dir, G_FILE_TEST_IS_DIR))
                                continue;
                        g_autofree char *note = g_strdup_printf(
                                "%s has \"%s\" below %s, and there is no folder %s here: say where it is with --map "
                                "%s=FOLDER.",
                                import->whose, library->name, *root, dir, *root);
                        g_strv_builder_add(notes, note);
                }
        }
}

static void finish_report(Import *import) {
        g_autoptr(GStrvBuilder) notes = g_strv_builder_new();
        note_roots(import, notes);
        for (guint i = 0; i < import->list->notes->len; i++)
                g_strv_builder_add(notes, import->list->notes->pdata[i]);
        import->report.skipped = import->list->n_skipped;
        import->report.notes = g_strv_builder_end(notes);
        rv_info("catalog.imported", RV_S("source", import->prefix), RV_I("found", import->report.found),
                RV_I("added", import->report.added), RV_I("changed", import->report.changed),
                RV_I("unchanged", import->report.unchanged), RV_I("missing", import->report.missing),
                RV_I("vanished", import->report.vanished), RV_I("skipped", import->report.skipped));
}

bool catalog_import(Store *store, const CatalogImportOptions *options, CatalogImportReport *ret_report,
                    GError **error) {
        g_auto(Import) import = {
                .store = store,
                .options = options,
                .whose = display_names[options->kind],
                .list = import_list_new(),
                .taken = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
        };
        import.places = places_new(options->maps, error);
        if (!import.places || !read_all(&import, error) || !write_all(&import, error))
                return false;
        finish_report(&import);
        *ret_report = import.report;
        import.report = (CatalogImportReport){0};
        return true;
}
