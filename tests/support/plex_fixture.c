#include "tests/support/plex_fixture.h"

#include <glib/gstdio.h>
#include <string.h>

#define FIRST_ADDED INT64_C(1388534400) /* 2014-01-01 */
#define DAY INT64_C(86400)

struct PlexFixture {
        sqlite3 *db;
        PlexAge age;
        int64_t last_item, last_media, last_part, last_tagging;
        GHashTable *tags; /* "type:text" -> id */
};

static const char today[] =
        "CREATE TABLE library_sections (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, library_id integer, name "
        "varchar(255), name_sort varchar(255) COLLATE NOCASE, section_type integer, language varchar(255), agent "
        "varchar(255), scanner varchar(255), user_thumb_url varchar(255), uuid varchar(255), changed_at "
        "integer(8) default '0', created_at dt_integer(8), updated_at dt_integer(8));"
        "CREATE TABLE section_locations (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, library_section_id integer, "
        "root_path varchar(255), available boolean default 't', scanned_at dt_integer(8), created_at dt_integer(8), "
        "updated_at dt_integer(8));"
        "CREATE TABLE metadata_items (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, library_section_id integer, "
        "parent_id integer, metadata_type integer, guid varchar(255), edition_title varchar(255), slug varchar(255), "
        "media_item_count integer, title varchar(255), title_sort varchar(255) COLLATE NOCASE, original_title "
        "varchar(255), studio varchar(255), rating float, rating_count integer, tagline varchar(255), summary text, "
        "trivia text, quotes text, content_rating varchar(255), content_rating_age integer, \"index\" integer, "
        "absolute_index integer, duration integer, user_thumb_url varchar(255), tags_genre varchar(255), "
        "tags_collection varchar(255), tags_director varchar(255), tags_writer varchar(255), tags_star varchar(255), "
        "originally_available_at dt_integer(8), available_at dt_integer(8), expires_at dt_integer(8), refreshed_at "
        "dt_integer(8), year integer, added_at dt_integer(8), created_at dt_integer(8), updated_at dt_integer(8), "
        "deleted_at dt_integer(8), tags_country varchar(255), extra_data varchar(255), hash varchar(255), "
        "audience_rating float, changed_at integer(8) default 0, resources_changed_at integer(8) default 0, remote "
        "integer);"
        "CREATE TABLE media_items (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, library_section_id integer, "
        "section_location_id integer, metadata_item_id integer, type_id integer, width integer, height integer, size "
        "integer(8), duration integer, bitrate integer, container varchar(255), video_codec varchar(255), audio_codec "
        "varchar(255), display_aspect_ratio float, frames_per_second float, audio_channels integer, interlaced "
        "boolean, source varchar(255), hints varchar(255), display_offset integer, settings varchar(255), created_at "
        "dt_integer(8), updated_at dt_integer(8), optimized_for_streaming boolean, deleted_at dt_integer(8), "
        "media_analysis_version integer default 0, extra_data varchar(255), proxy_type integer);"
        "CREATE TABLE media_parts (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, media_item_id integer, directory_id "
        "integer, hash varchar(255), open_subtitle_hash varchar(255), file varchar(255), \"index\" integer, size "
        "integer(8), duration integer, created_at dt_integer(8), updated_at dt_integer(8), deleted_at dt_integer(8), "
        "extra_data varchar(255));";

static const char in_2014[] =
        "CREATE TABLE library_sections (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, library_id integer, name "
        "varchar(255), section_type integer, language varchar(255), agent varchar(255), scanner varchar(255), uuid "
        "varchar(255), created_at datetime, updated_at datetime);"
        "CREATE TABLE section_locations (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, library_section_id integer, "
        "root_path varchar(255), available boolean default 't', scanned_at datetime, created_at datetime, updated_at "
        "datetime);"
        "CREATE TABLE metadata_items (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, library_section_id integer, "
        "parent_id integer, metadata_type integer, guid varchar(255), media_item_count integer, title varchar(255), "
        "title_sort varchar(255) COLLATE NOCASE, original_title varchar(255), studio varchar(255), rating float, "
        "tagline varchar(255), summary text, content_rating varchar(255), \"index\" integer, duration integer, "
        "tags_genre varchar(255), tags_director varchar(255), originally_available_at datetime, year integer, added_at "
        "datetime, created_at datetime, updated_at datetime);"
        "CREATE TABLE media_items (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, library_section_id integer, "
        "section_location_id integer, metadata_item_id integer, width integer, height integer, size integer(8), "
        "duration integer, bitrate integer, container varchar(255), created_at datetime, updated_at datetime);"
        "CREATE TABLE media_parts (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, media_item_id integer, directory_id "
        "integer, hash varchar(255), file varchar(255), \"index\" integer, size integer(8), duration integer, "
        "created_at datetime, updated_at datetime);";

static const char always[] =
        "CREATE TABLE tags (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, metadata_item_id integer, tag varchar(255) "
        "COLLATE NOCASE, tag_type integer, user_thumb_url varchar(255), created_at datetime, updated_at datetime, "
        "tag_value integer, extra_data varchar(255), key varchar(255), parent_id integer);"
        "CREATE TABLE taggings (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, metadata_item_id integer, tag_id "
        "integer, \"index\" integer, text varchar(255), time_offset integer, end_time_offset integer, thumb_url "
        "varchar(255), created_at datetime, extra_data varchar(255));"
        "CREATE TABLE metadata_relations (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, metadata_item_id integer, "
        "related_metadata_item_id integer, relation_type integer, created_at datetime, updated_at datetime);"
        "CREATE INDEX index_metadata_items_on_parent_id ON metadata_items (parent_id);"
        "CREATE INDEX index_metadata_items_on_library_section_id ON metadata_items (library_section_id);"
        "CREATE INDEX index_media_items_on_metadata_item_id ON media_items (metadata_item_id);"
        "CREATE INDEX index_media_parts_on_media_item_id ON media_parts (media_item_id);"
        "CREATE INDEX index_taggings_on_metadata_item_id ON taggings (metadata_item_id);"
        "CREATE INDEX index_tags_on_tag_type ON tags (tag_type);";

static void exec(sqlite3 *db, const char *sql) {
        char *message = NULL;
        if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
                g_error("%s: %s", sql, message);
}

/* As the server's own tokenizer and collation would be named; no other program has them. */
static void add_oddities(sqlite3 *db) {
        exec(db, "PRAGMA writable_schema=ON;"
                 "INSERT INTO sqlite_schema (type, name, tbl_name, rootpage, sql) VALUES ('table', "
                 "'fts4_metadata_titles_icu', 'fts4_metadata_titles_icu', 0, 'CREATE VIRTUAL TABLE "
                 "fts4_metadata_titles_icu USING fts4(content=\"metadata_items\", title, title_sort, "
                 "tokenize=collating)');"
                 "INSERT INTO sqlite_schema (type, name, tbl_name, rootpage, sql) SELECT 'index', "
                 "'index_title_sort_icu', 'metadata_items', rootpage, 'CREATE INDEX index_title_sort_icu ON "
                 "metadata_items (title_sort COLLATE icu_root)' FROM sqlite_schema WHERE name = "
                 "'index_metadata_items_on_parent_id';"
                 "DELETE FROM sqlite_schema WHERE name = 'index_metadata_items_on_parent_id';"
                 "PRAGMA writable_schema=OFF;");
}

PlexFixture *plex_fixture_new(const char *path, PlexAge age) {
        PlexFixture *plex = g_new0(PlexFixture, 1);
        plex->age = age;
        plex->tags = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        if (sqlite3_open(path, &plex->db) != SQLITE_OK)
                g_error("%s: %s", path, sqlite3_errmsg(plex->db));
        exec(plex->db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF");
        exec(plex->db, age == PLEX_TODAY ? today : in_2014);
        exec(plex->db, always);
        return plex;
}

void plex_fixture_close(PlexFixture *plex) {
        exec(plex->db, "PRAGMA wal_checkpoint(TRUNCATE)");
        add_oddities(plex->db);
        sqlite3_close(plex->db);
        g_hash_table_unref(plex->tags);
        g_free(plex);
}

sqlite3 *plex_fixture_db(PlexFixture *plex) {
        return plex->db;
}

void plex_fixture_run(PlexFixture *plex, const char *format, ...) {
        va_list args;
        va_start(args, format);
        g_autofree char *sql = g_strdup_vprintf(format, args);
        va_end(args);
        exec(plex->db, sql);
}

static void bind_instant(const PlexFixture *plex, sqlite3_stmt *statement, int i, int64_t at) {
        if (plex->age == PLEX_TODAY) {
                sqlite3_bind_int64(statement, i, at);
                return;
        }
        g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(at);
        g_autofree char *written = g_date_time_format(utc, "%Y-%m-%d %H:%M:%S");
        sqlite3_bind_text(statement, i, written, -1, SQLITE_TRANSIENT);
}

static void bind(const PlexFixture *plex, sqlite3_stmt *statement, const char *format, va_list *args) {
        for (int i = 0; format[i]; i++) {
                if (format[i] == 's')
                        sqlite3_bind_text(statement, i + 1, va_arg(*args, const char *), -1, SQLITE_TRANSIENT);
                else if (format[i] == 'd')
                        bind_instant(plex, statement, i + 1, va_arg(*args, int64_t));
                else
                        sqlite3_bind_int64(statement, i + 1, va_arg(*args, int64_t));
        }
}

static sqlite3_stmt *prepare(const PlexFixture *plex, const char *sql) {
        sqlite3_stmt *statement = NULL;
        if (sqlite3_prepare_v2(plex->db, sql, -1, &statement, NULL) != SQLITE_OK)
                g_error("%s: %s", sql, sqlite3_errmsg(plex->db));
        return statement;
}

static void finish(const PlexFixture *plex, sqlite3_stmt *statement) {
        if (sqlite3_step(statement) != SQLITE_DONE)
                g_error("%s: %s", sqlite3_sql(statement), sqlite3_errmsg(plex->db));
        sqlite3_finalize(statement);
}

/* s: text or NULL; i: number; d: an instant, in the age's way */
static void insert(const PlexFixture *plex, const char *sql, const char *format, ...) {
        sqlite3_stmt *statement = prepare(plex, sql);
        va_list args;
        va_start(args, format);
        bind(plex, statement, format, &args);
        va_end(args);
        finish(plex, statement);
}

int64_t plex_fixture_section(PlexFixture *plex, const char *name, int type, const char *root) {
        insert(plex, "INSERT INTO library_sections (name, section_type, language, uuid) VALUES (?, ?, 'en', ?)", "sis",
               name, (int64_t)type, name);
        const int64_t id = sqlite3_last_insert_rowid(plex->db);
        insert(plex, "INSERT INTO section_locations (library_section_id, root_path) VALUES (?, ?)", "is", id, root);
        return id;
}

static int64_t add_item(PlexFixture *plex, int64_t section, int64_t parent, int type, int64_t number,
                        const char *title) {
        static const char *const kinds[] = {"", "movie", "show", "season", "episode"};
        static const char *const ratings[] = {"TV-G", "TV-PG", "TV-14", "PG-13"};
        const int64_t id = ++plex->last_item, added = FIRST_ADDED + id % 4000 * DAY;
        g_autofree char *guid = g_strdup_printf("plex://%s/5d9c08%018" G_GINT64_MODIFIER "x", kinds[type], id);
        g_autofree char *summary = type == 3 ? g_strdup("")
                                             : g_strdup_printf("In which %s comes to an end that nobody saw coming, "
                                                               "least of all those who wrote it. ",
                                                               title);
        insert(plex,
               "INSERT INTO metadata_items (id, library_section_id, parent_id, metadata_type, guid, title, title_sort, "
               "studio, summary, content_rating, \"index\", originally_available_at, added_at, updated_at) "
               "VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
               "iiiissssssiddd", id, section, parent, (int64_t)type, guid, title, title,
               type == 1 || type == 2 ? "House Pictures" : NULL, summary, type == 3 ? NULL : ratings[id % 4], number,
               FIRST_ADDED - 7000 * DAY + id % 6000 * DAY, added, added);
        return id;
}

int64_t plex_fixture_show(PlexFixture *plex, int64_t section, const char *title) {
        return add_item(plex, section, 0, 2, 1, title);
}

int64_t plex_fixture_season(PlexFixture *plex, int64_t section, int64_t show, int number) {
        return add_item(plex, section, show, 3, number, "");
}

int64_t plex_fixture_episode(PlexFixture *plex, int64_t section, int64_t season, int number, const char *title) {
        return add_item(plex, section, season, 4, number, title);
}

int64_t plex_fixture_movie(PlexFixture *plex, int64_t section, const char *title, int year) {
        const int64_t id = add_item(plex, section, 0, 1, 1, title);
        insert(plex, "UPDATE metadata_items SET year = ? WHERE id = ?", "ii", (int64_t)year, id);
        return id;
}

int64_t plex_fixture_file(PlexFixture *plex, int64_t item, const char *file, int width) {
        const int64_t media = ++plex->last_media, duration = 1320000 + media % 1000;
        insert(plex,
               "INSERT INTO media_items (id, metadata_item_id, width, height, duration, container) "
               "VALUES (?, ?, ?, ?, ?, 'mkv')",
               "iiiii", media, item, (int64_t)width, (int64_t)width * 9 / 16, duration);
        insert(plex,
               "INSERT INTO media_parts (id, media_item_id, file, size, duration, created_at, updated_at) "
               "VALUES (?, ?, ?, ?, ?, ?, ?)",
               "iisiidd", ++plex->last_part, media, file, INT64_C(500000000), duration, FIRST_ADDED, FIRST_ADDED);
        return media;
}

void plex_fixture_tag(PlexFixture *plex, int64_t item, int type, const char *text) {
        g_autofree char *key = g_strdup_printf("%d:%s", type, text);
        const int64_t *known = g_hash_table_lookup(plex->tags, key);
        int64_t id = known ? *known : (int64_t)g_hash_table_size(plex->tags) + 1;
        if (!known) {
                insert(plex, "INSERT INTO tags (id, tag, tag_type) VALUES (?, ?, ?)", "isi", id, text, (int64_t)type);
                g_hash_table_insert(plex->tags, g_steal_pointer(&key), g_memdup2(&id, sizeof(id)));
        }
        insert(plex, "INSERT INTO taggings (id, metadata_item_id, tag_id, \"index\") VALUES (?, ?, ?, 0)", "iii",
               ++plex->last_tagging, item, id);
}

/* --- a whole library --------------------------------------------------------------------------------------------- */

static const char *const genres[] = {"Comedy", "Drama", "Science Fiction", "Western", "Animation", "Crime",
                                     "Family", "Talk",  "Mystery",         "Horror"};
static const char *const adjectives[] = {"Quiet",  "Golden", "Second", "Crooked", "Northern", "Silent", "Last",
                                         "Bright", "Hollow", "Paper",  "Winter",  "Borrowed", "Lost"};
static const char *const nouns[] = {"Harbour", "Street",  "Doctor",    "Orchard", "Signal",  "Company",
                                    "River",   "Kitchen", "Detective", "Garden",  "Station", "Letters",
                                    "Parade",  "Theatre", "Mountain",  "Avenue",  "Circus"};

static char *made_title(unsigned n) {
        const char *adjective = adjectives[n % G_N_ELEMENTS(adjectives)], *noun = nouns[n % G_N_ELEMENTS(nouns)];
        const unsigned rounds = n / (G_N_ELEMENTS(adjectives) * G_N_ELEMENTS(nouns));
        return rounds ? g_strdup_printf("The %s %s %u", adjective, noun, rounds + 1)
                      : g_strdup_printf("The %s %s", adjective, noun);
}

static void make_file(const char *path, bool really) {
        g_autofree char *dir = g_path_get_dirname(path);
        if (!really)
                return;
        if (g_mkdir_with_parents(dir, 0755) != 0 || !g_file_set_contents(path, "x", 1, NULL))
                g_error("cannot make %s", path);
}

typedef struct {
        PlexFixture *plex;
        const char *root;
        bool make_files;
        int64_t section, show;
        const char *title; /* the show's */
} Making;

static void add_season(const Making *making, int number, unsigned n_episodes) {
        PlexFixture *plex = making->plex;
        const int64_t season = plex_fixture_season(plex, making->section, making->show, number);
        for (unsigned e = 1; e <= n_episodes; e++) {
                g_autofree char *name = made_title(e * 31 + (unsigned)number * 7);
                g_autofree char *path =
                        g_strdup_printf("%s/TV Shows/%s/Season %02d/%s - S%02dE%02u - %s.mkv", making->root,
                                        making->title, number, making->title, number, e, name);
                const int64_t id = plex_fixture_episode(plex, making->section, season, (int)e, name);
                plex_fixture_file(plex, id, path, 1920);
                plex_fixture_tag(plex, id, 4, adjectives[e % G_N_ELEMENTS(adjectives)]);
                make_file(path, making->make_files);
        }
}

static void add_shows(Making making, unsigned n_episodes) {
        unsigned left = n_episodes;
        for (unsigned s = 0; left > 0; s++) {
                g_autofree char *title = made_title(s);
                making.title = title;
                making.show = plex_fixture_show(making.plex, making.section, title);
                plex_fixture_tag(making.plex, making.show, 1, genres[s % G_N_ELEMENTS(genres)]);
                plex_fixture_tag(making.plex, making.show, 1, genres[(s + 3) % G_N_ELEMENTS(genres)]);
                if (s % 5 == 0)
                        plex_fixture_tag(making.plex, making.show, 2, "Sunday Favourites");
                for (int number = 1; number <= (int)(1 + s % 9) && left > 0; number++) {
                        const unsigned n = MIN(13 + s % 12, left);
                        add_season(&making, number, n);
                        left -= n;
                }
        }
}

static void add_movies(PlexFixture *plex, const char *root, int64_t section, unsigned n_movies, bool make_files) {
        for (unsigned i = 0; i < n_movies; i++) {
                g_autofree char *title = made_title(i * 5 + 1);
                const int year = 1930 + (int)(i * 17 % 90);
                g_autofree char *path =
                        g_strdup_printf("%s/Movies/%s (%d) %u/%s (%d).mkv", root, title, year, i, title, year);
                const int64_t id = plex_fixture_movie(plex, section, title, year);
                plex_fixture_file(plex, id, path, i % 3 ? 1920 : 1280);
                plex_fixture_tag(plex, id, 1, genres[i % G_N_ELEMENTS(genres)]);
                plex_fixture_tag(plex, id, 1, genres[(i + 1) % G_N_ELEMENTS(genres)]);
                make_file(path, make_files);
        }
}

void plex_fixture_generate(PlexFixture *plex, const char *root, unsigned n_episodes, unsigned n_movies,
                           bool make_files) {
        g_autofree char *tv = g_build_filename(root, "TV Shows", NULL),
                        *movies = g_build_filename(root, "Movies", NULL);
        exec(plex->db, "BEGIN");
        const int64_t films = plex_fixture_section(plex, "Movies", 1, movies);
        const int64_t shows = plex_fixture_section(plex, "TV Shows", 2, tv);
        add_shows((Making){.plex = plex, .root = root, .make_files = make_files, .section = shows}, n_episodes);
        add_movies(plex, root, films, n_movies, make_files);
        exec(plex->db, "COMMIT");
}
