#include "core/plan/schedule/style/style.h"

#include <string.h>

#include "proto/base/language.h"

#define LANGUAGES_MAX 16

static const char *const sound_keys[] = {"languages", NULL};
static const char *const subtitles_keys[] = {"show", "languages", NULL};
static const char *const signalling_keys[] = {"splices", NULL};
static const char *const show_words[] = {"never", "foreign", "always", NULL};

/* --- languages ------------------------------------------------------------------------------------------------------
 */

/* What may have been meant, or NULL; g_free it. */
static char *suggestion(const char *text) {
        const size_t plain = strcspn(text, "-_");
        g_autofree char *without_region = g_strndup(text, plain);
        if (text[plain] && rv_language_of(without_region))
                return g_steal_pointer(&without_region);
        g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);
        g_autoptr(GPtrArray) all = g_ptr_array_new();
        const char *called;
        for (size_t i = 0; (called = rv_language_names(i)); i++) {
                char **split = g_strsplit(called, ";", -1);
                g_ptr_array_add(names, split);
                for (char **name = split; *name; name++)
                        g_ptr_array_add(all, *name);
        }
        g_ptr_array_add(all, NULL);
        return g_strdup(diag_nearest(text, (const char *const *)all->pdata));
}

/* INV-STYLE-LANGUAGES-001 */
static void add_language(GStrvBuilder *builder, const YamlNode *node, Diag *diag) {
        const char *text = NULL;
        if (!yaml_read_text(node, &text, diag))
                return;
        const char *code = rv_language_of(text);
        if (code) {
                g_strv_builder_add(builder, code);
                return;
        }
        g_autofree char *near = suggestion(text);
        if (near)
                yaml_fault(node, diag, "no language \"%s\": did you mean \"%s\"?", text, near);
        else
                yaml_fault(node, diag,
                           "no language \"%s\": write a code of ISO 639, like en or deu, or its English name", text);
}

static void read_languages(const YamlNode *node, char ***languages, Diag *diag) {
        g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
        const bool list = yaml_kind(node) == YAML_SEQUENCE;
        if (list && yaml_size(node) > LANGUAGES_MAX)
                yaml_fault(node, diag, "%d languages at most", LANGUAGES_MAX);
        for (unsigned i = 0; i < (list ? MIN(yaml_size(node), LANGUAGES_MAX) : 1); i++)
                add_language(builder, list ? yaml_item(node, i) : node, diag);
        g_strfreev(*languages);
        *languages = g_strv_builder_end(builder);
}

/* --- sound, subtitles, signalling -----------------------------------------------------------------------------------
 */

/* The mapping under a key, its own keys known; NULL: there is none. */
static const YamlNode *part_of(const YamlNode *root, const char *key, const char *const *known, Diag *diag) {
        const YamlNode *part = yaml_get(root, key);
        if (!part || !reader_want(part, YAML_MAPPING, key, diag))
                return NULL;
        yaml_check_keys(part, key, known, diag);
        return part;
}

static void read_sound(HouseStyle *style, const YamlNode *root, Diag *diag) {
        const YamlNode *languages = yaml_get(part_of(root, "sound", sound_keys, diag), "languages");
        if (languages)
                read_languages(languages, &style->sound_languages, diag);
}

static void read_subtitles(HouseStyle *style, const YamlNode *root, Diag *diag) {
        const YamlNode *subtitles = part_of(root, "subtitles", subtitles_keys, diag);
        const YamlNode *show = yaml_get(subtitles, "show"), *languages = yaml_get(subtitles, "languages");
        const int choice = show ? reader_choice(show, show_words, diag) : -1;
        if (choice >= 0)
                style->subtitles = SUBTITLES_NEVER + (SubtitlePolicy)choice;
        if (languages)
                read_languages(languages, &style->subtitle_languages, diag);
        if (languages && !show && style->subtitles == SUBTITLES_NEVER)
                reader_warn(languages, diag,
                            "no subtitles are shown: say when, like \"show: foreign\" or \"show: always\"");
}

static void read_signalling(HouseStyle *style, const YamlNode *root, Diag *diag) {
        const YamlNode *splices = yaml_get(part_of(root, "signalling", signalling_keys, diag), "splices");
        if (splices)
                (void)!yaml_read_bool(splices, &style->splices, diag);
}

/* --- all of it ------------------------------------------------------------------------------------------------------
 */

/* INV-STYLE-DEFAULTS-001: what _defaults.yaml says, field by field, then the file. */
static void read_part(ChannelSpec *spec, const YamlNode *root, Diag *diag) {
        if (!root || yaml_kind(root) != YAML_MAPPING)
                return;
        read_sound(spec->style, root, diag);
        read_subtitles(spec->style, root, diag);
        read_signalling(spec->style, root, diag);
        if (yaml_get(root, "graphics"))
                graphics_read(spec, yaml_get(root, "graphics"), diag);
}

void style_read(ChannelSpec *spec, const YamlNode *root, const YamlNode *defaults, Diag *diag) {
        const unsigned errors = diag_errors(diag);
        HouseStyle *style = spec->style;
        if (spec->logo) {
                char *path = graphics_path(yaml_get(root, "logo"), spec->logo);
                g_free(spec->logo);
                spec->logo = path;
        }
        g_free(style->channel_name);
        style->channel_name = g_strdup(spec->name ? spec->name : "");
        style->service_id = spec->number > 0 ? spec->number : style->service_id;
        read_part(spec, defaults, diag);
        read_part(spec, root, diag);
        graphics_settle(spec, root, defaults, diag);
        const char *fault = house_style_fault(style);
        if (fault && diag_errors(diag) == errors)
                yaml_fault(root, diag, "this channel cannot be put on the air: %s", fault);
}
