#include "core/plan/catalog/names.h"

#include <stdlib.h>
#include <string.h>

#define MAX_TEXT_CHARS 200
#define MAX_SEGMENTS 40 /* more than a walk is deep */
#define FILM_MS (40 * 60 * INT64_C(1000))

/* A path in parts: the scanned folder's name, the folders below it, and the file's name without extension. */
typedef struct {
        char *folders[MAX_SEGMENTS];
        size_t n_folders; /* at least 1 */
        char *stem;
} Parts;

static void parts_clear(Parts *parts) {
        for (size_t i = 0; i < parts->n_folders; i++)
                g_free(parts->folders[i]);
        g_free(parts->stem);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Parts, parts_clear)

static void parts_init(Parts *parts, const WalkFile *file) {
        g_auto(GStrv) segments = g_strsplit(file->relative, "/", -1);
        const size_t n = g_strv_length(segments);
        parts->folders[parts->n_folders++] = g_strdup(file->root_name);
        for (size_t i = 0; i + 1 < n && parts->n_folders < MAX_SEGMENTS; i++)
                parts->folders[parts->n_folders++] = g_strdup(segments[i]);
        const char *name = n > 0 ? segments[n - 1] : "";
        const char *dot = strrchr(name, '.');
        parts->stem = dot ? g_strndup(name, (size_t)(dot - name)) : g_strdup(name);
}

static const char *folder_from_last(const Parts *parts, size_t back) {
        return back < parts->n_folders ? parts->folders[parts->n_folders - 1 - back] : parts->folders[0];
}

/* --- texts ------------------------------------------------------------------------------------------------------- */

static bool is_space(gunichar c) {
        return c < ' ' || c == 0x7f || g_unichar_isspace(c) || g_unichar_iscntrl(c);
}

char *names_paragraph(const char *text, glong max_chars) {
        /* No text of so many characters is longer; what follows would only be copied. */
        g_autofree char *valid = g_utf8_make_valid(text, (gssize)strnlen(text, (size_t)max_chars * 8));
        g_autoptr(GString) clean = g_string_new(NULL);
        glong length = 0;
        bool space = false;
        for (const char *p = valid; *p != '\0' && length < max_chars; p = g_utf8_next_char(p)) {
                const gunichar c = g_utf8_get_char(p);
                if (is_space(c)) {
                        space = length > 0;
                        continue;
                }
                if (space) {
                        g_string_append_c(clean, ' ');
                        length++;
                }
                space = false;
                g_string_append_unichar(clean, c);
                length++;
        }
        return g_strndup(clean->str, clean->len); /* no room to spare: libraries have tens of thousands of them */
}

char *names_clean(const char *text) {
        return names_paragraph(text, MAX_TEXT_CHARS);
}

/* A pattern compiled once; they are literals of this file, so one that does not compile is a bug. */
static const GRegex *pattern(GRegex **regex, const char *text) {
        if (g_once_init_enter(regex)) {
                GRegex *made = g_regex_new(text, G_REGEX_CASELESS | G_REGEX_OPTIMIZE, 0, NULL);
                g_assert(made);
                g_once_init_leave(regex, made);
        }
        return *regex;
}
#define PATTERN(text)                                                                                                  \
        ({                                                                                                             \
                static GRegex *regex_;                                                                                 \
                pattern(&regex_, (text));                                                                              \
        })

/* Without what release groups write behind a title. */
static char *strip_release(const char *text) {
        const GRegex *regex =
                PATTERN("[ ._\\[({-]+(?:480[pi]|576[pi]|720[pi]|1080[pi]|2160p|blu-?ray|brrip|bdrip|dvdrip|"
                        "web-?rip|web-?dl|hdtv|pdtv|xvid|x26[45]|h\\.?26[45]|hevc)(?![a-z0-9]).*$");
        return g_regex_replace_literal(regex, text, -1, 0, "", 0, NULL);
}

static char *trim_marks(char *text) {
        g_autofree char *whole = text;
        const char *start = whole + strspn(whole, " -_.,");
        size_t n = strlen(start);
        while (n > 0 && strchr(" -_,", start[n - 1]))
                n--;
        return g_strndup(start, n);
}

/* "the.long_title" -> "the long title"; dots stay where there are spaces already ("Dr. No"). */
static char *pretty(const char *text) {
        g_autofree char *stripped = strip_release(text);
        g_strdelimit(stripped, "_", ' ');
        if (!strchr(stripped, ' '))
                g_strdelimit(stripped, ".", ' ');
        return trim_marks(names_clean(stripped));
}

/* The first that is not empty, or "Untitled". */
static char *first_text(char *take_text, const char *otherwise) {
        g_autofree char *text = take_text;
        g_autofree char *second = names_clean(otherwise);
        if (text && *text != '\0')
                return g_steal_pointer(&text);
        return *second != '\0' ? g_steal_pointer(&second) : g_strdup("Untitled");
}

static int number_of(const GMatchInfo *match, int group) {
        g_autofree char *text = g_match_info_fetch(match, group);
        gint64 number = 0;
        return text && g_ascii_string_to_signed(text, 10, 0, 9999, &number, NULL) ? (int)number : 0;
}

static char *text_of(const GMatchInfo *match, int group) {
        g_autofree char *text = g_match_info_fetch(match, group);
        return pretty(text ? text : "");
}

/* --- folders ----------------------------------------------------------------------------------------------------- */

/* Letters and digits only, lower case: "Station-IDs" -> "stationids". */
static char *bare(const char *name) {
        GString *text = g_string_new(NULL);
        for (; *name != '\0'; name++)
                if (g_ascii_isalnum(*name))
                        g_string_append_c(text, g_ascii_tolower(*name));
        return g_string_free(text, FALSE);
}

static AssetKind kind_of_folder(const char *name) {
        static const struct {
                const char *name;
                AssetKind kind;
        } kinds[] = {
                {"commercial", ASSET_COMMERCIAL},
                {"commercials", ASSET_COMMERCIAL},
                {"ad", ASSET_COMMERCIAL},
                {"ads", ASSET_COMMERCIAL},
                {"advert", ASSET_COMMERCIAL},
                {"adverts", ASSET_COMMERCIAL},
                {"spots", ASSET_COMMERCIAL},
                {"advertisements", ASSET_COMMERCIAL},
                {"promo", ASSET_PROMO},
                {"promos", ASSET_PROMO},
                {"bumper", ASSET_BUMPER},
                {"bumpers", ASSET_BUMPER},
                {"stationid", ASSET_STATION_ID},
                {"stationids", ASSET_STATION_ID},
                {"ident", ASSET_STATION_ID},
                {"idents", ASSET_STATION_ID},
                {"psa", ASSET_PSA},
                {"psas", ASSET_PSA},
                {"stinger", ASSET_STINGER},
                {"stingers", ASSET_STINGER},
                {"trailer", ASSET_TRAILER},
                {"trailers", ASSET_TRAILER},
                {"filler", ASSET_FILLER},
                {"fillers", ASSET_FILLER},
                {"interstitial", ASSET_FILLER},
                {"interstitials", ASSET_FILLER},
        };
        g_autofree char *plain = bare(name);
        for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
                if (g_str_equal(plain, kinds[i].name))
                        return kinds[i].kind;
        return 0;
}

static AssetKind interstitial_kind(const Parts *parts) {
        for (size_t back = 0; back < parts->n_folders; back++) {
                const AssetKind kind = kind_of_folder(folder_from_last(parts, back));
                if (kind)
                        return kind;
        }
        return 0;
}

static bool below_one_of(const Parts *parts, const char *const *names) {
        for (size_t i = 0; i < parts->n_folders; i++) {
                g_autofree char *plain = bare(parts->folders[i]);
                if (g_strv_contains(names, plain))
                        return true;
        }
        return false;
}

static bool below_films(const Parts *parts) {
        static const char *const names[] = {"movies", "movie", "films", "film", "features", NULL};
        return below_one_of(parts, names);
}

static bool below_shows(const Parts *parts) {
        static const char *const names[] = {"tv", "tvshows", "shows", "series", "tvseries", "television", NULL};
        return below_one_of(parts, names);
}

/* "Season 01", "S1", "Specials"; -1: it is no season's folder. */
static int season_of_folder(const char *name) {
        const GRegex *regex = PATTERN("^(?:(?:season|staffel|saison|temporada)[ ._-]*(\\d{1,4})(?:\\D.*)?|"
                                      "(?:series|s)[ ._-]*(\\d{1,4})|(specials))$");
        g_autoptr(GMatchInfo) match = NULL;
        if (!g_regex_match(regex, name, 0, &match))
                return -1;
        return MAX(number_of(match, 1), number_of(match, 2));
}

/* A folder as a title: "Show (1999)" is "Show" of 1999. */
static char *folder_title(const char *name, int32_t *year) {
        const GRegex *regex = PATTERN("^(.+?)[ ._]*[(\\[]((?:18|19|20)\\d\\d)[)\\]]");
        g_autoptr(GMatchInfo) match = NULL;
        if (!g_regex_match(regex, name, 0, &match))
                return first_text(pretty(name), name);
        *year = number_of(match, 2);
        return first_text(text_of(match, 1), name);
}

/* --- readings: each true when the name is of its form ------------------------------------------------------------ */

static bool read_interstitial(Asset *asset, const Parts *parts) {
        asset->kind = interstitial_kind(parts);
        if (!asset->kind)
                return false;
        asset->title = first_text(pretty(parts->stem), parts->stem);
        return true;
}

static bool match_numbered(const char *stem, GMatchInfo **ret_match) {
        const GRegex *regex = PATTERN("^(?|(.*?)(?<![a-z0-9])s(\\d{1,4})[ ._-]{0,3}ep?[ ._-]?(\\d{1,4})"
                                      "(?:[ ._-]?e\\d{1,4}|-\\d{1,3}\\b)*(?![0-9])(.*)|"
                                      "(.*?)(?<![a-z0-9])(\\d{1,2})x(\\d{2,3})(?![0-9a-z])(.*)|"
                                      "(.*?)(?<![a-z])season[ ._-]*(\\d{1,4})\\D{1,10}episode[ ._-]*(\\d{1,4})(.*))$");
        return g_regex_match(regex, stem, 0, ret_match);
}

/* The series of a numbered file: the folder above a season's folder, else what stands before the number, else the
 * folder. */
static char *series_of(Asset *asset, const Parts *parts, char *take_prefix) {
        g_autofree char *prefix = take_prefix;
        if (parts->n_folders > 1 && season_of_folder(folder_from_last(parts, 0)) >= 0)
                return folder_title(folder_from_last(parts, 1), &asset->year);
        return folder_title(*prefix != '\0' ? prefix : folder_from_last(parts, 0), &asset->year);
}

/* "Show - S01E02 - Title", "1x02 Title" */
static bool read_numbered(Asset *asset, const Parts *parts) {
        g_autoptr(GMatchInfo) match = NULL;
        if (!match_numbered(parts->stem, &match))
                return false;
        asset->kind = ASSET_EPISODE;
        asset->season = number_of(match, 2);
        asset->episode = number_of(match, 3);
        asset->series = series_of(asset, parts, text_of(match, 1));
        g_autofree char *number = g_strdup_printf("Episode %d", asset->episode);
        asset->title = first_text(text_of(match, 4), number);
        return true;
}

/* "Season 2/03 - Title" */
static bool read_season_folder(Asset *asset, const Parts *parts, const WalkFile *file) {
        const int season = parts->n_folders > 1 ? season_of_folder(folder_from_last(parts, 0)) : -1;
        if (season < 0)
                return false;
        const GRegex *regex = PATTERN("^(?:e|ep|episode)?[ ._-]*(\\d{1,3})(?:[ ._-]+(.*))?$");
        g_autoptr(GMatchInfo) match = NULL;
        const bool numbered = g_regex_match(regex, parts->stem, 0, &match);
        asset->kind = ASSET_EPISODE;
        asset->season = season;
        asset->episode = numbered ? number_of(match, 1) : (int32_t)file->position;
        asset->series = folder_title(folder_from_last(parts, 1), &asset->year);
        asset->title = first_text(numbered ? text_of(match, 2) : pretty(parts->stem), parts->stem);
        return true;
}

static bool match_film(const char *name, GMatchInfo **ret_match) {
        const GRegex *regex = PATTERN("^(?|(.+?)[ ._]*[(\\[]((?:18|19|20)\\d\\d)[)\\]]|"
                                      "(.+?)[ ._]((?:19|20)\\d\\d)[ ._](?:.*[ ._-])?(?:480p|576p|720p|1080p|2160p|"
                                      "blu-?ray|brrip|bdrip|dvdrip|web-?rip|web-?dl|x26[45]|h\\.?26[45]|hevc)\\b)");
        return g_regex_match(regex, name, 0, ret_match);
}

/* "Title (1984)", "Title.1984.1080p", "Title (1984)/anything", "Movies/Title" */
static bool read_film(Asset *asset, const Parts *parts, const WalkFile *file) {
        g_autoptr(GMatchInfo) match = NULL;
        const char *name = parts->stem;
        bool dated = match_film(name, &match);
        if (!dated && file->alone && parts->n_folders > 1) {
                name = folder_from_last(parts, 0);
                g_clear_pointer(&match, g_match_info_unref);
                dated = match_film(name, &match);
        }
        if (!dated && !below_films(parts))
                return false;
        asset->kind = ASSET_MOVIE;
        asset->year = dated ? number_of(match, 2) : 0;
        asset->title = first_text(dated ? text_of(match, 1) : pretty(parts->stem), parts->stem);
        return true;
}

/* Anything else: the n-th of its folder, or a film if it is long and on its own. */
static void read_other(Asset *asset, const Parts *parts, const WalkFile *file) {
        const bool loose = parts->n_folders == 1 || file->alone;
        asset->kind = loose && !below_shows(parts) ? 0 : ASSET_EPISODE;
        asset->season = 1;
        asset->episode = (int32_t)file->position;
        asset->series = folder_title(folder_from_last(parts, 0), &asset->year);
        const GRegex *regex = PATTERN("^(?:\\d{1,3}[ ._]*-|\\d{2,3}[ ._])[ ._]*(.+)$");
        g_autoptr(GMatchInfo) match = NULL;
        const bool numbered = g_regex_match(regex, parts->stem, 0, &match);
        asset->title = first_text(numbered ? text_of(match, 1) : pretty(parts->stem), parts->stem);
}

/* INV-INGEST-PATH-SEGMENT-TAG-001: each folder is a tag, in lower case; seasons are not what people look for. */
static char **tags_of(const Parts *parts) {
        g_autoptr(GStrvBuilder) tags = g_strv_builder_new();
        for (size_t i = 0; i < parts->n_folders; i++) {
                g_autofree char *clean = names_clean(parts->folders[i]);
                g_autofree char *lower = g_utf8_strdown(clean, -1);
                if (*lower != '\0' && season_of_folder(parts->folders[i]) < 0)
                        g_strv_builder_add(tags, lower);
        }
        return g_strv_builder_end(tags);
}

void names_read(Asset *asset, const WalkFile *file) {
        g_auto(Parts) parts = {0};
        parts_init(&parts, file);
        g_strfreev(asset->tags);
        asset->tags = tags_of(&parts);
        if (read_interstitial(asset, &parts) || read_numbered(asset, &parts) ||
            read_season_folder(asset, &parts, file) || read_film(asset, &parts, file))
                return;
        read_other(asset, &parts, file);
}

void names_settle(Asset *asset) {
        if (asset->kind)
                return;
        asset->kind = asset->duration_ms >= FILM_MS ? ASSET_MOVIE : ASSET_EPISODE;
        if (asset->kind == ASSET_EPISODE)
                return;
        g_clear_pointer(&asset->series, g_free);
        asset->season = asset->episode = 0;
}
