#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "core/plan/schedule/style/style.h"

static const char *const graphics_keys[] = {"logo", "next", "title", "slate", NULL};
static const char *const logo_keys[] = {"file", "corner", "opacity", "height", "on", "hours", NULL};
static const char *const next_keys[] = {"at", "for", "text", NULL};
static const char *const title_keys[] = {"after", "for", "after_breaks", NULL};
static const char *const corner_words[] = {"top-left", "top-right", "bottom-left", "bottom-right", NULL};
static const char *const slate_words[] = {"off", "operator", "on", NULL};

#define CONTENT_WORD "content"
#define HOURS_MAX 100
#define TEXT_MAX 120 /* bytes: a line over a picture */
#define SNIPE_MIN_MS INT64_C(2000)
#define SNIPE_MAX_MS INT64_C(60000)
#define NEXT_AT_MIN_MS INT64_C(10000)
#define NEXT_AT_MAX_MS HOUR_MS
#define TITLE_AFTER_MAX_MS (10 * MINUTE_MS)

/* --- the logo -------------------------------------------------------------------------------------------------------
 */

char *graphics_path(const YamlNode *node, const char *text) {
        g_autofree char *file = g_canonicalize_filename(yaml_file(node), NULL);
        g_autofree char *folder = g_path_get_dirname(file);
        return g_canonicalize_filename(text, folder);
}

/* "60%", "7.5%" or without the sign, in thousandths; decimals: whether there may be a tenth. */
static bool parse_permille(const char *text, bool decimals, int32_t *ret_permille) {
        char *end = NULL;
        if (!g_ascii_isdigit(*text))
                return false;
        const guint64 whole = g_ascii_strtoull(text, &end, 10);
        int tenth = 0;
        if (decimals && *end == '.' && g_ascii_isdigit(end[1])) {
                tenth = g_ascii_digit_value(end[1]);
                end += 2;
        }
        end += *end == '%';
        *ret_permille = whole <= 100 ? (int32_t)whole * 10 + tenth : INT32_MAX;
        return *end == '\0';
}

static void read_opacity(StyleLogo *logo, const YamlNode *node, Diag *diag) {
        const char *text = NULL;
        int32_t permille = 0;
        if (!yaml_read_text(node, &text, diag))
                return;
        if (parse_permille(text, false, &permille) && permille >= 10 && permille <= 1000)
                logo->opacity_percent = permille / 10;
        else
                yaml_fault(node, diag, "\"%s\" is no opacity: write 1%% to 100%%", text);
}

static void read_height(StyleLogo *logo, const YamlNode *node, Diag *diag) {
        const char *text = NULL;
        int32_t permille = 0;
        if (!yaml_read_text(node, &text, diag))
                return;
        if (parse_permille(text, true, &permille) && permille >= 10 && permille <= 500)
                logo->height_permille = permille;
        else
                yaml_fault(node, diag, "\"%s\" is no height: write 1%% to 50%% of the picture's, like 8%%", text);
}

/* `on`: over which kinds of segments; [0] is the programme. */
static void read_on(ChannelGraphics *graphics, const YamlNode *node, Diag *diag) {
        const char *words[ASSET_KINDS + 1] = {CONTENT_WORD};
        int n = 1;
        for (AssetKind kind = ASSET_COMMERCIAL; kind <= ASSET_FILLER; kind++)
                words[n++] = asset_kind_name(kind);
        const bool list = yaml_kind(node) == YAML_SEQUENCE;
        memset(graphics->logo_on, 0, sizeof(graphics->logo_on));
        if (list && yaml_size(node) == 0)
                yaml_fault(node, diag, "this list is empty: name at least one, or write \"logo: false\"");
        for (unsigned i = 0; i < (list ? yaml_size(node) : 1); i++) {
                const int choice = reader_choice(list ? yaml_item(node, i) : node, words, diag);
                if (choice >= 0)
                        graphics->logo_on[choice == 0 ? 0 : ASSET_COMMERCIAL + choice - 1] = true;
        }
}

/* "HH:MM" with nothing after it, or -1; 24:00 is the day's end, which is its begin. */
static int clock_minutes(const char *text, size_t length) {
        if (length != 5 || text[2] != ':')
                return -1;
        for (size_t i = 0; i < length; i++)
                if (i != 2 && !g_ascii_isdigit(text[i]))
                        return -1;
        const int hours = g_ascii_digit_value(text[0]) * 10 + g_ascii_digit_value(text[1]);
        const int minutes = g_ascii_digit_value(text[3]) * 10 + g_ascii_digit_value(text[4]);
        return minutes > 59 || hours * 60 + minutes > DAY_MINUTES ? -1 : (hours * 60 + minutes) % DAY_MINUTES;
}

static void add_hours(GArray *hours, const YamlNode *node, Diag *diag) {
        const char *text = NULL;
        if (!yaml_read_text(node, &text, diag))
                return;
        const char *dash = strchr(text, '-');
        const DayHours range = {.start = dash ? clock_minutes(text, (size_t)(dash - text)) : -1,
                                .end = dash ? clock_minutes(dash + 1, strlen(dash + 1)) : -1};
        if (range.start < 0 || range.end < 0)
                yaml_fault(node, diag, "\"%s\" is no stretch of the day: write it like \"18:00-02:00\"", text);
        else
                g_array_append_val(hours, range);
}

static void read_hours(ChannelGraphics *graphics, const YamlNode *node, Diag *diag) {
        const bool list = yaml_kind(node) == YAML_SEQUENCE;
        const unsigned n = list ? yaml_size(node) : 1;
        g_clear_pointer(&graphics->logo_hours, g_array_unref);
        graphics->logo_hours = g_array_new(false, false, sizeof(DayHours));
        if (n == 0 || n > HOURS_MAX)
                yaml_fault(node, diag, "hours are 1 to %d stretches of the day, like \"18:00-02:00\"", HOURS_MAX);
        for (unsigned i = 0; i < MIN(n, HOURS_MAX); i++)
                add_hours(graphics->logo_hours, list ? yaml_item(node, i) : node, diag);
}

static void read_file(StyleLogo *logo, const YamlNode *node, Diag *diag) {
        const char *text = NULL;
        if (!yaml_read_text(node, &text, diag))
                return;
        g_free(logo->image_uri);
        logo->image_uri = graphics_path(node, text);
}

static void read_logo_fields(ChannelSpec *spec, const YamlNode *node, Diag *diag) {
        ChannelGraphics *graphics = &spec->rules->graphics;
        StyleLogo *logo = &spec->style->logo;
        const YamlNode *file = yaml_get(node, "file"), *corner = yaml_get(node, "corner");
        const YamlNode *opacity = yaml_get(node, "opacity"), *height = yaml_get(node, "height");
        const YamlNode *on = yaml_get(node, "on"), *hours = yaml_get(node, "hours");
        yaml_check_keys(node, "graphics.logo", logo_keys, diag);
        if (file)
                read_file(logo, file, diag);
        const int choice = corner ? reader_choice(corner, corner_words, diag) : -1;
        if (choice >= 0)
                logo->corner = CORNER_TOP_LEFT + (Corner)choice;
        if (opacity)
                read_opacity(logo, opacity, diag);
        if (height)
                read_height(logo, height, diag);
        if (on)
                read_on(graphics, on, diag);
        if (hours)
                read_hours(graphics, hours, diag);
}

/* True, false, or how it is. */
static void read_logo(ChannelSpec *spec, const YamlNode *node, Diag *diag) {
        ChannelGraphics *graphics = &spec->rules->graphics;
        if (yaml_kind(node) == YAML_MAPPING) {
                graphics->logo = true;
                read_logo_fields(spec, node, diag);
        } else if (reader_want(node, YAML_SCALAR, "graphics.logo", diag)) {
                (void)!yaml_read_bool(node, &graphics->logo, diag);
        }
}

/* --- text -----------------------------------------------------------------------------------------------------------
 */

static void read_time(const YamlNode *mapping, const char *key, NumberRange bounds, int64_t *ret_ms, Diag *diag) {
        const YamlNode *node = yaml_get(mapping, key);
        if (node)
                (void)!yaml_read_duration_ms(node, bounds.low, bounds.high, ret_ms, diag);
}

/* A line without control characters, in which only {time} and {title} are in braces. */
static bool text_ok(const char *text) {
        for (const char *at = text; *at; at++) {
                if ((unsigned char)*at < ' ' || *at == '}')
                        return false;
                if (*at != '{')
                        continue;
                if (!g_str_has_prefix(at, NEXT_TIME) && !g_str_has_prefix(at, NEXT_TITLE))
                        return false;
                at = strchr(at, '}');
        }
        return strlen(text) <= TEXT_MAX;
}

static void read_text(ChannelGraphics *graphics, const YamlNode *node, Diag *diag) {
        const char *text = NULL;
        if (!yaml_read_text(node, &text, diag))
                return;
        if (text_ok(text)) {
                g_free(graphics->next_text);
                graphics->next_text = g_strdup(text);
        } else {
                yaml_fault(node, diag,
                           "\"%s\" must be a line of at most %d bytes; %s and %s stand for the next "
                           "programme's, and nothing else is in braces",
                           text, TEXT_MAX, NEXT_TIME, NEXT_TITLE);
        }
}

/* Whether the snipe is wanted: true and a mapping say so. */
static bool is_wanted(const YamlNode *node, const char *where, const char *const *known, Diag *diag) {
        bool wanted = false;
        if (yaml_kind(node) == YAML_MAPPING) {
                yaml_check_keys(node, where, known, diag);
                return true;
        }
        if (reader_want(node, YAML_SCALAR, where, diag))
                (void)!yaml_read_bool(node, &wanted, diag);
        return wanted;
}

static void read_next(ChannelGraphics *graphics, const YamlNode *node, Diag *diag) {
        graphics->next = is_wanted(node, "graphics.next", next_keys, diag);
        read_time(node, "at", (NumberRange){NEXT_AT_MIN_MS, NEXT_AT_MAX_MS}, &graphics->next_at_ms, diag);
        read_time(node, "for", (NumberRange){SNIPE_MIN_MS, SNIPE_MAX_MS}, &graphics->next_for_ms, diag);
        if (yaml_get(node, "text"))
                read_text(graphics, yaml_get(node, "text"), diag);
}

static void read_title(ChannelGraphics *graphics, const YamlNode *node, Diag *diag) {
        graphics->title = is_wanted(node, "graphics.title", title_keys, diag);
        read_time(node, "after", (NumberRange){0, TITLE_AFTER_MAX_MS}, &graphics->title_after_ms, diag);
        read_time(node, "for", (NumberRange){SNIPE_MIN_MS, SNIPE_MAX_MS}, &graphics->title_for_ms, diag);
        if (yaml_get(node, "after_breaks"))
                (void)!yaml_read_bool(yaml_get(node, "after_breaks"), &graphics->title_after_breaks, diag);
}

/* --- as a value -----------------------------------------------------------------------------------------------------
 */

ChannelGraphics channel_graphics_default(void) {
        ChannelGraphics graphics = {.next_at_ms = 5 * MINUTE_MS,
                                    .next_for_ms = 8000,
                                    .next_text = g_strdup("Next at " NEXT_TIME),
                                    .title_after_ms = 10000,
                                    .title_for_ms = 8000};
        graphics.logo_on[0] = true;
        return graphics;
}

void channel_graphics_clear(ChannelGraphics *graphics) {
        g_clear_pointer(&graphics->logo_hours, g_array_unref);
        g_clear_pointer(&graphics->next_text, g_free);
}

const ChannelGraphics *channel_spec_graphics(const ChannelSpec *spec) {
        const ChannelGraphics *graphics = &spec->rules->graphics;
        return graphics->logo || graphics->next || graphics->title ? graphics : NULL;
}

/* --- all of it ------------------------------------------------------------------------------------------------------
 */

void graphics_read(ChannelSpec *spec, const YamlNode *node, Diag *diag) {
        ChannelGraphics *graphics = &spec->rules->graphics;
        if (!reader_want(node, YAML_MAPPING, "graphics", diag))
                return;
        yaml_check_keys(node, "graphics", graphics_keys, diag);
        const YamlNode *slate = yaml_get(node, "slate");
        const int choice = slate ? reader_choice(slate, slate_words, diag) : -1;
        if (choice >= 0)
                spec->style->slate = SLATE_OFF + (SlateMode)choice;
        if (yaml_get(node, "logo"))
                read_logo(spec, yaml_get(node, "logo"), diag);
        if (yaml_get(node, "next"))
                read_next(graphics, yaml_get(node, "next"), diag);
        if (yaml_get(node, "title"))
                read_title(graphics, yaml_get(node, "title"), diag);
}

/* INV-STYLE-LOGO-001: a channel goes on the air without its picture; its operator is told. */
static void check_picture(const YamlNode *node, const char *path, Diag *diag) {
        if (g_str_has_suffix(path, ".svg"))
                reader_warn(node, diag, "the logo %s is SVG, which stands on pages only: give graphics.logo.file a PNG",
                            path);
        else if (access(path, R_OK) != 0)
                reader_warn(node, diag, "the logo %s cannot be read: %s; nothing stands in its place", path,
                            g_strerror(errno));
}

void graphics_settle(ChannelSpec *spec, const YamlNode *root, const YamlNode *defaults, Diag *diag) {
        ChannelGraphics *graphics = &spec->rules->graphics;
        StyleLogo *logo = &spec->style->logo;
        const YamlNode *own = yaml_get(yaml_get(root, "graphics"), "logo");
        const YamlNode *common = yaml_get(yaml_get(defaults, "graphics"), "logo");
        if (graphics->logo && !logo->image_uri)
                logo->image_uri = g_strdup(spec->logo);
        if (!graphics->logo) {
                g_clear_pointer(&logo->image_uri, g_free);
        } else if (logo->image_uri && !g_utf8_validate(logo->image_uri, -1, NULL)) {
                reader_warn(own ? own : common, diag, "the logo's path is not UTF-8: nothing stands in its place");
                g_clear_pointer(&logo->image_uri, g_free);
        } else if (logo->image_uri) {
                check_picture(own ? own : common, logo->image_uri, diag);
        } else if (own) {
                yaml_fault(own, diag, "there is no logo to show: name its \"file\", or the channel's \"logo\"");
        }
        graphics->logo = graphics->logo && logo->image_uri;
}
