#include "core/plan/catalog/nfo.h"

#include <libxml/parser.h>
#include <string.h>

#include "core/plan/catalog/names.h"

#define MAX_BYTES (256 * 1024)
#define MAX_LIST 32
#define MAX_DESCRIPTION_CHARS 4000

G_DEFINE_AUTOPTR_CLEANUP_FUNC(xmlDoc, xmlFreeDoc)

void nfo_init(void) {
        xmlInitParser();
}

/* NULL: not there, too large, or not XML. */
static xmlDoc *read_document(const char *path) {
        g_autofree char *data = NULL;
        size_t size = 0;
        if (!g_file_test(path, G_FILE_TEST_IS_REGULAR) || !g_file_get_contents(path, &data, &size, NULL) ||
            size > MAX_BYTES)
                return NULL;
        /* Kodi allows an address behind the document: take what is well-formed before it. */
        const int options = XML_PARSE_RECOVER | XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING;
        return xmlReadMemory(data, (int)size, "nfo", NULL, options);
}

static bool is_named(const xmlNode *node, const char *name) {
        return node && node->type == XML_ELEMENT_NODE && xmlStrEqual(node->name, (const xmlChar *)name);
}

/* The element's own characters. Entity references are left out, so that none can grow. */
static char *characters(const xmlNode *element) {
        GString *text = g_string_new(NULL);
        for (const xmlNode *child = element->children; child; child = child->next)
                if ((child->type == XML_TEXT_NODE || child->type == XML_CDATA_SECTION_NODE) && child->content)
                        g_string_append(text, (const char *)child->content);
        return g_string_free(text, FALSE);
}

/* The first child of that name, cleaned; NULL when there is none or it is empty. */
static char *child_text(const xmlNode *root, const char *name) {
        for (const xmlNode *child = root->children; child; child = child->next) {
                if (!is_named(child, name))
                        continue;
                g_autofree char *raw = characters(child);
                g_autofree char *clean = names_clean(raw);
                if (*clean != '\0')
                        return g_steal_pointer(&clean);
        }
        return NULL;
}

static void take_text(char **field, char *take_value) {
        if (!take_value)
                return;
        g_free(*field);
        *field = take_value;
}

static void take_number(int32_t *field, char *take_value, gint64 max) {
        g_autofree char *text = take_value;
        gint64 number = 0;
        if (text && g_ascii_string_to_signed(text, 10, 0, max, &number, NULL))
                *field = (int32_t)number;
}

/* Several lines are one paragraph; longer than a person reads in a guide is cut. */
static char *description(const xmlNode *root) {
        for (const xmlNode *child = root->children; child; child = child->next) {
                if (!is_named(child, "plot"))
                        continue;
                g_autofree char *raw = characters(child);
                g_auto(GStrv) words = g_strsplit_set(raw, " \t\r\n", -1);
                g_autoptr(GString) text = g_string_new(NULL);
                for (size_t i = 0; words[i] && g_utf8_strlen(text->str, -1) < MAX_DESCRIPTION_CHARS; i++) {
                        g_autofree char *word = names_clean(words[i]);
                        if (*word != '\0')
                                g_string_append_printf(text, "%s%s", text->len > 0 ? " " : "", word);
                }
                return text->len > 0 ? g_strdup(text->str) : NULL;
        }
        return NULL;
}

/* "Rated PG-13 for ..." and "US:PG-13" are PG-13. */
static char *rating(const xmlNode *root) {
        g_autofree char *text = child_text(root, "mpaa");
        if (!text)
                return NULL;
        const char *start = g_ascii_strncasecmp(text, "rated ", 6) == 0 ? text + 6 : text;
        const char *colon = strrchr(start, ':');
        start = colon ? colon + 1 : start;
        const size_t n = strcspn(start, " /");
        return n > 0 ? g_strndup(start, n) : NULL;
}

static bool is_date(const char *text) {
        return g_regex_match_simple("^\\d{4}-\\d\\d-\\d\\d$", text, 0, 0);
}

/* The list with what root adds to it, nothing twice. */
static void add_list(char ***list, const xmlNode *root, const char *name) {
        g_autoptr(GPtrArray) all = g_ptr_array_new();
        for (size_t i = 0; (*list)[i]; i++)
                g_ptr_array_add(all, (*list)[i]);
        for (const xmlNode *child = root->children; child && all->len < MAX_LIST; child = child->next) {
                if (!is_named(child, name))
                        continue;
                g_autofree char *raw = characters(child);
                g_auto(GStrv) items = g_strsplit(raw, " / ", MAX_LIST);
                for (size_t i = 0; items[i] && all->len < MAX_LIST; i++) {
                        g_autofree char *clean = names_clean(items[i]);
                        if (*clean != '\0' && !g_ptr_array_find_with_equal_func(all, clean, g_str_equal, NULL))
                                g_ptr_array_add(all, g_steal_pointer(&clean));
                }
        }
        g_ptr_array_add(all, NULL);
        g_free(*list);
        *list = (char **)g_ptr_array_free(g_steal_pointer(&all), FALSE);
}

/* Kodi's <set><name>X</name></set>, and the older <set>X</set>. */
static void add_sets(char ***list, const xmlNode *root) {
        add_list(list, root, "set");
        for (const xmlNode *child = root->children; child; child = child->next)
                if (is_named(child, "set"))
                        add_list(list, child, "name");
}

static void take_date(Asset *asset, const xmlNode *root) {
        static const char *const names[] = {"aired", "premiered", "releasedate", NULL};
        for (size_t i = 0; names[i]; i++) {
                g_autofree char *text = child_text(root, names[i]);
                if (!text || !is_date(text))
                        continue;
                take_number(&asset->year, g_strndup(text, 4), 2999);
                take_text(&asset->air_date, g_steal_pointer(&text));
                break;
        }
        take_number(&asset->year, child_text(root, "year"), 2999);
}

/* INV-ASSET-PROBE-ONLY-FIELD-AUTHORITY-001: these elements and no others; runtime and fileinfo are never asked for. */
static void take_common(Asset *asset, const xmlNode *root) {
        take_text(&asset->title, child_text(root, "title"));
        take_text(&asset->description, description(root));
        take_text(&asset->rating, rating(root));
        take_date(asset, root);
        add_list(&asset->genres, root, "genre");
        add_list(&asset->tags, root, "tag");
        add_sets(&asset->collections, root);
        take_text(&asset->studio, child_text(root, "studio"));
}

static bool is_interstitial(const Asset *asset) {
        return asset->kind && asset->kind != ASSET_EPISODE && asset->kind != ASSET_MOVIE;
}

static void take_film(Asset *asset) {
        asset->kind = ASSET_MOVIE;
        g_clear_pointer(&asset->series, g_free);
        asset->season = asset->episode = 0;
}

static void take_episode(Asset *asset, const xmlNode *root) {
        asset->kind = ASSET_EPISODE;
        take_text(&asset->series, child_text(root, "showtitle"));
        take_number(&asset->season, child_text(root, "season"), 9999);
        take_number(&asset->episode, child_text(root, "episode"), 99999);
}

void nfo_apply(Asset *asset, const char *path) {
        g_autoptr(xmlDoc) document = read_document(path);
        const xmlNode *root = document ? xmlDocGetRootElement(document) : NULL;
        const bool film = is_named(root, "movie"), episode = is_named(root, "episodedetails");
        if (!film && !episode)
                return;
        take_common(asset, root);
        if (is_interstitial(asset))
                return;
        if (film)
                take_film(asset);
        else
                take_episode(asset, root);
}

void nfo_apply_show(Asset *asset, const char *path) {
        if (is_interstitial(asset) || asset->kind == ASSET_MOVIE)
                return;
        g_autoptr(xmlDoc) document = read_document(path);
        const xmlNode *root = document ? xmlDocGetRootElement(document) : NULL;
        if (!is_named(root, "tvshow"))
                return;
        asset->kind = ASSET_EPISODE;
        take_text(&asset->series, child_text(root, "title"));
        if (!asset->rating)
                asset->rating = rating(root);
        if (!asset->studio)
                asset->studio = child_text(root, "studio");
        if (asset->year == 0)
                take_number(&asset->year, child_text(root, "year"), 2999);
        add_list(&asset->genres, root, "genre");
        add_list(&asset->tags, root, "tag");
}
