#include "air/graphics/graphics.h"
#include "air/graphics/typeset.h"

#define NAME 0xFFFFFFFF
#define MESSAGE 0xC3CDDBFF
#define LABEL 0x8794A8FF
#define ACCENT 0xFFB52EFF
#define GROUND_TOP 0x24344FFF
#define GROUND_BOTTOM 0x081833FF /* as far from grey as the top: no bands of hues */
#define PANEL 0x05080E8C

/* Per mille of the house's height. */
#define NAME_SIZE 110
#define MESSAGE_SIZE 52
#define RULE_WIDTH 120
#define RULE_HEIGHT 6
#define LINE_SIZE 36
#define LINE_PAD 24
#define LABEL_WIDTH 150
#define MARGIN 60
#define LEAST_SIZE 9 /* pixels */

static const char BACK[] = "We will be right back";

typedef struct {
        const HouseFormat *format;
        Canvas *canvas;
} Page;

static int32_t part(const Page *page, int32_t permille) {
        return page->format->height * permille / 1000;
}

static Face face_of(const Page *page, int32_t permille, int32_t weight, Colour colour) {
        return (Face){MAX(LEAST_SIZE, part(page, permille)), weight, colour};
}

static void centred(const Page *page, const Face *face, const char *text, int32_t y) {
        int32_t width;
        g_autofree char *line = typeset_fit(face, text, page->format->width - 2 * part(page, MARGIN), &width);
        typeset_line(page->canvas, face, line, (page->format->width - width) / 2, y);
}

/* Name, rule and message, one under the other, their middle at y. */
static void draw_message(const Page *page, const char *name, int32_t y) {
        const Face title = face_of(page, NAME_SIZE, 700, NAME), message = face_of(page, MESSAGE_SIZE, 400, MESSAGE);
        const int32_t gap = part(page, LINE_PAD), rule = MAX(2, part(page, RULE_HEIGHT));
        const int32_t width = part(page, RULE_WIDTH);
        y -= (title.size + gap + rule + gap + message.size) / 2;
        centred(page, &title, name ? name : "", y);
        y += title.size + gap;
        canvas_plate(page->canvas, (CanvasRect){(page->format->width - width) / 2, y, width, rule}, rule / 2, ACCENT,
                     ACCENT);
        centred(page, &message, BACK, y + rule + gap);
}

static void draw_fact(const Page *page, const char *label, const char *text, int32_t y) {
        const Face dim = face_of(page, LINE_SIZE, 400, LABEL), bright = face_of(page, LINE_SIZE, 400, NAME);
        const int32_t x = part(page, MARGIN) + part(page, LINE_PAD), text_x = x + part(page, LABEL_WIDTH);
        int32_t width;
        g_autofree char *line = typeset_fit(&bright, text, page->format->width - 2 * x + x - text_x, &width);
        typeset_line(page->canvas, &dim, label, x, y);
        typeset_line(page->canvas, &bright, line, text_x, y);
}

static char *segment_of(const SlateCause *cause) {
        const BlockSegment *segment = &cause->block->segments[cause->segment_index];
        return g_strdup_printf("%s (%s, %u of %u)", segment->title ? segment->title : "",
                               segment_type_name(segment->type), cause->segment_index + 1, cause->block->n_segments);
}

static char *block_of(const SlateCause *cause) {
        return g_strdup_printf("%s (%s)", cause->block->title ? cause->block->title : "", cause->block->block_id);
}

static char *reason_of(const SlateCause *cause) {
        return g_strdup_printf("%s%s%s", cause->reason, cause->detail && cause->detail[0] ? ": " : "",
                               cause->detail ? cause->detail : "");
}

#define FACTS 4

/* Returns the panel's height. */
static int32_t draw_facts(const Page *page, const SlateCause *cause) {
        const bool has_block = cause->block != NULL;
        const char *uri = has_block ? cause->block->segments[cause->segment_index].asset_uri : NULL;
        g_autofree char *block = has_block ? block_of(cause) : NULL;
        g_autofree char *segment = has_block ? segment_of(cause) : NULL;
        g_autofree char *file = uri ? g_path_get_basename(uri) : NULL;
        g_autofree char *reason = cause->reason ? reason_of(cause) : NULL;
        const char *facts[FACTS][2] = {{"Block", block}, {"Segment", segment}, {"File", file}, {"Reason", reason}};
        const int32_t line = face_of(page, LINE_SIZE, 400, 0).size * 5 / 4, pad = part(page, LINE_PAD);
        int32_t n = 0;
        for (int i = 0; i < FACTS; i++)
                n += facts[i][1] != NULL;
        const int32_t margin = part(page, MARGIN), height = n * line + 2 * pad - line / 5;
        int32_t y = page->format->height - margin - height;
        canvas_plate(page->canvas, (CanvasRect){margin, y, page->format->width - 2 * margin, height},
                     part(page, RULE_HEIGHT) * 2, PANEL, PANEL);
        y += pad;
        for (int i = 0; i < FACTS; i++)
                if (facts[i][1]) {
                        draw_fact(page, facts[i][0], facts[i][1], y);
                        y += line;
                }
        return height + margin;
}

void graphics_slate(const HouseFormat *format, const HouseStyle *style, const SlateCause *cause, const I420 *into) {
        g_autoptr(Canvas) canvas = canvas_new(format->width, format->height);
        const Page page = {format, canvas};
        canvas_plate(canvas, (CanvasRect){0, 0, format->width, format->height}, 0, GROUND_TOP, GROUND_BOTTOM);
        const bool tells = style->slate == SLATE_OPERATOR && cause; /* INV-GRAPHICS-009 */
        const int32_t below = tells ? draw_facts(&page, cause) : 0;
        draw_message(&page, style->channel_name, (format->height - below) / 2);
        g_autoptr(Overlay) overlay = overlay_new(canvas, 0, 0, format->height, 100);
        overlay_blend(overlay, into, 0, OVERLAY_OPAQUE);
}
