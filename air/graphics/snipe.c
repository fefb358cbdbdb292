#include "air/graphics/snipe.h"

#include "air/graphics/logo.h"
#include "air/graphics/typeset.h"

#define HEADLINE 0xFFFFFFFF
#define DETAIL 0xFFC65CFF
#define PLATE_TOP 0x1B2433D9
#define PLATE_BOTTOM 0x0E131DE6
#define ACCENT 0xFFB52EFF

/* Per mille of the house's height: of it everything else is made, so that it looks the same in every size. */
#define HEADLINE_SIZE 62
#define DETAIL_SIZE 36
#define PAD_X 26
#define PAD_Y 17
#define BAR_WIDTH 8
#define RADIUS 8
#define GAP_TO_LOGO 20
#define LEAST_WIDTH 320
#define LEAST_SIZE 9 /* pixels: below it nothing can be read */

typedef struct {
        Face headline, detail;
        int32_t pad_x, pad_y, bar, radius;
        int32_t x, bottom, max_width; /* of the plate */
} Layout;

static int32_t part(const HouseFormat *format, int32_t permille) {
        return format->height * permille / 1000;
}

/* Beside a logo in the lower right corner where there is room for a line, else over one in a lower corner. */
static void make_way(Layout *layout, const HouseFormat *format, const Overlay *logo) {
        const int32_t gap = part(format, GAP_TO_LOGO), beside = logo->x - gap - layout->x;
        if (logo->y + logo->height < format->height / 2)
                return;
        if (beside >= format->width / 2)
                layout->max_width = MIN(layout->max_width, beside);
        else
                layout->bottom = logo->y - gap;
}

static Layout lay_out(const HouseFormat *format, const HouseStyle *style, const Overlay *logo) {
        const LogoPlace place = logo_place(format, style);
        Layout layout = {
                .headline = {MAX(LEAST_SIZE, part(format, HEADLINE_SIZE)), 600, HEADLINE},
                .detail = {MAX(LEAST_SIZE, part(format, DETAIL_SIZE)), 600, DETAIL},
                .pad_x = part(format, PAD_X),
                .pad_y = part(format, PAD_Y),
                .bar = MAX(2, part(format, BAR_WIDTH)),
                .radius = part(format, RADIUS),
                .x = place.margin_x,
                .bottom = format->height - place.margin_y,
                .max_width = format->width - 2 * place.margin_x,
        };
        if (logo)
                make_way(&layout, format, logo);
        return layout;
}

Overlay *snipe_make(const HouseFormat *format, const HouseStyle *style, const BlockSnipe *snipe, const Overlay *logo) {
        const Layout layout = lay_out(format, style, logo);
        const int32_t left = layout.bar + layout.pad_x, room = layout.max_width - left - layout.pad_x;
        int32_t headline_width, detail_width = 0;
        g_autofree char *headline = typeset_fit(&layout.headline, snipe->headline, room, &headline_width);
        g_autofree char *detail = typeset_fit(&layout.detail, snipe->detail ? snipe->detail : "", room, &detail_width);
        const int32_t text_width = MAX(headline_width, detail_width);
        if (text_width == 0)
                return NULL;
        const int32_t width = MIN(layout.max_width, MAX(part(format, LEAST_WIDTH), left + text_width + layout.pad_x));
        const int32_t detail_height = detail_width ? layout.detail.size : 0;
        const int32_t height = (2 * layout.pad_y + detail_height + layout.headline.size + 1) / 2 * 2;
        g_autoptr(Canvas) canvas = canvas_new(width, height);
        canvas_plate(canvas, (CanvasRect){0, 0, width, height}, layout.radius, PLATE_TOP, PLATE_BOTTOM);
        canvas_plate(canvas, (CanvasRect){0, 0, layout.bar, height}, 0, ACCENT, ACCENT);
        typeset_line(canvas, &layout.detail, detail, left, layout.pad_y);
        typeset_line(canvas, &layout.headline, headline, left, layout.pad_y + detail_height);
        return overlay_new(canvas, layout.x, MAX(0, layout.bottom - height) / 2 * 2, format->height, 100);
}
