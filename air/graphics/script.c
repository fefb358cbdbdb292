#include "air/graphics/script.h"

#include <stdarg.h>

#include "proto/base/log.h"

/* What libass may keep for the next picture. */
#define GLYPHS_KEPT 2000
#define BITMAPS_KEPT_MB 16

/* 0 fatal, 1 error, 2 warning, 4 information; a missing glyph is nobody's emergency. */
static void on_message(int level, const char *format, va_list arguments, void *user) {
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
