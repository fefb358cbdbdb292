/*
 * Jellyfin's library: one wide table, TypedBaseItems of library.db up to 10.10 and BaseItems of jellyfin.db since; the
 * columns' names are the same but for the id's. What is not searched by is JSON in the column data: the folders of a
 * library (CollectionFolder), the films of a collection (BoxSet).
 */
#include <jansson.h>
#include <string.h>

#include "core/plan/catalog/import/import.h"
#include "proto/base/error.h"

#define TICKS_PER_MS 10000
#define ENTITIES "MediaBrowser.Controller.Entities."
#define OTHER_ID "other"

typedef struct {
        Foreign *db;
        ImportList *list;
        const char *table;
        const char *id_column;
        GHashTable *columns;
        GHashTable *collections; /* id or path of an item -> GPtrArray of char * */
} Jellyfin;

static void jellyfin_clear(Jellyfin *jellyfin) {
        g_clear_pointer(&jellyfin->columns, g_hash_table_unref);
        g_clear_pointer(&jellyfin->collections, g_hash_table_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Jellyfin, jellyfin_clear)

/* --- schema ------------------------------------------------------------------------------------------------------ */

static bool check_schema(Jellyfin *jellyfin, GError **error) {
        static const char *const older[] = {"guid", "type", "path", "name", NULL};
        static const char *const newer[] = {"id", "type", "path", "name", NULL};
        g_autoptr(GHashTable) columns = foreign_columns(jellyfin->db, "BaseItems", error);
        if (!columns)
                return false;
        const bool is_new = g_hash_table_size(columns) > 0;
        jellyfin->table = is_new ? "BaseItems" : "TypedBaseItems";
        jellyfin->id_column = is_new ? "Id" : "guid";
        if (!foreign_require(jellyfin->db, jellyfin->table, is_new ? newer : older, error))
                return false;
        jellyfin->columns = foreign_columns(jellyfin->db, jellyfin->table, error);
        return jellyfin->columns != NULL;
}

static bool has(const Jellyfin *jellyfin, const char *column) {
        g_autofree char *lower = g_ascii_strdown(column, -1);
        return g_hash_table_contains(jellyfin->columns, lower);
}

static void select_column(const Jellyfin *jellyfin, GString *sql, const char *column) {
        g_string_append_printf(sql, ", %s", has(jellyfin, column) ? column : "NULL");
}

/* Ids are 16 bytes in .NET's order, or text; either way they are told as 32 digits. */
static char *id_text(const char *hex, bool blob) {
        static const int order[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
        GString *text = g_string_new(NULL);
        for (const char *p = hex; p && *p && text->len < 64; p++)
                if (g_ascii_isxdigit(*p))
                        g_string_append_c(text, g_ascii_tolower(*p));
        if (blob && text->len == 32) {
                g_autofree char *raw = g_strdup(text->str);
                for (size_t i = 0; i < 16; i++)
                        memcpy(text->str + 2 * i, raw + 2 * (size_t)order[i], 2);
        }
        return g_string_free(text, FALSE);
}

static bool each_row(Jellyfin *jellyfin, const char *sql,
                     bool (*take)(Jellyfin *jellyfin, sqlite3_stmt *row, GError **error), GError **error) {
        sqlite3_stmt *query = foreign_query(jellyfin->db, sql, error);
        g_autoptr(GError) failure = NULL;
        if (!query)
                return false;
        while (foreign_row(jellyfin->db, query, &failure))
                if (!take(jellyfin, query, error))
                        return false;
        if (!failure)
                return true;
        g_propagate_error(error, g_steal_pointer(&failure));
        return false;
}

/* --- libraries and collections ----------------------------------------------------------------------------------- */

/* The first of them is often Jellyfin's own, "%AppDataPath%/root/...": nothing is in it. */
static char **folders_of(const json_t *list) {
        g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
        size_t i;
        const json_t *item;
        json_array_foreach(list, i, item) {
                const char *text = json_string_value(item);
                if (text && text[0] && text[0] != '%')
                        g_strv_builder_add(builder, text);
        }
        return g_strv_builder_end(builder);
}

static ImportLibrary *add_library(Jellyfin *jellyfin, char *take_id, char *take_name, char **take_roots) {
        ImportLibrary *library = g_new0(ImportLibrary, 1);
        library->id = take_id;
        library->name = take_name ? take_name : g_strdup("Jellyfin");
        library->roots = take_roots;
        g_ptr_array_add(jellyfin->list->libraries, library);
        return library;
}

static bool take_library(Jellyfin *jellyfin, sqlite3_stmt *row, GError **error) {
        const char *data = foreign_text(row, 3);
        json_t *document = data ? json_loads(data, 0, NULL) : NULL;
        add_library(jellyfin, id_text(foreign_text(row, 0), foreign_int(row, 1) != 0),
                    import_text(foreign_text(row, 2)), folders_of(json_object_get(document, "PhysicalLocationsList")));
        json_decref(document);
        return true;
}

static void add_to_collection(Jellyfin *jellyfin, const char *item, const char *collection) {
        GPtrArray *names = g_hash_table_lookup(jellyfin->collections, item);
        if (!names) {
                names = g_ptr_array_new_with_free_func(g_free);
                g_hash_table_replace(jellyfin->collections, g_strdup(item), names);
        }
        g_ptr_array_add(names, g_strdup(collection));
}

static bool take_collection(Jellyfin *jellyfin, sqlite3_stmt *row, GError **error) {
        g_autofree char *name = import_text(foreign_text(row, 2));
        const char *data = foreign_text(row, 3);
        json_t *document = name && data ? json_loads(data, 0, NULL) : NULL;
        size_t i;
        const json_t *child;
        json_array_foreach(json_object_get(document, "LinkedChildren"), i, child) {
                const char *path = json_string_value(json_object_get(child, "Path"));
                const char *raw = json_string_value(json_object_get(child, "ItemId"));
                g_autofree char *id = raw ? id_text(raw, false) : NULL;
                if (path)
                        add_to_collection(jellyfin, path, name);
                else if (id && id[0])
                        add_to_collection(jellyfin, id, name);
        }
        json_decref(document);
        return true;
}

static char *rows_of_type(const Jellyfin *jellyfin, const char *type) {
        return g_strdup_printf("SELECT CASE typeof(%s) WHEN 'blob' THEN hex(%s) ELSE %s END, typeof(%s) = 'blob', "
                               "Name, %s FROM %s WHERE type = '" ENTITIES "%s' ORDER BY 1",
                               jellyfin->id_column, jellyfin->id_column, jellyfin->id_column, jellyfin->id_column,
                               has(jellyfin, "data") ? "data" : "NULL", jellyfin->table, type);
}

/* What lies in none of the libraries is in one more, unless some were asked for. */
static bool read_libraries(Jellyfin *jellyfin, const char *const *sections, GError **error) {
        g_autofree char *folders = rows_of_type(jellyfin, "CollectionFolder");
        g_autofree char *box_sets = rows_of_type(jellyfin, "Movies.BoxSet");
        if (!each_row(jellyfin, folders, take_library, error) ||
            !each_row(jellyfin, box_sets, take_collection, error) ||
            !import_list_choose(jellyfin->list, sections, error))
                return false;
        if (!sections || !sections[0])
                add_library(jellyfin, g_strdup(OTHER_ID), NULL, g_new0(char *, 1));
        return true;
}

static bool lies_below(const char *path, const char *root) {
        const size_t n = strlen(root);
        return strncmp(path, root, n) == 0 && (path[n] == '/' || path[n] == '\\' || root[n - 1] == '/');
}

static const ImportLibrary *library_of(const Jellyfin *jellyfin, const char *path) {
        const ImportLibrary *best = import_list_library(jellyfin->list, OTHER_ID);
        size_t length = 0;
        for (guint i = 0; i < jellyfin->list->libraries->len; i++) {
                const ImportLibrary *library = jellyfin->list->libraries->pdata[i];
                for (char **root = library->roots; *root; root++)
                        if (strlen(*root) > length && lies_below(path, *root)) {
                                length = strlen(*root);
                                best = library;
                        }
        }
        return best;
}

/* --- films and episodes ------------------------------------------------------------------------------------------ */

enum {
        COLUMN_ID,
        COLUMN_IS_BLOB,
        COLUMN_IS_EPISODE,
        COLUMN_PATH,
        COLUMN_NAME,
        COLUMN_HAS_PARTS,
        COLUMN_SERIES,
        COLUMN_SEASON,
        COLUMN_EPISODE,
        COLUMN_GENRES,
        COLUMN_STUDIOS,
        COLUMN_TAGS,
        COLUMN_RATING,
        COLUMN_YEAR,
        COLUMN_DAY,
        COLUMN_ADDED,
        COLUMN_OVERVIEW,
        COLUMN_TICKS,
};

/* Not: episodes that only the guide knows, extras of a film, its other versions. */
static void leave_out(const Jellyfin *jellyfin, GString *sql) {
        if (has(jellyfin, "IsVirtualItem"))
                g_string_append(sql, " AND IFNULL(IsVirtualItem, 0) = 0");
        if (has(jellyfin, "ExtraType"))
                g_string_append(sql, " AND ExtraType IS NULL");
        if (has(jellyfin, "OwnerId"))
                g_string_append(sql, " AND (OwnerId IS NULL OR replace(replace(OwnerId, '-', ''), '0', '') = '')");
        if (has(jellyfin, "PrimaryVersionId"))
                g_string_append(sql, " AND IFNULL(PrimaryVersionId, '') = ''");
}

static char *items_sql(const Jellyfin *jellyfin) {
        static const char *const columns[] = {
                "SeriesName",     "ParentIndexNumber", "IndexNumber",  "Genres",      "Studios",  "Tags",
                "OfficialRating", "ProductionYear",    "PremiereDate", "DateCreated", "Overview", "RunTimeTicks"};
        const char *id = jellyfin->id_column;
        GString *sql = g_string_new(NULL);
        g_string_append_printf(sql,
                               "SELECT CASE typeof(%s) WHEN 'blob' THEN hex(%s) ELSE %s END, typeof(%s) = 'blob', "
                               "type = '" ENTITIES "TV.Episode', Path, Name, %s",
                               id, id, id, id,
                               has(jellyfin, "data") ? "instr(data, '\"AdditionalParts\":[\"') > 0" : "0");
        for (size_t i = 0; i < G_N_ELEMENTS(columns); i++)
                select_column(jellyfin, sql, columns[i]);
        g_string_append_printf(sql,
                               " FROM %s WHERE type IN ('" ENTITIES "TV.Episode', '" ENTITIES
                               "Movies.Movie', '" ENTITIES "Video') AND Path IS NOT NULL",
                               jellyfin->table);
        leave_out(jellyfin, sql);
        g_string_append(sql, " ORDER BY 1");
        return g_string_free(sql, FALSE);
}

/* "Drama|Comedy" */
static char **split(const char *text) {
        g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
        g_autofree char *clean = import_paragraph(text);
        g_auto(GStrv) parts = clean ? g_strsplit(clean, "|", -1) : NULL;
        for (size_t i = 0; parts && parts[i]; i++)
                if (parts[i][0])
                        g_strv_builder_add(builder, parts[i]);
        return g_strv_builder_end(builder);
}

static int32_t small(int64_t number) {
        return number >= 0 && number <= 99999 ? (int32_t)number : 0;
}

static void add_names(GStrvBuilder *builder, const GPtrArray *names) {
        for (guint i = 0; names && i < names->len; i++)
                g_strv_builder_add(builder, names->pdata[i]);
}

static char **collections_of(const Jellyfin *jellyfin, const char *id, const char *path) {
        g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
        add_names(builder, g_hash_table_lookup(jellyfin->collections, id));
        add_names(builder, g_hash_table_lookup(jellyfin->collections, path));
        return g_strv_builder_end(builder);
}

static void read_texts(ImportItem *item, sqlite3_stmt *row) {
        g_auto(GStrv) studios = split(foreign_text(row, COLUMN_STUDIOS));
        item->title = import_text(foreign_text(row, COLUMN_NAME));
        item->series = import_text(foreign_text(row, COLUMN_SERIES));
        item->rating = import_text(foreign_text(row, COLUMN_RATING));
        item->studio = g_strdup(studios[0]);
        item->description = import_paragraph(foreign_text(row, COLUMN_OVERVIEW));
        item->air_date = foreign_day(row, COLUMN_DAY);
        item->genres = split(foreign_text(row, COLUMN_GENRES));
        item->labels = split(foreign_text(row, COLUMN_TAGS));
}

static bool take_item(Jellyfin *jellyfin, sqlite3_stmt *row, GError **error) {
        const char *path = foreign_path(row, COLUMN_PATH);
        const ImportLibrary *library = path ? library_of(jellyfin, path) : NULL;
        if (!path || foreign_int(row, COLUMN_HAS_PARTS)) {
                g_autofree char *title = import_text(foreign_text(row, COLUMN_NAME));
                import_list_skip(jellyfin->list, "\"%s\" %s", title ? title : "An item",
                                 path ? "has several parts: join them in one file." : "has no path that is a text.");
                return true;
        }
        if (!library)
                return true;
        const bool episode = foreign_int(row, COLUMN_IS_EPISODE) != 0;
        g_autofree char *id = id_text(foreign_text(row, COLUMN_ID), foreign_int(row, COLUMN_IS_BLOB) != 0);
        ImportItem *item = g_new0(ImportItem, 1);
        item->path = g_strdup(path);
        item->key = id[0] ? g_strconcat("jellyfin:", id, NULL) : NULL;
        item->library = library;
        item->kind = episode ? ASSET_EPISODE : ASSET_MOVIE;
        item->season = foreign_text(row, COLUMN_SEASON) ? small(foreign_int(row, COLUMN_SEASON)) : -1;
        item->episode = foreign_text(row, COLUMN_EPISODE) ? small(foreign_int(row, COLUMN_EPISODE)) : -1;
        item->year = small(foreign_int(row, COLUMN_YEAR));
        item->hint_ms = foreign_int(row, COLUMN_TICKS) / TICKS_PER_MS;
        item->added_utc_ms = foreign_utc_ms(row, COLUMN_ADDED);
        read_texts(item, row);
        item->collections = collections_of(jellyfin, id, path);
        return import_list_add(jellyfin->list, item, error);
}

bool jellyfin_read(Foreign *db, const char *const *sections, ImportList *list, GError **error) {
        g_auto(Jellyfin) jellyfin = {
                .db = db,
                .list = list,
                .collections =
                        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref),
        };
        if (!check_schema(&jellyfin, error) || !read_libraries(&jellyfin, sections, error))
                return false;
        g_autofree char *sql = items_sql(&jellyfin);
        return each_row(&jellyfin, sql, take_item, error);
}
