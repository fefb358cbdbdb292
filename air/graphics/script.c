#include "air/graphics/script.h"

#include <stdarg.h>
#include <string.h>

#include "proto/base/log.h"

/* What libass may keep for the next picture. */
#define GLYPHS_KEPT 2000
#define BITMAPS_KEPT_MB 16

#define MAX_SCALE_PERCENT 400
#define MAX_BLUR 20

/* 0 fatal, 1 error, 2 warning, 4 information; a missing glyph is nobody's emergency. */
static G_GNUC_PRINTF(2, 0) void on_message(int level, const char *format, va_list arguments, void *user) {
        if (level > 2 || !rv_log_enabled(RV_LOG_DEBUG))
                return;
        g_autofree char *detail = g_strdup_vprintf(format, arguments);
        rv_debug("graphics.libass", RV_S("detail", g_strchomp(detail)));
}

bool script_init(Script *script, int32_t width, int32_t height, const char *family) {
        *script = (Script){.library = ass_library_init()};
        if (!script->library)
                return false;
        ass_set_message_cb(script->library, on_message, NULL);
        script->renderer = ass_renderer_init(script->library);
        script->track = ass_new_track(script->library);
        if (!script->renderer || !script->track) {
                script_clear(script);
                return false;
        }
        ass_set_frame_size(script->renderer, width, height);
        ass_set_storage_size(script->renderer, width, height);
        ass_set_cache_limits(script->renderer, GLYPHS_KEPT, BITMAPS_KEPT_MB);
        ass_set_fonts(script->renderer, NULL, family, ASS_FONTPROVIDER_AUTODETECT, NULL, 0);
        return true;
}

void script_clear(Script *script) {
        if (script->track)
                ass_free_track(script->track);
        if (script->renderer)
                ass_renderer_done(script->renderer);
        if (script->library)
                ass_library_done(script->library);
        *script = (Script){0};
}

void script_draw(const ASS_Image *images, Canvas *into, int32_t x, int32_t y) {
        for (const ASS_Image *image = images; image; image = image->next) {
                const CanvasRect rect = {image->dst_x - x, image->dst_y - y, image->w, image->h};
                const Colour colour = (image->color & 0xFFFFFF00) | (0xFF - (image->color & 0xFF));
                canvas_mask(into, rect, image->bitmap, image->stride, colour);
        }
}

CanvasRect script_bounds(const ASS_Image *images) {
        int32_t left = INT32_MAX, top = INT32_MAX, right = INT32_MIN, bottom = INT32_MIN;
        for (const ASS_Image *image = images; image; image = image->next) {
                left = MIN(left, image->dst_x);
                top = MIN(top, image->dst_y);
                right = MAX(right, image->dst_x + image->w);
                bottom = MAX(bottom, image->dst_y + image->h);
        }
        if (left >= right)
                return (CanvasRect){0};
        return (CanvasRect){left, top, right - left, bottom - top};
}

/* --- what scripts ask for, within what a picture can show --- */

/* In the script's own units: letters as high as the picture, borders a quarter of it. */
static double max_size(const ASS_Track *track) {
        return MAX(track->PlayResY, 1);
}

static double max_border(const ASS_Track *track) {
        return max_size(track) / 4;
}

void script_tame_styles(ASS_Track *track) {
        for (int i = 0; i < track->n_styles; i++) {
                ASS_Style *style = &track->styles[i];
                style->FontSize = MIN(style->FontSize, max_size(track));
                style->ScaleX = MIN(style->ScaleX, MAX_SCALE_PERCENT / 100.0);
                style->ScaleY = MIN(style->ScaleY, MAX_SCALE_PERCENT / 100.0);
                style->Outline = MIN(style->Outline, max_border(track));
                style->Shadow = MIN(style->Shadow, max_border(track));
        }
}

/* The length of the command's name at text, and the most that may follow it; 0: none that matters. */
static size_t find_command(const ASS_Track *track, const char *text, double *ret_most) {
        const double border = max_border(track);
        const struct {
                const char *name;
                double most;
        } commands[] = {
                {"fscx", MAX_SCALE_PERCENT},
                {"fscy", MAX_SCALE_PERCENT},
                {"fsp", border},
                {"fs", max_size(track)},
                {"xbord", border},
                {"ybord", border},
                {"bord", border},
                {"xshad", border},
                {"yshad", border},
                {"shad", border},
                {"blur", MAX_BLUR},
                {"be", MAX_BLUR},
        };
        for (size_t i = 0; i < G_N_ELEMENTS(commands); i++)
                if (g_str_has_prefix(text, commands[i].name)) {
                        *ret_most = commands[i].most;
                        return strlen(commands[i].name);
                }
        return 0;
}

char *script_tame_event(const ASS_Track *track, const char *event) {
        GString *tame = g_string_new(NULL);
        for (const char *at = event; *at;) {
                const char *name = at + 1;
                while (*at == '\\' && *name == ' ')
                        name++;
                double most = 0;
                const size_t length = *at == '\\' ? find_command(track, name, &most) : 0;
                if (length == 0) {
                        g_string_append_c(tame, *at++);
                        continue;
                }
                const char *number = name + length + strspn(name + length, " (");
                char *end;
                const double value = g_ascii_strtod(number, &end);
                const bool relative = *number == '+' || *number == '-'; /* to what it is by then: adds up */
                g_string_append_len(tame, at, number - at);
                if (end > number && (relative || !(value <= most)))
                        g_string_append_printf(tame, "%d", relative ? 0 : (int)most);
                else
                        g_string_append_len(tame, number, end - number);
                at = end;
        }
        return g_string_free(tame, FALSE);
}
