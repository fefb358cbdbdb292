#include "proto/house/house_style.h"

#include <string.h>

#define MAX_NAME_BYTES 200
#define MAX_LANGUAGES 16

typedef Retrovue__Playout__V1__HouseStyle StyleMessage;
typedef Retrovue__Playout__V1__Logo LogoMessage;

HouseStyle *house_style_new(void) {
        HouseStyle *style = g_new0(HouseStyle, 1);
        style->refs = 1;
        style->channel_name = g_strdup("");
        style->sound_languages = g_new0(char *, 1);
        style->subtitle_languages = g_new0(char *, 1);
        style->subtitles = SUBTITLES_NEVER;
        style->logo = (StyleLogo){.corner = CORNER_BOTTOM_RIGHT, .opacity_percent = 60, .height_permille = 80};
        style->slate = SLATE_OFF;
        style->service_id = 1;
        return style;
}

HouseStyle *house_style_ref(const HouseStyle *style) {
        HouseStyle *mine = (HouseStyle *)style; /* const to its readers; the count is nobody's business but ours */
        g_atomic_int_inc(&mine->refs);
        return mine;
}

void house_style_unref(HouseStyle *style) {
        if (!style || !g_atomic_int_dec_and_test(&style->refs))
                return;
        g_free(style->channel_name);
        g_strfreev(style->sound_languages);
        g_strfreev(style->subtitle_languages);
        g_free(style->logo.image_uri);
        g_free(style);
}

static bool languages_ok(char *const *languages) {
        if (g_strv_length((char **)languages) > MAX_LANGUAGES)
                return false;
        for (; *languages; languages++)
                if (strlen(*languages) != 3 || strspn(*languages, "abcdefghijklmnopqrstuvwxyz") != 3)
                        return false;
        return true;
}

static bool logo_ok(const StyleLogo *logo) {
        return (!logo->image_uri || (logo->image_uri[0] == '/' && g_utf8_validate(logo->image_uri, -1, NULL))) &&
               logo->corner >= CORNER_TOP_LEFT && logo->corner <= CORNER_BOTTOM_RIGHT;
}

const char *house_style_fault(const HouseStyle *style) {
        if (strlen(style->channel_name) > MAX_NAME_BYTES || !g_utf8_validate(style->channel_name, -1, NULL))
                return "the channel's name must be at most 200 bytes of UTF-8";
        if (!languages_ok(style->sound_languages) || !languages_ok(style->subtitle_languages))
                return "at most 16 languages are given, each by three lower-case letters of ISO 639-2";
        if (style->subtitles < SUBTITLES_NEVER || style->subtitles > SUBTITLES_ALWAYS)
                return "there is no such rule for subtitles";
        if (!logo_ok(&style->logo))
                return "a logo is an absolute path in UTF-8 and stands in a corner";
        if (style->logo.opacity_percent < 1 || style->logo.opacity_percent > 100)
                return "the logo's opacity must be within 1..100 per cent";
        if (style->logo.height_permille < 10 || style->logo.height_permille > 500)
                return "the logo's height must be within 10..500 per mille of the picture's";
        if (style->slate < SLATE_OFF || style->slate > SLATE_ON)
                return "there is no such slate";
        if (style->service_id < 1 || style->service_id > 65535)
                return "the service id must be within 1..65535";
        return NULL;
}

StyleMessage *house_style_to_message(const HouseStyle *style) {
        StyleMessage *message = g_new(StyleMessage, 1);
        LogoMessage *logo = g_new(LogoMessage, 1);
        retrovue__playout__v1__house_style__init(message);
        retrovue__playout__v1__logo__init(logo);
        if (style->logo.image_uri)
                logo->image_uri = style->logo.image_uri;
        logo->corner = (Retrovue__Playout__V1__Corner)style->logo.corner;
        logo->opacity_percent = style->logo.opacity_percent;
        logo->height_permille = style->logo.height_permille;
        message->channel_name = style->channel_name;
        message->n_sound_languages = g_strv_length(style->sound_languages);
        message->sound_languages = style->sound_languages;
        message->subtitles = (Retrovue__Playout__V1__SubtitlePolicy)style->subtitles;
        message->n_subtitle_languages = g_strv_length(style->subtitle_languages);
        message->subtitle_languages = style->subtitle_languages;
        message->logo = logo;
        message->slate = (Retrovue__Playout__V1__SlateMode)style->slate;
        message->splices = style->splices;
        message->service_id = style->service_id;
        return message;
}

void house_style_message_free(StyleMessage *message) {
        if (!message)
                return;
        g_free(message->logo);
        g_free(message);
}

static char **languages_from(char *const *languages, size_t n) {
        g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
        for (size_t i = 0; i < n; i++)
                g_strv_builder_add(builder, languages[i] ? languages[i] : "");
        return g_strv_builder_end(builder);
}

static void logo_from_message(StyleLogo *logo, const LogoMessage *message) {
        if (message->image_uri && *message->image_uri != '\0')
                logo->image_uri = g_strdup(message->image_uri);
        if (message->corner)
                logo->corner = (Corner)message->corner;
        if (message->opacity_percent)
                logo->opacity_percent = message->opacity_percent;
        if (message->height_permille)
                logo->height_permille = message->height_permille;
}

static void take_lists(HouseStyle *style, const StyleMessage *message) {
        g_strfreev(style->sound_languages);
        style->sound_languages = languages_from(message->sound_languages, message->n_sound_languages);
        g_strfreev(style->subtitle_languages);
        style->subtitle_languages = languages_from(message->subtitle_languages, message->n_subtitle_languages);
}

HouseStyle *house_style_from_message(const StyleMessage *message) {
        g_autoptr(HouseStyle) style = house_style_new();
        if (!message)
                return g_steal_pointer(&style);
        g_free(style->channel_name);
        style->channel_name = g_strdup(message->channel_name ? message->channel_name : "");
        take_lists(style, message);
        if (message->logo)
                logo_from_message(&style->logo, message->logo);
        style->subtitles = message->subtitles ? (SubtitlePolicy)message->subtitles : SUBTITLES_NEVER;
        style->slate = message->slate ? (SlateMode)message->slate : SLATE_OFF;
        style->splices = message->splices;
        style->service_id = message->service_id ? message->service_id : 1;
        return house_style_fault(style) ? NULL : g_steal_pointer(&style); /* INV-HOUSE-002 */
}
