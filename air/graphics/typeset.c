#include "air/graphics/typeset.h"

#include <stdlib.h>
#include <string.h>

#include "air/graphics/script.h"

#define FAMILY "Inter" /* the system's choice where it is not there, or has no such letters */
/* Longer and higher than any line: libass cuts off at the frame's edge. */
#define FRAME_WIDTH 16384
#define FRAME_HEIGHT 1024
#define ELLIPSIS "\xe2\x80\xa6"
/* After a backslash: takes no room, and makes no command of the two. */
#define WORD_JOINER "\xe2\x81\xa0"

static const char HEADER[] = "[Script Info]\nScriptType: v4.00+\nPlayResX: 16384\nPlayResY: 1024\nWrapStyle: 2\n"
                             "ScaledBorderAndShadow: yes\n\n[V4+ Styles]\n"
                             "Format: Name, Fontname, Fontsize, PrimaryColour, Alignment, Encoding\n"
                             "Style: Default," FAMILY ",20,&H00FFFFFF,7,-1\n\n[Events]\n"
                             "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n";

static GMutex lock;
static Script shared; /* behind the lock; without a renderer: not to be had (yet) */

static bool is_ready(void) {
        if (shared.renderer)
                return true;
        if (!script_init(&shared, FRAME_WIDTH, FRAME_HEIGHT, FAMILY))
                return false;
        ass_process_codec_private(shared.track, (char *)HEADER, (int)strlen(HEADER));
        return true;
}

/* INV-GRAPHICS-006: what is no text becomes a blank, what would be a command is spelt so that it is none. */
static void append_literal(GString *script, const char *text) {
        for (const char *at = text; *at; at = g_utf8_next_char(at)) {
                const gunichar c = g_utf8_get_char(at);
                if (c == '\\')
                        g_string_append(script, "\\" WORD_JOINER);
                else if (c == '{' || c == '}')
                        g_string_append_printf(script, "\\%c", (char)c);
                else if (g_unichar_iscntrl(c) || c == 0x2028 || c == 0x2029)
                        g_string_append_c(script, ' ');
                else
                        g_string_append_unichar(script, c);
        }
}

/* What libass draws of the line at its frame's corner; lent until the next call. */
static const ASS_Image *draw(const Face *face, const char *text) {
        g_autoptr(GString) script = g_string_new(NULL);
        const Colour colour = face->colour;
        g_string_append_printf(script, "{\\pos(0,0)\\fs%d\\b%d\\bord0\\shad0\\1c&H%02X%02X%02X&\\1a&H%02X&}",
                               face->size, face->weight, colour >> 8 & 0xFF, colour >> 16 & 0xFF, colour >> 24,
                               0xFF - (colour & 0xFF));
        append_literal(script, text);
        ass_flush_events(shared.track);
        const int event = ass_alloc_event(shared.track);
        shared.track->events[event].Style = shared.track->n_styles - 1; /* before it: libass's own */
        shared.track->events[event].Duration = 1;
        shared.track->events[event].Text = strdup(script->str); /* freed by libass */
        return ass_render_frame(shared.renderer, shared.track, 0, NULL);
}

static int32_t width_of(const Face *face, const char *text) {
        const CanvasRect bounds = script_bounds(draw(face, text));
        return bounds.width ? bounds.x + bounds.width : 0;
}

/* The first n characters, but no part of one that is made of several, and the ellipsis. */
static char *shorten(const char *text, long n) {
        const char *end = g_utf8_offset_to_pointer(text, n);
        while (end > text && (g_unichar_ismark(g_utf8_get_char(end)) || g_unichar_iszerowidth(g_utf8_get_char(end))))
                end = g_utf8_prev_char(end);
        g_autofree char *start = g_strndup(text, (size_t)(end - text));
        return g_strconcat(g_strchomp(start), ELLIPSIS, NULL);
}

char *typeset_fit(const Face *face, const char *text, int32_t max_width, int32_t *ret_width) {
        g_autofree char *valid = g_utf8_make_valid(text, -1);
        char *best = g_strdup(valid);
        *ret_width = 0;
        g_mutex_lock(&lock);
        if (is_ready())
                *ret_width = width_of(face, valid);
        if (*ret_width > max_width) {
                long fits = 0, too_long = g_utf8_strlen(valid, -1);
                while (too_long - fits > 1) {
                        const long middle = (fits + too_long) / 2;
                        g_autofree char *shorter = shorten(valid, middle);
                        if (width_of(face, shorter) <= max_width)
                                fits = middle;
                        else
                                too_long = middle;
                }
                g_free(best);
                best = shorten(valid, fits);
                *ret_width = width_of(face, best);
        }
        g_mutex_unlock(&lock);
        return best;
}

void typeset_line(Canvas *into, const Face *face, const char *text, int32_t x, int32_t y) {
        g_autofree char *valid = g_utf8_make_valid(text, -1);
        g_mutex_lock(&lock);
        if (is_ready())
                script_draw(draw(face, valid), into, -x, -y);
        g_mutex_unlock(&lock);
}
