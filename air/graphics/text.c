#include "air/graphics/text.h"

#include <string.h>

#include "air/graphics/script.h"

#define FAMILY "sans-serif"

struct Text {
        Script script;
        int32_t width, height;
        Overlay *overlay;     /* of the last look; NULL: nothing */
        uint32_t look, looks; /* looks: how many there have been */
};

Text *text_new(int32_t width, int32_t height) {
        Text *text = g_new0(Text, 1);
        text->width = width;
        text->height = height;
        if (!script_init(&text->script, width, height, FAMILY))
                g_clear_pointer(&text, g_free);
        return text;
}

void text_free(Text *text) {
        if (!text)
                return;
        script_clear(&text->script);
        overlay_unref(text->overlay);
        g_free(text);
}

/* libass takes what it does not change as char *, and lengths as int. */
void text_add_font(Text *text, const char *name, const void *data, size_t size) {
        if (size <= INT_MAX)
                ass_add_font(text->script.library, name, data, (int)size);
}

void text_set_header(Text *text, const char *header, size_t size) {
        if (size > INT_MAX)
                return;
        ass_process_codec_private(text->script.track, (char *)header, (int)size);
        script_tame_styles(text->script.track);
}

void text_add_event(Text *text, const char *event, int64_t start_ms, int64_t duration_ms) {
        g_autofree char *tame = script_tame_event(text->script.track, event);
        const size_t size = strlen(tame);
        if (size <= INT_MAX)
                ass_process_chunk(text->script.track, tame, (int)size, start_ms, duration_ms);
}

void text_forget_events(Text *text) {
        ass_flush_events(text->script.track);
}

static bool is_in(CanvasRect rect, int32_t width, int32_t height) {
        return rect.x < width && rect.y < height && rect.x + rect.width > 0 && rect.y + rect.height > 0;
}

static Overlay *overlay_of(const Text *text, const ASS_Image *images) {
        CanvasRect rect = script_bounds(images);
        if (rect.width == 0 || !is_in(rect, text->width, text->height))
                return NULL;
        const int32_t x = MAX(0, rect.x) / 2 * 2, y = MAX(0, rect.y) / 2 * 2;
        const int32_t right = MIN(text->width, rect.x + rect.width), bottom = MIN(text->height, rect.y + rect.height);
        g_autoptr(Canvas) canvas = canvas_new(right - x, bottom - y);
        script_draw(images, canvas, x, y);
        return overlay_new(canvas, x, y, text->height, 100);
}

/* INV-GRAPHICS-003 */
const Overlay *text_at(Text *text, int64_t time_ms, uint32_t *ret_look) {
        int changed = 0;
        const ASS_Image *images = ass_render_frame(text->script.renderer, text->script.track, time_ms, &changed);
        if (changed || (images && text->looks == 0)) {
                overlay_unref(text->overlay);
                text->overlay = overlay_of(text, images);
                text->look = text->overlay ? ++text->looks : 0;
        }
        if (ret_look)
                *ret_look = text->look;
        return text->overlay;
}
