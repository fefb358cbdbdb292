/*
 * Plex's com.plexapp.plugins.library.db. A film or an episode is a row of metadata_items; an episode's parent is its
 * season, whose parent is the show. Each has media_items (versions), each of those media_parts (files). Genres,
 * collections and labels are tags, joined by taggings. Columns came and went over the years: what is not needed may be
 * missing.
 */
#include <string.h>

#include "core/plan/catalog/import/import.h"
#include "proto/base/error.h"

enum { TYPE_MOVIE = 1, TYPE_SHOW = 2, TYPE_SEASON = 3, TYPE_EPISODE = 4 };
enum { TAG_GENRE = 1, TAG_COLLECTION = 2, TAG_LABEL = 11 };

/* A show or a season. */
typedef struct {
        int64_t parent;
        int32_t number;
        char *title, *rating, *studio;
} Container;

/* What tags a film, episode or show has. */
typedef struct {
        GPtrArray *genres, *collections, *labels; /* const char *, interned in Plex.texts; NULL = none */
} Tags;

typedef struct {
        Foreign *db;
        ImportList *list;
        GHashTable *meta_columns, *media_columns, *part_columns; /* of metadata_items, media_items, media_parts */
        GHashTable *containers;                                  /* id -> Container */
        GHashTable *tags;                                        /* id of a metadata item -> Tags */
        GHashTable *tag_names;                                   /* id of a tag -> Tag */
        int64_t last_media;                                      /* of the row before */
        bool last_kept;                                          /* it is the list's last item */
} Plex;

typedef struct {
        int type;
        char *text;
} Tag;

static void container_free(void *data) {
        Container *container = data;
        g_free(container->title);
        g_free(container->rating);
        g_free(container->studio);
        g_free(container);
}

static void tags_free(void *data) {
        Tags *tags = data;
        g_clear_pointer(&tags->genres, g_ptr_array_unref);
        g_clear_pointer(&tags->collections, g_ptr_array_unref);
        g_clear_pointer(&tags->labels, g_ptr_array_unref);
        g_free(tags);
}

static void tag_free(void *data) {
        Tag *tag = data;
        g_free(tag->text);
        g_free(tag);
}

static void plex_clear(Plex *plex) {
        g_clear_pointer(&plex->meta_columns, g_hash_table_unref);
        g_clear_pointer(&plex->media_columns, g_hash_table_unref);
        g_clear_pointer(&plex->part_columns, g_hash_table_unref);
        g_clear_pointer(&plex->containers, g_hash_table_unref);
        g_clear_pointer(&plex->tags, g_hash_table_unref);
        g_clear_pointer(&plex->tag_names, g_hash_table_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Plex, plex_clear)

static GHashTable *by_number(GDestroyNotify free_value) {
        return g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, free_value);
}

static int64_t *number_key(int64_t number) {
        return g_memdup2(&number, sizeof(number));
}

/* Season and episode numbers and years; what is no such number is none. */
static int32_t small(int64_t number) {
        return number >= 0 && number <= 99999 ? (int32_t)number : 0;
}

/* --- schema ------------------------------------------------------------------------------------------------------ */

static bool check_schema(Plex *plex, GError **error) {
        static const char *const meta[] = {"id", "library_section_id", "parent_id", "metadata_type", "title", "index",
                                           NULL};
        static const char *const media[] = {"id", "metadata_item_id", NULL};
        static const char *const part[] = {"id", "media_item_id", "file", NULL};
        static const char *const section[] = {"id", "name", NULL};
        if (!foreign_require(plex->db, "metadata_items", meta, error) ||
            !foreign_require(plex->db, "media_items", media, error) ||
            !foreign_require(plex->db, "media_parts", part, error) ||
            !foreign_require(plex->db, "library_sections", section, error))
                return false;
        plex->meta_columns = foreign_columns(plex->db, "metadata_items", error);
        plex->media_columns = plex->meta_columns ? foreign_columns(plex->db, "media_items", error) : NULL;
        plex->part_columns = plex->media_columns ? foreign_columns(plex->db, "media_parts", error) : NULL;
        return plex->part_columns != NULL;
}

/* ", m.name", or ", NULL" where this version has no such column. */
static void select_column(GString *sql, GHashTable *columns, char table, const char *name) {
        if (g_hash_table_contains(columns, name))
                g_string_append_printf(sql, ", %c.\"%s\"", table, name);
        else
                g_string_append(sql, ", NULL");
}

/* What is in the trash. */
static void leave_out_deleted(GString *sql, GHashTable *columns, char table) {
        if (g_hash_table_contains(columns, "deleted_at"))
                g_string_append_printf(sql, " AND %c.deleted_at IS NULL", table);
}

/* --- libraries --------------------------------------------------------------------------------------------------- */

/* Steps through a query. take is called for each row; false from it ends all. */
static bool each_row(Plex *plex, const char *sql, bool (*take)(Plex *plex, sqlite3_stmt *row, GError **error),
                     GError **error) {
        sqlite3_stmt *query = foreign_query(plex->db, sql, error);
        g_autoptr(GError) failure = NULL;
        if (!query)
                return false;
        while (foreign_row(plex->db, query, &failure))
                if (!take(plex, query, error))
                        return false;
        if (!failure)
                return true;
        g_propagate_error(error, g_steal_pointer(&failure));
        return false;
}

static bool take_section(Plex *plex, sqlite3_stmt *row, GError **error) {
        ImportLibrary *library = g_new0(ImportLibrary, 1);
        library->id = g_strdup_printf("%" G_GINT64_FORMAT, foreign_int(row, 0));
        library->name = import_text(foreign_text(row, 1));
        library->roots = g_new0(char *, 1);
        if (!library->name)
                library->name = g_strdup_printf("Library %s", library->id);
        g_ptr_array_add(plex->list->libraries, library);
        return true;
}

static bool take_location(Plex *plex, sqlite3_stmt *row, GError **error) {
        g_autofree char *id = g_strdup_printf("%" G_GINT64_FORMAT, foreign_int(row, 0));
        ImportLibrary *library = (ImportLibrary *)import_list_library(plex->list, id);
        const char *root = foreign_path(row, 1);
        if (!library || !root)
                return true;
        const guint n = g_strv_length(library->roots);
        library->roots = g_renew(char *, library->roots, n + 2);
        library->roots[n] = g_strdup(root);
        library->roots[n + 1] = NULL;
        return true;
}

static bool read_libraries(Plex *plex, const char *const *sections, GError **error) {
        g_autoptr(GHashTable) locations = foreign_columns(plex->db, "section_locations", error);
        if (!locations || !each_row(plex, "SELECT id, name FROM library_sections ORDER BY id", take_section, error))
                return false;
        if (!import_list_choose(plex->list, sections, error))
                return false;
        if (!g_hash_table_contains(locations, "library_section_id") || !g_hash_table_contains(locations, "root_path"))
                return true;
        return each_row(plex, "SELECT library_section_id, root_path FROM section_locations ORDER BY 1, 2",
                        take_location, error);
}

/* --- shows, seasons, tags ---------------------------------------------------------------------------------------- */

static bool take_container(Plex *plex, sqlite3_stmt *row, GError **error) {
        Container *container = g_new0(Container, 1);
        container->parent = foreign_int(row, 1);
        container->number = small(foreign_int(row, 2));
        container->title = import_text(foreign_text(row, 3));
        container->rating = import_text(foreign_text(row, 4));
        container->studio = import_text(foreign_text(row, 5));
        g_hash_table_replace(plex->containers, number_key(foreign_int(row, 0)), container);
        return true;
}

static bool read_containers(Plex *plex, GError **error) {
        g_autoptr(GString) sql = g_string_new("SELECT m.id, m.parent_id, m.\"index\", m.title");
        select_column(sql, plex->meta_columns, 'm', "content_rating");
        select_column(sql, plex->meta_columns, 'm', "studio");
        g_string_append_printf(sql, " FROM metadata_items m WHERE m.metadata_type IN (%d, %d)", TYPE_SHOW, TYPE_SEASON);
        return each_row(plex, sql->str, take_container, error);
}

static bool take_tag(Plex *plex, sqlite3_stmt *row, GError **error) {
        char *text = import_text(foreign_text(row, 2));
        if (!text)
                return true;
        Tag *tag = g_new0(Tag, 1);
        tag->type = (int)foreign_int(row, 1);
        tag->text = text;
        g_hash_table_replace(plex->tag_names, number_key(foreign_int(row, 0)), tag);
        return true;
}

static GPtrArray **list_of(Tags *tags, int type) {
        return type == TAG_GENRE ? &tags->genres : type == TAG_COLLECTION ? &tags->collections : &tags->labels;
}

static bool take_tagging(Plex *plex, sqlite3_stmt *row, GError **error) {
        const int64_t item = foreign_int(row, 0), tag_id = foreign_int(row, 1);
        const Tag *tag = g_hash_table_lookup(plex->tag_names, &tag_id);
        if (!tag)
                return true;
        Tags *tags = g_hash_table_lookup(plex->tags, &item);
        if (!tags) {
                tags = g_new0(Tags, 1);
                g_hash_table_replace(plex->tags, number_key(item), tags);
        }
        GPtrArray **list = list_of(tags, tag->type);
        if (!*list)
                *list = g_ptr_array_new();
        g_ptr_array_add(*list, tag->text);
        return true;
}

/* A database without tags is an odd one, but what it says of titles is no worse for it. */
static bool read_tags(Plex *plex, GError **error) {
        g_autoptr(GHashTable) tags = foreign_columns(plex->db, "tags", error);
        g_autoptr(GHashTable) taggings = tags ? foreign_columns(plex->db, "taggings", error) : NULL;
        if (!taggings)
                return false;
        if (!g_hash_table_contains(tags, "tag") || !g_hash_table_contains(tags, "tag_type") ||
            !g_hash_table_contains(taggings, "metadata_item_id") || !g_hash_table_contains(taggings, "tag_id"))
                return true;
        g_autofree char *names = g_strdup_printf("SELECT id, tag_type, tag FROM tags WHERE tag_type IN (%d, %d, %d)",
                                                 TAG_GENRE, TAG_COLLECTION, TAG_LABEL);
        g_autofree char *uses = g_strdup_printf(
                "SELECT metadata_item_id, tag_id FROM taggings WHERE tag_id IN "
                "(SELECT id FROM tags WHERE tag_type IN (%d, %d, %d)) AND metadata_item_id IS NOT NULL ORDER BY id",
                TAG_GENRE, TAG_COLLECTION, TAG_LABEL);
        return each_row(plex, names, take_tag, error) && each_row(plex, uses, take_tagging, error);
}

/* --- films and episodes ------------------------------------------------------------------------------------------ */

enum {
        COLUMN_ITEM,
        COLUMN_SECTION,
        COLUMN_PARENT,
        COLUMN_TYPE,
        COLUMN_NUMBER,
        COLUMN_TITLE,
        COLUMN_FILE,
        COLUMN_MEDIA,
        COLUMN_RATING,
        COLUMN_STUDIO,
        COLUMN_SUMMARY,
        COLUMN_YEAR,
        COLUMN_DAY,
        COLUMN_ADDED,
        COLUMN_GUID,
        COLUMN_TAGS_GENRE,
        COLUMN_TAGS_COLLECTION,
        COLUMN_MEDIA_DURATION,
        COLUMN_PART_DURATION,
};

/* Files of one film stand together, the best pictures first. */
static char *items_sql(const Plex *plex) {
        GString *sql = g_string_new("SELECT m.id, m.library_section_id, m.parent_id, m.metadata_type, m.\"index\", "
                                    "m.title, p.file, v.id");
        static const char *const meta[] = {"content_rating",          "studio",   "summary", "year",
                                           "originally_available_at", "added_at", "guid",    "tags_genre",
                                           "tags_collection"};
        for (size_t i = 0; i < G_N_ELEMENTS(meta); i++)
                select_column(sql, plex->meta_columns, 'm', meta[i]);
        select_column(sql, plex->media_columns, 'v', "duration");
        select_column(sql, plex->part_columns, 'p', "duration");
        g_string_append_printf(sql,
                               " FROM metadata_items m JOIN media_items v ON v.metadata_item_id = m.id "
                               "JOIN media_parts p ON p.media_item_id = v.id WHERE m.metadata_type IN (%d, %d)",
                               TYPE_MOVIE, TYPE_EPISODE);
        leave_out_deleted(sql, plex->meta_columns, 'm');
        leave_out_deleted(sql, plex->media_columns, 'v');
        leave_out_deleted(sql, plex->part_columns, 'p');
        g_string_append(sql, " ORDER BY m.id");
        if (g_hash_table_contains(plex->media_columns, "width"))
                g_string_append(sql, ", v.width DESC");
        g_string_append(sql, ", v.id, p.id");
        return g_string_free(sql, FALSE);
}

static const Container *container_of(const Plex *plex, int64_t id) {
        return g_hash_table_lookup(plex->containers, &id);
}

static char *either(const char *own, const char *shows) {
        return g_strdup(own ? own : shows);
}

static void add_texts(GStrvBuilder *builder, const GPtrArray *texts) {
        for (guint i = 0; texts && i < texts->len; i++)
                g_strv_builder_add(builder, texts->pdata[i]);
}

/* "Drama|Comedy", as older versions had it. */
static void add_split(GStrvBuilder *builder, const char *text) {
        g_autofree char *clean = import_paragraph(text);
        g_auto(GStrv) parts = clean ? g_strsplit(clean, "|", -1) : NULL;
        for (size_t i = 0; parts && parts[i]; i++)
                if (parts[i][0])
                        g_strv_builder_add(builder, parts[i]);
}

/* An episode has its show's tags, too. */
static char **tags_of(const Plex *plex, int type, int64_t item, int64_t show, const char *split) {
        g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
        Tags *own = g_hash_table_lookup(plex->tags, &item);
        Tags *shows = show ? g_hash_table_lookup(plex->tags, &show) : NULL;
        if (own)
                add_texts(builder, *list_of(own, type));
        if (shows)
                add_texts(builder, *list_of(shows, type));
        if (!own && !shows)
                add_split(builder, split);
        return g_strv_builder_end(builder);
}

static void read_tags_of(const Plex *plex, ImportItem *item, sqlite3_stmt *row, int64_t show) {
        const int64_t id = foreign_int(row, COLUMN_ITEM);
        item->genres = tags_of(plex, TAG_GENRE, id, show, foreign_text(row, COLUMN_TAGS_GENRE));
        item->collections = tags_of(plex, TAG_COLLECTION, id, show, foreign_text(row, COLUMN_TAGS_COLLECTION));
        item->labels = tags_of(plex, TAG_LABEL, id, show, NULL);
}

static void read_texts(ImportItem *item, sqlite3_stmt *row, const Container *show) {
        g_autofree char *rating = import_text(foreign_text(row, COLUMN_RATING));
        g_autofree char *studio = import_text(foreign_text(row, COLUMN_STUDIO));
        item->title = import_text(foreign_text(row, COLUMN_TITLE));
        item->series = show ? g_strdup(show->title) : NULL;
        item->rating = either(rating, show ? show->rating : NULL);
        item->studio = either(studio, show ? show->studio : NULL);
        item->description = import_paragraph(foreign_text(row, COLUMN_SUMMARY));
        item->air_date = foreign_day(row, COLUMN_DAY);
        item->key = import_text(foreign_text(row, COLUMN_GUID));
        item->year = small(foreign_int(row, COLUMN_YEAR));
        if (!item->year && item->air_date)
                item->year = (int32_t)g_ascii_strtoll(item->air_date, NULL, 10);
}

static ImportItem *read_item(const Plex *plex, sqlite3_stmt *row, const ImportLibrary *library, const char *path) {
        ImportItem *item = g_new0(ImportItem, 1);
        const bool episode = foreign_int(row, COLUMN_TYPE) == TYPE_EPISODE;
        const Container *season = episode ? container_of(plex, foreign_int(row, COLUMN_PARENT)) : NULL;
        const Container *show = season ? container_of(plex, season->parent) : NULL;
        item->path = g_strdup(path);
        item->library = library;
        item->kind = episode ? ASSET_EPISODE : ASSET_MOVIE;
        item->group = g_strdup_printf("%" G_GINT64_FORMAT, foreign_int(row, COLUMN_ITEM));
        item->season = season ? season->number : -1;
        item->episode = episode ? small(foreign_int(row, COLUMN_NUMBER)) : -1;
        item->added_utc_ms = foreign_utc_ms(row, COLUMN_ADDED);
        item->hint_ms = foreign_int(row, COLUMN_PART_DURATION);
        if (item->hint_ms <= 0)
                item->hint_ms = foreign_int(row, COLUMN_MEDIA_DURATION);
        read_texts(item, row, show);
        read_tags_of(plex, item, row, show ? season->parent : 0);
        return item;
}

/* A part of a film is no film. The parts of one version come one after the other. */
static bool skip_part(Plex *plex, sqlite3_stmt *row, const char *path) {
        const int64_t media = foreign_int(row, COLUMN_MEDIA);
        const bool part = plex->list->items->len > 0 && media == plex->last_media;
        plex->last_media = media;
        if (!part) {
                plex->last_kept = false;
                return false;
        }
        if (plex->last_kept) {
                const ImportItem *first = plex->list->items->pdata[plex->list->items->len - 1];
                import_list_skip(plex->list, "%s is one part of several of \"%s\": join them in one file.", first->path,
                                 first->title ? first->title : "");
                g_ptr_array_set_size(plex->list->items, (gint)plex->list->items->len - 1);
                plex->last_kept = false;
        }
        import_list_skip(plex->list, "%s is another part of the same.", path ? path : "One file");
        return true;
}

static bool take_item(Plex *plex, sqlite3_stmt *row, GError **error) {
        g_autofree char *section = g_strdup_printf("%" G_GINT64_FORMAT, foreign_int(row, COLUMN_SECTION));
        const ImportLibrary *library = import_list_library(plex->list, section);
        const char *path = foreign_path(row, COLUMN_FILE);
        if (!library || skip_part(plex, row, path))
                return true;
        if (!path) {
                g_autofree char *title = import_text(foreign_text(row, COLUMN_TITLE));
                import_list_skip(plex->list, "\"%s\" has no path that is a text.", title ? title : "An item");
                return true;
        }
        plex->last_kept = true;
        return import_list_add(plex->list, read_item(plex, row, library, path), error);
}

bool plex_read(Foreign *db, const char *const *sections, ImportList *list, GError **error) {
        g_auto(Plex) plex = {
                .db = db,
                .list = list,
                .containers = by_number(container_free),
                .tags = by_number(tags_free),
                .tag_names = by_number(tag_free),
        };
        if (!check_schema(&plex, error) || !read_libraries(&plex, sections, error) || !read_containers(&plex, error) ||
            !read_tags(&plex, error))
                return false;
        g_autofree char *sql = items_sql(&plex);
        return each_row(&plex, sql, take_item, error);
}
